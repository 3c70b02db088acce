use std::collections::BTreeMap;
use std::fmt;

use backstay_base::Secret;
use serde::{Deserialize, Serialize};

use crate::command::secret;
use crate::seed::{Seeded, Skipped};

/// The result of a command. `Display` is for people, the serialized form for programs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Answer {
    /// An operator was added.
    OperatorAdded {
        /// Its record's id.
        id: String,
        /// Email address.
        email: String,
    },
    /// All operators.
    Operators {
        /// Oldest first.
        operators: Vec<OperatorLine>,
    },
    /// The password of an operator was changed.
    OperatorPasswordSet {
        /// The operator as named in the command.
        operator: String,
    },
    /// An operator was removed.
    OperatorRemoved {
        /// The operator as named in the command.
        operator: String,
    },
    /// An account.
    Account {
        /// The account.
        account: AccountLine,
    },
    /// The password of an account was set.
    AccountPasswordSet {
        /// The account as named in the command.
        account: String,
    },
    /// An account was disabled.
    AccountDisabled {
        /// The account as named in the command.
        account: String,
    },
    /// An account was enabled.
    AccountEnabled {
        /// The account as named in the command.
        account: String,
    },
    /// A claim was set.
    ClaimSet {
        /// The account as named in the command.
        account: String,
        /// `auth.claims.NAME`.
        name: String,
        /// Its value.
        value: String,
    },
    /// A claim was removed.
    ClaimRemoved {
        /// The account as named in the command.
        account: String,
        /// `auth.claims.NAME`.
        name: String,
    },
    /// A role was granted.
    RoleGranted {
        /// The account as named in the command.
        account: String,
        /// The role.
        role: String,
    },
    /// A role was revoked.
    RoleRevoked {
        /// The account as named in the command.
        account: String,
        /// The role.
        role: String,
    },
    /// The roles of an account.
    Roles {
        /// The account as named in the command.
        account: String,
        /// The names of its roles.
        roles: Vec<String>,
    },
    /// A key was added.
    KeyAdded {
        /// Its record's id.
        id: String,
        /// What it is for.
        name: String,
        /// The secret.
        #[serde(with = "secret")]
        key: Secret,
    },
    /// All keys.
    Keys {
        /// Oldest first.
        keys: Vec<KeyLine>,
    },
    /// A key was revoked.
    KeyRevoked {
        /// The key as named in the command.
        key: String,
    },
    /// Someone was invited.
    Invited {
        /// The invitation's id.
        id: String,
        /// Email address.
        email: String,
        /// The token to sign up with.
        #[serde(with = "secret")]
        token: Secret,
    },
    /// The open invitations.
    Invitations {
        /// Oldest first.
        invitations: Vec<InvitationLine>,
    },
    /// The open invitations of an email address were revoked.
    InvitationRevoked {
        /// Email address as it was given.
        email: String,
    },
    /// Seed files were loaded.
    Seeded {
        /// What was loaded.
        seeded: Seeded,
    },
    /// A request was explained.
    Explained {
        /// For people.
        text: String,
        /// For programs.
        explanation: serde_json::Value,
    },
}

/// An operator.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperatorLine {
    /// Its record's id.
    pub id: String,
    /// Email address.
    pub email: String,
}

/// An account.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountLine {
    /// Its record's id.
    pub id: String,
    /// The email address it signs in with.
    pub email: String,
    /// Roles of the model.
    pub roles: Vec<String>,
    /// `auth.claims`.
    pub claims: BTreeMap<String, String>,
    /// Whether it is disabled: its password and sessions are refused.
    pub disabled: bool,
    /// Whether it has a password.
    pub password: bool,
    /// Sessions that have not ended.
    pub sessions: usize,
}

/// A key without its secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyLine {
    /// Its record's id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Roles of the model.
    pub roles: Vec<String>,
    /// `auth.claims`.
    pub claims: BTreeMap<String, String>,
    /// When it expires.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// An open invitation without its token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationLine {
    /// Its record's id.
    pub id: String,
    /// The invited email address.
    pub email: String,
    /// Roles that the new account gets.
    pub roles: Vec<String>,
    /// When it expires.
    pub expires_at: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OperatorAdded { email, .. } => writeln!(f, "{email} is now an operator"),
            Self::Operators { operators } if operators.is_empty() => {
                writeln!(f, "no operators; add one with `backstay operator add EMAIL`")
            }
            Self::Operators { operators } => {
                operators.iter().try_for_each(|one| writeln!(f, "{}  {}", one.id, one.email))
            }
            Self::OperatorPasswordSet { operator } => {
                writeln!(f, "changed the password of {operator} and ended all their sessions")
            }
            Self::OperatorRemoved { operator } => writeln!(f, "{operator} is no longer an operator"),
            Self::Account { account } => account.fmt(f),
            Self::AccountPasswordSet { account } => {
                writeln!(f, "changed the password of {account} and ended all its sessions")
            }
            Self::AccountDisabled { account } => {
                writeln!(f, "disabled {account} and ended all its sessions")
            }
            Self::AccountEnabled { account } => writeln!(f, "enabled {account}"),
            Self::ClaimSet { account, name, value } => writeln!(f, "{account} now has the claim {name}={value}"),
            Self::ClaimRemoved { account, name } => writeln!(f, "{account} no longer has the claim {name}"),
            Self::RoleGranted { account, role } => writeln!(f, "{account} now has the role {role}"),
            Self::RoleRevoked { account, role } => writeln!(f, "{account} no longer has the role {role}"),
            Self::Roles { account, roles } if roles.is_empty() => writeln!(f, "{account} has no roles"),
            Self::Roles { roles, .. } => roles.iter().try_for_each(|role| writeln!(f, "{role}")),
            Self::KeyAdded { key, .. } => {
                writeln!(f, "{}\n\nThis key is shown only once. Send it as `Authorization: Bearer KEY`.", key.expose())
            }
            Self::Keys { keys } if keys.is_empty() => {
                writeln!(f, "no keys; add one with `backstay key add NAME`")
            }
            Self::Keys { keys } => keys.iter().try_for_each(|key| key.fmt(f)),
            Self::KeyRevoked { key } => writeln!(f, "revoked the key {key}"),
            Self::Invited { email, token, .. } => {
                writeln!(f, "{}\n\nThis token is shown only once. {email} can sign up with it.", token.expose())
            }
            Self::Invitations { invitations } if invitations.is_empty() => {
                writeln!(f, "no open invitations; invite someone with `backstay invite EMAIL`")
            }
            Self::Invitations { invitations } => invitations.iter().try_for_each(|one| one.fmt(f)),
            Self::InvitationRevoked { email } => writeln!(f, "{email} is no longer invited"),
            Self::Seeded { seeded } => seeded.fmt(f),
            Self::Explained { text, .. } => writeln!(f, "{}", text.trim_end()),
        }
    }
}

impl fmt::Display for AccountLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |label: &str, words: &str| writeln!(f, "{label:<9} {words}");
        line("id", &self.id)?;
        line("email", &self.email)?;
        line("roles", &or_none(self.roles.join(" ")))?;
        let claims: Vec<String> = self.claims.iter().map(|(name, value)| format!("{name}={value}")).collect();
        line("claims", &or_none(claims.join("  ")))?;
        line("password", if self.password { "set" } else { "none; the account cannot sign in without one" })?;
        line("disabled", if self.disabled { "yes" } else { "no" })?;
        line("sessions", &self.sessions.to_string())
    }
}

fn or_none(words: String) -> String {
    if words.is_empty() { "none".to_owned() } else { words }
}

impl fmt::Display for KeyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.id, self.name)?;
        if !self.roles.is_empty() {
            write!(f, "  {}", self.roles.join(" "))?;
        }
        for (name, value) in &self.claims {
            write!(f, "  {name}={value}")?;
        }
        match (&self.revoked_at, &self.expires_at) {
            (Some(moment), _) => writeln!(f, "  revoked {moment}"),
            (None, Some(moment)) => writeln!(f, "  expires {moment}"),
            (None, None) => writeln!(f),
        }
    }
}

impl fmt::Display for InvitationLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.id, self.email)?;
        if !self.roles.is_empty() {
            write!(f, "  {}", self.roles.join(" "))?;
        }
        writeln!(f, "  expires {}", self.expires_at)
    }
}

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} loaded", Count(self.records, "record"))?;
        for Skipped { file, lines, first, why } in &self.skipped {
            let exist = if *lines == 1 { "its record already exists" } else { "their records already exist" };
            writeln!(f, "seed/{file}: {} skipped because {exist} (first line {first}: {why})", Count(*lines, "line"))?;
        }
        for file in &self.changed {
            writeln!(f, "seed/{file} has changed since it was loaded; the changes were not loaded")?;
        }
        Ok(())
    }
}

/// A number of things, with the noun in singular or plural.
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = self;
        write!(f, "{count} {noun}{}", if *count == 1 { "" } else { "s" })
    }
}
