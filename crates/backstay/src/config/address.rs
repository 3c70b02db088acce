use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The port if none is written.
const PORT: u16 = 8080;

/// The address to listen on that was probably meant: `8080`, `:8080`, `localhost`, `*:80`, `::1` or a URL.
pub(crate) fn meant_address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(host) = host(text) {
        return Some(SocketAddr::new(host, PORT));
    }
    let (before, port) = text.rsplit_once(':').unwrap_or(("", text));
    let host = if before.is_empty() { Some(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { host(before) };
    Some(SocketAddr::new(host?, port.parse().ok()?))
}

fn host(text: &str) -> Option<IpAddr> {
    match text {
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        "*" => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        _ => match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => text.parse().ok(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(meant_address(text).map(|address| address.to_string()).as_deref(), expected, "{text}");
        };
        check("8080", Some("127.0.0.1:8080"));
        check(":3000", Some("127.0.0.1:3000"));
        check("localhost", Some("127.0.0.1:8080"));
        check("localhost:3000", Some("127.0.0.1:3000"));
        check("http://localhost:3000/", Some("127.0.0.1:3000"));
        check("0.0.0.0", Some("0.0.0.0:8080"));
        check("*:80", Some("0.0.0.0:80"));
        check("::", Some("[::]:8080"));
        check("[::1]", Some("[::1]:8080"));
        check("10.0.0.1:80", Some("10.0.0.1:80"));
        for unknown in ["", "here", "news.example:80", "70000", "localhost:x", "[::1"] {
            check(unknown, None);
        }
    }
}
