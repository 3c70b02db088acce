//! What has changed in a collection: the words of the question, and the answer.

use std::borrow::Cow;

use backstay_base::{Error, Held, Memory, Place, Violation, ViolationKind, limits};
use backstay_engine::{Changed, Changes, List, Perspective, SealedMark};
use backstay_model::CollectionId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::filter::few_params;
use crate::list_words::{ListWords, Raw};
use crate::parameter::{SELECT, page_limit};
use crate::reader::Reader;
use crate::words::{shorten, unknown};
use crate::{PageRecords, meant_parameter, url};

const SINCE: &str = "since";
const LIMIT: &str = "limit";

/// The filter by which changed records are read; the engine gives its parameter.
const CHANGED: &str = "id in $changedRecordIds";
const IDS: &str = "changedRecordIds";
/// What the answer has of a record in the trash.
const OF_TRASHED: &str = "id,version";

impl Reader {
    /// Reads the query of `GET /api/{collection}:changes`: `since`, `limit`, `select` and the values of its parameters.
    pub fn changes_of_query(&self, collection: CollectionId, query: Option<&str>) -> Result<Changes, Error> {
        let (mut words, mut since, mut violations) = (by_ids(collection), None, Vec::new());
        for (name, text) in url::of_url(query)? {
            let read = match &*name {
                SINCE => mark(&text).map(|mark| since = Some(mark)),
                LIMIT => page_limit(&text).map(|limit| words.limit = Some(limit)),
                SELECT => {
                    words.select = Some(text);
                    Ok(())
                }
                name if name.starts_with('$') => {
                    words.params.push((name[1..].to_owned(), Raw::Text(text)));
                    Ok(())
                }
                name => Err(unknown("parameter", name, meant_parameter(&[SINCE, LIMIT, SELECT], name))),
            };
            violations.extend(read.err().map(|kind| Violation::new(Place::part(shorten(&name)), kind)));
        }
        if let Err(kind) = few_params(&words.params) {
            violations.push(Violation::new(Place::Parameter(String::new()), kind));
        }
        if !violations.is_empty() {
            return Err(Error::Malformed(violations));
        }
        let trash = if self.model().collection(collection).trash.is_some() {
            let list = self.list(&ListWords { select: Some(OF_TRASHED.into()), ..by_ids(collection) })?;
            Some(List { perspective: Perspective::Trash, ..list })
        } else {
            None
        };
        let limit = words.limit.unwrap_or(limits::PAGE_DEFAULT);
        Ok(Changes { live: self.list(&words)?, trash, since, limit })
    }
}

/// A list of no records yet.
fn by_ids(collection: CollectionId) -> ListWords<'static> {
    let none = vec![(IDS.to_owned(), Raw::Text(Cow::Borrowed("[]")))];
    ListWords { filter: Some(CHANGED.into()), params: none, ..ListWords::of(collection) }
}

/// What an answer ended with.
fn mark(word: &str) -> Result<SealedMark, ViolationKind> {
    let bytes = URL_SAFE_NO_PAD.decode(word).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| ViolationKind::Misused {
        problem: "this is not the `next` of an earlier response".to_owned(),
        remedy: "send the `next` of the last response, or leave out `since` to start anew".to_owned(),
    })
}

/// `{"items": […], "removed": […], "next", "more"}`, put together from what was found in several steps.
#[derive(Debug)]
pub struct ChangesBody {
    items: Vec<u8>,
    removed: Vec<u8>,
    records: usize,
    held: Held,
}

impl ChangesBody {
    /// Without records.
    pub fn new(memory: &Memory) -> Self {
        Self { items: Vec::new(), removed: Vec::new(), records: 0, held: memory.hold() }
    }

    /// Adds what was found; whether it could: records that are too large for one answer are cut, and fewer are to be asked for.
    pub fn add(&mut self, found: &Changed) -> Result<bool, Error> {
        let live = PageRecords::of(&found.live.body)?;
        let trash = found.trash.as_ref().map(|page| PageRecords::of(&page.body)).transpose()?;
        if [Some(&live), trash.as_ref()].into_iter().flatten().any(|page| page.next.is_some()) {
            return Ok(false);
        }
        let bytes: usize =
            [Some(&found.live), found.trash.as_ref()].into_iter().flatten().map(|page| page.body.len()).sum();
        self.held.resize(self.bytes() + bytes)?;
        let removed = trash.map_or_else(Vec::new, |page| page.items);
        self.records += live.items.len() + removed.len();
        for (records, into) in [(live.items, &mut self.items), (removed, &mut self.removed)] {
            for record in records {
                if !into.is_empty() {
                    into.push(b',');
                }
                into.extend_from_slice(record.get().as_bytes());
            }
        }
        Ok(true)
    }

    /// How many more records it takes.
    pub fn room(&self, limit: u32) -> u32 {
        u32::try_from(self.records).map_or(0, |records| limit.saturating_sub(records))
    }

    /// How long its records are.
    pub fn bytes(&self) -> usize {
        self.items.len() + self.removed.len()
    }

    /// The whole body.
    pub fn finish(self, (next, more): (&SealedMark, bool), memory: &Memory) -> Result<Bytes, Error> {
        let Self { items, removed, records: _, held } = self;
        let next = URL_SAFE_NO_PAD.encode(next);
        let end = format!("],\"next\":\"{next}\",\"more\":{more}}}");
        let body = [&b"{\"items\":["[..], &items, b"],\"removed\":[", &removed, end.as_bytes()].concat();
        drop(held);
        Ok(memory.keep(body.into())?)
    }
}
