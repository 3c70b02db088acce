//! Every request once: authorize, validate, transact, publish. All doors come through here, so that a rule holds on each
//! of them. Knows no notation (JSON, words of a URL) and no protocol, and sees no text of SQL.

mod act;
mod action_call;
#[cfg(feature = "postgres")]
mod adopting;
mod aggregate;
mod allow_policy;
mod amounts;
mod answer;
mod answer_buffer;
mod answered;
mod answering;
mod application;
mod asked;
mod at_commit;
mod backup;
mod before;
mod bind;
mod block;
mod broken_checks;
mod call_rates;
mod changes;
mod children;
mod clauses;
mod clearing;
mod commit_checks;
mod commit_guards;
mod commit_log;
mod commit_token;
mod commits;
mod compared_sums;
mod compiled;
mod compiler;
mod context;
mod currencies;
mod decision;
mod defaults;
mod deletion;
mod deletion_order;
mod deletion_steps;
mod dependent;
mod document_limits;
mod due;
mod each;
mod embedded;
mod encoder;
mod engine;
mod exclusions;
mod expiry;
mod explain;
mod explanation;
mod fill;
mod firing;
mod given;
mod given_ids;
mod giving;
mod grouping;
mod highlights;
mod history;
mod holding;
mod hook_jobs;
mod hooks;
mod ids;
mod in_flight;
mod inner;
mod input;
mod inspector;
mod kept_traces;
mod links;
mod lints;
mod lock_order;
mod made;
mod matching;
mod membership;
mod mentions;
mod named;
mod notation;
mod noted;
mod numbers;
mod observer;
mod old_versions;
mod opening;
mod operator;
mod operators;
mod own_commit;
mod parking;
mod part_name;
mod pending_checks;
mod pending_hooks;
mod pending_sums;
mod placed;
mod plans;
mod policy;
mod prepared;
mod procedures;
mod proposal;
mod queue;
mod queueing;
mod read;
mod readmission;
mod recipients;
mod record;
mod recorder;
mod recording;
mod reference;
mod references;
mod refreshing;
mod reindexing;
mod related;
mod remember;
mod replace;
mod request;
mod rights;
mod row_change;
mod rule_of;
mod rules;
mod searching;
mod secrets;
mod sent_back;
mod sequences;
mod shapes;
mod shorten;
mod showing;
mod singles;
mod sink;
mod sizes;
mod slugs;
mod sought;
mod states;
mod stored;
mod summing;
mod sums;
mod tag;
mod taken;
mod taken_along;
mod templates;
mod timer_guards;
mod timers;
mod trace;
mod traced;
mod transaction;
mod transitions;
mod trash;
mod trees;
mod upsert;
mod versions;
mod which;
mod width;
mod write;
mod write_requests;
mod written_since;

pub use act::Act;
pub use action_call::ActionCall;
pub use answer::{Answer, Found, Outcome, Page, Refused, Upserted, Written};
pub use answer_buffer::{AnswerBuffer, EncodeError};
pub use application::Application;
pub use backstay_base::Error;
pub use backstay_live::{Seen, VersionClock};
pub use backstay_sql::{
    Alternative, Arguments, CURSOR, ColumnRef, ColumnType, DecodeError, Derived, DocumentMember, DocumentOutput,
    DocumentSelection, DocumentValue, Fold, FoldFunction, GroupKey, GroupSort, GroupValue, Groups, InnerSelection,
    ListPlace, MemberOutput, MemberSelection, ObjectOutput, Phrase, RecordsOutput, Row, RowOutput, Selected,
    SelectedField, SelectedMember, SelectedType, SelectedValue, Selection, SortBy, SortKey, Sought, TypeOutput,
    ValueKind, ValueOutput, ValuesOutput, nested,
};
#[cfg(feature = "postgres")]
pub use backstay_store::{
    AdoptError, AdoptedColumn, AdoptedLink, AdoptedTable, Adoption, CountedMisfits, Deletion, FoundCheck, FoundColumn,
    FoundEnum, FoundIndex, FoundReference, FoundTable, FoundUnique, Misfit, RefusedStep, Retyped, RowSecurity, Survey,
    TableKind, TypeFamily, ValuesOf,
};
pub use backstay_store::{
    ApiChange, ChangeKind, Checked, Copied, CopyError, CopyProgress, CopyStage, Finding, Freshness, Location, LogError,
    LogHorizon, Migration, OnProgress, OpenError, OpenOptions, Outcome as OpenOutcome, Progress, Pruned, ReplicaCount,
    Restored, Restoring, Risk, SealedMark, ServerProblem, Step, Stored, VerifiedLog, Watch, Writes,
};
pub use before::{BeforeCall, BeforeOutcome, BeforeProcedure};
pub use block::{Begun, Block, Committed};
pub use broken_checks::BrokenCheck;
pub use changes::{Changed, Changes, Follower};
pub use commit_log::{LogChange, LogLine};
pub use commits::Commits;
pub use compared_sums::ComparedSum;
pub use context::{Arrival, Authority, Context, Mark, TxContext};
pub use dependent::{Answered, Asked, Completion, Dependent, Requests};
pub use encoder::{Count, Counted, Encoder, PageEnd, PageOrder, Previous, RecordMember};
pub use engine::Engine;
pub use expiry::PurgePass;
pub use explanation::{
    ExplainedCaller, ExplainedPart, ExplainedRequest, ExplainedRule, ExplainedStatement, Explanation, Stage,
};
pub use grouping::{
    AskedFold, AskedGroups, AskedKey, AskedOrder, AskedValue, GroupsProblem, NameProblem, OrderProblem, OutputProblem,
    TermProblem, is_output_name, name_of_path, value_kind,
};
pub use history::history_order;
pub use hook_jobs::Notification;
pub use input::{ByKey, Child, ChildAct, Children, Input, LinkChanges, Missing, NamedWithin, Others, Referred};
pub use inspector::{Inspecting, Inspector};
pub use kept_traces::{Subject, TraceFilter, TraceKind};
pub use made::Numbers;
pub use notation::Notation;
pub use observer::{ChangeWatch, Dependency};
pub use operator::Operator;
pub use procedures::{Procedure, Procedures};
pub use queue::{AskedJob, JobName, JobReport, JobTerms, NewJob, Priority, Queue, RunningJob, caller_name};
pub use read::{no_highlight_of_types, not_searched};
pub use record::Record;
pub use refreshing::RefreshPass;
pub use reindexing::ReindexPass;
pub use request::{
    Aggregate, Counting, Create, Cursor, Expression, Filter, Get, History, Idempotency, IfMatch, Inputs, List,
    MatchingAct, MatchingVerb, OfMatching, OfRecord, OfTypes, Perspective, Reach, RecordAct, RecordVerb, Replace,
    Request, RequestKind, Shown, Start, Update, WriteOptions,
};
pub use shorten::shorten;
pub use singles::Singles;
pub use sizes::Sizes;
pub use sought::read_search;
pub use tag::Tag;
pub use timers::{Due, TimerPass};
pub use trace::Trace;
pub use transaction::Transaction;
pub use which::{UniqueKey, Which};
