//! `backstay migrate`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backstay_engine::{Migration, OnProgress, OpenError, OpenOptions, OpenOutcome, Progress, Step};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::arguments::{Form, Migrating};
use crate::plan::{Applied, Plan};
use crate::program::{find, print};
use crate::{Failure, compile};

/// Shows the steps without applying them.
pub(crate) fn plan(arguments: &Migrating) -> Result<ExitCode, Failure> {
    let place = find(arguments.whole.app.path(), arguments.whole.data.as_deref())?;
    let compiled = compile(&place.directory)?;
    place.require_database()?;
    let plan = planned(place.plan(&compiled.application)?, arguments);
    print(&match arguments.format {
        Form::Text => plan.to_string(),
        Form::Json => format!("{}\n", plan.json()),
    })?;
    Ok(if plan.is_applicable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Applies all steps, or none.
pub(crate) fn apply(arguments: &Migrating) -> Result<ExitCode, Failure> {
    let place = find(arguments.whole.app.path(), arguments.whole.data.as_deref())?;
    let compiled = compile(&place.directory)?;
    let bar = Bar::new();
    let options = OpenOptions {
        migration: Migration::Apply { allow_data_loss: arguments.allow_data_loss },
        on_progress: bar.watch(),
        ..place.options(|_| ())
    };
    let opened = place.open(compiled.application, &options);
    bar.end();
    let (instance, outcome) = match opened {
        Err(Failure::Open(OpenError::Locked { path })) => return Err(Failure::ServerRuns { path, what: "migrate" }),
        Err(Failure::Open(OpenError::Migration { steps })) => {
            let plan = planned(steps, arguments);
            match arguments.format {
                Form::Text => crate::logging::tell(&plan.to_string()),
                Form::Json => print(&format!("{}\n", plan.json()))?,
            }
            return Ok(ExitCode::FAILURE);
        }
        opened => opened?,
    };
    instance.engine.close();
    let steps = match &outcome {
        OpenOutcome::Migrated(steps) => steps.clone(),
        OpenOutcome::Created | OpenOutcome::Unchanged => Vec::new(),
    };
    print(&match (arguments.format, outcome) {
        (Form::Json, outcome) => {
            let created = matches!(outcome, OpenOutcome::Created);
            format!("{}\n", json!({ "created": created, "steps": planned(steps, arguments).json()["steps"] }))
        }
        (Form::Text, OpenOutcome::Created) => format!("created the database in {}\n", place.data.display()),
        (Form::Text, OpenOutcome::Unchanged) => planned(steps, arguments).to_string(),
        (Form::Text, OpenOutcome::Migrated(steps)) => format!("{}done\n", Applied(steps)),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn planned(steps: Vec<Step>, arguments: &Migrating) -> Plan {
    Plan { steps, allow_data_loss: arguments.allow_data_loss }
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
