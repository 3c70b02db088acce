use backstay_expr::{Expr, Node, Root};
use backstay_model::{Collection, FieldId};

use crate::Perspective;

/// Whether the record that a rule is about is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    /// It is in the trash, or was deleted.
    Gone,
}

impl Presence {
    /// That of the records of a perspective.
    pub(crate) fn of(perspective: Perspective) -> Self {
        match perspective {
            Perspective::Live | Perspective::Stored => Self::There,
            Perspective::Trash | Perspective::AsOf | Perspective::Versions | Perspective::Last => Self::Gone,
        }
    }
}

/// Whether the last version of a record answers the rule as the record itself does.
pub(crate) fn is_of_version(collection: &Collection, rule: &Expr) -> bool {
    let is_kept = |field: &FieldId| Perspective::Last.has(collection.field(*field));
    let is_own = match &rule.node {
        Node::Path(path) => path.is_of_account() || path.root == Root::This && path.steps.len() <= 1,
        Node::Computed(of) => of.at.steps.is_empty(),
        Node::Quantifier { over, .. } => over.path().is_none(),
        Node::Aggregate(of) => of.over.path().is_none(),
        Node::Literal(_)
        | Node::Param(..)
        | Node::Output(..)
        | Node::Caller(_)
        | Node::Now
        | Node::Not(_)
        | Node::Negate(_)
        | Node::Binary(..)
        | Node::IsNull { .. }
        | Node::Conditional(..)
        | Node::In(..)
        | Node::List(_)
        | Node::Call(..)
        | Node::Matches(..)
        | Node::Within(_)
        | Node::Ordinal(..)
        | Node::Fact(_) => true,
    };
    let path = rule.node.path().filter(|path| path.root == Root::This);
    // Later steps are fields of other types, and what they lead to isn't the version's own.
    let kept = path.and_then(|path| path.steps.first()).is_none_or(is_kept);
    is_own && kept && rule.node.children().into_iter().all(|child| is_of_version(collection, child))
}
