//! What functions write to the log, bounded.

use std::hash::{DefaultHasher, Hash, Hasher};

use parking_lot::Mutex;
use rquickjs::Value;

use crate::limits;

/// The lines of one call.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    function: String,
    written: usize,
    /// Promises that were rejected, and that nobody has waited for yet, by their identity.
    rejected: Vec<(u64, String)>,
}

impl Log {
    /// A call of this function begins.
    pub(crate) fn begin(&self, function: &str) {
        *self.0.lock() = Lines { function: function.to_owned(), ..Lines::default() };
    }

    pub(crate) fn write(&self, level: &str, text: String) {
        let mut lines = self.0.lock();
        lines.written += 1;
        let function = lines.function.as_str();
        if lines.written > limits::LOG_LINES {
            if lines.written == limits::LOG_LINES + 1 {
                tracing::warn!(target: "function", function, "more than {} lines; the rest is left out", limits::LOG_LINES);
            }
            return;
        }
        let text = cut(text);
        match level {
            "debug" => tracing::debug!(target: "function", function, "{text}"),
            "warn" => tracing::warn!(target: "function", function, "{text}"),
            "error" => tracing::error!(target: "function", function, "{text}"),
            _ => tracing::info!(target: "function", function, "{text}"),
        }
    }

    /// A promise was rejected while nobody waited for it, or somebody does so now.
    pub(crate) fn rejected(&self, promise: &Value<'_>, reason: &Value<'_>, is_handled: bool) {
        let mut lines = self.0.lock();
        let mut hasher = DefaultHasher::new();
        promise.hash(&mut hasher);
        let identity = hasher.finish();
        if is_handled {
            lines.rejected.retain(|(known, _)| *known != identity);
        } else if lines.rejected.len() < limits::LOG_LINES {
            let text = reason.clone().into_exception().map_or_else(
                || reason.type_name().to_owned(),
                |thrown| format!("{}\n{}", thrown.message().unwrap_or_default(), thrown.stack().unwrap_or_default()),
            );
            lines.rejected.push((identity, text));
        }
    }

    /// The call has ended: what nobody has waited for is told.
    pub(crate) fn end(&self) {
        let rejected = std::mem::take(&mut self.0.lock().rejected);
        for (_, text) in rejected {
            self.write("error", format!("a promise was rejected, and nothing waits for it: {text}"));
        }
    }
}

fn cut(mut text: String) -> String {
    if text.len() > limits::LOG_LINE_BYTES {
        let end = (0..=limits::LOG_LINE_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
