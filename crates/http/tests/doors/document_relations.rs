//! Relations in documents: the example of docs/model.md.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::id_of;

fn section() -> &'static str {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    DOCUMENT.split_once("\n### Relations in documents\n").expect("the section").1
}

fn example(language: &str) -> &'static str {
    let (_, example) = section().split_once(&format!("```{language}\n")).expect("an example");
    example.split_once("```").expect("its end").0
}

fn open(more: &str) -> TestApp {
    let user = r#"type User @identity @allow(read: "true") { email: Email! @unique name: String! }"#;
    TestApp::open(&format!("extend schema @app(name: \"News\")\n{user}\n{}\n{more}", example("graphql")))
}

async fn made(app: &TestApp, path: &str, body: &Value) -> String {
    let reply = app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await;
    assert_eq!(reply.status, 201, "{body}: {}", reply.text());
    reply.header("location").rsplit('/').next().unwrap_or_default().to_owned()
}

fn wrong(reply: &Reply) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = reply.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| (text(&error["at"]), text(&error["message"]))).collect()
}

fn teaser(story: &str) -> Value {
    json!({"__typename": "Teaser", "headline": null, "story": story})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_example_holds() {
    let app = open("");
    let story = made(&app, "stories", &json!({"title": "A"})).await;
    let topic = made(&app, "topics", &json!({"name": "Moon"})).await;
    let body = example("json").replace("01890a5d-ac96-774b-bcce-b302099a8057", &story);
    let body = body.replace("01890a5d-ac96-774b-bcce-b302099a8058", &topic);
    let reply = app.post("POST /api/stories", &[], &body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let sent: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(reply.json()["sections"], sent["sections"]);
    assert_eq!(reply.json()["related"], sent["related"]);
    let path = format!("/api/stories/{}", id_of(&reply));
    assert_eq!(app.call(&format!("GET {path}"), &[]).await.json(), reply.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn references_must_lead_to_records_that_the_caller_may_read() {
    let app = open("");
    let story = made(&app, "stories", &json!({"title": "A"})).await;
    let hidden = made(&app, "stories", &json!({"title": "B", "public": false})).await;
    let topic = made(&app, "topics", &json!({"name": "Moon"})).await;
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    let check = async |body: Value, expected: &[(&str, &str)]| {
        let reply = app.post("POST /api/stories", &[], &body.to_string()).await;
        let expected: Vec<(String, String)> =
            expected.iter().map(|(at, message)| ((*at).to_owned(), (*message).to_owned())).collect();
        assert_eq!((reply.status, wrong(&reply)), (422, expected), "{body}: {}", reply.text());
    };
    let none = "there is no Story with this id";
    let sections = |last: &str| json!({"title": "T", "sections": [teaser(&story), teaser(last)]});
    check(sections(unknown), &[("/sections/1/story", none)]).await;
    check(sections(&hidden), &[("/sections/1/story", none)]).await;
    check(sections(&topic), &[("/sections/1/story", none)]).await;
    let id = "expected an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"";
    check(json!({"title": "T", "sections": [teaser("x")]}), &[("/sections/0/story", id)]).await;
    let by_name = json!({"__typename": "Teaser", "story": {"title": "A"}});
    let no_key = "expected an id: Story has no unique key";
    check(json!({"title": "T", "sections": [by_name]}), &[("/sections/0/story", no_key)]).await;
    let without = json!({"__typename": "Teaser", "headline": "x"});
    check(json!({"title": "T", "sections": [without]}), &[("/sections/0/story", "a value is required")]).await;
    let related = |to: Value| json!({"title": "T", "related": [{"label": "l", "to": to}]});
    check(related(json!({"__typename": "Story", "id": hidden})), &[("/related/0/to", none)]).await;
    let no_topic = "there is no Topic with this id";
    check(related(json!({"__typename": "Topic", "id": story})), &[("/related/0/to", no_topic)]).await;
    check(related(json!({"id": topic})), &[("/related/0/to/__typename", "a value is required")]).await;
    check(related(json!({"__typename": "Topic"})), &[("/related/0/to/id", "a value is required")]).await;
    let one_of = "expected one of Story, Topic; did you mean Topic?";
    check(related(json!({"__typename": "Topics", "id": topic})), &[("/related/0/to/__typename", one_of)]).await;
    let shape = r#"expected an object such as {"__typename": "Story", "id": …}"#;
    check(related(json!(topic)), &[("/related/0/to", shape)]).await;

    // What the document refers to already stays, although the caller can't read it.
    let ada = app.account("ada@example.org").await;
    let body = json!({"title": "T", "sections": [teaser(&hidden)]}).to_string();
    let reply = app.post("POST /api/stories", &[("authorization", &ada)], &body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let path = format!("/api/stories/{}", id_of(&reply));
    let more = json!({"sections": [teaser(&story), teaser(&hidden)]}).to_string();
    let reply = app.post(&format!("PATCH {path}"), &[], &more).await;
    assert_eq!((reply.status, &reply.json()["sections"][1]), (200, &teaser(&hidden)), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_keeps_what_it_requires() {
    let app = open("");
    let ada = app.account("ada@example.org").await;
    let story = made(&app, "stories", &json!({"title": "A"})).await;
    let holder = made(&app, "stories", &json!({"title": "B", "sections": [teaser(&story)]})).await;
    let refused = app.call(&format!("DELETE /api/stories/{story}"), &[]).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(refused.json()["type"], json!("/problems/still-referenced"));
    assert!(refused.text().contains("sections"), "{}", refused.text());
    // Nobody learns of a record that they may not read.
    let hide = app.post(&format!("PATCH /api/stories/{holder}"), &[], r#"{"public": false}"#).await;
    assert_eq!(hide.status, 204, "{}", hide.text());
    let refused = app.call(&format!("DELETE /api/stories/{story}"), &[]).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(!refused.text().contains("sections"), "{}", refused.text());
    // A document without the reference keeps nothing.
    let auth = [("authorization", ada.as_str())];
    let emptied = app.post(&format!("PATCH /api/stories/{holder}"), &auth, r#"{"sections": []}"#).await;
    assert_eq!(emptied.status, 200, "{}", emptied.text());
    assert_eq!(app.call(&format!("DELETE /api/stories/{story}"), &[]).await.status, 204);
    // One that refers to its own record goes with it.
    let own = json!({"sections": [teaser(&holder)]}).to_string();
    let own = app.post(&format!("PATCH /api/stories/{holder}"), &auth, &own).await;
    assert_eq!(own.status, 200, "{}", own.text());
    assert_eq!(app.call(&format!("DELETE /api/stories/{holder}"), &auth).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn references_that_can_be_null_are_emptied() {
    let app = open("");
    let topic = made(&app, "topics", &json!({"name": "Moon"})).await;
    let other = made(&app, "topics", &json!({"name": "Sun"})).await;
    let to = |id: &str| json!({"__typename": "Topic", "id": id});
    let related = json!([
        {"label": "a", "to": to(&topic)}, {"label": "b", "to": to(&other)}, {"label": "c", "to": to(&topic)},
    ]);
    let story = made(&app, "stories", &json!({"title": "A", "related": related})).await;
    let gone = app.call(&format!("DELETE /api/topics/{topic}"), &[]).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    let read = app.call(&format!("GET /api/stories/{story}"), &[]).await.json();
    let left = json!([
        {"label": "a", "to": null}, {"label": "b", "to": to(&other)}, {"label": "c", "to": null},
    ]);
    assert_eq!((&read["related"], &read["version"]), (&left, &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_filters_compare_references() {
    let app = open("");
    let story = made(&app, "stories", &json!({"title": "A"})).await;
    let lead = json!({"title": "B", "lead": story, "sections": [teaser(&story)]});
    made(&app, "stories", &lead).await;
    made(&app, "stories", &json!({"title": "C", "sections": [teaser(&story)], "related": [{"label": "x"}]})).await;
    let check = async |filter: &str, expected: &[&str]| {
        let filter = filter.replace(' ', "%20").replace('\'', "%27").replace('&', "%26");
        let reply = app.call(&format!("GET /api/stories?sort=title&select=title&filter={filter}"), &[]).await;
        assert_eq!(reply.status, 200, "{filter}: {}", reply.text());
        let items = reply.json()["items"].as_array().cloned().unwrap_or_default();
        let titles: Vec<&str> = items.iter().filter_map(|item| item["title"].as_str()).collect();
        assert_eq!(titles, expected, "{filter}");
    };
    check("this.sections.exists(s, s.story == this.lead)", &["B"]).await;
    check(&format!("sections.exists(s, s.story == '{story}')"), &["B", "C"]).await;
    check("sections.exists(s, s.story.id == this.id)", &[]).await;
    check("sections.exists(s, s.story != null)", &["B", "C"]).await;
    check("related.exists(r, r.to == null)", &["C"]).await;
    check("sections.exists(s, s.story.title == 'A')", &["B", "C"]).await;
    check("sections[0].story.lead == null && sections != null", &["B", "C"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_follow_references_as_far_as_the_caller_sees() {
    let world = Referring::open().await;
    let check = async |filter: &str, caller: Option<&str>, expected: &[&str]| {
        let headers: Vec<(&str, &str)> = caller.map(|token| ("authorization", token)).into_iter().collect();
        let filter = filter.replace(' ', "%20").replace('\'', "%27").replace('&', "%26");
        let reply = world.app.call(&format!("GET /api/stories?select=title&filter={filter}"), &headers).await;
        assert_eq!(reply.status, 200, "{filter}: {}", reply.text());
        let items = reply.json()["items"].as_array().cloned().unwrap_or_default();
        let titles: Vec<&str> = items.iter().filter_map(|item| item["title"].as_str()).collect();
        assert_eq!(titles, expected, "{filter}");
    };
    check("sections.exists(s, s.story.title == 'A')", None, &["T"]).await;
    check("sections.exists(s, s.story.title == 'B')", None, &[]).await;
    check("sections.exists(s, !s.story.public)", None, &[]).await;
    check("sections.exists(s, s.story.title == 'B')", Some(&world.ada), &["T"]).await;
    check("related.exists(r, r.to.Topic.name == 'Moon')", None, &["T"]).await;
    check("related.exists(r, r.to.Story.title == 'B')", None, &[]).await;
    check("related[1].to.__typename == 'Story'", None, &["T"]).await;
    check("sections[1].story.title == 'A'", None, &["T"]).await;
    check("sections[2].story.title == null && title == 'T'", None, &["T"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_and_the_history_know_references_in_documents() {
    let app = open(
        r#"
type Folder @allow(read: "true", create: "true", update: "true", delete: "true") @trash @history(read: "true") {
  entries: [Entry!]
  notes: [Note!]
}
type Entry @embedded { card: Card! }
type Note @embedded { text: String, card: Card }
type Card @allow(read: "true", create: "true", delete: "true") @trash { name: String }
"#,
    );
    let ask = async |line: String, status: u16| {
        let reply = app.call(&line, &[]).await;
        assert_eq!(reply.status, status, "{line}: {}", reply.text());
        reply
    };
    let card = made(&app, "cards", &json!({"name": "a"})).await;
    let folder = made(&app, "folders", &json!({"entries": [{"card": card}]})).await;
    let noted = made(&app, "folders", &json!({"notes": [{"text": "t", "card": card}]})).await;
    ask(format!("DELETE /api/cards/{card}"), 409).await;
    ask(format!("DELETE /api/folders/{folder}"), 204).await;
    // A record in the trash keeps none from going there too; what can be without it is released.
    ask(format!("DELETE /api/cards/{card}"), 204).await;
    let released = ask(format!("GET /api/folders/{noted}"), 200).await.json();
    assert_eq!((&released["notes"][0]["card"], &released["version"]), (&json!(null), &json!(2)));
    let history = ask(format!("GET /api/folders/{noted}:history"), 200).await.json();
    assert_eq!(history["items"].as_array().map(Vec::len), Some(2), "{history}");
    // It doesn't come back before what it refers to.
    let refused = app.post(&format!("POST /api/folders/{folder}:restore"), &[], "").await;
    assert_eq!(
        (refused.status, &refused.json()["type"]),
        (409, &json!("/problems/refers-to-trash")),
        "{}",
        refused.text()
    );
    // A new reference to a record in the trash is refused.
    let reply = app.post("POST /api/folders", &[], &json!({"entries": [{"card": card}]}).to_string()).await;
    let none = ("/entries/0/card".to_owned(), "there is no Card with this id".to_owned());
    assert_eq!((reply.status, wrong(&reply)), (422, vec![none]));
    // What refers to a record and can't be without it keeps it from being purged, in the trash too.
    let refused = ask(format!("POST /api/cards/{card}:purge"), 409).await.json();
    assert_eq!(refused["type"], json!("/problems/still-referenced"));
    ask(format!("POST /api/folders/{folder}:purge"), 204).await;
    ask(format!("POST /api/cards/{card}:purge"), 204).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_references() {
    let app = open("");
    let document = app.call("GET /openapi.json", &[]).await.json();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Teaser.Input"]["properties"]["story"]["format"], json!("uuid"));
    assert_eq!(schemas["Teaser.Input"]["required"], json!(["story"]));
    assert_eq!(schemas["Teaser"]["properties"]["story"]["format"], json!("uuid"));
    assert!(schemas["Related"]["properties"]["to"].to_string().contains("Topic"), "{}", schemas["Related"]);
}

/// The same example with a story that refers to others, of which one is hidden from those who aren't signed in.
struct Referring {
    app: TestApp,
    ada: String,
    topic: String,
    shown: String,
    hidden: String,
    /// The id of the story.
    id: String,
}

impl Referring {
    async fn open() -> Self {
        let app = open("");
        let ada = app.account("ada@example.org").await;
        let topic = made(&app, "topics", &json!({"name": "Moon"})).await;
        let shown = made(&app, "stories", &json!({"title": "A"})).await;
        let hidden = made(&app, "stories", &json!({"title": "B", "public": false})).await;
        let body = json!({
            "title": "T",
            "lead": shown,
            "sections": [paragraph(), teaser(&shown), teaser(&hidden), teaser(&shown)],
            "related": [
                {"label": "a", "to": to("Topic", &topic)},
                {"label": "b", "to": to("Story", &hidden)},
                {"label": "c", "to": null},
            ],
        });
        let made = app.post("POST /api/stories", &[("authorization", &ada)], &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let id = id_of(&made);
        Self { app, ada, topic, shown, hidden, id }
    }

    /// What a selection answers, alone and in a list.
    async fn check(&self, select: &str, caller: Option<&str>, expected: Value) {
        let headers: Vec<(&str, &str)> = caller.map(|token| ("authorization", token)).into_iter().collect();
        let one = self.app.call(&format!("GET /api/stories/{}?select={select}", self.id), &headers).await;
        assert_eq!((one.status, one.json()), (200, expected.clone()), "{select}: {}", one.text());
        let all = self.app.call(&format!("GET /api/stories?filter=title=='T'&select={select}"), &headers).await;
        assert_eq!((all.status, all.json()["items"].clone()), (200, json!([expected])), "{select}: {}", all.text());
    }
}

fn paragraph() -> Value {
    json!({"__typename": "Paragraph", "text": "Good morning."})
}

fn to(of: &str, id: &str) -> Value {
    json!({"__typename": of, "id": id})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_chooses_members_of_documents() {
    let world = Referring::open().await;
    let (plain, unnamed) = (json!({"__typename": "Paragraph"}), json!({"__typename": "Teaser"}));
    let headline = json!({"__typename": "Teaser", "headline": null});
    let texts = json!({"sections": [paragraph(), unnamed, unnamed, unnamed]});
    world.check("sections{text}", None, texts).await;
    world.check("what=sections{headline}", None, json!({"what": [plain, headline, headline, headline]})).await;
    let nothing = json!({"title": "T", "lead": {"sections": null}});
    world.check("title,lead{sections{story{id}}}", None, nothing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_reads_the_records_that_a_document_refers_to() {
    let world = Referring::open().await;
    let plain = json!({"__typename": "Paragraph"});
    let section = |story: Value| json!({"__typename": "Teaser", "story": story});
    let sections = |first: &Value, second: &Value| {
        json!([plain, section(first.clone()), section(second.clone()), section(first.clone())])
    };
    let (a, b, id) = (json!({"title": "A"}), json!({"title": "B"}), json!({"id": world.shown}));
    world.check("sections{story{title}}", None, json!({"sections": sections(&a, &Value::Null)})).await;
    let seen = json!({"sections": sections(&a, &b)});
    world.check("sections{Teaser{story{title}}}", Some(&world.ada), seen).await;
    // Two selections of one document don't disturb each other.
    let both = json!({"first": sections(&a, &Value::Null), "second": sections(&id, &Value::Null)});
    world.check("first=sections{Teaser{story{title}}},second=sections{story{id}}", None, both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_reads_records_of_several_types_through_documents() {
    let world = Referring::open().await;
    let labelled = |label: &str, to: Value| json!({"label": label, "to": to});
    let moon = labelled("a", json!({"__typename": "Topic", "name": "Moon"}));
    let (no_b, no_c) = (labelled("b", Value::Null), labelled("c", Value::Null));
    let related = json!({"related": [moon, no_b, no_c]});
    world.check("related{label,to{Topic{name},Story{title}}}", None, related).await;
    let by_id = labelled("b", to("Story", &world.hidden));
    let related = json!({"related": [moon, by_id, no_c]});
    world.check("related{label,to{Topic{name}}}", Some(&world.ada), related).await;
    let related = json!([{"to": to("Topic", &world.topic)}, {"to": null}, {"to": null}]);
    let expected = json!({"lead": {"title": "A"}, "related": related});
    world.check("lead{title},related{to{id}}", None, expected).await;
}

const RESTRICTED: &str = r#"
extend schema @app(name: "Restricted") @rule(name: "staff", is: "auth.id != null")
type User @identity @allow(read: "true") { email: Email! @unique name: String }
type Secret @allow(read: "false", refer: "true", create: "true") { name: String! }
type Part @allow(read: "true", create: "true") { name: String! cost: Int @allow(read: "staff") }
type Line @embedded { n: Int, part: Part, secret: Secret, either: Either }
union Either = Part | Secret
type Kit @embedded { name: String, lines: [Line!], main: Line }
type Box @allow(read: "true", create: "true", delete: "true") @history(read: "true") @trash(keep: "30d") {
  kits: [Kit!] @allow(read: "this.open || staff")
  open: Boolean!
  hidden: [Line!] @allow(read: "staff")
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_through_a_document_shows_no_more_than_the_caller_may_see() {
    let app = TestApp::open(RESTRICTED);
    let ada = app.account("ada@example.org").await;
    let secret = made(&app, "secrets", &json!({"name": "S"})).await;
    let part = made(&app, "parts", &json!({"name": "P"})).await;
    let line = json!({"n": 1, "part": part, "secret": secret, "either": {"__typename": "Secret", "id": secret}});
    let kits = json!([{"name": "K", "lines": [line, {"n": 2}], "main": line}, {"name": "L", "lines": null}]);
    for open in [true, false] {
        let body = json!({"open": open, "kits": kits});
        made(&app, "boxes", &body).await;
    }
    let ask = async |select: &str, token: Option<&str>| {
        let headers: Vec<(&str, &str)> = token.map(|token| ("authorization", token)).into_iter().collect();
        app.call(&format!("GET /api/boxes?sort=id&select={select}"), &headers).await
    };
    // What is never seen can't be named.
    for select in ["kits{lines{secret{name}}}", "kits{lines{part{cost}}}", "hidden{n}", "kits{main{secret{id}}}"] {
        let reply = ask(select, None).await;
        assert_eq!(reply.status, 400, "{select}: {}", reply.text());
    }
    for filter in [
        "kits.exists(k,k.main.secret.name=='S')",
        "kits.exists(k,k.main.part.cost==1)",
        "kits[0].lines[0].part.cost==null",
    ] {
        let reply = app.call(&format!("GET /api/boxes?filter={filter}"), &[]).await;
        assert_eq!(reply.status, 400, "{filter}: {}", reply.text());
    }
    let cost = ask("kits{lines{part{cost}}}", Some(&ada)).await;
    assert_eq!(cost.json()["items"][0]["kits"][0]["lines"][0]["part"], json!({"cost": null}), "{}", cost.text());
    let either = ask("kits{main{either{Part{name},Secret{name}}}}", None).await;
    assert_eq!(either.json()["items"][0]["kits"][0]["main"]["either"], Value::Null, "{}", either.text());
    let shown = ask("open,kits{name,lines{n,part{name}}}", None).await.json();
    let lines = json!([{"n": 1, "part": {"name": "P"}}, {"n": 2, "part": null}]);
    let kits = json!([{"name": "K", "lines": lines}, {"name": "L", "lines": null}]);
    assert_eq!(shown["items"], json!([{"open": true, "kits": kits}, {"open": false}]));
    // The records that a document referred to in the past are live ones, which the past can't show.
    let past = app.call("GET /api/boxes?asOf=2999-01-01T00:00:00Z&select=kits{lines{part{name}}}", &[]).await;
    assert_eq!(past.status, 400, "{}", past.text());
    let past = app.call("GET /api/boxes?asOf=2026-01-01T00:00:00Z&select=kits{name}", &[]).await;
    assert!(!past.text().contains("history doesn't keep"), "{}", past.text());
    // A deletion moves a box to the trash, where its documents refer to the same records.
    let id = app.call("GET /api/boxes?open=true&select=id", &[]).await.json()["items"][0]["id"].clone();
    let gone = app.call(&format!("DELETE /api/boxes/{}", id.as_str().unwrap_or_default()), &[]).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    let trash = app.call("GET /api/boxes:trash?select=kits{lines{part{name}}}", &[]).await;
    assert_eq!(trash.json()["items"][0]["kits"][0]["lines"][0]["part"], json!({"name": "P"}), "{}", trash.text());
}

/// However many references of a document go at once, it is written anew once: its record has one version more.
#[tokio::test(flavor = "multi_thread")]
async fn references_that_go_together_are_emptied_in_one_change() {
    let model = r#"
extend schema @app(name: "Pages")
type User @identity @allow(read: "true") { email: Email! @unique }
type Group @allow(read: "true", create: "true", delete: "true") { name: String! }
type Item @allow(read: "true", create: "true") { group: Group! @onDelete(do: CASCADE) }
type Block @embedded { item: Item other: Item }
type Page @history(read: "true") @allow(read: "true", create: "true") { blocks: [Block!] }
"#;
    let app = TestApp::open(model);
    let group = made(&app, "groups", &json!({ "name": "A" })).await;
    let items = json!(vec![json!({ "group": group }); 300]);
    let items = app.post("POST /api/items", &[], &items.to_string()).await.json();
    let ids: Vec<&Value> = items.as_array().into_iter().flatten().map(|item| &item["id"]).collect();
    let kept = made(&app, "groups", &json!({ "name": "B" })).await;
    let kept = made(&app, "items", &json!({ "group": kept })).await;
    let blocks: Vec<Value> = ids.iter().map(|id| json!({ "item": id, "other": kept })).collect();
    let page = made(&app, "pages", &json!({ "blocks": blocks })).await;
    assert_eq!(app.call(&format!("DELETE /api/groups/{group}"), &[]).await.status, 204);
    let read = app.call(&format!("GET /api/pages/{page}"), &[]).await.json();
    assert_eq!(read["version"], 2);
    assert_eq!(read["blocks"], json!(vec![json!({ "item": null, "other": kept }); 300]));
    let history = app.call(&format!("GET /api/pages/{page}:history"), &[]).await.json();
    assert_eq!(history["items"].as_array().map(Vec::len), Some(2));
}

const TOURS: &str = r#"
        type Place @key(type: TEXT, given: true) @allow(read: "this.open", create: "true") {
          code: String! @unique, open: Boolean! @default(to: true)
        }
        type Seat @key(type: INT) @allow(read: "true", create: "true") @unique(fields: ["row", "place"]) { row: Int!, place: Place! }
        type Stop @embedded { at: Place!, seat: Seat, topics: [About!] }
        type About @embedded { topic: Topic, to: Destination }
        type Tour @allow(read: "true", create: "true", update: "true") { name: String! @unique, stops: [Stop!] }
    "#;

#[tokio::test(flavor = "multi_thread")]
async fn references_are_named_by_unique_keys() {
    let app = open(TOURS);
    let topic = made(&app, "topics", &json!({"name": "Moon"})).await;
    for place in [json!({"id": "north/1".replace('/', "-"), "code": "N"}), json!({"id": "s", "code": "S"})] {
        made(&app, "places", &place).await;
    }
    made(&app, "places", &json!({"id": "shut", "code": "X", "open": false})).await;
    for row in [4, 5] {
        made(&app, "seats", &json!({"row": row, "place": "s"})).await;
    }
    let about = json!([
        {"topic": {"name": "Moon"}, "to": null},
        {"topic": null, "to": {"__typename": "Topic", "name": "Moon"}},
        {"topic": topic, "to": {"__typename": "Topic", "id": {"name": "Moon"}}},
    ]);
    let sent = json!([
        {"at": {"code": "N"}, "seat": {"row": 5, "place": {"code": "S"}}, "topics": about},
        {"at": "s", "seat": null, "topics": null},
        {"seat": {"place": "s", "row": 4}, "at": {"id": "s"}},
    ]);
    let tagged = json!({"__typename": "Topic", "id": topic});
    let stored = json!([
        {"at": "north-1", "seat": 2, "topics": [
            {"topic": topic, "to": null}, {"topic": null, "to": tagged}, {"topic": topic, "to": tagged}]},
        {"at": "s", "seat": null, "topics": null},
        {"at": "s", "seat": 1, "topics": null},
    ]);
    let body = json!({"name": "A", "stops": sent}).to_string();
    let reply = app.post("POST /api/tours", &[], &body).await;
    assert_eq!((reply.status, &reply.json()["stops"]), (201, &stored), "{}", reply.text());
    let path = format!("/api/tours/{}", id_of(&reply));
    let empty = app.post(&format!("PATCH {path}"), &[], r#"{"stops": []}"#).await;
    assert_eq!(empty.status, 200, "{}", empty.text());
    for line in [format!("PATCH {path}"), format!("PUT {path}"), "PUT /api/tours:by?name=A".to_owned()] {
        let reply = app.post(&line, &[], &body).await;
        assert_eq!((reply.status, &reply.json()["stops"]), (200, &stored), "{line}: {}", reply.text());
    }
    // It is a reference like any other.
    let deleted = app.call(&format!("DELETE /api/topics/{topic}"), &[]).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    let left = app.call(&format!("GET {path}"), &[]).await.json();
    assert_eq!(left["stops"][0]["topics"][2], json!({"topic": null, "to": null}));

    // What the same commit made.
    let both = json!({"requests": [
        {"create": "topics", "body": {"name": "Sun"}},
        {"create": "tours", "body": {"name": "B", "stops": [{"at": {"code": "S"}, "topics": [{"topic": {"name": "Sun"}}]}]}},
    ]});
    let reply = app.post("POST /transact", &[], &both.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let [first, second] = [0, 1].map(|index| reply.json()["results"][index].clone());
    assert_eq!(second["stops"][0]["topics"][0]["topic"], first["id"]);

    let check = async |stop: Value, expected: &[(&str, &str)]| {
        let body = json!({"name": "C", "stops": [{"at": "s"}, stop]});
        let reply = app.post("POST /api/tours", &[], &body.to_string()).await;
        let expected: Vec<(String, String)> =
            expected.iter().map(|(at, message)| ((*at).to_owned(), (*message).to_owned())).collect();
        assert_eq!((reply.status, wrong(&reply)), (422, expected), "{body}: {}", reply.text());
    };
    let none = "there is no Place with this code";
    check(json!({"at": {"code": "?"}}), &[("/stops/1/at", none)]).await;
    check(json!({"at": {"code": "X"}}), &[("/stops/1/at", none)]).await;
    let topics = json!([{"topic": {"name": "Mars"}}, {"to": {"__typename": "Topic", "name": "Mars"}}]);
    let no_topic = "there is no Topic with this name";
    let both = [("/stops/1/topics/0/topic", no_topic), ("/stops/1/topics/1/to", no_topic)];
    check(json!({"at": "s", "topics": topics}), &both).await;
    let no_seat = "there is no Seat with this row and place";
    check(json!({"at": "s", "seat": {"row": 9, "place": {"code": "S"}}}), &[("/stops/1/seat", no_seat)]).await;
    let key = r#"expected an id or {"code": …} of a Place"#;
    check(json!({"at": {"open": true}}), &[("/stops/1/at", key)]).await;
}
