//! `old`, the record before the write, and `added` and `removed`, the links that it makes and ends.

use std::sync::Arc;

use backstay_base::Caller;

use crate::{App, example, told, wrong};

const HEADING: &str = "The record before the change";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_and_sets_see_the_record_before_the_write() {
    for app in App::both(example(HEADING)) {
        let ann = app.caller("User", r#"{"email":"ann@example.org"}"#).await;
        let lot = app.create(&ann, "Lot", r#"{"title":"Vase","price":"10"}"#).await.expect("a lot");
        let check = async |body: &str, expected: &str, raised: &str| {
            assert_eq!(told(app.update(&ann, ("Lot", lot), body).await), expected, "{} {body}", app.database);
            assert_eq!(app.one(&ann, ("Lot", lot), "raised").await, format!(r#"{{"raised":{raised}}}"#), "{body}");
        };
        check(r#"{"title":"A vase"}"#, "ok", "0").await;
        check(r#"{"price":"12"}"#, "ok", "1").await;
        check(r#"{"price":"11"}"#, r#"/price Check { message: "a price only rises" }"#, "1").await;
        check(r#"{"price":"12.5"}"#, "ok", "2").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_see_the_links_that_a_write_adds_and_removes() {
    for app in App::both(example(HEADING)) {
        let ann = app.caller("User", r#"{"email":"ann@example.org"}"#).await;
        let bob = app.caller("User", r#"{"email":"bob@example.org"}"#).await;
        let id = |caller: &Caller| caller.id.expect("an account");
        let filled = |body: &str| {
            let names =
                |text: String, (name, caller): (&str, &Caller)| text.replace(name, &format!("\"{}\"", id(caller)));
            [("ANN", &*ann), ("BOB", &*bob)].into_iter().fold(body.to_owned(), names)
        };
        let lot = app.create(&ann, "Lot", &filled(r#"{"title":"Vase","price":"10","bidders":[ANN,BOB]}"#)).await;
        let lot = lot.expect("a lot");
        let check = async |caller: &Arc<Caller>, body: &str, expected: &str| {
            let got = told(app.update(caller, ("Lot", lot), &filled(body)).await);
            assert_eq!(got, expected, "{} {body}", app.database);
        };
        app.update(&Arc::new(Caller::system()), ("User", id(&bob)), r#"{"banned":true}"#).await.expect("a change");
        let refused = r#" Check { message: "banned people can't be added" }"#;
        check(&ann, r#"{"bidders":[BOB]}"#, "ok").await;
        check(&ann, r#"{"bidders":[ANN,BOB]}"#, "ok").await;
        check(&ann, r#"{"bidders":[ANN]}"#, "forbidden").await;
        check(&bob, r#"{"bidders":[ANN]}"#, "ok").await;
        check(&ann, r#"{"bidders":[ANN,BOB]}"#, refused).await;
        check(&ann, r#"{"bidders":[]}"#, "ok").await;
        check(&ann, r#"{"title":"A vase"}"#, "ok").await;
        let created = filled(r#"{"title":"Pot","price":"1","bidders":[ANN,BOB]}"#);
        assert_eq!(told(app.create(&ann, "Lot", &created).await), refused, "{}", app.database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guards_see_both_records_and_their_links() {
    let model = r#"
type User @open { name: String! }
enum Seal {
  OPEN @initial @to(state: "SEALED", when: "size(new.signers.added) == 1 && old.title == new.title && this == old")
  SEALED
}
type Deed @open { seal: Seal!  title: String  signers: [User!] }
"#;
    for app in App::both(model) {
        let anyone = Arc::new(Caller::anonymous());
        let user = app.made("User", r#"{"name":"Ann"}"#).await;
        let deed = app.made("Deed", r#"{"title":"House"}"#).await;
        let check = async |body: &str, expected: &str| {
            let body = body.replace("ANN", &format!("\"{user}\""));
            assert_eq!(told(app.update(&anyone, ("Deed", deed), &body).await), expected, "{} {body}", app.database);
        };
        check(r#"{"seal":"SEALED"}"#, "sign-in-required").await;
        check(r#"{"seal":"SEALED","signers":[ANN],"title":"Flat"}"#, "sign-in-required").await;
        check(r#"{"seal":"SEALED","signers":[ANN]}"#, "ok").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_from_the_trash_was_there() {
    let model = r#"
type Note @open @trash(keep: "30d") @check(rule: "old != null || this.text == 'draft'", message: "new notes are drafts", guards: ["text"]) {
  text: String!
}
"#;
    for app in App::both(model) {
        let anyone = Arc::new(Caller::anonymous());
        let refused = told(app.create(&anyone, "Note", r#"{"text":"done"}"#).await);
        assert_eq!(refused, r#" Check { message: "new notes are drafts" }"#);
        let note = app.create(&anyone, "Note", r#"{"text":"draft"}"#).await.expect("a draft");
        app.update(&anyone, ("Note", note), r#"{"text":"done"}"#).await.expect("a change");
        app.delete(&anyone, ("Note", note)).await.expect("it goes to the trash");
        app.restore(&anyone, ("Note", note)).await.expect("it comes back");
    }
}

#[test]
fn a_record_before_the_write_is_known_where_one_is_written() {
    let check = |line: &str, expected: &[&str]| {
        let model = format!("type User @open {{ name: String!  notes: [Note!] @inverse(field: \"readers\") }}\n{line}");
        let got: Vec<String> =
            wrong(&model).into_iter().map(|told| told.split_once(' ').expect("a place").1.to_owned()).collect();
        assert_eq!(got, expected, "{line}");
    };
    let only = "there is no `old` here (write `this`; only a change has a record as it was: in `@check`, `@set`, `after:` and the `when:` of `@to`)";
    let readers = "readers: [User!] text: String";
    check(&format!(r#"type Note @allow(read: "old.text == 'a'") {{ {readers} }}"#), &[only]);
    check(&format!(r#"type Note @allow(create: "old == null") {{ {readers} }}"#), &[only]);
    check(&format!(r#"type Note @open {{ {readers} long: Boolean @computed(is: "old.text == 'a'") }}"#), &[only]);
    check(&format!(r#"type Note @open @index(fields: ["text"], where: "old.text == 'a'") {{ {readers} }}"#), &[only]);
    check(
        &format!(r#"type Note @allow(update: "old.text == 'a'") {{ {readers} }}"#),
        &[
            "there is no `old` here (write `this` for the stored record, and conditions on the proposed one in `after:`, beside `update:`)",
        ],
    );
    check(
        &format!(r#"type Note @open {{ {readers} name: String @default(from: "old.text") }}"#),
        &["there is no `old` here (remove it: a default is for new records, and no record is stored before them)"],
    );
    let links = "only a write adds and removes links: `added` and `removed` are for `@check`, `@set`, `after:` and the `when:` of `@to`";
    check(
        &format!(r#"type Note @allow(read: "size(this.readers.added) == 0") {{ {readers} }}"#),
        &[&format!("`readers.added` cannot be used here ({links})")],
    );
    check(
        &format!(r#"type Note @allow(update: "true", after: "size(this.readers.removed) == 0") {{ {readers} }}"#),
        &["`readers.removed` cannot be used here (begin with the record as it would be: `new.members.added`)"],
    );
    check(
        &format!(r#"type Note @open @check(rule: "old.readers.added.all(r, true)", message: "no") {{ {readers} }}"#),
        &["`readers.added` cannot be used here (begin with the record as it would be: `this.members.added`)"],
    );
    check(
        &format!(
            r#"type Note @open @check(rule: "this.readers.added.max(r, r.name) == 'a'", message: "no") {{ {readers} }}"#
        ),
        &[
            "`max` of the links that a write adds or removes cannot be used here (use `exists`, `all`, `count` or `size`)",
        ],
    );
    check(
        &format!(
            r#"type Note @open {{ {readers} }} extend type User @check(rule: "size(this.notes.added) == 0", message: "no")"#
        ),
        &[
            "`notes.added` cannot be used here (a write sends the links of a many-to-many relation, at the field that declares it; the records of other lists are written by themselves)",
        ],
    );
}
