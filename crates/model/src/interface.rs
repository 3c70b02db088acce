//! Interfaces with a path.

use crate::{CollectionId, InterfaceId, Span};

/// An interface with a path, at which the records of all its types are read together.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Its index.
    pub id: InterfaceId,
    /// Its name, such as `Content`.
    pub name: String,
    /// The last part of `/api/{path}`.
    pub path: String,
    /// The description in the model.
    pub description: Option<String>,
    /// The types with records that implement it, at least one, in the order of their ids.
    pub types: Vec<CollectionId>,
    /// The names of the fields that its types share, those that every record has among them.
    pub fields: Vec<String>,
    /// Where its name stands.
    pub span: Span,
}

impl Interface {
    /// Whether the field of this name is shared by its types; of a member of an embedded value, whether that value is.
    pub fn shares(&self, name: &str) -> bool {
        let outer = name.split('.').next().unwrap_or(name);
        self.fields.iter().any(|field| field == outer)
    }
}
