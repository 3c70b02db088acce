//! Functions as hooks before changes: what they read is asked of the engine, in the name of whoever makes the change.

use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Error, limits};
use backstay_engine::{BeforeCall, BeforeOutcome, BeforeProcedure};
use futures_util::future::{BoxFuture, FutureExt};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::functions::Functions;
use crate::host::{Attempt, Begun, Host, Refusal};
use crate::procedures::{answered, auth, failed};
use crate::running::{Call, CalledBy};

impl Functions {
    /// What carries out the hooks that name this function, if there is one.
    pub fn before(self: &Arc<Self>, function: &str) -> Option<Arc<dyn BeforeProcedure>> {
        let named = Named { functions: Arc::clone(self), name: function.to_owned() };
        self.has(function).then(|| Arc::new(named) as Arc<dyn BeforeProcedure>)
    }
}

/// One of the functions.
#[derive(Debug)]
struct Named {
    functions: Arc<Functions>,
    name: String,
}

/// What the prelude says of one change.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Told<'t> {
    #[serde(borrow)]
    Changes(&'t RawValue),
    Refused {
        message: String,
        code: Option<String>,
        field: Option<String>,
    },
}

impl BeforeProcedure for Named {
    fn run(&self, call: BeforeCall) -> BoxFuture<'_, Result<Vec<BeforeOutcome>, Error>> {
        async move {
            let made = Call {
                function: self.name.clone(),
                by: CalledBy::Changes,
                arguments: format!("[{}]", call.changes().collect::<Vec<_>>().join(",")),
                auth: auth(call.caller()),
                ambient: call.ambient().clone(),
                flow: call.flow(),
                deadline: call.deadline(),
                longest: Duration::from_secs(limits::FUNCTION_SECONDS),
            };
            let told = self.functions.call(made, &Reading(call)).await;
            let told = told.map_err(|failure| failed(&self.name, failure))?;
            let told: Vec<Told<'_>> = serde_json::from_str(&told).map_err(Error::internal)?;
            let outcome = |told| match told {
                Told::Changes(raw) => BeforeOutcome::Changes(raw.get().to_owned()),
                Told::Refused { message, code, field } => {
                    let message = self.functions.redacted(message);
                    BeforeOutcome::Refused { code, message, field }
                }
            };
            Ok(told.into_iter().map(outcome).collect())
        }
        .boxed()
    }
}

/// What a hook asks: it reads for one of its changes, which takes the place of a block.
#[derive(Debug)]
struct Reading(BeforeCall);

/// The prelude asks for something that no hook may do.
#[derive(Debug, thiserror::Error)]
#[error("a hook before a change only reads")]
struct OnlyReads;

fn refused<T: Send + 'static>() -> BoxFuture<'static, Result<T, Refusal>> {
    async { Err(Refusal::of(Error::internal(OnlyReads))) }.boxed()
}

impl Host for Reading {
    fn hears(&self) -> bool {
        self.0.trace().is_on()
    }

    fn hear(&self, level: &str, text: &str) {
        self.0.trace().line(level, text);
    }

    fn request<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async move {
            let change = block.and_then(|number| usize::try_from(number).ok());
            let change = change.ok_or_else(|| Refusal::of(Error::internal(OnlyReads)))?;
            answered(self.0.read(change, text).await)
        }
        .boxed()
    }

    fn peek<'a>(&'a self, _: u64, _: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        refused()
    }

    fn queue<'a>(&'a self, _: Option<u64>, _: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        refused()
    }

    fn mail<'a>(&'a self, _: Option<u64>, _: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        refused()
    }

    fn begin(&self) -> BoxFuture<'_, Result<Begun, Refusal>> {
        refused()
    }

    fn commit<'a>(&'a self, _: u64, _: &'a str) -> BoxFuture<'a, Result<Option<Attempt>, Refusal>> {
        refused()
    }

    fn rollback(&self, _: u64) {}
}
