use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::commands::output;

/// Runs a script in the `sqlite3` shell. Returns how long it took; what it writes goes nowhere.
pub(crate) fn script(database: &Path, script: &str) -> Result<Duration> {
    timed(Command::new("sqlite3").arg(database).arg(script).stdout(Stdio::null()))
}

/// The same, with its output in a file.
pub(crate) fn into_file(database: &Path, script: &str, file: &Path) -> Result<Duration> {
    let file = File::create(file).with_context(|| format!("creating {}", file.display()))?;
    timed(Command::new("sqlite3").arg(database).arg(script).stdout(file))
}

/// The lines that a query writes.
pub(crate) fn lines(database: &Path, query: &str) -> Result<Vec<String>> {
    let text = output(Command::new("sqlite3").arg(database).arg(query))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn timed(command: &mut Command) -> Result<Duration> {
    let begin = Instant::now();
    let status = command.status().context("starting sqlite3")?;
    ensure!(status.success(), "sqlite3 failed with {status}");
    Ok(begin.elapsed())
}
