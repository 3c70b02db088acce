mod document;

use backstay_engine::{
    Alternative, AnswerBuffer, ColumnType, Count, Counted, Cursor, DecodeError, EncodeError, Encoder, MemberOutput,
    ObjectOutput, PageEnd, Previous, RecordMember, Row, RowOutput, Upserted, ValueOutput, nested,
};
use backstay_scalar::{Scalar, ValueRef, Writer, write, write_stored};

use crate::cursor;

/// Writes answers as JSON: a record as an object, several as an array, and a page as `{"items": […], "next": cursor or
/// null}`, with `"prev"` where that was asked for a start, and `"count": {"value": n, "more": bool}` where that was asked.
pub static JSON: &dyn Encoder = &Json;

#[derive(Debug)]
struct Json;

impl Encoder for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn row(&self, out: &mut AnswerBuffer, row: &dyn Row, output: &RowOutput) -> Result<(), EncodeError> {
        match output {
            RowOutput::Record(output) => object(out, row, output),
            RowOutput::OneOf(types) => one_of(out, row, types),
        }
    }

    fn record(
        &self,
        out: &mut AnswerBuffer,
        members: &mut dyn Iterator<Item = RecordMember<'_>>,
    ) -> Result<(), EncodeError> {
        let mut opening = FIRST;
        for member in members {
            match member {
                RecordMember::Value(field, value) => {
                    let out = out.reserve(field.len() + value.longest())?;
                    name(out, opening, field);
                    write(out, value);
                }
                RecordMember::Reference { name: field, of, id } => {
                    name(out.reserve(field.len())?, opening, field);
                    let out = out.reserve(TYPE_OPENING.len() + of.len() + 1 + id.longest())?;
                    of_type(out, of);
                    name(out, NEXT, "id");
                    write(out, id);
                    out.push(b'}');
                }
                RecordMember::Embedded(field, members) => {
                    name(out.reserve(field.len())?, opening, field);
                    self.record(out, &mut members.into_iter())?;
                }
            }
            opening = NEXT;
        }
        end(out, opening)
    }

    fn begin_page(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError> {
        out.append(b"{\"items\":[")
    }

    fn end_page(&self, out: &mut AnswerBuffer, end: &PageEnd<'_>) -> Result<(), EncodeError> {
        out.append(b"],\"next\":")?;
        place(out, end.next.as_ref(), end)?;
        match &end.previous {
            Previous::Untold => {}
            Previous::None => out.append(b",\"prev\":null")?,
            Previous::Before(previous) => {
                out.append(b",\"prev\":")?;
                place(out, Some(previous), end)?;
            }
        }
        if let Some(Count { value, more }) = end.count {
            out.append(format!(",\"count\":{{\"value\":{value},\"more\":{more}}}").as_bytes())?;
        }
        out.append(b"}")
    }

    fn begin_records(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError> {
        out.append(b"[")
    }

    fn end_records(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError> {
        out.append(b"]")
    }

    fn between(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError> {
        out.append(b",")
    }

    fn counted(&self, out: &mut AnswerBuffer, counted: &Counted) -> Result<(), EncodeError> {
        let Counted { matched, changed, first } = counted;
        out.append(format!("{{\"matched\":{matched},\"changed\":{changed}").as_bytes())?;
        if let Some(first) = first {
            let mut ids = b",\"ids\":[".to_vec();
            for (index, id) in first.iter().enumerate() {
                if index > 0 {
                    ids.push(b',');
                }
                write_stored(&mut ids, ValueRef::Id(id.key()));
            }
            ids.push(b']');
            out.append(&ids)?;
        }
        out.append(b"}")
    }

    fn begin_upserted(&self, out: &mut AnswerBuffer, upserted: Upserted) -> Result<(), EncodeError> {
        out.append(format!("{{\"outcome\":\"{}\",\"record\":", upserted.name()).as_bytes())
    }

    fn end_upserted(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError> {
        out.append(b"}")
    }

    fn unseen(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError> {
        out.append(b"null")
    }
}

/// Appends the cursor of a place, or null.
fn place(out: &mut AnswerBuffer, place: Option<&Cursor>, end: &PageEnd<'_>) -> Result<(), EncodeError> {
    let Some(cursor) = place else { return out.append(b"null") };
    word(out, &cursor::encode(cursor, end.order))
}

/// Appends the word for a place as a string.
fn word(out: &mut AnswerBuffer, word: &str) -> Result<(), EncodeError> {
    let out = out.reserve(word.len() + 2)?;
    out.push(b'"');
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
    Ok(())
}

/// What stands before the name of a member: of the first one, and of those after it.
const FIRST: [u8; 2] = *b"{\"";
const NEXT: [u8; 2] = *b",\"";

/// How an object begins that tells its type.
const TYPE_OPENING: &str = "{\"__typename\":\"";

/// Begins an object with the name of its type, which is letters, digits and underscores.
fn of_type(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(TYPE_OPENING.as_bytes());
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
}

/// Ends an object, which may have no members.
fn end(out: &mut AnswerBuffer, opening: [u8; 2]) -> Result<(), EncodeError> {
    out.append(if opening == FIRST { b"{}" } else { b"}" })
}

/// How the values of a column are written.
fn writer(scalar: Option<Scalar>) -> Writer {
    scalar.map_or(write_stored as Writer, Scalar::writer)
}

/// Appends one row as a JSON object. Its member `$more` names the nested lists that were cut.
fn object(out: &mut AnswerBuffer, row: &dyn Row, output: &ObjectOutput) -> Result<(), EncodeError> {
    if let Some(present) = output.present
        && row.value(present)? != ValueRef::Bool(true)
    {
        return out.append(b"null");
    }
    members(out, row, (&output.members, FIRST))
}

/// Appends the members of an object and its end, the first of them with this before it.
fn members(
    out: &mut AnswerBuffer,
    row: &dyn Row,
    (members, mut opening): (&[MemberOutput], [u8; 2]),
) -> Result<(), EncodeError> {
    let mut cut = Vec::new();
    for member in members {
        if is_visible(row, member)? {
            name(out.reserve(member.name.len())?, opening, &member.name);
            opening = NEXT;
            if value(out, row, &member.value)? == Extent::Cut {
                cut.push(&*member.name);
            }
        }
    }
    if !cut.is_empty() {
        out.append(format!(",\"$more\":[\"{}\"]", cut.join("\",\"")).as_bytes())?;
    }
    end(out, opening)
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

fn value(out: &mut AnswerBuffer, row: &dyn Row, output: &ValueOutput) -> Result<Extent, EncodeError> {
    match output {
        ValueOutput::Column { column, holds: ColumnType::List(element), scalar } => match row.value(*column)? {
            ValueRef::Nested(text) => {
                let elements = nested::elements(text, *element);
                list(out, (elements, *column), writer(*scalar))?;
            }
            ValueRef::Null => out.append(b"null")?,
            _ => return Err(DecodeError { column: *column, expected: "a list" }.into()),
        },
        ValueOutput::Column { column, scalar, .. } => {
            let value = row.value(*column)?;
            writer(*scalar)(out.reserve(value.size())?, value);
        }
        ValueOutput::Columns(columns, scalar) => {
            let parts = columns.iter().map(|column| row.value(*column)).collect::<Result<Vec<_>, _>>()?;
            let malformed = || DecodeError { column: columns[0], expected: "a value of the field's type" };
            let value = scalar.load(&parts).ok_or_else(malformed)?;
            write(out.reserve(value.longest())?, &value);
        }
        ValueOutput::Object(inner) => object(out, row, inner)?,
        ValueOutput::OneOf(alternatives) => one_of(out, row, alternatives)?,
        ValueOutput::Document(output) => document::write(out, row, output)?,
        ValueOutput::Place { columns, order } => {
            let cursor = Cursor::read(row, columns.iter().copied())?;
            word(out, &cursor::of_list(&cursor, order))?;
        }
        ValueOutput::Rows { column, columns, element, limit } => match row.value(*column)? {
            ValueRef::Nested(text) => return rows(out, nested::Rows::parse(text, columns), element, *limit),
            // The caller doesn't see the relation in this record.
            ValueRef::Null => out.append(b"[]")?,
            _ => return Err(DecodeError { column: *column, expected: "nested rows" }.into()),
        },
    }
    Ok(Extent::Whole)
}

/// Appends the record of whichever type it is, or null.
fn one_of(out: &mut AnswerBuffer, row: &dyn Row, alternatives: &[Alternative]) -> Result<(), EncodeError> {
    for Alternative { type_name, present, members: selected } in alternatives {
        if row.value(*present)? == ValueRef::Bool(true) {
            of_type(out.reserve(TYPE_OPENING.len() + type_name.len() + 1)?, type_name);
            return members(out, row, (selected, NEXT));
        }
    }
    out.append(b"null")
}

fn rows(
    out: &mut AnswerBuffer,
    rows: nested::Rows<'_>,
    element: &ObjectOutput,
    limit: u32,
) -> Result<Extent, EncodeError> {
    out.append(b"[")?;
    let mut extent = Extent::Whole;
    for (index, inner) in (0_u32..).zip(rows) {
        if index == limit {
            extent = Extent::Cut;
            break;
        }
        if index > 0 {
            out.append(b",")?;
        }
        object(out, &inner?, element)?;
    }
    out.append(b"]")?;
    Ok(extent)
}

fn list(
    out: &mut AnswerBuffer,
    (elements, column): (nested::Elements<'_>, usize),
    write: Writer,
) -> Result<(), EncodeError> {
    out.append(b"[")?;
    for (index, element) in elements.enumerate() {
        let element = element.map_err(|error| DecodeError { column, ..error })?;
        let value = element.value();
        let out = out.reserve(value.size())?;
        if index > 0 {
            out.push(b',');
        }
        write(out, value);
    }
    out.append(b"]")
}
