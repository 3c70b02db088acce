//! The words of reads of the past: of the history of a record, and of a record as it was at a moment.

use std::borrow::Cow;

use backstay_base::{Error, Place, RecordId, Timestamp, Violation, ViolationKind, limits};
use backstay_engine::{Get, History, Perspective, Which, history_order};
use backstay_model::{Collection, CollectionId};
use backstay_scalar::{Scalar, Token, Value};
use serde_json::value::RawValue;

use crate::filter::few_params;
use crate::list_words::Raw;
use crate::parameter::{AS_OF, SELECT, page_limit};
use crate::reader::{Named, Reader};
use crate::url::Pair;
use crate::words::{shorten, unknown};
use crate::{cursor, json, meant_parameter, url};

const LIMIT: &str = "limit";
const AFTER: &str = "after";

impl Reader {
    /// Reads the query of `GET /api/{collection}/{id}`: `select`, the values of its parameters, and `asOf`.
    pub fn get_of_query(&self, (collection, id): (CollectionId, RecordId), query: Option<&str>) -> Result<Get, Error> {
        self.get((collection, id.into()), &of_record(query)?)
    }

    /// The typed form of a get.
    pub fn get(&self, (collection, which): (CollectionId, Which), words: &GetWords<'_>) -> Result<Get, Error> {
        let GetWords { select, params, as_of } = words;
        let (selection, params) = self.selected(Named::of(collection), select.as_deref(), params)?;
        Ok(Get { collection, which, selection, params, perspective: self.perspective(collection, as_of.as_deref())? })
    }

    /// Reads the query of `GET /api/{collection}/{id}:history`: `limit` and `after`.
    pub fn history_of_query(&self, record: (CollectionId, RecordId), query: Option<&str>) -> Result<History, Error> {
        let [limit, after] = known(query, [LIMIT, AFTER])?;
        self.history(record, limit.as_deref(), after.as_deref())
    }

    /// Reads the same as a JSON object.
    pub(crate) fn history_of_body(
        &self,
        record: (CollectionId, RecordId),
        body: Option<&RawValue>,
    ) -> Result<History, Error> {
        let (mut limit, mut after) = (None, None);
        for (name, raw) in body.map_or(Ok(Vec::new()), |body| json::members(body.get().as_bytes()))? {
            let wrong = |kind| Error::malformed(Place::member(shorten(&name)), kind);
            match &*name {
                LIMIT if limit.is_none() => limit = Some(raw.get()),
                AFTER if after.is_none() => after = json::text(raw, "a string").map_err(wrong)?,
                LIMIT | AFTER => return Err(wrong(ViolationKind::Duplicate)),
                other => return Err(wrong(unknown("member", other, meant_parameter(&[LIMIT, AFTER], other)))),
            }
        }
        self.history(record, limit, after.as_deref())
    }

    fn history(
        &self,
        (collection, id): (CollectionId, RecordId),
        limit: Option<&str>,
        after: Option<&str>,
    ) -> Result<History, Error> {
        let model = self.model();
        let limit = limit.map(page_limit).transpose().map_err(|kind| Error::malformed(Place::Limit, kind))?;
        let versions = model.collection(collection).history.as_ref().map(|history| model.collection(history.versions));
        let layout = versions.and_then(|of| Some((of, history_order(of.versions.as_ref()?))));
        let after = after.zip(layout);
        let after = after
            .map(|(word, (versions, order))| cursor::decode((word, Place::After), &order, versions, model))
            .transpose()?;
        Ok(History { collection, id, limit: limit.unwrap_or(limits::PAGE_DEFAULT), after })
    }

    /// In which version of the data records are read.
    pub(crate) fn perspective(&self, collection: CollectionId, as_of: Option<&str>) -> Result<Perspective, Error> {
        match as_of {
            Some(text) => moment(self.model().collection(collection), text).map(Perspective::AsOf),
            None => Ok(Perspective::Live),
        }
    }
}

/// Whether a query asks for the past.
pub fn is_of_past(query: Option<&str>) -> bool {
    let names = || url::of_url(query).is_ok_and(|pairs| pairs.iter().any(|(name, _)| name == AS_OF));
    query.is_some_and(|query| query.contains(AS_OF)) && names()
}

/// A moment of the past of a collection that has one.
fn moment(collection: &Collection, text: &str) -> Result<Timestamp, Error> {
    let wrong = |kind| Error::malformed(Place::AsOf, kind);
    if collection.history.is_none() {
        let problem = format!("{} has no history", collection.name);
        let remedy = "leave out `asOf`; only types with `@history` can be read as they were".to_owned();
        return Err(wrong(ViolationKind::Misused { problem, remedy }));
    }
    match Scalar::DateTime.read(Token::Bare(text)) {
        Ok(Value::Timestamp(moment)) => Ok(moment),
        Ok(_) => Err(wrong(ViolationKind::Required)),
        Err(problem) => Err(wrong(problem.into())),
    }
}

/// A get as it is written, its values not yet typed.
#[derive(Debug, Clone, Default)]
pub struct GetWords<'w> {
    /// What to answer, such as `title,author{name}`.
    pub select: Option<Cow<'w, str>>,
    /// The values of the parameters in that, by their names without `$`.
    pub params: Vec<(String, Raw<'w>)>,
    /// The moment as of which the record is read.
    pub as_of: Option<Cow<'w, str>>,
}

/// The words of a get in a URL.
pub(crate) fn of_record(query: Option<&str>) -> Result<GetWords<'_>, Error> {
    words_of(url::of_url(query)?, &[SELECT, AS_OF])
}

/// Those of these parameters that have one of the names, and the values of parameters in `select`.
pub(crate) fn words_of<'w>(pairs: Vec<Pair<'w>>, names: &[&str]) -> Result<GetWords<'w>, Error> {
    let (mut words, mut violations) = (GetWords::default(), Vec::new());
    for (name, text) in pairs {
        match &*name {
            SELECT => words.select = Some(text),
            AS_OF if names.contains(&AS_OF) => words.as_of = Some(text),
            name if name.starts_with('$') => words.params.push((name[1..].to_owned(), Raw::Text(text))),
            name => {
                let kind = unknown("parameter", name, meant_parameter(names, name));
                violations.push(Violation::new(Place::part(shorten(name)), kind));
            }
        }
    }
    if let Err(kind) = few_params(&words.params) {
        violations.push(Violation::new(Place::Parameter(String::new()), kind));
    }
    if violations.is_empty() { Ok(words) } else { Err(Error::Malformed(violations)) }
}

/// The values of these parameters of a URL, in their order. Others are refused.
pub(crate) fn known<const N: usize>(query: Option<&str>, names: [&str; N]) -> Result<[Option<String>; N], Error> {
    let (mut values, mut violations) = (std::array::from_fn(|_| None), Vec::new());
    for (name, text) in url::of_url(query)? {
        if let Some(place) = names.iter().position(|known| *known == name) {
            values[place] = Some(text.into_owned());
        } else {
            let kind = unknown("parameter", &name, meant_parameter(&names, &name));
            violations.push(Violation::new(Place::part(shorten(&name)), kind));
        }
    }
    if violations.is_empty() { Ok(values) } else { Err(Error::Malformed(violations)) }
}
