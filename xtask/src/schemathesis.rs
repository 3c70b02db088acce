//! Asks a server that runs the newsroom whatever its OpenAPI document allows, and more, with Schemathesis from `PyPI`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::commands::root;
use crate::newsroom::{self, Newsroom};
use crate::python;

/// Runs Schemathesis with all its checks. More arguments go to it.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let programs = installed()?;
    newsroom::build()?;
    check(&programs, arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// The directory with its program.
pub(crate) fn installed() -> Result<PathBuf> {
    python::environment("schemathesis", "xtask/schemathesis/requirements.txt")
}

/// Fails with what it finds in the program that was built.
pub(crate) fn check(programs: &Path, arguments: &[String]) -> Result<()> {
    let place = tempfile::tempdir().context("cannot create a temporary directory")?;
    let server = Newsroom::start(place.path())?;
    let key = newsroom::key(place.path())?;
    let directory = root().join("xtask/schemathesis");
    let mut command = Command::new(programs.join("schemathesis"));
    command.arg("--config-file").arg(directory.join("schemathesis.toml"));
    command.args(["run", &format!("http://{}/openapi.json", server.address)]);
    command.args(["--header", &format!("Authorization: Bearer {key}"), "--no-color"]).args(arguments);
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &directory).env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = command.current_dir(place.path()).output().context("cannot start Schemathesis")?;
    let report = String::from_utf8_lossy(&ran.stdout);
    server.stop()?;
    if !ran.status.success() {
        bail!("Schemathesis found something:\n{report}\n{}", String::from_utf8_lossy(&ran.stderr));
    }
    eprintln!("xtask: Schemathesis: {}", report.trim_end().lines().last().unwrap_or_default().trim_matches(['=', ' ']));
    Ok(())
}
