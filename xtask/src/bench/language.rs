use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::{Client, Request};
use super::migrate::{model_of_types, write_model};
use super::report::{Compared, Report};
use super::server::Server;
use super::{Options, Workshop, dataset, shell};
use crate::commands::run;

const MODEL: &str = include_str!("language.graphql");

const ORDERS: u32 = 100_000;
const GROUPS: u32 = 400;
/// Groups that the caller is a member of.
const MEMBERSHIPS: u32 = 5;
/// Orders of a page: enough that HTTP hardly counts.
const PAGE: u32 = 500;
const PAGES: u32 = 200;
/// What a list through a rule over memberships reaches at least of the list of one group.
const MEMBERSHIP: f64 = 0.33;
/// What a list with computed fields reaches at least of the same SQL in the `sqlite3` shell.
const COMPUTED: f64 = 0.8;
/// What a record with its children reaches at least of as many records in an array.
const NESTED: f64 = 0.6;
/// Children of a record that is made with them.
const CHILDREN: usize = 5;
/// The longest that `backstay check` may take for a model of 50 types, with the start of the program.
const LONGEST_CHECK: Duration = Duration::from_millis(50);

/// The page of orders as one would write it by hand. A price is a whole number of ten-thousandths.
const BY_HAND: &str = "SELECT id, created_at, updated_at, version, quantity, price, placed_at, price * quantity, \
    (price * 119 + 50) / 100 / 100 * 100, quantity * 2 + 1, quantity > 10, date(placed_at / 1000000, 'unixepoch'), \
    (SELECT count(*) FROM line WHERE order_id = o.id), (SELECT count(*) FROM note WHERE order_id = o.id), \
    (SELECT count(*) FROM payment WHERE order_id = o.id AND settled) FROM \"order\" AS o ORDER BY id LIMIT 501;\n";

/// Measures what expressions of the model cost: rules over memberships, computed fields, and checking a large model.
pub(crate) fn measure(workshop: &Workshop, options: &Options, report: &mut Report) -> Result<()> {
    let messages = options.rows;
    eprintln!("xtask: making {messages} messages and {ORDERS} orders");
    let (application, data) = prepare(workshop)?;
    let database = data.join("backstay.db");
    shell::script(&database, &filling(messages))?;
    let server = Server::backstay(workshop, &application, &data)?;
    let mut client = server.client()?;
    client.sign_in(&dataset::email(0), dataset::PASSWORD)?;

    let mut rows = Vec::new();
    let group = client.get("/api/groups?limit=1&select=id")?["items"][0]["id"].as_str().map(str::to_owned);
    let group = group.context("the caller has no group")?;
    for (name, sort) in [("oldest first", ""), ("newest first", "&sort=-createdAt")] {
        eprintln!("xtask: listing messages, {name}");
        let path = format!("/api/messages?limit=20{sort}");
        let (mine, of_one) = ([Request::get(path.as_str())], [Request::get(format!("{path}&group={group}"))]);
        let (ours, theirs) = (client.rate(&mine, options.seconds)?, client.rate(&of_one, options.seconds)?);
        rows.push(Compared {
            work: format!(
                "20 of {messages} messages of {MEMBERSHIPS} of {GROUPS} groups, {name}; control: of one group"
            ),
            measured: ours,
            control: theirs,
            floor: Some(MEMBERSHIP),
            remark: String::new(),
        });
    }
    eprintln!("xtask: listing orders");
    let ours = client.rate(&[Request::get(format!("/api/orders?limit={PAGE}"))], options.seconds)?;
    rows.push(Compared {
        work: format!("{PAGE} of {ORDERS} orders, 5 computed fields and 3 counts; control: SQL in the `sqlite3` shell"),
        measured: ours,
        control: by_hand(&database)?,
        floor: Some(COMPUTED),
        remark: String::new(),
    });
    rows.push(nested(&mut client, options)?);
    server.stop()?;
    report.compare("language", "per second", &rows);
    let (time, most) = (checked(workshop, options)?, LONGEST_CHECK);
    let missed = if time > most { " **missed**" } else { "" };
    let what = format!("`backstay check` of 50 types (at most {} ms)", most.as_millis());
    report.list("check", &[(what, format!("{} ms{missed}", time.as_millis()))]);
    Ok(())
}

/// The application with its database and the caller's account.
fn prepare(workshop: &Workshop) -> Result<(PathBuf, PathBuf)> {
    let application = workshop.scratch.join("language");
    write_model(&application, MODEL)?;
    fs::create_dir_all(application.join("seed"))?;
    fs::write(application.join("seed/User.jsonl"), dataset::account(0)).context("writing the account")?;
    let data = workshop.scratch.join("language-data");
    Server::backstay(workshop, &application, &data)?.stop()?;
    Ok((application, data))
}

/// The statements that fill the tables. Ids grow, as those of Backstay do.
fn filling(messages: u32) -> String {
    // 16 bytes, as an id has.
    let id = |number: &str| format!("CAST(printf('%016d', {number}) AS BLOB)");
    let mut script = String::from("BEGIN;\n");
    let mut fill = |table: &str, columns: &str, count: u32, values: &str| {
        let moment = "1700000000000000 + n * 1000";
        let _ = writeln!(
            script,
            "INSERT INTO \"{table}\" (id, created_at, updated_at, version, {columns}) \
             WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
             SELECT {}, {moment}, {moment}, 1, {values} FROM numbers;",
            id("n")
        );
    };
    let order = id(&format!("n % {ORDERS} + 1"));
    fill("group", "name", GROUPS, "'Group ' || n");
    let group = id(&format!("n * 71 % {GROUPS} + 1"));
    fill("member", "group_id, user_id", MEMBERSHIPS, &format!("{group}, (SELECT id FROM user)"));
    let group = id(&format!("n * 7919 % {GROUPS} + 1"));
    fill("message", "group_id, text", messages, &format!("{group}, 'Message ' || n"));
    fill("order", "quantity, price, placed_at", ORDERS, "n % 20, n * 100, 1700000000000000 + n * 60000000");
    fill("line", "order_id", ORDERS * 3, &order);
    fill("note", "order_id", ORDERS * 2, &order);
    fill("payment", "order_id, settled", ORDERS * 2, &format!("{order}, n % 2"));
    script.push_str("COMMIT;\nPRAGMA wal_checkpoint(TRUNCATE);");
    script
}

/// Makes records with their children, and as many records in an array.
fn nested(client: &mut Client, options: &Options) -> Result<Compared> {
    eprintln!("xtask: making purchases with their lines");
    let line = r#""article":"pen","quantity":2"#;
    let with_lines =
        |lines: usize| format!(r#"{{"note":"a","lines":[{}]}}"#, vec![format!("{{{line}}}"); lines].join(","));
    let made = client.send("POST", "/api/purchases", Some(&with_lines(0)))?;
    ensure!(made.status == 201, "status {} for a purchase", made.status);
    let purchase = client.get("/api/purchases?limit=1&select=id")?["items"][0]["id"].as_str().map(str::to_owned);
    let purchase = purchase.context("there is no purchase")?;
    let alone = format!(r#"{{"purchase":"{purchase}",{line}}}"#);
    let array = format!("[{}]", vec![alone; 1 + CHILDREN].join(","));
    Ok(Compared {
        work: format!("a record with {CHILDREN} children; control: {} records in an array", 1 + CHILDREN),
        measured: client.rate(&[Request::post("/api/purchases", with_lines(CHILDREN))], options.seconds)?,
        control: client.rate(&[Request::post("/api/purchase-lines", array)], options.seconds)?,
        floor: Some(NESTED),
        remark: String::new(),
    })
}

/// How many pages of orders the `sqlite3` shell writes in a second.
fn by_hand(database: &Path) -> Result<f64> {
    let elapsed = shell::script(database, &BY_HAND.repeat(PAGES as usize))?;
    Ok(f64::from(PAGES) / elapsed.as_secs_f64())
}

/// How long `backstay check` takes.
fn checked(workshop: &Workshop, options: &Options) -> Result<Duration> {
    let application = workshop.scratch.join("checked");
    write_model(&application, &model_of_types())?;
    let mut times = Vec::new();
    for _ in 0..options.rounds {
        let begin = Instant::now();
        run(Command::new(workshop.program("backstay")).arg("check").arg(&application).stdout(Stdio::null()))?;
        times.push(begin.elapsed());
    }
    times.sort();
    Ok(times[options.rounds / 2])
}
