//! The data set in PostgreSQL: a schema of its own in a temporary cluster.

use std::collections::BTreeSet;
use std::error::Error;

use backstay_base::RecordId;
use backstay_expr::Truth;
use backstay_sql::{Dialect, Param, Statement};
use bytes::{BufMut, BytesMut};
use rust_decimal::Decimal;
use tokio::runtime::Runtime;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, NoTls};

use crate::{Database, Setting, data, server_functions};

pub(crate) struct Postgres {
    runtime: Runtime,
    client: Client,
    /// Whether it has the function `noted`.
    notes: bool,
    _cluster: backstay_testkit::Cluster,
}

impl Postgres {
    pub(crate) fn with(setting: &Setting) -> Self {
        let cluster = backstay_testkit::Cluster::start();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let client = runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&cluster.database(), NoTls).await.expect("PostgreSQL answers");
            tokio::spawn(connection);
            client
        });
        let this = Self { runtime, client, notes: false, _cluster: cluster };
        for text in server_functions::STATEMENTS.iter() {
            this.runtime.block_on(this.client.batch_execute(text)).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        }
        for statement in data::statements(setting, Dialect::Postgres) {
            this.run(&statement).unwrap_or_else(|error| panic!("{}: {error:?}", statement.text()));
        }
        this
    }

    fn run(&self, statement: &Statement) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
        self.query(statement.text(), statement.params())
    }

    fn query(&self, text: &str, params: &[Param]) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
        let params: Vec<Bound<'_>> = params.iter().map(Bound).collect();
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as _).collect();
        self.runtime.block_on(self.client.query(text, &params))
    }

    /// Runs a statement and returns the ids with which its calls of `noted(value, ids)` were evaluated.
    pub(crate) fn noting(&mut self, text: &str, params: &[Param]) -> BTreeSet<RecordId> {
        if !std::mem::replace(&mut self.notes, true) {
            self.runtime.block_on(self.client.batch_execute(NOTED)).expect("a function");
        }
        self.query(text, params).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let seen = self.query("DELETE FROM noted_ids RETURNING id", &[]).expect("ids");
        seen.iter().map(|row| row.get::<_, Key>(0).0).collect()
    }
}

/// PostgreSQL evaluates a function that changes something wherever its value is needed.
const NOTED: &str = "CREATE TEMP TABLE noted_ids (id uuid PRIMARY KEY); \
    CREATE FUNCTION noted(value anyelement, ids uuid[]) RETURNS anyelement LANGUAGE plpgsql VOLATILE AS $body$ \
    BEGIN INSERT INTO noted_ids SELECT id FROM unnest(ids) AS id WHERE id IS NOT NULL ON CONFLICT DO NOTHING; RETURN value; END $body$";

impl Database for Postgres {
    fn ids_in(&mut self, statement: &Statement, column: usize) -> Result<BTreeSet<RecordId>, String> {
        let rows = self.run(statement).map_err(|error| format!("{:?}", error.source().map(ToString::to_string)))?;
        Ok(rows.iter().map(|row| row.get::<_, Key>(column).0).collect())
    }

    fn text(&mut self, statement: &Statement, column: usize) -> String {
        let rows = self.run(statement).expect("a row");
        rows[0].get(column)
    }

    fn truth(&mut self, statement: &Statement) -> Truth {
        let rows = self.run(statement).unwrap_or_else(|error| panic!("{}: {error:?}", statement.text()));
        rows[0].get::<_, Option<bool>>(0).map_or(Truth::Unknown, Truth::from)
    }
}

struct Key(RecordId);

impl<'a> tokio_postgres::types::FromSql<'a> for Key {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(RecordId::from_bytes(raw.try_into()?)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}

#[derive(Debug)]
struct Bound<'p>(&'p Param);

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        const EPOCH_MICROS: i64 = 946_684_800_000_000;
        match self.0 {
            Param::Null => return Ok(IsNull::Yes),
            Param::Bool(truth) => return truth.to_sql(ty, out),
            Param::Int(number) => return number.to_sql(ty, out),
            Param::Float(number) => return number.to_sql(ty, out),
            Param::Text(text) => return (&**text).to_sql(ty, out),
            Param::Decimal(number) => numeric(*number, out),
            Param::Id(id) => out.put_slice(id.as_bytes()),
            Param::Timestamp(moment) => out.put_i64(moment.micros() - EPOCH_MICROS),
            Param::Date(date) => out.put_i32(date.days() - 10_957),
            Param::Json(text) => {
                if *ty == Type::JSONB {
                    out.put_u8(1);
                }
                out.put_slice(text.as_bytes());
            }
            Param::Bytes(bytes) => out.put_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The binary form of `numeric`: digits to the base 10,000, whole ones first.
fn numeric(number: Decimal, out: &mut BytesMut) {
    let scale = number.scale();
    let aligned = scale.next_multiple_of(4);
    let mut rest = number.mantissa().unsigned_abs() * 10_u128.pow(aligned - scale);
    let mut digits = Vec::new();
    while rest > 0 {
        digits.push(i16::try_from(rest % 10_000).expect("four digits"));
        rest /= 10_000;
    }
    let weight = i16::try_from(digits.len()).expect("few") - 1 - i16::try_from(aligned / 4).expect("few");
    out.put_i16(i16::try_from(digits.len()).expect("few"));
    out.put_i16(weight);
    out.put_u16(if number.is_sign_negative() { 0x4000 } else { 0 });
    out.put_u16(u16::try_from(scale).expect("few"));
    for digit in digits.iter().rev() {
        out.put_i16(*digit);
    }
}
