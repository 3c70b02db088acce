use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use backstay_base::{CalendarField, Caller, Period};
use backstay_model::{CollectionId, ComputedRights, EnumId, FieldId, Model};
use backstay_scalar::{Casing, Lookup, Part, Pattern, Value};

use crate::path::{Path, Root};
use crate::{Digits, Type};

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
    /// The expressions directly within it, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.node {
            Node::Not(of)
            | Node::Negate(of)
            | Node::Matches(of, _)
            | Node::IsNull { of, .. }
            | Node::Ordinal(of, _) => vec![of],
            Node::Quantifier { over, body, .. } => over.document_mut().into_iter().chain([&mut **body]).collect(),
            Node::Binary(_, left, right) | Node::In(left, right) => vec![left, right],
            Node::Conditional(condition, then, otherwise) => vec![condition, then, otherwise],
            Node::List(items) | Node::Call(_, items) => items.iter_mut().collect(),
            Node::Aggregate(aggregate) => aggregate.children_mut(),
            Node::Within(within) => within.document_mut().into_iter().collect(),
            Node::Computed(computed) => vec![&mut computed.value],
            Node::Literal(_)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Caller(_)
            | Node::Now
            | Node::Path(_)
            | Node::Fact(_) => Vec::new(),
        }
    }

    /// Whether it needs more than `this`, `new`, `old` and the caller: then only the database can answer it.
    pub fn needs_store(&self, model: &Model) -> bool {
        self.node.asks_store(model) || self.node.children().into_iter().any(|child| child.needs_store(model))
    }

    /// Whether it needs the database where it is asked of each item of a list: also where it looks through another list, for
    /// which nothing in memory limits the work.
    fn asks_store_of_items(&self, model: &Model) -> bool {
        self.needs_store(model) || self.searches_document()
    }

    /// Whether it looks through a list that isn't part of an item.
    fn searches_document(&self) -> bool {
        let over = match &self.node {
            Node::Quantifier { over, .. } => Some(over),
            Node::Aggregate(aggregate) => Some(&aggregate.over),
            _ => None,
        };
        over.is_some_and(|over| over.document().is_some())
            || self.node.children().into_iter().any(Self::searches_document)
    }

    /// The fields of `this`, `new` and `old` that it reads, including those by which it leads elsewhere.
    pub fn own_fields(&self) -> BTreeSet<FieldId> {
        fn collect(expr: &Expr, fields: &mut BTreeSet<FieldId>) {
            if let Some(path) = expr.node.path().filter(|path| matches!(path.root, Root::This | Root::New | Root::Old))
            {
                fields.extend(path.steps.first());
            }
            expr.node.children().into_iter().for_each(|child| collect(child, fields));
        }
        let mut fields = BTreeSet::new();
        collect(self, &mut fields);
        fields
    }

    /// The expressions that must all be true for it to be true: the operands of its outermost `&&`, or itself.
    pub fn conjuncts(&self) -> Vec<&Self> {
        self.operands(Operator::And)
    }

    /// The operands of the outermost chain of this operator, or the expression itself.
    pub(crate) fn operands(&self, operator: Operator) -> Vec<&Self> {
        fn collect<'e>(expr: &'e Expr, operator: Operator, parts: &mut Vec<&'e Expr>) {
            match &expr.node {
                Node::Binary(of, left, right) if *of == operator => {
                    collect(left, operator, parts);
                    collect(right, operator, parts);
                }
                _ => parts.push(expr),
            }
        }
        let mut parts = Vec::new();
        collect(self, operator, &mut parts);
        parts
    }
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A constant; `Value::Null` is unknown.
    Literal(Value),
    /// The parameter with this index in `Checked::params`, or this part of an amount of money that it is.
    Param(u16, Option<Part>),
    /// What a group of records comes to: the output of this number, or this part of an amount of money that it is.
    Output(u16, Option<Part>),
    /// Something of the caller.
    Caller(CallerPart),
    /// `now` and `request.time`: the moment at which a read began, and that of the transaction of a write.
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
    /// `text.matches('pattern')`: whether a part of the text does; unknown of one that is longer than
    /// `Pattern::longest`.
    Matches(Box<Expr>, Pattern),
    /// `many.exists(v, body)` or `many.all(v, body)`.
    Quantifier {
        /// Which.
        kind: Quantifier,
        /// The records of a to-many relation, or the items of a list.
        over: Many,
        /// The variable of one of them: `Root::Bound` or `Holder::Item` in `body`.
        variable: u16,
        /// Must be Boolean.
        body: Box<Expr>,
    },
    /// `many.count(v, condition)`, `size(many)`, `many.sum(v, term)`, `min`, `max` or `first`.
    Aggregate(Box<Aggregate>),
    /// A computed field, with its expression about the record that the path leads to.
    Computed(Box<ComputedField>),
    /// A value within a document.
    Within(Box<Within>),
    /// The place of an enum's value among these names, the first of which is 0: enums are ordered by it where their texts
    /// have another order. Always `Int`.
    Ordinal(Box<Expr>, Arc<[Arc<str>]>),
    /// A part that depends on the caller alone, taken out by `Facts`; always Boolean.
    Fact(u16),
}

impl Node {
    /// Whether it asks the database for something, apart from what the expressions within it ask.
    pub fn asks_store(&self, model: &Model) -> bool {
        match self {
            Self::Path(path) => path.asks_store(model),
            Self::Quantifier { over: Many::Records(_) | Many::Referred(_), .. } => true,
            Self::Quantifier { over: Many::Items(_), body, .. } => body.asks_store_of_items(model),
            Self::Aggregate(aggregate) => match &aggregate.over {
                Many::Records(_) | Many::Referred(_) => true,
                Many::Items(_) => aggregate.own_children().into_iter().any(|child| child.asks_store_of_items(model)),
            },
            Self::Literal(_)
            | Self::Param(..)
            | Self::Output(..)
            | Self::Caller(_)
            | Self::Now
            | Self::Not(_)
            | Self::Negate(_)
            | Self::Binary(..)
            | Self::IsNull { .. }
            | Self::Conditional(..)
            | Self::In(..)
            | Self::List(_)
            | Self::Call(..)
            | Self::Matches(..)
            | Self::Computed(_)
            | Self::Within(_)
            | Self::Ordinal(..)
            | Self::Fact(_) => false,
        }
    }

    /// Whether it is a value that is held somewhere, and not computed.
    pub fn is_held(&self) -> bool {
        match self {
            Self::Path(_) => true,
            Self::Within(within) => !within.lookup.held.is_free(),
            Self::Aggregate(of) => match (&of.over, &of.function) {
                (Many::Referred(_), Aggregation::First { term, .. }) => term.node.is_held(),
                _ => false,
            },
            _ => false,
        }
    }

    /// The enum by whose order it compares values.
    pub fn ordered_enum(&self) -> Option<EnumId> {
        let compared = match self {
            Self::Ordinal(value, _) => value,
            Self::Binary(
                Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual,
                left,
                _,
            ) => left,
            Self::Literal(_)
            | Self::Param(..)
            | Self::Output(..)
            | Self::Caller(_)
            | Self::Now
            | Self::Path(_)
            | Self::Not(_)
            | Self::Negate(_)
            | Self::Binary(..)
            | Self::IsNull { .. }
            | Self::Conditional(..)
            | Self::In(..)
            | Self::List(_)
            | Self::Call(..)
            | Self::Matches(..)
            | Self::Quantifier { .. }
            | Self::Aggregate(_)
            | Self::Computed(_)
            | Self::Within(_)
            | Self::Fact(_) => return None,
        };
        if let Type::Enum(of) = compared.ty { Some(of) } else { None }
    }

    /// The path that it names: its own, or the one to the members or to the record that it is about.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Quantifier { over, .. } => over.path(),
            Self::Aggregate(aggregate) => aggregate.over.path(),
            Self::Computed(computed) => Some(&computed.at),
            Self::Literal(_)
            | Self::Param(..)
            | Self::Output(..)
            | Self::Caller(_)
            | Self::Now
            | Self::Not(_)
            | Self::Negate(_)
            | Self::Binary(..)
            | Self::IsNull { .. }
            | Self::Conditional(..)
            | Self::In(..)
            | Self::List(_)
            | Self::Call(..)
            | Self::Matches(..)
            | Self::Within(_)
            | Self::Ordinal(..)
            | Self::Fact(_) => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn path_mut(&mut self) -> Option<&mut Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Quantifier { over, .. } => over.path_mut(),
            Self::Aggregate(aggregate) => aggregate.over.path_mut(),
            Self::Computed(computed) => Some(&mut computed.at),
            Self::Literal(_)
            | Self::Param(..)
            | Self::Output(..)
            | Self::Caller(_)
            | Self::Now
            | Self::Not(_)
            | Self::Negate(_)
            | Self::Binary(..)
            | Self::IsNull { .. }
            | Self::Conditional(..)
            | Self::In(..)
            | Self::List(_)
            | Self::Call(..)
            | Self::Matches(..)
            | Self::Within(_)
            | Self::Ordinal(..)
            | Self::Fact(_) => None,
        }
    }

    /// The expressions directly within it.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Not(of)
            | Self::Negate(of)
            | Self::Matches(of, _)
            | Self::IsNull { of, .. }
            | Self::Ordinal(of, _) => vec![of],
            Self::Quantifier { over, body, .. } => over.document().into_iter().chain([&**body]).collect(),
            Self::Binary(_, left, right) | Self::In(left, right) => vec![left, right],
            Self::Conditional(condition, then, otherwise) => vec![condition, then, otherwise],
            Self::List(items) | Self::Call(_, items) => items.iter().collect(),
            Self::Aggregate(aggregate) => aggregate.children(),
            Self::Within(within) => within.document().into_iter().collect(),
            Self::Computed(computed) => vec![&computed.value],
            Self::Literal(_)
            | Self::Param(..)
            | Self::Output(..)
            | Self::Caller(_)
            | Self::Now
            | Self::Path(_)
            | Self::Fact(_) => Vec::new(),
        }
    }
}

/// What a rule can know of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CallerPart {
    /// `auth.id`; null for anonymous callers.
    Id,
    /// `auth.kind`: `ANONYMOUS`, `ACCOUNT`, `SERVICE`, `OPERATOR`, `SYSTEM`.
    Kind,
    /// `auth.roles`: a list of names of the `@roles` enum.
    Roles,
    /// `auth.verified`: whether the caller's address is verified; false of all callers but accounts.
    Verified,
    /// `auth.link`; null for callers who show no link.
    Link,
    /// `auth.via`: a list of the names of the actions that the request is made in.
    Via,
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
            Self::Via => Value::List(caller.via.iter().map(|action| Value::Text(action.clone())).collect()),
            Self::Verified => caller.verified.into(),
            Self::Link => caller.link.map_or(Value::Null, Value::Id),
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
    /// `lower(text)`, `upper(text)`, `fold(text)`; unknown of one that is longer than `limits::CHANGED_TEXT_BYTES`.
    Cased(Casing),
    /// `trim(text)`.
    Trim,
    /// `replace(text, part, by)`; unknown if the result is longer than `limits::CHANGED_TEXT_BYTES`.
    Replace,
    /// `one + other` of texts; unknown if the result is longer than `limits::CHANGED_TEXT_BYTES`.
    Concat,
    /// `split(text, separator)`: a list of texts; unknown of more than `limits::LIST_ITEMS`, and of a text that is longer than
    /// `limits::CHANGED_TEXT_BYTES`.
    Split,
    /// `join(list, separator)`; unknown if the result is longer than `limits::CHANGED_TEXT_BYTES`.
    Join,
    /// `list[0]`: the element at a place from 0, a literal; null if the list has no such place.
    Element,
    /// `text(x)`: the text that a value is written as; see [`backstay_scalar::plain_text`].
    ToText,
    /// `round(number, digits)` of a `Decimal` or of `Money`: digits after the point, an `Int`; halves go away from zero.
    Round,
    /// `round(a / b, digits)`: the exact quotient, rounded once. The operands are `Decimal` or `Int`; the first can be
    /// `Money`.
    Quotient,
    /// `money(amount, currency)`; unknown where one of the two is.
    Money,
    /// How many digits after the point the amounts of a currency have. Part of `round(money)`.
    UnitDigits,
    /// `date(moment, zone)`: the day that it is in a time zone, a literal.
    DateIn,
    /// `startOfDay(moment, zone)` and its like: the moment with which the period began in a time zone, a literal.
    StartOf(Period),
    /// `year(date)`, `month(date)`, `day(date)`.
    CalendarField(CalendarField),
    /// `years(from, to)`: the whole years between two dates; see [`backstay_base::Date::years_since`].
    Years,
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
            | Self::Trim
            | Self::Money
            | Self::ToText
            | Self::UnitDigits
            | Self::CalendarField(_)
            | Self::Years => true,
            Self::Cased(_)
            | Self::Replace
            | Self::Concat
            | Self::Split
            | Self::Join
            | Self::Element
            | Self::Round
            | Self::Quotient
            | Self::DateIn
            | Self::StartOf(_) => false,
        }
    }
}

/// `exists` or `all`. Both are unknown where a relation on the way to the members is null, or the list that has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// True where a member is true, false where none is *not false*, else unknown.
    Exists,
    /// True where none is *not true*, false where a member is false, else unknown.
    All,
}

/// A computed field of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputedField {
    /// Leads to the record.
    pub at: Path,
    /// The record's collection.
    pub collection: CollectionId,
    /// The field.
    pub field: FieldId,
    /// Whose rights decide what the value reads when a caller asks for it.
    pub rights: ComputedRights,
    /// Those of a `Decimal`, or of the amount of `Money` that is computed: the number is rounded to them, and unknown if it
    /// has more.
    pub digits: Option<Digits>,
    /// How many characters a text can have that is made of others: a longer one is unknown.
    pub most_chars: Option<usize>,
    /// The field's expression, about the record at the end of `at`.
    pub value: Expr,
}

impl ComputedField {
    /// Whether the two are the same but for the expression.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        self.at == other.at && self.collection == other.collection && self.field == other.field
    }
}

/// One value of the members of a to-many relation or the items of a list: what they come to together, or what one of them
/// has. Null if the record that has the relation isn't there, or the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// What it is about.
    pub over: Many,
    /// The variable of one of them: `Root::Bound` or `Holder::Item` in the expressions of this aggregate.
    pub variable: u16,
    /// Which members are meant: those for which it is true. `None`: all.
    pub condition: Option<Expr>,
    /// What is computed of them.
    pub function: Aggregation,
    /// The part that is meant of a result that is `Money`.
    pub part: Option<Part>,
}

/// What is computed of members.
///
/// A member whose term is a field without a value is left out. If the term is computed and unknown for a member, the
/// result is unknown: a number that is too large must not disappear from a sum that a rule limits.
#[derive(Debug, Clone, PartialEq)]
pub enum Aggregation {
    /// How many there are.
    Count,
    /// The sum of a term; zero of none, and null of no `Money`, whose currency nothing tells. Unknown if it doesn't fit its
    /// type, if the currencies differ, and if a `Float` is beyond `FLOAT_TERM`.
    Sum(Expr),
    /// The least value of a term; null of none. Amounts in several currencies have none.
    Min(Ordered),
    /// The greatest value of a term; null of none. Amounts in several currencies have none.
    Max(Ordered),
    /// What the first member has; null of none.
    First {
        /// What is taken of it.
        term: Expr,
        /// The order of the members. The id is always the last key, in the direction of the key before it. Of the items of a
        /// list, the place in it is the last key.
        order: Vec<OrderKey>,
    },
}

/// A value by which members are ordered.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// The value.
    pub term: Expr,
    /// The names of the values of its enum in their order, if it is of one whose texts have another.
    pub names: Option<Arc<[Arc<str>]>>,
}

/// A key of the order of members. Members without a value come last.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderKey {
    /// The value.
    pub by: Ordered,
    /// Whether from high to low.
    pub descending: bool,
}

/// The largest `Float` that is summed: no sum of as many members as a database holds overflows.
pub const FLOAT_TERM: f64 = 1e290;

impl Aggregate {
    /// The expressions directly within it.
    pub fn children(&self) -> Vec<&Expr> {
        self.over.document().into_iter().chain(self.own_children()).collect()
    }

    /// Those about one of the members.
    pub fn own_children(&self) -> Vec<&Expr> {
        let mut children: Vec<&Expr> = self.condition.iter().collect();
        match &self.function {
            Aggregation::Count => {}
            Aggregation::Sum(term) => children.push(term),
            Aggregation::Min(by) | Aggregation::Max(by) => children.push(&by.term),
            Aggregation::First { term, order } => {
                children.push(term);
                children.extend(order.iter().map(|key| &key.by.term));
            }
        }
        children
    }

    /// The expressions directly within it, to be changed, in the same order.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Expr> {
        let mut children: Vec<&mut Expr> = self.over.document_mut().into_iter().chain(&mut self.condition).collect();
        match &mut self.function {
            Aggregation::Count => {}
            Aggregation::Sum(term) => children.push(term),
            Aggregation::Min(by) | Aggregation::Max(by) => children.push(&mut by.term),
            Aggregation::First { term, order } => {
                children.push(term);
                children.extend(order.iter_mut().map(|key| &mut key.by.term));
            }
        }
        children
    }

    /// Whether the two are the same but for the expressions within them.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        let function = match (&self.function, &other.function) {
            (Aggregation::Count, Aggregation::Count)
            | (Aggregation::Sum(_), Aggregation::Sum(_))
            | (Aggregation::Min(_), Aggregation::Min(_))
            | (Aggregation::Max(_), Aggregation::Max(_)) => true,
            (Aggregation::First { order, .. }, Aggregation::First { order: others, .. }) => {
                let directions = |keys: &[OrderKey]| keys.iter().map(|key| key.descending).collect::<Vec<_>>();
                directions(order) == directions(others)
            }
            _ => false,
        };
        function
            && self.over.same_kind(&other.over)
            && self.variable == other.variable
            && self.condition.is_some() == other.condition.is_some()
            && self.part == other.part
    }
}

/// A value within a document: a member of an embedded value that is an item of a list, or a value of a union.
#[derive(Debug, Clone, PartialEq)]
pub struct Within {
    /// What it is looked up in.
    pub of: Holder,
    /// Where it is there, and how it is read.
    pub lookup: Lookup,
}

/// What values are looked up in.
#[derive(Debug, Clone, PartialEq)]
pub enum Holder {
    /// A field that holds a document.
    Document(Box<Expr>),
    /// The item that is the variable of an enclosing quantifier or aggregate.
    Item(u16),
}

/// What a quantifier or an aggregate looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Many {
    /// The records of the to-many relation at the end of this path.
    Records(Path),
    /// The items of this list of embedded values. Of none that is there, the quantifier or the aggregate is unknown.
    Items(Within),
    /// The one record that this refers to, a value of type `Record`: what follows a reference in a document is the `First`
    /// of it.
    Referred(Box<Expr>),
}

impl Within {
    /// The field that holds the document, if it isn't an item that is looked into.
    pub fn document(&self) -> Option<&Expr> {
        match &self.of {
            Holder::Document(document) => Some(document),
            Holder::Item(_) => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn document_mut(&mut self) -> Option<&mut Expr> {
        match &mut self.of {
            Holder::Document(document) => Some(document),
            Holder::Item(_) => None,
        }
    }

    /// Whether the two are the same but for the expressions within them.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        let of = match (&self.of, &other.of) {
            (Holder::Document(_), Holder::Document(_)) => true,
            (Holder::Item(item), Holder::Item(other)) => item == other,
            (Holder::Document(_) | Holder::Item(_), _) => false,
        };
        of && self.lookup == other.lookup
    }
}

impl Many {
    /// The path to the relation, if they are records.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Records(path) => Some(path),
            Self::Items(_) | Self::Referred(_) => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn path_mut(&mut self) -> Option<&mut Path> {
        match self {
            Self::Records(path) => Some(path),
            Self::Items(_) | Self::Referred(_) => None,
        }
    }

    /// The field that holds the items, if it isn't an item that does; the reference.
    pub(crate) fn document(&self) -> Option<&Expr> {
        match self {
            Self::Records(_) => None,
            Self::Items(list) => list.document(),
            Self::Referred(of) => Some(of),
        }
    }

    /// The same, to be changed.
    pub(crate) fn document_mut(&mut self) -> Option<&mut Expr> {
        match self {
            Self::Records(_) => None,
            Self::Items(list) => list.document_mut(),
            Self::Referred(of) => Some(of),
        }
    }

    /// Whether the two are the same but for the expressions within them.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Records(path), Self::Records(other)) => path == other,
            (Self::Items(list), Self::Items(other)) => list.same_kind(other),
            (Self::Referred(_), Self::Referred(_)) => true,
            (Self::Records(_) | Self::Items(_) | Self::Referred(_), _) => false,
        }
    }
}
