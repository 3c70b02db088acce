//! Applications in temporary directories, and the program as a process.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

/// An application in a temporary directory.
pub(crate) struct App {
    place: TempDir,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
    /// Collects what is logged after the server listens.
    log: Option<JoinHandle<String>>,
}

pub(crate) const MODEL: &str = r#"
extend schema @app(name: "Shelf")

enum Role @roles { LIBRARIAN READER } # lint-ignore unused-role (granted and revoked only)

type Person @identity @allow(read: "auth.id != null", update: "this.id == auth.id") {
  email: Email! @unique @class(is: PERSONAL)
  name: String!
}

type Shelf @allow(read: "true") {
  code: String! @unique
  above: Shelf
  books: [Book!] @inverse(field: "shelf")
}

type Book
  @allow(read: "true", create: "'LIBRARIAN' in auth.roles", delete: "'LIBRARIAN' in auth.roles") {
  number: Int! @unique
  title: String! @check(rule: "size(this.title) <= 20", message: "at most 20 characters")
  shelf: Shelf!
  owner: Person @set(on: CREATE, to: "auth.id")
  likedBy: [Person!]
}
"#;

impl App {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        Self { place: tempfile::tempdir().expect("a temporary directory") }
    }

    /// An application with the model of these tests and nothing else.
    pub(crate) fn new() -> Self {
        let app = Self::empty();
        app.write("model/shelf.graphql", MODEL);
        app
    }

    /// A copy of one of the examples.
    pub(crate) fn example(name: &str) -> Self {
        let app = Self::empty();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name), app.path());
        app
    }

    /// The same as `new` with a few seed files.
    pub(crate) fn seeded() -> Self {
        let app = Self::new();
        app.write(
            "seed/Person.jsonl",
            "{\"email\": \"ada@shelf.example\", \"name\": \"Ada\", \"$password\": \"correct horse\", \"$roles\": [\"LIBRARIAN\"]}\n\
             {\"email\": \"ben@shelf.example\", \"name\": \"Ben\"}\n",
        );
        app.write("seed/Shelf.jsonl", "{\"code\": \"low\", \"above\": {\"code\": \"high\"}}\n{\"code\": \"high\"}\n");
        app.write(
            "seed/Book.jsonl",
            "{\"number\": 1, \"title\": \"Emma\", \"shelf\": {\"code\": \"low\"}, \"owner\": {\"email\": \"ben@shelf.example\"}, \
             \"likedBy\": [{\"email\": \"ada@shelf.example\"}]}\n\n{\"number\": 2, \"title\": \"Ivanhoe\", \"shelf\": {\"code\": \"high\"}}\n",
        );
        app
    }

    /// The same with this many books on one shelf.
    pub(crate) fn with_books(count: u32) -> Self {
        let app = Self::new();
        app.write("seed/Shelf.jsonl", "{\"code\": \"low\"}\n");
        let line = |number| {
            format!("{{\"number\": {number}, \"title\": \"Book {number}\", \"shelf\": {{\"code\": \"low\"}}}}\n")
        };
        app.write("seed/Book.jsonl", &(0..count).map(line).collect::<String>());
        app
    }

    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join(".backstay")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    /// Runs the program in the application's directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "", &[])
    }

    /// The same with standard input and environment variables.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied()).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        // A program that fails early does not read its input.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("the program ends");
        Ended { code: output.status.code(), out: self.tidy(&output.stdout), err: self.tidy(&output.stderr) }
    }

    /// The program, ready to start in the application's directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BACKSTAY_")) {
            command.env_remove(name);
        }
        command.current_dir(self.path()).args(arguments);
        command
    }

    /// Starts a server on any free port, and waits until it listens.
    pub(crate) fn serve(&self) -> Server {
        self.start().listening()
    }

    /// Starts a server on any free port.
    pub(crate) fn start(&self) -> Server {
        let arguments = ["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"];
        Server::spawn(&mut self.command(&arguments))
    }

    /// The number of models in the database's history.
    pub(crate) fn stored_models(&self) -> String {
        let query = "SELECT count(*) FROM backstay_model";
        let output = Command::new("sqlite3").arg(self.data().join("backstay.db")).arg(query).output();
        String::from_utf8(output.expect("sqlite3 runs").stdout).expect("a number")
    }

    fn tidy(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).replace(&self.path().display().to_string(), "APP")
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("a copy")),
        }
    }
}

/// How often `until` asks, ten milliseconds after each other.
const TRIES: usize = 6000;

/// Waits for what comes soon.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut tries = 0..TRIES;
    while !holds() {
        assert!(tries.next().is_some(), "it never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a request, such as `GET /api/books`, with these header lines, each of which ends with CRLF, and returns the answer.
pub(crate) fn exchange(address: &str, request: &str, lines: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = format!("{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{lines}");
    let length = body.len();
    let request = format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The status and the body of an answer, if it is one.
pub(crate) fn read(answer: &str) -> Option<(u16, serde_json::Value)> {
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, serde_json::from_str(body).unwrap_or(serde_json::Value::Null)))
}

impl Ended {
    /// Standard output. The command must have succeeded.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }

    /// Standard error. The command must have failed.
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(1), "{}\n{}", self.out, self.err);
        self.err
    }
}

impl Server {
    /// Starts a server that logs as JSON.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        Self { child, address: String::new(), log: None }
    }

    /// A server whose log cannot be read. Waits until it accepts connections at the address.
    pub(crate) fn at(child: Child, address: String) -> Self {
        let mut server = Self { child, address, log: None };
        while TcpStream::connect(&server.address).is_err() {
            assert_eq!(server.child.try_wait().expect("a process"), None, "the server ended");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// Waits until it listens.
    pub(crate) fn listening(mut self) -> Self {
        let mut log = BufReader::new(self.child.stderr.take().expect("a pipe"));
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let read = log.read_line(&mut line).expect("a log");
            assert_ne!(read, 0, "the server ended:\n{seen}");
            seen.push_str(&line);
            let entry: serde_json::Value = serde_json::from_str(&line).expect("each line is JSON");
            if entry["message"] == "listening" {
                self.address.push_str(entry["address"].as_str().expect("an address"));
                self.log = Some(std::thread::spawn(move || {
                    log.read_to_string(&mut seen).expect("a log of UTF-8");
                    seen
                }));
                return self;
            }
        }
    }

    /// Sends a request. Returns the status and the body of the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, serde_json::Value) {
        let bearer = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
        self.ask_with(method, path, &bearer, body)
    }

    /// The same with these header lines, each of which ends with CRLF.
    pub(crate) fn ask_with(&self, method: &str, path: &str, lines: &str, body: &str) -> (u16, serde_json::Value) {
        read(&self.exchange(method, path, lines, body)).expect("a status")
    }

    /// The `Backstay-Commit` of a change by the caller with this token.
    pub(crate) fn commit_of(&self, method: &str, path: &str, token: &str) -> String {
        let answer = self.exchange(method, path, &format!("authorization: Bearer {token}\r\n"), "");
        let line = answer.lines().find_map(|line| line.strip_prefix("backstay-commit: "));
        line.expect("a commit").to_owned()
    }

    fn exchange(&self, method: &str, path: &str, lines: &str, body: &str) -> String {
        exchange(&self.address, &format!("{method} {path}"), lines, body).expect("an answer")
    }

    /// The address at which it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn get(&self, path: &str) -> serde_json::Value {
        let (status, body) = self.ask("GET", path, None, "");
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Whether the process hasn't ended by itself.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process can be asked").is_none()
    }

    /// Stops the server with SIGTERM and returns its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.end()
    }

    /// Stops the server with SIGTERM and returns its log.
    pub(crate) fn stop_for_log(mut self) -> Vec<serde_json::Value> {
        assert_eq!(self.end(), Some(0));
        let log = self.log.take().expect("it listens").join().expect("a log");
        log.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    fn end(&mut self) -> Option<i32> {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(kill.success());
        self.child.wait().expect("the server ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
