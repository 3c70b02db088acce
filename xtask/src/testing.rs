use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::commands::cargo;
use crate::{needs, schemathesis};

/// Runs every test of the workspace. The test runner's summary is the last output, so Schemathesis, which finds what the
/// tests don't, goes first. It doesn't run if arguments choose among the tests.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    needs::ensure(needs::OF_TESTS)?;
    let asked = if arguments.is_empty() { schemathesis::run(&[]) } else { Ok(ExitCode::SUCCESS) };
    if let Err(error) = &asked {
        eprintln!("xtask: {error:#}");
    }
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-features", "--no-fail-fast"]).args(arguments);
    let status = command.status().context("cannot start cargo test")?;
    Ok(if status.success() && asked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
