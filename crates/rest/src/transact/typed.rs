//! The typed form of a request that was taken apart.

use std::borrow::Cow;

use backstay_base::{Error, Place, RecordId, Step, Violation, ViolationKind};
use backstay_engine::{
    Aggregate, Create, Input, List, MatchingAct, MatchingVerb, OfMatching, OfRecord, RecordAct, RecordVerb, Replace,
    Request, RequestKind, Update, Which, WriteOptions,
};
use backstay_model::{CollectionId, FieldId, InterfaceId};
use backstay_scalar::{Scalar, Token};
use serde_json::value::RawValue;

use super::Member;
use super::addressed::Named;
use super::place::{in_key, in_query, in_request, in_selection, moved};
use super::sent::Sent;
use crate::filter::few_params;
use crate::list::{NULL_PARAMETER, pairs};
use crate::matching::unfiltered;
use crate::reader::Reader;
use crate::{GetWords, Matching, inputs, json, patch, replacement, upserts};

impl Sent<'_> {
    /// The request that this is.
    pub(super) fn typed(&self, reader: &Reader, named: Named) -> Result<Request, Error> {
        match named {
            Named::Collection(collection) => self.of_collection(reader, collection),
            Named::Interface(interface) => self.of_types(reader, interface),
        }
    }

    /// A request about a collection.
    fn of_collection(&self, reader: &Reader, collection: CollectionId) -> Result<Request, Error> {
        let (model, kind) = (reader.model(), self.kind);
        let body = || {
            let missing = || Error::malformed(Place::member("body"), ViolationKind::Required);
            self.member(Member::Body).map(|raw| raw.get().as_bytes()).ok_or_else(missing)
        };
        let within = |error| in_request(error, kind);
        Ok(match kind {
            RequestKind::Get => {
                let words = self.words()?;
                let record = (collection, self.which(reader, collection)?);
                Request::Get(reader.get(record, &words).map_err(within)?)
            }
            RequestKind::List => Request::List(match self.member(Member::Query) {
                Some(query) => reader.list_of_body(collection, query.get().as_bytes()).map_err(within)?,
                None => List::of(collection),
            }),
            RequestKind::History => {
                let record = (collection, self.id(reader, collection)?);
                Request::History(reader.history_of_body(record, self.member(Member::Query)).map_err(within)?)
            }
            RequestKind::Aggregate => Request::Aggregate(self.groups(reader, collection).map_err(within)?),
            RequestKind::Create => {
                let on_conflict = self.key(reader, collection)?;
                let read = if on_conflict.is_some() { upserts } else { inputs };
                let inputs = read(model, collection, body()?).map_err(within)?;
                Request::Create(Create { collection, inputs, on_conflict, options: self.options(reader, collection)? })
            }
            RequestKind::Update => {
                let input = patch(model, collection, body()?).map_err(within)?;
                let (which, options) = (self.which(reader, collection)?, self.options(reader, collection)?);
                Request::Update(Update { collection, which, input, options })
            }
            RequestKind::OfMatching(verb) => {
                let raw = self.member(Member::Query).ok_or_else(|| {
                    Error::malformed(Place::member("query"), unfiltered("write {\"query\": {\"filter\": \"true\"}}"))
                })?;
                let matching = reader.matching_of_body(collection, raw.get().as_bytes());
                let sent = |error| moved(error, |at| at.within(Step::Member(Member::Body.name().to_owned())));
                let Matching { filter, reach, dry_run } = matching.map_err(in_query)?;
                let act = match verb {
                    MatchingVerb::Update => MatchingAct::Update(patch(model, collection, body()?).map_err(sent)?),
                    MatchingVerb::Delete => MatchingAct::Delete,
                };
                let options = WriteOptions::default();
                Request::OfMatching(OfMatching { act, collection, filter, reach, dry_run, options })
            }
            RequestKind::Replace => {
                let input = replacement(model, collection, body()?).map_err(within)?;
                let (which, options) = (self.which(reader, collection)?, self.options(reader, collection)?);
                Request::Replace(Replace { collection, which, input, options })
            }
            RequestKind::OfRecord(verb) => {
                let act = match (verb, self.member(Member::Body)) {
                    (RecordVerb::Delete, _) => RecordAct::Delete,
                    (RecordVerb::Purge, _) => RecordAct::Purge,
                    (RecordVerb::Restore, None) => RecordAct::Restore(Input::new()),
                    (RecordVerb::Restore, Some(raw)) => {
                        RecordAct::Restore(patch(model, collection, raw.get().as_bytes()).map_err(within)?)
                    }
                };
                let which = self.which(reader, collection)?;
                Request::OfRecord(OfRecord { act, collection, which, options: self.options(reader, collection)? })
            }
        })
    }

    /// Groups, from `query`.
    fn groups(&self, reader: &Reader, collection: CollectionId) -> Result<Aggregate, Error> {
        reader.aggregate_of_body(collection, self.member(Member::Query).map_or("{}", RawValue::get).as_bytes())
    }

    /// A read of the types of an interface. Nothing else can be asked of several types.
    fn of_types(&self, reader: &Reader, interface: InterfaceId) -> Result<Request, Error> {
        let kind = self.kind;
        let within = |error| in_request(error, kind);
        Ok(match kind {
            RequestKind::Get => {
                let words = self.words()?;
                let record = (interface, self.named_id(Scalar::UUID)?);
                Request::GetOfTypes(reader.get_of_types(record, &words).map_err(within)?)
            }
            RequestKind::List => {
                let query = self.member(Member::Query).map_or("{}", RawValue::get);
                Request::ListOfTypes(reader.list_of_types_of_body(interface, query.as_bytes()).map_err(within)?)
            }
            RequestKind::Create
            | RequestKind::Update
            | RequestKind::Replace
            | RequestKind::OfRecord(_)
            | RequestKind::OfMatching(_)
            | RequestKind::History
            | RequestKind::Aggregate => {
                let name = &reader.model().interface(interface).name;
                let problem = format!("{name} is an interface, whose records can only be read with `get` and `list`");
                let remedy = "write the path of the record's type".to_owned();
                return Err(Error::malformed(Place::member(kind.name()), ViolationKind::Misused { problem, remedy }));
            }
        })
    }

    /// `select`, `params` and `asOf`.
    fn words(&self) -> Result<GetWords<'_>, Error> {
        let text = |member: Member| {
            let text = self.member(member).map(|raw| json::text(raw, "a text")).transpose();
            text.map(Option::flatten).map_err(|kind| Error::malformed(Place::member(member.name()), kind))
        };
        let (select, as_of) = (text(Member::Select)?, text(Member::AsOf)?);
        let (mut params, at) = (Vec::new(), Place::member(Member::Params.name()));
        let mut wrong =
            self.member(Member::Params).map_or_else(Vec::new, |raw| pairs(&at, raw, NULL_PARAMETER, &mut params));
        wrong.extend(few_params(&params).err().map(|kind| Violation::new(at, kind)));
        if !wrong.is_empty() {
            return Err(Error::Malformed(wrong));
        }
        Ok(GetWords { select: select.map(Cow::Owned), params, as_of: as_of.map(Cow::Owned) })
    }

    /// The record that `id` or `by` names.
    fn which(&self, reader: &Reader, collection: CollectionId) -> Result<Which, Error> {
        let Some(by) = self.member(Member::By) else {
            if self.member(Member::Id).is_none() && reader.single(collection).is_none() {
                let problem = "the request doesn't say which record it is about".to_owned();
                let misused = ViolationKind::Misused { problem, remedy: "write `id` or `by`".to_owned() };
                return Err(Error::malformed(Place::member("id"), misused));
            }
            return self.id(reader, collection).map(Which::Id);
        };
        if self.member(Member::Id).is_some() {
            let problem = "`id` and `by` both name the record".to_owned();
            let misused = ViolationKind::Misused { problem, remedy: "leave one of them out".to_owned() };
            return Err(Error::malformed(Place::member("by"), misused));
        }
        reader
            .key_of_body(collection, by, self.me)
            .map_err(|error| moved(error, |at| in_key(at).within(Step::Member("by".to_owned()))))
    }

    fn id(&self, reader: &Reader, collection: CollectionId) -> Result<RecordId, Error> {
        match reader.single(collection) {
            Some(id) => Ok(id),
            None => self.named_id(reader.model().collection(collection).key.scalar()),
        }
    }

    fn named_id(&self, key: Scalar) -> Result<RecordId, Error> {
        let wrong = |kind| Error::malformed(Place::member("id"), kind);
        let raw = self.member(Member::Id).ok_or_else(|| wrong(ViolationKind::Required))?;
        let id = key.read(Token::Json(raw.get())).map_err(|problem| wrong(problem.into()))?;
        id.as_id().ok_or_else(|| wrong(ViolationKind::Required))
    }

    /// `onConflict`: the comma-separated fields of a unique key.
    fn key(&self, reader: &Reader, collection: CollectionId) -> Result<Option<Vec<FieldId>>, Error> {
        let Some(raw) = self.member(Member::OnConflict) else { return Ok(None) };
        let wrong = |kind| Error::malformed(Place::member(Member::OnConflict.name()), kind);
        let expected = "the fields of a unique key in a string, such as \"sku\" or \"room,number\"";
        let names = json::text(raw, expected).map_err(wrong)?;
        names.map(|names| reader.key_named(collection, &names)).transpose().map_err(wrong)
    }

    fn options(&self, reader: &Reader, collection: CollectionId) -> Result<WriteOptions, Error> {
        let shown = reader.shown(collection, &self.words()?).map_err(in_selection)?;
        let if_match = self.wanted_version()?;
        Ok(WriteOptions { if_match, shown, ..WriteOptions::default() })
    }
}
