//! What the index of a search holds of a record.

use std::collections::HashMap;
use std::fmt::Write;

use backstay_base::limits;
use backstay_scalar::{Language, Value, words_in};

use crate::Dialect;

/// How often a word is found in a phrase in one field: PostgreSQL keeps no more places of it.
const PLACES: u8 = 255;

/// What stands for a word that isn't found any more; no search has it.
const FILLER: &str = "\u{E000}";

/// Bytes that the places of a word take, about.
const PLACE_BYTES: usize = 8;

/// The number of a field without words.
const NO_WORDS: i64 = 0;

/// The text of a field, and in which language it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken<'t> {
    pub(super) text: &'t str,
    pub(super) language: Option<Language>,
}

/// The values of an entry: the words, on SQLite of each field and on PostgreSQL of all of them, then the number of each
/// field.
pub(super) fn values(texts: &[Spoken<'_>], dialect: Dialect) -> Vec<Value> {
    let mut room = limits::SEARCH_ENTRY_BYTES;
    let found: Vec<Vec<String>> = texts.iter().map(|text| found(*text, &mut room)).collect();
    let numbers = found.iter().map(|words| Value::Int(number(words.len())));
    let words: Vec<String> = match dialect {
        Dialect::Sqlite => found.iter().map(|words| words.join(" ")).collect(),
        Dialect::Postgres => vec![vector(&found)],
    };
    words.into_iter().map(Value::text).chain(numbers).collect()
}

/// The words of a field that are found.
fn found(spoken: Spoken<'_>, room: &mut usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut places: HashMap<String, u8> = HashMap::new();
    for word in words_in(spoken.text, spoken.language).take(limits::SEARCH_FIELD_WORDS) {
        let Some(left) = room.checked_sub(word.len() + PLACE_BYTES) else { break };
        *room = left;
        let known = match places.get_mut(&word) {
            Some(known) => known,
            None => places.entry(word.clone()).or_insert(0),
        };
        let is_found = *known < PLACES;
        *known = known.saturating_add(1);
        found.push(if is_found { word } else { FILLER.to_owned() });
    }
    found
}

/// What a term in a field of so many words counts, before its weight: 1000 in a field of one word, 500 in one of three, 126 in
/// one of a thousand.
fn number(words: usize) -> i64 {
    let Ok(words) = u32::try_from(words) else { return NO_WORDS };
    if words == 0 {
        return NO_WORDS;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is from 1 to 1000")]
    let number = (1000.0 / (1.0 + f64::from(words).ln())).round() as i64;
    number
}

/// The words with their fields and places, in the notation of a tsvector. Words have nothing that it would need to escape.
fn vector(found: &[Vec<String>]) -> String {
    let mut vector = String::new();
    for (field, words) in found.iter().enumerate() {
        for (place, word) in (1..).zip(words).filter(|(_, word)| *word != FILLER) {
            let _ = write!(vector, "'{}{word}':{place} ", super::tag(field));
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], dialect: Dialect, expected: &[Value]) {
        let texts: Vec<Spoken<'_>> = texts.iter().map(|text| Spoken { text, language: None }).collect();
        assert_eq!(values(&texts, dialect), expected, "{texts:?}");
    }

    #[test]
    fn a_field_with_a_language_has_the_stems_of_words() {
        let texts = [("Running cafés", Some(Language::English)), ("Running", None)];
        let texts = texts.map(|(text, language)| Spoken { text, language });
        let numbers = [Value::Int(591), Value::Int(1000)];
        let words = ["run cafe", "running"].map(|words| Value::text(words.to_owned()));
        assert_eq!(values(&texts, Dialect::Sqlite), [&words[..], &numbers[..]].concat());
        let vector = Value::text("'arun':1 'acafe':2 'brunning':1 ".to_owned());
        assert_eq!(values(&texts, Dialect::Postgres), [&[vector][..], &numbers[..]].concat());
    }

    #[test]
    fn an_entry_has_the_words_and_a_number_for_each_field() {
        let texts = ["Zürich", "don't say Zürich"];
        let numbers = [Value::Int(1000), Value::Int(419)];
        let words = [Value::text("zurich".to_owned()), Value::text("don t say zurich".to_owned())];
        check(&texts, Dialect::Sqlite, &[&words[..], &numbers[..]].concat());
        let vector = "'azurich':1 'bdon':1 'bt':2 'bsay':3 'bzurich':4 ";
        check(&texts, Dialect::Postgres, &[&[Value::text(vector.to_owned())][..], &numbers[..]].concat());
        check(&[""], Dialect::Postgres, &[Value::text(String::new()), Value::Int(0)]);
    }

    #[test]
    fn long_texts_are_cut() {
        let words = |text: &str| match values(&[Spoken { text, language: None }], Dialect::Sqlite).swap_remove(0) {
            Value::Text(words) => words.split(' ').map(str::to_owned).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let often = words(&"a ".repeat(300));
        assert_eq!(often.iter().filter(|word| *word == "a").count(), 255);
        assert_eq!(often.len(), 300);
        let many: Vec<String> = (0..20_000).map(|number: u32| number.to_string()).collect();
        assert_eq!(words(&many.join(" ")).len(), limits::SEARCH_FIELD_WORDS);
        let long: Vec<String> = (0..15_999).map(|number: u32| format!("{number:064}")).collect();
        assert_eq!(words(&long.join(" ")).len(), limits::SEARCH_ENTRY_BYTES / (64 + PLACE_BYTES));
    }

    #[test]
    fn fewer_words_count_more() {
        for (words, expected) in [(0, 0), (1, 1000), (2, 591), (3, 477), (100, 178), (16_000, 94)] {
            assert_eq!(number(words), expected, "{words}");
        }
    }
}
