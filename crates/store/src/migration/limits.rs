//! Stored values that a `@range` or a `@pattern` refuses: they are read page by page and checked as those of a write are.

use backstay_model::{Collection, Field};
use backstay_scalar::Value;
use backstay_sql::Succession;

use super::refused::Refused;
use crate::StoreError;
use crate::session::{OwnRow, SchemaSession};

/// Records that are read at a time.
const PAGE: i64 = 1000;

/// The values of a field that don't fit it, of all records as the new model has them.
pub(super) async fn unfit(
    session: &mut dyn SchemaSession,
    succession: &Succession<'_>,
    (collection, field): (&Collection, &Field),
) -> Result<Refused, StoreError> {
    let mut refused = Refused::default();
    let mut after: Option<Value> = None;
    loop {
        let (statement, layout) = succession.values((collection.id, field.id), after.as_ref(), PAGE);
        let mut last: Option<Value> = None;
        let visit = &mut |row: &dyn OwnRow| {
            let mut values = layout.read(row)?;
            let id = std::mem::replace(&mut values[usize::from(Collection::ID.0)], Value::Null);
            let value = &values[usize::from(field.id.0)];
            if let Err(misfit) = field.check_values(value) {
                refused.add(&id, value, misfit.into());
            }
            last = Some(id);
            Ok(())
        };
        session.query(&statement, visit).await?;
        if last.is_none() {
            return Ok(refused);
        }
        after = last;
    }
}
