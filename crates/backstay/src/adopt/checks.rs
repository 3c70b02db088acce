//! Checks of the database as rules, as far as both mean the same: comparisons, lists of values, `IS NULL`, lengths, sums and
//! differences, and what `AND`, `OR` and `NOT` make of them. Both pass where they are unknown.

use super::draft::{DraftField, FieldType};

/// The rule that a check of a table with these fields is, or of a domain whose only field this is.
pub(super) fn rule(expression: &str, fields: &[DraftField]) -> Option<String> {
    let mut parser = Parser { tokens: tokens(expression)?, at: 0, fields };
    let rule = parser.disjunction()?;
    (parser.at == parser.tokens.len() && rule.is_truth).then_some(rule.text)
}

/// A text as rules write it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

const SIGNS: [&str; 18] =
    ["::", "<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", "+", "-", "*", ".", ";"];

fn tokens(expression: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '\'' | '"' => delimited(rest, first)?,
            '0'..='9' => {
                let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                (Token::Number(rest[..length].to_owned()), length)
            }
            first if first.is_ascii_alphabetic() || first == '_' => {
                let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                (Token::Name(rest[..length].to_owned()), length)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
                (Token::Sign(sign), sign.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// A text or a name between two of these, which are doubled within it.
fn delimited(rest: &str, delimiter: char) -> Option<(Token, usize)> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != delimiter {
            text.push(letter);
        } else if letters.peek().is_some_and(|(_, next)| *next == delimiter) {
            text.push(letter);
            letters.next();
        } else {
            let token = if delimiter == '"' { Token::Name(text) } else { Token::Text(text) };
            return Some((token, at + 1));
        }
    }
    None
}

/// A part of a rule.
#[derive(Debug, Clone)]
struct Part {
    text: String,
    is_truth: bool,
    /// Whether it is a text, in whose order the two differ.
    is_text: bool,
    /// Whether it stands for itself, so that a conversion changes nothing.
    is_literal: bool,
}

impl Part {
    fn value(text: String) -> Self {
        Self { text, is_truth: false, is_text: false, is_literal: false }
    }

    fn truth(text: String) -> Self {
        Self { is_truth: true, ..Self::value(text) }
    }
}

/// What follows a value.
enum Conversion {
    Nothing,
    /// `::type`.
    To(String),
}

struct Parser<'f> {
    tokens: Vec<Token>,
    at: usize,
    fields: &'f [DraftField],
}

impl Parser<'_> {
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Name(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn disjunction(&mut self) -> Option<Part> {
        self.joined("OR", "||", Self::conjunction)
    }

    fn conjunction(&mut self) -> Option<Part> {
        self.joined("AND", "&&", Self::negation)
    }

    fn joined(&mut self, word: &str, sign: &str, part: impl Fn(&mut Self) -> Option<Part>) -> Option<Part> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.word(word) {
            parts.push(part(self)?);
        }
        if parts.len() == 1 {
            return parts.pop();
        }
        let texts: Vec<String> = parts.iter().filter(|part| part.is_truth).map(|part| part.text.clone()).collect();
        (texts.len() == parts.len()).then(|| Part::truth(format!("({})", texts.join(&format!(" {sign} ")))))
    }

    fn negation(&mut self) -> Option<Part> {
        if self.word("NOT") {
            let part = self.negation().filter(|part| part.is_truth)?;
            return Some(Part::truth(format!("!({})", part.text)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Option<Part> {
        let left = self.sum()?;
        if self.word("IS") {
            let is_not = self.word("NOT");
            return self
                .word("NULL")
                .then(|| Part::truth(format!("{} {} null", left.text, if is_not { "!=" } else { "==" })));
        }
        for (sign, meaning) in
            [("=", "=="), ("<>", "!="), ("!=", "!="), ("<=", "<="), (">=", ">="), ("<", "<"), (">", ">")]
        {
            if self.sign(sign) {
                if sign == "=" && self.word("ANY") {
                    return self.list(&left);
                }
                let right = self.sum()?;
                // The database compares texts in its own order.
                let is_ordered = !matches!(meaning, "==" | "!=");
                let is_known = !(is_ordered && (left.is_text || right.is_text)) && !left.is_truth && !right.is_truth;
                return is_known.then(|| Part::truth(format!("{} {meaning} {}", left.text, right.text)));
            }
        }
        Some(left)
    }

    /// `= ANY (ARRAY['a'::text, 'b'::text])`, with conversions around.
    fn list(&mut self, left: &Part) -> Option<Part> {
        let mut open = 0;
        while self.sign("(") {
            open += 1;
        }
        if !(self.word("ARRAY") && self.sign("[")) {
            return None;
        }
        let mut values = vec![self.sum()?];
        while self.sign(",") {
            values.push(self.sum()?);
        }
        if !self.sign("]") || values.iter().any(|value| !value.is_literal) {
            return None;
        }
        self.conversion()?;
        for _ in 0..open {
            if !self.sign(")") {
                return None;
            }
            self.conversion()?;
        }
        let values: Vec<String> = values.into_iter().map(|value| value.text).collect();
        Some(Part::truth(format!("{} in [{}]", left.text, values.join(", "))))
    }

    fn sum(&mut self) -> Option<Part> {
        let mut left = self.converted()?;
        loop {
            let sign = ["+", "-", "*"].into_iter().find(|sign| self.sign(sign));
            let Some(sign) = sign else { return Some(left) };
            let right = self.converted()?;
            if left.is_text || right.is_text || left.is_truth || right.is_truth {
                return None;
            }
            // Nested ones are in brackets in what the database shows.
            left = Part::value(format!("({} {sign} {})", left.text, right.text));
        }
    }

    fn converted(&mut self) -> Option<Part> {
        let mut part = self.primary()?;
        while let Conversion::To(ty) = self.conversion()? {
            let is_harmless =
                part.is_literal || ["text", "character varying", "numeric", "bigint"].contains(&ty.as_str());
            if !is_harmless || part.is_truth {
                return None;
            }
            let is_text = ["text", "character varying"].contains(&ty.as_str());
            if is_text && !part.is_text {
                return None;
            }
            if part.is_text && part.is_literal && !is_text {
                // A number, a day or a value of an enum.
                let plain = part.text.trim_matches('\'').to_owned();
                let is_number = plain.parse::<f64>().is_ok() && !plain.starts_with(|c: char| c.is_alphabetic());
                part.text = if is_number { plain } else { part.text };
                part.is_text = false;
            }
        }
        Some(part)
    }

    /// `::type`, if there is one; fails where it isn't clear where that ends.
    fn conversion(&mut self) -> Option<Conversion> {
        if !self.sign("::") {
            return Some(Conversion::Nothing);
        }
        let mut words = Vec::new();
        while let Some(Token::Name(name)) = self.tokens.get(self.at) {
            if !words.is_empty() && ["AND", "OR", "IS"].iter().any(|word| name.eq_ignore_ascii_case(word)) {
                break;
            }
            words.push(name.clone());
            self.at += 1;
        }
        if self.sign("(") {
            while !self.sign(")") {
                self.tokens.get(self.at)?;
                self.at += 1;
            }
        }
        if self.sign("[") && !self.sign("]") {
            return None;
        }
        (!words.is_empty()).then(|| Conversion::To(words.join(" ")))
    }

    fn primary(&mut self) -> Option<Part> {
        if self.sign("(") {
            let part = self.disjunction()?;
            return self.sign(")").then_some(part);
        }
        if self.sign("-") {
            let part = self.primary().filter(|part| part.is_literal && !part.is_text)?;
            return Some(Part { text: format!("-{}", part.text), ..part });
        }
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        match token {
            Token::Number(number) => Some(Part { is_literal: true, ..Part::value(number) }),
            Token::Text(text) => Some(Part { is_literal: true, is_text: true, ..Part::value(quoted(&text)) }),
            // A column can have the name of a function.
            Token::Name(name) if self.sign("(") => {
                let is_length = ["char_length", "length", "character_length"].contains(&name.as_str());
                let part = is_length.then(|| self.sum()).flatten().filter(|part| part.is_text)?;
                self.sign(")").then(|| Part::value(format!("size({})", part.text)))
            }
            Token::Name(name) if name == "true" || name == "false" => {
                Some(Part { is_literal: true, ..Part::value(name) })
            }
            Token::Name(name) => self.field(&name),
            Token::Sign(_) => None,
        }
    }

    fn field(&self, name: &str) -> Option<Part> {
        let field = match name {
            "VALUE" => self.fields.first().filter(|_| self.fields.len() == 1)?,
            name => self.fields.iter().find(|field| field.column == name)?,
        };
        let text = format!("this.{}", field.name);
        match &field.kind {
            FieldType::Plain(ty) if ty == "Boolean" => Some(Part::truth(text)),
            FieldType::Plain(ty) if ty == "JSON" || ty == "Bytes" => None,
            FieldType::Plain(_) | FieldType::Standard => Some(Part::value(text)),
            FieldType::Line | FieldType::Long => Some(Part { is_text: true, ..Part::value(text) }),
            FieldType::Record(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<DraftField> {
        let field = |column: &str, name: &str, kind: FieldType| DraftField {
            column: column.to_owned(),
            name: name.to_owned(),
            kind,
            required: false,
            description: None,
            directives: Vec::new(),
            retyped: None,
            default: None,
        };
        let plain = |ty: &str| FieldType::Plain(ty.to_owned());
        vec![
            field("year_built", "yearBuilt", plain("Int")),
            field("price", "price", plain("Decimal")),
            field("from_day", "fromDay", plain("Date")),
            field("to_day", "toDay", plain("Date")),
            field("class", "class", FieldType::Line),
            field("Is Open", "isOpen", plain("Boolean")),
            field("length", "length", plain("Decimal")),
        ]
    }

    #[test]
    fn checks_become_rules() {
        let check = |expression: &str, expected: &str| {
            assert_eq!(rule(expression, &fields()).as_deref(), Some(expected), "{expression}");
        };
        check("((year_built >= 1850) AND (year_built <= 2100))", "(this.yearBuilt >= 1850 && this.yearBuilt <= 2100)");
        check("(price > (0)::numeric)", "this.price > 0");
        check("(price >= '-1'::numeric)", "this.price >= -1");
        check("(to_day >= from_day)", "this.toDay >= this.fromDay");
        check("(from_day > '2000-01-01'::date)", "this.fromDay > '2000-01-01'");
        check("(class = ANY (ARRAY['dry'::text, 'it''s'::text]))", "this.class in ['dry', 'it\\'s']");
        check(
            "((class)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            "this.class in ['a', 'b']",
        );
        check("(char_length((class)::text) >= 3)", "size(this.class) >= 3");
        check("((price IS NULL) OR (price <> 7.5))", "(this.price == null || this.price != 7.5)");
        check("(NOT \"Is Open\")", "!(this.isOpen)");
        check("(length > (0)::numeric)", "this.length > 0");
        check("(length(class) > 3)", "size(this.class) > 3");
        check("((price * (2)::numeric) > (1)::numeric)", "(this.price * 2) > 1");
    }

    #[test]
    fn other_checks_stay() {
        let check = |expression: &str| assert_eq!(rule(expression, &fields()), None, "{expression}");
        check("(class ~ '^[a-z]+$'::text)");
        check("(class > 'm'::text)");
        check("(lower(class) = class)");
        check("((price)::integer > 3)");
        check("((price / 2) > 3)");
        check("(missing > 3)");
        check("(price > now())");
        check("price");
        check("(price > 3");
    }

    #[test]
    fn a_check_of_a_domain_is_about_its_field() {
        assert_eq!(rule("(VALUE >= (0)::numeric)", &fields()[1..2]).as_deref(), Some("this.price >= 0"));
    }
}
