//! `@at(field:, to:)` of a field with states, and `@at(field:, do:)` of a type.

use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;
use backstay_scalar::Scalar;

use super::read;
use super::report::Report;
use super::survey::{Names, StoredType};
use crate::names::suggestion;
use crate::{Class, Collection, Enum, Field, FieldId, FieldKind, TimedAct, Timer, Trash};

/// What timers are read of.
#[derive(Clone, Copy)]
pub(super) struct Timed<'t, 'a> {
    pub(super) of: &'t StoredType<'a>,
    pub(super) fields: &'t [Field],
    pub(super) trash: Option<Trash>,
}

/// The timers of a type, those of its fields first.
pub(super) fn timers(report: &mut Report<'_>, names: Names<'_, '_>, timed: Timed<'_, '_>) -> Vec<Timer> {
    let mut found: Vec<Timer> = Vec::new();
    let mut add = |report: &mut Report<'_>, directive: &Node<Directive>, timer: Option<Timer>| {
        let Some(timer) = timer else { return };
        if found.iter().any(|other| other.field == timer.field && other.act == timer.act) {
            report.error(directive.location(), "this `@at` is written twice", "again here", "remove one of the two");
        } else {
            found.push(timer);
        }
    };
    for (surveyed, id) in timed.of.declared() {
        let FieldKind::Enum(of) = timed.fields[usize::from(id.0)].kind else { continue };
        let states = &names.enums[usize::from(of.0)];
        // `directive.rs` refuses it elsewhere.
        if !states.states {
            continue;
        }
        for directive in surveyed.node.directives.get_all("at") {
            let timer = transition(report, timed, (id, states), directive);
            add(report, directive, timer);
        }
    }
    for directive in timed.of.node.directives.get_all("at") {
        let timer = deletion(report, timed, directive);
        add(report, directive, timer);
    }
    for field in timed.fields {
        if let FieldKind::Enum(of) = field.kind {
            refuse_circles(report, (timed, &names.enums[usize::from(of.0)]), field.id, &found);
        }
    }
    found
}

fn transition(
    report: &mut Report<'_>,
    timed: Timed<'_, '_>,
    (id, states): (FieldId, &Enum),
    directive: &Node<Directive>,
) -> Option<Timer> {
    if directive.specified_argument_by_name("do").is_some_and(|value| !value.is_null()) {
        let help = "write it on the type, or write `to: \"…\"` with the state that the record gets";
        report.error(directive.location(), "`@at(do:)` has no meaning for a field", "on a field", help);
        return None;
    }
    let Some((to, place)) = read::text(directive, "to") else {
        let help = "write `to: \"…\"` with the state that the record gets";
        report.error(directive.location(), "this `@at` doesn't say what happens", "no `to`", help);
        return None;
    };
    let field = moment(report, timed, directive)?;
    if states.value(to).is_none() {
        let help = suggestion(to, states.values.iter().map(|value| &*value.name));
        report.error(place, format!("{} has no state `{to}`", states.name), "not a state", help);
        return None;
    }
    let leads = states.values.iter().filter(|value| value.transitions.iter().any(|way| &*way.to == to));
    let from: Vec<Arc<str>> = leads.map(|value| Arc::clone(&value.name)).collect();
    if from.is_empty() {
        let message = format!("no transition of {} leads to {to}", states.name);
        let help = format!("write `@to(state: \"{to}\")` on the states from which a record gets there");
        report.error(place, message, "never reached", help);
        return None;
    }
    let span = report.places.span(directive.location())?;
    Some(Timer { field, act: TimedAct::Transition { states: id, from, to: Arc::from(to) }, span })
}

fn deletion(report: &mut Report<'_>, timed: Timed<'_, '_>, directive: &Node<Directive>) -> Option<Timer> {
    let name = &timed.of.node.name;
    if directive.specified_argument_by_name("to").is_some_and(|value| !value.is_null()) {
        let help = "write it on the field that holds the state, or write `do: DELETE` to delete the record";
        report.error(directive.location(), "`@at(to:)` has no meaning for a type", "on a type", help);
        return None;
    }
    if read::word(directive, "do") != Some("DELETE") {
        let help = "write `do: DELETE`; to change a state, write `@at` on the field that holds it";
        report.error(directive.location(), "this `@at` doesn't say what happens", "no `do`", help);
        return None;
    }
    if timed.of.node.directives.has("single") {
        let message = format!("{name} is marked `@single`, and its record is never deleted");
        report.error(directive.location(), message, "deletes it", "remove `@at`");
        return None;
    }
    let field = moment(report, timed, directive)?;
    Some(Timer { field, act: TimedAct::Delete, span: report.places.span(directive.location())? })
}

/// The field that holds the moment.
fn moment(report: &mut Report<'_>, timed: Timed<'_, '_>, directive: &Node<Directive>) -> Option<FieldId> {
    let (name, place) = read::text(directive, "field")?;
    let is_maintained =
        |field: &Field| field.id <= Collection::VERSION || timed.trash.is_some_and(|trash| trash.at == field.id);
    let is_moment = |field: &Field| matches!(field.kind, FieldKind::Scalar(Scalar::DateTime | Scalar::Date));
    let is_stored = |field: &Field| !field.is_computed() && field.within.is_none();
    let Some(field) = timed.fields.iter().find(|field| field.name == name && !field.internal) else {
        let fits = |field: &&Field| is_moment(field) && is_stored(field) && !is_maintained(field);
        let known = timed.fields.iter().filter(fits);
        let help = suggestion(name, known.map(|field| field.name.as_str()));
        report.error(place, format!("{} has no field `{name}`", timed.of.node.name), "not a field", help);
        return None;
    };
    let (message, label, help) = if is_maintained(field) {
        (
            format!("Backstay sets `{name}`, which is never in the future"),
            "always past",
            "name a field that holds the moment; `@set(on: CREATE, to: \"now + duration('P30D')\")` can set it",
        )
    } else if !is_moment(field) {
        (format!("`{name}` holds no moment"), "not a moment", "name a `DateTime` or a `Date`")
    } else if field.class == Some(Class::Secret) {
        let help = "write `@allow(read: …)` instead of `@class(is: SECRET)`";
        (format!("`{name}` is secret, and what happens then would tell its value"), "a secret", help)
    } else if !is_stored(field) {
        let help = "name a field of the record itself that is stored; `@set` can set it";
        (format!("`{name}` isn't stored in a field of its own"), "not stored", help)
    } else {
        return Some(field.id);
    };
    report.error(place, message, label, help);
    None
}

/// Refuses timers that would take a record from one state to the next for ever: each leads to a state in which the next one is
/// due, and none of the transitions gives its timer another moment.
fn refuse_circles(report: &mut Report<'_>, (timed, of): (Timed<'_, '_>, &Enum), states: FieldId, timers: &[Timer]) {
    let mut ways: Vec<(&str, &str, &Timer)> = Vec::new();
    for timer in timers {
        let TimedAct::Transition { states: field, from, to } = &timer.act else { continue };
        if *field != states {
            continue;
        }
        let moment = &timed.fields[usize::from(timer.field.0)].name;
        for from in from.iter().filter_map(|from| of.value(from)) {
            let way = from.transitions.iter().find(|way| way.to == *to);
            if way.is_some_and(|way| way.set.iter().all(|(set, _)| set != moment)) {
                ways.push((&from.name, to, timer));
            }
        }
    }
    let circle = ways.iter().find(|(from, to, _)| reaches(&ways, to, from));
    let Some((from, to, timer)) = circle else { return };
    let message =
        format!("records would go from {from} to {to} and back for ever: the moments of the timers stay past");
    let moment = &timed.fields[usize::from(timer.field.0)].name;
    let help = format!(
        "let one of the transitions set its moment, such as `set: [{{ field: \"{moment}\", to: \"null\" }}]`, or lead to another state"
    );
    let diagnostic = crate::Diagnostic::error(message).at(timer.span, "part of the circle").help(help);
    report.push(diagnostic);
}

/// Whether timers lead from one state to another.
fn reaches(ways: &[(&str, &str, &Timer)], from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (vec![from], vec![from]);
    while let Some(at) = next.pop() {
        if at == to {
            return true;
        }
        for (_, on, _) in ways.iter().filter(|(start, ..)| *start == at) {
            if !seen.contains(on) {
                seen.push(on);
                next.push(on);
            }
        }
    }
    false
}
