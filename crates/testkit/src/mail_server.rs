//! An SMTP server that keeps what it is sent.

use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io, thread};

use mailin_embedded::{AuthMechanism, Handler, Response, Server, SslConfig, response};

/// A mail that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// Who sends it.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
    /// Its headers and its body.
    pub text: String,
}

/// How a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It takes mail from everybody.
    Open,
    /// It takes mail from whoever signs in as `shop` with `correct horse`, over TLS.
    Closed,
}

/// An SMTP server on this machine. It runs as long as the test's process.
#[derive(Debug)]
pub struct MailServer {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    received: Vec<ReceivedMail>,
    /// What the next mails are answered with, instead of 250.
    replies: Vec<u16>,
    /// How many mails were begun.
    attempts: usize,
}

impl MailServer {
    /// Starts one on any free port. In the directory are the certificates of one that has TLS.
    pub fn start(behaviour: Behaviour, certificates: &Path) -> io::Result<Self> {
        let state = Arc::<Mutex<State>>::default();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let session = Session { state: Arc::clone(&state), is_in: behaviour == Behaviour::Open, mail: None };
        let mut server = Server::new(session);
        server.with_name("localhost").with_num_threads(16).with_tcp_listener(listener);
        if behaviour == Behaviour::Closed {
            let path = |name: &str| certificates.join(name).display().to_string();
            let ssl = SslConfig::SelfSigned { cert_path: path("server.crt"), key_path: path("server.key") };
            server.with_ssl(ssl).map_err(|error| io::Error::other(error.to_string()))?;
            server.with_auth(AuthMechanism::Plain);
        }
        thread::spawn(move || server.serve().map_err(|error| error.to_string()));
        Ok(Self { port, state })
    }

    /// The port at which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next mails are answered with these codes, one each.
    pub fn answer_next(&self, codes: &[u16]) {
        self.state().replies = codes.iter().rev().copied().collect();
    }

    /// What it has taken so far.
    pub fn received(&self) -> Vec<ReceivedMail> {
        self.state().received.clone()
    }

    /// How many mails were begun, those included that it didn't take.
    pub fn attempts(&self) -> usize {
        self.state().attempts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes certificates of `localhost` in a directory: `ca.crt` is that of the authority.
    pub fn certify(directory: &Path) -> io::Result<()> {
        crate::postgres::certify(directory, false)?;
        fs::metadata(directory.join("ca.crt")).map(drop)
    }
}

/// One connection.
#[derive(Debug, Clone)]
struct Session {
    state: Arc<Mutex<State>>,
    is_in: bool,
    mail: Option<ReceivedMail>,
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for Session {
    fn auth_plain(&mut self, _: &str, name: &str, password: &str) -> Response {
        self.is_in = (name, password) == ("shop", "correct horse");
        if self.is_in { response::AUTH_OK } else { response::INVALID_CREDENTIALS }
    }

    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        if !self.is_in {
            return response::AUTHENTICATION_REQUIRED;
        }
        let mut state = self.state();
        state.attempts += 1;
        let reply = state.replies.pop();
        drop(state);
        self.mail = Some(ReceivedMail { from: from.to_owned(), to: Vec::new(), text: String::new() });
        reply.map_or(response::OK, |code| Response::custom(code, "as the test says".to_owned()))
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if let Some(mail) = &mut self.mail {
            mail.to.push(to.to_owned());
        }
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(mail) = &mut self.mail {
            mail.text.push_str(&String::from_utf8_lossy(bytes));
        }
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mail = self.mail.take();
        self.state().received.extend(mail);
        response::OK
    }
}
