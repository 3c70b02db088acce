//! `examples/shop` with more buyers than units, a payment provider that answers late, twice, in any order or not at all, and
//! a server that is killed on the way.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use backstay_testkit::Cluster;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::crowd::{self, Address, Sent};
use crate::support::{App, Server, exchange, read, until};

const UNITS: usize = 20;
const BUYERS: usize = 60;
const AT_ONCE: usize = 8;

/// The provider of the example.
struct Provider {
    child: Child,
    address: String,
}

impl Provider {
    /// Starts it. Its faults follow from the seed.
    fn start(app: &App, seed: usize) -> Self {
        let mut node = Command::new("node");
        node.arg(app.path().join("provider/provider.mjs")).args(["--port", "0", "--unreliable", &seed.to_string()]);
        let mut child = node.stdout(Stdio::piped()).spawn().expect("node is installed");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        out.read_line(&mut line).expect("the address");
        let address = line.trim().strip_prefix("listening on http://").expect("the address").to_owned();
        Self { child, address }
    }

    fn ask(&self, request: &str, body: &str) -> Value {
        let answer = exchange(&self.address, request, "", body).expect("an answer");
        let (status, body) = read(&answer).expect("an answer");
        assert_eq!(status, 200, "{answer}");
        body
    }

    /// Has its events sent to a server, with this key.
    fn notify(&self, server: &Server, key: &str) {
        let headers = json!({ "authorization": format!("Bearer {key}"), "content-type": "application/json" });
        let url = format!("http://{}/do/paymentEvent", server.address());
        self.ask("PUT /shop", &json!({ "url": url, "headers": headers }).to_string());
    }

    /// The payments that have money, and those whose money was given back. Nobody paid twice, or got it back twice.
    fn ledger(&self) -> [BTreeSet<String>; 2] {
        let payments = self.ask("GET /payments", "");
        let payments = payments.as_array().expect("payments");
        let with = |taken: u32, returned: u32| {
            let those = payments.iter().filter(|one| one["taken"] == taken && one["returned"] == returned);
            those.map(|one| one["id"].as_str().expect("an id").to_owned()).collect::<BTreeSet<_>>()
        };
        let [none, kept, returned] = [with(0, 0), with(1, 0), with(1, 1)];
        assert_eq!(none.len() + kept.len() + returned.len(), payments.len(), "{payments:#?}");
        [kept, returned]
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who wants a teapot.
struct Buyer {
    number: usize,
    /// The header line of their secret link.
    link: String,
    /// How often they have tried.
    carts: usize,
}

/// How a try to buy ends.
enum Bought {
    Paid,
    NotPaid,
    SoldOut,
}

impl Buyer {
    fn new(server: &Server, number: usize) -> Self {
        let (status, made) = server.ask("POST", "/auth/links", None, "");
        assert_eq!(status, 201, "{made}");
        Self { number, link: format!("backstay-link: {}\r\n", made["token"].as_str().expect("a token")), carts: 0 }
    }

    /// Puts a teapot into a new cart, checks out, and waits until the order is paid or not.
    fn buy(&mut self, shop: &Address) -> Bought {
        let Self { number, ref link, .. } = *self;
        self.carts += 1;
        let keyed = |what: &str| format!("{link}idempotency-key: {what}-{number}-{}\r\n", self.carts);
        let body = json!({ "items": [{ "product": { "slug": "teapot" } }] }).to_string();
        let (status, cart) = shop.insist(Sent { request: "POST /api/carts", lines: &keyed("cart"), body: &body });
        assert_eq!(status, 201, "{cart}");
        let body = json!({ "cart": cart["id"] }).to_string();
        // The second half goes without a key: the cart remembers its order.
        let lines = if number < BUYERS / 2 { keyed("checkout") } else { link.clone() };
        loop {
            let request = "POST /do/checkout?select=state";
            let (status, order) = shop.insist(Sent { request, lines: &lines, body: &body });
            match (status, order["state"].as_str()) {
                (200, Some("AWAITING_PAYMENT")) => thread::sleep(Duration::from_millis(20)),
                (200, Some("PAID")) => return Bought::Paid,
                (200, Some("EXPIRED" | "CANCELED")) => return Bought::NotPaid,
                (422, _) => {
                    assert_eq!(order["reason"], "sold-out", "{order}");
                    return Bought::SoldOut;
                }
                _ => assert_eq!((status, &order), (200, &Value::Null)),
            }
        }
    }
}

/// What the shop says to a member of its staff.
struct Staff {
    line: String,
}

impl Staff {
    fn sign_in(server: &Server) -> Self {
        let credentials = r#"{"email": "sam@example.org", "password": "counts the teapots"}"#;
        let (status, signed_in) = server.ask("POST", "/auth/sign-in", None, credentials);
        assert_eq!(status, 200, "{signed_in}");
        let token = signed_in["token"].as_str().expect("a token");
        Self { line: format!("authorization: Bearer {token}\r\n") }
    }

    fn orders_paid(&self, shop: &Address) -> u64 {
        let request = "GET /api/orders?state=PAID&count=exact&limit=1";
        let (status, page) = shop.insist(Sent { request, lines: &self.line, body: "" });
        assert_eq!(status, 200, "{page}");
        page["count"]["value"].as_u64().expect("a count")
    }

    fn get(&self, server: &Server, path: &str) -> Value {
        let (status, answer) = server.ask_with("GET", path, &self.line, "");
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn list(&self, server: &Server, path: &str) -> Vec<Value> {
        let mut page = self.get(server, path);
        assert_eq!(page["next"], Value::Null, "one page has them all");
        match page["items"].take() {
            Value::Array(items) => items,
            other => vec![other],
        }
    }
}

/// The example with `UNITS` teapots and a provider, and orders that are kept for two seconds.
fn stocked(database: Option<&str>, provider: &str) -> App {
    let app = App::example("shop");
    let data = database.map(|url| format!("[data]\nurl = \"{url}\"\n")).unwrap_or_default();
    app.write("backstay.toml", &format!("[egress]\nallow = [\"127.0.0.0/8\"]\n{data}"));
    let settings = json!({ "provider": format!("http://{provider}/"), "holdSeconds": 2 });
    app.write("seed/ShopSettings.jsonl", &format!("{settings}\n"));
    let delivery = json!({ "product": { "slug": "teapot" }, "quantity": UNITS, "reason": "delivery" });
    app.write("seed/Movement.jsonl", &format!("{delivery}\n"));
    app
}

fn sell_out(database: Option<&str>, kills: usize, seed: usize) {
    let provider = Provider::start(&App::example("shop"), seed);
    let app = stocked(database, &provider.address);
    let server = app.serve();
    let added = app.run(&["key", "add", "payments", "--claim", "part=payments", "--format", "json"]).done();
    let added: Value = serde_json::from_str(&added).expect("JSON");
    let key = added["key"].as_str().expect("a key");
    let staff = Staff::sign_in(&server);
    let buyers = Mutex::new((0..BUYERS).map(|number| Buyer::new(&server, number)).collect::<VecDeque<_>>());
    assert_eq!(server.stop(), Some(0));

    let take_turns = |shop: &Address| {
        while let Some(mut buyer) = { buyers.lock().pop_front() } {
            match buyer.buy(shop) {
                Bought::Paid => {}
                Bought::SoldOut if staff.orders_paid(shop) == UNITS as u64 => {}
                // A hold may end, and then there is another one to buy.
                Bought::SoldOut | Bought::NotPaid => {
                    thread::sleep(Duration::from_millis(20));
                    buyers.lock().push_back(buyer);
                }
            }
        }
    };
    let all = |shop: &Address| {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| take_turns(shop))).collect();
            for thread in threads {
                thread.join().expect("a buyer");
            }
        });
    };
    let server = crowd::run(&app, kills, |server| provider.notify(server, key), all);

    until("the provider has told everything", || provider.ask("GET /events", "")["open"] == 0);
    for open in ["orders?state=AWAITING_PAYMENT", "holds?state=HELD", "payments?state=REFUND_DUE"] {
        until(open, || staff.list(&server, &format!("/api/{open}&limit=500&select=id")).is_empty());
    }
    everything_adds_up(&staff, &server, &provider);
    assert_eq!(server.stop(), Some(0));
    let sums = app.run(&["check", "--sums"]).done();
    assert_eq!(sums.matches("all correct").count(), 3, "{sums}");
    app.run(&["log", "verify"]).done();
}

fn everything_adds_up(staff: &Staff, server: &Server, provider: &Provider) {
    let product = staff.list(server, "/api/products?slug=teapot&select=onHand,reserved,available").remove(0);
    assert_eq!(product, json!({ "onHand": 0, "reserved": 0, "available": 0 }));
    let movements = staff.get(server, "/api/movements:aggregate?group=reason&select=count,sum(quantity)&sort=reason");
    let expected = json!([
        { "reason": "delivery", "count": 1, "sumQuantity": UNITS },
        { "reason": "sold", "count": UNITS, "sumQuantity": -20 },
    ]);
    assert_eq!(movements["items"], expected, "{movements}");

    let orders = staff.list(server, "/api/orders?limit=500&select=state,payment{id,state}");
    assert_eq!(orders.iter().filter(|order| order["state"] == "PAID").count(), UNITS);
    let payments = |state: &str| {
        let those = orders.iter().filter(|order| order["payment"]["state"] == state);
        those.map(|order| order["payment"]["id"].as_str().expect("an id").to_owned()).collect::<BTreeSet<_>>()
    };
    let paid = orders.iter().filter(|order| order["state"] == "PAID").map(|order| &order["payment"]["state"]);
    assert!(paid.clone().all(|state| state == "CAPTURED"), "{orders:#?}");
    assert_eq!(provider.ledger(), [payments("CAPTURED"), payments("REFUNDED")]);
    assert_eq!(payments("CAPTURED").len(), UNITS);
}

#[test]
fn as_many_are_sold_as_there_are() {
    sell_out(None, 3, 1);
}

#[test]
fn as_many_are_sold_as_there_are_on_postgresql() {
    sell_out(Some(&Cluster::shared().url()), 3, 1);
}

#[test]
#[ignore = "takes an hour"]
fn as_many_are_sold_as_there_are_a_hundred_times() {
    (1..=crowd::runs()).for_each(|seed| sell_out(None, 10, seed));
}

#[test]
#[ignore = "takes an hour"]
fn as_many_are_sold_as_there_are_a_hundred_times_on_postgresql() {
    (1..=crowd::runs()).for_each(|seed| sell_out(Some(&Cluster::shared().url()), 10, seed));
}
