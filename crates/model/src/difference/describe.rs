use std::fmt;

use super::{Difference, Filled, TypeChange};

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CollectionAdded { collection } => write!(f, "{collection} is new"),
            Self::CollectionRenamed { from, to } => write!(f, "{from} is now called {to}; its records stay"),
            Self::FieldRenamed { collection, from, to } => {
                write!(f, "{collection}.{from} is now called {to}; its values stay")
            }
            Self::CollectionRemoved { collection } => {
                write!(f, "{collection} is gone; all its records would be deleted")
            }
            Self::PathChanged { collection, from, to } => {
                write!(f, "{collection} moves from /api/{from} to /api/{to}; no record changes")
            }
            Self::FieldAdded { collection, field, filled } => {
                write!(f, "{collection}.{field} is new; {}", filled_words(*filled))
            }
            Self::FieldRemoved { collection, field, stored: true } => {
                write!(f, "{collection}.{field} is gone; its stored values would be deleted")
            }
            Self::FieldRemoved { collection, field, stored: false } => {
                write!(f, "{collection}.{field} is gone; it had no column")
            }
            Self::TypeChanged { collection, field, from, to, change } => {
                write!(f, "{collection}.{field} was {from} and is {to}; {}", change_words(*change))
            }
            Self::RequiredTightened { collection, field, filled } => {
                write!(f, "{collection}.{field} is now required; {}", required_words(*filled))
            }
            Self::RequiredLoosened { collection, field } => {
                write!(f, "{collection}.{field} is no longer required")
            }
            Self::LengthChanged { collection, field, stricter: true } => {
                write!(
                    f,
                    "{collection}.{field} has a stricter `@length`; stored values that don't fit it stay until they change"
                )
            }
            Self::LengthChanged { collection, field, stricter: false } => {
                write!(f, "{collection}.{field} has a looser `@length`; no record changes")
            }
            Self::CheckAdded { collection, field, message } => {
                write!(
                    f,
                    "{collection}.{field} has a new check, \"{message}\"; stored values that break it stay until they change"
                )
            }
            Self::CheckRemoved { collection, field, message } => {
                write!(f, "{collection}.{field} has lost the check \"{message}\"; no record changes")
            }
            Self::OnDeleteChanged { collection, field } => {
                write!(f, "something else happens when the record that {collection}.{field} refers to is deleted")
            }
            Self::LinkAdded { .. }
            | Self::LinkRemoved { .. }
            | Self::IndexAdded { .. }
            | Self::IndexRemoved { .. }
            | Self::EnumRenamed { .. }
            | Self::EnumValuesRenamed { .. }
            | Self::EnumValuesAdded { .. }
            | Self::EnumValuesRemoved { .. } => Beside(self).fmt(f),
            Self::BehaviourChanged { collection } => {
                write!(f, "{collection} has other rules, defaults or descriptions; no record changes")
            }
            Self::ApplicationChanged => {
                write!(f, "the application has another name, other named rules, roles or states; no record changes")
            }
        }
    }
}

/// A difference that is about neither a collection nor a field alone.
struct Beside<'d>(&'d Difference);

impl fmt::Display for Beside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Difference::LinkAdded { collection, field, table } => {
                write!(f, "{collection}.{field} gets the new link table {table}")
            }
            Difference::LinkRemoved { collection, field, table } => {
                write!(f, "the link table {table} of {collection}.{field} is gone; its links would be deleted")
            }
            Difference::IndexAdded { collection, index, unique: true } => {
                write!(f, "{collection} gets the unique index {index}; no two records may share these values")
            }
            Difference::IndexAdded { collection, index, unique: false } => {
                write!(f, "{collection} gets the index {index}")
            }
            Difference::IndexRemoved { collection, index, unique } => {
                let kind = if *unique { "unique index" } else { "index" };
                write!(f, "{collection} loses the {kind} {index}")
            }
            Difference::EnumRenamed { from, to } => write!(f, "the enum {from} is now called {to}; no record changes"),
            Difference::EnumValuesRenamed { name, values } => {
                let values: Vec<String> = values.iter().map(|(from, to)| format!("{from} to {to}")).collect();
                write!(f, "{name} has renamed values: {}; records that hold them are changed", values.join(", "))
            }
            Difference::EnumValuesAdded { name, values } => write!(f, "{name} has new values: {}", values.join(", ")),
            Difference::EnumValuesRemoved { name, values } => {
                write!(f, "{name} has lost values, which no record may hold: {}", values.join(", "))
            }
            _ => Ok(()),
        }
    }
}

fn filled_words(filled: Filled) -> &'static str {
    match filled {
        Filled::NotStored => "it has no column",
        Filled::Null => "it is null in stored records",
        Filled::Default => "stored records get its default",
        Filled::Backfill => "stored records get the value of its `@backfill`",
        Filled::Missing => "it is required, and stored records have no value for it",
    }
}

fn required_words(filled: Filled) -> &'static str {
    match filled {
        Filled::Default => "records without a value get its default",
        Filled::Backfill => "records without a value get that of its `@backfill`",
        Filled::Missing | Filled::Null | Filled::NotStored => "every stored record must have a value",
    }
}

fn change_words(change: TypeChange) -> &'static str {
    match change {
        TypeChange::NotStored => "it has no column",
        TypeChange::Widened => "every stored value is a value of the new type",
        TypeChange::Converted => "stored values are written as texts and read as the new type",
        TypeChange::Linked => "the record that it led to becomes the first of the list",
        TypeChange::Replaced(Filled::Null) => "stored values mean nothing to the new type and would be deleted",
        TypeChange::Replaced(Filled::Default) => "its stored values would be deleted; records get the default",
        TypeChange::Replaced(Filled::Backfill) => "records get the value of its `@backfill` instead",
        TypeChange::Replaced(Filled::Missing) => {
            "its stored values would be deleted, and it is required, but records have no other value for it"
        }
        TypeChange::Replaced(Filled::NotStored) => "its stored values would be deleted; it has no column",
    }
}

/// What clients of the API notice of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiChange {
    /// What is different for them.
    pub words: String,
    /// Whether requests that worked can fail, or answers lack what they had.
    pub breaking: bool,
}

impl Difference {
    /// What clients notice; none if the API stays as it is, apart from who may do what.
    pub fn api_change(&self) -> Option<ApiChange> {
        let breaking = |words: String| Some(ApiChange { words, breaking: true });
        let harmless = |words: String| Some(ApiChange { words, breaking: false });
        match self {
            Self::CollectionAdded { collection } => harmless(format!("{collection} can be asked for")),
            Self::CollectionRemoved { collection } => breaking(format!("{collection} can't be asked for any more")),
            Self::PathChanged { from, to, .. } => breaking(format!("/api/{from} is now /api/{to}")),
            Self::FieldAdded { collection, field, filled: Filled::Missing | Filled::Backfill } => {
                breaking(format!("creates of {collection} may have to give {field}, which answers contain"))
            }
            Self::FieldAdded { collection, field, .. } => harmless(format!("answers of {collection} contain {field}")),
            Self::FieldRenamed { collection, from, to } => {
                breaking(format!("{from} of {collection} is now {to}, in requests and answers"))
            }
            Self::FieldRemoved { collection, field, .. } => {
                breaking(format!("{collection} has no {field} any more, in requests and answers"))
            }
            Self::TypeChanged { change: TypeChange::Widened, collection, field, to, .. } => {
                harmless(format!("{field} of {collection} can hold any {to}"))
            }
            Self::TypeChanged { collection, field, from, to, .. } => {
                breaking(format!("{field} of {collection} was {from} and is {to}"))
            }
            Self::RequiredTightened { collection, field, .. } => {
                breaking(format!("{field} of {collection} can't be null any more"))
            }
            Self::RequiredLoosened { collection, field } => {
                breaking(format!("{field} of {collection} can be null in answers"))
            }
            Self::LengthChanged { collection, field, stricter: true } => {
                breaking(format!("some values of {field} of {collection} are refused by its stricter `@length`"))
            }
            Self::LengthChanged { collection, field, stricter: false } => {
                harmless(format!("{field} of {collection} takes values of other lengths"))
            }
            Self::CheckAdded { collection, field, message } => {
                breaking(format!("some values of {field} of {collection} are refused: \"{message}\""))
            }
            Self::IndexAdded { collection, index, unique: true } => {
                breaking(format!("records of {collection} that share values are refused (`{index}`)"))
            }
            Self::EnumRenamed { from, to } => harmless(format!("{from} is called {to} in the OpenAPI document")),
            Self::EnumValuesAdded { name, values } => {
                harmless(format!("answers can contain new values of {name}: {}", values.join(", ")))
            }
            Self::EnumValuesRenamed { name, values } => {
                let values: Vec<String> = values.iter().map(|(from, to)| format!("{from} is now {to}")).collect();
                breaking(format!("values of {name} have other names: {}", values.join(", ")))
            }
            Self::EnumValuesRemoved { name, values } => {
                breaking(format!("{name} refuses these values: {}", values.join(", ")))
            }
            Self::CollectionRenamed { .. }
            | Self::LinkAdded { .. }
            | Self::LinkRemoved { .. }
            | Self::OnDeleteChanged { .. }
            | Self::CheckRemoved { .. }
            | Self::IndexAdded { unique: false, .. }
            | Self::IndexRemoved { .. }
            | Self::BehaviourChanged { .. }
            | Self::ApplicationChanged => None,
        }
    }
}
