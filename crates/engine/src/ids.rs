//! The ids of new records: what the server makes, what a client may give, and which version a record begins with whose id
//! another one had before.

use backstay_base::{Error, RecordId, ViolationKind};
use backstay_model::{Collection, KeyKind};
use backstay_scalar::Value;
use backstay_store::RecordKey;

use crate::proposal::Proposal;
use crate::{Authority, TxContext};

/// The id that the server makes for a new record.
pub(crate) fn made(cx: &TxContext<'_, '_>, collection: &Collection) -> RecordId {
    match collection.key.kind {
        KeyKind::Uuid7 => cx.next_id(),
        KeyKind::Uuid4 => cx.engine.random_id(),
    }
}

/// Refuses an id that a new record can't have. Backstay itself, such as a seed file, gives any.
pub(crate) fn check(cx: &TxContext<'_, '_>, proposal: &mut Proposal<'_>) {
    let (collection, authority) = (proposal.collection, proposal.authority);
    let version = collection.key.kind.version();
    let problem = match proposal.input.value(Collection::ID) {
        None => return,
        Some(Value::Id(id)) if authority == Authority::System || collection.key.kind.fits(*id) => return,
        Some(Value::Id(id)) => match id.version() {
            Some(found) => format!("expected a UUID of version {version}, found version {found}"),
            None => format!("expected a UUID of version {version}"),
        },
        Some(_) => "an id is never null".to_owned(),
    };
    let id = collection.field(Collection::ID);
    // The steps that look for what else is wrong need an id.
    proposal.set(Collection::ID, Value::Id(made(cx, collection)));
    if !proposal.is_refused(id) {
        let remedy = format!("make a UUID of version {version}, or leave `id` out: the server then makes one");
        proposal.refuse(id, ViolationKind::Misused { problem, remedy });
    }
}

/// Lets a record whose id was given continue the versions of a deleted one that had it: a version, and a tag, that somebody
/// remembers is then never that of another record.
pub(crate) async fn continue_version(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let collection = proposal.collection;
    if !collection.key.given || proposal.input.value(Collection::ID).is_none() {
        return Ok(());
    }
    let record = RecordKey::from(proposal.id()?);
    let last = cx.last_version(collection.id, &record).await?;
    proposal.set(Collection::VERSION, Value::Int(last + 1));
    Ok(())
}
