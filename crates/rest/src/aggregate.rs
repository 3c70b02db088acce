//! The words of groups: the query of `GET /api/{collection}:aggregate`, and the same as a body.

use std::borrow::Cow;

use backstay_base::{Error, Place, Violation, ViolationKind, limits};
use backstay_engine::{Aggregate, Counting, Expression, Filter, FoldFunction, Phrase};
use backstay_model::CollectionId;

use crate::groups::GroupTexts;
use crate::list::{check_size, from_members, from_pairs, in_body};
use crate::list_words::{ListWords, Raw};
use crate::reader::{Reader, searched, start_of};
use crate::words::shorten;
use crate::{cursor, filter, json, parameter, url};

const GROUP: &str = "group";
const HAVING: &str = "having";

/// Groups as they are written, their values not yet typed.
#[derive(Debug, Clone)]
struct AggregateWords<'w> {
    /// The records, the page and its order, and what the groups come to as its `select`.
    list: ListWords<'w>,
    group: Option<Cow<'w, str>>,
    having: Option<Cow<'w, str>>,
}

impl AggregateWords<'_> {
    fn texts(&self) -> GroupTexts<'_> {
        GroupTexts {
            group: self.group.as_deref(),
            select: self.list.select.as_deref(),
            having: self.having.as_deref(),
            sort: self.list.sort.as_deref(),
            filter: self.list.filter.as_deref(),
        }
    }
}

impl Reader {
    /// Reads the query of `GET /api/{collection}:aggregate`: `group`, `select`, `having`, `sort`, and what a list has to say
    /// which records are meant and where the page starts.
    pub fn aggregate_of_query(&self, collection: CollectionId, query: Option<&str>) -> Result<Aggregate, Error> {
        self.aggregate(&self.aggregate_words(collection, query)?)
    }

    /// Reads the same as a JSON object.
    pub fn aggregate_of_body(&self, collection: CollectionId, body: &[u8]) -> Result<Aggregate, Error> {
        check_size(body)?;
        self.aggregate(&Self::aggregate_members(collection, body)?).map_err(in_body)
    }

    /// Whether reading this query can take long: its expressions are long and aren't known yet.
    pub fn aggregate_query_takes_long(&self, collection: CollectionId, query: Option<&str>) -> bool {
        query.is_some_and(|query| query.len() > limits::LONG_FILTER_BYTES)
            && self.aggregate_words(collection, query).is_ok_and(|words| self.is_long(&words))
    }

    /// Whether reading this body can take long, as by `aggregate_query_takes_long`, or because it is large.
    pub fn aggregate_body_takes_long(&self, collection: CollectionId, body: &[u8]) -> bool {
        body.len() >= limits::LONG_BODY_BYTES
            || (body.len() >= limits::LONG_FILTER_BYTES
                && self.unknown_bytes_of_aggregate(collection, body) > limits::LONG_FILTER_BYTES)
    }

    /// Bytes of the expressions in a body that aren't known yet.
    pub(crate) fn unknown_bytes_of_aggregate(&self, collection: CollectionId, body: &[u8]) -> usize {
        let words = Self::aggregate_members(collection, body);
        words.map_or(0, |words| self.unknown_bytes_of_groups(&words.list, &words.texts()))
    }

    fn is_long(&self, words: &AggregateWords<'_>) -> bool {
        self.unknown_bytes_of_groups(&words.list, &words.texts()) > limits::LONG_FILTER_BYTES
    }

    fn aggregate_words<'w>(
        &self,
        collection: CollectionId,
        query: Option<&'w str>,
    ) -> Result<AggregateWords<'w>, Error> {
        let (mut own, mut others, mut wrong) = ((None, None), Vec::new(), Vec::new());
        let definition = self.model().collection(collection);
        for (name, value) in url::of_url(query)? {
            match &*name {
                GROUP => own.0 = Some(value),
                HAVING => own.1 = Some(value),
                _ if definition.field_named(&name).is_some() => others.push((name, value)),
                _ => match elsewhere(&name, Some(&value)) {
                    Some(kind) => wrong.push(Violation::new(Place::part(shorten(&name)), kind)),
                    None => others.push((name, value)),
                },
            }
        }
        if !wrong.is_empty() {
            return Err(Error::Malformed(wrong));
        }
        let list = from_pairs(definition, others)?;
        Ok(AggregateWords { list, group: own.0, having: own.1 })
    }

    fn aggregate_members(collection: CollectionId, body: &[u8]) -> Result<AggregateWords<'_>, Error> {
        let (mut own, mut others) = ([None, None], Vec::new());
        for (name, raw) in json::members(body)? {
            let wrong = |kind| Error::malformed(Place::member(shorten(&name)), kind);
            let slot = match &*name {
                GROUP => &mut own[0],
                HAVING => &mut own[1],
                _ => {
                    if let Some(kind) = elsewhere(&name, None) {
                        return Err(wrong(kind));
                    }
                    others.push((name, raw));
                    continue;
                }
            };
            let text = parameter::text(Raw::Json(raw), "one string, such as \"state,author.name\"").map_err(wrong)?;
            if slot.replace(text).is_some() {
                return Err(wrong(ViolationKind::Duplicate));
            }
        }
        let [group, having] = own.map(Option::flatten);
        Ok(AggregateWords { list: from_members(collection, others)?, group, having })
    }

    /// The typed form of groups.
    fn aggregate(&self, words: &AggregateWords<'_>) -> Result<Aggregate, Error> {
        let ListWords {
            collection,
            equals,
            filter: text,
            search,
            highlight,
            params,
            sort: _,
            select: _,
            limit,
            after,
            before,
            skip,
            count,
            as_of,
        } = &words.list;
        if highlight.is_some() {
            let problem = "a group has no texts in which something is found".to_owned();
            let remedy = "leave out `highlight`, or ask for the records".to_owned();
            return Err(Error::malformed(
                Place::part(parameter::HIGHLIGHT),
                ViolationKind::Misused { problem, remedy },
            ));
        }
        if *count != Counting::None {
            let problem = "the number of records is one of the values of a group".to_owned();
            let remedy = "write count in `select`".to_owned();
            return Err(Error::malformed(Place::Count, ViolationKind::Misused { problem, remedy }));
        }
        let model = self.model();
        let checked = text.as_deref().map(|text| self.filter(*collection, text)).transpose()?;
        let groups = self.groups(*collection, &words.texts(), checked.as_deref())?;
        let written: Vec<Phrase> = groups.written().cloned().collect();
        let own = checked.as_ref().map_or(&[][..], |checked| &checked.params);
        let (of_filter, params) = filter::params(params, (own, &written), model)?;
        let place = |word: &str, at: Place| cursor::decode_of_groups((word, at), &groups, model);
        let compared = filter::compared(equals, model.collection(*collection), model)?;
        Ok(Aggregate {
            collection: *collection,
            perspective: self.perspective(*collection, as_of.as_deref())?,
            filter: Filter { expression: checked.map(|checked| Expression { checked, params: of_filter }), ..compared },
            search: search.as_deref().map(searched).transpose()?,
            limit: limit.unwrap_or(limits::PAGE_DEFAULT),
            start: start_of((after.as_deref(), before.as_deref(), skip.unwrap_or(0)), place)?,
            groups,
            params,
        })
    }
}

/// What other systems call `group` and `select`, as far as a list doesn't know it.
fn elsewhere(name: &str, value: Option<&str>) -> Option<ViolationKind> {
    let (plain, of) = name.split_once('[').map_or((name, ""), |(plain, rest)| (plain, rest.trim_end_matches(']')));
    let misused = |remedy: String| {
        let problem = format!("unknown parameter `{}`", shorten(name));
        Some(ViolationKind::Misused { problem, remedy })
    };
    let is_function = |name: &str| FoldFunction::ALL.into_iter().any(|function| function.name() == name);
    match plain.to_ascii_lowercase().as_str() {
        "groupby" | "group_by" | "_group" | "by" | "dimensions" | "facet" | "facets" => {
            misused("write `group`".to_owned())
        }
        "_count" => misused("write count in `select`".to_owned()),
        function @ ("_sum" | "_avg" | "_min" | "_max") => {
            misused(format!("write {}(FIELD) in `select`", function.trim_start_matches('_')))
        }
        "aggregate" | "aggregates" | "measures" | "metrics" => match value.filter(|value| !value.is_empty()) {
            Some(value) if value.contains('(') || is_function(value) => {
                misused(format!("write `select={}`", shorten(value)))
            }
            Some(_) if of == FoldFunction::Count.name() => misused("write count in `select`".to_owned()),
            Some(term) => {
                let function = if is_function(of) { of } else { "sum" };
                misused(format!("write {function}({}) in `select`", shorten(term)))
            }
            None => misused("write values such as count,sum(FIELD) in `select`".to_owned()),
        },
        _ if plain != "count" && is_function(plain) => {
            let term = value.filter(|value| !value.is_empty()).map_or("FIELD".to_owned(), shorten);
            misused(format!("write {plain}({term}) in `select`"))
        }
        _ => None,
    }
}
