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

/// The example in docs/functions.md.
fn documented() -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/functions.md");
    let document = fs::read_to_string(document).expect("the document");
    let (_, example) = document.split_once("```ts\n").expect("an example");
    example.split_once("```").expect("its end").0.to_owned()
}

fn app() -> App {
    let app = App::empty();
    app.write("model/shop.graphql", MODEL);
    app.write("functions/checkout.ts", &documented());
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
        "functions/others.ts:1:14: no action of the model names the function `unused`",
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
