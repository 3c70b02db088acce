use std::fmt::Write as _;
use std::thread;

use serde_json::{Value, json};

use super::attacker::{As, Attacker};
use super::scene::{DOCUMENTS, Request, SECRET};

/// Bytes of a filter at most.
const FILTER_BYTES: usize = 4096;
/// Bytes of a value that is sent with a query.
const VALUE_BYTES: usize = 3_900_000;
/// Bytes of the longest value that a filter may compare with.
const PATTERN_BYTES: usize = 64 * 1024;
/// Operands of one chain of `==`. An expression has 32 levels at most, and each `==` is one.
const CHAIN: usize = 25;
/// Relations to many records that one filter asks about.
const RELATIONS: usize = 15;
/// Records of one array.
const ARRAY: usize = 1000;
/// Links of each of them: with them, an array writes as many rows as one request may.
const LINKS: usize = 9;
/// Bytes of a body that is announced.
const BODY_BYTES: usize = 8 << 20;
/// Bytes of it that are sent in a second.
const PIECE_BYTES: usize = 64 * 1024;

/// An attack, within the means of one anonymous client network or of one ordinary account.
#[derive(Debug)]
pub(crate) struct Attack {
    /// As the option `--only` names it.
    pub(crate) name: &'static str,
    /// As the table names it.
    pub(crate) title: &'static str,
    /// Attacks until the attacker's time is over.
    pub(crate) run: fn(&Attacker<'_>),
}

/// Every attack, in the order of the table.
pub(crate) const ATTACKS: &[Attack] = &[
    Attack { name: "equalities", title: "filters of 4 KB that chain `==`, 4 at a time", run: equalities },
    Attack { name: "sent-texts", title: "`$text.contains($pattern)` with 3.9 MB, 4 at a time", run: sent_texts },
    Attack {
        name: "stored-texts",
        title: "`text.contains($pattern)` on texts of 100 KB with 64 KB, 4 at a time",
        run: stored_texts,
    },
    Attack { name: "relations", title: "filters with 15 `exists`, 4 at a time", run: relations },
    Attack { name: "filters", title: "filters that are all different, 4 at a time", run: filters },
    Attack { name: "unread", title: "1,000 connections that don't read 10 MB each", run: unread },
    Attack { name: "idle", title: "5,000 connections that send no request", run: idle },
    Attack { name: "connections", title: "11,000 connections that send no request", run: connections },
    Attack { name: "bodies", title: "2,000 connections that send bodies of 8 MB slowly", run: bodies },
    Attack { name: "counts-4", title: "an account's long counts, 4 at a time", run: counts_4 },
    Attack { name: "counts-40", title: "an account's long counts, 40 at a time", run: counts_40 },
    Attack { name: "arrays", title: "an account's arrays of 1,000 records, 3 at a time", run: arrays },
    Attack { name: "links", title: "an account's arrays of 1,000 records with 9 links each, 3 at a time", run: links },
    Attack {
        name: "patches",
        title: "an account's small changes of a JSON document of 6 MB, 4 at a time",
        run: patches,
    },
    Attack { name: "log", title: "an account's long counts beside its writes of 1 MB, 2 and 2 at a time", run: log },
    Attack { name: "anonymous-arrays", title: "anonymous arrays of 1,000 records, 4 at a time", run: anonymous_arrays },
    Attack { name: "anonymous-texts", title: "anonymous records of 900 KB, 4 at a time", run: anonymous_texts },
    Attack { name: "secrets", title: "an account's guesses of a secret code, 4 at a time", run: secrets },
    Attack {
        name: "large-records",
        title: "an account's documents of 7 MB, and lists of all documents, 3 and 1 at a time",
        run: large_records,
    },
    Attack { name: "merges", title: "an account's merges into a JSON document that grows, 4 at a time", run: merges },
    Attack {
        name: "deletions",
        title: "an account's deletions of records with 12,000 others that refer to each",
        run: deletions,
    },
    Attack { name: "functions", title: "an account's functions that loop for ever, 16 at a time", run: functions },
];

fn equalities(attacker: &Attacker<'_>) {
    let chain = format!("({})", vec!["public"; CHAIN].join("=="));
    let mut chains = chain.clone();
    while chains.len() + 2 * chain.len() < FILTER_BYTES {
        let _ = write!(chains, "&&{chain}");
    }
    attacker.flood(As::Anonymous, 4, |turn| notes(&format!("{chains}&&title!='{turn}'"), &json!({})));
}

fn sent_texts(attacker: &Attacker<'_>) {
    // The search of a third in two thirds compares the most.
    let third = "a".repeat(VALUE_BYTES / 3);
    let request = notes("$text.contains($pattern)", &json!({"text": third.repeat(2), "pattern": format!("{third}b")}));
    attacker.flood(As::Anonymous, 4, |_| request.clone());
}

fn stored_texts(attacker: &Attacker<'_>) {
    let half = "a".repeat(PATTERN_BYTES / 2 - 1);
    let query = json!({"filter": "text.contains($pattern)", "params": {"pattern": format!("{half}b{half}")}});
    let request = Request::post("/api/documents:query", query.to_string());
    attacker.flood(As::Anonymous, 4, |_| request.clone());
}

fn relations(attacker: &Attacker<'_>) {
    attacker.flood(As::Anonymous, 4, |turn| {
        let exists = |relation| format!("section.members.exists(m,m.user.name.contains('{turn}-{relation}'))");
        notes(&(0..RELATIONS).map(exists).collect::<Vec<_>>().join("||"), &json!({}))
    });
}

fn filters(attacker: &Attacker<'_>) {
    attacker.flood(As::Anonymous, 4, |turn| {
        let differs = |part| format!("title!='{turn}-{part}'");
        notes(&(0..60).map(differs).collect::<Vec<_>>().join("&&"), &json!({}))
    });
}

fn unread(attacker: &Attacker<'_>) {
    let head = format!("GET /api/documents?limit={DOCUMENTS}&select=title,text HTTP/1.1\r\nHost: localhost\r\n\r\n");
    attacker.keep(attacker.occupy(1000, head.as_bytes()));
}

fn idle(attacker: &Attacker<'_>) {
    attacker.keep(attacker.occupy(5000, b""));
}

fn connections(attacker: &Attacker<'_>) {
    attacker.keep(attacker.occupy(11_000, b""));
}

fn bodies(attacker: &Attacker<'_>) {
    let head = format!(
        "POST /api/notes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {BODY_BYTES}\r\n\r\n{{\"title\":\""
    );
    attacker.trickle(attacker.occupy(2000, head.as_bytes()), &vec![b'a'; PIECE_BYTES]);
}

fn counts_4(attacker: &Attacker<'_>) {
    attacker.flood(As::Account, 4, count);
}

fn counts_40(attacker: &Attacker<'_>) {
    attacker.flood(As::Account, 40, count);
}

fn arrays(attacker: &Attacker<'_>) {
    let replies: Vec<Value> = (0..ARRAY).map(|_| json!({"topic": attacker.scene.topic, "body": "Yes."})).collect();
    let request = Request::post("/api/replies", Value::from(replies).to_string());
    attacker.flood(As::Account, 3, |_| request.clone());
}

fn links(attacker: &Attacker<'_>) {
    let documents = &attacker.scene.documents[..LINKS];
    let folders: Vec<Value> = (0..ARRAY).map(|_| json!({"documents": documents})).collect();
    let request = Request::post("/api/folders", Value::from(folders).to_string());
    attacker.flood(As::Account, 3, |_| request.clone());
}

fn anonymous_arrays(attacker: &Attacker<'_>) {
    let entries: Vec<Value> = (0..ARRAY).map(|_| json!({"name": "Somebody"})).collect();
    let request = Request::post("/api/entries", Value::from(entries).to_string());
    attacker.flood(As::Anonymous, 4, |_| request.clone());
}

fn anonymous_texts(attacker: &Attacker<'_>) {
    let request = Request::post("/api/entries", json!({"name": "Somebody", "text": "x".repeat(900_000)}).to_string());
    attacker.flood(As::Anonymous, 4, |_| request.clone());
}

/// Every answer must be the same: one guess of ten thousand is right, and it comes early.
fn secrets(attacker: &Attacker<'_>) {
    attacker.flood_for_one_answer(As::Account, 4, |turn| {
        let guess = (SECRET - 10 + turn) % 10_000;
        Request::patch(attacker.scene.safe.as_str(), json!({"code": format!("{guess:04}")}).to_string())
    });
}

fn large_records(attacker: &Attacker<'_>) {
    let text = "x".repeat(7_000_000);
    let large = Request::patch(attacker.scene.document.as_str(), json!({"text": text}).to_string());
    let list = Request::get(format!("/api/documents?limit={DOCUMENTS}"));
    thread::scope(|scope| {
        scope.spawn(|| attacker.flood(As::Account, 1, |_| list.clone()));
        attacker.flood(As::Account, 3, |_| large.clone());
    });
}

fn merges(attacker: &Attacker<'_>) {
    let piece = "x".repeat(100_000);
    attacker.flood(As::Account, 4, |turn| {
        let merge = json!({"layout": {format!("piece{turn}"): piece}});
        Request::patch(attacker.scene.document.as_str(), merge.to_string())
    });
}

fn deletions(attacker: &Attacker<'_>) {
    let threads = std::iter::from_fn(|| attacker.scene.threads.lock().pop());
    attacker.send_each(As::Account, threads.map(Request::delete));
}

fn functions(attacker: &Attacker<'_>) {
    attacker.flood(As::Account, 16, |_| Request::get("/do/spin"));
}

fn patches(attacker: &Attacker<'_>) {
    attacker.flood(As::Account, 4, |turn| {
        Request::patch(attacker.scene.document.as_str(), json!({"layout": {"turn": turn}}).to_string())
    });
}

fn log(attacker: &Attacker<'_>) {
    let body = "x".repeat(10_000);
    let note = |number| json!({"title": format!("Large {number}"), "body": body, "section": attacker.scene.section});
    let notes: Vec<Value> = (0..100).map(note).collect();
    let request = Request::post("/api/notes", Value::from(notes).to_string());
    thread::scope(|scope| {
        scope.spawn(|| attacker.flood(As::Account, 2, count));
        attacker.flood(As::Account, 2, |_| request.clone());
    });
}

/// A count that looks at the members of the section of every note.
fn count(turn: usize) -> Request {
    let query = json!({
        "filter": "section.members.exists(m, m.user.name.contains($name))",
        "params": {"name": format!("Nobody {turn}")}, "count": true, "limit": 1, "select": "title",
    });
    Request::post("/api/notes:query", query.to_string())
}

/// A list of notes.
fn notes(filter: &str, params: &Value) -> Request {
    let query = json!({"filter": filter, "params": params, "select": "title", "limit": 20});
    Request::post("/api/notes:query", query.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ATTACKS;

    #[test]
    fn every_attack_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = ATTACKS.iter().map(|attack| attack.name).collect();
        assert_eq!(names.len(), ATTACKS.len());
    }

    #[test]
    fn the_document_lists_the_names_in_the_order_of_the_table() {
        let document = include_str!("../../../../docs/benchmarks.md").split_whitespace().collect::<Vec<_>>().join(" ");
        let (last, others) = ATTACKS.split_last().expect("attacks");
        let others: Vec<String> = others.iter().map(|attack| format!("`{}`", attack.name)).collect();
        let listed = format!("`--only` takes the names {} and `{}`,", others.join(", "), last.name);
        assert!(document.contains(&listed), "{listed}");
    }
}
