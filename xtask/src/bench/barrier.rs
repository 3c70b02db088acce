use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::migrate::write_model;
use super::report::{Report, percent};
use super::seeding;
use super::server::Server;
use super::{Workshop, dataset};
use crate::commands::output;

const MODEL: &str = include_str!("barrier.graphql");
const RECORDS: usize = 20_000;

/// A list whose rule and filter are both evaluated on every record that it passes.
struct Compared {
    what: &'static str,
    request: &'static str,
    /// The most that the barrier may add, in thousandths.
    most: u64,
}

const LISTS: [Compared; 2] = [
    Compared {
        what: "list of 20 under a rule about a column of its own",
        request: "GET /api/owns?filter=title!='none'&sort=number&limit=20",
        most: 30,
    },
    Compared {
        what: "list of 20 under a rule that follows a relation",
        request: "GET /api/relateds?filter=title!='none'&sort=number&limit=20",
        most: 100,
    },
];

/// Compares the statements that Backstay makes, in which a rule comes before the caller's filter, with the same ones in which SQLite
/// may evaluate either first.
pub(crate) fn measure(workshop: &Workshop, report: &mut Report) -> Result<()> {
    let application = workshop.scratch.join("barrier");
    write_model(&application, MODEL)?;
    let seed = application.join("seed");
    fs::create_dir_all(&seed)?;
    for (name, lines) in seeds() {
        fs::write(seed.join(format!("{name}.jsonl")), lines).with_context(|| format!("writing {name}.jsonl"))?;
    }
    let data = workshop.scratch.join("barrier-data");
    Server::backstay(workshop, &application, &data)?.stop()?;
    let mut statements = Vec::new();
    for list in &LISTS {
        statements.push(statement(workshop, (&application, &data), list.request)?);
    }
    let compared = run(workshop, &seeding::database_in(&data)?, &Value::from(statements))?;
    let mut rows = Vec::new();
    for (list, compared) in LISTS.iter().zip(compared.as_array().context("no figures")?) {
        let figure = |form: &str, figure: &str| compared[form][figure].as_u64().context("a figure is missing");
        for (unit, name) in [("nanos", "time"), ("steps", "steps of SQLite")] {
            let (barrier, plain) = (figure("barrier", unit)?, figure("plain", unit)?);
            let more = barrier.saturating_sub(plain) * 1000 / plain;
            let missed = if more > list.most { " **missed**" } else { "" };
            rows.push((
                format!("{}: more {name} than with a plain `AND` (at most {})", list.what, percent(list.most)),
                format!("{}{missed}", percent(more)),
            ));
        }
    }
    report.list("barrier", &rows);
    Ok(())
}

fn seeds() -> [(&'static str, String); 5] {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).fold(String::new(), |mut lines, number| {
            let _ = writeln!(lines, "{}", line(number));
            lines
        })
    };
    let email = dataset::email(0);
    [
        ("User", dataset::account(0)),
        ("Team", lines(10, &|team| format!("{{\"name\":\"{team}\"}}"))),
        (
            "Member",
            lines(10, &|team| format!("{{\"team\":{{\"name\":\"{team}\"}},\"user\":{{\"email\":\"{email}\"}}}}")),
        ),
        (
            "Own",
            lines(RECORDS, &|at| format!("{{\"number\":{at},\"title\":\"Title {at}\",\"public\":{}}}", at % 2 == 0)),
        ),
        (
            "Related",
            lines(RECORDS, &|at| {
                format!("{{\"number\":{at},\"title\":\"Title {at}\",\"team\":{{\"name\":\"{}\"}}}}", at % 10)
            }),
        ),
    ]
}

/// The statement of a list, as the server explains it.
fn statement(workshop: &Workshop, (application, data): (&Path, &Path), request: &str) -> Result<Value> {
    let mut command = Command::new(workshop.program("backstay"));
    command.args(["explain", "--format", "json", "--as", &dataset::email(0), request]);
    command.arg("--app").arg(application).arg("--data").arg(data);
    let explained: Value = serde_json::from_str(&output(&mut command)?).context("reading the explanation")?;
    let statements = explained["explanation"]["statements"].as_array().context("an explanation has no statements")?;
    let list =
        statements.iter().find(|statement| statement["sql"].as_str().is_some_and(|sql| sql.contains("CASE WHEN")));
    list.cloned().with_context(|| format!("no statement of {request} has a barrier"))
}

fn run(workshop: &Workshop, database: &Path, statements: &Value) -> Result<Value> {
    let mut command = Command::new(workshop.program("control-barrier"));
    command.arg("--database").arg(database).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("starting control-barrier")?;
    let mut input = child.stdin.take().context("control-barrier has no input")?;
    input.write_all(statements.to_string().as_bytes()).context("writing to control-barrier")?;
    drop(input);
    let ended = child.wait_with_output()?;
    ensure!(ended.status.success(), "control-barrier failed with {}", ended.status);
    serde_json::from_slice(&ended.stdout).context("reading the figures of control-barrier")
}
