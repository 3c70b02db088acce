use std::io::Write as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use backstay_base::Network;
use http::header;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::lingering::{Discarding, Lingering};

/// How long a refused client may take to read its response.
const LINGER: Duration = Duration::from_secs(1);
/// How often to warn.
const WARNING: Duration = Duration::from_secs(10);

/// Answers connections that are refused, and tells the log that there are some.
#[derive(Debug)]
pub(crate) struct TurnedAway {
    lingering: Lingering,
    since_warning: u64,
    warned: Option<Instant>,
}

impl TurnedAway {
    pub(crate) fn new() -> Self {
        Self { lingering: Lingering::new(), since_warning: 0, warned: None }
    }

    /// Sends the answer and closes the connection. If too many are being told already, it is only closed.
    pub(crate) fn tell(&mut self, (stream, address): (TcpStream, IpAddr), answer: impl FnOnce() -> Answer) {
        self.warn();
        self.lingering.linger((Network::of(address), LINGER), |discarding| {
            let response = response(&answer());
            async move { write_and_discard(stream, &response, &discarding).await }
        });
    }

    fn warn(&mut self) {
        self.since_warning += 1;
        if self.warned.is_none_or(|moment| moment.elapsed() >= WARNING) {
            let refused = self.since_warning;
            tracing::warn!(
                refused,
                "connections were refused: `limits.connections`, or one network's share, is in use"
            );
            self.since_warning = 0;
            self.warned = Some(Instant::now());
        }
    }
}

async fn write_and_discard(mut stream: TcpStream, response: &[u8], discarding: &Discarding) -> std::io::Result<()> {
    stream.write_all(response).await?;
    stream.shutdown().await?;
    let mut discarded = [0; 4096];
    loop {
        match stream.read(&mut discarded).await? {
            0 => return Ok(()),
            bytes => discarding.discarded(bytes).await,
        }
    }
}

/// A response to a request that was not read.
fn response(answer: &Answer) -> Vec<u8> {
    let mut head = Vec::with_capacity(512 + answer.body.len());
    let cache_control = answer.audience.cache_control();
    let length = answer.body.len().to_string();
    let own = [(header::CONTENT_TYPE, &answer.content_type), (header::CACHE_CONTROL, &cache_control)];
    let headers = own.into_iter().chain(answer.headers.iter().map(|(name, value)| (name.clone(), value)));
    // Writing into a vector can't fail.
    let _ = write!(head, "HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {length}\r\n", answer.status);
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head.extend_from_slice(&answer.body);
    head
}
