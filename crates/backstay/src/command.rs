mod inspection;
mod webhooks;

use std::collections::BTreeMap;
use std::path::PathBuf;

use backstay_base::Secret;
use serde::{Deserialize, Serialize};

pub use inspection::InspectVerb;
pub use webhooks::WebhookVerb;

use crate::{Batch, ExportPage, Failure, ImportStart, SignUp};

/// A command about an application, run by its server or, if none is running, by the command line itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Command {
    /// Add an operator.
    AddOperator {
        /// Email address.
        email: String,
        /// Password.
        #[serde(with = "secret")]
        password: Secret,
    },
    /// List all operators.
    ListOperators {},
    /// Change an operator's password.
    SetOperatorPassword {
        /// Email address or id.
        operator: String,
        /// Password.
        #[serde(with = "secret")]
        password: Secret,
    },
    /// Remove an operator.
    RemoveOperator {
        /// Email address or id.
        operator: String,
    },
    /// Add an account.
    AddAccount {
        /// Email address.
        email: String,
        /// The other fields of its record, by name, each value as in a URL.
        fields: Vec<(String, String)>,
        /// Roles of the model.
        roles: Vec<String>,
        /// Password; one is generated without it.
        #[serde(with = "optional_secret")]
        password: Option<Secret>,
        /// Whether the address is known to be the account holder's.
        #[serde(default)]
        verified: bool,
    },
    /// List accounts, oldest first.
    ListAccounts {
        /// The id of the account after which the list goes on.
        after: Option<String>,
    },
    /// Show an account.
    ShowAccount {
        /// Email address or id.
        account: String,
    },
    /// Set an account's password.
    SetAccountPassword {
        /// Email address or id.
        account: String,
        /// Password.
        #[serde(with = "secret")]
        password: Secret,
    },
    /// Say that an account's address is its holder's.
    VerifyAccount {
        /// Email address or id.
        account: String,
    },
    /// Take that back.
    UnverifyAccount {
        /// Email address or id.
        account: String,
    },
    /// Disable an account.
    DisableAccount {
        /// Email address or id.
        account: String,
    },
    /// Enable an account.
    EnableAccount {
        /// Email address or id.
        account: String,
    },
    /// Set a claim of an account.
    SetClaim {
        /// Email address or id.
        account: String,
        /// `auth.claims.NAME`.
        name: String,
        /// Its value.
        value: String,
    },
    /// Remove a claim of an account.
    RemoveClaim {
        /// Email address or id.
        account: String,
        /// `auth.claims.NAME`.
        name: String,
    },
    /// Grant an account a role.
    GrantRole {
        /// Email address or id.
        account: String,
        /// A role of the model.
        role: String,
    },
    /// Revoke a role of an account.
    RevokeRole {
        /// Email address or id.
        account: String,
        /// A role of the model.
        role: String,
    },
    /// List the roles of an account.
    ListRoles {
        /// Email address or id.
        account: String,
    },
    /// Add a key.
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
    /// List all keys.
    ListKeys {},
    /// Revoke a key.
    RevokeKey {
        /// Name or id.
        key: String,
    },
    /// List jobs.
    ListJobs {
        /// Their states.
        states: Vec<String>,
        /// How many, at most.
        limit: u32,
    },
    /// Show a job.
    ShowJob {
        /// Its id.
        job: String,
    },
    /// Queue a job anew.
    RetryJob {
        /// Its id.
        job: String,
    },
    /// Cancel a job.
    CancelJob {
        /// Its id.
        job: String,
    },
    /// Manage the endpoints of webhooks.
    Webhook {
        /// What is done.
        verb: WebhookVerb,
    },
    /// Keep what the server does for a while.
    Inspect {
        /// What is done.
        verb: InspectVerb,
    },
    /// Invite someone to sign up.
    Invite {
        /// Email address.
        email: String,
        /// Roles of the model.
        roles: Vec<String>,
        /// How long the invitation is valid.
        seconds: u32,
    },
    /// List the open invitations.
    ListInvitations {},
    /// Revoke the open invitations of an email address.
    RevokeInvitation {
        /// Email address.
        email: String,
    },
    /// Load the seed files that are not loaded yet.
    Seed {},
    /// Say how far an import is that has begun, or begin it anew.
    BeginImport {
        /// Which.
        import: ImportStart,
    },
    /// Write records of an import.
    Import {
        /// The records.
        batch: Batch,
    },
    /// End imports, and ask the checks that they deferred.
    EndImport {
        /// Their names.
        imports: Vec<String>,
        /// The types whose records have yet to be checked.
        check: Vec<String>,
    },
    /// Read a page of records.
    Export {
        /// Which.
        page: ExportPage,
    },
    /// Back up the database.
    BackUp {
        /// The file to write, by its whole path.
        file: PathBuf,
    },
    /// Build a part of the indexes of full-text search anew.
    Reindex {
        /// Of this type; of all types without it.
        collection: Option<String>,
        /// Where the part begins; the first one without it.
        from: Option<ReindexPlace>,
    },
    /// Prune the commit log.
    PruneLog {
        /// Keep entries of the last so many seconds.
        seconds: Option<u64>,
        /// Keep as many of the last entries as fit in so many bytes.
        bytes: Option<u64>,
    },
    /// Verify the commit log.
    VerifyLog {
        /// A size and the root of its tree at that size.
        against: Option<(u64, String)>,
    },
    /// Show entries of the commit log.
    ShowLog {
        /// The place of the first one; the last ones without it.
        since: Option<u64>,
        /// How many at most.
        limit: u32,
        /// Only those about this record.
        record: Option<String>,
    },
    /// Go on with the model and the settings as they are in the application's files now.
    ApplyModel {
        /// The application's directory.
        app: PathBuf,
        /// Whether stored values may be gone afterwards.
        allow_data_loss: bool,
    },
    /// Compare stored sums with what they sum.
    CompareSums {},
    /// Explain why a request is allowed or refused.
    Explain {
        /// Email address or id of an account or operator, or name or id of a key; `None` for anonymous.
        caller: Option<String>,
        /// The id of the link that is shown with the request.
        #[serde(default)]
        link: Option<String>,
        /// Such as `GET /api/posts`.
        request: String,
        /// The body of a write.
        body: Option<String>,
    },
}

impl Command {
    /// Fails if the settings leave it without any effect.
    pub(crate) fn check_possible(&self, sign_up: SignUp) -> Result<(), Failure> {
        match (self, sign_up) {
            (Self::Invite { .. }, SignUp::Closed) => Err(Failure::SignUpClosed),
            _ => Ok(()),
        }
    }

    /// Whether it makes sense on an empty database, and so may create one. All others read or change what is stored.
    pub(crate) fn can_begin(&self) -> bool {
        matches!(
            self,
            Self::AddOperator { .. }
                | Self::AddAccount { .. }
                | Self::AddKey { .. }
                | Self::Invite { .. }
                | Self::Seed {}
        )
    }
}

/// Where a part begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReindexPlace {
    /// The type.
    pub collection: String,
    /// The id of the last record before it.
    pub after: Option<String>,
}

/// Serializes secrets. They cross the local socket and go to the terminal of the person who asked, and nowhere else.
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

/// The same for secrets that may be absent.
pub(crate) mod optional_secret {
    use backstay_base::Secret;
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(Secret::expose).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
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
