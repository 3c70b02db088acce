use backstay_scalar::Value;

use crate::facts::Truths;
use crate::{CallerPart, Expr, Node, Operator, Root, Truth, Type};

/// The expression for one caller: facts become literals, and what they decide is simplified in three-valued logic. It
/// has the same truth as before for every record. Where the caller alone decides, a literal is left: true, false, or
/// null for unknown. A quantifier is decided only where the caller's own record has the relation and isn't there: another
/// record that has it may be missing, which makes it unknown.
pub fn fold(expr: &Expr, truths: &Truths) -> Expr {
    let mut folded = expr.clone();
    for child in folded.children_mut() {
        *child = fold(child, truths);
    }
    let Expr { node, ty, span } = folded;
    let literal = |truth: Truth| Node::Literal(truth.into());
    let node = match node {
        Node::Fact(index) => literal(truths.get(index)),
        Node::Caller(CallerPart::Id) if truths.nameless() => Node::Literal(Value::Null),
        Node::Caller(CallerPart::Link) if truths.without_link() => Node::Literal(Value::Null),
        node if truths.without_account() && node.path().is_some_and(|path| path.root == Root::Account) => {
            Node::Literal(Value::Null)
        }
        Node::Not(of) => negation(of),
        Node::Binary(Operator::And, left, right) => connective(Operator::And, left, right),
        Node::Binary(Operator::Or, left, right) => connective(Operator::Or, left, right),
        Node::Binary(operator @ (Operator::Equal | Operator::NotEqual), left, right) => {
            match (decided(&left), decided(&right)) {
                (Some(Truth::Unknown), _) | (_, Some(Truth::Unknown)) => literal(Truth::Unknown),
                (Some(one), Some(other)) => literal(Truth::from((one == other) == (operator == Operator::Equal))),
                _ if is_null(&left) || is_null(&right) => Node::Literal(Value::Null),
                _ => Node::Binary(operator, left, right),
            }
        }
        // Nothing compares with null and nothing is computed from it.
        Node::Binary(_, left, right) if is_null(&left) || is_null(&right) => Node::Literal(Value::Null),
        Node::IsNull { of, negated } => match &of.node {
            Node::Literal(value) => literal(Truth::from(value.is_null() != negated)),
            _ => Node::IsNull { of, negated },
        },
        Node::Ordinal(of, _) if is_null(&of) => Node::Literal(Value::Null),
        Node::Conditional(condition, then, otherwise) => match decided(&condition) {
            Some(Truth::True) => then.node,
            Some(Truth::False) => otherwise.node,
            Some(Truth::Unknown) => Node::Literal(Value::Null),
            None => Node::Conditional(condition, then, otherwise),
        },
        node => node,
    };
    Expr { node, ty, span }
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr.node, Node::Literal(Value::Null))
}

/// The truth of a Boolean literal.
fn decided(expr: &Expr) -> Option<Truth> {
    match &expr.node {
        Node::Literal(value) if expr.ty == Type::Bool => Some(Truth::from(value)),
        _ => None,
    }
}

fn negation(of: Box<Expr>) -> Node {
    match (decided(&of), of.node) {
        (Some(truth), _) => Node::Literal((!truth).into()),
        (None, Node::Not(inner)) => inner.node,
        (None, node) => Node::Not(Box::new(Expr { node, ty: of.ty, span: of.span })),
    }
}

/// `&&` or `||`, without an operand that changes nothing. An unknown operand stays unless both are: with the other it
/// may still decide.
fn connective(operator: Operator, left: Box<Expr>, right: Box<Expr>) -> Node {
    let neutral = Truth::from(operator == Operator::And);
    let combine = if operator == Operator::And { Truth::and } else { Truth::or };
    match (decided(&left), decided(&right)) {
        (Some(one), Some(other)) => Node::Literal(combine(one, other).into()),
        (Some(truth), None) if truth == neutral => right.node,
        (None, Some(truth)) if truth == neutral => left.node,
        (Some(truth), None) | (None, Some(truth)) if truth == !neutral => Node::Literal(truth.into()),
        _ if left.same(&right) => left.node,
        _ => Node::Binary(operator, left, right),
    }
}
