//! A server that runs the newsroom, with an empty database.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, ensure};

use crate::commands::{cargo, output, root, run};

/// Builds the program that it runs.
pub(crate) fn build() -> Result<()> {
    run(cargo().args(["build", "--quiet", "--package", "backstay", "--all-features"]))
}

/// A server that runs until it is dropped.
pub(crate) struct Newsroom {
    running: Running,
    /// Host and port.
    pub(crate) address: String,
    log: JoinHandle<Vec<String>>,
}

impl Newsroom {
    /// Starts it with its data in a directory.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        let mut command = backstay("serve", data);
        command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]).env("BACKSTAY_ACCOUNTS_SIGN_UP", "open");
        // Webhooks go to this machine.
        command.env("BACKSTAY_EGRESS_ALLOW", "127.0.0.0/8");
        let mut running = Running(command.stderr(Stdio::piped()).spawn().context("cannot start the server")?);
        let mut log = BufReader::new(running.0.stderr.take().context("the server has no log")?);
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(log.read_line(&mut line)? > 0, "the server ended");
            let entry: serde_json::Value = serde_json::from_str(&line).context("the log is not JSON")?;
            if entry["message"] == "listening" {
                let address = entry["address"].as_str().context("no address")?.to_owned();
                // A log that nobody reads would stop the server.
                let log = thread::spawn(move || log.lines().map_while(Result::ok).collect());
                return Ok(Self { running, address, log });
            }
        }
    }

    /// Stops it. That it logged errors is an error.
    pub(crate) fn stop(self) -> Result<()> {
        drop(self.running);
        let lines = self.log.join().ok().context("the log could not be read")?;
        let errors: Vec<&str> =
            lines.iter().map(String::as_str).filter(|line| line.contains("\"level\":\"ERROR\"")).collect();
        ensure!(errors.is_empty(), "the server logged errors:\n{}", errors.join("\n"));
        Ok(())
    }
}

/// A process that ends when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An API key with which almost everything of the example is allowed.
pub(crate) fn key(data: &Path) -> Result<String> {
    let mut command = backstay("key", data);
    let made = output(command.args(["add", "tests", "--role", "EDITOR", "--format", "json"]))?;
    let made: serde_json::Value = serde_json::from_str(&made).context("the key is not JSON")?;
    Ok(made["key"].as_str().context("there is no key")?.to_owned())
}

/// Adds an endpoint of webhooks that sees what the key sees; its secret.
pub(crate) fn add_webhook(data: &Path, url: &str) -> Result<String> {
    let mut command = backstay("webhook", data);
    let made = output(command.args(["add", "tests", url, "--as", "tests", "--of", "tags", "--format", "json"]))?;
    let made: serde_json::Value = serde_json::from_str(&made).context("the webhook is not JSON")?;
    Ok(made["secret"].as_str().context("there is no secret")?.to_owned())
}

/// A command of the program about the newsroom.
fn backstay(command: &str, data: &Path) -> Command {
    let mut program = Command::new(root().join("target/debug/backstay"));
    program.arg(command);
    program.env("BACKSTAY_DATA_DIR", data.join("data")).current_dir(root().join("examples/newsroom"));
    program
}
