use backstay_expr::{Expr, Many, Node, Quantifier};
use sea_query::{CaseStatement, Expr as Sql, ExprTrait, Func, Query, SelectStatement};

use crate::builder::Members;
use crate::lower::{Bound, Lowering, sees};
use crate::owner::{Each, Owner};
use crate::predicate::Pred;
use crate::tree::{boolean, column, integer, name, subquery};

/// `exists` or `all` over the members of a relation or the items of a list; unknown where the record or the list that has
/// them is not there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantified<'e> {
    kind: Quantifier,
    over: &'e Many,
    variable: u16,
    body: &'e Expr,
}

/// The records that have certain members.
#[derive(Debug)]
pub(crate) struct Owners {
    /// The key of one of them, at the record that the expression is about.
    pub(crate) key: Sql,
    /// What else must hold there.
    pub(crate) conditions: Vec<Pred>,
    /// Their keys, in a column called `KEY`; a key can come more than once.
    pub(crate) keys: SelectStatement,
}

impl Owners {
    pub(crate) const KEY: &str = "owner";
}

impl<'e> Quantified<'e> {
    pub(crate) fn of(expr: &'e Expr) -> Option<Self> {
        match &expr.node {
            Node::Quantifier { kind, over, variable, body } => {
                Some(Self { kind: *kind, over, variable: *variable, body })
            }
            _ => None,
        }
    }

    /// Where it is true, or is false.
    pub(crate) fn lowered(self, lowering: &mut Lowering<'_, '_, '_>, wanted: bool) -> Pred {
        let Some(owner) = Owner::of(lowering, self.over) else { return Pred::Known(false) };
        let Owner { key, certain, conditions, members } = owner;
        let visible = members.visible(lowering.builder);
        // One member that is true (exists) or false (all) decides; else none may be anything but the contrary.
        let decisive = self.kind == Quantifier::Exists;
        lowering.scope.bound.push((self.variable, members.bound()));
        let of_member = match wanted == decisive {
            true => lowering.is(self.body, decisive),
            false => lowering.is(self.body, !decisive).otherwise(),
        };
        lowering.scope.bound.pop();

        let found = match Pred::all([members.tie(&key), of_member.behind(visible)]) {
            Pred::Known(false) => Pred::Known(false),
            // Even of what is true of every member there must be one.
            condition => {
                let mut select = Query::select();
                select.expr(integer(1));
                condition.restrict(&mut select);
                lowering.builder.from(members.frame(), &mut select);
                Pred::Sql(Sql::exists(select))
            }
        };
        if wanted == decisive {
            return found.behind(Pred::all(conditions));
        }
        let there = if certain { Pred::Known(true) } else { Pred::Sql(key.is_not_null()) };
        let none = match found {
            Pred::Known(truth) => Pred::Known(!truth),
            Pred::Sql(exists) => Pred::Sql(exists.not()),
        };
        Pred::all([there, none]).behind(Pred::all(conditions))
    }

    /// Where it is true, found from the members: the record's key is among those of the members that are meant. The body
    /// must look at the member alone, as that of a `Driver` does.
    pub(crate) fn driven(self, lowering: &mut Lowering<'_, '_, '_>) -> Pred {
        let Some(Owners { key, mut conditions, keys }) = self.owners(lowering) else {
            return self.lowered(lowering, true);
        };
        conditions.push(Pred::Sql(key.in_subquery(keys)));
        Pred::all(conditions)
    }

    /// What has the members that are meant, found from these; `None` if they aren't records.
    pub(crate) fn owners(self, lowering: &mut Lowering<'_, '_, '_>) -> Option<Owners> {
        let Owner { key, certain: _, conditions, members } = Owner::of(lowering, self.over)?;
        let Each::Records(Members { member, owner: Some(owner) }) = members else { return None };
        let visible = sees(lowering.builder, &member);
        lowering.scope.bound.push((self.variable, Bound::Record(member.anchor.clone())));
        let of_member = lowering.is_true(self.body);
        lowering.scope.bound.pop();
        let mut keys = Query::select();
        keys.expr_as(owner, name(Owners::KEY));
        Pred::all([visible, of_member]).restrict(&mut keys);
        lowering.builder.from(member.anchor.frame, &mut keys);
        Some(Owners { key, conditions, keys })
    }

    /// True, false or null, with the body lowered once: the truths of all members are looked at.
    pub(crate) fn lowered_once(self, lowering: &mut Lowering<'_, '_, '_>) -> Sql {
        let Some(owner) = Owner::of(lowering, self.over) else { return lowering.builder.dialect.unknown() };
        let Owner { key, certain, mut conditions, members } = owner;
        let visible = members.visible(lowering.builder);
        lowering.scope.bound.push((self.variable, members.bound()));
        let truth = lowering.once(self.body);
        lowering.scope.bound.pop();

        let mut each = Query::select();
        each.expr_as(truth, name("v")).and_where(Pred::all([members.tie(&key), visible]).sql());
        lowering.builder.from(members.frame(), &mut each);
        let (alias, dialect) = (lowering.builder.alias(), lowering.builder.dialect);
        let decisive = self.kind == Quantifier::Exists;
        let truths = || column(&alias, "v");
        let decided = dialect.is_truth(dialect.any_or_all(truths(), !decisive), decisive);
        let all_known = Sql::from(Func::count(Sql::col(sea_query::Asterisk))).eq(Func::count(truths()));
        let case = CaseStatement::new().case(decided, boolean(decisive)).case(all_known, boolean(!decisive));
        let mut select = Query::select();
        select.expr(case).from_subquery(each, name(&alias));
        let answer = subquery(select);
        if !certain {
            conditions.push(Pred::Sql(key.is_not_null()));
        }
        match Pred::all(conditions) {
            Pred::Known(true) => answer,
            Pred::Known(false) => dialect.unknown(),
            Pred::Sql(known) => CaseStatement::new().case(known, answer).into(),
        }
    }
}
