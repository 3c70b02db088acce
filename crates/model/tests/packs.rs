//! What a model says that an application and packs make together.

use backstay_model::{Allow, Layer, Model, OwnerName, RuleText, SourceFile, UpdateRule, diff, load};

const APP: &str = "extend schema @app(name: \"A\") @pack(name: \"one\")\n";

fn model(app: &str, one: &str) -> Model {
    let manifest = "extend schema @manifest(name: \"one\", version: \"1.0\")\n";
    versioned(&format!("{APP}{app}"), &format!("{manifest}{one}"))
}

fn versioned(app: &str, one: &str) -> Model {
    let files = vec![SourceFile::app("model/a.graphql", app), SourceFile::app("packs/one/o.graphql", one)];
    load(files).map_err(|refused| refused.to_string()).expect("the model loads").model
}

/// The clauses of a type, each with its owner and its rules.
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
    let layer = |Layer { owner, clauses }: &Layer| {
        let owner = match owner {
            OwnerName::Application => "app",
            OwnerName::Pack(name) => name,
            OwnerName::System => "system",
        };
        clauses.iter().map(|allow| format!("{owner}: {}", clause(allow))).collect::<Vec<_>>()
    };
    collection.allow.iter().flat_map(layer).collect()
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
        ("interface Rated @allow(read: \"true\") { stars: Int }", &[]),
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

/// What a name means in the expressions of the application and of the packs `one` and `two`.
fn meanings<'m>(model: &'m Model, name: &str) -> [Option<&'m str>; 3] {
    let owners = [OwnerName::Application, OwnerName::Pack("one".into()), OwnerName::Pack("two".into())];
    owners.map(|owner| model.rules.meant(&owner, name).map(|id| &*model.rules.get(id).is.text))
}

#[test]
fn each_owner_gives_its_own_names() {
    let rule = |name: &str, is: &str| format!("extend schema @rule(name: \"{name}\", is: \"{is}\")\n");
    let manifest = |name: &str| format!("extend schema @manifest(name: \"{name}\", version: \"1.0\")\n");
    let app = "extend schema @app(name: \"A\") @pack(name: \"one\") @pack(name: \"two\")\n".to_owned();
    let app = app + &rule("mine", "1 == 1") + &rule("text", "false");
    let one = manifest("one") + &rule("mine", "1 == 2") + &rule("lent", "1 == 3") + &rule("date", "true");
    let two = manifest("two") + &rule("shared", "1 == 4") + "type Note @allow(read: \"true\") { at: Int }";
    let files = |one: &str| {
        vec![
            SourceFile::app("model/a.graphql", app.clone()),
            SourceFile::app("packs/one/o.graphql", one),
            SourceFile::app("packs/two/t.graphql", two.clone()),
        ]
    };
    let model = load(files(&one)).expect("the model loads").model;
    assert_eq!(meanings(&model, "mine"), [Some("1 == 1"), Some("1 == 2"), Some("1 == 2")], "the own one first");
    assert_eq!(meanings(&model, "lent"), [Some("1 == 3"); 3], "a pack's is lent");
    assert_eq!(meanings(&model, "text"), [Some("false"), None, None], "an application's isn't");
    assert_eq!(meanings(&model, "date"), [None, Some("true"), None], "others keep the function");
    let model = load(files(&(one + &rule("shared", "1 == 5")))).expect("the model loads").model;
    assert_eq!(meanings(&model, "shared"), [None, Some("1 == 5"), Some("1 == 4")], "nobody else's of two");
}

#[test]
fn values_of_two_owners_stand_in_one_order() {
    let one = "enum Level { LOW MID HIGH }\ntype Note @allow(read: \"this.at < 'HIGH'\") { at: Level! }";
    check_refused("enum Level { HIGH LOW }", one, &["`HIGH` and `LOW` of Level stand in two orders"]);
    check_refused("enum Level { TOP LOW MORE HIGH }", one, &[]);
    check_refused("enum Role @roles { B A }", "enum Role @roles { A B }", &[]);
}

#[test]
fn each_owner_keeps_its_clauses() {
    check_narrowed(
        r#"@allow(read: "this.more > 1 // the owner's", delete: "false") @allow(read: "this.more > 2")"#,
        r#"@allow(read: "this.by == 'a'") @allow(read: "this.more > 2")"#,
        &[
            "one: read: this.more > 1 // the owner's, delete: false",
            "one: read: this.more > 2",
            "app: read: this.by == 'a'",
            "app: read: this.more > 2",
        ],
    );
    check_narrowed(
        r#"@allow(update: "this.more > 1", only: ["text", "by"])"#,
        r#"@allow(update: "this.by == 'a'", after: "new.by == 'a'", only: ["by", "more"])"#,
        &[
            "one: update: this.more > 1, only text by",
            "app: update: this.by == 'a', after: new.by == 'a', only by more",
        ],
    );
    check_narrowed(
        r#"@allow(delete: "this.more > 1")"#,
        r#"@allow(purge: "this.by == 'a'")"#,
        &["one: delete: this.more > 1", "app: purge: this.by == 'a'"],
    );
}

#[test]
fn a_rule_of_a_pack_that_is_repeated_by_an_interface_or_a_field_stays() {
    let one = "interface Rated @allow(read: \"mine\") { stars: Int @allow(read: \"mine\") }\n\
               extend schema @rule(name: \"mine\", is: \"false\")";
    let app = "extend schema @pack(name: \"one\", binds: [{name: \"Rated\", to: \"Post\"}]) \
               @rule(name: \"mine\", is: \"true\")\n\
               type Post @allow(read: \"mine\") @allow(read: \"true\") { stars: Int @allow(read: \"mine\") }";
    let manifest = "extend schema @manifest(name: \"one\", version: \"1.0\")\n";
    let model = versioned(&format!("extend schema @app(name: \"A\")\n{app}"), &format!("{manifest}{one}"));
    assert_eq!(clauses(&model, "Post"), ["app: read: mine", "app: read: true", "one: read: mine"]);
    let stars = model.collection_named("Post").and_then(|post| post.field_named("stars")).expect("the field");
    let owners: Vec<String> = stars.allow.read.iter().map(|rule| rule.owner.to_string()).collect();
    assert_eq!(owners, ["the application", "the pack `one`"]);
}

/// What a type of the application says that stands for a `Person` of a pack, and what it says of the field that it has
/// from there.
fn check_closed(person: &str, user: &str, expected: (&[&str], [&[&str]; 3])) {
    let one =
        format!("type Person @identity {person} {{ email: Email! @unique, trusted: Boolean! @default(to: false) }}");
    let app = format!("type User @identity {user} {{ email: Email! @unique, name: String }}");
    let model = model(&app, &one);
    let trusted = model.collection_named("User").and_then(|user| user.field_named("trusted")).expect("the field");
    let allow = &trusted.allow;
    let texts =
        |rules: &mut dyn Iterator<Item = &RuleText>| rules.map(|rule| rule.text.to_string()).collect::<Vec<_>>();
    let [read, create] = [&allow.read, &allow.create].map(|rules| texts(&mut rules.iter()));
    let update = texts(&mut allow.update.iter().map(|update| &update.rule));
    assert_eq!(clauses(&model, "User"), expected.0, "{person} and {user}");
    assert_eq!(
        [read, create, update],
        expected.1.map(|texts| texts.iter().map(ToString::to_string).collect::<Vec<_>>())
    );
}

#[test]
fn what_a_pack_lets_nobody_do_with_its_fields_stays_so() {
    let user = r#"@allow(read: "true", create: "true", update: "this.id == auth.id")"#;
    let own = "app: read: true, create: true, update: this.id == auth.id";
    let others = "one: update: true, after: true, only email name";
    check_closed("", user, (&[own, others], [&["false"], &["false"], &[]]));
    check_closed("", r#"@allow(read: "true")"#, (&["app: read: true"], [&["false"], &["false"], &[]]));
    check_closed(
        r#"@allow(read: "auth.id != null", create: "true", update: "false")"#,
        user,
        (&[own, "one: read: auth.id != null, create: true, update: false"], [&[], &[], &[]]),
    );
}

#[test]
fn a_rule_of_a_pack_for_its_field_counts() {
    let one = r#"type Person @identity { email: Email! @unique
  trusted: Boolean! @default(to: false) @allow(read: "auth.id != null", create: "false", update: "'A' in auth.roles") }
enum Role @roles { A }"#;
    let app = r#"type User @identity @allow(read: "true", update: "true") { email: Email! @unique }"#;
    let model = model(app, one);
    assert_eq!(clauses(&model, "User"), ["app: read: true, update: true"]);
    let trusted = model.collection_named("User").and_then(|user| user.field_named("trusted")).expect("the field");
    let rules = [trusted.allow.read.len(), trusted.allow.create.len(), trusted.allow.update.len()];
    assert_eq!(rules, [1, 1, 1]);
}

#[test]
fn rules_of_fields_both_hold() {
    let one =
        "type Note @allow(read: \"true\", create: \"true\") { text: String @allow(read: \"this.more > 1\") more: Int }";
    let model = model("extend type Note { text: String @allow(read: \"auth.id != null\", create: \"false\") }", one);
    let note = model.collection_named("Note").expect("the type");
    let allow = &note.field_named("text").expect("the field").allow;
    let texts = |rules: &[RuleText]| rules.iter().map(|rule| rule.text.to_string()).collect::<Vec<_>>();
    assert_eq!(texts(&allow.read), ["this.more > 1", "auth.id != null"]);
    assert_eq!(texts(&allow.create), ["false"]);
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
    assert_eq!(clauses(&model, "User")[..2], ["app: read: auth.id != null", "one: read: true"]);
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
    assert_eq!(clauses(&model, "City"), ["app: read: true", "one: read: this.town != ''"]);
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
