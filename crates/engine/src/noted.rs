//! What tells one answer of a read from another, for those that are read again before a commit.

use backstay_base::{Error, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::Answer;

/// The digest of an answer.
pub(crate) type Digest = [u8; 32];

/// What tells one answer of a read from another; `None` if it failed, which says nothing of what is stored. The moment of a
/// transaction is in what that has written, and another one the next time.
pub(crate) fn digest(answer: &Result<Answer, Error>, moment: Option<Timestamp>) -> Option<Digest> {
    let mut digest = Sha256::new();
    match answer {
        Ok(answer) => {
            digest.update([1]);
            let body = answer.body().map_or(&[][..], |body| body);
            match moment {
                None => digest.update(body),
                Some(moment) => {
                    let text = moment.to_string();
                    without(body, text.as_bytes()).for_each(|part| digest.update(part));
                }
            }
        }
        Err(Error::NotFound { .. }) => digest.update([0]),
        Err(_) => return None,
    }
    Some(digest.finalize().into())
}

/// The parts of a text between these words, each but the first after a mark.
fn without<'b>(mut body: &'b [u8], words: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let Some(at) = body.windows(words.len()).position(|window| window == words) else {
            ended = true;
            return Some(body);
        };
        let part = &body[..at];
        body = &body[at + words.len()..];
        Some(part)
    })
    .flat_map(|part| [part, &b"\0"[..]])
}
