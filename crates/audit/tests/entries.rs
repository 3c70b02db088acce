//! The format of commit-log entries as others would implement it: fixed bytes, written by hand from the documentation
//! of `Entry`; nothing here is computed by the code under test.

use std::borrow::Cow;
use std::sync::Arc;

use backstay_audit::{
    ChangeKind, DecodeError, Entry, Leaf, Logged, LoggedChange, LoggedField, Origin, VerifyError, verify,
};
use backstay_base::{CallerKind, Date, Duration, FieldNumber, RecordId, RequestId, Timestamp, TypeNumber};
use backstay_scalar::{Currency, Money, Value};
use proptest::prelude::*;

const RECORD: &str = "0191e4f0a00070008000000000000001";
const CALLER: &str = "0191e4f0a00070008000000000000002";
const REQUEST: &str = "0191e4f0a00070008000000000000003";

fn bytes(hex: &[&str]) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.concat().chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).expect("a digit")).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn id(hex: &str) -> RecordId {
    RecordId::from_bytes(bytes(&[hex]).try_into().expect("16 bytes"))
}

fn field(number: u32, value: Value) -> LoggedField {
    LoggedField { number: FieldNumber(number), value: Logged::Value(value) }
}

fn entry(kind: ChangeKind, fields: Vec<LoggedField>) -> Entry {
    Entry {
        moment: Timestamp::parse("2026-01-31T12:00:00.000001Z").expect("a moment"),
        origin: Origin {
            kind: CallerKind::Account,
            id: Some(id(CALLER)),
            request: Some(RequestId(id(REQUEST))),
            operation: Cow::Borrowed("create"),
        },
        changes: vec![LoggedChange { type_number: TypeNumber(300), record: id(RECORD), kind, version: 1, fields }],
    }
}

/// What every entry made by `entry` begins with, up to the kind of the change.
fn head() -> [&'static str; 10] {
    // 2026-01-31T12:00:00.000001Z is 1 769 860 800 000 001 microseconds after the epoch.
    ["01", "000649add4493001", "01", "01", CALLER, "01", REQUEST, "06 637265617465", "01", "ac02"]
}

fn check(entry: &Entry, expected: &[&str]) {
    let expected = bytes(expected);
    assert_eq!(entry.encode(), expected, "encode");
    assert_eq!(Entry::decode(&expected).as_ref(), Ok(entry), "decode");
}

#[test]
fn a_create_has_these_bytes() {
    let made = entry(ChangeKind::Create, vec![field(5, Value::text("Grüße")), field(6, Value::Int(-2))]);
    let rest = [RECORD, "01", "0000000000000001", "02", "05 06 07 4772c3bcc39f65", "06 03 fffffffffffffffe"];
    check(&made, &[&head()[..], &rest].concat());
}

#[test]
fn anonymous_callers_and_deletes_are_short() {
    let mut gone = entry(ChangeKind::Delete, vec![]);
    gone.origin.kind = CallerKind::Anonymous;
    (gone.origin.id, gone.origin.request) = (None, None);
    check(
        &gone,
        &[
            "01",
            "000649add4493001",
            "00",
            "00",
            "00",
            "06 637265617465",
            "01",
            "ac02",
            RECORD,
            "03",
            "0000000000000001 00",
        ],
    );
}

#[test]
fn every_value_has_one_form() {
    let check = |value: Value, expected: &str| {
        let made = entry(ChangeKind::Update, vec![field(9, value)]);
        let rest = [RECORD, "02", "0000000000000001", "01", "09", expected];
        self::check(&made, &[&head()[..], &rest].concat());
    };
    check(Value::Null, "00");
    check(Value::Bool(false), "01");
    check(Value::Bool(true), "02");
    check(Value::Int(258), "03 0000000000000102");
    check(Value::Float(1.5), "04 3ff8000000000000");
    check(Value::Decimal("-12.5".parse().expect("a decimal")), "05 01 ffffffffffffffffffffffffffffff83");
    check(Value::text(""), "06 00");
    check(Value::Id(id(CALLER)), &format!("07 {CALLER}"));
    check(Value::Timestamp(Timestamp::from_micros(-1).expect("in range")), "08 ffffffffffffffff");
    check(Value::Date(Date::from_days(1).expect("in range")), "09 00000001");
    check(Value::Duration(Duration::from_micros(1_000_000)), "0a 00000000000f4240");
    check(
        Value::Money(Money::from_scaled(125_000, Currency::parse("EUR").expect("a currency"))),
        "0b 000000000001e848 455552",
    );
    check(Value::Json(Arc::from("{}")), "0c 02 7b7d");
    check(Value::List([Value::text("a"), Value::Bool(true)].into()), "0d 02 06 01 61 02");
    check(Value::List([].into()), "0d 00");
}

#[test]
fn equal_numbers_have_equal_bytes() {
    let encode = |value: Value| entry(ChangeKind::Update, vec![field(1, value)]).encode();
    let decimal = |text: &str| Value::Decimal(text.parse().expect("a decimal"));
    assert_eq!(encode(Value::Float(-0.0)), encode(Value::Float(0.0)));
    assert_eq!(encode(decimal("1.50")), encode(decimal("1.5")));
    assert_eq!(encode(decimal("-0.00")), encode(decimal("0")));
}

#[test]
fn a_classified_value_is_withheld() {
    let made = entry(
        ChangeKind::Update,
        vec![LoggedField { number: FieldNumber(4), value: Logged::Withheld }, field(200, Value::Null)],
    );
    let rest = [RECORD, "02", "0000000000000001", "02", "04 0e", "c801 00"];
    check(&made, &[&head()[..], &rest].concat());
}

#[test]
fn the_leaf_hash_is_that_of_rfc_6962() {
    // `(printf '\0'; printf hello) | sha256sum`
    assert_eq!(Leaf::of(b"hello").to_string(), "8a2a5c9b768827de5a9552c38a044c66959c68f6d2f21b5260af54d2f87db827");
    // RFC 6962's hash of an empty leaf, as Certificate Transparency publishes it.
    assert_eq!(Leaf::of(b"").to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

#[test]
fn what_is_not_canonical_is_refused() {
    let check = |rest: &[&str], expected: DecodeError| {
        let bytes = bytes(&[&head()[..], rest].concat());
        assert_eq!(Entry::decode(&bytes), Err(expected), "{rest:?}");
    };
    let update = |fields: &'static str| [RECORD, "02", "0000000000000001", fields];
    let other = DecodeError::NotCanonical;
    check(&update("00 00"), DecodeError::Trailing);
    check(&update("01 09"), DecodeError::End);
    check(&update("ffffffff0f"), DecodeError::End);
    check(&update("01 09 0f"), other("an unknown type of value"));
    check(&update("8000"), other("a padded count"));
    check(&update("ffffffffffffffffff7f"), other("a count past 64 bits"));
    check(&update("01 8080808010 00"), other("a permanent number past 32 bits"));
    check(&update("02 05 00 05 00"), other("fields out of order"));
    check(&update("02 06 00 05 00"), other("fields out of order"));
    check(&update("01 09 04 8000000000000000"), other("a float that is not finite, or a negative zero"));
    check(&update("01 09 04 7ff8000000000000"), other("a float that is not finite, or a negative zero"));
    check(&update("01 09 05 01 0000000000000000000000000000000a"), other("a decimal with trailing zeros"));
    check(&update("01 09 05 1d 00000000000000000000000000000001"), other("a decimal out of range"));
    check(&update("01 09 06 01 ff"), other("a text that is not UTF-8"));
    check(&update("01 09 08 7fffffffffffffff"), other("a moment out of range"));
    check(&update("01 09 09 7fffffff"), other("a day out of range"));
    check(&update("01 09 0b 0000000000000001 657572"), other("a currency that is not three letters"));
    check(&update("01 09 0d 01 00"), other("a null in a list"));
    check(&update("01 09 0d 01 0d 00"), other("an unknown type of value"));
    check(&update("01 09 0d 01 0e"), other("an unknown type of value"));
    check(&[RECORD, "03", "0000000000000001", "01 05 00"], other("a delete with fields"));
    check(&[RECORD, "06", "0000000000000001", "00"], other("an unknown kind of change"));
    let refused = |hex: &[&str]| Entry::decode(&bytes(hex));
    assert_eq!(refused(&[]), Err(DecodeError::Version(0)));
    assert_eq!(refused(&["02"]), Err(DecodeError::Version(2)));
    assert_eq!(refused(&["01", "000649add4493001", "05"]), Err(other("an unknown kind of caller")));
    assert_eq!(refused(&["01", "000649add4493001", "00", "02"]), Err(other("neither absent nor present")));
    let none = ["01", "000649add4493001", "00", "00", "00", "00", "00"];
    assert_eq!(refused(&none), Err(other("an entry without changes")));
}

#[test]
fn a_changed_byte_breaks_the_leaf_hash() {
    let bytes = entry(ChangeKind::Create, vec![field(1, Value::text("salary"))]).encode();
    let leaf = Leaf::of(&bytes);
    assert!(verify(&bytes, leaf).is_ok());
    for at in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[at] ^= 1;
        assert!(matches!(verify(&forged, leaf), Err(VerifyError::Leaf { .. })), "byte {at}");
    }
    assert_eq!(verify(b"\x07", Leaf::of(b"\x07")), Err(VerifyError::Decode(DecodeError::Version(7))));
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        proptest::num::f64::NORMAL.prop_map(Value::Float),
        ".*".prop_map(Value::text),
        any::<[u8; 16]>().prop_map(|bytes| Value::Id(RecordId::from_bytes(bytes))),
        (any::<i64>(), 0_u32..28).prop_map(|(mantissa, scale)| {
            Value::Decimal(rust_decimal::Decimal::from_i128_with_scale(i128::from(mantissa), scale).normalize())
        }),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let list = proptest::collection::vec(scalar(), 0..4).prop_map(|values| Value::List(values.into()));
    prop_oneof![Just(Value::Null), scalar(), list]
}

proptest! {
    #[test]
    fn entries_round_trip(values in proptest::collection::vec(value(), 0..8)) {
        let fields = (0_u32..).zip(values).map(|(number, value)| field(number * 77, value)).collect();
        let made = entry(ChangeKind::Update, fields);
        prop_assert_eq!(Entry::decode(&made.encode()), Ok(made));
    }

    #[test]
    fn what_decodes_is_canonical(at in 0_usize..200, byte in any::<u8>(), values in proptest::collection::vec(value(), 0..8)) {
        let fields = (0_u32..).zip(values).map(|(number, value)| field(number, value)).collect();
        let mut bytes = entry(ChangeKind::Update, fields).encode();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(read) = Entry::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }
}
