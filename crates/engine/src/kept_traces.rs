//! The traces that the inspector keeps: in memory, and bounded together with those that haven't ended.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use backstay_base::limits;
use parking_lot::Mutex;
use serde::Serialize;

/// Bytes that traces may take together that haven't ended; the others are for those that have.
const OPEN_BYTES: usize = limits::INSPECTOR_BYTES / 4;

/// Where traces are kept. Cheap to clone; a clone is the same place.
#[derive(Clone, Default)]
pub(crate) struct KeptTraces(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Until when traces are kept, in microseconds since 1970; 0 while none is.
    until: AtomicI64,
    ended: Mutex<Ended>,
    /// Bytes of those that haven't ended.
    open: AtomicUsize,
}

#[derive(Default)]
struct Ended {
    traces: VecDeque<Finished>,
    bytes: usize,
}

/// What a trace is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The id of the request or the job.
    pub id: String,
    /// Which of them it is.
    pub kind: TraceKind,
    /// Such as `GET /api/posts` or the name of the job.
    pub name: String,
    /// The trace of another system that it belongs to: `traceparent` (W3C Trace Context).
    pub parent: Option<String>,
}

/// What can be inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceKind {
    /// A request of a client.
    Request,
    /// A job that the model declares.
    Job,
    /// A job that sends a mail or notifies somebody.
    Mail,
}

/// Which traces are asked for. Each part that is given must fit.
#[derive(Debug, Clone, Default)]
pub struct TraceFilter {
    /// The id of the request or job, or of the trace of another system that it belongs to.
    pub id: Option<String>,
    /// A part of the name.
    pub path: Option<String>,
    /// A status, or its first digit.
    pub status: Option<u16>,
    /// At least this many milliseconds.
    pub slower: Option<u64>,
    /// What was inspected.
    pub kind: Option<TraceKind>,
    /// How many, at most.
    pub limit: Option<usize>,
}

/// A trace that has ended.
#[derive(Clone)]
pub(crate) struct Finished {
    pub(crate) subject: Subject,
    pub(crate) status: Option<u16>,
    pub(crate) micros: u64,
    /// Without what was done in detail, and with it, as JSON.
    pub(crate) brief: Arc<str>,
    pub(crate) whole: Arc<str>,
}

/// Bytes of a trace that hasn't ended. They count until this is dropped.
pub(crate) struct OpenBytes {
    of: KeptTraces,
    bytes: usize,
}

impl fmt::Debug for KeptTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptTraces").field("until", &self.0.until).finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenBytes").field(&self.bytes).finish()
    }
}

impl KeptTraces {
    /// Until when traces are kept.
    pub(crate) fn until(&self) -> i64 {
        self.0.until.load(Ordering::Relaxed)
    }

    /// Keeps traces until then.
    pub(crate) fn keep_until(&self, micros: i64) {
        self.0.until.store(micros, Ordering::Relaxed);
    }

    /// Keeps none any more, and forgets those that it has kept.
    pub(crate) fn clear(&self) {
        self.keep_until(0);
        *self.0.ended.lock() = Ended::default();
    }

    /// Counts the bytes of a trace that begins.
    pub(crate) fn open(&self) -> OpenBytes {
        OpenBytes { of: self.clone(), bytes: 0 }
    }

    /// The traces that fit as JSON, the newest first: in detail if their id is given.
    pub(crate) fn find(&self, filter: &TraceFilter) -> Vec<Arc<str>> {
        let ended = self.0.ended.lock();
        let found = ended.traces.iter().rev().filter(|trace| trace.fits(filter));
        let found = found.take(filter.limit.unwrap_or(limits::INSPECTOR_LIST));
        found.map(|trace| Arc::clone(if filter.id.is_some() { &trace.whole } else { &trace.brief })).collect()
    }

    /// Keeps a trace, for which the oldest make room.
    pub(crate) fn keep(&self, trace: Finished) {
        let mut ended = self.0.ended.lock();
        // It may have been turned off meanwhile.
        if self.until() == 0 {
            return;
        }
        ended.bytes += trace.bytes();
        ended.traces.push_back(trace);
        while ended.bytes > limits::INSPECTOR_BYTES - OPEN_BYTES {
            let Some(oldest) = ended.traces.pop_front() else { break };
            ended.bytes -= oldest.bytes();
        }
    }
}

impl OpenBytes {
    /// How many they are.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts so many more, if there is room for them.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let open = &self.of.0.open;
        if open.fetch_add(bytes, Ordering::Relaxed) + bytes > OPEN_BYTES {
            open.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for OpenBytes {
    fn drop(&mut self) {
        self.of.0.open.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Finished {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.subject.name.len() + self.brief.len() + self.whole.len()
    }

    fn fits(&self, filter: &TraceFilter) -> bool {
        let TraceFilter { id, path, status, slower, kind, limit: _ } = filter;
        let Subject { id: own, kind: own_kind, name, parent } = &self.subject;
        let is_status = |status: u16| self.status.is_some_and(|own| own == status || own / 100 == status);
        id.as_ref().is_none_or(|id| own == id || parent.as_ref().is_some_and(|parent| parent.contains(id.as_str())))
            && path.as_ref().is_none_or(|path| name.contains(path.as_str()))
            && status.is_none_or(is_status)
            && slower.is_none_or(|millis| self.micros >= millis.saturating_mul(1000))
            && kind.is_none_or(|kind| kind == *own_kind)
    }
}
