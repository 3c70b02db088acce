//! The formats of commit-log entries as others would implement them: fixed bytes, written by hand from the documentation
//! of `Entry`; nothing here is computed by the code under test.

use std::borrow::Cow;
use std::sync::Arc;

use backstay_audit::{
    ChangeKind, DecodeError, Entry, EntryWriter, Leaf, Logged, LoggedChange, LoggedRecord, ModelNumber, Origin,
    RecordKey, VerifyError, verify,
};
use backstay_base::{CallerKind, Date, Duration, FieldNumber, RecordId, RequestId, Timestamp, TypeNumber};
use backstay_scalar::{Currency, Money, Value};
use proptest::prelude::*;

const RECORD: &str = "0191e4f0a00070008000000000000001";
const CALLER: &str = "0191e4f0a00070008000000000000002";
const REQUEST: &str = "0191e4f0a00070008000000000000003";
const OTHER: &str = "0191e4f0a00070008000000000000004";

fn bytes(hex: &[&str]) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.concat().chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).expect("a digit")).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn id(hex: &str) -> RecordId {
    RecordId::from_bytes(bytes(&[hex]).try_into().expect("16 bytes"))
}

fn key(value: Value) -> RecordKey {
    RecordKey::new(value).expect("a value that can be a key")
}

/// A change of one record, with the numbers and new values of its fields.
fn change(kind: ChangeKind, fields: Vec<(u32, Logged)>) -> LoggedChange {
    let (fields, values) = fields.into_iter().map(|(number, value)| (FieldNumber(number), value)).unzip();
    let records = vec![LoggedRecord { key: id(RECORD).into(), version: 1, values }];
    LoggedChange { type_number: TypeNumber(300), kind, fields, records }
}

fn plain(number: u32, value: Value) -> (u32, Logged) {
    (number, Logged::Value(value))
}

fn entry(changes: Vec<LoggedChange>) -> Entry {
    Entry {
        // 2026-01-31T12:00:00.000001Z
        moment: Timestamp::from_micros(1_769_860_800_000_001).expect("a moment"),
        model: Some(ModelNumber(200)),
        origin: Origin {
            kind: CallerKind::Account,
            id: Some(id(CALLER)),
            request: Some(RequestId(id(REQUEST))),
            transaction: Cow::Borrowed("create"),
        },
        changes,
    }
}

fn one(kind: ChangeKind, fields: Vec<(u32, Logged)>) -> Entry {
    entry(vec![change(kind, fields)])
}

fn encode(entry: &Entry) -> Vec<u8> {
    let model = entry.model.expect("an entry of format 2");
    let mut writer = EntryWriter::new(entry.moment, model, &entry.origin, entry.changes.len());
    for change in &entry.changes {
        writer.change(change.type_number, change.kind, change.fields.iter().copied(), change.records.len());
        for record in &change.records {
            writer.record(&record.key, record.version);
            for value in &record.values {
                match value {
                    Logged::Value(value) => writer.value(value),
                    Logged::Withheld => writer.withheld(),
                }
            }
        }
    }
    writer.finish()
}

/// What every entry made by `entry` begins with, up to the number of its changes.
// 2026-01-31T12:00:00.000001Z is 1 769 860 800 000 001 microseconds after the epoch.
const HEAD: [&str; 8] = ["02", "000649add4493001", "c801", "01", "01", CALLER, "01", REQUEST];
/// The transaction, and that there is one change.
const ONE: [&str; 2] = ["06 637265617465", "01"];

fn whole(rest: &[&str]) -> Vec<u8> {
    bytes(&[&HEAD[..], &ONE, rest].concat())
}

fn check(entry: &Entry, expected: &[&str]) {
    let expected = whole(expected);
    assert_eq!(encode(entry), expected, "encode");
    assert_eq!(Entry::decode(&expected).as_ref(), Ok(entry), "decode");
}

#[test]
fn a_create_has_these_bytes() {
    let made = one(ChangeKind::Create, vec![plain(5, Value::text("Grüße")), plain(6, Value::Int(-2))]);
    let values = "06 07 4772c3bcc39f65 03 fffffffffffffffe";
    check(&made, &["ac02", "01", "02 05 06", "01", "07", RECORD, "0000000000000001", values]);
}

#[test]
fn anonymous_callers_and_deletes_are_short() {
    let mut gone = one(ChangeKind::Delete, vec![]);
    gone.origin.kind = CallerKind::Anonymous;
    (gone.origin.id, gone.origin.request) = (None, None);
    let expected = ["02", "000649add4493001", "c801", "00", "00", "00", "06 637265617465", "01"];
    let expected = bytes(&[&expected[..], &["ac02", "03", "00", "01", "07", RECORD, "0000000000000001"]].concat());
    assert_eq!(encode(&gone), expected);
    assert_eq!(Entry::decode(&expected), Ok(gone));
}

#[test]
fn the_trash_has_kinds_of_its_own() {
    check(&one(ChangeKind::Trash, vec![]), &["ac02", "06", "00", "01", "07", RECORD, "0000000000000001"]);
    check(&one(ChangeKind::Restore, vec![]), &["ac02", "07", "00", "01", "07", RECORD, "0000000000000001"]);
}

#[test]
fn records_that_changed_in_the_same_way_are_one_change() {
    let mut batch = change(ChangeKind::Create, vec![plain(5, Value::Int(1))]);
    let values = vec![Logged::Value(Value::Null)];
    batch.records.push(LoggedRecord { key: id(OTHER).into(), version: 2, values });
    let rest = ["07", RECORD, "0000000000000001", "03 0000000000000001", "07", OTHER, "0000000000000002", "00"];
    check(&entry(vec![batch.clone()]), &[&["ac02", "01", "01 05", "02"][..], &rest].concat());

    let twice = entry(vec![batch.clone(), batch]);
    assert!(std::panic::catch_unwind(|| encode(&twice)).is_err(), "the writer refuses two that should be one");
}

#[test]
fn a_record_is_named_by_a_key_of_any_type() {
    let check = |value: Value, expected: &str| {
        let mut made = one(ChangeKind::Delete, vec![]);
        made.changes[0].records[0].key = key(value);
        self::check(&made, &["ac02", "03", "00", "01", expected, "0000000000000001"]);
    };
    check(Value::text("EUR"), "06 03 455552");
    check(Value::Int(7), "03 0000000000000007");
    check(Value::Date(Date::from_days(1).expect("in range")), "09 00000001");
    check(Value::Decimal("2.50".parse().expect("a decimal")), "05 01 00000000000000000000000000000019");
    for value in [Value::Null, Value::Bool(true), Value::Float(1.0), Value::List([].into())] {
        assert_eq!(RecordKey::new(value), None);
    }
}

#[test]
fn every_value_has_one_form() {
    let check = |value: Value, expected: &str| {
        let made = one(ChangeKind::Update, vec![plain(9, value)]);
        self::check(&made, &["ac02", "02", "01 09", "01", "07", RECORD, "0000000000000001", expected]);
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
    let encode = |value: Value| encode(&one(ChangeKind::Update, vec![plain(1, value)]));
    let decimal = |text: &str| Value::Decimal(text.parse().expect("a decimal"));
    assert_eq!(encode(Value::Float(-0.0)), encode(Value::Float(0.0)));
    assert_eq!(encode(decimal("1.50")), encode(decimal("1.5")));
    assert_eq!(encode(decimal("-0.00")), encode(decimal("0")));
}

#[test]
fn a_classified_value_is_withheld() {
    let made = one(ChangeKind::Update, vec![(4, Logged::Withheld), plain(200, Value::Null)]);
    check(&made, &["ac02", "02", "02 04 c801", "01", "07", RECORD, "0000000000000001", "0e 00"]);
}

/// What entries of format 1 begin with, up to the number of their changes.
const FIRST: [&str; 9] = ["01", "000649add4493001", "01", "01", CALLER, "01", REQUEST, "06 637265617465", "02"];

#[test]
fn entries_of_format_1_are_read_and_verified() {
    let create = ["ac02", RECORD, "01", "0000000000000001", "02", "05 06 07 4772c3bcc39f65", "06 0e"];
    // In this format two changes of one sort may follow each other.
    let same = ["ac02", OTHER, "01", "0000000000000007", "02", "05 00", "06 03 fffffffffffffffe"];
    let bytes = bytes(&[&FIRST[..], &create, &same].concat());
    let first = change(ChangeKind::Create, vec![plain(5, Value::text("Grüße")), (6, Logged::Withheld)]);
    let mut second = change(ChangeKind::Create, vec![plain(5, Value::Null), plain(6, Value::Int(-2))]);
    (second.records[0].key, second.records[0].version) = (id(OTHER).into(), 7);
    let expected = Entry { model: None, ..entry(vec![first, second]) };
    assert_eq!(verify(&bytes, Leaf::of(&bytes)), Ok(expected));
}

#[test]
fn bytes_of_format_1_that_are_not_canonical_are_rejected() {
    let head = [&FIRST[..8], &["01", "ac02", RECORD]].concat();
    let check = |rest: &[&str], expected: DecodeError| {
        assert_eq!(Entry::decode(&bytes(&[&head[..], rest].concat())), Err(expected), "{rest:?}");
    };
    let other = DecodeError::NotCanonical;
    check(&["02", "0000000000000001", "00 00"], DecodeError::Trailing);
    check(&["02", "0000000000000001", "01 09"], DecodeError::End);
    check(&["02", "0000000000000001", "02 06 00 05 00"], other("fields out of order"));
    check(&["03", "0000000000000001", "01 05 00"], other("a change without fields that has some"));
    check(&["08", "0000000000000001", "00"], other("an unknown kind of change"));
}

#[test]
fn the_leaf_hash_is_that_of_rfc_6962() {
    // `(printf '\0'; printf hello) | sha256sum`
    assert_eq!(Leaf::of(b"hello").to_string(), "8a2a5c9b768827de5a9552c38a044c66959c68f6d2f21b5260af54d2f87db827");
    // RFC 6962's hash of an empty leaf, as Certificate Transparency publishes it.
    assert_eq!(Leaf::of(b"").to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

#[test]
fn bytes_that_are_not_canonical_are_rejected() {
    let check = |rest: &[&str], expected: DecodeError| {
        assert_eq!(Entry::decode(&whole(rest)), Err(expected), "{rest:?}");
    };
    let other = DecodeError::NotCanonical;
    let no_fields = ["ac02", "02", "00", "01", "07", RECORD, "0000000000000001"];
    check(&[&no_fields[..], &["00"]].concat(), DecodeError::Trailing);
    check(&no_fields[..6], DecodeError::End);
    check(&["ac02", "02", "8000"], other("a padded count"));
    check(&["ac02", "02", "ffffffffffffffffff7f"], other("a count past 64 bits"));
    check(&["ac02", "02", "ffffffff0f"], DecodeError::End);
    check(&["ac02", "02", "01 8080808010", "01"], other("a permanent number past 32 bits"));
    check(&["ac02", "02", "02 05 05", "01"], other("fields out of order"));
    check(&["ac02", "02", "02 06 05", "01"], other("fields out of order"));
    check(&["ac02", "03", "01 05", "01"], other("a change without fields that has some"));
    check(&["ac02", "08", "00", "01"], other("an unknown kind of change"));
    check(&["ac02", "02", "00", "00"], other("a change without records"));
    check(&["ac02", "02", "00", "01", "02"], other("a key of a type that no record has"));
    check(&["ac02", "02", "00", "01", "0e"], other("an unknown type of value"));
    let value = |value: &str, expected: DecodeError| {
        check(&["ac02", "02", "01 09", "01", "07", RECORD, "0000000000000001", value], expected);
    };
    value("", DecodeError::End);
    value("0f", DecodeError::End);
    value("10", other("an unknown type of value"));
    value("04 8000000000000000", other("a float that is not finite, or a negative zero"));
    value("04 7ff8000000000000", other("a float that is not finite, or a negative zero"));
    value("05 01 0000000000000000000000000000000a", other("a decimal with trailing zeros"));
    value("05 1d 00000000000000000000000000000001", other("a decimal out of range"));
    value("06 01 ff", other("a text that is not UTF-8"));
    value("08 7fffffffffffffff", other("a moment out of range"));
    value("09 7fffffff", other("a day out of range"));
    value("0b 0000000000000001 657572", other("a currency that is not three letters"));
    value("0d 01 00", other("a null in a list"));
    value("0d 01 0d 00", other("an unknown type of value"));
    value("0d 01 0e", other("an unknown type of value"));

    let rejected = |hex: &[&str]| Entry::decode(&bytes(hex));
    assert_eq!(rejected(&[]), Err(DecodeError::End));
    assert_eq!(rejected(&["03"]), Err(DecodeError::Format(3)));
    assert_eq!(rejected(&["02", "000649add4493001", "01", "05"]), Err(other("an unknown kind of caller")));
    assert_eq!(rejected(&["02", "000649add4493001", "01", "00", "02"]), Err(other("neither absent nor present")));
    let none = ["02", "000649add4493001", "01", "00", "00", "00", "00", "00"];
    assert_eq!(rejected(&none), Err(other("an entry without changes")));
    let two = [&HEAD[..], &["06 637265617465", "02"], &no_fields, &no_fields].concat();
    assert_eq!(rejected(&two), Err(other("two changes of one sort that follow each other")));
}

#[test]
fn a_changed_byte_breaks_the_leaf_hash() {
    let bytes = encode(&one(ChangeKind::Create, vec![plain(1, Value::text("salary"))]));
    let leaf = Leaf::of(&bytes);
    assert!(verify(&bytes, leaf).is_ok());
    for at in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[at] ^= 1;
        assert!(matches!(verify(&forged, leaf), Err(VerifyError::Leaf { .. })), "byte {at}");
    }
    assert_eq!(verify(b"\x07", Leaf::of(b"\x07")), Err(VerifyError::Decode(DecodeError::Format(7))));
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

/// Changes of one to three records with the same fields; neighbours differ in their type.
fn changes() -> impl Strategy<Value = Vec<LoggedChange>> {
    let of_fields = |count: usize| {
        let values = proptest::collection::vec(value().prop_map(Logged::Value), count);
        let record = (any::<i64>(), any::<i64>(), values).prop_map(|(number, version, values)| LoggedRecord {
            key: key(Value::Int(number)),
            version,
            values,
        });
        proptest::collection::vec(record, 1..4)
    };
    let change = (0_usize..5).prop_flat_map(of_fields).prop_map(|records| LoggedChange {
        type_number: TypeNumber(1),
        kind: ChangeKind::Update,
        fields: (0_u32..).zip(&records[0].values).map(|(number, _)| FieldNumber(number * 77)).collect(),
        records,
    });
    proptest::collection::vec(change, 1..4).prop_map(|mut changes| {
        for (number, change) in (0_u32..).zip(&mut changes) {
            change.type_number = TypeNumber(number * 150);
        }
        changes
    })
}

proptest! {
    #[test]
    fn entries_round_trip(changes in changes()) {
        let made = entry(changes);
        prop_assert_eq!(Entry::decode(&encode(&made)), Ok(made));
    }

    #[test]
    fn what_decodes_is_canonical(at in 0_usize..400, byte in any::<u8>(), changes in changes()) {
        let mut bytes = encode(&entry(changes));
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(read) = Entry::decode(&bytes) && read.model.is_some() {
            prop_assert_eq!(encode(&read), bytes);
        }
    }
}
