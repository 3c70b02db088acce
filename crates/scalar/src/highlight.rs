//! Which words of a text a search finds, as a fragment of the text around them.

use backstay_base::limits;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::words::{is_accent, stands_alone};
use crate::{Language, Search, words_in};

/// Characters of a fragment that stand before the first word that is found, at most.
const CHARS_BEFORE: usize = limits::HIGHLIGHT_CHARS / 4;

/// What stands for the text before and after a fragment.
const CUT: &str = "…";

/// A fragment of a text of at most `limits::HIGHLIGHT_CHARS` characters, in parts: every second one is found, and those around
/// them are not. `None` if the search finds nothing in the first `limits::HIGHLIGHT_WORDS` words.
pub fn highlight(text: &str, search: &Search, language: Option<Language>) -> Option<Vec<String>> {
    let tokens = tokens(text, language);
    let found = found(&tokens, search, language);
    let window = Window::around(text, found.first()?.0);
    let mut parts = vec![if window.from > 0 { CUT.to_owned() } else { String::new() }];
    let mut at = window.from;
    for (from, to) in found.into_iter().take_while(|(from, _)| *from < window.to) {
        let to = to.min(window.to);
        last(&mut parts).push_str(&text[at..from]);
        parts.push(text[from..to].to_owned());
        parts.push(String::new());
        at = to;
    }
    last(&mut parts).push_str(&text[at..window.to]);
    if window.to < text.len() {
        last(&mut parts).push_str(CUT);
    }
    Some(parts)
}

fn last(parts: &mut [String]) -> &mut String {
    parts.last_mut().expect("the first part was there from the start")
}

/// A part of a text, in bytes.
struct Window {
    from: usize,
    to: usize,
}

impl Window {
    /// A part with what begins here, from the beginning of a word to the end of one if there are spaces.
    fn around(text: &str, found: usize) -> Self {
        let from = match text[..found].char_indices().rev().nth(CHARS_BEFORE - 1) {
            None | Some((0, _)) => 0,
            Some((earliest, _)) => {
                let space = text[earliest..found].find(char::is_whitespace);
                space.map_or(found, |space| earliest + space)
            }
        };
        let from = found - text[from..found].trim_start().len();
        let to = match text[from..].char_indices().nth(limits::HIGHLIGHT_CHARS) {
            None => text.len(),
            Some((most, _)) => {
                let whole = &text[from..from + most];
                let end = whole.rfind(char::is_whitespace).filter(|end| from + end > found);
                from + end.unwrap_or(most)
            }
        };
        Self { from, to }
    }
}

/// A run of characters of a text that are a word of it, or a few if a character stands for several.
struct Token {
    from: usize,
    to: usize,
    words: Vec<String>,
}

/// The first tokens of a text, of `limits::HIGHLIGHT_WORDS` words.
fn tokens(text: &str, language: Option<Language>) -> Vec<Token> {
    let mut tokens: Vec<(usize, usize)> = Vec::new();
    let mut before = Kind::Separator;
    for (at, letter) in text.char_indices() {
        let kind = Kind::of(letter);
        let end = at + letter.len_utf8();
        match (kind, before, tokens.last_mut()) {
            (Kind::Letter, Kind::Letter, Some(token)) | (Kind::Mark, Kind::Letter | Kind::Alone, Some(token)) => {
                token.1 = end;
                continue;
            }
            (Kind::Letter | Kind::Alone, _, _) => tokens.push((at, end)),
            (Kind::Mark | Kind::Separator, _, _) => {}
        }
        if tokens.len() > limits::HIGHLIGHT_WORDS {
            tokens.pop();
            break;
        }
        before = kind;
    }
    let token = |(from, to)| Token { from, to, words: words_in(&text[from..to], language).collect() };
    tokens.into_iter().map(token).collect()
}

/// What a character of a text is for its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    /// It belongs to the one before.
    Mark,
    /// It is a word.
    Alone,
    Separator,
}

impl Kind {
    fn of(letter: char) -> Self {
        if letter.is_ascii() {
            return if letter.is_ascii_alphanumeric() { Self::Letter } else { Self::Separator };
        }
        match std::iter::once(letter).nfkd().filter(|letter| !is_accent(*letter)).nfc().next() {
            None => Self::Mark,
            Some(bare) if stands_alone(bare) => Self::Alone,
            Some(bare) if bare.is_alphanumeric() => Self::Letter,
            Some(bare) if is_combining_mark(bare) => Self::Mark,
            Some(_) => Self::Separator,
        }
    }
}

/// Where the terms of a search are, in bytes, in order. What is found without anything between is one.
fn found(tokens: &[Token], search: &Search, language: Option<Language>) -> Vec<(usize, usize)> {
    let words: Vec<(usize, &str)> =
        tokens.iter().enumerate().flat_map(|(at, token)| token.words.iter().map(move |word| (at, &**word))).collect();
    let mut is_found = vec![false; tokens.len()];
    for term in search.terms() {
        let wanted = term.words_in(language);
        for run in words.windows(wanted.len()) {
            let last = wanted.len() - 1;
            let is =
                |((place, wanted), (_, word)): ((usize, &String), &(usize, &str))| match term.prefix && place == last {
                    true => word.starts_with(&**wanted),
                    false => word == wanted,
                };
            if wanted.iter().enumerate().zip(run).all(is) {
                for (token, _) in run {
                    is_found[*token] = true;
                }
            }
        }
    }
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (token, _) in tokens.iter().zip(is_found).filter(|(_, is_found)| *is_found) {
        match found.last_mut() {
            Some((_, to)) if *to == token.from => *to = token.to,
            Some(_) | None => found.push((token.from, token.to)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fragment with what is found in brackets.
    fn written(parts: &[String]) -> String {
        let part = |(at, part): (usize, &String)| if at % 2 == 1 { format!("[{part}]") } else { part.clone() };
        parts.iter().enumerate().map(part).collect()
    }

    fn check(language: Option<Language>, search: &str, text: &str, expected: Option<&str>) {
        let search = Search::read(search).expect("a search");
        let got = highlight(text, &search, language).map(|parts| written(&parts));
        assert_eq!(got.as_deref(), expected, "{search:?} in {text:?}");
    }

    #[test]
    fn what_a_search_finds_is_every_second_part() {
        check(None, "york", "New York, old York", Some("New [York], old [York]"));
        check(None, "new york", "York is new", Some("[York] is [new]"));
        check(None, "\"new york\"", "New York; york new", Some("[New] [York]; york new"));
        check(None, "yor* -old", "Yorkshire <b>old</b>", Some("[Yorkshire] <b>old</b>"));
        check(None, "zurich", "Zürich, Zu\u{308}rich", Some("[Zürich], [Zu\u{308}rich]"));
        check(None, "東京", "私は東京Towerへ", Some("私は[東京]Towerへ"));
        check(None, "ガ", "ｶﾞ", Some("[ｶﾞ]"));
        check(None, "paris OR york", "New York", Some("New [York]"));
        check(None, "paris", "New York", None);
        check(None, "york", "", None);
        check(Some(Language::English), "\"runs late\"", "She was running late", Some("She was [running] [late]"));
        check(None, "runs", "She was running late", None);
        let search = Search::read("york").expect("a search");
        assert_eq!(highlight("York", &search, None), Some(vec![String::new(), "York".to_owned(), String::new()]));
    }

    #[test]
    fn a_fragment_is_short() {
        let many = "word ".repeat(100);
        let text = format!("{many}found {many}");
        let search = Search::read("found").expect("a search");
        let parts = highlight(&text, &search, None).expect("it is found");
        let before = "word ".repeat(9);
        assert_eq!(parts[0], format!("…{before}"));
        assert!(parts[2].starts_with(" word") && parts[2].ends_with("word…"), "{parts:?}");
        let chars: usize = parts.iter().map(|part| part.chars().count()).sum();
        assert!((limits::HIGHLIGHT_CHARS - 10..=limits::HIGHLIGHT_CHARS + 2).contains(&chars), "{chars}");
        let long = "é".repeat(1000);
        let parts = highlight(&long, &Search::read("ee*").expect("a search"), None).expect("it is found");
        assert_eq!(parts[1].chars().count(), limits::HIGHLIGHT_CHARS);
        let far = format!("{}found", "a ".repeat(limits::HIGHLIGHT_WORDS));
        check(None, "found", &far, None);
    }
}
