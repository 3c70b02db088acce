//! Texts of several items, such as `count,total=sum(price * quantity)`.

use backstay_engine::is_output_name;

use super::problem::Problem;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'t> {
    /// Characters before its expression.
    pub(super) offset: usize,
    /// The name that it is given.
    pub(super) name: Option<&'t str>,
    /// Its expression.
    pub(super) text: &'t str,
}

/// The items of a text, which commas separate outside of parentheses, brackets and quotes.
pub(super) fn items(text: &str) -> Result<Vec<Item<'_>>, Problem> {
    let mut items = Vec::new();
    let mut start = 0;
    for end in ends(text) {
        items.push(item(text, start, end)?);
        start = end + 1;
    }
    Ok(items)
}

/// Where the items end, in bytes.
fn ends(text: &str) -> Vec<usize> {
    let (mut ends, mut depth, mut quote, mut escaped) = (Vec::new(), 0_usize, None, false);
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => quote = Some(char),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => ends.push(at),
            (Some(_) | None, _) => {}
        }
    }
    ends.push(text.len());
    ends
}

fn item(text: &str, start: usize, end: usize) -> Result<Item<'_>, Problem> {
    let whole = &text[start..end];
    let (name, expression) = match whole.split_once('=') {
        Some((name, rest)) if is_output_name(name.trim()) && !rest.starts_with('=') => (Some(name.trim()), rest),
        _ => (None, whole),
    };
    let trimmed = expression.trim_start();
    let offset = text[..end - trimmed.len()].chars().count();
    if trimmed.is_empty() {
        let remedy =
            "write expressions separated by commas, such as state,month=startOfMonth(createdAt, 'Europe/Zurich')";
        return Err(Problem::at(offset, "a value is missing", remedy));
    }
    Ok(Item { offset, name, text: trimmed.trim_end() })
}

/// Whether a text is a name or a path of names.
pub(super) fn is_path(text: &str) -> bool {
    text.split('.').all(is_output_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_end_at_commas_outside_of_parentheses_and_quotes() {
        let check = |text: &str, expected: &[(usize, Option<&str>, &str)]| {
            let items = items(text).expect("items");
            let found: Vec<_> = items.iter().map(|item| (item.offset, item.name, item.text)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("state", &[(0, None, "state")]);
        check(" state , author.name", &[(1, None, "state"), (9, None, "author.name")]);
        check("count,total=sum(a)", &[(0, None, "count"), (12, Some("total"), "sum(a)")]);
        check("x = if(a, b),y", &[(4, Some("x"), "if(a, b)"), (13, None, "y")]);
        check("title == 'a,b',\"c\\\",\" == t", &[(0, None, "title == 'a,b'"), (15, None, "\"c\\\",\" == t")]);
        check("a==b,c=d==e", &[(0, None, "a==b"), (7, Some("c"), "d==e")]);
        check("ü == t,z", &[(0, None, "ü == t"), (7, None, "z")]);
        check("[a,b", &[(0, None, "[a,b")]);
        for missing in ["", ",", "a,", ",a", "x=", "a,,b"] {
            assert!(items(missing).is_err(), "{missing}");
        }
    }
}
