//! Whether a rule can be false of what it was true of before, as far as its text tells.

use std::collections::BTreeMap;

use crate::names::words;
use crate::{Model, NamedRule, OwnerName, RuleText};

/// A rule as it is compared: its text, and what the named rules in it stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule<'m> {
    text: &'m str,
    named: NamedIn<'m>,
}

/// Named rules by owner and signature, each with its text.
pub(super) type NamedIn<'m> = BTreeMap<(&'m OwnerName, &'m str), &'m str>;

/// Conditions of which one must be true: each is a list of those that must all be.
type Conditions = Vec<Vec<String>>;

impl<'m> Rule<'m> {
    pub(super) fn of(model: &'m Model, rule: &'m RuleText) -> Self {
        let RuleText { text, span: _, owner: _ } = rule;
        Self { text, named: rules_in(model, rule) }
    }

    pub(super) fn of_some(model: &'m Model, rule: Option<&'m RuleText>) -> Option<Self> {
        rule.map(|rule| Self::of(model, rule))
    }

    /// What makes it true; nothing does if the list is empty, and everything if it has an empty condition.
    pub(super) fn conditions(&self) -> Conditions {
        let alternatives = split(self.text, "||").into_iter();
        let conditions = alternatives.map(|alternative| {
            let parts = split(alternative, "&&").into_iter().map(|part| self.condition(part));
            parts.filter(|part| part != "true").collect::<Vec<_>>()
        });
        conditions.filter(|condition| !condition.iter().any(|part| part == "false")).collect()
    }

    /// One condition, with what the named rules in it stand for.
    fn condition(&self, text: &str) -> String {
        let mut condition = respaced(text);
        let is_named =
            words(text).any(|word| self.named.keys().any(|(_, signature)| signature.split('(').next() == Some(word)));
        if is_named {
            condition
                .extend(self.named.iter().map(|((owner, signature), is)| format!("; {signature} of {owner} = {is}")));
        }
        condition
    }
}

/// Whether a condition is true wherever another one is.
pub(super) fn covers(condition: &[String], other: &[String]) -> bool {
    condition.iter().all(|part| other.contains(part))
}

/// Whether a rule is true wherever another one is.
pub(super) fn is_as_wide(rule: &Rule<'_>, before: &Rule<'_>) -> bool {
    let conditions = rule.conditions();
    before.conditions().iter().all(|before| conditions.iter().any(|condition| covers(condition, before)))
}

/// The named rules whose names stand in a rule or in one of those rules, each with its text: two models in which they are
/// the same mean the same by the rule. A name that stands for something else counts too.
pub(super) fn rules_in<'m>(model: &'m Model, rule: &'m RuleText) -> NamedIn<'m> {
    let mut found = BTreeMap::new();
    let mut open = vec![rule];
    while let Some(RuleText { text, span: _, owner }) = open.pop() {
        let meant = words(text).filter_map(|word| model.rules.meant(owner, word));
        for NamedRule { name: _, signature, parameters: _, is } in meant.map(|id| model.rules.get(id)) {
            if found.insert((&is.owner, signature.as_str()), &*is.text).is_none() {
                open.push(is);
            }
        }
    }
    found
}

/// The operands of an operator, but for those within brackets; the whole if `?:` binds them otherwise.
fn split<'t>(text: &'t str, operator: &str) -> Vec<&'t str> {
    let (mut parts, mut begin, mut skip) = (Vec::new(), 0, 0);
    for (at, place) in outside_quotes(text) {
        if place.depth > 0 || at < skip {
            continue;
        }
        if place.letter == '?' {
            return vec![text];
        }
        if text[at..].starts_with(operator) {
            parts.push(&text[begin..at]);
            begin = at + operator.len();
            skip = begin;
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// A letter of an expression that isn't within quotes.
struct Place {
    letter: char,
    /// How many brackets are open before it.
    depth: usize,
}

fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, Place)> {
    let (mut quote, mut escaped, mut depth) = (None, false, 0_usize);
    text.char_indices().filter_map(move |(at, letter)| {
        if let Some(open) = quote {
            if !escaped && letter == open {
                quote = None;
            }
            escaped = !escaped && letter == '\\';
            return None;
        }
        let place = Place { letter, depth };
        match letter {
            '\'' | '"' => quote = Some(letter),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        Some((at, place))
    })
}

/// The same expression with white space only where two words meet, or in quotes.
fn respaced(text: &str) -> String {
    let outside: Vec<usize> = outside_quotes(text).map(|(at, _)| at).collect();
    let is_space = |at: usize, letter: char| letter.is_whitespace() && outside.binary_search(&at).is_ok();
    let is_word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let mut written = String::with_capacity(text.len());
    let mut spaced = false;
    for (at, letter) in text.char_indices() {
        if is_space(at, letter) {
            spaced = true;
            continue;
        }
        if spaced && is_word(Some(letter)) && is_word(written.chars().last()) {
            written.push(' ');
        }
        spaced = false;
        written.push(letter);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_wide() {
        for (before, after, expected) in [
            ("true", "true", true),
            ("true", "auth != null", false),
            ("auth != null", "true", true),
            ("false", "auth.isEditor", true),
            ("auth.isEditor", "false", false),
            ("this.a == 1", "this.a==1", true),
            ("this.a == 'x  y'", "this.a == 'x y'", false),
            ("a", "a || b", true),
            ("a || b", "b || a", true),
            ("a || b", "a", false),
            ("a", "a && b", false),
            ("a && b", "b", true),
            ("a && b || c", "c || b && a", true),
            ("(a || b) && c", "c", true),
            ("(a || b) && c", "(a || b)", true),
            ("this.x == 'a || b'", "this.x == 'a'", false),
            ("this.x == 'it\\'s || b'", "this.x == 'it\\'s'", false),
            // `?:` binds weaker than both.
            ("a ? b : c || d", "a ? b : c", false),
            ("a ? b : c", "a ? b : c || d", false),
            ("a ? b : c", "a ? b : c", true),
            ("this.xs.exists(x, x.a || x.b)", "this.xs.exists(x, x.a || x.b) || c", true),
        ] {
            let rule = |text| Rule { text, named: BTreeMap::new() };
            assert_eq!(is_as_wide(&rule(after), &rule(before)), expected, "{before} → {after}");
        }
    }

    #[test]
    fn what_named_rules_stand_for_counts() {
        let rule = |text, is| Rule { text, named: BTreeMap::from([((&OwnerName::Application, "editor"), is)]) };
        assert!(!is_as_wide(&rule("editor", "b"), &rule("editor", "a")));
        assert!(is_as_wide(&rule("editor || c", "a"), &rule("editor", "a")));
        assert!(is_as_wide(&rule("editor || c", "b"), &rule("c", "a")));
    }
}
