//! The order of an enum's values: as declared, wherever records are compared or sorted.

use backstay_testkit::TestApp;
use serde_json::{Value, json};

const HEAD: &str = "extend schema @app(name: \"Tasks\")\ntype User @identity { email: Email! @unique }\n";

/// The example of docs/model.md, behind a name and accounts.
fn documented() -> String {
    let document = include_str!("../../../../docs/model.md");
    let (_, section) = document.split_once("\n### Enums\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    format!("{HEAD}{}", example.split_once("```").expect("its end").0)
}

async fn made(app: &TestApp, path: &str, body: Value) -> String {
    crate::id_of(&app.post(&format!("POST /api/{path}"), &[], &body.to_string()).await)
}

/// One task of each priority, called like it, and one without.
async fn tasks(model: &str) -> (TestApp, String) {
    let app = TestApp::open(model);
    let project = made(&app, "projects", json!({ "ceiling": "URGENT" })).await;
    for priority in ["MEDIUM", "URGENT", "LOW", "HIGH"] {
        made(&app, "tasks", json!({ "title": priority, "priority": priority, "project": project })).await;
    }
    made(&app, "tasks", json!({ "title": "NONE", "project": project })).await;
    (app, project)
}

/// The titles of a list, all pages of it.
async fn titles(app: &TestApp, query: &str, limit: usize) -> Vec<String> {
    let (mut titles, mut after) = (Vec::new(), String::new());
    loop {
        let line = format!("GET /api/tasks?{query}&limit={limit}{after}");
        let reply = app.call(&line, &[]).await;
        assert_eq!(reply.status, 200, "{line} {}", reply.text());
        let page = reply.json();
        for item in page["items"].as_array().expect("items") {
            titles.push(item["title"].as_str().expect("a title").to_owned());
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return titles,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_sorted_in_the_order_of_declaration() {
    let (app, project) = tasks(&documented()).await;
    for limit in [1, 2, 100] {
        let up = ["LOW", "MEDIUM", "HIGH", "URGENT", "NONE"];
        let down = ["NONE", "URGENT", "HIGH", "MEDIUM", "LOW"];
        assert_eq!(titles(&app, "sort=priority", limit).await, up, "{limit}");
        assert_eq!(titles(&app, "sort=-priority", limit).await, down, "{limit}");
        assert_eq!(titles(&app, "sort=-priority,-title&filter=priority!=null", limit).await, down[1..], "{limit}");
    }
    let line = format!("GET /api/projects/{project}?select=most,tasks(sort:[-priority],limit:2){{title}}");
    let nested = app.call(&line, &[]).await.json();
    assert_eq!(
        nested,
        json!({ "most": "URGENT", "tasks": [{ "title": "NONE" }, { "title": "URGENT" }], "$more": ["tasks"] })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_compare_in_the_order_of_declaration() {
    let (app, _) = tasks(&documented()).await;
    let check = async |filter: &str, expected: &[&str]| {
        assert_eq!(titles(&app, &format!("filter={filter}&sort=priority"), 100).await, expected, "{filter}");
    };
    check("priority%3E='HIGH'", &["HIGH", "URGENT"]).await;
    check("priority%3C'HIGH'", &["LOW", "MEDIUM"]).await;
    check("!(priority%3C'HIGH')", &["HIGH", "URGENT"]).await;
    check("priority%3C'LOW'", &[]).await;
    check("priority%3C=$most&$most=MEDIUM", &["LOW", "MEDIUM"]).await;
    check("priority==project.most", &["URGENT"]).await;
    check("priority%3Cproject.tasks.max(t,t.priority)", &["LOW", "MEDIUM", "HIGH"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_checks_compare_in_the_order_of_declaration() {
    let (app, _) = tasks(&documented()).await;
    let low = made(&app, "projects", json!({ "ceiling": "MEDIUM" })).await;
    let body = json!({ "title": "a", "priority": "HIGH", "project": low }).to_string();
    let refused = app.post("POST /api/tasks", &[], &body).await;
    assert_eq!((refused.status, refused.text().contains("at most the project's ceiling")), (422, true), "{refused:?}");
    let task = made(&app, "tasks", json!({ "title": "a", "priority": "MEDIUM", "project": low })).await;
    let lifted = app.post(&format!("PATCH /api/tasks/{task}"), &[], r#"{"project":null,"priority":"URGENT"}"#).await;
    assert_eq!(lifted.status, 401, "nobody may leave it urgent: {lifted:?}");
    let raised = app.post(&format!("PATCH /api/tasks/{task}"), &[], r#"{"project":null,"priority":"HIGH"}"#).await;
    assert_eq!(raised.status, 200, "{raised:?}");
}

/// What a caller doesn't see is null to the order, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_value_has_no_place_in_the_order() {
    let model = documented().replace(
        "  priority: Priority @check",
        "  priority: Priority @allow(read: \"this.priority != 'URGENT'\") @check",
    );
    let (app, _) = tasks(&model).await;
    for limit in [1, 100] {
        let sorted = titles(&app, "sort=priority", limit).await;
        assert_eq!(sorted, ["LOW", "MEDIUM", "HIGH", "URGENT", "NONE"], "the two are ordered by id");
    }
    assert_eq!(titles(&app, "filter=priority%3E='LOW'&sort=-priority", 100).await, ["HIGH", "MEDIUM", "LOW"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_in_alphabetical_order_are_served_by_an_index() {
    let model = documented()
        .replace("LOW MEDIUM HIGH URGENT", "HIGH LOW MEDIUM URGENT")
        .replace("type Task\n", "type Task @index(fields: [\"priority\"])\n");
    let (app, _) = tasks(&model).await;
    assert_eq!(titles(&app, "sort=priority", 2).await, ["HIGH", "LOW", "MEDIUM", "URGENT", "NONE"]);
    assert_eq!(titles(&app, "filter=priority%3C'MEDIUM'&sort=-priority", 1).await, ["LOW", "HIGH"]);
}
