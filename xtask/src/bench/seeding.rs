use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Workshop;
use super::report::{Compared, Report};
use super::server::Server;
use crate::commands::{output, run};

/// Loads `examples/atlas` with Backstay, and the same rows into the same tables and indexes with `.import` in the
/// `sqlite3` shell.
pub(crate) fn measure(workshop: &Workshop, report: &mut Report) -> Result<()> {
    let atlas = workshop.root.join("examples/atlas");
    if !atlas.join("seed/Place.jsonl").is_file() {
        run(Command::new(atlas.join("fetch")).current_dir(&atlas))?;
    }
    eprintln!("xtask: loading examples/atlas");
    let data = workshop.scratch.join("atlas");
    let server = Server::backstay(workshop, &atlas, &data)?;
    let ours = server.ready_after;
    server.stop()?;

    let database = database_in(&data)?;
    let tables = tables(&database, &atlas)?;
    let copy = workshop.scratch.join("import.db");
    let script = import_script(workshop, &database, &tables)?;
    eprintln!("xtask: importing the same rows with sqlite3");
    let begin = Instant::now();
    run(Command::new("sqlite3").arg(&copy).arg(format!(".read {}", script.display())))?;
    let theirs = begin.elapsed();

    let rows = count(&database, &tables)?;
    ensure!(rows == count(&copy, &tables)?, "the copy has a different number of rows");
    let rate = |elapsed: std::time::Duration| f64::from(rows) / elapsed.as_secs_f64();
    report.compare(
        "seeding",
        "rows per second",
        &[Compared {
            work: format!("loading {rows} rows"),
            measured: rate(ours),
            control: rate(theirs),
            floor: Some(0.3),
            remark: format!("{:.1} s; control {:.1} s", ours.as_secs_f64(), theirs.as_secs_f64()),
        }],
    );
    Ok(())
}

/// The database file in Backstay's data directory.
pub(crate) fn database_in(data: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(data).context("cannot read the data directory")?.flatten().map(|file| file.path());
    files.find(|path| path.extension() == Some(OsStr::new("db"))).context("the data directory has no database")
}

/// A table of the atlas.
struct Table {
    name: String,
    /// The statements that create it and its indexes.
    schema: Vec<String>,
    /// Its columns as exported.
    columns: Vec<String>,
}

/// The tables of the seeded types and of the relations between them.
fn tables(database: &Path, atlas: &Path) -> Result<Vec<Table>> {
    let seeds = fs::read_dir(atlas.join("seed"))?.flatten().map(|file| file.path());
    let seeds = seeds.filter(|path| path.extension() == Some(OsStr::new("jsonl")));
    let types: Vec<String> =
        seeds.filter_map(|path| Some(path.file_stem()?.to_string_lossy().to_lowercase())).collect();
    let names = lines(database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")?;
    let seeded = |name: &String| types.iter().any(|kind| name == kind || name.starts_with(&format!("{kind}__")));
    names.into_iter().filter(seeded).map(|name| table(database, name)).collect()
}

fn table(database: &Path, name: String) -> Result<Table> {
    let of_table = format!("FROM sqlite_schema WHERE tbl_name = '{name}' AND sql IS NOT NULL ORDER BY type DESC");
    // The shell imports every value as text, which a strict table refuses.
    let schema = lines(database, &format!("SELECT replace(sql, char(10), ' ') {of_table}"))?;
    let loose = |sql: &String| format!("{};", sql.replace(") STRICT, ", ") ").trim_end_matches(" STRICT"));
    let schema = schema.iter().map(loose);
    let columns = lines(database, &format!("SELECT name || '|' || type FROM pragma_table_info('{name}')"))?;
    let columns =
        columns.iter().filter_map(|column| column.split_once('|')).map(|(column, kind)| exported(column, kind));
    Ok(Table { schema: schema.collect(), columns: columns.collect(), name })
}

/// CSV cannot contain NUL bytes, so a key is exported as the 16 hexadecimal digits of its first half. These are as long
/// as the key and equally distinct, because one process created all keys in order of time.
fn exported(column: &str, kind: &str) -> String {
    if kind == "BLOB" { format!("substr(hex(\"{column}\"), 1, 16)") } else { format!("\"{column}\"") }
}

/// Exports the rows, and writes the script that imports them.
fn import_script(workshop: &Workshop, database: &Path, tables: &[Table]) -> Result<PathBuf> {
    let mut script = String::from("PRAGMA journal_mode = WAL;\nPRAGMA synchronous = FULL;\nBEGIN;\n");
    for Table { name, schema, columns } in tables {
        let rows = workshop.scratch.join(format!("{name}.csv"));
        let export = format!("SELECT {} FROM \"{name}\"", columns.join(", "));
        fs::write(&rows, output(Command::new("sqlite3").arg("-csv").arg(database).arg(export))?)?;
        for statement in schema {
            script.push_str(statement);
            script.push('\n');
        }
        let _ = writeln!(script, ".import --csv {} {name}", rows.display());
    }
    script.push_str("COMMIT;\n");
    let path = workshop.scratch.join("import.sql");
    fs::write(&path, script).context("cannot write the import script")?;
    Ok(path)
}

fn count(database: &Path, tables: &[Table]) -> Result<u32> {
    tables.iter().try_fold(0, |sum, table| {
        let rows = lines(database, &format!("SELECT count(*) FROM \"{}\"", table.name))?;
        let rows: u32 = rows.first().context("a count")?.parse().context("a count")?;
        Ok(sum + rows)
    })
}

fn lines(database: &Path, query: &str) -> Result<Vec<String>> {
    let text = output(Command::new("sqlite3").arg(database).arg(query))?;
    Ok(text.lines().map(str::to_owned).collect())
}
