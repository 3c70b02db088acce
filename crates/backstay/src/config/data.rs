use std::path::PathBuf;

use super::value::{Applies, Key, Kind, quoted};

/// Where data is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The data directory, relative to the application's directory.
    pub dir: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: PathBuf::from(".backstay") }
    }
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[Key {
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
}];
