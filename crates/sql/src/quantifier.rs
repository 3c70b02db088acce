use backstay_expr::{Expr, Path, Quantifier};
use backstay_model::{CollectionId, FieldId, FieldKind};
use sea_query::{Expr as Sql, ExprTrait, Query};

use crate::build::{Builder, column, integer};
use crate::frame::{Anchor, Part, Record};
use crate::predicate::{Lowering, Pred};

impl Builder<'_> {
    /// In a new frame the records that a to-many relation leads to, and the condition that ties them to the record
    /// with this key.
    pub(crate) fn members(&mut self, kind: &FieldKind, key: Sql) -> Option<(Anchor, Sql)> {
        let frame = self.frame();
        match kind {
            FieldKind::OneToMany { target, via } => {
                let member = self.rows(frame, self.model.collection(*target));
                let tie = self.stored(&member, *via, Part::Main).eq(key);
                Some((member, tie))
            }
            FieldKind::ManyToMany { target, link } => {
                let alias = self.source(frame, &link.table, |_| None);
                let tie = column(&alias, &link.near).eq(key);
                let record = Record::Linked(alias, link.far.as_str().into());
                Some((Anchor { frame, record, collection: *target }, tie))
            }
            FieldKind::Scalar(_) | FieldKind::Enum(_) | FieldKind::List(_) | FieldKind::ToOne { .. } => None,
        }
    }
}

/// The record whose members are meant.
struct Owner {
    key: Sql,
    collection: CollectionId,
    /// Whether there always is one.
    certain: bool,
    /// Where the caller sees it and its relation.
    conditions: Vec<Pred>,
}

impl Lowering<'_, '_, '_> {
    /// `exists` and `all` over the members of a relation; unknown where the record that has it is not there.
    pub(crate) fn quantifier(
        &mut self,
        kind: Quantifier,
        over: &Path,
        variable: u16,
        body: &Expr,
        wanted: bool,
    ) -> Pred {
        let Some((last, steps)) = over.steps.split_last() else { return Pred::Known(false) };
        let Some(start) = self.anchor(over.root) else { return Pred::Known(false) };
        let Owner { key, collection, certain, mut conditions } = self.owner(&start, steps, *last);

        let relation = &self.builder.model.field(collection, *last).kind;
        let Some((member, tie)) = self.builder.members(relation, key.clone()) else { return Pred::Known(false) };
        let visible = self.sees_record(&member);
        self.scope.bound.push((variable, member.clone()));
        // One member that is true (exists) or false (all) decides; else none may be anything but the contrary.
        let decisive = kind == Quantifier::Exists;
        let of_member = match wanted == decisive {
            true => self.is(body, decisive),
            false => self.is(body, !decisive).otherwise(),
        };
        self.scope.bound.pop();

        let found = match Pred::all([Pred::Sql(tie), visible, of_member]) {
            Pred::Known(truth) => Pred::Known(truth),
            Pred::Sql(condition) => {
                let mut select = Query::select();
                select.expr(integer(1)).and_where(condition);
                self.builder.from(member.frame, &mut select);
                Pred::Sql(Sql::exists(select))
            }
        };
        if wanted == decisive {
            return Pred::all(conditions.into_iter().chain([found]));
        }
        if !certain {
            conditions.push(Pred::Sql(key.is_not_null()));
        }
        let none = match found {
            Pred::Known(truth) => Pred::Known(!truth),
            Pred::Sql(exists) => Pred::Sql(exists.not()),
        };
        Pred::all(conditions.into_iter().chain([none]))
    }

    fn owner(&mut self, start: &Anchor, steps: &[FieldId], relation: FieldId) -> Owner {
        let Some((step, before)) = steps.split_last() else {
            let conditions = vec![self.sees_field(start, relation)];
            let key = self.builder.key(start);
            return Owner { key, collection: start.collection, certain: true, conditions };
        };
        let (holder, mut conditions) = self.walk(start, before);
        conditions.push(self.sees_field(&holder, *step));
        let key = self.builder.stored(&holder, *step, Part::Main);
        let target = self.builder.model.field(holder.collection, *step).kind.target();
        let collection = target.unwrap_or(holder.collection);
        let restricted = self.scope.visibility.is_some_and(|visibility| {
            visibility.rows.contains_key(&collection) || visibility.fields.contains_key(&(collection, relation))
        });
        if restricted {
            let owner = self.builder.follow(&holder, *step);
            conditions.extend([self.sees_record(&owner), self.sees_field(&owner, relation)]);
        }
        Owner { key, collection, certain: false, conditions }
    }
}
