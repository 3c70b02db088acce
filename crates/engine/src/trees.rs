//! `@tree`: where a record comes in its tree. Asked when a write has been allowed and checked, immediately before the row is
//! written, so that each record of an array or of a transaction finds those before it.

use backstay_base::{Error, RecordId, ViolationKind, limits};
use backstay_model::{Collection, CollectionId, FieldId, Tree};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{DecodeError, Row};

use crate::bind::Bindings;
use crate::proposal::Proposal;
use crate::read::not_found;
use crate::references::none_with_id;
use crate::{Record, TxContext};

/// Gives the proposed record its path, if it is new or has another parent. Refuses a parent that is the record itself or
/// below it, and a tree with too many levels.
pub(crate) async fn place(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let collection = proposal.collection;
    let Some(tree) = collection.tree else { return Ok(()) };
    let stays = |stored: &Record| stored.value(tree.parent) == proposal.value(tree.parent);
    if proposal.stored.as_ref().is_some_and(stays) {
        return Ok(());
    }
    let (id, parent) = (proposal.id()?, proposal.value(tree.parent).as_id());
    if parent.is_some() || proposal.stored.is_some() {
        hold(cx, collection.id).await?;
    }
    if let Some(stored) = &proposal.stored {
        // Another transaction may have moved the branch that it is in since it was read.
        let path = path_of(cx, (collection.id, tree), stored.id()).await?.ok_or_else(|| not_found(collection))?;
        let mut values = stored.values().to_vec();
        values[usize::from(tree.path.0)] = Value::Bytes(path.into());
        proposal.stored = Some(Record::new(values).map_err(Error::internal)?);
    }
    let own = proposal.stored.as_ref().map(|stored| octets(stored, tree.path).to_vec());
    let above = match parent {
        Some(parent) if parent != id => path_of(cx, (collection.id, tree), parent).await?,
        Some(_) | None => Some(Vec::new()),
    };
    let Some(above) = above else {
        proposal.refuse(collection.field(tree.parent), none_with_id(cx.model(), collection.id));
        return proposal.settle();
    };
    if parent == Some(id) || own.as_ref().is_some_and(|own| above.starts_with(own)) {
        let problem = format!("this {} would be below itself", collection.name);
        let remedy = "choose a record that is not in its own branch".to_owned();
        proposal.refuse(collection.field(tree.parent), ViolationKind::Misused { problem, remedy });
        return proposal.settle();
    }
    let path = Tree::path_below(&above, id);
    let longest = match &own {
        Some(own) => path.len() + (longest(cx, proposal, tree).await? - own.len()),
        None => path.len(),
    };
    if longest > limits::TREE_LEVELS * Tree::SEGMENT {
        let (levels, most) = (longest / Tree::SEGMENT, limits::TREE_LEVELS);
        let problem = format!("the tree would have {levels} levels, and can have {most}");
        let remedy = "choose a record further up".to_owned();
        proposal.refuse(collection.field(tree.parent), ViolationKind::Misused { problem, remedy });
        return proposal.settle();
    }
    proposal.set(tree.path, Value::Bytes(path.into()));
    Ok(())
}

/// Keeps other transactions from moving records of the collection within their trees until this one ends. What it reads
/// of their paths from then on stays.
pub(crate) async fn hold(cx: &mut TxContext<'_, '_>, collection: CollectionId) -> Result<(), Error> {
    let name = format!("tree {}", cx.engine.store.catalog().type_number(collection).0);
    let locked = cx.tx.lock(&name).await;
    locked.map_err(|error| cx.refused(error))
}

/// Stages what becomes of the records below one that has moved.
pub(crate) fn follow(cx: &mut TxContext<'_, '_>, collection: &Collection, (stored, moved): (&Record, &Record)) {
    let Some(tree) = collection.tree.filter(|tree| stored.value(tree.path) != moved.value(tree.path)) else { return };
    let template = cx.engine.templates.move_branch(&cx.engine.planner, (collection.id, tree));
    let bindings = Bindings { proposed: moved.values(), stored: stored.values(), ..cx.bindings() };
    let statement = cx.whole_statement(template, &bindings, collection.id);
    cx.tx.stage(statement, None);
}

/// The path of a stored record, if there is one.
async fn path_of(
    cx: &mut TxContext<'_, '_>,
    (collection, tree): (CollectionId, Tree),
    id: RecordId,
) -> Result<Option<Vec<u8>>, Error> {
    let record = cx.get_stored(collection, id).await?;
    Ok(record.map(|record| octets(&record, tree.path).to_vec()))
}

fn octets(record: &Record, path: FieldId) -> &[u8] {
    match record.value(path) {
        Value::Bytes(octets) => octets,
        _ => &[],
    }
}

/// The bytes of the longest path in the branch of the stored record.
async fn longest(cx: &mut TxContext<'_, '_>, proposal: &Proposal<'_>, tree: Tree) -> Result<usize, Error> {
    const LENGTH: usize = 0;
    let collection = proposal.collection.id;
    let template = cx.engine.templates.longest_path(&cx.engine.planner, (collection, tree));
    let bindings = Bindings { stored: proposal.stored_values(), ..cx.bindings() };
    let statement = cx.whole_statement(template, &bindings, collection);
    let read = |row: &dyn Row| {
        let length = row.value(LENGTH)?;
        let length = if let ValueRef::Int(length) = length { usize::try_from(length).ok() } else { None };
        length.ok_or(DecodeError { column: LENGTH, expected: "a length" })
    };
    cx.one_row(&statement, read).await
}
