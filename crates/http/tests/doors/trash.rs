//! The trash.

use backstay_engine::PurgePass;
use backstay_testkit::{Reply, TestApp, TestClock, controlled};
use serde_json::{Value, json};

/// The example of the documentation, with what goes with an article.
fn model() -> String {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Trash\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    format!("{MODEL}\n{example}")
}

const MODEL: &str = r#"
extend schema @app(name: "Articles")
enum Role @roles { EDITOR }
type User @identity @allow(read: "true") {
  email: Email! @unique @allow(read: "this.id == auth.id")
  name: String!
  articles: [Article!] @inverse(field: "author")
}
type Tag @allow(read: "true", create: "true", delete: "true") {
  name: String! @unique
  articles: [Article!] @inverse(field: "tags")
}
type Pin @allow(read: "true", create: "true") {
  article: Article
  kept: Article @onDelete(do: RESTRICT)
}
"#;

struct Story {
    app: TestApp,
    ada: String,
    bob: String,
}

impl Story {
    async fn open() -> Self {
        Self::of(TestApp::open(&model())).await
    }

    async fn of(app: TestApp) -> Self {
        let (ada, bob) = (app.account("ada@example.org").await, app.account("bob@example.org").await);
        Self { app, ada, bob }
    }

    async fn ask(&self, who: &str, line: &str) -> Reply {
        self.app.call(line, &[("authorization", who)]).await
    }

    async fn ada(&self, line: &str) -> Reply {
        self.ask(&self.ada, line).await
    }

    async fn make(&self, path: &str, body: Value) -> String {
        let made =
            self.app.post(&format!("POST /api/{path}"), &[("authorization", &self.ada)], &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        crate::id_of(&made)
    }

    /// Titles or names, sorted.
    async fn titles(&self, who: &str, path: &str) -> Vec<String> {
        let listed = self.ask(who, &format!("GET /api/{path}")).await;
        assert_eq!(listed.status, 200, "{path}: {}", listed.text());
        let items = listed.json()["items"].as_array().cloned().unwrap_or_default();
        let mut titles: Vec<String> = items
            .iter()
            .map(|item| item["title"].as_str().or(item["text"].as_str()).unwrap_or("-").to_owned())
            .collect();
        titles.sort();
        titles
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_record_is_in_the_trash_and_comes_back() {
    let story = Story::open().await;
    let id = story.make("articles", json!({ "title": "One", "slug": "one" })).await;
    story.make("articles", json!({ "title": "Two", "slug": "two" })).await;
    let deleted = story.ada(&format!("DELETE /api/articles/{id}")).await;
    assert_eq!(deleted.status, 204);

    assert_eq!(story.ada(&format!("GET /api/articles/{id}")).await.status, 404);
    assert_eq!(story.ada(&format!("DELETE /api/articles/{id}")).await.status, 404);
    assert_eq!(story.titles(&story.ada, "articles").await, ["Two"]);
    assert_eq!(story.ada("GET /api/articles?count=true").await.json()["count"]["value"], 1);
    assert_eq!(
        story.ada("GET /api/users?select=articles{title}").await.json()["items"][0],
        json!({ "articles": [{ "title": "Two" }] })
    );

    let trash = story.ada("GET /api/articles:trash?count=true&sort=-trashedAt").await.json();
    assert_eq!(
        (&trash["count"]["value"], &trash["items"][0]["title"], &trash["items"][0]["version"]),
        (&json!(1), &json!("One"), &json!(2))
    );
    assert!(trash["items"][0]["trashedAt"].is_string(), "{trash}");

    let restored =
        story.app.post(&format!("POST /api/articles/{id}:restore"), &[("authorization", &story.ada)], "").await;
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!((&restored.json()["trashedAt"], &restored.json()["version"]), (&Value::Null, &json!(3)));
    assert_eq!(story.titles(&story.ada, "articles").await, ["One", "Two"]);
    assert_eq!(story.titles(&story.ada, "articles:trash").await, Vec::<String>::new());
    assert_eq!(story.ada(&format!("POST /api/articles/{id}:restore")).await.status, 404);
    assert_eq!(story.ada(&format!("POST /api/articles/{id}:purge")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_may_delete_see_the_trash() {
    let story = Story::open().await;
    let id = story.make("articles", json!({ "title": "One", "slug": "one" })).await;
    story.ada(&format!("DELETE /api/articles/{id}")).await;
    // Everybody may read articles, but only their authors and editors may delete them.
    assert_eq!(story.titles(&story.bob, "articles:trash").await, Vec::<String>::new());
    assert_eq!(story.titles(&story.ada, "articles:trash").await, ["One"]);
    for verb in ["restore", "purge"] {
        assert_eq!(story.ask(&story.bob, &format!("POST /api/articles/{id}:{verb}")).await.status, 404, "{verb}");
    }
    assert_eq!(story.app.call("GET /api/articles:trash", &[]).await.status, 401);
    story.app.grant("bob@example.org", "EDITOR").await;
    assert_eq!(story.titles(&story.bob, "articles:trash").await, ["One"]);
    // A filter is not asked about what the caller doesn't see.
    assert_eq!(story.titles(&story.ada, "articles?filter=title=='One'").await, Vec::<String>::new());
    assert_eq!(story.titles(&story.ada, "articles:trash?filter=title=='One'").await, ["One"]);
    assert_eq!(story.titles(&story.ada, "articles:trash?filter=title=='Two'").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_with_a_record_comes_back_with_it() {
    let story = Story::open().await;
    let tag = story.make("tags", json!({ "name": "t" })).await;
    let article = story.make("articles", json!({ "title": "One", "slug": "one", "tags": [tag] })).await;
    story.make("comments", json!({ "text": "with it", "article": article })).await;
    let before = story.make("comments", json!({ "text": "before", "article": article })).await;
    let pin = story.make("pins", json!({ "article": article })).await;
    story.ada(&format!("DELETE /api/comments/{before}")).await;
    assert_eq!(story.ada(&format!("DELETE /api/articles/{article}")).await.status, 204);

    assert_eq!(story.titles(&story.ada, "comments").await, Vec::<String>::new());
    assert_eq!(story.titles(&story.ada, "comments:trash").await, ["before", "with it"]);
    let tags = "GET /api/tags?select=articles{title}&filter=articles.exists(a,a.title!='')";
    assert_eq!(story.ada(tags).await.json()["items"], json!([]));
    assert_eq!(story.ada("GET /api/tags?select=articles{title}").await.json()["items"], json!([{ "articles": [] }]));
    assert_eq!(story.ada(&format!("GET /api/pins/{pin}")).await.json()["article"], Value::Null);
    // A comment can't come back without its article.
    let refused = story.ada(&format!("POST /api/comments/{before}:restore")).await;
    assert_eq!((refused.status, refused.problem()), (409, "refers-to-trash".to_owned()), "{}", refused.text());
    assert!(refused.text().contains("`article`"), "{}", refused.text());
    let body = json!({ "text": "late", "article": article }).to_string();
    let late = story.app.post("POST /api/comments", &[("authorization", &story.ada)], &body).await;
    assert_eq!(late.status, 422, "{}", late.text());

    assert_eq!(story.ada(&format!("POST /api/articles/{article}:restore")).await.status, 200);
    assert_eq!(story.titles(&story.ada, "comments").await, ["with it"]);
    assert_eq!(story.titles(&story.ada, "comments:trash").await, ["before"]);
    assert_eq!(
        story.ada("GET /api/tags?select=articles{title}").await.json()["items"],
        json!([{ "articles": [{ "title": "One" }] }])
    );
    assert_eq!(story.ada(&format!("GET /api/pins/{pin}")).await.json()["article"], Value::Null);
    assert_eq!(story.ada(&format!("POST /api/comments/{before}:restore")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_in_the_trash_takes_no_value() {
    let story = Story::open().await;
    let first = story.make("articles", json!({ "title": "One", "slug": "one" })).await;
    story.ada(&format!("DELETE /api/articles/{first}")).await;
    let second = story.make("articles", json!({ "title": "Two", "slug": "one" })).await;
    let refused = story.ada(&format!("POST /api/articles/{first}:restore")).await;
    assert_eq!((refused.status, refused.problem()), (409, "not-unique".to_owned()), "{}", refused.text());
    let body = json!({ "title": "Three", "slug": "one" }).to_string();
    assert_eq!(story.app.post("POST /api/articles", &[("authorization", &story.ada)], &body).await.status, 409);
    let restore = async |body: &str| {
        let line = format!("POST /api/articles/{first}:restore");
        story.app.post(&line, &[("authorization", &story.ada)], body).await
    };
    assert_eq!(restore("{}").await.status, 409);
    assert_eq!(restore("[]").await.status, 400);
    let wrong = restore(r#"{"title": null, "slug": "two"}"#).await;
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["at"]), (422, &json!("/title")), "{}", wrong.text());
    let restored = restore(r#"{"slug": "two"}"#).await;
    assert_eq!((restored.status, &restored.json()["slug"]), (200, &json!("two")), "{}", restored.text());
    story.ada(&format!("DELETE /api/articles/{first}")).await;
    story.ada(&format!("DELETE /api/articles/{second}")).await;
    assert_eq!(restore("{}").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_is_gone() {
    let story = Story::open().await;
    let article = story.make("articles", json!({ "title": "One", "slug": "one" })).await;
    let comment = story.make("comments", json!({ "text": "c", "article": article })).await;
    let kept = story.make("articles", json!({ "title": "Kept", "slug": "kept" })).await;
    story.make("pins", json!({ "kept": kept })).await;
    let restricted = story.ada(&format!("DELETE /api/articles/{kept}")).await;
    assert_eq!((restricted.status, restricted.problem()), (409, "still-referenced".to_owned()));

    assert_eq!(story.ada(&format!("POST /api/articles/{article}:purge")).await.status, 404);
    story.ada(&format!("DELETE /api/articles/{article}")).await;
    let stale = [("authorization", story.ada.as_str()), ("if-match", "\"1.x\"")];
    assert_eq!(story.app.call(&format!("POST /api/articles/{article}:purge"), &stale).await.status, 412);
    let keyed = [("authorization", story.ada.as_str()), ("idempotency-key", "p")];
    for replayed in ["", "true"] {
        let purged = story.app.call(&format!("POST /api/articles/{article}:purge"), &keyed).await;
        assert_eq!((purged.status, purged.header("idempotency-replayed")), (204, replayed));
    }
    assert_eq!(story.titles(&story.ada, "articles:trash").await, Vec::<String>::new());
    assert_eq!(story.titles(&story.ada, "comments:trash").await, Vec::<String>::new());
    assert_eq!(story.ada(&format!("POST /api/comments/{comment}:restore")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_enough_is_purged() {
    let clock = TestClock::at("2026-01-01T12:00:00Z");
    let story = Story::of(TestApp::controlled(&model(), controlled(&clock, 7))).await;
    let engine = &story.app.services.engine;
    let article = story.make("articles", json!({ "title": "One", "slug": "one" })).await;
    story.make("comments", json!({ "text": "c", "article": article })).await;
    story.ada(&format!("DELETE /api/articles/{article}")).await;
    clock.advance("P19D");
    let later = story.make("articles", json!({ "title": "Two", "slug": "two" })).await;
    story.ada(&format!("DELETE /api/articles/{later}")).await;
    let check = async |after: &str, articles: &[&str], comments: &[&str]| {
        clock.advance(after);
        assert!(!engine.purge_expired(&mut PurgePass::default()).await.expect("it purges"), "{after}");
        let body = r#"{"email": "ada@example.org", "password": "correct horse battery"}"#;
        let signed_in = story.app.post("POST /auth/sign-in", &[], body).await.json();
        let ada = format!("Bearer {}", signed_in["token"].as_str().expect("a token"));
        assert_eq!(story.titles(&ada, "articles:trash").await, articles, "{after}");
        assert_eq!(story.titles(&ada, "comments:trash").await, comments, "{after}");
    };
    check("P10D", &["One", "Two"], &["c"]).await;
    check("P1DT1M", &["Two"], &[]).await;
    check("P30D", &[], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_takes_part_in_transactions_and_explanations() {
    let story = Story::open().await;
    let article = story.make("articles", json!({ "title": "One", "slug": "one" })).await;
    let transact = async |requests: Value| {
        let body = json!({ "requests": requests }).to_string();
        story.app.post("POST /transact", &[("authorization", &story.ada)], &body).await
    };
    let done = transact(json!([
        { "delete": "articles", "id": article },
        { "restore": "articles", "id": article },
        { "delete": "articles", "id": article, "ifMatch": 3 },
        { "purge": "articles", "id": article },
        { "list": "articles" },
    ]))
    .await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!((&done.json()["results"][1]["version"], &done.json()["results"][3]), (&json!(3), &Value::Null));
    let (one, six) = (json!({ "title": "One", "slug": "one" }), json!({ "title": "Six", "slug": "six" }));
    let article = story.make("articles", one.clone()).await;
    let done = transact(json!([
        { "delete": "articles", "id": article },
        { "create": "articles", "body": one },
        { "restore": "articles", "id": article, "body": { "slug": "other" } },
        { "delete": "articles", "id": article },
        { "restore": "articles", "id": article, "body": {} },
        { "delete": "articles", "id": article },
        { "purge": "articles", "id": article },
        { "create": "articles", "body": six },
    ]))
    .await;
    assert_eq!(done.status, 200, "{}", done.text());
    let slugs = [2, 4].map(|at| done.json()["results"][at]["slug"].clone());
    assert_eq!(slugs, [json!("other"), json!("other")]);
    let wrong = transact(json!([{ "restore": "articles", "id": article, "body": { "title": 1, "x": 2 } }])).await;
    let places = [0, 1].map(|at| wrong.json()["errors"][at]["at"].clone());
    assert_eq!(places, [json!("/requests/0/body/title"), json!("/requests/0/body/x")], "{}", wrong.text());
    let wrong = transact(json!([{ "restore": "tags", "id": article }])).await;
    assert_eq!(
        (wrong.status, &wrong.json()["errors"][0]["at"]),
        (400, &json!("/requests/0/restore")),
        "{}",
        wrong.text()
    );
    let error = &wrong.json()["errors"][0];
    assert_eq!((&error["message"], &error["remedy"]), (&json!("Tag has no trash"), &json!("what was deleted is gone")));

    let article = story.make("articles", json!({ "title": "Two", "slug": "two" })).await;
    story.ada(&format!("DELETE /api/articles/{article}")).await;
    let operator = story.app.operator("root@example.org").await;
    let explain = async |who: &str, request: &str| {
        let body = json!({ "as": who, "request": request }).to_string();
        let reply = story.app.post("POST /explain", &[("authorization", &operator)], &body).await;
        assert_eq!(reply.status, 200, "{request}: {}", reply.text());
        reply.json()["allowed"].clone()
    };
    let restore = format!("POST /api/articles/{article}:restore");
    assert_eq!(explain("ada@example.org", &restore).await, true);
    assert_eq!(explain("bob@example.org", &restore).await, false);
    let body = json!({ "as": "ada@example.org", "request": restore, "body": { "slug": "three" } }).to_string();
    let changed = story.app.post("POST /explain", &[("authorization", &operator)], &body).await.json();
    let rules: Vec<&str> =
        changed["rules"].as_array().into_iter().flatten().filter_map(|rule| rule["of"].as_str()).collect();
    assert!(changed["allowed"] == true && rules.contains(&"Article update"), "{changed}");
    assert_eq!(explain("ada@example.org", "GET /api/articles:trash").await, true);
    assert_eq!(explain("ada@example.org", &format!("POST /api/articles/{article}:purge")).await, true);
    assert_eq!(story.titles(&story.ada, "articles:trash").await, ["Two"], "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_types_with_a_trash_have_its_paths() {
    let story = Story::open().await;
    let tag = story.make("tags", json!({ "name": "t" })).await;
    for line in
        ["GET /api/tags:trash", &format!("POST /api/tags/{tag}:restore"), &format!("POST /api/tags/{tag}:purge")]
    {
        let reply = story.ada(line).await;
        assert_eq!((reply.status, reply.problem()), (404, "no-such-path".to_owned()), "{line}");
    }
    for line in ["POST /api/articles/x:restore", "POST /api/articles/:restore"] {
        assert_eq!(story.ada(line).await.status, 404, "{line}");
    }
    assert_eq!(story.ada(&format!("GET /api/articles/{tag}:restore")).await.status, 405);
    assert_eq!(story.ada("POST /api/articles:trash").await.status, 405);
    let document = story.app.call("GET /openapi.json", &[]).await.json();
    let paths = document["paths"].as_object().expect("paths");
    for (path, method) in
        [("articles:trash", "get"), ("articles/{id}:restore", "post"), ("articles/{id}:purge", "post")]
    {
        assert!(paths[&format!("/api/{path}")].get(method).is_some(), "{path}");
    }
    assert!(!paths.contains_key("/api/tags:trash"));
    let written = &document["components"]["schemas"]["Article.Create"]["properties"];
    assert_eq!(written.get("trashedAt"), None);
    let body = json!({ "title": "x", "slug": "x", "trashedAt": "2026-01-01T00:00:00Z" }).to_string();
    assert_eq!(story.app.post("POST /api/articles", &[("authorization", &story.ada)], &body).await.status, 422);
}

/// What keeps a record from coming back can be the value of one that would come back with it, which the caller may not see.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_of_what_comes_back_with_a_record_is_not_its_own() {
    let app = TestApp::open(
        r#"
        extend schema @app(name: "Files")
        enum Role @roles { CLERK }
        type User @identity @allow(read: "true") { email: Email! @unique name: String! }
        type Case @allow(read: "true", create: "true", delete: "true") @trash { name: String! @unique }
        type Note @allow(read: "'CLERK' in auth.roles", create: "true", delete: "'CLERK' in auth.roles") @trash {
          case: Case! @onDelete(do: CASCADE)
          code: String! @unique
        }
        "#,
    );
    let (ada, clerk) = (app.account("ada@example.org").await, app.account("clerk@example.org").await);
    app.grant("clerk@example.org", "CLERK").await;
    let make = async |path: &str, body: Value| {
        let made = app.post(&format!("POST /api/{path}"), &[("authorization", &ada)], &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.header("location").rsplit('/').next().unwrap_or_default().to_owned()
    };
    let (case, other) = (make("cases", json!({ "name": "A" })).await, make("cases", json!({ "name": "B" })).await);
    let note = make("notes", json!({ "case": case, "code": "x" })).await;
    assert_eq!(app.call(&format!("DELETE /api/cases/{case}"), &[("authorization", &ada)]).await.status, 204);
    make("notes", json!({ "case": other, "code": "x" })).await;
    let restore = async |who: &str| {
        let alone = app.call(&format!("POST /api/cases/{case}:restore"), &[("authorization", who)]).await;
        let requests = json!({ "requests": [{ "restore": "cases", "id": case }, { "list": "cases" }] }).to_string();
        let together = app.post("POST /transact", &[("authorization", who)], &requests).await;
        assert_eq!(together.json()["request"], 0, "{}", together.text());
        for reply in [&alone, &together] {
            assert_eq!((reply.status, reply.problem()), (409, "related-conflict".to_owned()), "{}", reply.text());
            assert_eq!(reply.json().get("errors"), None, "no field of the request is the reason: {}", reply.text());
        }
        alone.json()["detail"].as_str().unwrap_or_default().to_owned()
    };
    let unseen = restore(&ada).await;
    assert_eq!(unseen, "a record that would change with it can't, and you may not see it");
    let seen = restore(&clerk).await;
    assert_eq!(seen, format!("the Note {note} would change with it: another Note has this code"));
    assert_eq!(app.call(&format!("DELETE /api/cases/{other}"), &[("authorization", &ada)]).await.status, 204);
    assert_eq!(app.call(&format!("POST /api/cases/{case}:restore"), &[("authorization", &ada)]).await.status, 200);
}

/// What may come back keeps what it needs.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_trash_keeps_what_it_requires() {
    let app = TestApp::open(
        r#"
        extend schema @app(name: "Files")
        enum Role @roles { CLERK }
        type User @identity @allow(read: "true") { email: Email! @unique name: String! }
        type Drawer @allow(read: "true", create: "true", delete: "true") { name: String! }
        type Case @allow(read: "true", create: "true", delete: "'CLERK' in auth.roles") @trash(keep: "30d") {
          drawer: Drawer!
        }
        "#,
    );
    let (ada, clerk) = (app.account("ada@example.org").await, app.account("clerk@example.org").await);
    app.grant("clerk@example.org", "CLERK").await;
    let make = async |path: &str, body: Value| {
        let made = app.post(&format!("POST /api/{path}"), &[("authorization", &ada)], &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.header("location").rsplit('/').next().unwrap_or_default().to_owned()
    };
    let ask = async |who: &str, line: &str| app.call(line, &[("authorization", who)]).await;
    let drawer = make("drawers", json!({ "name": "A" })).await;
    let case = make("cases", json!({ "drawer": drawer })).await;
    assert_eq!(ask(&clerk, &format!("DELETE /api/cases/{case}")).await.status, 204);
    let refused = async |who: &str, expected: &str| {
        let alone = ask(who, &format!("DELETE /api/drawers/{drawer}")).await;
        let requests = json!({ "requests": [{ "delete": "drawers", "id": drawer }] }).to_string();
        let together = app.post("POST /transact", &[("authorization", who)], &requests).await;
        for reply in [alone, together] {
            assert_eq!((reply.status, reply.problem()), (409, "still-referenced".to_owned()), "{}", reply.text());
            let problem = reply.json();
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert_eq!(detail.strip_prefix("/requests/0: ").unwrap_or(detail), expected);
        }
    };
    // Ada may not see the trash.
    refused(&ada, "other records refer to it, not all of which you may see").await;
    refused(&clerk, "records of Case in the trash refer to it by `drawer` (1); restore or purge them first").await;
    assert_eq!(ask(&clerk, &format!("POST /api/cases/{case}:restore")).await.status, 200);
    assert_eq!(ask(&clerk, &format!("DELETE /api/cases/{case}")).await.status, 204);
    assert_eq!(ask(&clerk, &format!("POST /api/cases/{case}:purge")).await.status, 204);
    assert_eq!(ask(&ada, &format!("DELETE /api/drawers/{drawer}")).await.status, 204);
}

/// The example of the documentation, and a type whose trash has only the one rule.
fn contracts() -> String {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let at = DOCUMENT.find("type Contract\n").expect("the example");
    let (example, _) = DOCUMENT[at..].split_once("```").expect("its end");
    format!(
        r#"
extend schema @app(name: "Contracts")
enum Role @roles {{ CLERK ADMIN }}
type User @identity @allow(read: "true") {{ email: Email! @unique name: String! }}
type Draft @allow(read: "true", create: "true", delete: "auth.id == this.owner") @allow(purge: "'ADMIN' in auth.roles") @trash {{
  title: String!
  owner: User! @set(on: CREATE, to: "auth.id")
}}
{example}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_and_purging_have_rules_of_their_own() {
    let app = TestApp::open(&contracts());
    let mut callers = vec![("nobody", String::new())];
    for name in ["owner", "clerk", "admin", "other"] {
        let email = format!("{name}@example.org");
        callers.push((name, app.account(&email).await));
        if ["clerk", "admin"].contains(&name) {
            app.grant(&email, &name.to_uppercase()).await;
        }
    }
    let token = |name: &str| callers.iter().find(|(known, _)| *known == name).expect("a caller").1.clone();
    let ask = async |who: &str, line: &str, body: &str| {
        let signed = token(who);
        let headers = [("authorization", signed.as_str())];
        app.post(line, if who == "nobody" { &[] } else { &headers }, body).await
    };
    let trashed = async |path: &str| {
        let made = ask("owner", &format!("POST /api/{path}"), r#"{"title": "One"}"#).await;
        let id = made.header("location").rsplit('/').next().unwrap_or_default().to_owned();
        assert_eq!(ask("owner", &format!("DELETE /api/{path}/{id}"), "").await.status, 204);
        id
    };
    for (path, who, listed, restored, purged) in [
        ("contracts", "nobody", 401, 401, 401),
        ("contracts", "other", 0, 403, 403),
        ("contracts", "owner", 1, 403, 403),
        ("contracts", "clerk", 1, 200, 403),
        ("contracts", "admin", 1, 403, 204),
        ("drafts", "nobody", 401, 401, 401),
        ("drafts", "other", 0, 404, 403),
        ("drafts", "owner", 1, 200, 403),
        ("drafts", "clerk", 0, 404, 403),
        ("drafts", "admin", 1, 403, 204),
    ] {
        trashed(path).await;
        let list = app.call(&format!("GET /api/{path}:trash"), &[("authorization", &token(who))]).await;
        if who == "nobody" {
            assert_eq!(app.call(&format!("GET /api/{path}:trash"), &[]).await.status, listed, "{path}");
        } else {
            let count = list.json()["items"].as_array().map_or(0, Vec::len);
            assert_eq!((list.status, u16::from(count > 0)), (200, listed), "{path} {who}: {}", list.text());
        }
        for (verb, expected) in [("restore", restored), ("purge", purged)] {
            let id = trashed(path).await;
            let requests = json!({ "requests": [{ verb: path, "id": id }, { "get": path, "id": id }] }).to_string();
            let together = ask(who, "POST /transact", &requests).await;
            // What is purged can't be read, so that nothing is done.
            let whole = if expected == 204 { 404 } else { expected };
            assert_eq!(together.status, whole, "{path} {who} {verb}: {}", together.text());
            let id = if whole == 200 { trashed(path).await } else { id };
            let alone = ask(who, &format!("POST /api/{path}/{id}:{verb}"), "").await;
            assert_eq!(alone.status, expected, "{path} {who} {verb}: {}", alone.text());
        }
    }
    // An explanation shows every rule that lets a caller see the trash, once.
    let operator = app.operator("root@example.org").await;
    let id = trashed("contracts").await;
    let explained = async |who: &str, verb: &str| {
        let request = format!("POST /api/contracts/{id}:{verb}");
        let body = json!({ "as": format!("{who}@example.org"), "request": request }).to_string();
        let reply = app.post("POST /explain", &[("authorization", &operator)], &body).await.json();
        let rules = reply["rules"].as_array().cloned().unwrap_or_default();
        let rule = |rule: &Value| format!("{}: {}", rule["rule"].as_str().unwrap_or("-"), rule["answer"]);
        (reply["allowed"].clone(), rules.iter().map(rule).collect::<Vec<_>>())
    };
    let (allowed, rules) = explained("owner", "restore").await;
    assert_eq!((allowed, rules.len()), (json!(false), 1), "{rules:?}");
    let (allowed, rules) = explained("clerk", "restore").await;
    assert_eq!((allowed, rules.len()), (json!(true), 4), "{rules:?}");
    let document = app.call("GET /openapi.json", &[]).await.json();
    assert!(document["paths"]["/api/contracts/{id}:purge"]["post"].is_object());
}

/// Actions of keys in the trash.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_limited_in_the_trash() {
    let app = TestApp::open(
        r#"
        extend schema @app(name: "Keys")
        type User @identity @allow(read: "true") { email: Email! @unique name: String! }
        type Doc @allow(read: "true", create: "true", delete: "true") @trash { title: String! }
        type Tag @allow(read: "true", restore: "true", create: "true", delete: "true") @trash { title: String! }
        "#,
    );
    let trashed = async |path: &str| {
        let made = app.post(&format!("POST /api/{path}"), &[], r#"{"title": "One"}"#).await;
        let id = crate::id_of(&made);
        assert_eq!(app.call(&format!("DELETE /api/{path}/{id}"), &[]).await.status, 204);
        id
    };
    for (only, listed, restored, purged) in [
        (&["search", "delete"][..], 200, 200, 204),
        (&["search", "restore"], 200, 200, 403),
        (&["search", "purge"], 200, 403, 204),
        (&["search"], 403, 403, 403),
        (&["restore", "purge"], 403, 403, 403),
        (&["delete"], 403, 403, 403),
    ] {
        for path in ["docs", "tags"] {
            let only: Vec<String> = only.iter().map(|action| format!("{path}:{action}")).collect();
            let key = app.key(&only).await;
            let key = [("authorization", key.as_str())];
            assert_eq!(app.call(&format!("GET /api/{path}:trash"), &key).await.status, listed, "{only:?}");
            for (verb, expected) in [("restore", restored), ("purge", purged)] {
                let id = trashed(path).await;
                let done = app.call(&format!("POST /api/{path}/{id}:{verb}"), &key).await;
                assert_eq!(done.status, expected, "{only:?} {verb}: {}", done.text());
            }
        }
    }
}
