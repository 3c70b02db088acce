use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, stderr, stdin};
use std::thread;
use std::time::Duration;

use backstay_engine::OpenOutcome;
use console::style;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, channel};

use crate::logging;
use crate::plan::brief;
use crate::watch::Changes;

/// What the developer types, if there is a terminal to ask on.
#[derive(Debug)]
pub(super) struct TypedLines(Option<Receiver<String>>);

impl TypedLines {
    /// Reads lines on a thread of its own, which lives as long as the process: reading can't be interrupted.
    pub(super) fn open() -> io::Result<Self> {
        if !stdin().is_terminal() || !stderr().is_terminal() {
            return Ok(Self(None));
        }
        let (sender, lines) = channel(1);
        let read = move || {
            for line in stdin().lock().lines() {
                let Ok(line) = line else { return };
                // If nobody has read the line before, nobody has asked for this one.
                if let Err(TrySendError::Closed(_)) = sender.try_send(line) {
                    return;
                }
            }
        };
        thread::Builder::new().name("terminal".to_owned()).spawn(read)?;
        Ok(Self(Some(lines)))
    }

    /// Whether there is somebody to ask.
    pub(super) fn can_ask(&self) -> bool {
        self.0.is_some()
    }

    /// Asks a question. Lines that were typed before don't answer it.
    pub(super) fn ask(&mut self, question: &str) {
        if let Some(lines) = &mut self.0 {
            while lines.try_recv().is_ok() {}
        }
        say(question);
    }

    /// The next line. Never completes if there is no terminal any more.
    pub(super) async fn line(&mut self) -> String {
        if let Some(lines) = &mut self.0
            && let Some(line) = lines.recv().await
        {
            return line;
        }
        self.0 = None;
        std::future::pending().await
    }
}

/// Whether a line that was typed says yes.
pub(super) fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Writes a line.
pub(super) fn say(line: &str) {
    logging::tell(&format!("{line}\n"));
}

/// Writes a line that tells of something good.
pub(super) fn say_done(line: &str) {
    say(&style(line).for_stderr().green().to_string());
}

/// Writes a line that asks for attention.
pub(super) fn say_warning(line: &str) {
    say(&style(line).for_stderr().yellow().to_string());
}

/// Whether to write in colour what other parts of the program render.
pub(super) fn colour() -> bool {
    console::colors_enabled_stderr()
}

/// What has changed, and what came of it.
pub(super) fn reloaded(changes: Changes, outcome: &OpenOutcome, took: Duration) -> String {
    let steps = match outcome {
        OpenOutcome::Created => "created the database".to_owned(),
        OpenOutcome::Unchanged => String::new(),
        OpenOutcome::Migrated(steps) => steps.iter().map(brief).collect::<Vec<_>>().join("; "),
    };
    let mut line = format!("{} changed", changed(changes));
    if !steps.is_empty() {
        let _ = write!(line, ": {steps}");
    }
    let _ = write!(line, " · reloaded in {} ms", took.as_millis());
    line
}

/// What has changed, in words.
fn changed(changes: Changes) -> String {
    let named = [
        (changes.model, "model"),
        (changes.functions, "functions"),
        (changes.mail, "mail"),
        (changes.settings, "settings"),
        (changes.seeds, "seed files"),
    ];
    let names: Vec<&str> = named.into_iter().filter(|(changed, _)| *changed).map(|(_, name)| name).collect();
    names.join(" and ")
}

#[cfg(test)]
mod tests {
    use backstay_engine::{Risk, Step};

    use super::*;

    #[test]
    fn what_changed_is_one_line() {
        let model = Changes { model: true, ..Changes::default() };
        let took = Duration::from_micros(34_900);
        let check = |changes: Changes, outcome: &OpenOutcome, expected: &str| {
            assert_eq!(reloaded(changes, outcome, took), expected);
        };
        let step = |words: &str, risk| Step {
            words: words.to_owned(),
            sql: vec![],
            risk,
            records: None,
            findings: vec![],
            api: None,
            automatic: true,
        };
        let steps = vec![step("Post.subtitle is new", Risk::Safe), step("Post.slug has an index", Risk::Locks)];
        check(
            model,
            &OpenOutcome::Migrated(steps),
            "model changed: Post.subtitle is new (safe); Post.slug has an index (blocks writes while it runs) · reloaded \
             in 34 ms",
        );
        check(model, &OpenOutcome::Unchanged, "model changed · reloaded in 34 ms");
        let both = Changes { settings: true, ..model };
        check(both, &OpenOutcome::Migrated(vec![]), "model and settings changed · reloaded in 34 ms");
    }

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y", "Y", " yes ", "YES"] {
            assert!(is_yes(yes), "{yes}");
        }
        for no in ["", "n", "no", "yy", "yes please", "j"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
