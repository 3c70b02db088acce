//! Jobs of the model are carried out by the procedures of its actions, in the name of whoever has queued them.

use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Caller, CallerKind, Error, with_causes};
use backstay_engine::{Act, Context, Engine, Idempotency};
use backstay_identity::Identity;
use backstay_jobs::{Claimed, Handler, Jobs, KindSettings, Outcome};
use backstay_model::Returned;
use backstay_rest::Reader;
use backstay_rest::transact::SingleRequests;
use futures_util::future::BoxFuture;

use crate::mail::Mails;
use crate::stored_caller::reference;

/// The jobs of an open application: those of its model, and its mail.
pub(crate) fn jobs(
    (engine, identity): (&Engine, &Identity),
    reader: &Arc<Reader>,
    mails: Mails,
) -> Result<Jobs, Error> {
    let declared = Declared { engine: engine.clone(), identity: identity.clone(), reader: Arc::clone(reader) };
    Jobs::new(engine.clone(), vec![Arc::new(declared), Arc::new(mails)])
}

/// The jobs that the model declares.
#[derive(Debug, Clone)]
struct Declared {
    engine: Engine,
    identity: Identity,
    reader: Arc<Reader>,
}

impl Handler for Declared {
    fn settings(&self, kind: &str) -> Option<KindSettings> {
        let job = self.engine.model().action_named(kind)?.job.as_ref()?;
        let timeout = Duration::from_secs(job.timeout.into());
        Some(KindSettings { concurrency: job.concurrency, attempts: job.retries + 1, timeout })
    }

    fn run(&self, job: Claimed) -> BoxFuture<'static, Outcome> {
        let own = self.clone();
        Box::pin(async move {
            match own.done(&job).await {
                Ok(result) => Outcome::Done(result),
                Err(Failed::For(error)) => Outcome::Dead(error),
                Err(Failed::Now(error)) => Outcome::Again(error),
            }
        })
    }
}

enum Failed {
    /// It would fail again.
    For(String),
    /// It may succeed another time.
    Now(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let text = with_causes(&error);
        match error {
            // The procedure has refused, which is its last word.
            Error::Refused(_) => Self::For(text),
            _ => Self::Now(text),
        }
    }
}

impl Declared {
    async fn done(&self, job: &Claimed) -> Result<Arc<str>, Failed> {
        let model = self.engine.model();
        let index = model.actions.iter().position(|action| *action.name == *job.kind);
        let index = index.ok_or_else(|| Failed::Now(format!("the model has no job `{}`", job.kind)))?;
        let roles = model.actions[index].job.as_ref().and_then(|job| job.roles.clone());
        let caller = match roles {
            Some(roles) => Arc::new(Caller { roles: roles.into(), ..service() }),
            None => self.caller(job).await?,
        };
        let cx = Context::new(&self.engine, caller).of_job(job.depth).traced(job.trace.clone());
        let act = Act {
            action: index,
            arguments: Arc::clone(&job.input),
            // No client can send such a key: it isn't visible. What an earlier attempt has committed isn't done again.
            idempotency: Some(Idempotency {
                key: format!("\u{1}job {}", job.id),
                sent: job.input.as_bytes().to_vec().into(),
            }),
            notation: Arc::new(SingleRequests::new(Arc::clone(&self.reader))),
            job: Some(Arc::new(job.reporter.clone())),
        };
        let returned = self.engine.work(&cx, act).await?;
        Ok(match returned {
            Returned::Nothing => "null".into(),
            Returned::Value(value) => value,
            Returned::Record(_, id) => format!("\"{id}\"").into(),
            Returned::Records(_, ids) => {
                let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
                format!("[{}]", ids.join(",")).into()
            }
        })
    }

    /// Whoever has queued a job, with the rights of now.
    async fn caller(&self, job: &Claimed) -> Result<Arc<Caller>, Failed> {
        let Some(by) = &job.by else { return Ok(Arc::new(service())) };
        // Without an id, nobody has to be found.
        if **by == *CallerKind::Service.name() {
            return Ok(Arc::new(service()));
        }
        if **by == *CallerKind::Anonymous.name() {
            return Ok(Arc::new(Caller::anonymous()));
        }
        let who = reference(self.engine.model(), by);
        let who = who.ok_or_else(|| Failed::For(format!("`{by}` can't call any more")))?;
        let cx = Context::system(&self.engine);
        match self.identity.administration(&cx)?.caller_for(&who).await {
            Ok(caller) => Ok(caller),
            Err(error @ (Error::NotFound { .. } | Error::Conflict(_))) => {
                Err(Failed::For(format!("whoever has queued the job can't call any more: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Who carries out what nobody in particular has queued.
fn service() -> Caller {
    Caller { kind: CallerKind::Service, ..Caller::anonymous() }
}
