mod document;
mod keys;
mod problem;
mod read;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use document::reference;
pub use problem::{ConfigError, ConfigPlace, ConfigProblem, ConfigProblems};

/// The settings of an application: `backstay.toml` with overrides from the environment.
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

/// The HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// The URL by which clients reach the server, such as `https://news.example`; without a final slash.
    pub public_url: Option<String>,
    /// Addresses and networks of proxies whose forwarded headers are trusted.
    pub trusted_proxies: Vec<String>,
    /// Which headers those proxies set.
    pub proxy_header: ProxyHeader,
    /// Origins of web pages that may call the API; `*` alone allows all.
    pub cors_origins: Vec<String>,
    /// Whether pages of those origins may use the session cookie; never with `*`.
    pub cors_credentials: bool,
    /// Request headers that pages of those origins may send, besides those that the API reads.
    pub cors_headers: Vec<String>,
    /// Response headers that pages of those origins may read, besides those that the API sets.
    pub cors_exposed_headers: Vec<String>,
    /// Whether browsers send the session cookie only over TLS.
    pub secure_cookies: bool,
    /// Responses of at least this many bytes are compressed; 0 disables compression.
    pub compression_min_bytes: usize,
}

/// The headers in which proxies report where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, with `-Proto` and `-Host`.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Where data is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The data directory, relative to the application's directory.
    pub dir: PathBuf,
}

/// Sign-up, sessions and limits on attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Who may sign up.
    pub sign_up: SignUp,
    /// Lifetime of a session in days.
    pub session_days: u32,
    /// Minimum length of a password in characters.
    pub password_min: u8,
    /// Failed sign-ins that one account allows before the next one has to wait.
    pub attempts_per_account: u32,
    /// Sign-ins that one network address may try before the next one has to wait.
    pub attempts_per_address: u32,
    /// Sign-ups that one network address may try before the next one has to wait.
    pub sign_ups_per_address: u32,
    /// Minutes after which all attempts are available again.
    pub attempt_minutes: u32,
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// Everyone.
    Open,
    /// People with an invitation.
    Invited,
    /// Nobody.
    Closed,
}

/// Limits on requests and connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of a request body in bytes.
    pub body_bytes: usize,
    /// Maximum duration of a request in seconds.
    pub request_seconds: u64,
    /// Seconds for which a connection may stay open between requests.
    pub idle_seconds: u64,
    /// Maximum number of connections at a time.
    pub connections: usize,
}

/// The log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Its format.
    pub format: LogFormat,
    /// The lowest level that is logged.
    pub level: LogLevel,
}

/// A log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object on each line.
    Json,
}

/// A log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed and needs attention.
    Error,
    /// Something is doubtful.
    Warn,
    /// Start, stop, migrations.
    Info,
    /// Every request.
    Debug,
    /// Every step.
    Trace,
}

impl Config {
    /// Reads the text of `backstay.toml` and the environment variables `BACKSTAY_…`, which override it. Reports all
    /// problems together.
    pub fn read(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        read::read(text, environment)
    }
}
