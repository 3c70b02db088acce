mod documents;

use std::sync::Arc;

use backstay_base::{Action, limits};
use backstay_model::{Collection, Field, FieldId, FieldKind};
use backstay_scalar::Storage;
use sea_query::{Expr as Sql, ExprTrait, Query, SelectStatement};

use crate::builder::{Anchor, Builder, Members};
use crate::columns::Columns;
use crate::computed;
use crate::expressions::Reader;
use crate::lower::{Lowering, Scope, sees, shows};
use crate::owner::tie;
use crate::predicate::Pred;
use crate::shape::Answered;
use crate::tree::{boolean, column, name, only_where, subquery, word};
use crate::{
    Alternative, ColumnRef, ColumnType, HIGHLIGHT, InnerSelection, MemberOutput, ObjectOutput, Phrase, SelectedField,
    SelectedValue, Selection, Slot, Sought, SoughtBy, ValueOutput, order, question, search,
};

/// Writes what is answered of a record into the columns of a SELECT, as far as the rights show it.
#[derive(Debug)]
pub(crate) struct RowWriter<'b, 'm, 'r> {
    builder: &'b mut Builder<'m>,
    reader: Reader<'r>,
    columns: Columns,
    /// Where the record whose members are written is shown.
    shown: Pred,
}

/// A field of a record that is answered.
struct Member<'a> {
    field: &'a Field,
    at: &'a Anchor,
    /// Where it is seen.
    sees: Pred,
}

/// A value where it may be seen, else null.
fn seen(sees: &Pred, value: Sql) -> Sql {
    match sees {
        Pred::Known(true) => value,
        Pred::Known(false) => Sql::null(),
        Pred::Sql(sees) => only_where(sees.clone(), value),
    }
}

impl<'b, 'm, 'r> RowWriter<'b, 'm, 'r> {
    pub(crate) fn new(builder: &'b mut Builder<'m>, reader: Reader<'r>) -> Self {
        Self { builder, reader, columns: Columns::default(), shown: Pred::Known(true) }
    }

    /// The columns that were written.
    pub(crate) fn finish(self) -> Columns {
        self.columns
    }

    /// The members of one record's object.
    pub(crate) fn object(&mut self, selection: &Selection, at: &Anchor) -> Vec<MemberOutput> {
        self.members(selection, at, None)
    }

    /// The members of the object of a record, or of the embedded value that this field of it holds.
    fn members(&mut self, selection: &Selection, at: &Anchor, within: Option<FieldId>) -> Vec<MemberOutput> {
        let members = selection.members(self.builder.model.collection(at.collection), within);
        let member = |member: &Answered| match member {
            Answered::Field(selected) => self.member(selected, at),
            Answered::Derived(value) => self.derived(value, at),
        };
        members.iter().filter_map(member).collect()
    }

    /// The member with what a search finds in these texts, and the columns of the texts.
    pub(crate) fn highlights(&mut self, fields: &[FieldId], at: &Anchor) -> (MemberOutput, Vec<usize>) {
        let (mut members, mut columns) = (Vec::with_capacity(fields.len()), Vec::with_capacity(fields.len()));
        for id in fields {
            let stored = self.builder.stored(at, ColumnRef::main(*id));
            // What is written in its place isn't the text.
            let column = self.columns.push_apart(stored, Storage::Text);
            let holds = ColumnType::List(Storage::Text);
            let name = Arc::from(self.builder.model.field(at.collection, *id).own_name());
            members.push(MemberOutput {
                name,
                visible: None,
                value: ValueOutput::Column { column, holds, scalar: None },
            });
            columns.push(column);
        }
        let value = ValueOutput::Object(ObjectOutput { present: None, members });
        (MemberOutput { name: Arc::from(HIGHLIGHT), visible: None, value }, columns)
    }

    /// Whether the caller can see none of the records that a relation leads to.
    fn leads_nowhere(&self, field: &Field) -> bool {
        field.kind.target().is_some_and(|target| self.reader.rights.rule(target, Action::Read).refuses())
    }

    /// What the members of a relation come to, of a record that is shown.
    fn derived(&mut self, selected: &SelectedValue, at: &Anchor) -> Option<MemberOutput> {
        let relation = self.builder.model.field(at.collection, selected.relation);
        if !at.perspective.has(relation) || selected.optional && self.leads_nowhere(relation) {
            return None;
        }
        let sees = shows(self.builder, self.reader.rights.field(at.collection, relation.id, Action::Read), at);
        let visible = match &sees {
            Pred::Known(false) => return None,
            Pred::Known(true) => None,
            sees @ Pred::Sql(_) => Some(self.columns.push(sees.clone().definite(), Storage::Bool)),
        };
        let shown = Pred::all([self.shown.clone(), sees]);
        let values = computed::derived(self.builder, &selected.value, at, self.reader);
        let columns: Vec<(usize, ColumnType)> =
            values.into_iter().map(|(sql, kind)| (self.columns.push(seen(&shown, sql), kind), kind)).collect();
        let scalar = selected.value.kind.scalar();
        let value = match (columns.as_slice(), scalar) {
            ([(column, holds)], scalar) => ValueOutput::Column { column: *column, holds: *holds, scalar },
            (columns, Some(scalar)) => {
                ValueOutput::Columns(columns.iter().map(|(column, _)| *column).collect(), scalar)
            }
            // Only scalars take several columns.
            (_, None) => return None,
        };
        Some(MemberOutput { name: Arc::clone(&selected.name), visible, value })
    }

    fn member(&mut self, selected: &SelectedField, at: &Anchor) -> Option<MemberOutput> {
        let field = self.builder.model.field(at.collection, selected.field);
        if !at.perspective.has(field) || selected.optional && selected.follows(field) && self.leads_nowhere(field) {
            return None;
        }
        let sees = shows(self.builder, self.reader.rights.field(at.collection, selected.field, Action::Read), at);
        let visible = match &sees {
            Pred::Known(false) => return None,
            Pred::Known(true) => None,
            sees @ Pred::Sql(_) => Some(self.columns.push(sees.clone().definite(), Storage::Bool)),
        };
        let field = self.builder.model.field(at.collection, selected.field);
        let member = Member { field, at, sees };
        let value = match (&field.kind, &selected.inner) {
            _ if field.is_computed_in_answers() => self.computed(&member)?,
            (FieldKind::Document(document), Some(InnerSelection::Document(inner))) => {
                self.document((&member, document.shape()), inner)
            }
            (FieldKind::ToOne { .. } | FieldKind::OneToOne { .. }, Some(InnerSelection::Fields(inner))) => {
                self.related(&member, inner)
            }
            (FieldKind::OneToOne { .. }, _) => self.id_of_related(&member),
            (FieldKind::Embedded(_), _) => self.embedded(&member, selected.fields().unwrap_or(&Selection::Whole)),
            (FieldKind::ToOneOf { .. }, _) => self.one_of(&member, selected.fields()),
            (FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } | FieldKind::Lineage { .. }, _) => {
                self.rows(&member, selected)
            }
            (
                FieldKind::Scalar(_)
                | FieldKind::Enum(_)
                | FieldKind::List(_)
                | FieldKind::Document(_)
                | FieldKind::ToOne { .. },
                _,
            ) => self.plain(&member)?,
        };
        let name = selected.alias.clone().unwrap_or_else(|| Arc::from(field.own_name()));
        Some(MemberOutput { name, visible, value })
    }

    fn plain(&mut self, member: &Member<'_>) -> Option<ValueOutput> {
        let field = member.field;
        let mut columns = Vec::with_capacity(field.columns.len());
        for column in &field.columns {
            let stored = self.builder.stored(member.at, ColumnRef { field: field.id, part: column.part });
            columns.push(self.columns.push(seen(&member.sees, stored), column));
        }
        match (columns.as_slice(), field.columns.as_slice(), field.kind.scalar()) {
            ([column], [only], scalar) => Some(ValueOutput::Column { column: *column, holds: only.into(), scalar }),
            (_, _, Some(scalar)) => Some(ValueOutput::Columns(columns.into(), scalar)),
            // Only scalars take several columns.
            (_, _, None) => None,
        }
    }

    /// A computed value, of a record that is shown: nothing of it is computed for any other.
    fn computed(&mut self, member: &Member<'_>) -> Option<ValueOutput> {
        let Member { field, at, sees } = member;
        let shown = Pred::all([self.shown.clone(), sees.clone()]);
        let values = computed::computed(self.builder, (at.collection, field), at, self.reader);
        let columns: Vec<(usize, ColumnType)> =
            values.into_iter().map(|(sql, kind)| (self.columns.push(seen(&shown, sql), kind), kind)).collect();
        match (columns.as_slice(), field.answered_scalar()) {
            ([(column, holds)], scalar) => Some(ValueOutput::Column { column: *column, holds: *holds, scalar }),
            (columns, Some(scalar)) => {
                Some(ValueOutput::Columns(columns.iter().map(|(column, _)| *column).collect(), scalar))
            }
            // Only scalars take several columns.
            (_, None) => None,
        }
    }

    /// An embedded value, which is there where one of its members is.
    fn embedded(&mut self, member: &Member<'_>, inner: &Selection) -> ValueOutput {
        let model = self.builder.model;
        let is_always = member.field.required
            && !member.at.perspective.is_of_versions()
            && matches!(member.sees, Pred::Known(true));
        let present = if is_always {
            None
        } else {
            let parts = model.collection(member.at.collection).parts(member.field.id);
            let parts = parts.filter(|part| member.at.perspective.has(part));
            let there =
                parts.map(|part| Pred::Sql(self.builder.stored(member.at, ColumnRef::main(part.id)).is_not_null()));
            let there = Pred::any(there.collect::<Vec<_>>());
            let present = Pred::all([member.sees.clone(), there]).definite();
            Some(self.columns.push(present, Storage::Bool))
        };
        let members = self.members(inner, member.at, Some(member.field.id));
        ValueOutput::Object(ObjectOutput { present, members })
    }

    /// The record that a reference to one of several types leads to. A type whose records nothing is selected of is answered
    /// by the id.
    fn one_of(&mut self, member: &Member<'_>, inner: Option<&Selection>) -> ValueOutput {
        let model = self.builder.model;
        let collection = model.collection(member.at.collection);
        let all = Selection::default();
        let selected = inner.unwrap_or(&all).fields(collection, Some(member.field.id));
        let mut alternatives = Vec::new();
        for part in collection.members(Some(member.field.id)) {
            let Some(target) = part.kind.target() else { continue };
            let inner = selected.iter().find(|selected| selected.field == part.id).and_then(SelectedField::fields);
            let of_part = Member { field: part, at: member.at, sees: member.sees.clone() };
            let object = match inner {
                Some(inner) => self.related_object(&of_part, inner),
                None => Some(self.reference(&of_part)),
            };
            let type_name = Arc::from(model.collection(target).name.as_str());
            alternatives.extend(object.map(|(present, members)| Alternative { type_name, present, members }));
        }
        ValueOutput::OneOf(alternatives.into())
    }

    /// The id that a part of a reference holds, as the only member of an object.
    fn reference(&mut self, part: &Member<'_>) -> (usize, Vec<MemberOutput>) {
        let stored = self.builder.stored(part.at, ColumnRef::main(part.field.id));
        let there = Pred::Sql(stored.clone().is_not_null());
        let present = self.columns.push(Pred::all([part.sees.clone(), there]).definite(), Storage::Bool);
        let holds: ColumnType = (&part.field.columns[0]).into();
        let column = self.columns.push(seen(&part.sees, stored), holds);
        let id = ValueOutput::Column { column, holds, scalar: None };
        let name = Arc::from(self.builder.model.field(part.at.collection, Collection::ID).name.as_str());
        (present, vec![MemberOutput { name, visible: None, value: id }])
    }

    /// The record that a to-one relation leads to, from joined columns.
    fn related(&mut self, member: &Member<'_>, inner: &Selection) -> ValueOutput {
        let (present, members) = match self.related_object(member, inner) {
            Some((present, members)) => (present, members),
            None => (self.columns.push(boolean(false), Storage::Bool), Vec::new()),
        };
        ValueOutput::Object(ObjectOutput { present: Some(present), members })
    }

    /// The same as the column that tells whether it is there, and its members; `None` if the caller sees none of the records.
    fn related_object(&mut self, member: &Member<'_>, inner: &Selection) -> Option<(usize, Vec<MemberOutput>)> {
        let target = self.builder.follow(member.at, member.field.id, self.reader.rights);
        let read = sees(self.builder, &target);
        if matches!(read, Pred::Known(false)) {
            return None;
        }
        let there = self.builder.key(&target.anchor).is_not_null();
        let present = match (&member.sees, &read) {
            (Pred::Known(true), Pred::Known(true)) => there,
            _ => Pred::all([member.sees.clone(), Pred::Sql(there), read.clone()]).definite(),
        };
        let present = self.columns.push(present, Storage::Bool);
        let shown = Pred::all([self.shown.clone(), member.sees.clone(), read]);
        let outer = std::mem::replace(&mut self.shown, shown);
        let members = self.object(inner, &target.anchor);
        self.shown = outer;
        Some((present, members))
    }

    /// The id of the record that refers here.
    fn id_of_related(&mut self, member: &Member<'_>) -> ValueOutput {
        let target = self.builder.follow(member.at, member.field.id, self.reader.rights);
        let shown = Pred::all([member.sees.clone(), sees(self.builder, &target)]);
        let key = self.builder.key(&target.anchor);
        let holds = self.builder.key_storage(&target.anchor);
        let column = self.columns.push(seen(&shown, key), holds);
        ValueOutput::Column { column, holds: holds.into(), scalar: None }
    }

    /// The records that a to-many relation leads to, as one column in the nested form. The caller chooses their order and
    /// number: nothing of it is done for a record that is not shown.
    fn rows(&mut self, member: &Member<'_>, selected: &SelectedField) -> ValueOutput {
        let limit = selected.arguments.limit.unwrap_or(limits::NESTED_MAX);
        let (rows, types, members) = self.nested(member, selected, limit);
        let shown = Pred::all([self.shown.clone(), member.sees.clone()]);
        let column = self.columns.push(seen(&shown, rows), ColumnType::Nested);
        let element = Box::new(ObjectOutput { present: None, members });
        ValueOutput::Rows { column, columns: types.into(), element, limit }
    }

    fn nested(
        &mut self,
        member: &Member<'_>,
        selected: &SelectedField,
        limit: u32,
    ) -> (Sql, Vec<ColumnType>, Vec<MemberOutput>) {
        let nothing = || (word("[]"), Vec::new(), Vec::new());
        let field = member.field;
        let key = self.builder.key(member.at);
        let view = (member.at.perspective, self.reader.rights);
        let Some(members) = self.builder.members(&member.field.kind, view) else {
            return nothing();
        };
        let sort = order::of_list(member.field, &selected.arguments.sort, self.reader.rights);
        let Members { member, owner } = members;
        let read = sees(self.builder, &member);
        if matches!(read, Pred::Known(false)) {
            return nothing();
        }
        let found = match &selected.arguments.search {
            None => Pred::Known(true),
            Some(sought) => {
                let sought = match sought {
                    Sought::Search(search) => SoughtBy::Selection(Arc::clone(search)),
                    Sought::Param(Phrase { first_param, .. }) => SoughtBy::Param(self.reader.first_param + first_param),
                };
                let found = search::restrict(self.builder, (&member.anchor, self.reader.rights), (sought, &sort));
                let Some(found) = found else { return nothing() };
                Pred::Sql(found)
            }
        };
        let mut order = question::order(self.builder, &sort, &member.anchor, self.reader);
        if let Some(place) =
            order::places(self.builder, (field, &selected.arguments.sort), (&member.anchor, self.reader))
        {
            order = order.within_places(place);
        }
        self.builder.count_list();
        let ids = Selection::id();
        let mut row = RowWriter::new(self.builder, self.reader);
        let members = row.object(selected.fields().unwrap_or(&ids), &member.anchor);
        let mut inner = Query::select();
        let types = row.finish().name_into(&mut inner);
        order.write(self.builder, &mut inner);
        // What the caller asks of a record is asked where the rule shows it.
        let asked = match &selected.arguments.filter {
            Some(Phrase { checked, first_param, .. }) => {
                let first_param = self.reader.first_param + first_param;
                let scope = Scope { first_param, ..Scope::question(&member.anchor, self.reader.rights) };
                Lowering::new(self.builder, scope).is_true(&checked.expr).behind(read)
            }
            None => read,
        };
        Pred::all([tie(owner, &key), found, asked]).restrict(&mut inner);
        self.builder.from(member.anchor.frame, &mut inner);
        self.builder.limit(&mut inner, Slot::Constant((i64::from(limit) + 1).into()));
        (self.array(inner, &types), types, members)
    }

    /// The rows of a SELECT, whose columns have these types, in the nested form.
    fn array(&mut self, rows: SelectStatement, types: &[ColumnType]) -> Sql {
        let (alias, dialect) = (self.builder.alias(), self.builder.dialect);
        let value =
            |(index, kind): (usize, &ColumnType)| dialect.nested_value(column(&alias, &format!("c{index}")), *kind);
        let values = types.iter().enumerate().map(value).collect();
        let mut outer = Query::select();
        outer.expr(dialect.nested_rows(values)).from_subquery(rows, name(&alias));
        subquery(outer)
    }
}
