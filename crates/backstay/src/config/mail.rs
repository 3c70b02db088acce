use std::path::PathBuf;

use backstay_base::Secret;
use backstay_mail::{Sender, Target, is_language};

use super::value::{Applies, Key, Kind, quoted};

/// Where mail goes, and who sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address of the mail server, or a directory.
    pub url: Option<Secret>,
    /// A file with the password for the mail server, relative to the application's directory.
    pub password_file: Option<PathBuf>,
    /// Who sends it.
    pub from: Option<String>,
    /// The language of whoever has none.
    pub language: String,
}

impl Default for Mail {
    fn default() -> Self {
        Self { url: None, password_file: None, from: None, language: "en".to_owned() }
    }
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    Key {
        section: "mail",
        name: "url",
        applies: Applies::Reload,
        kind: Kind::Text,
        about: "Where [mail](mail.md) goes: an SMTP server with TLS (`smtps://user@mail.example.org`), with STARTTLS \
                (`smtp://user@mail.example.org`) or unencrypted (`smtp://localhost:25?tls=none`), or a directory with a file for each mail \
                (`file:outbox`, relative to the application's directory). If empty, `backstay dev` writes mail to the data directory, and \
                `backstay serve` refuses an application that has templates.",
        set: |config, given| {
            let url = given.text()?;
            if !url.is_empty() {
                Target::parse(&url).map_err(|error| error.to_string())?;
            }
            config.mail.url = Some(url).filter(|url| !url.is_empty()).map(Secret::new);
            Ok(())
        },
        // The comparison of settings needs it; nobody prints any but the default.
        show: |config| quoted(config.mail.url.as_ref().map_or("", Secret::expose)),
    },
    Key {
        section: "mail",
        name: "password_file",
        applies: Applies::Reload,
        kind: Kind::Text,
        about: "File with the password for `url`, relative to the application's directory; its last line break doesn't count. If empty, the \
                password is the one in the address, if any.",
        set: |config, given| {
            config.mail.password_file = Some(given.text()?).filter(|path| !path.is_empty()).map(PathBuf::from);
            Ok(())
        },
        show: |config| {
            let path = config.mail.password_file.as_ref();
            quoted(&path.map_or_else(String::new, |path| path.to_string_lossy().into_owned()))
        },
    },
    Key {
        section: "mail",
        name: "from",
        applies: Applies::Reload,
        kind: Kind::Text,
        about: "Who sends mail, such as `Shop <shop@example.org>`.",
        set: |config, given| {
            let from = given.text()?;
            if !from.is_empty() {
                Sender::parse(&from).map_err(|error| error.to_string())?;
            }
            config.mail.from = Some(from).filter(|from| !from.is_empty());
            Ok(())
        },
        show: |config| quoted(config.mail.from.as_deref().unwrap_or_default()),
    },
    Key {
        section: "mail",
        name: "language",
        applies: Applies::Reload,
        kind: Kind::Text,
        about: "The language of mail to people of whom no other is known, or in whose language there is no template. Each template is there \
                in this language.",
        set: |config, given| {
            let language = given.text()?;
            if !is_language(&language) {
                return Err("expected a language tag such as en or de-CH".into());
            }
            config.mail.language = language;
            Ok(())
        },
        show: |config| quoted(&config.mail.language),
    },
];
