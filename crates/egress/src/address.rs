use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public Internet: neither of this machine, nor of a network of its own, nor one that stands
/// for such an address (the special-purpose registries of IANA, RFC 6890).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // This network, private, loopback; multicast, reserved, broadcast.
        (0 | 10 | 127 | 224..=255, ..)
        // Carrier-grade NAT (RFC 6598).
        | (100, 64..=127, _)
        // Link-local, where clouds serve credentials of machines.
        | (169, 254, _)
        | (172, 16..=31, _)
        // Protocol assignments, documentation, relays of 6to4.
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (192, 168, _)
        // Benchmarks, documentation.
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113)
    )
}

/// Only global unicast (`2000::/3`) is public: neither loopback, unique-local, link-local or multicast addresses, nor those that
/// hold an IPv4 address, mapped (`::ffff:0:0/96`) or translated (`64:ff9b::/96`).
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments, Teredo among them; documentation; 6to4, which holds an IPv4 address.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str], expected: bool) {
        for address in addresses {
            assert_eq!(is_public(address.parse().expect("an address")), expected, "{address}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        check(
            &["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1"],
            true,
        );
        check(&["192.0.1.1", "192.167.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "128.0.0.1"], true);
        check(&["2606:4700:4700::1111", "2a00:1450:4001::1", "2001:200::1", "2001:db9::1", "3ffe::1"], true);
    }

    #[test]
    fn all_others_are_not() {
        check(
            &["0.0.0.0", "0.1.2.3", "10.0.0.1", "127.0.0.1", "127.255.255.254", "100.64.0.1", "100.127.255.255"],
            false,
        );
        check(&["169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.0.0.8", "192.0.2.1"], false);
        check(&["192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.1"], false);
        check(&["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"], false);
        check(&["::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "100::1"], false);
        check(&["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::808:808"], false);
        check(&["64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "5f00::1"], false);
    }
}
