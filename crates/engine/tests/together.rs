//! Several requests together: all of them or none, each after those before it, in one commit.

mod desk;

use backstay_base::{Conflict, Error, limits};
use backstay_engine::{Answer, Counting, Refused, Request};
use desk::Desk;
use serde_json::Value as Json;

fn create(desk: &Desk, of: &str, body: &str) -> Request {
    desk.client().create(of, body).expect("a request")
}

fn list(desk: &Desk, of: &str) -> Request {
    desk.client().list(of, |list| list.count = Counting::Capped).expect("a request")
}

fn body(answer: Option<&Answer>) -> Option<Json> {
    Some(serde_json::from_slice(answer?.body()?).expect("JSON"))
}

fn json(answer: Option<&Answer>) -> Json {
    body(answer).expect("a body")
}

/// Which request is refused, and the code of the error.
fn refused(outcome: Result<Vec<Option<Answer>>, Refused>) -> (Option<usize>, &'static str) {
    let refused = outcome.expect_err("it is refused");
    (refused.request, refused.error.code())
}

async fn tags(desk: &Desk) -> usize {
    let page = desk.page("Tag", &desk.ada, |_| ()).await.expect("a page");
    page["items"].as_array().expect("items").len()
}

/// Two lists that are larger than an answer together, and a record after them.
#[tokio::test]
async fn lists_share_the_size_of_an_answer() {
    let desk = Desk::open().await;
    let long = "x".repeat(2_500_000);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(desk.made("Essay", &desk.ada, &format!(r#"{{"long":"{long}"}}"#)).await.to_string());
    }
    let client = desk.client();
    let essays = || client.list("Essay", |list| list.count = Counting::Capped).expect("a request");
    let first = client.get("Essay", ids[0].parse().expect("an id"), Some("id")).expect("a request");
    let answers = client.answer_all(&desk.ada, vec![essays(), first, essays()], None).await.expect("what fits");
    let pages = [json(answers[0].as_ref()), json(answers[2].as_ref())];
    assert_eq!(json(answers[1].as_ref()), serde_json::json!({ "id": ids[0] }));
    for page in &pages {
        let items = page["items"].as_array().expect("items").iter().map(|item| item["id"].clone());
        assert_eq!(items.collect::<Vec<_>>(), ids[..3]);
        assert_eq!(page["count"]["value"], 5);
    }
    let sizes = answers.iter().flatten().map(|answer| answer.body().map_or(0, bytes::Bytes::len));
    assert!(sizes.sum::<usize>() <= limits::ANSWER_BYTES);
    let next = pages[0]["next"].as_str().expect("another page").to_owned();
    let rest = desk.page("Essay", &desk.ada, |list| list.after = Some(next.into())).await.expect("the rest");
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(2));
    let alone = client.answer_all(&desk.ada, vec![essays()], None).await.expect("all of them fit");
    assert_eq!(json(alone[0].as_ref())["items"].as_array().map(Vec::len), Some(5));
}

/// What an earlier request leaves is enough for a record that is larger than a list's share.
#[tokio::test]
async fn a_list_gives_one_record_if_there_is_any_room_for_it() {
    let desk = Desk::open().await;
    let long = "x".repeat(6_000_000);
    for _ in 0..2 {
        desk.made("Essay", &desk.ada, &format!(r#"{{"long":"{long}"}}"#)).await;
    }
    let lists = || (0..3).map(|_| list(&desk, "Essay")).collect();
    let refused = refused(desk.client().answer_all(&desk.ada, lists(), None).await);
    assert_eq!(refused, (Some(2), "too-large"));
    let lists = vec![list(&desk, "Essay"), list(&desk, "Essay"), list(&desk, "Tag")];
    let answers = desk.client().answer_all(&desk.ada, lists, None).await.expect("one of each");
    for answer in &answers[..2] {
        assert_eq!(json(answer.as_ref())["items"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn each_request_sees_what_those_before_it_did() {
    let desk = Desk::open().await;
    let client = desk.client();
    let post = desk.post("").await;
    let requests = vec![
        create(&desk, "Tag", r#"[{"name":"a"},{"name":"b"}]"#),
        list(&desk, "Tag"),
        client.update("Post", post, r#"{"title":"New"}"#).expect("a request"),
        client.get("Post", post, Some("title,version")).expect("a request"),
        client.delete("Post", post),
        list(&desk, "Post"),
    ];
    let answers = client.answer_all(&desk.editor, requests, None).await.expect("all are answered");
    let [made, tags, _, changed, gone, posts] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(json(made.as_ref()).as_array().map(Vec::len), Some(2));
    assert_eq!(json(tags.as_ref())["count"]["value"], 2);
    assert_eq!(json(changed.as_ref()), serde_json::json!({"title": "New", "version": 2}));
    assert!(body(gone.as_ref()).is_none(), "{gone:?}");
    assert_eq!(json(posts.as_ref())["count"]["value"], 0);
    let mut moments = Vec::new();
    for tag in json(made.as_ref()).as_array().expect("tags") {
        moments.push(tag["createdAt"].clone());
    }
    assert_eq!(moments[0], moments[1], "one commit has one moment");
}

#[tokio::test]
async fn what_one_is_refused_for_none_does() {
    let desk = Desk::open().await;
    let (client, nowhere) = (desk.client(), desk.engine().next_id());
    let post = desk.post("").await;
    let check = async |requests: Vec<Request>, expected: (usize, &'static str)| {
        let outcome = client.answer_all(&desk.ada, requests, None).await;
        assert_eq!(refused(outcome), (Some(expected.0), expected.1));
        assert_eq!(tags(&desk).await, 0, "nothing is left");
    };
    let tag = |name: &str| create(&desk, "Tag", &format!(r#"{{"name":"{name}"}}"#));
    check(vec![tag("a"), client.get("Post", nowhere, None).expect("a request")], (1, "not-found")).await;
    check(vec![tag("a"), tag("b"), tag("a")], (2, "not-unique")).await;
    check(vec![tag("a"), create(&desk, "Tag", "{}"), tag("b")], (1, "invalid-values")).await;
    check(vec![tag("a"), create(&desk, "Complaint", &format!(r#"{{"about":"{nowhere}"}}"#))], (1, "invalid-values"))
        .await;
    check(vec![tag("a"), client.delete("Section", desk.section)], (1, "forbidden")).await;
    let title = client.update("Post", post, r#"{"title":"A title that is longer than that"}"#).expect("a request");
    check(vec![tag("a"), title], (1, "invalid-values")).await;
    let salaries = client.list("User", |list| list.sort = Some("salary".into())).expect("a request");
    check(vec![tag("a"), salaries], (1, "malformed-request")).await;
}

#[tokio::test]
async fn there_are_some_requests_and_not_too_many() {
    let desk = Desk::open().await;
    let client = desk.client();
    assert_eq!(refused(client.answer_all(&desk.ada, vec![], None).await), (None, "malformed-request"));
    let many = vec![list(&desk, "Tag"); limits::TRANSACTION_REQUESTS + 1];
    assert_eq!(refused(client.answer_all(&desk.ada, many, None).await), (None, "malformed-request"));
    let most = vec![list(&desk, "Tag"); limits::TRANSACTION_REQUESTS];
    assert_eq!(client.answer_all(&desk.ada, most, None).await.expect("answered").len(), limits::TRANSACTION_REQUESTS);
}

#[tokio::test]
async fn a_key_answers_all_of_them_once() {
    let desk = Desk::open().await;
    let client = desk.client();
    let requests = || vec![create(&desk, "Tag", r#"{"name":"a"}"#), list(&desk, "Tag")];
    let first = client.answer_all(&desk.ada, requests(), Some("k")).await.expect("answered");
    desk.made("Tag", &desk.ada, r#"{"name":"b"}"#).await;
    let again = client.answer_all(&desk.ada, requests(), Some("k")).await.expect("answered");
    let replayed = |answer: &Option<Answer>| matches!(answer, Some(Answer::Written(written)) if written.replayed);
    assert!(!replayed(&first[0]) && replayed(&again[0]));
    assert_eq!(json(first[0].as_ref()), json(again[0].as_ref()));
    assert!(first[1].is_some() && again[1].is_none(), "what was read is not kept");
    assert_eq!(tags(&desk).await, 2);
    let other = client.answer_all(&desk.ada, vec![create(&desk, "Tag", r#"{"name":"c"}"#)], Some("k")).await;
    assert!(matches!(other, Err(Refused { request: None, incomplete: false, error: Error::KeyReused })), "{other:?}");
    let single = desk.create_once("Tag", &desk.ada, r#"{"name":"a"}"#).await;
    assert!(matches!(single, Err(Error::KeyReused)), "the same key of a single request: {single:?}");
    let reads = client.answer_all(&desk.ada, vec![list(&desk, "Tag")], Some("r")).await;
    assert_eq!(refused(reads), (None, "malformed-request"), "a key is for what changes something");
    let (one, two) = tokio::join!(
        client.answer_all(&desk.ada, vec![create(&desk, "Tag", r#"{"name":"c"}"#)], Some("l")),
        client.answer_all(&desk.ada, vec![create(&desk, "Tag", r#"{"name":"c"}"#)], Some("l")),
    );
    let in_flight = |outcome: &Result<Vec<Option<Answer>>, Refused>| match outcome {
        Ok(_) => false,
        Err(refused) => matches!(refused.error, Error::Conflict(Conflict::InFlight)),
    };
    assert!(one.is_ok() || in_flight(&one), "{one:?}");
    assert!(two.is_ok() || in_flight(&two), "{two:?}");
    assert_eq!(tags(&desk).await, 3);
}

#[tokio::test]
async fn reads_together_see_one_moment() {
    let desk = Desk::open().await;
    let client = desk.client();
    let reading = async {
        for _ in 0..20 {
            let lists = vec![list(&desk, "Tag"), list(&desk, "Tag")];
            let answers = client.answer_all(&desk.ada, lists, None).await.expect("answered");
            assert_eq!(json(answers[0].as_ref())["count"], json(answers[1].as_ref())["count"]);
        }
    };
    let writing = async {
        for number in 0..20 {
            desk.made("Tag", &desk.ada, &format!(r#"{{"name":"{number}"}}"#)).await;
        }
    };
    tokio::join!(reading, writing);
}

#[tokio::test]
async fn what_is_answered_again_is_what_its_caller_may_still_read() {
    let desk = Desk::open().await;
    let client = desk.client();
    let sent = format!(r#"{{"title":"Budget","section":"{}"}}"#, desk.section);
    let made = client.create_once("Post", &sent, "one").expect("a request");
    let first = client.written(&desk.ada, made.clone()).await.expect("made");
    let post = first.ids[0];
    let requests = || vec![client.update("Post", post, r#"{"words":1}"#).expect("a request")];
    client.answer_all(&desk.ada, requests(), Some("two")).await.expect("answered");
    let again = async || {
        let one = client.written(&desk.ada, made.clone()).await.expect("answered again");
        let two = client.answer_all(&desk.ada, requests(), Some("two")).await.expect("answered again");
        (one.body.is_some(), one.ids[0] == post, body(two[0].as_ref()).is_some())
    };
    assert_eq!(again().await, (true, true, true), "as long as she may read it");
    desk.delete("Post", &desk.editor, post).await.expect("an editor deletes it");
    assert_eq!(again().await, (false, true, false), "a deleted record is not shown again");
}
