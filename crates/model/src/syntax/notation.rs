//! Directives, values of enums and definitions in the notation of other systems.

use super::tokens::is_name;
use super::{KEYWORDS, Mistake};
use crate::{Diagnostic, foreign};

impl Mistake<'_> {
    pub(super) fn of_other_notations(&self, parser_message: &str) -> Option<Diagnostic> {
        let of_directives = self.doubled_sign().or_else(|| self.dotted_directive()).or_else(|| self.inner_directive());
        let of_blocks = of_directives.or_else(|| self.enum_value(parser_message));
        of_blocks.or_else(|| self.empty_brackets()).or_else(|| self.definition())
    }

    /// `@@unique([title])`
    fn doubled_sign(&self) -> Option<Diagnostic> {
        if !(self.after(0) == "@" && self.before_is(1, "@")) {
            return None;
        }
        let name = self.after(1);
        let help = match name {
            "unique" | "index" => format!("write `@{name}(fields: [\"…\"])` before the `{{` of the type"),
            _ => foreign::instead_of_directive(name).map_or_else(|| format!("write `@{name}`"), str::to_owned),
        };
        Some(self.here(format!("`@@{name}` is not a directive; write a single `@`"), "a second `@`", help))
    }

    /// `@db.VarChar(255)`
    fn dotted_directive(&self) -> Option<Diagnostic> {
        let name = self.before(1).filter(|name| is_name(name.text) && self.before_is(2, "@"))?;
        let help = "remove it; the type of the field decides how it is stored";
        let message = format!("`@{}.{}` is not a directive", name.text, self.after(1));
        (self.after(0) == ".").then(|| self.here(message, "a name has no `.`", help))
    }

    /// A directive of a type, within its braces.
    fn inner_directive(&self) -> Option<Diagnostic> {
        let name = self.after(1);
        let message = format!("`@{name}` is inside the braces, before the first field");
        let is_inner = self.after(0) == "@" && self.before_is(1, "{") && self.open.len() == 1;
        is_inner.then(|| self.here(message, "a directive without a field", "write it before `{`"))
    }

    /// Values of an enum as texts, or with a value of their own.
    fn enum_value(&self, parser_message: &str) -> Option<Diagnostic> {
        let brace = self.open.last().filter(|bracket| bracket.text == "{")?;
        let head = self.tokens.iter().take_while(|token| token.start < brace.start);
        if head.filter(|token| KEYWORDS.contains(&token.text)).last()?.text != "enum" {
            return None;
        }
        let is_text = |text: &str| text.starts_with('"');
        let before = self.before(1)?;
        match self.after(0) {
            found
                if parser_message.contains("Enum Value")
                    && (is_text(found) || (found == "}" && is_text(before.text))) =>
            {
                let value = if is_text(found) { found } else { before.text }.trim_matches('"');
                let help = format!("write `{value}` without quotes");
                Some(self.here("a value of an enum has no quotes", "a description without a value", help))
            }
            found @ ("=" | ":") if is_name(before.text) => {
                let help = format!("write `{}` alone: it is stored and sent by its name", before.text);
                Some(self.here(format!("unexpected `{found}`: a value of an enum is a name"), "after the name", help))
            }
            _ => None,
        }
    }

    /// A type within another one.
    pub(super) fn nested_type(&self) -> Option<Diagnostic> {
        let name = self.after(0);
        let is_nested =
            self.before_is(1, "type") && self.open.len() == 1 && is_name(name) && matches!(self.after(1), "{" | "@");
        let help = format!("move `type {name}` out of the braces, and refer to it in a field such as `field: {name}`");
        is_nested.then(|| self.here("a type can't be declared inside another one", "this type", help))
    }

    /// `@allow()`
    fn empty_brackets(&self) -> Option<Diagnostic> {
        let name = self.before(2).filter(|name| is_name(name.text) && self.before_is(3, "@"))?;
        let message = format!("the brackets of `@{}` are empty", name.text);
        let is_empty = self.after(0) == ")" && self.before_is(1, "(");
        is_empty.then(|| self.here(message, "nothing in them", "write its arguments, or remove the brackets"))
    }

    /// Words between definitions.
    fn definition(&self) -> Option<Diagnostic> {
        if !self.open.is_empty() {
            return None;
        }
        let (found, next) = (self.after(0), self.after(1));
        let (message, help) = match found {
            "implements" if self.before_is(1, ")") || self.before_is(2, "@") => (
                "`implements` comes after a directive".to_owned(),
                format!("write `implements {next}` before the directives"),
            ),
            _ if self.before_is(2, "implements") && is_name(found) && matches!(next, "{" | "@") => (
                "two interfaces are joined with `&`".to_owned(),
                format!("write `implements {} & {found}`", self.before(1).map_or("", |name| name.text)),
            ),
            "extends" | "inherits" => (
                format!("`{found}` does not continue a type"),
                "a type shares the fields of an interface: write `interface …`, and `implements …` after the type's name"
                    .to_owned(),
            ),
            "extend" if is_name(next) && !KEYWORDS.contains(&next) => (format!("`extend {next}` does not say what is extended"), format!("write `extend type {next}`")),
            "import" | "include" | "require" => (
                format!("`{found}` does not begin a definition"),
                "remove it; all files in `model/` belong to the model".to_owned(),
            ),
            _ => return None,
        };
        Some(self.here(message, "here", help))
    }
}
