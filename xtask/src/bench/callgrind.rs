use std::fs;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

use super::client::Client;
use super::report::Report;
use super::server::Server;
use super::{Workshop, dataset, doors};
use crate::commands::output;

const WARM_UP: usize = 300;
const COUNTED: usize = 1000;

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
    for (what, request) in
        [("read by id", &asked.reads), ("list of 20 with a relation", &asked.lists), ("create", &asked.creates)]
    {
        let each = count(workshop, &server, &mut client, request)?;
        rows.push((format!("{what}: instructions per request"), thousands(each)));
    }
    report.list("callgrind", &rows);
    Ok(())
}

/// A method with the paths and bodies to alternate between.
struct Asked {
    reads: Vec<(&'static str, String, Option<String>)>,
    lists: Vec<(&'static str, String, Option<String>)>,
    creates: Vec<(&'static str, String, Option<String>)>,
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
            reads: notes.iter().map(|(_, id)| ("GET", format!("/api/notes/{id}"), None)).collect(),
            lists: sections.iter().map(|(_, id)| ("GET", doors::list_path(id), None)).collect(),
            creates: (0..500).map(|note| ("POST", "/api/notes".to_owned(), Some(create(note)))).collect(),
        })
    }
}

fn count(
    workshop: &Workshop,
    server: &Server,
    client: &mut Client,
    requests: &[(&str, String, Option<String>)],
) -> Result<u64> {
    let mut send = |times: usize| -> Result<()> {
        for (method, path, body) in requests.iter().cycle().take(times) {
            let answer = client.send(method, path, body.as_deref())?;
            ensure!(answer.status < 300, "status {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(())
    };
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
