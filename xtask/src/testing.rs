use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::commands::cargo;
use crate::needs;

/// Runs every test of the workspace. The test runner's summary is the last output.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    needs::ensure(needs::OF_TESTS)?;
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-features", "--no-fail-fast"]).args(arguments);
    let status = command.status().context("cannot start cargo test")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
