use std::error::Error as _;
use std::io;

use deadpool_postgres::PoolError;
use tokio_postgres::{Client, Error};

use super::address::{Address, LeadsTo, MARK, mark};
use super::error::{Refusal, is_other_role, plain};
use crate::{Cause, OpenError, ServerProblem, StoreError};

/// The oldest server that is supported, as `server_version_num` has it.
const OLDEST: i32 = 150_000;

/// What poolers answer whatever they refuse.
const PROTOCOL_VIOLATION: &str = "08P01";

/// What a server must be like, in one row.
const STATE: &str = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
                     current_setting('synchronous_commit') = 'off', \
                     pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, \
                     pg_encoding_to_char(encoding)::text, current_schema()::text, \
                     coalesce(has_schema_privilege(current_schema(), 'CREATE'), FALSE), \
                     current_setting('fsync')::boolean, current_setting($1::text, TRUE) IS NOT DISTINCT FROM $2::text \
                     FROM pg_database WHERE datname = current_database()";

impl Address {
    /// Refuses a server or a database that Backstay can't keep its promises on.
    pub(super) async fn check(&self, client: &Client) -> Result<(), OpenError> {
        let row = client.query_one(STATE, &[&MARK, &mark()]).await.map_err(plain)?;
        let (number, version): (i32, String) = (row.try_get(0).map_err(plain)?, row.try_get(1).map_err(plain)?);
        let (asynchronous, read_only): (bool, bool) = (row.try_get(2).map_err(plain)?, row.try_get(3).map_err(plain)?);
        let (encoding, schema): (String, Option<String>) =
            (row.try_get(4).map_err(plain)?, row.try_get(5).map_err(plain)?);
        let (may_create, safe_disk): (bool, bool) = (row.try_get(6).map_err(plain)?, row.try_get(7).map_err(plain)?);
        let has_mark: bool = row.try_get(8).map_err(plain)?;
        let problem = match schema {
            _ if !has_mark => Some(ServerProblem::Pooler),
            _ if number < OLDEST => Some(ServerProblem::Version(version)),
            _ if read_only => Some(ServerProblem::ReadOnly),
            _ if asynchronous => Some(ServerProblem::AsynchronousCommit),
            _ if encoding != "UTF8" => Some(ServerProblem::Encoding(encoding)),
            None => Some(ServerProblem::NoSchema),
            Some(schema) if !may_create => Some(ServerProblem::Rights(schema)),
            Some(_) => None,
        };
        if !safe_disk {
            tracing::warn!(
                database = self.name(),
                "the server runs with fsync=off: a power failure can destroy the database"
            );
        }
        problem.map_or(Ok(()), |problem| Err(self.failed(problem)))
    }

    /// The error of a database that can't be opened, if the server is the reason.
    pub(super) fn opened<T>(&self, outcome: Result<T, OpenError>) -> Result<T, OpenError> {
        let problem = match &outcome {
            Err(OpenError::Store(StoreError::Unreachable(_) | StoreError::Unknown(_))) => ServerProblem::Lost,
            Err(OpenError::Store(StoreError::Full)) => ServerProblem::Full,
            Err(OpenError::Store(StoreError::Database(cause))) if is_forbidden(cause) => ServerProblem::Forbidden,
            _ => return outcome,
        };
        Err(self.failed(problem))
    }

    /// Why there is no connection.
    pub(super) fn refused(&self, error: PoolError) -> OpenError {
        let problem = match error {
            PoolError::Timeout(_) => ServerProblem::Silent,
            PoolError::Backend(error) if is_other_role(&error) && self.wants_to_write() => ServerProblem::ReadOnly,
            PoolError::Backend(error) => self.problem(&error),
            error @ (PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_)) => {
                ServerProblem::Connection(error.to_string())
            }
        };
        self.failed(problem)
    }

    /// Why the server, or the way to it, has refused a connection.
    pub(super) fn problem(&self, error: &Error) -> ServerProblem {
        if let Some(refused) = error.as_db_error() {
            return match refused.code().code() {
                "28P01" => ServerProblem::Password,
                "28000" => ServerProblem::User,
                "3D000" => ServerProblem::NoDatabase,
                "53300" => ServerProblem::Connections,
                "57P03" => ServerProblem::Starting,
                PROTOCOL_VIOLATION => match self.leads_to() {
                    // A server knows all parameters that Backstay begins a session with.
                    LeadsTo::Server => ServerProblem::Pooler,
                    LeadsTo::Pooler => ServerProblem::PoolerRefuses(refused.message().to_owned()),
                },
                code => ServerProblem::Connection(format!("{} ({code})", refused.message())),
            };
        }
        let words = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let Some(cause) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) else {
            let wants_tls = self.config.get_ssl_mode() == tokio_postgres::config::SslMode::Require;
            return match self.config.get_password() {
                None if !wants_tls => ServerProblem::NoPassword,
                _ if wants_tls => ServerProblem::Tls(words),
                _ => ServerProblem::Connection(words),
            };
        };
        match cause.get_ref() {
            Some(inner) if inner.is::<rustls::Error>() => ServerProblem::Tls(words),
            _ if cause.kind() == io::ErrorKind::TimedOut => ServerProblem::Silent,
            _ => ServerProblem::Unreachable(words),
        }
    }
}

/// Whether a statement failed because the user lacks a right.
fn is_forbidden(cause: &Cause) -> bool {
    cause.downcast_ref::<Refusal>().is_some_and(Refusal::is_forbidden)
}
