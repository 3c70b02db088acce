use super::value::Key;
use super::{accounts, data, egress, limits, log, mail, server};

/// Every key, in the order of the documentation.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> {
    [server::KEYS, data::KEYS, accounts::KEYS, limits::KEYS, egress::KEYS, mail::KEYS, log::KEYS].into_iter().flatten()
}
