//! Nested lists that are too large for an answer.

use std::sync::Arc;

use backstay_base::Caller;
use serde_json::{Value, json};

use crate::App;

const DESK: &str = r#"
type Desk @open { name: String! essays: [Essay!] @inverse(field: "desk") }
type Essay @open { title: String! desk: Desk body: Text }
"#;

const MIB: usize = 1024 * 1024;

/// How many essays each list of an answer has, and which lists have more.
fn told(answer: &Value) -> Value {
    let members = answer.as_object().expect("an object").iter();
    members
        .map(|(name, value)| {
            (
                name.clone(),
                value.as_array().map_or(
                    value.clone(),
                    |list| {
                        if name == "$more" { value.clone() } else { list.len().into() }
                    },
                ),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_that_are_too_large_are_cut() {
    for app in App::both(DESK) {
        let desk = app.made("Desk", r#"{"name":"Long"}"#).await;
        for number in 0..20 {
            let body = json!({ "title": format!("{number}"), "desk": desk.to_string(), "body": "x".repeat(MIB) });
            app.made("Essay", &body.to_string()).await;
        }
        let anyone = Arc::new(Caller::anonymous());
        for (select, expected) in [
            ("essays{title}", json!({ "essays": 20 })),
            ("essays{body}", json!({ "$more": ["essays"], "essays": 6 })),
            ("essays(limit:15){body}", json!({ "$more": ["essays"], "essays": 15 })),
            ("a=essays(limit:10){body},b=essays(limit:10){body}", json!({ "$more": ["a", "b"], "a": 2, "b": 2 })),
            ("a=essays(limit:5){body},b=essays(limit:5){body}", json!({ "$more": ["a", "b"], "a": 5, "b": 5 })),
            ("essays(limit:2){desk{essays{body}}}", json!({ "$more": ["essays"], "essays": 1 })),
        ] {
            let one = app.one(&anyone, ("Desk", desk), select).await;
            let one: Value = serde_json::from_str(&one).expect("JSON");
            assert_eq!(told(&one), expected, "{}: {select}", app.database);
            let list = app.list(&anyone, "Desk", select).await;
            assert_eq!(list, json!([one]).to_string().as_str(), "{}: {select}", app.database);
        }
        let get = app.client.get("Desk", desk, Some("essays{body}")).expect("a get");
        // What is written first is sent with the read.
        for (name, at) in [("Next", 0), ("Last", 1)] {
            let mut requests = vec![app.client.create("Desk", &json!({ "name": name }).to_string()).expect("a create")];
            requests.insert(at, get.clone());
            let answers = app.client.answer_all(&anyone, requests, None).await.expect("both are done");
            let body = answers[at].as_ref().and_then(|answer| answer.body()).expect("a body");
            let one: Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!(told(&one), json!({ "$more": ["essays"], "essays": 6 }), "{}", app.database);
        }
        assert_eq!(app.list(&anyone, "Desk", "name").await, r#"[{"name":"Long"},{"name":"Next"},{"name":"Last"}]"#);
    }
}
