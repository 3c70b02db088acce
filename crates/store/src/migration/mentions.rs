//! The tables of relations in documents: they go before anything else changes, unless they stay as they are, and are made
//! and filled from the documents once these are what they will be.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use backstay_base::RecordId;
use backstay_model::{Collection, CollectionId, Document, Field, FieldId, FieldKind, Mention, Mentioned, Model};
use backstay_scalar::Value;
use backstay_sql::{Models, RecordLayout, Slot, Statement, Succession, alter, schema};

use super::refused::Refused;
use super::tables::Tables;
use super::unconvertible::Unconvertible;
use crate::StoreError;
use crate::session::{OwnRow, SchemaSession};
use crate::step::Finding;

/// Records that are read at a time.
const PAGE: i64 = 1000;

/// Whether the table of a relation of the old model is that of one of the new model, with what it holds.
fn is_kept(
    models: Models<'_>,
    tables: &Tables,
    (before, was): (&Collection, &Mention),
    now: (&Collection, &Mention),
) -> bool {
    let Models { old, new, pairing, .. } = models;
    let (after, is) = now;
    let member = |model: &Model, mention: &Mention| {
        model.embedded(mention.relation.of).member(mention.relation.member).name.clone()
    };
    let is_rewritten = |of: CollectionId| tables.is_rewritten(new.collection(of));
    was.link == is.link
        && pairing.collection(after.id) == Some(before.id)
        && pairing.field(after.id, is.document) == Some(was.document)
        && pairing.embedded(is.relation.of) == Some(was.relation.of)
        && pairing.collection(is.relation.target) == Some(was.relation.target)
        && member(old, was) == member(new, is)
        && !is_rewritten(after.id)
        && !is_rewritten(is.relation.target)
}

/// Removes the tables that don't stay as they are.
pub(super) fn removed(models: Models<'_>, tables: &Tables) -> Vec<Statement> {
    let all = models.old.collections.iter().flat_map(|of| of.mentions.iter().map(move |mention| (of, mention)));
    let stays = |was: &(&Collection, &Mention)| {
        models.new.collections.iter().any(|of| of.mentions.iter().any(|is| is_kept(models, tables, *was, (of, is))))
    };
    all.filter(|was| !stays(was)).map(|(_, was)| alter::drop_table(&was.link.table, models.dialect)).collect()
}

/// The relations of a collection of the new model whose tables are made and filled.
pub(super) fn made<'m>(models: Models<'m>, tables: &Tables, collection: &'m Collection) -> Vec<&'m Mention> {
    let before = models.pairing.collection(collection.id).map(|id| models.old.collection(id));
    let stays = |is: &&Mention| {
        before.is_some_and(|of| of.mentions.iter().any(|was| is_kept(models, tables, (of, was), (collection, is))))
    };
    collection.mentions.iter().filter(|is| !stays(is)).collect()
}

/// Makes these tables.
pub(super) fn create(models: Models<'_>, collection: &Collection, made: &[&Mention]) -> Vec<Statement> {
    made.iter().flat_map(|mention| schema::add_mention(models.new, collection, mention, models.dialect)).collect()
}

/// Fills one of these tables from the documents of the records, which are those of the new model by then.
pub(super) async fn fill(
    session: &mut dyn SchemaSession,
    models: Models<'_>,
    (collection, mention): (&Collection, &Mention),
) -> Result<(), StoreError> {
    let model = models.new;
    let insert = alter::insert_link(model, &mention.link, models.dialect);
    let at = (collection.id, mention.document);
    let mut after: Option<Value> = None;
    loop {
        let read = alter::values_of((model, models.dialect), at, after.as_ref(), PAGE);
        let page = page(session, read, mention).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (id, document) in page {
            let mentioned = mentioned(models, collection.field(mention.document), &document);
            for Mentioned { id: far, .. } in mentioned.into_iter().filter(|one| one.relation == mention.relation) {
                let link = insert.bind(|slot| match slot {
                    Slot::Id => id.clone(),
                    _ => Value::Id(far),
                });
                session.execute(&link).await?;
            }
        }
    }
}

/// Ids and documents of a page of records.
async fn page(
    session: &mut dyn SchemaSession,
    (statement, layout): (Statement, RecordLayout),
    mention: &Mention,
) -> Result<Vec<(Value, Value)>, StoreError> {
    let mut page = Vec::new();
    let visit = &mut |row: &dyn OwnRow| {
        let mut values = layout.read(row)?;
        let mut take = |at: u16| std::mem::replace(&mut values[usize::from(at)], Value::Null);
        page.push((take(Collection::ID.0), take(mention.document.0)));
        Ok(())
    };
    session.query(&statement, visit).await?;
    Ok(page)
}

fn mentioned(models: Models<'_>, field: &Field, document: &Value) -> Vec<Mentioned> {
    match (document, document_of(field)) {
        (Value::Json(text), Some(document)) => models.new.mentioned(document, text),
        _ => Vec::new(),
    }
}

fn document_of(field: &Field) -> Option<Document> {
    match field.kind {
        FieldKind::Document(document) => Some(document),
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::Embedded(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => None,
    }
}

/// Documents that would refer to records that don't exist, with the field that holds them.
pub(super) async fn find(
    session: &mut dyn SchemaSession,
    (models, succession): (Models<'_>, &Succession<'_>),
    tables: &Tables,
) -> Result<Vec<(CollectionId, FieldId, Finding)>, StoreError> {
    let mut found = Vec::new();
    let mut known: HashMap<(CollectionId, RecordId), bool> = HashMap::new();
    for collection in models.new.collections.iter().filter(|of| models.pairing.collection(of.id).is_some()) {
        for mention in made(models, tables, collection) {
            let field = collection.field(mention.document);
            let mut refused = Refused::default();
            let mut after: Option<Value> = None;
            loop {
                let at = (collection.id, mention.document);
                let page = page(session, succession.values(at, after.as_ref(), PAGE), mention).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (id, document) in page {
                    let all = mentioned(models, field, &document).into_iter();
                    for one in all.filter(|one| one.relation == mention.relation) {
                        let target = one.relation.target;
                        if let Entry::Vacant(entry) = known.entry((target, one.id)) {
                            // A new type has no records yet.
                            let is_there = models.pairing.collection(target).is_some()
                                && is_there(session, &succession.there(target, one.id)).await?;
                            entry.insert(is_there);
                        }
                        if !known[&(target, one.id)] {
                            let of = models.new.collection(target).name.clone();
                            let at = one.at.iter().map(ToString::to_string).collect();
                            refused.add(&id, &Value::Id(one.id), Unconvertible::Absent { at, of });
                            break;
                        }
                    }
                }
            }
            let words = ["refers to no record", "refer to no record"];
            let remedy = "remove those references first, or create the records that they lead to";
            let finding = refused.finding(succession, (collection, field), (words, remedy));
            found.extend(finding.map(|finding| (collection.id, field.id, finding)));
        }
    }
    Ok(found)
}

async fn is_there(session: &mut dyn SchemaSession, statement: &Statement) -> Result<bool, StoreError> {
    let mut there = false;
    let visit = &mut |_: &dyn OwnRow| {
        there = true;
        Ok(())
    };
    session.query(statement, visit).await?;
    Ok(there)
}
