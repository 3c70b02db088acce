//! Exports over HTTP.

use std::io::Read as _;
use std::time::Duration;

use backstay_http::HttpSettings;
use backstay_testkit::TestApp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::wire::Server;
use crate::{NOTES, note};

/// Makes as many public notes, whose titles are numbers.
async fn notes(app: &TestApp, token: &str, (count, body): (usize, &str)) {
    let all: Vec<String> = (0..count)
        .map(|number| format!(r#"{{"title": "{number:05}", "public": true, "rank": {number}, "body": "{body}"}}"#))
        .collect();
    for some in all.chunks(500) {
        let headers = [("authorization", token), ("prefer", "return=minimal")];
        let reply = app.post("POST /api/notes", &headers, &format!("[{}]", some.join(","))).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_exported_in_three_formats_under_the_rights_of_the_caller() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let bob = app.account("bob@example.org").await;
    note(&app, &ada, "One").await;
    let hidden = app.post("POST /api/notes", &[("authorization", &ada)], r#"{"title": "=Hidden"}"#).await;
    assert_eq!(hidden.status, 201);
    let check = async |path: &str, token: Option<&str>, expected: (&str, &str)| {
        let headers: Vec<(&str, &str)> = token.map(|token| ("authorization", token)).into_iter().collect();
        let reply = app.call(&format!("GET /api/{path}"), &headers).await;
        assert_eq!((reply.status, reply.header("content-type"), reply.text()), (200, expected.0, expected.1), "{path}");
    };
    let (csv, ndjson) = ("text/csv; charset=utf-8; header=present", "application/x-ndjson");
    check("notes:export?select=title", None, (ndjson, "{\"title\":\"One\"}\n")).await;
    check("notes:export?select=title", Some(&bob), (ndjson, "{\"title\":\"One\"}\n")).await;
    let both = "{\"title\":\"One\"}\n{\"title\":\"=Hidden\"}\n";
    check("notes:export?format=ndjson&select=title", Some(&ada), (ndjson, both)).await;
    let array = "[\n{\"title\":\"One\"},\n{\"title\":\"=Hidden\"}\n]\n";
    check("notes:export?format=json&select=title", Some(&ada), ("application/json", array)).await;
    let table = "title,author\r\n'=Hidden,\"{\"\"name\"\":\"\"Ada\"\"}\"\r\nOne,\"{\"\"name\"\":\"\"Ada\"\"}\"\r\n";
    check("notes:export?format=csv&select=title,author{name}&sort=title", Some(&ada), (csv, table)).await;
    check("notes:export?format=csv&select=title&title=One", Some(&ada), (csv, "title\r\nOne\r\n")).await;
    check("notes:export?format=json&filter=title+==+$t&$t=Two", None, ("application/json", "[]\n")).await;
    // A field that nobody but its owner sees is a column for accounts only, and has a value for its owner only.
    let users = app.call("GET /api/users:export?format=csv", &[]).await;
    assert!(!users.text().contains("email") && !users.text().contains("@example.org"), "{}", users.text());
    let users = app.call("GET /api/users:export?format=csv&select=email", &[("authorization", &bob)]).await;
    assert_eq!(users.text(), "email\r\n\r\nbob@example.org\r\n");
    let refused = app.call("GET /api/users:export?select=email", &[]).await;
    assert_ne!(refused.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_told_as_a_file_and_has_no_pages() {
    let app = TestApp::open(NOTES);
    let whole = app.call("GET /api/notes:export?format=csv", &[]).await;
    assert_eq!(whole.header("content-disposition"), "attachment; filename=\"notes.csv\"");
    let head = app.call("HEAD /api/notes:export?format=csv", &[]).await;
    assert_eq!((head.status, head.text()), (200, ""));
    for (query, expected) in [
        ("limit=5", "an export has all records that `filter` leaves"),
        ("after=x", "an export has all records"),
        ("count=true", "an export has all records"),
        ("format=xlsx", "one of `ndjson`, `json` and `csv`"),
        ("colour=red", "unknown field or parameter `colour`"),
        ("filter=titel+==+'x'", "titel"),
    ] {
        let reply = app.call(&format!("GET /api/notes:export?{query}"), &[]).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert!(reply.text().contains(expected), "{query}: {}", reply.text());
    }
    assert_eq!(app.call("GET /api/site:export", &[]).await.status, 404);
    assert_eq!(app.call("GET /api/titled:export", &[]).await.status, 404);
    assert_eq!(app.post("POST /api/notes:export", &[], "{}").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_export_has_each_record_once_in_every_coding() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    notes(&app, &ada, (2300, "")).await;
    let expected = (0..2300).rev().map(|number| format!("{number:05}\r\n")).collect::<Vec<_>>().concat();
    let path = "GET /api/notes:export?format=csv&select=title&sort=-rank";
    for coding in ["identity", "gzip", "br", "zstd"] {
        let reply = app.call(path, &[("accept-encoding", coding)]).await;
        let mut text = String::new();
        let body: &[u8] = &reply.body;
        match coding {
            "gzip" => _ = flate2::read::GzDecoder::new(body).read_to_string(&mut text).expect("gzip"),
            "br" => _ = brotli::Decompressor::new(body, 4096).read_to_string(&mut text).expect("Brotli"),
            "zstd" => text = String::from_utf8(zstd::decode_all(body).expect("Zstandard")).expect("UTF-8"),
            _ => reply.text().clone_into(&mut text),
        }
        assert_eq!(text, format!("title\r\n{expected}"), "{coding}");
    }
}

/// What a client gets of an export of 6 MB that has begun, after this is done with the server.
async fn interrupted(change: impl AsyncFnOnce(&Server, &str)) -> String {
    let settings = HttpSettings { compress_from: None, ..HttpSettings::default() };
    let server = Server::start(settings).await;
    let ada = server.app.account("ada@example.org").await;
    notes(&server.app, &ada, (3000, &"x".repeat(2000))).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut stream = socket.connect(server.address).await.expect("the server listens");
    let request =
        format!("GET /api/notes:export HTTP/1.1\r\nHost: h\r\nAuthorization: {ada}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.expect("it begins");
    assert_eq!(&start, b"HTTP/1.1 200");
    change(&server, &ada).await;
    let mut answer = Vec::new();
    // An answer that is cut off may end with an error, too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_can_not_go_on_has_no_end() {
    let whole = interrupted(async |_, _| {}).await;
    assert!(whole.ends_with("\r\n0\r\n\r\n") && whole.contains("\"title\":\"02999\""), "{}", whole.len());

    let signed_out = interrupted(async |server, ada| {
        let reply = server.app.call("POST /auth/sign-out", &[("authorization", ada)]).await;
        assert_eq!(reply.status, 204);
    })
    .await;
    assert!(!signed_out.ends_with("0\r\n\r\n") && !signed_out.contains("\"title\":\"02999\""), "{}", signed_out.len());

    let exchanged = interrupted(async |server, _| {
        // The export waits for its client and keeps nobody from exchanging what is served.
        let pause = server.doorway.pause(Duration::from_secs(20)).await.expect("nothing is running");
        pause.open(server.app.services.clone());
    })
    .await;
    assert!(!exchanged.ends_with("0\r\n\r\n") && !exchanged.contains("\"title\":\"02999\""), "{}", exchanged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_can_be_explained() {
    let app = TestApp::open(NOTES);
    let root = app.operator("root@example.org").await;
    let question = r#"{"request": "GET /api/notes:export?format=csv&filter=rank+>+1"}"#;
    let reply = app.post("POST /explain", &[("authorization", &root)], question).await;
    assert_eq!((reply.status, &reply.json()["allowed"]), (200, &true.into()), "{}", reply.text());
}
