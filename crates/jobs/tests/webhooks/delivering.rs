use backstay_jobs::{Courier, Dispatching};
use serde_json::json;

use crate::receiver::{Behaviour, Receiver};
use crate::support::News;

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_told_of_each_change() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.create("Post", r#"{"title": "before", "published": true}"#).await;
    news.add(&receiver, "EDITOR", &[]).await;
    let id = news.create("Post", r#"{"title": "a", "published": true, "notes": "x"}"#).await;
    news.run().await;
    let [received] = &*receiver.take() else { panic!("one message") };
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(received.headers["webhook-timestamp"], "1769860800");
    let commit = &received.headers["backstay-commit"];
    assert!(
        news.engine().reach(commit).await.expect("an answer").is_some(),
        "{commit}: a read that shows it finds the change"
    );
    assert!(received.id().starts_with("msg_") && received.id().len() == 28, "{}", received.id());
    let json = received.json();
    assert_eq!((&json["type"], &json["data"]["id"]), (&json!("post.created"), &json!(id.to_string())));
    assert_eq!((&json["data"]["notes"], &json["data"]["version"]), (&json!("x"), &json!(1)));
    assert_eq!(json["timestamp"], json["data"]["createdAt"]);

    news.update("Post", id, r#"{"title": "b"}"#).await;
    news.delete("Post", id).await;
    news.run().await;
    let deleted = receiver.take();
    // The update is no longer to be seen: the record was in the trash when it was to be told.
    assert_eq!(deleted.iter().map(|one| one.json()["type"].clone()).collect::<Vec<_>>(), ["post.deleted"]);
    assert_eq!(deleted[0].json()["data"], json!({"id": id.to_string()}));
    news.restore("Post", id).await;
    news.run().await;
    assert_eq!(receiver.told(), ["post.restored b"]);
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_changes_and_keys_can_be_numbers() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    let tag = news.create("Tag", r#"{"title": "t"}"#).await;
    let post = news.create("Post", r#"{"title": "a", "published": true}"#).await;
    news.run().await;
    let mut told = receiver.told();
    told.sort();
    assert_eq!(told, ["post.created a", "tag.created t"]);
    news.update("Post", post, &format!(r#"{{"tags": {{"$add": [{tag}]}}}}"#)).await;
    news.run().await;
    assert_eq!(receiver.told(), ["post.updated a"]);
    news.delete("Tag", tag).await;
    news.run().await;
    let told = receiver.take();
    let deleted = told.iter().find(|one| one.json()["type"] == "tag.deleted").expect("the tag is deleted");
    assert_eq!(deleted.json()["data"], json!({"id": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_types_that_were_asked_for_are_told_of() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &["tags", "Draft"]).await;
    news.create("Post", r#"{"title": "a", "published": true}"#).await;
    news.create("Draft", r#"{"title": "d"}"#).await;
    news.create("Tag", r#"{"title": "t"}"#).await;
    news.run().await;
    let mut told = receiver.told();
    told.sort();
    assert_eq!(told, ["draft.created d", "tag.created t"]);
}

/// The public library for Rust verifies what was sent, also with the secret before while both are used.
#[tokio::test(flavor = "multi_thread")]
async fn a_public_library_verifies_messages() {
    let (news, receiver) = (News::of_now(), Receiver::start().await);
    let first = news.add(&receiver, "EDITOR", &[]).await;
    news.create("Draft", r#"{"title": "ä"}"#).await;
    news.run().await;
    let [received] = &*receiver.take() else { panic!("one message") };
    assert!(received.verifies(&first));
    assert!(!received.verifies("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));

    let second = news.webhooks.rotate("partner", std::time::Duration::from_hours(1)).await.expect("it is rotated");
    news.create("Draft", r#"{"title": "b"}"#).await;
    news.run().await;
    let [received] = &*receiver.take() else { panic!("one message") };
    assert!(received.verifies(&first) && received.verifies(second.expose()));

    let third = news.webhooks.rotate("partner", std::time::Duration::ZERO).await.expect("it is rotated");
    news.create("Draft", r#"{"title": "c"}"#).await;
    news.run().await;
    let [received] = &*receiver.take() else { panic!("one message") };
    assert!(received.verifies(third.expose()) && !received.verifies(second.expose()) && !received.verifies(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_about_a_record_come_one_after_the_other() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    receiver.behave(Behaviour::Answers(500));
    let a = news.create("Draft", r#"{"title": "a"}"#).await;
    news.run().await;
    news.update("Draft", a, r#"{"title": "a2"}"#).await;
    news.update("Draft", a, r#"{"title": "a3"}"#).await;
    news.create("Draft", r#"{"title": "b"}"#).await;
    news.run().await;
    // What is behind the failed message waits, and other records don't.
    assert_eq!(receiver.told(), ["draft.created a", "draft.created b"]);
    receiver.behave(Behaviour::Answers(200));
    news.clock.advance("6s");
    news.run().await;
    let mut told = receiver.told();
    let b = told.iter().position(|one| one == "draft.created b").expect("b is told");
    told.remove(b);
    assert_eq!(told, ["draft.created a3", "draft.updated a3", "draft.updated a3"]);
}

/// What was sent but not kept as sent is sent again with the same id: as if the process had died in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_process_died_is_sent_again_under_its_id() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    receiver.behave(Behaviour::Hangs);
    news.create("Draft", r#"{"title": "a"}"#).await;
    while news.webhooks.dispatch(&mut Dispatching::default()).await.expect("the log is read") {}
    news.clock.advance("1ms");
    let mut courier = Courier::default();
    courier.send_due(&news.webhooks).await.expect("it is claimed");
    let first = loop {
        if let [received] = &*receiver.take() {
            break received.id().to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    drop(courier);
    receiver.behave(Behaviour::Answers(200));
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new(), "it is still claimed");
    news.clock.advance("31s");
    news.run().await;
    let [second] = &*receiver.take() else { panic!("one message") };
    assert_eq!(second.id(), first);
    news.clock.advance("31s");
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_at_it_deliver_each_message_once() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    for number in 0..40 {
        news.create("Draft", &format!(r#"{{"title": "{number:02}"}}"#)).await;
    }
    let mut dispatching = [Dispatching::default(), Dispatching::default()];
    let [one, other] = &mut dispatching;
    let (first, second) = tokio::join!(news.webhooks.dispatch(one), news.webhooks.dispatch(other));
    first.expect("the log is read");
    second.expect("the log is read");
    tokio::join!(news.send(&news.webhooks), news.send(&news.webhooks), news.send(&news.webhooks));
    news.clock.advance("3s");
    news.run().await;
    let mut told = receiver.told();
    told.sort();
    let expected: Vec<String> = (0..40).map(|number| format!("draft.created {number:02}")).collect();
    assert_eq!(told, expected);
}

/// Messages about the same records are queued, sent and given up at the same time, by several: none is left behind.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_behind() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    let mut drafts = Vec::new();
    for number in 0..3 {
        drafts.push(news.create("Draft", &format!(r#"{{"title": "{number}"}}"#)).await);
    }
    let write = async {
        let mut dispatching = Dispatching::default();
        for round in 0..15 {
            receiver.behave(Behaviour::Answers(if round % 4 == 0 { 500 } else { 200 }));
            for draft in &drafts {
                news.update("Draft", *draft, &format!(r#"{{"title": "{round}"}}"#)).await;
            }
            news.webhooks.dispatch(&mut dispatching).await.expect("the log is read");
        }
    };
    let send = async || {
        for _ in 0..15 {
            news.send(&news.webhooks).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::join!(write, send(), send());
    receiver.behave(Behaviour::Answers(200));
    news.clock.advance("1h");
    for _ in 0..3 {
        news.run().await;
        news.clock.advance("1h");
    }
    let report = news.webhooks.show("partner").await.expect("it is shown");
    assert_eq!((report.info.waiting, report.info.dead), (0, 0));
}
