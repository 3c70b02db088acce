use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::{Client, Request};
use super::load::{Rate, Target, Targets};
use super::migrate::write_model;
use super::report::{Compared, Report};
use super::rounds::alternate;
use super::server::Server;
use super::{Options, Workshop, dataset};

const MODEL: &str = include_str!("actions.graphql");
const FUNCTIONS: &str = include_str!("actions.ts");

const CLIENTS: usize = 64;
/// What a do-nothing action reaches at least of a create.
const NOTHING: f64 = 0.4;
const PRODUCTS: usize = 1000;
/// Bodies of checkouts that are sent in turn.
const CARTS: usize = 4096;
/// The fewest checkouts of three lines in a second: of products that are chosen evenly, and if all have one product.
const SPREAD: f64 = 300.0;
const HOT: f64 = 200.0;
/// Holds that are due at the same time, and the longest until the last one is released.
const DUE: usize = 10_000;
const LONGEST_DUE: Duration = Duration::from_secs(10);
/// The longest that one do-nothing action takes, whose isolate was made before.
const LONGEST_CALL_MS: f64 = 1.0;

/// Measures actions in TypeScript, checkouts, and timers.
pub(crate) fn measure(workshop: &Workshop, options: &Options, report: &mut Report) -> Result<()> {
    let shop = Shop::open(workshop)?;
    let due = shop.due()?;
    report.compare("actions", "per second", &[shop.nothing(workshop, options)?]);
    let call = shop.one_by_one(options)?;
    let spread = shop.checkout(workshop, ("spread", |cart, line| (cart * 7 + line * 331) % PRODUCTS), options)?;
    let hot = shop.checkout(
        workshop,
        ("hot", |cart, line| if line == 0 { 0 } else { (cart * 7 + line * 331) % PRODUCTS }),
        options,
    )?;
    let verdict = |reached: bool| if reached { "" } else { " **missed**" };
    let checkout = |what: &str, least: f64, rate: &Rate| {
        let Rate { per_second, median, p99 } = rate;
        let text = format!("{per_second:.0}/s, {median}, 99 %: {p99}{}", verdict(*per_second >= least));
        (format!("checkout of 3 lines, {CLIENTS} clients, {what} (at least {least}/s)"), text)
    };
    report.list(
        "checkout",
        &[
            (
                format!("a do-nothing action, one after the other (at most {LONGEST_CALL_MS} ms each)"),
                format!("{call:.2} ms{}", verdict(call <= LONGEST_CALL_MS)),
            ),
            checkout(&format!("stock of {PRODUCTS} products"), SPREAD, &spread),
            checkout("one product in all of them", HOT, &hot),
            (
                format!("{DUE} timers that are due at once (at most {} s)", LONGEST_DUE.as_secs()),
                format!("{:.1} s{}", due.as_secs_f64(), verdict(due <= LONGEST_DUE)),
            ),
        ],
    );
    shop.server.stop()
}

/// A served application with products, holds that are due, and accounts.
struct Shop {
    server: Server,
    tokens: Vec<String>,
    /// When it began to listen.
    began: Instant,
}

impl Shop {
    fn open(workshop: &Workshop) -> Result<Self> {
        let application = prepare(workshop)?;
        let server = Server::backstay(workshop, &application, &application.join("data"))?;
        let began = Instant::now();
        let tokens =
            (0..dataset::ACCOUNTS).map(|account| server.client()?.sign_in(&dataset::email(account), dataset::PASSWORD));
        let tokens = tokens.collect::<Result<_>>()?;
        Ok(Self { server, tokens, began })
    }

    fn client(&self) -> Result<Client> {
        let mut client = self.server.client()?;
        client.sign_in(&dataset::email(0), dataset::PASSWORD)?;
        Ok(client)
    }

    /// How long it took until every hold was released.
    fn due(&self) -> Result<Duration> {
        eprintln!("xtask: waiting for {DUE} timers");
        let mut client = self.client()?;
        loop {
            let page = client.get("/api/holds?state=HELD&limit=1&select=id")?;
            let left = page["items"].as_array().context("a page has items")?.len();
            let elapsed = self.began.elapsed();
            if left == 0 {
                return Ok(elapsed);
            }
            ensure!(elapsed < LONGEST_DUE * 20, "timers don't fire");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn targets(&self, workshop: &Workshop, (name, path): (&str, &str), bodies: &[String]) -> Result<Targets> {
        let targets = bodies.iter().zip(self.tokens.iter().cycle());
        let targets =
            targets.map(|(body, token)| Target { method: "POST", path, token: Some(token), body: Some(body) });
        Targets::write(workshop, name, targets)
    }

    /// Compares an action that does nothing with a create.
    fn nothing(&self, workshop: &Workshop, options: &Options) -> Result<Compared> {
        eprintln!("xtask: a do-nothing action");
        let bodies = vec!["{}".to_owned(); dataset::ACCOUNTS];
        let action = self.targets(workshop, ("nothing", "/do/nothing"), &bodies)?;
        let bodies = vec![r#"{"title":"A note"}"#.to_owned(); dataset::ACCOUNTS];
        let create = self.targets(workshop, ("notes", "/api/notes"), &bodies)?;
        let rate = |targets: &Targets| Ok(targets.send(&self.server, CLIENTS, options.seconds)?.per_second);
        let (measured, control) = alternate(options.rounds, || rate(&action), || rate(&create))?;
        Ok(Compared {
            work: format!("a do-nothing action, {CLIENTS} clients; control: a create"),
            measured,
            control,
            floor: Some(NOTHING),
            remark: String::new(),
        })
    }

    /// How many milliseconds a do-nothing action takes if nothing else is to be done.
    fn one_by_one(&self, options: &Options) -> Result<f64> {
        let rate = self.client()?.rate(&[Request::post("/do/nothing", "{}".to_owned())], options.seconds)?;
        Ok(1000.0 / rate)
    }

    /// Checks out three lines, whose products follow from the number of the cart and that of the line.
    fn checkout(
        &self,
        workshop: &Workshop,
        (name, product): (&str, fn(usize, usize) -> usize),
        options: &Options,
    ) -> Result<Rate> {
        eprintln!("xtask: checkouts, {name}");
        let body = |cart: usize| {
            let item = |line: usize| format!(r#"{{"product":"{}","quantity":1}}"#, code(product(cart, line)));
            format!(r#"{{"items":[{}]}}"#, (0..3).map(item).collect::<Vec<_>>().join(","))
        };
        let bodies: Vec<String> = (0..CARTS).map(body).collect();
        let path = "/do/checkout?select=id,total";
        self.targets(workshop, (name, path), &bodies)?.send(&self.server, CLIENTS, options.seconds)
    }
}

fn code(product: usize) -> String {
    format!("p{product}")
}

/// The application: products, of which there is more than enough, and holds whose time is over.
fn prepare(workshop: &Workshop) -> Result<PathBuf> {
    let application = workshop.scratch.join("actions");
    write_model(&application, MODEL)?;
    let put = |name: &str, text: String| {
        let path = application.join(name);
        fs::create_dir_all(path.parent().context("a file is in a directory")?)?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    let lines = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).fold(String::new(), |mut lines, number| {
            let _ = writeln!(lines, "{}", line(number));
            lines
        })
    };
    put("functions/actions.ts", FUNCTIONS.to_owned())?;
    put("seed/User.jsonl", (0..dataset::ACCOUNTS).map(dataset::account).collect())?;
    let product = |number| format!(r#"{{"code":"{}","price":"9.50","onHand":1000000000}}"#, code(number));
    put("seed/Product.jsonl", lines(PRODUCTS, &product))?;
    let hold = |number| {
        let product = code(number % PRODUCTS);
        format!(r#"{{"product":{{"code":"{product}"}},"quantity":1,"until":"2026-01-01T00:00:00Z"}}"#)
    };
    put("seed/Hold.jsonl", lines(DUE, &hold))?;
    Ok(application)
}
