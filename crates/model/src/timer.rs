use std::sync::Arc;

use crate::FieldId;
use crate::source::Span;

/// `@at`: what happens to a record at a moment that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// The field that holds the moment: a `DateTime`, or a `Date`, which begins at midnight in UTC. A record without a value
    /// isn't due.
    pub field: FieldId,
    /// What happens.
    pub act: TimedAct,
    /// Where it is in the model.
    pub span: Span,
}

/// What a timer does with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimedAct {
    /// It takes a transition.
    Transition {
        /// The field that holds the state.
        states: FieldId,
        /// The states from which one leads there.
        from: Vec<Arc<str>>,
        /// The state that the record gets.
        to: Arc<str>,
    },
    /// It deletes the record.
    Delete,
}

impl Timer {
    /// The fields of the index in which the records are found that are due.
    pub fn index_fields(&self) -> Vec<FieldId> {
        match self.act {
            TimedAct::Transition { states, .. } => vec![states, self.field],
            TimedAct::Delete => vec![self.field],
        }
    }
}
