use std::collections::HashMap;
use std::fs;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::client::{Client, Request};
use super::migrate::write_model;
use super::report::{Report, percent};
use super::server::Server;
use super::{Workshop, dataset, doors};
use crate::commands::output;

const WARM_UP: usize = 300;
const COUNTED: usize = 1000;
/// The files in which requests take turns and are held to their limits.
const SHARES: &[&str] = &[
    "base/src/fair_queue.rs",
    "base/src/memory.rs",
    "store/src/interest.rs",
    "store/src/sqlite/allowance.rs",
    "store/src/sqlite/log_bound.rs",
    "store/src/sqlite/long_reads.rs",
    "store/src/sqlite/turns.rs",
];
/// The most of a request that these may take, in thousandths.
const MOST_FOR_SHARES: u64 = 30;
/// The most that a stored sum may add to a create, in thousandths.
const MOST_FOR_A_SUM: u64 = 150;

const SUMS: &str = include_str!("sums.graphql");

/// Counts instructions per request: one client, one connection, the release build under valgrind. Counts vary by about
/// 1 % between runs on the same kind of machine, whatever its load.
pub(crate) fn measure(workshop: &Workshop, report: &mut Report) -> Result<()> {
    eprintln!("xtask: seeding {} records", dataset::NOTES);
    let application = dataset::prepare(&workshop.root, &workshop.scratch)?;
    let data = workshop.scratch.join("data");
    Server::backstay(workshop, &application, &data)?.stop()?;

    eprintln!("xtask: starting under callgrind");
    let server = Server::counted(workshop, &application, &data)?;
    let mut client = server.client()?;
    client.sign_in(&dataset::email(0), dataset::PASSWORD)?;
    let asked = Asked::prepare(&mut client)?;
    let mut rows = Vec::new();
    for (what, requests) in
        [("read by id", &asked.reads), ("list of 20 with a relation", &asked.lists), ("create", &asked.creates)]
    {
        let Counted { each, shares } = count(workshop, &server, &mut client, requests)?;
        rows.push((format!("{what}: instructions per request"), thousands(each)));
        let part = shares * 1000 / each;
        let missed = if part > MOST_FOR_SHARES { " **missed**" } else { "" };
        let most = percent(MOST_FOR_SHARES);
        rows.push((
            format!("{what}: of these, for turns and limits (at most {most})"),
            format!("{}{missed}", percent(part)),
        ));
    }
    server.stop()?;
    rows.push(stored_sum(workshop)?);
    report.list("callgrind", &rows);
    Ok(())
}

/// Compares creates that keep a stored sum with creates that don't.
fn stored_sum(workshop: &Workshop) -> Result<(String, String)> {
    let application = workshop.scratch.join("sums");
    write_model(&application, SUMS)?;
    fs::create_dir_all(application.join("seed"))?;
    fs::write(application.join("seed/User.jsonl"), dataset::account(0)).context("writing the account")?;
    let data = workshop.scratch.join("sums-data");
    Server::backstay(workshop, &application, &data)?.stop()?;
    let server = Server::counted(workshop, &application, &data)?;
    let mut client = server.client()?;
    client.sign_in(&dataset::email(0), dataset::PASSWORD)?;
    let mut counted = |parents: &str, children: &str, relation: &str| -> Result<u64> {
        let parent = client.send("POST", &format!("/api/{parents}"), Some(r#"{"name":"A"}"#))?.json()?;
        let parent = parent["id"].as_str().context("the parent has no id")?;
        let body = format!(r#"{{"{relation}":"{parent}","quantity":2}}"#);
        let request = Request::post(format!("/api/{children}"), body);
        count(workshop, &server, &mut client, &[request]).map(|counted| counted.each)
    };
    let without = counted("racks", "deposits", "rack")?;
    let with = counted("stocks", "reservations", "stock")?;
    server.stop()?;
    let more = with.saturating_sub(without) * 1000 / without;
    let missed = if more > MOST_FOR_A_SUM { " **missed**" } else { "" };
    Ok((
        format!("create with a stored sum of one parent: more than without (at most {})", percent(MOST_FOR_A_SUM)),
        format!("{}{missed}", percent(more)),
    ))
}

/// Instructions of one request.
struct Counted {
    each: u64,
    /// Those that take turns and keep limits.
    shares: u64,
}

/// Requests to alternate between.
struct Asked {
    reads: Vec<Request>,
    lists: Vec<Request>,
    creates: Vec<Request>,
}

impl Asked {
    fn prepare(client: &mut Client) -> Result<Self> {
        let sections = doors::ids(&client.get("/api/sections?limit=500&select=id,slug")?, "slug")?;
        let notes = doors::ids(&client.get("/api/notes?public=true&select=id,title&limit=500")?, "title")?;
        let own = dataset::sections_of(0).next().context("the account has no section")?;
        let own = sections
            .iter()
            .find(|(slug, _)| *slug == own)
            .map(|(_, id)| id)
            .context("the server does not list the account's section")?;
        let create = |note: usize| {
            let body = dataset::body(note);
            format!("{{\"title\":\"Made {note}\",\"body\":\"{body}\",\"section\":\"{own}\"}}")
        };
        Ok(Self {
            reads: notes.iter().map(|(_, id)| Request::get(format!("/api/notes/{id}"))).collect(),
            lists: sections.iter().map(|(_, id)| Request::get(doors::list_path(id))).collect(),
            creates: (0..500).map(|note| Request::post("/api/notes", create(note))).collect(),
        })
    }
}

fn count(workshop: &Workshop, server: &Server, client: &mut Client, requests: &[Request]) -> Result<Counted> {
    let mut send = |times: usize| requests.iter().cycle().take(times).try_for_each(|request| client.ask(request));
    send(WARM_UP)?;
    control("--zero", server)?;
    send(COUNTED)?;
    control("--dump", server)?;
    let dump = newest_dump(workshop)?;
    let (total, shares) = (total(&dump)?, within(&dump, SHARES));
    Ok(Counted { each: total / COUNTED as u64, shares: shares / COUNTED as u64 })
}

fn control(action: &str, server: &Server) -> Result<()> {
    output(Command::new("callgrind_control").arg(action).arg(server.process().to_string())).map(drop)
}

fn newest_dump(workshop: &Workshop) -> Result<String> {
    let dumps = fs::read_dir(&workshop.scratch)?.flatten();
    let dumps = dumps.filter(|file| file.file_name().to_string_lossy().starts_with("callgrind.out."));
    // A dump without a time is not the newest.
    let written =
        |file: &fs::DirEntry| file.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let newest = dumps.max_by_key(written).context("callgrind wrote no dump")?;
    fs::read_to_string(newest.path()).context("cannot read the dump")
}

/// The number of instructions in a dump.
fn total(dump: &str) -> Result<u64> {
    let line = dump.lines().find_map(|line| line.strip_prefix("totals:")).context("the dump has no totals")?;
    line.trim().parse().context("the dump has no totals")
}

/// The instructions of these source files in a dump, with those of what they call in others. See "Callgrind Format
/// Specification" in Valgrind's manual.
fn within(dump: &str, files: &[&str]) -> u64 {
    let mut known: HashMap<&str, bool> = HashMap::new();
    let (mut here, mut called, mut is_call, mut sum) = (false, None, false, 0);
    for line in dump.lines() {
        if let Some(file) = ["fl=", "fi=", "fe="].iter().find_map(|key| line.strip_prefix(key)) {
            here = is_one(&mut known, file, files);
        } else if let Some(file) = ["cfi=", "cfl="].iter().find_map(|key| line.strip_prefix(key)) {
            called = Some(is_one(&mut known, file, files));
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost: u64 = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
            let counts_there = is_call && called.take().unwrap_or(here);
            if here && !counts_there {
                sum += cost;
            }
            is_call = false;
        }
    }
    sum
}

/// Whether a file is one of these. Its name stands beside its number once, and its number alone from then on.
fn is_one<'d>(known: &mut HashMap<&'d str, bool>, named: &'d str, files: &[&str]) -> bool {
    match named.split_once(' ') {
        Some((number, name)) => {
            let one = files.iter().any(|file| name.ends_with(file));
            known.insert(number, one);
            one
        }
        None => known.get(named).copied().unwrap_or(false),
    }
}

/// `1234567` → `1 234 567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_has_its_own_instructions_and_those_of_what_it_calls_elsewhere() {
        let dump = "fl=(1) a/main.rs\nfn=(1) main\n1 100\ncfi=(2) a/turns.rs\ncfn=(2) next\ncalls=1 5\n2 60\n\
                    fl=(2)\nfn=(2)\n5 20\ncfi=(2)\ncfn=(3)\ncalls=1 9\n6 25\ncfi=(3) std/map.rs\ncfn=(4)\ncalls=1 1\n\
                    +1 15\nfn=(3)\n9 25\nfi=(3)\n4 7\nfe=(2)\n* 3\ntotals: 230\n";
        assert_eq!(super::within(dump, &["turns.rs"]), 20 + 15 + 25 + 3);
        assert_eq!(super::total(dump).expect("a total"), 230);
    }

    #[test]
    fn numbers_are_grouped() {
        let check = |number, expected: &str| assert_eq!(super::thousands(number), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1 000");
        check(1_234_567, "1 234 567");
    }
}
