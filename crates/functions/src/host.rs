//! What a function can ask of the server.

use std::fmt;

use backstay_base::Error;
use futures_util::future::BoxFuture;

/// Answers the requests of one call, in its caller's name.
pub trait Host: fmt::Debug + Send + Sync {
    /// One request in the notation of `/transact`: by itself, or in a block.
    fn request<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>>;
    /// A read in a block that isn't checked again at the commit.
    fn peek<'a>(&'a self, block: u64, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>>;
    /// Queues a job: by itself, or in a block. `text` has the job's name, what it takes, and on which terms; the answer is its id.
    fn queue<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>>;
    /// Begins a transaction block.
    fn begin(&self) -> BoxFuture<'_, Result<Begun, Refusal>>;
    /// Commits a block, whose code returned this; the block to run its code again with, if what it has read has changed.
    fn commit<'a>(&'a self, block: u64, result: &'a str) -> BoxFuture<'a, Result<Option<Attempt>, Refusal>>;
    /// Ends a block of which nothing is stored.
    fn rollback(&self, block: u64);
}

/// Why a request was refused.
#[derive(Debug)]
pub struct Refusal {
    /// The problem as JSON: `code`, `message` and `errors`, each with `at` and `message`.
    pub problem: String,
    /// The same, to be answered if the function doesn't catch it.
    pub error: Error,
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
