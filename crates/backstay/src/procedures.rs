//! Procedures that a program registers for the actions of its model.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;

use backstay_base::{Error, RefusedByProcedure};
use backstay_egress::{Client, Settings};
use backstay_engine::{
    ActionCall, Application, AskedJob, BeforeProcedure, Begun, Block, Committed, JobName, JobTerms, Procedure,
    Procedures,
};
use backstay_functions::{Functions, Outside, Problem, Program};
use backstay_mail::Templates;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::accounts::Accounts;
use crate::functions::before_functions;
use crate::mail::Purpose;
use crate::{Call, Config, Directory, Failure, routes};

/// A call of an action, as the procedure that carries it out sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Action(ActionCall);

/// One run of a transaction of an action. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transaction(Block);

/// Why a procedure ends without a result.
#[derive(Debug, thiserror::Error)]
pub enum ProcedureError {
    /// A request of it was refused, or it refuses itself.
    #[error(transparent)]
    Refused(#[from] Error),
    /// Arguments, an answer or a result don't have the form that the procedure gives them. The caller isn't told why.
    #[error("arguments, an answer or a result have another form")]
    Form(#[from] serde_json::Error),
}

impl ProcedureError {
    /// Refuses to carry the action out: `message` says why to people, and `code`, such as `sold-out`, to programs.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        let refused = RefusedByProcedure { code: Some(code.to_owned()), message: message.into() };
        Self::Refused(Error::Refused(Box::new(refused)))
    }
}

impl From<ProcedureError> for Error {
    fn from(error: ProcedureError) -> Self {
        match error {
            ProcedureError::Refused(error) => error,
            ProcedureError::Form(error) => Self::internal(error),
        }
    }
}

impl Action {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.action().name
    }

    /// Its arguments, which are as the model declares them. One that was left out is null.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, ProcedureError> {
        Ok(serde_json::from_str(self.0.arguments())?)
    }

    /// The id of the account, the key or the operator that calls; `None` for anonymous callers.
    pub fn caller(&self) -> Option<String> {
        self.0.caller().id.map(|id| id.to_string())
    }

    /// Makes one call by itself, in the name of the caller: a write is a commit of its own.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ProcedureError> {
        let answer = self.0.request(&serde_json::to_string(&call)?).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Queues a job of the model, in a commit of its own. Returns its id, unless it is unique: another unfinished one may have its key.
    pub async fn queue(
        &self,
        job: &str,
        input: impl Serialize,
        terms: JobTerms,
    ) -> Result<Option<String>, ProcedureError> {
        let id = self.0.queue(asked(job, &input, terms)?).await?;
        Ok(id.map(|id| id.to_string()))
    }

    /// Makes the calls of `run` in one commit. It may run several times: if something that it has read changes before the commit,
    /// it runs again. What it returns must be the same JSON when it is read again, because it is kept under the idempotency key
    /// of the action.
    pub async fn transaction<T, R, F>(&self, run: R) -> Result<T, ProcedureError>
    where
        T: Serialize + DeserializeOwned,
        R: Fn(Transaction) -> F,
        F: Future<Output = Result<T, ProcedureError>>,
    {
        let mut block = match self.0.begin().await? {
            Begun::Block(block) => block,
            Begun::Done(result) => return Ok(serde_json::from_str(&result)?),
        };
        loop {
            let result = run(Transaction(block.clone())).await?;
            match block.commit(&serde_json::to_string(&result)?).await? {
                Committed::Done => return Ok(result),
                Committed::Again(next) => {
                    tokio::time::sleep(next.pause()).await;
                    block = next;
                }
            }
        }
    }
}

impl Transaction {
    /// Makes a call. A read sees the writes before it, and is checked again when the transaction is committed. A write is carried
    /// out then, and answered with the id of its record: `{"id": …}`; with null if it isn't known yet.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ProcedureError> {
        let answer = self.0.request(&serde_json::to_string(&call)?).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Queues a job of the model in the commit of the transaction. Returns its id, unless it is unique: another unfinished one may have
    /// its key.
    pub async fn queue(
        &self,
        job: &str,
        input: impl Serialize,
        terms: JobTerms,
    ) -> Result<Option<String>, ProcedureError> {
        let id = self.0.queue(asked(job, &input, terms)?).await?;
        Ok(id.map(|id| id.to_string()))
    }

    /// Reads what the transaction doesn't depend on: it isn't checked again, and doesn't see the writes of the transaction.
    pub async fn peek<T: DeserializeOwned>(&self, call: Call) -> Result<T, ProcedureError> {
        let answer = self.0.peek(&serde_json::to_string(&call)?).await?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

/// How many processors functions run on.
pub(crate) fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

fn asked(job: &str, input: &impl Serialize, terms: JobTerms) -> Result<AskedJob, ProcedureError> {
    Ok(AskedJob { job: JobName::Action(job.to_owned()), input: serde_json::to_string(input)?, terms })
}

/// What carries out actions: procedures of a program, by the names of their functions, and the application's own functions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registered {
    in_rust: BTreeMap<String, Arc<dyn Procedure>>,
    /// Those in the files of the application.
    functions: Option<Arc<Functions>>,
}

impl Registered {
    pub(crate) fn add<R, F, T>(&mut self, function: &str, run: R)
    where
        R: Fn(Action) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, ProcedureError>> + Send + 'static,
        T: Serialize + 'static,
    {
        self.in_rust.insert(function.to_owned(), Arc::new(InRust(run)));
    }

    /// The same with these functions of the application.
    pub(crate) fn with(
        self,
        (program, templates): (Program, &Arc<Templates>),
        (directory, purpose): (&Directory, &Purpose),
        config: &Config,
    ) -> Result<Self, Failure> {
        if program.is_empty() {
            return Ok(self);
        }
        let secrets = config.secrets.read(directory.root())?;
        let threads = processors();
        let outside = match purpose {
            Purpose::Testing(_, answers) => Outside::Answers(answers.clone()),
            Purpose::Serving | Purpose::Developing => {
                let settings = Settings { allow: config.egress.allow.clone(), ..Settings::default() };
                Outside::Servers(Client::new(settings).map_err(Error::internal)?)
            }
        };
        let started = |functions| Self { functions: Some(functions), ..self };
        Functions::start(program, threads, (outside, secrets), Arc::clone(templates))
            .map(started)
            .map_err(|source| Failure::Threads { needed: threads, source })
    }

    /// Functions sign people in by this, as long as it is open.
    pub(crate) fn set_accounts(&self, accounts: &Arc<Accounts>) {
        if let Some(functions) = &self.functions {
            let accounts: Arc<dyn backstay_functions::Accounts> = Arc::clone(accounts) as _;
            functions.set_accounts(&accounts);
        }
    }

    /// Refuses an application with actions or hooks that nothing carries out.
    pub(crate) fn require_all(&self, application: &Application) -> Result<(), Failure> {
        let model = application.model();
        let is_missing = |action: &&backstay_model::Action| self.procedure(&action.function).is_none();
        let missing = model.actions.iter().filter(is_missing).map(|action| action.function.clone());
        let hooks = before_functions(model).filter(|function| self.before(function).is_none());
        let missing: Vec<String> = missing.chain(hooks.map(str::to_owned)).collect();
        let other = |name: &String| self.functions.as_ref().and_then(|functions| functions.other(name)).cloned();
        let elsewhere: Vec<Problem> = missing.iter().filter_map(other).collect();
        match (missing.is_empty(), elsewhere.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => Err(Failure::Procedures { missing }),
            (false, false) => Err(Failure::Functions(elsewhere)),
        }
    }
}

impl Procedures for Registered {
    fn procedure(&self, function: &str) -> Option<Arc<dyn Procedure>> {
        self.in_rust.get(function).cloned().or_else(|| self.functions.as_ref()?.procedure(function))
    }

    fn before(&self, function: &str) -> Option<Arc<dyn BeforeProcedure>> {
        self.functions.as_ref()?.before(function)
    }
}

struct InRust<R>(R);

impl<R> fmt::Debug for InRust<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InRust(…)")
    }
}

impl<R, F, T> Procedure for InRust<R>
where
    R: Fn(Action) -> F + Send + Sync,
    F: Future<Output = Result<T, ProcedureError>> + Send + 'static,
    T: Serialize + 'static,
{
    fn run(&self, call: ActionCall) -> BoxFuture<'_, Result<String, Error>> {
        let result = (self.0)(Action(call));
        Box::pin(async move { routes::returned(&result.await.map_err(Error::from)?) })
    }
}
