use std::path::PathBuf;

/// Why a database server can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerProblem {
    /// The address isn't one.
    #[error("the address can't be read: {0}")]
    Address(String),
    /// A parameter of the address means nothing here.
    #[error("the address has a parameter that Backstay doesn't support: {0}")]
    Parameter(String),
    /// A file of certificates can't be used.
    #[error("the certificates in {path} can't be used: {why}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// `sslmode=verify-ca` or `verify-full` without certificates to verify with.
    #[error("`sslmode` asks to verify the server's certificate, and there are no certificates to verify it with")]
    NoCertificates,
    /// Nothing answers at the address.
    #[error("the server can't be reached: {0}")]
    Unreachable(String),
    /// The server accepts the connection and then says nothing.
    #[error("the server doesn't answer")]
    Silent,
    /// TLS was asked for and isn't possible.
    #[error("the TLS connection fails: {0}")]
    Tls(String),
    /// The server refused the password.
    #[error("the server refused the user's password")]
    Password,
    /// The server wants a password.
    #[error("the server asks for a password, and there is none")]
    NoPassword,
    /// The server doesn't know the user, or doesn't admit it from here.
    #[error("the server refused the user: it doesn't exist, or `pg_hba.conf` doesn't admit it from this machine")]
    User,
    /// The server has no database of this name.
    #[error("the server has no such database")]
    NoDatabase,
    /// All connections of the server are taken.
    #[error("the server has no free connection")]
    Connections,
    /// The server starts, stops or recovers.
    #[error("the server is starting up or shutting down")]
    Starting,
    /// The server is too old.
    #[error("the server is PostgreSQL {0}; Backstay needs 15 or later")]
    Version(String),
    /// A commit is acknowledged before it is durable.
    #[error("`synchronous_commit` is off: a crash would lose changes that were acknowledged")]
    AsynchronousCommit,
    /// The server is a standby, or transactions are read-only.
    #[error("the server is a standby, or lets this user only read")]
    ReadOnly,
    /// Texts can't be stored.
    #[error("the database's encoding is {0}; Backstay needs UTF8")]
    Encoding(String),
    /// There is no schema for tables.
    #[error("none of the schemas in `search_path` exists")]
    NoSchema,
    /// The user may not create tables.
    #[error("the user may not create tables in the schema {0}")]
    Rights(String),
    /// The schema holds tables, and none of Backstay's.
    #[error("it holds the tables of another program")]
    Foreign,
    /// It has tables that Backstay didn't make.
    #[error("its tables are those of another program, which Backstay has adopted")]
    Adopted,
    /// Another process uses it, and goes on doing so.
    #[error("another Backstay uses it")]
    InUse,
    /// Other processes serve a model that came after this one.
    #[error("it has a newer model than this one, and other servers serve that")]
    Outdated,
    /// What sessions set doesn't reach the server.
    #[error("the server doesn't get the settings of sessions, as behind a connection pooler such as PgBouncer")]
    Pooler,
    /// A pooler ends the connection.
    #[error("the pooler ends the connection: {0}")]
    PoolerRefuses(String),
    /// A pooler leads to something else than the database.
    #[error("behind this pooler is another database than the one in `url`")]
    Elsewhere,
    /// A replica lags.
    #[error("it is more than a second behind the server in `url`")]
    Behind,
    /// A replica is of something else, or hasn't applied a change of the model yet.
    #[error("it has another database than the one in `url`, or not its model yet")]
    OtherState,
    /// A replica is a primary, such as the server itself.
    #[error("it isn't a standby")]
    NotStandby,
    /// The server ended the connection.
    #[error("the server ended the connection")]
    Lost,
    /// The server's disk is full.
    #[error("there is no space left on the server's disk")]
    Full,
    /// The user lacks a right on tables that are there.
    #[error("the user lacks a right on the tables, which another user made")]
    Forbidden,
    /// Anything else that prevents a connection.
    #[error("the connection fails: {0}")]
    Connection(String),
}

const OWN_DATABASE: &str = "create a database for this application alone, or a schema, with `?options=-csearch_path%3DNAME` in the address; \
     or let `backstay adopt` make a model of these tables";
const STOP_OTHERS: &str = "try again: its servers still used it after ten seconds. If they are of another version of Backstay, or a \
                           database is to be deleted or copied, stop all of them first";

impl ServerProblem {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Address(_) => {
                "write it as postgres://user@host:5432/database, with special characters percent-encoded (`@` as %40)"
            }
            Self::Parameter(_) => "leave it out; docs/configuration.md lists the parameters",
            Self::Certificates { .. } => "name a readable file with PEM certificates in `sslrootcert`",
            Self::NoCertificates => {
                "name the file with the authority's certificate (`sslrootcert=FILE`), or use the operating system's \
                 (`sslrootcert=system`)"
            }
            Self::Unreachable(_) | Self::Silent => {
                "check the host and the port, that the server runs and listens there, and the firewall between"
            }
            Self::Tls(_) => "check `sslmode` and `sslrootcert`; docs/configuration.md says what they mean",
            Self::Password | Self::NoPassword => {
                "put the password into a file and name it in `password_file` in [data], or set BACKSTAY_DATA_URL with it"
            }
            Self::User => "check the user's name in the address, and the server's `pg_hba.conf`",
            Self::NoDatabase => "create it, with `createdb --encoding=UTF8 --template=template0 NAME`",
            Self::Connections => "raise `max_connections` of the server, or lower `connections` in [data]",
            Self::Starting => "try again in a moment",
            Self::Version(_) => "update the server, or use another one",
            Self::AsynchronousCommit => {
                "set it to `on` for this user and database (`ALTER ROLE … SET synchronous_commit = on`)"
            }
            Self::ReadOnly => "name the primary server in the address",
            Self::Encoding(_) => "create another one, with `createdb --encoding=UTF8 --template=template0 NAME`",
            Self::NoSchema => "create the schema, or correct `search_path`",
            Self::Rights(_) => {
                "make the user the owner of the database, or grant the right (`GRANT CREATE ON SCHEMA … TO …`)"
            }
            Self::Foreign => OWN_DATABASE,
            Self::Adopted => {
                "Backstay doesn't delete them: `DROP DATABASE` does, or `DROP TABLE` of those that nobody needs any more"
            }
            Self::InUse => STOP_OTHERS,
            Self::Outdated => {
                "start this server with the files of the newer model. To go back to this model on purpose, run `backstay migrate apply`, \
                 or stop the other servers first"
            }
            Self::Pooler => {
                "name the address of the server itself, because Backstay needs sessions of its own. If requests are to go through the \
                 pooler, name that in `pooler` in [data]"
            }
            Self::PoolerRefuses(_) => {
                "use transaction pooling (`pool_mode = transaction` in PgBouncer), let this user in, and check that the pooler can reach the \
                 server; its log may say more"
            }
            Self::Elsewhere => {
                "let both addresses lead to the same database and user; Backstay's tables must be there, with the same model"
            }
            Self::Behind => {
                "the server in `url` answers its reads until it has caught up; look at its load, and at `pg_stat_replication` on that \
                 server"
            }
            Self::OtherState => {
                "wait if the model has just changed; otherwise let each address in `replicas` lead to a standby of the server in `url`, \
                 and to the same database and schema"
            }
            Self::NotStandby => {
                "remove it from `replicas` and list only standbys; the server in `url` already answers reads that no standby can"
            }
            Self::Lost => {
                "try again: what wasn't committed is undone, and the next start goes on from there. If it happens again, the server's \
                 log says why"
            }
            Self::Full => "make space there, then start again: what wasn't committed is undone",
            Self::Forbidden => "use the user who made them, or make this one their owner (`REASSIGN OWNED BY … TO …`)",
            Self::Connection(_) => "check the address; the server's log may say more",
        }
    }
}
