//! What the two databases write differently, one exhaustive `match` each. Differences that follow from how a database
//! represents numbers and lists are in the modules that they concern, as a `match` without `_` too.

use std::sync::Arc;

use backstay_base::{KeyForm, KeyRef, Timestamp};
use backstay_model::{Risk, Work, shortened};
use backstay_scalar::{Currency, Storage, Value};
use sea_query::{
    BinOper, CaseStatement, Expr as Sql, ExprTrait, Func, LockType, NullOrdering, Order, PostgresQueryBuilder, Query,
    QueryStatementWriter, SchemaStatementBuilder, SelectStatement, SqliteQueryBuilder, Values,
};

use crate::tree::{boolean, call, cast, integer, is_constant, name, word};
use crate::{ColumnType, decimal};

/// Which database a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.51.3 or later, STRICT tables.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

impl Dialect {
    /// The text of a statement and the values of its placeholders.
    pub(crate) fn build(self, statement: &impl QueryStatementWriter) -> (String, Values) {
        match self {
            Self::Sqlite => statement.build(SqliteQueryBuilder),
            Self::Postgres => statement.build(PostgresQueryBuilder),
        }
    }

    /// The text of a statement that makes or changes a table.
    pub(crate) fn schema(self, statement: &impl SchemaStatementBuilder) -> String {
        match self {
            Self::Sqlite => statement.to_string(SqliteQueryBuilder),
            Self::Postgres => statement.to_string(PostgresQueryBuilder),
        }
    }

    /// What bridging a difference can cost.
    pub fn risk(self, work: Work) -> Risk {
        match (self, work) {
            (_, Work::Nothing) | (Self::Postgres, Work::Renames) => Risk::Safe,
            // Indexes are built again under other names.
            (Self::Sqlite, Work::Renames) | (_, Work::Reads) => Risk::Locks,
            (_, Work::Writes) => Risk::Rewrites,
            (_, Work::Reveals) => Risk::Reveals,
            (_, Work::Deletes) => Risk::LosesData,
        }
    }

    /// The type of a stored column, as `CREATE TABLE` takes it.
    pub(crate) fn stored_type(self, column: ColumnType) -> String {
        match (self, column) {
            (Self::Postgres, ColumnType::One(Storage::Text | Storage::Id(KeyForm::Text))) => {
                "text COLLATE \"C\"".to_owned()
            }
            // Nineteen digits hold every scaled number that SQLite's 64 bits do.
            (Self::Postgres, ColumnType::One(Storage::Decimal { scale })) => format!("numeric(19, {scale})"),
            (Self::Postgres, column) => postgres_type(column).to_owned(),
            (Self::Sqlite, column) => sqlite_type(column).to_owned(),
        }
    }

    /// What follows the columns of a new table.
    pub(crate) fn table_options(self, row_id: bool) -> Option<&'static str> {
        match (self, row_id) {
            (Self::Sqlite, true) => Some("STRICT"),
            (Self::Sqlite, false) => Some("STRICT, WITHOUT ROWID"),
            (Self::Postgres, _) => None,
        }
    }

    /// Keeps other transactions from changing the rows of a table in a SELECT until this one ends. On SQLite one transaction
    /// writes at a time.
    pub(crate) fn hold(self, select: &mut SelectStatement, alias: &str) {
        match self {
            Self::Sqlite => {}
            // New references to the row don't wait for it.
            Self::Postgres => _ = select.lock_with_tables(LockType::NoKeyUpdate, [name(alias)]),
        }
    }

    /// Whether references are part of the table, and not added once all tables exist.
    pub(crate) fn references_in_table(self) -> bool {
        match self {
            Self::Sqlite => true,
            Self::Postgres => false,
        }
    }

    /// Whether a unique index can take two nulls for the same value. Where it can't, a second index does.
    pub(crate) fn has_nulls_not_distinct(self) -> bool {
        match self {
            Self::Sqlite => false,
            Self::Postgres => true,
        }
    }

    /// The name of a foreign key, where it needs one.
    pub(crate) fn foreign_key_name(self, table: &str, column: &str) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(shortened(format!("{table}_{column}_fkey"))),
        }
    }

    /// A placeholder for a value of this type.
    pub(crate) fn placeholder(self, marker: Sql, column: ColumnType) -> Sql {
        match (self, column) {
            (Self::Sqlite, _) => marker,
            (Self::Postgres, ColumnType::One(Storage::Text | Storage::Id(KeyForm::Text))) => {
                collate_c(cast(marker, "text"))
            }
            (Self::Postgres, column) => cast(marker, postgres_type(column)),
        }
    }

    /// Whether a column that holds a Boolean is true, or is false.
    pub(crate) fn is_truth(self, value: Sql, wanted: bool) -> Sql {
        match (self, wanted) {
            (Self::Sqlite, _) => value.eq(integer(i64::from(wanted))),
            (Self::Postgres, true) => value,
            (Self::Postgres, false) => value.not(),
        }
    }

    /// The unknown truth.
    pub(crate) fn unknown(self) -> Sql {
        match self {
            Self::Sqlite => Sql::null(),
            Self::Postgres => cast(Sql::null(), "boolean"),
        }
    }

    /// Whether two stored values of this type are the same, null among them.
    pub(crate) fn same(self, one: Sql, other: Sql, column: ColumnType) -> Sql {
        match self {
            Self::Sqlite => one.is(other),
            Self::Postgres => {
                let comparable = |value: Sql| match column {
                    // Documents have no equality there.
                    ColumnType::One(Storage::Json) | ColumnType::Nested => cast(value, "text"),
                    ColumnType::One(_) | ColumnType::List(_) => value,
                };
                comparable(one).binary(BinOper::Custom("IS NOT DISTINCT FROM"), comparable(other))
            }
        }
    }

    /// An id that nothing else has.
    pub(crate) fn random_id(self) -> Sql {
        match self {
            Self::Sqlite => call("randomblob", [integer(16)]),
            Self::Postgres => call("gen_random_uuid", []),
        }
    }

    /// Null, as a value of this type.
    pub(crate) fn null(self, column: ColumnType) -> Sql {
        match self {
            Self::Sqlite => Sql::null(),
            Self::Postgres => cast(Sql::null(), postgres_type(column)),
        }
    }

    /// The name of the type of floating-point numbers.
    pub(crate) fn float_type(self) -> &'static str {
        match self {
            Self::Sqlite => "real",
            Self::Postgres => "double precision",
        }
    }

    /// Octets and more octets as one value; both are stored octets or ids.
    pub(crate) fn octets(self, first: Sql, rest: Sql) -> Sql {
        let joined = first.binary(BinOper::Custom("||"), rest);
        match self {
            // There, what is joined is a text.
            Self::Sqlite => cast(joined, "BLOB"),
            Self::Postgres => joined,
        }
    }

    /// The octets of an id.
    pub(crate) fn octets_of_id(self, id: Sql) -> Sql {
        match self {
            Self::Sqlite => id,
            Self::Postgres => call("uuid_send", [id]),
        }
    }

    /// The one value where a condition is true, the other where it is false, else null. The condition is written once.
    pub(crate) fn choice(self, condition: Sql, (then, otherwise): (Sql, Sql)) -> Sql {
        let text = match self {
            Self::Sqlite => "CASE (?) WHEN TRUE THEN (?) WHEN FALSE THEN (?) END",
            Self::Postgres => "CASE ($1) WHEN TRUE THEN ($2) WHEN FALSE THEN ($3) END",
        };
        Sql::cust_with_exprs(text, [condition, then, otherwise])
    }

    /// The place of an enum's value among these names, the first of which is 0. The value is written once.
    pub(crate) fn ordinal(self, value: Sql, names: &[Arc<str>]) -> Sql {
        let value_of = match self {
            Self::Sqlite => "CASE (?)",
            Self::Postgres => "CASE ($1)",
        };
        let place = |(place, name): (usize, &Arc<str>)| format!(" WHEN '{name}' THEN {place}");
        let places: Vec<String> = names.iter().enumerate().map(place).collect();
        let text = format!("{value_of}{} END", places.concat());
        Sql::cust_with_expr(text, value)
    }

    /// How many digits after the point the amounts of a currency have. The currency is written once.
    pub(crate) fn unit_digits(self, currency: Sql) -> Sql {
        const USUAL: u32 = 2;
        let value_of = match self {
            Self::Sqlite => "CASE (?)",
            Self::Postgres => "CASE ($1)",
        };
        let others = Currency::all().filter(|currency| currency.digits() != USUAL);
        let others: Vec<String> = others.map(|of| format!(" WHEN '{of}' THEN {}", of.digits())).collect();
        let text = format!("{value_of}{} ELSE {USUAL} END", others.concat());
        Sql::cust_with_expr(text, currency)
    }

    /// Of a column of truths whether one is true, or whether all are; null where there is none that is known.
    pub(crate) fn any_or_all(self, truths: Sql, all: bool) -> Sql {
        match (self, all) {
            (Self::Sqlite, false) => call("max", [truths]),
            (Self::Sqlite, true) => call("min", [truths]),
            (Self::Postgres, false) => call("bool_or", [truths]),
            (Self::Postgres, true) => call("bool_and", [truths]),
        }
    }

    /// `text.startsWith(part)`.
    ///
    /// What SQLite calls here and below is the store's own: linear in the length of its arguments, and counted against
    /// the step budget. On PostgreSQL, `statement_timeout` can end a statement between two calls but not within one. All
    /// are linear there but `strpos` (Boyer-Moore-Horspool), whose worst case is the product of both lengths:
    /// `limits::FILTER_VALUE_BYTES` bounds it for parts that a caller sends.
    pub(crate) fn starts_with(self, text: Sql, part: Sql) -> Sql {
        match self {
            Self::Sqlite | Self::Postgres => call("starts_with", [text, part]),
        }
    }

    /// `text.endsWith(part)`.
    pub(crate) fn ends_with(self, text: Sql, part: Sql) -> Sql {
        match self {
            Self::Sqlite => call("ends_with", [text, part]),
            Self::Postgres => call("starts_with", [call("reverse", [text]), call("reverse", [part])]),
        }
    }

    /// `text.contains(part)`.
    pub(crate) fn contains(self, text: Sql, part: Sql) -> Sql {
        match self {
            Self::Sqlite => call("contains", [text, part]),
            Self::Postgres => call("strpos", [text, part]).gt(integer(0)),
        }
    }

    /// The number of a list's elements.
    pub(crate) fn list_size(self, list: Sql) -> Sql {
        match self {
            Self::Sqlite => call("json_array_length", [metered(list)]),
            Self::Postgres => call("jsonb_array_length", [list]),
        }
    }

    /// The number of a document's items, which is an array.
    pub(crate) fn document_size(self, document: Sql) -> Sql {
        match self {
            Self::Sqlite => self.list_size(document),
            Self::Postgres => call("json_array_length", [document]),
        }
    }

    /// The number of a text's characters.
    pub(crate) fn text_size(self, text: Sql) -> Sql {
        match self {
            Self::Sqlite => call("text_size", [text]),
            Self::Postgres => call("char_length", [text]),
        }
    }

    /// A text with its ASCII letters in lower case.
    pub(crate) fn ascii_lower(self, text: Sql) -> Sql {
        match self {
            Self::Sqlite => call("ascii_lower", [text]),
            Self::Postgres => call("lower", [collate_c(text)]),
        }
    }

    /// A text with its ASCII letters in upper case.
    pub(crate) fn ascii_upper(self, text: Sql) -> Sql {
        match self {
            Self::Sqlite => call("ascii_upper", [text]),
            Self::Postgres => call("upper", [collate_c(text)]),
        }
    }

    /// A condition that holds as before but cannot choose the index.
    pub(crate) fn kept_from_indexes(self, condition: Sql) -> Sql {
        match self {
            Self::Sqlite => Sql::cust_with_expr("+(?)", condition),
            Self::Postgres => condition,
        }
    }

    /// Orders by a key; null comes last from low to high and first from high to low.
    pub(crate) fn order(self, select: &mut SelectStatement, key: Sql, descending: bool, nullable: bool) {
        if is_constant(&key) {
            return;
        }
        let (order, nulls) = match descending {
            true => (Order::Desc, NullOrdering::First),
            false => (Order::Asc, NullOrdering::Last),
        };
        match self {
            Self::Sqlite if nullable => select.order_by_expr_with_nulls(key, order, nulls),
            // PostgreSQL orders nulls so by default, and an index serves the default alone.
            Self::Sqlite | Self::Postgres => select.order_by_expr(key, order),
        };
    }

    /// A value of this type that comes from a union, as it is compared and ordered; of `None` there is nothing to say. The
    /// operands of a union can have texts of different collations.
    pub(crate) fn comparable(self, value: Sql, column: Option<ColumnType>) -> Sql {
        match (self, column) {
            (Self::Postgres, Some(ColumnType::One(Storage::Text))) => collate_c(value),
            (Self::Sqlite | Self::Postgres, _) => value,
        }
    }

    /// The ids in a list, one a row, in a column of this name.
    pub(crate) fn ids_of(self, (list, form): (Sql, KeyForm), column: &str) -> SelectStatement {
        let value = Sql::col("value");
        let (function, id) = match (self, form) {
            (Self::Sqlite, KeyForm::Uuid) => ("json_each", call("unhex", [value])),
            (Self::Sqlite, KeyForm::Int | KeyForm::Text) => ("json_each", value),
            (Self::Postgres, KeyForm::Text) => ("jsonb_array_elements_text", collate_c(value)),
            (Self::Postgres, KeyForm::Uuid | KeyForm::Int) => {
                ("jsonb_array_elements_text", cast(value, postgres_type(Storage::Id(form).into())))
            }
        };
        let mut ids = Query::select();
        ids.expr_as(id, name(column)).from_function(Func::cust(function).arg(list), name("ids"));
        ids
    }

    /// A row of these columns in the nested form.
    pub(crate) fn nested_row(self, columns: Vec<Sql>) -> Sql {
        match self {
            Self::Sqlite => call("json_array", columns),
            Self::Postgres => call("json_build_array", columns),
        }
    }

    /// The rows of a subquery as one array.
    pub(crate) fn array_of(self, row: Sql) -> Sql {
        match self {
            Self::Sqlite => call("json_group_array", [row]),
            Self::Postgres => call("coalesce", [call("json_agg", [row]), cast(word("[]"), "json")]),
        }
    }

    /// A column's value in the nested form: see module `nested`.
    pub(crate) fn nested_value(self, value: Sql, column: ColumnType) -> Sql {
        match (self, column) {
            (Self::Sqlite, ColumnType::One(Storage::UUID | Storage::Bytes)) => call("hex", [value]),
            (Self::Sqlite, ColumnType::Nested) => call("json", [value]),
            (Self::Sqlite, ColumnType::One(Storage::Float)) => {
                let text = call("printf", [word("%!.17g"), value.clone()]);
                CaseStatement::new().case(value.is_not_null(), text).into()
            }
            (Self::Postgres, ColumnType::One(Storage::Timestamp)) => epoch_micros(value),
            (Self::Postgres, ColumnType::One(Storage::Bytes)) => call("encode", [value, word("hex")]),
            (Self::Postgres, ColumnType::One(Storage::Json) | ColumnType::List(_)) => cast(value, "text"),
            (Self::Sqlite | Self::Postgres, _) => value,
        }
    }

    /// A column of a result, as it leaves the database.
    pub(crate) fn result(self, value: Sql, column: ColumnType) -> Sql {
        match (self, column) {
            (Self::Postgres, ColumnType::Nested) => cast(value, "text"),
            (Self::Sqlite | Self::Postgres, _) => value,
        }
    }

    /// A value as an element of a stored list is written.
    pub(crate) fn list_element(self, value: Sql, storage: Storage) -> Sql {
        match (self, storage) {
            // hex(null) is an empty text.
            (Self::Sqlite, Storage::UUID | Storage::Bytes) => call("nullif", [call("hex", [value]), word("")]),
            (Self::Postgres, Storage::Bytes) => call("encode", [value, word("hex")]),
            (Self::Postgres, Storage::Timestamp) => epoch_micros(value),
            (Self::Postgres, Storage::Text | Storage::Id(KeyForm::Text)) => cast(value, "text"),
            (Self::Sqlite | Self::Postgres, _) => value,
        }
    }

    /// A value in the text of a statement, as a column's default; `None` where it is none of its class.
    pub(crate) fn constant(self, value: &Value, storage: Storage) -> Option<Sql> {
        Some(match (value, self) {
            (Value::Bool(truth), Self::Sqlite) => integer(i64::from(*truth)),
            (Value::Bool(truth), Self::Postgres) => boolean(*truth),
            (Value::Int(number), _) => integer(*number),
            (Value::Float(number), _) => Sql::Constant((*number).into()),
            (Value::Text(text) | Value::Json(text), _) => word(text),
            (Value::Decimal(number), Self::Sqlite) => {
                let Storage::Decimal { scale } = storage else { return None };
                integer(decimal::scaled(*number, u32::from(scale))?)
            }
            (Value::Decimal(number), Self::Postgres) => cast(word(&number.to_string()), "numeric"),
            (Value::Timestamp(moment), Self::Sqlite) => integer(moment.micros()),
            (Value::Timestamp(moment), Self::Postgres) => cast(word(&moment.to_string()), "timestamptz"),
            (Value::Date(date), _) => word(&date.to_string()),
            (Value::Id(id), _) => match (id.key(), self) {
                (KeyRef::Uuid(uuid), Self::Sqlite) => Sql::Constant(uuid.to_vec().into()),
                (KeyRef::Uuid(_), Self::Postgres) => cast(word(&id.to_string()), "uuid"),
                (KeyRef::Int(number), _) => integer(number),
                (KeyRef::Text(text), _) => word(text),
            },
            (Value::Duration(length), _) => integer(length.micros()),
            (Value::Bytes(octets), _) => Sql::Constant(octets.to_vec().into()),
            (Value::Null | Value::Money(_) | Value::List(_), _) => return None,
        })
    }
}

/// The type of a parameter or a column on PostgreSQL.
pub(crate) fn postgres_type(column: ColumnType) -> &'static str {
    match column {
        ColumnType::One(Storage::Bool) => "boolean",
        ColumnType::One(Storage::Int | Storage::Id(KeyForm::Int)) => "bigint",
        ColumnType::One(Storage::Float) => "double precision",
        ColumnType::One(Storage::Decimal { .. }) => "numeric",
        ColumnType::One(Storage::Text | Storage::Id(KeyForm::Text)) => "text",
        ColumnType::One(Storage::UUID) => "uuid",
        ColumnType::One(Storage::Timestamp) => "timestamptz",
        ColumnType::One(Storage::Date) => "date",
        // `jsonb` would lose how numbers are written and the order of members.
        ColumnType::One(Storage::Json) | ColumnType::Nested => "json",
        ColumnType::List(_) => "jsonb",
        ColumnType::One(Storage::Bytes) => "bytea",
    }
}

/// SQLite: a value that no column with values of this type holds.
pub(crate) fn no_value(column: ColumnType) -> Sql {
    match sqlite_type(column) {
        "BLOB" => word(""),
        _ => Sql::Constant(Vec::<u8>::new().into()),
    }
}

/// The type of a column on SQLite.
fn sqlite_type(column: ColumnType) -> &'static str {
    match column {
        ColumnType::One(
            Storage::Bool | Storage::Int | Storage::Timestamp | Storage::Decimal { .. } | Storage::Id(KeyForm::Int),
        ) => "INTEGER",
        ColumnType::One(Storage::Float) => "REAL",
        ColumnType::One(Storage::UUID | Storage::Bytes) => "BLOB",
        ColumnType::One(Storage::Text | Storage::Date | Storage::Json | Storage::Id(KeyForm::Text))
        | ColumnType::List(_)
        | ColumnType::Nested => "TEXT",
    }
}

/// Copies of a document that `json_each` keeps until the statement ends: its text, what was parsed of it, with room to
/// grow, and the item at hand.
const COPIES: i64 = 4;

/// SQLite: a list or document whose elements become rows, its bytes counted as `metered` does, and those that are kept of
/// it against the memory of the statement.
pub(crate) fn taken_apart(value: Sql) -> Sql {
    call("kept", [value, integer(COPIES)])
}

/// SQLite: a stored value, its bytes counted against the step budget, because what is done with it is one step: a list is
/// parsed (its elements are steps of their own), a text is compared.
pub(crate) fn metered(value: Sql) -> Sql {
    call("metered", [value])
}

/// PostgreSQL: a text that is compared by code point.
pub(crate) fn collate_c(text: Sql) -> Sql {
    text.binary(BinOper::Custom("COLLATE"), Sql::col("C"))
}

/// Whether a number of microseconds is a moment that `DateTime` takes.
pub(crate) fn in_time(micros: Sql) -> Sql {
    let first = Timestamp::from_micros_saturating(i64::MIN).micros();
    let last = Timestamp::from_micros_saturating(i64::MAX).micros();
    micros.between(integer(first), integer(last))
}

/// PostgreSQL: microseconds since the epoch, exactly, as a `numeric`.
pub(crate) fn epoch(moment: Sql) -> Sql {
    Sql::cust_with_expr("EXTRACT(EPOCH FROM $1)", moment).mul(integer(1_000_000))
}

/// PostgreSQL: microseconds since the epoch as a `bigint`.
pub(crate) fn epoch_micros(moment: Sql) -> Sql {
    cast(epoch(moment), "bigint")
}

/// PostgreSQL: microseconds since the epoch in a `numeric` as a `timestamptz`; null outside what `DateTime` takes, so that
/// the conversion cannot fail.
pub(crate) fn moment(micros: Sql) -> Sql {
    let million = || integer(1_000_000);
    let interval = |unit: &str| cast(word(unit), "interval");
    let seconds = cast(call("div", [micros.clone(), million()]), "double precision").mul(interval("1 second"));
    let rest = cast(call("mod", [micros.clone(), million()]), "double precision").mul(interval("1 microsecond"));
    let moment = cast(word("1970-01-01 00:00:00+00"), "timestamptz").add(seconds).add(rest);
    CaseStatement::new().case(in_time(micros), moment).into()
}
