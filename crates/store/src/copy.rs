//! Copies a whole database to another one, whichever kinds they are: every table row by row, in the order of its keys, and then
//! reads both and compares them. What is there already goes on where it ended, so that a copy that was killed is completed.

use std::fs::File;
use std::ops::ControlFlow;

use backstay_model::Model;
use backstay_scalar::{Storage, Value, write};
use backstay_sql::{CopiedTable, Param, Row, schema};
use sha2::{Digest, Sha256};

use crate::backup::{CopyError, CopyProgress, CopyStage, Watch};
use crate::own::{self, int, own};
use crate::session::{COPYING, Contents, OwnRow, SchemaSession};
use crate::{StoreError, log, migration, setup};

/// Rows that are read at a time, unless they are large.
const ROWS: usize = 500;
/// Bytes of rows that are read at a time, if the next rows are as large as the last ones.
const BYTES: usize = 8 * 1024 * 1024;

/// A database that was copied and compared with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The application's name in the stored model.
    pub application: String,
    /// Records of the application's types, without Backstay's own.
    pub records: u64,
    /// Tables that have rows.
    pub tables: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// SHA-256 of all rows, table by table.
    pub checksum: [u8; 32],
    /// The place of the last entry in the commit log; 0 if nothing was ever changed.
    pub change: u64,
}

/// A database that nobody else uses.
pub(crate) struct Held {
    pub(crate) session: Box<dyn SchemaSession>,
    /// What is locked as long as they are open.
    #[expect(dead_code, reason = "they are kept open")]
    pub(crate) files: Vec<File>,
}

impl Held {
    /// The same as an end of a copy, with what errors call it.
    pub(crate) fn end<'s>(&'s mut self, name: &'s str) -> End<'s> {
        End { session: &mut *self.session, name }
    }
}

/// One end of a copy.
pub(crate) struct End<'s> {
    pub(crate) session: &'s mut dyn SchemaSession,
    /// What errors call it.
    pub(crate) name: &'s str,
}

/// Copies what one database holds to another, which is empty or holds the beginning of such a copy. Nobody else uses them.
pub(crate) async fn copy(from: End<'_>, to: End<'_>, watch: &mut Watch<'_>) -> Result<Copied, CopyError> {
    let (source, target) = (from.session, to.session);
    match setup::recognize(source, from.name).await? {
        None => return Err(CopyError::Empty { database: from.name.to_owned() }),
        Some(format) if format < own::format(source.dialect()) => {
            return Err(CopyError::OlderFormat { database: from.name.to_owned() });
        }
        Some(_) => {}
    }
    source.begin().await?;
    let newest = setup::newest(source).await?;
    let model = setup::stored_model(source, newest).await?;
    let mark = mark(source, newest.hash).await?;
    match target.contents().await? {
        Contents::Nothing => begin(source, target, (&model, mark)).await?,
        Contents::UnfinishedCopy => resume(target, to.name, mark).await?,
        Contents::Backstay { .. } | Contents::Foreign => {
            return Err(CopyError::NotEmpty { database: to.name.to_owned() });
        }
    }
    let tables: Vec<CopiedTable> = own::copied().into_iter().chain(CopiedTable::of_model(&model)).collect();
    let mut progress = Reported { stage: CopyStage::Copy, done: 0, total: 0, watch };
    target.begin().await?;
    for table in &tables {
        progress.total += count(source, table).await?;
        progress.done += count(target, table).await?;
    }
    target.roll_back().await?;
    for table in &tables {
        copy_rows(source, target, table, &mut progress).await?;
    }
    let rows = progress.total;
    progress = Reported { stage: CopyStage::Check, done: 0, total: rows, watch: progress.watch };
    target.begin().await?;
    let (mut checksum, mut filled) = (Sha256::new(), 0);
    for table in &tables {
        filled += u64::from(compare(source, target, table, (&mut checksum, &mut progress)).await? > 0);
    }
    if meta(source).await? != meta(target).await? {
        return Err(CopyError::Differs { table: "backstay_meta".to_owned() });
    }
    let (records, change) = (records(target, &model).await?, last_place(target).await?);
    target.roll_back().await?;
    source.roll_back().await?;
    within(target, async |target| complete(target, &model, &tables).await).await?;
    Ok(Copied { application: model.name, records, tables: filled, rows, checksum: checksum.finalize().into(), change })
}

/// Tells of a copy how far it is.
struct Reported<'w, 'f> {
    stage: CopyStage,
    done: u64,
    total: u64,
    watch: &'w mut Watch<'f>,
}

impl Reported<'_, '_> {
    fn add(&mut self, rows: usize) -> Result<(), CopyError> {
        self.done += rows as u64;
        match (self.watch)(CopyProgress { stage: self.stage, done: self.done, total: self.total }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CopyError::Interrupted),
        }
    }
}

/// What distinguishes the state of a database from others of its own and of others.
async fn mark(source: &mut dyn SchemaSession, model: [u8; 32]) -> Result<[u8; 32], CopyError> {
    let mut mark = Sha256::new_with_prefix(model);
    mark.update(setup::feed_key(source).await?);
    let visit = &mut |row: &dyn OwnRow| {
        mark.update(int(row, 0)?.to_be_bytes());
        mark.update(own::bytes(row, 1)?);
        Ok(())
    };
    source.query(&log::last(), visit).await?;
    Ok(mark.finalize().into())
}

/// Makes the tables of an empty database, which is not to be opened until the copy is complete.
async fn begin(
    source: &mut dyn SchemaSession,
    target: &mut dyn SchemaSession,
    (model, mark): (&Model, [u8; 32]),
) -> Result<(), CopyError> {
    let meta = meta(source).await?;
    within(target, async |target| {
        let dialect = target.dialect();
        let mut statements = own::functions(dialect);
        statements.extend(own::create(dialect));
        statements.extend(schema::create_tables(model, dialect));
        statements.push(own::create_copying(dialect));
        statements.push(own(
            "INSERT INTO backstay_copying (mark) VALUES ($1)",
            vec![Param::Bytes(mark.as_slice().into())],
            &[],
        ));
        statements.extend(meta.iter().map(|(name, value)| {
            own(
                "INSERT INTO backstay_meta (name, value) VALUES ($1, $2)",
                vec![Param::Text(name.as_str().into()), Param::Bytes(value.as_slice().into())],
                &[],
            )
        }));
        setup::run(target, &statements).await?;
        target.set_format(COPYING).await
    })
    .await
}

/// Goes on with a copy of the same state of the same database.
async fn resume(target: &mut dyn SchemaSession, name: &str, mark: [u8; 32]) -> Result<(), CopyError> {
    let begun = own("SELECT mark FROM backstay_copying", vec![], &[Storage::Bytes]);
    let mut is_same = false;
    let visit = &mut |row: &dyn OwnRow| {
        is_same = own::bytes(row, 0)? == mark;
        Ok(())
    };
    target.begin().await?;
    target.query(&begun, visit).await?;
    target.roll_back().await?;
    if is_same { Ok(()) } else { Err(CopyError::OtherCopy { database: name.to_owned() }) }
}

/// The rows of `backstay_meta`, without the format, and without the owner that older versions wrote.
async fn meta(session: &mut dyn SchemaSession) -> Result<Vec<(String, Vec<u8>)>, CopyError> {
    let all = "SELECT name, value FROM backstay_meta WHERE name NOT IN ('format', 'owner') ORDER BY name";
    let mut meta = Vec::new();
    let visit = &mut |row: &dyn OwnRow| {
        meta.push((own::text(row, 0)?.to_owned(), own::bytes(row, 1)?.to_vec()));
        Ok(())
    };
    session.query(&own(all, vec![], &[Storage::Text, Storage::Bytes]), visit).await?;
    meta.sort();
    Ok(meta)
}

async fn count(session: &mut dyn SchemaSession, table: &CopiedTable) -> Result<u64, StoreError> {
    let mut rows = 0;
    let visit = &mut |row: &dyn OwnRow| {
        rows = int(row, 0)?.unsigned_abs();
        Ok(())
    };
    session.query(&table.count(), visit).await?;
    Ok(rows)
}

/// The records of the application's types.
async fn records(session: &mut dyn SchemaSession, model: &Model) -> Result<u64, StoreError> {
    let mut records = 0;
    for collection in model.collections.iter().filter(|collection| !collection.system) {
        records += count(session, &CopiedTable::new(&collection.table, &[], 0)).await?;
    }
    Ok(records)
}

async fn last_place(session: &mut dyn SchemaSession) -> Result<u64, StoreError> {
    let mut place = 0;
    let visit = &mut |row: &dyn OwnRow| {
        place = int(row, 0)?.unsigned_abs();
        Ok(())
    };
    session.query(&log::last(), visit).await?;
    Ok(place)
}

/// Copies the rows of a table that come after those that are there.
async fn copy_rows(
    source: &mut dyn SchemaSession,
    target: &mut dyn SchemaSession,
    table: &CopiedTable,
    progress: &mut Reported<'_, '_>,
) -> Result<(), CopyError> {
    let dialect = target.dialect();
    let mut after = None;
    let visit = &mut |row: &dyn OwnRow| {
        after = Some(table.read(as_row(row), table.key_columns())?);
        Ok(())
    };
    target.begin().await?;
    target.query(&table.last(dialect), visit).await?;
    target.roll_back().await?;
    let mut pages = Pages::after(table, after);
    loop {
        let rows = pages.read(source).await?;
        if !pages.pass(&rows) {
            return Ok(());
        }
        within(target, async |target| {
            for rows in rows.chunks(table.rows_at_once()) {
                target.execute(&table.insert(dialect, rows)).await?;
            }
            Ok(())
        })
        .await?;
        progress.add(rows.len())?;
    }
}

/// A table as it is read from its first row to its last.
struct Pages<'t> {
    table: &'t CopiedTable,
    /// The key of the last row that was read.
    after: Option<Vec<Value>>,
    /// Rows of the next page.
    rows: usize,
}

impl<'t> Pages<'t> {
    fn after(table: &'t CopiedTable, after: Option<Vec<Value>>) -> Self {
        Self { table, after, rows: ROWS }
    }

    /// The next rows of this database, without going on to those after them. Those for which there is no room are left for the
    /// page after it.
    async fn read(&self, session: &mut dyn SchemaSession) -> Result<Vec<Vec<Value>>, StoreError> {
        let statement = self.table.page(session.dialect(), self.after.as_deref(), self.rows);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let visit = &mut |row: &dyn OwnRow| {
            if bytes <= BYTES {
                let row = self.table.read(as_row(row), self.table.columns())?;
                bytes += size(&row);
                rows.push(row);
            }
            Ok(())
        };
        session.query(&statement, visit).await?;
        Ok(rows)
    }

    /// Goes on to the rows after these, if there are any.
    fn pass(&mut self, rows: &[Vec<Value>]) -> bool {
        let Some(last) = rows.last() else { return false };
        self.after = Some(self.table.key(last).to_vec());
        let bytes: usize = rows.iter().map(|row| size(row)).sum();
        self.rows = (BYTES * rows.len() / bytes.max(1)).clamp(1, ROWS);
        true
    }
}

/// The bytes of a row's values.
fn size(row: &[Value]) -> usize {
    row.iter().map(Value::size).sum()
}

fn as_row(row: &dyn OwnRow) -> &dyn Row {
    row
}

/// Reads a table of both and compares it row by row. Adds each row to the checksum, as the JSON of its values, and returns how
/// many there are.
async fn compare(
    source: &mut dyn SchemaSession,
    target: &mut dyn SchemaSession,
    table: &CopiedTable,
    (checksum, progress): (&mut Sha256, &mut Reported<'_, '_>),
) -> Result<u64, CopyError> {
    let (mut count, mut pages) = (0, Pages::after(table, None));
    checksum.update(table.name());
    loop {
        // One waits for the other a page long at most, so that no server ends an idle transaction.
        let rows = pages.read(source).await?;
        if pages.read(target).await? != rows {
            return Err(CopyError::Differs { table: table.name().to_owned() });
        }
        if !pages.pass(&rows) {
            return Ok(count);
        }
        let mut text = Vec::new();
        for row in &rows {
            for value in row {
                write(&mut text, value);
                text.push(b',');
            }
            text.push(b'\n');
        }
        checksum.update(&text);
        count += rows.len() as u64;
        progress.add(rows.len())?;
    }
}

/// What makes the copy a database that can be opened: constraints, indexes, searches, counters.
async fn complete(target: &mut dyn SchemaSession, model: &Model, tables: &[CopiedTable]) -> Result<(), StoreError> {
    let dialect = target.dialect();
    setup::run(target, &schema::complete(model, dialect)).await?;
    for collection in &model.collections {
        migration::fill_search(target, (model, dialect), collection).await?;
    }
    for statement in tables.iter().filter_map(|table| table.count_on(dialect)) {
        target.query(&statement, &mut |_| Ok(())).await?;
    }
    setup::run(target, &[own("DROP TABLE backstay_copying", vec![], &[])]).await?;
    target.set_format(own::format(dialect)).await
}

/// Does something in a transaction.
async fn within(
    target: &mut dyn SchemaSession,
    work: impl AsyncFnOnce(&mut dyn SchemaSession) -> Result<(), StoreError>,
) -> Result<(), CopyError> {
    target.begin().await?;
    let done = match work(target).await {
        Ok(()) => target.commit().await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        target.roll_back().await?;
    }
    Ok(done?)
}
