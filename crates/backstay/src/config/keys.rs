use std::net::SocketAddr;
use std::path::PathBuf;

use backstay_base::limits;
use backstay_http::{Cors, Network};

use super::{Accounts, Config, ConfigProblems, Data, Limits, Log, LogFormat, LogLevel, ProxyHeader, Server, SignUp};

/// One key of `backstay.toml`.
pub(crate) struct Key {
    /// The table it is in.
    pub(crate) section: &'static str,
    /// Its name there.
    pub(crate) name: &'static str,
    /// Which values it takes.
    pub(crate) kind: Kind,
    /// What it does, as a sentence.
    pub(crate) about: &'static str,
    /// Sets a value that matches `kind`.
    pub(super) set: fn(&mut Config, Given) -> Result<(), &'static str>,
    /// The value in these settings, as TOML.
    pub(crate) show: fn(&Config) -> String,
}

/// The values that a key takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A whole number within these bounds.
    Number(i64, i64),
    /// `true` or `false`.
    Truth,
    /// A list of strings; comma-separated in the environment.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A value of the type that its key's kind says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    Number(i64),
    Truth(bool),
    Texts(Vec<String>),
}

impl Key {
    /// The environment variable that overrides it.
    pub(crate) fn variable(&self) -> String {
        format!("BACKSTAY_{}_{}", self.section, self.name).to_uppercase()
    }
}

impl Kind {
    /// The values in words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Number(least, most) => format!("a whole number from {least} to {most}"),
            Self::Truth => "`true` or `false`".to_owned(),
            Self::Texts => "a list of strings".to_owned(),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
                format!("one of {}", words.join(", "))
            }
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: Server {
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
            },
            data: Data { dir: PathBuf::from(".backstay") },
            accounts: Accounts {
                sign_up: SignUp::Closed,
                session_days: 30,
                password_min: 10,
                attempts_per_account: 10,
                attempts_per_address: 50,
                sign_ups_per_address: 20,
                attempt_minutes: 15,
            },
            limits: Limits {
                body_bytes: limits::BODY_BYTES,
                request_seconds: limits::REQUEST_SECONDS,
                idle_seconds: limits::IDLE_SECONDS,
                connections: limits::CONNECTIONS,
            },
            log: Log { format: LogFormat::Text, level: LogLevel::Info },
            warnings: ConfigProblems::default(),
        }
    }
}

/// Every key, in the order of the documentation.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> {
    SERVER.iter().chain(DATA).chain(ACCOUNTS).chain(LIMITS).chain(LOG)
}

const SERVER: &[Key] = &[
    Key {
        section: "server",
        name: "listen",
        kind: Kind::Text,
        about: "Address and port to listen on. Port 0 chooses a free one. `0.0.0.0` or `[::]` opens the server to the \
                network.",
        set: |config, given| {
            config.server.listen =
                text(given)?.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:8080")?;
            Ok(())
        },
        show: |config| quoted(&config.server.listen.to_string()),
    },
    Key {
        section: "server",
        name: "public_url",
        kind: Kind::Text,
        about: "URL by which clients reach the server, used in links. If empty, `http://` with the address from \
                `listen`.",
        set: |config, given| {
            config.server.public_url = origin(&text(given)?)?;
            Ok(())
        },
        show: |config| quoted(config.server.public_url.as_deref().unwrap_or("")),
    },
    Key {
        section: "server",
        name: "trusted_proxies",
        kind: Kind::Texts,
        about: "Addresses and networks (`10.0.0.0/8`) of proxies whose forwarded headers are trusted; those of \
                everyone else are ignored.",
        set: |config, given| {
            let proxies = texts(given)?;
            if proxies.iter().any(|proxy| proxy.parse::<Network>().is_err()) {
                return Err("expected a list of addresses and networks, such as [\"127.0.0.1\", \"10.0.0.0/8\"]");
            }
            config.server.trusted_proxies = proxies;
            Ok(())
        },
        show: |config| list(&config.server.trusted_proxies),
    },
    Key {
        section: "server",
        name: "proxy_header",
        kind: Kind::Choice(&["x-forwarded", "forwarded"]),
        about: "Headers that those proxies set: `X-Forwarded-For`, `-Proto` and `-Host`, or `Forwarded` (RFC 7239). \
                The others are ignored, because they could come from the client.",
        set: |config, given| {
            config.server.proxy_header =
                if text(given)? == "forwarded" { ProxyHeader::Forwarded } else { ProxyHeader::XForwarded };
            Ok(())
        },
        show: |config| {
            quoted(if config.server.proxy_header == ProxyHeader::Forwarded { "forwarded" } else { "x-forwarded" })
        },
    },
    Key {
        section: "server",
        name: "cors_origins",
        kind: Kind::Texts,
        about: "Origins of web pages on other hosts that may call the API, such as `\"https://app.example\"`; `\"*\"` \
                alone allows all. Such pages send their token in `Authorization`; they can use the cookie only with \
                `cors_credentials`.",
        set: |config, given| {
            let origins = texts(given)?;
            Cors::new(&origins, false, 0)
                .map_err(|_| "not \"*\" alone, nor a list of origins such as [\"https://app.example\"]")?;
            config.server.cors_origins = origins;
            Ok(())
        },
        show: |config| list(&config.server.cors_origins),
    },
    Key {
        section: "server",
        name: "cors_credentials",
        kind: Kind::Truth,
        about: "Whether pages of `cors_origins` may use the session cookie, which no script can read, instead of a \
                token; never with `\"*\"`. Browsers send it only within one site: to `https://news.example` from a \
                page of `https://app.news.example`, but not from one of `https://app.example`.",
        set: |config, given| {
            config.server.cors_credentials = truth(&given)?;
            Ok(())
        },
        show: |config| config.server.cors_credentials.to_string(),
    },
    Key {
        section: "server",
        name: "cors_headers",
        kind: Kind::Texts,
        about: "Request headers that pages of `cors_origins` may send besides `Authorization`, `Content-Type`, \
                `Idempotency-Key`, `If-Match`, `If-None-Match` and `Prefer`, which they always may.",
        set: |config, given| {
            config.server.cors_headers = headers(given)?;
            Ok(())
        },
        show: |config| list(&config.server.cors_headers),
    },
    Key {
        section: "server",
        name: "cors_exposed_headers",
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
        kind: Kind::Truth,
        about: "Whether browsers send the session cookie only over TLS. Set it to `true` if clients reach the server \
                by `https`.",
        set: |config, given| {
            config.server.secure_cookies = truth(&given)?;
            Ok(())
        },
        show: |config| config.server.secure_cookies.to_string(),
    },
    Key {
        section: "server",
        name: "compression_min_bytes",
        kind: Kind::Number(0, 1_000_000_000),
        about: "Responses of at least this size are compressed if the client accepts it; 0 disables compression.",
        set: |config, given| {
            config.server.compression_min_bytes = number(&given)?;
            Ok(())
        },
        show: |config| config.server.compression_min_bytes.to_string(),
    },
];

const DATA: &[Key] = &[Key {
    section: "data",
    name: "dir",
    kind: Kind::Text,
    about: "The data directory, relative to the application's directory; `--data` overrides it. If it is missing, it \
            is created so that only its owner can access it.",
    set: |config, given| {
        let dir = text(given)?;
        if dir.is_empty() {
            return Err("expected a path");
        }
        config.data.dir = PathBuf::from(dir);
        Ok(())
    },
    show: |config| quoted(&config.data.dir.to_string_lossy()),
}];

const ACCOUNTS: &[Key] = &[
    Key {
        section: "accounts",
        name: "sign_up",
        kind: Kind::Choice(&["open", "invited", "closed"]),
        about: "Who may sign up: everyone, people with an invitation (`backstay invite`), or nobody.",
        set: |config, given| {
            config.accounts.sign_up = match text(given)?.as_str() {
                "open" => SignUp::Open,
                "invited" => SignUp::Invited,
                _ => SignUp::Closed,
            };
            Ok(())
        },
        show: |config| {
            quoted(match config.accounts.sign_up {
                SignUp::Open => "open",
                SignUp::Invited => "invited",
                SignUp::Closed => "closed",
            })
        },
    },
    Key {
        section: "accounts",
        name: "session_days",
        kind: Kind::Number(1, 3650),
        about: "Days after which a session expires.",
        set: |config, given| {
            config.accounts.session_days = number(&given)?;
            Ok(())
        },
        show: |config| config.accounts.session_days.to_string(),
    },
    Key {
        section: "accounts",
        name: "password_min",
        kind: Kind::Number(8, 128),
        about: "Minimum length of a password in characters.",
        set: |config, given| {
            config.accounts.password_min = number(&given)?;
            Ok(())
        },
        show: |config| config.accounts.password_min.to_string(),
    },
    Key {
        section: "accounts",
        name: "attempts_per_account",
        kind: Kind::Number(1, 36_500),
        about: "Failed sign-ins that one account allows before the next one has to wait.",
        set: |config, given| {
            config.accounts.attempts_per_account = number(&given)?;
            Ok(())
        },
        show: |config| config.accounts.attempts_per_account.to_string(),
    },
    Key {
        section: "accounts",
        name: "attempts_per_address",
        kind: Kind::Number(1, 36_500),
        about: "Sign-ins that one network address (IPv6: one /64 network) may try before the next one has to wait.",
        set: |config, given| {
            config.accounts.attempts_per_address = number(&given)?;
            Ok(())
        },
        show: |config| config.accounts.attempts_per_address.to_string(),
    },
    Key {
        section: "accounts",
        name: "sign_ups_per_address",
        kind: Kind::Number(1, 36_500),
        about: "Sign-ups that one network address may try before the next one has to wait.",
        set: |config, given| {
            config.accounts.sign_ups_per_address = number(&given)?;
            Ok(())
        },
        show: |config| config.accounts.sign_ups_per_address.to_string(),
    },
    Key {
        section: "accounts",
        name: "attempt_minutes",
        kind: Kind::Number(1, 1440),
        about: "Minutes until all of these attempts are available again; they return one by one.",
        set: |config, given| {
            config.accounts.attempt_minutes = number(&given)?;
            Ok(())
        },
        show: |config| config.accounts.attempt_minutes.to_string(),
    },
];

const LIMITS: &[Key] = &[
    Key {
        section: "limits",
        name: "body_bytes",
        kind: Kind::Number(1024, 8 * 1024 * 1024),
        about: "Maximum size of a request body in bytes.",
        set: |config, given| {
            config.limits.body_bytes = number(&given)?;
            Ok(())
        },
        show: |config| config.limits.body_bytes.to_string(),
    },
    Key {
        section: "limits",
        name: "request_seconds",
        kind: Kind::Number(1, 3600),
        about: "Maximum duration of a request in seconds.",
        set: |config, given| {
            config.limits.request_seconds = number(&given)?;
            Ok(())
        },
        show: |config| config.limits.request_seconds.to_string(),
    },
    Key {
        section: "limits",
        name: "idle_seconds",
        kind: Kind::Number(1, 3600),
        about: "Seconds for which a connection may stay open between requests. Keep it above the idle timeout of a load \
                balancer in front (often 60 seconds), so that the balancer closes idle connections first.",
        set: |config, given| {
            config.limits.idle_seconds = number(&given)?;
            Ok(())
        },
        show: |config| config.limits.idle_seconds.to_string(),
    },
    Key {
        section: "limits",
        name: "connections",
        kind: Kind::Number(1, 1_000_000),
        about: "Maximum number of connections at a time; others wait. If the limit of open files is not at least 128 \
                higher, fewer are accepted, and a warning is logged.",
        set: |config, given| {
            config.limits.connections = number(&given)?;
            Ok(())
        },
        show: |config| config.limits.connections.to_string(),
    },
];

const LOG: &[Key] = &[
    Key {
        section: "log",
        name: "format",
        kind: Kind::Choice(&["text", "json"]),
        about: "Format of the log on standard error; `--log-format` overrides it.",
        set: |config, given| {
            config.log.format = if text(given)? == "json" { LogFormat::Json } else { LogFormat::Text };
            Ok(())
        },
        show: |config| quoted(if config.log.format == LogFormat::Json { "json" } else { "text" }),
    },
    Key {
        section: "log",
        name: "level",
        kind: Kind::Choice(&LogLevel::NAMES),
        about: "Lowest level that is logged. `debug` logs one line per request.",
        set: |config, given| {
            config.log.level = LogLevel::named(&text(given)?).ok_or("expected a level")?;
            Ok(())
        },
        show: |config| quoted(config.log.level.name()),
    },
];

impl LogLevel {
    const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];
    const NAMES: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// The error for a value that does not match its key's kind, which the reader rules out.
const OTHER_TYPE: &str = "expected a value of another type";

fn text(given: Given) -> Result<String, &'static str> {
    if let Given::Text(text) = given { Ok(text) } else { Err(OTHER_TYPE) }
}

fn texts(given: Given) -> Result<Vec<String>, &'static str> {
    if let Given::Texts(texts) = given { Ok(texts) } else { Err(OTHER_TYPE) }
}

/// Names of headers.
fn headers(given: Given) -> Result<Vec<String>, &'static str> {
    let names = texts(given)?;
    let wrong = || "not a list of header names, such as [\"X-Requested-With\"]";
    let any_origin = Cors::new(&["*".to_owned()], false, 0).map_err(|_| wrong())?;
    any_origin.with_headers(&names, &[]).map_err(|_| wrong())?;
    Ok(names)
}

fn truth(given: &Given) -> Result<bool, &'static str> {
    if let Given::Truth(truth) = given { Ok(*truth) } else { Err(OTHER_TYPE) }
}

fn number<N: TryFrom<i64>>(given: &Given) -> Result<N, &'static str> {
    let Given::Number(number) = given else { return Err(OTHER_TYPE) };
    N::try_from(*number).map_err(|_| "expected a smaller number")
}

/// A URL such as `https://news.example`, without a path; `None` if the text is empty.
fn origin(text: &str) -> Result<Option<String>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
    };
    match host {
        Some(host) if plain(host.trim_end_matches('/')) => Ok(Some(text.trim_end_matches('/').to_owned())),
        _ => Err("expected a URL without a path, such as https://news.example"),
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
}
