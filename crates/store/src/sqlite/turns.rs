use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use backstay_base::{Bounds, FairQueue, Flow, Queued, limits};
use parking_lot::{Condvar, Mutex};

use crate::StoreError;
use crate::job::Job;

/// How often an idle writer checks whether another process has written.
const IDLE_CHECK: Duration = Duration::from_secs(1);
/// For how long flows without long operations count as writing after their last operation.
const BRIEF_FLOWS_WRITE: Duration = Duration::from_secs(1);
const LONG_OPERATION: Duration = Duration::from_millis(limits::LONG_OPERATION_MILLIS);

impl Queued for Box<dyn Job> {
    fn is_wanted(&self) -> bool {
        !self.interest().is_lost()
    }
}

/// The queue to the writer. Flows take turns; one that has long operations gets commits of its own, and pauses after each
/// of them as long as other flows write.
pub(super) struct Turns {
    queue: Mutex<Queue>,
    /// Signalled when a job comes and when the queue is closed.
    changed: Condvar,
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

/// What the writer does next.
pub(super) enum Turn {
    /// A commit that begins with this job.
    Run(Box<dyn Job>, Sharing),
    /// Nothing has come for a while.
    Idle,
    /// Nothing will come any more.
    Closed,
}

/// Which jobs a commit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// All that join it.
    Shared,
    /// Its first job alone.
    Alone,
}

/// When a job ran on the writer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// For how long it held the writer.
    pub(super) held: Duration,
    pub(super) ended: Instant,
    /// Whether it wrote so much that a busy machine alone doesn't explain how long it took.
    pub(super) is_large: bool,
}

impl Run {
    fn is_long(self) -> bool {
        self.held >= LONG_OPERATION
    }

    /// How long the next long operation waits after it. Others wait for the whole of an operation, so that a large one has
    /// a smaller share of the time the longer it holds the writer.
    fn pause(self) -> Duration {
        let least = self.held * limits::LONG_OPERATION_PAUSE;
        if !self.is_large {
            return least;
        }
        let longer = least.mul_f64(self.held.div_duration_f64(LONG_OPERATION).max(1.0));
        longer.min(Duration::from_secs(limits::LONG_OPERATION_PAUSE_SECONDS)).max(least)
    }
}

struct Queue {
    /// Jobs that share commits.
    brief: FairQueue<Box<dyn Job>>,
    /// Jobs of flows that have long operations.
    long: FairQueue<Box<dyn Job>>,
    /// The flows that have long operations, and until when they count as such.
    long_flows: HashMap<Flow, Instant>,
    /// When the pause after the last long operation ends.
    pause_ends: Option<Instant>,
    /// Whether the last commit was one of a flow with long operations: then others come first, however short it was.
    long_ran_last: bool,
    brief_runs: BriefRuns,
    is_closed: bool,
}

/// When jobs that share commits last ran: one of the flow that ran last, and one of the flow before it.
#[derive(Default)]
struct BriefRuns {
    last: Option<(Flow, Instant)>,
    before: Option<(Flow, Instant)>,
}

impl BriefRuns {
    fn note(&mut self, flow: Flow, ended: Instant) {
        if self.last.is_some_and(|(last, _)| last != flow) {
            self.before = self.last;
        }
        self.last = Some((flow, ended));
    }

    /// When one of another flow than this last ran: no flow waits for itself.
    fn of_others(&self, than: Option<Flow>) -> Option<Instant> {
        let mut runs = [self.last, self.before].into_iter().flatten();
        runs.find(|(flow, _)| Some(*flow) != than).map(|(_, ended)| ended)
    }
}

impl Turns {
    pub(super) fn new() -> Self {
        let bounds = Bounds {
            waiting: limits::WRITER_QUEUE,
            waiting_of_source: limits::SOURCE_WRITER_QUEUE,
            waiting_of_flow: limits::FLOW_WRITER_QUEUE,
            // The writer runs one after the other.
            running_of_source: usize::MAX,
            running_of_flow: usize::MAX,
        };
        let queue = Queue {
            brief: FairQueue::new(bounds),
            long: FairQueue::new(bounds),
            long_flows: HashMap::new(),
            pause_ends: None,
            long_ran_last: false,
            brief_runs: BriefRuns::default(),
            is_closed: false,
        };
        Self { queue: Mutex::new(queue), changed: Condvar::new() }
    }

    /// Queues a job. `Busy`: too many wait. `Share`: too many of its flow or source do.
    pub(super) fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut queue = self.queue.lock();
        if queue.is_closed {
            return Err(StoreError::Closed);
        }
        let flow = job.interest().flow();
        let pushed = if queue.is_long(flow) { queue.long.push(flow, job) } else { queue.brief.push(flow, job) };
        // The writer wakes up into a queue that is free.
        drop(queue);
        self.changed.notify_one();
        pushed.map_err(StoreError::from)
    }

    /// Waits for what is to be done next.
    pub(super) fn next(&self) -> Turn {
        let idle = Instant::now() + IDLE_CHECK;
        let mut queue = self.queue.lock();
        loop {
            let long_from = queue.long_from();
            let others_first = queue.long_ran_last && !queue.brief.is_empty();
            if !others_first
                && long_from.is_some_and(|from| from <= Instant::now())
                && let Some(job) = queue.long.pop()
            {
                queue.long_ran_last = true;
                return Turn::Run(job, Sharing::Alone);
            }
            if let Some(job) = queue.brief.pop() {
                queue.long_ran_last = false;
                return Turn::Run(job, Sharing::Shared);
            }
            if queue.is_closed && queue.long.is_empty() {
                return Turn::Closed;
            }
            let until = long_from.map_or(idle, |from| from.min(idle));
            if self.changed.wait_until(&mut queue, until).timed_out() && until == idle {
                return Turn::Idle;
            }
        }
    }

    /// The next job that joins a commit which has worked for this long: for the flow alone, or for several if there is none.
    /// A commit that has worked for long enough takes more of its only flow at most, so that no other one waits for it.
    pub(super) fn join(&self, only: Option<Flow>, worked: Duration) -> Option<Box<dyn Job>> {
        let mut queue = self.queue.lock();
        let has_worked = worked >= Duration::from_millis(limits::GROUP_MILLIS);
        if has_worked && (only.is_none() || queue.brief.next() != only) {
            return None;
        }
        queue.brief.pop()
    }

    /// A job that `next` or `join` returned for such a commit has run.
    pub(super) fn ended(&self, flow: Flow, run: Run, sharing: Sharing) {
        let mut queue = self.queue.lock();
        match sharing {
            Sharing::Shared => queue.brief.ended(flow, run.held),
            Sharing::Alone => queue.long.ended(flow, run.held),
        }
        // Nobody pauses for what Backstay does by itself, nor does that.
        if flow == Flow::SYSTEM {
            return;
        }
        if run.is_long() {
            queue.make_long(flow, run);
        } else if sharing == Sharing::Shared {
            queue.brief_runs.note(flow, run.ended);
        }
    }

    /// This much of the time that a commit took is due to an operation of this flow, which together with it held the
    /// writer like this.
    pub(super) fn charge(&self, flow: Flow, time: Duration, run: Run, sharing: Sharing) {
        let mut queue = self.queue.lock();
        match sharing {
            Sharing::Shared => queue.brief.charge(flow, time),
            Sharing::Alone => queue.long.charge(flow, time),
        }
        if run.is_long() && flow != Flow::SYSTEM {
            queue.make_long(flow, run);
        }
    }

    /// Lets a long job that was interrupted in a shared commit wait for one of its own, before the others of its flow.
    pub(super) fn put_back(&self, job: Box<dyn Job>, run: Run) {
        let flow = job.interest().flow();
        let mut queue = self.queue.lock();
        queue.make_long(flow, run);
        queue.long.put_back(flow, std::iter::once(job));
    }

    /// Whether somebody waits for a job of another flow than this one.
    pub(super) fn others_wait(&self, flow: Flow) -> bool {
        let mut queue = self.queue.lock();
        queue.brief.has_others(flow) || queue.long.has_others(flow)
    }

    /// Takes no more jobs; those that wait are run.
    pub(super) fn close(&self) {
        self.queue.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Takes no more jobs, and drops those that wait: nobody runs them any more.
    pub(super) fn abandon(&self) {
        let mut queue = self.queue.lock();
        queue.is_closed = true;
        queue.brief.clear();
        queue.long.clear();
    }
}

impl Queue {
    /// Whether the jobs of this flow get commits of their own.
    fn is_long(&mut self, flow: Flow) -> bool {
        let Some(until) = self.long_flows.get(&flow) else { return false };
        *until > Instant::now() || self.long.has(flow)
    }

    /// Takes note of a long operation.
    fn make_long(&mut self, flow: Flow, run: Run) {
        let (long, now) = (&self.long, run.ended);
        self.long_flows.retain(|flow, until| *until > now || long.has(*flow));
        self.long_flows.insert(flow, now + Duration::from_secs(limits::LONG_FLOW_SECONDS));
        let ends = now + run.pause();
        self.pause_ends = Some(self.pause_ends.map_or(ends, |pause_ends| pause_ends.max(ends)));
        let waiting = self.brief.take(flow);
        self.long.put_back(flow, waiting.into_iter());
    }

    /// When the next job of a flow with long operations may run, if one waits.
    fn long_from(&self) -> Option<Instant> {
        if self.long.is_empty() {
            return None;
        }
        let now = Instant::now();
        let Some(pause_ends) = self.pause_ends.filter(|_| !self.is_closed) else { return Some(now) };
        if !self.brief.is_empty() {
            return Some(pause_ends);
        }
        let others_ran = self.brief_runs.of_others(self.long.next());
        let others_have_ended = others_ran.map_or(now, |ran| ran + BRIEF_FLOWS_WRITE);
        Some(pause_ends.min(others_have_ended))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use backstay_audit::Origin;
    use backstay_base::{CallerKind, Network, RecordId, Source};
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::job::WorkJob;
    use crate::{Demand, Tx, Work, Writes};

    struct Waiting(Flow);

    const OWN: u8 = 0;

    impl Work for Waiting {
        type Output = ();
        type Error = StoreError;

        fn writes(&self) -> Writes {
            Writes::Many
        }

        fn demand(&self) -> Demand {
            Demand::now(self.0)
        }

        fn origin(&self) -> Origin {
            Origin { kind: CallerKind::System, id: None, request: None, transaction: "test".into() }
        }

        fn run<'a>(&'a self, _: &'a mut Tx<'_>) -> BoxFuture<'a, Result<(), StoreError>> {
            Box::pin(std::future::ready(Ok(())))
        }
    }

    /// The flow with this number; that of Backstay itself for 0.
    fn flow(number: u8) -> Flow {
        if number == OWN {
            return Flow::SYSTEM;
        }
        let source = Source::Network(Network::V4([192, 0, 2, number]));
        Flow { source, caller: Some(RecordId::from_bytes([number; 16])) }
    }

    #[test]
    fn no_flow_waits_for_what_it_has_run_itself() {
        const HEAVY: u8 = 1;
        const BRIEF: Duration = Duration::from_millis(1);
        const LONG: Duration = Duration::from_secs(2);
        // The runs, by flow and duration, all of which end now; and whether the next long operation has to wait.
        let check = |runs: &[(u8, Duration)], expected: Option<Duration>| {
            let (turns, ended) = (Turns::new(), Instant::now());
            let submit = |number: u8| {
                let (job, _) = WorkJob::new(Arc::new(Waiting(flow(number))));
                turns.submit(Box::new(job)).expect("there is room");
            };
            for (number, held) in runs {
                submit(*number);
                assert!(matches!(turns.next(), Turn::Run(_, Sharing::Shared)), "{runs:?}");
                turns.ended(flow(*number), Run { held: *held, ended, is_large: false }, Sharing::Shared);
            }
            submit(HEAVY);
            let from = turns.queue.lock().long_from().expect("it waits in the queue of long operations");
            let waits = Some(from).filter(|from| *from > Instant::now()).map(|from| from - ended);
            assert_eq!(waits, expected, "{runs:?}");
        };
        check(&[(HEAVY, LONG)], None);
        check(&[(HEAVY, BRIEF), (HEAVY, LONG)], None);
        check(&[(2, BRIEF), (HEAVY, LONG)], Some(BRIEF_FLOWS_WRITE));
        check(&[(2, BRIEF), (HEAVY, BRIEF), (HEAVY, BRIEF), (HEAVY, LONG)], Some(BRIEF_FLOWS_WRITE));
        check(&[(HEAVY, LONG), (2, BRIEF), (3, BRIEF)], Some(BRIEF_FLOWS_WRITE));
        check(&[(HEAVY, LONG), (OWN, BRIEF), (OWN, BRIEF)], None);
        check(&[(2, BRIEF), (HEAVY, LONG), (OWN, LONG)], Some(BRIEF_FLOWS_WRITE));
    }

    #[test]
    fn a_long_operation_has_a_tenth_of_the_time_and_a_large_one_less() {
        let check = |held: u64, is_large: bool, expected: u64| {
            let run = Run { held: Duration::from_millis(held), ended: Instant::now(), is_large };
            assert_eq!(run.pause(), Duration::from_millis(expected), "{held} ms");
        };
        check(20, false, 180);
        check(200, false, 1800);
        check(20, true, 180);
        check(40, true, 720);
        check(100, true, 4500);
        check(200, true, 10_000);
        check(2000, true, 18_000);
    }
}
