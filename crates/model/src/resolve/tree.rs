//! `@tree(parent:, order:)`: what it demands of a type and gives it, a path that nobody sees, and the relations
//! `ancestors` and `descendants`.

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;
use backstay_scalar::Scalar;

use super::read;
use super::report::Report;
use super::survey::{StoredType, Survey};
use crate::names::suggestion;
use crate::{Collection, Column, Field, FieldId, FieldKind, Index, Nulls, OrderKey, Toward, Tree, names};

/// The relation to the records above.
const ANCESTORS: &str = "ancestors";
/// The relation to the records below.
const DESCENDANTS: &str = "descendants";
/// The field that holds the path, which no name of a model is like.
const PATH: &str = "@path";
/// The column that it is stored in.
const PATH_COLUMN: &str = "tree__path";

/// The tree of a type, if its records form one. Adds the fields that it has then.
pub(super) fn tree(report: &mut Report<'_>, of: &StoredType<'_>, fields: &mut Vec<Field>) -> Option<Tree> {
    let directive = of.node.directives.get("tree")?;
    if of.node.directives.has("single") {
        let help = "remove `@tree`";
        report.error(directive.location(), "a type with one record is no tree", "not beside `@single`", help);
        return None;
    }
    let taken = [ANCESTORS, DESCENDANTS].map(|name| of.node.fields.get(name));
    for declared in taken.iter().flatten() {
        let message = format!("every record of a type with `@tree` already has `{}`", declared.name);
        report.error(declared.name.location(), message, "the same field again", "remove it, or give it another name");
    }
    if taken.iter().any(Option::is_some) {
        return None;
    }
    let parent = parent(report, of, (fields, directive))?;
    let span = report.span_of(&of.node.name);
    let mut add = |name: &str, kind: FieldKind, description: Option<&str>| {
        let at = FieldId(u16::try_from(fields.len()).expect("the number of fields was checked"));
        let internal = description.is_none();
        let description = description.map(str::to_owned);
        fields.push(Field { description, internal, readonly: true, ..Field::unmarked(at, name, kind, false, span) });
        at
    };
    let lineage = |toward| FieldKind::Lineage { target: of.id, toward };
    let above = "The records above this one, from the root of the tree down to the parent.";
    let below = "The records below this one, each after its parent.";
    let ancestors = add(ANCESTORS, lineage(Toward::Root), Some(above));
    let descendants = add(DESCENDANTS, lineage(Toward::Leaves), Some(below));
    let path = add(PATH, FieldKind::Scalar(Scalar::Bytes), None);
    let column = &mut fields[usize::from(path.0)].columns;
    for Column { name, .. } in column {
        PATH_COLUMN.clone_into(name);
    }
    Some(Tree { parent, path, ancestors, descendants, order: None })
}

/// The index in which the records of a branch are a range.
pub(super) fn tree_index(of: &StoredType<'_>, tree: Tree) -> Index {
    let name = names::index(&of.table, &[PATH_COLUMN], false);
    Index { name, fields: vec![tree.path], unique: false, nulls: Nulls::Distinct, condition: None }
}

/// The relation that `parent:` names.
fn parent(
    report: &mut Report<'_>,
    of: &StoredType<'_>,
    (fields, directive): (&[Field], &Node<Directive>),
) -> Option<FieldId> {
    // A missing name is reported with the other missing arguments.
    let (name, place) = read::text(directive, "parent")?;
    let ty = &of.node.name;
    let is_to_one = |field: &Field| matches!(field.kind, FieldKind::ToOne { target, .. } if target == of.id);
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        let known = fields.iter().filter(|field| is_to_one(field)).map(|field| field.name.as_str());
        let known: Vec<&str> = known.collect();
        let help = match known.as_slice() {
            [] => format!("add a relation to the record above, such as `{name}: {ty}`"),
            _ => suggestion(name, known),
        };
        report.error(place, format!("{ty} has no field `{name}`"), "not a field", help);
        return None;
    };
    let refusal = if !is_to_one(field) {
        let message = format!("`{name}` of {ty} is not a relation to one {ty}");
        Some((message, "not the record above", format!("name a field such as `parent: {ty}`")))
    } else if field.required {
        let message = format!("`{name}` of {ty} is required, so that no record could be the root of a tree");
        Some((message, "required", format!("write `{name}: {ty}` without `!`")))
    } else if !field.allow.read.is_empty() {
        let message = format!("`{ANCESTORS}` and `{DESCENDANTS}` would show what `@allow` hides in `{name}` of {ty}");
        Some((message, "hidden by a rule", format!("remove `read` from the `@allow` of `{name}`")))
    } else {
        None
    };
    match refusal {
        Some((message, label, help)) => {
            report.error(place, message, label, help);
            None
        }
        None => Some(field.id),
    }
}

/// Gives the trees the order of `@tree(order:)`, and the lists of children unless they have one of their own.
pub(super) fn siblings(report: &mut Report<'_>, survey: &Survey<'_>, collections: &mut [Collection]) {
    for collection in collections {
        let Some(tree) = collection.tree else { continue };
        let directive = survey.stored(collection.id).node.directives.get("tree");
        let order = directive.and_then(|directive| order(report, (collection, tree), directive));
        let Some(field) = order else { continue };
        collection.tree = Some(Tree { order, ..tree });
        let children = FieldKind::OneToMany { target: collection.id, via: tree.parent };
        for list in collection.fields.iter_mut().filter(|list| list.kind == children && list.order.is_empty()) {
            list.order = vec![OrderKey { field, descending: false }];
        }
    }
}

/// The field by which siblings are ordered.
fn order(report: &mut Report<'_>, (of, tree): (&Collection, Tree), directive: &Node<Directive>) -> Option<FieldId> {
    let (name, place) = read::text(directive, "order")?;
    let orders = |field: &&Field| field.kind.has_order() && field.is_readable();
    let Some(field) = of.fields.iter().find(|field| field.name == name) else {
        let help = suggestion(name, of.fields.iter().filter(orders).map(|field| field.name.as_str()));
        report.error(place, format!("{} has no field `{name}`", of.name), "not a field", help);
        return None;
    };
    if !orders(&field) {
        let help = "name a number such as `position: Int`, a moment, an enum, or a text that is a `String`";
        report.error(place, format!("`{name}` of {} has no order", of.name), "has no order", help);
        return None;
    }
    let children = FieldKind::OneToMany { target: of.id, via: tree.parent };
    if of.fields.iter().all(|list| list.kind != children) {
        let parent = &of.field(tree.parent).name;
        let help = format!("add `children: [{}!] @inverse(field: \"{parent}\")`, or remove `order`", of.name);
        report.error(place, format!("{} has no list of children to order", of.name), "orders nothing", help);
    }
    Some(field.id)
}
