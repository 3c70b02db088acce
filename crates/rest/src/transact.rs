//! The body of `POST /transact`: several requests that are answered together, or each by itself.

mod addressed;
mod body;
mod member;
mod misplaced;
mod place;
mod references;
mod sent;
mod single;
mod typed;
mod versions;

use std::sync::Arc;

use backstay_base::{CallerKind, Error, RecordId, limits};
use backstay_engine::{
    Answer, Asked, Context, Engine, ExplainedRequest, Explanation, Idempotency, Refused, RequestKind, Requests,
};
use backstay_model::Collection;
use bytes::Bytes;

pub use member::Member;
pub use single::SingleRequests;

use crate::reader::Reader;
use addressed::addressed;
use place::{at_request, place, together};
use references::{Names, Unread};
use sent::Sent;

/// Several requests as they were read, or what is wrong with each of them, with its places in the body.
#[derive(Debug)]
pub struct Batch {
    each: Vec<Result<Part, Unread>>,
    /// Which of those that were read have to answer their records, because others refer to them.
    shown: Vec<usize>,
}

/// One of the requests, and how it is written.
#[derive(Debug)]
struct Part {
    kind: RequestKind,
    asked: Asked,
}

impl Batch {
    /// Reads `{"requests": […]}`, in which each request names its collection by its path: `{"create": "posts", "body": …}`,
    /// `{"update": "posts", "id": …, "body": …}`, `{"delete": "posts", "id": …}`, `{"get": "posts", "id": …}`,
    /// `{"restore": "posts", "id": …, "body": …}`, `{"history": "posts", "id": …}`, `{"list": "posts", "query": …}` or
    /// `{"aggregate": "posts", "query": …}`. Collections that are not visible do not exist. A request can refer to the result
    /// of an earlier one. `me`: the account that calls.
    pub fn read(
        reader: &Arc<Reader>,
        body: &[u8],
        visible: &dyn Fn(&Collection) -> bool,
        me: Option<RecordId>,
    ) -> Result<Self, Error> {
        let sent: Vec<Result<Sent<'_>, Error>> =
            body::items(body)?.into_iter().map(|raw| Sent::read(raw, me)).collect();
        let (mut names, mut position) = (Names::of(&sent), 0);
        let mut each = Vec::with_capacity(sent.len());
        for (place, sent) in sent.into_iter().enumerate() {
            let read = sent.map_err(Unread::from).and_then(|sent| {
                let read = part(reader, (place, &sent), visible, &mut names);
                let name = names.name(place, &sent);
                if let Ok(Some(name)) = &name {
                    names.note(name.clone(), read.as_ref().ok().map(|part| (position, part.asked.known())));
                }
                name?;
                read
            });
            position += usize::from(read.is_ok());
            each.push(read.map_err(|Unread { error, follows }| Unread { error: at_request(error, place), follows }));
        }
        Ok(Self { each, shown: names.into_shown() })
    }

    /// Reads what this caller sent; what takes long to read waits for its turn among long reads.
    pub async fn read_in_turn(engine: &Engine, reader: &Arc<Reader>, cx: &Context, body: Bytes) -> Result<Self, Error> {
        let takes_long = Self::takes_long(reader, &body);
        let (served, reader, caller) = (engine.clone(), Arc::clone(reader), Arc::clone(cx.caller()));
        let read = move || {
            let visible = |collection: &Collection| served.exists_for(&caller, collection);
            let me = caller.id.filter(|_| caller.kind == CallerKind::Account);
            Self::read(&reader, &body, &visible, me)
        };
        if takes_long { engine.take_turn(cx, read).await? } else { read() }
    }

    /// Whether reading this body can take long: it is large, or the filters of its lists are long and aren't known yet.
    pub(crate) fn takes_long(reader: &Reader, body: &[u8]) -> bool {
        body.len() >= limits::LONG_BODY_BYTES || body::takes_long(reader, body)
    }

    /// Has writes not answer their records, as far as no other request needs them.
    pub fn minimal(&mut self) {
        for (position, part) in self.each.iter_mut().flatten().enumerate() {
            if let Some(options) = part.asked.known_mut().options_mut() {
                options.minimal = !self.shown.contains(&position);
            }
        }
    }

    /// The requests and how each is written. What is wrong with any of them is reported together.
    fn ready(self) -> Result<(Vec<RequestKind>, Vec<Asked>), Refused> {
        let (mut kinds, mut list, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for (index, read) in self.each.into_iter().enumerate() {
            match read {
                Ok(Part { kind, asked }) => {
                    kinds.push(kind);
                    list.push(asked);
                }
                // It is right if the one is that it refers to.
                Err(Unread { follows: true, .. }) if !wrong.is_empty() => {}
                Err(Unread { error, .. }) => wrong.push((index, error)),
            }
        }
        match wrong.len() {
            0 => Ok((kinds, list)),
            1 => {
                let (request, error) = wrong.swap_remove(0);
                Err(Refused::one(request, error))
            }
            _ => Err(Refused::whole(together(wrong.into_iter().map(|(_, error)| error)))),
        }
    }

    /// Has all of the requests answered, or none.
    pub async fn answered_together(
        self,
        (engine, cx): (&Engine, &Context),
        idempotency: Option<Idempotency>,
    ) -> Result<Vec<Option<Answer>>, Refused> {
        let (kinds, list) = self.ready()?;
        let answers = engine.answer_all(cx, Requests { list, idempotency }, crate::JSON).await;
        answers.map_err(|refused| as_written(refused, &kinds))
    }

    /// Explains how all of the requests would be answered together.
    pub async fn explained(self, engine: &Engine, cx: &Context) -> Result<Explanation, Refused> {
        let (kinds, list) = self.ready()?;
        let (mut explanation, refused) = engine.explain_all(cx, list, crate::JSON).await.map_err(Refused::whole)?;
        if let Some(refused) = refused {
            let Refused { request, error, .. } = as_written(refused, &kinds);
            match request {
                Some(request) => explanation.refuse(&format!("request {}: {error}", request + 1)),
                None => explanation.refuse(&error),
            }
        }
        Ok(explanation)
    }

    /// Explains how each of the requests would be answered by itself.
    ///
    /// # Errors
    /// None of them can be explained.
    pub async fn explained_each(self, engine: &Engine, cx: &Context) -> Result<Explanation, Error> {
        let (kinds, list) = self.apart();
        let (mut explanation, refused) = engine.explain_each(cx, list, crate::JSON).await?;
        let (mut told, mut refused) = (std::mem::take(&mut explanation.requests).into_iter(), refused.into_iter());
        let mut refusals = Vec::new();
        for (index, kind) in kinds.into_iter().enumerate() {
            let (told, refusal) = match kind {
                Ok(kind) => {
                    let refusal = refused.next().ok_or_else(|| Error::internal(Unanswered))?;
                    (told.next(), refusal.map(|refused| placed(refused, (index, kind))))
                }
                Err(Unread { error, .. }) => (None, Some(error)),
            };
            let unread = || ExplainedRequest::new(index, "not a request".to_owned());
            let refusal = refusal.map(|error| error.to_string());
            refusals.extend(refusal.iter().map(|refusal| format!("request {}: {refusal}", index + 1)));
            explanation.requests.push(ExplainedRequest { index, refusal, ..told.unwrap_or_else(unread) });
        }
        if !refusals.is_empty() {
            explanation.refuse(&refusals.join("; "));
        }
        Ok(explanation)
    }

    /// How each request is written, or what is wrong with it, and those that were read.
    fn apart(self) -> (Vec<Result<RequestKind, Unread>>, Vec<Asked>) {
        let (mut kinds, mut list) = (Vec::new(), Vec::new());
        for read in self.each {
            kinds.push(read.map(|Part { kind, asked }| {
                list.push(asked);
                kind
            }));
        }
        (kinds, list)
    }

    /// Has each of the requests answered by itself: what one of them is refused for is its result.
    pub async fn answered_each(
        self,
        (engine, cx): (&Engine, &Context),
        idempotency: Option<Idempotency>,
    ) -> Result<Vec<Result<Answer, Error>>, Error> {
        let (kinds, list) = self.apart();
        let answers = match list.is_empty() {
            true => Vec::new(),
            false => engine.answer_each(cx, backstay_engine::Requests { list, idempotency }, crate::JSON).await?,
        };
        let mut answers = answers.into_iter();
        let answered = |(index, kind): (usize, Result<RequestKind, Unread>)| {
            let kind = kind.map_err(|Unread { error, .. }| error)?;
            let answer = answers.next().ok_or_else(|| Error::internal(Unanswered))?;
            answer.map_err(|refused| placed(refused, (index, kind)))
        };
        Ok(kinds.into_iter().enumerate().map(answered).collect())
    }
}

fn part(
    reader: &Arc<Reader>,
    (place, sent): (usize, &Sent<'_>),
    visible: &dyn Fn(&Collection) -> bool,
    names: &mut Names,
) -> Result<Part, Unread> {
    let named = addressed(reader, sent, visible)?;
    Ok(Part { kind: sent.kind, asked: names.asked(reader, (place, named), sent)? })
}

/// Why requests that are written so were refused, with the places in their body.
fn as_written(refused: Refused, kinds: &[RequestKind]) -> Refused {
    let request = refused.request;
    match request.and_then(|index| Some((index, *kinds.get(index)?))) {
        Some(written) => Refused { request, incomplete: false, error: placed(refused, written) },
        None => refused,
    }
}

/// Why the request at this place, which is written in this way, was refused, with its places in the body.
fn placed(refused: Refused, written: (usize, RequestKind)) -> Error {
    if refused.incomplete { refused.error } else { place(written, refused.error) }
}

/// The engine answers every request.
#[derive(Debug, thiserror::Error)]
#[error("a request of a transaction was not answered")]
struct Unanswered;
