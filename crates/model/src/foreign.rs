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
    (
        &["Serial", "BigSerial", "SmallSerial", "AutoField", "BigAutoField", "AutoIncrement"],
        "write `Int @sequence`; every record has an `id` of its own",
    ),
    (&["UUID", "GUID", "ObjectId"], "write `ID`, or the name of the type that it refers to"),
    (&["Jsonb", "Object", "Map", "Any", "Dictionary"], "write `JSON`"),
    (&["Blob", "Bytea", "Binary"], "write `Bytes`"),
    (&["Uri", "Link"], "write `Url`"),
    (
        &["Image", "Upload", "Attachment", "Media", "Photo", "Picture", "Avatar"],
        "write `Url`; files themselves are not supported yet",
    ),
    (&["Price"], "write `Money`, or `Decimal`"),
    (&["Color", "Colour", "Markdown", "Html", "RichText", "Editor"], "write `String`, or `Text` if it can be long"),
    (&["Slug"], "write `String @slug(from: \"title\")`"),
    (&["Year", "Month", "Count"], "write `Int`"),
    (
        &["Password", "Secret"],
        "remove the field: accounts of the `@identity` type have a password; other secrets are `String @class(is: SECRET)`",
    ),
    (
        &["Relation", "Reference", "ForeignKey", "Ref", "Record", "BelongsTo", "HasOne", "OneToOneField", "ManyToOne"],
        "write the name of the type that it refers to",
    ),
    (
        &["HasMany", "ManyToMany", "ManyToManyField", "OneToMany", "HasAndBelongsToMany"],
        "write a list of the type that it refers to, such as `[Tag!]`; at the other end of a relation, `[Post!] @inverse(field: \"author\")`",
    ),
    (&["Array", "List", "Set", "Collection"], "write the type of its elements in square brackets, such as `[String!]`"),
    (&["Select", "Choice", "Choices", "Option"], "declare an enum, and write its name"),
    (
        &["Point", "Location", "LatLng", "Coordinates", "GeoPoint"],
        "write two `Float` fields, or a type of your own that is marked `@embedded`",
    ),
];

const DIRECTIVES: Table = &[
    (
        &[
            "relation",
            "relationship",
            "hasMany",
            "hasOne",
            "belongsTo",
            "hasAndBelongsToMany",
            "manyToMany",
            "oneToMany",
            "manyToOne",
            "oneToOne",
            "ref",
            "references",
            "foreignKey",
            "fk",
        ],
        "remove it; a field whose type is a type of yours is the relation, and a list at its other end says `@inverse(field: …)`",
    ),
    (
        &["id", "primaryKey", "pk", "uuid"],
        "remove it; every record has an `id`, and `@key` on the type says what it is and who makes it",
    ),
    (&["required", "notNull", "nonNull", "presence"], "remove it, and write `!` after the type"),
    (&["optional", "nullable", "null", "blank"], "remove it; a field can be null unless its type ends with `!`"),
    (&["model", "entity", "table", "collection"], "remove it; every type is stored"),
    (&["map", "column"], "remove it; names in the database follow from those in the model"),
    (
        &["createdAt", "updatedAt", "timestamps", "autoNow", "autoNowAdd"],
        "remove it; every record has `createdAt` and `updatedAt`",
    ),
    (
        &[
            "auth",
            "authenticated",
            "authorize",
            "access",
            "permission",
            "permissions",
            "policy",
            "can",
            "grant",
            "role",
        ],
        "write `@allow(read: …, update: …)`",
    ),
    (&["deny", "forbid", "cannot"], "remove it; what no `@allow` allows is refused"),
    (&["user", "users", "account", "authUser"], "write `@identity`"),
    (&["hidden", "private", "hide"], "write `@allow(read: …)` on the field, or `@class(is: SECRET)`"),
    (&["min", "gte", "minimum"], "write `@range(min: …)`"),
    (&["max", "lte", "maximum"], "write `@range(max: …)`"),
    (&["between"], "write `@range(min: …, max: …)`"),
    (&["regex", "regexp", "format", "match"], "write `@pattern(is: …)`"),
    (&["constraint", "validate", "validates", "validation", "assert"], "write `@check(rule: …, message: …)`"),
    (&["minLength", "minItems"], "write `@length(min: …)`"),
    (&["maxLength", "maxItems", "size", "len"], "write `@length(max: …)`"),
    (&["public"], "write `@allow(read: \"true\")`"),
    (&["cascade", "onDeleteCascade"], "write `@onDelete(do: CASCADE)`"),
    (
        &["audit", "audited", "auditable", "versioned", "versions", "temporal", "paperTrail", "tracked", "revisions"],
        "write `@history(read: \"…\")` on the type",
    ),
    (
        &["nestedSet", "ltree", "hierarchy", "closureTable", "materializedPath", "hasTree"],
        "write `@tree(parent: \"parent\")` on the type",
    ),
    (&["softDelete", "softDeletes", "paranoid"], "write `@trash(keep: \"30d\")` on the type"),
    (&["singleton", "singleType", "global", "one"], "write `@single`"),
    (&["writeOnly", "secret", "password"], "write `@class(is: SECRET)`"),
    (
        &["orderBy", "sort", "sortBy", "defaultSort", "ordered", "orderable"],
        "write `@order(by: \"createdAt\")` on the list",
    ),
    (&["slugify", "permalink", "handle", "sluggable", "autoSlug"], "write `@slug(from: \"title\")`"),
    (
        &["autoIncrement", "serial", "counter", "numbered", "increment", "nextNumber", "identityColumn"],
        "write `Int @sequence`, or `String @sequence(format: \"INV-{n:05}\")`",
    ),
    (&["initialState"], "write `@initial`"),
    (&["uniqueTogether", "compositeUnique"], "write `@unique(fields: [\"…\", \"…\"])` on the type"),
    (
        &["noOverlap", "noOverlaps", "overlap", "exclusion", "excludeConstraint", "daterange", "tsrange"],
        "write `@exclude(fields: [\"room\"], from: \"start\", to: \"end\")` on the type",
    ),
    (&["formula", "virtual", "derived", "generated", "getter", "rollup", "lookup"], "write `@computed(is: \"…\")`"),
    (&["pii", "personal", "sensitive", "encrypted", "gdpr"], "write `@class(is: PERSONAL)`, or `@class(is: SECRET)`"),
    (&["description", "comment", "doc", "label"], "write the description as a text before it: `\"…\"`"),
    (&["unsigned"], "write `@range(min: 0)`"),
    (&["positive"], "write `@range(min: 1)`"),
    (&["choices", "oneOf", "values"], "declare an enum, and write its name as the type"),
    (&["plural", "route", "endpoint", "url"], "write `@path(is: \"…\")` on the type"),
    (&["frozen", "createOnly", "writeOnce", "final"], "write `@immutable`"),
    (&["cache", "view", "interface"], "remove it"),
    (&["log"], "remove it; every record has a `version`, and every change is in the commit log"),
    (&["fulltext", "fullText", "searchable", "tsvector"], "write `@search`"),
    (&["transition"], "write `@to(state: …)`"),
    (
        &["cron", "scheduled", "every", "periodic", "interval"],
        "write `extend schema @schedule(cron: \"0 3 * * *\", run: \"…\")`",
    ),
];

/// Arguments in other systems: the directive they belong to, and our word for them.
const ARGUMENTS: &[(&str, &[&str], &str)] = &[
    (
        "allow",
        &["role", "roles", "to", "who", "for", "group", "groups"],
        "say it in the rule: `@allow(read: \"'ADMIN' in auth.roles\")`",
    ),
    (
        "allow",
        &["all", "any", "everything", "if", "rule", "when", "using"],
        "write each action: `@allow(read: …, create: …, update: …, delete: …)`",
    ),
    ("allow", &["list", "view", "get", "select", "see", "query", "show"], "write `@allow(read: …)`"),
    ("allow", &["insert", "add", "new", "make"], "write `@allow(create: …)`"),
    ("allow", &["edit", "change", "modify", "patch"], "write `@allow(update: …)`"),
    ("allow", &["link", "reference", "connect"], "write `@allow(refer: …)`"),
    ("allow", &["undelete", "recover", "untrash"], "write `@allow(restore: …)`"),
    ("allow", &["forceDelete", "hardDelete", "erase", "expunge"], "write `@allow(purge: …)`"),
    ("allow", &["fields", "columns", "attributes"], "write `@allow(update: …, only: [\"…\"])`"),
    ("allow", &["check", "withCheck", "with_check"], "write `@allow(update: …, after: …)`"),
    ("default", &["value", "is", "literal"], "write `@default(to: …)`"),
    ("check", &["msg", "error", "text", "reason", "hint"], "write `@check(rule: …, message: …)`"),
    (
        "check",
        &["is", "if", "when", "expr", "expression", "condition", "constraint", "that"],
        "write `@check(rule: …, message: …)`",
    ),
    ("check", &["deferrable", "deferred", "initially", "at"], "write `@check(rule: …, message: …, on: COMMIT)`"),
    ("check", &["only", "fields", "for"], "write `@check(rule: …, message: …, guards: [\"…\"])`"),
    (
        "computed",
        &["to", "from", "as", "value", "rule", "expr", "expression", "formula", "by"],
        "write `@computed(is: …)`",
    ),
    ("index", &["on", "columns", "column", "keys", "by", "of"], "write `@index(fields: [\"…\"])`"),
    ("index", &["if", "when", "filter", "condition"], "write `@index(fields: …, where: …)`"),
    ("unique", &["on", "columns", "column", "keys", "by", "of", "with", "scope"], "write `@unique(fields: [\"…\"])`"),
    ("unique", &["if", "when", "filter", "condition"], "write `@unique(where: …)`"),
    ("renamed", &["to", "was", "old", "name", "of"], "write `@renamed(from: …)`, with the name that it had before"),
    ("set", &["value", "is", "from", "expression", "rule"], "write `@set(on: …, to: …)`"),
    ("set", &["if", "condition", "where"], "write `@set(on: …, to: …, when: …)`"),
    ("set", &["at", "event", "moment", "action"], "write `@set(on: …, to: …)`"),
    ("default", &["expression", "rule", "fn", "function"], "write `@default(from: …)`"),
    ("schedule", &["at", "every", "expression", "pattern", "when", "time"], "write `@schedule(cron: …, run: …)`"),
    ("schedule", &["job", "action", "function", "do", "name", "call"], "write `@schedule(cron: …, run: …)`"),
    ("schedule", &["timezone", "timeZone", "tz", "in"], "write `@schedule(cron: …, run: …, zone: …)`"),
    ("schedule", &["catchUp", "catchup", "misfire", "onMissed"], "write `@schedule(cron: …, run: …, missed: …)`"),
    ("to", &["if", "guard", "condition", "rule", "allow", "check"], "write `@to(state: …, when: …)`"),
    ("to", &["who", "actor", "allowed", "roles"], "write `@to(state: …, by: …)`"),
    ("to", &["fields", "only", "params", "arguments"], "write `@to(state: …, by: …, with: [\"…\"])`"),
    ("to", &["from"], "write `@to` on the state that it leads from"),
    ("to", &["target", "to", "next"], "write `@to(state: …)`"),
    ("search", &["boost", "priority", "importance", "factor", "score", "rank"], "write `@search(weight: 3)`"),
    (
        "search",
        &["lang", "locale", "analyzer", "dictionary", "config", "regconfig", "stemmer", "stemming"],
        "write `@search(language: \"en\")`",
    ),
    ("key", &["kind", "is", "as", "format", "version"], "write `@key(type: UUID4)`"),
    (
        "key",
        &["client", "clients", "generated", "manual", "custom", "allowClient", "writable"],
        "write `@key(given: true)` to let clients make the ids",
    ),
    (
        "key",
        &["fields", "field", "columns"],
        "remove it; the key of a record is `id`. Write `@unique(fields: […])` for others",
    ),
    ("length", &["least", "minimum", "from", "gte", "minLength"], "write `@length(min: …)`"),
    ("length", &["most", "maximum", "to", "lte", "limit", "value", "maxLength"], "write `@length(max: …)`"),
    ("exclude", &["start", "begin", "lower", "min"], "write `@exclude(from: \"start\", to: …)`"),
    ("exclude", &["end", "until", "upper", "max"], "write `@exclude(from: …, to: \"end\")`"),
    ("exclude", &["by", "on", "scope", "same", "equal", "columns"], "write `@exclude(fields: [\"room\"], …)`"),
    ("exclude", &["if", "when", "filter", "condition"], "write `@exclude(where: …)`"),
    (
        "slug",
        &["field", "fields", "of", "source", "sources", "basedOn", "populateFrom"],
        "write `@slug(from: \"title\")`",
    ),
    (
        "sequence",
        &["by", "scope", "group", "groupBy", "partitionBy", "of", "on"],
        "write `@sequence(per: \"project\")`",
    ),
    ("sequence", &["pattern", "prefix", "template", "as", "pad", "width"], "write `@sequence(format: \"INV-{n:05}\")`"),
    ("sequence", &["noGaps", "gaps", "strict", "dense", "contiguous"], "write `@sequence(gapless: true)`"),
    ("sequence", &["if", "condition", "where", "rule"], "write `@sequence(when: …)`"),
    (
        "sequence",
        &["start", "from", "first", "startAt", "startWith"],
        "remove it: a series begins with 1, or after the highest number that a seed gives",
    ),
    (
        "deprecated",
        &["because", "why", "message", "use", "note", "text", "instead", "since"],
        "write `@deprecated(reason: \"…\")`",
    ),
    ("order", &["fields", "field", "sort", "on", "key", "keys", "orderBy"], "write `@order(by: \"createdAt\")`"),
    (
        "order",
        &["desc", "descending", "asc", "direction", "dir"],
        "write `@order(by: \"-createdAt\")` for descending order",
    ),
    ("range", &["least", "minimum", "from", "gte", "ge", "after"], "write `@range(min: …)`"),
    ("range", &["most", "maximum", "to", "lte", "le", "before"], "write `@range(max: …)`"),
    ("pattern", &["regex", "regexp", "pattern", "value", "matches"], "write `@pattern(is: …)`"),
    ("pattern", &["error", "text", "description"], "write `@pattern(is: …, message: …)`"),
    ("history", &["for", "days", "after", "ttl", "retention", "duration"], "write `@history(read: …, keep: \"365d\")`"),
    ("history", &["who", "allow", "rule", "if", "when", "is"], "write `@history(read: …)`"),
    ("trash", &["for", "days", "after", "ttl", "retention", "purge", "duration"], "write `@trash(keep: \"30d\")`"),
    ("tree", &["by", "field", "of", "via", "up", "parentField"], "write `@tree(parent: \"parent\")`"),
    ("tree", &["sort", "orderBy", "siblings", "position"], "write `@tree(parent: …, order: \"position\")`"),
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

/// Functions that give a value in other systems.
const CALLS: Table = &[
    (&["now", "current_timestamp", "getdate", "sysdate"], "write `@default(from: \"now\")`"),
    (
        &["uuid", "cuid", "nanoid", "ulid", "gen_random_uuid", "uuid_generate_v4"],
        "remove it; every record has an `id`, and `@key` on the type says what it is and who makes it",
    ),
    (
        &["autoincrement", "nextval"],
        "write `@key(type: INT)` on the type for ids that are numbers, or `@sequence` to number the records in another field",
    ),
    (&["auth", "uid", "user"], "write `@default(from: \"auth.id\")`"),
];

/// For a call, such as `now()`, where `@default` needs a named argument.
pub(crate) fn instead_of_call(directive: &str, written: &str) -> Option<String> {
    let (name, _) = written.split_once('(').filter(|_| directive == "default")?;
    let expression = || "write an expression: `@default(from: \"…\")`";
    Some(find(CALLS, name).unwrap_or_else(expression).to_owned())
}

/// Finds a word whatever its case, and with or without underscores between its parts.
fn find(table: Table, word: &str) -> Option<&'static str> {
    let word = &word.replace(['_', '-'], "");
    let known =
        |(words, _): &&(&[&str], _)| words.iter().any(|known| known.replace('_', "").eq_ignore_ascii_case(word));
    table.iter().find(known).map(|(_, remedy)| *remedy)
}

/// For the name of a type that does not exist. Django's names end with `Field`.
pub(crate) fn instead_of_type(name: &str) -> Option<&'static str> {
    let of_django = || name.strip_suffix("Field").and_then(|name| find(TYPES, name).or_else(|| ours(name)));
    find(TYPES, name).or_else(of_django)
}

/// For a type of ours with something after its name.
fn ours(name: &str) -> Option<&'static str> {
    Some(match name {
        "Text" => "write `Text`",
        "Date" => "write `Date`",
        "DateTime" => "write `DateTime`",
        "Time" => "write `Time`",
        "Decimal" => "write `Decimal`",
        "Float" => "write `Float`",
        "Boolean" => "write `Boolean`",
        "Duration" => "write `Duration`",
        "Email" => "write `Email`",
        "JSON" => "write `JSON`",
        _ => return None,
    })
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
