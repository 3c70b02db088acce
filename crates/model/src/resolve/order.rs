//! `@order(by:)` and `@order(as:)`.

use apollo_compiler::Node;
use apollo_compiler::ast::{Directive, Value};
use backstay_base::limits;

use super::read;
use super::report::Report;
use super::survey::Survey;
use crate::names::suggestion;
use crate::{Class, Collection, Field, FieldKind, OrderKey};

/// What a field says of the order of its list.
enum Ordering {
    /// By fields of the listed type.
    By(Vec<OrderKey>),
    /// As the links were sent.
    Sent,
}

/// Finds the fields of the related types that lists are ordered by, and the relations whose links have an order.
pub(super) fn orders(report: &mut Report<'_>, survey: &Survey<'_>, collections: &mut [Collection]) {
    let mut found = Vec::new();
    for collection in &*collections {
        for (surveyed, id) in survey.stored(collection.id).declared() {
            let field = collection.field(id);
            if let Some(target) = field.kind.target().filter(|_| field.kind.is_to_many())
                && let Some(directive) = surveyed.node.directives.get("order")
                && let Some(ordering) = ordering(report, (field, &collections[usize::from(target.0)]), directive)
            {
                found.push((collection.id, id, ordering));
            }
        }
    }
    for (collection, field, ordering) in found {
        let field = &mut collections[usize::from(collection.0)].fields[usize::from(field.0)];
        match (ordering, &mut field.kind) {
            (Ordering::By(keys), _) => field.order = keys,
            (Ordering::Sent, FieldKind::ManyToMany { link, .. }) => link.ordered = true,
            (Ordering::Sent, _) => {}
        }
    }
}

fn ordering(
    report: &mut Report<'_>,
    (field, target): (&Field, &Collection),
    directive: &Node<Directive>,
) -> Option<Ordering> {
    let by = directive.specified_argument_by_name("by").filter(|by| !by.is_null());
    let sent = directive.specified_argument_by_name("as").filter(|sent| !sent.is_null());
    match (by, sent) {
        (Some(by), None) => Some(Ordering::By(keys(report, target, by))),
        (None, Some(_)) => sent_links(report, (field, target), directive).map(|()| Ordering::Sent),
        (Some(_), Some(sent)) => {
            let message = "`@order` has either `by` or `as`";
            report.error(sent.location(), message, "two orders", "remove one of them");
            None
        }
        (None, None) => {
            let help = "name a field, such as `@order(by: \"createdAt\")`, or write `@order(as: SENT)` on a many-to-many \
                        relation";
            report.error(directive.location(), "`@order` says no order", "no order", help);
            None
        }
    }
}

/// Whether the links of this relation can have an order of their own.
fn sent_links(
    report: &mut Report<'_>,
    (field, target): (&Field, &Collection),
    directive: &Node<Directive>,
) -> Option<()> {
    let help = match &field.kind {
        FieldKind::ManyToMany { link, .. } if link.owner => return Some(()),
        FieldKind::ManyToMany { link, .. } => {
            let declared = link.inverse.map_or("…", |field| target.field(field).name.as_str());
            format!(
                "write it on {}.{declared}, which declares the relation, or order this list by a field",
                target.name
            )
        }
        _ => format!("give {} a number to order by, such as `@order(by: \"position\")`", target.name),
    };
    let message = "`@order(as: SENT)` is for the field that declares a many-to-many relation";
    report.error(directive.location(), message, "not for this list", help);
    None
}

fn keys(report: &mut Report<'_>, target: &Collection, by: &Node<Value>) -> Vec<OrderKey> {
    let items: Vec<_> = read::texts(by).collect();
    let mut keys: Vec<OrderKey> = Vec::new();
    for (text, place) in &items {
        match key(target, text, &keys) {
            Ok(key) => keys.push(key),
            Err(Refusal { message, label, help }) => report.error(*place, message, label, help),
        }
    }
    if items.is_empty() {
        let help = "name a field, such as `@order(by: \"createdAt\")`, or remove it: lists come in the order of ids";
        report.error(by.location(), "`@order` names no field", "no field", help);
    } else if items.len() > limits::SORT_FIELDS {
        let most = limits::SORT_FIELDS;
        report.error(by.location(), format!("an order has at most {most} fields"), "too many", "name fewer");
    }
    keys
}

struct Refusal {
    message: String,
    label: String,
    help: String,
}

fn key(target: &Collection, text: &str, known: &[OrderKey]) -> Result<OrderKey, Refusal> {
    let refusal =
        |message: String, label: &str, help: &str| Refusal { message, label: label.to_owned(), help: help.to_owned() };
    let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
    let Some(field) = target.fields.iter().find(|field| field.name == name) else {
        return Err(unknown(target, name));
    };
    if !field.kind.has_order() {
        let help = match field.kind {
            FieldKind::Embedded(_) => format!("name a member of it, such as `{name}.…`"),
            _ => "name a number, a moment, an enum, or a text that is a `String`".to_owned(),
        };
        return Err(refusal(format!("`{name}` of {} has no order", target.name), "has no order", &help));
    }
    if field.class == Some(Class::Secret) {
        let message = format!("the order would show something of `{name}`, which is secret");
        return Err(refusal(message, "a secret", "name another field"));
    }
    if known.iter().any(|key| key.field == field.id) {
        return Err(refusal(format!("`@order` names `{name}` twice"), "again here", "remove it"));
    }
    Ok(OrderKey { field: field.id, descending })
}

/// A name that is none of a field, perhaps because it says the direction as elsewhere.
fn unknown(target: &Collection, name: &str) -> Refusal {
    let is_field = |name: &str| target.fields.iter().any(|field| field.name == name);
    let sortable = |field: &&Field| field.kind.has_order() && field.class != Some(Class::Secret);
    let (first, rest) = name.trim().split_once([' ', ':']).unwrap_or((name.trim(), ""));
    let help = match rest.trim().to_ascii_lowercase().as_str() {
        "desc" | "descending" | "-1" if is_field(first) => format!("write `-{first}`"),
        "asc" | "ascending" | "1" if is_field(first) => format!("write `{first}`"),
        _ if name.contains(',') => "write a list, such as `[\"-pinned\", \"createdAt\"]`".to_owned(),
        _ => suggestion(name, target.fields.iter().filter(sortable).map(|field| field.name.as_str())),
    };
    Refusal { message: format!("{} has no field `{name}`", target.name), label: "not a field".to_owned(), help }
}
