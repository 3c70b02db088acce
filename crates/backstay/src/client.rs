use std::sync::Arc;

use backstay_base::{Caller, Error, Place, Secret, ViolationKind};
use backstay_engine::{Act, Context, Refused};
use backstay_identity::AccountRef;
use backstay_rest::transact::{Batch, SingleRequests};
use backstay_rest::{GetWords, Results, shown};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::serving::Serving;
use crate::{Call, Instance};

/// Makes requests in the name of one caller, without HTTP: under the same rules, in the same commits and with the same log as
/// any other. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    serving: Serving,
    by: CalledBy,
}

/// Whose requests are made.
#[derive(Debug, Clone)]
pub(crate) enum CalledBy {
    Anybody,
    Named(AccountRef),
    Token(Secret),
    /// Backstay itself, whom no rule stops.
    System,
    /// An account as if it had these roles, too.
    WithRoles(AccountRef, Arc<[Arc<str>]>),
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It was refused, and nothing was changed.
    #[error("{error}")]
    Refused {
        /// Of several calls, the one that was refused, counted from 0; `None` if they are refused together.
        call: Option<usize>,
        /// Why.
        #[source]
        error: Error,
    },
    /// The answer isn't what the caller wants to read it as. What the call changed is stored.
    #[error("the answer has another form")]
    Answer(#[from] serde_json::Error),
    /// The application was closed.
    #[error("the application is closed")]
    Closed,
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Refused { call: None, error }
    }
}

/// What is answered to several calls.
#[derive(Deserialize)]
struct Told<T> {
    results: T,
}

impl Client {
    pub(crate) fn new(serving: Serving, by: CalledBy) -> Self {
        Self { serving, by }
    }

    /// Makes one call. `T` is what its answer is read as: a record, a [`crate::Page`] of records, or `()` for a deletion.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, CallError> {
        let (answer,) = self.transact([call]).await?;
        Ok(answer)
    }

    /// Makes up to 100 calls in one commit: all of them, or none. Each sees the changes of those before it. `T` is what the
    /// answers are read as, in the order of the calls: a tuple, or a `Vec` of one type.
    pub async fn transact<T: DeserializeOwned>(&self, calls: impl IntoIterator<Item = Call>) -> Result<T, CallError> {
        let calls: Vec<Call> = calls.into_iter().collect();
        let sent = Bytes::from(serde_json::to_vec(&json!({ "requests": calls }))?);
        let body = match &*self.serving.served().await {
            Some(served) => self.answered(&served.instance, sent).await?,
            None => return Err(CallError::Closed),
        };
        let Told { results } = serde_json::from_slice(&body)?;
        Ok(results)
    }

    /// Calls an action of the model, with its arguments as an object. `T` is what its result is read as; of a record, that is what the
    /// caller may read of it.
    pub async fn act<T: DeserializeOwned>(&self, action: &str, arguments: Value) -> Result<T, CallError> {
        let body = match &*self.serving.served().await {
            Some(served) => self.acted(&served.instance, (action, &arguments.to_string())).await?,
            None => return Err(CallError::Closed),
        };
        Ok(serde_json::from_slice(&body)?)
    }

    async fn acted(&self, instance: &Instance, (name, arguments): (&str, &str)) -> Result<Bytes, CallError> {
        let engine = &instance.engine;
        let model = engine.model();
        let index = model.actions.iter().position(|action| action.name == name && action.is_offered());
        let index = index.ok_or_else(|| Error::NotFound { what: format!("action `{name}`") })?;
        if model.actions[index].route.is_some() {
            let problem = format!("`{name}` answers requests for a path of its own");
            let remedy =
                "request its path over HTTP, in a test with `as(…).fetch(path)`; only actions of `type Mutation` and `type Query` are called"
                    .to_owned();
            return Err(Error::malformed(Place::part("action"), ViolationKind::Misused { problem, remedy }).into());
        }
        let context = Context::new(engine, self.caller(instance).await?);
        let arguments = model.read_arguments(&model.actions[index], arguments, &Place::Whole);
        let act = Act {
            action: index,
            arguments: arguments.map_err(Error::Malformed)?,
            idempotency: None,
            notation: Arc::new(SingleRequests::new(Arc::clone(&instance.reader))),
            job: None,
        };
        let returned = engine.act(&context, act).await?;
        Ok(shown((engine, &instance.reader), &context, returned, &GetWords::default()).await?)
    }

    async fn answered(&self, instance: &Instance, sent: Bytes) -> Result<Bytes, CallError> {
        let engine = &instance.engine;
        let context = Context::new(engine, self.caller(instance).await?);
        let batch = Batch::read_in_turn(engine, &instance.reader, &context, sent).await?;
        let answers = batch.answered_together((engine, &context), None).await;
        let answers =
            answers.map_err(|Refused { request: call, incomplete: _, error }| CallError::Refused { call, error })?;
        Ok(Results::together(&context, answers, false)?)
    }

    pub(crate) async fn caller(&self, instance: &Instance) -> Result<Arc<Caller>, Error> {
        match &self.by {
            CalledBy::System => Ok(Arc::new(Caller::system())),
            CalledBy::WithRoles(who, roles) => {
                let cx = Context::system(&instance.engine);
                let caller = instance.identity.administration(&cx)?.caller_for(who).await?;
                let roles = caller.roles.iter().chain(roles.iter()).cloned().collect();
                Ok(Arc::new(Caller { roles, ..Caller::clone(&caller) }))
            }
            CalledBy::Anybody => Ok(Arc::new(Caller::anonymous())),
            CalledBy::Token(token) => instance.identity.authenticate(token).await,
            CalledBy::Named(who) => {
                let cx = Context::system(&instance.engine);
                instance.identity.administration(&cx)?.caller_for(who).await
            }
        }
    }
}
