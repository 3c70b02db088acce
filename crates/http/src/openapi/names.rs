//! The names of schemas. A type's name has letters, digits and `_` only, so a `.` in the others keeps them apart from all
//! types.

use serde_json::{Value, json};

/// What is wrong with a request.
pub(super) const PROBLEM: &str = "Problem.Details";

/// The schemas of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// A value as it is read.
    Read,
    /// An embedded value as it is sent.
    Input,
    /// A record as it is created.
    Create,
    /// A record as it replaces another one, with children that may be there already.
    Replace,
    /// A record as it is changed.
    Patch,
    /// A page of records.
    Page,
}

impl Schema {
    /// Its name for the type of this name.
    pub(super) fn of(self, name: &str) -> String {
        match self {
            Self::Read => name.to_owned(),
            Self::Input => format!("{name}.Input"),
            Self::Create => format!("{name}.Create"),
            Self::Replace => format!("{name}.Replace"),
            Self::Patch => format!("{name}.Patch"),
            Self::Page => format!("{name}.Page"),
        }
    }

    /// A reference to it.
    pub(super) fn reference(self, name: &str) -> Value {
        json!({ "$ref": path(&self.of(name)) })
    }
}

/// Where the schema of this name is in the document.
pub(super) fn path(schema: &str) -> String {
    format!("#/components/schemas/{schema}")
}
