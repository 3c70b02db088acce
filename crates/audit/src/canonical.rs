use backstay_base::KeyRef;
use backstay_scalar::Value;

/// Takes canonical bytes: a buffer, or a hash of them.
pub trait Sink {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The byte for the type of a value.
pub(crate) mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    pub(crate) const INT: u8 = 3;
    pub(crate) const FLOAT: u8 = 4;
    pub(crate) const DECIMAL: u8 = 5;
    pub(crate) const TEXT: u8 = 6;
    pub(crate) const ID: u8 = 7;
    pub(crate) const MOMENT: u8 = 8;
    pub(crate) const DAY: u8 = 9;
    pub(crate) const LENGTH: u8 = 10;
    pub(crate) const MONEY: u8 = 11;
    pub(crate) const JSON: u8 = 12;
    pub(crate) const LIST: u8 = 13;
    pub(crate) const WITHHELD: u8 = 14;
    pub(crate) const BYTES: u8 = 15;
}

/// Appends the canonical bytes of one value, as entries hold it; see `Entry`.
///
/// # Panics
/// If the value is not one that is stored: a float that is not finite, or a list that holds nulls or lists.
pub fn put_value(sink: &mut impl Sink, value: &Value) {
    match value {
        Value::Null => sink.put(&[tag::NULL]),
        Value::Bool(false) => sink.put(&[tag::FALSE]),
        Value::Bool(true) => sink.put(&[tag::TRUE]),
        Value::Int(number) => tagged(sink, tag::INT, &number.to_be_bytes()),
        Value::Float(number) => {
            assert!(number.is_finite(), "a stored float is finite");
            // Adding positive zero turns negative zero into it and changes nothing else.
            tagged(sink, tag::FLOAT, &(number + 0.0).to_be_bytes());
        }
        Value::Decimal(number) => {
            let number = number.normalize();
            sink.put(&[tag::DECIMAL, number.scale().to_be_bytes()[3]]);
            sink.put(&number.mantissa().to_be_bytes());
        }
        Value::Text(text) => {
            sink.put(&[tag::TEXT]);
            put_text(sink, text);
        }
        Value::Id(id) => match id.key() {
            KeyRef::Uuid(uuid) => tagged(sink, tag::ID, &uuid),
            KeyRef::Int(number) => put_value(sink, &Value::Int(number)),
            KeyRef::Text(text) => {
                sink.put(&[tag::TEXT]);
                put_text(sink, text);
            }
        },
        Value::Timestamp(moment) => tagged(sink, tag::MOMENT, &moment.micros().to_be_bytes()),
        Value::Date(day) => tagged(sink, tag::DAY, &day.days().to_be_bytes()),
        Value::Duration(length) => tagged(sink, tag::LENGTH, &length.micros().to_be_bytes()),
        Value::Money(money) => {
            tagged(sink, tag::MONEY, &money.scaled().to_be_bytes());
            sink.put(money.currency().code().as_bytes());
        }
        Value::Json(text) => {
            sink.put(&[tag::JSON]);
            put_text(sink, text);
        }
        Value::Bytes(octets) => {
            sink.put(&[tag::BYTES]);
            put_length(sink, octets.len());
            sink.put(octets);
        }
        Value::List(values) => {
            sink.put(&[tag::LIST]);
            put_length(sink, values.len());
            for value in values.iter() {
                assert!(!matches!(value, Value::Null | Value::List(_)), "a list holds neither nulls nor lists");
                put_value(sink, value);
            }
        }
    }
}

/// Appends a *count*: LEB128 in as few bytes as possible.
pub fn put_count(sink: &mut impl Sink, mut number: u64) {
    while number >= 0x80 {
        sink.put(&[number.to_be_bytes()[7] | 0x80]);
        number >>= 7;
    }
    sink.put(&[number.to_be_bytes()[7]]);
}

/// Appends the length of something in memory as a *count*.
pub(crate) fn put_length(sink: &mut impl Sink, length: usize) {
    put_count(sink, length as u64);
}

/// Appends a *text*: its length in bytes, then UTF-8.
pub(crate) fn put_text(sink: &mut impl Sink, text: &str) {
    put_length(sink, text.len());
    sink.put(text.as_bytes());
}

fn tagged(sink: &mut impl Sink, tag: u8, content: &[u8]) {
    sink.put(&[tag]);
    sink.put(content);
}
