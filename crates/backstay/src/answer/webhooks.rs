use std::fmt;

use backstay_base::Secret;
use serde::{Deserialize, Serialize};

use super::{Answer, Count};
use crate::command::secret;

/// The result of a command about webhooks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum WebhookAnswer {
    /// An endpoint of webhooks was added.
    WebhookAdded {
        /// Its record's id.
        id: String,
        /// What it is called.
        name: String,
        /// What its messages are signed with.
        #[serde(with = "secret")]
        secret: Secret,
    },
    /// All endpoints of webhooks.
    Webhooks {
        /// Oldest first.
        webhooks: Vec<WebhookLine>,
    },
    /// An endpoint of webhooks.
    Webhook {
        /// The endpoint.
        webhook: WebhookLine,
        /// The first 100 messages that were given up, oldest first.
        letters: Vec<DeadLetterLine>,
    },
    /// A message was sent to an endpoint, to see whether it answers.
    WebhookTested {
        /// The endpoint.
        name: String,
        /// The message's id.
        message: String,
        /// The status of its answer, if it gave one.
        status: Option<u16>,
        /// Why it gave none.
        error: Option<String>,
    },
    /// An endpoint has a new secret.
    WebhookRotated {
        /// The endpoint.
        name: String,
        /// What its messages are signed with.
        #[serde(with = "secret")]
        secret: Secret,
    },
    /// Messages are sent again that were given up.
    WebhookReplayed {
        /// The endpoint.
        name: String,
        /// How many.
        messages: usize,
    },
    /// Nothing is sent to an endpoint any more.
    WebhookDisabled {
        /// The endpoint.
        name: String,
    },
    /// An endpoint receives changes again.
    WebhookEnabled {
        /// The endpoint.
        name: String,
        /// How many messages were given up; counted up to 10,000.
        dead: usize,
    },
    /// An endpoint was removed.
    WebhookRemoved {
        /// The endpoint.
        name: String,
    },
}

impl fmt::Display for WebhookAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebhookAdded { secret, .. } | Self::WebhookRotated { secret, .. } => {
                writeln!(
                    f,
                    "{}\n\nThis secret is shown only once. The receiver checks signatures with it.",
                    secret.expose()
                )
            }
            Self::Webhooks { webhooks } if webhooks.is_empty() => {
                writeln!(f, "no webhooks; add one with `backstay webhook add NAME URL --as KEY`")
            }
            Self::Webhooks { webhooks } => webhooks.iter().try_for_each(|one| one.fmt(f)),
            Self::Webhook { webhook, letters } => {
                webhook.fmt(f)?;
                letters.iter().try_for_each(|letter| letter.fmt(f))
            }
            Self::WebhookTested { name, message, status, error } => {
                tested(f, (name, message), *status, error.as_deref())
            }
            Self::WebhookReplayed { name, messages } => {
                writeln!(f, "{} to {name} will be sent again", Count(*messages as u64, "message"))
            }
            Self::WebhookDisabled { name } => writeln!(f, "nothing is sent to {name} any more"),
            Self::WebhookEnabled { name, dead: 0 } => writeln!(f, "changes are sent to {name} again"),
            Self::WebhookEnabled { name, dead } => {
                let dead = Count(*dead as u64, "message");
                writeln!(
                    f,
                    "changes are sent to {name} again; to send the {dead} that were given up, use `backstay webhook replay {name}`"
                )
            }
            Self::WebhookRemoved { name } => writeln!(f, "removed the webhook {name}"),
        }
    }
}

/// An endpoint of webhooks, without its secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookLine {
    /// What it is called.
    pub name: String,
    /// Where messages are sent.
    pub url: String,
    /// Whose rights decide what is sent: `key:`, `account:` or `operator:` and an id.
    pub caller: String,
    /// The types whose changes are sent; null if all are.
    pub of: Option<Vec<String>>,
    /// How many messages wait; counted up to 10,000.
    pub waiting: usize,
    /// How many messages were given up; counted up to 10,000.
    pub dead: usize,
    /// Since when every attempt has failed.
    pub failing_since: Option<String>,
    /// Since when nothing is sent.
    pub disabled_at: Option<String>,
    /// Why nothing is sent.
    pub reason: Option<String>,
}

/// A message that was given up.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeadLetterLine {
    /// Its id, as receivers know it.
    pub message: String,
    /// The record that it is about: `Post/01890a5d-…`.
    pub record: String,
    /// What happened to the record: `created`, `updated`, `deleted` or `restored`.
    pub event: String,
    /// When that was.
    pub at: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: String,
}

impl fmt::Display for WebhookLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, url, caller, of, waiting, dead, failing_since, disabled_at, reason } = self;
        let of = of.as_ref().map_or("all types".to_owned(), |of| of.join(", "));
        write!(f, "{name}  {url}  as {caller}  {of}  {waiting} waiting, {dead} given up")?;
        match (disabled_at, failing_since) {
            (Some(at), _) => write!(f, "  disabled since {at}: {}", reason.as_deref().unwrap_or_default())?,
            (None, Some(since)) => write!(f, "  failing since {since}")?,
            (None, None) => {}
        }
        writeln!(f)
    }
}

impl fmt::Display for DeadLetterLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, record, event, at, attempts, error } = self;
        let attempts = Count(u64::from(*attempts), "attempt");
        writeln!(f, "  {message}  {record} {event} {at}  given up after {attempts}: {error}")
    }
}

/// What `webhook test` shows.
fn tested(
    f: &mut fmt::Formatter<'_>,
    (name, message): (&str, &str),
    status: Option<u16>,
    error: Option<&str>,
) -> fmt::Result {
    match (status, error) {
        (Some(status), _) => writeln!(f, "{name} answered {message} with {status}"),
        (None, error) => writeln!(f, "{name} didn't get {message}: {}", error.unwrap_or_default()),
    }
}

impl Answer {
    /// Whether it says that something didn't work, although the command was carried out.
    pub(crate) fn tells_of_failure(&self) -> bool {
        matches!(self, Self::Webhook(WebhookAnswer::WebhookTested { status, .. }) if !matches!(status, Some(200..=299)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: WebhookAnswer, json: &str, text: &str) {
        let answer = Answer::Webhook(answer);
        assert_eq!(serde_json::to_string(&answer).expect("writes"), json);
        assert_eq!(answer.to_string(), format!("{text}\n"));
        let read: Answer = serde_json::from_str(json).expect("reads");
        assert_eq!(read.to_string(), answer.to_string());
    }

    fn line() -> WebhookLine {
        WebhookLine {
            name: "partner".to_owned(),
            url: "https://partner.example/hooks".to_owned(),
            caller: "key:1".to_owned(),
            of: None,
            waiting: 2,
            dead: 1,
            failing_since: Some("2026-01-31T12:00:00Z".to_owned()),
            disabled_at: None,
            reason: None,
        }
    }

    #[test]
    fn answers_are_lines_of_json_and_text() {
        let name = || "partner".to_owned();
        let secret = Secret::new("whsec_1".to_owned());
        check(
            WebhookAnswer::WebhookAdded { id: "1".to_owned(), name: name(), secret },
            r#"{"answer":"webhook-added","id":"1","name":"partner","secret":"whsec_1"}"#,
            "whsec_1\n\nThis secret is shown only once. The receiver checks signatures with it.",
        );
        check(
            WebhookAnswer::Webhooks { webhooks: Vec::new() },
            r#"{"answer":"webhooks","webhooks":[]}"#,
            "no webhooks; add one with `backstay webhook add NAME URL --as KEY`",
        );
        check(
            WebhookAnswer::WebhookTested { name: name(), message: "msg_1".to_owned(), status: Some(204), error: None },
            r#"{"answer":"webhook-tested","name":"partner","message":"msg_1","status":204,"error":null}"#,
            "partner answered msg_1 with 204",
        );
        check(
            WebhookAnswer::WebhookReplayed { name: name(), messages: 1 },
            r#"{"answer":"webhook-replayed","name":"partner","messages":1}"#,
            "1 message to partner will be sent again",
        );
        check(
            WebhookAnswer::WebhookEnabled { name: name(), dead: 3 },
            r#"{"answer":"webhook-enabled","name":"partner","dead":3}"#,
            "changes are sent to partner again; to send the 3 messages that were given up, use `backstay webhook replay partner`",
        );
    }

    #[test]
    fn an_endpoint_is_a_line_with_its_dead_letters() {
        let check = |webhook: WebhookLine, expected: &str| assert_eq!(webhook.to_string(), format!("{expected}\n"));
        let begin = "partner  https://partner.example/hooks  as key:1  all types  2 waiting, 1 given up";
        check(line(), &format!("{begin}  failing since 2026-01-31T12:00:00Z"));
        let (at, why) = ("2026-02-05T12:00:00Z".to_owned(), "it answered with 410 (Gone)".to_owned());
        let disabled = WebhookLine { disabled_at: Some(at), reason: Some(why), ..line() };
        check(disabled, &format!("{begin}  disabled since 2026-02-05T12:00:00Z: it answered with 410 (Gone)"));
        let letter = DeadLetterLine {
            message: "msg_1".to_owned(),
            record: "Post/7".to_owned(),
            event: "created".to_owned(),
            at: "2026-01-31T12:00:00Z".to_owned(),
            attempts: 10,
            error: "it answered with 500".to_owned(),
        };
        let expected =
            "  msg_1  Post/7 created 2026-01-31T12:00:00Z  given up after 10 attempts: it answered with 500\n";
        assert_eq!(letter.to_string(), expected);
    }
}
