//! `backstay explain`: how requests and callers are named.

use crate::support::App;

#[test]
fn a_write_is_explained_with_its_body() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let check = |request: &str, expected: &str| {
        let words = format!("error: {expected} needs a body\n  help: give one with --body, such as --body '{{}}'\n");
        assert_eq!(app.run(&["explain", request]).refused(), words);
    };
    let one = "/api/books/01890a5d-ac96-774b-bcce-b302099a8057";
    check("POST /api/books", "POST /api/books");
    check(&format!("patch {one}"), &format!("PATCH {one}"));
    let server = app.serve();
    check("post /api/books", "POST /api/books");
    drop(server);
    check("patch /api/books?filter=true", "PATCH /api/books?filter=true");
    // A body would be of no use.
    let many = app.run(&["explain", "put /api/books"]).refused();
    let words = "read a collection with GET, add records to it with POST, change or delete them with PATCH or DELETE";
    assert_eq!(many, format!("error: {words}\n"));
    let explained = app.run(&["explain", "post /api/books", "--body", r#"{"number": 9, "title": "Emma"}"#]).done();
    assert!(explained.contains("'LIBRARIAN' in auth.roles"), "{explained}");
}

#[test]
fn several_requests_are_explained_together() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let missing = app.run(&["explain", "POST /transact"]).refused();
    assert!(missing.contains("--body"), "{missing}");
    let requests =
        r#"{"requests": [{"list": "books", "query": {"limit": 1}}, {"create": "books", "body": {"title": "Emma"}}]}"#;
    let check = |request: &str, body: &str| app.run(&["explain", request, "--body", body]).done();
    let server = app.serve();
    let explained = check("post /transact", requests);
    assert!(explained.starts_with("transact: refused\n  request 2: "), "{explained}");
    for part in ["request 2: create Book", "'LIBRARIAN' in auth.roles"] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    let reads = check("POST /transact", r#"{"requests": [{"list": "books"}, {"list": "shelfs"}]}"#);
    for part in ["transact: allowed", "request 1: list Book", "request 2: list Shelf", "SELECT"] {
        assert!(reads.contains(part), "{part}: {reads}");
    }
    drop(server);
    assert!(check("post /transact", requests).starts_with("transact: refused\n"));
    let each = check("post /transact?mode=independent", requests);
    assert!(each.starts_with("transact, each request by itself: refused\n  request 2: "), "{each}");
    assert!(each.contains("\nrequest 2: create Book: refused\n  sign in first\n"), "{each}");
    let refused = app.run(&["explain", "GET /transact"]).refused();
    assert!(refused.contains("POST /transact"), "{refused}");
    let refused = app.run(&["explain", "POST /auth/sign-in"]).refused();
    assert!(refused.contains("a path below /api/"), "{refused}");
    let refused = app.run(&["explain", "--link", "bst_abc", "GET /api/books"]).refused();
    assert!(refused.contains("the id of a link"), "{refused}");
}

#[test]
fn a_method_is_typed_in_either_case() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    assert!(app.run(&["explain", "get /api/books?limit=1"]).done().contains("SELECT"));
}

#[test]
fn a_key_is_named_by_its_name() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let add = |name: &str| {
        app.run(&["key", "add", name, "--role", "LIBRARIAN"]).done();
    };
    add("importer");
    add("ben@shelf.example");
    add("cron@host");
    let explained = |who: &str| {
        let body = r#"{"number": 9, "title": "Persuasion", "shelf": "0190a5d0-0000-7000-8000-000000000001"}"#;
        app.run(&["explain", "--as", who, "POST /api/books", "--body", body, "--format", "json"])
    };
    let kind = |who: &str| {
        let json: serde_json::Value = serde_json::from_str(&explained(who).done()).expect("JSON");
        json["explanation"]["caller"]["kind"].clone()
    };
    assert_eq!(kind("importer"), "SERVICE");
    assert_eq!(kind("cron@host"), "SERVICE");
    assert_eq!(kind("ben@shelf.example"), "ACCOUNT", "an address is that of an account first");
    let unknown = explained("imports").refused();
    assert!(unknown.contains("no key"), "{unknown}");
}
