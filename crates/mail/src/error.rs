use std::io;
use std::path::PathBuf;

use backstay_base::limits;
use lettre::transport::smtp;

/// Why a mail can't be made of a template.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no such template.
    #[error("there is no mail template `{name}`")]
    NoTemplate {
        /// The name that was given.
        name: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// The template names values that weren't given.
    #[error("the mail template {file} needs {}", listed(.names))]
    MissingValues {
        /// The file of the template.
        file: String,
        /// The names of the values.
        names: Vec<String>,
    },
    /// Something else in the template fails with these values.
    #[error("the mail template {file}{} fails", line.map_or_else(String::new, |line| format!(", line {line},")))]
    Template {
        /// The file of the template.
        file: String,
        /// The line, from 1.
        line: Option<usize>,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The mail would be too large.
    #[error("the mail of the template {file} would be larger than {} bytes", limits::MAIL_BYTES)]
    TooLarge {
        /// The file of the template.
        file: String,
    },
}

impl RenderError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NoTemplate { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::NoTemplate { .. } => "write it in `mail/NAME.LANGUAGE.txt`".to_owned(),
            Self::MissingValues { .. } => "pass it, or null where there is no value".to_owned(),
            Self::Template { .. } => "correct the template, or pass other values".to_owned(),
            Self::TooLarge { .. } => "shorten it".to_owned(),
        }
    }
}

fn listed(names: &[String]) -> String {
    let each: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    each.join(", ")
}

/// Why a mail wasn't sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// An address or a header can't be used.
    #[error("the mail can't be written")]
    Unwritten(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refuses this mail, and would again.
    #[error("the mail server refuses the mail with {code}")]
    Refused {
        /// The code of its reply.
        code: u16,
        /// Its reply.
        #[source]
        source: Box<smtp::Error>,
    },
    /// The address has letters other than those of ASCII, and the server takes none (RFC 6531, `SMTPUTF8`).
    #[error("the mail server takes no address with letters other than a to z: `{to}`")]
    OtherLetters {
        /// Whom the mail is for.
        to: String,
        /// What lettre says.
        #[source]
        source: Box<smtp::Error>,
    },
    /// The server can't be used, or doesn't take the mail now.
    #[error("the mail server doesn't take the mail")]
    Deferred(#[source] Box<smtp::Error>),
    /// The file can't be written.
    #[error("cannot write {path}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SendError {
    /// Whether it would fail again.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Unwritten(_) | Self::Refused { .. } | Self::OtherLetters { .. } => true,
            Self::Deferred(_) | Self::Unwritable { .. } => false,
        }
    }
}

impl From<smtp::Error> for SendError {
    /// A reply that refuses the account (530, 534, 535, 538) is about the settings, not about this mail.
    fn from(error: smtp::Error) -> Self {
        let code = error.status().map(u16::from);
        match code {
            Some(530 | 534 | 535 | 538) | None => Self::Deferred(Box::new(error)),
            Some(code) if error.is_permanent() => Self::Refused { code, source: Box::new(error) },
            Some(_) => Self::Deferred(Box::new(error)),
        }
    }
}
