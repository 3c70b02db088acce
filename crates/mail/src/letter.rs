use backstay_base::{Timestamp, limits};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::error::SendError;
use crate::sender::Sender;

/// A mail to be sent: what is kept until it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// An address, such as `ann@example.org` or `Ann <ann@example.org>`.
    pub to: String,
    /// The name of the template.
    pub template: String,
    /// The language of whoever gets it; without one, the language of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What the template names.
    #[serde(default)]
    pub values: serde_json::Map<String, serde_json::Value>,
}

impl Mail {
    /// The kind of the jobs that send mail; what one takes is a `Mail` as JSON.
    pub const JOB: &str = "backstay.mail";

    /// Whether mail can be sent to this address.
    pub fn is_address(to: &str) -> bool {
        mailbox(to).is_some()
    }
}

/// A mail as it is handed over.
#[derive(Debug)]
pub struct Letter<'a> {
    /// What makes it one mail, however often it is handed over: its `Message-ID` has it.
    pub id: &'a str,
    /// Who sends it.
    pub from: &'a Sender,
    /// To whom.
    pub to: &'a str,
    /// What it says.
    pub content: &'a Content,
    /// When.
    pub date: Timestamp,
}

impl Letter<'_> {
    /// Its `Message-ID` (RFC 5322, section 3.6.4).
    pub fn message_id(&self) -> String {
        format!("<{}@{}>", self.id, self.from.domain())
    }

    pub(crate) fn message(&self) -> Result<lettre::Message, SendError> {
        let to = mailbox(self.to).ok_or_else(|| SendError::Unwritten(NoRecipient(self.to.to_owned()).into()))?;
        let Content { subject, text, html, language } = self.content;
        let micros = u64::try_from(self.date.micros()).unwrap_or(0);
        let date = std::time::UNIX_EPOCH + std::time::Duration::from_micros(micros);
        let builder = lettre::Message::builder()
            .from(self.from.mailbox().clone())
            .to(to)
            .subject(subject.as_str())
            .message_id(Some(self.message_id()))
            .header(ContentLanguage(language.clone()))
            .header(AutoSubmitted)
            .date(date);
        let message = match html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(text.clone(), html.clone())),
            None => builder.singlepart(SinglePart::plain(text.clone())),
        };
        message.map_err(|error| SendError::Unwritten(error.into()))
    }
}

/// No mail can be sent to this.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an address that mail can be sent to")]
struct NoRecipient(String);

/// One address, perhaps with a name.
fn mailbox(text: &str) -> Option<Mailbox> {
    let is_short = text.len() <= limits::MAIL_ADDRESS_BYTES && !text.chars().any(char::is_control);
    if is_short { text.parse().ok() } else { None }
}

/// `Content-Language` (RFC 3282).
#[derive(Debug, Clone)]
struct ContentLanguage(String);

impl lettre::message::header::Header for ContentLanguage {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Content-Language")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody's out-of-office reply answers it.
#[derive(Debug, Clone, Copy)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
