use std::time::Duration;

use backstay_base::Entropy;

/// Seconds after a failed attempt until the next one: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, as the Standard
/// Webhooks recommend. After the last of them a message is given up.
const SECONDS: [u32; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How long a message waits after so many failed attempts: up to a fifth more or less, so that what has failed together isn't
/// tried together. `None` if it is given up.
pub(crate) fn pause(attempts: u32, entropy: &dyn Entropy) -> Option<Duration> {
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let seconds = f64::from(*SECONDS.get(index)?);
    let mut byte = [0];
    entropy.fill(&mut byte);
    Some(Duration::from_secs_f64(seconds * (0.8 + 0.4 * f64::from(byte[0]) / 255.0)))
}

#[cfg(test)]
mod tests {
    use backstay_testkit::TestEntropy;

    use super::*;

    #[test]
    fn pauses_grow_from_seconds_to_a_day() {
        let entropy = TestEntropy::seeded(7);
        let check = |attempts: u32, least: f64, most: f64| {
            for _ in 0..100 {
                let seconds = pause(attempts, &entropy).expect("another attempt").as_secs_f64();
                assert!((least..=most).contains(&seconds), "{attempts}: {seconds}");
            }
        };
        check(1, 4.0, 6.0);
        check(2, 240.0, 360.0);
        check(9, 69_120.0, 103_680.0);
        assert_eq!(pause(10, &entropy), None);
    }
}
