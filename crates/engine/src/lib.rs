//! Every operation once: authorize, validate, transact, publish. All doors come through here, so that a rule holds on
//! each of them. Knows nothing of HTTP and sees no text of SQL.

mod application;
mod bind;
mod context;
mod cursor;
mod decode;
mod deletion;
mod encode;
mod engine;
mod explain;
mod explanation;
mod fill;
mod input;
mod links;
mod observer;
mod operation;
mod operations;
mod plans;
mod policy;
mod proposal;
mod query;
mod read;
mod record;
mod recorder;
mod references;
mod remember;
mod request;
mod rights;
mod row_change;
mod rules;
mod select;
mod shape;
mod sink;
mod states;
mod stored;
mod tag;
mod templates;
mod width;
mod write;

pub use application::Application;
pub use backstay_base::Error;
pub use backstay_live::{Seen, VersionClock};
pub use backstay_store::{Migration, OpenError, OpenOptions, Outcome as OpenOutcome, Risk, Step, Writes};
pub use context::{Authority, Context, OpContext};
pub use decode::{
    RelationReader, decode_input, decode_input as decode_draft, decode_input_with,
    decode_input_with as decode_draft_with, object_members,
};
pub use engine::{Dependency, Engine};
pub use explain::ExplainRequest;
pub use explanation::{ExplainedCaller, ExplainedPart, ExplainedRule, ExplainedStatement, Explanation, Stage};
pub use input::{Input, Input as Draft};
pub use operation::Operation;
pub use record::Record;
pub use request::{Create, Delete, Found, Get, IfMatch, List, Outcome, Page, Raw, Update, WriteOptions, Written};
pub use tag::Tag;
