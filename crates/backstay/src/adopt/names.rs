//! Names of tables and columns as names of types and fields: those whose names in the database are the same, if there are any.

use std::collections::HashSet;

use backstay_model::snake;

/// Characters that a name has at most.
const MOST: usize = 48;

/// Names that a type can't have: those of GraphQL and of the scalars that adopted fields have.
const NOT_TYPES: [&str; 14] = [
    "ID",
    "String",
    "Text",
    "Int",
    "Float",
    "Decimal",
    "Boolean",
    "DateTime",
    "Date",
    "Bytes",
    "JSON",
    "Query",
    "Mutation",
    "Subscription",
];
/// Names that a field can't have: those of every record and the words that rules can't name.
const NOT_FIELDS: [&str; 8] = ["id", "createdAt", "updatedAt", "version", "true", "false", "null", "in"];

/// `Harbour Master`, `harbourMaster` and `HARBOUR_MASTER` are two words each.
fn words(name: &str) -> Vec<String> {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let cased = if plain.chars().any(|c| c.is_ascii_lowercase()) { snake(&plain) } else { plain.to_ascii_lowercase() };
    let mut words: Vec<String> = cased.split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.first().is_none_or(|first| first.starts_with(|c: char| c.is_ascii_digit())) {
        words.insert(0, "n".to_owned());
    }
    words
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
}

/// The name of a type for a table. That of its table is the same if possible.
pub(super) fn of_type(table: &str, taken: &HashSet<String>) -> Option<String> {
    let pascal: String = words(table).iter().map(|word| capital(word)).collect();
    let apart = words(table).iter().map(|word| capital(word)).collect::<Vec<_>>().join("_");
    let plain = if snake(&pascal) == table || snake(&apart) != table { pascal } else { apart };
    let reserved = NOT_TYPES.contains(&plain.as_str()) || plain.to_ascii_lowercase().starts_with("backstay");
    let first = if reserved { format!("{plain}Record") } else { plain };
    free(&first, |name| !taken.contains(&name.to_ascii_lowercase()))
}

/// The name of a field for a column.
pub(super) fn of_field(column: &str, is_free: impl Fn(&str) -> bool) -> Option<String> {
    let words = words(column);
    let camel: String = words[..1].iter().cloned().chain(words[1..].iter().map(|word| capital(word))).collect();
    let plain = if snake(&camel) != column && words.join("_") == column { words.join("_") } else { camel };
    let first = if NOT_FIELDS.contains(&plain.as_str()) { format!("{plain}Before") } else { plain };
    free(&first, is_free)
}

/// `ShipCargo` → `shipCargo`.
pub(super) fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_lowercase(), letters.as_str()))
}

/// The name of the list of a type's records: its path as a name.
pub(super) fn plural(type_name: &str, path: Option<&str>) -> String {
    let path = path.map_or_else(|| backstay_model::path(type_name), str::to_owned);
    let mut words = path.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &capital(word))
}

/// The part of the address for a table that has its name in the plural.
pub(super) fn plural_path(type_name: &str) -> Option<String> {
    let word = snake(type_name).replace('_', "-");
    let is_plural = word.ends_with('s') && !["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    is_plural.then_some(word)
}

/// The name, or else one with a number after it.
fn free(name: &str, is_free: impl Fn(&str) -> bool) -> Option<String> {
    let fits = |name: &str| name.len() <= MOST && snake(name).len() <= MOST && is_free(name);
    let others = (2..100).map(|number| format!("{name}{number}"));
    std::iter::once(name.to_owned()).chain(others).find(|name| fits(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_types_and_columns_fields() {
        let check = |name: &str, ty: &str, field: &str| {
            assert_eq!(of_type(name, &HashSet::new()).as_deref(), Some(ty), "{name}");
            assert_eq!(of_field(name, |_| true).as_deref(), Some(field), "{name}");
        };
        check("film_actor", "FilmActor", "filmActor");
        check("Harbour Master", "HarbourMaster", "harbourMaster");
        check("InvoiceLine", "InvoiceLine", "invoiceLine");
        check("CUSTOMER", "Customer", "customer");
        check("line_2", "Line_2", "line_2");
        check("text", "TextRecord", "text");
        check("version", "Version", "versionBefore");
        check("2nd__try", "N2ndTry", "n2ndTry");
        check("backstay_log", "BackstayLogRecord", "backstayLog");
    }

    #[test]
    fn lists_are_called_like_their_paths() {
        let check = |name: &str, path: Option<&str>, list: &str| {
            assert_eq!(plural_path(name).as_deref(), path, "{name}");
            assert_eq!(plural(name, path), list, "{name}");
        };
        check("Ship", None, "ships");
        check("Owners", Some("owners"), "owners");
        check("HarbourMaster", None, "harbourMasters");
        check("Address", None, "addresses");
    }
}
