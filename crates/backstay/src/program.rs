use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use backstay_engine::{Engine, OpenOutcome, Risk, Step};
use backstay_model::{Diagnostics, PlainDiagnostic, Style};
use clap::Parser as _;
use serde_json::json;

use crate::arguments::{
    Arguments, Check, Explain, Form, Invite, Key, Migrate, Operator, Role, Serve, Verb, Whole, Within,
};
use crate::command::{Answer, Command};
use crate::config::{Log, LogFormat, LogLevel};
use crate::secrets::new_password;
use crate::socket::Running;
use crate::{Failure, Place, compile, logging};

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
        Verb::Operator(operator) => self::operator(operator).await,
        Verb::Role(role) => self::role(role).await,
        Verb::Key(key) => self::key(key).await,
        Verb::Invite(Invite { email, roles, expires, within }) => {
            command(&within, Command::Invite { email, roles, seconds: expires.0 }).await
        }
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
    if !place.data.join("backstay.db").exists() {
        return Err(Failure::NoDatabase { path: place.data });
    }
    let steps = Engine::plan_migration(&compiled.application, &place.options(|_| ()))?;
    print(&if steps.is_empty() { "nothing to do: the model is the stored one\n".to_owned() } else { told(&steps) })?;
    Ok(ExitCode::SUCCESS)
}

fn apply(whole: &Whole) -> Result<ExitCode, Failure> {
    let place = Place::find(&whole.app, whole.data.as_deref())?;
    let compiled = compile(&place.directory)?;
    let (instance, outcome) = place.open(compiled.application, &place.options(|_| ()))?;
    instance.engine.close();
    print(&match outcome {
        OpenOutcome::Created => format!("database made in {}\n", place.data.display()),
        OpenOutcome::Unchanged => "nothing to do: the model is the stored one\n".to_owned(),
        OpenOutcome::Migrated(steps) => format!("{}done\n", told(&steps)),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Steps of a migration, for people.
fn told(steps: &[Step]) -> String {
    use std::fmt::Write as _;

    let mut text = String::new();
    for step in steps {
        let _ = writeln!(text, "{} ({})", step.words, words(step.risk));
        for statement in &step.sql {
            let _ = writeln!(text, "    {statement};");
        }
    }
    text
}

fn words(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Locks => "writes wait while rows are read",
        Risk::Rewrites => "writes a table anew",
        Risk::LosesData => "loses data",
    }
}

async fn seed(whole: &Whole) -> Result<ExitCode, Failure> {
    let place = Place::find(&whole.app, whole.data.as_deref())?;
    logging::start(Log { format: LogFormat::Text, level: LogLevel::Warn });
    let answer = ask(&place, Command::Seed {}).await?;
    print(&answer.to_string())?;
    Ok(ExitCode::SUCCESS)
}

async fn operator(operator: Operator) -> Result<ExitCode, Failure> {
    match operator {
        Operator::Add { email, password, within } => {
            let password = new_password(&password)?;
            command(&within, Command::AddOperator { email, password }).await
        }
        Operator::List(within) => command(&within, Command::ListOperators {}).await,
    }
}

async fn role(role: Role) -> Result<ExitCode, Failure> {
    match role {
        Role::Grant { account, role, within } => command(&within, Command::GrantRole { account, role }).await,
        Role::Revoke { account, role, within } => command(&within, Command::RevokeRole { account, role }).await,
        Role::List { account, within } => command(&within, Command::ListRoles { account }).await,
    }
}

async fn key(key: Key) -> Result<ExitCode, Failure> {
    match key {
        Key::Add { name, roles, claims, expires, within } => {
            let seconds = expires.map(|lifetime| lifetime.0);
            command(&within, Command::AddKey { name, roles, claims: claims.into_iter().collect(), seconds }).await
        }
        Key::List(within) => command(&within, Command::ListKeys {}).await,
        Key::Revoke { key, within } => command(&within, Command::RevokeKey { key }).await,
    }
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

/// Has the running server do it; where none runs, opens the database and does it here.
async fn ask(place: &Place, command: Command) -> Result<Answer, Failure> {
    if let Some(server) = Running::find(&place.data)? {
        return tokio::task::spawn_blocking(move || server.ask(&command)).await.map_err(io::Error::from)?;
    }
    let compiled = compile(&place.directory)?;
    let (instance, _) = place.open(compiled.application, &place.options(tell_fatal))?;
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
