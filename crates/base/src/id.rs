use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::{Ambient, Entropy, Timestamp, limits};

/// Which of the forms of a `RecordId` the keys of a collection have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyForm {
    /// UUIDs (RFC 9562).
    Uuid,
    /// Whole numbers from 1.
    Int,
    /// Short texts, compared by code point.
    Text,
}

/// The key of one record: a UUID, which Backstay makes as version 7 or 4 (RFC 9562, sections 5.7 and 5.4), a number or a
/// short text. Keys of one form are ordered by their bytes, as both databases order them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordId {
    form: KeyForm,
    /// Of a UUID its sixteen bytes, of a number eight with the big end first, of a text its own; then zeros, which no text
    /// has.
    bytes: [u8; limits::KEY_BYTES],
    length: u8,
}

impl RecordId {
    /// The UUID whose sixteen bytes, in network order, are these.
    #[inline]
    pub fn from_bytes(uuid: [u8; 16]) -> Self {
        let mut bytes = [0; limits::KEY_BYTES];
        bytes[..16].copy_from_slice(&uuid);
        Self { form: KeyForm::Uuid, bytes, length: 16 }
    }

    /// The key that is a number; `None` if it isn't above zero.
    pub fn from_number(number: i64) -> Option<Self> {
        if number < 1 {
            return None;
        }
        let mut bytes = [0; limits::KEY_BYTES];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Some(Self { form: KeyForm::Int, bytes, length: 8 })
    }

    /// The key that is a text; `None` if it is empty, too long or has a NUL. `Scalar::UUID` says what else it must be.
    pub fn from_text(text: &str) -> Option<Self> {
        let length = u8::try_from(text.len()).ok().filter(|length| *length > 0)?;
        let mut bytes = [0; limits::KEY_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        (!text.contains('\0')).then_some(Self { form: KeyForm::Text, bytes, length })
    }

    /// An id of this form that stands for one that isn't known yet.
    pub fn stand_in(form: KeyForm) -> Self {
        KeyRef::stand_in(form).into()
    }

    /// Which form it has.
    #[inline]
    pub fn form(&self) -> KeyForm {
        self.form
    }

    /// What it is.
    #[inline]
    pub fn key(&self) -> KeyRef<'_> {
        let bytes = self.as_bytes();
        match self.form {
            KeyForm::Uuid => KeyRef::Uuid(*bytes.first_chunk().expect("a UUID has sixteen bytes")),
            KeyForm::Int => KeyRef::Int(i64::from_be_bytes(*bytes.first_chunk().expect("a number has eight bytes"))),
            KeyForm::Text => KeyRef::Text(std::str::from_utf8(bytes).expect("a text has the bytes of a text")),
        }
    }

    /// Its bytes: of a UUID sixteen in network order, of a number eight with the big end first, of a text those of UTF-8.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The UUID's version; none if it isn't of the variant that RFC 9562 specifies (section 4.1), or no UUID.
    pub fn version(self) -> Option<u8> {
        let KeyRef::Uuid([.., sixth, _, eighth, _, _, _, _, _, _, _]) = self.key() else { return None };
        (eighth >> 6 == 0b10).then_some(sixth >> 4)
    }

    /// Its last four bytes, which are random where Backstay made a UUID; of a text a hash of all of it.
    pub fn ending(self) -> u32 {
        match self.key() {
            KeyRef::Uuid([.., a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
            KeyRef::Int(number) => {
                let [.., a, b, c, d] = number.to_be_bytes();
                u32::from_be_bytes([a, b, c, d])
            }
            // FNV-1a.
            KeyRef::Text(text) => {
                text.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
            }
        }
    }
}

/// What a key is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeyRef<'a> {
    /// A UUID's sixteen bytes, in network order.
    Uuid([u8; 16]),
    /// A number above zero.
    Int(i64),
    /// A text that `RecordId::from_text` takes.
    Text(&'a str),
}

impl<'a> KeyRef<'a> {
    /// The text as a key, if `RecordId::from_text` takes it.
    pub fn text(text: &'a str) -> Option<Self> {
        RecordId::from_text(text).map(|_| Self::Text(text))
    }

    /// The number as a key, if it is above zero.
    pub fn number(number: i64) -> Option<Self> {
        (number > 0).then_some(Self::Int(number))
    }

    fn stand_in(form: KeyForm) -> Self {
        match form {
            KeyForm::Uuid => Self::Uuid([0; 16]),
            KeyForm::Int => Self::Int(1),
            KeyForm::Text => Self::Text("-"),
        }
    }

    /// The key as text: of a UUID the 36 lower-case characters of the usual form, of a number its digits, of a text itself.
    #[inline]
    pub fn encode<'t>(self, buffer: &'t mut [u8; 36]) -> &'t str
    where
        'a: 't,
    {
        match self {
            Self::Uuid(uuid) => Uuid::from_bytes(uuid).hyphenated().encode_lower(buffer),
            Self::Int(number) => {
                let mut rest: &mut [u8] = buffer;
                write!(rest, "{number}").expect("a number has at most twenty characters");
                let unused = rest.len();
                std::str::from_utf8(&buffer[..36 - unused]).expect("digits are a text")
            }
            Self::Text(text) => text,
        }
    }
}

impl fmt::Debug for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; 36]))
    }
}

impl From<KeyRef<'_>> for RecordId {
    /// # Panics
    /// Panics if the number or the text is none that can be a key: whoever made the reference asked.
    #[inline]
    fn from(key: KeyRef<'_>) -> Self {
        match key {
            KeyRef::Uuid(uuid) => Self::from_bytes(uuid),
            KeyRef::Int(number) => Self::from_number(number).expect("a number that is a key is above zero"),
            KeyRef::Text(text) => Self::from_text(text).expect("a text that is a key was checked"),
        }
    }
}

impl Hash for RecordId {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key().encode(&mut [0; 36]))
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

    /// The key that is this UUID.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.len() != 36 {
            return Err(ParseIdError);
        }
        Uuid::try_parse(text).map(|uuid| Self::from_bytes(uuid.into_bytes())).map_err(|_| ParseIdError)
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

    #[test]
    fn numbers_and_texts_are_keys_in_their_order() {
        let number = |number: i64| RecordId::from_number(number);
        let text = |text: &str| RecordId::from_text(text);
        assert_eq!([number(0), number(-1)], [None, None]);
        assert_eq!([text(""), text("a\0"), text(&"x".repeat(limits::KEY_BYTES + 1))], [None, None, None]);
        assert!(number(9) < number(10) && number(255) < number(256));
        assert!(text("a") < text("aa") && text("Z") < text("a") && text("z") < text("é"));
        let longest = "x".repeat(limits::KEY_BYTES);
        let shown = |id: Option<RecordId>| id.expect("a key").to_string();
        assert_eq!(shown(number(i64::MAX)), "9223372036854775807");
        assert_eq!((shown(text("CH")), shown(text(&longest))), ("CH".to_owned(), longest));
        assert_ne!(number(7), text("7"));
    }
}
