use axum::body::Body;
use backstay_base::{Error, ViolationKind};
use backstay_engine::object_members;
use backstay_identity::AccountRef;
use bytes::Bytes;
use http::{Method, StatusCode};

use crate::answer::{Answer, Audience};
use crate::exchange::Exchange;
use crate::query::shorten;
use crate::target::parse_request;
use crate::{Refusal, body, credentials, listing, negotiation, origin, preconditions};

/// `POST /explain`: how a request would fare, for operators.
pub(crate) async fn open(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let asker = credentials::recognise(exchange).await?;
    asker.require_operator()?;
    origin::require_own(exchange, &asker)?;
    if *exchange.method() != Method::POST {
        return Err(Refusal::Method { allow: "POST, OPTIONS", detail: "the request to explain is sent with POST" });
    }
    negotiation::require_json(exchange.headers())?;
    preconditions::refuse_all(exchange.headers())?;
    negotiation::refuse_write_options(exchange.headers())?;
    listing::only(exchange.parts.uri.query(), &[])?;
    let body = body::read(exchange, body, body::JSON_TYPES, exchange.site.settings.body_bytes).await?;
    let question = Question::read(&body)?;
    let site = exchange.site;
    let caller = match &question.who {
        Some(who) => site.identity.administration(&exchange.context(asker.caller))?.caller_for(who).await?,
        None => credentials::nobody(),
    };
    let ask = parse_request(site.engine.model(), &question.request, question.body)?;
    let explanation = site.engine.explain(&exchange.context(caller), ask).await?;
    Ok(Answer::json(StatusCode::OK, Audience::Secret, &explanation))
}

/// `{"as": e-mail or id or null, "request": "GET /api/…", "body": …}`.
struct Question {
    who: Option<AccountRef>,
    request: String,
    body: Bytes,
}

impl Question {
    fn read(body: &[u8]) -> Result<Self, Error> {
        let expected = |at: &str, what: &str| Error::malformed(at, ViolationKind::Type { expected: what.to_owned() });
        let (mut who, mut request, mut asked, mut seen) = (None, None, Bytes::new(), Vec::new());
        for (name, raw) in object_members(body)? {
            let at = format!("/{}", shorten(&name));
            if seen.contains(&name) {
                return Err(Error::malformed(at, ViolationKind::Duplicate));
            }
            match &*name {
                "as" => {
                    let text: Option<String> = serde_json::from_str(raw.get())
                        .map_err(|_| expected(&at, "an e-mail address, an id or null"))?;
                    who = text.and_then(|text| text.parse::<AccountRef>().ok());
                }
                "request" => {
                    let text = serde_json::from_str(raw.get());
                    request = Some(text.map_err(|_| expected(&at, "a text such as GET /api/posts?limit=1"))?);
                }
                "body" => asked = Bytes::copy_from_slice(raw.get().as_bytes()),
                _ => {
                    let kind = ViolationKind::Unknown { what: "member", name: shorten(&name), suggestion: None };
                    return Err(Error::malformed(at, kind));
                }
            }
            seen.push(name);
        }
        let request = request.ok_or_else(|| Error::malformed("/request", ViolationKind::Required))?;
        Ok(Self { who, request, body: asked })
    }
}
