//! Letters in lower or upper case, and without their marks, one character at a time: the same everywhere, whatever stands
//! beside a character and whatever the language. Databases that have no functions of ours get the tables.

use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

/// What becomes of each character of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Casing {
    /// The lower case of Unicode: `Σ` is always `σ`.
    Lower,
    /// The upper case of Unicode: `ß` becomes `SS`.
    Upper,
    /// What is left if case and accents are ignored: `É`, `é` and `e` become `e`, `ß` and `ẞ` become `ss`.
    Fold,
}

/// What a casing does to all characters that it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CasingTable {
    /// Characters that become one other, and then those that are left out.
    pub from: String,
    /// What the first of them become, in the same order.
    pub to: String,
    /// Characters that become several.
    pub several: Vec<(char, String)>,
}

impl Casing {
    /// A text with each character changed.
    pub fn of(self, text: &str) -> String {
        match self {
            Self::Lower | Self::Fold if text.is_ascii() => text.to_ascii_lowercase(),
            Self::Upper if text.is_ascii() => text.to_ascii_uppercase(),
            Self::Lower | Self::Upper | Self::Fold => {
                let mut out = String::with_capacity(text.len());
                text.chars().for_each(|character| self.push(character, &mut out));
                out
            }
        }
    }

    fn push(self, character: char, out: &mut String) {
        match self {
            Self::Lower => out.extend(character.to_lowercase()),
            Self::Upper => out.extend(character.to_uppercase()),
            // What differs only in lower case, such as `ς` and `σ`, is the same in upper case, and the other way round.
            Self::Fold => unmarked(character, |base| {
                for upper in base.to_lowercase().flat_map(char::to_uppercase) {
                    unmarked(upper, |base| out.extend(base.to_lowercase()));
                }
            }),
        }
    }

    /// What it does to all characters.
    pub fn table(self) -> CasingTable {
        let (mut from, mut to, mut gone, mut several) = (String::new(), String::new(), String::new(), Vec::new());
        for character in '\u{1}'..=char::MAX {
            let mut becomes = String::new();
            self.push(character, &mut becomes);
            let mut characters = becomes.chars();
            match (characters.next(), characters.next()) {
                (None, _) => gone.push(character),
                (Some(one), None) if one == character => {}
                (Some(one), None) => {
                    from.push(character);
                    to.push(one);
                }
                (Some(_), Some(_)) => several.push((character, becomes)),
            }
        }
        from.push_str(&gone);
        CasingTable { from, to, several }
    }
}

/// The characters that one consists of, without accents: marks above, below and through a letter. Marks that make another
/// letter, such as the dots of Japanese syllables and the vowels of Indian scripts, are kept.
fn unmarked(character: char, mut keep: impl FnMut(char)) {
    const OVERLAY: u8 = 1;
    const ATTACHED: u8 = 200;
    let is_accent = |of: char| matches!(canonical_combining_class(of), OVERLAY | ATTACHED..);
    let (mut parts, mut has_accent) = ([' '; 8], false);
    let mut count = 0;
    decompose_canonical(character, |part| {
        if is_accent(part) {
            has_accent = true;
        } else if let Some(free) = parts.get_mut(count) {
            *free = part;
            count += 1;
        }
    });
    match has_accent {
        true => parts[..count].iter().for_each(|part| keep(*part)),
        false => keep(character),
    }
}

/// The characters that `trim` takes from both ends: the white space of Unicode.
pub const WHITE_SPACE: &str = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\
                               \u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

/// A text without white space at both ends.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(char::is_whitespace)
}

/// A text in which each occurrence of a part is to be replaced, from the left. Nothing occurs if the part is empty.
#[derive(Debug, Clone, Copy)]
pub struct Replacement<'t> {
    text: &'t str,
    part: &'t str,
    by: &'t str,
    occurrences: usize,
}

impl<'t> Replacement<'t> {
    /// Finds the occurrences.
    pub fn new(text: &'t str, part: &'t str, by: &'t str) -> Self {
        let found = memchr::memmem::find_iter(text.as_bytes(), part);
        let occurrences = if part.is_empty() { 0 } else { found.count() };
        Self { text, part, by, occurrences }
    }

    /// How many there are.
    pub fn occurrences(&self) -> usize {
        self.occurrences
    }

    /// The text that results; none if it has more bytes than this.
    pub fn result(&self, most: usize) -> Option<String> {
        let added = self.occurrences.checked_mul(self.by.len())?;
        let bytes = (self.text.len() - self.occurrences * self.part.len()).checked_add(added)?;
        let result =
            || if self.occurrences == 0 { self.text.to_owned() } else { self.text.replace(self.part, self.by) };
        (bytes <= most).then(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_change() {
        let check =
            |casing: Casing, text: &str, expected: &str| assert_eq!(casing.of(text), expected, "{casing:?} {text}");
        check(Casing::Lower, "ÀBC ΣΑΣ ẞ İ", "àbc σασ ß i\u{307}");
        check(Casing::Lower, "ABC x1", "abc x1");
        check(Casing::Upper, "straße ﬁ ŉ ı ὐ", "STRASSE FI ʼN I Υ\u{313}");
        check(Casing::Upper, "abc", "ABC");
        check(Casing::Fold, "Ärger ÉLAN e\u{301} Straße STRAẞE", "arger elan e strasse strasse");
        check(Casing::Fold, "ΌΔΟΣ όδος", "οδοσ οδοσ");
        check(Casing::Fold, "İı ﬁ Nguyễn Ḱ", "ii fi nguyen k");
        check(Casing::Fold, "が 한국 हिन्दी ไทย", "が 한국 हिन्दी ไทย");
        check(Casing::Fold, "Øre Łódź", "øre łodz");
    }

    /// A table is applied in two steps: one character for another, then several for one.
    #[test]
    fn the_tables_say_the_same() {
        for casing in [Casing::Lower, Casing::Upper, Casing::Fold] {
            let CasingTable { from, to, several } = casing.table();
            let to: Vec<char> = to.chars().collect();
            let ones = from.chars().enumerate().map(|(at, character)| (character, to.get(at).copied()));
            let by_one: std::collections::HashMap<char, Option<char>> =
                several.iter().map(|(character, _)| (*character, Some(*character))).chain(ones).collect();
            for character in '\u{1}'..=char::MAX {
                let mut expected = String::new();
                casing.push(character, &mut expected);
                let Some(one) = by_one.get(&character) else {
                    assert_eq!(expected, character.to_string(), "{casing:?}");
                    continue;
                };
                let mut text: String = one.iter().collect();
                for (of, becomes) in &several {
                    text = text.replace(*of, becomes);
                }
                assert_eq!(text, expected, "{casing:?} {character:?}");
            }
            assert!(several.len() < 120, "{casing:?}: {}", several.len());
        }
    }

    #[test]
    fn parts_are_replaced_within_a_limit() {
        let check = |(text, part, by): (&str, &str, &str), most: usize, expected: Option<&str>| {
            assert_eq!(Replacement::new(text, part, by).result(most).as_deref(), expected, "{text} {part} {by}");
        };
        check(("a-b-c", "-", ""), 9, Some("abc"));
        check(("aaa", "aa", "b"), 9, Some("ba"));
        check(("aaa", "", "b"), 3, Some("aaa"));
        check(("aaa", "", "b"), 2, None);
        check(("aaa", "a", "bbb"), 9, Some("bbbbbbbbb"));
        check(("aaa", "a", "bbb"), 8, None);
        check(("", "a", "b"), 0, Some(""));
    }

    #[test]
    fn white_space_is_that_of_unicode() {
        let all: String = ('\0'..=char::MAX).filter(|character| character.is_whitespace()).collect();
        assert_eq!(WHITE_SPACE, all);
    }
}
