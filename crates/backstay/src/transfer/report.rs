use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::error_file::ErrorFile;
use super::{Done, RefusedRow};
use crate::answer::Count;
use crate::{Failure, logging};

/// Rows that are refused and shown; the file of errors has all of them.
const SHOWN: u64 = 10;

/// Shows how far a file is, and which of its rows are refused.
pub(super) struct Report {
    bar: ProgressBar,
    path: PathBuf,
    errors: PathBuf,
    /// The file of errors, unless the import ends with the first one.
    file: Option<ErrorFile>,
    /// Rows that this run lists.
    refused: u64,
}

impl Report {
    /// Of a file of this many bytes.
    pub(super) fn new(path: &Path, errors: &Path, bytes: u64) -> Self {
        let bar = match console::user_attended_stderr() {
            false => ProgressBar::hidden(),
            true => ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()),
        };
        let style = ProgressStyle::with_template("  {bar:32} {percent:>3} %  {msg}  {eta} left");
        bar.set_style(style.expect("the template is valid"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, path: path.to_owned(), errors: errors.to_owned(), file: None, refused: 0 }
    }

    /// Says something about the file.
    pub(super) fn tell(&self, words: &str) {
        self.tell_of(&self.path, words);
    }

    fn tell_of(&self, path: &Path, words: &str) {
        self.bar.suspend(|| logging::tell(&format!("{}: {words}\n", path.display())));
    }

    /// Opens the file of errors, before any row is imported. `done`: how far an earlier run was.
    pub(super) fn open(&mut self, skip: bool, done: Option<&Done>) -> Result<(), Failure> {
        let Some(done) = done else {
            self.file = skip.then(|| ErrorFile::create(&self.errors)).transpose()?;
            return Ok(());
        };
        self.tell(&format!("going on after {}", Count(done.rows, "row")));
        if !skip && done.unlisted.is_empty() {
            return Ok(());
        }
        let (file, lacking) = ErrorFile::resume(&self.errors, done)?;
        if lacking > 0 {
            self.tell_of(&self.errors, &format!("{lacking} rows that were refused before aren't in this file"));
        }
        self.file = Some(file);
        self.show(&done.unlisted);
        Ok(())
    }

    /// So many bytes of the file are read, and so many of its rows written.
    pub(super) fn advance(&self, bytes: u64, rows: u64) {
        self.bar.set_position(bytes);
        let seconds = self.bar.elapsed().as_secs().max(1);
        self.bar.set_message(format!("{rows} rows, {} per second", rows / seconds));
    }

    /// These rows are refused. They are in the file of errors afterwards.
    pub(super) fn refused(&mut self, rows: &[RefusedRow]) -> Result<(), Failure> {
        self.show(rows);
        self.file.as_mut().map_or(Ok(()), |file| file.append(rows))
    }

    fn show(&mut self, rows: &[RefusedRow]) {
        for RefusedRow { line, error } in rows {
            self.refused += 1;
            if self.refused <= SHOWN {
                self.bar.suspend(|| logging::tell(&format!("{}:{line}: {error}\n", self.path.display())));
            }
        }
    }

    /// How many rows were refused.
    pub(super) fn end(self) -> u64 {
        self.bar.finish_and_clear();
        if self.refused > SHOWN {
            logging::tell(&format!("… and {} more, in {}\n", self.refused - SHOWN, self.errors.display()));
        }
        if let Some(file) = self.file {
            file.end();
        }
        self.refused
    }
}
