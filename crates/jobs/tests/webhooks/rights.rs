use serde_json::json;

use crate::receiver::Receiver;
use crate::support::News;

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_gets_what_its_caller_sees() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "READER", &[]).await;
    let post = news.create("Post", r#"{"title": "secret", "published": false, "notes": "n"}"#).await;
    news.create("Draft", r#"{"title": "d"}"#).await;
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new(), "nothing that it may not see is told");

    news.update("Post", post, r#"{"published": true}"#).await;
    news.run().await;
    let [received] = &*receiver.take() else { panic!("one message") };
    assert_eq!(received.told(), "post.updated secret");
    assert_eq!(received.json()["data"].get("notes"), None, "nor a field that it may not see");

    news.update("Post", post, r#"{"published": false}"#).await;
    news.delete("Post", post).await;
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new());
}

/// Rights are those at the delivery, not those at the commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_before_the_delivery_is_not_sent() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "READER", &[]).await;
    let post = news.create("Post", r#"{"title": "open", "published": true}"#).await;
    news.update("Post", post, r#"{"published": false}"#).await;
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_told_to_those_who_saw_every_record_of_the_type() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "READER", &[]).await;
    let tag = news.create("Tag", r#"{"title": "t"}"#).await;
    let letter = news.create("Letter", r#"{"title": "open"}"#).await;
    news.run().await;
    assert_eq!(receiver.take().len(), 2);
    news.delete("Tag", tag).await;
    news.delete("Letter", letter).await;
    news.run().await;
    let [received] = &*receiver.take() else { panic!("one message") };
    assert_eq!((&received.json()["type"], &received.json()["data"]), (&json!("tag.deleted"), &json!({"id": 1})));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_whose_key_is_revoked_is_disabled() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "READER", &[]).await;
    news.revoked.lock().push("READER".to_owned());
    news.create("Tag", r#"{"title": "t"}"#).await;
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new());
    let report = news.webhooks.show("partner").await.expect("it is shown");
    let (_, reason) = report.info.disabled.expect("it is disabled");
    assert_eq!(reason, "whose rights decide what is sent can't call: the key is revoked and cannot call");
    assert_eq!(report.letters.len(), 1);
}
