use std::fmt;
use std::ops::Range;

use backstay_base::limits;
use backstay_scalar::{Problem, Scalar, Token};

use crate::{Type, foreign};

/// Something that is wrong in the text of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// Where: bytes of the text.
    pub span: Range<usize>,
    /// What.
    pub kind: ExprErrorKind,
}

impl ExprError {
    pub(crate) fn new(span: Range<u32>, kind: ExprErrorKind) -> Self {
        Self { span: span.start as usize..span.end as usize, kind }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        self.kind.remedy()
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for ExprError {}

/// What a name that is not known was meant to name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Name {
    Variable,
    Function,
    /// A field of the collection of this name.
    Field(String),
    /// A value of the enum of this name.
    Value(String),
    /// A value of an enum, written without quotes.
    BareValue,
    /// A kind of caller.
    Kind,
    /// A part of `auth`.
    AuthPart,
    /// A part of `request`.
    RequestPart,
    /// A part of a `Money` value.
    MoneyPart,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable | Self::BareValue => f.write_str("name"),
            Self::Function => f.write_str("function"),
            Self::Field(collection) => write!(f, "field of {collection}"),
            Self::Value(name) => write!(f, "value of {name}"),
            Self::Kind => f.write_str("kind of caller"),
            Self::AuthPart => f.write_str("part of 'auth'"),
            Self::RequestPart => f.write_str("part of 'request'"),
            Self::MoneyPart => f.write_str("part of an amount of money"),
        }
    }
}

/// A type with the name that messages give it, such as `Text` or `list of Int`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedType {
    /// The type.
    pub ty: Type,
    /// Its name.
    pub name: String,
}

impl fmt::Display for NamedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What is needed where something else was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Expected {
    Type(NamedType),
    List,
    ListOfScalars,
    TextOrList,
    /// What has a sign.
    Signed,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(ty) => ty.fmt(f),
            Self::List => f.write_str("a list"),
            Self::ListOfScalars => f.write_str("a list of scalars"),
            Self::TextOrList => f.write_str("a text or a list"),
            Self::Signed => f.write_str("Int, Float or Duration"),
        }
    }
}

/// What can be wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprErrorKind {
    /// Longer than `limits::EXPRESSION_BYTES`.
    #[error("the expression is longer than {} bytes", limits::EXPRESSION_BYTES)]
    TooLong,
    /// Nested deeper than `limits::EXPRESSION_DEPTH`.
    #[error("the expression is nested deeper than {} levels", limits::EXPRESSION_DEPTH)]
    TooDeep,
    /// More nodes than `limits::EXPRESSION_NODES`, named rules included.
    #[error("the expression has more than {} parts, named rules included", limits::EXPRESSION_NODES)]
    TooLarge,
    /// More parameters than `limits::FILTER_PARAMETERS`.
    #[error("the filter has more than {} parameters", limits::FILTER_PARAMETERS)]
    TooManyParameters,
    /// The text, or a text in it, holds NUL.
    #[error("a text may not hold the character NUL")]
    Nul,
    /// Something that cannot stand here.
    #[error("'{found}' cannot stand here")]
    Unexpected {
        /// What stands there.
        found: String,
    },
    /// The text ends where something must follow.
    #[error("the expression ends too early")]
    End,
    /// A text literal without its end.
    #[error("the text does not end")]
    OpenText,
    /// An escape in a text literal that is not known.
    #[error("the text has an escape that is not known")]
    Escape,
    /// A word that begins as a number and goes on as a name, such as `1h` or `1_000`.
    #[error("`{word}` is neither a number nor a name")]
    Malformed {
        /// The word.
        word: String,
    },
    /// A number literal that is out of range.
    #[error("the number is not within the 64 bits of its type")]
    Number,
    /// A part of CEL that is left out.
    #[error("{what} cannot be used here")]
    Unsupported {
        /// The function or form.
        what: String,
        /// What to use instead.
        instead: &'static str,
    },
    /// A name that is not known.
    #[error("unknown {what} '{name}'")]
    Unknown {
        /// What it would name.
        what: Name,
        /// The name.
        name: String,
        /// A known name that is much like it.
        suggestion: Option<String>,
    },
    /// `this` or `new` where there is none.
    #[error("there is no '{name}' here")]
    NoRecord {
        /// `this` or `new`.
        name: &'static str,
        /// What to name instead.
        instead: &'static str,
    },
    /// `auth.roles` in a model without an enum marked `@roles`.
    #[error("the model has no roles")]
    NoRoles,
    /// A field that no client may name.
    #[error("'{field}' is secret and cannot be named")]
    Secret {
        /// The field.
        field: String,
    },
    /// A relation to many where one value is needed.
    #[error("'{field}' is a relation to many records")]
    ToMany {
        /// The field.
        field: String,
    },
    /// The records of a relation to many, counted.
    #[error("the records of '{field}' cannot be counted in an expression")]
    Uncountable {
        /// The field.
        field: String,
    },
    /// A field of something that has none.
    #[error("{of} has no '{name}'")]
    NoFields {
        /// The type.
        of: NamedType,
        /// The field asked for.
        name: String,
    },
    /// `exists` or `all` over something else than a relation to many.
    #[error("'{function}' asks the records of a relation to many")]
    NotToMany {
        /// `exists` or `all`.
        function: &'static str,
    },
    /// A path through more relations than is allowed.
    #[error("the path leads through more than {max} relations")]
    LongPath {
        /// The most.
        max: usize,
    },
    /// Another type than the one needed here.
    #[error("expected {expected}, found {found}")]
    Type {
        /// The type needed.
        expected: Expected,
        /// The type found.
        found: NamedType,
    },
    /// Two types that cannot be compared.
    #[error("{left} and {right} cannot be compared")]
    Compare {
        /// The left one.
        left: NamedType,
        /// The right one.
        right: NamedType,
    },
    /// A type that cannot be compared this way.
    #[error("{ty} cannot be compared with '{operator}'")]
    Incomparable {
        /// The type.
        ty: NamedType,
        /// The operator.
        operator: &'static str,
    },
    /// An operator that these types do not have.
    #[error("{left} {operator} {right} is not defined")]
    Operator {
        /// The left type.
        left: NamedType,
        /// The operator.
        operator: &'static str,
        /// The right type.
        right: NamedType,
    },
    /// A literal text that is not a value of the type that it stands beside.
    #[error("this is not a value of {ty}{}", because(problem))]
    Literal {
        /// The text.
        text: String,
        /// The type.
        ty: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A literal number that its type cannot hold exactly.
    #[error("{ty} cannot hold this number exactly")]
    Inexact {
        /// The type.
        ty: &'static str,
    },
    /// A literal number with a fraction beside an `Int`.
    #[error("{number} is not a whole number, and the other side is an Int")]
    Fraction {
        /// The number as written.
        number: String,
    },
    /// `null` where only `==` and `!=` know it.
    #[error("'null' cannot stand here")]
    Null,
    /// A test of presence of something that is not stored.
    #[error("presence is tested of fields, parameters and parts of 'auth'")]
    Presence,
    /// A function with other arguments than it takes.
    #[error("'{function}' is used as {usage}")]
    Arguments {
        /// The function.
        function: String,
        /// How it is used.
        usage: &'static str,
    },
    /// A parameter where there are none.
    #[error("there are no parameters here")]
    NoParameters {
        /// Its name.
        name: String,
    },
    /// A parameter whose type nothing tells.
    #[error("the type of '${name}' is not known")]
    UntypedParameter {
        /// Its name.
        name: String,
    },
    /// A parameter that is used with two types.
    #[error("'${name}' is used as {one} and as {other}")]
    TwoTypes {
        /// Its name.
        name: String,
        /// The type of an earlier use.
        one: String,
        /// The type of this use.
        other: String,
    },
    /// A quantifier's variable has the name of another variable.
    #[error("'{name}' has a meaning already")]
    Shadows {
        /// The variable.
        name: String,
    },
    /// Named rules that need each other.
    #[error("the rule '{name}' needs itself")]
    Cycle {
        /// One of them.
        name: String,
    },
    /// An error within a named rule.
    #[error("in the rule '{name}': {error}")]
    InRule {
        /// The rule.
        name: String,
        /// The error; its place is one of the rule's text.
        error: Box<ExprError>,
    },
}

impl ExprErrorKind {
    /// What to write instead of a word of another system.
    fn instead(&self) -> Option<&'static str> {
        match self {
            Self::Unexpected { found } => foreign::instead_of_word(found),
            Self::Unknown { what, name, suggestion } => foreign::instead_of_name(what, name, suggestion.is_some()),
            Self::NoFields { name, .. } => foreign::instead_of_part(name),
            Self::NoParameters { name } => foreign::instead_of_parameter(name),
            Self::Literal { text, .. } => foreign::instead_of_text(text),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        if let Some(instead) = self.instead() {
            return instead.to_owned();
        }
        let fixed = match self {
            Self::TooLong | Self::TooDeep | Self::TooLarge => "split it, or shorten it",
            Self::TooManyParameters => "use a list parameter: `field in $values`",
            Self::Unsupported { instead, .. } | Self::NoRecord { instead, .. } => instead,
            Self::Unknown { what: Name::BareValue, name, .. } => return format!("write '{name}' in quotes"),
            Self::Unknown { suggestion: Some(name), .. } => return format!("did you mean '{name}'?"),
            Self::Unknown { what, .. } => unknown_remedy(what),
            Self::Nul => "leave it out",
            Self::Unexpected { found } if matches!(&**found, ")" | "]" | "}") => "leave it out, or open the bracket",
            Self::Unexpected { .. } | Self::End => {
                "write a condition such as `this.state == 'DRAFT' && auth.id != null`"
            }
            Self::Number => "use a smaller number",
            Self::Secret { .. } => "nothing may depend on what is secret",
            Self::NoFields { .. } => "only records, `auth`, `request` and amounts of money have parts",
            Self::LongPath { .. } => "lead through fewer relations",
            Self::Type { expected, found } => type_remedy(expected, &found.ty),
            Self::Arguments { usage, .. } => return format!("write {usage}"),
            Self::Cycle { .. } => "let one of the rules say it without the other",
            Self::NoRoles => "mark an enum of the model `@roles`",
            Self::ToMany { field } => return format!("ask its records: `{field}.exists(x, …)`"),
            Self::Uncountable { field } => {
                return format!("ask whether there is one that meets a condition: `{field}.exists(x, …)`");
            }
            Self::NotToMany { .. } => "use it on a relation to many; `in` asks a list",
            Self::Compare { left, right } => compare_remedy(&left.ty, &right.ty),
            Self::Incomparable { ty, .. } => incomparable_remedy(&ty.ty),
            Self::Operator { left, right, .. } => operator_remedy(&left.ty, &right.ty),
            Self::Literal { problem: Problem::Expected(expected), .. } => return format!("write {expected}"),
            Self::Literal { .. } => "write a value that a field of this type can hold",
            Self::Inexact { .. } => "use fewer digits",
            Self::Malformed { word } if Scalar::Duration.read(Token::Text(word)).is_ok() => {
                return format!("write a length of time in quotes: duration('{word}')");
            }
            Self::Malformed { .. } => "write digits only, such as 10000",
            Self::Fraction { .. } => "write a whole number, such as 1; or make the field a Decimal or a Float",
            Self::Null => "test presence with `x == null` or `x != null`",
            Self::Presence => "test the fields it is made of",
            Self::NoParameters { .. } => "only filters have parameters",
            Self::UntypedParameter { .. } => "compare it with a field",
            Self::TwoTypes { .. } => "use two parameters",
            Self::Shadows { .. } => "choose another name for the variable",
            Self::OpenText => "close it with the quote that opens it",
            Self::Escape => r#"use \\, \', \", \n, \t or \u0000 with four hexadecimal digits"#,
            Self::InRule { error, .. } => return error.remedy(),
        };
        fixed.to_owned()
    }
}

/// What is wrong besides the form, which the remedy shows.
fn because(problem: &Problem) -> String {
    match problem {
        Problem::Expected(_) => String::new(),
        problem => format!(": it {problem}"),
    }
}

fn unknown_remedy(what: &Name) -> &'static str {
    match what {
        Name::Variable => "known are `this`, `new`, `auth`, `request`, `now` and the named rules",
        Name::Function => "docs/expressions.md lists the functions",
        Name::Field(_) => "name a field of this type, or one of `id`, `createdAt`, `updatedAt`, `version`",
        Name::BareValue => "write it in quotes",
        Name::Value(_) => "name a value of this enum",
        Name::Kind => "it is 'ANONYMOUS', 'ACCOUNT', 'SERVICE' or 'OPERATOR'",
        Name::AuthPart => "it has `id`, `roles`, `kind` and `claims`",
        Name::RequestPart => "it has `time`",
        Name::MoneyPart => "it has `amount` and `currency`",
    }
}

fn type_remedy(expected: &Expected, found: &Type) -> &'static str {
    match (expected, found) {
        (Expected::Type(NamedType { ty: Type::Bool, .. }), _) => "write a condition, such as a comparison",
        (Expected::Type(NamedType { ty: Type::Text, .. }), Type::List(_)) => {
            "ask a list with `in`, such as `'ADMIN' in auth.roles`"
        }
        (Expected::List, Type::List(_)) | (Expected::Type(_), _) => "write a value of the type that is expected",
        (Expected::List, Type::Text) => {
            "write the list in square brackets, such as `x in ['a']`; ask a text with `text.contains('a')`"
        }
        (Expected::List, _) => "write the list in square brackets, such as `x in [1]`",
        (Expected::ListOfScalars, _) => "write one list of values",
        (Expected::TextOrList, _) => "`size(x)` counts the characters of a text or the elements of a list",
        (Expected::Signed, _) => "write `-` before a number or a length of time",
    }
}

fn compare_remedy(left: &Type, right: &Type) -> &'static str {
    let number = |ty: &Type| matches!(ty, Type::Int | Type::Float | Type::Decimal);
    let beside = |one: &Type, is: fn(&Type) -> bool| (left == one && is(right)) || (right == one && is(left));
    if number(left) && number(right) {
        "give both fields one type in the model"
    } else if beside(&Type::Duration, number) {
        "write a length of time, such as `duration('90m')`"
    } else if beside(&Type::Money, number) {
        "compare its `.amount`"
    } else if matches!((left, right), (Type::List(_), _) | (_, Type::List(_))) {
        "ask a list with `in`, such as `'ADMIN' in auth.roles`"
    } else if beside(&Type::Bool, |_| true) {
        "write `x` for true and `!x` for false"
    } else {
        "compare it with a value of its own type"
    }
}

fn incomparable_remedy(ty: &Type) -> &'static str {
    match ty {
        Type::Json => "only its presence can be tested: `== null`, `!= null`",
        Type::Money => "compare `.amount`, and `.currency` with `==`",
        Type::List(_) => "ask its elements with `in`",
        Type::Bool
        | Type::Int
        | Type::Float
        | Type::Decimal
        | Type::Text
        | Type::Formatted(_)
        | Type::Enum(_)
        | Type::Id
        | Type::Record(_)
        | Type::Timestamp
        | Type::Date
        | Type::Duration
        | Type::Null => "compare it with `==` or `!=`",
    }
}

fn operator_remedy(left: &Type, right: &Type) -> &'static str {
    let either = |ty: &Type| left == ty || right == ty;
    if either(&Type::Decimal) || either(&Type::Money) {
        "exact amounts can be compared, not computed with"
    } else if either(&Type::Text) {
        "texts cannot be joined"
    } else if either(&Type::Int) && either(&Type::Float) {
        "give both one type"
    } else if either(&Type::Timestamp) {
        "add a duration, such as `now - duration('24h')`"
    } else {
        "use numbers of one type"
    }
}
