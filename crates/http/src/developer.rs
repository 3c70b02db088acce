use std::fmt::Write as _;
use std::sync::Arc;

use backstay_base::{Error, Secret};
use http::{StatusCode, header};
use serde_json::json;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience, TEXT};
use crate::development::Developer;
use crate::page::{escape, html};
use crate::{Development, ModelProblems, Refusal, credentials};

const PAGE: &str = include_str!("developer/page.html");

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
        let path = model.api.path_of(&collection.path);
        let (path, name) = (escape(&path), escape(&collection.name));
        let _ = writeln!(collections, "<li><a href=\"{path}\">{path}</a> {name}</li>");
    }
    let docs = if admitted.state().settings.has_docs() { "<a href=\"/docs\">Try the API</a> · " } else { "" };
    PAGE.replace("{docs}", docs)
        .replace("{name}", &escape(&model.name))
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
