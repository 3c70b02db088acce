use backstay_base::{Error, ViolationKind};
use backstay_identity::AccountRef;
use bytes::Bytes;
use http::StatusCode;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::query::shorten;
use crate::{Refusal, credentials, json, parse_request, records};

/// `POST /explain`: how a request would fare, for operators.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let (state, question) = (admitted.state(), Question::read(&body)?);
    let caller = match &question.who {
        Some(who) => state.identity.administration(&admitted.context())?.caller_for(who).await?,
        None => credentials::anonymous(),
    };
    let request = parse_request(state.engine.model(), &question.request, question.body)?;
    let explanation = records::explain(state, &admitted.head().context(caller), request).await?;
    Ok(Answer::json(StatusCode::OK, Audience::Secret, &explanation)?)
}

/// `{"as": email or id or null, "request": "GET /api/…", "body": …}`
struct Question {
    who: Option<AccountRef>,
    request: String,
    body: Bytes,
}

impl Question {
    fn read(body: &[u8]) -> Result<Self, Error> {
        let (mut who, mut request, mut asked, mut seen) = (None, None, Bytes::new(), Vec::new());
        for (name, raw) in json::members(body)? {
            let at = format!("/{}", shorten(&name));
            if seen.contains(&name) {
                return Err(Error::malformed(at, ViolationKind::Duplicate));
            }
            let wrong = |kind| Error::malformed(&*at, kind);
            match &*name {
                "as" => {
                    let text = json::text(raw, "an email address, an id or null").map_err(wrong)?;
                    who = text.map(|text| {
                        let Ok(account) = text.parse();
                        account
                    });
                }
                "request" => request = json::text(raw, "a text such as GET /api/posts?limit=1").map_err(wrong)?,
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
