use memchr::memmem;

/// The parts of a text between the separators, from left to right; none if there are more than `most`. A text without the
/// separator is one part, and so is every text if the separator is empty.
pub fn split<'t>(text: &'t str, separator: &str, most: usize) -> Option<Vec<&'t str>> {
    if separator.is_empty() {
        return Some(vec![text]);
    }
    let (mut parts, mut from) = (Vec::new(), 0);
    for at in memmem::find_iter(text.as_bytes(), separator) {
        if parts.len() + 1 >= most {
            return None;
        }
        parts.push(&text[from..at]);
        from = at + separator.len();
    }
    parts.push(&text[from..]);
    Some(parts)
}

/// Texts as one, with the separator between them; none if the result has more than `most` bytes.
pub fn joined<'t>(
    texts: impl IntoIterator<Item = &'t str, IntoIter: ExactSizeIterator + Clone>,
    separator: &str,
    most: usize,
) -> Option<String> {
    let texts = texts.into_iter();
    let between = texts.len().saturating_sub(1).checked_mul(separator.len())?;
    let bytes = texts.clone().map(str::len).try_fold(between, usize::checked_add)?;
    if bytes > most {
        return None;
    }
    let mut result = String::with_capacity(bytes);
    for (index, text) in texts.enumerate() {
        if index > 0 {
            result.push_str(separator);
        }
        result.push_str(text);
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_text() {
        let check = |text: &str, separator: &str, expected: &[&str]| {
            assert_eq!(split(text, separator, 4).as_deref(), Some(expected), "{text} {separator}");
        };
        check("a,b", ",", &["a", "b"]);
        check("a", ",", &["a"]);
        check("", ",", &[""]);
        check(",", ",", &["", ""]);
        check("aaa", "aa", &["", "a"]);
        check("épée", "é", &["", "p", "e"]);
        check("abc", "", &["abc"]);
        check("a,b,c,d", ",", &["a", "b", "c", "d"]);
        assert_eq!(split("a,b,c,d,e", ",", 4), None);
    }

    #[test]
    fn texts_become_one() {
        let check = |texts: &[&str], most: usize, expected: Option<&str>| {
            assert_eq!(joined(texts.iter().copied(), ", ", most).as_deref(), expected, "{texts:?}");
        };
        check(&[], 9, Some(""));
        check(&["a"], 9, Some("a"));
        check(&["a", "", "b"], 6, Some("a, , b"));
        check(&["a", "", "b"], 5, None);
    }
}
