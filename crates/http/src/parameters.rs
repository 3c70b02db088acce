use backstay_base::{Error, Place, Violation};
use backstay_rest::{nearest, of_url, shorten, unknown};

use crate::endpoint::Parameters;

/// The value of the one query parameter that an endpoint takes. All others are refused, unless they are ignored or
/// left to the reader of a list.
pub(crate) fn single(query: Option<&str>, taken: Parameters) -> Result<Option<String>, Error> {
    match taken {
        Parameters::Ignored | Parameters::OfList => Ok(None),
        Parameters::None => only(query, &[]),
        Parameters::Select => only(query, &["select"]),
        Parameters::SetupToken => only(query, &["token"]),
    }
}

fn only(text: Option<&str>, known: &[&str]) -> Result<Option<String>, Error> {
    let (mut value, mut violations) = (None, Vec::new());
    for (name, text) in of_url(text)? {
        if known.contains(&&*name) {
            value = Some(text.into_owned());
        } else {
            let kind = unknown("parameter", &name, nearest(known, &name));
            violations.push(Violation::new(Place::part(shorten(&name)), kind));
        }
    }
    if violations.is_empty() { Ok(value) } else { Err(Error::Malformed(violations)) }
}
