use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::pin::pin;
use std::process::ExitCode;

use backstay_model::{Diagnostics, Style};
use console::Term;
use serde_json::json;

use super::print;
use crate::answer::Count;
use crate::arguments::{Check, Form};
use crate::check::{Checked, plain, shown};
use crate::serve::stop_signal;
use crate::watch::Watcher;
use crate::{Compiled, Directory, Failure, logging};

/// Checks an application, with `--watch` again after each change.
pub(super) async fn check(arguments: &Check) -> Result<ExitCode, Failure> {
    if !arguments.watch {
        return check_once(arguments);
    }
    let mut watcher = Watcher::new(Directory::open(arguments.app.path())?);
    let mut stop = pin!(stop_signal()?);
    let terminal = io::stderr().is_terminal() && io::stdout().is_terminal();
    loop {
        if terminal {
            Term::stdout().clear_screen()?;
        }
        let code = check_once(arguments)?;
        if terminal {
            logging::tell("\nwatching for changes; end with Ctrl-C\n");
        }
        tokio::select! {
            _ = watcher.changed() => (),
            () = &mut stop => return Ok(code),
        }
    }
}

fn check_once(arguments: &Check) -> Result<ExitCode, Failure> {
    let Checked { config, compiled, failures } = crate::check::check(arguments.app.path());
    let settings = config.map(|config| config.warnings).unwrap_or_default();
    let lints = compiled.as_ref().map(Compiled::warnings);
    let warnings = settings.iter().count() + lints.iter().flat_map(Diagnostics::iter).count();
    let is_denied = arguments.deny_warnings && warnings > 0;
    let code = if failures.is_empty() && !is_denied { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if arguments.format == Form::Json {
        let warnings = settings.plain().into_iter().chain(lints.iter().flat_map(Diagnostics::plain));
        let found = failures.iter().flat_map(|failure| plain(failure, arguments.app.path())).chain(warnings);
        let found: Vec<_> = found.map(|one| shown(&one)).collect();
        print(&format!("{}\n", json!({ "diagnostics": found })))?;
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
    }
    Ok(code)
}
