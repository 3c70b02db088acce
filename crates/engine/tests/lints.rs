//! What is doubtful about models that load: small models with the lints that they give, and the examples of the docs.

use backstay_engine::Application;
use backstay_model::{Diagnostics, Lint, SourceFile, load};

const DOCUMENT: &str = include_str!("../../../docs/lints.md");

fn warnings(model: &str) -> Diagnostics {
    let app = SourceFile::app("app.graphql", "extend schema @app(name: \"Test\")\n");
    let loaded = load(vec![app, SourceFile::app("model.graphql", model)]).expect("no errors");
    let application = Application::compile(loaded.model).expect("no errors");
    let mut warnings = loaded.warnings;
    warnings.extend(application.lints());
    warnings.without_ignored()
}

/// The codes and the texts that they point at.
fn found(model: &str) -> Vec<String> {
    let warnings = warnings(model);
    let one = |warning: &backstay_model::Diagnostic| {
        let text = warning.span.map_or("", |span| warnings.sources().text(span));
        format!("{}: {text}", warning.lint.expect("every warning has a code"))
    };
    warnings.iter().map(one).collect()
}

#[track_caller]
fn check(model: &str, expected: &[&str]) {
    assert_eq!(found(model), expected, "{model}");
}

#[test]
fn every_lint_is_documented_with_an_example_that_gives_it_and_one_that_does_not() {
    let section = |lint: Lint| {
        let (_, rest) =
            DOCUMENT.split_once(&format!("\n## {lint}\n")).unwrap_or_else(|| panic!("{lint} has no section"));
        rest.split("\n## ").next().expect("a section")
    };
    for lint in Lint::ALL {
        let fences = section(lint).split("```graphql\n").skip(1);
        let examples: Vec<&str> = fences.map(|fence| fence.split("```").next().expect("an example")).collect();
        let (wrong, right) = examples.split_first().expect("an example");
        assert_eq!(
            warnings(wrong).plain().iter().map(|one| one.code).collect::<Vec<_>>(),
            [Some(lint.code())],
            "{wrong}"
        );
        assert!(!right.is_empty(), "{lint} says how to correct it");
        for model in right {
            check(model, &[]);
        }
        assert!(DOCUMENT.contains(&format!("| [`{lint}`](#{lint}) |")), "{lint} is in the table");
    }
}

#[test]
fn the_documented_models_of_secret_links_give_no_lint() {
    const MODEL: &str = include_str!("../../../docs/model.md");
    let (_, section) = MODEL.split_once("\n### Secret links\n").expect("the section");
    let section = section.split("\n### ").next().expect("its text");
    let examples = section.split("```graphql\n").skip(1).map(|fence| fence.split("```").next().expect("an example"));
    for example in examples {
        let loaded = load(vec![SourceFile::app("app.graphql", example)]).expect("no errors");
        let application = Application::compile(loaded.model).expect("no errors");
        let mut warnings = loaded.warnings;
        warnings.extend(application.lints());
        assert_eq!(warnings.without_ignored().plain(), [], "{example}");
    }
}

#[test]
fn a_write_that_takes_a_link_is_not_open() {
    let model = |rule: &str| {
        format!(
            r#"type Cart @index(fields: ["link"]) @allow(read: "this.link == auth.link", create: "{rule}") {{
                 link: ID @set(on: CREATE, to: "auth.link")
               }}"#
        )
    };
    check(&model("auth.link != null"), &[]);
    check(&model("this.link == auth.link"), &[]);
    check(&model("auth.link == null"), &["open-write: auth.link == null"]);
    check(&model("auth.kind == 'ANONYMOUS'"), &["open-write: auth.kind == 'ANONYMOUS'"]);
}

/// A type with these rules, and its neighbours.
fn note(allow: &str) -> String {
    format!(
        r#"
enum Role @roles {{ EDITOR }}
type Person @identity @allow(read: "'EDITOR' in auth.roles || this.id == auth.id") {{
  email: Email! @unique @class(is: PERSONAL)
}}
type Group @allow(read: "true") {{ members: [Person!] wardens: [Warden!] @inverse(field: "group") }}
type Warden @allow(read: "true") {{ group: Group! badge: ID account: ID @unique }}
enum Stage {{ DRAFT DONE }}
type Note @allow({allow}) {{
  title: String!
  body: Text
  stage: Stage!
  words: Int
  pages: Int!
  hidden: Boolean!
  pinned: Boolean
  group: Group
  home: Group!
  owner: Person!
  reader: Person
}}
"#
    )
}

#[track_caller]
fn rules(rule: &str, expected: &[&str]) {
    let model = note(&format!("read: \"{rule}\""));
    let expected: Vec<String> = expected.iter().map(|lint| format!("{lint}: {rule}")).collect();
    assert_eq!(found(&model), expected, "{rule}");
}

#[test]
fn rules_that_never_allow() {
    for rule in [
        "1 == 2",
        "false || 2 < 1",
        "this.stage == 'DRAFT' && this.stage == 'DONE'",
        "this.stage != 'DRAFT' && this.stage != 'DONE'",
        "this.pages == 1 && this.pages == 2",
        "this.title == null",
        "this.owner == null",
        "this.home.id == null",
        "this.words == null && this.words > 3 && this.words == 4",
        "this.body != this.body",
        "this.pages < this.pages",
        "this.pages < 3 && this.pages >= 3",
        "this.pages > 3 && this.pages <= 3",
        "this.hidden && !this.hidden",
        "this.hidden == !this.hidden",
        "auth.id == null && this.owner == auth.id",
        "auth.id == null && 'EDITOR' in auth.roles",
        "auth.kind == 'SERVICE' && auth.kind == 'OPERATOR'",
        "auth.id == null && auth.kind != 'ANONYMOUS'",
        "auth.kind == 'ANONYMOUS' && auth.claims.team == this.body",
        "auth.kind == 'ANONYMOUS' && this.home.members.exists(m, m == auth.id)",
        "'EDITOR' in auth.roles && !('EDITOR' in auth.roles)",
        "this.home.members.exists(m, m == this.owner && m.id != m.id)",
        "(this.hidden ? this.stage == 'DONE' : false) && this.stage == 'DRAFT'",
    ] {
        rules(rule, &["rule-never-allows"]);
    }
}

#[test]
fn rules_that_refuse_nothing() {
    for rule in [
        "1 == 1",
        "this.title == this.title || this.hidden",
        "this.title != null",
        "this.body == null || this.body != null",
        "this.hidden || !this.hidden",
        "this.stage == 'DRAFT' || this.stage == 'DONE'",
        "this.stage in ['DRAFT', 'DONE']",
        "this.pages < 3 || this.pages >= 3",
        "auth.id == null || auth.kind != 'ANONYMOUS'",
        "'EDITOR' in auth.roles || !('EDITOR' in auth.roles)",
        "auth.kind in ['ANONYMOUS', 'ACCOUNT', 'SERVICE', 'OPERATOR']",
        "this.home.members.all(m, m.id == m.id)",
    ] {
        rules(rule, &["rule-always-allows"]);
    }
}

#[test]
fn rules_that_decide() {
    for rule in [
        "true",
        "false",
        "this.body == this.body",
        "this.words < 3 || this.words >= 3",
        "this.pinned || !this.pinned",
        "this.reader == auth.id || this.reader != auth.id",
        "this.owner == auth.id || this.owner != auth.id",
        "this.group.members.all(m, m.id == m.id)",
        "this.home.members.exists(m, m.id == m.id)",
        "this.stage == 'DRAFT' || this.hidden",
        "this.pages == 1 || this.pages == 2",
        "auth.kind == 'SERVICE'",
        "auth.id == null && this.hidden",
        "now < this.createdAt + duration('15m')",
        "this.words / 0 == 1",
        "this.title.startsWith('a') && this.title.startsWith('b')",
    ] {
        rules(rule, &[]);
    }
}

/// More parts than can be tried in every combination: nothing is claimed that isn't proved.
#[test]
fn long_rules_are_decided_in_time() {
    let many: Vec<String> = (0..60).map(|n| format!("this.pages < {n} && this.words > {n}")).collect();
    rules(&many.join(" || "), &[]);
    rules(&format!("({}) && 1 == 2", many.join(" || ")), &["rule-never-allows"]);
}

#[test]
fn checks_and_guards_are_rules_too() {
    let model = r#"
type Note @allow(read: "true") {
  pages: Int! @check(rule: "this.pages > 3 || this.pages <= 3", message: "a")
  words: Int
    @check(rule: "this.words == null || this.words == this.words", message: "b")
    @check(rule: "this.words < 1", message: "c")
    @check(rule: "this.pages == 1 && this.pages == 2", message: "d")
  hidden: Boolean! @allow(read: "this.pages != null", update: "false")
}
"#;
    check(
        model,
        &[
            "rule-always-allows: this.pages > 3 || this.pages <= 3",
            "rule-always-allows: this.words == null || this.words == this.words",
            "rule-never-allows: this.pages == 1 && this.pages == 2",
            "rule-always-allows: this.pages != null",
        ],
    );
    let states = r#"
enum Stage {
  DRAFT @initial @to(state: "REVIEW", when: "1 == 2") @to(state: "DONE", when: "new.title == new.title")
  REVIEW @to(state: "PRINTED")
  DONE @to(state: "DRAFT", when: "auth.id == null && auth.kind != 'ANONYMOUS'")
  PRINTED @to(state: "REVIEW") @to(state: "DONE")
}
type Note @allow(read: "true") { title: String! stage: Stage! }
"#;
    check(
        states,
        &[
            "rule-never-allows: 1 == 2",
            "rule-always-allows: new.title == new.title",
            "unreachable-state: REVIEW",
            "unreachable-state: PRINTED",
        ],
    );
}

/// A guard that one type can pass leads to the state.
#[test]
fn states_of_two_types_are_reached_by_either() {
    let model = |required: &str| {
        format!(
            r#"
enum Stage {{
  DRAFT @initial @to(state: "DONE", when: "this.title == null")
  DONE
}}
type Note @allow(read: "true") {{ title: String! stage: Stage! }}
type Page @allow(read: "true") {{ title: String{required} stage: Stage! }}
"#
        )
    };
    check(&model(""), &[]);
    check(&model("!"), &["rule-never-allows: this.title == null", "unreachable-state: DONE"]);
}

#[test]
fn states_that_no_type_has_are_reached_by_every_transition() {
    check(
        "enum Stage { A @initial @to(state: \"B\", when: \"whatever\") B @to(state: \"A\") C @to(state: \"A\") }",
        &["unreachable-state: C"],
    );
}

/// A field that is given a value, beside one of a relation that has a class.
#[test]
fn fields_that_get_what_is_more_confidential() {
    let check_one = |field: &str, expected: &[&str]| {
        check(
            &format!(
                r#"
enum Stage {{ A @initial @to(state: "B", set: [{{field: "copy", to: "this.diag"}}]) B }}
type Test @embedded {{ result: String value: Int parts: [Part!] }}
type Part @embedded {{ name: String }}
type Visit @allow(read: "auth.kind == 'OPERATOR'") {{
  tests: [Test!] @class(is: MEDICAL)
  plain: [Test!]
  diag: String @class(is: MEDICAL)
  nick: String @class(is: PERSONAL)
  cost: Int @class(is: MEDICAL)
  of: Visit
  visits: [Visit!] @inverse(field: "of")
  {field}
}}"#
            ),
            expected,
        );
    };
    for field in [
        r#"copy: String @set(on: WRITE, to: "this.of.diag")"#,
        r#"copy: String @default(from: "lower(this.diag)")"#,
        r#"copy: String @set(on: WRITE, to: "this.nick + ' ' + this.diag")"#,
        r#"copy: [String!] @set(on: WRITE, to: "split(this.diag, ' ')")"#,
        r#"copy: String @class(is: PERSONAL) @default(from: "this.diag")"#,
        r#"copy: String @computed(is: "this.visits.max(v, v.diag)", stored: COMMIT)"#,
        r#"copy: Int @computed(is: "this.visits.sum(v, v.cost)", stored: COMMIT)"#,
        r#"copy: String @set(on: WRITE, to: "this.tests.first(t, t.value > 1).result")"#,
        r#"copy: Int @set(on: WRITE, to: "this.tests.sum(t, t.value + 1)")"#,
        r#"copy: String @set(on: WRITE, to: "this.tests.max(t, t.parts.min(p, p.name))")"#,
        "copy: String stage: Stage!",
    ] {
        check_one(field, &["unclassified: copy"]);
    }
    for field in [
        r#"copy: String @class(is: MEDICAL) @set(on: WRITE, to: "this.of.diag")"#,
        r#"copy: String @class(is: MEDICAL) @set(on: WRITE, to: "this.diag + ': ' + this.nick")"#,
        r#"copy: String @set(on: WRITE, to: "'is ' + text(this.diag == 'x')")"#,
        r#"copy: Boolean @set(on: WRITE, to: "this.of.diag != null")"#,
        r#"copy: String @set(on: WRITE, to: "this.of.diag == 'x' ? 'y' : 'z'")"#,
        r#"copy: Int @computed(is: "this.visits.count(v, v.diag == 'x')", stored: COMMIT)"#,
        r#"copy: String @set(on: WRITE, to: "this.plain.first(t, t.result == this.diag).result")"#,
        r#"copy: Int @set(on: WRITE, to: "this.tests.count(t, t.value > 1)")"#,
        r#"copy: String @class(is: MEDICAL) @set(on: WRITE, to: "this.tests.max(t, t.result)")"#,
        r#"copy: String @computed(is: "this.diag")"#,
        r#"copy: String @class(is: MEDICAL) @default(from: "this.nick")"#,
    ] {
        check_one(field, &[]);
    }
}

/// An account with this update rule and field; a rule reads the field.
#[test]
fn fields_that_accounts_choose_and_rules_read() {
    let check_one = |update: &str, field: &str, expected: bool| {
        let model = format!(
            r#"
enum Role @roles {{ ADMIN }}
type Person @identity @allow(read: "this.id == auth.id" {update}) {{
  email: Email! @unique @class(is: PERSONAL)
  team: Team {field}
  nick: String @allow(update: "'ADMIN' in auth.roles")
}}
type Team @allow(read: "auth.account.team == this.id") {{ name: String }}
"#
        );
        let found: Vec<String> =
            found(&model).into_iter().filter(|one| one.starts_with("self-granted: team")).collect();
        assert_eq!(!found.is_empty(), expected, "{update} {field}: {found:?}");
    };
    let operators = r#"@allow(create: "auth.kind == 'OPERATOR'")"#;
    check_one("", "", true);
    check_one("", operators, false);
    check_one("", "@readonly", false);
    check_one(r#", update: "this.id == auth.id""#, operators, true);
    check_one(r#", update: "auth.id == this.id && this.nick != 'x'""#, operators, true);
    check_one(r#", update: "'ADMIN' in auth.roles || this.id == auth.id""#, operators, true);
    check_one(r#", update: "'ADMIN' in auth.roles && this.id == auth.id""#, operators, false);
    check_one(r#", update: "auth.account.nick == 'boss'""#, operators, false);
    check_one(r#", update: "this.id == auth.id", only: ["nick"]"#, operators, false);
    check_one(r#", update: "this.id == auth.id""#, "@immutable @allow(create: \"auth.kind == 'OPERATOR'\")", false);
    let both = r#"@allow(create: "auth.kind == 'OPERATOR'", update: "'ADMIN' in auth.roles")"#;
    check_one(r#", update: "this.id == auth.id""#, both, false);
}

#[test]
fn writes_without_a_credential() {
    let open = |allow: &str, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|rule| format!("open-write: {rule}")).collect();
        assert_eq!(found(&note(allow)), expected, "{allow}");
    };
    let create = |rule: &str, is_open: bool| {
        open(&format!("create: \"{rule}\""), if is_open { std::slice::from_ref(&rule) } else { &[] });
    };
    create("true", true);
    create("this.title != 'spam'", true);
    create("auth.id == null", true);
    create("auth.kind != 'SERVICE'", true);
    create("!('EDITOR' in auth.roles)", true);
    create("auth.claims.team == null", true);
    create("this.home.wardens.all(w, w.badge == auth.id)", true);
    create("false", false);
    create("auth.id != null", false);
    create("this.owner == auth.id", false);
    create("this.owner != auth.id", false);
    create("!(this.owner == auth.id)", false);
    create("'EDITOR' in auth.roles || this.title == auth.claims.team", false);
    create("this.title.startsWith(auth.claims.team)", false);
    create("this.home.members.exists(m, m == auth.id)", false);
    create("auth.id != null ? true : false", false);
    open("read: \"true\", update: \"true\", delete: \"this.hidden\"", &["true", "this.hidden"]);
    open("update: \"true\", delete: \"true\"", &[]);
    open("read: \"auth.id != null\", update: \"true\"", &[]);
    open("read: \"this.hidden\", update: \"!this.hidden\"", &[]);
    open("read: \"this.hidden\", update: \"this.hidden\", after: \"!new.hidden\"", &["this.hidden"]);
    open("read: \"this.hidden\") @allow(read: \"!this.hidden\", update: \"!this.hidden\"", &["!this.hidden"]);
}

#[test]
fn fields_that_read_rules_look_up() {
    let rule = |rule: &str, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|place| format!("unindexed-rule: {place}")).collect();
        assert_eq!(found(&note(&format!("read: \"{rule}\""))), expected, "{rule}");
    };
    rule("this.title == auth.claims.team", &["this.title == auth.claims.team"]);
    rule("this.hidden || auth.claims.team == this.title", &["auth.claims.team == this.title"]);
    rule("this.home.wardens.exists(w, w.badge == auth.id)", &["w.badge == auth.id"]);
    rule("this.home.wardens.exists(w, w.account == auth.id)", &[]);
    rule("this.home.members.exists(m, m == auth.id)", &[]);
    rule("this.owner == auth.id || this.id == auth.id", &[]);
    rule("this.body == auth.claims.team", &[]);
    rule("this.title == 'a' || this.title != auth.claims.team", &[]);
    let of_note = |allow: &str| {
        format!("type Note @allow({allow}) @index(fields: [\"words\", \"team\"]) {{ team: String words: Int }}")
    };
    check(&of_note(r#"read: "true", delete: "this.team == auth.claims.team""#), &[]);
    check(&of_note(r#"read: "this.team == auth.claims.team""#), &["unindexed-rule: this.team == auth.claims.team"]);
}

/// The class that a warning suggests for a field without one.
#[track_caller]
fn field(name: &str, ty: &str, class: Option<&str>) {
    let model = format!("enum Choice {{ A B }} type Note @allow(read: \"true\") {{ {name}: {ty} }}");
    let help: Vec<_> = warnings(&model).plain().into_iter().map(|one| (one.code, one.help)).collect();
    let told = help.iter().map(|(code, help)| (*code, help.as_deref().and_then(|help| help.split(';').next())));
    let expected = class.map(|class| format!("write `@class(is: {class})`"));
    let expected = expected.as_deref().map(|help| (Some("unclassified"), Some(help)));
    assert_eq!(told.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>(), "{name}: {ty}");
}

#[test]
fn fields_that_hold_something_confidential() {
    for (name, ty) in [
        ("contact", "Email"),
        ("contacts", "[Phone!]"),
        ("email", "String"),
        ("workEmail", "String"),
        ("phoneNumbers", "[String!]"),
        ("homeAddress", "Text"),
        ("addresses", "JSON"),
        ("addressLine2", "String"),
        ("iban", "String"),
        ("ssn", "Int"),
        ("passport", "Bytes"),
        ("passportNumber", "String"),
        ("firstName", "String"),
        ("birthday", "Date"),
        ("dateOfBirth", "DateTime"),
        ("birth_date", "String"),
        ("born", "Int"),
    ] {
        field(name, ty, Some("PERSONAL"));
    }
    for (name, ty) in [
        ("diagnosis", "String"),
        ("allergies", "[String!]"),
        ("bloodType", "Choice"),
        ("pregnant", "Boolean"),
        ("bloodPressure", "Float"),
    ] {
        field(name, ty, Some("MEDICAL"));
    }
    for (name, ty) in [("cardNumber", "String"), ("pan", "String"), ("cvv", "String")] {
        field(name, ty, Some("CARD"));
    }
    for (name, ty) in [
        ("password", "String"),
        ("passwordHash", "Bytes"),
        ("apiKey", "String"),
        ("resetToken", "Text"),
        ("secrets", "JSON"),
    ] {
        field(name, ty, Some("SECRET"));
    }
}

#[test]
fn fields_that_hold_nothing_confidential() {
    for (name, ty) in [
        ("name", "String"),
        ("emailed", "Boolean"),
        ("emailVerified", "Boolean"),
        ("emailTemplate", "Text"),
        ("emailCount", "Int"),
        ("phoneKind", "Choice"),
        ("addressed", "String"),
        ("tokens", "Int"),
        ("discard", "String"),
        ("cardTitle", "String"),
        ("company", "String"),
        ("bornAs", "Choice"),
        ("address", "Url"),
        ("contact", "Email @class(is: PERSONAL)"),
        ("password", "String @class(is: PERSONAL)"),
    ] {
        field(name, ty, None);
    }
}

#[test]
fn roles_and_rules_that_nothing_names() {
    let roles = |rule: &str, expected: &[&str]| {
        check(
            &format!(
                "enum Role @roles {{ A B C }} type Note @allow(create: \"auth.id != null && ({rule})\") {{ a: Role! }}"
            ),
            expected,
        );
    };
    roles("'A' in auth.roles || 'B' in auth.roles", &["unused-role: C"]);
    roles("size(auth.roles) > 2", &[]);
    roles("this.a in auth.roles", &[]);
    let rules = r#"
extend schema
  @rule(name: "a", is: "b || this.x == 1")
  @rule(name: "b", is: "auth.kind == 'SERVICE'")
  @rule(name: "c", is: "a && d")
  @rule(name: "d", is: "this.y == 1")
type Note @allow(read: "true") { x: Int @allow(read: "a") }
"#;
    check(rules, &["unused-rule: a && d", "unused-rule: this.y == 1"]);
}

#[test]
fn comments_ignore_what_is_meant() {
    let open = ["open-write: true"];
    let create = |before: &str, after: &str| {
        format!("type Note\n  @allow(\n{before}\n    create: \"true\"{after}\n  ) {{ a: Int }}\n")
    };
    check(&create("", ""), &open);
    check(&create("", " # lint-ignore open-write (a form)"), &[]);
    check(&create("    # lint-ignore open-write (a form)", ""), &[]);
    check(&create("    # lint-ignore open-write\n    # and another comment", ""), &[]);
    check(&create("    #lint-ignore: open-write", ""), &[]);
    check(&create("    # lint-ignore unclassified, open-write", ""), &["unused-ignore: unclassified"]);
    check(&create("    # lint-ignore open-write\n", ""), &["unused-ignore: open-write", open[0]]);
    check(&create("    # lint-ignored open-write", ""), &open);
    check(&create("    # See lint-ignore open-write", ""), &open);
    check(&create("    # lint-ignore opn-write", ""), &["unknown-lint: opn-write", open[0]]);
    check(&create("    # lint-ignore unused-ignore", ""), &["unknown-lint: unused-ignore", open[0]]);
    check(&create("    # lint-ignore (a form)", ""), &["unknown-lint: # lint-ignore (a form)", open[0]]);
    check(&create("", "\n    # lint-ignore open-write"), &[open[0], "unused-ignore: open-write"]);
}

/// A text between `"""` can hold no comment: it counts as one line.
#[test]
fn comments_ignore_what_is_in_a_block() {
    let block = |before: &str, after: &str| {
        format!(
            "type Note @allow({before}\n  read: \"\"\"\n    this.team == auth.claims.team\n  \"\"\"{after}\n) {{\n  \
             team: String\n}}\n"
        )
    };
    let finding = "unindexed-rule: this.team == auth.claims.team";
    check(&block("", ""), &[finding]);
    check(&block("\n  # lint-ignore unindexed-rule", ""), &[]);
    check(&block("", " # lint-ignore unindexed-rule"), &[]);
    check(&block(" # lint-ignore unindexed-rule", ""), &["unused-ignore: unindexed-rule", finding]);
}

/// What is hidden doesn't count towards the limit of what is shown.
#[test]
fn ignored_warnings_leave_room_for_others() {
    let field = |n: usize| format!("  # lint-ignore unclassified\n  email{n}: Email\n");
    let many: String = (0..150).map(field).collect();
    check(&format!("type Note @allow(read: \"true\") {{\n{many}  phone: Phone\n}}\n"), &["unclassified: phone"]);
}

#[test]
fn only_names_fields_that_somebody_reads_and_changes() {
    let field = |rules: &str| {
        format!(
            r#"type Note @allow(read: "auth.id != null", update: "false")
                 @allow(update: "auth.id != null", only: ["title", "stars"]) @allow(update: "auth.verified", only: ["stars"]) {{
                 title: String!
                 stars: Int {rules}
               }}"#
        )
    };
    check(&field(r#"@allow(read: "false")"#), &["hidden-in-only: false"]);
    check(&field(r#"@allow(read: "true", update: "false")"#), &["hidden-in-only: false"]);
    check(&field(r#"@allow(read: "auth.kind == 'OPERATOR'")"#), &[]);
    check(&field("@class(is: SECRET)"), &[]);
    check(&field(r#"@allow(create: "false")"#), &[]);
}
