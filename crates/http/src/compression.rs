use std::io::Write;

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
        tokio::task::spawn_blocking(move || compress(coding, &body)).await.ok()?
    } else {
        compress(coding, body)
    };
    encoded.filter(|encoded| encoded.len() < body.len())
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
