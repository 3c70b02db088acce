//! The languages whose words full-text search reduces to their stems, by the algorithms of Snowball.

use std::borrow::Cow;

use waken_snowball::{Algorithm, stem};

/// Declares the languages, each with its code in BCP 47, in the order of the codes. The algorithm has the name of the language.
macro_rules! languages {
    ($($name:ident $code:literal),* $(,)?) => {
        /// A language of texts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Language {
            $(#[doc = concat!("`", $code, "`")] $name,)*
        }

        impl Language {
            /// Every language.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its code in BCP 47, such as `en`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Its name in English.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            fn algorithm(self) -> Algorithm {
                match self { $(Self::$name => Algorithm::$name,)* }
            }
        }
    };
}

languages! {
    Arabic "ar", Catalan "ca", Danish "da", German "de", Greek "el", English "en", Esperanto "eo", Spanish "es",
    Estonian "et", Basque "eu", Finnish "fi", French "fr", Irish "ga", Hindi "hi", Hungarian "hu", Armenian "hy",
    Indonesian "id", Italian "it", Lithuanian "lt", Nepali "ne", Dutch "nl", Norwegian "no", Portuguese "pt",
    Romanian "ro", Russian "ru", Serbian "sr", Swedish "sv", Tamil "ta", Turkish "tr", Yiddish "yi",
}

impl Language {
    /// The language with this code.
    pub fn with_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|language| language.code() == code)
    }

    /// The language that somebody means who writes something else than its code: its name, or a code with a region.
    pub fn meant(text: &str) -> Option<Self> {
        let language = text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let others = match &*language {
            "nb" | "nn" => "no",
            other => other,
        };
        let named = |known: &Self| known.code() == others || known.name().eq_ignore_ascii_case(text);
        Self::ALL.iter().copied().find(named)
    }

    /// The stem of a word in lower case; the word itself if nothing of it would be left.
    pub(crate) fn stem(self, word: &str) -> Cow<'_, str> {
        match stem(self.algorithm(), word) {
            stem if stem.is_empty() => Cow::Borrowed(word),
            stem => stem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stems of words, which the indexes of stored records have: a change of them would be a change of what is stored.
    #[test]
    fn words_have_these_stems() {
        let check = |language: Language, words: &str, expected: &str| {
            let stems: Vec<String> = words.split(' ').map(|word| language.stem(word).into_owned()).collect();
            assert_eq!(stems.join(" "), expected, "{language:?}: {words}");
        };
        check(Language::English, "run runs running cities happiness skies dying", "run run run citi happi sky die");
        check(Language::German, "häuser haus bücher laufen", "haus haus buch lauf");
        check(Language::French, "réunions réunion chevaux cheval", "réunion réunion cheval cheval");
        check(Language::Russian, "книги книга книгой русский", "книг книг книг русск");
        check(Language::Spanish, "canciones canción", "cancion cancion");
        check(Language::Finnish, "talossa taloissa", "talo talo");
        check(Language::Turkish, "evlerde", "ev");
    }

    #[test]
    fn languages_have_codes() {
        assert_eq!(Language::with_code("de"), Some(Language::German));
        assert_eq!(Language::with_code("DE"), None);
        assert!(Language::ALL.is_sorted_by_key(|language| language.code()));
        for (text, expected) in [
            ("English", Some(Language::English)),
            ("german", Some(Language::German)),
            ("en-GB", Some(Language::English)),
            ("pt_BR", Some(Language::Portuguese)),
            ("nb", Some(Language::Norwegian)),
            ("xx", None),
            ("", None),
        ] {
            assert_eq!(Language::meant(text), expected, "{text}");
        }
    }
}
