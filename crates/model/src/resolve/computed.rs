//! `@computed(is:, rights:, stored:)`.

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;

use super::kind::Declared;
use super::read;
use super::report::Report;
use crate::{Computed, ComputedRights, Field, StoredSum, Upkeep};

/// Directives that say something of a value that is stored or written.
const OF_STORED: [&str; 15] = [
    "backfill",
    "check",
    "default",
    "immutable",
    "length",
    "names",
    "onDelete",
    "order",
    "pattern",
    "range",
    "readonly",
    "sequence",
    "set",
    "slug",
    "unique",
];

/// Those of them that also have a meaning for a stored sum, or are refused in words of their own.
const OF_SUMS: [&str; 2] = ["check", "unique"];

/// Reads the directive of a field into the field.
pub(super) fn read(report: &mut Report<'_>, field: &mut Field, directive: &Node<Directive>) {
    let Some(is) = read::rule(report, directive, "is") else { return };
    let rights = read::word(directive, "rights");
    match read::word(directive, "stored") {
        None => {
            let rights = if rights == Some("MODEL") { ComputedRights::Model } else { ComputedRights::Caller };
            field.computed = Some(Computed { is, rights });
        }
        // GraphQL refuses any other word than this and `COMMIT`.
        Some(word) => {
            if rights == Some("CALLER") {
                let place = directive.specified_argument_by_name("rights").and_then(Node::location);
                let help =
                    "remove `rights`: the value is the same for everyone; `@allow(read: …)` says who may read it";
                report.error(place, "a stored sum always reads with the model's rights", "not here", help);
            }
            let upkeep = if word == "SOON" { Upkeep::Soon } else { Upkeep::Commit };
            field.sum = Some(StoredSum { is, upkeep });
        }
    }
}

/// Refuses what a field can't be if it is computed, and takes its columns away unless it is a stored sum.
pub(super) fn check(report: &mut Report<'_>, declared: &Declared<'_, '_>, field: &mut Field) {
    if field.computed.is_none() && field.sum.is_none() {
        return;
    }
    let node = declared.node;
    if declared.of.is_none() {
        (field.computed, field.sum) = (None, None);
        let place = node.directives.get("computed").and_then(Node::location);
        let help =
            "write `@computed` on a field of the type that holds the value, with a path such as `this.address.city`";
        report.error(place, "a member of an embedded type can't be computed", "not here", help);
        return;
    }
    let (what, why) = match field.sum.as_ref().map(|sum| sum.upkeep) {
        Some(Upkeep::Commit) => {
            ("a stored sum", "remove it: Backstay computes the value in every commit that changes it")
        }
        Some(Upkeep::Soon) => {
            ("a stored sum", "remove it: Backstay computes the value after every commit that changes it")
        }
        None => {
            ("a computed field", "remove it: the value is computed whenever it is read, and never stored or written")
        }
    };
    if !field.is_sum() {
        field.columns.clear();
    }
    let is_refused = |name: &str| OF_STORED.contains(&name) && !(field.is_sum() && OF_SUMS.contains(&name));
    for directive in node.directives.iter().filter(|directive| is_refused(directive.name.as_str())) {
        let message = format!("`@{}` has no meaning for {what}", directive.name);
        report.error(directive.location(), message, "not here", why);
    }
    if field.required {
        let message = format!("`{}` is computed and can't be required", field.name);
        let help = "remove the `!`: the value is null where the expression is unknown";
        report.error(node.ty.inner_named_type().location(), message, "can't be required", help);
    }
    if field.allow.restricts_writes() {
        let place = node.directives.get("allow").and_then(Node::location);
        report.error(place, "a computed field is never written", "only `read:` here", "remove `create:` and `update:`");
    }
}
