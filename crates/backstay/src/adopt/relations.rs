//! Foreign keys as relations, and the lists at their other ends.

use backstay_engine::{Deletion, FoundReference, FoundTable, Survey};

use super::draft::{Draft, DraftType, FieldType};
use super::names;

/// Makes relations of the foreign keys between types.
pub(super) fn add(survey: &Survey, draft: &mut Draft) {
    let tables: Vec<String> = draft.types.iter().map(|of| of.table.clone()).collect();
    for table in tables.iter().filter_map(|table| survey.table(table)) {
        for key in &table.references {
            if let Err((why, remedy)) = relation(draft, table, key) {
                draft.leave(format!("foreign key {} of {}", key.name, table.name), why, remedy);
            }
        }
    }
}

const STAYS: &str = "the database goes on enforcing it";

fn relation(draft: &mut Draft, table: &FoundTable, key: &FoundReference) -> Result<(), (String, &'static str)> {
    let ([column], [target_column]) = (key.columns.as_slice(), key.target_columns.as_slice()) else {
        return Err(("it has several columns".to_owned(), STAYS));
    };
    if !key.is_valid {
        return Err(("it doesn't hold for all rows".to_owned(), "`ALTER TABLE … VALIDATE CONSTRAINT …`"));
    }
    let Some(target) = draft.of_table(&key.target) else {
        return Err((format!("{} doesn't become a type", key.target), STAYS));
    };
    if target.key.0 != *target_column {
        return Err((format!("it leads to {}.{target_column}, which isn't the key", key.target), STAYS));
    }
    let target = target.name.clone();
    let Some(ty) = draft.of_table(&table.name) else { return Ok(()) };
    if ty.key.0 == *column {
        return Err((
            "its column is the key".to_owned(),
            "the database goes on enforcing it; a relation needs a column of its own",
        ));
    }
    let Some(at) = ty.fields.iter().position(|field| field.column == *column) else {
        return Err((format!("its column {column} doesn't become a field"), STAYS));
    };
    if matches!(ty.fields[at].kind, FieldType::Record(_)) {
        return Err((format!("another one makes {column} a relation already"), STAYS));
    }
    let Some(name) = name(ty, table, (column, target_column)) else {
        return Err(("no name is left for the relation".to_owned(), "give the column another name"));
    };
    let (on_delete, note) = match (key.on_delete, ty.fields[at].required) {
        (Deletion::Cascades, _) => ("CASCADE", None),
        (Deletion::Nulls, false) => ("SET_NULL", None),
        (Deletion::Defaults, _) => ("RESTRICT", Some("ON DELETE SET DEFAULT")),
        (Deletion::Nulls, true) => ("RESTRICT", Some("ON DELETE SET NULL")),
        (Deletion::Refused, _) => ("RESTRICT", None),
    };
    if let Some(note) = note {
        let why = format!("{note} isn't possible here: a deletion is refused instead");
        draft.leave(
            format!("action of the foreign key {} of {}", key.name, table.name),
            why,
            "choose another `@onDelete`",
        );
    }
    let Some(ty) = draft.type_mut(&table.name) else { return Ok(()) };
    let field = &mut ty.fields[at];
    ty.names.retain(|taken| *taken != field.name);
    ty.names.push(name.clone());
    field.name.clone_from(&name);
    field.kind = FieldType::Record(target);
    field.directives = vec![format!("@onDelete(do: {on_delete})")];
    field.default = None;
    // Its key has the type that it must have.
    ty.references.push(key.name.clone());
    let source = (ty.name.clone(), ty.path.clone());
    other_end(draft, (table, column), (&source.0, source.1.as_deref()), (&name, &key.target));
    Ok(())
}

/// The name of a relation: its column's without that of the key.
fn name(ty: &DraftType, table: &FoundTable, (column, key): (&str, &str)) -> Option<String> {
    let suffixes = ["_id".to_owned(), format!("_{key}"), "Id".to_owned(), "ID".to_owned()];
    let base = suffixes.iter().find_map(|suffix| column.strip_suffix(suffix.as_str()));
    let base = base.filter(|base| !base.is_empty()).unwrap_or(column);
    let is_free = |name: &str| {
        let at = format!("{}_id", backstay_model::snake(name));
        let is_own = at == column || table.column(&at).is_none();
        is_own
            && ty.fields.iter().all(|field| field.column == column || field.name != name)
            && ty.lists.iter().all(|list| !list.starts_with(&format!("{name}:")))
    };
    names::of_field(base, is_free)
}

/// The list of those that refer to a record, or the one that does.
fn other_end(
    draft: &mut Draft,
    (table, column): (&FoundTable, &str),
    (source, path): (&str, Option<&str>),
    (field, target): (&str, &str),
) {
    let is_one = table
        .uniques
        .iter()
        .any(|unique| unique.columns.as_deref() == Some(&[column.to_owned()]) && !unique.nulls_same);
    let wanted = if is_one { names::small(source) } else { names::plural(source, path) };
    let Some(ty) = draft.type_mut(target) else { return };
    let is_taken = ty.names.contains(&wanted) || table.name == target;
    let by = field.split_at(field.len().min(1));
    let wanted = if is_taken { format!("{wanted}_by_{}{}", by.0.to_ascii_lowercase(), by.1) } else { wanted };
    let rest = if is_one { source.to_owned() } else { format!("[{source}!]") };
    ty.add_list(&wanted, &format!("{rest} @inverse(field: \"{field}\")"));
}
