//! Uses of named rules. The expression of a rule stands where the rule is used, and the value of each argument where the
//! expression names the parameter: nothing is evaluated that is not asked for, and a path that is passed stays a path.

use std::ops::Range;

use backstay_base::limits;
use backstay_model::{Element, Model, NamedRule, ParameterKind, RuleId, RuleParameter};
use backstay_scalar::Value;

use super::functions::is_function;
use super::literal::Pliancy;
use super::{Checker, DEPTH};
use crate::error::{ExprError, ExprErrorKind};
use crate::lexis::Lexis;
use crate::syntax::{Ident, Syntax, SyntaxNode};
use crate::{Expr, Node, Path, Root, Type, syntax};

/// The first variable of a quantifier in a rule that is checked by itself; those before it stand for its parameters.
const FIRST_FREE_VARIABLE: u16 = 8;
const _: () = assert!(limits::RULE_PARAMETERS <= FIRST_FREE_VARIABLE as usize, "each parameter has a variable");

/// What a parameter of the named rule around stands for.
pub(super) struct Argument<'m> {
    name: &'m str,
    value: Expr,
}

impl<'m> Argument<'m> {
    /// The parameter's name.
    pub(super) fn name(&self) -> &'m str {
        self.name
    }

    /// The value of a parameter outside any use: a record unlike any other, or a missing value.
    fn any(model: &Model, parameter: &'m RuleParameter, index: u16) -> Self {
        let ty = Type::of_parameter(model, parameter.kind);
        let node = match ty {
            Type::Record(collection, _) => {
                Node::Path(Path { root: Root::Bound(index), collection, steps: Vec::new(), part: None })
            }
            _ => Node::Literal(Value::Null),
        };
        Self { name: &parameter.name, value: Expr { node, ty, span: 0..0 } }
    }
}

/// A named rule and its number.
#[derive(Clone, Copy)]
pub(super) struct Named<'m> {
    id: RuleId,
    rule: &'m NamedRule,
}

impl<'m> Checker<'m> {
    /// The named rule that this name means here.
    pub(super) fn rule_named(&self, name: &str) -> Option<Named<'m>> {
        let is_free = !self.scope.client && self.visible_variable(name).is_none() && self.argument(name).is_none();
        let rules = &self.scope.model.rules;
        rules.meant(self.scope.owner, name).filter(|_| is_free).map(|id| Named { id, rule: rules.get(id) })
    }

    /// The named rule that is called by this name here. A client calls those that take values, and can't mean one that has the
    /// name of a function.
    pub(super) fn rule_called(&self, name: &str) -> Option<Named<'m>> {
        if !self.scope.client {
            return self.rule_named(name);
        }
        let rules = &self.scope.model.rules;
        let id = rules.meant(self.scope.owner, name).filter(|_| self.scope.outputs.is_none() && !is_function(name))?;
        let rule = rules.get(id);
        (!rule.parameters.is_empty()).then_some(Named { id, rule })
    }

    /// What the parameter of this name of the named rule around stands for.
    pub(super) fn argument(&self, name: &str) -> Option<&Argument<'m>> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// Whether a variable or a parameter is called this here.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.visible_variable(name).is_some() || self.argument(name).is_some()
    }

    /// The value of the argument, where a rule names its parameter. It counts with all its parts.
    pub(super) fn value_of_argument(&mut self, name: &str, span: &Range<u32>) -> Option<Expr> {
        let mut value = self.argument(name)?.value.clone();
        let Size { nodes, depth } = Size::of(&value);
        self.nodes += nodes - 1;
        if self.nodes > limits::EXPRESSION_NODES {
            return self.exhaust(span, ExprErrorKind::TooLarge);
        }
        if self.depth + depth > DEPTH {
            return self.exhaust(span, ExprErrorKind::TooDeep);
        }
        place_at(&mut value, span);
        Some(value)
    }

    /// How pliant an operand is: the use of a named rule as much as the rule's text.
    pub(super) fn pliancy(&mut self, operand: &Syntax) -> Pliancy {
        let name = match &operand.node {
            SyntaxNode::Index(of, ..) if self.is_typed_list(of) => return Pliancy::Fixed,
            SyntaxNode::Name(name) => name,
            SyntaxNode::Call { target: None, function, .. } => &function.name,
            _ => return Pliancy::of(operand),
        };
        let parsed = self.rule_named(name).and_then(|named| parse(named.rule).ok());
        Pliancy::of(parsed.as_ref().unwrap_or(operand))
    }

    /// The use of a rule, with what stands in the brackets after its name if there are any.
    pub(super) fn use_of_rule(
        &mut self,
        named: Named<'m>,
        (function, given): (&Ident, Option<&[Syntax]>),
        span: &Range<u32>,
        hint: Option<&Type>,
    ) -> Option<Expr> {
        let Named { id, rule } = named;
        if let Some(first) = self.rules.iter().position(|around| *around == id) {
            let name = |id: &RuleId| self.scope.model.rules.get(*id).name.clone();
            let circle = self.rules[first..].iter().chain([&id]).map(name).collect();
            return self.refuse(span.clone(), ExprErrorKind::Cycle { circle });
        }
        let is_called = given.is_some();
        let given = given.unwrap_or_default();
        if rule.parameters.len() != given.len() || rule.parameters.is_empty() == is_called {
            let (signature, takes) = (rule.signature.clone(), rule.parameters.len());
            let name = rule.name.clone();
            let kind = ExprErrorKind::RuleArguments { name, signature, takes, given: given.len() };
            return self.refuse(function.span.clone(), kind);
        }
        let arguments = self.arguments_of(rule, given)?;
        self.within_rule(named, arguments, span, hint)
    }

    /// The arguments, all of them checked even if one is wrong.
    fn arguments_of(&mut self, rule: &'m NamedRule, given: &[Syntax]) -> Option<Vec<Argument<'m>>> {
        let each = |(parameter, syntax): (&'m RuleParameter, &Syntax)| {
            let (ty, noted) = (Type::of_parameter(self.scope.model, parameter.kind), self.errors.len());
            let value = match (&syntax.node, &ty) {
                (SyntaxNode::Null, Type::Record(..)) | (_, Type::Bool) => self.expr(syntax, Some(&ty)),
                _ => self.nullable(syntax, Some(&ty)),
            };
            let value = value.and_then(|value| self.must_be(value, &ty));
            if let (None, Some(error)) = (&value, self.errors.get_mut(noted))
                && let ExprErrorKind::Type { .. } | ExprErrorKind::Null = error.kind
            {
                let (signature, parameter) = (&rule.signature, &parameter.name);
                error.advise(format!("pass a value that `{parameter}` of `{signature}` takes"));
            }
            Some(Argument { name: &parameter.name, value: value? })
        };
        let checked: Vec<Option<Argument<'m>>> = rule.parameters.iter().zip(given).map(each).collect();
        checked.into_iter().collect()
    }

    /// The rule's expression. It sees no variable and no argument of what is around the use; what is wrong in it is wrong
    /// in its own text.
    fn within_rule(
        &mut self,
        Named { id, rule }: Named<'m>,
        arguments: Vec<Argument<'m>>,
        span: &Range<u32>,
        hint: Option<&Type>,
    ) -> Option<Expr> {
        let before = self.errors.len();
        let variables = std::mem::take(&mut self.variables);
        let around = std::mem::replace(&mut self.arguments, arguments);
        let user = std::mem::replace(&mut self.scope.owner, &rule.is.owner);
        // The model wrote what follows, whoever calls it.
        let client = std::mem::take(&mut self.scope.client);
        self.rules.push(id);
        self.found.rules.insert(id);
        let checked = match parse(rule) {
            Ok(syntax) => self.expr(&syntax, hint),
            Err(error) => {
                self.errors.push(error);
                None
            }
        };
        self.rules.pop();
        self.scope.owner = user;
        self.scope.client = client;
        self.arguments = around;
        self.variables = variables;
        if client && self.errors.len() > before {
            // What the rule reads is not for the client to know.
            self.errors.truncate(before);
            return self.refuse(span.clone(), ExprErrorKind::OutOfReach { rule: rule.name.clone() });
        }
        let within: Vec<ExprError> = self.errors.drain(before..).collect();
        for error in within {
            let kind = ExprErrorKind::InRule { rule: id, name: rule.name.clone(), error: Box::new(error) };
            self.errors.push(ExprError::new(span.clone(), kind));
        }
        let mut checked = checked?;
        place_at(&mut checked, span);
        Some(checked)
    }

    /// Checks a named rule by itself, with any values for its parameters.
    pub(crate) fn rule_alone(mut self, id: RuleId) -> Vec<ExprError> {
        let rule: &'m NamedRule = self.scope.model.rules.get(id);
        let (parameters, model) = (rule.parameters.iter().zip(0..), self.scope.model);
        self.next_variable = FIRST_FREE_VARIABLE;
        self.arguments = parameters.map(|(parameter, index)| Argument::any(model, parameter, index)).collect();
        self.rules.push(id);
        match parse(rule) {
            Ok(syntax) => drop(self.expr(&syntax, None)),
            Err(error) => self.errors.push(error),
        }
        self.errors.sort_by_key(|error| error.span.start);
        self.errors
    }
}

impl Type {
    /// The type of what a parameter of a named rule stands for.
    fn of_parameter(model: &Model, kind: ParameterKind) -> Self {
        match kind {
            ParameterKind::Scalar(scalar) => Self::of_scalar(scalar),
            ParameterKind::Enum(id) => Self::Enum(id),
            ParameterKind::List(Element::Scalar(scalar)) => Self::List(Box::new(Self::of_scalar(scalar))),
            ParameterKind::List(Element::Enum(id)) => Self::List(Box::new(Self::Enum(id))),
            ParameterKind::Record(collection) => Self::Record(collection, model.collection(collection).key.form()),
        }
    }
}

fn parse(rule: &NamedRule) -> Result<Syntax, ExprError> {
    Lexis::scan(&rule.is.text, false).and_then(|lexis| syntax::parse(&lexis))
}

/// Gives the expression and all in it this place: what came in by a name is where the name is.
pub(super) fn place_at(expr: &mut Expr, span: &Range<u32>) {
    expr.span = span.clone();
    for child in expr.children_mut() {
        place_at(child, span);
    }
}

/// How large an expression is.
struct Size {
    nodes: usize,
    depth: usize,
}

impl Size {
    fn of(expr: &Expr) -> Self {
        let children = expr.node.children().into_iter().map(Self::of);
        children.fold(Self { nodes: 1, depth: 1 }, |whole, child| Self {
            nodes: whole.nodes + child.nodes,
            depth: whole.depth.max(child.depth + 1),
        })
    }
}
