use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use super::readme::{Answer, Kind};

const ANY: &str = "…";

/// The document with `…` for everything that differs between runs.
const MASK: &str = r#"
  def volatile: IN("createdAt", "updatedAt", "expiresAt", "token", "key", "next", "requestId");
  def mask:
    if type == "object" then with_entries(if (.key | volatile) and (.value | type) == "string" then .value = "…" else .value |= mask end)
    elif type == "array" then map(mask)
    elif type != "string" then .
    elif test("^(urn:uuid:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$") then "…"
    elif test("^[0-9T:-]{19}[.][0-9]{6}Z$") and (endswith(".000000Z") | not) then "…"
    else . end;
  mask"#;

/// Headers that a tour shows.
const HEADERS: &[&str] = &["content-type", "etag", "location", "set-cookie", "retry-after", "idempotency-replayed"];

/// Compares the output of a step with its README. Returns the first difference.
pub(crate) fn check(answer: &Answer, output: &str) -> Result<(), String> {
    match answer.kind {
        Kind::Text => lines(&answer.text, output),
        Kind::Json => body(&answer.text, output),
        Kind::Http => {
            let ((expected_head, expected_body), (head, found_body)) = (parts(&answer.text), parts(output));
            headers(&expected_head, &head)?;
            if expected_body.is_empty() { lines("", &found_body) } else { body(&expected_body, &found_body) }
        }
    }
}

/// The output of a step with `…` for everything that differs between runs.
pub(crate) fn masked(kind: Kind, output: &str) -> String {
    match kind {
        Kind::Text => output.trim_end().to_owned(),
        Kind::Json => masked_body(output),
        Kind::Http => {
            let (head, found_body) = parts(output);
            let mut lines = head.lines();
            let mut text = lines.next().unwrap_or_default().to_owned();
            for line in lines {
                let Some((name, value)) = line.split_once(": ") else { continue };
                if HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                    text.extend(["\n", name, ": ", &masked_header(name, value)]);
                }
            }
            if found_body.is_empty() { text } else { format!("{text}\n\n{}", masked_body(&found_body)) }
        }
    }
}

/// Head and body, with line feeds as line endings.
fn parts(text: &str) -> (String, String) {
    let plain = text.replace("\r\n", "\n");
    let (head, found_body) = plain.split_once("\n\n").unwrap_or((&plain, ""));
    (head.trim_end().to_owned(), found_body.trim().to_owned())
}

fn lines(expected: &str, found: &str) -> Result<(), String> {
    let (expected, found) = (expected.trim_end(), found.trim_end());
    for (wanted, line) in expected.lines().zip(found.lines()) {
        if !fits(wanted, line) {
            return Err(format!("{wanted:?} is not {line:?}"));
        }
    }
    if expected.lines().count() == found.lines().count() { Ok(()) } else { Err("another number of lines".to_owned()) }
}

fn headers(expected: &str, found: &str) -> Result<(), String> {
    let (expected_status, expected_headers) = expected.split_once('\n').unwrap_or((expected, ""));
    let (status, found_headers) = found.split_once('\n').unwrap_or((found, ""));
    if !fits(expected_status, status.trim_end()) {
        return Err(format!("{expected_status:?} is not {status:?}"));
    }
    for wanted in expected_headers.lines() {
        if !found_headers.lines().any(|line| fits(&wanted.to_ascii_lowercase(), &line.to_ascii_lowercase())) {
            return Err(format!("no header {wanted:?}"));
        }
    }
    Ok(())
}

fn body(expected: &str, found: &str) -> Result<(), String> {
    let expected: Value = serde_json::from_str(expected).map_err(|error| format!("the expected JSON: {error}"))?;
    let found: Value = serde_json::from_str(found).map_err(|error| format!("not JSON: {error}"))?;
    value(&expected, &found, "$")
}

fn value(expected: &Value, found: &Value, place: &str) -> Result<(), String> {
    match (expected, found) {
        (Value::String(pattern), _) if pattern == ANY => Ok(()),
        (Value::String(pattern), Value::String(text)) if fits(pattern, text) => Ok(()),
        (Value::Object(expected), Value::Object(found)) => object(expected, found, place),
        (Value::Array(expected), Value::Array(found)) => array(expected, found, place),
        _ if expected == found => Ok(()),
        _ => Err(format!("{place} is {found}, not {expected}")),
    }
}

fn object(expected: &Map<String, Value>, found: &Map<String, Value>, place: &str) -> Result<(), String> {
    for (name, wanted) in expected.iter().filter(|(name, _)| *name != ANY) {
        let got = found.get(name).ok_or_else(|| format!("{place}.{name} is missing"))?;
        value(wanted, got, &format!("{place}.{name}"))?;
    }
    match found.keys().find(|name| !expected.contains_key(*name)) {
        Some(name) if !expected.contains_key(ANY) => Err(format!("{place}.{name} is not expected")),
        _ => Ok(()),
    }
}

fn array(expected: &[Value], found: &[Value], place: &str) -> Result<(), String> {
    let (expected, open) = match expected.split_last() {
        Some((last, before)) if last == ANY => (before, true),
        _ => (expected, false),
    };
    if found.len() < expected.len() || (!open && found.len() > expected.len()) {
        return Err(format!("{place} has {} elements, not {}", found.len(), expected.len()));
    }
    let pairs = expected.iter().zip(found).enumerate();
    pairs.into_iter().try_for_each(|(index, (wanted, got))| value(wanted, got, &format!("{place}[{index}]")))
}

/// Whether a text matches a pattern in which `…` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split(ANY);
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn masked_header(name: &str, value: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "etag" => {
            value.split_once('.').map_or_else(|| format!("\"{ANY}\""), |(version, _)| format!("{version}.{ANY}\""))
        }
        "set-cookie" => {
            let (cookie, attributes) = value.split_once(';').unwrap_or((value, ""));
            let name = cookie.split('=').next().unwrap_or_default();
            format!("{name}={ANY};{attributes}")
        }
        "location" => value.rsplit_once('/').map_or_else(|| ANY.to_owned(), |(path, _)| format!("{path}/{ANY}")),
        _ => value.to_owned(),
    }
}

fn masked_body(text: &str) -> String {
    let jq = Command::new("jq").arg(MASK).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut jq = jq.expect("jq is installed");
    jq.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("jq reads");
    let output = jq.wait_with_output().expect("jq ends");
    let masked = if output.status.success() { String::from_utf8_lossy(&output.stdout) } else { text.into() };
    masked.trim().to_owned()
}

#[test]
fn patterns() {
    let yes = |pattern, text| assert!(fits(pattern, text), "{pattern} ~ {text}");
    let no = |pattern, text| assert!(!fits(pattern, text), "{pattern} !~ {text}");
    yes("a", "a");
    yes("…", "");
    yes("\"1.…\"", "\"1.abc\"");
    yes("a…b…c", "a-b-b-c");
    no("a", "ab");
    no("a…b", "a-b-c");
    no("a…b…c", "a-c");
}

#[test]
fn documents() {
    let yes = |expected, found| assert_eq!(body(expected, found), Ok(()));
    let no = |expected, found, fault: &str| assert_eq!(body(expected, found), Err(fault.to_owned()));
    yes(r#"{"id": "…", "n": 1}"#, r#"{"n":1,"id":"x"}"#);
    yes(r#"["a", "…"]"#, r#"["a","b","c"]"#);
    yes(r#"{"a": 1, "…": "…"}"#, r#"{"a":1,"b":2}"#);
    no(r#"{"a": 1}"#, r#"{"a":1,"b":2}"#, "$.b is not expected");
    no(r#"{"a": 1, "b": 2}"#, r#"{"a":1}"#, "$.b is missing");
    no(r#"[{"a": "x…"}]"#, r#"[{"a":"y"}]"#, r#"$[0].a is "y", not "x…""#);
    no("[1]", "[1,2]", "$ has 2 elements, not 1");
}
