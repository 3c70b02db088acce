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

    /// The operation that an object such as `{"$inc": 1}` asks for, and its operand.
    pub fn read(raw: &str) -> Result<(Self, &RawValue), ViolationKind> {
        let expected = || ViolationKind::Type { expected: "an operator, such as {\"$inc\": 1}".to_owned() };
        let members = members(raw).map_err(|_| expected())?;
        match &members[..] {
            [] => Err(expected()),
            [(name, operand)] => Self::named(name).map(|operation| (operation, *operand)),
            [(first, _), (second, _), ..] => Err(ViolationKind::Misused {
                problem: format!("a field takes one operator at a time, and here are `{first}` and `{second}`"),
                remedy: "send them in two requests".to_owned(),
            }),
        }
    }

    fn named(name: &str) -> Result<Self, ViolationKind> {
        if let Some(operation) = Self::ALL.into_iter().find(|operation| operation.name() == name) {
            return Ok(operation);
        }
        let remedy = ELSEWHERE.iter().find(|(names, _)| names.contains(&name)).map(|(_, remedy)| *remedy);
        let names = || Self::ALL.map(Self::name);
        Err(match remedy {
            Some(remedy) => {
                ViolationKind::Misused { problem: format!("unknown operator `{name}`"), remedy: remedy.to_owned() }
            }
            None => ViolationKind::Unknown {
                what: "operator",
                name: name.chars().take(SHOWN_CHARS).collect(),
                suggestion: nearest(name, names()).map(str::to_owned),
            },
        })
    }
}

/// Characters of an unknown name that an error repeats.
const SHOWN_CHARS: usize = 60;

/// What other systems call them, and ours.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["$increment", "$incr", "$add", "$plus"], "write `$inc`"),
    (&["$dec", "$decrement", "$minus", "$subtract"], "write `$inc` with a negative number"),
    (&["$multiply", "$times"], "write `$mul`"),
    (&["$push", "$addToSet", "$concat", "$appendAll"], "write `$append` with an array of items"),
    (&["$pull", "$pullAll", "$pop", "$delete"], "write `$remove` with an array of items"),
    (&["$set", "$value"], "send the value itself"),
    (&["$unset"], "send null"),
];
