//! Defaults of columns as those of fields.

use std::fmt::Write as _;

use super::draft::FieldType;

/// `@default` for the expression of a column's default, if the model has it.
pub(super) fn directive(expression: &str, kind: &FieldType) -> Option<String> {
    match kind {
        FieldType::Standard | FieldType::Record(_) => None,
        FieldType::Line | FieldType::Long => literal(expression).map(|text| to(&string(&text))),
        FieldType::Plain(ty) => match (ty.as_str(), expression) {
            ("DateTime", "now()" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "transaction_timestamp()") => {
                Some("@default(from: \"now\")".to_owned())
            }
            ("Date", "CURRENT_DATE") => Some("@default(from: \"today('UTC')\")".to_owned()),
            ("Boolean", "true" | "false") => Some(to(expression)),
            ("Int" | "Float" | "Decimal", _) => number(expression).map(|number| to(&number)),
            ("Date", _) => literal(expression).map(|day| to(&string(&day))),
            ("JSON", _) => {
                literal(expression).filter(|text| matches!(text.as_str(), "{}" | "[]")).map(|text| to(&text))
            }
            ("ID" | "Bytes" | "DateTime" | "Boolean", _) => None,
            // An enum's.
            (_, _) => literal(expression).map(|value| to(&value)),
        },
    }
}

fn to(value: &str) -> String {
    format!("@default(to: {value})")
}

/// A text as GraphQL writes it.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => {
                // Writing into a text can't fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// The text in `'text'::type`.
fn literal(expression: &str) -> Option<String> {
    let rest = expression.strip_prefix('\'')?;
    let mut text = String::new();
    let mut letters = rest.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != '\'' {
            text.push(letter);
        } else if letters.peek().is_some_and(|(_, next)| *next == '\'') {
            text.push('\'');
            letters.next();
        } else {
            let rest = &rest[at + 1..];
            let is_type = |c: char| c.is_ascii_alphanumeric() || " _.\"()[],".contains(c);
            let is_cast = rest.strip_prefix("::").is_some_and(|ty| ty.chars().all(is_type));
            return (rest.is_empty() || is_cast).then_some(text);
        }
    }
    None
}

/// The number in `4.99`, `'-1'::integer` or `(0)::numeric`.
fn number(expression: &str) -> Option<String> {
    let plain = literal(expression).unwrap_or_else(|| expression.to_owned());
    let plain = plain.split("::").next()?.trim_matches(['(', ')', ' ']).to_owned();
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    let is_number =
        digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    is_number.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_columns() {
        let check = |expression: &str, ty: &str, expected: Option<&str>| {
            let kind = if ty.is_empty() { FieldType::Line } else { FieldType::Plain(ty.to_owned()) };
            assert_eq!(directive(expression, &kind).as_deref(), expected, "{expression}");
        };
        check("'it''s \"new\"'::text", "", Some("@default(to: \"it's \\\"new\\\"\")"));
        check("('a'::text || 'b'::text)", "", None);
        check("'a'::text || 'b'::text", "", None);
        check("now()", "DateTime", Some("@default(from: \"now\")"));
        check("CURRENT_DATE", "Date", Some("@default(from: \"today('UTC')\")"));
        check("'2020-01-31'::date", "Date", Some("@default(to: \"2020-01-31\")"));
        check("4.99", "Decimal", Some("@default(to: 4.99)"));
        check("'-1'::integer", "Int", Some("@default(to: -1)"));
        check("(0)::numeric", "Decimal", Some("@default(to: 0)"));
        check("nextval('a_seq'::regclass)", "Int", None);
        check("true", "Boolean", Some("@default(to: true)"));
        check("'{}'::jsonb", "JSON", Some("@default(to: {})"));
        check("'QUAY'::berth_kind", "BerthKind", Some("@default(to: QUAY)"));
        check("gen_random_uuid()", "ID", None);
    }
}
