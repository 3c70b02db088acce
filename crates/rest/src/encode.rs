use backstay_engine::{
    ColumnType, Count, DecodeError, Encoder, MemberOutput, ObjectOutput, PageEnd, Row, ValueOutput, nested,
};
use backstay_scalar::{Scalar, Value, ValueRef, Writer, write, write_stored};

use crate::cursor;

/// Writes answers as JSON: a record as an object, several as an array, and a page as `{"items": […], "next": cursor or
/// null}`, with `"count": {"value": n, "more": bool}` where that was asked.
pub static JSON: &dyn Encoder = &Json;

#[derive(Debug)]
struct Json;

impl Encoder for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn row(&self, out: &mut Vec<u8>, row: &dyn Row, output: &ObjectOutput) -> Result<(), DecodeError> {
        object(out, row, output)
    }

    fn record(&self, out: &mut Vec<u8>, members: &mut dyn Iterator<Item = (&str, &Value)>) {
        let mut opening = FIRST;
        for (field, value) in members {
            name(out, opening, field);
            opening = NEXT;
            write(out, value);
        }
        end(out, opening);
    }

    fn begin_page(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"items\":[");
    }

    fn end_page(&self, out: &mut Vec<u8>, end: &PageEnd<'_>) {
        out.extend_from_slice(b"],\"next\":");
        match &end.next {
            Some(next) => {
                out.push(b'"');
                out.extend_from_slice(cursor::encode(next, end.sort, end.collection).as_bytes());
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        }
        if let Some(Count { value, more }) = end.count {
            out.extend_from_slice(format!(",\"count\":{{\"value\":{value},\"more\":{more}}}").as_bytes());
        }
        out.push(b'}');
    }

    fn begin_records(&self, out: &mut Vec<u8>) {
        out.push(b'[');
    }

    fn end_records(&self, out: &mut Vec<u8>) {
        out.push(b']');
    }

    fn between(&self, out: &mut Vec<u8>) {
        out.push(b',');
    }

    fn unseen(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"null");
    }
}

/// What stands before the name of a member: of the first one, and of those after it.
const FIRST: [u8; 2] = *b"{\"";
const NEXT: [u8; 2] = *b",\"";

/// Ends an object, which may have no members.
fn end(out: &mut Vec<u8>, opening: [u8; 2]) {
    if opening == FIRST {
        out.push(b'{');
    }
    out.push(b'}');
}

/// How the values of a column are written.
fn writer(scalar: Option<Scalar>) -> Writer {
    scalar.map_or(write_stored as Writer, Scalar::writer)
}

/// Appends one row as a JSON object. Its member `$more` names the nested lists that were cut.
fn object(out: &mut Vec<u8>, row: &dyn Row, output: &ObjectOutput) -> Result<(), DecodeError> {
    if let Some(present) = output.present
        && row.value(present)? != ValueRef::Bool(true)
    {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let (mut opening, mut cut) = (FIRST, Vec::new());
    for member in &output.members {
        if is_visible(row, member)? {
            name(out, opening, &member.name);
            opening = NEXT;
            if value(out, row, &member.value)? == Extent::Cut {
                cut.push(&*member.name);
            }
        }
    }
    if !cut.is_empty() {
        out.extend_from_slice(b",\"$more\":[\"");
        out.extend_from_slice(cut.join("\",\"").as_bytes());
        out.extend_from_slice(b"\"]");
    }
    end(out, opening);
    Ok(())
}

/// Whether a value is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// A list that has more members than were written.
    Cut,
}

fn is_visible(row: &dyn Row, member: &MemberOutput) -> Result<bool, DecodeError> {
    match member.visible {
        None => Ok(true),
        Some(column) => Ok(row.value(column)? == ValueRef::Bool(true)),
    }
}

/// Appends a member's name and the colon. Names of fields and aliases are letters, digits and underscores.
fn name(out: &mut Vec<u8>, opening: [u8; 2], name: &str) {
    out.extend_from_slice(&opening);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn value(out: &mut Vec<u8>, row: &dyn Row, output: &ValueOutput) -> Result<Extent, DecodeError> {
    match output {
        ValueOutput::Column { column, holds: ColumnType::List(element), scalar } => match row.value(*column)? {
            ValueRef::Nested(text) => {
                let elements = nested::elements(text, *element);
                list(out, elements, writer(*scalar)).map_err(|error| DecodeError { column: *column, ..error })?;
            }
            ValueRef::Null => out.extend_from_slice(b"null"),
            _ => return Err(DecodeError { column: *column, expected: "a list" }),
        },
        ValueOutput::Column { column, scalar, .. } => writer(*scalar)(out, row.value(*column)?),
        ValueOutput::Columns(columns, scalar) => {
            let parts = columns.iter().map(|column| row.value(*column)).collect::<Result<Vec<_>, _>>()?;
            let malformed = || DecodeError { column: columns[0], expected: "a value of the field's type" };
            write(out, &scalar.load(&parts).ok_or_else(malformed)?);
        }
        ValueOutput::Object(inner) => object(out, row, inner)?,
        ValueOutput::Rows { column, columns, element, limit } => match row.value(*column)? {
            ValueRef::Nested(text) => return rows(out, nested::Rows::parse(text, columns), element, *limit),
            // The caller doesn't see the relation in this record.
            ValueRef::Null => out.extend_from_slice(b"[]"),
            _ => return Err(DecodeError { column: *column, expected: "nested rows" }),
        },
    }
    Ok(Extent::Whole)
}

fn rows(out: &mut Vec<u8>, rows: nested::Rows<'_>, element: &ObjectOutput, limit: u32) -> Result<Extent, DecodeError> {
    out.push(b'[');
    let mut extent = Extent::Whole;
    for (index, inner) in (0_u32..).zip(rows) {
        if index == limit {
            extent = Extent::Cut;
            break;
        }
        if index > 0 {
            out.push(b',');
        }
        object(out, &inner?, element)?;
    }
    out.push(b']');
    Ok(extent)
}

fn list(out: &mut Vec<u8>, elements: nested::Elements<'_>, write: Writer) -> Result<(), DecodeError> {
    out.push(b'[');
    for (index, value) in elements.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, value?.value());
    }
    out.push(b']');
    Ok(())
}
