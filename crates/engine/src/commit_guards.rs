//! What checks at commit guard.

use backstay_expr::Children;
use backstay_model::{Check, Collection, Diagnostic};

/// Lists that a check at commit guards and doesn't read: it isn't asked when they change.
pub(crate) fn unread(collection: &Collection, check: &Check, read: &[Children]) -> Vec<Diagnostic> {
    let finding = |(name, span): &(String, _)| {
        let list = collection.field_named(name)?.kind.declared_by()?;
        if read.iter().any(|children| (children.collection, children.via) == list) {
            return None;
        }
        let message = format!("the check doesn't read `{name}`, so no change of them has it asked");
        let help = "remove it from `guards`, or read it in the rule";
        Some(Diagnostic::error(message).at(*span, "not read").help(help))
    };
    check.guards.iter().flatten().filter_map(finding).collect()
}
