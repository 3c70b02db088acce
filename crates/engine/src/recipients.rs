//! The accounts that a change notifies: `@notify(to:)`.

use std::collections::BTreeSet;

use backstay_base::{Error, Limit, RecordId, limits};
use backstay_model::{CollectionId, FieldId, FieldKind, Notify};

use crate::hooks::own_reference;
use crate::{TxContext, links};

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
        let mut reached = BTreeSet::from([record]);
        for (of, field) in &path.0 {
            let mut next = BTreeSet::new();
            for from in reached {
                next.extend(related(cx, (*of, *field), from).await?);
                require_few(next.len())?;
            }
            reached = next;
        }
        accounts.extend(reached);
    }
    Ok(accounts)
}

fn require_few(reached: usize) -> Result<(), Error> {
    let (what, max) =
        ("the set of accounts that the change notifies, or of records on the way to them,", limits::NOTIFIED);
    match reached > max as usize {
        true => Err(Limit::Size { what, max: max.into(), unit: "records" }.into()),
        false => Ok(()),
    }
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
            // One more than may be, so that too many are noticed.
            cx.referring(*target, *via, from, limits::NOTIFIED + 1).await
        }
        FieldKind::ManyToMany { link, .. } => links::targets(cx, collection, link, from).await,
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOneOf { .. }
        | FieldKind::Lineage { .. } => Ok(Vec::new()),
    }
}
