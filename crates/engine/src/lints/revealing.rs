use std::collections::BTreeSet;

use backstay_base::Action;
use backstay_expr::Rule;
use backstay_model::{Collection, CollectionId, Computed, ComputedRights, Diagnostic, Field, FieldId, FieldKind, Lint};

use super::Subject;
use crate::allow_policy::Alternatives;

/// Computed fields that read, with the model's rights, what some readers of the record may not see.
pub(super) fn computed(subject: Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for collection in subject.collections() {
        let policy = subject.policy.collection(collection.id);
        for (field, policy) in collection.fields.iter().zip(&policy.fields) {
            let as_model = |computed: &Computed| computed.rights == ComputedRights::Model;
            let is_open = field.is_sum() || field.computed.as_ref().is_some_and(as_model);
            if !is_open || !policy.read.is_empty() {
                continue;
            }
            let of_computed = policy.computed.iter().flat_map(|computed| &computed.computed_from);
            let of_sum = policy.sum.iter().flat_map(|sum| sum.checked.reads.iter().chain(&sum.checked.computed_from));
            let hidden = restricted(subject, collection.id, of_computed.chain(of_sum));
            found.extend(hidden.map(|hidden| finding(collection, field, &hidden)));
        }
    }
    found
}

/// The first thing that a computed field reads and that somebody may not read.
fn restricted<'f>(
    subject: Subject<'_>,
    own: CollectionId,
    looks_at: impl Iterator<Item = &'f (CollectionId, FieldId)>,
) -> Option<String> {
    let allows = |rule: &Rule| rule.allows();
    let mut reached = BTreeSet::new();
    for (of, id) in looks_at {
        let collection = subject.model.collection(*of);
        let field = collection.field(*id);
        if !subject.policy.collection(*of).fields[usize::from(id.0)].read.is_empty() {
            return Some(format!("`{}.{}`", collection.name, field.name));
        }
        reached.insert(*of);
        reached.extend(match field.kind {
            FieldKind::OneToOne { target, .. }
            | FieldKind::OneToMany { target, .. }
            | FieldKind::ManyToMany { target, .. }
            | FieldKind::Lineage { target, .. } => Some(target),
            FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::Embedded(_)
            | FieldKind::Document(_)
            | FieldKind::List(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. } => None,
        });
    }
    let closed = |of: &CollectionId| {
        let read = subject.policy.collection(*of).allow.of(Action::Read);
        let is_open = |one: &Alternatives<'_>| one.rules.iter().any(|rule| allows(&rule.whole_rule()));
        *of != own && !(read.rules().next().is_some() && read.alternatives().iter().all(is_open))
    };
    let of = reached.into_iter().find(closed)?;
    Some(format!("records of {}", subject.model.collection(of).name))
}

fn finding(collection: &Collection, field: &Field, hidden: &str) -> Diagnostic {
    let message = format!(
        "`{}.{}` reads {hidden} with the rights of the model, so anyone who can read {0} learns about them",
        collection.name, field.name
    );
    let help = match field.is_sum() {
        true => "say who may read the field with `@allow(read: …)`",
        false => "leave out `rights: MODEL`, or say who may read the field with `@allow(read: …)`",
    };
    Diagnostic::warning(Lint::RevealingComputed, message).at(field.span, "not everyone may read that").help(help)
}
