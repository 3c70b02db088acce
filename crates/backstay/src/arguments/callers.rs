//! The commands about who calls: operators, accounts, their roles and claims, and keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Within;

#[derive(Debug, Subcommand)]
pub(crate) enum Operator {
    /// Make an operator; asks for a password twice
    #[command(after_help = "Example:\n  backstay operator add ada@news.example")]
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
    /// Give an operator another password, which is asked for twice, and end all their sessions
    #[command(after_help = "Example:\n  backstay operator password ada@news.example")]
    Password {
        /// E-mail address or id of the operator
        operator: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        within: Within,
    },
    /// Remove an operator and end their sessions at once; the last one stays
    #[command(after_help = "Example:\n  backstay operator remove ada@news.example")]
    Remove {
        /// E-mail address or id of the operator
        operator: String,
        #[command(flatten)]
        within: Within,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Show how an account signs in, and what it may do then
    #[command(after_help = "Example:\n  backstay account show ben@news.example")]
    Show {
        /// E-mail address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
    /// Give an account a password, which is asked for twice, and end all its sessions
    #[command(after_help = PASSWORD)]
    Password {
        /// E-mail address or id of the account
        account: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        within: Within,
    },
    /// Keep an account out: end its sessions at once and let it begin no other
    #[command(after_help = DISABLE)]
    Disable {
        /// E-mail address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
    /// Let a disabled account sign in again
    #[command(after_help = "Example:\n  backstay account enable ben@news.example")]
    Enable {
        /// E-mail address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
    /// Give an account a claim, which rules see as auth.claims.NAME
    #[command(after_help = CLAIM)]
    Claim {
        /// E-mail address or id of the account
        account: String,
        /// The claim, such as region=north
        #[arg(value_name = "NAME=VALUE", value_parser = claim)]
        claim: (String, String),
        #[command(flatten)]
        within: Within,
    },
    /// Take a claim from an account
    #[command(after_help = "Example:\n  backstay account unclaim ben@news.example region")]
    Unclaim {
        /// E-mail address or id of the account
        account: String,
        /// The claim's name
        name: String,
        #[command(flatten)]
        within: Within,
    },
}

const PASSWORD: &str = "\
Examples:
  backstay account password ben@news.example
  pwgen 20 1 | backstay account password ben@news.example --password-stdin

An account that was made as a record, without a sign-up, cannot sign in before it has a password.";

const DISABLE: &str = "\
Example:
  backstay account disable ben@news.example

It holds for the very next request. The record stays as it is; `backstay account enable` lets the
account sign in again.";

const CLAIM: &str = "\
Example:
  backstay account claim ben@news.example region=north

It holds for the very next request. In a rule: this.region == auth.claims.region. A name has letters,
digits and _; a claim that is given again has the new value.";

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
    /// Make an API key; it is shown once
    #[command(after_help = KEY)]
    Add {
        /// What the key is for
        name: String,
        /// A role of the model; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// A claim that rules see as auth.claims.NAME; may be repeated
        #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
        claims: Vec<(String, String)>,
        /// Collections and actions that the key is limited to, separated by commas; by default only the
        /// model's rules limit it
        #[arg(long, value_name = "COLLECTION:ACTION", value_delimiter = ',')]
        only: Option<Vec<String>>,
        /// How long it is valid, such as 90d or 12h; it never expires by default
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

const KEY: &str = "\
Examples:
  backstay key add importer --role EDITOR --claim region=north --expires 90d
  backstay key add mirror --role EDITOR --only posts:get,posts:search

--only narrows what the model's rules allow the key: it can do nothing that is not listed. A collection
is named by its path under /api/, an action is one of get, search, history, create, update, delete and
refer; read is short for get, search and history.";

pub(super) const INVITE: &str = "\
Examples:
  backstay invite ben@news.example --role WRITER --expires 7d
  backstay invite list
  backstay invite revoke ben@news.example

The token is shown once. It is the member \"invitation\" of POST /auth/sign-up.";

#[derive(Debug, Args)]
pub(crate) struct Invite {
    #[command(subcommand)]
    pub(crate) made: Option<Invitations>,
    #[command(flatten)]
    pub(crate) new: Option<NewInvitation>,
    #[command(flatten)]
    pub(crate) within: Within,
}

#[derive(Debug, Args)]
pub(crate) struct NewInvitation {
    /// The only e-mail address that the invitation is good for
    pub(crate) email: String,
    /// A role that the account gets; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// How long it lasts, such as 7d or 12h
    #[arg(long, value_name = "TIME", value_parser = lifetime, default_value = "7d")]
    pub(crate) expires: Lifetime,
}

/// What is done with invitations that were made.
#[derive(Debug, Subcommand)]
pub(crate) enum Invitations {
    /// Show the open invitations, without their tokens
    List(Within),
    /// Take back all open invitations for an e-mail address
    #[command(after_help = "Example:\n  backstay invite revoke ben@news.example")]
    Revoke {
        /// E-mail address that was invited
        email: String,
        #[command(flatten)]
        within: Within,
    },
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
    use super::*;

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
