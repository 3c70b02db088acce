//! The requests in docs/coming-from.md are accepted.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use backstay_testkit::TestApp;

/// What the document asks about, whatever its readers come from.
const MODEL: &str = r#"
extend schema @app(name: "Coming")
type User @identity @allow(read: "true") { email: Email! @unique name: String! }
enum State { A B DRAFT PUBLISHED }
type Post @allow(read: "true", update: "true") {
  title: String! @search
  body: Text @search
  words: Int
  state: State
  pinned: Boolean
  publishedAt: DateTime
  author: User
  comments: [Comment!] @inverse(field: "post")
  field: String
  a: Boolean
  b: Boolean
}
type Comment @allow(read: "true") { body: String! post: Post! }
type Order @allow(read: "true") { state: State amount: Decimal }"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_that_other_systems_become_are_accepted() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/coming-from.md");
    let document = fs::read_to_string(document).expect("the document is there");
    let requests: Vec<String> = document.lines().filter_map(right_cell).flat_map(|cell| requests(&cell)).collect();
    assert!(requests.len() > 40, "{requests:#?}");
    let app = TestApp::open(MODEL);
    for request in requests {
        let reply = app.call(&request, &[]).await;
        assert_eq!(reply.status, 200, "{request}: {}", reply.text());
    }
}

/// What a row of a table says of this system.
fn right_cell(line: &str) -> Option<String> {
    let cells = line.strip_prefix("| ")?.strip_suffix(" |")?.replace("\\|", "\u{0}");
    Some(cells.split_once(" | ")?.1.replace('\0', "|"))
}

/// The requests in a cell, those aside in which something stands for what the reader has.
fn requests(cell: &str) -> Vec<String> {
    const PARAMETERS: [&str; 7] = ["count", "filter", "search", "select", "skip", "sort", "title"];
    let mut spans: Vec<String> = Vec::new();
    for code in cell.split('`').skip(1).step_by(2) {
        match spans.last_mut().filter(|_| code.starts_with('?')) {
            Some(path) => path.push_str(code),
            None => spans.push(code.to_owned()),
        }
    }
    let request = |code: String| {
        if let Some((path, query)) = code.strip_prefix("/api/").and_then(|path| path.split_once('?')) {
            let query: Vec<String> = query.split('&').map(encoded).collect();
            return Some(format!("GET /api/{path}?{}", query.join("&")));
        }
        let (name, value) = code.split_once('=')?;
        // Beside a path, it is one of its parameters.
        let is_query = PARAMETERS.contains(&name) && !value.is_empty() && !cell.contains(":aggregate");
        is_query.then(|| format!("GET /api/posts?{}", encoded(&code)))
    };
    spans.into_iter().filter(|code| !code.contains('…')).filter_map(request).collect()
}

/// A parameter with its value as a URL has it.
fn encoded(parameter: &str) -> String {
    let (name, value) = parameter.split_once('=').expect("a parameter has a value");
    let mut url = format!("{name}=");
    for byte in value.bytes() {
        match byte.is_ascii_alphanumeric() {
            true => url.push(char::from(byte)),
            false => write!(url, "%{byte:02X}").expect("a text takes what is written"),
        }
    }
    url
}
