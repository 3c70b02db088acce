//! How names of the model become names in the database and in addresses.

use backstay_base::nearest;

/// The last name of a path: `city` of `address.city`.
pub fn own_name(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, own)| own)
}

/// Bytes of an identifier that both databases keep whole.
const IDENTIFIER_BYTES: usize = 63;

/// `publishedAt` → `published_at`, `HTTPRequest` → `http_request`, `line2` → `line2`.
pub fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::with_capacity(name.len() + 4);
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after_small = before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let ends_capitals =
            before.is_some_and(|c| c.is_ascii_uppercase()) && letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (after_small || ends_capitals) {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// `checkOut` → `CheckOut`: the name with a capital letter.
pub(crate) fn pascal(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// `SiteSettings` → `site-settings`: the name in small letters with hyphens.
pub(crate) fn word(type_name: &str) -> String {
    snake(type_name).replace('_', "-")
}

/// `BlogPost` → `blog-posts`: the name in small letters with hyphens, and its last word in the plural: after a consonant
/// `y` becomes `ies`; after `s`, `x`, `z`, `ch` and `sh` comes `es`; else `s`. No dictionary.
pub fn path(type_name: &str) -> String {
    let mut word = word(type_name);
    let vowel_before_y = word.len() < 2 || word[..word.len() - 1].ends_with(['a', 'e', 'i', 'o', 'u', '-']);
    if word.ends_with('y') && !vowel_before_y {
        word.pop();
        word.push_str("ies");
    } else if word.ends_with(['s', 'x', 'z']) || word.ends_with("ch") || word.ends_with("sh") {
        word.push_str("es");
    } else {
        word.push('s');
    }
    word
}

/// The name of an index: `ix_post__state__published_at`, `ux_…` where it is unique.
pub(crate) fn index(table: &str, columns: &[&str], unique: bool) -> String {
    shortened(format!("{}_{table}__{}", if unique { "ux" } else { "ix" }, columns.join("__")))
}

/// The name of an index that is over the records of which a condition is true: that of the index over all, and a hash of
/// the condition.
pub(crate) fn partial_index(name: &str, condition: &str) -> String {
    let hash = fnv(condition);
    shortened(format!("{name}__{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff)))
}

/// The name of a link table: that of the type that declares the relation and that of the field.
pub(crate) fn link(table: &str, field: &str) -> String {
    shortened(format!("{table}__{}", snake(field)))
}

/// The name of the table of a relation in documents: that of the type with records, and those of the field, of the embedded
/// type and of the relation.
pub(crate) fn mention<'n>(table: &str, parts: impl Iterator<Item = &'n str>) -> String {
    let parts: Vec<String> = parts.map(|part| snake(&part.replace('.', "_"))).collect();
    shortened(format!("{table}__{}", parts.join("__")))
}

/// The names of the table of the index of full-text search, and of what finds its rows by their words.
pub(crate) fn search(table: &str) -> (String, String) {
    (shortened(format!("{table}__search")), shortened(format!("{table}__search_words")))
}

/// A name that is too long for the databases ends in a hash of its whole instead.
pub fn shortened(name: String) -> String {
    if name.len() <= IDENTIFIER_BYTES {
        return name;
    }
    let suffix = format!("_{:016x}", fnv(&name));
    format!("{}{suffix}", &name[..IDENTIFIER_BYTES - suffix.len()])
}

/// FNV-1a with 64 bits.
fn fnv(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// ``did you mean `x`?``, or what there is.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => "remove it; there is nothing that it could name".to_owned(),
        None if known.len() > 12 => {
            format!("available names: {}, and {} more", known[..12].join(", "), known.len() - 12)
        }
        None => format!("available names: {}", known.join(", ")),
    }
}

/// The words of an expression.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Whether an expression has all parts of a field's name among its words.
pub(crate) fn is_named_in(text: &str, name: &str) -> bool {
    name.split('.').all(|part| words(text).any(|word| word == part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_snake_case() {
        for (name, expected) in [
            ("publishedAt", "published_at"),
            ("HTTPRequest", "http_request"),
            ("userID", "user_id"),
            ("line2", "line2"),
            ("Address2Line", "address2_line"),
            ("already_snake", "already_snake"),
            ("A", "a"),
        ] {
            assert_eq!(snake(name), expected);
        }
    }

    #[test]
    fn paths_are_plural() {
        for (name, expected) in [
            ("Post", "posts"),
            ("Category", "categories"),
            ("Day", "days"),
            ("Box", "boxes"),
            ("Branch", "branches"),
            ("Wish", "wishes"),
            ("Bus", "buses"),
            ("BlogPost", "blog-posts"),
            ("Person", "persons"),
            ("Y", "ys"),
        ] {
            assert_eq!(path(name), expected);
        }
    }

    #[test]
    fn long_names_stay_apart() {
        let (a, b) = (index(&"t".repeat(48), &["a"], false), index(&"t".repeat(48), &["b"], true));
        assert_eq!(a.len(), 54);
        assert_ne!(a, b);
        let long = |column: &str| index(&"t".repeat(48), &["some_column", column], true);
        assert_eq!(long("one").len(), 63);
        assert_ne!(long("one"), long("two"));
    }

    #[test]
    fn suggests_what_is_near() {
        let known = ["title", "body", "publishedAt"];
        assert_eq!(suggestion("tilte", known), "did you mean `title`?");
        assert_eq!(suggestion("publishdAt", known), "did you mean `publishedAt`?");
        assert_eq!(suggestion("us", ["id", "b"]), "available names: id, b");
        assert_eq!(suggestion("x", known), "available names: title, body, publishedAt");
    }
}
