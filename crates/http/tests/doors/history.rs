//! The history of records, and the past.

use backstay_engine::PurgePass;
use backstay_testkit::{Reply, TestApp, TestClock, controlled};
use serde_json::{Value, json};

/// The example of the documentation.
fn model() -> String {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### History\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    format!("{MODEL}\n{example}")
}

const MODEL: &str = r#"
extend schema @app(name: "Contracts")
enum Role @roles { CLERK AUDITOR }
type User @identity @allow(read: "true") {
  email: Email! @unique @allow(read: "this.id == auth.id")
  name: String!
}
"#;

struct Story {
    app: TestApp,
    clock: TestClock,
    ada: String,
    bob: String,
    ann: String,
}

impl Story {
    async fn open() -> Self {
        Self::of(&model()).await
    }

    async fn of(model: &str) -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let app = TestApp::controlled(model, controlled(&clock, 7));
        let (ada, bob) = (app.account("ada@example.org").await, app.account("bob@example.org").await);
        let ann = app.account("ann@example.org").await;
        app.grant("ann@example.org", "AUDITOR").await;
        Self { app, clock, ada, bob, ann }
    }

    async fn ask(&self, who: &str, line: &str) -> Reply {
        self.app.call(line, &[("authorization", who)]).await
    }

    async fn send(&self, who: &str, line: &str, body: Value) -> Reply {
        self.app.post(line, &[("authorization", who)], &body.to_string()).await
    }

    async fn make(&self, body: Value) -> String {
        let made = self.send(&self.ada, "POST /api/contracts", body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        crate::id_of(&made)
    }

    async fn change(&self, id: &str, body: Value) {
        let changed = self.send(&self.ada, &format!("PATCH /api/contracts/{id}"), body).await;
        assert!(matches!(changed.status, 200 | 204), "{}", changed.text());
    }

    /// What each change of a record did, and its changed values.
    async fn history(&self, who: &str, id: &str) -> Vec<(String, Value)> {
        let reply = self.ask(who, &format!("GET /api/contracts/{id}:history")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let items = reply.json()["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| (item["action"].as_str().unwrap_or_default().to_owned(), item["changes"].clone()))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_listed_with_old_and_new_values() {
    let story = Story::open().await;
    let id = story.make(json!({ "title": "Roof" })).await;
    story.clock.advance("PT1H");
    let patch = json!({ "title": "Roof and gutters", "price": { "amount": "12.50", "currency": "CHF" },
                        "address": { "city": "Bern" } });
    story.change(&id, patch).await;
    story.clock.advance("PT1H");
    story.change(&id, json!({ "address": { "city": "Bern", "street": "Lane 1" }, "price": null })).await;

    let me = story.ask(&story.ada, "GET /auth/me").await.json()["id"].clone();
    let price = json!({ "amount": "12.50", "currency": "CHF" });
    let reply = story.ask(&story.ada, &format!("GET /api/contracts/{id}:history")).await;
    let items = &reply.json()["items"];
    assert_eq!(
        items[0],
        json!({
            "version": 3, "at": items[0]["at"], "action": "update", "by": { "kind": "ACCOUNT", "id": me },
            "changes": {
                "price": { "old": price, "new": null },
                "address.street": { "old": null, "new": "Lane 1" },
            },
        })
    );
    assert!(items[0]["at"].as_str().is_some_and(|at| at.starts_with("2026-01-31T14:00:00")), "{items}");
    assert_eq!(
        story.history(&story.ada, &id).await,
        [
            ("update".to_owned(), items[0]["changes"].clone()),
            (
                "update".to_owned(),
                json!({
                    "title": { "old": "Roof", "new": "Roof and gutters" },
                    "price": { "old": null, "new": price },
                    "address.city": { "old": null, "new": "Bern" },
                })
            ),
            (
                "create".to_owned(),
                json!({ "title": { "old": null, "new": "Roof" }, "owner": { "old": null, "new": me } })
            ),
        ]
    );
    assert_eq!(reply.json()["next"], Value::Null);

    // A change that leaves the record as it is makes no version.
    story.change(&id, json!({ "title": "Roof and gutters" })).await;
    assert_eq!(story.history(&story.ada, &id).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_has_pages() {
    let story = Story::open().await;
    let id = story.make(json!({ "title": "0" })).await;
    // Several versions in one commit.
    let requests: Vec<Value> = (1..=7)
        .map(|number| json!({ "update": "contracts", "id": id, "body": { "title": number.to_string() } }))
        .collect();
    let done = story.send(&story.ada, "POST /transact", json!({ "requests": requests })).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let (mut seen, mut line) = (Vec::new(), format!("GET /api/contracts/{id}:history?limit=3"));
    loop {
        let reply = story.ask(&story.ada, &line).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        for item in reply.json()["items"].as_array().expect("items") {
            let title = &item["changes"]["title"];
            seen.push(format!("{} {} {}", item["version"], title["old"], title["new"]));
        }
        let next = reply.json()["next"].clone();
        let Some(next) = next.as_str() else { break };
        line = format!("GET /api/contracts/{id}:history?limit=3&after={next}");
    }
    assert_eq!(
        seen,
        [
            "8 \"6\" \"7\"",
            "7 \"5\" \"6\"",
            "6 \"4\" \"5\"",
            "5 \"3\" \"4\"",
            "4 \"2\" \"3\"",
            "3 \"1\" \"2\"",
            "2 \"0\" \"1\"",
            "1 null \"0\""
        ]
    );
    for (parameters, place) in
        [("limit=0", "limit"), ("limit=501", "limit"), ("after=x", "after"), ("select=x", "select")]
    {
        let reply = story.ask(&story.ada, &format!("GET /api/contracts/{id}:history?{parameters}")).await;
        assert_eq!((reply.status, &reply.json()["errors"][0]["at"]), (400, &json!(place)), "{parameters}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_read_as_it_was() {
    let story = Story::open().await;
    let id = story.make(json!({ "title": "Roof", "address": { "city": "Bern" } })).await;
    story.clock.advance("PT1H");
    let other = story.make(json!({ "title": "Wall" })).await;
    story.change(&id, json!({ "title": "Gutters", "address": null })).await;
    story.clock.advance("PT1H");
    assert_eq!(story.ask(&story.ada, &format!("DELETE /api/contracts/{other}")).await.status, 204);

    let get = async |id: &str, rest: &str| story.ask(&story.ada, &format!("GET /api/contracts/{id}?asOf={rest}")).await;
    let then = get(&id, "2026-01-31T12:30:00Z").await;
    assert_eq!(then.status, 200, "{}", then.text());
    let record = then.json();
    assert_eq!(
        (&record["id"], &record["title"], &record["address"], &record["version"]),
        (&json!(id), &json!("Roof"), &json!({ "city": "Bern", "street": null }), &json!(1))
    );
    let now = story.ask(&story.ada, &format!("GET /api/contracts/{id}")).await.json();
    assert_eq!((&record["owner"], &record["createdAt"]), (&now["owner"], &now["createdAt"]));
    assert_eq!(record.get("signatures"), None);
    assert_eq!(get(&id, "2026-01-31T13:30:00Z").await.json(), now);
    assert_eq!(get(&id, "2026-01-31T11:59:59Z").await.status, 404);
    assert_eq!(get(&other, "2026-01-31T12:30:00Z").await.status, 404);
    assert_eq!(get(&other, "2026-01-31T13:30:00Z&select=title").await.json(), json!({ "title": "Wall" }));
    assert_eq!(get(&other, "2026-01-31T15:00:00Z").await.status, 404);
    assert_eq!(
        get(&id, "2026-01-31T12:30:00Z&select=address{city}").await.json(),
        json!({ "address": { "city": "Bern" } })
    );

    let list = async |rest: &str| {
        let reply = story.ask(&story.ada, &format!("GET /api/contracts?select=title&{rest}")).await;
        assert_eq!(reply.status, 200, "{rest}: {}", reply.text());
        let items = reply.json()["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["title"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("asOf=2026-01-31T11:00:00Z").await, Vec::<String>::new());
    assert_eq!(list("asOf=2026-01-31T12:30:00Z").await, ["Roof"]);
    assert_eq!(list("asOf=2026-01-31T13:30:00Z").await, ["Gutters", "Wall"]);
    assert_eq!(list("asOf=2026-01-31T13:30:00Z&sort=-title&limit=1").await, ["Wall"]);
    assert_eq!(list("asOf=2026-01-31T13:30:00Z&title=Wall").await, ["Wall"]);
    assert_eq!(list("asOf=2026-01-31T13:30:00Z&filter=title.startsWith('G')").await, ["Gutters"]);
    assert_eq!(list("asOf=2026-01-31T15:00:00Z").await, ["Gutters"]);
    let counted = story.ask(&story.ada, "GET /api/contracts?asOf=2026-01-31T13:30:00Z&count=true&limit=1").await.json();
    assert_eq!(counted["count"]["value"], 2);
    let next = counted["next"].as_str().expect("a second page");
    assert_eq!(list(&format!("asOf=2026-01-31T13:30:00Z&after={next}")).await, ["Wall"]);
    let body = json!({ "asOf": "2026-01-31T12:30:00Z", "select": "title" });
    let queried = story.send(&story.ada, "POST /api/contracts:query", body).await;
    assert_eq!(queried.json()["items"], json!([{ "title": "Roof" }]), "{}", queried.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_history_does_not_keep_is_refused() {
    let story = Story::open().await;
    let id = story.make(json!({ "title": "Roof" })).await;
    let then = "asOf=2026-01-31T12:00:00Z";
    for (line, place) in [
        (format!("/{id}?{then}&select=signatures"), "select"),
        (format!("/{id}?{then}&select=owner{{name}}"), "select"),
        (format!("/{id}?{then}&sort=title"), "sort"),
        (format!("?{then}&select=title,signatures{{name}}"), "select"),
        (format!("?{then}&filter=size(signatures)%3E0"), "filter"),
        (format!("?{then}&filter=owner.name=='x'"), "filter"),
        ("?asOf=yesterday".to_owned(), "asOf"),
        ("?asOf=".to_owned(), "asOf"),
        ("?asOf=2010-01-01T00:00:00Z".to_owned(), "asOf"),
        (format!("?at={then}"), "at"),
    ] {
        let reply = story.ask(&story.ada, &format!("GET /api/contracts{line}")).await;
        assert_eq!((reply.status, &reply.json()["errors"][0]["at"]), (400, &json!(place)), "{line}: {}", reply.text());
    }
    let reply = story.ask(&story.ada, &format!("GET /api/users?{then}")).await;
    let error = &reply.json()["errors"][0];
    assert_eq!((reply.status, &error["message"]), (400, &json!("User has no history")));
    for line in [format!("GET /api/users/{id}:history"), "GET /api/contracts/x:history".to_owned()] {
        let reply = story.ask(&story.ada, &line).await;
        assert_eq!((reply.status, reply.problem()), (404, "no-such-path".to_owned()), "{line}");
    }
    // Nobody gets at the versions by a path of their own.
    let operator = story.app.operator("root@example.org").await;
    for path in ["contract_history", "Contract%20history", "contract-history", "contract-histories"] {
        assert_eq!(story.ask(&operator, &format!("GET /api/{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_of_the_history_decides_about_the_record_as_it_is_now() {
    let story = Story::open().await;
    let id = story.make(json!({ "title": "Roof", "notes": "cheap" })).await;
    let bob = story.ask(&story.bob, "GET /auth/me").await.json()["id"].clone();
    let history = format!("GET /api/contracts/{id}:history");
    let past = format!("GET /api/contracts/{id}?asOf=2026-01-31T12:00:00.5Z");
    let list = "GET /api/contracts?asOf=2026-01-31T12:00:00.5Z&select=id";
    let check = async |who: &str, sees: bool| {
        let status = if sees { 200 } else { 404 };
        assert_eq!(story.ask(who, &history).await.status, status);
        assert_eq!(story.ask(who, &past).await.status, status);
        let items = if sees { json!([{ "id": id }]) } else { json!([]) };
        assert_eq!(story.ask(who, list).await.json()["items"], items);
    };
    story.clock.advance("PT1H");
    check(&story.ada, true).await;
    check(&story.bob, false).await;
    // Auditors may read the history of contracts that they may not read.
    check(&story.ann, true).await;
    assert_eq!(story.ask(&story.ann, &format!("GET /api/contracts/{id}")).await.status, 404);

    // Fields that are hidden now are hidden in the past.
    let of_ann = story.ask(&story.ann, &past).await.json();
    assert_eq!((&of_ann["title"], of_ann.get("notes")), (&json!("Roof"), None));
    assert_eq!(story.history(&story.ann, &id).await[0].1.get("notes"), None);
    let found = story.ask(&story.ann, &format!("{list}&filter=notes=='cheap'")).await;
    assert_eq!(found.json()["items"], json!([]));
    let found = story.ask(&story.ada, &format!("{list}&filter=notes=='cheap'")).await;
    assert_eq!(found.json()["items"], json!([{ "id": id }]));

    // Who gives the contract away gives away its past too, but for what only the owner of that time could read.
    story.change(&id, json!({ "owner": bob })).await;
    check(&story.ada, false).await;
    check(&story.bob, true).await;
    let of_bob = story.ask(&story.bob, &past).await.json();
    assert_eq!((&of_bob["title"], of_bob.get("notes")), (&json!("Roof"), None));
    let found = story.ask(&story.bob, &format!("{list}&filter=notes=='cheap'")).await;
    assert_eq!(found.json()["items"], json!([]));

    let deleted = story.ask(&story.bob, &format!("DELETE /api/contracts/{id}")).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    check(&story.ada, false).await;
    check(&story.bob, true).await;
    assert_eq!(story.history(&story.bob, &id).await[0], ("delete".to_owned(), json!({})));
    let anonymous = story.app.call(&history, &[]).await;
    assert_eq!(anonymous.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_nobody_may_read_is_refused_as_such() {
    let model = format!(
        "{MODEL} type Note @allow(read: \"true\", create: \"true\") @history(read: \"'AUDITOR' in auth.roles\") {{ text: String }}"
    );
    let story = Story::of(&model).await;
    let made = story.send(&story.ada, "POST /api/notes", json!({ "text": "x" })).await;
    let id = crate::id_of(&made);
    for line in [
        format!("GET /api/notes/{id}:history"),
        format!("GET /api/notes/{id}?asOf=2026-01-31T12:00:01Z"),
        "GET /api/notes?asOf=2026-01-31T12:00:01Z".to_owned(),
    ] {
        assert_eq!(story.ask(&story.ada, &line).await.status, 403, "{line}");
        assert_eq!(story.app.call(&line, &[]).await.status, 401, "{line}");
        assert_eq!(story.ask(&story.ann, &line).await.status, 200, "{line}");
    }
    let queried = story.send(&story.ada, "POST /api/notes:query", json!({ "asOf": "2026-01-31T12:00:00Z" })).await;
    assert_eq!(queried.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_are_deleted_and_a_purge_deletes_all() {
    let kept = r#"
type Draft @allow(read: "true", create: "true", update: "true", delete: "true") @trash @history(read: "true", keep: "10d") {
  text: String
}
type Memo @allow(read: "true", create: "true", update: "true", delete: "true") @history(read: "true", keep: "10d") {
  text: String
}
"#;
    let story = Story::of(&format!("{MODEL}{kept}")).await;
    let make = async |path: &str| {
        crate::id_of(&story.send(&story.ada, &format!("POST /api/{path}"), json!({ "text": "a" })).await)
    };
    let actions = async |path: &str, id: &str| {
        let reply = story.ask(&story.ada, &format!("GET /api/{path}/{id}:history")).await.json();
        let items = reply["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| format!("{} {}", item["action"].as_str().unwrap_or(""), item["changes"]["text"]))
            .collect::<Vec<_>>()
    };
    let (draft, memo) = (make("drafts").await, make("memos").await);
    story.ask(&story.ada, &format!("DELETE /api/drafts/{draft}")).await;
    assert_eq!(actions("drafts", &draft).await, ["delete null", r#"create {"new":"a","old":null}"#]);
    let restored = story.ask(&story.ada, &format!("POST /api/drafts/{draft}:restore")).await;
    assert_eq!(restored.status, 200, "{}", restored.text());
    let line = format!("GET /api/drafts/{draft}?asOf=2026-01-31T12:00:01Z");
    assert_eq!(story.ask(&story.ada, &line).await.status, 200);

    let purge = async || {
        let mut pass = PurgePass::default();
        while story.app.services.engine.purge_expired(&mut pass).await.expect("a pass") {}
    };
    story.clock.advance("P6D");
    for (path, id) in [("drafts", &draft), ("memos", &memo)] {
        let changed = story.send(&story.ada, &format!("PATCH /api/{path}/{id}"), json!({ "text": "b" })).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    }
    purge().await;
    assert_eq!(actions("memos", &memo).await.len(), 2);
    story.clock.advance("P6D");
    purge().await;
    assert_eq!(actions("memos", &memo).await.len(), 2, "the first version was followed six days ago");
    story.clock.advance("P5D");
    purge().await;
    // Of the versions before nothing is known any more.
    assert_eq!(actions("memos", &memo).await, [r#"update {"new":"b"}"#]);
    assert_eq!(actions("drafts", &draft).await, [r#"update {"new":"b"}"#]);
    assert_eq!(story.ask(&story.ada, &line).await.status, 400, "the history doesn't reach back so far");

    story.ask(&story.ada, &format!("DELETE /api/memos/{memo}")).await;
    story.ask(&story.ada, &format!("DELETE /api/drafts/{draft}")).await;
    assert_eq!(actions("memos", &memo).await, ["delete null", r#"update {"new":"b"}"#]);
    assert_eq!(story.ask(&story.ada, &format!("POST /api/drafts/{draft}:purge")).await.status, 204);
    assert_eq!(story.ask(&story.ada, &format!("GET /api/drafts/{draft}:history")).await.status, 404);
    story.clock.advance("P11D");
    purge().await;
    assert_eq!(story.ask(&story.ada, &format!("GET /api/memos/{memo}:history")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_takes_part_in_transactions_explanations_and_the_description() {
    let story = Story::open().await;
    let id = story.make(json!({ "title": "Roof" })).await;
    story.clock.advance("PT1H");
    let requests = json!([
        { "update": "contracts", "id": id, "body": { "title": "Wall" } },
        { "get": "contracts", "id": id, "select": "title", "asOf": "2026-01-31T12:30:00Z" },
        { "list": "contracts", "query": { "select": "title", "asOf": "2026-01-31T12:30:00Z" } },
        { "history": "contracts", "id": id, "query": { "limit": 1 } },
    ]);
    let done = story.send(&story.ada, "POST /transact", json!({ "requests": requests })).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let results = &done.json()["results"];
    assert_eq!((&results[1], &results[2]["items"]), (&json!({ "title": "Roof" }), &json!([{ "title": "Roof" }])));
    assert_eq!(results[3]["items"][0]["changes"], json!({ "title": { "old": "Roof", "new": "Wall" } }));
    for (request, at) in [
        (json!({ "history": "users", "id": id }), "/requests/0/history"),
        (json!({ "history": "contracts" }), "/requests/0/id"),
        (json!({ "history": "contracts", "id": id, "query": { "limit": 0 } }), "/requests/0/query/limit"),
        (json!({ "history": "contracts", "id": id, "query": { "sort": "x" } }), "/requests/0/query/sort"),
        (json!({ "get": "contracts", "id": id, "asOf": "x" }), "/requests/0/asOf"),
        (json!({ "update": "contracts", "id": id, "asOf": "x", "body": {} }), "/requests/0/asOf"),
    ] {
        let wrong = story.send(&story.ada, "POST /transact", json!({ "requests": [request] })).await;
        assert_eq!((wrong.status, &wrong.json()["errors"][0]["at"]), (400, &json!(at)), "{request}: {}", wrong.text());
    }

    let operator = story.app.operator("root@example.org").await;
    for (who, allowed) in [("ada@example.org", true), ("bob@example.org", false)] {
        for line in [format!("/{id}:history"), format!("/{id}?asOf=2026-01-31T12:30:00Z")] {
            let body = json!({ "as": who, "request": format!("GET /api/contracts{line}") });
            let reply = story.send(&operator, "POST /explain", body).await;
            assert_eq!((reply.status, &reply.json()["allowed"]), (200, &json!(allowed)), "{line}: {}", reply.text());
            let rule = &reply.json()["rules"][0];
            assert_eq!(rule["of"], "Contract history", "{rule}");
            assert_eq!(rule["answer"], allowed.to_string(), "{rule}");
        }
    }

    let document = story.app.call("GET /openapi.json", &[]).await.json();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths["/api/contracts/{id}:history"].get("get").is_some());
    assert!(!paths.contains_key("/api/users/{id}:history"));
    let takes_moment = |path: &str| {
        let parameters = paths[path]["get"]["parameters"].as_array().expect("parameters");
        parameters.contains(&json!({ "$ref": "#/components/parameters/AsOf" }))
    };
    assert!(takes_moment("/api/contracts") && takes_moment("/api/contracts/{id}"));
    assert!(!takes_moment("/api/users") && !takes_moment("/api/users/{id}"));
}
