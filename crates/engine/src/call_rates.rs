//! How often actions with `@limit` are called.

use std::sync::Arc;

use backstay_base::{Bucket, Error, Flow, RecordId, Source, Timestamp, limits};
use backstay_model::{CallRate, RatePer};
use quick_cache::sync::Cache;

/// Counts the calls that this process answers: those that are counted together share a bucket. The number of buckets is bounded: the
/// least used are evicted first.
#[derive(Debug)]
pub(crate) struct CallRates(Cache<Counted, Arc<Bucket>>);

/// Whose calls of an action, by its place in the model, are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Counted {
    action: usize,
    by: By,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum By {
    Caller(RecordId),
    Source(Source),
}

impl Default for CallRates {
    fn default() -> Self {
        Self(Cache::new(limits::CALL_RATES))
    }
}

impl CallRates {
    /// Counts a call of the action at this place, on the account of a flow. Fails with the seconds to wait if there were too many.
    pub(crate) fn count(
        &self,
        (action, rate): (usize, &CallRate),
        Flow { source, caller }: Flow,
        now: Timestamp,
    ) -> Result<(), Error> {
        if source == Source::System {
            return Ok(());
        }
        let by = match (rate.per, caller) {
            (RatePer::Caller, Some(caller)) => By::Caller(caller),
            (RatePer::Caller, None) | (RatePer::Address, _) => By::Source(source),
        };
        self.take(&Counted { action, by }, rate, now)
    }

    fn take(&self, counted: &Counted, rate: &CallRate, now: Timestamp) -> Result<(), Error> {
        Ok(self.bucket(counted).take(rate.calls, i64::from(rate.seconds) * 1_000_000, now)?)
    }

    fn bucket(&self, counted: &Counted) -> Arc<Bucket> {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::default());
        match self.0.get_or_insert_with(counted, fresh) {
            Ok(bucket) => bucket,
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::Limit;

    use super::*;

    /// The seconds after which a call that comes now is told to come again; none if it may.
    fn wait(rates: &CallRates, by: By, second: i64) -> Option<u64> {
        let rate = CallRate { calls: 2, seconds: 60, per: RatePer::Caller };
        match rates.take(&Counted { action: 0, by }, &rate, Timestamp::from_micros_saturating(second * 1_000_000)) {
            Ok(()) => None,
            Err(Error::Limit(Limit::Rate { retry_after_seconds })) => Some(retry_after_seconds),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn so_many_calls_may_come_at_once_and_as_many_within_the_time() {
        let rates = CallRates::default();
        let (ada, ben) = (RecordId::from_bytes([1; 16]), RecordId::from_bytes([2; 16]));
        let check = |by: RecordId, second, expected| {
            assert_eq!(wait(&rates, By::Caller(by), second), expected, "{second}");
        };
        check(ada, 0, None);
        check(ada, 0, None);
        check(ada, 10, Some(20));
        check(ben, 10, None);
        check(ada, 29, Some(1));
        check(ada, 30, None);
        check(ada, 31, Some(29));
        check(ada, 1000, None);
        check(ada, 1000, None);
        check(ada, 1000, Some(30));
    }
}
