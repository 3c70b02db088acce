//! Every operation once: authorize, validate, transact, publish. All doors come through here, so that a rule holds on
//! each of them. Knows nothing of HTTP and sees no text of SQL.

mod application;
mod bind;
mod context;
mod cursor;
mod decode;
mod deletion;
mod deletion_order;
mod encode;
mod engine;
mod explain;
mod explanation;
mod fill;
mod in_flight;
mod inner;
mod input;
mod links;
mod observer;
mod plans;
mod policy;
mod proposal;
mod query;
mod read;
mod record;
mod recorder;
mod recording;
mod references;
mod remember;
mod request;
mod rights;
mod row_change;
mod rule_of;
mod rules;
mod select;
mod shape;
mod sink;
mod states;
mod stored;
mod tag;
mod templates;
mod transaction;
mod width;
mod write;
mod write_requests;

pub use application::Application;
pub use backstay_base::Error;
pub use backstay_live::{Seen, VersionClock};
pub use backstay_store::{Migration, OpenError, OpenOptions, Outcome as OpenOutcome, Risk, Step, Writes};
pub use context::{Authority, Context, TxContext};
pub use decode::{RelationReader, decode_input, decode_input_with, object_members};
pub use engine::Engine;
pub use explanation::{ExplainedCaller, ExplainedPart, ExplainedRule, ExplainedStatement, Explanation, Stage};
pub use input::Input;
pub use observer::Dependency;
pub use record::Record;
pub use request::{
    Create, Delete, Found, Get, IfMatch, List, Outcome, Page, Raw, Request, Update, WriteOptions, Written,
};
pub use tag::Tag;
pub use transaction::Transaction;
