//! What create, update and delete allow, refuse and change.

mod desk;

use backstay_engine::IfMatch;
use desk::{Desk, told};

#[tokio::test]
async fn a_create_answers_the_record_as_a_get_does() {
    let desk = Desk::open().await;
    let body = format!(
        r#"{{"title":"Budget","section":"{}","words":9007199254740993,"score":0.5,"fee":{{"amount":12.5,"currency":"EUR"}},
            "data":{{"a":[1,2]}},"runsOn":"2026-02-01","labels":["x","y"]}}"#,
        desk.section
    );
    let written = desk.create("Post", &desk.ada, &body).await.expect("a member creates");
    let answered: serde_json::Value =
        serde_json::from_slice(&written.body.clone().expect("the author may read it")).expect("JSON");
    assert_eq!(answered, desk.get("Post", &desk.ada, written.ids[0]).await.expect("the author reads it"));
    assert_eq!(answered["words"].as_i64(), Some(9_007_199_254_740_993));
    assert_eq!(answered["fee"]["amount"], "12.50");
    assert_eq!(answered["state"], "DRAFT");
    assert_eq!(answered["body"], "…");
    assert_eq!(answered["version"], 1);
    assert_eq!(answered["labels"], serde_json::json!(["x", "y"]));
    assert_eq!(answered["author"], desk.ada.id.expect("an id").to_string());
    let found = desk.found("Post", &desk.ada, written.ids[0], None).await.expect("it is there");
    assert_eq!(Some(found.tag), written.tag, "the tag of the answer is that of a get");
}

#[tokio::test]
async fn a_create_asks_the_rule_of_the_proposed_record() {
    let desk = Desk::open().await;
    let body = format!(r#"{{"title":"Budget","section":"{}"}}"#, desk.section);
    assert_eq!(told(desk.create("Post", &desk.ada, &body).await), "ok");
    assert_eq!(told(desk.create("Post", &desk.eve, &body).await), "forbidden: create");
    let nobody = backstay_base::Caller::anonymous().into();
    assert_eq!(told(desk.create("Post", &nobody, &body).await), "sign-in-required");
    assert_eq!(told(desk.create("User", &nobody, "{}").await), "sign-in-required");
    assert_eq!(told(desk.create("User", &desk.ada, "{}").await), "forbidden: create");
}

#[tokio::test]
async fn values_that_break_the_model_are_refused_all_at_once() {
    let desk = Desk::open().await;
    let check = async |body: &str, expected: &str| {
        let body = body.replace("SECTION", &desk.section.to_string());
        assert_eq!(told(desk.create("Post", &desk.ada, &body).await), expected, "{body}");
    };
    check("{}", "invalid-values: /title Required and 1 more").await;
    check(r#"{"titel":"x"}"#, "invalid-values: /titel Unknown").await;
    check(r#"{"title":"x","title":"y","section":"SECTION"}"#, "invalid-values: /title Duplicate").await;
    check(r#"{"title":"this is much too long","section":"SECTION"}"#, "invalid-values: /title Check").await;
    check(r#"{"title":"x","section":"SECTION","author":"SECTION"}"#, "invalid-values: /author ReadOnly").await;
    check(
        r#"{"title":"x","section":"SECTION","publishedAt":"2026-01-31T12:00:00Z"}"#,
        "invalid-values: /publishedAt ReadOnly",
    )
    .await;
    check(r#"{"title":"x","section":"SECTION","id":"SECTION","version":7}"#, "invalid-values: /id ReadOnly and 1 more")
        .await;
    check(r#"{"title":"x","section":"SECTION","state":"PUBLISHED"}"#, "invalid-values: /state InitialState").await;
    check(r#"{"title":"x","section":"SECTION","state":"published"}"#, "invalid-values: /state Type").await;
    check(r#"{"title":"x","section":"SECTION","words":1.5}"#, "invalid-values: /words Type").await;
    check("[1]", "invalid-values: /0 Type").await;
    check("7", "malformed-request: Type").await;
    check(r#"{"title":"#, "malformed-request: Syntax").await;
    check(r#"{"title":"x","section":"SECTION","comments":["SECTION"]}"#, "invalid-values: /comments/0 Type").await;
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_named() {
    let desk = Desk::open().await;
    let nowhere = desk.engine().next_id();
    let tag = format!(r#"{{"title":"x","section":"{}","tags":["{nowhere}"]}}"#, desk.section);
    assert_eq!(told(desk.create("Post", &desk.ada, &tag).await), "invalid-values: /tags/0 Reference");
    let body = format!(r#"{{"post":"{nowhere}","text":"x"}}"#);
    let comment = desk.create("Comment", &desk.ada, &body).await;
    assert_eq!(told(comment), "invalid-values: /post Reference");
    let person = desk.ada.id.expect("an id");
    let other = format!(r#"{{"post":"{person}","text":"x"}}"#);
    let comment = desk.create("Comment", &desk.ada, &other).await;
    assert_eq!(told(comment), "invalid-values: /post Reference", "an id of another type");
}

#[tokio::test]
async fn several_records_are_made_together_or_not_at_all() {
    let desk = Desk::open().await;
    let written = desk.create("Tag", &desk.ada, r#"[{"name":"a"},{"name":"b"}]"#).await.expect("both are made");
    assert_eq!(written.ids.len(), 2);
    let refused = desk.create("Tag", &desk.ada, r#"[{"name":"c"},{"name":"a"}]"#).await;
    assert_eq!(told(refused), "not-unique: Unique");
    let refused = desk.create("Tag", &desk.ada, r#"[{"name":"c"},{"nam":"d"}]"#).await;
    assert_eq!(told(refused), "invalid-values: /1/nam Unknown");
    let names = desk.column("Tag", &desk.ada, "name", |list| list.sort = Some("name".into())).await;
    assert_eq!(names.expect("a list"), "a b");
}

#[tokio::test]
async fn an_update_rule_holds_before_and_after() {
    let desk = Desk::open().await;
    let id = desk.post("").await;
    assert_eq!(told(desk.update("Post", &desk.ada, id, r#"{"title":"New"}"#).await), "ok");
    assert_eq!(
        told(desk.update("Post", &desk.bob, id, r#"{"title":"Mine"}"#).await),
        "not-found",
        "Bob may not read a draft of Ada's"
    );
    let author = format!(r#"{{"author":"{}"}}"#, desk.bob.id.expect("an id"));
    assert_eq!(
        told(desk.update("Post", &desk.ada, id, &author).await),
        "invalid-values: /author ReadOnly",
        "an author who reassigns the author"
    );
    let id = desk.published("").await;
    assert_eq!(told(desk.update("Post", &desk.bob, id, r#"{"title":"x"}"#).await), "forbidden: update");
}

#[tokio::test]
async fn states_change_only_along_their_transitions() {
    let desk = Desk::open().await;
    let id = desk.post("").await;
    let check = async |caller, state: &str, expected: &str| {
        let body = format!(r#"{{"state":"{state}"}}"#);
        assert_eq!(told(desk.update("Post", caller, id, &body).await), expected, "{state}");
    };
    check(&desk.ada, "PUBLISHED", "invalid-values: /state Transition").await;
    check(&desk.ada, "REVIEW", "ok").await;
    check(&desk.ada, "PUBLISHED", "transition-refused").await;
    check(&desk.editor, "PUBLISHED", "ok").await;
    check(&desk.editor, "PUBLISHED", "ok").await;
    check(&desk.editor, "DRAFT", "invalid-values: /state Transition").await;
    let post = desk.get("Post", &desk.ada, id).await.expect("published");
    assert_eq!(post["publishedAt"], post["updatedAt"], "the moment of the write");
    assert_eq!(post["version"], 3, "an update that changes nothing keeps the version");
}

#[tokio::test]
async fn null_removes_and_immutable_stays() {
    let desk = Desk::open().await;
    let id = desk.post(r#","slug":"budget","words":7"#).await;
    let words = desk.update("Post", &desk.ada, id, r#"{"words":null}"#).await;
    assert_eq!(told(words), "ok");
    assert_eq!(desk.get("Post", &desk.ada, id).await.expect("there")["words"], serde_json::Value::Null);
    let title = desk.update("Post", &desk.ada, id, r#"{"title":null}"#).await;
    assert_eq!(told(title), "invalid-values: /title Required");
    let slug = desk.update("Post", &desk.ada, id, r#"{"slug":"other"}"#).await;
    assert_eq!(told(slug), "invalid-values: /slug ReadOnly");
    let same = desk.update("Post", &desk.ada, id, r#"{"slug":"budget"}"#).await;
    assert_eq!(told(same), "ok");
}

#[tokio::test]
async fn of_concurrent_updates_of_one_version_one_wins() {
    let desk = Desk::open().await;
    let id = desk.post("").await;
    let update = |title: &str| {
        let body = format!(r#"{{"title":"{title}"}}"#);
        let desk = &desk;
        async move { desk.update_if("Post", &desk.ada, id, &body, Some(IfMatch::Versions(vec![1]))).await }
    };
    let (one, two) = tokio::join!(update("one"), update("two"));
    let answers = [told(one), told(two)];
    assert!(answers.contains(&"ok".to_owned()), "{answers:?}");
    let lost = "version-mismatch".to_owned();
    assert!(answers.contains(&lost), "{answers:?}");
}

#[tokio::test]
async fn a_key_answers_once_and_belongs_to_its_caller() {
    let desk = Desk::open().await;
    let body = r#"{"name":"first"}"#;
    let first = desk.create_once("Tag", &desk.ada, body).await.expect("made");
    let again = desk.create_once("Tag", &desk.ada, body).await.expect("replayed");
    assert!(again.replayed && !first.replayed);
    assert_eq!((first.ids, first.body, first.tag), (again.ids, again.body, again.tag));
    let other = desk.create_once("Tag", &desk.ada, r#"{"name":"second"}"#).await;
    assert_eq!(told(other), "idempotency-key-reused");
    let bobs = desk.create_once("Tag", &desk.bob, r#"{"name":"bobs"}"#).await.expect("another caller's key");
    assert!(!bobs.replayed);
}

#[tokio::test]
async fn the_same_key_in_parallel_is_done_once() {
    let desk = Desk::open().await;
    let once = || desk.create_once("Tag", &desk.ada, r#"{"name":"one"}"#);
    let (one, two, three) = tokio::join!(once(), once(), once());
    for answer in [one, two, three] {
        let told = told(answer);
        let expected = ["ok", "request-in-flight: InFlight"];
        assert!(expected.contains(&told.as_str()), "{told}");
    }
    let names = desk.column("Tag", &desk.ada, "name", |_| ()).await.expect("a list");
    assert_eq!(names, "one");
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let desk = Desk::open().await;
    let refused = desk.create_once("Tag", &desk.ada, "{}").await;
    assert_eq!(told(refused), "invalid-values: /name Required");
    let mended = desk.create_once("Tag", &desk.ada, r#"{"name":"x"}"#).await;
    assert_eq!(told(mended), "ok");
}

#[tokio::test]
async fn deleting_does_what_each_relation_says() {
    let desk = Desk::open().await;
    let tag = desk.made("Tag", &desk.ada, r#"{"name":"t"}"#).await;
    let post = desk.published(&format!(r#","tags":["{tag}"]"#)).await;
    desk.made("Comment", &desk.bob, &format!(r#"{{"post":"{post}","text":"hm"}}"#)).await;
    let part = format!(r#"{{"name":"Part","parent":"{}"}}"#, desk.section);
    let part = desk.made("Section", &desk.editor, &part).await;

    let restricted = desk.delete("Section", &desk.editor, desk.section).await;
    assert_eq!(told(restricted), "still-referenced: Referenced");
    assert_eq!(told(desk.delete("Post", &desk.ada, post).await), "forbidden: delete");
    assert_eq!(told(desk.delete("Post", &desk.editor, post).await), "ok");
    assert_eq!(told(desk.get("Post", &desk.editor, post).await), "not-found");
    let comments = desk.page("Comment", &desk.editor, |_| ()).await.expect("a list");
    assert_eq!(comments["items"].as_array().map(Vec::len), Some(0), "comments go with their post");
    assert_eq!(told(desk.get("Tag", &desk.ada, tag).await), "ok", "a tag stays");
    assert_eq!(told(desk.delete("Section", &desk.editor, desk.section).await), "ok");
    let part = desk.get("Section", &desk.editor, part).await.expect("the part stays");
    assert_eq!(part["parent"], serde_json::Value::Null);
}

#[tokio::test]
async fn links_are_replaced_as_a_set() {
    let desk = Desk::open().await;
    let mut tags = Vec::new();
    for name in ["a", "b", "c"] {
        tags.push(desk.made("Tag", &desk.ada, &format!(r#"{{"name":"{name}"}}"#)).await);
    }
    let post = desk.post(&format!(r#","tags":["{}","{}"]"#, tags[0], tags[1])).await;
    let names = async || {
        let post = desk.select("Post", &desk.ada, post, Some("tags{name},version")).await.expect("there");
        post.to_string()
    };
    assert_eq!(names().await, r#"{"tags":[{"name":"a"},{"name":"b"}],"version":1}"#);
    let body = format!(r#"{{"tags":["{}","{}","{}"]}}"#, tags[2], tags[1], tags[2]);
    assert_eq!(told(desk.update("Post", &desk.ada, post, &body).await), "ok");
    assert_eq!(names().await, r#"{"tags":[{"name":"b"},{"name":"c"}],"version":2}"#);
    let inverse = format!(r#"{{"name":"d","posts":["{post}"]}}"#);
    assert_eq!(told(desk.create("Tag", &desk.ada, &inverse).await), "invalid-values: /posts ReadOnly");
}

#[tokio::test]
async fn an_operation_sees_what_it_has_written() {
    let desk = Desk::open().await;
    let post = desk.published("").await;
    let comment = desk.create("Comment", &desk.bob, &format!(r#"{{"post":"{post}","text":"hm"}}"#)).await;
    let comment = comment.expect("whoever has signed in comments");
    assert!(comment.body.is_some(), "the read rule follows a relation, and allows");
    let found = desk.found("Comment", &desk.bob, comment.ids[0], None).await.expect("it is there");
    assert_eq!((Some(found.body), Some(found.tag)), (comment.body, comment.tag));
    let hidden = desk.create("Comment", &desk.bob, &format!(r#"{{"post":"{post}","text":"hm","hidden":true}}"#)).await;
    let unseen = hidden;
    assert_eq!(unseen.expect("it is made").body, None, "who may create may not read for that");
}

#[tokio::test]
async fn nobody_refers_to_what_they_cannot_see() {
    let desk = Desk::open().await;
    let draft = desk.post("").await;
    let body = format!(r#"{{"post":"{draft}","text":"hm"}}"#);
    let refused = "invalid-values: /post Reference";
    assert_eq!(told(desk.create("Comment", &desk.eve, &body).await), refused, "as if it were not there");
    assert_eq!(told(desk.create("Comment", &desk.ada, &body).await), "ok", "its author sees it");
}

#[tokio::test]
async fn what_is_wrong_is_told_up_to_a_limit() {
    let desk = Desk::open().await;
    let members: Vec<String> = (0..10_000).map(|index| format!(r#""f{index}":1"#)).collect();
    let refused = desk.create("Tag", &desk.ada, &format!("{{{}}}", members.join(","))).await;
    assert_eq!(told(refused), "invalid-values: /f0 Unknown and 49 more");
}
