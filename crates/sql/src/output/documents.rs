//! Documents of whose values members are selected: the document is answered from its column, and the records that it
//! refers to come beside it, once each, from the table of the relation.

use std::sync::Arc;

use backstay_model::{CollectionId, EmbeddedId, Field, FieldKind, InnerRelation, Mention, Shape};
use backstay_scalar::Storage;
use sea_query::Query;

use super::{Member, RowWriter, array, seen};
use crate::builder::Members;
use crate::lower::sees;
use crate::owner::tie;
use crate::predicate::Pred;
use crate::{
    ColumnRef, ColumnType, DocumentMember, DocumentOutput, DocumentSelection, DocumentValue, MemberSelection,
    ObjectOutput, RecordsOutput, SelectedMember, Selection, TypeOutput, ValueOutput, ValuesOutput,
};

/// A document that is written, with the records that were selected of it so far.
struct Document<'d> {
    member: &'d Member<'d>,
    records: Vec<RecordsOutput>,
}

impl RowWriter<'_, '_, '_> {
    pub(super) fn document(
        &mut self,
        (member, shape): (&Member<'_>, Shape),
        selection: &DocumentSelection,
    ) -> ValueOutput {
        let stored = self.builder.stored(member.at, ColumnRef::main(member.field.id));
        let column = self.columns.push(seen(&member.sees, stored), Storage::Json);
        self.note_bytes([array::most_stored_bytes(member.field)]);
        let mut document = Document { member, records: Vec::new() };
        let values = self.values(&mut document, shape, selection);
        ValueOutput::Document(DocumentOutput { column, values, records: document.records.into() })
    }

    /// What is answered of the values of a shape.
    fn values(&mut self, document: &mut Document<'_>, shape: Shape, selection: &DocumentSelection) -> ValuesOutput {
        let model = self.builder.model;
        let selected = |of: EmbeddedId| selection.0.iter().find(|selected| selected.of == of);
        let mut members = |of: EmbeddedId| -> Box<[DocumentMember]> {
            let members = selected(of).into_iter().flat_map(|selected| selected.members.iter());
            members.map(|member| self.member_within(document, of, member)).collect()
        };
        match shape {
            Shape::Embedded(of) => ValuesOutput::One(members(of)),
            Shape::Union(_) => {
                let types = model.types_of(&shape).into_iter();
                let output = |of| TypeOutput { name: model.embedded(of).name.as_str().into(), members: members(of) };
                ValuesOutput::OneOf(types.map(output).collect())
            }
        }
    }

    fn member_within(
        &mut self,
        document: &mut Document<'_>,
        of: EmbeddedId,
        selected: &SelectedMember,
    ) -> DocumentMember {
        let member = self.builder.model.embedded(of).member(selected.member);
        let name: Arc<str> = member.own_name().into();
        let value = match &selected.inner {
            None => DocumentValue::Itself,
            Some(MemberSelection::Values(values)) => match shape_of(member) {
                Some(shape) => DocumentValue::Values(self.values(document, shape, values)),
                None => DocumentValue::Itself,
            },
            Some(MemberSelection::Records(types)) => self.reference_within(document, (of, member), types),
        };
        DocumentMember { name: selected.alias.clone().unwrap_or_else(|| Arc::clone(&name)), member: name, value }
    }

    /// The record that a relation of an embedded type leads to.
    fn reference_within(
        &mut self,
        document: &mut Document<'_>,
        (of, member): (EmbeddedId, &Field),
        types: &[(CollectionId, Selection)],
    ) -> DocumentValue {
        let model = self.builder.model;
        let collection = model.collection(document.member.at.collection);
        let mut among: Vec<(Arc<str>, usize)> = Vec::new();
        for (target, selection) in types {
            let relation = InnerRelation { of, member: member.id, target: *target };
            let Some(mention) = collection.mention(document.member.field.id, &relation) else { continue };
            let records = self.mentioned(document.member, mention, selection);
            document.records.push(records);
            among.push((model.collection(*target).name.as_str().into(), document.records.len() - 1));
        }
        match (&member.kind, among.as_slice()) {
            (FieldKind::ToOne { .. }, [(_, records)]) => DocumentValue::Record(*records),
            _ => DocumentValue::RecordOf(among.into()),
        }
    }

    /// The records that the document refers to by a relation, as far as they are shown.
    fn mentioned(&mut self, member: &Member<'_>, mention: &Mention, selection: &Selection) -> RecordsOutput {
        let key = self.builder.key(member.at);
        let Members { member: record, owner } = self.builder.mentioned(mention, self.reader.rights);
        let read = sees(self.builder, &record);
        self.builder.count_list();
        let mut row = RowWriter::new(self.builder, self.reader);
        let (id, kind) = (row.builder.key(&record.anchor), row.builder.key_storage(&record.anchor));
        row.columns.push(id, kind);
        let members = row.object(selection, &record.anchor);
        let mut rows = Query::select();
        let types = row.finish().name_into(&mut rows);
        Pred::all([tie(owner, &key), read]).restrict(&mut rows);
        self.builder.from(record.anchor.frame, &mut rows);
        let shown = Pred::all([self.shown.clone(), member.sees.clone()]);
        // A document can refer to any number of records.
        let array = self.array((rows, usize::MAX), &types);
        self.note_bytes([usize::MAX]);
        let column = self.columns.push(seen(&shown, array), ColumnType::Nested);
        let key = self.builder.model.collection(record.anchor.collection).key.scalar();
        RecordsOutput { column, columns: types.into(), key, element: ObjectOutput { present: None, members } }
    }
}

/// What the values in a member of an embedded type are, if it holds any.
fn shape_of(member: &Field) -> Option<Shape> {
    match member.kind {
        FieldKind::Embedded(of) => Some(Shape::Embedded(of)),
        FieldKind::Document(document) => Some(document.shape()),
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. }
        | FieldKind::Lineage { .. } => None,
    }
}
