//! What each difference between two models costs, and what clients of the API notice of it.

use backstay_model::{ApiChange, Difference, Model, SourceFile, Work, diff, load};

fn model(text: &str) -> Model {
    let text = format!("extend schema @app(name: \"Test\")\n{text}");
    let loaded = load(vec![SourceFile::app("m.graphql", text.as_str())]);
    loaded.map_err(|refused| format!("{text}: {refused}")).expect("it loads").model
}

/// One difference: what it does to stored records, its words, and what clients notice, which begins with `breaking: ` if
/// requests that worked can fail or answers lack what they had.
type Expected<'e> = (Work, &'e str, Option<&'e str>);

fn check(old: &str, new: &str, expected: &[Expected<'_>]) {
    let differences = diff(&model(old), &model(new));
    let found: Vec<(Work, String, Option<String>)> = differences
        .iter()
        .map(|difference| (difference.work(), difference.to_string(), difference.api_change().map(told)))
        .collect();
    let expected: Vec<(Work, String, Option<String>)> =
        expected.iter().map(|(work, words, api)| (*work, (*words).to_owned(), api.map(str::to_owned))).collect();
    assert_eq!(found, expected, "{old} → {new}");
}

fn told(change: ApiChange) -> String {
    if change.breaking { format!("breaking: {}", change.words) } else { change.words }
}

/// Compares two versions of the fields of `Post`, next to which are a type `User` and an enum `Kind`.
fn check_fields(old: &str, new: &str, expected: &[Expected<'_>]) {
    let post = |fields: &str| {
        format!(
            "type Post @allow(read: \"true\") {{ title: String! {fields} }} \
             type User @allow(read: \"true\") {{ name: String! }} enum Kind {{ A B }}"
        )
    };
    check(&post(old), &post(new), expected);
}

/// Compares two versions of something about `Post.a` on which nothing stored depends.
fn check_part(old: &str, new: &str, part: &str, api: Option<&str>) {
    let words = format!("Post: {part} changed; no record changes");
    check_fields(old, new, &[(Work::Nothing, &words, api)]);
}

#[test]
fn what_clients_can_send() {
    let none = Some("breaking: Post.a can't be sent any more");
    check_part("a: Int", "a: Int @readonly", "`@readonly` of a", none);
    check_part("a: Int @readonly", "a: Int", "`@readonly` of a", Some("Post.a can be sent"));
    check_part("a: Int", "a: Int @set(on: CREATE, to: \"1\")", "`@set` of a", none);
    check_part("a: Int @set(on: CREATE, to: \"1\")", "a: Int", "`@set` of a", Some("Post.a can be sent"));
    let other = Some("Post.a gets other values if requests don't give it one");
    check_part("a: Int @set(on: CREATE, to: \"1\")", "a: Int @set(on: CREATE, to: \"2\")", "`@set` of a", other);
    // What the model sets can't be sent anyway.
    let set = "a: Int @set(on: CREATE, to: \"1\")";
    check_part(set, &format!("{set} @immutable"), "`@immutable` of a", None);
    let once = Some("breaking: Post.a can't be changed after creation any more");
    check_part("a: Int", "a: Int @immutable", "`@immutable` of a", once);
    check_part("a: Int @immutable", "a: Int", "`@immutable` of a", Some("Post.a can be changed after creation"));
    check_part("a: Int @immutable", "a: Int @readonly", "`@readonly` of a and `@immutable` of a", none);
    let every = Some("breaking: every create has to give Post.a");
    check_part("a: Int! @default(to: 1)", "a: Int!", "the default of a", every);
    check_part("a: Int!", "a: Int! @default(to: 1)", "the default of a", Some("creates can leave out Post.a"));
    check_part("a: Int @default(to: 1)", "a: Int @default(to: 2)", "the default of a", other);
    check_part("a: Int", "a: Int @default(to: 2)", "the default of a", other);
    check_part("a: String! @slug(from: \"title\")", "a: String!", "`@slug` of a", every);
    check_part(
        "a: Int! @default(to: 1)",
        "a: Int! @immutable",
        "`@immutable` of a and the default of a",
        Some("breaking: every create has to give Post.a; Post.a can't be changed after creation any more"),
    );
    check_fields(
        "a: Int! @sequence",
        "a: Int!",
        &[
            (Work::Nothing, "Post loses the unique index ux_post__a", None),
            (Work::Nothing, "Post: `@sequence` of a changed; no record changes", every),
        ],
    );
}

#[test]
fn what_clients_can_read() {
    let hidden = Some("breaking: Post.a is secret: it is gone from responses, and no filter can name it");
    check_part("a: String", "a: String @class(is: SECRET)", "the class of a", hidden);
    check_part("a: String", "a: String @class(is: PERSONAL)", "the class of a", None);
    check_fields(
        "a: String @class(is: SECRET)",
        "a: String",
        &[
            (
                Work::Reveals,
                "Post.a isn't secret any more: responses show its stored values",
                Some("Post has a new field in responses, a, which was secret"),
            ),
            (Work::Nothing, "Post: the class of a changed; no record changes", None),
        ],
    );
    check_part("a: Int", "\"Words.\" a: Int", "the description of a", None);
    check_part("a: Int", "a: Int @deprecated(reason: \"old\")", "`@deprecated` of a", Some("Post.a is deprecated"));
    check_part("a: Int @deprecated(reason: \"old\")", "a: Int", "`@deprecated` of a", None);
    check_part("a: Int b: Int", "b: Int a: Int", "the order of the fields", None);
}

#[test]
fn names() {
    let renamed = "Post.a is now called b; its values stay";
    check_fields(
        "a: Int",
        "b: Int @renamed(from: \"a\")",
        &[(Work::Renames, renamed, Some("breaking: Post.a is now b, in requests and responses"))],
    );
    check_fields(
        "a: Int",
        "b: Int @renamed(from: \"a\", keep: true)",
        &[(Work::Renames, renamed, Some("Post.a can be called b too, and comes under both names"))],
    );
    check_part(
        "b: Int @renamed(from: \"a\", keep: true)",
        "b: Int @renamed(from: \"a\")",
        "the kept names of b",
        Some("breaking: the old name a of Post.b can't be used any more"),
    );
    check_part(
        "b: Int",
        "b: Int @renamed(from: \"a\", keep: true)",
        "the kept names of b",
        Some("Post.b can be called a too"),
    );
    // The last name is kept, the one before not any more.
    check_fields(
        "b: Int @renamed(from: \"a\", keep: true)",
        "c: Int @renamed(from: \"b\", keep: true) @renamed(from: \"a\")",
        &[
            (
                Work::Renames,
                "Post.b is now called c; its values stay",
                Some("Post.b can be called c too, and comes under both names"),
            ),
            (
                Work::Nothing,
                "Post: the kept names of c changed; no record changes",
                Some("breaking: the old name a of Post.c can't be used any more"),
            ),
        ],
    );
    let of =
        |name: &str, more: &str| format!("type {name} @allow(read: \"true\") @path(is: \"p\") {more} {{ a: Int }}");
    check(
        &of("P", ""),
        &of("Q", "@renamed(from: \"P\")"),
        &[(Work::Renames, "P is now called Q; its records stay", Some("P is called Q in the OpenAPI document"))],
    );
    let member = |old: &str, kept: &str| {
        format!("type P @allow(read: \"true\") {{ {old}: D {kept} }} type D @embedded {{ city: String }}")
    };
    check(
        &member("at", ""),
        &member("place", "@renamed(from: \"at\", keep: true)"),
        &[
            (
                Work::Nothing,
                "P.at is now called place",
                Some("P.at can be called place too, and comes under both names"),
            ),
            (
                Work::Renames,
                "P.at.city is now called place.city; its values stay",
                Some("P.at.city can be called place.city too, and comes under both names"),
            ),
        ],
    );
}

/// As far as the texts of rules tell, some callers may do less than before.
#[test]
fn who_may_do_what() {
    let check_rules = |old: &str, new: &str, api: Option<&str>| {
        let post = |rules: &str| {
            format!(
                "type Post {rules} {{ title: String slug: String }} \
                 extend schema @rule(name: \"staff\", is: \"auth != null\") @rule(name: \"own(p: Post)\", is: \"p.title == 'x'\")"
            )
        };
        let words = "Post: the rules changed; no record changes";
        check(&post(old), &post(new), &[(Work::Nothing, words, api)]);
    };
    let read = Some("breaking: some callers may no longer read Post");
    check_rules(r#"@allow(read: "true")"#, r#"@allow(read: "staff")"#, read);
    check_rules(r#"@allow(read: "staff")"#, r#"@allow(read: "true")"#, None);
    check_rules(r#"@allow(read: "staff")"#, r#"@allow(read: "staff || this.title == 'a'")"#, None);
    check_rules(r#"@allow(read: "staff || this.title == 'a'")"#, r#"@allow(read: "staff")"#, read);
    check_rules(r#"@allow(read: "staff && this.title == 'a'")"#, r#"@allow(read: "staff")"#, None);
    check_rules(r#"@allow(read: "staff")"#, r#"@allow(read: "staff") @allow(read: "this.title == 'a'")"#, None);
    let nobody = Some("breaking: nobody may update or delete Post any more");
    let all = r#"@allow(read: "true", update: "true", delete: "true")"#;
    check_rules(all, r#"@allow(read: "true")"#, nobody);
    check_rules(
        r#"@allow(read: "true", create: "true", update: "true")"#,
        r#"@allow(read: "staff", create: "staff")"#,
        Some("breaking: nobody may update Post any more; some callers may no longer read or create Post"),
    );
    let update = Some("breaking: some callers may no longer update Post");
    check_rules(r#"@allow(update: "true")"#, r#"@allow(update: "true", only: ["title"])"#, update);
    check_rules(r#"@allow(update: "true", only: ["title"])"#, r#"@allow(update: "true")"#, None);
    check_rules(
        r#"@allow(update: "true", only: ["title"])"#,
        r#"@allow(update: "true", only: ["title", "slug"])"#,
        None,
    );
    check_rules(r#"@allow(update: "staff", after: "true")"#, r#"@allow(update: "staff")"#, update);
    check_rules(r#"@allow(update: "staff")"#, r#"@allow(update: "staff", after: "true")"#, None);
    let refer = Some("breaking: some callers may no longer link to Post");
    check_rules(r#"@allow(read: "staff", refer: "true")"#, r#"@allow(read: "staff")"#, refer);
    // Whoever may read a record may link to it.
    check_rules(r#"@allow(read: "true", refer: "staff")"#, r#"@allow(read: "true")"#, None);

    let field = Some("breaking: some callers may no longer read Post.a");
    check_part("a: Int", "a: Int @allow(read: \"auth != null\")", "the rules of a", field);
    check_part("a: Int @allow(read: \"auth != null\")", "a: Int", "the rules of a", None);
    let hidden = Some("breaking: nobody may read Post.a any more");
    check_part("a: Int", "a: Int @allow(read: \"false\")", "the rules of a", hidden);
    let both = Some("breaking: some callers may no longer create or update Post.a");
    check_part("a: Int", "a: Int @allow(create: \"auth != null\", update: \"auth != null\")", "the rules of a", both);
}

/// What a named rule stands for counts where it is used.
#[test]
fn named_rules() {
    let of = |is: &str| {
        format!(
            "type Post @allow(read: \"staff\") {{ title: String }} extend schema @rule(name: \"staff\", is: \"{is}\")"
        )
    };
    check(
        &of("auth != null"),
        &of("auth != null && auth.kind == 'ACCOUNT'"),
        &[
            (Work::Nothing, "the rule staff changed; no record changes", None),
            (
                Work::Nothing,
                "Post: the rules changed; no record changes",
                Some("breaking: some callers may no longer read Post"),
            ),
        ],
    );
}

#[test]
fn histories_and_trashes() {
    let of = |directive: &str, field: &str| format!("type P @allow(read: \"true\") {directive} {{ a: Int {field} }}");
    let check = |old: &str, new: &str, expected: Expected<'_>| check(&of(old, ""), &of(new, ""), &[expected]);
    check(
        "@history(read: \"true\")",
        "@history(read: \"auth != null\")",
        (
            Work::Nothing,
            "P: the rule of its history changed; no record changes",
            Some("breaking: some callers may no longer read the history of P"),
        ),
    );
    check(
        "@history(read: \"auth != null\")",
        "@history(read: \"true\")",
        (Work::Nothing, "P: the rule of its history changed; no record changes", None),
    );
    let longer = "the history of P now keeps old versions for 2 days";
    let keeps = |time: &str| format!("@history(read: \"true\", keep: \"{time}\")");
    check(&keeps("1d"), &keeps("2d"), (Work::Nothing, longer, None));
    check(
        &keeps("3d"),
        &keeps("2d"),
        (Work::Deletes, longer, Some("breaking: old versions of P can be read for 2 days only")),
    );
    let trash = |time: &str| format!("@trash(keep: \"{time}\")");
    let now = "the trash of P now keeps records for 2 days";
    check(&trash("1d"), &trash("2d"), (Work::Nothing, now, None));
    let only = Some("breaking: deleted records of P can be restored for 2 days only");
    check(&trash("3d"), &trash("2d"), (Work::Deletes, now, only));
    check("@trash", &trash("2d"), (Work::Deletes, now, only));
    let ever = "the trash of P now keeps records until they are purged";
    check(&trash("2d"), "@trash", (Work::Nothing, ever, None));
}

/// A field that is there already says which records are in a new trash.
#[test]
fn a_trash_that_finds_records_in_it() {
    let of = |directive: &str, field: &str| format!("type P @allow(read: \"true\") {directive} {{ a: Int {field} }}");
    let old = of("", "trashedAt: DateTime");
    let restored = "deleted records of P can be restored";
    let trash = |work, kept| {
        let words =
            format!("P now has a trash, in which deleted records are kept{kept}; those with a `trashedAt` are in it");
        (work, words)
    };
    for (directive, (work, words)) in [
        ("@trash", trash(Work::Nothing, " until they are purged")),
        ("@trash(keep: \"1d\")", trash(Work::Deletes, " for 1 day")),
    ] {
        let differences = diff(&model(&old), &model(&of(directive, "")));
        let found: Vec<_> = differences
            .iter()
            .filter(|difference| difference.to_string().starts_with("P now has a trash"))
            .map(|difference| (difference.work(), difference.to_string(), difference.api_change().map(told)))
            .collect();
        assert_eq!(found, [(work, words, Some(restored.to_owned()))], "{directive}");
    }
}

#[test]
fn deleted_targets() {
    let of = |action: &str| format!("a: User @onDelete(do: {action})");
    for (from, to, api) in [
        ("CASCADE", "RESTRICT", "breaking: deleting a record of User is refused as long as Post.a refers to it"),
        (
            "SET_NULL",
            "CASCADE",
            "breaking: deleting a record of User deletes the records too whose Post.a refers to it",
        ),
        ("RESTRICT", "SET_NULL", "deleting a record of User is allowed if Post.a refers to it, which becomes null"),
        (
            "CASCADE",
            "SET_NULL",
            "deleting a record of User keeps the records whose Post.a refers to it, with null there",
        ),
    ] {
        let words = format!("the `@onDelete` of Post.a changes from {from} to {to}; no record changes");
        check_fields(&of(from), &of(to), &[(Work::Nothing, &words, Some(api))]);
    }
}

#[test]
fn states() {
    let check_states = |old: &str, new: &str, api: &str| {
        let of =
            |values: &str| format!("type P @allow(read: \"true\") {{ s: Step! note: Int }} enum Step {{ {values} }}");
        let words = "the states of Step changed; no record changes";
        check(&of(old), &of(new), &[(Work::Nothing, words, Some(api))]);
    };
    let plain = r#"A @initial @to(state: "B") B"#;
    check_states(plain, r#"A @initial @to(state: "B") B @to(state: "A")"#, "a Step can go from B to A");
    check_states(
        r#"A @initial @to(state: "B") B @to(state: "A")"#,
        plain,
        "breaking: a Step can't go from B to A any more",
    );
    let fewer = "breaking: some callers may no longer take a Step from A to B";
    check_states(plain, r#"A @initial @to(state: "B", when: "auth != null") B"#, fewer);
    let other = "something else happens when a Step goes from A to B, or more callers may do that";
    check_states(r#"A @initial @to(state: "B", when: "auth != null") B"#, plain, other);
    check_states(plain, r#"A @initial @to(state: "B", by: "auth != null") B"#, other);
    check_states(r#"A @initial @to(state: "B", by: "auth != null") B"#, plain, fewer);
    check_states(plain, r#"A @initial @to(state: "B", set: [{field: "note", to: "1"}]) B"#, other);
    check_states(
        r#"A @initial @to(state: "B") B @to(state: "A")"#,
        r#"A @to(state: "B") B @initial @to(state: "A")"#,
        "breaking: new records begin as B, which is of Step",
    );
    let of =
        |values: &str| format!("type P @allow(read: \"true\") {{ s: Step! @default(to: A) }} enum Step {{ {values} }}");
    let found = diff(&model(&of("A B")), &model(&of(plain).replace(" @default(to: A)", "")));
    let found: Vec<_> = found.iter().filter_map(Difference::api_change).map(told).collect();
    let begun =
        "breaking: the values of Step are states: new records begin as A, and only what its `@to`s allow can follow";
    assert!(found.contains(&begun.to_owned()), "{found:?}");
    // A renamed value is the same state.
    check(
        "enum Step { A @initial @to(state: \"B\") B }",
        "enum Step { A @initial @to(state: \"C\") C @renamed(from: \"B\") }",
        &[(
            Work::Writes,
            "in Step, B becomes C; stored records follow",
            Some("breaking: values of Step change: B is now C"),
        )],
    );
}

#[test]
fn paths_of_interfaces() {
    let model = |path: &str, b: &str| {
        let read = "@allow(read: \"true\")";
        format!(
            "interface I {path} {{ n: Int }} type A implements I {read} {{ a: Int }} type B {b} {read} {{ n: Int }}"
        )
    };
    let words = "what is read at /api/all changed; no record changes";
    let check_path = |old: &str, new: &str, api: &str| check(old, new, &[(Work::Nothing, words, Some(api))]);
    let (here, both) = ("@path(is: \"all\")", "implements I");
    check_path(&model("", both), &model(here, both), "/api/all has records of A and B");
    check_path(&model(here, both), &model("", both), "breaking: /api/all is gone");
    check_path(&model(here, both), &model(here, ""), "breaking: /api/all has no records of B any more");
    check_path(&model(here, ""), &model(here, both), "/api/all has records of B");
}

#[test]
fn checks() {
    let one = |rule: &str| format!("@check(rule: \"{rule}\", message: \"no\")");
    let stays = "stored records that break it stay until they are changed";
    let added = |rule: &str| format!("Post.a has a new check, \"no\"{rule}; {stays}");
    let refused = Some("breaking: some values of Post.a are refused: \"no\"");
    let (a, both) =
        (format!("a: Int {}", one("this.a > 0")), format!("a: Int {} {}", one("this.a > 0"), one("this.a < 9")));
    check_fields("a: Int", &a, &[(Work::Nothing, &added(""), refused)]);
    check_fields(&a, &both, &[(Work::Nothing, &added(" (`this.a < 9`)"), refused)]);
    check_fields(
        &both,
        &a,
        &[(
            Work::Nothing,
            "Post.a loses the check \"no\" (`this.a < 9`); no record changes",
            Some("Post.a takes values that were refused: \"no\""),
        )],
    );
    check_fields(
        "a: Int",
        &both,
        &[(Work::Nothing, &added(" (`this.a > 0`)"), refused), (Work::Nothing, &added(" (`this.a < 9`)"), refused)],
    );
}

#[test]
fn new_members() {
    let of = |members: &str| format!("type P @allow(read: \"true\") {{ d: D }} type D @embedded {{ {members} }}");
    check(
        &of("a: Int"),
        &of("a: Int b: Int! @backfill(from: \"1\")"),
        &[(
            Work::Writes,
            "P.d.b is new; stored records get the value of its `@backfill`",
            Some("breaking: P has a new field, d.b, which every d must contain"),
        )],
    );
    check(
        &of("a: Int"),
        &of("a: Int b: Int! @default(to: 1)"),
        &[(Work::Nothing, "P.d.b is new; stored records get its default", Some("P has a new field, d.b"))],
    );
    let new = "type P @allow(read: \"true\") { x: Int d: D } type D @embedded { a: Int! }";
    check(
        "type P @allow(read: \"true\") { x: Int }",
        new,
        &[
            (Work::Nothing, "P.d is new; it needs no column", Some("P has a new field, d")),
            (Work::Nothing, "P.d.a is new; it is null in stored records", Some("P has a new field, d.a")),
        ],
    );
}

#[test]
fn roles_and_accounts() {
    let roles = |values: &str| format!("enum Role @roles {{ {values} }}");
    let found = |old: &str, new: &str| -> Vec<String> {
        diff(&model(old), &model(new)).iter().filter_map(Difference::api_change).map(told).collect()
    };
    assert_eq!(
        found(&roles("ONE TWO"), &roles("TWO")),
        ["breaking: values of Role are refused: ONE", "breaking: nobody has the role ONE any more"]
    );
    assert_eq!(
        found(&roles("ONE TWO"), &roles("TWO @renamed(from: \"ONE\")")),
        [
            "breaking: instead of their own rights, callers with the role ONE have those of TWO",
            "breaking: values of Role change: ONE is now TWO"
        ]
    );
}

/// A type can have the name that an enum had.
#[test]
fn types_of_the_same_name() {
    let of = |kind: &str| format!("type P @allow(read: \"true\") {{ k: Kind }} {kind}");
    check(
        &of("enum Kind { A B }"),
        &of("type Kind @embedded { a: Int }"),
        &[
            (Work::Nothing, "P.k.a is new; it is null in stored records", Some("P has a new field, k.a")),
            (
                Work::Deletes,
                "P.k changes from the enum Kind to the embedded type Kind; stored values can't be converted and are deleted",
                Some("breaking: P.k changes from the enum Kind to the embedded type Kind"),
            ),
        ],
    );
}

#[test]
fn actions() {
    let with = |fields: &str| {
        format!(
            "type Post @allow(read: \"true\") {{ title: String }} input Line {{ n: Int }} input Long {{ n: Int m: Int }} \
             type Mutation {{ a(l: [Line!], m: [Long!]): Int @function @allow(call: \"true\") {fields} }}"
        )
    };
    let check_action = |old: &str, new: &str, api: Option<&str>| {
        let words = "the action b changed; no record changes";
        check(&with(old), &with(new), &[(Work::Nothing, words, api)]);
    };
    let b = |rest: &str| format!("b{rest} @function @allow(call: \"true\")");
    let plain = b("(x: Int): Int");
    check_action("", &plain, Some("/do/b is new"));
    check_action(&plain, "", Some("breaking: /do/b is gone"));
    let other = Some("breaking: /do/b takes or returns something else");
    for rest in ["(x: Int!): Int", "(x: String): Int", "(y: Int): Int", "(x: Int): Int!", "(x: Int): Post", ": Int"] {
        check_action(&plain, &b(rest), other);
    }
    check_action(&plain, &b("(x: Int, y: Int!): Int"), other);
    let wider = Some("/do/b takes more arguments");
    check_action(&plain, &b("(x: Int, y: Int): Int"), wider);
    check_action(&plain, &b("(y: Int! = 3, x: Int): Int"), wider);
    check_action(&b("(x: Line): Int"), &b("(x: Long): Int"), other);
    let called = plain.replace("true", "auth.id != null");
    check_action(&plain, &called, Some("others may call /do/b"));
    let deprecated = format!("{plain} @deprecated");
    check_action(&plain, &deprecated, Some("whether /do/b is deprecated has changed"));
    check_action(&plain, &plain.replace("@function", "@function(name: \"c\")"), None);
    check(&with(&plain), &with(&plain), &[]);
}
