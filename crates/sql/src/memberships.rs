//! Pages of the records that the caller's memberships lead to, if the database alone wouldn't start from the memberships: the
//! page then has the records with the ids that a subquery finds.

use backstay_base::limits;
use backstay_scalar::{Storage, Value};
use sea_query::{
    Asterisk, CommonTableExpression, Expr as Sql, ExprTrait, Func, JoinType, Query, SelectStatement, UnionType,
    WithClause,
};

use crate::builder::{Anchor, Builder, Record, Seen};
use crate::expressions::Reader;
use crate::lower::{Lowering, Scope};
use crate::order::PageOrder;
use crate::predicate::Pred;
use crate::quantifier::{Owners, Quantified};
use crate::question::{Asked, asked_by, lead, page_order, window};
use crate::steer::{Lead, Way, leading};
use crate::tree::{boolean, column, name, subquery};
use crate::{Dialect, PageStart, ReadScope, ReadShape, Slot, SortKey};

/// The name of a column in these subqueries.
const ID: &str = "id";
/// The ids that the beginning of the page's order has.
const WALKED: &str = "walked";

/// Which records are read, and in which order.
pub(crate) fn asked(builder: &mut Builder<'_>, shape: &ReadShape, rows: &Seen<'_>, reader: Reader<'_>) -> Asked {
    asked_in_order(builder, (shape, &[]), rows, reader)
}

/// The same, where some sort keys are null in records of other types which are read together with these.
pub(crate) fn asked_in_order(
    builder: &mut Builder<'_>,
    (shape, nullable): (&ReadShape, &[bool]),
    rows: &Seen<'_>,
    reader: Reader<'_>,
) -> Asked {
    let (dialect, lead) = (builder.dialect, lead(builder, shape, rows, reader));
    let (ReadScope::Page { sort, start }, Some(lead)) = (&shape.scope, lead) else {
        return asked_by(builder, (shape, nullable), rows, (reader, Way::Any));
    };
    let mut page = Page { builder, shape, nullable, sort, start, reader };
    let ids = match (lead, dialect) {
        // SQLite starts from the memberships by itself, and stops reading the records of one that come too late.
        (Lead::EachOwner | Lead::Owners, Dialect::Sqlite) => {
            return asked_by(builder, (shape, nullable), rows, (reader, Way::Any));
        }
        (Lead::EachOwner, Dialect::Postgres) => page.led(Part::OfEach, None),
        (Lead::Owners, Dialect::Postgres) => page.led(Part::All, None),
        (Lead::Shorter, Dialect::Sqlite | Dialect::Postgres) => page.shorter(),
    };
    let order = page.order(&rows.anchor);
    let key = page.builder.key(&rows.anchor);
    Asked { condition: Pred::Sql(key.in_subquery(ids)), order: Some(order) }
}

/// How much of what an owner has is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// As much of each as the page has: an index has it in the order of the page.
    OfEach,
    /// All of it.
    All,
}

/// The ids of a page under construction.
struct Page<'b, 'm, 's> {
    builder: &'b mut Builder<'m>,
    shape: &'s ReadShape,
    nullable: &'s [bool],
    sort: &'s [SortKey],
    start: &'s PageStart,
    reader: Reader<'s>,
}

impl<'s> Page<'_, '_, 's> {
    fn order(&mut self, record: &Anchor) -> PageOrder {
        page_order(self.builder, (self.sort, self.start), record, self.reader).with_nulls(self.nullable)
    }

    fn rows(&mut self) -> Seen<'s> {
        let collection = self.builder.model.collection(self.shape.collection);
        self.builder.rows(collection, self.shape.perspective, (self.reader.rights, self.shape.action))
    }

    fn asked(&mut self, rows: &Seen<'_>, way: Way) -> Pred {
        asked_by(self.builder, (self.shape, self.nullable), rows, (self.reader, way)).condition
    }

    /// How many of the records that are found the page is made of.
    fn needed(&self) -> Slot {
        match self.start {
            PageStart::Skip => Slot::Reach,
            PageStart::First | PageStart::After(_) | PageStart::Before(_) => Slot::Limit,
        }
    }

    /// Those among the first records in the order of the page, and if these are too few, those of all that the memberships
    /// lead to.
    fn shorter(&mut self) -> SelectStatement {
        let mut walked = CommonTableExpression::new();
        walked.table_name(name(WALKED)).columns([name(ID)]).query(self.walked()).materialized(true);
        let mut count = Query::select();
        count.expr(Func::count(Sql::col(Asterisk))).from(name(WALKED));
        let needed = self.needed();
        let needed = self.builder.slot(needed, Storage::Int);
        let led = self.led(Part::All, Some(subquery(count).lt(needed)));
        let (alias, mut others) = (self.builder.alias(), Query::select());
        others.expr(column(&alias, ID)).from_subquery(led, name(&alias));
        let mut ids = Query::select();
        ids.expr(column(WALKED, ID)).from(name(WALKED)).union(UnionType::All, others);
        ids.with_cte(WithClause::new().cte(walked).to_owned());
        ids
    }

    /// Those among the first records in the order of the page, whoever may see these.
    fn walked(&mut self) -> SelectStatement {
        let rows = self.rows();
        let order = self.order(&rows.anchor);
        let mut first = Query::select();
        first.column((name(&rows.anchor.alias()), Asterisk));
        window(self.builder, (self.shape, self.nullable), &rows, self.reader).restrict(&mut first);
        order.write(self.builder, &mut first);
        self.builder.limit(&mut first, Slot::Constant(Value::Int(limits::WALKED_RECORDS)));
        self.builder.from(rows.anchor.frame, &mut first);

        let (frame, alias) = self.builder.select(first);
        let rows = Seen { anchor: Anchor { frame, record: Record::Row(alias), ..rows.anchor }, ..rows };
        let condition = self.asked(&rows, Way::InOrder);
        self.select((condition, &rows.anchor), |order| order)
    }

    /// Those of the records that the memberships lead to, if this is true.
    fn led(&mut self, part: Part, only_if: Option<Sql>) -> SelectStatement {
        let rows = self.rows();
        let leading = leading(rows.read).and_then(|part| Quantified::of(part.expr));
        let leading = leading.expect("a page that memberships lead to has a part of its rule that names them");
        let owners = leading.owners(&mut Lowering::new(self.builder, Scope::rule(&rows.anchor)));
        let Owners { key, mut conditions, mut keys } = owners.expect("a driver has owners");
        if let Some(condition) = only_if {
            keys.and_where(condition);
        }
        match self.builder.dialect {
            Dialect::Sqlite => {
                conditions.push(Pred::Sql(key.in_subquery(keys)));
                let condition = self.asked(&rows, Way::Led(Pred::all(conditions)));
                self.select((condition, &rows.anchor), |order| order.kept_from_indexes(Dialect::Sqlite))
            }
            Dialect::Postgres => {
                let owner = self.builder.alias();
                keys.distinct();
                conditions.push(Pred::Sql(key.eq(column(&owner, Owners::KEY))));
                let condition = self.asked(&rows, Way::Led(Pred::all(conditions)));
                self.of_each((&owner, keys), (condition, &rows.anchor), part)
            }
        }
    }

    /// The ids of the first of these records.
    fn select(
        &mut self,
        (condition, record): (Pred, &Anchor),
        ordered: impl FnOnce(PageOrder) -> PageOrder,
    ) -> SelectStatement {
        let order = ordered(self.order(record));
        let mut ids = Query::select();
        ids.expr_as(self.builder.key(record), name(ID));
        condition.restrict(&mut ids);
        order.write(self.builder, &mut ids);
        let needed = self.needed();
        self.builder.limit(&mut ids, needed);
        self.builder.from(record.frame, &mut ids);
        ids
    }

    /// The ids of the first of these records, which are read owner by owner.
    fn of_each(
        &mut self,
        (owner, keys): (&str, SelectStatement),
        (condition, record): (Pred, &Anchor),
        part: Part,
    ) -> SelectStatement {
        let order = self.order(record);
        let mut theirs = Query::select();
        let mut last = 0;
        for (index, (value, _)) in order.values().enumerate() {
            theirs.expr_as(value, name(&key_name(index)));
            last = index;
        }
        condition.restrict(&mut theirs);
        match part {
            Part::OfEach => {
                order.write(self.builder, &mut theirs);
                let needed = self.needed();
                self.builder.limit(&mut theirs, needed);
            }
            Part::All => self.builder.keep_apart(&mut theirs),
        }
        self.builder.from(record.frame, &mut theirs);
        let (found, mut ids) = (self.builder.alias(), Query::select());
        // The id is the last key of the order.
        ids.expr_as(column(&found, &key_name(last)), name(ID)).from_subquery(keys, name(owner));
        ids.join_lateral(JoinType::InnerJoin, theirs, name(&found), boolean(true));
        order.write_merged(self.builder, &mut ids, |index| column(&found, &key_name(index)));
        let needed = self.needed();
        self.builder.limit(&mut ids, needed);
        ids
    }
}

fn key_name(index: usize) -> String {
    format!("k{index}")
}
