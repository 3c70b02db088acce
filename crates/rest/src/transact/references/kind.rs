//! What a reference leads to, and what is wanted where it stands.

use backstay_base::KeyForm;
use backstay_model::{CollectionId, EmbeddedId, Model, RecordUnion, ValueType};
use backstay_scalar::{Scalar, items, members};

/// What is known of a value before it is there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'m> {
    /// Nothing.
    Any,
    /// The id of a record of this collection.
    Id(CollectionId),
    /// A reference to a record of one of these types.
    OneOf(&'m RecordUnion),
    /// One value of this type.
    One(ValueType<'m>),
    /// A list of values of this type.
    List(ValueType<'m>),
    /// A value of this embedded type.
    Embedded(EmbeddedId),
}

impl Kind<'_> {
    /// Whether a value of this kind can stand where another kind is wanted. Whether this one does is known when it is there.
    pub(super) fn fits(self, wanted: Kind<'_>, model: &Model) -> bool {
        let key = |of: CollectionId| ValueType::Scalar(model.collection(of).key.scalar());
        match (self, wanted) {
            // The reference names the type.
            (Kind::Id(of), Kind::OneOf(union)) => union.members.contains(&of),
            (_, Kind::OneOf(_)) => false,
            (Kind::Any, _) | (_, Kind::Any) => true,
            (Kind::Id(one), Kind::Id(other)) => one == other,
            (Kind::Id(id), Kind::One(other)) => types_fit(key(id), other),
            (Kind::One(ValueType::Scalar(one)), Kind::Id(id)) => is_key(one, model.collection(id).key.scalar()),
            (Kind::One(one), Kind::One(other)) | (Kind::List(one), Kind::List(other)) => types_fit(one, other),
            (Kind::Embedded(one), Kind::Embedded(other)) => one == other,
            (Kind::Id(_) | Kind::OneOf(_) | Kind::One(_) | Kind::List(_) | Kind::Embedded(_), _) => false,
        }
    }

    /// Whether this JSON is no more than a value where one of this kind is wanted: neither an operator nor an object that names
    /// a record.
    pub(super) fn takes(self, value: &str) -> bool {
        let is_plain = |value: &str| !value.starts_with(['{', '[']);
        match self {
            Kind::One(ValueType::Scalar(Scalar::Money)) | Kind::Any | Kind::Embedded(_) => !has_operators(value),
            Kind::Id(_) | Kind::OneOf(_) | Kind::One(_) => is_plain(value),
            Kind::List(of) => match items(value) {
                Ok(items) => items.iter().all(|item| Kind::One(of).takes(item.get())),
                Err(_) => is_plain(value),
            },
        }
    }

    /// It in words, as the end of a sentence.
    pub(super) fn described(self, model: &Model) -> String {
        let one = |of: ValueType<'_>| match of {
            ValueType::Scalar(scalar) => scalar.name().to_owned(),
            ValueType::Enum(of) => of.name.clone(),
        };
        match self {
            Kind::Any => "a value".to_owned(),
            Kind::Id(of) => format!("an id of {}", model.collection(of).name),
            Kind::OneOf(union) => {
                let names: Vec<&str> = union.members.iter().map(|of| &*model.collection(*of).name).collect();
                format!("an id of {}", names.join(" or "))
            }
            Kind::One(of) => format!("a value of {}", one(of)),
            Kind::List(of) => format!("a list of {}", one(of)),
            Kind::Embedded(of) => format!("a value of {}", model.embedded(of).name),
        }
    }
}

/// A reference to the record with this id, as JSON, where one of several types is wanted.
pub(super) fn naming_its_type(of: CollectionId, id: &str, model: &Model) -> String {
    format!("{{\"__typename\":\"{}\",\"id\":{id}}}", model.collection(of).name)
}

/// Whether something in this JSON would be read as an operator.
fn has_operators(value: &str) -> bool {
    match value.as_bytes().first() {
        Some(b'{') => members(value).map_or(true, |members| {
            members.iter().any(|(name, raw)| name.starts_with('$') || has_operators(raw.get()))
        }),
        Some(b'[') => items(value).map_or(true, |items| items.iter().any(|item| has_operators(item.get()))),
        Some(_) | None => false,
    }
}

/// Whether a value of this scalar can be a key of this form: hardly a text a UUID.
fn is_key(scalar: Scalar, key: Scalar) -> bool {
    match key {
        Scalar::Id { form: KeyForm::Int } => is_number(scalar),
        Scalar::Id { form: KeyForm::Text } => is_text(scalar),
        key => scalar == key,
    }
}

fn types_fit(one: ValueType<'_>, other: ValueType<'_>) -> bool {
    let is_free = |of: Scalar| matches!(of, Scalar::String | Scalar::Text);
    match (one, other) {
        (ValueType::Enum(one), ValueType::Enum(other)) => one.name == other.name,
        (ValueType::Enum(_), ValueType::Scalar(scalar)) | (ValueType::Scalar(scalar), ValueType::Enum(_)) => {
            is_free(scalar)
        }
        (ValueType::Scalar(one), ValueType::Scalar(other)) => {
            one == other
                || is_number(one) && is_number(other)
                || (is_free(one) && is_text(other) || is_text(one) && is_free(other))
        }
    }
}

fn is_number(scalar: Scalar) -> bool {
    let is_key = scalar == Scalar::Id { form: KeyForm::Int };
    is_key || matches!(scalar, Scalar::Int | Scalar::Float | Scalar::Decimal { .. })
}

/// Whether its values are written as JSON strings.
fn is_text(scalar: Scalar) -> bool {
    !is_number(scalar) && !matches!(scalar, Scalar::Boolean | Scalar::Json | Scalar::Money)
}
