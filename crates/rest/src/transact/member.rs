//! The members of a request in a transaction.

use backstay_engine::{MatchingVerb, RecordVerb, RequestKind};

use crate::parameter::AS_OF;
use crate::reader::Reader;

/// A member of a request beside its collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// The record.
    Id,
    /// The record, by a unique key.
    By,
    /// What is sent.
    Body,
    /// What is answered of a record.
    Select,
    /// The values of the parameters in that.
    Params,
    /// Which records are listed.
    Query,
    /// The version that the record must have.
    IfMatch,
    /// That there must be no record.
    IfNoneMatch,
    /// The unique key of records that are changed instead of created.
    OnConflict,
    /// The moment as of which the record is read.
    AsOf,
    /// What later requests call it.
    As,
}

impl Member {
    /// Every member.
    pub(super) const ALL: [Self; 11] = [
        Self::Id,
        Self::By,
        Self::Body,
        Self::Select,
        Self::Params,
        Self::Query,
        Self::IfMatch,
        Self::IfNoneMatch,
        Self::OnConflict,
        Self::AsOf,
        Self::As,
    ];

    /// The members that a request of this kind takes.
    pub const fn of(kind: RequestKind) -> &'static [Self] {
        match kind {
            RequestKind::Get => &[Self::Id, Self::By, Self::Select, Self::Params, Self::AsOf, Self::As],
            RequestKind::History => &[Self::Id, Self::Query],
            RequestKind::List | RequestKind::Aggregate | RequestKind::OfMatching(MatchingVerb::Delete) => {
                &[Self::Query]
            }
            RequestKind::Create => &[Self::Body, Self::OnConflict, Self::Select, Self::Params, Self::As],
            RequestKind::OfMatching(MatchingVerb::Update) => &[Self::Query, Self::Body],
            RequestKind::Update => {
                &[Self::Id, Self::By, Self::Body, Self::IfMatch, Self::Select, Self::Params, Self::As]
            }
            RequestKind::Replace => &[
                Self::Id,
                Self::By,
                Self::Body,
                Self::IfMatch,
                Self::IfNoneMatch,
                Self::Select,
                Self::Params,
                Self::As,
            ],
            RequestKind::OfRecord(RecordVerb::Restore) => {
                &[Self::Id, Self::Body, Self::IfMatch, Self::Select, Self::Params, Self::As]
            }
            RequestKind::OfRecord(RecordVerb::Delete) => &[Self::Id, Self::By, Self::IfMatch],
            RequestKind::OfRecord(RecordVerb::Purge) => &[Self::Id, Self::IfMatch],
        }
    }

    /// Its name in the request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::By => "by",
            Self::Body => "body",
            Self::Select => "select",
            Self::Params => "params",
            Self::Query => "query",
            Self::IfMatch => "ifMatch",
            Self::IfNoneMatch => "ifNoneMatch",
            Self::OnConflict => Reader::ON_CONFLICT,
            Self::AsOf => AS_OF,
            Self::As => "as",
        }
    }
}
