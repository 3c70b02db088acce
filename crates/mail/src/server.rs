//! The connection to an SMTP server.

use std::time::Duration;

use backstay_base::{Secret, limits};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, PoolConfig};
use lettre::{Address, AsyncTransport as _, Tokio1Executor};
use tokio::sync::OnceCell;

use crate::error::SendError;
use crate::letter::Letter;
use crate::target::Encryption;

/// An SMTP server, with connections that are used again.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encryption: Encryption,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    /// Made with the first mail, because it needs a runtime.
    transport: OnceCell<AsyncSmtpTransport<Tokio1Executor>>,
}

impl Server {
    pub(crate) fn new(
        (host, port, encryption): (String, u16, Encryption),
        (user, password): (Option<String>, Option<Secret>),
    ) -> Self {
        Self { host, port, encryption, user, password, transport: OnceCell::new() }
    }

    /// Hands a mail over. Returns what the server answers.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> Result<String, SendError> {
        let message = letter.message()?;
        let connect = || async { self.transport(letter.from.domain()) };
        let transport = self.transport.get_or_try_init(connect).await?;
        let has_other_letters = message.envelope().to().iter().any(|to: &Address| !AsRef::<str>::as_ref(to).is_ascii());
        let reply = match transport.send(message).await {
            // What lettre itself refuses is about the settings (TLS, how to sign in), or about the address.
            Err(error) if error.is_client() && has_other_letters && transport.test_connection().await? => {
                return Err(SendError::OtherLetters { to: letter.to.to_owned(), source: Box::new(error) });
            }
            reply => reply?,
        };
        let lines: Vec<&str> = reply.message().collect();
        Ok(format!("{} {}", reply.code(), lines.join(" ")))
    }

    fn transport(&self, domain: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
        let parameters = || TlsParameters::new(self.host.clone());
        let tls = match self.encryption {
            Encryption::Implicit => Tls::Wrapper(parameters()?),
            Encryption::StartTls => Tls::Required(parameters()?),
            Encryption::None => Tls::None,
        };
        let idle = Duration::from_secs(limits::MAIL_IDLE_SECONDS);
        let pool = PoolConfig::new().max_size(limits::MAIL_CONCURRENCY).idle_timeout(idle);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::Domain(domain.to_owned()))
            .timeout(Some(Duration::from_secs(limits::MAIL_SECONDS)))
            .pool_config(pool);
        if let Some(user) = &self.user {
            let password = self.password.as_ref().map_or("", Secret::expose);
            builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
        }
        Ok(builder.build())
    }
}
