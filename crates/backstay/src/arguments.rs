mod callers;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::LogFormat;

pub(crate) use callers::{Account, Invitations, Invite, Key, NewInvitation, Operator, PasswordFrom, Role};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "backstay",
    version,
    about = "A backend from a model: schema, rules, accounts and an API in one program",
    after_help = EXAMPLES,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  backstay serve examples/newsroom          run an application; the first start creates everything
  backstay check .                          is the model right?
  backstay operator add ada@news.example    who may run it; asks for a password
  backstay account password ben@news.example
  backstay role grant ada@news.example EDITOR
  backstay explain --as ada@news.example 'GET /api/posts?limit=3'

Commands about a whole application take its directory as DIR, the others by --app DIR; both are the
current directory if they are not given. A command works while a server runs (it asks that server,
as the same user) and while none does. It ends with 0 when it did what was asked, with 1 when it
could not and says why on standard error, and with 2 when the command line is not understood.
docs/commands.md has all of it.";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve an application until it is told to stop (Ctrl-C, SIGTERM)
    #[command(after_help = SERVE)]
    Serve(Serve),
    /// Check settings, model and the names of seed files, and say what is wrong with all of them
    #[command(after_help = "The data is not looked at; `backstay migrate plan` does that.")]
    Check(Check),
    /// Bring the stored data from its model to the present one
    #[command(subcommand)]
    Migrate(Migrate),
    /// Load the seed files that are not loaded yet
    #[command(after_help = SEED)]
    Seed(Whole),
    /// The people who run this Backstay
    #[command(subcommand)]
    Operator(Operator),
    /// The people who sign in: passwords, claims, and who is kept out
    #[command(subcommand)]
    Account(Account),
    /// The roles of accounts
    #[command(subcommand)]
    Role(Role),
    /// The keys with which programs call
    #[command(subcommand)]
    Key(Key),
    /// Let somebody make an account, where accounts are by invitation
    #[command(after_help = callers::INVITE, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Invite(Invite),
    /// Why a request is allowed or refused, and what it costs
    #[command(after_help = EXPLAIN)]
    Explain(Explain),
}

const SERVE: &str = "\
Examples:
  backstay serve examples/newsroom
  backstay serve . --listen 0.0.0.0:80 --log-format json
  backstay serve . --data /var/lib/newsroom

The first start makes the data directory (.backstay in the application's unless told otherwise),
loads seed/*.jsonl and shows a link with which the first operator gives themselves a password. Later
starts apply changes of the model that cannot lose anything, and refuse the others.";

const SEED: &str = "\
Each seed/TYPE.jsonl holds one record as a JSON object on each line; another record is named by its
id or by a unique field: {\"title\": \"Hello\", \"author\": {\"email\": \"ada@news.example\"}}. A load that
was interrupted goes on where it stopped. `serve` loads them too.";

const PLAN: &str = "\
Example:
  backstay migrate plan . && backstay migrate apply .

Each step is told as words and as SQL, with whether `backstay migrate apply` and the next `backstay
serve` take it or refuse it, and what to do then. It ends with 0 where all steps are taken or there
is none, and with 1 where one is refused. A server may be running.";

const APPLY: &str = "\
Example:
  backstay migrate apply .

No server may be running: it holds the database. `serve` applies the same steps.";

const EXPLAIN: &str = "\
Examples:
  backstay explain --as ada@news.example 'GET /api/posts/01890a5d-ac96-774b-bcce-b302099a8057'
  backstay explain 'GET /api/posts?filter=title.contains($q)&$q=news'
  backstay explain --as ada@news.example 'POST /api/posts' --body '{\"title\": \"Hello\"}'

Nothing is changed. Without --as the caller is anonymous. USER is the e-mail address or id of an
account or an operator, or the name or id of a key.";

/// An application as an argument.
#[derive(Debug, Args)]
pub(crate) struct Whole {
    /// The application's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) app: PathBuf,
    /// The data directory, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// An application as an option.
#[derive(Debug, Args)]
pub(crate) struct Within {
    /// The application's directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) app: PathBuf,
    /// The data directory, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) whole: Whole,
    /// Address and port, instead of the configured ones
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// The form of the log, instead of the configured one
    #[arg(long, value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The application's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) app: PathBuf,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Show each step with its risk, and whether it would be taken; change nothing
    #[command(after_help = PLAN)]
    Plan(Whole),
    /// Take the steps that cannot lose anything; refuse if there are others
    #[command(after_help = APPLY)]
    Apply(Whole),
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The request, such as 'GET /api/posts?limit=3'
    pub(crate) request: String,
    /// Who asks: e-mail address or id of an account or operator, name or id of a key
    #[arg(long = "as", value_name = "USER")]
    pub(crate) caller: Option<String>,
    /// The body of a POST or PATCH
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
