use crate::{Caller, CallerKind, Network, RecordId};

/// On whose account work is done: the unit between which the server's time is shared. (The word is that of fair
/// queueing.) Flows take turns, and what one of them asks for waits behind its own work only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Backstay itself: seeding, pruning, an operator's commands.
    System,
    /// An account, a key or an operator, by its id.
    Caller(RecordId),
    /// All anonymous clients of one network.
    Network(Network),
    /// Anonymous callers within this process.
    Local,
}

impl Flow {
    /// The flow of this caller, whose client has an address in this network if it came through one.
    pub fn of(caller: &Caller, client: Option<Network>) -> Self {
        match (caller.kind, caller.id, client) {
            (CallerKind::System, ..) => Self::System,
            (_, Some(id), _) => Self::Caller(id),
            (_, None, Some(network)) => Self::Network(network),
            (_, None, None) => Self::Local,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn the_flow_follows_from_the_caller_and_for_anonymous_ones_from_the_network() {
        let network = Network::of(IpAddr::from([192, 0, 2, 1]));
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
