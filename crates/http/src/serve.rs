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
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::connection::{Activity, Stream};
use crate::{Door, Services};

/// Bytes of a request's head that are buffered while it arrives. Above `limits::TARGET_BYTES` and
/// `limits::HEADER_BYTES` a head is refused with a problem, above this by hyper with a bare 431.
const HEAD_BUFFER: usize = 128 * 1024;
/// How long to wait when the system has no resources for another connection.
const PAUSE: Duration = Duration::from_millis(50);
/// One warning in ten seconds while no connection can be accepted.
const FAILURES_PER_WARNING: u32 = 200;

/// Serves HTTP/1.1 until `shutdown`, then finishes the requests that are running, for as long as configured.
pub async fn serve(listener: TcpListener, services: Services, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let settings = services.settings.clone();
    let door = Arc::new(Door::new(services));
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(settings.idle_time).max_buf_size(HEAD_BUFFER);
    let (stop, stopping) = watch::channel(());
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
        let connection = Connection { door: Arc::clone(&door), peer: peer.ip(), activity: Activity::default() };
        let (protocol, stopping) = (protocol.clone(), stopping.clone());
        tokio::spawn(async move {
            connection.run(stream, &protocol, settings.header_time, stopping).await;
            drop(slot);
        });
    }
    drop((listener, stopping));
    // This fails only if there is no connection left to tell.
    let _ = stop.send(());
    if tokio::time::timeout(settings.drain_time, stop.closed()).await.is_err() {
        tracing::warn!(seconds = settings.drain_time.as_secs(), "running requests were aborted");
    }
    Ok(())
}

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
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
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the client went away before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionAborted | Kind::ConnectionReset | Kind::ConnectionRefused)
}

/// One connection: hands its requests to the door.
struct Connection {
    door: Arc<Door>,
    peer: IpAddr,
    activity: Activity,
}

impl Connection {
    /// Serves the connection until it ends or, once the server stops, until no request of it is running. One whose head
    /// is not complete is not running yet.
    async fn run(
        self,
        stream: TcpStream,
        protocol: &http1::Builder,
        header_time: Duration,
        mut stopping: watch::Receiver<()>,
    ) {
        let stream = Stream::new(stream, &self.activity, header_time);
        let mut connection = pin!(protocol.serve_connection(stream, &self));
        let outcome = tokio::select! {
            biased;
            outcome = connection.as_mut() => outcome,
            _ = stopping.changed() => {
                if self.activity.is_answering() {
                    connection.as_mut().graceful_shutdown();
                }
                std::future::poll_fn(|cx| match connection.as_mut().poll(cx) {
                    Poll::Pending if !self.activity.is_busy() => Poll::Ready(Ok(())),
                    outcome => outcome,
                })
                .await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

impl<'c> hyper::service::Service<Request<Incoming>> for &'c Connection {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send + 'c>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let connection: &'c Connection = self;
        connection.activity.begin();
        let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        Box::pin(async move {
            let response = connection.door.receive(request, connection.peer).await;
            connection.activity.end();
            let unchanged = response.status() == StatusCode::NOT_MODIFIED;
            Ok(response.map(|body| if unchanged { Body::new(Nothing) } else { Body::from(body) }))
        })
    }
}

/// The body of a 304. It does not say that its length is 0, which would be read as the length of the answer that is not
/// sent (RFC 9110, section 8.6).
struct Nothing;

impl HttpBody for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}
