mod adopt;
mod backup;
mod bundle;
mod callers;
mod check;
mod client;
mod inspection;
mod jobs;
mod migrate;
mod new;
mod reset;
mod test;
mod transfer;
mod webhooks;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use backstay_engine::Location;
use tokio::runtime::Builder;

use crate::answer::{Count, ReindexedLine};
use crate::arguments::{Arguments, Explain, Form, LogVerb, Migrate, Reindex, Serve, Verb, Whole, Within};
use crate::channel::Channel;
use crate::config::{Log, LogFormat, LogLevel, MIB};
use crate::{Answer, Command, Config, Failure, Place, logging, reindex, threads};

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
        Verb::Directives(arguments) => write_out(backstay_model::DIRECTIVES, arguments.out.as_deref()),
        Verb::Client(arguments) => client::client(&arguments),
        Verb::Serve(arguments) => serve(arguments).await,
        Verb::Dev(arguments) => crate::dev::dev(&arguments).await,
        Verb::Check(arguments) => check::check(&arguments).await,
        Verb::Test(arguments) => test::test(&arguments).await,
        Verb::Bundle(arguments) => bundle::bundle(&arguments),
        Verb::Migrate(Migrate::Plan(arguments)) => migrate::plan(&arguments),
        Verb::Migrate(Migrate::Apply(arguments)) => migrate::apply(&arguments).await,
        Verb::Log(verb) => log(verb).await,
        Verb::Reindex(arguments) => reindex(arguments).await,
        Verb::Backup(arguments) => backup::backup(arguments).await,
        Verb::Restore(arguments) => backup::restore(&arguments),
        Verb::Copy(arguments) => backup::copy(&arguments),
        Verb::Adopt(arguments) => adopt::adopt(&arguments),
        Verb::Seed(whole) => seed(&whole).await,
        Verb::Import(import) => transfer::import(*import).await,
        Verb::Export(export) => Box::pin(transfer::export(*export)).await,
        Verb::Operator(operator) => callers::operator(operator).await,
        Verb::Account(account) => callers::account(account).await,
        Verb::Role(role) => callers::role(role).await,
        Verb::Key(key) => callers::key(key).await,
        Verb::Job(job) => jobs::job(job).await,
        Verb::Webhook(webhook) => webhooks::webhook(webhook).await,
        Verb::Inspect(inspect) => inspection::inspect(inspect).await,
        Verb::Invite(invite) => callers::invite(invite).await,
        Verb::Explain(Explain { request, caller, link, body, within }) => {
            command(&within, Command::Explain { caller, link, request, body }).await
        }
    }
}

async fn serve(arguments: Serve) -> Result<ExitCode, Failure> {
    let found = Place::find(arguments.whole.app.path(), arguments.whole.data.as_ref());
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

/// Writes to a file, or else to standard output.
fn write_out(text: &str, file: Option<&Path>) -> Result<ExitCode, Failure> {
    match file {
        None => print(text)?,
        Some(path) => {
            std::fs::write(path, text).map_err(|source| Failure::Write { path: path.to_owned(), source })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn seed(whole: &Whole) -> Result<ExitCode, Failure> {
    let place = find(whole.app.path(), whole.data.as_ref())?;
    logging::start(Log { format: LogFormat::Text, level: LogLevel::Warn });
    let answer = ask(&place, Command::Seed {}).await?;
    print(&answer.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Finds the application that a command is about, and writes warnings about its settings to standard error.
pub(crate) fn find(app: &Path, data: Option<&Location>) -> Result<Place, Failure> {
    let place = Place::find(app, data)?;
    logging::tell(&place.config.warnings.render(io::stderr().is_terminal()));
    Ok(place)
}

async fn log(verb: LogVerb) -> Result<ExitCode, Failure> {
    match verb {
        LogVerb::Show { since, limit, record, within } => {
            command(&within, Command::ShowLog { since, limit, record }).await
        }
        LogVerb::Verify { against, within } => command(&within, Command::VerifyLog { against }).await,
        LogVerb::Prune { keep, max_mib, within } => {
            let seconds = keep.map(|keep| u64::from(keep.0));
            let bytes = max_mib.map(|mib| u64::from(mib) * MIB as u64);
            command(&within, Command::PruneLog { seconds, bytes }).await
        }
    }
}

/// Builds indexes of searches anew; on a terminal, shows how far it is.
async fn reindex(arguments: Reindex) -> Result<ExitCode, Failure> {
    let Reindex { collection, within } = arguments;
    let place = find(&within.app, within.data.as_ref())?;
    let terminal = io::stderr().is_terminal();
    let tell = |line: &ReindexedLine| {
        if terminal {
            logging::tell(&format!("\r{}: {}", line.collection, Count(line.records, "record")));
        }
    };
    let first = Command::Reindex { collection: collection.clone(), from: None };
    let channel = Channel::open(&place, &first)?;
    let reindexed = reindex::all(&channel, collection, tell).await;
    channel.close();
    if terminal {
        logging::tell("\n");
    }
    show(&within, &reindexed?)
}

/// Runs a command and prints its answer.
async fn command(within: &Within, command: Command) -> Result<ExitCode, Failure> {
    let place = find(&within.app, within.data.as_ref())?;
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
    let channel = Channel::open(place, &command)?;
    let answer = channel.ask(command).await;
    channel.close();
    answer
}

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(Failure::Output),
    }
}
