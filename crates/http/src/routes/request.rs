//! A request as functions take it.

use std::str;
use std::sync::Arc;

use backstay_model::{Action, RoutePart};
use backstay_rest::decode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderName, header};
use serde_json::{Map, Value, json};

use crate::Refusal;
use crate::credentials::{LINK, bearer};
use crate::head::Head;

/// Credentials are for the server: it says who calls.
const WITHHELD: [HeaderName; 4] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, LINK];

/// What the function of a route gets of a request besides its body.
pub(super) struct Received {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    parameters: Map<String, Value>,
    /// The token in `Authorization`, if the route asks for it.
    token: Option<String>,
}

impl Received {
    pub(super) fn at(head: &Head<'_>, action: &Action) -> Result<Self, Refusal> {
        let headers = head.headers().iter().filter(|(name, _)| !WITHHELD.contains(name));
        let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        Ok(Self {
            method: head.method().to_string(),
            url: url(head),
            headers: headers.collect(),
            parameters: parameters(head, action)?,
            token: token(head, action)?,
        })
    }

    /// The request that the function takes as its argument.
    pub(super) fn written(self, body: &[u8]) -> Arc<str> {
        let Self { method, url, headers, parameters, token } = self;
        let mut request = json!({ "method": method, "url": url, "headers": headers, "params": parameters });
        if let Some(token) = token {
            request["token"] = token.into();
        }
        match str::from_utf8(body) {
            Ok(text) => request["body"] = text.into(),
            Err(_) => request["octets"] = BASE64_STANDARD.encode(body).into(),
        }
        json!({ "$request": request }).to_string().into()
    }
}

/// The token that the client sends in `Authorization`, for a route that passes it on. That of a cookie is never passed on:
/// no script of a page may read it.
fn token(head: &Head<'_>, action: &Action) -> Result<Option<String>, Refusal> {
    let is_asked = action.route.as_ref().is_some_and(|route| route.token);
    if is_asked { Ok(bearer(head)?.map(ToOwned::to_owned)) } else { Ok(None) }
}

fn url(head: &Head<'_>) -> String {
    let scheme = if head.is_secure() { "https" } else { "http" };
    let host = head.state.settings.proxies.host(head.peer, head.parts).unwrap_or_else(|| "localhost".to_owned());
    let target = head.parts.uri.path_and_query().map_or("/", |target| target.as_str());
    format!("{scheme}://{host}{target}")
}

fn parameters(head: &Head<'_>, action: &Action) -> Result<Map<String, Value>, Refusal> {
    let parts = action.route.iter().flat_map(|route| &route.path.parts);
    let mut parameters = Map::new();
    for (part, text) in parts.zip(head.path().split('/').skip(1)) {
        match part {
            RoutePart::Literal(_) => {}
            RoutePart::Parameter(name) => {
                let text = decode(text, false).map_err(|kind| Refusal::malformed("path", kind))?;
                parameters.insert(name.clone(), Value::String(text.into_owned()));
            }
        }
    }
    Ok(parameters)
}
