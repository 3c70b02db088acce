//! References to one of several types: the example of docs/model.md, and the rights of those who follow them.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::id_of;

const DOCUMENT: &str = include_str!("../../../../docs/model.md");

/// The example's model.
fn model() -> String {
    let (_, section) = DOCUMENT.split_once("\n### References to one of several types\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let user = "type User @identity { email: Email! @unique name: String! }";
    format!("extend schema @app(name: \"Menu\")\n{user}\n{example}")
}

async fn made(app: &TestApp, path: &str, body: &Value) -> String {
    let reply = app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await;
    assert_eq!(reply.status, 201, "{body}: {}", reply.text());
    // If its creator may not read it, only the place is reported.
    reply.header("location").rsplit('/').next().unwrap_or_default().to_owned()
}

/// A page, an article, one that nobody but accounts reads, and a link to each.
async fn menu() -> (TestApp, [String; 3]) {
    let app = TestApp::open(&model());
    let page = made(&app, "pages", &json!({"title": "About"})).await;
    let article = made(&app, "articles", &json!({"title": "News", "slug": "news"})).await;
    let draft = json!({"title": "Draft", "slug": "draft"});
    let draft = made(&app, "articles", &draft).await;
    for (label, of, id) in [("a", "Page", &page), ("b", "Article", &article), ("c", "Article", &draft)] {
        made(&app, "menu-links", &json!({"label": label, "to": {"__typename": of, "id": id}})).await;
    }
    (app, [page, article, draft])
}

async fn items(app: &TestApp, query: &str) -> Value {
    let reply = app.call(&format!("GET /api/{query}"), &[]).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    reply.json()["items"].clone()
}

/// What is wrong, place by place.
fn wrong(reply: &Reply) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = reply.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| (text(&error["at"]), text(&error["message"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_is_written_and_read() {
    let (app, [page, article, _]) = menu().await;
    let to_page = json!({"__typename": "Page", "id": page});
    let made = app
        .post("POST /api/menu-links", &[], &json!({"label": "d", "to": {"id": page, "__typename": "Page"}}).to_string())
        .await;
    assert_eq!((made.status, &made.json()["to"]), (201, &to_page));
    let path = format!("/api/menu-links/{}", id_of(&made));
    assert_eq!(app.call(&format!("GET {path}"), &[]).await.json(), made.json());
    // What is sent as it was read changes nothing.
    let same = app.post(&format!("PATCH {path}"), &[], &json!({"to": to_page}).to_string()).await;
    assert_eq!((same.status, &same.json()["version"]), (200, &json!(1)));
    let to_article = json!({"__typename": "Article", "id": article});
    let other = app.post(&format!("PATCH {path}"), &[], &json!({"to": to_article}).to_string()).await;
    assert_eq!((other.status, &other.json()["to"]), (200, &to_article), "{}", other.text());
    assert_eq!(app.call(&format!("GET {path}"), &[]).await.json(), other.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_reference_is_named() {
    let (app, [page, article, _]) = menu().await;
    let check = async |to: Value, expected: &[(&str, &str)]| {
        let reply = app.post("POST /api/menu-links", &[], &json!({"label": "x", "to": to}).to_string()).await;
        let expected: Vec<(String, String)> =
            expected.iter().map(|(at, message)| ((*at).to_owned(), (*message).to_owned())).collect();
        assert_eq!((reply.status, wrong(&reply)), (422, expected), "{to}");
    };
    let shape = r#"expected an object such as {"__typename": "Page", "id": …}"#;
    check(json!(page), &[("/to", shape)]).await;
    check(json!([]), &[("/to", shape)]).await;
    check(json!(null), &[("/to", "a value is required")]).await;
    check(json!({"id": page}), &[("/to/__typename", "a value is required")]).await;
    check(json!({"__typename": "Page"}), &[("/to/id", "a value is required")]).await;
    check(json!({"__typename": 7, "id": page}), &[("/to/__typename", "expected the name of a type")]).await;
    let unknown = "unknown type `Pages`";
    check(json!({"__typename": "Pages", "id": page}), &[("/to/__typename", unknown)]).await;
    let none = "expected one of Page, Article";
    check(json!({"__typename": "MenuLink", "id": page}), &[("/to/__typename", none)]).await;
    let of_other = [("/to", "there is no Page with this id")];
    check(json!({"__typename": "Page", "id": article}), &of_other).await;
    let id = "expected an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"";
    check(json!({"__typename": "Page", "id": "x"}), &[("/to/id", id)]).await;
    check(json!({"__typename": "Page", "title": "About"}), &[("/to", "expected an id: Page has no unique key")]).await;
    check(json!({"__typename": "Article", "slug": "none"}), &[("/to", "there is no Article with this slug")]).await;
    let body = json!({"label": "x", "to": {"__typename": "Article", "slug": "news"}}).to_string();
    let made = app.post("POST /api/menu-links", &[], &body).await;
    assert_eq!((made.status, &made.json()["to"]), (201, &json!({"__typename": "Article", "id": article})));
}

#[tokio::test(flavor = "multi_thread")]
async fn selections_name_types_and_shared_fields() {
    let (app, [page, article, draft]) = menu().await;
    let check = async |select: &str, expected: Value| {
        assert_eq!(items(&app, &format!("menu-links?sort=label&select={select}")).await, expected, "{select}");
    };
    let whole = json!([
        {"to": {"__typename": "Page", "id": page}},
        {"to": {"__typename": "Article", "id": article}},
        {"to": {"__typename": "Article", "id": draft}},
    ]);
    check("to", whole.clone()).await;
    check("to{__typename}", whole).await;
    check(
        "to{title}",
        json!([
            {"to": {"__typename": "Page", "title": "About"}},
            {"to": {"__typename": "Article", "title": "News"}},
            {"to": {"__typename": "Article", "title": "Draft"}},
        ]),
    )
    .await;
    check(
        "at=to{name=title,Article{slug,links{label}}}",
        json!([
            {"at": {"__typename": "Page", "name": "About"}},
            {"at": {"__typename": "Article", "name": "News", "slug": "news", "links": [{"label": "b"}]}},
            {"at": {"__typename": "Article", "name": "Draft", "slug": "draft", "links": [{"label": "c"}]}},
        ]),
    )
    .await;
    check(
        "to{Article{slug}}",
        json!([
            {"to": {"__typename": "Page", "id": page}},
            {"to": {"__typename": "Article", "slug": "news"}},
            {"to": {"__typename": "Article", "slug": "draft"}},
        ]),
    )
    .await;
    let pages = items(&app, "pages?select=title,links{label,to{id}}").await;
    let link = json!([{"label": "a", "to": {"__typename": "Page", "id": page}}]);
    assert_eq!(pages, json!([{"title": "About", "links": link}]));
    for (select, problem) in [
        ("to{slug}", "Page has no field `slug`"),
        ("to{Post{title}}", "Page has no field `Post`"),
        ("to{Article{slug},Article{title}}", "`Article` is selected twice"),
        ("to{links{label},Page{links{id}}}", "`links` is selected twice"),
        ("to{title", "a '}' is missing"),
        ("to.title", "expected ',', not a path with '.'"),
    ] {
        let reply = app.call(&format!("GET /api/menu-links?select={select}"), &[]).await;
        let message = wrong(&reply).into_iter().next().unwrap_or_default().1;
        assert!(reply.status == 400 && message.starts_with(problem), "{select}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_name_types_and_shared_fields() {
    let (app, [page, ..]) = menu().await;
    let check = async |query: &str, expected: Value| {
        assert_eq!(items(&app, &format!("menu-links?sort=label&select=label&{query}")).await, expected, "{query}");
    };
    let labels = |labels: &[&str]| labels.iter().map(|label| json!({"label": label})).collect::<Value>();
    check("filter=to.Article.slug=='news'", labels(&["b"])).await;
    check("filter=to.Article!=null", labels(&["b", "c"])).await;
    check("filter=to.Article==null", labels(&["a"])).await;
    check("filter=to!=null", labels(&["a", "b", "c"])).await;
    check("filter=to.title.startsWith('D')", labels(&["c"])).await;
    check("filter=to.title!='News'", labels(&["a", "c"])).await;
    check(&format!("filter=to.id=='{page}'"), labels(&["a"])).await;
    check(&format!("to.Page={page}"), labels(&["a"])).await;
    assert_eq!(
        items(&app, "articles?select=slug&filter=links.exists(l,l.label=='b')").await,
        json!([{"slug": "news"}])
    );
    for query in
        ["filter=to=='x'", "filter=to.slug=='x'", "filter=to.type=='Page'", "filter=to.links==null", "sort=to", "to=x"]
    {
        let reply = app.call(&format!("GET /api/menu-links?{query}"), &[]).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_caller_may_not_read_is_hidden() {
    let (app, [_, _, draft]) = menu().await;
    let token = app.account("ann@example.org").await;
    let hide = r#"{"published": false, "title": "Hidden"}"#;
    let hidden = app.post(&format!("PATCH /api/articles/{draft}"), &[("authorization", &token)], hide).await;
    assert_eq!(hidden.status, 200, "{}", hidden.text());
    let shown = items(&app, "menu-links?filter=label=='c'&select=to{title,Article{slug}}").await;
    assert_eq!(shown, json!([{"to": null}]));
    // The id is part of the record that refers.
    let whole = items(&app, "menu-links?filter=label=='c'&select=to").await;
    assert_eq!(whole, json!([{"to": {"__typename": "Article", "id": draft}}]));
    for filter in ["to.title=='Hidden'", "to.title!='Hidden'%26%26label=='c'", "to.Article.published==false"] {
        assert_eq!(items(&app, &format!("menu-links?filter={filter}")).await, json!([]), "{filter}");
    }
    // Nobody links to what they may not read, whether it is there or not.
    for id in [draft.as_str(), "01890a5d-ac96-774b-bcce-b302099a8057"] {
        let body = json!({"label": "x", "to": {"__typename": "Article", "id": id}}).to_string();
        let refused = app.post("POST /api/menu-links", &[], &body).await;
        assert_eq!((refused.status, wrong(&refused)[0].0.as_str()), (422, "/to"));
    }
}

/// Pages are nobody's to read, and who reads where a note is, isn't everybody.
const CLOSED: &str = r#"
extend schema @app(name: "Closed")
type User @identity { email: Email! @unique }
union Place = Page | Post
type Page @allow(refer: "true", create: "true", delete: "true") { title: String! note: Note @inverse(field: "at") }
type Post @allow(read: "true", create: "true", delete: "true") { title: String! note: Note @inverse(field: "at") }
type Note @allow(read: "true", create: "true", update: "true", delete: "true") {
  text: String!
  at: Place @unique
  by: Place @onDelete(do: RESTRICT) @allow(read: "auth.id != null")
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_the_caller_never_reads_is_null() {
    let app = TestApp::open(CLOSED);
    let page = made(&app, "pages", &json!({"title": "P"})).await;
    let post = made(&app, "posts", &json!({"title": "Q"})).await;
    made(&app, "notes", &json!({"text": "p", "at": {"__typename": "Page", "id": page}})).await;
    made(&app, "notes", &json!({"text": "q", "at": {"__typename": "Post", "id": post}})).await;
    let shown = items(&app, "notes?sort=text&select=at{title}").await;
    assert_eq!(shown, json!([{"at": null}, {"at": {"__typename": "Post", "title": "Q"}}]));
    let whole = items(&app, "notes?sort=text&select=at").await;
    assert_eq!(whole[0], json!({"at": {"__typename": "Page", "id": page}}));
    // The other end of a unique reference is one record.
    assert_eq!(items(&app, "posts?select=note{text}").await, json!([{"note": {"text": "q"}}]));
    for query in
        ["filter=at.title=='P'", "filter=at.Page.title=='P'", "filter=by!=null", "filter=by.Post!=null", "select=by"]
    {
        let reply = app.call(&format!("GET /api/notes?{query}"), &[]).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
    }
    let again = json!({"text": "r", "at": {"__typename": "Post", "id": post}}).to_string();
    let again = app.post("POST /api/notes", &[], &again).await;
    assert_eq!(again.status, 409, "{}", again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_follows_references() {
    let (app, [page, article, _]) = menu().await;
    assert_eq!(app.call(&format!("DELETE /api/pages/{page}"), &[]).await.status, 204);
    let labels = items(&app, "menu-links?sort=label&select=label").await;
    assert_eq!(labels, json!([{"label": "b"}, {"label": "c"}]), "CASCADE");
    assert_eq!(app.call(&format!("GET /api/articles/{article}"), &[]).await.status, 200);

    let app = TestApp::open(CLOSED);
    let post = made(&app, "posts", &json!({"title": "Q"})).await;
    let to_post = json!({"__typename": "Post", "id": post});
    let note = made(&app, "notes", &json!({"text": "q", "at": to_post, "by": to_post})).await;
    let refused = app.call(&format!("DELETE /api/posts/{post}"), &[]).await;
    assert_eq!(refused.status, 409, "RESTRICT");
    let free = app.post(&format!("PATCH /api/notes/{note}"), &[], r#"{"by": null}"#).await;
    assert_eq!(free.status, 200, "{}", free.text());
    assert_eq!(app.call(&format!("DELETE /api/posts/{post}"), &[]).await.status, 204);
    assert_eq!(items(&app, "notes?select=at").await, json!([{"at": null}]), "SET_NULL");
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_describes_references() {
    let app = TestApp::open(&model());
    let schemas = &app.call("GET /openapi.json", &[]).await.json()["components"]["schemas"];
    let sent = &schemas["MenuLink.Create"]["properties"]["to"];
    assert_eq!(sent["properties"]["__typename"]["enum"], json!(["Page", "Article"]));
    assert_eq!(sent["required"], json!(["__typename", "id"]));
    assert_eq!(schemas["MenuLink.Create"]["required"], json!(["label", "to"]));
    let read = &schemas["MenuLink"]["properties"]["to"];
    let page = json!({
        "allOf": [
            {"$ref": "#/components/schemas/Page"},
            {"properties": {"__typename": {"const": "Page"}}, "required": ["__typename"]},
        ],
    });
    assert_eq!((&read["oneOf"][0], read["oneOf"].as_array().map(Vec::len)), (&page, Some(2)));
    assert_eq!(read["discriminator"]["propertyName"], json!("__typename"));
    assert_eq!(read["discriminator"]["mapping"]["Article"], json!("#/components/schemas/Article"));
}
