use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};

/// Level of gzip. Higher levels make a page a few percent smaller for twice the time.
const LEVEL: u32 = 4;
/// Bytes above which a body is compressed off the worker thread, so that other requests on it don't wait.
const LARGE: usize = 64 * 1024;

/// A content coding of answers (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not encoded.
    Identity,
    /// RFC 1952.
    Gzip,
}

impl Coding {
    pub(crate) const ALL: [Self; 2] = [Self::Identity, Self::Gzip];

    /// What the coding adds to an entity tag.
    pub(crate) fn tag_suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => "-gzip",
        }
    }

    /// The supported coding that the client prefers (RFC 9110, section 12.5.3).
    pub(crate) fn preferred(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let (mut gzip, mut any, mut identity) = (None, None, None);
        for element in lines.flat_map(|line| line.split(',')) {
            let (name, quality) = weighed(element);
            match name.to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => gzip = Some(quality),
                "identity" => identity = Some(quality),
                "*" => any = Some(quality),
                _ => {}
            }
        }
        let gzip = gzip.or(any).unwrap_or(0);
        if gzip > 0 && gzip >= identity.unwrap_or(0) { Self::Gzip } else { Self::Identity }
    }

    /// The body in this coding; `None` if encoding fails or does not make it smaller.
    pub(crate) async fn encode(self, body: &Bytes) -> Option<Bytes> {
        if self == Self::Identity {
            return None;
        }
        let encoded = if body.len() > LARGE {
            let body = body.clone();
            // The panic hook logs a panic; the answer can do without the coding.
            tokio::task::spawn_blocking(move || gzip(&body)).await.ok()?
        } else {
            gzip(body)
        };
        encoded.filter(|encoded| encoded.len() < body.len())
    }

    /// `Content-Encoding`.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
        }
    }
}

/// An element of `Accept` or `Accept-Encoding` and its weight in thousandths; a malformed weight counts as 0.
pub(crate) fn weighed(element: &str) -> (&str, u16) {
    let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
    let weight = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let weight = weight.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    (name.trim(), weight.map_or(1000, |(_, value)| thousandths(value.trim()).unwrap_or(0)))
}

/// A weight of RFC 9110, section 12.4.2: 0 to 1 with at most three digits after the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::new(LEVEL));
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_chosen_by_weight() {
        let check = |accept: &str, expected: Coding| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accept.parse().expect("a value"));
            assert_eq!(Coding::preferred(&headers), expected, "{accept}");
        };
        for accept in ["gzip", "GZIP", "br, gzip;q=0.5", "*", "gzip;q=0.001", "deflate, *;q=0.1", "identity, gzip"] {
            check(accept, Coding::Gzip);
        }
        for accept in ["", "br", "gzip;q=0", "*;q=0", "gzip;q=0.5, identity", "gzip;q=2", "gzip;q=abc", "gzip;q=0, *"] {
            check(accept, Coding::Identity);
        }
    }
}
