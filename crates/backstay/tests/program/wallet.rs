//! `examples/wallet` with many payments at once, while the server is killed: money is neither made nor lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use backstay_testkit::Cluster;
use serde_json::{Value, json};

use crate::crowd::{self, Address, Sent};
use crate::support::{App, Server};

const PEOPLE: usize = 5;
const AT_ONCE: usize = 8;
/// What the bank pays in to each account, in cents.
const PAID_IN: i64 = 10_000;

/// Somebody with an account of the same number; the bank is number 0.
struct Person {
    number: usize,
    line: String,
}

impl Person {
    fn sign_in(server: &Server, number: usize) -> Self {
        let credentials = json!({ "email": format!("p{number}@example.org"), "password": "keeps the purse" });
        let (status, signed_in) = server.ask("POST", "/auth/sign-in", None, &credentials.to_string());
        assert_eq!(status, 200, "{signed_in}");
        let token = signed_in["token"].as_str().expect("a token");
        Self { number, line: format!("authorization: Bearer {token}\r\n") }
    }

    /// Calls an action under a key of its own, and returns what it answers if it isn't refused.
    fn call(&self, wallet: &Address, request: &str, body: &Value) -> Result<Value, String> {
        static KEYS: AtomicUsize = AtomicUsize::new(0);
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        let lines = format!("{}idempotency-key: payment-{key}\r\n", self.line);
        let (status, answer) = wallet.insist(Sent { request, lines: &lines, body: &body.to_string() });
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
        match status {
            200 => Ok(answer),
            422 if answer["errors"].is_array() => Err(text(&answer["errors"][0]["message"])),
            422 => Err(text(&answer["reason"])),
            _ => Err(answer.to_string()),
        }
    }

    /// The payment of some cents to somebody else.
    fn pay(&self, wallet: &Address, action: &str, (to, cents): (usize, i64)) -> Result<Value, String> {
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let payment = json!({ "from": account(self.number), "to": account(to), "amount": amount, "text": "a test" });
        self.call(wallet, &format!("POST /do/{action}?select=id"), &json!({ "payment": payment }))
    }

    fn list(&self, server: &Server, path: &str) -> Vec<Value> {
        let (status, mut page) = server.ask_with("GET", path, &self.line, "");
        assert_eq!((status, &page["next"]), (200, &Value::Null), "{page}");
        match page["items"].take() {
            Value::Array(items) => items,
            other => vec![other],
        }
    }
}

fn account(number: usize) -> String {
    format!("A-{number}")
}

fn cents(amount: &Value) -> i64 {
    let digits = amount["amount"].as_str().expect("an amount").replace('.', "");
    digits.parse().expect("a number")
}

fn app(database: Option<&str>) -> App {
    let app = App::example("wallet");
    app.write("backstay.toml", &database.map(|url| format!("[data]\nurl = \"{url}\"\n")).unwrap_or_default());
    let line = |number: usize| json!({ "email": format!("p{number}@example.org"), "name": "A person", "$password": "keeps the purse" });
    let of = |number: usize| {
        let owner = json!({ "email": format!("p{number}@example.org") });
        json!({ "number": account(number), "owner": owner, "currency": "EUR", "mayOwe": number == 0 })
    };
    let lines = |line: &dyn Fn(usize) -> Value| {
        let lines: Vec<String> = (0..=PEOPLE).map(|number| line(number).to_string()).collect();
        lines.join("\n")
    };
    app.write("seed/Person.jsonl", &lines(&line));
    app.write("seed/Account.jsonl", &lines(&of));
    app
}

/// Numbers that follow from a seed (a linear congruential generator).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// One of the callers, and what it has done.
struct Payer<'a> {
    people: &'a [Person],
    wallet: &'a Address,
    chance: Chance,
    /// How many transfers were made.
    done: usize,
}

impl Payer<'_> {
    fn step(&mut self) {
        let from = 1 + usize::try_from(self.chance.below(PEOPLE as u64)).expect("it is small");
        let to = 1 + from % PEOPLE;
        let (cents, kind) = (1 + self.chance.below(6_000).cast_signed(), self.chance.below(3));
        let (payer, payee) = (&self.people[from], &self.people[to]);
        if kind > 0 {
            let outcome = payer.pay(self.wallet, "transfer", (to, cents));
            return self.made(outcome);
        }
        let hold = match payer.pay(self.wallet, "authorize", (to, cents)) {
            Ok(hold) => hold["id"].clone(),
            refused => return self.made(refused),
        };
        // A half of it twice, if that is a whole number of cents, or else nothing; then what is left goes back.
        let half = json!({ "hold": hold, "amount": format!("{}.{:02}", cents / 200, cents / 2 % 100) });
        for _ in 0..usize::from(cents >= 2) * 2 {
            let outcome = payee.call(self.wallet, "POST /do/capture?select=id", &half);
            self.made(outcome);
        }
        let more = payee.call(self.wallet, "POST /do/capture?select=id", &json!({ "hold": hold, "amount": "100.00" }));
        assert_eq!(more, Err("not-held".to_owned()));
        payee.call(self.wallet, "POST /do/release?select=state", &json!({ "hold": hold })).expect("it can be released");
    }

    fn made(&mut self, outcome: Result<Value, String>) {
        match outcome {
            Ok(_) => self.done += 1,
            Err(why) => assert!(REFUSALS.contains(&why.as_str()), "{why}"),
        }
    }
}

const MANY: &str = "at most 10 payments in 10 minutes";
const REFUSALS: [&str; 2] = [MANY, "not enough money"];

fn pay_around(database: Option<&str>, kills: usize, seed: u64) {
    let app = app(database);
    let server = app.serve();
    let people: Vec<Person> = (0..=PEOPLE).map(|number| Person::sign_in(&server, number)).collect();
    assert_eq!(server.stop(), Some(0));

    let done = AtomicUsize::new(0);
    let crowd = |wallet: &Address| {
        for person in &people[1..] {
            people[0].pay(wallet, "transfer", (person.number, PAID_IN)).expect("the bank may owe");
        }
        done.fetch_add(PEOPLE, Ordering::Relaxed);
        // All at once from one account: ten of them pass.
        let burst: usize = threads(|_| (0..3).filter(|_| passes(&people[1], wallet)).count());
        assert_eq!(burst, 10);
        let steps = threads(|thread| {
            let chance = Chance(seed * 1000 + thread);
            let mut payer = Payer { people: &people, wallet, chance, done: 0 };
            (0..12).for_each(|_| payer.step());
            payer.done
        });
        done.fetch_add(burst + steps, Ordering::Relaxed);
    };
    let server = crowd::run(&app, kills, |_| (), crowd);
    nothing_is_made_or_lost(&server, &people, done.into_inner());
    assert_eq!(server.stop(), Some(0));
    let sums = app.run(&["check", "--sums"]).done();
    assert_eq!(sums.matches("all correct").count(), 2, "{sums}");
}

/// Runs this on several threads, and adds up what they return.
fn threads(run: impl Fn(u64) -> usize + Sync) -> usize {
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..AT_ONCE as u64).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a payer")).sum()
    })
}

fn passes(person: &Person, wallet: &Address) -> bool {
    match person.pay(wallet, "transfer", (2, 100)) {
        Ok(_) => true,
        Err(why) => {
            assert_eq!(why, MANY);
            false
        }
    }
}

fn nothing_is_made_or_lost(server: &Server, people: &[Person], transfers: usize) {
    let mut moved: BTreeMap<String, Value> = BTreeMap::new();
    let mut balances = Vec::new();
    for person in people {
        let path =
            format!("/api/accounts?number={}&select=balance,held,sent:count,holds:count", account(person.number));
        let own = person.list(server, &path).remove(0);
        let (balance, held) = (cents(&own["balance"]), cents(&own["held"]));
        assert_eq!(held, 0, "all holds have ended");
        assert!(balance >= 0 || person.number == 0, "{own}");
        balances.push(balance);
        let entries = person.list(server, "/api/entries?limit=500&select=amount");
        assert_eq!(entries.iter().map(|entry| cents(&entry["amount"])).sum::<i64>(), balance);
        let sent = person.list(server, "/api/transfers?limit=500&select=id,from{number},to{number},amount,hold");
        let holds = person.list(server, "/api/holds?limit=500&select=id,account{number}");
        let mine = |one: &&Value, side: &str| one[side]["number"] == account(person.number);
        let own = sent.iter().filter(|one| mine(one, "from") && one["hold"].is_null()).count();
        let promised = holds.iter().filter(|one| mine(one, "account")).count();
        assert!(own + promised <= 10 || person.number == 0, "{own} and {promised}");
        moved.extend(sent.into_iter().map(|one| (one["id"].as_str().expect("an id").to_owned(), one)));
    }
    assert_eq!(balances.iter().sum::<i64>(), 0, "{balances:?}");
    assert_eq!(moved.len(), transfers, "each payment that was answered is there once");
    for (person, balance) in people.iter().zip(balances) {
        let of = |side: &str| {
            let those = moved.values().filter(|one| one[side]["number"] == account(person.number));
            those.map(|one| cents(&one["amount"])).sum::<i64>()
        };
        assert_eq!(of("to") - of("from"), balance);
    }
}

#[test]
fn money_is_neither_made_nor_lost() {
    pay_around(None, 3, 1);
}

#[test]
fn money_is_neither_made_nor_lost_on_postgresql() {
    pay_around(Some(&Cluster::shared().url()), 3, 1);
}

#[test]
#[ignore = "takes an hour"]
fn money_is_neither_made_nor_lost_a_hundred_times() {
    (1..=crowd::runs()).for_each(|seed| pay_around(None, 10, seed as u64));
}

#[test]
#[ignore = "takes an hour"]
fn money_is_neither_made_nor_lost_a_hundred_times_on_postgresql() {
    (1..=crowd::runs()).for_each(|seed| pay_around(Some(&Cluster::shared().url()), 10, seed as u64));
}
