use std::collections::BTreeMap;
use std::fmt;

use backstay_base::Secret;
use serde::{Deserialize, Serialize};

use crate::seed::Seeded;

/// Something that is asked of an application from the command line, whether a server runs it or not.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Command {
    /// Make an operator.
    AddOperator {
        /// E-mail address.
        email: String,
        /// Password.
        #[serde(with = "secret")]
        password: Secret,
    },
    /// All operators.
    ListOperators {},
    /// Give an account a role.
    GrantRole {
        /// E-mail address or id.
        account: String,
        /// A role of the model.
        role: String,
    },
    /// Take a role from an account.
    RevokeRole {
        /// E-mail address or id.
        account: String,
        /// A role of the model.
        role: String,
    },
    /// The roles of an account.
    ListRoles {
        /// E-mail address or id.
        account: String,
    },
    /// Make a key.
    AddKey {
        /// What it is for.
        name: String,
        /// Roles of the model.
        roles: Vec<String>,
        /// `auth.claims`.
        claims: BTreeMap<String, String>,
        /// How long it lasts; for ever without.
        seconds: Option<u32>,
    },
    /// All keys.
    ListKeys {},
    /// End a key.
    RevokeKey {
        /// Name or id.
        key: String,
    },
    /// Invite somebody.
    Invite {
        /// E-mail address.
        email: String,
        /// Roles of the model.
        roles: Vec<String>,
        /// How long the invitation lasts.
        seconds: u32,
    },
    /// Load the seed files that are not loaded yet.
    Seed {},
    /// Why a request is allowed or refused.
    Explain {
        /// E-mail address or id of the caller; anonymous without.
        caller: Option<String>,
        /// Such as `GET /api/posts`.
        request: String,
        /// What a write would send.
        body: Option<String>,
    },
}

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
            Self::Seeded { seeded } => seeded.fmt(f),
            Self::Explained { text, .. } => writeln!(f, "{}", text.trim_end()),
        }
    }
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

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} records loaded", self.records)?;
        for file in &self.changed {
            writeln!(f, "seed/{file} was changed after it was loaded; the changes are not loaded")?;
        }
        Ok(())
    }
}

/// Secrets cross the local socket and go to the terminal of who asked; nowhere else.
mod secret {
    use backstay_base::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_answers_are_lines_of_json() {
        let password = Secret::new("correct horse".to_owned());
        let command = Command::AddOperator { email: "ada@news.example".to_owned(), password };
        let line = serde_json::to_string(&command).expect("writes");
        assert_eq!(line, r#"{"command":"add-operator","email":"ada@news.example","password":"correct horse"}"#);
        assert!(serde_json::from_str::<Command>(r#"{"command":"list-keys"}"#).is_ok());
        for wrong in [r#"{"command":"drop"}"#, r#"{"command":"list-roles"}"#, r#"{"command":"seed","x":1}"#, "{}"] {
            assert!(serde_json::from_str::<Command>(wrong).is_err(), "{wrong}");
        }
        assert!(!format!("{command:?}").contains("horse"));
    }
}
