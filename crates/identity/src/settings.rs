use crate::StartError;

/// Who may make an account for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// Everyone.
    Open,
    /// Those whom an operator has invited.
    Invited,
    /// Nobody.
    Closed,
}

/// How accounts behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who may make an account for themselves.
    pub sign_up: SignUp,
    /// Days after which a session ends, however often it is used.
    pub session_days: u32,
    /// Characters of a new password at least (NIST SP 800-63B, section 3.1.1.2); at least 8.
    pub password_min: u8,
    /// Sign-ins tried for one account before the next has to wait. A sign-in that succeeds is not counted.
    pub attempts_per_account: u32,
    /// Sign-ins and changes of password tried from one address (IPv6: one network of 64 bits) before the next has to
    /// wait.
    pub attempts_per_address: u32,
    /// Sign-ups tried from one address before the next has to wait.
    pub sign_ups_per_address: u32,
    /// Minutes in which all attempts are given back, one after the other.
    pub attempt_minutes: u32,
    /// What one password hash costs.
    pub hashing: HashingCost,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sign_up: SignUp::Closed,
            session_days: 30,
            password_min: 10,
            attempts_per_account: 10,
            attempts_per_address: 50,
            sign_ups_per_address: 20,
            attempt_minutes: 15,
            hashing: HashingCost::default(),
        }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), StartError> {
        let counts = [
            ("session_days", self.session_days),
            ("attempts_per_account", self.attempts_per_account),
            ("attempts_per_address", self.attempts_per_address),
            ("sign_ups_per_address", self.sign_ups_per_address),
            ("attempt_minutes", self.attempt_minutes),
        ];
        for (name, count) in counts {
            if !(1..=36_500).contains(&count) {
                return Err(StartError::Setting { name, expected: "1 to 36500" });
            }
        }
        if !(8..=128).contains(&self.password_min) {
            return Err(StartError::Setting { name: "password_min", expected: "8 to 128" });
        }
        if !(1..=64).contains(&self.hashing.threads) {
            return Err(StartError::Setting { name: "hashing.threads", expected: "1 to 64" });
        }
        Ok(())
    }
}

/// What one password hash (argon2id, RFC 9106) costs. A stored hash of another cost is made anew when its owner signs
/// in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Hashes computed at the same time, each by a thread of its own.
    pub threads: usize,
}

impl Default for HashingCost {
    /// The least that OWASP's Password Storage Cheat Sheet asks for (19 MiB, two passes, one lane), on half of the
    /// cores.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1, threads: (cores / 2).clamp(1, 8) }
    }
}
