use backstay_base::{Cron, Timestamp, Zone};

use crate::source::Span;

/// `@schedule`: a job that is queued again and again.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its number among the schedules of the same job, from 0.
    pub number: usize,
    /// The job, by its place among the actions.
    pub run: usize,
    /// When.
    pub cron: Cron,
    /// In which time zone.
    pub zone: Zone,
    /// What becomes of times that were missed.
    pub missed: Missed,
    /// Where it is in the model.
    pub span: Span,
}

/// What becomes of the times of a schedule at which no server ran, or the job before hadn't ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// One job makes up for all of them.
    Once,
    /// Each has its job.
    All,
    /// None has.
    Skip,
}

impl Schedule {
    /// Its first time after a moment; `None` if there is none before the year 5000.
    pub fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        self.cron.after(&self.zone, moment)
    }

    /// Whether a moment is one of its times.
    pub fn is_at(&self, moment: Timestamp) -> bool {
        self.cron.is_at(&self.zone, moment)
    }
}
