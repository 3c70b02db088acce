mod advice;
mod callers;
mod rewritten;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{LogFormat, meant_address};

pub(crate) use callers::{Account, Invitations, Invite, Key, NewInvitation, Operator, PasswordFrom, Role};

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
  backstay serve examples/newsroom           serve an application; the first start creates its database
  backstay dev examples/newsroom             the same while you develop it; applies changes as you save
  backstay check                             check the application in the current directory
  backstay operator add ada@news.example     add an operator; asks for a password
  backstay role grant ben@news.example EDITOR
  backstay explain --as ben@news.example 'GET /api/posts?limit=3'

An application is a directory that contains a `model` directory. All commands take it as --app;
`serve`, `dev`, `check`, `migrate` and `seed` also as an argument. The default is the current directory.

Commands work with and without a running server. If one is running, they ask it to do the work, and
must run as the same user.

The exit code is 0 on success, 1 on failure, with the reason on standard error, and 2 if the command
line is wrong. See docs/commands.md for details.";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve an application until Ctrl-C or SIGTERM
    #[command(after_help = SERVE)]
    Serve(Serve),
    /// Serve an application while you develop it: applies changes of its files as you save them
    #[command(after_help = DEV)]
    Dev(Dev),
    /// Check an application's settings, model and seed file names
    #[command(after_help = CHECK)]
    Check(Check),
    /// Migrate the database to the current model
    #[command(subcommand)]
    Migrate(Migrate),
    /// Load seed files that have not been loaded yet
    #[command(after_help = SEED)]
    Seed(Whole),
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
    /// Invite someone to sign up
    #[command(after_help = callers::INVITE, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Invite(Invite),
    /// Explain why a request is allowed or refused, and what it costs
    #[command(after_help = EXPLAIN)]
    Explain(Explain),
}

const SERVE: &str = "\
Examples:
  backstay serve examples/newsroom
  backstay serve . --listen 0.0.0.0:80 --log-format json
  backstay serve . --data /var/lib/newsroom

The first start creates the data directory, by default .backstay in the application's directory,
loads seed/*.jsonl and, on a terminal, shows a link that creates the first operator. Later starts
apply model changes that cannot lose data and fail on all others; `backstay migrate plan` shows them
in advance.";

const DEV: &str = "\
Examples:
  backstay dev examples/newsroom
  backstay dev . --yes

Watches model/, seed/ and backstay.toml. A change that loses no stored data applies as soon as you
save it; one that does is shown and applies if you say so, or with --yes. If the model has errors,
the last good one stays in use, and the errors are shown here and at /dev/model.txt.

It also prints a link that signs you in as the operator developer@localhost. Don't use it in
production.";

const CHECK: &str = "\
Examples:
  backstay check examples/newsroom
  backstay check . --format json

Reports every problem it finds, not only the first. It does not look at stored data; use
`backstay migrate plan` for that.";

const SEED: &str = "\
Example:
  backstay seed examples/newsroom

Each file seed/TYPE.jsonl has one JSON object per line, and each becomes a record. Refer to another
record by its id or a unique field: {\"title\": \"Hello\", \"author\": {\"email\": \"ada@news.example\"}}.
Lines whose record already exists are skipped. An interrupted load continues where it stopped.
`backstay serve` loads seed files, too.";

const PLAN: &str = "\
Example:
  backstay migrate plan . && backstay migrate apply .

Shows each step in words and as SQL, with its risk, and whether `backstay migrate apply` and
`backstay serve` would apply it. The exit code is 1 if they would refuse a step. A server may be
running.";

const APPLY: &str = "\
Example:
  backstay migrate apply .

If a server is running, it applies the steps itself and goes on with the model and the settings as
they are now; requests wait meanwhile. `backstay serve` applies the same steps when it starts.";

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
    /// Data directory; overrides the setting data.dir
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// An application as an option.
#[derive(Debug, Args)]
pub(crate) struct Within {
    /// Application directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) app: PathBuf,
    /// Data directory; overrides the setting data.dir
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
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
    /// Address and port to listen on; overrides the setting server.listen
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Log format, text or json; overrides the setting log.format
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    #[command(flatten)]
    pub(crate) whole: Whole,
    /// Address and port to listen on; overrides the setting server.listen
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Apply changes that lose stored data without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| match meant_address(text) {
        Some(meant) => format!("expected an address and a port; write {meant}"),
        None => "expected an address and a port, such as 127.0.0.1:8080".to_owned(),
    })
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) app: App,
    /// Output format
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Show the steps without applying them
    #[command(after_help = PLAN)]
    Plan(Whole),
    /// Apply all steps, or none if one of them is refused
    #[command(after_help = APPLY)]
    Apply(Whole),
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Request to explain, such as 'GET /api/posts?limit=3'
    pub(crate) request: String,
    /// Email address or id of an account or operator, or name or id of a key [default: anonymous]
    #[arg(long = "as", value_name = "CALLER")]
    pub(crate) caller: Option<String>,
    /// Body of a POST or PATCH
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
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
