//! Fields that are called like parameters of lists and like words that CEL keeps.

use backstay_testkit::TestApp;
use serde_json::json;

const WORDS: [&str; 32] = [
    "filter",
    "q",
    "search",
    "sort",
    "select",
    "limit",
    "after",
    "count",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "size",
    "timestamp",
    "duration",
    "auth",
    "this",
    "new",
    "now",
];

#[tokio::test(flavor = "multi_thread")]
async fn everyday_words_are_names_of_fields() {
    let fields: String =
        WORDS.map(|word| format!("  {word}: Int @check(rule: \"this.{word} < 9\", message: \"9\")\n")).concat();
    let app = TestApp::open(&format!(
        "extend schema @app(name: \"Words\")\ntype User @identity @allow(read: \"true\") {{ email: Email! @unique }}\ntype Word @allow(read: \"true\", create: \"true\", update: \"true\") {{\n{fields}}}\n"
    ));
    for (value, word) in (1..).zip(WORDS) {
        let value = value % 7;
        let made = app.post("POST /api/words", &[], &json!({ word: value }).to_string()).await;
        assert_eq!(made.status, 201, "{word} {}", made.text());
        let id = made.json()["id"].as_str().expect("an id").to_owned();
        let found = app
            .call(&format!("GET /api/words?filter=this.{word}%20!=%20null&select=id,{word}&sort=-{word}"), &[])
            .await;
        assert_eq!(found.json()["items"], json!([{ "id": id, word: value }]), "{word} {}", found.text());
        let body = json!({ "where": { word: value }, "select": "id" }).to_string();
        let found = app.post("POST /api/words:query", &[], &body).await;
        assert_eq!(found.json()["items"], json!([{ "id": id }]), "{word} {}", found.text());
        let changed = app.post(&format!("PATCH /api/words/{id}"), &[], &json!({ word: 9 }).to_string()).await;
        assert_eq!(changed.status, 422, "{word} {}", changed.text());
    }
    // As plain parameters, they keep their meaning.
    assert_eq!(
        app.call("GET /api/words?limit=2&sort=-limit", &[]).await.json()["items"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(app.call("GET /api/words?return=1", &[]).await.status, 200);
    let refused = app.call("GET /api/words?filter=return%20==%201", &[]).await;
    assert!(refused.text().contains("to name the field, write `this.return`"), "{}", refused.text());
}
