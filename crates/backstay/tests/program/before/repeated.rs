//! Transactions that write one record several times, or whose ids are numbers: they run again for their hooks, and each run has
//! to show these the same.

use std::thread;

use serde_json::{Value, json};

use super::{made, moved, post, with_hooks};
use crate::support::{App, Server, until};

const MODEL: &str = r#"extend schema @app(name: "Repeated")
type Note
  @allow(read: "true", create: "true", update: "true", delete: "true")
  @on(event: [CREATE, UPDATE], run: "note", phase: BEFORE)
  @on(event: DELETE, run: "keep", phase: BEFORE)
  @trash(keep: "30d") {
  text: String!
  step: Int
  number: Int @sequence
  trail: String @readonly
}
type Ticket
  @key(type: INT)
  @allow(read: "true", create: "true", update: "true", delete: "true")
  @on(event: [CREATE, UPDATE], run: "ticket", phase: BEFORE) {
  title: String!
  after: Ticket @onDelete(do: SET_NULL)
  followers: [Ticket!] @inverse(field: "after")
  label: String @readonly
}
enum Stage { OPEN @initial @to(state: "DONE") DONE }
type Task
  @allow(read: "true", create: "true")
  @on(event: UPDATE, run: "task", phase: BEFORE) {
  stage: Stage! @at(field: "due", to: "DONE")
  due: DateTime!
  closing: String @readonly
}
type Board @allow(read: "true", create: "true", update: "true") { name: String! }
type Look @allow(read: "true", create: "true") @on(event: CREATE, run: "look", phase: BEFORE) {
  board: Board!
  seen: String @readonly
}
type Mutation {
  steps(note: ID!, to: Int!): Int @function @allow(call: "true")
  gone(note: ID!): Int @function @allow(call: "true")
}
"#;

const HOOKS: &str = r#"import { Refused, type BeforeHook, type FunctionContext } from "backstay";

export const note: BeforeHook<"Note"> = ({ event, stored, proposed }) =>
  ({ trail: event === "CREATE" ? "made" : `${stored!.trail}>${proposed.step}` });
export const keep: BeforeHook<"Note", "DELETE"> = ({ stored }) => {
  if (stored.text === "keep") throw new Refused("this note is kept", { code: "kept" });
};
export const ticket: BeforeHook<"Ticket"> = ({ event, proposed }) =>
  ({ label: `${event} ${proposed.id} after ${proposed.after ?? "none"}` });
export const task: BeforeHook<"Task"> = ({ stored, proposed }, { auth }) =>
  ({ closing: `${stored!.stage} to ${proposed.stage} by ${auth.kind}` });
export const look: BeforeHook<"Look"> = async ({ proposed }, { db }) => {
  const { name, createdAt, updatedAt } = await db.boards.get(proposed.board);
  return { seen: `${name} ${createdAt < updatedAt ? "changed" : "new"}` };
};
export async function steps({ note, to }: { note: string; to: number }, { db }: FunctionContext) {
  return db.transaction(async (tx) => {
    for (let step = 1; step <= to; step += 1) await tx.notes.update(note, { step });
    const { step } = await tx.notes.get(note);
    return step;
  });
}
export async function gone({ note }: { note: string }, { db }: FunctionContext) {
  return db.transaction(async (tx) => {
    await tx.notes.update(note, { step: 1 });
    await tx.notes.delete(note);
    return 0;
  });
}
"#;

fn app() -> App {
    with_hooks(MODEL, HOOKS)
}

fn on_postgres() -> App {
    moved(app())
}

fn transact(server: &Server, requests: &Value) -> (u16, Value) {
    post(server, "/transact", &json!({ "requests": requests }))
}

/// One record that a transaction writes several times, in each way to write so.
fn written_again(app: &App) {
    let server = app.serve();
    let id = json!({ "$ref": "note.id" });
    let create = json!({ "create": "notes", "body": { "text": "a" }, "as": "note" });
    let step = |number: u32| json!({ "update": "notes", "id": id, "body": { "step": number } });
    let (status, answer) = transact(&server, &json!([create, step(1), step(2)]));
    assert_eq!((status, &answer["results"][2]["trail"]), (200, &json!("made>1>2")), "{answer}");
    assert_eq!(answer["results"][2]["version"], json!(3), "{answer}");

    let (status, answer) = transact(&server, &json!([create, step(1), { "delete": "notes", "id": id }]));
    assert_eq!(status, 200, "{answer}");
    let kept = json!({ "create": "notes", "body": { "text": "keep" }, "as": "note" });
    let (status, refused) = transact(&server, &json!([kept, step(1), { "delete": "notes", "id": id }]));
    assert_eq!((status, &refused["reason"]), (422, &json!("kept")), "{refused}");

    let note = made(&server, "/api/notes", &json!({ "text": "b" }));
    let (status, answer) = post(&server, "/do/steps", &json!({ "note": note, "to": 3 }));
    assert_eq!((status, &answer), (200, &json!(3)));
    assert_eq!(server.get(&format!("/api/notes/{note}"))["trail"], json!("made>1>2>3"));
    let (status, answer) = post(&server, "/do/gone", &json!({ "note": note }));
    assert_eq!((status, &answer), (200, &json!(0)));
}

/// Hooks run for timers, and for records that come back from the trash with other values.
fn without_a_client(app: &App) {
    let server = app.serve();
    let task = made(&server, "/api/tasks", &json!({ "due": "2020-01-01T00:00:00Z" }));
    let at = format!("/api/tasks/{task}");
    until("the timer", || server.get(&at)["stage"] == "DONE");
    assert_eq!(server.get(&at)["closing"], json!("OPEN to DONE by SYSTEM"));

    let note = made(&server, "/api/notes", &json!({ "text": "c" }));
    assert_eq!(server.ask("DELETE", &format!("/api/notes/{note}"), None, "").0, 204);
    let restore = format!("/api/notes/{note}:restore");
    let (status, back) = server.ask("POST", &restore, None, r#"{"step":7}"#);
    assert_eq!((status, &back["trail"]), (200, &json!("made>7")), "{back}");
}

#[test]
fn hooks_run_without_a_client() {
    without_a_client(&app());
}

#[test]
fn hooks_run_without_a_client_on_postgresql() {
    without_a_client(&on_postgres());
}

#[test]
fn a_transaction_writes_one_record_several_times() {
    written_again(&app());
}

#[test]
fn a_transaction_writes_one_record_several_times_on_postgresql() {
    written_again(&on_postgres());
}

fn label(event: &str, id: &Value, after: &str) -> Value {
    json!(format!("{event} {id} after {after}"))
}

/// Ids that the server counts: hooks see those that the records have at the end.
fn counted(app: &App) {
    let server = app.serve();
    let (status, first) = post(&server, "/api/tickets", &json!({ "title": "a" }));
    assert_eq!((status, &first["label"]), (201, &label("CREATE", &first["id"], "none")), "{first}");
    let (status, three) = post(&server, "/api/tickets", &json!([{ "title": "b" }, { "title": "c" }, { "title": "d" }]));
    assert_eq!(status, 201, "{three}");
    for ticket in three.as_array().expect("an array") {
        assert_eq!(ticket["label"], label("CREATE", &ticket["id"], "none"), "{ticket}");
    }
    let parent = json!({ "title": "e", "followers": [{ "title": "f" }, { "title": "g" }] });
    let (status, parent) = post(&server, "/api/tickets?select=id,label,followers{id,label}", &parent);
    assert_eq!(status, 201, "{parent}");
    for follower in parent["followers"].as_array().expect("followers") {
        assert_eq!(follower["label"], label("CREATE", &follower["id"], &parent["id"].to_string()), "{follower}");
    }
    let several = json!([
        { "create": "tickets", "body": { "title": "h" }, "as": "one" },
        { "update": "tickets", "id": { "$ref": "one.id" }, "body": { "title": "i" } },
        { "create": "tickets", "body": { "title": "j", "after": { "$ref": "one.id" } } },
    ]);
    let (status, answer) = transact(&server, &several);
    assert_eq!(status, 200, "{answer}");
    let (changed, after) = (&answer["results"][1], &answer["results"][2]);
    assert_eq!(changed["label"], label("UPDATE", &changed["id"], "none"), "{answer}");
    assert_eq!(after["label"], label("CREATE", &after["id"], &changed["id"].to_string()), "{answer}");

    let server = &server;
    let made: Vec<(u16, Value)> = thread::scope(|scope| {
        let one =
            |number: u32| scope.spawn(move || post(server, "/api/tickets", &json!({ "title": number.to_string() })));
        let all: Vec<_> = (0..24).map(one).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    for (status, ticket) in &made {
        assert_eq!((*status, &ticket["label"]), (201, &label("CREATE", &ticket["id"], "none")), "{made:?}");
    }
}

#[test]
fn hooks_see_counted_ids() {
    counted(&app());
}

#[test]
fn hooks_see_counted_ids_on_postgresql() {
    counted(&on_postgres());
}

/// A hook reads a record that the same transaction has changed twice: that bears a moment of its own.
fn read_again(app: &App) {
    let server = app.serve();
    let board = made(&server, "/api/boards", &json!({ "name": "old" }));
    let rename = |name: &str| json!({ "update": "boards", "id": board, "body": { "name": name } });
    let look = json!({ "create": "looks", "body": { "board": board } });
    let (status, answer) = transact(&server, &json!([rename("a"), rename("b"), rename("c"), look]));
    assert_eq!((status, &answer["results"][3]["seen"]), (200, &json!("c changed")), "{answer}");
}

#[test]
fn a_hook_reads_what_was_changed_twice() {
    read_again(&app());
}

#[test]
fn a_hook_reads_what_was_changed_twice_on_postgresql() {
    read_again(&on_postgres());
}
