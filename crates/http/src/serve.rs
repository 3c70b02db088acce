use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Doors, Site};

/// Bytes of a request's head that are held while it arrives. Past `limits::TARGET_BYTES` and `limits::HEADER_BYTES` it
/// is refused with a problem, past this with a bare 431.
const HEAD_BUFFER: usize = 128 * 1024;
/// How long to wait when the system has no resources for another connection.
const BREATH: Duration = Duration::from_millis(50);

/// One warning in ten seconds while no connection can be accepted.
const FAILURES_PER_WARNING: u32 = 200;

/// Serves all doors over HTTP/1.1 until `shutdown`, then lets requests under way end for as long as configured.
pub async fn serve(listener: TcpListener, doors: Doors, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let settings = doors.settings.clone();
    let site = Arc::new(Site::new(doors));
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(settings.header_time).max_buf_size(HEAD_BUFFER);
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(settings.connections));
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer, slot) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        // Without this, a small answer waits for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended at once");
            continue;
        }
        let connection = Connection { site: Arc::clone(&site), peer: peer.ip() };
        let connection = connections.watch(protocol.serve_connection(TokioIo::new(stream), connection));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(settings.drain_time, connections.shutdown()).await.is_err() {
        tracing::warn!(seconds = settings.drain_time.as_secs(), "requests under way were cut off");
    }
    Ok(())
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    let mut failures: u32 = 0;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                if failures.is_multiple_of(FAILURES_PER_WARNING) {
                    tracing::warn!(%error, "no connection could be accepted");
                }
                failures += 1;
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Whether the client went away before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionAborted | Kind::ConnectionReset | Kind::ConnectionRefused)
}

/// Hands the requests of one connection to the doors, with where they come from.
struct Connection {
    site: Arc<Site>,
    peer: IpAddr,
}

impl hyper::service::Service<Request<Incoming>> for Connection {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (site, peer) = (Arc::clone(&self.site), self.peer);
        let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        Box::pin(async move {
            let response = site.receive(request, peer).await;
            let unchanged = response.status() == StatusCode::NOT_MODIFIED;
            Ok(response.map(|body| if unchanged { Body::new(Nothing) } else { Body::from(body) }))
        })
    }
}

/// The body of a 304. It does not say that its length is 0: that would be told as the length of the whole answer (RFC
/// 9110, section 8.6).
struct Nothing;

impl HttpBody for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}
