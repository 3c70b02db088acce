use backstay_base::{Error, Place, Violation, ViolationKind, limits, nearest};
use backstay_engine::{Filter, Phrase};
use backstay_expr::{Checked, ExprError, Parameter, Scope, Type, compile, compile_value};
use backstay_model::{Collection, Field, FieldId, Model};
use backstay_scalar::{Token, Value};

use crate::comparison;
use crate::json::{items, within_list_limit};
use crate::list_words::Raw;
use crate::own_account::own as own_relation;
use crate::referred::key_of_one;
use crate::words::{field_named, shorten, unknown};

/// Checks the text of a filter.
pub(crate) fn expression(text: &str, scope: &Scope<'_>) -> Result<Checked, Error> {
    compile(text, scope).map_err(|errors| refused(text, &errors))
}

/// Checks a text in quotes or a parameter that holds one, which looks at no record.
pub(crate) fn words(text: &str, model: &Model) -> Result<Checked, Error> {
    compile_value(text, &Scope::groups(model, &[]), &Type::Text).map_err(|errors| refused(text, &errors))
}

/// The error for a text with these mistakes.
pub(crate) fn refused(text: &str, errors: &[ExprError]) -> Error {
    let violation = |error: &ExprError| {
        let offset = text.get(..error.span.start).map_or(0, |before| before.chars().count());
        let (problem, remedy) = (error.to_string(), Some(error.remedy()));
        Violation::new(Place::Filter, ViolationKind::Syntax { offset, problem, remedy })
    };
    Error::Malformed(errors.iter().map(violation).collect())
}

/// The fields of `field=value` and their values, and the relations that are to lead to the account that calls.
pub(crate) fn compared(pairs: &[(String, Raw<'_>)], collection: &Collection, model: &Model) -> Result<Filter, Error> {
    let own = |(name, raw): &(String, Raw<'_>)| own_relation(model, collection, (name.as_str(), raw));
    let others: Vec<(String, Raw<'_>)> = pairs.iter().filter(|pair| own(pair).is_none()).cloned().collect();
    let own = pairs.iter().filter_map(own).collect();
    Ok(Filter { equals: equalities(&others, collection, model)?, own, expression: None })
}

/// The fields of `field=value` and their values.
pub(crate) fn equalities(
    pairs: &[(String, Raw<'_>)],
    collection: &Collection,
    model: &Model,
) -> Result<Vec<(FieldId, Value)>, Error> {
    let mut equalities: Vec<(FieldId, Value)> = Vec::with_capacity(pairs.len());
    let mut violations = Vec::new();
    for (name, raw) in pairs {
        let wrong = match equality(name, raw, collection, model) {
            Ok((field, _)) if equalities.iter().any(|(known, _)| *known == field) => ViolationKind::Duplicate,
            Ok(equality) => {
                equalities.push(equality);
                continue;
            }
            Err(kind) => kind,
        };
        violations.push(Violation::new(Place::Equality(shorten(name)), wrong));
    }
    if violations.is_empty() { Ok(equalities) } else { Err(Error::Malformed(violations)) }
}

fn equality(
    name: &str,
    raw: &Raw<'_>,
    collection: &Collection,
    model: &Model,
) -> Result<(FieldId, Value), ViolationKind> {
    let field = field_named(collection, name).map_err(|kind| match kind {
        ViolationKind::Unknown { suggestion: Some(field), .. } => unknown("field or parameter", name, Some(&field)),
        ViolationKind::Unknown { .. } => unknown("field or parameter", name, None),
        other => other,
    })?;
    let ty = model.comparable_type(field).ok_or_else(|| {
        let problem = format!("{name} cannot be compared with `{name}=value`");
        ViolationKind::Misused { problem, remedy: "use `filter`".to_owned() }
    })?;
    let value = ty.read(raw.token()).map_err(|problem| {
        let kind = ViolationKind::from(problem);
        match (raw, &kind) {
            (Raw::Text(text), ViolationKind::Type { .. }) => instead((field, model), text, kind),
            (Raw::Json(json), ViolationKind::Type { .. }) => match comparison::remedy_of_object(field, json.get()) {
                Some(remedy) => ViolationKind::Misused { problem: kind.to_string(), remedy },
                None => kind,
            },
            _ => kind,
        }
    })?;
    Ok((field.id, value))
}

/// What is wrong with a value that is another comparison than equality.
fn instead((field, model): (&Field, &Model), text: &str, kind: ViolationKind) -> ViolationKind {
    let several = || text.contains(',').then(|| comparison::remedy_of_values(field));
    let by_key = || {
        let target = model.collection(field.kind.target()?);
        Some(format!(
            "write its id, or `filter={}.{} == $value` with `$value={}`",
            field.name,
            key_of_one(target)?,
            shorten(text)
        ))
    };
    match comparison::remedy_of_value(field, text).or_else(several).or_else(by_key) {
        Some(remedy) => ViolationKind::Misused { problem: kind.to_string(), remedy },
        None => kind,
    }
}

/// The values of the parameters of the filter, and of those in a selection, in their order. All must be given, and no
/// others. Each expression says of which type a parameter of it is.
pub(crate) fn params(
    given: &[(String, Raw<'_>)],
    (own, selected): (&[Parameter], &[Phrase]),
    model: &Model,
) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let all = || own.iter().chain(selected.iter().flat_map(|written| &written.checked.params));
    let mut violations = Vec::new();
    for (name, _) in given {
        if !all().any(|param| *param.name == **name) {
            let suggestion = nearest(name, all().map(|param| &*param.name));
            let kind = unknown("parameter of the filter", name, suggestion);
            violations.push(Violation::new(Place::Parameter(shorten(name)), kind));
        }
    }
    let mut values = Vec::with_capacity(own.len());
    for param in all() {
        let mut given = given.iter().filter(|(name, _)| **name == *param.name).map(|(_, raw)| raw);
        let value = match (given.next(), given.next()) {
            (None, _) => Err(ViolationKind::Required),
            (Some(_), Some(_)) => Err(ViolationKind::Duplicate),
            (Some(raw), None) => typed(raw, &param.ty, model),
        };
        match value {
            Ok(value) => values.push(value),
            Err(kind) => {
                let violation = Violation::new(Place::Parameter(param.name.to_string()), kind);
                if !violations.contains(&violation) {
                    violations.push(violation);
                }
            }
        }
    }
    if !violations.is_empty() {
        return Err(Error::Malformed(violations));
    }
    let of_selection = values.split_off(own.len());
    Ok((values, of_selection))
}

/// Refuses parameters that no filter names.
pub(crate) fn refuse_params(given: &[(String, Raw<'_>)]) -> Result<(), Error> {
    let Some((name, _)) = given.first() else { return Ok(()) };
    let kind = ViolationKind::Range("there is no filter that names it".to_owned());
    Err(Error::malformed(Place::Parameter(shorten(name)), kind))
}

/// Refuses more parameters than a filter takes.
pub(crate) fn few_params(given: &[(String, Raw<'_>)]) -> Result<(), ViolationKind> {
    match given.len() > limits::FILTER_PARAMETERS {
        true => Err(ViolationKind::Range(format!("at most {} parameters", limits::FILTER_PARAMETERS))),
        false => Ok(()),
    }
}

/// Reads a parameter as the type that its use in the filter gives it.
fn typed(raw: &Raw<'_>, ty: &Type, model: &Model) -> Result<Value, ViolationKind> {
    match (ty, raw) {
        (Type::List(element), Raw::Json(json)) => typed_list(json.get(), element, model),
        (Type::List(element), Raw::Text(text)) if text.trim_start().starts_with('[') => {
            typed_list(text, element, model)
        }
        (Type::List(element), Raw::Text(text)) => {
            let items = text.split(',').map(|item| Ok(element.read(Token::Bare(item), model)?));
            items.collect::<Result<Vec<Value>, ViolationKind>>().map(|items| Value::List(items.into()))
        }
        (ty, raw) => Ok(ty.read(raw.token(), model)?),
    }
}

fn typed_list(json: &str, element: &Type, model: &Model) -> Result<Value, ViolationKind> {
    let expected = || ViolationKind::Type { expected: "an array".to_owned() };
    let items = items(json).ok_or_else(expected)?;
    within_list_limit(items.len())?;
    let items = items.into_iter().map(|item| Ok(element.read(Token::Json(item.get()), model)?));
    items.collect::<Result<Vec<Value>, ViolationKind>>().map(|items| Value::List(items.into()))
}
