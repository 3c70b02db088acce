use std::convert::Infallible;
use std::time::Duration;

use backstay_base::limits;
use backstay_jobs::{Courier, Dispatching, Webhooks};
use tokio::time::sleep;

use super::our_turn;
use crate::serving::{Served, Serving};

const PAUSE: Duration = Duration::from_millis(limits::WEBHOOK_MILLIS);
/// After something has failed, which may have to do with the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Queues what endpoints are told of, as the commit log has it.
pub(super) async fn dispatch_always(serving: &Serving) -> Infallible {
    let mut dispatching = Dispatching::default();
    loop {
        our_turn(serving).await;
        let dispatched = match &*serving.served().await {
            Some(Served { instance, .. }) => instance.webhooks.dispatch(&mut dispatching).await,
            None => Ok(false),
        };
        match dispatched {
            Ok(true) => {}
            Ok(false) => sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(%error, "the changes for webhooks can't be queued");
                dispatching = Dispatching::default();
                sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Sends what is due. An attempt takes longer than the application may be held for its exchange, so each has its own handle: if the
/// application is exchanged in between, the attempt isn't kept, and is repeated.
pub(super) async fn send_always(serving: &Serving) -> Infallible {
    let mut courier = Courier::default();
    loop {
        let served = serving.served().await;
        let sent = match &*served {
            Some(Served { instance, .. }) => send(&mut courier, &instance.webhooks).await,
            None => false,
        };
        drop(served);
        if !sent {
            courier.pause(PAUSE).await;
        }
    }
}

/// Begins attempts; whether there may be more that can begin now.
async fn send(courier: &mut Courier, webhooks: &Webhooks) -> bool {
    courier.send_due(webhooks).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the webhooks that are due can't be read");
        false
    })
}
