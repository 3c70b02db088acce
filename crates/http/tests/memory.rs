//! What the process holds while clients ask for more than it may: a process of its own, whose memory nobody else uses.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use backstay_http::{Doorway, HttpSettings, serve};
use backstay_testkit::TestApp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Mutex;

const MODEL: &str = r#"
extend schema @app(name: "Memory")
type User @identity @allow(read: "false") { email: Email! @unique name: String! }
type Note @allow(read: "true", create: "true") { body: Text @length(max: 8000000) }
"#;
const MIB: usize = 1024 * 1024;
/// Guards against hanging only.
const LONG: Duration = Duration::from_mins(1);

/// Held by the test that measures: all of them share the process.
static MEASURES: Mutex<()> = Mutex::const_new(());

/// The most memory that the process has had since this was last reset, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("Linux resets it");
}

/// A connection on which the answer is left with the server.
async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.connect(address).await.expect("the server listens")
}

/// Sends a request and reads the status of the answer.
async fn ask(address: SocketAddr, path: &str) -> (TcpStream, u16) {
    let mut stream = connect(address).await;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.expect("it is taken");
    let mut start = [0; 12];
    tokio::time::timeout(LONG, stream.read_exact(&mut start)).await.expect("nobody hangs").expect("an answer");
    let status = String::from_utf8_lossy(&start[9..]).parse().expect("a status");
    (stream, status)
}

/// 100 answers of almost 16 MB at a time would be 1.5 GiB; one network may use 64 MiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_of_the_largest_answers_stay_within_the_budget() {
    let _alone = MEASURES.lock().await;
    let settings = HttpSettings { compress_from: None, ..HttpSettings::default() };
    let budget = settings.memory_bytes;
    let app = TestApp::with(MODEL, settings);
    let body = format!(r#"{{"body": "{}"}}"#, "x".repeat(7_800_000));
    for _ in 0..2 {
        assert_eq!(app.post("POST /api/notes", &[("prefer", "return=minimal")], &body).await.status, 201);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let (doorway, settings) = (Doorway::open(app.services.clone()), app.services.settings.clone());
    let served = tokio::spawn(serve(listener, doorway, settings, std::future::pending()));

    reset_peak();
    let before = peak();
    let asked: Vec<_> = (0..100).map(|_| tokio::spawn(async move { ask(address, "/api/notes").await })).collect();
    let mut statuses = Vec::new();
    let mut held = Vec::new();
    for one in asked {
        let (stream, status) = one.await.expect("no panic");
        held.push(stream);
        statuses.push(status);
    }
    let grown = peak() - before;
    assert!(grown < budget, "{} MiB more, {statuses:?}", grown / MIB);
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    assert_eq!(ask(address, "/healthz").await.1, 200);
    drop(held);
    served.abort();
}

/// An export of 60 MB holds a few pages of it at a time, whether its client reads or waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_export_holds_little_of_what_it_sends() {
    let _alone = MEASURES.lock().await;
    let settings = HttpSettings { compress_from: None, ..HttpSettings::default() };
    let app = TestApp::with(MODEL, settings);
    let note = format!(r#"{{"body": "{}"}}"#, "x".repeat(12_000));
    let notes = format!("[{}]", vec![note; 500].join(","));
    for _ in 0..10 {
        assert_eq!(app.post("POST /api/notes", &[("prefer", "return=minimal")], &notes).await.status, 201);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let (doorway, settings) = (Doorway::open(app.services.clone()), app.services.settings.clone());
    let served = tokio::spawn(serve(listener, doorway, settings, std::future::pending()));

    reset_peak();
    let before = peak();
    let (mut stream, status) = ask(address, "/api/notes:export").await;
    assert_eq!(status, 200);
    let (mut read, mut piece) = (0, vec![0; 64 * 1024]);
    while !piece[..].ends_with(b"\r\n0\r\n\r\n") {
        piece.resize(64 * 1024, 0);
        let count = tokio::time::timeout(LONG, stream.read(&mut piece)).await.expect("nobody hangs").expect("bytes");
        assert_ne!(count, 0, "the export was interrupted after {read} bytes");
        piece.truncate(count);
        read += count;
    }
    assert!(read > 60_000_000, "{read}");
    let grown = peak() - before;
    assert!(grown < 32 * MIB, "{} MiB more", grown / MIB);
    served.abort();
}
