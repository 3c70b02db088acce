//! One call while it runs: a step of the function on a thread, then an answer of the host, and so on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Ambient, Error, Flow, limits};
use serde::Deserialize;
use serde_json::json;

use crate::allowance::Allowance;
use crate::exact::inexact;
use crate::failure::Failure;
use crate::fetching::{self, Outside};
use crate::host::{Attempt, Begun, Host, Refusal};
use crate::isolate::{Asked, AskedKind, Input, Isolate, Output, Unusable};
use crate::missing::explained;
use crate::ready::Ready;
use crate::secrets::Secrets;
use crate::threads::{NoResult, Threads};

/// One call of a function.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub function: String,
    /// What calls it.
    pub by: CalledBy,
    /// A JSON object; of a hook, an array of the changes.
    pub arguments: String,
    /// What the function sees as `auth`: a JSON object.
    pub auth: String,
    /// Time and randomness.
    pub ambient: Ambient,
    /// On whose account it runs.
    pub flow: Flow,
    /// By when it has to end.
    pub deadline: Option<Instant>,
    /// How long it may take in any case.
    pub longest: Duration,
}

/// What calls a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalledBy {
    /// An action, a route or a test.
    Action,
    /// Changes of records, before they are made.
    Changes,
}

/// Ends a function for which nobody waits any more.
#[derive(Debug)]
struct Cancel(Arc<Allowance>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// What a call runs in.
#[derive(Debug)]
pub(crate) enum World {
    /// The first step takes one that is ready.
    Untaken(Arc<Ready>),
    Taken(Isolate),
    /// The call has ended, or a step of it runs.
    Left,
}

/// A call that runs.
pub(crate) struct Running<'a> {
    threads: &'a Threads,
    ready: &'a Arc<Ready>,
    world: World,
    cancel: Cancel,
    flow: Flow,
    deadline: Instant,
    ambient: Ambient,
    host: &'a dyn Host,
    outside: &'a Outside,
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
    /// The call in one of these isolates, which has to end at this moment.
    pub(crate) fn new(
        (threads, ready): (&'a Threads, &'a Arc<Ready>),
        (host, outside, secrets): (&'a dyn Host, &'a Outside, &'a Secrets),
        (call, deadline): (&Call, Instant),
    ) -> Self {
        let (world, cancel) = (World::Untaken(Arc::clone(ready)), Cancel(Allowance::new()));
        let (ambient, flow, refusals) = (call.ambient.clone(), call.flow, BTreeMap::new());
        Self { threads, ready, world, cancel, flow, deadline, ambient, host, outside, secrets, refusals }
    }

    /// That of a call which has ended while it waited.
    pub(crate) fn into_isolate(self) -> Option<Isolate> {
        match self.world {
            World::Taken(isolate) => Some(isolate),
            World::Untaken(_) | World::Left => None,
        }
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
            "hook": call.by == CalledBy::Changes,
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
        let world = std::mem::replace(&mut self.world, World::Left);
        let (allowance, ready) = (Arc::clone(&self.cancel.0), Arc::clone(self.ready));
        let (entropy, deadline, is_heard) = (Arc::clone(&self.ambient.entropy), self.deadline, self.host.hears());
        let stepped = move || {
            let isolate = match world {
                World::Taken(isolate) => isolate,
                World::Untaken(ready) => ready.take(&allowance)?,
                World::Left => return Ok(None),
            };
            if let Input::Start { function, .. } = &input {
                allowance.renew(deadline);
                isolate.take((function, is_heard), &entropy, &allowance);
            }
            let output = isolate.step(input)?;
            let logged = isolate.logged();
            Ok(Some((isolate, output, logged)))
        };
        let run = move || {
            let (told, left) = match stepped() {
                Ok(Some((isolate, output @ Output::Asks(_), logged))) => {
                    (Ok(Some((World::Taken(isolate), output, logged))), None)
                }
                Ok(Some((isolate, output, logged))) => (Ok(Some((World::Left, output, logged))), Some(isolate)),
                Ok(None) => (Ok(None), None),
                Err(why) => (Err(why), None),
            };
            let rest = move || {
                if let Some(isolate) = left {
                    ready.put_back(isolate);
                }
            };
            (told, rest)
        };
        let stepped = self.threads.run((self.flow, self.deadline), run).await.map_err(no_result)?;
        let (world, output, logged) =
            stepped.map_err(thrown)?.ok_or_else(|| Failure::Engine("the call has ended".to_owned()))?;
        self.world = world;
        for (level, text) in logged {
            self.host.hear(&level, &text);
        }
        Ok(output)
    }

    /// Answers one request.
    async fn answer(&mut self, asked: Asked) -> Result<Input, Failure> {
        let Asked { id, kind, block, text: asked } = asked;
        let answer = async {
            match (kind, block) {
                (AskedKind::Pause, _) => {
                    self.cancel.0.renew_processor();
                    Ok("null".to_owned())
                }
                (AskedKind::Fetch, _) => fetching::fetch(self.outside, &asked).await,
                (AskedKind::Report, _) => self.host.report(&asked).await,
                (AskedKind::Sign, _) => self.host.sign(&asked).await,
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
                let message = explained(self.secrets.redacted(message));
                Failure::Thrown { message, stack: self.secrets.redacted(stack) }
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
