//! A webhook as the newsroom sends it, verified with the public libraries of Standard Webhooks.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::{newsroom, succeeds};
use crate::bench::client::Client;
use crate::commands::root;
use crate::needs;
use crate::newsroom::{add_webhook, key};
use crate::python::install;

/// Receives a webhook of the newsroom at this URL, and writes it into a file of the directory, with its secret.
pub(super) fn received(url: &str, place: &Path) -> Result<PathBuf> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    let token = key(place)?;
    let secret = add_webhook(place, &format!("http://{}/", listener.local_addr()?))?;
    let address = url.trim_start_matches("http://").parse()?;
    let body = json!({ "name": "Hérons" }).to_string();
    let lines = format!("Authorization: Bearer {token}\r\n");
    let made = Client::connect(address)?.send_with("POST", "/api/tags", &lines, Some(&body))?;
    ensure!(made.status == 201, "status {}: {}", made.status, String::from_utf8_lossy(&made.body));
    let (headers, body) = receive(&listener)?;
    let file = place.join("message.json");
    let message = json!({ "secret": secret, "headers": headers, "body": body });
    fs::write(&file, message.to_string()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The headers and the body of the next request.
fn receive(listener: &TcpListener) -> Result<(Map<String, Value>, String)> {
    let (mut stream, _) = listener.accept().context("nobody calls")?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut headers, mut line) = (Map::new(), String::new());
    loop {
        line.clear();
        ensure!(reader.read_line(&mut line)? > 0, "the request ends in its head");
        match line.trim_end().split_once(": ") {
            Some((name, value)) => drop(headers.insert(name.to_lowercase(), json!(value))),
            None if line == "\r\n" => break,
            None => {}
        }
    }
    let length = headers.get("content-length").and_then(Value::as_str).context("the body has no length")?;
    let mut body = vec![0; length.parse()?];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    Ok((headers, String::from_utf8(body)?))
}

/// The directory with what `clients/webhooks/package.json` names, made anew if that has changed.
pub(super) fn javascript_installed() -> Result<PathBuf> {
    let wanted_by = root().join("clients/webhooks/package.json");
    let wanted = fs::read_to_string(&wanted_by).with_context(|| format!("cannot read {}", wanted_by.display()))?;
    let place = root().join("target/client-javascript");
    let made = place.join("made.json");
    ensure!(needs::has("npm"), "there is no `npm`");
    if fs::read_to_string(&made).is_ok_and(|made| made == wanted) {
        return Ok(place);
    }
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    fs::write(place.join("package.json"), &wanted)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&place);
    install(&mut npm).context("the npm registry can't be reached")?;
    fs::write(&made, wanted)?;
    Ok(place)
}

/// Verifies a message with the library for JavaScript.
pub(super) fn check_javascript(libraries: &Path) -> Result<()> {
    newsroom("JavaScript", |url, place| {
        let message = received(url, place)?;
        // Node.js looks for libraries beside the program.
        let program = libraries.join("verify.mjs");
        fs::copy(root().join("clients/webhooks/verify.mjs"), &program).context("cannot copy the program")?;
        succeeds(Command::new("node").arg(program).arg(message)).context("the library for JavaScript refuses a webhook")
    })
}
