//! Words of other languages and systems, and what an expression says in their place.

use crate::error::Name;

/// Words, in any case, and what to do instead.
type Table = &'static [(&'static [&'static str], &'static str)];

/// What the grammar has no place for.
const WORDS: Table = &[
    (&["=", "==="], "to compare, write `==`"),
    (&[";"], "remove it; join conditions with `&&`"),
    (&["&", "and"], "write `&&`"),
    (&["|", "or"], "write `||`"),
    (&["not"], "write `!`"),
    (&["notin"], "write `!(x in ['a', 'b'])`"),
    (&["is"], "write `== null` or `!= null`"),
    (&["<>", "!=="], "write `!=`"),
    (&["*", "^"], "write `*` between two numbers; the square of `x` is `x * x`"),
    (
        &["eq", "ne", "lt", "le", "gt", "ge", "_eq", "_ne", "_neq", "_lt", "_lte", "_gt", "_gte"],
        "write `==`, `!=`, `<`, `<=`, `>` or `>=`",
    ),
    (&["~", "=~", "matches"], "write `x.matches('[a-z]+')`"),
    (&["like"], "write `x.contains('…')`, `x.startsWith('…')` or `x.endsWith('…')`, without `%`"),
    (&["ilike"], "write `fold(x).contains(fold('…'))`, without `%`"),
    (
        &["contains", "has", "includes", "_contains", "_icontains"],
        "write `text.contains('…')`; in a list, write `'…' in list`",
    ),
    (&["startsWith"], "write `text.startsWith('…')`"),
    (&["endsWith"], "write `text.endsWith('…')`"),
    (&["between"], "write `x >= a && x <= b`"),
    (&["??"], "write `x != null ? x : y`"),
    (&["?."], "write `.`; what a missing record has is null"),
    (&["=>"], "write a comma: `relation.exists(x, condition on x)`; to compare, write `>=`"),
    (
        &["->"],
        "write a comma: `relation.exists(x, condition on x)`; before a part, write `.`; in a JSON field, write `x['name']`",
    ),
    (&["->>", "#>", "#>>"], "write `x['name']` for a value in a JSON field"),
    (&["=<"], "write `<=`"),
    (&["in("], "write the list in square brackets: `x in ['a', 'b']`"),
    (&["in", "_in"], "write `in` in lower case, before a list: `x in ['a', 'b']`"),
    (&["then", "else", "when", "end"], "write `condition ? value : other value`"),
    (
        &["day", "days", "hour", "hours", "minute", "minutes", "week", "weeks", "month", "months", "year", "years"],
        "write a length of time: `duration(days: 1)`",
    ),
    (&["#", "--"], "begin a comment in a rule with `//`"),
    (&["$"], "write names as they are, such as `auth.id`"),
    (&[":"], "write names as they are, such as `auth.id`; `:` belongs to `condition ? a : b`"),
    (&["@request"], CALLER),
    (&["‘", "’", "‚", "“", "”", "„", "«", "»"], "write texts between `'` or `\"`"),
];

const CALLER: &str = "the caller is `auth`: write `auth.id`";
const ROLES: &str = "write `'ADMIN' in auth.roles`";
const SIGNED_IN: &str = "write `auth.id != null`";
const CLAIMS: &str = "write `auth.claims.x`";

/// Names of values.
const NAMES: Table = &[
    (&["null", "nil", "none", "undefined"], "write `null`"),
    (&["true"], "write `true`"),
    (&["false"], "write `false`"),
    (&["current_user", "currentUser", "current_user_id", "currentUserId"], "write `auth.id`"),
    (&["current_timestamp"], "write `now`"),
];

/// Names that a field or a rule is as likely to have: for where no name is near.
const ROOTS: Table = &[
    (&["user", "me", "principal", "session", "identity", "context", "ctx", "viewer", "caller"], CALLER),
    (
        &["self", "it", "record", "row", "doc", "document", "resource", "object", "item", "model", "value"],
        "the record is `this`",
    ),
    (
        &["previous", "prev", "before", "original"],
        "the record before a write is `old`, in `@check`, `@set`, `after:` and the `when:` of `@to`",
    ),
    (&["input", "data", "args", "body", "values"], "the proposed record is `new`; where one is created, it is `this`"),
    (&["yes", "all", "allow"], "write `true`"),
    (&["no", "deny"], "write `false`"),
    (&["public", "everyone", "anyone", "anonymous"], "write `true`, which allows everyone"),
    (&["authenticated", "loggedIn", "signedIn", "isAuthenticated", "isLoggedIn", "isSignedIn"], SIGNED_IN),
    (&["owner", "isOwner"], "write `this.author == auth.id`, with the field that refers to the owner"),
    (&["admin", "isAdmin"], ROLES),
    (&["nobody", "private"], "write `false`, which allows nobody"),
    (&["today"], "write `today('Europe/Zurich')`, with the time zone, or `today()` for the day in UTC"),
];

const FUNCTIONS: Table = &[
    (&["now"], "`now` takes no parentheses"),
    (&["any", "some"], "write `relation.exists(x, condition on x)`"),
    (&["every"], "write `relation.all(x, condition on x)`"),
    (&["count"], "write `size(relation)`, or `relation.count(x, condition on x)`"),
    (
        &["avg", "average", "mean"],
        "divide a sum by a count and round: `round(relation.sum(x, x.field) / size(relation), 2)`",
    ),
    (&["maximum", "maxBy", "greatest"], "write `relation.max(x, x.field)`"),
    (&["minimum", "minBy", "least"], "write `relation.min(x, x.field)`"),
    (&["find", "findFirst", "single", "last"], "write `relation.first(x, condition on x, [-x.field])`"),
    (&["toLower", "toLowerCase", "lcase", "downcase", "lowercase"], "write `lower(text)`"),
    (&["toUpper", "toUpperCase", "ucase", "upcase", "uppercase"], "write `upper(text)`"),
    (&["unaccent", "casefold", "normalize", "equalsIgnoreCase"], "write `fold(text)`, which ignores case and accents"),
    (&["ilike", "icontains", "containsIgnoreCase"], "write `fold(text).contains(fold('…'))`"),
    (&["like"], "write `text.contains('…')`, `text.startsWith('…')` or `text.endsWith('…')`, without `%`"),
    (&["strip", "ltrim", "rtrim", "btrim", "trimStart", "trimEnd"], "write `trim(text)`, which trims both ends"),
    (&["explode", "split_part", "string_to_array", "regexp_split"], "write `split(text, ',')`"),
    (&["implode", "string_agg", "array_to_string", "array_join"], "write `join(list, ', ')`"),
    (&["replaceAll", "gsub"], "write `replace(text, part, by)`"),
    (&["match", "regex", "regexp", "regexMatch", "rlike", "test"], "write `text.matches('[a-z]+')`"),
    (
        &["substr", "substring", "slice", "left", "right", "charAt"],
        "split it, or ask `startsWith`, `endsWith`, `contains` or `matches`: `'a' in split(text, ',')`",
    ),
    (&["length", "len"], "write `size(x)`"),
    (&["includes"], "write `text.contains(part)`, or `x in list`"),
    (&["not"], "write `!`"),
    (&["uid", "id", "userId", "currentUser", "current_user"], "write `auth.id`"),
    (&["isOwner", "owns", "own"], "write `this.author == auth.id`, with the field that refers to the owner"),
    (&["role", "hasRole", "isAdmin", "hasAnyRole", "is", "can"], ROLES),
    (&["isAuthenticated", "isLoggedIn", "isSignedIn", "authenticated", "loggedIn", "signedIn"], SIGNED_IN),
    (&["isEmpty", "empty", "isBlank", "blank"], "write `size(x) == 0`, or `x == null`"),
    (&["isNull", "defined", "exists", "isset", "present", "isNotNull"], "write `x == null` or `x != null`"),
    (&["coalesce", "ifnull", "nvl", "default"], "write `x != null ? x : y`"),
    (&["interval"], "write a length of time: `duration(days: 7)`"),
    (&["pow", "power", "sqrt"], "multiply: `x * x`"),
    (&["age", "dateDiff", "date_diff", "yearsBetween", "years_between", "yearsSince"], YEARS),
    (&["concat", "concat_ws", "format", "printf", "sprintf"], "write `a + b`, with `text(x)` for what isn't a text"),
    (&["abs"], "write `x < 0 ? -x : x`"),
    (&["select", "query", "lookup"], "follow a relation: `this.author.name`, or `relation.exists(x, condition on x)`"),
    (&["jwt"], CLAIMS),
    (&["toString", "str", "to_char"], "write `text(x)`, or compare values of one type"),
];

const AUTH_PARTS: Table = &[
    (&["role", "isAdmin", "admin"], ROLES),
    (&["isAuthenticated", "authenticated", "isLoggedIn", "loggedIn", "signedIn"], SIGNED_IN),
    (&["email_verified", "emailVerified", "isVerified", "confirmed", "email_confirmed_at"], "write `auth.verified`"),
    (&["uid", "user", "userId", "user_id", "sub"], "write `auth.id`"),
    (
        &[
            "token",
            "jwt",
            "metadata",
            "user_metadata",
            "app_metadata",
            "org_id",
            "orgId",
            "tenant",
            "tenant_id",
            "tenantId",
        ],
        CLAIMS,
    ),
    (&["email", "name"], "the caller has neither in rules; compare a relation with `auth.id`"),
];

const REQUEST_PARTS: Table = &[
    (&["auth", "user", "uid"], CALLER),
    (&["now"], "write `now`"),
    (&["resource", "data", "body"], "the proposed record is `new`; where one is created, it is `this`"),
];

/// What isn't always equally long.
const UNITS: Table = &[(&["year", "years"], YEARS)];
const YEARS: &str =
    "write `years(from, to)` for the whole years between two dates, such as `years(this.born, today()) >= 18`";

/// Parts of things that have no parts.
const PARTS: Table = &[
    (&["length", "size", "count"], "write `size(x)`"),
    (&["year", "month", "day"], "of a `Date`, write `year(x)`; of a `DateTime`, `year(date(x, 'Europe/Zurich'))`"),
];

/// Parameters that other systems fill in themselves, without their `$`.
const PARAMETERS: Table = &[
    (&["current_user", "auth", "user", "user_id", "userId", "uid", "me"], CALLER),
    (&["current_role", "current_roles", "role", "roles"], ROLES),
    (&["now"], "write `now`"),
];

/// Prefix of the names of the caller's variables in Hasura.
const HASURA: &str = "x-hasura-";

/// Letters of the variable of Hasura that begins the text.
pub(crate) fn hasura_variable(text: &str) -> Option<usize> {
    let begins = text.get(..HASURA.len())?.eq_ignore_ascii_case(HASURA);
    let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    begins.then_some(length)
}

fn instead_of_hasura(name: &str) -> Option<&'static str> {
    hasura_variable(name).filter(|length| *length == name.len())?;
    Some(match name[HASURA.len()..].to_ascii_lowercase().as_str() {
        "user-id" => CALLER,
        "role" | "default-role" | "allowed-roles" => ROLES,
        _ => CLAIMS,
    })
}

fn find(table: Table, word: &str) -> Option<&'static str> {
    let known = |(words, _): &&(&[&str], _)| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    table.iter().find(known).map(|(_, remedy)| *remedy)
}

/// For something that cannot stand where it does.
pub(crate) fn instead_of_word(found: &str) -> Option<&'static str> {
    find(WORDS, &found.replace(char::is_whitespace, "")).or_else(|| instead_of_hasura(found))
}

/// For a name that is not known; `is_near`: whether there is a name like it.
pub(crate) fn instead_of_name(what: &Name, name: &str, is_near: bool) -> Option<&'static str> {
    match what {
        Name::Variable => find(NAMES, name).or_else(|| find(ROOTS, name).filter(|_| !is_near)),
        Name::Field(_) => find(NAMES, name),
        Name::Function => find(FUNCTIONS, name),
        Name::AuthPart => find(AUTH_PARTS, name),
        Name::RequestPart => find(REQUEST_PARTS, name),
        Name::Unit => find(UNITS, name),
        Name::Output
        | Name::BareValue
        | Name::Value(_)
        | Name::UnionType(_)
        | Name::Kind
        | Name::Action
        | Name::MoneyPart => None,
    }
}

/// For a part of something that has no parts.
pub(crate) fn instead_of_part(name: &str) -> Option<&'static str> {
    find(PARTS, name)
}

/// For a parameter where there are none.
pub(crate) fn instead_of_parameter(name: &str) -> Option<&'static str> {
    find(PARAMETERS, name)
}

/// For a text that is not a value of the type it stands beside.
pub(crate) fn instead_of_text(text: &str) -> Option<&'static str> {
    match text.strip_prefix('$') {
        Some(name) => find(PARAMETERS, name),
        None => instead_of_hasura(text),
    }
}

/// Whether the word counts, in this language or another one.
pub(crate) fn counts(name: &str) -> bool {
    matches!(name, "size" | "length" | "len" | "count")
}
