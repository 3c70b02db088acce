//! One element of a list of values: `this.tags[0]`.

use backstay_base::KeyForm;
use backstay_expr::Expr;
use backstay_scalar::Storage;
use sea_query::extension::postgres::PgBinOper;
use sea_query::{Expr as Sql, ExprTrait};

use crate::Dialect;
use crate::dialect::{collate_c, metered, postgres_type};
use crate::lower::Lowering;
use crate::operand::{Form, Val};
use crate::tree::{call, cast, integer, word};

impl Lowering<'_, '_, '_> {
    /// The element at a place, from 0; null if the list has no such place.
    pub(crate) fn element(&mut self, list: &Expr, place: i64) -> Val {
        let values = self.value(list);
        if values.is_null() {
            return values;
        }
        let storage = self.element_storage(list, &values);
        let (sql, form) = match self.builder.dialect {
            Dialect::Sqlite => {
                let element = call("json_extract", [metered(values.sql), word(&format!("$[{place}]"))]);
                let element = match storage {
                    Storage::UUID | Storage::Bytes => call("unhex", [element]),
                    _ => element,
                };
                match storage {
                    Storage::Decimal { scale } => (element, Form::Scaled(scale)),
                    _ => (element, Form::Column),
                }
            }
            Dialect::Postgres => element_of_jsonb(values.sql, place, storage),
        };
        Val { sql, guards: values.guards, form }
    }
}

/// PostgreSQL: an element of a list, as a column would hold it.
fn element_of_jsonb(list: Sql, place: i64, storage: Storage) -> (Sql, Form) {
    let text = list.binary(PgBinOper::CastJsonField, integer(place));
    match storage {
        Storage::Text | Storage::Id(KeyForm::Text) => (collate_c(text), Form::Column),
        Storage::Bytes => (call("decode", [text, word("hex")]), Form::Column),
        Storage::Timestamp => (cast(text, "numeric"), Form::Micros),
        storage => (cast(text, postgres_type(storage.into())), Form::Column),
    }
}
