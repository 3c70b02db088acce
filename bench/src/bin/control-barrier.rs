//! What the planner's barrier costs: runs statements of Backstay's as they are, and with a plain `AND` in the place of
//! `CASE WHEN rule THEN filter ELSE FALSE END`, in turns. Prints the times and the steps of both as JSON.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _, stdin, stdout};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, StatementStatus};
use serde_json::{Value, json};

#[derive(Debug, Parser)]
struct Options {
    /// Database file to read from.
    #[arg(long)]
    database: PathBuf,
    /// How often each statement is run.
    #[arg(long, default_value_t = 500)]
    runs: usize,
}

/// What one form of a statement took.
#[derive(Debug)]
struct Taken {
    median: Duration,
    steps: i32,
    rows: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { database, runs } = Options::parse();
    let db =
        Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY).context("opening the database")?;
    let mut text = String::new();
    stdin().read_to_string(&mut text).context("reading the statements")?;
    let statements: Vec<Value> = serde_json::from_str(&text).context("reading the statements")?;
    let mut compared = Vec::new();
    for statement in &statements {
        let sql = statement["sql"].as_str().context("a statement has no text")?;
        let values: Vec<Sql> =
            statement["values"].as_array().context("a statement has no values")?.iter().map(value).collect();
        let plain = plain(sql).with_context(|| format!("there is no barrier in {sql}"))?;
        let [barrier, plain] = in_turns(&db, [sql, &plain], (&values, runs))?;
        ensure!(barrier.rows == plain.rows, "{} rows, but {} of {sql}", plain.rows, barrier.rows);
        let shown = |taken: &Taken| json!({"nanos": taken.median.as_nanos(), "steps": taken.steps, "rows": taken.rows});
        compared.push(json!({"barrier": shown(&barrier), "plain": shown(&plain)}));
    }
    writeln!(stdout(), "{}", Value::from(compared)).context("writing the figures")?;
    Ok(())
}

/// Runs two statements in turns, so that both meet the same machine.
fn in_turns(db: &Connection, statements: [&str; 2], (values, runs): (&[Sql], usize)) -> Result<[Taken; 2]> {
    let mut times = [Vec::with_capacity(runs), Vec::with_capacity(runs)];
    let mut last = [(0, 0), (0, 0)];
    for _ in 0..runs {
        for (form, sql) in statements.iter().enumerate() {
            let mut prepared = db.prepare_cached(sql)?;
            prepared.reset_status(StatementStatus::VmStep);
            let begin = Instant::now();
            let mut rows = prepared.query(rusqlite::params_from_iter(values))?;
            let mut count = 0;
            while rows.next()?.is_some() {
                count += 1;
            }
            times[form].push(begin.elapsed());
            drop(rows);
            last[form] = (prepared.get_status(StatementStatus::VmStep), count);
        }
    }
    let taken = |form: usize| {
        let mut sorted = times[form].clone();
        sorted.sort_unstable();
        Taken { median: sorted[sorted.len() / 2], steps: last[form].0, rows: last[form].1 }
    };
    Ok([taken(0), taken(1)])
}

/// A value as an explanation shows it, perhaps after a name and `=`: an id, a number, a text in quotes, or a truth value.
fn value(shown: &Value) -> Sql {
    let Some(text) = shown.as_str() else { return Sql::Null };
    let text = text.split_once(" = ").map_or(text, |(_, value)| value);
    let quoted = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    let unquoted = quoted('\'').or_else(|| quoted('"')).unwrap_or(text);
    if let Some(bytes) = id(unquoted) {
        return Sql::Blob(bytes);
    }
    match text {
        "true" => Sql::Integer(1),
        "false" => Sql::Integer(0),
        "null" => Sql::Null,
        _ => text.parse().map_or_else(|_| Sql::Text(unquoted.to_owned()), Sql::Integer),
    }
}

/// The bytes of a UUID.
fn id(text: &str) -> Option<Vec<u8>> {
    let hex: String = text.chars().filter(|character| *character != '-').collect();
    let is_uuid = text.len() == 36 && hex.len() == 32 && hex.is_ascii();
    let byte = |at: usize| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok();
    if is_uuid { (0..16).map(byte).collect() } else { None }
}

/// The statement with `(rule) AND (filter)` in the place of each barrier; `None` if it has none.
fn plain(sql: &str) -> Option<String> {
    const BEGIN: &str = "CASE WHEN ";
    const END: &str = " ELSE FALSE END";
    let mut rest = sql;
    let mut out = String::new();
    while let Some(at) = rest.find(BEGIN) {
        let within = &rest[at + BEGIN.len()..];
        let barrier = at_depth(within, " THEN ").and_then(|then| {
            let filter = &within[then + " THEN ".len()..];
            let end = at_depth(filter, END)?;
            Some((&within[..then], &filter[..end], &filter[end + END.len()..]))
        });
        if let Some((rule, filter, after)) = barrier {
            // A text takes whatever is written to it.
            let _ = write!(out, "{}(({rule}) AND ({filter}))", &rest[..at]);
            rest = after;
        } else {
            out.push_str(&rest[..at + BEGIN.len()]);
            rest = within;
        }
    }
    out.push_str(rest);
    (out != sql).then_some(out)
}

/// Where a word stands that is in no parentheses and in no other CASE.
fn at_depth(text: &str, word: &str) -> Option<usize> {
    let (mut depth, mut cases) = (0_i32, 0_i32);
    for (at, character) in text.char_indices() {
        let here = &text[at..];
        if depth == 0 && cases == 0 && here.starts_with(word) {
            return Some(at);
        }
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            'C' if here.starts_with("CASE WHEN ") => cases += 1,
            'E' if here.starts_with("END") && text[..at].ends_with(' ') => cases -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_barrier_becomes_a_plain_and() {
        let check = |sql: &str, expected: Option<&str>| assert_eq!(plain(sql).as_deref(), expected, "{sql}");
        check("SELECT 1 WHERE a = 1", None);
        check(
            "WHERE s = ? AND (CASE WHEN (a = 0 OR EXISTS(SELECT 1)) THEN b = ? ELSE FALSE END) LIMIT ?",
            Some("WHERE s = ? AND ((((a = 0 OR EXISTS(SELECT 1))) AND (b = ?))) LIMIT ?"),
        );
        check("(CASE WHEN (a) THEN b ELSE c END)", None);
    }

    #[test]
    fn values_are_read_as_they_are_shown() {
        assert_eq!(value(&json!("7")), Sql::Integer(7));
        assert_eq!(value(&json!("limit = 21")), Sql::Integer(21));
        assert_eq!(value(&json!("'a b'")), Sql::Text("a b".to_owned()));
        let id = value(&json!("00000000-0000-0000-0000-0000000000ff"));
        assert_eq!(id, Sql::Blob([[0; 15].as_slice(), &[255]].concat()));
    }
}
