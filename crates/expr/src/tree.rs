use std::ops::Range;
use std::sync::Arc;

use backstay_base::{Caller, Period};
use backstay_model::{
    Collection, CollectionId, ColumnStorage, Element, EmbeddedId, EnumId, Field, FieldId, FieldKind, Model,
    ValueProblem,
};
use backstay_scalar::{Part, Problem, Scalar, Storage, Token, Value, read_exact};

use crate::{Aggregate, ComputedField};

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
    /// A key of unknown kind, such as `auth.id`.
    Id,
    /// A record of a collection, or its id: the two are the same in a comparison.
    Record(CollectionId),
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
    /// A list of scalars.
    List(Box<Type>),
    /// The literal `null`.
    Null,
}

impl Type {
    /// The type of a field's value; `None` for a relation to many.
    pub fn of(collection: &Collection, field: &Field) -> Option<Self> {
        if field.id == Collection::ID {
            return Some(Self::Record(collection.id));
        }
        Some(match &field.kind {
            FieldKind::Scalar(scalar) => Self::of_scalar(*scalar),
            FieldKind::Enum(id) => Self::Enum(*id),
            FieldKind::List(Element::Scalar(scalar)) => Self::List(Box::new(Self::of_scalar(*scalar))),
            FieldKind::List(Element::Enum(id)) => Self::List(Box::new(Self::Enum(*id))),
            FieldKind::Embedded(id) => Self::Embedded { of: *id, field: (collection.id, field.id) },
            FieldKind::Document(_) => Self::Json,
            FieldKind::ToOne { target, .. } | FieldKind::OneToOne { target, .. } => Self::Record(*target),
            FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } => return None,
        })
    }

    pub(crate) fn of_scalar(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Id => Self::Id,
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
            Self::Decimal => return Ok(read_exact(token)?),
            Self::Formatted(scalar) => *scalar,
            Self::Bool => Scalar::Boolean,
            Self::Int => Scalar::Int,
            Self::Float => Scalar::Float,
            Self::Text => Scalar::Text,
            Self::Id | Self::Record(_) => Scalar::Id,
            Self::Timestamp => Scalar::DateTime,
            Self::Date => Scalar::Date,
            Self::Duration => Scalar::Duration,
            Self::Money => Scalar::Money,
            Self::Json => Scalar::Json,
            Self::Embedded { .. } => return Err(Problem::Expected("a member of the embedded value").into()),
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
            Self::Text | Self::Enum(_) | Self::Null => Storage::Text,
            Self::Formatted(scalar) => scalar.storage(),
            Self::Id | Self::Record(_) => Storage::Id,
            Self::Timestamp => Storage::Timestamp,
            Self::Date => Storage::Date,
            // What is checked has members in the place of the value.
            Self::Json | Self::Embedded { .. } => Storage::Json,
            Self::List(element) => element.storage(),
        }
    }

    /// Digits after the point of a `Decimal` that is neither a column nor compared with one.
    pub const DECIMAL_SCALE: u8 = 9;
}

impl Path {
    /// Whether it is a value of the caller's own record, which is known without the database.
    pub fn is_of_account(&self) -> bool {
        self.root == Root::Account && self.steps.len() <= 1
    }

    /// The column of the last field that is meant: of a whole `Money`, the amount's.
    pub fn column(&self) -> Part {
        self.part.unwrap_or(Part::Main)
    }
}

/// A checked expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub node: Node,
    /// Its type.
    pub ty: Type,
    /// Where it stands in its own text, in bytes; that of the use where it came in by a named rule.
    pub span: Range<u32>,
}

impl Expr {
    /// The expressions that must all be true for it to be true: the operands of its outermost `&&`, or itself.
    pub fn conjuncts(&self) -> Vec<&Self> {
        fn collect<'e>(expr: &'e Expr, parts: &mut Vec<&'e Expr>) {
            match &expr.node {
                Node::Binary(Operator::And, left, right) => {
                    collect(left, parts);
                    collect(right, parts);
                }
                _ => parts.push(expr),
            }
        }
        let mut parts = Vec::new();
        collect(self, &mut parts);
        parts
    }
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A constant; `Value::Null` is unknown.
    Literal(Value),
    /// The parameter with this index in `Checked::params`.
    Param(u16),
    /// Something of the caller.
    Caller(CallerPart),
    /// `now` and `request.time`: the moment at which the request began.
    Now,
    /// A field, reached from a record through to-one relations; without steps the record itself (its id).
    Path(Path),
    /// `!a`.
    Not(Box<Expr>),
    /// `-a`.
    Negate(Box<Expr>),
    /// `a op b`.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `a == null` (`negated`: `a != null`): a test of presence, never unknown.
    IsNull {
        /// What is tested.
        of: Box<Expr>,
        /// Whether it must be present.
        negated: bool,
    },
    /// `condition ? then : otherwise`.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a in b`, where `b` is a list literal, a list field, a list parameter or `auth.roles`: the `||` of `a == e` for
    /// the elements of `b` (so false where `b` is empty), and unknown where `b` is.
    In(Box<Expr>, Box<Expr>),
    /// A list of expressions of one type.
    List(Vec<Expr>),
    /// A function of the language.
    Call(Function, Vec<Expr>),
    /// `path.exists(v, body)` or `path.all(v, body)`.
    Quantifier {
        /// Which.
        kind: Quantifier,
        /// A path whose last step is a to-many relation.
        over: Path,
        /// The member's variable: `Root::Bound` in `body`.
        variable: u16,
        /// Must be Boolean.
        body: Box<Expr>,
    },
    /// `path.count(v, condition)`, `size(path)`, `path.sum(v, term)`, `min`, `max` or `first`.
    Aggregate(Box<Aggregate>),
    /// A computed field, with its expression about the record that the path leads to.
    Computed(Box<ComputedField>),
    /// A part that depends on the caller alone, taken out by `Facts`; always Boolean.
    Fact(u16),
}

impl Node {
    /// The expressions directly within it.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Not(of) | Self::Negate(of) | Self::IsNull { of, .. } | Self::Quantifier { body: of, .. } => vec![of],
            Self::Binary(_, left, right) | Self::In(left, right) => vec![left, right],
            Self::Conditional(condition, then, otherwise) => vec![condition, then, otherwise],
            Self::List(items) | Self::Call(_, items) => items.iter().collect(),
            Self::Aggregate(aggregate) => aggregate.children(),
            Self::Computed(computed) => vec![&computed.value],
            Self::Literal(_) | Self::Param(_) | Self::Caller(_) | Self::Now | Self::Path(_) | Self::Fact(_) => {
                Vec::new()
            }
        }
    }
}

/// A path from a record to a field. `this.id` has no steps and `this.author.id` the one of `this.author`: a record is
/// its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// The record it starts from.
    pub root: Root,
    /// The collection of that record.
    pub collection: CollectionId,
    /// Fields, each of the collection that the one before leads to; all but the last are to-one relations.
    pub steps: Vec<FieldId>,
    /// The part, where the last field is `Money` and one of its parts is meant: `.amount` is `Part::Main`.
    pub part: Option<Part>,
}

/// The record a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// `this`; also what a filter's plain field names start from.
    This,
    /// `new`.
    New,
    /// `auth.account`: null for callers without an account of their own.
    Account,
    /// The variable of an enclosing quantifier.
    Bound(u16),
}

/// What a rule can know of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CallerPart {
    /// `auth.id`; null for anonymous callers.
    Id,
    /// `auth.kind`: `ANONYMOUS`, `ACCOUNT`, `SERVICE`, `OPERATOR`.
    Kind,
    /// `auth.roles`: a list of names of the `@roles` enum.
    Roles,
    /// `auth.claims.x`: a text, or null.
    Claim(Arc<str>),
}

impl CallerPart {
    /// What it is for this caller.
    pub fn of(&self, caller: &Caller) -> Value {
        match self {
            Self::Id => caller.id.map_or(Value::Null, Value::Id),
            Self::Kind => Value::text(caller.kind.name()),
            Self::Roles => Value::List(caller.roles.iter().map(|role| Value::Text(role.clone())).collect()),
            Self::Claim(name) => caller.claims.get(&**name).map_or(Value::Null, |text| Value::text(text.as_str())),
        }
    }
}

/// An operator with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A function of the language. `timestamp(…)` and `duration(…)` take literals and parameters alone and are gone once an
/// expression is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// `size(text)` in code points, `size(list)` in elements.
    Size,
    /// `text.startsWith(prefix)`.
    StartsWith,
    /// `text.endsWith(suffix)`.
    EndsWith,
    /// `text.contains(part)`.
    Contains,
    /// `text.lowerAscii()`.
    LowerAscii,
    /// `text.upperAscii()`.
    UpperAscii,
    /// `round(number, digits)` of a `Decimal`: digits after the point, a literal; halves go away from zero.
    Round,
    /// `round(a / b, digits)`: the exact quotient, rounded once. The operands are `Decimal` or `Int`.
    Quotient,
    /// `date(moment, zone)`: the day that it is in a time zone, a literal.
    DateIn,
    /// `startOfDay(moment, zone)` and its like: the midnight with which the period began in a time zone, a literal.
    StartOf(Period),
    /// `year(date)`, `month(date)`, `day(date)`.
    CalendarField(CalendarField),
}

/// A part of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CalendarField {
    Year,
    Month,
    Day,
}

impl Function {
    /// Whether it has a value wherever its operands do.
    pub(crate) fn is_total(self) -> bool {
        match self {
            Self::Size
            | Self::StartsWith
            | Self::EndsWith
            | Self::Contains
            | Self::LowerAscii
            | Self::UpperAscii
            | Self::CalendarField(_) => true,
            Self::Round | Self::Quotient | Self::DateIn | Self::StartOf(_) => false,
        }
    }
}

/// `exists` or `all`. Both are unknown where a relation on the way to the members is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// True where a member is true, false where none is *not false*, else unknown.
    Exists,
    /// True where none is *not true*, false where a member is false, else unknown.
    All,
}
