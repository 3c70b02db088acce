use std::convert::Infallible;
use std::time::Duration;

use backstay_base::limits;
use tokio::time::sleep;

use crate::serving::{Served, Serving};

/// Does what is due without anybody asking for it, as long as the server runs: purges what has been in the trash for long
/// enough. Between two steps the application can be exchanged for another version.
pub(crate) async fn maintain(serving: &Serving) -> Infallible {
    loop {
        if !purge(serving).await {
            sleep(Duration::from_secs(limits::PURGE_SECONDS)).await;
        }
    }
}

/// One step; whether there may be more to do at once.
async fn purge(serving: &Serving) -> bool {
    let served = serving.served().await;
    let Some(Served { instance, .. }) = &*served else { return false };
    instance.engine.purge_expired().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "expired records in the trash can't be found");
        false
    })
}
