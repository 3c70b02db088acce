use std::io::Write;

use backstay_http::HttpSettings;
use backstay_testkit::{Reply, TestApp};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;

use crate::NOTES;

const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];
const NOTE: &str = r#"{"title": "Packed", "public": true}"#;

fn packed(coding: &str, plain: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" | "x-gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(plain).expect("memory takes it");
            encoder.finish().expect("memory takes it")
        }
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 9, 22);
            encoder.write_all(plain).expect("memory takes it");
            encoder.into_inner()
        }
        "zstd" => zstd::encode_all(plain, 19).expect("memory takes it"),
        _ => plain.to_vec(),
    }
}

async fn post(app: &TestApp, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    let mut request = Request::post(path).header("host", "localhost").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Bytes::from(body)).expect("a request")).await
}

async fn send(app: &TestApp, token: &str, coding: &str, body: Vec<u8>) -> Reply {
    post(app, "/api/notes", &[("authorization", token), ("content-encoding", coding)], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_can_be_compressed() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for (name, coding) in
        [("gzip", "gzip"), ("GZIP", "gzip"), ("x-gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), (" zstd ", "zstd")]
    {
        let made = send(&app, &ada, name, packed(coding, NOTE.as_bytes())).await;
        assert_eq!((made.status, made.json()["title"].as_str()), (201, Some("Packed")), "{name}: {}", made.text());
    }
    let made = send(&app, &ada, "identity", NOTE.into()).await;
    assert_eq!(made.status, 201);
    // A file of gzip can have several members, and Zstandard several frames (RFC 1952, section 2.2; RFC 8878, section 3.1).
    for coding in ["gzip", "zstd"] {
        let (start, end) = NOTE.split_at(10);
        let both = [packed(coding, start.as_bytes()), packed(coding, end.as_bytes())].concat();
        assert_eq!(send(&app, &ada, coding, both).await.status, 201, "{coding}");
    }
    // A large body, of many pieces.
    let long = format!(r#"{{"title": "Long", "public": true, "body": "{}"}}"#, "words and words ".repeat(50_000));
    for coding in CODINGS {
        let made = send(&app, &ada, coding, packed(coding, long.as_bytes())).await;
        assert_eq!(made.status, 201, "{coding}: {}", made.text());
        assert_eq!(made.json()["body"].as_str().map(str::len), Some(800_000), "{coding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_that_takes_a_body_takes_it_compressed() {
    let app = TestApp::open(NOTES);
    app.account("ada@example.org").await;
    let body = br#"{"email": "ada@example.org", "password": "correct horse battery"}"#;
    let signed_in = post(&app, "/auth/sign-in", &[("content-encoding", "br")], packed("br", body)).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    let found = post(&app, "/api/notes:query", &[("content-encoding", "zstd")], packed("zstd", b"{}")).await;
    assert_eq!(found.status, 200, "{}", found.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_codings_are_refused_with_those_that_are_taken() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for coding in ["deflate", "compress", "gzip, br", "gzip, gzip", "identity, gzip", "", "gzip;q=1"] {
        let refused = send(&app, &ada, coding, NOTE.into()).await;
        assert_eq!((refused.status, refused.problem().as_str()), (415, "unsupported-media-type"), "{coding}");
        assert_eq!((refused.header("accept-encoding"), refused.header("accept")), ("gzip, br, zstd", ""), "{coding}");
    }
    let text = app.post("POST /api/notes", &[("authorization", &ada), ("content-type", "text/plain")], NOTE).await;
    assert_eq!((text.status, text.header("accept"), text.header("accept-patch")), (415, "application/json", ""));
    let id = crate::note(&app, &ada, "One").await;
    let patch = [("authorization", ada.as_str()), ("content-type", "text/plain")];
    let patch = app.post(&format!("PATCH /api/notes/{id}"), &patch, "{}").await;
    let types = "application/json, application/merge-patch+json";
    assert_eq!((patch.status, patch.header("accept"), patch.header("accept-patch")), (415, types, types));
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_bodies_are_refused() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for coding in CODINGS {
        let whole = packed(coding, NOTE.as_bytes());
        let cut = whole[..whole.len() - 5].to_vec();
        let trailing = [&whole[..], b"{}"].concat();
        for (what, body) in [("plain", NOTE.into()), ("cut", cut), ("trailing", trailing), ("empty", Vec::new())] {
            let refused = send(&app, &ada, coding, body).await;
            assert_eq!(
                (refused.status, refused.problem().as_str()),
                (400, "malformed-body"),
                "{coding} {what}: {}",
                refused.text()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_is_refused() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let mut body = packed("gzip", NOTE.as_bytes());
    let checksum = body.len() - 8;
    body[checksum] ^= 1;
    assert_eq!(send(&app, &ada, "gzip", body).await.problem(), "malformed-body");
}

/// Hundreds of thousands of members or frames that hold nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_many_empty_parts_is_refused() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for (coding, code) in [("gzip", "malformed-body"), ("zstd", "malformed-request")] {
        let empty = packed(coding, b"");
        let refused = send(&app, &ada, coding, empty.repeat(8_000_000 / empty.len())).await;
        assert_eq!((refused.status, refused.problem().as_str()), (400, code), "{coding}: {}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_while_they_are_decoded() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let zeros = vec![b' '; 64 * 1024 * 1024];
    for coding in CODINGS {
        let bomb = packed(coding, &zeros);
        assert!(bomb.len() < 100_000, "{coding}: {}", bomb.len());
        let refused = send(&app, &ada, coding, bomb).await;
        assert_eq!((refused.status, refused.problem().as_str()), (413, "too-large"), "{coding}");
    }
    // A limit counts what is decoded, also where it is small.
    let password = format!(r#"{{"email": "ada@example.org", "password": "{}"}}"#, "p".repeat(20_000));
    for coding in CODINGS {
        let packed = packed(coding, password.as_bytes());
        let refused = post(&app, "/auth/sign-in", &[("content-encoding", coding)], packed).await;
        assert_eq!(refused.status, 413, "{coding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decoded_counts_as_memory() {
    let settings = HttpSettings { memory_bytes: 8 * 1024 * 1024, network_percent: 100, ..HttpSettings::default() };
    let app = TestApp::with(NOTES, settings);
    let ada = app.account("ada@example.org").await;
    let spaces = vec![b' '; 6 * 1024 * 1024];
    for coding in CODINGS {
        let refused = send(&app, &ada, coding, packed(coding, &spaces)).await;
        assert_eq!((refused.status, refused.problem().as_str()), (503, "busy"), "{coding}: {}", refused.text());
        // It is given back.
        let made = send(&app, &ada, coding, packed(coding, NOTE.as_bytes())).await;
        assert_eq!(made.status, 201, "{coding}: {}", made.text());
    }
}

/// A frame says how much memory its window takes. RFC 9659 allows 8 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn windows_are_limited() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for (window, status) in [(20, 201), (23, 201), (24, 400), (27, 400)] {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory takes it");
        encoder.window_log(window).expect("a window");
        encoder.write_all(NOTE.as_bytes()).expect("memory takes it");
        let body = encoder.finish().expect("memory takes it");
        assert_eq!(send(&app, &ada, "zstd", body).await.status, status, "{window}");
    }
}
