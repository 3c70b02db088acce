use backstay_base::limits;

use super::value::{Applies, Key, Kind};

/// Bytes of a mebibyte.
pub(crate) const MIB: usize = 1024 * 1024;

/// Limits on requests and connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of a request body in bytes.
    pub body_bytes: usize,
    /// Maximum size of a `Text` without a limit of its own in bytes.
    pub text_bytes: usize,
    /// Maximum size of a `JSON` document in bytes.
    pub json_bytes: usize,
    /// Maximum duration of a request in seconds.
    pub request_seconds: u64,
    /// Seconds for which a connection may stay open between requests.
    pub idle_seconds: u64,
    /// Seconds for which a client may take nothing of a response.
    pub stall_seconds: u64,
    /// Maximum number of connections at a time.
    pub connections: usize,
    /// Maximum memory of requests and responses in MiB.
    pub memory_mib: usize,
    /// What one network may use of connections and memory, in percent.
    pub network_percent: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: limits::BODY_BYTES,
            text_bytes: limits::TEXT_BYTES,
            json_bytes: limits::JSON_BYTES,
            request_seconds: limits::REQUEST_SECONDS,
            idle_seconds: limits::IDLE_SECONDS,
            stall_seconds: limits::STALL_SECONDS,
            connections: limits::CONNECTIONS,
            memory_mib: limits::MEMORY_BYTES / MIB,
            network_percent: limits::NETWORK_PERCENT,
        }
    }
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    Key {
        section: "limits",
        name: "body_bytes",
        applies: Applies::Reload,
        kind: Kind::Number(1024, 8 * 1024 * 1024),
        about: "Maximum size of a request body in bytes.",
        set: |config, given| {
            config.limits.body_bytes = given.number()?;
            Ok(())
        },
        show: |config| config.limits.body_bytes.to_string(),
    },
    Key {
        section: "limits",
        name: "text_bytes",
        applies: Applies::Reload,
        kind: Kind::Number(1024, 8 * 1024 * 1024),
        about: "Maximum size in bytes of a `Text` value without `@length(max:)`, or of all elements of a `[Text!]` \
                together. Larger values stored before stay readable, and a change may make them smaller.",
        set: |config, given| {
            config.limits.text_bytes = given.number()?;
            Ok(())
        },
        show: |config| config.limits.text_bytes.to_string(),
    },
    Key {
        section: "limits",
        name: "json_bytes",
        applies: Applies::Reload,
        kind: Kind::Number(1024, 8 * 1024 * 1024),
        about: "Maximum size in bytes of a `JSON` document without white space, also of the result of a merge patch. \
                Larger documents stored before stay readable, and a change may make them smaller.",
        set: |config, given| {
            config.limits.json_bytes = given.number()?;
            Ok(())
        },
        show: |config| config.limits.json_bytes.to_string(),
    },
    Key {
        section: "limits",
        name: "request_seconds",
        applies: Applies::Reload,
        kind: Kind::Number(1, 3600),
        about: "Maximum duration of a request in seconds.",
        set: |config, given| {
            config.limits.request_seconds = given.number()?;
            Ok(())
        },
        show: |config| config.limits.request_seconds.to_string(),
    },
    Key {
        section: "limits",
        name: "idle_seconds",
        applies: Applies::Start,
        kind: Kind::Number(1, 3600),
        about: "Seconds for which a connection may stay open between requests. Keep it above the idle timeout of a load \
                balancer in front (often 60 seconds), so that the balancer closes idle connections first.",
        set: |config, given| {
            config.limits.idle_seconds = given.number()?;
            Ok(())
        },
        show: |config| config.limits.idle_seconds.to_string(),
    },
    Key {
        section: "limits",
        name: "stall_seconds",
        applies: Applies::Start,
        kind: Kind::Number(1, 3600),
        about: "Seconds after which a connection is closed whose client stops reading a response, or reads it at less \
                than 8 KiB per second.",
        set: |config, given| {
            config.limits.stall_seconds = given.number()?;
            Ok(())
        },
        show: |config| config.limits.stall_seconds.to_string(),
    },
    Key {
        section: "limits",
        name: "connections",
        applies: Applies::Start,
        kind: Kind::Number(1, 1_000_000),
        about: "Maximum number of connections at a time. At the limit, idle connections are closed to make room; if \
                there are none, new ones get 503 `busy`. If the limit of open files is not at least 128 higher, fewer \
                are accepted, and a warning is logged.",
        set: |config, given| {
            config.limits.connections = given.number()?;
            Ok(())
        },
        show: |config| config.limits.connections.to_string(),
    },
    Key {
        section: "limits",
        name: "memory_mib",
        applies: Applies::Start,
        kind: Kind::Number(64, 1_048_576),
        about: "Maximum memory in MiB that requests and responses may hold at a time, until the response is written. \
                Each request counts as at least 64 KiB. At the limit, requests get 503 `busy`.",
        set: |config, given| {
            config.limits.memory_mib = given.number()?;
            Ok(())
        },
        show: |config| config.limits.memory_mib.to_string(),
    },
    Key {
        section: "limits",
        name: "network_percent",
        applies: Applies::Start,
        kind: Kind::Number(1, 100),
        about: "Share of `connections` and `memory_mib` that one network address (IPv6: one /64 network) may use, in \
                percent, but always 32 MiB of memory. Beyond it, its requests get 429 `too-many-requests`. Trusted \
                proxies may use all connections; the memory counts for the client whose request they forward.",
        set: |config, given| {
            config.limits.network_percent = given.number()?;
            Ok(())
        },
        show: |config| config.limits.network_percent.to_string(),
    },
];
