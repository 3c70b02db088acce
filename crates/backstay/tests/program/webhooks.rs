//! Webhooks as a server sends them, to receivers of this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use backstay_testkit::Cluster;
use serde_json::{Value, json};

use crate::support::{App, Server};

const MODEL: &str = r#"extend schema @app(name: "News")
enum Role @roles { READER } # lint-ignore unused-role (granted to keys only)
type Post @allow(read: "'READER' in auth.roles", create: "true", update: "true") {
  title: String!
}
"#;

/// A message as it came: its head and its body.
#[derive(Debug, Clone)]
struct Received {
    head: String,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.expect("a header")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

/// A receiver that takes all messages, and what it has taken.
struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let taken = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                thread::spawn(move || receive(stream, &taken));
            }
        });
        Self { url, received }
    }

    fn all(&self) -> Vec<Received> {
        self.received.lock().expect("nobody has panicked").clone()
    }

    /// Waits until so many have come.
    fn wait_for(&self, count: usize) -> Vec<Received> {
        let begun = Instant::now();
        loop {
            let all = self.all();
            if all.len() >= count {
                return all;
            }
            assert!(begun.elapsed() < Duration::from_mins(5), "{count} messages: {all:#?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn receive(mut stream: TcpStream, taken: &Mutex<Vec<Received>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let received = Received { head: head.replace("\r\n", "\n"), body: String::new() };
    let mut body = vec![0; received.header("content-length").parse().expect("a length")];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let body = String::from_utf8(body).expect("UTF-8");
    taken.lock().expect("nobody has panicked").push(Received { body, ..received });
    thread::sleep(Duration::from_millis(20));
    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
}

fn app(settings: &str) -> App {
    let app = App::empty();
    app.write("model/news.graphql", MODEL);
    app.write("backstay.toml", &format!("[egress]\nallow = [\"127.0.0.0/8\"]\n{settings}"));
    app
}

/// Adds a key and an endpoint that sees what it sees; the key and the secret.
fn add(app: &App, url: &str) -> (String, String) {
    let key = app.run(&["key", "add", "partner", "--role", "READER"]).done();
    let key = key.lines().next().expect("a key").to_owned();
    let added = app.run(&["webhook", "add", "partner", url, "--as", "partner", "--of", "posts"]).done();
    let secret = added.lines().next().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_"), "{added}");
    (key, secret)
}

fn create(server: &Server, key: &str, title: &str) -> String {
    let (status, made) = server.ask("POST", "/api/posts", Some(key), &json!({ "title": title }).to_string());
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().expect("an id").to_owned()
}

/// The server is killed while it sends: every message comes, those of a record in order, and the same message under the same id.
fn survive(app: &App) {
    let receiver = Receiver::start();
    let server = app.serve();
    let (key, _) = add(app, &receiver.url);
    let mut expected = BTreeSet::new();
    for number in 0..30 {
        let id = create(&server, &key, &format!("post {number}"));
        let (status, _) = server.ask("PATCH", &format!("/api/posts/{id}"), Some(&key), r#"{"title": "changed"}"#);
        assert_eq!(status, 200);
        expected.insert(id);
    }
    receiver.wait_for(10);
    // SIGKILL.
    drop(server);
    let server = app.serve();
    let begun = Instant::now();
    let by_record = loop {
        let mut by_record: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for received in receiver.all() {
            let json = received.json();
            if seen.insert(received.header("webhook-id").to_owned()) {
                let id = json["data"]["id"].as_str().expect("an id").to_owned();
                by_record.entry(id).or_default().push(json["type"].as_str().expect("a type").to_owned());
            }
        }
        if by_record.values().map(Vec::len).sum::<usize>() == expected.len() * 2 {
            break by_record;
        }
        assert!(begun.elapsed() < Duration::from_mins(5), "{by_record:#?}");
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(by_record.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (record, told) in by_record {
        assert_eq!(told, ["post.created", "post.updated"], "{record}");
    }
    let listed = app.run(&["webhook", "list"]).done();
    assert!(listed.starts_with(&format!("partner  {}  as key:", receiver.url)), "{listed}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn messages_survive_a_killed_server() {
    survive(&app(""));
}

#[test]
fn messages_survive_a_killed_server_on_postgresql() {
    survive(&app(&format!("[data]\nurl = \"{}\"\n", Cluster::shared().url())));
}

#[test]
fn endpoints_are_managed_on_the_command_line() {
    let app = app("");
    let receiver = Receiver::start();
    let nothing = app.run(&["webhook", "list"]).refused();
    assert!(nothing.contains("there is no database"), "{nothing}");
    let (_, first) = add(&app, &receiver.url);
    let tested = app.run(&["webhook", "test", "partner"]).done();
    assert!(tested.starts_with("partner answered msg_") && tested.ends_with(" with 204\n"), "{tested}");
    let received = receiver.wait_for(1);
    assert_eq!(received[0].json()["type"], "backstay.test");
    let rotated = app.run(&["webhook", "rotate", "partner", "--keep", "1h", "--format", "json"]).done();
    let rotated: Value = serde_json::from_str(&rotated).expect("JSON");
    assert_eq!(rotated["answer"], "webhook-rotated");
    assert_ne!(rotated["secret"], json!(first));
    app.run(&["webhook", "test", "partner"]).done();
    let received = receiver.wait_for(2);
    assert_eq!(received[1].header("webhook-signature").split(' ').count(), 2, "both secrets sign");

    app.run(&["webhook", "disable", "partner"]).done();
    let listed = app.run(&["webhook", "list"]).done();
    assert!(listed.ends_with(": an operator has disabled it\n"), "{listed}");
    let refused = app.run(&["webhook", "replay", "partner"]).refused();
    assert!(refused.contains("the endpoint is disabled; enable it first"), "{refused}");
    assert_eq!(app.run(&["webhook", "enable", "partner"]).done(), "changes are sent to partner again\n");
    assert_eq!(app.run(&["webhook", "replay", "partner"]).done(), "0 messages to partner will be sent again\n");
    let shown = app.run(&["webhook", "show", "partner"]).done();
    assert!(shown.ends_with("  Post  0 waiting, 0 given up\n"), "{shown}");
    assert_eq!(app.run(&["webhook", "remove", "partner"]).done(), "removed the webhook partner\n");
    let missing = app.run(&["webhook", "show", "partner"]).refused();
    assert!(missing.contains("there is no webhook `partner`"), "{missing}");
    let unknown = app.run(&["webhook", "add", "other", &receiver.url, "--as", "nobody"]).refused();
    assert!(unknown.contains("there is no"), "{unknown}");

    // Without a network that may be called, an address of this machine is refused, and the exit code says so.
    app.write("backstay.toml", "");
    app.run(&["webhook", "add", "other", &receiver.url, "--as", "partner"]).done();
    let tested = app.run(&["webhook", "test", "other"]);
    assert_eq!(tested.code, Some(1));
    assert!(tested.out.contains("name its network in `egress.allow`"), "{}", tested.out);
}

/// A receiver of docs/webhooks.md, as a process.
struct Documented {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Documented {
    fn start(language: &str, command: &mut Command, file: &Path, secret: &str) -> Self {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/webhooks.md");
        let document = fs::read_to_string(document).expect("the document");
        let (_, example) = document.split_once(&format!("```{language}\n")).expect("an example");
        fs::write(file, example.split_once("\n```").expect("its end").0).expect("a file");
        let command = command.arg(file).env("WEBHOOK_SECRET", secret).env("PORT", "0");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut documented =
            Self { out: BufReader::new(child.stdout.take().expect("a pipe")), child, address: String::new() };
        documented.address = format!("127.0.0.1:{}", documented.line());
        documented
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Sends it a message, and returns the status of the answer.
    fn send(&self, received: &Received, body: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let head = received
            .head
            .replace("\n\n", "\nconnection: close\n\n")
            .replace("connection: close\nconnection", "connection");
        let head = head
            .replace(&format!("content-length: {}", received.body.len()), &format!("content-length: {}", body.len()));
        stream.write_all(head.replace('\n', "\r\n").as_bytes()).expect("it is sent");
        stream.write_all(body.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status")
    }
}

impl Drop for Documented {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_receivers_in_the_document_verify_what_is_sent() {
    let app = app("");
    let receiver = Receiver::start();
    let server = app.serve();
    let (key, secret) = add(&app, &receiver.url);
    create(&server, &key, "Hérons");
    let received = receiver.wait_for(1).remove(0);
    let check = |language: &str, mut command: Command, file: &str| {
        let mut documented = Documented::start(language, &mut command, &app.path().join(file), &secret);
        assert_eq!(documented.send(&received, &received.body), 204, "{language}");
        assert_eq!(documented.line(), "post.created", "{language}");
        assert_eq!(documented.send(&received, &received.body.replace("Hérons", "Herons")), 401, "{language}");
        let old = Received {
            head: received.head.replace("webhook-timestamp: 1", "webhook-timestamp: 0"),
            ..received.clone()
        };
        assert_eq!(documented.send(&old, &received.body), 401, "{language}");
    };
    check("js", Command::new("node"), "receiver.mjs");
    check("python", Command::new("python3"), "receiver.py");
}
