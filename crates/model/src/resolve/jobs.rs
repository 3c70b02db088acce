//! `@job` of an action, and what queues jobs: `@on` of a type and `@to(run:)` of a state.

use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::ast::{DirectiveList, Value as Literal};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{Component, Directive};
use backstay_base::limits;
use backstay_scalar::{Scalar, Token, Value};

use super::read;
use super::report::Report;
use super::survey::{Names, StoredType};
use crate::names::suggestion;
use crate::{Action, Collection, Element, Field, FieldKind, Hook, HookOn, HookRun, Job, RecordEvent};

const RETRIES: u32 = 8;
const CONCURRENCY: u32 = 4;

/// What `@job` says of an action, if it is one.
pub(super) fn job(report: &mut Report<'_>, directives: &DirectiveList, writes: bool) -> Option<Job> {
    let directive = directives.get("job")?;
    if !writes {
        let help = "declare it in `type Mutation`";
        report.error(directive.location(), "a job may change something", "in `type Query`", help);
    }
    for argument in &directive.arguments {
        const KNOWN: [&str; 4] = ["concurrency", "retries", "roles", "timeout"];
        if !KNOWN.contains(&argument.name.as_str()) {
            let message = format!("`@job` has no argument `{}`", argument.name);
            let help = suggestion(&argument.name, KNOWN);
            report.error(argument.name.location(), message, "not here", help);
        }
    }
    let retries = number(report, directive, ("retries", RETRIES, 0..=limits::JOB_RETRIES));
    let concurrency = number(report, directive, ("concurrency", CONCURRENCY, 1..=limits::JOB_CONCURRENCY));
    let roles = directive.specified_argument_by_name("roles").map(|value| texts(report, value));
    let timeout = timeout(report, directive);
    Some(Job { retries, concurrency, roles, timeout, only: !directives.has("allow") })
}

fn number(
    report: &mut Report<'_>,
    directive: &Directive,
    (name, usual, range): (&str, u32, std::ops::RangeInclusive<u32>),
) -> u32 {
    let Some(value) = directive.specified_argument_by_name(name) else { return usual };
    let number = value.to_i32().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| range.contains(number)).unwrap_or_else(|| {
        let message = format!("`{name}:` of `@job` is a number from {} to {}", range.start(), range.end());
        report.error(value.location(), message, "not such a number", "write another number, or leave it out");
        usual
    })
}

/// How long an attempt may take, in seconds.
fn timeout(report: &mut Report<'_>, directive: &Directive) -> u32 {
    const MOST: u32 = limits::JOB_SECONDS_MOST;
    let Some((text, place)) = read::text(directive, "timeout") else { return limits::JOB_SECONDS };
    let seconds = match Scalar::Duration.read(Token::Text(text)) {
        Ok(Value::Duration(length)) => u32::try_from(length.micros().div_euclid(1_000_000)).ok(),
        Ok(_) | Err(_) => None,
    };
    seconds.filter(|seconds| (1..=MOST).contains(seconds)).unwrap_or_else(|| {
        let message = format!("`timeout:` of `@job` is a time from 1 second to {} minutes", MOST / 60);
        report.error(
            place,
            message,
            "not such a time",
            "write seconds or minutes: `timeout: \"90s\"`, `timeout: \"30m\"`",
        );
        limits::JOB_SECONDS
    })
}

fn texts(report: &mut Report<'_>, value: &Node<Literal>) -> Vec<Arc<str>> {
    let texts: Vec<Arc<str>> = read::texts(value).map(|(text, _)| text.into()).collect();
    let whole = value.as_list().map_or(1, <[_]>::len);
    if texts.len() != whole {
        let help = "write names of roles in double quotes: `roles: [\"BILLING\"]`";
        report.error(value.location(), "`roles:` of `@job` is a list of strings", "not strings", help);
    }
    texts
}

/// Refuses roles that the model doesn't have.
pub(super) fn check_roles(report: &mut Report<'_>, actions: &[Action], roles: &[&str]) {
    for action in actions {
        let named = action.job.iter().flat_map(|job| job.roles.iter().flatten());
        for role in named.filter(|role| !roles.contains(&&***role)) {
            let message = format!("the job `{}` runs with the role {role}, which doesn't exist", action.name);
            let help = suggestion(role, roles.iter().copied());
            let diagnostic = crate::Diagnostic::error(message).at(action.span, "this job").help(help);
            report.push(diagnostic);
        }
    }
}

/// What a model's hooks are read of.
#[derive(Clone, Copy)]
pub(super) struct Hooked<'h> {
    pub(super) collections: &'h [Collection],
    pub(super) actions: &'h [Action],
}

/// All hooks, in the order of the types.
pub(super) fn hooks(report: &mut Report<'_>, names: Names<'_, '_>, of: Hooked<'_>) -> Vec<Hook> {
    let mut hooks = Vec::new();
    for ty in &names.survey.types {
        for directive in ty.node.directives.get_all("on") {
            hooks.extend(on(report, (names, of), ty, directive));
        }
        let collection = &of.collections[usize::from(ty.id.0)];
        for field in &collection.fields {
            let FieldKind::Enum(id) = field.kind else { continue };
            if names.enums[usize::from(id.0)].states {
                transitions(report, (names, of), (collection, field), &mut hooks);
            }
        }
    }
    hooks
}

fn on(
    report: &mut Report<'_>,
    (names, of): (Names<'_, '_>, Hooked<'_>),
    ty: &StoredType<'_>,
    directive: &Node<Directive>,
) -> Option<Hook> {
    if ty.system {
        report.error(directive.location(), "the system model has no hooks", "in a system file", "remove it");
        return None;
    }
    let events = events(directive, "event");
    let (run, place) = read::text(directive, "run")?;
    let run = match read::word(directive, "phase") {
        Some("BEFORE") => before(report, of, (run, place))?,
        _ => HookRun::Action(named(report, (names, of), (run, place))?),
    };
    let when = read::rule(report, directive, "when");
    let span = report.places.span(directive.location())?;
    Some(Hook { collection: ty.id, on: HookOn::Events(events), run, when, span })
}

/// Whether a hook of a type with these directives can fill fields of new records.
pub(super) fn fills_new(directives: &apollo_compiler::schema::DirectiveList) -> bool {
    let fills = |directive: &Component<Directive>| {
        read::word(directive, "phase") == Some("BEFORE") && events(directive, "event").contains(&RecordEvent::Create)
    };
    directives.get_all("on").any(fills)
}

/// The function that a hook runs before a change.
fn before(report: &mut Report<'_>, of: Hooked<'_>, (run, place): (&str, Option<SourceSpan>)) -> Option<HookRun> {
    if of.actions.iter().any(|action| action.function == run) {
        let message = format!("`{run}` is the function of an action, which is called with other arguments");
        let help = "give the hook a function of its own, which takes `{ event, stored, proposed, sent }`";
        report.error(place, message, "not a hook's function", help);
        return None;
    }
    let is_name = run.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$');
    if !is_name || run.is_empty() {
        let help = "write the name of a function that a file in `functions/` exports: `run: \"priceLine\"`";
        report.error(place, "`run:` names a function", "not a name", help);
        return None;
    }
    Some(HookRun::Before(run.into()))
}

/// The events in an argument.
pub(super) fn events(directive: &Directive, argument: &str) -> Vec<RecordEvent> {
    let Some(value) = directive.specified_argument_by_name(argument) else { return Vec::new() };
    let items = if let Literal::List(items) = &**value { items.as_slice() } else { std::slice::from_ref(value) };
    let event = |item: &Node<Literal>| {
        let all = [RecordEvent::Create, RecordEvent::Update, RecordEvent::Delete];
        let word = item.as_enum()?;
        all.into_iter().find(|event| event.name() == word.as_str())
    };
    items.iter().filter_map(event).collect()
}

/// The hooks of the transitions of one field.
fn transitions(
    report: &mut Report<'_>,
    (names, of): (Names<'_, '_>, Hooked<'_>),
    (collection, field): (&Collection, &Field),
    hooks: &mut Vec<Hook>,
) {
    let FieldKind::Enum(id) = field.kind else { return };
    let Some(node) = names.survey.enums.get(usize::from(id.0)) else { return };
    for (from, value) in &node.values {
        for directive in value.directives.get_all("to") {
            let (Some((to, _)), Some(run)) = (read::text(directive, "state"), read::text(directive, "run")) else {
                continue;
            };
            let Some(run) = named(report, (names, of), run) else { continue };
            let Some(span) = report.places.span(directive.location()) else { continue };
            let on = HookOn::Transition { states: field.id, from: from.as_str().into(), to: to.into() };
            hooks.push(Hook { collection: collection.id, on, run: HookRun::Action(run), when: None, span });
        }
    }
}

/// The job that a hook names, if it takes what hooks give.
fn named(
    report: &mut Report<'_>,
    (names, of): (Names<'_, '_>, Hooked<'_>),
    run: (&str, Option<SourceSpan>),
) -> Option<usize> {
    let given = Given {
        what: "a hook",
        takes: is_given,
        help: "a hook gives `id: ID!`, `event: String!` and `changed: [String!]!`; the job takes those that it needs",
        example: "id: ID!",
    };
    job_named(report, (names, of.actions), run, &given)
}

/// What a job is given by what queues it.
pub(super) struct Given {
    /// What queues it.
    pub(super) what: &'static str,
    /// Whether this argument is given to it, or can be left out.
    pub(super) takes: fn(&Field) -> bool,
    /// All that it is given.
    pub(super) help: &'static str,
    /// Arguments that it may have.
    pub(super) example: &'static str,
}

/// The job of this name, if all that it needs is given to it.
pub(super) fn job_named(
    report: &mut Report<'_>,
    (names, actions): (Names<'_, '_>, &[Action]),
    (name, place): (&str, Option<SourceSpan>),
    given: &Given,
) -> Option<usize> {
    let found = actions.iter().position(|action| action.name == name);
    let Some(index) = found.filter(|index| actions[*index].job.is_some()) else {
        let jobs = actions.iter().filter(|action| action.job.is_some()).map(|action| action.name.as_str());
        let help = match found {
            Some(_) => format!("mark `{name}` with `@job`, so that it can be queued"),
            None if jobs.clone().next().is_some() => suggestion(name, jobs),
            None => format!("declare it: `type Mutation {{ {name}({}): Boolean @function @job }}`", given.example),
        };
        report.error(place, format!("there is no job `{name}`"), "not a job", help);
        return None;
    };
    let arguments = actions[index].arguments.map(|id| &names.embedded[usize::from(id.0)].members);
    for argument in arguments.into_iter().flatten() {
        if !(given.takes)(argument) {
            let message = format!("{} doesn't give `{name}` its argument `{}`", given.what, argument.name);
            report.error(place, message, "called with other arguments", given.help);
            return None;
        }
    }
    Some(index)
}

/// Whether hooks give this argument, or it can be left out.
fn is_given(argument: &Field) -> bool {
    let is_text = matches!(argument.kind, FieldKind::Scalar(Scalar::String));
    match argument.name.as_str() {
        "id" => is_text || matches!(argument.kind, FieldKind::Scalar(Scalar::Id { .. })),
        "event" => is_text,
        "changed" => matches!(argument.kind, FieldKind::List(Element::Scalar(Scalar::String))),
        _ => !argument.required || argument.default.is_some(),
    }
}
