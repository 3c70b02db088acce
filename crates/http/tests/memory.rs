//! What the process holds while clients ask for more than it may.
#![cfg(target_os = "linux")]

mod measured;

use backstay_http::HttpSettings;
use backstay_testkit::TestApp;
use measured::{MIB, MODEL, ask, peak, reset_peak, served};

/// 100 answers of almost 16 MB at a time would be 1.5 GiB; one network may use 64 MiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_of_the_largest_answers_stay_within_the_budget() {
    let settings = HttpSettings { compress_from: None, ..HttpSettings::default() };
    let budget = settings.memory_bytes;
    let app = TestApp::with(MODEL, settings);
    let body = format!(r#"{{"body": "{}"}}"#, "x".repeat(7_800_000));
    for _ in 0..2 {
        assert_eq!(app.post("POST /api/notes", &[("prefer", "return=minimal")], &body).await.status, 201);
    }
    let (address, server) = served(&app).await;

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
    server.abort();
}
