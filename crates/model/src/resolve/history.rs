//! What `@history` gives a type: a collection of the versions of its records, with a field for each whose values are kept.

use std::collections::HashMap;

use backstay_scalar::{Part, Scalar, Storage};

use super::read;
use super::report::Report;
use super::survey::Survey;
use super::trash::keep;
use crate::{
    Collection, CollectionId, Column, ColumnStorage, Diagnostic, Field, FieldId, FieldKind, History, Index, Key,
    KeyKind, Nulls, Versions, Within, names,
};

/// The collections of versions, whose ids follow those of all others. Tells the types of theirs.
pub(super) fn histories(report: &mut Report<'_>, survey: &Survey<'_>, collections: &mut Vec<Collection>) {
    let mut added = Vec::new();
    let free = collections.len();
    for collection in &mut *collections {
        let Some(directive) = survey.stored(collection.id).node.directives.get("history") else { continue };
        if collection.single {
            let message = format!("{} is marked `@single` and `@history`", collection.name);
            let diagnostic = Diagnostic::error(message).at(collection.span, "a type with one record has no history");
            report.push(diagnostic.help("remove `@history`"));
            continue;
        }
        if collection.key.given {
            let (key, help) = match collection.key.kind {
                KeyKind::Text => ("type: TEXT", "write another type of key, or remove `@history`"),
                KeyKind::Uuid7 | KeyKind::Uuid4 | KeyKind::Int => {
                    ("given: true", "remove `given: true`, or `@history`")
                }
            };
            let message = format!("{} is marked `@key({key})` and `@history`", collection.name);
            let label = "whoever creates a record with the id of a deleted one could read what that one said";
            let diagnostic = Diagnostic::error(message).at(collection.span, label);
            report.push(diagnostic.help(help));
            continue;
        }
        if let Some(amount) =
            collection.fields.iter().find(|field| field.currency.as_ref().is_some_and(|way| way.len() > 1))
        {
            let message =
                format!("the history of {} would keep `{}` without its currency", collection.name, amount.name);
            let diagnostic = Diagnostic::error(message).at(amount.span, "its currency is in another record");
            report.push(diagnostic.help("give the record a `currency` of its own, or remove `@history`"));
            continue;
        }
        // A missing rule is reported with the other missing arguments.
        let Some(read) = read::rule(report, directive, "read") else { continue };
        let keep = keep(report, directive, "leave `keep` out to keep them for ever");
        let id = CollectionId(u16::try_from(free + added.len()).expect("the number of types was checked"));
        let versions = of(collection, id, keep.is_some());
        collection.history = Some(History { read, keep, versions: id, table: versions.table.clone() });
        added.push(versions);
    }
    collections.append(&mut added);
}

/// The versions of the records of a collection. A value that a record must have can be missing in a version that is older
/// than the field, and a reference can lead to a record that is gone: so no field is required, and none is a relation.
fn of(collection: &Collection, id: CollectionId, expire: bool) -> Collection {
    let (mut fields, kept) = kept_fields(collection);
    let versions = own_fields(collection, kept, &mut fields);
    let table = format!("{}_history", collection.table);
    let indexes = indexes(&table, &versions, expire);
    let by_name: HashMap<String, FieldId> = fields.iter().map(|field| (field.name.clone(), field.id)).collect();
    Collection {
        id,
        name: named(&collection.name),
        former: collection.former.iter().map(|former| named(former)).collect(),
        // No path has an underscore: nobody gets there.
        path: table.clone(),
        table,
        description: None,
        deprecated: None,
        system: true,
        single: false,
        trash: None,
        tree: None,
        history: None,
        key: Key::UNMARKED,
        versions: Some(versions),
        fields,
        indexes,
        mentions: Vec::new(),
        exclusions: Vec::new(),
        timers: Vec::new(),
        allow: Vec::new(),
        checks: Vec::new(),
        span: collection.span,
        by_name,
    }
}

/// The fields whose values are kept, and by the `FieldId` of the collection which they are.
fn kept_fields(collection: &Collection) -> (Vec<Field>, Vec<Option<FieldId>>) {
    let (mut fields, mut kept): (Vec<Field>, Vec<Option<FieldId>>) = (Vec::new(), Vec::new());
    for field in &collection.fields {
        // What a reference to one of several types holds is in its members, each of which is kept as an id.
        if !field.is_in_history() || matches!(field.kind, FieldKind::ToOneOf { .. }) {
            kept.push(None);
            continue;
        }
        let at = number(&fields);
        let kind = match &field.kind {
            FieldKind::ToOne { key, .. } => FieldKind::Scalar(Scalar::Id { form: *key }),
            // A version has an id of its own; that of its record is one of `own_fields`.
            _ if field.id == Collection::ID => FieldKind::Scalar(Key::UNMARKED.scalar()),
            kind => kind.clone(),
        };
        let columns = match field.id {
            Collection::ID => Column::of(&field.name, &kind),
            _ => field.columns.clone(),
        };
        let within = field.within.and_then(|within| Some((within, kept[usize::from(within.field.0)]?)));
        let within = within.map(|(within, field)| Within { field, required: false, ..within });
        let required = field.id <= Collection::VERSION;
        fields.push(Field {
            within,
            former: field.former.clone(),
            columns,
            class: field.class,
            ..Field::unmarked(at, &field.name, kind, required, field.span)
        });
        kept.push(Some(at));
    }
    for (field, at) in collection.fields.iter().zip(&kept) {
        // The way through a relation is refused: no version has one.
        if let (Some([currency]), Some(at)) = (field.currency.as_deref(), at) {
            fields[usize::from(at.0)].currency = kept[usize::from(currency.0)].map(|currency| vec![currency]);
        }
    }
    (fields, kept)
}

/// The fields that every version has of its own.
fn own_fields(collection: &Collection, kept: Vec<Option<FieldId>>, fields: &mut Vec<Field>) -> Versions {
    let mut own = |column: &str, scalar: Scalar, storage: Storage, required: bool| {
        let at = number(fields);
        // No field of a model is called like this.
        let field = Field::unmarked(at, &format!("@{column}"), FieldKind::Scalar(scalar), required, collection.span);
        let column = Column { part: Part::Main, name: column.to_owned(), storage: ColumnStorage::One(storage) };
        fields.push(Field { columns: vec![column], ..field });
        at
    };
    Versions {
        of: collection.id,
        fields: kept,
        record: own(Versions::RECORD, collection.key.scalar(), collection.key.storage(), true),
        from: own(Versions::FROM, Scalar::DateTime, Storage::Timestamp, true),
        until: own(Versions::UNTIL, Scalar::DateTime, Storage::Timestamp, false),
        ended: own(Versions::ENDED, Scalar::DateTime, Storage::Timestamp, false),
        change: own(Versions::CHANGE, Scalar::String, Storage::Text, true),
        by_kind: own(Versions::BY_KIND, Scalar::String, Storage::Text, true),
        by: own(Versions::BY, Scalar::UUID, Storage::UUID, false),
    }
}

/// The last versions of all records; the versions of a record; and those that are of the past for too long.
fn indexes(table: &str, versions: &Versions, expire: bool) -> Vec<Index> {
    let index = |over: &[(FieldId, &str)]| {
        let columns: Vec<&str> = over.iter().map(|(_, column)| *column).collect();
        Index {
            name: names::index(table, &columns, false),
            fields: over.iter().map(|(field, _)| *field).collect(),
            unique: false,
            nulls: Nulls::Distinct,
            condition: None,
        }
    };
    let record = (versions.record, Versions::RECORD);
    let mut indexes =
        vec![index(&[(versions.until, Versions::UNTIL), record]), index(&[record, (versions.from, Versions::FROM)])];
    indexes.extend(expire.then(|| index(&[(versions.ended, Versions::ENDED)])));
    indexes
}

/// What the collection is called in plans of migrations and in the catalog. No type of a model has a name with a space.
fn named(of: &str) -> String {
    format!("{of} history")
}

fn number(fields: &[Field]) -> FieldId {
    FieldId(u16::try_from(fields.len()).expect("the number of fields was checked"))
}
