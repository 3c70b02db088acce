mod copies;
mod logs;
mod reindexed;
mod webhooks;

use std::collections::BTreeMap;
use std::fmt;

use backstay_base::Secret;
use serde::{Deserialize, Serialize};

pub use copies::{CopiedDatabase, MadeBackup, RestoredBackup};
pub use logs::{LogChangeLine, LogEntryLine, VerifiedLogLine};
pub use reindexed::{Reindexed, ReindexedLine};
pub use webhooks::{DeadLetterLine, WebhookAnswer, WebhookLine};

use crate::command::{optional_secret, secret};
use crate::seed::{Seeded, Skipped, placed};
use crate::{Done, Exported, Imported};

/// The answer to another command.
#[derive(Debug, thiserror::Error)]
#[error("the server's reply does not match the command")]
pub(crate) struct OtherAnswer;

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
    /// An account was added.
    AccountAdded {
        /// Its record's id.
        id: String,
        /// The email address it signs in with.
        email: String,
        /// The password, if Backstay generated it.
        #[serde(with = "optional_secret")]
        password: Option<Secret>,
    },
    /// Accounts.
    Accounts {
        /// Oldest first.
        accounts: Vec<ListedAccount>,
        /// After which id the list goes on, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
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
    /// An account's address was verified.
    AccountVerified {
        /// The account as named in the command.
        account: String,
    },
    /// An account's address is no longer verified.
    AccountUnverified {
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
        /// Whether the account had it.
        held: bool,
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
    /// Jobs in some states.
    Jobs {
        /// Oldest first.
        jobs: Vec<JobLine>,
    },
    /// A job.
    Job {
        /// It.
        job: Box<JobLine>,
    },
    /// A job was queued anew.
    JobRetried {
        /// The job as named in the command.
        job: String,
    },
    /// A job was cancelled.
    JobCancelled {
        /// The job as named in the command.
        job: String,
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
    /// An import begins or goes on.
    ImportBegun {
        /// How far it is, if it has begun before.
        done: Option<Done>,
    },
    /// Records of an import were written.
    Imported {
        /// What became of them.
        imported: Imported,
    },
    /// Imports ended.
    ImportEnded {},
    /// A page of records.
    Exported {
        /// The page.
        exported: Exported,
    },
    /// The database was migrated, or can't be.
    Migration {
        /// Whether it fits the model now.
        applied: bool,
        /// The steps, for people.
        text: String,
        /// For programs.
        report: serde_json::Value,
    },
    /// Stored sums were compared with what they sum.
    Sums {
        /// In the order of the model.
        sums: Vec<SumLine>,
    },
    /// The database was backed up.
    BackedUp(MadeBackup),
    /// A backup is the database now.
    Restored(RestoredBackup),
    /// A database was copied.
    Copied(CopiedDatabase),
    /// Indexes of full-text search were built anew.
    Reindexed {
        /// What was done.
        reindexed: Reindexed,
    },
    /// The commit log was pruned.
    LogPruned {
        /// How many entries are gone.
        entries: u64,
    },
    /// The commit log is whole.
    LogVerified(VerifiedLogLine),
    /// Entries of the commit log.
    LogEntries {
        /// Oldest first.
        entries: Vec<LogEntryLine>,
    },
    /// A request was explained.
    Explained {
        /// For people.
        text: String,
        /// For programs.
        explanation: serde_json::Value,
    },
    /// The server is inspected.
    InspectorOn {
        /// Until when; always without it.
        until: Option<String>,
    },
    /// The server isn't inspected.
    InspectorOff {},
    /// Something about webhooks.
    #[serde(untagged)]
    Webhook(WebhookAnswer),
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

/// An account in a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListedAccount {
    /// Its record's id.
    pub id: String,
    /// The email address it signs in with.
    pub email: String,
    /// Roles of the model.
    pub roles: Vec<String>,
    /// Whether its address is verified.
    pub verified: bool,
    /// Whether it is disabled: its password and sessions are refused.
    pub disabled: bool,
    /// When its record was made.
    pub created_at: String,
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
    /// Whether its address is verified.
    pub verified: bool,
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
    /// What it is limited to, each as `posts:get`; null if nothing but the rules limits it.
    pub only: Option<Vec<String>>,
    /// When it expires.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// A job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobLine {
    /// Its id.
    pub id: String,
    /// The action that it carries out.
    pub kind: String,
    /// `WAITING`, `RUNNING`, `DONE`, `DEAD` or `CANCELLED`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is due, or its lease ends.
    pub due_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Who has queued it; null if that was Backstay itself.
    pub by: Option<String>,
    /// What it takes, as JSON.
    pub input: String,
    /// What it has returned, as JSON.
    pub result: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What part of it is done, 0 to 1, as it says itself.
    pub done: Option<f64>,
    /// What it is at.
    pub note: Option<String>,
}

impl JobLine {
    fn whole(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        writeln!(f, "input: {}", self.input)?;
        for (name, value) in [("queued by", &self.by), ("result", &self.result), ("error", &self.error)] {
            if let Some(value) = value {
                writeln!(f, "{name}: {value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for JobLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, state, attempts, due_at, ended_at, done, note, .. } = self;
        write!(f, "{id}  {kind}  {state}  attempts {attempts}")?;
        if let Some(done) = done {
            write!(f, "  {:.0} % done", done * 100.0)?;
        }
        if let Some(note) = note {
            write!(f, " ({note})")?;
        }
        match (ended_at, due_at) {
            (Some(ended), _) => writeln!(f, "  ended {ended}"),
            (None, Some(due)) => writeln!(f, "  due {due}"),
            (None, None) => writeln!(f, "  behind another job"),
        }
    }
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

/// A stored sum, compared with what it sums.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SumLine {
    /// Such as `Product.reserved`.
    pub sum: String,
    /// How many records have it.
    pub records: u64,
    /// In how many of them it isn't what it should be.
    pub differing: u64,
    /// The ids of the first of these.
    pub first: Vec<String>,
    /// In how many others it isn't yet, because it follows after the commit.
    pub queued: u64,
}

impl fmt::Display for OperatorLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.id, self.email)
    }
}

impl fmt::Display for Answer {
    #[expect(clippy::too_many_lines, reason = "one arm for each answer")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OperatorAdded { email, .. } => writeln!(f, "{email} is now an operator"),
            Self::Operators { operators } if operators.is_empty() => {
                writeln!(f, "no operators; add one with `backstay operator add EMAIL`")
            }
            Self::Operators { operators } => operators.iter().try_for_each(|one| one.fmt(f)),
            Self::OperatorPasswordSet { operator } => {
                writeln!(f, "changed the password of {operator} and ended all their sessions")
            }
            Self::OperatorRemoved { operator } => writeln!(f, "{operator} is no longer an operator"),
            Self::AccountAdded { email, password: Some(password), .. } => {
                writeln!(f, "{}\n\nThis password is shown only once. {email} can sign in with it.", password.expose())
            }
            Self::AccountAdded { email, password: None, .. } => writeln!(f, "{email} can now sign in"),
            Self::Accounts { accounts, .. } if accounts.is_empty() => {
                writeln!(f, "no accounts; add one with `backstay account add EMAIL`")
            }
            Self::Accounts { accounts, .. } => accounts.iter().try_for_each(|one| one.fmt(f)),
            Self::Account { account } => account.fmt(f),
            Self::AccountPasswordSet { account } => {
                writeln!(f, "changed the password of {account} and ended all its sessions")
            }
            Self::AccountDisabled { account } => writeln!(f, "disabled {account} and ended all its sessions"),
            Self::AccountVerified { account } => writeln!(f, "verified the address of {account}"),
            Self::AccountUnverified { account } => writeln!(f, "the address of {account} is no longer verified"),
            Self::AccountEnabled { account } => writeln!(f, "enabled {account}"),
            Self::ClaimSet { account, name, value } => writeln!(f, "{account} now has the claim {name}={value}"),
            Self::ClaimRemoved { account, name } => writeln!(f, "{account} no longer has the claim {name}"),
            Self::RoleGranted { account, role } => writeln!(f, "{account} now has the role {role}"),
            Self::RoleRevoked { account, role, held: true } => writeln!(f, "{account} no longer has the role {role}"),
            Self::RoleRevoked { account, role, held: false } => {
                writeln!(f, "nothing to revoke: {account} didn't have the role {role}")
            }
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
            Self::Jobs { jobs } if jobs.is_empty() => writeln!(f, "no such jobs"),
            Self::Jobs { jobs } => jobs.iter().try_for_each(|job| job.fmt(f)),
            Self::Job { job } => job.whole(f),
            Self::JobRetried { job } => writeln!(f, "queued the job {job} anew"),
            Self::JobCancelled { job } => writeln!(f, "cancelled the job {job}"),
            Self::InspectorOn { until: Some(until) } => {
                writeln!(f, "the inspector is on until {until}; sign in at /inspect as an operator")
            }
            Self::InspectorOn { until: None } => writeln!(f, "the inspector is always on; open /inspect"),
            Self::InspectorOff {} => writeln!(f, "the inspector is off"),
            Self::Webhook(told) => told.fmt(f),
            Self::Invited { email, token, .. } => {
                writeln!(f, "{}\n\nThis token is shown only once. {email} can sign up with it.", token.expose())
            }
            Self::Invitations { invitations } if invitations.is_empty() => {
                writeln!(f, "no open invitations; invite someone with `backstay invite EMAIL`")
            }
            Self::Invitations { invitations } => invitations.iter().try_for_each(|one| one.fmt(f)),
            Self::InvitationRevoked { email } => writeln!(f, "{email} is no longer invited"),
            Self::Seeded { seeded } => seeded.fmt(f),
            Self::ImportBegun { done } => writeln!(f, "{} imported", rows_of(done.as_ref())),
            Self::Imported { imported } => imported.fmt(f),
            Self::ImportEnded {} => writeln!(f, "the import is complete"),
            Self::Exported { exported } => exported.records.iter().try_for_each(|record| writeln!(f, "{record}")),
            Self::Migration { text, .. } => f.write_str(text),
            Self::Sums { sums } if sums.is_empty() => writeln!(f, "the model has no stored sums"),
            Self::Sums { sums } => sums.iter().try_for_each(|sum| sum.fmt(f)),
            Self::Reindexed { reindexed } => reindexed.fmt(f),
            Self::LogPruned { entries } => logs::pruned(f, *entries),
            Self::LogVerified(verified) => verified.fmt(f),
            Self::LogEntries { entries } => logs::entries(f, entries),
            Self::BackedUp(made) => made.fmt(f),
            Self::Restored(restored) => restored.fmt(f),
            Self::Copied(copied) => copied.fmt(f),
            Self::Explained { text, .. } => writeln!(f, "{}", text.trim_end()),
        }
    }
}

impl fmt::Display for ListedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.id, self.email)?;
        if !self.roles.is_empty() {
            write!(f, "  {}", self.roles.join(" "))?;
        }
        if self.verified {
            write!(f, "  verified")?;
        }
        if self.disabled {
            write!(f, "  disabled")?;
        }
        writeln!(f, "  created {}", self.created_at)
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
        line("verified", if self.verified { "yes" } else { "no" })?;
        line("disabled", if self.disabled { "yes" } else { "no" })?;
        line("sessions", &self.sessions.to_string())
    }
}

impl fmt::Display for SumLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sum, records, differing, first, queued } = self;
        let records = Count(*records, "record");
        let ids = if first.len() == 1 { "id" } else { "first ids" };
        match (differing, queued) {
            (0, 0) => return writeln!(f, "{sum}: {records}, all correct"),
            (0, _) => write!(f, "{sum}: {records}")?,
            _ => write!(f, "{sum}: wrong in {differing} of {records}; {ids}: {}", first.join(", "))?,
        }
        if *queued > 0 { writeln!(f, "; {queued} to be refreshed") } else { writeln!(f) }
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
        match self.only.as_deref() {
            Some([]) => write!(f, "  only: nothing")?,
            Some(only) => write!(f, "  only {}", only.join(","))?,
            None => (),
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

/// What to do about a seed file that has changed since it was loaded.
pub(crate) const CHANGED_SEED: &str = "make them through the API, or load all seed files anew: into a new data directory (--data), or after `backstay \
     reset`, which deletes all data";

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} loaded", Count(self.records, "record"))?;
        for Skipped { file, lines, first, why } in &self.skipped {
            let exist = if *lines == 1 { "its record already exists" } else { "their records already exist" };
            let (file, lines) = (placed(file), Count(*lines, "line"));
            writeln!(f, "{file}: {lines} skipped because {exist} (first line {first}: {why})")?;
        }
        for file in &self.changed {
            let file = placed(file);
            writeln!(f, "{file} has changed since it was loaded; the changes were not loaded: {CHANGED_SEED}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows: _, created, updated, unchanged, refused } = self;
        let refused = refused.len();
        writeln!(f, "{created} created, {updated} updated, {unchanged} unchanged, {refused} refused")
    }
}

fn rows_of(done: Option<&Done>) -> Count {
    Count(done.map_or(0, |done| done.rows), "row")
}

/// A number of things, with the noun in singular or plural.
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = self;
        write!(f, "{count} {noun}{}", if *count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &Answer, expected: &str) {
        assert_eq!(answer.to_string(), format!("{expected}\n"));
    }

    #[test]
    fn compared_sums() {
        let sum = |differing: u64, first: &[&str], queued: u64| Answer::Sums {
            sums: vec![SumLine {
                sum: "Product.reserved".to_owned(),
                records: 20,
                differing,
                first: first.iter().map(|id| (*id).to_owned()).collect(),
                queued,
            }],
        };
        check(&Answer::Sums { sums: Vec::new() }, "the model has no stored sums");
        check(&sum(0, &[], 0), "Product.reserved: 20 records, all correct");
        check(&sum(0, &[], 3), "Product.reserved: 20 records; 3 to be refreshed");
        check(&sum(1, &["7"], 0), "Product.reserved: wrong in 1 of 20 records; id: 7");
        check(
            &sum(2, &["7", "9"], 4),
            "Product.reserved: wrong in 2 of 20 records; first ids: 7, 9; 4 to be refreshed",
        );
    }

    #[test]
    fn operators() {
        let ada = || "ada@news.example".to_owned();
        check(&Answer::OperatorAdded { id: "1".to_owned(), email: ada() }, "ada@news.example is now an operator");
        check(&Answer::Operators { operators: vec![] }, "no operators; add one with `backstay operator add EMAIL`");
        let operators = vec![OperatorLine { id: "1".to_owned(), email: ada() }];
        check(&Answer::Operators { operators }, "1  ada@news.example");
        let changed = "changed the password of ada@news.example and ended all their sessions";
        check(&Answer::OperatorPasswordSet { operator: ada() }, changed);
        check(&Answer::OperatorRemoved { operator: ada() }, "ada@news.example is no longer an operator");
    }

    #[test]
    fn accounts() {
        let (ben, name, value) = (|| "ben@news.example".to_owned(), || "region".to_owned(), || "north".to_owned());
        let changed = "changed the password of ben@news.example and ended all its sessions";
        check(&Answer::AccountPasswordSet { account: ben() }, changed);
        check(&Answer::AccountDisabled { account: ben() }, "disabled ben@news.example and ended all its sessions");
        check(&Answer::AccountVerified { account: ben() }, "verified the address of ben@news.example");
        check(&Answer::AccountUnverified { account: ben() }, "the address of ben@news.example is no longer verified");
        check(&Answer::AccountEnabled { account: ben() }, "enabled ben@news.example");
        let set = Answer::ClaimSet { account: ben(), name: name(), value: value() };
        check(&set, "ben@news.example now has the claim region=north");
        let removed = Answer::ClaimRemoved { account: ben(), name: name() };
        check(&removed, "ben@news.example no longer has the claim region");
        let role = || "EDITOR".to_owned();
        let granted = Answer::RoleGranted { account: ben(), role: role() };
        check(&granted, "ben@news.example now has the role EDITOR");
        let revoked = |held| Answer::RoleRevoked { account: ben(), role: role(), held };
        check(&revoked(true), "ben@news.example no longer has the role EDITOR");
        check(&revoked(false), "nothing to revoke: ben@news.example didn't have the role EDITOR");
        check(&Answer::Roles { account: ben(), roles: vec![] }, "ben@news.example has no roles");
        check(&Answer::Roles { account: ben(), roles: vec![role(), "WRITER".to_owned()] }, "EDITOR\nWRITER");
        let added = |password| Answer::AccountAdded { id: "1".to_owned(), email: ben(), password };
        check(&added(None), "ben@news.example can now sign in");
        let shown = "k3v9x\n\nThis password is shown only once. ben@news.example can sign in with it.";
        check(&added(Some(Secret::new("k3v9x".to_owned()))), shown);
        let accounts = |accounts| Answer::Accounts { accounts, next: None };
        check(&accounts(vec![]), "no accounts; add one with `backstay account add EMAIL`");
        let listed = |roles, disabled| ListedAccount {
            id: "1".to_owned(),
            email: ben(),
            roles,
            verified: disabled,
            disabled,
            created_at: "2026-01-31T12:00:00.000000Z".to_owned(),
        };
        let shown = "1  ben@news.example  EDITOR  verified  disabled  created 2026-01-31T12:00:00.000000Z\n\
                     1  ben@news.example  created 2026-01-31T12:00:00.000000Z";
        check(&accounts(vec![listed(vec![role()], true), listed(vec![], false)]), shown);
        let account = AccountLine {
            id: "1".to_owned(),
            email: ben(),
            roles: vec![],
            claims: BTreeMap::from([(name(), value())]),
            verified: true,
            disabled: false,
            password: false,
            sessions: 2,
        };
        let shown = "id        1\nemail     ben@news.example\nroles     none\nclaims    region=north\npassword  none; the \
                     account cannot sign in without one\nverified  yes\ndisabled  no\nsessions  2";
        check(&Answer::Account { account }, shown);
    }

    #[test]
    fn keys_and_invitations() {
        let secret = || Secret::new("bsk_1".to_owned());
        let text = |text: &str| text.to_owned();
        let added = Answer::KeyAdded { id: text("1"), name: text("importer"), key: secret() };
        check(&added, "bsk_1\n\nThis key is shown only once. Send it as `Authorization: Bearer KEY`.");
        check(&Answer::Keys { keys: vec![] }, "no keys; add one with `backstay key add NAME`");
        check(&Answer::KeyRevoked { key: text("importer") }, "revoked the key importer");
        check(&Answer::Jobs { jobs: vec![] }, "no such jobs");
        check(&Answer::JobRetried { job: text("1") }, "queued the job 1 anew");
        check(&Answer::JobCancelled { job: text("1") }, "cancelled the job 1");
        let invited = Answer::Invited { id: text("1"), email: text("eve@news.example"), token: secret() };
        check(&invited, "bsk_1\n\nThis token is shown only once. eve@news.example can sign up with it.");
        let none = "no open invitations; invite someone with `backstay invite EMAIL`";
        check(&Answer::Invitations { invitations: vec![] }, none);
        let line = InvitationLine {
            id: text("1"),
            email: text("eve@news.example"),
            roles: vec![text("EDITOR")],
            expires_at: text("2026-01-31T12:00:00Z"),
        };
        let listed = "1  eve@news.example  EDITOR  expires 2026-01-31T12:00:00Z";
        check(&Answer::Invitations { invitations: vec![line] }, listed);
        check(&Answer::InvitationRevoked { email: text("eve@news.example") }, "eve@news.example is no longer invited");
    }

    #[test]
    fn seeds() {
        let seeded = Seeded { records: 1, ..Seeded::default() };
        check(&Answer::Seeded { seeded }, "1 record loaded");
        let skipped = |file: &str, lines| {
            let why = "another Tag has this name".to_owned();
            Skipped { file: file.to_owned(), lines, first: 3, why }
        };
        let seeded = Seeded {
            records: 0,
            skipped: vec![skipped("A.jsonl", 1), skipped("B.jsonl", 2)],
            known: vec!["C.jsonl".to_owned()],
            changed: vec!["D.jsonl".to_owned()],
        };
        check(
            &Answer::Seeded { seeded },
            "0 records loaded\n\
             seed/A.jsonl: 1 line skipped because its record already exists (first line 3: another Tag has this name)\n\
             seed/B.jsonl: 2 lines skipped because their records already exist (first line 3: another Tag has this name)\n\
             seed/D.jsonl has changed since it was loaded; the changes were not loaded: make them through the API, or load \
             all seed files anew: into a new data directory (--data), or after `backstay reset`, which deletes all data",
        );
    }
}
