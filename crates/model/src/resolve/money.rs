//! `@money(in:)`: amounts that share the currency of their record.

use std::collections::HashSet;

use apollo_compiler::Node;
use apollo_compiler::ast::Directive;
use backstay_scalar::Scalar;

use super::kind::{Declared, NUMBER};
use super::read;
use super::report::Report;
use super::survey::Survey;
use crate::names::suggestion;
use crate::{Class, Collection, Enum, Field, FieldId, FieldKind, SetOn};

const EXAMPLE: &str = "name a field of this type, such as `@money(in: \"currency\")` beside `currency: Currency!`";

/// Refuses what has no currency to share.
pub(super) fn check(report: &mut Report<'_>, declared: &Declared<'_, '_>) {
    let node = declared.node;
    let Some(directive) = node.directives.get("money") else { return };
    let mut refuse = |message: &str, help: &str| report.error(directive.location(), message, "not here", help);
    if Scalar::named(node.ty.inner_named_type()) != Some(Scalar::Money) {
        refuse("`@money` has no meaning for this field", "it is for `Money`: write `Money @money(in: …)`");
    } else if declared.of.is_none() {
        refuse(
            "a member of an embedded type can't share a currency",
            "remove `@money`, so that the amount has a currency of its own, or move the field to the type with records",
        );
    } else if node.directives.get("computed").is_some_and(|of| of.specified_argument_by_name("stored").is_none()) {
        refuse("a computed amount has the currency that it is computed in", "remove `@money`");
    }
    if let Some(backfill) = node.directives.get("backfill") {
        let help = "let it give a `Money` without `@money` first; with the next change of the model, add `@money`";
        report.error(backfill.location(), "`@backfill` gives amounts with currencies of their own", "not here", help);
    }
    if let Some(precision) = node.directives.get("precision") {
        let help = "remove it: an amount has as many digits after the point as its currency";
        report.error(precision.location(), "`@precision` has no meaning for this field", "not here", help);
    }
}

/// Finds the currencies that amounts share.
pub(super) fn currencies(report: &mut Report<'_>, survey: &Survey<'_>, enums: &[Enum], collections: &mut [Collection]) {
    let mut found = Vec::new();
    for collection in &*collections {
        for (surveyed, id) in survey.stored(collection.id).declared() {
            let field = collection.field(id);
            let is_number =
                surveyed.within.is_none() && field.kind == FieldKind::Scalar(NUMBER) && !field.is_computed();
            if let Some(directive) = surveyed.node.directives.get("money").filter(|_| is_number) {
                let steps = steps(report, (collections, enums), collection, (field, directive));
                found.extend(steps.map(|steps| (collection.id, id, steps)));
            }
        }
    }
    for (collection, field, steps) in found {
        collections[usize::from(collection.0)].fields[usize::from(field.0)].currency = Some(steps);
    }
}

/// The way to a currency.
fn steps(
    report: &mut Report<'_>,
    (collections, enums): (&[Collection], &[Enum]),
    of: &Collection,
    (amount, directive): (&Field, &Node<Directive>),
) -> Option<Vec<FieldId>> {
    let (text, place) = read::text(directive, "in")?;
    let (mut at, mut steps) = (of, Vec::new());
    let mut names = text.split('.').map(str::trim).peekable();
    while let Some(name) = names.next() {
        let Some(field) = at.fields.iter().find(|field| field.name == name) else {
            let is_last = names.peek().is_none();
            let leads = |field: &&Field| match is_last {
                false => matches!(field.kind, FieldKind::ToOne { .. }),
                true => field.kind == FieldKind::Scalar(Scalar::Currency),
            };
            let known: Vec<&str> = at.fields.iter().filter(leads).map(|field| field.name.as_str()).collect();
            let help = if known.is_empty() { EXAMPLE.to_owned() } else { suggestion(name, known) };
            report.error(place, format!("{} has no field `{name}`", at.name), "not a field", help);
            return None;
        };
        let is_own = steps.is_empty();
        let refusal = match names.peek() {
            None if is_own => currency(field, (amount, true)),
            None => currency(field, (amount, false)).or_else(|| changed_by_model(at, field, enums)),
            Some(_) => relation(field).or_else(|| changed_by_model(at, field, enums)),
        };
        if let Some((problem, help)) = refusal {
            report.error(place, format!("`{}.{name}` {problem}", at.name), "not a currency to share", help);
            return None;
        }
        steps.push(field.id);
        at = field.kind.target().map_or(at, |target| &collections[usize::from(target.0)]);
    }
    Some(steps)
}

/// Why a field can't hold the currency of amounts: of other records, or of its own.
fn currency(field: &Field, (amount, own): (&Field, bool)) -> Option<(&'static str, &'static str)> {
    if field.kind != FieldKind::Scalar(Scalar::Currency) {
        Some(("isn't a `Currency`", "name a field of the type `Currency!`"))
    } else if field.is_computed() {
        Some(("is computed", "name a field that is stored, such as one with `@set(on: CREATE, to: …)`"))
    } else if !field.required {
        Some(("can be missing, and an amount always has a currency", "write `Currency!`"))
    } else if field.class == Some(Class::Secret) || !(field.allow.read.is_empty() || own && same_read(field, amount)) {
        let help = "give both the same `read:`, or let everyone who reads the record read the currency";
        Some(("can be hidden from callers who read the amount", help))
    } else if !own && !field.immutable {
        Some((
            "can change, which would change the amounts of other records",
            "mark it `@immutable`, or give each record a `currency` of its own",
        ))
    } else {
        None
    }
}

/// Why a field changes although clients can't change it.
fn changed_by_model(of: &Collection, field: &Field, enums: &[Enum]) -> Option<(&'static str, &'static str)> {
    if field.set.iter().any(|set| set.on != SetOn::Create) {
        return Some((
            "is changed by `@set`, which would change the currency of amounts",
            "let `@set` be `on: CREATE`, or give the record of the amount a `currency` of its own",
        ));
    }
    let states = of.fields.iter().filter_map(|state| match state.kind {
        FieldKind::Enum(id) => enums.get(usize::from(id.0)),
        _ => None,
    });
    let mut transitions = states.flat_map(|states| &states.values).flat_map(|state| &state.transitions);
    let is_set = transitions.any(|transition| transition.set.iter().any(|(name, _)| *name == field.name));
    is_set.then_some((
        "is set by a transition, which would change the currency of amounts",
        "remove it from `set:`, or give the record of the amount a `currency` of its own",
    ))
}

fn same_read(field: &Field, amount: &Field) -> bool {
    let texts = |field: &Field| {
        let rules = field.allow.read.iter();
        rules.map(|rule| (rule.owner.clone(), rule.text.clone())).collect::<HashSet<_>>()
    };
    texts(field) == texts(amount)
}

/// Why a relation can't lead to the currency of an amount.
fn relation(field: &Field) -> Option<(&'static str, &'static str)> {
    if !matches!(field.kind, FieldKind::ToOne { .. }) {
        Some(("isn't a relation to one record", "name a relation that this type declares, or a currency of its own"))
    } else if !field.required {
        Some(("can be missing, and an amount always has a currency", "write `!` after its type"))
    } else if !field.immutable {
        let help = "mark it `@immutable`, or give the record a `currency` of its own";
        Some(("can change, and the new record could have another currency", help))
    } else {
        None
    }
}
