use backstay_base::KeyRef;
use std::error::Error;

use backstay_sql::Param;
use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::numeric;

/// Microseconds from 1970-01-01 to 2000-01-01, from which PostgreSQL counts.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days from 1970-01-01 to 2000-01-01.
pub(super) const EPOCH_DAYS: i32 = 10_957;

/// A parameter in PostgreSQL's binary form, for the type that the server found for the placeholder.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Param);

/// A parameter that the placeholder's type cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("a parameter does not fit the type {0} of its placeholder")]
struct Misfit(Type);

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Param::Null => return Ok(IsNull::Yes),
            Param::Bool(truth) => out.put_u8(u8::from(*truth)),
            Param::Int(number) => put_int(*number, ty, out)?,
            Param::Float(number) => out.put_f64(*number),
            Param::Decimal(number) => numeric::put(*number, out),
            Param::Text(text) => out.put_slice(text.as_bytes()),
            Param::Id(id) => match id.key() {
                KeyRef::Uuid(uuid) => out.put_slice(&uuid),
                KeyRef::Int(number) => put_int(number, ty, out)?,
                KeyRef::Text(text) => out.put_slice(text.as_bytes()),
            },
            Param::Timestamp(moment) => out.put_i64(moment.micros() - EPOCH_MICROS),
            Param::Date(date) => out.put_i32(date.days() - EPOCH_DAYS),
            Param::Json(text) => {
                if *ty == Type::JSONB {
                    out.put_u8(1);
                }
                out.put_slice(text.as_bytes());
            }
            Param::Bytes(bytes) => out.put_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn put_int(number: i64, ty: &Type, out: &mut BytesMut) -> Result<(), Box<dyn Error + Sync + Send>> {
    match *ty {
        Type::INT8 => out.put_i64(number),
        Type::INT4 => out.put_i32(i32::try_from(number)?),
        Type::INT2 => out.put_i16(i16::try_from(number)?),
        Type::NUMERIC => numeric::put(number.into(), out),
        _ => return Err(Box::new(Misfit(ty.clone()))),
    }
    Ok(())
}
