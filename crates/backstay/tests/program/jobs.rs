//! Jobs, as servers run them. The model and the functions are those of docs/jobs.md.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use backstay_testkit::Cluster;
use serde_json::{Value, json};

use crate::support::{App, Server};

/// The example of this kind in the document.
pub(crate) fn documented(kind: &str) -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/jobs.md");
    let document = fs::read_to_string(document).expect("the document");
    let (_, example) = document.split_once(&format!("```{kind}\n")).expect("an example");
    example.split_once("```").expect("its end").0.to_owned()
}

pub(crate) fn app() -> App {
    let app = App::empty();
    app.write("model/shop.graphql", &documented("graphql"));
    app.write("functions/shop.ts", &documented("ts"));
    app
}

fn on_postgres() -> App {
    let app = app();
    app.write("backstay.toml", &format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
    app
}

fn order(server: &Server, title: &str) -> String {
    let (status, made) = server.ask("POST", "/api/orders", None, &json!({ "title": title, "total": 5 }).to_string());
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().expect("an id").to_owned()
}

/// Waits until there are this many entries with this text; answers how many there are then.
fn wait_for(server: &Server, text: &str, count: usize) -> usize {
    let begun = Instant::now();
    loop {
        let found = server.get(&format!("/api/entries?text={text}&limit=500&count=exact"));
        let found = usize::try_from(found["count"]["value"].as_u64().expect("a count")).expect("few");
        if found >= count || begun.elapsed() > Duration::from_mins(4) {
            return found;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn walk(app: &App) {
    let server = app.serve();
    let id = order(&server, "tea");
    assert_eq!(wait_for(&server, "CREATE", 1), 1);
    let (status, paid) = server.ask("PATCH", &format!("/api/orders/{id}"), None, r#"{"state":"PAID"}"#);
    assert_eq!(status, 200, "{paid}");
    assert_eq!(wait_for(&server, "invoice", 1), 1);
    let (status, answer) = server.ask("POST", "/do/remind", None, &json!({ "order": id }).to_string());
    assert_eq!(status, 200, "{answer}");
    assert_eq!(wait_for(&server, "reminder", 1), 1);

    let (status, _) = server.ask("POST", "/do/sendInvoice", None, &json!({ "id": id }).to_string());
    assert_eq!(status, 404, "no client calls a job");
    let (status, _) = server.ask("POST", "/api/entries", None, r#"{"text":"forged"}"#);
    assert_eq!(status, 401, "only jobs write entries");
    let (status, _) = server.ask("GET", "/api/backstay-jobs", None, "");
    assert!((400..500).contains(&status), "{status}: nobody but operators sees jobs");
    let listed = app.run(&["job", "list", "--state", "DONE"]).done();
    assert_eq!(listed.matches("DONE").count(), 3, "{listed}");
}

#[test]
fn jobs_are_done() {
    walk(&app());
}

#[test]
fn jobs_are_done_on_postgresql() {
    walk(&on_postgres());
}

/// Servers that are killed in the middle of their work lose no job, and what a job commits is committed once.
fn survive(app: &App) {
    const ORDERS: usize = 30;
    let server = app.serve();
    for number in 0..ORDERS {
        order(&server, &format!("order {number}"));
    }
    // SIGKILL.
    drop(server);
    drop(app.serve());
    let server = app.serve();
    assert_eq!(wait_for(&server, "CREATE", ORDERS), ORDERS);
    let listed = app.run(&["job", "list"]).done();
    assert!(!listed.contains("DEAD"), "{listed}");
}

#[test]
fn no_job_is_lost_when_servers_are_killed() {
    survive(&app());
}

#[test]
fn no_job_is_lost_when_servers_are_killed_on_postgresql() {
    survive(&on_postgres());
}

/// What a job does as a service is a service's, too, where it queues the next job.
#[test]
fn a_service_queues_jobs_as_a_service() {
    let app = App::empty();
    app.write(
        "model/chain.graphql",
        r#"extend schema @app(name: "Chain")
           enum Role @roles { BILLING }
           type Item @allow(read: "true", create: "true") @on(event: CREATE, run: "first") { n: Int }
           type Middle @allow(read: "true", create: "auth.kind == 'SERVICE'") @on(event: CREATE, run: "second") { n: Int }
           type Last @allow(read: "true", create: "auth.kind == 'SERVICE'") { n: Int }
           type Mutation {
             first: Boolean @function @job(roles: ["BILLING"])
             second: Boolean @function @job
           }"#,
    );
    app.write(
        "functions/chain.ts",
        "export const first = async (_: {}, { db }: any) => { await db.middles.create({ n: 1 }); return true; };\n\
         export const second = async (_: {}, { db }: any) => { await db.lasts.create({ n: 2 }); return true; };\n",
    );
    let server = app.serve();
    let (status, made) = server.ask("POST", "/api/items", None, r#"{"n":0}"#);
    assert_eq!(status, 201, "{made}");
    let begun = Instant::now();
    while server.get("/api/lasts?count=exact")["count"]["value"] != 1 {
        let listed = app.run(&["job", "list"]).done();
        assert!(!listed.contains("DEAD") && begun.elapsed() < Duration::from_mins(2), "{listed}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A job that changes its own record, whose changes queue it, doesn't run for ever, whether by itself or by jobs that it adds.
fn stop_a_loop(app: &App) {
    app.write(
        "model/loop.graphql",
        r#"extend schema @app(name: "Loop")
           type Item @allow(read: "true", create: "true", update: "'count' in auth.via || 'raise' in auth.via")
             @on(event: [CREATE, UPDATE], run: "count") { n: Int! }
           type Mutation {
             count(id: ID!): Boolean @function @job(retries: 0)
             raise(id: ID!): Boolean @function @job(retries: 0)
           }"#,
    );
    app.write(
        "functions/loop.ts",
        "export const raise = async ({ id }: any, { db }: any) => {\n\
           const { n } = await db.items.get(id);\n\
           await db.items.update(id, { n: n + 1 });\n\
           return true;\n\
         };\n\
         export const count = async ({ id }: any, { db, jobs }: any) => {\n\
           const { n } = await db.items.get(id);\n\
           if (n % 2 === 0) await jobs.add(\"raise\", { id });\n\
           else await db.items.update(id, { n: n + 1 });\n\
           return true;\n\
         };\n",
    );
    let server = app.serve();
    let (status, made) = server.ask("POST", "/api/items", None, r#"{"n":0}"#);
    assert_eq!(status, 201, "{made}");
    let begun = Instant::now();
    let listed = loop {
        let listed = app.run(&["job", "list", "--state", "dead"]).done();
        if listed.contains("DEAD") {
            break listed;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{listed}");
        thread::sleep(Duration::from_millis(50));
    };
    let dead = listed.split_whitespace().next().expect("the id of the job");
    let shown = app.run(&["job", "show", dead]).done();
    assert!(shown.contains("each queued by a change that the one before has made"), "{shown}");
    let id = made["id"].as_str().expect("an id");
    assert_eq!(server.get(&format!("/api/items/{id}"))["n"], 31);
}

#[test]
fn a_job_that_queues_itself_ends() {
    stop_a_loop(&App::empty());
}

#[test]
fn a_job_that_queues_itself_ends_on_postgresql() {
    let app = App::empty();
    app.write("backstay.toml", &format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
    stop_a_loop(&app);
}

/// What functions queue, what a job reports and returns, and how long it may take.
#[test]
fn tests_see_the_queue() {
    let app = App::empty();
    app.write(
        "model/exports.graphql",
        r#"extend schema @app(name: "Exports")
           type Page @allow(read: "true", create: "true") { n: Int }
           input Range { from: Int!, to: Int! }
           type Mutation {
             export(range: Range!, note: String): Int @function(name: "exportPages") @job(timeout: "1s", retries: 1)
             start(from: Int!): ID @function @allow(call: "true")
           }"#,
    );
    app.write(
        "functions/exports.ts",
        r#"import type { FunctionContext } from "backstay";
export async function start({ from }: { from: number }, { jobs }: FunctionContext) {
  return jobs.add("export", { range: { from, to: 4 } });
}
export async function exportPages({ range }: any, { jobs }: FunctionContext) {
  for (let n = range.from; n <= range.to; n += 1) await jobs.report(n / range.to, `page ${n}`);
  return range.to;
}
"#,
    );
    app.write(
        "functions/exports.test.ts",
        r#"import { expect, test } from "backstay/test";
test("an export is queued and done", async ({ as, jobs, clock }) => {
  const id = await as(null).call("start", { from: 1 });
  const [queued] = await jobs.list();
  expect(queued).toMatchObject({ id, job: "export", state: "WAITING", input: { range: { from: 1, to: 4 }, note: null }, done: null });
  await clock.advance("1s");
  const [done] = await jobs.list();
  expect(done).toMatchObject({ state: "DONE", result: 4, done: 1, note: "page 4", attempts: 1 });
});
test("a report out of range is refused", async ({ as, jobs, clock }) => {
  await as(null).call("start", { from: 9 });
  await clock.advance("1s");
  expect((await jobs.list())[0].state).toBe("DONE");
  await as(null).call("start", { from: -1 });
  await clock.advance("1s");
  const failed = (await jobs.list())[1];
  expect(failed.error).toMatch("`done` must be a number from 0 to 1, not -0.25");
});
"#,
    );
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}\n{}", passed.out, passed.err);
    let declared = app.run(&["client", "functions", "."]).done();
    let (_, jobs) = declared.split_once("export interface JobInputs {").expect("the jobs");
    let (jobs, _) = jobs.split_once('}').expect("its end");
    assert!(jobs.contains("export: ") && !jobs.contains("start"), "{jobs}");
    assert!(declared.contains("range: ") && declared.contains("from: number;"), "{declared}");
}

/// A job that runs ends when it is cancelled, long before its time is up.
#[test]
fn a_job_that_runs_is_cancelled() {
    // It takes requests and answers none.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let app = App::empty();
    app.write("backstay.toml", "[egress]\nallow = [\"127.0.0.0/8\"]\n");
    app.write(
        "model/slow.graphql",
        r#"extend schema @app(name: "Slow")
           type Item @allow(read: "true", create: "true") @on(event: CREATE, run: "wait") { n: Int }
           type Mutation { wait: Boolean @function @job(timeout: "10m", retries: 0) }"#,
    );
    let address = silent.local_addr().expect("its address");
    app.write(
        "functions/slow.ts",
        &format!(
            "export async function wait(_: {{}}, {{ jobs }}: any) {{\n\
               await jobs.report(0.5, \"waits\");\n\
               await fetch(\"http://{address}/\");\n\
               return true;\n\
             }}\n"
        ),
    );
    let server = app.serve();
    let (status, made) = server.ask("POST", "/api/items", None, r#"{"n":0}"#);
    assert_eq!(status, 201, "{made}");
    let (mut asked, _) = silent.accept().expect("a request");
    let listed = app.run(&["job", "list", "--format", "json"]).done();
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let job = &listed["jobs"][0];
    assert_eq!(
        (&job["state"], &job["done"], &job["note"]),
        (&json!("RUNNING"), &json!(0.5), &json!("waits")),
        "{listed}"
    );
    let id = job["id"].as_str().expect("an id").to_owned();
    app.run(&["job", "cancel", &id]).done();
    // Its connection ends with it.
    asked.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket");
    let mut request = Vec::new();
    asked.read_to_end(&mut request).expect("the end");
    let shown = app.run(&["job", "show", &id]).done();
    assert!(shown.contains("CANCELLED"), "{shown}");
}
