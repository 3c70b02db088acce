//! Makes data directories that the tests open from now on; see `crates/backstay/tests/kept/README.md`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::bench::client::{Answer, Client};
use crate::bench::server::Server;
use crate::commands::{cargo, output, root, run as run_command};

const KEPT: &str = "crates/backstay/tests/kept";
/// The largest database that may be kept: a page for every table and index, most of which are empty and compress well.
const MAX_BYTES: u64 = 440 * 1024;

const EMAIL: &str = "ada@library.example";
/// Also that of the operator.
const PASSWORD: &str = "correct horse";
const OPERATOR: &str = "olga@library.example";

const COLLECTIONS: &[&str] = &["persons", "shelves", "books", "loans"];

/// What the command line says.
struct Options {
    name: String,
    program: Option<PathBuf>,
    application: PathBuf,
}

/// Makes the directory, or leaves none behind.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = options(arguments)?;
    let kept = root().join(KEPT).join(&options.name);
    ensure!(!kept.exists(), "{} already exists; choose another name", kept.display());
    let program = match &options.program {
        Some(program) => program.clone(),
        None => built()?,
    };
    copy(&options.application, &kept)?;
    if let Err(error) = fill(&program, &kept) {
        fs::remove_dir_all(&kept).with_context(|| format!("removing {}", kept.display()))?;
        return Err(error);
    }
    eprintln!("xtask: made {}; name it in {KEPT}/README.md, and commit both", kept.display());
    Ok(ExitCode::SUCCESS)
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut arguments = arguments.iter();
    let name = arguments.next().filter(|name| !name.starts_with('-')).context("keep needs a name")?.clone();
    let mut options = Options { name, program: None, application: root().join(KEPT).join("application") };
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} needs a path"))?;
        match argument.as_str() {
            "--program" => options.program = Some(value.into()),
            "--application" => options.application = value.into(),
            other => bail!("unknown option: {other}; run `cargo xtask` for help"),
        }
    }
    Ok(options)
}

fn built() -> Result<PathBuf> {
    run_command(cargo().args(["build", "--package", "backstay"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("debug/backstay"))
}

fn copy(application: &Path, kept: &Path) -> Result<()> {
    for part in ["model", "seed"] {
        let (from, to) = (application.join(part), kept.join(part));
        fs::create_dir_all(&to).with_context(|| format!("creating {}", to.display()))?;
        for file in fs::read_dir(&from).with_context(|| format!("reading {}", from.display()))? {
            let file = file?;
            fs::copy(file.path(), to.join(file.file_name()))?;
        }
    }
    Ok(())
}

/// Serves the application, uses it, and writes the database and what is known about it.
fn fill(program: &Path, kept: &Path) -> Result<()> {
    let scratch = root().join("target/keep");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).context("cannot empty target/keep")?;
    }
    let data = scratch.join("data");
    fs::create_dir_all(&scratch).context("cannot create target/keep")?;
    let server = Server::program(program, &scratch, kept, &data)?;
    let mut client = server.client()?;
    command(program, kept, &data, &["account", "verify", EMAIL])?;
    let token = client.sign_in(EMAIL, PASSWORD)?;
    let (keyed, deleted) = change(&mut client)?;
    let key = command(program, kept, &data, &["key", "add", "importer", "--role", "LIBRARIAN"])?;
    command(program, kept, &data, &["operator", "add", OPERATOR, "--password-stdin"])?;
    let records = records(&mut client)?;
    server.stop()?;

    let database = data.join("backstay.db");
    output(Command::new("sqlite3").arg(&database).arg("PRAGMA wal_checkpoint(TRUNCATE)"))?;
    let bytes = fs::copy(&database, kept.join("backstay.db")).context("copying the database")?;
    ensure!(bytes <= MAX_BYTES, "the database has {bytes} bytes, more than the {MAX_BYTES} that may be kept");
    let known = json!({
        "account": { "email": EMAIL, "password": PASSWORD, "token": token },
        "operator": { "email": OPERATOR, "password": PASSWORD },
        "key": key["key"],
        "keyed": keyed,
        "deleted": deleted,
        "records": records,
    });
    fs::write(kept.join("known.json"), format!("{known:#}\n")).context("writing known.json")
}

/// Changes records in every way. Returns the request that has an idempotency key, with its answer, and a book that is
/// deleted, with its last version.
fn change(client: &mut Client) -> Result<(Value, Value)> {
    let shelves = client.get("/api/shelves?sort=code")?;
    let low = shelves["items"][1]["id"].clone();
    let body = json!({
        "title": "Persuasion", "shelf": low, "place": 2, "pages": 249, "genre": "NOVEL", "rating": "8.5", "tags": ["new"],
        "price": {"amount": "7.00", "currency": "GBP"}, "facts": {"a": 1, "b": {"c": 2}}, "code": "another secret",
    });
    let keyed = keyed(client, "/api/books", &body.to_string())?;
    let book = keyed["answer"]["id"].as_str().context("the answer has an id")?.to_owned();
    let gone = created(client, "/api/books", &json!({"title": "Gone", "shelf": low, "place": 3}))?;
    let person = client.get("/api/persons?sort=email")?["items"][1]["id"].clone();
    let loan = created(client, "/api/loans", &json!({"book": book, "reader": person, "note": "second"}))?;
    created(client, "/api/loans", &json!({"book": gone, "reader": person}))?;
    changed(client, "PATCH", &format!("/api/loans/{loan}"), Some(json!({"state": "RETURNED"})))?;
    let links = json!({"likedBy": [person], "pages": 250, "facts": {"b": null}});
    changed(client, "PATCH", &format!("/api/books/{book}"), Some(links))?;
    changed(client, "DELETE", &format!("/api/books/{gone}"), None)?;
    Ok((keyed, json!({ "id": gone, "version": 1 })))
}

fn keyed(client: &mut Client, path: &str, body: &str) -> Result<Value> {
    let key = "kept-1";
    let answer = client.send_with("POST", path, &format!("Idempotency-Key: {key}\r\n"), Some(body))?;
    Ok(json!({ "path": path, "key": key, "body": body, "status": answer.status, "answer": answer.json()? }))
}

fn created(client: &mut Client, path: &str, body: &Value) -> Result<String> {
    let answer = client.send("POST", path, Some(&body.to_string()))?.json()?;
    Ok(answer["id"].as_str().context("the answer has an id")?.to_owned())
}

fn changed(client: &mut Client, method: &str, path: &str, body: Option<Value>) -> Result<()> {
    let body = body.map(|body| body.to_string());
    let Answer { status, body } = client.send(method, path, body.as_deref())?;
    ensure!((200..300).contains(&status), "{method} {path}: {status} {}", String::from_utf8_lossy(&body));
    Ok(())
}

/// Every record of the application, by collection.
fn records(client: &mut Client) -> Result<Value> {
    let mut records = Map::new();
    for collection in COLLECTIONS {
        let links = match *collection {
            "books" => ",likedBy{id}",
            "persons" => ",follows{id}",
            _ => "",
        };
        let path = format!("/api/{collection}?select=*{links}&limit=100");
        let mut list = client.get(&path)?;
        records.insert(path, list["items"].take());
    }
    Ok(records.into())
}

/// Runs a command of the program beside its server. Returns what it answers.
fn command(program: &Path, kept: &Path, data: &Path, arguments: &[&str]) -> Result<Value> {
    let mut command = Command::new(program);
    command.args(arguments).arg("--app").arg(kept).arg("--data").arg(data).args(["--format", "json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting the program")?;
    child.stdin.take().context("a pipe")?.write_all(format!("{PASSWORD}\n").as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "`backstay {}` failed", arguments.join(" "));
    serde_json::from_slice(&output.stdout).context("the answer of a command is not JSON")
}
