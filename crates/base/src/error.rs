use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::{LargeDeletion, Place, RecordId};

/// What was asked of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Seeing a record and its fields in any way. This is what `@allow(read: …)` is about; the model's read rule answers
    /// for `Get` and `Search` too.
    Read,
    /// One record by its id.
    Get,
    /// Lists, and counts of them.
    Search,
    /// Naming a record in a reference or link of another record. Whoever may read it may do that too.
    Refer,
    /// create.
    Create,
    /// update, states included.
    Update,
    /// delete.
    Delete,
    /// Bringing a record back from the trash.
    Restore,
    /// Deleting a record in the trash for good.
    Purge,
    /// Seeing records in the trash: allowed to callers who may search them, and delete, restore or purge them.
    Trash,
    /// Reading the history of a record, and records as they were at a moment: what `@history(read: …)` is about.
    History,
}

impl Action {
    /// What a grant can name.
    pub const GRANTED: [Self; 8] =
        [Self::Get, Self::Search, Self::Create, Self::Update, Self::Delete, Self::Restore, Self::Purge, Self::Refer];

    /// The word in grants and in `@allow`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refer => "refer",
            Self::Trash => "trash",
            Self::History => "history",
            Self::Read
            | Self::Get
            | Self::Search
            | Self::Create
            | Self::Update
            | Self::Delete
            | Self::Restore
            | Self::Purge => self.name(),
        }
    }

    /// The word in the names of rules, as explanations write them.
    pub fn rule_name(self) -> &'static str {
        match self {
            Self::History => self.word(),
            Self::Read
            | Self::Get
            | Self::Search
            | Self::Refer
            | Self::Create
            | Self::Update
            | Self::Delete
            | Self::Restore
            | Self::Purge
            | Self::Trash => self.name(),
        }
    }

    /// The word in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Get => "get",
            Self::Search => "search",
            Self::Refer => "refer to",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
            Self::Trash => "see deleted",
            Self::History => "read the history of",
        }
    }
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where.
    pub at: Place,
    /// What is wrong.
    pub kind: ViolationKind,
}

impl Violation {
    /// A violation at this place.
    pub fn new(at: Place, kind: ViolationKind) -> Self {
        Self { at, kind }
    }
}

/// What can be wrong with one value, field or parameter. The `Display` text is for the outside: it never repeats a
/// value that was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViolationKind {
    /// The text does not parse.
    #[error("{problem} (character {offset}){}", then(remedy.as_ref()))]
    Syntax {
        /// Offset in characters from the start of the text at `at`.
        offset: usize,
        /// What is wrong there.
        problem: String,
        /// What to write instead.
        remedy: Option<String>,
    },
    /// There is no such field, parameter, member or type.
    #[error("unknown {what} `{name}`{}", did_you_mean(suggestion.as_ref()))]
    Unknown {
        /// `field`, `parameter`, `value`, …
        what: &'static str,
        /// The name that was sent, shortened.
        name: String,
        /// The name that was probably meant.
        suggestion: Option<String>,
    },
    /// A member occurs twice in one object.
    #[error("it is given twice")]
    Duplicate,
    /// A value is required.
    #[error("a value is required")]
    Required,
    /// A value of another type.
    #[error("expected {expected}")]
    Type {
        /// The type and an example of it.
        expected: String,
    },
    /// Outside what the type or a limit takes.
    #[error("{0}")]
    Range(String),
    /// What another notation or another API would write.
    #[error("{problem}; {remedy}")]
    Misused {
        /// What is wrong.
        problem: String,
        /// What to write instead.
        remedy: String,
    },
    /// `@check` failed.
    #[error("{message}")]
    Check {
        /// The check's own message.
        message: String,
    },
    /// A hook before the change refused it.
    #[error("{message}")]
    Refused {
        /// The reason for programs, such as `sold-out`.
        code: Option<String>,
        /// The hook's own message.
        message: String,
    },
    /// A `@check` at commit failed of a record that the request doesn't name.
    #[error("{message} ({collection} {id})")]
    CheckOfOther {
        /// The check's own message.
        message: String,
        /// The record's type.
        collection: String,
        /// The record.
        id: Box<RecordId>,
    },
    /// The field may not be written by clients, or not any more.
    #[error("{0}")]
    ReadOnly(&'static str),
    /// The address that an account signs in with needs its password to be changed.
    #[error("changing your own email address requires your password")]
    NeedsPassword,
    /// The model sets the field to the signed-in account, and the caller is none.
    #[error("this field is set to the signed-in account, but you are not signed in with one")]
    NotAnAccount,
    /// A new record in another state than the first one.
    #[error("a new record begins as {initial}")]
    InitialState {
        /// The first state.
        initial: String,
    },
    /// The caller may not see or write the field.
    #[error("you may not {} this field", action.name())]
    FieldForbidden {
        /// What was tried.
        action: Action,
    },
    /// The caller may change the field, and others that were sent, but not in one change.
    #[error("you may not change this field together with {}", quoted(with))]
    FieldTogether {
        /// The others.
        with: Vec<String>,
    },
    /// The caller never sees a field that a query names.
    #[error("you may not read `{field}`")]
    FieldHidden {
        /// The field.
        field: String,
    },
    /// The record that is referred to does not exist.
    #[error("there is no {collection} with this {by}")]
    Reference {
        /// The collection referred to.
        collection: String,
        /// `id`, or the unique field.
        by: String,
    },
    /// The state cannot be reached from the present one.
    #[error("{from} cannot become {to}{}", allowed_states(allowed))]
    Transition {
        /// The stored state.
        from: String,
        /// The state asked for.
        to: String,
        /// The states that could be reached.
        allowed: Vec<String>,
    },
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

fn then(remedy: Option<&String>) -> String {
    remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default()
}

fn did_you_mean(suggestion: Option<&String>) -> String {
    suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn allowed_states(allowed: &[String]) -> String {
    if allowed.is_empty() { "; it is final".to_owned() } else { format!("; it can become {}", allowed.join(", ")) }
}

/// Why a request clashes with what is stored or under way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another record has this value.
    #[error("another {collection} has this {}", fields.join(" and "))]
    Unique {
        /// The collection.
        collection: String,
        /// The fields of the unique index.
        fields: Vec<String>,
        /// Where in the request the record is that has it, if the request writes several and it is known; else the whole.
        record: Box<Place>,
    },
    /// Another record has a value that must be unique, of a field that the caller may not see everywhere.
    #[error("a value that must be unique is taken by another {collection}")]
    UniqueUnseen {
        /// The collection.
        collection: String,
    },
    /// The range of another record overlaps this one's.
    #[error("{0}")]
    Overlap(Box<Overlap>),
    /// The range of another record overlaps this one's, and the caller may not see everywhere what decides that.
    #[error("another {collection} is in the way")]
    OverlapUnseen {
        /// The collection.
        collection: String,
    },
    /// Other records refer to this one.
    #[error(
        "records of {collection}{} refer to it by `{field}` ({count}{}){}",
        if *in_trash { " in the trash" } else { "" },
        if *more { " or more" } else { "" },
        if *in_trash { "; restore or purge them first" } else { "" }
    )]
    Referenced {
        /// The referring collection.
        collection: String,
        /// Its relation field.
        field: String,
        /// How many.
        count: u64,
        /// Whether there may be more.
        more: bool,
        /// Whether they are in the trash.
        in_trash: bool,
    },
    /// Other records refer to this one, and the caller may not see all of them.
    #[error("other records refer to it, not all of which you may see")]
    ReferencedUnseen,
    /// A record in the trash refers to another one there, without which it can't be restored.
    #[error("{}", in_trash(field.as_deref()))]
    InTrash {
        /// The field, if the caller sees it.
        field: Option<String>,
    },
    /// A record that would change because this one does is in conflict with another one. None if the caller may not see it.
    #[error("{}", related(of.as_deref()))]
    Related {
        /// The record, and its conflict.
        of: Option<Box<Related>>,
    },
    /// The idempotency key is in use by a request that has not ended.
    #[error("a request with this idempotency key is still under way")]
    InFlight,
    /// The stored record changed while the transaction ran.
    #[error("the record was changed at the same time")]
    Concurrent,
    /// What an action has read changes each time before it can commit.
    #[error(
        "what `{action}` has read was changed by other requests each of the {runs} times that it ran; repeat the request"
    )]
    Contended {
        /// The action.
        action: String,
        /// How often it ran.
        runs: u32,
    },
    /// What was asked is already so.
    #[error("{0}")]
    Already(&'static str),
}

/// The conflict of a record that would change because of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The collection.
    pub collection: String,
    /// The record.
    pub id: RecordId,
    /// Its conflict.
    pub conflict: Conflict,
}

fn related(of: Option<&Related>) -> String {
    match of {
        Some(Related { collection, id, conflict }) => {
            format!("the {collection} {id} would change with it: {conflict}")
        }
        None => "a record that would change with it can't, and you may not see it".to_owned(),
    }
}

/// That the range of a record overlaps another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The collection.
    pub collection: String,
    /// The fields with the start and the end of the range.
    pub range: [String; 2],
    /// The fields in which both records have the same values.
    pub same: Vec<String>,
    /// The other record, if the caller may read it.
    pub other: Option<RecordId>,
    /// Where in the request the record is whose range it is, if the request writes several; else the whole.
    pub record: Place,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, range: [from, to], same, other, record: _ } = self;
        write!(f, "the range from `{from}` to `{to}` overlaps that of ")?;
        match other {
            Some(id) => write!(f, "the {collection} {id}")?,
            None => write!(f, "another {collection}")?,
        }
        if same.is_empty() { Ok(()) } else { write!(f, " with the same {}", same.join(" and ")) }
    }
}

fn in_trash(field: Option<&str>) -> String {
    match field {
        Some(field) => format!("the record that `{field}` refers to is in the trash; restore that one first"),
        None => "a record that it refers to is in the trash; restore that one first".to_owned(),
    }
}

/// Why a caller is not recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// Nothing was shown where something is needed.
    #[error("sign in first")]
    Missing,
    /// The token or key is unknown, has expired or was revoked.
    #[error("the token is unknown, has expired or was revoked; sign in again")]
    Token,
    /// The API key is unknown, has expired or was revoked.
    #[error("the key is unknown, has expired or was revoked")]
    Key,
    /// The token of the link is unknown, has expired or was revoked.
    #[error("the link is unknown, has expired or was revoked")]
    Link,
    /// Email or password is wrong. Says neither which nor whether the account exists.
    #[error("the email address or the password is wrong")]
    Credentials,
}

/// A limit that was met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// A body, a text or a list is too large.
    #[error("{what} is larger than {max} {unit}")]
    Size {
        /// What is too large.
        what: &'static str,
        /// The most that is taken.
        max: u64,
        /// `bytes`, `records`, `levels`, …
        unit: &'static str,
    },
    /// More records match the filter of a change than it may concern.
    #[error("more than {max} records match")]
    Matching {
        /// The most records that match.
        max: u64,
    },
    /// A change concerns the stored sums of too many records.
    #[error(
        "the change concerns the stored sums of more than {max} records; make it in several requests, or declare these \
         sums with `stored: SOON` in the model"
    )]
    Sums {
        /// The most records.
        max: u64,
    },
    /// The answer is too large.
    #[error("the answer with so many fields and records is larger than {max} bytes")]
    Answer {
        /// The most bytes that an answer may have.
        max: u64,
    },
    /// Too many attempts.
    #[error("too many attempts; try again in {retry_after_seconds} seconds")]
    Rate {
        /// Whole seconds to wait.
        retry_after_seconds: u64,
    },
    /// The request needs more work than one may cost.
    #[error("the request is too expensive; narrow the filter, or add an index for it")]
    Cost,
    /// The change needs more work than one may cost.
    #[error(
        "the change is too expensive: evaluating the rules, checks and computed fields of its records costs too much; \
         `backstay explain` shows the statements"
    )]
    WriteCost,
    /// The operation kept others from writing for longer than one may.
    #[error(
        "the request keeps others from writing for too long; send fewer records at a time, and before you delete a record, \
         delete those that would go with it, a few at a time"
    )]
    Hold,
    /// A deletion is too much for one request, because of what goes with the record.
    #[error(transparent)]
    Deletion(Box<LargeDeletion>),
    /// There is no space left to store anything.
    #[error("there is no space left on the server's disk")]
    Storage,
    /// The caller, or its network, already uses what one may of what all share.
    #[error(transparent)]
    Share(Shared),
    /// The server has more to do than it can. Nothing was changed.
    #[error("the server is busy; try again")]
    Busy,
    /// Another transaction kept locked what the request changes. Nothing was changed.
    #[error("another change keeps what this request changes locked, and takes too long; try again")]
    Locked,
    /// A statement was ended because the time of its request was up.
    #[error("the request took longer than it may; ask for less, or send fewer records at a time")]
    Deadline,
    /// The request took too long.
    #[error("the request took longer than {seconds} seconds")]
    Time {
        /// The limit.
        seconds: u64,
    },
}

/// What a caller or its network shares with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Shared {
    /// Connections.
    #[error("your network already has as many connections as one network may have")]
    Connections,
    /// Memory.
    #[error("requests and unread answers of your network already use the memory that one network may use")]
    Memory,
    /// Requests whose bodies are still arriving.
    #[error(
        "your network is already sending as many request bodies as one network may send at a time; send some of them after others"
    )]
    Bodies,
    /// Places in the queues of the database.
    #[error("too many requests from you or your network are waiting for the database; wait for their answers")]
    Queue,
    /// Places of calls of functions.
    #[error("too many calls of actions from you or your network are waiting; wait for their answers")]
    Calls,
}

/// Why a request was refused or failed: the error of the domain. Free of HTTP; crate `http` gives each its status.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The request cannot be understood: its form, a parameter, a filter.
    #[error("{}", first(.0))]
    Malformed(Vec<Violation>),
    /// The request is understood, but its values break the model.
    #[error("{}", first(.0))]
    Invalid(Vec<Violation>),
    /// The caller is not recognised.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// The caller may not do this.
    #[error("you may not {} {what}", action.name())]
    Forbidden {
        /// What was tried.
        action: Action,
        /// On what: a collection's name, or a phrase such as `this Post`.
        what: String,
    },
    /// The caller may change the record, but not into this.
    #[error("this change would leave the {collection} in a form that you may not update")]
    ForbiddenAfterwards {
        /// The collection.
        collection: String,
    },
    /// The guard of a transition isn't true: for this caller, or not yet.
    #[error(transparent)]
    TransitionRefused(Box<RefusedTransition>),
    /// The caller may not call this action.
    #[error("you may not call `{action}`")]
    Uncallable {
        /// The action.
        action: String,
    },
    /// The procedure that carries out an action has refused.
    #[error(transparent)]
    Refused(Box<RefusedByProcedure>),
    /// Nobody may create an account for themselves.
    #[error("sign-up is closed")]
    SignUpClosed,
    /// The model has no type of accounts.
    #[error("this application has no accounts")]
    NoAccounts,
    /// The commit log doesn't have all entries since a mark any more.
    #[error("not all changes since then are kept any more")]
    ChangesGone,
    /// No rule of the model asks for links.
    #[error("this application has no secret links")]
    NoLinks,
    /// An account can't be made with these values. Says neither which of them is taken nor whether the invitation holds.
    #[error("no account can be made with these values")]
    SignUpRefused,
    /// A key was to sign out.
    #[error("a key has no session to end")]
    KeyWithoutSession,
    /// It does not exist, or the caller may not know of it.
    #[error("there is no {what}")]
    NotFound {
        /// What there is not.
        what: String,
    },
    /// It clashes with what is stored or under way.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// `If-Match` names another version.
    #[error("the record has changed since you read it; its version is now {version}")]
    Precondition {
        /// The stored version.
        version: i64,
    },
    /// `If-None-Match: *` wants no record.
    #[error("the request only creates a record, but there is one already; its version is {version}")]
    Exists {
        /// The stored version.
        version: i64,
    },
    /// The idempotency key was used with another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// A limit was met.
    #[error(transparent)]
    Limit(#[from] Limit),
    /// It is uncertain whether the commit took effect; the idempotency key tells.
    #[error("it is unknown whether the change was stored; repeat the request with the same idempotency key")]
    Unknown,
    /// A fault of the server. The source is for the log alone.
    #[error("internal error")]
    Internal(#[source] Arc<dyn StdError + Send + Sync>),
}

/// Why a procedure refuses to carry out its action: the team's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RefusedByProcedure {
    /// The reason for programs, such as `sold-out`.
    pub code: Option<String>,
    /// The reason for people.
    pub message: String,
}

/// A transition whose guard isn't true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this {collection} can't go from {from} to {to}: {}", message.as_deref().unwrap_or("a condition of this transition isn't met"))]
pub struct RefusedTransition {
    /// The collection.
    pub collection: String,
    /// The state of the stored record, which the caller sees.
    pub from: String,
    /// The state that it should get.
    pub to: String,
    /// The reason that the model gives.
    pub message: Option<String>,
}

impl Error {
    /// What the team's own code calls its refusal, for programs: such as `sold-out`.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) => refused.code.as_deref(),
            Self::Invalid(violations) => violations.iter().find_map(|violation| match &violation.kind {
                ViolationKind::Refused { code, .. } => code.as_deref(),
                _ => None,
            }),
            _ => None,
        }
    }

    /// A fault of the server, with its cause kept for the log.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(cause))
    }

    /// Whether less of the same at a time may succeed: it was too much for one commit.
    pub fn fits_in_parts(&self) -> bool {
        let Self::Limit(limit) = self else { return false };
        match limit {
            Limit::Size { .. }
            | Limit::Sums { .. }
            | Limit::Cost
            | Limit::WriteCost
            | Limit::Hold
            | Limit::Deletion(_) => true,
            Limit::Matching { .. }
            | Limit::Answer { .. }
            | Limit::Rate { .. }
            | Limit::Storage
            | Limit::Share(_)
            | Limit::Busy
            | Limit::Locked
            | Limit::Deadline
            | Limit::Time { .. } => false,
        }
    }

    /// One violation of form.
    pub fn malformed(at: Place, kind: ViolationKind) -> Self {
        Self::Malformed(vec![Violation::new(at, kind)])
    }

    /// One violation of the model.
    pub fn invalid(at: Place, kind: ViolationKind) -> Self {
        Self::Invalid(vec![Violation::new(at, kind)])
    }

    /// The stable name of the kind of error: the last part of a problem's `type`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed-request",
            Self::Invalid(_) => "invalid-values",
            Self::Unauthenticated(Unauthenticated::Missing) => "sign-in-required",
            Self::Unauthenticated(Unauthenticated::Token | Unauthenticated::Key) => "invalid-token",
            Self::Unauthenticated(Unauthenticated::Link) => "invalid-link",
            Self::Unauthenticated(Unauthenticated::Credentials) => "wrong-credentials",
            Self::Forbidden { .. }
            | Self::ForbiddenAfterwards { .. }
            | Self::Uncallable { .. }
            | Self::SignUpClosed
            | Self::SignUpRefused
            | Self::NoAccounts
            | Self::NoLinks
            | Self::KeyWithoutSession => "forbidden",
            Self::TransitionRefused(_) => "transition-refused",
            Self::Refused(_) => "refused",
            Self::ChangesGone => "changes-gone",
            Self::NotFound { .. } => "not-found",
            Self::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => "not-unique",
            Self::Conflict(Conflict::Overlap(_) | Conflict::OverlapUnseen { .. }) => "overlaps",
            Self::Conflict(Conflict::Referenced { .. } | Conflict::ReferencedUnseen) => "still-referenced",
            Self::Conflict(Conflict::InTrash { .. }) => "refers-to-trash",
            Self::Conflict(Conflict::Related { .. }) => "related-conflict",
            Self::Conflict(Conflict::InFlight) => "request-in-flight",
            Self::Conflict(Conflict::Concurrent | Conflict::Contended { .. }) => "concurrent-change",
            Self::Conflict(Conflict::Already(_)) => "already-done",
            Self::Precondition { .. } => "version-mismatch",
            Self::Exists { .. } => "record-exists",
            Self::KeyReused => "idempotency-key-reused",
            Self::Limit(Limit::Size { .. } | Limit::Matching { .. } | Limit::Sums { .. } | Limit::Answer { .. }) => {
                "too-large"
            }
            Self::Limit(Limit::Deletion(deletion)) => deletion.code(),
            Self::Limit(Limit::Rate { .. }) => "too-many-attempts",
            Self::Limit(Limit::Cost | Limit::WriteCost | Limit::Hold) => "too-costly",
            Self::Limit(Limit::Share(_)) => "too-many-requests",
            Self::Limit(Limit::Busy | Limit::Locked) => "busy",
            Self::Limit(Limit::Storage) => "storage-full",
            Self::Limit(Limit::Time { .. } | Limit::Deadline) => "timeout",
            Self::Unknown => "outcome-unknown",
            Self::Internal(_) => "internal",
        }
    }
}

fn first(violations: &[Violation]) -> String {
    match violations {
        [] => "the request is not valid".to_owned(),
        [one] => place(one),
        [one, rest @ ..] => format!("{} (and {} more)", place(one), rest.len()),
    }
}

fn place(violation: &Violation) -> String {
    match &violation.at {
        Place::Whole => violation.kind.to_string(),
        at => format!("{at}: {}", violation.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Excess, Remedy};

    #[test]
    fn names_are_listed() {
        let check = |names: &[&str], expected: &str| {
            let with = names.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(ViolationKind::FieldTogether { with }.to_string(), expected);
        };
        check(&["a"], "you may not change this field together with `a`");
        check(&["a", "b"], "you may not change this field together with `a` and `b`");
        check(&["a", "b", "c"], "you may not change this field together with `a`, `b` and `c`");
    }

    #[test]
    fn what_is_too_much_for_one_commit_fits_in_parts() {
        let size = Limit::Size { what: "what would be deleted", max: 1, unit: "records" };
        let (excess, remedy) = (Excess::Hold, Remedy::OwnRequest);
        let deletion = LargeDeletion { excess, deleted: Vec::new(), changed: Vec::new(), remedy };
        let deletion = Limit::Deletion(Box::new(deletion));
        for limit in [size, Limit::Sums { max: 1 }, Limit::Cost, Limit::WriteCost, Limit::Hold, deletion] {
            let error = Error::from(limit);
            assert!(error.fits_in_parts(), "{error}");
        }
        for error in [Limit::Busy.into(), Limit::Locked.into(), Limit::Storage.into(), Conflict::Concurrent.into()] {
            assert!(!Error::fits_in_parts(&error), "{error}");
        }
    }
}
