//! Lists of embedded values, and values of unions of embedded types.

use backstay_testkit::{TestApp, TestDatabase};
use serde_json::{Value, json};

const MODEL: &str = r#"
extend schema @app(name: "Site")
type User @identity @allow(read: "true") { email: Email! @unique }
enum Mood { GOOD BAD }

union Block = Quote | Picture | Columns
type Quote @embedded { text: Text! @length(max: 10), by: String, mood: Mood, tags: [String!] @length(min: 1, max: 2) }
"Something to look at."
type Picture @embedded { url: Url!, size: Size }
type Size @embedded { width: Int!, height: Int! @default(to: 100) }
type Columns @embedded { left: [Cell!]!, right: [Cell!] @length(max: 1) }
type Cell @embedded { text: String! }
type Line @embedded { sku: String!, price: Decimal! @precision(digits: 9, scale: 2), count: Int! @default(to: 1) }

type Page @allow(read: "true", create: "true", update: "this.blocks != null", delete: "true") {
  title: String!
  blocks: [Block!]! @default(to: []) @length(max: 3)
  hero: Block
  lines: [Line!] @allow(read: "auth.id != null")
}
"#;

const BLOCKS: &str = r#"[
  {"by": "Ann", "text": "Oh", "__typename": "Quote", "tags": ["a"]},
  {"__typename": "Picture", "url": "HTTP://a.example", "size": {"width": 3}},
  {"__typename": "Columns", "left": [{"text": "x"}, {"text": "y"}]}
]"#;

fn blocks() -> Value {
    json!([
        {"__typename": "Quote", "text": "Oh", "by": "Ann", "mood": null, "tags": ["a"]},
        {"__typename": "Picture", "url": "http://a.example/", "size": {"width": 3, "height": 100}},
        {"__typename": "Columns", "left": [{"text": "x"}, {"text": "y"}], "right": null},
    ])
}

fn wrong(reply: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = reply["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| (text(&error["at"]), text(&error["message"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_written_in_one_form_and_read_as_a_whole() {
    let app = TestApp::open(MODEL);
    let body = format!(r#"{{"title": "A", "blocks": {BLOCKS}, "hero": {{"__typename": "Quote", "text": "Hi"}}}}"#);
    let made = app.post("POST /api/pages", &[], &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(made["blocks"], blocks());
    assert_eq!(made["hero"], json!({"__typename": "Quote", "text": "Hi", "by": null, "mood": null, "tags": null}));
    let path = format!("/api/pages/{}", made["id"].as_str().expect("an id"));
    assert_eq!(app.call(&format!("GET {path}"), &[]).await.json(), made);

    let patch = async |body: &str| {
        let reply = app.post(&format!("PATCH {path}"), &[], body).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.text());
        reply.json()
    };
    // What was read can be sent back, and changes nothing.
    let same = patch(&json!({ "blocks": blocks(), "hero": made["hero"] }).to_string()).await;
    assert_eq!(same["version"], made["version"]);
    // A document is replaced, not merged.
    let changed = patch(r#"{"blocks": [], "hero": {"__typename": "Picture", "url": "http://b.example"}}"#).await;
    assert_eq!(changed["hero"], json!({"__typename": "Picture", "url": "http://b.example/", "size": null}));
    assert_eq!((&changed["blocks"], &patch(r#"{"hero": null}"#).await["hero"]), (&json!([]), &Value::Null));
    let plain = app.post("POST /api/pages", &[], r#"{"title": "B"}"#).await.json();
    assert_eq!((&plain["blocks"], plain.get("lines")), (&json!([]), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_document_is_named_by_its_path() {
    let app = TestApp::open(MODEL);
    let check = async |members: &str, expected: &[(&str, &str)]| {
        let reply = app.post("POST /api/pages", &[], &format!(r#"{{"title": "A", {members}}}"#)).await;
        let expected: Vec<(String, String)> =
            expected.iter().map(|(at, message)| ((*at).to_owned(), (*message).to_owned())).collect();
        assert_eq!((reply.status, wrong(&reply.json())), (422, expected), "{members}");
    };
    let names = "expected one of Quote, Picture, Columns";
    check(r#""blocks": null"#, &[("/blocks", "a value is required")]).await;
    check(r#""blocks": {}"#, &[("/blocks", "expected an array")]).await;
    check(r#""blocks": [null, 1]"#, &[("/blocks/0", "expected an object"), ("/blocks/1", "expected an object")]).await;
    check(r#""blocks": [{"text": "a"}]"#, &[("/blocks/0/__typename", names)]).await;
    check(
        r#""blocks": [{"__typename": "Qoute"}]"#,
        &[("/blocks/0/__typename", "expected one of Quote, Picture, Columns; did you mean Quote?")],
    )
    .await;
    check(r#""hero": {"__typename": "Size", "width": 1}"#, &[("/hero/__typename", names)]).await;
    check(
        r#""blocks": [{"__typename": "Quote", "text": "a longer text", "mood": "UGLY", "txt": 1, "by": 1, "by": "x"}]"#,
        &[
            ("/blocks/0/txt", "unknown field `txt`"),
            ("/blocks/0/by", "it is given twice"),
            ("/blocks/0/by", "expected a text in double quotes"),
            ("/blocks/0/mood", "expected one of GOOD, BAD"),
        ],
    )
    .await;
    check(
        r#""blocks": [{"__typename": "Columns", "left": [{}, {"text": null}], "right": [{"text": 5}]}]"#,
        &[
            ("/blocks/0/left/0/text", "a value is required"),
            ("/blocks/0/left/1/text", "a value is required"),
            ("/blocks/0/right/0/text", "expected a text in double quotes"),
        ],
    )
    .await;
    check(
        r#""blocks": [{"__typename": "Picture", "url": "x", "size": {}}]"#,
        &[
            ("/blocks/0/url", "expected an absolute web address, such as \"https://example.org/page\""),
            ("/blocks/0/size/width", "a value is required"),
        ],
    )
    .await;
    check(
        r#""lines": [{"sku": "a", "price": "1.005"}]"#,
        &[("/lines/0/price", "must have at most 7 digits before the point and 2 after it")],
    )
    .await;
    let many = format!("[{}]", vec![r#"{"sku":"a","price":1}"#; 1001].join(","));
    check(&format!(r#""lines": {many}"#), &[("/lines", "at most 1000 items")]).await;
}

/// They are asked of what can be read, as those of fields are.
#[tokio::test(flavor = "multi_thread")]
async fn limits_of_members_are_asked_in_documents() {
    let app = TestApp::open(MODEL);
    let check = async |members: &str, expected: &[(&str, &str)]| {
        let reply = app.post("POST /api/pages", &[], &format!(r#"{{"title": "A", {members}}}"#)).await;
        let expected: Vec<(String, String)> =
            expected.iter().map(|(at, message)| ((*at).to_owned(), (*message).to_owned())).collect();
        assert_eq!((reply.status, wrong(&reply.json())), (422, expected), "{members}");
    };
    check(
        r#""blocks": [{"__typename": "Quote", "text": "a longer text"}], "hero": {"__typename": "Quote", "text": "a longer text", "tags": []}"#,
        &[
            ("/blocks/0/text", "must have at most 10 characters"),
            ("/hero/text", "must have at most 10 characters"),
            ("/hero/tags", "must have at least 1 item"),
        ],
    )
    .await;
    check(
        r#""blocks": [{"__typename": "Quote", "text": "a", "tags": []},
                      {"__typename": "Quote", "text": "a", "tags": ["a", "b", "c"]},
                      {"__typename": "Columns", "left": [], "right": [{"text": "a"}, {"text": "b"}]}]"#,
        &[
            ("/blocks/0/tags", "must have at least 1 item"),
            ("/blocks/1/tags", "must have at most 2 items"),
            ("/blocks/2/right", "must have at most 1 item"),
        ],
    )
    .await;
    let four = format!("[{}]", [r#"{"__typename": "Quote", "text": "a"}"#; 4].join(","));
    check(&format!(r#""blocks": {four}"#), &[("/blocks", "must have at most 3 items")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_very_many_members_is_not_all_told() {
    let app = TestApp::open(MODEL);
    let unknown: Vec<String> = (0..50_000).map(|at| format!(r#","unknown{at}":1"#)).collect();
    let twice = r#","by":"x""#.repeat(50_000);
    for members in [format!("{}{twice}", unknown.concat()), format!("{twice}{}", unknown.concat())] {
        let body = format!(r#"{{"title": "A", "hero": {{"__typename": "Quote", "text": "a"{members}}}}}"#);
        let reply = app.post("POST /api/pages", &[], &body).await;
        assert_eq!((reply.status, wrong(&reply.json()).len()), (422, 50), "{}", &members[..20]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_test_whether_a_document_is_there() {
    let app = TestApp::open(MODEL);
    for body in [r#"{"title": "A", "hero": {"__typename": "Quote", "text": "Hi"}}"#, r#"{"title": "B"}"#] {
        assert_eq!(app.post("POST /api/pages", &[], body).await.status, 201);
    }
    let found = app.call("GET /api/pages?filter=hero!=null&select=title,hero", &[]).await.json();
    assert_eq!(found["items"][0]["title"], json!("A"));
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
    for query in ["hero=x", "sort=blocks", "select=blocks{txt}", "filter=hero.txt=='Hi'", "filter=lines!=null"] {
        assert_eq!(app.call(&format!("GET /api/pages?{query}"), &[]).await.status, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_a_document_cannot_ask_for_what_is_in_it() {
    let app = TestApp::open(MODEL);
    let body = r#"{"title": "A", "lines": [{"sku": "a", "price": "1.50"}]}"#;
    assert_eq!(app.post("POST /api/pages", &[], body).await.status, 201);
    for filter in
        ["lines.exists(l,l.sku=='a')", "size(lines)!=0", "lines.first(l,true).price!=1.0", "lines.sum(l,l.count)==1"]
    {
        let reply = app.call(&format!("GET /api/pages?filter={filter}"), &[]).await;
        assert_eq!(reply.status, 400, "{filter}: {}", reply.text());
    }
    let reply = app.call("GET /api/pages?filter=blocks.exists(b,b.tags==null)", &[]).await;
    assert_eq!((reply.status, reply.json()["items"].as_array().map(Vec::len)), (200, Some(0)));
}

/// The example of docs/expressions.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_questions_about_items_are_answered() {
    let document = include_str!("../../../../docs/expressions.md");
    let (_, section) = document.split_once("\n## Items of a list\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let app = TestApp::open(example);
    let orders = [
        r#"{"number": 1, "lines": [{"product": "Ink", "quantity": 4, "price": "12.50"}, {"product": "Pen", "quantity": 5, "price": "11.00"}],
            "notes": [{"__typename": "Gift", "to": "Ann"}], "main": {"__typename": "Gift", "to": "Bob"}}"#,
        r#"{"number": 2, "lines": [{"product": "Ink", "quantity": 3, "price": "0.10", "labels": ["new", "fragile"]}],
            "notes": [{"__typename": "Delivery", "text": "ring twice", "before": "2026-12-01"}],
            "main": {"__typename": "Delivery", "text": "ring"}}"#,
        r#"{"number": 3, "lines": []}"#,
    ];
    for body in orders {
        let made = app.post("POST /api/orders", &[], body).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let found = async |filter: &str| {
        let body = json!({ "filter": filter, "sort": "number" }).to_string();
        let reply = app.post("POST /api/orders:query", &[], &body).await;
        assert_eq!(reply.status, 200, "{filter}: {}", reply.text());
        let page = reply.json();
        let numbers = page["items"].as_array().expect("a page").iter().map(|order| order["number"].as_i64());
        numbers.map(|number| number.expect("a number")).collect::<Vec<i64>>()
    };
    let (_, table) = section.split_once("| filter of `/api/orders` with documents |").expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    let filters: Vec<&str> = rows.filter_map(|line| line.split('`').nth(1)).collect();
    let expected: [&[i64]; 6] = [&[1], &[1], &[2], &[1], &[2], &[2]];
    assert_eq!(filters.len(), expected.len());
    for (filter, expected) in filters.into_iter().zip(expected) {
        assert_eq!(found(filter).await, expected, "{filter}");
    }
    let page = app.call("GET /api/orders?sort=-total&select=number,total,largest", &[]).await.json();
    let of = |order: &Value| (order["number"].clone(), order["total"].clone(), order["largest"].clone());
    let expected = [
        (json!(1), json!("105.00"), json!("Pen")),
        (json!(2), json!("0.30"), json!("Ink")),
        (json!(3), json!("0.00"), Value::Null),
    ];
    assert_eq!(page["items"].as_array().expect("a page").iter().map(of).collect::<Vec<_>>(), expected);
    let twice = r#"{"number": 4, "lines": [{"product": "Ink", "quantity": 1, "price": 1}, {"product": "Ink", "quantity": 1, "price": 1}]}"#;
    let refused = app.post("POST /api/orders", &[], twice).await;
    assert_eq!(
        (refused.status, wrong(&refused.json())),
        (422, vec![(String::new(), "name each product once".to_owned())])
    );
}

/// A check that looks through the list for each of its items has the budget of a write.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_cannot_make_a_check_work_without_end() {
    // A server doesn't count steps: the deadline alone ends a statement there.
    if TestDatabase::chosen() != TestDatabase::Sqlite {
        return;
    }
    let app = TestApp::open(
        r#"
extend schema @app(name: "Site")
type User @identity @allow(read: "true") { email: Email! @unique }
type Line @embedded { sku: String! }
type Order @allow(read: "true", create: "true")
  @check(rule: "this.lines.all(a, this.lines.count(b, b.sku == a.sku) == 1)", message: "each once") {
  lines: [Line!]!
}
"#,
    );
    let make = async |count: usize, chars: usize| {
        let lines: Vec<String> = (0..count).map(|at| format!(r#"{{"sku":"{at:0>chars$}"}}"#)).collect();
        app.post("POST /api/orders", &[], &format!(r#"{{"lines":[{}]}}"#, lines.join(","))).await
    };
    let made = make(100, 10).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let ended = make(1000, 1000).await;
    assert_eq!((ended.status, &ended.json()["type"]), (422, &json!("/problems/too-costly")), "{}", ended.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_the_types_of_documents() {
    let app = TestApp::open(MODEL);
    let document = app.call("GET /openapi.json", &[]).await.json();
    let schemas = &document["components"]["schemas"];
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let sent = |name: &str| json!({ "allOf": [reference(name), { "required": ["__typename"] }] });
    let blocks = &schemas["Page.Create"]["properties"]["blocks"];
    assert_eq!(blocks["items"]["oneOf"], json!([sent("Quote.Input"), sent("Picture.Input"), sent("Columns.Input")]));
    let mapping = |suffix: &str| {
        let path = |name: &str| format!("#/components/schemas/{name}{suffix}");
        json!({ "Quote": path("Quote"), "Picture": path("Picture"), "Columns": path("Columns") })
    };
    assert_eq!(blocks["items"]["discriminator"]["mapping"], mapping(".Input"));
    assert_eq!(schemas["Page"]["properties"]["blocks"]["items"]["discriminator"]["mapping"], mapping(""));
    assert_eq!(blocks["items"]["discriminator"]["propertyName"], json!("__typename"));
    assert_eq!(blocks["maxItems"], json!(3));
    assert_eq!(schemas["Page"]["properties"]["blocks"]["items"]["oneOf"][1], reference("Picture"));
    assert_eq!(schemas["Quote.Input"]["properties"]["__typename"], json!({ "const": "Quote" }));
    assert_eq!(schemas["Picture.Input"]["required"], json!(["url"]));
    assert_eq!(schemas["Picture"]["description"], json!("Something to look at."));
    assert_eq!(schemas["Columns.Input"]["properties"]["left"]["items"], reference("Cell.Input"));
    assert_eq!(schemas["Line.Input"]["required"], json!(["sku", "price"]));
    assert_eq!(schemas["Line.Input"]["properties"].get("__typename"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_example_holds() {
    let document = include_str!("../../../../docs/model.md");
    let (_, section) = document.split_once("\n### Lists and unions of embedded types\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, rest) = example.split_once("```").expect("its end");
    let (_, body) = rest.split_once("```json\n").expect("a body");
    let (body, _) = body.split_once("```").expect("its end");
    let user = r#"type User @identity @allow(read: "true") { email: Email! @unique }"#;
    let app = TestApp::open(&format!("extend schema @app(name: \"Site\")\n{user}\n{example}"));
    let made = app.post("POST /api/pages", &[], body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.json()["blocks"][1]["__typename"], json!("Picture"));
}
