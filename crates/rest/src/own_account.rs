use backstay_model::{Collection, Field, FieldId, FieldKind, Model};
use backstay_scalar::Token;

use crate::list_words::Raw;

/// What names the account that calls, where a relation leads to one.
const ME: &str = "me";

/// The relation to an account that is compared with the one that calls: `author=me`.
pub(crate) fn own(model: &Model, of: &Collection, (name, raw): (&str, &Raw<'_>)) -> Option<FieldId> {
    let is_me = match raw {
        Raw::Text(text) => text == ME,
        Raw::Json(json) => json.get().trim_matches('"') == ME && json.get().starts_with('"'),
    };
    // A text that is the key of an account names that.
    let accounts = model.identity.filter(|_| is_me);
    let accounts = accounts.filter(|of| model.collection(*of).key.scalar().read(Token::Bare(ME)).is_err())?;
    let to_account = |field: &&Field| matches!(field.kind, FieldKind::ToOne { target, .. } if target == accounts);
    of.field_named(name).filter(|field| field.is_readable()).filter(to_account).map(|field| field.id)
}
