//! Every scalar, whole: how a value is read from any notation, normalized, written, ordered, stored and described, one
//! family per file. Does no I/O, and knows neither models nor SQL.

mod money;
mod scalar;
mod storage;
mod value;

pub use money::{Currency, MONEY_SCALE, Money, MoneyError};
pub use scalar::Scalar;
pub use storage::{Part, Storage};
pub use value::{Value, ValueRef};
