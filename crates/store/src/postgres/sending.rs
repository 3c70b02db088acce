//! How a statement reaches the server: under the name that the connection has prepared it with, or without one.

use std::sync::Arc;

use backstay_sql::Param;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, RowStream, Statement};

use super::param::Bound;

/// A statement that can be sent. Each of its futures sends it when it is first polled.
pub(super) enum Prepared {
    /// The connection knows it.
    Named(Statement),
    /// It is sent whole each time, as through a pooler.
    Unnamed {
        /// Its text.
        text: String,
        /// The types of its parameters.
        types: Arc<[Type]>,
    },
}

impl Prepared {
    /// Its rows.
    pub(super) async fn rows(&self, client: &Client, params: &[Param]) -> Result<RowStream, Error> {
        match self {
            Self::Named(statement) => client.query_raw(statement, params.iter().map(Bound)).await,
            Self::Unnamed { text, types } => {
                let typed = params.iter().map(Bound).zip(types.iter().cloned());
                client.query_typed_raw(text, typed).await
            }
        }
    }

    /// How many rows it changes.
    pub(super) async fn changes(&self, client: &Client, params: &[Param]) -> Result<u64, Error> {
        match self {
            Self::Named(statement) => client.execute_raw(statement, params.iter().map(Bound)).await,
            Self::Unnamed { text, types } => {
                let bound: Vec<Bound<'_>> = params.iter().map(Bound).collect();
                let values = bound.iter().map(|bound| -> &(dyn ToSql + Sync) { bound });
                let typed: Vec<(&(dyn ToSql + Sync), Type)> = values.zip(types.iter().cloned()).collect();
                client.execute_typed(text, &typed).await
            }
        }
    }
}
