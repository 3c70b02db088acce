use crate::{Caller, CallerKind, Network, RecordId};

/// On whose account work is done: the unit between which the server's time is shared. (The word is that of fair
/// queueing.) Sources take turns, and within each of them its flows do. What a flow asks for waits behind its own work
/// only, and however many flows a source has, they share what one source gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Where the work comes from.
    pub source: Source,
    /// The account, key or operator; absent for anonymous callers and for Backstay itself.
    pub caller: Option<RecordId>,
}

/// Where work comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Backstay itself: seeding, pruning, an operator's commands.
    System,
    /// The clients of one network, signed in or not.
    Network(Network),
    /// Callers within this process.
    Local,
}

impl Flow {
    /// The flow of Backstay itself.
    pub const SYSTEM: Self = Self { source: Source::System, caller: None };

    /// Whether it is that of all anonymous callers of a network.
    pub fn is_anonymous(self) -> bool {
        matches!(self.source, Source::Network(_)) && self.caller.is_none()
    }

    /// The flow of this caller, whose client has an address in this network if it came through one.
    pub fn of(caller: &Caller, client: Option<Network>) -> Self {
        match caller.kind {
            CallerKind::System => Self::SYSTEM,
            CallerKind::Anonymous | CallerKind::Account | CallerKind::Service | CallerKind::Operator => {
                Self { source: client.map_or(Source::Local, Source::Network), caller: caller.id }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn the_flow_follows_from_the_network_and_then_from_the_caller() {
        let network = Network::of(IpAddr::from([192, 0, 2, 1]));
        let client = Some(network);
        let id = RecordId::from_bytes([7; 16]);
        let account = Caller::account(id, ["EDITOR"]);
        let (remote, local) = (Source::Network(network), Source::Local);
        assert_eq!(Flow::of(&account, client), Flow { source: remote, caller: Some(id) });
        assert_eq!(Flow::of(&account, None), Flow { source: local, caller: Some(id) });
        assert_eq!(Flow::of(&Caller::system(), client), Flow::SYSTEM);
        assert_eq!(Flow::of(&Caller::anonymous(), client), Flow { source: remote, caller: None });
        assert_eq!(Flow::of(&Caller::anonymous(), None), Flow { source: local, caller: None });
    }
}
