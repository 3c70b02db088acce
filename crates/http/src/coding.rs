use http::{HeaderMap, HeaderValue, header};

/// How often a body counts towards memory: as it was sent, and as what is read from it.
pub(crate) const COPIES: usize = 2;

/// A content coding (RFC 9110, section 8.4.1), of answers and of the bodies of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not encoded.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, with the window of RFC 9659.
    Zstd,
}

impl Coding {
    pub(crate) const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Brotli, Self::Zstd];
    /// Those that compress. Of several that a client likes equally, the first is used: it takes the least time.
    const COMPRESSING: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];
    /// `Accept-Encoding` of the answer to a body in another coding.
    pub(crate) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, br, zstd");

    /// Its name in headers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The coding with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("x-gzip") {
            return Some(Self::Gzip);
        }
        Self::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.name()))
    }

    /// What the coding adds to an entity tag.
    pub(crate) fn tag_suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => "-gzip",
            Self::Brotli => "-br",
            Self::Zstd => "-zstd",
        }
    }

    /// `Content-Encoding`.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        (self != Self::Identity).then(|| HeaderValue::from_static(self.name()))
    }

    /// The supported coding that the client prefers (RFC 9110, section 12.5.3).
    pub(crate) fn preferred(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let mut weights = [None; Self::ALL.len()];
        let mut any = None;
        for (name, weight) in lines.flat_map(|line| line.split(',')).map(weighed) {
            match Self::named(name) {
                Some(coding) => weights[coding as usize] = Some(weight),
                None if name == "*" => any = Some(weight),
                None => {}
            }
        }
        let (mut best, mut most) = (Self::Identity, weights[Self::Identity as usize].unwrap_or(0));
        for coding in Self::COMPRESSING {
            let weight = weights[coding as usize].or(any).unwrap_or(0);
            if weight > most || weight == most && weight > 0 && best == Self::Identity {
                (best, most) = (coding, weight);
            }
        }
        best
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
        for accept in
            ["gzip", "GZIP", "x-gzip", "br;q=0.4, gzip;q=0.5", "gzip;q=0.001", "deflate, gzip", "identity, gzip"]
        {
            check(accept, Coding::Gzip);
        }
        for accept in ["br", "br, gzip;q=0.5", "gzip, br", "*;q=0.5, zstd;q=0.1, br", "*, zstd;q=0, gzip"] {
            check(accept, Coding::Brotli);
        }
        for accept in ["gzip, deflate, br, zstd", "*", "zstd", "deflate, *;q=0.1", "gzip;q=0, *"] {
            check(accept, Coding::Zstd);
        }
        for accept in
            ["", "deflate", "gzip;q=0", "*;q=0", "gzip;q=0.5, identity", "gzip;q=2", "gzip;q=abc", "zstd;q=0, br;q=0"]
        {
            check(accept, Coding::Identity);
        }
    }

    #[test]
    fn codings_have_distinct_names_and_tags() {
        for (place, coding) in Coding::ALL.into_iter().enumerate() {
            assert_eq!((Coding::named(coding.name()), coding as usize), (Some(coding), place));
        }
        let accepted: Vec<&str> = Coding::ALL[1..].iter().map(|coding| coding.name()).collect();
        assert_eq!(Coding::ACCEPTED, accepted.join(", "));
    }
}
