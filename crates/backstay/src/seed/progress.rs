use std::fs;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::SeedFile;

/// Reports the progress of a load on standard error: a bar on a terminal, else a line of the log per file.
pub(super) struct Meter {
    bar: ProgressBar,
    plain: bool,
}

impl Meter {
    /// A meter for these files; without `show` it stays silent.
    pub(super) fn new(show: bool, files: &[SeedFile]) -> Self {
        let terminal = console::user_attended_stderr();
        if !show || !terminal || files.is_empty() {
            return Self { bar: ProgressBar::hidden(), plain: show };
        }
        // A file that cannot be read is reported when it is loaded; the bar can do without its size.
        let bytes = files.iter().filter_map(|file| fs::metadata(&file.path).ok()).map(|metadata| metadata.len()).sum();
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("  seeding {bar:32} {percent:>3} %  {msg}");
        bar.set_style(style.expect("the template is valid"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, plain: false }
    }

    /// A file is begun; this much of it is already loaded.
    pub(super) fn begin(&self, file: &str, bytes: u64) {
        self.bar.set_message(file.to_owned());
        self.bar.inc(bytes);
    }

    /// More of it is loaded.
    pub(super) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// The records of a file are created.
    pub(super) fn end_of_file(&self, file: &str, records: u64) {
        if self.plain {
            tracing::info!(file, records, "loaded a seed file");
        }
    }

    /// Relations of a file's records are being set.
    pub(super) fn relations(&self, file: &str) {
        self.bar.set_message(format!("{file}: relations"));
    }

    /// Everything is loaded.
    pub(super) fn end(&self, records: u64) {
        self.bar.finish_and_clear();
        if records > 0 {
            tracing::info!(records, "loaded all seed files");
        }
    }
}
