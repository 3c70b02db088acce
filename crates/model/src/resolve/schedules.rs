//! `@schedule`: what queues jobs at certain times.

use apollo_compiler::Schema;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;
use backstay_base::{Cron, CronProblem, Zone, limits};
use backstay_scalar::Scalar;

use super::jobs::{Given, job_named};
use super::read;
use super::report::Report;
use super::survey::Names;
use crate::{Action, Field, FieldKind, Missed, Schedule};

/// All schedules, in the order of the model.
pub(super) fn schedules(
    report: &mut Report<'_>,
    names: Names<'_, '_>,
    schema: &Schema,
    actions: &[Action],
) -> Vec<Schedule> {
    let mut schedules: Vec<Schedule> = Vec::new();
    for directive in schema.schema_definition.directives.get_all("schedule") {
        let Some(read) = schedule(report, (names, actions), directive, directive.location()) else { continue };
        let number = schedules.iter().filter(|earlier| earlier.run == read.run).count();
        schedules.push(Schedule { number, ..read });
        if schedules.len() == limits::SCHEDULES + 1 {
            let message = format!("a model has at most {} schedules", limits::SCHEDULES);
            report.error(directive.location(), message, "one too many", "have one job do the work of several");
        }
    }
    schedules
}

fn schedule(
    report: &mut Report<'_>,
    of: (Names<'_, '_>, &[Action]),
    directive: &Directive,
    place: Option<SourceSpan>,
) -> Option<Schedule> {
    let (text, at) = read::text(directive, "cron")?;
    let cron = Cron::parse(text).map_err(|problem| {
        report.error(
            at,
            format!("`{text}` is not a cron expression: {problem}"),
            "not a cron expression",
            help(&problem),
        );
    });
    let (name, at) = read::text(directive, "zone").unwrap_or(("UTC", place));
    let zone = Zone::named(name);
    if zone.is_none() {
        let help = "write a name of the IANA time zone database, such as \"Europe/Zurich\"";
        report.error(at, format!("there is no time zone `{name}`"), "not a time zone", help);
    }
    let missed = match read::word(directive, "missed") {
        Some("ALL") => Missed::All,
        Some("SKIP") => Missed::Skip,
        _ => Missed::Once,
    };
    let given = Given {
        what: "a schedule",
        takes: is_given,
        help: "a schedule gives `at: DateTime!`, the time that the job is for, and nothing else",
        example: "at: DateTime!",
    };
    let run = job_named(report, of, read::text(directive, "run")?, &given);
    let span = report.places.span(place)?;
    Some(Schedule { number: 0, run: run?, cron: cron.ok()?, zone: zone?, missed, span })
}

fn help(problem: &CronProblem) -> &'static str {
    match problem {
        CronProblem::Fields { .. } | CronProblem::Length => {
            "write minute, hour, day of the month, month and day of the week, such as \"0 3 * * MON-FRI\""
        }
        CronProblem::Name { .. } => {
            "write \"@hourly\", \"@daily\", \"@weekly\", \"@monthly\" or \"@yearly\", or five fields"
        }
        CronProblem::Field { .. } => {
            "write `*`, a number, a range such as `9-17`, a list such as `0,30`, or a step such as `*/15`"
        }
        CronProblem::Never => "write a day that exists; `L` is the last day of a month",
    }
}

/// Whether schedules give this argument, or it can be left out.
fn is_given(argument: &Field) -> bool {
    match argument.name.as_str() {
        "at" => matches!(argument.kind, FieldKind::Scalar(Scalar::DateTime)),
        _ => !argument.required || argument.default.is_some(),
    }
}
