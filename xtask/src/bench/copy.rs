use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Workshop, shell};
use crate::commands::output;

/// Rows of some types, for the `sqlite3` shell to import into the same tables and indexes, those of their searches
/// included.
pub(crate) struct Copy {
    tables: Vec<Table>,
    script: PathBuf,
    /// How many rows there are, without those of searches.
    pub(crate) rows: u32,
}

/// A table of a type, of its relations, or of its search.
struct Table {
    name: String,
    /// The statements that create it and its indexes.
    schema: Vec<String>,
    /// Its columns as exported.
    columns: Vec<String>,
}

impl Copy {
    /// Exports the rows, and writes the script that imports them.
    pub(crate) fn of(workshop: &Workshop, database: &Path, types: &[String]) -> Result<Self> {
        let names = shell::lines(database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")?;
        let is_of_one = |name: &String| types.iter().any(|kind| name == kind || name.starts_with(&format!("{kind}__")));
        let is_own = |name: &String| is_of_one(name) && !name.contains(&format!("{SEARCH_WORDS}_"));
        let tables: Vec<Table> =
            names.into_iter().filter(is_own).map(|name| Table::read(database, name)).collect::<Result<_>>()?;
        let script = import_script(workshop, database, &tables)?;
        let rows = count(database, &tables)?;
        Ok(Self { tables, script, rows })
    }

    /// Imports them into a new database.
    pub(crate) fn import(&self, database: &Path) -> Result<Duration> {
        let elapsed = shell::script(database, &format!(".read {}", self.script.display()))?;
        ensure!(self.rows == count(database, &self.tables)?, "the copy has a different number of rows");
        Ok(elapsed)
    }
}

/// How the names of tables end that FTS5 keeps the words of a search in.
const SEARCH_WORDS: &str = "__search_words";

impl Table {
    fn read(database: &Path, name: String) -> Result<Self> {
        let of_table = format!("FROM sqlite_schema WHERE tbl_name = '{name}' AND sql IS NOT NULL ORDER BY type DESC");
        // The shell imports every value as text, which a strict table refuses.
        let schema = shell::lines(database, &format!("SELECT replace(sql, char(10), ' ') {of_table}"))?;
        let loose = |sql: &String| format!("{};", sql.replace(") STRICT, ", ") ").trim_end_matches(" STRICT"));
        let schema = schema.iter().map(loose);
        let columns = shell::lines(database, &format!("SELECT name || '|' || type FROM pragma_table_info('{name}')"))?;
        let columns =
            columns.iter().filter_map(|column| column.split_once('|')).map(|(column, kind)| exported(column, kind));
        Ok(Self { schema: schema.collect(), columns: columns.collect(), name })
    }

    /// The table with the words that this one finds, if it is one of FTS5.
    fn words_of(&self) -> Option<String> {
        self.name.strip_suffix("_words").filter(|_| self.name.ends_with(SEARCH_WORDS)).map(str::to_owned)
    }
}

/// CSV cannot contain NUL bytes, so a key is exported as the 16 hexadecimal digits of its first half. These are as long
/// as the key and equally distinct, because one process created all keys in order of time.
fn exported(column: &str, kind: &str) -> String {
    if kind == "BLOB" { format!("substr(hex(\"{column}\"), 1, 16)") } else { format!("\"{column}\"") }
}

fn import_script(workshop: &Workshop, database: &Path, tables: &[Table]) -> Result<PathBuf> {
    let mut script = String::from("PRAGMA journal_mode = WAL;\nPRAGMA synchronous = FULL;\nBEGIN;\n");
    for table in tables {
        let Table { name, schema, columns } = table;
        for statement in schema {
            script.push_str(statement);
            script.push('\n');
        }
        if let Some(words) = table.words_of() {
            let columns = columns.join(", ");
            let _ = writeln!(script, "INSERT INTO {name} (rowid, {columns}) SELECT doc, {columns} FROM {words};");
            continue;
        }
        let rows = workshop.scratch.join(format!("{name}.csv"));
        let export = format!("SELECT {} FROM \"{name}\"", columns.join(", "));
        fs::write(&rows, output(Command::new("sqlite3").arg("-csv").arg(database).arg(export))?)?;
        let _ = writeln!(script, ".import --csv {} {name}", rows.display());
    }
    script.push_str("COMMIT;\n");
    let path = workshop.scratch.join("import.sql");
    fs::write(&path, script).context("cannot write the import script")?;
    Ok(path)
}

/// The number of rows, without those of searches.
fn count(database: &Path, tables: &[Table]) -> Result<u32> {
    let counted = tables.iter().filter(|table| !table.name.contains("__search"));
    counted.map(|table| rows_of(database, &table.name)).sum()
}

fn rows_of(database: &Path, table: &str) -> Result<u32> {
    let rows = shell::lines(database, &format!("SELECT count(*) FROM \"{table}\""))?;
    rows.first().context("a count")?.parse().context("a count")
}
