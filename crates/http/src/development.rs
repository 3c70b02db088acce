//! What a server offers to the person who develops its application: a link that signs them in, and what is wrong with
//! the model files while an earlier model is served.

use std::fmt;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{Error, Secret};
use backstay_identity::SignedIn;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use parking_lot::RwLock;
use serde_json::json;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience, TEXT};
use crate::credentials::Recognized;
use crate::head::Head;
use crate::page::{escape, html};
use crate::{Refusal, credentials};

/// `Backstay-Model`: says that the model files are not what is served.
const BACKSTAY_MODEL: HeaderName = HeaderName::from_static("backstay-model");
const PAGE: &str = include_str!("development/page.html");

/// What a server offers to the developer of its application, which outlasts the models that it serves.
#[derive(Debug)]
pub struct Development {
    token: Secret,
    developer: RwLock<Option<Developer>>,
    problems: RwLock<Option<Arc<ModelProblems>>>,
}

/// Whom the link signs in, and into which session.
#[derive(Debug, Clone)]
struct Developer {
    email: String,
    session: SignedIn,
}

/// Why the model files can't be served as they are.
#[derive(Debug, Default)]
pub struct ModelProblems {
    /// One object for each, as `backstay check --format json` prints them.
    pub diagnostics: Vec<serde_json::Value>,
    /// All of them for people, with excerpts of the files.
    pub text: String,
}

impl fmt::Display for ModelProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the application can't be served until its files are corrected")
    }
}

impl ModelProblems {
    /// The value of `Backstay-Model`.
    fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&format!("stale; errors={}", self.diagnostics.len())).expect("digits are visible ASCII")
    }

    /// Adds `Backstay-Model`.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(BACKSTAY_MODEL, self.header());
    }

    /// All of them as plain text.
    pub(crate) fn plain(&self, status: StatusCode) -> Answer {
        Answer::ready(status, Audience::Secret, self.text.clone().into()).of_type(TEXT)
    }
}

impl Development {
    /// With the token that the link contains.
    pub fn new(token: Secret) -> Arc<Self> {
        Arc::new(Self { token, developer: RwLock::default(), problems: RwLock::default() })
    }

    /// The path and query of the link that signs the developer in.
    pub fn link(&self) -> String {
        format!("/dev/sign-in?token={}", self.token.expose())
    }

    /// The session into which the link signs the developer.
    pub fn sign_in(&self, email: String, session: SignedIn) {
        *self.developer.write() = Some(Developer { email, session });
    }

    /// The token of that session, if there is one.
    pub fn session(&self) -> Option<Secret> {
        self.developer.read().as_ref().map(|developer| developer.session.token.clone())
    }

    /// Says what is wrong with the model files, or that they are what is served.
    pub fn set_problems(&self, problems: Option<Arc<ModelProblems>>) {
        *self.problems.write() = problems;
    }

    fn problems(&self) -> Option<Arc<ModelProblems>> {
        self.problems.read().clone()
    }

    /// Adds `Backstay-Model` if the model files are not what is served.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        if let Some(problems) = self.problems() {
            problems.mark(headers);
        }
    }
}

/// Admits everyone on this machine, without credentials: those that have expired must not keep the developer out. A page
/// of another host that resolves to this machine is not on it.
pub(crate) fn recognize(head: &Head<'_>) -> Result<Recognized, Refusal> {
    let host = head.state.settings.proxies.host(head.peer, head.parts);
    let is_local = head.peer.is_loopback() && head.client().is_loopback() && host.as_deref().is_some_and(is_loopback);
    if is_local { Ok(Recognized::anonymous()) } else { Err(Refusal::NoSuchPath { hint: None }) }
}

/// Whether a host, with or without a port, is this machine (RFC 6761, section 6.3, for names).
fn is_loopback(authority: &str) -> bool {
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let host = authority[end..].find(':').map_or(authority, |colon| &authority[..end + colon]);
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    address.parse::<IpAddr>().map_or_else(
        |_| host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost"),
        |address| address.is_loopback(),
    )
}

/// `GET /dev/sign-in`: hands the developer's session to a browser that shows the token from the terminal. The session
/// began before; nothing changes here.
pub(crate) async fn sign_in(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let shown = admitted.take_parameter().map(Secret::new);
    let (head, state) = (admitted.head(), admitted.state());
    let development = development(admitted)?;
    let missing = |what: &str| Error::NotFound { what: what.to_owned() };
    if shown.as_ref() != Some(&development.token) {
        return Err(missing("such a link; `backstay dev` prints a new one each time it starts").into());
    }
    let developer = development.developer.read().clone();
    let Developer { email, session } = developer.ok_or_else(|| missing("session for this link yet"))?;
    if state.identity.authenticate(&session.token).await.is_err() {
        return Err(missing("session for this link any more; it has ended, so restart `backstay dev`").into());
    }
    let mut answer = html(StatusCode::OK, page(admitted, &email));
    answer.header(header::SET_COOKIE, credentials::set_cookie(head, &session.token, session.expires_at)?);
    Ok(answer)
}

/// What is served, and what the developer can open.
fn page(admitted: &Admitted<'_>, email: &str) -> String {
    let model = admitted.state().engine.model();
    let mut collections = String::new();
    for collection in model.collections.iter().filter(|collection| !collection.system) {
        let (path, name) = (escape(&collection.path), escape(&collection.name));
        let _ = writeln!(collections, "<li><a href=\"/api/{path}\">/api/{path}</a> {name}</li>");
    }
    PAGE.replace("{name}", &escape(&model.name))
        .replace("{email}", &escape(email))
        .replace("{collections}", collections.trim_end())
}

/// `GET /dev/model`: whether the model files are what is served and, if not, why.
pub(crate) fn model(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let problems = development(admitted)?.problems();
    let (state, diagnostics) = match &problems {
        None => ("current", &[][..]),
        Some(problems) => ("stale", &problems.diagnostics[..]),
    };
    Ok(Answer::json(StatusCode::OK, Audience::Secret, &json!({ "state": state, "diagnostics": diagnostics }))?)
}

/// `GET /dev/model.txt`: the same for people.
pub(crate) fn model_text(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let text = "the model files are what is served\n";
    let current = || Answer::ready(StatusCode::OK, Audience::Secret, text.into()).of_type(TEXT);
    let problems = development(admitted)?.problems();
    Ok(problems.map_or_else(current, |problems| problems.plain(StatusCode::OK)))
}

fn development<'a>(admitted: &Admitted<'a>) -> Result<&'a Arc<Development>, Refusal> {
    admitted.state().settings.development.as_ref().ok_or(Refusal::NoSuchPath { hint: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_this_machine() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "[::1]", "app.localhost"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "example.org", "localhost.example.org", "10.0.0.1:80", "[::2]", "notlocalhost", "127.0.0.1.nip.io"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
