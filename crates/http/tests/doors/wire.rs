use std::net::SocketAddr;
use std::time::Duration;

use backstay_http::{Doorway, HttpSettings, serve};
use backstay_testkit::TestApp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::NOTES;

/// Longer than anything here should take on a slow machine.
const FOREVER: Duration = Duration::from_mins(1);

/// A server on a port of its own.
pub(crate) struct Server {
    pub(crate) app: TestApp,
    pub(crate) doorway: Doorway,
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start(settings: HttpSettings) -> Self {
        Self::of(TestApp::with(NOTES, settings)).await
    }

    /// Serves an application with the settings that it has now.
    async fn of(app: TestApp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let (doorway, settings) = (Doorway::open(app.services.clone()), app.services.settings.clone());
        let served_through = doorway.clone();
        let served = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            serve(listener, served_through, settings, shutdown).await
        });
        Self { app, doorway, address, stop, served }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server listens")
    }

    /// Sends these bytes on a fresh connection and reads until the server closes it.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }
}

/// What the server sends until it closes the connection.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the server closes the connection in time");
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn post(length: &str, token: &str) -> String {
    format!(
        "POST /api/notes HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nAuthorization: {token}\r\n{length}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_follow_each_other_on_a_connection() {
    let server = Server::start(HttpSettings::default()).await;
    let one = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    let last = "GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answers = server.say(format!("{one}{one}{last}").as_bytes()).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 404 Not Found").count(), 1, "{answers}");
    assert!(answers.contains("application/problem+json"), "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_says_nothing_of_a_length() {
    let server = Server::start(HttpSettings::default()).await;
    let head = "GET /api/notes HTTP/1.1\r\nHost: h\r\nIf-None-Match: *\r\n";
    let answers = server.say(format!("{head}\r\n{head}Connection: close\r\n\r\n").as_bytes()).await;
    assert_eq!(answers.matches("HTTP/1.1 304 Not Modified").count(), 2, "{answers}");
    assert!(!answers.contains("content-length") && !answers.contains("transfer-encoding"), "{answers}");
    assert!(answers.ends_with("\r\n\r\n"), "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_body_is_refused_before_it_is_read() {
    let server = Server::start(HttpSettings::default()).await;
    let ada = server.app.account("ada@example.org").await;
    let mut stream = server.connect().await;
    stream.write_all(post("Content-Length: 100000000", &ada).as_bytes()).await.expect("the head is taken");
    let mut start = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(1), stream.read_exact(&mut start)).await;
    read.expect("the answer does not wait for the body").expect("there is an answer");
    assert_eq!(&start, b"HTTP/1.1 413");
    // A client that does not read yet can go on sending for a while and still gets the answer.
    for _ in 0..1000 {
        if stream.write_all(&[b' '; 10_000]).await.is_err() {
            break;
        }
    }
    assert!(rest(&mut stream).await.contains("connection: close"));

    let mut chunked = post("Transfer-Encoding: chunked", &ada).into_bytes();
    for _ in 0..9 {
        chunked.extend_from_slice(b"100000\r\n");
        chunked.extend(std::iter::repeat_n(b' ', 0x10_0000));
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = server.say(&chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off() {
    let brief = Duration::from_secs(1);
    let server = Server::start(HttpSettings { header_time: brief, body_time: brief, ..HttpSettings::default() }).await;
    let ada = server.app.account("ada@example.org").await;
    let mut slow_head = server.connect().await;
    slow_head.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n").await.expect("it is taken");
    let answer = rest(&mut slow_head).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");

    let mut slow_body = server.connect().await;
    slow_body.write_all(post("Content-Length: 20", &ada).as_bytes()).await.expect("it is taken");
    slow_body.write_all(b"{\"ti").await.expect("it is taken");
    let answer = rest(&mut slow_body).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("/problems/body-timeout"), "{answer}");

    let mut idle = server.connect().await;
    assert_eq!(rest(&mut idle).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_unknown_of_a_write_whose_body_never_came() {
    let mut app = TestApp::with(NOTES, HttpSettings::default());
    let ada = app.account("ada@example.org").await;
    app.services.settings.request_time = Duration::from_millis(200);
    let server = Server::of(app).await;
    let answer = server.say(post("Content-Length: 20", &ada).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("/problems/body-timeout"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_under_way_ends_before_the_server_does() {
    let server = Server::start(HttpSettings::default()).await;
    let ada = server.app.account("ada@example.org").await;
    let body = r#"{"title": "Last words", "public": true}"#;
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    let head = post(&format!("Content-Length: {}", body.len()), &ada);
    busy.write_all(head.as_bytes()).await.expect("it is taken");
    busy.write_all(&body.as_bytes()[..10]).await.expect("it is taken");
    tokio::time::sleep(Duration::from_millis(100)).await;

    server.stop.send(()).expect("the server runs");
    assert_eq!(rest(&mut idle).await, "", "an idle connection is closed at once");
    assert!(!server.served.is_finished(), "the server waits for the request under way");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody new is let in");
    busy.write_all(&body.as_bytes()[10..]).await.expect("it is taken");
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    server.served.await.expect("no panic").expect("the server ends well");
    let listed = server.app.call("GET /api/notes?count=true", &[]).await;
    assert_eq!(listed.json()["count"]["value"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_waits_only_so_long() {
    let drain_time = Duration::from_millis(100);
    let server = Server::start(HttpSettings { drain_time, ..HttpSettings::default() }).await;
    let ada = server.app.account("ada@example.org").await;
    let mut stuck = server.connect().await;
    stuck.write_all(post("Content-Length: 20", &ada).as_bytes()).await.expect("it is taken");
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop.send(()).expect("the server runs");
    let ended = tokio::time::timeout(FOREVER, server.served).await;
    ended.expect("the server does not wait for ever").expect("no panic").expect("it ends well");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_stays_longer_than_a_head_may_take() {
    let (header_time, idle_time) = (Duration::from_millis(200), Duration::from_secs(4));
    let server = Server::start(HttpSettings { header_time, idle_time, ..HttpSettings::default() }).await;
    let mut stream = server.connect().await;
    let mut answer = [0; 12];
    for _ in 0..2 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("it is open");
        stream.read_exact(&mut answer).await.expect("there is an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut all = vec![0; 4096];
        tokio::time::sleep(header_time * 2).await;
        assert!(stream.read(&mut all).await.expect("it is open") > 0);
    }
    let started = std::time::Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(started.elapsed() < FOREVER, "it does not stay for ever");

    let mut slow = server.connect().await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nGET /hea").await.expect("it is open");
    let started = std::time::Instant::now();
    assert!(rest(&mut slow).await.starts_with("HTTP/1.1 200"));
    assert!(started.elapsed() < FOREVER, "a half head does not stay for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_defaults_outlast_load_balancers() {
    let settings = HttpSettings::default();
    assert_eq!((settings.idle_time.as_secs(), settings.header_time.as_secs()), (75, 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_does_not_keep_the_server_from_stopping() {
    let server = Server::start(HttpSettings::default()).await;
    let whole = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut streams = Vec::new();
    for half in ["", "G", "GET /hea", "GET /healthz HTTP/1.1\r\nHost: h\r\n", &format!("{whole}GET /hea"), whole] {
        let mut stream = server.connect().await;
        stream.write_all(half.as_bytes()).await.expect("it is taken");
        streams.push((half.to_owned(), stream));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.send(()).expect("the server runs");
    let ended = tokio::time::timeout(Duration::from_secs(2), server.served).await;
    ended.expect("no request is running").expect("no panic").expect("it ends well");
    for (half, mut stream) in streams {
        let answered = rest(&mut stream).await.matches("HTTP/1.1 200").count();
        assert_eq!(answered, half.matches("\r\n\r\n").count(), "{half:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_written_to_its_end_before_the_server_stops() {
    let server = Server::start(HttpSettings { body_bytes: 8_000_000, ..HttpSettings::default() }).await;
    let ada = server.app.account("ada@example.org").await;
    let text = "x".repeat(7_000_000);
    let made = server
        .app
        .post("POST /api/notes", &[("authorization", &ada)], &format!(r#"{{"title":"x","body":"{text}"}}"#))
        .await;
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let mut slow = server.connect().await;
    let request = format!("GET /api/notes/{id} HTTP/1.1\r\nHost: h\r\nAuthorization: {ada}\r\n\r\n");
    slow.write_all(request.as_bytes()).await.expect("it is taken");
    let mut start = [0; 12];
    slow.read_exact(&mut start).await.expect("the answer begins");
    server.stop.send(()).expect("the server runs");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!server.served.is_finished(), "the answer is not written yet");
    let answer = rest(&mut slow).await;
    assert!(answer.len() > text.len() && answer.ends_with('}'), "{} bytes", answer.len());
    server.served.await.expect("no panic").expect("the server ends well");
}
