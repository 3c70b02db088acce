//! What a model says that an application and packs make together.

use backstay_model::{Allow, Model, RuleText, SourceFile, UpdateRule, diff, load};

const APP: &str = "extend schema @app(name: \"A\") @pack(name: \"one\")\n";

fn model(app: &str, one: &str) -> Model {
    let manifest = "extend schema @manifest(name: \"one\", version: \"1.0\")\n";
    versioned(&format!("{APP}{app}"), &format!("{manifest}{one}"))
}

fn versioned(app: &str, one: &str) -> Model {
    let files = vec![SourceFile::app("model/a.graphql", app), SourceFile::app("packs/one/o.graphql", one)];
    load(files).map_err(|refused| refused.to_string()).expect("the model loads").model
}

/// The clauses of a type, each with its rules.
fn clauses(model: &Model, of: &str) -> Vec<String> {
    let collection = model.collection_named(of).expect("the type");
    let name = |field: &backstay_model::FieldId| collection.field(*field).name.clone();
    let clause = |allow: &Allow| {
        let Allow { read, refer, create, update, only, delete, restore, purge } = allow;
        let written = |(name, rule): (&str, &Option<RuleText>)| Some(format!("{name}: {}", rule.as_ref()?.text));
        let plain = [
            ("read", read),
            ("refer", refer),
            ("create", create),
            ("delete", delete),
            ("restore", restore),
            ("purge", purge),
        ];
        let mut parts: Vec<String> = plain.into_iter().filter_map(written).collect();
        if let Some(UpdateRule { rule, after }) = update {
            parts.push(format!("update: {}", rule.text));
            parts.extend(written(("after", after)));
        }
        parts.extend(only.as_ref().map(|only| format!("only {}", only.iter().map(name).collect::<Vec<_>>().join(" "))));
        parts.join(", ")
    };
    collection.allow.iter().map(clause).collect()
}

/// What may be done with a `Note` of a pack that has these clauses, where the application adds others.
fn check_narrowed(pack: &str, app: &str, expected: &[&str]) {
    let one = format!("type Note {pack} @trash {{ text: String, by: String, more: Int }}");
    assert_eq!(clauses(&model(&format!("extend type Note {app}"), &one), "Note"), expected, "{pack} and {app}");
}

/// What is wrong with an application and a pack.
fn check_refused(app: &str, one: &str, expected: &[&str]) {
    check_refused_with(APP, app, (one, ""), expected);
}

/// The same where the application may also include the pack `two`.
fn check_refused_with(schema: &str, app: &str, (one, two): (&str, &str), expected: &[&str]) {
    let manifest = |name: &str| format!("extend schema @manifest(name: \"{name}\", version: \"1.0\")\n");
    let files = vec![
        SourceFile::app("model/a.graphql", format!("{schema}{app}")),
        SourceFile::app("packs/one/o.graphql", manifest("one") + one),
        SourceFile::app("packs/two/t.graphql", manifest("two") + two),
    ];
    let told = load(files).err().map(|refused| refused.to_string()).unwrap_or_default();
    let told = told.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    let message = |error: &str| error.split(" ╭─").next().unwrap_or_default().to_owned();
    let errors: Vec<String> = told.split("× error: ").skip(1).map(message).collect();
    assert_eq!(errors, expected, "{app} and {one} {two}");
}

#[test]
fn an_interface_brings_nothing_that_only_the_owner_says() {
    let one = "interface Base { at: Int }
interface Root { at: Int }
type Note implements Base @allow(read: \"this.at == 1\") { at: Int, text: String }";
    let history = "Kept has `@history`, which can't be added to Base, an interface of the pack `one`";
    let kept = "interface Kept implements Deep { n: Int }
interface Deep @history(read: \"true\") { n: Int }
extend interface Base implements Kept { n: Int }";
    check_refused(kept, one, &[history]);
    let set = "`@set` can't be added to `text` of Note, which is a field of the pack `one`";
    check_refused("extend interface Base { text: String @set(on: WRITE, to: \"'x'\") }", one, &[set]);
    let deep = "interface Sets { text: String @set(on: WRITE, to: \"'x'\") }\nextend interface Base implements Sets";
    check_refused(deep, one, &[set]);
    let both = "extend schema @app(name: \"A\") @pack(name: \"one\") \
                @pack(name: \"two\", binds: [{name: \"Rated\", to: [\"Note\"]}])\n";
    for (rated, expected) in [
        (
            "interface Rated @history(read: \"true\") { stars: Int }",
            &["Rated has `@history`, which can't be added to Note, a type of the pack `one`"] as &[&str],
        ),
        (
            "interface Rated @allow(read: \"true\") { stars: Int }",
            &["Rated has `@allow`, which can't be added to Note, a type of the pack `one`"],
        ),
        (
            "interface Rated { text: String @set(on: WRITE, to: \"'x'\") }",
            &["`@set` can't be added to `text` of Note, which is a field of the pack `one`"],
        ),
        ("interface Rated @path(is: \"rated\") { stars: Int @range(min: 1), text: String }", &[]),
    ] {
        check_refused_with(both, "", (one, rated), expected);
    }
}

#[test]
fn states_of_others_leave_the_fields_of_a_pack_alone() {
    let one = "type Note @allow(read: \"true\") { text: String, at: Int @readonly }";
    let told = |name: &str| {
        format!("`{name}` of Note is a field of the pack `one`, and its state `st` one of the application")
    };
    for (to, expected) in [
        ("by: \"true\", with: [\"text\"]", Some(told("text"))),
        ("set: [{field: \"at\", to: \"1\"}]", Some(told("at"))),
        ("by: \"true\", with: [\"own\"], set: [{field: \"more\", to: \"1\"}]", None),
    ] {
        let states = format!("enum St {{ A @initial @to(state: \"B\", {to}) B }}");
        let app = format!("{states}\nextend type Note {{ st: St!, own: String, more: Int @readonly }}");
        check_refused(&app, one, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn relations_of_others_delete_no_records_of_a_pack() {
    let one = "type Note @allow(read: \"true\") { text: String }";
    let topic = "type Topic @allow(delete: \"true\") { name: String }\ntype At @embedded { topic: Topic @onDelete(do: CASCADE) }";
    let app = |field: &str| format!("{topic}\nextend type Note {{ {field} }}");
    let told = |name: &str| format!("`{name}` would delete records of Note, a type of the pack `one`");
    check_refused(&app("topic: Topic! @onDelete(do: CASCADE)"), one, &[&told("topic")]);
    check_refused(&app("at: At"), one, &[&told("at.topic")]);
    check_refused(&app("topic: Topic! @onDelete(do: RESTRICT)"), one, &[]);
    let own = "type Topic { name: String }\ntype Note @allow(read: \"true\") { topic: Topic @onDelete(do: CASCADE) }";
    check_refused("extend type Note { text: String }", own, &[]);
}

#[test]
fn functions_mean_the_same_to_all_owners() {
    let one = "type Note @allow(read: \"text(this.at) == '1'\") { at: Int }";
    let rule = |name: &str| format!("extend schema @rule(name: \"{name}\", is: \"'1'\")");
    let told = "`text` is a function, which packs and applications call in their rules";
    check_refused(&rule("text(n: Int)"), one, &[told]);
    check_refused(&rule("text"), one, &[told]);
    check_refused("", &format!("{one}\n{}", rule("text(n: Int)")), &[told]);
    check_refused(&rule("texts(n: Int)"), one, &[]);
}

#[test]
fn values_of_two_owners_stand_in_one_order() {
    let one = "enum Level { LOW MID HIGH }\ntype Note @allow(read: \"this.at < 'HIGH'\") { at: Level! }";
    check_refused("enum Level { HIGH LOW }", one, &["`HIGH` and `LOW` of Level stand in two orders"]);
    check_refused("enum Level { TOP LOW MORE HIGH }", one, &[]);
    check_refused("enum Role @roles { B A }", "enum Role @roles { A B }", &[]);
}

#[test]
fn rules_of_two_owners_both_hold() {
    check_narrowed(r#"@allow(read: "true")"#, r#"@allow(read: "auth.id != null")"#, &["read: auth.id != null"]);
    check_narrowed(r#"@allow(read: "this.more > 1")"#, r#"@allow(read: "true")"#, &["read: this.more > 1"]);
    check_narrowed(
        r#"@allow(read: "this.more > 1", delete: "false")"#,
        r#"@allow(read: "auth.id != null")"#,
        &["delete: false", "read: this.more > 1 && auth.id != null"],
    );
    check_narrowed(
        r#"@allow(read: "this.more > 1 || this.by == 'a'")"#,
        r#"@allow(read: "this.more < 9 ? true : false")"#,
        &["read: (this.more > 1 || this.by == 'a') && (this.more < 9 ? true : false)"],
    );
    check_narrowed(
        r#"@allow(read: "this.more > 1") @allow(read: "this.more > 2")"#,
        r#"@allow(read: "this.by == 'a'") @allow(read: "this.by == 'b'")"#,
        &[
            "read: this.more > 1 && this.by == 'a'",
            "read: this.more > 1 && this.by == 'b'",
            "read: this.more > 2 && this.by == 'a'",
            "read: this.more > 2 && this.by == 'b'",
        ],
    );
}

#[test]
fn a_comment_or_a_text_ends_within_the_rule_that_it_is_in() {
    check_narrowed(
        r#"@allow(read: "this.more > 1 // the owner's")"#,
        r#"@allow(read: "this.by == 'a'")"#,
        &["read: this.more > 1 // the owner's\n && this.by == 'a'"],
    );
    check_narrowed(
        r#"@allow(read: "this.more > 1 // (or:\n|| this.by == '''it's (a)'''")"#,
        r#"@allow(read: "this.by != r'\\' || this.by == '\\'('")"#,
        &["read: (this.more > 1 // (or:\n|| this.by == '''it's (a)'''\n) && (this.by != r'\\' || this.by == '\\'(')"],
    );
    let open = "the brackets or quotes of the rule don't close";
    for rule in [
        r"r'\\' == this.by) || (true || this.by == '\\''",
        "'''a'b''' != this.by) || (true || this.by != '''a'b'''",
        r"true // (\n) || (true",
        "this.by == 'a",
        "(true // )",
    ] {
        let more = format!("extend type Note @allow(read: \"{rule}\")");
        check_refused(&more, "type Note @allow(read: \"this.more > 1\") { by: String, more: Int }", &[open]);
    }
}

#[test]
fn a_clause_that_repeats_one_of_the_owner_narrows_the_others() {
    check_narrowed(
        r#"@allow(read: "this.more > 1", create: "true") @allow(read: "this.by == 'a'")"#,
        r#"@allow(read: "this.by == 'a'")"#,
        &["create: true", "read: this.more > 1 && this.by == 'a'", "read: this.by == 'a'"],
    );
}

#[test]
fn updates_of_two_owners_are_permitted_by_both() {
    check_narrowed(
        r#"@allow(read: "true", update: "this.more > 1", only: ["text", "by"])"#,
        r#"@allow(update: "this.by == 'a'", only: ["by", "more"])"#,
        &["read: true", "update: this.more > 1 && this.by == 'a', only by"],
    );
    check_narrowed(
        r#"@allow(update: "this.more > 1", only: ["text"])"#,
        r#"@allow(update: "true", only: ["by"]) @allow(update: "true")"#,
        &["update: this.more > 1, only text"],
    );
    check_narrowed(
        r#"@allow(update: "this.more > 1", after: "new.more > 2")"#,
        r#"@allow(update: "this.by == 'a'", after: "new.by == 'a'")"#,
        &["update: this.more > 1 && this.by == 'a', after: new.more > 2 && new.by == 'a'"],
    );
    check_narrowed(
        r#"@allow(update: "true")"#,
        r#"@allow(update: "this.by == 'a'", after: "new.by == 'a'")"#,
        &["update: this.by == 'a', after: new.by == 'a'"],
    );
}

#[test]
fn what_delete_answers_for_is_narrowed_too() {
    check_narrowed(
        r#"@allow(delete: "this.more > 1")"#,
        r#"@allow(purge: "this.by == 'a'")"#,
        &["delete: this.more > 1", "purge: this.more > 1 && this.by == 'a'"],
    );
}

#[test]
fn rules_of_fields_both_hold() {
    let one =
        "type Note @allow(read: \"true\", create: \"true\") { text: String @allow(read: \"this.more > 1\") more: Int }";
    let model = model("extend type Note { text: String @allow(read: \"auth.id != null\", create: \"false\") }", one);
    let note = model.collection_named("Note").expect("the type");
    let allow = &note.field_named("text").expect("the field").allow;
    let text = |rule: &Option<RuleText>| rule.as_ref().map(|rule| rule.text.to_string());
    assert_eq!(text(&allow.read).as_deref(), Some("this.more > 1 && auth.id != null"));
    assert_eq!(text(&allow.create).as_deref(), Some("false"));
}

#[test]
fn each_part_of_a_rule_has_its_place() {
    let one = "type Note @allow(read: \"this.more > 1 || false\") { more: Int }";
    let model = model("extend type Note @allow(read: \"auth.id != null\")", one);
    let rule = model.collection_named("Note").expect("the type").allow[0].read.clone().expect("a rule");
    for part in ["this.more", "false", "auth.id", "null"] {
        let at = rule.text.find(part).expect("a part");
        let span = model.sources.within(&rule, at..at + part.len());
        assert_eq!(model.sources.text(span), part);
    }
    let whole = model.sources.within(&rule, 0..rule.text.len());
    assert_eq!(model.sources.text(whole), "\"auth.id != null\"");
}

#[test]
fn identity_types_and_roles_are_one() {
    let one = r#"
enum Staff @roles { MODERATOR }
type Person @identity @allow(read: "true") { email: Email! @unique nick: String notes: [Note!] @inverse(field: "by") }
type Note @allow(read: "mine(this)", create: "'MODERATOR' in auth.roles") { text: String by: Person }
extend schema @rule(name: "mine(n: Note)", is: "isThis(n.by)") @rule(name: "isThis(p: Person)", is: "p.nick != ''")
"#;
    let app = r#"
enum Role @roles { ADMIN MODERATOR }
type User @identity @allow(read: "auth.id != null") { email: Email! @unique name: String }
"#;
    let model = model(app, one);
    let names: Vec<&str> = model.collections.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["User", "Note"]);
    let user = model.collection_named("User").expect("the type");
    let fields: Vec<&str> = user.fields[4..].iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, ["email", "name", "nick", "notes"]);
    assert_eq!(clauses(&model, "User"), ["read: auth.id != null"]);
    let roles = model.enumeration(model.roles.expect("roles"));
    let roles: Vec<&str> = roles.values.iter().map(|value| &*value.name).collect();
    assert_eq!(roles, ["ADMIN", "MODERATOR"]);
    assert_eq!(model.packs[0].version, "1.0");
}

#[test]
fn names_stand_for_those_of_the_application() {
    let one = r#"
union Subject
interface Rated { stars: Int @range(min: 1) }
enum Tone { WARM }
type Place @allow(read: "this.town != ''") { town: String! zip: String }
type Note @allow(read: "true") { about: Subject! tone: Tone at: Place }
"#;
    let app = r#"
extend schema @pack(name: "one", binds: [
  {name: "Subject", to: ["Post", "City"]}, {name: "Rated", to: "Post"}, {name: "Tone", to: "Mood"},
  {name: "Place", to: "City"}])
enum Mood { SAD }
type Post @allow(read: "true") { title: String }
type City @allow(read: "true") { town: String! }
"#;
    let manifest = "extend schema @manifest(name: \"one\", version: \"1.0\")\n";
    let model = versioned(&format!("extend schema @app(name: \"A\")\n{app}"), &format!("{manifest}{one}"));
    let fields = |of: &str| -> Vec<String> {
        let of = model.collection_named(of).expect("the type");
        of.fields[4..].iter().map(|field| field.name.clone()).collect()
    };
    assert_eq!(fields("Note"), ["about", "about.Post", "about.City", "tone", "at"]);
    assert_eq!(fields("Post"), ["stars", "title"]);
    assert_eq!(fields("City"), ["town", "zip"]);
    assert_eq!(clauses(&model, "City"), ["read: this.town != ''"]);
    let values: Vec<&str> = model.enums[0].values.iter().map(|value| &*value.name).collect();
    assert_eq!((model.enums[0].name.as_str(), values), ("Mood", vec!["SAD", "WARM"]));
}

#[test]
fn versions_of_packs_are_differences() {
    let of = |version: &str| {
        let manifest = format!("extend schema @manifest(name: \"one\", version: \"{version}\")\n");
        versioned(APP, &format!("{manifest}type Note @allow(read: \"true\") {{ text: String }}"))
    };
    let none = versioned("extend schema @app(name: \"A\")\ntype Note @allow(read: \"true\") { text: String }", "");
    let compared = |old: &Model, new: &Model| -> Vec<String> {
        diff(old, new).iter().map(|difference| format!("{:?}: {difference}", difference.work())).collect()
    };
    let (old, new) = (of("1.0"), of("1.1"));
    assert_eq!(compared(&old, &new), ["Nothing: the pack one (1.0 -> 1.1) changed; no record changes"]);
    assert_eq!(compared(&none, &old), ["Nothing: the pack one (new, 1.0) changed; no record changes"]);
    assert_eq!(compared(&old, &none), ["Nothing: the pack one (1.0, no longer included) changed; no record changes"]);
    assert_eq!(compared(&old, &old), [""; 0]);
}
