//! What functions write to the log, bounded.

use std::hash::{DefaultHasher, Hash, Hasher};

use backstay_base::limits;
use parking_lot::Mutex;
use rquickjs::Value;

use crate::secrets::Secrets;

/// The lines of one call.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Mutex<Lines>,
    /// What no line may tell.
    secrets: Secrets,
}

#[derive(Debug, Default)]
struct Lines {
    function: String,
    written: usize,
    /// What was written, as pairs of a level and a text, if somebody hears it.
    heard: Option<Vec<(String, String)>>,
    /// Promises that were rejected, and that nobody has waited for yet, by their identity.
    rejected: Vec<(u64, String)>,
}

impl Log {
    pub(crate) fn hiding(secrets: Secrets) -> Self {
        Self { lines: Mutex::default(), secrets }
    }

    /// A call of this function begins. `is_heard`: what it writes is kept for whoever takes it, too.
    pub(crate) fn begin(&self, function: &str, is_heard: bool) {
        let heard = is_heard.then(Vec::new);
        *self.lines.lock() = Lines { function: function.to_owned(), heard, ..Lines::default() };
    }

    /// Takes what was written since the last time, if it is kept.
    pub(crate) fn take(&self) -> Vec<(String, String)> {
        self.lines.lock().heard.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn write(&self, level: &str, text: String) {
        let mut lines = self.lines.lock();
        lines.written += 1;
        let function = lines.function.as_str();
        if lines.written > limits::FUNCTION_LOG_LINES {
            if lines.written == limits::FUNCTION_LOG_LINES + 1 {
                tracing::warn!(function, "more than {} lines; the rest is left out", limits::FUNCTION_LOG_LINES);
            }
            return;
        }
        let text = cut(self.secrets.redacted(text));
        if let Some(heard) = &mut lines.heard {
            heard.push((level.to_owned(), text.clone()));
        }
        let (text, function) = (lines_of_one(&text), lines.function.as_str());
        match level {
            "debug" => tracing::debug!(function, "{text}"),
            "warn" => tracing::warn!(function, "{text}"),
            "error" => tracing::error!(function, "{text}"),
            _ => tracing::info!(function, "{text}"),
        }
    }

    /// A promise was rejected while nobody waited for it, or somebody does so now.
    pub(crate) fn rejected(&self, promise: &Value<'_>, reason: &Value<'_>, is_handled: bool) {
        let mut lines = self.lines.lock();
        let mut hasher = DefaultHasher::new();
        promise.hash(&mut hasher);
        let identity = hasher.finish();
        if is_handled {
            lines.rejected.retain(|(known, _)| *known != identity);
        } else if lines.rejected.len() < limits::FUNCTION_LOG_LINES {
            let text = reason.clone().into_exception().map_or_else(
                || reason.type_name().to_owned(),
                |thrown| format!("{}\n{}", thrown.message().unwrap_or_default(), thrown.stack().unwrap_or_default()),
            );
            lines.rejected.push((identity, text));
        }
    }

    /// The call has ended: logs the rejected promises that nothing has handled.
    pub(crate) fn end(&self) {
        let rejected = std::mem::take(&mut self.lines.lock().rejected);
        for (_, text) in rejected {
            self.write("error", format!("a promise was rejected, and nothing waits for it: {text}"));
        }
    }
}

/// A text that can't pass for several lines of the log: those after the first are indented, and control characters escaped.
fn lines_of_one(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\n    "),
            '\t' => shown.push('\t'),
            control if control.is_control() => shown.extend(control.escape_default()),
            other => shown.push(other),
        }
    }
    shown
}

fn cut(mut text: String) -> String {
    if text.len() > limits::FUNCTION_LOG_LINE_BYTES {
        let end = (0..=limits::FUNCTION_LOG_LINE_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_pass_for_another_line_of_the_log() {
        let check = |text: &str, expected: &str| assert_eq!(lines_of_one(text), expected, "{text:?}");
        check("sold 3 × tea", "sold 3 × tea");
        check("a\nERROR forged", "a\n    ERROR forged");
        check("a\r\u{1b}[31m\0\tb", "a\\r\\u{1b}[31m\\u{0}\tb");
    }
}
