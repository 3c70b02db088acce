use std::sync::Arc;

use backstay_base::{KeyForm, nearest};
use backstay_model::{
    Collection, CollectionId, ColumnStorage, Element, EmbeddedId, EnumId, Field, FieldId, FieldKind, Model,
    RecordUnionId, Shape, UnionId, ValueProblem,
};
use backstay_scalar::{Part, Problem, Scalar, Storage, Token, Value, read_exact};

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// True, false or unknown.
    Bool,
    /// 64 bits, signed.
    Int,
    /// 64 bits.
    Float,
    /// Exact.
    Decimal,
    /// Characters, compared by code point.
    Text,
    /// A scalar whose values are texts or octets in a normal form, such as `Email`: literals and parameters beside it are
    /// read as the scalar's values are.
    Formatted(Scalar),
    /// A value of an enum; compares with text literals that name its values.
    Enum(EnumId),
    /// A key of a record of some type, such as `auth.id`.
    Id(KeyForm),
    /// A record of a collection, or its id of this form: the two are the same in a comparison.
    Record(CollectionId, KeyForm),
    /// A moment.
    Timestamp,
    /// A day.
    Date,
    /// A length of time.
    Duration,
    /// An amount with its currency; `.amount` and `.currency` are its parts.
    Money,
    /// A document; only presence can be tested.
    Json,
    /// A value of an embedded type, which leads to its members; only presence can be tested. A checked expression has none.
    Embedded {
        /// Its type.
        of: EmbeddedId,
        /// The field that holds it.
        field: (CollectionId, FieldId),
    },
    /// A reference to a record of one of several types, which leads to one reference for each of them; only presence can be
    /// tested. A checked expression has none.
    OneOf {
        /// The types.
        union: RecordUnionId,
        /// The field that holds it.
        field: (CollectionId, FieldId),
    },
    /// An item of a list of embedded values or a value of a union, or an embedded value in one of these; leads to its
    /// members. Only presence can be tested.
    Item(Shape),
    /// A reference in a document to a record of one of several types, which leads to one reference for each of them; only
    /// presence can be tested.
    Reference(RecordUnionId),
    /// `__typename` of a value of a union, or of a reference to one of several types; compares with text literals that name
    /// these.
    TypeName(Alternatives),
    /// A list of scalars.
    List(Box<Type>),
    /// The literal `null`.
    Null,
}

/// Types of which a value or a record has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alternatives {
    /// Those of a union of embedded types.
    Values(UnionId),
    /// Those of a union of types with records.
    Records(RecordUnionId),
}

impl Alternatives {
    /// The union's name.
    pub(crate) fn name(self, model: &Model) -> &str {
        match self {
            Self::Values(id) => &model.union(id).name,
            Self::Records(id) => &model.record_union(id).name,
        }
    }

    /// The names of the types, in order.
    fn types(self, model: &Model) -> Vec<Arc<str>> {
        match self {
            Self::Values(id) => {
                let types = model.union(id).members.iter();
                types.map(|of| Arc::from(model.embedded(*of).name.as_str())).collect()
            }
            Self::Records(id) => {
                let types = model.record_union(id).members.iter();
                types.map(|of| Arc::from(model.collection(*of).name.as_str())).collect()
            }
        }
    }
}

impl Type {
    /// The type of what a field is given, and of what its name stands for; `None` for a relation to many.
    pub fn of_value(collection: &Collection, field: &Field) -> Option<Self> {
        if field.shares_currency() { Some(Self::Money) } else { Self::of(collection, field) }
    }

    /// The type of what a field holds; `None` for a relation to many.
    pub fn of(collection: &Collection, field: &Field) -> Option<Self> {
        if field.id == Collection::ID {
            return Some(Self::Record(collection.id, collection.key.form()));
        }
        Some(match &field.kind {
            FieldKind::Scalar(scalar) => Self::of_scalar(*scalar),
            FieldKind::Enum(id) => Self::Enum(*id),
            FieldKind::List(Element::Scalar(scalar)) => Self::List(Box::new(Self::of_scalar(*scalar))),
            FieldKind::List(Element::Enum(id)) => Self::List(Box::new(Self::Enum(*id))),
            FieldKind::Embedded(id) => Self::Embedded { of: *id, field: (collection.id, field.id) },
            FieldKind::ToOneOf { union, .. } => Self::OneOf { union: *union, field: (collection.id, field.id) },
            FieldKind::Document(_) => Self::Json,
            FieldKind::ToOne { target, key, .. } | FieldKind::OneToOne { target, key, .. } => {
                Self::Record(*target, *key)
            }
            FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } | FieldKind::Lineage { .. } => return None,
        })
    }

    pub(crate) fn of_scalar(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Id { form } => Self::Id(form),
            Scalar::String | Scalar::Text => Self::Text,
            Scalar::Int => Self::Int,
            Scalar::Float => Self::Float,
            Scalar::Decimal { .. } => Self::Decimal,
            Scalar::Boolean => Self::Bool,
            Scalar::DateTime => Self::Timestamp,
            Scalar::Date => Self::Date,
            Scalar::Duration => Self::Duration,
            Scalar::Json => Self::Json,
            Scalar::Money => Self::Money,
            Scalar::Time
            | Scalar::Bytes
            | Scalar::Email
            | Scalar::Url
            | Scalar::Phone
            | Scalar::Country
            | Scalar::Locale
            | Scalar::Currency => Self::Formatted(scalar),
        }
    }

    /// Whether its values are characters: text functions take them.
    pub fn is_text(&self) -> bool {
        match self {
            Self::Text => true,
            Self::Formatted(scalar) => scalar.storage() == Storage::Text,
            _ => false,
        }
    }

    /// The value of this type that a token stands for, as literals and parameters are read. A `Decimal` keeps its own
    /// scale; lists are read element by element.
    pub fn read(&self, token: Token<'_>, model: &Model) -> Result<Value, ValueProblem> {
        let scalar = match self {
            Self::Enum(id) => return model.enum_type(*id).read(token),
            Self::TypeName(of) => return read_type_name(model, *of, token),
            Self::Decimal => return Ok(read_exact(token)?),
            Self::Formatted(scalar) => *scalar,
            Self::Bool => Scalar::Boolean,
            Self::Int => Scalar::Int,
            Self::Float => Scalar::Float,
            Self::Text => Scalar::Text,
            Self::Id(form) | Self::Record(_, form) => Scalar::Id { form: *form },
            Self::Timestamp => Scalar::DateTime,
            Self::Date => Scalar::Date,
            Self::Duration => Scalar::Duration,
            Self::Money => Scalar::Money,
            Self::Json => Scalar::Json,
            Self::Embedded { .. } | Self::Item(_) => {
                return Err(Problem::Expected("a member of the embedded value").into());
            }
            Self::OneOf { .. } | Self::Reference(_) => {
                return Err(Problem::Expected("one of the types of the reference").into());
            }
            Self::List(_) => return Err(Problem::Expected("an array").into()),
            Self::Null => return Err(Problem::Expected("a value whose type is known").into()),
        };
        Ok(scalar.read(token)?)
    }
}

impl Type {
    /// The columns that a value of this type would take. The scale of a `Decimal` is not part of its type: it is
    /// `Type::DECIMAL_SCALE` here.
    pub fn columns(&self) -> Vec<(Part, ColumnStorage)> {
        let storage = match self {
            Self::Money => {
                let columns = Scalar::Money.columns().into_iter();
                return columns.map(|(part, storage)| (part, ColumnStorage::One(storage))).collect();
            }
            Self::List(element) => ColumnStorage::List(element.storage()),
            one => ColumnStorage::One(one.storage()),
        };
        vec![(Part::Main, storage)]
    }

    /// What holds the main part of a value of this type; of a list, of one of its elements.
    pub fn storage(&self) -> Storage {
        match self {
            Self::Bool => Storage::Bool,
            Self::Int | Self::Duration => Storage::Int,
            Self::Float => Storage::Float,
            Self::Decimal => Storage::Decimal { scale: Self::DECIMAL_SCALE },
            Self::Money => Scalar::Money.storage(),
            Self::Text | Self::Enum(_) | Self::TypeName(_) | Self::Null => Storage::Text,
            Self::Formatted(scalar) => scalar.storage(),
            Self::Id(form) | Self::Record(_, form) => Storage::Id(*form),
            Self::Timestamp => Storage::Timestamp,
            Self::Date => Storage::Date,
            // What is checked has members in the place of the value.
            Self::Json | Self::Embedded { .. } | Self::Item(_) | Self::OneOf { .. } | Self::Reference(_) => {
                Storage::Json
            }
            Self::List(element) => element.storage(),
        }
    }

    /// Digits after the point of a `Decimal` that is neither a column nor compared with one.
    pub const DECIMAL_SCALE: u8 = 9;
}

/// The name of one of a union's types.
fn read_type_name(model: &Model, of: Alternatives, token: Token<'_>) -> Result<Value, ValueProblem> {
    let names = of.types(model);
    let Value::Text(name) = Scalar::Text.read(token)? else {
        return Err(ValueProblem::NotInEnum { names, suggestion: None });
    };
    if names.contains(&name) {
        return Ok(Value::Text(name));
    }
    let suggestion = nearest(&name, names.iter().map(|name| &**name)).map(Arc::from);
    Err(ValueProblem::NotInEnum { names, suggestion })
}
