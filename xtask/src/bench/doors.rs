use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

use super::load::{Rate, Target, Targets};
use super::report::{Compared, Report};
use super::server::Server;
use super::{Options, Workshop, dataset};

const CLIENTS: [usize; 4] = [1, 16, 64, 256];
const READERS: usize = 64;
const MIXED: usize = 32;
/// How many times more creates than with one commit and fsync each.
const PER_FSYNC: f64 = 10.0;

/// The requests of every measurement, sent by accounts that may send them.
#[derive(Debug)]
struct Requests {
    reads: Targets,
    lists: Targets,
    creates: Targets,
    /// The answers of a read and a list, which the control sends.
    read_answer: Vec<u8>,
    list_answer: Vec<u8>,
}

/// Measures reads, lists and creates over HTTP, alternating with their controls.
pub(crate) fn measure(workshop: &Workshop, options: &Options, report: &mut Report) -> Result<()> {
    eprintln!("xtask: seeding {} records", dataset::NOTES);
    let application = dataset::prepare(&workshop.root, &workshop.scratch)?;
    let server = Server::backstay(workshop, &application, &workshop.scratch.join("data"))?;
    let requests = requests(workshop, &server)?;
    let bare_read = Server::constant(workshop, "control-read", &requests.read_answer)?;
    let bare_list = Server::constant(workshop, "control-list", &requests.list_answer)?;
    let bare_insert = Server::inserting(workshop, 256)?;
    let insert_each = Server::inserting(workshop, 1)?;

    let bench = Bench { options, server: &server };
    let reads = Work { name: "read by id, authenticated, rule applied", requests: &requests.reads, clients: READERS };
    let lists = Work { name: "list of 20 with a relation", requests: &requests.lists, clients: READERS };
    let mut rows = vec![bench.compare(&reads, &bare_read, 0.45)?, bench.compare(&lists, &bare_list, 0.2)?];
    let mut bare_at_64 = f64::INFINITY;
    for clients in CLIENTS {
        let name = format!("durable create with a membership rule, {clients} clients");
        let mut row = bench.compare(&Work { name: &name, requests: &requests.creates, clients }, &bare_insert, 0.4)?;
        if clients == 64 {
            bare_at_64 = row.control;
        } else {
            row.floor = None;
        }
        rows.push(row);
    }
    let name = "the same, 64 clients, against one commit and fsync per row";
    let work = Work { name, requests: &requests.creates, clients: 64 };
    let mut row = bench.compare(&work, &insert_each, PER_FSYNC)?;
    // If even the bare group commit misses the floor, fsync is too fast on this disk to show a difference.
    let bare = bare_at_64 / row.control;
    if bare < PER_FSYNC {
        row.floor = None;
        let _ = write!(row.remark, "; an fsync is so fast here that the bare group commit reaches {bare:.1} itself");
    }
    rows.push(row);
    report.compare("doors", "per second", &rows);

    let (reads, creates) = requests.reads.send_with(&requests.creates, &server, MIXED, options.seconds)?;
    let row = |what: &str, rate: &Rate| {
        let Rate { per_second, median, p99 } = rate;
        (format!("{MIXED} readers and {MIXED} writers: {what}"), format!("{per_second:.0}/s, {median}, 99 %: {p99}"))
    };
    let resident = format!("{:.1} MiB", server.resident_mib()?);
    report
        .list("mixed", &[row("reads", &reads), row("creates", &creates), ("memory after all of it".into(), resident)]);
    Ok(())
}

/// Work to measure.
#[derive(Debug)]
struct Work<'a> {
    name: &'a str,
    requests: &'a Targets,
    clients: usize,
}

#[derive(Debug)]
struct Bench<'a> {
    options: &'a Options,
    server: &'a Server,
}

impl Bench<'_> {
    /// Has the server and a control do the same work alternately, and takes the median of all rounds.
    fn compare(&self, work: &Work<'_>, control: &Server, floor: f64) -> Result<Compared> {
        let Work { name, requests, clients } = *work;
        eprintln!("xtask: {name}");
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for _ in 0..self.options.rounds {
            ours.push(requests.send(self.server, clients, self.options.seconds)?);
            theirs.push(requests.send(control, clients, self.options.seconds)?);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let remark = format!("{}, 99 %: {}; control {}, 99 %: {}", ours.median, ours.p99, theirs.median, theirs.p99);
        Ok(Compared {
            work: name.to_owned(),
            measured: ours.per_second,
            control: theirs.per_second,
            floor: Some(floor),
            remark,
        })
    }
}

fn median(mut rates: Vec<Rate>) -> Rate {
    rates.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rates.swap_remove(rates.len() / 2)
}

fn requests(workshop: &Workshop, server: &Server) -> Result<Requests> {
    let mut client = server.client()?;
    let tokens: Vec<String> = (0..dataset::ACCOUNTS)
        .map(|account| client.sign_in(&dataset::email(account), dataset::PASSWORD))
        .collect::<Result<_>>()?;
    let sections = ids(&client.get("/api/sections?limit=500&select=id,slug")?, "slug")?;
    let readable = readable(&mut client)?;
    ensure!(readable.len() >= 5000, "only {} notes can be read", readable.len());

    let read_paths: Vec<String> = readable.iter().map(|id| format!("/api/notes/{id}")).collect();
    let list_paths: Vec<String> = sections.iter().map(|(_, id)| list_path(id)).collect();
    let bodies: Vec<(usize, String)> = (0..4096).filter_map(|note| proposal(note, &sections)).collect();
    let token = |index: usize| Some(tokens[index % tokens.len()].as_str());
    let posts = bodies.iter().map(|(account, body)| Target {
        method: "POST",
        path: "/api/notes",
        token: token(*account),
        body: Some(body),
    });
    Ok(Requests {
        reads: Targets::write(workshop, "reads", gets(&read_paths, &tokens))?,
        lists: Targets::write(workshop, "lists", gets(&list_paths, &tokens))?,
        creates: Targets::write(workshop, "creates", posts)?,
        read_answer: client.send("GET", &read_paths[0], None)?.body,
        list_answer: client.send("GET", &list_paths[0], None)?.body,
    })
}

fn gets<'a>(paths: &'a [String], tokens: &'a [String]) -> impl Iterator<Item = Target<'a>> {
    paths.iter().zip(tokens.iter().cycle()).map(|(path, token)| Target {
        method: "GET",
        path,
        token: Some(token),
        body: None,
    })
}

/// The ids of 10,000 records that everyone may read.
fn readable(client: &mut super::client::Client) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut path = "/api/notes?public=true&select=id,title&limit=500".to_owned();
    for _ in 0..20 {
        let page = client.get(&path)?;
        let next = page["next"].as_str().map(str::to_owned);
        all.extend(ids(&page, "title")?.into_iter().map(|(_, id)| id));
        let Some(next) = next else { break };
        path = format!("/api/notes?public=true&select=id,title&limit=500&after={next}");
    }
    Ok(all)
}

pub(crate) fn list_path(section: &str) -> String {
    format!("/api/notes?section={section}&sort=-createdAt&limit=20&select=title,createdAt,author{{name}}")
}

/// A record to create, sent by a member of its section.
pub(crate) fn proposal(note: usize, sections: &[(String, String)]) -> Option<(usize, String)> {
    let account = note % dataset::ACCOUNTS;
    let own: Vec<String> = dataset::sections_of(account).collect();
    let slug = &own[note / dataset::ACCOUNTS % own.len()];
    let section = sections.iter().find(|(name, _)| name == slug).map(|(_, id)| id)?;
    let body = dataset::body(note);
    Some((account, format!("{{\"title\":\"Made {note}\",\"body\":\"{body}\",\"section\":\"{section}\"}}")))
}

/// The text of a field and the id of every record of a page.
pub(crate) fn ids(page: &serde_json::Value, field: &str) -> Result<Vec<(String, String)>> {
    let records = page["items"].as_array().context("the page has no items")?;
    let text = |record: &serde_json::Value, name: &str| {
        record[name].as_str().map(str::to_owned).with_context(|| format!("a record has no {name}"))
    };
    records.iter().map(|record| Ok((text(record, field)?, text(record, "id")?))).collect()
}
