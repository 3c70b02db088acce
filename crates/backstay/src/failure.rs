mod copies;
mod system;

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_base::Error;
use backstay_engine::{AdoptError, CopyError, Location, OpenError, Step};
use backstay_functions::Problem;
use backstay_identity::StartError;
use backstay_model::{Diagnostics, PlainDiagnostic, Style};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use system::{MORE_FILES, MORE_THREADS, listening, listening_help, socket_help, writing, writing_help};

use crate::answer::Count;
use crate::bundle::BundleError;
use crate::new::NewError;
use crate::secrets::SecretError;
use crate::seed::SeedError;
use crate::{ConfigError, DirectoryError, TransferError};

pub(crate) use system::words_of;

/// What to do about inboxes without secrets.
const INBOX_SECRETS: &str = "name them under `[secrets]` in `backstay.toml`, such as `STRIPE_SECRET = { env = \"STRIPE_SECRET\" }`, or \
                             set `BACKSTAY_SECRET_STRIPE_SECRET` for the server";

/// What to do about actions that nothing carries out.
const PROCEDURES: &str = "export a function of that name from a file in `functions/`: `export async function name(args, { db }) { … }`, \
                          register a procedure in Rust: `Backstay::from_dir(…)?.procedure(\"name\", …)`, or remove the action from the \
                          model";

/// What to do about mail that goes nowhere.
const MAIL_SERVER: &str = "write `url = \"smtps://user@mail.example.org\"` and `from = \"Shop <shop@example.org>\"` under `[mail]` in \
                           `backstay.toml`, or set `BACKSTAY_MAIL_URL` and `BACKSTAY_MAIL_FROM` for the server";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The application's directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The settings have errors.
    #[error("the settings have errors")]
    Config(#[from] ConfigError),
    /// The model has errors.
    #[error("the model has errors")]
    Model(#[from] Diagnostics),
    /// The data directory cannot be created.
    #[error("cannot create the data directory {path}: {}", writing(source))]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file with the database server's password cannot be read.
    #[error("cannot read the password in {path}: {}", words_of(source))]
    Password {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is a pooler, and no server behind it.
    #[error("`pooler` in [data] is set, but `url` isn't")]
    PoolerAlone,
    /// There are replicas, and no server that they follow.
    #[error("`replicas` in [data] are set, but `url` isn't")]
    ReplicasAlone,
    /// The data directory, or a file in it, cannot be written.
    #[error("cannot write to {}{path}: {}", data_directory(path, source), writing(source))]
    Unwritable {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system lets the process open too few files.
    #[error("the process may open only {limit} files at a time; Backstay needs {needed}")]
    OpenFiles {
        /// The limit.
        limit: u64,
        /// How many are needed.
        needed: u64,
    },
    /// The operating system lets the process start too few threads.
    #[error("cannot start {needed} threads: {}", words_of(source))]
    Threads {
        /// How many are needed.
        needed: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The runtime has one thread, which everything that blocks would stop.
    #[error("Backstay needs a multi-threaded Tokio runtime")]
    Runtime,
    /// Something is wrong in the application's functions.
    #[error("{}", listed(.0))]
    Functions(Vec<Problem>),
    /// A package that functions import can't be bundled.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Something is wrong in the application's templates of mail.
    #[error("{}", listed(.0))]
    Mail(Vec<backstay_mail::Problem>),
    /// Nothing says where the application's mail goes, or who sends it.
    #[error("the application sends mail, and [mail] has no {}", missing.join(" and no "))]
    MailServer {
        /// The keys that are missing.
        missing: Vec<&'static str>,
    },
    /// Actions of the model have nothing that carries them out.
    #[error("no function implements {}", functions(missing))]
    Procedures {
        /// The names of the functions that are missing.
        missing: Vec<String>,
    },
    /// Inboxes of the model have no secret that their events are signed with.
    #[error("the secrets of inboxes aren't set: {}", missing.join(", "))]
    InboxSecrets {
        /// The names of the secrets that are missing.
        missing: Vec<String>,
    },
    /// There is no test to run.
    #[error("{}", if *of == 0 { "the application has no tests" } else { "no test has this text in its name" })]
    NoTests {
        /// How many tests there are.
        of: usize,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database can be opened, but reading or writing it fails.
    #[error("cannot use the database in {place}")]
    Database {
        /// Where it is.
        place: Location,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// There is no database yet.
    #[error("there is no database in {place} yet")]
    NoDatabase {
        /// Where it is.
        place: Location,
    },
    /// The database would have to be migrated first, which only `serve` and `migrate apply` do.
    #[error("the database does not match the model: {}", words(steps))]
    Differs {
        /// What a migration would do.
        steps: Vec<Step>,
    },
    /// Accounts cannot be served with the model.
    #[error(transparent)]
    Identity(#[from] StartError),
    /// The seed files cannot be loaded.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// A password could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The command was refused.
    #[error(transparent)]
    Refused(#[from] Error),
    /// A command names a role that the model does not have.
    #[error("{error}")]
    Role {
        /// Why it was refused.
        #[source]
        error: Error,
        /// Which roles there are.
        help: String,
    },
    /// A command names an account where it needs an operator, or the other way round.
    #[error("{error}")]
    OtherKind {
        /// Why it was refused.
        #[source]
        error: Error,
        /// Which command there is for it.
        help: String,
    },
    /// An invitation that nobody could use.
    #[error("sign-up is closed, so nobody could use the invitation")]
    SignUpClosed,
    /// `reset` or `restore` while a server uses the database.
    #[error("cannot {what} the database in {place} while a server uses it")]
    ServerRuns {
        /// Where it is.
        place: Location,
        /// What was to be done, such as `reset`.
        what: &'static str,
    },
    /// An account lacks fields, or has some that its type doesn't.
    #[error("{error}")]
    AccountFields {
        /// Why it was refused.
        #[source]
        error: Error,
        /// Which fields there are.
        help: String,
    },
    /// An application cannot be made.
    #[error(transparent)]
    New(#[from] NewError),
    /// A file or directory cannot be written.
    #[error("cannot write {path}: {}", writing(source))]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {}", words_of(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database was not backed up or restored.
    #[error(transparent)]
    Copy(CopyError),
    /// A database of another program was not adopted.
    #[error(transparent)]
    Adopt(AdoptError),
    /// There is nothing that can be adopted.
    #[error("none of the tables can become a type: {}", left.join("; "))]
    NothingToAdopt {
        /// Each, with why.
        left: Vec<String>,
    },
    /// There is no server whose inspector could be turned on.
    #[error("no server of this application is running")]
    NothingToInspect,
    /// Only a database on a server can be adopted.
    #[error("you haven't named a database to adopt")]
    NoServer,
    /// An adopted database gets a model of its own.
    #[error("the application has a model already: {path}")]
    ModelExists {
        /// The first file of it.
        path: PathBuf,
    },
    /// The commit log isn't what it was.
    #[error("{finding}")]
    LogDamaged {
        /// What is wrong.
        finding: String,
    },
    /// The commit log is another one than when its root was kept.
    #[error("the first {size} entries of the commit log are not what they were: their root is {found} now")]
    LogChanged {
        /// The size that was asked for.
        size: u64,
        /// The root at that size.
        found: String,
    },
    /// The root at a size can't be computed.
    #[error("the root of {size} entries isn't known: the log has {entries} entries, and {pruned} of them were pruned")]
    LogElsewhere {
        /// The size that was asked for.
        size: u64,
        /// Entries that were pruned.
        pruned: u64,
        /// All entries.
        entries: u64,
    },
    /// The running server has written a file that isn't there for the command.
    #[error("the server has written {path}, but sees other files there than this command")]
    Elsewhere {
        /// The file.
        path: PathBuf,
    },
    /// `reset` without a terminal to ask on.
    #[error("this would delete {what} in {place}")]
    Unconfirmed {
        /// Where it is.
        place: Location,
        /// What is there.
        what: String,
    },
    /// `reset` was not confirmed.
    #[error("nothing was deleted in {place}: that isn't what you were asked to type")]
    Declined {
        /// Where it is.
        place: Location,
    },
    /// `reset` of a data directory that is a symbolic link.
    #[error("{path} is a symbolic link to {target}, and `reset` deletes nothing behind links")]
    LinkedData {
        /// The data directory.
        path: PathBuf,
        /// Where it leads to.
        target: PathBuf,
    },
    /// `copy` of, or to, an application's directory instead of its data directory.
    #[error("{path} is an application's directory, not a data directory")]
    ApplicationDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// `migrate apply` for another application than the one that the running server serves.
    #[error("the running server serves the application in {served}")]
    OtherApplication {
        /// Its directory.
        served: PathBuf,
    },
    /// The running server can't exchange what it serves, because it isn't idle for a moment.
    #[error("requests or commands are still running on the server; nothing was changed")]
    Occupied,
    /// The server that carried out the first parts of a command has stopped.
    #[error("the server has stopped")]
    ServerEnded,
    /// A command to a server that serves nothing, because there is no model that it could.
    #[error("the running server has no model to serve yet")]
    NothingServed,
    /// A command to a server whose model isn't the database's any more.
    #[error("the running server has an older model than {database}, which another server has changed")]
    OutdatedServer {
        /// The database.
        database: String,
    },
    /// The running server can't read several of the application's files.
    #[error("the application's files have {}", Count(.0.len() as u64, "error"))]
    Files(Vec<Failure>),
    /// Records can't be brought in or taken out.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The running server refused the command.
    #[error("{}", .0.message)]
    Remote(Refusal),
    /// The server cannot listen on its address.
    #[error("cannot listen on {address}: {}", listening(source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The socket for commands cannot be used.
    #[error("cannot use the command socket {path}: {}", words_of(source))]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The path of the socket is longer than the operating system allows.
    #[error("the path of the command socket is too long: {path} has {bytes} bytes, the limit is {most}")]
    SocketPath {
        /// The path.
        path: PathBuf,
        /// Its length.
        bytes: usize,
        /// The greatest length.
        most: usize,
    },
    /// The CORS settings are wrong.
    #[error(transparent)]
    Cors(#[from] backstay_http::CorsError),
    /// The addresses of proxies are wrong.
    #[error(transparent)]
    Proxies(#[from] backstay_base::ParseSubnetError),
    /// A request to explain lacks its body.
    #[error("{request} needs a body")]
    NoBody {
        /// The request.
        request: String,
    },
    /// The body of a request to explain is not JSON.
    #[error("the value of --body is not JSON: {source}")]
    Body {
        /// The file that it seems to name.
        file: Option<String>,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A request to explain cannot be understood.
    #[error(transparent)]
    Request(#[from] backstay_http::Refusal),
    /// The API's description has no client.
    #[error("no client can be made of the application")]
    Client(#[from] backstay_client::DocumentError),
    /// The server stopped unexpectedly.
    #[error("the server stopped unexpectedly: {0}")]
    Serve(#[source] io::Error),
    /// The answer could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
    /// The operating system refused what the program needs: threads, signals, a connection.
    #[error("the operating system refused a request: {0}")]
    System(#[from] io::Error),
}

/// A failure as text: for people, and from a server to the command that asked it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// Why, from the nearest cause to the last.
    pub causes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

impl From<AdoptError> for Failure {
    fn from(error: AdoptError) -> Self {
        match error {
            error if error.may_be_done() => Self::Adopt(error),
            AdoptError::Open(error) => error.into(),
            error => Self::Adopt(error),
        }
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Write { path, source } => Self::Write { path, source },
            CopyError::Read { path, source } => Self::Read { path, source },
            CopyError::Open(error) => error.into(),
            error => Self::Copy(error),
        }
    }
}

fn listed(problems: &[impl ToString]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn functions(names: &[String]) -> String {
    let each: Vec<String> = names.iter().map(|name| format!("`@function(name: \"{name}\")`")).collect();
    each.join(", ")
}

impl Failure {
    /// What to do about it, if the message does not say.
    fn help(&self) -> Option<String> {
        let errno = self.io_error().and_then(Errno::from_io_error);
        if matches!(errno, Some(Errno::MFILE | Errno::NFILE)) {
            return Some(MORE_FILES.to_owned());
        }
        match self {
            Self::OpenFiles { .. } => Some(MORE_FILES.to_owned()),
            Self::Procedures { .. } => Some(PROCEDURES.to_owned()),
            Self::MailServer { .. } => Some(MAIL_SERVER.to_owned()),
            Self::InboxSecrets { .. } => Some(INBOX_SECRETS.to_owned()),
            Self::Bundle(error) => error.help().map(ToOwned::to_owned),
            Self::NoTests { of: 0 } => Some(
                "write one in `functions/NAME.test.ts`: `import { test, expect } from \"backstay/test\"`".to_owned(),
            ),
            Self::Runtime => Some(
                "build it with `tokio::runtime::Builder::new_multi_thread()`, or write `#[tokio::main]` or \
                 `#[tokio::test(flavor = \"multi_thread\")]`"
                    .to_owned(),
            ),
            Self::Threads { .. } | Self::Open(OpenError::Thread(_)) => Some(MORE_THREADS.to_owned()),
            Self::Open(OpenError::Server { problem, .. }) => Some(problem.help().to_owned()),
            Self::Open(OpenError::Single { .. }) => {
                Some("give the fields defaults that its rules accept, or make them optional".to_owned())
            }
            Self::Open(OpenError::Corrupt { .. }) => {
                Some("if the file is not Backstay's, choose another data directory with --data".to_owned())
            }
            Self::Database { source, .. } if source.may_pass() => {
                Some("what is stored isn't damaged, and what wasn't committed is undone: remove the cause, then try again".to_owned())
            }
            Self::Database { .. } => Some(
                "if another program has changed the database, restore it from a backup; otherwise report this as a bug"
                    .to_owned(),
            ),
            Self::Data { source, .. } | Self::Unwritable { source, .. } => Some(writing_help(source).to_owned()),
            Self::Socket { source, .. } => socket_help(source).map(str::to_owned),
            Self::Directory(error) => error.help(),
            Self::Seed(error) => error.help(),
            Self::Transfer(error) => error.help(),
            Self::Listen { source, .. } => Some(listening_help(source).to_owned()),
            Self::Password { .. } => Some("correct `password_file` in [data], or make the file readable".to_owned()),
            Self::PoolerAlone | Self::ReplicasAlone => Some(
                "set `url` to the address of the PostgreSQL server itself: migrations, locks and writes need it".to_owned(),
            ),
            Self::SocketPath { .. } => Some("choose a data directory with a shorter path (--data)".to_owned()),
            Self::Open(OpenError::Migration { steps }) if steps.iter().any(Step::has_obstacle) => Some(
                "nothing was changed; `backstay migrate plan` shows all steps, and what to do about those that are blocked"
                    .to_owned(),
            ),
            Self::Open(OpenError::Migration { steps }) if steps.iter().any(Step::loses_data) => Some(
                "nothing was changed; `backstay migrate plan` shows all steps, `backstay migrate apply --allow-data-loss` \
                 takes them"
                    .to_owned(),
            ),
            Self::Open(OpenError::Migration { .. }) => Some(
                "nothing was changed; `backstay migrate plan` shows all steps, `backstay migrate apply` takes them"
                    .to_owned(),
            ),
            Self::NoDatabase { .. } => Some("create it with `backstay dev`, `backstay serve` or `backstay migrate apply`".to_owned()),
            Self::Differs { steps } if steps.iter().all(|step| step.automatic) => Some(
                "run `backstay migrate apply`, or start `backstay serve`; `backstay migrate plan` shows the steps"
                    .to_owned(),
            ),
            Self::Differs { .. } => Some(
                "`backstay migrate plan` shows the steps, and what to do about those that aren't taken by themselves"
                    .to_owned(),
            ),
            _ => self.help_for_command(),
        }
    }

    /// What to do about a command that was refused.
    fn help_for_command(&self) -> Option<String> {
        match self {
            Self::NoBody { .. } => Some("give one with --body, such as --body '{}'".to_owned()),
            Self::Body { file, .. } => {
                let file = file.as_deref().unwrap_or("FILE");
                Some(format!("write the JSON itself; files aren't read, so use --body \"$(cat {file})\""))
            }
            Self::SignUpClosed => Some(
                "create the account with `backstay account add EMAIL`, or set accounts.sign_up = \"invited\" in \
                     backstay.toml and restart the server"
                    .to_owned(),
            ),
            Self::ServerRuns { .. } => Some("stop the server first".to_owned()),
            Self::Copy(error) => copies::help(error),
            Self::Adopt(_) | Self::NothingToAdopt { .. } | Self::NoServer | Self::ModelExists { .. } => self.help_to_adopt(),
            Self::LogDamaged { .. } | Self::LogChanged { .. } => Some(
                "somebody has changed the database by other means; compare it with a backup".to_owned(),
            ),
            Self::LogElsewhere { .. } => Some("use a root that was kept after the last pruning".to_owned()),
            Self::Elsewhere { .. } => Some(
                "choose a file outside what the server has for itself alone, such as /tmp under `PrivateTmp=yes` of systemd"
                    .to_owned(),
            ),
            Self::New(error) => Some(error.help()),
            Self::Unconfirmed { .. } => Some("if you want that, add --yes".to_owned()),
            Self::Declined { .. } => Some("type it as shown, or add --yes".to_owned()),
            Self::LinkedData { target, .. } => Some(format!("name the directory itself: --data {}", target.display())),
            Self::ApplicationDirectory { path } => {
                Some(format!("the application's database is in {}, unless its settings name another place", path.join(crate::config::Data::default().dir).display()))
            }
            Self::OtherApplication { .. } => {
                Some("give that directory, or stop the server first to apply the model of this one".to_owned())
            }
            Self::Occupied => Some("try again, or stop the server first".to_owned()),
            Self::ServerEnded => Some("run the command again: an import goes on where it was".to_owned()),
            Self::OutdatedServer { .. } => {
                Some("bring the application's files up to date, and run `backstay migrate apply` or restart it".to_owned())
            }
            Self::NothingToInspect => Some("start it with `backstay serve`; in `backstay dev`, the inspector is always on".to_owned()),
            Self::NothingServed => Some("fix the model first; its terminal shows what is wrong".to_owned()),
            Self::Role { help, .. } | Self::OtherKind { help, .. } | Self::AccountFields { help, .. } => {
                Some(help.clone())
            }
            Self::Remote(refusal) => refusal.help.clone(),
            _ => None,
        }
    }

    /// What to do about a database that wasn't adopted.
    fn help_to_adopt(&self) -> Option<String> {
        let help = match self {
            Self::Adopt(AdoptError::Empty { .. }) => {
                "`backstay serve` makes the tables of a model in an empty database"
            }
            Self::Adopt(AdoptError::Backstays { .. }) => "`backstay serve` serves it with its own model",
            Self::Adopt(AdoptError::NotOwner { .. }) => {
                "name the owner in the address, or make the user one (`ALTER TABLE … OWNER TO …`, `GRANT owner TO user`)"
            }
            Self::Adopt(AdoptError::InUse { .. }) => {
                "nothing was changed; stop the programs that use the tables, and try again"
            }
            Self::Adopt(AdoptError::Changed { .. }) => {
                "nothing was changed; look at the plan again (the command without --apply), then run this command again"
            }
            Self::Adopt(error) if error.may_be_done() => {
                "run the command again: it says whether the database was adopted. The model's file stays"
            }
            Self::Adopt(AdoptError::Step(_)) => "nothing was changed; the server's log says more",
            Self::NothingToAdopt { .. } => "change them as said, then run the command again",
            Self::NoServer => "name it, as in `backstay adopt postgres://user@host/database`, or in data.url",
            Self::ModelExists { .. } => {
                "name another directory with --app, or run `backstay migrate apply` if it is the same database"
            }
            _ => return None,
        };
        Some(help.to_owned())
    }

    /// The operating system's error that it comes from, if any.
    fn io_error(&self) -> Option<&io::Error> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(self);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// The failure as text.
    pub fn refusal(&self) -> Refusal {
        if let Self::Remote(refusal) = self {
            return refusal.clone();
        }
        let mut causes = Vec::new();
        let mut next = match self {
            // Their messages name the cause.
            Self::Directory(_)
            | Self::Open(OpenError::Server { .. })
            | Self::Password { .. }
            | Self::PoolerAlone
            | Self::ReplicasAlone
            | Self::Data { .. }
            | Self::Unwritable { .. }
            | Self::Threads { .. }
            | Self::Socket { .. }
            | Self::Listen { .. }
            | Self::Body { .. }
            | Self::OtherKind { .. }
            | Self::Role { .. }
            | Self::AccountFields { .. }
            | Self::New(_)
            | Self::Write { .. }
            | Self::Read { .. } => None,
            _ => self.source(),
        };
        while let Some(cause) = next {
            let words = cause.to_string();
            if !(says_nothing(cause) || causes.iter().any(|earlier: &String| words.contains(earlier))) {
                causes.push(words);
            }
            next = cause.source();
        }
        if let Self::Files(failures) = self {
            causes.extend(failures.iter().map(Self::in_a_line));
        }
        let mut message = self.to_string();
        if let Self::Refused(Error::Invalid(violations) | Error::Malformed(violations))
        | Self::Role { error: Error::Invalid(violations) | Error::Malformed(violations), .. }
        | Self::AccountFields { error: Error::Invalid(violations) | Error::Malformed(violations), .. }
        | Self::Request(backstay_http::Refusal::Domain(Error::Malformed(violations))) = self
        {
            let told = violations.iter().map(|violation| match violation.at.to_string().trim_start_matches('/') {
                "" => violation.kind.to_string(),
                at => format!("{at}: {}", violation.kind),
            });
            message = told.collect::<Vec<_>>().join("; ");
        }
        Refusal { message, causes, help: self.help() }
    }

    /// All of several failures.
    pub(crate) fn all(failures: Vec<Self>) -> Self {
        match <[Self; 1]>::try_from(failures) {
            Ok([only]) => only,
            Err(failures) => Self::Files(failures),
        }
    }

    /// What is wrong, why, and what to do about it; several lines only if it is about several places in files.
    fn in_a_line(&self) -> String {
        let Refusal { message, help, .. } = self.refusal();
        let help = help.map_or_else(String::new, |help| format!("; {help}"));
        self.why().map_or_else(|| format!("{message}{help}"), |why| format!("{message}: {why}{help}"))
    }

    /// Why, on as few lines as it can be said.
    fn why(&self) -> Option<String> {
        let why = match self {
            Self::Model(diagnostics) => in_lines(&diagnostics.plain()),
            Self::Config(error) => error.to_string(),
            _ => self.refusal().causes.join(": "),
        };
        Some(why).filter(|why| !why.is_empty())
    }

    /// Logs the failure of a server on one line.
    pub(crate) fn log(&self) {
        let (refusal, why) = (self.refusal(), self.why());
        tracing::error!(why, help = refusal.help, "{}", refusal.message);
    }

    /// The failure for people, with excerpts of the files it is about.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Config(error) => error.problems.render(colour),
            Self::Model(diagnostics) => diagnostics.render(if colour { Style::Colour } else { Style::Plain }),
            _ => self.refusal().render(colour),
        }
    }
}

impl Refusal {
    fn render(&self, colour: bool) -> String {
        let (red, plain) = if colour { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
        let mut text = format!("{red}error:{plain} {}\n", self.message);
        // Many messages include their cause.
        for cause in self.causes.iter().filter(|cause| !self.message.contains(cause.trim_start_matches('/'))) {
            let _ = writeln!(text, "  because: {cause}");
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "  help: {help}");
        }
        text
    }
}

/// One line per diagnostic: place, problem, remedy.
fn in_lines(diagnostics: &[PlainDiagnostic]) -> String {
    let line = |one: &PlainDiagnostic| {
        let place = one.file.as_ref().zip(one.start);
        let place = place.map_or(String::new(), |(file, at)| format!("{file}:{}:{}: ", at.line, at.column));
        let help = one.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
        format!("{place}{}{help}", one.message)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn words(steps: &[Step]) -> String {
    steps.iter().map(|step| step.words.as_str()).collect::<Vec<_>>().join("; ")
}

/// Whether a cause from the database says only that the data are invalid.
fn says_nothing(cause: &(dyn StdError + 'static)) -> bool {
    let of_database: Option<&Arc<dyn StdError + Send + Sync>> = cause.downcast_ref();
    let error = of_database.and_then(|cause| cause.downcast_ref::<io::Error>());
    error.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData && error.get_ref().is_none())
}

/// What comes before the path of a directory that cannot be written.
fn data_directory(path: &Path, source: &io::Error) -> &'static str {
    if path.is_dir() && source.kind() != io::ErrorKind::IsADirectory { "the data directory " } else { "" }
}
