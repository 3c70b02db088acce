//! Names of settings in other systems, and what they are called here.

use super::keys::keys;
use super::value::Key;

/// What another system's name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// A key: its table and its name.
    Key(&'static str, &'static str),
    /// A table.
    Table(&'static str),
    /// Something that is not a setting, and what to do instead.
    Advice(&'static str),
}

/// Where the data is, for those who look for a database.
pub(super) const STORED: &str = "Backstay stores its data in SQLite, in the directory that `dir` in [data] names, or in \
                      PostgreSQL, at the address that `url` in [data] names";
const TLS: &str = "Backstay serves HTTP; put a proxy in front that terminates TLS (docs/deployment.md), and set \
                   `public_url` in [server]";

const NAMES: &[(Foreign, &[&str])] = &[
    (
        Foreign::Key("server", "listen"),
        &[
            "port",
            "host",
            "bind",
            "address",
            "addr",
            "interface",
            "http_port",
            "http_addr",
            "listen_address",
            "hostname",
        ],
    ),
    (
        Foreign::Key("server", "public_url"),
        &["server.url", "base_url", "site_url", "root_url", "app_url", "domain", "origin"],
    ),
    (
        Foreign::Key("server", "cors_origins"),
        &[
            "cors",
            "origins",
            "allowed_origins",
            "allow_origins",
            "cors_allowed_origins",
            "cors_allow_origins",
            "cors_origin",
        ],
    ),
    (Foreign::Key("server", "cors_credentials"), &["allow_credentials", "cors_allow_credentials"]),
    (Foreign::Key("server", "cors_headers"), &["allowed_headers", "allow_headers", "cors_allow_headers"]),
    (Foreign::Key("server", "trusted_proxies"), &["trust_proxy", "trusted_proxy", "proxies", "proxy"]),
    (Foreign::Key("server", "secure_cookies"), &["cookie_secure", "secure_cookie", "secure"]),
    (Foreign::Key("server", "docs"), &["swagger", "swagger_ui", "docs_url", "redoc"]),
    (Foreign::Key("server", "compression_min_bytes"), &["compression", "compress", "gzip"]),
    (
        Foreign::Key("data", "dir"),
        &[
            "data",
            "data_dir",
            "datadir",
            "data_directory",
            "directory",
            "data_path",
            "data.path",
            "data.file",
            "data.root",
            "data.location",
        ],
    ),
    (
        Foreign::Key("data", "url"),
        &["database_url", "db_url", "dsn", "postgres", "postgresql", "postgres_url", "connection_string", "data.uri"],
    ),
    (Foreign::Key("data", "pool_size"), &["max_pool_size", "pool", "pool_max", "data.connections"]),
    (Foreign::Key("data", "password_file"), &["data.password", "db_password", "passfile", "pgpassfile"]),
    (Foreign::Advice(STORED), &["database", "db", "sqlite", "mysql", "storage", "store"]),
    (
        Foreign::Key("accounts", "sign_up"),
        &[
            "allow_registration",
            "allow_signup",
            "allow_sign_up",
            "enable_registration",
            "enable_signup",
            "registration",
            "open_registration",
            "signup",
            "sign_ups",
            "signups",
        ],
    ),
    (
        Foreign::Key("accounts", "session_days"),
        &["session_ttl", "session_lifetime", "session_timeout", "session_expiry", "session_duration", "token_ttl"],
    ),
    (
        Foreign::Key("accounts", "password_min"),
        &["min_password_length", "password_min_length", "minimum_password_length", "password_length"],
    ),
    (
        Foreign::Table("accounts"),
        &["auth", "authentication", "users", "user", "identity", "session", "sessions", "account"],
    ),
    (
        Foreign::Key("limits", "body_bytes"),
        &[
            "max_body",
            "max_body_size",
            "max_payload",
            "body_max",
            "body_limit",
            "body_size",
            "max_body_bytes",
            "client_max_body_size",
            "max_request_size",
        ],
    ),
    (Foreign::Key("limits", "text_bytes"), &["max_text", "max_text_bytes", "text_max", "text_size"]),
    (Foreign::Key("limits", "json_bytes"), &["max_json", "max_json_bytes", "json_max", "json_size"]),
    (Foreign::Key("limits", "request_seconds"), &["timeout", "request_timeout", "read_timeout", "write_timeout"]),
    (Foreign::Key("limits", "idle_seconds"), &["idle_timeout", "keep_alive", "keepalive", "keep_alive_timeout"]),
    (Foreign::Key("limits", "connections"), &["max_connections", "connection_limit"]),
    (Foreign::Key("limits", "stall_seconds"), &["send_timeout"]),
    (Foreign::Key("limits", "memory_mib"), &["memory", "max_memory", "memory_limit", "memory_mb"]),
    (Foreign::Key("limits", "network_percent"), &["connections_per_ip", "max_connections_per_ip"]),
    (Foreign::Key("log", "level"), &["log_level", "loglevel", "verbosity", "log"]),
    (Foreign::Key("log", "format"), &["log_format", "logformat"]),
    (Foreign::Table("log"), &["logging", "logger", "logs"]),
    (Foreign::Table("server"), &["http", "web", "network"]),
    (Foreign::Advice(TLS), &["tls", "ssl", "https", "cert", "certificate", "tls_cert", "tls_key", "ssl_cert"]),
];

/// What another system's name stands for, in whatever case and with `-` or `_`. A name that means something only in one
/// table has the table before it: `data.path`.
pub(super) fn foreign(name: &str) -> Option<Foreign> {
    let name = name.to_lowercase().replace('-', "_");
    NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(foreign, _)| *foreign)
}

/// The key in this table with this name.
pub(super) fn key(section: &str, name: &str) -> Option<&'static Key> {
    keys().find(|key| key.section == section && key.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_keys_and_tables_that_exist() {
        for (foreign, _) in NAMES {
            match foreign {
                Foreign::Key(section, name) => assert!(key(section, name).is_some(), "{section}.{name}"),
                Foreign::Table(section) => assert!(keys().any(|key| key.section == *section), "{section}"),
                Foreign::Advice(_) => {}
            }
        }
    }

    #[test]
    fn no_name_is_one_of_ours_or_stands_for_two_things() {
        let names: Vec<&str> = NAMES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name}");
            assert!(!keys().any(|key| key.name == *name), "{name}");
        }
    }
}
