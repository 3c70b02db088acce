/// Names that mean something else in a condition.
const RESERVED: &[&str] = &["this", "new", "old", "now", "auth", "request", "true", "false", "null", "in"];

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Whether a text can be the name of an output: letters, digits and `_`, and no digit first.
pub fn is_output_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Words and paths as one name, if they are nothing else: `author.name` is `authorName`.
pub fn of_path(words: &[&str]) -> Option<String> {
    let mut joined = String::new();
    for word in words.iter().flat_map(|words| words.split('.')) {
        if !is_output_name(word) {
            return None;
        }
        let mut chars = word.chars();
        let first = chars.next()?;
        joined.push(if joined.is_empty() { first } else { first.to_ascii_uppercase() });
        joined.extend(chars);
    }
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_name() {
        let check = |words: &[&str], expected: Option<&str>| assert_eq!(of_path(words).as_deref(), expected);
        check(&["sum", "amount"], Some("sumAmount"));
        check(&["author.name"], Some("authorName"));
        check(&["avg", "a.b_c"], Some("avgAB_c"));
        check(&["sum", "a + b"], None);
        check(&["1"], None);
        check(&["a."], None);
    }
}
