use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::RefusedRow;
use crate::logging;

/// Rows that are refused and shown; the file of errors has all of them.
const SHOWN: u64 = 10;

/// Shows how far a file is, and writes down which of its rows are refused.
pub(super) struct Report {
    bar: ProgressBar,
    path: PathBuf,
    errors: PathBuf,
    /// The file of errors, once there is one.
    file: Option<BufWriter<File>>,
    /// Whether what an earlier run wrote there stays.
    appends: bool,
    refused: u64,
}

impl Report {
    /// Of a file of this many bytes. `appends`: an earlier run has imported a part of it.
    pub(super) fn new(path: &Path, errors: &Path, bytes: u64) -> Self {
        let bar = match console::user_attended_stderr() {
            false => ProgressBar::hidden(),
            true => ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()),
        };
        let style = ProgressStyle::with_template("  {bar:32} {percent:>3} %  {msg}  {eta} left");
        bar.set_style(style.expect("the template is valid"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, path: path.to_owned(), errors: errors.to_owned(), file: None, appends: false, refused: 0 }
    }

    /// Says something about the file.
    pub(super) fn tell(&self, words: &str) {
        self.bar.suspend(|| logging::tell(&format!("{}: {words}\n", self.path.display())));
    }

    /// Keeps the errors of an earlier run.
    pub(super) fn go_on(&mut self, rows: u64) {
        self.appends = true;
        self.tell(&format!("going on after {rows} rows, which are imported"));
    }

    /// So many bytes of the file are read, and so many of its rows written.
    pub(super) fn advance(&self, bytes: u64, rows: u64) {
        self.bar.set_position(bytes);
        let seconds = self.bar.elapsed().as_secs().max(1);
        self.bar.set_message(format!("{rows} rows, {} per second", rows / seconds));
    }

    /// A row is refused.
    pub(super) fn refused(&mut self, row: &RefusedRow) -> io::Result<()> {
        let RefusedRow { line, error } = row;
        self.refused += 1;
        if self.refused <= SHOWN {
            self.bar.suspend(|| logging::tell(&format!("{}:{line}: {error}\n", self.path.display())));
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut options = OpenOptions::new();
                options.create(true).append(self.appends).write(true).truncate(!self.appends);
                none.insert(BufWriter::new(options.open(&self.errors)?))
            }
        };
        writeln!(file, "{}", json!({ "line": line, "error": error }))
    }

    /// How many rows were refused. Everything about them is in the file.
    pub(super) fn end(mut self) -> io::Result<u64> {
        self.bar.finish_and_clear();
        if let Some(file) = &mut self.file {
            file.flush()?;
        }
        if self.refused > SHOWN {
            logging::tell(&format!("… and {} more, in {}\n", self.refused - SHOWN, self.errors.display()));
        }
        Ok(self.refused)
    }
}
