//! What a field says of each of its values, or of each item of a list: `@range` and `@pattern`.

use std::fmt;

use backstay_base::ViolationKind;
use backstay_scalar::Value;

use crate::Field;

/// A directive that limits each value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueLimit {
    /// `@range`.
    Range,
    /// `@pattern`.
    Pattern,
}

impl fmt::Display for ValueLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Range => "`@range`",
            Self::Pattern => "`@pattern`",
        })
    }
}

/// What is wrong with a value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The item of the list that it is wrong with.
    pub item: Option<usize>,
    /// What it is outside of.
    pub limit: ValueLimit,
    /// What is wrong.
    pub kind: ViolationKind,
}

impl Field {
    /// Whether its values are limited by anything but their type and their length.
    pub fn limits_values(&self) -> bool {
        self.range.is_some() || self.pattern.is_some()
    }

    /// Whether a value is in the field's `@range` and matches its `@pattern`; of a list, each item. Null is and does.
    ///
    /// # Errors
    /// What is wrong with the value, or with the first item that is wrong.
    pub fn check_values(&self, value: &Value) -> Result<(), Misfit> {
        match value {
            Value::List(items) => items.iter().enumerate().try_for_each(|(index, item)| {
                self.check_value(item).map_err(|(limit, kind)| Misfit { item: Some(index), limit, kind })
            }),
            one => self.check_value(one).map_err(|(limit, kind)| Misfit { item: None, limit, kind }),
        }
    }

    /// The same of one value, or of one item of a list.
    pub(crate) fn check_value(&self, value: &Value) -> Result<(), (ValueLimit, ViolationKind)> {
        if let Some(range) = &self.range {
            range.check(value).map_err(|problem| (ValueLimit::Range, problem.into()))?;
        }
        match (&self.pattern, value) {
            (Some(pattern), Value::Text(text)) => pattern.check(text).map_err(|kind| (ValueLimit::Pattern, kind)),
            _ => Ok(()),
        }
    }
}
