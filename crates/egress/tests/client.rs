//! The client against servers that answer, hang, send too much, or stand where nobody should call.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backstay_egress::{Client, EgressError, Outgoing, Response, Settings};
use bytes::Bytes;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a server does with each connection.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    /// Reads the request and writes this.
    Says(&'static [u8]),
    /// Answers with the request that it read.
    Echoes,
    /// Reads and never answers.
    Hangs,
    /// Says that it sends a body and sends it without end.
    Floods,
}

/// A server on a port of this machine, and how many connections it has accepted.
struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    async fn start(behaviour: Behaviour, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, accepted) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, behaviour).await;
                            }
                        }
                        None => serve(stream, behaviour).await,
                    }
                });
            }
        });
        Self { address, accepted }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

async fn serve<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S, behaviour: Behaviour) {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    // Requests of these tests have a body that ends with a full stop, or none and end with an empty line.
    while !request.ends_with(b"\r\n\r\n") && !request.ends_with(b".") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    match behaviour {
        Behaviour::Says(text) => drop(stream.write_all(text).await),
        Behaviour::Echoes => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", request.len());
            drop(stream.write_all(&[head.as_bytes(), &request].concat()).await);
        }
        Behaviour::Hangs => while matches!(stream.read(&mut buffer).await, Ok(1..)) {},
        Behaviour::Floods => {
            let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while sent.is_ok() {
                sent = stream.write_all(&[b'x'; 1024]).await;
            }
        }
    }
    drop(stream.shutdown().await);
}

/// Settings that let tests call their own servers.
fn local() -> Settings {
    Settings { allow: vec!["127.0.0.0/8".parse().expect("a network")], ..Settings::default() }
}

fn client(settings: Settings) -> Client {
    Client::new(settings).expect("a client")
}

fn get(url: impl Into<String>) -> Outgoing {
    Outgoing { method: "GET", url: url.into(), headers: Vec::new(), body: Bytes::new() }
}

async fn refusal(client: &Client, url: impl Into<String>) -> EgressError {
    client.send(get(url)).await.expect_err("it is refused")
}

#[tokio::test]
async fn a_request_is_sent_and_answered() {
    let server = Server::start(Behaviour::Echoes, None).await;
    let headers = vec![("webhook-id".to_owned(), "msg_1".to_owned())];
    let body = Bytes::from_static(b"Hello.");
    let request = Outgoing { method: "POST", url: server.url("/hooks?a=b"), headers, body };
    let answer = client(local()).send(request).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let text = String::from_utf8_lossy(&answer.body);
    let host = format!("host: {}\r\n", server.address);
    for part in ["POST /hooks?a=b HTTP/1.1\r\n", "webhook-id: msg_1\r\n", "content-length: 6\r\n", &host] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.ends_with("\r\n\r\nHello."), "{text}");
}

#[tokio::test]
async fn headers_cannot_say_where_a_request_goes_or_ends() {
    let server = Server::start(Behaviour::Echoes, None).await;
    let sent = async |headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        client(local()).send(Outgoing { headers, ..get(server.url("/")) }).await
    };
    for name in [
        "Host",
        "connection",
        "Content-Length",
        "expect",
        "Keep-Alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "no name",
    ] {
        let refused = sent(&[(name, "other.example")]).await;
        assert!(matches!(&refused, Err(EgressError::Header(found)) if found == name), "{name}: {refused:?}");
    }
    let refused = sent(&[("x-key", "a\r\nhost: other.example")]).await;
    assert!(matches!(&refused, Err(EgressError::Header(found)) if found == "x-key"), "{refused:?}");
    assert_eq!(server.accepted(), 0);

    let answer =
        sent(&[("accept", "text/plain"), ("accept", "text/html"), ("user-agent", "Ours")]).await.expect("an answer");
    let text = String::from_utf8_lossy(&answer.body);
    for part in ["accept: text/plain\r\n", "accept: text/html\r\n", "user-agent: Ours\r\n"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Backstay/"), "{text}");
}

#[tokio::test]
async fn a_private_address_is_not_connected_to() {
    let server = Server::start(Behaviour::Echoes, None).await;
    let port = server.address.port();
    let strict = client(Settings::default());
    for host in ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"] {
        let error = refusal(&strict, format!("http://{host}:{port}/")).await;
        assert!(matches!(error, EgressError::Private { .. }), "{host}: {error}");
    }
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "http://[fd00::1]/",
        "http://[64:ff9b::7f00:1]/",
    ] {
        let error = refusal(&strict, url).await;
        assert!(matches!(error, EgressError::Private { .. }), "{url}: {error}");
    }
    assert_eq!(server.accepted(), 0);
    let elsewhere = client(Settings { allow: vec!["10.0.0.0/8".parse().expect("a network")], ..Settings::default() });
    assert!(matches!(refusal(&elsewhere, server.url("/")).await, EgressError::Private { .. }));
    assert_eq!(server.accepted(), 0);
    assert!(client(local()).send(get(server.url("/"))).await.is_ok());
}

/// A public server can't send Backstay to a private one.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let redirect = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let server = Server::start(Behaviour::Says(redirect), None).await;
    let Response { status, headers, .. } = client(local()).send(get(server.url("/"))).await.expect("an answer");
    assert_eq!(status, 302);
    assert!(headers.contains(&("location".to_owned(), "http://127.0.0.1:1/".to_owned())), "{headers:?}");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::start(Behaviour::Hangs, None).await;
    let limit = Duration::from_millis(50);
    let error = refusal(&client(Settings { total: limit, ..local() }), server.url("/")).await;
    assert!(matches!(error, EgressError::Timeout { what: "answer", .. }), "{error}");
    // It never begins TLS.
    let error =
        refusal(&client(Settings { connect: limit, ..local() }), server.url("/").replace("http:", "https:")).await;
    assert!(matches!(error, EgressError::Timeout { what: "accept a connection", .. }), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let server = Server::start(Behaviour::Floods, None).await;
    let error = refusal(&client(Settings { answer_bytes: 100_000, ..local() }), server.url("/")).await;
    assert!(matches!(error, EgressError::TooLarge { limit: 100_000, .. }), "{error}");
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    for text in [&b"SSH-2.0-OpenSSH\r\n\r\n"[..], b"", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort"] {
        let server = Server::start(Behaviour::Says(text), None).await;
        let error = refusal(&client(local()), server.url("/")).await;
        assert!(matches!(error, EgressError::Protocol { .. }), "{error}");
    }
    let header = Outgoing { headers: vec![("a b".to_owned(), "c".to_owned())], ..get("http://127.0.0.1:1/") };
    assert!(client(local()).send(header).await.is_err());
    let injected = Outgoing { headers: vec![("a".to_owned(), "c\r\nd: e".to_owned())], ..get("http://127.0.0.1:1/") };
    assert!(client(local()).send(injected).await.is_err());
}

#[tokio::test]
async fn nobody_listens_or_has_that_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let error = refusal(&client(local()), format!("http://{address}/")).await;
    assert!(matches!(error, EgressError::Connect { .. }), "{error}");
    assert!(error.source().is_some());
    let error = refusal(&client(local()), "http://nobody.invalid/").await;
    // Without a network, the resolver may take longer to find out.
    assert!(matches!(error, EgressError::Unknown { .. } | EgressError::Timeout { .. }), "{error}");
}

/// A certificate for `localhost` by an authority that nobody else knows, and the authority's own.
fn certified(directory: &Path) -> (TlsAcceptor, Vec<u8>) {
    const CERTIFY: &str = "cd \"$0\" && exec 2>openssl.log \
        && key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes' \
        && openssl req -x509 $key -days 2 -subj /CN=authority -keyout ca.key -out ca.crt \
        && openssl req -new $key -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr \
        && openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copyall \
           -out server.crt";
    let made = Command::new("sh").args(["-c", CERTIFY]).arg(directory).status().expect("a shell");
    assert!(made.success(), "{}", fs::read_to_string(directory.join("openssl.log")).unwrap_or_default());
    let read = |name: &str| fs::read(directory.join(name)).expect(name);
    let chain = vec![CertificateDer::from_pem_slice(&read("server.crt")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(&read("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = versions.with_no_client_auth().with_single_cert(chain, key).expect("a server's settings");
    (TlsAcceptor::from(Arc::new(config)), read("ca.crt"))
}

#[tokio::test]
async fn a_server_proves_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let (tls, authorities) = certified(directory.path());
    let server = Server::start(Behaviour::Says(b"HTTP/1.1 204 No Content\r\n\r\n"), Some(tls)).await;
    let trusting = client(Settings { authorities, ..local() });
    let port = server.address.port();
    let answer = trusting.send(get(format!("https://localhost:{port}/"))).await.expect("an answer");
    assert_eq!(answer.status, 204);
    let error = refusal(&trusting, format!("https://127.0.0.1:{port}/")).await;
    assert!(matches!(error, EgressError::Tls { .. }), "{error}");
    let error = refusal(&client(local()), format!("https://localhost:{port}/")).await;
    assert!(matches!(error, EgressError::Tls { .. }), "{error}");
    assert!(
        Client::new(Settings {
            authorities: b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n".to_vec(),
            ..local()
        })
        .is_err()
    );
}
