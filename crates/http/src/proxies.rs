use std::net::{IpAddr, SocketAddr};

use backstay_base::Subnet;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The header in which proxies write where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, with `-Proto` and `-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Trusted proxies in front of the server. Only the header that they are configured to write is read, because a client
/// could have written any other.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Their addresses.
    pub subnets: Vec<Subnet>,
    /// The header that they write.
    pub header: ProxyHeader,
}

impl Proxies {
    /// Whether the address is that of a trusted proxy.
    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        self.subnets.iter().any(|subnet| subnet.contains(address))
    }

    /// The client's address: the peer's or, if the peer is a trusted proxy, the last forwarded one that is not.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trust(peer) {
            return peer;
        }
        let mut client = peer;
        for hop in self.hops(headers).iter().rev() {
            let Some(address) = hop.as_deref().and_then(address_of) else { break };
            client = address;
            if !self.trust(address) {
                break;
            }
        }
        client
    }

    /// Whether the client is certainly on this machine. A header that says otherwise counts whoever wrote it, and one that
    /// can't be read says otherwise.
    pub(crate) fn is_local(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let own = match self.header {
            ProxyHeader::XForwarded => X_FORWARDED_FOR,
            ProxyHeader::Forwarded => header::FORWARDED,
        };
        let is_believed = |name: &HeaderName| self.trust(peer) && *name == own;
        let mut forwarded = [X_FORWARDED_FOR, header::FORWARDED].into_iter().filter(|name| headers.contains_key(name));
        let is_loopback = |hop: &Option<String>| hop.as_deref().and_then(address_of).is_some_and(|ip| ip.is_loopback());
        peer.is_loopback() && forwarded.all(|name| is_believed(&name) && self.hops(headers).iter().all(is_loopback))
    }

    /// Whether a trusted proxy says that the client connected by https.
    pub(crate) fn https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        self.forwarded(peer, headers, "proto", &X_FORWARDED_PROTO)
            .is_some_and(|proto| proto.eq_ignore_ascii_case("https"))
    }

    /// The host that the client asked for: as a trusted proxy forwards it, or else as the request names it.
    pub(crate) fn host(&self, peer: IpAddr, parts: &Parts) -> Option<String> {
        let asked = || parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
        let authority = || parts.uri.authority().map(ToString::to_string);
        self.forwarded(peer, &parts.headers, "host", &X_FORWARDED_HOST).or_else(authority).or_else(asked)
    }

    /// What the nearest proxy wrote: a pair of `Forwarded`, or a header of its own.
    fn forwarded(&self, peer: IpAddr, headers: &HeaderMap, pair: &str, header: &HeaderName) -> Option<String> {
        if self.subnets.is_empty() || !self.trust(peer) {
            return None;
        }
        match self.header {
            ProxyHeader::XForwarded => elements(headers, header).pop(),
            ProxyHeader::Forwarded => elements(headers, &header::FORWARDED).pop().and_then(|e| member(&e, pair)),
        }
    }

    /// The addresses that proxies wrote, the nearest last; `None` where an element names none.
    fn hops(&self, headers: &HeaderMap) -> Vec<Option<String>> {
        match self.header {
            ProxyHeader::XForwarded => elements(headers, &X_FORWARDED_FOR).into_iter().map(Some).collect(),
            ProxyHeader::Forwarded => {
                let elements = elements(headers, &header::FORWARDED);
                elements.iter().map(|element| member(element, "for")).collect()
            }
        }
    }
}

/// The elements of a list header, over all its lines. What a client wrote there, in whatever bytes, does not hide what the
/// proxy added.
fn elements(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let elements = headers.get_all(name).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    elements.map(|element| String::from_utf8_lossy(element).trim().to_owned()).collect()
}

/// The value of one pair of a `Forwarded` element (RFC 7239, section 4), without its quotes.
fn member(element: &str, name: &str) -> Option<String> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.trim_matches('"').to_owned())
}

/// An address with or without a port, an IPv6 address with or without brackets.
fn address_of(text: &str) -> Option<IpAddr> {
    let plain = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    plain.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn client(proxies: &Proxies, from: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer: SocketAddr = from.parse().expect("an address");
        proxies.client(peer.ip(), request.body(()).expect("a request").headers()).to_string()
    }

    #[test]
    fn only_what_nothing_says_otherwise_of_is_local() {
        let subnets = vec!["127.0.0.1".parse().expect("a subnet")];
        let plain = Proxies { subnets: subnets.clone(), header: ProxyHeader::XForwarded };
        let standard = Proxies { subnets, header: ProxyHeader::Forwarded };
        let none = Proxies::default();
        let check = |proxies: &Proxies, from: &str, headers: &[(&str, &str)], expected: bool| {
            let mut request = Request::builder();
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(()).expect("a request");
            let peer = from.parse().expect("an address");
            assert_eq!(proxies.is_local(peer, request.headers()), expected, "{proxies:?} {from} {headers:?}");
        };
        for proxies in [&none, &plain, &standard] {
            check(proxies, "127.0.0.1", &[], true);
            check(proxies, "192.0.2.1", &[], false);
            check(proxies, "192.0.2.1", &[("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")], false);
            check(proxies, "127.0.0.1", &[("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")], false);
        }
        for text in ["127.0.0.1", "::1", "1.2.3.4", "ü, 1.2.3.4", "unknown", ""] {
            check(&none, "127.0.0.1", &[("x-forwarded-for", text)], false);
            check(&plain, "::1", &[("x-forwarded-for", text)], false);
            check(&standard, "127.0.0.1", &[("x-forwarded-for", text)], false);
            check(&none, "127.0.0.1", &[("forwarded", text)], false);
            check(&plain, "127.0.0.1", &[("forwarded", text)], false);
            check(&standard, "127.0.0.1", &[("forwarded", text)], false);
        }
        check(&plain, "127.0.0.1", &[("x-forwarded-for", "127.0.0.1, ::1")], true);
        for text in ["1.2.3.4", "127.0.0.1, 1.2.3.4", "1.2.3.4, 127.0.0.1", "ü, 127.0.0.1", "unknown", ""] {
            check(&plain, "127.0.0.1", &[("x-forwarded-for", text)], false);
        }
        check(&standard, "127.0.0.1", &[("forwarded", "for=127.0.0.1, for=\"[::1]:80\"")], true);
        for text in ["for=1.2.3.4", "for=unknown", "for=_hidden", "proto=https", "ü"] {
            check(&standard, "127.0.0.1", &[("forwarded", text)], false);
        }
    }

    #[test]
    fn forwarded_addresses_count_only_from_proxies() {
        let subnets = vec!["10.0.0.0/8".parse().expect("a subnet")];
        let plain = Proxies { subnets: subnets.clone(), header: ProxyHeader::XForwarded };
        let standard = Proxies { subnets, header: ProxyHeader::Forwarded };
        let none = Proxies::default();
        let check = |proxies: &Proxies, from: &str, headers: &[(&str, &str)], expected: &str| {
            assert_eq!(client(proxies, from, headers), expected, "{headers:?}");
        };
        check(&none, "10.0.0.1:9", &[("x-forwarded-for", "1.2.3.4")], "10.0.0.1");
        check(&plain, "9.9.9.9:9", &[("x-forwarded-for", "1.2.3.4")], "9.9.9.9");
        check(&plain, "10.0.0.1:9", &[("x-forwarded-for", "1.2.3.4")], "1.2.3.4");
        check(&plain, "10.0.0.1:9", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2")], "1.2.3.4");
        check(&plain, "10.0.0.1:9", &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")], "1.2.3.4");
        check(&plain, "10.0.0.1:9", &[("x-forwarded-for", "rubbish")], "10.0.0.1");
        check(&plain, "10.0.0.1:9", &[("x-forwarded-for", "ü, 1.2.3.4")], "1.2.3.4");
        check(&standard, "10.0.0.1:9", &[("forwarded", "for=ü, for=1.2.3.4")], "1.2.3.4");
        check(&plain, "10.0.0.1:9", &[("forwarded", "for=1.2.3.4")], "10.0.0.1");
        check(&standard, "10.0.0.1:9", &[("forwarded", "for=1.2.3.4;proto=https")], "1.2.3.4");
        check(&standard, "10.0.0.1:9", &[("forwarded", "for=6.6.6.6, for=\"[2001:db8::1]:80\"")], "2001:db8::1");
        check(&standard, "10.0.0.1:9", &[("x-forwarded-for", "1.2.3.4")], "10.0.0.1");
    }
}
