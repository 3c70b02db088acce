//! Every scalar, whole: how a value is read from any notation, normalized, written, ordered, stored and described, one
//! family per file below `scalar`. Does no I/O, and knows neither models nor SQL.

mod casing;
mod definition;
pub mod exact;
pub mod formula;
mod highlight;
mod json;
mod language;
mod lookup;
mod money;
mod notation;
mod operation;
mod parts;
mod pattern;
mod problem;
mod reading;
mod scalar;
mod schema;
mod search;
mod slug;
mod storage;
mod token;
mod value;
mod words;
mod written;

pub use casing::{Casing, CasingTable, Replacement, WHITE_SPACE, trimmed};
pub use definition::{Letters, Writer};
pub use highlight::highlight;
pub use json::{FloatText, quote, write, write_money, write_stored, written_bytes};
pub use language::Language;
pub use lookup::{Held, Lookup, LookupError, Step};
pub use money::{Currency, MONEY_SCALE, Money, MoneyError};
pub use operation::Operation;
pub use parts::{joined, split};
pub use pattern::{Extent, Pattern, PatternProblem};
pub use problem::Problem;
pub use reading::Reading;
pub use scalar::{
    Members, MergeError, OPERATIONS, Scalar, has_operations, items, members, merged, read_exact, read_id,
};
pub use schema::Schema;
pub use search::{Search, SearchProblem, Term};
pub use slug::{SLUG_PATTERN, free_number, is_slug, shortened, slug};
pub use storage::{Part, Storage};
pub use token::Token;
pub use value::{Value, ValueRef};
pub use words::{WORD_CHARS, Words, words, words_in};
pub use written::plain_text;
