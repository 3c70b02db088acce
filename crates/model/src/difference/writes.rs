//! What clients can, and must, send for a field.

use std::fmt;

use super::api::{ApiChange, breaking, harmless, together};
use crate::{Field, FieldKind, Model, SetOn};

/// What clients can send for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writes {
    /// In a create.
    pub create: AtCreate,
    /// Whether in an update.
    pub update: bool,
    /// Whether the records that it names by a unique key are created if they aren't there.
    pub connects: bool,
}

/// What a create can say of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtCreate {
    /// Nothing.
    Never,
    /// A value, if it wants.
    Optional,
    /// A value, always.
    Demanded,
}

/// A directive that says what gives a field its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteDirective {
    /// `@readonly`.
    Readonly,
    /// `@immutable`.
    Immutable,
    /// `@connect`.
    Connect,
    /// `@default`.
    Default,
    /// `@slug`.
    Slug,
    /// `@sequence`.
    Sequence,
    /// `@set`.
    Set,
    /// `@computed`.
    Computed,
}

impl fmt::Display for WriteDirective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Readonly => "`@readonly`",
            Self::Immutable => "`@immutable`",
            Self::Connect => "`@connect`",
            Self::Default => "the default",
            Self::Slug => "`@slug`",
            Self::Sequence => "`@sequence`",
            Self::Set => "`@set`",
            Self::Computed => "`@computed`",
        })
    }
}

impl WriteDirective {
    /// Whether it gives values, rather than say who may.
    fn gives(self) -> bool {
        match self {
            Self::Default | Self::Slug | Self::Sequence | Self::Set | Self::Computed => true,
            Self::Readonly | Self::Immutable | Self::Connect => false,
        }
    }
}

impl Writes {
    /// What clients can send for a field of this model, or wherever the embedded value is there that it is a member of.
    pub(super) fn of(model: &Model, field: &Field) -> Self {
        if field.refused_to_clients().is_some() {
            return Self { create: AtCreate::Never, update: false, connects: false };
        }
        let is_set = field.set.iter().any(|set| matches!(set.on, SetOn::Create | SetOn::Write));
        let has_default = model.default_of(field).is_some() || field.default.is_some() || field.default_from.is_some();
        let is_given = is_set || has_default || field.slug.is_some() || field.sequence.is_some();
        let is_sent = field.is_stored() || matches!(field.kind, FieldKind::ToOneOf { .. });
        let is_demanded = is_sent && !field.is_of_reference() && field.is_needed() && !is_given;
        let create = if is_demanded { AtCreate::Demanded } else { AtCreate::Optional };
        Self { create, update: !field.immutable, connects: field.connects }
    }
}

/// What clients notice of another way in which a field gets its value.
pub(super) fn noticed(place: &str, directives: &[WriteDirective], (from, to): (Writes, Writes)) -> Option<ApiChange> {
    let create = match (from.create, to.create) {
        (AtCreate::Optional | AtCreate::Demanded, AtCreate::Never) => {
            return Some(breaking(format!("{place} can't be sent any more")));
        }
        (AtCreate::Never | AtCreate::Optional, AtCreate::Demanded) => {
            Some(breaking(format!("every create has to give {place}")))
        }
        (AtCreate::Never, AtCreate::Optional) => Some(harmless(format!("{place} can be sent"))),
        (AtCreate::Demanded, AtCreate::Optional) => Some(harmless(format!("creates can leave out {place}"))),
        (AtCreate::Never, AtCreate::Never)
        | (AtCreate::Optional, AtCreate::Optional)
        | (AtCreate::Demanded, AtCreate::Demanded) => None,
    };
    let update = match (from.update, to.update) {
        (true, false) => Some(breaking(format!("{place} can't be changed after creation any more"))),
        (false, true) if from.create != AtCreate::Never => {
            Some(harmless(format!("{place} can be changed after creation")))
        }
        (false | true, true) | (false, false) => None,
    };
    let connects = match (from.connects, to.connects) {
        (true, false) => {
            Some(breaking(format!("records that {place} names and that aren't there aren't created any more")))
        }
        (false, true) => Some(harmless(format!("records that {place} names and that aren't there are created"))),
        (false, false) | (true, true) => None,
    };
    together(create.into_iter().chain(update).chain(connects)).or_else(|| {
        let gives = directives.iter().any(|directive| directive.gives());
        gives.then(|| harmless(format!("{place} gets other values if requests don't give it one")))
    })
}
