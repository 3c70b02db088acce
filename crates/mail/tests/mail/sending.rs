use std::fs;
use std::path::Path;

use backstay_base::Timestamp;
use backstay_mail::{Content, Delivery, Letter, Mail, Receipt, SendError, Sender, Target};
use backstay_testkit::{Behaviour, MailServer};

fn content() -> Content {
    Content {
        subject: "Überraschung".to_owned(),
        text: "Dear Ann,\n.\nline\n".to_owned(),
        html: Some("<p>Dear Ann</p>".to_owned()),
        language: "de".to_owned(),
    }
}

async fn send(delivery: &Delivery, to: &str) -> Result<Receipt, SendError> {
    let (from, content) = (Sender::parse("Shop <shop@example.org>").expect("an address"), content());
    let date = Timestamp::parse("2026-01-31T12:00:00Z").expect("a moment");
    delivery.send(&Letter { id: "0190-7", from: &from, to, content: &content, date }).await
}

fn delivery(url: &str) -> Delivery {
    Delivery::to(Target::parse(url).expect("an address"))
}

fn open() -> (MailServer, Delivery) {
    let server = MailServer::start(Behaviour::Open, Path::new("")).expect("a server");
    let delivery = delivery(&format!("smtp://127.0.0.1:{}?tls=none", server.port()));
    (server, delivery)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_reaches_the_server() {
    let (server, delivery) = open();
    let receipt = send(&delivery, "Ann <ann@example.org>").await.expect("it is sent");
    assert_eq!(receipt.message_id, "<0190-7@example.org>");
    assert_eq!((receipt.subject.as_str(), receipt.language.as_str()), ("Überraschung", "de"));
    assert_eq!(receipt.reply, "250 OK");
    let received = server.received();
    let [mail] = &received[..] else { unreachable!("{received:?}") };
    assert_eq!((mail.from.as_str(), &mail.to[..]), ("shop@example.org", &["ann@example.org".to_owned()][..]));
    for line in [
        "From: Shop <shop@example.org>\r\n",
        "To: Ann <ann@example.org>\r\n",
        "Subject: =?utf-8?b?w5xiZXJyYXNjaHVuZw==?=\r\n",
        "Message-ID: <0190-7@example.org>\r\n",
        "Content-Language: de\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Date: Sat, 31 Jan 2026 12:00:00 +0000\r\n",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "<p>Dear Ann</p>",
    ] {
        assert!(mail.text.contains(line), "{line} is missing in\n{}", mail.text);
    }
}

/// Whether an error is the last word, and what it says.
async fn refusal(delivery: &Delivery) -> (bool, String) {
    let error = send(delivery, "ann@example.org").await.expect_err("it isn't sent");
    (error.is_final(), error.to_string())
}

/// The server of the tests doesn't know `SMTPUTF8`.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_server_cannot_take_fails_at_once() {
    let (server, delivery) = open();
    let error = send(&delivery, "Jörg <jörg@example.org>").await.expect_err("it isn't sent");
    let expected = "the mail server takes no address with letters other than a to z: `Jörg <jörg@example.org>`";
    assert_eq!((error.is_final(), error.to_string().as_str()), (true, expected));
    send(&delivery, "Jörg <jorg@example.org>").await.expect("a name may have any letters");
    assert_eq!(server.received().len(), 1);
    let demanding = self::delivery(&format!("smtp://127.0.0.1:{}", server.port()));
    let error = send(&demanding, "jörg@example.org").await.expect_err("without STARTTLS nothing is sent");
    assert!(!error.is_final(), "that is a matter of settings: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_for_ever_is_final() {
    let (server, delivery) = open();
    server.answer_next(&[550, 451, 421, 535]);
    assert_eq!(refusal(&delivery).await, (true, "the mail server refuses the mail with 550".to_owned()));
    let later = "the mail server doesn't take the mail".to_owned();
    assert_eq!(refusal(&delivery).await, (false, later.clone()));
    assert_eq!(refusal(&delivery).await, (false, later.clone()));
    assert_eq!(refusal(&delivery).await, (false, later.clone()), "an account that is refused is a matter of settings");
    send(&delivery, "ann@example.org").await.expect("it is sent");
    assert_eq!(server.received().len(), 1);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
    let nobody = self::delivery(&format!("smtp://127.0.0.1:{unused}?tls=none"));
    assert_eq!(refusal(&nobody).await, (false, later.clone()));
    let demanding = self::delivery(&format!("smtp://127.0.0.1:{}", server.port()));
    assert_eq!(refusal(&demanding).await, (false, later), "without STARTTLS nothing is sent");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_sent_adds_a_recipient_or_a_header() {
    let (server, delivery) = open();
    for to in [
        "",
        "ann",
        "ann@example.org, eve@example.org",
        "ann@example.org\r\nBcc: eve@example.org",
        "Ann\r\nBcc: eve@example.org <ann@example.org>",
        "ann@example.org>\r\nRCPT TO:<eve@example.org",
    ] {
        assert!(!Mail::is_address(to), "{to}");
        let error = send(&delivery, to).await.expect_err("it isn't sent");
        assert!(error.is_final(), "{to}");
    }
    assert_eq!(server.attempts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_has_a_mail_once() {
    let place = tempfile::tempdir().expect("a directory");
    let delivery = delivery(&format!("file:{}", place.path().join("outbox").display()));
    for _ in 0..2 {
        send(&delivery, "ann@example.org").await.expect("it is written");
    }
    let files: Vec<_> = fs::read_dir(place.path().join("outbox")).expect("a directory").flatten().collect();
    assert_eq!(files.len(), 1);
    let text = fs::read_to_string(files[0].path()).expect("a file");
    assert!(text.contains("Message-ID: <0190-7@example.org>\r\n"), "{text}");
    let file = place.path().join("file");
    fs::write(&file, "").expect("a file");
    let (is_final, _) = refusal(&self::delivery(&format!("file:{}", file.display()))).await;
    assert!(!is_final);
}
