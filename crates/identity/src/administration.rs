mod account_list;
mod accounts;
mod invitations;
mod keys;
mod new_account;
mod operators;

use backstay_base::{Action, CallerKind, Error, Place, Timestamp, Unauthenticated, ViolationKind};
use backstay_engine::{Context, Record};
use backstay_model::CollectionId;

use crate::authenticator::Authenticator;
use crate::directory::Directory;
use crate::set_up::SetUp;
use crate::{AccountRef, Settings};

pub use account_list::ListedAccount;
pub use accounts::{AccountInfo, NewCredential};
pub use invitations::{Invited, OpenInvitation};
pub use keys::{IssuedKey, KeyInfo, NewKey};
pub use new_account::{AddAccount, AddedAccount, NewPassword};
pub use operators::OperatorInfo;

/// Everything that operators do: accounts, their roles and claims, keys, operators, invitations, and other people's
/// sessions. Having one is the permission to do it: `Identity::administration` gives one to operators and to Backstay
/// itself only, and there is no other way to make one.
#[derive(Debug)]
pub struct Administration<'a> {
    cx: &'a Context,
    parts: Parts<'a>,
}

/// What administration works with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) authenticator: &'a Authenticator,
    pub(crate) settings: &'a Settings,
    pub(crate) set_up: &'a SetUp,
}

/// The capability, if the caller is an operator or Backstay itself.
pub(crate) fn open<'a>(cx: &'a Context, parts: Parts<'a>) -> Result<Administration<'a>, Error> {
    match cx.caller().kind {
        CallerKind::Operator | CallerKind::System => Ok(Administration { cx, parts }),
        CallerKind::Anonymous => Err(Unauthenticated::Missing.into()),
        CallerKind::Account | CallerKind::Service => {
            Err(Error::Forbidden { action: Action::Update, what: "accounts and keys; only operators may".to_owned() })
        }
    }
}

/// The error for a record of this kind that doesn't exist.
fn not_found(what: &str, who: &AccountRef) -> Error {
    let by = match who {
        AccountRef::Email(_) => "email address",
        AccountRef::Id(_) => "id",
    };
    Error::NotFound { what: format!("{what} with this {by}") }
}

/// Refuses a moment that is not in the future.
fn must_be_ahead(at: Place, moment: Timestamp, now: Timestamp) -> Result<(), Error> {
    if moment > now {
        return Ok(());
    }
    Err(Error::invalid(at, ViolationKind::Range("a moment in the future".to_owned())))
}

/// All records of a collection, in the order in which they were made.
async fn all(directory: &Directory, collection: CollectionId) -> Result<Vec<Record>, Error> {
    const PAGE: u32 = backstay_base::limits::PAGE_MAX;
    let mut records: Vec<Record> = Vec::new();
    loop {
        let page = directory.engine.peek_page(collection, records.last().map(Record::id), PAGE).await?;
        let more = page.len() == PAGE as usize;
        records.extend(page);
        if !more {
            return Ok(records);
        }
    }
}
