//! Backups, as commands and the running server make them.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backstay_base::Timestamp;
use backstay_engine::{Checked, CopyProgress, CopyStage, Engine};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::answer::MadeBackup;
use crate::{Answer, Failure};

/// How often progress is reported.
const REPORT_EVERY: Duration = Duration::from_millis(200);

/// What a command is doing, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Progress {
    /// What it is doing.
    pub(crate) stage: Stage,
    /// How much of it is done.
    pub(crate) done: u64,
    /// How much there is.
    pub(crate) total: u64,
}

/// What a command is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    Copy,
    Check,
}

impl From<CopyProgress> for Progress {
    fn from(CopyProgress { stage, done, total }: CopyProgress) -> Self {
        let stage = match stage {
            CopyStage::Copy => Stage::Copy,
            CopyStage::Check => Stage::Check,
        };
        Self { stage, done, total }
    }
}

/// Where a command tells how far it is. It ends when nobody listens any more.
#[derive(Debug)]
pub(crate) struct Reporter {
    listener: Option<UnboundedSender<Progress>>,
    last: Option<(Stage, Instant)>,
}

impl Reporter {
    /// One that tells nobody.
    pub(crate) fn silent() -> Self {
        Self { listener: None, last: None }
    }

    /// One that tells whoever has its other end.
    pub(crate) fn channel() -> (Self, UnboundedReceiver<Progress>) {
        let (send, receive) = unbounded_channel();
        (Self { listener: Some(send), last: None }, receive)
    }

    fn tell(&mut self, progress: Progress) -> ControlFlow<()> {
        let Some(listener) = &self.listener else { return ControlFlow::Continue(()) };
        if listener.is_closed() {
            return ControlFlow::Break(());
        }
        let is_due = self.last.is_none_or(|(stage, at)| stage != progress.stage || at.elapsed() >= REPORT_EVERY);
        if is_due {
            self.last = Some((progress.stage, Instant::now()));
            // Whether anybody listens is asked above.
            let _ = listener.send(progress);
        }
        ControlFlow::Continue(())
    }
}

/// Backs up the open database into this file.
pub(crate) async fn back_up(engine: &Engine, file: PathBuf, mut reporter: Reporter) -> Result<Answer, Failure> {
    let engine = engine.clone();
    let copied = spawn_blocking(move || {
        let checked = engine.back_up(&file, &mut |progress| reporter.tell(progress.into()));
        checked.map(|checked| answer(&file, checked))
    });
    Ok(copied.await.map_err(std::io::Error::from)??)
}

/// What a command prints about a backup.
pub(crate) fn answer(file: &Path, checked: Checked) -> Answer {
    let Checked { application, records, last, bytes } = checked;
    let (change, moment) = last.map_or((0, None), |(change, moment)| (change, Some(moment.to_string())));
    Answer::BackedUp(MadeBackup { file: file.display().to_string(), application, records, bytes, change, moment })
}

/// The name of a backup that is only told its directory.
pub(crate) fn name(now: Timestamp) -> String {
    let moment: String = now.to_string().chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    format!("backstay-{moment}.db")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reporter_tells_each_stage_and_when_nobody_listens() {
        let (mut reporter, mut told) = Reporter::channel();
        let progress = |stage, done| Progress { stage, done, total: 9 };
        for (stage, done) in [(Stage::Copy, 1), (Stage::Copy, 2), (Stage::Check, 9)] {
            assert_eq!(reporter.tell(progress(stage, done)), ControlFlow::Continue(()));
        }
        assert_eq!(told.try_recv(), Ok(progress(Stage::Copy, 1)));
        assert_eq!(told.try_recv(), Ok(progress(Stage::Check, 9)));
        drop(told);
        assert_eq!(reporter.tell(progress(Stage::Check, 9)), ControlFlow::Break(()));
        assert_eq!(Reporter::silent().tell(progress(Stage::Copy, 1)), ControlFlow::Continue(()));
    }

    #[test]
    fn names_sort_by_time() {
        let named = |micros| name(Timestamp::from_micros(micros).expect("a moment"));
        assert_eq!(named(1_767_225_600_000_000), "backstay-20260101T000000.db");
    }
}
