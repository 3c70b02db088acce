//! `Backstay-Commit`: what a write answers with, and whoever shows it sees that write on every server.

use std::time::Instant;

use backstay_base::ViolationKind;
use http::HeaderName;

use crate::Refusal;
use crate::head::Head;

pub(crate) const BACKSTAY_COMMIT: HeaderName = HeaderName::from_static("backstay-commit");

/// Waits until this server takes into account what the client has seen elsewhere; returns a moment before which that was committed.
pub(crate) async fn reach(head: &Head<'_>) -> Result<Option<Instant>, Refusal> {
    let Some(token) = head.header(&BACKSTAY_COMMIT)? else { return Ok(None) };
    if let Some(before) = head.state.engine.reach(token).await? {
        return Ok(Some(before));
    }
    let problem = "this is not the `Backstay-Commit` of a response of this application".to_owned();
    let remedy = "send the one of your last write, or leave it out".to_owned();
    Err(Refusal::malformed(BACKSTAY_COMMIT.as_str(), ViolationKind::Misused { problem, remedy }))
}
