//! What a transaction knows of the hooks that run before its changes, from one of its runs to the next.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use backstay_base::{Error, Held, Limit, Memory, RecordId, Timestamp, limits};
use backstay_model::CollectionId;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::Input;
use crate::made::Made;
use crate::noted::Digest;

/// Bytes that the plan of a read takes, roughly.
const PLAN_BYTES: usize = 2048;

/// The hooks of one transaction, whose reads are of this type. A run that meets one without an outcome is undone; the hook runs outside of the
/// transaction, which then runs again. So that hooks see the same each time, ids of new records and the moment that the model gives are kept, as are
/// their numbers (`numbers.rs`).
pub(crate) struct Session<R: ?Sized>(Mutex<State<R>>);

impl<R: ?Sized> fmt::Debug for Session<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

struct State<R: ?Sized> {
    now: Option<Timestamp>,
    /// Of new records, by their collection.
    ids: HashMap<CollectionId, Made<RecordId>>,
    answered: HashMap<Digest, Arc<Answered<R>>>,
    /// Bytes of what was answered.
    answered_bytes: usize,
    unanswered: Vec<Unanswered<R>>,
    /// Bytes of what isn't.
    unanswered_bytes: usize,
    /// Whether there is no room for more.
    is_full: bool,
    /// The request's memory that both take.
    held: Held,
    /// How many outcomes the present run has found that are still true, and the most that one before it has.
    found: usize,
    most_found: Option<usize>,
}

/// A change of a record that a hook has to be asked about.
pub(crate) struct Unanswered<R: ?Sized> {
    /// What tells it from others.
    pub(crate) key: Digest,
    /// The hook's place in the model.
    pub(crate) hook: usize,
    /// The request that makes the change, if it is one of several.
    pub(crate) request: Option<usize>,
    /// The change, as the hook is given it.
    pub(crate) text: Arc<str>,
    /// What it has read before, and is answered within the transaction now; empty if it hasn't run yet.
    pub(crate) known: Vec<Known<R>>,
}

impl<R: ?Sized> Unanswered<R> {
    fn bytes(&self) -> usize {
        let known = self.known.iter().map(|known| known.noted.bytes() + known.answer.as_ref().map_or(0, Bytes::len));
        self.text.len() + known.sum::<usize>()
    }
}

/// What a read is answered within the transaction.
pub(crate) struct Known<R: ?Sized> {
    pub(crate) noted: Noted<R>,
    pub(crate) answer: Result<Bytes, Error>,
}

/// A read of a hook.
pub(crate) struct Noted<R: ?Sized> {
    pub(crate) text: Arc<str>,
    /// What makes it again.
    pub(crate) read: Arc<R>,
    pub(crate) digest: Digest,
}

impl<R: ?Sized> Clone for Noted<R> {
    fn clone(&self) -> Self {
        Self { text: Arc::clone(&self.text), read: Arc::clone(&self.read), digest: self.digest }
    }
}

impl<R: ?Sized> Noted<R> {
    fn bytes(&self) -> usize {
        self.text.len() + PLAN_BYTES
    }
}

/// A hook's outcome.
pub(crate) struct Answered<R: ?Sized> {
    pub(crate) reads: Vec<Noted<R>>,
    pub(crate) verdict: Verdict,
    /// Bytes of the verdict.
    pub(crate) bytes: usize,
}

impl<R: ?Sized> Answered<R> {
    fn bytes(&self) -> usize {
        self.bytes + self.reads.iter().map(Noted::bytes).sum::<usize>()
    }
}

/// What a hook says of a change.
pub(crate) enum Verdict {
    /// These fields get other values.
    Changes(Box<Input>),
    /// The change is refused.
    Refused { code: Option<String>, message: String, field: Option<String> },
}

/// A run that was undone because hooks have to be asked.
pub(crate) struct Ended<R: ?Sized> {
    pub(crate) unanswered: Vec<Unanswered<R>>,
    /// Whether it is further than those before it, and nothing has changed that hooks have read.
    pub(crate) has_progressed: bool,
}

/// A hook has to run before the transaction can go on.
#[derive(Debug, thiserror::Error)]
#[error("a hook has to run before the change")]
pub(crate) struct Unasked;

impl<R: ?Sized> Session<R> {
    /// That of a request with this memory.
    pub(crate) fn new(memory: &Memory) -> Self {
        Self(Mutex::new(State {
            now: None,
            ids: HashMap::new(),
            answered: HashMap::new(),
            answered_bytes: 0,
            unanswered: Vec::new(),
            unanswered_bytes: 0,
            is_full: false,
            held: memory.hold(),
            found: 0,
            most_found: None,
        }))
    }

    /// A run begins.
    pub(crate) fn begin(&self) {
        let mut state = self.0.lock();
        state.ids.values_mut().for_each(Made::begin);
        state.found = 0;
        state.unanswered.clear();
        state.forget_unanswered();
    }

    /// The run has ended. `None` if it has met no hook without an outcome.
    pub(crate) fn end(&self) -> Option<Ended<R>> {
        let mut state = self.0.lock();
        if state.unanswered.is_empty() {
            return None;
        }
        let unanswered = std::mem::take(&mut state.unanswered);
        let is_further = state.most_found.is_none_or(|most| state.found > most);
        state.most_found = state.most_found.max(Some(state.found));
        let has_progressed = is_further && unanswered.iter().all(|one| one.known.is_empty());
        Some(Ended { unanswered, has_progressed })
    }

    /// The moment that the model gives, if a run has met a hook before.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        self.0.lock().now
    }

    /// A run has met a hook at this moment.
    pub(crate) fn met(&self, now: Timestamp) -> Timestamp {
        *self.0.lock().now.get_or_insert(now)
    }

    /// The next id of a new record: the one that it had in an earlier run, if there was one.
    pub(crate) fn id(&self, collection: CollectionId, make: impl FnOnce() -> RecordId) -> RecordId {
        self.0.lock().ids.entry(collection).or_default().next(make)
    }

    pub(crate) fn answered(&self, key: &Digest) -> Option<Arc<Answered<R>>> {
        self.0.lock().answered.get(key).cloned()
    }

    /// An outcome that the present run has found is still true.
    pub(crate) fn found(&self) {
        self.0.lock().found += 1;
    }

    /// Keeps an outcome, if the request has memory for it.
    pub(crate) fn answer(&self, key: Digest, answered: Answered<R>) -> Result<(), Error> {
        let mut state = self.0.lock();
        let former = state.answered.get(&key).map_or(0, |known| known.bytes());
        state.answered_bytes = state.answered_bytes + answered.bytes() - former;
        state.answered.insert(key, Arc::new(answered));
        state.hold().map_err(Error::from)
    }

    /// The hooks have run: what they were asked takes no memory any more.
    pub(crate) fn forget_unanswered(&self) {
        self.0.lock().forget_unanswered();
    }

    /// Notes a change that a hook has to be asked about, if there is room; without it, the run ends, and the next one goes on.
    ///
    /// # Errors
    /// If the request has no memory for a single one.
    pub(crate) fn ask(&self, unanswered: Unanswered<R>) -> Result<(), Error> {
        let mut state = self.0.lock();
        if state.is_full {
            return Ok(());
        }
        let bytes = unanswered.bytes();
        state.unanswered_bytes += bytes;
        if let Err(limit) = state.hold() {
            state.unanswered_bytes -= bytes;
            state.is_full = true;
            return if state.unanswered.is_empty() { Err(limit.into()) } else { Ok(()) };
        }
        state.is_full = state.unanswered_bytes >= limits::HOOK_RUN_BYTES;
        state.unanswered.push(unanswered);
        Ok(())
    }

    /// Whether the present run has met a hook without an outcome.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.lock().unanswered.is_empty()
    }

    /// Whether it can note no more of them.
    pub(crate) fn is_full(&self) -> bool {
        self.0.lock().is_full
    }

    /// Whether an outcome depends on what was read.
    pub(crate) fn has_read(&self) -> bool {
        self.0.lock().answered.values().any(|answered| !answered.reads.is_empty())
    }
}

impl<R: ?Sized> State<R> {
    fn hold(&mut self) -> Result<(), Limit> {
        self.held.resize(self.answered_bytes + self.unanswered_bytes)
    }

    fn forget_unanswered(&mut self) {
        (self.unanswered_bytes, self.is_full) = (0, false);
        // It becomes less, which never fails.
        let _ = self.hold();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use backstay_base::Reserve;

    use super::*;

    type Session = super::Session<()>;

    const CHANGE: usize = 1024 * 1024;

    fn change(number: u8) -> Unanswered<()> {
        let text = " ".repeat(CHANGE).into();
        Unanswered { key: [number; 32], hook: 0, request: None, text, known: Vec::new() }
    }

    fn ask_until_full(session: &Session) -> usize {
        session.begin();
        for number in 0..u8::MAX {
            session.ask(change(number)).expect("there is memory for one");
            if session.is_full() {
                break;
            }
        }
        session.end().expect("it has met hooks").unanswered.len()
    }

    #[test]
    fn a_run_ends_when_it_has_noted_much() {
        let session = Session::new(&Memory::uncounted());
        assert_eq!(ask_until_full(&session) * CHANGE, limits::HOOK_RUN_BYTES);
        assert_eq!(ask_until_full(&session) * CHANGE, limits::HOOK_RUN_BYTES, "the next one has room again");
    }

    /// Lets a request have three changes.
    #[derive(Debug, Default)]
    struct Three(AtomicUsize);

    impl Reserve for Three {
        fn take(&self, bytes: usize) -> Result<(), Limit> {
            if self.held() + bytes > 3 * CHANGE {
                return Err(Limit::Busy);
            }
            self.0.fetch_add(bytes, Ordering::Relaxed);
            Ok(())
        }

        fn give_back(&self, bytes: usize) {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
        }

        fn held(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn what_is_noted_and_kept_is_memory_of_the_request() {
        let reserve = Arc::new(Three::default());
        let session = Session::new(&Memory::counted(reserve.clone()));
        assert_eq!(ask_until_full(&session), 3);
        session.forget_unanswered();
        assert_eq!(reserve.held(), 0);
        let verdict = || Verdict::Refused { code: None, message: String::new(), field: None };
        let answered = |bytes: usize| Answered { reads: Vec::new(), verdict: verdict(), bytes };
        session.answer([0; 32], answered(2 * CHANGE)).expect("there is memory");
        session.answer([0; 32], answered(CHANGE)).expect("it takes the place of the other one");
        assert_eq!(reserve.held(), CHANGE);
        assert_eq!(ask_until_full(&session), 2);
        session.begin();
        session.answer([1; 32], answered(2 * CHANGE)).expect("there is memory");
        assert!(session.ask(change(0)).is_err(), "there is none for a single one");
        assert!(session.answer([2; 32], answered(1)).is_err());
        drop(session);
        assert_eq!(reserve.held(), 0);
    }

    #[test]
    fn a_run_progresses_if_it_finds_more_outcomes() {
        let session = Session::new(&Memory::uncounted());
        let run = |found: usize| {
            session.begin();
            (0..found).for_each(|_| session.found());
            session.ask(change(0)).expect("there is memory");
            session.end().expect("it has met a hook").has_progressed
        };
        assert_eq!([0, 0, 1, 1, 0, 1, 2].map(run), [true, false, true, false, false, false, true]);
    }
}
