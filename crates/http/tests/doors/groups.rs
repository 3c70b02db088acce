//! Groups over HTTP.

use backstay_testkit::TestApp;

use crate::{NOTES, note};

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_asked_for_by_url_by_body_and_in_a_transaction() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    for title in ["One", "Two", "Two"] {
        note(&app, &ada, title).await;
    }
    let expected = r#"{"items":[{"title":"Two","count":2},{"title":"One","count":1}],"next":null}"#;
    let by_url = app.call("GET /api/notes:aggregate?group=title&select=count&sort=-count", &[]).await;
    assert_eq!((by_url.status, by_url.text()), (200, expected));
    let tag = by_url.header("etag").to_owned();
    let again =
        app.call("GET /api/notes:aggregate?group=title&select=count&sort=-count", &[("if-none-match", &tag)]).await;
    assert_eq!(again.status, 304);
    let body = r#"{"group": "title", "select": "count", "sort": "-count"}"#;
    let by_body = app.post("POST /api/notes:aggregate", &[], body).await;
    assert_eq!((by_body.status, by_body.text()), (200, expected));
    let request = format!(r#"{{"requests": [{{"aggregate": "notes", "query": {body}}}]}}"#);
    let together = app.post("POST /transact", &[], &request).await;
    assert_eq!((together.status, together.text()), (200, &*format!(r#"{{"results":[{expected}]}}"#)));
    note(&app, &ada, "One").await;
    let changed =
        app.call("GET /api/notes:aggregate?group=title&select=count&sort=-count", &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status, 200);
}

/// Groups of what a search finds in the fields and records that the caller sees.
#[tokio::test(flavor = "multi_thread")]
async fn groups_are_made_of_what_a_search_finds() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Notes")
type User @identity @allow(read: "true") { email: Email! @unique }
type Note @allow(read: "this.public", create: "true") {
  title: String! @search
  secret: String @search @allow(read: "false")
  public: Boolean!
}"#,
    );
    for body in [
        r#"{"title":"Moon","public":true}"#,
        r#"{"title":"Moon tide","public":true,"secret":"sun"}"#,
        r#"{"title":"Moon","public":false}"#,
        r#"{"title":"Tide","public":true,"secret":"moon"}"#,
    ] {
        assert_eq!(app.post("POST /api/notes", &[], body).await.status, 201, "{body}");
    }
    let expected = r#"{"items":[{"title":"Moon","count":1},{"title":"Moon tide","count":1}],"next":null}"#;
    let by_url = app.call("GET /api/notes:aggregate?group=title&select=count&search=moon", &[]).await;
    assert_eq!((by_url.status, by_url.text()), (200, expected));
    let body = r#"{"group": "title", "select": "count", "search": "moon -sun"}"#;
    let by_body = app.post("POST /api/notes:aggregate", &[], body).await;
    assert_eq!((by_body.status, by_body.text()), (200, expected));
    let none = app.call("GET /api/notes:aggregate?select=count&search=sun", &[]).await;
    assert_eq!((none.status, none.text()), (200, r#"{"items":[{"count":0}],"next":null}"#));
    for query in ["select=count&search=%22", "select=count&search=moon&highlight=title"] {
        assert_eq!(app.call(&format!("GET /api/notes:aggregate?{query}"), &[]).await.status, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_systems_write_gets_our_words() {
    let app = TestApp::open(NOTES);
    for (query, expected) in [
        ("notes:aggregate?groupBy=title", "write `group`"),
        ("notes:aggregate?sum=rank", "write sum(rank) in `select`"),
        ("notes:aggregate?aggregate[max]=rank", "write max(rank) in `select`"),
        ("notes:aggregate?select=count&count=true", "write count in `select`"),
        ("notes:aggregate?aggregate[count]=*", "write count in `select`"),
        ("notes:aggregate?group=author%7Bname%7D&select=count", "write author.name"),
        ("notes:aggregate?select=rank.sum()", "write sum(rank)"),
        ("notes?group=title", "ask for groups at `notes:aggregate`"),
        ("notes:aggregate?select=count&having=rank%20%3E%201", "use `filter`"),
    ] {
        let reply = app.call(&format!("GET /api/{query}"), &[]).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert!(reply.text().contains(expected), "{query}: {}", reply.text());
    }
}

/// A value is refused where the request names it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_condition_compares_is_refused_there() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Notes")
type User @identity @allow(read: "true") { email: Email! @unique }
type Note @allow(read: "true", create: "true") @history(read: "true") {
  title: String!
  rank: Int
  secret: Int @allow(read: "false")
  double: Int @computed(is: "this.rank * 2")
}"#,
    );
    let named = |count: u32| (0..count).map(|n| format!("v{n}=sum(rank%2B{n})")).collect::<Vec<_>>().join(",");
    let condition = "sum(rank%2B20)%20%3E%200";
    for (query, place) in [
        ("group=secret&select=count".to_owned(), "group"),
        ("select=sum(secret)".to_owned(), "select"),
        ("select=count&having=sum(secret)%20%3E%201".to_owned(), "having"),
        ("select=sum(double)&asOf=2026-01-01T00:00:00Z".to_owned(), "select"),
        ("select=count&having=sum(double)%20%3E%201&asOf=2026-01-01T00:00:00Z".to_owned(), "having"),
        (format!("select={}", named(21)), "select"),
        (format!("select={}&having={condition}", named(20)), "having"),
    ] {
        let reply = app.call(&format!("GET /api/notes:aggregate?{query}"), &[]).await;
        let at = reply.json()["errors"][0]["at"].clone();
        assert_eq!((reply.status, at.as_str()), (400, Some(place)), "{query}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_can_be_explained() {
    let app = TestApp::open(NOTES);
    let root = app.operator("root@example.org").await;
    let question = r#"{"request": "GET /api/notes:aggregate?group=title&select=count"}"#;
    let reply = app.post("POST /explain", &[("authorization", &root)], question).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let explained = reply.json();
    assert_eq!((&explained["allowed"], &explained["request"]), (&true.into(), &"aggregate Note".into()));
    assert!(reply.text().contains("GROUP BY"), "{}", reply.text());
}
