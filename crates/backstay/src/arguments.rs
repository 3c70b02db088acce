mod advice;
mod callers;
mod inspection;
mod jobs;
mod rewritten;
mod transfer;
mod webhooks;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use backstay_base::Secret;
use backstay_engine::Location;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{LogFormat, is_url, meant_address};

pub(crate) use callers::{Account, Invitations, Invite, Key, NewInvitation, Operator, PasswordFrom, Role};
pub(crate) use inspection::Inspect;
pub(crate) use jobs::Job;
pub(crate) use transfer::{Export, Import, OnError};
pub(crate) use webhooks::Webhook;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "backstay",
    version,
    about = "Serve a production backend from a model: database, access rules, accounts and API in one program",
    after_help = EXAMPLES,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  backstay new blog                          make an application from a template
  backstay dev blog                          serve it while you develop it; applies changes as you save
  backstay serve blog                        serve an application; the first start creates its database
  backstay check                             check the application in the current directory
  backstay operator add ada@news.example     add an operator; asks for a password
  backstay backup newsroom.db                back up the database
  backstay role grant ben@news.example EDITOR
  backstay explain --as ben@news.example 'GET /api/posts?limit=3'

An application is a directory that contains a `model` directory. All commands take it as --app;
`serve`, `dev`, `check`, `migrate`, `seed`, `backup`, `restore` and `reset` also as an argument. The
default is the current directory.

Commands work with and without a running server. If one is running, they ask it to do the work, and
must run as the same user.

The exit code is 0 on success, 1 on failure, with the reason on standard error, and 2 if the command
line is wrong. See docs/commands.md for details.";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make an application from a template
    #[command(after_help = NEW)]
    New(New),
    /// Serve an application until Ctrl-C or SIGTERM
    #[command(after_help = SERVE)]
    Serve(Serve),
    /// Serve an application while you develop it: applies changes of its files as you save them
    #[command(after_help = DEV)]
    Dev(Dev),
    /// Check an application's settings, model and seed file names
    #[command(after_help = CHECK)]
    Check(Check),
    /// Run the tests of an application's functions
    #[command(after_help = TEST)]
    Test(Test),
    /// Bundle the packages that functions import
    #[command(after_help = BUNDLE)]
    Bundle(Bundle),
    /// Migrate the database to the current model
    #[command(subcommand)]
    Migrate(Migrate),
    /// Load seed files that have not been loaded yet
    #[command(after_help = SEED)]
    Seed(Whole),
    /// Import records from a file: JSON, NDJSON or CSV
    #[command(after_help = transfer::IMPORT)]
    Import(Box<Import>),
    /// Export records to a file: JSON, NDJSON or CSV
    #[command(after_help = transfer::EXPORT)]
    Export(Box<Export>),
    /// Back up the database, with or without a running server
    #[command(after_help = BACKUP)]
    Backup(Backup),
    /// Make a backup the database again; the server must be stopped
    #[command(after_help = RESTORE)]
    Restore(Restore),
    /// Copy a whole application between SQLite and PostgreSQL; no server may use either
    #[command(after_help = COPY)]
    Copy(Copy),
    /// Make an application of the tables that another program has made on PostgreSQL
    #[command(after_help = ADOPT)]
    Adopt(Adopt),
    /// Build the indexes of full-text search anew, with or without a running server
    #[command(after_help = REINDEX)]
    Reindex(Reindex),
    /// Show, verify and prune the commit log
    #[command(subcommand)]
    Log(LogVerb),
    /// Delete an application's database, to start over
    #[command(after_help = RESET)]
    Reset(Reset),
    /// Manage operators, the people who run the server
    #[command(subcommand)]
    Operator(Operator),
    /// Manage the accounts of people who sign in
    #[command(subcommand)]
    Account(Account),
    /// Manage the roles of accounts
    #[command(subcommand)]
    Role(Role),
    /// Manage the API keys of programs
    #[command(subcommand)]
    Key(Key),
    /// See and manage the work that is done after commits
    #[command(subcommand)]
    Job(Job),
    /// Tell other servers what changes
    #[command(subcommand)]
    Webhook(Webhook),
    /// Invite someone to sign up
    #[command(after_help = callers::INVITE, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Invite(Invite),
    /// Explain why a request is allowed or refused, and what it costs
    #[command(after_help = EXPLAIN)]
    Explain(Explain),
    /// Keep what a running server does for a while, and show it at /inspect
    #[command(subcommand)]
    Inspect(Inspect),
    /// Make a client of an application's API
    #[command(subcommand)]
    Client(Client),
    /// Print the directives and scalars of the model language, for GraphQL editors
    #[command(after_help = DIRECTIVES)]
    Directives(Directives),
}

const NEW: &str = "\
Examples:
  backstay new blog
  backstay new tracker --template tracker --name 'Our tracker'

DIR must not exist or be empty. On a terminal, the command asks for the name and the template unless
you give them; otherwise the name is made from DIR and the template is blog.";

const RESET: &str = "\
Example:
  backstay reset . && backstay serve .

Deletes the database with all records, accounts, operators and keys. The next start creates a new one
and loads the seed files again. Other files in the data directory stay. Stop the server first. On a
terminal, the command asks you to type the application's name; --yes answers in advance.";

const DIRECTIVES: &str = "\
Example:
  backstay directives --out directives.graphql

Point your editor's GraphQL plugin at this file and at model/*.graphql; `backstay new` writes it, with
a .graphqlrc.yml that does so. Write it again after an update of Backstay.";

const TYPESCRIPT: &str = "\
Examples:
  backstay client typescript examples/newsroom --out src/newsroom.ts
  backstay client typescript . | diff - src/backend.ts

The client is one file without dependencies, for TypeScript 4.8 or later in Node, Deno and browsers.
Its types are those of the model, so that a wrong field name doesn't compile. Make it again when the
model has changed. No server and no database are needed.";

const FUNCTIONS: &str = "\
Example:
  backstay client functions . --out functions/backstay.d.ts

Editors and `tsc --noEmit` then know the collections and fields of the model in functions/*.ts. Make
the file again when the model has changed. No server and no database are needed.";

const SERVE: &str = "\
Examples:
  backstay serve examples/newsroom
  backstay serve . --listen 0.0.0.0:80 --log-format json
  backstay serve . --data /var/lib/newsroom
  backstay serve . --data postgres://newsroom@db.example/newsroom

The first start creates the data directory, by default .backstay in the application's directory,
loads seed/*.jsonl and, on a terminal, shows a link that creates the first operator. Later starts
apply model changes that cannot lose data and fail on all others; `backstay migrate plan` shows them
in advance.";

const DEV: &str = "\
Examples:
  backstay dev examples/newsroom
  backstay dev . --yes

Watches model/, functions/, mail/, seed/ and backstay.toml. A change that loses no stored data applies
as soon as you save it; one that does is shown and applies if you say so, or with --yes. If the model has errors,
the last good one stays in use, and the errors are shown here and at /dev/model.txt.

It also prints a link that signs you in as the operator developer@localhost. Don't use it in
production.";

const CHECK: &str = "\
Examples:
  backstay check examples/newsroom
  backstay check . --format json --deny-warnings
  backstay check . --watch

Reports every problem it finds, not only the first. It does not look at stored data; use
`backstay migrate plan` for that. docs/lints.md explains the warnings, such as
warning[open-write], and how to ignore one that is about something you mean.";

const REINDEX: &str = "\
Example:
  backstay reindex posts

Writes the words of each record anew, a hundred records in a commit. Searches find all records
meanwhile, and you can stop it at any time.";

const SEED: &str = "\
Example:
  backstay seed examples/newsroom

Each file seed/TYPE.jsonl has one JSON object per line, and each becomes a record. Refer to another
record by its id or a unique field: {\"title\": \"Hello\", \"author\": {\"email\": \"ada@news.example\"}}.
Lines whose record already exists are skipped. An interrupted load continues where it stopped.
`backstay serve` loads seed files, too.";

const BACKUP: &str = "\
Examples:
  backstay backup newsroom.db
  backstay backup /var/backups/newsroom /srv/newsroom

FILE must not exist. If it is a directory, the backup gets a name with the time there. The backup has
everything that was acknowledged before: records, accounts, keys and the commit log. It is read back
and checked before it gets its name. Requests go on meanwhile.";

const RESTORE: &str = "\
Example:
  backstay restore newsroom.db

Checks the backup before it changes anything. The present database is not deleted: it moves to the
directory before-restore-TIME in the data directory.";

const COPY: &str = "\
Examples:
  backstay copy --from .backstay --to postgres://newsroom@db.example/newsroom
  backstay copy --from postgres://newsroom@db.example/newsroom --to /var/lib/newsroom

Copies records, accounts, sessions, keys, histories, the trash and the commit log as they are, and then
compares each row. The target must be empty. If the copy is interrupted, run the command again: it goes
on where it ended.";

const ADOPT: &str = "\
Examples:
  backstay adopt postgres://harbour@db.example/harbour
  backstay adopt postgres://harbour@db.example/harbour --app harbour --apply

Shows a model of the tables, the statements that make them those of the model, and everything that
can't become part of it, with what to do about that. With --apply, it writes the model to
model/adopted.graphql and runs the statements in one transaction. No row is written or moved.";

const TEST: &str = "\
Examples:
  backstay test
  backstay test shop --only checkout

Runs the files `….test.ts` in `functions/`. Each test has an application of its own, in a temporary
directory. The exit code is 1 if a test fails.";

const BUNDLE: &str = "\
Examples:
  npm install zod && npm install -D esbuild
  backstay bundle

Makes a file in functions/packages/ of each package that a file in functions/ imports by its name, with
the esbuild in node_modules. Commit these files: servers need neither node_modules nor npm. Packages
with native code, or that need Node.js, can't be bundled.";

const PLAN: &str = "\
Example:
  backstay migrate plan . && backstay migrate apply .

Shows each step in words and as SQL, with its risk, the records it concerns, what stands in its way
and what clients of the API will notice. The exit code is 1 if `backstay migrate apply`, with the
same options, would refuse a step. A server may be running.";

const APPLY: &str = "\
Examples:
  backstay migrate apply .
  backstay migrate apply . --allow-data-loss

If a server is running, it takes the steps itself and goes on with the model and the settings as they
are now; requests wait meanwhile. `backstay serve` takes, when it starts, the steps that neither
rewrite nor delete records.";

const EXPLAIN: &str = "\
Examples:
  backstay explain --as ada@news.example 'GET /api/posts/01890a5d-ac96-774b-bcce-b302099a8057'
  backstay explain 'GET /api/posts?filter=title.contains($q)&$q=news'
  backstay explain --as ada@news.example 'POST /api/posts' --body '{\"title\": \"Hello\"}'

Shows the rules that decide, the SQL that runs, and how long each stage takes. Nothing is changed.";

impl Arguments {
    /// The arguments of this process. Ends it if they are wrong, or ask for help.
    pub(crate) fn of_process() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            let arguments: Vec<_> = std::env::args_os().skip(1).map(|one| one.to_string_lossy().into_owned()).collect();
            advice::advise(error, &arguments).exit()
        })
    }
}

/// The directory of an application: an argument or, as other commands have it, an option.
#[derive(Debug, Args)]
pub(crate) struct App {
    /// Application directory
    #[arg(value_name = "DIR", default_value = ".")]
    argument: PathBuf,
    /// Same as DIR, for consistency with other commands
    #[arg(long = "app", value_name = "DIR", conflicts_with = "argument")]
    option: Option<PathBuf>,
}

impl App {
    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        self.option.as_deref().unwrap_or(&self.argument)
    }
}

/// An application as an argument.
#[derive(Debug, Args)]
pub(crate) struct Whole {
    #[command(flatten)]
    pub(crate) app: App,
    /// Data directory, or address of a PostgreSQL database; overrides the settings data.dir and data.url
    #[arg(long, value_name = "DIR|URL", value_parser = given_location)]
    pub(crate) data: Option<Location>,
}

/// An application as an option.
#[derive(Debug, Args)]
pub(crate) struct Within {
    /// Application directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) app: PathBuf,
    /// Data directory, or address of a PostgreSQL database; overrides the settings data.dir and data.url
    #[arg(long, value_name = "DIR|URL", value_parser = given_location)]
    pub(crate) data: Option<Location>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
}

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) whole: Whole,
    #[command(flatten)]
    pub(crate) listen: Listen,
    /// Log format, text or json; overrides the setting log.format
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    #[command(flatten)]
    pub(crate) whole: Whole,
    #[command(flatten)]
    pub(crate) listen: Listen,
    /// Apply changes that lose stored data without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Where to listen, if it isn't where the settings say.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Address and port to listen on, or only a port; overrides the setting server.listen
    #[arg(long, value_name = "ADDR", value_parser = given_address)]
    listen: Option<GivenAddress>,
    /// Port to listen on, at the address of the setting server.listen
    #[arg(long, short, conflicts_with = "listen")]
    port: Option<u16>,
}

/// An address to listen on, or a part of one.
#[derive(Debug, Clone, Copy)]
enum GivenAddress {
    Whole(SocketAddr),
    Port(u16),
}

impl Listen {
    /// The address to listen on, where the settings say this one.
    pub(crate) fn instead_of(&self, configured: SocketAddr) -> SocketAddr {
        match self.listen.or(self.port.map(GivenAddress::Port)) {
            Some(GivenAddress::Whole(address)) => address,
            Some(GivenAddress::Port(port)) => SocketAddr::new(configured.ip(), port),
            None => configured,
        }
    }
}

/// `127.0.0.1:8080`, or only the port as `8080` or `:8080`.
fn given_address(text: &str) -> Result<GivenAddress, String> {
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Ok(GivenAddress::Port(port));
    }
    text.parse().map(GivenAddress::Whole).map_err(|_| match meant_address(text) {
        Some(meant) => format!("expected an address and a port; write {meant}"),
        None => "expected an address and a port, such as 127.0.0.1:8080".to_owned(),
    })
}

/// A data directory, or the address of a database server.
fn given_location(text: &str) -> Result<Location, String> {
    match text.split_once("://") {
        _ if is_url(text) => Ok(Location::Url(Secret::new(text.to_owned()))),
        Some((scheme, _)) => {
            Err(format!("`{scheme}://` is not the address of a PostgreSQL database; write postgres://…"))
        }
        None => Ok(Location::Directory(PathBuf::from(text))),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) app: App,
    /// Output format
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
    /// Exit with 1 if there are warnings, too
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// Also compare each stored sum in the database with the records it is computed from
    #[arg(long, conflicts_with = "watch")]
    pub(crate) sums: bool,
    /// Data directory, or address of a PostgreSQL database, for `--sums`
    #[arg(long, value_name = "DIR|URL", requires = "sums", value_parser = given_location)]
    pub(crate) data: Option<Location>,
    /// Check again after each change of a file, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) app: App,
    /// Run only tests with this text in their names or in those of their files
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Load the seed files before each test
    #[arg(long)]
    pub(crate) seed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Bundle {
    #[command(flatten)]
    pub(crate) app: App,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// Directory to make
    #[arg(value_name = "DIR")]
    pub(crate) path: PathBuf,
    /// What to begin with: blog, shop, tracker or empty
    #[arg(long)]
    pub(crate) template: Option<String>,
    /// The application's name
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    #[command(flatten)]
    pub(crate) whole: Whole,
    /// Delete without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// File to write, or a directory for it
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) whole: Whole,
    /// Output format
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Reindex {
    /// Type, or the last part of its path; all types without it
    #[arg(value_name = "COLLECTION")]
    pub(crate) collection: Option<String>,
    #[command(flatten)]
    pub(crate) within: Within,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Backup to restore
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) whole: Whole,
    /// Restore the backup of another application, too
    #[arg(long)]
    pub(crate) any_application: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// Database to copy: a data directory or `postgres://user@host/database`
    #[arg(long, value_name = "DATABASE", value_parser = given_location)]
    pub(crate) from: Location,
    /// Empty database that becomes the copy
    #[arg(long, value_name = "DATABASE", value_parser = given_location)]
    pub(crate) to: Location,
    /// Output format
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// Address of the database; without it, the setting data.url
    #[arg(value_name = "URL", value_parser = given_location)]
    pub(crate) url: Option<Location>,
    /// Application directory, which has no model yet
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) app: PathBuf,
    /// The application's name [default: the database's]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Write the model and change the tables
    #[arg(long)]
    pub(crate) apply: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogVerb {
    /// Show who changed what and when, without values
    #[command(after_help = "Example:\n  backstay log show --record Post/01890a5d-ac96-774b-bcce-b302099a8057")]
    Show {
        /// Place of the first entry [default: the last entries]
        #[arg(long, value_name = "CHANGE")]
        since: Option<u64>,
        /// Entries to show at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only changes of this record, such as Post/01890a5d-ac96-774b-bcce-b302099a8057
        #[arg(long, value_name = "TYPE/ID")]
        record: Option<String>,
        #[command(flatten)]
        within: Within,
    },
    /// Read the whole log, and compute the root of its Merkle tree
    #[command(
        after_help = "Example:\n  backstay log verify --against 812:5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )]
    Verify {
        /// Also compare with what the command printed earlier
        #[arg(long, value_name = "ENTRIES:ROOT", value_parser = size_and_root)]
        against: Option<(u64, String)>,
        #[command(flatten)]
        within: Within,
    },
    /// Remove old entries; the log stays verifiable
    #[command(after_help = "Example:\n  backstay log prune --keep 90d")]
    Prune {
        /// Keep entries of this time, such as 90d or 12h
        #[arg(long, value_name = "TIME", value_parser = callers::lifetime, required_unless_present = "max_mib")]
        keep: Option<callers::Lifetime>,
        /// Keep at most so many MiB of the last entries
        #[arg(long, value_name = "MIB")]
        max_mib: Option<u32>,
        #[command(flatten)]
        within: Within,
    },
}

/// What `log verify` prints last.
fn size_and_root(text: &str) -> Result<(u64, String), &'static str> {
    const EXPECTED: &str = "expected a number of entries and 64 hexadecimal digits, as in 812:5dc9da79…";
    let (size, root) = text.split_once(':').ok_or(EXPECTED)?;
    let is_root = root.len() == 64 && root.bytes().all(|byte| byte.is_ascii_hexdigit());
    size.parse().ok().filter(|_| is_root).map(|size| (size, root.to_owned())).ok_or(EXPECTED)
}

#[derive(Debug, Args)]
pub(crate) struct Directives {
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Make a client in TypeScript
    #[command(after_help = TYPESCRIPT)]
    Typescript(Made),
    /// Declare what functions in TypeScript can import and ask for, for editors
    #[command(after_help = FUNCTIONS)]
    Functions(Made),
}

#[derive(Debug, Args)]
pub(crate) struct Made {
    #[command(flatten)]
    pub(crate) app: App,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Show the steps without applying them
    #[command(after_help = PLAN)]
    Plan(Migrating),
    /// Apply all steps, or none if one of them can't be taken
    #[command(after_help = APPLY)]
    Apply(Migrating),
}

#[derive(Debug, Args)]
pub(crate) struct Migrating {
    #[command(flatten)]
    pub(crate) whole: Whole,
    /// Allow steps by which stored values are gone
    #[arg(long)]
    pub(crate) allow_data_loss: bool,
    /// Output format, text or json
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Request to explain, such as 'GET /api/posts?limit=3'
    pub(crate) request: String,
    /// Email address or id of an account or operator, or name or id of a key [default: anonymous]
    #[arg(long = "as", value_name = "CALLER")]
    pub(crate) caller: Option<String>,
    /// Id of a secret link that is shown with the request
    #[arg(long, value_name = "LINK")]
    pub(crate) link: Option<String>,
    /// Body of a POST, PATCH or PUT
    #[arg(long, value_name = "JSON")]
    pub(crate) body: Option<String>,
    #[command(flatten)]
    pub(crate) within: Within,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn a_port_is_one_of_the_configured_address() {
        let check = |options: &[&str], expected: &str| {
            for command in ["serve", "dev"] {
                let arguments = Arguments::try_parse_from([&["backstay", command], options].concat());
                let listen = match arguments.expect("a command line").verb {
                    Verb::Serve(Serve { listen, .. }) | Verb::Dev(Dev { listen, .. }) => listen,
                    other => unreachable!("{other:?}"),
                };
                let configured = "10.0.0.1:80".parse().expect("an address");
                assert_eq!(listen.instead_of(configured).to_string(), expected, "{command} {options:?}");
            }
        };
        check(&[], "10.0.0.1:80");
        check(&["--listen", "127.0.0.1:8080"], "127.0.0.1:8080");
        for options in [&["--listen", "8080"][..], &["--listen", ":8080"], &["--port", "8080"], &["-p", "8080"]] {
            check(options, "10.0.0.1:8080");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
