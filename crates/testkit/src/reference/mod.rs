//! A reference of the policy: models, records, callers and requests made at random, and what the documentation says they
//! are answered with, worked out naively in memory. It knows nothing of the crates that it is compared with, and must not:
//! an error that both made would never be found.

mod asker;
mod deletion;
mod evaluate;
mod expression;
mod expressions;
mod model_text;
mod models;
mod pools;
mod random;
mod read;
mod requests;
mod schema;
mod select;
mod value;
mod world;
mod write;
mod writes;

pub use asker::{Asker, Outlook};
pub use evaluate::{Evaluation, Subject};
pub use expression::{Arithmetic, Auth, Comparison, Expr, Function, JsonStep, Path, Quantifier, Root, Writer};
pub use expressions::{CLAIMS, Expressions};
pub use pools::{NEXT_COMMIT, NOW};
pub use random::Random;
pub use read::{Expected, Get, List};
pub use schema::{Access, Allow, Enum, Field, Kind, OnDelete, SYSTEM_FIELDS, Schema, Transition, Type};
pub use select::{Part, Selection, SortKey, sort_text};
pub use value::{DECIMAL_UNIT, Value};
pub use world::{Caller, Link, Record, World};
pub use write::{Assigned, Body, Write, Written};
