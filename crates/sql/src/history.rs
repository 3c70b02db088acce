//! The versions of a type's records: how they are written, read as a list of changes, removed when they are old, and kept
//! in step with the records when a migration changes those.

use std::sync::Arc;

use backstay_base::{Action, KeyForm, RecordId, Timestamp};
use backstay_expr::Rights;
use backstay_model::{Collection, CollectionId, Column, Field, FieldId, FieldKind, Model, VersionChange, Versions};
use backstay_scalar::{Scalar, Storage, Value, ValueRef};
use sea_query::{Expr as Sql, ExprTrait, Order, Query, SelectStatement};

use crate::builder::{Anchor, Builder};
use crate::columns::Columns;
use crate::definition::raw;
use crate::layout::FieldLayout;
use crate::lower::{holds, shows};
use crate::predicate::Pred;
use crate::relation::written;
use crate::schema::inline;
use crate::tree::{column, integer, name, only_where, subquery, word};
use crate::write::{proposed, unrestricted};
use crate::{ColumnRef, ColumnType, DecodeError, Dialect, Perspective, Planner, Row, Slot, Statement, Template};

/// The key of a version, in every table of versions.
const ID: &str = "id";

/// The versions of one record as a class of callers sees them, the latest first.
#[derive(Debug)]
pub struct HistoryPlan {
    /// The statement: at most `Slot::Limit` versions of the record `Slot::Id`. If it begins after a version, `Slot::Cursor`
    /// has that one's moment, its number and its id.
    pub template: Template,
    /// Fields with values of their own that the class may see in some record, in order.
    pub fields: Vec<HistoryField>,
    own: Own,
}

/// A field in a history.
#[derive(Debug)]
pub struct HistoryField {
    /// Its name; of a member of an embedded value the path to it.
    pub name: Arc<str>,
    layout: FieldLayout,
    /// A Boolean column that is true where the caller sees it; `None`: always.
    visible: Option<usize>,
}

/// Where the columns are that every version has.
#[derive(Debug)]
struct Own {
    id: usize,
    from: usize,
    version: usize,
    change: usize,
    by_kind: usize,
    by: usize,
}

/// A version of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordVersion {
    /// The version's own id.
    pub id: RecordId,
    /// The moment of the change that made it.
    pub from: Timestamp,
    /// The record's version.
    pub version: i64,
    /// What was done: a word of `VersionChange`.
    pub change: Arc<str>,
    /// The kind of caller that did it.
    pub by_kind: Arc<str>,
    /// The caller's id, if it has one.
    pub by: Option<RecordId>,
    /// A value for each of the plan's fields; `None` where the caller doesn't see it.
    pub values: Vec<Option<Value>>,
}

impl HistoryPlan {
    /// Reads a row.
    pub fn read(&self, row: &dyn Row) -> Result<RecordVersion, DecodeError> {
        let Own { id, from, version, change, by_kind, by } = self.own;
        let wrong = |column: usize, expected| DecodeError { column, expected };
        let required = |column: usize| optional_id(row, column)?.ok_or(wrong(column, "an id"));
        let text = |column: usize| match row.value(column)? {
            ValueRef::Text(text) => Ok(Arc::from(text)),
            _ => Err(wrong(column, "a word")),
        };
        let ValueRef::Timestamp(moment) = row.value(from)? else { return Err(wrong(from, "a moment")) };
        let ValueRef::Int(number) = row.value(version)? else { return Err(wrong(version, "a version")) };
        let value = |field: &HistoryField| {
            let sees = match field.visible {
                Some(column) => row.value(column)? == ValueRef::Bool(true),
                None => true,
            };
            if sees { field.layout.read(row).map(Some) } else { Ok(None) }
        };
        Ok(RecordVersion {
            id: required(id)?,
            from: moment,
            version: number,
            change: text(change)?,
            by_kind: text(by_kind)?,
            by: optional_id(row, by)?,
            values: self.fields.iter().map(value).collect::<Result<_, DecodeError>>()?,
        })
    }
}

fn optional_id(row: &dyn Row, column: usize) -> Result<Option<RecordId>, DecodeError> {
    match row.value(column)? {
        ValueRef::Id(id) => Ok(Some(id.into())),
        ValueRef::Null => Ok(None),
        _ => Err(DecodeError { column, expected: "an id" }),
    }
}

impl Planner {
    /// The history of one record as callers with these rights may read it; `after`: from a place in it.
    ///
    /// # Panics
    /// Panics if the collection has no history: doors don't lead there.
    pub fn history(&self, collection: CollectionId, rights: &Rights, after: bool) -> HistoryPlan {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let rows = builder.rows(definition, Perspective::Versions, (rights, Action::Read));
        let at = &rows.anchor;
        let key = self.model.collection(collection).key;
        let id = builder.id_slot(key.form(), Slot::Id);
        let mut terms = vec![Pred::Sql(builder.key(at).eq(id)), holds(&mut builder, rows.read, at)];
        let mut columns = Columns::default();
        let alias = at.alias();
        let mut push = |column_name: &str, storage: Storage| columns.push(column(&alias, column_name), storage);
        let own = Own {
            id: push(ID, Storage::UUID),
            from: push(Versions::FROM, Storage::Timestamp),
            version: push(column_name(definition, Collection::VERSION), Storage::Int),
            change: push(Versions::CHANGE, Storage::Text),
            by_kind: push(Versions::BY_KIND, Storage::Text),
            by: push(Versions::BY, Storage::UUID),
        };
        let fields = definition.fields.iter().filter(|field| is_shown(definition, field));
        let fields = fields.filter_map(|field| shown(&mut builder, &mut columns, (field, at), rights)).collect();
        let keys = [(Versions::FROM, Storage::Timestamp), (column_name(definition, Collection::VERSION), Storage::Int)];
        let keys = keys.into_iter().chain([(ID, Storage::UUID)]);
        let mut select = Query::select();
        let types = columns.select_into(self.dialect, &mut select);
        let mut order = Vec::new();
        for (index, (key, storage)) in (0_u16..).zip(keys) {
            select.order_by((name(&alias), name(key)), Order::Desc);
            order.push((column(&alias, key), (Slot::Cursor(index), storage)));
        }
        if after {
            let (keys, places): (Vec<Sql>, Vec<(Slot, Storage)>) = order.into_iter().unzip();
            let places: Vec<Sql> = places.into_iter().map(|(slot, storage)| builder.slot(slot, storage)).collect();
            terms.push(Pred::Sql(Sql::tuple(keys).lt(Sql::tuple(places))));
        }
        Pred::all(terms).restrict(&mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.from(at.frame, &mut select);
        HistoryPlan { template: builder.finish(&select, types), fields, own }
    }

    /// Ends the last version of the record `Slot::Id`, if it has one, at `Slot::Proposed` of the moment from which a new one
    /// counts.
    pub fn end_version(&self, (of, versions): (CollectionId, &Versions)) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(of);
        let next = proposed(&mut builder, of);
        let mut update = Query::update();
        update.table(name(written(definition)));
        for ended in [versions.until, versions.ended] {
            let moment = builder.stored(&next, ColumnRef::main(versions.from));
            update.value(name(&definition.field(ended).columns[0].name), moment);
        }
        let record = builder.id_slot(self.record_form(of), Slot::Id);
        update
            .and_where(Sql::col(name(Versions::RECORD)).eq(record))
            .and_where(Sql::col(name(Versions::UNTIL)).is_null());
        builder.finish(&update, Vec::new())
    }

    /// Deletes all versions of the record `Slot::Id`.
    pub fn delete_versions(&self, of: CollectionId) -> Template {
        let mut builder = self.builder();
        let record = builder.id_slot(self.record_form(of), Slot::Id);
        let mut delete = Query::delete();
        delete
            .from_table(name(written(self.model.collection(of))))
            .and_where(Sql::col(name(Versions::RECORD)).eq(record));
        builder.finish(&delete, Vec::new())
    }

    /// Ids of versions that were of the past before `Slot::AsOf`, the oldest first, at most `Slot::Limit`.
    pub fn expired_versions(&self, of: CollectionId) -> Template {
        let mut builder = self.builder();
        let select = self.expired_among(&mut builder, of);
        builder.finish(&select, vec![Storage::UUID.into()])
    }

    /// Deletes them.
    pub fn delete_expired_versions(&self, of: CollectionId) -> Template {
        let mut builder = self.builder();
        let expired = self.expired_among(&mut builder, of);
        let mut delete = Query::delete();
        delete.from_table(name(written(self.model.collection(of)))).and_where(Sql::col(name(ID)).in_subquery(expired));
        builder.finish(&delete, Vec::new())
    }

    /// What keys the records have whose versions these are.
    fn record_form(&self, versions: CollectionId) -> KeyForm {
        let of = self.model.collection(versions).versions.as_ref().map_or(versions, |versions| versions.of);
        self.model.collection(of).key.form()
    }

    fn expired_among(&self, builder: &mut Builder<'_>, of: CollectionId) -> SelectStatement {
        let from = unrestricted(builder, self.model.collection(of), Perspective::Live);
        let alias = from.alias();
        let limit = builder.slot(Slot::AsOf, Storage::Timestamp);
        let (id, ended) = (column(&alias, ID), column(&alias, Versions::ENDED));
        let mut select = Query::select();
        select.expr(id.clone()).and_where(ended.clone().lt(limit));
        select.order_by_expr(ended, Order::Asc).order_by_expr(id, Order::Asc);
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        select
    }
}

/// Versions that counted at `Slot::AsOf`, at most one of each record that there has been: found from the last versions of all
/// records, so that many changes of one of them cost the others nothing.
pub(crate) fn of_each_record(builder: &mut Builder<'_>, table: &str, at: &Anchor) -> Pred {
    let mut moment = || builder.slot(Slot::AsOf, Storage::Timestamp);
    let (each, then) = ("each", "then");
    let until = || column(then, Versions::UNTIL);
    let mut version = Query::select();
    version
        .expr(column(then, ID))
        .from_as(name(table), name(then))
        .and_where(column(then, Versions::RECORD).eq(column(each, Versions::RECORD)))
        .and_where(column(then, Versions::FROM).lte(moment()))
        .and_where(until().is_null().or(until().gt(moment())))
        .order_by((name(then), name(Versions::FROM)), Order::Desc);
    builder.limit(&mut version, Slot::Constant(Value::Int(1)));
    let mut last = Query::select();
    last.expr(subquery(version)).from_as(name(table), name(each)).and_where(column(each, Versions::UNTIL).is_null());
    Pred::Sql(column(&at.alias(), ID).in_subquery(last))
}

/// Whether a history shows the changes of a field: those of an embedded value are those of its members, and what every
/// record has says nothing that the version doesn't.
fn is_shown(collection: &Collection, field: &Field) -> bool {
    let is_trashed_at = collection.trash.is_some_and(|trash| trash.at == field.id);
    let is_value = field.is_in_history() && !field.kind.has_members();
    is_value && field.id > Collection::VERSION && !is_trashed_at
}

/// The columns of a field, unless callers with these rights never see it or the embedded value that it is a member of.
fn shown(
    builder: &mut Builder<'_>,
    columns: &mut Columns,
    (field, at): (&Field, &Anchor),
    rights: &Rights,
) -> Option<HistoryField> {
    let (mut sees, mut next) = (Vec::new(), Some(field.id));
    while let Some(id) = next {
        sees.push(shows(builder, rights.field(at.collection, id, Action::Read), at));
        next = builder.model.field(at.collection, id).parent();
    }
    let sees = Pred::all(sees);
    let visible = match &sees {
        Pred::Known(false) => return None,
        Pred::Known(true) => None,
        Pred::Sql(_) => Some(columns.push(sees.clone().definite(), Storage::Bool)),
    };
    let mut places = Vec::with_capacity(field.columns.len());
    let own = field.columns.iter().map(|column| (ColumnRef { field: field.id, part: column.part }, column));
    // That of the version: the currency of another record isn't kept.
    let shared = field.currency.as_ref().and_then(|way| way.first()).map(|currency| {
        let column = &builder.model.field(at.collection, *currency).columns[0];
        (ColumnRef::main(*currency), column)
    });
    for (column, stored) in own.chain(shared) {
        let mut value = builder.stored(at, column);
        if column.field != field.id {
            value = only_where(builder.stored(at, ColumnRef::main(field.id)).is_not_null(), value);
        }
        let value = match &sees {
            Pred::Sql(sees) => only_where(sees.clone(), value),
            Pred::Known(_) => value,
        };
        let kind = ColumnType::from(stored);
        places.push((columns.push(value, kind), kind));
    }
    // A reference is shown as its id.
    let scalar = match field.kind {
        FieldKind::ToOne { key, .. } => Some(Scalar::Id { form: key }),
        _ => field.answered_scalar(),
    };
    Some(HistoryField { name: field.name.as_str().into(), layout: FieldLayout::of(places, scalar), visible })
}

fn column_name(collection: &Collection, field: FieldId) -> &str {
    &collection.field(field).columns[0].name
}

/// What brings the versions of a type's records in step with the records as they are stored: those whose last version says
/// something else get another one, and so do those that have none.
///
/// # Panics
/// Panics if the collection has no history.
pub fn follow_records(model: &Model, collection: &Collection, followed: Followed, dialect: Dialect) -> Vec<Statement> {
    let history = collection.history.as_ref().expect("a type with a history is followed");
    let versions = model.collection(history.versions);
    let layout = versions.versions.as_ref().expect("a history is kept in a collection of versions");
    let follow = Follow { collection, versions, layout, dialect };
    match followed {
        Followed::Found => vec![follow.add(VersionChange::Found, None)],
        Followed::Migrated(now) => vec![follow.end(now), follow.add(VersionChange::Migrate, Some(now))],
    }
}

/// Why versions follow stored records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// There are none yet. The first ones count from when the records were changed last.
    Found,
    /// A migration that is applied at this moment may have given records other values.
    Migrated(Timestamp),
}

struct Follow<'m> {
    collection: &'m Collection,
    versions: &'m Collection,
    layout: &'m Versions,
    dialect: Dialect,
}

/// What the records and their versions are called in these statements.
const RECORDS: &str = "r";
const OTHERS: &str = "v";

impl Follow<'_> {
    /// Of each column whose values are kept: that of the records, and that of the versions.
    fn columns(&self) -> impl Iterator<Item = (&Column, &Column)> {
        let kept = self.collection.fields.iter().zip(&self.layout.fields);
        let kept = kept.filter_map(|(field, kept)| kept.map(|kept| (field, self.versions.field(kept))));
        kept.filter(|(field, _)| field.id != Collection::ID)
            .flat_map(|(field, kept)| field.columns.iter().zip(&kept.columns))
    }

    fn moment(&self, moment: Timestamp) -> Sql {
        let constant = self.dialect.constant(&Value::Timestamp(moment), Storage::Timestamp);
        constant.expect("a moment can be written out")
    }

    fn records(&self) -> SelectStatement {
        Query::select().from_as(name(written(self.collection)), name(RECORDS)).to_owned()
    }

    /// Ends the last versions of records that are others now.
    fn end(&self, now: Timestamp) -> Statement {
        let table = written(self.versions);
        let same = self.columns().map(|(of, kept)| {
            self.dialect.same(column(RECORDS, &of.name), column(table, &kept.name), ColumnType::from(of))
        });
        let same = same.reduce(ExprTrait::and).expect("every record has moments and a version");
        let mut changed = self.records();
        changed
            .expr(integer(1))
            .and_where(column(RECORDS, ID).eq(column(table, Versions::RECORD)))
            .and_where(same.not());
        let mut update = Query::update();
        update.table(name(table));
        update.value(name(Versions::UNTIL), self.moment(now)).value(name(Versions::ENDED), self.moment(now));
        update.and_where(Sql::col(name(Versions::UNTIL)).is_null()).and_where(Sql::exists(changed));
        raw(inline(&update, self.dialect))
    }

    /// Adds a version of each record that has no last one; from this moment, or from the last change of the record.
    fn add(&self, change: VersionChange, from: Option<Timestamp>) -> Statement {
        let (mut into, mut select) = (Vec::new(), self.records());
        let mut give = |column: &str, value: Sql| {
            into.push(name(column));
            select.expr(value);
        };
        give(ID, self.dialect.random_id());
        for (of, kept) in self.columns() {
            give(&kept.name, column(RECORDS, &of.name));
        }
        let updated_at = column(RECORDS, column_name(self.collection, Collection::UPDATED_AT));
        give(Versions::RECORD, column(RECORDS, ID));
        give(Versions::FROM, from.map_or(updated_at, |now| self.moment(now)));
        give(Versions::CHANGE, word(change.word()));
        give(Versions::BY_KIND, word(backstay_base::CallerKind::System.name()));
        let mut last = Query::select();
        last.expr(integer(1)).from_as(name(written(self.versions)), name(OTHERS));
        last.and_where(column(OTHERS, Versions::RECORD).eq(column(RECORDS, ID)));
        last.and_where(column(OTHERS, Versions::UNTIL).is_null());
        select.and_where(Sql::exists(last).not());
        let mut insert = Query::insert();
        insert.into_table(name(written(self.versions))).columns(into);
        let whole = insert.select_from(select).is_ok();
        assert!(whole, "one value per column");
        raw(inline(&insert, self.dialect))
    }
}
