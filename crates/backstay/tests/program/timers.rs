//! What happens at a moment that a record holds, while the server runs and after it didn't.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{App, Server};

const MODEL: &str = r#"
extend schema @app(name: "Theatre")

enum Hold { HELD @initial @to(state: "FREE", when: "auth.kind == 'SYSTEM'", set: [{ field: "freedAt", to: "now" }]) FREE }

type Seat @allow(read: "true", create: "true") @history(read: "true") {
  number: Int! @unique
  state: Hold! @at(field: "until", to: "FREE")
  until: DateTime!
  freedAt: DateTime @readonly
}

type Token @allow(read: "true", create: "true") @at(field: "until", do: DELETE) {
  until: DateTime! @set(on: CREATE, to: "now + duration('PT0.2S')")
}
"#;

/// Records whose moment was while no server ran.
const MISSED: u32 = 300;

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(2), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn count(server: &Server, path: &str) -> u64 {
    server.get(path)["count"]["value"].as_u64().expect("a count")
}

#[test]
fn what_is_due_happens_without_a_request() {
    let app = App::empty();
    app.write("model/theatre.graphql", MODEL);
    let missed = |number| format!("{{\"number\": {number}, \"until\": \"2020-01-01T00:00:00Z\"}}\n");
    app.write("seed/Seat.jsonl", &(0..MISSED).map(missed).collect::<String>());
    app.run(&["seed", "."]).done();
    let server = app.serve();
    eventually("what was missed happens", || count(&server, "/api/seats?state=HELD&limit=1&count=true") == 0);
    assert_eq!(
        count(&server, "/api/seats?state=FREE&filter=freedAt%20!=%20null&limit=1&count=true"),
        u64::from(MISSED)
    );

    let (status, token) = server.ask("POST", "/api/tokens", None, "{}");
    assert_eq!(status, 201, "{token}");
    let path = format!("/api/tokens/{}", token["id"].as_str().expect("an id"));
    eventually("the token is deleted", || server.ask("GET", &path, None, "").0 == 404);

    let (status, seat) = server.ask("POST", "/api/seats", None, r#"{"number": 1000, "until": "2020-01-01T00:00:00Z"}"#);
    assert_eq!(status, 201, "{seat}");
    let path = format!("/api/seats/{}", seat["id"].as_str().expect("an id"));
    eventually("a moment of the past counts too", || server.get(&path)["state"] == "FREE");
    let history = server.get(&format!("{path}:history"));
    assert_eq!(history["items"][0]["by"]["kind"], "SYSTEM", "{history}");
    assert_eq!(history["items"].as_array().map(Vec::len), Some(2), "{history}");
}
