use backstay_base::{Caller, CallerKind};
use backstay_model::{FieldKind, Model};
use backstay_scalar::Value;

use super::{Asking, Outcomes, of_caller};
use crate::facts::{CallerAlone, depends_on_caller_alone};
use crate::{CallerPart, Expr, Many, Node, Operator, Path, Quantifier, Root, Truth, Type, evaluate};

/// A Boolean expression, reduced to what its truth depends on.
pub(super) enum Logic {
    Known(Outcomes),
    Not(Box<Logic>),
    And(Box<Logic>, Box<Logic>),
    Or(Box<Logic>, Box<Logic>),
    /// Of two truth values.
    Equal(Box<Logic>, Box<Logic>),
    /// Whether a truth value is null.
    IsUnknown(Box<Logic>),
    Conditional(Box<Logic>, Box<Logic>, Box<Logic>),
    Variable(u16, Test),
}

/// What a variable can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// A value that is missing.
    Null,
    /// The constant with this index among those that the value is compared with.
    Constant(usize),
    /// A value that none of the constants equals.
    Other,
    /// Of a variable that is a truth itself.
    Truth(Truth),
}

/// What is asked of a variable.
pub(super) enum Test {
    /// Whether its value equals this constant.
    Is(usize),
    IsNull,
    /// Whether it equals itself.
    IsItself,
    Truth,
}

impl Test {
    pub(super) fn of(&self, choice: Choice) -> Truth {
        match (self, choice) {
            (Self::IsNull, choice) => Truth::from(choice == Choice::Null),
            (Self::Truth, Choice::Truth(truth)) => truth,
            (Self::Truth, _) | (_, Choice::Null) => Truth::Unknown,
            (Self::IsItself, _) => Truth::True,
            (Self::Is(constant), choice) => Truth::from(choice == Choice::Constant(*constant)),
        }
    }
}

/// Something that records or callers decide; equal parts of an expression are one variable.
pub(super) enum Variable<'e> {
    /// A value that is compared with constants.
    Value { of: &'e Expr, constants: Vec<Value>, choices: Vec<Choice> },
    /// A truth about which no more is known.
    Truth { of: Atom<'e>, outcomes: Outcomes },
}

impl Variable<'_> {
    pub(super) fn choices(&self) -> Vec<Choice> {
        match self {
            Self::Value { constants, choices, .. } => {
                choices.iter().copied().chain((0..constants.len()).map(Choice::Constant)).collect()
            }
            Self::Truth { outcomes, .. } => outcomes.truths().map(Choice::Truth).collect(),
        }
    }
}

/// A comparison, of which `==` and `<` are enough, or any other Boolean part.
#[derive(Clone, Copy)]
pub(super) enum Atom<'e> {
    Equal(&'e Expr, &'e Expr),
    Less(&'e Expr, &'e Expr),
    Other(&'e Expr),
}

impl Atom<'_> {
    fn same(self, other: Atom<'_>) -> bool {
        match (self, other) {
            (Self::Equal(a, b), Atom::Equal(c, d)) => (a.same(c) && b.same(d)) || (a.same(d) && b.same(c)),
            (Self::Less(a, b), Atom::Less(c, d)) => a.same(c) && b.same(d),
            (Self::Other(a), Atom::Other(b)) => a.same(b),
            _ => false,
        }
    }
}

/// Turns an expression into its logic for callers of one kind.
pub(super) struct Lowering<'e> {
    model: &'e Model,
    asking: Asking,
    caller: Caller,
    variables: Vec<Variable<'e>>,
}

impl<'e> Lowering<'e> {
    pub(super) fn new(model: &'e Model, asking: Asking) -> Self {
        let caller = Caller { kind: asking.kind, ..Caller::anonymous() };
        Self { model, asking, caller, variables: Vec::new() }
    }

    pub(super) fn variables(self) -> Vec<Variable<'e>> {
        let mut variables = self.variables;
        for variable in &mut variables {
            let Variable::Value { of, constants, choices } = variable else { continue };
            // An enum all of whose values are named has no other.
            let is_exhausted =
                matches!(of.ty, Type::Enum(id) if self.model.enumeration(id).values.len() <= constants.len());
            choices.retain(|choice| *choice != Choice::Other || !is_exhausted);
        }
        variables
    }

    pub(super) fn lower(&mut self, expr: &'e Expr) -> Logic {
        if let Some(value) = self.constant(expr) {
            return Logic::Known(Truth::from(&value).into());
        }
        match &expr.node {
            Node::Not(of) => not(self.lower(of)),
            Node::Binary(operator, left, right) => self.binary(*operator, left, right, expr),
            Node::IsNull { of, negated: false } => self.is_null(of),
            Node::IsNull { of, negated: true } => not(self.is_null(of)),
            Node::Conditional(condition, then, otherwise) => {
                let condition = Box::new(self.lower(condition));
                Logic::Conditional(condition, Box::new(self.lower(then)), Box::new(self.lower(otherwise)))
            }
            Node::In(element, list) => self.is_in(element, list, expr),
            Node::Quantifier { kind, over, body, .. } => {
                let outcomes = self.quantifier(*kind, over, body);
                self.truth(Atom::Other(expr), outcomes)
            }
            Node::Computed(of) => self.lower(&of.value),
            Node::Call(_, operands) if operands.iter().any(|operand| self.is_certainly_null(operand)) => unknown(),
            Node::Matches(of, _) if self.is_certainly_null(of) => unknown(),
            Node::Literal(_)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Caller(_)
            | Node::Now
            | Node::Path(_)
            | Node::Negate(_)
            | Node::List(_)
            | Node::Call(..)
            | Node::Matches(..)
            | Node::Aggregate(_)
            | Node::Within(_)
            | Node::Ordinal(..)
            | Node::Fact(_) => self.truth(Atom::Other(expr), truths(self.can_be_null(expr))),
        }
    }

    fn binary(&mut self, operator: Operator, left: &'e Expr, right: &'e Expr, expr: &'e Expr) -> Logic {
        let is_logic = left.ty == Type::Bool && right.ty == Type::Bool;
        match operator {
            Operator::And => Logic::And(Box::new(self.lower(left)), Box::new(self.lower(right))),
            Operator::Or => Logic::Or(Box::new(self.lower(left)), Box::new(self.lower(right))),
            Operator::Equal if is_logic => Logic::Equal(Box::new(self.lower(left)), Box::new(self.lower(right))),
            Operator::NotEqual if is_logic => {
                not(Logic::Equal(Box::new(self.lower(left)), Box::new(self.lower(right))))
            }
            Operator::Equal => self.equality(left, right),
            Operator::NotEqual => not(self.equality(left, right)),
            Operator::Less => self.less(left, right),
            Operator::Greater => self.less(right, left),
            Operator::LessEqual => not(self.less(right, left)),
            Operator::GreaterEqual => not(self.less(left, right)),
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
                self.truth(Atom::Other(expr), Outcomes::ANY)
            }
        }
    }

    fn equality(&mut self, left: &'e Expr, right: &'e Expr) -> Logic {
        if self.is_certainly_null(left) || self.is_certainly_null(right) {
            return unknown();
        }
        if left.same(right) {
            return Logic::Variable(self.value(left), Test::IsItself);
        }
        match (self.constant(left), self.constant(right)) {
            (Some(value), None) => self.is(right, value),
            (None, Some(value)) => self.is(left, value),
            _ => self.truth(Atom::Equal(left, right), truths(self.can_be_null(left) || self.can_be_null(right))),
        }
    }

    fn less(&mut self, left: &'e Expr, right: &'e Expr) -> Logic {
        if self.is_certainly_null(left) || self.is_certainly_null(right) {
            return unknown();
        }
        if left.same(right) {
            return not(Logic::Variable(self.value(left), Test::IsItself));
        }
        self.truth(Atom::Less(left, right), truths(self.can_be_null(left) || self.can_be_null(right)))
    }

    fn is(&mut self, of: &'e Expr, value: Value) -> Logic {
        let index = self.value(of);
        let Variable::Value { constants, .. } = &mut self.variables[usize::from(index)] else { return unknown() };
        let known = constants.iter().position(|known| known.order(&value).is_some_and(std::cmp::Ordering::is_eq));
        let constant = known.unwrap_or_else(|| {
            constants.push(value);
            constants.len() - 1
        });
        Logic::Variable(index, Test::Is(constant))
    }

    fn is_null(&mut self, of: &'e Expr) -> Logic {
        if of.ty == Type::Bool {
            Logic::IsUnknown(Box::new(self.lower(of)))
        } else if self.is_certainly_null(of) {
            Logic::Known(Truth::True.into())
        } else {
            Logic::Variable(self.value(of), Test::IsNull)
        }
    }

    fn is_in(&mut self, element: &'e Expr, list: &'e Expr, expr: &'e Expr) -> Logic {
        match &list.node {
            Node::List(items) if element.ty != Type::Bool => {
                let one_more = |so_far, item| Logic::Or(Box::new(so_far), Box::new(self.equality(element, item)));
                items.iter().fold(Logic::Known(Truth::False.into()), one_more)
            }
            Node::Caller(CallerPart::Roles) if !self.has_identity() => Logic::Known(Truth::False.into()),
            _ => self.truth(Atom::Other(expr), truths(self.can_be_null(element) || self.can_be_null(list))),
        }
    }

    fn quantifier(&self, kind: Quantifier, over: &Many, body: &Expr) -> Outcomes {
        let of_one = of_caller(body, self.model, self.asking);
        let is_there = match over {
            Many::Records(path) => {
                !path.root.may_be_absent() && !self.leads_to_null(path, path.steps.len().saturating_sub(1))
            }
            Many::Items(_) | Many::Referred(_) => false,
        };
        let is_open = of_one.includes(Truth::Unknown) || !is_there;
        // What it is without any member.
        let (empty, other) = match kind {
            Quantifier::Exists => (Truth::False, Truth::True),
            Quantifier::All => (Truth::True, Truth::False),
        };
        let possible = [(empty, true), (other, of_one.includes(other)), (Truth::Unknown, is_open)];
        possible.into_iter().filter(|(_, is_possible)| *is_possible).map(|(truth, _)| truth).collect()
    }

    /// The variable that stands for a value.
    fn value(&mut self, of: &'e Expr) -> u16 {
        let is_it = |variable: &Variable<'e>| matches!(variable, Variable::Value { of: known, .. } if known.same(of));
        let known = self.variables.iter().position(is_it);
        index(known.unwrap_or_else(|| {
            let null = self.can_be_null(of).then_some(Choice::Null);
            let choices = null.into_iter().chain([Choice::Other]).collect();
            self.variables.push(Variable::Value { of, constants: Vec::new(), choices });
            self.variables.len() - 1
        }))
    }

    /// A truth about which no more is known than that it is one of these.
    fn truth(&mut self, of: Atom<'e>, outcomes: Outcomes) -> Logic {
        let is_it = |variable: &Variable<'e>| matches!(variable, Variable::Truth { of: known, .. } if known.same(of));
        let known = self.variables.iter().position(is_it);
        let index = index(known.unwrap_or_else(|| {
            self.variables.push(Variable::Truth { of, outcomes });
            self.variables.len() - 1
        }));
        Logic::Variable(index, Test::Truth)
    }

    /// Whether there is somebody in particular who asks.
    fn has_identity(&self) -> bool {
        match self.caller.kind {
            CallerKind::Anonymous | CallerKind::System => false,
            CallerKind::Account | CallerKind::Service | CallerKind::Operator => true,
        }
    }

    /// Its value, if it is the same whatever the records are and whoever of this kind asks.
    fn constant(&self, expr: &Expr) -> Option<Value> {
        if self.caller.kind != CallerKind::Account && expr.node.path().is_some_and(|path| path.root == Root::Account) {
            return Some(Value::Null);
        }
        let is_known = match self.caller.kind {
            CallerKind::Anonymous => !self.asking.may_show_link || !expr.asks_link(),
            CallerKind::System => true,
            CallerKind::Account | CallerKind::Service | CallerKind::Operator => names_kind_at_most(expr),
        };
        let is_constant = depends_on_caller_alone(expr) && is_known;
        is_constant.then(|| evaluate(expr, &CallerAlone(&self.caller)))
    }

    fn is_certainly_null(&self, expr: &Expr) -> bool {
        if let Some(value) = self.constant(expr) {
            return value.is_null();
        }
        match &expr.node {
            Node::Negate(_) | Node::Call(..) | Node::Matches(..) | Node::Ordinal(..) => {}
            Node::Binary(operator, ..) if !matches!(operator, Operator::And | Operator::Or) => {}
            _ => return false,
        }
        expr.node.children().into_iter().any(|operand| self.is_certainly_null(operand))
    }

    fn can_be_null(&self, expr: &Expr) -> bool {
        if let Some(value) = self.constant(expr) {
            return value.is_null();
        }
        match &expr.node {
            Node::Caller(
                CallerPart::Id | CallerPart::Kind | CallerPart::Roles | CallerPart::Verified | CallerPart::Via,
            )
            | Node::Now => false,
            Node::Path(path) => path.root.may_be_absent() || self.leads_to_null(path, path.steps.len()),
            Node::Computed(of) => {
                let is_fitted = of.digits.is_some() || of.most_chars.is_some();
                is_fitted || of.at.root.may_be_absent() || self.can_be_null(&of.value)
            }
            Node::Ordinal(of, _) => self.can_be_null(of),
            Node::Call(function, _) if !function.is_total() => true,
            Node::Call(_, operands) | Node::List(operands) => operands.iter().any(|operand| self.can_be_null(operand)),
            _ => true,
        }
    }

    /// Whether one of the first `count` fields of a path can be without a value.
    fn leads_to_null(&self, path: &Path, count: usize) -> bool {
        let mut at = path.collection;
        for step in &path.steps[..count] {
            let field = self.model.field(at, *step);
            if !field.required {
                return true;
            }
            match field.kind {
                FieldKind::ToOne { target, .. } | FieldKind::OneToOne { target, .. } => at = target,
                FieldKind::Scalar(_)
                | FieldKind::Enum(_)
                | FieldKind::List(_)
                | FieldKind::Embedded(_)
                | FieldKind::Document(_)
                | FieldKind::ToOneOf { .. }
                | FieldKind::OneToMany { .. }
                | FieldKind::Lineage { .. }
                | FieldKind::ManyToMany { .. } => {}
            }
        }
        false
    }
}

fn index(index: usize) -> u16 {
    u16::try_from(index).expect("an expression has at most `limits::EXPRESSION_NODES` parts")
}

fn not(of: Logic) -> Logic {
    Logic::Not(Box::new(of))
}

fn unknown() -> Logic {
    Logic::Known(Truth::Unknown.into())
}

fn truths(can_be_null: bool) -> Outcomes {
    if can_be_null { Outcomes::ANY } else { Outcomes::from(Truth::True).or(Truth::False.into()) }
}

/// Whether all that it asks of the caller is the kind.
fn names_kind_at_most(expr: &Expr) -> bool {
    match &expr.node {
        Node::Caller(part) => *part == CallerPart::Kind,
        node if node.path().is_some_and(|path| path.root == Root::Account) => false,
        node => node.children().into_iter().all(names_kind_at_most),
    }
}
