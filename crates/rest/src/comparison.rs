//! Comparisons that are written as in other APIs: what to write instead.

use backstay_model::{Collection, Field};

/// How other APIs write an operator after the name of a field, and ours; the longer ones first.
const OPERATORS: &[(&[&str], &str)] = &[
    (&[">=", "gte", "ge", "after"], ">="),
    (&["<=", "lte", "le", "before"], "<="),
    (&["!=", "<>", "neq", "ne", "not"], "!="),
    (&[">", "gt"], ">"),
    (&["<", "lt"], "<"),
    (&["icontains", "contains", "ilike", "like", "~"], "contains"),
    (&["istartswith", "startswith", "starts_with"], "startsWith"),
    (&["iendswith", "endswith", "ends_with"], "endsWith"),
    (&["isnull", "is_null", "null"], "null"),
    (&["in"], "in"),
    (&["exact", "iexact", "equals", "eq"], "=="),
];

/// What to write instead of a parameter whose name is a comparison, such as `words>`, `words[gt]`, `words__gt`,
/// `filter[words][_gt]` or `author.name`.
pub(crate) fn remedy(collection: &Collection, name: &str) -> Option<String> {
    let of_filter = name.strip_prefix("filter[").or_else(|| name.strip_prefix("where["));
    if let Some(field) = of_filter.and_then(|field| collection.field_named(field.strip_suffix(']')?)) {
        return Some(format!("write `{}=…`", field.name));
    }
    let name = of_filter.unwrap_or(name);
    if let Some((relation, path)) = name.split_once('.')
        && collection.field_named(relation).is_some_and(|field| field.kind.target().is_some())
    {
        return Some(format!("write `filter={relation}.{path} == $value` and `$value=…`"));
    }
    // The longest name that a field has: `published` and `publishedAt` can both be fields.
    let fields = collection.fields.iter().filter(|field| name.starts_with(field.name.as_str()));
    let field = fields.max_by_key(|field| field.name.len())?;
    let rest = &name[field.name.len()..];
    if rest.is_empty() || rest.starts_with(|next: char| next.is_ascii_alphanumeric()) {
        return None;
    }
    let word = rest.trim_matches(['[', ']', '_', '.', ':', '(', ')', ' ', '$']);
    let signs = leading_signs(word);
    Some(instead(field, operator(if signs.is_empty() { word } else { signs })?))
}

/// What to write instead of a value that begins with an operator, such as `>300` or `gt.300`.
pub(crate) fn remedy_of_value(field: &Field, value: &str) -> Option<String> {
    if value == "null" {
        return Some(instead(field, "null"));
    }
    let signs = leading_signs(value);
    let word = if signs.is_empty() { value.split_once('.')?.0 } else { signs };
    Some(instead(field, operator(word)?))
}

/// What to write instead of an object such as `{"_gt": 5}` or `{"contains": "x"}`.
pub(crate) fn remedy_of_object(field: &Field, json: &str) -> Option<String> {
    let members = backstay_scalar::members(json).ok()?;
    let (word, _) = members.first()?;
    let name = &field.name;
    let condition = match operator(word.trim_start_matches(['_', '$']))? {
        "null" => format!("{name} == null"),
        "in" => format!("{name} in $values"),
        of_text @ ("contains" | "startsWith" | "endsWith") => format!("{name}.{of_text}($value)"),
        operator => format!("{name} {operator} $value"),
    };
    Some(format!("write `\"filter\": \"{condition}\"`, with the values of its parameters in `params`"))
}

/// What to write instead of several values, such as `DRAFT,REVIEW`.
pub(crate) fn remedy_of_values(field: &Field) -> String {
    instead(field, "in")
}

fn leading_signs(text: &str) -> &str {
    &text[..text.find(|next: char| !"<>=!~".contains(next)).unwrap_or(text.len())]
}

fn operator(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    OPERATORS.iter().find(|(names, _)| names.contains(&&*text)).map(|(_, ours)| *ours)
}

fn instead(field: &Field, operator: &str) -> String {
    let name = &field.name;
    match operator {
        "null" => format!("write `filter={name} == null` or `filter={name} != null`"),
        "in" => format!("write `filter={name} in $values` and `$values=…,…`"),
        "contains" | "startsWith" | "endsWith" => {
            format!("write `filter={name}.{operator}($value)` and `$value=…`")
        }
        "==" => format!("write `{name}=…`"),
        operator => format!("write `filter={name} {operator} $value` and `$value=…`"),
    }
}
