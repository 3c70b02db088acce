//! Actions: the fields of `type Query` and `type Mutation`.

use backstay_base::Place;
use backstay_model::{EmbeddedRole, ResultKind, Returned, SourceFile, load};
use insta::assert_snapshot;

use crate::told;

const TYPES: &str = r#"
type Item @allow(read: "true") { name: String! }
type Address @embedded { city: String }
enum Size { SMALL LARGE }
input Line { item: ID!  size: Size = LARGE  parts: [Part!] }
input Part { count: Int! @range(min: 1) }
type Order @allow(read: "true") { to: Address }
"#;

/// The diagnostics of a model with these types and this text.
fn told_with(text: &str) -> String {
    told(&format!("{TYPES}{text}"))
}

#[test]
fn actions_load_without_a_warning() {
    let model = r#"
type Mutation {
  checkout(lines: [Line!]!, note: String = "x" @length(max: 5)): Order @function @allow(call: "true")
  address: Address @function(name: "where") @allow(call: "auth.id != null") @deprecated(reason: "old")
}
extend type Query {
  items(size: Size): [Item!]! @function @allow(call: "true")
  price: Decimal! @function @allow(call: "true") @precision(digits: 10, scale: 2)
}
"#;
    assert_eq!(told_with(model), "loaded\n");
    let text = format!("extend schema @app(name: \"Test\"){TYPES}{model}");
    let model = load(vec![SourceFile::app("model.graphql", text)]).expect("it loads").model;
    let of = |action: &backstay_model::Action| {
        let kind = match action.result.kind {
            ResultKind::Value => "value".to_owned(),
            ResultKind::Record(of) => model.collection(of).name.clone(),
            ResultKind::Records(of) => format!("[{}]", model.collection(of).name),
        };
        (action.name.clone(), action.function.clone(), action.writes, kind)
    };
    let actions: Vec<_> = model.actions.iter().map(of).collect();
    let expected = [
        ("checkout", "checkout", true, "Order"),
        ("address", "where", true, "value"),
        ("items", "items", false, "[Item]"),
        ("price", "price", false, "value"),
    ];
    let expected = expected.map(|(name, function, writes, kind)| (name.into(), function.into(), writes, kind.into()));
    assert_eq!(actions, expected);
    let roles =
        |role| model.embedded.iter().filter(|of| of.role == role).map(|of| of.name.as_str()).collect::<Vec<_>>();
    assert_eq!(roles(EmbeddedRole::Part), ["Address"]);
    assert_eq!(roles(EmbeddedRole::Input), ["Line", "Part"]);
    assert_eq!(roles(EmbeddedRole::Arguments), ["CheckoutArguments", "ItemsArguments"]);
}

#[test]
fn arguments_and_results_are_read_as_the_model_declares_them() {
    let text = format!(
        "extend schema @app(name: \"Test\"){TYPES}{}",
        r#"type Mutation {
  checkout(lines: [Line!]!, note: String = "x" @length(max: 5)): Order @function @allow(call: "true")
  address: Address @function @allow(call: "true")
  items: [Item!]! @function @allow(call: "true")
}"#
    );
    let model = load(vec![SourceFile::app("model.graphql", text)]).expect("it loads").model;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let action = |name: &str| model.action_named(name).expect("the action");
    let arguments = |text: &str, expected: Result<&str, &str>| {
        let read = model.read_arguments(action("checkout"), text, &Place::Whole);
        let read = read.as_deref().map_err(|wrong| format!("{}: {}", wrong[0].at, wrong[0].kind));
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{text}");
    };
    arguments(r#"{"lines": []}"#, Ok(r#"{"lines":[],"note":"x"}"#));
    arguments(
        &format!(r#"{{"note": "abc", "lines": [{{"item": "{id}", "parts": [{{"count": 2}}]}}]}}"#),
        Ok(&format!(r#"{{"lines":[{{"item":"{id}","size":"LARGE","parts":[{{"count":2}}]}}],"note":"abc"}}"#)),
    );
    arguments(
        &format!(r#"{{"lines": [{{"item": "{id}", "parts": [{{"count": 0}}]}}]}}"#),
        Err("/lines/0/parts/0/count: must be at least 1"),
    );
    arguments(r#"{"lines": [], "note": "abcdef"}"#, Err("/note: must have at most 5 characters"));
    arguments("{}", Err("/lines: a value is required"));
    let result = |name: &str, text: &str, expected: Result<Returned, &str>| {
        let read = model.read_result(action(name), text);
        let read = read.map_err(|wrong| format!("{}: {}", wrong[0].at, wrong[0].kind));
        assert_eq!(read, expected.map_err(str::to_owned), "{text}");
    };
    let (order, key) = (model.collection_named("Order").expect("a type").id, id.parse().expect("an id"));
    result("checkout", "null", Ok(Returned::Nothing));
    result("checkout", &format!("\"{id}\""), Ok(Returned::Record(order, key)));
    result("checkout", &format!(r#"{{"to": null, "id": "{id}"}}"#), Ok(Returned::Record(order, key)));
    result("address", r#"{"city": "Bern"}"#, Ok(Returned::Value(r#"{"city":"Bern"}"#.into())));
    result("address", r#"{"town": "Bern"}"#, Err("/address/town: unknown field `town`"));
    let item = model.collection_named("Item").expect("a type").id;
    result("items", &format!(r#"["{id}"]"#), Ok(Returned::Records(item, vec![key])));
    result("items", "[null]", Err("/0: a value is required"));
    let many = |count: usize| format!("[{}]", vec![format!("\"{id}\""); count].join(","));
    result("items", &many(500), Ok(Returned::Records(item, vec![key; 500])));
    result("items", &many(501), Err(": must have at most 500 records; it has 501"));
}

#[test]
fn an_action_without_a_rule_or_a_function() {
    assert_snapshot!(told_with("type Mutation { a: Int @function  b: Int @allow(call: \"true\") }"));
}

#[test]
fn two_actions_with_one_name() {
    assert_snapshot!(told_with(
        r#"
type Mutation { a: Int @function @allow(call: "true") }
extend type Query { a: Int @function @allow(call: "true") }
"#
    ));
}

#[test]
fn types_that_arguments_cannot_have() {
    assert_snapshot!(told_with(
        r#"
type Mutation {
  a(item: Item!, address: Address, odd: Odd): Line @function @allow(call: "true")
}
type Shelf @allow(read: "true") { line: Line }
"#
    ));
}

#[test]
fn directives_that_actions_do_not_take() {
    assert_snapshot!(told_with(
        r#"
type Mutation @allow(call: "true") {
  a: Int @function @allow(read: "true") @unique
  B: Int @function @allow(call: "true")
}
"#
    ));
}

#[test]
fn what_only_actions_can_be_marked_with() {
    assert_snapshot!(told(
        r#"
type Shelf @allow(read: "true", call: "true") { name: String @function  title: String @allow(call: "true") }
"#
    ));
}

#[test]
fn a_type_that_is_called_like_what_an_action_takes() {
    assert_snapshot!(told_with(
        r#"
type Mutation { buy(item: ID!): Int @function @allow(call: "true") }
type BuyArguments @allow(read: "true") { name: String }
"#
    ));
}
