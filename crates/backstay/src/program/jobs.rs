use std::process::ExitCode;

use backstay_jobs::State;

use super::command;
use crate::arguments::Job;
use crate::{Command, Failure};

pub(super) async fn job(job: Job) -> Result<ExitCode, Failure> {
    match job {
        Job::List { states, limit, within } => {
            let states = match states.as_slice() {
                [] => &[State::Waiting, State::Running, State::Dead],
                states => states,
            };
            let states = states.iter().map(|state| state.name().to_owned()).collect();
            command(&within, Command::ListJobs { states, limit }).await
        }
        Job::Show { job, within } => command(&within, Command::ShowJob { job }).await,
        Job::Retry { job, within } => command(&within, Command::RetryJob { job }).await,
        Job::Cancel { job, within } => command(&within, Command::CancelJob { job }).await,
    }
}
