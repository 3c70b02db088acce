use std::net::Ipv4Addr;

use backstay_http::{Door, HttpSettings};
use backstay_testkit::{TestApp, TestDatabase};
use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;

use crate::{NOTES, note};

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_refused_by_name() {
    let app = TestApp::open(NOTES);
    let check = async |query: &str, at: &str| {
        let reply = app.call(&format!("GET /api/notes?{query}"), &[]).await;
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed-request"), "{query}: {}", reply.text());
        assert_eq!(reply.json()["errors"][0]["at"], at, "{query}");
    };
    check("limti=3", "limti").await;
    check("Filter=true", "Filter").await;
    check("search=x", "search").await;
    check("limit=0", "limit").await;
    check("limit=-1", "limit").await;
    check("limit=501", "limit").await;
    check("limit=99999999999999999999", "limit").await;
    check("limit=%2B5", "limit").await;
    check("limit=1e2", "limit").await;
    check("limit=", "limit").await;
    check("count=yes", "count").await;
    check("limit=1&limit=2", "limit").await;
    check("title=%C3", "title").await;
    check("title=a%00", "title").await;
    check("title=%0", "title").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_refuses_is_a_problem_too() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let deep = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    let dots = format!("a{}", ".a".repeat(8000));
    let terms = vec!["rank==1"; 2000].join("%7C%7C");
    for query in [
        "titel=x",
        "filter=titel=='x'",
        "filter=",
        "filter=title==$q",
        "$q=1",
        "filter=rank=='x'",
        "sort=titel",
        "order=title",
        "page=2",
        "sort=",
        "select=titel",
        "select=author%7Bauthor%7D",
        "select=author%7B",
        "select=author%7Bemail,note%7B%7D%7D",
        "after=forged",
        "after=",
        "rank=9007199254740993.5",
        "rank=NaN",
        "rank=1;DROP%20TABLE%20note",
        "public=maybe",
        "author=not-an-id",
        &format!("filter={deep}"),
        &format!("filter={dots}"),
        &format!("filter={terms}"),
    ] {
        let reply = app.call(&format!("GET /api/notes?{query}"), &[("authorization", &ada)]).await;
        let shown: String = query.chars().take(60).collect();
        assert!((400..=422).contains(&reply.status), "{shown}: {} {}", reply.status, reply.text());
        assert_eq!(reply.header("content-type"), "application/problem+json", "{shown}");
    }
    for (theirs, ours) in [("order", "sort"), ("_count", "count"), ("per_page", "limit"), ("expand", "select")] {
        let reply = app.call(&format!("GET /api/notes?{theirs}=1"), &[("authorization", &ada)]).await;
        let expected = format!("did you mean `{ours}`?");
        assert!(reply.text().contains(&expected), "{theirs}: {}", reply.text());
    }
    let numbered = app.call("GET /api/notes?page=2", &[("authorization", &ada)]).await.json();
    let remedy = "pages have no numbers: write `limit` and `skip`, or follow `next` with `after`";
    assert_eq!(numbered["errors"][0]["remedy"], remedy, "{numbered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_take_no_parameters() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let check = async |line: String, body: &str| {
        let reply = match body {
            "" => app.call(&line, &[("authorization", &ada)]).await,
            body => app.post(&line, &[("authorization", &ada)], body).await,
        };
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed-request"), "{line}: {}", reply.text());
    };
    check(format!("GET /api/notes/{id}?filter=true"), "").await;
    check(format!("GET /api/notes/{id}?select=title&select=body"), "").await;
    check(format!("PATCH /api/notes/{id}?filter=true"), r#"{"rank": 1}"#).await;
    check(format!("DELETE /api/notes/{id}?select=title"), "").await;
    check(format!("DELETE /api/notes/{id}?force=true"), "").await;
    check("POST /api/notes?dry=true".to_owned(), r#"{"title": "x"}"#).await;
    check("POST /api/notes:query?limit=1".to_owned(), "{}").await;
    check("GET /auth/me?x=1".to_owned(), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn query_bodies_are_read_strictly() {
    let app = TestApp::open(NOTES);
    let check = async |body: &str, at: &str| {
        let reply = app.post("POST /api/notes:query", &[], body).await;
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed-request"), "{body}: {}", reply.text());
        assert_eq!(reply.json()["errors"][0]["at"].as_str(), Some(at), "{body}");
    };
    check("", "").await;
    check("[]", "").await;
    check("{", "").await;
    check("{}x", "").await;
    check(r#"{"limti": 1}"#, "/limti").await;
    check(r#"{"limit": 1, "limit": 2}"#, "/limit").await;
    check(r#"{"limit": 501}"#, "/limit").await;
    check(r#"{"limit": "5"}"#, "/limit").await;
    check(r#"{"limit": 1.5}"#, "/limit").await;
    check(r#"{"count": 1}"#, "/count").await;
    check(r#"{"filter": 1}"#, "/filter").await;
    check(r#"{"filter": "title == 'a\u0000'"}"#, "/filter").await;
    check(r#"{"params": []}"#, "/params").await;
    check(r#"{"params": {"q": 1, "q": 2}}"#, "/params/q").await;
    check(r#"{"where": 1}"#, "/where").await;
    check(r#"{"search": "x"}"#, "/search").await;
    check(r#"{"a/b~c": 1}"#, "/a~1b~0c").await;
    let reply = app.post("POST /api/notes:query", &[], r#"{"filtre": "true"}"#).await;
    assert_eq!(reply.status, 400);
    let parameters: Vec<String> = (0..65).map(|number| format!("\"p{number}\": 1")).collect();
    check(&format!(r#"{{"params": {{{}}}}}"#, parameters.join(",")), "/params").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_records_are_read_strictly() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let deep = format!(r#"{{"title": {}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    for (body, statuses) in [
        ("", &[400_u16][..]),
        ("nonsense", &[400]),
        ("\"x\"", &[400, 422]),
        (r#"{"title": "x", "title": "y"}"#, &[400, 422]),
        (r#"{"title": "x", "titel": "y"}"#, &[422]),
        (r#"{"title": 1}"#, &[422]),
        (r#"{"title": "a\u0000b"}"#, &[422]),
        (r#"{"title": "x", "rank": 9223372036854775808}"#, &[422]),
        (r#"{"title": "x", "rank": 1.5}"#, &[422]),
        (r#"{"title": "x", "rank": NaN}"#, &[400]),
        (r#"{"title": "x", "author": "not an id"}"#, &[422]),
        ("{}", &[422]),
        (deep.as_str(), &[400, 413, 422]),
    ] {
        let reply = app.post("POST /api/notes", &[("authorization", &ada)], body).await;
        let shown: String = body.chars().take(60).collect();
        assert!(statuses.contains(&reply.status), "{shown}: {} {}", reply.status, reply.text());
        assert_eq!(reply.header("content-type"), "application/problem+json");
    }
    let injected = r#"{"title": "'; DROP TABLE note; --"}"#;
    assert_eq!(app.post("POST /api/notes", &[("authorization", &ada)], injected).await.status, 201);
    let whole = r#"{"title": "x", "rank": 9007199254740993}"#;
    let reply = app.post("POST /api/notes", &[("authorization", &ada)], whole).await;
    assert!(reply.text().contains("\"rank\":9007199254740993"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_a_type_and_a_size() {
    let app = TestApp::with(NOTES, HttpSettings { body_bytes: 1000, ..HttpSettings::default() });
    let ada = app.account("ada@example.org").await;
    let check = async |headers: &[(&str, &str)], body: &str, status: u16| {
        let mut headers = headers.to_vec();
        headers.push(("authorization", &ada));
        let reply = app.post("POST /api/notes", &headers, body).await;
        assert_eq!(reply.status, status, "{headers:?}: {}", reply.text());
    };
    let body = r#"{"title": "x"}"#;
    check(&[("content-type", "application/json")], body, 201).await;
    check(&[("content-type", "Application/JSON; charset=\"utf-8\"")], body, 201).await;
    check(&[("content-type", "application/json; charset=latin1")], body, 415).await;
    check(&[("content-type", "text/plain")], body, 415).await;
    check(&[("content-type", "application/x-www-form-urlencoded")], body, 415).await;
    check(&[("content-type", "application/merge-patch+json")], body, 415).await;
    check(&[("content-type", "")], body, 415).await;
    check(&[("content-encoding", "compress")], body, 415).await;
    check(&[("content-encoding", "gzip")], body, 400).await;
    check(&[("content-encoding", "identity")], body, 201).await;
    check(&[("accept", "text/html")], body, 406).await;
    check(&[], &format!(r#"{{"title": "x", "body": "{}"}}"#, "b".repeat(1000)), 413).await;
    let password = format!(r#"{{"email": "ada@example.org", "password": "{}"}}"#, "p".repeat(1000));
    assert_eq!(app.post("POST /auth/sign-in", &[], &password).await.problem(), "too-large");

    let id = note(&app, &ada, "One").await;
    for line in [format!("GET /api/notes/{id}"), format!("DELETE /api/notes/{id}")] {
        let reply = app.post(&line, &[("authorization", &ada)], body).await;
        assert_eq!(reply.status, 400, "{line}: {}", reply.text());
    }
    // Nothing is returned that a client could not accept, but for problems.
    let (line, headers) =
        (format!("DELETE /api/notes/{id}"), [("authorization", &*ada), ("accept", "application/problem+json")]);
    assert_eq!(app.call(&line, &headers).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_have_a_size() {
    let app = TestApp::open(NOTES);
    let long = "x".repeat(40_000);
    let reply = app.call("GET /api/notes", &[("x-long", &long)]).await;
    assert_eq!((reply.status, reply.problem().as_str()), (431, "headers-too-large"));
    let reply = app.call(&format!("GET /api/notes?filter={long}"), &[]).await;
    assert_eq!((reply.status, reply.problem().as_str()), (414, "target-too-long"));
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_have_a_size() {
    let app = TestApp::open(NOTES);
    let query = |length: usize| format!(r#"{{"filter": "title == '{}'"}}"#, "x".repeat(length));
    let most = 512 * 1024 - query(0).len();
    for (length, expected) in [(most, (400, "malformed-request")), (most + 1, (413, "too-large"))] {
        let alone = app.post("POST /api/notes:query", &[], &query(length)).await;
        assert_eq!((alone.status, alone.problem().as_str()), expected);
        let body = format!(r#"{{"requests": [{{"list": "notes"}}, {{"list": "notes", "query": {}}}]}}"#, query(length));
        let together = app.post("POST /transact", &[], &body).await;
        assert_eq!((together.status, together.problem().as_str()), expected);
        assert_eq!(together.json()["request"], 1);
    }
}

/// What can be answered at once doesn't wait for anything; reading, planning and preparing what is long does, because it
/// is done elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_filter_waits_its_turn() {
    // Only an embedded database ever answers at once.
    if TestDatabase::chosen() != TestDatabase::Sqlite {
        return;
    }
    let app = TestApp::open(NOTES);
    let filter = |number: usize, bytes: usize| {
        let terms = (0..bytes / 16).map(|term| format!("title!='{number}.{term:05}'"));
        terms.collect::<Vec<_>>().join("&&")
    };
    // One door knows what it has read.
    let door = Door::new(app.services.clone());
    let is_at_once = async |line: &str, body: &str| {
        let (method, target) = line.split_once(' ').expect("a method and a target");
        let request = Request::builder().method(method).uri(target).header("host", "localhost");
        let request = request.header("content-type", "application/json").body(Bytes::from(body.to_owned()));
        let mut answer = Box::pin(door.answer(request.expect("a request"), Ipv4Addr::UNSPECIFIED.into()));
        let first = (&mut answer).now_or_never();
        let is_at_once = first.is_some();
        let response = match first {
            Some(response) => response,
            None => answer.await,
        };
        assert_eq!(response.status(), 200, "{line} {body}");
        is_at_once
    };
    // The other thread can be done before the answer is asked for the first time, but not each time.
    let check = async |ask: &dyn Fn(usize) -> (String, String), waits: bool| {
        let mut asked = None;
        for number in (0..40).map(|number| number * 2) {
            let (line, body) = ask(number);
            let waited = !is_at_once(&line, &body).await;
            assert!(waits || !waited, "{line} {body}");
            if waited || !waits {
                asked = Some((line, body));
                break;
            }
        }
        let (line, body) = asked.expect("what is long is read elsewhere");
        assert!(is_at_once(&line, &body).await, "what is known doesn't wait: {line} {body}");
    };
    let query = |number: usize, bytes: usize| format!(r#"{{"filter":"{}","limit":1}}"#, filter(number, bytes));
    let url = |number: usize, bytes: usize| {
        let filter = filter(number, bytes).replace("&&", "%26%26").replace('=', "%3D").replace('\'', "%27");
        format!("GET /api/notes?limit=1&filter={filter}")
    };
    let together = |number: usize, bytes: usize| {
        let list = |number: usize| format!(r#"{{"list":"notes","query":{}}}"#, query(number, bytes));
        format!(r#"{{"requests":[{},{}]}}"#, list(number), list(number + 1))
    };
    let post = |path: &str, body: String| (format!("POST {path}"), body);
    check(&|number| post("/api/notes:query", query(100 + number, 500)), false).await;
    check(&|number| post("/api/notes:query", query(200 + number, 1500)), true).await;
    check(&|number| (url(300 + number, 500), String::new()), false).await;
    check(&|number| (url(400 + number, 1500), String::new()), true).await;
    check(&|number| post("/transact", together(500 + number, 300)), false).await;
    check(&|number| post("/transact", together(600 + number, 800)), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_a_filter_compares_with_have_a_size() {
    let app = TestApp::open(NOTES);
    let check = async |body: &str, at: &str| {
        let reply = app.post("POST /api/notes:query", &[], body).await;
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed-request"), "{at}: {}", reply.text());
        let problem = reply.json()["errors"][0].clone();
        assert_eq!(problem["at"], at);
        assert_eq!(problem["message"], "a text in a filter has at most 65536 bytes");
    };
    // A search that compares each place of the text with almost all of the part would take minutes.
    let half = "a".repeat(120_000);
    let hostile = format!(r#"{{"h": "{half}{half}", "n": "{half}b{half}"}}"#);
    check(&format!(r#"{{"filter": "$h.contains($n)", "params": {hostile}}}"#), "/params/h").await;
    let long = "a".repeat(65_537);
    check(&format!(r#"{{"filter": "title in $t", "params": {{"t": ["x", "{long}"]}}}}"#), "/params/t").await;
    let fits = "a".repeat(65_536);
    let body = format!(r#"{{"filter": "$h.contains($n)", "params": {{"h": "{fits}", "n": "{fits}"}}}}"#);
    let reply = app.post("POST /api/notes:query", &[], &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn places_in_a_query_are_places_in_its_body() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let check = async |body: &str, at: &str| {
        let reply = app.post("POST /api/notes:query", &[("authorization", &ada)], body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
        assert_eq!(reply.json()["errors"][0]["at"], at, "{body}");
    };
    check(r#"{"where": {"nowhere": 1}}"#, "/where/nowhere").await;
    check(r#"{"filter": "title == $t", "params": {}}"#, "/params/t").await;
    check(r#"{"filter": "title =="}"#, "/filter").await;
    check(r#"{"sort": "nowhere"}"#, "/sort").await;
    check(r#"{"limit": 0}"#, "/limit").await;
    let many: Vec<String> = (0..30_000).map(|name| format!("\"a{name}\": 1")).collect();
    check(&format!(r#"{{"where": {{{}}}}}"#, many.join(",")), "/where").await;
    check(&format!("{{{}}}", many.join(",")), "").await;
}

/// What newcomers try first.
#[tokio::test(flavor = "multi_thread")]
async fn what_newcomers_try_gets_our_words() {
    let app = TestApp::open(
        r#"
extend schema @app(name: "Shop")
type User @identity @allow(read: "true") { email: Email! @unique  name: String }
type Order @allow(read: "true", create: "true", update: "true") { name: String!  customer: User }"#,
    );
    let ann = app.account("ann@example.org").await;
    let check = async |request: &str, body: &str, status: u16, expected: &str| {
        let headers = [("authorization", ann.as_str())];
        let reply = match body {
            "" => app.call(request, &headers).await,
            body => app.post(request, &headers, body).await,
        };
        assert_eq!(reply.status, status, "{request}: {}", reply.text());
        assert!(reply.text().contains(expected), "{request}: {}", reply.text());
    };
    let id = crate::id_of(&app.post("POST /api/orders", &[], r#"{"name": "a"}"#).await);
    check("POST /api/orders", r#"{"name": "a", "customer": "me"}"#, 422, "GET /auth/me").await;
    check(&format!("PATCH /api/orders/{id}"), r#"[{"name": "b"}]"#, 400, "/transact").await;
    check("PATCH /api/orders?filter=true", r#"[{"name": "b"}]"#, 400, "/transact").await;
    check("GET /api/orders:count", "", 404, "/api/orders:aggregate?select=count").await;
    check("GET /api/orders?filter[name]=a", "", 400, "write `name=…`").await;
}
