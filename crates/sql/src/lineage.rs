//! The records above and below a record in a tree, by their paths; and how paths follow when a branch moves.

use backstay_base::limits;
use backstay_expr::{Expr, Many, Node, Operator, Quantifier, Root, Type};
use backstay_model::{Collection, CollectionId, FieldId, Toward, Tree};
use backstay_scalar::Storage;
use sea_query::{
    CommonTableExpression, Expr as Sql, ExprTrait, Func, JoinType, Query, SelectStatement, UnionType, WithClause,
};

use crate::builder::{Anchor, Builder, Record};
use crate::lower::Lowering;
use crate::predicate::Pred;
use crate::probes::answer;
use crate::relation::written;
use crate::schema::quoted;
use crate::steer::is_given;
use crate::tree::{call, column, integer, name, subquery};
use crate::write::{proposed, unrestricted};
use crate::{ColumnRef, Dialect, Perspective, Planner, Probe, Statement, Succession, Template};

/// What the two records of a pair are called.
pub(crate) const ABOVE: &str = "above";
pub(crate) const BELOW: &str = "below";

/// All bits of an id: no id has them, and none sorts after it.
const LAST: [u8; Tree::SEGMENT] = [u8::MAX; Tree::SEGMENT];

/// A tree and the collection whose records form it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forest<'m> {
    collection: &'m Collection,
    tree: Tree,
    dialect: Dialect,
}

impl<'m> Forest<'m> {
    /// That of a collection.
    ///
    /// # Panics
    /// Panics if its records form none: what follows a tree was checked against the model.
    pub(crate) fn of(collection: &'m Collection, dialect: Dialect) -> Self {
        let tree = collection.tree.expect("only records of a tree have others above and below them");
        Self { collection, tree, dialect }
    }

    fn name(&self, field: FieldId) -> &'m str {
        &self.collection.field(field).columns[0].name
    }

    fn path(&self, alias: &str) -> Sql {
        column(alias, self.name(self.tree.path))
    }

    fn id(&self, alias: &str) -> Sql {
        column(alias, self.name(Collection::ID))
    }

    /// All pairs of records of which one is below the other, by their keys. `known`: of which of the two the key is given,
    /// from which the database finds the others.
    pub(crate) fn pairs(&self, known: Toward) -> SelectStatement {
        let mut pairs = Query::select();
        let table = written(self.collection);
        pairs.expr_as(self.id(BELOW), name(BELOW)).expr_as(self.id(ABOVE), name(ABOVE));
        pairs.from_as(name(table), name(BELOW)).from_as(name(table), name(ABOVE));
        let range = self.dialect.branch((self.path(ABOVE), self.path(BELOW)), false);
        pairs.and_where(range);
        if known == Toward::Leaves {
            pairs.and_where(self.begins());
        }
        pairs
    }

    /// That the path of the upper record is a beginning of the lower one's, or is that one: a list of paths, each of which
    /// the index finds.
    fn begins(&self) -> Sql {
        let lengths = (1..=limits::TREE_LEVELS).map(|level| level * Tree::SEGMENT);
        match self.dialect {
            Dialect::Sqlite => {
                let length = |length: usize| integer(i64::try_from(length).unwrap_or(i64::MAX));
                let first = |bytes: usize| call("substr", [self.path(BELOW), integer(1), length(bytes)]);
                self.path(ABOVE).is_in(lengths.map(first))
            }
            // Of a plain list whose values come from another row, the planner makes a chain of comparisons. The query
            // builder knows no arrays.
            Dialect::Postgres => {
                let [above, below] = [ABOVE, BELOW].map(|of| format!("{of}.{}", quoted(self.name(self.tree.path))));
                let first: Vec<String> = lengths.map(|bytes| format!("substr({below}, 1, {bytes})")).collect();
                Sql::cust(format!("{above} = ANY(ARRAY[{}])", first.join(", ")))
            }
        }
    }

    /// The ids of a record with this key and of all that are above it, in a column of this name.
    pub(crate) fn up_from(&self, key: Sql, far: &str) -> SelectStatement {
        let mut up = Query::select();
        let table = written(self.collection);
        up.expr_as(self.id(ABOVE), name(far));
        up.from_as(name(table), name(BELOW)).from_as(name(table), name(ABOVE));
        up.and_where(self.id(BELOW).eq(key));
        up.and_where(self.begins()).to_owned()
    }

    /// The ids of a record with this key and of all that are below it.
    pub(crate) fn down_from(&self, key: Sql) -> SelectStatement {
        let mut down = Query::select();
        let table = written(self.collection);
        down.expr(self.id(BELOW));
        down.from_as(name(table), name(ABOVE)).from_as(name(table), name(BELOW));
        down.and_where(self.id(ABOVE).eq(key));
        let range = self.dialect.branch((self.path(ABOVE), self.path(BELOW)), true);
        down.and_where(range);
        down
    }
}

/// The records that `x.within(y)` is about, where `y` is the same for all: a branch of a tree.
#[derive(Debug)]
pub(crate) struct Branch<'e> {
    /// The record that is to be in the branch.
    pub(crate) member: &'e Expr,
    /// The record with which the branch begins.
    root: &'e Expr,
    of: CollectionId,
    relation: FieldId,
}

impl<'e> Branch<'e> {
    /// Of an expression that says what `within` does: `x == y || x.ancestors.exists(a, a == y)`.
    pub(crate) fn of(expr: &'e Expr) -> Option<Self> {
        let Node::Binary(Operator::Or, same, below) = &expr.node else { return None };
        let Node::Binary(Operator::Equal, member, root) = &same.node else { return None };
        let Node::Quantifier { kind: Quantifier::Exists, over: Many::Records(over), variable, body } = &below.node
        else {
            return None;
        };
        let (Node::Path(path), Type::Record(of)) = (&member.node, &member.ty) else { return None };
        let Node::Binary(Operator::Equal, ancestor, other) = &body.node else { return None };
        let Node::Path(ancestor) = &ancestor.node else { return None };
        let is_ancestor = ancestor.root == Root::Bound(*variable) && ancestor.steps.is_empty();
        let (relation, steps) = over.steps.split_last()?;
        let is_of_member = over.root == path.root && *steps == *path.steps && ancestor.collection == *of;
        let is_same = root.node == other.node && is_given(root);
        let branch = Self { member, root, of: *of, relation: *relation };
        (is_ancestor && is_of_member && is_same).then_some(branch)
    }

    /// That the member is in it, whoever may read what is between; `None` if the relation isn't that to the records above.
    pub(crate) fn lowered(&self, lowering: &mut Lowering<'_, '_, '_>) -> Option<Pred> {
        let collection = lowering.builder.model.collection(self.of);
        collection.tree.filter(|tree| tree.ancestors == self.relation)?;
        let (member, root) = (lowering.value(self.member), lowering.value(self.root));
        let branch = Forest::of(collection, lowering.builder.dialect).down_from(root.settled());
        Some(Pred::Sql(member.settled().in_subquery(branch)))
    }
}

/// The order of the records above and below another one: by their paths.
pub(crate) fn places(builder: &mut Builder<'_>, member: &Anchor) -> Option<Sql> {
    let tree = builder.model.collection(member.collection).tree?;
    Some(builder.stored(member, ColumnRef::main(tree.path)))
}

impl Dialect {
    /// That a path is one below another one, or is that one itself.
    fn branch(self, (above, below): (Sql, Sql), itself: bool) -> Sql {
        let begins = if itself { below.clone().gte(above.clone()) } else { below.clone().gt(above.clone()) };
        let last = Sql::Constant(LAST.to_vec().into());
        begins.and(below.lt(self.octets(above, last)))
    }
}

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
        let columns = vec![answer(&mut builder, &mut select, (counts, key))];
        let mut with = WithClause::new();
        with.recursive(true);
        for expression in expressions {
            with.cte(expression);
        }
        self.bound(&builder.finish(&with.query(select), columns))
    }
}
