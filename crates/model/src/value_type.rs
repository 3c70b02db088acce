use std::sync::Arc;

use backstay_base::{ViolationKind, nearest};
use backstay_scalar::{Problem, Scalar, Token, Value};

use crate::{Element, Enum, EnumId, Field, FieldKind, Model};

/// What a single value must be: of a scalar, or one of an enum's.
#[derive(Debug, Clone, Copy)]
pub enum ValueType<'m> {
    /// A value of this scalar.
    Scalar(Scalar),
    /// The name of a value of this enum.
    Enum(&'m Enum),
}

/// Why a token or a value is not of a `ValueType`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueProblem {
    /// It is not a value of the scalar.
    #[error(transparent)]
    Scalar(#[from] Problem),
    /// It is not the name of a value of the enum.
    #[error("expected one of {}", names.join(", "))]
    NotInEnum {
        /// The names that it has, in order.
        names: Vec<Arc<str>>,
        /// The one that was probably meant.
        suggestion: Option<Arc<str>>,
    },
}

impl From<ValueProblem> for ViolationKind {
    fn from(problem: ValueProblem) -> Self {
        match problem {
            ValueProblem::Scalar(problem) => problem.into(),
            ValueProblem::NotInEnum { names, suggestion: None } => {
                Self::Type { expected: format!("one of {}", names.join(", ")) }
            }
            ValueProblem::NotInEnum { names, suggestion: Some(meant) } => {
                Self::Type { expected: format!("one of {}; did you mean {meant}?", names.join(", ")) }
            }
        }
    }
}

impl ValueType<'_> {
    /// The value that a token stands for, in normal form.
    pub fn read(self, token: Token<'_>) -> Result<Value, ValueProblem> {
        match self {
            Self::Scalar(scalar) => Ok(scalar.read(token)?),
            Self::Enum(en) => match Scalar::Text.read(token) {
                Ok(Value::Text(name)) => en.fit(&name),
                Ok(_) | Err(_) => Err(en.refuse("")),
            },
        }
    }

    /// A typed value in normal form; null stays null.
    pub fn fit(self, value: Value) -> Result<Value, ValueProblem> {
        match (self, value) {
            (_, Value::Null) => Ok(Value::Null),
            (Self::Scalar(scalar), value) => Ok(scalar.fit(value)?),
            (Self::Enum(en), Value::Text(name)) => en.fit(&name),
            (Self::Enum(en), _) => Err(en.refuse("")),
        }
    }
}

impl Enum {
    fn fit(&self, name: &str) -> Result<Value, ValueProblem> {
        self.value(name).map(|value| Value::Text(Arc::clone(&value.name))).ok_or_else(|| self.refuse(name))
    }

    fn refuse(&self, name: &str) -> ValueProblem {
        let names: Vec<Arc<str>> = self.values.iter().map(|value| Arc::clone(&value.name)).collect();
        let suggestion = nearest(name, names.iter().map(|name| &**name)).map(Arc::from);
        ValueProblem::NotInEnum { names, suggestion }
    }
}

impl Model {
    /// What a value of this field must be; none for lists and relations to many. A to-one relation holds an id.
    pub fn value_type(&self, kind: &FieldKind) -> Option<ValueType<'_>> {
        match kind {
            FieldKind::Scalar(scalar) => Some(ValueType::Scalar(*scalar)),
            FieldKind::Enum(id) => Some(self.enum_type(*id)),
            FieldKind::ToOne { key, .. } | FieldKind::OneToOne { key, .. } => {
                Some(ValueType::Scalar(Scalar::Id { form: *key }))
            }
            FieldKind::List(_)
            | FieldKind::Embedded(_)
            | FieldKind::Document(_)
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::ManyToMany { .. } => None,
        }
    }

    /// What a value that this field is compared with must be; none for fields whose values cannot be compared.
    pub fn comparable_type(&self, field: &Field) -> Option<ValueType<'_>> {
        self.value_type(&field.kind).filter(|ty| !matches!(ty, ValueType::Scalar(scalar) if !scalar.is_equatable()))
    }

    /// What an element of a list must be.
    pub fn element_type(&self, element: Element) -> ValueType<'_> {
        match element {
            Element::Scalar(scalar) => ValueType::Scalar(scalar),
            Element::Enum(id) => self.enum_type(id),
        }
    }

    /// The type of an enum's values.
    pub fn enum_type(&self, id: EnumId) -> ValueType<'_> {
        ValueType::Enum(self.enumeration(id))
    }
}
