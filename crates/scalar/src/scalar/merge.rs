//! Merge patches (RFC 7396) of documents. `{"$ops": {"$inc": 1}}` in the place of a value changes the stored one.

use std::borrow::Cow;
use std::collections::HashMap;

use backstay_base::{Step, ViolationKind};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::document::{Members, items, members};
use crate::json::quote;
use crate::{Operation, Token, Value, exact, read_exact};

/// The one member of an object in a patch that stands for an operation.
pub const OPERATIONS: &str = "$ops";

/// Why a document can't be patched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct MergeError {
    /// Where in the document.
    pub at: Vec<Step>,
    /// What is wrong there.
    pub kind: ViolationKind,
}

impl MergeError {
    fn within(mut self, name: &str) -> Self {
        self.at.insert(0, Step::Member(name.to_owned()));
        self
    }
}

impl From<ViolationKind> for MergeError {
    fn from(kind: ViolationKind) -> Self {
        Self { at: Vec::new(), kind }
    }
}

/// Whether there are operations in a patch. Refuses those that no document could take.
pub fn has_operations(patch: &str) -> Result<bool, MergeError> {
    let Some(members) = object(patch) else { return Ok(false) };
    if Asked::of(&members)?.is_some() {
        return Ok(true);
    }
    let mut found = false;
    for (name, value) in &members {
        found |= has_operations(value.get()).map_err(|error| error.within(name))?;
    }
    Ok(found)
}

/// The document after a merge patch (RFC 7396, section 2). Both are documents in normal form; what is neither named nor
/// changed keeps its text, so that no number loses a digit. `None`: there is none, neither before nor afterwards.
pub fn merged(target: Option<&str>, patch: &str) -> Result<Option<String>, MergeError> {
    let mut out = Vec::with_capacity(target.map_or(0, str::len) + patch.len());
    let is_there = merge(target, patch, &mut out)?;
    let text = String::from_utf8(out).expect("parts of two texts, cut at the borders of values, are a text");
    Ok(is_there.then_some(text))
}

fn object(text: &str) -> Option<Members<'_>> {
    if text.starts_with('{') { members(text).ok() } else { None }
}

/// Appends the value after a patch; false if there is none.
fn merge(target: Option<&str>, patch: &str, out: &mut Vec<u8>) -> Result<bool, MergeError> {
    let Some(patch) = object(patch) else {
        out.extend_from_slice(patch.as_bytes());
        return Ok(true);
    };
    if let Some(asked) = Asked::of(&patch)? {
        return Ok(asked.append(target, out)?);
    }
    let mut left: HashMap<&str, &RawValue> = patch.iter().map(|(name, value)| (&**name, *value)).collect();
    // A target that isn't an object counts as an empty one (RFC 7396, section 2).
    let before = target.and_then(object).unwrap_or_default();
    out.push(b'{');
    let start = out.len();
    for (name, value) in &before {
        match left.remove(&**name) {
            Some(patch) if patch.get() == "null" => {}
            Some(patch) => member(out, (start, name), Some(value.get()), patch.get())?,
            None => {
                begin(out, start, name);
                out.extend_from_slice(value.get().as_bytes());
            }
        }
    }
    for (name, value) in &patch {
        if left.contains_key(&**name) && value.get() != "null" {
            member(out, (start, name), None, value.get())?;
        }
    }
    out.push(b'}');
    Ok(true)
}

/// Appends a member of an object whose members begin at `start`, unless it has no value after the patch.
fn member(
    out: &mut Vec<u8>,
    (start, name): (usize, &str),
    target: Option<&str>,
    patch: &str,
) -> Result<(), MergeError> {
    let before = out.len();
    begin(out, start, name);
    if !merge(target, patch, out).map_err(|error| error.within(name))? {
        out.truncate(before);
    }
    Ok(())
}

/// Begins a member of an object whose members begin at `start`.
fn begin(out: &mut Vec<u8>, start: usize, name: &str) {
    if out.len() > start {
        out.push(b',');
    }
    quote(out, name);
    out.push(b':');
}

/// An operation that a patch asks for, with its operand.
enum Asked<'p> {
    Increase(Decimal),
    Multiply(Decimal),
    Append(Vec<&'p RawValue>),
    Remove(Vec<&'p RawValue>),
    Replace(&'p RawValue),
}

impl<'p> Asked<'p> {
    /// What an object of a patch asks for; `None` if its members are those of a document.
    fn of(patch: &Members<'p>) -> Result<Option<Self>, MergeError> {
        let Some((_, asked)) = patch.iter().find(|(name, _)| name == OPERATIONS) else { return Ok(None) };
        if patch.len() > 1 {
            let problem = format!("`{OPERATIONS}` has to be the only member of its object");
            let remedy = format!("write `{OPERATIONS}` in the member that it changes");
            return Err(ViolationKind::Misused { problem, remedy }.into());
        }
        let within = |kind: ViolationKind| MergeError::from(kind).within(OPERATIONS);
        let (operation, operand) = Operation::read(asked.get(), &Operation::ALL).map_err(within)?;
        let wrong = |expected: &str| {
            let kind = ViolationKind::Type { expected: expected.to_owned() };
            within(kind)
        };
        let number = || number(operand.get()).ok_or_else(|| wrong(NUMBER));
        let items = || items(operand.get()).map_err(|_| wrong("an array of items"));
        Ok(Some(match operation {
            Operation::Increase => Self::Increase(number()?),
            Operation::Multiply => Self::Multiply(number()?),
            Operation::Append => Self::Append(items()?),
            Operation::Remove => Self::Remove(items()?),
            Operation::Replace => Self::Replace(operand),
        }))
    }

    /// Appends the value after the operation; false if there is none, neither before nor afterwards.
    fn append(self, target: Option<&str>, out: &mut Vec<u8>) -> Result<bool, ViolationKind> {
        let there = target.filter(|target| *target != "null");
        let text = match (self, there) {
            (Self::Replace(value), _) => value.get().to_owned(),
            // Nothing counts as zero, and as an array without items.
            (Self::Increase(by), None) => written(by),
            (Self::Append(items), None) => array(items.iter().map(|item| item.get())),
            (Self::Multiply(_) | Self::Remove(_), None) => match target {
                Some(target) => target.to_owned(),
                None => return Ok(false),
            },
            (Self::Increase(by), Some(value)) => computed(Operation::Increase, value, |value| exact::add(value, by))?,
            (Self::Multiply(by), Some(value)) => {
                computed(Operation::Multiply, value, |value| exact::multiply(value, by))?
            }
            (Self::Append(added), Some(value)) => {
                let before = items_of(Operation::Append, value)?;
                array(before.iter().chain(&added).map(|item| item.get()))
            }
            (Self::Remove(removed), Some(value)) => {
                let before = items_of(Operation::Remove, value)?;
                let stays = |item: &&&RawValue| !removed.iter().any(|other| is_same(item.get(), other.get()));
                array(before.iter().filter(stays).map(|item| item.get()))
            }
        };
        out.extend_from_slice(text.as_bytes());
        Ok(true)
    }
}

/// What operations compute with.
const NUMBER: &str = "a number with at most 18 digits before and after the point";

fn number(raw: &str) -> Option<Decimal> {
    match read_exact(Token::Json(raw)) {
        Ok(Value::Decimal(number)) if !raw.starts_with('"') => Some(number),
        Ok(_) | Err(_) => None,
    }
}

fn written(number: Decimal) -> String {
    number.normalize().to_string()
}

fn array<'i>(items: impl Iterator<Item = &'i str>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn computed(
    operation: Operation,
    value: &str,
    compute: impl FnOnce(Decimal) -> Option<Decimal>,
) -> Result<String, ViolationKind> {
    let value = number(value).ok_or_else(|| misplaced(operation, NUMBER))?;
    compute(value).map(written).ok_or_else(|| ViolationKind::Range("the result has more than 28 digits".to_owned()))
}

fn items_of(operation: Operation, value: &str) -> Result<Vec<&RawValue>, ViolationKind> {
    items(value).map_err(|_| misplaced(operation, "an array"))
}

fn misplaced(operation: Operation, needed: &str) -> ViolationKind {
    let problem = format!("`{}` changes {needed}, and the stored value is something else", operation.name());
    ViolationKind::Misused { problem, remedy: "send the new value itself".to_owned() }
}

/// Whether two values in JSON are the same: numbers by their value, objects in any order of their members.
fn is_same(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    match (left.as_bytes().first(), right.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => {
            let (Ok(left), Ok(right)) = (members(left), members(right)) else { return false };
            let right: HashMap<&str, &RawValue> = right.iter().map(|(name, value)| (&**name, *value)).collect();
            let is_there = |(name, value): &(Cow<'_, str>, &RawValue)| {
                right.get(&**name).is_some_and(|of| is_same(value.get(), of.get()))
            };
            left.len() == right.len() && left.iter().all(is_there)
        }
        (Some(b'['), Some(b'[')) => {
            let (Ok(left), Ok(right)) = (items(left), items(right)) else { return false };
            let mut pairs = left.iter().zip(&right);
            left.len() == right.len() && pairs.all(|(left, right)| is_same(left.get(), right.get()))
        }
        (Some(b'"'), Some(b'"')) => {
            let text = |raw: &str| serde_json::from_str::<String>(raw).ok();
            text(left).is_some_and(|left| text(right) == Some(left))
        }
        _ => number(left).is_some_and(|left| number(right) == Some(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, patch: &str, expected: &str) {
        let got = match merged(Some(target).filter(|target| !target.is_empty()), patch) {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => format!("{:?} {error}", error.at),
        };
        assert_eq!(got, expected, "{target} {patch}");
    }

    /// The cases of RFC 7396, appendix A, whose patch is an object.
    #[test]
    fn documents_are_merged_as_the_standard_says() {
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
        check(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#);
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
        check(r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#);
        check(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#);
        check(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#);
        check("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#);
        check("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
    }

    #[test]
    fn what_is_not_named_keeps_its_text() {
        let target = r#"{"n":12345678901234567890.10,"\u0061":"\"x","e":1e400}"#;
        let expected = r#"{"n":12345678901234567890.10,"a":"\"x","e":1e400,"b":1.0}"#;
        check(target, r#"{"b":1.0}"#, expected);
        check("", r#"{"b":{"c":null}}"#, r#"{"b":{}}"#);
    }

    #[test]
    fn operations_change_what_is_stored() {
        let ops = |ops: &str| format!(r#"{{"$ops":{ops}}}"#);
        check("[1,2]", &ops(r#"{"$append":[2,[3]]}"#), "[1,2,2,[3]]");
        check("[1,2.0,\"2\",{\"a\":1,\"b\":2}]", &ops(r#"{"$remove":[2,{"b":2,"a":1.0}]}"#), r#"[1,"2"]"#);
        check("0.1", &ops(r#"{"$inc":0.2}"#), "0.3");
        check("0.5", &ops(r#"{"$mul":3}"#), "1.5");
        check(r#"{"a":1}"#, &ops(r#"{"$replace":{"b":null}}"#), r#"{"b":null}"#);
        check(r#"{"a":{"n":1},"b":2}"#, r#"{"a":{"n":{"$ops":{"$inc":-3}}}}"#, r#"{"a":{"n":-2},"b":2}"#);
        // Nothing is as zero, and as an array without items.
        check("null", &ops(r#"{"$inc":2}"#), "2");
        check("null", &ops(r#"{"$mul":2}"#), "null");
        check("{}", r#"{"a":{"$ops":{"$inc":2}},"b":{"$ops":{"$append":["x"]}}}"#, r#"{"a":2,"b":["x"]}"#);
        check("{}", r#"{"a":{"$ops":{"$mul":2}},"b":{"$ops":{"$remove":["x"]}},"c":1}"#, r#"{"c":1}"#);
        check("", &ops(r#"{"$remove":[1]}"#), "");
        check("", &ops(r#"{"$append":[1]}"#), "[1]");
    }

    #[test]
    fn an_operation_that_does_not_fit_is_told_where_it_is() {
        let number = "changes a number with at most 18 digits before and after the point, and the stored value is something else";
        check(
            r#"{"a":{"b":"x"}}"#,
            r#"{"a":{"b":{"$ops":{"$inc":1}}}}"#,
            &format!(r#"[Member("a"), Member("b")] `$inc` {number}; send the new value itself"#),
        );
        check("1e400", r#"{"$ops":{"$mul":1}}"#, &format!("[] `$mul` {number}; send the new value itself"));
        check(
            "{}",
            r#"{"$ops":{"$append":[1]}}"#,
            "[] `$append` changes an array, and the stored value is something else; send the new value itself",
        );
        check(
            "9999999999999999999999999999",
            r#"{"$ops":{"$inc":1}}"#,
            &format!("[] `$inc` {number}; send the new value itself"),
        );
    }

    #[test]
    fn operations_are_found_and_checked_before_there_is_a_document() {
        let check = |patch: &str, expected: Result<bool, &str>| {
            let got = has_operations(patch).map_err(|error| format!("{:?} {error}", error.at));
            assert_eq!(got, expected.map_err(str::to_owned), "{patch}");
        };
        check(r#"{"a":{"$inc":1}}"#, Ok(false));
        check(r#"{"a":[{"$ops":{"$inc":1}}]}"#, Ok(false));
        check("[1]", Ok(false));
        check(r#"{"a":{"$ops":{"$inc":1}}}"#, Ok(true));
        check(
            r#"{"a":{"$ops":{"$inc":1},"b":2}}"#,
            Err(
                r#"[Member("a")] `$ops` has to be the only member of its object; write `$ops` in the member that it changes"#,
            ),
        );
        check(
            r#"{"$ops":{"$inc":"1"}}"#,
            Err(r#"[Member("$ops")] expected a number with at most 18 digits before and after the point"#),
        );
        check(r#"{"$ops":{"$append":1}}"#, Err(r#"[Member("$ops")] expected an array of items"#));
        check(r#"{"$ops":3}"#, Err(r#"[Member("$ops")] expected an operator, such as {"$inc": 1}"#));
        check(
            r#"{"$ops":{"$push":[1]}}"#,
            Err(r#"[Member("$ops")] unknown operator `$push`; write `$append` with an array of items"#),
        );
        check(r#"{"$ops":{"$incs":1}}"#, Err(r#"[Member("$ops")] unknown operator `$incs`; did you mean `$inc`?"#));
    }
}
