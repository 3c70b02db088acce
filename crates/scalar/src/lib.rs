//! Every scalar, whole: how a value is read from any notation, normalized, written, ordered, stored and described, one
//! family per file. Does no I/O, and knows neither models nor SQL.

mod boolean;
mod bytes;
mod country;
mod decimal;
mod document;
mod duration;
mod email;
mod id;
mod json;
mod locale;
mod money;
mod number;
mod phone;
mod problem;
mod scalar;
mod schema;
mod storage;
mod text;
mod time;
mod token;
mod url;
mod value;

pub use decimal::read_exact;
pub use document::{Members, members, merged};
pub use json::{quote, write, write_money, write_stored};
pub use money::{Currency, MONEY_SCALE, Money, MoneyError};
pub use problem::Problem;
pub use scalar::{Scalar, Writer};
pub use schema::Schema;
pub use storage::{Part, Storage};
pub use token::Token;
pub use value::{Value, ValueRef};
