use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses with a common prefix, such as `10.0.0.0/8` or `::1` (RFC 4632, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

impl Subnet {
    /// Whether the subnet contains the address. An IPv4 address is the same however it is written.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        };
        let address = address.to_canonical();
        let shift = 128 - u32::from(self.prefix);
        let differing = bits(self.address) ^ bits(address);
        // A prefix of length 0 shifts all bits out.
        let same_prefix = differing.checked_shr(shift).is_none_or(|prefix| prefix == 0);
        self.address.is_ipv4() == address.is_ipv4() && same_prefix
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A text that is neither an address nor an address with a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or a network such as 127.0.0.1 or 10.0.0.0/8")]
pub struct ParseSubnetError;

impl FromStr for Subnet {
    type Err = ParseSubnetError;

    fn from_str(text: &str) -> Result<Self, ParseSubnetError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| ParseSubnetError)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| ParseSubnetError)?;
        if prefix > longest { Err(ParseSubnetError) } else { Ok(Self { address, prefix }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_hold_their_addresses() {
        let check = |subnet: &str, address: &str, expected: bool| {
            let subnet: Subnet = subnet.parse().expect("a subnet");
            assert_eq!(subnet.contains(address.parse().expect("an address")), expected, "{subnet:?} {address}");
        };
        check("10.0.0.0/8", "10.255.1.2", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("10.0.0.0/8", "fd00::1", false);
        check("127.0.0.1", "127.0.0.1", true);
        check("127.0.0.1", "127.0.0.2", false);
        check("0.0.0.0/0", "8.8.8.8", true);
        check("0.0.0.0/0", "::1", false);
        check("fd00::/8", "fd12::1", true);
        check("fd00::/8", "fe00::1", false);
        check("::/0", "2001:db8::1", true);
    }

    #[test]
    fn a_subnet_is_written_with_its_prefix() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Subnet>().map(|subnet| subnet.to_string()), Ok(expected.to_owned()), "{text}");
        };
        check("10.0.0.0/8", "10.0.0.0/8");
        check("::1", "::1/128");
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "10", "10.0.0.0/33", "::/129", "example.org", "10.0.0.0/-1", "10.0.0.0/8/8", "/8"] {
            assert_eq!(bad.parse::<Subnet>(), Err(ParseSubnetError), "{bad}");
        }
    }
}
