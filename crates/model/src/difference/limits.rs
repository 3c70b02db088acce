//! What is different in the limits of a field's values.

use crate::{Field, ValueLimit};

/// Which limits of values are others, and whether a stored value may not fit any more.
pub(super) fn limits_changed(before: &Field, after: &Field) -> Vec<(ValueLimit, bool)> {
    let mut changed = Vec::new();
    match (&before.range, &after.range) {
        (None, None) => {}
        (Some(before), Some(after)) if before == after => {}
        (before, Some(after)) => {
            let stricter = before.as_ref().is_none_or(|before| after.is_stricter_than(before));
            changed.push((ValueLimit::Range, stricter));
        }
        (Some(_), None) => changed.push((ValueLimit::Range, false)),
    }
    let text = |field: &Field| field.pattern.as_ref().map(|pattern| pattern.is.text().to_owned());
    if text(before) != text(after) {
        changed.push((ValueLimit::Pattern, after.pattern.is_some()));
    }
    changed
}

/// Whether values that fitted a field may not fit another one.
pub(super) fn limits_tightened(before: &Field, after: &Field) -> bool {
    limits_changed(before, after).iter().any(|(_, stricter)| *stricter)
}
