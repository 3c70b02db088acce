use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::Cluster;

/// The name of the socket in a server's directory.
const SOCKET: &str = ".s.PGSQL.5432";
/// The longest piece that is passed on at a time.
const PIECE: usize = 1024 * 1024;
/// The messages of the client after which the server says that it is ready for the next.
const ASKING: [u8; 2] = *b"QS";
/// What a connection asks that only follows what others commit: it isn't part of any request.
const FOLLOWING: &[u8] = b"backstay_sequence_log";
/// The message by which the server says that.
const READY: u8 = b'Z';

/// Stands between clients and a PostgreSQL server and counts round trips: how often a client sends something when the server
/// owes it no answer. What is sent before an earlier answer has arrived belongs to the same round trip.
#[derive(Debug)]
pub struct RoundTrips {
    directory: TempDir,
    counted: Arc<AtomicU64>,
}

impl RoundTrips {
    /// Listens on a socket of its own. Its threads end with the process.
    ///
    /// # Panics
    /// If there can be no socket.
    pub fn to(cluster: &Cluster) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let listener = UnixListener::bind(directory.path().join(SOCKET)).expect("a socket can be made");
        let (server, counted) = (cluster.file(SOCKET), Arc::<AtomicU64>::default());
        let counts = Arc::clone(&counted);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that can't be passed on ends, which its client notices.
                drop(pass_on(client, &server, &counts));
            }
        });
        Self { directory, counted }
    }

    /// The directory of the socket, which stands for the server's in addresses.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// How many there were so far.
    pub fn count(&self) -> u64 {
        self.counted.load(Ordering::SeqCst)
    }
}

/// Passes on what both ends of a connection send.
fn pass_on(client: UnixStream, server: &Path, counted: &Arc<AtomicU64>) -> io::Result<()> {
    let server = UnixStream::connect(server)?;
    // The server answers the beginning of the connection, which has no type, with the first `READY`.
    let owed = Arc::new(AtomicU64::new(1));
    let mut asked = Messages { of_beginning: true, ..Messages::default() };
    let mut answered = Messages::default();
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let (owes, counted) = (Arc::clone(&owed), Arc::clone(counted));
    let mut follows = false;
    let ask = move |piece: &[u8]| {
        follows |= piece.windows(FOLLOWING.len()).any(|part| part == FOLLOWING);
        asked.each(piece, |kind| {
            if ASKING.contains(&kind) && owes.fetch_add(1, Ordering::SeqCst) == 0 && !follows {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
    };
    let answer = move |piece: &[u8]| {
        answered.each(piece, |kind| {
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
    /// The beginning of a message whose length isn't known yet.
    head: Vec<u8>,
    /// Bytes that are left of the message before.
    left: usize,
}

impl Messages {
    /// Tells the type of each message that begins in this piece, 0 if it has none.
    fn each(&mut self, piece: &[u8], mut tell: impl FnMut(u8)) {
        let mut rest = piece;
        while !rest.is_empty() {
            let passed = self.left.min(rest.len());
            self.left -= passed;
            rest = &rest[passed..];
            let untyped = usize::from(!self.of_beginning);
            while self.head.len() < 4 + untyped
                && self.left == 0
                && let Some((first, others)) = rest.split_first()
            {
                self.head.push(*first);
                rest = others;
            }
            if let Some(length) = self.head.get(untyped..untyped + 4).and_then(|length| length.try_into().ok()) {
                // Lengths have 31 bits.
                self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX).saturating_sub(4);
                tell(if self.of_beginning { 0 } else { self.head[0] });
                self.of_beginning = false;
                self.head.clear();
            }
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
                messages.each(piece, |kind| told.push(kind));
            }
            assert_eq!(told, [0, b'Q', b'S', b'S'], "in pieces of {at} bytes");
        }
    }
}
