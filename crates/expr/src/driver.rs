use backstay_model::FieldId;

use crate::{CallerPart, Expr, Many, Node, Operator, Path, Quantifier, Root};

/// A part of a rule that is true of the records that the caller's memberships lead to, such as
/// `this.section.members.exists(m, m == auth.id)`: the records can be found from the caller, instead of being asked one by
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Driver {
    /// The to-one field that leads to the record that has members; `None`: the record has them itself.
    pub through: Option<FieldId>,
    /// The to-many field that leads to its members.
    pub members: FieldId,
}

impl Driver {
    /// The driver that this part of a rule is.
    pub fn of(part: &Expr) -> Option<Self> {
        let Node::Quantifier { kind: Quantifier::Exists, over: Many::Records(over), variable, body } = &part.node
        else {
            return None;
        };
        let driver = match (over.root, over.steps.as_slice()) {
            (Root::This, [members]) => Self { through: None, members: *members },
            (Root::This, [through, members]) => Self { through: Some(*through), members: *members },
            _ => return None,
        };
        (names_caller(body, *variable) && is_about(body, *variable)).then_some(driver)
    }
}

/// Whether it is true only of members that are the caller or refer to the caller.
fn names_caller(body: &Expr, variable: u16) -> bool {
    let is_member = |expr: &Expr| match &expr.node {
        Node::Path(Path { root, steps, .. }) => *root == Root::Bound(variable) && steps.len() <= 1,
        _ => false,
    };
    let is_caller = |expr: &Expr| match &expr.node {
        Node::Caller(part) => *part == CallerPart::Id,
        Node::Path(path) => path.root == Root::Account && path.steps.is_empty(),
        _ => false,
    };
    match &body.node {
        Node::Binary(Operator::And, left, right) => names_caller(left, variable) || names_caller(right, variable),
        Node::Binary(Operator::Equal, left, right) => {
            (is_member(left) && is_caller(right)) || (is_caller(left) && is_member(right))
        }
        _ => false,
    }
}

/// Whether it looks at the member alone.
fn is_about(body: &Expr, variable: u16) -> bool {
    match &body.node {
        Node::Path(path) => path.root == Root::Bound(variable) || path.is_of_account(),
        Node::Quantifier { .. } | Node::Aggregate(_) | Node::Computed(_) | Node::Within(_) => false,
        node => node.children().into_iter().all(|child| is_about(child, variable)),
    }
}
