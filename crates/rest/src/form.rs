//! What the values of an object in a body are for.

use backstay_base::ViolationKind;

/// What the values of an object are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A new record.
    New,
    /// All of a record, which may be stored already.
    Whole,
    /// A new record, or a change of the stored one with the same key.
    Upsert,
    /// A change of a stored one.
    Patch,
}

impl Form {
    /// Why such an object takes no operators; `None` if it does.
    pub(crate) fn refuses_operators(self) -> Option<ViolationKind> {
        let (problem, remedy) = match self {
            Self::Patch | Self::Upsert => return None,
            Self::New => ("operators change a stored record, and this one is new", "send the value itself"),
            Self::Whole => {
                ("this request takes whole values, not operators", "send the value itself, or PATCH the record")
            }
        };
        Some(ViolationKind::Misused { problem: problem.to_owned(), remedy: remedy.to_owned() })
    }
}
