//! What the expressions of two models have in common, as whoever reads expressions found it.

use std::collections::HashMap;

use crate::{CollectionId, FieldId, Wording};

/// Whether an old and a new expression mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// They do, and name the same values.
    Same,
    /// They do, but values of an enum have other names.
    ValuesRenamed,
    /// They don't.
    Other,
}

/// Which expressions of two models mean the same. What isn't in it is compared by its text.
#[derive(Debug, Default)]
pub struct Meanings {
    /// Of checks and conditions, by the new collection, the old rule and the new one.
    pub rules: HashMap<(CollectionId, Wording, Wording), Meaning>,
    /// Of computed fields and stored sums, by the new field.
    pub fields: HashMap<(CollectionId, FieldId), Meaning>,
}
