use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::Mutex;
use rustix::thread::gettid;
use serde_json::Value;

use super::super::client::{Answer, Client};
use super::super::socket::{connect_from, connect_narrow};
use super::samples::{Outcome, Tally};
use super::scene::{Request, Scene};

/// The network of the attacker. Others have 127.0.0.1.
const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// How long a connection may take to be opened.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The same, of one of many connections. Less than the second after which the system itself tries again.
const NARROW_PATIENCE: Duration = Duration::from_millis(100);
/// Connections that are opened at a time.
const OPENERS: usize = 16;
/// How long the attacker waits after a connection that failed.
const PAUSE: Duration = Duration::from_millis(10);
/// The smallest room for an answer that the system gives a connection.
const NARROW_BYTES: usize = 4096;

/// Lets the calling thread, and those that it starts, have the processors only while nobody else wants them: an attacker has
/// a machine of its own.
pub(crate) fn go_last() -> Result<()> {
    let thread = gettid().as_raw_nonzero().to_string();
    let status =
        Command::new("chrt").args(["--idle", "--pid", "0", &thread]).status().context("cannot start `chrt`")?;
    ensure!(status.success(), "`chrt` failed with {status}");
    Ok(())
}

/// Who sends the requests of an attack.
#[derive(Debug, Clone, Copy)]
pub(crate) enum As {
    Anonymous,
    /// The attacker's account.
    Account,
}

/// One attacker: all that comes from one network during one attack.
#[derive(Debug)]
pub(crate) struct Attacker<'a> {
    pub(crate) scene: &'a Scene,
    address: SocketAddrV4,
    until: Instant,
    over: AtomicBool,
    /// The connections of well-behaved clients, to be closed when the attack ends.
    open: Mutex<Vec<TcpStream>>,
    answers: Mutex<Tally>,
    /// Those that had to be the same, without what is another in each of them.
    alike: Mutex<BTreeSet<String>>,
}

impl<'a> Attacker<'a> {
    /// An attacker of the server at this address, until this moment.
    pub(crate) fn new(scene: &'a Scene, address: SocketAddrV4, until: Instant) -> Self {
        let over = AtomicBool::new(false);
        let (open, answers, alike) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { scene, address, until, over, open, answers, alike }
    }

    /// Waits until the attack is to end, then closes every connection.
    pub(crate) fn finish(&self) {
        thread::sleep(self.until.saturating_duration_since(Instant::now()));
        self.over.store(true, Relaxed);
        for stream in self.open.lock().drain(..) {
            // The server may have closed it.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// The answers that the attacker got.
    pub(crate) fn answers(&self) -> Tally {
        self.answers.lock().clone()
    }

    /// How answers differ that had to be the same, if they do.
    pub(crate) fn difference(&self) -> Option<String> {
        let alike = self.alike.lock();
        (alike.len() > 1).then(|| alike.iter().map(String::as_str).collect::<Vec<_>>().join("; "))
    }

    /// Sends requests from this many clients, each of them the next as soon as it has an answer. The number of a request
    /// is unlike that of any other.
    pub(crate) fn flood(&self, caller: As, clients: usize, request: impl Fn(usize) -> Request + Sync) {
        self.flood_and(caller, clients, request, |_| ());
    }

    /// The same where all answers have to be the same.
    pub(crate) fn flood_for_one_answer(&self, caller: As, clients: usize, request: impl Fn(usize) -> Request + Sync) {
        self.flood_and(caller, clients, request, |answer| {
            if let Some(essence) = essence(answer) {
                self.alike.lock().insert(essence);
            }
        });
    }

    fn flood_and(
        &self,
        caller: As,
        clients: usize,
        request: impl Fn(usize) -> Request + Sync,
        judge: impl Fn(&Answer) + Sync,
    ) {
        thread::scope(|scope| {
            for client in 0..clients {
                let (request, judge) = (&request, &judge);
                scope.spawn(move || {
                    let mut connection = None;
                    for turn in (client..).step_by(clients) {
                        if self.over() {
                            return;
                        }
                        if let Some((client, answer)) = self.send(connection.take(), caller, &request(turn)) {
                            judge(&answer);
                            connection = Some(client);
                        }
                    }
                });
            }
        });
    }

    /// Sends these requests one after the other, each until it is carried out, and then waits for the end of the attack.
    pub(crate) fn send_each(&self, caller: As, requests: impl Iterator<Item = Request>) {
        let mut connection = None;
        for request in requests {
            let mut is_done = false;
            while !is_done {
                if self.over() {
                    return;
                }
                if let Some((client, answer)) = self.send(connection.take(), caller, &request) {
                    // It was done before if the answer to that was lost.
                    is_done = matches!(answer.status, 200..300 | 404);
                    connection = Some(client);
                }
            }
        }
        self.hold(self.until.saturating_duration_since(Instant::now()));
    }

    /// Opens this many connections, sends these bytes on each of them, and returns those that are open. Tries again until
    /// there are as many, or the attack ends.
    pub(crate) fn occupy(&self, connections: usize, sent: &[u8]) -> Vec<TcpStream> {
        let open = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for opener in 0..OPENERS {
                let open = &open;
                scope.spawn(move || {
                    for _ in (opener..connections).step_by(OPENERS) {
                        let opened = std::iter::repeat_with(|| self.open_narrow(sent).ok());
                        let Some(stream) = opened.take_while(|_| !self.over()).flatten().next() else { return };
                        open.lock().push(stream);
                    }
                });
            }
        });
        open.into_inner()
    }

    fn open_narrow(&self, sent: &[u8]) -> Result<TcpStream> {
        let mut stream = connect_narrow(SOURCE, self.address, NARROW_PATIENCE, NARROW_BYTES)?;
        stream.write_all(sent)?;
        Ok(stream)
    }

    /// Sends a piece on every connection in each second, until the attack ends.
    pub(crate) fn trickle(&self, mut streams: Vec<TcpStream>, piece: &[u8]) {
        while !self.over() {
            let begin = Instant::now();
            for stream in &mut streams {
                // If the server doesn't take it now, the next second tries again. `leave` reports what was closed.
                let _ = stream.set_nonblocking(true).and_then(|()| stream.write(piece));
            }
            self.hold(Duration::from_secs(1).saturating_sub(begin.elapsed()));
        }
        self.leave(streams);
    }

    /// Keeps the connections, without reading, until the attack ends.
    pub(crate) fn keep(&self, streams: Vec<TcpStream>) {
        self.hold(self.until.saturating_duration_since(Instant::now()));
        self.leave(streams);
    }

    /// Closes connections, and counts what the server has answered on each.
    fn leave(&self, streams: Vec<TcpStream>) {
        let mut answers = self.answers.lock();
        for mut stream in streams {
            answers.add(answered(&mut stream));
        }
    }

    fn hold(&self, time: Duration) {
        let left = self.until.saturating_duration_since(Instant::now());
        thread::sleep(time.min(left));
    }

    fn over(&self) -> bool {
        self.over.load(Relaxed) || Instant::now() >= self.until
    }

    /// Sends a request, and returns the answer and the connection, which can be used again.
    fn send(&self, connection: Option<Client>, caller: As, request: &Request) -> Option<(Client, Answer)> {
        let Request { method, path, body } = request;
        let outcome = match connection.map_or_else(|| self.connect(caller), Ok) {
            Ok(mut client) => match client.send(method, path, body.as_deref()) {
                Ok(answer) => {
                    self.answers.lock().add(Outcome::Status(answer.status));
                    return Some((client, answer));
                }
                Err(_) if self.over() => Outcome::Open,
                Err(_) => Outcome::Lost,
            },
            Err(_) if self.over() => return None,
            Err(_) => Outcome::Lost,
        };
        self.answers.lock().add(outcome);
        thread::sleep(PAUSE);
        None
    }

    fn connect(&self, caller: As) -> Result<Client> {
        let stream = connect_from(SOURCE, self.address, PATIENCE)?;
        // An answer may take as long as the attack, which closes the connection when it ends.
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        let mut open = self.open.lock();
        // Closed before the lock is released, or by `finish` after it.
        if self.over() {
            bail!("the attack is over");
        }
        open.push(stream.try_clone()?);
        drop(open);
        let token = match caller {
            As::Anonymous => None,
            As::Account => Some(self.scene.attacker.as_str()),
        };
        Ok(Client::over(stream, token))
    }
}

/// What an answer tells: its status, and its body without what names the request. `None`: it tells of the server's load alone.
fn essence(answer: &Answer) -> Option<String> {
    if matches!(answer.status, 429 | 503) {
        return None;
    }
    let text = || Value::from(String::from_utf8_lossy(&answer.body));
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| text());
    if let Some(problem) = body.as_object_mut() {
        problem.remove("requestId");
        problem.remove("instance");
    }
    Some(format!("{} {body}", answer.status))
}

/// What a connection holds that nobody has read from.
fn answered(stream: &mut TcpStream) -> Outcome {
    let mut head = [0; 12];
    match stream.set_nonblocking(true).and_then(|()| stream.read(&mut head)) {
        Ok(_) => status(&head).map_or(Outcome::Lost, Outcome::Status),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Outcome::Open,
        Err(_) => Outcome::Lost,
    }
}

/// The status of `HTTP/1.1 200`.
fn status(head: &[u8; 12]) -> Option<u16> {
    std::str::from_utf8(head).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::super::client::Answer;

    #[test]
    fn answers_are_the_same_but_for_the_id_of_the_request() {
        let essence = |status: u16, body: &str| super::essence(&Answer { status, body: body.into() });
        let refused = essence(422, r#"{"type":"/problems/invalid","instance":"urn:uuid:1","requestId":"1"}"#);
        assert_eq!(refused.as_deref(), Some(r#"422 {"type":"/problems/invalid"}"#));
        assert_eq!(essence(422, r#"{"type":"/problems/invalid","instance":"urn:uuid:2","requestId":"2"}"#), refused);
        assert_ne!(essence(200, r#"{"name":"The safe"}"#), refused);
        assert_eq!(essence(429, "{}"), None);
    }

    #[test]
    fn a_status_is_read_from_the_first_line() {
        assert_eq!(super::status(b"HTTP/1.1 503"), Some(503));
        assert_eq!(super::status(b"GET / HTTP/1"), None);
        assert_eq!(super::status(&[0; 12]), None);
    }
}
