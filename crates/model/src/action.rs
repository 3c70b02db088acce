use std::sync::Arc;

use backstay_base::RecordId;

use crate::call_rate::CallRate;
use crate::ids::{CollectionId, EmbeddedId};
use crate::job::Job;
use crate::route::Route;
use crate::source::{RuleText, Span};

/// What a team's own function does when a client asks for it: a field of `type Query` or `type Mutation`.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its name, such as `checkout`.
    pub name: String,
    /// The description in the model.
    pub description: Option<String>,
    /// `@deprecated(reason:)`: why clients should no longer use it.
    pub deprecated: Option<String>,
    /// `@function(name:)`: what carries it out.
    pub function: String,
    /// Its arguments, as the members of this type; `None`: it takes none.
    pub arguments: Option<EmbeddedId>,
    /// What it returns.
    pub result: ActionResult,
    /// `@allow(call:)`: who may call it.
    pub call: RuleText,
    /// `@limit`: how often it may be called.
    pub rate: Option<CallRate>,
    /// `@job`: it can be queued.
    pub job: Option<Job>,
    /// Whether it may change anything: it is declared in `type Mutation`, or a route with another method than `GET`.
    pub writes: bool,
    /// `@route`, `@inbox`: where it is called; `None`: at `/do/` and its name.
    pub route: Option<Route>,
    /// Where its name is in the model.
    pub span: Span,
}

impl Action {
    /// Whether clients may be able to call it: it isn't a job alone.
    pub fn is_offered(&self) -> bool {
        self.job.as_ref().is_none_or(|job| !job.only)
    }
}

/// What an action returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionResult {
    /// A type whose one member holds it.
    pub of: EmbeddedId,
    /// Whether a client gets it as it is.
    pub kind: ResultKind,
}

/// Whether a client gets what an action returns as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultKind {
    /// It is a value, and answered as it is.
    Value,
    /// It is the id of a record, which is read for the client.
    Record(CollectionId),
    /// It is a list of such ids.
    Records(CollectionId),
}

/// What an action has returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// Null.
    Nothing,
    /// A value as JSON.
    Value(Arc<str>),
    /// The id of a record.
    Record(CollectionId, RecordId),
    /// The ids of records.
    Records(CollectionId, Vec<RecordId>),
}
