use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::{Client, Request};
use super::cost::Cost;
use super::migrate::write_model;
use super::report::{Compared, Report};
use super::rounds::alternate;
use super::server::{Server, memory_mib};
use super::{Options, Workshop, dataset, shell};
use crate::commands::output;

const MODEL: &str = include_str!("api.graphql");

/// Records of the table that the larger one is compared with.
pub(crate) const FEW: u32 = 10_000;
/// Records of each customer.
const OF_A_CUSTOMER: u32 = 200;
/// What a read of a large table reaches at least of the same read of a small one.
const SIZE: f64 = 0.67;
/// What an aggregate reaches at least of SQL in the `sqlite3` shell.
const AGGREGATE: f64 = 0.8;
/// How often each aggregate is asked for in a round.
const AGGREGATES: u32 = 5;
/// Records that a transaction creates.
const CREATES: usize = 10;
/// How many times more records a second transactions make than single requests, at least.
const TRANSACTION: f64 = 4.0;
/// The most memory that an export may take.
const MOST_MEMORY_MIB: f64 = 100.0;
/// Records, and customers, that are asked for in turn: few, whose pages stay in memory, and many, whose pages don't.
const POPULAR: u32 = 100;
const ANY: u32 = 100_000;
/// A prime: the places of records that are asked for after each other are far apart.
const APART: u64 = 7_368_787;

/// An aggregate, as a request and as one would write it by hand.
const QUESTIONS: [(&str, &str); 3] = [
    ("select=count,sum(quantity)", "SELECT count(*), sum(quantity) FROM sale WHERE quantity > 0"),
    (
        "group=channel&select=count,sum(quantity)",
        "SELECT channel, count(*), sum(quantity) FROM sale WHERE quantity > 0 GROUP BY channel",
    ),
    (
        "group=channel&select=count,sum(quantity),avg(price),max(price)",
        "SELECT channel, count(*), sum(quantity), sum(price) * 1.0 / count(*), max(price) FROM sale \
         WHERE quantity > 0 GROUP BY channel",
    ),
];

/// Measures aggregates, reads of a large table, transactions, and the memory of an export.
pub(crate) fn measure(workshop: &Workshop, options: &Options, report: &mut Report) -> Result<()> {
    let large = Till::open(workshop, "large", options.rows)?;
    let small = Till::open(workshop, "small", FEW)?;
    let mut rows = Vec::new();
    for question in QUESTIONS {
        rows.push(large.aggregate(question, options)?);
    }
    for (popular, floor) in [(POPULAR, Some(SIZE)), (ANY, None)] {
        rows.push(large.compare(("a record by its id", by_id), &small, (popular, floor), options)?);
        rows.push(large.compare(("20 of a customer's 200 records", latest), &small, (popular, floor), options)?);
    }
    rows.push(small.transaction(options)?);
    report.compare("api", "per second", &rows);

    let Till { application, data, server, records } = large;
    server.stop()?;
    let memory = [
        ("`backstay export`", by_command(workshop, (&application, &data), records)?),
        ("`GET …:export`", by_request(workshop, (&application, &data), records)?),
    ];
    let row = |(what, mib): &(&str, f64)| {
        let missed = if *mib > MOST_MEMORY_MIB { " **missed**" } else { "" };
        (format!("{what} of {records} records (at most {MOST_MEMORY_MIB} MiB)"), format!("{mib:.0} MiB{missed}"))
    };
    report.list("export", &memory.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

/// A served application with sales.
struct Till {
    application: PathBuf,
    data: PathBuf,
    server: Server,
    records: u32,
}

impl Till {
    fn open(workshop: &Workshop, name: &str, records: u32) -> Result<Self> {
        eprintln!("xtask: making {records} sales");
        let application = workshop.scratch.join(format!("api-{name}"));
        write_model(&application, MODEL)?;
        fs::create_dir_all(application.join("seed"))?;
        fs::write(application.join("seed/User.jsonl"), dataset::account(0)).context("writing the account")?;
        let data = application.join("data");
        Server::backstay(workshop, &application, &data)?.stop()?;
        shell::script(&data.join("backstay.db"), &filling(records))?;
        let server = Server::backstay(workshop, &application, &data)?;
        Ok(Self { application, data, server, records })
    }

    fn client(&self) -> Result<Client> {
        let mut client = self.server.client()?;
        client.sign_in(&dataset::email(0), dataset::PASSWORD)?;
        Ok(client)
    }

    fn aggregate(&self, (question, by_hand): (&str, &str), options: &Options) -> Result<Compared> {
        eprintln!("xtask: {question}");
        let database = self.data.join("backstay.db");
        let (mut client, path) = (self.client()?, format!("/api/sales:aggregate?{question}"));
        let script = format!("{by_hand};\n").repeat(AGGREGATES as usize);
        let rate = |elapsed: Duration| f64::from(AGGREGATES) / elapsed.as_secs_f64();
        client.get(&path)?;
        let ours = || {
            let begin = Instant::now();
            for _ in 0..AGGREGATES {
                client.get(&path)?;
            }
            Ok(rate(begin.elapsed()))
        };
        let (measured, control) = alternate(options.rounds, ours, || shell::script(&database, &script).map(rate))?;
        Ok(Compared {
            work: format!("`{question}` of {}; control: SQL in the `sqlite3` shell", self.records),
            measured,
            control,
            floor: Some(AGGREGATE),
            remark: String::new(),
        })
    }

    /// Compares a read with the same one of a smaller table. Its path depends on the place of a record; so many are read
    /// in turn.
    fn compare(
        &self,
        (what, path): (&str, fn(u32) -> String),
        other: &Self,
        (different, floor): (u32, Option<f64>),
        options: &Options,
    ) -> Result<Compared> {
        eprintln!("xtask: {what}, {different} in turn");
        let (ours, theirs) = (self.requests(path, different), other.requests(path, different));
        let (mut client, mut beside) = (self.client()?, other.client()?);
        let (measured, control) = alternate(
            options.rounds,
            || client.rate(&ours, options.seconds),
            || beside.rate(&theirs, options.seconds),
        )?;
        Ok(Compared {
            work: format!("{what}, of {}, {} in turn; control: of {}", self.records, ours.len(), other.records),
            measured,
            control,
            floor,
            remark: String::new(),
        })
    }

    fn requests(&self, path: fn(u32) -> String, different: u32) -> Vec<Request> {
        let place = |number: u32| u64::from(number) * APART % u64::from(self.records);
        let places = (0..different.min(self.records)).map(|number| u32::try_from(place(number)).unwrap_or(0));
        places.map(|place| Request::get(path(1 + place))).collect()
    }

    /// Compares records that are made several in a transaction with those that are made one by one.
    fn transaction(&self, options: &Options) -> Result<Compared> {
        eprintln!("xtask: transactions");
        let sale = r#"{"customer":1,"channel":"WEB","quantity":2,"price":"9.50"}"#;
        let several = vec![format!(r#"{{"create":"sales","body":{sale}}}"#); CREATES].join(",");
        let several = [Request::post("/transact", format!(r#"{{"requests":[{several}]}}"#))];
        let single = [Request::post("/api/sales", sale.to_owned())];
        let (mut client, mut beside) = (self.client()?, self.client()?);
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let each = CREATES as f64;
        let (measured, control) = alternate(
            options.rounds,
            || Ok(client.rate(&several, options.seconds)? * each),
            || beside.rate(&single, options.seconds),
        )?;
        Ok(Compared {
            work: format!("records made {CREATES} in a transaction; control: one by one"),
            measured,
            control,
            floor: Some(TRANSACTION),
            remark: String::new(),
        })
    }
}

/// The most memory that `backstay export` takes.
fn by_command(workshop: &Workshop, (application, data): (&Path, &Path), records: u32) -> Result<f64> {
    eprintln!("xtask: exporting {records} sales");
    let file = workshop.scratch.join("sales.ndjson");
    let mut command = Command::new(workshop.program("backstay"));
    command.args(["export", "Sale"]).arg(&file).arg("--app").arg(application).arg("--data").arg(data);
    let cost = Cost::of(&mut command, &workshop.scratch.join("export.log"))?;
    ensure!(fs::metadata(&file)?.len() > u64::from(records) * 100, "the export isn't whole");
    fs::remove_file(&file)?;
    Ok(cost.memory_mib)
}

/// The most memory that a server takes that was started for this export, which a program asks for with a key.
fn by_request(workshop: &Workshop, (application, data): (&Path, &Path), records: u32) -> Result<f64> {
    let mut command = Command::new(workshop.program("backstay"));
    command.args(["key", "add", "exporter", "--role", "CLERK", "--format", "json", "--app"]).arg(application);
    let answer: serde_json::Value = serde_json::from_str(&output(command.arg("--data").arg(data))?)?;
    let key = answer["key"].as_str().context("no key")?;
    let server = Server::backstay(workshop, application, data)?;
    let mut stream = TcpStream::connect(server.address()).context("connecting")?;
    write!(
        stream,
        "GET /api/sales:export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    )?;
    let (mut bytes, mut part) = (0_u64, vec![0; 1 << 16]);
    loop {
        let read = stream.read(&mut part).context("reading the export")?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
    }
    ensure!(bytes > u64::from(records) * 100, "the export isn't whole");
    let most = memory_mib(server.process(), "VmHWM:")?;
    server.stop()?;
    Ok(most)
}

fn by_id(place: u32) -> String {
    format!("/api/sales/{}", id(place))
}

fn latest(place: u32) -> String {
    format!("/api/sales?customer={}&sort=-createdAt&limit=20", (place - 1) / OF_A_CUSTOMER)
}

/// The id of a record by its place, from 1: 16 digits.
fn id(place: u32) -> String {
    let digits: String = format!("{place:016}").chars().flat_map(|digit| ['3', digit]).collect();
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// The statements that fill the table. Ids grow, as those of Backstay do.
fn filling(records: u32) -> String {
    let customers = records / OF_A_CUSTOMER;
    format!(
        "BEGIN;\nINSERT INTO sale (id, created_at, updated_at, version, customer, channel, quantity, price, note) \
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {records}) \
         SELECT CAST(printf('%016d', n) AS BLOB), 1700000000000000 + n * 1000, 1700000000000000 + n * 1000, 1, \
         n * 7919 % {customers}, \
         CASE n * 31 % 4 WHEN 0 THEN 'SHOP' WHEN 1 THEN 'WEB' WHEN 2 THEN 'PHONE' ELSE 'POST' END, \
         n % 20 + 1, n * 7 % 100000 * 100, CASE WHEN n % 4 THEN NULL ELSE 'Gift ' || n END FROM numbers;\n\
         COMMIT;\nPRAGMA wal_checkpoint(TRUNCATE);"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn records_are_found_by_their_places() {
        assert_eq!(super::id(42), "30303030-3030-3030-3030-303030303432");
    }
}
