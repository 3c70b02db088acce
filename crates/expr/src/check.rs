//! Gives every name its meaning and every part its type.

mod advice;
mod aggregates;
mod alternatives;
mod calendar;
mod changed_links;
mod computed;
mod documents;
mod functions;
mod json;
mod literal;
mod money;
mod named;
mod names;
mod operators;
mod parameters;
mod place;
mod quotes;
mod texts;
mod trees;
mod typing;

use std::collections::BTreeSet;
use std::ops::Range;

use backstay_base::limits;
use backstay_model::{CollectionId, FieldId, RuleId, Shape};
use backstay_scalar::{Token, Value};

use advice::Advisor;
use literal::Literal;
use named::Argument;
use parameters::Parameters;
use typing::is_alike;

use crate::error::{Expected, ExprError, ExprErrorKind, Name, NamedType};
use crate::syntax::{Binary, Ident, Syntax, SyntaxNode};
use crate::{Checked, Expr, Node, Operator, Parameter, Scope, Type};

/// Depth of a checked expression, named rules included: each text alone is at most half as deep.
const DEPTH: usize = 2 * limits::EXPRESSION_DEPTH;

/// Checks one expression. Its methods answer `None` where they have noted an error.
pub(crate) struct Checker<'m> {
    scope: Scope<'m>,
    /// Variables of the quantifiers around, innermost last.
    variables: Vec<Variable>,
    next_variable: u16,
    /// What the parameters of the named rule around stand for.
    arguments: Vec<Argument<'m>>,
    /// How many aggregates are around.
    aggregates: usize,
    /// How many patterns there were.
    patterns: usize,
    /// The computed fields around, innermost last.
    computing: Vec<String>,
    /// The named rules around, innermost last.
    rules: Vec<RuleId>,
    params: Parameters,
    nodes: usize,
    depth: usize,
    exhausted: bool,
    found: Findings,
    errors: Vec<ExprError>,
}

/// What the check finds out about the expression besides its tree.
#[derive(Default)]
struct Findings {
    uses_now: bool,
    reads: BTreeSet<(CollectionId, FieldId)>,
    computed_from: BTreeSet<(CollectionId, FieldId)>,
    account: BTreeSet<FieldId>,
    rules: BTreeSet<RuleId>,
}

/// Names that are always known, and that no variable of a quantifier may take.
const RESERVED_NAMES: [&str; 6] = ["this", "new", "old", "auth", "request", "now"];

/// The variable of a quantifier or an aggregate.
struct Variable {
    name: String,
    index: u16,
    each: Each,
}

/// What one of many is.
#[derive(Debug, Clone, Copy)]
enum Each {
    /// A record of this collection.
    Record(CollectionId),
    /// An embedded value in a list.
    Item(Shape),
}

impl<'m> Checker<'m> {
    pub(crate) fn new(scope: Scope<'m>) -> Self {
        Self {
            scope,
            variables: Vec::new(),
            next_variable: 0,
            arguments: Vec::new(),
            aggregates: 0,
            patterns: 0,
            computing: Vec::new(),
            rules: Vec::new(),
            params: Parameters::default(),
            nodes: 0,
            depth: 0,
            exhausted: false,
            found: Findings::default(),
            errors: Vec::new(),
        }
    }

    /// Checks the whole expression, which must be of this type.
    pub(crate) fn finish(mut self, syntax: &Syntax, expected: &Type) -> Result<Checked, Vec<ExprError>> {
        let checked = if *expected == Type::Bool {
            self.expect(syntax, expected)
        } else {
            self.nullable(syntax, Some(expected)).and_then(|expr| self.must_be(expr, expected))
        };
        self.finished(checked)
    }

    /// Checks the whole expression, which may be of any type.
    pub(crate) fn finish_any(mut self, syntax: &Syntax) -> Result<Checked, Vec<ExprError>> {
        let checked = self.expr(syntax, None);
        self.finished(checked)
    }

    fn finished(mut self, checked: Option<Expr>) -> Result<Checked, Vec<ExprError>> {
        let (params, untyped) = std::mem::take(&mut self.params).finish();
        // A parameter beside what is wrong may get its type once that is right.
        if checked.is_some() {
            self.errors.extend(untyped);
        }
        let (Some(mut expr), true) = (checked, self.errors.is_empty()) else {
            self.errors.sort_by_key(|error| error.span.start);
            return Err(self.errors);
        };
        give_parameters_types(&mut expr, &params);
        expr.order_by_cost();
        Ok(Checked {
            needs_store: expr.needs_store(self.scope.model),
            expr,
            params,
            uses_now: self.found.uses_now,
            reads: self.found.reads.into_iter().collect(),
            computed_from: self.found.computed_from.into_iter().collect(),
            account: self.found.account.into_iter().collect(),
            rules: self.found.rules.into_iter().collect(),
        })
    }

    /// An expression of this type.
    fn expect(&mut self, syntax: &Syntax, expected: &Type) -> Option<Expr> {
        let expr = self.expr(syntax, Some(expected))?;
        let noted = self.errors.len();
        let expr = self.must_be(expr, expected);
        if expr.is_none() {
            Advisor { checker: self }.advise(syntax, noted);
        }
        expr
    }

    fn must_be(&mut self, expr: Expr, expected: &Type) -> Option<Expr> {
        if is_alike(&expr.ty, expected) {
            self.is_no_link_of_record(&expr, expected)?;
            return Some(expr);
        }
        let (expected, found) = (Expected::Type(self.named_type(expected)), self.named_type(&expr.ty));
        self.refuse(expr.span, ExprErrorKind::Type { expected, found })
    }

    /// An expression, or `null` where the type is known.
    fn nullable(&mut self, syntax: &Syntax, hint: Option<&Type>) -> Option<Expr> {
        match (&syntax.node, hint) {
            (SyntaxNode::Null, Some(ty)) => Some(self.make(Node::Literal(Value::Null), ty.clone(), &syntax.span)),
            _ => self.expr(syntax, hint),
        }
    }

    /// An expression. Literals and parameters take the type hinted at where they can; nothing else heeds it.
    fn expr(&mut self, syntax: &Syntax, hint: Option<&Type>) -> Option<Expr> {
        self.nodes += 1;
        let kind = if self.nodes > limits::EXPRESSION_NODES {
            Some(ExprErrorKind::TooLarge)
        } else {
            (self.depth >= DEPTH).then_some(ExprErrorKind::TooDeep)
        };
        if let Some(kind) = kind {
            return self.exhaust(&syntax.span, kind);
        }
        self.depth += 1;
        let noted = self.errors.len();
        let expr = self.node(syntax, hint);
        self.depth -= 1;
        if expr.is_none() {
            Advisor { checker: self }.advise(syntax, noted);
        }
        expr
    }

    /// Refuses an expression that is too large or too deep, once.
    fn exhaust<T>(&mut self, span: &Range<u32>, kind: ExprErrorKind) -> Option<T> {
        if self.exhausted {
            return None;
        }
        self.exhausted = true;
        self.refuse(span.clone(), kind)
    }

    fn node(&mut self, syntax: &Syntax, hint: Option<&Type>) -> Option<Expr> {
        let span = &syntax.span;
        match &syntax.node {
            SyntaxNode::Null => self.refuse(span.clone(), ExprErrorKind::Null),
            SyntaxNode::Bool(is) => Some(self.make(Node::Literal(Value::Bool(*is)), Type::Bool, span)),
            SyntaxNode::Int(number) => self.literal(literal::int(self.scope.model, *number, hint), span),
            SyntaxNode::Float(number, text) => {
                self.literal(literal::float(self.scope.model, *number, text, hint), span)
            }
            SyntaxNode::Text(text) => {
                self.plain(text, span)?;
                self.literal(literal::text(self.scope.model, text, hint), span)
            }
            SyntaxNode::List(elements) => self.list(elements, hint, span),
            SyntaxNode::Param(name) => self.param(name, hint, span),
            SyntaxNode::Name(name) if let Some(rule) = self.rule_named(name) => {
                let unapplied = Ident { name: name.clone(), span: span.clone() };
                self.use_of_rule(rule, (&unapplied, None), span, hint)
            }
            SyntaxNode::Name(name) => {
                let value = self.value_at(syntax);
                if value.is_none() {
                    self.tell_bare_value(name, hint);
                }
                value
            }
            SyntaxNode::Select(..) => self.value_at(syntax),
            SyntaxNode::Index(..) => {
                let value = self.value_at(syntax)?;
                Some(self.read_by_hint(value, hint))
            }
            SyntaxNode::Call { target, function, arguments } => match self.rule_called(&function.name) {
                Some(rule) if target.is_none() => self.use_of_rule(rule, (function, Some(arguments)), span, hint),
                _ => self.call(target.as_deref(), function, arguments, span),
            },
            SyntaxNode::Length(parts) => self.length(parts, span),
            SyntaxNode::Not(of) => {
                let of = self.expect(of, &Type::Bool)?;
                Some(self.make(Node::Not(Box::new(of)), Type::Bool, span))
            }
            SyntaxNode::Negate(of) => self.negate(of, hint, span),
            SyntaxNode::Binary(Binary { operator: operator @ (Operator::And | Operator::Or), left, right }) => {
                let left = self.expect(left, &Type::Bool);
                let right = self.expect(right, &Type::Bool);
                let node = Node::Binary(*operator, Box::new(left?), Box::new(right?));
                Some(self.make(node, Type::Bool, span))
            }
            SyntaxNode::Binary(operation) => match comparison(operation.operator) {
                Some(sign) => self.comparison(operation, sign, span),
                None => self.arithmetic(operation, hint, span),
            },
            SyntaxNode::In(element, list) => self.is_in(element, list, span),
            SyntaxNode::Conditional(choice) => self.conditional(choice, hint, span),
            SyntaxNode::Quantified(quantified) => self.quantifier(quantified, span),
        }
    }

    /// Notes that the name that was just refused is a value of the enum hinted at, or a text without its quotes.
    fn tell_bare_value(&mut self, name: &str, hint: Option<&Type>) {
        let Some(ty @ (Type::Enum(_) | Type::TypeName(_) | Type::Text | Type::Formatted(_))) = hint else { return };
        let Some(error) = self.errors.last_mut() else { return };
        let is_free = matches!(ty, Type::Enum(_) | Type::TypeName(_)) || !error.kind.has_remedy();
        if is_free
            && ty.read(Token::Text(name), self.scope.model).is_ok()
            && let ExprErrorKind::Unknown { what, name: unknown, .. } = &mut error.kind
            && unknown == name
        {
            *what = Name::BareValue;
        }
    }

    fn literal(&mut self, read: Literal, span: &Range<u32>) -> Option<Expr> {
        match read {
            Ok((value, ty)) => Some(self.make(Node::Literal(value), ty, span)),
            Err(kind) => self.refuse(span.clone(), kind),
        }
    }

    fn param(&mut self, name: &str, hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        match self.params.note(self.scope.model, name, hint, span) {
            Ok((index, Some(ty))) => Some(self.make(Node::Param(index, None), ty, span)),
            Ok((_, None)) => self.refuse(span.clone(), ExprErrorKind::UntypedParameter { name: name.to_owned() }),
            Err(kind) => self.refuse(span.clone(), kind),
        }
    }

    #[expect(clippy::unused_self, reason = "it reads like the other methods that give an expression")]
    fn make(&self, node: Node, ty: Type, span: &Range<u32>) -> Expr {
        Expr { node, ty, span: span.clone() }
    }

    fn refuse<T>(&mut self, span: Range<u32>, kind: ExprErrorKind) -> Option<T> {
        self.errors.push(ExprError::new(span, kind));
        None
    }

    /// The type with the name that messages give it.
    fn named_type(&self, ty: &Type) -> NamedType {
        NamedType { ty: ty.clone(), name: typing::name_of(self.scope.model, ty) }
    }
}

/// The sign of an operator that compares.
fn comparison(operator: Operator) -> Option<&'static str> {
    match operator {
        Operator::Equal => Some("=="),
        Operator::NotEqual => Some("!="),
        Operator::Less => Some("<"),
        Operator::LessEqual => Some("<="),
        Operator::Greater => Some(">"),
        Operator::GreaterEqual => Some(">="),
        _ => None,
    }
}

/// A parameter's type may be known only by a later use of it.
fn give_parameters_types(expr: &mut Expr, params: &[Parameter]) {
    if let Node::Param(index, None) = expr.node
        && let Some(param) = params.get(usize::from(index))
    {
        expr.ty = param.ty.clone();
    }
    for child in expr.children_mut() {
        give_parameters_types(child, params);
    }
}
