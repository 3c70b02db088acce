//! Interfaces: fields, rules and indexes that types share.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::id_of;

/// What the documentation of the API says of the same model.
async fn reads_as_documented(app: &TestApp) {
    let document = include_str!("../../../../docs/api.md");
    let (_, section) = document.split_once("\n## Records of several types\n").expect("the section");
    let part = |fence: &str| {
        let (_, part) = section.split_once(fence).expect("an example");
        part.split_once("```").expect("its end").0.trim()
    };
    let creates = ["articles:create", "guides:create"].map(str::to_owned);
    let key = app.key(&creates).await;
    for (path, body) in
        [("articles", r#"{"slug": "lamp", "price": "9.50"}"#), ("guides", r#"{"slug": "wiring", "body": "Twist"}"#)]
    {
        let made = app.post(&format!("POST /api/{path}"), &[("authorization", &key)], body).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let expected: Value = serde_json::from_str(part("```json\n")).expect("JSON");
    assert_eq!(app.call(part("```http\n"), &[]).await.json(), expected);
}

/// Three types, two of which have records that not everybody sees, read together at one path.
const CONTENT: &str = r#"
extend schema @app(name: "Magazine")
enum Rank { LOW HIGH }
type User @identity @allow(read: "this.id == auth.id") {
  email: Email! @unique @class(is: PERSONAL)
  name: String!
}
type Topic @allow(read: "true", create: "true") { name: String! }

"What the magazine publishes."
interface Content @path(is: "content") @allow(read: "this.hidden == false || this.owner == auth.id", create: "true")
  @index(fields: ["slug"]) {
  slug: String! @length(max: 80)
  hidden: Boolean! @default(to: false)
  owner: User
  topic: Topic
  order: Int
  rank: Rank
  note: String @search @allow(read: "this.owner == auth.id")
}
type Article implements Content { title: String @search price: Decimal! @precision(digits: 9, scale: 2) rank: Rank! @default(to: LOW) }
type Guide implements Content { body: Text! @search(weight: 2) related: [Topic!] }
type Memo implements Content @allow(read: "auth.id != null") { secret: String @class(is: SECRET) }
"#;

/// Adds records in this order: a guide, an article, a memo that is hidden, another article. Gives their ids.
async fn content(app: &TestApp, token: &str) -> [String; 4] {
    let auth = [("authorization", token)];
    let topic = id_of(&app.post("POST /api/topics", &[], r#"{"name": "Light"}"#).await);
    let guide = format!(
        r#"{{"slug": "b", "body": "How to", "order": 2, "rank": "HIGH", "topic": "{topic}", "related": ["{topic}"]}}"#
    );
    let mut ids = Vec::new();
    for (path, body) in [
        ("guides", guide.as_str()),
        ("articles", r#"{"slug": "a", "title": "How to choose a lamp", "price": "9.50", "note": "mine"}"#),
        ("memos", r#"{"slug": "m", "hidden": true, "order": 1, "secret": "s"}"#),
        ("articles", r#"{"slug": "c", "price": "1", "order": 2}"#),
    ] {
        ids.push(id_of(&app.post(&format!("POST /api/{path}"), &auth, body).await));
    }
    ids.try_into().expect("four records")
}

fn slugs(reply: &Reply) -> Vec<String> {
    let json = reply.json();
    assert_eq!(reply.status, 200, "{json}");
    let slug = |item: &Value| item["slug"].as_str().expect("a slug").to_owned();
    json["items"].as_array().expect("a page").iter().map(slug).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_of_all_types_are_listed_under_their_own_rules() {
    let app = TestApp::open(CONTENT);
    let ada = app.account("ada@example.org").await;
    let ids = content(&app, &ada).await;
    let auth = [("authorization", ada.as_str())];
    for (query, expected, signed_in) in [
        ("", "b a c", "b a m c"),
        ("?sort=slug", "a b c", "a b c m"),
        ("?sort=-slug", "c b a", "m c b a"),
        // Nulls come last.
        ("?sort=order,slug", "b c a", "m b c a"),
        ("?sort=-order,slug", "a b c", "a b c m"),
        // In one type the field is required, in the others it isn't; the order is that of the enum.
        ("?sort=rank,slug", "a c b", "a c b m"),
        ("?sort=-rank,-slug", "b c a", "m b c a"),
        ("?filter=order==2", "b c", "b c"),
        ("?filter=slug%20in%20$s&$s=a,m", "a", "a m"),
        ("?order=2&sort=-slug", "c b", "c b"),
        ("?filter=topic.name=='Light'", "b", "b"),
        ("?hidden=true", "", "m"),
        ("?slug=a", "a", "a"),
        // The best matches of all types first. Nobody searches notes, and nothing else of memos can be searched.
        ("?search=how", "b a", "b a"),
        ("?search=how&sort=slug", "a b", "a b"),
        ("?search=lamp%20OR%20mine", "a", "a"),
        ("?search=how&filter=order==2", "b", "b"),
        ("?search=nothing", "", ""),
    ] {
        let line = format!("GET /api/content{query}");
        let anonymous = slugs(&app.call(&line, &[]).await);
        assert_eq!(anonymous.join(" "), expected, "{line}");
        assert_eq!(slugs(&app.call(&line, &auth).await).join(" "), signed_in, "{line}");
        // Page by page, the same.
        for limit in [1, 2] {
            let (mut all, mut after) = (Vec::new(), String::new());
            loop {
                let next = if query.is_empty() { "?" } else { "&" };
                let page = app.call(&format!("{line}{next}limit={limit}{after}"), &auth).await;
                all.extend(slugs(&page));
                let Some(cursor) = page.json()["next"].as_str().map(str::to_owned) else { break };
                after = format!("&after={cursor}");
            }
            assert_eq!(all.join(" "), signed_in, "{line} by {limit}");
        }
    }
    let counted = app.call("GET /api/content?count=true&limit=1&filter=order==2", &[]).await.json();
    assert_eq!(counted["count"], json!({ "value": 2, "more": false }));
    let queried = app.post("POST /api/content:query", &[], r#"{"where": {"order": 2}, "sort": "-slug"}"#).await;
    assert_eq!(slugs(&queried), ["c", "b"]);
    let searched = app.post("POST /api/content:query", &[], r#"{"search": "how", "count": true, "limit": 1}"#).await;
    assert_eq!((slugs(&searched), &searched.json()["count"]["value"]), (vec!["b".to_owned()], &json!(2)));
    let marked = app.call("GET /api/content?search=how&highlight=note", &[]).await;
    assert_eq!(marked.status, 400);
    let problem = &marked.json()["errors"][0];
    assert_eq!(problem["at"], "highlight", "{problem}");
    assert_eq!(ids.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_tells_its_type_and_has_its_fields() {
    let app = TestApp::open(CONTENT);
    let ada = app.account("ada@example.org").await;
    let [guide, article, memo, _] = content(&app, &ada).await;
    let auth = [("authorization", ada.as_str())];
    let whole = app.call("GET /api/content?sort=slug&limit=2", &[]).await.json();
    let names = |item: &Value| item.as_object().expect("a record").keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        [names(&whole["items"][0]), names(&whole["items"][1])],
        [
            "__typename createdAt hidden id order owner price rank slug title topic updatedAt version",
            "__typename body createdAt hidden id order owner rank slug topic updatedAt version",
        ]
    );
    let selected = "select=slug,topic{name},Article{price,cost=price},Guide{related{name}}";
    let chosen = app.call(&format!("GET /api/content?sort=slug&{selected}"), &auth).await.json();
    assert_eq!(
        chosen["items"],
        json!([
            { "__typename": "Article", "slug": "a", "topic": null, "price": "9.50", "cost": "9.50" },
            { "__typename": "Guide", "slug": "b", "topic": { "name": "Light" }, "related": [{ "name": "Light" }] },
            { "__typename": "Article", "slug": "c", "topic": null, "price": "1.00", "cost": "1.00" },
            { "__typename": "Memo", "slug": "m", "topic": null },
        ])
    );
    let types = app.call("GET /api/content?select=__typename&sort=slug&limit=2", &[]).await.json();
    assert_eq!(types["items"], json!([{ "__typename": "Article" }, { "__typename": "Guide" }]));

    let one = app.call(&format!("GET /api/content/{article}?select=slug,Guide{{body}},Article{{price}}"), &[]).await;
    assert_eq!(one.json(), json!({ "__typename": "Article", "slug": "a", "price": "9.50" }));
    let own = app.call(&format!("GET /api/articles/{article}"), &[]).await;
    let version = |reply: &Reply| reply.header("etag").split('.').next().map(str::to_owned);
    assert_eq!(version(&one), version(&own), "the tag begins with the version");
    let again = [("if-none-match", one.header("etag"))];
    let line = format!("GET /api/content/{article}?select=slug,Guide{{body}},Article{{price}}");
    assert_eq!(app.call(&line, &again).await.status, 304);
    assert_eq!(app.call(&line.replace("GET", "HEAD"), &[]).await.status, 200);
    let listed = app.call("GET /api/content", &[]).await;
    assert_eq!(app.call("GET /api/content", &[("if-none-match", listed.header("etag"))]).await.status, 304);
    app.post("POST /api/articles", &[], r#"{"slug": "z", "price": "1"}"#).await;
    assert_eq!(app.call("GET /api/content", &[("if-none-match", listed.header("etag"))]).await.status, 200);

    let hidden = app.call(&format!("GET /api/content/{memo}"), &[]).await;
    assert_eq!((hidden.status, hidden.problem()), (404, "not-found".to_owned()));
    assert_eq!(hidden.json()["detail"], json!("there is no Content with this id"));
    assert_eq!(app.call(&format!("GET /api/content/{memo}"), &auth).await.json()["__typename"], json!("Memo"));
    assert_eq!(app.call(&format!("GET /api/content/{guide}"), &[]).await.json()["body"], json!("How to"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_of_several_types_is_refused() {
    let app = TestApp::open(CONTENT);
    let ada = app.account("ada@example.org").await;
    let [guide, ..] = content(&app, &ada).await;
    for (line, status, detail) in [
        ("GET /api/content?select=price", 400, "unknown field `price`"),
        ("GET /api/content?select=body", 400, "unknown field `body`"),
        ("GET /api/content?sort=price", 400, "unknown field `price`"),
        ("GET /api/content?filter=price%3E1", 400, "Content has no field `price`"),
        ("GET /api/content?filter=this.price%3E1", 400, "Content has no field `price`"),
        ("GET /api/content?price=1", 400, "unknown field `price`"),
        ("GET /api/content?select=Article", 400, "`Article` is a type"),
        ("GET /api/content?select=Article{bdy}", 400, "unknown field `bdy`"),
        ("GET /api/content?select=__typename=slug", 400, "a ',' is missing"),
        ("GET /api/content?select=Article{__typename=slug}", 400, "`__typename` tells the type of a record"),
        ("GET /api/content?asOf=2026-01-01T00:00:00Z", 400, "has no history"),
        ("GET /api/content?filter=note=='x'", 400, "you may not read `note`"),
        ("GET /api/content:trash", 404, ""),
        ("GET /api/content/ID:history", 404, ""),
        ("GET /api/content/x", 404, "an id is a UUID"),
        ("POST /api/content", 405, "at the path of its type"),
        ("PATCH /api/content/ID", 405, "at the path of its type"),
        ("DELETE /api/content/ID", 405, "at the path of its type"),
        ("GET /api/contnt", 404, "/api/content"),
    ] {
        let reply = app.call(&line.replace("ID", &guide), &[]).await;
        let text = reply.text();
        assert_eq!(reply.status, status, "{line}: {text}");
        assert!(text.contains(detail), "{line}: {text}");
    }
}

/// A field that the caller sees in some records only is null in the others, for the caller's questions too.
#[tokio::test(flavor = "multi_thread")]
async fn hidden_values_answer_no_questions() {
    let app = TestApp::open(CONTENT);
    let ada = app.account("ada@example.org").await;
    content(&app, &ada).await;
    let auth = [("authorization", ada.as_str())];
    let id = app.call("GET /auth/me", &auth).await.json()["id"].as_str().expect("an id").to_owned();
    let own = format!(r#"{{"slug": "own", "price": "1", "note": "mine", "owner": "{id}", "hidden": true}}"#);
    id_of(&app.post("POST /api/articles", &auth, &own).await);
    let bob = app.account("bob@example.org").await;
    let others = [("authorization", bob.as_str())];
    for (query, expected, owners) in [
        ("filter=note=='mine'", "", "own"),
        ("note=mine", "", "own"),
        ("filter=note==null&sort=slug", "a b c m", "a b c m"),
        ("sort=note,slug", "a b c m", "own a b c m"),
    ] {
        let line = format!("GET /api/content?{query}");
        assert_eq!(slugs(&app.call(&line, &others).await).join(" "), expected, "{line}");
        assert_eq!(slugs(&app.call(&line, &auth).await).join(" "), owners, "{line}");
    }
}

/// A key reads at the path what it may read of each type.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_limited_by_type() {
    let app = TestApp::open(CONTENT);
    let ada = app.account("ada@example.org").await;
    let [guide, article, ..] = content(&app, &ada).await;
    let only = |grant: &[&str]| grant.iter().map(|pair| (*pair).to_owned()).collect::<Vec<String>>();
    for (grant, listed, one, other) in [
        (&["articles:search", "memos:search"][..], Some("a c m"), 403, 403),
        (&["guides:search", "guides:get"], Some("b"), 200, 404),
        (&["articles:get"], None, 404, 200),
        (&["topics:read"], None, 403, 403),
    ] {
        let key = app.key(&only(grant)).await;
        let auth = [("authorization", key.as_str())];
        let list = app.call("GET /api/content?sort=slug", &auth).await;
        match listed {
            Some(expected) => assert_eq!(slugs(&list).join(" "), expected, "{grant:?}"),
            None => assert_eq!(list.status, 403, "{grant:?}"),
        }
        let got = [&guide, &article].map(|id| format!("GET /api/content/{id}"));
        let found = [app.call(&got[0], &auth).await.status, app.call(&got[1], &auth).await.status];
        assert_eq!(found, [one, other], "{grant:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_explanations_and_descriptions_know_interfaces() {
    let app = TestApp::open(CONTENT);
    let ada = app.account("ada@example.org").await;
    let [guide, ..] = content(&app, &ada).await;
    let requests = format!(
        r#"{{"requests": [{{"create": "articles", "body": {{"slug": "new", "price": "2"}}}},
            {{"list": "content", "query": {{"filter": "slug == $s", "params": {{"s": "new"}}, "select": "slug"}}}},
            {{"get": "content", "id": "{guide}", "select": "Guide{{body}}"}}]}}"#
    );
    let results = app.post("POST /transact", &[], &requests).await.json()["results"].clone();
    assert_eq!(results[1]["items"], json!([{ "__typename": "Article", "slug": "new" }]));
    assert_eq!(results[2], json!({ "__typename": "Guide", "body": "How to" }));
    for (request, problem) in [
        (r#"{"create": "content", "body": {}}"#, "can only be read"),
        (r#"{"delete": "content", "id": "ID"}"#, "can only be read"),
        (r#"{"list": "content", "query": {"sort": "price"}}"#, "unknown field `price`"),
    ] {
        let body = format!(r#"{{"requests": [{}]}}"#, request.replace("ID", &guide));
        let refused = app.post("POST /transact", &[], &body).await;
        assert_eq!(refused.status, 400, "{request}");
        assert!(refused.text().contains(problem), "{request}: {}", refused.text());
    }

    let operator = app.operator("root@example.org").await;
    let explain = |request: &str| format!(r#"{{"request": "{request}"}}"#);
    let auth = [("authorization", operator.as_str())];
    let list = app.post("POST /explain", &auth, &explain("GET /api/content?order=2")).await.json();
    assert_eq!((&list["request"], &list["allowed"]), (&json!("list Content"), &json!(true)));
    assert_eq!(list["statements"].as_array().map(Vec::len), Some(1), "one statement");
    let rules: Vec<String> =
        list["rules"].as_array().expect("rules").iter().map(|rule| rule["of"].to_string()).collect();
    assert!(["Article read", "Guide read", "Memo read"].iter().all(|of| rules.iter().any(|rule| rule.contains(of))));
    let get = app.post("POST /explain", &auth, &explain(&format!("GET /api/content/{guide}"))).await.json();
    assert_eq!((&get["request"], &get["allowed"]), (&json!("get Content"), &json!(true)));

    let collections = app.call("GET /api/", &[]).await.json()["collections"].clone();
    let shown = json!({ "name": "Content", "path": "/api/content", "types": ["Article", "Guide", "Memo"] });
    assert!(collections.as_array().is_some_and(|all| all.contains(&shown)), "{collections}");
    let described = app.call("GET /openapi.json", &[]).await.json();
    let schemas = &described["components"]["schemas"];
    assert_eq!(schemas["Content"]["oneOf"].as_array().map(Vec::len), Some(3));
    assert_eq!(schemas["Content"]["description"], json!("What the magazine publishes."));
    assert_eq!(schemas["Content.Page"]["properties"]["items"]["items"]["$ref"], json!("#/components/schemas/Content"));
    let paths = described["paths"].as_object().expect("paths");
    let methods = |path: &str| {
        let keys = paths[path].as_object().expect("a path").keys();
        keys.filter(|key| *key != "parameters").cloned().collect::<Vec<_>>().join(" ")
    };
    let of_content = ["/api/content", "/api/content:query", "/api/content/{id}"].map(methods);
    assert_eq!(of_content, ["get", "post", "get"]);
    let parameters = described["paths"]["/api/content"]["get"]["parameters"].to_string();
    assert!(parameters.contains("\"slug\"") && !parameters.contains("\"price\""), "{parameters}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_example_holds() {
    let document = include_str!("../../../../docs/model.md");
    let (_, section) = document.split_once("\n### Interfaces\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let app = TestApp::open(&format!("extend schema @app(name: \"Shop\")\n{example}"));
    let made = app.post("POST /api/articles", &[], r#"{"slug": "lamp", "price": "9.50"}"#).await;
    assert_eq!(made.status, 401, "the interface allows accounts alone to create: {}", made.text());
    let listed = app.call("GET /api/articles?filter=slug=='lamp'&select=slug,hidden,price", &[]).await;
    assert_eq!((listed.status, listed.json()["items"].clone()), (200, json!([])));
    reads_as_documented(&app).await;

    let schemas = &app.call("GET /openapi.json", &[]).await.json()["components"]["schemas"];
    let names = |of: &str| -> Vec<String> {
        let properties = schemas[of]["properties"].as_object().cloned().unwrap_or_default();
        properties
            .keys()
            .filter(|name| !matches!(name.as_str(), "id" | "createdAt" | "updatedAt" | "version"))
            .cloned()
            .collect()
    };
    assert_eq!(names("Article"), ["hidden", "price", "slug"]);
    assert_eq!(names("Guide"), ["body", "hidden", "slug"]);
    assert_eq!(schemas["Article.Create"]["properties"]["slug"]["maxLength"], json!(80));
}
