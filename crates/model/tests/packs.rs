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
