//! Amounts of money as an amount and a currency: what an expression that is `Money` means in the numbers and texts that
//! the rest of the language computes with.

use std::ops::Range;

use backstay_scalar::{Currency, Lookup, Part, Scalar, Value};

use crate::{Aggregate, Aggregation, ComputedField, Digits, Expr, Function, Node, Operator, Path, Type, Within};

/// The type of a currency.
pub(crate) const CURRENCY: Type = Type::Formatted(Scalar::Currency);

/// Digits that a computed amount has in a field.
pub(crate) const FIELD_DIGITS: Digits = Digits { precision: 18, scale: 4 };

impl Expr {
    /// A part of an expression that is `Money`; any other as it is. Neither part is known where the other is not, so that
    /// no amount is taken for one in another currency.
    ///
    /// # Panics
    /// Panics if the expression is `Money` and of a kind that no amount of money has.
    #[must_use]
    pub fn in_part(&self, part: Part) -> Self {
        if self.ty != Type::Money {
            return self.clone();
        }
        match (self.is_computed_money(), part) {
            (false, part) => self.part_of_given(part),
            (true, Part::Main) => match self.agreement() {
                Some(agreed) => only_where(agreed, self.amount()),
                None => self.amount(),
            },
            (true, Part::Currency) => {
                let known = is_known(self.amount());
                let condition = match self.agreement() {
                    Some(agreed) => and(agreed, known),
                    None => known,
                };
                only_where(condition, self.currency())
            }
        }
    }

    /// Whether it is an amount that is computed from others, and not the value of something.
    fn is_computed_money(&self) -> bool {
        self.ty == Type::Money && matches!(self.node, Node::Negate(_) | Node::Binary(..) | Node::Call(..))
    }

    /// A part of an amount that is the value of something.
    fn part_of_given(&self, part: Part) -> Self {
        let node = match &self.node {
            Node::Path(path) => Node::Path(Path { part: Some(part), ..path.clone() }),
            Node::Param(index, _) => Node::Param(*index, Some(part)),
            Node::Output(index, _) => Node::Output(*index, Some(part)),
            Node::Conditional(condition, then, otherwise) => {
                Node::Conditional(condition.clone(), Box::new(then.in_part(part)), Box::new(otherwise.in_part(part)))
            }
            Node::Aggregate(of) => {
                let of = (**of).clone();
                Node::Aggregate(Box::new(match of.function {
                    Aggregation::First { term, order } => {
                        Aggregate { function: Aggregation::First { term: term.in_part(part), order }, ..of }
                    }
                    function => Aggregate { part: Some(part), function, ..of },
                }))
            }
            Node::Computed(of) => Node::Computed(Box::new(of.in_part(part))),
            Node::Within(of) => {
                let Within { of, lookup } = (**of).clone();
                Node::Within(Box::new(Within { of, lookup: Lookup { part: Some(part), ..lookup } }))
            }
            Node::Literal(value) => Node::Literal(part.of(value)),
            other => unreachable!("no {other:?} is an amount of money"),
        };
        Self { node, ty: type_of(part), span: self.span.clone() }
    }

    /// The number of an amount of money, whether its currencies agree or not.
    pub(crate) fn amount(&self) -> Self {
        let node = match &self.node {
            Node::Negate(of) => Node::Negate(Box::new(of.amount())),
            Node::Binary(operator, left, right) => {
                Node::Binary(*operator, Box::new(left.number()), Box::new(right.number()))
            }
            Node::Call(Function::Money, operands) => match operands.as_slice() {
                [amount, currency] if !matches!(currency.node, Node::Literal(_)) => {
                    return only_where(is_known(currency.clone()), amount.clone());
                }
                operands => return operands[0].clone(),
            },
            Node::Call(function, operands) => Node::Call(*function, operands.iter().map(Self::number).collect()),
            _ => return self.in_part(Part::Main),
        };
        Self { node, ty: Type::Decimal, span: self.span.clone() }
    }

    /// The amount of money, any other value as it is.
    fn number(&self) -> Self {
        if self.ty == Type::Money { self.amount() } else { self.clone() }
    }

    /// The currencies of the amounts that it gives which can differ from record to record although these values are the same
    /// for all of them.
    pub fn open_currencies(&self, same: &[&Self]) -> Vec<Self> {
        let is_fixed = |currency: &Self| {
            matches!(currency.node, Node::Literal(_) | Node::Param(..))
                || same.iter().any(|same| same.without_condition().same(currency))
        };
        let all = if self.ty == Type::Money { self.currencies() } else { Vec::new() };
        all.into_iter().filter(|currency| !is_fixed(currency)).collect()
    }

    /// What it is wherever it is not null.
    fn without_condition(&self) -> &Self {
        match &self.node {
            Node::Conditional(_, then, otherwise) if otherwise.node == Node::Literal(Value::Null) => then,
            _ => self,
        }
    }

    /// The currencies of all amounts that it is computed from, each once.
    pub(crate) fn currencies(&self) -> Vec<Self> {
        fn collect(expr: &Expr, currencies: &mut Vec<Expr>) {
            let one = match &expr.node {
                Node::Negate(of) => return collect(of, currencies),
                Node::Binary(_, left, right) => {
                    let sides = [left, right].into_iter().filter(|side| side.ty == Type::Money);
                    return sides.for_each(|side| collect(side, currencies));
                }
                Node::Call(Function::Money, operands) => operands[1].clone(),
                Node::Call(_, operands) => return collect(&operands[0], currencies),
                _ => expr.in_part(Part::Currency),
            };
            if !currencies.iter().any(|known| known.same(&one)) {
                currencies.push(one);
            }
        }
        let mut currencies = Vec::new();
        collect(self, &mut currencies);
        currencies
    }

    /// The currency of an amount whose currencies agree.
    pub(crate) fn currency(&self) -> Self {
        self.currencies().swap_remove(0)
    }

    /// Whether all amounts that it is computed from have one currency; `None` if they always do.
    fn agreement(&self) -> Option<Self> {
        agreement(self.currencies())
    }

    /// How many digits after the point the amounts of its currency have.
    pub(crate) fn unit_digits(&self) -> Self {
        let currency = self.currency();
        let (node, span) = match &currency.node {
            Node::Literal(Value::Text(code)) => {
                let digits = Currency::parse(code).map_or(Value::Null, |currency| i64::from(currency.digits()).into());
                (Node::Literal(digits), currency.span)
            }
            _ => (Node::Call(Function::UnitDigits, vec![currency.clone()]), currency.span),
        };
        Self { node, ty: Type::Int, span }
    }

    /// Whether an amount has more digits after the point than its currency; `None` if it can't.
    pub fn exceeds_unit(&self) -> Option<Self> {
        let exceeds = || {
            let amount = self.in_part(Part::Main);
            let rounded = Node::Call(Function::Round, vec![amount.clone(), self.unit_digits()]);
            let rounded = Self { node: rounded, ty: Type::Decimal, span: self.span.clone() };
            let span = self.span.clone();
            boolean(Node::Binary(Operator::NotEqual, Box::new(amount), Box::new(rounded)), span)
        };
        self.computes_digits().then(exceeds)
    }

    /// What is computed of two amounts where their currencies agree, else unknown.
    pub(crate) fn of_amounts(left: &Self, right: &Self, compute: impl FnOnce(Self, Self) -> Self) -> Self {
        let mut currencies = left.currencies();
        for one in right.currencies() {
            if !currencies.iter().any(|known| known.same(&one)) {
                currencies.push(one);
            }
        }
        let computed = compute(left.amount(), right.amount());
        match agreement(currencies) {
            Some(agreed) => only_where(agreed, computed),
            None => computed,
        }
    }

    /// How many expressions it is made of, itself included.
    pub(crate) fn size(&self) -> usize {
        1 + self.node.children().into_iter().map(Self::size).sum::<usize>()
    }
}

impl ComputedField {
    /// A part of a computed field that is `Money`. The currency is known where the field can hold the amount.
    fn in_part(&self, part: Part) -> Self {
        let amount = Self { value: self.value.in_part(Part::Main), ..self.clone() };
        match part {
            Part::Main => amount,
            Part::Currency if self.digits.is_none() => Self { value: self.value.in_part(part), ..self.clone() },
            Part::Currency => {
                let span = self.value.span.clone();
                let held = Expr { node: Node::Computed(Box::new(amount)), ty: Type::Decimal, span };
                let value = only_where(is_known(held), self.value.currency());
                Self { value, digits: None, ..self.clone() }
            }
        }
    }
}

fn type_of(part: Part) -> Type {
    match part {
        Part::Main => Type::Decimal,
        Part::Currency => CURRENCY,
    }
}

fn agreement(mut currencies: Vec<Expr>) -> Option<Expr> {
    let first = currencies.swap_remove(0);
    let equal = |other: Expr| {
        let span = other.span.clone();
        boolean(Node::Binary(Operator::Equal, Box::new(first.clone()), Box::new(other)), span)
    };
    currencies.into_iter().map(equal).reduce(and)
}

fn and(left: Expr, right: Expr) -> Expr {
    let span = left.span.clone();
    boolean(Node::Binary(Operator::And, Box::new(left), Box::new(right)), span)
}

fn is_known(of: Expr) -> Expr {
    let span = of.span.clone();
    boolean(Node::IsNull { of: Box::new(of), negated: true }, span)
}

fn boolean(node: Node, span: Range<u32>) -> Expr {
    Expr { node, ty: Type::Bool, span }
}

/// A value where a condition is true, else unknown.
fn only_where(condition: Expr, value: Expr) -> Expr {
    let (ty, span) = (value.ty.clone(), value.span.clone());
    let null = Expr { node: Node::Literal(Value::Null), ty: ty.clone(), span: span.clone() };
    Expr { node: Node::Conditional(Box::new(condition), Box::new(value), Box::new(null)), ty, span }
}
