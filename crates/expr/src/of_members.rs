//! What the members of a relation come to, made of expressions about one of them.

use std::collections::BTreeSet;

use backstay_model::{CollectionId, FieldId, Model, RuleId};

use crate::{Aggregate, Aggregation, Checked, Expr, Many, Node, Ordered, Path, Root, Type};

/// How one value is made of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembersFunction {
    /// How many there are.
    Count,
    /// The sum of a term.
    Sum,
    /// The least value of a term.
    Min,
    /// The greatest value of a term.
    Max,
}

impl MembersFunction {
    /// Every function.
    pub const ALL: [Self; 4] = [Self::Count, Self::Sum, Self::Min, Self::Max];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// The variable that stands for a member: no checked expression has as many variables of its own.
const MEMBER: u16 = u16::MAX;

/// An expression about a record: what the members of a to-many relation of it come to. `condition` says which of them are
/// meant; its parameters are those of the whole. `term`, which every function but the count needs, has none. Both are about
/// `this`, which is the member. `None` if the function can't be applied to the term.
pub fn of_members(
    model: &Model,
    (collection, relation): (CollectionId, FieldId),
    function: (MembersFunction, Option<&Checked>),
    condition: Option<&Checked>,
) -> Option<Checked> {
    let target = model.field(collection, relation).kind.target()?;
    let member = Path { root: Root::Bound(MEMBER), collection: target, steps: Vec::new(), part: None };
    let about_member = |checked: &Checked| {
        let mut expr = checked.expr.clone();
        expr.rebase(&member);
        expr
    };
    let (ty, folding) = match function {
        (MembersFunction::Count, None) => (Type::Int, Aggregation::Count),
        (MembersFunction::Sum, Some(term)) => (term.expr.ty.clone(), Aggregation::Sum(about_member(term))),
        (MembersFunction::Min, Some(term)) => {
            (term.expr.ty.clone(), Aggregation::Min(ordered(model, about_member(term))))
        }
        (MembersFunction::Max, Some(term)) => {
            (term.expr.ty.clone(), Aggregation::Max(ordered(model, about_member(term))))
        }
        (MembersFunction::Count, Some(_))
        | (MembersFunction::Sum | MembersFunction::Min | MembersFunction::Max, None) => {
            return None;
        }
    };
    let over = Many::Records(Path { root: Root::This, collection, steps: vec![relation], part: None });
    let condition_expr = condition.map(about_member);
    let aggregate = Aggregate { over, variable: MEMBER, condition: condition_expr, function: folding, part: None };
    let parts = || condition.into_iter().chain(function.1);
    let all = |of: fn(&Checked) -> &[(CollectionId, FieldId)]| -> BTreeSet<(CollectionId, FieldId)> {
        parts().flat_map(|part| of(part).iter().copied()).collect()
    };
    let mut reads = all(|part| &part.reads);
    reads.insert((collection, relation));
    let account: BTreeSet<FieldId> = parts().flat_map(|part| part.account.iter().copied()).collect();
    let rules: BTreeSet<RuleId> = parts().flat_map(|part| part.rules.iter().copied()).collect();
    Some(Checked {
        expr: Expr { node: Node::Aggregate(Box::new(aggregate)), ty, span: 0..0 },
        params: condition.map_or_else(Vec::new, |condition| condition.params.clone()),
        uses_now: parts().any(|part| part.uses_now),
        reads: reads.into_iter().collect(),
        computed_from: all(|part| &part.computed_from).into_iter().collect(),
        account: account.into_iter().collect(),
        rules: rules.into_iter().collect(),
        needs_store: true,
    })
}

fn ordered(model: &Model, term: Expr) -> Ordered {
    let names = match &term.ty {
        Type::Enum(id) => model.enumeration(*id).order(),
        _ => None,
    };
    Ordered { term, names }
}
