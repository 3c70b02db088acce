//! Operators in the bodies of patches: `{"views": {"$inc": 1}}`.

use backstay_base::{Step, ViolationKind};
use backstay_engine::{Input, Operator};
use backstay_model::{Collection, Field, FieldKind, Model};
use backstay_scalar::{MergeError, OPERATIONS, Operation, Scalar, Token, Value, has_operations, read_exact};
use serde_json::value::RawValue;

use crate::form::Form;
use crate::values::list;
use crate::words::shorten;
use crate::wrong::Wrong;

/// Whether a field is given an operator instead of a value.
pub(crate) fn is_given(field: &Field, raw: &str) -> bool {
    match field.kind {
        // The members of a document are free, and those of the others have names of their own.
        FieldKind::Scalar(Scalar::Json)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. }
        | FieldKind::Lineage { .. } => false,
        FieldKind::Scalar(_) | FieldKind::Enum(_) | FieldKind::List(_) | FieldKind::Embedded(_) => {
            Operation::is_asked_by(raw)
        }
    }
}

/// Refuses operators within a document that is stored as it is sent.
pub(crate) fn refuse_in_document(form: Form, value: &Value) -> Result<(), Wrong> {
    let Value::Json(text) = value else { return Ok(()) };
    let Some(steps) = first_operation(text) else { return Ok(()) };
    let (problem, remedy) = match form {
        Form::New => ("`$ops` changes a stored value; a new record has none", "send the value itself"),
        Form::Whole | Form::Upsert | Form::Patch => (
            "`$ops` changes a stored value, and this request replaces it",
            "send the value itself, or PATCH the record",
        ),
    };
    let kind = ViolationKind::Misused { problem: problem.to_owned(), remedy: remedy.to_owned() };
    Err(Wrong { steps, kind })
}

/// Where a document has an object whose only member is `$ops`, among those that a patch would look at.
fn first_operation(text: &str) -> Option<Vec<Step>> {
    let members = text.starts_with('{').then(|| backstay_scalar::members(text).ok()).flatten()?;
    if let [(name, _)] = &members[..]
        && name == OPERATIONS
    {
        return Some(Vec::new());
    }
    members.iter().find_map(|(name, value)| {
        let mut steps = first_operation(value.get())?;
        steps.insert(0, Step::Member(shorten(name)));
        Some(steps)
    })
}

/// The members that replace an embedded value.
pub(crate) fn replacement(raw: &str) -> Result<&RawValue, Wrong> {
    match Operation::read(raw, &[Operation::Replace])? {
        (Operation::Replace, members) => Ok(members),
        (operation, _) => {
            Err(misplaced(operation, "an embedded value", "send the members that change, or `$replace` all of them"))
        }
    }
}

/// The operations that a field takes.
fn taken(field: &Field) -> &'static [Operation] {
    match field.kind {
        FieldKind::Scalar(Scalar::Int | Scalar::Float | Scalar::Decimal { .. } | Scalar::Money) => {
            &[Operation::Increase, Operation::Multiply]
        }
        FieldKind::Scalar(Scalar::Duration) => &[Operation::Increase],
        FieldKind::List(_) => &[Operation::Append, Operation::Remove],
        FieldKind::Embedded(_) => &[Operation::Replace],
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. }
        | FieldKind::Lineage { .. } => &[],
    }
}

/// The operator that a field is given of a record that may be new: one that adds something.
pub(crate) fn of_upsert(model: &Model, field: &Field, raw: &str) -> Result<Operator, Wrong> {
    let refused = |problem: &str| {
        let (problem, remedy) = (problem.to_owned(), "send the value itself, or PATCH the record".to_owned());
        Wrong::from(ViolationKind::Misused { problem, remedy })
    };
    if matches!(field.kind, FieldKind::Embedded(_)) || field.within.is_some() || field.shares_currency() {
        return Err(refused("with `onConflict`, this field takes whole values, not operators"));
    }
    let given = operator(model, field, raw)?;
    match given {
        Operator::Increase(_) | Operator::Append(_) => Ok(given),
        Operator::Multiply(_) | Operator::Remove(_) | Operator::Merge(_) => {
            Err(refused("with `onConflict`, only `$inc` and `$append` are possible: the record may be new"))
        }
    }
}

/// The operator that a field is given.
pub(crate) fn operator(model: &Model, field: &Field, raw: &str) -> Result<Operator, Wrong> {
    let (operation, operand) = Operation::read(raw, taken(field))?;
    let operand = operand.get();
    let at = |kind: ViolationKind| Wrong::at_member(operation.name(), kind);
    let read = |scalar: Scalar| {
        let value = if operand == "null" { Err(ViolationKind::Required) } else { Ok(()) };
        value.and_then(|()| Ok(scalar.read(Token::Json(operand))?)).map_err(at)
    };
    let factor = || match operand {
        "null" => Err(at(ViolationKind::Required)),
        operand => read_exact(Token::Json(operand)).map_err(|problem| at(problem.into())),
    };
    match (operation, &field.kind) {
        (Operation::Increase, FieldKind::Scalar(scalar)) if field.shares_currency() => {
            let is_money = operand.trim_ascii_start().starts_with('{');
            read(if is_money { Scalar::Money } else { *scalar }).map(Operator::Increase)
        }
        (
            Operation::Increase,
            FieldKind::Scalar(
                scalar @ (Scalar::Int | Scalar::Float | Scalar::Decimal { .. } | Scalar::Money | Scalar::Duration),
            ),
        ) => read(*scalar).map(Operator::Increase),
        (Operation::Multiply, FieldKind::Scalar(scalar @ (Scalar::Int | Scalar::Float))) => {
            read(*scalar).map(Operator::Multiply)
        }
        (Operation::Multiply, FieldKind::Scalar(Scalar::Decimal { .. } | Scalar::Money)) => {
            factor().map(Operator::Multiply)
        }
        (Operation::Append | Operation::Remove, FieldKind::List(element)) => {
            let items = list(model.element_type(*element), operand);
            let Value::List(items) = items.map_err(|wrong| wrong.within(Step::Member(operation.name().to_owned())))?
            else {
                return Err(at(ViolationKind::Type { expected: "an array".to_owned() }));
            };
            Ok(if operation == Operation::Append { Operator::Append(items) } else { Operator::Remove(items) })
        }
        (Operation::Increase | Operation::Multiply | Operation::Append | Operation::Remove | Operation::Replace, _) => {
            Err(misplaced(operation, &described(model, field), "send the new value itself"))
        }
    }
}

/// The change of a document that a patch asks for; `None` if it gives a new one.
pub(crate) fn patch_of_document(value: &Value) -> Result<Option<Operator>, Wrong> {
    let Value::Json(text) = value else { return Ok(None) };
    if !text.starts_with('{') {
        return Ok(None);
    }
    let wrong = |MergeError { at, kind }: MergeError| {
        let shortened = |step| match step {
            Step::Member(name) => Step::Member(shorten(&name)),
            Step::Item(index) => Step::Item(index),
        };
        Wrong { steps: at.into_iter().map(shortened).collect(), kind }
    };
    has_operations(text).map_err(wrong)?;
    Ok(Some(Operator::Merge(text.clone())))
}

/// What a field holds, in words.
fn described(model: &Model, field: &Field) -> String {
    match &field.kind {
        FieldKind::List(_) => "a list".to_owned(),
        FieldKind::Enum(id) => format!("a value of {}", model.enumeration(*id).name),
        kind => {
            kind.scalar().map_or_else(|| "such a field".to_owned(), |scalar| format!("a value of {}", scalar.name()))
        }
    }
}

fn misplaced(operation: Operation, holds: &str, remedy: &str) -> Wrong {
    let problem = format!("`{}` can't change {holds}", operation.name());
    ViolationKind::Misused { problem, remedy: remedy.to_owned() }.into()
}

/// Gives the parts of an embedded value that was replaced, and that the object doesn't name, their defaults, or nothing
/// where the value that they belong to isn't there either.
pub(crate) fn clear_unnamed(collection: &Collection, holder: &Field, input: &mut Input) {
    let is_given = |input: &Input, part: &Field| input.value(part.id).is_some_and(|value| !value.is_null());
    let is_there = |input: &Input, of: &Field| {
        of.parent().is_some_and(|value| collection.parts(value).any(|part| is_given(input, part)))
    };
    for part in collection.parts(holder.id) {
        if input.value(part.id).is_none() {
            let default = part.default.clone().filter(|_| is_there(input, part));
            input.set(part.id, default.unwrap_or(Value::Null));
        }
    }
}
