mod jobs;
mod webhooks;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use backstay_base::{Error, limits};
use backstay_engine::{Due, PurgePass, RefreshPass, TimerPass};
use tokio::time::{Instant, sleep};

use crate::Instance;
use crate::commit_log::Retention;
use crate::serving::{Served, Serving};

/// How much longer than a pass over all due records the time is until the next one.
const TIMES_LONGER: u32 = 20;

/// Does what is due without anybody asking for it, as long as the server runs: purges what has been in the trash for long
/// enough, lets happen what the model says of a moment (`@at`), and refreshes the stored sums that follow after a commit. Between two steps the application can be exchanged for
/// another version.
pub(crate) async fn maintain(serving: &Serving) -> Infallible {
    tokio::select! {
        never = purge_always(serving) => never,
        never = refresh_always(serving) => never,
        never = fire_always(serving) => never,
        never = prune_always(serving) => never,
        never = jobs::work_always(serving) => never,
        never = webhooks::dispatch_always(serving) => never,
        never = webhooks::send_always(serving) => never,
        never = remove_links_always(serving) => never,
        never = give_way_always(serving) => never,
    }
}

/// Does at once all that is due now: for tests, whose clock jumps.
pub(crate) async fn do_what_is_due(Instance { engine, jobs, .. }: &Instance) -> Result<(), Error> {
    let (mut timers, mut sums, mut purges) = (TimerPass::default(), RefreshPass::default(), PurgePass::default());
    while matches!(engine.fire_timers(&mut timers).await?, Due::Now) {}
    while engine.refresh_sums(&mut sums).await? {}
    while engine.purge_expired(&mut purges).await? {}
    jobs::work_off(engine, jobs).await
}

/// How often it is looked whether another server wants to change the model.
const GIVE_WAY: Duration = Duration::from_millis(100);

async fn give_way_always(serving: &Serving) -> Infallible {
    loop {
        serving.give_way().await;
        sleep(GIVE_WAY).await;
    }
}

/// Waits until it is this process that does what is due, of those that share a database.
async fn our_turn(serving: &Serving) {
    while !is_our_turn(serving).await {
        sleep(Duration::from_millis(limits::KEEPER_MILLIS)).await;
    }
}

/// It may no longer be after any step: a process that was stopped goes on in the middle of its work.
async fn is_our_turn(serving: &Serving) -> bool {
    match &*serving.served().await {
        Some(Served { instance, .. }) => instance.engine.is_keeper(),
        None => false,
    }
}

async fn prune_always(serving: &Serving) -> Infallible {
    loop {
        our_turn(serving).await;
        match prune_log(serving).await {
            Ok(0) => (),
            Ok(entries) => tracing::info!(entries, "pruned the commit log"),
            Err(error) => tracing::warn!(%error, "the commit log can't be pruned"),
        }
        sleep(Duration::from_secs(limits::PRUNE_SECONDS)).await;
    }
}

/// Removes what the settings don't keep of the commit log, in steps between which the application can be exchanged; how many
/// entries.
async fn prune_log(serving: &Serving) -> Result<u64, Error> {
    let (mut entries, mut horizons) = (0, None);
    loop {
        let served = serving.served().await;
        let Some(Served { instance: Instance { engine, webhooks, .. }, place, .. }) = &*served else {
            return Ok(entries);
        };
        let left: &mut VecDeque<_> = match &mut horizons {
            Some(left) => left,
            None => horizons.insert(Retention::of(&place.config.data).horizons(engine, webhooks).await?.into()),
        };
        let Some(horizon) = left.front().filter(|_| engine.is_keeper()) else { return Ok(entries) };
        let step = engine.prune_log(*horizon).await?;
        entries += step.entries;
        if !step.more {
            left.pop_front();
        }
    }
}

async fn remove_links_always(serving: &Serving) -> Infallible {
    loop {
        our_turn(serving).await;
        if !remove_links(serving).await {
            sleep(Duration::from_secs(limits::PURGE_SECONDS)).await;
        }
    }
}

/// Removes some links that have expired; whether there may be more.
async fn remove_links(serving: &Serving) -> bool {
    let served = serving.served().await;
    let Some(Served { instance, .. }) = &*served else { return false };
    instance.identity.remove_expired_links().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "expired links can't be removed");
        false
    })
}

async fn purge_always(serving: &Serving) -> Infallible {
    let mut pass = PurgePass::default();
    loop {
        our_turn(serving).await;
        if !purge(serving, &mut pass).await {
            pass = PurgePass::default();
            sleep(Duration::from_secs(limits::PURGE_SECONDS)).await;
        }
    }
}

/// One step of a pass; whether it has more to do.
async fn purge(serving: &Serving, pass: &mut PurgePass) -> bool {
    let served = serving.served().await;
    let Some(Served { instance, .. }) = &*served else { return false };
    instance.engine.purge_expired(pass).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "expired records in the trash can't be found");
        false
    })
}

async fn fire_always(serving: &Serving) -> Infallible {
    let (mut pass, mut whole_at) = (TimerPass::default(), Instant::now());
    loop {
        let begun = Instant::now();
        let is_whole = begun >= whole_at;
        if is_whole {
            pass.start_over();
        }
        let due = loop {
            our_turn(serving).await;
            match fire(serving, &mut pass).await {
                Due::Now => {}
                due @ (Due::In(_) | Due::Nothing) => break due,
            }
        };
        let pause = Duration::from_millis(limits::TIMER_MILLIS.unsigned_abs());
        if is_whole {
            // Records that couldn't change are passed over again. However many they are, most of the time is left for others.
            whole_at = Instant::now() + pause.max(begun.elapsed() * TIMES_LONGER);
        }
        sleep(match due {
            Due::In(time) => time.min(pause),
            Due::Now | Due::Nothing => pause,
        })
        .await;
    }
}

/// One step of a pass.
async fn fire(serving: &Serving, pass: &mut TimerPass) -> Due {
    let served = serving.served().await;
    let Some(Served { instance, .. }) = &*served else { return Due::Nothing };
    instance.engine.fire_timers(pass).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "what is due at a moment (`@at`) can't be done");
        Due::Nothing
    })
}

async fn refresh_always(serving: &Serving) -> Infallible {
    loop {
        let (mut pass, begun) = (RefreshPass::default(), Instant::now());
        // Sums that can't be computed are tried again in the next pass.
        while begun.elapsed() < Duration::from_secs(limits::PURGE_SECONDS) {
            let mut told = Instant::now();
            our_turn(serving).await;
            while refresh(serving, &mut pass).await && is_our_turn(serving).await {
                if told.elapsed() >= Duration::from_secs(limits::REFRESH_LATE_SECONDS) {
                    tell_backlog(serving).await;
                    told = Instant::now();
                }
            }
            sleep(Duration::from_millis(limits::REFRESH_MILLIS)).await;
        }
    }
}

/// One step of a pass; whether it has more to do.
async fn refresh(serving: &Serving, pass: &mut RefreshPass) -> bool {
    let served = serving.served().await;
    let Some(Served { instance, .. }) = &*served else { return false };
    instance.engine.refresh_sums(pass).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "stored sums can't be refreshed");
        false
    })
}

async fn tell_backlog(serving: &Serving) {
    let served = serving.served().await;
    let Some(Served { instance, .. }) = &*served else { return };
    if let Ok(queued) = instance.engine.queued_sums().await {
        tracing::warn!(queued, "stored sums with `stored: SOON` are behind");
    }
}
