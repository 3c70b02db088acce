//! Requests that come from this machine.

use std::net::IpAddr;

use http::request::Parts;

use crate::credentials::Recognized;
use crate::head::Head;
use crate::{Proxies, Refusal};

/// Admits everyone on this machine, without credentials: those that have expired must not keep the developer out.
pub(crate) fn recognize(head: &Head<'_>) -> Result<Recognized, Refusal> {
    match is_here(&head.state.settings.proxies, head.peer, head.parts) {
        true => Ok(Recognized::anonymous()),
        false => Err(Refusal::NoSuchPath { hint: None }),
    }
}

/// Whether a request comes from this machine and asks for it by a name of its own: a page of another host could resolve
/// to this machine.
pub(crate) fn is_here(proxies: &Proxies, peer: IpAddr, parts: &Parts) -> bool {
    proxies.is_local(peer, &parts.headers) && proxies.host(peer, parts).as_deref().is_some_and(is_loopback)
}

/// Whether a host, with or without a port, is this machine (RFC 6761, section 6.3, for names).
fn is_loopback(authority: &str) -> bool {
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let host = authority[end..].find(':').map_or(authority, |colon| &authority[..end + colon]);
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    address.parse::<IpAddr>().map_or_else(
        |_| host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost"),
        |address| address.is_loopback(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_this_machine() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "[::1]", "app.localhost"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "example.org", "localhost.example.org", "10.0.0.1:80", "[::2]", "notlocalhost", "127.0.0.1.nip.io"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
