use backstay_base::{Ambient, limits};

/// Microseconds until the next attempt, after so many: each wait is twice as long as the one before, and up to a quarter longer, so that
/// what has failed together isn't tried together.
pub(super) fn after(attempts: i64, ambient: &Ambient) -> i64 {
    let doublings = u32::try_from(attempts.clamp(1, 30) - 1).unwrap_or(0);
    let seconds = limits::JOB_RETRY_SECONDS.saturating_mul(1 << doublings).min(limits::JOB_RETRY_SECONDS_MOST);
    let mut byte = [0];
    ambient.entropy.fill(&mut byte);
    let micros = seconds * 1_000_000;
    micros + micros / 4 * i64::from(byte[0]) / 256
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use backstay_base::{Ambient, Entropy};

    use super::after;

    #[derive(Debug)]
    struct Always(u8);

    impl Entropy for Always {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn each_wait_is_twice_as_long() {
        let check = |attempts: i64, byte: u8, expected: f64| {
            let ambient = Ambient { entropy: Arc::new(Always(byte)), ..Ambient::system() };
            let micros = i32::try_from(after(attempts, &ambient) / 1000).expect("less than a month");
            assert!((f64::from(micros) / 1000.0 - expected).abs() < 0.1, "{attempts} {byte}: {micros}");
        };
        check(1, 0, 5.0);
        check(2, 0, 10.0);
        check(3, 0, 20.0);
        check(3, 128, 22.5);
        check(12, 0, 10_240.0);
        check(13, 0, 20_480.0);
        check(14, 0, 21_600.0);
        check(100, 0, 21_600.0);
    }
}
