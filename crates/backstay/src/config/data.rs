use std::path::PathBuf;

use super::value::{Applies, Key, Kind, quoted};

/// Where data is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The data directory, relative to the application's directory.
    pub dir: PathBuf,
    /// For how many days entries of the commit log are kept; 0 for ever.
    pub log_days: u64,
    /// How many MiB of the commit log are kept; 0 for all.
    pub log_mib: u64,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: PathBuf::from(".backstay"), log_days: 0, log_mib: 0 }
    }
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    Key {
        section: "data",
        name: "dir",
        applies: Applies::Start,
        kind: Kind::Text,
        about: "The data directory, relative to the application's directory; `--data` overrides it. If it is missing, it \
            is created so that only its owner can access it.",
        set: |config, given| {
            let dir = given.text()?;
            if dir.is_empty() {
                return Err("expected a path".into());
            }
            config.data.dir = PathBuf::from(dir);
            Ok(())
        },
        show: |config| quoted(&config.data.dir.to_string_lossy()),
    },
    Key {
        section: "data",
        name: "log_days",
        applies: Applies::Reload,
        kind: Kind::Number(0, 36_500),
        about: "Days for which entries of the commit log are kept; 0 keeps them for ever. The server prunes the log once an \
                hour.",
        set: |config, given| {
            config.data.log_days = given.number()?;
            Ok(())
        },
        show: |config| config.data.log_days.to_string(),
    },
    Key {
        section: "data",
        name: "log_mib",
        applies: Applies::Reload,
        kind: Kind::Number(0, 1_000_000_000),
        about: "Maximum size of the commit log in MiB, beyond which the oldest entries go; 0 for no maximum.",
        set: |config, given| {
            config.data.log_mib = given.number()?;
            Ok(())
        },
        show: |config| config.data.log_mib.to_string(),
    },
];
