//! Words of other systems in bodies, and what to write instead.

use backstay_base::ViolationKind;
use backstay_model::{Collection, Field, FieldId};
use backstay_scalar::Scalar;

use crate::form::Form;
use crate::words::shorten;

/// What an object stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    /// A record that a request is about, or a value within it.
    Record,
    /// A record that is sent with the one that this field refers to.
    Child(FieldId),
    /// A record that a relation names by a unique key.
    Key,
}

/// An unknown member of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'m> {
    pub(crate) name: &'m str,
    pub(crate) raw: &'m str,
    /// It is the only one.
    pub(crate) alone: bool,
}

/// What to write instead of an unknown member of a record, or of the embedded value that a field of it holds.
pub(crate) fn member(
    (collection, within): (&Collection, Option<FieldId>),
    (form, role): (Form, Role),
    sent: Member<'_>,
) -> Option<ViolationKind> {
    let remedy = remedy((collection, within), (form, role), sent)?;
    Some(ViolationKind::Misused { problem: format!("unknown field `{}`", shorten(sent.name)), remedy })
}

fn remedy(
    (collection, within): (&Collection, Option<FieldId>),
    (form, role): (Form, Role),
    Member { name, raw, alone }: Member<'_>,
) -> Option<String> {
    let known = |name: &str| collection.member_named(within, name).filter(|field| field.is_readable());
    let is_nested = raw.starts_with(['{', '[']);
    let base = name.strip_suffix("_attributes").or_else(|| name.strip_suffix("Attributes"));
    if let Some(field) = base.and_then(known) {
        return Some(format!("write `{}`", field.own_name()));
    }
    if let Some(field) = name.strip_suffix('+').and_then(known).filter(|_| form == Form::Patch) {
        return Some(format!("write `{{\"{}\": {{\"$inc\": {}}}}}`", field.own_name(), shorten(raw)));
    }
    match (role, name) {
        (Role::Key, "connect" | "connectOrCreate" | "create") => Some(match collection.keys().first() {
            Some(key) => {
                let members = key.iter().map(|field| format!("\"{}\": …", collection.field(*field).name));
                format!("write the key itself: `{{{}}}`", members.collect::<Vec<_>>().join(", "))
            }
            None => "write the id itself".to_owned(),
        }),
        (Role::Child(_), "create") => Some("send its fields themselves".to_owned()),
        (Role::Child(via), "connect" | "connectOrCreate") => {
            Some(format!("send its fields, or set `{}` of the {}", collection.field(via).name, collection.name))
        }
        (Role::Child(_), "_destroy") => Some("list its id in `$remove`".to_owned()),
        (Role::Record | Role::Child(_), "data" | "objects" | "attributes" | "record") if alone && is_nested => {
            Some("send the fields themselves".to_owned())
        }
        (Role::Record | Role::Child(_), "$set") => Some("send the fields themselves".to_owned()),
        (Role::Record | Role::Child(_), name) if name.starts_with('$') && raw.starts_with('{') => {
            if form != Form::Patch {
                return Some("send the values themselves".to_owned());
            }
            let members = backstay_scalar::members(raw).ok()?;
            let (field, operand) = members.first()?;
            let (field, name, operand) = (shorten(field), shorten(name), shorten(operand.get()));
            Some(format!("write the operator in the field: `{{\"{field}\": {{\"{name}\": {operand}}}}}`"))
        }
        (Role::Record | Role::Key | Role::Child(_), _) => None,
    }
}

/// What to write instead of an object such as `{"increment": 1}` for a number.
pub(crate) fn operator(form: Form, field: &Field, raw: &str) -> Option<String> {
    let is_number = matches!(
        field.kind.scalar(),
        Some(Scalar::Int | Scalar::Float | Scalar::Decimal { .. } | Scalar::Money | Scalar::Duration)
    );
    if form != Form::Patch || !is_number || !raw.starts_with('{') {
        return None;
    }
    let members = backstay_scalar::members(raw).ok()?;
    let [(name, operand)] = &members[..] else { return None };
    let operand = shorten(operand.get());
    Some(match &**name {
        "inc" | "incr" | "increment" | "add" | "plus" => format!("write `{{\"$inc\": {operand}}}`"),
        "dec" | "decr" | "decrement" | "subtract" | "minus" => "write `$inc` with a negative number".to_owned(),
        "mul" | "multiply" | "times" => format!("write `{{\"$mul\": {operand}}}`"),
        "set" => "send the value itself".to_owned(),
        _ => return None,
    })
}
