//! Values in documents: the items of lists of embedded values, and values of unions of embedded types.

use std::ops::Range;

use backstay_base::nearest;
use backstay_model::{Document, Element, Field, FieldKind, Shape, TYPE_NAME};
use backstay_scalar::{Held, Lookup, Reading, Scalar};

use super::Checker;
use super::place::Place;
use crate::error::{ExprErrorKind, Name};
use crate::syntax::Ident;
use crate::{Aggregate, Aggregation, Alternatives, Expr, Holder, Many, Node, Root, Type, Within};

impl Within {
    /// The list itself, of which only the presence matters.
    pub(super) fn whole(self, span: &Range<u32>) -> Expr {
        match self.of {
            Holder::Document(document) if self.lookup.steps.is_empty() => *document,
            of => {
                let node = Node::Within(Box::new(Self { of, lookup: self.lookup }));
                Expr { node, ty: Type::Json, span: span.clone() }
            }
        }
    }
}

/// Whether two members have the same values: what happens on deletion makes no difference.
fn is_alike(one: &FieldKind, other: &FieldKind) -> bool {
    match (one, other) {
        (FieldKind::ToOne { target, .. }, FieldKind::ToOne { target: other, .. }) => target == other,
        (FieldKind::ToOneOf { union, .. }, FieldKind::ToOneOf { union: other, .. }) => union == other,
        (one, other) => one == other,
    }
}

impl Checker<'_> {
    /// The item that a variable stands for.
    pub(super) fn item(&mut self, variable: u16, shape: Shape, span: &Range<u32>) -> Expr {
        let within = Within { of: Holder::Item(variable), lookup: Lookup::whole() };
        self.make(Node::Within(Box::new(within)), Type::Item(shape), span)
    }

    /// A value that has members within a document, and their types; any other value as it is.
    pub(super) fn document_at(&self, of: Expr) -> Result<(Within, Shape), Expr> {
        match (of.node, of.ty) {
            (Node::Within(within), Type::Item(shape)) => Ok((*within, shape)),
            (Node::Path(path), Type::Json) => {
                let of = Expr { node: Node::Path(path.clone()), ty: Type::Json, span: of.span };
                match path.field(self.scope.model).map(|field| &field.kind) {
                    Some(FieldKind::Document(Document::One(union))) => {
                        let within = Within { of: Holder::Document(Box::new(of)), lookup: Lookup::whole() };
                        Ok((within, Shape::Union(*union)))
                    }
                    _ => Err(of),
                }
            }
            (node, ty) => Err(Expr { node, ty, span: of.span }),
        }
    }

    /// A member of a value in a document.
    pub(super) fn member_within(
        &mut self,
        within: &Within,
        shape: Shape,
        name: &Ident,
        span: &Range<u32>,
    ) -> Option<Place> {
        let at = |held| Within { of: within.of.clone(), lookup: within.lookup.member(&name.name, held) };
        if let (Shape::Union(union), TYPE_NAME) = (shape, name.name.as_str()) {
            let node = Node::Within(Box::new(at(Held::One(Scalar::Text))));
            return Some(Place::One(self.make(node, Type::TypeName(Alternatives::Values(union)), span)));
        }
        let kind = self.kind_within(shape, name)?;
        let one = |scalar| (Held::One(scalar), Type::of_scalar(scalar));
        let (held, ty) = match &kind {
            FieldKind::Scalar(Scalar::Json) => (Held::Free(Reading::Json), Type::Json),
            FieldKind::Document(Document::List(_)) => (Held::Json, Type::Json),
            FieldKind::ToOneOf { union, .. } => (Held::Json, Type::Reference(*union)),
            FieldKind::Scalar(scalar) => one(*scalar),
            FieldKind::Enum(id) => (Held::One(Scalar::Text), Type::Enum(*id)),
            FieldKind::List(Element::Scalar(scalar)) => {
                (Held::List(*scalar), Type::List(Box::new(Type::of_scalar(*scalar))))
            }
            FieldKind::List(Element::Enum(id)) => (Held::List(Scalar::Text), Type::List(Box::new(Type::Enum(*id)))),
            FieldKind::Embedded(id) => (Held::Json, Type::Item(Shape::Embedded(*id))),
            FieldKind::Document(Document::One(id)) => (Held::Json, Type::Item(Shape::Union(*id))),
            FieldKind::ToOne { target, key, .. } => (Held::One(Scalar::Id { form: *key }), Type::Record(*target, *key)),
            // An embedded type has none.
            FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => return None,
        };
        let value = self.make(Node::Within(Box::new(at(held))), ty, span);
        Some(Place::of(value, &kind, &name.name))
    }

    /// What a field of the record is to which a reference in a document leads.
    pub(super) fn follow(&mut self, of: Expr, field: &Ident, span: &Range<u32>) -> Option<Place> {
        let Type::Record(target, _) = of.ty else { return None };
        let variable = self.next_variable;
        self.next_variable += 1;
        let record = self.record(Root::Bound(variable), target, span);
        let Place::One(term) = self.step(record, field, span)? else {
            let what = format!("`{}`, a relation to many or a list, of a record that a document refers to", field.name);
            let instead = "begin with the relation, or with the type of the record";
            return self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead });
        };
        let ty = term.ty.clone();
        let function = Aggregation::First { term, order: Vec::new() };
        let over = Many::Referred(Box::new(of));
        let aggregate = Aggregate { over, variable, condition: None, function, part: None };
        Some(Place::One(self.make(Node::Aggregate(Box::new(aggregate)), ty, span)))
    }

    /// What the member of this name holds. In a union it need not be a member of every type: where it isn't, it is null.
    fn kind_within(&mut self, shape: Shape, name: &Ident) -> Option<FieldKind> {
        let model = self.scope.model;
        let types = model.types_of(&shape);
        let members = || types.iter().flat_map(|id| &model.embedded(*id).members);
        let found: Vec<(&str, &FieldKind)> = types
            .iter()
            .flat_map(|id| {
                let of = model.embedded(*id);
                of.members.iter().map(|member| (of.name.as_str(), member))
            })
            .filter(|(_, member)| member.name == name.name)
            .map(|(of, member)| (of, &member.kind))
            .collect();
        let Some(((first, kind), others)) = found.split_first() else {
            let of = self.named_type(&Type::Item(shape)).name;
            let tag = matches!(shape, Shape::Union(_)).then_some(TYPE_NAME);
            let suggestion = nearest(&name.name, members().map(Field::own_name).chain(tag)).map(str::to_owned);
            let kind = ExprErrorKind::Unknown { what: Name::Field(of), name: name.name.clone(), suggestion };
            return self.refuse(name.span.clone(), kind);
        };
        if let Some((other, _)) = others.iter().find(|(_, other)| !is_alike(kind, other)) {
            let what = format!("`{}`, which has different types in {first} and {other},", name.name);
            let instead = "give the member one type in both, or different names";
            return self.refuse(name.span.clone(), ExprErrorKind::Unsupported { what, instead });
        }
        Some((*kind).clone())
    }
}
