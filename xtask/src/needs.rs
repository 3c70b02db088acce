use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::commands::{output, root, run};

/// A program that this repository does not build, and the Debian package that provides it.
pub(crate) struct Need {
    program: &'static str,
    package: &'static str,
    needed_for: &'static str,
    /// The program is needed only if the repository contains this directory; empty if it always is.
    by: &'static str,
}

/// What the tests need.
pub(crate) const OF_TESTS: &[Need] = &[
    Need { program: "postgres", package: "postgresql", needed_for: "the store's tests", by: "crates/store" },
    Need { program: "pgbouncer", package: "pgbouncer", needed_for: "the store's tests", by: "crates/store" },
    Need { program: "openssl", package: "openssl", needed_for: "certificates of a test server", by: "crates/store" },
    Need { program: "sqlite3", package: "sqlite3", needed_for: "looking into databases", by: "" },
    Need { program: "curl", package: "curl", needed_for: "the tours of the examples", by: "examples" },
    Need { program: "jq", package: "jq", needed_for: "the tours of the examples", by: "examples" },
    Need { program: "node", package: "nodejs", needed_for: "the client in TypeScript", by: "clients" },
    Need { program: "tsc", package: "node-typescript", needed_for: "the client in TypeScript", by: "clients" },
    Need { program: "chromium", package: "chromium", needed_for: "the tests of pages", by: "" },
    Need { program: "chromedriver", package: "chromium-driver", needed_for: "the tests of pages", by: "" },
];

/// What the measurements need.
pub(crate) const OF_BENCH: &[Need] = &[
    Need { program: "wrk", package: "wrk", needed_for: "generating load", by: "" },
    Need { program: "valgrind", package: "valgrind", needed_for: "counting instructions", by: "" },
    Need { program: "sqlite3", package: "sqlite3", needed_for: "the control of seeding", by: "" },
    Need { program: "chrt", package: "util-linux", needed_for: "the priority of attackers", by: "" },
];

/// What programs from `PyPI` need.
pub(crate) const OF_PYTHON: &[Need] = &[
    Need { program: "python3", package: "python3", needed_for: "programs from PyPI", by: "" },
    Need { program: "python3 -m ensurepip", package: "python3-venv", needed_for: "programs from PyPI", by: "" },
];

impl Need {
    fn is_there(&self) -> bool {
        match self.program.strip_prefix("python3 -m ") {
            Some(module) => {
                let import = Command::new("python3").args(["-c", &format!("import {module}")]).output();
                import.is_ok_and(|import| import.status.success())
            }
            None => find(self.program).is_some(),
        }
    }
}

/// Installs what is missing if this user may, else fails with the command that would.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let root = root();
    let missing: Vec<&Need> = needs.iter().filter(|need| root.join(need.by).is_dir() && !need.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        eprintln!(
            "xtask: {} is missing (Debian package {}); needed for {}",
            need.program, need.package, need.needed_for
        );
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let Some(prefix) = installer() else {
        bail!(
            "install the missing programs; on Debian: sudo apt-get install --no-install-recommends {}",
            packages.join(" ")
        );
    };
    run(apt(&prefix).arg("update"))?;
    run(apt(&prefix).args(["install", "--yes", "--no-install-recommends"]).args(&packages))
}

/// Whether there is a program of this name.
pub(crate) fn has(program: &str) -> bool {
    find(program).is_some()
}

/// Finds a program on the path, or where Debian installs PostgreSQL.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Servers are there, which isn't on everybody's path.
    let directories = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let on_path = directories.map(|directory| directory.join(program)).collect::<Vec<_>>().into_iter();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let of_postgres = versions.map(|version| version.path().join("bin").join(program));
    on_path.chain(of_postgres).find(|candidate| candidate.is_file())
}

/// The prefix for `apt-get`, if this user may install packages without a password.
fn installer() -> Option<Vec<&'static str>> {
    if !Path::new("/usr/bin/apt-get").is_file() {
        return None;
    }
    if output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0") {
        return Some(Vec::new());
    }
    let sudo = Command::new("sudo").args(["--non-interactive", "true"]).output();
    sudo.is_ok_and(|sudo| sudo.status.success()).then(|| vec!["sudo", "--non-interactive"])
}

fn apt(prefix: &[&str]) -> Command {
    let words: Vec<&str> =
        prefix.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet=2"]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}
