use std::sync::Arc;

use crate::ids::{CollectionId, FieldId};
use crate::notification::Notify;
use crate::source::{RuleText, Span};

/// `@job`: an action that can also be queued, and is then carried out once its commit is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// How often it is tried again after it has failed.
    pub retries: u32,
    /// How many of its jobs one server runs at the same time.
    pub concurrency: u32,
    /// The roles with which it runs; `None`: it runs as whoever has queued it.
    pub roles: Option<Vec<Arc<str>>>,
    /// Seconds that an attempt at it may take.
    pub timeout: u32,
    /// Whether nothing else is said of it than that it is a job: no client can call it.
    pub only: bool,
}

/// What happens to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordEvent {
    /// It is made, or comes back from the trash.
    Create,
    /// It is changed.
    Update,
    /// It is deleted, or goes to the trash.
    Delete,
}

impl RecordEvent {
    /// Its name in models, and in what a hook's job is given.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// What runs because of a change of a record: `@on` or `@notify` of its type, or `@to(run:)` of a state. Most of it is queued in
/// the commit of the change; `@on(phase: BEFORE)` runs before the change.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The type of the record.
    pub collection: CollectionId,
    /// The changes that it is about.
    pub on: HookOn,
    /// What it queues or runs.
    pub run: HookRun,
    /// What must be true of the change: `old` is the record before it, `new` afterwards.
    pub when: Option<RuleText>,
    /// Where it is in the model.
    pub span: Span,
}

/// What a hook queues, or runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookRun {
    /// The job of the action at this place.
    Action(usize),
    /// Nothing: the function of this name runs before the change, and may refuse it or change it.
    Before(Arc<str>),
    /// A notification for each account that the change concerns.
    Notify(Notify),
}

/// The changes that a hook is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookOn {
    /// Each of these.
    Events(Vec<RecordEvent>),
    /// A state follows another one.
    Transition {
        /// The field that holds the state.
        states: FieldId,
        /// The state before.
        from: Arc<str>,
        /// The state afterwards.
        to: Arc<str>,
    },
}
