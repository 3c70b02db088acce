//! Ranges that overlap: what a write asks, and what stored records have against a new `@exclude`.

use backstay_expr::{Expr, Scope as Names, compile};
use backstay_model::{Collection, CollectionId, Exclusion, FieldId, Model};
use backstay_scalar::{Storage, Value};
use sea_query::{
    Asterisk, Expr as Sql, ExprTrait, Frame, FrameType, Func, Order, OverStatement, Query, SelectStatement,
    WindowStatement,
};

use crate::builder::{Anchor, Builder};
use crate::partial;
use crate::predicate::Pred;
use crate::probes::Probe;
use crate::tree::{column, name};
use crate::write::{proposed, unrestricted};
use crate::{ColumnRef, Perspective, Planner, Slot, Succession, Template};

impl Planner {
    /// Of the records that an exclusion compares with `Slot::Proposed`, whose id it doesn't have, the one whose range begins
    /// last before the proposed one ends: its id, and whether it overlaps the proposed one. Since those that are stored
    /// don't overlap each other, no other one does if this one doesn't. `ends`: whether the proposed range has an end.
    pub fn last_before(&self, collection: CollectionId, exclusion: &Exclusion, ends: bool) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let new = proposed(&mut builder, collection);
        let this = unrestricted(&mut builder, definition, Perspective::Live);
        let (from, to) = (ColumnRef::main(exclusion.from), ColumnRef::main(exclusion.to));
        let id = builder.key(&this);
        let start = builder.stored(&this, from);
        let end = builder.stored(&this, to);
        let overlaps = end.clone().is_null().or(end.gt(builder.stored(&new, from)));
        let mut select = Query::select();
        select.expr(id.clone()).expr(overlaps);
        for field in &exclusion.fields {
            let at = ColumnRef::main(*field);
            let same = builder.stored(&this, at).eq(builder.stored(&new, at));
            select.and_where(same);
        }
        match ends {
            true => select.and_where(start.clone().lt(builder.stored(&new, to))),
            false => select.and_where(start.clone().is_not_null()),
        };
        let own = builder.id_slot(definition.key.form(), Slot::Id);
        select.and_where(id.ne(own));
        if let Some(condition) = condition(&self.model, definition, exclusion) {
            partial::written(&mut builder, &condition, &this).restrict(&mut select);
        }
        select.order_by_expr(start, Order::Desc);
        builder.from(this.frame, &mut select);
        builder.limit(&mut select, Slot::Constant(Value::Int(1)));
        builder.finish(&select, vec![definition.key.storage().into(), Storage::Bool.into()])
    }
}

/// The condition of an exclusion, typed; `None` if it is for all records. It is that of an index, whose conditions are
/// checked when a model is loaded.
fn condition(model: &Model, collection: &Collection, exclusion: &Exclusion) -> Option<Expr> {
    let condition = exclusion.condition.as_ref()?;
    let checked = compile(condition, &Names::rule(model, collection.id));
    Some(checked.expect("the rules of a model were compiled before").expr)
}

/// The fields that an exclusion depends on: those that it compares, and those that its condition names.
pub fn exclusion_fields(model: &Model, collection: &Collection, exclusion: &Exclusion) -> Vec<FieldId> {
    let named = condition(model, collection, exclusion).map(|condition| condition.own_fields());
    exclusion.all_fields().chain(named.into_iter().flatten()).collect()
}

impl Succession<'_> {
    /// The records whose range would end before it begins, or where it begins.
    pub fn backwards(&self, new: CollectionId, exclusion: &Exclusion) -> Probe {
        let (from, to) = (ColumnRef::main(exclusion.from), ColumnRef::main(exclusion.to));
        self.of_next(new, &|builder, this| Pred::Sql(builder.stored(this, to).lte(builder.stored(this, from))))
    }

    /// The records whose range would overlap that of a record with an earlier start.
    pub fn overlapping(&self, new: CollectionId, exclusion: &Exclusion) -> Probe {
        let [count, ids] = [true, false].map(|counts| {
            let mut builder = Builder::new(self.old, self.dialect);
            let expressions = self.expressions(&mut builder);
            builder.model = &self.next;
            let this = unrestricted(&mut builder, self.next.collection(new), Perspective::Live);
            let ranges = self.ranges(&mut builder, (new, &this), exclusion);
            let mut select = Query::select();
            let ends_later = column("ranges", "latest").gt(column("ranges", "start"));
            let endless = column("ranges", "earlier").gt(column("ranges", "ended"));
            select.from_subquery(ranges, name("ranges")).and_where(ends_later.or(endless));
            self.finished(
                builder,
                select,
                (counts, (column("ranges", "id"), self.next.collection(new).key.form())),
                expressions,
            )
        });
        Probe { count, ids }
    }

    /// The ranges of a collection: id and start; and of those that begin earlier how many there are, how many of them have an
    /// end, and which end is the latest.
    fn ranges(
        &self,
        builder: &mut Builder<'_>,
        (new, this): (CollectionId, &Anchor),
        exclusion: &Exclusion,
    ) -> SelectStatement {
        const RUNNING: &str = "running";
        let (from, to) = (ColumnRef::main(exclusion.from), ColumnRef::main(exclusion.to));
        let (id, start, end) = (builder.key(this), builder.stored(this, from), builder.stored(this, to));
        let mut known = vec![Pred::Sql(start.clone().is_not_null())];
        let (mut up_to, mut before) = (WindowStatement::new(), WindowStatement::new());
        let mut running = Query::select();
        for (place, field) in exclusion.fields.iter().enumerate() {
            let (value, same) = (builder.stored(this, ColumnRef::main(*field)), format!("same{place}"));
            running.expr_as(value.clone(), name(&same));
            up_to.add_partition_by(value.clone());
            before.add_partition_by(column(RUNNING, &same));
            known.push(Pred::Sql(value.is_not_null()));
        }
        up_to.order_by_expr(start.clone(), Order::Asc).order_by_expr(id.clone(), Order::Asc);
        up_to.frame_between(FrameType::Rows, Frame::UnboundedPreceding, Frame::CurrentRow);
        before.order_by_expr(column(RUNNING, "start"), Order::Asc).order_by_expr(column(RUNNING, "id"), Order::Asc);
        if let Some(condition) = condition(self.new, self.new.collection(new), exclusion) {
            known.push(partial::written(builder, &condition, this));
        }
        running.expr_as(id, name("id")).expr_as(start, name("start"));
        running.expr_window_as(Func::max(end.clone()), up_to.clone(), name("latest"));
        running.expr_window_as(Func::count(Sql::col(Asterisk)), up_to.clone(), name("earlier"));
        running.expr_window_as(Func::count(end), up_to, name("ended"));
        Pred::all(known).restrict(&mut running);
        builder.from(this.frame, &mut running);
        let mut ranges = Query::select();
        ranges.expr_as(column(RUNNING, "id"), name("id")).expr_as(column(RUNNING, "start"), name("start"));
        for of in ["latest", "earlier", "ended"] {
            ranges.expr_window_as(Func::cust("lag").arg(column(RUNNING, of)), before.clone(), name(of));
        }
        ranges.from_subquery(running, name(RUNNING)).to_owned()
    }
}
