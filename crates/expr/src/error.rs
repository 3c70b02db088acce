use std::fmt;
use std::ops::Range;

use backstay_base::limits;
use backstay_model::{CollectionId, FieldId, RuleId};
use backstay_scalar::Problem;

use crate::{SumProblem, Type};

/// Something that is wrong in the text of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// Where: bytes of the text.
    pub span: Range<usize>,
    /// What.
    pub kind: ExprErrorKind,
    /// What to do about it in the names of the expression and the model, where the kind alone cannot tell.
    pub(crate) instead: Option<Box<Remedy>>,
}

/// What to do about an error, in the names of the expression and the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remedy(String);

impl ExprError {
    /// Gives it this remedy.
    pub(crate) fn advise(&mut self, remedy: String) {
        self.instead = Some(Box::new(Remedy(remedy)));
    }

    pub(crate) fn new(span: Range<u32>, kind: ExprErrorKind) -> Self {
        Self::at(span.start as usize..span.end as usize, kind)
    }

    pub(crate) fn at(span: Range<usize>, kind: ExprErrorKind) -> Self {
        Self { span, kind, instead: None }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        self.instead.as_ref().map_or_else(|| self.kind.remedy(), |instead| instead.0.clone())
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
    /// What a group of records comes to.
    Output,
    Function,
    /// A field of the collection of this name.
    Field(String),
    /// A value of the enum of this name.
    Value(String),
    /// A type of this union.
    UnionType(String),
    /// A value of an enum, written without quotes.
    BareValue,
    /// A kind of caller.
    Kind,
    /// An action of the model.
    Action,
    /// A part of `auth`.
    AuthPart,
    /// A part of `request`.
    RequestPart,
    /// A part of a `Money` value.
    MoneyPart,
    /// A unit of a length of time.
    Unit,
}

impl Name {
    /// What is wrong with this name.
    fn unknown(&self, name: &str) -> String {
        match self {
            Self::Variable | Self::BareValue => format!("unknown name `{name}`"),
            Self::Output => format!("the groups have no `{name}`"),
            Self::Function => format!("unknown function `{name}`"),
            Self::Field(collection) => format!("{collection} has no field `{name}`"),
            Self::Value(of) => format!("{of} has no value `{name}`"),
            Self::UnionType(of) => format!("{of} has no type `{name}`"),
            Self::Kind => format!("unknown kind of caller `{name}`"),
            Self::Action => format!("the model has no action `{name}`"),
            Self::AuthPart => format!("`auth` has no `{name}`"),
            Self::RequestPart => format!("`request` has no `{name}`"),
            Self::Unit => format!("a length of time has no `{name}`"),
            Self::MoneyPart => format!("an amount of money has no `{name}`"),
        }
    }
}

/// A type with the name that messages give it, such as `String` or `list of Int`.
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
    ListOfTexts,
    TextOrList,
    /// What has a sign.
    Signed,
    /// What can be added up.
    Summable,
    /// What has an order.
    Ordered,
    /// What `text(x)` can write.
    Written,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(ty) => ty.fmt(f),
            Self::List => f.write_str("a list"),
            Self::ListOfScalars => f.write_str("a list of scalars"),
            Self::ListOfTexts => f.write_str("a list of texts"),
            Self::TextOrList => f.write_str("a text, a list or a relation to many"),
            Self::Signed | Self::Summable => f.write_str("Int, Float, Decimal, Money or Duration"),
            Self::Ordered => f.write_str("a value that has an order"),
            Self::Written => f.write_str("Int, Decimal, Boolean, an enum, an id, Date or DateTime"),
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
    /// Something that the grammar has no place for.
    #[error("unexpected `{found}`")]
    Unexpected {
        /// What stands there.
        found: String,
    },
    /// A quote within a text, which ends it.
    #[error("the text ends before `{found}`")]
    EndedText {
        /// What follows its end.
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
    /// A date, or a date and time, without quotes.
    #[error("`{written}` is not in quotes")]
    BareDate {
        /// As it is written.
        written: String,
        /// The value that is meant.
        value: String,
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
    /// A pattern that can't be used.
    #[error("{problem}")]
    Pattern {
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// A name that is not known.
    #[error("{}", what.unknown(name))]
    Unknown {
        /// What it would name.
        what: Name,
        /// The name.
        name: String,
        /// A known name that is much like it.
        suggestion: Option<String>,
    },
    /// `this`, `new` or `old` where there is none.
    #[error("there is no `{name}` here")]
    NoRecord {
        /// `this`, `new` or `old`.
        name: &'static str,
        /// What to name instead.
        instead: &'static str,
    },
    /// `auth.roles` in a model without an enum marked `@roles`.
    #[error("the model has no roles")]
    NoRoles,
    /// `auth.account` in a model without a type marked `@identity`.
    #[error("the model has no accounts")]
    NoAccounts,
    /// A field that no client may name.
    #[error("`{field}` is secret and cannot be named")]
    Secret {
        /// The field.
        field: String,
    },
    /// A named rule that a client calls and that isn't for requests: it names what these can't, or isn't about such a value.
    #[error("`{rule}` can't be called here")]
    OutOfReach {
        /// The rule.
        rule: String,
    },
    /// A relation to many where one value is needed.
    #[error("`{field}` is a relation to many records")]
    ToMany {
        /// The field.
        field: String,
    },
    /// A list of embedded values where one value is needed.
    #[error("`{field}` is a list of embedded values")]
    ToItems {
        /// The field.
        field: String,
    },
    /// The records of a relation to many, or the items of a list, counted with another language's word.
    #[error("`{field}` has many members, which `size` and `count` count")]
    Uncountable {
        /// The field.
        field: String,
    },
    /// A field of something that has none.
    #[error("{of} has no `{name}`")]
    NoFields {
        /// The type.
        of: NamedType,
        /// The field asked for.
        name: String,
    },
    /// Computed fields that are computed from each other.
    #[error("`{}` is computed from itself: {}", circle.first().map_or("", String::as_str), circle.join(" → "))]
    ComputedCycle {
        /// The fields, the first one again at the end.
        circle: Vec<String>,
    },
    /// An error in the expression of a computed field.
    #[error("in the computed field `{field}`: {error}")]
    InComputed {
        /// The field.
        of: (CollectionId, FieldId),
        /// Its name, with its type.
        field: String,
        /// What is wrong there.
        error: Box<ExprError>,
    },
    /// What can't be kept as a stored sum.
    #[error("{problem}")]
    StoredSum {
        /// Why.
        problem: SumProblem,
    },
    /// Aggregates within one another deeper than is allowed.
    #[error("aggregates are nested more than {max} deep")]
    NestedAggregates {
        /// The most.
        max: usize,
    },
    /// `exists` or another function of members over something that has none.
    #[error("`{function}` asks the records of a relation to many, or the items of a list of embedded values")]
    NotToMany {
        /// Its name.
        function: &'static str,
    },
    /// What a check at commit asks of records that no lock keeps as they are until then.
    #[error("a check at commit can't read {what}")]
    AtCommit {
        /// Which records or values.
        what: &'static str,
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
    /// `auth.link` beside a record.
    #[error("`auth.link` is the id of a secret link, never that of a {of}")]
    LinkOfRecord {
        /// The record's type.
        of: NamedType,
    },
    /// A type that cannot be compared this way.
    #[error("{ty} cannot be compared with `{operator}`")]
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
    #[error("unexpected `null`")]
    Null,
    /// A test of presence of something that is not stored.
    #[error("only fields, parameters and parts of `auth` can be compared with `null`")]
    Presence,
    /// A time zone that the IANA database doesn't have.
    #[error("there is no time zone `{name}`")]
    Zone {
        /// As it is written.
        name: String,
    },
    /// A named argument that is given twice.
    #[error("`{name}` is given twice")]
    Doubled {
        /// Its name.
        name: String,
    },
    /// A function with other arguments than it takes.
    #[error("`{function}` is used as {usage}")]
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
    #[error("the type of `${name}` is not known")]
    UntypedParameter {
        /// Its name.
        name: String,
    },
    /// A parameter that is used with two types.
    #[error("`${name}` is used as {one} and as {other}")]
    TwoTypes {
        /// Its name.
        name: String,
        /// The type of an earlier use.
        one: String,
        /// The type of this use.
        other: String,
    },
    /// A quantifier's variable has the name of another variable.
    #[error("`{name}` has a meaning already")]
    Shadows {
        /// The variable.
        name: String,
    },
    /// Named rules that need each other.
    #[error("{}", circle_of(circle))]
    Cycle {
        /// Their names, each the one that the rule before it names; the first is also the last.
        circle: Vec<String>,
    },
    /// A named rule with another number of arguments than it has parameters.
    #[error("`{signature}` takes {}", arguments_of(*takes, *given))]
    RuleArguments {
        /// Its name.
        name: String,
        /// Its name with its parameters.
        signature: String,
        /// How many parameters it has.
        takes: usize,
        /// How many arguments it was given.
        given: usize,
    },
    /// An error within a named rule.
    #[error("in the rule `{name}`: {error}")]
    InRule {
        /// The rule.
        rule: RuleId,
        /// Its name.
        name: String,
        /// The error; its place is one of the rule's text.
        error: Box<ExprError>,
    },
}

/// The rules of a circle.
fn circle_of(circle: &[String]) -> String {
    match circle {
        [name, _] => format!("the rule `{name}` needs itself"),
        circle => {
            let names: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
            format!("these rules need each other: {}", names.join(" → "))
        }
    }
}

fn arguments_of(takes: usize, given: usize) -> String {
    match (takes, given) {
        (0, _) => "no arguments".to_owned(),
        (1, given) => format!("1 argument, not {given}"),
        (takes, given) => format!("{takes} arguments, not {given}"),
    }
}

/// What is wrong besides the form, which the remedy shows.
fn because(problem: &Problem) -> String {
    match problem {
        Problem::Expected(_) => String::new(),
        problem => format!(": it {problem}"),
    }
}
