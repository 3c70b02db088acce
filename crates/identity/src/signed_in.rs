use std::sync::Arc;

use backstay_base::{Caller, RecordId, Secret, Timestamp};
use backstay_model::CollectionId;

/// The answer to a sign-in, a sign-up and a change of password.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session's token. It is not stored and cannot be shown again.
    pub token: Secret,
    /// Who has signed in.
    pub caller: Arc<Caller>,
    /// The account's record, or the operator's.
    pub account: (CollectionId, RecordId),
    /// When the session expires.
    pub expires_at: Timestamp,
}
