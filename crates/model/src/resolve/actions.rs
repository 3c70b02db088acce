//! Actions: the fields of `type Query` and `type Mutation`.

use super::naming::{check_count, check_name};
use super::report::Report;
use super::survey::Names;
use super::{call_rate, deprecated, jobs, read, routes};
use crate::declared_actions::{DeclaredAction, DeclaredActions};
use crate::{Action, ActionResult, FieldKind, ResultKind, RuleText};
use apollo_compiler::Name;
use backstay_base::limits;

/// The actions as the model has them.
pub(super) fn actions(report: &mut Report<'_>, names: Names<'_, '_>, declared: &DeclaredActions) -> Vec<Action> {
    check_count(report, "actions", declared.all.len(), limits::MODEL_ACTIONS, None);
    declared.all.iter().take(limits::MODEL_ACTIONS).filter_map(|declared| action(report, names, declared)).collect()
}

fn action(report: &mut Report<'_>, names: Names<'_, '_>, declared: &DeclaredAction) -> Option<Action> {
    let node = &declared.node;
    let name = &node.name;
    check_name(report, name, "action");
    let directives = &node.directives;
    let function = directives.get("function");
    if function.is_none() {
        let message = format!("nothing says what carries `{name}` out");
        let help = "mark it with `@function`, or with `@function(name: …)` if the function has another name";
        report.error(name.location(), message, "without `@function`", help);
    }
    let function = function.and_then(|function| read::text(function, "name")).map_or(name.as_str(), |(text, place)| {
        if text.trim().is_empty() {
            report.error(place, "the name of a function is empty", "nothing in it", "leave `name:` out, or name it");
        }
        text
    });
    let job = jobs::job(report, directives, declared.writes);
    let call = directives.get("allow").and_then(|allow| read::rule(report, allow, "call"));
    let call = call.or_else(|| job.as_ref().filter(|job| job.only).map(|_| for_nobody(report, name)));
    if call.is_none() {
        let message = format!("nobody could call `{name}`: what no rule allows is refused");
        let help = "say who may: `@allow(call: \"auth.id != null\")`, or `@allow(call: \"true\")` for everyone";
        report.error(name.location(), message, "without `@allow(call: …)`", help);
    }
    let rate = directives.get("limit").and_then(|limit| call_rate::read(report, limit));
    let embedded = |name: &str| names.survey.embedded.named(name);
    let (arguments, of) = (declared.arguments.as_ref().and_then(|of| embedded(of)), embedded(&declared.result)?);
    let kind = match (&names.embedded[usize::from(of.0)].members.first()?.kind, declared.lists_records) {
        (FieldKind::ToOne { target, .. }, false) => ResultKind::Record(*target),
        (FieldKind::ToOne { target, .. }, true) => ResultKind::Records(*target),
        _ => ResultKind::Value,
    };
    Some(Action {
        name: name.to_string(),
        description: read::description(node.description.as_ref()),
        deprecated: directives.get("deprecated").map(|directive| deprecated::reason(report, directive)),
        function: function.to_owned(),
        arguments,
        result: ActionResult { of, kind },
        call: call?,
        rate,
        job,
        writes: declared.writes,
        route: match &declared.route {
            Some(directive) => Some(routes::route(report, directive)?),
            None => None,
        },
        span: report.span_at(name.location().or(node.location())),
    })
}

/// The rule of a job that no client can call.
fn for_nobody(report: &Report<'_>, name: &Name) -> RuleText {
    let owner = report.places.owner(name.location()).into();
    RuleText { text: "false".into(), span: report.span_of(name), owner }
}
