//! Wakes those who follow the log. Who has moved entries into it notifies the other processes on the database, once for all of
//! them and in no transaction that writes: NOTIFY takes a lock that all of a server's databases share. Notifications are a
//! shortcut: a process that gets none polls as if there were none.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::hosts::Hosts;

/// The channel is that of the schema. The name is computed, and LISTEN takes none that is.
const LISTEN: &str = "DO $$ BEGIN EXECUTE format('LISTEN %I', 'backstay ' || hashtext(current_schema())); END $$";
const BACKEND: &str = "SELECT pg_backend_pid()";
/// Tells everyone who listens, this process too.
pub(super) const NOTIFY: &str = "SELECT pg_notify('backstay ' || hashtext(current_schema()), '')";

/// What wakes the follower of a process.
#[derive(Debug, Default)]
pub(super) struct Wake {
    woken: Notify,
    /// The backend of the connection that listens: its own notifications are no news.
    listener: AtomicI32,
    /// Notifications that arrived.
    arrived: AtomicU64,
    /// Whether they arrive, as far as is known.
    hears: AtomicBool,
}

impl Wake {
    /// There is something to do.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Waits until there is.
    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Lets notifications arrive on this connection, which proves it with the first one.
    pub(super) async fn listen(&self, client: &Client) -> Result<(), Error> {
        self.hears.store(false, Ordering::Relaxed);
        let backend = client.query_one(BACKEND, &[]).await?.try_get(0)?;
        self.listener.store(backend, Ordering::Relaxed);
        client.batch_execute(LISTEN).await?;
        client.batch_execute(NOTIFY).await
    }

    /// How many notifications have arrived so far.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Whether others wake this process.
    pub(super) fn hears(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }

    /// There was something that nobody told of.
    pub(super) fn missed(&self) {
        self.hears.store(false, Ordering::Relaxed);
    }

    fn arrive(&self, backend: i32) {
        self.arrived.fetch_add(1, Ordering::Relaxed);
        self.hears.store(true, Ordering::Relaxed);
        if backend != self.listener.load(Ordering::Relaxed) {
            self.wake();
        }
    }
}

/// Connects, and passes on the notifications that arrive on the connection.
pub(super) struct Connecting {
    pub(super) connector: MakeRustlsConnect,
    pub(super) hosts: Hosts,
    pub(super) wake: Arc<Wake>,
}

impl Connect for Connecting {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let (config, connector) = (config.clone(), self.connector.clone());
        let (hosts, wake) = (self.hosts.clone(), Arc::clone(&self.wake));
        Box::pin(async move {
            let (client, mut connection) = hosts.connect(&config, &connector).await?;
            let driven = tokio::spawn(async move {
                while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
                    match message {
                        Ok(AsyncMessage::Notification(notification)) => wake.arrive(notification.process_id()),
                        Ok(_) => {}
                        Err(error) => {
                            tracing::debug!(%error, "a connection to the database has ended");
                            return;
                        }
                    }
                }
            });
            Ok((client, driven))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn others_wake_a_process_and_its_own_notifications_prove_that_they_can() {
        let wake = Wake::default();
        wake.listener.store(7, Ordering::Relaxed);
        let is_woken = async || timeout(std::time::Duration::ZERO, wake.woken()).await.is_ok();
        assert!(!wake.hears());
        wake.arrive(7);
        assert_eq!((wake.hears(), is_woken().await, wake.arrived()), (true, false, 1));
        wake.arrive(8);
        wake.arrive(9);
        assert_eq!((is_woken().await, is_woken().await, wake.arrived()), (true, false, 3));
        wake.missed();
        assert!(!wake.hears());
        wake.arrive(8);
        assert!(wake.hears());
    }
}
