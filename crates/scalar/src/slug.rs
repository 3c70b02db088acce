//! Slugs: what stands for a text in a URL. Lower-case ASCII words with hyphens between.
//!
//! Other scripts are transliterated, as Ghost and Strapi do it, and not kept, as `WordPress` does it: a slug then survives
//! being copied into a mail, where `%D0%BF…` would take its place, and no two look the same without being the same.

use std::collections::HashSet;

use deunicode::deunicode_char;

/// Characters that stand within a word and are no part of it.
const APOSTROPHES: [char; 4] = ['\'', '‘', '’', 'ʼ'];

/// The slug of a text, of at most so many characters, cut at the end of a word where there is one. Empty if the text has no
/// letters and digits. Reads no more of the text than it needs.
pub fn slug(text: &str, most: usize) -> String {
    let mut words = Words { slug: String::new(), is_within: false };
    for char in text.chars() {
        words.push(char);
        // One character more shows whether a word ends here.
        if words.slug.len() > most {
            return shortened(&words.slug, most).to_owned();
        }
    }
    words.slug
}

/// The beginning of a slug, of at most so many characters, cut at the end of a word where there is one.
pub fn shortened(slug: &str, most: usize) -> &str {
    if slug.len() <= most {
        return slug;
    }
    let cut = &slug[..most];
    let is_whole = slug[most..].starts_with('-');
    let end = if is_whole { most } else { cut.rfind('-').unwrap_or(most) };
    cut[..end].trim_end_matches('-')
}

/// Whether a text is a slug: words of `a` to `z` and digits, with one hyphen between two.
pub fn is_slug(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    text.split('-').all(is_word)
}

/// The pattern of `is_slug` (ECMA 262), for schemas.
pub const SLUG_PATTERN: &str = "^[a-z0-9]+(-[a-z0-9]+)*$";

/// The first number, from `least` on, with which this slug is not among those that are taken: `title-2`.
pub fn free_number(slug: &str, taken: &[String], least: u64) -> u64 {
    let number = |taken: &String| taken.strip_prefix(slug)?.strip_prefix('-')?.parse::<u64>().ok();
    let numbers: HashSet<u64> = taken.iter().filter_map(number).collect();
    // One of these is free: there is one more of them than are taken.
    let mut free = (least..).take(numbers.len() + 1).filter(|number| !numbers.contains(number));
    free.next().unwrap_or(least)
}

/// The words of a slug in the making.
struct Words {
    slug: String,
    /// Whether the next letter belongs to the last word.
    is_within: bool,
}

impl Words {
    fn push(&mut self, char: char) {
        if APOSTROPHES.contains(&char) {
            return;
        }
        if char.is_ascii() {
            return self.letters(char.encode_utf8(&mut [0; 4]));
        }
        let letters = deunicode_char(char).unwrap_or(" ");
        // A mark belongs to the letter before it; what is neither that nor a letter, such as `€`, is a word of its own.
        let is_apart = !char.is_alphanumeric() && !letters.is_empty();
        self.is_within &= !is_apart;
        self.letters(letters);
        self.is_within &= !is_apart;
    }

    fn letters(&mut self, letters: &str) {
        for byte in letters.bytes() {
            if byte.is_ascii_alphanumeric() {
                if !self.is_within && !self.slug.is_empty() {
                    self.slug.push('-');
                }
                self.slug.push(char::from(byte.to_ascii_lowercase()));
                self.is_within = true;
            } else {
                self.is_within = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_lower_case_words_with_hyphens_between() {
        let check = |text: &str, expected: &str| {
            let made = slug(text, 100);
            assert_eq!(made, expected, "{text:?}");
            assert!(made.is_empty() || is_slug(&made), "{text:?}: {made}");
        };
        check("How to train your dragon", "how-to-train-your-dragon");
        check("  Rust 2.0 — what's new?  ", "rust-2-0-whats-new");
        check("Don’t panic", "dont-panic");
        check("snake_case/and\\slashes", "snake-case-and-slashes");
        check("Łódź, Malmö & Straße", "lodz-malmo-strasse");
        check("Ærø", "aero");
        check("e\u{301}tude", "etude");
        check("Привет, мир", "privet-mir");
        check("Ελλάδα", "ellada");
        check("北京", "bei-jing");
        check("I ♥ 🦄🦄", "i-hearts-unicorn-unicorn");
        check("5€", "5-eur");
        check("!?…", "");
        check("", "");
    }

    #[test]
    fn a_long_slug_ends_with_a_word() {
        let check = |text: &str, most: usize, expected: &str| assert_eq!(slug(text, most), expected, "{text} {most}");
        check("one two three", 13, "one-two-three");
        check("one two three", 12, "one-two");
        check("one two three", 7, "one-two");
        check("one two three", 6, "one");
        check("onetwothree", 6, "onetwo");
        check("北京", 7, "bei");
        check(&"a ".repeat(1_000_000), 5, "a-a-a");
        check(&"!".repeat(1_000_000), 5, "");
    }

    #[test]
    fn what_is_no_slug() {
        for text in ["", "-", "a-", "-a", "a--b", "A", "a b", "é", "a_b", "a\n"] {
            assert!(!is_slug(text), "{text:?}");
        }
        for text in ["a", "0", "a-b", "2026-01-31"] {
            assert!(is_slug(text), "{text:?}");
        }
    }

    #[test]
    fn the_first_free_number() {
        let check = |taken: &[&str], least: u64, expected: u64| {
            let taken: Vec<String> = taken.iter().map(|slug| (*slug).to_owned()).collect();
            assert_eq!(free_number("top", &taken, least), expected, "{taken:?}");
        };
        check(&["top"], 2, 2);
        check(&["top", "top-2", "top-3", "top-5"], 2, 4);
        check(&["top", "top-2", "top-3", "top-5"], 5, 6);
        check(&["top", "top-02", "top-2-weeks", "top-18446744073709551616", "topic-2"], 2, 3);
    }
}
