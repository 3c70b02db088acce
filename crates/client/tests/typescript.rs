//! The client of the newsroom: made from the snapshot of its `OpenAPI` document, and committed, as are the declarations for
//! its functions. `CLIENT_BLESS=1` writes them.

use std::fs;
use std::path::{Path, PathBuf};

use backstay_client::{DocumentError, MailTemplate, declarations, typescript};
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares what is made of the newsroom's document with a file, or writes it.
fn check_newsroom(make: impl Fn(&str) -> Result<String, DocumentError>, file: &str) {
    let snapshot = root().join("crates/http/tests/snapshots/openapi__the_newsroom_is_described.snap");
    let snapshot = fs::read_to_string(snapshot).expect("the snapshot of the document");
    let (_, document) = snapshot.split_once("\n---\n").expect("a document after the snapshot's head");
    let made = make(document).expect("it is made");
    let path = root().join(file);
    if std::env::var_os("CLIENT_BLESS").is_some() {
        fs::write(&path, made).expect("it can be written");
        return;
    }
    let kept = fs::read_to_string(path).expect("it is committed");
    assert!(made == kept, "{file} isn't what is made now; see CONTRIBUTING.md");
}

#[test]
fn the_client_of_the_newsroom_is_up_to_date() {
    check_newsroom(typescript, "clients/typescript/newsroom.ts");
}

#[test]
fn the_declarations_of_the_newsroom_are_up_to_date() {
    let named = |name: &str, values: &[&str]| MailTemplate {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let mail = [named("published", &["reader", "title"]), named("welcome", &[])];
    check_newsroom(|openapi| declarations(openapi, &mail, &[]), "clients/functions/backstay.d.ts");
}

const SEARCH: &str = "#/components/parameters/Search";

/// A document with these schemas, whose type `Post` can be listed.
fn document(schemas: &Value) -> String {
    let mut all = json!({ "Post": { "type": "object", "properties": { "id": { "type": "string" } } } });
    for (name, schema) in schemas.as_object().expect("schemas") {
        all[name] = schema.clone();
    }
    let list =
        json!({ "tags": ["Post"], "operationId": "listPost", "parameters": [{ "name": "id" }, { "$ref": SEARCH }] });
    json!({
        "info": { "title": "App */" },
        "paths": { "/api/blog-posts": { "get": list } },
        "components": { "schemas": all },
    })
    .to_string()
}

/// The lines before the runtime.
fn generated(schemas: &Value) -> String {
    let made = typescript(&document(schemas)).expect("a client");
    let (own, _) = made.split_once("/** Where the server is").expect("the runtime");
    own.to_owned()
}

#[test]
fn schemas_become_types() {
    let check = |schema: Value, expected: &str| {
        let made = generated(
            &json!({ "Post.Create": { "type": "object", "properties": { "it": schema }, "required": ["it"] } }),
        );
        assert!(made.contains(&format!("\n  it: {expected};\n")), "{expected}\n{made}");
    };
    check(json!({ "type": "string", "format": "uuid" }), "string");
    check(json!({ "type": ["integer", "null"] }), "number | null");
    check(json!({ "type": ["string", "number"] }), "string | number");
    check(json!({ "type": "boolean" }), "boolean");
    check(json!({}), "unknown");
    check(json!({ "enum": ["A", "B"] }), r#""A" | "B""#);
    check(json!({ "const": "A" }), r#""A""#);
    check(json!({ "type": "array", "items": { "type": "string" } }), "string[]");
    check(json!({ "type": ["array", "null"], "items": { "type": ["string", "null"] } }), "(string | null)[] | null");
    check(json!({ "type": "object" }), "{ [name: string]: unknown }");
    check(json!({ "oneOf": [{ "type": "string" }, { "$ref": "#/components/schemas/Post" }] }), "string | Post");
    let both = json!({ "allOf": [{ "$ref": "#/components/schemas/Post" }, { "type": "string" }] });
    check(both, "Post & string");
    check(json!({ "$ref": "#/components/schemas/Nobody" }), "unknown");
}

#[test]
fn fields_and_relations_are_told_apart() {
    let uuid = json!({ "type": "string", "format": "uuid" });
    let post = json!({ "$ref": "#/components/schemas/Post" });
    let made = generated(
        &json!({ "Post": { "type": "object", "x-restricted": true, "x-keys": [["slug"], ["room", "no"]], "properties": {
        "$more": { "type": "array", "items": { "type": "string" } },
        "slug": { "type": "string", "description": "One */ line." },
        "room": { "type": "string" },
        "no": { "type": ["integer", "null"] },
        "secret": { "type": ["string", "null"], "x-restricted": true },
        "parent": { "oneOf": [uuid, post, { "type": "null" }] },
        "profile": { "oneOf": [uuid, post, { "type": "null" }], "x-on-request": true },
        "owner": { "oneOf": [uuid, { "type": "object" }] },
        "ease": { "type": ["number", "null"], "format": "double" },
        "parts": { "type": "array", "items": post },
        "hidden": { "type": "array", "items": { "type": "object" } },
        "tags": { "type": "array", "items": { "type": "string" } },
    } } }),
    );
    let record = "\
export interface Post {
  ease: number | null;
  no: number | null;
  owner: string;
  parent: string | null;
  room: string;
  secret?: string | null;
  /** One * / line. */
  slug: string;
  tags: string[];
}
";
    assert!(made.contains(record), "{made}");
    let relations =
        r#"relations: { parent: ToOneOrNone<"Post">; parts: ToMany<"Post">; profile: ToOneOrNone<"Post">; };"#;
    assert!(made.contains(relations), "{made}");
    let keys = r#"key: { slug: NonNullable<Post["slug"]> } | { room: NonNullable<Post["room"]>; no: NonNullable<Post["no"]> };"#;
    assert!(made.contains(keys), "{made}");
    assert!(
        made.contains(
            "where: \"id\";\n    floats: \"ease\";\n    search: string;\n    highlight: never;\n    hidden: true;"
        ),
        "{made}"
    );
    assert!(made.contains(r#"readonly blogPosts: Lists<"Post", "now"> & Pages<"Post">;"#), "{made}");
    assert!(made.contains(r#"blogPosts: { path: "blog-posts", single: false },"#), "{made}");
    assert!(made.starts_with("/** A client of App * /."), "{made}");
}

/// What the client declares itself, or uses of the language, isn't shadowed by types of the model.
#[test]
fn types_of_the_model_give_way() {
    let text = json!({ "type": "string" });
    let made =
        generated(&json!({ "Problem": text, "Promise": text, "Types": text, "PostCreate": text, "Post.Create": text }));
    for name in ["Problem_", "Promise_", "Types_", "PostCreate", "PostCreate_"] {
        assert!(made.contains(&format!("export type {name} = string;")), "{name}\n{made}");
    }
}

#[test]
fn other_documents_are_refused() {
    assert!(matches!(typescript("{"), Err(DocumentError::Json(_))));
    let check = |document: Value, expected: &str| {
        let refused = typescript(&document.to_string());
        assert!(matches!(&refused, Err(DocumentError::Part { part }) if *part == expected), "{refused:?}");
    };
    check(json!({}), "info.title");
    check(json!({ "info": { "title": "A" } }), "components.schemas");
    check(json!({ "info": { "title": "A" }, "components": { "schemas": {} } }), "paths");
}

#[test]
fn actions_become_methods() {
    let of = |schema: Value| json!({ "200": { "content": { "application/json": { "schema": schema } } } });
    let select = json!({ "$ref": "#/components/parameters/Select" });
    let post = json!({ "$ref": "#/components/schemas/Post" });
    let body = |schema: Value| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let line = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
    let document = json!({
        "info": { "title": "App" },
        "paths": {
            "/api/posts": { "get": { "tags": ["Post"], "operationId": "listPost" } },
            "/do/publish": { "post": {
                "x-action": "publish", "description": "Publishes.", "parameters": [select], "requestBody": body(line),
                "responses": of(post),
            } },
            "/do/total": { "get": {
                "x-action": "total",
                "parameters": [
                    { "name": "from", "in": "query", "required": true, "schema": { "type": "string" } },
                    { "name": "ids", "in": "query", "required": false,
                      "content": { "application/json": { "schema": { "type": "array", "items": { "type": "string" } } } } },
                ],
                "responses": of(json!({ "type": "number" })),
            } },
            "/do/ping": { "post": { "x-action": "ping", "responses": of(json!({ "type": "null" })) } },
        },
        "components": { "schemas": { "Post": { "type": "object", "properties": { "id": { "type": "string" } } } } },
    });
    let made = typescript(&document.to_string()).expect("a client");
    for expected in [
        "    /** Publishes. */\n    publish(args: {\n      n: number;\n    }, options?: WriteOptions & { select?: string; \
         params?: FilterParams }): Promise<Post>;\n",
        "    total(args: {\n      from: string;\n      ids?: string[];\n    }, options?: {}): Promise<number>;\n",
        "    ping(args?: {}, options?: WriteOptions): Promise<null>;\n",
        "  publish: { path: \"/do/publish\", reads: false },\n",
        "  total: { path: \"/do/total\", reads: true },\n",
    ] {
        assert!(made.contains(expected), "{expected}\n{made}");
    }
}
