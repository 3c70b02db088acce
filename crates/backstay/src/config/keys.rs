use super::value::{Given, Kind};
use super::{Config, accounts, data, limits, log, server};

/// One key of `backstay.toml`.
pub(crate) struct Key {
    /// The table it is in.
    pub(crate) section: &'static str,
    /// Its name there.
    pub(crate) name: &'static str,
    /// Which values it takes.
    pub(crate) kind: Kind,
    /// What it does, as a sentence.
    pub(crate) about: &'static str,
    /// Sets a value that matches `kind`.
    pub(super) set: fn(&mut Config, Given) -> Result<(), String>,
    /// The value in these settings, as TOML.
    pub(crate) show: fn(&Config) -> String,
}

impl Key {
    /// The environment variable that overrides it.
    pub(crate) fn variable(&self) -> String {
        format!("BACKSTAY_{}_{}", self.section, self.name).to_uppercase()
    }
}

/// Every key, in the order of the documentation.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> {
    [server::KEYS, data::KEYS, accounts::KEYS, limits::KEYS, log::KEYS].into_iter().flatten()
}
