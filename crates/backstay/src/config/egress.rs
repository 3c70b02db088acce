use backstay_base::Subnet;

use super::subnets::subnets;
use super::value::{Applies, Key, Kind, list};

/// Calls of other servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    /// Networks that may be called although they aren't public.
    pub allow: Vec<Subnet>,
}

/// Its keys.
pub(super) const KEYS: &[Key] = &[Key {
    section: "egress",
    name: "allow",
    applies: Applies::Reload,
    kind: Kind::Texts,
    about: "Networks (`10.0.0.0/8`) whose servers functions may call with `fetch`, and [webhooks](webhooks.md) be sent to, although their addresses are private. \
            All public addresses may be called.",
    set: |config, given| {
        config.egress.allow = subnets(&given.texts()?)?;
        Ok(())
    },
    show: |config| list(&config.egress.allow.iter().map(ToString::to_string).collect::<Vec<_>>()),
}];
