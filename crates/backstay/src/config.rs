mod document;
mod keys;
mod problem;
mod read;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use document::reference;
pub use problem::{ConfigError, ConfigPlace, ConfigProblem, ConfigProblems};

/// The settings of an application: `backstay.toml` with the environment's overrides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[data]`
    pub data: Data,
    /// `[accounts]`
    pub accounts: Accounts,
    /// `[limits]`
    pub limits: Limits,
    /// `[log]`
    pub log: Log,
    /// Variables that look like settings and are ignored.
    pub warnings: ConfigProblems,
}

/// How the doors are opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How the world reaches the server, such as `https://news.example`; without a slash at the end.
    pub public_url: Option<String>,
    /// Addresses and networks of proxies whose word about the client is taken.
    pub trusted_proxies: Vec<String>,
    /// What those proxies write.
    pub proxy_header: ProxyHeader,
    /// Origins of web pages that may call the API; `*` alone for all.
    pub cors_origins: Vec<String>,
    /// Whether pages of those origins may use the session's cookie; never with `*`.
    pub cors_credentials: bool,
    /// Whether the session's cookie is sent over TLS alone.
    pub secure_cookies: bool,
    /// Bytes of an answer from which it is compressed; 0 never compresses.
    pub compression_min_bytes: usize,
}

/// In which header proxies write where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, with `-Proto` and `-Host`.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Where data is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The data directory, from the application's.
    pub dir: PathBuf,
}

/// Who gets an account, and how it is guarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Who may make an account.
    pub sign_up: SignUp,
    /// Days for which a session lasts.
    pub session_days: u32,
    /// Characters of a password at least.
    pub password_min: u8,
    /// Failed sign-ins for one account before the next has to wait.
    pub attempts_per_account: u32,
    /// Sign-ins from one network address before the next has to wait.
    pub attempts_per_address: u32,
    /// Sign-ups from one network address before the next has to wait.
    pub sign_ups_per_address: u32,
    /// Minutes in which all attempts are given back.
    pub attempt_minutes: u32,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// Everyone.
    Open,
    /// Who has an invitation.
    Invited,
    /// Nobody.
    Closed,
}

/// What one request may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Seconds of a request.
    pub request_seconds: u64,
    /// Connections at one time.
    pub connections: usize,
}

/// What is written about the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// In which form.
    pub format: LogFormat,
    /// From which importance on.
    pub level: LogLevel,
}

/// The form of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object on each line.
    Json,
}

/// The importance of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// What an operator must look at.
    Error,
    /// What an operator should look at.
    Warn,
    /// Starts and ends.
    Info,
    /// Every request.
    Debug,
    /// Every step.
    Trace,
}

impl Config {
    /// Reads the text of `backstay.toml` and the variables `BACKSTAY_…` of the environment, which count more. All that
    /// is wrong is reported together.
    pub fn read(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        read::read(text, environment)
    }
}
