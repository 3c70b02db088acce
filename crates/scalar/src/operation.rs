//! What a patch can ask for instead of a value: a change of what is stored.

use backstay_base::{ViolationKind, nearest};
use serde_json::value::RawValue;

use crate::scalar::members;

/// A change of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Adds to a number, an amount or a duration.
    Increase,
    /// Multiplies a number or an amount.
    Multiply,
    /// Puts items at the end of a list.
    Append,
    /// Takes items out of a list.
    Remove,
    /// Puts a value in the place of the stored one, with which it would be merged otherwise.
    Replace,
}

impl Operation {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Increase, Self::Multiply, Self::Append, Self::Remove, Self::Replace];

    /// Its name in a patch.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Increase => "$inc",
            Self::Multiply => "$mul",
            Self::Append => "$append",
            Self::Remove => "$remove",
            Self::Replace => "$replace",
        }
    }

    /// Whether a JSON text is an object that asks for an operation: the name of its first member begins with `$`.
    pub fn is_asked_by(raw: &str) -> bool {
        let first = raw.trim_ascii_start().strip_prefix('{').map(str::trim_ascii_start);
        first.is_some_and(|first| first.starts_with("\"$"))
    }

    /// The operation that an object such as `{"$inc": 1}` asks for, and its operand. What isn't an operation at all is refused
    /// with one of those that the field takes.
    pub fn read<'r>(raw: &'r str, taken: &[Self]) -> Result<(Self, &'r RawValue), ViolationKind> {
        let expected = || ViolationKind::Type { expected: "an operator, such as {\"$inc\": 1}".to_owned() };
        let members = members(raw).map_err(|_| expected())?;
        match &members[..] {
            [] => Err(expected()),
            [(name, operand)] => Self::named(name, taken).map(|operation| (operation, *operand)),
            [(first, _), (second, _), ..] => Err(ViolationKind::Misused {
                problem: format!("a field takes one operator at a time, and here are `{first}` and `{second}`"),
                remedy: "send them in two requests".to_owned(),
            }),
        }
    }

    fn named(name: &str, taken: &[Self]) -> Result<Self, ViolationKind> {
        if let Some(operation) = Self::ALL.into_iter().find(|operation| operation.name() == name) {
            return Ok(operation);
        }
        let name: String = name.chars().take(SHOWN_CHARS).collect();
        let meant = |of: &Meant| match of {
            Meant::Operation(operation) => taken.contains(operation),
            Meant::Value => true,
        };
        let elsewhere = ELSEWHERE.iter().find(|(names, of, _)| names.contains(&&*name) && meant(of));
        if let Some((_, _, remedy)) = elsewhere {
            let problem = format!("unknown operator `{name}`");
            return Err(ViolationKind::Misused { problem, remedy: (*remedy).to_owned() });
        }
        if let Some(suggestion) = nearest(&name, taken.iter().map(|operation| operation.name())) {
            return Err(ViolationKind::Unknown { what: "operator", name, suggestion: Some(suggestion.to_owned()) });
        }
        let remedy = match taken.iter().map(|operation| format!("`{}`", operation.name())).collect::<Vec<_>>() {
            names if names.is_empty() => "send the value itself".to_owned(),
            names => format!("send the value itself, or write {}", names.join(" or ")),
        };
        Err(ViolationKind::Misused { problem: format!("unknown operator `{name}`"), remedy })
    }
}

/// Characters of an unknown name that an error repeats.
const SHOWN_CHARS: usize = 60;

/// What a word of another system asks for.
enum Meant {
    Operation(Operation),
    /// No operation, but a value.
    Value,
}

/// What other systems call them, and ours; the first that the field takes.
const ELSEWHERE: &[(&[&str], Meant, &str)] = &[
    (&["$increment", "$incr", "$add", "$plus"], Meant::Operation(Operation::Increase), "write `$inc`"),
    (
        &["$dec", "$decrement", "$minus", "$subtract"],
        Meant::Operation(Operation::Increase),
        "write `$inc` with a negative number",
    ),
    (&["$multiply", "$times"], Meant::Operation(Operation::Multiply), "write `$mul`"),
    (
        &["$push", "$add", "$addToSet", "$concat", "$appendAll"],
        Meant::Operation(Operation::Append),
        "write `$append` with an array of items",
    ),
    (
        &["$pull", "$pullAll", "$pop", "$delete"],
        Meant::Operation(Operation::Remove),
        "write `$remove` with an array of items",
    ),
    (&["$set", "$value"], Meant::Operation(Operation::Replace), "write `$replace`"),
    (&["$set", "$value"], Meant::Value, "send the value itself"),
    (&["$unset"], Meant::Value, "send null"),
];
