use std::net::Ipv4Addr;
use std::sync::Arc;

use backstay_base::{Clock as _, Error, Place, Timestamp, ViolationKind, limits};
use backstay_egress::{Outgoing, Response};
use backstay_functions::{Answers, Attempt, Begun, Host, Refusal};
use backstay_http::{ClientAddress, KnownCaller, Service};
use backstay_identity::AccountRef;
use backstay_jobs::{JobLine, State};
use backstay_mail::Outbox;
use backstay_scalar::{Scalar, Token, Value};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, header};
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
    answers: Answers,
    outbox: Outbox,
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
    Fetch { by: By, fetch: Sent },
    Advance { advance: String },
    Answer { method: String, url: String, answer: Answer },
    Fetches { fetches: Told },
    Mails { mails: Told },
    Jobs { jobs: Listed },
}

/// What a test asks to be told of what functions have done.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Told {
    /// What was sent so far.
    Sent,
}

/// A request over HTTP.
#[derive(Debug, Deserialize)]
struct Sent {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// What a test asks to be told of the queue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Listed {
    /// All jobs.
    List,
}

/// What a server would answer.
#[derive(Debug, Deserialize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// A test uses what functions are given.
#[derive(Debug, thiserror::Error)]
#[error("a test asks as somebody: `as(…).db` and `as(…).call(…)`")]
struct NotInTests;

impl TestHost {
    pub(super) fn new(serving: Serving, clock: MovedClock, (answers, outbox): (Answers, Outbox)) -> Self {
        Self { serving, clock, answers, outbox }
    }

    async fn answered(&self, text: &str) -> Result<serde_json::Value, Error> {
        match serde_json::from_str(text).map_err(Error::internal)? {
            Asked::Request { by, request } => self.client(by).call(Call::written(request)).await.map_err(refused),
            Asked::Action { by, action, arguments } => {
                self.client(Some(by)).act(&action, arguments).await.map_err(refused)
            }
            Asked::Fetch { by, fetch } => self.fetch(by, fetch).await,
            Asked::Mails { mails: Told::Sent } => serde_json::to_value(self.outbox.sent()).map_err(Error::internal),
            Asked::Jobs { jobs: Listed::List } => self.jobs().await,
            Asked::Advance { advance } => self.advance(&advance).await,
            Asked::Answer { method, url, answer: Answer { status, headers, body } } => {
                self.answers.add(&method, &url, Response { status, headers, body: body.into() });
                Ok(serde_json::Value::Null)
            }
            Asked::Fetches { fetches: Told::Sent } => Ok(self.answers.sent().iter().map(sent).collect()),
        }
    }

    /// The jobs that were queued so far.
    async fn jobs(&self) -> Result<serde_json::Value, Error> {
        match &*self.serving.served().await {
            Some(served) => {
                let all = served.instance.jobs.list(&State::ALL, limits::JOBS_LISTED).await?;
                Ok(all.iter().map(job).collect())
            }
            None => Ok(json!([])),
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

    /// Sends a request over HTTP; the whole response. Somebody who is named needs no token.
    async fn fetch(&self, by: By, Sent { method, path, headers, body }: Sent) -> Result<serde_json::Value, Error> {
        let is_named = by.who.is_some();
        let client = self.client(Some(by));
        let caller = match &*self.serving.served().await {
            Some(served) if is_named => Some(client.caller(&served.instance).await?),
            Some(_) | None => None,
        };
        let builder = Request::builder().method(&*method).uri(path).header(header::HOST, "localhost");
        let request = headers.iter().fold(builder, |request, (name, value)| request.header(name, value));
        let mut request = request.body(Bytes::from(body)).map_err(Error::internal)?;
        request.extensions_mut().insert(ClientAddress(Ipv4Addr::LOCALHOST.into()));
        if let Some(caller) = caller {
            request.extensions_mut().insert(KnownCaller(caller));
        }
        let response = Service::new(self.serving.doorway().clone()).answer_whole(request).await;
        let (head, body) = response.map_err(Error::internal)?.into_parts();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<_> = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let octets = BASE64_STANDARD.encode(&body);
        Ok(json!({ "status": head.status.as_u16(), "headers": headers, "octets": octets }))
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
            // What a schedule queues first.
            do_what_is_due(&served.instance).await?;
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

/// A job as a test looks at it.
fn job(line: &JobLine) -> serde_json::Value {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or(serde_json::Value::Null);
    json!({
        "id": line.id.to_string(), "job": line.kind, "state": line.state.name(), "input": parsed(&line.input),
        "result": line.result.as_deref().map(parsed), "error": line.error, "attempts": line.attempts,
        "dueAt": line.due.map(|due| due.to_string()), "done": line.done, "note": line.note,
    })
}

/// A request as a test looks at it.
fn sent(Outgoing { method, url, headers, body }: &Outgoing) -> serde_json::Value {
    let named: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    json!({ "method": method, "url": url, "headers": named, "body": String::from_utf8_lossy(body) })
}

fn refused(error: CallError) -> Error {
    match error {
        CallError::Refused { error, .. } => error,
        other => Error::internal(other),
    }
}

/// A test is told what no client is: the cause of an internal error, such as what a function has thrown.
fn told(error: Error) -> Refusal {
    match &error {
        Error::Internal(cause) => Refusal::with_message(&backstay_base::with_causes(&**cause), error),
        _ => Refusal::of(error),
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

    fn mail<'a>(&'a self, _: Option<u64>, _: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
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
        Box::pin(async { self.answered(text).await.map(|answer| answer.to_string()).map_err(told) })
    }
}
