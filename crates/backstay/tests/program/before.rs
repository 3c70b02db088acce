//! Hooks before changes, as a server runs them. The model and the functions are those of docs/functions.md.

mod bounds;
mod repeated;

use std::path::Path;
use std::{fs, thread};

use backstay_testkit::Cluster;
use serde_json::{Value, json};

use crate::functions;
use crate::support::{App, Server};

/// The model in docs/functions.md that has these words.
fn documented(words: &str) -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/functions.md");
    let document = fs::read_to_string(document).expect("the document");
    let examples = document.split("```graphql\n").skip(1).filter_map(|rest| rest.split("```").next());
    examples.into_iter().find(|example| example.contains(words)).expect("an example").to_owned()
}

/// More types whose hooks are asked about everything.
const MORE: &str = r#"extend schema @app(name: "Lines")
type Cart @allow(read: "true", create: "true", update: "true", delete: "true") {
  name: String!
  slots: [Slot!] @inverse(field: "cart")
}
"No more than three in a cart."
type Slot
  @allow(read: "true", create: "true", update: "true", delete: "true")
  @on(event: [CREATE, UPDATE], run: "countSlots", phase: BEFORE)
  @on(event: CREATE, run: "second", phase: BEFORE)
  @on(event: DELETE, run: "keepSlot", phase: BEFORE) {
  cart: Cart! @onDelete(do: CASCADE)
  name: String! @unique @pattern(is: "[a-z]+")
  place: Int @readonly
  trail: String @readonly
  kept: Boolean! @default(to: false)
}
type Odd @allow(read: "true", create: "true") @trash @on(event: CREATE, run: "odd", phase: BEFORE) { how: String!, n: Int }
type Mutation { fill(cart: ID!, names: [String!]!): Int @function @allow(call: "true") }
"#;

const HOOKS: &str = r#"import { Refused, type BeforeHook, type FunctionContext } from "backstay";

export const countSlots: BeforeHook<"Slot"> = async ({ event, stored, proposed, sent }, { db }) => {
  const name = proposed.name.trim().toLowerCase();
  if (event === "UPDATE") return { name, trail: `${stored!.trail}>${Object.keys(sent).join(",")}` };
  const { count } = await db.slots.list({ filter: "cart == $cart", params: { cart: proposed.cart }, limit: 1, count: true }) as any;
  if (count.value >= 3) throw new Refused("a cart has three slots", { code: "full", field: "cart" });
  return { ...proposed, name, place: count.value + 1 };
};
export const second: BeforeHook<"Slot"> = ({ proposed }) => ({ trail: `#${proposed.place}` });
export const keepSlot: BeforeHook<"Slot", "DELETE"> = ({ stored }) => {
  if (stored.kept) throw new Refused("this slot is kept", { code: "kept" });
};
export const odd: any = async ({ proposed }: any, { db, jobs }: any) => {
  const { how } = proposed;
  if (how === "loop") for (;;) {}
  if (how === "throw") throw new Error("a secret");
  if (how === "write") await db.carts.create({ name: "x" });
  if (how === "block") await db.transaction(async () => {});
  if (how === "fetch") await fetch("https://example.org/");
  if (how === "job") await jobs.add("none");
  if (how === "id") return { id: "0190a1b2-0000-7000-8000-000000000001" };
  if (how === "trash") return { trashedAt: "2026-01-31T12:00:00Z" };
  if (how === "unknown") return { m: 1 };
  if (how === "text") return "n";
  if (how === "mutate") proposed.n = 1;
  if (how === "type") return { n: "one" };
  if (how === "field") throw new Refused("no", { field: "nn" });
  return { n: 1 };
};
export async function fill({ cart, names }: { cart: string; names: string[] }, { db }: FunctionContext) {
  return db.transaction(async (tx) => {
    for (const name of names) await tx.slots.create({ cart, name });
    return names.length;
  });
}
"#;

fn app() -> App {
    let app = App::empty();
    app.write("model/lines.graphql", &documented("priceLine"));
    app.write("model/more.graphql", MORE);
    app.write("functions/lines.ts", &functions::documented("keepPaid"));
    app.write("functions/hooks.ts", HOOKS);
    app
}

/// An application with hooks.
fn with_hooks(model: &str, hooks: &str) -> App {
    let app = App::empty();
    app.write("model/app.graphql", model);
    app.write("functions/hooks.ts", hooks);
    app
}

/// The same application on `PostgreSQL`.
fn moved(app: App) -> App {
    app.write("backstay.toml", &format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
    app
}

fn on_postgres() -> App {
    moved(app())
}

fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    server.ask("POST", path, None, &body.to_string())
}

fn made(server: &Server, path: &str, body: &Value) -> String {
    let (status, made) = post(server, path, body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().expect("an id").to_owned()
}

fn refusal(answer: &Value) -> [&Value; 4] {
    [&answer["reason"], &answer["errors"][0]["at"], &answer["errors"][0]["message"], &answer["errors"][0]["reason"]]
}

fn document(app: &App) {
    let server = app.serve();
    let price = json!({ "amount": "2.50", "currency": "EUR" });
    let tea = made(&server, "/api/products", &json!({ "name": "Tea", "price": price }));
    let old = made(&server, "/api/products", &json!({ "name": "Old", "price": price, "retired": true }));
    let (status, line) = post(&server, "/api/lines", &json!({ "product": tea, "quantity": 3, "note": "  mild " }));
    assert_eq!((status, &line["note"]), (201, &json!("mild")), "{line}");
    assert_eq!(line["total"], json!({ "amount": "7.50", "currency": "EUR" }));
    let at = format!("/api/lines/{}", line["id"].as_str().expect("an id"));

    let (status, refused) = post(&server, "/api/lines", &json!({ "product": old, "quantity": 3 }));
    let expected = [json!("retired"), json!("/product"), json!("this product isn't sold any more"), json!("retired")];
    assert_eq!((status, refusal(&refused)), (422, expected.each_ref()), "{refused}");
    let many = json!([{ "product": tea, "quantity": 1 }, { "product": old, "quantity": 1 }]);
    let (status, refused) = post(&server, "/api/lines", &many);
    assert_eq!((status, &refused["errors"][0]["at"]), (422, &json!("/1/product")), "{refused}");
    let (status, refused) = post(&server, "/api/lines", &json!({ "product": tea }));
    assert_eq!((status, &refused["errors"][0]["at"]), (422, &json!("/quantity")), "{refused}");
    let (status, refused) = post(&server, "/api/lines", &json!({ "product": tea, "quantity": 200 }));
    assert_eq!((status, &refused["errors"][0]["at"]), (422, &json!("/quantity")), "{refused}");
    let given = json!({ "product": tea, "quantity": 1, "total": { "amount": "0.01", "currency": "EUR" } });
    let (status, refused) = post(&server, "/api/lines", &given);
    assert_eq!((status, &refused["errors"][0]["at"]), (422, &json!("/total")), "only the hook sets it: {refused}");

    let (status, line) = server.ask("PATCH", &at, None, r#"{"quantity":{"$inc":1}}"#);
    assert_eq!((status, &line["total"]["amount"]), (200, &json!("10.00")), "{line}");
    let (status, line) = server.ask("PATCH", &at, None, r#"{"paid":true}"#);
    assert_eq!(status, 200, "{line}");
    let (status, refused) = server.ask("DELETE", &at, None, "");
    assert_eq!((status, &refused["reason"]), (422, &json!("paid")), "{refused}");
    let (status, line) = server.ask("PATCH", &at, None, r#"{"paid":false}"#);
    assert_eq!(status, 200, "{line}");
    let (status, _) = server.ask("DELETE", &at, None, "");
    assert_eq!(status, 204);
}

#[test]
fn the_hooks_of_the_document_run() {
    document(&app());
}

#[test]
fn the_hooks_of_the_document_run_on_postgresql() {
    document(&on_postgres());
}

fn slots(server: &Server, cart: &str) -> Vec<Value> {
    let found = server.get(&format!("/api/slots?cart={cart}&sort=place,name&select=name,place,trail"));
    found["items"].as_array().expect("items").clone()
}

/// A PUT, and dry runs of changes and deletions, of the slot `q` in its cart.
fn replaced_and_tried(server: &Server, cart: &str) {
    let at = format!("/api/slots/{}", server.get("/api/slots?name=q")["items"][0]["id"].as_str().expect("an id"));
    let body = json!({ "cart": cart, "name": " S ", "kept": true }).to_string();
    let (status, put) = server.ask("PUT", &at, None, &body);
    assert_eq!((status, &put["name"], &put["trail"]), (200, &json!("s"), &json!("#1>name,kept")), "{put}");
    let tried = format!("/api/slots?cart={cart}&dryRun=true");
    let (status, answer) = server.ask("PATCH", &tried, None, r#"{"name":" T "}"#);
    assert_eq!((status, &answer["changed"]), (200, &json!(1)), "{answer}");
    let (status, refused) = server.ask("PATCH", &tried, None, r#"{"name":"7"}"#);
    assert_eq!(
        (status, &refused["type"]),
        (422, &json!("/problems/invalid-values")),
        "what the hook returns is checked: {refused}"
    );
    let (status, refused) = server.ask("DELETE", &tried, None, "");
    assert_eq!((status, &refused["reason"]), (422, &json!("kept")), "{refused}");
    assert_eq!(server.get(&at)["name"], json!("s"), "a dry run stores nothing");
    let back = json!({ "name": " Q", "kept": false }).to_string();
    assert_eq!(server.ask("PATCH", &at, None, &back).0, 200);
}

/// What each way of writing makes of a hook that counts, and of a second one that sees what the first returned.
fn everywhere(app: &App) {
    let server = app.serve();
    let cart = |name: &str| made(&server, "/api/carts", &json!({ "name": name }));
    let slot = |name: &str, place: u32| json!({ "name": name, "place": place, "trail": format!("#{place}") });

    let array = cart("array");
    let three =
        json!([{ "cart": array, "name": " A" }, { "cart": array, "name": "B" }, { "cart": array, "name": "c" }]);
    let (status, answer) = post(&server, "/api/slots", &three);
    assert_eq!(status, 201, "{answer}");
    assert_eq!(slots(&server, &array), [slot("a", 1), slot("b", 2), slot("c", 3)], "each sees those before it");
    let (status, refused) = post(&server, "/api/slots", &json!({ "cart": array, "name": "d" }));
    assert_eq!((status, &refused["reason"]), (422, &json!("full")), "{refused}");

    let four = cart("four");
    let all: Vec<Value> = ["e", "f", "g", "h"].iter().map(|name| json!({ "cart": four, "name": name })).collect();
    let (status, refused) = post(&server, "/api/slots", &json!(all));
    assert_eq!((status, &refused["errors"][0]["at"]), (422, &json!("/3/cart")), "{refused}");
    assert_eq!(slots(&server, &four), Vec::<Value>::new());

    let (status, parent) =
        post(&server, "/api/carts", &json!({ "name": "nested", "slots": [{ "name": "I" }, { "name": "J" }] }));
    assert_eq!(status, 201, "{parent}");
    let nested = parent["id"].as_str().expect("an id").to_owned();
    assert_eq!(slots(&server, &nested), [slot("i", 1), slot("j", 2)]);

    let several = json!({ "requests": [
        { "create": "carts", "body": { "name": "together" }, "as": "cart" },
        { "create": "slots", "body": { "cart": { "$ref": "cart.id" }, "name": "K" } },
        { "create": "slots", "body": { "cart": { "$ref": "cart.id" }, "name": "L" } },
    ] });
    let (status, answer) = post(&server, "/transact", &several);
    assert_eq!(status, 200, "{answer}");
    let together = answer["results"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(slots(&server, &together), [slot("k", 1), slot("l", 2)]);

    let acted = cart("acted");
    let (status, answer) = post(&server, "/do/fill", &json!({ "cart": acted, "names": ["M", "N", "O"] }));
    assert_eq!((status, &answer), (200, &json!(3)));
    assert_eq!(slots(&server, &acted), [slot("m", 1), slot("n", 2), slot("o", 3)]);
    let (status, refused) = post(&server, "/do/fill", &json!({ "cart": acted, "names": ["P"] }));
    assert_eq!((status, &refused["reason"]), (422, &json!("full")), "{refused}");

    let upserted = cart("upserted");
    let sent = json!([{ "cart": upserted, "name": "q" }, { "cart": acted, "name": "m", "kept": true }]);
    let (status, answer) = post(&server, "/api/slots?onConflict=name", &sent);
    assert_eq!(status, 201, "{answer}");
    assert_eq!(slots(&server, &upserted), [slot("q", 1)]);
    let changed = slots(&server, &acted);
    assert_eq!(changed[0]["trail"], json!("#1>kept"), "{changed:?}");

    let (status, answer) = server.ask("PATCH", &format!("/api/slots?cart={array}"), None, r#"{"kept":true}"#);
    assert_eq!((status, &answer["changed"]), (200, &json!(3)), "{answer}");
    assert!(
        slots(&server, &array).iter().all(|slot| slot["trail"].as_str().is_some_and(|trail| trail.ends_with(">kept")))
    );

    let (status, refused) = server.ask("DELETE", &format!("/api/carts/{array}"), None, "");
    assert_eq!((status, &refused["reason"]), (422, &json!("kept")), "what goes with it is asked about: {refused}");
    let (status, _) = server.ask("DELETE", &format!("/api/carts/{nested}"), None, "");
    assert_eq!(status, 204);
    let (status, refused) = server.ask("DELETE", &format!("/api/slots?cart={array}"), None, "");
    assert_eq!((status, &refused["reason"]), (422, &json!("kept")), "{refused}");

    replaced_and_tried(&server, &upserted);

    let key = "Idempotency-Key: once\r\n";
    let body = json!({ "cart": upserted, "name": "r" }).to_string();
    let first = server.ask_with("POST", "/api/slots", key, &body);
    assert_eq!(server.ask_with("POST", "/api/slots", key, &body), first);
    let names: Vec<Value> = slots(&server, &upserted).iter().map(|slot| slot["name"].clone()).collect();
    assert_eq!(names, [json!("q"), json!("r")]);
}

#[test]
fn hooks_run_whatever_writes() {
    everywhere(&app());
}

#[test]
fn hooks_run_whatever_writes_on_postgresql() {
    everywhere(&on_postgres());
}

/// Eight at once, of whom three find room: what a hook has read is the same at the commit.
fn race(app: &App) {
    let server = app.serve();
    let cart = made(&server, "/api/carts", &json!({ "name": "race" }));
    let server = &server;
    let outcomes: Vec<(u16, Value)> = thread::scope(|scope| {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let all: Vec<_> = names
            .iter()
            .map(|name| {
                let body = json!({ "cart": cart, "name": name });
                scope.spawn(move || post(server, "/api/slots", &body))
            })
            .collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    let taken = outcomes.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(taken, 3, "{outcomes:?}");
    assert!(outcomes.iter().all(|(status, answer)| *status == 201 || answer["reason"] == "full"), "{outcomes:?}");
    let places: Vec<Value> = slots(server, &cart).iter().map(|slot| slot["place"].clone()).collect();
    assert_eq!(places, [json!(1), json!(2), json!(3)]);
}

/// As many as may run at a time, each of which waits for a hook.
#[test]
fn functions_of_one_caller_never_wait_for_each_other_s_hooks() {
    let app = app();
    let server = app.serve();
    let carts: Vec<String> = ('a'..='l').map(|name| made(&server, "/api/carts", &json!({ "name": name }))).collect();
    let server = &server;
    let answers: Vec<(u16, Value)> = thread::scope(|scope| {
        let fill = |(name, cart)| {
            let body = json!({ "cart": cart, "names": [name] });
            scope.spawn(move || post(server, "/do/fill", &body))
        };
        let all: Vec<_> = ('a'..='l').zip(&carts).map(fill).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert!(answers.iter().all(|answer| *answer == (200, json!(1))), "{answers:?}");
}

#[test]
fn a_hook_that_counts_is_exact() {
    race(&app());
}

#[test]
fn a_hook_that_counts_is_exact_on_postgresql() {
    race(&on_postgres());
}

/// What hooks do that no hook may is their mistake: nothing is stored, the caller isn't told why, and the log is.
#[test]
fn what_no_hook_may_do() {
    let app = app();
    let server = app.serve();
    let (status, fine) = post(&server, "/api/odds", &json!({ "how": "" }));
    assert_eq!((status, &fine["n"]), (201, &json!(1)), "{fine}");
    let (status, answer) = post(&server, "/api/odds", &json!({ "how": "loop" }));
    assert_eq!(status, 503, "{answer}");
    let cases = [
        ("throw", "a secret"),
        ("write", "a hook before a change can't write"),
        ("block", "call `db.transaction` in a job instead"),
        ("fetch", "a hook before a change can only read; call `fetch` in a job instead: `@on(phase: AFTER)`"),
        ("job", "call `jobs.add` in a job instead"),
        ("id", "returned `id` of Odd: Backstay sets this field"),
        ("trash", "returned `trashedAt` of Odd: deleting or restoring a record sets this field"),
        ("unknown", "unknown field `m`"),
        ("text", "a hook returns an object with the fields that change"),
        ("mutate", "read-only"),
        ("type", "/n: expected"),
        ("field", "Odd has no such field"),
    ];
    for (how, _) in cases {
        let (status, answer) = post(&server, "/api/odds", &json!({ "how": how }));
        assert_eq!(status, 500, "{how}: {answer}");
    }
    assert_eq!(server.get("/api/odds?count=exact")["count"]["value"], json!(1));
    let log = server.stop_for_log().into_iter().map(|line| line.to_string()).collect::<String>();
    for (how, expected) in cases {
        assert!(log.contains(expected), "{how}: {expected} is not in {log}");
    }
}

#[test]
fn check_names_what_is_wrong_with_hooks() {
    let app = app();
    app.run(&["check"]).done();
    app.write("functions/hooks.ts", &HOOKS.replace("const second:", "const third:"));
    let refused = app.run(&["check"]).refused();
    assert!(refused.contains("third") || refused.contains("second"), "{refused}");
    app.write("functions/hooks.ts", &HOOKS.replace("export const second:", "const second:"));
    let refused = app.run(&["check"]).refused();
    assert!(refused.contains("second"), "{refused}");
}

/// `backstay test` asks them too.
#[test]
fn tests_see_hooks() {
    let app = app();
    app.write(
        "functions/lines.test.ts",
        r#"import { expect, test } from "backstay/test";
test("a line has a price", async ({ as, db }) => {
  const tea = await db.products.create({ name: "Tea", price: { amount: "2.50", currency: "EUR" } });
  const line = await as(null).db.lines.create({ product: tea.id, quantity: 2 });
  expect(line.total).toEqual({ amount: "5.00", currency: "EUR" });
  await db.products.update(tea.id, { retired: true });
  await expect(db.lines.create({ product: tea.id, quantity: 2 })).rejects.toThrow("retired");
});
"#,
    );
    let ran = app.run(&["test"]).done();
    assert!(ran.contains("a line has a price"), "{ran}");
}

/// Seed files and imports are asked about like everything else.
#[test]
fn seeds_and_imports_are_asked_about() {
    let app = app();
    app.write("seed/Cart.jsonl", "{\"id\":\"0190a1b2-0000-7000-8000-000000000001\",\"name\":\"seeded\"}\n");
    app.write(
        "slots.ndjson",
        "{\"cart\":\"0190a1b2-0000-7000-8000-000000000001\",\"name\":\" X\"}\n\
         {\"cart\":\"0190a1b2-0000-7000-8000-000000000001\",\"name\":\" Y\"}\n",
    );
    let server = app.serve();
    let path = app.path().join("slots.ndjson");
    app.run(&["import", "Slot", path.to_str().expect("a path")]).done();
    let cart = "0190a1b2-0000-7000-8000-000000000001";
    let places: Vec<Value> = slots(&server, cart).iter().map(|slot| slot["name"].clone()).collect();
    assert_eq!(places, [json!("x"), json!("y")]);
}
