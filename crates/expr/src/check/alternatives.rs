//! References to one of several types: `this.to.Post` leads to a post, and `this.to.title` to the title of whichever record
//! it is, if all types have one.

use std::ops::Range;

use backstay_model::{Collection, CollectionId, Field, FieldId};

use super::Checker;
use super::place::Place;
use crate::error::{ExprErrorKind, Name};
use crate::syntax::Ident;
use crate::{Expr, Node, Path, Type};

/// What other languages call the type of a value.
const TYPE_WORDS: [&str; 4] = ["__typename", "type", "typename", "kind"];

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
        let types: Vec<&'m Collection> = parts
            .iter()
            .filter_map(|part| part.kind.target())
            .map(|target| self.scope.model.collection(target))
            .collect();
        let client = self.scope.client;
        let has = |of: &&&Collection, name: &str| {
            of.member_named(None, name)
                .is_some_and(|field| client && field.is_readable() || !client && field.name == name)
        };
        match types.iter().filter(|of| has(of, &name.name)).count() {
            0 if TYPE_WORDS.contains(&name.name.as_str()) => {
                let what = format!("`{}` of a reference to one of several types", name.name);
                let instead = "test whether it refers to a record of the type, as in `this.to.Post != null`";
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
        let (_, last) = branches.pop()?;
        let ty = last.ty.clone();
        if branches.iter().any(|(_, value)| value.ty != ty) {
            return self.refuse_unshared(name, "which is of another type in each of them");
        }
        if matches!(ty, Type::Money | Type::Json | Type::Embedded { .. } | Type::OneOf { .. } | Type::List(_)) {
            return self.refuse_unshared(name, "which is not a single value");
        }
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
