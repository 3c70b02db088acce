//! Jobs that functions queue, as the prelude writes them.

use backstay_base::{Error, Timestamp, limits};
use backstay_engine::{AskedJob, JobName, JobReport, JobTerms, Priority};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::host::misused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queued<'t> {
    job: String,
    #[serde(borrow)]
    input: Option<&'t RawValue>,
    /// In seconds.
    #[serde(borrow)]
    delay: Option<&'t RawValue>,
    #[serde(borrow)]
    at: Option<&'t RawValue>,
    #[serde(borrow)]
    priority: Option<&'t RawValue>,
    #[serde(borrow)]
    unique: Option<&'t RawValue>,
    #[serde(borrow)]
    series: Option<&'t RawValue>,
    #[serde(borrow)]
    attempts: Option<&'t RawValue>,
}

/// Reads a job.
///
/// # Errors
/// What of it isn't as a job is written.
pub(crate) fn read(text: &str) -> Result<AskedJob, Error> {
    let queued: Queued<'_> = serde_json::from_str(text).map_err(|error| {
        let (problem, remedy) =
            (format!("the job isn't written as one: {error}"), "write `jobs.add(name, input, options)`");
        misused("job", problem, remedy)
    })?;
    let Queued { job, input, delay, at, priority, unique, series, attempts } = queued;
    let delay: Option<f64> = term(("delay", delay), "a number of seconds")?;
    let at: Option<String> = term(("at", at), "a `Date`, or a text such as \"2026-01-31T12:00:00Z\"")?;
    let priority: Option<String> = term(("priority", priority), "\"HIGH\", \"NORMAL\" or \"LOW\"")?;
    let unique = term(("unique", unique), "a text")?;
    let series = term(("series", series), "a text")?;
    let attempts = term(("attempts", attempts), "a whole number")?;
    let at = at.as_deref().map(moment).transpose()?;
    if at.is_some() && delay.is_some() {
        return Err(misused("at", "both `at` and `delay` are given".to_owned(), "leave one of them out"));
    }
    let delay = delay.map(micros).transpose()?.unwrap_or(0);
    let priority = priority.as_deref().map(read_priority).transpose()?.unwrap_or_default();
    let input = input.map_or("{}", RawValue::get).to_owned();
    let job = JobName::Action(job);
    Ok(AskedJob { job, input, terms: JobTerms { at, delay, priority, unique, series, attempts } })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reported<'t> {
    #[serde(borrow)]
    done: &'t RawValue,
    #[serde(borrow)]
    note: Option<&'t RawValue>,
}

/// Reads how far a job is.
///
/// # Errors
/// What of it isn't as that is written.
pub(crate) fn read_report(text: &str) -> Result<JobReport, Error> {
    let remedy = "write `jobs.report(0.5, \"page 5 of 10\")`";
    let reported: Reported<'_> = serde_json::from_str(text)
        .map_err(|error| misused("done", format!("the report isn't written as one: {error}"), remedy))?;
    let done: f64 = serde_json::from_str(reported.done.get()).unwrap_or(-1.0);
    if !(0.0..=1.0).contains(&done) {
        let problem = format!("`done` must be a number from 0 to 1, not {}", shortened(reported.done.get()));
        return Err(misused("done", problem, remedy));
    }
    let note: Option<String> = term(("note", reported.note), "a text")?;
    if note.as_ref().is_some_and(|note| note.chars().count() > limits::JOB_NOTE_CHARS) {
        return Err(misused("note", format!("a note has at most {} characters", limits::JOB_NOTE_CHARS), "shorten it"));
    }
    Ok(JobReport { done, note })
}

/// The value of an option of `jobs.add`.
fn term<'t, T: Deserialize<'t>>(
    (name, written): (&'static str, Option<&'t RawValue>),
    expected: &str,
) -> Result<Option<T>, Error> {
    let Some(written) = written else { return Ok(None) };
    serde_json::from_str(written.get()).map_err(|_| {
        let problem = format!("`{name}` is {expected}, and not {}", shortened(written.get()));
        misused(name, problem, "give such a value, or leave it out")
    })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn moment(text: &str) -> Result<Timestamp, Error> {
    Timestamp::parse(text).map_err(|_| {
        let problem = format!("`at` isn't a moment: {text}");
        misused("at", problem, "give a `Date`, or a text such as \"2026-01-31T12:00:00Z\"")
    })
}

/// At most ten years.
fn micros(seconds: f64) -> Result<i64, Error> {
    const MOST: f64 = 315_360_000.0;
    if !(0.0..=MOST).contains(&seconds) {
        let problem = format!("`delay` is a number of seconds, from 0 to {MOST}");
        return Err(misused("delay", problem, "give a number, or a moment as `at`"));
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
            Err(misused("priority", format!("there is no priority `{other}`"), "write \"HIGH\", \"NORMAL\" or \"LOW\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::{Error, Violation, ViolationKind};

    use super::read;

    #[test]
    fn terms_of_the_wrong_type_are_named() {
        let check = |terms: &str, expected: &str| {
            let text = format!(r#"{{"job":"send","input":{{}}{terms}}}"#);
            let problem = match read(&text) {
                Ok(_) => String::new(),
                Err(Error::Malformed(violations)) => match &violations[0] {
                    Violation { kind: ViolationKind::Misused { problem, .. }, .. } => problem.clone(),
                    other => unreachable!("{other:?}"),
                },
                Err(other) => unreachable!("{other}"),
            };
            assert_eq!(problem, expected, "{terms}");
        };
        check("", "");
        check(r#","unique":"k","series":"s","attempts":3,"delay":1.5,"priority":"HIGH""#, "");
        check(r#","unique":null"#, "");
        check(r#","unique":5"#, "`unique` is a text, and not 5");
        check(r#","series":{"a":1}"#, r#"`series` is a text, and not {"a":1}"#);
        check(r#","attempts":"many""#, r#"`attempts` is a whole number, and not "many""#);
        check(r#","attempts":1.5"#, "`attempts` is a whole number, and not 1.5");
        check(r#","attempts":-1"#, "`attempts` is a whole number, and not -1");
        check(r#","delay":"1s""#, r#"`delay` is a number of seconds, and not "1s""#);
        check(r#","priority":1"#, r#"`priority` is "HIGH", "NORMAL" or "LOW", and not 1"#);
    }
}
