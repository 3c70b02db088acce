use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cost::Cost;
use super::report::Report;
use super::{Options, Workshop, shell};
use crate::commands::output;

const MODEL: &str = include_str!("migrate.graphql");

const CUSTOMERS: u32 = 10_000;
/// A table may be written anew in at most this many times the time of the control.
const SLOWEST_REWRITE: f64 = 2.0;
/// A change that writes no record may read the table, in at most this share of the time of the control.
const SLOWEST_READING: f64 = 0.1;
/// The longest that a change which touches no record may take, with the start of the program.
const LONGEST_QUICK: Duration = Duration::from_millis(50);
const MOST_MEMORY_MIB: f64 = 100.0;
/// Types of the model whose rules change.
const TYPES: usize = 50;

/// A change of the model, and what it may cost.
struct Change {
    name: &'static str,
    edits: &'static [(&'static str, &'static str)],
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Bound {
    /// So much of the control's time.
    Control(f64),
    /// So long.
    Time(Duration),
    /// None but that of memory.
    Memory,
}

const CHANGES: &[Change] = &[
    Change {
        name: "a new required field with a backfill",
        edits: &[("  note: String\n", "  note: String\n  doubled: Int! @backfill(from: \"this.number * 2\")\n")],
        bound: Bound::Control(SLOWEST_REWRITE),
    },
    Change {
        name: "a conversion from String to Int",
        edits: &[("reference: String!", "reference: Int!")],
        bound: Bound::Control(SLOWEST_REWRITE),
    },
    Change {
        name: "a new required field with a default",
        edits: &[("  note: String\n", "  note: String\n  priority: Int! @default(to: 3)\n")],
        bound: Bound::Control(SLOWEST_READING),
    },
    Change {
        name: "another rule",
        edits: &[("create: \"clerk\"", "create: \"clerk && this.number > 0\"")],
        bound: Bound::Time(LONGEST_QUICK),
    },
    Change {
        name: "another name for a field with an index",
        edits: &[
            ("\"placedAt\"", "\"orderedAt\""),
            ("placedAt: DateTime!", "orderedAt: DateTime! @renamed(from: \"placedAt\")"),
        ],
        bound: Bound::Memory,
    },
];

/// Applies changes of the model to a table with many rows, and compares with SQLite's own copy of that table.
pub(crate) fn measure(workshop: &Workshop, options: &Options, report: &mut Report) -> Result<()> {
    let rows = options.rows;
    eprintln!("xtask: making {rows} rows");
    let base = workshop.scratch.join("migrate");
    write_model(&base, MODEL)?;
    apply(workshop, &base)?;
    shell::script(&database(&base), &filling(rows))?;

    let control = control(workshop, &base)?;
    let mut table =
        String::from("| change | time | of the control's time | at most | peak memory |\n|---|--:|--:|--:|--:|\n");
    let _ = writeln!(table, "| control: `CREATE TABLE … AS SELECT`, indexes | {} | 1.00 |  |  |", shown(control));
    for change in CHANGES {
        eprintln!("xtask: {}", change.name);
        let cost = match change.bound {
            Bound::Time(_) => median(options.rounds, || carry_out(workshop, &base, change))?,
            Bound::Control(_) | Bound::Memory => carry_out(workshop, &base, change)?,
        };
        row(&mut table, (change.name, change.bound), &cost, control);
        if cost.memory_mib > MOST_MEMORY_MIB {
            report.fail([format!("{}: {:.0} MiB", change.name, cost.memory_mib)]);
        }
    }
    for (name, edit) in [("nothing", ("", "")), ("a rule of each type", ("auth.id != null", "auth.id != null && true"))]
    {
        let name = format!("{name}, {TYPES} types without records");
        row(&mut table, (&name, Bound::Memory), &median(options.rounds, || reopened(workshop, edit))?, control);
    }
    report.table("migrate", table);
    Ok(())
}

fn row(table: &mut String, (name, bound): (&str, Bound), cost: &Cost, control: Duration) {
    let ratio = cost.elapsed.as_secs_f64() / control.as_secs_f64();
    let (most, is_reached) = match bound {
        Bound::Control(most) => (format!("{most} ×"), ratio <= most),
        Bound::Time(most) => (shown(most), cost.elapsed <= most),
        Bound::Memory => (String::new(), true),
    };
    let missed = if is_reached { "" } else { " **missed**" };
    let (time, memory) = (shown(cost.elapsed), cost.memory_mib);
    let mark = if memory > MOST_MEMORY_MIB { " **missed**" } else { "" };
    let _ = writeln!(table, "| {name} | {time} | {ratio:.2} | {most}{missed} | {memory:.0} MiB{mark} |");
}

fn shown(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.0} ms", time.as_secs_f64() * 1000.0)
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

/// What the measurement in the middle costs.
fn median(rounds: usize, measure: impl Fn() -> Result<Cost>) -> Result<Cost> {
    let mut costs = (0..rounds).map(|_| measure()).collect::<Result<Vec<_>>>()?;
    costs.sort_by_key(|cost| cost.elapsed);
    Ok(costs.swap_remove(rounds / 2))
}

fn carry_out(workshop: &Workshop, base: &Path, change: &Change) -> Result<Cost> {
    let application = copy(workshop, base)?;
    let mut model = MODEL.to_owned();
    for (from, to) in change.edits {
        ensure!(model.contains(from), "the model has no {from:?}");
        model = model.replace(from, to);
    }
    write_model(&application, &model)?;
    apply(workshop, &application)
}

/// Applies a model of many types again, with this edit.
fn reopened(workshop: &Workshop, (from, to): (&str, &str)) -> Result<Cost> {
    let application = workshop.scratch.join("types");
    if application.exists() {
        fs::remove_dir_all(&application)?;
    }
    let model = model_of_types();
    write_model(&application, &model)?;
    apply(workshop, &application)?;
    write_model(&application, &if from.is_empty() { model } else { model.replace(from, to) })?;
    apply(workshop, &application)
}

/// A model of many types that refer to each other, with a rule and an index each.
pub(crate) fn model_of_types() -> String {
    let mut model = String::from("extend schema @app(name: \"Types\")\n");
    for number in 0..TYPES {
        let before = number.saturating_sub(1);
        let _ = writeln!(
            model,
            "type Thing{number} @allow(read: \"auth.id != null\", update: \"this.one.text != 'a'\") @index(fields: [\"text\", \"number\"]) {{ \
             text: String! @unique number: Int price: Decimal one: Thing{before} at: DateTime flag: Boolean }}"
        );
    }
    model
}

pub(crate) fn write_model(application: &Path, model: &str) -> Result<()> {
    let directory = application.join("model");
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    fs::write(directory.join("app.graphql"), model).context("writing the model")
}

/// A copy of the application with its database. The operating system has written it to the disk.
fn copy(workshop: &Workshop, base: &Path) -> Result<PathBuf> {
    let copy = workshop.scratch.join("migrated");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    fs::create_dir_all(copy.join(".backstay"))?;
    fs::copy(database(base), database(&copy)).context("copying the database")?;
    File::open(database(&copy))?.sync_all()?;
    Ok(copy)
}

fn database(application: &Path) -> PathBuf {
    application.join(".backstay/backstay.db")
}

/// Runs `backstay migrate apply`, and watches how much memory it takes.
fn apply(workshop: &Workshop, application: &Path) -> Result<Cost> {
    let mut command = Command::new(workshop.program("backstay"));
    command.args(["migrate", "apply"]).arg(application);
    Cost::of(&mut command, &workshop.scratch.join("migrate.log"))
}

/// The time that SQLite takes to copy the table with its indexes, with the same settings.
fn control(workshop: &Workshop, base: &Path) -> Result<Duration> {
    eprintln!("xtask: copying the table with sqlite3");
    let copy = copy(workshop, base)?;
    let indexes = output(Command::new("sqlite3").arg(database(&copy)).arg(
        "SELECT replace(replace(sql, 'ON \"order\"', 'ON copy'), 'INDEX \"', 'INDEX \"copy_') || ';' FROM sqlite_schema \
         WHERE type = 'index' AND tbl_name = 'order' AND sql IS NOT NULL",
    ))?;
    ensure!(indexes.lines().count() == 3, "the table has other indexes:\n{indexes}");
    let script = format!(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384; PRAGMA temp_store = FILE;\n\
         BEGIN;\nCREATE TABLE copy AS SELECT * FROM \"order\";\nCREATE UNIQUE INDEX copy_id ON copy (id);\n{indexes}\
         DROP TABLE \"order\";\nCOMMIT;\nPRAGMA wal_checkpoint(TRUNCATE);"
    );
    shell::script(&database(&copy), &script)
}

/// The statements that fill the tables. Ids grow, as those of Backstay do.
fn filling(rows: u32) -> String {
    // 16 bytes, as an id has.
    let id = |number: &str| format!("CAST(printf('%016d', {number}) AS BLOB)");
    let moment = "1700000000000000 + n * 1000";
    let numbers = |count| {
        format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})")
    };
    format!(
        "BEGIN;\n\
         INSERT INTO customer (id, created_at, updated_at, version, email, name) {} \
         SELECT {}, {moment}, {moment}, 1, 'customer' || n || '@example.org', 'Customer ' || n FROM numbers;\n\
         INSERT INTO \"order\" (id, created_at, updated_at, version, number, reference, state, placed_at, total, note, customer_id) {} \
         SELECT {}, {moment}, {moment}, 1, n, CAST(n * 7919 AS TEXT), \
         CASE n % 3 WHEN 0 THEN 'NEW' WHEN 1 THEN 'PAID' ELSE 'SENT' END, {moment} + n % 977, n * 100, \
         'Please leave order ' || n || ' at the door of the neighbours if nobody is at home.', {} FROM numbers;\n\
         COMMIT;\nPRAGMA wal_checkpoint(TRUNCATE);",
        numbers(CUSTOMERS),
        id("n"),
        numbers(rows),
        id("n"),
        id(&format!("(n * 31 % {CUSTOMERS} + 1)")),
    )
}
