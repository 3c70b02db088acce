use std::io::{self, Read};

use backstay_base::Held;
use bytes::{BufMut, Bytes, BytesMut};
use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::Refusal;
use crate::coding::{COPIES, Coding};

/// Bytes that are decoded at a time. Other requests on the worker thread take their turn in between.
const PIECE: usize = 64 * 1024;
/// The largest window of a body in Zstandard, as a binary logarithm (RFC 9659, section 3).
const ZSTD_WINDOW: u32 = 23;
/// Members of a gzip file. One can have hundreds of thousands of them that hold nothing, and each takes its time.
const GZIP_MEMBERS: u32 = 1024;
/// How often what is decoded counts until all of it is: as it will count, and as the window of its decoder, of which no
/// more is touched than was decoded.
const COPIES_AND_WINDOW: usize = COPIES + 1;

/// Decodes a body that has arrived. No more than `max` bytes are decoded, and no more than there is memory for.
pub(crate) async fn decode(coding: Coding, body: Bytes, max: usize, held: &mut Held) -> Result<Bytes, Refusal> {
    let broken = |_: io::Error| Refusal::BodyUndecodable { coding: coding.name() };
    let Some(mut decoder) = decoder(coding, &body).map_err(broken)? else { return Ok(body) };
    let (mut decoded, mut piece) = (BytesMut::new(), vec![0; PIECE.min(max + 1)]);
    loop {
        let read = decoder.read(&mut piece).map_err(broken)?;
        // Whether anything follows what Brotli encodes, its decoder says if it is asked once more.
        if read == 0 && decoder.read(&mut piece).map_err(broken)? == 0 {
            break;
        }
        let length = decoded.len() + read;
        if length > max {
            return Err(Refusal::BodyTooLarge { max });
        }
        held.resize(body.len() * COPIES + length * COPIES_AND_WINDOW)?;
        decoded.put_slice(&piece[..read]);
        if length > PIECE {
            tokio::task::yield_now().await;
        }
    }
    drop(decoder);
    held.resize(decoded.len() * COPIES)?;
    Ok(decoded.freeze())
}

/// What reads the decoded bytes; `None` if the body isn't encoded.
fn decoder(coding: Coding, body: &[u8]) -> io::Result<Option<Box<dyn Read + Send + '_>>> {
    Ok(Some(match coding {
        Coding::Identity => return Ok(None),
        Coding::Gzip => Box::new(Members { member: GzDecoder::new(body), left: GZIP_MEMBERS }),
        Coding::Brotli => Box::new(brotli::Decompressor::new(body, body.len().max(1))),
        Coding::Zstd => {
            let mut decoder = ZstdDecoder::with_buffer(body)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
    }))
}

/// The members of a gzip file, one after the other (RFC 1952, section 2.2).
struct Members<'a> {
    member: GzDecoder<&'a [u8]>,
    left: u32,
}

impl Read for Members<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.member.read(to)?;
            let rest: &[u8] = self.member.get_ref();
            if read > 0 || rest.is_empty() {
                return Ok(read);
            }
            self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::InvalidData)?;
            self.member = GzDecoder::new(rest);
        }
    }
}
