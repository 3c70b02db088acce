//! Values within documents: members of embedded values, and the items of lists of them.

use backstay_base::KeyForm;
use std::sync::Arc;

use backstay_expr::{Holder, Within};
use backstay_scalar::{Held, Lookup, Part, Reading, Scalar, Step, Storage, Value};
use sea_query::extension::postgres::{PgBinOper, PgExpr};
use sea_query::{Expr as Sql, ExprTrait, Func, Query, SelectStatement};

use crate::dialect::{collate_c, postgres_type, taken_apart};
use crate::lower::{DocumentOf, Lowering};
use crate::operand::{Form, Val};
use crate::predicate::Pred;
use crate::tree::{call, cast, column, integer, name, only_where, subquery, word};
use crate::{Dialect, Slot};

/// The columns of the items of a list: the JSON of each, and its place.
const VALUE: &str = "value";
const PLACE: &str = "key";
/// What the items of a list go by where they are read.
const EACH: &str = "each";

/// The items of a list, in a SELECT of their own that is not written yet.
#[derive(Debug)]
pub(crate) struct Items {
    /// The list; null if there is none.
    pub(crate) list: Sql,
    pub(crate) frame: usize,
    pub(crate) alias: Arc<str>,
    /// Who has the list.
    pub(crate) of: DocumentOf,
}

impl Items {
    /// What the items are ordered by in the list.
    pub(crate) fn place(alias: &str) -> Sql {
        column(alias, PLACE)
    }
}

impl Lowering<'_, '_, '_> {
    /// The items of a list; `None` if it is certain that there is none.
    pub(crate) fn items(&mut self, list: &Within) -> Option<Items> {
        let of = self.document_of(&list.of);
        let list = self.within(list);
        if list.is_null() {
            return None;
        }
        let list = list.settled();
        let rows = self.builder.dialect.items(list.clone());
        let (frame, alias) = self.builder.select(rows);
        Some(Items { list, frame, alias, of })
    }

    /// A value within a document.
    pub(crate) fn within(&mut self, within: &Within) -> Val {
        let document = self.document(&within.of);
        let is_whole = matches!(within.lookup.held, Held::Json | Held::Free(Reading::Json));
        if document.is_null() || (within.lookup.steps.is_empty() && is_whole && is_field(&within.of)) {
            return document;
        }
        let Val { sql: document, guards, .. } = document;
        let dialect = self.builder.dialect;
        let sql = match (dialect, within.lookup.held) {
            (Dialect::Sqlite, Held::Free(_) | Held::FreeList(_) | Held::One(_) | Held::List(_) | Held::Json) => {
                let lookup = self.lookup(&within.lookup);
                call("within", [document, lookup])
            }
            (Dialect::Postgres, Held::Free(Reading::Text)) => {
                collate_c(call(read(Reading::Text), [self.free(document, &within.lookup)]))
            }
            (Dialect::Postgres, Held::Free(reading)) => call(read(reading), [self.free(document, &within.lookup)]),
            (Dialect::Postgres, Held::FreeList(reading)) => {
                call(read_each(reading), [self.free(document, &within.lookup)])
            }
            (Dialect::Postgres, Held::One(_) | Held::List(_) | Held::Json) => looked_up(document, &within.lookup),
        };
        let form = match (dialect, within.lookup.held.storage(), within.lookup.held) {
            (Dialect::Sqlite, Storage::Decimal { scale }, Held::One(_))
                if within.lookup.part != Some(Part::Currency) =>
            {
                Form::Scaled(scale)
            }
            (Dialect::Sqlite, _, Held::Free(Reading::Number)) => Form::Key,
            (Dialect::Sqlite | Dialect::Postgres, _, _) => Form::Column,
        };
        Val { sql, guards, form }
    }

    /// SQLite: a document and what to look up in it, as functions take them, and what must be true to look; `None` if it is
    /// certain that there is no document.
    pub(crate) fn looked_into(&mut self, within: &Within) -> Option<([Sql; 2], Vec<Pred>)> {
        let document = self.document(&within.of);
        if document.is_null() {
            return None;
        }
        let lookup = self.lookup(&within.lookup);
        Some(([document.sql, lookup], document.guards))
    }

    fn document(&mut self, of: &Holder) -> Val {
        match of {
            Holder::Document(document) => self.value(document),
            Holder::Item(variable) => Val::plain(column(self.item_row(*variable), VALUE)),
        }
    }

    /// SQLite: what to look up. Clients choose the names in `JSON` fields, which therefore aren't written into the statement.
    fn lookup(&mut self, lookup: &Lookup) -> Sql {
        let text = lookup.to_string();
        match lookup.held.is_free() {
            true => self.builder.slot(Slot::Constant(Value::text(text)), Storage::Text),
            false => word(&text),
        }
    }

    /// PostgreSQL: what is at a place of a document that clients choose.
    fn free(&mut self, document: Sql, lookup: &Lookup) -> Sql {
        lookup.steps.iter().fold(document, |at, step| {
            let step = match step {
                Step::Member(name) => self.builder.slot(Slot::Constant(Value::Text(Arc::clone(name))), Storage::Text),
                Step::Element(place) => integer((*place).into()),
            };
            at.binary(PgBinOper::GetJsonField, step)
        })
    }
}

fn is_field(of: &Holder) -> bool {
    match of {
        Holder::Document(_) => true,
        Holder::Item(_) => false,
    }
}

/// PostgreSQL: the function of the store's that reads a value which can be anything.
fn read(reading: Reading) -> &'static str {
    match reading {
        Reading::Json => "backstay_json",
        Reading::Text => "backstay_json_text",
        Reading::Number => "backstay_json_number",
        Reading::Int => "backstay_json_int",
        Reading::Float => "backstay_json_float",
        Reading::Boolean => "backstay_json_boolean",
        Reading::DateTime => "backstay_json_moment",
        Reading::Date => "backstay_json_date",
        Reading::Id => "backstay_json_id",
    }
}

/// PostgreSQL: the function of the store's that reads the elements of an array.
fn read_each(reading: Reading) -> &'static str {
    match reading {
        Reading::Json => "backstay_json_list",
        Reading::Text => "backstay_json_texts",
        Reading::Number => "backstay_json_numbers",
        Reading::Int => "backstay_json_ints",
        Reading::Float => "backstay_json_floats",
        Reading::Boolean => "backstay_json_booleans",
        Reading::DateTime => "backstay_json_moments",
        Reading::Date => "backstay_json_dates",
        Reading::Id => "backstay_json_ids",
    }
}

impl Dialect {
    /// The items of a list of embedded values: a row each.
    fn items(self, list: Sql) -> SelectStatement {
        let mut items = Query::select();
        match self {
            Self::Sqlite => {
                items.column(name(PLACE)).column(name(VALUE));
                items.from_function(Func::cust("json_each").arg(taken_apart(list)), name(EACH));
            }
            Self::Postgres => {
                items.expr_as(Sql::cust("row_number() OVER ()"), name(PLACE)).column(name(VALUE));
                items.from_function(Func::cust("json_array_elements").arg(list), name(EACH));
            }
        }
        items
    }
}

/// PostgreSQL: a value within a document, in the form of a column that holds it.
fn looked_up(document: Sql, lookup: &Lookup) -> Sql {
    let step = |at: Sql, step: &Step| at.get_json_field(key(step));
    let text = |at: Sql, name: &str| at.cast_json_field(word(name));
    match (lookup.held, lookup.steps.split_last()) {
        (Held::One(Scalar::Money), _) => {
            let money = lookup.steps.iter().fold(document, step);
            match lookup.part {
                Some(Part::Currency) => value_of(text(money, "currency"), Scalar::Currency),
                Some(Part::Main) | None => cast(text(money, "amount"), "numeric"),
            }
        }
        (Held::One(scalar), Some((last, before))) => {
            value_of(before.iter().fold(document, step).cast_json_field(key(last)), scalar)
        }
        (Held::One(_), None) => unreachable!("a scalar never holds a document"),
        (Held::Json, _) => {
            let at = lookup.steps.iter().fold(document, step);
            only_where(call("json_typeof", [at.clone()]).ne(word("null")), at)
        }
        (Held::List(element), _) => {
            let at = lookup.steps.iter().fold(document, step);
            only_where(call("json_typeof", [at.clone()]).eq(word("array")), list_of(at, element))
        }
        (Held::Free(_) | Held::FreeList(_), _) => unreachable!("what clients choose is read by functions"),
    }
}

/// A step to a member of an embedded value, or to a place in an array.
fn key(step: &Step) -> Sql {
    match step {
        Step::Member(name) => word(name),
        Step::Element(place) => integer((*place).into()),
    }
}

/// PostgreSQL: the value of a scalar that this text is in a document.
fn value_of(text: Sql, scalar: Scalar) -> Sql {
    match scalar.storage() {
        Storage::Int if scalar == Scalar::Duration => call("backstay_duration", [text]),
        Storage::Text | Storage::Id(KeyForm::Text) => collate_c(text),
        Storage::Bytes => call("decode", [text, word("base64")]),
        storage @ (Storage::Bool
        | Storage::Int
        | Storage::Float
        | Storage::Decimal { .. }
        | Storage::Id(KeyForm::Uuid | KeyForm::Int)
        | Storage::Timestamp
        | Storage::Date
        | Storage::Json) => cast(text, postgres_type(storage.into())),
    }
}

/// PostgreSQL: a list in a document as a column holds one.
fn list_of(list: Sql, element: Scalar) -> Sql {
    let storage = element.storage();
    let is_written_alike = match storage {
        Storage::Int => element != Scalar::Duration,
        Storage::Bool | Storage::Float | Storage::Text | Storage::Id(_) | Storage::Date | Storage::Json => true,
        Storage::Decimal { .. } | Storage::Timestamp | Storage::Bytes => false,
    };
    if is_written_alike {
        return cast(list, "jsonb");
    }
    let value = Dialect::Postgres.list_element(value_of(Sql::col(name(VALUE)), element), storage);
    let elements = call("jsonb_agg", [call("to_jsonb", [value])]);
    let mut select = Query::select();
    select.expr(call("coalesce", [elements, cast(word("[]"), "jsonb")]));
    select.from_function(Func::cust("json_array_elements_text").arg(list), name(EACH));
    subquery(select)
}
