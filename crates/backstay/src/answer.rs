use std::collections::BTreeMap;
use std::fmt;

use backstay_base::Secret;
use serde::{Deserialize, Serialize};

use crate::command::secret;
use crate::seed::{Seeded, Skipped};

/// What a command did or found out. `Display` is for people.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Answer {
    /// An operator was made.
    OperatorAdded {
        /// Its record.
        id: String,
        /// E-mail address.
        email: String,
    },
    /// All operators.
    Operators {
        /// In the order in which they were made.
        operators: Vec<OperatorLine>,
    },
    /// An operator has another password.
    OperatorPasswordSet {
        /// As they were named.
        operator: String,
    },
    /// An operator was removed.
    OperatorRemoved {
        /// As they were named.
        operator: String,
    },
    /// What is known of an account.
    Account {
        /// All of it.
        account: AccountLine,
    },
    /// An account has another password.
    AccountPasswordSet {
        /// As it was named.
        account: String,
    },
    /// An account is kept out.
    AccountDisabled {
        /// As it was named.
        account: String,
    },
    /// An account is let in again.
    AccountEnabled {
        /// As it was named.
        account: String,
    },
    /// An account has a claim.
    ClaimSet {
        /// As it was named.
        account: String,
        /// `auth.claims.NAME`.
        name: String,
        /// Its value.
        value: String,
    },
    /// A claim was taken.
    ClaimRemoved {
        /// As it was named.
        account: String,
        /// `auth.claims.NAME`.
        name: String,
    },
    /// A role was given.
    RoleGranted {
        /// To whom.
        account: String,
        /// Which.
        role: String,
    },
    /// A role was taken.
    RoleRevoked {
        /// From whom.
        account: String,
        /// Which.
        role: String,
    },
    /// The roles of an account.
    Roles {
        /// Whose.
        account: String,
        /// Names.
        roles: Vec<String>,
    },
    /// A key was made.
    KeyAdded {
        /// Its record.
        id: String,
        /// What it is for.
        name: String,
        /// The key itself.
        #[serde(with = "secret")]
        key: Secret,
    },
    /// All keys.
    Keys {
        /// In the order in which they were made.
        keys: Vec<KeyLine>,
    },
    /// A key was ended.
    KeyRevoked {
        /// As it was named.
        key: String,
    },
    /// Somebody was invited.
    Invited {
        /// The invitation's record.
        id: String,
        /// E-mail address.
        email: String,
        /// What is shown at sign-up.
        #[serde(with = "secret")]
        token: Secret,
    },
    /// The open invitations.
    Invitations {
        /// In the order in which they were made.
        invitations: Vec<InvitationLine>,
    },
    /// The open invitations of somebody were taken back.
    InvitationRevoked {
        /// E-mail address, as it was given.
        email: String,
    },
    /// Seed files were loaded.
    Seeded {
        /// What came of it.
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

/// One operator.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperatorLine {
    /// Its record.
    pub id: String,
    /// E-mail address.
    pub email: String,
}

/// One account, and how it signs in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountLine {
    /// Its record.
    pub id: String,
    /// What it signs in with.
    pub email: String,
    /// Roles of the model.
    pub roles: Vec<String>,
    /// `auth.claims`.
    pub claims: BTreeMap<String, String>,
    /// Neither its password nor its sessions are taken.
    pub disabled: bool,
    /// Whether it has a password.
    pub password: bool,
    /// Sessions that have not ended.
    pub sessions: usize,
}

/// One key, without its secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyLine {
    /// Its record.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Roles of the model.
    pub roles: Vec<String>,
    /// `auth.claims`.
    pub claims: BTreeMap<String, String>,
    /// When it ends by itself.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// One open invitation, without its token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationLine {
    /// Its record.
    pub id: String,
    /// The only address that it is good for.
    pub email: String,
    /// Roles that the account gets.
    pub roles: Vec<String>,
    /// When it ends by itself.
    pub expires_at: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OperatorAdded { email, .. } => writeln!(f, "{email} is an operator now"),
            Self::Operators { operators } if operators.is_empty() => {
                writeln!(f, "there is no operator; make one with `backstay operator add EMAIL`")
            }
            Self::Operators { operators } => {
                operators.iter().try_for_each(|one| writeln!(f, "{}  {}", one.id, one.email))
            }
            Self::OperatorPasswordSet { operator } => {
                writeln!(f, "{operator} has another password now; all sessions are ended")
            }
            Self::OperatorRemoved { operator } => writeln!(f, "{operator} is no operator any more"),
            Self::Account { account } => account.fmt(f),
            Self::AccountPasswordSet { account } => {
                writeln!(f, "{account} has another password now; all sessions are ended")
            }
            Self::AccountDisabled { account } => {
                writeln!(f, "{account} is disabled, and cannot sign in; all sessions are ended")
            }
            Self::AccountEnabled { account } => writeln!(f, "{account} can sign in again"),
            Self::ClaimSet { account, name, value } => writeln!(f, "{account} has the claim {name}={value} now"),
            Self::ClaimRemoved { account, name } => writeln!(f, "{account} does not have the claim {name} any more"),
            Self::RoleGranted { account, role } => writeln!(f, "{account} has the role {role} now"),
            Self::RoleRevoked { account, role } => writeln!(f, "{account} does not have the role {role} any more"),
            Self::Roles { account, roles } if roles.is_empty() => writeln!(f, "{account} has no role"),
            Self::Roles { roles, .. } => roles.iter().try_for_each(|role| writeln!(f, "{role}")),
            Self::KeyAdded { key, .. } => {
                writeln!(f, "{}\n\nThis key is shown once. It goes into `Authorization: Bearer …`.", key.expose())
            }
            Self::Keys { keys } if keys.is_empty() => {
                writeln!(f, "there is no key; make one with `backstay key add NAME`")
            }
            Self::Keys { keys } => keys.iter().try_for_each(|key| key.fmt(f)),
            Self::KeyRevoked { key } => writeln!(f, "the key {key} is revoked"),
            Self::Invited { email, token, .. } => {
                writeln!(f, "{}\n\nThis token is shown once. With it {email} can sign up.", token.expose())
            }
            Self::Invitations { invitations } if invitations.is_empty() => {
                writeln!(f, "there is no open invitation; make one with `backstay invite EMAIL`")
            }
            Self::Invitations { invitations } => invitations.iter().try_for_each(|one| one.fmt(f)),
            Self::InvitationRevoked { email } => writeln!(f, "{email} is not invited any more"),
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
        line("password", if self.password { "set" } else { "none; it cannot sign in without one" })?;
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
            writeln!(f, "seed/{file} was changed after it was loaded; the changes are not loaded")?;
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
