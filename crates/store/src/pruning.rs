//! What goes of the commit log, and what remains of it: the Merkle tree of the entries that are gone, so that the log stays
//! verifiable, and the last versions of the records that they deleted.

use std::collections::HashMap;

use backstay_audit::{ChangeKind, Origin, Tree, verify};
use backstay_base::{CallerKind, DependencyKey, Flow, Timestamp, TypeNumber, limits};
use backstay_model::{CollectionId, Model};
use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};
use futures_util::future::BoxFuture;

use crate::own::{bytes, int, own};
use crate::session::OwnRow;
use crate::{Catalog, Demand, DependencyKeys, StoreError, Tx, Work, Writes, log, tombstones};

/// Up to where the commit log is pruned: the entries that either of both covers and that nobody needs. The last entry always stays, because places
/// and moments go on from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHorizon {
    /// Entries from before this moment go.
    pub before: Timestamp,
    /// Entries up to this place go.
    pub through: u64,
    /// Somebody still has to read the entries from this place on: they stay, whatever the others say.
    pub needed_from: Option<u64>,
}

/// What a step of pruning did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// The entries that are gone now.
    pub entries: u64,
    /// Whether another step may find more.
    pub more: bool,
}

/// Removes the next entries.
pub(crate) struct Prune {
    horizon: LogHorizon,
    keys: DependencyKeys,
    /// The application's types.
    types: HashMap<TypeNumber, CollectionId>,
}

impl Prune {
    pub(crate) fn new(horizon: LogHorizon, model: &Model, (catalog, keys): (&Catalog, &DependencyKeys)) -> Self {
        let of_application = model.collections.iter().filter(|collection| !collection.system);
        let types = of_application.map(|collection| (catalog.type_number(collection.id), collection.id)).collect();
        Self { horizon, keys: keys.clone(), types }
    }

    async fn prune(&self, tx: &mut Tx<'_>) -> Result<Pruned, StoreError> {
        tx.lock("backstay prunes its log").await?;
        let mut tree = Tree::default();
        tx.show(&pruned(), &mut |row| {
            tree = read_pruned(row)?;
            Ok(())
        })
        .await?;
        let mut last = 0;
        tx.show(&last_place(), &mut |row| {
            last = int(row, 0)?.unsigned_abs();
            Ok(())
        })
        .await?;
        let mut step =
            Step { prune: self, last, first: tree.size() + 1, tree, deleted: Vec::new(), bytes: 0, ended: false };
        tx.show(&log::page(step.first, limits::PRUNED_ENTRIES), &mut |row| step.take(row)).await?;
        let Step { tree, first, deleted, ended, .. } = step;
        let entries = tree.size() + 1 - first;
        if entries == 0 {
            return Ok(Pruned { entries, more: false });
        }
        for (record, version) in deleted {
            tx.execute(&tombstones::keep(record, version)).await?;
        }
        let removed = tx.execute(&remove(tree.size())).await?;
        if removed != entries {
            return Err(StoreError::StagedRows { expected: entries, found: removed });
        }
        tx.execute(&keep(&tree)).await?;
        Ok(Pruned { entries, more: !ended })
    }
}

/// A step that reads what it removes.
struct Step<'a> {
    prune: &'a Prune,
    /// The place of the log's last entry.
    last: u64,
    /// The place of the first entry that is still there.
    first: u64,
    /// The entries that are gone afterwards.
    tree: Tree,
    /// The records that they deleted, with their last versions.
    deleted: Vec<(DependencyKey, i64)>,
    bytes: usize,
    /// Whether the next entry stays whatever the next step does.
    ended: bool,
}

impl Step<'_> {
    fn take(&mut self, row: &dyn OwnRow) -> Result<(), StoreError> {
        let is_full = self.bytes > limits::PRUNED_BYTES || self.deleted.len() > limits::PRUNED_RECORDS;
        if self.ended || is_full {
            return Ok(());
        }
        let damaged = || StoreError::Catalog("backstay_log");
        let place = int(row, 0)?.unsigned_abs();
        let stored = log::read(row)?;
        if place != self.tree.size() + 1 {
            return Err(damaged());
        }
        let entry = verify(&stored.entry, stored.leaf).map_err(|_| damaged())?;
        let LogHorizon { before, through, needed_from } = self.prune.horizon;
        let is_needed = needed_from.is_some_and(|needed| place >= needed);
        if place >= self.last || is_needed || (entry.moment >= before && place > through) {
            self.ended = true;
            return Ok(());
        }
        self.tree.push(stored.leaf);
        self.bytes += stored.entry.len();
        for change in entry.changes.iter().filter(|change| change.kind == ChangeKind::Delete) {
            let Some(collection) = self.prune.types.get(&change.type_number) else { continue };
            let records = change.records.iter();
            self.deleted.extend(records.map(|one| (self.prune.keys.record(*collection, &one.key), one.version)));
        }
        Ok(())
    }
}

impl Work for Prune {
    type Output = Pruned;
    type Error = StoreError;

    fn writes(&self) -> Writes {
        Writes::Many
    }

    fn origin(&self) -> Origin {
        Origin { kind: CallerKind::System, id: None, request: None, transaction: "prune-log".into() }
    }

    fn demand(&self) -> Demand {
        Demand::now(Flow::SYSTEM)
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Pruned, StoreError>> {
        Box::pin(self.prune(tx))
    }
}

/// The tree of the entries that are gone; no row if none is.
pub(crate) fn pruned() -> Statement {
    own("SELECT value FROM backstay_meta WHERE name = 'log_pruned'", vec![], &[Storage::Bytes])
}

/// What a row of `pruned` holds.
pub(crate) fn read_pruned(row: &dyn OwnRow) -> Result<Tree, StoreError> {
    Tree::from_bytes(bytes(row, 0)?).ok_or(StoreError::Catalog("backstay_meta"))
}

fn keep(tree: &Tree) -> Statement {
    own(
        "INSERT INTO backstay_meta (name, value) VALUES ('log_pruned', $1) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        vec![Param::Bytes(tree.to_bytes().as_slice().into())],
        &[],
    )
}

fn remove(through: u64) -> Statement {
    own("DELETE FROM backstay_log WHERE seq <= $1", vec![Param::Int(through.cast_signed())], &[])
}

fn last_place() -> Statement {
    own("SELECT coalesce(max(seq), 0) FROM backstay_log", vec![], &[Storage::Int])
}

/// Entries whose sizes are summed up at a time.
pub(crate) const SIZED_ENTRIES: u32 = 10_000;

/// The size of entries that follow each other.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sized {
    /// How many there are.
    pub(crate) entries: u64,
    /// The place of the first one.
    pub(crate) first: u64,
    /// Their bytes, with what the database needs for each.
    pub(crate) bytes: u64,
}

impl Sized {
    /// What a row of `size_before` says.
    pub(crate) fn read(row: &dyn OwnRow) -> Result<Self, StoreError> {
        let number = |column| Ok::<_, StoreError>(int(row, column)?.unsigned_abs());
        Ok(Self { entries: number(0)?, first: number(1)?, bytes: number(2)? })
    }
}

/// Sums up the sizes of so many entries before a place, the last one first: their number, the place of the first of them,
/// and their bytes.
pub(crate) fn size_before(place: u64, entries: u32) -> Statement {
    own(
        "SELECT count(*), coalesce(min(seq), 0), CAST(coalesce(sum(size), 0) AS bigint) FROM (SELECT seq, length(entry) + \
         coalesce(length(feed), 0) + 40 AS size FROM backstay_log WHERE seq < $1 ORDER BY seq DESC LIMIT $2) AS sized",
        vec![Param::Int(i64::try_from(place).unwrap_or(i64::MAX)), Param::Int(i64::from(entries))],
        &[Storage::Int, Storage::Int, Storage::Int],
    )
}
