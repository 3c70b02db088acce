use std::borrow::Cow;

use backstay_base::{Error, Place, Step, Violation, ViolationKind, limits};
use backstay_engine::List;
use backstay_model::{Collection, CollectionId};
use serde_json::value::RawValue;

use crate::filter::few_params;
use crate::list_words::{ListWords, PARAMETERS, Raw};
use crate::reader::Reader;
use crate::words::{nearest, shorten, unknown};
use crate::{json, url};

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

impl Reader {
    /// Reads the query of `GET /api/{collection}`.
    pub fn list_of_query(&self, collection: CollectionId, query: Option<&str>) -> Result<List, Error> {
        self.list(&from_query(self.model().collection(collection), query)?)
    }

    /// Reads the body of `POST /api/{collection}:query`.
    pub fn list_of_body(&self, collection: CollectionId, body: &[u8]) -> Result<List, Error> {
        self.list(&from_body(collection, body)?).map_err(in_body)
    }
}

/// Reads the query of `GET /api/{collection}`: `filter`, `sort`, `select`, `limit`, `after`, `count`, values of the
/// filter's parameters as `$name`, and `field=value` for equality.
fn from_query<'w>(collection: &Collection, text: Option<&'w str>) -> Result<ListWords<'w>, Error> {
    let mut list = ListWords::of(collection.id);
    let mut violations = Vec::new();
    for (name, value) in url::of_url(text)? {
        if let Err(kind) = parameter(&mut list, collection, &name, value) {
            violations.push(Violation::new(place_of(&name), kind));
        }
    }
    if let Err(kind) = few_params(&list.params) {
        violations.push(Violation::new(Place::Parameter(String::new()), kind));
    }
    if violations.is_empty() { Ok(list) } else { Err(Error::Malformed(violations)) }
}

fn parameter<'w>(
    list: &mut ListWords<'w>,
    collection: &Collection,
    name: &str,
    value: Cow<'w, str>,
) -> Result<(), ViolationKind> {
    if let Some(parameter) = name.strip_prefix('$') {
        list.params.push((parameter.to_owned(), Raw::Text(value)));
        return Ok(());
    }
    match name {
        "filter" => list.filter = Some(value),
        "sort" => list.sort = Some(value),
        "select" => list.select = Some(value),
        "after" => list.after = Some(value),
        "limit" => list.limit = Some(page_limit(&value)?),
        "count" => list.count = truth(&value)?,
        _ if NOT_YET.contains(&name) => return Err(not_yet()),
        _ => {
            known_or_field(collection, name)?;
            list.equals.push((name.to_owned(), Raw::Text(value)));
        }
    }
    Ok(())
}

/// The place of a parameter of a URL.
fn place_of(name: &str) -> Place {
    match name {
        "filter" => Place::Filter,
        "sort" => Place::Sort,
        "select" => Place::Select,
        "after" => Place::After,
        "limit" => Place::Limit,
        "count" => Place::Count,
        name => Place::part(shorten(name)),
    }
}

/// Reads the body of `POST /api/{collection}:query`: the same, with the filter's parameters in `params` and the
/// equalities in `where`, their values as JSON.
fn from_body(collection: CollectionId, body: &[u8]) -> Result<ListWords<'_>, Error> {
    let mut list = ListWords::of(collection);
    let (mut seen, mut violations) = (Vec::new(), Vec::new());
    let members = json::members(body)?;
    few(&members).map_err(|kind| Error::malformed(Place::Whole, kind))?;
    for (name, raw) in members {
        let at = Place::member(shorten(&name));
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
    if let Err(kind) = few_params(&list.params) {
        violations.push(Violation::new(Place::member("params"), kind));
    }
    if violations.is_empty() { Ok(list) } else { Err(Error::Malformed(violations)) }
}

/// An error of a list, with its places in the body of `:query`.
pub fn in_body(error: Error) -> Error {
    let Error::Malformed(violations) = error else { return error };
    let moved = |violation: Violation| {
        let at = match violation.at {
            Place::Parameter(name) => Place::member("params").then(Step::Member(name)),
            Place::Equality(name) => Place::member("where").then(Step::Member(name)),
            part @ (Place::Select | Place::Sort | Place::Filter | Place::Limit | Place::After | Place::Count) => {
                Place::member(part.to_string())
            }
            other @ (Place::Whole | Place::Value(_) | Place::Part(_)) => other,
        };
        Violation::new(at, violation.kind)
    };
    Error::Malformed(violations.into_iter().map(moved).collect())
}

fn member(list: &mut ListWords<'_>, name: &str, raw: &RawValue) -> Result<(), ViolationKind> {
    let text = || match json::text(raw, "a text")? {
        Some(text) if text.contains('\0') => Err(ViolationKind::Range(NUL.to_owned())),
        text => Ok(text.map(Cow::Owned)),
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
fn pairs<'w>(at: &Place, raw: &'w RawValue, null: &str, into: &mut Vec<(String, Raw<'w>)>) -> Vec<Violation> {
    let Ok(members) = json::members(raw.get().as_bytes()) else {
        let kind = ViolationKind::Type { expected: "a JSON object of names and values".to_owned() };
        return vec![Violation::new(at.clone(), kind)];
    };
    if let Err(kind) = few(&members) {
        return vec![Violation::new(at.clone(), kind)];
    }
    let mut violations = Vec::new();
    for (name, value) in members {
        let wrong = if into.iter().any(|(known, _)| *known == name) {
            ViolationKind::Duplicate
        } else if value.get() == "null" {
            ViolationKind::Range(null.to_owned())
        } else {
            into.push((name.into_owned(), Raw::Json(value)));
            continue;
        };
        violations.push(Violation::new(at.clone().then(Step::Member(shorten(&name))), wrong));
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
    match nearest(PARAMETERS, name).or_else(elsewhere) {
        Some(suggestion) => Err(unknown("parameter", name, Some(suggestion))),
        None => Ok(()),
    }
}
