use std::fmt;

use backstay_http::CorsError;
use backstay_model::ApiPrefixError;
use toml::Spanned;
use toml::de::DeValue;

use super::Config;

/// One key of `backstay.toml`.
pub(crate) struct Key {
    /// The table it is in.
    pub(crate) section: &'static str,
    /// Its name there.
    pub(crate) name: &'static str,
    /// When a server follows a change of it.
    pub(crate) applies: Applies,
    /// Which values it takes.
    pub(crate) kind: Kind,
    /// What it does, as a sentence.
    pub(crate) about: &'static str,
    /// Sets a value that matches `kind`.
    pub(super) set: fn(&mut Config, Given) -> Result<(), Wrong>,
    /// The value in these settings, as TOML.
    pub(crate) show: fn(&Config) -> String,
}

impl Key {
    /// The environment variable that overrides it.
    pub(crate) fn variable(&self) -> String {
        format!("BACKSTAY_{}_{}", self.section, self.name).to_uppercase()
    }
}

/// When a server follows a change of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applies {
    /// With the next version of the application, while the server runs.
    Reload,
    /// When the server starts.
    Start,
}

/// The values that a key takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A whole number within these bounds.
    Number(i64, i64),
    /// `true` or `false`.
    Truth,
    /// A list of strings; comma-separated in the environment.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A value of the type that its key's kind says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    Number(i64),
    Truth(bool),
    Texts(Vec<String>),
}

/// Why a key refuses a value of the right type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// What is wrong with the value as a whole.
    Value(String),
    /// What is wrong with items of a list, by their indices.
    Items(Vec<(usize, String)>),
}

impl Wrong {
    /// Checks each item of a list, and collects what is wrong with any of them.
    pub(super) fn in_items<E: fmt::Display>(
        items: &[String],
        check: impl Fn(&String) -> Result<(), E>,
    ) -> Result<(), Self> {
        let wrong =
            items.iter().enumerate().filter_map(|(index, item)| Some((index, format!("{}", check(item).err()?))));
        let wrong: Vec<_> = wrong.collect();
        if wrong.is_empty() { Ok(()) } else { Err(Self::Items(wrong)) }
    }
}

impl From<CorsError> for Wrong {
    fn from(error: CorsError) -> Self {
        Self::Value(error.to_string())
    }
}

impl From<ApiPrefixError> for Wrong {
    fn from(error: ApiPrefixError) -> Self {
        Self::Value(error.to_string())
    }
}

impl From<String> for Wrong {
    fn from(words: String) -> Self {
        Self::Value(words)
    }
}

impl From<&str> for Wrong {
    fn from(words: &str) -> Self {
        Self::Value(words.to_owned())
    }
}

impl Kind {
    /// The values in words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Number(least, most) => format!("a whole number from {least} to {most}"),
            Self::Truth => "`true` or `false`".to_owned(),
            Self::Texts => "a list of strings".to_owned(),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
                format!("one of {}", words.join(", "))
            }
        }
    }
}

/// The error for a value that does not match its key's kind, which `from_toml` and `from_text` rule out.
const OTHER_TYPE: &str = "expected a value of another type";

impl Given {
    /// The value as TOML.
    pub(super) fn in_file(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Texts(texts) => list(texts),
        }
    }

    /// The value as an environment variable has it.
    pub(super) fn in_variable(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Texts(texts) => texts.join(","),
        }
    }

    pub(super) fn text(self) -> Result<String, &'static str> {
        if let Self::Text(text) = self { Ok(text) } else { Err(OTHER_TYPE) }
    }

    pub(super) fn texts(self) -> Result<Vec<String>, &'static str> {
        if let Self::Texts(texts) = self { Ok(texts) } else { Err(OTHER_TYPE) }
    }

    pub(super) fn truth(&self) -> Result<bool, &'static str> {
        if let Self::Truth(truth) = self { Ok(*truth) } else { Err(OTHER_TYPE) }
    }

    pub(super) fn number<N: TryFrom<i64>>(&self) -> Result<N, &'static str> {
        let Self::Number(number) = self else { return Err(OTHER_TYPE) };
        N::try_from(*number).map_err(|_| "expected a smaller number")
    }
}

/// The value of a key of this kind in the file.
pub(super) fn from_toml(kind: Kind, value: &Spanned<DeValue<'_>>) -> Option<Given> {
    let text = |value: &Spanned<DeValue<'_>>| value.get_ref().as_str().map(str::to_owned);
    match kind {
        Kind::Text => text(value).map(Given::Text),
        Kind::Choice(words) => text(value).filter(|word| words.contains(&word.as_str())).map(Given::Text),
        Kind::Truth => value.get_ref().as_bool().map(Given::Truth),
        Kind::Texts => {
            let items = value.get_ref().as_array()?.iter().map(text);
            items.collect::<Option<Vec<_>>>().map(Given::Texts)
        }
        Kind::Number(least, most) => {
            let integer = value.get_ref().as_integer()?;
            let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
            (least..=most).contains(&number).then_some(Given::Number(number))
        }
    }
}

/// The value in the file as it was written, whatever the key takes; `None` for dates, tables and lists of other things.
pub(super) fn as_written(value: &DeValue<'_>) -> Option<Given> {
    match value {
        DeValue::String(text) => Some(Given::Text(text.to_string())),
        DeValue::Boolean(truth) => Some(Given::Truth(*truth)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Given::Number),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Given::Texts)
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

/// The value of a key of this kind in an environment variable.
pub(super) fn from_text(kind: Kind, text: &str) -> Option<Given> {
    match kind {
        Kind::Text => Some(Given::Text(text.to_owned())),
        Kind::Choice(words) => words.contains(&text).then(|| Given::Text(text.to_owned())),
        Kind::Truth => text.parse().ok().map(Given::Truth),
        Kind::Texts if is_quoted(text) => None,
        Kind::Texts => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(Given::Texts(items.map(str::to_owned).collect()))
        }
        Kind::Number(least, most) => {
            let number = text.parse().ok()?;
            (least..=most).contains(&number).then_some(Given::Number(number))
        }
    }
}

/// Whether a list in an environment variable is written as it would be in the file.
fn is_quoted(list: &str) -> bool {
    let list = list.trim();
    (list.starts_with('[') && list.ends_with(']')) || list.contains(['"', '\''])
}

/// A string as TOML.
pub(super) fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// A list of strings as TOML.
pub(super) fn list(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
}
