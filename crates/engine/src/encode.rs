use backstay_scalar::{Currency, MONEY_SCALE, Money, Value, ValueRef, write, write_money, write_stored};
use backstay_sql::{ColumnType, DecodeError, MemberOutput, ObjectOutput, Row, ValueOutput, nested};

/// Appends one row as a JSON object.
pub(crate) fn object(out: &mut Vec<u8>, row: &dyn Row, output: &ObjectOutput) -> Result<(), DecodeError> {
    if let Some(present) = output.present
        && row.value(present)? != ValueRef::Bool(true)
    {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let mut separator = b'{';
    for member in &output.members {
        if is_visible(row, member)? {
            out.push(separator);
            separator = b',';
            name(out, &member.name);
            value(out, row, &member.value)?;
        }
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
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

fn value(out: &mut Vec<u8>, row: &dyn Row, output: &ValueOutput) -> Result<(), DecodeError> {
    match output {
        ValueOutput::Column(column, _) => write_stored(out, row.value(*column)?),
        ValueOutput::Money { amount, currency } => match (row.value(*amount)?, row.value(*currency)?) {
            (ValueRef::Decimal(amount), ValueRef::Text(code)) => {
                let mut scaled = amount;
                scaled.rescale(MONEY_SCALE);
                let money = i64::try_from(scaled.mantissa()).ok().zip(Currency::parse(code));
                match money {
                    Some((scaled, currency)) => write_money(out, &Money::from_scaled(scaled, currency)),
                    None => out.extend_from_slice(b"null"),
                }
            }
            _ => out.extend_from_slice(b"null"),
        },
        ValueOutput::Object(inner) => object(out, row, inner)?,
        ValueOutput::List { column, element } => match row.value(*column)? {
            ValueRef::Nested(text) => list(out, text, *element, *column)?,
            _ => out.extend_from_slice(b"null"),
        },
        ValueOutput::Rows { column, columns, element } => {
            let text = match row.value(*column)? {
                ValueRef::Nested(text) => text,
                _ => "[]",
            };
            out.push(b'[');
            for (index, inner) in nested::Rows::parse(text, columns).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                object(out, &inner?, element)?;
            }
            out.push(b']');
        }
    }
    Ok(())
}

fn list(out: &mut Vec<u8>, text: &str, element: ColumnType, column: usize) -> Result<(), DecodeError> {
    out.push(b'[');
    for (index, value) in nested::elements(text, element).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_stored(out, value.map_err(|error| DecodeError { column, ..error })?.value());
    }
    out.push(b']');
    Ok(())
}

/// Appends fields of a record of the memory as a JSON object.
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
