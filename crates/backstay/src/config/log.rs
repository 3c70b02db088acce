use super::value::{Applies, Key, Kind, quoted};

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

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info }
    }
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    Key {
        section: "log",
        name: "format",
        applies: Applies::Start,
        kind: Kind::Choice(&["text", "json"]),
        about: "Format of the log on standard error; `--log-format` overrides it.",
        set: |config, given| {
            config.log.format = if given.text()? == "json" { LogFormat::Json } else { LogFormat::Text };
            Ok(())
        },
        show: |config| quoted(if config.log.format == LogFormat::Json { "json" } else { "text" }),
    },
    Key {
        section: "log",
        name: "level",
        applies: Applies::Start,
        kind: Kind::Choice(&LogLevel::NAMES),
        about: "Lowest level that is logged. `debug` logs one line per request.",
        set: |config, given| {
            config.log.level = LogLevel::named(&given.text()?).ok_or("expected a level")?;
            Ok(())
        },
        show: |config| quoted(config.log.level.name()),
    },
];

impl LogLevel {
    const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];
    const NAMES: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}
