use backstay_base::RecordId;
use backstay_jobs::{JobLine, State};

use crate::support::Shop;

/// A model with these schedules.
fn model(schedules: &str) -> String {
    format!(
        "extend schema @app(name: \"Shop\") {schedules}\n\
         type Mutation {{\n\
         close(at: DateTime!): Boolean @function @job\n\
         count: Boolean @function @job\n\
         }}\n"
    )
}

fn scheduled(schedules: &str) -> Shop {
    Shop::with(&model(schedules))
}

fn daily(missed: &str) -> Shop {
    scheduled(&format!(r#"@schedule(cron: "0 3 * * *", run: "close", zone: "Europe/Zurich", missed: {missed})"#))
}

fn close(at: &str) -> String {
    format!(r#"close {{"at":"{at}:00.000000Z"}} #1"#)
}

async fn waiting(shop: &Shop) -> Vec<JobLine> {
    shop.jobs.list(&[State::Waiting], 100).await.expect("a list")
}

async fn due(shop: &Shop) -> Vec<String> {
    let due = waiting(shop).await.into_iter().filter_map(|job| job.due);
    due.map(|due| due.to_string().replace(":00.000000Z", "")).collect()
}

/// A job for the next time waits, runs at that time, and another one waits for the time after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_runs_at_its_times() {
    let shop = daily("ONCE");
    shop.run().await;
    assert_eq!(due(&shop).await, ["2026-02-01T02:00"]);
    shop.clock.advance("PT13H");
    shop.run().await;
    assert_eq!(shop.ran(), [""; 0]);
    for (day, next) in [("2026-02-01T02:00", "2026-02-02T02:00"), ("2026-02-02T02:00", "2026-02-03T02:00")] {
        shop.clock.advance("P1D");
        shop.run().await;
        assert_eq!(shop.ran(), [close(day)]);
        assert_eq!(due(&shop).await, [next]);
    }
}

/// What becomes of times at which no server ran.
#[tokio::test(flavor = "multi_thread")]
async fn missed_times() {
    let check = async |missed: &str, expected: &[&str]| {
        let shop = daily(missed);
        shop.run().await;
        shop.clock.advance("P3DT15H");
        shop.run().await;
        let expected: Vec<String> = expected.iter().map(|at| close(at)).collect();
        assert_eq!(shop.ran(), expected, "{missed}");
        assert_eq!(due(&shop).await, ["2026-02-05T02:00"], "{missed}");
    };
    check("ONCE", &["2026-02-01T02:00"]).await;
    check("ALL", &["2026-02-01T02:00", "2026-02-02T02:00", "2026-02-03T02:00", "2026-02-04T02:00"]).await;
    check("SKIP", &[]).await;
}

/// Times are made up for that lie back a week, and none before that.
#[tokio::test(flavor = "multi_thread")]
async fn times_that_were_missed_long_ago() {
    let shop = daily("ALL");
    shop.run().await;
    shop.clock.advance("P30D");
    shop.run().await;
    let ran = shop.ran();
    assert_eq!((ran.len(), &ran[0]), (7, &close("2026-02-24T02:00")));
}

/// A job that is late by less than a minute isn't missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_was_nearly_missed() {
    let shop = daily("SKIP");
    shop.run().await;
    shop.clock.advance("PT14H30S");
    shop.run().await;
    assert_eq!(shop.ran(), [close("2026-02-01T02:00")]);
}

/// The next job waits while the one before is tried again, and makes up for what was missed in the meantime.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_schedule_run_one_after_the_other() {
    let shop = scheduled(r#"@schedule(cron: "* * * * *", run: "count")"#);
    let again = || backstay_jobs::Outcome::Again("no answer".to_owned());
    shop.handler.outcomes.lock().insert("{}".to_owned(), vec![again()]);
    shop.run().await;
    shop.clock.advance("PT1M");
    shop.run().await;
    assert_eq!(shop.ran(), ["count {} #1"]);
    assert_eq!(waiting(&shop).await.len(), 2, "the one that is tried again, and the next one");
    shop.clock.advance("PT5M");
    shop.run().await;
    assert_eq!(shop.ran(), ["count {} #2", "count {} #1"]);
    assert_eq!(waiting(&shop).await.len(), 1);
}

/// An operator who cancels the waiting job leaves out one time.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_time() {
    let shop = daily("ONCE");
    shop.run().await;
    let id: RecordId = waiting(&shop).await[0].id;
    shop.jobs.cancel(id).await.expect("it is cancelled");
    assert_eq!(due(&shop).await, ["2026-02-02T02:00"]);
    shop.jobs.retry(id).await.expect("it is queued anew");
    shop.run().await;
    assert_eq!(shop.ran(), [close("2026-02-01T02:00")]);
    assert_eq!(due(&shop).await, ["2026-02-02T02:00"]);
}

/// Two servers run each time once.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_a_schedule() {
    let shop = scheduled(r#"@schedule(cron: "* * * * *", run: "count")"#);
    shop.run().await;
    for _ in 0..10 {
        shop.clock.advance("PT1M");
        tokio::join!(shop.run(), shop.run());
    }
    assert_eq!(shop.ran(), ["count {} #1"; 10]);
}

/// The jobs that wait follow a model that has changed: other times, fewer schedules.
#[tokio::test(flavor = "multi_thread")]
async fn schedules_that_change() {
    let shop = scheduled(
        r#"@schedule(cron: "0 3 * * *", run: "count") @schedule(cron: "0 4 * * *", run: "count")
           @schedule(cron: "0 5 * * *", run: "close")"#,
    );
    shop.run().await;
    assert_eq!(due(&shop).await, ["2026-02-01T03:00", "2026-02-01T04:00", "2026-02-01T05:00"]);
    let shop = shop.restart(&model(r#"@schedule(cron: "0 6 * * *", run: "count")"#));
    shop.run().await;
    assert_eq!(due(&shop).await, ["2026-02-01T06:00"]);
    // The time of the job that waits is one of the new times, but not the next one.
    let shop = shop.restart(&model(r#"@schedule(cron: "0 */2 * * *", run: "count")"#));
    shop.run().await;
    assert_eq!(due(&shop).await, ["2026-01-31T14:00"]);
}
