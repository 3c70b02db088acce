//! Why a stored value can't become one of the new type.

use backstay_base::Violation;
use backstay_model::{LengthProblem, Misfit, ValueProblem};
use backstay_scalar::Problem;

/// Why a stored value can't become one of the new type.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unconvertible {
    /// It is nothing that a value can be made of.
    #[error("it is not a value")]
    NotAValue,
    /// A `Float` would be another number.
    #[error("a Float doesn't hold it exactly")]
    Inexact,
    /// It isn't a value of the new type.
    #[error(transparent)]
    Value(#[from] ValueProblem),
    /// It isn't as long as the field says.
    #[error("it {0}")]
    Length(#[from] LengthProblem),
    /// It isn't in the field's range, or doesn't match its pattern.
    #[error("it {}", .0.kind)]
    Unfit(Misfit),
    /// It isn't a document of its old type.
    #[error("it isn't a document of its old type")]
    Malformed,
    /// It holds a value of a type that the new union doesn't have.
    #[error("there are no values of {0} in it any more")]
    TypeGone(String),
    /// It refers to a record of a type to which the relation doesn't lead any more.
    #[error("it refers to a record of {0}, to which the relation can't lead any more")]
    LeadsToGone(String),
    /// A member of it can't be what it is in the new type.
    #[error("`{from}` can't become `{to}`")]
    Member {
        /// The old member.
        from: String,
        /// The new one.
        to: String,
    },
    /// The new type refuses something within it.
    #[error("at {}: {}", .0.at, .0.kind)]
    Within(Violation),
    /// It refers to a record that isn't there.
    #[error("at {at}: there is no {of} with this id")]
    Absent {
        /// Where in the document.
        at: String,
        /// The type.
        of: String,
    },
    /// It is not a document of the new type.
    #[error("it is not a document of the new type")]
    Refused,
}

impl From<Misfit> for Unconvertible {
    fn from(misfit: Misfit) -> Self {
        Self::Unfit(misfit)
    }
}

impl From<Problem> for Unconvertible {
    fn from(problem: Problem) -> Self {
        Self::Value(problem.into())
    }
}
