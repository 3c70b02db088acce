//! Requests from their admission to their answer, alone or several in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_base::Error;
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::inner::Inner;
use crate::read::{self, Alone, PreparedGet, PreparedList};
use crate::write_requests::{self, PreparedWrite};
use crate::{Answer, Context, Encoder, Refused, Request, Transaction, TxContext, Written, transaction};

/// A request that its caller may make on some record, checked and planned.
#[derive(Debug)]
pub(crate) enum Prepared {
    Get(PreparedGet, &'static dyn Encoder),
    List(PreparedList, &'static dyn Encoder),
    Write(PreparedWrite),
}

impl Prepared {
    /// Checks a request, and plans it.
    pub(crate) fn new(
        inner: &Inner,
        cx: &Context,
        request: Request,
        encoder: &'static dyn Encoder,
    ) -> Result<Self, Error> {
        Ok(match request {
            Request::Get(get) => Self::Get(read::prepare_get(inner, cx, get)?, encoder),
            Request::List(list) => Self::List(read::prepare_list(inner, cx, list)?, encoder),
            Request::Create(create) => Self::Write(write_requests::create(inner, cx, create, encoder)?),
            Request::Update(update) => Self::Write(write_requests::update(inner, cx, update, encoder)?),
            Request::Delete(delete) => Self::Write(write_requests::delete(inner, cx, delete, encoder)?),
        })
    }

    /// How much it may write.
    pub(crate) fn writes(&self) -> Writes {
        match self {
            Self::Get(..) | Self::List(..) => Writes::None,
            Self::Write(write) => write.writes(),
        }
    }

    /// Runs it in a transaction.
    pub(crate) async fn run(&self, cx: &mut TxContext<'_, '_>) -> Result<Answer, Error> {
        let within = (cx.engine, cx.cx);
        match self {
            Self::Get(get, encoder) => read::get(cx, within, get, *encoder).await.map(Answer::Found),
            Self::List(list, encoder) => read::list(cx, within, list, *encoder).await.map(Answer::Page),
            Self::Write(write) => write.run(cx).await.map(Answer::Written),
        }
    }

    fn write(&self) -> Option<&PreparedWrite> {
        match self {
            Self::Write(write) => Some(write),
            Self::Get(..) | Self::List(..) => None,
        }
    }
}

/// Answers one request: a read by one statement of its own, a write in one commit.
pub(crate) async fn answer(
    inner: &Arc<Inner>,
    cx: &Context,
    request: Request,
    encoder: &'static dyn Encoder,
) -> Result<Answer, Error> {
    match Prepared::new(inner, cx, request, encoder)? {
        Prepared::Get(get, encoder) => {
            read::get(&mut Alone(inner), (inner, cx), &get, encoder).await.map(Answer::Found)
        }
        Prepared::List(list, encoder) => {
            read::list(&mut Alone(inner), (inner, cx), &list, encoder).await.map(Answer::Page)
        }
        Prepared::Write(write) => {
            let _held = write.claim.as_ref().map(|claim| inner.in_flight.hold(claim)).transpose()?;
            transaction::run(inner, cx, One(write)).await.map(Answer::Written)
        }
    }
}

/// A write in a transaction of its own.
struct One(PreparedWrite);

impl Transaction for One {
    type Answer = Written;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn writes(&self) -> Writes {
        self.0.writes()
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(self.0.run(cx))
    }
}

/// Answers several requests on one snapshot, and in one commit if any of them writes: all of them or none. Each sees what
/// those before it did.
pub(crate) async fn answer_all(
    inner: &Arc<Inner>,
    cx: &Context,
    requests: Vec<Request>,
    encoder: &'static dyn Encoder,
) -> Result<Vec<Answer>, Refused> {
    let mut prepared = Vec::with_capacity(requests.len());
    for (index, request) in requests.into_iter().enumerate() {
        let one = Prepared::new(inner, cx, request, encoder).map_err(|error| Refused { request: index, error })?;
        prepared.push(one);
    }
    let mut held = Vec::new();
    for (index, one) in prepared.iter().enumerate() {
        if let Some(claim) = one.write().and_then(|write| write.claim.as_ref()) {
            held.push(inner.in_flight.hold(claim).map_err(|error| Refused { request: index, error })?);
        }
    }
    let reached = Arc::new(AtomicUsize::new(0));
    let all = All { requests: prepared.into(), reached: Arc::clone(&reached) };
    let answers = transaction::run(inner, cx, all).await;
    answers.map_err(|error| Refused { request: reached.load(Ordering::Relaxed), error })
}

/// Several requests in one transaction.
struct All {
    requests: Box<[Prepared]>,
    /// The request that is run: the one that is refused, if one is.
    reached: Arc<AtomicUsize>,
}

impl Transaction for All {
    type Answer = Vec<Answer>;

    fn name(&self) -> &'static str {
        "transact"
    }

    fn writes(&self) -> Writes {
        match self.requests.iter().all(|request| request.writes() == Writes::None) {
            true => Writes::None,
            false => Writes::Many,
        }
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Vec<Answer>, Error>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(self.requests.len());
            for (index, request) in self.requests.iter().enumerate() {
                self.reached.store(index, Ordering::Relaxed);
                answers.push(request.run(cx).await?);
                // What the database refuses of this request shows before the next begins.
                cx.settle().await?;
            }
            Ok(answers)
        })
    }
}
