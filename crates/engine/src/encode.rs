//! Writes rows as JSON objects, as their plan says.

use backstay_scalar::{Value, ValueRef, Writer, write};
use backstay_sql::{ColumnType, DecodeError, MemberOutput, ObjectOutput, Row, ValueOutput, nested};

/// Appends one row as a JSON object. The names of nested lists that were cut stand in its member `$more`.
pub(crate) fn object(out: &mut Vec<u8>, row: &dyn Row, output: &ObjectOutput) -> Result<(), DecodeError> {
    if let Some(present) = output.present
        && row.value(present)? != ValueRef::Bool(true)
    {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let (mut separator, mut cut) = (b'{', Vec::new());
    for member in &output.members {
        if is_visible(row, member)? {
            out.push(separator);
            separator = b',';
            out.extend_from_slice(member.label.as_bytes());
            if value(out, row, &member.value)? == Extent::Cut {
                cut.push(&*member.name);
            }
        }
    }
    if separator == b'{' {
        out.push(b'{');
    }
    if !cut.is_empty() {
        out.extend_from_slice(b",\"$more\":[\"");
        out.extend_from_slice(cut.join("\",\"").as_bytes());
        out.extend_from_slice(b"\"]");
    }
    out.push(b'}');
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

/// Appends a member's name and the colon. Names of fields are letters, digits and underscores.
fn name(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn value(out: &mut Vec<u8>, row: &dyn Row, output: &ValueOutput) -> Result<Extent, DecodeError> {
    match output {
        ValueOutput::Column { column, holds: ColumnType::List(element), write } => match row.value(*column)? {
            ValueRef::Nested(text) => {
                let elements = nested::elements(text, *element);
                list(out, elements, *write).map_err(|error| DecodeError { column: *column, ..error })?;
            }
            _ => out.extend_from_slice(b"null"),
        },
        ValueOutput::Column { column, write, .. } => write(out, row.value(*column)?),
        ValueOutput::Columns(columns, scalar) => {
            let parts = columns.iter().map(|column| row.value(*column)).collect::<Result<Vec<_>, _>>()?;
            let column = columns.first().copied().unwrap_or(0);
            write(out, &scalar.load(&parts).ok_or(DecodeError { column, expected: "a value of the field's type" })?);
        }
        ValueOutput::Object(inner) => object(out, row, inner)?,
        ValueOutput::Rows { column, columns, element, limit } => match row.value(*column)? {
            ValueRef::Nested(text) => return rows(out, nested::Rows::parse(text, columns), element, *limit),
            // The caller doesn't see the relation in this record.
            _ => out.extend_from_slice(b"[]"),
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

/// Appends fields of a record in memory as a JSON object.
pub(crate) fn record<'a>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'a str, &'a Value)>) {
    out.push(b'{');
    for (index, (field, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        name(out, field);
        write(out, value);
    }
    out.push(b'}');
}
