use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::body::Body;
use backstay_base::limits;
use http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::connection::{HEAD_BUFFER, Patience, Stream};
use crate::connections::{Connections, Place};
use crate::door::Peer;
use crate::lanes::Lanes;
use crate::outgoing::Outgoing;
use crate::turned_away::TurnedAway;
use crate::{Doorway, HttpSettings};

/// How long to wait when the system has no resources for another connection.
const PAUSE: Duration = Duration::from_millis(50);
/// One warning in ten seconds while no connection can be accepted.
const FAILURES_PER_WARNING: u32 = 200;

/// Serves what the doorway leads to over HTTP/1.1 until `shutdown`, then finishes the requests that are running, for as
/// long as configured. The settings are those of connections.
pub async fn serve(
    listener: TcpListener,
    doorway: Doorway,
    settings: HttpSettings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(settings.idle_time).max_buf_size(HEAD_BUFFER);
    // Connections inherit this from the listener.
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, limits::SEND_BUFFER_BYTES)?;
    let (connections, lanes) = (Connections::new(&settings), Lanes::open()?);
    let mut turned_away = TurnedAway::new();
    let (stop, stopping) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    let mut accepted: u32 = 0;
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener) => accepted,
        };
        accepted = accepted.wrapping_add(1);
        if accepted.is_multiple_of(limits::ACCEPTED_IN_A_ROW) {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        let address = peer.ip().to_canonical();
        let place = match connections.open(address) {
            Ok(place) => place,
            Err(refusal) => {
                turned_away.tell((stream, address), || doorway.refusal(&refusal));
                continue;
            }
        };
        // Without this, a small answer waits for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended at once");
            continue;
        }
        let patience = patience(&settings, &place);
        let connection = Connection { peer: doorway.peer(address), doorway: doorway.clone(), place };
        let (protocol, stopping) = (protocol.clone(), stopping.clone());
        let used = if settings.proxies.trust(address) { lanes.used_by_proxies() } else { lanes.used_by(address) };
        lanes.carry((&used, begun), async move { connection.run(stream, &protocol, patience, stopping).await });
    }
    drop((listener, stopping));
    // This fails only if there is no connection left to tell.
    let _ = stop.send(());
    if tokio::time::timeout(settings.drain_time, stop.closed()).await.is_err() {
        tracing::warn!(seconds = settings.drain_time.as_secs(), "running requests were aborted");
    }
    Ok(())
}

/// The next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut failures: u32 = 0;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
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

/// How long the client of this connection may take.
fn patience(settings: &HttpSettings, place: &Place) -> Patience {
    let crowded = Duration::from_secs(limits::CROWDED_HEADER_SECONDS);
    let head = settings.header_time;
    let first_head = if place.is_crowded() { head.min(crowded) } else { head };
    Patience { first_head, head, stall: settings.stall_time }
}

/// One connection: hands its requests to the door that is served.
struct Connection {
    doorway: Doorway,
    peer: Peer,
    place: Place,
}

impl Connection {
    /// Serves the connection until it ends or, once the server stops or the connection has to give way to another, until
    /// no request of it is running. One whose head is not complete is not running yet.
    async fn run(
        self,
        stream: TcpStream,
        protocol: &http1::Builder,
        patience: Patience,
        mut stopping: watch::Receiver<()>,
    ) {
        let activity = self.place.activity();
        let stream = Stream::new(stream, activity, &self.peer.share, patience);
        let mut connection = pin!(protocol.serve_connection(stream, &self));
        let has_to_leave = async {
            tokio::select! {
                _ = stopping.changed() => (),
                () = activity.has_to_close() => (),
            }
        };
        let outcome = tokio::select! {
            biased;
            outcome = connection.as_mut() => outcome,
            () = has_to_leave => {
                if activity.is_answering() {
                    connection.as_mut().graceful_shutdown();
                }
                std::future::poll_fn(|cx| match connection.as_mut().poll(cx) {
                    Poll::Pending if !activity.is_busy() => Poll::Ready(Ok(())),
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
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Outgoing>, Infallible>> + Send + 'c>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let connection: &'c Connection = self;
        connection.place.activity().begin();
        let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        Box::pin(async move {
            let response = connection.doorway.receive(request, &connection.peer).await;
            let mut response = Outgoing::of(response, &connection.doorway);
            response.body_mut().answers(connection.place.answering());
            Ok(response)
        })
    }
}
