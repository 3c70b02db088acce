//! `@route` and `@inbox`: paths of the team's own.

use backstay_model::{SourceFile, load, load_at, load_stored};
use insta::assert_snapshot;

use crate::told;

const TYPES: &str = r#"
type Article @allow(read: "true") { title: String! }
type Note @path(is: "papers") @allow(read: "true") { title: String! }
"#;

fn told_with(text: &str) -> String {
    told(&format!("{TYPES}{text}"))
}

#[test]
fn routes_are_actions_with_a_path() {
    let model = r#"
extend schema
  @route(method: GET, path: "/articles/{slug}", run: "article", allow: "true")
  @route(method: DELETE, path: "/articles/{id}", run: "remove", allow: "auth.id != null", name: "removeArticle")
  @route(method: GET, path: "/api/notes", run: "notes", allow: "true")
  @inbox(provider: STRIPE, path: "/events/stripe", secret: "STRIPE_SECRET", run: "paid")
"#;
    assert_eq!(told_with(model), "loaded\n");
    let text = format!("extend schema @app(name: \"Test\"){TYPES}{model}");
    let model = load(vec![SourceFile::app("model.graphql", text)]).expect("it loads").model;
    let told = |action: &backstay_model::Action| {
        let route = action.route.as_ref().expect("a route");
        let inbox = route.inbox.as_ref().map_or("", |inbox| inbox.secret.as_str());
        let (name, function, rule) = (&action.name, &action.function, &action.call.text);
        format!("{} {} {name} {function} {rule} {} {inbox}", route.method.name(), route.path.text, action.writes)
    };
    let routes: Vec<String> = model.actions.iter().map(told).collect();
    let expected = [
        "GET /articles/{slug} article article true false ",
        "DELETE /articles/{id} removeArticle remove auth.id != null true ",
        "GET /api/notes notes notes true false ",
        "POST /events/stripe paid paid true true STRIPE_SECRET",
    ];
    assert_eq!(routes, expected);
}

#[test]
fn rules_know_routes_by_their_names() {
    let model = r#"
extend schema @route(method: PUT, path: "/x", run: "save", allow: "true")
type Log @allow(read: "true", create: "'save' in auth.via") { text: String! }
"#;
    assert_eq!(told_with(model), "loaded\n");
}

#[test]
fn paths_that_a_route_cannot_have() {
    let paths = [
        "articles",
        "",
        "/",
        "/a//b",
        "/a/",
        "/a b",
        "/a/../b",
        "/{a}",
        "/a/{b}c",
        "/a/{}",
        "/a/{b}/{b}",
        "/a?b=c",
        "/ä",
    ];
    let each = paths
        .iter()
        .enumerate()
        .map(|(index, path)| format!("@route(method: GET, path: \"{path}\", run: \"f{index}\", allow: \"true\")\n"));
    assert_snapshot!(told_with(&format!("extend schema\n{}", each.collect::<String>())));
}

#[test]
fn paths_of_backstay_s_own() {
    assert_snapshot!(told_with(
        r#"
extend schema
  @route(method: GET, path: "/api", run: "a", allow: "true")
  @route(method: GET, path: "/api/articles/{id}", run: "b", allow: "true")
  @route(method: GET, path: "/api/papers", run: "c", allow: "true")
  @route(method: GET, path: "/api/{any}", run: "d", allow: "true")
  @route(method: GET, path: "/auth/callback", run: "e", allow: "true")
  @route(method: GET, path: "/do/x", run: "f", allow: "true")
"#
    ));
}

#[test]
fn records_elsewhere_leave_their_paths_to_routes() {
    let model = |routes: &str| {
        let text = format!("extend schema @app(name: \"Test\"){TYPES}extend schema {routes}");
        vec![SourceFile::app("model.graphql", text)]
    };
    let told = |prefix: &str, path: &str| {
        let route = format!("@route(method: GET, path: \"{path}\", run: \"a\", allow: \"true\")");
        let first = |wrong: backstay_model::Diagnostics| wrong.iter().next().map(|one| one.message.clone());
        load_at(model(&route), &prefix.parse().expect("a prefix")).err().and_then(first)
    };
    for path in ["/api/articles", "/api/articles/{slug}", "/api", "/api/{any}", "/rest", "/rest/v2/articles"] {
        assert_eq!(told("/rest/v1", path), None, "{path}");
    }
    let check = |path: &str, expected: &str| assert_eq!(told("/rest/v1", path).as_deref(), Some(expected));
    check(
        "/rest/v1/articles/{id}",
        "`/rest/v1/articles/{id}` is within `/rest/v1/articles`, where records of the model are",
    );
    check("/rest/{v}/papers", "`/rest/{v}/papers` is within `/rest/v1/papers`, where records of the model are");
    check("/rest/v1", "`/rest/v1` is within `/rest/v1`, which is Backstay's own");
    check("/rest/v1/{any}", "`/rest/v1/{any}` is within `/rest/v1`, which is Backstay's own");
    check("/do/x", "`/do/x` is within `/do`, which is Backstay's own");
    // Where the records of a stored model were isn't known.
    let routes = "@route(method: GET, path: \"/api/articles\", run: \"a\", allow: \"true\")";
    assert!(load_stored(model(routes)).is_ok());
    assert!(load(model(routes)).is_err());
}

#[test]
fn two_routes_at_one_path_or_of_one_name() {
    assert_snapshot!(told_with(
        r#"
extend schema
  @route(method: GET, path: "/a/{b}", run: "a", allow: "true")
  @route(method: GET, path: "/a/{c}", run: "b", allow: "true")
  @route(method: POST, path: "/a/{b}", run: "a", allow: "true")
  @inbox(provider: GITHUB, path: "/a/{d}", secret: "S", run: "d")
"#
    ));
}

#[test]
fn a_route_is_written_as_it_should_be() {
    assert_snapshot!(told_with(
        r#"
extend schema
  @route(method: GET, path: "/a", run: "not a name", allow: "true")
  @route(method: GET, path: "/b", run: "Big", allow: "true")
  @route(method: GET, path: "/c", run: "c", allow: "auth.nobody")
  @inbox(provider: GITHUB, path: "/d", secret: "sk_live_1", run: "d")
"#
    ));
}

#[test]
fn a_route_says_who_may_call() {
    assert_snapshot!(told_with(
        r#"
extend schema
  @route(method: BREW, path: "/a", run: "a", allow: "true")
  @route(method: GET, path: "/b", run: "b")
  @inbox(provider: PAYPAL, path: "/d", secret: "S", run: "d")
"#
    ));
}
