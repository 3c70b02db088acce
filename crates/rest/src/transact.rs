//! The body of `POST /transact`: several requests that are answered together, or each by itself.

mod addressed;
mod body;
mod member;
mod misplaced;
mod place;
mod sent;
mod typed;
mod versions;

use std::sync::Arc;

use backstay_base::Error;
use backstay_engine::{Answer, Context, Engine, Idempotency, Refused, Request, RequestKind, Requests};
use backstay_model::Collection;
use bytes::Bytes;
use serde_json::value::RawValue;

pub use member::Member;

use crate::reader::Reader;
use addressed::addressed;
use place::{at_request, place, together};
use sent::Sent;

/// Several requests as they were read, or what is wrong with each of them, with its places in the body.
#[derive(Debug)]
pub struct Batch {
    each: Vec<Result<Part, Error>>,
}

/// One of the requests, and how it is written.
#[derive(Debug)]
struct Part {
    kind: RequestKind,
    request: Request,
}

impl Batch {
    /// Reads `{"requests": […]}`, in which each request names its collection by its path: `{"create": "posts", "body": …}`,
    /// `{"update": "posts", "id": …, "body": …}`, `{"delete": "posts", "id": …}`, `{"get": "posts", "id": …}`,
    /// `{"restore": "posts", "id": …, "body": …}`, `{"history": "posts", "id": …}`, `{"list": "posts", "query": …}` or
    /// `{"aggregate": "posts", "query": …}`. Collections that are not visible do not exist.
    pub fn read(reader: &Reader, body: &[u8], visible: &dyn Fn(&Collection) -> bool) -> Result<Self, Error> {
        let read = |(index, item)| part(reader, item, visible).map_err(|error| at_request(error, index));
        Ok(Self { each: body::items(body)?.into_iter().enumerate().map(read).collect() })
    }

    /// Reads what this caller sent; what takes long to read waits for its turn among long reads.
    pub async fn read_in_turn(engine: &Engine, reader: &Arc<Reader>, cx: &Context, body: Bytes) -> Result<Self, Error> {
        let takes_long = Self::takes_long(reader, &body);
        let (served, reader, caller) = (engine.clone(), Arc::clone(reader), Arc::clone(cx.caller()));
        let read = move || {
            let visible = |collection: &Collection| served.exists_for(&caller, collection);
            Self::read(&reader, &body, &visible)
        };
        if takes_long { engine.take_turn(cx, read).await? } else { read() }
    }

    /// Whether reading this body can take long: the filters of its lists are long and aren't known yet.
    pub(crate) fn takes_long(reader: &Reader, body: &[u8]) -> bool {
        body::takes_long(reader, body)
    }

    /// Has writes not answer their records.
    pub fn minimal(&mut self) {
        for part in self.each.iter_mut().flatten() {
            if let Some(options) = part.request.options_mut() {
                options.minimal = true;
            }
        }
    }

    /// Has all of the requests answered, or none. What is wrong with any of them is reported together.
    pub async fn answered_together(
        self,
        (engine, cx): (&Engine, &Context),
        idempotency: Option<Idempotency>,
    ) -> Result<Vec<Option<Answer>>, Refused> {
        let (mut kinds, mut list, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for (index, read) in self.each.into_iter().enumerate() {
            match read {
                Ok(Part { kind, request }) => {
                    kinds.push(kind);
                    list.push(request);
                }
                Err(error) => wrong.push((index, error)),
            }
        }
        match wrong.len() {
            0 => {}
            1 => {
                let (request, error) = wrong.swap_remove(0);
                return Err(Refused { request: Some(request), error });
            }
            _ => return Err(Refused { request: None, error: together(wrong.into_iter().map(|(_, error)| error)) }),
        }
        let answers = engine.answer_all(cx, Requests { list, idempotency }, crate::JSON).await;
        answers.map_err(|Refused { request, error }| {
            let written = request.and_then(|index| Some((index, *kinds.get(index)?)));
            let error = match written {
                Some(written) => place(written, error),
                None => error,
            };
            Refused { request, error }
        })
    }

    /// Has each of the requests answered by itself: what one of them is refused for is its result.
    pub async fn answered_each(
        self,
        (engine, cx): (&Engine, &Context),
        idempotency: Option<Idempotency>,
    ) -> Result<Vec<Result<Answer, Error>>, Error> {
        let (mut kinds, mut list) = (Vec::new(), Vec::new());
        for read in self.each {
            kinds.push(read.map(|Part { kind, request }| {
                list.push(request);
                kind
            }));
        }
        let answers = match list.is_empty() {
            true => Vec::new(),
            false => engine.answer_each(cx, Requests { list, idempotency }, crate::JSON).await?,
        };
        let mut answers = answers.into_iter();
        let answered = |(index, kind): (usize, Result<RequestKind, Error>)| {
            let kind = kind?;
            let answer = answers.next().ok_or_else(|| Error::internal(Unanswered))?;
            answer.map_err(|error| place((index, kind), error))
        };
        Ok(kinds.into_iter().enumerate().map(answered).collect())
    }
}

fn part(reader: &Reader, raw: &RawValue, visible: &dyn Fn(&Collection) -> bool) -> Result<Part, Error> {
    let sent = Sent::read(raw)?;
    let named = addressed(reader, &sent, visible)?;
    Ok(Part { kind: sent.kind, request: sent.typed(reader, named)? })
}

/// The engine answers every request.
#[derive(Debug, thiserror::Error)]
#[error("a request of a transaction was not answered")]
struct Unanswered;
