//! When a difference is bridged, and what that does to stored records.

use backstay_base::Duration;

use super::{Difference, Filled, MemberChange, TypeChange};
use crate::Upkeep;

/// When a difference is bridged: differences are in this order, and within a stage in that of the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Records go that nobody may use any more.
    Accounts,
    /// Indexes go, before what they are of changes.
    IndexesRemoved,
    /// Names change, so that new things can have those that become free.
    Renames,
    /// Enums get values.
    ValuesAdded,
    /// Types come, to which new fields can refer.
    TypesAdded,
    /// Fields come.
    FieldsAdded,
    /// Link tables come.
    LinksAdded,
    /// Stored values become others.
    ValuesChanged,
    /// Link tables go.
    LinksRemoved,
    /// Fields go.
    FieldsRemoved,
    /// Types go.
    TypesRemoved,
    /// Enums lose values, and accounts roles.
    NamesRemoved,
    /// Stored values of enums follow their names.
    ValuesRenamed,
    /// Indexes come, over the values as they are then.
    IndexesAdded,
    /// What no stored value depends on.
    Behaviour,
}

/// What bridging a difference does to stored records, on any database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Nothing.
    Nothing,
    /// Tables or columns get other names.
    Renames,
    /// Records are read.
    Reads,
    /// Records are written again.
    Writes,
    /// Stored values that nobody could read are shown.
    Reveals,
    /// Stored values are deleted, or can't be told apart any more.
    Deletes,
}

impl Difference {
    /// When it is bridged.
    pub fn stage(&self) -> Stage {
        match self {
            Self::AccountsMoved { .. } => Stage::Accounts,
            Self::IndexRemoved { .. } => Stage::IndexesRemoved,
            Self::EnumRenamed { .. }
            | Self::CollectionRenamed { .. }
            | Self::FieldRenamed { .. }
            | Self::TypeChanged { change: TypeChange::Referring, .. } => Stage::Renames,
            Self::EnumValuesAdded { .. } => Stage::ValuesAdded,
            Self::CollectionAdded { .. } | Self::HistoryAdded { .. } => Stage::TypesAdded,
            Self::FieldAdded { .. } | Self::TreeAdded { .. } => Stage::FieldsAdded,
            Self::LinkAdded { .. } => Stage::LinksAdded,
            Self::TypeChanged { .. }
            | Self::SumChanged { .. }
            | Self::UpkeepChanged { to: Upkeep::Commit, .. }
            | Self::SequenceAdded { .. }
            | Self::RequiredTightened { .. }
            | Self::RequiredLoosened { .. }
            | Self::LinksOrdered { .. }
            | Self::OnDeleteChanged { .. } => Stage::ValuesChanged,
            Self::LinkRemoved { .. } | Self::LinksUnordered { .. } => Stage::LinksRemoved,
            Self::FieldRemoved { .. } | Self::TreeRemoved { .. } => Stage::FieldsRemoved,
            Self::CollectionRemoved { .. } | Self::HistoryRemoved { .. } => Stage::TypesRemoved,
            Self::EnumValuesRemoved { .. } | Self::RolesMerged { .. } | Self::RolesRemoved { .. } => {
                Stage::NamesRemoved
            }
            Self::EnumValuesRenamed { .. } => Stage::ValuesRenamed,
            Self::IndexAdded { .. } | Self::ExclusionAdded { .. } => Stage::IndexesAdded,
            Self::PathChanged { .. }
            | Self::SingleChanged { .. }
            | Self::TrashChanged { .. }
            | Self::HistoryKept { .. }
            | Self::KeyChanged { .. }
            | Self::LengthChanged { .. }
            | Self::LimitChanged { .. }
            | Self::MemberChanged { .. }
            | Self::ComputedChanged { .. }
            | Self::UpkeepChanged { to: Upkeep::Soon, .. }
            | Self::SecretRevealed { .. }
            | Self::CheckAdded { .. }
            | Self::CheckRemoved { .. }
            | Self::ExclusionRemoved { .. }
            | Self::EnumReordered { .. }
            | Self::BehaviourChanged { .. }
            | Self::ApplicationChanged { .. } => Stage::Behaviour,
        }
    }

    /// What bridging it does to stored records, if there are any.
    #[expect(clippy::too_many_lines, reason = "one arm for each difference")]
    pub fn work(&self) -> Work {
        match self {
            Self::CollectionAdded { .. }
            | Self::PathChanged { .. }
            | Self::SingleChanged { .. }
            | Self::TreeAdded { .. }
            | Self::TreeRemoved { .. }
            | Self::HistoryAdded { is_new: true, .. }
            | Self::KeyChanged { .. }
            | Self::LinkAdded { .. }
            | Self::LinksOrdered { .. }
            | Self::EnumRenamed { .. }
            | Self::EnumValuesAdded { .. }
            | Self::EnumReordered { .. }
            | Self::EnumValuesRemoved { .. }
            | Self::LengthChanged { .. }
            | Self::LimitChanged { stricter: false, .. }
            | Self::MemberChanged {
                change:
                    MemberChange::LengthTightened
                    | MemberChange::LengthLoosened
                    | MemberChange::RequiredLoosened
                    | MemberChange::Limit { stricter: false, .. },
                ..
            }
            | Self::ComputedChanged { .. }
            | Self::UpkeepChanged { to: Upkeep::Soon, .. }
            | Self::CheckAdded { .. }
            | Self::CheckRemoved { .. }
            | Self::ExclusionRemoved { .. }
            | Self::BehaviourChanged { .. }
            | Self::ApplicationChanged { .. }
            | Self::IndexRemoved { .. }
            | Self::OnDeleteChanged { .. }
            | Self::RequiredLoosened { .. }
            | Self::FieldRenamed { stored: false, .. }
            | Self::FieldRemoved { stored: false, .. }
            | Self::TypeChanged { change: TypeChange::NotStored | TypeChange::Widened | TypeChange::Derived, .. } => {
                Work::Nothing
            }
            Self::FieldAdded { filled, .. } | Self::TypeChanged { change: TypeChange::Stored(filled), .. } => {
                match filled {
                    Filled::NotStored | Filled::Null | Filled::Default | Filled::Missing => Work::Nothing,
                    Filled::Backfill | Filled::Slug | Filled::Number | Filled::Sum => Work::Writes,
                }
            }
            Self::TypeChanged { change: TypeChange::Rewritten { lost, breaking: _ }, .. } => match lost.is_empty() {
                true => Work::Writes,
                false => Work::Deletes,
            },
            Self::TrashChanged { had, has, found, .. } => {
                let was = had.map(|trash| trash.keep).or_else(|| found.then_some(None));
                match (was, has) {
                    (Some(was), Some(has)) if is_shorter(was, has.keep) => Work::Deletes,
                    (Some(_) | None, _) => Work::Nothing,
                }
            }
            Self::HistoryKept { was, keep, .. } => match is_shorter(*was, *keep) {
                true => Work::Deletes,
                false => Work::Nothing,
            },
            Self::EnumValuesRenamed { merged, .. } => match merged.is_empty() {
                true => Work::Writes,
                false => Work::Deletes,
            },
            Self::CollectionRenamed { .. }
            | Self::FieldRenamed { stored: true, .. }
            | Self::TypeChanged { change: TypeChange::Referring, .. } => Work::Renames,
            Self::IndexAdded { .. }
            | Self::HistoryAdded { is_new: false, .. }
            | Self::ExclusionAdded { .. }
            | Self::LimitChanged { stricter: true, .. }
            | Self::MemberChanged { change: MemberChange::Limit { stricter: true, .. }, .. }
            | Self::RequiredTightened { filled: Filled::Missing | Filled::Null | Filled::NotStored, .. } => Work::Reads,
            Self::RequiredTightened {
                filled: Filled::Default | Filled::Backfill | Filled::Slug | Filled::Number | Filled::Sum,
                ..
            }
            | Self::SequenceAdded { .. }
            | Self::SumChanged { .. }
            | Self::UpkeepChanged { to: Upkeep::Commit, .. }
            | Self::TypeChanged {
                change:
                    TypeChange::Converted
                    | TypeChange::Linked
                    | TypeChange::Shared
                    | TypeChange::Summed { replaces: false }
                    | TypeChange::Replaced(Filled::Backfill),
                ..
            } => Work::Writes,
            Self::SecretRevealed { .. } => Work::Reveals,
            Self::CollectionRemoved { .. }
            | Self::HistoryRemoved { .. }
            | Self::FieldRemoved { stored: true, .. }
            | Self::LinkRemoved { .. }
            | Self::LinksUnordered { .. }
            | Self::AccountsMoved { .. }
            | Self::RolesMerged { .. }
            | Self::RolesRemoved { .. }
            | Self::TypeChanged {
                change: TypeChange::Computed | TypeChange::Summed { replaces: true } | TypeChange::Replaced(_),
                ..
            } => Work::Deletes,
        }
    }
}

/// Whether something is kept for a shorter time than before; `None`: for ever.
pub(super) fn is_shorter(was: Option<Duration>, keep: Option<Duration>) -> bool {
    keep.is_some_and(|keep| was.is_none_or(|was| keep.micros() < was.micros()))
}
