//! Words of other languages and systems, and what an expression says in their place.

use crate::error::Name;

/// Words, in any case, and what to do instead.
type Table = &'static [(&'static [&'static str], &'static str)];

/// What the grammar has no place for.
const WORDS: Table = &[
    (&["=", "==="], "write `==`"),
    (&["&", "and"], "write `&&`"),
    (&["|", "or"], "write `||`"),
    (&["not"], "write `!`"),
    (&["is"], "write `== null` or `!= null`"),
    (&["<>"], "write `!=`"),
    (&["~", "like", "ilike"], "write `x.contains('…')`"),
    (&["=>"], "write a comma: `relation.exists(x, condition on x)`"),
    (&["in("], "write the list in square brackets: `x in ['a', 'b']`"),
    (&["@request"], "the caller is `auth`: write `auth.id`"),
    (&["‘", "’", "‚", "“", "”", "„", "«", "»"], "write texts between ' or \""),
];

/// Names of values.
const NAMES: Table = &[
    (&["null", "nil", "none", "undefined"], "write `null`"),
    (&["true"], "write `true`"),
    (&["false"], "write `false`"),
    (&["current_user", "currentUser"], "write `auth.id`"),
];

const FUNCTIONS: Table = &[
    (&["now"], "`now` takes no parentheses"),
    (&["any", "some"], "write `relation.exists(x, condition on x)`"),
    (&["every"], "write `relation.all(x, condition on x)`"),
    (&["count"], "records can't be counted in an expression"),
    (&["lower", "toLower", "toLowerCase"], "write `text.lowerAscii()`"),
    (&["upper", "toUpper", "toUpperCase"], "write `text.upperAscii()`"),
    (&["length", "len"], "write `size(x)`"),
    (&["includes"], "write `text.contains(part)`, or `x in list`"),
    (&["uid"], "write `auth.id`"),
];

const AUTH_PARTS: Table = &[(&["role"], "write `'ADMIN' in auth.roles`"), (&["uid"], "write `auth.id`")];

/// Parts of what has none.
const PARTS: Table = &[(&["length", "size"], "write `size(x)`")];

fn find(table: Table, word: &str) -> Option<&'static str> {
    let known = |(words, _): &&(&[&str], _)| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    table.iter().find(known).map(|(_, remedy)| *remedy)
}

/// For something that cannot stand where it does.
pub(crate) fn instead_of_word(found: &str) -> Option<&'static str> {
    find(WORDS, &found.replace(char::is_whitespace, ""))
}

/// For a name that is not known.
pub(crate) fn instead_of_name(what: &Name, name: &str) -> Option<&'static str> {
    match what {
        Name::Variable | Name::Field(_) => find(NAMES, name),
        Name::Function => find(FUNCTIONS, name),
        Name::AuthPart => find(AUTH_PARTS, name),
        Name::BareValue | Name::Value(_) | Name::Kind | Name::RequestPart | Name::MoneyPart => None,
    }
}

/// For a part of something that has no parts.
pub(crate) fn instead_of_part(name: &str) -> Option<&'static str> {
    find(PARTS, name)
}
