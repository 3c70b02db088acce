use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::{Ambient, Entropy, Timestamp};

/// The key of one record: a UUID, which Backstay makes as version 7 or 4 (RFC 9562, sections 5.7 and 5.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(Uuid);

impl RecordId {
    /// The id whose sixteen bytes, in network order, are these.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The sixteen bytes in network order.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id as a number, big end first, which orders as the bytes do.
    pub fn as_u128(self) -> u128 {
        self.0.as_u128()
    }

    /// Its version; none if it isn't of the variant that RFC 9562 specifies (section 4.1).
    pub fn version(self) -> Option<u8> {
        let [.., sixth, _, eighth, _, _, _, _, _, _, _] = *self.as_bytes();
        (eighth >> 6 == 0b10).then_some(sixth >> 4)
    }

    /// Its last eight hexadecimal digits, which are random where Backstay made it.
    pub fn ending(self) -> String {
        format!("{:08x}", self.0.as_u128() & 0xFFFF_FFFF)
    }

    /// Writes the 36 lower-case characters of the usual form into `buffer` and returns them.
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; 36]))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a UUID in its hyphenated form of 36 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")]
pub struct ParseIdError;

impl FromStr for RecordId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.len() != 36 {
            return Err(ParseIdError);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
    }
}

/// The permanent number of a type in a database's catalog: it outlives renames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeNumber(pub u32);

/// The permanent number of a field in a database's catalog, unique within its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldNumber(pub u32);

/// Names something that a result can depend on, as a hash that is the same in every process on one database. Two that
/// share a key cost a needless miss, never a stale hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DependencyKey(pub u64);

/// Names one request in answers, logs and the commit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub RecordId);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Makes UUIDs: random ones, or ones of version 7 that never go backwards within one process (RFC 9562, section 6.2,
/// method 3: the twelve bits after the milliseconds hold fractions of a millisecond and count up where time stands still).
#[derive(Debug, Default)]
pub struct IdSource {
    /// Milliseconds since the epoch in the upper 52 bits, the twelve bits of `rand_a` below.
    last: AtomicU64,
    spare: Mutex<Spare>,
}

/// Random bytes that are fetched for many ids at once: to ask the operating system costs more than all else of an id.
/// Ids aren't secret; what must not be guessed takes its bytes from the entropy itself.
#[derive(Debug)]
struct Spare {
    bytes: [u8; 512],
    used: usize,
}

impl Default for Spare {
    fn default() -> Self {
        Self { bytes: [0; 512], used: 512 }
    }
}

impl Spare {
    fn take(&mut self, entropy: &dyn Entropy) -> [u8; 8] {
        if self.used == self.bytes.len() {
            entropy.fill(&mut self.bytes);
            self.used = 0;
        }
        let mut taken = [0; 8];
        taken.copy_from_slice(&self.bytes[self.used..self.used + 8]);
        self.used += 8;
        taken
    }
}

impl IdSource {
    /// Ids that are later than this moment, even if the clock has gone back behind it.
    #[must_use]
    pub fn after(moment: Timestamp) -> Self {
        Self { last: AtomicU64::new(Self::ticks(moment)), ..Self::default() }
    }

    /// The next id: time from the ambient clock, 62 random bits from its entropy.
    pub fn next(&self, ambient: &Ambient) -> RecordId {
        let wanted = Self::ticks(ambient.clock.now());
        let step = |last: u64| Some(wanted.max(last + 1));
        // `step` never declines.
        let (Ok(last) | Err(last)) = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        let ticks = wanted.max(last + 1);

        let mut bytes = [0_u8; 16];
        bytes[8..].copy_from_slice(&self.eight_random(ambient));
        bytes[..6].copy_from_slice(&(ticks >> 12).to_be_bytes()[2..]);
        let fraction = (ticks & 0xFFF).to_be_bytes();
        bytes[6] = 0x70 | fraction[6];
        bytes[7] = fraction[7];
        bytes[8] = 0x80 | (bytes[8] & 0x3F);
        RecordId::from_bytes(bytes)
    }

    /// A UUID of version 4 (RFC 9562, section 5.4): 122 random bits.
    pub fn random(&self, ambient: &Ambient) -> RecordId {
        let mut bytes = [0_u8; 16];
        bytes[..8].copy_from_slice(&self.eight_random(ambient));
        bytes[8..].copy_from_slice(&self.eight_random(ambient));
        bytes[6] = 0x40 | (bytes[6] & 0x0F);
        bytes[8] = 0x80 | (bytes[8] & 0x3F);
        RecordId::from_bytes(bytes)
    }

    fn eight_random(&self, ambient: &Ambient) -> [u8; 8] {
        if let Ok(mut spare) = self.spare.try_lock() {
            return spare.take(&*ambient.entropy);
        }
        let mut bytes = [0; 8];
        ambient.entropy.fill(&mut bytes);
        bytes
    }

    fn ticks(now: Timestamp) -> u64 {
        // UUIDs of version 7 count from 1970 (RFC 9562, section 5.7).
        let micros = now.micros().max(0).unsigned_abs();
        ((micros / 1000) << 12) | ((micros % 1000) * 4096 / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_increase() {
        let (source, ambient) = (IdSource::default(), Ambient::system());
        let ids: Vec<RecordId> = (0..10_000).map(|_| source.next(&ambient)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.version() == Some(7)));
        assert_eq!(ids[0].to_string().parse(), Ok(ids[0]));
    }

    #[test]
    fn random_ids_are_version_4_and_differ() {
        let (source, ambient) = (IdSource::default(), Ambient::system());
        let ids: std::collections::BTreeSet<RecordId> = (0..1000).map(|_| source.random(&ambient)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.version() == Some(4)));
    }

    #[test]
    fn only_ids_of_the_specified_variant_have_a_version() {
        let check =
            |id: &str, expected: Option<u8>| assert_eq!(id.parse().map(RecordId::version), Ok(expected), "{id}");
        check("0191e4f0-a000-7000-8000-00000000000a", Some(7));
        check("0191e4f0-a000-4000-bfff-00000000000a", Some(4));
        check("0191e4f0-a000-7000-c000-00000000000a", None);
        check("00000000-0000-0000-0000-000000000000", None);
        check("ffffffff-ffff-ffff-ffff-ffffffffffff", None);
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        for text in ["", "1", "0191e4f0a0007000800000000000000a", "{0191e4f0-a000-7000-8000-00000000000a}"] {
            assert_eq!(text.parse::<RecordId>(), Err(ParseIdError), "{text}");
        }
    }
}
