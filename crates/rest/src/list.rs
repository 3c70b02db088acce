use std::borrow::Cow;

use backstay_base::{Error, Limit, Place, Step, Violation, ViolationKind, limits, nearest};
use backstay_engine::List;
use backstay_model::{Collection, CollectionId};
use backstay_scalar::Members;
use serde_json::value::RawValue;

use crate::filter::few_params;
use crate::list_words::{ListWords, Raw};
use crate::parameter::Parameter;
use crate::reader::Reader;
use crate::url::Pair;
use crate::words::{shorten, unknown};
use crate::{comparison, groups, json, parameter, url};

/// Parameters that are to come.
impl Reader {
    /// Reads the query of `GET /api/{collection}`.
    pub fn list_of_query(&self, collection: CollectionId, query: Option<&str>) -> Result<List, Error> {
        self.list(&from_query(self.model().collection(collection), query)?)
    }

    /// Whether reading this query can take long: its filter is long and isn't known yet.
    pub fn query_takes_long(&self, collection: CollectionId, query: Option<&str>) -> bool {
        query.is_some_and(|query| query.len() > limits::LONG_FILTER_BYTES)
            && from_query(self.model().collection(collection), query)
                .is_ok_and(|words| self.unknown_bytes(&words) > limits::LONG_FILTER_BYTES)
    }

    /// Whether reading this body can take long, as by `query_takes_long`, or because it is large.
    pub fn body_takes_long(&self, collection: CollectionId, body: &[u8]) -> bool {
        body.len() >= limits::LONG_BODY_BYTES
            || (body.len() > limits::LONG_FILTER_BYTES
                && self.unknown_bytes_of(collection, body) > limits::LONG_FILTER_BYTES)
    }

    /// Bytes of the filter in a body if it isn't known yet.
    pub(crate) fn unknown_bytes_of(&self, collection: CollectionId, body: &[u8]) -> usize {
        if body.len() > limits::QUERY_BYTES {
            return 0;
        }
        from_body(collection, body).map_or(0, |words| self.unknown_bytes(&words))
    }

    /// Reads the body of `POST /api/{collection}:query`.
    pub fn list_of_body(&self, collection: CollectionId, body: &[u8]) -> Result<List, Error> {
        check_size(body)?;
        self.list(&from_body(collection, body)?).map_err(in_body)
    }
}

pub(crate) fn check_size(body: &[u8]) -> Result<(), Error> {
    if body.len() > limits::QUERY_BYTES {
        return Err(Limit::Size { what: "the query", max: limits::QUERY_BYTES as u64, unit: "bytes" }.into());
    }
    Ok(())
}

/// Reads the query of `GET /api/{collection}`: `filter`, `search`, `sort`, `select`, `limit`, `after`, `before`, `skip`, `count`, `asOf`, values of the
/// filter's parameters as `$name`, and `field=value` for equality.
pub(crate) fn from_query<'w>(collection: &Collection, text: Option<&'w str>) -> Result<ListWords<'w>, Error> {
    from_pairs(collection, url::of_url(text)?)
}

/// The same of its pairs.
pub(crate) fn from_pairs<'w>(collection: &Collection, pairs: Vec<Pair<'w>>) -> Result<ListWords<'w>, Error> {
    let mut list = ListWords::of(collection.id);
    let mut violations = Vec::new();
    for (name, value) in pairs {
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
    if let Some(parameter) = Parameter::named(name) {
        return parameter.read(list, Raw::Text(value));
    }
    known_or_field(collection, name)?;
    list.equals.push((name.to_owned(), Raw::Text(value)));
    Ok(())
}

/// The place of a parameter of a URL.
fn place_of(name: &str) -> Place {
    Parameter::named(name).map_or_else(|| Place::part(shorten(name)), Parameter::place)
}

/// Reads the body of `POST /api/{collection}:query`: the same, with the filter's parameters in `params` and the
/// equalities in `where`, their values as JSON.
pub(crate) fn from_body(collection: CollectionId, body: &[u8]) -> Result<ListWords<'_>, Error> {
    from_members(collection, json::members(body)?)
}

/// The same of its members.
pub(crate) fn from_members(collection: CollectionId, members: Members<'_>) -> Result<ListWords<'_>, Error> {
    let mut list = ListWords::of(collection);
    let (mut seen, mut violations) = (Vec::new(), Vec::new());
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
            part @ (Place::Select
            | Place::Sort
            | Place::Filter
            | Place::Group
            | Place::Having
            | Place::Search
            | Place::Limit
            | Place::After
            | Place::Before
            | Place::Skip
            | Place::Count
            | Place::AsOf) => Place::member(part.to_string()),
            Place::Part(name) if name == parameter::HIGHLIGHT => Place::member(name),
            other @ (Place::Whole | Place::Value(_) | Place::Part(_)) => other,
        };
        Violation::new(at, violation.kind)
    };
    Error::Malformed(violations.into_iter().map(moved).collect())
}

fn member<'w>(list: &mut ListWords<'w>, name: &str, raw: &'w RawValue) -> Result<(), ViolationKind> {
    match (Parameter::named(name), name) {
        (Some(parameter), _) => parameter.read(list, Raw::Json(raw)),
        (None, "variables" | "vars" | "parameters" | "args") => Err(unknown("member", name, Some("params"))),
        (None, name) if let Some(remedy) = parameter::remedy(name) => {
            let problem = format!("unknown member `{}`", shorten(name));
            Err(ViolationKind::Misused { problem, remedy: remedy.to_owned() })
        }
        (None, name) => {
            let near = nearest(name, ["params", "where"]);
            Err(unknown("member", name, near.or_else(|| parameter::meant(name))))
        }
    }
}

/// No comparison with null is true or false, so null is refused as a value to compare with.
pub(crate) const NULL_PARAMETER: &str =
    "a parameter cannot be null; write `== null` or `!= null` in the filter instead";
const NULL_EQUALITY: &str = "`where` cannot compare with null; use `filter` with `== null` instead";

/// Reads an object of names and values; gives what is wrong with it.
pub(crate) fn pairs<'w>(
    at: &Place,
    raw: &'w RawValue,
    null: &str,
    into: &mut Vec<(String, Raw<'w>)>,
) -> Vec<Violation> {
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

/// Refuses a name that is not a field and probably a misspelled parameter, or a comparison as other APIs write it. Other
/// names are refused where the fields are looked up.
fn known_or_field(collection: &Collection, name: &str) -> Result<(), ViolationKind> {
    if collection.field_named(name).is_some() {
        return Ok(());
    }
    if groups::WORDS.contains(&name) {
        let problem = format!("unknown parameter `{}`", shorten(name));
        let remedy = format!("ask for groups at `{}:aggregate`", collection.path);
        return Err(ViolationKind::Misused { problem, remedy });
    }
    if let Some(remedy) = parameter::remedy(name) {
        let problem = format!("unknown parameter `{}`", shorten(name));
        return Err(ViolationKind::Misused { problem, remedy: remedy.to_owned() });
    }
    if let Some(suggestion) = parameter::meant(name).or_else(|| (name == "where").then_some("filter")) {
        return Err(unknown("parameter", name, Some(suggestion)));
    }
    match comparison::remedy(collection, name) {
        Some(remedy) => {
            let problem = format!("unknown parameter `{}`", shorten(name));
            Err(ViolationKind::Misused { problem, remedy })
        }
        None => Ok(()),
    }
}
