use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use backstay_base::Subnet;
use bytes::{Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    USER_AGENT,
};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::Host;

use crate::address::is_public;
use crate::{EgressError, Outgoing, Response};

/// Bytes of the head of an answer.
const HEAD_BYTES: usize = 64 * 1024;
const AGENT: &str = concat!("Backstay/", env!("CARGO_PKG_VERSION"));

/// Headers that say where the request goes and where it ends (RFC 9110, sections 7.2 and 7.6.1; RFC 9112, section 6): the client
/// writes those that are needed.
const OF_CONNECTION: [HeaderName; 10] = [
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Where a request goes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) secure: bool,
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
    /// Host and port as `Host` has them.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

/// A connection, with TLS or without.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to an address of the host that may be called.
pub(crate) async fn connect(
    target: &Target,
    allow: &[Subnet],
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Box<dyn Stream>, EgressError> {
    let stream = connected(target, &addresses(target, allow).await?).await?;
    if !target.secure {
        return Ok(Box::new(stream));
    }
    let tls = tls.ok_or(EgressError::NoAuthorities)?;
    let failed = |source| EgressError::Tls { host: target.host.to_string(), source };
    let name = match &target.host {
        Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|error| failed(io::Error::other(error)))?,
        Host::Ipv4(address) => ServerName::from(IpAddr::V4(*address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::V6(*address)),
    };
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.map_err(failed)?;
    Ok(Box::new(stream))
}

/// The addresses of the host that may be called.
async fn addresses(target: &Target, allow: &[Subnet]) -> Result<Vec<SocketAddr>, EgressError> {
    let unknown = |source| EgressError::Unknown { host: target.host.to_string(), source };
    let found: Vec<SocketAddr> = match &target.host {
        Host::Domain(name) => match lookup_host((name.as_str(), target.port)).await {
            Ok(found) => found.collect(),
            Err(error) => return Err(unknown(Some(error))),
        },
        Host::Ipv4(address) => vec![SocketAddr::from((*address, target.port))],
        Host::Ipv6(address) => vec![SocketAddr::from((*address, target.port))],
    };
    let Some(first) = found.first().map(SocketAddr::ip) else { return Err(unknown(None)) };
    let may_call =
        |address: &SocketAddr| is_public(address.ip()) || allow.iter().any(|network| network.contains(address.ip()));
    let callable: Vec<SocketAddr> = found.into_iter().filter(may_call).collect();
    match callable.is_empty() {
        true => Err(EgressError::Private { host: target.host.to_string(), address: first }),
        false => Ok(callable),
    }
}

/// A connection to the first address that accepts one.
async fn connected(target: &Target, addresses: &[SocketAddr]) -> Result<TcpStream, EgressError> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(EgressError::Connect { host: target.host.to_string(), source: failure })
}

/// Sends a request over a connection and reads the answer.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    target: &Target,
    request: http::Request<Full<Bytes>>,
    answer_bytes: usize,
) -> Result<Response, EgressError> {
    let host = || target.host.to_string();
    let broken = |error: hyper::Error| EgressError::Protocol { host: host(), source: Box::new(error) };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with this future, also if that is dropped.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let (head, mut body) = sender.send_request(request).await.map_err(broken)?.into_parts();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            if whole.len() + data.len() > answer_bytes {
                return Err(EgressError::TooLarge { host: host(), limit: answer_bytes });
            }
            whole.extend_from_slice(&data);
        }
    }
    let text = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
    let headers = head.headers.iter().filter_map(text).collect();
    Ok(Response { status: head.status.as_u16(), headers, body: whole.freeze() })
}

/// The request as it is sent.
pub(crate) fn built(target: &Target, request: Outgoing) -> Result<http::Request<Full<Bytes>>, EgressError> {
    let Outgoing { method, url: _, headers, body } = request;
    let mut built = http::Request::builder()
        .method(method)
        .uri(&target.path)
        .header(HOST, &target.authority)
        .header(USER_AGENT, AGENT)
        .header(CONNECTION, "close")
        .body(Full::new(body))
        .map_err(|_| EgressError::Header(method.to_owned()))?;
    for (name, value) in headers {
        let (Ok(known), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(value)) else {
            return Err(EgressError::Header(name));
        };
        if OF_CONNECTION.contains(&known) {
            return Err(EgressError::Header(name));
        }
        if known == USER_AGENT {
            built.headers_mut().insert(known, value);
        } else {
            built.headers_mut().append(known, value);
        }
    }
    Ok(built)
}
