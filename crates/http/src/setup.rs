use std::borrow::Cow;

use axum::body::Body;
use backstay_base::{Error, Secret, Violation, ViolationKind, limits};
use backstay_identity::FirstOperator;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};

use crate::answer::{Answer, Audience, HTML};
use crate::exchange::Exchange;
use crate::{Refusal, body, credentials, listing, origin, problem, query};

/// Nothing but the style sheet is loaded, nothing runs, and the form goes nowhere else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const FORM: &str = include_str!("setup/form.html");
const DONE: &str = include_str!("setup/done.html");
const STYLE: &str = include_str!("setup/style.css");

/// `/auth/setup`: makes the first operator with the one-time token that the terminal showed. It ends with that.
pub(crate) async fn open(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    if exchange.site.identity.has_operator().await? {
        return Err(Error::NotFound { what: "set-up left to do; an operator exists".to_owned() }.into());
    }
    if *exchange.method() != Method::POST {
        let token = listing::only(exchange.parts.uri.query(), &["token"])?;
        return Ok(page(StatusCode::OK, form(token.as_deref().unwrap_or_default(), "", "")));
    }
    origin::refuse_other(exchange)?;
    listing::only(exchange.parts.uri.query(), &[])?;
    let body = body::read(exchange, body, body::FORM_TYPES, limits::CREDENTIAL_BYTES).await?;
    let entry = entered(&body)?;
    match make_operator(exchange, &entry).await {
        Ok(answer) => Ok(answer),
        Err(refusal) => {
            let status = problem::kind_of(refusal.code()).status;
            if status.is_server_error() {
                return Err(refusal);
            }
            Ok(page(status, form(entry.token.expose(), &entry.email, &refusal.to_string())))
        }
    }
}

/// What was entered in the form.
fn entered(body: &Bytes) -> Result<FirstOperator, Refusal> {
    let invalid =
        |problem: &str| Refusal::malformed("", ViolationKind::Syntax { offset: 0, problem: problem.to_owned() });
    let text = std::str::from_utf8(body).map_err(|_| invalid("this is not UTF-8"))?;
    let mut pairs = query::pairs(text)?;
    let mut take = |name: &str| {
        let index = pairs.iter().position(|(known, _)| known == name);
        let missing = || Error::Malformed(vec![Violation::new(name, ViolationKind::Required)]);
        index.map(|index| pairs.swap_remove(index).1.into_owned()).ok_or_else(missing)
    };
    let (token, email, password) = (take("token")?, take("email")?, take("password")?);
    match pairs.first() {
        None => Ok(FirstOperator { token: Secret::new(token), email, password: Secret::new(password) }),
        Some(_) => Err(invalid("the form has a token, an email and a password, and nothing else")),
    }
}

async fn make_operator(exchange: &Exchange<'_>, entry: &FirstOperator) -> Result<Answer, Refusal> {
    let context = exchange.context(credentials::nobody());
    let signed_in = exchange.site.identity.set_up_operator(&context, exchange.client(), entry).await?;
    let mut answer = page(StatusCode::OK, DONE.to_owned());
    let cookie = credentials::set_cookie(exchange, &signed_in.token, signed_in.expires_at);
    answer.headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}

/// The style sheet of the form.
pub(crate) fn style() -> Answer {
    let css = HeaderValue::from_static("text/css; charset=utf-8");
    Answer::ready(StatusCode::OK, Audience::Public, Bytes::from_static(STYLE.as_bytes())).of_type(css)
}

fn form(token: &str, email: &str, problem: &str) -> String {
    let problem = match problem {
        "" => String::new(),
        problem => format!("<p class=\"problem\" role=\"alert\">{}</p>", escape(problem)),
    };
    FORM.replace("{problem}", &problem).replace("{token}", &escape(token)).replace("{email}", &escape(email))
}

fn page(status: StatusCode, html: String) -> Answer {
    let mut answer = Answer::ready(status, Audience::Secret, html.into()).of_type(HTML);
    answer.header(header::CONTENT_SECURITY_POLICY, POLICY);
    answer.header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer.header(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    answer
}

/// Text as it stands in an HTML element or a quoted attribute.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'', '{']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // A later replacement in the page must not find its mark in a value.
            '{' => escaped.push_str("&#123;"),
            _ => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}
