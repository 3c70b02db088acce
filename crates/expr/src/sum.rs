//! Stored sums: what the records that refer to one come to, so that a change of one of them changes it by a difference.

use std::collections::BTreeSet;

use backstay_model::{CollectionId, ComputedRights, FieldId, FieldKind, Model};
use backstay_scalar::{MONEY_SCALE, Scalar, Value};

use crate::compile::compile_value;
use crate::shared_sum;
use crate::sum_problem::Refused;
use crate::{
    Aggregation, Checked, ComputedField, Digits, Expr, ExprError, ExprErrorKind, Function, Many, Node, Operator, Path,
    Quantifier, Root, Scope, SumProblem, Type,
};

/// A stored sum of a collection.
#[derive(Debug, Clone)]
pub struct Sum {
    /// The collection whose records count in it.
    pub member: CollectionId,
    /// Their to-one field that leads to the record that has the sum.
    pub via: FieldId,
    /// Which of them count; `this` is the member. `None`: all.
    pub condition: Option<Expr>,
    /// What is made of them.
    pub kind: SumKind,
    /// The fields of the member that the condition and the term read; in order, each once.
    pub reads: Vec<FieldId>,
    /// The whole expression, about the record that has the sum.
    pub computed: ComputedField,
    /// What the check found out about the expression.
    pub checked: Checked,
}

/// How a stored sum follows a change of a member.
#[derive(Debug, Clone)]
pub enum SumKind {
    /// It counts members.
    Count,
    /// It adds a term of each member, which is an `Int`, a `Duration` or a `Decimal`; `this` is the member.
    Total(Expr),
    /// It is computed anew from all members if this value of a member changes; `this` is the member.
    Anew(Expr),
}

/// Checks a stored sum. The errors, at least one, stand in the field's own text.
///
/// # Panics
/// Panics if the field is not a stored sum.
pub fn sum(model: &Model, collection: CollectionId, field: FieldId) -> Result<Sum, Vec<ExprError>> {
    let of = model.collection(collection);
    let definition = of.field(field);
    let stored = definition.sum.as_ref().expect("the field is a stored sum");
    let ty = Type::of(of, definition).expect("a stored sum is a scalar or an enum");
    let named = Type::of_value(of, definition).expect("a stored sum is a scalar or an enum");
    let mut checked = compile_value(&stored.is, &Scope::rule(model, collection), &named)?;
    let parts = Parts { model, ty: &ty, scalar: definition.kind.scalar() };
    let numbers = shared_sum::of_numbers(model, &mut checked.expr, definition.currency.as_deref());
    let taken = numbers.and_then(|()| parts.taken(&checked.expr));
    let Taken { member, via, condition, kind, reads } =
        taken.map_err(|(span, problem)| vec![ExprError::new(span, ExprErrorKind::StoredSum { problem })])?;
    let digits = match definition.kind.scalar() {
        Some(Scalar::Decimal { precision, scale }) => Some(Digits { precision, scale }),
        _ => None,
    };
    let at = Path { root: Root::This, collection, steps: Vec::new(), part: None };
    let (rights, value) = (ComputedRights::Model, checked.expr.clone());
    let computed = ComputedField { at, collection, field, rights, digits, most_chars: None, value };
    Ok(Sum { member, via, condition, kind, reads, computed, checked })
}

/// What is taken out of the expression of a stored sum.
struct Taken {
    member: CollectionId,
    via: FieldId,
    condition: Option<Expr>,
    kind: SumKind,
    reads: Vec<FieldId>,
}

struct Parts<'m> {
    model: &'m Model,
    ty: &'m Type,
    scalar: Option<Scalar>,
}

impl Parts<'_> {
    fn taken(&self, expr: &Expr) -> Result<Taken, Refused> {
        let refused = |problem| (expr.span.clone(), problem);
        let (over, variable, condition, kind) = match &expr.node {
            Node::Quantifier { kind: Quantifier::Exists, over, variable, body } => {
                (over, *variable, None, SumKind::Anew((**body).clone()))
            }
            Node::Aggregate(of) if of.part.is_none() => {
                let kind = match &of.function {
                    Aggregation::Count => SumKind::Count,
                    Aggregation::Sum(term) => SumKind::Total(term.clone()),
                    Aggregation::Min(by) | Aggregation::Max(by) => SumKind::Anew(by.term.clone()),
                    Aggregation::First { .. } => return Err(refused(SumProblem::NotAnAggregate)),
                };
                (&of.over, of.variable, of.condition.clone(), kind)
            }
            _ => return Err(refused(SumProblem::NotAnAggregate)),
        };
        let (member, via) = self.members(over).ok_or_else(|| refused(self.no_members(over)))?;
        if !matches!(kind, SumKind::Count) {
            self.check_type(&kind, expr)?;
        }
        let mut reads = BTreeSet::new();
        let mut own = |expr: Expr| about_member(expr, (self.model, variable), &mut reads);
        let condition = condition.map(&mut own).transpose()?;
        let kind = match kind {
            SumKind::Count => SumKind::Count,
            SumKind::Total(term) => SumKind::Total(own(term)?),
            SumKind::Anew(term) => SumKind::Anew(own(term)?),
        };
        Ok(Taken { member, via, condition, kind, reads: reads.into_iter().collect() })
    }

    /// Why what is aggregated has no such members.
    fn no_members(&self, over: &Many) -> SumProblem {
        let first = over.path().and_then(|path| Some(self.model.field(path.collection, *path.steps.first()?)));
        match first.filter(|field| matches!(field.kind, FieldKind::Lineage { .. })) {
            Some(field) => SumProblem::Lineage { relation: field.name.clone() },
            None => SumProblem::Relation,
        }
    }

    /// The members, and the field by which they refer to the record.
    fn members(&self, over: &Many) -> Option<(CollectionId, FieldId)> {
        let over = over.path()?;
        match (over.root, over.steps.as_slice()) {
            (Root::This, [list]) => match self.model.field(over.collection, *list).kind {
                FieldKind::OneToMany { target, via } => Some((target, via)),
                _ => None,
            },
            _ => None,
        }
    }

    fn check_type(&self, kind: &SumKind, expr: &Expr) -> Result<(), Refused> {
        let (term, is_total) = match kind {
            SumKind::Count => return Ok(()),
            SumKind::Total(term) => (term, true),
            SumKind::Anew(term) => (term, false),
        };
        let refused = |problem| Err((term.span.clone(), problem));
        match &term.ty {
            Type::Money => refused(SumProblem::Money),
            Type::Float if is_total => refused(SumProblem::FloatTotal),
            Type::Enum(_) => refused(SumProblem::EnumOrder),
            _ if expr.ty != *self.ty => refused(SumProblem::OtherType),
            Type::Decimal => match self.scalar {
                Some(Scalar::Decimal { scale, .. }) if digits(self.model, term).is_none_or(|most| most > scale) => {
                    refused(SumProblem::Digits { scale })
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

const IN_DOCUMENTS: &str = "values within lists, unions and JSON fields";

/// An expression about the member that a variable stands for, with `this` in its place.
fn about_member(mut expr: Expr, member: (&Model, u16), reads: &mut BTreeSet<FieldId>) -> Result<Expr, Refused> {
    fn turn(expr: &mut Expr, (model, variable): (&Model, u16), reads: &mut BTreeSet<FieldId>) -> Result<(), Refused> {
        let refused = |what| Err((expr.span.clone(), SumProblem::Reads { what }));
        if expr.node.ordered_enum().is_some() {
            return Err((expr.span.clone(), SumProblem::EnumOrder));
        }
        match &mut expr.node {
            Node::Path(path) => match (path.root, path.steps.as_slice()) {
                (Root::Bound(bound), [field])
                    if bound == variable && model.field(path.collection, *field).kind.declared_by().is_some() =>
                {
                    return refused("the records that refer to them");
                }
                (Root::Bound(bound), [] | [_]) if bound == variable => {
                    reads.extend(path.steps.first());
                    path.root = Root::This;
                }
                (Root::Bound(bound), _) if bound == variable => return refused("the records that they refer to"),
                (Root::Account, _) => return refused("the caller"),
                (Root::This | Root::New | Root::Old | Root::Bound(_), _) => {
                    return refused("the record that has the sum");
                }
            },
            Node::Caller(_) | Node::Fact(_) => return refused("the caller"),
            Node::Now => return refused("the time"),
            Node::Within(_) | Node::Quantifier { over: Many::Items(_), .. } => return refused(IN_DOCUMENTS),
            Node::Aggregate(of) if of.over.path().is_none() => return refused(IN_DOCUMENTS),
            Node::Quantifier { .. } | Node::Aggregate(_) => return refused("other records"),
            Node::Computed(_) => return refused("computed fields that aren't stored"),
            Node::Param(..) => return refused("parameters"),
            Node::Output(..) => return refused("groups"),
            Node::Literal(_)
            | Node::Not(_)
            | Node::Negate(_)
            | Node::Binary(..)
            | Node::IsNull { .. }
            | Node::Conditional(..)
            | Node::In(..)
            | Node::List(_)
            | Node::Matches(..)
            | Node::Ordinal(..)
            | Node::Call(..) => {}
        }
        expr.children_mut().into_iter().try_for_each(|child| turn(child, (model, variable), reads))
    }
    turn(&mut expr, member, reads)?;
    Ok(expr)
}

/// The most digits after the point that a number can have; `None` where nothing limits them.
fn digits(model: &Model, expr: &Expr) -> Option<u8> {
    match &expr.node {
        Node::Literal(Value::Decimal(number)) => u8::try_from(number.scale()).ok(),
        Node::Literal(Value::Null) => Some(0),
        _ if expr.ty == Type::Int => Some(0),
        Node::Path(path) => {
            match (path.part, path.steps.last().map(|field| &model.field(path.collection, *field).kind)) {
                (None, Some(FieldKind::Scalar(Scalar::Decimal { scale, .. }))) => Some(*scale),
                (Some(_), _) => u8::try_from(MONEY_SCALE).ok(),
                _ => None,
            }
        }
        Node::Negate(of) => digits(model, of),
        Node::Conditional(_, then, otherwise) => Some(Ord::max(digits(model, then)?, digits(model, otherwise)?)),
        Node::Binary(Operator::Add | Operator::Subtract, left, right) => {
            Some(Ord::max(digits(model, left)?, digits(model, right)?))
        }
        Node::Binary(Operator::Multiply, left, right) => digits(model, left)?.checked_add(digits(model, right)?),
        Node::Call(Function::Round | Function::Quotient, arguments) => {
            match arguments.last().map(|digits| &digits.node) {
                Some(Node::Literal(Value::Int(digits))) => u8::try_from(*digits).ok(),
                Some(Node::Call(Function::UnitDigits, _)) => u8::try_from(MONEY_SCALE).ok(),
                _ => None,
            }
        }
        _ => None,
    }
}
