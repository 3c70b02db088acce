//! Computed fields. The expression of the field stands where the field is named, about the record that has it.

use std::ops::Range;

use backstay_base::limits;
use backstay_model::{Collection, CollectionId, ComputedRights, Field, FieldId, FieldKind, Model};
use backstay_scalar::{Held, Scalar};

use super::named::place_at;
use super::names::PATH_RELATIONS;
use super::{Checker, Findings};
use crate::error::{Expected, ExprError, ExprErrorKind};
use crate::lexis::Lexis;
use crate::syntax::Syntax;
use crate::{
    Aggregation, Checked, ComputedField, Digits, Expr, Function, Node, Path, Root, Scope, Type, money, syntax,
};

impl<'m> Checker<'m> {
    /// The computed field of the record that a path leads to.
    pub(super) fn computed_field(
        &mut self,
        at: Path,
        (collection, field): (&'m Collection, &'m Field),
        span: &Range<u32>,
    ) -> Option<Expr> {
        let (Some(computed), Some(ty)) = (&field.computed, Type::of(collection, field)) else { return None };
        let name = format!("{}.{}", collection.name, field.name);
        if let Some(first) = self.computing.iter().position(|around| *around == name) {
            let circle = self.computing[first..].iter().cloned().chain([name]).collect();
            return self.refuse(span.clone(), ExprErrorKind::ComputedCycle { circle });
        }
        let mut inner = Self {
            computing: self.computing.iter().cloned().chain([name.clone()]).collect(),
            next_variable: self.next_variable,
            aggregates: self.aggregates,
            patterns: self.patterns,
            nodes: self.nodes,
            depth: self.depth,
            ..Self::new(Scope::rule(self.scope.model, collection.id).written_by(&computed.is.owner))
        };
        let value = match Lexis::scan(&computed.is.text, false).and_then(|lexis| syntax::parse(&lexis)) {
            Ok(syntax) => inner.value_of(&syntax, &ty),
            Err(error) => {
                inner.errors.push(error);
                None
            }
        };
        (self.next_variable, self.nodes, self.patterns) = (inner.next_variable, inner.nodes, inner.patterns);
        let errors = inner.errors.into_iter();
        self.errors.extend(errors.map(|error| {
            let of = (collection.id, field.id);
            let kind = ExprErrorKind::InComputed { of, field: name.clone(), error: Box::new(error) };
            ExprError::new(span.clone(), kind)
        }));
        self.looks_at(inner.found);
        let mut value = value?;
        value.rebase(&at);
        self.reads_account(&mut value, span)?;
        if value.longest_path() > PATH_RELATIONS + 1 {
            return self.refuse(span.clone(), ExprErrorKind::LongPath { max: PATH_RELATIONS });
        }
        place_at(&mut value, span);
        let digits = match field.kind.scalar() {
            Some(Scalar::Decimal { precision, scale }) => Some(Digits { precision, scale }),
            Some(Scalar::Money) if value.computes_digits() => {
                let operands = vec![value.clone(), value.unit_digits()];
                value = self.make(Node::Call(Function::Round, operands), ty.clone(), span);
                Some(money::FIELD_DIGITS)
            }
            _ => None,
        };
        let is_string = field.kind.scalar() == Some(Scalar::String);
        let (collection, field, rights) = (collection.id, field.id, computed.rights);
        let is_long = is_string && may_be_long(&value, self.scope.model);
        let most_chars = is_long.then_some(limits::STRING_CHARS);
        let computed = ComputedField { at, collection, field, rights, digits, most_chars, value };
        Some(self.make(Node::Computed(Box::new(computed)), ty, span))
    }

    /// Notes what the expression of a computed field, moved to the record that has it, reads of the caller's own record.
    fn reads_account(&mut self, value: &mut Expr, span: &Range<u32>) -> Option<()> {
        let of_account = value.node.path().filter(|path| path.root == Root::Account);
        if let Some(path) = of_account
            && let Some(first) = path.steps.first()
        {
            let model: &'m Model = self.scope.model;
            let field = model.field(path.collection, *first);
            if !field.is_readable() {
                return self.refuse(span.clone(), ExprErrorKind::Secret { field: field.name.clone() });
            }
            let account = Path { steps: Vec::new(), ..path.clone() };
            self.note_of_account(&account, field);
            // It is a field of another record, as in `Checker::field`.
            if let (Node::Path(path), FieldKind::OneToOne { .. }) = (&mut value.node, &field.kind)
                && path.steps.len() == 1
            {
                path.steps.push(Collection::ID);
            }
        }
        value.children_mut().into_iter().try_for_each(|child| self.reads_account(child, span))
    }

    /// The value of a field of this type, to which nothing is converted.
    fn value_of(&mut self, syntax: &Syntax, ty: &Type) -> Option<Expr> {
        let value = match ty {
            Type::Bool => self.expect(syntax, ty),
            ty => self.nullable(syntax, Some(ty)).and_then(|value| self.must_be(value, ty)),
        }?;
        if matches!(ty, Type::Formatted(_)) && value.ty != *ty {
            let (expected, found) = (Expected::Type(self.named_type(ty)), self.named_type(&value.ty));
            return self.refuse(value.span, ExprErrorKind::Type { expected, found });
        }
        Some(value)
    }

    fn looks_at(&mut self, found: Findings) {
        let Findings { uses_now, reads, computed_from, account, rules } = found;
        self.found.account.extend(account);
        self.found.uses_now |= uses_now;
        self.found.computed_from.extend(reads.into_iter().chain(computed_from));
        self.found.rules.extend(rules);
    }

    /// A computed field of `this`, or an amount that shares a currency, as answers contain it; the errors stand in its own
    /// text.
    pub(crate) fn computed_alone(
        mut self,
        (collection, field): (CollectionId, FieldId),
    ) -> Result<Checked, Vec<ExprError>> {
        let collection: &'m Collection = self.scope.model.collection(collection);
        let at = Path { root: Root::This, collection: collection.id, steps: Vec::new(), part: None };
        let definition = collection.field(field);
        let expr = match &definition.currency {
            Some(way) => self.shared_amount(&at, (definition, way), &(0..0)).map(|value| {
                let rights = ComputedRights::Caller;
                let of = ComputedField {
                    at,
                    collection: collection.id,
                    field,
                    rights,
                    digits: None,
                    most_chars: None,
                    value,
                };
                self.make(Node::Computed(Box::new(of)), Type::Money, &(0..0))
            }),
            None => self.computed_field(at, (collection, definition), &(0..0)),
        };
        match expr {
            Some(expr) if self.errors.is_empty() => Ok(Checked {
                needs_store: expr.needs_store(self.scope.model),
                expr,
                params: Vec::new(),
                uses_now: self.found.uses_now,
                reads: vec![(collection.id, field)],
                computed_from: self.found.computed_from.into_iter().collect(),
                account: self.found.account.into_iter().collect(),
                rules: self.found.rules.into_iter().collect(),
            }),
            _ => Err(self
                .errors
                .into_iter()
                .map(|error| match error.kind {
                    ExprErrorKind::InComputed { error, .. } => *error,
                    _ => error,
                })
                .collect()),
        }
    }
}

/// Whether a text can have more characters than a `String` does.
fn may_be_long(text: &Expr, model: &Model) -> bool {
    let is_long = |of: &Expr| may_be_long(of, model);
    match &text.node {
        Node::Path(path) => path.field(model).is_some_and(|field| field.kind.scalar() == Some(Scalar::Text)),
        Node::Within(within) => within.lookup.held.is_free() || within.lookup.held == Held::One(Scalar::Text),
        Node::Conditional(_, then, otherwise) => is_long(then) || is_long(otherwise),
        Node::Call(Function::LowerAscii | Function::UpperAscii | Function::Trim, of) => of.iter().any(is_long),
        Node::Aggregate(aggregate) => match &aggregate.function {
            Aggregation::First { term, .. } => is_long(term),
            Aggregation::Min(by) | Aggregation::Max(by) => is_long(&by.term),
            Aggregation::Count | Aggregation::Sum(_) => false,
        },
        Node::Computed(of) => of.most_chars.is_none() && is_long(&of.value),
        Node::Literal(_)
        | Node::Param(..)
        | Node::Output(..)
        | Node::Caller(_)
        | Node::Now
        | Node::Not(_)
        | Node::Negate(_)
        | Node::Binary(..)
        | Node::IsNull { .. }
        | Node::In(..)
        | Node::List(_)
        | Node::Matches(..)
        | Node::Quantifier { .. }
        | Node::Ordinal(..)
        | Node::Fact(_)
        | Node::Call(Function::ToText, _) => false,
        Node::Call(..) => true,
    }
}
