use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use backstay_base::{Bounds, FairQueue, Flow, Queued, Source, limits};
use parking_lot::{Condvar, Mutex};

use crate::StoreError;
use crate::job::Job;
use crate::tx::Pending;

/// How often an idle writer checks whether another process has written.
const IDLE_CHECK: Duration = Duration::from_secs(1);
/// For how long flows without long operations count as writing after their last operation.
const BRIEF_FLOWS_WRITE: Duration = Duration::from_secs(1);
const LONG_OPERATION: Duration = Duration::from_millis(limits::LONG_OPERATION_MILLIS);
const LARGE_OPERATION: Duration = Duration::from_millis(limits::LARGE_OPERATION_MILLIS);
const LONGEST_PAUSE: Duration = Duration::from_secs(limits::LONG_OPERATION_PAUSE_SECONDS);
const LONGEST_OWN_PAUSE: Duration = Duration::from_secs(limits::LARGE_OPERATION_PAUSE_SECONDS);

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

const BOUNDS: Bounds = Bounds {
    waiting: limits::WRITER_QUEUE,
    waiting_of_source: limits::SOURCE_WRITER_QUEUE,
    waiting_of_flow: limits::FLOW_WRITER_QUEUE,
    // The writer runs one after the other.
    running_of_source: usize::MAX,
    running_of_flow: usize::MAX,
};

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
    /// How much it wrote.
    pub(super) amount: Amount,
}

/// How much a job wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Amount {
    /// So little that a busy machine alone explains why it took long.
    #[default]
    Small,
    /// So much that others notice: values of this many bytes.
    Large(usize),
}

impl Amount {
    pub(super) fn of(pending: &Pending) -> Self {
        if pending.is_large() { Self::Large(pending.written_bytes) } else { Self::Small }
    }

    pub(super) fn is_large(self) -> bool {
        matches!(self, Self::Large(_))
    }
}

impl Run {
    fn is_long(self) -> bool {
        match self.amount {
            Amount::Small => self.held >= LONG_OPERATION,
            Amount::Large(_) => self.cost() >= LARGE_OPERATION,
        }
    }

    /// For how long others wait because of it: what it wrote is also written back, and read by followers of the log.
    fn cost(self) -> Duration {
        match self.amount {
            Amount::Small => self.held,
            Amount::Large(bytes) => {
                let written = Duration::from_millis(bytes as u64 / limits::LARGE_BYTES_PER_MILLI);
                self.held.max(written)
            }
        }
    }

    /// How long the next long operation of any flow waits after this one. Others wait for the whole of an operation, so that a
    /// large one has a smaller share of the time the longer it holds the writer.
    fn pause(self) -> Duration {
        let least = self.held * limits::LONG_OPERATION_PAUSE;
        if !self.amount.is_large() {
            return least;
        }
        let longer = least.mul_f64(self.held.div_duration_f64(LONG_OPERATION).max(1.0));
        longer.min(LONGEST_PAUSE).max(least)
    }

    /// How long the next long operation of the same network waits after this one of a flow: a large one has so small a share that
    /// hardly any request of others meets it.
    fn own_pause(self, flow: Flow) -> Option<Duration> {
        let Source::Network(_) = flow.source else { return None };
        let times = match flow.caller {
            None => limits::ANONYMOUS_OPERATION_PAUSE,
            Some(_) => limits::LARGE_OPERATION_PAUSE,
        };
        self.amount.is_large().then(|| (self.cost() * times).min(LONGEST_OWN_PAUSE))
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
    /// Sources that have had a large operation, and wait until others have had many times as long.
    paused: HashMap<Source, Paused>,
    /// Whether the last commit was one of a flow with long operations: then others come first, however short it was.
    long_ran_last: bool,
    brief_runs: BriefRuns,
    is_closed: bool,
}

/// The long jobs of a source that pauses.
struct Paused {
    /// When it resumes, if others write until then.
    until: Instant,
    jobs: FairQueue<Box<dyn Job>>,
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
        let queue = Queue {
            brief: FairQueue::new(BOUNDS),
            long: FairQueue::new(BOUNDS),
            long_flows: HashMap::new(),
            pause_ends: None,
            paused: HashMap::new(),
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
        let waiting = queue.waiting();
        let jobs = if queue.is_long(flow) { queue.long_jobs(flow.source) } else { &mut queue.brief };
        let pushed = jobs.push_beside(waiting - jobs.waiting(), flow, job);
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
            let next_resumes = queue.resume_paused();
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
            let until = [long_from, next_resumes].into_iter().flatten().fold(idle, Instant::min);
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
        // It has no smaller share because of what it hasn't written.
        queue.make_long(flow, Run { amount: Amount::Small, ..run });
        queue.long_jobs(flow.source).put_back(flow, std::iter::once(job));
    }

    /// Whether somebody waits for a job of another flow than this one.
    pub(super) fn others_wait(&self, flow: Flow) -> bool {
        let mut queue = self.queue.lock();
        queue.resume_paused();
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
        queue.paused.clear();
    }
}

impl Queue {
    /// Whether the jobs of this flow get commits of their own.
    fn is_long(&mut self, flow: Flow) -> bool {
        let Some(until) = self.long_flows.get(&flow) else { return false };
        *until > Instant::now() || self.has_long(flow)
    }

    /// Whether a job of this flow waits for a commit of its own.
    fn has_long(&self, flow: Flow) -> bool {
        self.long.has(flow) || self.paused.get(&flow.source).is_some_and(|paused| paused.jobs.has(flow))
    }

    /// How many jobs wait.
    fn waiting(&self) -> usize {
        let paused = self.paused.values().map(|paused| paused.jobs.waiting());
        self.brief.waiting() + self.long.waiting() + paused.sum::<usize>()
    }

    /// Where the jobs of flows with long operations of this source wait.
    fn long_jobs(&mut self, source: Source) -> &mut FairQueue<Box<dyn Job>> {
        match self.paused.get_mut(&source) {
            Some(paused) => &mut paused.jobs,
            None => &mut self.long,
        }
    }

    /// Takes note of a long operation.
    fn make_long(&mut self, flow: Flow, run: Run) {
        let now = run.ended;
        let mut long_flows = std::mem::take(&mut self.long_flows);
        long_flows.retain(|flow, until| *until > now || self.has_long(*flow));
        long_flows.insert(flow, now + Duration::from_secs(limits::LONG_FLOW_SECONDS));
        self.long_flows = long_flows;
        let ends = now + run.pause();
        self.pause_ends = Some(self.pause_ends.map_or(ends, |pause_ends| pause_ends.max(ends)));
        if let Some(pause) = run.own_pause(flow) {
            self.pause(flow.source, now + pause);
        }
        let waiting = self.brief.take(flow);
        self.long_jobs(flow.source).put_back(flow, waiting.into_iter());
    }

    /// Lets the long jobs of a source wait until then.
    fn pause(&mut self, source: Source, until: Instant) {
        let paused = self.paused.entry(source).or_insert_with(|| Paused { until, jobs: FairQueue::new(BOUNDS) });
        paused.until = paused.until.max(until);
        for (flow, jobs) in self.long.take_all(source) {
            paused.jobs.put_back(flow, jobs.into_iter());
        }
    }

    /// Resumes sources that have paused for long enough, or for which nobody waits any more. Returns when the next one resumes, if
    /// jobs wait for that.
    fn resume_paused(&mut self) -> Option<Instant> {
        let (now, is_closed) = (Instant::now(), self.is_closed);
        let ends = |paused: &Paused| {
            let others_have_ended = self.others_have_ended(paused.jobs.next(), now);
            let resumes = if self.brief.is_empty() { paused.until.min(others_have_ended) } else { paused.until };
            if is_closed { now } else { resumes }
        };
        let ended = self.paused.iter().filter(|(_, paused)| ends(paused) <= now).map(|(source, _)| *source);
        let waiting = self.paused.values().filter(|paused| !paused.jobs.is_empty());
        let next = waiting.map(ends).filter(|ends| *ends > now).min();
        for source in ended.collect::<Vec<_>>() {
            let Some(mut paused) = self.paused.remove(&source) else { continue };
            for (flow, jobs) in paused.jobs.take_all(source) {
                self.long.put_back(flow, jobs.into_iter());
            }
        }
        next
    }

    /// When other flows than this one have written nothing for a while.
    fn others_have_ended(&self, than: Option<Flow>, now: Instant) -> Instant {
        self.brief_runs.of_others(than).map_or(now, |ran| ran + BRIEF_FLOWS_WRITE)
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
        Some(pause_ends.min(self.others_have_ended(self.long.next(), now)))
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
                turns.ended(flow(*number), Run { held: *held, ended, amount: Amount::Small }, Sharing::Shared);
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
            let amount = if is_large { Amount::Large(0) } else { Amount::Small };
            let run = Run { held: Duration::from_millis(held), ended: Instant::now(), amount };
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

    #[test]
    fn a_network_pauses_after_a_large_operation_and_longer_after_an_anonymous_one() {
        let anonymous = Flow { caller: None, ..flow(1) };
        let local = Flow { source: Source::Local, caller: None };
        let check = |flow: Flow, held: u64, amount: Amount, expected: Option<u64>| {
            let run = Run { held: Duration::from_millis(held), ended: Instant::now(), amount };
            assert_eq!(run.own_pause(flow), expected.map(Duration::from_millis), "{held} ms of {flow:?}");
        };
        for flow in [local, flow(1), anonymous] {
            check(flow, 200, Amount::Small, None);
        }
        check(local, 100, Amount::Large(0), None);
        check(flow(1), 8, Amount::Large(0), Some(792));
        check(flow(1), 8, Amount::Large(2 << 20), Some(1980));
        check(flow(1), 1000, Amount::Large(0), Some(20_000));
        check(anonymous, 8, Amount::Large(0), Some(1992));
        check(anonymous, 50, Amount::Large(0), Some(12_450));
    }

    /// The order in which jobs of flows run that all have more to do, by what each job costs.
    #[test]
    fn large_writes_of_one_flow_wait_until_others_have_had_their_time() {
        const HEAVY: u8 = 1;
        let check = |held: u64, amount: Amount, waits: bool| {
            let turns = Turns::new();
            let submit = |number: u8| {
                let (job, _) = WorkJob::new(Arc::new(Waiting(flow(number))));
                turns.submit(Box::new(job)).expect("there is room");
            };
            [HEAVY, HEAVY, 2, 3].into_iter().for_each(submit);
            let mut order = Vec::new();
            for _ in 0..3 {
                let Turn::Run(job, sharing) = turns.next() else { unreachable!("jobs wait") };
                let flow = job.interest().flow();
                let heavy = flow == self::flow(HEAVY);
                order.push(if heavy { "heavy" } else { "light" });
                let (held, amount) = if heavy { (held, amount) } else { (1, Amount::Small) };
                let run = Run { held: Duration::from_millis(held), ended: Instant::now(), amount };
                turns.ended(flow, run, sharing);
                submit(if heavy { HEAVY } else { 2 });
            }
            let is_long = turns.queue.lock().has_long(flow(HEAVY));
            assert_eq!((order.as_slice(), is_long), (&["heavy", "light", "light"][..], waits), "{held} ms, {amount:?}");
        };
        check(8, Amount::Small, false);
        check(8, Amount::Large(0), true);
        check(1, Amount::Large(1 << 20), true);
        check(1, Amount::Large(300 * 1024), false);
        check(20, Amount::Small, true);
    }

    #[test]
    fn a_network_that_pauses_holds_up_no_other_one() {
        let (turns, ended) = (Turns::new(), Instant::now());
        let submit = |number: u8| {
            let (job, _) = WorkJob::new(Arc::new(Waiting(flow(number))));
            turns.submit(Box::new(job)).expect("there is room");
        };
        let next = || {
            let Turn::Run(job, sharing) = turns.next() else { unreachable!("jobs wait") };
            (job.interest().flow(), sharing)
        };
        // 3 has had long operations, but no large ones.
        for (number, amount) in [(3, Amount::Small), (1, Amount::Large(0)), (2, Amount::Small)] {
            let held = if number == 2 { 1 } else { 20 };
            submit(number);
            let (flow, sharing) = next();
            turns.ended(flow, Run { held: Duration::from_millis(held), ended, amount }, sharing);
        }
        [1, 3].into_iter().for_each(submit);
        assert!(turns.queue.lock().paused[&flow(1).source].jobs.has(flow(1)));
        assert_eq!(next(), (flow(3), Sharing::Alone), "the pause of all is a tenth of that of the network");
        turns.close();
        assert_eq!(next(), (flow(1), Sharing::Alone), "what waits is run before the end");
        assert!(matches!(turns.next(), Turn::Closed));
    }

    /// A network with a large operation that has just ended, and jobs of it that wait.
    fn paused(jobs: usize, ended: Instant) -> Turns {
        let turns = Turns::new();
        let submit = || {
            let (job, _) = WorkJob::new(Arc::new(Waiting(flow(1))));
            turns.submit(Box::new(job)).expect("there is room");
        };
        (0..=jobs).for_each(|_| submit());
        let Turn::Run(_, sharing) = turns.next() else { unreachable!("a job waits") };
        turns.ended(flow(1), Run { held: Duration::from_millis(20), ended, amount: Amount::Large(0) }, sharing);
        assert_eq!(turns.queue.lock().paused[&flow(1).source].jobs.waiting(), jobs);
        turns
    }

    #[test]
    fn jobs_of_networks_that_pause_count_as_waiting() {
        let turns = paused(1, Instant::now());
        let submit = |number: u8| {
            let (job, _) = WorkJob::new(Arc::new(Waiting(flow(number))));
            turns.submit(Box::new(job))
        };
        let mut waiting = 1;
        for number in 2..9 {
            while waiting < limits::WRITER_QUEUE && submit(number).is_ok() {
                waiting += 1;
            }
        }
        assert_eq!(waiting, limits::WRITER_QUEUE, "with the one that pauses");
        assert!(matches!(submit(9), Err(StoreError::Busy)));
        assert!(matches!(submit(1), Err(StoreError::Busy)));
        assert!(submit(OWN).is_ok());
    }

    #[test]
    fn a_network_whose_pause_is_over_waits() {
        let long_ago = Instant::now().checked_sub(LONGEST_OWN_PAUSE).expect("the machine runs for longer");
        assert!(paused(1, long_ago).others_wait(flow(2)));
        assert!(!paused(1, long_ago).others_wait(flow(1)));
        let later = Instant::now() + Duration::from_mins(1);
        let turns = paused(1, later);
        let (job, _) = WorkJob::new(Arc::new(Waiting(flow(2))));
        turns.submit(Box::new(job)).expect("there is room");
        let Turn::Run(_, sharing) = turns.next() else { unreachable!("a job waits") };
        let run = Run { held: Duration::from_millis(1), ended: later, amount: Amount::Small };
        turns.ended(flow(2), run, sharing);
        assert!(!turns.others_wait(flow(2)), "its pause isn't over");
    }
}
