use std::sync::Arc;
use std::time::Duration;

use backstay_base::Ambient;
use backstay_http::{Doorway, HttpSettings, ModelProblems, serve};
use backstay_testkit::TestApp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::wire::{Server, rest};
use crate::{NOTES, note};

const GET: &[u8] = b"GET /api/notes HTTP/1.1\r\nHost: h\r\n\r\n";
const LAST: &[u8] = b"GET /api/notes HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

fn problems() -> Arc<ModelProblems> {
    let diagnostics = vec![serde_json::json!({ "message": "unknown type" })];
    Arc::new(ModelProblems { diagnostics, text: "error: unknown type\n".to_owned() })
}

/// Reads one answer with a body of known length.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.expect("an answer");
        assert_ne!(read, 0, "the connection ended");
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        if body.len() >= length.parse().expect("a number") {
            return text;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_outlasts_what_it_was_opened_for() {
    let server = Server::start(HttpSettings::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.expect("it is sent");
    assert!(answer(&mut stream).await.contains(r#""items":[]"#));
    let pause = server.doorway.pause(Duration::from_secs(5)).await.expect("nothing is running");
    stream.write_all(LAST).await.expect("it is sent");
    // The request waits for another application, which has a note.
    let next = TestApp::open(NOTES);
    let ada = next.account("ada@example.org").await;
    note(&next, &ada, "From the next application").await;
    pause.open(next.services.clone());
    let last = rest(&mut stream).await;
    assert!(last.starts_with("HTTP/1.1 200") && last.contains("From the next application"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_waits_for_what_runs_and_gives_up_in_time() {
    let server = Server::start(HttpSettings::default()).await;
    let ada = server.app.account("ada@example.org").await;
    let mut stream = server.connect().await;
    // The door waits for the rest of this body.
    let body = r#"{"title": "Slow"}"#;
    let (half, other) = body.split_at(5);
    let head = crate::wire::post(&format!("Content-Length: {}\r\nConnection: close", body.len()), &ada);
    stream.write_all(format!("{head}{half}").as_bytes()).await.expect("it is sent");
    while server.doorway.pause(Duration::from_millis(50)).await.is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Others go on.
    assert!(server.say(LAST).await.starts_with("HTTP/1.1 200"));
    let doorway = server.doorway.clone();
    let pausing = tokio::spawn(async move { doorway.pause(Duration::from_secs(20)).await.map(drop).is_some() });
    stream.write_all(other.as_bytes()).await.expect("it is sent");
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 201"));
    assert!(pausing.await.expect("no panic"));
    // Nothing was exchanged.
    assert!(server.say(LAST).await.contains("\"items\":["));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_only_so_long() {
    let settings = HttpSettings { request_time: Duration::from_millis(100), ..HttpSettings::default() };
    let server = Server::start(settings).await;
    let _pause = server.doorway.pause(Duration::from_secs(5)).await.expect("nothing is running");
    let refused = server.say(LAST).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("/problems/busy"), "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_others_learn_only_that_there_is_none() {
    let none = backstay_http::Proxies::default;
    let proxies = backstay_http::Proxies { subnets: vec!["127.0.0.1/32".parse().expect("a subnet")], ..none() };
    for (proxies, header, is_shown) in [
        (none(), "", true),
        (proxies.clone(), "", true),
        (none(), "X-Forwarded-For: 1.2.3.4\r\n", false),
        (none(), "X-Forwarded-For: ü, 1.2.3.4\r\n", false),
        (none(), "Forwarded: for=ü\r\n", false),
        (proxies.clone(), "X-Forwarded-For: ü, 1.2.3.4\r\n", false),
        (proxies.clone(), "X-Forwarded-For: 127.0.0.1\r\n", true),
        (proxies, "X-Forwarded-Host: example.org\r\n", false),
    ] {
        let settings = HttpSettings { proxies, ..HttpSettings::default() };
        let doorway = Doorway::closed(&settings, Ambient::system(), problems());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let serving = tokio::spawn(serve(listener, doorway, settings, std::future::pending()));
        for path in ["/api/notes", "/dev/model", "/dev/model.txt"] {
            let mut stream = TcpStream::connect(address).await.expect("the server listens");
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("it is sent");
            let answer = rest(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
            assert_eq!(answer.contains("unknown type"), is_shown, "{header}: {answer}");
            assert_eq!(answer.contains("backstay-model: stale; errors=1\r\n"), is_shown, "{header}: {answer}");
            assert_eq!(answer.contains("backstay-model: stale\r\n"), !is_shown, "{header}: {answer}");
            assert_eq!(answer.contains("`diagnostics`"), is_shown && path != "/dev/model.txt", "{header}: {answer}");
        }
        serving.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_every_request_is_told_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let settings = HttpSettings::default();
    let doorway = Doorway::closed(&settings, Ambient::system(), problems());
    let serving = tokio::spawn(serve(listener, doorway.clone(), settings, std::future::pending()));
    let say = async |path: &str| {
        let mut stream = TcpStream::connect(address).await.expect("the server listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        rest(&mut stream).await
    };
    for path in ["/", "/api/notes", "/readyz", "/dev/model", "/nothing"] {
        let told = say(path).await;
        assert!(told.starts_with("HTTP/1.1 503"), "{told}");
        for expected in [
            "content-type: application/problem+json",
            "backstay-model: stale; errors=1",
            "cache-control: no-store",
            "request-id: ",
            r#""type":"/problems/no-model""#,
            r#""diagnostics":[{"message":"unknown type"}]"#,
        ] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }
    let text = say("/dev/model.txt").await;
    assert!(text.starts_with("HTTP/1.1 503") && text.ends_with("\r\n\r\nerror: unknown type\n"), "{text}");
    let app = TestApp::open(NOTES);
    doorway.pause(Duration::from_secs(5)).await.expect("nothing is running").open(app.services.clone());
    assert!(say("/api/notes").await.starts_with("HTTP/1.1 200"));
    serving.abort();
}
