//! What a function can ask of the server.

use std::fmt;

use backstay_base::{Error, Place, Violation, ViolationKind};
use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::json;

/// Answers the requests of one call, in its caller's name.
pub trait Host: fmt::Debug + Send + Sync {
    /// One request in the notation of `/transact`: by itself, or in a block.
    fn request<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>>;
    /// A read in a block that isn't checked again at the commit.
    fn peek<'a>(&'a self, block: u64, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>>;
    /// Queues a job: by itself, or in a block. `text` has the job's name, what it takes, and on which terms; the answer is its id.
    fn queue<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>>;
    /// Queues a mail in the same way.
    fn mail<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>>;
    /// Begins a transaction block.
    fn begin(&self) -> BoxFuture<'_, Result<Begun, Refusal>>;
    /// Commits a block, whose code returned this; the block to run its code again with, if what it has read has changed.
    fn commit<'a>(&'a self, block: u64, result: &'a str) -> BoxFuture<'a, Result<Option<Attempt>, Refusal>>;
    /// Ends a block of which nothing is stored.
    fn rollback(&self, block: u64);
    /// Whether it takes what the function logs.
    fn hears(&self) -> bool {
        false
    }
    /// The function has logged this.
    fn hear(&self, _level: &str, _text: &str) {}

    /// Keeps how far the job is that runs. `text` has `done` and `note`.
    fn report<'a>(&'a self, _text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async { Err(Refusal::of(Error::internal(NoJob))) }.boxed()
    }
    /// Signs somebody up or in, or changes how the caller signs in.
    fn sign<'a>(&'a self, _text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async { Err(Refusal::of(Error::NoAccounts)) }.boxed()
    }
    /// What a test asks of the application that it tests. Nobody else asks that.
    fn testing<'a>(&'a self, _text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        async { Err(Refusal::of(Error::internal(NoTest))) }.boxed()
    }
}

/// Why a request was refused.
#[derive(Debug)]
pub struct Refusal {
    /// The problem as JSON: `code`, `message` and `errors`, each with `at` and `message`.
    pub problem: String,
    /// The same, to be answered if the function doesn't catch it.
    pub error: Error,
}

/// Refuses a part of what a function asks.
pub(crate) fn misused(part: &'static str, problem: String, remedy: &str) -> Error {
    Error::malformed(Place::part(part), ViolationKind::Misused { problem, remedy: remedy.to_owned() })
}

/// An answer has an integer that the function would see as another one.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is beyond what a number of JavaScript holds exactly (±9007199254740991); leave its field out of `select`, and change it with \
     `{{ $inc: … }}`"
)]
struct Inexact(String);

/// What runs is no job.
#[derive(Debug, thiserror::Error)]
#[error(
    "`jobs.report` is for jobs, and the function was called in another way; leave it out, or queue the action with `jobs.add`"
)]
pub(crate) struct NoJob;

/// Functions aren't tests.
#[derive(Debug, thiserror::Error)]
#[error("only tests ask that")]
struct NoTest;

impl Refusal {
    /// A request failed with this error.
    pub fn of(error: Error) -> Self {
        let parts: &[Violation] = match &error {
            Error::Malformed(all) | Error::Invalid(all) => all,
            _ => &[],
        };
        let part = |one: &Violation| json!({ "at": one.at.to_string(), "message": one.kind.to_string() });
        let errors: Vec<_> = parts.iter().map(part).collect();
        let reason = error.reason();
        let (code, message) = (error.code(), error.to_string());
        let problem = json!({ "code": code, "message": message, "errors": errors, "reason": reason }).to_string();
        Self { problem, error }
    }

    /// The same with another message.
    pub fn with_message(message: &str, error: Error) -> Self {
        let problem = json!({ "code": error.code(), "message": message, "errors": [] }).to_string();
        Self { problem, error }
    }

    /// Why an answer with this integer isn't handed over.
    pub(crate) fn inexact(number: &str) -> Self {
        let error = Inexact(number.to_owned());
        let problem = json!({ "code": "inexact-number", "message": error.to_string(), "errors": [] }).to_string();
        Self { problem, error: Error::internal(error) }
    }
}

/// What a block begins with.
#[derive(Debug)]
pub enum Begun {
    /// Its code runs.
    Attempt(Attempt),
    /// It was committed before, by the same call; its code returned this.
    Done(String),
}

/// One attempt at a block.
#[derive(Debug)]
pub struct Attempt {
    /// Its number within the call.
    pub block: u64,
    /// The time in it, in milliseconds since 1970.
    pub millis: i64,
}
