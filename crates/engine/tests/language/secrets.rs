//! What a model gives a field is never taken from a secret, unless the field is one too.

use super::wrong;

/// Compares what is wrong with fields of a type, which are line 5 of its model.
fn check(fields: &str, expected: &[&str]) {
    let model = format!(
        r#"extend schema @rule(name: "known", is: "this.token == 'x'")
type Card @embedded {{ number: String @class(is: SECRET), holder: String }}
type Doc @open {{ token: String @class(is: SECRET), card: Card, of: Doc, docs: [Doc!] @inverse(field: "of")
{fields}
}}"#
    );
    let expected: Vec<String> = expected
        .iter()
        .map(|place| {
            let (at, secret) = place.split_once(' ').expect("a place and a field");
            format!(
                "5:{at} `copy` gets its value from `Doc.{secret}`, which is secret (leave `{secret}` out, or write \
                 `@class(is: SECRET)` on `copy` too)"
            )
        })
        .collect();
    assert_eq!(wrong(&model), expected, "{fields}");
}

#[test]
fn a_computed_field_shows_no_secret() {
    check(r#"copy: String @computed(is: "this.token", rights: MODEL)"#, &["29 token"]);
    check(r#"copy: String @computed(is: "this.token")"#, &["29 token"]);
    check(r#"copy: String @computed(is: "this.docs.max(d, d.token)", rights: MODEL)"#, &["29 token"]);
    check(r#"copy: Boolean @computed(is: "this.docs.exists(d, d.token == 'x')", rights: MODEL)"#, &["30 token"]);
    check(r#"copy: Boolean @computed(is: "known", rights: MODEL)"#, &["30 token"]);
    check(r#"copy: String @computed(is: "this.card.number", rights: MODEL)"#, &["29 card.number"]);
    check(r#"copy: Boolean @computed(is: "this.card != null", rights: MODEL)"#, &["30 card.number"]);
}

#[test]
fn a_value_that_is_given_shows_no_secret() {
    check(r#"copy: String @set(on: WRITE, to: "this.token")"#, &["35 token"]);
    check(r#"copy: String @set(on: WRITE, to: "this.of.token")"#, &["35 token"]);
    check(r#"copy: String @set(on: WRITE, to: "'x' + this.token")"#, &["35 token"]);
    check(r#"copy: [String!] @set(on: WRITE, to: "split(this.token, ',')")"#, &["38 token"]);
    check(r#"copy: String @computed(is: "join(split(this.token, ','), text(this.of))", rights: MODEL)"#, &["29 token"]);
    check(r#"copy: Boolean @set(on: WRITE, to: "known")"#, &["36 token"]);
    check(r#"copy: Int @default(from: "size(this.token)")"#, &["27 token"]);
    let computed = r#"open: String @class(is: SECRET) @computed(is: "this.token", rights: MODEL)"#;
    check(&format!(r#"copy: String @default(from: "this.open"), {computed}"#), &["30 open"]);
}

#[test]
fn whether_records_are_numbered_or_compared_shows_no_secret() {
    check(r#"copy: Int @sequence(when: "this.token == 'x'")"#, &["28 token"]);
    let model = |by: &str| {
        format!(
            r#"type Doc @open @exclude(from: "low", to: "high", where: "this.{by} == 'x'") {{ token: String @class(is: SECRET), name: String, low: Int!, high: Int! }}"#
        )
    };
    let refusal =
        "2:79 `token` is secret: a conflict would tell clients what is in it (leave `token` out of the condition)";
    assert_eq!(wrong(&model("token")), [refusal]);
    assert_eq!(wrong(&model("name")), [""; 0]);
}

#[test]
fn a_transition_gives_no_field_a_secret() {
    let model = |class: &str| {
        format!(
            r#"enum State {{ OPEN @initial @to(state: "DONE", set: [{{ field: "copy", to: "new.token" }}]) DONE }}
type Doc @open {{ state: State!, token: String @class(is: SECRET), copy: String {class} }}"#
        )
    };
    assert_eq!(
        wrong(&model("")),
        ["2:75 `copy` gets its value from `Doc.token`, which is secret (leave `token` out, or write \
             `@class(is: SECRET)` on `copy` too)"]
    );
    assert_eq!(wrong(&model("@class(is: SECRET)")), [""; 0]);
}

#[test]
fn a_secret_may_be_given_what_is_secret() {
    check(r#"copy: String @class(is: SECRET) @set(on: WRITE, to: "this.token")"#, &[]);
    check(r#"copy: String @class(is: SECRET) @default(from: "this.card.number")"#, &[]);
    check(r#"copy: String @class(is: SECRET) @computed(is: "this.token", rights: MODEL)"#, &[]);
    check(r#"copy: String @set(on: WRITE, when: "known", to: "'seen'")"#, &[]);
}
