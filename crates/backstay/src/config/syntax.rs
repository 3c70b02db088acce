//! What is probably wrong with a line that is not TOML.

use std::ops::Range;

use toml::de::DeValue;

use super::Config;
use super::foreign::{Foreign, foreign, key};
use super::keys::keys;
use super::meant::meant;
use super::value::{Given, Key, as_written};

/// A mistake in the syntax, in words that a person understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The bytes of the file that are wrong.
    pub(super) place: Range<usize>,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
}

/// Looks for a value without quotes, a key without `=` and a key without value in the line of this byte. `None` if it
/// is none of these.
pub(super) fn mistake(text: &str, at: usize) -> Option<Mistake> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next()?;
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let indent = line.len() - line.trim_start().len();
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let name_end = line[indent..].find(|c| !is_of_key(c)).map_or(line.len(), |end| indent + end);
    let name = &line[indent..name_end];
    if name.is_empty() {
        return None;
    }
    let (assigned, value) = match line[name_end..].trim_start() {
        rest if rest.starts_with('=') => (true, rest[1..].trim_start()),
        rest => (false, rest.strip_prefix(':').unwrap_or(rest).trim_start()),
    };
    let value_place = start + line.len() - value.len()..start + line.len();
    let given = match DeValue::parse(value) {
        Ok(_) if assigned => return None,
        Ok(value) => as_written(value.get_ref())?,
        Err(_) if value.starts_with(['"', '\'', '[', '{', '=']) => return None,
        Err(_) => Given::Text(value.to_owned()),
    };
    let key = named(name);
    // Without `=`, the line can be an item of a list.
    if !assigned && key.is_none() {
        return None;
    }
    // A name of another system is replaced; one of ours stays as it is written, such as `server.listen`.
    let ours = key.map_or(name, |key| if name.ends_with(key.name) { name } else { key.name });
    if value.is_empty() {
        let example = key.map_or("\"…\"".to_owned(), |key| (key.show)(&Config::default()));
        let help = format!("write a value, such as `{ours} = {example}`");
        return Some(Mistake {
            place: start + indent..start + name_end,
            message: format!("`{name}` has no value"),
            help,
        });
    }
    let right = key.and_then(|key| meant(key, &given));
    let written = right.as_ref().unwrap_or(&given).in_file();
    let quotes = matches!(right, None | Some(Given::Text(_) | Given::Texts(_)));
    let advice = if quotes && assigned { "put the value in quotes:" } else { "write" };
    let help = format!("{advice} `{ours} = {written}`");
    Some(if assigned {
        Mistake { place: value_place, message: format!("`{value}` is not a TOML value"), help }
    } else {
        Mistake { place: start + indent..start + name_end, message: format!("expected `=` after `{name}`"), help }
    })
}

/// A table or a key that the line of this byte repeats.
pub(super) fn repeated(text: &str, at: usize) -> Option<Mistake> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let (before, line) = (&text[..start], text[start..].lines().next()?);
    let (name, remedy) = match (table_of(line), key_of(line)) {
        (Some(table), _) if before.lines().any(|line| table_of(line) == Some(table)) => {
            (format!("[{table}]"), "join the two tables")
        }
        (None, Some(key)) => {
            let mut same_table = before.lines().rev().take_while(|line| table_of(line).is_none());
            same_table.find(|line| key_of(line) == Some(key))?;
            (format!("`{key}`"), "remove one of the two lines")
        }
        _ => return None,
    };
    let indent = line.len() - line.trim_start().len();
    let place = start + indent..start + line.trim_end().len();
    Some(Mistake { place, message: format!("{name} occurs twice"), help: remedy.to_owned() })
}

/// The table that a line starts, such as `[server]`.
fn table_of(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix('[')?.split_once(']').map(|(name, _)| name.trim())
}

/// The key that a line sets.
fn key_of(line: &str) -> Option<&str> {
    let name = line.split_once('=')?.0.trim();
    (!name.is_empty() && !name.starts_with('#')).then_some(name)
}

/// The key with this name in any table, or the one that another system calls so.
fn named(name: &str) -> Option<&'static Key> {
    let name = name.rsplit('.').next()?;
    keys().find(|key| key.name == name).or_else(|| match foreign(name)? {
        Foreign::Key(section, name) => key(section, name),
        Foreign::Table(_) | Foreign::Advice(_) => None,
    })
}
