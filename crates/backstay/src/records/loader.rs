use std::ops::{ControlFlow, Range};

use backstay_base::Error;

use super::is_about_a_record;

/// Rows of a file that are written in their order, several in one commit.
pub(crate) trait Load: Send {
    /// Why the load ends.
    type Failure;

    /// Writes these rows in one commit, together with how far the load is afterwards.
    fn write(&mut self, rows: Range<usize>) -> impl Future<Output = Result<(), Error>> + Send;

    /// One row is refused. Says whether the load goes on with the next one.
    fn refuse(&mut self, row: usize, error: Error) -> Result<ControlFlow<()>, Self::Failure>;

    /// Why the load ends if no row is at fault.
    fn failure(&self, error: Error) -> Self::Failure;
}

/// Writes rows in as few commits as their errors allow. The first commit has all of them. If it is refused, the row at
/// fault is found by halves; from there on, commits grow again, so that rows that are all refused cost one attempt each.
pub(crate) async fn load<L: Load>(load: &mut L, rows: usize) -> Result<(), L::Failure> {
    let mut step = Step { at: 0, rows, size: rows, most: rows, fault_before: 0 };
    while step.at < rows {
        let range = step.range();
        match load.write(range.clone()).await {
            Ok(()) => step.written(range.end),
            Err(error) if error.fits_in_parts() && range.len() > 1 => step.too_large(range.len()),
            Err(error) if is_about_a_record(&error) && range.len() > 1 => step.fault_before = range.end,
            Err(error) if is_about_a_record(&error) || error.fits_in_parts() => {
                step.refused();
                if load.refuse(range.start, error)?.is_break() {
                    return Ok(());
                }
            }
            Err(error) => return Err(load.failure(error)),
        }
    }
    Ok(())
}

/// Which rows are next.
struct Step {
    at: usize,
    rows: usize,
    /// How many rows the next commit has if nothing is known of them.
    size: usize,
    /// The most that fit in one.
    most: usize,
    /// A row before this one is at fault, if this is after `at`.
    fault_before: usize,
}

impl Step {
    fn range(&self) -> Range<usize> {
        let count = match self.fault_before.checked_sub(self.at) {
            Some(known @ 1..) => (known / 2).max(1),
            Some(0) | None => self.size,
        };
        self.at..self.rows.min(self.at + count.min(self.most))
    }

    fn written(&mut self, end: usize) {
        self.at = end;
        self.size = self.size.saturating_mul(2).min(self.most);
    }

    fn too_large(&mut self, rows: usize) {
        self.most = rows / 2;
        self.size = self.most;
    }

    fn refused(&mut self) {
        self.at += 1;
        self.size = 1;
        self.fault_before = self.at;
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::{Conflict, Limit, Place, ViolationKind};

    use super::*;

    /// Rows that are refused (`x`), or too many for one commit.
    struct Rows {
        text: &'static str,
        most: usize,
        /// What was tried, with what came of it.
        tried: Vec<String>,
        stops: bool,
    }

    impl Load for Rows {
        type Failure = Error;

        async fn write(&mut self, rows: Range<usize>) -> Result<(), Error> {
            let part = &self.text[rows.clone()];
            let outcome = match (part.contains('!'), rows.len() > self.most, part.contains('x')) {
                (true, _, _) => Err(Conflict::Concurrent.into()),
                (false, true, _) => Err(Limit::WriteCost.into()),
                (false, false, true) => Err(Error::invalid(Place::Whole, ViolationKind::Required)),
                (false, false, false) => Ok(()),
            };
            self.tried.push(format!("{part}{}", if outcome.is_ok() { "+" } else { "-" }));
            outcome
        }

        fn refuse(&mut self, _: usize, _: Error) -> Result<ControlFlow<()>, Error> {
            Ok(if self.stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        }

        fn failure(&self, error: Error) -> Error {
            error
        }
    }

    fn check(text: &'static str, (most, stops): (usize, bool), expected: &str) {
        let mut rows = Rows { text, most, tried: Vec::new(), stops };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let failed = runtime.block_on(load(&mut rows, text.len())).is_err();
        assert_eq!(format!("{}{}", rows.tried.join(" "), if failed { " failed" } else { "" }), expected, "{text}");
    }

    #[test]
    fn a_row_at_fault_is_found_by_halves() {
        check("abcdefgh", (9, false), "abcdefgh+");
        check("", (9, false), "");
        check("abcdexgh", (9, false), "abcdexgh- abcd+ ex- e+ x- g+ h+");
        check("xbcd", (9, false), "xbcd- xb- x- b+ cd+");
        check("abcdexgh", (9, true), "abcdexgh- abcd+ ex- e+ x-");
    }

    #[test]
    fn rows_that_are_all_refused_cost_one_attempt_each() {
        check("xxxxxxxx", (9, false), "xxxxxxxx- xxxx- xx- x- x- x- x- x- x- x- x-");
    }

    #[test]
    fn commits_are_as_large_as_they_may_be() {
        check("abcdefgh", (3, false), "abcdefgh- abcd- ab+ cd+ ef+ gh+");
        check("ab", (0, false), "ab- a- b-");
    }

    #[test]
    fn what_is_nobodys_fault_ends_the_load() {
        check("abc!", (9, false), "abc!- failed");
    }
}
