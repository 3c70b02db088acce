use backstay_base::ViolationKind;
use backstay_model::{Collection, Field};

/// A name that was sent, short enough to repeat in an answer.
pub fn shorten(name: &str) -> String {
    const CHARS: usize = 60;
    match name.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// A name that does not exist.
pub fn unknown(what: &'static str, name: &str, suggestion: Option<&str>) -> ViolationKind {
    ViolationKind::Unknown { what, name: shorten(name), suggestion: suggestion.map(str::to_owned) }
}

/// The field of this name. A secret can't be named.
pub(crate) fn field_named<'c>(collection: &'c Collection, name: &str) -> Result<&'c Field, ViolationKind> {
    let field = collection.field_named(name).filter(|field| field.is_readable());
    field.ok_or_else(|| unknown_field(collection, name))
}

/// The error for an unknown field: it names the one that was probably meant.
pub(crate) fn unknown_field(collection: &Collection, name: &str) -> ViolationKind {
    let open = collection.fields.iter().filter(|field| field.is_readable());
    unknown("field", name, backstay_base::nearest(name, open.map(|field| field.name.as_str())))
}
