use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use backstay_base::Timestamp;
use backstay_expr::Type;
use backstay_model::{
    Collection, CollectionId, Column, Element, Field, FieldId, FieldKind, Link, LinkSource, Model, Pairing, TypeChange,
    enum_values, type_change,
};
use backstay_scalar::{Part, Value};
use sea_query::{CaseStatement, CommonTableExpression, Expr as Sql, ExprTrait, Query, SelectStatement};

use crate::backfill::{self, Backfill, BackfillError};
use crate::builder::{Anchor, Builder};
use crate::layout::{columns_of, link_columns};
use crate::relation::written_links;
use crate::schema;
use crate::temporary::{NEXT, converted_table, made_table, next_table};
use crate::tree::{boolean, call, column, integer, name, only_where, word};
use crate::write::unrestricted;
use crate::{ColumnRef, Dialect, Models, Perspective, Slot, Statement, Template};

/// How the records of a new model come from those of the old one: for every collection of the new model a SELECT over the
/// old one's tables. What stored records would break is asked of it before a migration, and a table that is written anew
/// is filled from it.
#[derive(Debug)]
pub struct Succession<'m> {
    /// The old model; its tables are called as they are in the database at the moment.
    pub(crate) old: &'m Model,
    pub(crate) new: &'m Model,
    /// The new model, whose tables are the SELECTs where they differ from the old ones.
    pub(crate) next: Model,
    pub(crate) pairing: &'m Pairing,
    pub(crate) dialect: Dialect,
    now: Timestamp,
    pub(crate) backfills: HashMap<(CollectionId, FieldId), Backfill>,
    backfill_errors: Vec<BackfillError>,
    /// What checks are asked of: see `broken`.
    pub(crate) summed: OnceLock<Model>,
}

/// Where the values of a field come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From this old field, as they are.
    Kept(FieldId),
    /// From this old field, each written as a text and read anew: see `converted_table`.
    Converted(FieldId),
    /// From its `@backfill`, else its default, else they are null.
    New,
}

impl<'m> Succession<'m> {
    /// Compares the two models, and checks each `@backfill` that is needed.
    pub fn new(models: Models<'m>) -> Self {
        let Models { old, new, pairing, dialect, now } = models;
        let (next, backfills) = (next(old, new, pairing), HashMap::new());
        let (backfill_errors, summed) = (Vec::new(), OnceLock::new());
        let mut this = Self { old, new, next, pairing, dialect, now, backfills, backfill_errors, summed };
        (this.backfills, this.backfill_errors) = this.compile_backfills();
        this
    }

    /// What is wrong with those that the old model doesn't bear out. They give no values.
    pub fn backfill_errors(&self) -> &[BackfillError] {
        &self.backfill_errors
    }

    /// Where the values of a stored field of the new model come from.
    pub fn origin(&self, collection: CollectionId, field: FieldId) -> Origin {
        let Some(before) = self.pairing.field(collection, field) else { return Origin::New };
        match type_change((self.old, self.new), self.pairing, (collection, field)) {
            None if self.renames_in_list(collection, field) || self.follows_names(collection, field) => {
                Origin::Converted(before)
            }
            None | Some(TypeChange::Widened | TypeChange::Shared) => Origin::Kept(before),
            Some(TypeChange::Converted | TypeChange::Rewritten { .. }) => Origin::Converted(before),
            Some(
                TypeChange::NotStored
                | TypeChange::Summed { .. }
                | TypeChange::Derived
                | TypeChange::Computed
                | TypeChange::Stored(_)
                | TypeChange::Linked
                | TypeChange::Referring
                | TypeChange::Replaced(_),
            ) => Origin::New,
        }
    }

    /// Whether stored values of a field become others.
    pub fn changes_values(&self, collection: CollectionId, field: FieldId) -> bool {
        let of = self.new.field(collection, field);
        match self.origin(collection, field) {
            Origin::New | Origin::Converted(_) => true,
            Origin::Kept(was) => {
                let before = self.pairing.collection(collection).map(|id| self.old.field(id, was));
                self.fills_where_present(collection, of)
                    || of.required && before.is_some_and(|before| !before.required)
                    || self.numbers(collection, field).is_some()
                    || self.renamed_values(&of.kind).iter().any(|(_, to)| to.is_some())
            }
        }
    }

    /// Whether values that a field gets are none to show: it has a class, or what they come from has one.
    pub fn is_classified(&self, collection: CollectionId, field: FieldId) -> bool {
        let before = match self.origin(collection, field) {
            Origin::Kept(before) | Origin::Converted(before) => Some(before),
            Origin::New => None,
        };
        let was = self.pairing.collection(collection).zip(before).map(|(of, before)| self.old.field(of, before));
        let backfill = self.backfills.get(&(collection, field));
        self.new.field(collection, field).class.is_some()
            || was.is_some_and(|was| was.class.is_some())
            || backfill.is_some_and(|backfill| backfill.reads_classified)
    }

    /// Whether the `@backfill` of a field gives stored records a value.
    pub fn is_backfilled(&self, collection: CollectionId, field: FieldId) -> bool {
        self.backfills.contains_key(&(collection, field))
    }

    /// Of an enum that fields of both models hold: its values and what they have become, if that is anything else.
    pub fn renamed_values(&self, kind: &FieldKind) -> Vec<(Arc<str>, Option<Arc<str>>)> {
        let (FieldKind::Enum(id) | FieldKind::List(Element::Enum(id))) = kind else { return Vec::new() };
        let Some(before) = self.pairing.enumeration(*id) else { return Vec::new() };
        let values = enum_values(self.old.enumeration(before), self.new.enumeration(*id));
        values.into_iter().filter(|(from, to)| to.as_ref() != Some(from)).collect()
    }

    fn renames_in_list(&self, collection: CollectionId, field: FieldId) -> bool {
        let kind = &self.new.field(collection, field).kind;
        matches!(kind, FieldKind::List(_)) && !self.renamed_values(kind).is_empty()
    }

    /// Whether the field holds names that are others in the new model.
    fn follows_names(&self, collection: CollectionId, field: FieldId) -> bool {
        let names = self.new.field(collection, field).names;
        names.is_some_and(|names| !self.pairing.followed(self.old, self.new, names).is_empty())
    }

    /// Checks each `@backfill` that is needed: those that give values, and what is wrong with the others.
    fn compile_backfills(&self) -> (HashMap<(CollectionId, FieldId), Backfill>, Vec<BackfillError>) {
        let (mut backfills, mut errors) = (HashMap::new(), Vec::new());
        for collection in &self.new.collections {
            let Some(before) = self.pairing.collection(collection.id) else { continue };
            for field in collection.fields.iter().filter(|field| self.needs_backfill(collection, field)) {
                match backfill::compile((collection, field), before, (self.old, self.pairing)) {
                    Ok(backfill) => _ = backfills.insert((collection.id, field.id), backfill),
                    Err((message, remedy)) => {
                        errors.push(BackfillError { collection: collection.id, field: field.id, message, remedy });
                    }
                }
            }
        }
        (backfills, errors)
    }

    fn needs_backfill(&self, collection: &Collection, field: &Field) -> bool {
        if field.backfill.is_none() || !field.is_stored() {
            return false;
        }
        match self.origin(collection.id, field.id) {
            Origin::New => true,
            Origin::Kept(before) | Origin::Converted(before) => {
                let was = self.pairing.collection(collection.id).map(|id| self.old.field(id, before));
                field.required && was.is_some_and(|was| !was.required)
            }
        }
    }

    /// The value of a statement's placeholders.
    pub(crate) fn bound(&self, template: &Template) -> Statement {
        template.bind(|slot| self.value_of(slot))
    }

    /// The value of a placeholder while a model is applied.
    pub(crate) fn value_of(&self, slot: &Slot) -> Value {
        match slot {
            Slot::Now => Value::Timestamp(self.now),
            // A check may ask for the caller, of whom nothing is known.
            Slot::Caller(_) | Slot::Account(_) => Value::Null,
            other => unreachable!("nothing gives {other:?} a value while a model is applied"),
        }
    }

    /// The new model's collections that aren't a table of the old one, each as a named SELECT.
    pub(crate) fn expressions<'b>(&'b self, builder: &mut Builder<'b>) -> Vec<CommonTableExpression> {
        builder.model = self.old;
        let mut all = Vec::new();
        let expression = |table: &str, select: SelectStatement| {
            let mut expression = CommonTableExpression::new();
            expression.table_name(name(table)).query(select).materialized(false);
            expression
        };
        for collection in &self.next.collections {
            if collection.table.starts_with(NEXT) {
                all.push(expression(&collection.table, self.select(builder, collection.id)));
            }
            for (field, link) in collection.links().filter(|(_, link)| link.table.starts_with(NEXT)) {
                all.push(expression(&link.table, self.select_links(builder, (collection.id, field.id), link)));
            }
        }
        all
    }

    /// The records of a collection of the new model.
    pub(crate) fn select(&self, builder: &mut Builder<'_>, collection: CollectionId) -> SelectStatement {
        let mut select = Query::select();
        let after = self.new.collection(collection);
        let Some(before) = self.pairing.collection(collection) else {
            for (_, stored) in columns_of(after) {
                select.expr_as(Sql::null(), name(&stored.name));
            }
            return select.and_where(boolean(false)).to_owned();
        };
        let this = unrestricted(builder, self.old.collection(before), Perspective::Stored);
        for (at, stored) in columns_of(after) {
            let value = self.column(builder, &this, (after, after.field(at.field)), stored);
            select.expr_as(value, name(&stored.name));
        }
        builder.from(this.frame, &mut select);
        select
    }

    /// The links of a many-to-many relation of the new model.
    pub(crate) fn select_links(
        &self,
        builder: &mut Builder<'_>,
        at: (CollectionId, FieldId),
        link: &Link,
    ) -> SelectStatement {
        let mut select = Query::select();
        match self.pairing.link_source(self.old, self.new, at) {
            LinkSource::New => {
                for column in link_columns(link) {
                    select.expr_as(Sql::null(), name(column));
                }
                select.and_where(boolean(false));
            }
            LinkSource::Same(of, field) => self.select_old_links(&mut select, (of, field), (link, false)),
            LinkSource::Turned(of, field) => self.select_old_links(&mut select, (of, field), (link, true)),
            LinkSource::One(of, field) => {
                let this = unrestricted(builder, self.old.collection(of), Perspective::Stored);
                let (near, far) = (builder.key(&this), builder.stored(&this, ColumnRef::main(field)));
                select.expr_as(near, name(&link.near)).expr_as(far.clone(), name(&link.far));
                if link.ordered {
                    select.expr_as(integer(0), name(Link::PLACE));
                }
                select.and_where(far.is_not_null());
                builder.from(this.frame, &mut select);
            }
        }
        select
    }

    fn select_old_links(
        &self,
        select: &mut SelectStatement,
        (of, field): (CollectionId, FieldId),
        (new, turned): (&Link, bool),
    ) {
        let FieldKind::ManyToMany { link, .. } = &self.old.field(of, field).kind else { return };
        let (near, far) = if turned { (&link.far, &link.near) } else { (&link.near, &link.far) };
        select.expr_as(Sql::col(name(near)), name(&new.near)).expr_as(Sql::col(name(far)), name(&new.far));
        if new.ordered {
            let place = if link.ordered && !turned { Sql::col(name(Link::PLACE)) } else { integer(0) };
            select.expr_as(place, name(Link::PLACE));
        }
        select.from(name(written_links(link)));
    }

    /// Of a member of an embedded value that can be absent: the old field that held the value, and the default that the
    /// member gets in the records where the value is there.
    fn filled_where_present<'f>(&self, collection: CollectionId, field: &'f Field) -> Option<(FieldId, &'f Value)> {
        let within = field.within.filter(|within| !within.always)?;
        let (before, outer) = (self.pairing.collection(collection)?, self.pairing.field(collection, within.field)?);
        let was_embedded = matches!(self.old.field(before, outer).kind, FieldKind::Embedded(_));
        field.default.as_ref().filter(|_| was_embedded).map(|default| (outer, default))
    }

    /// Whether records get a value in a member of an embedded value because it is there in them.
    pub fn fills_where_present(&self, collection: CollectionId, field: &Field) -> bool {
        let lacked = match self.origin(collection, field.id) {
            Origin::New => true,
            Origin::Kept(was) | Origin::Converted(was) => {
                let before = self.pairing.collection(collection).map(|id| self.old.field(id, was));
                field.is_needed() && before.is_some_and(|before| !before.is_needed())
            }
        };
        lacked && self.filled_where_present(collection, field).is_some()
    }

    fn column(
        &self,
        builder: &mut Builder<'_>,
        this: &Anchor,
        (collection, field): (&Collection, &Field),
        at: &Column,
    ) -> Sql {
        let before = |id: FieldId| self.old.field(this.collection, id);
        let (stored, may_lack) = match self.origin(collection.id, field.id) {
            // Nobody can change a version so that its currencies agree.
            Origin::Kept(id) if collection.versions.is_some() && self.comes_to_share((collection.id, field)) => {
                (self.in_same_currency(builder, this, (before(id), collection, field)), true)
            }
            Origin::Kept(id) => (self.kept(builder, this, (id, field), at.part), !before(id).is_needed()),
            Origin::Converted(id) => {
                (Some(Self::made(builder, this, &converted_table(collection.id, field.id))), !before(id).is_needed())
            }
            Origin::New => (None, true),
        };
        let is_numbered = self.numbers(collection.id, field.id).is_some();
        if stored.is_some() && !(may_lack && (field.is_needed() || is_numbered)) {
            return stored.unwrap_or(Sql::null());
        }
        let other = if let Some(Backfill { expr, .. }) = self.backfills.get(&(collection.id, field.id)) {
            let value = backfill::backfilled(builder, this, expr, at);
            let of_old_enum = matches!(expr.ty, Type::Enum(_));
            Some(if of_old_enum { self.renamed(value, &field.kind) } else { value })
        } else if self.is_made(collection.id, field.id) {
            Some(Self::made(builder, this, &made_table(collection.id, field.id)))
        } else {
            match self.filled_where_present(collection.id, field) {
                Some((outer, default)) => {
                    let parts = self.old.collection(this.collection).parts(outer);
                    let there = parts.map(|part| builder.stored(this, ColumnRef::main(part.id)).is_not_null());
                    let there = there.reduce(ExprTrait::or);
                    let value = schema::constant(self.dialect, default, at);
                    there.zip(value).map(|(there, value)| only_where(there, value))
                }
                None => self.new.default_of(field).and_then(|value| schema::constant(self.dialect, &value, at)),
            }
        };
        match (stored, other) {
            (Some(stored), Some(other)) => call("coalesce", [stored, other]),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => schema::typed_null(self.dialect, at),
        }
    }

    /// Whether the amounts of a field share another currency than they had.
    fn comes_to_share(&self, (collection, field): (CollectionId, &Field)) -> bool {
        let change = type_change((self.old, self.new), self.pairing, (collection, field.id));
        field.shares_currency() && change == Some(TypeChange::Shared)
    }

    /// The number of an amount of a version where its currency is that of the version.
    fn in_same_currency(
        &self,
        builder: &mut Builder<'_>,
        this: &Anchor,
        (before, collection, after): (&Field, &Collection, &Field),
    ) -> Option<Sql> {
        let currency = collection.field(*after.currency.as_ref()?.first()?);
        let is = self.column(builder, this, (collection, currency), currency.columns.first()?);
        let was = Self::currency_of(builder, this, before);
        Some(only_where(was.eq(is), builder.stored(this, ColumnRef::main(before.id))))
    }

    fn kept(
        &self,
        builder: &mut Builder<'_>,
        this: &Anchor,
        (id, field): (FieldId, &Field),
        part: Part,
    ) -> Option<Sql> {
        let before = self.old.field(this.collection, id);
        if let (Part::Currency, true) = (part, before.shares_currency()) {
            let number = builder.stored(this, ColumnRef::main(id));
            let currency = Self::currency_of(builder, this, before);
            return Some(only_where(number.is_not_null(), currency));
        }
        before.column(part)?;
        let stored = builder.stored(this, ColumnRef { field: id, part });
        Some(self.renamed(stored, &field.kind))
    }

    /// A value of an enum under the name that it has in the new model.
    pub(crate) fn renamed(&self, stored: Sql, kind: &FieldKind) -> Sql {
        let renamed = self.renamed_values(kind);
        let renamed = renamed.iter().filter_map(|(from, to)| to.as_ref().map(|to| (from, to)));
        let mut case: Option<CaseStatement> = None;
        for (from, to) in renamed {
            case = Some(case.unwrap_or_default().case(stored.clone().eq(word(from)), word(to)));
        }
        case.map_or(stored.clone(), |case| case.finally(stored).into())
    }

    /// The value that a temporary table holds for the record.
    fn made(builder: &mut Builder<'_>, this: &Anchor, table: &str) -> Sql {
        let alias = builder.alias();
        let mut select = Query::select();
        select.expr(column(&alias, "value")).from_as(name(table), name(&alias));
        select.and_where(column(&alias, "id").eq(builder.key(this)));
        crate::tree::subquery(select)
    }
}

/// The new model with the tables that the old one has, and names of SELECTs where it hasn't.
fn next(old: &Model, new: &Model, pairing: &Pairing) -> Model {
    let mut next = new.clone();
    for collection in &mut next.collections {
        let before = pairing.collection(collection.id).map(|id| old.collection(id));
        collection.table = match before.filter(|before| is_same_table(old, new, pairing, (before, collection))) {
            Some(before) => before.table.clone(),
            None => next_table(&collection.table),
        };
        let id = collection.id;
        for field in &mut collection.fields {
            let FieldKind::ManyToMany { target, link } = &mut field.kind else { continue };
            let at = if link.owner { Some((id, field.id)) } else { link.inverse.map(|inverse| (*target, inverse)) };
            let source = at.map_or(LinkSource::New, |at| pairing.link_source(old, new, at));
            let LinkSource::Same(of, field) = source else {
                link.table = next_table(&link.table);
                continue;
            };
            if let FieldKind::ManyToMany { link: before, .. } = &old.field(of, field).kind {
                let (near, far) = if link.owner { (&before.near, &before.far) } else { (&before.far, &before.near) };
                (link.near, link.far) = (near.clone(), far.clone());
                link.table.clone_from(&before.table);
            }
        }
    }
    next
}

/// Whether a collection's records can be read from the old table as they are.
fn is_same_table(old: &Model, new: &Model, pairing: &Pairing, (before, after): (&Collection, &Collection)) -> bool {
    after.stored_fields().all(|field| {
        let Some(was) = pairing.field(after.id, field.id).map(|id| before.field(id)) else { return false };
        let kept = matches!(type_change((old, new), pairing, (after.id, field.id)), None | Some(TypeChange::Widened));
        let values = match &field.kind {
            FieldKind::Enum(id) | FieldKind::List(Element::Enum(id)) => {
                pairing.enumeration(*id).is_none_or(|id_before| {
                    let values = enum_values(old.enumeration(id_before), new.enumeration(*id));
                    values.iter().all(|(from, to)| to.as_ref() == Some(from))
                })
            }
            _ => true,
        };
        let is_numbered = field.sequence.is_some() && was.sequence.is_none();
        kept && values && !is_numbered && was.columns == field.columns && (was.is_needed() || !field.is_needed())
    })
}
