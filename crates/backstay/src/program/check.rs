use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::pin::pin;
use std::process::ExitCode;

use backstay_base::Error;
use backstay_model::{Diagnostics, Style};
use console::Term;
use serde_json::json;

use super::{ask, print};
use crate::answer::{Count, OtherAnswer, SumLine};
use crate::arguments::{Check, Form};
use crate::check::{Checked, plain, shown};
use crate::serve::stop_signal;
use crate::watch::Watcher;
use crate::{Answer, Command, Compiled, Directory, Failure, Place, logging};

/// Checks an application, with `--watch` again after each change.
pub(super) async fn check(arguments: &Check) -> Result<ExitCode, Failure> {
    if !arguments.watch {
        let mut checked = crate::check::check(arguments.app.path());
        let mut sums = Vec::new();
        if arguments.sums && checked.failures.is_empty() {
            match compare(arguments).await {
                Ok(compared) => sums = compared,
                Err(failure) => checked.failures.push(failure),
            }
        }
        return show(arguments, checked, sums);
    }
    let mut watcher = Watcher::new(Directory::open(arguments.app.path())?);
    let mut stop = pin!(stop_signal()?);
    let terminal = io::stderr().is_terminal() && io::stdout().is_terminal();
    loop {
        if terminal {
            Term::stdout().clear_screen()?;
        }
        let code = show(arguments, crate::check::check(arguments.app.path()), Vec::new())?;
        if terminal {
            logging::tell("\nwatching for changes; end with Ctrl-C\n");
        }
        tokio::select! {
            _ = watcher.changed() => (),
            () = &mut stop => return Ok(code),
        }
    }
}

/// Compares the stored sums in the database.
async fn compare(arguments: &Check) -> Result<Vec<SumLine>, Failure> {
    let place = Place::find(arguments.app.path(), arguments.data.as_ref())?;
    let Answer::Sums { sums } = ask(&place, Command::CompareSums {}).await? else {
        return Err(Error::internal(OtherAnswer).into());
    };
    Ok(sums)
}

fn show(arguments: &Check, checked: Checked, sums: Vec<SumLine>) -> Result<ExitCode, Failure> {
    let Checked { config, compiled, failures, program: _, templates: _ } = checked;
    let settings = config.map(|config| config.warnings).unwrap_or_default();
    let lints = compiled.as_ref().map(Compiled::warnings);
    let warnings = settings.iter().count() + lints.iter().flat_map(Diagnostics::iter).count();
    let is_denied = arguments.deny_warnings && warnings > 0;
    let differs = sums.iter().any(|sum| sum.differing > 0);
    let code = if failures.is_empty() && !is_denied && !differs { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if arguments.format == Form::Json {
        let warnings = settings.plain().into_iter().chain(lints.iter().flat_map(Diagnostics::plain));
        let found = failures.iter().flat_map(|failure| plain(failure, arguments.app.path())).chain(warnings);
        let found: Vec<_> = found.map(|one| shown(&one)).collect();
        let answer = match arguments.sums {
            true => json!({ "diagnostics": found, "sums": sums }),
            false => json!({ "diagnostics": found }),
        };
        print(&format!("{answer}\n"))?;
        return Ok(code);
    }
    let colour = io::stderr().is_terminal();
    let mut text: String = failures.iter().map(|failure| failure.render(colour)).collect();
    text.push_str(&settings.render(colour));
    if let Some(lints) = &lints {
        text.push_str(&lints.render(if colour { Style::Colour } else { Style::Plain }));
    }
    if is_denied {
        let help = "docs/lints.md explains each of them";
        let _ =
            writeln!(text, "error: {}, refused by --deny-warnings\n  help: {help}", Count(warnings as u64, "warning"));
    }
    logging::tell(&text);
    if let Some(compiled) = compiled.filter(|_| failures.is_empty()) {
        let model = compiled.application.model();
        let collections = model.collections.iter().filter(|collection| !collection.system).count();
        let warnings = match warnings {
            0 => String::new(),
            _ => format!(", {}", Count(warnings as u64, "warning")),
        };
        let collections = Count(collections as u64, "collection");
        print(&format!("{}: {collections}, no errors{warnings}\n", model.name))?;
        if arguments.sums {
            print(&Answer::Sums { sums }.to_string())?;
        }
    }
    Ok(code)
}
