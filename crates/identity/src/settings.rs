use backstay_base::Duration;

use crate::StartError;

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// Everyone.
    Open,
    /// People whom an operator has invited.
    Invited,
    /// Nobody.
    Closed,
}

/// How accounts behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who may sign up.
    pub sign_up: SignUp,
    /// Days after which a session expires, however often it is used.
    pub session_days: u32,
    /// The minimum length of a new password in characters (NIST SP 800-63B, section 3.1.1.2); at least 8.
    pub password_min: u8,
    /// Sign-ins to one account from one network address before the next has to wait. A successful one resets the count.
    pub attempts_per_account: u32,
    /// Sign-ins and changes of password from one network address (for IPv6: one /64 network) before the next has to
    /// wait.
    pub attempts_per_address: u32,
    /// Sign-ups from one network address before the next has to wait.
    pub sign_ups_per_address: u32,
    /// Minutes in which all attempts become available again, one after the other.
    pub attempt_minutes: u32,
    /// The cost of one password hash.
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
    /// How long a session lasts.
    pub(crate) fn session_length(&self) -> Duration {
        const DAY_MICROS: i64 = 86_400_000_000;
        Duration::from_micros(i64::from(self.session_days) * DAY_MICROS)
    }

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

/// The cost of one password hash (argon2id, RFC 9106). A stored hash with another cost is replaced when its owner signs
/// in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Threads that compute hashes.
    pub threads: usize,
}

impl Default for HashingCost {
    /// The minimum that OWASP's Password Storage Cheat Sheet recommends (19 MiB, two passes, one lane), on half of the
    /// cores.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1, threads: (cores / 2).clamp(1, 8) }
    }
}
