mod backup;
mod callers;
mod check;
mod migrate;
mod new;
mod reset;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use backstay_engine::{Migration, OpenError, OpenOptions};
use tokio::runtime::Builder;

use crate::arguments::{Arguments, Directives, Explain, Form, Migrate, Serve, Verb, Whole, Within};
use crate::config::{Log, LogFormat, LogLevel};
use crate::socket::Running;
use crate::{Answer, Command, Config, Failure, Place, compile, logging, threads};

/// Runs the command line.
pub fn main() -> ExitCode {
    let _flush = logging::Flush;
    let arguments = Arguments::of_process();
    let runtime = threads::require().and_then(|()| Ok(Builder::new_multi_thread().enable_all().build()?));
    let outcome = runtime.and_then(|runtime| runtime.block_on(run(arguments.verb)));
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            logging::tell(&failure.render(io::stderr().is_terminal()));
            ExitCode::FAILURE
        }
    }
}

async fn run(verb: Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::New(arguments) => new::new(arguments),
        Verb::Reset(arguments) => reset::reset(&arguments),
        Verb::Directives(arguments) => directives(&arguments),
        Verb::Serve(arguments) => serve(arguments).await,
        Verb::Dev(arguments) => crate::dev::dev(&arguments).await,
        Verb::Check(arguments) => check::check(&arguments).await,
        Verb::Migrate(Migrate::Plan(arguments)) => migrate::plan(&arguments),
        Verb::Migrate(Migrate::Apply(arguments)) => migrate::apply(&arguments).await,
        Verb::Backup(arguments) => backup::backup(arguments).await,
        Verb::Restore(arguments) => backup::restore(&arguments),
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
    let found = Place::find(arguments.whole.app.path(), arguments.whole.data.as_deref());
    let configured = match &found {
        Ok(place) => place.config.log,
        Err(Failure::Config(error)) => error.log,
        Err(_) => Config::default().log,
    };
    let log = Log { format: arguments.log_format.unwrap_or(configured.format), ..configured };
    logging::start(log);
    let served = match found {
        Ok(mut place) => {
            place.config.server.listen = arguments.listen.instead_of(place.config.server.listen);
            place.config.log = log;
            crate::serve(&place).await
        }
        Err(failure) => Err(failure),
    };
    match served {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failure) if log.format == LogFormat::Json => {
            failure.log();
            Ok(ExitCode::FAILURE)
        }
        Err(failure) => Err(failure),
    }
}

fn directives(arguments: &Directives) -> Result<ExitCode, Failure> {
    match &arguments.out {
        None => print(backstay_model::DIRECTIVES)?,
        Some(path) => std::fs::write(path, backstay_model::DIRECTIVES)
            .map_err(|source| Failure::Write { path: path.clone(), source })?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn seed(whole: &Whole) -> Result<ExitCode, Failure> {
    let place = find(whole.app.path(), whole.data.as_deref())?;
    logging::start(Log { format: LogFormat::Text, level: LogLevel::Warn });
    let answer = ask(&place, Command::Seed {}).await?;
    print(&answer.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Finds the application that a command is about, and writes warnings about its settings to standard error.
pub(crate) fn find(app: &Path, data: Option<&Path>) -> Result<Place, Failure> {
    let place = Place::find(app, data)?;
    logging::tell(&place.config.warnings.render(io::stderr().is_terminal()));
    Ok(place)
}

/// Runs a command and prints its answer.
async fn command(within: &Within, command: Command) -> Result<ExitCode, Failure> {
    let place = find(&within.app, within.data.as_deref())?;
    show(within, &ask(&place, command).await?)
}

/// Prints an answer.
fn show(within: &Within, answer: &Answer) -> Result<ExitCode, Failure> {
    show_as(within.format, answer)
}

fn show_as(format: Form, answer: &Answer) -> Result<ExitCode, Failure> {
    print(&match format {
        Form::Text => answer.to_string(),
        Form::Json => format!("{}\n", serde_json::to_string(answer).map_err(io::Error::from)?),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Has the running server run a command. If none is running, opens the database and runs it here. Only `serve` and
/// `migrate apply` migrate the database.
pub(crate) async fn ask(place: &Place, command: Command) -> Result<Answer, Failure> {
    if let Some(server) = Running::find(&place.data)? {
        return tokio::task::spawn_blocking(move || server.ask(&command)).await.map_err(io::Error::from)?;
    }
    let compiled = compile(&place.directory)?;
    // What can be known to fail is reported before anything is created.
    command.check_possible(place.config.accounts.sign_up)?;
    if !command.can_begin() {
        place.require_database()?;
    }
    let options = OpenOptions { migration: Migration::Refuse, ..place.options(tell_fatal) };
    let (instance, _) = match place.open(compiled.application, &options) {
        Err(Failure::Open(OpenError::Migration { .. })) => {
            let steps = place.plan(&compile(&place.directory)?.application)?;
            return Err(Failure::Differs { steps });
        }
        opened => opened?,
    };
    let answer = match command {
        Command::Seed {} => instance.seed(true).await.map(|seeded| Answer::Seeded { seeded }),
        command => instance.run(command).await,
    };
    instance.engine.close();
    answer
}

fn tell_fatal(words: &str) {
    logging::tell(&format!("error: the database failed: {words}\n"));
    logging::abort();
}

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(Failure::Output),
    }
}
