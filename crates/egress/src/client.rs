use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::Subnet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use url::{Host, Url};

use crate::connection::{Target, built, connect, exchange};
use crate::{EgressError, Outgoing, Response};

/// What a client may do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Subnets that may be called although they aren't public.
    pub allow: Vec<Subnet>,
    /// Certificates of authorities (PEM) that are trusted beside those of the operating system.
    pub authorities: Vec<u8>,
    /// The time to find a server's addresses and to connect to one of them, TLS included.
    pub connect: Duration,
    /// The time for all of a request.
    pub total: Duration,
    /// The largest body of an answer that is read.
    pub answer_bytes: usize,
}

impl Default for Settings {
    /// Public servers alone, 10 seconds to connect, 30 for all of it, and 1 MiB.
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            authorities: Vec::new(),
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
            answer_bytes: 1024 * 1024,
        }
    }
}

/// Calls other servers, each request over a connection of its own.
#[derive(Clone)]
pub struct Client {
    settings: Arc<Settings>,
    /// None if nobody is trusted.
    tls: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// A client with these settings. Reads the certificates of authorities that the operating system trusts.
    pub fn new(settings: Settings) -> Result<Self, EgressError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for authority in CertificateDer::pem_slice_iter(&settings.authorities) {
            let authority = authority.map_err(|error| EgressError::Authority(Box::new(error)))?;
            roots.add(authority).map_err(|error| EgressError::Authority(Box::new(error)))?;
        }
        let tls = (!roots.is_empty()).then(|| Arc::new(tls_with(roots)));
        Ok(Self { settings: Arc::new(settings), tls })
    }

    /// Sends a request, and returns the answer, whatever its status. The name in the URL is resolved once, and the connection is
    /// made to an address that was looked at, so that a name can't lead elsewhere in between.
    pub async fn send(&self, request: Outgoing) -> Result<Response, EgressError> {
        let target = target_of(&request.url)?;
        let request = built(&target, request)?;
        let Settings { connect: to_connect, total, answer_bytes, .. } = *self.settings;
        let late = |what, limit| EgressError::Timeout { host: target.host.to_string(), what, limit };
        let answered = async {
            let connecting = timeout(to_connect, connect(&target, &self.settings.allow, self.tls.as_ref()));
            let stream = connecting.await.map_err(|_| late("accept a connection", to_connect))??;
            exchange(stream, &target, request, answer_bytes).await
        };
        timeout(total, answered).await.map_err(|_| late("answer", total))?
    }
}

/// TLS 1.2 and 1.3 with servers that one of these authorities vouches for.
fn tls_with(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.expect("the provider has what TLS 1.2 and 1.3 need");
    let mut tls = versions.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    tls
}

/// Where a URL leads.
fn target_of(text: &str) -> Result<Target, EgressError> {
    let refused = |url: &str, problem| EgressError::Url { url: url.to_owned(), problem };
    let url =
        Url::parse(text).map_err(|_| refused(text, "it isn't a URL; write `https://` and the name of a server"))?;
    if !url.username().is_empty() || url.password().is_some() {
        let mut shown = url;
        let hidden = shown.set_password(None).and_then(|()| shown.set_username(""));
        let shown = hidden.map_or("…".to_owned(), |()| shown.to_string());
        return Err(refused(&shown, "it contains credentials; send them in a header"));
    }
    let secure = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(refused(text, "only `https` and `http` can be called")),
    };
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(refused(text, "it names no server"));
    };
    let host: Host<String> = host.to_owned();
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    };
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Ok(Target { secure, host, port, authority, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_url_leads() {
        let check = |url: &str, expected: &str| {
            let told = target_of(url).map(|target| {
                let Target { secure, host, port, authority, path } = target;
                format!("{secure} {host} {port} {authority} {path}")
            });
            assert_eq!(told.unwrap_or_else(|error| error.to_string()), expected, "{url}");
        };
        check("https://example.org", "true example.org 443 example.org /");
        check("http://example.org:8080/a b?c=d#e", "false example.org 8080 example.org:8080 /a%20b?c=d");
        check("https://[::1]/x", "true [::1] 443 [::1] /x");
        // Forms of 127.0.0.1 that a check of the text would miss.
        check("http://0x7f.1/", "false 127.0.0.1 80 127.0.0.1 /");
        check("http://2130706433/", "false 127.0.0.1 80 127.0.0.1 /");
        check("http://①②⑦.0.0.1/", "false 127.0.0.1 80 127.0.0.1 /");
        check(
            "example.org",
            "`example.org` can't be called: it isn't a URL; write `https://` and the name of a server",
        );
        check("file:///etc/passwd", "`file:///etc/passwd` can't be called: only `https` and `http` can be called");
        let credentials = "`https://example.org/` can't be called: it contains credentials; send them in a header";
        check("https://ann:secret@example.org/", credentials);
    }
}
