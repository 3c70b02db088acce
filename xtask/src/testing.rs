use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::commands::cargo;
use crate::{clients, needs, schemathesis};

const TESTS: [&str; 3] = ["test", "--workspace", "--all-features"];

/// Runs every test of the workspace, or those that arguments choose. Without arguments, it runs first what isn't a test of
/// cargo, and the tests of the HTTP door and of webhooks on PostgreSQL. The test runner's summary of the workspace is the last output.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    needs::ensure(needs::OF_TESTS)?;
    let builds = || cargo().args(TESTS).arg("--no-run").status().is_ok_and(|status| status.success());
    // What doesn't build is reported below.
    let others_succeed = !arguments.is_empty() || !builds() || others_succeed() & doors_succeed()?;
    let mut command = cargo();
    command.args(TESTS).arg("--no-fail-fast").args(arguments);
    let status = command.status().context("cannot start cargo test")?;
    Ok(if status.success() && others_succeed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the tests of the HTTP door and of webhooks on PostgreSQL.
fn doors_succeed() -> Result<bool> {
    let mut doors = cargo();
    // Of the whole workspace, so that nothing is built with other features.
    doors
        .args(TESTS)
        .args(["--no-fail-fast", "--test", "doors", "--test", "webhooks"])
        .env("BACKSTAY_TEST_DATABASE", "postgres");
    Ok(doors.status().context("cannot start cargo test")?.success())
}

/// Runs what programs from elsewhere ask the program that was built. One that can't be installed is skipped.
fn others_succeed() -> bool {
    let schemathesis = || schemathesis::installed().map(|programs| schemathesis::check(&programs, &[]));
    let tours =
        clients::LANGUAGES.iter().map(|language| (format!("the newsroom in {}", language.name), language.tour()));
    let mut all = true;
    for (name, outcome) in std::iter::once(("Schemathesis".to_owned(), schemathesis())).chain(tours) {
        match outcome {
            Err(missing) => eprintln!("xtask: SKIPPED: {name}: {missing:#}"),
            Ok(Err(failure)) => {
                eprintln!("xtask: FAILED: {name}: {failure:#}");
                all = false;
            }
            Ok(Ok(())) => {}
        }
    }
    all
}
