use std::collections::BTreeMap;

use backstay_base::Secret;
use serde::{Deserialize, Serialize};

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
    /// Give an operator another password.
    SetOperatorPassword {
        /// E-mail address or id.
        operator: String,
        /// Password.
        #[serde(with = "secret")]
        password: Secret,
    },
    /// Remove an operator.
    RemoveOperator {
        /// E-mail address or id.
        operator: String,
    },
    /// What is known of an account.
    ShowAccount {
        /// E-mail address or id.
        account: String,
    },
    /// Give an account a password.
    SetAccountPassword {
        /// E-mail address or id.
        account: String,
        /// Password.
        #[serde(with = "secret")]
        password: Secret,
    },
    /// Keep an account out.
    DisableAccount {
        /// E-mail address or id.
        account: String,
    },
    /// Let a disabled account in again.
    EnableAccount {
        /// E-mail address or id.
        account: String,
    },
    /// Give an account a claim.
    SetClaim {
        /// E-mail address or id.
        account: String,
        /// `auth.claims.NAME`.
        name: String,
        /// Its value.
        value: String,
    },
    /// Take a claim from an account.
    RemoveClaim {
        /// E-mail address or id.
        account: String,
        /// `auth.claims.NAME`.
        name: String,
    },
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
        /// Collections and actions that it is limited to, each as `posts:get`.
        only: Option<Vec<String>>,
        /// Seconds until it expires; it never does without them.
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
    /// The invitations that are open.
    ListInvitations {},
    /// Take back the open invitations of somebody.
    RevokeInvitation {
        /// E-mail address.
        email: String,
    },
    /// Load the seed files that are not loaded yet.
    Seed {},
    /// Why a request is allowed or refused.
    Explain {
        /// E-mail address, id or, of a key, name of the caller; anonymous without.
        caller: Option<String>,
        /// Such as `GET /api/posts`.
        request: String,
        /// What a write would send.
        body: Option<String>,
    },
}

impl Command {
    /// Whether there is something for it to do in a database that is just made. The others look, or change what is
    /// there.
    pub(crate) fn can_begin(&self) -> bool {
        matches!(self, Self::AddOperator { .. } | Self::AddKey { .. } | Self::Invite { .. } | Self::Seed {})
    }
}

/// Secrets cross the local socket and go to the terminal of who asked; nowhere else.
pub(crate) mod secret {
    use backstay_base::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
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
