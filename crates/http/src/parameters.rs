use backstay_base::{Error, Place, Violation, ViolationKind};
use backstay_rest::{meant_parameter, of_url, shorten, unknown};

use crate::endpoint::Parameters;

/// The value of the one query parameter that an endpoint takes. All others are refused, unless they are ignored or
/// left to the reader of requests for records.
pub(crate) fn single(query: Option<&str>, taken: Parameters) -> Result<Option<String>, Error> {
    match taken {
        Parameters::Ignored
        | Parameters::OfList
        | Parameters::OfExport
        | Parameters::OfChanges
        | Parameters::OfGroups
        | Parameters::OfMatching
        | Parameters::OfRecord
        | Parameters::Shown
        | Parameters::OfAction
        | Parameters::OfKey
        | Parameters::Key
        | Parameters::OnConflict
        | Parameters::OfHistory
        | Parameters::OfTraces => Ok(None),
        Parameters::None => only(query, &[]),
        Parameters::Mode => only(query, &["mode"]),
        Parameters::TerminalToken => only(query, &["token"]),
    }
}

fn only(text: Option<&str>, known: &[&str]) -> Result<Option<String>, Error> {
    let (mut value, mut violations) = (None, Vec::new());
    for (name, text) in of_url(text)? {
        if known.contains(&&*name) {
            value = Some(text.into_owned());
        } else {
            let kind = match meant_parameter(known, &name) {
                None if known.is_empty() => ViolationKind::Misused {
                    problem: format!("unknown parameter `{}`", shorten(&name)),
                    remedy: "this request takes no parameters; `:query` takes them in its body".to_owned(),
                },
                meant => unknown("parameter", &name, meant),
            };
            violations.push(Violation::new(Place::part(shorten(&name)), kind));
        }
    }
    if violations.is_empty() { Ok(value) } else { Err(Error::Malformed(violations)) }
}
