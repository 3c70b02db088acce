//! The system model: what it may do, and what an application may not do with it.

use backstay_model::{SourceFile, load};

const APP: &str = r#"extend schema @app(name: "Test")
type User @identity @allow(read: "true") {
  email: Email! @unique
}
"#;

const SYSTEM: &str = r"type BackstaySession {
  account: User! @onDelete(do: CASCADE)
  token: String! @unique @class(is: SECRET)
  kind: BackstayKind!
}
enum BackstayKind { WEB API }
";

fn check(app: &str, system: &str, expected: &str) {
    let files = vec![
        SourceFile::system("session.graphql", system),
        SourceFile::app("app.graphql", APP),
        SourceFile::app("more.graphql", app),
    ];
    let got = match load(files) {
        Ok(loaded) => format!("loaded with {} warnings", loaded.warnings.iter().count()),
        Err(refused) => refused.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; "),
    };
    assert_eq!(got, expected);
}

#[test]
fn stands_after_the_application_under_names_of_its_own() {
    let files = vec![SourceFile::system("session.graphql", SYSTEM), SourceFile::app("app.graphql", APP)];
    let model = load(files).expect("loads").model;
    let session = model.collection_named("BackstaySession").expect("is there");
    assert!(session.system);
    assert_eq!((session.id.0, &*session.table, &*session.path), (1, "backstay_session", "backstay-sessions"));
    assert_eq!(session.field_named("account").and_then(|field| field.kind.target()), model.identity);
    assert!(!model.collection_named("User").expect("is there").system);
}

#[test]
fn is_closed_to_the_application() {
    check("", SYSTEM, "loaded with 0 warnings");
    check(
        "extend type BackstaySession { a: Int }",
        SYSTEM,
        "`BackstaySession` belongs to Backstay and cannot be extended",
    );
    check(
        "type Post @allow(read: \"true\") { session: BackstaySession }",
        SYSTEM,
        "`BackstaySession` belongs to Backstay",
    );
    check(
        "type Post @allow(read: \"true\") { sessions: [BackstaySession!] @inverse(field: \"account\") }",
        SYSTEM,
        "`BackstaySession` belongs to Backstay",
    );
    check(
        "type backstayPost @allow(read: \"true\") { a: Int }",
        SYSTEM,
        "names that begin with Backstay are for the system model",
    );
    check("type Post @allow(read: \"true\") { kind: BackstayKind }", SYSTEM, "`BackstayKind` belongs to Backstay");
}

#[test]
fn keeps_to_its_own_names() {
    check("", "type Session { a: Int }", "a name in the system model begins with Backstay");
    check("", "enum Kind { A }", "a name in the system model begins with Backstay");
    check("", "enum BackstayRole @roles { A }", "the system model has no roles");
    check("", "extend schema @rule(name: \"a\", is: \"true\")", "the system model has no `extend schema`");
    check("", "type BackstayUser @identity { email: Email! @unique }", "two types are marked `@identity`");
    check("", "type BackstayThing @path(is: \"things\") { a: Int }", "`things` cannot be the path of this type");
}
