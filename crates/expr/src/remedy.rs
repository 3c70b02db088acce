//! What to write instead of what an expression has wrong.

use backstay_scalar::{Problem, Scalar, Token};

use crate::error::{Expected, ExprErrorKind, Name, NamedType};
use crate::{Type, foreign};

impl ExprErrorKind {
    /// What to write instead of a word of another system.
    fn instead(&self) -> Option<&'static str> {
        match self {
            Self::Unexpected { found } => foreign::instead_of_word(found),
            Self::Unknown { suggestion: Some(field), .. } if field.starts_with("this.") => None,
            Self::Unknown { what, name, suggestion } => foreign::instead_of_name(what, name, suggestion.is_some()),
            Self::NoFields { name, .. } => foreign::instead_of_part(name),
            Self::NoParameters { name } => foreign::instead_of_parameter(name),
            Self::Literal { text, .. } => foreign::instead_of_text(text),
            _ => None,
        }
    }

    /// Whether there is a better remedy than what could be written here at all.
    pub(crate) fn has_remedy(&self) -> bool {
        matches!(self, Self::Unknown { suggestion: Some(_), .. }) || self.instead().is_some()
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        self.instead().map_or_else(|| self.ours(), str::to_owned)
    }

    /// What to do about it in this language alone.
    fn ours(&self) -> String {
        let fixed = match self {
            Self::TooLong | Self::TooDeep => "split it, or shorten it",
            Self::TooLarge => "shorten it; a list, `x in [1, 2]`, stands for many comparisons",
            Self::TooManyParameters => "use a list parameter: `field in $values`",
            Self::Unsupported { instead, .. } | Self::Pattern { instead, .. } | Self::NoRecord { instead, .. } => {
                instead
            }
            Self::Unknown { what, name, suggestion } => return unknown_remedy(what, name, suggestion.as_deref()),
            Self::Nul => "leave it out",
            Self::Unexpected { found } if matches!(&**found, ")" | "]" | "}") => "leave it out, or open the bracket",
            Self::Unexpected { .. } | Self::End => ANY_CONDITION,
            Self::Number => "use a smaller number",
            Self::Secret { .. } => "nothing may depend on what is secret",
            Self::OutOfReach { .. } => "it reads what requests can't name; name the fields themselves",
            Self::NoFields { .. } => "only records, `auth`, `request` and amounts of money have parts",
            Self::NestedAggregates { .. } => "nest fewer of them",
            Self::AtCommit { .. } => KEPT_UNTIL_COMMIT,
            Self::LongPath { .. } => "lead through fewer relations",
            Self::Type { expected, found } => type_remedy(expected, &found.ty),
            Self::Zone { .. } => "name a zone of the IANA database, such as `'Europe/Zurich'`, or `'UTC'`",
            Self::Doubled { .. } => "add the two",
            Self::Arguments { usage, .. } => return format!("write {usage}"),
            Self::Cycle { .. } => "write one of them out in full",
            Self::RuleArguments { name, takes: 0, .. } => {
                return format!("`{name}` is a named rule; write it without parentheses");
            }
            Self::RuleArguments { name, .. } => {
                return format!("write a value for each parameter in brackets after `{name}`");
            }
            Self::NoAccounts => "mark the type of the people who sign in `@identity`",
            Self::NoRoles => "mark an enum of the model `@roles`",
            Self::ToMany { field } => {
                return format!("use `in` with lists and `exists` with relations: `{field}.exists(x, …)`");
            }
            Self::Uncountable { field } => {
                return format!("write `size({field})`, or `{field}.count(x, …)` with a condition");
            }
            Self::ToItems { field } => return format!("ask for its items: `{field}.exists(x, …)`"),
            Self::NotToMany { .. } => {
                "use `in` with lists of values, and `exists` with relations and lists of embedded values"
            }
            Self::Compare { left, right } => compare_remedy(&left.ty, &right.ty),
            Self::LinkOfRecord { .. } => OWN_FIELD_OF_LINK,
            Self::Incomparable { ty, .. } => incomparable_remedy(&ty.ty),
            Self::Operator { left, operator, right } => operator_remedy(operator, &left.ty, &right.ty),
            Self::Literal { text, ty, problem: Problem::Expected(expected) } => {
                return moment_remedy(text, ty).unwrap_or_else(|| format!("write {expected}"));
            }
            Self::Literal { .. } => "write a value that a field of this type can hold",
            Self::Inexact { .. } => "use fewer digits",
            Self::Malformed { word } => return malformed_remedy(word),
            Self::BareDate { value, .. } if value.contains('T') => {
                return format!("write a date and time in quotes: `'{value}'`");
            }
            Self::BareDate { value, .. } => return format!("write a date in quotes: `'{value}'`"),
            Self::Fraction { .. } => "write a whole number, such as 1; or make the field a Decimal or a Float",
            Self::Null => "test presence with `x == null` or `x != null`",
            Self::Presence => "test the fields it is made of",
            Self::NoParameters { .. } => "only filters have parameters",
            Self::UntypedParameter { .. } => "compare it with a field",
            Self::TwoTypes { .. } => "use two parameters",
            Self::Shadows { .. } => "choose another name for the variable",
            Self::OpenText => r"close it with the quote that opens it; a quote within a text is `\'`",
            Self::EndedText { .. } => r"a quote within a text is `\'`, such as `'it\'s'`",
            Self::Escape => r#"use `\\`, `\'`, `\"`, `\n`, `\t` or `\u0000` with four hexadecimal digits"#,
            Self::InRule { error, .. } | Self::InComputed { error, .. } => return error.remedy(),
            Self::StoredSum { problem } => return problem.remedy(),
            Self::ComputedCycle { .. } => "compute one of these fields from what is stored",
        };
        fixed.to_owned()
    }
}

/// An example of a rule.
const ANY_CONDITION: &str = "write a condition such as `this.state == 'DRAFT' && auth.id != null`";
/// Where to keep a link that a rule is to recognize.
const OWN_FIELD_OF_LINK: &str = "keep the link in a field such as `link: ID @set(on: CREATE, to: \"auth.link\")` and compare that; \
                                 the account that asks is `auth.id`";
/// What a check at commit can ask for.
const KEPT_UNTIL_COMMIT: &str =
    "use fields of the record itself and of the records of its `@inverse` lists, or remove `on: COMMIT`";

/// For a day or a length of time where a moment is needed.
fn moment_remedy(text: &str, ty: &str) -> Option<String> {
    if ty != "DateTime" {
        return None;
    }
    if Scalar::Date.read(Token::Text(text)).is_ok() {
        return Some(format!("write a date and time: `'{text}T00:00:00Z'`"));
    }
    let length = match hours_of(text) {
        Some(hours) => format!("{hours}h"),
        None => Scalar::Duration.read(Token::Text(text)).ok().map(|_| text.to_owned())?,
    };
    Some(format!("write a length of time as `duration('{length}')`"))
}

fn malformed_remedy(word: &str) -> String {
    if let Some(hours) = hours_of(word) {
        format!("write a length of time in quotes: `duration('{hours}h')`")
    } else if Scalar::Duration.read(Token::Text(word)).is_ok() {
        format!("write a length of time in quotes: `duration('{word}')`")
    } else {
        "write digits only, such as 10000".to_owned()
    }
}

/// The hours of a number of days or weeks, such as `2d`.
fn hours_of(word: &str) -> Option<u64> {
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let hours = match unit {
        "d" | "D" => 24,
        "w" | "W" => 7 * 24,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(hours)
}

fn unknown_remedy(what: &Name, name: &str, suggestion: Option<&str>) -> String {
    match (what, suggestion) {
        (Name::BareValue, _) => format!("write it in quotes: `'{name}'`"),
        (Name::Variable, Some(meant)) if meant.starts_with("this.") => format!("write `{meant}`"),
        (Name::Value(_) | Name::UnionType(_) | Name::Kind, Some(meant)) => format!("did you mean `'{meant}'`?"),
        (_, Some(meant)) => format!("did you mean `{meant}`?"),
        (_, None) => available(what).to_owned(),
    }
}

/// What there is to name.
fn available(what: &Name) -> &'static str {
    match what {
        Name::Variable => "available names: `this`, `new`, `auth`, `request`, `now` and the named rules",
        Name::Output => "name what is in `group` or `select`; to compare fields of records, use `filter`",
        Name::Function => "docs/expressions.md lists the functions",
        Name::Field(_) => "name a field of this type, or one of `id`, `createdAt`, `updatedAt`, `version`",
        Name::BareValue => "write it in quotes",
        Name::Value(_) => "name a value of this enum",
        Name::UnionType(_) => "name a type of this union",
        Name::Kind => "it is `'ANONYMOUS'`, `'ACCOUNT'`, `'SERVICE'` or `'OPERATOR'`",
        Name::Action => "name a field of `type Query` or `type Mutation`",
        Name::AuthPart => "it has `id`, `roles`, `kind`, `claims`, `verified`, `account` and `via`",
        Name::RequestPart => "it has `time`",
        Name::Unit => "it has `weeks`, `days`, `hours`, `minutes` and `seconds`",
        Name::MoneyPart => "it has `amount` and `currency`",
    }
}

fn type_remedy(expected: &Expected, found: &Type) -> &'static str {
    match (expected, found) {
        (Expected::Type(NamedType { ty: Type::Bool, .. }), Type::Id(_) | Type::Record(..)) => {
            "to test whether there is one, write `x != null`"
        }
        (Expected::Type(NamedType { ty: Type::Bool, .. }), _) => "write a condition, such as a comparison",
        (Expected::Type(NamedType { ty: Type::Text, .. }), Type::List(_)) => "use `in` with lists: `x in ['a', 'b']`",
        (Expected::Type(NamedType { ty: Type::Date, .. }), Type::Timestamp) => {
            "take the day that it is in a time zone: `date(x, 'Europe/Zurich')`"
        }
        (Expected::List, Type::List(_)) | (Expected::Type(_), _) => "write a value of the type that is expected",
        (Expected::List, Type::Text) => {
            "write the list in square brackets, such as `x in ['a']`; in a text, write `text.contains('a')`"
        }
        (Expected::List, _) => "write the list in square brackets, such as `x in [1]`",
        (Expected::ListOfScalars, _) => "write one list of values",
        (Expected::ListOfTexts, _) => "name a field such as `tags: [String!]`, or split a text: `split(x, ',')`",
        (Expected::TextOrList, _) => {
            "`size(x)` counts the characters of a text, the elements of a list or the records of a relation"
        }
        (Expected::Summable, _) => "write a number, an amount of money or a length of time",
        (Expected::Ordered, _) => "write something that has an order, such as a number, a text, a date or an enum",
        (Expected::Written, Type::Money) => "write its parts: `text(x.amount) + ' ' + x.currency`",
        (Expected::Written, Type::Float) => {
            "make the field a Decimal: the digits of a Float aren't the same everywhere"
        }
        (Expected::Written, Type::List(_)) => "join its elements: `join(list, ', ')`",
        (Expected::Written, _) => "no text is made of such a value",
        (Expected::Signed, _) => "write `-` before a number, an amount of money or a length of time",
    }
}

/// For JSON, of which nothing says what it is read as.
const OF_JSON: &str = "test its presence, `x != null`; of a value in a JSON field, say what it is: `text(x['name'])`, `decimal(x['name'])`";

fn compare_remedy(left: &Type, right: &Type) -> &'static str {
    if matches!((left, right), (Type::Json, _) | (_, Type::Json)) {
        return OF_JSON;
    }
    let number = |ty: &Type| matches!(ty, Type::Int | Type::Float | Type::Decimal);
    let beside = |one: &Type, is: fn(&Type) -> bool| (left == one && is(right)) || (right == one && is(left));
    if number(left) && number(right) {
        "give both fields one type in the model"
    } else if beside(&Type::Duration, number) {
        "write a length of time, such as `duration('90m')`"
    } else if beside(&Type::Money, number) {
        "compare its `.amount`, or write the other as an amount, such as `money(10, 'EUR')`"
    } else if beside(&Type::Timestamp, |ty| *ty == Type::Date) {
        "take the day that it is in a time zone: `date(x, 'Europe/Zurich')`"
    } else if matches!((left, right), (Type::List(_), _) | (_, Type::List(_))) {
        "use `in` with lists, such as `'ADMIN' in auth.roles`"
    } else if beside(&Type::Bool, |_| true) {
        "write `x` for true and `!x` for false"
    } else {
        "compare it with a value of its own type"
    }
}

fn incomparable_remedy(ty: &Type) -> &'static str {
    match ty {
        Type::Json => OF_JSON,
        Type::Embedded { .. } | Type::OneOf { .. } | Type::Item(_) | Type::Reference(_) => {
            "only its presence can be tested: `== null`, `!= null`"
        }
        Type::Money => "compare `.amount`, and `.currency` with `==`",
        Type::List(_) => "use `in` with lists, such as `'a' in list`",
        Type::Bool
        | Type::Int
        | Type::Float
        | Type::Decimal
        | Type::Text
        | Type::Formatted(_)
        | Type::Enum(_)
        | Type::TypeName(_)
        | Type::Id(_)
        | Type::Record(..)
        | Type::Timestamp
        | Type::Date
        | Type::Duration
        | Type::Null => "compare it with `==` or `!=`",
    }
}

fn operator_remedy(operator: &str, left: &Type, right: &Type) -> &'static str {
    let either = |ty: &Type| left == ty || right == ty;
    if either(&Type::Json) {
        OF_JSON
    } else if operator == "+" && (left.is_text() || right.is_text()) {
        "only texts are joined; write `text(x)` for what isn't a text"
    } else if operator == "+" && [left, right].iter().any(|ty| matches!(ty, Type::Enum(_) | Type::TypeName(_))) {
        "write `text(x)` for the text of a value of an enum"
    } else if left.is_text() || right.is_text() {
        "a text has no arithmetic; `+` joins it with another one"
    } else if either(&Type::Decimal) && either(&Type::Float) {
        "a Float isn't exact; make the field a Decimal"
    } else if either(&Type::Decimal) && operator == "/" {
        "say to how many digits after the point the quotient is rounded: `round(a / b, 2)`"
    } else if either(&Type::Decimal) {
        "a Decimal has `+`, `-` and `*`, and `round(a / b, 2)`"
    } else if either(&Type::Money) && operator == "/" {
        "round the quotient to what the currency has: `round(a / b)`"
    } else if either(&Type::Money) {
        "amounts of money have `+` and `-` with each other, `*` with a number and `round(a / b)`; write one as `money(10, 'EUR')`"
    } else if either(&Type::Int) && either(&Type::Float) {
        "give both one type"
    } else if either(&Type::Date) {
        "add a length of time: `x + duration(days: 7)`"
    } else if either(&Type::Timestamp) {
        "add a duration, such as `now - duration('24h')`"
    } else {
        "use numbers of one type"
    }
}
