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
    (
        &["min", "max", "range", "length", "minLength", "maxLength", "constraint", "validate", "pattern", "regex"],
        "write `@check(rule: …, message: …)`",
    ),
    (&["initialState"], "write `@initial`"),
    (&["transition"], "write `@to(state: …)`"),
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
