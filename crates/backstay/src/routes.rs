//! Requests and responses of routes, as procedures in Rust have them.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::str;

use backstay_base::Error;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ProcedureError;

/// A request for a route, or an event for an inbox, as [`Action::arguments`](crate::Action::arguments) reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Taken")]
pub struct RouteRequest {
    /// Such as `GET`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names in small letters, and values; without credentials.
    pub headers: Vec<(String, String)>,
    /// The parameters of the path, by their names.
    pub params: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// The token that the client sends in `Authorization`, of a route with `token: true`.
    pub token: Option<String>,
}

#[derive(Deserialize)]
struct Taken {
    #[serde(rename = "$request")]
    request: Fields,
}

#[derive(Deserialize)]
struct Fields {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    params: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// A body that isn't a text, in Base64.
    octets: Option<String>,
    token: Option<String>,
}

impl TryFrom<Taken> for RouteRequest {
    type Error = base64::DecodeError;

    fn try_from(
        Taken { request: Fields { method, url, headers, params, body, octets, token } }: Taken,
    ) -> Result<Self, Self::Error> {
        let octets = octets.map(|octets| BASE64_STANDARD.decode(octets)).transpose()?;
        Ok(Self { method, url, headers, params, body: octets.unwrap_or_else(|| body.into_bytes()), token })
    }
}

impl RouteRequest {
    /// The value of a header, whose name is in small letters; the first if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads the body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ProcedureError> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// What a route answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteResponse {
    /// 200 to 599.
    pub status: u16,
    /// Names and values. Those about the connection, the coding, caching and rights of pages can't be set.
    pub headers: Vec<(String, String)>,
    /// The body; none for 204, 205 and 304.
    pub body: Option<Vec<u8>>,
}

impl RouteResponse {
    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// A value as JSON.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, ProcedureError> {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Ok(Self { status, headers, body: Some(serde_json::to_vec(value)?) })
    }
}

/// What a procedure has returned, as JSON. What clients have sent can't pass for a response.
pub(crate) fn returned<T: Serialize + 'static>(value: &T) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(Error::internal)?;
    let is_response = TypeId::of::<T>() == TypeId::of::<RouteResponse>();
    if text.starts_with("{\"$response\":") && !is_response { Err(Error::internal(NotMade)) } else { Ok(text) }
}

/// It isn't known where it comes from.
#[derive(Debug, thiserror::Error)]
#[error("a value whose first member is `$response` can't be returned; return a `RouteResponse` itself")]
struct NotMade;

impl Serialize for RouteResponse {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Sent<'s> {
            status: u16,
            headers: &'s [(String, String)],
            body: Option<&'s str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            octets: Option<String>,
        }
        let Self { status, headers, body } = self;
        let text = body.as_deref().map(str::from_utf8).and_then(Result::ok);
        let octets = body.as_ref().filter(|_| text.is_none()).map(|body| BASE64_STANDARD.encode(body));
        let sent = Sent { status: *status, headers, body: text, octets };
        serializer.collect_map([("$response", sent)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_responses_are_read_and_written() {
        let text =
            r#"{"$request":{"method":"PUT","url":"http://h/a","headers":[["x","y"]],"params":{"a":"b"},"body":"[1]"}}"#;
        let request: RouteRequest = serde_json::from_str(text).expect("a request");
        assert_eq!((request.header("x"), request.header("y"), &*request.params["a"]), (Some("y"), None, "b"));
        assert_eq!(request.json::<Vec<u8>>().expect("a list"), [1]);
        let written = serde_json::to_string(&RouteResponse::json(201, &[1]).expect("JSON")).expect("JSON");
        let expected = r#"{"$response":{"status":201,"headers":[["content-type","application/json"]],"body":"[1]"}}"#;
        assert_eq!(written, expected);
        let octets = RouteResponse { body: Some(vec![0xff]), ..RouteResponse::empty(200) };
        let written = serde_json::to_string(&octets).expect("JSON");
        assert_eq!(written, r#"{"$response":{"status":200,"headers":[],"body":null,"octets":"/w=="}}"#);
        let text = r#"{"$request":{"method":"PUT","url":"http://h/a","headers":[],"params":{},"octets":"/w=="}}"#;
        assert_eq!(serde_json::from_str::<RouteRequest>(text).expect("a request").body, [0xff]);
        let written = serde_json::to_string(&RouteResponse::empty(204)).expect("JSON");
        assert_eq!(written, r#"{"$response":{"status":204,"headers":[],"body":null}}"#);
        assert_eq!(returned(&RouteResponse::empty(204)).expect("a response"), written);
        let sent: serde_json::Value = serde_json::from_str(&written).expect("JSON");
        assert!(returned(&sent).is_err(), "what a client has sent can't pass for a response");
    }
}
