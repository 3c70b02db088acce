//! Values within documents: members of embedded values, and the items of lists of them.

use backstay_base::KeyForm;
use std::sync::Arc;

use backstay_expr::{Holder, Within};
use backstay_scalar::{Held, Lookup, Part, Scalar, Storage};
use sea_query::extension::postgres::PgExpr;
use sea_query::{Expr as Sql, ExprTrait, Func, Query, SelectStatement};

use crate::Dialect;
use crate::dialect::{collate_c, metered, postgres_type};
use crate::lower::Lowering;
use crate::operand::{Form, Val};
use crate::tree::{call, cast, column, name, only_where, subquery, word};

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
        let list = self.within(list);
        if list.is_null() {
            return None;
        }
        let list = list.settled();
        let rows = self.builder.dialect.items(list.clone());
        let (frame, alias) = self.builder.select(rows);
        Some(Items { list, frame, alias })
    }

    /// A value within a document.
    pub(crate) fn within(&mut self, within: &Within) -> Val {
        let (document, guards) = match &within.of {
            Holder::Document(document) => {
                let document = self.value(document);
                if document.is_null() || (within.lookup.names.is_empty() && within.lookup.held == Held::Json) {
                    return document;
                }
                (document.sql, document.guards)
            }
            Holder::Item(variable) => (column(self.item_row(*variable), VALUE), Vec::new()),
        };
        let dialect = self.builder.dialect;
        let sql = match dialect {
            Dialect::Sqlite => call("within", [document, word(&within.lookup.to_string())]),
            Dialect::Postgres => looked_up(document, &within.lookup),
        };
        let form = match (dialect, within.lookup.held.storage(), within.lookup.held) {
            (Dialect::Sqlite, Storage::Decimal { scale }, Held::One(_))
                if within.lookup.part != Some(Part::Currency) =>
            {
                Form::Scaled(scale)
            }
            (Dialect::Sqlite | Dialect::Postgres, _, _) => Form::Column,
        };
        Val { sql, guards, form }
    }
}

impl Dialect {
    /// The items of a list of embedded values: a row each.
    fn items(self, list: Sql) -> SelectStatement {
        let mut items = Query::select();
        match self {
            Self::Sqlite => {
                items.column(name(PLACE)).column(name(VALUE));
                items.from_function(Func::cust("json_each").arg(metered(list)), name(EACH));
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
    let step = |at: Sql, name: &Arc<str>| at.get_json_field(word(name));
    let text = |at: Sql, name: &str| at.cast_json_field(word(name));
    match (lookup.held, lookup.names.split_last()) {
        (Held::One(Scalar::Money), _) => {
            let money = lookup.names.iter().fold(document, step);
            match lookup.part {
                Some(Part::Currency) => value_of(text(money, "currency"), Scalar::Currency),
                Some(Part::Main) | None => cast(text(money, "amount"), "numeric"),
            }
        }
        (Held::One(scalar), Some((last, before))) => value_of(text(before.iter().fold(document, step), last), scalar),
        (Held::One(_), None) => unreachable!("a scalar never holds a document"),
        (Held::Json, _) => {
            let at = lookup.names.iter().fold(document, step);
            only_where(call("json_typeof", [at.clone()]).ne(word("null")), at)
        }
        (Held::List(element), _) => {
            let at = lookup.names.iter().fold(document, step);
            only_where(call("json_typeof", [at.clone()]).eq(word("array")), list_of(at, element))
        }
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
