//! Reads what the database answers about rules.

use backstay_expr::Truth;
use backstay_scalar::ValueRef;
use backstay_sql::{DecodeError, Row};

/// The truth in a column. Only null is unknown; anything else that isn't a truth value is an error.
pub(crate) fn truth_in(row: &dyn Row, column: usize) -> Result<Truth, DecodeError> {
    match row.value(column)? {
        ValueRef::Bool(truth) => Ok(truth.into()),
        ValueRef::Null => Ok(Truth::Unknown),
        _ => Err(DecodeError { column, expected: "a truth value" }),
    }
}

/// A statement that asks for the truth of a rule and returned no row.
#[derive(Debug, thiserror::Error)]
#[error("the database returned no answer to a rule")]
pub(crate) struct NoAnswer;

#[cfg(test)]
mod tests {
    use super::*;

    /// A row with one column.
    #[derive(Debug)]
    struct One(ValueRef<'static>);

    impl Row for One {
        fn value(&self, _: usize) -> Result<ValueRef<'_>, DecodeError> {
            Ok(self.0)
        }
    }

    #[test]
    fn only_null_is_unknown() {
        let check = |value: ValueRef<'static>, expected: Result<Truth, DecodeError>| {
            assert_eq!(truth_in(&One(value), 3), expected, "{value:?}");
        };
        check(ValueRef::Bool(true), Ok(Truth::True));
        check(ValueRef::Bool(false), Ok(Truth::False));
        check(ValueRef::Null, Ok(Truth::Unknown));
        let refused = || Err(DecodeError { column: 3, expected: "a truth value" });
        check(ValueRef::Int(0), refused());
        check(ValueRef::Text("false"), refused());
    }
}
