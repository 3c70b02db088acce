//! Command lines that are almost right, rewritten with the words that were typed.

/// What to write instead of a word that the command does not take, if it is clear what was meant. `arguments` are those
/// after the program's name.
pub(super) fn rewritten(command: &str, typed: &str, arguments: &[String]) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == typed)?;
    let before = at.checked_sub(1).map_or("", |at| arguments[at].as_str());
    let address = typed.contains('@');
    Some(match (command, before) {
        ("explain", method) if typed.starts_with('/') && is_method(method) => {
            format!("put the request in quotes: '{method} {typed}'")
        }
        ("invite", "add" | "create" | "new" | "send") if address => format!("use `backstay invite {typed}`"),
        ("invite", "delete" | "remove" | "rm" | "cancel") if address => format!("use `backstay invite revoke {typed}`"),
        ("key", _) if let Some(pairs) = pairs(arguments) => format!("separate them with commas: `--only {pairs}`"),
        ("operator", "operator") if address => format!("use `backstay operator add {typed}`"),
        ("account", "account") if address => format!("use `backstay account show {typed}`"),
        ("role", "role") if address => match arguments.get(at + 1) {
            Some(role) => format!("use `backstay role grant {typed} {role}`"),
            None => format!("use `backstay role list {typed}`"),
        },
        ("migrate", "migrate") if is_path(typed) => format!("use `backstay migrate plan {typed}`"),
        ("", "") if is_path(typed) => format!("use `backstay serve {typed}`"),
        _ => return None,
    })
}

fn is_method(word: &str) -> bool {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].iter().any(|method| method.eq_ignore_ascii_case(word))
}

/// Whether a word can only be meant as a directory.
fn is_path(word: &str) -> bool {
    matches!(word, "." | "..") || word.contains('/')
}

/// The pairs that follow `--only`, separated by commas, if there are several words.
fn pairs(arguments: &[String]) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == "--only")?;
    let pairs = arguments[at + 1..].iter().take_while(|word| word.contains(':') && !word.starts_with('-'));
    let pairs: Vec<&str> = pairs.map(|word| word.trim_matches(',')).collect();
    (pairs.len() > 1).then(|| pairs.join(","))
}
