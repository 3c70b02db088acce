use std::collections::BTreeMap;

use backstay_base::{Error, ViolationKind, limits, nearest};

/// What the rule language does not take for a name (CEL, "Syntax").
const WORDS: [&str; 4] = ["false", "in", "null", "true"];

/// Refuses claims that no rule could name, or that are too many or too long.
pub(crate) fn check(claims: &BTreeMap<String, String>) -> Result<(), Error> {
    if claims.len() > limits::CLAIMS {
        return Err(refused(format!("at most {} claims", limits::CLAIMS)));
    }
    claims.iter().try_for_each(|(name, value)| check_one(name, value))
}

/// The same of one claim.
fn check_one(name: &str, value: &str) -> Result<(), Error> {
    if !is_name(name) {
        let most = limits::MODEL_NAME_CHARS;
        return Err(refused(format!(
            "a name that rules can write: letters, digits and _, not first a digit, at most {most}"
        )));
    }
    if value.chars().count() > limits::CLAIM_CHARS {
        return Err(refused(format!("at most {} characters", limits::CLAIM_CHARS)));
    }
    if value.contains('\0') {
        return Err(refused("a text without the character of code 0".to_owned()));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    first && rest && name.len() <= limits::MODEL_NAME_CHARS && !WORDS.contains(&name)
}

fn refused(why: String) -> Error {
    Error::invalid("claim", ViolationKind::Range(why))
}

/// There is no such claim to take away.
pub(crate) fn unknown(name: &str, claims: &BTreeMap<String, String>) -> Error {
    let suggestion = nearest(name, claims.keys().map(String::as_str)).map(str::to_owned);
    let name = name.chars().take(40).collect();
    Error::invalid("claim", ViolationKind::Unknown { what: "claim", name, suggestion })
}
