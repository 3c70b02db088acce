//! What a migration does to Backstay's own records about accounts: who signs in no more, and who loses roles or what a key
//! is limited to.

use backstay_base::Action;
use backstay_model::StoredNames;
use backstay_sql::{Statement, Succession};

use crate::step::Finding;

/// Counts the records with which accounts of the old model sign in.
pub(super) fn credentials(succession: &Succession<'_>) -> Vec<Statement> {
    succession.of_accounts().into_iter().map(|(of, field)| succession.having(of, field).count).collect()
}

/// For each type of own records that have roles: what such a record is called, and how many have one of these.
pub(super) fn holding(succession: &Succession<'_>, roles: &[String]) -> Vec<(&'static str, Statement)> {
    let named = succession.naming(StoredNames::Roles, roles);
    named.into_iter().map(|(of, probe)| (holder(&of.name), probe.count)).collect()
}

/// That roles are taken from records.
pub(super) fn lost(holder: &str, records: u64, roles: usize) -> Finding {
    let (s, has) = if records == 1 { ("", "has") } else { ("s", "have") };
    let them = if roles == 1 { "it" } else { "one of them" };
    let words = format!("{records} {holder}{s} {has} {them}");
    Finding { words, records, ids: Vec::new(), remedy: String::new(), is_obstacle: false }
}

/// For each type of own records that are limited to actions on types: what such a record is called, and how many are
/// limited to one on this type, among others.
pub(super) fn limited(succession: &Succession<'_>, collection: &str) -> Vec<(&'static str, Statement)> {
    let pairs = Action::GRANTED.map(|action| format!("{collection}:{}", action.word()));
    let named = succession.naming(StoredNames::Types, &pairs);
    named.into_iter().map(|(of, probe)| (holder(&of.name), probe.count)).collect()
}

/// That what records allow on a type is taken from them.
pub(super) fn narrowed(holder: &str, records: u64) -> Finding {
    let words = match records {
        1 => format!("1 {holder} loses what it may do with it"),
        _ => format!("{records} {holder}s lose what they may do with it"),
    };
    Finding { words, records, ids: Vec::new(), remedy: String::new(), is_obstacle: false }
}

/// What a record with roles, or one that is limited, is called.
fn holder(collection: &str) -> &'static str {
    match collection {
        "BackstayCredential" => "account",
        "BackstayKey" => "key",
        "BackstayInvitation" => "invitation",
        _ => "record",
    }
}
