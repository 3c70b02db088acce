//! Runs the newsroom's tour through the clients that generators of other languages make of its OpenAPI document, and verifies its
//! webhooks with libraries of these languages.

mod generator;
mod java;
mod php;
mod ruby;
mod webhooks;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::commands::root;
use crate::newsroom::{self, Newsroom};
use crate::python;

/// A language, with what makes its client and runs its tour.
pub(crate) struct Language {
    /// Its name.
    pub(crate) name: &'static str,
    installed: fn() -> Result<PathBuf>,
    check: fn(&Path) -> Result<()>,
}

/// Those that there are clients for.
pub(crate) const LANGUAGES: [Language; 5] = [
    Language { name: "Python", installed: of_python, check: check_python },
    Language { name: "JavaScript", installed: webhooks::javascript_installed, check: webhooks::check_javascript },
    Language { name: "Java", installed: java::installed, check: java::check },
    Language { name: "Ruby", installed: ruby::installed, check: ruby::check },
    Language { name: "PHP", installed: php::installed, check: php::check },
];

impl Language {
    /// Makes the client with the program that was built, and runs its tour. The outer error: something is missing for that.
    pub(crate) fn tour(&self) -> Result<Result<()>> {
        (self.installed)().map(|programs| (self.check)(&programs))
    }
}

/// Makes each client and runs its tour. A language that isn't there is skipped.
pub(crate) fn run() -> Result<ExitCode> {
    newsroom::build()?;
    for language in &LANGUAGES {
        match language.tour() {
            Ok(toured) => toured?,
            Err(missing) => eprintln!("xtask: SKIPPED: the newsroom in {}: {missing:#}", language.name),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the tour of a language against a new newsroom, with its URL and a directory for what is made.
fn newsroom(language: &str, tour: impl FnOnce(&str, &Path) -> Result<()>) -> Result<()> {
    let place = tempfile::tempdir().context("cannot create a temporary directory")?;
    let server = Newsroom::start(place.path())?;
    tour(&format!("http://{}", server.address), place.path())?;
    server.stop()?;
    eprintln!("xtask: the newsroom in {language} succeeded");
    Ok(())
}

/// The directory with the generator of Python.
fn of_python() -> Result<PathBuf> {
    python::environment("client-python", "clients/python/requirements.txt")
}

/// Makes the client in Python, and runs `clients/python/tour.py`.
fn check_python(programs: &Path) -> Result<()> {
    newsroom("Python", |url, place| {
        let ours = root().join("clients/python");
        let mut generator = Command::new(programs.join("openapi-python-client"));
        generator
            .args(["generate", "--meta", "none", "--fail-on-warning", "--output-path"])
            .arg(place.join("newsroom"));
        generator.args(["--url", &format!("{url}/openapi.json"), "--config"]).arg(ours.join("config.yaml"));
        succeeds(&mut generator).context("the client in Python can't be made")?;
        fs::copy(ours.join("tour.py"), place.join("tour.py")).context("cannot copy the tour")?;
        let mut tour = Command::new(programs.join("python"));
        succeeds(tour.args(["tour.py", url]).current_dir(place)).context("the tour in Python failed")?;
        let mut verify = Command::new(programs.join("python"));
        verify.arg(root().join("clients/webhooks/verify.py")).arg(webhooks::received(url, place)?);
        succeeds(&mut verify).context("the library for Python refuses a webhook")
    })
}

/// Runs a command whose output matters only if it fails.
fn succeeds(command: &mut Command) -> Result<()> {
    let ran = command.output().with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    if !ran.status.success() {
        bail!("{}\n{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    }
    Ok(())
}
