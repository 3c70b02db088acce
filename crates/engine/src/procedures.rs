//! What carries out the actions that a model declares.

use std::fmt;
use std::sync::Arc;

use backstay_base::Error;
use futures_util::future::BoxFuture;

use crate::{ActionCall, BeforeProcedure};

/// The procedures that carry out the actions of a model, and its hooks before changes.
pub trait Procedures: fmt::Debug + Send + Sync {
    /// The one that `@function(name:)` names.
    fn procedure(&self, function: &str) -> Option<Arc<dyn Procedure>>;

    /// The one that `@on(phase: BEFORE)` names.
    fn before(&self, function: &str) -> Option<Arc<dyn BeforeProcedure>>;
}

/// Carries out an action.
pub trait Procedure: fmt::Debug + Send + Sync {
    /// Carries it out, and returns its result as JSON. It is dropped if the time of its caller is up; what it has committed by
    /// then remains.
    fn run(&self, call: ActionCall) -> BoxFuture<'_, Result<String, Error>>;
}
