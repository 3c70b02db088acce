use std::ops::{ControlFlow, Range};

use backstay_base::Error;

use super::is_about_a_record;

/// Rows of a file that are written in their order, several in one commit.
pub(crate) trait Load: Send {
    /// Why the load ends.
    type Failure;

    /// Writes these rows in one commit, together with how far the load is afterwards.
    fn write(&mut self, rows: Range<usize>) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes those of these rows that aren't refused in one commit, and refuses the others, if the load can find out which they are
    /// before it writes them. Fails if it can't.
    fn sift(&mut self, rows: Range<usize>) -> impl Future<Output = Result<Sifted, Error>> + Send;

    /// Whether it is to be expected that rows are refused, so that it sifts at once.
    fn sifts_first(&self) -> bool;

    /// One row is refused. Says whether the load goes on with the next one.
    fn refuse(&mut self, row: usize, error: Error) -> Result<ControlFlow<()>, Self::Failure>;

    /// Why the load ends if no row is at fault.
    fn failure(&self, error: Error) -> Self::Failure;
}

/// What came of rows that were sifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sifted {
    /// The load doesn't sift: it ends with the first row that is refused.
    Never,
    /// Each of them was written or refused.
    All,
    /// The load ends, after some of them.
    Ended,
}

/// Writes rows in as few commits as their errors allow. The first commit has all of them. If it is refused, the rows are sifted. If
/// that can't be done, the row at fault is found by halves; from there on, commits grow again, so that rows that are all refused cost
/// one attempt each.
pub(crate) async fn load<L: Load>(load: &mut L, rows: usize) -> Result<(), L::Failure> {
    let mut step = Step { at: 0, rows, size: rows, most: rows, fault_before: 0 };
    let mut way = if load.sifts_first() { Way::Sift } else { Way::Whole };
    while step.at < rows {
        let range = step.range();
        if way == Way::Sift && range.len() > 1 {
            match load.sift(range.clone()).await {
                Ok(Sifted::All) => step.written(range.end),
                Ok(Sifted::Ended) => return Ok(()),
                Err(error) if error.fits_in_parts() => step.too_large(range.len()),
                Ok(Sifted::Never) => (way, step.fault_before) = (Way::Halves, range.end),
                Err(error) if is_about_a_record(&error) => (way, step.fault_before) = (Way::Halves, range.end),
                Err(error) => return Err(load.failure(error)),
            }
            continue;
        }
        match load.write(range.clone()).await {
            Ok(()) => step.written(range.end),
            Err(error) if way == Way::Whole && is_about_a_record(&error) && range.len() > 1 => way = Way::Sift,
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

/// What is done with rows of which one may be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// They are written together, as if none were.
    Whole,
    /// They are sifted.
    Sift,
    /// The one at fault is found by halves.
    Halves,
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

    /// Rows that are refused (`x`), or only when they are written (`X`), or too many for one commit.
    struct Rows {
        text: &'static str,
        most: usize,
        sifts: Sifts,
        /// What was tried, with what came of it; with `~` before it if it was sifted.
        tried: Vec<String>,
        stops: bool,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Sifts {
        Never,
        AfterRefusal,
        AtOnce,
    }

    impl Rows {
        fn outcome(&self, part: &str, refused: &[char]) -> Result<(), Error> {
            match (part.contains('!'), part.len() > self.most, part.contains(refused)) {
                (true, _, _) => Err(Conflict::Concurrent.into()),
                (false, true, _) => Err(Limit::WriteCost.into()),
                (false, false, true) => Err(Error::invalid(Place::Whole, ViolationKind::Required)),
                (false, false, false) => Ok(()),
            }
        }
    }

    impl Load for Rows {
        type Failure = Error;

        async fn write(&mut self, rows: Range<usize>) -> Result<(), Error> {
            let part = &self.text[rows.clone()];
            let outcome = self.outcome(part, &['x', 'X']);
            self.tried.push(format!("{part}{}", if outcome.is_ok() { "+" } else { "-" }));
            outcome
        }

        async fn sift(&mut self, rows: Range<usize>) -> Result<Sifted, Error> {
            if self.sifts == Sifts::Never {
                return Ok(Sifted::Never);
            }
            let part = &self.text[rows.clone()];
            let outcome = self.outcome(part, &['X']);
            self.tried.push(format!("~{part}{}", if outcome.is_ok() { "+" } else { "-" }));
            outcome.map(|()| if self.stops { Sifted::Ended } else { Sifted::All })
        }

        fn sifts_first(&self) -> bool {
            self.sifts == Sifts::AtOnce
        }

        fn refuse(&mut self, _: usize, _: Error) -> Result<ControlFlow<()>, Error> {
            Ok(if self.stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        }

        fn failure(&self, error: Error) -> Error {
            error
        }
    }

    fn check(text: &'static str, (most, stops): (usize, bool), expected: &str) {
        check_sifting(text, (most, stops, Sifts::Never), expected);
    }

    fn check_sifting(text: &'static str, (most, stops, sifts): (usize, bool, Sifts), expected: &str) {
        let mut rows = Rows { text, most, sifts, tried: Vec::new(), stops };
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
    fn rows_are_sifted_once_one_of_them_is_refused() {
        check_sifting("abcd", (9, false, Sifts::AfterRefusal), "abcd+");
        check_sifting("axcxe", (9, false, Sifts::AfterRefusal), "axcxe- ~axcxe+");
        check_sifting("axcxe", (9, true, Sifts::AfterRefusal), "axcxe- ~axcxe+");
        check_sifting("axcxe", (9, false, Sifts::AtOnce), "~axcxe+");
        check_sifting("axcxef", (3, false, Sifts::AtOnce), "~axcxef- ~axc+ ~xef+");
        check_sifting("x", (9, false, Sifts::AtOnce), "x-");
        // What is only found by writing is found by halves.
        check_sifting("axcXe", (9, false, Sifts::AfterRefusal), "axcXe- ~axcXe- ax- a+ x- c+ Xe- X- e+");
        check_sifting("ab!", (9, false, Sifts::AtOnce), "~ab!- failed");
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
