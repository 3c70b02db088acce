//! Takes the rows of an answer as they arrive.

use std::pin::pin;

use backstay_sql::Statement;
use futures_util::TryStreamExt as _;
use tokio_postgres::RowStream;

use super::error::Refusal;
use super::row::PostgresRow;
use crate::session::Visit;
use crate::{ReadStats, StoreError};

/// Passes the rows of an answer to `visit`, whose error is the inner one; notes how many bytes the largest of them has.
pub(super) async fn collect(
    answer: Result<RowStream, tokio_postgres::Error>,
    (statement, visit): (&Statement, &mut Visit<'_>),
    largest: &mut usize,
) -> Result<Result<ReadStats, StoreError>, Refusal> {
    let mut stream = pin!(answer.map_err(|error| Refusal::of(&error))?);
    let mut stats = ReadStats::default();
    while let Some(row) = stream.try_next().await.map_err(|error| Refusal::of(&error))? {
        *largest = (*largest).max(row.raw_size_bytes());
        if let Err(error) = visit(&PostgresRow { row: &row, columns: statement.columns() }) {
            return Ok(Err(error));
        }
        stats.rows += 1;
    }
    Ok(Ok(stats))
}
