//! Stored records that keep the model from changing, and what a plan says about them.

use crate::changed::{Place, told};

/// What keeps a change from being made, and how to fix it.
pub(crate) async fn refused(old: &str, records: &[(&str, &str)], new: &str, expected: &[&str]) {
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, records).await;
        let steps = place.plan(new);
        let told: Vec<String> =
            steps.iter().flat_map(|step| &step.findings).map(|of| place.shown(&of.to_string())).collect();
        assert_eq!(told, expected, "{}", place.name());
        let is_blocked = steps.iter().any(backstay_engine::Step::has_obstacle);
        assert_eq!(place.apply(new, true).is_err(), is_blocked, "{}", place.name());
        if is_blocked {
            assert_eq!(place.plan(old), [], "{}: nothing was changed", place.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn classified_values_are_not_named_whatever_becomes_of_the_class() {
    let record = [("P", r#"{"a":"PRIVATE1"}"#)];
    let old = "type P @open { a: String @class(is: SECRET) }";
    let first = "1 value of P.a doesn't fit (it must match `a`): %0; change those records first";
    refused(old, &record, "type P @open { a: String @pattern(is: \"a\") }", &[first]).await;
    let converted = "can't be converted (expected a whole number, such as 42): %0; change those records first, or give the \
                     field a `@backfill(from: …)`";
    refused(old, &record, "type P @open { a: Int }", &[&format!("1 value of P.a {converted}")]).await;
    let renamed = "type P @open { b: Int @renamed(from: \"a\") }";
    refused(old, &record, renamed, &[&format!("1 value of P.b {converted}")]).await;
    let given = "type P @open { a: String @class(is: SECRET) \
                 b: String! @class(is: SECRET) @pattern(is: \"a\") @backfill(from: \"this.a\") }";
    let unfit = "1 value of P.b doesn't fit (it must match `a`): %0; make its `@backfill` give values that fit";
    refused(old, &record, given, &[unfit]).await;
    let shown = "type P @open { a: String @class(is: SECRET) b: String @backfill(from: \"this.a\") }";
    let refusal = "the `@backfill` of P.b doesn't fit the stored model: it reads `P.a`, which is secret; leave `a` out, or \
                   write `@class(is: SECRET)` on `b` too";
    refused(old, &record, shown, &[refusal]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_is_named() {
    let number = [("P", r#"{"a":1,"b":"x"}"#), ("P", r#"{"a":1}"#), ("P", r#"{"a":300,"b":"7"}"#)];
    let old = "type P @open { a: Int! b: String }";
    let give = "give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`";
    refused(
        old,
        &number,
        "type P @open { a: Int! b: String! }",
        &[&format!("1 record would have no value in P.b: %1; {give}")],
    )
    .await;
    refused(
        old,
        &number,
        "type P @open { a: Int! b: String c: Int! }",
        &[&format!("3 records would have no value in P.c: %0, %1, %2; {give}")],
    )
    .await;
    refused(
        old,
        &number,
        "type P @open { a: Int! @unique b: String }",
        &["2 records of P have the same a as another: %0, %1; change or delete those records first"],
    )
    .await;
    refused(
        old,
        &number,
        "type P @open { a: Int! b: Int }",
        &["1 value of P.b, \"x\", can't be converted (expected a whole number, such as 42): %0; change those records \
         first, or give the field a `@backfill(from: …)`"],
    )
    .await;
    refused(
        old,
        &number,
        "type P @open { a: Int! b: String c: Int! @backfill(from: \"this.d\") }",
        &["the `@backfill` of P.c doesn't fit the stored model: P has no field `d` (`this` is a P of the old model); \
             name a field of this type, or one of `id`, `createdAt`, `updatedAt`, `version`"],
    )
    .await;
    let check = "type P @open { a: Int! @check(rule: \"this.a < 200\", message: \"small\") b: String @length(min: 2) }";
    refused(old, &number, check, &["1 record breaks it: %2", "2 records have a value that doesn't fit: %0, %2"]).await;
}

/// Neither the sums nor the sums of sums that the check names are stored when it is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_of_stored_sums_that_come_with_it_finds_the_records_that_break_it() {
    let model = |area: &str, total: &str, group: &str, sum: &str| {
        format!(
            r#"type A @open {area} {{ groups: [G!] @inverse(field: "area") {total} }} type G @open {group} {{ area: A! max: Int! items: [I!] @inverse(field: "group") {sum} }} type I @open {{ group: G! n: Int! }}"#
        )
    };
    let records = [
        ("A", "{}"),
        ("A", "{}"),
        ("G", r#"{"area":"%0","max":2}"#),
        ("G", r#"{"area":"%0","max":9}"#),
        ("G", r#"{"area":"%1","max":9}"#),
        ("I", r#"{"group":"%2","n":3}"#),
        ("I", r#"{"group":"%3","n":4}"#),
        ("I", r#"{"group":"%4","n":6}"#),
    ];
    let sum = |is: &str| format!("total: Int @computed(is: \"{is}\", stored: COMMIT)");
    let new = model(
        r#"@check(rule: "this.total < 7", message: "large")"#,
        &sum("this.groups.sum(g, g.total)"),
        r#"@check(rule: "this.total <= this.max", message: "full", on: COMMIT)"#,
        &sum("this.items.sum(i, i.n)"),
    );
    refused(&model("", "", "", ""), &records, &new, &["1 record breaks it: %0", "1 record breaks it: %2"]).await;
}

/// Two checks can say the same to clients.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_is_not_blamed_for_another_one() {
    let model = |checks: &[&str]| {
        let checks: Vec<String> =
            checks.iter().map(|rule| format!(r#"@check(rule: "{rule}", message: "must be positive")"#)).collect();
        format!("type A @open {} {{ a: Int b: Int }}", checks.join(" "))
    };
    let records = [("A", r#"{"a":-1,"b":5}"#), ("A", r#"{"a":-1,"b":5}"#)];
    for mut place in Place::both() {
        place.apply(&model(&[]), false).expect("a database");
        place.create(&model(&[]), &records).await;
        place.apply(&model(&["this.a > 0"]), false).expect("stored records stay");
        for (checks, expected) in [
            (["this.a > 0", "this.b > 0"], ""),
            (["this.b > 0", "this.a > 0"], ""),
            (["this.a > 0", "this.b > 9"], " [2 records break it: %0, %1]"),
        ] {
            let rule = if checks[0] == "this.a > 0" { checks[1] } else { checks[0] };
            let words = format!(
                "Safe: A has a new check, \"must be positive\" (`{rule}`); stored records that break it stay until they are \
                 changed{expected}"
            );
            assert_eq!(told(&place.plan(&model(&checks)), &place), [words], "{}: {checks:?}", place.name());
        }
    }
}

/// A `@backfill` gives values only where a field needs some.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_that_gives_no_values() {
    let told = "only a field that is new, becomes required or gets another type takes values from it; change stored \
                records with requests, or leave it out";
    let (old, records) = ("type P @open { s: String }", [("P", "{}")]);
    refused(old, &records, r#"type P @open { s: String @backfill(from: "'x'") }"#, &[told]).await;
    refused(old, &records, r#"type P @open { s: String! @backfill(from: "'x'") }"#, &[]).await;
    // It has done what it was there for.
    let done = r#"type P @open { s: String @backfill(from: "'x'") }"#;
    refused(done, &records, r#"type P @open { s: String @backfill(from: "'x'") t: Int }"#, &[]).await;
    let new = r#"type P @open { s: String } type Q @open { p: P s: String @backfill(from: "this.p.s") }"#;
    let told = "Q has no records yet, so the `@backfill` of Q.s does nothing; let a script create its records (see \"Split \
                a type in two\" in docs/changing-a-model.md)";
    refused(old, &records, new, &[told]).await;
}

/// A record in the trash, whose children are there too, is not asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_at_commit_finds_the_records_that_break_it() {
    let model = |check: &str| {
        format!(
            r#"type E @open @trash {check} {{ n: Int! parts: [P!] @inverse(field: "e") }} type P @open @trash {{ e: E! @onDelete(do: CASCADE) n: Int! }}"#
        )
    };
    let records = [
        ("E", r#"{"n":3}"#),
        ("E", r#"{"n":4}"#),
        ("E", r#"{"n":0}"#),
        ("P", r#"{"e":"%0","n":1}"#),
        ("P", r#"{"e":"%0","n":2}"#),
        ("P", r#"{"e":"%1","n":3}"#),
    ];
    let rule = |on: &str| format!(r#"@check(rule: "this.parts.sum(p, p.n) == this.n", message: "adds up"{on})"#);
    let (at_write, at_commit) = (model(&rule("")), model(&rule(", on: COMMIT")));
    refused(&model(""), &records, &at_commit, &["1 record breaks it: %1"]).await;
    refused(&model(""), &records, &model(r#"@check(rule: "old == null || this.n >= old.n", message: "grows")"#), &[])
        .await;
    for mut place in Place::both() {
        place.apply(&model(""), false).expect("a database");
        place.create(&model(""), &records).await;
        place.delete(&model(""), ("E", 1)).await;
        assert_eq!(place.plan(&at_commit).iter().flat_map(|step| &step.findings).count(), 0, "{}", place.name());
        place.apply(&at_commit, false).expect("the check is there");
        let steps = place.plan(&at_write);
        let words: Vec<String> = steps.iter().map(|step| step.words.clone()).collect();
        assert_eq!(
            words,
            [
                "E has a new check, \"adds up\"; stored records that break it stay until they are changed",
                "E loses the check \"adds up\"; no record changes"
            ],
            "{}",
            place.name()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_an_enum_that_records_hold_stay() {
    let old = "enum C { A B } type P @open { c: C! l: [C!] }";
    let records = [("P", r#"{"c":"A"}"#), ("P", r#"{"c":"B","l":["A"]}"#)];
    refused(old, &records, "enum C { B } type P @open { c: C! l: [C!] }", &[
        "1 record has a removed value in P.c: %0; change those records first, or write `@renamed(from: \"A\")` on the \
         value that replaces it",
        "1 value of P.l, [\"A\"], can't be converted (expected one of B): %1; change those records first, or give the \
         field a `@backfill(from: …)`",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_of_another_application_is_refused() {
    let new = "extend schema @app(name: \"Other\") type Q @open { a: Int }";
    refused("type P @open { a: Int }", &[("P", r#"{"a":1}"#)], new, &[
        "it belongs to \"Test\", with which \"Other\" has no type in common; choose another data directory (--data), or give the \
         model the types of the stored one",
        "Q is new and has most of its fields; if you renamed `P` to `Q`, write `@renamed(from: \"P\")` on `Q`",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_a_change_makes_equal_break_a_unique_index() {
    let shared = "2 records of P have the same a as another: %0, %1; change or delete those records first";
    let two = |one: &'static str, other: &'static str| [("P", one), ("P", other)];
    let new = "type P @open { a: Int! @unique @default(to: 7) b: Int }";
    refused("type P @open { a: Int @unique b: Int }", &two("{}", r#"{"a":7}"#), new, &[shared]).await;
    let records = two(r#"{"a":"1"}"#, r#"{"a":"1.0"}"#);
    refused("type P @open { a: String @unique }", &records, "type P @open { a: Int @unique }", &[shared]).await;
    let records = two(r#"{"a":"X"}"#, r#"{"a":"Y"}"#);
    let new = r#"enum E { X @renamed(from: "Y") } type P @open { a: E @unique }"#;
    refused("enum E { X Y } type P @open { a: E @unique }", &records, new, &[shared]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_called_so_is_named() {
    let old = "enum E { X } type P @open { n: Int e: E }";
    let new = r#"enum E { X Y @renamed(from: "Z") } type P @open { n: Int e: E title: String @renamed(from: "nme") }
        type Q @open @renamed(from: "R") { n: Int }"#;
    let remedy = "correct the name in its `@renamed`, or leave the directive out";
    refused(
        old,
        &[("P", r#"{"n":1}"#)],
        new,
        &[
            &format!("nothing in the stored model is called E.Z, so E.Y is new; {remedy}"),
            &format!("nothing in the stored model is called R, so Q is new; {remedy}"),
            &format!("nothing in the stored model is called P.nme, so P.title is new; {remedy}"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_backfill_gives_must_fit() {
    let old = "type P @open { a: String! u: U } type U @open { n: Int }";
    let records = [("P", r#"{"a":"long"}"#)];
    let with = |field: &str| format!("type P @open {{ a: String! u: U {field} }} type U @open {{ n: Int }}");
    let check = async |field: &str, expected: &str| refused(old, &records, &with(field), &[expected]).await;
    check(
        "v: U @backfill(from: \"'01a21884-93f1-74d9-8e81-cce36fc39254'\")",
        "the `@backfill` of P.v gives 1 record the id of a record that doesn't exist: %0; make it give ids of stored \
         records only",
    )
    .await;
    check(
        "e: Email @backfill(from: \"this.a\")",
        "the `@backfill` of P.e doesn't fit the stored model: a text isn't always a value of Email; add the field without \
         `!`, and give it values through the API",
    )
    .await;
    check(
        "s: String @length(max: 3) @backfill(from: \"this.a\")",
        "the `@backfill` of P.s gives 1 record a value that is too short or too long: %0; make it give values that fit",
    )
    .await;
    check(
        "n: Int @check(rule: \"this.n > 9\", message: \"more\") @backfill(from: \"5\")",
        "the `@backfill` of P.n gives 1 record a value that breaks its check: %0; make it give values that pass",
    )
    .await;
    check(
        "b: Boolean @backfill(from: \"auth.id != null\")",
        "the `@backfill` of P.b doesn't fit the stored model: there is no `auth` while a model is applied, because \
         nobody is calling; use the record's own fields, `now` and literals",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_values_must_fit_a_new_limit() {
    let old =
        "type S @embedded { w: Int u: String } type P @open { a: Int d: Decimal b: String l: [Int!] s: S docs: [S!] }";
    let records = [
        ("P", r#"{"a":7,"d":1.5,"b":"x y","l":[1,9],"s":{"w":9},"docs":[{"w":9}]}"#),
        ("P", r#"{"a":8,"b":"x","l":[9],"s":{"u":"X"}}"#),
        ("P", "{}"),
    ];
    let with = |s: &str, p: &str| format!("type S @embedded {{ {s} }} type P @open {{ {p} }}");
    let (s, docs) = ("w: Int u: String", "s: S docs: [S!]");
    let check = async |new: String, expected: &[&str]| refused(old, &records, &new, expected).await;
    let first = "change those records first";
    check(
        with(s, &format!("a: Int @range(max: 5) d: Decimal @range(max: 1) b: String l: [Int!] {docs}")),
        &[
            &format!("2 values of P.a, such as \"7\", don't fit (it must be at most 5): %0, %1; {first}"),
            &format!("1 value of P.d, \"1.5000\", doesn't fit (it must be at most 1): %0; {first}"),
        ],
    )
    .await;
    check(
        with(s, &format!("a: Int d: Decimal b: String @pattern(is: \"[a-z]\") l: [Int!] @range(max: 8) {docs}")),
        &[
            &format!("1 value of P.b, \"x y\", doesn't fit (it must match `[a-z]`): %0; {first}"),
            &format!("2 values of P.l, such as [1,9], don't fit (it must be at most 8): %0, %1; {first}"),
        ],
    )
    .await;
    check(
        with(
            "w: Int @range(max: 8) u: String @pattern(is: \"[a-z]\")",
            &format!("a: Int d: Decimal b: String l: [Int!] {docs}"),
        ),
        &[
            &format!(
                "1 value of P.docs, \"[{{\"w\":9,\"u\":null}}]\", doesn't fit (at /0/w: must be at most 8): %0; {first}"
            ),
            &format!("1 value of P.s.w, \"9\", doesn't fit (it must be at most 8): %0; {first}"),
            &format!("1 value of P.s.u, \"X\", doesn't fit (it must match `[a-z]`): %1; {first}"),
        ],
    )
    .await;
    // What is converted, and what is given.
    check(
        with(s, &format!("a: Decimal @range(max: 7) d: Decimal b: String l: [Int!] {docs} n: Int @range(min: 8) @backfill(from: \"this.a\")")),
        &[
            "1 value of P.n, \"7\", doesn't fit (it must be at least 8): %0; make its `@backfill` give values that fit",
            &format!(
                "1 value of P.a, \"8\", can't be converted (it must be at most 7): %1; {first}, or give the field a \
                 `@backfill(from: …)`"
            ),
        ],
    )
    .await;
    // Limits that all values fit.
    check(
        with(
            "w: Int @range(max: 9) u: String @pattern(is: \"[X]\")",
            &format!("a: Int @range(min: 7, max: 8) d: Decimal @range(min: 1.5) b: String @pattern(is: \"[a-z ]+\") l: [Int!] @range(max: 9) {docs}"),
        ),
        &[],
    )
    .await;
}

/// A plan is made with the moment at which it is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_may_depend_on_the_moment() {
    let old = "type P @open { at: DateTime! }";
    let records = [("P", r#"{"at":"2020-01-01T00:00:00Z"}"#)];
    refused(
        old,
        &records,
        "type P @open { at: DateTime! seen: DateTime! @backfill(from: \"this.at < now ? now : null\") }",
        &[],
    )
    .await;
}

/// What is gone, and what is new and like it, may be the same thing under another name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_that_is_not_declared_is_suggested() {
    let advice = |from: &str, to: &str| {
        format!("if you renamed `{from}` to `{to}`, write `@renamed(from: \"{from}\")` on `{to}`")
    };
    let same = |from: &str, to: &str| format!("P.{to} is new and has the same type; {}", advice(from, to));
    let record = [("P", r#"{"a":"x","n":1}"#)];
    let old = "type P @open { a: String n: Int }";
    refused(old, &record, "type P @open { b: String n: Int }", &[&same("a", "b")]).await;
    refused(old, &record, "type P @open { b: Int n: Int }", &[]).await;
    refused(old, &record, "type P @open { b: String c: String n: Int }", &[]).await;
    refused(old, &record, "type P @open { b: String @backfill(from: \"this.a\") n: Int }", &[]).await;
    refused(old, &[], "type P @open { b: String n: Int }", &[]).await;
    let similar = "type P @open { title: String heading: String n: Int }";
    refused(
        similar,
        &[("P", r#"{"title":"x","heading":"y"}"#)],
        "type P @open { titles: String headings: String n: Int }",
        &[&same("title", "titles"), &same("heading", "headings")],
    )
    .await;
    let give = "give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`";
    refused(
        "type P @open { a: String! }",
        &[("P", r#"{"a":"x"}"#)],
        "type P @open { b: String! }",
        &[&format!("1 record would have no value in P.b: %0; {}; otherwise {give}", advice("a", "b")), &same("a", "b")],
    )
    .await;
    refused(
        "type P @open { qs: [Q!] } type Q @open { n: Int }",
        &[("Q", "{}"), ("P", r#"{"qs":["%0"]}"#)],
        "type P @open { rs: [Q!] } type Q @open { n: Int }",
        &[&same("qs", "rs")],
    )
    .await;
    refused(
        "type P @open { a: String n: Int } type Q @open { x: Int }",
        &record,
        "type R @open { a: String n: Int m: Int } type Q @open { x: Int }",
        &[&format!("R is new and has most of its fields; {}", advice("P", "R"))],
    )
    .await;
    let address =
        |members: &str, field: &str| format!("type A @embedded {{ {members} }} type P @open {{ n: Int {field}: A }}");
    let old = address("street: String city: String zip: Int", "address");
    let filled = [("P", r#"{"n":1,"address":{"street":"Ring 1","city":"Bonn"}}"#)];
    refused(
        &old,
        &filled,
        &address("street: String city: String zip: Int", "home"),
        &[&format!("P.home is new and has the same type; {}", advice("address", "home"))],
    )
    .await;
    refused(
        &old,
        &filled,
        &address("road: String city: String zip: Int", "address"),
        &[&format!("P.address.road is new and has the same type; {}", advice("street", "road"))],
    )
    .await;
    refused(
        "enum C { RED GREEN } type P @open { c: C }",
        &[("P", r#"{"c":"RED"}"#)],
        "enum C { CRIMSON GREEN } type P @open { c: C }",
        &[&format!(
            "1 record has a removed value in P.c: %0; {}; otherwise change those records first, or write \
             `@renamed(from: \"RED\")` on the value that replaces it",
            advice("RED", "CRIMSON")
        )],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_required_relation_can_only_be_backfilled() {
    refused(
        "type P @open { n: Int } type U @open { n: Int }",
        &[("P", "{}")],
        "type P @open { n: Int u: U! } type U @open { n: Int }",
        &["1 record would have no value in P.u: %0; give the field a `@backfill(from: …)`, or remove its `!`"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_gives_amounts_that_the_currency_has() {
    let old = "type P @open { price: Decimal! code: Currency! }";
    let records = [
        ("P", r#"{"price":"19.99","code":"EUR"}"#),
        ("P", r#"{"price":"19.99","code":"JPY"}"#),
        ("P", r#"{"price":"99999999999999","code":"KWD"}"#),
    ];
    let refuses = async |from: &str, of: &str| {
        let new = format!("{} cost: Money @backfill(from: \"{from}\") }}", old.trim_end_matches('}'));
        let expected = format!("the `@backfill` of P.cost gives {of}; round the amounts that it gives with `round(…)`");
        refused(old, &records, &new, &[&expected]).await;
    };
    let what = "an amount with more digits than the currency has, or than the field holds";
    refuses("money(this.price, this.code)", &format!("1 record {what}: %1")).await;
    refuses("round(money(this.price * 10, this.code))", &format!("1 record {what}: %2")).await;
    refused(
        "type P @open { code: String! }",
        &[("P", r#"{"code":"EUR"}"#)],
        "type P @open { code: String! currency: Currency @backfill(from: \"this.code\") }",
        &["the `@backfill` of P.currency doesn't fit the stored model: a text isn't always a value of Currency; add the \
         field without `!`, and give it values through the API"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_never_loses_digits() {
    let old = "type P @open { a: Decimal @precision(digits: 9, scale: 4) n: Int! b: Decimal @precision(digits: 5, scale: 2) }";
    let records = [
        ("P", r#"{"a":"1.2500","n":1}"#),
        ("P", r#"{"a":"1.2550","n":999,"b":"1.00"}"#),
        ("P", r#"{"a":"99999.0000","n":-1000}"#),
        ("P", r#"{"n":9007199254740993}"#),
    ];
    let check = async |from: &str, found: &[&str]| {
        let added = format!(
            "{} c: Decimal @precision(digits: 5, scale: 2) @backfill(from: \"{from}\") }}",
            &old[..old.len() - 2]
        );
        let records_of = |which: &&str| {
            let (count, ids) = which.split_once(' ').expect("a count");
            let counted = if count == "1" { "1 record".to_owned() } else { format!("{count} records") };
            format!(
                "the `@backfill` of P.c gives {counted} a number with more digits than the field holds: {ids}; make it give \
                 numbers with fewer digits, with `round(…)`, or give the field more with `@precision`"
            )
        };
        let found: Vec<String> = found.iter().map(records_of).collect();
        refused(old, &records, &added, &found.iter().map(String::as_str).collect::<Vec<_>>()).await;
    };
    check("this.a", &["2 %1, %2"]).await;
    check("this.b", &[]).await;
    check("this.b != null ? this.b : 1.005", &["3 %0, %2, %3"]).await;
    check("this.n > 0 ? null : this.a", &["1 %2"]).await;
    // A record that has a value keeps it.
    let required = old.replace(" b: Decimal", " b: Decimal! @backfill(from: \"1.005\")");
    let lacking = "3 records would have no value in P.b: %0, %2, %3; make its `@backfill` give every record a value, such as \
                   `x != null ? x : …`";
    let digits = "the `@backfill` of P.b gives 3 records a number with more digits than the field holds: %0, %2, %3; make it \
                  give numbers with fewer digits, with `round(…)`, or give the field more with `@precision`";
    refused(old, &records, &required, &[lacking, digits]).await;
    refused(old, &records, &required.replace("1.005", "round(1.005, 2)"), &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_records_cannot_become_one() {
    let new = r#"type P @single @allow(read: "true") { a: Int }"#;
    let told = "P has 2 records, and may have one: %0, %1; delete all but one of them first, or leave out `@single`";
    refused("type P @open { a: Int }", &[("P", r#"{"a":1}"#), ("P", r#"{"a":2}"#)], new, &[told]).await;
    refused("type P @open { a: Int }", &[("P", r#"{"a":1}"#)], new, &[]).await;
    refused("type P @open { a: Int }", &[], new, &[]).await;
}

/// Neither in a field of its own nor within a document does a number become another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_a_float_does_not_hold_are_named() {
    let types = |number: &str| {
        format!(
            "type A @embedded {{ n: {number} l: [{number}!] x: Float }} type P @open {{ n: {number} one: [A!] many: [A!] }}"
        )
    };
    let records = [
        ("P", r#"{"n":9007199254740992,"one":[{"n":100,"x":1e2}]}"#),
        ("P", r#"{"n":9007199254740993,"one":[{"n":9007199254740993}],"many":[{"l":[1,9007199254740993]}]}"#),
    ];
    let told = |place: &str| {
        format!(
            "1 value of P.{place} can't be converted (a Float doesn't hold it exactly): %1; change those records first, or \
             give the field a `@backfill(from: …)`"
        )
    };
    let (n, one) =
        (told("n, \"9007199254740993\","), told("one, \"[{\"n\":9007199254740993,\"l\":null,\"x\":null…\","));
    let many = told("many, \"[{\"n\":null,\"l\":[1,9007199254740993],\"x\":…\",");
    refused(&types("Int"), &records, &types("Float"), &[&n, &one, &many]).await;
}
