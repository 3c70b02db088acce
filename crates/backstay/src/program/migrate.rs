//! `backstay migrate`.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backstay_engine::{Migration, OnProgress, OpenError, OpenOptions, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::spawn_blocking;

use super::{find, print};
use crate::apply::{opened, refused};
use crate::arguments::{Form, Migrating};
use crate::plan::Plan;
use crate::socket::Running;
use crate::{Answer, Command, Compiled, Failure, Place, compile, logging};

/// Shows the steps without applying them.
pub(super) fn plan(arguments: &Migrating) -> Result<ExitCode, Failure> {
    let place = find(arguments.whole.app.path(), arguments.whole.data.as_ref())?;
    let compiled = compile(&place)?;
    place.require_database()?;
    let plan = Plan { steps: place.plan(&compiled.application)?, allow_data_loss: arguments.allow_data_loss };
    print(&match arguments.format {
        Form::Text => plan.to_string(),
        Form::Json => format!("{}\n", plan.json()),
    })?;
    Ok(if plan.is_applicable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Applies all steps, or none. A running server does so itself.
pub(super) async fn apply(arguments: &Migrating) -> Result<ExitCode, Failure> {
    let place = find(arguments.whole.app.path(), arguments.whole.data.as_ref())?;
    // Problems of the model are shown with excerpts here, whoever migrates.
    let compiled = compile(&place)?;
    let allow_data_loss = arguments.allow_data_loss;
    let answer = match Running::find(&place)? {
        Some(server) => {
            let command = Command::ApplyModel { app: place.directory.root().canonicalize()?, allow_data_loss };
            spawn_blocking(move || server.ask(&command)).await.map_err(io::Error::from)??
        }
        None => apply_here(&place, compiled, allow_data_loss)?,
    };
    let Answer::Migration { applied, text, report } = answer else {
        print(&answer.to_string())?;
        return Ok(ExitCode::SUCCESS);
    };
    match (arguments.format, applied) {
        (Form::Json, _) => print(&format!("{report}\n"))?,
        (Form::Text, true) => print(&text)?,
        (Form::Text, false) => logging::tell(&text),
    }
    Ok(if applied { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn apply_here(place: &Place, compiled: Compiled, allow_data_loss: bool) -> Result<Answer, Failure> {
    let bar = Bar::new();
    let options = OpenOptions {
        migration: Migration::Apply { allow_data_loss },
        on_progress: bar.watch(),
        ..place.options(|_| ())
    };
    let outcome = place.open(compiled.application, &options);
    bar.end();
    match outcome {
        Ok((instance, outcome)) => {
            instance.engine.close();
            Ok(opened(outcome, &place.database))
        }
        Err(Failure::Open(OpenError::Migration { steps })) => Ok(refused(&Plan { steps, allow_data_loss })),
        Err(failure) => Err(failure),
    }
}

/// Shows on a terminal how far a migration has come.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        if !console::user_attended_stderr() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("  {prefix} {bar:32} {percent:>3} % {eta:>4}  {msg}");
        bar.set_style(style.expect("the template is valid"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    fn watch(&self) -> OnProgress {
        let bar = self.0.clone();
        Arc::new(move |progress: &Progress<'_>| {
            let Progress { words, step, steps, done, total } = *progress;
            bar.set_prefix(format!("step {step} of {steps}"));
            bar.set_message(words.to_owned());
            if done == 0 {
                bar.reset_eta();
            }
            bar.set_length(total);
            bar.set_position(done);
        })
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
