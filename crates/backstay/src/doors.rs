use std::time::Duration;

use backstay_http::{Cors, HttpSettings, Network, ParseNetworkError, Proxies};

use crate::config::ProxyHeader;
use crate::{Config, Failure};

/// Seconds for which browsers remember that a page of another origin may call.
const CORS_SECONDS: u32 = 600;

/// The settings of the doors over HTTP.
pub(crate) fn http_settings(config: &Config) -> Result<HttpSettings, Failure> {
    let (server, limits) = (&config.server, &config.limits);
    let networks: Result<Vec<Network>, ParseNetworkError> =
        server.trusted_proxies.iter().map(|proxy| proxy.parse()).collect();
    let header = match server.proxy_header {
        ProxyHeader::XForwarded => backstay_http::ProxyHeader::XForwarded,
        ProxyHeader::Forwarded => backstay_http::ProxyHeader::Forwarded,
    };
    let cors = match server.cors_origins.as_slice() {
        [] => None,
        origins => Some(Cors::new(origins.to_vec(), false, CORS_SECONDS)?),
    };
    let https = server.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    Ok(HttpSettings {
        cors,
        proxies: Proxies { networks: networks?, header },
        secure_cookies: server.secure_cookies || https,
        compress_from: (server.compression_min_bytes > 0).then_some(server.compression_min_bytes),
        body_bytes: limits.body_bytes,
        request_time: Duration::from_secs(limits.request_seconds),
        connections: limits.connections,
        ..HttpSettings::default()
    })
}
