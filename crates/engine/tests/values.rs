//! What values become on their way into a record, and what a change tells of values that are not seen.

mod desk;

use std::sync::Arc;

use backstay_base::{Caller, CallerKind};
use backstay_model::SourceFile;
use backstay_rest::Raw;
use backstay_testkit::{TestApplication, TestClock, controlled};
use desk::{Desk, told};
use serde_json::value::RawValue;

#[tokio::test]
async fn a_patch_is_merged_into_a_document() {
    let desk = Desk::open().await;
    let body = r#"{"details":{"a":1,"b":{"c":2,"d":[1]},"n":12345678901234567890.5}}"#;
    let id = desk.made("Request", &desk.ada, body).await;
    let check = async |patch: &str, expected: &str| {
        desk.update("Request", &desk.ada, id, patch).await.expect("a change");
        let found = desk.select("Request", &desk.ada, id, Some("details")).await.expect("it is there");
        assert_eq!(found["details"].to_string(), expected, "{patch}");
    };
    check(r#"{"details":{"a":null,"b":{"c":null,"e":1}}}"#, r#"{"b":{"d":[1],"e":1},"n":1.2345678901234567e+19}"#)
        .await;
    check(r#"{"details":{"b":[null]}}"#, r#"{"b":[null],"n":1.2345678901234567e+19}"#).await;
    check(r#"{"details":[1]}"#, "[1]").await;
    check(r#"{"details":{"x":{"y":null}}}"#, r#"{"x":{}}"#).await;
    check(r#"{"details":null}"#, "null").await;
    check(r#"{"details":{"x":1}}"#, r#"{"x":1}"#).await;
}

#[tokio::test]
async fn a_value_that_is_set_fits_its_field_or_is_refused() {
    let desk = Desk::open().await;
    let id = desk.made("Request", &desk.ada, r#"{"fine":"12.5"}"#).await;
    let found = desk.get("Request", &desk.ada, id).await.expect("it is there");
    assert_eq!(found["charged"], "12.50");
    assert_eq!(
        told(desk.update("Request", &desk.ada, id, r#"{"fine":"12.505"}"#).await),
        "invalid-values: /charged Range"
    );
    let long = format!(r#"{{"long":"{}"}}"#, "x".repeat(10_001));
    let refused = "invalid-values: /copied Range";
    assert_eq!(told(desk.update("Request", &desk.ada, id, &long).await), refused);
    assert_eq!(told(desk.create("Request", &desk.ada, &long).await), refused);
}

#[tokio::test]
async fn who_has_no_account_is_nobody_where_an_account_is_meant() {
    let desk = Desk::open().await;
    let id = desk.made("Request", &desk.ada, "{}").await;
    let key = Arc::new(Caller { kind: CallerKind::Service, ..Caller::account(desk.engine().next_id(), ["EDITOR"]) });
    desk.update("Request", &key, id, r#"{"fine":1}"#).await.expect("a key changes it");
    let found = desk.get("Request", &desk.ada, id).await.expect("it is there");
    assert_eq!(found["changedBy"], serde_json::Value::Null);
    assert_eq!(told(desk.create("Request", &key, "{}").await), "invalid-values: /applicant NotAnAccount");
}

#[tokio::test]
async fn a_value_that_is_not_seen_cannot_be_guessed() {
    let desk = Desk::open().await;
    let body = r#"{"vote":3,"secret":"plum"}"#;
    let id = desk.made("Request", &desk.ada, body).await;
    for score in [7, 8] {
        let refused = told(desk.update("Request", &desk.ada, id, &format!(r#"{{"score":{score}}}"#)).await);
        assert_eq!(refused, "invalid-values: /score FieldForbidden");
    }
    for secret in ["plum", "pear"] {
        let refused = told(desk.update("Request", &desk.ada, id, &format!(r#"{{"secret":"{secret}"}}"#)).await);
        assert_eq!(refused, "invalid-values: /secret ReadOnly");
    }
    let mut version = 1;
    for vote in [3, 3, 4] {
        let written = desk.update("Request", &desk.ada, id, &format!(r#"{{"vote":{vote}}}"#)).await.expect("a vote");
        version += 1;
        assert_eq!(written.version, Some(version), "the version tells nothing of whether it was the same");
    }
    let written = desk.update("Request", &desk.ada, id, r#"{"fine":null}"#).await.expect("nothing to do");
    assert_eq!(written.version, Some(version), "what is seen and the same is left alone");
}

#[tokio::test]
async fn a_guard_may_follow_relations() {
    let desk = Desk::open().await;
    for (who, expected) in [(&desk.ada, "ok"), (&desk.eve, "transition-refused")] {
        let id = desk.made("Request", who, "{}").await;
        assert_eq!(told(desk.update("Request", who, id, r#"{"visa":"GIVEN"}"#).await), expected);
    }
}

#[tokio::test]
async fn a_text_is_no_order_and_a_long_string_is_one() {
    let desk = Desk::open().await;
    let refused = desk.page("Request", &desk.ada, |list| list.sort = Some("long".into())).await;
    assert_eq!(told(refused), "malformed-request: sort Syntax");
    for first in ["a", "b"] {
        let long = format!(r#"{{"long":"{first}{}"}}"#, "é".repeat(9_999));
        desk.made("Request", &desk.ada, &long).await;
    }
    let page = desk.page("Request", &desk.ada, |list| (list.sort, list.limit) = (Some("copied".into()), Some(1))).await;
    let next = page.expect("a page")["next"].as_str().expect("another page").to_owned();
    let second = desk.column("Request", &desk.ada, "copied", |list| {
        (list.sort, list.after) = (Some("copied".into()), Some(next.into()));
    });
    assert!(second.await.expect("the next page").starts_with('b'));
}

#[tokio::test]
async fn a_request_leads_through_as_many_relations_as_a_statement_takes() {
    let desk = Desk::open().await;
    // Every path of relations from a membership, the short ones first; each needs one table more.
    let mut paths = vec![("next".to_owned(), true), ("team".to_owned(), false)];
    for from in 0.. {
        let (path, is_membership) = paths[from].clone();
        let steps = if is_membership { [("next", true), ("team", false)] } else { [("lead", true), ("deputy", true)] };
        paths.extend(steps.map(|(step, then)| (format!("{path}.{step}"), then)));
        if paths.len() > 70 {
            break;
        }
    }
    let filter = |paths: &[(String, bool)]| {
        paths.iter().map(|(path, _)| format!("{path}.name=='x'")).collect::<Vec<_>>().join("||")
    };
    let few = desk.page("Membership", &desk.ada, |list| list.filter = Some(filter(&paths[..50]).into())).await;
    assert_eq!(told(few), "ok");
    let refused = told(desk.page("Membership", &desk.ada, |list| list.filter = Some(filter(&paths).into())).await);
    assert_eq!(refused, "malformed-request: select Range");

    let lists = |number: usize| {
        let lists: Vec<String> = (0..number).map(|index| format!("a{index}=others")).collect();
        lists.join(",")
    };
    let select = async |text: String| told(desk.page("Essay", &desk.ada, |list| list.select = Some(text.into())).await);
    assert_eq!(select(lists(60)).await, "ok");
    assert_eq!(select(lists(61)).await, "malformed-request: select Range");
}

#[tokio::test]
async fn a_page_holds_what_fits_into_an_answer() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for _ in 0..9 {
        let long = format!(r#"{{"long":"{}","details":{{}}}}"#, "x".repeat(2_000_000));
        desk.create("Essay", &desk.ada, &long).await.map(|written| ids.push(written.ids[0])).expect("an essay");
    }
    let items = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items").iter();
        items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    };
    let of_ids = |ids: &[backstay_base::RecordId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let first = desk.page("Essay", &desk.ada, |_| ()).await.expect("what fits");
    assert_eq!(items(&first), of_ids(&ids[..8]));
    let next = first["next"].as_str().expect("another page").to_owned();
    let second = desk.page("Essay", &desk.ada, |list| list.after = Some(next.into())).await.expect("the rest");
    assert_eq!((items(&second), &second["next"]), (of_ids(&ids[8..]), &serde_json::Value::Null));
    let eight = desk.page("Essay", &desk.ada, |list| list.limit = Some(8)).await.expect("a page");
    assert_eq!((items(&eight), &eight["next"]), (of_ids(&ids[..8]), &first["next"]));

    let all: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    let body = format!(r#"{{"others":[{}]}}"#, all.join(","));
    for id in &ids {
        desk.update("Essay", &desk.ada, *id, &body).await.expect("linked");
    }
    let cut = serde_json::json!(["others"]);
    let select = "id,others{id,others{long}}";
    let nested = desk.page("Essay", &desk.ada, |list| list.select = Some(select.into())).await.expect("what fits");
    assert_eq!(items(&nested), of_ids(&ids[..1]));
    assert!(nested["next"].is_string());
    let found = desk.select("Essay", &desk.ada, ids[0], Some(select)).await.expect("what fits");
    for essay in [&nested["items"][0], &found] {
        assert_eq!(essay["$more"], cut);
        assert_eq!(essay["others"][0]["$more"], cut);
        assert_eq!(essay["others"][0]["others"][0]["long"].as_str().map(str::len), Some(2_000_000));
    }
    let found = desk.select("Essay", &desk.ada, ids[0], Some("others{long}")).await.expect("what fits");
    assert_eq!((found["others"].as_array().map(Vec::len), &found["$more"]), (Some(6), &cut));
}

/// No page and no nested list can be shorter than one record.
#[tokio::test]
async fn a_record_is_never_larger_than_an_answer() {
    let desk = Desk::open().await;
    let wide = |from: usize| {
        let fields: Vec<String> =
            (from..from + 3).map(|at| format!(r#""t{at}":"{}""#, "x".repeat(2_000_000))).collect();
        format!("{{{}}}", fields.join(","))
    };
    let small = desk.made("Wide", &desk.ada, "{}").await;
    let id = desk.made("Wide", &desk.ada, &wide(0)).await;
    desk.update("Wide", &desk.ada, id, &wide(3)).await.expect("it fits");
    assert_eq!(told(desk.update("Wide", &desk.ada, id, &wide(6)).await), "too-large");
    assert_eq!(told(desk.minimal("Wide", &desk.ada, id, &wide(6)).await), "too-large", "also without an answer");
    let page = desk.page("Wide", &desk.ada, |_| ()).await.expect("both");
    let ids: Vec<Option<&str>> = [0, 1].map(|at| page["items"][at]["id"].as_str()).into();
    assert_eq!(ids, [Some(&*small.to_string()), Some(&*id.to_string())]);
    let written = desk.minimal("Wide", &desk.ada, id, r#"{"t0":null}"#).await.expect("smaller");
    assert_eq!((written.version, written.tag.is_some()), (Some(3), true));
}

/// A comparison reads the whole of a stored text, which therefore counts towards the cost of a request.
#[tokio::test]
async fn comparisons_of_long_texts_cost_what_the_texts_are_long() {
    let desk = Desk::open().await;
    let long = "x".repeat(1_000_000);
    desk.made("Essay", &desk.ada, &format!(r#"{{"long":"{long}"}}"#)).await;
    let kilo_steps = 1_000_000 / (16 * 1024);
    for filter in [
        "long == 'x'",
        "long != 'x'",
        "long < 'y'",
        "long in ['x', 'y']",
        "long in $texts",
        "long == long",
        "(details == null ? long : 'x') == 'x'",
        "(long == 'x') == true",
        "(long in $texts) == true",
        "others.exists(o, o.long == 'x') || long == 'x'",
    ] {
        let texts = serde_json::from_str::<&serde_json::value::RawValue>(r#"["x","y"]"#).expect("JSON");
        let params = if filter.contains('$') { vec![("texts".to_owned(), Raw::Json(texts))] } else { Vec::new() };
        let list = desk.client().list("Essay", |list| {
            (list.filter, list.params, list.select) = (Some(filter.into()), params, Some("id".into()));
        });
        let explained = desk.client().explain(&desk.ada, list.expect("a request")).await.expect("an explanation");
        let steps: u64 = explained.statements.iter().map(|statement| statement.steps).sum();
        assert!(steps > kilo_steps * 1000, "{filter}: {steps} steps");
    }
}

/// In two applications that differ in a secret alone, the same changes leave the same log, byte for byte.
#[tokio::test]
async fn a_secret_leaves_the_same_log_whatever_it_was() {
    let mut logs = Vec::new();
    for (number, text) in [(5, "plum"), (6, "pear")] {
        let desk = Desk::open().await;
        let body = format!(r#"{{"number":{number},"text":"{text}","document":{{"{text}":{number}}}}}"#);
        let id = desk.made("Safe", &desk.ada, &body).await;
        for body in [r#"{"number":5}"#, r#"{"text":"plum","number":null}"#, r#"{"document":{"plum":5}}"#] {
            desk.update("Safe", &desk.ada, id, body).await.expect("a change");
        }
        logs.push(desk.log().await);
    }
    assert!(logs[0].len() > 4);
    assert_eq!(logs[0], logs[1]);
}

#[tokio::test]
async fn a_secret_document_is_replaced() {
    let desk = Desk::open().await;
    let id = desk.made("Safe", &desk.ada, r#"{"document":{"a":1,"b":2}}"#).await;
    desk.update("Safe", &desk.ada, id, r#"{"document":{"b":3,"c":null}}"#).await.expect("a change");
    let collection = desk.engine().model().collection_named("Safe").expect("it is there");
    let field = collection.field_named("document").expect("it has one").id;
    let stored = desk.engine().peek(collection.id, id).await.expect("it is read").expect("it is there");
    assert_eq!(stored.value(field), &backstay_scalar::Value::Json(r#"{"b":3}"#.into()));
}

/// What a change of a small part costs the log is the document as it is then, once: not what it was.
#[tokio::test]
async fn a_patch_of_a_document_logs_it_once() {
    let desk = Desk::open().await;
    let big = "x".repeat(1_000_000);
    let id = desk.made("Essay", &desk.ada, &format!(r#"{{"long":"l","details":{{"a":0,"big":"{big}"}}}}"#)).await;
    let before = desk.update("Essay", &desk.ada, id, r#"{"long":"m"}"#).await.expect("a change");
    desk.update("Essay", &desk.ada, id, r#"{"details":{"a":1}}"#).await.expect("a change");
    assert_eq!(before.version, Some(2));
    let log = desk.log().await;
    let [.., small, patch] = log.as_slice() else { unreachable!("there are entries") };
    let document = big.len() + r#"{"a":1,"big":""}"#.len();
    assert!(small.len() < 1_000, "{}", small.len());
    assert!((document..document + 1_000).contains(&patch.len()), "{}", patch.len());
}

#[tokio::test]
async fn parts_and_lists_are_compared_in_the_form_in_which_values_are_kept() {
    let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
    let model = r#"
        extend schema @app(name: "Post")
        type Letter @allow(read: "true", create: "true") {
          to: Email @check(rule: "this.to == null || this.to.endsWith('@Example.org')", message: "ours")
          country: Country
          seal: Bytes
          data: JSON
        }
    "#;
    let application = TestApplication::open(vec![SourceFile::app("model/post.graphql", model)], ambient);
    let (client, anyone) = (application.client(), Arc::new(Caller::anonymous()));
    let body =
        r#"{"to":"Ann@Example.ORG","country":"de","seal":"aGVsbG8=","data":{"n":12345678901234567890.50,"a":1e3}}"#;
    let create = client.create("Letter", body).expect("a request");
    let id = client.written(&anyone, create).await.expect("the check holds").ids[0];
    let found = async |filter: &str, params: Vec<(String, Raw<'_>)>| {
        let list = client.list("Letter", |list| (list.filter, list.params) = (Some(filter.into()), params));
        let page = client.page(&anyone, list.expect("a list")).await.expect("a page");
        String::from_utf8_lossy(&page.body).contains(&id.to_string())
    };
    let x =
        |json: &'static str| vec![("x".to_owned(), Raw::Json(serde_json::from_str::<&RawValue>(json).expect("JSON")))];
    assert!(found("to.startsWith('ANN@')", vec![]).await);
    assert!(found("to.contains($x)", x(r#""Example""#)).await);
    assert!(found("country.startsWith('d')", vec![]).await);
    assert!(found("seal in $x", x(r#"["aGVsbG8="]"#)).await);
    assert!(!found("seal in $x", x(r#"["aGVsbG9v"]"#)).await);
    assert!(!found("!(seal in $x)", x(r#"["aGVsbG8="]"#)).await);

    let read = client.get("Letter", id, Some("data")).expect("a request");
    let body = client.found(&anyone, read).await.expect("it is there").body;
    assert_eq!(
        String::from_utf8_lossy(&body),
        r#"{"data":{"n":12345678901234567890.50,"a":1e3}}"#,
        "as it was written"
    );
}

/// The other end of a one-to-one relation isn't stored in the record, so it is read from the database.
#[tokio::test]
async fn what_refers_to_a_record_is_read_for_a_value_that_the_model_gives() {
    const MODEL: &str = r#"
        extend schema @app(name: "Members")
        type Member @allow(read: "true", create: "true", update: "true") {
          name: String
          profile: Profile @inverse(field: "member")
          friend: Member @onDelete(do: SET_NULL)
          has: Boolean @set(on: WRITE, to: "this.profile != null")
          own: Profile @set(on: WRITE, to: "this.profile")
          theirs: Profile @set(on: WRITE, to: "this.friend.profile")
          called: String @set(on: WRITE, to: "this.profile.name")
          alone: Boolean @set(on: UPDATE, to: "true", when: "this.profile == null")
          accompanied: Boolean @set(on: UPDATE, to: "true", when: "this.profile != null || this.friend.profile != null")
          copied: Boolean @default(from: "this.friend.profile != null")
        }
        type Profile @allow(read: "true", create: "true", update: "true") {
          name: String
          member: Member @unique
        }
    "#;
    let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
    let application = TestApplication::open(vec![SourceFile::app("model/members.graphql", MODEL)], ambient);
    let (client, anyone) = (application.client(), Arc::new(Caller::anonymous()));
    let make = async |of: &str, body: &str| {
        client.written(&anyone, client.create(of, body).expect("a request")).await.expect("a record").ids[0]
    };
    let check = async |id, body: &str, expected: serde_json::Value| {
        client.written(&anyone, client.update("Member", id, body).expect("a request")).await.expect("a change");
        let select = Some("has,own,theirs,called,alone,accompanied,copied");
        let found =
            client.found(&anyone, client.get("Member", id, select).expect("a request")).await.expect("a record");
        let found: serde_json::Value = serde_json::from_slice(&found.body).expect("JSON");
        assert_eq!(found, expected, "{body}");
    };
    let ada = make("Member", "{}").await;
    let profile = make("Profile", &format!(r#"{{"name":"Countess","member":"{ada}"}}"#)).await;
    let bob = make("Member", &format!(r#"{{"friend":"{ada}"}}"#)).await;
    let expected = serde_json::json!({
        "has": true, "own": profile.to_string(), "theirs": null, "called": "Countess", "alone": null, "accompanied": true,
        "copied": false,
    });
    check(ada, r#"{"name":"Ada"}"#, expected).await;
    let expected = serde_json::json!({
        "has": false, "own": null, "theirs": profile.to_string(), "called": null, "alone": true, "accompanied": true,
        "copied": true,
    });
    check(bob, r#"{"name":"Bob"}"#, expected).await;
}
