use std::process::ExitCode;

use backstay_functions::Test;

use super::{find, print};
use crate::arguments::Test as Arguments;
use crate::config::{Log, LogFormat, LogLevel};
use crate::testing::Suite;
use crate::{Failure, logging};

/// Runs the tests of an application's functions. The exit code is 1 if one fails.
pub(super) async fn test(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let place = find(arguments.app.path(), None)?;
    logging::start_with(Log { format: LogFormat::Text, level: LogLevel::Warn }, LogLevel::Info);
    let suite = Suite::read(&place, arguments.seed)?;
    let is_chosen = |test: &&Test| {
        let only = arguments.only.as_deref().unwrap_or_default();
        test.name.contains(only) || test.file.contains(only)
    };
    let chosen: Vec<&Test> = suite.tests.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        return Err(Failure::NoTests { of: suite.tests.len() });
    }
    let (mut file, mut failed) = ("", 0);
    for test in &chosen {
        if test.file != file {
            file = &test.file;
            print(&format!("{file}\n"))?;
        }
        match suite.run(test).await? {
            None => print(&format!("  ok      {}\n", test.name))?,
            Some(why) => {
                failed += 1;
                print(&format!("  FAILED  {}\n          {}\n", test.name, why.replace('\n', "\n          ")))?;
            }
        }
    }
    print(&format!("\n{} passed, {failed} failed\n", chosen.len() - failed))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
