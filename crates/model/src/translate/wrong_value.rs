//! Values of another type than the argument of a directive takes.

use apollo_compiler::Name;

use super::Translation;
use crate::Diagnostic;
use crate::source::Span;

impl Translation<'_> {
    /// A number as the `keep:` of a directive.
    pub(super) fn without_unit(&self, covered: &str, span: Option<Span>) -> Option<Diagnostic> {
        let (days, span) = (covered.parse::<u32>().ok()?, span?);
        let before = self.places.sources.text(Span { start: 0, end: span.start, ..span });
        before.trim_end().strip_suffix(':')?.trim_end().strip_suffix("keep")?;
        let help = format!("write it with its unit, in quotes: `\"{days}d\"` for days");
        Some(Diagnostic::error("expected a length of time, found a number").help(help))
    }

    /// A value of another kind than the argument takes.
    pub(super) fn wrong_value(&self, message: &str, covered: &str) -> Diagnostic {
        let words = message.strip_prefix("expected value of type ").and_then(|rest| rest.split_once(", found "));
        let Some((ty, found)) = words else {
            return Diagnostic::error(message).help("write a value of the type that is expected");
        };
        let ty = ty.trim_end_matches('!');
        if let Some(of) = self.schema.get_enum(ty) {
            let words: Vec<&str> = of.values.keys().map(Name::as_str).collect();
            let help = match words.iter().find(|word| covered.trim_matches('"').eq_ignore_ascii_case(word)) {
                Some(word) => format!("write `{word}` without quotes"),
                None => format!("write one of {}", words.join(", ")),
            };
            return Diagnostic::error(format!("expected an unquoted name, found {found}")).help(help);
        }
        let found = found.replace("an enum", "an unquoted name").replace("an input object", "an object");
        let quoted = covered.trim_matches('"');
        let (expected, help) = match ty {
            "String" => (
                "a string",
                match &*found {
                    "an unquoted name" | "a boolean" | "an integer" | "a float" => {
                        format!("write it in quotes: `\"{covered}\"`")
                    }
                    "a list" => "write one string, such as `\"a && b\"`".to_owned(),
                    _ => "write a string between double quotes".to_owned(),
                },
            ),
            "Int" if quoted.parse::<u32>().is_ok() => ("a whole number", format!("write `{quoted}` without quotes")),
            "Int" => ("a whole number", "write a whole number, such as `80`".to_owned()),
            "Boolean" if matches!(quoted, "true" | "false") => {
                ("true or false", format!("write `{quoted}` without quotes"))
            }
            "Boolean" => ("true or false", "write `true` or `false`".to_owned()),
            "BackstayBind" | "[BackstayBind!]" => {
                ("objects with `name` and `to`", "write a list such as `[{name: \"Person\", to: \"User\"}]`".to_owned())
            }
            "BackstayFieldValue" | "[BackstayFieldValue!]" => (
                "objects with `field` and `to`",
                "write a list such as `[{field: \"publishedAt\", to: \"now\"}]`".to_owned(),
            ),
            _ if found == "an unquoted name" => ("a list of strings", format!("write it in quotes: `[\"{covered}\"]`")),
            _ => ("a list of strings", "write strings between square brackets, such as `[\"title\"]`".to_owned()),
        };
        Diagnostic::error(format!("expected {expected}, found {found}")).help(help)
    }
}
