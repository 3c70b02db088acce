//! How a process follows what others do in its database: it reads the entries that are new in the commit log, and passes on
//! what they change. It also moves staged entries into the log, so that a log that has been read to its end is one that nothing
//! visible is missing from: as long as that isn't long ago, what the process remembers holds.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backstay_audit::Leaf;
use backstay_base::limits;
use deadpool_postgres::{ClientWrapper, Object};
use futures_util::future::{join, select};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Row, Statement};

use super::error::plain;
use super::lease;
use super::param::Bound;
use super::passes::{LogEnd, Passes};
use super::pools::Pools;
use super::reached::Reached;
use super::sequencer::{Sequenced, Sequencer};
use super::silence::{ANSWER_TIMEOUT, Heard, Silence};
use super::wake::{self, Wake};
use crate::moment::CommitClock;
use crate::{CommitId, CommitObserver, StoreError, idempotency, log};

/// How often the log is read if nothing is committed here, and others can't say so.
const IDLE: Duration = Duration::from_millis(50);
/// The same if they can: often enough to know that there is nothing, which holds for `limits::UNHEARD_MILLIS`.
const IDLE_HEARING: Duration = Duration::from_millis(limits::UNHEARD_MILLIS * 2 / 5);
/// How long commits are collected, so that many of them are sequenced together.
const COLLECT: Duration = Duration::from_millis(5);
/// When it is tried again if another process is moving entries.
const AGAIN: Duration = Duration::from_millis(3);
/// How long after its loss a connection is made anew.
const RECONNECT: Duration = Duration::from_millis(100);
/// How long a keeper counts itself as that after its last statement.
const KEEPER_TRUST: Duration = Duration::from_millis(limits::KEEPER_TRUST_MILLIS);
/// Entries that are read at once.
const READ: i64 = 500;
/// Entries of this process that are remembered until it reads them.
const OWN: usize = 100_000;

const TAIL: &str = "SELECT seq, leaf, feed, substr(entry, 2, 8) FROM backstay_log WHERE seq > $1 ORDER BY seq LIMIT $2";

const END: &str =
    "SELECT (SELECT leaf FROM backstay_log WHERE seq = $1), coalesce((SELECT max(seq) FROM backstay_log), 0)";

/// Follows the log.
pub(super) struct Follower {
    observer: Arc<dyn CommitObserver>,
    clock: Arc<CommitClock>,
    /// Something was committed, here or elsewhere.
    wake: Arc<Wake>,
    /// It knows more than before.
    knows_more: Notify,
    /// What it knows of commits by their ids.
    reached: Mutex<Reached>,
    /// Entries of this process that it hasn't read yet: their changes are known.
    own: Mutex<HashSet<Leaf>>,
    /// The entry that was read last.
    last: Mutex<Option<Leaf>>,
    /// What it knew when.
    passes: Mutex<Passes>,
    began: Instant,
    /// Microseconds from `began` to the moment up to which it knows everything; 0: it knows nothing yet.
    heard: AtomicU64,
    is_keeper: AtomicBool,
    /// Whether another process wants to change the model.
    is_asked: AtomicBool,
    /// Microseconds from `began` to a moment after which the server ran a statement of this connection.
    connected: AtomicU64,
    silence: Silence,
}

/// What was read of the log.
struct Read {
    /// Whether there may be more.
    more: bool,
    /// Whether another process has committed some of it.
    news: bool,
}

/// How far it is, on one connection.
struct Reading<'f> {
    follower: &'f Follower,
    client: ClientWrapper,
    sequencer: Sequencer,
    tail: Statement,
    notify: Statement,
    /// Notifications that had arrived when it last read the log.
    arrived: u64,
    /// When it last tried to become the keeper.
    applied: Option<Instant>,
}

impl Follower {
    pub(super) fn new(observer: Arc<dyn CommitObserver>, (clock, wake): (Arc<CommitClock>, Arc<Wake>)) -> Self {
        Self {
            observer,
            clock,
            wake,
            knows_more: Notify::new(),
            reached: Mutex::default(),
            own: Mutex::default(),
            last: Mutex::default(),
            passes: Mutex::default(),
            began: Instant::now(),
            heard: AtomicU64::new(0),
            is_keeper: AtomicBool::new(false),
            is_asked: AtomicBool::new(false),
            connected: AtomicU64::new(0),
            silence: Silence::default(),
        }
    }

    /// Whether the server is silent.
    pub(super) fn silence(&self) -> &Silence {
        &self.silence
    }

    /// Whether it knows of everything that others committed, but for the last moments.
    pub(super) fn is_current(&self) -> bool {
        self.is_recent(&self.heard, Duration::from_millis(limits::UNHEARD_MILLIS))
    }

    /// The end of the log as a state must have it that has everything that was committed `limits::UNHEARD_MILLIS` ago and, if a
    /// moment is given, before that. `None`: it isn't known.
    pub(super) fn end_since(&self, moment: Option<Instant>) -> Option<LogEnd> {
        let bound = self.began.elapsed().saturating_sub(Duration::from_millis(limits::UNHEARD_MILLIS));
        let moment = moment.map(|moment| moment.saturating_duration_since(self.began)).unwrap_or_default();
        self.passes.lock().since(bound.max(moment))
    }

    /// Whether this process does what one of those on the database has to do. One that was stopped doesn't count itself as the
    /// keeper when it goes on: the server has ended its connection, and another process may be the keeper.
    pub(super) fn is_keeper(&self) -> bool {
        self.is_keeper.load(Ordering::Relaxed) && self.is_recent(&self.connected, KEEPER_TRUST)
    }

    /// Whether this moment, 0 for never, is no longer ago than that.
    fn is_recent(&self, moment: &AtomicU64, bound: Duration) -> bool {
        match moment.load(Ordering::Acquire) {
            0 => false,
            micros => self.began.elapsed().saturating_sub(Duration::from_micros(micros)) <= bound,
        }
    }

    /// Whether another process waits until this one closes the database.
    pub(super) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }

    /// An entry was committed, and its changes are known here. One that is read before, or whose commit had no answer, is
    /// treated like that of another process.
    pub(super) fn committed(&self, leaf: Leaf) {
        let mut own = self.own.lock();
        if own.len() >= OWN {
            own.clear();
        }
        own.insert(leaf);
        drop(own);
        self.reached.lock().add(CommitId::of(&leaf), Instant::now());
        self.wake.wake();
    }

    /// Waits until the changes of a commit are known here, whoever made it; or, if that takes longer than the process is current
    /// without knowing them, until it isn't. Returns a moment before which it was committed.
    pub(super) async fn reach(&self, commit: CommitId) -> Instant {
        if let Some(before) = self.reached.lock().before(commit) {
            return before;
        }
        // It was answered before: whoever knows everything from now on knows it.
        let asked = self.began.elapsed();
        let known = async {
            loop {
                let more = self.knows_more.notified();
                if self.heard.load(Ordering::Acquire) >= micros(asked) {
                    break;
                }
                more.await;
            }
        };
        self.wake.wake();
        let before = self.began + asked;
        if timeout(Duration::from_millis(limits::UNHEARD_MILLIS), known).await.is_ok() {
            self.reached.lock().add(commit, before);
        }
        before
    }

    /// Follows the log from behind this place on, as long as it is polled: on this connection, and on others once that is
    /// lost.
    pub(super) async fn follow(self: Arc<Self>, (first, pools): (ClientWrapper, Pools), mut place: i64) {
        let mut client = Some(first);
        loop {
            let error = match client.take() {
                Some(client) => self.follow_on(client, &mut place).await,
                None => match self.reconnect(&pools).await {
                    Ok(taken) => {
                        client = Some(Object::take(taken));
                        continue;
                    }
                    Err(error) => error,
                },
            };
            self.is_keeper.store(false, Ordering::Relaxed);
            if matches!(error, StoreError::Displaced | StoreError::Closed) {
                return;
            }
            tracing::debug!(%error, "the commit log isn't followed");
            sleep(RECONNECT).await;
        }
    }

    /// A connection after the last one was lost. A server that nothing is heard of for so long is silent until it answers.
    async fn reconnect(&self, pools: &Pools) -> Result<Object, StoreError> {
        let mut connecting = pin!(until_heard(pools));
        let (taken, heard) = if let Ok(connected) = timeout(ANSWER_TIMEOUT, &mut connecting).await {
            connected
        } else {
            self.silence.begin();
            pools.close_idle();
            connecting.await
        };
        if heard == Heard::Answer && self.silence.is_begun() {
            // Connections that were returned to the pool meanwhile lead to the silent server, too.
            pools.close_idle();
            self.silence.end();
        }
        taken
    }

    /// Follows the log on a connection until that fails.
    async fn follow_on(&self, client: ClientWrapper, place: &mut i64) -> StoreError {
        let ended = async {
            let mut reading = within(Reading::on(self, client)).await?;
            within(reading.require_same(place)).await?;
            loop {
                let sequenced = within(reading.step(place)).await?;
                self.pause(sequenced).await;
            }
        };
        let ended: Result<std::convert::Infallible, StoreError> = ended.await;
        match ended {
            Err(error) => error,
        }
    }

    async fn pause(&self, sequenced: Sequenced) {
        match sequenced {
            Sequenced::Some => {}
            Sequenced::Elsewhere => sleep(AGAIN).await,
            Sequenced::All => {
                let idle = if self.wake.hears() { IDLE_HEARING } else { IDLE };
                select(pin!(self.wake.woken()), pin!(sleep(idle))).await;
                sleep(COLLECT).await;
            }
        }
    }

    /// Notes that a pass that began then has read the log up to this place.
    fn note_end(&self, place: i64, begun: Instant) {
        let end = match *self.last.lock() {
            _ if place == 0 => LogEnd::Empty,
            Some(leaf) => LogEnd::At { place, leaf },
            // Its last entry isn't known.
            None => return,
        };
        self.passes.lock().note(begun.saturating_duration_since(self.began), end);
    }

    /// Notes a moment.
    fn note(&self, moment: &AtomicU64, at: Instant) {
        moment.store(micros(at.saturating_duration_since(self.began)), Ordering::Release);
    }
}

impl<'f> Reading<'f> {
    async fn on(follower: &'f Follower, client: ClientWrapper) -> Result<Self, StoreError> {
        client.batch_execute(&session()).await.map_err(plain)?;
        let sequencer = Sequencer::on(&client).await?;
        let tail = client.prepare(TAIL).await.map_err(plain)?;
        let notify = client.prepare(wake::NOTIFY).await.map_err(plain)?;
        follower.wake.listen(&client).await.map_err(plain)?;
        let arrived = follower.wake.arrived();
        Ok(Self { follower, client, sequencer, tail, notify, arrived, applied: None })
    }

    /// Starts over at the end of the log if it doesn't continue what was read of it: a standby that was promoted can lack the last
    /// entries. Then nothing that is remembered can be trusted.
    async fn require_same(&self, place: &mut i64) -> Result<(), StoreError> {
        let row = self.client.query_one(END, &[&*place]).await.map_err(plain)?;
        let found: Option<Vec<u8>> = row.try_get(0).map_err(plain)?;
        let end: i64 = row.try_get(1).map_err(plain)?;
        let known = *self.follower.last.lock();
        if known.is_none() && end >= *place {
            *self.follower.last.lock() = found.as_deref().and_then(leaf);
        }
        let is_same = match (&known, &found) {
            (Some(known), Some(found)) => known.as_bytes().as_slice() == found.as_slice(),
            // It was pruned, or nothing was read yet.
            (Some(_), None) | (None, _) => end >= *place,
        };
        if !is_same {
            self.follower.observer.foreign_change();
            *self.follower.last.lock() = None;
            self.follower.passes.lock().clear();
            *place = end;
        }
        Ok(())
    }

    /// Lets the log have what is visible, and reads it to its end.
    async fn step(&mut self, place: &mut i64) -> Result<Sequenced, StoreError> {
        let begun = Instant::now();
        let follower = self.follower;
        let sequenced = self.sequencer.sequence(&self.client).await?;
        follower.note(&follower.connected, begun);
        let arrived = follower.wake.arrived();
        // Futures are polled in order, and each sends its request when it is first polled.
        let (told, read) = join(self.tell(), self.read(place, begun)).await;
        told?;
        let Read { mut more, mut news } = read?;
        while more {
            let next = self.read(place, begun).await?;
            (more, news) = (next.more, news || next.news);
        }
        if news && !self.sequencer.has_moved() && arrived == self.arrived {
            follower.wake.missed();
        }
        self.arrived = arrived;
        if sequenced == Sequenced::All {
            // Everything that was visible then is known.
            follower.note_end(*place, begun);
            follower.note(&follower.heard, begun);
            follower.knows_more.notify_waiters();
        }
        self.apply(begun).await?;
        Ok(sequenced)
    }

    /// Tells others that the log has more, if this process has moved it there.
    async fn tell(&self) -> Result<(), StoreError> {
        if self.sequencer.has_moved() {
            self.client.execute(&self.notify, &[]).await.map_err(plain)?;
        }
        Ok(())
    }

    /// Reads the next entries, in a pass that began then.
    async fn read(&self, place: &mut i64, begun: Instant) -> Result<Read, StoreError> {
        let rows = self.client.query(&self.tail, &[&*place, &READ]).await.map_err(plain)?;
        let mut news = false;
        for row in &rows {
            news |= self.take(row, (place, begun))?;
        }
        Ok(Read { more: i64::try_from(rows.len()).is_ok_and(|read| read == READ), news })
    }

    /// Takes note of an entry; returns whether it is another process's.
    fn take(&self, row: &Row, (place, begun): (&mut i64, Instant)) -> Result<bool, StoreError> {
        let Follower { observer, clock, own, .. } = self.follower;
        let damaged = || StoreError::Catalog("backstay_log");
        let found: i64 = row.try_get(0).map_err(plain)?;
        let leaf = leaf(row.try_get(1).map_err(plain)?).ok_or_else(damaged)?;
        let moment: &[u8] = row.try_get(3).map_err(plain)?;
        if let Some(moment) = log::moment_from(moment) {
            clock.observe(moment);
        }
        if found != *place + 1 {
            // What was in between has been pruned.
            observer.foreign_change();
        }
        *place = found;
        *self.follower.last.lock() = Some(leaf);
        if own.lock().remove(&leaf) {
            return Ok(false);
        }
        let feed: Option<&[u8]> = row.try_get(2).map_err(plain)?;
        match feed.and_then(log::feed_keys) {
            Some(keys) => observer.others_changed(&keys),
            None => observer.foreign_change(),
        }
        self.follower.reached.lock().add(CommitId::of(&leaf), begun);
        Ok(true)
    }

    /// Now and then, looks whether another process wants to change the model, and becomes the keeper if there is none. The
    /// keeper removes idempotency records that have expired.
    async fn apply(&mut self, now: Instant) -> Result<(), StoreError> {
        let every = Duration::from_millis(limits::UNHEARD_MILLIS);
        if self.applied.is_some_and(|applied| now.duration_since(applied) < every) {
            return Ok(());
        }
        self.applied = Some(now);
        self.follower.is_asked.store(lease::is_announced(&self.client).await?, Ordering::Relaxed);
        if !self.follower.is_keeper.load(Ordering::Relaxed) {
            let is_keeper = lease::keep(&self.client).await?;
            self.follower.is_keeper.store(is_keeper, Ordering::Relaxed);
            return Ok(());
        }
        let prune = idempotency::prune(self.follower.clock.now());
        let params = prune.params().iter().map(Bound);
        self.client.execute_raw(prune.text(), params).await.map_err(plain)?;
        Ok(())
    }
}

/// A time since the beginning, never 0.
fn micros(since: Duration) -> u64 {
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// The server ends the session of a process that is stopped, and with it the lock of the keeper.
fn session() -> String {
    format!("SET idle_session_timeout = '{}s'", limits::KEEPER_IDLE_SECONDS)
}

/// A connection for following the log, or why there is none; tried again until something is heard.
async fn until_heard(pools: &Pools) -> (Result<Object, StoreError>, Heard) {
    loop {
        let (taken, heard) = pools.take_following().await;
        if heard != Heard::Nothing {
            return (taken, heard);
        }
        sleep(RECONNECT).await;
    }
}

/// A connection whose server doesn't answer is as good as lost.
async fn within<T>(step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(ANSWER_TIMEOUT, step).await.map_err(|_| StoreError::Busy)?
}

fn leaf(bytes: &[u8]) -> Option<Leaf> {
    bytes.try_into().ok().map(Leaf::from_bytes)
}

#[cfg(test)]
mod tests {
    use backstay_base::SystemClock;

    use super::*;

    #[test]
    fn a_keeper_that_was_stopped_is_none_until_the_server_has_run_a_statement_of_its_connection() {
        let clock = Arc::new(CommitClock::after(None, Arc::new(SystemClock)));
        let mut follower = Follower::new(Arc::new(()), (clock, Arc::default()));
        follower.began = Instant::now().checked_sub(Duration::from_mins(1)).expect("the machine runs for longer");
        follower.is_keeper.store(true, Ordering::Relaxed);
        let check = |seconds_ago: u64, expected: bool| {
            let at = follower.began + Duration::from_secs(60 - seconds_ago);
            follower.note(&follower.connected, at);
            assert_eq!(follower.is_keeper(), expected, "{seconds_ago}");
        };
        check(3, false);
        check(0, true);
        check(59, false);
    }
}
