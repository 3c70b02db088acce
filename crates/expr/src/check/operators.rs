use std::ops::Range;

use backstay_base::CallerKind;
use backstay_scalar::{Part, Value};

use super::Checker;
use super::literal::Pliancy;
use super::typing::{addend, element_of, has_equality, has_order, is_alike, result_of};
use crate::error::{Expected, ExprErrorKind, Name};
use crate::syntax::{Binary, Conditional, Syntax, SyntaxNode};
use crate::{CallerPart, Expr, Function, Node, Operator, Type};
use backstay_base::nearest;

/// Kinds of callers that a rule can meet.
const KINDS: [CallerKind; 5] =
    [CallerKind::Anonymous, CallerKind::Account, CallerKind::Service, CallerKind::Operator, CallerKind::System];

impl Checker<'_> {
    pub(super) fn comparison(&mut self, of: &Binary, sign: &'static str, span: &Range<u32>) -> Option<Expr> {
        let Binary { operator, left, right } = of;
        let operator = *operator;
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        match (&left.node, &right.node) {
            (SyntaxNode::Null, SyntaxNode::Null) => return self.refuse(span.clone(), ExprErrorKind::Null),
            (SyntaxNode::Null, _) if equality => return self.presence(right, operator, span),
            (_, SyntaxNode::Null) if equality => return self.presence(left, operator, span),
            _ => {}
        }
        let Some((left, right)) = self.pair(left, right, None, |ty| Some(ty.clone())) else {
            self.tell_bare_value_beside(left, right, |ty| Some(ty));
            return None;
        };
        if !is_alike(&left.ty, &right.ty) {
            let (left, right) = (self.named_type(&left.ty), self.named_type(&right.ty));
            return self.refuse(span.clone(), ExprErrorKind::Compare { left, right });
        }
        self.is_no_link_of_record(&left, &right.ty)?;
        self.is_no_link_of_record(&right, &left.ty)?;
        if left.ty == Type::Money {
            return self.comparison_of_money(operator, (&left, &right), span);
        }
        let allowed = if equality { has_equality(&left.ty) } else { has_order(&left.ty) };
        if !allowed {
            let ty = self.named_type(&left.ty);
            return self.refuse(span.clone(), ExprErrorKind::Incomparable { ty, operator: sign });
        }
        self.kind_is_known(&left, &right)?;
        self.kind_is_known(&right, &left)?;
        let (left, right) = if equality { (left, right) } else { (self.ordinal(left), self.ordinal(right)) };
        Some(self.make(Node::Binary(operator, Box::new(left), Box::new(right)), Type::Bool, span))
    }

    /// What an enum's value is ordered by; any other value as it is.
    fn ordinal(&self, value: Expr) -> Expr {
        let Type::Enum(id) = value.ty else { return value };
        let Some(names) = self.scope.model.enumeration(id).order() else { return value };
        let span = value.span.clone();
        Expr { node: Node::Ordinal(Box::new(value), names), ty: Type::Int, span }
    }

    /// Notes that the name on the left, which was just refused, is a value of the enum that the right side hints at.
    fn tell_bare_value_beside(&mut self, left: &Syntax, right: &Syntax, hint: fn(&Type) -> Option<&Type>) {
        let SyntaxNode::Name(name) = &left.node else { return };
        // Beside a literal, the name is meant to be a field.
        if self.pliancy(right) != Pliancy::Fixed {
            return;
        }
        let noted = self.errors.len();
        let right = self.expr(right, None);
        self.errors.truncate(noted);
        self.tell_bare_value(name, right.as_ref().and_then(|right| hint(&right.ty)));
    }

    /// `of == null` or `of != null`.
    fn presence(&mut self, of: &Syntax, operator: Operator, span: &Range<u32>) -> Option<Expr> {
        let tested = match &of.node {
            SyntaxNode::Param(name) => {
                self.nodes += 1;
                self.param_of_any_type(name, &of.span)?
            }
            SyntaxNode::Select(..) | SyntaxNode::Index(..) => {
                self.nodes += 1;
                self.tested_at(of)?
            }
            SyntaxNode::Name(name) => {
                self.nodes += 1;
                let tested = self.tested_at(of);
                if tested.is_none() {
                    self.tell_bare_value(name, None);
                }
                tested?
            }
            _ => self.expr(of, None)?,
        };
        let is_argument = matches!(&of.node, SyntaxNode::Name(name) if self.argument(name).is_some());
        if is_argument && let Some(decided) = presence_of_literal(&tested, operator == Operator::NotEqual) {
            return Some(self.make(decided, Type::Bool, span));
        }
        let is_shared = matches!((&of.node, &tested.node), (SyntaxNode::Select(..), Node::Conditional(..)));
        // The name of an amount that shares a currency stands for `money(…)`.
        let is_named = matches!(&of.node, SyntaxNode::Select(..) | SyntaxNode::Name(_));
        let is_amount = is_named && matches!(tested.node, Node::Call(Function::Money, _));
        let has_presence = is_argument
            || is_shared
            || is_amount
            || matches!(
                tested.node,
                Node::Path(_)
                    | Node::Aggregate(_)
                    | Node::Computed(_)
                    | Node::Within(_)
                    | Node::Call(Function::Element, _)
                    | Node::Param(..)
                    | Node::Output(..)
                    | Node::Caller(CallerPart::Id | CallerPart::Link | CallerPart::Claim(_))
            );
        if !has_presence {
            return self.refuse(of.span.clone(), ExprErrorKind::Presence);
        }
        if let (Node::Path(path), Type::Embedded { field, .. } | Type::OneOf { field, .. }) = (&tested.node, &tested.ty)
        {
            return self.presence_of_members(path, *field, operator == Operator::NotEqual, span);
        }
        Some(self.presence_of(tested, operator == Operator::NotEqual, span))
    }

    /// Whether a value is there; of a field of whichever record a reference leads to, that of the record.
    fn presence_of(&self, tested: Expr, negated: bool, span: &Range<u32>) -> Expr {
        let node = match tested.node {
            Node::Conditional(condition, then, otherwise) => {
                let [then, otherwise] = [then, otherwise].map(|of| Box::new(self.presence_of(*of, negated, span)));
                Node::Conditional(condition, then, otherwise)
            }
            _ => Node::IsNull { of: Box::new(tested.in_part(Part::Main)), negated },
        };
        self.make(node, Type::Bool, span)
    }

    /// A parameter whose presence is tested: its type comes from its other uses.
    pub(super) fn param_of_any_type(&mut self, name: &str, span: &Range<u32>) -> Option<Expr> {
        match self.params.note(self.scope.model, name, None, span) {
            Ok((index, ty)) => Some(self.make(Node::Param(index, None), ty.unwrap_or(Type::Null), span)),
            Err(kind) => self.refuse(span.clone(), kind),
        }
    }

    pub(super) fn is_in(&mut self, element: &Syntax, list: &Syntax, span: &Range<u32>) -> Option<Expr> {
        let of_json = |this: &mut Self, side: &Syntax| this.pliancy(side) == Pliancy::Read;
        let (element, list) = if of_json(self, list) {
            (self.beside_json(element, &Type::Decimal)?, self.expr(list, None)?)
        } else if of_json(self, element) {
            self.json_in(element, list)?
        } else if self.pliancy(element) <= self.pliancy(list) {
            let Some(element) = self.expr(element, None) else {
                self.tell_bare_value_beside(element, list, element_of);
                return None;
            };
            let list = self.expr(list, Some(&Type::List(Box::new(element.ty.clone()))))?;
            (element, list)
        } else {
            let list = self.expr(list, None)?;
            let element = match element_of(&list.ty) {
                None if self.is_free(&list) => self.beside_json(element, &Type::Decimal)?,
                hint => self.expr(element, hint)?,
            };
            (element, list)
        };
        let list = self.list_of(list, &element.ty);
        let Some(of_list) = element_of(&list.ty) else {
            let found = self.named_type(&list.ty);
            return self.refuse(list.span, ExprErrorKind::Type { expected: Expected::List, found });
        };
        if !is_alike(&element.ty, of_list) && *of_list != Type::Null {
            let (left, right) = (self.named_type(&element.ty), self.named_type(of_list));
            return self.refuse(span.clone(), ExprErrorKind::Compare { left, right });
        }
        if !has_equality(&element.ty) {
            let ty = self.named_type(&element.ty);
            return self.refuse(span.clone(), ExprErrorKind::Incomparable { ty, operator: "in" });
        }
        self.is_no_link_of_record(&element, of_list)?;
        if let Node::List(items) = &list.node {
            for item in items {
                self.is_no_link_of_record(&element, &item.ty)?;
                self.is_no_link_of_record(item, &element.ty)?;
                self.kind_is_known(&element, item)?;
            }
        } else if is_written_out(&list) {
            let what = "a list that is written out in a branch of `? :`".to_owned();
            let instead = "write a test for each branch, such as `big ? size in [3, 4] : size in [1, 2]`";
            return self.refuse(list.span, ExprErrorKind::Unsupported { what, instead });
        }
        self.action_is_known(&element, &list)?;
        Some(self.make(Node::In(Box::new(element), Box::new(list)), Type::Bool, span))
    }

    /// A value in a JSON field that is looked for in a list.
    fn json_in(&mut self, element: &Syntax, list: &Syntax) -> Option<(Expr, Expr)> {
        let list = match &list.node {
            SyntaxNode::Param(name) => match self.param_of_any_type(name, &list.span)? {
                Expr { ty: Type::Null, .. } => self.param(name, Some(&Type::List(Box::new(Type::Text))), &list.span)?,
                known => known,
            },
            _ => self.beside_json(list, &Type::Decimal)?,
        };
        let hint = element_of(&list.ty);
        let element = self.expr(element, hint)?;
        let element = hint.map_or_else(|| element.clone(), |ty| self.read_as(element.clone(), ty));
        Some((element, list))
    }

    /// Refuses `auth.link` where a record is meant: no relation leads to a link.
    pub(super) fn is_no_link_of_record(&mut self, link: &Expr, beside: &Type) -> Option<()> {
        match (&link.node, beside) {
            (Node::Caller(CallerPart::Link), Type::Record(..)) => {
                let of = self.named_type(beside);
                self.refuse(link.span.clone(), ExprErrorKind::LinkOfRecord { of })
            }
            _ => Some(()),
        }
    }

    /// Refuses a name that is no action's beside `auth.via`.
    fn action_is_known(&mut self, action: &Expr, list: &Expr) -> Option<()> {
        let (Node::Literal(Value::Text(text)), Node::Caller(CallerPart::Via)) = (&action.node, &list.node) else {
            return Some(());
        };
        let names = || self.scope.model.actions.iter().map(|action| action.name.as_str());
        if names().any(|name| name == &**text) {
            return Some(());
        }
        let (name, suggestion) = (text.as_ref().to_owned(), nearest(text, names()).map(str::to_owned));
        self.refuse(action.span.clone(), ExprErrorKind::Unknown { what: Name::Action, name, suggestion })
    }

    /// Refuses a misspelt kind of caller beside `auth.kind`.
    fn kind_is_known(&mut self, kind: &Expr, literal: &Expr) -> Option<()> {
        let (Node::Caller(CallerPart::Kind), Node::Literal(Value::Text(text))) = (&kind.node, &literal.node) else {
            return Some(());
        };
        let names = KINDS.map(CallerKind::name);
        if names.contains(&&**text) {
            return Some(());
        }
        let (name, suggestion) = (text.as_ref().to_owned(), nearest(text, names).map(str::to_owned));
        self.refuse(literal.span.clone(), ExprErrorKind::Unknown { what: Name::Kind, name, suggestion })
    }

    pub(super) fn arithmetic(&mut self, of: &Binary, hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        let Binary { operator, left, right } = of;
        let operator = *operator;
        let hint = match hint {
            Some(ty) if operator == Operator::Add && ty.is_text() => Some(&Type::Text),
            hint => hint.filter(|ty| matches!(ty, Type::Int | Type::Float | Type::Decimal)),
        };
        let other: fn(&Type) -> Option<Type> = match operator {
            Operator::Add => |ty| Some(addend(ty)),
            Operator::Multiply => |ty| {
                Some(match ty {
                    Type::Duration => Type::Int,
                    Type::Money => Type::Decimal,
                    ty => ty.clone(),
                })
            },
            _ => |ty| Some(ty.clone()),
        };
        let (left, right) = self.pair(left, right, hint, other)?;
        let Some(ty) = result_of(operator, &left.ty, &right.ty) else {
            let (left, right) = (self.named_type(&left.ty), self.named_type(&right.ty));
            let operator = match operator {
                Operator::Add => "+",
                Operator::Subtract => "-",
                Operator::Multiply => "*",
                Operator::Divide => "/",
                _ => "%",
            };
            return self.refuse(span.clone(), ExprErrorKind::Operator { left, operator, right });
        };
        let node = match ty {
            Type::Text => Node::Call(Function::Concat, vec![left, right]),
            _ => Node::Binary(operator, Box::new(left), Box::new(right)),
        };
        Some(self.make(node, ty, span))
    }

    pub(super) fn negate(&mut self, of: &Syntax, hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        let of = self.expr(of, hint)?;
        let ty = of.ty.clone();
        let node = match of.node {
            Node::Literal(Value::Int(number)) if number != i64::MIN => Node::Literal(Value::Int(-number)),
            Node::Literal(Value::Float(number)) => Node::Literal(Value::Float(0.0 - number)),
            Node::Literal(Value::Decimal(number)) => Node::Literal(Value::Decimal(-number)),
            _ if matches!(ty, Type::Int | Type::Float | Type::Decimal | Type::Duration | Type::Money) => {
                Node::Negate(Box::new(of))
            }
            _ => {
                let found = self.named_type(&ty);
                return self.refuse(span.clone(), ExprErrorKind::Type { expected: Expected::Signed, found });
            }
        };
        Some(self.make(node, ty, span))
    }

    pub(super) fn conditional(&mut self, choice: &Conditional, hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        let Conditional { condition, then, otherwise } = choice;
        let condition = self.expect(condition, &Type::Bool);
        let (then, otherwise) = if self.pliancy(then) <= self.pliancy(otherwise) {
            let then = self.nullable(then, hint)?;
            let otherwise = self.nullable(otherwise, Some(&then.ty))?;
            (then, otherwise)
        } else {
            let otherwise = self.nullable(otherwise, hint)?;
            (self.nullable(then, Some(&otherwise.ty))?, otherwise)
        };
        let ty = match (&then.ty, &otherwise.ty) {
            (then, otherwise) if then == otherwise => then.clone(),
            (Type::Formatted(_), _) | (_, Type::Formatted(_)) => Type::Text,
            (Type::Id(form), Type::Record(..)) | (Type::Record(_, form), Type::Id(_)) => Type::Id(*form),
            (then, _) => then.clone(),
        };
        let otherwise = self.must_be(otherwise, &then.ty)?;
        let node = Node::Conditional(Box::new(condition?), Box::new(then), Box::new(otherwise));
        Some(self.make(node, ty, span))
    }

    pub(super) fn list(&mut self, elements: &[Syntax], hint: Option<&Type>, span: &Range<u32>) -> Option<Expr> {
        let hint = match hint {
            Some(Type::List(element)) => Some(element.as_ref().clone()),
            _ => None,
        };
        // The one that gives the others its type is checked once: lists in lists would double the work at each level.
        let mut first = None;
        let element = match (hint, (0..elements.len()).min_by_key(|index| self.pliancy(&elements[*index]))) {
            (Some(ty), _) => ty,
            (None, Some(index)) => {
                let checked = self.expr(&elements[index], None)?;
                let ty = checked.ty.clone();
                first = Some((index, checked));
                ty
            }
            (None, None) => Type::Null,
        };
        if matches!(element, Type::List(_)) {
            let found = self.named_type(&element);
            return self.refuse(span.clone(), ExprErrorKind::Type { expected: Expected::ListOfScalars, found });
        }
        let mut each = |(index, item): (usize, &Syntax)| match first.take_if(|(at, _)| *at == index) {
            Some((_, checked)) => Some(checked),
            None => self.expect(item, &element),
        };
        let checked: Vec<Option<Expr>> = elements.iter().enumerate().map(&mut each).collect();
        let checked: Option<Vec<Expr>> = checked.into_iter().collect();
        Some(self.make(Node::List(checked?), Type::List(Box::new(element)), span))
    }

    /// Both, each with a hint at the other's type: the less pliant first.
    pub(super) fn pair(
        &mut self,
        left: &Syntax,
        right: &Syntax,
        hint: Option<&Type>,
        other: fn(&Type) -> Option<Type>,
    ) -> Option<(Expr, Expr)> {
        if [left, right].into_iter().any(|side| self.pliancy(side) == Pliancy::Read) {
            return self.pair_with_json((left, right), hint, other);
        }
        if self.pliancy(left) <= self.pliancy(right) {
            let left = self.expr(left, hint)?;
            let right = self.expr(right, other(&left.ty).as_ref())?;
            Some((left, right))
        } else {
            let right = self.expr(right, hint)?;
            let left = self.expr(left, other(&right.ty).as_ref())?;
            Some((left, right))
        }
    }
}

/// Whether a literal that an argument is, is there.
fn presence_of_literal(tested: &Expr, wanted: bool) -> Option<Node> {
    match &tested.node {
        Node::Literal(value) => Some(Node::Literal(Value::Bool(value.is_null() != wanted))),
        _ => None,
    }
}

/// Whether it can be a list whose elements stand in the text.
pub(super) fn is_written_out(list: &Expr) -> bool {
    match &list.node {
        Node::List(_) => true,
        Node::Conditional(_, then, otherwise) => is_written_out(then) || is_written_out(otherwise),
        _ => false,
    }
}
