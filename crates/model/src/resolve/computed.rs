//! `@computed(is:, rights:)`.

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;

use super::kind::Declared;
use super::read;
use super::report::Report;
use crate::{Computed, ComputedRights, Field};

/// Directives that say something of a value that is stored or written.
const OF_STORED: [&str; 12] = [
    "backfill",
    "check",
    "default",
    "immutable",
    "length",
    "names",
    "onDelete",
    "order",
    "readonly",
    "set",
    "slug",
    "unique",
];

/// Reads the directive of a field.
pub(super) fn read(report: &mut Report<'_>, directive: &Node<Directive>) -> Option<Computed> {
    let is = read::rule(report, directive, "is")?;
    let rights = match read::word(directive, "rights") {
        Some("MODEL") => ComputedRights::Model,
        _ => ComputedRights::Caller,
    };
    Some(Computed { is, rights })
}

/// Refuses what a field can't be if it is computed, and takes its columns away.
pub(super) fn check(report: &mut Report<'_>, declared: &Declared<'_, '_>, field: &mut Field) {
    if field.computed.is_none() {
        return;
    }
    let node = declared.node;
    if declared.of.is_none() {
        field.computed = None;
        let place = node.directives.get("computed").and_then(Node::location);
        let help =
            "write `@computed` on a field of the type that holds the value, with a path such as `this.address.city`";
        report.error(place, "a member of an embedded type can't be computed", "not here", help);
        return;
    }
    field.columns.clear();
    for directive in node.directives.iter().filter(|directive| OF_STORED.contains(&directive.name.as_str())) {
        let message = format!("`@{}` has no meaning for a computed field", directive.name);
        let help = "remove it: the value is computed whenever it is read, and never stored or written";
        report.error(directive.location(), message, "not here", help);
    }
    if field.required {
        let message = format!("`{}` is computed and can't be required", field.name);
        let help = "remove the `!`: the value is null where the expression is unknown";
        report.error(node.ty.inner_named_type().location(), message, "can't be required", help);
    }
    if field.allow.create.is_some() || field.allow.update.is_some() {
        let place = node.directives.get("allow").and_then(Node::location);
        report.error(place, "a computed field is never written", "only `read:` here", "remove `create:` and `update:`");
    }
}
