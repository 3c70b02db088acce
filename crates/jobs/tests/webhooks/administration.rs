use backstay_base::Error;

use crate::receiver::Receiver;
use crate::support::{News, new};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_endpoints_are_refused() {
    let news = News::open();
    let check = async |url: &str, role: &str, types: &[&str], expected: &str| {
        let refused = news.webhooks.add(new(url, role, types)).await.expect_err("it is refused");
        assert_eq!(refused.to_string(), expected, "{url} {role} {types:?}");
    };
    let whole = "url: this isn't a URL; write it whole: `https://example.org/hooks`";
    check("example.org", "EDITOR", &[], whole).await;
    let scheme = "url: only `https` and `http` can be called; write `https://example.org/hooks`";
    check("ftp://example.org", "EDITOR", &[], scheme).await;
    let password = "url: a URL with a password would be shown with it; leave it out; receivers check the signature";
    check("https://a:b@example.org", "EDITOR", &[], password).await;
    check("https://example.org", "STRANGER", &[], "there is no key `STRANGER`").await;
    let unknown = "of: unknown collection `post`; did you mean `posts`?";
    check("https://example.org", "EDITOR", &["post"], unknown).await;
    check("https://example.org", "EDITOR", &["BackstayWebhook"], "of: unknown collection `BackstayWebhook`").await;
    check("https://example.org", "READER", &["drafts"], "you may not get records of Draft").await;
    news.webhooks.add(new("https://example.org", "READER", &["posts"])).await.expect("it is added");
    let taken = "a webhook with this name exists; remove it first, or choose another name";
    check("https://example.org", "READER", &["posts"], taken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_listed_and_removed() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "READER", &["posts", "tags"]).await;
    let list = news.webhooks.list().await.expect("they are listed");
    let [info] = &*list else { panic!("one endpoint") };
    assert_eq!((&*info.name, &*info.url, &*info.caller), ("partner", &*receiver.url(), "key:READER"));
    assert_eq!(info.types.as_deref(), Some(&["Post".to_owned(), "Tag".to_owned()][..]));
    assert_eq!((info.waiting, info.dead, info.failing_since), (0, 0, None));
    news.create("Tag", r#"{"title": "t"}"#).await;
    news.webhooks.remove("partner").await.expect("it is removed");
    news.run().await;
    assert_eq!(receiver.told(), Vec::<String>::new());
    assert!(news.webhooks.list().await.expect("they are listed").is_empty());
    let missing = news.webhooks.show("partner").await.expect_err("it is gone");
    assert!(matches!(missing, Error::NotFound { .. }) && missing.to_string() == "there is no webhook `partner`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_sent_at_once() {
    let (news, receiver) = (News::open(), Receiver::start().await);
    news.add(&receiver, "READER", &[]).await;
    let tested = news.webhooks.test("partner").await.expect("it is tested");
    assert_eq!(tested.answer, Ok(204));
    let [received] = &*receiver.take() else { panic!("one message") };
    assert_eq!(received.id(), tested.message);
    let expected = r#"{"type":"backstay.test","timestamp":"2026-01-31T12:00:00.000000Z","data":{}}"#;
    assert_eq!(String::from_utf8_lossy(&received.body), expected);
}
