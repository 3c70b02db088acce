//! Functions as the procedures of actions: what a function asks is asked of the engine, in the name of the action's caller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Caller, Error, Limit, Place, RefusedByProcedure, Shared, limits};
use backstay_engine::{ActionCall, AskedJob, Begun as EngineBegun, Block, Committed, Procedure};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use serde_json::json;

use crate::accounts::Accounts;
use crate::failure::{Failure, indented};
use crate::functions::Functions;
use crate::host::{Attempt, Begun, Host, NoJob, Refusal};
use crate::running::{Call, CalledBy};
use crate::{jobs, mail};

impl Functions {
    /// What carries out the actions that name this function, if there is one.
    pub fn procedure(self: &Arc<Self>, function: &str) -> Option<Arc<dyn Procedure>> {
        let named = Named { functions: Arc::clone(self), name: function.to_owned() };
        self.has(function).then(|| Arc::new(named) as Arc<dyn Procedure>)
    }
}

/// How long a call may take that is no job.
const LONGEST: Duration = Duration::from_secs(limits::FUNCTION_SECONDS);

/// One of the functions.
#[derive(Debug)]
struct Named {
    functions: Arc<Functions>,
    name: String,
}

impl Procedure for Named {
    fn run(&self, call: ActionCall) -> BoxFuture<'_, Result<String, Error>> {
        async move {
            let made = Call {
                function: self.name.clone(),
                by: CalledBy::Action,
                arguments: call.arguments().to_owned(),
                auth: auth(call.caller()),
                ambient: call.ambient().clone(),
                flow: call.flow(),
                deadline: None,
                longest: call.running_job().map_or(LONGEST, |job| job.timeout()),
            };
            let (functions, accounts) = (Arc::clone(&self.functions), self.functions.accounts());
            let session = Session { call, functions, blocks: Mutex::default(), accounts };
            self.functions.call(made, &session).await.map_err(|failure| failed(&self.name, failure))
        }
        .boxed()
    }
}

/// What a function sees as `auth`.
pub(crate) fn auth(caller: &Caller) -> String {
    json!({
        "kind": caller.kind.name(), "id": caller.id.map(|id| id.to_string()),
        "roles": caller.roles.iter().map(|role| &**role).collect::<Vec<_>>(), "claims": &*caller.claims,
        "verified": caller.verified, "via": caller.via.iter().map(|action| &**action).collect::<Vec<_>>(),
    })
    .to_string()
}

/// What the caller learns when a call of this function fails.
pub(crate) fn failed(function: &str, failure: Failure) -> Error {
    match failure {
        Failure::Refused { message, code } => Error::Refused(Box::new(RefusedByProcedure { code, message })),
        Failure::Request { what, stack, error } => request_failed((function, what), &stack, error),
        failure @ Failure::Inexact { .. } => {
            let (message, code) = (failure.to_string(), Some("inexact-number".to_owned()));
            Error::Refused(Box::new(RefusedByProcedure { code, message }))
        }
        Failure::Busy => Limit::Busy.into(),
        Failure::Share => Limit::Share(Shared::Calls).into(),
        Failure::Spent | Failure::NeverSettles => {
            tracing::warn!(function, "{failure}");
            Limit::Deadline.into()
        }
        failure @ (Failure::Thrown { .. } | Failure::TooLarge | Failure::Engine(_)) => Error::internal(failure),
    }
}

/// What the caller learns when a request is refused and the function doesn't catch that.
fn request_failed((function, what): (&str, String), stack: &str, error: Error) -> Error {
    match error {
        Error::Malformed(wrong) => {
            let described = wrong.iter().map(|one| match &one.at {
                Place::Whole => one.kind.to_string(),
                at => format!("{at}: {}", one.kind),
            });
            let wrong = described.collect::<Vec<_>>().join("; ");
            Error::internal(Mistaken { what, wrong, stack: stack.to_owned() })
        }
        Error::Internal(cause) => Error::internal(Failed { what, stack: stack.to_owned(), cause }),
        error => {
            tracing::debug!(function, "`{what}` was refused: {error}{}", indented(stack));
            error
        }
    }
}

/// A function made a request that can't be read, which is a mistake in its code.
#[derive(Debug, thiserror::Error)]
#[error("`{what}`: {wrong}{}", indented(stack))]
struct Mistaken {
    what: String,
    wrong: String,
    stack: String,
}

/// A request of a function failed.
#[derive(Debug, thiserror::Error)]
#[error("`{what}` failed{}", indented(stack))]
struct Failed {
    what: String,
    stack: String,
    #[source]
    cause: Arc<dyn std::error::Error + Send + Sync>,
}

/// A running call, with the blocks that it has begun.
#[derive(Debug)]
struct Session {
    call: ActionCall,
    functions: Arc<Functions>,
    blocks: Mutex<Blocks>,
    accounts: Option<Arc<dyn Accounts>>,
}

#[derive(Debug, Default)]
struct Blocks {
    begun: u64,
    open: BTreeMap<u64, Block>,
}

impl Session {
    /// A block by its number.
    fn block(&self, number: u64) -> Result<Block, Refusal> {
        let block = self.blocks.lock().open.get(&number).cloned();
        block.ok_or_else(|| Refusal::of(Error::internal(NoBlock)))
    }

    /// Queues a job in a block, or by itself; its id as JSON.
    async fn add(&self, block: Option<u64>, asked: AskedJob) -> Result<String, Refusal> {
        let id = match block {
            Some(number) => self.block(number)?.queue(asked).await,
            None => self.call.queue(asked).await,
        };
        let id = id.map_err(Refusal::of)?;
        Ok(json!(id.map(|id| id.to_string())).to_string())
    }

    fn open(&self, block: Block) -> Attempt {
        let millis = block.now().micros().div_euclid(1000);
        let mut blocks = self.blocks.lock();
        blocks.begun += 1;
        let number = blocks.begun;
        blocks.open.insert(number, block);
        Attempt { block: number, millis }
    }
}

/// The prelude names blocks that are open.
#[derive(Debug, thiserror::Error)]
#[error("a function has named a block that isn't open")]
struct NoBlock;

impl Host for Session {
    fn hears(&self) -> bool {
        self.call.trace().is_on()
    }

    fn hear(&self, level: &str, text: &str) {
        self.call.trace().line(level, text);
    }

    fn request<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async move {
            match block {
                Some(number) => answered(self.block(number)?.request(text).await),
                None => answered(self.call.request(text).await),
            }
        }
        .boxed()
    }

    fn peek<'a>(&'a self, block: u64, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async move { answered(self.block(block)?.peek(text).await) }.boxed()
    }

    fn queue<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async move { self.add(block, jobs::read(text).map_err(Refusal::of)?).await }.boxed()
    }

    fn mail<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async move {
            let asked = mail::read(text, self.functions.templates()).map_err(Refusal::of)?;
            self.add(block, asked).await
        }
        .boxed()
    }

    fn report<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async move {
            let job = self.call.running_job().ok_or_else(|| Refusal::of(Error::internal(NoJob)))?;
            let report = jobs::read_report(text).map_err(Refusal::of)?;
            job.report(report).await.map(|()| "null".to_owned()).map_err(Refusal::of)
        }
        .boxed()
    }

    fn sign<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async move {
            let accounts = self.accounts.as_ref().ok_or_else(|| Refusal::of(Error::NoAccounts))?;
            accounts.answer(&self.call, text).await.map_err(Refusal::of)
        }
        .boxed()
    }

    fn begin(&self) -> BoxFuture<'_, Result<Begun, Refusal>> {
        async move {
            Ok(match self.call.begin().await.map_err(Refusal::of)? {
                EngineBegun::Block(block) => Begun::Attempt(self.open(block)),
                EngineBegun::Done(result) => Begun::Done((*result).to_owned()),
            })
        }
        .boxed()
    }

    fn commit<'a>(&'a self, block: u64, result: &'a str) -> BoxFuture<'a, Result<Option<Attempt>, Refusal>> {
        async move {
            let committing = self.block(block)?;
            self.rollback(block);
            match committing.commit(result).await.map_err(Refusal::of)? {
                Committed::Done => Ok(None),
                Committed::Again(next) => {
                    tokio::time::sleep(next.pause()).await;
                    Ok(Some(self.open(next)))
                }
            }
        }
        .boxed()
    }

    fn rollback(&self, block: u64) {
        self.blocks.lock().open.remove(&block);
    }
}

pub(crate) fn answered(answer: Result<Bytes, Error>) -> Result<String, Refusal> {
    let text = |bytes: Bytes| String::from_utf8(bytes.into()).map_err(|error| Refusal::of(Error::internal(error)));
    answer.map_err(Refusal::of).and_then(text)
}
