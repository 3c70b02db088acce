//! What is different between two models, in words.

use backstay_model::{Difference, Model, SourceFile, diff, load};

const BASE: &str = r#"
enum Color { RED GREEN }
enum State { A @initial @to(state: "B") B }
type Tag @allow(read: "true") { name: String! }
type User @allow(read: "true") { name: String! }
"#;

fn model(text: &str) -> Model {
    let text = format!("extend schema @app(name: \"Test\")\n{BASE}\n{text}");
    load(vec![SourceFile::app("m.graphql", text)]).map_err(|refused| refused.to_string()).expect("loads").model
}

fn compared(old: &str, new: &str) -> Vec<String> {
    let differences = diff(&model(old), &model(new));
    differences.iter().map(|difference| format!("{:?}: {difference}", difference.work())).collect()
}

/// Compares two versions of the fields of `Post`.
fn check(old: &str, new: &str, expected: &[&str]) {
    let post = |fields: &str| format!("type Post @allow(read: \"true\") {{ title: String! {fields} }}");
    assert_eq!(compared(&post(old), &post(new)), expected, "{old} → {new}");
}

/// Compares two versions of a whole model.
fn check_models(old: &str, new: &str, expected: &[&str]) {
    assert_eq!(compared(old, new), expected, "{old} → {new}");
}

#[test]
fn nothing() {
    check("a: Int", "a: Int", &[]);
    check(
        "a: Int b: Int",
        "b: Int # moved\n a: Int",
        &["Nothing: Post: the order of the fields changed; no record changes"],
    );
    check_models("type P @allow(read: \"true\") { a: Int }", "\n\ntype P @allow(read: \"true\") { a: Int }", &[]);
}

#[test]
fn clauses() {
    let told = "Nothing: Post: the rules changed; no record changes";
    let post = |clauses: &str| format!("type Post {clauses} {{ title: String! slug: String }}");
    let check = |old: &str, new: &str, expected: &[&str]| check_models(&post(old), &post(new), expected);
    let update = r#"@allow(read: "true", update: "true")"#;
    check(update, r#"@allow(read: "true") @allow(update: "true")"#, &[told]);
    check(update, r#"@allow(read: "true", update: "true", only: ["title"])"#, &[told]);
    check(update, r#"@allow(read: "true", update: "true", after: "true")"#, &[told]);
    check(update, r#"@allow(read: "true", update: "true", refer: "true")"#, &[told]);
    let both = r#"@allow(update: "true", only: ["slug", "title"])"#;
    check(r#"@allow(update: "true", only: ["title", "slug"])"#, both, &[]);
    let states = "Nothing: the states of Step changed; no record changes";
    let ticket = |to: &str| {
        format!(
            "enum Step {{ X @initial @to(state: \"Y\"{to}) Y }} type Ticket @allow(read: \"true\") {{ s: Step! note: Int }}"
        )
    };
    check_models(&ticket(""), &ticket(", by: \"true\""), &[states]);
    check_models(&ticket(", by: \"true\""), &ticket(", by: \"true\", with: [\"note\"]"), &[states]);
    // A renamed field is the same one.
    check_models(
        r#"type Post @allow(update: "true", only: ["title"]) { title: String }"#,
        r#"type Post @allow(update: "true", only: ["name"]) { name: String @renamed(from: "title") }"#,
        &["Renames: Post.title is now called name; its values stay"],
    );
}

#[test]
fn checks_of_types() {
    let stays = "stored records that break it stay until they are changed";
    let added = format!("Nothing: Post has a new check, \"more\"; {stays}");
    let removed = "Nothing: Post loses the check \"more\"; no record changes";
    let post = |guards: &str, field: &str| {
        let check = format!("@check(rule: \"true\", message: \"more\"{guards})");
        format!("type Post @allow(read: \"true\") {check} {{ {field} }}")
    };
    let plain = "type Post @allow(read: \"true\") { a: Int }";
    check_models(plain, &post("", "a: Int"), &[&added]);
    check_models(&post("", "a: Int"), plain, &[removed]);
    check_models(&post("", "a: Int"), &post(", guards: [\"a\"]", "a: Int"), &[&added, removed]);
    check_models(&post("", "a: Int"), &post(", on: COMMIT", "a: Int"), &[&added, removed]);
    check_models(&post("", "a: Int"), &post(", on: WRITE", "a: Int"), &[]);
    check_models(
        &post(", guards: [\"a\"]", "a: Int"),
        &post(", guards: [\"b\"]", "b: Int @renamed(from: \"a\")"),
        &["Renames: Post.a is now called b; its values stay"],
    );
}

#[test]
fn collections() {
    let post = "type Post @allow(read: \"true\") { author: User tags: [Tag!] }";
    check_models("", post, &["Nothing: Post is new"]);
    check_models(post, "", &["Deletes: Post is removed, with all its records"]);
    check_models(
        "type Post @allow(read: \"true\") { a: Int }",
        "type Post @allow(read: \"true\") @path(is: \"articles\") { a: Int }",
        &["Nothing: Post moves from /api/posts to /api/articles; no record changes"],
    );
}

#[test]
fn new_fields() {
    let only = |text: &str, expected: &str| check("", text, &[expected]);
    only("a: Int", "Nothing: Post.a is new; it is null in stored records");
    only("a: Int! @default(to: 1)", "Nothing: Post.a is new; stored records get its default");
    only("a: State!", "Nothing: Post.a is new; stored records get its default");
    only("a: Int!", "Nothing: Post.a is new; it is required, and nothing says what stored records get");
    check(
        "",
        "a: Int @unique",
        &[
            "Nothing: Post.a is new; it is null in stored records",
            "Reads: Post gets the unique index ux_post__a; no two records may share these values",
        ],
    );
    check(
        "",
        "author: User",
        &["Nothing: Post.author is new; it is null in stored records", "Reads: Post gets the index ix_post__author_id"],
    );
    check(
        "",
        "tags: [Tag!]",
        &["Nothing: Post.tags is new; it needs no column", "Nothing: Post.tags gets the new link table post__tags"],
    );
}

#[test]
fn fields_that_are_gone() {
    check("a: Int", "", &["Deletes: Post.a is removed, with its stored values"]);
    check(
        "tags: [Tag!]",
        "",
        &[
            "Deletes: the link table post__tags of Post.tags is removed, with its links",
            "Nothing: Post.tags is removed; it had no column",
        ],
    );
}

#[test]
fn fields_of_other_types() {
    check(
        "a: Int",
        "a: String",
        &["Writes: Post.a changes from Int to String; each stored value is written as text and read as the new type"],
    );
    check("a: Email", "a: Text", &["Nothing: Post.a changes from Email to Text; every stored value fits as it is"]);
    check(
        "a: Decimal @precision(digits: 5, scale: 2)",
        "a: Decimal @precision(digits: 9, scale: 2)",
        &["Nothing: Post.a changes from Decimal(5, 2) to Decimal(9, 2); every stored value fits as it is"],
    );
    check(
        "a: Decimal @precision(digits: 5, scale: 2)",
        "a: Decimal @precision(digits: 5, scale: 3)",
        &["Writes: Post.a changes from Decimal(5, 2) to Decimal(5, 3); each stored value is written as text and \
             read as the new type"],
    );
    check("a: Int", "a: Int!", &["Reads: Post.a is now required; every stored record must have a value"]);
    check("a: Int!", "a: Int", &["Nothing: Post.a is no longer required"]);
    check(
        "a: User @onDelete(do: RESTRICT)",
        "a: User @onDelete(do: CASCADE)",
        &["Nothing: the `@onDelete` of Post.a changes from RESTRICT to CASCADE; no record changes"],
    );
}

#[test]
fn indexes() {
    let with = |directive: &str| format!("type Post @allow(read: \"true\") {directive} {{ a: Int b: Int }}");
    check_models(
        &with("@index(fields: [\"a\"])"),
        &with("@index(fields: [\"a\", \"b\"])"),
        &["Nothing: Post loses the index ix_post__a", "Reads: Post gets the index ix_post__a__b"],
    );
    check_models(
        &with("@unique(fields: [\"a\"])"),
        &with("@index(fields: [\"a\"])"),
        &["Nothing: Post loses the unique index ux_post__a", "Reads: Post gets the index ix_post__a"],
    );
}

/// The text of a condition stays, and what it names is another.
#[test]
fn conditions_of_indexes() {
    let post = |fields: &str, rule: &str| {
        format!(
            "type Post @allow(read: \"true\") {{ {fields} }} extend schema @rule(name: \"none(n: Int)\", is: \"{rule}\")"
        )
    };
    let told = |old: &str, new: &str| -> Vec<String> {
        let all = diff(&model(old), &model(new)).into_iter();
        all.filter(|one| matches!(one, Difference::IndexAdded { .. } | Difference::IndexRemoved { .. }))
            .map(|one| one.to_string())
            .collect()
    };
    let s = "s: String @unique(where: \"none(this.a)\")";
    let old = post(&format!("{s} a: Int b: Int c: Int"), "n == null");
    let anew = [
        "Post loses the unique index ux_post__s__a7cc6f87",
        "Post gets the unique index ux_post__s__a7cc6f87; no two records with `none(this.a)` may share these values",
    ];
    let same = post(&format!("{s} a: Int d: Int @renamed(from: \"b\")"), "n == null");
    assert_eq!(told(&old, &same), [""; 0]);
    let swapped = "a: Int @renamed(from: \"b\") b: Int @renamed(from: \"a\") c: Int";
    assert_eq!(told(&old, &post(&format!("{s} {swapped}"), "n == null")), anew);
    let taken = "a: Int d: Int @renamed(from: \"a\")";
    assert_eq!(told(&old, &post(&format!("{s} {taken}"), "n == null")), anew);
    assert_eq!(told(&old, &post(&format!("{s} a: Int b: Int c: Int"), "n != null")), anew);
}

/// What is stored is the types', so it doesn't matter which of them wrote it, or what the interface is called.
#[test]
fn interfaces() {
    let shared = r#"@allow(read: "true") @index(fields: ["rank"]) @unique(fields: ["rank", "until"])
        @check(rule: "this.rank > 1", message: "low") @exclude(from: "rank", to: "until")
        @history(read: "true") @trash(keep: "30d") @key(type: UUID4)"#;
    let fields = "rank: Int! until: Int";
    let each = format!("type A {shared} {{ {fields} a: Int }} type B {shared} {{ {fields} b: Int }}");
    let of_interface = |name: &str| {
        format!(
            "interface {name} {shared} {{ {fields} }} type A implements {name} {{ a: Int }} \
             type B implements {name} {{ b: Int }}"
        )
    };
    check_models(&each, &of_interface("Ranked"), &[]);
    check_models(&of_interface("Ranked"), &each, &[]);
    check_models(&of_interface("Ranked"), &of_interface("Placed"), &[]);
    let path = |path: &str, types: [&str; 2]| {
        let [a, b] = types.map(|of| format!("{of} @allow(read: \"true\")"));
        format!("interface I {path} {{ n: Int }} type A {a} {{ n: Int a: Int }} type B {b} {{ n: Int b: Int }}")
    };
    let (both, here) = (["implements I", "implements I"], "@path(is: \"all\")");
    let told = "Nothing: what is read at /api/all changed; no record changes";
    check_models(&path("", both), &path(here, both), &[told]);
    check_models(&path(here, both), &path("", both), &[told]);
    check_models(&path(here, both), &path(here, ["implements I", ""]), &[told]);
    let kept = |trash: &str| format!("interface Kept {trash} {{ a: Int }} type A implements Kept {{ b: Int }}");
    check_models(
        &kept(""),
        &kept("@trash(keep: \"30d\")"),
        &[
            "Nothing: A.trashedAt is new; it is null in stored records",
            "Reads: A gets the index ix_a__trashed_at",
            "Nothing: A now has a trash, in which deleted records are kept for 30 days",
        ],
    );
}

#[test]
fn enums() {
    check_models("", "extend enum Color { BLUE }", &["Nothing: Color has new values: BLUE"]);
    check_models("extend enum Color { BLUE }", "", &["Nothing: Color loses values, which no record may hold: BLUE"]);
}

#[test]
fn behaviour() {
    for (old, new, part) in [
        ("a: Int", "a: Int @default(to: 1)", "the default of a"),
        ("a: Int", "a: Int @readonly", "`@readonly` of a"),
        ("a: Int @set(on: CREATE, to: \"1\")", "a: Int @set(on: CREATE, to: \"2\")", "`@set` of a"),
        ("a: String", "a: String @class(is: PERSONAL)", "the class of a"),
        ("a: Int", "\"Words.\" a: Int", "the description of a"),
        ("a: Int", "a: Int @allow(read: \"false\")", "the rules of a"),
        ("a: Int", "a: Int @immutable", "`@immutable` of a"),
        ("a: Int", "a: Int @readonly @default(to: 1)", "`@readonly` of a and the default of a"),
        (
            "a: String b: Int",
            "\"Words.\" a: String @class(is: PERSONAL) \"Words.\" b: Int",
            "the description of a, the class of a and the description of b",
        ),
    ] {
        check(old, new, &[&format!("Nothing: Post: {part} changed; no record changes")]);
    }
    let many = |words: &str| (0..9).map(|number| format!("{words} f{number}: Int")).collect::<Vec<_>>().join(" ");
    let parts = (0..6).map(|number| format!("the description of f{number}")).collect::<Vec<_>>().join(", ");
    let told = format!("Nothing: Post: {parts} and 3 more changed; no record changes");
    check(&many(""), &many("\"Words.\""), &[&told]);
    let of_type = |text: &str| format!("{text} type Job @allow(read: \"true\") {{ a: Int }}");
    check_models(&of_type(""), &of_type("\"Words.\""), &["Nothing: Job: the description changed; no record changes"]);
    let ruled = of_type("").replace("\"true\"", "\"false\"");
    check_models(&of_type(""), &ruled, &["Nothing: Job: the rules changed; no record changes"]);
    check(
        "a: Int",
        "a: Int @check(rule: \"this.a > 0\", message: \"more\")",
        &["Nothing: Post.a has a new check, \"more\"; stored records that break it stay until they are changed"],
    );
    let named = |text: &str| {
        let rule =
            format!("extend schema @rule(name: \"b\", is: \"c(this.a)\") @rule(name: \"c(n: Int)\", is: \"{text}\")");
        format!("{rule}\ntype Job @allow(read: \"true\") {{ a: Int @check(rule: \"b\", message: \"more\") }}")
    };
    check_models(
        &named("n > 0"),
        &named("n > 1"),
        &[
            "Nothing: the rule c(n: Int) changed; no record changes",
            "Nothing: Job.a has a new check, \"more\"; stored records that break it stay until they are changed",
            "Nothing: Job.a loses the check \"more\"; no record changes",
        ],
    );
    let stricter = "Nothing: Post.a has a stricter `@length`; stored values that don't fit stay until they are changed";
    let looser = "Nothing: Post.a has a looser `@length`; no record changes";
    check("a: String", "a: String @length(max: 5)", &[stricter]);
    check("a: String @length(max: 5)", "a: String @length(max: 4)", &[stricter]);
    check("a: String @length(max: 5)", "a: String @length(min: 1, max: 6)", &[stricter]);
    check("a: String @length(min: 2, max: 5)", "a: String @length(min: 1, max: 6)", &[looser]);
    check("a: String @length(max: 5)", "a: String", &[looser]);
    check_models(
        "",
        "extend schema @rule(name: \"a\", is: \"true\")",
        &["Nothing: the rule a changed; no record changes"],
    );
    let machine = |of: &str| format!("enum Step {{ ONE @initial {of} TWO }}");
    let to = "@to(state: \"TWO\", when: \"true\")";
    let states = "the states of Step";
    for (old, new, part) in [
        (machine(""), machine(to), states),
        (machine(to), machine("@to(state: \"TWO\", when: \"false\")"), states),
        (machine(to), machine("@to(state: \"TWO\", when: \"true\", set: [{field: \"a\", to: \"1\"}])"), states),
        (String::new(), "extend enum Color @roles".to_owned(), "the enum of roles"),
    ] {
        let other = format!("Nothing: {part} changed; no record changes");
        let types = "type Job @allow(read: \"true\") { a: Int }";
        check_models(&format!("{types} {old}"), &format!("{types} {new}"), &[&other]);
    }
}

#[test]
fn what_is_renamed() {
    check("a: Int", "b: Int @renamed(from: \"a\")", &["Renames: Post.a is now called b; its values stay"]);
    // What was followed once means nothing any more.
    check("b: Int @renamed(from: \"a\")", "b: Int @renamed(from: \"a\")", &[]);
    check(
        "b: Int @renamed(from: \"a\") a: Int",
        "b: Int @renamed(from: \"a\") a: Int! @default(to: 1)",
        &[
            "Writes: Post.a is now required; records without a value get its default",
            "Nothing: Post: the default of a changed; no record changes",
        ],
    );
    // The first of several names that the old model has.
    check(
        "b: Int",
        "c: Int @renamed(from: \"b\") @renamed(from: \"a\")",
        &["Renames: Post.b is now called c; its values stay"],
    );
    check(
        "b: Int @renamed(from: \"a\", keep: true)",
        "b: Int @renamed(from: \"a\")",
        &["Nothing: Post: the kept names of b changed; no record changes"],
    );
    check("", "b: Int @renamed(from: \"a\")", &["Nothing: Post.b is new; it is null in stored records"]);
    check(
        "a: Int",
        "a: Int b: Int @renamed(from: \"a\")",
        &["Renames: Post.a is now called b; its values stay", "Nothing: Post.a is new; it is null in stored records"],
    );
    let with = |field: &str| {
        format!(
            "type Post @allow(read: \"true\") {{ tags: [Tag!] }} \
             extend type Tag {{ {field}: [Post!] @inverse(field: \"tags\") {} }}",
            if field == "posts" { "" } else { "@renamed(from: \"posts\")" }
        )
    };
    check_models(&with("posts"), &with("articles"), &["Nothing: Tag.posts is now called articles"]);
    check_models(
        "enum Old { A B }",
        "enum New @renamed(from: \"Old\") { A @renamed(from: \"B\") C }",
        &[
            "Nothing: the enum Old is now called New; no record changes",
            "Nothing: New has new values: C",
            "Deletes: in New, B becomes A; stored records follow, and nothing tells any more which had B",
        ],
    );
}

#[test]
fn merged_roles_give_rights_and_take_the_difference() {
    let roles = |values: &str| format!("enum Role @roles {{ {values} }}");
    let merged = [
        "Deletes: of the roles, USER becomes ADMIN: accounts, keys and invitations get the rights of ADMIN, and nothing \
         tells any more who had which",
        "Deletes: in Role, USER becomes ADMIN; stored records follow, and nothing tells any more which had USER",
    ];
    check_models(&roles("ADMIN USER"), &roles("ADMIN @renamed(from: \"USER\")"), &merged);
    let renamed = "Writes: in Role, USER becomes READER; stored records follow";
    check_models(&roles("ADMIN USER"), &roles("ADMIN READER @renamed(from: \"USER\")"), &[renamed]);
}

#[test]
fn a_secret_is_not_shown_without_a_word() {
    let revealed = "Reveals: Post.a isn't secret any more: responses show its stored values";
    let class = "Nothing: Post: the class of a changed; no record changes";
    check("a: String @class(is: SECRET)", "a: String", &[revealed, class]);
    check("a: String @class(is: SECRET)", "a: String @class(is: PERSONAL)", &[revealed, class]);
    check("a: String", "a: String @class(is: SECRET)", &[class]);
}

#[test]
fn renames_that_make_no_sense_are_refused() {
    let refused = |fields: &str| {
        let text = format!("extend schema @app(name: \"T\")\ntype P @allow(read: \"true\") {{ {fields} }}");
        let found = load(vec![SourceFile::app("m.graphql", text)]).expect_err("refused");
        found.iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(refused("a: Int @renamed(from: \"a\")"), "`a` is renamed from itself");
    assert_eq!(refused("a: Int @renamed(from: \"b c\")"), "`b c` is not a name");
    assert_eq!(refused("a: Int @renamed(from: \"c\") @renamed(from: \"c\")"), "`a` is renamed from `c` twice");
    assert_eq!(refused("a: Int @renamed(from: \"b\", keep: true) b: Int"), "`a` can't go on answering to `b`");
    assert_eq!(
        refused("a: Int @renamed(from: \"c\") b: Int @renamed(from: \"c\")"),
        "`a` and `b` are both renamed from `c`"
    );
}

#[test]
fn accounts_and_roles() {
    let accounts = |of: &str, more: &str| {
        format!(
            "type Post @allow(read: \"true\") {{ a: Int }} type Member {of} @allow(read: \"true\") {{ email: Email! @unique }} {more}"
        )
    };
    check_models(
        &accounts("", ""),
        &accounts("@identity", ""),
        &["Nothing: the type of accounts changed; no record changes"],
    );
    check_models(
        &accounts("@identity", ""),
        &accounts("", ""),
        &[
            "Deletes: there are no accounts; those of Member can't sign in any more, and their passwords and sessions are \
           deleted",
        ],
    );
    let renamed = accounts("@identity @renamed(from: \"Member\")", "").replace("type Member", "type Person");
    check_models(
        &accounts("@identity", ""),
        &renamed,
        &[
            "Renames: Member is now called Person; its records stay",
            "Nothing: Person moves from /api/members to /api/persons; no record changes",
        ],
    );
    let roles = |values: &str, more: &str| format!("enum Role @roles {{ {values} }} {more}");
    check_models(
        &roles("ONE TWO", ""),
        &roles("TWO", ""),
        &[
            "Nothing: Role loses values, which no record may hold: ONE",
            "Deletes: the role ONE is removed, also from accounts, keys and invitations",
        ],
    );
    // Roles of another enum are the same if they have the same names.
    let other = "enum Role { ONE TWO } enum Right @roles { TWO THREE }";
    check_models(
        &roles("ONE TWO", ""),
        other,
        &[
            "Deletes: the role ONE is removed, also from accounts, keys and invitations",
            "Nothing: the enum of roles changed; no record changes",
        ],
    );
}

/// Compares two versions of the types that `Page` holds in documents, with what clients notice.
fn check_documents(old: &str, new: &str, expected: &[(&str, Option<bool>)]) {
    let page = "type Page @allow(read: \"true\") { lines: [Line!] block: Block } \
                union Block = Quote | Rule type Quote @embedded { text: String } type Rule @embedded { thick: Boolean }";
    let text = |types: &str| if types.contains("union") { types.to_owned() } else { format!("{page} {types}") };
    let differences = diff(&model(&text(old)), &model(&text(new)));
    let told = differences.iter().map(|difference| {
        let words = format!("{:?}: {difference}", difference.work());
        (words, difference.api_change().map(|change| change.breaking))
    });
    let expected: Vec<(String, Option<bool>)> =
        expected.iter().map(|(words, breaking)| ((*words).to_owned(), *breaking)).collect();
    assert_eq!(told.collect::<Vec<_>>(), expected, "{old} → {new}");
}

#[test]
fn members_in_documents() {
    let line = |members: &str| format!("type Line @embedded {{ {members} }}");
    let check = |old: &str, new: &str, expected: &[(&str, Option<bool>)]| {
        check_documents(&line(old), &line(new), expected);
    };
    let anew = "Page.lines holds other values of [Line]; each stored document is rewritten";
    let (written, deletes) = (format!("Writes: {anew}"), |lost: &str| {
        format!("Deletes: {anew}, and the values of {lost} in it are deleted")
    });
    check("a: Int b: Int", "a: Int b: Int", &[]);
    check("a: Int", "a: Int b: Int", &[(&written, Some(false))]);
    check("a: Int", "a: Int b: Int! @default(to: 1)", &[(&written, Some(false))]);
    check("a: Int", "a: Int b: Int!", &[(&written, Some(true))]);
    check("a: Int", "a: Int!", &[(&written, Some(true))]);
    check("a: Int b: Int", "b: Int a: Int", &[(&written, Some(false))]);
    check("a: Int b: Int", "b: Int", &[(&deletes("Line.a"), Some(true))]);
    check("a: Int b: Int c: Int", "d: Int", &[(&deletes("Line.a, Line.b and Line.c"), Some(true))]);
    // What is renamed is not lost, and two members can change names.
    check("a: Int", "b: Int @renamed(from: \"a\")", &[(&written, Some(true))]);
    let swapped = "b: Int @renamed(from: \"a\") a: Int @renamed(from: \"b\")";
    check("a: Int b: Int", swapped, &[(&written, Some(true))]);
    check(swapped, "b: Int a: Int", &[]);
    // A value goes to one member.
    check("a: Int", "a: Int b: Int @renamed(from: \"a\")", &[(&written, Some(true))]);
}

#[test]
fn what_documents_hold_within() {
    let types = |block: &str, inner: &str| {
        format!(
            "type Page @allow(read: \"true\") {{ blocks: [Block!] one: Picture }} union Block = {block} \
             type Quote @embedded {{ text: String }} type Rule @embedded {{ thick: Boolean }} \
             type Picture @embedded {{ size: Size also: [Size!] }} type Size @embedded {{ {inner} }}"
        )
    };
    let old = types("Quote | Rule | Picture", "width: Int height: Int");
    let anew = "Page.blocks holds other values of [Block]; each stored document is rewritten";
    // The members of a value that is no document are fields of their own.
    check_documents(
        &old,
        &types("Quote | Rule | Picture", "width: Int"),
        &[
            (&format!("Deletes: {anew}, and the values of Size.height in it are deleted"), Some(true)),
            (
                "Deletes: Page.one.also holds other values of [Size]; each stored document is rewritten, and the values \
                 of Size.height in it are deleted",
                Some(true),
            ),
            ("Deletes: Page.one.size.height is removed, with its stored values", Some(true)),
        ],
    );
    // Values of a type that the union hasn't any more are refused.
    check_documents(
        &old,
        &types("Quote | Picture", "width: Int height: Int"),
        &[(&format!("Writes: {anew}"), Some(true))],
    );
    check_documents(&types("Quote | Picture", "width: Int height: Int"), &old, &[]);
    let single = |blocks: &str| {
        format!(
            "type Page @allow(read: \"true\") {{ blocks: {blocks} other: Block }} union Block = Quote | Rule \
             type Quote @embedded {{ text: String }} type Rule @embedded {{ thick: Boolean text: String }}"
        )
    };
    check_documents(
        &single("[Block!]"),
        &single("[Quote!]"),
        &[(
            "Deletes: Page.blocks changes from [Block] to [Quote]; each stored document is rewritten, and the values of \
             Rule and Rule.thick in it are deleted",
            Some(true),
        )],
    );
    let within = |blocks: &str| {
        format!(
            "type Page @allow(read: \"true\") {{ parts: [Part!] other: Block }} type Part @embedded {{ blocks: {blocks} }} \
             union Block = Quote | Rule type Quote @embedded {{ text: String }} type Rule @embedded {{ text: String }}"
        )
    };
    check_documents(
        &within("[Block!]"),
        &within("[Quote!]"),
        &[(
            "Deletes: Page.parts holds other values of [Part]; each stored document is rewritten, and the values of \
             Rule in it are deleted",
            Some(true),
        )],
    );
}

#[test]
fn behaviour_of_members_in_documents() {
    let line = |members: &str| format!("type Line @embedded {{ {members} }}");
    let check = |old: &str, new: &str, expected: &[(&str, Option<bool>)]| {
        check_documents(&line(old), &line(new), expected);
    };
    let stricter = "Nothing: Line.a has a stricter `@length`; stored values that don't fit stay until they are changed";
    check("a: String", "a: String @length(max: 3)", &[(stricter, Some(true))]);
    let looser = "Nothing: Line.a has a looser `@length`; no record changes";
    check("a: String @length(max: 3)", "a: String @length(max: 5)", &[(looser, Some(false))]);
    check("a: String!", "a: String", &[("Nothing: Line.a is no longer required; no record changes", Some(true))]);
    check(
        "a: Int b: Int",
        "\"New.\" a: Int b: Int @default(to: 1)",
        &[
            ("Nothing: Line: the description of a changed; no record changes", None),
            ("Nothing: Line: the default of b changed; no record changes", Some(false)),
        ],
    );
    check_documents(
        &line("a: Int"),
        &format!("\"New.\" {}", line("a: Int")),
        &[("Nothing: Line: the description changed; no record changes", None)],
    );
}

#[test]
fn limits_of_values() {
    let stricter = "Reads: Post.a has a stricter `@range`, which every stored value must satisfy";
    let looser = "Nothing: Post.a has a looser `@range`; no record changes";
    check("a: Int", "a: Int @range(max: 5)", &[stricter]);
    check("a: Int @range(max: 5)", "a: Int @range(min: 1, max: 6)", &[stricter]);
    check("a: Int @range(max: 5)", "a: Int @range(max: 4)", &[stricter]);
    check("a: Int @range(min: 1, max: 5)", "a: Int @range(min: 0, max: 5)", &[looser]);
    check("a: Int @range(min: 1, max: 5)", "a: Int @range(max: 5)", &[looser]);
    check("a: Int @range(max: 5)", "a: Int", &[looser]);
    check("a: Duration @range(max: \"1h\")", "a: Duration @range(max: \"PT60M\")", &[]);
    let other = "Reads: Post.a has a new `@pattern`, which every stored value must match";
    check("a: String", "a: String @pattern(is: \"a+\")", &[other]);
    check("a: String @pattern(is: \"a+\")", "a: String @pattern(is: \"a*\")", &[other]);
    let gone = "Nothing: Post.a loses its `@pattern`; no record changes";
    check("a: String @pattern(is: \"a+\")", "a: String", &[gone]);
    let told = "Nothing: Post: the message of the pattern of a changed; no record changes";
    check("a: String @pattern(is: \"a\")", "a: String @pattern(is: \"a\", message: \"only a\")", &[told]);
}
