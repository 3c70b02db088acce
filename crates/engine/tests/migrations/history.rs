//! Histories come, go, and follow what becomes of the records.

use std::fmt::Write as _;

use crate::changed::{Place, told};

/// What a change of the model does, and what is then known of the past of the first record.
async fn check(name: &str, (old, new): (&str, &str), (of, then_of): (&str, &str), select: &str) {
    let mut text = format!("old: {old}\nnew: {new}\n");
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, &[(of, r#"{"a":"1","b":"x"}"#), (of, r#"{"a":"2"}"#)]).await;
        place.update(old, (of, 0), r#"{"a":"3"}"#).await;
        let steps = place.applied(new);
        _ = writeln!(text, "\n{}", place.name());
        for (step, words) in steps.iter().zip(told(&steps, &place)) {
            _ = writeln!(text, "  {words}");
            step.sql.iter().for_each(|sql| _ = writeln!(text, "    {sql}"));
        }
        for change in place.history(new, (then_of, 0)).await {
            _ = writeln!(text, "  {change}");
        }
        for moment in ["2026-01-31T12:30:00Z", "2026-01-31T13:30:00Z"] {
            _ = writeln!(text, "  {moment} {}", place.records_as_of(new, (then_of, select), moment).await);
        }
        _ = writeln!(text, "  now {}", place.records(new, (then_of, select)).await);
        assert_eq!(place.plan(new), [], "{}", place.name());
        assert_eq!(place.differences(new), "", "{}", place.name());
    }
    insta::assert_snapshot!(name, text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_gets_a_history() {
    let old = "type P @open { a: String! b: String }";
    let new = r#"type P @open @history(read: "true", keep: "365d") { a: String! b: String }"#;
    check("a_type_gets_a_history", (old, new), ("P", "P"), "a,b").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_with_a_history_and_its_fields_are_renamed() {
    let old = r#"enum E { X Y } type P @open @history(read: "true") { a: String! b: String e: E! @default(to: X) h: H }
        type H @embedded { i: Int }"#;
    let new = r#"enum E { Z @renamed(from: "X") Y }
        type Q @open @renamed(from: "P") @history(read: "true") { c: String! @renamed(from: "a") b: String e: E! @default(to: Z) g: H @renamed(from: "h") }
        type H @embedded { i: Int }"#;
    check("a_type_with_a_history_and_its_fields_are_renamed", (old, new), ("P", "Q"), "c,b,e,g").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_of_a_history_come_go_and_change_their_types() {
    let old = r#"type P @open @history(read: "true") { a: String! b: String }"#;
    let new = r#"type P @open @history(read: "true") { a: Int! n: Int! @default(to: 7) m: String }"#;
    check("fields_of_a_history_come_go_and_change_their_types", (old, new), ("P", "P"), "a,n,m").await;
}

/// An old value that doesn't fit is lost, and nobody could change it before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_version_cannot_be_converted() {
    let old = r#"enum E { X Y } type P @open @history(read: "true") { a: String! e: E }"#;
    let new = r#"enum E { X } type P @open @history(read: "true") { a: Int! e: E }"#;
    for mut place in Place::both() {
        let name = place.name();
        place.apply(old, false).expect("a database");
        place.create(old, &[("P", r#"{"a":"one","e":"Y"}"#)]).await;
        place.update(old, ("P", 0), r#"{"a":"1","e":"X"}"#).await;
        assert!(place.apply(new, false).is_err(), "{name}: it loses data");
        let steps = place.applied(new);
        let words = told(&steps, &place).join("\n");
        assert!(words.contains("1 value of P history.a"), "{name}: {words}");
        assert_eq!(
            place.history(new, ("P", 0)).await,
            [
                r#"update {"a":{"new":1,"old":null},"e":{"new":"X","old":"Y"}}"#,
                r#"create {"e":{"new":"Y","old":null}}"#
            ],
            "{name}"
        );
        assert_eq!(place.plan(new), [], "{name}");
    }
}

/// Old versions keep values of an enum that are removed, in lists as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_old_versions_keep_removed_values() {
    let model = |values: &str| {
        format!(
            r#"enum E {{ {values} }} type P @open @history(read: "true") {{ es: [E!]! h: H }}
            type H @embedded {{ es: [E!] }}"#
        )
    };
    let (old, new) = (model("X Y Z"), model(r#"X W @renamed(from: "Z")"#));
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&old, false).expect("a database");
        place.create(&old, &[("P", r#"{"es":["Y","Z"],"h":{"es":["Y"]}}"#)]).await;
        place.update(&old, ("P", 0), r#"{"es":["X"],"h":{"es":["X"]}}"#).await;
        assert!(place.apply(&new, false).is_ok(), "{name}: nothing is lost");
        assert_eq!(
            place.history(&new, ("P", 0)).await,
            [
                r#"update {"es":{"new":["X"],"old":["Y","W"]},"h.es":{"new":["X"],"old":["Y"]}}"#,
                r#"create {"es":{"new":["Y","W"],"old":null},"h.es":{"new":["Y"],"old":null}}"#
            ],
            "{name}"
        );
        assert_eq!(place.plan(&new), [], "{name}");
        assert_eq!(place.differences(&new), "", "{name}");
    }
}

/// Also what two migrations removed one after the other, and where one value has become a list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_old_versions_keep_values_that_were_removed_in_turn() {
    let model = |values: &str, one: &str| {
        format!(r#"enum E {{ {values} }} type P @open @history(read: "true") {{ es: [E!]! e: {one} }}"#)
    };
    let models = [("X Y Z", "E"), ("X Z", "E"), ("X", "E"), ("X", "[E!]"), ("X W", "[E!]")];
    let models = models.map(|(values, one)| model(values, one));
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&models[0], false).expect("a database");
        place.create(&models[0], &[("P", r#"{"es":["Y","Z"],"e":"Y"}"#)]).await;
        place.update(&models[0], ("P", 0), r#"{"es":["X"],"e":"X"}"#).await;
        for (at, model) in models.iter().enumerate() {
            let steps = place.plan(model);
            assert!(place.apply(model, false).is_ok(), "{name}: nothing is lost: {steps:?}");
            let one = |value: &str| if at < 3 { format!("\"{value}\"") } else { format!("[\"{value}\"]") };
            let (x, y) = (one("X"), one("Y"));
            assert_eq!(
                place.history(model, ("P", 0)).await,
                [
                    format!(r#"update {{"e":{{"new":{x},"old":{y}}},"es":{{"new":["X"],"old":["Y","Z"]}}}}"#),
                    format!(r#"create {{"e":{{"new":{y},"old":null}},"es":{{"new":["Y","Z"],"old":null}}}}"#),
                ],
                "{name}: {model}"
            );
            assert_eq!(place.plan(model), [], "{name}");
        }
    }
}

/// Those of documents as well, and they outlast further migrations.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_of_old_versions_keep_removed_values() {
    let model = |values: &str, member: &str| {
        format!(
            r#"enum E {{ {values} }} type P @open @history(read: "true") {{ ds: [D!] }}
            type D @embedded {{ e: E es: [E!] {member} }}"#
        )
    };
    let old = model("X Y Z", "");
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&old, false).expect("a database");
        place.create(&old, &[("P", r#"{"ds":[{"e":"Y","es":["Y","Z"]}]}"#)]).await;
        place.update(&old, ("P", 0), r#"{"ds":[{"e":"X"}]}"#).await;
        let renamed = model(r#"X W @renamed(from: "Z")"#, "");
        assert!(place.apply(&renamed, false).is_ok(), "{name}: nothing is lost");
        let more = model("X W", "n: Int");
        assert!(place.apply(&more, false).is_ok(), "{name}: nothing is lost");
        let history = place.history(&more, ("P", 0)).await;
        let first = r#"create {"ds":{"new":[{"e":"Y","es":["Y","W"],"n":null}],"old":null}}"#;
        assert_eq!(history.last().map(String::as_str), Some(first), "{name}: {history:?}");
        assert_eq!(place.plan(&more), [], "{name}");
    }
}

/// What is removed with a history is gone, so it has to be allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_is_removed() {
    let old = r#"type P @open @history(read: "true") { a: String! }"#;
    for (new, words) in [
        ("type P @open { a: String! }", "the history of P is removed, with all versions"),
        ("type P @open @history(read: \"true\") { b: Int }", "P history.a is removed, with its stored values"),
        (
            "type P @open @history(read: \"true\") { a: String! @class(is: SECRET) }",
            "P history.a is removed, with its stored values",
        ),
    ] {
        for mut place in Place::both() {
            let name = place.name();
            place.apply(old, false).expect("a database");
            place.create(old, &[("P", r#"{"a":"x"}"#)]).await;
            assert!(place.apply(new, false).is_err(), "{name}: {new}");
            let steps = place.applied(new);
            assert!(steps.iter().any(|step| step.words == words && step.loses_data()), "{name}: {steps:?}");
            assert_eq!(place.plan(new), [], "{name}");
            assert_eq!(place.differences(new), "", "{name}");
        }
    }
}

/// How long versions are kept is not stored, but for an index; who may read them isn't either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_is_kept_for_another_time() {
    let model = |history: &str| format!("type P @open @history({history}) {{ a: String! }}");
    for place in Place::both() {
        place.apply(&model(r#"read: "true""#), false).expect("a database");
        let check = |history: &str, expected: &[&str]| {
            let steps = place.apply(&model(history), false).expect("nothing is lost");
            let words: Vec<&str> = steps.iter().map(|step| step.words.as_str()).collect();
            assert_eq!(words, expected, "{} {history}", place.name());
        };
        check(
            r#"read: "true", keep: "30d""#,
            &[
                "P history gets the index ix_p_history__history__ended",
                "the history of P now keeps old versions for 30 days",
            ],
        );
        check(r#"read: "false", keep: "30d""#, &["P: the rule of its history changed; no record changes"]);
        check(
            r#"read: "false""#,
            &["P history loses the index ix_p_history__history__ended", "the history of P now keeps all versions"],
        );
    }
}

/// Whatever a migration gives records, their last versions say so: nobody who changes them later has done it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_version_equals_its_record() {
    let old = r#"enum E { X Y }
        type P @open @history(read: "true") { a: String! b: Int d: D n: Int e: E es: [E!] u: P o: O }
        type D @embedded { a: String } type O @embedded { a: String! }"#;
    let new = |kinds: &str, fields: &str, members: &str| {
        format!(
            r#"enum E {{ {kinds} }} type P @open @history(read: "true") {{ a: String! {fields} }}
            type D @embedded {{ {members} }} type O @embedded {{ a: String! {members} }}"#
        )
    };
    let rest = "b: Int d: D n: Int e: E es: [E!] u: P o: O";
    let records = [
        ("P", r#"{"a":"1","d":{"a":"x"},"e":"X","es":["X","Y"],"o":{"a":"x"}}"#),
        ("P", r#"{"a":"2","b":7,"n":7,"u":"%0"}"#),
    ];
    for (new, select, added) in [
        (new("X Y", &format!("{rest} number: Int! @sequence"), "a: String"), "number", 1),
        (new("X Y", &format!("{rest} code: String @sequence(format: \"C{{n}}\")"), "a: String"), "code", 1),
        (new("X Y", &format!("{rest} k: Int @sequence(when: \"this.a == '1'\")"), "a: String"), "k", 1),
        (new("X Y", &format!("{rest} slug: String @slug(from: \"a\")"), "a: String"), "slug", 1),
        (new("X Y", "b: Int d: D n: Int @sequence e: E es: [E!] u: P o: O", "a: String"), "n", 1),
        (new("X Y", "b: Int! @default(to: 3) d: D n: Int e: E es: [E!] u: P o: O", "a: String"), "b", 1),
        (new("X Y", "b: Int! @backfill(from: \"5\") d: D n: Int e: E es: [E!] u: P o: O", "a: String"), "b", 1),
        (new("X Y", rest, "a: String c: Int @default(to: 3)"), "d,o", 1),
        (new("Z @renamed(from: \"X\") Y", rest, "a: String"), "e,es", 0),
    ] {
        // The members of both are the same but for the first.
        let new = new.replace("a: String! a: String", "a: String!");
        for mut place in Place::both() {
            place.apply(old, false).expect("a database");
            place.create(old, &records).await;
            let before = place.history(old, ("P", 0)).await.len();
            place.an_hour_later();
            place.applied(&new);
            let now = place.an_hour_later();
            let select = format!("a,{select}");
            let records = place.records(&new, ("P", &select)).await;
            assert_eq!(place.records_as_of(&new, ("P", &select), &now).await, records, "{}: {new}", place.name());
            place.update(&new, ("P", 0), r#"{"a":"3"}"#).await;
            let history = place.history(&new, ("P", 0)).await;
            assert_eq!(history[0], r#"update {"a":{"new":"3","old":"1"}}"#, "{}: {new}", place.name());
            assert_eq!(history.len(), before + 1 + added, "{}: {new}: {history:?}", place.name());
        }
    }
}

/// What a version says of a reference follows it to a union, and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_opens_and_narrows() {
    let model = |kind: &str| {
        format!(
            "union U = X | Y type X @open {{ n: Int }} type Y @open {{ n: Int }} \
             type P @open @history(read: \"true\") {{ a: String! {kind} }}"
        )
    };
    let (plain, union, other) = (model("u: X"), model("u: U"), model("w: U @renamed(from: \"u\")"));
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&plain, false).expect("a database");
        place.create(&plain, &[("X", "{}"), ("X", "{}"), ("P", r#"{"a":"1","u":"%0"}"#)]).await;
        place.update(&plain, ("P", 2), r#"{"u":"%1"}"#).await;
        let first = r#"create {"a":{"new":"1","old":null},"u":{"new":"%0","old":null}}"#;
        assert_eq!(place.history(&plain, ("P", 2)).await, [r#"update {"u":{"new":"%1","old":"%0"}}"#, first], "{name}");
        let back = model("u: U @renamed(from: \"w\")");
        for (to, field) in [(&union, "u.X"), (&other, "w.X"), (&back, "u.X"), (&plain, "u")] {
            let steps = place.applied(to);
            let lost =
                steps.iter().filter(|step| step.loses_data() && step.words.contains(&format!("history.{field} ")));
            assert_eq!(lost.count(), 0, "{name}: {steps:?}");
            assert_eq!(
                place.history(to, ("P", 2)).await,
                [
                    format!(r#"update {{"{field}":{{"new":"%1","old":"%0"}}}}"#),
                    format!(r#"create {{"a":{{"new":"1","old":null}},"{field}":{{"new":"%0","old":null}}}}"#),
                ],
                "{name}: {to}"
            );
            assert_eq!(place.plan(to), [], "{name}");
            assert_eq!(place.differences(to), "", "{name}");
        }
    }
}
