//! Where mail is handed over: to a server, into a directory, or to a test.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use crate::error::SendError;
use crate::letter::Letter;
use crate::server::Server;
use crate::target::Target;

/// Where mail is handed over. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Delivery(Arc<Way>);

#[derive(Debug)]
enum Way {
    Server(Server),
    Directory(PathBuf),
    Outbox(Outbox),
}

/// That a mail was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Its `Message-ID`.
    pub message_id: String,
    /// Its subject.
    pub subject: String,
    /// The language it is written in.
    pub language: String,
    /// What the server has answered, or the file.
    pub reply: String,
}

/// The mail of a test. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Mutex<Vec<Sent>>>);

/// A mail that a test has sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// The same as HTML, if the template has that.
    pub html: Option<String>,
    /// The language it is written in.
    pub language: String,
}

impl Outbox {
    /// All mail so far, in the order in which it was sent.
    pub fn sent(&self) -> Vec<Sent> {
        self.0.lock().clone()
    }
}

impl Delivery {
    /// To what the settings name.
    pub fn to(target: Target) -> Self {
        Self(Arc::new(match target {
            Target::Server { host, port, encryption, user, password } => {
                Way::Server(Server::new((host, port, encryption), (user, password)))
            }
            Target::Directory(directory) => Way::Directory(directory),
        }))
    }

    /// To a test.
    pub fn to_test(outbox: Outbox) -> Self {
        Self(Arc::new(Way::Outbox(outbox)))
    }

    /// Hands a mail over.
    ///
    /// # Errors
    /// Why it wasn't, and whether it may be another time.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<Receipt, SendError> {
        let reply = match &*self.0 {
            Way::Server(server) => server.send(letter).await?,
            Way::Directory(directory) => written(directory, letter)?,
            Way::Outbox(outbox) => {
                letter.message()?;
                let content = letter.content.clone();
                let (subject, text, html, language) = (content.subject, content.text, content.html, content.language);
                outbox.0.lock().push(Sent { to: letter.to.to_owned(), subject, text, html, language });
                "kept for the test".to_owned()
            }
        };
        let (subject, language) = (letter.content.subject.clone(), letter.content.language.clone());
        Ok(Receipt { message_id: letter.message_id(), subject, language, reply })
    }
}

/// Writes a mail into a file, whose name is its own: one that is handed over twice is there once.
fn written(directory: &Path, letter: &Letter<'_>) -> Result<String, SendError> {
    let message = letter.message()?.formatted();
    let mut name = String::new();
    for part in letter.id.chars() {
        let _ = if part.is_ascii_alphanumeric() || part == '-' { name.write_char(part) } else { name.write_char('_') };
    }
    let path = directory.join(format!("{name}.eml"));
    let unwritable = |source| SendError::Unwritable { path: path.clone(), source };
    let beside = directory.join(format!(".{name}.new"));
    fs::create_dir_all(directory).map_err(unwritable)?;
    fs::write(&beside, message).and_then(|()| fs::rename(&beside, &path)).map_err(unwritable)?;
    Ok(path.display().to_string())
}
