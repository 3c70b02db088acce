//! `@order(by:)`.

use apollo_compiler::Node;
use apollo_compiler::ast::Directive;
use backstay_base::limits;

use super::read;
use super::report::Report;
use super::survey::Survey;
use crate::names::suggestion;
use crate::{Class, Collection, Field, FieldKind, OrderKey};

/// Finds the fields of the related types that lists are ordered by.
pub(super) fn orders(report: &mut Report<'_>, survey: &Survey<'_>, collections: &mut [Collection]) {
    let mut found = Vec::new();
    for collection in &*collections {
        for (surveyed, id) in survey.stored(collection.id).declared() {
            let (FieldKind::OneToMany { target, .. } | FieldKind::ManyToMany { target, .. }) =
                collection.field(id).kind
            else {
                continue;
            };
            if let Some(directive) = surveyed.node.directives.get("order") {
                let keys = keys(report, &collections[usize::from(target.0)], directive);
                found.push((collection.id, id, keys));
            }
        }
    }
    for (collection, field, keys) in found {
        collections[usize::from(collection.0)].fields[usize::from(field.0)].order = keys;
    }
}

fn keys(report: &mut Report<'_>, target: &Collection, directive: &Node<Directive>) -> Vec<OrderKey> {
    let Some(by) = directive.specified_argument_by_name("by") else { return Vec::new() };
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
