use std::borrow::Cow;

use backstay_base::{Error, Violation, ViolationKind, limits};
use backstay_engine::{List, Raw};
use backstay_model::Collection;
use serde_json::value::RawValue;

use crate::endpoint::Parameters;
use crate::json;
use crate::query::{self, shorten};

/// Parameters that are to come.
const NOT_YET: &[&str] = &["search"];
/// What other APIs call our parameters.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["order", "orderBy", "order_by", "ordering", "_sort"], "sort"),
    (&["page", "offset", "skip", "cursor", "_page", "_start"], "after"),
    (&["per_page", "perPage", "page_size", "pageSize", "size", "first", "top", "take", "_limit"], "limit"),
    (&["fields", "include", "expand", "populate", "embed", "columns"], "select"),
    (&["where", "query", "q"], "filter"),
    (&["total", "totalCount", "with_count"], "count"),
];
/// Members of the body of `:query`.
const MEMBERS: &[&str] = &["filter", "params", "where", "sort", "select", "limit", "after", "count"];

/// Reads the query of `GET /api/{collection}`: `filter`, `sort`, `select`, `limit`, `after`, `count`, values of the
/// filter's parameters as `$name`, and `field=value` for equality.
pub(crate) fn from_query(collection: &Collection, text: Option<&str>) -> Result<List, Error> {
    let mut list = List::of(collection.id);
    let mut violations = Vec::new();
    for (name, value) in query::of_url(text)? {
        if let Err(kind) = parameter(&mut list, collection, &name, value) {
            violations.push(Violation::new(shorten(&name), kind));
        }
    }
    checked(list, violations, "$")
}

fn parameter(list: &mut List, collection: &Collection, name: &str, value: Cow<'_, str>) -> Result<(), ViolationKind> {
    if let Some(parameter) = name.strip_prefix('$') {
        list.params.push((parameter.to_owned(), Raw::Text(value.into_owned())));
        return Ok(());
    }
    match name {
        "filter" => list.filter = Some(value.into_owned()),
        "sort" => list.sort = Some(value.into_owned()),
        "select" => list.select = Some(value.into_owned()),
        "after" => list.after = Some(value.into_owned()),
        "limit" => list.limit = Some(page_limit(&value)?),
        "count" => list.count = truth(&value)?,
        _ if NOT_YET.contains(&name) => return Err(not_yet()),
        _ => {
            known_or_field(collection, name)?;
            list.equals.push((name.to_owned(), Raw::Text(value.into_owned())));
        }
    }
    Ok(())
}

/// Reads the body of `POST /api/{collection}:query`: the same, with the filter's parameters in `params` and the
/// equalities in `where`, their values as JSON.
pub(crate) fn from_body(collection: &Collection, body: &[u8]) -> Result<List, Error> {
    let mut list = List::of(collection.id);
    let (mut seen, mut violations) = (Vec::new(), Vec::new());
    let members = json::members(body)?;
    few(&members).map_err(|kind| Error::malformed("", kind))?;
    for (name, raw) in members {
        let at = format!("/{}", shorten(&pointer(&name)));
        if seen.contains(&name) {
            violations.push(Violation::new(at, ViolationKind::Duplicate));
            continue;
        }
        match &*name {
            "params" => violations.extend(pairs(&at, raw, NULL_PARAMETER, &mut list.params)),
            "where" => violations.extend(pairs(&at, raw, NULL_EQUALITY, &mut list.equals)),
            _ => {
                if let Err(kind) = member(&mut list, &name, raw) {
                    violations.push(Violation::new(at, kind));
                }
            }
        }
        seen.push(name);
    }
    checked(list, violations, "/params")
}

/// An error of a list, with places in the body of `:query`.
pub(crate) fn in_body(error: Error) -> Error {
    let Error::Malformed(mut violations) = error else { return error };
    for violation in &mut violations {
        let at = std::mem::take(&mut violation.at);
        violation.at = match at.strip_prefix('$') {
            Some(parameter) => format!("/params/{parameter}"),
            None if at.is_empty() || at.starts_with('/') => at,
            None if List::PARAMETERS.contains(&&*at) => format!("/{at}"),
            None => format!("/where/{at}"),
        };
    }
    Error::Malformed(violations)
}

fn member(list: &mut List, name: &str, raw: &RawValue) -> Result<(), ViolationKind> {
    let text = || match json::text(raw, "a text")? {
        Some(text) if text.contains('\0') => Err(ViolationKind::Range(NUL.to_owned())),
        text => Ok(text),
    };
    match name {
        "filter" => list.filter = text()?,
        "sort" => list.sort = text()?,
        "select" => list.select = text()?,
        "after" => list.after = text()?,
        "limit" => list.limit = if raw.get() == "null" { None } else { Some(page_limit(raw.get())?) },
        "count" => list.count = truth(raw.get())?,
        _ if NOT_YET.contains(&name) => return Err(not_yet()),
        _ => return Err(unknown("member", name, nearest(MEMBERS, name))),
    }
    Ok(())
}

const NUL: &str = "NUL is not allowed";
/// No comparison with null is true or false, so null is refused as a value to compare with.
const NULL_PARAMETER: &str = "a parameter cannot be null; write `== null` or `!= null` in the filter instead";
const NULL_EQUALITY: &str = "`where` cannot compare with null; use `filter` with `== null` instead";

/// Reads an object of names and values; gives what is wrong with it.
fn pairs(at: &str, raw: &RawValue, null: &str, into: &mut Vec<(String, Raw)>) -> Vec<Violation> {
    let Ok(members) = json::members(raw.get().as_bytes()) else {
        let kind = ViolationKind::Type { expected: "a JSON object of names and values".to_owned() };
        return vec![Violation::new(at, kind)];
    };
    if let Err(kind) = few(&members) {
        return vec![Violation::new(at, kind)];
    }
    let mut violations = Vec::new();
    for (name, value) in members {
        let wrong = if into.iter().any(|(known, _)| *known == name) {
            ViolationKind::Duplicate
        } else if value.get() == "null" {
            ViolationKind::Range(null.to_owned())
        } else {
            into.push((name.into_owned(), Raw::Json(value.to_owned())));
            continue;
        };
        violations.push(Violation::new(format!("{at}/{}", shorten(&pointer(&name))), wrong));
    }
    violations
}

/// Limits the members of an object that is not a record.
fn few<M>(members: &[M]) -> Result<(), ViolationKind> {
    match members.len() > limits::PARAMETERS {
        true => Err(ViolationKind::Range(format!("at most {} members", limits::PARAMETERS))),
        false => Ok(()),
    }
}

fn page_limit(text: &str) -> Result<u32, ViolationKind> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| plain && (1..=limits::PAGE_MAX).contains(limit));
    limit.ok_or_else(|| ViolationKind::Range(format!("a whole number from 1 to {}", limits::PAGE_MAX)))
}

fn truth(text: &str) -> Result<bool, ViolationKind> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ViolationKind::Type { expected: "true or false".to_owned() }),
    }
}

/// The list, if nothing is wrong with it. `at` is the place of the filter's parameters.
fn checked(list: List, mut violations: Vec<Violation>, at: &str) -> Result<List, Error> {
    if list.params.len() > limits::FILTER_PARAMETERS {
        let range = format!("at most {} parameters", limits::FILTER_PARAMETERS);
        violations.push(Violation::new(at, ViolationKind::Range(range)));
    }
    if violations.is_empty() { Ok(list) } else { Err(Error::Malformed(violations)) }
}

fn not_yet() -> ViolationKind {
    ViolationKind::Range("not supported yet; use `filter`".to_owned())
}

/// Refuses a name that is not a field and probably a misspelled parameter. Other names are left to the engine, which
/// knows which fields the caller may name.
fn known_or_field(collection: &Collection, name: &str) -> Result<(), ViolationKind> {
    if collection.field_named(name).is_some() {
        return Ok(());
    }
    let elsewhere = || ELSEWHERE.iter().find(|(names, _)| names.contains(&name)).map(|(_, ours)| *ours);
    match nearest(List::PARAMETERS, name).or_else(elsewhere) {
        Some(suggestion) => Err(unknown("parameter", name, Some(suggestion))),
        None => Ok(()),
    }
}

/// The value of the one query parameter that an endpoint takes. All others are refused, unless they are ignored or
/// left to the reader of a list.
pub(crate) fn single(query: Option<&str>, taken: Parameters) -> Result<Option<String>, Error> {
    match taken {
        Parameters::Ignored | Parameters::OfList => Ok(None),
        Parameters::None => only(query, &[]),
        Parameters::Select => only(query, &["select"]),
        Parameters::SetupToken => only(query, &["token"]),
    }
}

fn only(text: Option<&str>, known: &[&str]) -> Result<Option<String>, Error> {
    let (mut value, mut violations) = (None, Vec::new());
    for (name, text) in query::of_url(text)? {
        if known.contains(&&*name) {
            value = Some(text.into_owned());
        } else {
            violations.push(Violation::new(shorten(&name), unknown("parameter", &name, nearest(known, &name))));
        }
    }
    if violations.is_empty() { Ok(value) } else { Err(Error::Malformed(violations)) }
}

fn unknown(what: &'static str, name: &str, suggestion: Option<&str>) -> ViolationKind {
    ViolationKind::Unknown { what, name: shorten(name), suggestion: suggestion.map(str::to_owned) }
}

fn nearest<'k>(known: &[&'k str], name: &str) -> Option<&'k str> {
    backstay_base::nearest(name.trim_start_matches(['$', '_']), known.iter().copied())
}

/// A name as a part of a JSON pointer (RFC 6901, section 3).
fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
