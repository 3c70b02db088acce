use std::time::Duration;

use backstay_base::{ParseSubnetError, Subnet};
use backstay_http::{Cors, Docs, HttpSettings, Proxies};

use crate::config::{DocsShown, MIB, ProxyHeader};
use crate::{Config, Failure};

/// How long browsers may cache the answer to a preflight request, in seconds.
const CORS_SECONDS: u32 = 600;

/// The settings of the HTTP server.
pub(crate) fn http_settings(config: &Config) -> Result<HttpSettings, Failure> {
    let (server, limits) = (&config.server, &config.limits);
    let subnets: Result<Vec<Subnet>, ParseSubnetError> =
        server.trusted_proxies.iter().map(|proxy| proxy.parse()).collect();
    let header = match server.proxy_header {
        ProxyHeader::XForwarded => backstay_http::ProxyHeader::XForwarded,
        ProxyHeader::Forwarded => backstay_http::ProxyHeader::Forwarded,
    };
    let cors = match server.cors_origins.as_slice() {
        [] => None,
        origins => {
            let cors = Cors::new(origins, server.cors_credentials, CORS_SECONDS)?;
            Some(cors.with_headers(&server.cors_headers, &server.cors_exposed_headers)?)
        }
    };
    let https = server.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    Ok(HttpSettings {
        cors,
        proxies: Proxies { subnets: subnets?, header },
        secure_cookies: server.secure_cookies || https,
        compress_from: (server.compression_min_bytes > 0).then_some(server.compression_min_bytes),
        body_bytes: limits.body_bytes,
        request_time: Duration::from_secs(limits.request_seconds),
        idle_time: Duration::from_secs(limits.idle_seconds),
        stall_time: Duration::from_secs(limits.stall_seconds),
        connections: limits.connections,
        memory_bytes: limits.memory_mib.saturating_mul(MIB),
        network_percent: limits.network_percent,
        docs: match server.docs {
            DocsShown::Always => Docs::Always,
            DocsShown::Development => Docs::InDevelopment,
            DocsShown::Never => Docs::Never,
        },
        token_schemes: config.accounts.token_schemes.clone(),
        ..HttpSettings::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> HttpSettings {
        let config = Config::read(text, []).expect("the settings are good");
        http_settings(&config).expect("the doors take them")
    }

    #[test]
    fn every_setting_of_the_doors_reaches_them() {
        let check = |text: &str, expected: HttpSettings| {
            assert_eq!(format!("{:?}", settings(text)), format!("{expected:?}"), "{text}");
        };
        let plain = HttpSettings::default;
        let cors = |credentials| Cors::new(&["https://a.example".to_owned()], credentials, CORS_SECONDS).ok();
        let subnets = vec!["10.0.0.0/8".parse().expect("a subnet")];
        let (x_forwarded, forwarded) = (backstay_http::ProxyHeader::XForwarded, backstay_http::ProxyHeader::Forwarded);
        let proxies = |header| Proxies { subnets: subnets.clone(), header };
        check("", plain());
        check("server.secure_cookies = true", HttpSettings { secure_cookies: true, ..plain() });
        check("server.public_url = 'https://a.example'", HttpSettings { secure_cookies: true, ..plain() });
        check("server.public_url = 'http://a.example'", plain());
        check("server.cors_origins = ['https://a.example']", HttpSettings { cors: cors(false), ..plain() });
        check(
            "[server]\ncors_origins = ['https://a.example']\ncors_credentials = true",
            HttpSettings { cors: cors(true), ..plain() },
        );
        let with_headers =
            cors(false).and_then(|cors| cors.with_headers(&["X-One".to_owned()], &["X-Two".to_owned()]).ok());
        check(
            "[server]\ncors_origins = ['https://a.example']\ncors_headers = ['X-One']\ncors_exposed_headers = ['X-Two']",
            HttpSettings { cors: with_headers, ..plain() },
        );
        check("server.trusted_proxies = ['10.0.0.0/8']", HttpSettings { proxies: proxies(x_forwarded), ..plain() });
        check(
            "[server]\ntrusted_proxies = ['10.0.0.0/8']\nproxy_header = 'forwarded'",
            HttpSettings { proxies: proxies(forwarded), ..plain() },
        );
        check("server.compression_min_bytes = 9", HttpSettings { compress_from: Some(9), ..plain() });
        check("server.compression_min_bytes = 0", HttpSettings { compress_from: None, ..plain() });
        check("server.docs = 'always'", HttpSettings { docs: Docs::Always, ..plain() });
        check("server.docs = 'never'", HttpSettings { docs: Docs::Never, ..plain() });
        check(
            "accounts.token_schemes = ['Token']",
            HttpSettings { token_schemes: vec!["Token".to_owned()], ..plain() },
        );
        check("limits.body_bytes = 2000", HttpSettings { body_bytes: 2000, ..plain() });
        check("limits.request_seconds = 3", HttpSettings { request_time: Duration::from_secs(3), ..plain() });
        check("limits.idle_seconds = 3", HttpSettings { idle_time: Duration::from_secs(3), ..plain() });
        check("limits.stall_seconds = 3", HttpSettings { stall_time: Duration::from_secs(3), ..plain() });
        check("limits.connections = 7", HttpSettings { connections: 7, ..plain() });
        check("limits.memory_mib = 100", HttpSettings { memory_bytes: 104_857_600, ..plain() });
        check("limits.network_percent = 100", HttpSettings { network_percent: 100, ..plain() });
    }
}
