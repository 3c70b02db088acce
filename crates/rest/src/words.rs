use backstay_base::ViolationKind;
use backstay_model::{Collection, Field, FieldId, Interface};

pub use backstay_engine::shorten;

/// A name that does not exist.
pub fn unknown(what: &'static str, name: &str, suggestion: Option<&str>) -> ViolationKind {
    ViolationKind::Unknown { what, name: shorten(name), suggestion: suggestion.map(str::to_owned) }
}

/// The field of this name, or the member of an embedded value at this path (`address.city`). A secret can't be named.
pub(crate) fn field_named<'c>(collection: &'c Collection, name: &str) -> Result<&'c Field, ViolationKind> {
    let field = collection.field_named(name).filter(|field| field.is_readable());
    field.ok_or_else(|| unknown_at_path(collection, name))
}

/// The same of a member of a record's object, or of that of the embedded value which this field holds.
pub(crate) fn member_named<'c>(
    collection: &'c Collection,
    within: Option<FieldId>,
    name: &str,
) -> Result<&'c Field, ViolationKind> {
    let field = collection.member_named(within, name).filter(|field| field.is_readable());
    field.ok_or_else(|| unknown_field(collection, within, name))
}

/// Refuses a field that isn't shared by the types of an interface.
pub(crate) fn not_shared(interface: &Interface, field: &Field) -> Result<(), ViolationKind> {
    if interface.shares(&field.name) {
        return Ok(());
    }
    let names = interface.fields.iter().map(String::as_str);
    Err(unknown("field", &field.name, backstay_base::nearest(&field.name, names)))
}

/// The error for an unknown member of an object: it names the one that was probably meant.
pub(crate) fn unknown_field(collection: &Collection, within: Option<FieldId>, name: &str) -> ViolationKind {
    let open = collection.members(within).filter(|field| field.is_readable());
    unknown("field", name, backstay_base::nearest(name, open.map(Field::own_name)))
}

/// The error for a path that leads to no field.
fn unknown_at_path(collection: &Collection, name: &str) -> ViolationKind {
    let open = collection.fields.iter().filter(|field| field.is_readable());
    let open = open.filter(|field| field.within.is_none() || name.contains('.'));
    unknown("field", name, backstay_base::nearest(name, open.map(|field| field.name.as_str())))
}

/// What is wrong with the word of another system for how many records a relation leads to.
pub(crate) fn count_elsewhere(collection: &Collection, name: &str) -> Option<ViolationKind> {
    let known = name == "_count" || name.strip_suffix("_count").is_some_and(|relation| to_many(collection, relation));
    let counted = collection.fields.iter().find(|field| field.kind.is_to_many() && field.is_readable())?;
    let relation = name.strip_suffix("_count").filter(|name| !name.is_empty()).unwrap_or(counted.own_name());
    let remedy =
        format!("write {relation}:count for what a relation leads to; `count=true` counts the records of a list");
    known.then(|| ViolationKind::Misused { problem: format!("unknown field `{}`", shorten(name)), remedy })
}

fn to_many(collection: &Collection, name: &str) -> bool {
    collection.field_named(name).is_some_and(|field| field.kind.is_to_many() && field.is_readable())
}
