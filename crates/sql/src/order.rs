mod siblings;

use std::borrow::Cow;
use std::sync::Arc;

use backstay_base::{Action, limits};
use backstay_expr::Rights;
use backstay_model::{Collection, Field, FieldKind, Link, Model, Toward};
use backstay_scalar::{Part, Storage, Value};
use sea_query::{Expr as Sql, ExprTrait, SelectStatement};

use crate::builder::{Anchor, Builder, Record};
use crate::columns::Columns;
use crate::computed;
use crate::expressions::Reader;
use crate::lower::shows;
use crate::param::Encoding;
use crate::predicate::Pred;
use crate::tree::{column, only_where};
use crate::{Arguments, ColumnRef, ColumnType, Derived, Dialect, Position, Slot, SortBy, SortKey, ValueKind, search};

/// The order of a page: the sort keys as the caller sees them, then the id.
#[derive(Debug)]
pub(crate) struct PageOrder {
    keys: Vec<Key>,
}

/// The order of a nested list: the one that the caller asks for, or else the one that the model gives it, without the fields
/// that callers of this class never see.
pub(crate) fn of_list<'s>(field: &Field, asked: &'s Arguments, rights: &Rights) -> Cow<'s, [SortKey]> {
    let Some(target) = field.kind.target().filter(|_| asked.sort.is_empty()) else { return (&*asked.sort).into() };
    let mut keys = SortKey::of_list(field).to_vec();
    if !asked.have_places() {
        keys.retain(|key| key.field().is_none_or(|field| rights.may_see(target, field)));
    }
    keys.into()
}

/// The places of the links by which a nested list is ordered, or those of the records in their tree, if the caller asks for
/// no order.
pub(crate) fn places(
    builder: &mut Builder<'_>,
    (field, asked): (&Field, &[SortKey]),
    (member, reader): (&Anchor, Reader<'_>),
) -> Option<Sql> {
    match (&field.kind, &member.record) {
        (FieldKind::Lineage { toward, .. }, _) if asked.is_empty() => {
            let tree = builder.model.collection(member.collection).tree?;
            let order = tree.order.filter(|order| reader.rights.may_see(member.collection, *order));
            match (toward, order) {
                (Toward::Leaves, Some(order)) => Some(siblings::place(builder, (tree, order), member, reader)),
                (Toward::Root | Toward::Leaves, _) => Some(builder.stored(member, ColumnRef::main(tree.path))),
            }
        }
        (FieldKind::ManyToMany { link, .. }, Record::Linked(links, _)) if link.ordered && asked.is_empty() => {
            Some(column(links, Link::PLACE))
        }
        _ => None,
    }
}

/// A place in an order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'p> {
    /// The one that the request brings.
    OfRequest(&'p Position),
    /// One of the statement itself: the values of the keys.
    Constant(&'p [Value]),
}

impl Place<'_> {
    /// Whether its value of a key is null. The id, which comes after the sort keys, never is.
    fn is_null(self, index: usize) -> bool {
        match self {
            Self::OfRequest(position) => position.nulls.get(index).copied().unwrap_or(false),
            Self::Constant(values) => values.get(index).is_some_and(Value::is_null),
        }
    }

    /// Where its value of a key comes from.
    fn slot(self, index: usize) -> Slot {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "an order has few keys")]
            Self::OfRequest(_) => Slot::Cursor(index as u16),
            Self::Constant(values) => Slot::Constant(Part::Main.of(&values[index])),
        }
    }
}

/// One key of an order.
#[derive(Debug)]
struct Key {
    /// The value.
    sql: Sql,
    /// The names of the values of its enum in their order, if their texts have another.
    names: Option<Arc<[Arc<str>]>>,
    encoding: Encoding,
    nullable: bool,
    descending: bool,
    /// Whether an index can have the order, and the caller sees the column wherever they see the record.
    open: bool,
}

/// A column by which groups are ordered.
#[derive(Debug)]
pub(crate) struct GroupKeyColumn {
    pub(crate) sql: Sql,
    /// The names of the values of its enum in their order, if their texts have another.
    pub(crate) names: Option<Arc<[Arc<str>]>>,
    pub(crate) column: ColumnType,
    pub(crate) descending: bool,
}

impl PageOrder {
    pub(crate) fn new(builder: &mut Builder<'_>, sort: &[SortKey], record: &Anchor, reader: Reader<'_>) -> Self {
        let mut keys: Vec<Key> = sort.iter().map(|key| Key::new(builder, key, record, reader)).collect();
        let descending = sort.last().is_some_and(|key| key.descending);
        let (sql, encoding) = (builder.key(record), builder.key_storage(record).into());
        keys.push(Key { sql, names: None, encoding, nullable: false, descending, open: true });
        Self { keys }
    }

    /// The order of groups by these columns of what they come to.
    pub(crate) fn of_groups(keys: impl IntoIterator<Item = GroupKeyColumn>) -> Self {
        let key = |key: GroupKeyColumn| {
            let GroupKeyColumn { sql, names, column, descending } = key;
            Key { sql, names, encoding: column.into(), nullable: true, descending, open: false }
        };
        Self { keys: keys.into_iter().map(key).collect() }
    }

    /// The same for records with equal places: those with a lesser one come first.
    pub(crate) fn within_places(mut self, place: Sql) -> Self {
        // Such a list has no places, which alone would need the type.
        let encoding = Storage::Int.into();
        self.keys.insert(0, Key { sql: place, names: None, encoding, nullable: false, descending: false, open: false });
        self
    }

    /// The same from the last record to the first.
    pub(crate) fn reversed(mut self) -> Self {
        for key in &mut self.keys {
            key.descending = !key.descending;
        }
        self
    }

    /// The same, which no index of the database has.
    pub(crate) fn kept_from_indexes(mut self, dialect: Dialect) -> Self {
        for key in &mut self.keys {
            key.sql = dialect.kept_from_indexes(key.sql.clone());
        }
        self
    }

    /// The same with keys that are null in other records which are ordered together with these.
    pub(crate) fn with_nulls(mut self, nullable: &[bool]) -> Self {
        for (key, nullable) in self.keys.iter_mut().zip(nullable) {
            key.nullable |= nullable;
        }
        self
    }

    /// Of each key whether it can be null.
    pub(crate) fn nullable(&self) -> impl Iterator<Item = bool> {
        self.keys.iter().map(|key| key.nullable)
    }

    /// The values of the keys, which are those of a cursor.
    pub(crate) fn values(&self) -> impl Iterator<Item = (Sql, ColumnType)> {
        self.keys.iter().map(|key| (key.sql.clone(), key.encoding.column()))
    }

    /// Orders a SELECT over several that have the values of the keys in these columns.
    pub(crate) fn write_merged(
        &self,
        builder: &Builder<'_>,
        select: &mut SelectStatement,
        value: impl Fn(usize) -> Sql,
    ) {
        let dialect = builder.dialect;
        for (index, key) in self.keys.iter().enumerate() {
            let value = key.in_order(value(index), dialect);
            let value = dialect.comparable(value, key.names.is_none().then(|| key.encoding.column()));
            dialect.order(select, value, key.descending, key.nullable);
        }
    }

    /// Orders a SELECT.
    pub(crate) fn write(&self, builder: &Builder<'_>, select: &mut SelectStatement) {
        for key in &self.keys {
            builder.dialect.order(select, key.ordered(builder.dialect), key.descending, key.nullable);
        }
    }

    /// Whether an index can find what comes after a place, and everyone of the caller's class sees the columns of all keys
    /// in every record that they see.
    pub(crate) fn is_open(&self) -> bool {
        self.keys.iter().all(|key| key.open)
    }

    /// The columns that hold the values of a cursor.
    pub(crate) fn cursor(&self, columns: &mut Columns) -> Vec<usize> {
        self.keys.iter().map(|key| columns.push(key.sql.clone(), key.encoding.column())).collect()
    }

    /// What comes after a place. Null is greater than every value.
    pub(crate) fn after(&self, builder: &mut Builder<'_>, place: Place<'_>) -> Sql {
        let keys = &self.keys;
        let simple = keys.iter().all(|key| !key.nullable && key.descending == keys[0].descending);
        if simple && keys.len() > 1 {
            let left: Vec<Sql> = keys.iter().map(|key| key.ordered(builder.dialect)).collect();
            let right: Vec<Sql> = (0..keys.len()).map(|index| self.value_at(builder, place, index)).collect();
            let (left, right) = (Sql::tuple(left), Sql::tuple(right));
            return if keys[0].descending { left.lt(right) } else { left.gt(right) };
        }
        let rest = self.after_from(builder, place, 0);
        let first = &keys[0];
        // A bound on the first key alone, which an index can use.
        let bound = match (first.descending, first.nullable, place.is_null(0)) {
            _ if keys.len() == 1 => None,
            (true, _, false) => Some(first.ordered(builder.dialect).lte(self.value_at(builder, place, 0))),
            (false, false, false) => Some(first.ordered(builder.dialect).gte(self.value_at(builder, place, 0))),
            (false, true, _) | (true, _, true) | (false, false, true) => None,
        };
        Pred::all(bound.into_iter().map(Pred::Sql).chain([rest])).sql()
    }

    /// What comes after the place, of records that are level with it in the keys before `index`.
    fn after_from(&self, builder: &mut Builder<'_>, place: Place<'_>, index: usize) -> Pred {
        let Some(key) = self.keys.get(index) else { return Pred::Known(false) };
        let null = place.is_null(index) && key.nullable;
        let dialect = builder.dialect;
        let (sql, ordered) = (|| key.sql.clone(), || key.ordered(dialect));
        let (beyond, level) = match (null, key.descending) {
            (true, true) => (Pred::Sql(sql().is_not_null()), Pred::Sql(sql().is_null())),
            (true, false) => (Pred::Known(false), Pred::Sql(sql().is_null())),
            (false, true) => (Pred::Sql(ordered().lt(self.value_at(builder, place, index))), Pred::Known(true)),
            (false, false) => {
                let greater = Pred::Sql(ordered().gt(self.value_at(builder, place, index)));
                let null = if key.nullable { Pred::Sql(sql().is_null()) } else { Pred::Known(false) };
                (Pred::any([greater, null]), Pred::Known(true))
            }
        };
        if index + 1 == self.keys.len() {
            return beyond;
        }
        let level = if null { level } else { Pred::Sql(ordered().eq(self.value_at(builder, place, index))) };
        let rest = self.after_from(builder, place, index + 1);
        Pred::any([beyond, Pred::all([level, rest])])
    }

    /// The place's value of a key.
    fn value_at(&self, builder: &mut Builder<'_>, place: Place<'_>, index: usize) -> Sql {
        assert!(self.keys.len() <= limits::SORT_FIELDS + limits::GROUP_KEYS, "an order has few keys");
        let key = &self.keys[index];
        let value = builder.slot(place.slot(index), key.encoding);
        key.in_order(value, builder.dialect)
    }
}

/// The names of the values of a field in their order, if it is of an enum whose texts have another: no index has it.
pub(crate) fn names(model: &Model, kind: &FieldKind) -> Option<Arc<[Arc<str>]>> {
    match kind {
        FieldKind::Enum(id) => model.enumeration(*id).order(),
        FieldKind::Scalar(_)
        | FieldKind::List(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => None,
    }
}

impl Key {
    /// What orders the records.
    fn ordered(&self, dialect: Dialect) -> Sql {
        self.in_order(self.sql.clone(), dialect)
    }

    /// What orders a value of the key.
    fn in_order(&self, value: Sql, dialect: Dialect) -> Sql {
        match &self.names {
            Some(names) => dialect.ordinal(value, names),
            None => value,
        }
    }

    /// A computed field, null where the caller does not see it. No index has it: what compares with it belongs behind the
    /// rule of the rows.
    fn computed(builder: &mut Builder<'_>, field: &Field, record: &Anchor, reader: Reader<'_>) -> Self {
        let sees = shows(builder, reader.rights.field(record.collection, field.id, Action::Read), record);
        let mut columns = computed::computed(builder, (record.collection, field), record, reader);
        let (sql, kind) = columns.swap_remove(0);
        let sql = match sees {
            Pred::Known(true) => sql,
            sees => only_where(sees.sql(), sql),
        };
        let names = names(builder.model, &field.kind);
        Self { sql, names, encoding: kind.into(), nullable: true, descending: false, open: false }
    }

    /// What relations of the record lead to, null where the caller doesn't see the way.
    fn derived(builder: &mut Builder<'_>, value: &Derived, record: &Anchor, reader: Reader<'_>) -> Self {
        let mut columns = computed::derived(builder, value, record, reader);
        let (sql, kind) = columns.swap_remove(0);
        let names = match value.kind {
            ValueKind::Enum(id) => builder.model.enumeration(id).order(),
            ValueKind::Scalar(_) => None,
        };
        Self { sql, names, encoding: kind.into(), nullable: true, descending: false, open: false }
    }

    /// How well the record matches the search, which `search::restrict` has joined.
    fn rank(builder: &Builder<'_>) -> Self {
        let encoding = Encoding::Column(search::RANK_TYPE);
        Self { sql: builder.rank(), names: None, encoding, nullable: false, descending: false, open: false }
    }

    /// A column, null where the caller does not see it.
    fn new(builder: &mut Builder<'_>, key: &SortKey, record: &Anchor, reader: Reader<'_>) -> Self {
        let descending = key.descending;
        let column = match &key.by {
            SortBy::Column(column) => *column,
            SortBy::Derived(value) => return Self { descending, ..Self::derived(builder, value, record, reader) },
            SortBy::Rank => return Self { descending, ..Self::rank(builder) },
        };
        let field = column.field;
        let computed = builder.model.field(record.collection, field);
        if computed.is_computed() {
            return Self { descending, ..Self::computed(builder, computed, record, reader) };
        }
        let sql = builder.stored(record, column);
        let encoding = Encoding::Column(builder.column(record.collection, column).into());
        let of = builder.model.field(record.collection, field);
        // An older version can lack what a record must have.
        let required = of.required && !record.perspective.is_of_versions() || field <= Collection::VERSION;
        let names = names(builder.model, &of.kind);
        match shows(builder, reader.rights.field(record.collection, field, Action::Read), record) {
            Pred::Known(true) => {
                let open = names.is_none();
                Self { sql, names, encoding, nullable: !required, descending, open }
            }
            sees => Self { sql: only_where(sees.sql(), sql), names, encoding, nullable: true, descending, open: false },
        }
    }
}
