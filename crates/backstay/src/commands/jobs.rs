use backstay_base::{Error, RecordId, limits};
use backstay_jobs::{JobLine as Line, Jobs, State};
use backstay_scalar::read_id;

use crate::Answer;
use crate::answer::JobLine;

pub(super) async fn list(jobs: &Jobs, states: &[String], limit: u32) -> Result<Answer, Error> {
    let named = |name: &String| State::named(name).ok_or_else(|| Error::NotFound { what: format!("state `{name}`") });
    let states = states.iter().map(named).collect::<Result<Vec<State>, Error>>()?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX).min(limits::JOBS_LISTED);
    let found = jobs.list(&states, most).await?;
    Ok(Answer::Jobs { jobs: found.into_iter().map(line).collect() })
}

pub(super) async fn show(jobs: &Jobs, job: &str) -> Result<Answer, Error> {
    Ok(Answer::Job { job: Box::new(line(jobs.show(id(job)?).await?)) })
}

pub(super) async fn retry(jobs: &Jobs, job: String) -> Result<Answer, Error> {
    jobs.retry(id(&job)?).await?;
    Ok(Answer::JobRetried { job })
}

pub(super) async fn cancel(jobs: &Jobs, job: String) -> Result<Answer, Error> {
    jobs.cancel(id(&job)?).await?;
    Ok(Answer::JobCancelled { job })
}

fn id(text: &str) -> Result<RecordId, Error> {
    read_id(text).ok_or_else(|| Error::NotFound { what: format!("job `{text}`") })
}

fn line(job: Line) -> JobLine {
    let Line { id, kind, state, attempts, due, ended, by, input, result, error, done, note } = job;
    JobLine {
        id: id.to_string(),
        kind,
        state: state.name().to_owned(),
        attempts,
        due_at: due.map(|moment| moment.to_string()),
        ended_at: ended.map(|moment| moment.to_string()),
        by,
        input,
        result,
        error,
        done,
        note,
    }
}
