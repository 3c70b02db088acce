use backstay_base::{Error, Place, ViolationKind};
use backstay_identity::AccountRef;
use backstay_rest::{members, shorten, text, unknown};
use bytes::Bytes;
use http::StatusCode;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::{Refusal, credentials, parse_request, records};

/// `POST /explain`: how a request would fare, for operators.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let (state, question) = (admitted.state(), Question::read(&body)?);
    let caller = match &question.who {
        Some(who) => state.identity.administration(&admitted.context())?.caller_for(who).await?,
        None => credentials::anonymous(),
    };
    let request = parse_request(&state.reader, (&question.request, question.body), &caller)?;
    let explanation = records::explain(state, &admitted.context_of(caller), request).await?;
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
                "request" => request = text(raw, "a text such as GET /api/posts?limit=1").map_err(wrong)?,
                "body" => asked = Bytes::copy_from_slice(raw.get().as_bytes()),
                _ => {
                    return Err(Error::malformed(at, unknown("member", &name, None)));
                }
            }
            seen.push(name);
        }
        let request = request.ok_or_else(|| Error::malformed(Place::member("request"), ViolationKind::Required))?;
        Ok(Self { who, request, body: asked })
    }
}
