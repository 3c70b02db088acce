use clap::{Subcommand, ValueEnum};

use super::Within;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum JobState {
    Waiting,
    Running,
    Done,
    Dead,
    Cancelled,
}

impl JobState {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::Dead => "DEAD",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// List jobs: those that wait, run or were given up, unless you name states
    #[command(after_help = "Example:\n  backstay job list --state DEAD")]
    List {
        /// A state to list; repeatable
        #[arg(long = "state", value_name = "STATE", ignore_case = true)]
        states: Vec<JobState>,
        /// How many to list at most
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        within: Within,
    },
    /// Show what a job takes, how far it is, and why it failed
    Show {
        /// Id of the job
        job: String,
        #[command(flatten)]
        within: Within,
    },
    /// Queue a job anew that was given up or cancelled
    Retry {
        /// Id of the job
        job: String,
        #[command(flatten)]
        within: Within,
    },
    /// Cancel a job; one that runs is stopped, and what it has committed by then remains
    Cancel {
        /// Id of the job
        job: String,
        #[command(flatten)]
        within: Within,
    },
}
