//! What `within` asks for, as a range that an index finds.

use backstay_expr::{Expr, Many, Node, Operator, Quantifier, Root, Type};
use backstay_model::{CollectionId, FieldId};
use sea_query::ExprTrait;

use crate::forest::Forest;
use crate::lower::Lowering;
use crate::predicate::Pred;

/// The records that `x.within(y)` is about: a branch of a tree.
#[derive(Debug)]
pub(crate) struct Branch<'e> {
    /// The record that is to be in the branch.
    pub(crate) member: &'e Expr,
    /// The record with which the branch begins.
    pub(crate) root: &'e Expr,
    of: CollectionId,
    relation: FieldId,
}

impl<'e> Branch<'e> {
    /// Of an expression that says what `within` does: `x == y || x.ancestors.exists(a, a == y)`.
    pub(crate) fn of(expr: &'e Expr) -> Option<Self> {
        let Node::Binary(Operator::Or, same, below) = &expr.node else { return None };
        let Node::Binary(Operator::Equal, member, root) = &same.node else { return None };
        let Node::Quantifier { kind: Quantifier::Exists, over: Many::Records(over), variable, body } = &below.node
        else {
            return None;
        };
        let (Node::Path(path), Type::Record(of, _)) = (&member.node, &member.ty) else { return None };
        let Node::Binary(Operator::Equal, ancestor, other) = &body.node else { return None };
        let Node::Path(ancestor) = &ancestor.node else { return None };
        let is_ancestor = ancestor.root == Root::Bound(*variable) && ancestor.steps.is_empty();
        let (relation, steps) = over.steps.split_last()?;
        let is_of_member = over.root == path.root && *steps == *path.steps && ancestor.collection == *of;
        let is_same = root.node == other.node;
        let branch = Self { member, root, of: *of, relation: *relation };
        (is_ancestor && is_of_member && is_same).then_some(branch)
    }

    /// That the member is in it, whoever may read what is between; `None` if the relation isn't that to the records above.
    pub(crate) fn lowered(&self, lowering: &mut Lowering<'_, '_, '_>) -> Option<Pred> {
        let collection = lowering.builder.model.collection(self.of);
        collection.tree.filter(|tree| tree.ancestors == self.relation)?;
        let (member, root) = (lowering.value(self.member), lowering.value(self.root));
        let branch = Forest::of(collection, lowering.builder.dialect).down_from(root.settled());
        Some(Pred::Sql(member.settled().in_subquery(branch)))
    }
}
