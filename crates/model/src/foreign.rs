//! Types and directives of other systems, and what a model says in their place.

/// Words, in any case, and what to do instead.
type Table = &'static [(&'static [&'static str], &'static str)];

const TYPES: Table = &[
    (&["Integer", "BigInt", "SmallInt", "Long", "Int32", "Int64"], "write `Int`; it has 64 bits"),
    (&["Number"], "write `Int`, `Decimal` or `Float`"),
    (&["Numeric"], "write `Decimal`"),
    (&["Double", "Real"], "write `Float`"),
    (&["Bool"], "write `Boolean`"),
    (&["Str", "Varchar", "Char", "Character"], "write `String`"),
    (&["LongText", "MediumText"], "write `Text`"),
    (&["Timestamp", "Timestamptz", "Instant"], "write `DateTime`"),
    (&["Interval"], "write `Duration`"),
    (&["UUID", "GUID", "ObjectId", "Serial"], "write `ID`, or the name of the type that it refers to"),
    (&["Jsonb", "Object", "Map", "Any", "Dictionary"], "write `JSON`"),
    (&["Blob", "Bytea", "Binary"], "write `Bytes`"),
    (&["Uri", "Link"], "write `Url`"),
    (&["Currency", "Price"], "write `Money`, or `Decimal`"),
];

const DIRECTIVES: Table = &[
    (
        &["relation", "relationship", "hasMany", "hasOne", "belongsTo", "manyToMany", "oneToMany", "manyToOne", "ref"],
        "remove it; a field whose type is a type of yours is the relation, and a list at its other end says `@inverse(field: …)`",
    ),
    (&["id", "primaryKey", "pk"], "remove it; every record has a UUIDv7 as `id`"),
    (&["required", "notNull", "nonNull"], "remove it, and write `!` after the type"),
    (&["optional", "nullable"], "remove it; a field can be null unless its type ends with `!`"),
    (&["model", "entity", "table", "collection"], "remove it; every type is stored"),
    (&["map", "column"], "remove it; names in the database follow from those in the model"),
    (&["createdAt", "updatedAt"], "remove it; every record has `createdAt` and `updatedAt`"),
    (&["auth", "authenticated", "access", "permission", "permissions", "policy"], "write `@allow(read: …, update: …)`"),
    (&["hidden", "private", "hide"], "write `@allow(read: …)` on the field, or `@class(is: SECRET)`"),
    (&["min", "max", "range", "constraint", "validate", "pattern", "regex"], "write `@check(rule: …, message: …)`"),
    (&["minLength", "minItems"], "write `@length(min: …)`"),
    (&["maxLength", "maxItems", "size", "len"], "write `@length(max: …)`"),
    (&["public"], "write `@allow(read: \"true\")`"),
    (&["cascade", "onDeleteCascade"], "write `@onDelete(do: CASCADE)`"),
    (&["softDelete", "softDeletes", "paranoid"], "write `@trash(keep: \"30d\")` on the type"),
    (&["singleton", "singleType", "global", "one"], "write `@single`"),
    (&["writeOnly", "secret", "password"], "write `@class(is: SECRET)`"),
    (
        &["orderBy", "sort", "sortBy", "defaultSort", "ordered", "orderable"],
        "write `@order(by: \"createdAt\")` on the list",
    ),
    (&["slugify", "permalink", "handle", "sluggable", "autoSlug"], "write `@slug(from: \"title\")`"),
    (&["initialState"], "write `@initial`"),
    (&["transition"], "write `@to(state: …)`"),
];

/// Arguments in other systems: the directive they belong to, and our word for them.
const ARGUMENTS: &[(&str, &[&str], &str)] = &[
    ("allow", &["list", "view", "get", "select", "see", "query", "show"], "write `@allow(read: …)`"),
    ("allow", &["insert", "add", "new", "make"], "write `@allow(create: …)`"),
    ("allow", &["edit", "change", "modify", "patch"], "write `@allow(update: …)`"),
    ("allow", &["link", "reference", "connect"], "write `@allow(refer: …)`"),
    ("allow", &["fields", "columns", "attributes"], "write `@allow(update: …, only: [\"…\"])`"),
    ("allow", &["check", "withCheck", "with_check"], "write `@allow(update: …, after: …)`"),
    ("default", &["value", "is", "literal"], "write `@default(to: …)`"),
    ("default", &["expression", "rule", "fn", "function"], "write `@default(from: …)`"),
    ("to", &["if", "guard", "condition", "rule", "allow", "check"], "write `@to(state: …, when: …)`"),
    ("to", &["who", "actor", "allowed", "roles"], "write `@to(state: …, by: …)`"),
    ("to", &["fields", "only", "params", "arguments"], "write `@to(state: …, by: …, with: [\"…\"])`"),
    ("to", &["target", "to", "next"], "write `@to(state: …)`"),
    ("length", &["least", "minimum", "from", "gte", "minLength"], "write `@length(min: …)`"),
    ("length", &["most", "maximum", "to", "lte", "limit", "value", "maxLength"], "write `@length(max: …)`"),
    (
        "slug",
        &["field", "fields", "of", "source", "sources", "basedOn", "populateFrom"],
        "write `@slug(from: \"title\")`",
    ),
    ("order", &["fields", "field", "sort", "on", "key", "keys", "orderBy"], "write `@order(by: \"createdAt\")`"),
    (
        "order",
        &["desc", "descending", "asc", "direction", "dir"],
        "write `@order(by: \"-createdAt\")` for descending order",
    ),
    ("trash", &["for", "days", "after", "ttl", "retention", "purge", "duration"], "write `@trash(keep: \"30d\")`"),
    ("rule", &["expr", "expression", "rule", "when", "if", "condition", "value"], "write `@rule(name: …, is: …)`"),
];

/// Words of other systems for an option, and ours.
const OPTIONS: &[(&[&str], &str)] = &[
    (&["DELETE", "REMOVE"], "CASCADE"),
    (&["NULL", "NULLIFY", "SETNULL", "CLEAR"], "SET_NULL"),
    (&["NO_ACTION", "NOACTION", "DENY", "PROTECT", "BLOCK"], "RESTRICT"),
    (&["SAVE", "ALWAYS", "BOTH", "ALL"], "WRITE"),
    (&["INSERT", "NEW", "ADD"], "CREATE"),
    (&["CHANGE", "EDIT", "MODIFY"], "UPDATE"),
];

fn find(table: Table, word: &str) -> Option<&'static str> {
    let known = |(words, _): &&(&[&str], _)| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    table.iter().find(known).map(|(_, remedy)| *remedy)
}

/// For the name of a type that does not exist.
pub(crate) fn instead_of_type(name: &str) -> Option<&'static str> {
    find(TYPES, name)
}

/// For the name of a directive that does not exist, without its `@`.
pub(crate) fn instead_of_directive(name: &str) -> Option<&'static str> {
    find(DIRECTIVES, name)
}

/// For an argument that a directive does not take; `on_field`: whether the directive is on a field.
pub(crate) fn instead_of_argument(directive: &str, name: &str, on_field: bool) -> Option<String> {
    let all = |delete: &str| format!("write `@allow(create: …, update: …{delete})`");
    match (directive, name) {
        ("allow", "write") => return Some(all(if on_field { "" } else { ", delete: …" })),
        ("allow", "delete" | "remove" | "destroy") if on_field => {
            return Some("a record is deleted as a whole: write `delete:` in the `@allow` of the type".to_owned());
        }
        ("allow", "remove" | "destroy") => return Some("write `@allow(delete: …)`".to_owned()),
        _ => {}
    }
    let known = |(of, words, _): &&(&str, &[&str], &str)| {
        *of == directive && words.iter().any(|word| word.eq_ignore_ascii_case(name))
    };
    ARGUMENTS.iter().find(known).map(|(_, _, remedy)| (*remedy).to_owned())
}

/// For an option that an argument does not have.
pub(crate) fn instead_of_option(name: &str) -> Option<&'static str> {
    let known = |(words, _): &&(&[&str], &str)| words.iter().any(|word| word.eq_ignore_ascii_case(name));
    OPTIONS.iter().find(known).map(|(_, option)| *option)
}
