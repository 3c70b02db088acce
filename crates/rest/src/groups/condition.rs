//! Conditions on groups, in which functions of their records stand beside the names of values: `count > 1 && sum(words) > 1000`.

use std::borrow::Cow;
use std::ops::Range;

use backstay_engine::{AskedValue, FoldFunction};

use super::items::{Item, items};
use super::period::Period;
use super::problem::Problem;
use super::values::Written;

/// A condition whose functions are replaced by the names of values.
pub(super) struct Condition<'t> {
    text: &'t str,
    rewritten: Cow<'t, str>,
    replaced: Vec<Replaced>,
    compared: Vec<Compared<'t>>,
}

/// A function in the text, and the name that takes its place.
struct Replaced {
    was: Range<usize>,
    is: Range<usize>,
}

/// A value that only the condition asks for.
pub(super) struct Compared<'t> {
    name: String,
    written: Written<'t>,
    item: Item<'t>,
}

impl<'t> Condition<'t> {
    /// Of the groups with these keys and values.
    pub(super) fn read(
        text: &'t str,
        keys: &[(Item<'_>, Option<Period>)],
        values: &[(Item<'t>, Written<'t>)],
    ) -> Result<Self, Problem> {
        let mut condition = Self { text, rewritten: Cow::Borrowed(text), replaced: Vec::new(), compared: Vec::new() };
        let named = |name: &str| {
            keys.iter().any(|(item, _)| item.name.unwrap_or(item.text) == name)
                || values.iter().any(|(item, written)| name_of(item, written).as_deref() == Some(name))
        };
        let (mut rewritten, mut end) = (String::new(), 0);
        for was in functions(text) {
            let of = &text[was.clone()];
            if named(of) {
                continue;
            }
            let offset = text[..was.start].chars().count();
            let written = Written::read(of, offset)?;
            let known = values.iter().find(|(_, known)| known.fold() == written.fold());
            let name = match known.and_then(|(item, written)| name_of(item, written)) {
                Some(name) => name,
                None => condition.compare(written, Item { offset, name: None, text: of }, &named),
            };
            rewritten.push_str(&text[end..was.start]);
            let is = rewritten.len()..rewritten.len() + name.len();
            rewritten.push_str(&name);
            end = was.end;
            condition.replaced.push(Replaced { was, is });
        }
        if !condition.replaced.is_empty() {
            rewritten.push_str(&text[end..]);
            condition.rewritten = Cow::Owned(rewritten);
        }
        Ok(condition)
    }

    /// The name of a value that only this condition asks for.
    fn compare(&mut self, written: Written<'t>, item: Item<'t>, named: &dyn Fn(&str) -> bool) -> String {
        if let Some(known) = self.compared.iter().find(|known| known.written.fold() == written.fold()) {
            return known.name.clone();
        }
        let mut name = format!("compared{}", self.compared.len() + 1);
        while named(&name) {
            name.push('_');
        }
        self.compared.push(Compared { name: name.clone(), written, item });
        name
    }

    /// The values that only this condition asks for.
    pub(super) fn compared(&self) -> impl Iterator<Item = AskedValue<'_>> {
        self.compared.iter().map(|value| AskedValue { fold: value.written.fold(), name: Some(&value.name) })
    }

    /// What is written for one of these values.
    pub(super) fn written(&self, index: usize) -> (&Item<'t>, &Written<'t>) {
        let Compared { written, item, name: _ } = &self.compared[index];
        (item, written)
    }

    /// The condition by names alone.
    pub(super) fn text(&self) -> &str {
        &self.rewritten
    }

    /// How many characters of what was written are before this byte of the condition by names.
    pub(super) fn offset(&self, at: usize) -> usize {
        let before = self.replaced.iter().take_while(|replaced| replaced.is.start <= at).last();
        let at = match before {
            Some(Replaced { was, is }) if at < is.end => was.start,
            Some(Replaced { was, is }) => was.end + (at - is.end),
            None => at,
        };
        self.text.get(..at).map_or(0, |before| before.chars().count())
    }
}

/// The name under which a value is answered.
fn name_of(item: &Item<'_>, written: &Written<'_>) -> Option<String> {
    item.name.map(str::to_owned).or_else(|| written.fold().own_name())
}

/// Where functions of the records of a group are in a text, each of one term, and `count` alone.
fn functions(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some((start, first)) = text[at..].char_indices().map(|(after, char)| (at + after, char)).next() {
        at = match first {
            '\'' | '"' => end_of_quote(text, start),
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let end = end_of_name(text, start);
                let follows = text[..start].chars().next_back().is_some_and(|before| before == '.' || before == '$');
                let function = function(text, start..end).filter(|_| !follows);
                let until = function.as_ref().map_or(end, |function| function.end);
                found.extend(function);
                until
            }
            _ => start + first.len_utf8(),
        };
    }
    found
}

/// The function that begins with this name.
fn function(text: &str, name: Range<usize>) -> Option<Range<usize>> {
    let function = FoldFunction::ALL.into_iter().find(|function| function.name() == &text[name.clone()])?;
    let rest = &text[name.end..];
    let Some(inner) = rest.trim_start().strip_prefix('(') else {
        return (function == FoldFunction::Count).then_some(name);
    };
    let opened = text.len() - inner.len();
    let closed = end_of_parentheses(text, opened)?;
    let has_one_term = items(&text[opened..closed]).map_or(true, |terms| terms.len() == 1);
    has_one_term.then_some(name.start..closed + 1)
}

/// Where the parentheses close that open before this place.
fn end_of_parentheses(text: &str, opened: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, opened);
    while let Some(char) = text[at..].chars().next() {
        match char {
            '\'' | '"' => {
                at = end_of_quote(text, at);
                continue;
            }
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
        at += char.len_utf8();
    }
    None
}

/// The place after a text in quotes.
fn end_of_quote(text: &str, start: usize) -> usize {
    let (mut chars, mut escaped) = (text[start..].char_indices(), false);
    let quote = chars.next().map(|(_, quote)| quote);
    for (after, char) in chars {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if Some(char) == quote => return start + after + 1,
            _ => {}
        }
    }
    text.len()
}

fn end_of_name(text: &str, start: usize) -> usize {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    text[start..].find(|char| !is_part(char)).map_or(text.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::super::all;
    use super::*;

    #[test]
    fn functions_are_replaced_by_names() {
        let check = |select: &str, text: &str, expected: &str, compared: &[&str]| {
            let values = all(select, |item| Ok((item, Written::read(item.text, item.offset)?))).expect("values");
            let condition = Condition::read(text, &[], &values).expect("a condition");
            assert_eq!(condition.text(), expected, "{text}");
            let found: Vec<&str> = condition.compared.iter().map(|value| value.item.text).collect();
            assert_eq!(found, compared, "{text}");
        };
        check("count", "count > 3", "count > 3", &[]);
        check("n=count", "count > 3", "n > 3", &[]);
        check("sum(x)", "count > 3", "compared1 > 3", &["count"]);
        check("sum(x)", "sum(x) > 3", "sumX > 3", &[]);
        check("total=sum( x )", "sum(x) > 3 && sum ( x ) < 9", "total > 3 && total < 9", &[]);
        check(
            "count",
            "sum(x) > 3 || sum(x) < max(y)",
            "compared1 > 3 || compared1 < compared2",
            &["sum(x)", "max(y)"],
        );
        check("count", "count(state == ')(') > 3", "compared1 > 3", &["count(state == ')(')"]);
        check("count", "name == 'sum(x)' && a.count > 1", "name == 'sum(x)' && a.count > 1", &[]);
        check("compared1=count", "max(y) > 1", "compared1_ > 1", &["max(y)"]);
        check("count", "max(a, b) > 1", "max(a, b) > 1", &[]);
        check("count", "sum(x", "sum(x", &[]);
    }

    #[test]
    fn places_are_those_of_what_was_written() {
        let condition = Condition::read("ü == sum(words) + b", &[], &[]).expect("a condition");
        assert_eq!(condition.text(), "ü == compared1 + b");
        let check = |in_text: &str, expected: usize| {
            let at = condition.text().find(in_text).expect("a part");
            assert_eq!(condition.offset(at), expected, "{in_text}");
        };
        check("ü", 0);
        check("==", 2);
        check("compared1", 5);
        check("1", 5);
        check("+ b", 16);
        check("b", 18);
    }
}
