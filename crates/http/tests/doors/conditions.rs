use std::sync::Arc;

use backstay_http::{HttpSettings, Proxies};
use backstay_testkit::TestApp;

use crate::{NOTES, id_of, note};

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_data_is_confirmed() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    for line in [format!("GET /api/notes/{id}"), format!("HEAD /api/notes/{id}"), "GET /api/notes".to_owned()] {
        let tag = app.call(&line, &[]).await.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        let check = async |condition: &str, status: u16| {
            let reply = app.call(&line, &[("if-none-match", condition)]).await;
            assert_eq!(reply.status, status, "{line} {condition}: {}", reply.text());
            if status == 304 {
                assert_eq!((reply.text(), reply.header("etag")), ("", tag.as_str()));
                assert_eq!(reply.header("cache-control"), "no-cache");
                assert_eq!(reply.header("vary"), "Authorization, Cookie, Backstay-Link, Accept-Encoding");
                assert_eq!((reply.header("content-type"), reply.header("content-length")), ("", ""));
            }
        };
        let gzipped = format!("{}-gzip\"", tag.trim_end_matches('"'));
        check(&tag, 304).await;
        check(&gzipped, 304).await;
        check(&format!("W/{tag}"), 304).await;
        check(&format!("\"x\", {tag} , \"y\""), 304).await;
        check("*", 304).await;
        check("\"x\"", 200).await;
        check(&format!("{}-br\"", tag.trim_end_matches('"')), 304).await;
        check(&format!("{}-zstd\"", tag.trim_end_matches('"')), 304).await;
        check(&format!("{}-deflate\"", tag.trim_end_matches('"')), 200).await;
        check("1.abc", 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_changes_the_tag() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let line = format!("/api/notes/{id}");
    let before = app.call(&format!("GET {line}"), &[]).await.header("etag").to_owned();
    app.post(&format!("PATCH {line}"), &[("authorization", &ada)], r#"{"rank": 1}"#).await;
    let after = app.call(&format!("GET {line}"), &[("if-none-match", &before)]).await;
    assert_eq!(after.status, 200);
    assert_ne!(after.header("etag"), before);
    let selected = app.call(&format!("GET {line}?select=title"), &[]).await;
    assert_ne!(selected.header("etag"), after.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_compares_the_version() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let (get, patch, delete) =
        (format!("GET /api/notes/{id}"), format!("PATCH /api/notes/{id}"), format!("DELETE /api/notes/{id}"));
    let first = app.call(&get, &[]).await.header("etag").to_owned();
    let check = async |line: &str, condition: &str, status: u16| {
        let body = if line == patch { r#"{"rank": 1}"# } else { "" };
        let headers = [("authorization", ada.as_str()), ("if-match", condition)];
        let reply = match body {
            "" => app.call(line, &headers).await,
            body => app.post(line, &headers, body).await,
        };
        assert_eq!(reply.status, status, "{line} {condition}: {}", reply.text());
        if status == 412 {
            assert!(reply.json()["version"].is_i64());
        }
    };
    check(&patch, "rubbish", 400).await;
    check(&patch, "\"7.abc\"", 412).await;
    check(&patch, &format!("W/{first}"), 412).await;
    check(&patch, "\"no version\"", 400).await;
    check(&patch, "\"nothing\"", 412).await;
    check(&patch, "\"1.of-another-selection\"", 200).await;
    check(&patch, &first, 412).await;
    check(&patch, "*", 200).await;
    check(&get, &first, 412).await;
    check(&get, "*", 200).await;
    check(&delete, &first, 412).await;
    let now = app.call(&get, &[]).await.header("etag").to_owned();
    check(&delete, &format!("{first}, {now}"), 204).await;
    check(&patch, "*", 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_of_a_list_compares_its_tag() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    note(&app, &ada, "One").await;
    let first = app.call("GET /api/notes", &[]).await.header("etag").to_owned();
    let check = async |condition: &str, status: u16| {
        for method in ["GET", "HEAD"] {
            let reply = app.call(&format!("{method} /api/notes"), &[("if-match", condition)]).await;
            assert_eq!(reply.status, status, "{method} {condition}: {}", reply.text());
        }
    };
    check(&first, 200).await;
    check(&format!("{}-gzip\"", first.trim_end_matches('"')), 200).await;
    check(&format!("\"x\", {first}"), 200).await;
    check("*", 200).await;
    check(&format!("W/{first}"), 412).await;
    check("\"x\"", 412).await;
    check("rubbish", 400).await;
    let both = app.call("GET /api/notes", &[("if-match", &first), ("if-none-match", &first)]).await;
    assert_eq!(both.status, 304, "both conditions hold");
    note(&app, &ada, "Two").await;
    check(&first, 412).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_cannot_match_is_not_called_a_change() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let one = app.call(&format!("GET /api/notes/{id}"), &[]).await.header("etag").to_owned();
    let list = app.call("GET /api/notes", &[]).await.header("etag").to_owned();
    let check = async |line: &str, condition: &str, problem: &str| {
        let headers = [("authorization", ada.as_str()), ("if-match", condition)];
        let reply = match line.starts_with("PATCH") {
            true => app.post(line, &headers, r#"{"rank": 1}"#).await,
            false => app.call(line, &headers).await,
        };
        assert_eq!((reply.status, reply.problem().as_str()), (412, problem), "{line} {condition}");
        assert_eq!(reply.json()["version"].is_i64(), !line.ends_with("/notes"), "{line} {condition}");
    };
    for line in [format!("GET /api/notes/{id}"), format!("PATCH /api/notes/{id}"), format!("DELETE /api/notes/{id}")] {
        check(&line, &format!("W/{one}"), "weak-tag").await;
        check(&line, "W/\"1.of-another-selection\"", "weak-tag").await;
        check(&line, &format!("\"7.abc\", W/{one}"), "weak-tag").await;
        check(&line, "\"1\"", "foreign-tag").await;
        check(&line, "\"nothing\", W/\"of-ours\"", "foreign-tag").await;
        check(&line, &list, "foreign-tag").await;
        check(&line, "\"7.abc\"", "version-mismatch").await;
        check(&line, "\"7.abc\", \"nothing\"", "version-mismatch").await;
        check(&line, "W/\"7.abc\"", "version-mismatch").await;
    }
    check("GET /api/notes", &format!("W/{list}"), "weak-tag").await;
    check("GET /api/notes", &one, "foreign-tag").await;
    check("GET /api/notes", "\"1\"", "foreign-tag").await;
    check("GET /api/notes", &list.replace(&list[3..6], "___"), "list-changed").await;

    let forbidden = app.post(&format!("PATCH /api/notes/{id}"), &[("if-match", "\"1\"")], r#"{"rank": 1}"#).await;
    assert_eq!(forbidden.status, 401, "rights come before conditions");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_mean_nothing_are_refused() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let operator = app.operator("root@example.org").await;
    let id = note(&app, &ada, "One").await;
    let check = async |line: &str, name: &str, body: &str| {
        let token = if line.ends_with("/explain") { &operator } else { &ada };
        let headers = [("authorization", token.as_str()), (name, "*")];
        let reply = match body {
            "" => app.call(line, &headers).await,
            body => app.post(line, &headers, body).await,
        };
        assert_eq!(reply.status, 400, "{line} {name}: {}", reply.text());
        assert_eq!(reply.json()["errors"][0]["at"], name, "{line}");
    };
    let (title, question) = (r#"{"title": "Two"}"#, r#"{"as": null, "request": "GET /api/notes"}"#);
    check("POST /api/notes", "if-match", title).await;
    check("POST /api/notes", "if-none-match", title).await;
    check(&format!("PATCH /api/notes/{id}"), "if-none-match", title).await;
    check("POST /api/notes:query", "if-match", "{}").await;
    check("POST /api/notes:query", "if-none-match", "{}").await;
    check("POST /explain", "if-match", question).await;
    check("POST /explain", "if-none-match", question).await;
    check("GET /api/notes", "idempotency-key", "").await;
    check(&format!("GET /api/notes/{id}"), "idempotency-key", "").await;
    check("POST /api/notes:query", "idempotency-key", "{}").await;
    check("POST /explain", "idempotency-key", question).await;
    for date in ["if-unmodified-since", "if-modified-since"] {
        check(&format!("PATCH /api/notes/{id}"), date, title).await;
        check(&format!("DELETE /api/notes/{id}"), date, "").await;
        check("POST /api/notes", date, title).await;
        check("POST /auth/sign-out", date, "").await;
        let read = app.call(&format!("GET /api/notes/{id}"), &[(date, "Thu, 26 Nov 2026 00:00:00 GMT")]).await;
        assert_eq!(read.status, 200, "{date}: what is read has no date");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_updates_with_one_tag_one_is_refused() {
    let app = Arc::new(TestApp::open(NOTES));
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let tag = app.call(&format!("GET /api/notes/{id}"), &[]).await.header("etag").to_owned();
    let attempts: Vec<_> = (0..8)
        .map(|rank| {
            let (app, ada, id, tag) = (Arc::clone(&app), ada.clone(), id.clone(), tag.clone());
            tokio::spawn(async move {
                let headers = [("authorization", ada.as_str()), ("if-match", tag.as_str())];
                app.post(&format!("PATCH /api/notes/{id}"), &headers, &format!(r#"{{"rank": {rank}}}"#)).await.status
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for attempt in attempts {
        statuses.push(attempt.await.expect("no panic"));
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_the_same_answer() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let bob = app.account("bob@example.org").await;
    let post = async |token: &str, key: &str, body: &str| {
        app.post("POST /api/notes", &[("authorization", token), ("idempotency-key", key)], body).await
    };
    let first = post(&ada, "k1", r#"{"title": "One"}"#).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""), "{}", first.text());
    let again = post(&ada, "k1", r#"{"title": "One"}"#).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"), "{}", again.text());
    assert_eq!((again.text(), again.header("etag")), (first.text(), first.header("etag")));
    assert_eq!(again.header("location"), first.header("location"));
    let other = post(&ada, "k1", r#"{"title": "Two"}"#).await;
    assert_eq!((other.status, other.problem().as_str()), (422, "idempotency-key-reused"));
    let bobs = post(&bob, "k1", r#"{"title": "One"}"#).await;
    assert_eq!((bobs.status, bobs.header("idempotency-replayed")), (201, ""));
    assert_ne!(id_of(&bobs), id_of(&first));

    let line = format!("DELETE /api/notes/{}", id_of(&first));
    let headers = [("authorization", ada.as_str()), ("idempotency-key", "k2")];
    assert_eq!(app.call(&line, &headers).await.status, 204);
    let again = app.call(&line, &headers).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (204, "true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_answers_a_sum_of_nothing_as_it_is_read() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Sums")
type User @identity { email: Email! @unique }
type Till @allow(read: "true", create: "true") {
  items: [Item!] @inverse(field: "till")
  total: Decimal @precision(digits: 9, scale: 2) @computed(is: "this.items.sum(i, i.price)", stored: COMMIT)
}
type Item @allow(read: "true", create: "true") { till: Till!  price: Decimal! @precision(digits: 9, scale: 2) }
"#,
    );
    let made = app.post("POST /api/tills", &[], "{}").await;
    assert_eq!((made.status, made.json()["total"].as_str()), (201, Some("0.00")), "{}", made.text());
    let read = app.call(&format!("GET /api/tills/{}", id_of(&made)), &[]).await;
    assert_eq!((read.text(), read.header("etag")), (made.text(), made.header("etag")));
}

/// A model in which what an account reads depends on its own record.
const LEVELS: &str = r#"
extend schema @app(name: "Levels")
type User @identity @allow(read: "true", update: "this.id == auth.id") {
  email: Email! @unique
  name: String!
  level: Int! @default(to: 6)
}
type Doc @allow(read: "true", create: "auth.id != null", update: "true") {
  title: String!
  sealed: String @allow(read: "auth.account.level > 2")
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_shows_nothing_that_the_own_record_allows_no_more() {
    let app = TestApp::open(LEVELS);
    let ada = app.account("ada@example.org").await;
    let keyed = [("authorization", ada.as_str()), ("idempotency-key", "k")];
    let create = async || app.post("POST /api/docs", &keyed, r#"{"title": "One", "sealed": "zz"}"#).await;
    let first = create().await;
    assert_eq!((first.status, first.json()["sealed"].as_str()), (201, Some("zz")), "{}", first.text());
    let again = create().await;
    assert_eq!((again.header("idempotency-replayed"), again.text()), ("true", first.text()));
    let own = app.call("GET /api/users?select=id", &[("authorization", ada.as_str())]).await.json();
    let own = own["items"][0]["id"].as_str().expect("an id").to_owned();
    let lower =
        app.post(&format!("PATCH /api/users/{own}"), &[("authorization", ada.as_str())], r#"{"level": 0}"#).await;
    assert_eq!(lower.status, 200, "{}", lower.text());
    let again = create().await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert!(!again.text().contains("zz"), "{}", again.text());
}

/// What is repeated for its key shows what the caller may read now: after the record, the caller's own record, a role or the
/// model has changed, of a change of one record and of several requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_shows_nothing_that_is_hidden_now() {
    const MODEL: &str = r#"
extend schema @app(name: "Files")
enum Role @roles { EDITOR }
type User @identity @allow(read: "true", update: "this.id == auth.id") {
  email: Email! @unique
  name: String!
  level: Int! @default(to: 6)
}
type Doc @allow(read: "true", create: "true", update: "true") {
  open: Boolean! @default(to: true)
  byRecord: String @allow(read: "this.open", update: "true")
  byLevel: String @allow(read: "auth.account.level > 2", update: "true")
  byRole: String @allow(read: "'EDITOR' in auth.roles", update: "true")
  byModel: String
}
"#;
    for field in ["byRecord", "byLevel", "byRole", "byModel"] {
        let mut app = TestApp::open(MODEL);
        let ada = app.account("ada@example.org").await;
        app.grant("ada@example.org", "EDITOR").await;
        let signed = [("authorization", ada.as_str())];
        let made = app.post("POST /api/docs", &signed, "{}").await;
        let line = format!("PATCH /api/docs/{}", id_of(&made));
        let value = format!(r#"{{"{field}": "zz"}}"#);
        let update = format!(r#"{{"update": "docs", "id": "{}", "body": {value}}}"#, id_of(&made));
        let creates = format!(r#"{{"create": "docs", "body": {value}}}, {{"create": "docs", "body": [{value}]}}"#);
        let requests = [
            (line.clone(), value.clone()),
            ("POST /transact".to_owned(), format!(r#"{{"requests": [{update}]}}"#)),
            ("POST /transact".to_owned(), format!(r#"{{"requests": [{creates}, {update}]}}"#)),
        ];
        let send = async |app: &TestApp, number: usize| {
            let (line, body) = &requests[number];
            let key = format!("k{number}");
            let reply = app.post(line, &[signed[0], ("idempotency-key", &key)], body).await;
            assert!(matches!(reply.status, 200 | 204), "{field}, {line}: {}", reply.text());
            reply
        };
        for number in 0..requests.len() {
            let first = send(&app, number).await;
            assert!(first.text().contains("zz"), "{field}: {}", first.text());
        }
        // The last one is repeated as it was; those before it showed another version.
        assert!(send(&app, 2).await.text().contains("zz"), "{field}");
        match field {
            "byRecord" => {
                let docs = app.call("GET /api/docs?select=id", &signed).await.json();
                for doc in docs["items"].as_array().expect("docs") {
                    let line = format!("PATCH /api/docs/{}", doc["id"].as_str().expect("an id"));
                    assert_eq!(app.post(&line, &signed, r#"{"open": false}"#).await.status, 200);
                }
            }
            "byLevel" => {
                let own = app.call("GET /api/users?select=id", &signed).await.json();
                let line = format!("PATCH /api/users/{}", own["items"][0]["id"].as_str().expect("an id"));
                assert_eq!(app.post(&line, &signed, r#"{"level": 0}"#).await.status, 200);
            }
            "byRole" => app.revoke("ada@example.org", "EDITOR").await,
            _ => app = app.restart(&MODEL.replace("byModel: String", r#"byModel: String @allow(read: "false")"#)),
        }
        for number in 0..requests.len() {
            let again = send(&app, number).await;
            assert_eq!(again.header("idempotency-replayed"), "true", "{field}");
            assert!(!again.text().contains("zz"), "{field}: {}", again.text());
            let visible = app.call("GET /api/docs?select=*", &signed).await;
            assert!(!visible.text().contains("zz"), "{field}: {}", visible.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_honours_the_preference_of_its_own_request() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let send = async |line: &str, key: &str, prefer: &str| {
        let key = format!("{key} {line}").replace(' ', "-");
        let headers = [("authorization", ada.as_str()), ("idempotency-key", key.as_str()), ("prefer", prefer)];
        app.post(line, &headers, r#"{"title": "One"}"#).await
    };
    let (minimal, full) = ("return=minimal", "return=representation");
    let id = note(&app, &ada, "One").await;
    let patch = format!("PATCH /api/notes/{id}");
    for (line, with_body, without) in [("POST /api/notes", 201, 201), (&patch, 200, 204)] {
        let first = send(line, "full", full).await;
        assert_eq!((first.status, first.text().is_empty()), (with_body, false), "{line}");
        let again = send(line, "full", minimal).await;
        assert_eq!((again.status, again.text()), (without, ""), "{line}");
        assert_eq!(again.header("etag"), first.header("etag"), "{line}: the next change needs it");
        assert_eq!((again.header("idempotency-replayed"), again.header("preference-applied")), ("true", minimal));
        assert_eq!(again.header("location"), first.header("location"));

        // A minimal answer is stored without the record, which is therefore not available later.
        let first = send(line, "minimal", minimal).await;
        assert_eq!((first.status, first.text(), first.header("preference-applied")), (without, "", minimal), "{line}");
        assert!(first.header("etag").starts_with('"'), "{line}: {first:?}");
        for (preference, applied) in [(full, ""), (minimal, minimal)] {
            let again = send(line, "minimal", preference).await;
            let shown = (again.status, again.text(), again.header("preference-applied"));
            assert_eq!(shown, (without, "", applied), "{line}");
            assert_eq!(again.header("idempotency-replayed"), "true");
            for header in ["etag", "location"] {
                assert_eq!(again.header(header), first.header(header), "{line}: {header}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_share_a_key() {
    let model = NOTES.replace(r#"create: "auth.id != null""#, r#"create: "true""#).replace("User!", "User");
    let proxies = Proxies { subnets: vec!["0.0.0.0/0".parse().expect("a subnet")], ..Proxies::default() };
    let app = TestApp::with(&model, HttpSettings { proxies, ..HttpSettings::default() });
    let long = "k".repeat(255);
    let post = async |from: &str, key: &str, title: &str| {
        let headers = [("x-forwarded-for", from), ("idempotency-key", key)];
        app.post("POST /api/notes", &headers, &format!(r#"{{"title": "{title}", "public": true}}"#)).await
    };
    for key in ["k", long.as_str()] {
        let first = post("192.0.2.1", key, "One").await;
        assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""), "{}", first.text());
        let same = post("192.0.2.1", key, "One").await;
        assert_eq!((same.header("idempotency-replayed"), same.text()), ("true", first.text()));
        let other = post("192.0.2.2", key, "Two").await;
        assert_eq!((other.status, other.header("idempotency-replayed")), (201, ""), "{}", other.text());
        assert_eq!(post("192.0.2.1", key, "Two").await.problem(), "idempotency-key-reused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_a_form() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let long = "k".repeat(256);
    for key in ["", "\"\"", long.as_str(), "ümlaut", "a b", "\"a b\"", "a\tb"] {
        let headers = [("authorization", ada.as_str()), ("idempotency-key", key)];
        let reply = app.post("POST /api/notes", &headers, r#"{"title": "One"}"#).await;
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed-request"), "{key}");
    }
    let headers = [("authorization", ada.as_str()), ("idempotency-key", &long[..255])];
    assert_eq!(app.post("POST /api/notes", &headers, r#"{"title": "One"}"#).await.status, 201);
    let headers = [("idempotency-key", "k"), ("authorization", ada.as_str()), ("idempotency-key", "l")];
    assert_eq!(app.post("POST /api/notes", &headers, r#"{"title": "One"}"#).await.status, 400);
    let reply = app.post("POST /auth/sign-in", &[("idempotency-key", "k")], "{}").await;
    assert_eq!((reply.status, reply.json()["errors"][0]["at"].as_str()), (400, Some("idempotency-key")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_in_parallel_makes_one_record() {
    let app = Arc::new(TestApp::open(NOTES));
    let ada = app.account("ada@example.org").await;
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (app, ada) = (Arc::clone(&app), ada.clone());
            tokio::spawn(async move {
                let headers = [("authorization", ada.as_str()), ("idempotency-key", "same")];
                app.post("POST /api/notes", &headers, r#"{"title": "One"}"#).await
            })
        })
        .collect();
    let (mut made, mut replayed) = (0, 0);
    for attempt in attempts {
        let reply = attempt.await.expect("no panic");
        match (reply.status, reply.header("idempotency-replayed")) {
            (201, "") => made += 1,
            (201, "true") => replayed += 1,
            (409, _) => assert_eq!(reply.problem(), "request-in-flight"),
            _ => panic!("{reply:?}"),
        }
    }
    assert_eq!(made, 1, "{replayed} replayed");
    let listed = app.call("GET /api/notes?count=true", &[("authorization", &ada)]).await;
    assert_eq!(listed.json()["count"]["value"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_same_with_and_without_its_quotes() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let send = async |key: &str| {
        let headers = [("authorization", ada.as_str()), ("idempotency-key", key)];
        app.post("POST /api/notes", &headers, r#"{"title": "x"}"#).await
    };
    let (plain, quoted) = (send("k1").await, send("\"k1\"").await);
    assert_eq!((plain.status, quoted.status), (201, 201));
    assert_eq!(plain.json()["id"], quoted.json()["id"]);
    assert_eq!(send("\"\"").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_shows_no_field_that_the_caller_may_no_longer_read() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Letters")

type User @identity @allow(read: "true") {
  email: Email! @unique
  name: String!
}

type Letter @allow(read: "true", create: "true", update: "true") {
  open: Boolean!
  text: String @allow(read: "this.open")
}
"#,
    );
    let ada = app.account("ada@example.org").await;
    let keyed = [("authorization", ada.as_str()), ("idempotency-key", "k")];
    let body = r#"{"open": true, "text": "Dear"}"#;
    let first = app.post("POST /api/letters", &keyed, body).await;
    assert_eq!(first.json()["text"], "Dear");
    let again = app.post("POST /api/letters", &keyed, body).await;
    assert_eq!((again.status, again.text()), (201, first.text()), "nothing has changed");
    let patch = format!("PATCH /api/letters/{}", first.json()["id"].as_str().expect("an id"));
    assert_eq!(app.post(&patch, &[("authorization", &ada)], r#"{"open": false}"#).await.status, 200);
    let later = app.post("POST /api/letters", &keyed, body).await;
    assert_eq!((later.status, later.text(), later.header("etag")), (201, "", ""));
    assert_eq!(later.header("location"), first.header("location"));
}
