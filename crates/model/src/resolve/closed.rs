//! Fields that a type has from a type of a pack for which it stands. What the pack lets nobody do with its type, nobody can
//! do with them, whatever the rules of the type allow.

use apollo_compiler::schema::Directive;

use super::report::Report;
use super::survey::StoredType;
use crate::source::Owner;
use crate::{Allow, Diagnostic, Field, FieldKind, Layer, Lint, OwnerName, RuleText, UpdateRule};

/// The types of packs for which a type stands, with what they let nobody do.
pub(super) struct Closed {
    types: Vec<ClosedType>,
}

struct ClosedType {
    owner: OwnerName,
    /// What the type is called in the pack.
    name: String,
    read: bool,
    create: bool,
    update: bool,
}

impl Closed {
    pub(super) fn of(report: &Report<'_>, of: &StoredType<'_>) -> Self {
        let places = report.places;
        let home = places.owner(of.node.location());
        let closed = |(pack, name): (&str, &str)| {
            let owner = Owner::Pack(pack);
            let own = || of.node.directives.get_all("allow").filter(|allow| places.owner(allow.location()) == owner);
            let is_said = |action: &str| own().any(|allow| is_given(allow, action));
            ClosedType {
                owner: owner.into(),
                name: name.to_owned(),
                read: !is_said("read"),
                create: !is_said("create"),
                update: !is_said("update"),
            }
        };
        let bound = places.packs.standing_for(&of.node.name);
        Self { types: bound.filter(|(pack, _)| Owner::Pack(pack) != home).map(closed).collect() }
    }

    /// Refuses what the pack of a field lets nobody do with it. A rule of the pack for the field itself counts.
    pub(super) fn close(&self, report: &mut Report<'_>, of: &StoredType<'_>, field: &mut Field) {
        let Some(closed) = self.type_with(report, field) else { return };
        let nobody = || RuleText { text: "false".into(), span: field.span, owner: closed.owner.clone() };
        let says = |rules: &[RuleText]| rules.iter().any(|rule| rule.owner == closed.owner);
        let closes_read = closed.read && !says(&field.allow.read);
        let closes_create = closed.create && field.refused_to_clients().is_none() && !says(&field.allow.create);
        let (read, create) = (closes_read.then(nobody), closes_create.then(nobody));
        if closes_read {
            closed.warn(report, of, (field, "read"));
        } else if closes_create && needs_value(field) {
            closed.warn(report, of, (field, "create"));
        }
        field.allow.read.extend(read);
        field.allow.create.extend(create);
    }

    /// Gives the packs that let nobody update their types a clause that lets only the fields of others change. Transitions
    /// aren't asked for it.
    pub(super) fn refuse_updates(&self, report: &Report<'_>, layers: &mut Vec<Layer>, fields: &[Field]) {
        for closed in self.types.iter().filter(|closed| closed.update) {
            let is_ruled = |field: &Field| field.allow.update.iter().any(|update| update.rule.owner == closed.owner);
            let is_closed = |field: &Field| owner(report, field) == Some(closed.owner.clone()) && !is_ruled(field);
            let Some(first) = fields.iter().find(|field| is_closed(field)) else { continue };
            let is_changed = |field: &Field| field.within.is_none() && field.refused_to_updates().is_none();
            let only = fields.iter().filter(|field| is_changed(field) && !is_closed(field)).map(|field| field.id);
            let always = || RuleText { text: "true".into(), span: first.span, owner: closed.owner.clone() };
            let update = Some(UpdateRule { rule: always(), after: Some(always()) });
            let clause = Allow { update, only: Some(only.collect()), ..Allow::default() };
            match layers.iter_mut().find(|layer| layer.owner == closed.owner) {
                Some(layer) => layer.clauses.push(clause),
                None => layers.push(Layer { owner: closed.owner.clone(), clauses: vec![clause] }),
            }
        }
    }

    /// The type of the pack that declares the field.
    fn type_with(&self, report: &Report<'_>, field: &Field) -> Option<&ClosedType> {
        let owner = owner(report, field)?;
        self.types.iter().find(|closed| closed.owner == owner)
    }
}

impl ClosedType {
    /// Warns of a field that nobody can use.
    fn warn(&self, report: &mut Report<'_>, of: &StoredType<'_>, (field, action): (&Field, &str)) {
        let Self { owner, name, .. } = self;
        let (field_name, stored) = (&field.name, &of.node.name);
        let message = match action {
            "create" => format!("nobody can create a {stored}: `{field_name}` is required, and nobody can set it"),
            _ => format!("nobody can read `{field_name}` of {stored}"),
        };
        let help = format!(
            "in {owner}, write `@allow({action}: …)` on {name} or on the field; or declare the field in {stored} too, \
             whose rules then apply to it"
        );
        let label = format!("{owner} has no `{action}:` for {name}");
        report.push(Diagnostic::warning(Lint::NoAllow, message).at(field.span, label).help(help));
    }
}

/// Whether a directive has an argument other than null.
fn is_given(directive: &Directive, argument: &str) -> bool {
    directive.specified_argument_by_name(argument).is_some_and(|value| !value.is_null())
}

/// Who declares a field.
fn owner(report: &Report<'_>, field: &Field) -> Option<OwnerName> {
    report.places.sources.file(field.span).map(|file| file.owner().into())
}

/// Whether somebody must give a new record the value.
fn needs_value(field: &Field) -> bool {
    let is_made = field.default.is_some() || field.default_from.is_some() || field.slug.is_some();
    field.required && !is_made && !matches!(field.kind, FieldKind::Enum(_))
}
