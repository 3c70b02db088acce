use std::borrow::Cow;
use std::sync::Arc;

use backstay_base::{CallerKind, Date, Duration, FieldNumber, RecordId, RequestId, Timestamp, TypeNumber};
use backstay_scalar::{Currency, Money, Value};
use rust_decimal::Decimal;

use crate::canonical::tag;
use crate::encode::FORMAT;
use crate::entry::caller_from_byte;
use crate::{ChangeKind, Entry, Leaf, Logged, LoggedChange, LoggedRecord, ModelNumber, Origin, RecordKey};

/// The first format, which is still read.
const FIRST_FORMAT: u8 = 1;

/// Why bytes are not a canonical entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A format that is unknown here.
    #[error("entries of format {0} are unknown")]
    Format(u8),
    /// They end within a part, or there are none.
    #[error("the entry ends too early")]
    End,
    /// Something follows the last change.
    #[error("bytes follow the entry's end")]
    Trailing,
    /// A part has a form that no canonical encoding has.
    #[error("not canonical: {0}")]
    NotCanonical(&'static str),
}

/// Why an entry and its leaf hash cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The leaf hash is not that of the bytes: one of them was changed.
    #[error("the leaf hash is {stored}, but the entry's bytes give {computed}")]
    Leaf {
        /// The hash that is stored.
        stored: Leaf,
        /// The hash of the bytes.
        computed: Leaf,
    },
    /// The bytes are not a canonical entry.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// The entry that these bytes encode, if they have this leaf hash and are canonical.
pub fn verify(bytes: &[u8], leaf: Leaf) -> Result<Entry, VerifyError> {
    let computed = Leaf::of(bytes);
    if computed != leaf {
        return Err(VerifyError::Leaf { stored: leaf, computed });
    }
    Ok(Entry::decode(bytes)?)
}

impl Entry {
    /// Reads the canonical bytes of either format; rejects everything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader { rest: bytes };
        let entry = match reader.byte()? {
            FIRST_FORMAT => reader.first_format()?,
            FORMAT => reader.second_format()?,
            other => return Err(DecodeError::Format(other)),
        };
        if entry.changes.is_empty() {
            return Err(DecodeError::NotCanonical("an entry without changes"));
        }
        if !reader.rest.is_empty() {
            return Err(DecodeError::Trailing);
        }
        Ok(entry)
    }
}

/// What is still to be read.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn first_format(&mut self) -> Result<Entry, DecodeError> {
        let moment = self.moment()?;
        let origin = self.origin()?;
        Ok(Entry { moment, model: None, origin, changes: self.list(Self::first_change)? })
    }

    fn second_format(&mut self) -> Result<Entry, DecodeError> {
        let moment = self.moment()?;
        let model = Some(ModelNumber(self.number()?));
        let origin = self.origin()?;
        let changes = self.list(Self::change)?;
        let sort = |change: &LoggedChange| (change.type_number, change.kind);
        let one = |pair: &[LoggedChange]| sort(&pair[0]) == sort(&pair[1]) && pair[0].fields == pair[1].fields;
        if changes.windows(2).any(one) {
            return Err(DecodeError::NotCanonical("two changes of one sort that follow each other"));
        }
        Ok(Entry { moment, model, origin, changes })
    }

    fn origin(&mut self) -> Result<Origin, DecodeError> {
        Ok(Origin {
            kind: self.caller()?,
            id: self.optional_id()?,
            request: self.optional_id()?.map(RequestId),
            transaction: Cow::Owned(self.text()?.to_owned()),
        })
    }

    fn change(&mut self) -> Result<LoggedChange, DecodeError> {
        let type_number = TypeNumber(self.number()?);
        let kind = self.kind()?;
        let fields = self.list(|reader| reader.number().map(FieldNumber))?;
        check_fields(kind, &fields)?;
        let count = self.length()?;
        if count == 0 {
            return Err(DecodeError::NotCanonical("a change without records"));
        }
        let records = (0..count).map(|_| self.record(fields.len())).collect::<Result<_, _>>()?;
        Ok(LoggedChange { type_number, kind, fields, records })
    }

    fn record(&mut self, fields: usize) -> Result<LoggedRecord, DecodeError> {
        let key = RecordKey::new(self.value()?);
        let key = key.ok_or(DecodeError::NotCanonical("a key of a type that no record has"))?;
        let version = self.i64()?;
        let values = (0..fields).map(|_| self.logged()).collect::<Result<_, _>>()?;
        Ok(LoggedRecord { key, version, values })
    }

    fn first_change(&mut self) -> Result<LoggedChange, DecodeError> {
        let type_number = TypeNumber(self.number()?);
        let key = RecordKey::from(self.id()?);
        let kind = self.kind()?;
        let version = self.i64()?;
        let fields = self.list(|reader| Ok((FieldNumber(reader.number()?), reader.logged()?)))?;
        let (fields, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
        check_fields(kind, &fields)?;
        Ok(LoggedChange { type_number, kind, fields, records: vec![LoggedRecord { key, version, values }] })
    }

    fn kind(&mut self) -> Result<ChangeKind, DecodeError> {
        ChangeKind::from_byte(self.byte()?).ok_or(DecodeError::NotCanonical("an unknown kind of change"))
    }

    fn logged(&mut self) -> Result<Logged, DecodeError> {
        if self.rest.first() == Some(&tag::WITHHELD) {
            self.byte()?;
            return Ok(Logged::Withheld);
        }
        self.value().map(Logged::Value)
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        let tag = self.byte()?;
        if tag == tag::LIST { Ok(Value::List(self.list(Self::element)?.into())) } else { self.scalar(tag) }
    }

    fn element(&mut self) -> Result<Value, DecodeError> {
        match self.byte()? {
            tag::NULL => Err(DecodeError::NotCanonical("a null in a list")),
            tag => self.scalar(tag),
        }
    }

    fn scalar(&mut self, tag: u8) -> Result<Value, DecodeError> {
        Ok(match tag {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::INT => Value::Int(self.i64()?),
            tag::FLOAT => Value::Float(self.float()?),
            tag::DECIMAL => Value::Decimal(self.decimal()?),
            tag::TEXT => Value::Text(Arc::from(self.text()?)),
            tag::ID => Value::Id(self.id()?),
            tag::MOMENT => Value::Timestamp(self.moment()?),
            tag::DAY => {
                let day = Date::from_days(i32::from_be_bytes(self.array()?));
                Value::Date(day.ok_or(DecodeError::NotCanonical("a day out of range"))?)
            }
            tag::LENGTH => Value::Duration(Duration::from_micros(self.i64()?)),
            tag::MONEY => Value::Money(self.money()?),
            tag::JSON => Value::Json(Arc::from(self.text()?)),
            tag::BYTES => Value::Bytes(Arc::from(self.octets()?)),
            _ => return Err(DecodeError::NotCanonical("an unknown type of value")),
        })
    }

    fn float(&mut self) -> Result<f64, DecodeError> {
        let number = f64::from_be_bytes(self.array()?);
        if !number.is_finite() || (number == 0.0 && number.is_sign_negative()) {
            return Err(DecodeError::NotCanonical("a float that is not finite, or a negative zero"));
        }
        Ok(number)
    }

    fn decimal(&mut self) -> Result<Decimal, DecodeError> {
        let scale = u32::from(self.byte()?);
        let mantissa = i128::from_be_bytes(self.array()?);
        let number = Decimal::try_from_i128_with_scale(mantissa, scale)
            .map_err(|_| DecodeError::NotCanonical("a decimal out of range"))?;
        let shortest = number.normalize();
        if shortest.scale() != scale {
            return Err(DecodeError::NotCanonical("a decimal with trailing zeros"));
        }
        Ok(number)
    }

    fn money(&mut self) -> Result<Money, DecodeError> {
        let scaled = self.i64()?;
        let code = std::str::from_utf8(self.take(3)?).ok().and_then(Currency::parse);
        Ok(Money::from_scaled(scaled, code.ok_or(DecodeError::NotCanonical("a currency that is not three letters"))?))
    }

    fn moment(&mut self) -> Result<Timestamp, DecodeError> {
        Timestamp::from_micros(self.i64()?).ok_or(DecodeError::NotCanonical("a moment out of range"))
    }

    fn caller(&mut self) -> Result<CallerKind, DecodeError> {
        caller_from_byte(self.byte()?).ok_or(DecodeError::NotCanonical("an unknown kind of caller"))
    }

    fn optional_id(&mut self) -> Result<Option<RecordId>, DecodeError> {
        match self.byte()? {
            0 => Ok(None),
            1 => Ok(Some(self.id()?)),
            _ => Err(DecodeError::NotCanonical("neither absent nor present")),
        }
    }

    fn list<T>(&mut self, element: fn(&mut Self) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
        (0..self.length()?).map(|_| element(self)).collect()
    }

    /// The number of elements that follow, each of which takes at least one byte: a forged one reserves no memory.
    fn length(&mut self) -> Result<usize, DecodeError> {
        let length = usize::try_from(self.count()?).map_err(|_| DecodeError::End)?;
        if length > self.rest.len() { Err(DecodeError::End) } else { Ok(length) }
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.octets()?).map_err(|_| DecodeError::NotCanonical("a text that is not UTF-8"))
    }

    fn octets(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.count()?).map_err(|_| DecodeError::End)?;
        self.take(length)
    }

    fn number(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.count()?).map_err(|_| DecodeError::NotCanonical("a permanent number past 32 bits"))
    }

    fn count(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if (bits << shift) >> shift != bits {
                return Err(DecodeError::NotCanonical("a count past 64 bits"));
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                let padded = byte == 0 && shift > 0;
                return if padded { Err(DecodeError::NotCanonical("a padded count")) } else { Ok(number) };
            }
        }
        Err(DecodeError::NotCanonical("a count past 64 bits"))
    }

    fn id(&mut self) -> Result<RecordId, DecodeError> {
        self.array().map(RecordId::from_bytes)
    }

    fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(DecodeError::End)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::End)?;
        self.rest = rest;
        Ok(head)
    }
}

fn check_fields(kind: ChangeKind, fields: &[FieldNumber]) -> Result<(), DecodeError> {
    if !fields.is_sorted_by(|one, next| one < next) {
        return Err(DecodeError::NotCanonical("fields out of order"));
    }
    if !kind.has_fields() && !fields.is_empty() {
        return Err(DecodeError::NotCanonical("a change without fields that has some"));
    }
    Ok(())
}
