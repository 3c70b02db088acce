use std::path::PathBuf;

use backstay_base::{Secret, limits};

use super::value::{Applies, Key, Kind, Wrong, list, quoted};

/// Where data is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The data directory, relative to the application's directory.
    pub dir: PathBuf,
    /// The address of a database server; with none, the database is in the data directory.
    pub url: Option<Secret>,
    /// The address of a pooler before the database server.
    pub pooler: Option<Secret>,
    /// The addresses of standbys that answer reads.
    pub replicas: Vec<Secret>,
    /// A file with the password for the database server, relative to the application's directory.
    pub password_file: Option<PathBuf>,
    /// Connections to the database server.
    pub pool_size: usize,
    /// For how many days entries of the commit log are kept; 0 for ever.
    pub log_days: u64,
    /// How many MiB of the commit log are kept; 0 for all.
    pub log_mib: u64,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: PathBuf::from(".backstay"),
            url: None,
            pooler: None,
            replicas: Vec::new(),
            password_file: None,
            pool_size: limits::DATABASE_CONNECTIONS,
            log_days: 0,
            log_mib: 0,
        }
    }
}

/// Whether a text is the address of a database server.
pub(crate) fn is_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    Key {
        section: "data",
        name: "dir",
        applies: Applies::Start,
        kind: Kind::Text,
        about: "The data directory, relative to the application's directory; `--data` overrides it. If it is missing, it \
                is created so that only its owner can access it. With `url`, it holds the socket for commands only.",
        set: |config, given| {
            let dir = given.text()?;
            if dir.is_empty() {
                return Err("expected a path".into());
            }
            if is_url(&dir) {
                return Err("expected a path; the address of a database server is a value of `url`".into());
            }
            config.data.dir = PathBuf::from(dir);
            Ok(())
        },
        show: |config| quoted(&config.data.dir.to_string_lossy()),
    },
    Key {
        section: "data",
        name: "url",
        applies: Applies::Start,
        kind: Kind::Text,
        about: "Address of a PostgreSQL database, such as `postgres://user@host/database?sslmode=verify-full`; `--data` \
                overrides it. If empty, the database is an SQLite file in the data directory.",
        set: |config, given| {
            let url = given.text()?;
            if !url.is_empty() && !is_url(&url) {
                return Err("expected an address such as postgres://user@host/database".into());
            }
            config.data.url = Some(url).filter(|url| !url.is_empty()).map(Secret::new);
            Ok(())
        },
        // The comparison of settings needs it; nobody prints any but the default.
        show: |config| quoted(config.data.url.as_ref().map_or("", Secret::expose)),
    },
    Key {
        section: "data",
        name: "pooler",
        applies: Applies::Start,
        kind: Kind::Text,
        about: "Address of a connection pooler in transaction mode, such as PgBouncer, before the server in `url`. Requests go through \
                it; what needs a session goes to `url`.",
        set: |config, given| {
            let url = given.text()?;
            if !url.is_empty() && !is_url(&url) {
                return Err("expected an address such as postgres://user@host:6432/database".into());
            }
            config.data.pooler = Some(url).filter(|url| !url.is_empty()).map(Secret::new);
            Ok(())
        },
        // As of `url`.
        show: |config| quoted(config.data.pooler.as_ref().map_or("", Secret::expose)),
    },
    Key {
        section: "data",
        name: "replicas",
        applies: Applies::Start,
        kind: Kind::Texts,
        about: "Addresses of standbys that follow the server in `url` by streaming replication. They answer reads that may be up to a second \
                old; see [Read replicas](#read-replicas).",
        set: |config, given| {
            let urls = given.texts()?;
            let expected = "expected an address such as postgres://user@replica/database";
            Wrong::in_items(&urls, |url| if is_url(url) { Ok(()) } else { Err(expected) })?;
            config.data.replicas = urls.into_iter().map(Secret::new).collect();
            Ok(())
        },
        // As of `url`.
        show: |config| list(&config.data.replicas.iter().map(|url| url.expose().to_owned()).collect::<Vec<_>>()),
    },
    Key {
        section: "data",
        name: "password_file",
        applies: Applies::Start,
        kind: Kind::Text,
        about: "File with the password for `url`, `pooler` and `replicas`, relative to the application's directory; its last line break doesn't \
                count. If empty, the password is the one in the address, if any.",
        set: |config, given| {
            config.data.password_file = Some(given.text()?).filter(|path| !path.is_empty()).map(PathBuf::from);
            Ok(())
        },
        show: |config| {
            quoted(
                &config
                    .data
                    .password_file
                    .as_ref()
                    .map_or_else(String::new, |path| path.to_string_lossy().into_owned()),
            )
        },
    },
    Key {
        section: "data",
        name: "pool_size",
        applies: Applies::Start,
        kind: Kind::Number(1, 1000),
        about: "Connections to PostgreSQL at most. Three more serve Backstay itself.",
        set: |config, given| {
            config.data.pool_size = given.number()?;
            Ok(())
        },
        show: |config| config.data.pool_size.to_string(),
    },
    Key {
        section: "data",
        name: "log_days",
        applies: Applies::Reload,
        kind: Kind::Number(0, 36_500),
        about: "Days for which entries of the commit log are kept; 0 keeps them for ever. The server prunes the log once an \
                hour.",
        set: |config, given| {
            config.data.log_days = given.number()?;
            Ok(())
        },
        show: |config| config.data.log_days.to_string(),
    },
    Key {
        section: "data",
        name: "log_mib",
        applies: Applies::Reload,
        kind: Kind::Number(0, 1_000_000_000),
        about: "Maximum size of the commit log in MiB, beyond which the oldest entries go; 0 for no maximum.",
        set: |config, given| {
            config.data.log_mib = given.number()?;
            Ok(())
        },
        show: |config| config.data.log_mib.to_string(),
    },
];
