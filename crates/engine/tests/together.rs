//! Several requests together: all of them or none, each after those before it, in one commit.

mod desk;

use backstay_base::{Conflict, Error, limits};
use backstay_engine::{Answer, Refused, Request};
use desk::Desk;
use serde_json::Value as Json;

fn create(desk: &Desk, of: &str, body: &str) -> Request {
    desk.client().create(of, body).expect("a request")
}

fn list(desk: &Desk, of: &str) -> Request {
    desk.client().list(of, |list| list.count = true).expect("a request")
}

fn json(answer: &Answer) -> Json {
    serde_json::from_slice(answer.body().expect("a body")).expect("JSON")
}

/// Which request is refused, and the code of the error.
fn refused(outcome: Result<Vec<Answer>, Refused>) -> (Option<usize>, &'static str) {
    let refused = outcome.expect_err("it is refused");
    (refused.request, refused.error.code())
}

async fn tags(desk: &Desk) -> usize {
    let page = desk.page("Tag", &desk.ada, |_| ()).await.expect("a page");
    page["items"].as_array().expect("items").len()
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
    assert_eq!(json(made).as_array().map(Vec::len), Some(2));
    assert_eq!(json(tags)["count"]["value"], 2);
    assert_eq!(json(changed), serde_json::json!({"title": "New", "version": 2}));
    assert!(gone.body().is_none(), "{gone:?}");
    assert_eq!(json(posts)["count"]["value"], 0);
    let mut moments = Vec::new();
    for tag in json(made).as_array().expect("tags") {
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
    let replayed = |answer: &Answer| matches!(answer, Answer::Written(written) if written.replayed);
    assert!(!replayed(&first[0]) && replayed(&again[0]));
    assert_eq!(first.iter().map(json).collect::<Vec<_>>(), again.iter().map(json).collect::<Vec<_>>());
    assert_eq!(tags(&desk).await, 2);
    let other = client.answer_all(&desk.ada, vec![list(&desk, "Tag")], Some("k")).await;
    assert!(matches!(other, Err(Refused { request: None, error: Error::KeyReused })), "{other:?}");
    let single = desk.create_once("Tag", &desk.ada, r#"{"name":"a"}"#).await;
    assert!(matches!(single, Err(Error::KeyReused)), "the same key of a single request: {single:?}");
    let (one, two) = tokio::join!(
        client.answer_all(&desk.ada, vec![create(&desk, "Tag", r#"{"name":"c"}"#)], Some("l")),
        client.answer_all(&desk.ada, vec![create(&desk, "Tag", r#"{"name":"c"}"#)], Some("l")),
    );
    let in_flight = |outcome: &Result<Vec<Answer>, Refused>| match outcome {
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
            assert_eq!(json(&answers[0])["count"], json(&answers[1])["count"]);
        }
    };
    let writing = async {
        for number in 0..20 {
            desk.made("Tag", &desk.ada, &format!(r#"{{"name":"{number}"}}"#)).await;
        }
    };
    tokio::join!(reading, writing);
}
