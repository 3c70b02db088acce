use std::convert::Infallible;
use std::time::Duration;

use backstay_base::limits;
use backstay_engine::PurgePass;
use tokio::time::sleep;

use crate::serving::{Served, Serving};

/// Does what is due without anybody asking for it, as long as the server runs: purges what has been in the trash for long
/// enough. Between two steps the application can be exchanged for another version.
pub(crate) async fn maintain(serving: &Serving) -> Infallible {
    let mut pass = PurgePass::default();
    loop {
        if !purge(serving, &mut pass).await {
            pass = PurgePass::default();
            sleep(Duration::from_secs(limits::PURGE_SECONDS)).await;
        }
    }
}

/// One step of a pass; whether it has more to do.
async fn purge(serving: &Serving, pass: &mut PurgePass) -> bool {
    let served = serving.served().await;
    let Some(Served { instance, .. }) = &*served else { return false };
    instance.engine.purge_expired(pass).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "expired records in the trash can't be found");
        false
    })
}
