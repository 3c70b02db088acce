use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tempfile::TempDir;

use crate::Cluster;

/// The name of the socket in a server's directory.
const SOCKET: &str = ".s.PGSQL.5432";
/// The longest piece that is passed on at a time.
const PIECE: usize = 1024 * 1024;
/// The messages of the client after which the server says that it is ready for the next.
const QUERY: u8 = b'Q';
const SYNC: u8 = b'S';
/// Those that prepare a statement, and that run one.
const PARSE: u8 = b'P';
const BIND: u8 = b'B';
/// The message by which the server says that it is ready.
const READY: u8 = b'Z';
/// What a connection asks that only follows what others commit: it isn't part of any request.
const FOLLOWING: &str = "backstay_sequence_log";
/// What begins the question by which a new connection joins those of its process, and what one about types contains.
const JOINING: &str = "SELECT pg_try_advisory_lock_shared";
const TYPES: &str = "pg_catalog.pg_type";

/// Stands between clients and a PostgreSQL server and tells round trips apart: one begins when a client sends something when the
/// server owes it no answer. What is sent before an earlier answer has arrived belongs to the same round trip. What makes a
/// connection ready, once for each, such as preparing a statement, is not counted.
#[derive(Debug)]
pub struct RoundTrips {
    directory: TempDir,
    trips: Arc<Mutex<Vec<Trip>>>,
}

/// The number of a connection, and the statements that were run on it in one round trip.
type Trip = (usize, Vec<String>);

impl RoundTrips {
    /// Listens on a socket of its own. Its threads end with the process.
    ///
    /// # Panics
    /// If there can be no socket.
    pub fn to(cluster: &Cluster) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let listener = UnixListener::bind(directory.path().join(SOCKET)).expect("a socket can be made");
        let (server, trips) = (cluster.file(SOCKET), Arc::<Mutex<Vec<Trip>>>::default());
        let told = Arc::clone(&trips);
        thread::spawn(move || {
            for (connection, client) in listener.incoming().flatten().enumerate() {
                // A connection that can't be passed on ends, which its client notices.
                drop(pass_on((connection, client), &server, &told));
            }
        });
        Self { directory, trips }
    }

    /// The directory of the socket, which stands for the server's in addresses.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The statements of each round trip since this was last asked.
    pub fn take(&self) -> Vec<Vec<String>> {
        let trips = std::mem::take(&mut *self.trips.lock().unwrap_or_else(PoisonError::into_inner));
        let is_of_request = |text: &String| !text.starts_with(JOINING) && !text.contains(TYPES);
        trips.into_iter().map(|(_, texts)| texts).filter(|texts| texts.iter().any(is_of_request)).collect()
    }
}

/// What a client asks on one connection.
struct Asked {
    /// The number of the connection.
    connection: usize,
    /// The texts of prepared statements by name.
    prepared: HashMap<String, String>,
    /// Those that were sent since the last message after which the server answers.
    sent: Vec<String>,
    /// Answers that the server owes.
    owed: Arc<AtomicU64>,
    follows: bool,
}

impl Asked {
    fn on(connection: usize, owed: &Arc<AtomicU64>) -> Self {
        Self { connection, prepared: HashMap::new(), sent: Vec::new(), owed: Arc::clone(owed), follows: false }
    }

    fn take(&mut self, kind: u8, body: &[u8], trips: &Mutex<Vec<Trip>>) {
        let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        let mut next = || texts.next().unwrap_or_default();
        match kind {
            PARSE => {
                let name = next();
                self.prepared.insert(name, next());
            }
            BIND => {
                next();
                self.sent.extend(self.prepared.get(&next()).cloned());
            }
            QUERY => self.sent.push(next()),
            _ => {}
        }
        if kind != QUERY && kind != SYNC {
            return;
        }
        let sent = std::mem::take(&mut self.sent);
        self.follows |= sent.iter().any(|text| text.contains(FOLLOWING));
        let begins = self.owed.fetch_add(1, Ordering::SeqCst) == 0;
        if self.follows {
            return;
        }
        let mut trips = trips.lock().unwrap_or_else(PoisonError::into_inner);
        let last = trips.iter_mut().rfind(|(connection, _)| *connection == self.connection);
        match last.filter(|_| !begins) {
            Some((_, last)) => last.extend(sent),
            None => trips.push((self.connection, sent)),
        }
    }
}

/// Passes on what both ends of a connection send.
fn pass_on((connection, client): (usize, UnixStream), server: &Path, trips: &Arc<Mutex<Vec<Trip>>>) -> io::Result<()> {
    let server = UnixStream::connect(server)?;
    // The server answers the beginning of the connection, which has no type, with the first `READY`.
    let owed = Arc::new(AtomicU64::new(1));
    let mut asked = Messages { of_beginning: true, ..Messages::default() };
    let mut answered = Messages::default();
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let mut asks = Asked::on(connection, &owed);
    let trips = Arc::clone(trips);
    let ask = move |piece: &[u8]| asked.each(piece, |kind, body| asks.take(kind, body, &trips));
    let answer = move |piece: &[u8]| {
        answered.each(piece, |kind, _| {
            if kind == READY {
                owed.fetch_sub(1, Ordering::SeqCst);
            }
        });
    };
    thread::spawn(move || transfer(from, to, ask));
    thread::spawn(move || transfer(server, client, answer));
    Ok(())
}

/// Passes on what comes until it ends, and shows each piece before.
fn transfer(mut from: UnixStream, mut to: UnixStream, mut show: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 {
            return to.shutdown(std::net::Shutdown::Both);
        }
        show(&piece[..length]);
        to.write_all(&piece[..length])?;
    }
}

/// The messages in a stream of bytes: a type, a length that includes itself, and the rest.
#[derive(Debug, Default)]
struct Messages {
    /// The first message has no type.
    of_beginning: bool,
    /// The beginning of a message whose end isn't there yet.
    begun: Vec<u8>,
}

impl Messages {
    /// Tells the type of each message that ends in this piece, 0 if it has none, and its body.
    fn each(&mut self, piece: &[u8], mut tell: impl FnMut(u8, &[u8])) {
        self.begun.extend_from_slice(piece);
        loop {
            let untyped = usize::from(!self.of_beginning);
            let length = self.begun.get(untyped..untyped + 4).and_then(|length| length.try_into().ok());
            // Lengths have 31 bits.
            let length = length.map(|length| usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX));
            let Some(end) = length.map(|length| untyped + length).filter(|end| *end <= self.begun.len()) else {
                return;
            };
            let kind = if self.of_beginning { 0 } else { self.begun[0] };
            tell(kind, &self.begun[untyped + 4..end]);
            self.of_beginning = false;
            self.begun.drain(..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_however_they_are_cut() {
        let stream = [&b"\0\0\0\x08abcd"[..], b"Q\0\0\0\x06x\0", b"S\0\0\0\x04", b"S\0\0\0\x04"].concat();
        for at in 1..stream.len() {
            let mut messages = Messages { of_beginning: true, ..Messages::default() };
            let mut told = Vec::new();
            for piece in stream.chunks(at) {
                messages.each(piece, |kind, body| told.push((kind, body.to_vec())));
            }
            let expected = [(0, b"abcd".to_vec()), (b'Q', b"x\0".to_vec()), (b'S', vec![]), (b'S', vec![])];
            assert_eq!(told, expected, "in pieces of {at} bytes");
        }
    }

    #[test]
    fn what_is_sent_before_an_answer_belongs_to_the_same_round_trip() {
        let (trips, owed) = (Mutex::<Vec<Trip>>::default(), Arc::<AtomicU64>::default());
        let mut asks = Asked::on(0, &owed);
        let mut send = |kind: u8, body: &[u8]| asks.take(kind, body, &trips);
        send(PARSE, b"s1\0SELECT 1\0\0\0");
        send(SYNC, b"");
        owed.store(0, Ordering::SeqCst);
        send(QUERY, b"BEGIN\0");
        send(BIND, b"\0s1\0\0\0");
        send(SYNC, b"");
        owed.store(0, Ordering::SeqCst);
        send(QUERY, b"COMMIT\0");
        let expected: [&[&str]; 3] = [&[], &["BEGIN", "SELECT 1"], &["COMMIT"]];
        let trips = trips.into_inner().expect("not poisoned");
        assert_eq!(trips.into_iter().map(|(_, texts)| texts).collect::<Vec<_>>(), expected);
    }
}
