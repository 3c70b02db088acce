use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use backstay_base::{Caller, Error, Memory, Network, RequestId, limits};
use backstay_engine::{Arrival, Commits, Context, Freshness, Trace, Transaction, TxContext};
use backstay_http::{HttpSettings, Proxies};
use backstay_testkit::{TestApp, TestDatabase};
use flate2::read::GzDecoder;
use futures_util::future::BoxFuture;

use crate::NOTES;
use crate::acting::All;

fn unpacked(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = match coding {
        "gzip" => GzDecoder::new(body).read_to_end(&mut plain),
        "br" => brotli::Decompressor::new(body, 4096).read_to_end(&mut plain),
        "zstd" => zstd::Decoder::new(body).and_then(|mut decoder| decoder.read_to_end(&mut plain)),
        _ => return body.to_vec(),
    };
    assert!(read.is_ok(), "the body isn't {coding}: {read:?}");
    plain
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_are_compressed_on_request() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let body = format!(r#"{{"title": "Long", "public": true, "body": "{}"}}"#, "words and words ".repeat(200));
    let made = app.post("POST /api/notes", &[("authorization", &ada)], &body).await;
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let line = format!("GET /api/notes/{id}");
    let plain = app.call(&line, &[]).await;
    assert_eq!(plain.header("content-encoding"), "");

    for (accept, coding) in [
        ("br;q=0.7, gzip;q=0.8", "gzip"),
        ("gzip, br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0, *", "br"),
    ] {
        let packed = app.call(&line, &[("accept-encoding", accept)]).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, coding), "{accept}");
        assert!(packed.body.len() < plain.body.len() / 2, "{accept}");
        assert_eq!(unpacked(coding, &packed.body), plain.body, "{accept}");
        let plain_tag = plain.header("etag").trim_end_matches('"');
        assert_eq!(packed.header("etag"), format!("{plain_tag}-{coding}\""));

        let confirmed = [("accept-encoding", accept), ("if-none-match", packed.header("etag"))];
        let confirmed = app.call(&line, &confirmed).await;
        assert_eq!((confirmed.status, confirmed.header("etag")), (304, packed.header("etag")));
        assert_eq!(confirmed.header("content-encoding"), "");

        let head = app.call(&line.replace("GET", "HEAD"), &[("accept-encoding", accept)]).await;
        assert_eq!(head.header("content-length"), packed.body.len().to_string(), "{accept}");
        assert_eq!(head.header("content-encoding"), coding);
    }
    let packed = app.call(&line, &[("accept-encoding", "zstd")]).await;
    let patch = [("authorization", ada.as_str()), ("if-match", packed.header("etag"))];
    assert_eq!(app.post(&line.replace("GET", "PATCH"), &patch, r#"{"rank": 1}"#).await.status, 200);
    for refused in ["gzip;q=0", "identity", "deflate", "*;q=0"] {
        let reply = app.call(&line, &[("accept-encoding", refused)]).await;
        assert_eq!(reply.header("content-encoding"), "", "{refused}");
    }
}

/// An answer that is compressed off the worker thread.
#[tokio::test(flavor = "multi_thread")]
async fn very_large_answers_are_compressed_too() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let bodies: Vec<String> = (0..40)
        .map(|number| {
            format!(r#"{{"title": "{number}", "public": true, "body": "{}"}}"#, format!("{number} ").repeat(2000))
        })
        .collect();
    let made = app.post("POST /api/notes", &[("authorization", &ada)], &format!("[{}]", bodies.join(","))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let plain = app.call("GET /api/notes?limit=100", &[]).await;
    assert!(plain.body.len() > 150_000);
    for coding in ["gzip", "br", "zstd"] {
        let packed = app.call("GET /api/notes?limit=100", &[("accept-encoding", coding)]).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, coding));
        assert!(packed.body.len() < plain.body.len() / 10, "{coding}");
        assert_eq!(unpacked(coding, &packed.body), plain.body, "{coding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_and_secret_answers_are_not_compressed() {
    let app = TestApp::with(NOTES, HttpSettings { compress_from: Some(1), ..HttpSettings::default() });
    let gzip = [("accept-encoding", "gzip")];
    let name = "Ada ".repeat(19);
    let body = format!(r#"{{"email": "ada@example.org", "name": "{name}", "password": "correct horse battery"}}"#);
    let up = app.post("POST /auth/sign-up", &gzip, &body).await;
    assert_eq!((up.status, up.header("content-encoding")), (201, ""));
    let token = format!("Bearer {}", up.json()["token"].as_str().expect("a token"));
    let me = app.call("GET /auth/me", &[gzip[0], ("authorization", &token)]).await;
    assert_eq!((me.status, me.header("content-encoding")), (200, ""));
    assert_eq!(app.call("GET /openapi.json", &gzip).await.header("content-encoding"), "gzip");

    let app = TestApp::with(NOTES, HttpSettings { compress_from: None, ..HttpSettings::default() });
    assert_eq!(app.call("GET /openapi.json", &gzip).await.header("content-encoding"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minimal_answer_leaves_the_record_out() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let headers = [("authorization", ada.as_str()), ("prefer", "return=minimal, wait=1")];
    let made = app.post("POST /api/notes", &headers, r#"{"title": "One"}"#).await;
    assert_eq!((made.status, made.text()), (201, ""));
    assert_eq!(made.header("preference-applied"), "return=minimal");
    let path = made.header("location").to_owned();
    assert!(path.starts_with("/api/notes/"), "{path}");
    let changed = app.post(&format!("PATCH {path}"), &headers, r#"{"rank": 1}"#).await;
    assert_eq!((changed.status, changed.text()), (204, ""));
    assert_eq!(changed.header("preference-applied"), "return=minimal");
    let full = [("authorization", ada.as_str()), ("prefer", "return=representation")];
    let changed = app.post(&format!("PATCH {path}"), &full, r#"{"rank": 2}"#).await;
    assert_eq!((changed.status, changed.header("preference-applied")), (200, "return=representation"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_cut_off() {
    // Elsewhere no write waits for another one of which it writes nothing.
    if TestDatabase::chosen() != TestDatabase::Sqlite {
        return;
    }
    let mut app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    app.services.settings.request_time = Duration::from_millis(20);
    let (release, held) = mpsc::channel();
    let (started, running) = tokio::sync::oneshot::channel();
    let engine = app.services.engine.clone();
    let hold = Hold { started: Mutex::new(Some(started)), held: Mutex::new(held) };
    let holding = tokio::spawn(async move { engine.run(&Context::system(&engine), hold).await });
    running.await.expect("the writer is held");
    let reply = app.post("POST /api/notes", &[("authorization", &ada)], r#"{"title": "x"}"#).await;
    // It was never begun, so that nothing was changed.
    assert_eq!((reply.status, reply.problem().as_str()), (503, "busy"), "{}", reply.text());
    assert_eq!(reply.header("retry-after"), "1");
    release.send(()).expect("the writer waits");
    holding.await.expect("it ends").expect("it ends well");
}

/// Reading a large body waits behind other long work of its client, and never on a thread that answers requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_is_read_in_turn() {
    // A server schedules statements itself: there are no turns.
    if TestDatabase::chosen() != TestDatabase::Sqlite {
        return;
    }
    let app = TestApp::open(
        r#"
extend schema @app(name: "Notes") @route(method: POST, path: "/echo", run: "say", allow: "true", name: "echo")
type User @identity @allow(read: "true") { email: Email! @unique }
type Note @allow(read: "true", create: "true", update: "true") { title: String! body: Text }
type Mutation { say(title: String!, body: Text): JSON @function @allow(call: "true") }
"#,
    );
    app.services.engine.set_procedures(Arc::new(All::default().with("say", async |_| Ok("null".to_owned()))));
    let made = app.post("POST /api/notes", &[], r#"{"title": "x"}"#).await;
    let path = made.header("location").to_owned();
    let context = || {
        let network = Network::of(Ipv4Addr::UNSPECIFIED.into());
        let (request, now) = (RequestId(app.services.engine.next_id()), app.services.engine.ambient().clock.now());
        let arrival = Arrival {
            request,
            now,
            client: Some(network),
            deadline: None,
            memory: Memory::uncounted(),
            commits: Commits::UNNOTED,
            freshness: Freshness::Latest,
            trace: Trace::OFF,
        };
        Context::begun(&app.services.engine, Arc::new(Caller::anonymous()), arrival)
    };
    // More than a client may have at work at a time, whatever the number of processors.
    let contexts: Vec<Context> = (0..40).map(|_| context()).collect();
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let mut at_work = Vec::new();
    for context in &contexts {
        let held = Arc::clone(&held);
        let wait = move || held.lock().expect("nobody panics").recv();
        let mut work = Box::pin(app.services.engine.take_turn(context, wait));
        assert!(futures_util::poll!(&mut work).is_pending());
        at_work.push(work);
    }
    let note = |bytes: usize| format!(r#"{{"titel": "x", "body": "{}"}}"#, "x".repeat(bytes));
    let transact = |bytes: usize| format!(r#"{{"requests": [{{"create": "notes", "body": {}}}]}}"#, note(bytes));
    let patch = format!("PATCH {path}");
    let sent = |bytes: usize| {
        [
            ("POST /api/notes", note(bytes), 422),
            (patch.as_str(), note(bytes), 422),
            ("POST /transact", transact(bytes), 422),
            ("POST /do/say", note(bytes), 400),
            ("POST /echo", note(bytes), 204),
        ]
    };
    for (line, body, status) in sent(9000) {
        assert_eq!(app.post(line, &[], &body).await.status, status, "{line}");
    }
    let mut waiting = Vec::new();
    for (line, body, status) in sent(limits::LONG_BODY_BYTES) {
        let app = &app;
        let mut post = Box::pin(async move { (app.post(line, &[], &body).await, status) });
        assert!(futures_util::poll!(&mut post).is_pending(), "{line}");
        waiting.push(post);
    }
    drop(release);
    for (reply, status) in futures_util::future::join_all(waiting).await {
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    futures_util::future::join_all(at_work).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_one_network_take_one_turn_together() {
    // A server schedules statements itself: there are no turns.
    if TestDatabase::chosen() != TestDatabase::Sqlite {
        return;
    }
    let proxies = Proxies { subnets: vec!["0.0.0.0/0".parse().expect("a subnet")], ..Proxies::default() };
    let app = TestApp::with(NOTES, HttpSettings { proxies, ..HttpSettings::default() });
    let mut accounts = Vec::new();
    for number in 0..4 {
        accounts.push(app.account(&format!("{number}@example.org")).await);
    }
    let (release, held) = mpsc::channel();
    let (started, running) = tokio::sync::oneshot::channel();
    let engine = app.services.engine.clone();
    let hold = Hold { started: Mutex::new(Some(started)), held: Mutex::new(held) };
    let holding = tokio::spawn(async move { engine.run(&Context::system(&engine), hold).await });
    running.await.expect("the writer is held");
    let from = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"];
    let headers: Vec<_> = accounts
        .iter()
        .zip(from)
        .map(|(account, from)| [("authorization", account.as_str()), ("x-forwarded-for", from)])
        .collect();
    let mut posts = Vec::new();
    for headers in &headers {
        let mut post = Box::pin(app.post("POST /api/notes", headers, r#"{"title": "x"}"#));
        assert!(futures_util::poll!(&mut post).is_pending(), "it waits for the writer");
        posts.push(post);
    }
    release.send(()).expect("the writer waits");
    holding.await.expect("it ends").expect("it ends well");
    let mut created = Vec::new();
    for (number, reply) in futures_util::future::join_all(posts).await.into_iter().enumerate() {
        assert_eq!(reply.status, 201, "{}", reply.text());
        created.push((reply.json()["createdAt"].as_str().expect("a moment").to_owned(), number));
    }
    created.sort();
    let order: Vec<usize> = created.into_iter().map(|(_, number)| number).collect();
    assert_eq!(order[..2], [0, 3], "the other network comes second: {order:?}");
}

/// Keeps the writer busy until it is released.
struct Hold {
    started: Mutex<Option<tokio::sync::oneshot::Sender<()>>>,
    held: Mutex<mpsc::Receiver<()>>,
}

impl Transaction for Hold {
    type Answer = ();

    fn name(&self) -> &'static str {
        "hold"
    }

    fn run<'a>(&'a self, _: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        if let Some(started) = self.started.lock().expect("nobody panics").take() {
            let _ = started.send(());
        }
        let _ = self.held.lock().expect("nobody panics").recv();
        Box::pin(std::future::ready(Ok(())))
    }
}
