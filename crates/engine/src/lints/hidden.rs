use std::collections::BTreeSet;

use backstay_expr::{Outcomes, Truth};
use backstay_model::{Collection, Diagnostic, Field, FieldId, Lint};

use super::Subject;
use super::constant::CLIENTS;
use crate::compiled::Compiled;
use crate::policy::FieldPolicy;

/// Fields that `only:` lets clients change, and that no client can read or change.
pub(super) fn in_only(subject: Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for collection in subject.collections() {
        let policy = subject.policy.collection(collection.id);
        let only = policy.allow.updates().filter_map(|(_, update)| update.only.as_deref());
        let named: BTreeSet<FieldId> = only.flatten().copied().collect();
        for field in named {
            found.extend(finding(subject, (collection, collection.field(field)), &policy.fields[usize::from(field.0)]));
        }
    }
    found
}

fn finding(subject: Subject<'_>, (of, field): (&Collection, &Field), rules: &FieldPolicy) -> Option<Diagnostic> {
    let never = |rule: &&Compiled| !Outcomes::of(&rule.whole, subject.model, &CLIENTS).includes(Truth::True);
    let name = format!("`{}.{}`", of.name, field.name);
    let (rule, message, label, help) = if let Some(rule) = rules.update.iter().map(|one| &one.rule).find(never) {
        (
            rule,
            format!("`only:` names {name}, whose own rule lets nobody change it"),
            "nobody can change it",
            "remove the field from `only:`, or say here who may change it",
        )
    } else {
        // A secret is meant to be written without being read.
        let rule = rules.read.iter().filter(|_| field.is_readable()).find(never)?;
        (
            rule,
            format!("`only:` lets clients change {name}, which nobody can read"),
            "nobody can read it",
            "remove the field from `only:`, or say here who may read it; a value that clients set and nobody sees is \
             `@class(is: SECRET)`",
        )
    };
    Some(Diagnostic::warning(Lint::HiddenInOnly, message).at(subject.span(&rule.text), label).help(help))
}
