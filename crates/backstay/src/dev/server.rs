use std::io;
use std::net::SocketAddr;

use backstay_http::HttpSettings;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::maintenance::maintain;
use crate::serving::Serving;

/// The HTTP server, which runs beside everything else.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

impl Server {
    pub(super) fn start(listener: TcpListener, serving: &Serving, settings: HttpSettings) -> Result<Self, Failure> {
        let address = listener.local_addr()?;
        let (stop, stopping) = oneshot::channel::<()>();
        let doorway = serving.doorway().clone();
        let stopping = async {
            // It is sent or dropped; both mean the same.
            let _ = stopping.await;
        };
        let serving = serving.clone();
        let served = tokio::spawn(async move {
            tokio::select! {
                served = backstay_http::serve(listener, doorway, settings, stopping) => served,
                never = maintain(&serving) => match never {},
            }
        });
        Ok(Self { address, stop, served })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Completes if it ends without being stopped.
    pub(super) async fn ended(&mut self) -> Failure {
        let ended = (&mut self.served).await.map_err(io::Error::from).and_then(|served| served);
        Failure::Serve(ended.err().unwrap_or_else(|| io::ErrorKind::ConnectionAborted.into()))
    }

    /// Finishes the requests that are running.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        // Nobody listens if it has ended by itself, which `ended` has reported.
        if self.served.is_finished() || self.stop.send(()).is_err() {
            return Ok(());
        }
        self.served.await.map_err(io::Error::from).and_then(|served| served).map_err(Failure::Serve)
    }
}
