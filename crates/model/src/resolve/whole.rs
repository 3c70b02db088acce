use std::collections::HashMap;

use backstay_scalar::Scalar;

use super::owners;
use super::report::Report;
use super::survey::{STANDARD_FIELDS, Survey};
use crate::names::{self, suggestion};
use crate::source::Span;
use crate::{Collection, CollectionId, Diagnostic, Enum, Field, FieldKind, RuleText, SearchIndex};

/// The collection marked `@identity`.
pub(super) fn identity(
    report: &mut Report<'_>,
    survey: &Survey<'_>,
    collections: &[Collection],
) -> Option<CollectionId> {
    let marked = |collection: &&Collection| survey.stored(collection.id).node.directives.has("identity");
    let found: Vec<&Collection> = collections.iter().filter(marked).collect();
    if let [first, second, ..] = found.as_slice() {
        let diagnostic = Diagnostic::error("two types are marked `@identity`")
            .at(second.span, "again here")
            .and(first.span, "first here")
            .help("the people who sign in are records of one type; tell them apart by a field or by roles");
        report.push(diagnostic);
    }
    let identity = found.first()?;
    if identity.system {
        let diagnostic = Diagnostic::error("the system model has no identity type").at(identity.span, "here");
        report.push(diagnostic.help("mark a type of the application"));
    }
    let email = identity.field_named("email");
    let fits =
        email.is_some_and(|email| email.kind == FieldKind::Scalar(Scalar::Email) && email.required && email.unique);
    if !fits {
        let span = email.map_or(identity.span, |email| email.span);
        let label = if email.is_some() { "not `Email! @unique`" } else { "no field `email`" };
        let message = format!("{} is marked `@identity` and has no `email: Email! @unique`", identity.name);
        report.push(Diagnostic::error(message).at(span, label).help("write `email: Email! @unique`"));
    }
    Some(identity.id)
}

/// Checks what can only be seen when all collections are known.
pub(super) fn check_whole(report: &mut Report<'_>, enums: &[Enum], collections: &[Collection]) {
    check_paths(report, collections);
    check_tables(report, collections);
    for collection in collections {
        check_columns(report, collection);
        owners::check_cascades(report, collection);
    }
    check_cycles(report, collections);
    check_connects(report, collections);
    if !report.has_errors() {
        check_references(report, collections);
    }
    check_transitions(report, enums, collections);
}

/// What is missing can only be created if it can be named.
fn check_connects(report: &mut Report<'_>, collections: &[Collection]) {
    let all = collections.iter().flat_map(|of| of.fields.iter().map(move |field| (of, field)));
    for (of, field) in all.filter(|(_, field)| field.connects) {
        let Some(target) = field.kind.target().and_then(|target| collections.get(usize::from(target.0))) else {
            continue;
        };
        let is_sent = |id: &crate::FieldId| target.field(*id).refused_to_clients().is_none();
        if target.keys().iter().any(|key| key.iter().all(is_sent)) {
            continue;
        }
        let message = format!("`{}` of {} can't name a {} that isn't there", field.name, of.name, target.name);
        let diagnostic = Diagnostic::error(message)
            .at(field.span, "has `@connect`")
            .and(target.span, "has no unique key that clients can send");
        let help =
            format!("mark a field of {} that clients can send with `@unique`, or remove `@connect`", target.name);
        report.push(diagnostic.help(help));
    }
}

fn check_paths(report: &mut Report<'_>, collections: &[Collection]) {
    let mut seen: HashMap<&str, &Collection> = HashMap::new();
    for collection in collections {
        if let Some(first) = seen.insert(&collection.path, collection) {
            let path = report.path_of(&collection.path);
            let what = format!("{} and {} have the same path, `{path}`", first.name, collection.name);
            collision(report, what, collection.span, first.span, "write `@path(is: \"…\")` on one of them");
        }
    }
}

/// Tables, link tables and indexes share one space of names in both databases.
fn check_tables(report: &mut Report<'_>, collections: &[Collection]) {
    let searched = collections.iter().filter_map(|of| Some((of.search_index()?, of.span)));
    let searched: Vec<(SearchIndex, Span)> = searched.collect();
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (index, span) in &searched {
        seen.extend([(index.table.as_str(), *span), (index.words.as_str(), *span)]);
    }
    for collection in collections {
        let links = collection.fields.iter().filter_map(|field| match &field.kind {
            FieldKind::ManyToMany { link, .. } if link.owner => Some((link.table.as_str(), field.span)),
            _ => None,
        });
        let indexes = collection.indexes.iter().map(|index| (index.name.as_str(), collection.span));
        let mentions = collection.mentions.iter();
        let mentions = mentions.map(|mention| (mention.link.table.as_str(), collection.field(mention.document).span));
        let table = (collection.table.as_str(), collection.span);
        for (name, span) in std::iter::once(table).chain(links).chain(mentions).chain(indexes) {
            if let Some(first) = seen.insert(name, span) {
                let what = format!("two things would be called `{name}` in the database");
                collision(report, what, span, first, "give one of them another name");
            }
        }
    }
}

fn check_columns(report: &mut Report<'_>, collection: &Collection) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for field in collection.stored_fields() {
        for column in &field.columns {
            let Some(first) = seen.insert(&column.name, field.span) else { continue };
            let standard = STANDARD_FIELDS.iter().find(|standard| names::snake(standard.name) == column.name);
            if let Some(standard) = standard.filter(|standard| standard.name != field.name) {
                let message = format!("every record already has `{}`", standard.name);
                let diagnostic = Diagnostic::error(message).at(field.span, "the same field again");
                report.push(diagnostic.help("leave this out"));
            } else {
                let what = format!("two fields of {} map to the same column, `{}`", collection.name, column.name);
                collision(report, what, field.span, first, "give one of them another name");
            }
        }
    }
}

fn collision(report: &mut Report<'_>, message: String, second: Span, first: Span, help: &str) {
    let diagnostic = Diagnostic::error(message).at(second, "and this").and(first, "this").help(help);
    report.push(diagnostic);
}

/// Records that require each other can never be made.
fn check_cycles(report: &mut Report<'_>, collections: &[Collection]) {
    let mut requirements = Requirements { collections, trail: Vec::new(), done: vec![false; collections.len()] };
    for start in collections {
        requirements.follow(report, start.id);
    }
}

/// A walk along required relations.
struct Requirements<'m> {
    collections: &'m [Collection],
    /// The collections from the start of the walk to here.
    trail: Vec<CollectionId>,
    /// Of each collection whether all that it requires was seen.
    done: Vec<bool>,
}

impl Requirements<'_> {
    fn follow(&mut self, report: &mut Report<'_>, at: CollectionId) {
        if self.done[usize::from(at.0)] {
            return;
        }
        self.trail.push(at);
        for field in &self.collections[usize::from(at.0)].fields {
            let FieldKind::ToOne { target, .. } = field.kind else { continue };
            if !field.required {
                continue;
            }
            if let Some(from) = self.trail.iter().position(|id| *id == target) {
                report.push(self.circle(from, field));
            } else {
                self.follow(report, target);
            }
        }
        self.trail.pop();
        self.done[usize::from(at.0)] = true;
    }

    /// The field that leads back to this place of the trail.
    fn circle(&self, from: usize, field: &Field) -> Diagnostic {
        let name = |id: &CollectionId| self.collections[usize::from(id.0)].name.as_str();
        let names: Vec<&str> = self.trail[from..].iter().map(name).collect();
        let message = match names.as_slice() {
            [one] => format!("no {one} can ever be created, because each requires another {one}"),
            [one, other] => format!("{one} and {other} require each other, so neither can ever be created"),
            names => format!("{} require each other, so none of them can ever be created", names.join(", ")),
        };
        let diagnostic = Diagnostic::error(message).at(field.span, "required");
        diagnostic.help("remove the `!` of one relation in the circle")
    }
}

/// A required reference to one of several types must be able to lead somewhere before its own record is there.
fn check_references(report: &mut Report<'_>, collections: &[Collection]) {
    let mut creatable = vec![false; collections.len()];
    let is_met = |creatable: &[bool], of: &Collection, field: &Field| {
        let is_creatable = |to: &Field| to.kind.target().is_some_and(|target| creatable[usize::from(target.0)]);
        match field.kind {
            FieldKind::ToOne { .. } => is_creatable(field),
            FieldKind::ToOneOf { .. } => of.members(Some(field.id)).any(is_creatable),
            _ => true,
        }
    };
    loop {
        let ready = |of: &&Collection| {
            let required = || of.fields.iter().filter(|field| field.required);
            !creatable[usize::from(of.id.0)] && required().all(|field| is_met(&creatable, of, field))
        };
        let ready: Vec<CollectionId> = collections.iter().filter(ready).map(|of| of.id).collect();
        if ready.is_empty() {
            break;
        }
        for id in ready {
            creatable[usize::from(id.0)] = true;
        }
    }
    for of in collections {
        let is_unmet = |field: &&Field| field.required && !is_met(&creatable, of, field);
        for field in of.fields.iter().filter(|field| matches!(field.kind, FieldKind::ToOneOf { .. })).filter(is_unmet) {
            let message = format!(
                "no {} can ever be created: each type that `{}` refers to requires one before it",
                of.name, field.name
            );
            let diagnostic = Diagnostic::error(message).at(field.span, "required");
            report.push(diagnostic.help("remove the `!`, or add a type to the union that requires none of these"));
        }
    }
}

/// A value that a transition gives a field.
struct Assignment<'m> {
    states: &'m Enum,
    field: &'m str,
    value: &'m RuleText,
}

/// What a transition sets must be there in every collection that has the states.
fn check_transitions(report: &mut Report<'_>, enums: &[Enum], collections: &[Collection]) {
    for states in enums {
        let holds = |field: &Field| field.kind == FieldKind::Enum(states.id);
        let uses = |collection: &&Collection| collection.versions.is_none() && collection.fields.iter().any(holds);
        let using: Vec<&Collection> = collections.iter().filter(uses).collect();
        let transitions = || states.values.iter().flat_map(|value| &value.transitions);
        for (field, value) in transitions().flat_map(|transition| &transition.set) {
            for collection in &using {
                check_assignment(report, enums, collection, &Assignment { states, field, value });
                owners::check_written(report, collection, (states, field, value.span));
            }
        }
        for with in transitions().flat_map(|transition| &transition.with) {
            for collection in &using {
                check_given(report, collection, (states, with));
                owners::check_written(report, collection, (states, &with.0, with.1));
            }
        }
    }
}

fn check_assignment(report: &mut Report<'_>, enums: &[Enum], collection: &Collection, set: &Assignment<'_>) {
    let is_standard = |field: &Field| field.id <= Collection::VERSION;
    let holds_state = |field: &Field| matches!(field.kind, FieldKind::Enum(id) if enums[usize::from(id.0)].states);
    // The result of an expression isn't known to be a document of the field's types.
    let is_document = |field: &Field| matches!(field.kind, FieldKind::Document(_));
    // Its reference has other members, which would have to become null.
    let is_part = |field: &Field| field.is_of_reference();
    let is_given = |field: &Field| field.is_sum() || field.sequence.is_some();
    let is_settable = |field: &&Field| {
        !is_standard(field) && !holds_state(field) && !is_document(field) && !is_part(field) && !is_given(field)
    };
    let settable = collection.stored_fields().filter(is_settable);
    let settable: Vec<&str> = settable.map(|field| field.name.as_str()).collect();
    let name = set.field;
    if settable.contains(&name) {
        return;
    }
    let (message, help) = if collection.field_named(name).is_none() {
        let message = format!("{} has states of {} and no field `{name}`", collection.name, set.states.name);
        let none = || format!("remove it: {} has no field that `set` could name", collection.name);
        (message, if settable.is_empty() { none() } else { suggestion(name, settable) })
    } else {
        let message = format!("a transition cannot set `{name}` of {}", collection.name);
        (message, "name a stored field that holds no state and is not written by Backstay itself".to_owned())
    };
    let diagnostic = Diagnostic::error(message).at(set.value.span, format!("the value for `{name}`"));
    report.push(diagnostic.and(collection.span, "this collection").help(help));
}

/// What can be given with a transition must be a field that clients can change.
fn check_given(report: &mut Report<'_>, collection: &Collection, (states, (name, span)): (&Enum, &(String, Span))) {
    let changeable = |field: &&Field| field.refused_to_updates().is_none();
    let (message, help) = match collection.fields.iter().find(|field| field.name == *name) {
        None => {
            let known = collection.fields.iter().filter(changeable).map(|field| field.name.as_str());
            let message = format!("{} has states of {} and no field `{name}`", collection.name, states.name);
            (message, suggestion(name, known))
        }
        Some(field) => {
            let Some(reason) = field.refused_to_updates() else { return };
            (
                format!("no client can change `{name}` of {}: {reason}", collection.name),
                "remove it from `with`".to_owned(),
            )
        }
    };
    let diagnostic = Diagnostic::error(message).at(*span, "given with the state");
    report.push(diagnostic.and(collection.span, "this collection").help(help));
}
