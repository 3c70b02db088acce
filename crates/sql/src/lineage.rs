//! How the paths of records in trees follow when a branch moves, and how a migration computes them.

use backstay_base::limits;
use backstay_model::{Collection, CollectionId, Tree};
use backstay_scalar::Storage;
use sea_query::{CommonTableExpression, Expr as Sql, ExprTrait, Func, JoinType, Query, UnionType, WithClause};

use crate::builder::{Anchor, Builder, Record};
use crate::forest::BELOW;
use crate::probes::answer;
use crate::relation::written;
use crate::tree::{call, column, integer, name, subquery};
use crate::write::{proposed, unrestricted};
use crate::{ColumnRef, Perspective, Planner, Probe, Statement, Succession, Template};

impl Planner {
    /// Moves the branch below the record whose path was `Slot::Stored` and becomes `Slot::Proposed`. The record itself is
    /// not part of it.
    pub fn move_branch(&self, (collection, tree): (CollectionId, Tree)) -> Template {
        let mut builder = self.builder();
        let (dialect, at) = (self.dialect, ColumnRef::main(tree.path));
        let definition = self.model.collection(collection);
        let path = || Sql::col(name(&definition.field(tree.path).columns[0].name));
        let new = proposed(&mut builder, collection);
        let old = Anchor { record: Record::Stored, ..new.clone() };
        let mut stored = || builder.stored(&old, at);
        let range = dialect.branch((stored(), path()), false);
        let rest = call("substr", [path(), call("length", [stored()]).add(integer(1))]);
        let moved = dialect.octets(builder.stored(&new, at), rest);
        let mut update = Query::update();
        update.table(name(written(definition))).value(name(&definition.field(tree.path).columns[0].name), moved);
        update.and_where(range);
        builder.finish(&update, Vec::new())
    }

    /// How long the longest path is in the branch of the record whose path is `Slot::Stored`: one row of one whole number.
    pub fn longest_path(&self, (collection, tree): (CollectionId, Tree)) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let old = proposed(&mut builder, collection);
        let old = Anchor { record: Record::Stored, ..old };
        let mut stored = || builder.stored(&old, ColumnRef::main(tree.path));
        let (above, itself) = (stored(), stored());
        let path = || Sql::col(name(&definition.field(tree.path).columns[0].name));
        let mut select = Query::select();
        // There is at least the record itself.
        let longest = Func::max(call("length", [path()]));
        select.expr(call("coalesce", [longest.into(), call("length", [itself])])).from(name(written(definition)));
        let range = self.dialect.branch((above, path()), true);
        select.and_where(range);
        builder.finish(&select, vec![Storage::Int.into()])
    }
}

impl Succession<'_> {
    /// Gives every record of the trees that are new, or whose records have other parents than before, its path.
    pub fn paths_to_compute(&self) -> Vec<(CollectionId, Statement)> {
        let trees = self.new.collections.iter().filter_map(|of| Some((of, of.tree?)));
        let changed = trees.filter(|(of, tree)| {
            let Some(before) = self.pairing.collection(of.id).map(|id| self.old.collection(id)) else { return false };
            let same = |was: Tree| self.pairing.field(of.id, tree.parent) == Some(was.parent);
            !before.tree.is_some_and(same) || self.changes_values(of.id, tree.parent)
        });
        changed.map(|(of, tree)| (of.id, self.compute_paths(of, tree))).collect()
    }

    fn compute_paths(&self, collection: &Collection, tree: Tree) -> Statement {
        const WALK: &str = "backstay_walk";
        let table = written(collection);
        let [id, parent, path] =
            [Collection::ID, tree.parent, tree.path].map(|of| &*collection.field(of).columns[0].name);
        let octets = |of: &str| self.dialect.octets_of_id(column(of, id));
        let mut walk = Query::select();
        walk.expr_as(column(table, id), name("id")).expr_as(octets(table), name("path")).from(name(table));
        walk.and_where(column(table, parent).is_null());
        let mut down = Query::select();
        let below = self.dialect.octets(column(WALK, "path"), octets(BELOW));
        down.expr(column(BELOW, id)).expr(below).from(name(WALK));
        let on = column(BELOW, parent).eq(column(WALK, "id"));
        down.join_as(JoinType::InnerJoin, name(table), name(BELOW), on);
        walk.union(UnionType::All, down);
        let mut walked = CommonTableExpression::new();
        // Or it would be walked anew for each record.
        walked.table_name(name(WALK)).columns([name("id"), name("path")]).query(walk).materialized(true);
        let with = WithClause::new().recursive(true).cte(walked).to_owned();
        let mut update = Query::update();
        let mut found = Query::select();
        found.expr(column(WALK, "path")).from(name(WALK));
        found.and_where(column(WALK, "id").eq(column(table, id)));
        update.table(name(table)).value(name(path), subquery(found));
        self.bound(&Builder::new(self.new, self.dialect).finish(&with.query(update), Vec::new()))
    }

    /// Of the records of a new tree, those that are in or below a circle; and those that are too far down.
    pub fn rootless(&self, (collection, tree): (CollectionId, Tree)) -> [Probe; 2] {
        [true, false].map(|circles| {
            let [count, ids] = [true, false].map(|counts| self.asked_of_walk((collection, tree), circles, counts));
            Probe { count, ids }
        })
    }

    /// Walks every tree of the next table from its roots down. A circle has no root, and is never reached.
    fn asked_of_walk(&self, (new, tree): (CollectionId, Tree), circles: bool, counts: bool) -> Statement {
        const WALK: &str = "backstay_walk";
        let mut builder = Builder::new(self.old, self.dialect);
        let mut expressions = self.expressions(&mut builder);
        builder.model = &self.next;
        let collection = self.next.collection(new);
        let at = ColumnRef::main(tree.parent);
        let root = unrestricted(&mut builder, collection, Perspective::Stored);
        let (id, parent) = (builder.key(&root), builder.stored(&root, at));
        let mut walk = Query::select();
        walk.expr_as(id, name("id")).expr_as(integer(1), name("level")).and_where(parent.is_null());
        builder.from(root.frame, &mut walk);
        let child = unrestricted(&mut builder, collection, Perspective::Stored);
        let (id, parent) = (builder.key(&child), builder.stored(&child, at));
        let mut down = Query::select();
        down.expr(id).expr(column(WALK, "level").add(integer(1)));
        builder.from(child.frame, &mut down);
        let most = i64::try_from(limits::TREE_LEVELS).unwrap_or(i64::MAX);
        down.join(JoinType::InnerJoin, name(WALK), parent.eq(column(WALK, "id")));
        walk.union(UnionType::All, down);
        let mut walked = CommonTableExpression::new();
        walked.table_name(name(WALK)).columns([name("id"), name("level")]).query(walk);
        expressions.push(walked);
        let this = unrestricted(&mut builder, collection, Perspective::Stored);
        let key = builder.key(&this);
        let mut reached = Query::select();
        reached.expr(column(WALK, "id")).from(name(WALK));
        let mut select = Query::select();
        if circles {
            select.and_where(key.clone().in_subquery(reached).not());
        } else {
            reached.and_where(column(WALK, "level").gt(integer(most)));
            select.and_where(key.clone().in_subquery(reached));
        }
        builder.from(this.frame, &mut select);
        let columns = vec![answer(&mut builder, &mut select, (counts, (key, collection.key.form())))];
        let mut with = WithClause::new();
        with.recursive(true);
        for expression in expressions {
            with.cte(expression);
        }
        self.bound(&builder.finish(&with.query(select), columns))
    }
}
