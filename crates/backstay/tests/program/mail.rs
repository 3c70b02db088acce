//! Mail, as servers send it. The model, the functions and the template are those of docs/mail.md.

use std::fs;
use std::path::Path;

use backstay_testkit::{Behaviour, Cluster, MailServer};
use serde_json::{Value, json};

use crate::support::{App, Server, until};

/// The examples of this kind in the document.
fn all_documented(kind: &str) -> Vec<String> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mail.md");
    let document = fs::read_to_string(document).expect("the document");
    let fence = format!("```{kind}\n");
    let examples = document.split(&fence).skip(1);
    examples.map(|example| example.split_once("```").expect("its end").0.to_owned()).collect()
}

/// The first of them.
fn documented(kind: &str) -> String {
    all_documented(kind).swap_remove(0)
}

fn app(settings: &str) -> App {
    let app = App::empty();
    app.write("model/shop.graphql", &documented("graphql"));
    app.write("functions/shop.ts", &documented("ts"));
    app.write("mail/order-paid.en.txt", &documented("txt"));
    app.write("backstay.toml", settings);
    app
}

fn to(server: &MailServer) -> String {
    format!("[mail]\nurl = \"smtp://127.0.0.1:{}?tls=none\"\nfrom = \"Shop <shop@example.org>\"\n", server.port())
}

fn open() -> MailServer {
    MailServer::start(Behaviour::Open, Path::new("")).expect("a mail server")
}

fn order(server: &Server, title: &str, email: &str) -> (u16, Value) {
    server.ask("POST", "/do/order", None, &json!({ "title": title, "email": email }).to_string())
}

fn jobs(app: &App) -> Vec<Value> {
    let all = ["WAITING", "RUNNING", "DONE", "DEAD"].map(|state| ["--state", state]);
    let listed = app.run(&[&["job", "list", "--format", "json"], all.as_flattened()].concat()).done();
    let answer: Value = serde_json::from_str(&listed).expect("JSON");
    answer["jobs"].as_array().expect("jobs").clone()
}

fn walk(more: &str) {
    let mail = open();
    let app = app(&format!("{}{more}", to(&mail)));
    let server = app.serve();
    let (status, refused) = order(&server, "nothing", "ann@example.org");
    assert_eq!(status, 422, "{refused}");
    let (status, made) = order(&server, "tea", "ann@example.org");
    assert_eq!(status, 200, "{made}");
    until("a mail", || !mail.received().is_empty());
    let received = mail.received();
    assert_eq!(received.len(), 1, "what is undone sends no mail: {received:?}");
    assert_eq!(received[0].to, ["ann@example.org"]);
    let number = made["id"].as_str().expect("an id");
    for line in [&*format!("Subject: Your order {number}\r\n"), "Content-Language: en\r\n", "\r\n- tea\r\n"] {
        assert!(received[0].text.contains(line), "{line} is missing in\n{}", received[0].text);
    }
    until("the end of the job", || jobs(&app).iter().all(|job| job["state"] == "DONE"));
    let all = jobs(&app);
    assert_eq!((all.len(), &all[0]["kind"]), (1, &json!("backstay.mail")));
    let result: Value = serde_json::from_str(all[0]["result"].as_str().expect("a result")).expect("JSON");
    assert_eq!(result["messageId"], format!("<{}@example.org>", all[0]["id"].as_str().expect("an id")));
    assert_eq!(result["reply"], "250 OK");

    mail.answer_next(&[550, 451]);
    let (status, _) = order(&server, "dead", "eve@example.org");
    assert_eq!(status, 200);
    until("a dead mail", || jobs(&app).iter().any(|job| job["state"] == "DEAD"));
    let (status, _) = order(&server, "later", "ben@example.org");
    assert_eq!(status, 200);
    until("another attempt", || mail.received().len() == 2);
    assert_eq!(mail.received()[1].to, ["ben@example.org"]);
    assert_eq!(mail.attempts(), 4);
}

#[test]
fn mail_is_sent() {
    walk("");
}

#[test]
fn mail_is_sent_on_postgresql() {
    walk(&format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
}

/// What a function passes that can't be sent fails in the function, and the log says why.
#[test]
fn a_mail_that_cannot_be_made_fails_in_the_function() {
    let mail = open();
    let app = app(&to(&mail));
    app.write("mail/order-paid.en.txt", "Subject: {{ subject }}\n\n{{ name }}\n");
    let server = app.serve();
    let (status, _) = order(&server, "tea", "ann@example.org");
    assert_eq!(status, 500);
    let log = server.stop_for_log();
    let wanted = "the mail template mail/order-paid.en.txt needs `subject`";
    assert!(log.iter().any(|line| line.to_string().contains(wanted)), "{log:?}");
    assert_eq!(mail.attempts(), 0);
}

/// Over STARTTLS, with an account.
#[test]
fn mail_servers_prove_their_names_and_admit_accounts() {
    let place = tempfile::tempdir().expect("a directory");
    MailServer::certify(place.path()).expect("certificates");
    let mail = MailServer::start(Behaviour::Closed, place.path()).expect("a mail server");
    let url = format!("url = \"smtp://shop@localhost:{}\"\n", mail.port());
    let app = app(&format!("[mail]\n{url}password_file = \"password\"\nfrom = \"shop@example.org\"\n"));
    app.write("password", "wrong\n");
    let authority = place.path().join("ca.crt").display().to_string();
    let start = |variables: &[(&str, &str)]| {
        let mut command = app.command(&["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        Server::spawn(command.envs(variables.iter().copied())).listening()
    };
    let failed = |words: &str| {
        until(words, || jobs(&app).iter().any(|job| job["error"].as_str().is_some_and(|error| error.contains(words))));
    };
    let server = start(&[]);
    let (status, made) = order(&server, "tea", "ann@example.org");
    assert_eq!(status, 200, "{made}");
    failed("certificate");
    drop(server);
    let server = start(&[("SSL_CERT_FILE", &authority)]);
    failed("535");
    assert_eq!(jobs(&app)[0]["state"], "WAITING", "an account that is refused can be corrected");
    drop(server);
    app.write("password", "correct horse\n");
    let _server = start(&[("SSL_CERT_FILE", &authority)]);
    until("a mail", || mail.received().len() == 1);
}

/// Servers that are killed while they send lose no mail, and send at most one copy for each time.
#[test]
fn no_mail_is_lost_when_servers_are_killed() {
    const ORDERS: usize = 40;
    let mail = open();
    let app = app(&to(&mail));
    let server = app.serve();
    for number in 0..ORDERS {
        let (status, made) = order(&server, "tea", &format!("person{number}@example.org"));
        assert_eq!(status, 200, "{made}");
    }
    // SIGKILL.
    drop(server);
    drop(app.serve());
    let _server = app.serve();
    let recipients =
        || mail.received().iter().flat_map(|mail| mail.to.clone()).collect::<std::collections::BTreeSet<_>>();
    until("all mail", || recipients().len() == ORDERS);
    let ids = |text: &str| text.lines().find(|line| line.starts_with("Message-ID:")).map(str::to_owned);
    let received = mail.received();
    let distinct: std::collections::BTreeSet<String> = received.iter().filter_map(|mail| ids(&mail.text)).collect();
    assert_eq!(distinct.len(), ORDERS, "a copy has the Message-ID of the first");
    // As many as are handed over at a time, for each of the two that were killed.
    assert!(received.len() <= ORDERS + 16, "{}", received.len());
}

#[test]
fn an_application_whose_mail_goes_nowhere_does_not_start() {
    let app = app("");
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    assert!(refused.contains("the application sends mail, and [mail] has no url and no from"), "{refused}");
    app.write("backstay.toml", "[mail]\nurl = \"file:outbox\"\nfrom = \"shop@example.org\"\n");
    let server = app.serve();
    let (status, made) = order(&server, "tea", "ann@example.org");
    assert_eq!(status, 200, "{made}");
    let sent = || fs::read_dir(app.path().join("outbox")).into_iter().flatten().flatten().count();
    until("a file", || sent() == 1);
}

#[test]
fn templates_are_checked() {
    let app = app("");
    app.run(&["check"]).done();
    app.write("mail/order-paid.de.txt", "Subject: Hallo\n\n{{ name\n");
    let refused = app.run(&["check"]);
    let words = "mail/order-paid.de.txt:3: ";
    assert!(refused.code == Some(1) && refused.err.contains(words), "{refused:?}");
}

#[test]
fn functions_are_tested_without_a_mail_server() {
    let app = app("");
    let test = all_documented("ts").swap_remove(1);
    app.write("functions/shop.test.ts", &test);
    let tested = app.run(&["test"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
}

/// The application that notifies accounts, with Ann, who reads German, and Ben.
pub(crate) fn support(settings: &str) -> App {
    let app = App::empty();
    app.write("model/support.graphql", &all_documented("graphql")[1]);
    app.write("mail/ticket-opened.en.txt", &all_documented("txt")[1]);
    app.write("mail/ticket-closed.en.txt", "Subject: {{ event }}\n\n{{ record.title }} is {{ record.state }}\n");
    app.write("mail/ticket-closed.de.txt", "Subject: Erledigt\n\n{{ record.title }}\n");
    app.write(
        "seed/Person.jsonl",
        "{\"email\": \"ann@example.org\", \"name\": \"Ann\", \"language\": \"de-AT\", \"$password\": \"correct horse\"}\n\
         {\"email\": \"ben@example.org\", \"name\": \"Ben\", \"$password\": \"correct horse\"}\n",
    );
    app.write("backstay.toml", settings);
    app
}

fn notify(more: &str) {
    let mail = open();
    let app = support(&format!("{}{more}", to(&mail)));
    let server = app.serve();
    let key: Value = serde_json::from_str(&app.run(&["key", "add", "desk", "--format", "json"]).done()).expect("JSON");
    let write = |method: &str, path: &str, body: Value| {
        let (status, answer) = server.ask(method, path, key["key"].as_str(), &body.to_string());
        assert!((200..300).contains(&status), "{answer}");
        answer
    };
    let body = |to: &str| {
        let text = mail.received().into_iter().find(|mail| mail.to == [to]).expect("a mail").text;
        text.split_once("\r\n\r\n").expect("a body").1.replace("\r\n", "\n")
    };
    let ticket = json!({ "title": "No tea", "remark": "a secret", "customer": { "email": "ben@example.org" } });
    let made = write("POST", "/api/tickets", ticket);
    until("a mail", || mail.received().len() == 1);
    let ben = body("ben@example.org");
    assert!(ben.contains("Dear Ben,\n\nwe are working on it.") && !ben.contains("secret"), "{ben}");

    // A change that isn't meant, and nobody to be told.
    let path = format!("/api/tickets/{}", made["id"].as_str().expect("an id"));
    write("PATCH", &path, json!({ "title": "No tea at all" }));
    write("POST", "/api/tickets", json!({ "title": "Nobody's" }));
    write("PATCH", &path, json!({ "state": "CLOSED" }));
    until("another mail", || mail.received().len() == 2);
    let closed = &mail.received()[1].text;
    assert!(closed.contains("Subject: UPDATE\r\n") && closed.contains("No tea at all is CLOSED"), "{closed}");

    let ann = json!({ "title": "No milk", "customer": { "email": "ann@example.org" } });
    let made = write("POST", "/api/tickets", ann);
    until("a mail to Ann", || mail.received().len() == 3);
    write("PATCH", &format!("/api/tickets/{}", made["id"].as_str().expect("an id")), json!({ "state": "CLOSED" }));
    until("a mail in German", || mail.received().iter().any(|mail| mail.text.contains("Subject: Erledigt\r\n")));
    assert_eq!(mail.attempts(), 4);

    // Whoever can't sign in any more isn't told.
    app.run(&["account", "disable", "ann@example.org"]).done();
    let ann = json!({ "title": "Late", "customer": { "email": "ann@example.org" } });
    write("POST", "/api/tickets", ann);
    let is_not_sent = |job: &Value| job["result"].as_str().is_some_and(|result| result.contains("notSent"));
    until("the end of the job", || jobs(&app).iter().any(is_not_sent));
    assert_eq!(mail.attempts(), 4);
    assert!(
        jobs(&app).iter().all(|job| job["kind"] == "backstay.notify" && job["state"] == "DONE"),
        "{:?}",
        jobs(&app)
    );
}

#[test]
fn accounts_are_notified_of_what_they_may_read() {
    notify("");
}

#[test]
fn accounts_are_notified_of_what_they_may_read_on_postgresql() {
    notify(&format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
}

#[test]
fn templates_of_notifications_are_checked() {
    let app = support("");
    app.run(&["check"]).done();
    app.write("mail/ticket-opened.en.txt", "Subject: {{ record.title }}\n\n{{ ticket.title }}\n");
    let refused = app.run(&["check"]).refused();
    assert!(refused.contains("the mail template `ticket-opened` names `ticket`"), "{refused}");
    app.write("mail/ticket-opened.en.txt", "Subject: {{ record.titel }}\n\n{{ account.name }}\n");
    let refused = app.run(&["check"]).refused();
    assert!(refused.contains("names `record.titel`, which Ticket doesn't have"), "{refused}");
    assert!(refused.contains("did you mean `record.title`?"), "{refused}");
    fs::remove_file(app.path().join("mail/ticket-opened.en.txt")).expect("a file");
    let refused = app.run(&["check"]).refused();
    assert!(refused.contains("there is no mail template `ticket-opened`"), "{refused}");
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    assert!(refused.contains("there is no mail template `ticket-opened`"), "{refused}");
}
