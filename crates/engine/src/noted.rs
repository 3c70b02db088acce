//! What tells one answer of a read from another, for those that are read again before a commit.

use std::ops::RangeInclusive;

use backstay_base::{Error, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::Answer;

/// The digest of an answer.
pub(crate) type Digest = [u8; 32];

/// What tells one answer of a read from another; `None` if it failed, which says nothing of what is stored. The moments of a
/// transaction are in what that has written, and other ones the next time.
pub(crate) fn digest(answer: &Result<Answer, Error>, moments: Option<RangeInclusive<Timestamp>>) -> Option<Digest> {
    let mut digest = Sha256::new();
    match answer {
        Ok(answer) => {
            digest.update([1]);
            let body = answer.body().map_or(&[][..], |body| body);
            match moments {
                None => digest.update(body),
                Some(moments) => update_without(&mut digest, body, &moments),
            }
        }
        Err(Error::NotFound { .. }) => digest.update([0]),
        Err(_) => return None,
    }
    Some(digest.finalize().into())
}

/// Adds a text in which a mark stands for each of these moments.
fn update_without(digest: &mut Sha256, body: &[u8], moments: &RangeInclusive<Timestamp>) {
    // Texts of moments order as these do.
    let (first, last) = (moments.start().encode(), moments.end().encode());
    let same = first.iter().zip(&last).take_while(|(one, other)| one == other).count().max(1);
    let (mut rest, mut from) = (body, 0);
    while let Some(at) = rest[from..].windows(same).position(|window| *window == first[..same]) {
        let at = from + at;
        let found = rest.get(at..at + Timestamp::ENCODED);
        if found.is_some_and(|found| (&first[..]..=&last[..]).contains(&found)) {
            digest.update(&rest[..at]);
            digest.update(b"\0");
            (rest, from) = (&rest[at + Timestamp::ENCODED..], 0);
        } else {
            from = at + 1;
        }
    }
    digest.update(rest);
}

#[cfg(test)]
mod tests {
    use backstay_testkit::moment;

    use super::*;

    #[test]
    fn moments_of_a_transaction_are_all_the_same() {
        let of = |body: &str, last: &str| {
            let mut digest = Sha256::new();
            let moments = moment("2026-01-31T12:00:00.999998Z")..=moment(last);
            update_without(&mut digest, body.as_bytes(), &moments);
            <Digest>::from(digest.finalize())
        };
        let (only, three) = ("2026-01-31T12:00:00.999998Z", "2026-01-31T12:00:01.000000Z");
        let same = |one: &str, other: &str, last: &str| of(one, last) == of(other, last);
        assert!(same("[\"2026-01-31T12:00:00.999998Z\"]", "[\"2026-01-31T12:00:00.999999Z\"]", three));
        assert!(same("a 2026-01-31T12:00:01.000000Z", "a 2026-01-31T12:00:00.999998Z", three), "in the next second");
        assert!(!same("2026-01-31T12:00:01.000001Z", "2026-01-31T12:00:00.999998Z", three), "after them");
        assert!(!same("2026-01-31T12:00:00.999997Z", "2026-01-31T12:00:00.999998Z", three), "before them");
        assert!(!same("2026-01-31T12:00:00.999999Z", "2026-01-31T12:00:00.999998Z", only));
        assert!(!same("2026-01-31T12:00:00.99999", "2026-01-31T12:00:00.999998Z", three), "cut");
        assert!(!same("x2026-01-31T12:00:00.999998Z", "2026-01-31T12:00:00.999998Zx", only));
    }
}
