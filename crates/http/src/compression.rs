use std::fmt;
use std::io::{self, Write};

use backstay_base::lower_priority;
use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::coding::Coding;

/// Level of gzip. Higher levels make a page a few percent smaller for twice the time.
const GZIP_LEVEL: u32 = 4;
/// Quality of Brotli. From 5 on, it takes several times as long.
const BROTLI_QUALITY: u32 = 4;
/// Binary logarithm of the window of Brotli, which decides how much memory it takes.
const BROTLI_WINDOW: u32 = 19;
/// Level of Zstandard, its default. Its window is 2 MiB, a quarter of what RFC 9659 allows.
const ZSTD_LEVEL: i32 = 3;
/// Bytes above which a body is compressed off the worker thread, so that other requests on it don't wait.
const LARGE: usize = 64 * 1024;

/// The body in this coding; `None` if encoding fails or does not make it smaller.
pub(crate) async fn encode(coding: Coding, body: &Bytes) -> Option<Bytes> {
    let encoded = if body.len() > LARGE {
        let body = body.clone();
        // The panic hook logs a panic; the answer can do without the coding.
        tokio::task::spawn_blocking(move || unhurried(|| compress(coding, &body))).await.ok()?
    } else {
        compress(coding, body)
    };
    encoded.filter(|encoded| encoded.len() < body.len())
}

/// Encodes an answer that is sent in parts: each of them can be decoded when it arrives.
pub(crate) struct Encoding(Coder);

enum Coder {
    Identity,
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoding").finish_non_exhaustive()
    }
}

impl Encoding {
    /// The first part of an answer, in this coding or, if that fails, in none.
    pub(crate) async fn begin(coding: Coding, bytes: Bytes) -> (Bytes, Self, Coding) {
        let begun = match Self::of(coding) {
            Ok(encoding) => encoding.part(bytes.clone()).await,
            Err(error) => Err(error),
        };
        match begun {
            Ok((part, encoding)) => (part, encoding, coding),
            Err(_) => (bytes, Self(Coder::Identity), Coding::Identity),
        }
    }

    fn of(coding: Coding) -> io::Result<Self> {
        Ok(Self(match coding {
            Coding::Identity => Coder::Identity,
            Coding::Gzip => Coder::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Coding::Brotli => {
                Coder::Brotli(Box::new(CompressorWriter::new(Vec::new(), LARGE, BROTLI_QUALITY, BROTLI_WINDOW)))
            }
            Coding::Zstd => Coder::Zstd(Box::new(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?)),
        }))
    }

    /// A part of it, in the coding.
    pub(crate) async fn part(self, bytes: Bytes) -> io::Result<(Bytes, Self)> {
        self.work(bytes, |mut own, bytes| {
            let part = own.write(bytes)?;
            Ok((part, own))
        })
        .await
    }

    /// Its last part.
    pub(crate) async fn end(self, bytes: Bytes) -> io::Result<Bytes> {
        self.work(bytes, |mut own, bytes| {
            let part = own.write(bytes)?;
            let end = own.finish()?;
            Ok(if end.is_empty() { part } else { [part, end].concat().into() })
        })
        .await
    }

    async fn work<T: Send + 'static>(
        self,
        bytes: Bytes,
        work: impl FnOnce(Self, Bytes) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        match self.0 {
            Coder::Identity => work(self, bytes),
            _ if bytes.len() <= LARGE => work(self, bytes),
            Coder::Gzip(_) | Coder::Brotli(_) | Coder::Zstd(_) => {
                tokio::task::spawn_blocking(move || unhurried(|| work(self, bytes))).await.map_err(io::Error::from)?
            }
        }
    }

    fn write(&mut self, bytes: Bytes) -> io::Result<Bytes> {
        fn into<W: Write>(encoder: &mut W, bytes: &[u8]) -> io::Result<()> {
            encoder.write_all(bytes)?;
            encoder.flush()
        }
        let encoded = match &mut self.0 {
            Coder::Identity => return Ok(bytes),
            Coder::Gzip(encoder) => into(encoder, &bytes).map(|()| std::mem::take(encoder.get_mut()))?,
            Coder::Brotli(encoder) => into(encoder, &bytes).map(|()| std::mem::take(encoder.get_mut()))?,
            Coder::Zstd(encoder) => into(encoder, &bytes).map(|()| std::mem::take(encoder.get_mut()))?,
        };
        Ok(encoded.into())
    }

    fn finish(self) -> io::Result<Bytes> {
        Ok(match self.0 {
            Coder::Identity => Bytes::new(),
            Coder::Gzip(encoder) => encoder.finish()?.into(),
            Coder::Brotli(encoder) => encoder.into_inner().into(),
            Coder::Zstd(encoder) => encoder.finish()?.into(),
        })
    }
}

/// Does this on a thread for what takes long.
fn unhurried<T>(work: impl FnOnce() -> T) -> T {
    lower_priority();
    work()
}

fn compress(coding: Coding, body: &[u8]) -> Option<Bytes> {
    let room = Vec::with_capacity(body.len() / 2);
    let encoded = match coding {
        Coding::Identity => return None,
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(room, Compression::new(GZIP_LEVEL));
            encoder.write_all(body).ok()?;
            encoder.finish().ok()?
        }
        Coding::Brotli => {
            let mut encoder = CompressorWriter::new(room, LARGE, BROTLI_QUALITY, BROTLI_WINDOW);
            encoder.write_all(body).ok()?;
            encoder.into_inner()
        }
        Coding::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL).ok()?,
    };
    Some(encoded.into())
}
