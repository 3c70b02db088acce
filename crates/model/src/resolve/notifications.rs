//! `@notify` of a type.

use apollo_compiler::Node;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;
use backstay_base::limits;
use backstay_scalar::Scalar;

use super::jobs::events;
use super::read;
use super::report::Report;
use super::survey::{Names, StoredType};
use crate::names::suggestion;
use crate::{
    Channel, Collection, CollectionId, Enum, Field, FieldId, FieldKind, Hook, HookOn, HookRun, InboxRecords, KeyKind,
    Notify, PathToAccounts, RecordEvent,
};

/// What notifications are read of.
#[derive(Clone, Copy)]
pub(super) struct Notified<'n> {
    pub(super) collections: &'n [Collection],
    pub(super) enums: &'n [Enum],
    pub(super) identity: Option<CollectionId>,
}

impl<'n> Notified<'n> {
    fn collection(self, id: CollectionId) -> &'n Collection {
        &self.collections[usize::from(id.0)]
    }
}

/// All notifications, in the order of the types.
pub(super) fn notifications(report: &mut Report<'_>, names: Names<'_, '_>, of: Notified<'_>) -> Vec<Hook> {
    let mut hooks = Vec::new();
    for ty in &names.survey.types {
        for directive in ty.node.directives.get_all("notify") {
            hooks.extend(notification(report, ty, of, directive));
        }
    }
    hooks
}

fn notification(
    report: &mut Report<'_>,
    ty: &StoredType<'_>,
    of: Notified<'_>,
    directive: &Node<Directive>,
) -> Option<Hook> {
    if ty.system {
        report.error(directive.location(), "the system model notifies nobody", "in a system file", "remove it");
        return None;
    }
    let events = events(directive, "on");
    if events.contains(&RecordEvent::Delete) {
        let message = "nobody can be notified of a deletion: what the template needs can't be read any more";
        let help = "write `on: [CREATE, UPDATE]`, or have a job send the mail: `@on(event: DELETE, run: \"…\")`";
        report.error(directive.location(), message, "of a deletion", help);
        return None;
    }
    let collection = of.collection(ty.id);
    let written = directive.specified_argument_by_name("to")?;
    let paths: Vec<Option<PathToAccounts>> =
        read::texts(written).map(|(path, place)| path_to_accounts(report, (collection, of), path, place)).collect();
    let to = paths.into_iter().collect::<Option<Vec<_>>>()?;
    let channel = match read::word(directive, "channel")? {
        "INBOX" => Channel::Inbox(inbox(report, (collection, of), directive)?),
        _ => Channel::Mail(template(report, directive)?.into()),
    };
    let when = read::rule(report, directive, "when");
    let span = report.places.span(directive.location())?;
    let run = HookRun::Notify(Notify { to, channel });
    Some(Hook { collection: ty.id, on: HookOn::Events(events), run, when, span })
}

/// The relations of a path such as `customer` or `watchers.person`.
fn path_to_accounts(
    report: &mut Report<'_>,
    (collection, of): (&Collection, Notified<'_>),
    path: &str,
    place: Option<SourceSpan>,
) -> Option<PathToAccounts> {
    let Some(identity) = of.identity else {
        let message = format!("`{path}` can't lead to an account: no type is marked `@identity`");
        report.error(place, message, "not an account", "mark the type of the accounts with `@identity`");
        return None;
    };
    let (mut at, mut steps) = (collection, Vec::new());
    for name in path.split('.') {
        let Some((field, next)) = at.field_named(name).and_then(|field| Some((field, related(field)?))) else {
            let relations: Vec<&str> =
                at.fields.iter().filter(|field| related(field).is_some()).map(|field| &*field.name).collect();
            let help = match relations.is_empty() {
                true => format!("add a field to {} that refers to an account", at.name),
                false => suggestion(name, relations),
            };
            let message = format!("`{name}` is not a relation of {}", at.name);
            report.error(place, message, "leads to no account", help);
            return None;
        };
        steps.push((at.id, field.id));
        at = of.collection(next);
    }
    if at.id != identity {
        let to_account = |field: &&Field| related(field) == Some(identity);
        let help = match at.fields.iter().find(to_account) {
            Some(field) => format!("go on to the account: `{path}.{}`", field.name),
            None => "name a path that ends at an account".to_owned(),
        };
        report.error(
            place,
            format!("`{path}` leads to {}, which isn't the type of accounts", at.name),
            "ends here",
            help,
        );
        return None;
    }
    if steps.len() > limits::NOTIFY_STEPS {
        let message = format!("`{path}` has more than {} steps", limits::NOTIFY_STEPS);
        report.error(place, message, "too long", "have a job find the accounts, with `@on`");
        return None;
    }
    Some(PathToAccounts(steps))
}

/// The type whose records a relation leads to.
fn related(field: &Field) -> Option<CollectionId> {
    match &field.kind {
        FieldKind::ToOne { target, .. }
        | FieldKind::OneToMany { target, .. }
        | FieldKind::OneToOne { target, .. }
        | FieldKind::ManyToMany { target, .. } => Some(*target),
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOneOf { .. }
        | FieldKind::Lineage { .. } => None,
    }
}

fn template<'d>(report: &mut Report<'_>, directive: &'d Node<Directive>) -> Option<&'d str> {
    for (argument, place) in
        ["into", "kind"].into_iter().filter_map(|name| Some((name, read::text(directive, name)?.1)))
    {
        let help = "leave it out, or write `channel: INBOX`";
        report.error(place, format!("a mail has no `{argument}:`"), "of another channel", help);
    }
    let template = read::text(directive, "template");
    if template.is_none() {
        let help = "name the template in `mail/`: `template: \"order-paid\"`";
        report.error(directive.location(), "a mail needs a template", "without one", help);
    }
    template.map(|(template, _)| template)
}

/// The records that a notification becomes.
fn inbox(
    report: &mut Report<'_>,
    (about, of): (&Collection, Notified<'_>),
    directive: &Node<Directive>,
) -> Option<InboxRecords> {
    if let Some((_, place)) = read::text(directive, "template") {
        let message = "a notification in the application has no template";
        let help = "leave it out: clients write the text, in their language, from the record that it refers to";
        report.error(place, message, "of another channel", help);
    }
    let Some((name, place)) = read::text(directive, "into") else {
        let help = "name the type of its records: `into: \"Notice\"`";
        report.error(directive.location(), "a notification in the application becomes a record", "of no type", help);
        return None;
    };
    let own = || of.collections.iter().filter(|of| !of.system && !of.single && of.versions.is_none());
    let Some(into) = own().find(|collection| collection.name == name) else {
        let help = suggestion(name, own().map(|collection| collection.name.as_str()));
        report.error(place, format!("the model has no type `{name}`"), "no such type", help);
        return None;
    };
    let records = fields(report, (about, into, of), directive, place)?;
    let is_given = |field: FieldId| {
        let InboxRecords { into: _, to, about, event, kind } = &records;
        // A reference to one of several types stands for its members.
        let whole = about.and_then(|about| into.field(about).parent());
        [Some(*to), *about, whole, *event, kind.as_ref().map(|(kind, _)| *kind)].contains(&Some(field))
    };
    let needs = |field: &&Field| {
        let gets_one = field.default.is_some() || field.default_from.is_some() || !field.set.is_empty();
        let gets_one = gets_one || field.slug.is_some() || field.sequence.is_some() || field.computed.is_some();
        field.required && field.id > Collection::VERSION && !gets_one && field.sum.is_none() && !is_given(field.id)
    };
    if let Some(field) = into.fields.iter().find(needs) {
        let message = format!("{name}.{} must have a value, and a notification gives it none", field.name);
        let help =
            "let it be empty, or give it a `@default`; a notification gives `to`, `event`, `kind` and the record";
        report.error(place, message, "needs another value", help);
        return None;
    }
    Some(records)
}

/// Which fields of the type are given what.
fn fields(
    report: &mut Report<'_>,
    (about, into, of): (&Collection, &Collection, Notified<'_>),
    directive: &Node<Directive>,
    place: Option<SourceSpan>,
) -> Option<InboxRecords> {
    let refers = |field: &&Field, target| matches!(field.kind, FieldKind::ToOne { target: of, .. } if of == target);
    let to = into.field_named("to").filter(|field| of.identity.is_some_and(|accounts| refers(field, accounts)));
    let Some(to) = to else {
        let message = format!("{} has no field `to` that refers to one account", into.name);
        report.error(place, message, "no field for the recipient", "add `to`, whose type is that of the accounts");
        return None;
    };
    if !matches!(into.key.kind, KeyKind::Uuid7 | KeyKind::Uuid4) {
        let message = format!("the keys of {} aren't UUIDs", into.name);
        let help = "leave out its `@key`: the key is how a notification isn't made twice";
        report.error(place, message, "has other keys", help);
        return None;
    }
    let mut referring = into.fields.iter().filter(|field| field.id != to.id && refers(field, about.id));
    let (record, another) = (referring.next(), referring.next());
    if let (Some(one), Some(another)) = (record, another) {
        let message = format!("{} has several fields that refer to {}", into.name, about.name);
        let help = format!("leave `{}` or `{}` to another type", one.name, another.name);
        report.error(place, message, "ambiguous", help);
        return None;
    }
    let text = |field: &&Field| matches!(field.kind, FieldKind::Scalar(Scalar::String));
    let event = into.field_named("event").filter(text).map(|field| field.id);
    let kind = match read::text(directive, "kind") {
        Some((kind, place)) => Some((kind_field(report, (into, of), kind, place)?, kind.into())),
        None => None,
    };
    Some(InboxRecords { into: into.id, to: to.id, about: record.map(|field| field.id), event, kind })
}

fn kind_field(
    report: &mut Report<'_>,
    (into, of): (&Collection, Notified<'_>),
    kind: &str,
    place: Option<SourceSpan>,
) -> Option<FieldId> {
    let field = into.field_named("kind");
    match field.map(|field| (&field.kind, field.id)) {
        Some((FieldKind::Scalar(Scalar::String), id)) => Some(id),
        Some((FieldKind::Enum(known), id)) => {
            let values = &of.enums[usize::from(known.0)].values;
            let known: Vec<&str> = values.iter().map(|value| &*value.name).collect();
            if known.contains(&kind) {
                return Some(id);
            }
            let help = suggestion(kind, known);
            report.error(place, format!("{}.kind has no value `{kind}`", into.name), "no such value", help);
            None
        }
        _ => {
            let message = format!("{} has no field `kind` for it", into.name);
            report.error(
                place,
                message,
                "there is no field to store it in",
                "add `kind: String`, or an enum of the kinds",
            );
            None
        }
    }
}
