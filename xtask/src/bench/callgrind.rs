use std::fs;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::client::{Client, Request};
use super::migrate::write_model;
use super::report::Report;
use super::server::Server;
use super::{Workshop, dataset, doors};
use crate::commands::output;

const WARM_UP: usize = 300;
const COUNTED: usize = 1000;
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
        let each = count(workshop, &server, &mut client, requests)?;
        rows.push((format!("{what}: instructions per request"), thousands(each)));
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
        count(workshop, &server, &mut client, &[Request::post(format!("/api/{children}"), body)])
    };
    let without = counted("racks", "deposits", "rack")?;
    let with = counted("stocks", "reservations", "stock")?;
    server.stop()?;
    let percent = |more: u64| format!("{}.{} %", more / 10, more % 10);
    let more = with.saturating_sub(without) * 1000 / without;
    let missed = if more > MOST_FOR_A_SUM { " **missed**" } else { "" };
    Ok((
        format!("create with a stored sum of one parent: more than without (at most {})", percent(MOST_FOR_A_SUM)),
        format!("{}{missed}", percent(more)),
    ))
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

fn count(workshop: &Workshop, server: &Server, client: &mut Client, requests: &[Request]) -> Result<u64> {
    let mut send = |times: usize| requests.iter().cycle().take(times).try_for_each(|request| client.ask(request));
    send(WARM_UP)?;
    control("--zero", server)?;
    send(COUNTED)?;
    control("--dump", server)?;
    Ok(total(workshop)? / COUNTED as u64)
}

fn control(action: &str, server: &Server) -> Result<()> {
    output(Command::new("callgrind_control").arg(action).arg(server.process().to_string())).map(drop)
}

/// The number of instructions in the newest dump.
fn total(workshop: &Workshop) -> Result<u64> {
    let dumps = fs::read_dir(&workshop.scratch)?.flatten();
    let dumps = dumps.filter(|file| file.file_name().to_string_lossy().starts_with("callgrind.out."));
    // A dump without a time is not the newest.
    let written =
        |file: &fs::DirEntry| file.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let newest = dumps.max_by_key(written).context("callgrind wrote no dump")?;
    let text = fs::read_to_string(newest.path()).context("cannot read the dump")?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:")).context("the dump has no totals")?;
    line.trim().parse().context("the dump has no totals")
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
    fn numbers_are_grouped() {
        let check = |number, expected: &str| assert_eq!(super::thousands(number), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1 000");
        check(1_234_567, "1 234 567");
    }
}
