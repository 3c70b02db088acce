//! Pages and nested rows, as both databases answer them.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_base::{Action, RecordId};
use backstay_model::{Collection, FieldId, FieldKind};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{
    Arguments, ColumnRef, ColumnType, Dialect, InnerSelection, MemberOutput, PageStart, Perspective, Planner, Position,
    ReadScope, ReadShape, Row, RowOutput, Selected, SelectedField, Selection, Slot, SortKey, ValueOutput, nested,
};

use crate::{Database, Setting, data, postgres, sqlite};

/// Runs a test on both databases.
fn on_both(test: impl Fn(&Setting, &mut dyn Database, Dialect)) {
    let setting = Setting::new("reads");
    test(&setting, &mut sqlite::Sqlite::with(&setting), Dialect::Sqlite);
    test(&setting, &mut postgres::Postgres::with(&setting), Dialect::Postgres);
}

fn select(fields: impl Iterator<Item = FieldId>) -> Vec<Selected> {
    fields.map(|field| Selected::Field(SelectedField::of(field))).collect()
}

fn expand(field: FieldId, inner: Vec<Selected>) -> Selected {
    let arguments = Arguments { limit: Some(10), ..Arguments::default() };
    let inner = Some(InnerSelection::Fields(Selection::parts(inner)));
    Selected::Field(SelectedField { arguments, inner, ..SelectedField::of(field) })
}

fn shape(collection: &Collection, selection: Vec<Selected>, scope: ReadScope) -> ReadShape {
    let (collection, selection) = (collection.id, Selection::parts(selection));
    ReadShape {
        action: Action::Read,
        perspective: Perspective::Live,
        collection,
        selection,
        first_param: 0,
        filter: None,
        search: None,
        scope,
    }
}

/// The order of two values; null comes last.
fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Float(left), Value::Float(right)) => left.total_cmp(right),
        (Value::Decimal(left), Value::Decimal(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Id(left), Value::Id(right)) => left.cmp(right),
        other => panic!("no order for {other:?}"),
    }
}

impl Setting {
    fn values(&self, id: RecordId) -> &[Value] {
        let records = &self.data.records;
        let item = data::item(&self.model).id;
        &records.iter().find(|record| record.0 == item && record.1 == id).expect("an item").2
    }

    fn ordered(&self, sort: &[SortKey]) -> Vec<RecordId> {
        let mut items = self.data.items.clone();
        let value = |id: &RecordId, key: &SortKey| match &self.values(*id)[usize::from(key.field().expect("a field").0)]
        {
            Value::Text(state) if **state == *"OPEN" => Value::Int(0),
            Value::Text(state) if **state == *"DONE" => Value::Int(1),
            value => value.clone(),
        };
        items.sort_by(|left, right| {
            let keys = sort.iter().map(|key| (compare(&value(left, key), &value(right, key)), key.descending));
            let last = (left.cmp(right), sort.last().is_some_and(|key| key.descending));
            let mut decided = keys.chain([last]).filter(|(ordering, _)| ordering.is_ne());
            decided.next().map_or(Ordering::Equal, |(ordering, down)| if down { ordering.reverse() } else { ordering })
        });
        items
    }

    /// Pages of one record each, one after the other; or from the last record one before the other.
    fn paged(
        &self,
        (database, dialect): (&mut dyn Database, Dialect),
        sort: &[SortKey],
        last: Option<RecordId>,
    ) -> Vec<RecordId> {
        let planner = Planner::new(Arc::clone(&self.model), dialect);
        let item = data::item(&self.model);
        let mut seen: Vec<RecordId> = last.into_iter().collect();
        loop {
            let cursor: Vec<Value> = seen.last().map_or(Vec::new(), |last| {
                let values = self.values(*last);
                let keys = sort.iter().map(|key| values[usize::from(key.field().expect("a field").0)].clone());
                keys.chain([Value::Id(*last)]).collect()
            });
            let place = || Position { nulls: cursor[..sort.len()].iter().map(Value::is_null).collect() };
            let start = match (cursor.is_empty(), last) {
                (true, _) => PageStart::First,
                (false, None) => PageStart::After(place()),
                (false, Some(_)) => PageStart::Before(place()),
            };
            let scope = ReadScope::Page { sort: sort.to_vec(), start };
            let plan = planner.read(&shape(item, select([Collection::ID].into_iter()), scope), &self.rights);
            let statement = plan.template.bind(|slot| match slot {
                Slot::Cursor(index) => cursor[usize::from(*index)].clone(),
                Slot::Limit => Value::Int(1),
                other => panic!("no value for {other:?}"),
            });
            let page: BTreeSet<RecordId> = database.ids(&statement).unwrap_or_else(|error| panic!("{error}"));
            match page.first() {
                Some(id) if seen.len() < 10 => seen.push(*id),
                _ => return seen,
            }
        }
    }
}

#[test]
fn pages_follow_each_other_whatever_is_null() {
    on_both(|setting, database, dialect| {
        let item = data::item(&setting.model);
        let key = |name: &str| {
            let (descending, name) = name.strip_prefix('-').map_or((false, name), |name| (true, name));
            SortKey::of(ColumnRef::main(item.field_named(name).expect("a field").id), descending)
        };
        let orders: [&[&str]; 14] = [
            &[],
            &["id"],
            &["-id"],
            &["createdAt"],
            &["-version", "-createdAt"],
            &["version", "-createdAt"],
            &["at"],
            &["-at"],
            &["title", "-number"],
            &["flag", "ratio"],
            &["-flag", "day"],
            &["state", "-price"],
            &["-owner", "number"],
            &["version", "fine", "-state"],
        ];
        for order in orders {
            let sort: Vec<SortKey> = order.iter().map(|name| key(name)).collect();
            let mut expected = setting.ordered(&sort);
            assert_eq!(setting.paged((database, dialect), &sort, None), expected, "{dialect:?} {order:?}");
            expected.reverse();
            let back = setting.paged((database, dialect), &sort, expected.first().copied());
            assert_eq!(back, expected, "{dialect:?} {order:?}, backward");
        }
    });
}

/// The types with a name, whose records are read together.
const NAMED: [&str; 3] = ["Person", "Team", "Tag"];

/// The records of several types, all their fields selected, in pages of one record each.
fn paged_together(
    setting: &Setting,
    (database, dialect): (&mut dyn Database, Dialect),
    order: &[(&str, bool)],
) -> Vec<RecordId> {
    let planner = Planner::new(Arc::clone(&setting.model), dialect);
    let types = NAMED.map(|name| setting.model.collection_named(name).expect("a collection"));
    let mut seen: Vec<RecordId> = Vec::new();
    loop {
        let cursor: Vec<Value> = seen.last().map_or(Vec::new(), |last| {
            let keys = order.iter().map(|(name, _)| setting.value_of(*last, name));
            keys.chain([Value::Id(*last)]).collect()
        });
        let of_type = |of: &&Collection| {
            let key = |(name, descending): &(&str, bool)| {
                let column = ColumnRef::main(of.field_named(name).expect("a field").id);
                SortKey::of(column, *descending)
            };
            let nulls = || cursor[..order.len()].iter().map(Value::is_null).collect();
            let after = (!cursor.is_empty()).then(|| Position { nulls: nulls() });
            let scope = ReadScope::Page {
                sort: order.iter().map(key).collect(),
                start: after.map_or(PageStart::First, PageStart::After),
            };
            ReadShape { selection: Selection::Whole, ..shape(of, Vec::new(), scope) }
        };
        let shapes: Vec<ReadShape> = types.iter().map(of_type).collect();
        let plan = planner.read_together(&shapes, &setting.rights);
        let statement = plan.template.bind(|slot| match slot {
            Slot::Cursor(index) => cursor[usize::from(*index)].clone(),
            Slot::Limit => Value::Int(1),
            other => panic!("no value for {other:?}"),
        });
        let page = database.ids_in(&statement, plan.cursor.len() - 1).unwrap_or_else(|error| panic!("{error}"));
        match page.first() {
            Some(id) if seen.len() < 30 => seen.push(*id),
            _ => return seen,
        }
    }
}

impl Setting {
    fn value_of(&self, id: RecordId, field: &str) -> Value {
        let record = self.data.records.iter().find(|record| record.1 == id).expect("a record");
        let field = self.model.collection(record.0).field_named(field).expect("a field").id;
        record.2[usize::from(field.0)].clone()
    }
}

#[test]
fn pages_of_several_types_follow_each_other() {
    on_both(|setting, database, dialect| {
        let ids =
            setting.data.records.iter().filter(|record| NAMED.contains(&&*setting.model.collection(record.0).name));
        let ids: Vec<RecordId> = ids.map(|record| record.1).collect();
        let orders: [&[(&str, bool)]; 5] =
            [&[], &[("name", false)], &[("name", true)], &[("createdAt", true), ("name", false)], &[("id", true)]];
        for order in orders {
            let mut expected = ids.clone();
            expected.sort_by(|left, right| {
                let keys = order.iter().map(|(name, descending)| {
                    (compare(&setting.value_of(*left, name), &setting.value_of(*right, name)), *descending)
                });
                let last = (left.cmp(right), order.last().is_some_and(|(_, descending)| *descending));
                let mut decided = keys.chain([last]).filter(|(ordering, _)| ordering.is_ne());
                decided.next().map_or(Ordering::Equal, |(found, down)| if down { found.reverse() } else { found })
            });
            let got = paged_together(setting, (database, dialect), order);
            assert_eq!(got, expected, "{dialect:?} {order:?}");
        }
    });
}

/// What a member of a nested row holds.
fn member(row: &dyn Row, value: &ValueOutput) -> Value {
    let at = |column: usize| row.value(column).expect("a value");
    match value {
        ValueOutput::Columns(columns, scalar) => {
            let parts: Vec<_> = columns.iter().map(|column| at(*column)).collect();
            scalar.load(&parts).expect("a value in several columns")
        }
        ValueOutput::Column { column, holds: ColumnType::List(element), .. } => match at(*column) {
            ValueRef::Nested(text) => Value::List(
                nested::elements(text, *element).map(|one| owned(one.expect("an element").value())).collect(),
            ),
            _ => Value::Null,
        },
        ValueOutput::Column { column, .. } => owned(at(*column)),
        ValueOutput::Rows { column, columns, element, .. } => match at(*column) {
            ValueRef::Nested(text) => Value::List(
                rows(text, columns, &element.members).into_iter().map(|row| Value::List(row.into())).collect(),
            ),
            other => panic!("no rows: {other:?}"),
        },
        ValueOutput::Object(_) | ValueOutput::OneOf(_) | ValueOutput::Document(_) | ValueOutput::Place { .. } => {
            panic!("no object and no place is selected")
        }
    }
}

fn rows(text: &str, columns: &[ColumnType], members: &[MemberOutput]) -> Vec<Vec<Value>> {
    let row = |row: nested::NestedRow<'_>| members.iter().map(|one| member(&row, &one.value)).collect();
    nested::Rows::parse(text, columns).map(|one| row(one.expect("a row"))).collect()
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Nested(_) => Value::Null,
        ValueRef::Bool(truth) => Value::Bool(truth),
        ValueRef::Int(number) => Value::Int(number),
        ValueRef::Float(number) => Value::Float(number),
        ValueRef::Decimal(number) => Value::Decimal(number),
        ValueRef::Text(text) => Value::text(text),
        ValueRef::Id(id) => Value::Id(id.into()),
        ValueRef::Timestamp(moment) => Value::Timestamp(moment),
        ValueRef::Date(date) => Value::Date(date),
        ValueRef::Json(text) => Value::Json(text.replace(' ', "").into()),
        ValueRef::Bytes(octets) => Value::Bytes(octets.into()),
    }
}

#[test]
fn nested_rows_hold_every_kind_of_value() {
    on_both(|setting, database, dialect| {
        let (item, team) = (data::item(&setting.model), setting.model.collection_named("Team").expect("a collection"));
        let stored = || item.fields.iter().filter(|field| field.is_stored()).map(|field| field.id);
        let mut selection = select(stored());
        let tags = item.field_named("tags").expect("a field");
        let FieldKind::ManyToMany { target, .. } = tags.kind else { panic!("tags are links") };
        let tag = setting.model.collection(target);
        let name = tag.field_named("name").expect("a field").id;
        selection.push(expand(tags.id, select([name].into_iter())));
        let items = team.field_named("items").expect("a field").id;
        let whole = vec![expand(items, selection)];

        let plan = Planner::new(Arc::clone(&setting.model), dialect)
            .read(&shape(team, whole, ReadScope::One), &setting.rights);
        let red = setting.data.records[2].1;
        let statement = plan.template.bind(|slot| match slot {
            Slot::Id => Value::Id(red),
            other => panic!("no value for {other:?}"),
        });
        let RowOutput::Record(output) = &plan.output else { panic!("a record of one type") };
        let ValueOutput::Rows { column, columns, element, .. } = &output.members[0].value else { panic!("rows") };
        let got = rows(&database.text(&statement, *column), columns, &element.members);

        let tagged =
            |names: &[&str]| Value::List(names.iter().map(|name| Value::List([Value::text(*name)].into())).collect());
        let of = |item: usize, names: &[&str]| -> Vec<Value> {
            let values = setting.values(setting.data.items[item]);
            let stored = stored().map(|field| values[usize::from(field.0)].clone());
            stored.chain([tagged(names)]).collect()
        };
        assert_eq!(got, [of(0, &["new", "old"]), of(3, &["new"])], "{dialect:?}");
    });
}
