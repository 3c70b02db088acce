use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::commands::cargo;
use crate::needs;

/// Runs every test of the workspace; the runner's closing lines are the last that are printed.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    needs::ensure(needs::OF_TESTS)?;
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-features", "--no-fail-fast"]).args(arguments);
    let status = command.status().context("starting cargo test")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
