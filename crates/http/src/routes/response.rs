//! A response as functions return it.

use backstay_base::Error;
use base64::prelude::BASE64_STANDARD;
use base64::{DecodeError, Engine as _};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::answer::{Answer, Audience, JSON};
use crate::credentials::{PLAIN_COOKIE, SECURE_COOKIE};

#[derive(Deserialize)]
struct Returned {
    #[serde(rename = "$response")]
    response: Sent,
}

#[derive(Deserialize)]
struct Sent {
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// A body that isn't a text, in Base64.
    octets: Option<String>,
}

/// A function has returned what can't be sent.
#[derive(Debug, thiserror::Error)]
enum NoResponse {
    #[error("`{route}` has returned no response that can be read")]
    Form {
        route: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{route}` has returned a response with octets that aren't Base64")]
    Octets {
        route: String,
        #[source]
        source: DecodeError,
    },
    #[error("`{route}` has returned a response with the status {status}; a status is 200 to 599")]
    Status { route: String, status: u16 },
    #[error("`{route}` has returned a response with a body, which the status {status} has none of")]
    Body { route: String, status: u16 },
    #[error(
        "`{route}` has returned a response with the header `{name}`, which isn't one, or which Backstay writes itself"
    )]
    Header { route: String, name: String },
}

/// What the function of a route has returned: a response, or a value, which is sent as JSON; nothing has no content.
pub(super) fn read(route: &str, text: &str, audience: Audience) -> Result<Answer, Error> {
    if text == "null" {
        return Ok(Answer::empty(StatusCode::NO_CONTENT, audience));
    }
    if !text.starts_with("{\"$response\":") {
        return Ok(Answer::ready(StatusCode::OK, audience, Bytes::copy_from_slice(text.as_bytes())));
    }
    let route = || route.to_owned();
    let Returned { response: Sent { status: number, headers, body, octets } } =
        serde_json::from_str(text).map_err(|source| Error::internal(NoResponse::Form { route: route(), source }))?;
    let status = StatusCode::from_u16(number).ok().filter(|_| (200..600).contains(&number));
    let status = status.ok_or_else(|| Error::internal(NoResponse::Status { route: route(), status: number }))?;
    let octets = octets.map(|octets| BASE64_STANDARD.decode(octets)).transpose();
    let octets = octets.map_err(|source| Error::internal(NoResponse::Octets { route: route(), source }))?;
    let body = octets.map_or_else(|| Bytes::from(body.unwrap_or_default()), Bytes::from);
    let has_none = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    if has_none && !body.is_empty() {
        return Err(Error::internal(NoResponse::Body { route: route(), status: number }));
    }
    let mut answer = Answer { status, content_type: JSON, body, rest: None, audience, tag: None, headers: Vec::new() };
    for (name, value) in headers {
        let (name, value) = header(&name, &value)
            .ok_or_else(|| Error::internal(NoResponse::Header { route: route(), name: name.clone() }))?;
        match name {
            header::CONTENT_TYPE => answer.content_type = value,
            name => answer.header(name, value),
        }
    }
    Ok(answer)
}

/// A header that a function may set.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).ok()?;
    let value = HeaderValue::try_from(value).ok()?;
    let is_session = name == header::SET_COOKIE && is_session(&value);
    (!is_own(&name) && !is_session).then_some((name, value))
}

/// Whether the server writes it: it is about the connection, the coding or the version of an answer, or about rights of pages.
fn is_own(name: &HeaderName) -> bool {
    const OWN: [HeaderName; 18] = [
        header::ALLOW,
        header::CONNECTION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::DATE,
        header::ETAG,
        header::HOST,
        header::LAST_MODIFIED,
        header::STRICT_TRANSPORT_SECURITY,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::VARY,
        header::X_CONTENT_TYPE_OPTIONS,
        crate::head::REQUEST_ID,
        crate::idempotency::IDEMPOTENCY_REPLAYED,
        HeaderName::from_static("keep-alive"),
    ];
    let prefixes = ["access-control-", "backstay-", "proxy-"];
    OWN.contains(name) || prefixes.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// Whether it is the cookie that signs somebody in.
fn is_session(value: &HeaderValue) -> bool {
    let name = value.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
    [PLAIN_COOKIE, SECURE_COOKIE].iter().any(|own| own.as_bytes().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read() {
        let check = |text: &str, expected: Result<(u16, &str, &str), &str>| {
            let read = read("shown", text, Audience::Anonymous);
            let told = read.map_err(|error| match error {
                Error::Internal(cause) => cause.to_string(),
                error => error.to_string(),
            });
            match (told, expected) {
                (Ok(answer), Ok((status, of, body))) => {
                    let got = (answer.status.as_u16(), answer.content_type.to_str().expect("ASCII"), &*answer.body);
                    assert_eq!(got, (status, of, body.as_bytes()), "{text}");
                }
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                (Ok(answer), Err(part)) => assert_eq!(answer.status.as_str(), part, "{text}"),
                (Err(error), Ok(_)) => assert_eq!(error, "", "{text}"),
            }
        };
        let with = |status: u16, headers: &str, body: &str| {
            format!(r#"{{"$response":{{"status":{status},"headers":{headers},"body":{body}}}}}"#)
        };
        check("null", Ok((204, "application/json", "")));
        check(r#"{"a":1}"#, Ok((200, "application/json", r#"{"a":1}"#)));
        check(&with(201, r#"[["content-type","text/html"]]"#, "\"<p>\""), Ok((201, "text/html", "<p>")));
        check(
            r#"{"$response":{"status":200,"headers":[["content-type","image/gif"]],"octets":"R0lG"}}"#,
            Ok((200, "image/gif", "GIF")),
        );
        check(r#"{"$response":{"status":200,"headers":[],"octets":"?"}}"#, Err("octets that aren't Base64"));
        check(&with(404, "[]", "null"), Ok((404, "application/json", "")));
        check(&with(204, "[]", "\"x\""), Err("which the status 204 has none of"));
        check(&with(199, "[]", "null"), Err("the status 199"));
        check(&with(600, "[]", "null"), Err("the status 600"));
        for name in
            ["Content-Length", "transfer-encoding", "Access-Control-Allow-Origin", "Backstay-Commit", "a b", "etag"]
        {
            check(&with(200, &format!(r#"[["{name}","x"]]"#), "null"), Err(&format!("the header `{name}`")));
        }
        check(&with(200, r#"[["set-cookie","theme=dark"]]"#, "null"), Ok((200, "application/json", "")));
        check(&with(200, r#"[["set-cookie"," Backstay = x"]]"#, "null"), Err("the header `set-cookie`"));
        check(&with(200, r#"[["x","a\r\nb: c"]]"#, "null"), Err("the header `x`"));
        check(r#"{"$response":{}}"#, Err("no response that can be read"));
    }
}
