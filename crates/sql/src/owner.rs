use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::{Expr, Many, Path, Type};
use backstay_model::{CollectionId, FieldId};
use sea_query::{Expr as Sql, ExprTrait};

use crate::builder::{Builder, Members, Record};
use crate::lower::{Bound, DocumentOf, Lowering, sees};
use crate::predicate::Pred;
use crate::within::Items;

/// What has the members that are meant, and the members.
#[derive(Debug)]
pub(crate) struct Owner<'r> {
    /// The key of a record, or a list.
    pub(crate) key: Sql,
    /// Whether there always is one.
    pub(crate) certain: bool,
    /// Where it and its relation are seen.
    pub(crate) conditions: Vec<Pred>,
    pub(crate) members: Each<'r>,
}

/// Members in a SELECT of their own.
#[derive(Debug)]
pub(crate) enum Each<'r> {
    /// The records of a to-many relation.
    Records(Members<'r>),
    /// The items of a list.
    Items {
        /// The SELECT.
        frame: usize,
        /// What the items go by there.
        alias: Arc<str>,
        /// Who has the list.
        of: DocumentOf,
    },
}

impl Each<'_> {
    pub(crate) fn frame(&self) -> usize {
        match self {
            Self::Records(members) => members.member.anchor.frame,
            Self::Items { frame, .. } => *frame,
        }
    }

    /// What a variable is that stands for one of them.
    pub(crate) fn bound(&self) -> Bound {
        match self {
            Self::Records(members) => Bound::Record(members.member.anchor.clone()),
            Self::Items { alias, of, .. } => Bound::Item(Arc::clone(alias), *of),
        }
    }

    /// Where one of them is seen. Whoever sees a document sees all of it.
    pub(crate) fn visible(&self, builder: &mut Builder<'_>) -> Pred {
        match self {
            Self::Records(members) => sees(builder, &members.member),
            Self::Items { .. } => Pred::Known(true),
        }
    }

    /// That it is one of the record with this key.
    pub(crate) fn tie(&self, key: &Sql) -> Pred {
        match self {
            Self::Records(members) => tie(members.owner.clone(), key),
            Self::Items { .. } => Pred::Known(true),
        }
    }
}

impl<'r> Owner<'r> {
    /// That of these; `None` if it is certain that there is none.
    pub(crate) fn of(lowering: &mut Lowering<'_, '_, 'r>, over: &Many) -> Option<Self> {
        match over {
            Many::Records(path) => Self::of_records(lowering, path),
            Many::Items(list) => {
                let Items { list, frame, alias, of } = lowering.items(list)?;
                let members = Each::Items { frame, alias, of };
                Some(Self { key: list, certain: false, conditions: Vec::new(), members })
            }
            Many::Referred(of) => Self::of_referred(lowering, of),
        }
    }

    /// The reference itself, to the one record that it leads to.
    fn of_referred(lowering: &mut Lowering<'_, '_, 'r>, of: &Expr) -> Option<Self> {
        let Type::Record(target, _) = of.ty else { unreachable!("what is followed is a reference") };
        let value = lowering.value(of);
        if value.is_null() {
            return None;
        }
        let (perspective, rights) = (lowering.scope.this.perspective.of_referred(), lowering.scope.rights);
        let target = lowering.builder.model.collection(target);
        let member = lowering.builder.rows(target, perspective, (rights, Action::Read));
        let owner = Some(lowering.builder.key(&member.anchor));
        let members = Each::Records(Members { member, owner });
        Some(Self { key: value.sql, certain: false, conditions: value.guards, members })
    }

    /// That of the to-many relation at the end of this path.
    fn of_records(lowering: &mut Lowering<'_, '_, 'r>, over: &Path) -> Option<Self> {
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
                    return Some(Self { key, certain: true, conditions, members: Each::Records(members) });
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
        Some(Self { key, certain, conditions, members: Each::Records(members) })
    }
}

/// That the member is one of the record with the key.
pub(crate) fn tie(owner: Option<Sql>, key: &Sql) -> Pred {
    owner.map_or(Pred::Known(true), |owner| Pred::Sql(owner.eq(key.clone())))
}

/// Whether the rights hide a record of the collection, or its relation, from someone.
fn is_restricted(lowering: &Lowering<'_, '_, '_>, collection: CollectionId, relation: FieldId) -> bool {
    let rights = lowering.scope.rights;
    let seen = rights.rule(collection, Action::Read).allows();
    !seen || !rights.field(collection, relation, Action::Read).allows()
}
