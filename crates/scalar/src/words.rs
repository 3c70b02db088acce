//! The words of a text as full-text search compares them: the same on every database, because nothing else makes them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use crate::Language;

/// Characters of a word that are compared; what comes after them is not.
pub const WORD_CHARS: usize = 64;

/// The words of a text, in order: runs of letters, digits and the marks that belong to them, without case and accents.
/// Scripts that put no spaces between words give one word for each character, so that a run of them is found as a phrase.
pub fn words(text: &str) -> Words<impl Iterator<Item = char>> {
    let bare = text.nfkd().filter(|letter| !is_accent(*letter)).nfc();
    Words { letters: bare.flat_map(char::to_lowercase).flat_map(spelled_out), pending: None }
}

/// The same in a language: each word is reduced to its stem, for which accents count, and then loses them.
pub fn words_in(text: &str, language: Option<Language>) -> Box<dyn Iterator<Item = String> + '_> {
    let Some(language) = language else { return Box::new(words(text)) };
    let written = Words { letters: text.nfkc().flat_map(char::to_lowercase), pending: None };
    Box::new(written.map(move |word| match bare(&language.stem(&word)) {
        stem if stem.is_empty() => word,
        stem => stem,
    }))
}

/// A word without accents. Only what words are made of is left, whatever a stem has.
fn bare(word: &str) -> String {
    let letters = word.nfkd().filter(|letter| !is_accent(*letter)).nfc();
    let letters = letters.flat_map(char::to_lowercase).flat_map(spelled_out);
    letters.filter(|letter| letter.is_alphanumeric() || is_combining_mark(*letter)).collect()
}

/// Iterates over the words of a text.
#[derive(Debug)]
pub struct Words<I> {
    letters: I,
    /// A character that ended the word before and is one by itself.
    pending: Option<char>,
}

impl<I: Iterator<Item = char>> Iterator for Words<I> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if let Some(letter) = self.pending.take() {
            return Some(letter.to_string());
        }
        let (mut word, mut chars) = (String::new(), 0);
        for letter in self.letters.by_ref() {
            if stands_alone(letter) {
                if word.is_empty() {
                    return Some(letter.to_string());
                }
                self.pending = Some(letter);
                return Some(word);
            }
            if letter.is_alphanumeric() || is_combining_mark(letter) && !word.is_empty() {
                if chars < WORD_CHARS {
                    word.push(letter);
                }
                chars += 1;
            } else if !word.is_empty() {
                return Some(word);
            }
        }
        (!word.is_empty()).then_some(word)
    }
}

/// Accents and other marks above and below letters, and the vowel points of Hebrew and Arabic. The marks of Indic and
/// Southeast Asian scripts, which tell words apart, have other classes.
pub(crate) fn is_accent(letter: char) -> bool {
    matches!(canonical_combining_class(letter), 10..=35 | 200..=240)
}

/// Whether a character is a word: those of Chinese and Japanese, which have no spaces between words.
pub(crate) fn stands_alone(letter: char) -> bool {
    matches!(letter,
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{3096}'
        | '\u{309D}'..='\u{309F}'
        | '\u{30A1}'..='\u{30FA}'
        | '\u{30FC}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFD}')
}

/// Letters that no decomposition turns into plain ones, as they are usually written without them.
fn spelled_out(letter: char) -> impl Iterator<Item = char> {
    let (first, second) = match letter {
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        'ø' => ('o', None),
        'đ' | 'ð' => ('d', None),
        'ł' => ('l', None),
        'ħ' => ('h', None),
        'ı' => ('i', None),
        'ς' => ('σ', None),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text:?}");
    }

    #[test]
    fn words_are_without_case_and_accents() {
        check("", &[]);
        check("Hello, World!", &["hello", "world"]);
        check("Zürich Genève São Ångström", &["zurich", "geneve", "sao", "angstrom"]);
        check("Zu\u{308}rich", &["zurich"]);
        check("Straße, Œuvre, Łódź, Ørsted, Đồng", &["strasse", "oeuvre", "lodz", "orsted", "dong"]);
        check("ISTANBUL İstanbul ılık", &["istanbul", "istanbul", "ilik"]);
        check("ΣΊΣΥΦΟΣ Σίσυφος", &["σισυφοσ", "σισυφοσ"]);
        check("ﬁne ①２", &["fine", "12"]);
    }

    #[test]
    fn what_is_no_letter_and_no_digit_separates_words() {
        check(
            "don't half-time a_b 3.14 a@b.example",
            &["don", "t", "half", "time", "a", "b", "3", "14", "a", "b", "example"],
        );
        check("&& || () \"\" * - ^ : { } NEAR", &["near"]);
        check("🎉 party🎉time", &["party", "time"]);
        check("\u{0}a\u{0}b\u{301}", &["a", "b"]);
        check("\u{301}\u{301}x", &["x"]);
    }

    #[test]
    fn scripts_keep_what_tells_words_apart() {
        check("हिन्दी में", &["हिन्दी", "में"]);
        check("שָׁלוֹם עולם", &["שלום", "עולם"]);
        check("مُحَمَّد", &["محمد"]);
        check("สวัสดี", &["สวัสดี"]);
        check("한국어 위키", &["한국어", "위키"]);
    }

    #[test]
    fn scripts_without_spaces_give_characters() {
        check("東京Tower 京都", &["東", "京", "tower", "京", "都"]);
        check("ガｶﾞかが", &["ガ", "ガ", "か", "が"]);
    }

    #[test]
    fn words_in_a_language_are_stems_without_accents() {
        let check = |language: Option<Language>, text: &str, expected: &[&str]| {
            assert_eq!(words_in(text, language).collect::<Vec<_>>(), expected, "{language:?}: {text:?}");
        };
        check(None, "Running in Cafés", &["running", "in", "cafes"]);
        check(Some(Language::English), "Running in Cafés, don't", &["run", "in", "cafe", "don", "t"]);
        check(Some(Language::German), "Die Häuser der Straße", &["die", "haus", "der", "strass"]);
        check(Some(Language::French), "Les RÉUNIONS; les re\u{301}unions", &["le", "reunion", "le", "reunion"]);
        check(Some(Language::Russian), "Русский язык", &["русск", "язык"]);
        check(Some(Language::English), "東京Towers 3.14 \"* -", &["東", "京", "tower", "3", "14"]);
        check(Some(Language::English), &"x".repeat(WORD_CHARS + 5), &[&"x".repeat(WORD_CHARS)]);
    }

    #[test]
    fn long_words_are_cut() {
        let word = "x".repeat(WORD_CHARS);
        check(&"x".repeat(WORD_CHARS + 5), &[&word]);
        check(&format!("{}y z", "x".repeat(WORD_CHARS)), &[&word, "z"]);
    }
}
