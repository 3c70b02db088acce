use std::fmt;

use super::{Difference, Filled, TypeChange};

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CollectionAdded { collection } => write!(f, "{collection} is new"),
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
            Self::RequiredTightened { collection, field } => {
                write!(f, "{collection}.{field} is now required; records without a value would be refused")
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
            Self::OnDeleteChanged { collection, field } => {
                write!(f, "something else happens when the record that {collection}.{field} refers to is deleted")
            }
            Self::LinkAdded { collection, field, table } => {
                write!(f, "{collection}.{field} gets the new link table {table}")
            }
            Self::LinkRemoved { collection, field, table } => {
                write!(f, "the link table {table} of {collection}.{field} is gone; its links would be deleted")
            }
            Self::IndexAdded { collection, index, unique: true } => {
                write!(f, "{collection} gets the unique index {index}; this fails if stored records share values")
            }
            Self::IndexAdded { collection, index, unique: false } => {
                write!(f, "{collection} gets the index {index}")
            }
            Self::IndexRemoved { collection, index, unique } => {
                let kind = if *unique { "unique index" } else { "index" };
                write!(f, "{collection} loses the {kind} {index}")
            }
            Self::EnumValuesAdded { name, values } => write!(f, "{name} has new values: {}", values.join(", ")),
            Self::EnumValuesRemoved { name, values } => {
                write!(f, "{name} has lost values that records may hold: {}", values.join(", "))
            }
            Self::BehaviourChanged { collection } => {
                write!(f, "{collection} has other rules, checks, defaults or descriptions; no record changes")
            }
            Self::ApplicationChanged => {
                write!(f, "the application has another name, other named rules, roles or states; no record changes")
            }
        }
    }
}

fn filled_words(filled: Filled) -> &'static str {
    match filled {
        Filled::NotStored => "it has no column",
        Filled::Null => "it is null in stored records",
        Filled::Default => "stored records get its default",
        Filled::Missing => "it is required and has no default, so that stored records have no value for it",
    }
}

fn change_words(change: TypeChange) -> &'static str {
    match change {
        TypeChange::NotStored => "it has no column",
        TypeChange::Widened => "every stored value is a value of the new type",
        TypeChange::Converted => "stored values would have to be converted",
    }
}
