//! Functions in TypeScript, as a server runs them.

use std::path::Path;
use std::{fs, thread};

use backstay_testkit::Cluster;
use serde_json::{Value, json};

use crate::support::{App, Server};

const MODEL: &str = r#"extend schema @app(name: "Shop")
type Product
  @allow(read: "true", create: "true")
  @allow(update: "'checkout' in auth.via", only: ["stock"]) {
  name: String!
  price: Money!
  stock: Int! @range(min: 0)
}
type Order @allow(read: "true", create: "'checkout' in auth.via") {
  product: Product!
  quantity: Int!
  total: Money!
}
type Mutation {
  checkout(product: ID!, quantity: Int! @range(min: 1)): Order! @function @allow(call: "true")
  fail(how: String!): Int @function @allow(call: "true")
}
type Query {
  stock(product: ID!): Int! @function(name: "stockOf") @allow(call: "true")
}
"#;

const MORE: &str = r#"import type { FunctionContext } from "backstay";
import { named } from "./lib/named";

export const stockOf = async ({ product }: { product: string }, { db }: FunctionContext) =>
  (await db.products.get(product)).stock;

export async function fail({ how }: { how: string }, { db, log }: FunctionContext): Promise<unknown> {
  log.info(named(how));
  if (how === "throw") throw new Error("the recipe is secret");
  if (how === "loop") for (;;) {}
  if (how === "create") return db.orders.create({ product: "x", quantity: 1, total: null as never });
  if (how === "wrong") return "a text";
  return null;
}
"#;

const NAMED: &str = "export const named = (how: string): string => `fails with ${how}`;\n";

/// The example in docs/functions.md that has these words.
pub(crate) fn documented(words: &str) -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/functions.md");
    let document = fs::read_to_string(document).expect("the document");
    let examples = document.split("```ts\n").skip(1).filter_map(|rest| rest.split("```").next());
    examples.into_iter().find(|example| example.contains(words)).expect("an example").to_owned()
}

fn app() -> App {
    let app = App::empty();
    app.write("model/shop.graphql", MODEL);
    app.write("functions/checkout.ts", &documented("function checkout("));
    app.write("functions/more.ts", MORE);
    app.write("functions/lib/named.ts", NAMED);
    app
}

fn product(server: &Server, stock: u32) -> String {
    let body = json!({ "name": "Tea", "price": { "amount": "2.50", "currency": "EUR" }, "stock": stock });
    let (status, made) = server.ask("POST", "/api/products", None, &body.to_string());
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().expect("an id").to_owned()
}

fn checkout(server: &Server, product: &str, quantity: u32) -> (u16, Value) {
    server.ask("POST", "/do/checkout", None, &json!({ "product": product, "quantity": quantity }).to_string())
}

fn walk(app: &App) {
    let server = app.serve();
    let tea = product(&server, 5);
    let (status, order) = checkout(&server, &tea, 2);
    assert_eq!((status, &order["total"]), (200, &json!({ "amount": "5.00", "currency": "EUR" })), "{order}");
    assert_eq!(server.get(&format!("/do/stock?product={tea}")), json!(3));
    let (status, refused) = checkout(&server, &tea, 4);
    assert_eq!((status, &refused["detail"], &refused["reason"]), (422, &json!("only 3 are left"), &json!("sold-out")));
    let (status, wrong) = checkout(&server, &tea, 0);
    assert_eq!(status, 400, "{wrong}");
    let (status, _) = server.ask("PATCH", &format!("/api/products/{tea}"), None, r#"{"stock":9}"#);
    assert_eq!(status, 401, "only a checkout changes the stock");

    for (how, expected) in [("throw", 500), ("loop", 503), ("wrong", 500), ("create", 422), ("none", 200)] {
        let (status, answer) = server.ask("POST", "/do/fail", None, &json!({ "how": how }).to_string());
        assert!(status == expected || how == "create" && status >= 400, "{how}: {status} {answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    let log = server.stop_for_log();
    let log: Vec<String> = log.iter().map(Value::to_string).collect();
    let said = |words: &str| log.iter().any(|line| line.contains(words));
    assert!(said("sold 2") && said("fails with loop"), "{log:#?}");
    assert!(said("the recipe is secret") && said("functions/more.ts:9:"), "{log:#?}");
}

#[test]
fn functions_carry_out_actions() {
    walk(&app());
}

#[test]
fn functions_carry_out_actions_on_postgresql() {
    let app = app();
    app.write("backstay.toml", &format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
    walk(&app);
}

/// 30 buyers, 6 at a time, of 20 units.
fn sell_out(app: &App) {
    let server = app.serve();
    let tea = product(&server, 20);
    let buy = || {
        let mut sold = 0;
        for _ in 0..5 {
            // What is in a conflict for too long is asked again.
            sold += loop {
                match checkout(&server, &tea, 1) {
                    (200, _) => break 1,
                    (422, refused) => {
                        assert_eq!(refused["reason"], "sold-out", "{refused}");
                        break 0;
                    }
                    (409 | 503, _) => {}
                    (status, answer) => assert_eq!((status, answer), (200, Value::Null)),
                }
            };
        }
        sold
    };
    let sold: usize = thread::scope(|scope| {
        let buyers: Vec<_> = (0..6).map(|_| scope.spawn(buy)).collect();
        buyers.into_iter().map(|buyer| buyer.join().expect("a buyer")).sum()
    });
    assert_eq!(sold, 20);
    assert_eq!(server.get(&format!("/do/stock?product={tea}")), json!(0));
    let orders = server.get("/api/orders?limit=1&count=exact");
    assert_eq!(orders["count"]["value"], 20);
}

#[test]
fn no_more_is_sold_than_there_is() {
    sell_out(&app());
}

#[test]
fn no_more_is_sold_than_there_is_on_postgresql() {
    let app = app();
    app.write("backstay.toml", &format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
    sell_out(&app);
}

#[test]
fn check_names_what_is_wrong_with_functions() {
    let check = |file: &str, text: &str, expected: &str| {
        let app = app();
        app.write(file, text);
        let refused = app.run(&["check"]).refused();
        assert!(refused.contains(expected), "{refused}");
        assert!(app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused().contains(expected), "{expected}");
    };
    check("functions/checkout.ts", "export function checkout( {", "functions/checkout.ts:1:28: Expected");
    check(
        "functions/others.ts",
        "export const unused = () => 1;",
        "functions/others.ts:1:14: nothing in the model names the function `unused`",
    );
    check("functions/more.ts", "export const stockOf = () => 1;", "`@function(name: \"fail\")`");
}

#[test]
fn functions_call_other_servers_as_the_settings_allow() {
    let model = "extend schema @app(name: \"Caller\")\ntype Query { status(url: String!): Int! @function @allow(call: \"true\") }\n\
                 type Note @allow(read: \"true\") { text: String! }\n";
    let function = "export const status = async ({ url }: { url: string }) => (await fetch(url)).status;\n";
    let caller = |settings: &str| {
        let app = App::empty();
        app.write("backstay.toml", settings);
        app.write("model/caller.graphql", model);
        app.write("functions/status.ts", function);
        app
    };
    let target = caller("");
    let called = target.serve();
    let path = format!("/do/status?url=http://{}/healthz", called.address());
    let refused = caller("");
    assert_eq!(refused.serve().ask("GET", &path, None, "").0, 500, "an address of this machine");
    let allowed = caller("[egress]\nallow = [\"127.0.0.0/8\"]\n");
    assert_eq!(allowed.serve().ask("GET", &path, None, ""), (200, json!(200)));
}

const CHECKOUT_TESTS: &str = r#"import { expect, test } from "backstay/test";

test("a checkout takes stock", async ({ as, db, clock }) => {
  const tea = await db.products.create({ name: "Tea", price: { amount: "2.50", currency: "EUR" }, stock: 5 });
  const order = await as(null).call("checkout", { product: tea.id, quantity: 2 });
  expect(order.total).toEqual({ amount: "5.00", currency: "EUR" });
  expect((await db.products.get(tea.id)).stock).toBe(3);
  await expect(as(null).call("checkout", { product: tea.id, quantity: 4 })).rejects.toThrow("sold-out");
  await expect(as(null).db.products.update(tea.id, { stock: 9 })).rejects.toThrow("sign-in-required");
  const before = clock.now().getTime();
  await clock.advance("36h");
  expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(36 * 60 * 60 * 1000);
});

test("each test begins with nothing", async ({ db }) => {
  expect(await db.products.list()).toMatchObject({ items: [] });
});
"#;

#[test]
fn tests_run_against_an_application_of_their_own() {
    let app = app();
    app.write("functions/checkout.test.ts", CHECKOUT_TESTS);
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}", passed.out);
    assert!(passed.err.contains("sold 2"), "{}", passed.err);
    assert_eq!(
        passed.out,
        "functions/checkout.test.ts\n  ok      a checkout takes stock\n  ok      each test begins with nothing\n\n2 passed, 0 failed\n"
    );
    app.write(
        "functions/lib/wrong.test.ts",
        "import { expect, test } from \"backstay/test\";\n\ntest(\"one is two\", () => {\n  expect(1).toBe(2);\n});\n\
         test(\"a wrong field\", async ({ db }) => {\n  await db.products.list({ filter: \"nme == 'x'\" });\n});\n",
    );
    let failed = app.run(&["test", "--only", "wrong"]);
    assert_eq!(failed.code, Some(1), "{}", failed.err);
    let lines: Vec<&str> = failed.out.lines().map(str::trim).collect();
    assert_eq!(
        lines[..3],
        ["functions/lib/wrong.test.ts", "FAILED  one is two", "expected 1 to be 2"],
        "{}",
        failed.out
    );
    assert!(lines[3].contains("functions/lib/wrong.test.ts:4:"), "{}", failed.out);
    assert!(
        failed.out.contains("`db.products.list` was refused: ") && failed.out.contains("wrong.test.ts:7:"),
        "{}",
        failed.out
    );
    assert!(failed.out.ends_with("\n0 passed, 2 failed\n"), "{}", failed.out);
    // No server takes a test for a function.
    app.run(&["check"]).done();
    assert!(app.run(&["test", "--only", "elsewhere"]).refused().contains("no test has this text in its name"));
}

/// What tests can ask of routes, and what they learn of errors.
const ROUTE_TESTS: &str = r#"import { expect, test } from "backstay/test";

test("routes answer over HTTP", async ({ as, db }) => {
  const ada = await db.users.create({ email: "ada@example.org" });
  const made = await as(ada).fetch("/articles", { method: "POST", json: { title: "One" } });
  expect(made.status).toBe(201);
  expect(made.headers.get("location")).toBe("/articles/one");
  expect(await made.json()).toEqual({ by: ada.id });
  expect((await as(null).fetch("/articles", { method: "POST", json: { title: "One" } })).status).toBe(401);
  const wrong = await as(ada).fetch("/articles", { method: "POST", body: "{", headers: { "content-type": "application/json" } });
  expect(await wrong.json()).toMatchObject({ status: 422, reason: "not-json" });
  expect((await as(null).fetch("/nothing")).status).toBe(404);
  await expect(as(null).fetch("articles")).rejects.toThrow("a path of the application");
  await expect(as(ada).call("publish")).rejects.toThrow("as(…).fetch(path)");
});

test("a test learns what a function throws", async ({ as }) => {
  await expect(as(null).call("fail")).rejects.toThrow("the stars are wrong");
  await expect(as(null).call("register")).rejects.toThrow("auth has no `signup`; did you mean `signUp`?");
});
"#;

#[test]
fn tests_send_requests_to_routes_and_expect_what_functions_throw() {
    let app = App::empty();
    app.write(
        "model/blog.graphql",
        "extend schema @app(name: \"Blog\") @route(method: POST, path: \"/articles\", run: \"publish\", allow: \"auth.id != null\")\n\
         type User @identity @allow(read: \"true\") { email: Email! @unique }\n\
         type Mutation {\n  fail: Int @function @allow(call: \"true\")\n  register: Int @function @allow(call: \"true\")\n}\n",
    );
    app.write(
        "functions/blog.js",
        "export async function publish(request, { auth }) {\n  const { title } = await request.json();\n  \
         return Response.json({ by: auth.id }, { status: 201, headers: { location: `/articles/${title.toLowerCase()}` } });\n}\n\
         export function fail() {\n  throw new Error(\"the stars are wrong\");\n}\n\
         export const register = (_, { auth }) => auth.signup({});\n",
    );
    app.write("functions/blog.test.ts", ROUTE_TESTS);
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}\n{}", passed.out, passed.err);
    // Clients see none of this.
    let (status, failed) = app.serve().ask("POST", "/do/fail", None, "{}");
    assert_eq!(status, 500, "{failed}");
    assert!(!failed.to_string().contains("stars"), "{failed}");
}

#[test]
fn the_test_of_the_document_passes() {
    let app = app();
    app.write("functions/checkout.test.ts", &documented("backstay/test"));
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}", passed.out);
}

/// Signs up and in by functions, at paths of the application's own.
fn sign_in_by_functions(settings: &str) {
    let app = App::empty();
    app.write(
        "model/people.graphql",
        "extend schema\n  @app(name: \"People\")\n  \
         @route(method: POST, path: \"/people\", run: \"register\", allow: \"true\")\n  \
         @route(method: POST, path: \"/login\", run: \"login\", allow: \"true\")\n  \
         @route(method: POST, path: \"/password\", run: \"renew\", allow: \"auth.id != null\")\n  \
         @route(method: POST, path: \"/logout\", run: \"leave\", allow: \"true\")\n  \
         @route(method: GET, path: \"/login\", run: \"login\", allow: \"true\", name: \"reading\")\n\
         type User @identity @allow(read: \"this.id == auth.id\") { email: Email! @unique name: String! }\n",
    );
    app.write("functions/accounts.ts", &documented("function register("));
    app.write(
        "functions/login.js",
        "export const login = async (request, { auth }) => {\n  \
           const given = request.method === \"GET\" ? { email: \"a@b.example\", password: \"x\" } : await request.json();\n  \
           return { token: (await auth.signIn(given)).token, shown: JSON.stringify(auth.via) };\n};\n\
         export const renew = async (request, { auth }) => (await auth.changePassword(await request.json())).token;\n\
         export const leave = async (_, { auth, db }) => {\n  \
           const error = await db.transaction(() => auth.signOut()).catch((error) => error.message);\n  \
           await auth.signOut();\n  return error;\n};\n",
    );
    app.write("backstay.toml", &format!("{settings}[accounts]\nsign_up = \"open\"\n"));
    let server = app.serve();
    let ada = r#"{"name": "Ada", "mail": "ada@people.example", "password": "ada likes engines"}"#;
    let (status, made) = server.ask("POST", "/people", None, ada);
    assert_eq!(status, 201, "{made}");
    let me = |token: &Value| server.ask("GET", "/auth/me", token.as_str(), "");
    assert_eq!(me(&made["token"]).1["account"]["name"], "Ada");
    let login = |password: &str| {
        let body = json!({ "email": "ada@people.example", "password": password }).to_string();
        server.ask("POST", "/login", None, &body)
    };
    let (status, signed_in) = login("ada likes engines");
    assert_eq!((status, me(&signed_in["token"]).0, &signed_in["shown"]), (200, 200, &json!("[\"login\"]")));
    assert_eq!(login("ada likes tea").0, 401);
    let (status, missing) = server.ask("POST", "/login", None, r#"{"email": "ada@people.example"}"#);
    assert_eq!((status, &missing["errors"][0]["at"]), (422, &json!("/password")), "{missing}");
    let (status, taken) = server.ask("POST", "/people", None, ada);
    assert_eq!(status, 403, "{taken}");
    assert_eq!(server.ask("GET", "/login", None, "").0, 500, "what reads signs nobody in");
    let change = r#"{"current": "ada likes engines", "password": "ada likes looms"}"#;
    let (status, token) = server.ask("POST", "/password", signed_in["token"].as_str(), change);
    assert_eq!((status, me(&token).0, me(&made["token"]).0), (200, 200, 401), "{token}");
    let (status, error) = server.ask("POST", "/logout", token.as_str(), "");
    let refused = "auth.signOut can't be used in a transaction; call it before or after";
    assert_eq!((status, &error, me(&token).0), (200, &json!(refused), 401));
    assert_eq!(server.ask("POST", "/logout", None, "").0, 401);
}

#[test]
fn functions_sign_people_in() {
    sign_in_by_functions("");
}

#[test]
fn functions_sign_people_in_on_postgresql() {
    sign_in_by_functions(&format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
}

#[test]
fn tests_answer_in_place_of_other_servers() {
    let app = App::empty();
    app.write(
        "model/rates.graphql",
        "extend schema @app(name: \"Rates\")\ntype Note @allow(read: \"true\") { text: String! }\n\
         type Mutation { rate(of: String!): Float! @function @allow(call: \"true\") }\n",
    );
    app.write(
        "functions/rate.ts",
        "export async function rate({ of }: { of: string }) {\n  \
         const headers = { \"X-For\": of };\n  \
         const answer = await fetch(`https://rates.example/${of}`, { method: \"POST\", headers, body: \"{}\" });\n  \
         if (!answer.ok) throw new Error(`answered ${answer.status}`);\n  \
         return (await answer.json()).rate;\n}\n",
    );
    app.write(
        "functions/rate.test.ts",
        "import { expect, test } from \"backstay/test\";\n\
         test(\"a rate is asked for\", async ({ as, fetches }) => {\n  \
           await fetches.answer(\"POST https://rates.example/eur\", { status: 503 });\n  \
           await fetches.answer(\"POST https://rates.example/eur\", { json: { rate: 1.5 } });\n  \
           await expect(as(null).call(\"rate\", { of: \"eur\" })).rejects.toThrow(\"internal\");\n  \
           expect(await as(null).call(\"rate\", { of: \"eur\" })).toBe(1.5);\n  \
           expect(await as(null).call(\"rate\", { of: \"eur\" })).toBe(1.5);\n  \
           const [, , sent] = await fetches.sent();\n  \
           expect(sent).toEqual({ method: \"POST\", url: \"https://rates.example/eur\", headers: { \"x-for\": \"eur\" }, body: \"{}\" });\n\
         });\n\
         test(\"no server is called\", async ({ as, fetches }) => {\n  \
           await expect(as(null).call(\"rate\", { of: \"usd\" })).rejects.toThrow(\"internal\");\n  \
           expect(await fetches.sent()).toEqual([]);\n  \
           await expect(fetches.answer(\"rates.example\")).rejects.toThrow(\"for a method and a URL\");\n\
         });\n",
    );
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}\n{}", passed.out, passed.err);
}

#[test]
fn the_signed_call_of_the_document_is_made() {
    let target = App::new();
    let called = target.serve();
    let app = App::empty();
    app.write(
        "model/notes.graphql",
        "extend schema @app(name: \"Notes\")\ntype Note @allow(read: \"true\") { text: String! }\n\
         type Mutation { notify(text: String!): Boolean! @function @allow(call: \"true\") }\n",
    );
    let example =
        documented("function notify(").replace("https://hooks.example", &format!("http://{}", called.address()));
    app.write("functions/notify.ts", &format!("import type {{ FunctionContext }} from \"backstay\";\n{example}"));
    app.write("backstay.toml", "[egress]\nallow = [\"127.0.0.0/8\"]\n");
    let mut command = app.command(&["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    let server = Server::spawn(command.env("BACKSTAY_SECRET_SIGNING_KEY", "a key for tests")).listening();
    // There is nothing at that path.
    assert_eq!(server.ask("POST", "/do/notify", None, r#"{"text":"Hello"}"#), (200, json!(false)));
}

#[test]
fn timers_fire_when_a_test_moves_the_clock() {
    let app = App::empty();
    app.write(
        "model/news.graphql",
        "extend schema @app(name: \"News\")\n\
         enum State { DRAFT @initial @to(state: \"OUT\") OUT }\n\
         type Post @allow(read: \"this.state == 'OUT'\", create: \"true\") {\n\
           state: State! @at(field: \"publishAt\", to: \"OUT\")\n  publishAt: DateTime\n}\n",
    );
    app.write(
        "functions/post.test.ts",
        "import { expect, test } from \"backstay/test\";\n\
         test(\"a post is published when its time has come\", async ({ as, db, clock }) => {\n\
           const publishAt = new Date(clock.now().getTime() + 3600_000).toISOString();\n\
           const post = await db.posts.create({ publishAt });\n\
           await expect(as(null).db.posts.get(post.id)).rejects.toThrow(\"not-found\");\n\
           await clock.advance(\"61m\");\n\
           expect((await as(null).db.posts.get(post.id)).state).toBe(\"OUT\");\n\
         });\n",
    );
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}\n{}", passed.out, passed.err);
}

/// A route takes a request and not arguments: a test that calls one learns that.
#[test]
fn tests_do_not_call_routes() {
    let app = App::empty();
    app.write(
        "model/own.graphql",
        "extend schema @app(name: \"Own\") @route(method: GET, path: \"/own\", run: \"own\", allow: \"true\")\n\
         type Note @allow(read: \"true\") { text: String }\n",
    );
    app.write(
        "functions/own.ts",
        "export const own = (request: Request) => new Response(request.headers.get(\"host\"));\n",
    );
    app.write(
        "functions/own.test.ts",
        "import { expect, test } from \"backstay/test\";\n\
         test(\"a route\", async ({ as }) => {\n\
           await expect(as(null).call(\"own\")).rejects.toThrow(\"answers requests for a path of its own\");\n\
         });\n",
    );
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}\n{}", passed.out, passed.err);
}

/// The clock of a test stops at each moment at which a job is due.
#[test]
fn tests_see_jobs_that_are_tried_again() {
    let app = App::empty();
    app.write(
        "model/calls.graphql",
        "extend schema @app(name: \"Calls\") @schedule(cron: \"@daily\", run: \"close\")\n\
         type Try @allow(create: \"'call' in auth.via || 'close' in auth.via\") { of: String! at: DateTime! }\n\
         type Order @allow(read: \"true\", create: \"true\") @on(event: CREATE, run: \"call\") { n: Int }\n\
         type Mutation {\n\
           call(id: ID!): Boolean @function @job(retries: 3)\n\
           close(at: DateTime!): Boolean @function @job\n\
         }\n",
    );
    app.write(
        "functions/calls.ts",
        "export const call = async ({ id }: any, { db }: any) => {\n\
           const { createdAt } = await db.orders.get(id);\n\
           if (Date.now() - Date.parse(createdAt) < 12_000) throw new Error(\"no answer\");\n\
           await db.tries.create({ of: \"call\", at: new Date().toISOString() });\n\
           return true;\n\
         };\n\
         export const close = async ({ at }: any, { db }: any) => {\n\
           await db.tries.create({ of: \"close\", at });\n\
           return true;\n\
         };\n",
    );
    app.write(
        "functions/calls.test.ts",
        "import { expect, test } from \"backstay/test\";\n\
         test(\"a call is tried again until there is an answer\", async ({ as, db, clock }) => {\n\
           const begun = clock.now().getTime();\n\
           await as(null).db.orders.create({ n: 1 });\n\
           await clock.advance(\"72h\");\n\
           const { items } = await db.tries.list({ limit: 100 });\n\
           const calls = items.filter((one: any) => one.of === \"call\");\n\
           expect(calls).toHaveLength(1);\n\
           expect(new Date(calls[0].at).getTime() - begun).toBeLessThan(120_000);\n\
           expect(items.filter((one: any) => one.of === \"close\")).toHaveLength(3);\n\
         });\n\
         test(\"a schedule alone has its times\", async ({ db, clock }) => {\n\
           await clock.advance(\"25h\");\n\
           expect((await db.tries.list({})).items.length).toBeGreaterThan(0);\n\
         });\n",
    );
    let passed = app.run(&["test"]);
    assert_eq!(passed.code, Some(0), "{}\n{}", passed.out, passed.err);
}

#[test]
fn secrets_come_from_the_environment_and_from_files_and_are_never_logged() {
    let app = App::empty();
    app.write(
        "model/pay.graphql",
        "extend schema @app(name: \"Pay\")\ntype Note @allow(read: \"true\") { text: String! }\n\
         type Query { used(name: String!): String! @function @allow(call: \"true\") }\n",
    );
    app.write(
        "functions/pay.ts",
        "export async function used({ name }: { name: string }, { secrets, log }: any) {\n  const value = secrets.get(name);\n  \
         log.info(\"the value is\", value);\n  if (value.includes(\"boom\")) throw new Error(value);\n  return `${value.length}`;\n}\n",
    );
    app.write("backstay.toml", "[secrets]\nSTRIPE = { env = \"STRIPE_SECRET\" }\nKEY = { file = \"key.txt\" }\n");
    app.write("key.txt", "key-boom-from-a-file\n");
    let checked = app.run(&["check"]);
    assert!(checked.err.contains("the environment variable `STRIPE_SECRET` isn't set"), "{}", checked.err);
    let variables = [("STRIPE_SECRET", "sk_live_stripe"), ("BACKSTAY_SECRET_MAIL", "mail-password")];
    let mut command = app.command(&["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    let server = Server::spawn(command.envs(variables)).listening();
    assert_eq!(server.get("/do/used?name=STRIPE"), json!("14"));
    assert_eq!(server.get("/do/used?name=MAIL"), json!("13"));
    assert_eq!(server.ask("GET", "/do/used?name=KEY", None, "").0, 500);
    assert_eq!(server.ask("GET", "/do/used?name=OTHER", None, "").0, 500);
    let log: Vec<String> = server.stop_for_log().iter().map(Value::to_string).collect();
    let log = log.join("\n");
    for value in ["sk_live_stripe", "mail-password", "key-boom"] {
        assert!(!log.contains(value), "{log}");
    }
    for said in ["the value is [STRIPE]", "Error: [KEY]", "functions/pay.ts:4:", "there is no secret \\\"OTHER\\\""] {
        assert!(log.contains(said), "{said}\n{log}");
    }
    app.write("backstay.toml", "[secrets]\nSTRIPE = \"sk_live\"\n");
    assert!(app.run(&["check"]).refused().contains("the value of the secret `STRIPE` is written in the file"));
}

#[test]
fn a_limit_of_calls_is_told_with_the_time_to_wait() {
    let app = App::empty();
    let model = "extend schema @app(name: \"Calls\")\ntype Note @allow(read: \"true\") { text: String! }\n\
         type Query { roll: Int! @function @allow(call: \"true\") @limit(rate: \"2/h\", per: ADDRESS) }\n";
    app.write("model/calls.graphql", model);
    app.write("functions/roll.ts", "export const roll = () => 4;\n");
    let server = app.serve();
    for _ in 0..2 {
        assert_eq!(server.get("/do/roll"), json!(4));
    }
    let (status, refused) = server.ask("GET", "/do/roll", None, "");
    assert_eq!((status, &refused["title"]), (429, &json!("Too many attempts")), "{refused}");
    drop(server);
    app.write("model/calls.graphql", &model.replace("2/h", "many"));
    assert!(app.run(&["check"]).refused().contains("`many` is not a rate"));
    app.write("model/calls.graphql", &model.replace("call: \"true\"", "call: \"false\""));
    assert!(app.run(&["check"]).refused().contains("nobody could call `roll`: its rule is always false"));
}

#[test]
fn functions_in_other_places_are_named() {
    let app = app();
    app.write("functions/checkout.ts", "export const other = { checkout() {} };\n");
    app.write("functions/shop/checkout.ts", "export const checkout = () => null;\n");
    let expected = "functions/shop/checkout.ts:1:14: `checkout` is exported here, but functions of actions are exported by files directly";
    let refused = app.run(&["check"]).refused();
    assert!(refused.contains(expected), "{refused}");
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    assert!(refused.contains(expected), "{refused}");
}
