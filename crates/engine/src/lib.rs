//! Every operation once: authorize, validate, transact, publish. All doors come through here, so that a rule holds on
//! each of them. Knows nothing of HTTP and sees no text of SQL.

mod application;
mod bind;
mod context;
mod cursor;
mod decode;
mod deletion;
mod document;
mod encode;
mod engine;
mod explain;
mod observer;
mod operation;
mod operations;
mod plans;
mod policy;
mod proposal;
mod query;
mod read;
mod record;
mod relation;
mod remember;
mod request;
mod rights;
mod scalar;
mod select;
mod sink;
mod states;
mod tag;
mod templates;
mod trace;
mod width;
mod write;

pub use application::Application;
pub use backstay_base::Error;
pub use backstay_live::{Seen, VersionClock};
pub use backstay_store::{Migration, OpenError, OpenOptions, Outcome as OpenOutcome, Risk, Step, Writes};
pub use context::{Authority, Context, OpContext};
pub use decode::{RelationReader, decode_draft, decode_draft_with, object_members};
pub use engine::{Dependency, Engine};
pub use explain::{
    ExplainRequest, ExplainedCaller, ExplainedPart, ExplainedRule, ExplainedStatement, Explanation, Stage,
};
pub use operation::Operation;
pub use record::{Draft, Record};
pub use request::{Create, Delete, Found, Get, IfMatch, List, Outcome, Page, Raw, Update, WriteOptions, Written};
pub use tag::Tag;
