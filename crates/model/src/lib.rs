//! Turns the text of model files into a checked `Model`, or into diagnostics that say what to fix; compares two
//! models. Does no I/O, and knows neither SQL nor how rules are evaluated.

mod action;
mod action_values;
mod addressed;
mod allow;
mod api_prefix;
mod call_rate;
mod compile;
mod declared_actions;
mod diagnostic;
mod difference;
mod document;
mod document_limits;
mod enumeration;
mod foreign;
mod ids;
mod ignore;
mod interface;
mod interfaces;
mod job;
mod key;
mod kind;
mod length;
mod lint;
mod literal;
mod load;
mod mention;
mod model;
mod named;
mod names;
mod notification;
mod pack;
mod packs;
mod pattern;
mod places;
mod range;
mod render;
mod resolve;
mod route;
mod schedule;
mod sequence;
mod source;
mod syntax;
mod timer;
mod translate;
mod unsupported;
mod value_type;
mod values;

pub use action::{Action, ActionResult, ResultKind, Returned};
pub use addressed::Addressed;
pub use allow::{Allow, FieldAllow, Layer, UpdateRule};
pub use api_prefix::{ApiPrefix, ApiPrefixError};
pub use call_rate::{CallRate, RatePer};
pub use diagnostic::{Diagnostic, Diagnostics, PlainDiagnostic, Severity};
pub use difference::{
    ActionChange, ActionDifference, ApiChange, ApplicationPart, AtCreate, Difference, DocumentTypes, FieldPart, Filled,
    LikelyRename, LinkSource, Meaning, Meanings, MemberChange, Narrowed, Pairing, Part, PathChange, Risk, Stage,
    StatesPart, TypeChange, Work, WriteDirective, Writes, diff, diff_of_pair, enum_values, exclusion_before,
    index_before, is_same_computed, is_same_sum, likely_renames, type_change,
};
pub use document::{RelatedReader, TYPE_NAME};
pub use document_limits::{DocumentMisfit, MemberLimit};
pub use enumeration::{Enum, EnumId, EnumValue, Transition};
pub use ids::{CollectionId, EmbeddedId, FieldId, InterfaceId, RecordUnionId, UnionId};
pub use interface::Interface;
pub use job::{Hook, HookOn, HookRun, Job, RecordEvent};
pub use key::{Key, KeyKind};
pub use kind::{Document, Element, FieldKind, InnerRelation, Link, Mention, OnDelete, Shape, Toward};
pub use length::{Length, LengthProblem, Unit};
pub use lint::Lint;
pub use load::{Loaded, load, load_at, load_stored};
pub use mention::Mentioned;
pub use model::{
    Asked, Check, Class, Collection, Column, ColumnStorage, Computed, ComputedRights, Embedded, EmbeddedRole,
    Exclusion, Field, History, Index, Model, Nulls, OrderKey, RecordUnion, SearchIndex, Searched, Set, SetOn,
    StoredNames, StoredSum, Trash, Tree, Union, Upkeep, VersionChange, Versions, Within,
};
pub use named::{FUNCTIONS, NamedRule, NamedRules, ParameterKind, RuleId, RuleParameter};
pub use names::{own_name, path, shortened, snake};
pub use notification::{Channel, InboxRecords, Notify, PathToAccounts};
pub use pack::Pack;
pub use pattern::FieldPattern;
pub use range::{Range, RangeProblem};
pub use render::Style;
pub use route::{Inbox, Provider, RESERVED_PATHS, Route, RouteMethod, RoutePart, RoutePath};
pub use schedule::{Missed, Schedule};
pub use sequence::{NumberFormat, NumberPiece, Sequence};
pub use source::{Owner, OwnerName, Position, RuleText, SourceFile, SourceMap, Span, Wording};
pub use timer::{TimedAct, Timer};
pub use value_type::{ValueProblem, ValueType};
pub use values::{Misfit, ValueLimit};

/// The directives and scalars of a model file, as GraphQL: what an editor needs to complete and check one.
pub const DIRECTIVES: &str = include_str!("directives.graphql");
