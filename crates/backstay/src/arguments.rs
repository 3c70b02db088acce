use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::LogFormat;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "backstay",
    version,
    about = "A backend from a model: schema, rules, accounts and an API in one program",
    after_help = EXAMPLES,
    disable_help_subcommand = true,
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
    /// Check settings and model, and say everything that is wrong with them
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
    /// The roles of accounts
    #[command(subcommand)]
    Role(Role),
    /// The keys with which programs call
    #[command(subcommand)]
    Key(Key),
    /// Let somebody make an account, where accounts are by invitation
    #[command(after_help = "The token is shown once. It is the member \"invitation\" of POST /auth/sign-up.")]
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

const EXPLAIN: &str = "\
Examples:
  backstay explain --as ada@news.example 'GET /api/posts/01890a5d-ac96-774b-bcce-b302099a8057'
  backstay explain 'GET /api/posts?filter=title.contains($q)&$q=news'
  backstay explain --as ada@news.example 'POST /api/posts' --body '{\"title\": \"Hello\"}'

Nothing is changed. Without --as the caller is anonymous. USER is an e-mail address or an id.";

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
    /// Show each step, as words and as SQL, with its risk; change nothing
    Plan(Whole),
    /// Take the steps that cannot lose anything; refuse if there are others
    #[command(after_help = "No server may be running: it holds the database. `serve` applies the same steps.")]
    Apply(Whole),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Operator {
    /// Make an operator; asks for a password twice
    Add {
        /// E-mail address to sign in with
        email: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        within: Within,
    },
    /// Show all operators
    List(Within),
}

/// Where a password comes from: never from an argument, which other users of the machine can see.
#[derive(Debug, Args)]
pub(crate) struct PasswordFrom {
    /// Read the password from the first line of a file
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub(crate) password_file: Option<PathBuf>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// Give an account a role
    Grant {
        /// E-mail address or id of the account
        account: String,
        /// A role of the model, such as EDITOR
        role: String,
        #[command(flatten)]
        within: Within,
    },
    /// Take a role from an account
    Revoke {
        /// E-mail address or id of the account
        account: String,
        /// A role of the model
        role: String,
        #[command(flatten)]
        within: Within,
    },
    /// Show an account's roles
    List {
        /// E-mail address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key; it is shown once
    #[command(after_help = "Example:\n  backstay key add importer --role EDITOR --claim region=north --expires 90d")]
    Add {
        /// What the key is for
        name: String,
        /// A role of the model; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// A claim that rules see as auth.claims.NAME; may be repeated
        #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
        claims: Vec<(String, String)>,
        /// How long it lasts, such as 90d or 12h; for ever if it is not given
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires: Option<Lifetime>,
        #[command(flatten)]
        within: Within,
    },
    /// Show all keys, without their secrets
    List(Within),
    /// End a key at once
    Revoke {
        /// Name or id of the key
        key: String,
        #[command(flatten)]
        within: Within,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The only e-mail address that the invitation is good for
    pub(crate) email: String,
    /// A role that the account gets; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// How long it lasts, such as 7d or 12h
    #[arg(long, value_name = "TIME", value_parser = lifetime, default_value = "7d")]
    pub(crate) expires: Lifetime,
    #[command(flatten)]
    pub(crate) within: Within,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The request, such as 'GET /api/posts?limit=3'
    pub(crate) request: String,
    /// Who asks: e-mail address or id of an account, an operator or a key
    #[arg(long = "as", value_name = "USER")]
    pub(crate) caller: Option<String>,
    /// The body of a POST or PATCH
    #[arg(long, value_name = "JSON")]
    pub(crate) body: Option<String>,
    #[command(flatten)]
    pub(crate) within: Within,
}

/// How long something lasts, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime(pub(crate) u32);

fn lifetime(text: &str) -> Result<Lifetime, &'static str> {
    const EXPECTED: &str = "a number of days or hours, such as 90d or 12h, of at most ten years";
    const TEN_YEARS: u32 = 3660 * 86_400;
    let seconds = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((days, "d")) => days.parse::<u32>().ok().and_then(|days| days.checked_mul(86_400)),
        Some((hours, "h")) => hours.parse::<u32>().ok().and_then(|hours| hours.checked_mul(3600)),
        _ => None,
    };
    seconds.filter(|seconds| (1..=TEN_YEARS).contains(seconds)).map(Lifetime).ok_or(EXPECTED)
}

fn claim(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a name and a value, such as region=north"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_are_days_or_hours() {
        let check = |text: &str, expected: Option<u32>| {
            assert_eq!(lifetime(text).ok().map(|lifetime| lifetime.0), expected, "{text}");
        };
        check("90d", Some(7_776_000));
        check("1h", Some(3600));
        for wrong in ["", "d", "0d", "-1d", "90", "1w", "99999d", "1.5h", "9d9h", "é"] {
            check(wrong, None);
        }
    }
}
