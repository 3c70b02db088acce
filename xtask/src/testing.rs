use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::commands::cargo;
use crate::needs;

const TESTS: [&str; 4] = ["test", "--workspace", "--all-features", "--no-fail-fast"];

/// Runs every test of the workspace, and those of the HTTP door on PostgreSQL, too. With arguments, it runs what they choose
/// alone. The test runner's summary is the last output.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    needs::ensure(needs::OF_TESTS)?;
    let mut all = cargo();
    all.args(TESTS).args(arguments);
    let mut passed = all.status().context("cannot start cargo test")?.success();
    if arguments.is_empty() {
        // Of the same workspace, so that nothing is built with other features.
        let mut doors = cargo();
        doors.args(TESTS).args(["--test", "doors"]).env("BACKSTAY_TEST_DATABASE", "postgres");
        passed &= doors.status().context("cannot start cargo test")?.success();
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
