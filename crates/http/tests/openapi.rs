//! The `OpenAPI` document of the newsroom example: as a snapshot, what a client generator is given; and its structure.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use backstay_engine::Sizes;
use backstay_http::{HttpSettings, describe};
use backstay_model::SourceFile;
use serde_json::{Value, json};

#[test]
fn the_newsroom_is_described() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&newsroom()).expect("it is JSON"));
}

fn newsroom() -> Value {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/newsroom/model");
    let mut files: Vec<SourceFile> = fs::read_dir(directory)
        .expect("the example is there")
        .map(|entry| {
            let path = entry.expect("the directory can be read").path();
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            SourceFile::app(name, fs::read_to_string(&path).expect("a model file is text"))
        })
        .collect();
    files.push(backstay_identity::system_model(Some("User")));
    let loaded = backstay_model::load(files).expect("the example has no errors");
    serde_json::from_str(&describe(&loaded.model, Sizes::default(), &HttpSettings::default()))
        .expect("the document is JSON")
}

/// What happens at a moment is said where the moment is given, and where it is read.
#[test]
fn timers_are_described() {
    let model = r#"
        extend schema @app(name: "Desk")
        enum State { DRAFT @initial @to(state: "DONE") DONE }
        type Post @allow(read: "true", create: "true", update: "true") @at(field: "until", do: DELETE) {
          state: State! @at(field: "doneAt", to: "DONE")
          "When it is done."
          doneAt: DateTime
          until: Date @range(min: "2020-01-01")
        }
    "#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
    let document = describe(&loaded.model, Sizes::default(), &HttpSettings::default());
    let document: Value = serde_json::from_str(&document).expect("the document is JSON");
    for schema in ["Post", "Post.Create", "Post.Patch"] {
        let described = |field: &str| &document["components"]["schemas"][schema]["properties"][field]["description"];
        let done = "When it is done.\n\nAt this moment, `state` becomes DONE, if the transition is possible.";
        assert_eq!(*described("doneAt"), json!(done), "{schema}");
        let until = described("until").as_str().expect(schema);
        assert!(until.ends_with("At this moment, the record is deleted."), "{schema}: {until}");
    }
}

/// A patch takes a value or an operator that changes the stored one.
#[test]
fn operators_are_described() {
    let model = r#"
        extend schema @app(name: "Shop")
        type Address @embedded { city: String! }
        type Product @allow(read: "true", create: "true", update: "true") {
          stock: Int!
          price: Decimal
          tags: [String!]
          address: Address
          name: String!
          serial: Int @immutable
        }
    "#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
    let document = describe(&loaded.model, Sizes::default(), &HttpSettings::default());
    let document: Value = serde_json::from_str(&document).expect("the document is JSON");
    let patch = &document["components"]["schemas"]["Product.Patch"]["properties"];
    let operators = |member: &str| {
        let operators = patch[member]["oneOf"][1]["properties"].as_object();
        operators.map(|operators| operators.keys().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!(operators("stock"), Some(vec!["$inc", "$mul"]));
    assert_eq!(operators("price"), Some(vec!["$inc", "$mul"]));
    assert_eq!(operators("tags"), Some(vec!["$append", "$remove"]));
    assert_eq!(operators("address"), Some(vec!["$replace"]));
    assert_eq!(operators("name"), None);
    assert_eq!((operators("serial"), &patch["serial"]), (None, &Value::Null));
    assert_eq!(patch["stock"]["oneOf"][0], json!({ "type": "integer", "format": "int64" }));
    let create = &document["components"]["schemas"]["Product.Create"]["properties"];
    assert_eq!(create["stock"], json!({ "type": "integer", "format": "int64" }));
}

/// What a field takes as its value, without the operators that a patch can give it.
fn value_of(schema: &Value) -> &Value {
    match schema["oneOf"].as_array().map(Vec::as_slice) {
        Some([value, operators]) if operators["maxProperties"] == json!(1) => value,
        _ => schema,
    }
}

/// A slug can be left out, and has a form. A stored one may be older than that.
#[test]
fn slugs_are_described() {
    let model = r#"
        extend schema @app(name: "Slugs")
        type Post @allow(read: "true", create: "true", update: "true") {
          title: String!
          slug: String! @slug(from: "title") @length(max: 40)
          "Its own words."
          other: String! @slug(from: "title")
          fixed: String! @slug(from: "title") @readonly
        }
    "#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
    let document = describe(&loaded.model, Sizes::default(), &HttpSettings::default());
    let document: Value = serde_json::from_str(&document).expect("the document is JSON");
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Post.Create"]["required"], json!(["title"]));
    let pattern = "^[a-z0-9]+(-[a-z0-9]+)*$";
    for of in ["Post.Create", "Post.Patch"] {
        let properties = &schemas[of]["properties"];
        let made = "Made from `title` if a create leaves it out.";
        assert_eq!(
            properties["slug"],
            json!({ "type": "string", "maxLength": 40, "pattern": pattern, "description": made })
        );
        assert_eq!(properties["other"]["description"], format!("Its own words.\n\n{made}"));
        assert_eq!(properties["fixed"], json!(null));
    }
    assert_eq!(schemas["Post"]["properties"]["slug"]["pattern"], json!(null));
}

/// A number is read and never sent.
#[test]
fn numbers_are_described() {
    let model = r#"
        extend schema @app(name: "Numbers")
        type Ticket @allow(read: "true", create: "true", update: "true") {
          project: String!
          number: Int! @sequence(per: "project", gapless: true)
          "Its own words."
          code: String @sequence(format: "T-{n}")
        }
    "#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
    let document = describe(&loaded.model, Sizes::default(), &HttpSettings::default());
    let document: Value = serde_json::from_str(&document).expect("the document is JSON");
    let schemas = &document["components"]["schemas"];
    let of = |schema: &str, field: &str| schemas[schema]["properties"][field].clone();
    let number = "Numbers the records without gaps from 1, separately for each `project`. Backstay gives it, and it never changes.";
    assert_eq!(of("Ticket", "number")["description"], number);
    assert_eq!(of("Ticket", "number")["readOnly"], true);
    let code = "Its own words.\n\nNumbers the records from 1. Backstay gives it, and it never changes.";
    assert_eq!(of("Ticket", "code")["description"], code);
    for schema in ["Ticket.Create", "Ticket.Patch"] {
        assert_eq!((of(schema, "number"), of(schema, "code")), (json!(null), json!(null)), "{schema}");
    }
    assert_eq!(schemas["Ticket.Create"]["required"], json!(["project"]));
}

/// What is deprecated is marked as such, with the reason.
#[test]
fn deprecations_are_described() {
    let model = r#"
        extend schema @app(name: "Deprecated")
        "The old ones."
        type Post @allow(read: "true", create: "true") @deprecated(reason: "Use Article.") {
          "Its name."
          name: String @deprecated(reason: "Use `title`.")
          state: State @deprecated
          title: String
          at: Place
        }
        "Where it is."
        enum State { OLD @deprecated(reason: "Use NEW.") NEW }
        type Place @embedded { city: String @deprecated(reason: "Use `town`."), town: String }
        type Article @allow(read: "true") { title: String }
    "#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
    let document = describe(&loaded.model, Sizes::default(), &HttpSettings::default());
    let document: Value = serde_json::from_str(&document).expect("the document is JSON");
    let schemas = &document["components"]["schemas"];
    let told = |of: &Value| (of["deprecated"].clone(), of["description"].clone());
    let deprecated = |description: &str| (json!(true), json!(description));
    assert_eq!(told(&schemas["Post"]), deprecated("The old ones.\n\nDeprecated: Use Article."));
    for of in ["Post", "Post.Create"] {
        let properties = &schemas[of]["properties"];
        assert_eq!(told(&properties["name"]), deprecated("Its name.\n\nDeprecated: Use `title`."), "{of}");
        assert_eq!(told(&properties["state"]), deprecated("Deprecated: No longer supported"), "{of}");
        assert_eq!(told(&properties["title"]), (json!(null), json!(null)), "{of}");
        let city = &properties["at"]["properties"]["city"];
        assert_eq!(told(city), deprecated("Deprecated: Use `town`."), "{of}");
    }
    assert_eq!(schemas["State"]["description"], "Where it is.\n\n`OLD` is deprecated: Use NEW.");
    for verb in ["get", "post"] {
        let operation = &document["paths"]["/api/posts"][verb];
        assert_eq!(told(operation), deprecated("Deprecated: Use Article."), "{verb}");
    }
    let list = document["paths"]["/api/posts"]["get"]["parameters"].as_array().expect("parameters");
    let name = list.iter().find(|parameter| parameter["name"] == "name").expect("the parameter");
    assert_eq!(told(name), deprecated("Equal to this value.\n\nDeprecated: Use `title`."));
    assert_eq!(document["paths"]["/api/articles"]["get"]["deprecated"], json!(null));
}

/// The example of docs/model.md.
#[test]
fn documented_deprecations_are_described() {
    const DOCUMENT: &str = include_str!("../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("## Deprecation\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let text = format!("extend schema @app(name: \"Parcels\")\n{example}");
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", text)]).expect("a model");
    let document = describe(&loaded.model, Sizes::default(), &HttpSettings::default());
    let document: Value = serde_json::from_str(&document).expect("the document is JSON");
    let schemas = &document["components"]["schemas"];
    let grams = "Deprecated: Use `grams`, which is exact.";
    assert_eq!(schemas["Parcel.Create"]["properties"]["weight"]["description"], grams);
    assert_eq!(schemas["Size"]["description"], "`HUGE` is deprecated: Use LARGE.");
    assert_eq!(document["paths"]["/api/packages/{id}"]["get"]["deprecated"], json!(true));
}

/// A client can tell in which order a nested list comes.
#[test]
fn the_order_of_lists_is_described() {
    let model = r#"
        extend schema @app(name: "Orders")
        type Post @allow(read: "true", create: "true") {
          comments: [Comment!] @inverse(field: "post") @order(by: ["-pinned", "createdAt"])
          "Its own words."
          others: [Comment!] @order(by: "createdAt")
          plain: [Comment!]
          picked: [Comment!] @order(as: SENT)
        }
        type Comment @allow(read: "true") { post: Post pinned: Boolean }
    "#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
    let document = describe(&loaded.model, Sizes::default(), &HttpSettings::default());
    let document: Value = serde_json::from_str(&document).expect("the document is JSON");
    let properties = &document["components"]["schemas"]["Post"]["properties"];
    assert_eq!(properties["comments"]["description"], "Sorted by `-pinned`, `createdAt`, unless `select` sorts it.");
    let own = "Its own words.\n\nSorted by `createdAt`, unless `select` sorts it.";
    assert_eq!(properties["others"]["description"], own);
    assert_eq!(properties["plain"]["description"], json!(null));
    let sent = "In the order in which they were sent, unless `select` sorts it.";
    assert_eq!(properties["picked"]["description"], sent);
    let written = &document["components"]["schemas"]["Post.Create"]["properties"];
    assert_eq!(written["picked"]["description"], "Their order is kept.");
    assert_eq!(written["plain"]["description"], json!(null));
}

/// What is sent has the length that `@length` says. What is answered may have been stored before it said so, and an
/// address is trimmed before it is measured.
#[test]
fn lengths_are_described() {
    let model = r#"
        extend schema @app(name: "Lengths")
        type Post @allow(read: "true", create: "true", update: "true") {
          title: String! @length(min: 1, max: 200)
          body: Text @length(max: 300)
          long: Text
          tags: [String!] @length(min: 1, max: 5)
          from: Email @length(max: 100)
        }
    "#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
    let sizes = Sizes { text_bytes: 5000, json_bytes: 6000 };
    let document = describe(&loaded.model, sizes, &HttpSettings::default());
    let document: Value = serde_json::from_str(&document).expect("the document is JSON");
    assert_eq!((&document["x-limits"]["textBytes"], &document["x-limits"]["jsonBytes"]), (&5000.into(), &6000.into()));
    let schemas = &document["components"]["schemas"];
    let text = json!(["string", "null"]);
    for of in ["Post.Create", "Post.Patch"] {
        let properties = &schemas[of]["properties"];
        assert_eq!(properties["title"], json!({ "type": "string", "minLength": 1, "maxLength": 200 }));
        assert_eq!(properties["body"], json!({ "type": text, "maxLength": 300 }));
        assert_eq!(properties["long"], json!({ "type": text }));
        let tags = value_of(&properties["tags"]);
        assert_eq!((&tags["minItems"], &tags["maxItems"]), (&1.into(), &5.into()));
        assert_eq!(properties["from"], json!({ "type": text, "format": "idn-email" }));
    }
    assert_eq!(schemas["Post"]["properties"]["title"], json!({ "type": "string", "maxLength": 10_000 }));
}

#[test]
fn ranges_and_patterns_are_described() {
    let model = r#"
        extend schema @app(name: "Limits")
        type Size @embedded { width: Int @range(min: 1) }
        type Post @allow(read: "true", create: "true", update: "true") {
          stars: Int! @range(min: 1, max: 5)
          ratio: Float! @range(max: 0.5)
          price: Decimal! @range(min: 0.1)
          "The day." day: Date! @range(min: "2020-01-01", max: "2030-12-31")
          scores: [Int!]! @range(max: 10)
          slug: String! @pattern(is: "[a-z0-9-]+")
          name: String! @pattern(is: "\\p{L}+")
          mail: Email! @pattern(is: ".*@example\\.org")
          tags: [String!]! @pattern(is: "(?i)[a-z]+")
          size: Size!
          sizes: [Size!]!
        }
    "#;
    let document = described(model);
    let schemas = &document["components"]["schemas"];
    let check = |field: &str, expected: Value| {
        for of in ["Post.Create", "Post.Patch"] {
            let mut found = value_of(&schemas[of]["properties"][field]).clone();
            for known in ["type", "format", "maxLength", "maxItems"] {
                found.as_object_mut().expect("a schema").remove(known);
            }
            assert_eq!(found, expected, "{of}.{field}");
        }
    };
    check("stars", json!({ "minimum": 1, "maximum": 5 }));
    check("ratio", json!({ "maximum": 0.5 }));
    let number = schemas["Post.Create"]["properties"]["price"]["pattern"].clone();
    check("price", json!({ "minimum": 0.1, "pattern": number, "description": "Must be at least 0.1." }));
    check("day", json!({ "description": "The day.\n\nMust not be before 2020-01-01 and not be after 2030-12-31." }));
    check("scores", json!({ "items": { "type": "integer", "format": "int64", "maximum": 10 } }));
    check("slug", json!({ "pattern": r"^[a-z0-9\-]+$" }));
    check("name", json!({ "description": r"Must match `\p{L}+` from its beginning to its end." }));
    check("mail", json!({ "description": r"Must match `.*@example\.org` from its beginning to its end." }));
    let items = json!({ "type": "string", "maxLength": 10_000 });
    let tags = "Each value must match `(?i)[a-z]+` from its beginning to its end.";
    check("tags", json!({ "items": items, "description": tags }));
    for width in [
        &schemas["Post.Create"]["properties"]["size"]["properties"]["width"],
        &schemas["Size.Input"]["properties"]["width"],
    ] {
        assert_eq!(width["minimum"], 1);
    }
}

fn described(model: &str) -> Value {
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
    let document = describe(&loaded.model, Sizes::default(), &HttpSettings::default());
    serde_json::from_str(&document).expect("the document is JSON")
}

/// A kind of request: its verb, and the members that it must and may have.
type Kind<'t> = (&'t str, &'t [&'t str], &'t [&'t str]);

/// Every kind of request that `/transact` takes.
#[test]
fn actions_are_described() {
    let document = described(
        r#"
        extend schema @app(name: "Shop")
        type Order @allow(read: "true") { number: Int }
        type Secret @allow(create: "true") { word: String }
        type Address @embedded { city: String! }
        input Line { item: ID!  quantity: Int! = 1 @range(min: 1) }
        type Mutation {
          "Buys."
          checkout(lines: [Line!]!, note: String @length(max: 5)): Order! @function @allow(call: "true")
          ping: Boolean @function @allow(call: "true") @deprecated(reason: "nobody asks")
          hidden: [Secret!] @function @allow(call: "true")
        }
        type Query { where(order: ID!, parts: [Int!]): Address! @function @allow(call: "true") }
    "#,
    );
    let checkout = &document["paths"]["/do/checkout"]["post"];
    let sent = &checkout["requestBody"];
    assert_eq!((&sent["required"], &checkout["description"]), (&json!(true), &json!("Buys.")));
    let schema = &sent["content"]["application/json"]["schema"];
    assert_eq!(schema, &json!({ "$ref": "#/components/schemas/CheckoutArguments.Input" }));
    let parameters = json!([
        { "$ref": "#/components/parameters/IdempotencyKey" },
        { "$ref": "#/components/parameters/Select" },
    ]);
    assert_eq!(checkout["parameters"], parameters);
    let answered = |of: &Value| of["responses"]["200"]["content"]["application/json"]["schema"].clone();
    assert_eq!(answered(checkout), json!({ "oneOf": [{ "$ref": "#/components/schemas/Order" }, { "type": "null" }] }));
    let schemas = &document["components"]["schemas"];
    let line = &schemas["Line.Input"];
    assert_eq!((&line["required"], &line["properties"]["quantity"]["minimum"]), (&json!(["item"]), &json!(1)));
    assert_eq!(schemas["CheckoutArguments.Input"]["required"], json!(["lines"]));
    assert_eq!(schemas["CheckoutArguments.Input"]["properties"]["note"]["maxLength"], json!(5));
    let ping = &document["paths"]["/do/ping"]["post"];
    assert_eq!((&ping["requestBody"], &ping["deprecated"]), (&Value::Null, &json!(true)));
    assert_eq!(answered(ping), json!({ "type": ["boolean", "null"] }));
    let hidden = answered(&document["paths"]["/do/hidden"]["post"]);
    assert_eq!(hidden, json!({ "type": ["array", "null"], "items": { "type": "null" } }));
    let asks = &document["paths"]["/do/where"]["get"];
    let names: Vec<_> = elements(&asks["parameters"]).iter().map(|one| (&one["name"], &one["required"])).collect();
    assert_eq!(names, [(&json!("order"), &json!(true)), (&json!("parts"), &json!(false))]);
    assert_eq!(asks["parameters"][1]["content"]["application/json"]["schema"]["type"], json!("array"));
    assert_eq!(answered(asks), json!({ "$ref": "#/components/schemas/Address" }));
    let unused: Vec<&str> = ["Address.Input", "WhereResult", "Line", "CheckoutArguments"]
        .into_iter()
        .filter(|name| !schemas[*name].is_null())
        .collect();
    assert_eq!(unused, [""; 0]);
    check_references(&document, &document);
}

#[test]
fn a_transaction_is_described_whole() {
    let note = r#"type Note @history(read: "true") @trash(keep: "30d") @allow(read: "true", create: "true", update: "true", delete: "true") { text: Text }"#;
    let site = r#"type Site @single @allow(read: "true") { text: Text }"#;
    let check = |types: &str, expected: &[Kind<'_>]| {
        let document = described(&format!("extend schema @app(name: \"Notes\")\n{types}"));
        let body = &document["paths"]["/transact"]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let kinds = elements(&body["properties"]["requests"]["items"]["oneOf"]);
        assert_eq!(kinds.len(), expected.len(), "{types}");
        for (kind, (verb, required, optional)) in kinds.into_iter().zip(expected) {
            assert_eq!(kind["required"], json!([&[*verb], *required].concat()), "{verb}");
            let mut names: Vec<&str> = members(&kind["properties"]).into_iter().map(|(name, _)| name).collect();
            let mut all = [&[*verb], *required, *optional].concat();
            names.sort_unstable();
            all.sort_unstable();
            assert_eq!((names, &kind["additionalProperties"]), (all, &json!(false)), "{verb}");
        }
    };
    let list: Kind<'_> = ("list", &[], &["query"]);
    let create: Kind<'_> = ("create", &["body"], &["onConflict", "select", "params", "as"]);
    let delete: Kind<'_> = ("delete", &[], &["id", "by", "ifMatch"]);
    let purge: Kind<'_> = ("purge", &["id"], &["ifMatch"]);
    let restore: Kind<'_> = ("restore", &["id"], &["body", "ifMatch", "select", "params", "as"]);
    let history: Kind<'_> = ("history", &["id"], &["query"]);
    let update_all: Kind<'_> = ("updateAll", &["query", "body"], &[]);
    let delete_all: Kind<'_> = ("deleteAll", &["query"], &[]);
    let get: Kind<'_> = ("get", &[], &["id", "by", "select", "params", "asOf", "as"]);
    let update: Kind<'_> = ("update", &["body"], &["id", "by", "ifMatch", "select", "params", "as"]);
    let replace: Kind<'_> = ("replace", &["body"], &["id", "by", "ifMatch", "ifNoneMatch", "select", "params", "as"]);
    let aggregate: Kind<'_> = ("aggregate", &["query"], &[]);
    let all = [get, list, create, update, replace, delete, restore, purge, update_all, delete_all, history, aggregate];
    check(note, &all);
    check(&format!("{note}\n{site}"), &all);
    let without_trash_and_history = [get, list, create, update, replace, delete, update_all, delete_all, aggregate];
    check(r#"type Note @allow(read: "true", create: "true") { text: Text }"#, &without_trash_and_history);
}

/// Types may be called like what other documents call the schemas of another type.
#[test]
fn no_two_schemas_have_one_name() {
    let document = described(
        r#"
        extend schema @app(name: "Names")
        type Line @embedded { name: String! }
        type Post @allow(read: "true", create: "true", update: "true") { lines: [Line!] }
        type LineInput @allow(read: "true") { input: Int }
        type PostCreate @allow(read: "true") { create: Int }
        type PostPatch @allow(read: "true") { patch: Int }
        type PostPage @allow(read: "true") { page: Int }
        type Problem @allow(read: "true") { problem: Int }
    "#,
    );
    let of = |name: &str| &document["components"]["schemas"][name]["properties"];
    assert!(of("Line")["name"].is_object() && of("Line.Input")["name"].is_object());
    assert!(of("Post.Create")["lines"].is_object() && of("Post.Patch")["lines"].is_object());
    assert!(of("Post.Page")["items"].is_object() && of("Problem.Details")["instance"].is_object());
    for (name, field) in [
        ("LineInput", "input"),
        ("PostCreate", "create"),
        ("PostPatch", "patch"),
        ("PostPage", "page"),
        ("Problem", "problem"),
    ] {
        assert!(of(name)[field].is_object(), "{name}");
    }
    check_references(&document, &document);
}

/// `OpenAPI` 3.1 and JSON Schema 2020-12, as far as the document uses them: names that lead somewhere, and nothing
/// misspelt.
#[test]
fn the_document_is_sound() {
    let document = newsroom();
    let mut ids = HashSet::new();
    for (path, item) in members(&document["paths"]) {
        assert!(path.starts_with('/'), "{path}");
        let shared = item.get("parameters");
        for (verb, operation) in members(item).into_iter().filter(|(name, _)| *name != "parameters") {
            let place = format!("{verb} {path}");
            assert!(["get", "post", "patch", "put", "delete"].contains(&verb), "{place}");
            assert!(ids.insert(operation["operationId"].as_str().expect("an id")), "{place}: the id occurs twice");
            let summary = operation["summary"].as_str().expect("a summary");
            assert!(!summary.is_empty() && !summary.contains('{'), "{place}: {summary}");
            let own = operation.get("parameters");
            let parameters: Vec<&Value> = [shared, own].into_iter().flatten().flat_map(elements).collect();
            let named: Vec<(&str, &str)> = parameters
                .into_iter()
                .map(|parameter| resolved(&document, parameter))
                .map(|parameter| {
                    (parameter["in"].as_str().expect("a place"), parameter["name"].as_str().expect("a name"))
                })
                .collect();
            assert_eq!(named.iter().collect::<HashSet<_>>().len(), named.len(), "{place}: a parameter occurs twice");
            let in_path: Vec<&str> = named.iter().filter(|(at, _)| *at == "path").map(|(_, name)| *name).collect();
            let expected: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            assert_eq!(in_path, expected, "{place}");
            assert!(!members(&operation["responses"]).is_empty(), "{place}");
        }
    }
    assert!(ids.len() > 20, "{ids:?}");
    for (name, schema) in members(&document["components"]["schemas"]) {
        check_schema(name, schema);
    }
    check_references(&document, &document);
}

/// The keywords that the document uses of JSON Schema, and which of them hold schemas.
fn check_schema(place: &str, schema: &Value) {
    const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "object", "array", "null"];
    for (keyword, value) in members(schema) {
        match keyword {
            "type" => {
                let types = value.as_array().map_or_else(|| vec![value], |types| types.iter().collect());
                let known = types.iter().all(|one| one.as_str().is_some_and(|one| TYPES.contains(&one)));
                assert!(known && !types.is_empty(), "{place}: {value}");
            }
            "properties" => {
                for (name, one) in members(value) {
                    check_schema(&format!("{place}.{name}"), one);
                }
            }
            "items" => check_schema(&format!("{place}[]"), value),
            "oneOf" | "anyOf" => {
                for one in elements(value) {
                    check_schema(place, one);
                }
            }
            "allOf" => {
                // What is required here can be a property of another part.
                let is_demand = |one: &Value| members(one).iter().all(|(keyword, _)| *keyword == "required");
                for one in elements(value).into_iter().filter(|one| !is_demand(one)) {
                    check_schema(place, one);
                }
            }
            "required" => {
                let known = |name: &Value| schema["properties"].get(name.as_str().expect("a name")).is_some();
                assert!(elements(value).into_iter().all(known), "{place}: {value}");
            }
            "pattern" => {
                let pattern = value.as_str().expect("a pattern");
                assert!(pattern.starts_with('^') && pattern.ends_with('$'), "{place}: {pattern}");
            }
            "enum" => assert!(!elements(value).is_empty(), "{place}"),
            "minimum" | "maximum" | "maxLength" | "maxItems" => assert!(value.is_u64(), "{place}: {keyword}"),
            "minProperties" | "maxProperties" => {
                assert_eq!(value, &json!(1), "{place}: an operator or a reference stands alone");
            }
            "additionalProperties" => assert!(value.is_boolean(), "{place}"),
            "description" | "format" | "$ref" => assert!(value.is_string(), "{place}: {keyword}"),
            "x-restricted" | "x-on-request" => assert_eq!(value, &json!(true), "{place}: {keyword}"),
            "x-keys" => {
                let known = |name: &Value| schema["properties"].get(name.as_str().expect("a name")).is_some();
                assert!(elements(value).into_iter().flat_map(elements).all(known), "{place}: {value}");
            }
            other => assert_eq!(other, "", "{place}: an unexpected keyword"),
        }
    }
}

fn check_references(document: &Value, part: &Value) {
    match part {
        Value::Object(object) => {
            if object.contains_key("$ref") {
                resolved(document, part);
            }
            object.values().for_each(|value| check_references(document, value));
        }
        Value::Array(array) => array.iter().for_each(|value| check_references(document, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What a reference leads to, or the value itself if it is none.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
    let pointer = reference.strip_prefix('#').expect("references stay within the document");
    let target = document.pointer(pointer);
    assert!(target.is_some(), "{reference} leads nowhere");
    target.unwrap_or(value)
}

fn members(value: &Value) -> Vec<(&str, &Value)> {
    value.as_object().expect("an object").iter().map(|(name, value)| (name.as_str(), value)).collect()
}

fn elements(value: &Value) -> Vec<&Value> {
    value.as_array().expect("an array").iter().collect()
}
