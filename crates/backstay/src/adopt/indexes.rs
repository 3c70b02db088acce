//! Unique constraints and indexes.

use backstay_engine::{FoundTable, Survey};

use super::draft::{Draft, DraftType, FieldType};

/// Fields that an index has at most.
const FIELDS: usize = 8;

/// Makes `@unique` and `@index` of those that can be.
pub(super) fn add(survey: &Survey, draft: &mut Draft) {
    let tables: Vec<String> = draft.types.iter().map(|of| of.table.clone()).collect();
    for table in tables.iter().filter_map(|table| survey.table(table)) {
        uniques(table, draft);
        indexes(table, draft);
    }
}

/// The fields of these columns, if all of them are some that an index can have.
fn fields(ty: &DraftType, columns: &[String]) -> Option<Vec<String>> {
    let field =
        |column: &String| ty.field_of(column).filter(|field| field.is_indexable()).map(|field| field.name.clone());
    let fields: Option<Vec<String>> = columns.iter().map(field).collect();
    fields.filter(|fields| (1..=FIELDS).contains(&fields.len()))
}

fn uniques(table: &FoundTable, draft: &mut Draft) {
    for unique in &table.uniques {
        let ty = draft.of_table(&table.name);
        let found = ty.zip(unique.columns.as_ref()).and_then(|(ty, columns)| fields(ty, columns));
        let Some(found) = found else {
            let why = format!("it isn't over fields that an index can have: {}", unique.definition);
            let remedy = "the database goes on enforcing it; nothing has to be done";
            draft.leave(format!("unique index {} of {}", unique.name, table.name), why, remedy);
            continue;
        };
        let Some(ty) = draft.type_mut(&table.name) else { continue };
        let nulls = if unique.nulls_same { "nulls: SAME" } else { "" };
        match found.as_slice() {
            [one] => {
                let directive = if nulls.is_empty() { "@unique".to_owned() } else { format!("@unique({nulls})") };
                let field =
                    ty.fields.iter_mut().find(|field| field.name == *one && !field.directives.contains(&directive));
                let Some(field) = field.filter(|field| field.kind != FieldType::Standard) else { continue };
                field.directives.push(directive);
            }
            several => {
                let nulls = if nulls.is_empty() { String::new() } else { format!(", {nulls}") };
                let directive = format!("@unique(fields: [{}]{nulls})", list(several));
                if ty.directives.contains(&directive) {
                    continue;
                }
                ty.directives.push(directive);
            }
        }
        ty.replaced.push(unique.name.clone());
    }
}

fn indexes(table: &FoundTable, draft: &mut Draft) {
    for index in &table.indexes {
        let Some(ty) = draft.type_mut(&table.name) else { continue };
        let found = index.columns.as_ref().and_then(|columns| fields(ty, columns));
        let found = found.filter(|fields| !fields.iter().any(|field| field == "id"));
        let Some(fields) = found else {
            let why = format!("Backstay's requests don't use it: {}", index.definition);
            draft.leave(
                format!("index {} of {}", index.name, table.name),
                why,
                "drop it if other programs don't need it",
            );
            continue;
        };
        let is_relation = |field: &String| {
            let found = ty.fields.iter().find(|one| one.name == *field);
            found.is_some_and(|field| matches!(field.kind, FieldType::Record(_)))
        };
        let is_unique = |field: &String| {
            let found = ty.fields.iter().find(|one| one.name == *field);
            found.is_some_and(|field| field.directives.iter().any(|directive| directive.starts_with("@unique")))
        };
        let directive = format!("@index(fields: [{}])", list(&fields));
        let unique = format!("@unique(fields: [{}])", list(&fields));
        // Each relation has an index of its own, and so has what is unique.
        let is_there = matches!(fields.as_slice(), [one] if is_relation(one) || is_unique(one))
            || ty.directives.contains(&directive)
            || ty.directives.contains(&unique);
        if !is_there {
            ty.directives.push(directive);
        }
        ty.replaced.push(index.name.clone());
    }
}

fn list(fields: &[String]) -> String {
    fields.iter().map(|field| format!("\"{field}\"")).collect::<Vec<_>>().join(", ")
}
