use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use backstay_base::{Ambient, Clock, Duration, Entropy, Timestamp};
use backstay_scalar::{Scalar, Token, Value};

/// The moment that a text names, as the scalar `DateTime` reads it.
pub fn moment(text: &str) -> Timestamp {
    let read = match Scalar::DateTime.read(Token::Text(text)) {
        Ok(Value::Timestamp(moment)) => Some(moment),
        _ => None,
    };
    read.expect("the test gives a moment")
}

/// The length of time that a text names, as the scalar `Duration` reads it.
pub fn duration(text: &str) -> Duration {
    let read = match Scalar::Duration.read(Token::Text(text)) {
        Ok(Value::Duration(length)) => Some(length),
        _ => None,
    };
    read.expect("the test gives a duration")
}

/// A clock that moves only when the test moves it.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that shows this moment (RFC 3339).
    pub fn at(moment: &str) -> Self {
        Self(Arc::new(AtomicI64::new(self::moment(moment).micros())))
    }

    /// Moves the clock by a duration such as `36h` or `90s`, or back by one such as `-1h`.
    pub fn advance(&self, by: &str) {
        self.0.fetch_add(duration(by).micros(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros_saturating(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that look random and are the same in every run of a test (splitmix64).
#[derive(Debug)]
pub struct TestEntropy(AtomicU64);

impl TestEntropy {
    /// Another seed, other bytes.
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn word(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut word = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }
}

impl Entropy for TestEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Time and randomness under the control of a test.
pub fn controlled(clock: &TestClock, seed: u64) -> Ambient {
    Ambient { clock: Arc::new(clock.clone()), entropy: Arc::new(TestEntropy::seeded(seed)) }
}
