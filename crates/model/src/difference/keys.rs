//! A change of `@key` in words.

use crate::Key;

/// What a change does to new and stored records.
pub(super) fn words(collection: &str, from: Key, to: Key) -> String {
    let given = match (from.given, to.given) {
        (false, true) => Some(format!("creates of {collection} can give an id")),
        (true, false) => Some(format!("creates of {collection} can't give an id any more")),
        _ => None,
    };
    if from.form() != to.form() {
        return format!("the ids of {collection} are {}, not {}", to.kind.words(), from.kind.words());
    }
    let kind = (from.kind != to.kind).then(|| format!("new ids of {collection} are {}", to.kind.words()));
    let parts: Vec<String> = kind.into_iter().chain(given).collect();
    format!("{}; no record changes", parts.join(", and "))
}

/// What clients notice, and whether requests that worked can fail.
pub(super) fn noticed(collection: &str, from: Key, to: Key) -> Option<(String, bool)> {
    if from.form() != to.form() {
        return Some((words(collection, from, to), true));
    }
    Some(match (from.given, to.given) {
        (false, false) => return None,
        (false, true) => (format!("creates of {collection} can give an id"), false),
        (true, false) => (format!("creates of {collection} that give an id are refused"), true),
        (true, true) => (format!("ids that creates of {collection} give must be {}", to.kind.words()), true),
    })
}
