//! The records above and below a record in a tree, by their paths.

use backstay_base::limits;
use backstay_model::{Collection, FieldId, Toward, Tree};
use sea_query::{Expr as Sql, ExprTrait, Query, SelectStatement};

use crate::Dialect;
use crate::relation::written;
use crate::tree::{call, column, integer, name};

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
                let [above, below] = [ABOVE, BELOW].map(|of| format!("{of}.\"{}\"", self.name(self.tree.path)));
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

impl Dialect {
    /// That a path is one below another one, or is that one itself.
    pub(crate) fn branch(self, (above, below): (Sql, Sql), itself: bool) -> Sql {
        let begins = if itself { below.clone().gte(above.clone()) } else { below.clone().gt(above.clone()) };
        let last = Sql::Constant(LAST.to_vec().into());
        begins.and(below.lt(self.octets(above, last)))
    }
}
