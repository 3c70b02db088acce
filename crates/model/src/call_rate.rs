/// How often an action may be called: `@limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallRate {
    /// Calls that may come at once.
    pub calls: u32,
    /// Seconds after which as many may come again.
    pub seconds: u32,
    /// Whose calls are counted together.
    pub per: RatePer,
}

/// Whose calls a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatePer {
    /// Those of one account, operator or key; of anonymous callers, those from one address.
    Caller,
    /// Those from one address, whoever calls.
    Address,
}
