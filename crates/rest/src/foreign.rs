//! Words of other systems in bodies, and what to write instead.

use backstay_base::ViolationKind;
use backstay_model::{Collection, Field, FieldId, FieldKind};
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
    if form == Form::Patch {
        let more = name.strip_suffix('+').or_else(|| name.strip_prefix('+')).and_then(known);
        let less = || name.strip_suffix('-').and_then(known);
        if let Some(change) = more.and_then(|field| changed(field, "+", raw)).or_else(|| changed(less()?, "-", raw)) {
            return Some(format!("write `{change}`"));
        }
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
            let in_field = match name {
                "$unset" => known(field).map(|field| format!("{{\"{}\": null}}", field.own_name())),
                "$push" | "$addToSet" => known(field).and_then(|field| changed(field, "+", operand.get())),
                "$pull" | "$pullAll" => known(field).and_then(|field| changed(field, "-", operand.get())),
                _ => None,
            };
            if let Some(change) = in_field {
                return Some(format!("write `{change}`"));
            }
            let (field, name, operand) = (shorten(field), shorten(name), shorten(operand.get()));
            Some(format!("write the operator in the field: `{{\"{field}\": {{\"{name}\": {operand}}}}}`"))
        }
        (Role::Record | Role::Key | Role::Child(_), _) => None,
    }
}

/// A patch that adds this to what a field holds (`+`) or takes it away (`-`).
fn changed(field: &Field, sign: &str, raw: &str) -> Option<String> {
    let (name, operand) = (field.own_name(), shorten(raw));
    let items = || if raw.starts_with('[') { operand.clone() } else { format!("[{operand}]") };
    let operator = match (&field.kind, sign) {
        (FieldKind::List(_), "+") => "$append",
        (FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. }, "+") => "$add",
        (FieldKind::List(_) | FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. }, _) => "$remove",
        (FieldKind::Scalar(scalar), sign) if is_number(*scalar) => {
            let less = if sign == "-" { "-" } else { "" };
            return Some(format!("{{\"{name}\": {{\"$inc\": {less}{operand}}}}}"));
        }
        (_, _) => return None,
    };
    Some(format!("{{\"{name}\": {{\"{operator}\": {}}}}}", items()))
}

fn is_number(scalar: Scalar) -> bool {
    matches!(scalar, Scalar::Int | Scalar::Float | Scalar::Decimal { .. } | Scalar::Money | Scalar::Duration)
}

/// What a relation to many records is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Listed {
    /// The records themselves.
    Children,
    /// Ids.
    Links,
}

/// What to write instead of another system's operator on the records that a relation lists, or on its links.
pub(crate) fn of_many(listed: Listed, name: &str) -> Option<String> {
    let plain = name.trim_start_matches('$').to_ascii_lowercase();
    Some(match (&*plain, listed) {
        ("create" | "createmany" | "insert" | "data" | "add" | "push" | "append" | "addtoset", Listed::Children) => {
            "write `{\"$add\": [{…}]}`".to_owned()
        }
        ("create" | "createmany" | "connectorcreate" | "insert", Listed::Links) => {
            "create the records first, and write `{\"$add\": [ids]}`".to_owned()
        }
        ("connect" | "add" | "push" | "append" | "addtoset", Listed::Links) => "write `{\"$add\": [ids]}`".to_owned(),
        ("connect" | "connectorcreate", Listed::Children) => {
            "write `{\"$add\": [{…}]}`, or set the relation in the record itself".to_owned()
        }
        ("disconnect" | "delete" | "deletemany" | "remove" | "pull" | "pullall", _) => {
            "write `{\"$remove\": [ids]}`".to_owned()
        }
        ("update" | "updatemany" | "upsert" | "change", Listed::Children) => {
            "write `{\"$change\": [{\"id\": …, …}]}`".to_owned()
        }
        ("set" | "replace", Listed::Children) => "write `{\"$set\": [{…}]}`".to_owned(),
        ("set" | "replace", Listed::Links) => "write `{\"$set\": [ids]}`".to_owned(),
        (_, _) => return None,
    })
}

/// What to write instead of an object such as `{"push": "x"}` for a list.
pub(crate) fn list_operator(form: Form, raw: &str) -> Option<String> {
    let members = backstay_scalar::members(raw).ok().filter(|_| form == Form::Patch)?;
    let [(name, operand)] = &members[..] else { return None };
    let operand = operand.get();
    let items = if operand.starts_with('[') { shorten(operand) } else { format!("[{}]", shorten(operand)) };
    Some(match &**name {
        "push" | "append" | "add" | "concat" => format!("write `{{\"$append\": {items}}}`"),
        "pull" | "remove" => format!("write `{{\"$remove\": {items}}}`"),
        "set" => "send the array itself".to_owned(),
        _ => return None,
    })
}

/// What to write instead of an object such as `{"increment": 1}` for a number.
pub(crate) fn operator(form: Form, field: &Field, raw: &str) -> Option<String> {
    if form != Form::Patch || !field.kind.scalar().is_some_and(is_number) || !raw.starts_with('{') {
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
