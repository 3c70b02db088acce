mod queue;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{IsTerminal as _, Write as _, stderr};
use std::panic;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;

use crate::config::{Log, LogFormat, LogLevel};
use queue::Queue;

/// The process has one standard error, so it has one queue of lines for it.
static QUEUE: OnceLock<Queue> = OnceLock::new();

/// What the lines of functions are logged under.
const FUNCTIONS: &str = "backstay_functions::log";

/// Sends the log and the messages of panics to standard error. Other libraries log warnings and errors only.
pub(crate) fn start(log: Log) {
    start_with(log, log.level);
}

/// The same with another level for what the application's functions write.
pub(crate) fn start_with(log: Log, functions: LogLevel) {
    // Without a thread to write it there is no log, but everything else still works.
    let Ok(queue) = Queue::start(stderr()) else { return };
    let queue = QUEUE.get_or_init(|| queue);
    let filter = match log.level {
        LogLevel::Error => EnvFilter::new("error"),
        level => EnvFilter::new(format!("warn,backstay={},{FUNCTIONS}={}", level.name(), functions.name())),
    };
    let builder = SubscriberBuilder::default().with_env_filter(filter);
    let builder = builder.with_writer(move || queue.clone()).log_internal_errors(false);
    let started = match log.format {
        LogFormat::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
        LogFormat::Text => tracing::subscriber::set_global_default(
            builder.with_target(false).with_ansi(stderr().is_terminal()).finish(),
        ),
    };
    // An embedding program may have set its own subscriber and panic hook; those stay.
    if started.is_ok() {
        panic::set_hook(Box::new(|panicked| {
            let place = panicked.location().map(ToString::to_string);
            let backtrace = Backtrace::capture();
            let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
            tracing::error!(place, backtrace, "panic: {}", panicked.payload_as_str().unwrap_or("no message"));
        }));
    }
}

/// Writes text to standard error, after everything that was logged before. Text that cannot be written is lost; the
/// exit code still says how a command ended.
pub(crate) fn tell(text: &str) {
    match QUEUE.get() {
        _ if text.is_empty() => {}
        Some(queue) => queue.push(text.as_bytes()),
        None => drop(stderr().write_all(text.as_bytes())),
    }
}

/// When dropped, waits until everything that was logged is written, but not long for a reader that is stuck.
pub(crate) struct Flush;

impl Drop for Flush {
    fn drop(&mut self) {
        if let Some(queue) = QUEUE.get() {
            queue.flush();
        }
    }
}

/// Ends the process at once, so that it cannot answer anything any more.
pub(crate) fn abort() -> ! {
    drop(Flush);
    std::process::exit(1);
}
