//! HTML pages.

use std::borrow::Cow;

use http::{HeaderValue, StatusCode, header};

use crate::answer::{Answer, Audience, HTML};

/// A page loads only its style sheet, runs no script, and submits its form only to this server.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A page that runs the scripts of this server, which ask only this server. Icons may be in its style sheets.
const INTERACTIVE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

/// A page that holds a secret.
pub(crate) fn html(status: StatusCode, text: String) -> Answer {
    under(POLICY, status, text)
}

/// A page with scripts.
pub(crate) fn interactive(text: String) -> Answer {
    under(INTERACTIVE_POLICY, StatusCode::OK, text)
}

fn under(policy: HeaderValue, status: StatusCode, text: String) -> Answer {
    let mut answer = Answer::ready(status, Audience::Secret, text.into()).of_type(HTML);
    answer.header(header::CONTENT_SECURITY_POLICY, policy);
    answer.header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer.header(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    answer
}

/// Escapes text for an HTML element or a quoted attribute.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
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
            // A later replacement in the page must not find its placeholder in a value.
            '{' => escaped.push_str("&#123;"),
            _ => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}
