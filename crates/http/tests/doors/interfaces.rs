//! Interfaces: fields, rules and indexes that types share.

use backstay_testkit::TestApp;
use serde_json::json;

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
