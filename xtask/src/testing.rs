use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::commands::cargo;
use crate::{clients, needs, schemathesis};

/// Runs every test of the workspace, and first what isn't a test of cargo, unless arguments choose tests. The test runner's
/// summary is the last output.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    needs::ensure(needs::OF_TESTS)?;
    let tests = ["test", "--workspace", "--all-features"];
    let builds = || cargo().args(tests).arg("--no-run").status().is_ok_and(|status| status.success());
    // What doesn't build is reported below.
    let others_succeed = !arguments.is_empty() || !builds() || others_succeed();
    let mut command = cargo();
    command.args(tests).arg("--no-fail-fast").args(arguments);
    let status = command.status().context("cannot start cargo test")?;
    Ok(if status.success() && others_succeed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs what programs from `PyPI` ask the program that was built. One that can't be installed is skipped.
fn others_succeed() -> bool {
    let schemathesis = || schemathesis::installed().map(|programs| schemathesis::check(&programs, &[]));
    let clients = || clients::installed().map(|programs| clients::check(&programs));
    let mut all = true;
    for (name, outcome) in [("Schemathesis", schemathesis()), ("the tour in Python", clients())] {
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
