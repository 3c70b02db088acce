//! A call of a hook before changes, as the procedure that carries it out sees it: it reads, and nothing else.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use backstay_base::{Ambient, Caller, CallerKind, Error, Flow, Limit, Place, RecordId, ViolationKind, limits};
use backstay_model::Collection;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::session::{Known, Noted, Unanswered};
use crate::context::Reread;
use crate::inner::{Inner, exists_for};
use crate::noted::digest;
use crate::prepared;
use crate::read::PageSize;
use crate::{Context, Notation, Trace};

/// Carries out a hook before changes.
pub trait BeforeProcedure: fmt::Debug + Send + Sync {
    /// What it says of each change of the call, in their order.
    fn run(&self, call: BeforeCall) -> BoxFuture<'_, Result<Vec<BeforeOutcome>, Error>>;
}

/// What a hook says of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeforeOutcome {
    /// It goes on, and these fields get other values: a JSON object.
    Changes(String),
    /// It is refused.
    Refused {
        /// The reason for programs, such as `sold-out`.
        code: Option<String>,
        /// The reason for people.
        message: String,
        /// The field that it is about.
        field: Option<String>,
    },
}

/// A call of a hook, for one change or several of one transaction. Cheap to clone.
#[derive(Clone)]
pub struct BeforeCall(Arc<Asking>);

struct Asking {
    inner: Arc<Inner>,
    cx: Context,
    notation: Arc<dyn Notation>,
    changes: Vec<Change>,
}

struct Change {
    text: Arc<str>,
    known: Vec<Known<dyn Reread>>,
    reads: Mutex<Vec<Noted<dyn Reread>>>,
    /// How many requests were made for it.
    requests: AtomicUsize,
}

impl BeforeOutcome {
    /// Bytes of what it says.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Changes(text) => text.len(),
            Self::Refused { code, message, field } => {
                message.len() + [code, field].into_iter().flatten().map(String::len).sum::<usize>()
            }
        }
    }
}

impl fmt::Debug for BeforeCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeCall").field("changes", &self.0.changes.len()).finish_non_exhaustive()
    }
}

/// A hook has named a change that it wasn't called for.
#[derive(Debug, thiserror::Error)]
#[error("a hook has named a change that it wasn't called for")]
struct NoChange;

impl BeforeCall {
    pub(crate) fn new(
        (inner, cx): (&Arc<Inner>, Context),
        notation: &Arc<dyn Notation>,
        changes: impl IntoIterator<Item = Unanswered<dyn Reread>>,
    ) -> Self {
        let change = |one: Unanswered<dyn Reread>| Change {
            text: one.text,
            known: one.known,
            reads: Mutex::default(),
            requests: AtomicUsize::new(0),
        };
        let changes = changes.into_iter().map(change).collect();
        Self(Arc::new(Asking { inner: Arc::clone(inner), cx, notation: Arc::clone(notation), changes }))
    }

    /// Each change: a JSON object with `event`, `stored`, `proposed` and `sent`.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.changes.iter().map(|change| &*change.text)
    }

    /// Who makes the changes.
    pub fn caller(&self) -> &Caller {
        self.0.cx.caller()
    }

    /// On whose account it runs.
    pub fn flow(&self) -> Flow {
        self.0.cx.flow()
    }

    /// Where it is noted what is done for the caller.
    pub fn trace(&self) -> &Trace {
        self.0.cx.trace()
    }

    /// By when its caller is answered in any case.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.cx.arrival().deadline
    }

    /// Time and randomness.
    pub fn ambient(&self) -> &Ambient {
        &self.0.inner.ambient
    }

    /// Reads something for the change at this place, in the name of the caller. It is read again in the transaction.
    ///
    /// # Errors
    /// Why it is refused; it is if it would write.
    pub async fn read(&self, change: usize, text: &str) -> Result<Bytes, Error> {
        const MAX: usize = limits::ACTION_REQUESTS;
        let of = self.0.changes.get(change).ok_or_else(|| Error::internal(NoChange))?;
        if of.requests.fetch_add(1, Ordering::Relaxed) >= MAX {
            return Err(Limit::Size { what: "the hook", max: MAX as u64, unit: "requests" }.into());
        }
        if let Some(Known { noted, answer }) = of.known.iter().find(|known| *known.noted.text == *text) {
            of.reads.lock().push(noted.clone());
            return answer.clone();
        }
        self.read_anew(of, text).await
    }

    async fn read_anew(&self, of: &Change, text: &str) -> Result<Bytes, Error> {
        let Asking { inner, cx, notation, .. } = &*self.0;
        let caller = cx.caller();
        let visible = |collection: &Collection| exists_for(caller, collection);
        let me: Option<RecordId> = caller.id.filter(|_| caller.kind == CallerKind::Account);
        let request = notation.request(text.as_bytes(), &visible, me)?;
        if request.written().is_some() {
            let problem = "a hook before a change can't write".to_owned();
            let remedy = "return the changes of its record; write others in a job: `@on(phase: AFTER)`".to_owned();
            return Err(Error::malformed(Place::Whole, ViolationKind::Misused { problem, remedy }));
        }
        let kind = request.kind();
        let placed = |error| notation.placed(kind, error);
        let prepared = prepared::prepare(inner, cx, request, notation.encoder()).await.map_err(placed)?;
        let answer = prepared.read_alone(inner, cx, PageSize::WHOLE).await;
        if let Some(digest) = digest(&answer, Some(cx.now..=cx.now)) {
            of.reads.lock().push(Noted { text: text.into(), read: Arc::new(prepared), digest });
        }
        answer.map(|answer| notation.answer(&answer)).map_err(placed)
    }

    /// What was read for each change.
    pub(crate) fn into_reads(self) -> Vec<Vec<Noted<dyn Reread>>> {
        self.0.changes.iter().map(|change| std::mem::take(&mut *change.reads.lock())).collect()
    }
}
