use std::borrow::Cow;
use std::sync::Arc;

use backstay_base::{CallerKind, Date, Duration, FieldNumber, RecordId, RequestId, Timestamp, TypeNumber};
use backstay_scalar::{Currency, Money, Value};
use rust_decimal::Decimal;

use crate::encode::{VERSION, caller_byte, tag};
use crate::{ChangeKind, Entry, Leaf, Logged, LoggedChange, LoggedField, Origin};

/// Why bytes are not a canonical entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nothing at all, or a version that is not known here.
    #[error("entries of version {0} are not known")]
    Version(u8),
    /// They end within a part.
    #[error("the entry ends too early")]
    End,
    /// Something follows the last change.
    #[error("bytes follow the entry's end")]
    Trailing,
    /// A part has a form that the canonical encoding never has.
    #[error("not canonical: {0}")]
    NotCanonical(&'static str),
}

/// Why an entry and its leaf hash do not stand up.
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
    /// Reads canonical bytes; refuses everything that `encode` would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader { rest: bytes };
        match bytes.first() {
            Some(&VERSION) => reader.take(1)?,
            other => return Err(DecodeError::Version(other.copied().unwrap_or(0))),
        };
        let moment = reader.moment()?;
        let origin = reader.origin()?;
        let changes = reader.list(Reader::change)?;
        if changes.is_empty() {
            return Err(DecodeError::NotCanonical("an entry without changes"));
        }
        if !reader.rest.is_empty() {
            return Err(DecodeError::Trailing);
        }
        Ok(Self { moment, origin, changes })
    }
}

/// What is still to be read.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn origin(&mut self) -> Result<Origin, DecodeError> {
        Ok(Origin {
            kind: self.caller()?,
            id: self.optional_id()?,
            request: self.optional_id()?.map(RequestId),
            operation: Cow::Owned(self.text()?.to_owned()),
        })
    }

    fn change(&mut self) -> Result<LoggedChange, DecodeError> {
        let type_number = TypeNumber(self.number()?);
        let record = self.id()?;
        let kind = ChangeKind::from_byte(self.byte()?).ok_or(DecodeError::NotCanonical("an unknown kind of change"))?;
        let version = self.i64()?;
        let fields = self.list(Self::field)?;
        if !fields.is_sorted_by(|one, next| one.number < next.number) {
            return Err(DecodeError::NotCanonical("fields out of order"));
        }
        if kind == ChangeKind::Delete && !fields.is_empty() {
            return Err(DecodeError::NotCanonical("a delete with fields"));
        }
        Ok(LoggedChange { type_number, record, kind, version, fields })
    }

    fn field(&mut self) -> Result<LoggedField, DecodeError> {
        let number = FieldNumber(self.number()?);
        if self.rest.first() == Some(&tag::WITHHELD) {
            self.byte()?;
            return Ok(LoggedField { number, value: Logged::Withheld });
        }
        Ok(LoggedField { number, value: Logged::Value(self.value()?) })
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
        let byte = self.byte()?;
        [CallerKind::Anonymous, CallerKind::Account, CallerKind::Service, CallerKind::Operator, CallerKind::System]
            .into_iter()
            .find(|kind| caller_byte(*kind) == byte)
            .ok_or(DecodeError::NotCanonical("an unknown kind of caller"))
    }

    fn optional_id(&mut self) -> Result<Option<RecordId>, DecodeError> {
        match self.byte()? {
            0 => Ok(None),
            1 => Ok(Some(self.id()?)),
            _ => Err(DecodeError::NotCanonical("neither absent nor present")),
        }
    }

    fn list<T>(&mut self, element: fn(&mut Self) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
        let length = self.count()?;
        // Every element takes a byte at least: a forged length cannot make us reserve memory.
        if length > self.rest.len() as u64 {
            return Err(DecodeError::End);
        }
        (0..length).map(|_| element(self)).collect()
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = usize::try_from(self.count()?).map_err(|_| DecodeError::End)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| DecodeError::NotCanonical("a text that is not UTF-8"))
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
