//! Callers whose rights are needed later, as jobs and webhooks store them: the kind and the id, such as `account:01890a5d-…`.

use backstay_base::CallerKind;
use backstay_identity::AccountRef;
use backstay_model::Model;
use backstay_scalar::{Token, read_id};

/// What a stored caller is found by; `None` if the model no longer has such accounts.
pub(crate) fn reference(model: &Model, stored: &str) -> Option<AccountRef> {
    let (kind, id) = stored.split_once(':')?;
    let id = if kind.eq_ignore_ascii_case(CallerKind::Account.name()) {
        let key = model.collection(model.identity?).key.scalar();
        key.read(Token::Bare(id)).ok()?.as_id()
    } else {
        read_id(id)
    };
    id.map(AccountRef::Id)
}
