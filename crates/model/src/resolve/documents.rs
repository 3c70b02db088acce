//! What documents can hold, once all types are resolved: lists of embedded values, and values of unions.

use backstay_base::{KeyForm, limits};

use super::report::Report;
use crate::document::reach;
use crate::mention::Types;
use crate::{
    Class, Collection, Diagnostic, Embedded, EmbeddedId, EmbeddedRole, Field, FieldKind, Lint, Mention, OnDelete,
    RecordUnion, Shape, Union,
};

/// The types whose values documents hold.
pub(super) struct Documents<'m> {
    pub(super) embedded: &'m [Embedded],
    pub(super) unions: &'m [Union],
    pub(super) record_unions: &'m [RecordUnion],
}

impl Documents<'_> {
    /// Gives each collection the relations in its documents.
    pub(super) fn mentions(&self, report: &mut Report<'_>, collections: &mut [Collection]) {
        let Self { embedded, unions, record_unions } = *self;
        let types = Types { embedded, unions, record_unions };
        let named = |of: &Collection| (of.name.clone(), of.table.clone(), of.key.form());
        let names: Vec<(String, String, KeyForm)> = collections.iter().map(named).collect();
        let (mut count, most) = (0, limits::MODEL_MENTIONS);
        for collection in collections {
            let mut mentions = Vec::new();
            for field in &collection.fields {
                let FieldKind::Document(document) = field.kind else { continue };
                let relations = types.relations(document.shape());
                let before = count;
                count += relations.len();
                if count > most {
                    if before <= most {
                        let message = format!("the documents of the model hold more than {most} relations");
                        let diagnostic = Diagnostic::error(message).at(field.span, "with those of this field");
                        let help =
                            "use fewer fields for documents with many relations, or types with records for the items";
                        report.push(diagnostic.help(help));
                    }
                    continue;
                }
                for (relation, on_delete) in relations {
                    let (name, table, key) = &names[usize::from(relation.target.0)];
                    let owner = (collection.table.as_str(), collection.key.form(), field);
                    mentions.push(Mention::new(types, owner, (relation, on_delete), (name, table, *key)));
                }
            }
            collection.mentions = mentions;
        }
    }

    /// Refuses what a document can't hold, and warns of types that nothing holds.
    pub(super) fn check(&self, report: &mut Report<'_>, collections: &[Collection]) {
        let mut used = vec![false; self.embedded.len()];
        let mut in_documents = vec![false; self.embedded.len()];
        for field in collections.iter().flat_map(|collection| &collection.fields) {
            match &field.kind {
                FieldKind::Embedded(id) => used[usize::from(id.0)] = true,
                FieldKind::Document(document) => {
                    reach((self.embedded, self.unions), document.shape(), &mut in_documents);
                }
                _ => {}
            }
        }
        for (of, id) in self.embedded.iter().zip((0..).map(EmbeddedId)) {
            if matches!(of.role, EmbeddedRole::Arguments | EmbeddedRole::Result) {
                reach((self.embedded, self.unions), Shape::Embedded(id), &mut in_documents);
            }
        }
        for (index, of) in self.embedded.iter().enumerate() {
            if in_documents[index] {
                of.members.iter().for_each(|member| refuse_in_document(report, of, member));
            } else if !used[index] {
                let (message, help) = match of.role {
                    EmbeddedRole::Input => (
                        format!("no action takes a value of {}", of.name),
                        format!("write an argument of the type {}, or remove the type", of.name),
                    ),
                    EmbeddedRole::Part | EmbeddedRole::Arguments | EmbeddedRole::Result => (
                        format!("no field holds a value of {}", of.name),
                        format!("write a field of the type {} in a type with records, or remove the type", of.name),
                    ),
                };
                let warning = Diagnostic::warning(Lint::UnusedEmbeddedType, message).help(help);
                report.push(warning.at(of.span, "embedded nowhere"));
            }
        }
    }
}

fn refuse_in_document(report: &mut Report<'_>, of: &Embedded, member: &Field) {
    let (what, help) = if let FieldKind::ToOne { on_delete: OnDelete::Cascade, .. }
    | FieldKind::ToOneOf { on_delete: OnDelete::Cascade, .. } = member.kind
    {
        (
            "a relation with `@onDelete(do: CASCADE)`",
            "write `do: RESTRICT`, or `do: SET_NULL` on a relation that can be null; for items that go with a record, use a \
             type with records",
        )
    } else if member.class == Some(Class::Secret) {
        ("a secret", "keep it in a field of the record")
    } else if member.class.is_some() {
        ("a class of a member", "write `@class` on the field that holds the document; it then applies to all of it")
    } else if member.readonly || member.immutable {
        (
            "a member that clients can't write",
            "remove `@readonly` or `@immutable`, or write it on the field that holds the document",
        )
    } else if member.connects {
        (
            "`@connect` within a document",
            "remove it: relations in documents are sent as ids; or make the items records of a type of their own",
        )
    } else if member.backfill.is_some() {
        ("a `@backfill` of a member", "give the member a `@default`, which stored values get")
    } else {
        return;
    };
    let message = format!("`{}.{}` is in a list or a union, which can't hold {what} yet", of.name, member.name);
    report.push(Diagnostic::error(message).at(member.span, "in a document").help(help));
}
