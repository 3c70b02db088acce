//! Values in documents of `JSON` fields: `metadata['colour']`, `tags[0]`. What one is read as follows from what it stands
//! beside, or is said by `text(x)`, `decimal(x)` and their like. Indexes also lead to elements of lists: `this.tags[0]`.

use std::ops::Range;

use backstay_base::KeyForm;
use backstay_model::FieldKind;
use backstay_scalar::{Held, Lookup, Reading, Scalar, Step, Value};
use rust_decimal::Decimal;

use super::literal::Pliancy;
use super::place::Place;
use super::{Checker, Each};
use crate::error::{ExprError, ExprErrorKind};
use crate::syntax::{Binary, Conditional, Ident, Syntax, SyntaxNode};
use crate::{Aggregation, Expr, Function, Holder, Many, Node, Operator, Type, Within};

/// What to write where an index stands behind something else.
const NO_INDEX: &str = "write `x.name` for a part, or `relation.first(x, true)` for a record; lists and values in JSON fields have indexes";

impl Checker<'_> {
    /// `document['name']` or `document[0]`.
    pub(super) fn index(
        &mut self,
        (of, key, bracket): (&Syntax, &Syntax, &Range<u32>),
        span: &Range<u32>,
    ) -> Option<Expr> {
        let document = match self.place_of_operand(of)? {
            Place::One(value) => match self.free(value) {
                Ok(document) => Some(document),
                Err(Expr { ty: Type::List(element), node, span: at }) => {
                    let list = Expr { ty: Type::List(element.clone()), node, span: at };
                    return self.element((list, *element), key, span);
                }
                Err(_) => None,
            },
            Place::Many { over: Many::Items(list), each: Each::Item(shape), .. } => {
                let place = self.place_in_list(key)?;
                let lookup = list.lookup.then(Step::Element(place), Held::Json);
                let within = Within { of: list.of, lookup };
                return Some(self.make(Node::Within(Box::new(within)), Type::Item(shape), span));
            }
            Place::Many { .. } => None,
        };
        let Some(Within { of, lookup }) = document else {
            let what = "an index".to_owned();
            return self.refuse(bracket.clone(), ExprErrorKind::Unsupported { what, instead: NO_INDEX });
        };
        let step = match &key.node {
            SyntaxNode::Text(name) => Some(Step::Member(name.as_str().into())),
            SyntaxNode::Int(place) => u16::try_from(*place).ok().map(Step::Element),
            _ => None,
        };
        let Some(step) = step else {
            let what = "such an index".to_owned();
            let instead = "write a name in quotes, such as `x['name']`, or a place in an array, such as `x[0]`";
            return self.refuse(key.span.clone(), ExprErrorKind::Unsupported { what, instead });
        };
        self.nodes += 1;
        let lookup = lookup.then(step, Held::Free(Reading::Json));
        Some(self.make(Node::Within(Box::new(Within { of, lookup })), Type::Json, span))
    }

    /// An element of a list of values: of one in a document, a value within it.
    fn element(&mut self, (list, ty): (Expr, Type), key: &Syntax, span: &Range<u32>) -> Option<Expr> {
        let place = self.place_in_list(key)?;
        self.nodes += 1;
        let node = match list.node {
            Node::Within(within) if let Held::List(scalar) = within.lookup.held => {
                let lookup = within.lookup.then(Step::Element(place), Held::One(scalar));
                Node::Within(Box::new(Within { of: within.of, lookup }))
            }
            Node::List(_) | Node::Literal(_) | Node::Caller(_) | Node::Param(..) => {
                let what = "an index of a list that isn't in a field".to_owned();
                return self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead: NO_INDEX });
            }
            Node::Aggregate(_) | Node::Computed(_) | Node::Conditional(..) if ty == Type::Decimal => {
                let what = "an index of a list of numbers that isn't in a field".to_owned();
                return self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead: NO_INDEX });
            }
            node => {
                let list = Expr { node, ..list };
                let place = self.make(Node::Literal(Value::Int(place.into())), Type::Int, &key.span);
                Node::Call(Function::Element, vec![list, place])
            }
        };
        Some(self.make(node, ty, span))
    }

    /// Whether a path leads to a list of values or items whose type is known, and not to a document that clients choose.
    pub(super) fn is_typed_list(&mut self, syntax: &Syntax) -> bool {
        if syntax.path().is_none() {
            return false;
        }
        let (noted, nodes) = (self.errors.len(), self.nodes);
        let place = self.place(syntax);
        self.errors.truncate(noted);
        self.nodes = nodes;
        match place {
            Some(Place::One(value)) => matches!(value.ty, Type::List(_)),
            Some(Place::Many { over: Many::Items(_), .. }) => true,
            Some(Place::Many { over: Many::Records(_) | Many::Referred(_), .. }) | None => false,
        }
    }

    /// A place in a list, from 0.
    fn place_in_list(&mut self, key: &Syntax) -> Option<u16> {
        let place = match &key.node {
            SyntaxNode::Int(place) => u16::try_from(*place).ok(),
            _ => None,
        };
        place.or_else(|| {
            let what = "such an index of a list".to_owned();
            let instead = "write a place from 0, such as `x[0]`; to look for a value, `'a' in x` or `x.exists(i, …)`";
            self.refuse(key.span.clone(), ExprErrorKind::Unsupported { what, instead })
        })
    }

    /// A value that clients choose, as what is looked into; any other value as it is.
    pub(super) fn free(&self, value: Expr) -> Result<Within, Expr> {
        match value.node {
            Node::Within(within) if within.lookup.held == Held::Free(Reading::Json) => Ok(*within),
            node => {
                let value = Expr { node, ..value };
                if !self.is_free(&value) {
                    return Err(value);
                }
                let lookup = Lookup { held: Held::Free(Reading::Json), ..Lookup::whole() };
                Ok(Within { of: Holder::Document(Box::new(value)), lookup })
            }
        }
    }

    /// Whether clients choose what it is: the value of a JSON field, or one in it that nothing says how to read.
    pub(super) fn is_free(&self, value: &Expr) -> bool {
        let is_json = value.ty == Type::Json;
        is_json
            && match &value.node {
                Node::Within(within) => within.lookup.held == Held::Free(Reading::Json),
                Node::Path(path) => {
                    path.field(self.scope.model).is_some_and(|field| field.kind == FieldKind::Scalar(Scalar::Json))
                }
                Node::Computed(computed) => self.is_free(&computed.value),
                Node::Aggregate(aggregate) => {
                    matches!(&aggregate.function, Aggregation::First { term, .. } if self.is_free(term))
                }
                _ => false,
            }
    }

    /// A value in a JSON field, read as a value of this type where there is one; any other value as it is.
    pub(super) fn read_as(&self, value: Expr, ty: &Type) -> Expr {
        let reading = match reading_of(ty) {
            Some(reading) if self.is_free(&value) && matches!(value.node, Node::Within(_)) => reading,
            _ => return value,
        };
        let span = value.span.clone();
        match self.free(value) {
            Ok(within) => self.read(within, reading, ty, &span),
            Err(value) => value,
        }
    }

    /// The same for what literals, parameters and values are given to: what must be checked before it is stored, such as a
    /// reference, isn't taken from a document.
    pub(super) fn read_by_hint(&self, value: Expr, hint: Option<&Type>) -> Expr {
        match hint {
            Some(Type::Id(_) | Type::Record(..)) | None => value,
            Some(ty) => self.read_as(value, ty),
        }
    }

    fn read(&self, Within { of, lookup }: Within, reading: Reading, ty: &Type, span: &Range<u32>) -> Expr {
        let held = Within { of, lookup: Lookup { held: Held::Free(reading), ..lookup } };
        let ty = match ty {
            Type::Formatted(_) => Type::Text,
            ty => ty.clone(),
        };
        let value = self.make(Node::Within(Box::new(held)), ty.clone(), span);
        let Type::Enum(id) = ty else { return value };
        // A text that names no value of the enum is none.
        let values = &self.scope.model.enumeration(id).values;
        let names = values.iter().map(|known| {
            let name = Node::Literal(Value::text(&*known.name));
            self.make(name, ty.clone(), span)
        });
        let names = self.make(Node::List(names.collect()), Type::List(Box::new(ty.clone())), span);
        let is_known = self.make(Node::In(Box::new(value.clone()), Box::new(names)), Type::Bool, span);
        let none = self.make(Node::Literal(Value::Null), ty.clone(), span);
        self.make(Node::Conditional(Box::new(is_known), Box::new(value), Box::new(none)), ty, span)
    }

    /// `text(x)` and its like.
    pub(super) fn reading(&mut self, of: &Syntax, (function, ty): (&Ident, &Type), span: &Range<u32>) -> Option<Expr> {
        let value = self.expr(of, None)?;
        match (self.free(value), reading_of(ty)) {
            (Ok(within), Some(reading)) => Some(self.read(within, reading, ty, span)),
            (Ok(_), None) => self.refuse_call(function),
            (Err(value), _) => {
                let what = format!("`{}` of {}", function.name, self.named_type(&value.ty).name);
                let instead =
                    "only values in JSON fields are read as another type; give the field the type that you need";
                self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead })
            }
        }
    }

    /// The elements of an array in a JSON field that are of this type.
    pub(super) fn list_of(&self, list: Expr, element: &Type) -> Expr {
        let Some(reading) = reading_of(element) else { return list };
        let span = list.span.clone();
        match self.free(list) {
            Ok(Within { of, lookup }) => {
                let within = Within { of, lookup: Lookup { held: Held::FreeList(reading), ..lookup } };
                self.make(Node::Within(Box::new(within)), Type::List(Box::new(element.clone())), &span)
            }
            Err(list) => list,
        }
    }

    /// What stands beside a value in a JSON field, and gives it its type: numbers are exact, and a parameter that has no other
    /// use is a text.
    pub(super) fn beside_json(&mut self, syntax: &Syntax, number: &Type) -> Option<Expr> {
        let list = |ty: &Type| Type::List(Box::new(ty.clone()));
        match &syntax.node {
            SyntaxNode::Param(name) => match self.param_of_any_type(name, &syntax.span)? {
                Expr { ty: Type::Null, .. } => self.param(name, Some(&Type::Text), &syntax.span),
                known => Some(known),
            },
            SyntaxNode::List(items) if !items.is_empty() && items.iter().all(is_number) => {
                self.expr(syntax, Some(&list(number)))
            }
            _ if is_number(syntax) => self.expr(syntax, Some(number)),
            _ => self.expr(syntax, None),
        }
    }

    /// Two operands of which one is a value in a JSON field, which takes the type of the other.
    pub(super) fn pair_with_json(
        &mut self,
        (left, right): (&Syntax, &Syntax),
        hint: Option<&Type>,
        other: fn(&Type) -> Option<Type>,
    ) -> Option<(Expr, Expr)> {
        let json_left = self.pliancy(left) == Pliancy::Read;
        if json_left && self.pliancy(right) == Pliancy::Read {
            return self.expr(left, hint).zip(self.expr(right, hint));
        }
        let (json, beside) = if json_left { (left, right) } else { (right, left) };
        let number = hint.unwrap_or(&Type::Decimal);
        let mut beside = self.beside_json(beside, number)?;
        if beside.ty == Type::Int && *number == Type::Decimal {
            beside = self.exact_int(beside);
        }
        let ty = other(&beside.ty);
        let json = self.expr(json, hint.or(ty.as_ref()))?;
        let json = ty.map_or_else(|| json.clone(), |ty| self.read_as(json.clone(), &ty));
        Some(if json_left { (json, beside) } else { (beside, json) })
    }

    /// A whole number that is compared with one that need not be.
    pub(super) fn exact_int(&self, number: Expr) -> Expr {
        let span = number.span.clone();
        let zero = self.make(Node::Literal(Value::Decimal(Decimal::ZERO)), Type::Decimal, &span);
        let node = Node::Binary(Operator::Add, Box::new(number), Box::new(zero));
        self.make(node, Type::Decimal, &span)
    }

    /// Refuses `metadata.colour`.
    pub(super) fn refuse_part_of_json<T>(&mut self, of: &Syntax, field: &Ident) -> Option<T> {
        let kind = ExprErrorKind::NoFields { of: self.named_type(&Type::Json), name: field.name.clone() };
        let mut error = ExprError::new(field.span.clone(), kind);
        let document = of.path().unwrap_or_else(|| "x".to_owned());
        error.advise(format!("write `{document}['{}']`", field.name));
        self.errors.push(error);
        None
    }
}

/// What a value in a JSON field is read as, where a value of this type is meant.
fn reading_of(ty: &Type) -> Option<Reading> {
    match ty {
        Type::Bool => Some(Reading::Boolean),
        Type::Int => Some(Reading::Int),
        Type::Float => Some(Reading::Float),
        Type::Decimal => Some(Reading::Number),
        Type::Text | Type::Enum(_) => Some(Reading::Text),
        Type::Formatted(_) => ty.is_text().then_some(Reading::Text),
        Type::Id(form) | Type::Record(_, form) => (*form == KeyForm::Uuid).then_some(Reading::Id),
        Type::Timestamp => Some(Reading::DateTime),
        Type::Date => Some(Reading::Date),
        Type::Json => Some(Reading::Json),
        Type::Duration
        | Type::Money
        | Type::Embedded { .. }
        | Type::OneOf { .. }
        | Type::Item(_)
        | Type::Reference(_)
        | Type::TypeName(_)
        | Type::List(_)
        | Type::Null => None,
    }
}

/// The least whole number that has too many digits for a `Decimal`.
const DECIMAL_LIMIT: u64 = 10_u64.pow(18);

/// Whether it is made of literals that are numbers.
fn is_number(syntax: &Syntax) -> bool {
    match &syntax.node {
        // A `Decimal` has fewer digits than the largest whole numbers, which are compared as they are.
        SyntaxNode::Int(number) => number.unsigned_abs() < DECIMAL_LIMIT,
        SyntaxNode::Float(..) => true,
        SyntaxNode::Negate(of) => is_number(of),
        SyntaxNode::Binary(Binary { left, right, operator }) => {
            matches!(operator, Operator::Add | Operator::Subtract | Operator::Multiply)
                && is_number(left)
                && is_number(right)
        }
        SyntaxNode::Conditional(Conditional { then, otherwise, .. }) => is_number(then) && is_number(otherwise),
        SyntaxNode::Null
        | SyntaxNode::Bool(_)
        | SyntaxNode::Text(_)
        | SyntaxNode::Name(_)
        | SyntaxNode::Param(_)
        | SyntaxNode::Select(..)
        | SyntaxNode::Index(..)
        | SyntaxNode::Call { .. }
        | SyntaxNode::Length(_)
        | SyntaxNode::Not(_)
        | SyntaxNode::In(..)
        | SyntaxNode::List(_)
        | SyntaxNode::Quantified(_) => false,
    }
}
