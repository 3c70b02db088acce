//! What hooks may use, what they tell, and how much of a transaction they see at once.

use serde_json::{Value, json};

use super::{made, moved, post, with_hooks};
use crate::developing::Dev;
use crate::support::{App, exchange, read};

const MODEL: &str = r#"extend schema @app(name: "Bounds")
type Folder @allow(read: "true", create: "true", update: "true", delete: "true") {
  name: String!
  papers: [Paper!] @inverse(field: "folder")
}
type Paper
  @allow(read: "!this.secret", create: "true", update: "true", delete: "true")
  @on(event: DELETE, run: "hold", phase: BEFORE) {
  folder: Folder! @onDelete(do: CASCADE)
  title: String!
  held: Boolean! @default(to: false)
  secret: Boolean! @default(to: false)
}
type Item
  @allow(read: "true", create: "true", update: "true")
  @on(event: [CREATE, UPDATE], run: "item", phase: BEFORE) {
  how: String
  n: Int!
  text: Text
  sum: Int @readonly
}
type Mutation { clear(folder: ID!): Int @function @allow(call: "true") }
"#;

const HOOKS: &str = r#"import { Refused, type BeforeHook, type FunctionContext } from "backstay";

export const hold: BeforeHook<"Paper", "DELETE"> = ({ stored }, { log }) => {
  log.info(`asked about ${stored.title}`);
  if (stored.held) throw new Refused(`${stored.title} is held`, { code: "held" });
};
export const item: BeforeHook<"Item"> = async ({ proposed }, { db }) => {
  const { how, n } = proposed;
  if (how === "throw") throw new Error("it fails");
  let sum = n;
  if (how === "read") {
    for (let time = 0; time < 6; time += 1) {
      await db.items.list({ filter: "n == $n", params: { n: n * 10 + time }, limit: 1 });
      sum += 1;
    }
  }
  if (how === "work") for (let time = 0; time < 300_000; time += 1) sum = (sum * 31 + time) % 1_000_003;
  return { sum };
};
export async function clear({ folder }: { folder: string }, { db }: FunctionContext) {
  return db.transaction(async (tx) => {
    const { items } = await tx.papers.list({ filter: "folder == $folder", params: { folder }, sort: ["title"] });
    for (const { id } of items) await tx.papers.delete(id);
    const left = await tx.papers.list({ filter: "folder == $folder", params: { folder } });
    return left.items.length;
  });
}
"#;

fn app() -> App {
    with_hooks(MODEL, HOOKS)
}

fn on_postgres() -> App {
    moved(app())
}

/// A hook of a record that the caller can't see tells nothing of it.
fn hidden(app: &App) {
    let server = app.serve();
    let folder = |title: &str, secret: bool| {
        let papers = json!([{ "title": title, "held": true, "secret": secret }]);
        made(&server, "/api/folders", &json!({ "name": "f", "papers": papers }))
    };
    let delete = |id: &str| server.ask("DELETE", &format!("/api/folders/{id}"), None, "");
    let (status, refused) = delete(&folder("open", false));
    assert_eq!((status, &refused["reason"]), (422, &json!("held")), "{refused}");
    let id = folder("hidden", true);
    let (status, refused) = delete(&id);
    assert_eq!((status, &refused["type"]), (409, &json!("/problems/still-referenced")), "{refused}");
    assert!(!refused.to_string().contains("hidden") && refused.get("reason").is_none(), "{refused}");
    assert_eq!(server.get(&format!("/api/folders/{id}"))["name"], json!("f"), "it is still there");
}

#[test]
fn a_hook_of_a_hidden_record_tells_nothing() {
    hidden(&app());
}

#[test]
fn a_hook_of_a_hidden_record_tells_nothing_on_postgresql() {
    hidden(&on_postgres());
}

fn items(how: &str, count: usize) -> Value {
    (0..count).map(|n| json!({ "how": how, "n": n })).collect()
}

/// Each change has the requests and the processor's time of a call, however many are asked about together.
fn limits_of_each(app: &App) {
    let server = app.serve();
    let (status, answer) = post(&server, "/api/items", &items("read", 200));
    assert_eq!(status, 201, "{answer}");
    let sums: Vec<i64> = answer.as_array().expect("an array").iter().filter_map(|item| item["sum"].as_i64()).collect();
    assert_eq!(sums, (6..206).collect::<Vec<i64>>());
    let (status, answer) = post(&server, "/api/items", &items("work", 20));
    assert_eq!(status, 201, "{answer}");
}

#[test]
fn limits_are_those_of_each_change() {
    limits_of_each(&app());
}

#[test]
fn limits_are_those_of_each_change_on_postgresql() {
    limits_of_each(&on_postgres());
}

/// Of several requests, the one is named whose hook has failed; none if it may be any of several.
#[test]
fn the_request_is_named_whose_hook_fails() {
    let app = app();
    let server = app.serve();
    let item = |how: &str| json!({ "create": "items", "body": { "how": how, "n": 1 } });
    let folder = json!({ "create": "folders", "body": { "name": "f" } });
    let failed = |requests: &Value| {
        let (status, failed) = post(&server, "/transact", &json!({ "requests": requests }));
        assert_eq!(status, 500, "{failed}");
        failed["request"].clone()
    };
    assert_eq!(failed(&json!([item("throw"), folder])), json!(0));
    assert_eq!(failed(&json!([folder, item("throw"), folder])), json!(1));
    assert_eq!(failed(&json!([item(""), item("throw"), folder])), Value::Null);
}

/// Much is noted in several runs.
#[test]
fn many_large_records_are_changed_at_once() {
    let app = app();
    let server = app.serve();
    let text = "x".repeat(50_000);
    for _ in 0..4 {
        let some: Value = (0..100).map(|n| json!({ "n": n, "text": text })).collect();
        let (status, answer) = post(&server, "/api/items?select=id", &some);
        assert_eq!(status, 201, "{answer}");
    }
    let (status, answer) = server.ask("PATCH", "/api/items?filter=n%3E=0", None, r#"{"n":7}"#);
    assert_eq!((status, &answer["changed"]), (200, &json!(400 - 4)), "{answer}");
    assert_eq!(server.get("/api/items?filter=sum!=7&count=true&limit=1")["count"]["value"], json!(0));
}

fn ask(dev: &Dev, line: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    read(&exchange(dev.address(), line, "", &body).expect("an answer")).expect("JSON")
}

/// The calls of the hook and what it has logged, of the last request.
fn traced(dev: &Dev, name: &str) -> (usize, Vec<String>) {
    let (status, list) = ask(dev, "GET /inspect/traces", &Value::Null);
    assert_eq!(status, 200, "{list}");
    let all = list["traces"].as_array().expect("traces");
    let one = all.iter().find(|trace| trace["name"].as_str().is_some_and(|found| found.starts_with(name)));
    let id = one.expect("a trace of this name")["id"].as_str().expect("an id").to_owned();
    let (_, whole) = ask(dev, &format!("GET /inspect/traces?id={id}"), &Value::Null);
    let trace = &whole["traces"][0];
    let stages = trace["stages"].as_array().expect("stages");
    let calls = stages.iter().filter(|stage| stage["name"] == "hook hold").count();
    let lines = trace["log"].as_array().map(Vec::as_slice).unwrap_or_default();
    (calls, lines.iter().filter_map(|line| line["text"].as_str().map(str::to_owned)).collect())
}

/// A hook is called once for all records that a list loses and that a block deletes, and its calls are in the trace.
#[test]
fn a_hook_is_called_once_for_many_deletions() {
    let app = app();
    let dev = Dev::start(&app);
    let folder = || {
        let papers = json!([{ "title": "a" }, { "title": "b" }, { "title": "c" }]);
        let (status, folder) = ask(&dev, "POST /api/folders", &json!({ "name": "f", "papers": papers }));
        assert_eq!(status, 201, "{folder}");
        folder["id"].as_str().expect("an id").to_owned()
    };
    let asked = ["asked about a", "asked about b", "asked about c"].map(str::to_owned).to_vec();
    let sorted = |(calls, mut lines): (usize, Vec<String>)| {
        lines.sort_unstable();
        (calls, lines)
    };
    let (status, changed) = ask(&dev, &format!("PATCH /api/folders/{}", folder()), &json!({ "papers": [] }));
    assert_eq!(status, 200, "{changed}");
    assert_eq!(sorted(traced(&dev, "PATCH /api/folders")), (1, asked.clone()));
    let (status, left) = ask(&dev, "POST /do/clear", &json!({ "folder": folder() }));
    assert_eq!((status, &left), (200, &json!(0)));
    // The trial before the last read, and the commit.
    assert_eq!(traced(&dev, "POST /do/clear").0, 2);
}
