//! One call while it runs: a step of the function on a thread, then an answer of the host, and so on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use backstay_base::{Ambient, Error, Flow, limits};
use backstay_egress::Client;
use serde::Deserialize;
use serde_json::json;

use crate::allowance::Allowance;
use crate::exact::inexact;
use crate::failure::Failure;
use crate::fetching;
use crate::host::{Attempt, Begun, Host, Refusal};
use crate::isolate::{Asked, AskedKind, Input, Isolate, Output, Unusable};
use crate::secrets::Secrets;
use crate::threads::{NoResult, Threads};

/// One call of a function.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub function: String,
    /// A JSON object.
    pub arguments: String,
    /// What the function sees as `auth`: a JSON object.
    pub auth: String,
    /// Time and randomness.
    pub ambient: Ambient,
    /// On whose account it runs.
    pub flow: Flow,
    /// By when it has to end.
    pub deadline: Option<Instant>,
}

/// Ends a function for which nobody waits any more.
#[derive(Debug)]
struct Cancel(Arc<Allowance>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A call that runs.
pub(crate) struct Running<'a> {
    threads: &'a Threads,
    isolate: Option<Isolate>,
    #[expect(dead_code, reason = "ends the function when it is dropped")]
    cancel: Cancel,
    flow: Flow,
    deadline: Instant,
    ambient: Ambient,
    host: &'a dyn Host,
    egress: &'a Client,
    secrets: &'a Secrets,
    /// The errors that the function was given, by the number of their request.
    refusals: BTreeMap<u64, Error>,
}

impl fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl<'a> Running<'a> {
    /// The call in this isolate, which has to end at this moment.
    pub(crate) fn new(
        (threads, isolate): (&'a Threads, Isolate),
        (host, egress, secrets): (&'a dyn Host, &'a Client, &'a Secrets),
        (call, deadline): (&Call, Instant),
    ) -> Self {
        let cancel = Cancel(Arc::clone(isolate.allowance()));
        let ambient = call.ambient.clone();
        let flow = call.flow;
        let (isolate, refusals) = (Some(isolate), BTreeMap::new());
        Self { threads, isolate, cancel, flow, deadline, ambient, host, egress, secrets, refusals }
    }

    /// What is left to be freed.
    pub(crate) fn into_isolate(self) -> Option<Isolate> {
        self.isolate
    }

    /// Runs until the function has ended.
    pub(crate) async fn run(&mut self, call: Call) -> Result<String, Failure> {
        let given = self.given(&call)?;
        let mut input = Input::Start { function: call.function, arguments: call.arguments, given };
        loop {
            input = match self.step(input).await? {
                Output::Done(result) => return Ok(result),
                Output::Failed(thrown) => return Err(self.failure(&thrown)),
                Output::Spent => return Err(Failure::Spent),
                Output::TooLarge => return Err(Failure::TooLarge),
                Output::Waits => return Err(Failure::NeverSettles),
                Output::Asks(asked) => self.answer(asked).await?,
            };
        }
    }

    /// What `start` takes.
    fn given(&self, call: &Call) -> Result<String, Failure> {
        let auth = serde_json::from_str::<serde_json::Value>(&call.auth);
        let auth = auth.map_err(|error| Failure::Engine(error.to_string()))?;
        let moment = self.ambient.clock.now().micros().div_euclid(1000);
        Ok(json!({
            "limits": [limits::ACTION_REQUESTS, limits::FUNCTION_TEXT_BYTES], "moment": moment, "seed": self.seed(), "auth": auth,
        })
        .to_string())
    }

    fn seed(&self) -> [u32; 4] {
        let mut bytes = [0; 16];
        self.ambient.entropy.fill(&mut bytes);
        // A state of zeros would stay one.
        [0, 4, 8, 12].map(|at| u32::from_le_bytes([bytes[at] | 1, bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
    }

    async fn step(&mut self, input: Input) -> Result<Output, Failure> {
        let Some(isolate) = self.isolate.take() else { return Err(Failure::Engine("it is gone".to_owned())) };
        let run = move || {
            let output = isolate.step(input);
            (isolate, output)
        };
        let (isolate, output) = self.threads.run((self.flow, self.deadline), run).await.map_err(no_result)?;
        self.isolate = Some(isolate);
        output.map_err(thrown)
    }

    /// Answers one request.
    async fn answer(&mut self, asked: Asked) -> Result<Input, Failure> {
        let Asked { id, kind, block, text: asked } = asked;
        let answer = async {
            match (kind, block) {
                (AskedKind::Fetch, _) => fetching::fetch(self.egress, &asked).await,
                (AskedKind::Testing, _) => self.host.testing(&asked).await,
                (AskedKind::Request, block) => self.host.request(block, &asked).await,
                (AskedKind::Peek, Some(block)) => self.host.peek(block, &asked).await,
                (AskedKind::Queue, block) => self.host.queue(block, &asked).await,
                (AskedKind::Mail, block) => self.host.mail(block, &asked).await,
                (AskedKind::Begin, _) => self.host.begin().await.map(|begun| self.begun(begun)),
                (AskedKind::Commit, Some(block)) => {
                    let again = self.host.commit(block, &asked).await?;
                    Ok(again.map_or_else(
                        || "{}".to_owned(),
                        |attempt| json!({ "again": self.attempt(&attempt) }).to_string(),
                    ))
                }
                (AskedKind::Rollback, Some(block)) => {
                    self.host.rollback(block);
                    Ok("null".to_owned())
                }
                (AskedKind::Peek | AskedKind::Commit | AskedKind::Rollback, None) => Ok("null".to_owned()),
            }
        };
        let answer = tokio::time::timeout_at(self.deadline.into(), answer).await.map_err(|_| Failure::Spent)?;
        let text = match answer {
            Ok(text) if text.len() > limits::FUNCTION_TEXT_BYTES => return Err(Failure::TooLarge),
            Ok(text) if kind != AskedKind::Fetch => match inexact(&text) {
                Some(number) => Err(self.refused(id, Refusal::inexact(number))),
                None => Ok(text),
            },
            Ok(text) => Ok(text),
            Err(refusal) => Err(self.refused(id, refusal)),
        };
        Ok(Input::Answer { id, text })
    }

    /// Keeps why a request was refused; what the function is told.
    fn refused(&mut self, id: u64, Refusal { problem, error }: Refusal) -> String {
        self.refusals.insert(id, error);
        problem
    }

    fn begun(&self, begun: Begun) -> String {
        match begun {
            Begun::Attempt(attempt) => self.attempt(&attempt).to_string(),
            Begun::Done(result) => format!("{{\"done\":{result}}}"),
        }
    }

    fn attempt(&self, Attempt { block, millis }: &Attempt) -> serde_json::Value {
        json!({ "block": block, "now": millis, "seed": self.seed() })
    }

    /// What the function threw.
    fn failure(&mut self, thrown: &str) -> Failure {
        match serde_json::from_str::<Threw>(thrown) {
            Ok(Threw::Refused { message, code }) => Failure::Refused { message: self.secrets.redacted(message), code },
            Ok(Threw::Problem { id, what, stack }) => match self.refusals.remove(&id) {
                Some(error) => Failure::Request { what, stack, error },
                None => Failure::Engine("it threw a problem that nobody knows".to_owned()),
            },
            Ok(Threw::Thrown { message, stack }) => {
                Failure::Thrown { message: self.secrets.redacted(message), stack: self.secrets.redacted(stack) }
            }
            Err(error) => Failure::Engine(error.to_string()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Threw {
    Refused { message: String, code: Option<String> },
    Problem { id: u64, what: String, stack: String },
    Thrown { message: String, stack: String },
}

pub(crate) fn no_result(why: NoResult) -> Failure {
    match why {
        NoResult::Busy => Failure::Busy,
        NoResult::Stuck => Failure::Spent,
        NoResult::Gone => Failure::Engine("its thread has ended".to_owned()),
    }
}

pub(crate) fn thrown(Unusable { message, stack }: Unusable) -> Failure {
    Failure::Thrown { message, stack }
}
