//! Models that are refused when their rules are compiled, and models that change.

mod desk;

use std::fmt::Write as _;

use backstay_engine::Application;
use backstay_model::{SourceFile, load};
use desk::{Desk, MODEL, MORE};

/// What is wrong with a model, each with its place.
fn wrong(text: &str) -> Vec<String> {
    let loaded = load(vec![SourceFile::app("m.graphql", text)]).expect("the model loads");
    let Err(diagnostics) = Application::compile(loaded.model) else { return Vec::new() };
    let place = |diagnostic: backstay_model::PlainDiagnostic| {
        let at = diagnostic.start.map_or_else(String::new, |start| format!("{}:{} ", start.line, start.column));
        let help = diagnostic.help.map_or_else(String::new, |help| format!(" ({help})"));
        format!("{at}{}{help}", diagnostic.message)
    };
    diagnostics.plain().into_iter().map(place).collect()
}

#[test]
fn an_error_in_a_named_rule_is_told_once_where_it_stands() {
    let model = r#"extend schema @app(name: "A") @rule(name: "ed", is: "'EDITR' in auth.roles")
enum Role @roles { EDITOR }
type A @allow(read: "ed", create: "ed") { x: String @allow(read: "!ed") }
"#;
    assert_eq!(wrong(model), ["1:54 Role has no value `EDITR` (did you mean `'EDITOR'`?)"]);
}

#[test]
fn a_named_rule_that_nothing_uses_is_checked() {
    let model = r#"extend schema @app(name: "A")
  @rule(name: "syn", is: "true &&")
  @rule(name: "own", is: "this.owner == auth.id")
type A @allow(read: "true") { x: String }
"#;
    let remedy = "write a condition such as `this.state == 'DRAFT' && auth.id != null`";
    assert_eq!(wrong(model), [format!("2:34 the expression ends too early ({remedy})")]);
}

#[test]
fn a_circle_through_a_named_rule_is_told_once() {
    let model = |fields: &str| {
        format!(
            "extend schema @app(name: \"A\") @rule(name: \"twice(a: A)\", is: \"a.x * 2\")\n\
             type A @allow(read: \"this.x == 1\") {{ {fields} }}\n"
        )
    };
    let help = "compute one of these fields from what is stored";
    assert_eq!(
        wrong(&model("x: Int @computed(is: \"twice(this)\")")),
        [format!("1:63 `A.x` is computed from itself: A.x → A.x ({help})")]
    );
    let through_two = "x: Int @computed(is: \"this.y\")  y: Int @computed(is: \"twice(this)\")";
    assert_eq!(wrong(&model(through_two)), [format!("2:60 `A.x` is computed from itself: A.x → A.y → A.x ({help})")]);
}

#[test]
fn a_backfill_has_the_form_of_an_expression() {
    let model = r#"extend schema @app(name: "A")
type A @allow(read: "true") { x: Int @backfill(from: "((this.x")  y: Int @backfill(from: "this.was") }
"#;
    assert_eq!(wrong(model), ["2:56 the expression ends too early (close this bracket with `)`)"]);
}

#[test]
fn a_default_gives_a_value() {
    let model = r#"extend schema @app(name: "A")
type A @allow(read: "true") { x: Int! @readonly @default(from: "null") }
"#;
    let remedy = "leave `@default` out: a field without a value is null anyway";
    assert_eq!(wrong(model), [format!("2:65 this default gives no value ({remedy})")]);
}

#[test]
fn rules_that_no_statement_could_ask_are_refused() {
    let mut fields = String::new();
    let mut rule = Vec::new();
    for index in 0..45 {
        let _ = writeln!(fields, "  r{index}: A");
        rule.push(format!("this.r{index}.x == 'y'"));
    }
    let model = |rule: &str| {
        format!("extend schema @app(name: \"A\")\ntype A @allow(read: \"{rule}\") {{\n  x: String\n{fields}}}\n")
    };
    let expected = "2:6 the rules of A lead through 45 relations (at most 40 can be asked in one statement; let rules \
                    name fewer paths)";
    assert_eq!(wrong(&model(&rule.join(" || "))), [expected]);
    assert_eq!(wrong(&model(&rule[..40].join(" || "))), Vec::<String>::new());
}

#[test]
fn the_trash_asks_the_rules_of_reads_deletions_and_fields_in_one_statement() {
    let fields = (0..45).map(|index| format!("  r{index}: A")).collect::<Vec<_>>().join("\n");
    let rule =
        |of: std::ops::Range<usize>| of.map(|index| format!("this.r{index}.x == 'y'")).collect::<Vec<_>>().join(" || ");
    let (read, delete) = (rule(0..20), rule(20..40));
    let model = |trash: &str, of_field: &str| {
        format!(
            "extend schema @app(name: \"A\")\ntype A @allow(read: \"{read}\", delete: \"{delete}\") {trash} {{\n  \
             x: String\n  y: String @allow(read: \"{of_field}\")\n{fields}}}\n"
        )
    };
    let expected = "2:6 the rules of A lead through 45 relations (at most 40 can be asked in one statement; let rules \
                    name fewer paths)";
    assert_eq!(wrong(&model("@trash", &rule(40..45))), [expected]);
    assert_eq!(wrong(&model("@trash", &rule(0..5))), Vec::<String>::new());
    assert_eq!(wrong(&model("", &rule(40..45))), Vec::<String>::new());
}

#[tokio::test]
async fn records_that_are_there_begin_in_the_first_state_of_a_new_field() {
    let desk = Desk::open().await;
    let id = desk.made("Request", &desk.ada, "{}").await;
    let (ada, clock) = (std::sync::Arc::clone(&desk.ada), desk.clock.clone());
    let more = MORE.replace("  visa: Visa!", "  visa: Visa!\n  second: Second!")
        + "\nenum Second { ONE @initial @to(state: \"TWO\") TWO }\n";
    let files = vec![SourceFile::app("model/desk.graphql", MODEL), SourceFile::app("model/more.graphql", more)];
    let Desk { application, section, editor, bob, eve, .. } = desk;
    let application = application.restart(files, backstay_testkit::controlled(&clock, 8));
    let desk = Desk { application, clock, editor, ada, bob, eve, section };
    assert_eq!(desk.get("Request", &desk.ada, id).await.expect("it is there")["second"], "ONE");
}
