//! References to one of several types: `this.to.Post` leads to a post, and `this.to.title` to the title of whichever record
//! it is, if all types have one; `this.to.__typename` is the type's name.

use std::ops::Range;

use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, RecordUnionId, TYPE_NAME};
use backstay_scalar::{Held, Scalar, Value};

use super::Checker;
use super::place::Place;
use crate::error::{ExprErrorKind, Name};
use crate::syntax::Ident;
use crate::{Alternatives, Expr, Node, Operator, Path, Scope, Type, Within};

/// What other languages call the type of a value.
const TYPE_WORDS: [&str; 3] = ["type", "typename", "kind"];

impl<'m> Checker<'m> {
    /// From a reference to one of several types to the record of one of them, or to a field that all of them have.
    pub(super) fn alternative(
        &mut self,
        path: Path,
        (collection, holder): (CollectionId, FieldId),
        name: &Ident,
        span: &Range<u32>,
    ) -> Option<Place> {
        let of: &'m Collection = self.scope.model.collection(collection);
        let parts: Vec<&'m Field> = of.members(Some(holder)).collect();
        if parts.iter().any(|part| part.own_name() == name.name) {
            return self.member(path, (collection, holder), name, span);
        }
        if name.name == TYPE_NAME {
            return self.type_of_record(&path, (of, holder), name, span);
        }
        let types: Vec<&'m Collection> = parts
            .iter()
            .filter_map(|part| part.kind.target())
            .map(|target| self.scope.model.collection(target))
            .collect();
        let Scope { client, restricted, .. } = self.scope;
        let has = |of: &&&Collection, name: &str| {
            let named = of.member_named(None, name).filter(|field| !restricted || field.is_readable());
            named.is_some_and(|field| client || field.name == name)
        };
        match types.iter().filter(|of| has(of, &name.name)).count() {
            0 if TYPE_WORDS.contains(&name.name.as_str()) => {
                let what = format!("`{}` of a reference to one of several types", name.name);
                let instead = "ask for its type, as in `this.to.__typename == 'Post'`";
                self.refuse(name.span.clone(), ExprErrorKind::Unsupported { what, instead })
            }
            0 => {
                let union = Name::Field(self.named_type(&Type::of(of, of.field(holder))?).name);
                let first = types.first()?;
                let shared = first.members(None).map(|field| field.name.as_str());
                let shared = shared.filter(|name| types.iter().all(|of| has(&of, name)));
                let known: Vec<&str> = parts.iter().map(|part| part.own_name()).chain(shared).collect();
                self.unknown(union, &name.name, known, &name.span)
            }
            found if found == types.len() => self.shared(&path, (of, holder), name, span),
            _ => self.refuse_unshared(name, "which not all types of the reference have"),
        }
    }

    /// The name of the type of the record that a reference leads to; null if it leads to none.
    fn type_of_record(
        &mut self,
        path: &Path,
        (of, holder): (&'m Collection, FieldId),
        name: &Ident,
        span: &Range<u32>,
    ) -> Option<Place> {
        let FieldKind::ToOneOf { union, .. } = of.field(holder).kind else { return None };
        let ty = Type::TypeName(Alternatives::Records(union));
        let mut chosen = self.make(Node::Literal(Value::Null), ty.clone(), span);
        let parts: Vec<&'m Field> = of.members(Some(holder)).collect();
        self.nodes += 3 * parts.len();
        for part in parts.into_iter().rev() {
            let of_type = Ident { name: part.own_name().to_owned(), span: name.span.clone() };
            let Place::One(record) = self.member(path.clone(), (of.id, holder), &of_type, span)? else { return None };
            let is_there = self.make(Node::IsNull { of: Box::new(record), negated: true }, Type::Bool, span);
            let named = self.make(Node::Literal(Value::text(part.own_name())), ty.clone(), span);
            let node = Node::Conditional(Box::new(is_there), Box::new(named), Box::new(chosen));
            chosen = self.make(node, ty.clone(), span);
        }
        Some(Place::One(chosen))
    }

    /// From a reference in a document to the record of one of its types, to the type's name, or to a field that all of the
    /// types have.
    pub(super) fn alternative_within(
        &mut self,
        within: &Within,
        union: RecordUnionId,
        name: &Ident,
        span: &Range<u32>,
    ) -> Option<Place> {
        let model = self.scope.model;
        let at = |member: &str, scalar: Scalar| {
            let lookup = within.lookup.member(member, Held::One(scalar));
            Node::Within(Box::new(Within { of: within.of.clone(), lookup }))
        };
        let type_name = Type::TypeName(Alternatives::Records(union));
        let of_type = self.make(at(TYPE_NAME, Scalar::Text), type_name.clone(), span);
        if name.name == TYPE_NAME {
            return Some(Place::One(of_type));
        }
        let types: Vec<&'m Collection> =
            model.record_union(union).members.iter().map(|target| model.collection(*target)).collect();
        let named = types.iter().find(|target| target.name == name.name);
        if named.is_none() && TYPE_WORDS.contains(&name.name.as_str()) {
            let what = format!("`{}` of a reference to one of several types", name.name);
            let instead = "ask for its type, as in `x.to.__typename == 'Post'`";
            return self.refuse(name.span.clone(), ExprErrorKind::Unsupported { what, instead });
        }
        let mut branches: Vec<(Expr, Expr)> = Vec::new();
        for target in named.map_or(types.as_slice(), std::slice::from_ref) {
            let is_of_type = self.is_of_type((&of_type, target), span);
            let key = self.make(at("id", target.key.scalar()), self.record_type(target.id), span);
            let value = match named {
                Some(_) => key,
                None => match self.step(key, name, span)? {
                    Place::One(value) if name.name == "id" => Expr { ty: Type::Id(target.key.form()), ..value },
                    Place::One(value) => value,
                    Place::Many { .. } => return self.refuse_unshared(name, "a list of records"),
                },
            };
            branches.push((is_of_type, value));
        }
        let ty = branches.first()?.1.ty.clone();
        self.is_one_value(branches.iter().map(|(_, value)| &value.ty), name)?;
        self.nodes += 6 * branches.len();
        let none = self.make(Node::Literal(Value::Null), ty.clone(), span);
        let chosen = branches.into_iter().rev().fold(none, |otherwise, (is_of_type, value)| {
            let node = Node::Conditional(Box::new(is_of_type), Box::new(value), Box::new(otherwise));
            self.make(node, ty.clone(), span)
        });
        Some(Place::One(chosen))
    }

    /// Whether the type's name is that of a collection; false if there is none.
    fn is_of_type(&self, (of_type, target): (&Expr, &Collection), span: &Range<u32>) -> Expr {
        let literal = self.make(Node::Literal(Value::text(target.name.as_str())), of_type.ty.clone(), span);
        let is_there = Node::IsNull { of: Box::new(of_type.clone()), negated: true };
        let is_named = Node::Binary(Operator::Equal, Box::new(of_type.clone()), Box::new(literal));
        let [is_there, is_named] = [is_there, is_named].map(|node| Box::new(self.make(node, Type::Bool, span)));
        self.make(Node::Binary(Operator::And, is_there, is_named), Type::Bool, span)
    }

    /// Refuses a field that has several types, or one of which no single value is compared.
    fn is_one_value<'t>(&mut self, types: impl IntoIterator<Item = &'t Type>, name: &Ident) -> Option<()> {
        let mut types = types.into_iter();
        let ty = types.next()?;
        if types.any(|other| other != ty) {
            return self.refuse_unshared(name, "which is of another type in each of them");
        }
        match ty {
            Type::Money | Type::Json | Type::Embedded { .. } | Type::OneOf { .. } | Type::List(_) => {
                self.refuse_unshared(name, "which is not a single value")
            }
            _ => Some(()),
        }
    }

    /// The field of whichever record a reference leads to.
    fn shared(
        &mut self,
        path: &Path,
        (of, holder): (&'m Collection, FieldId),
        name: &Ident,
        span: &Range<u32>,
    ) -> Option<Place> {
        let mut branches: Vec<(Expr, Expr)> = Vec::new();
        for part in of.members(Some(holder)) {
            let of_type = Ident { name: part.own_name().to_owned(), span: name.span.clone() };
            let Place::One(record) = self.member(path.clone(), (of.id, holder), &of_type, span)? else { return None };
            let Place::One(mut value) = self.step(record.clone(), name, span)? else {
                return self.refuse_unshared(name, "a list of records");
            };
            if let Type::Record(_, form) = value.ty
                && name.name == "id"
            {
                value.ty = Type::Id(form);
            }
            branches.push((record, value));
        }
        self.is_one_value(branches.iter().map(|(_, value)| &value.ty), name)?;
        let (_, last) = branches.pop()?;
        let ty = last.ty.clone();
        self.nodes += 3 * branches.len();
        let chosen = branches.into_iter().rev().fold(last, |otherwise, (record, value)| {
            let is_there = self.make(Node::IsNull { of: Box::new(record), negated: true }, Type::Bool, span);
            let node = Node::Conditional(Box::new(is_there), Box::new(value), Box::new(otherwise));
            self.make(node, ty.clone(), span)
        });
        Some(Place::One(chosen))
    }

    fn refuse_unshared<T>(&mut self, name: &Ident, why: &str) -> Option<T> {
        let what = format!("`{}`, {why}, without the name of a type", name.name);
        let instead = "name the type first, as in `this.to.Post.title`";
        self.refuse(name.span.clone(), ExprErrorKind::Unsupported { what, instead })
    }
}
