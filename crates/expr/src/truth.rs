use std::ops::Not;

use backstay_scalar::Value;

/// A truth value of Kleene's strong logic. Only `True` allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// A value that is needed is null, or could not be computed.
    Unknown,
}

impl Truth {
    /// Whether it is true: the one question that policy asks.
    pub fn is_true(self) -> bool {
        self == Self::True
    }

    /// `self && other`: false where one is false, else unknown where one is unknown.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            _ => Self::Unknown,
        }
    }

    /// `self || other`: true where one is true, else unknown where one is unknown.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        !(!self).and(!other)
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(is: bool) -> Self {
        if is { Self::True } else { Self::False }
    }
}

impl From<&Value> for Truth {
    /// What is not a Boolean is unknown.
    fn from(value: &Value) -> Self {
        value.as_bool().map_or(Self::Unknown, Self::from)
    }
}

impl From<Truth> for Value {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::True => Self::Bool(true),
            Truth::False => Self::Bool(false),
            Truth::Unknown => Self::Null,
        }
    }
}
