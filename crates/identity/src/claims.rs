use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind, limits, nearest};
use backstay_scalar::Value;

use crate::error::Damaged;

/// Claims by name.
pub(crate) type Claims = Arc<BTreeMap<String, String>>;

/// The words that CEL reserves, so that a rule cannot use them as names (CEL specification, "Syntax").
const RESERVED: [&str; 4] = ["false", "in", "null", "true"];

/// Reads a stored object of texts; `field` names it if it is damaged.
pub(crate) fn read(value: &Value, field: &'static str) -> Result<Claims, Error> {
    match value {
        Value::Null => Ok(Claims::default()),
        Value::Json(text) => serde_json::from_str(text).map(Arc::new).map_err(Error::internal),
        _ => Err(Damaged(field).into()),
    }
}

/// Claims as they are stored: null if there are none.
pub(crate) fn value(claims: &BTreeMap<String, String>) -> Result<Value, Error> {
    if claims.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::to_string(claims).map(|text| Value::Json(text.into())).map_err(Error::internal)
}

/// Refuses claims that no rule can name, or that exceed the limits.
pub(crate) fn check(claims: &BTreeMap<String, String>) -> Result<(), Error> {
    if claims.len() > limits::CLAIMS {
        return Err(refused(format!("at most {} claims", limits::CLAIMS)));
    }
    claims.iter().try_for_each(|(name, value)| check_one(name, value))
}

fn check_one(name: &str, value: &str) -> Result<(), Error> {
    if !is_name(name) {
        let most = limits::MODEL_NAME_CHARS;
        return Err(refused(format!(
            "invalid name: use up to {most} letters, digits and underscores, starting with a letter or an underscore, and \
             not `true`, `false`, `null` or `in`"
        )));
    }
    if value.chars().count() > limits::CLAIM_CHARS {
        return Err(refused(format!("at most {} characters", limits::CLAIM_CHARS)));
    }
    if value.contains('\0') {
        return Err(refused("a text without NUL characters".to_owned()));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    first && rest && name.len() <= limits::MODEL_NAME_CHARS && !RESERVED.contains(&name)
}

fn refused(why: String) -> Error {
    Error::invalid(Place::part("claim"), ViolationKind::Range(why))
}

/// These claims have no claim of this name.
pub(crate) fn unknown(name: &str, claims: &BTreeMap<String, String>) -> Error {
    let suggestion = nearest(name, claims.keys().map(String::as_str)).map(str::to_owned);
    let name = name.chars().take(40).collect();
    Error::invalid(Place::part("claim"), ViolationKind::Unknown { what: "claim", name, suggestion })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_stored_as_an_object_and_damage_is_an_error() {
        let claims = BTreeMap::from([("region".to_owned(), "eu".to_owned()), ("floor".to_owned(), "2".to_owned())]);
        let stored = value(&claims).expect("they are texts");
        assert_eq!(stored, Value::Json(r#"{"floor":"2","region":"eu"}"#.into()));
        assert_eq!(read(&stored, "f").ok(), Some(Arc::new(claims)));
        assert_eq!(value(&BTreeMap::new()).ok(), Some(Value::Null));
        assert_eq!(read(&Value::Null, "f").ok(), Some(Claims::default()));
        for damaged in [Value::Int(1), Value::Json("[]".into()), Value::Json(r#"{"a":1}"#.into())] {
            assert!(matches!(read(&damaged, "f"), Err(Error::Internal(_))), "{damaged:?}");
        }
    }
}
