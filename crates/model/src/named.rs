use backstay_scalar::Scalar;

use crate::{CollectionId, Element, EnumId, RuleText};

/// `@rule(name:, is:)`: an expression of any type that others use by its name.
#[derive(Debug, Clone)]
pub struct NamedRule {
    /// Its name with its parameters in one normal form, such as `memberOf(p: Project)`; the name alone where it has none.
    pub signature: String,
    /// In the order in which a use gives their values.
    pub parameters: Vec<RuleParameter>,
    /// The expression.
    pub is: RuleText,
}

/// A parameter of a named rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleParameter {
    /// Its name, which the expression knows it by.
    pub name: String,
    /// What it takes.
    pub kind: ParameterKind,
}

/// What a parameter of a named rule takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A value of this scalar; a `Decimal` keeps its own scale.
    Scalar(Scalar),
    /// A value of this enum.
    Enum(EnumId),
    /// A list of such values.
    List(Element),
    /// A record of this collection, or its id.
    Record(CollectionId),
}

/// The functions of expressions. A rule of such a name stands in the function's stead.
pub const FUNCTIONS: &[&str] = &[
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "lowerAscii",
    "upperAscii",
    "lower",
    "upper",
    "fold",
    "trim",
    "replace",
    "text",
    "split",
    "join",
    "matches",
    "round",
    "money",
    "timestamp",
    "date",
    "duration",
    "today",
    "startOfDay",
    "startOfWeek",
    "startOfMonth",
    "startOfYear",
    "year",
    "month",
    "day",
    "years",
    "within",
    "int",
    "decimal",
    "float",
    "boolean",
    "exists",
    "all",
    "count",
    "sum",
    "min",
    "max",
    "first",
];
