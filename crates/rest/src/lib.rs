//! The notation of REST: the words of a URL and JSON become typed requests, and rows become JSON. Knows no HTTP, no rights
//! and no database.

pub mod accounts;
mod assignment;
mod by;
mod children;
mod comparison;
mod cursor;
mod derived;
mod encode;
mod filter;
mod foreign;
mod history;
mod input;
mod json;
mod list;
mod list_words;
mod matching;
mod of_types;
mod operators;
mod parameter;
mod reader;
mod referred;
mod results;
mod select;
mod shown;
mod sort;
pub mod transact;
mod url;
mod words;

pub use assignment::assignments;
pub use encode::JSON;
pub use history::{GetWords, is_of_past};
pub use input::{input, inputs, patch, record, replacement, upserts};
pub use json::{members, text};
pub use list::in_body;
pub use list_words::{ListWords, Raw};
pub use matching::Matching;
pub use parameter::{AS_OF, DRY_RUN, is_list_parameter, meant_parameter};
pub use reader::Reader;
pub use referred::RelationReader;
pub use results::{outcomes, results};
pub use url::{Pair, decode, of_url, pairs};
pub use words::{shorten, unknown};
