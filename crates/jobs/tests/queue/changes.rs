use crate::support::{Shop, anybody};

/// Each change queues the job that the model says, with what has changed, and none if its condition isn't true.
#[tokio::test(flavor = "multi_thread")]
async fn changes_queue_jobs() {
    let shop = Shop::open();
    let id = shop.create(r#"{"title":"One","total":5}"#).await;
    shop.update(id, r#"{"title":"Two"}"#).await;
    shop.update(id, r#"{"total":6,"title":"Three"}"#).await;
    let client = shop.app.client();
    client.answer(&anybody(), client.delete("Order", id)).await.expect("it goes to the trash");
    shop.run().await;
    let note =
        |changed: &str, event: &str| format!(r#"note {{"changed":[{changed}],"event":"{event}","id":"{id}"}} #1"#);
    let expected =
        [note(r#""title","total","state""#, "CREATE"), note(r#""title","total""#, "UPDATE"), note("", "DELETE")];
    assert_eq!(shop.ran(), expected);
}

/// A transition queues its job once.
#[tokio::test(flavor = "multi_thread")]
async fn a_transition_queues_a_job() {
    let shop = Shop::open();
    let id = shop.create(r#"{"title":"One","total":5}"#).await;
    shop.update(id, r#"{"state":"PAID"}"#).await;
    shop.update(id, r#"{"title":"Two"}"#).await;
    shop.run().await;
    let sent: Vec<String> = shop.ran().into_iter().filter(|ran| ran.starts_with("send")).collect();
    assert_eq!(sent, [format!("send {{\"id\":\"{id}\"}} #1")]);
}

/// What is refused queues nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_queues_nothing() {
    let shop = Shop::open();
    let client = shop.app.client();
    let refused = client.answer(&anybody(), client.create("Order", r#"{"title":"One"}"#).expect("a create")).await;
    assert!(refused.is_err());
    assert_eq!(shop.states().await, [""; 0]);
}
