//! What has changed in a collection since somebody last asked: found in the commit log, and read as a list reads it.

use std::collections::HashSet;

use backstay_base::{Action, Error, Place, RecordId, TypeNumber, ViolationKind, limits};
use backstay_scalar::Value;
use backstay_store::{Entry, LogEntry, LogMark, RecordKey, SealedMark, StoreError};

use crate::inner::Inner;
use crate::{Answer, Context, Encoder, Engine, List, Page, Request};

/// Asks for the records of a collection that have changed.
#[derive(Debug)]
pub struct Changes {
    /// What is answered of the records. Its filter has one parameter: their ids.
    pub live: List,
    /// The same of those that are in the trash, if the type has one.
    pub trash: Option<List>,
    /// Since when: what an earlier answer ended with. Without it, nothing has changed.
    pub since: Option<SealedMark>,
    /// The most records that are answered.
    pub limit: u32,
}

/// How far somebody who follows a collection has come.
#[derive(Debug, Clone)]
pub struct Follower {
    mark: LogMark,
    /// The end of the log before anything was read.
    end: LogMark,
    /// What was read since, as it is after the end: it needn't be read again for entries before it.
    read: HashSet<RecordId>,
}

/// What has changed, as far as the caller sees it.
#[derive(Debug)]
pub struct Changed {
    /// The records.
    pub live: Page,
    /// Those in the trash.
    pub trash: Option<Page>,
    /// How far the log was read.
    pub follower: Follower,
    /// Whether there may be more.
    pub more: bool,
}

impl Engine {
    /// Begins to read what has changed in a collection up to now. Fails if the mark isn't one of this database.
    pub async fn follow(&self, cx: &Context, changes: &Changes) -> Result<Follower, Error> {
        self.admit_some(cx, &[changes.live.collection], Action::Search)?;
        let store = &self.inner.store;
        let opened = changes.since.as_ref().map(|since| store.open_mark(since).ok_or_else(unknown_mark)).transpose()?;
        let end = store.log_end().await.map_err(|error| self.inner.refused(error))?;
        Ok(Follower { mark: opened.unwrap_or(end), end, read: HashSet::new() })
    }

    /// Answers with records that commits have changed and that the caller sees now, of at most so many whether or not the
    /// caller sees them. Their reads begin after the log was read: what is committed in between is answered once more after
    /// the next mark, and nothing is passed over. Fails if the log no longer has all entries since the mark.
    pub async fn changed(
        &self,
        cx: &Context,
        changes: &Changes,
        (follower, room): (&Follower, u32),
        encoder: &'static dyn Encoder,
    ) -> Result<Changed, Error> {
        self.admit_some(cx, &[changes.live.collection], Action::Search)?;
        let of = self.inner.store.catalog().type_number(changes.live.collection);
        let Scan { ids, mut follower, more, .. } = Scan::of(&self.inner, (of, room), follower.clone()).await?;
        let sought = Value::List(ids.iter().copied().map(Value::Id).collect());
        let live = self.those(cx, (changes.live.clone(), &sought), encoder).await?;
        // The trash may be closed to callers who read the records.
        let trash = changes.trash.clone();
        let trash = trash.filter(|list| self.admit_some(cx, &[list.collection], Action::Trash).is_ok());
        // A record that is moved there in between is answered as both, which is read as removed.
        let trash = match trash {
            Some(list) => Some(self.those(cx, (list, &sought), encoder).await?),
            None => None,
        };
        follower.read.extend(ids);
        Ok(Changed { live, trash, follower, more })
    }

    /// A mark with which a caller goes on from here.
    pub fn seal_mark(&self, follower: &Follower) -> SealedMark {
        let mut nonce = [0; 8];
        self.ambient().entropy.fill(&mut nonce);
        self.inner.store.seal_mark(follower.mark, nonce)
    }

    /// The records of a list that have one of these ids.
    async fn those(
        &self,
        cx: &Context,
        (mut list, ids): (List, &Value),
        encoder: &'static dyn Encoder,
    ) -> Result<Page, Error> {
        let expression = list.filter.expression.as_mut().ok_or_else(|| Error::internal(NotById))?;
        expression.params = vec![ids.clone()];
        list.limit = limits::PAGE_MAX;
        match self.answer(cx, Request::List(list), encoder).await? {
            Answer::Page(page) => Ok(page),
            Answer::Found(_) | Answer::Written(_) => Err(Error::internal(NotById)),
        }
    }
}

/// A door asked for changes without a filter by ids.
#[derive(Debug, thiserror::Error)]
#[error("changes were asked for without a list by ids")]
struct NotById;

fn unknown_mark() -> Error {
    let problem = "this is not the `next` of an earlier response".to_owned();
    let remedy = "send the `next` of the last response, or leave out `since` to start anew".to_owned();
    Error::malformed(Place::part("since"), ViolationKind::Misused { problem, remedy })
}

/// The records of one type that entries of the log name.
struct Scan {
    of: TypeNumber,
    room: usize,
    ids: HashSet<RecordId>,
    follower: Follower,
    more: bool,
}

impl Scan {
    async fn of(inner: &Inner, (of, room): (TypeNumber, u32), follower: Follower) -> Result<Self, Error> {
        let mut scan = Self { of, room: room as usize, ids: HashSet::new(), follower, more: false };
        for _ in 0..limits::CHANGES_STEPS {
            let entries = inner.store.log_after(scan.follower.mark, limits::CHANGES_ENTRIES).await;
            let entries = entries.map_err(|error| inner.refused(error))?.ok_or(Error::ChangesGone)?;
            let end = scan.follower.end.sequence;
            for entry in entries.iter().filter(|entry| entry.sequence <= end) {
                if !scan.take(entry).map_err(|error| inner.refused(error))? {
                    scan.more = true;
                    return Ok(scan);
                }
            }
            if scan.follower.mark.sequence >= end {
                return Ok(scan);
            }
        }
        scan.more = true;
        Ok(scan)
    }

    /// Takes the records of an entry; whether it could take all of them.
    fn take(&mut self, stored: &LogEntry) -> Result<bool, StoreError> {
        let damaged = || StoreError::Catalog("backstay_log");
        let entry = Entry::decode(&stored.entry).map_err(|_| damaged())?;
        let records = entry.changes.iter().flat_map(|change| change.records.iter().map(move |record| (change, record)));
        for (place, (change, record)) in (0_u32..).zip(records) {
            if change.type_number != self.of || place < self.follower.mark.records {
                continue;
            }
            let id = id_of(&record.key).ok_or_else(damaged)?;
            if self.ids.contains(&id) || self.follower.read.contains(&id) {
                continue;
            }
            if self.ids.len() == self.room {
                self.follower.mark.records = place;
                return Ok(false);
            }
            self.ids.insert(id);
        }
        self.follower.mark = LogMark::after(stored);
        Ok(true)
    }
}

/// The record that a key of the log names.
fn id_of(key: &RecordKey) -> Option<RecordId> {
    match key.value() {
        Value::Id(id) => Some(*id),
        Value::Int(number) => RecordId::from_number(*number),
        Value::Text(text) => RecordId::from_text(text),
        Value::Null
        | Value::Bool(_)
        | Value::Float(_)
        | Value::Decimal(_)
        | Value::Timestamp(_)
        | Value::Date(_)
        | Value::Duration(_)
        | Value::Money(_)
        | Value::Json(_)
        | Value::Bytes(_)
        | Value::List(_) => None,
    }
}
