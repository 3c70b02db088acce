//! Asks a server that runs the newsroom whatever its OpenAPI document allows, and more, with Schemathesis from `PyPI`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail, ensure};

use crate::commands::{cargo, output, root, run as run_command};
use crate::needs;

/// Runs Schemathesis with all its checks. More arguments go to it.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    needs::ensure(needs::OF_SCHEMATHESIS)?;
    let program = installed()?;
    run_command(cargo().args(["build", "--quiet", "--package", "backstay", "--all-features"]))?;
    let place = tempfile::tempdir().context("cannot create a temporary directory")?;
    let server = Server::start(place.path())?;
    let key = key(place.path())?;
    let directory = root().join("xtask/schemathesis");
    let mut command = Command::new(program);
    command.arg("--config-file").arg(directory.join("schemathesis.toml"));
    command.args(["run", &format!("http://{}/openapi.json", server.address)]);
    command.args(["--header", &format!("Authorization: Bearer {key}"), "--no-color"]).args(arguments);
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &directory).env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = command.current_dir(place.path()).output().context("cannot start Schemathesis")?;
    let report = String::from_utf8_lossy(&ran.stdout);
    let errors = server.stop()?;
    ensure!(errors.is_empty(), "the server logged errors:\n{}", errors.join("\n"));
    if !ran.status.success() {
        bail!("Schemathesis found something:\n{report}\n{}", String::from_utf8_lossy(&ran.stderr));
    }
    eprintln!("xtask: {}", report.trim_end().lines().last().unwrap_or_default().trim_matches('='));
    Ok(ExitCode::SUCCESS)
}

/// The program of Schemathesis in a virtual environment of its own, made anew if its requirements have changed.
fn installed() -> Result<PathBuf> {
    let requirements = root().join("xtask/schemathesis/requirements.txt");
    let wanted = fs::read_to_string(&requirements).context("cannot read the requirements of Schemathesis")?;
    let place = root().join("target/schemathesis");
    let (made, program) = (place.join("requirements.txt"), place.join("bin/schemathesis"));
    if program.is_file() && fs::read_to_string(&made).is_ok_and(|made| made == wanted) {
        return Ok(program);
    }
    run_command(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let mut pip = Command::new(place.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&requirements);
    run_command(&mut pip).with_context(|| {
        let (place, requirements) = (place.display(), requirements.display());
        format!(
            "Schemathesis cannot be installed from PyPI; if this machine can't reach it, set PIP_INDEX_URL to a mirror, or \
             install it by hand: `{place}/bin/pip install --requirement {requirements}`, then copy that file to {place}"
        )
    })?;
    fs::write(&made, wanted).context("cannot write the requirements of Schemathesis")?;
    Ok(program)
}

/// A server that runs the newsroom until it is dropped.
struct Server {
    running: Running,
    address: String,
    log: JoinHandle<Vec<String>>,
}

impl Server {
    fn start(data: &Path) -> Result<Self> {
        let mut command = backstay("serve", data);
        command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]).env("BACKSTAY_ACCOUNTS_SIGN_UP", "open");
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

    /// Stops it and returns the errors that it logged.
    fn stop(self) -> Result<Vec<String>> {
        drop(self.running);
        let lines = self.log.join().ok().context("the log could not be read")?;
        Ok(lines.into_iter().filter(|line| line.contains("\"level\":\"ERROR\"")).collect())
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
fn key(data: &Path) -> Result<String> {
    let mut command = backstay("key", data);
    let made = output(command.args(["add", "schemathesis", "--role", "EDITOR", "--format", "json"]))?;
    let made: serde_json::Value = serde_json::from_str(&made).context("the key is not JSON")?;
    Ok(made["key"].as_str().context("there is no key")?.to_owned())
}

/// A command of the program about the newsroom.
fn backstay(command: &str, data: &Path) -> Command {
    let mut program = Command::new(root().join("target/debug/backstay"));
    program.arg(command);
    program.env("BACKSTAY_DATA_DIR", data.join("data")).current_dir(root().join("examples/newsroom"));
    program
}
