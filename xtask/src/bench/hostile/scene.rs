use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use serde_json::json;

use super::super::client::Client;
use super::super::{Workshop, dataset, doors};

/// The account that attacks.
const ATTACKER: usize = dataset::ACCOUNTS - 1;
/// Documents whose texts make an answer of 10 MB.
pub(crate) const DOCUMENTS: usize = 100;
const DOCUMENT_BYTES: usize = 100_000;
/// Those who take part in the topic.
const VOICES: usize = 1000;
/// Records that go with others when these are deleted: more than one commit deletes. There are more than are deleted in the time
/// of the attacks.
const THREADS: usize = 12;
const REMARKS: usize = 12_000;
/// The secret code.
pub(crate) const SECRET: usize = 4711;
/// Bytes of the largest JSON document that the attacker tries to store.
const LAYOUT_BYTES: usize = 6 << 20;
/// Records that others read, and proposals that they send.
const RECORDS: usize = 500;

/// An action that never ends by itself.
const SPIN: &str = "export const spin = () => { for (;;) {} };\n";

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<String>,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None }
    }

    pub(crate) fn post(path: impl Into<String>, body: String) -> Self {
        Self { method: "POST", path: path.into(), body: Some(body) }
    }

    pub(crate) fn patch(path: impl Into<String>, body: String) -> Self {
        Self { method: "PATCH", path: path.into(), body: Some(body) }
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self { method: "DELETE", path: path.into(), body: None }
    }
}

/// What attackers and others know of the application.
#[derive(Debug)]
pub(crate) struct Scene {
    /// The tokens of others.
    pub(crate) others: Vec<String>,
    /// The token of the attacker's account.
    pub(crate) attacker: String,
    /// The paths of records that everyone may read.
    pub(crate) notes: Vec<String>,
    /// Notes that others create, each with the number of the account that may.
    pub(crate) proposals: Vec<(usize, String)>,
    /// A section that the attacker's account is a member of.
    pub(crate) section: String,
    /// The topic with many voices.
    pub(crate) topic: String,
    /// The ids of the attacker's documents.
    pub(crate) documents: Vec<String>,
    /// The path of one of them.
    pub(crate) document: String,
    /// The path of a record with a secret code.
    pub(crate) safe: String,
    /// The paths of the attacker's records that haven't been deleted yet. Others refer to each of them: more than one commit
    /// deletes.
    pub(crate) threads: Mutex<Vec<String>>,
}

impl Scene {
    /// Signs everyone in, and stores the attacker's document with a layout as large as the server takes.
    pub(crate) fn open(client: &mut Client) -> Result<Self> {
        let mut tokens = Vec::new();
        for account in 0..dataset::ACCOUNTS {
            tokens.push(client.sign_in(&dataset::email(account), dataset::PASSWORD)?);
        }
        let attacker = tokens.split_off(ATTACKER).swap_remove(0);
        let sections = doors::ids(&client.get("/api/sections?limit=500&select=id,slug")?, "slug")?;
        let notes = doors::ids(&client.get("/api/notes?public=true&select=id,title&limit=500")?, "title")?;
        ensure!(notes.len() == RECORDS, "only {} notes can be read", notes.len());
        let own = dataset::sections_of(ATTACKER).next().context("the attacker has no section")?;
        let section = sections.iter().find(|(slug, _)| *slug == own).context("the attacker's section is missing")?;
        let topics = doors::ids(&client.get("/api/topics?select=id,name")?, "name")?;
        let topic = topics.into_iter().next().context("there is no topic")?.1;
        let documents = doors::ids(&client.get("/api/documents?select=id,title&limit=100")?, "title")?;
        let documents: Vec<String> = documents.into_iter().map(|(_, id)| id).collect();
        let document = format!("/api/documents/{}", documents.first().context("there is no document")?);
        store_layout(client, &document)?;
        let safes = doors::ids(&client.get("/api/safes?select=id,name")?, "name")?;
        let safe = safes.into_iter().next().context("there is no safe")?.1;
        let threads = doors::ids(&client.get("/api/threads?select=id,name")?, "name")?;
        let proposals = (0..).filter_map(|note| doors::proposal(note, &sections));
        Ok(Self {
            section: section.1.clone(),
            proposals: proposals.filter(|(account, _)| *account != ATTACKER).take(RECORDS).collect(),
            notes: notes.into_iter().map(|(_, id)| format!("/api/notes/{id}")).collect(),
            others: tokens,
            attacker,
            topic,
            documents,
            document,
            safe: format!("/api/safes/{safe}"),
            threads: Mutex::new(threads.into_iter().map(|(_, id)| format!("/api/threads/{id}")).collect()),
        })
    }
}

/// The bench's application, and with it large documents and a topic with many voices.
pub(crate) fn prepare(workshop: &Workshop) -> Result<PathBuf> {
    let application = dataset::prepare(&workshop.root, &workshop.scratch)?;
    let model = workshop.root.join("bench/hostile/model.graphql");
    fs::copy(model, application.join("model/hostile.graphql")).context("copying bench/hostile/model.graphql")?;
    let functions = application.join("functions");
    fs::create_dir_all(&functions).context("making the directory of functions")?;
    fs::write(functions.join("spin.ts"), SPIN).context("writing functions/spin.ts")?;
    for (file, lines) in [
        ("Document", documents()),
        ("Topic", topics()),
        ("Voice", voices()),
        ("Safe", format!("{{\"name\":\"The safe\",\"code\":\"{SECRET:04}\"}}\n")),
        ("Thread", threads()),
        ("Remark", remarks()),
    ] {
        let path = application.join("seed").join(format!("{file}.jsonl"));
        fs::write(&path, lines).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(application)
}

/// Stores the largest layout that the server takes, from 6 MiB down by halves.
fn store_layout(client: &mut Client, document: &str) -> Result<()> {
    let mut bytes = LAYOUT_BYTES;
    loop {
        let block = "The quick brown fox jumps over the lazy dog";
        let blocks = vec![block; bytes / (block.len() + 3)];
        let body = json!({"layout": {"blocks": blocks, "turn": 0}}).to_string();
        let answer = client.send("PATCH", document, Some(&body))?;
        match answer.status {
            200 => return Ok(()),
            413 | 422 if bytes > 1024 => bytes /= 2,
            status => ensure!(false, "status {status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
}

fn documents() -> String {
    // All of one letter: where a pattern of many of them ends, a careless search begins again.
    let text = "a".repeat(DOCUMENT_BYTES);
    let owner = dataset::email(ATTACKER);
    (0..DOCUMENTS).fold(String::new(), |mut lines, document| {
        let _ = writeln!(
            lines,
            "{{\"title\":\"Document {document}\",\"text\":\"{text}\",\"owner\":{{\"email\":\"{owner}\"}}}}"
        );
        lines
    })
}

fn topics() -> String {
    "{\"name\":\"Everything\"}\n".into()
}

fn threads() -> String {
    let owner = dataset::email(ATTACKER);
    (0..THREADS).fold(String::new(), |mut lines, thread| {
        let _ = writeln!(lines, "{{\"name\":\"Thread {thread}\",\"owner\":{{\"email\":\"{owner}\"}}}}");
        lines
    })
}

/// By others than the owner of their threads.
fn remarks() -> String {
    let author = dataset::email(0);
    (0..THREADS * REMARKS).fold(String::new(), |mut lines, remark| {
        let thread = remark / REMARKS;
        let _ =
            writeln!(lines, "{{\"thread\":{{\"name\":\"Thread {thread}\"}},\"author\":{{\"email\":\"{author}\"}}}}");
        lines
    })
}

fn voices() -> String {
    (0..VOICES).fold(String::new(), |mut lines, user| {
        let user = dataset::email(user);
        let _ = writeln!(lines, "{{\"topic\":{{\"name\":\"Everything\"}},\"user\":{{\"email\":\"{user}\"}}}}");
        lines
    })
}
