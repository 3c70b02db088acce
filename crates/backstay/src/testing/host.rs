use std::sync::Arc;

use backstay_base::{Clock as _, Error, Place, Timestamp, ViolationKind, limits};
use backstay_functions::{Attempt, Begun, Host, Refusal};
use backstay_identity::AccountRef;
use backstay_scalar::{Scalar, Token, Value};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;

use super::clock::MovedClock;
use crate::client::CalledBy;
use crate::maintenance::do_what_is_due;
use crate::serving::Serving;
use crate::{Call, CallError, Client};

/// Answers what a test asks of the application that it tests.
#[derive(Debug)]
pub(super) struct TestHost {
    serving: Serving,
    clock: MovedClock,
}

/// In whose name a test asks; Backstay's own without it.
#[derive(Debug, Deserialize)]
struct By {
    /// The id or the email address of an account; nobody without one.
    who: Option<String>,
    roles: Vec<String>,
}

/// What a test asks.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Asked {
    Request { by: Option<By>, request: serde_json::Map<String, serde_json::Value> },
    Action { by: By, action: String, arguments: serde_json::Value },
    Advance { advance: String },
}

/// A test uses what functions are given.
#[derive(Debug, thiserror::Error)]
#[error("a test asks as somebody: `as(…).db` and `as(…).call(…)`")]
struct NotInTests;

impl TestHost {
    pub(super) fn new(serving: Serving, clock: MovedClock) -> Self {
        Self { serving, clock }
    }

    async fn answered(&self, text: &str) -> Result<serde_json::Value, Error> {
        match serde_json::from_str(text).map_err(Error::internal)? {
            Asked::Request { by, request } => self.client(by).call(Call::written(request)).await.map_err(refused),
            Asked::Action { by, action, arguments } => {
                self.client(Some(by)).act(&action, arguments).await.map_err(refused)
            }
            Asked::Advance { advance } => self.advance(&advance).await,
        }
    }

    fn client(&self, by: Option<By>) -> Client {
        let by = match by {
            None => CalledBy::System,
            Some(By { who: None, .. }) => CalledBy::Anybody,
            Some(By { who: Some(who), roles }) => {
                let Ok(who) = who.parse::<AccountRef>();
                CalledBy::WithRoles(who, roles.into_iter().map(Arc::from).collect())
            }
        };
        Client::new(self.serving.clone(), by)
    }

    /// Moves the clock forward and does what is due; the time then, in milliseconds since 1970.
    async fn advance(&self, by: &str) -> Result<serde_json::Value, Error> {
        let by = match Scalar::Duration.read(Token::Text(by)) {
            Ok(Value::Duration(by)) if by.micros() >= 0 => by,
            Ok(_) | Err(_) => {
                let expected = "a length of time such as 90s, 36h or PT1H30M".to_owned();
                return Err(Error::malformed(Place::Whole, ViolationKind::Type { expected }));
            }
        };
        let until = Timestamp::from_micros_saturating(self.clock.now().micros().saturating_add(by.micros()));
        if let Some(served) = &*self.serving.served().await {
            // Jobs that are tried again, delayed or of a schedule find the time that it is then.
            for _ in 0..limits::TEST_MOMENTS {
                let next = served.instance.jobs.next_due().await?;
                let Some(next) = next.filter(|next| *next < until) else { break };
                self.clock.advance_to(next);
                do_what_is_due(&served.instance).await?;
            }
            self.clock.advance_to(until);
            do_what_is_due(&served.instance).await?;
        }
        Ok(json!({ "now": self.clock.now().micros().div_euclid(1000) }))
    }
}

fn refused(error: CallError) -> Error {
    match error {
        CallError::Refused { error, .. } => error,
        other => Error::internal(other),
    }
}

fn not_in_tests() -> Refusal {
    Refusal::of(Error::internal(NotInTests))
}

impl Host for TestHost {
    fn request<'a>(&'a self, _: Option<u64>, _: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        Box::pin(async { Err(not_in_tests()) })
    }

    fn peek<'a>(&'a self, _: u64, _: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        Box::pin(async { Err(not_in_tests()) })
    }

    fn queue<'a>(&'a self, _: Option<u64>, _: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        Box::pin(async { Err(not_in_tests()) })
    }

    fn begin(&self) -> BoxFuture<'_, Result<Begun, Refusal>> {
        Box::pin(async { Err(not_in_tests()) })
    }

    fn commit<'a>(&'a self, _: u64, _: &'a str) -> BoxFuture<'a, Result<Option<Attempt>, Refusal>> {
        Box::pin(async { Err(not_in_tests()) })
    }

    fn rollback(&self, _: u64) {}

    fn testing<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        Box::pin(async { self.answered(text).await.map(|answer| answer.to_string()).map_err(Refusal::of) })
    }
}
