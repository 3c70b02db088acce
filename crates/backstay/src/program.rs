mod callers;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use backstay_engine::{Engine, Migration, OpenError, OpenOptions, OpenOutcome};
use backstay_model::{Diagnostics, PlainDiagnostic, Style};
use clap::Parser as _;
use serde_json::json;

use crate::arguments::{Arguments, Check, Explain, Form, Migrate, Serve, Verb, Whole, Within};
use crate::config::{Log, LogFormat, LogLevel};
use crate::plan::{Plan, Taken};
use crate::socket::Running;
use crate::{Answer, Command, Failure, Place, compile, logging};

/// The program: does what its command line says.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = outcome.map_err(Failure::System).and_then(|runtime| runtime.block_on(run(arguments.verb)));
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            let rendered = failure.render(io::stderr().is_terminal());
            let _ = io::stderr().write_all(rendered.as_bytes());
            ExitCode::FAILURE
        }
    }
}

async fn run(verb: Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Serve(arguments) => serve(arguments).await,
        Verb::Check(arguments) => check(&arguments),
        Verb::Migrate(Migrate::Plan(whole)) => plan(&whole),
        Verb::Migrate(Migrate::Apply(whole)) => apply(&whole),
        Verb::Seed(whole) => seed(&whole).await,
        Verb::Operator(operator) => callers::operator(operator).await,
        Verb::Account(account) => callers::account(account).await,
        Verb::Role(role) => callers::role(role).await,
        Verb::Key(key) => callers::key(key).await,
        Verb::Invite(invite) => callers::invite(invite).await,
        Verb::Explain(Explain { request, caller, body, within }) => {
            command(&within, Command::Explain { caller, request, body }).await
        }
    }
}

async fn serve(arguments: Serve) -> Result<ExitCode, Failure> {
    let mut place = Place::find(&arguments.whole.app, arguments.whole.data.as_deref())?;
    place.config.server.listen = arguments.listen.unwrap_or(place.config.server.listen);
    place.config.log.format = arguments.log_format.unwrap_or(place.config.log.format);
    logging::start(place.config.log);
    crate::serve(&place).await?;
    Ok(ExitCode::SUCCESS)
}

fn check(arguments: &Check) -> Result<ExitCode, Failure> {
    let compiled = Place::find(&arguments.app, None).and_then(|place| compile(&place.directory));
    if arguments.format == Form::Json {
        let (code, found) = match &compiled {
            Ok(compiled) => (ExitCode::SUCCESS, plain(&compiled.warnings)),
            Err(Failure::Model(diagnostics)) => (ExitCode::FAILURE, plain(diagnostics)),
            Err(failure) => {
                let refusal = failure.refusal();
                let whole = json!({"severity": "error", "message": refusal.message, "help": refusal.help});
                (ExitCode::FAILURE, vec![whole])
            }
        };
        print(&format!("{}\n", json!({ "diagnostics": found })))?;
        return Ok(code);
    }
    let compiled = compiled?;
    let style = if io::stderr().is_terminal() { Style::Colour } else { Style::Plain };
    io::stderr().write_all(compiled.warnings.render(style).as_bytes())?;
    let model = compiled.application.model();
    let collections = model.collections.iter().filter(|collection| !collection.system).count();
    print(&format!("{}: {collections} collections, no errors\n", model.name))?;
    Ok(ExitCode::SUCCESS)
}

fn plain(diagnostics: &Diagnostics) -> Vec<serde_json::Value> {
    let position = |at: Option<backstay_model::Position>| at.map(|at| json!({"line": at.line, "column": at.column}));
    let show = |one: &PlainDiagnostic| {
        json!({
            "severity": one.severity, "message": one.message, "file": one.file, "start": position(one.start),
            "end": position(one.end), "label": one.label, "help": one.help,
        })
    };
    diagnostics.plain().iter().map(show).collect()
}

fn plan(whole: &Whole) -> Result<ExitCode, Failure> {
    let place = Place::find(&whole.app, whole.data.as_deref())?;
    let compiled = compile(&place.directory)?;
    place.require_database()?;
    let plan = Plan(Engine::plan_migration(&compiled.application, &place.options(|_| ()))?);
    print(&plan.to_string())?;
    Ok(if plan.refused() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn apply(whole: &Whole) -> Result<ExitCode, Failure> {
    let place = Place::find(&whole.app, whole.data.as_deref())?;
    let compiled = compile(&place.directory)?;
    let (instance, outcome) = place.open(compiled.application, &place.options(|_| ()))?;
    instance.engine.close();
    print(&match outcome {
        OpenOutcome::Created => format!("database made in {}\n", place.data.display()),
        OpenOutcome::Unchanged => Plan(Vec::new()).to_string(),
        OpenOutcome::Migrated(steps) => format!("{}done\n", Taken(steps)),
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn seed(whole: &Whole) -> Result<ExitCode, Failure> {
    let place = Place::find(&whole.app, whole.data.as_deref())?;
    logging::start(Log { format: LogFormat::Text, level: LogLevel::Warn });
    let answer = ask(&place, Command::Seed {}).await?;
    print(&answer.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Has a command done and shows what came of it.
async fn command(within: &Within, command: Command) -> Result<ExitCode, Failure> {
    let place = Place::find(&within.app, within.data.as_deref())?;
    let answer = ask(&place, command).await?;
    print(&match within.format {
        Form::Text => answer.to_string(),
        Form::Json => format!("{}\n", serde_json::to_string(&answer).map_err(io::Error::from)?),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Has the running server do it; where none runs, opens the database and does it here. Only `serve` and `migrate apply`
/// bring stored data to another model.
async fn ask(place: &Place, command: Command) -> Result<Answer, Failure> {
    if let Some(server) = Running::find(&place.data)? {
        return tokio::task::spawn_blocking(move || server.ask(&command)).await.map_err(io::Error::from)?;
    }
    let compiled = compile(&place.directory)?;
    if !command.can_begin() {
        place.require_database()?;
    }
    let options = OpenOptions { migration: Migration::Refuse, ..place.options(tell_fatal) };
    let (instance, _) = place.open(compiled.application, &options).map_err(|failure| match failure {
        Failure::Open(OpenError::Migration { refused }) => Failure::Differs { steps: refused },
        failure => failure,
    })?;
    let answer = match command {
        Command::Seed {} => instance.seed(true).await,
        command => instance.run(command).await,
    };
    instance.engine.close();
    answer
}

fn tell_fatal(words: &str) {
    let _ = writeln!(io::stderr(), "error: the database failed: {words}");
    std::process::exit(1);
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough, such as `head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}
