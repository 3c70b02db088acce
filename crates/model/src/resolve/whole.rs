use std::collections::HashMap;

use super::Resolver;
use crate::names::suggestion;
use crate::source::Span;
use crate::{Collection, CollectionId, Diagnostic, Enum, Field, FieldKind, RuleText};
use backstay_scalar::Scalar;

impl Resolver<'_> {
    /// The collection marked `@identity`.
    pub(super) fn identity(&mut self, collections: &[Collection]) -> Option<CollectionId> {
        let marked =
            |collection: &&Collection| self.types[usize::from(collection.id.0)].node.directives.has("identity");
        let found: Vec<&Collection> = collections.iter().filter(marked).collect();
        if let [first, second, ..] = found.as_slice() {
            let diagnostic = Diagnostic::error("two types are marked `@identity`")
                .at(second.span, "again here")
                .and(first.span, "first here")
                .help("the people who sign in are records of one type; tell them apart by a field or by roles");
            self.out.push(diagnostic);
        }
        let identity = found.first()?;
        if identity.system {
            let diagnostic = Diagnostic::error("the system model has no identity type").at(identity.span, "here");
            self.out.push(diagnostic.help("mark a type of the application"));
        }
        let email = identity.field_named("email");
        let fits =
            email.is_some_and(|email| email.kind == FieldKind::Scalar(Scalar::Email) && email.required && email.unique);
        if !fits {
            let span = email.map_or(identity.span, |email| email.span);
            let label = if email.is_some() { "not `Email! @unique`" } else { "no field `email`" };
            let message = format!("{} is marked `@identity` and has no `email: Email! @unique`", identity.name);
            self.out.push(Diagnostic::error(message).at(span, label).help("write `email: Email! @unique`"));
        }
        Some(identity.id)
    }

    /// What can only be seen when all collections are known.
    pub(super) fn check_whole(&mut self, collections: &[Collection]) {
        self.check_paths(collections);
        self.check_tables(collections);
        for collection in collections {
            self.check_columns(collection);
        }
        self.check_cycles(collections);
        let enums = std::mem::take(&mut self.enums);
        for of in &enums {
            self.check_transitions(of, &enums, collections);
        }
        self.enums = enums;
    }

    fn check_paths(&mut self, collections: &[Collection]) {
        let mut seen: HashMap<&str, &Collection> = HashMap::new();
        for collection in collections {
            if let Some(first) = seen.insert(&collection.path, collection) {
                let what = format!("{} and {} have one path, `/api/{}`", first.name, collection.name, collection.path);
                self.collision(what, collection.span, first.span, "write `@path(is: \"…\")` on one of them");
            }
        }
    }

    /// Tables, link tables and indexes share one space of names in both databases.
    fn check_tables(&mut self, collections: &[Collection]) {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for collection in collections {
            let links = collection.fields.iter().filter_map(|field| match &field.kind {
                FieldKind::ManyToMany { link, .. } if link.owner => Some((link.table.as_str(), field.span)),
                _ => None,
            });
            let indexes = collection.indexes.iter().map(|index| (index.name.as_str(), collection.span));
            let table = (collection.table.as_str(), collection.span);
            for (name, span) in std::iter::once(table).chain(links).chain(indexes) {
                if let Some(first) = seen.insert(name, span) {
                    let what = format!("two things would be called `{name}` in the database");
                    self.collision(what, span, first, "give one of them another name");
                }
            }
        }
    }

    fn check_columns(&mut self, collection: &Collection) {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for field in collection.stored_fields() {
            for column in &field.columns {
                let what = format!("two fields of {} have one column, `{}`", collection.name, column.name);
                if let Some(first) = seen.insert(&column.name, field.span) {
                    self.collision(what, field.span, first, "give one of them another name");
                }
            }
        }
    }

    fn collision(&mut self, message: String, second: Span, first: Span, help: &str) {
        let diagnostic = Diagnostic::error(message).at(second, "and this").and(first, "this").help(help);
        self.out.push(diagnostic);
    }

    /// Records that require each other can never be made.
    fn check_cycles(&mut self, collections: &[Collection]) {
        let mut done = vec![false; collections.len()];
        for start in collections {
            let mut trail = Vec::new();
            self.follow(start.id, collections, &mut trail, &mut done);
        }
    }

    fn follow(
        &mut self,
        at: CollectionId,
        collections: &[Collection],
        trail: &mut Vec<CollectionId>,
        done: &mut [bool],
    ) {
        if done[usize::from(at.0)] {
            return;
        }
        trail.push(at);
        for field in &collections[usize::from(at.0)].fields {
            let FieldKind::ToOne { target, .. } = field.kind else { continue };
            if !field.required {
                continue;
            }
            if let Some(from) = trail.iter().position(|id| *id == target) {
                let names: Vec<&str> = trail[from..].iter().map(|id| &*collections[usize::from(id.0)].name).collect();
                let message = match names.as_slice() {
                    [one] => format!("the first {one} cannot be made: it requires another"),
                    names => format!("no record of these types can be made first: {}", names.join(", ")),
                };
                let diagnostic = Diagnostic::error(message).at(field.span, "required");
                self.out.push(diagnostic.help("remove the `!` of one relation in the circle"));
            } else {
                self.follow(target, collections, trail, done);
            }
        }
        trail.pop();
        done[usize::from(at.0)] = true;
    }

    /// What a transition sets must be there in every collection that has the states.
    fn check_transitions(&mut self, of: &Enum, enums: &[Enum], collections: &[Collection]) {
        let uses = |collection: &&Collection| collection.fields.iter().any(|f| f.kind == FieldKind::Enum(of.id));
        let using: Vec<&Collection> = collections.iter().filter(uses).collect();
        let transitions = of.values.iter().flat_map(|value| &value.transitions);
        for (name, rule) in transitions.flat_map(|transition| &transition.set) {
            for collection in &using {
                self.check_target(of, enums, collection, name, rule);
            }
        }
    }

    fn check_target(&mut self, of: &Enum, enums: &[Enum], collection: &Collection, name: &str, rule: &RuleText) {
        let standard = |id: crate::FieldId| id <= Collection::VERSION;
        let holds_state = |field: &Field| matches!(field.kind, FieldKind::Enum(id) if enums[usize::from(id.0)].states);
        let settable: Vec<&str> = collection
            .stored_fields()
            .filter(|field| !standard(field.id) && !holds_state(field))
            .map(|field| field.name.as_str())
            .collect();
        if settable.contains(&name) {
            return;
        }
        let (message, help) = if collection.field_named(name).is_none() {
            let message = format!("{} has states of {} and no field `{name}`", collection.name, of.name);
            (message, suggestion(name, settable))
        } else {
            let message = format!("a transition cannot set `{name}` of {}", collection.name);
            (message, "name a stored field that holds no state and is not written by Backstay itself".to_owned())
        };
        let diagnostic = Diagnostic::error(message).at(rule.span, format!("the value for `{name}`"));
        self.out.push(diagnostic.and(collection.span, "this collection").help(help));
    }
}
