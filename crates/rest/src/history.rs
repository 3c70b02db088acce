//! The words of reads of the past: of the history of a record, and of a record as it was at a moment.

use backstay_base::{Error, Place, RecordId, Timestamp, Violation, ViolationKind, limits};
use backstay_engine::{Get, History, Perspective, Which, history_order};
use backstay_model::{Collection, CollectionId};
use backstay_scalar::{Scalar, Token, Value};
use serde_json::value::RawValue;

use crate::parameter::{AS_OF, page_limit};
use crate::reader::Reader;
use crate::words::{shorten, unknown};
use crate::{cursor, json, meant_parameter, url};

const LIMIT: &str = "limit";
const AFTER: &str = "after";
const SELECT: &str = "select";

impl Reader {
    /// Reads the query of `GET /api/{collection}/{id}`: `select` and `asOf`.
    pub fn get_of_query(&self, (collection, id): (CollectionId, RecordId), query: Option<&str>) -> Result<Get, Error> {
        let [select, as_of] = of_record(query)?;
        self.get((collection, id.into()), select.as_deref(), as_of.as_deref())
    }

    /// The typed form of a get.
    pub fn get(
        &self,
        (collection, which): (CollectionId, Which),
        select: Option<&str>,
        as_of: Option<&str>,
    ) -> Result<Get, Error> {
        let selection = self.selection(collection, select)?;
        Ok(Get { collection, which, selection, perspective: self.perspective(collection, as_of)? })
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

/// `select` and `asOf`.
pub(crate) fn of_record(query: Option<&str>) -> Result<[Option<String>; 2], Error> {
    known(query, [SELECT, AS_OF])
}

/// The values of these parameters of a URL, in their order. Others are refused.
fn known<const N: usize>(query: Option<&str>, names: [&str; N]) -> Result<[Option<String>; N], Error> {
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
