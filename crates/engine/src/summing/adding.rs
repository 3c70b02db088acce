//! On a server, sums on which nothing else depends and that are whole numbers follow by one statement: it saves a round trip. On an
//! embedded database it would cost more than a read and a change, since what a statement returns goes through a table of its own.

use backstay_base::Error;
use backstay_model::{Collection, FieldId};
use backstay_scalar::{Scalar, Value};

use crate::TxContext;
use crate::bind::Bindings;
use crate::pending_sums::{Difference, Differences, Touched};
use crate::row_change::RowChange;

/// Adds differences to the sums of a record. `false` if that isn't possible, and nothing was done: a sum is unknown or would leave its
/// range, or there is no record.
pub(super) async fn add(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    touched: Touched,
    differences: &Differences,
) -> Result<bool, Error> {
    let Some(added) = whole(collection, differences) else { return Ok(false) };
    let fields: Vec<FieldId> = added.iter().map(|(field, _)| *field).collect();
    let params: Vec<Value> = added.iter().flat_map(|(_, by)| bounds(*by)).map(Value::Int).collect();
    let plan = cx.engine.templates.add_to_sums(&cx.engine.planner, collection.id, fields.clone());
    let bindings = Bindings { params: &params, ..cx.bindings().id(touched.id) };
    let Some(record) = cx.change_held(&plan, &bindings, (collection.id, touched.id)).await? else { return Ok(false) };
    cx.sums.count(differences.is_counted, &cx.class)?;
    let mut stored = record.values().to_vec();
    for (field, by) in added {
        if let Value::Int(sum) = &mut stored[usize::from(field.0)] {
            *sum -= by;
        }
    }
    RowChange::summed(cx, collection, (&stored, &record), &fields);
    Ok(true)
}

/// What is added to each sum, if these are whole numbers.
fn whole(collection: &Collection, differences: &Differences) -> Option<Vec<(FieldId, i64)>> {
    let of = |(field, by): (&FieldId, &Difference)| match by {
        Difference::Whole(by) if *by != 0 && collection.field(*field).kind.scalar() == Some(Scalar::Int) => {
            Some((*field, i64::try_from(*by).ok()?))
        }
        Difference::Whole(_) | Difference::Exact(_) | Difference::Anew => None,
    };
    differences.by_field.iter().map(of).collect()
}

/// What is added, and the least and the greatest number to which it can be.
fn bounds(by: i64) -> [i64; 3] {
    [by, i64::MIN.saturating_sub(by.min(0)), i64::MAX.saturating_sub(by.max(0))]
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn a_sum_stays_within_its_range() {
        for (by, expected) in [
            (1, [1, i64::MIN, i64::MAX - 1]),
            (-2, [-2, i64::MIN + 2, i64::MAX]),
            (i64::MAX, [i64::MAX, i64::MIN, 0]),
            (i64::MIN, [i64::MIN, 0, i64::MAX]),
        ] {
            assert_eq!(bounds(by), expected, "{by}");
        }
    }
}
