//! What runs functions, in JavaScript: what every call needs, and what only those have to load that need it.

use crate::sources::{LIBRARY, TESTING};

/// What runs functions, in JavaScript, by the names of its modules.
pub(crate) const PRELUDE: [(&str, &str); 14] = [
    ("backstay:accounts", include_str!("prelude/accounts.js")),
    (RUN, include_str!("prelude/run.js")),
    (REFUSALS, include_str!("prelude/refusals.js")),
    (LIBRARY, include_str!("prelude/backstay.js")),
    (TESTING, include_str!("prelude/testing.js")),
    (DATABASE, include_str!("prelude/database.js")),
    ("backstay:fetch", include_str!("prelude/fetch.js")),
    (HTTP, include_str!("prelude/http.js")),
    ("backstay:jobs", include_str!("prelude/jobs.js")),
    ("backstay:log", include_str!("prelude/log.js")),
    ("backstay:mail", include_str!("prelude/mail.js")),
    ("backstay:secrets", include_str!("prelude/secrets.js")),
    (TEMPORAL, include_str!("prelude/temporal.js")),
    (WEB, include_str!("prelude/web.js")),
];
pub(crate) const RUN: &str = "backstay:run";
/// The modules that functions which need them load.
pub(crate) const LOADED: [&str; 10] = [
    "backstay:accounts",
    DATABASE,
    "backstay:fetch",
    HTTP,
    "backstay:jobs",
    "backstay:log",
    "backstay:mail",
    "backstay:secrets",
    TEMPORAL,
    WEB,
];
pub(crate) const REFUSALS: &str = "backstay:refusals";
pub(crate) const DATABASE: &str = "backstay:database";
pub(crate) const HTTP: &str = "backstay:http";
pub(crate) const TEMPORAL: &str = "backstay:temporal";
pub(crate) const WEB: &str = "backstay:web";
pub(crate) const REQUESTS: &str = "backstay:requests";
/// What a function gets beside its arguments, and the modules that provide it.
pub(crate) const MEMBER_NAMES: [(&str, &str); 5] =
    [("db", "database"), ("jobs", "jobs"), ("log", "log"), ("mail", "mail"), ("secrets", "secrets")];
/// Says which global values and members are there, and which modules are loaded ahead.
pub(crate) const GLOBALS: &str = "backstay:globals";
/// Those that other runtimes have, too, and the modules that provide them.
pub(crate) const GLOBAL_NAMES: [(&str, &str); 18] = [
    ("File", "http"),
    ("FormData", "http"),
    ("Headers", "http"),
    ("Request", "http"),
    ("Response", "http"),
    ("Temporal", "temporal"),
    ("console", "log"),
    ("fetch", "fetch"),
    ("CryptoKey", "web"),
    ("TextDecoder", "web"),
    ("TextEncoder", "web"),
    ("URL", "web"),
    ("URLSearchParams", "web"),
    ("atob", "web"),
    ("btoa", "web"),
    ("crypto", "web"),
    ("queueMicrotask", "web"),
    ("structuredClone", "web"),
];
