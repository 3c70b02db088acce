//! Documents of whose values members were selected.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::RecordId;
use backstay_engine::{
    AnswerBuffer, DecodeError, DocumentMember, DocumentOutput, DocumentValue, EncodeError, ObjectOutput, RecordsOutput,
    Row, ValuesOutput, nested,
};
use backstay_model::TYPE_NAME;
use backstay_scalar::{Members, Token, ValueRef, items, members};

use super::{FIRST, NEXT, TYPE_OPENING, end, name, object, of_type};

/// Appends a document.
pub(super) fn write(out: &mut AnswerBuffer, row: &dyn Row, output: &DocumentOutput) -> Result<(), EncodeError> {
    let text = match row.value(output.column)? {
        ValueRef::Json(text) => text,
        ValueRef::Null => return out.append(NULL.as_bytes()),
        _ => return Err(malformed(output.column).into()),
    };
    let records = output.records.iter().map(|records| Found::read(row, records)).collect::<Result<_, _>>()?;
    Writer { column: output.column, records }.values(out, text, &output.values)
}

fn malformed(column: usize) -> DecodeError {
    DecodeError { column, expected: "a document of the field's types" }
}

const NULL: &str = "null";

/// Records that a document refers to.
struct Found<'r> {
    rows: HashMap<RecordId, nested::NestedRow<'r>>,
    output: &'r RecordsOutput,
}

impl<'r> Found<'r> {
    fn read(row: &'r dyn Row, records: &'r RecordsOutput) -> Result<Self, DecodeError> {
        let mut rows = HashMap::new();
        match row.value(records.column)? {
            ValueRef::Nested(text) => {
                for record in nested::Rows::parse(text, &records.columns) {
                    let record = record?;
                    let id = match record.value(0)? {
                        ValueRef::Id(id) => RecordId::from(id),
                        _ => {
                            return Err(DecodeError { column: records.column, expected: "rows that begin with an id" });
                        }
                    };
                    rows.insert(id, record);
                }
            }
            // The caller doesn't see the document in this record.
            ValueRef::Null => {}
            _ => return Err(DecodeError { column: records.column, expected: "nested rows" }),
        }
        Ok(Self { rows, output: records })
    }
}

struct Writer<'r> {
    column: usize,
    records: Vec<Found<'r>>,
}

impl Writer<'_> {
    /// A value, or a list of values.
    fn values(&self, out: &mut AnswerBuffer, text: &str, output: &ValuesOutput) -> Result<(), EncodeError> {
        if !text.trim_start().starts_with('[') {
            return self.value(out, text, output);
        }
        out.append(b"[")?;
        for (index, item) in items(text).map_err(|_| malformed(self.column))?.into_iter().enumerate() {
            if index > 0 {
                out.append(b",")?;
            }
            self.value(out, item.get(), output)?;
        }
        out.append(b"]")
    }

    fn value(&self, out: &mut AnswerBuffer, text: &str, output: &ValuesOutput) -> Result<(), EncodeError> {
        if text == NULL {
            return out.append(NULL.as_bytes());
        }
        let value = members(text).map_err(|_| malformed(self.column))?;
        match output {
            ValuesOutput::One(selected) => self.members(out, &value, (selected, FIRST)),
            ValuesOutput::OneOf(types) => {
                let of = type_name(&value).ok_or_else(|| malformed(self.column))?;
                of_type(out.reserve(TYPE_OPENING.len() + of.len() + 1)?, of);
                let selected = types.iter().find(|one| *one.name == *of).map_or(&[][..], |one| &one.members);
                self.members(out, &value, (selected, NEXT))
            }
        }
    }

    fn members(
        &self,
        out: &mut AnswerBuffer,
        value: &Members<'_>,
        (selected, mut opening): (&[DocumentMember], [u8; 2]),
    ) -> Result<(), EncodeError> {
        for member in selected {
            name(out.reserve(member.name.len())?, opening, &member.name);
            opening = NEXT;
            let raw = value.iter().find(|(name, _)| **name == *member.member).map_or(NULL, |(_, raw)| raw.get());
            match &member.value {
                DocumentValue::Itself => out.append(raw.as_bytes())?,
                DocumentValue::Values(output) => self.values(out, raw, output)?,
                DocumentValue::Record(records) => record(out, self.find(*records, raw), None)?,
                DocumentValue::RecordOf(types) => self.record_of(out, raw, types)?,
            }
        }
        end(out, opening)
    }

    /// The record that a reference to one of several types leads to.
    fn record_of(&self, out: &mut AnswerBuffer, raw: &str, types: &[(Arc<str>, usize)]) -> Result<(), EncodeError> {
        let reference = if raw == NULL { None } else { members(raw).ok() };
        let Some(reference) = reference else { return out.append(NULL.as_bytes()) };
        let of = type_name(&reference).and_then(|of| types.iter().find(|(name, _)| **name == *of));
        let Some((of, records)) = of else { return out.append(raw.as_bytes()) };
        let id = reference.iter().find(|(name, _)| name == "id").map_or(NULL, |(_, raw)| raw.get());
        record(out, self.find(*records, id), Some(of))
    }

    fn find(&self, records: usize, raw: &str) -> Option<(&nested::NestedRow<'_>, &ObjectOutput)> {
        let found = self.records.get(records)?;
        let id = found.output.key.read(Token::Json(raw)).ok()?.as_id()?;
        found.rows.get(&id).map(|row| (row, &found.output.element))
    }
}

/// Appends a record, which tells its type if it can have several; null if it isn't shown.
fn record(
    out: &mut AnswerBuffer,
    found: Option<(&nested::NestedRow<'_>, &ObjectOutput)>,
    of: Option<&str>,
) -> Result<(), EncodeError> {
    match (found, of) {
        (None, _) => out.append(NULL.as_bytes()),
        (Some((row, element)), None) => object(out, row, element),
        (Some((row, element)), Some(of)) => {
            of_type(out.reserve(TYPE_OPENING.len() + of.len() + 1)?, of);
            super::members(out, row, (&element.members, NEXT))
        }
    }
}

/// The name of the type that a value says it has.
fn type_name<'s>(value: &'s Members<'_>) -> Option<&'s str> {
    value.iter().find(|(name, _)| name == TYPE_NAME).map(|(_, raw)| raw.get().trim_matches('"'))
}
