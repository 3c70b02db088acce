use std::net::SocketAddr;

use backstay_base::limits;
use backstay_http::{Cors, CorsError};
use backstay_model::ApiPrefix;

use super::subnets::subnets;
use super::value::{Applies, Given, Key, Kind, Wrong, list, quoted};

/// The HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// The URL by which clients reach the server, such as `https://news.example`; without a final slash.
    pub public_url: Option<String>,
    /// Addresses and networks of proxies whose forwarded headers are trusted.
    pub trusted_proxies: Vec<String>,
    /// Which headers those proxies set.
    pub proxy_header: ProxyHeader,
    /// Origins of web pages that may call the API; `*` alone allows all.
    pub cors_origins: Vec<String>,
    /// Whether pages of those origins may use the session cookie; never with `*`.
    pub cors_credentials: bool,
    /// Request headers that pages of those origins may send, besides those that the API reads.
    pub cors_headers: Vec<String>,
    /// Response headers that pages of those origins may read, besides those that the API sets.
    pub cors_exposed_headers: Vec<String>,
    /// Whether browsers send the session cookie only over TLS.
    pub secure_cookies: bool,
    /// Responses of at least this many bytes are compressed; 0 disables compression.
    pub compression_min_bytes: usize,
    /// Where there is interactive documentation.
    pub docs: DocsShown,
    /// The path below which records are.
    pub api_prefix: ApiPrefix,
}

/// Where there is interactive documentation at `/docs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocsShown {
    /// Everywhere.
    Always,
    /// Under `backstay dev`.
    Development,
    /// Nowhere.
    Never,
}

impl DocsShown {
    const WORDS: [(Self, &'static str); 3] =
        [(Self::Always, "always"), (Self::Development, "development"), (Self::Never, "never")];
}

/// The headers in which proxies report where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, with `-Proto` and `-Host`.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::XForwarded,
            cors_origins: Vec::new(),
            cors_credentials: false,
            cors_headers: Cors::DEFAULT_HEADERS.iter().map(ToString::to_string).collect(),
            cors_exposed_headers: Vec::new(),
            secure_cookies: false,
            compression_min_bytes: limits::COMPRESS_BYTES,
            docs: DocsShown::Development,
            api_prefix: ApiPrefix::default(),
        }
    }
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    Key {
        section: "server",
        name: "listen",
        applies: Applies::Start,
        kind: Kind::Text,
        about: "Address and port to listen on. Port 0 chooses a free one. `0.0.0.0` or `[::]` opens the server to the \
                network.",
        set: |config, given| {
            config.server.listen =
                given.text()?.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:8080")?;
            Ok(())
        },
        show: |config| quoted(&config.server.listen.to_string()),
    },
    Key {
        section: "server",
        name: "public_url",
        applies: Applies::Reload,
        kind: Kind::Text,
        about: "URL by which clients reach the server, used in links. If empty, `http://` with the address from \
                `listen`.",
        set: |config, given| {
            config.server.public_url = origin(&given.text()?)?;
            Ok(())
        },
        show: |config| quoted(config.server.public_url.as_deref().unwrap_or("")),
    },
    Key {
        section: "server",
        name: "trusted_proxies",
        applies: Applies::Reload,
        kind: Kind::Texts,
        about: "Addresses and networks (`10.0.0.0/8`) of proxies whose forwarded headers are trusted; those of \
                everyone else are ignored.",
        set: |config, given| {
            let proxies = given.texts()?;
            subnets(&proxies)?;
            config.server.trusted_proxies = proxies;
            Ok(())
        },
        show: |config| list(&config.server.trusted_proxies),
    },
    Key {
        section: "server",
        name: "proxy_header",
        applies: Applies::Reload,
        kind: Kind::Choice(&["x-forwarded", "forwarded"]),
        about: "Headers that those proxies set: `X-Forwarded-For`, `-Proto` and `-Host`, or `Forwarded` (RFC 7239). \
                The others are ignored, because they could come from the client.",
        set: |config, given| {
            config.server.proxy_header =
                if given.text()? == "forwarded" { ProxyHeader::Forwarded } else { ProxyHeader::XForwarded };
            Ok(())
        },
        show: |config| {
            quoted(if config.server.proxy_header == ProxyHeader::Forwarded { "forwarded" } else { "x-forwarded" })
        },
    },
    Key {
        section: "server",
        name: "cors_origins",
        applies: Applies::Reload,
        kind: Kind::Texts,
        about: "Origins of web pages on other hosts and of apps that may call the API, such as `\"https://app.example\"` \
                or `\"capacitor://localhost\"`. `\"https://*.preview.example.org\"` allows all subdomains (`*` stands \
                for one or more labels), `\"*\"` alone allows all origins. Such pages send their token in \
                `Authorization`; they can use the cookie only with `cors_credentials`.",
        set: |config, given| {
            let origins = given.texts()?;
            Wrong::in_items(&origins, |origin| cors(std::slice::from_ref(origin)).map(drop))?;
            cors(&origins)?;
            config.server.cors_origins = origins;
            Ok(())
        },
        show: |config| list(&config.server.cors_origins),
    },
    Key {
        section: "server",
        name: "cors_credentials",
        applies: Applies::Reload,
        kind: Kind::Truth,
        about: "Whether pages of `cors_origins` may use the session cookie, which no script can read, instead of a \
                token; never with `\"*\"`. Anyone who can publish a page there can act as its signed-in visitors, so be \
                careful with wildcards. Browsers send it only within one site: to `https://news.example` from a page \
                of `https://app.news.example`, but not from one of `https://app.example`.",
        set: |config, given| {
            config.server.cors_credentials = given.truth()?;
            Ok(())
        },
        show: |config| config.server.cors_credentials.to_string(),
    },
    Key {
        section: "server",
        name: "cors_headers",
        applies: Applies::Reload,
        kind: Kind::Texts,
        about: "Request headers that pages of `cors_origins` may send besides `Authorization`, \
                `Backstay-Commit`, `Backstay-Link`, `Content-Encoding`, `Content-Type`, `Idempotency-Key`, `If-Match`, `If-None-Match` and `Prefer`, which they always \
                may.",
        set: |config, given| {
            config.server.cors_headers = headers(given)?;
            Ok(())
        },
        show: |config| list(&config.server.cors_headers),
    },
    Key {
        section: "server",
        name: "cors_exposed_headers",
        applies: Applies::Reload,
        kind: Kind::Texts,
        about: "Response headers that pages of `cors_origins` may read besides those that the API sets: a proxy may \
                add some.",
        set: |config, given| {
            config.server.cors_exposed_headers = headers(given)?;
            Ok(())
        },
        show: |config| list(&config.server.cors_exposed_headers),
    },
    Key {
        section: "server",
        name: "secure_cookies",
        applies: Applies::Reload,
        kind: Kind::Truth,
        about: "Whether browsers send the session cookie only over TLS. Set it to `true` if clients reach the server \
                by `https`.",
        set: |config, given| {
            config.server.secure_cookies = given.truth()?;
            Ok(())
        },
        show: |config| config.server.secure_cookies.to_string(),
    },
    Key {
        section: "server",
        name: "compression_min_bytes",
        applies: Applies::Reload,
        kind: Kind::Number(0, 1_000_000_000),
        about: "Responses of at least this size are compressed if the client accepts it; 0 disables compression.",
        set: |config, given| {
            config.server.compression_min_bytes = given.number()?;
            Ok(())
        },
        show: |config| config.server.compression_min_bytes.to_string(),
    },
    Key {
        section: "server",
        name: "docs",
        applies: Applies::Reload,
        kind: Kind::Choice(&["always", "development", "never"]),
        about: "Where `/docs` is an interactive page on which one can sign in and try the API: always, only under \
                `backstay dev`, or never.",
        set: |config, given| {
            let text = given.text()?;
            let known = DocsShown::WORDS.iter().find(|(_, word)| *word == text);
            config.server.docs = known.map_or(DocsShown::Development, |(shown, _)| *shown);
            Ok(())
        },
        show: |config| {
            let word = DocsShown::WORDS.iter().find(|(shown, _)| *shown == config.server.docs);
            quoted(word.map_or("development", |(_, word)| word))
        },
    },
    Key {
        section: "server",
        name: "api_prefix",
        applies: Applies::Reload,
        kind: Kind::Text,
        about: "The path below which the records of all collections are, such as `/records` or `/api/v2`, so that routes of \
                your own can have the paths below `/api`. Clients are made anew after a change.",
        set: |config, given| {
            config.server.api_prefix = given.text()?.parse::<ApiPrefix>()?;
            Ok(())
        },
        show: |config| quoted(config.server.api_prefix.without_slash()),
    },
];

/// The rules for these origins.
fn cors(origins: &[String]) -> Result<Cors, CorsError> {
    Cors::new(origins, false, 0)
}

/// Names of headers.
fn headers(given: Given) -> Result<Vec<String>, Wrong> {
    let names = given.texts()?;
    let any_origin = cors(&["*".to_owned()])?;
    Wrong::in_items(&names, |name| any_origin.clone().with_headers(std::slice::from_ref(name), &[]).map(drop))?;
    Ok(names)
}

/// A URL such as `https://news.example`, without a path; `None` if the text is empty.
fn origin(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
    };
    match host {
        Some(host) if plain(host.trim_end_matches('/')) => Ok(Some(text.trim_end_matches('/').to_owned())),
        _ => Err("expected a URL without a path, such as https://news.example".into()),
    }
}
