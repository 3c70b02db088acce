//! `backstay dev`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::support::{App, MODEL};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A `backstay dev` that runs until it is dropped.
pub(crate) struct Dev {
    child: Child,
    lines: Receiver<String>,
    seen: String,
    address: String,
    link: String,
}

impl Dev {
    /// Starts it on any free port, and waits until it listens.
    pub(crate) fn start(app: &App) -> Self {
        Self::start_with(app, &[])
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn start_with(app: &App, options: &[&str]) -> Self {
        let mut command = app.command(&["dev", ".", "--listen", "127.0.0.1:0"]);
        command.args(options).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let err = child.stderr.take().expect("a pipe");
        Self::reading(child, err).listening()
    }

    /// Starts it on a terminal of its own; what is written to the file is typed there.
    fn on_a_terminal(app: &App) -> (Self, File) {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("a terminal");
        let name = ptsname(&terminal, Vec::new()).expect("a name").into_string().expect("a text");
        let end = || Stdio::from(File::options().read(true).write(true).open(&name).expect("a terminal"));
        let mut command = app.command(&["dev", ".", "--listen", "127.0.0.1:0"]);
        command.env("NO_COLOR", "1").env("TERM", "dumb");
        let child = command.stdin(end()).stderr(end()).spawn().expect("the program starts");
        drop(command);
        let typed = File::from(terminal);
        let dev = Self::reading(child, typed.try_clone().expect("the same terminal"));
        (dev.listening(), typed)
    }

    fn reading(child: Child, from: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n') {
                // A terminal that nobody has open any more can't be read.
                let Ok(line) = line else { return };
                let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, seen: String::new(), address: String::new(), link: String::new() }
    }

    fn listening(mut self) -> Self {
        let address = self.until("  address ");
        address.rsplit_once("http://").expect("an address").1.clone_into(&mut self.address);
        let link = self.until("  sign in ");
        link.rsplit_once(&self.address).expect("a path").1.clone_into(&mut self.link);
        self.until("  stop ");
        self
    }

    /// Waits for a line that contains these words, and returns it.
    fn until(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            assert!(line.is_ok(), "`{words}` was never said:\n{}", self.seen);
            let line = line.expect("it was received");
            let _ = writeln!(self.seen, "{line}");
            if line.contains(words) {
                return line;
            }
        }
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        Client { stream: BufReader::new(stream), address: self.address.clone() }
    }

    /// Stops it with SIGINT and returns its exit code.
    fn stop(&mut self) -> Option<i32> {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(kill.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that stays open.
struct Client {
    stream: BufReader<TcpStream>,
    address: String,
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Client {
    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).expect("the request is sent");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).expect("an answer"), 0, "the connection ended: {head}");
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
        self.stream.read_exact(&mut body).expect("a body");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        Reply { status, head, body: String::from_utf8(body).expect("a text") }
    }

    fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, "", "")
    }
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn with_subtitle() -> String {
    MODEL.replace("  title: String!", "  subtitle: String\n  title: String!")
}

#[test]
fn a_change_is_served_on_the_same_connection_and_in_the_same_session() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    let mut client = dev.client();
    let body = r#"{"email": "ada@shelf.example", "password": "correct horse"}"#;
    let signed_in = client.send("POST", "/auth/sign-in", "", body).json();
    let bearer = format!("authorization: Bearer {}\r\n", signed_in["token"].as_str().expect("a token"));
    assert_eq!(client.get("/api/books?select=subtitle").status, 400);

    app.write("model/shelf.graphql", &with_subtitle());
    let told = dev.until("reloaded in");
    assert!(told.starts_with("model changed: Book.subtitle is new; it is null in stored records (safe) · "), "{told}");
    let books = client.get("/api/books?select=subtitle");
    assert_eq!((books.status, books.header("backstay-model")), (200, None));
    assert_eq!(client.send("GET", "/auth/me", &bearer, "").status, 200);
    let shelf = client.get("/api/shelfs?limit=1").json()["items"][0]["id"].as_str().expect("an id").to_owned();
    let body = format!(r#"{{"number": 9, "title": "Persuasion", "subtitle": "A novel", "shelf": "{shelf}"}}"#);
    let created = client.send("POST", "/api/books", &bearer, &body);
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    // A rule changes, which no table has to know of.
    let closed = with_subtitle().replace("@allow(read: \"true\", create:", "@allow(read: \"auth.id != null\", create:");
    app.write("model/shelf.graphql", &closed);
    dev.until("reloaded in");
    assert_ne!(client.get(&format!("/api/books/{id}")).status, 200);
    assert_eq!(client.send("GET", &format!("/api/books/{id}"), &bearer, "").json()["subtitle"], "A novel");
    assert_eq!(dev.stop(), Some(0));
    assert!(!app.data().join("backstay.sock").exists());
}

#[test]
fn a_file_that_is_half_written_changes_nothing() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    let mut client = dev.client();
    let whole = with_subtitle();
    app.write("model/shelf.graphql", &whole[..whole.len() / 2]);
    dev.until("the last good model stays in use");
    let books = client.get("/api/books");
    assert_eq!((books.status, books.header("backstay-model")), (200, Some("stale; errors=1")));
    let state = client.get("/dev/model").json();
    assert_eq!((&state["state"], &state["diagnostics"][0]["file"]), (&"stale".into(), &"model/shelf.graphql".into()));
    assert!(state["diagnostics"][0]["start"]["line"].is_u64(), "{state}");
    let text = client.get("/dev/model.txt");
    assert!(text.body.contains("model/shelf.graphql:"), "{}", text.body);
    // Commands reach what is served.
    assert!(app.run(&["account", "show", "ada@shelf.example"]).done().contains("ada@shelf.example"));

    // The rest, as an editor that replaces the file saves it.
    app.write("model/.shelf.graphql.swp", &whole);
    fs::rename(app.path().join("model/.shelf.graphql.swp"), app.path().join("model/shelf.graphql")).expect("a file");
    dev.until("reloaded in");
    let books = client.get("/api/books?select=subtitle");
    assert_eq!((books.status, books.header("backstay-model")), (200, None));
    assert_eq!(client.get("/dev/model").json()["state"], "current");
}

#[test]
fn a_start_on_a_broken_model_waits_until_it_is_corrected() {
    let app = App::seeded();
    app.write("model/shelf.graphql", &MODEL.replace("Int! @unique", "Inti! @unique"));
    let mut dev = Dev::start(&app);
    assert!(dev.seen.contains("1 error; nothing is served until this is corrected"), "{}", dev.seen);
    let mut client = dev.client();
    for path in ["/api/books", "/", "/readyz"] {
        let refused = client.get(path);
        assert_eq!((refused.status, refused.header("content-type")), (503, Some("application/problem+json")));
        let problem = refused.json();
        let found = &problem["diagnostics"][0];
        assert_eq!(problem["type"], "/problems/no-model");
        assert_eq!(
            (&found["file"], &found["message"]),
            (&"model/shelf.graphql".into(), &"there is no type `Inti`".into())
        );
        assert_eq!((&found["start"]["line"], &found["help"]), (&19.into(), &"did you mean `Int`?".into()));
    }
    assert!(client.get("/dev/model.txt").body.contains("there is no type `Inti`"));
    assert!(!app.data().exists(), "nothing was created");
    // Another mistake takes its place.
    app.write("model/shelf.graphql", &MODEL.replace("Int! @unique", "Intij! @unique"));
    dev.until("nothing is served until this is corrected");
    assert_eq!(client.get("/").json()["diagnostics"][0]["message"], "there is no type `Intij`");

    app.write("model/shelf.graphql", MODEL);
    dev.until("6 records loaded");
    assert_eq!(client.get("/api/books").status, 200);
    assert_eq!(client.get(&dev.link).status, 200);
    assert!(app.run(&["operator", "list"]).done().contains("developer@localhost"));
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn a_start_with_broken_settings_waits_until_they_are_corrected() {
    let app = App::seeded();
    app.write("backstay.toml", "[server]\nlisten = 5\n");
    let mut command = app.command(&["dev", "."]);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let err = child.stderr.take().expect("a pipe");
    let mut dev = Dev::reading(child, err);
    dev.until("waiting until this is corrected");
    app.write("backstay.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let mut dev = dev.listening();
    assert_eq!(dev.client().get("/api/books").status, 200);
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn what_another_program_holds_ends_it() {
    let app = App::new();
    let server = app.serve();
    let refused = app.run(&["dev", ".", "--listen", "127.0.0.1:0"]).refused();
    assert!(refused.contains("another Backstay uses the database"), "{refused}");
    drop(server);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = app.run(&["dev", ".", "--listen", &address]).refused();
    assert!(refused.contains(&format!("cannot listen on {address}: the address is already in use")), "{refused}");
    assert!(app.run(&["dev", "nowhere"]).refused().contains("nowhere does not exist"));
}

#[test]
fn a_model_that_is_taken_away_is_served_on() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    let (model, away) = (app.path().join("model"), app.path().join("away"));
    fs::rename(&model, &away).expect("a directory");
    dev.until("there is no `model` directory");
    dev.until("the last good model stays in use");
    let mut client = dev.client();
    assert_eq!(client.get("/api/books").header("backstay-model"), Some("stale; errors=1"));
    fs::rename(&away, &model).expect("a directory");
    dev.until("model changed · reloaded in");
    assert_eq!(client.get("/api/books").header("backstay-model"), None);
}

#[test]
fn seed_files_are_loaded_as_they_come() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    let mut client = dev.client();
    assert_eq!(client.get("/api/shelfs").json()["items"].as_array().map(Vec::len), Some(2));
    app.write("model/more.graphql", "type Box @allow(read: \"true\") { label: String! @unique }");
    dev.until("reloaded in");
    app.write("seed/Box.jsonl", "{\"label\": \"a\"}\n{\"label\": \"b\"}\n");
    dev.until("2 records loaded from seed files");
    assert_eq!(client.get("/api/boxes").json()["items"].as_array().map(Vec::len), Some(2));

    // One that doesn't fit is an error on the terminal, and the server keeps running.
    app.write("seed/Bax.jsonl", "{\"label\": \"c\"}\n");
    dev.until("seed/Bax.jsonl: the model has no type of that name");
    fs::remove_file(app.path().join("seed/Bax.jsonl")).expect("a file");
    app.write("model/more.graphql", "type Box @allow(read: \"true\") { label: String! @unique  size: Int }\ntype Lid @allow(read: \"true\") { x: Int! }");
    dev.until("reloaded in");
    app.write("seed/Lid.jsonl", "{\"x\": \"wide\"}\n");
    dev.until("seed/Lid.jsonl:1: x: ");
    dev.until("or stop the server and run `backstay reset`, which deletes all data");
    let lids = client.get("/api/lids");
    assert_eq!((lids.status, lids.header("backstay-model")), (200, None));
    app.write("seed/Lid.jsonl", "{\"x\": 4}\n");
    dev.until("1 record loaded from seed files");
    app.write("seed/Lid.jsonl", "{\"x\": 5}\n");
    dev.until("seed/Lid.jsonl has changed since it was loaded; the changes were not loaded");
    assert!(dev.seen.contains("or after `backstay reset`, which deletes all data"), "{}", dev.seen);
}

#[test]
fn settings_apply_or_say_that_they_need_a_restart() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    let mut client = dev.client();
    let new = r#"{"email": "cleo@shelf.example", "name": "Cleo", "password": "a long enough password"}"#;
    assert_eq!(client.send("POST", "/auth/sign-up", "", new).status, 403);
    app.write("backstay.toml", "[server]\nlisten = \"127.0.0.1:1\"\n[accounts]\nsign_up = \"open\"\n");
    dev.until("restart `backstay dev` to apply server.listen");
    dev.until("settings changed · reloaded in");
    assert_eq!(client.send("POST", "/auth/sign-up", "", new).status, 201);
    app.write("backstay.toml", "[accounts]\nsign_up = \"ajar\"\n");
    dev.until("the last good model stays in use");
    assert_eq!(client.get("/api/books").header("backstay-model"), Some("stale; errors=1"));
    assert!(client.get("/dev/model.txt").body.contains("backstay.toml"));
}

#[test]
fn the_link_signs_the_developer_in() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    let mut client = dev.client();
    let page = client.get(&dev.link);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("developer@localhost") && page.body.contains("href=\"/api/books\""), "{}", page.body);
    let cookie = page.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie");
    let headers = format!("cookie: {cookie}\r\nsec-fetch-site: same-origin\r\n");
    let question = r#"{"request": "GET /api/books"}"#;
    assert_eq!(client.send("POST", "/explain", &headers, question).status, 200);
    assert_eq!(client.get("/dev/sign-in?token=guess").status, 404);
    let without = client.get("/dev/sign-in");
    let detail = "there is no sign-in without a token; open the link with `?token=` that `backstay dev` printed when it \
                  started";
    assert_eq!((without.status, &without.json()["detail"]), (404, &detail.into()));
    // The session outlasts a reload, and the link works again after it.
    app.write("model/shelf.graphql", &with_subtitle());
    dev.until("reloaded in");
    assert_eq!(client.send("POST", "/explain", &headers, question).status, 200);
    assert_eq!(client.get(&dev.link).status, 200);
    assert_eq!(client.send("POST", "/auth/sign-out", &headers, "").status, 204);
    assert_eq!(client.get(&dev.link).status, 404);
    app.write("model/shelf.graphql", &with_subtitle().replace("size(this.title) <= 20", "size(this.title) <= 21"));
    dev.until("reloaded in");
    // A new session has begun with the reload.
    assert_eq!(client.get(&dev.link).status, 200);
    let first = dev.link.clone();
    assert_eq!(dev.stop(), Some(0));
    let dev = Dev::start(&app);
    assert_ne!(dev.link, first);
    assert_eq!(app.run(&["operator", "list"]).done().matches("developer@localhost").count(), 1);
    // A server that isn't for development has no such path.
    drop(dev);
    let server = app.serve();
    assert_eq!(server.ask("GET", &first, None, "").0, 404);
}

#[test]
fn without_a_terminal_nothing_is_lost() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    app.write("model/shelf.graphql", &MODEL.replace("  name: String!\n", ""));
    dev.until("Person.name is removed, with its stored values (loses data of 2 records)");
    dev.until(
        "to apply this and lose the data, run `backstay migrate apply --allow-data-loss`; `backstay dev --yes` agrees",
    );
    dev.until("1 step would lose data; the last good model stays in use");
    let mut client = dev.client();
    assert_eq!(client.get("/api/books").header("backstay-model"), Some("stale; errors=1"));
    let state = client.get("/dev/model").json();
    assert!(
        state["diagnostics"][0]["message"].as_str().expect("a text").starts_with("Person.name is removed"),
        "{state}"
    );
    app.write("model/shelf.graphql", MODEL);
    dev.until("reloaded in");
    assert_eq!(client.get("/api/books").header("backstay-model"), None);

    // Whoever wants it can say so elsewhere.
    app.write("model/shelf.graphql", &MODEL.replace("  above: Shelf\n", ""));
    dev.until("Shelf.above is removed, with its stored values (loses data of 1 record)");
    dev.until("  help: to keep the values under another name, write `@renamed(from: …)` there");
    dev.until("the last good model stays in use");
    app.run(&["migrate", "apply", "--allow-data-loss"]).done();
    assert_eq!(client.get("/api/shelfs").header("backstay-model"), None);
    assert_eq!(client.get("/api/shelfs?select=above").status, 400);
}

/// What a key may do with a type goes with the type, for ever. A file that is saved before it is whole doesn't do that.
#[test]
fn a_half_saved_file_takes_nothing_from_keys() {
    let app = App::new();
    let whole = format!("{MODEL}\ntype Note @allow(read: \"true\") {{ text: String! }}\n");
    app.write("model/shelf.graphql", &whole);
    let mut dev = Dev::start(&app);
    app.run(&["key", "add", "reader", "--only", "notes:get, books:get"]).done();
    app.run(&["key", "add", "everything"]).done();
    app.write("model/shelf.graphql", MODEL);
    dev.until("Note is removed, with all its records (loses data of 1 record)");
    dev.until("1 key loses what it may do with it");
    dev.until("to apply this and lose the data, run `backstay migrate apply --allow-data-loss`");
    app.write("model/shelf.graphql", &whole);
    dev.until("reloaded in");
    assert!(app.run(&["key", "list"]).done().contains("only books:get,notes:get"));
    app.write("model/shelf.graphql", MODEL);
    dev.until("Note is removed, with all its records (loses data of 1 record)");
    assert!(app.run(&["migrate", "apply"]).refused().contains("--allow-data-loss"));
    app.run(&["migrate", "apply", "--allow-data-loss"]).done();
    let keys = app.run(&["key", "list"]).done();
    assert!(keys.contains("only books:get\n"), "{keys}");
}

#[test]
fn what_stored_records_stand_against_is_named_with_a_remedy() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    let isbn = MODEL.replace("  title: String!", "  isbn: String!\n  title: String!");
    app.write("model/shelf.graphql", &isbn);
    dev.until("Book.isbn is new; it is required, and nothing says what stored records get (blocked)");
    dev.until("; give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`");
    dev.until("1 error; the last good model stays in use");
    let found = dev.client().get("/dev/model").json()["diagnostics"][0].clone();
    let help = "give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`";
    assert_eq!(found["help"], help, "{found}");
    app.write("model/shelf.graphql", &isbn.replace("isbn: String!", "isbn: String! @backfill(from: \"this.title\")"));
    dev.until("reloaded in");
    assert_eq!(dev.client().get("/api/books?select=isbn&sort=number").json()["items"][0]["isbn"], "Emma");
}

#[test]
fn on_a_terminal_the_developer_is_asked() {
    let app = App::seeded();
    let (mut dev, mut typed) = Dev::on_a_terminal(&app);
    let gone = MODEL.replace("  name: String!\n", "");
    app.write("model/shelf.graphql", &gone);
    dev.until("Apply this and lose the data? [y/N]");
    typed.write_all(b"no\n").expect("it is read");
    dev.until("not applied; the last good model stays in use");
    // Once the files have changed, the question is withdrawn.
    app.write("model/more.graphql", "extend type Book { pages: Int }");
    dev.until("the last good model stays in use");
    app.write("model/shelf.graphql", MODEL);
    dev.until("Book.pages is new");
    typed.write_all(b"y\n").expect("it is read");
    app.write("model/more.graphql", "extend type Book { pages: Int  weight: Int }");
    dev.until("Book.weight is new");
    assert_eq!(dev.client().get("/api/books?select=pages").status, 200);
    // Nor does that answer the next one.
    app.write("model/shelf.graphql", &gone);
    dev.until("Apply this and lose the data? [y/N]");
    typed.write_all(b"n\n").expect("it is read");
    dev.until("not applied; the last good model stays in use");
    app.write("model/more.graphql", "extend type Book { pages: Int  weight: Int  size: Int }");
    dev.until("Apply this and lose the data? [y/N]");
    typed.write_all(b"yes\n").expect("it is read");
    dev.until("Person.name is removed");
    assert_eq!(dev.client().get("/api/books?select=size").status, 200);
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn a_start_asks_after_it_has_said_where_it_listens() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    app.write("model/shelf.graphql", &MODEL.replace("  name: String!\n", ""));
    let (mut dev, mut typed) = Dev::on_a_terminal(&app);
    assert!(!dev.seen.contains("Apply this"), "{}", dev.seen);
    dev.until("Apply this and lose the data? [y/N]");
    typed.write_all(b"n\n").expect("it is read");
    dev.until("not applied; nothing is served until this is corrected; save a model file to be asked again");
    // Saving the same text again asks again.
    app.write("model/shelf.graphql", &MODEL.replace("  name: String!\n", ""));
    dev.until("Person.name is removed");
    dev.until("Apply this and lose the data? [y/N]");
    typed.write_all(b"n\n").expect("it is read");
    dev.until("not applied");
    app.write("model/shelf.graphql", &MODEL.replace("  name: String!\n", ""));
    dev.until("Apply this and lose the data? [y/N]");
    typed.write_all(b"y\n").expect("it is read");
    dev.until("Person.name is removed, with its stored values (loses data of 2 records) · reloaded in");
    assert_eq!(dev.client().get("/api/books").status, 200);
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn a_rename_that_is_not_declared_is_suggested() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    app.write("model/shelf.graphql", &MODEL.replace("  above: Shelf\n", "  over: Shelf\n"));
    dev.until("Shelf.above is removed, with its stored values (loses data of 1 record)");
    let advice = "if you renamed `above` to `over`, write `@renamed(from: \"above\")` on `over`";
    dev.until(&format!("  note: Shelf.over is new and has the same type; {advice}"));
    dev.until("the last good model stays in use");
    assert!(!dev.seen.contains("help: to keep the values"), "{}", dev.seen);
    assert_eq!(dev.client().get("/dev/model").json()["diagnostics"][0]["help"], advice);
    let renamed = MODEL.replace("  above: Shelf\n", "  over: Shelf @renamed(from: \"above\")\n");
    app.write("model/shelf.graphql", &renamed);
    dev.until("Shelf.above is now called over; its values stay");
}

#[test]
fn a_seed_file_of_a_type_that_is_not_in_use_yet_waits_for_it() {
    let app = App::seeded();
    let mut dev = Dev::start(&app);
    app.write("model/more.graphql", "type Box @allow(read: \"true\") { label: Sting! }");
    dev.until("the last good model stays in use");
    app.write("seed/Box.jsonl", "{\"label\": \"a\"}\n");
    dev.until(
        "seed/Box.jsonl: the model in use has no type of that name; the file is loaded once a model that has one is in use",
    );
    app.write("model/more.graphql", "type Box @allow(read: \"true\") { label: String! }");
    dev.until("1 record loaded from seed files");
}

#[test]
fn a_model_of_fifty_types_is_reloaded() {
    let app = App::seeded();
    let large = |extra: &str| {
        let mut text = String::new();
        for number in 0..50 {
            let next = (number + 1) % 50;
            let _ = writeln!(
                text,
                "type Thing{number} @index(fields: [\"rank\"]) @allow(read: \"this.owner == auth.id || this.next.open\", create: \"auth.id != null\") {{\n  \
                 name: String! @unique @check(rule: \"size(this.name) <= 80\", message: \"too long\")\n  open: Boolean! \
                 @default(to: false)\n  rank: Int\n  next: Thing{next}\n  owner: Person @set(on: CREATE, to: \
                 \"auth.id\")\n  tags: [String!]\n{extra}}}"
            );
        }
        text
    };
    app.write("model/large.graphql", &large(""));
    let mut dev = Dev::start(&app);
    app.write("model/large.graphql", &large("  note: Text\n"));
    let told = dev.until("reloaded in");
    assert_eq!(told.matches(" is new; it is null in stored records (safe)").count(), 50, "{told}");
    assert_eq!(dev.client().get("/openapi.json").body.matches("\"note\":").count(), 150);
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn the_developer_is_told_why_a_function_failed() {
    let app = App::empty();
    app.write(
        "model/notes.graphql",
        "extend schema @app(name: \"Notes\")\ntype Note @allow(read: \"true\") { text: String! }\n\
         type Mutation { fail: Int @function @allow(call: \"true\") }\n",
    );
    app.write("functions/fail.ts", "export function fail() {\n  return process.env.KEY;\n}\n");
    let dev = Dev::start(&app);
    let failed = dev.client().send("POST", "/do/fail", "", "{}");
    let cause = failed.json()["cause"].as_str().unwrap_or_default().to_owned();
    assert_eq!(failed.status, 500, "{}", failed.body);
    assert!(cause.starts_with("ReferenceError: process is not defined; settings and keys are secrets"), "{cause}");
    assert!(cause.contains("functions/fail.ts:2:"), "{cause}");
    // A tunnel passes on what somebody else asks.
    let elsewhere = dev.client().send("POST", "/do/fail", "x-forwarded-for: 192.0.2.1\r\n", "{}");
    assert_eq!(elsewhere.json()["cause"], Value::Null, "{}", elsewhere.body);
}
