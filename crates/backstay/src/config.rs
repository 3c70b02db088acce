mod accounts;
mod address;
mod data;
mod document;
mod egress;
mod foreign;
mod keys;
mod limits;
mod log;
mod mail;
mod meant;
mod problem;
mod read;
mod remedy;
mod secrets;
mod server;
mod subnets;
mod syntax;
mod value;

pub(crate) use address::meant_address;

pub use accounts::{Accounts, SignUp};
pub use data::Data;
pub(crate) use data::is_url;
pub use document::reference;
pub use egress::Egress;
pub use limits::Limits;
pub(crate) use limits::MIB;
pub use log::{Log, LogFormat, LogLevel};
pub use mail::Mail;
pub use problem::{ConfigError, ConfigPlace, ConfigProblem, ConfigProblems};
pub use secrets::Secrets;
pub(crate) use secrets::from_file;
pub use server::{DocsShown, ProxyHeader, Server};
use value::Applies;

/// The settings of an application: `backstay.toml` with overrides from the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// `[egress]`
    pub egress: Egress,
    /// `[mail]`
    pub mail: Mail,
    /// `[secrets]`
    pub secrets: Secrets,
    /// `[log]`
    pub log: Log,
    /// Variables that look like settings, and files that look like a part of the application, and are ignored.
    pub warnings: ConfigProblems,
}

impl Config {
    /// Reads the text of `backstay.toml` and the environment variables `BACKSTAY_…`, which override it. Reports all
    /// problems together.
    pub fn read(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        read::read(text, environment)
    }

    /// The keys that have other values in newer settings, and that a running server doesn't follow: `server.listen`.
    pub(crate) fn awaiting_restart(&self, newer: &Self) -> Vec<String> {
        let differing =
            keys::keys().filter(|key| key.applies == Applies::Start && (key.show)(self) != (key.show)(newer));
        differing.map(|key| format!("{}.{}", key.section, key.name)).collect()
    }
}
