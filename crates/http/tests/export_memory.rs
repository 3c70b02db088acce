//! What the process holds while it exports records.
#![cfg(target_os = "linux")]

mod measured;

use backstay_http::HttpSettings;
use backstay_testkit::TestApp;
use measured::{LONG, MIB, MODEL, ask, peak, reset_peak, served};
use tokio::io::AsyncReadExt;

/// How a body that isn't interrupted ends.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// An export of 60 MB holds a few pages of it at a time, whether its client reads or waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_export_holds_little_of_what_it_sends() {
    let settings = HttpSettings { compress_from: None, ..HttpSettings::default() };
    let app = TestApp::with(MODEL, settings);
    let note = format!(r#"{{"body": "{}"}}"#, "x".repeat(12_000));
    let notes = format!("[{}]", vec![note; 500].join(","));
    for _ in 0..10 {
        assert_eq!(app.post("POST /api/notes", &[("prefer", "return=minimal")], &notes).await.status, 201);
    }
    let (address, server) = served(&app).await;

    reset_peak();
    let before = peak();
    let (mut stream, status) = ask(address, "/api/notes:export").await;
    assert_eq!(status, 200);
    let (mut read, mut piece, mut end) = (0, vec![0; 64 * 1024], Vec::new());
    while end != LAST_CHUNK {
        let count = tokio::time::timeout(LONG, stream.read(&mut piece)).await.expect("nobody hangs").expect("bytes");
        assert_ne!(count, 0, "the export was interrupted after {read} bytes");
        end.extend_from_slice(&piece[..count]);
        end.drain(..end.len().saturating_sub(LAST_CHUNK.len()));
        read += count;
    }
    assert!(read > 60_000_000, "{read}");
    let grown = peak() - before;
    assert!(grown < 32 * MIB, "{} MiB more", grown / MIB);
    server.abort();
}
