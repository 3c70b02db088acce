use backstay_http::HttpSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::wire::{Server, post, rest};

const NOTE: &str = r#"{"title": "x"}"#;
const CHUNKED_NOTE: &str = "e\r\n{\"title\": \"x\"}\r\n0\r\n\r\n";

/// The status of an answer, and its kind of problem if it has one.
fn outcome(answer: &str) -> String {
    let status = answer.strip_prefix("HTTP/1.1 ").or_else(|| answer.strip_prefix("HTTP/1.0 ")).unwrap_or(answer);
    let kind = answer.split_once("\"type\":\"/problems/").and_then(|(_, rest)| rest.split_once('"'));
    let kind = kind.map_or(String::new(), |(kind, _)| format!(" {kind}"));
    format!("{}{kind}", status.get(..3).unwrap_or("nothing"))
}

async fn check(server: &Server, head: &str, expected: &str) {
    let answer = server.say(head.as_bytes()).await;
    let shown: String = head.chars().take(80).collect();
    assert_eq!(outcome(&answer), expected, "{shown:?}: {answer}");
}

fn get(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_too_large_are_refused() {
    let server = Server::start(HttpSettings::default()).await;
    let target = |kib: usize| get(&format!("/api/notes?filter={}", "x".repeat(kib * 1024)), "");
    let header = |kib: usize| get("/api/notes", &format!("X: {}\r\n", "x".repeat(kib * 1024)));
    check(&server, &target(40), "414 target-too-long").await;
    check(&server, &header(40), "431 headers-too-large").await;
    check(&server, &header(70), "431 headers-too-large").await;
    // Above these sizes hyper itself refuses, with a bare status.
    check(&server, &target(70), "414").await;
    check(&server, &target(400), "431").await;
    check(&server, &header(400), "431").await;
    check(&server, &get("/api/notes", &"A: b\r\n".repeat(200)), "431").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_heads_are_refused() {
    let server = Server::start(HttpSettings::default()).await;
    let line = |line: &str| format!("{line}\r\nHost: h\r\nConnection: close\r\n\r\n");
    check(&server, "nonsense\r\n\r\n", "400").await;
    check(&server, &line("G<T / HTTP/1.1"), "400").await;
    check(&server, &line("GET api/notes HTTP/1.1"), "400").await;
    check(&server, &line("GET /a b HTTP/1.1"), "400").await;
    check(&server, &line("GET / HTTP/1.2"), "400").await;
    check(&server, &line("BREW / HTTP/1.1"), "405 method-not-allowed").await;
    check(&server, &line("TRACE / HTTP/1.1"), "405 method-not-allowed").await;
    check(&server, &line("CONNECT h:80 HTTP/1.1"), "404 no-such-path").await;
    check(&server, &get("/", "Bad Header: x\r\n"), "400").await;
    check(&server, &get("/", "X : x\r\n"), "400").await;
    check(&server, &get("/", "X: a\r\n b\r\n"), "400").await;
    check(&server, &get("/api/notes/%zz", ""), "400 malformed-request").await;
    let bytes = b"GET /api/notes?title=\xFF HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(outcome(&server.say(bytes).await), "400");
    let answers = server.say(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n\x01rubbish\r\n\r\n").await;
    assert_eq!((outcome(&answers), answers.contains("HTTP/1.1 400")), ("200".to_owned(), true), "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_its_host_once() {
    let server = Server::start(HttpSettings::default()).await;
    let hosts = |hosts: &str| format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
    for good in ["h", "example.org:8080", "[::1]:80", "127.0.0.1", ""] {
        check(&server, &hosts(&format!("Host: {good}\r\n")), "200").await;
    }
    check(&server, &hosts(""), "400 malformed-request").await;
    check(&server, &hosts("Host: h\r\nHost: h\r\n"), "400 malformed-request").await;
    for bad in ["a b", "a/b", "a@b", "http://h", "h,h", "\u{f6}"] {
        check(&server, &hosts(&format!("Host: {bad}\r\n")), "400 malformed-request").await;
    }
    check(&server, "GET /healthz HTTP/1.0\r\n\r\n", "200").await;
    check(&server, "GET /healthz HTTP/1.0\r\nHost: h\r\n\r\n", "200").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_has_several_forms() {
    let server = Server::start(HttpSettings::default()).await;
    check(&server, &get("http://other.example/healthz", ""), "200").await;
    check(&server, &get("http://h", ""), "200").await;
    check(&server, &get("h:80", ""), "404 no-such-path").await;
    check(&server, &get("*", ""), "404 no-such-path").await;
    let answer = server.say(b"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert_eq!(outcome(&answer), "204", "{answer}");
    assert!(answer.contains("allow: GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS\r\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_one_length() {
    let server = Server::start(HttpSettings::default()).await;
    let ada = server.app.account("ada@example.org").await;
    let check = async |length: &str, body: &str, expected: &str| {
        let head = post(&format!("Connection: close\r\n{length}"), &ada);
        check(&server, &format!("{head}{body}"), expected).await;
    };
    check("Content-Length: 14", NOTE, "201").await;
    check("Transfer-Encoding: Chunked", CHUNKED_NOTE, "201").await;
    check("X: no length", "", "400 malformed-request").await;
    check("Content-Length: 5\r\nContent-Length: 6", NOTE, "400").await;
    check("Content-Length: -1", NOTE, "400").await;
    check("Content-Length: +14", NOTE, "400").await;
    check("Content-Length: 5\r\nTransfer-Encoding: chunked", CHUNKED_NOTE, "201").await;
    check("Transfer-Encoding: gzip, chunked", CHUNKED_NOTE, "400 malformed-request").await;
    check("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", CHUNKED_NOTE, "400 malformed-request").await;
    check("Transfer-Encoding: chunked, gzip", CHUNKED_NOTE, "400").await;
    check("Transfer-Encoding: identity", "", "400").await;
    check("Transfer-Encoding: chunked", "zz\r\n{}\r\n", "400 malformed-body").await;
    let old = "POST /api/notes HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(outcome(&server.say(old.as_bytes()).await), "400");
}

/// A proxy that trusts `Content-Length` would treat what follows the chunks as part of the body.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_follows_a_request_with_two_lengths() {
    let server = Server::start(HttpSettings::default()).await;
    let ada = server.app.account("ada@example.org").await;
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    let chunked = "Transfer-Encoding: chunked";
    for length in [format!("{chunked}\r\nContent-Length: 60"), format!("Content-Length: 60\r\n{chunked}")] {
        let answers = server.say(format!("{}{CHUNKED_NOTE}{smuggled}", post(&length, &ada)).as_bytes()).await;
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{length}: {answers}");
        assert!(answers.contains("connection: close\r\n"), "{length}: {answers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_passed_over() {
    let server = Server::start(HttpSettings::default()).await;
    let upgrade =
        |to: &str| format!("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: {to}\r\n\r\n");
    check(&server, &upgrade("websocket"), "200").await;
    check(&server, &upgrade("h2c"), "200").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_leave_to_send_gets_it() {
    let server = Server::start(HttpSettings::default()).await;
    let ada = server.app.account("ada@example.org").await;
    let mut stream = server.connect().await;
    let head = post("Connection: close\r\nExpect: 100-continue\r\nContent-Length: 14", &ada);
    stream.write_all(head.as_bytes()).await.expect("it is taken");
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).await.expect("there is leave");
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(NOTE.as_bytes()).await.expect("it is taken");
    assert_eq!(outcome(&rest(&mut stream).await), "201");

    let large = post("Connection: close\r\nExpect: 100-continue\r\nContent-Length: 100000000", &ada);
    check(&server, &large, "413 too-large").await;
    let elsewhere = large.replace("/api/notes", "/nowhere");
    check(&server, &elsewhere, "404 no-such-path").await;
}
