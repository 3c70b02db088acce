//! Jobs that functions queue, as the prelude writes them.

use backstay_base::{Error, Place, Timestamp, ViolationKind};
use backstay_engine::{AskedJob, JobName, JobTerms, Priority};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queued<'t> {
    job: String,
    #[serde(borrow)]
    input: Option<&'t RawValue>,
    /// In seconds.
    delay: Option<f64>,
    at: Option<String>,
    priority: Option<String>,
    unique: Option<String>,
    series: Option<String>,
    attempts: Option<u32>,
}

/// Reads a job.
///
/// # Errors
/// What of it isn't as a job is written.
pub(crate) fn read(text: &str) -> Result<AskedJob, Error> {
    let queued: Queued<'_> = serde_json::from_str(text).map_err(|error| {
        let (problem, remedy) =
            (format!("the job isn't written as one: {error}"), "write `jobs.add(name, input, options)`");
        wrong("job", problem, remedy)
    })?;
    let Queued { job, input, delay, at, priority, unique, series, attempts } = queued;
    let at = at.as_deref().map(moment).transpose()?;
    if at.is_some() && delay.is_some() {
        return Err(wrong("at", "both `at` and `delay` are given".to_owned(), "leave one of them out"));
    }
    let delay = delay.map(micros).transpose()?.unwrap_or(0);
    let priority = priority.as_deref().map(read_priority).transpose()?.unwrap_or_default();
    if attempts == Some(0) {
        return Err(wrong("attempts", "a job is tried at least once".to_owned(), "write 1 or more"));
    }
    let input = input.map_or("{}", RawValue::get).to_owned();
    let job = JobName::Action(job);
    Ok(AskedJob { job, input, terms: JobTerms { at, delay, priority, unique, series, attempts } })
}

fn moment(text: &str) -> Result<Timestamp, Error> {
    Timestamp::parse(text).map_err(|_| {
        let problem = format!("`at` isn't a moment: {text}");
        wrong("at", problem, "give a `Date`, or a text such as \"2026-01-31T12:00:00Z\"")
    })
}

/// At most ten years.
fn micros(seconds: f64) -> Result<i64, Error> {
    const MOST: f64 = 315_360_000.0;
    if !(0.0..=MOST).contains(&seconds) {
        let problem = format!("`delay` is a number of seconds, from 0 to {MOST}");
        return Err(wrong("delay", problem, "give a number, or a moment as `at`"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is in the range")]
    let micros = (seconds * 1_000_000.0) as i64;
    Ok(micros)
}

fn read_priority(name: &str) -> Result<Priority, Error> {
    match name {
        "HIGH" => Ok(Priority::High),
        "NORMAL" => Ok(Priority::Normal),
        "LOW" => Ok(Priority::Low),
        other => {
            Err(wrong("priority", format!("there is no priority `{other}`"), "write \"HIGH\", \"NORMAL\" or \"LOW\""))
        }
    }
}

fn wrong(part: &'static str, problem: String, remedy: &str) -> Error {
    Error::malformed(Place::part(part), ViolationKind::Misused { problem, remedy: remedy.to_owned() })
}
