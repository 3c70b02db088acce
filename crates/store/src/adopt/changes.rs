//! What has changed between two looks at a schema.

use super::{CountedMisfits, Survey};

/// The tables, enums and views that are in only one of two surveys, or differ.
pub(crate) fn changed_schema(before: &Survey, now: &Survey) -> Vec<String> {
    let tables = differing((&before.tables, &now.tables), |table| &table.name, PartialEq::eq);
    let enums = differing((&before.enums, &now.enums), |found| &found.name, PartialEq::eq);
    let views = differing((&before.views, &now.views), |name| name, PartialEq::eq);
    let tables = tables.into_iter().map(|name| format!("table {name}"));
    let enums = enums.into_iter().map(|name| format!("enum {name}"));
    tables.chain(enums).chain(views.into_iter().map(|name| format!("view {name}"))).collect()
}

/// The columns with the first value that no field holds, or without the last one. Other numbers of them decide nothing.
pub(crate) fn changed_values(before: &CountedMisfits, now: &[i64]) -> Vec<String> {
    let asked = before.questions.iter().zip(before.rows.iter().zip(now));
    let changed = asked.filter(|(_, (before, now))| (**before > 0) != (**now > 0));
    changed.map(|((column, _), _)| format!("column {}.{column}", before.table)).collect()
}

/// The names of what is in only one of two lists, or isn't the same in both.
fn differing<'a, T>(
    (before, now): (&'a [T], &'a [T]),
    name: fn(&T) -> &String,
    is_same: fn(&T, &T) -> bool,
) -> Vec<&'a String> {
    let of_name = |list: &'a [T], wanted: &String| list.iter().find(|one| name(one) == wanted);
    let changed = before.iter().filter(|of| of_name(now, name(of)).is_none_or(|now| !is_same(of, now)));
    let added = now.iter().filter(|of| of_name(before, name(of)).is_none());
    changed.chain(added).map(name).collect()
}
