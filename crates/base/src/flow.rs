use std::net::{IpAddr, Ipv6Addr};

use crate::{Caller, CallerKind, RecordId};

/// On whose account work is done: the unit between which the server's time is shared. (The word is that of fair
/// queueing.) Flows take turns, and what one of them asks for waits behind its own work only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Backstay itself: seeding, pruning, an operator's commands.
    System,
    /// An account, a key or an operator, by its id.
    Caller(RecordId),
    /// All anonymous clients of one network.
    Network(ClientNetwork),
    /// Anonymous callers within this process.
    Local,
}

impl Flow {
    /// The flow of this caller, whose client has an address in this network if it came through one.
    pub fn of(caller: &Caller, client: Option<ClientNetwork>) -> Self {
        match (caller.kind, caller.id, client) {
            (CallerKind::System, ..) => Self::System,
            (_, Some(id), _) => Self::Caller(id),
            (_, None, Some(network)) => Self::Network(network),
            (_, None, None) => Self::Local,
        }
    }
}

/// The network that is assumed to belong to one client: an IPv4 address, or the /64 of an IPv6 address, within which a
/// client can choose its address freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl From<IpAddr> for ClientNetwork {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address @ IpAddr::V4(_) => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_one_network() {
        let network = |address: &str| ClientNetwork::from(address.parse::<IpAddr>().expect("an address"));
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(network(one) == network(other), same, "{one} {other}");
        };
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("2001:db8:1:2:3::1", "2001:db8:1:2:4::2", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
    }

    #[test]
    fn the_flow_follows_from_the_caller_and_for_anonymous_ones_from_the_network() {
        let network = ClientNetwork::from(IpAddr::from([192, 0, 2, 1]));
        let client = Some(network);
        let id = RecordId::from_bytes([7; 16]);
        let account = Caller::account(id, ["EDITOR"]);
        assert_eq!(Flow::of(&account, client), Flow::Caller(id));
        assert_eq!(Flow::of(&account, None), Flow::Caller(id));
        assert_eq!(Flow::of(&Caller::system(), client), Flow::System);
        assert_eq!(Flow::of(&Caller::anonymous(), client), Flow::Network(network));
        assert_eq!(Flow::of(&Caller::anonymous(), None), Flow::Local);
    }
}
