//! What can be asked of each collection, as types, and where it is.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::actions;
use super::fields;
use super::names::{Names, member, quoted};
use super::types::{self, union};
use crate::document::{Collection, Document};

/// The interfaces of the runtime that an operation brings: for requests that are made now, and whether they can be part of a
/// transaction.
const ABILITIES: &[(&str, &str, bool)] = &[
    ("list", "Lists", true),
    ("list", "Pages", false),
    ("export", "Exports", false),
    ("get", "Gets", true),
    ("get", "Finds", false),
    ("aggregate", "Aggregates", true),
    ("create", "Creates", true),
    ("update", "Updates", true),
    ("replace", "Replaces", true),
    ("delete", "Deletes", true),
    ("updateAll", "UpdatesAll", true),
    ("deleteAll", "DeletesAll", true),
    ("changes", "Follows", false),
    ("trash", "Trashes", false),
    ("restore", "Restores", true),
    ("purge", "Purges", true),
    ("history", "Remembers", true),
];

/// What a sign-up takes where the document doesn't tell.
const SIGN_UP: &str = "{ email: string; password: string; invitation?: string }";

/// Declares `Types`.
pub(super) fn write_types(text: &mut String, document: &Document<'_>, names: &Names<'_>) {
    text.push_str("/** The types of the model. */\nexport interface Types {\n");
    for (name, collection) in &document.collections {
        shapes(text, (name, collection), document, names);
    }
    text.push_str("}\n\n");
}

/// Declares what functions ask: `Db`, and `Tx` within a block.
pub(super) fn write_database(text: &mut String, document: &Document<'_>) {
    text.push_str("/** The collections of the application. */\nexport interface Db {\n");
    text.push_str("  /** Runs a block whose requests are one commit; again, if what it has read has changed. */\n");
    text.push_str("  transaction<T>(block: (tx: Tx) => Promise<T>): Promise<T>;\n");
    for (name, collection) in &document.collections {
        let _ = writeln!(
            text,
            "  readonly {}: {};",
            quoted(&member(collection.path)),
            asked(document, (name, collection), Of::Db)
        );
    }
    text.push_str("}\n\n/** What hooks before changes read of them. */\nexport interface Readings {\n");
    for (name, collection) in &document.collections {
        let asked = asked(document, (name, collection), Of::Peek);
        let _ = writeln!(text, "  readonly {}: {asked};", quoted(&member(collection.path)));
    }
    text.push_str(
        "}\n\n/** The same within a block: writes are carried out at its commit. */\nexport interface Tx {\n",
    );
    for (name, collection) in &document.collections {
        let _ = writeln!(
            text,
            "  readonly {}: {} & {{ /** Reads that aren't checked again at the commit. */ readonly peek: {} }};",
            quoted(&member(collection.path)),
            asked(document, (name, collection), Of::Tx),
            asked(document, (name, collection), Of::Peek)
        );
    }
    text.push_str("}\n");
}

/// Where functions ask something of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Db,
    Tx,
    Peek,
}

/// What functions can ask of a collection there.
fn asked(document: &Document<'_>, (name, collection): (&str, &Collection<'_>), of: Of) -> String {
    const READS: &[&str] = &["Lists", "Gets", "Finds", "Aggregates", "Remembers", "Pages"];
    if collection.single {
        let abilities: &[&str] = if of == Of::Peek { &["GetsSingle"] } else { &["GetsSingle", "UpdatesSingle"] };
        return abilities.iter().map(|ability| format!("{ability}<{name:?}>")).collect::<Vec<_>>().join(" & ");
    }
    let known = ABILITIES.iter().filter(|(verb, ..)| collection.verbs.contains(verb));
    let mut all: Vec<String> = known
        .filter(|(_, ability, both)| *both || ["Finds", "Pages"].contains(ability))
        .filter(|(_, ability, _)| of != Of::Peek || READS.contains(ability))
        .map(|(_, ability, both)| match (both, of == Of::Tx && !READS.contains(ability)) {
            (false, _) => format!("{ability}<{name:?}>"),
            (true, true) if *ability == "Creates" && is_counted(document, name) => {
                format!("{ability}<{name:?}, \"counted\">")
            }
            (true, true) if *ability == "Creates" => format!("{ability}<{name:?}, \"known\">"),
            (true, true) => format!("{ability}<{name:?}, \"queued\">"),
            (true, false) => format!("{ability}<{name:?}, \"now\">"),
        })
        .collect();
    if !collection.on_conflict.is_empty() && of != Of::Peek {
        let mode = if of == Of::Tx { "queued" } else { "now" };
        all.push(format!("Upserts<{name:?}, {mode:?}>"));
    }
    if all.is_empty() { "{}".to_owned() } else { all.join(" & ") }
}

/// Whether the ids are numbers.
fn is_counted(document: &Document<'_>, name: &str) -> bool {
    let schema = document.schemas.get(name);
    schema.and_then(|schema| schema.pointer("/properties/id/type")).is_some_and(|ty| ty == "integer")
}

/// Declares `Types`, the client, and the paths.
pub(super) fn write(text: &mut String, document: &Document<'_>, names: &Names<'_>) {
    write_types(text, document, names);
    accounts(text, document, names);
    text.push_str("/** A client of the application. */\nexport interface BackstayClient extends BackstayBase {\n");
    for (name, collection) in &document.collections {
        let _ =
            writeln!(text, "  readonly {}: {};", quoted(&member(collection.path)), abilities(name, collection, true));
    }
    actions::declare(text, document, names);
    text.push_str("  /** Requests for `transact`. */\n  readonly later: {\n");
    for (name, collection) in document.collections.iter().filter(|(_, collection)| !collection.single) {
        let _ = writeln!(
            text,
            "    readonly {}: {};",
            quoted(&member(collection.path)),
            abilities(name, collection, false)
        );
    }
    let _ = writeln!(text, "  }};\n}}\n\nconst API = {:?};", document.prefix);
    text.push_str("const PATHS: { readonly [name: string]: { path: string; single: boolean } } = {\n");
    for Collection { path, single, .. } in document.collections.values() {
        let _ = writeln!(text, "  {}: {{ path: {path:?}, single: {single} }},", quoted(&member(path)));
    }
    text.push_str("};\n");
    actions::paths(text, document);
}

fn shapes(text: &mut String, (name, collection): (&str, &Collection<'_>), document: &Document<'_>, names: &Names<'_>) {
    let schema = &document.schemas[name];
    let body = |schema: &str| {
        let schema = format!("{name}.{schema}");
        if document.schemas.contains_key(&schema) { names.of_schema(&schema).to_owned() } else { "never".to_owned() }
    };
    let literals = |all: &[&str]| match all {
        [] => "never".to_owned(),
        all => union(all.iter().map(|one| format!("{one:?}"))),
    };
    let own = names.of_schema(name);
    let _ = writeln!(text, "  {}: {{", quoted(name));
    let mut line = |member: &str, of: &str| {
        let _ = writeln!(text, "    {member}: {of};");
    };
    line("record", own);
    line("relations", &fields::relations(document, schema, names));
    line("create", &body("Create"));
    line("patch", &body("Patch"));
    line("replace", &body("Replace"));
    line("key", &keys(schema, own));
    line("onConflict", &literals(&collection.on_conflict));
    line("where", &literals(&collection.equalities));
    line("floats", &literals(&fields::floats(schema)));
    line("search", if collection.search { "string" } else { "never" });
    let highlighted = schema["properties"]["$highlight"]["properties"].as_object().filter(|_| collection.search);
    let highlighted: Vec<&str> = highlighted.into_iter().flat_map(Map::keys).map(String::as_str).collect();
    line("highlight", &literals(&highlighted));
    line("hidden", if schema["x-restricted"] == json!(true) { "true" } else { "false" });
    text.push_str("  };\n");
}

/// Objects with the values of a unique key.
fn keys(schema: &Value, own: &str) -> String {
    let key = |key: &Value| {
        let fields = key.as_array().into_iter().flatten().filter_map(Value::as_str);
        let members: Vec<String> =
            fields.map(|field| format!("{}: NonNullable<{own}[{field:?}]>", quoted(field))).collect();
        format!("{{ {} }}", members.join("; "))
    };
    match schema["x-keys"].as_array().map(Vec::as_slice) {
        None | Some([]) => "never".to_owned(),
        Some(all) => union(all.iter().map(key)),
    }
}

/// What a sign-up takes, and the records of accounts.
fn accounts(text: &mut String, document: &Document<'_>, names: &Names<'_>) {
    let account = document.identity.filter(|name| document.schemas.contains_key(*name));
    let read = account.map_or("{ [field: string]: unknown }", |name| names.of_schema(name));
    let sign_up = document.sign_up.map_or_else(|| SIGN_UP.to_owned(), |schema| types::of(schema, names));
    let _ = writeln!(text, "/** The record of an account. */\nexport type SignedInAccount = {read};");
    text.push_str("/** What a sign-up takes. */\n");
    let _ = writeln!(text, "export type SignUp = {sign_up};\n");
}

fn abilities(name: &str, collection: &Collection<'_>, now: bool) -> String {
    if collection.single {
        let single = [("get", "GetsSingle"), ("update", "UpdatesSingle"), ("replace", "ReplacesSingle")];
        let all = single.iter().filter(|(verb, _)| collection.verbs.contains(verb));
        return all.map(|(_, ability)| format!("{ability}<{name:?}>")).collect::<Vec<_>>().join(" & ");
    }
    let mode = if now { "now" } else { "later" };
    let known = ABILITIES.iter().filter(|(verb, ..)| collection.verbs.contains(verb));
    let mut all: Vec<String> = known
        .filter(|(.., both)| now || *both)
        .map(|(_, ability, both)| match both {
            true => format!("{ability}<{name:?}, {mode:?}>"),
            false => format!("{ability}<{name:?}>"),
        })
        .collect();
    all.extend((!collection.on_conflict.is_empty()).then(|| format!("Upserts<{name:?}, {mode:?}>")));
    if all.is_empty() { "{}".to_owned() } else { all.join(" & ") }
}
