use backstay_base::{Error, Place, Secret, ViolationKind};
use backstay_identity::FirstOperator;
use backstay_rest::pairs as pairs_of;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::page::{escape, html};
use crate::{Refusal, credentials, kinds};

const FORM: &str = include_str!("setup/form.html");
const DONE: &str = include_str!("setup/done.html");
const STYLE: &str = include_str!("setup/style.css");

/// `GET /auth/setup`: a form that makes the first operator with the one-time token that the terminal shows. It exists
/// until there is an operator.
pub(crate) async fn page(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    require_none(admitted).await?;
    let token = admitted.take_parameter();
    Ok(html(StatusCode::OK, form(token.as_deref(), None, None)))
}

/// `POST /auth/setup`: the form was submitted.
pub(crate) async fn submit(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    require_none(admitted).await?;
    let entry = entered(&admitted.take_body())?;
    match make_operator(admitted, &entry).await {
        Ok(answer) => Ok(answer),
        Err(refusal) => {
            let status = kinds::kind_of(&refusal).status;
            if status.is_server_error() {
                return Err(refusal);
            }
            Ok(html(status, form(Some(entry.token.expose()), Some(&entry.email), Some(&refusal.to_string()))))
        }
    }
}

async fn require_none(admitted: &Admitted<'_>) -> Result<(), Refusal> {
    match admitted.state().identity.has_operator().await? {
        true => Err(Error::NotFound { what: "setup left to do; there is an operator".to_owned() }.into()),
        false => Ok(()),
    }
}

/// What was entered in the form.
fn entered(body: &Bytes) -> Result<FirstOperator, Refusal> {
    let invalid = |problem: &str| Error::malformed(Place::Whole, ViolationKind::Range(problem.to_owned()));
    let text = std::str::from_utf8(body).map_err(|_| invalid("the form is not UTF-8"))?;
    let mut pairs = pairs_of(text)?;
    let mut take = |name: &str| {
        let index = pairs.iter().position(|(known, _)| known == name);
        let missing = || Error::malformed(Place::part(name), ViolationKind::Required);
        index.map(|index| pairs.swap_remove(index).1.into_owned()).ok_or_else(missing)
    };
    let (token, email, password) = (take("token")?, take("email")?, take("password")?);
    match pairs.first() {
        None => Ok(FirstOperator { token: Secret::new(token), email, password: Secret::new(password) }),
        Some(_) => Err(invalid("the form consists of a token, an email address and a password").into()),
    }
}

async fn make_operator(admitted: &Admitted<'_>, entry: &FirstOperator) -> Result<Answer, Refusal> {
    let (head, identity) = (admitted.head(), &admitted.state().identity);
    let signed_in = identity.set_up_operator(&admitted.context(), head.client(), entry).await?;
    let mut answer = html(StatusCode::OK, DONE.to_owned());
    answer.header(header::SET_COOKIE, credentials::set_cookie(head, &signed_in.token, signed_in.expires_at)?);
    Ok(answer)
}

/// The style sheet of the form.
pub(crate) fn style() -> Answer {
    let css = HeaderValue::from_static("text/css; charset=utf-8");
    Answer::ready(StatusCode::OK, Audience::Public, Bytes::from_static(STYLE.as_bytes())).of_type(css)
}

/// The form, filled with what is known already.
fn form(token: Option<&str>, email: Option<&str>, problem: Option<&str>) -> String {
    let problem = match problem {
        None => String::new(),
        Some(problem) => format!("<p class=\"problem\" role=\"alert\">{}</p>", escape(problem)),
    };
    let value = |known: Option<&str>| known.map_or(String::new(), |text| escape(text).into_owned());
    FORM.replace("{problem}", &problem).replace("{token}", &value(token)).replace("{email}", &value(email))
}
