use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{Error, Secret};
use http::request::Parts;
use http::{StatusCode, header};
use serde_json::json;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience, TEXT};
use crate::credentials::Recognized;
use crate::development::Developer;
use crate::head::Head;
use crate::page::{escape, html};
use crate::{Development, ModelProblems, Proxies, Refusal, credentials};

const PAGE: &str = include_str!("developer/page.html");

/// Admits everyone on this machine, without credentials: those that have expired must not keep the developer out.
pub(crate) fn recognize(head: &Head<'_>) -> Result<Recognized, Refusal> {
    match is_here(&head.state.settings.proxies, head.peer, head.parts) {
        true => Ok(Recognized::anonymous()),
        false => Err(Refusal::NoSuchPath { hint: None }),
    }
}

/// Whether a request comes from this machine and asks for it by a name of its own: a page of another host could resolve
/// to this machine.
pub(crate) fn is_here(proxies: &Proxies, peer: IpAddr, parts: &Parts) -> bool {
    proxies.is_local(peer, &parts.headers) && proxies.host(peer, parts).as_deref().is_some_and(is_loopback)
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
    let missing = |what: &str| Error::NotFound { what: what.to_owned() };
    let development = development(admitted)?;
    let shown = shown.ok_or_else(|| {
        missing("sign-in without a token; open the link with `?token=` that `backstay dev` printed when it started")
    })?;
    let developer = development.follow_link(&shown);
    let Developer { email, session } =
        developer.ok_or_else(|| missing("such a link; `backstay dev` prints a new one each time it starts"))?;
    if admitted.state().identity.authenticate(&session.token).await.is_err() {
        return Err(missing("session for this link any more; save a model file or restart `backstay dev`").into());
    }
    let mut answer = html(StatusCode::OK, page(admitted, &email));
    answer.header(header::SET_COOKIE, credentials::set_cookie(admitted.head(), &session.token, session.expires_at)?);
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
    Ok(problems.map_or_else(current, |problems| plain(&problems, StatusCode::OK)))
}

/// What is wrong with the files, as plain text.
pub(crate) fn plain(problems: &ModelProblems, status: StatusCode) -> Answer {
    Answer::ready(status, Audience::Secret, problems.text.clone().into()).of_type(TEXT)
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
