//! The records that are due at a moment that they hold.

use backstay_model::{Collection, CollectionId, FieldKind, TimedAct, Timer};
use backstay_scalar::{Scalar, Storage};
use sea_query::{ExprTrait, Order, Query};

use crate::builder::{Anchor, Record};
use crate::write::{proposed, unrestricted};
use crate::{ColumnRef, ColumnType, Perspective, Planner, Slot, Template};

impl Planner {
    /// Live records whose moment isn't after `Slot::Proposed` of it, in the order of their moments, at most `Slot::Limit`: the id,
    /// the moment and the version of each. A timer that takes a transition finds those in the state `Slot::Proposed`. If it
    /// begins after a record, that is the one with `Slot::Stored` of the moment and of the id.
    pub fn due(&self, collection: CollectionId, timer: &Timer, after: bool) -> Template {
        let mut builder = self.builder();
        let from = unrestricted(&mut builder, self.model.collection(collection), Perspective::Live);
        let limit = proposed(&mut builder, collection);
        let at = ColumnRef::main(timer.field);
        let (id, moment) = (builder.key(&from), builder.stored(&from, at));
        let version = builder.stored(&from, ColumnRef::main(Collection::VERSION));
        let mut select = Query::select();
        select.expr(id.clone()).expr(moment.clone()).expr(version);
        if let TimedAct::Transition { states, .. } = timer.act {
            let states = ColumnRef::main(states);
            let state = builder.stored(&from, states);
            select.and_where(state.eq(builder.stored(&limit, states)));
        }
        select.and_where(moment.clone().lte(builder.stored(&limit, at)));
        if after {
            let last = Anchor { record: Record::Stored, ..limit };
            let later = moment.clone().gt(builder.stored(&last, at));
            let same = moment.clone().eq(builder.stored(&last, at)).and(id.clone().gt(builder.key(&last)));
            // Where the range of the index begins.
            select.and_where(moment.clone().gte(builder.stored(&last, at))).and_where(later.or(same));
        }
        select.order_by_expr(moment, Order::Asc).order_by_expr(id, Order::Asc);
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        let is_day = self.model.field(collection, timer.field).kind == FieldKind::Scalar(Scalar::Date);
        let of_moment = if is_day { Storage::Date } else { Storage::Timestamp };
        let columns = [of_moment, Storage::Int].map(ColumnType::One);
        builder.finish(&select, [self.key_type(collection)].into_iter().chain(columns).collect())
    }
}
