use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// Addresses that begin with the same bits, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

/// A text is no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a network; write an address and the number of its leading bits, such as `10.0.0.0/8` or `fd00::/8`"
)]
pub struct NotANetwork(String);

impl Network {
    /// Whether it has this address. An IPv4 address is the same however it is written.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (u32::from(first) ^ u32::from(address)).checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (u128::from(first) ^ u128::from(address)).checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let refused = || NotANetwork(text.to_owned());
        let (first, bits) = match text.split_once('/') {
            Some((first, bits)) => (first, Some(bits.parse::<u8>().map_err(|_| refused())?)),
            None => (text, None),
        };
        let first: IpAddr = first.parse().map_err(|_| refused())?;
        let all = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        if bits > all { Err(refused()) } else { Ok(Self { first, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_like_it() {
        let check = |network: &str, address: &str, expected: bool| {
            let network: Network = network.parse().expect("a network");
            assert_eq!(network.contains(address.parse().expect("an address")), expected, "{network} {address}");
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("10.0.0.0/8", "fd00::1", false);
        check("192.168.7.7", "192.168.7.7", true);
        check("192.168.7.7", "192.168.7.8", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("fd00::/8", "fdff::1", true);
        check("fd00::/8", "fe00::1", false);
        check("::/0", "fe80::1", true);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "10", "10.0.0.0/33", "10.0.0.0/-1", "fd00::/129", "example.org", "10.0.0.0/8/8", "/8"] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork(text.to_owned())), "{text}");
        }
    }
}
