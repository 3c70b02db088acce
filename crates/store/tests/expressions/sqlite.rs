//! The data set in SQLite.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use backstay_base::RecordId;
use backstay_expr::Truth;
use backstay_sql::{Dialect, Param, Statement};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as Raw;

use crate::{Database, Setting, data};
use crate::{document_functions, functions};

pub(crate) struct Sqlite(rusqlite::Connection);

impl Sqlite {
    pub(crate) fn with(setting: &Setting) -> Self {
        let mut this = Self(rusqlite::Connection::open_in_memory().expect("opens"));
        functions::register(&this.0, |_| false).expect("functions");
        document_functions::register(&this.0, |_| false).expect("functions");
        this.0.pragma_update(None, "foreign_keys", false).expect("a pragma");
        for statement in data::statements(setting, Dialect::Sqlite) {
            this.execute(&statement).unwrap_or_else(|error| panic!("{}: {error}", statement.text()));
        }
        this
    }

    fn execute(&mut self, statement: &Statement) -> Result<usize, rusqlite::Error> {
        self.0.execute(statement.text(), rusqlite::params_from_iter(statement.params().iter().map(raw)))
    }
}

impl Sqlite {
    /// Runs a statement and returns the ids with which its calls of `noted(value, id, …)` were evaluated. The function is
    /// not deterministic, so that SQLite calls it wherever the value is needed.
    pub(crate) fn noting(&mut self, text: &str, params: &[Param]) -> BTreeSet<RecordId> {
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let noted = Arc::clone(&seen);
        let note = move |call: &rusqlite::functions::Context<'_>| {
            for argument in 1..call.len() {
                if let Some(id) = call.get::<Option<[u8; 16]>>(argument)? {
                    noted.lock().expect("no panic").insert(RecordId::from_bytes(id));
                }
            }
            call.get::<Raw>(0)
        };
        self.0.create_scalar_function("noted", -1, FunctionFlags::SQLITE_UTF8, note).expect("a function");
        let mut prepared = self.0.prepare(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut rows = prepared.query(rusqlite::params_from_iter(params.iter().map(raw))).expect("bound");
        while rows.next().unwrap_or_else(|error| panic!("{text}: {error}")).is_some() {}
        drop(rows);
        drop(prepared);
        std::mem::take(&mut seen.lock().expect("no panic"))
    }
}

impl Database for Sqlite {
    fn ids_in(&mut self, statement: &Statement, column: usize) -> Result<BTreeSet<RecordId>, String> {
        let query = || -> Result<BTreeSet<RecordId>, rusqlite::Error> {
            let mut prepared = self.0.prepare(statement.text())?;
            let params = rusqlite::params_from_iter(statement.params().iter().map(raw));
            let rows = prepared.query_map(params, |row| Ok(RecordId::from_bytes(row.get::<_, [u8; 16]>(column)?)))?;
            rows.collect()
        };
        query().map_err(|error| error.to_string())
    }

    fn text(&mut self, statement: &Statement, column: usize) -> String {
        let params = rusqlite::params_from_iter(statement.params().iter().map(raw));
        self.0.query_row(statement.text(), params, |row| row.get(column)).expect("one row")
    }

    fn truth(&mut self, statement: &Statement) -> Truth {
        let params = rusqlite::params_from_iter(statement.params().iter().map(raw));
        let truth: Option<bool> = self.0.query_row(statement.text(), params, |row| row.get(0)).expect("one row");
        truth.map_or(Truth::Unknown, Truth::from)
    }
}

fn raw(param: &Param) -> Raw {
    match param {
        Param::Null => Raw::Null,
        Param::Bool(truth) => Raw::Integer(i64::from(*truth)),
        Param::Int(number) => Raw::Integer(*number),
        Param::Float(number) => Raw::Real(*number),
        Param::Text(text) | Param::Json(text) => Raw::Text(text.to_string()),
        Param::Id(id) => Raw::Blob(id.as_bytes().to_vec()),
        Param::Timestamp(moment) => Raw::Integer(moment.micros()),
        Param::Date(date) => Raw::Text(date.to_string()),
        Param::Bytes(bytes) => Raw::Blob(bytes.to_vec()),
        Param::Decimal(number) => panic!("{number} is not scaled"),
    }
}
