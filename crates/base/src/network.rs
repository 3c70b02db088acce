use std::net::IpAddr;

/// The network that an address counts for wherever strangers share something: the IPv4 address itself, or the /64
/// network of an IPv6 address, whose lower 64 bits one household or server can choose freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// An IPv4 address, or an IPv6 address that is mapped to one (RFC 4291, section 2.5.5.2).
    V4([u8; 4]),
    /// The upper 64 bits of an IPv6 address.
    V6([u8; 8]),
}

impl Network {
    /// The network of this address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let mut upper = [0; 8];
                upper.copy_from_slice(&address.octets()[..8]);
                Self::V6(upper)
            }
        }
    }

    /// Its bytes: 4 or 8.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::V4(bytes) => bytes,
            Self::V6(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_client() {
        let network = |text: &str| Network::of(text.parse().expect("an address"));
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("2001:db8:0:1::1").as_bytes(), [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 1]);
    }
}
