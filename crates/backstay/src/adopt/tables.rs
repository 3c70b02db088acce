//! Which tables become types, and their columns.

use std::collections::HashSet;

use backstay_engine::{FoundColumn, FoundTable, RowSecurity, Survey, TableKind, TypeFamily, ValuesOf};

use super::columns::{self, Column};
use super::draft::{Draft, DraftCheck, DraftEnum, DraftField, DraftType, FieldType, Left};
use super::{checks, defaults, names};

/// The columns that every record has, beside its id.
const STANDARD: [(&str, &str); 2] = [("created_at", "createdAt"), ("updated_at", "updatedAt")];
/// Names of columns that nothing else can have.
const RESERVED: [&str; 4] = ["id", "created_at", "updated_at", "version"];

/// A model of what can be one, whose fields have no relations yet.
pub(super) fn draft(survey: &Survey, name: &str) -> Draft {
    let mut draft =
        Draft { name: name.to_owned(), enums: Vec::new(), types: Vec::new(), links: Vec::new(), left: Vec::new() };
    let mut taken = HashSet::new();
    for found in &survey.enums {
        let is_name = |value: &String| names::of_field(value, |_| true).is_some_and(|_| is_enum_name(value));
        if let Some(name) = names::of_type(&found.name, &taken).filter(|_| found.values.iter().all(is_name)) {
            taken.insert(name.to_ascii_lowercase());
            let description = found.comment.clone();
            draft.enums.push(DraftEnum { ty: found.name.clone(), name, description, values: found.values.clone() });
        }
    }
    // What isn't a table of this schema's own keeps its name.
    let unmoved = survey.views.iter().cloned().collect::<HashSet<_>>();
    for table in &survey.tables {
        let key = match key(table) {
            Ok(key) => key,
            Err(None) => continue,
            Err(Some((why, remedy))) => {
                draft.leave(format!("table {}", table.name), why, remedy);
                continue;
            }
        };
        let is_taken = |name: &str| {
            let at = backstay_model::snake(name);
            at != table.name && (unmoved.contains(&at) || survey.table(&at).is_some())
        };
        let name = names::of_type(&table.name, &taken).filter(|name| !is_taken(name));
        let name = name.or_else(|| names::of_type(&format!("{}_record", table.name), &taken));
        let Some(name) = name.filter(|name| !is_taken(name)) else {
            draft.leave(format!("table {}", table.name), "its name can't be that of a type", "give it another name");
            continue;
        };
        taken.insert(name.to_ascii_lowercase());
        let ty = DraftType::new(&table.name, name, key);
        add_columns(survey, table, ty, &mut draft);
    }
    for view in &survey.views {
        let remedy =
            "other programs can go on reading it; `@computed` fields and `:aggregate` answer much of what views do";
        draft.leave(format!("view {view}"), "it isn't a table", remedy);
    }
    draft
}

fn is_enum_name(value: &str) -> bool {
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let first = value.starts_with(|c: char| c.is_ascii_alphabetic());
    plain && first && !value.ends_with('_') && !value.contains("__") && !["true", "false", "null"].contains(&value)
}

type Reason = (String, &'static str);

/// The column of a table's key and what `@key` says of it, or why it can't be a type. `None`: a table of links, perhaps.
fn key(table: &FoundTable) -> Result<(String, Option<&'static str>), Option<Reason>> {
    let reason = |why: &str, remedy: &'static str| Err(Some((why.to_owned(), remedy)));
    match table.kind {
        TableKind::Plain => {}
        TableKind::Partitioned => {
            return reason(
                "it has partitions",
                "a view of it can be read by other programs; Backstay needs a table of its own",
            );
        }
        TableKind::Partition => return Err(None),
        TableKind::Inherited => {
            return reason(
                "it takes part in inheritance",
                "end it with `ALTER TABLE … NO INHERIT …` if nothing needs it",
            );
        }
        TableKind::Foreign => return reason("it is on another server", "copy it, or serve it where it is"),
        TableKind::Unlogged => {
            return reason("it is unlogged: the server empties it after a crash", "`ALTER TABLE … SET LOGGED`");
        }
    }
    if !table.is_owned {
        return reason("it belongs to another user", "make the user its owner (`ALTER TABLE … OWNER TO …`)");
    }
    if !table.rules.is_empty() {
        let why = format!("rules rewrite what is written to it: {}", table.rules.join(", "));
        return Err(Some((why, "make triggers of them, and `DROP RULE … ON …`")));
    }
    if table.row_security == RowSecurity::Everybody {
        return reason("its row security holds for its owner, too", "`ALTER TABLE … NO FORCE ROW LEVEL SECURITY`");
    }
    let Some((_, columns)) = &table.key else {
        return reason(
            "it has no primary key",
            "give it one, such as `id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY`",
        );
    };
    let ([column], Some(found)) = (columns.as_slice(), columns.first().and_then(|column| table.column(column))) else {
        return Err(None);
    };
    let is_random = |default: &String| default.contains("gen_random_uuid") || default.contains("uuid_generate_v4");
    let kind = match found.ty.as_str() {
        "int2" | "int4" | "int8" if found.family == TypeFamily::BuiltIn => Some("INT"),
        "text" | "varchar" if found.family == TypeFamily::BuiltIn => Some("TEXT"),
        "uuid" if found.family == TypeFamily::BuiltIn => {
            found.default.as_ref().is_some_and(is_random).then_some("UUID4")
        }
        _ => {
            let why = format!("its key is {}, neither a whole number nor a text nor a UUID", found.declared);
            return Err(Some((why, "give it a primary key of such a type")));
        }
    };
    Ok((column.clone(), kind))
}

fn add_columns(survey: &Survey, table: &FoundTable, mut ty: DraftType, draft: &mut Draft) {
    ty.description.clone_from(&table.comment);
    ty.names = ["id", "createdAt", "updatedAt", "version"].map(str::to_owned).to_vec();
    let mut columns: HashSet<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let key = table.column(&ty.key.0).map(|key| columns::field(survey, &draft.enums, key, true));
    if let Some(Err((why, remedy))) = key {
        draft.leave(format!("table {}", table.name), format!("its key can't be one: {why}"), remedy);
        return;
    }
    let path = |of: &DraftType| of.path.clone().unwrap_or_else(|| backstay_model::path(&of.name));
    if draft.types.iter().any(|other| path(other) == path(&ty)) {
        ty.path = Some(format!("{}-table", backstay_model::snake(&ty.name).replace('_', "-")));
    }
    for column in &table.columns {
        match columns::field(survey, &draft.enums, column, ty.key.0 == column.name) {
            Ok(found) => {
                if !add_column(&mut ty, column, found, (&mut columns, draft)) {
                    let reason = ("its name can't be that of a field".to_owned(), "give it a shorter name");
                    leave(&mut ty, (table, column), reason, draft);
                }
                tell_default(&ty, column, draft);
            }
            Err((why, remedy)) => leave(&mut ty, (table, column), (why, remedy), draft),
        }
    }
    make_room(&mut ty, table);
    for check in &table.checks {
        match checks::rule(&check.expression, &ty.fields) {
            Some(rule) if check.is_valid => ty.checks.push(DraftCheck { name: check.name.clone(), rule }),
            _ => draft.left.push(Left::check(&table.name, &check.name)),
        }
    }
    for name in &table.exclusions {
        let remedy = "the database goes on enforcing it; `@exclude` says the same of a range in two fields";
        draft.leave(format!("exclusion {name} of {}", table.name), "it can't be told from its definition", remedy);
    }
    if table.row_security == RowSecurity::Others {
        let remedy = "Backstay connects as the owner; say with `@allow` who may see and change which records";
        draft.leave(format!("row security of {}", table.name), "it doesn't hold for the table's owner", remedy);
    }
    if !table.triggers.is_empty() {
        let names = table.triggers.join(", ");
        let remedy = "they go on running, and what they change in other rows is in no log; check the names that their functions use";
        draft.leave(
            format!("triggers of {}", table.name),
            format!("Backstay doesn't know what they do: {names}"),
            remedy,
        );
    }
    draft.types.push(ty);
}

/// Names a value that the database would give and Backstay doesn't.
fn tell_default(ty: &DraftType, column: &FoundColumn, draft: &mut Draft) {
    let Some(field) = ty.field_of(&column.name).filter(|field| field.kind != FieldType::Standard) else { return };
    if let Some(default) = column.default.as_ref().filter(|_| field.default.is_none()) {
        let result =
            if field.required { "clients have to send a value" } else { "new records have null if no value is sent" };
        let why = format!("the model can't have `{default}`, so that {result}");
        let remedy = "write a `@default` or a `@set` that gives the field its value";
        draft.leave(format!("default of {}.{}", ty.table, column.name), why, remedy);
    }
}

fn leave(ty: &mut DraftType, (table, column): (&FoundTable, &FoundColumn), (why, remedy): Reason, draft: &mut Draft) {
    let is_filled =
        !column.not_null || column.default.is_some() || column.values != ValuesOf::Writers || table.fills_rows;
    let mut why = why;
    if !is_filled {
        ty.creates = false;
        why.push_str("; it needs a value, so that Backstay can't create records of this type");
    }
    draft.leave(format!("column {}.{}", table.name, column.name), why, remedy);
}

/// `false`: no name is left for the field.
fn add_column(
    ty: &mut DraftType,
    found: &FoundColumn,
    column: Column,
    (columns, draft): (&mut HashSet<String>, &mut Draft),
) -> bool {
    let is_key = ty.key.0 == found.name;
    let standard = STANDARD.iter().find(|(name, _)| *name == found.name);
    let is_moment = column.ty == FieldType::Plain("DateTime".to_owned());
    let (name, kind) = match standard.filter(|_| found.not_null && is_moment) {
        _ if is_key => ("id".to_owned(), FieldType::Standard),
        Some((_, field)) => ((*field).to_owned(), FieldType::Standard),
        None => {
            let is_free = |name: &str| {
                let at = backstay_model::snake(name);
                let is_own = at == found.name || !columns.contains(&at);
                is_own && !RESERVED.contains(&at.as_str()) && !ty.names.iter().any(|taken| taken == name)
            };
            let Some(name) = names::of_field(&found.name, is_free) else { return false };
            (name, column.ty)
        }
    };
    if kind != FieldType::Standard {
        columns.insert(backstay_model::snake(&name));
        ty.names.push(name.clone());
    }
    for misfit in column.questions {
        ty.ask(&found.name, misfit);
    }
    let default = found.default.as_deref().and_then(|default| defaults::directive(default, &kind));
    ty.fields.push(DraftField {
        column: found.name.clone(),
        name,
        kind,
        required: found.not_null,
        description: found.comment.clone(),
        directives: column.directives,
        retyped: column.retyped,
        default,
    });
    add_checks(ty, found, column.values.as_deref().unwrap_or_default(), draft);
    true
}

/// What the type of a column that has just become a field refuses: the checks of a domain, or values that an enum doesn't have.
fn add_checks(ty: &mut DraftType, found: &FoundColumn, values: &[String], draft: &mut Draft) {
    let Some(field) = ty.fields.last().filter(|field| field.kind != FieldType::Standard) else { return };
    let mut rules = Vec::new();
    for check in &found.domain_checks {
        match checks::rule(check, std::slice::from_ref(field)) {
            Some(rule) => rules.push(DraftCheck { name: found.declared.clone(), rule }),
            None => draft.left.push(Left::check(&ty.table, &found.declared)),
        }
    }
    if !values.is_empty() {
        let quoted: Vec<String> = values.iter().map(|value| checks::quoted(value)).collect();
        let rule = format!("this.{} in [{}]", field.name, quoted.join(", "));
        rules.push(DraftCheck { name: found.ty.clone(), rule });
    }
    ty.checks.extend(rules);
}

/// Columns with the names of Backstay's own that aren't those get others.
fn make_room(ty: &mut DraftType, table: &FoundTable) {
    for name in RESERVED {
        let is_standard =
            |field: &DraftField| field.column == name && field.kind == FieldType::Standard && name != "id";
        let is_field = ty.fields.iter().any(|field| field.column == name && field.kind != FieldType::Standard);
        let is_id = ty.key.0 == name && name == "id";
        let is_there = table.column(name).is_some();
        if is_there && !is_id && !is_field && !ty.fields.iter().any(is_standard) {
            let names = (1..)
                .map(|number| format!("{name}_before{}", if number == 1 { String::new() } else { number.to_string() }));
            let is_free = |to: &String| {
                table.column(to).is_none() && ty.fields.iter().all(|field| backstay_model::snake(&field.name) != *to)
            };
            if let Some(to) = names.take(100).find(is_free) {
                ty.moved.push((name.to_owned(), to));
            }
        }
    }
}
