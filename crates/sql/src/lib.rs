//! Plans requests under rights and lowers them to statements for SQLite and PostgreSQL, whose differences it alone knows.
//! Does no I/O and holds no connection.

pub mod adopt;
mod aggregate;
pub mod alter;
mod arithmetic;
mod backfill;
mod branch;
mod broken;
mod builder;
mod calendar;
mod column;
mod column_order;
mod columns;
mod compare;
mod computed;
mod copying;
mod decimal;
mod definition;
mod dialect;
mod document;
mod element;
mod exact;
mod expressions;
mod fetch;
mod forest;
mod going_with;
mod gone;
mod grouped;
mod groups;
mod history;
mod hold;
mod layout;
mod lineage;
mod looked_up;
mod lower;
mod made;
mod meanings;
mod memberships;
mod models;
pub mod nested;
mod numbers;
mod operand;
mod order;
mod output;
mod owner;
mod param;
mod partial;
mod plan;
mod predicate;
mod presence;
mod probes;
mod quantifier;
mod question;
mod ranges;
mod read;
mod relation;
pub mod schema;
pub mod search;
mod shape;
mod slots;
mod slugs;
mod statement;
mod steer;
mod succession;
mod sums;
mod temporary;
mod texts;
mod timers;
mod together;
mod tree;
mod truth;
mod value;
mod within;
mod write;

pub use backfill::BackfillError;
pub use column::{ColumnRef, ColumnType, DecodeError, Row};
pub use copying::CopiedTable;
pub use dialect::Dialect;
pub use document::{
    DocumentMember, DocumentOutput, DocumentSelection, DocumentValue, MemberSelection, RecordsOutput, SelectedMember,
    SelectedType, TypeOutput, ValuesOutput,
};
pub use fetch::FetchPlan;
pub use groups::{Fold, FoldFunction, GroupKey, GroupSort, GroupValue, Groups, GroupsShape};
pub use history::{Followed, HistoryField, HistoryPlan, RecordVersion, follow_records};
pub use layout::RecordLayout;
pub use looked_up::{LookedUp, SoughtBy};
pub use meanings::paired;
pub use models::Models;
pub use numbers::{NumberedRow, RenamedSeries};
pub use param::Param;
pub use partial::{IndexConditionError, condition_fields, index_condition_error};
pub use plan::{Planner, RecordSource, StoredPlan};
pub use probes::{PROBED_IDS, Probe};
pub use ranges::exclusion_fields;
pub use relation::Perspective;
pub use search::SearchTemplates;
pub use shape::{
    Alternative, Arguments, CURSOR, Derived, HIGHLIGHT, InnerSelection, ListPlace, MemberOutput, ObjectOutput,
    PageStart, Phrase, Position, ReadPlan, ReadScope, ReadShape, RowOutput, Searching, Selected, SelectedField,
    SelectedValue, Selection, SortBy, SortKey, Sought, ValueKind, ValueOutput,
};
pub use slugs::{SlugRow, SlugSource, is_compared};
pub use statement::{Extent, Slot, Statement, Template};
pub use succession::{Origin, Succession};
pub use sums::{ComparedSums, ComputedSums, SumsPlan};
pub use temporary::{converted_table, next_table};
pub use write::IdOrder;
