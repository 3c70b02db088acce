use std::sync::Arc;

use backstay_base::{Error, Place, RecordId, ViolationKind};
use backstay_engine::{Context, Engine, Explanation};
use backstay_identity::AccountRef;
use backstay_model::ApiPrefix;
use backstay_rest::transact::Batch;
use backstay_rest::{JSON, Reader, members, shorten, text, unknown};
use bytes::Bytes;
use http::StatusCode;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::decode::query_of_transact;
use crate::transact::Mode;
use crate::{Refusal, credentials, parse_request, transact};

/// `POST /explain`: how a request would fare, for operators.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let state = admitted.state();
    let question = Question::read(&body, &state.engine.model().api)?;
    let context = admitted.context();
    let administration = state.identity.administration(&context)?;
    let caller = match &question.who {
        Some(who) => administration.caller_for(who).await?,
        None => credentials::anonymous(),
    };
    let caller = match question.link {
        Some(link) => administration.with_link(caller, link).await?,
        None => caller,
    };
    let context = admitted.context_of(caller);
    let explanation = explain((&state.engine, &state.reader), &context, (&question.request, question.body)).await?;
    Ok(Answer::json(StatusCode::OK, Audience::Secret, &explanation)?)
}

/// How a request would fare in this context, written as for `parse_request`, or `POST /transact` with its body.
pub async fn explain(
    (engine, reader): (&Engine, &Arc<Reader>),
    cx: &Context,
    (request, body): (&str, Bytes),
) -> Result<Explanation, Refusal> {
    if let Some(query) = query_of_transact(request)? {
        let mode = Mode::read(query)?;
        let batch = Batch::read_in_turn(engine, reader, cx, body).await?;
        return match mode {
            Mode::Atomic => batch.explained(engine, cx).await.map_err(transact::refusal),
            Mode::Independent => Ok(batch.explained_each(engine, cx).await?),
        };
    }
    let request = parse_request(reader, (request, body), cx.caller())?;
    Ok(engine.explain(cx, request, JSON).await?)
}

/// `{"as": email or id or null, "link": id or null, "request": "GET /api/…", "body": …}`
struct Question {
    who: Option<AccountRef>,
    link: Option<RecordId>,
    request: String,
    body: Bytes,
}

impl Question {
    fn read(body: &[u8], api: &ApiPrefix) -> Result<Self, Error> {
        let (mut who, mut link, mut request, mut asked, mut seen) = (None, None, None, Bytes::new(), Vec::new());
        for (name, raw) in members(body)? {
            let at = Place::member(shorten(&name));
            if seen.contains(&name) {
                return Err(Error::malformed(at, ViolationKind::Duplicate));
            }
            let wrong = |kind| Error::malformed(at.clone(), kind);
            match &*name {
                "as" => {
                    let text = text(raw, "an email address, an id or null").map_err(wrong)?;
                    who = text.map(|text| {
                        let Ok(account) = text.parse();
                        account
                    });
                }
                "link" => {
                    let text = text(raw, LINK).map_err(wrong)?;
                    let id =
                        text.map(|text| text.parse().map_err(|_| wrong(ViolationKind::Type { expected: LINK.into() })));
                    link = id.transpose()?;
                }
                "request" => {
                    let expected = format!("a text such as GET {}posts?limit=1", api.as_str());
                    request = text(raw, &expected).map_err(wrong)?;
                }
                "body" => asked = Bytes::copy_from_slice(raw.get().as_bytes()),
                _ => {
                    return Err(Error::malformed(at, unknown("member", &name, None)));
                }
            }
            seen.push(name);
        }
        let request = request.ok_or_else(|| Error::malformed(Place::member("request"), ViolationKind::Required))?;
        Ok(Self { who, link, request, body: asked })
    }
}

const LINK: &str = "the id of a link, which isn't its token, or null";
