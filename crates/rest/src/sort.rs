use std::borrow::Cow;

use backstay_base::{Error, Place, ViolationKind, limits};
use backstay_engine::{ColumnRef, Derived, SortBy, SortKey, ValueKind};
use backstay_model::{Collection, Field, FieldKind, Model};
use backstay_scalar::Scalar;

use crate::derived;
use crate::words::{count_elsewhere, field_named, shorten};

/// Reads a `sort` such as `-publishedAt,title`.
pub(crate) fn keys(text: &str, collection: &Collection, model: &Model) -> Result<Vec<SortKey>, Error> {
    let mut keys: Vec<SortKey> = Vec::new();
    let mut next = 0;
    for part in text.split(',') {
        let offset = next + part.chars().take_while(|char| *char == ' ').count();
        next += part.chars().count() + 1;
        match key(part.trim_matches(' '), (collection, model), &keys) {
            Ok(key) => keys.push(key),
            Err(Problem::Field(kind)) => return Err(Error::malformed(Place::Sort, kind)),
            Err(Problem::Text(problem, remedy)) => {
                let remedy = Some(remedy.into_owned());
                return Err(Error::malformed(Place::Sort, ViolationKind::Syntax { offset, problem, remedy }));
            }
        }
    }
    Ok(keys)
}

/// What is wrong with one field of `sort`: with the field itself, or with how it is written, and what to write instead.
enum Problem {
    Field(ViolationKind),
    Text(String, Cow<'static, str>),
}

fn key(part: &str, (collection, model): (&Collection, &Model), known: &[SortKey]) -> Result<SortKey, Problem> {
    let (descending, name) = part.strip_prefix('-').map_or((false, part), |name| (true, name));
    if name.is_empty() {
        let remedy = "write names separated by commas, such as title,-createdAt";
        return Err(Problem::Text("a field is missing".to_owned(), remedy.into()));
    }
    let is_path = name.split_once('.').is_some_and(|(first, _)| collection.field_named(first).is_some_and(is_embedded));
    if let Some(value) = derived_key(name, collection, model).filter(|_| !is_path) {
        return add(SortKey { by: SortBy::Derived(value?), descending }, name, known);
    }
    if let Some((first, rest)) = name.split_once([' ', '.', ':', '(']).filter(|_| !is_path) {
        let field = collection.field_named(first);
        let remedy = match (field, rest.to_ascii_lowercase().trim_matches([' ', ')'])) {
            (Some(_), "desc" | "descending" | "-1") => format!("write -{first}"),
            (Some(_), "asc" | "ascending" | "1") => format!("write {first}"),
            (Some(field), _) if field.kind.target().is_some() => {
                format!("write a path such as {first}.id, or {first}:count if it leads to many records")
            }
            _ => "write -title to sort by a field in descending order, title in ascending order".to_owned(),
        };
        return Err(Problem::Text(format!("`{}` is not the name of a field", shorten(name)), remedy.into()));
    }
    let field = field_named(collection, name)
        .map_err(|kind| Problem::Field(count_elsewhere(collection, name).unwrap_or(kind)))?;
    if !SortKey::takes(field) {
        let (problem, remedy) = match field.kind {
            FieldKind::Scalar(Scalar::Text) => ("is a Text, which can be too long to sort by", "sort by a String"),
            FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => (
                "is a relation, which has no order",
                "sort by a field of what it leads to, such as author.name, or by comments:count",
            ),
            FieldKind::Embedded(_) => ("is an embedded value, which has no order", "sort by a member of it"),
            FieldKind::Scalar(_) | FieldKind::Enum(_) | FieldKind::List(_) | FieldKind::Document(_) => {
                ("has no order", "sort by another field")
            }
        };
        return Err(Problem::Text(format!("`{name}` {problem}"), remedy.into()));
    }
    add(SortKey::of(ColumnRef::main(field.id), descending), name, known)
}

/// What relations lead to, if it is written as that.
fn derived_key(name: &str, collection: &Collection, model: &Model) -> Option<Result<Derived, Problem>> {
    let (first, rest) = name.split_once(['.', ':'])?;
    collection.field_named(first).filter(|field| field.kind.target().is_some())?;
    let value = match name[first.len()..].starts_with(':') {
        true => derived::count(first, rest, collection, model),
        false => derived::path(name, collection, model),
    };
    let has_order = |value: Derived| match value.kind {
        ValueKind::Scalar(scalar) if !FieldKind::Scalar(scalar).has_order() => {
            Err(Problem::Text(format!("`{}` has no order", shorten(name)), "sort by another field".into()))
        }
        ValueKind::Scalar(_) | ValueKind::Enum(_) => Ok(value),
    };
    let problem = |problem| match problem {
        derived::Problem::Field(kind) => Problem::Field(kind),
        derived::Problem::Text(problem, remedy) => Problem::Text(problem, remedy.into()),
    };
    Some(value.map_err(problem).and_then(has_order))
}

/// A key beside those that are known.
fn add(key: SortKey, name: &str, known: &[SortKey]) -> Result<SortKey, Problem> {
    if known.iter().any(|known| known.by == key.by) {
        return Err(Problem::Text(format!("`{name}` is named twice"), "name it once".into()));
    }
    if known.len() == limits::SORT_FIELDS {
        return Err(Problem::Text(format!("more than {} fields", limits::SORT_FIELDS), "name fewer".into()));
    }
    Ok(key)
}

/// Whether the field holds an embedded value, whose members are named by paths.
fn is_embedded(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Embedded(_))
}

/// The text of an order, by which cursors of different orders are told apart.
pub(crate) fn text(keys: &[SortKey], collection: &Collection) -> String {
    let mut text = String::new();
    for key in keys {
        if !text.is_empty() {
            text.push(',');
        }
        if key.descending {
            text.push('-');
        }
        text.push_str(match &key.by {
            SortBy::Column(column) => &collection.field(column.field).name,
            SortBy::Derived(value) => &value.of.text,
            SortBy::Rank => "$rank",
        });
    }
    text
}
