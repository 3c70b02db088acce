//! The commands about callers: operators, accounts with their roles and claims, keys, invitations.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Within;

#[derive(Debug, Subcommand)]
pub(crate) enum Operator {
    /// Add an operator; asks for a password
    #[command(after_help = "Example:\n  backstay operator add ada@news.example")]
    Add {
        /// Email address to sign in with
        email: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        within: Within,
    },
    /// List all operators
    List(Within),
    /// Change an operator's password and end all their sessions; asks for the password
    #[command(after_help = "Example:\n  backstay operator password ada@news.example")]
    Password {
        /// Email address or id of the operator
        operator: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        within: Within,
    },
    /// Remove an operator and end their sessions; the last one cannot be removed
    #[command(after_help = "Example:\n  backstay operator remove ada@news.example")]
    Remove {
        /// Email address or id of the operator
        operator: String,
        #[command(flatten)]
        within: Within,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Add an account that can sign in; shows a generated password unless you give one
    #[command(after_help = ADD)]
    Add {
        /// Email address to sign in with
        email: String,
        /// Other fields of the record, such as name=Ben
        #[arg(value_name = "FIELD=VALUE", value_parser = assignment)]
        fields: Vec<(String, String)>,
        /// Role that the model declares; repeatable
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// You know that the address is the account holder's: auth.verified is true
        #[arg(long)]
        verified: bool,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        within: Within,
    },
    /// List all accounts, oldest first
    List(Within),
    /// Show an account: its roles, claims, password and sessions
    #[command(after_help = "Example:\n  backstay account show ben@news.example")]
    Show {
        /// Email address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
    /// Set an account's password and end all its sessions; asks for the password
    #[command(after_help = PASSWORD)]
    Password {
        /// Email address or id of the account
        account: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        within: Within,
    },
    /// Mark an account's address as verified, which rules read as auth.verified
    #[command(after_help = VERIFY)]
    Verify {
        /// Email address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
    /// Mark an account's address as not verified
    #[command(after_help = "Example:\n  backstay account unverify ben@news.example")]
    Unverify {
        /// Email address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
    /// Disable an account: end its sessions and refuse new ones
    #[command(after_help = DISABLE)]
    Disable {
        /// Email address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
    /// Let a disabled account sign in again
    #[command(after_help = "Example:\n  backstay account enable ben@news.example")]
    Enable {
        /// Email address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
    /// Set a claim of an account, which rules read as auth.claims.NAME
    #[command(after_help = CLAIM)]
    Claim {
        /// Email address or id of the account
        account: String,
        /// Name and value, such as region=north
        #[arg(value_name = "NAME=VALUE", value_parser = claim)]
        claim: (String, String),
        #[command(flatten)]
        within: Within,
    },
    /// Remove a claim from an account
    #[command(after_help = "Example:\n  backstay account unclaim ben@news.example region")]
    Unclaim {
        /// Email address or id of the account
        account: String,
        /// Name of the claim
        name: String,
        #[command(flatten)]
        within: Within,
    },
}

const ADD: &str = "\
Examples:
  backstay account add ben@news.example name='Ben Nib' --role WRITER
  pwgen 20 1 | backstay account add ben@news.example name=Ben --password-stdin

Write a value as in a URL: text without quotes, lists separated by commas, other records by their id.
The checks of the model apply; its access rules do not, and sign-up may be closed. Without
--password-file or --password-stdin, Backstay generates a password and shows it once.";

const PASSWORD: &str = "\
Examples:
  backstay account password ben@news.example
  pwgen 20 1 | backstay account password ben@news.example --password-stdin

An account that was created as a record, rather than by signing up, cannot sign in until it has a
password.";

const VERIFY: &str = "\
Example:
  backstay account verify ben@news.example

Do this once you know that the address is the account holder's. It takes effect with the next
request, and ends when the account changes its address. Backstay doesn't confirm addresses itself yet.";

const DISABLE: &str = "\
Example:
  backstay account disable ben@news.example

This takes effect with the next request. The record stays as it is. `backstay account enable` lets
the account sign in again.";

const CLAIM: &str = "\
Example:
  backstay account claim ben@news.example region=north

This takes effect with the next request. Rules read the claim as auth.claims.region. Names consist
of letters, digits and `_`. Setting a claim again replaces its value.";

/// Where a password comes from. Never an argument: other users of the machine can see those.
#[derive(Debug, Args)]
pub(crate) struct PasswordFrom {
    /// Read the password from the first line of this file
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub(crate) password_file: Option<PathBuf>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// Grant an account a role
    #[command(after_help = "Example:\n  backstay role grant ben@news.example EDITOR")]
    Grant {
        /// Email address or id of the account
        account: String,
        /// Role that the model declares, such as EDITOR
        role: String,
        #[command(flatten)]
        within: Within,
    },
    /// Revoke a role from an account
    #[command(after_help = "Example:\n  backstay role revoke ben@news.example EDITOR")]
    Revoke {
        /// Email address or id of the account
        account: String,
        /// Role that the model declares
        role: String,
        #[command(flatten)]
        within: Within,
    },
    /// List an account's roles
    List {
        /// Email address or id of the account
        account: String,
        #[command(flatten)]
        within: Within,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Create an API key and show it once
    #[command(after_help = KEY)]
    Add {
        /// What the key is for
        name: String,
        /// Role that the model declares; repeatable
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// Claim that rules read as auth.claims.NAME; repeatable
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
    /// List all keys, without their secrets
    List(Within),
    /// Revoke a key; takes effect with the next request
    #[command(after_help = "Example:\n  backstay key revoke importer")]
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
is named by the last part of its path, such as `posts`; an action is one of get, search, create, update,
delete and refer; read is short for get and search.";

pub(super) const INVITE: &str = "\
Examples:
  backstay invite ben@news.example --role WRITER --expires 7d
  backstay invite list
  backstay invite revoke ben@news.example

The token is shown only once. Send it as \"invitation\" to POST /auth/sign-up. Invitations are needed
if the setting accounts.sign_up is \"invited\".";

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
    /// Email address to invite; nobody else can use the invitation
    pub(crate) email: String,
    /// Role that the new account gets; repeatable
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// How long the invitation is valid, such as 7d or 12h
    #[arg(long, value_name = "TIME", value_parser = lifetime, default_value = "7d")]
    pub(crate) expires: Lifetime,
}

/// What to do with invitations that already exist.
#[derive(Debug, Subcommand)]
pub(crate) enum Invitations {
    /// List open invitations, without their tokens
    List(Within),
    /// Revoke all open invitations of an email address
    #[command(after_help = "Example:\n  backstay invite revoke ben@news.example")]
    Revoke {
        /// Email address that was invited
        email: String,
        #[command(flatten)]
        within: Within,
    },
}

/// A lifetime in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime(pub(crate) u32);

pub(super) fn lifetime(text: &str) -> Result<Lifetime, &'static str> {
    const EXPECTED: &str = "expected days or hours, such as 90d or 12h, up to ten years";
    const TEN_YEARS: u32 = 3660 * 86_400;
    let seconds = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((days, "d")) => days.parse::<u32>().ok().and_then(|days| days.checked_mul(86_400)),
        Some((hours, "h")) => hours.parse::<u32>().ok().and_then(|hours| hours.checked_mul(3600)),
        _ => None,
    };
    seconds.filter(|seconds| (1..=TEN_YEARS).contains(seconds)).map(Lifetime).ok_or(EXPECTED)
}

fn assignment(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a field and a value, such as name=Ben"),
    }
}

fn claim(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a name and a value, such as region=north"),
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
