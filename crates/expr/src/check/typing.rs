//! Which types go together.

use backstay_model::{Model, Shape};

use crate::{Operator, Type};

/// The type as messages name it.
pub(super) fn name_of(model: &Model, ty: &Type) -> String {
    let name = match ty {
        Type::Bool => "Boolean",
        Type::Int => "Int",
        Type::Float => "Float",
        Type::Decimal => "Decimal",
        Type::Text => "String",
        Type::Formatted(scalar) => scalar.name(),
        Type::Enum(id) => &model.enumeration(*id).name,
        Type::Id(_) => "ID",
        Type::Record(id, _) => &model.collection(*id).name,
        Type::Timestamp => "DateTime",
        Type::Date => "Date",
        Type::Duration => "Duration",
        Type::Money => "Money",
        Type::Json => "JSON",
        Type::Embedded { of, .. } | Type::Item(Shape::Embedded(of)) => &model.embedded(*of).name,
        Type::Item(Shape::Union(of)) => &model.union(*of).name,
        Type::TypeName(_) => "__typename",
        Type::OneOf { union, .. } | Type::Reference(union) => &model.record_union(*union).name,
        Type::List(element) => return format!("list of {}", name_of(model, element)),
        Type::Null => "null",
    };
    name.to_owned()
}

/// Whether values of the two types can stand for each other: they are the same, a record and its key, or a text and a
/// text in a normal form.
pub(super) fn is_alike(left: &Type, right: &Type) -> bool {
    left == right
        || match (left, right) {
            (Type::Id(one), Type::Record(_, other)) | (Type::Record(_, one), Type::Id(other)) => one == other,
            (Type::Text, Type::Formatted(_)) | (Type::Formatted(_), Type::Text) => left.is_text() && right.is_text(),
            _ => false,
        }
}

/// The type of a list's elements.
pub(super) fn element_of(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List(element) => Some(element),
        _ => None,
    }
}

/// Whether `<` compares two values of it.
pub(super) fn has_order(ty: &Type) -> bool {
    match ty {
        Type::Int
        | Type::Float
        | Type::Decimal
        | Type::Text
        | Type::Enum(_)
        | Type::Timestamp
        | Type::Date
        | Type::Duration => true,
        Type::Formatted(scalar) => scalar.is_sortable(),
        _ => false,
    }
}

/// Whether `==` compares two values of it.
pub(super) fn has_equality(ty: &Type) -> bool {
    has_order(ty) || matches!(ty, Type::Bool | Type::Id(_) | Type::Record(..) | Type::Formatted(_) | Type::TypeName(_))
}

/// Whether `text(x)` can write a value of it.
pub(super) fn is_written(ty: &Type) -> bool {
    match ty {
        Type::Bool
        | Type::Int
        | Type::Decimal
        | Type::Text
        | Type::Enum(_)
        | Type::TypeName(_)
        | Type::Id(_)
        | Type::Record(..)
        | Type::Timestamp
        | Type::Date => true,
        Type::Formatted(_) => ty.is_text(),
        Type::Float
        | Type::Duration
        | Type::Money
        | Type::Json
        | Type::Embedded { .. }
        | Type::OneOf { .. }
        | Type::Item(_)
        | Type::Reference(_)
        | Type::List(_)
        | Type::Null => false,
    }
}

/// The type that what is added to a value of this type is expected to have.
pub(super) fn addend(ty: &Type) -> Type {
    match ty {
        Type::Timestamp | Type::Date => Type::Duration,
        Type::Formatted(_) | Type::Enum(_) | Type::TypeName(_) | Type::Id(_) | Type::Record(..) => Type::Text,
        Type::Bool
        | Type::Int
        | Type::Float
        | Type::Decimal
        | Type::Text
        | Type::Duration
        | Type::Money
        | Type::Json
        | Type::Embedded { .. }
        | Type::OneOf { .. }
        | Type::Item(_)
        | Type::Reference(_)
        | Type::List(_)
        | Type::Null => ty.clone(),
    }
}

/// The type of what an arithmetic operator gives for these; `None` where it has no meaning for them.
pub(super) fn result_of(operator: Operator, left: &Type, right: &Type) -> Option<Type> {
    let additive = matches!(operator, Operator::Add | Operator::Subtract);
    match (left, right) {
        (Type::Int, Type::Int) => Some(Type::Int),
        (left, right) if operator == Operator::Add && left.is_text() && right.is_text() => Some(Type::Text),
        (Type::Decimal | Type::Int, Type::Decimal) | (Type::Decimal, Type::Int)
            if additive || operator == Operator::Multiply =>
        {
            Some(Type::Decimal)
        }
        (Type::Money, Type::Money) if additive => Some(Type::Money),
        (Type::Money, Type::Int | Type::Decimal) | (Type::Int | Type::Decimal, Type::Money)
            if operator == Operator::Multiply =>
        {
            Some(Type::Money)
        }
        (Type::Float, Type::Float) if operator != Operator::Remainder => Some(Type::Float),
        (Type::Timestamp, Type::Duration) if additive => Some(Type::Timestamp),
        (Type::Duration, Type::Timestamp) if operator == Operator::Add => Some(Type::Timestamp),
        (Type::Timestamp, Type::Timestamp) | (Type::Date, Type::Date) if operator == Operator::Subtract => {
            Some(Type::Duration)
        }
        (Type::Duration, Type::Duration) if additive => Some(Type::Duration),
        (Type::Duration, Type::Int) | (Type::Int, Type::Duration) if operator == Operator::Multiply => {
            Some(Type::Duration)
        }
        (Type::Date, Type::Duration) if additive => Some(Type::Date),
        (Type::Duration, Type::Date) if operator == Operator::Add => Some(Type::Date),
        _ => None,
    }
}
