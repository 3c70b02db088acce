//! What an application that embeds Backstay can rely on.

use std::net::SocketAddr;

use axum::Router;
use backstay::{Backend, Backstay, Call, CallError, Command, Error, Failure, Page, RecordName};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

#[derive(Debug, PartialEq, Deserialize)]
struct Entry {
    text: String,
    stars: u8,
}

fn entry(text: &str, stars: u8) -> Entry {
    Entry { text: text.to_owned(), stars }
}

fn guest_book() -> Backstay {
    let found = Backstay::from_dir(env!("CARGO_MANIFEST_DIR")).expect("the application");
    found.procedure("thank", embedded::thank)
}

/// The guest book with two guests.
async fn opened() -> (TempDir, Backend) {
    let place = tempfile::tempdir().expect("a temporary directory");
    let backend = guest_book().with_data(place.path().join("data")).open().await.expect("it opens");
    for name in ["ann", "bob"] {
        let add = Command::AddAccount {
            email: format!("{name}@guests.example"),
            fields: vec![("name".to_owned(), name.to_owned())],
            roles: Vec::new(),
            password: None,
            verified: false,
        };
        backend.run(add).await.expect("an account");
    }
    (place, backend)
}

/// Serves these routes until the sender is dropped.
async fn served(routes: Router) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (stop, stopping) = oneshot::channel::<()>();
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(async {
        let _ = stopping.await;
    });
    tokio::spawn(async move { server.await });
    (address, stop)
}

/// The answer to a request, with its head.
async fn ask(address: SocketAddr, request: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let length = body.len();
    let sent = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(sent.as_bytes()).await.expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head").1
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")))?;
    Some(line.split_once(": ")?.1)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_made_under_the_rules_of_the_model() {
    let (_place, backend) = opened().await;
    let ann = backend.acting_as("ann@guests.example");
    let made: Entry = ann.call(Call::create("entries", json!({"text": "Lovely", "stars": 5}))).await.expect("created");
    assert_eq!(made, entry("Lovely", 5));

    let (second, page): (Value, Page<Entry>) = ann
        .transact([
            Call::create("entries", json!({"text": "Cold", "stars": 2})),
            Call::list("entries").filter("stars < $n").param("n", 4).select("text,stars").count(),
        ])
        .await
        .expect("both");
    assert_eq!((page.items, page.next, page.count.expect("a count").value), (vec![entry("Cold", 2)], None, 1));
    let id = second["id"].as_str().expect("an id");
    let cold: Value =
        backend.anonymous().call(Call::get("entries", id).select("text,author{name}")).await.expect("it is public");
    assert_eq!(cold, json!({"text": "Cold", "author": {"name": "ann"}}));
    let own = Call::get("guests", RecordName::key(json!({"email": "ann@guests.example"}))).select("name");
    assert_eq!(ann.call::<Value>(own).await.expect("her own record"), json!({"name": "ann"}));

    let anonymous = backend.anonymous().call::<Value>(Call::create("entries", json!({"text": "Hi", "stars": 1}))).await;
    assert!(matches!(anonymous, Err(CallError::Refused { error: Error::Unauthenticated(_), .. })), "{anonymous:?}");
    let calls = [
        Call::create("entries", json!({"text": "Kept?", "stars": 3})),
        Call::create("entries", json!({"text": "No", "stars": 9})),
    ];
    let refused = ann.transact::<Value>(calls).await;
    assert!(matches!(refused, Err(CallError::Refused { call: Some(1), error: Error::Invalid(_) })), "{refused:?}");
    let wrong = ann.call::<Value>(Call::update("entries", id, json!({})).limit(3)).await;
    assert!(matches!(wrong, Err(CallError::Refused { error: Error::Malformed(_), .. })), "{wrong:?}");
    let all: Page<Entry> = ann.call(Call::list("entries")).await.expect("a list");
    assert_eq!(all.items, [entry("Lovely", 5), entry("Cold", 2)], "nothing of the refused transaction is stored");

    let other_form = ann.call::<Vec<u8>>(Call::get("entries", id)).await;
    assert!(matches!(other_form, Err(CallError::Answer(_))), "{other_form:?}");
    let unknown = backend.acting_as("eve@guests.example").call::<Value>(Call::list("entries")).await;
    assert!(matches!(unknown, Err(CallError::Refused { error: Error::NotFound { .. }, .. })), "{unknown:?}");
    let token = backend.with_token("bst_wrong").call::<Value>(Call::list("entries")).await;
    assert!(matches!(token, Err(CallError::Refused { error: Error::Unauthenticated(_), .. })), "{token:?}");
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_routes_stand_beside_those_of_backstay() {
    let (_place, backend) = opened().await;
    let (address, _stop) = served(embedded::router(&backend)).await;
    assert_eq!(body(&ask(address, "GET /stars", "", "").await), "no stars yet\n");

    let new = r#"{"email": "eve@guests.example", "password": "a long enough password", "name": "Eve"}"#;
    let signed_up: Value =
        serde_json::from_str(body(&ask(address, "POST /auth/sign-up", "", new).await)).expect("JSON");
    let token = signed_up["token"].as_str().expect("a token");
    let authorization = format!("Authorization: Bearer {token}\r\n");
    let created = ask(address, "POST /api/entries", &authorization, r#"{"text": "Nice", "stars": 4}"#).await;
    assert!(created.starts_with("HTTP/1.1 201 Created\r\n"), "{created}");
    let location = header(&created, "location").expect("where it is");
    let read = ask(address, &format!("GET {location}?select=text,stars"), "", "").await;
    assert_eq!(body(&read), r#"{"text":"Nice","stars":4}"#);
    let tag = header(&read, "etag").expect("its tag");
    let again =
        ask(address, &format!("GET {location}?select=text,stars"), &format!("If-None-Match: {tag}\r\n"), "").await;
    assert!(again.starts_with("HTTP/1.1 304"), "{again}");
    assert_eq!(body(&ask(address, "GET /stars", "", "").await), "4.0 of 5 stars\n");
    let mine: Page<Entry> = backend
        .with_token(token)
        .call(Call::list("entries").filter("author == auth.id"))
        .await
        .unwrap_or_else(|error| panic!("{error}: {error:?}"));
    assert_eq!(mine.items, [entry("Nice", 4)]);
    backend.close().await;
    assert!(ask(address, "GET /api/entries", "", "").await.starts_with("HTTP/1.1 503"), "it is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_below_a_path() {
    let (_place, backend) = opened().await;
    let nested = Router::new().nest_service("/backend", backend.service().below("/backend"));
    let routed = Router::new().route_service("/shop/{*rest}", backend.service().below("/shop/"));
    let (address, _stop) = served(nested.merge(routed)).await;
    let token = {
        let new = r#"{"email": "eve@guests.example", "password": "a long enough password", "name": "Eve"}"#;
        let answer = ask(address, "POST /backend/auth/sign-up", "", new).await;
        let answer: Value = serde_json::from_str(body(&answer)).expect("JSON");
        format!("Authorization: Bearer {}\r\n", answer["token"].as_str().expect("a token"))
    };
    for prefix in ["/backend", "/shop"] {
        let entry = r#"{"text": "Nice", "stars": 4}"#;
        let created = ask(address, &format!("POST {prefix}/api/entries"), &token, entry).await;
        let location = header(&created, "location").expect("where it is");
        assert!(location.starts_with(&format!("{prefix}/api/entries/")), "{location}");
        let read = ask(address, &format!("GET {location}?select=text"), "", "").await;
        assert_eq!(body(&read), r#"{"text":"Nice"}"#);
    }
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_its_own_listener_until_it_is_told_to_stop() {
    let (place, backend) = opened().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (stop, stopping) = oneshot::channel::<()>();
    let serving = backend.clone();
    let server = tokio::spawn(async move { serving.serve(listener, async { drop(stopping.await) }).await });
    assert_eq!(body(&ask(address, "GET /api/entries", "", "").await), r#"{"items":[],"next":null}"#);
    let second = guest_book().with_data(place.path().join("data")).open().await;
    assert!(matches!(second, Err(Failure::Open(_))), "the database can be open only once: {second:?}");
    drop(stop);
    server.await.expect("no panic").expect("it ends orderly");
    backend.close().await;
    let late = backend.anonymous().call::<Value>(Call::list("entries")).await;
    assert!(matches!(late, Err(CallError::Closed)), "{late:?}");

    let again = guest_book().with_data(place.path().join("data")).open().await.expect("it opens again");
    let guests: Page<Value> =
        again.anonymous().call(Call::list("guests").select("name").sort("name")).await.expect("a list");
    assert_eq!(guests.items, [json!({"name": "ann"}), json!({"name": "bob"})]);
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_thank_each_other_by_an_action() {
    let (_place, backend) = opened().await;
    let ann = backend.acting_as("ann@guests.example");
    let made: Value = ann.call(Call::create("entries", json!({"text": "Lovely", "stars": 5}))).await.expect("created");
    let id = made["id"].as_str().expect("an id");
    let (address, _stop) = served(embedded::router(&backend)).await;
    let new = r#"{"email": "eve@guests.example", "password": "a long enough password", "name": "Eve"}"#;
    let signed_up: Value =
        serde_json::from_str(body(&ask(address, "POST /auth/sign-up", "", new).await)).expect("JSON");
    let token = format!("Authorization: Bearer {}\r\n", signed_up["token"].as_str().expect("a token"));
    let thanks = json!({ "entry": id }).to_string();
    for expected in ["1", "2"] {
        let thanked = ask(address, "POST /do/thank", &token, &thanks).await;
        assert_eq!(body(&thanked), expected, "{thanked}");
    }
    let bob = backend.acting_as("bob@guests.example");
    assert_eq!(bob.act::<u32>("thank", json!({ "entry": id })).await.expect("he thanks"), 3);
    let own = ann.act::<u32>("thank", json!({ "entry": id })).await;
    assert!(matches!(own, Err(CallError::Refused { error: Error::Refused(_), .. })), "{own:?}");
    let anonymous = ask(address, "POST /do/thank", "", &thanks).await;
    assert!(anonymous.starts_with("HTTP/1.1 401"), "{anonymous}");
    let patched = ask(address, &format!("PATCH /api/entries/{id}"), &token, r#"{"thanks": 9}"#).await;
    assert!(patched.starts_with("HTTP/1.1 403"), "{patched}");
    let own = ask(address, "POST /api/entries", &token, r#"{"text": "Nice", "stars": 4}"#).await;
    let own: Value = serde_json::from_str(body(&own)).expect("JSON");
    let refused = ask(address, "POST /do/thank", &token, &json!({ "entry": own["id"] }).to_string()).await;
    assert!(refused.starts_with("HTTP/1.1 422") && body(&refused).contains("own-entry"), "{refused}");
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_without_a_procedure_is_refused_before_anything_is_created() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let found = Backstay::from_dir(env!("CARGO_MANIFEST_DIR")).expect("the application");
    let opened = found.with_data(place.path().join("data")).open().await;
    assert!(matches!(&opened, Err(Failure::Procedures { missing }) if missing == &["thank"]), "{opened:?}");
    assert!(!place.path().join("data").exists());
}

#[tokio::test]
async fn a_runtime_of_one_thread_is_refused() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let opened = guest_book().with_data(place.path().join("data")).open().await;
    assert!(matches!(opened, Err(Failure::Runtime)), "{opened:?}");
    assert!(!place.path().join("data").exists());
}

#[test]
fn the_code_of_the_documentation_is_that_of_this_example() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("the file is there");
    let here = ["src/lib.rs", "src/main.rs", "tests/embedded.rs"].map(read).concat();
    let document = read("../../docs/embedding.md") + &read("../../docs/functions.md");
    let examples: Vec<&str> = document.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 6);
    for example in examples {
        assert!(here.contains(example), "{example}");
    }
}
