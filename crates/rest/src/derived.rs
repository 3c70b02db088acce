//! Values in selections and orders that aren't fields: what a path of relations leads to, and what the members of one come to.

use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind, limits};
use backstay_engine::{Derived, Phrase, ValueKind, value_kind};
use backstay_expr::{Checked, MembersFunction, Scope, compile_any, of_members};
use backstay_model::{Collection, Field, FieldKind, Model};
use backstay_scalar::Scalar;

use crate::filter;
use crate::words::{field_named, shorten};

/// What is wrong with a derived value, and what to write instead.
#[derive(Debug)]
pub(crate) enum Problem {
    /// With a field that it names.
    Field(ViolationKind),
    /// With how it is written.
    Text(String, String),
}

/// The function of this name.
pub(crate) fn function_named(name: &str) -> Option<MembersFunction> {
    MembersFunction::ALL.into_iter().find(|function| function.name() == name)
}

/// What `author.name` leads to from a record: one value.
pub(crate) fn path(text: &str, collection: &Collection, model: &Model) -> Result<Derived, Problem> {
    let field = end_of_path(text, collection, model)?;
    let checked = value(text, collection, model)?;
    Ok(derived(text.into(), checked, kind_of(field, text)?))
}

/// What a call of a named rule gives, such as `priceOf(this,10)`.
pub(crate) fn of_rule(text: &str, collection: &Collection, model: &Model) -> Result<Derived, Error> {
    let checked = compile_any(text, &Scope::filter(model, collection.id));
    let checked = checked.map_err(|errors| filter::refused(text, &errors))?;
    let kind = value_kind(&checked.expr, model).ok_or_else(|| {
        let problem = format!("`{}` is not one value", shorten(text));
        let remedy = Some("call a rule that gives one value".to_owned());
        Error::malformed(Place::Filter, ViolationKind::Syntax { offset: 0, problem, remedy })
    })?;
    Ok(derived(text.into(), checked, kind))
}

/// What the members of a relation come to.
pub(crate) struct OfMembers<'a> {
    pub(crate) relation: &'a Field,
    pub(crate) function: MembersFunction,
    /// A field of the members, or a path from there.
    pub(crate) term: Option<&'a str>,
    /// Which members are meant: the text and what it means.
    pub(crate) filter: Option<(&'a str, Checked)>,
}

impl OfMembers<'_> {
    /// Its value.
    pub(crate) fn value(&self, collection: &Collection, model: &Model) -> Result<Derived, Problem> {
        let Self { relation, function, term, filter } = self;
        let name = function.name();
        let Some(target) = relation.kind.target().filter(|_| relation.kind.is_to_many()) else {
            let problem = format!("`{}` is not a relation to many records, so it has no `{name}`", relation.name);
            return Err(Problem::Text(problem, "leave the function out".to_owned()));
        };
        let target = model.collection(target);
        let (kind, term_value) = match (function, term) {
            (MembersFunction::Count, None) => (ValueKind::Scalar(Scalar::Int), None),
            (MembersFunction::Count, Some(_)) => {
                let remedy =
                    format!("write {}:count; to count some of them, add a filter: {0}(filter:…):count", relation.name);
                return Err(Problem::Text("`count` takes no field".to_owned(), remedy));
            }
            (_, None) => {
                let remedy = format!("write {}:{name}(FIELD), with a field of {}", relation.name, target.name);
                return Err(Problem::Text(format!("`{name}` needs a field"), remedy));
            }
            (_, Some(path)) => {
                let field = end_of_path(path, target, model)?;
                (folded(*function, kind_of(field, path)?, path)?, Some(value(path, target, model)?))
            }
        };
        let condition = filter.as_ref().map(|(_, checked)| checked);
        let of = of_members(model, (collection.id, relation.id), (*function, term_value.as_ref()), condition);
        let checked = of.ok_or_else(|| not_folded(*function, term.unwrap_or_default()))?;
        let text = format!(
            "{}({}):{name}({})",
            relation.name,
            filter.as_ref().map_or("", |(text, _)| text),
            term.unwrap_or_default()
        );
        Ok(derived(text.into(), checked, kind))
    }

    /// The name under which it is answered where the client gives it none.
    pub(crate) fn name(&self) -> String {
        let mut name = self.relation.own_name().to_owned();
        for word in std::iter::once(self.function.name()).chain(self.term.into_iter().flat_map(|term| term.split('.')))
        {
            let mut chars = word.chars();
            name.extend(chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars));
        }
        name
    }
}

/// How many members a relation has, as `comments:count`.
pub(crate) fn count(
    relation: &str,
    function: &str,
    collection: &Collection,
    model: &Model,
) -> Result<Derived, Problem> {
    let field = field_named(collection, relation).map_err(Problem::Field)?;
    if function_named(function) != Some(MembersFunction::Count) {
        let problem = format!("you can't sort by `:{}` of a relation", shorten(function));
        return Err(Problem::Text(problem, format!("sort by how many there are: {relation}:count")));
    }
    let of = OfMembers { relation: field, function: MembersFunction::Count, term: None, filter: None };
    of.value(collection, model)
}

fn derived(text: Arc<str>, checked: Checked, kind: ValueKind) -> Derived {
    Derived { of: Phrase { text, checked: Arc::new(checked), first_param: 0 }, kind }
}

/// The field at the end of a path of relations to one record.
fn end_of_path<'m>(text: &str, collection: &'m Collection, model: &'m Model) -> Result<&'m Field, Problem> {
    if let Some(field) = collection.field_named(text) {
        return Ok(field);
    }
    let Some((first, rest)) = text.split_once('.') else {
        return field_named(collection, text).map_err(Problem::Field);
    };
    let relation = field_named(collection, first).map_err(Problem::Field)?;
    match (&relation.kind, relation.kind.target()) {
        (FieldKind::ToOne { .. } | FieldKind::OneToOne { .. }, Some(target)) => {
            end_of_path(rest, model.collection(target), model)
        }
        (_, Some(_)) if relation.kind.is_to_many() => {
            let remedy = format!("use how many there are: {first}:count");
            Err(Problem::Text(format!("`{first}` leads to many records"), remedy))
        }
        _ => {
            let remedy = "write a path of relations to one record, such as author.name".to_owned();
            Err(Problem::Text(format!("`{first}` leads to no record"), remedy))
        }
    }
}

fn value(text: &str, collection: &Collection, model: &Model) -> Result<Checked, Problem> {
    let first = |errors: Vec<backstay_expr::ExprError>| {
        let remedy = "name a field, or a path of relations to one record such as author.name".to_owned();
        errors.first().map_or_else(
            || Problem::Text(format!("`{}` has no value", shorten(text)), remedy),
            |error| Problem::Text(error.to_string(), error.remedy()),
        )
    };
    compile_any(text, &Scope::filter(model, collection.id)).map_err(first)
}

fn kind_of(field: &Field, text: &str) -> Result<ValueKind, Problem> {
    match (&field.kind, field.answered_scalar()) {
        (FieldKind::Enum(id), _) => Ok(ValueKind::Enum(*id)),
        (FieldKind::Scalar(_), Some(scalar)) => Ok(ValueKind::Scalar(scalar)),
        _ => {
            let remedy = "name a field that holds one value".to_owned();
            Err(Problem::Text(format!("`{}` is not one value", shorten(text)), remedy))
        }
    }
}

/// What a function makes of values of a kind.
fn folded(function: MembersFunction, kind: ValueKind, text: &str) -> Result<ValueKind, Problem> {
    let ordered = match kind {
        ValueKind::Scalar(scalar) => FieldKind::Scalar(scalar).has_order(),
        ValueKind::Enum(_) => true,
    };
    match (function, kind) {
        (MembersFunction::Sum, ValueKind::Scalar(Scalar::Decimal { scale, .. })) => {
            Ok(ValueKind::Scalar(Scalar::Decimal { precision: limits::DECIMAL_DIGITS, scale }))
        }
        (MembersFunction::Sum, ValueKind::Scalar(Scalar::Int | Scalar::Float | Scalar::Duration | Scalar::Money))
        | (MembersFunction::Min | MembersFunction::Max, ValueKind::Scalar(Scalar::Money)) => Ok(kind),
        (MembersFunction::Min | MembersFunction::Max, kind) if ordered => Ok(kind),
        (MembersFunction::Count, _) => Ok(ValueKind::Scalar(Scalar::Int)),
        (MembersFunction::Sum | MembersFunction::Min | MembersFunction::Max, _) => Err(not_folded(function, text)),
    }
}

fn not_folded(function: MembersFunction, text: &str) -> Problem {
    let (what, remedy) = match function {
        MembersFunction::Sum => ("can't be added up", "name a field with a number, a length of time or an amount"),
        MembersFunction::Count | MembersFunction::Min | MembersFunction::Max => ("has no order", "name another field"),
    };
    Problem::Text(format!("`{}` {what}", shorten(text)), remedy.to_owned())
}
