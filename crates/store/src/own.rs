//! The store's own tables. Their few statements have one text for both databases: parameters are `$1`, `$2`, … in the
//! order in which they first occur.

use backstay_scalar::{Storage, ValueRef};
use backstay_sql::{CopiedTable, DecodeError, Dialect, Param, Statement};

use crate::StoreError;
use crate::server_functions;
use crate::session::OwnRow;

/// The format of these tables. A database in a newer format is refused.
pub(crate) fn format(dialect: Dialect) -> i64 {
    match dialect {
        Dialect::Sqlite => 5,
        Dialect::Postgres => 6,
    }
}

/// The statements that bring tables of an older format to the newest one; `None` if they have it.
///
/// Since format 2 the log has entries of format 2 and idempotency records have a format; since format 3 there are
/// tombstones; since format 4 there are counters of sequences; since format 5 the
/// stored sums that have to follow are queued; since format 6, which only PostgreSQL has, entries of the log are staged.
pub(crate) fn upgrade(from: i64, dialect: Dialect) -> Option<Vec<Statement>> {
    let int = int_type(dialect);
    let to_2 = || format!("ALTER TABLE backstay_idempotency ADD COLUMN format {int} NOT NULL DEFAULT 1");
    let to_3 = || tombstones(int, strict(dialect));
    let to_4 = || sequences(int, rowless(dialect));
    let texts = [(from < 2).then(to_2), (from < 3).then(to_3), (from < 4).then(to_4)];
    let to_5 = (from < 5).then(|| due_sums(dialect)).into_iter().flatten();
    let to_6 = (from < 6).then(|| staged(dialect)).flatten();
    let texts = texts.into_iter().flatten().chain(to_5).chain(to_6);
    let statements: Vec<Statement> = texts.map(|text| own(&text, vec![], &[])).collect();
    (!statements.is_empty()).then_some(statements)
}

fn tombstones(int: &str, strict: &str) -> String {
    format!("CREATE TABLE backstay_tombstone (record {int} NOT NULL PRIMARY KEY, version {int} NOT NULL){strict}")
}

/// Makes the table of sequence counters; `int` and `end` are the dialect's words for the type and the end.
fn sequences(int: &str, end: &str) -> String {
    format!(
        "CREATE TABLE backstay_sequence (type {int} NOT NULL, field {int} NOT NULL, series TEXT NOT NULL, \
         last {int} NOT NULL, PRIMARY KEY (type, field, series)){end}"
    )
}

/// Makes the table of stored sums that have to follow, in the order in which they were queued. A sum can be in it several
/// times: whoever queues it neither waits for others nor looks for it.
fn due_sums(dialect: Dialect) -> [String; 2] {
    let (int, serial, bytes, strict) = (int_type(dialect), serial(dialect), bytes_type(dialect), strict(dialect));
    let table = format!(
        "CREATE TABLE backstay_due_sum (number {serial}, type {int} NOT NULL, field {int} NOT NULL, \
         record {bytes} NOT NULL){strict}"
    );
    [table, "CREATE INDEX backstay_due_sum_of ON backstay_due_sum (type, field, record)".to_owned()]
}

/// Makes the table of entries that haven't got their places in the log yet. A transaction has an id before it draws a number:
/// columns get their values in their order.
fn staged(dialect: Dialect) -> Option<String> {
    match dialect {
        // Its transactions end in the order in which they write.
        Dialect::Sqlite => None,
        Dialect::Postgres => Some(
            "CREATE TABLE backstay_staged (transaction xid8 NOT NULL DEFAULT pg_current_xact_id(), \
             staged bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, entry bytea NOT NULL, leaf bytea NOT NULL, feed bytea) \
             WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)"
                .to_owned(),
        ),
    }
}

/// What a table ends with.
fn strict(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => " STRICT",
        Dialect::Postgres => "",
    }
}

/// What a table without numbers of rows ends with.
fn rowless(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => " STRICT, WITHOUT ROWID",
        Dialect::Postgres => "",
    }
}

fn bytes_type(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "BLOB",
        Dialect::Postgres => "bytea",
    }
}

/// The type of a key that the database counts up.
fn serial(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "INTEGER PRIMARY KEY",
        Dialect::Postgres => "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    }
}

fn int_type(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "INTEGER",
        Dialect::Postgres => "bigint",
    }
}

/// The statements that make the store's own tables.
pub(crate) fn create(dialect: Dialect) -> Vec<Statement> {
    let int = int_type(dialect);
    let (strict, rowless) = (strict(dialect), rowless(dialect));
    let (bytes, serial) = (bytes_type(dialect), serial(dialect));
    let tables = [
        format!("CREATE TABLE backstay_meta (name TEXT NOT NULL PRIMARY KEY, value {bytes} NOT NULL){rowless}"),
        format!("CREATE TABLE backstay_type (number {int} NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE){strict}"),
        format!(
            "CREATE TABLE backstay_field (type {int} NOT NULL REFERENCES backstay_type, number {int} NOT NULL, \
             name TEXT NOT NULL, PRIMARY KEY (type, number), UNIQUE (type, name)){rowless}"
        ),
        format!(
            "CREATE TABLE backstay_model (number {int} NOT NULL PRIMARY KEY, hash {bytes} NOT NULL, \
             moment {int} NOT NULL){strict}"
        ),
        format!(
            "CREATE TABLE backstay_model_file (model {int} NOT NULL REFERENCES backstay_model, place {int} NOT NULL, system {int} NOT NULL, \
             name TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (model, place)){strict}"
        ),
        format!(
            "CREATE TABLE backstay_log (seq {int} NOT NULL PRIMARY KEY, entry {bytes} NOT NULL, leaf {bytes} NOT NULL, \
             feed {bytes}){strict}"
        ),
        format!(
            "CREATE TABLE backstay_idempotency (number {serial}, digest {bytes} NOT NULL UNIQUE, \
             fingerprint {bytes} NOT NULL, answer {bytes} NOT NULL, expires {int} NOT NULL, format {int} NOT NULL){strict}"
        ),
        tombstones(int, strict),
        sequences(int, rowless),
    ];
    let guard = match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => Some(expect_rows()),
    };
    tables
        .into_iter()
        .chain(due_sums(dialect))
        .chain(staged(dialect))
        .chain(guard)
        .map(|text| own(&text, vec![], &[]))
        .collect()
}

#[cfg(feature = "postgres")]
/// Makes the table that keeps the names that tables had before they were adopted.
pub(crate) fn create_adopted() -> Statement {
    own("CREATE TABLE backstay_adopted (name text NOT NULL PRIMARY KEY, before text NOT NULL)", vec![], &[])
}

/// Makes the table that says what a copy is begun of.
pub(crate) fn create_copying(dialect: Dialect) -> Statement {
    own(
        &format!("CREATE TABLE backstay_copying (mark {} NOT NULL){}", bytes_type(dialect), strict(dialect)),
        vec![],
        &[],
    )
}

/// These tables with all their columns, `backstay_meta` excepted, as they are copied to another database.
pub(crate) fn copied() -> Vec<CopiedTable> {
    use Storage::{Bytes, Int, Text};
    vec![
        CopiedTable::new("backstay_type", &[("number", Int), ("name", Text)], 1),
        CopiedTable::new("backstay_field", &[("type", Int), ("number", Int), ("name", Text)], 2),
        CopiedTable::new("backstay_model", &[("number", Int), ("hash", Bytes), ("moment", Int)], 1),
        CopiedTable::new(
            "backstay_model_file",
            &[("model", Int), ("place", Int), ("system", Int), ("name", Text), ("content", Text)],
            2,
        ),
        CopiedTable::new("backstay_log", &[("seq", Int), ("entry", Bytes), ("leaf", Bytes), ("feed", Bytes)], 1),
        CopiedTable::new(
            "backstay_idempotency",
            &[
                ("number", Int),
                ("digest", Bytes),
                ("fingerprint", Bytes),
                ("answer", Bytes),
                ("expires", Int),
                ("format", Int),
            ],
            1,
        )
        .counted(),
        CopiedTable::new("backstay_tombstone", &[("record", Int), ("version", Int)], 1),
        CopiedTable::new("backstay_sequence", &[("type", Int), ("field", Int), ("series", Text), ("last", Int)], 3),
        CopiedTable::new("backstay_due_sum", &[("number", Int), ("type", Int), ("field", Int), ("record", Bytes)], 1)
            .counted(),
    ]
}

/// The function on PostgreSQL that raises an error if a number of rows is not the expected one.
pub(crate) const EXPECT_ROWS: &str = "backstay_expect_rows";
/// The SQLSTATE of that error; its detail is the number that was found.
pub(crate) const UNEXPECTED_ROWS: &str = "BK001";

fn expect_rows() -> String {
    format!(
        "CREATE OR REPLACE FUNCTION {EXPECT_ROWS}(changed bigint, expected bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN \
         IF changed <> expected THEN RAISE EXCEPTION USING ERRCODE = '{UNEXPECTED_ROWS}', \
         MESSAGE = 'a statement changed an unexpected number of rows', DETAIL = changed::text; END IF; END $$"
    )
}

/// Moves staged entries whose numbers are in these ranges into the log, at most so many. `oldest` is asked before it looks for
/// them and `following` after it; each statement has a snapshot of its own, taken once no other process can be at it.
const SEQUENCE_LOG: &str = "CREATE OR REPLACE FUNCTION backstay_sequence_log(first_numbers bigint[], last_numbers bigint[], \
    most bigint, OUT is_free boolean, OUT taken bigint[], OUT oldest bigint, OUT newest bigint, OUT following bigint) \
    LANGUAGE plpgsql SET enable_seqscan = off AS $body$ \
    DECLARE end_of_log bigint; BEGIN \
    is_free := pg_try_advisory_xact_lock(hashtextextended('backstay log ' || current_schema(), 0)); \
    IF NOT is_free THEN RETURN; END IF; \
    oldest := CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint); \
    newest := (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM backstay_staged_staged_seq); \
    end_of_log := coalesce((SELECT max(seq) FROM backstay_log), 0); \
    WITH moved AS (DELETE FROM backstay_staged WHERE staged IN (SELECT near.staged \
    FROM unnest(first_numbers, last_numbers) AS number(first, last) CROSS JOIN LATERAL (SELECT s.staged FROM backstay_staged s \
    WHERE s.staged BETWEEN number.first AND number.last ORDER BY s.staged LIMIT most) AS near \
    ORDER BY near.staged LIMIT most) RETURNING staged, entry, leaf, feed), \
    placed AS (INSERT INTO backstay_log (seq, entry, leaf, feed) SELECT end_of_log + row_number() OVER (ORDER BY staged), \
    entry, leaf, feed FROM moved) SELECT array_agg(staged ORDER BY staged) INTO taken FROM moved; \
    following := CASE WHEN taken IS NULL AND newest < first_numbers[cardinality(first_numbers)] THEN oldest \
    ELSE CAST(CAST(pg_current_xact_id() AS text) AS bigint) END; END $body$";

/// What makes the functions that the database needs for expressions and the log, and doesn't have: whenever it is opened, because they
/// follow the version of Backstay.
pub(crate) fn functions(dialect: Dialect) -> Vec<Statement> {
    match dialect {
        // The store adds them to each connection.
        Dialect::Sqlite => Vec::new(),
        Dialect::Postgres => {
            let texts = server_functions::STATEMENTS.iter().map(String::as_str).chain([SEQUENCE_LOG]);
            texts.map(|text| own(text, vec![], &[])).collect()
        }
    }
}

/// A statement over own tables.
pub(crate) fn own(text: &str, params: Vec<Param>, columns: &[Storage]) -> Statement {
    Statement::raw(text, params, columns)
}

/// The whole number in a column that is never null.
pub(crate) fn int(row: &dyn OwnRow, column: usize) -> Result<i64, StoreError> {
    match row.value(column)? {
        ValueRef::Int(number) => Ok(number),
        _ => Err(DecodeError { column, expected: "an integer" }.into()),
    }
}

/// The text in a column that is never null.
pub(crate) fn text(row: &dyn OwnRow, column: usize) -> Result<&str, StoreError> {
    match row.value(column)? {
        ValueRef::Text(text) => Ok(text),
        _ => Err(DecodeError { column, expected: "a text" }.into()),
    }
}

/// The bytes in a column that is never null.
pub(crate) fn bytes(row: &dyn OwnRow, column: usize) -> Result<&[u8], StoreError> {
    row.bytes(column)?.ok_or_else(|| DecodeError { column, expected: "bytes" }.into())
}

/// Bytes of a fixed length in a column that is never null.
pub(crate) fn array<const N: usize>(row: &dyn OwnRow, column: usize) -> Result<[u8; N], StoreError> {
    bytes(row, column)?.try_into().map_err(|_| DecodeError { column, expected: "bytes of another length" }.into())
}
