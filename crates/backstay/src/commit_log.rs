//! What becomes of the commit log: how long it is kept, and whether it is what it was.

use std::io;

use backstay_base::Error;
use backstay_engine::{Engine, LogError, LogHorizon, LogLine, VerifiedLog};
use backstay_jobs::Webhooks;
use tokio::task::spawn_blocking;

use crate::answer::{LogChangeLine, LogEntryLine, VerifiedLogLine};
use crate::config::{Data, MIB};
use crate::{Answer, Failure, Instance};

/// How much of the commit log is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Entries of the last so many seconds; all without it.
    pub(crate) seconds: Option<u64>,
    /// As many of the last entries as fit in so many bytes; all without it.
    pub(crate) bytes: Option<u64>,
}

impl Retention {
    /// What the settings say.
    pub(crate) fn of(data: &Data) -> Self {
        let some = |number: u64| (number > 0).then_some(number);
        Self { seconds: some(data.log_days * 86_400), bytes: some(data.log_mib * MIB as u64) }
    }

    /// Up to where the log is pruned now, one after the other: what endpoints of webhooks still have to be told of is kept for twice
    /// as long.
    pub(crate) async fn horizons(self, engine: &Engine, webhooks: &Webhooks) -> Result<Vec<LogHorizon>, Error> {
        let Some(wanted) = self.horizon(engine).await? else { return Ok(Vec::new()) };
        let needed_from = webhooks.first_needed().await?;
        if needed_from.is_none() {
            return Ok(vec![wanted]);
        }
        let twice = |number: Option<u64>| number.map(|number| number.saturating_mul(2));
        let longer = Self { seconds: twice(self.seconds), bytes: twice(self.bytes) };
        let at_the_latest = longer.horizon(engine).await?;
        Ok([LogHorizon { needed_from, ..wanted }].into_iter().chain(at_the_latest).collect())
    }

    /// Up to where the log is pruned now, if nobody needs it; `None` if all of it stays.
    async fn horizon(self, engine: &Engine) -> Result<Option<LogHorizon>, Error> {
        if self == Self::default() {
            return Ok(None);
        }
        let now = engine.ambient().clock.now();
        let ago = self.seconds.and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1_000_000));
        let before = ago.and_then(|ago| now.micros().checked_sub(ago));
        let before = before.map_or(backstay_base::Timestamp::EPOCH, backstay_base::Timestamp::from_micros_saturating);
        let through = match self.bytes {
            Some(bytes) => engine.log_excess(bytes).await?,
            None => 0,
        };
        Ok(Some(LogHorizon { before, through, needed_from: None }))
    }
}

/// Prunes the log now.
pub(crate) async fn prune(instance: &Instance, retention: Retention) -> Result<Answer, Failure> {
    let (Instance { engine, webhooks, .. }, mut entries) = (instance, 0);
    for horizon in retention.horizons(engine, webhooks).await? {
        loop {
            let step = engine.prune_log(horizon).await?;
            entries += step.entries;
            if !step.more {
                break;
            }
        }
    }
    Ok(Answer::LogPruned { entries })
}

/// Reads all of the log. With `against`, a size and the root at that size, it fails unless the log goes on from there.
pub(crate) async fn verify(engine: &Engine, against: Option<(u64, String)>) -> Result<Answer, Failure> {
    let engine = engine.clone();
    let size = against.as_ref().map(|(size, _)| *size);
    let verified = spawn_blocking(move || engine.verify_log(size)).await.map_err(io::Error::from)?;
    let VerifiedLog { pruned, entries, last, root, asked } = verified.map_err(|error| match error {
        LogError::Damaged(finding) => Failure::LogDamaged { finding },
        LogError::Store(error) => Failure::Copy(error.into()),
    })?;
    if let Some((size, expected)) = against {
        match asked {
            Some(found) if found.to_string() == expected.to_ascii_lowercase() => (),
            Some(found) => return Err(Failure::LogChanged { size, found: found.to_string() }),
            None => return Err(Failure::LogElsewhere { size, pruned, entries }),
        }
    }
    let (moment, root) = (last.map(|last| last.to_string()), root.to_string());
    Ok(Answer::LogVerified(VerifiedLogLine { entries, pruned, moment, root }))
}

/// Shows entries: at most `limit` from this place on, or the last ones; only those about one record, if one is named.
pub(crate) async fn show(
    engine: &Engine,
    since: Option<u64>,
    limit: u32,
    record: Option<&str>,
) -> Result<Answer, Failure> {
    /// Entries that are read at a time.
    const PAGE: u32 = 256;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut next, mut entries) = (since.unwrap_or(1), Vec::new());
    loop {
        let page = engine.log_lines(next, PAGE).await?;
        let Some(last) = page.last() else { break };
        next = last.place + 1;
        entries.extend(page.into_iter().filter_map(|line| shown(line, record)));
        if since.is_some() && entries.len() >= limit {
            entries.truncate(limit);
            break;
        }
        if entries.len() > limit {
            entries.drain(..entries.len() - limit);
        }
        tokio::task::yield_now().await;
    }
    Ok(Answer::LogEntries { entries })
}

/// An entry, if it is about the record (`Post/01890a5d-…`).
fn shown(line: LogLine, record: Option<&str>) -> Option<LogEntryLine> {
    let LogLine { place, moment, caller, id, request, transaction, changes } = line;
    let changes = changes.into_iter().map(|change| LogChangeLine {
        act: change.act().to_owned(),
        record: format!("{}/{}", change.collection, change.record),
        version: change.version,
        fields: change.fields,
    });
    let changes: Vec<_> = changes.filter(|change| record.is_none_or(|record| record == change.record)).collect();
    (!changes.is_empty()).then(|| LogEntryLine {
        change: place,
        moment: moment.to_string(),
        caller: caller.name().to_owned(),
        id: id.map(|id| id.to_string()),
        request_id: request.map(|request| request.to_string()),
        transaction,
        changes,
    })
}
