//! Runs the newsroom's tour through the clients that generators of other languages make of its OpenAPI document.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::commands::root;
use crate::newsroom::{self, Newsroom};
use crate::python;

/// Makes each client and runs its tour.
pub(crate) fn run() -> Result<ExitCode> {
    let programs = installed()?;
    newsroom::build()?;
    check(&programs)?;
    Ok(ExitCode::SUCCESS)
}

/// The directory with the generator of Python.
pub(crate) fn installed() -> Result<PathBuf> {
    python::environment("client-python", "clients/python/requirements.txt")
}

/// Makes the client in Python with the program that was built, and runs `clients/python/tour.py`.
pub(crate) fn check(programs: &Path) -> Result<()> {
    let place = tempfile::tempdir().context("cannot create a temporary directory")?;
    let server = Newsroom::start(place.path())?;
    let url = format!("http://{}", server.address);
    let ours = root().join("clients/python");
    let mut generator = Command::new(programs.join("openapi-python-client"));
    generator
        .args(["generate", "--meta", "none", "--fail-on-warning", "--output-path"])
        .arg(place.path().join("newsroom"));
    generator.args(["--url", &format!("{url}/openapi.json"), "--config"]).arg(ours.join("config.yaml"));
    succeeds(&mut generator).context("the client in Python can't be made")?;
    fs::copy(ours.join("tour.py"), place.path().join("tour.py")).context("cannot copy the tour")?;
    let mut tour = Command::new(programs.join("python"));
    succeeds(tour.args(["tour.py", &url]).current_dir(place.path())).context("the tour in Python failed")?;
    server.stop()?;
    eprintln!("xtask: the tour in Python succeeded");
    Ok(())
}

/// Runs a command whose output matters only if it fails.
fn succeeds(command: &mut Command) -> Result<()> {
    let ran = command.output().with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    if !ran.status.success() {
        bail!("{}\n{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    }
    Ok(())
}
