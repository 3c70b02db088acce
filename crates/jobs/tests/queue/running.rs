use std::sync::Arc;
use std::time::Duration;

use backstay_engine::{JobTerms, Priority};
use backstay_jobs::{Outcome, State, Workers};

use crate::support::Shop;

fn terms() -> JobTerms {
    JobTerms::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_once() {
    let shop = Shop::open();
    let id = shop.add("send", "a", terms()).await;
    shop.run().await;
    shop.run().await;
    assert_eq!(shop.ran(), [r#"send "a" #1"#]);
    let job = shop.show(id).await;
    assert_eq!((job.state, job.attempts, job.result.as_deref()), (State::Done, 1, Some("true")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_due_after_its_delay() {
    let shop = Shop::open();
    shop.add("send", "a", JobTerms { delay: 60_000_000, ..terms() }).await;
    shop.run().await;
    assert_eq!(shop.ran(), [""; 0]);
    shop.clock.advance("PT1M");
    shop.run().await;
    assert_eq!(shop.ran(), [r#"send "a" #1"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_jobs_come_first() {
    let shop = Shop::open();
    for (input, priority) in [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High)] {
        shop.add(input, input, JobTerms { priority, ..terms() }).await;
    }
    shop.run().await;
    assert_eq!(shop.ran(), [r#"high "high" #1"#, r#"normal "normal" #1"#, r#"low "low" #1"#]);
}

/// What fails is tried again, ever later, until no attempt is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_tried_again() {
    let shop = Shop::open();
    let fails = || Outcome::Again("no answer".to_owned());
    shop.handler.outcomes.lock().insert(r#""a""#.to_owned(), vec![fails(), fails(), fails()]);
    let id = shop.add("send", "a", terms()).await;
    for (attempt, state) in [(1, State::Waiting), (2, State::Waiting), (3, State::Dead)] {
        shop.run().await;
        let job = shop.show(id).await;
        assert_eq!((job.attempts, job.state, job.error.as_deref()), (attempt, state, Some("no answer")));
        shop.clock.advance("PT1H");
    }
    shop.run().await;
    assert_eq!(shop.ran().len(), 3);
    shop.jobs.retry(id).await.expect("it is queued anew");
    shop.run().await;
    assert_eq!(shop.show(id).await.state, State::Done);
    assert!(shop.jobs.retry(id).await.is_err(), "it is done");
}

/// An attempt that takes longer than it may is ended, and the job tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_too_long_is_tried_again() {
    let shop = Shop::open();
    let id = shop.add("slow", "a", terms()).await;
    for (attempt, state) in [(1, State::Waiting), (2, State::Dead)] {
        shop.run().await;
        let job = shop.show(id).await;
        assert_eq!((job.attempts, job.state, job.error.as_deref()), (attempt, state, Some("it took longer than 10ms")));
        shop.clock.advance("PT1H");
    }
    assert_eq!(shop.ran(), [r#"slow "a" #1"#, r#"slow "a" #2"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_unfinished_job_has_a_key() {
    let shop = Shop::open();
    let unique = || JobTerms { unique: Some("k".to_owned()), ..terms() };
    shop.add("send", "a", unique()).await;
    shop.add("send", "b", unique()).await;
    shop.add("note", "c", unique()).await;
    shop.run().await;
    shop.add("send", "d", unique()).await;
    shop.run().await;
    assert_eq!(shop.ran(), [r#"send "a" #1"#, r#"note "c" #1"#, r#"send "d" #1"#]);
}

/// A job of a series waits for those before it, also while these are tried again, and no longer once one is given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_runs_in_order() {
    let shop = Shop::open();
    shop.handler
        .outcomes
        .lock()
        .insert(r#""a""#.to_owned(), vec![Outcome::Again("no answer".to_owned()), Outcome::Dead("never".to_owned())]);
    let series = || JobTerms { series: Some("s".to_owned()), ..terms() };
    for input in ["a", "b", "c"] {
        shop.add("send", input, series()).await;
    }
    shop.run().await;
    assert_eq!(shop.ran(), [r#"send "a" #1"#]);
    shop.clock.advance("PT1H");
    shop.run().await;
    assert_eq!(shop.ran(), [r#"send "a" #2"#, r#"send "b" #1"#, r#"send "c" #1"#]);
}

/// A job that is queued while the one before it ends isn't left behind it.
#[tokio::test(flavor = "multi_thread")]
async fn series_that_are_queued_while_they_run() {
    const SERIES: usize = 6;
    const EACH: usize = 60;
    let shop = Arc::new(Shop::open());
    let adding: Vec<_> = (0..SERIES)
        .map(|series| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move {
                for number in 0..EACH {
                    let terms = JobTerms { series: Some(series.to_string()), ..terms() };
                    shop.add(&format!("send{series}"), &number.to_string(), terms).await;
                }
            })
        })
        .collect();
    while !adding.iter().all(tokio::task::JoinHandle::is_finished) {
        shop.run().await;
        tokio::task::yield_now().await;
    }
    shop.run().await;
    assert_eq!(shop.ran().len(), SERIES * EACH);
}

/// However many urgent jobs wait for others of their kind, the rest of the queue goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_kind_keeps_no_other_waiting() {
    let shop = Shop::open();
    let urgent = || JobTerms { priority: Priority::High, ..terms() };
    for number in 0..250 {
        shop.add("hangs", &number.to_string(), urgent()).await;
    }
    shop.add("send", "a", terms()).await;
    let mut workers = Workers::new("one");
    shop.clock.advance("1ms");
    workers.step(&shop.jobs).await.expect("a step");
    assert!(shop.ran().contains(&r#"send "a" #1"#.to_owned()));
}

/// The job behind one that was cancelled still waits for the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_closes_ranks() {
    let shop = Shop::open();
    let series = |delay| JobTerms { series: Some("s".to_owned()), delay, ..terms() };
    shop.add("send", "a", series(60_000_000)).await;
    let second = shop.add("send", "b", series(0)).await;
    shop.add("send", "c", series(0)).await;
    shop.jobs.cancel(second).await.expect("it is cancelled");
    shop.run().await;
    assert_eq!(shop.ran(), [""; 0]);
    shop.clock.advance("PT1M");
    shop.run().await;
    assert_eq!(shop.ran(), [r#"send "a" #1"#, r#"send "c" #1"#]);
    // The last one of a series can be cancelled, too.
    shop.add("send", "d", series(60_000_000)).await;
    let last = shop.add("send", "e", series(0)).await;
    shop.jobs.cancel(last).await.expect("it is cancelled");
    shop.add("send", "f", series(0)).await;
    shop.clock.advance("PT1M");
    shop.run().await;
    assert_eq!(shop.ran(), [r#"send "d" #1"#, r#"send "f" #1"#]);
}

/// The jobs of a server that has died are run by another one once their leases have ended; what the first one says later
/// doesn't count.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_servers_jobs_run_elsewhere() {
    let shop = Shop::open();
    let id = shop.add("hangs", "a", JobTerms { attempts: Some(2), ..terms() }).await;
    let mut first = Workers::new("first");
    first.step(&shop.jobs).await.expect("a step");
    assert_eq!(shop.show(id).await.state, State::Running);
    drop(first);
    let mut second = Workers::new("second");
    second.step(&shop.jobs).await.expect("a step");
    assert_eq!(shop.ran(), [r#"hangs "a" #1"#], "its lease hasn't ended");
    shop.clock.advance("PT2M");
    second.step(&shop.jobs).await.expect("a step");
    assert_eq!(shop.ran(), [r#"hangs "a" #2"#]);
    shop.clock.advance("PT2M");
    Workers::new("third").step(&shop.jobs).await.expect("a step");
    let job = shop.show(id).await;
    assert_eq!((job.state, job.attempts), (State::Dead, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_of_a_kind_run_as_may() {
    let shop = Shop::open();
    for input in ["a", "b", "c"] {
        shop.add("hangs", input, terms()).await;
    }
    shop.add("send", "d", terms()).await;
    // Each commit has a moment of its own.
    shop.clock.advance("1s");
    let mut workers = Workers::new("one");
    workers.step(&shop.jobs).await.expect("a step");
    assert_eq!(shop.ran(), [r#"hangs "a" #1"#, r#"hangs "b" #1"#, r#"send "d" #1"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_an_unknown_kind_waits() {
    let shop = Shop::open();
    let id = shop.add("unknown", "a", terms()).await;
    shop.run().await;
    let job = shop.show(id).await;
    let expected = (State::Waiting, 0, Some("no action handles jobs of kind `unknown`"));
    assert_eq!((job.state, job.attempts, job.error.as_deref()), expected);
}

/// Three servers, two of which die with what they run: each job is done.
#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_lost() {
    const JOBS: usize = 400;
    let shop = Shop::open();
    for number in 0..JOBS {
        shop.add(&format!("kind{}", number % 100), &number.to_string(), terms()).await;
    }
    for name in ["first", "second"] {
        let mut dies = Workers::new(name);
        shop.clock.advance("1ms");
        dies.step(&shop.jobs).await.expect("a step");
        dies.pause(Duration::from_mins(1)).await;
    }
    shop.clock.advance("PT2M");
    for _ in 0..20 {
        shop.run().await;
        shop.clock.advance("PT1S");
    }
    let left = shop.jobs.list(&[State::Waiting, State::Running, State::Dead], JOBS).await.expect("a list");
    assert_eq!(left, []);
    let done = shop.jobs.list(&[State::Done], JOBS).await.expect("a list");
    assert_eq!(done.len(), JOBS);
}

/// A server that has nothing to do is woken by the commit that queues a job.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_wakes_a_server() {
    let shop = Arc::new(Shop::open());
    let mut workers = Workers::new("one");
    assert!(!workers.step(&shop.jobs).await.expect("a step"));
    let adding = Arc::clone(&shop);
    let added = tokio::spawn(async move { adding.add("send", "a", terms()).await });
    // Longer than any test may take.
    workers.pause(Duration::from_hours(24)).await;
    added.await.expect("it is queued");
    shop.run().await;
    assert_eq!(shop.ran(), [r#"send "a" #1"#]);
}

/// What isn't due yet begins at its time, though nothing changes in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_knows_when_the_next_job_is_due() {
    let shop = Shop::open();
    shop.add("send", "a", JobTerms { delay: 60_000_000, ..terms() }).await;
    let mut workers = Workers::new("one");
    shop.clock.advance("1ms");
    assert!(!workers.step(&shop.jobs).await.expect("a step"));
    assert!(!workers.step(&shop.jobs).await.expect("a step"));
    shop.clock.advance("PT1M");
    assert!(workers.step(&shop.jobs).await.expect("a step"));
    assert_eq!(shop.ran(), [r#"send "a" #1"#]);
}

/// A job that waits because as many of its kind run as may isn't written meanwhile, and begins once one of these has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_full_kind_waits_untouched() {
    let shop = Shop::open();
    let first = shop.add("hangs", "a", terms()).await;
    shop.add("hangs", "b", terms()).await;
    let third = shop.add("hangs", "c", terms()).await;
    let due = shop.show(third).await.due;
    let mut workers = Workers::new("one");
    for _ in 0..5 {
        shop.clock.advance("PT1S");
        workers.step(&shop.jobs).await.expect("a step");
    }
    shop.add("send", "d", terms()).await;
    shop.clock.advance("PT1S");
    workers.step(&shop.jobs).await.expect("a step");
    assert_eq!(shop.ran(), [r#"hangs "a" #1"#, r#"hangs "b" #1"#, r#"send "d" #1"#]);
    let waiting = shop.show(third).await;
    assert_eq!((waiting.state, waiting.due), (State::Waiting, due));
    shop.jobs.cancel(first).await.expect("it is cancelled");
    workers.release(&shop.jobs).await.expect("it stops");
    let mut other = Workers::new("two");
    shop.clock.advance("PT1S");
    other.step(&shop.jobs).await.expect("a step");
    assert_eq!(shop.ran(), [r#"hangs "c" #1"#, r#"hangs "b" #2"#], "what a server gives back is due at once");
}

/// A job that runs learns within a moment that it was cancelled, and not when its lease is extended.
#[tokio::test]
async fn a_job_that_runs_is_cancelled() {
    let shop = Shop::open();
    let id = shop.add("hangs", "a", terms()).await;
    let mut workers = Workers::new("one");
    shop.clock.advance("1s");
    while workers.running() == 0 {
        workers.step(&shop.jobs).await.expect("a step");
    }
    shop.jobs.cancel(id).await.expect("it is cancelled");
    workers.step(&shop.jobs).await.expect("a step");
    assert_eq!((workers.running(), shop.show(id).await.state), (0, State::Cancelled));
}

/// What a job reports is kept, as long as it runs.
#[tokio::test]
async fn a_job_reports_how_far_it_is() {
    use backstay_engine::{JobReport, RunningJob as _};

    let shop = Shop::open();
    let id = shop.add("hangs", "a", terms()).await;
    let mut workers = Workers::new("one");
    shop.clock.advance("1s");
    while workers.running() == 0 {
        workers.step(&shop.jobs).await.expect("a step");
    }
    let reporter = loop {
        let reporter = shop.handler.reporters.lock().first().cloned();
        match reporter {
            Some(reporter) => break reporter,
            None => tokio::task::yield_now().await,
        }
    };
    let report = |done, note: &str| JobReport { done, note: Some(note.to_owned()) };
    reporter.report(report(0.25, "one of four")).await.expect("it is kept");
    let line = shop.show(id).await;
    assert_eq!((line.done, line.note.as_deref()), (Some(0.25), Some("one of four")));
    workers.step(&shop.jobs).await.expect("a step");
    assert_eq!(workers.running(), 1, "it still runs");
    shop.jobs.cancel(id).await.expect("it is cancelled");
    let refused = reporter.report(report(1.0, "the last")).await.expect_err("it is cancelled");
    assert_eq!(refused.code(), "already-done");
    assert_eq!(shop.show(id).await.done, Some(0.25));
    shop.jobs.retry(id).await.expect("it is queued anew");
    assert_eq!(shop.show(id).await.done, None);
}

/// Pages of several states come together in the order in which jobs were queued.
#[tokio::test]
async fn jobs_are_listed_in_the_order_in_which_they_were_queued() {
    let shop = Shop::open();
    let first = shop.add("a", "1", terms()).await;
    let second = shop.add("b", "2", terms()).await;
    let third = shop.add("c", "3", terms()).await;
    shop.jobs.cancel(second).await.expect("it is cancelled");
    let listed = async |states: &[State], most: usize| {
        let found = shop.jobs.list(states, most).await.expect("a list");
        found.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(&State::ALL, 10).await, [first, second, third]);
    assert_eq!(listed(&State::ALL, 2).await, [first, second]);
    assert_eq!(listed(&[State::Waiting], 10).await, [first, third]);
    assert_eq!(listed(&[State::Cancelled], 10).await, [second]);
}
