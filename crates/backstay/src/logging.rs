use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;

use crate::config::{Log, LogFormat, LogLevel};

/// Sends the log to standard error. What other libraries say is passed on from warnings upward.
pub(crate) fn start(log: Log) {
    let filter = match log.level {
        LogLevel::Error => EnvFilter::new("error"),
        level => EnvFilter::new(format!("warn,backstay={}", level.name())),
    };
    let builder = SubscriberBuilder::default().with_env_filter(filter).with_writer(stderr);
    // A second subscriber is refused where a test or an embedding program has set one; theirs stays.
    let _ = match log.format {
        LogFormat::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
        LogFormat::Text => tracing::subscriber::set_global_default(
            builder.with_target(false).with_ansi(stderr().is_terminal()).finish(),
        ),
    };
}
