use std::sync::Arc;

use crate::ids::{CollectionId, FieldId};

/// What tells accounts of a change: `@notify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// The ways to the accounts. Each account is notified once, however many lead to it.
    pub to: Vec<PathToAccounts>,
    /// How they are notified.
    pub channel: Channel,
}

/// The relations that lead from a record to accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathToAccounts(pub Vec<(CollectionId, FieldId)>);

/// How accounts are notified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// By mail, which is made of this template.
    Mail(Arc<str>),
    /// By a record that they find in the application.
    Inbox(InboxRecords),
}

/// The records that notifications become, and which of their fields are given what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRecords {
    /// Their type.
    pub into: CollectionId,
    /// `to`: the account.
    pub to: FieldId,
    /// What refers to the record that has changed.
    pub about: Option<FieldId>,
    /// `event`: what has happened to it.
    pub event: Option<FieldId>,
    /// `kind`, and what it is given: which notification it is.
    pub kind: Option<(FieldId, Arc<str>)>,
}
