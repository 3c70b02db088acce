use std::net::TcpListener;

use backstay_base::Timestamp;
use backstay_engine::LogHorizon;

use crate::receiver::{Behaviour, Receiver};
use crate::support::News;

/// The pauses between attempts, each with what may be added to it.
const PAUSES: [&str; 9] = ["6s", "6m", "36m", "144m", "6h", "12h", "1008m", "24h", "1728m"];

async fn letters(news: &News) -> Vec<(u32, String)> {
    let report = news.webhooks.show("partner").await.expect("it is shown");
    report.letters.into_iter().map(|letter| (letter.attempts, letter.error)).collect()
}

async fn reason(news: &News) -> Option<String> {
    let report = news.webhooks.show("partner").await.expect("it is shown");
    report.info.disabled.map(|(_, reason)| reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_tried_ten_times_and_then_given_up() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    receiver.behave(Behaviour::Answers(500));
    let draft = news.create("Draft", r#"{"title": "a"}"#).await;
    news.run().await;
    let first = receiver.take().remove(0);
    for pause in PAUSES {
        assert_eq!(letters(&news).await, []);
        news.clock.advance(pause);
        // Another record is well in between, so that the endpoint isn't disabled.
        receiver.behave(Behaviour::Answers(200));
        news.webhooks.test("partner").await.expect("it is tested").answer.expect("it answers");
        receiver.behave(Behaviour::Answers(500));
        news.run().await;
        assert_eq!(receiver.take().last().expect("another attempt").id(), first.id());
    }
    assert_eq!(letters(&news).await, [(10, "it answered with 500".to_owned())]);
    news.clock.advance("48h");
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new());

    // A later message about the record isn't held up, and the dead letter can be replayed.
    receiver.behave(Behaviour::Answers(200));
    news.update("Draft", draft, r#"{"title": "b"}"#).await;
    news.run().await;
    assert_eq!(receiver.told(), ["draft.updated b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_replayed_and_forgotten() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    receiver.behave(Behaviour::Answers(410));
    let draft = news.create("Draft", r#"{"title": "a"}"#).await;
    news.update("Draft", draft, r#"{"title": "a2"}"#).await;
    news.create("Draft", r#"{"title": "b"}"#).await;
    news.run().await;
    assert_eq!(reason(&news).await.as_deref(), Some("it answered with 410 (Gone)"));
    assert_eq!(letters(&news).await.len(), 3);
    receiver.take();

    receiver.behave(Behaviour::Answers(200));
    news.webhooks.replay("partner", None).await.expect_err("it is disabled");
    assert_eq!(news.webhooks.enable("partner", false).await.expect("it is enabled"), 3);
    let message = news.webhooks.show("partner").await.expect("it is shown").letters.remove(2).message;
    assert_eq!(news.webhooks.replay("partner", Some(message.clone())).await.expect("it is replayed"), 1);
    news.webhooks.replay("partner", Some(message)).await.expect_err("it isn't dead any more");
    news.run().await;
    assert_eq!(receiver.told(), ["draft.created b"]);
    assert_eq!(news.webhooks.replay("partner", None).await.expect("they are replayed"), 2);
    news.run().await;
    assert_eq!(receiver.told(), ["draft.created a2", "draft.updated a2"]);
    assert_eq!(letters(&news).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_days_is_disabled_and_goes_on_where_it_was() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    receiver.behave(Behaviour::Answers(302));
    news.create("Draft", r#"{"title": "a"}"#).await;
    news.run().await;
    assert_eq!(reason(&news).await, None);
    news.clock.advance("120h");
    news.run().await;
    let expected = "every attempt failed for 5 days, the last one because it answered with 302";
    assert_eq!(reason(&news).await.as_deref(), Some(expected));
    news.create("Draft", r#"{"title": "b"}"#).await;
    news.run().await;
    assert_eq!(receiver.take().len(), 2);

    receiver.behave(Behaviour::Answers(200));
    news.webhooks.enable("partner", false).await.expect("it is enabled");
    news.run().await;
    assert!(receiver.told().contains(&"draft.created b".to_owned()));
    assert_eq!(reason(&news).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_it_was_disabled_can_be_skipped() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    news.webhooks.disable("partner").await.expect("it is disabled");
    news.create("Draft", r#"{"title": "a"}"#).await;
    news.run().await;
    news.webhooks.enable("partner", true).await.expect("it is enabled");
    news.create("Draft", r#"{"title": "b"}"#).await;
    news.run().await;
    assert_eq!(receiver.told(), ["draft.created b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_end_and_private_addresses_are_failures() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    receiver.behave(Behaviour::Floods);
    let tested = news.webhooks.test("partner").await.expect("it is tested");
    assert_eq!(tested.answer, Err("the answer of 127.0.0.1 is larger than 65536 bytes".to_owned()));
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}/", listener.local_addr().expect("an address"))
    };
    news.webhooks.remove("partner").await.expect("it is removed");
    news.add_at(&closed, "EDITOR", &[]).await;
    let refused = news.webhooks.test("partner").await.expect("it is tested").answer.expect_err("nobody is there");
    assert!(refused.starts_with("can't connect to 127.0.0.1: "), "{refused}");

    let strict = News::with(&[]);
    strict.add(&receiver, "EDITOR", &[]).await;
    strict.create("Draft", r#"{"title": "a"}"#).await;
    receiver.take();
    strict.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new(), "nobody is called");
    let expected = "127.0.0.1 has the address 127.0.0.1, which is private or local; to call it, name its network in `egress.allow`";
    let tested = strict.webhooks.test("partner").await.expect("it is tested");
    assert_eq!(tested.answer, Err(expected.to_owned()));
    // A name of this machine leads to the same address, whatever it was when the endpoint was added.
    strict.webhooks.remove("partner").await.expect("it is removed");
    strict.add_at("http://localhost:9/", "EDITOR", &[]).await;
    let tested = strict.webhooks.test("partner").await.expect("it is tested").answer.expect_err("it isn't called");
    assert!(tested.contains("name its network in `egress.allow`"), "{tested}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_whose_part_of_the_log_is_pruned_is_disabled() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &[]).await;
    // That of its own record.
    let first = news.webhooks.first_needed().await.expect("endpoints are read").expect("a place");
    for title in ["a", "b", "c"] {
        news.create("Draft", &format!(r#"{{"title": "{title}"}}"#)).await;
    }
    let kept = LogHorizon { before: Timestamp::EPOCH, through: first + 2, needed_from: Some(first) };
    news.app.engine.prune_log(kept).await.expect("it is pruned");
    assert_eq!(news.app.engine.log_lines(1, 1).await.expect("a log")[0].place, first, "what is needed stays");
    let all = LogHorizon { needed_from: None, ..kept };
    news.app.engine.prune_log(all).await.expect("it is pruned");
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new());
    let expected = format!("the commit log was pruned before the changes {first} to {} were sent", first + 2);
    assert_eq!(reason(&news).await, Some(expected));
    assert_eq!(news.webhooks.first_needed().await.expect("endpoints are read"), None);
    // It goes on with what there is.
    news.webhooks.enable("partner", false).await.expect("it is enabled");
    news.run().await;
    assert_eq!(receiver.told(), ["draft.created c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_has_to_be_told_of_stays_in_the_log_and_hidden_changes_move_on() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "EDITOR", &["drafts"]).await;
    let place = news.webhooks.first_needed().await.expect("a place");
    for _ in 0..5 {
        news.create("Tag", r#"{"title": "t"}"#).await;
    }
    news.run().await;
    assert_eq!(news.webhooks.first_needed().await.expect("a place"), place, "nothing is stored for nothing");
    news.create("Draft", r#"{"title": "d"}"#).await;
    news.run().await;
    assert!(news.webhooks.first_needed().await.expect("a place") > place);
    assert_eq!(receiver.told(), ["draft.created d"]);
}
