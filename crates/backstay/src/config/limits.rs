use backstay_base::limits;

use super::value::{Key, Kind};

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
    /// Maximum number of connections at a time.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: limits::BODY_BYTES,
            text_bytes: limits::TEXT_BYTES,
            json_bytes: limits::JSON_BYTES,
            request_seconds: limits::REQUEST_SECONDS,
            idle_seconds: limits::IDLE_SECONDS,
            connections: limits::CONNECTIONS,
        }
    }
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    Key {
        section: "limits",
        name: "body_bytes",
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
        name: "connections",
        kind: Kind::Number(1, 1_000_000),
        about: "Maximum number of connections at a time; others wait. If the limit of open files is not at least 128 \
                higher, fewer are accepted, and a warning is logged.",
        set: |config, given| {
            config.limits.connections = given.number()?;
            Ok(())
        },
        show: |config| config.limits.connections.to_string(),
    },
];
