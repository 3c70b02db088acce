//! Trees: the example of the documentation.

use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

fn model() -> String {
    const DOCUMENT: &str = include_str!("../../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n### Trees\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    format!(
        "extend schema @app(name: \"Shop\")\n\
         type User @identity @allow(read: \"true\") {{ email: Email! @unique name: String! }}\n{example}"
    )
}

struct Shop {
    app: TestApp,
    ada: String,
    /// Home, Garden in it, and Tools in that.
    ids: [String; 3],
}

impl Shop {
    async fn open() -> Self {
        let app = TestApp::open(&model());
        let ada = app.account("ada@example.org").await;
        let mut shop = Self { app, ada, ids: [String::new(), String::new(), String::new()] };
        let mut parent = Value::Null;
        for (at, name) in ["Home", "Garden", "Tools"].into_iter().enumerate() {
            let made = shop.post("POST /api/categories", json!({ "name": name, "parent": parent })).await;
            assert_eq!(made.status, 201, "{}", made.text());
            shop.ids[at] = crate::id_of(&made);
            parent = json!(shop.ids[at]);
        }
        shop
    }

    async fn post(&self, line: &str, body: Value) -> Reply {
        self.app.post(line, &[("authorization", &self.ada)], &body.to_string()).await
    }

    async fn ask(&self, line: &str) -> Reply {
        self.app.call(line, &[("authorization", &self.ada)]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_a_record_and_what_is_below_it() {
    let shop = Shop::open().await;
    let [home, garden, tools] = &shop.ids;
    let way = shop.ask(&format!("GET /api/categories/{tools}?select=name,ancestors{{name}}")).await;
    assert_eq!(way.json(), json!({ "name": "Tools", "ancestors": [{ "name": "Home" }, { "name": "Garden" }] }));
    let below = shop.ask(&format!("GET /api/categories/{home}?select=name,descendants(limit:50){{name,parent}}")).await;
    let expected = json!({
        "name": "Home",
        "descendants": [{ "name": "Garden", "parent": home }, { "name": "Tools", "parent": garden }]
    });
    assert_eq!(below.json(), expected);
    let cut = shop.ask(&format!("GET /api/categories/{home}?select=descendants(limit:1){{name}}")).await;
    assert_eq!(cut.json(), json!({ "descendants": [{ "name": "Garden" }], "$more": ["descendants"] }));
    let made = shop.post("POST /api/products", json!({ "name": "Spade", "category": tools })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let found = shop.ask(&format!("GET /api/products?select=name&filter=category.within($c)&$c={garden}")).await;
    assert_eq!(found.json()["items"], json!([{ "name": "Spade" }]), "{}", found.text());
    // Lists are selected by name, and the path isn't there at all.
    let whole = shop.ask(&format!("GET /api/categories/{tools}")).await.json();
    let mut members: Vec<&str> = whole.as_object().expect("a record").keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["createdAt", "id", "name", "parent", "position", "public", "updatedAt", "version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_tree() {
    let shop = Shop::open().await;
    let [home, _, tools] = &shop.ids;
    let path = format!("PATCH /api/categories/{home}");
    let circle = shop.post(&path, json!({ "parent": tools })).await;
    assert_eq!(circle.status, 422, "{}", circle.text());
    let expected = json!({
        "at": "/parent",
        "message": "this Category would be below itself",
        "remedy": "choose a record that is not in its own branch"
    });
    assert_eq!(circle.json()["errors"][0], expected);
    for (body, status) in [(json!({ "ancestors": [] }), 422), (json!({ "@path": "" }), 422)] {
        let refused = shop.post(&path, body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.text());
    }
    for line in [
        "GET /api/categories?sort=@path",
        "GET /api/categories?select=@path",
        "GET /api/products?filter=name.within($c)&$c=x",
        "GET /api/products?filter=this.within($c)&$c=x",
    ] {
        assert_eq!(shop.ask(line).await.status, 400, "{line}");
    }
    // A whole transaction makes a branch and moves it.
    let together = json!({ "requests": [
        { "create": "categories", "body": { "name": "New", "parent": tools } },
        { "update": "categories", "id": tools, "body": { "parent": null } }
    ] });
    let done = shop.post("POST /transact", together).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let new = shop.ask("GET /api/categories?select=ancestors{name}&name=New").await;
    assert_eq!(new.json()["items"], json!([{ "ancestors": [{ "name": "Tools" }] }]));
}

/// A path names records that the caller in question may not be able to read.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_withholds_paths() {
    let shop = Shop::open().await;
    let operator = shop.app.operator("root@example.org").await;
    let [home, _, tools] = &shop.ids;
    let request = format!("PATCH /api/categories/{tools}");
    let question = json!({ "as": "ada@example.org", "request": request, "body": { "parent": home } });
    let explained = shop.app.post("POST /explain", &[("authorization", &operator)], &question.to_string()).await;
    let text = explained.text();
    assert_eq!((explained.status, &explained.json()["allowed"]), (200, &json!(true)), "{text}");
    assert!(text.contains("tree__path") && text.contains("(withheld)"), "{text}");
}
