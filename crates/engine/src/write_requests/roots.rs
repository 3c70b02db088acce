//! The records that a deletion is about, for one that takes several commits: those that it has found at first, whatever its own steps
//! change of what its filter and its order ask.

use std::collections::HashSet;

use backstay_base::{Action, Error, RecordId};
use backstay_model::CollectionId;

use super::{PreparedWrite, Work, invitation};
use crate::matching;
use crate::record::Key;
use crate::stored::{self, Wanted};
use crate::{Authority, IfMatch, RecordAct, TxContext, Written};

/// A record that a request deletes, with the version that it had when the caller was found to be allowed to.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) key: Key,
    pub(crate) version: i64,
}

impl PreparedWrite {
    /// The records that it would delete, if the caller may delete all of them: of those that were found before, the ones that are
    /// still meant.
    pub(crate) async fn roots(&self, cx: &mut TxContext<'_, '_>, before: Option<&[Root]>) -> Result<Vec<Root>, Error> {
        let roots = match (&self.work, before) {
            (Work::OfRecord { record: (collection, which), if_match, .. }, _) => {
                let id = cx.addressed(Authority::Caller, *collection, which).await?;
                let version = self.deletable(cx, (*collection, id), if_match.as_ref()).await;
                version.map(|version| vec![Root { key: (*collection, id), version }])
            }
            (Work::OfMatching { collection, list, reach, .. }, None) => {
                let ids = matching::named(cx, (&**list, reach)).await?;
                self.each_deletable(cx, *collection, ids).await
            }
            (Work::OfMatching { .. }, Some(before)) => self.still_meant(cx, before).await,
            (Work::Create { .. } | Work::Upsert { .. } | Work::Update { .. } | Work::Replace { .. }, _) => {
                Ok(Vec::new())
            }
        };
        roots.map_err(|refusal| invitation(refusal, cx.caller()))
    }

    /// Refuses to go on if the caller may no longer delete this record, or if it has changed.
    pub(crate) async fn require_root(&self, cx: &mut TxContext<'_, '_>, root: &Root) -> Result<(), Error> {
        let unchanged = IfMatch::Versions(vec![root.version]);
        let version = self.deletable(cx, root.key, Some(&unchanged)).await;
        version.map(drop).map_err(|refusal| invitation(self.of_root(cx, root.key, refusal), cx.caller()))
    }

    /// Deletes the records that were found, as far as they are still meant, and what is left of what goes with them.
    pub(crate) async fn delete_roots(&self, cx: &mut TxContext<'_, '_>, found: &[Root]) -> Result<Written, Error> {
        match &self.work {
            Work::OfMatching { collection, reach, .. } => {
                if let Some(written) = self.recalled_first(cx).await? {
                    return Ok(written);
                }
                matching::hold_found(cx, *collection, ids(found)).await?;
                let roots = self.roots(cx, Some(found)).await?;
                let counted = matching::delete_found(cx, *collection, (reach, ids(&roots))).await;
                let counted = counted.map_err(|refusal| invitation(refusal, cx.caller()))?;
                let written = self.counted(&counted)?;
                cx.remember(self.claim.as_ref(), &written, self.showing.encoder)?;
                Ok(written)
            }
            Work::OfRecord { .. }
            | Work::Create { .. }
            | Work::Upsert { .. }
            | Work::Update { .. }
            | Work::Replace { .. } => self.run(cx).await,
        }
    }

    /// Those of the records found before that others have not changed, and of those that they have changed the ones that the filter and
    /// the order still name.
    async fn still_meant(&self, cx: &mut TxContext<'_, '_>, before: &[Root]) -> Result<Vec<Root>, Error> {
        let Work::OfMatching { collection, list, reach, .. } = &self.work else { return Ok(Vec::new()) };
        let roots = self.each_deletable(cx, *collection, ids(before)).await?;
        let known: HashSet<(Key, i64)> = before.iter().map(|root| (root.key, root.version)).collect();
        let is_known = |root: &Root| known.contains(&(root.key, root.version));
        if roots.iter().all(is_known) {
            return Ok(roots);
        }
        let named: HashSet<RecordId> = matching::named(cx, (&**list, reach)).await?.into_iter().collect();
        Ok(roots.into_iter().filter(|root| is_known(root) || named.contains(&root.key.1)).collect())
    }

    /// Those of these records that are still there, if the caller may delete all of them.
    async fn each_deletable(
        &self,
        cx: &mut TxContext<'_, '_>,
        collection: CollectionId,
        ids: Vec<RecordId>,
    ) -> Result<Vec<Root>, Error> {
        let mut roots = Vec::with_capacity(ids.len());
        for id in ids {
            match self.deletable(cx, (collection, id), None).await {
                Ok(version) => roots.push(Root { key: (collection, id), version }),
                // Others have deleted it meanwhile.
                Err(Error::NotFound { .. }) if cx.get(collection, id).await?.is_none() => {}
                Err(refusal) => {
                    return Err(matching::of_one(refusal, cx.model().collection(collection), (id, Action::Delete)));
                }
            }
        }
        Ok(roots)
    }

    /// The refusal of one of the records, unless others have deleted or changed it: of several, it is named.
    fn of_root(&self, cx: &TxContext<'_, '_>, (collection, id): Key, refusal: Error) -> Error {
        let is_other = matches!(refusal, Error::NotFound { .. } | Error::Precondition { .. });
        match &self.work {
            Work::OfMatching { .. } if !is_other => {
                matching::of_one(refusal, cx.model().collection(collection), (id, Action::Delete))
            }
            _ => refusal,
        }
    }

    /// The version of a record, if the caller may delete it and it has one of the versions wanted.
    async fn deletable(
        &self,
        cx: &mut TxContext<'_, '_>,
        record: Key,
        if_match: Option<&IfMatch>,
    ) -> Result<i64, Error> {
        let proposal = if let Work::OfRecord { act: RecordAct::Purge, .. } = &self.work {
            let of = (Authority::Caller, Action::Purge);
            stored::in_trash(cx, of, record, if_match).await.map(|(proposal, _)| proposal)
        } else {
            let wanted = Wanted { if_match, child_of: None };
            stored::for_deletion(cx, Authority::Caller, record, wanted).await
        }?;
        match &proposal.stored {
            Some(stored) => Ok(stored.version()),
            None => Err(crate::read::not_found(proposal.collection)),
        }
    }
}

fn ids(roots: &[Root]) -> Vec<RecordId> {
    roots.iter().map(|root| root.key.1).collect()
}
