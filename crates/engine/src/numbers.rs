//! Numbers of series that may have gaps. A transaction that runs again for its hooks, or because it is a block of an action, gives its
//! records the same ones.
//!
//! On a server they are drawn apart and are the transaction's for good. On SQLite they are undone with each run, so that another
//! transaction may take them before the next one. It then draws other ones, which are committed before it runs again.

use std::sync::Arc;

use backstay_base::{Error, limits};
use backstay_store::{Demand, Origin, Series, StoreError, Tx, Work, Writes};
use futures_util::future::BoxFuture;

use crate::inner::Inner;
use crate::made::{Number, Numbers};
use crate::{Context, TxContext};

impl TxContext<'_, '_> {
    /// The next number of a series that may have gaps.
    pub(crate) async fn next_number(&mut self, series: &Series) -> Result<i64, Error> {
        let Some(numbers) = self.numbers.clone() else { return self.draw(series).await };
        let known = numbers.known(series);
        if let Some(Number { value, is_own: true }) = known {
            numbers.take(series, Number { value, is_own: true });
            return Ok(value);
        }
        let drawn = self.draw(series).await?;
        let value = known.map_or(drawn, |known| known.value.max(drawn));
        if value > drawn {
            self.tx.raise_number(series, value, false).await.map_err(|error| self.refused(error))?;
        }
        numbers.take(series, Number { value, is_own: !self.tx.holds_counter(series) });
        Ok(value)
    }

    async fn draw(&mut self, series: &Series) -> Result<i64, Error> {
        self.tx.next_number(series, false).await.map_err(|error| self.refused(error))
    }
}

/// Commits the numbers of a transaction that has lost some of them to others. Returns whether they remain as they are.
pub(crate) async fn keep_lost(inner: &Inner, cx: &Context, numbers: &Numbers) -> Result<bool, Error> {
    let mut all_same = true;
    for (series, values) in numbers.lost() {
        let drawn = draw(inner, cx, &series, values.clone()).await?;
        all_same &= drawn == values;
        numbers.own(&series, &drawn);
    }
    Ok(all_same)
}

/// Commits as many numbers of a series as there are values, each the same one if it is still free.
pub(crate) async fn draw(inner: &Inner, cx: &Context, series: &Series, values: Vec<i64>) -> Result<Vec<i64>, Error> {
    let drawing = Drawing { series: series.clone(), values, demand: cx.demand(), origin: origin(cx) };
    inner.store.write(Arc::new(drawing)).await.map_err(|error| inner.unwritten(error))
}

fn origin(cx: &Context) -> Origin {
    let (kind, id) = (cx.caller().kind, cx.caller().actor());
    Origin { kind, id, request: Some(cx.request), transaction: "numbers".to_owned().into() }
}

/// Draws as many numbers as there are, each the same one if it is still free, and makes the series go on after them.
struct Drawing {
    series: Series,
    values: Vec<i64>,
    demand: Demand,
    origin: Origin,
}

impl Work for Drawing {
    type Output = Vec<i64>;
    type Error = StoreError;

    fn writes(&self) -> Writes {
        Writes::Many
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    fn demand(&self) -> Demand {
        self.demand
    }

    fn kilo_steps(&self) -> u32 {
        limits::TRANSACTION_KILO_STEPS
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Vec<i64>, StoreError>> {
        Box::pin(async move {
            let mut next = tx.next_number(&self.series, false).await?;
            let mut drawn = Vec::with_capacity(self.values.len());
            for value in &self.values {
                let value = next.max(*value);
                drawn.push(value);
                next = value + 1;
            }
            tx.raise_number(&self.series, next - 1, false).await?;
            Ok(drawn)
        })
    }
}
