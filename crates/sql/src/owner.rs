use backstay_base::Action;
use backstay_expr::Path;
use backstay_model::{CollectionId, FieldId};
use sea_query::{Expr as Sql, ExprTrait};

use crate::builder::{Members, Record};
use crate::lower::Lowering;
use crate::predicate::Pred;

/// The record whose members are meant, and the members.
#[derive(Debug)]
pub(crate) struct Owner<'r> {
    pub(crate) key: Sql,
    /// Whether there always is one.
    pub(crate) certain: bool,
    /// Where it and its relation are seen.
    pub(crate) conditions: Vec<Pred>,
    pub(crate) members: Members<'r>,
}

impl<'r> Owner<'r> {
    /// That of the to-many relation at the end of this path.
    pub(crate) fn of(lowering: &mut Lowering<'_, '_, 'r>, over: &Path) -> Option<Self> {
        let (relation, steps) = over.steps.split_last()?;
        let start = lowering.anchor(over.root);
        let view = lowering.view_from(&start);
        let (key, collection, certain, conditions) = match steps.split_last() {
            None => {
                let conditions = vec![lowering.sees_field(&start, *relation)];
                let key = lowering.builder.key(&start);
                if start.record == Record::Proposed
                    && let Some(members) = lowering.builder.proposed_members(&start, *relation, view.1)
                {
                    return Some(Self { key, certain: true, conditions, members });
                }
                // A caller need not have an account, and a record that is created is not stored before; any other record
                // that a relation starts from is there.
                (key, start.collection, !matches!(start.record, Record::Account | Record::Old), conditions)
            }
            Some((step, before)) => {
                let (holder, mut conditions) = lowering.walk(&start, before);
                let (key, seen) = lowering.reference(&holder, *step);
                conditions.extend(seen);
                let collection = lowering.builder.model.field(holder.collection, *step).kind.target()?;
                if is_restricted(lowering, collection, *relation) {
                    let owner = lowering.builder.follow(&holder, *step, lowering.scope.rights);
                    // Whoever sees a reference that is not stored sees the record.
                    if lowering.builder.model.field(holder.collection, *step).kind.is_stored() {
                        conditions.push(lowering.sees_record(&owner));
                    }
                    conditions.push(lowering.sees_field(&owner.anchor, *relation));
                }
                (key, collection, false, conditions)
            }
        };
        let kind = &lowering.builder.model.field(collection, *relation).kind;
        let members = lowering.builder.members(kind, view)?;
        Some(Self { key, certain, conditions, members })
    }
}

/// Whether the rights hide a record of the collection, or its relation, from someone.
fn is_restricted(lowering: &Lowering<'_, '_, '_>, collection: CollectionId, relation: FieldId) -> bool {
    let rights = lowering.scope.rights;
    let seen = rights.rule(collection, Action::Read).allows();
    !seen || !rights.field(collection, relation, Action::Read).allows()
}

/// That the member is one of the record with the key.
pub(crate) fn tie(owner: Option<Sql>, key: &Sql) -> Pred {
    owner.map_or(Pred::Known(true), |owner| Pred::Sql(owner.eq(key.clone())))
}
