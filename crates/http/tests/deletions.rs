//! What the process holds while one request deletes or restores much: a process of its own, whose memory nobody else uses.
#![cfg(target_os = "linux")]

use std::fs;

use backstay_http::HttpSettings;
use backstay_testkit::TestApp;

const MODEL: &str = r#"
extend schema @app(name: "Deletions")
type User @identity @allow(read: "false") { email: Email! @unique }
type Gone @allow(read: "true", create: "true", update: "true", delete: "true") { n: Int }
type Child @allow(read: "true", create: "true", update: "true", delete: "true") {
  body: Text
  of: Gone! @onDelete(do: CASCADE)
}
type Loose @allow(read: "true", create: "true", update: "true", delete: "true") { body: Text of: Gone }
type Kept @trash @allow(read: "true", create: "true", update: "true", delete: "true") { n: Int }
type KeptChild @trash @allow(read: "true", create: "true", update: "true", delete: "true") {
  body: Text
  of: Kept! @onDelete(do: CASCADE)
}
type Part @allow(read: "true", create: "true", delete: "true") { of: Gone! @onDelete(do: CASCADE) }
type Bolt @allow(read: "true", create: "true") { part: Part @onDelete(do: RESTRICT) }
"#;
const MINIMAL: &[(&str, &str)] = &[("prefer", "return=minimal")];
const MIB: usize = 1024 * 1024;
/// Records that refer to one, each of them this long: 150 MB together.
const RECORDS: usize = 1000;
const BYTES: usize = 150_000;
/// What one request may take at most, beside what is kept for all of them.
const MOST: usize = 100 * MIB;

/// The most memory that the process has had since this was last reset, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

/// Sends a request that must have this status. Returns how much more memory the process had meanwhile.
async fn grown(app: &TestApp, line: &str, status: u16) -> usize {
    fs::write("/proc/self/clear_refs", "5").expect("Linux resets it");
    let before = peak();
    let reply = app.post(line, MINIMAL, "").await;
    assert_eq!(reply.status, status, "{line}: {}", reply.text());
    peak().saturating_sub(before)
}

/// Creates what the body says, and returns the id of the record if it is one.
async fn create(app: &TestApp, line: &str, body: &str) -> String {
    let reply = app.post(line, MINIMAL, body).await;
    assert_eq!(reply.status, 201, "{line}: {}", reply.text());
    reply.header("location").rsplit('/').next().unwrap_or_default().to_owned()
}

/// A record, and as many that refer to it.
async fn family(app: &TestApp, (parent, children): (&str, &str), records: usize) -> String {
    let id = create(app, &format!("POST /api/{parent}"), r#"{"n": 1}"#).await;
    let child = format!(r#"{{"of": "{id}", "body": "{}"}}"#, "x".repeat(BYTES));
    let many = format!("[{}]", vec![child.as_str(); 50].join(","));
    for _ in 0..records / 50 {
        create(app, &format!("POST /api/{children}"), &many).await;
    }
    id
}

#[tokio::test]
async fn what_goes_with_a_record_is_not_held_in_memory() {
    let app = TestApp::with(MODEL, HttpSettings::default());
    let check = async |line: String, status: u16| {
        let grown = grown(&app, &line, status).await;
        assert!(grown < MOST, "{line}: {} MiB more", grown / MIB);
    };
    for (parent, children) in [("gones", "childs"), ("gones", "looses"), ("kepts", "kept-childs")] {
        let id = family(&app, (parent, children), RECORDS).await;
        check(format!("DELETE /api/{parent}/{id}"), 204).await;
        if parent == "kepts" {
            check(format!("POST /api/{parent}/{id}:restore"), 204).await;
            check(format!("DELETE /api/{parent}/{id}"), 204).await;
            check(format!("POST /api/{parent}/{id}:purge"), 204).await;
        }
    }
}

#[tokio::test]
async fn what_is_found_before_the_first_step_counts_as_memory_of_the_request() {
    let settings = HttpSettings { memory_bytes: 2 * MIB, network_percent: 50, ..HttpSettings::default() };
    let app = TestApp::with(MODEL, settings);
    let id = create(&app, "POST /api/gones", r#"{"n": 1}"#).await;
    let many = format!("[{}]", vec![format!(r#"{{"of": "{id}"}}"#); 500].join(","));
    for _ in 0..21 {
        create(&app, "POST /api/parts", &many).await;
    }
    let refused = app.call(&format!("DELETE /api/gones/{id}"), &[]).await;
    assert_eq!((refused.status, refused.problem()), (413, "too-large".to_owned()), "{}", refused.text());
    let detail = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.ends_with("10001 Part would be deleted; delete these first, a few at a time"), "{detail}");
    let left = app.call("GET /api/parts?limit=1&count=exact&select=id", &[]).await;
    assert_eq!(left.json()["count"]["value"], 10_500, "{}", left.text());
}
