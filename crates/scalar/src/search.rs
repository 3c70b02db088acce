//! What people type to search for: words, phrases in quotes, beginnings of words, alternatives and exclusions.

use backstay_base::limits;

use crate::{Language, words, words_in};

/// A search: every group must be found, and nothing of what is excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Of each group one of the terms. There is at least one group, and each has at least one term.
    pub groups: Vec<Vec<Term>>,
    /// What a record must not have.
    pub without: Vec<Term>,
}

/// Words that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What was typed.
    text: String,
    /// The words, as `words` makes them; at least one.
    words: Vec<String>,
    /// Whether the last of them is the beginning of a word.
    pub prefix: bool,
}

impl Term {
    /// The words in a language: at least one.
    pub fn words_in(&self, language: Option<Language>) -> Vec<String> {
        if language.is_none() {
            return self.words.clone();
        }
        let mut words: Vec<String> = words_in(&self.text, language).collect();
        match words.last_mut() {
            None => return self.words.clone(),
            // A stem that is too short to be looked up is none.
            Some(last) if self.prefix && is_short(last) => last.clone_from(&self.words[self.words.len() - 1]),
            Some(_) => {}
        }
        words
    }
}

/// Whether too many words begin like this one.
fn is_short(word: &str) -> bool {
    word.is_ascii() && word.len() < 2
}

/// Why a text is no search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchProblem {
    /// It is longer than `limits::SEARCH_BYTES`.
    Long,
    /// It has more than `limits::SEARCH_WORDS` words.
    ManyWords,
    /// It has more than `limits::SEARCH_PREFIXES` beginnings of words.
    ManyPrefixes,
    /// It has no word to look for.
    NoWord,
    /// The beginning of a word is a single letter, with which too many words begin.
    ShortPrefix,
}

impl Search {
    /// Reads a text. Whatever has no meaning in it separates words, so that people can paste what they like.
    pub fn read(text: &str) -> Result<Self, SearchProblem> {
        if text.len() > limits::SEARCH_BYTES {
            return Err(SearchProblem::Long);
        }
        let (mut search, mut rest, mut joins) = (Self { groups: Vec::new(), without: Vec::new() }, text, false);
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let (part, after) = Part::first(rest);
            rest = after;
            let Part { text, excluded, prefix, quoted } = part;
            if text == "OR" && !quoted && !excluded {
                joins = !search.groups.is_empty();
                continue;
            }
            let words: Vec<String> = words(text).collect();
            let Some(last) = words.last() else { continue };
            if prefix && is_short(last) {
                return Err(SearchProblem::ShortPrefix);
            }
            let term = Term { text: text.to_owned(), words, prefix };
            match (excluded, search.groups.last_mut()) {
                (true, _) => search.without.push(term),
                (false, Some(group)) if joins => group.push(term),
                (false, _) => search.groups.push(vec![term]),
            }
            joins = false;
        }
        if search.groups.is_empty() {
            return Err(SearchProblem::NoWord);
        }
        let all = search.groups.iter().flatten().chain(&search.without);
        if all.map(|term| term.words.len()).sum::<usize>() > limits::SEARCH_WORDS {
            return Err(SearchProblem::ManyWords);
        }
        let all = search.groups.iter().flatten().chain(&search.without);
        if all.filter(|term| term.prefix).count() > limits::SEARCH_PREFIXES {
            return Err(SearchProblem::ManyPrefixes);
        }
        Ok(search)
    }

    /// The terms that a record can be found by, each once.
    pub fn terms(&self) -> Vec<&Term> {
        let mut terms: Vec<&Term> = Vec::new();
        for term in self.groups.iter().flatten() {
            if !terms.iter().any(|other| (&other.words, other.prefix) == (&term.words, term.prefix)) {
                terms.push(term);
            }
        }
        terms
    }
}

/// A word or a phrase as it was typed.
struct Part<'t> {
    text: &'t str,
    excluded: bool,
    prefix: bool,
    quoted: bool,
}

impl<'t> Part<'t> {
    /// The first part of a text that begins with no space, and what comes after it.
    fn first(text: &'t str) -> (Self, &'t str) {
        let (excluded, text) = match text.strip_prefix('-') {
            Some(rest) if !rest.starts_with(char::is_whitespace) => (true, rest),
            _ => (false, text),
        };
        let (text, rest, quoted) = if let Some(inner) = text.strip_prefix(is_quote) {
            let (phrase, rest) = inner.split_once(is_quote).unwrap_or((inner, ""));
            (phrase, rest, true)
        } else {
            let end = text.find(|letter: char| letter.is_whitespace() || is_quote(letter)).unwrap_or(text.len());
            (&text[..end], &text[end..], false)
        };
        let (text, prefix, rest) = match (quoted, rest.strip_prefix('*'), text.strip_suffix('*')) {
            (true, Some(rest), _) => (text, true, rest),
            (false, _, Some(text)) => (text, true, rest),
            (true | false, _, _) => (text, false, rest),
        };
        (Self { text, excluded, prefix, quoted }, rest)
    }
}

/// Straight quotes, and those that phones and word processors put in their place.
fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '“' | '”' | '„')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search as a text: groups in parentheses, phrases joined by `+`.
    fn written(search: &Search) -> String {
        let term = |term: &Term| format!("{}{}", term.words.join("+"), if term.prefix { "*" } else { "" });
        let group =
            |group: &Vec<Term>| ["(".to_owned(), group.iter().map(term).collect::<Vec<_>>().join("|"), ")".to_owned()];
        let groups: String = search.groups.iter().flat_map(group).collect();
        let without = search.without.iter().flat_map(|one| [" -".to_owned(), term(one)]);
        groups + &without.collect::<String>()
    }

    fn check(text: &str, expected: Result<&str, SearchProblem>) {
        assert_eq!(Search::read(text).map(|search| written(&search)), expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn a_search_is_words_phrases_beginnings_alternatives_and_exclusions() {
        check("new york", Ok("(new)(york)"));
        check("\"New York\" pizza", Ok("(new+york)(pizza)"));
        check("“New York”", Ok("(new+york)"));
        check("spring*", Ok("(spring*)"));
        check("\"new yo\"*", Ok("(new+yo*)"));
        check("new -york", Ok("(new) -york"));
        check("new -\"york city\"", Ok("(new) -york+city"));
        check("cat OR dog food", Ok("(cat|dog)(food)"));
        check("cat OR dog OR bird", Ok("(cat|dog|bird)"));
        check("half-time don't", Ok("(half+time)(don+t)"));
        check("東京 都*", Ok("(東+京)(都*)"));
    }

    #[test]
    fn what_has_no_meaning_separates_words() {
        check("OR cat OR", Ok("(cat)"));
        check("cat OR -dog bird", Ok("(cat)(bird) -dog"));
        check("\"unclosed phrase", Ok("(unclosed+phrase)"));
        check("a \"\" b", Ok("(a)(b)"));
        check("- cat", Ok("(cat)"));
        check("cat AND dog NOT bird", Ok("(cat)(and)(dog)(not)(bird)"));
        check("title:cat {a} ^b NEAR(c,2)", Ok("(title+cat)(a)(b)(near+c+2)"));
        check("🎉 cat", Ok("(cat)"));
        check("\u{202e}cat", Ok("(cat)"));
    }

    #[test]
    fn terms_have_the_words_of_a_language() {
        let check = |text: &str, language: Option<Language>, expected: &str| {
            let search = Search::read(text).expect("a search");
            let words: Vec<String> = search.terms().iter().map(|term| term.words_in(language).join("+")).collect();
            assert_eq!(words.join(" "), expected, "{text}");
        };
        check("\"Running Cafés\" cities", None, "running+cafes cities");
        check("\"Running Cafés\" cities", Some(Language::English), "run+cafe citi");
        check("Häuser haus", Some(Language::German), "haus haus");
        check("Zürich zurich ZÜRICH", Some(Language::German), "zurich");
        check("half-times*", Some(Language::English), "half+time");
    }

    #[test]
    fn a_search_needs_a_word_and_has_limits() {
        check("", Err(SearchProblem::NoWord));
        check("&& || \"\" * - --", Err(SearchProblem::NoWord));
        check("🎉", Err(SearchProblem::NoWord));
        check("-cat", Err(SearchProblem::NoWord));
        check("a*", Err(SearchProblem::ShortPrefix));
        check("ab* cd* -ef* OR \"gh ij\"* kl*", Err(SearchProblem::ManyPrefixes));
        check(&"cat ".repeat(limits::SEARCH_WORDS), Ok(&"(cat)".repeat(limits::SEARCH_WORDS)));
        check(&"cat ".repeat(limits::SEARCH_WORDS + 1), Err(SearchProblem::ManyWords));
        check(&"x".repeat(limits::SEARCH_BYTES + 1), Err(SearchProblem::Long));
    }
}
