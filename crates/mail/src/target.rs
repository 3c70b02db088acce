//! Where mail goes, as the settings name it.

use std::path::PathBuf;

use backstay_base::Secret;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Where the mail of an application goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To an SMTP server.
    Server {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is encrypted.
        encryption: Encryption,
        /// As whom to sign in.
        user: Option<String>,
        /// The password that is in the address.
        password: Option<Secret>,
    },
    /// Into a directory, one file for each.
    Directory(PathBuf),
}

/// How a connection to a server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From the beginning (RFC 8314).
    Implicit,
    /// By STARTTLS (RFC 3207); without it, nothing is sent.
    StartTls,
    /// Not at all.
    None,
}

/// A text names no place where mail can go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// It isn't an address of that kind.
    #[error("expected an address such as smtps://user@mail.example.org, or file:outbox")]
    Address,
    /// It has parts that nothing reads.
    #[error("the address of a mail server has no path and no parameter but `tls`")]
    Parts,
    /// `tls=` has another value.
    #[error("`tls` is `required`, which is the default, or `none`")]
    Tls,
    /// `smtps:` is encrypted.
    #[error("smtps:// is encrypted; write smtp:// with `?tls=none`")]
    Contradiction,
    /// A password would be sent in the clear.
    #[error("with `tls=none`, the password could be read on its way; use smtps:// or leave the user out")]
    ClearPassword,
}

impl Target {
    /// Reads `smtps://user@host`, `smtp://user@host:587` or `file:directory`.
    pub fn parse(text: &str) -> Result<Self, NoTarget> {
        if let Some(directory) = text.strip_prefix("file:") {
            let directory = directory.strip_prefix("//").unwrap_or(directory);
            return if directory.is_empty() { Err(NoTarget::Address) } else { Ok(Self::Directory(directory.into())) };
        }
        let url = Url::parse(text).map_err(|_| NoTarget::Address)?;
        let (port, implicit) = match url.scheme() {
            "smtps" => (465, true),
            "smtp" => (587, false),
            _ => return Err(NoTarget::Address),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(NoTarget::Address)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(NoTarget::Parts);
        }
        let mut encryption = if implicit { Encryption::Implicit } else { Encryption::StartTls };
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("tls", "required") => {}
                ("tls", "none") if implicit => return Err(NoTarget::Contradiction),
                ("tls", "none") => encryption = Encryption::None,
                ("tls", _) => return Err(NoTarget::Tls),
                _ => return Err(NoTarget::Parts),
            }
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = Some(decoded(url.username())).filter(|user| !user.is_empty());
        if user.is_some() && encryption == Encryption::None && !is_here(&url) {
            return Err(NoTarget::ClearPassword);
        }
        let password = url.password().map(decoded).map(Secret::new);
        // An IPv6 address has brackets in an address only.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self::Server { host, port: url.port().unwrap_or(port), encryption, user, password })
    }

    /// The same with the password of a file, unless the address has one.
    #[must_use]
    pub fn with_password(self, given: Secret) -> Self {
        match self {
            Self::Server { host, port, encryption, user, password } => {
                Self::Server { host, port, encryption, user, password: Some(password.unwrap_or(given)) }
            }
            Self::Directory(directory) => Self::Directory(directory),
        }
    }
}

/// Whether the server is on this machine.
fn is_here(url: &Url) -> bool {
    // The host of an address whose scheme isn't one of the web's is a domain, whatever it looks like.
    match url.host_str().map(Host::parse) {
        Some(Ok(Host::Ipv4(address))) => address.is_loopback(),
        Some(Ok(Host::Ipv6(address))) => address.is_loopback(),
        Some(Ok(Host::Domain(name))) => name == "localhost",
        Some(Err(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let read = match Target::parse(text) {
            Ok(Target::Server { host, port, encryption, user, password }) => {
                let password = password.as_ref().map_or("-", Secret::expose);
                format!("{host} {port} {encryption:?} {} {password}", user.as_deref().unwrap_or("-"))
            }
            Ok(Target::Directory(directory)) => format!("directory {}", directory.display()),
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn addresses_of_servers() {
        check("smtps://mail.example.org", "mail.example.org 465 Implicit - -");
        check(
            "smtp://shop%40example.org:p%40ss@mail.example.org",
            "mail.example.org 587 StartTls shop@example.org p@ss",
        );
        check("smtp://mail.example.org:25?tls=none", "mail.example.org 25 None - -");
        check("smtp://user@127.0.0.1:2525?tls=none", "127.0.0.1 2525 None user -");
        check("smtp://user@[::1]?tls=none", "::1 587 None user -");
        check("smtp://user@localhost?tls=required", "localhost 587 StartTls user -");
        check("file:outbox", "directory outbox");
        check("file:///var/outbox", "directory /var/outbox");
    }

    #[test]
    fn what_is_no_address() {
        check("", "Address");
        check("mail.example.org", "Address");
        check("https://mail.example.org", "Address");
        check("smtp://", "Address");
        check("file:", "Address");
        check("smtps://mail.example.org/inbox", "Parts");
        check("smtps://mail.example.org?timeout=5", "Parts");
        check("smtps://mail.example.org?tls=none", "Contradiction");
        check("smtp://mail.example.org?tls=maybe", "Tls");
        check("smtp://user@mail.example.org?tls=none", "ClearPassword");
    }
}
