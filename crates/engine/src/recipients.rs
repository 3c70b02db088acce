//! The accounts that a change notifies: `@notify(to:)`.

use std::collections::BTreeSet;

use backstay_base::{Error, RecordId, limits};
use backstay_model::{CollectionId, FieldId, FieldKind, Notify, PathToAccounts};

use crate::hooks::own_reference;
use crate::{TxContext, links};

/// As many are read, so that too many are noticed.
const ONE_TOO_MANY: u32 = limits::NOTIFIED + 1;

/// All of them, each once: those that are known, and those to which longer paths lead at the end of the transaction.
pub(crate) async fn all(
    cx: &mut TxContext<'_, '_>,
    notify: &Notify,
    (collection, record): (CollectionId, RecordId),
    known: &[RecordId],
) -> Result<BTreeSet<RecordId>, Error> {
    let mut accounts: BTreeSet<RecordId> = known.iter().copied().collect();
    for path in &notify.to {
        if own_reference(path, cx.model().collection(collection)).is_some() {
            continue;
        }
        accounts.extend(at_the_end(cx, path, record).await?);
    }
    Ok(accounts)
}

/// The accounts to which a path leads. Of too many, and of too many records on the way to them, the first are followed: whoever may
/// make these, such as the watches of a ticket, can't keep others from changing it.
async fn at_the_end(
    cx: &mut TxContext<'_, '_>,
    path: &PathToAccounts,
    record: RecordId,
) -> Result<BTreeSet<RecordId>, Error> {
    const MOST: usize = limits::NOTIFIED as usize;
    let mut reached = BTreeSet::from([record]);
    for (of, field) in &path.0 {
        let mut next = BTreeSet::new();
        for from in reached {
            next.extend(related(cx, (*of, *field), from).await?);
            if next.len() > MOST {
                let collection = &cx.model().collection(*of).name;
                let field = &cx.model().field(*of, *field).name;
                tracing::warn!(%record, "a change notifies only the first {MOST} of `{collection}.{field}`");
                next = next.into_iter().take(MOST).collect();
                break;
            }
        }
        reached = next;
    }
    Ok(reached)
}

/// The records to which a relation of a record leads.
async fn related(
    cx: &mut TxContext<'_, '_>,
    (of, field): (CollectionId, FieldId),
    from: RecordId,
) -> Result<Vec<RecordId>, Error> {
    let collection = cx.model().collection(of);
    match &collection.field(field).kind {
        FieldKind::ToOne { .. } => {
            let record = cx.get_references(collection, from).await?;
            Ok(record.and_then(|record| record.value(field).as_id()).into_iter().collect())
        }
        FieldKind::OneToMany { target, via } | FieldKind::OneToOne { target, via, .. } => {
            cx.referring(*target, *via, from, ONE_TOO_MANY).await
        }
        FieldKind::ManyToMany { link, target } => {
            links::live_targets(cx, (collection, *target), link, (from, ONE_TOO_MANY)).await
        }
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOneOf { .. }
        | FieldKind::Lineage { .. } => Ok(Vec::new()),
    }
}
