use std::collections::{BTreeMap, BTreeSet};

use crate::document::Document;

/// What the runtime means by these names isn't what a model does.
const GLOBALS: &[&str] = &[
    "Array",
    "AsyncGenerator",
    "Capitalize",
    "Error",
    "Exclude",
    "Extract",
    "JSON",
    "NonNullable",
    "Number",
    "Object",
    "Omit",
    "Pick",
    "Promise",
    "Required",
    "RequestInit",
    "Response",
    "String",
];
/// What is made beside the types of a model.
const GENERATED: &[&str] = &[
    "Types",
    "API",
    "PATHS",
    "SignUp",
    "SignedInAccount",
    "BackstayClient",
    "Db",
    "Readings",
    "Tx",
    "JobInputs",
    "MailTemplates",
];
/// The members that every client has, and those that objects have.
const MEMBERS: &[&str] =
    &["auth", "later", "token", "with", "transact", "independently", "sendAll", "connection", "constructor"];

/// The names of schemas and collections in the client.
#[derive(Debug)]
pub(super) struct Names<'d> {
    types: BTreeMap<&'d str, String>,
}

impl<'d> Names<'d> {
    /// `parts`: what stands beside the types of the model.
    pub(super) fn of(document: &Document<'d>, parts: &[&str]) -> Self {
        let mut taken: BTreeSet<String> = GLOBALS.iter().chain(GENERATED).map(|name| (*name).to_owned()).collect();
        taken.extend(parts.iter().flat_map(|part| declared(part)).map(str::to_owned));
        let mut types = BTreeMap::new();
        // Types of the model keep their names if they can: only other schemas have a dot.
        let (plain, dotted): (Vec<&str>, Vec<&str>) =
            document.schemas.keys().map(String::as_str).partition(|name| !name.contains('.'));
        for name in plain.into_iter().chain(dotted) {
            let mut own: String = name.split('.').map(capitalized).collect();
            while !taken.insert(own.clone()) {
                own.push('_');
            }
            types.insert(name, own);
        }
        Self { types }
    }

    /// The name of the type that stands for this schema.
    pub(super) fn of_schema(&self, name: &str) -> &str {
        self.types.get(name).map_or("unknown", String::as_str)
    }
}

/// The member of a client that stands for the collection at this path: `blogPosts` for `blog-posts`.
pub fn member(path: &str) -> String {
    let mut words = path.split(['-', '/', '.']);
    let first = words.next().unwrap_or_default().to_owned();
    let mut name = first + &words.map(capitalized).collect::<String>();
    if MEMBERS.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a module declares at its outermost level.
fn declared(module: &str) -> impl Iterator<Item = &str> {
    let words = ["interface ", "type ", "class "];
    module.lines().filter_map(move |line| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let rest = words.iter().find_map(|word| line.strip_prefix(word))?;
        rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()
    })
}

/// A name as the member of an object.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_$".contains(letter))
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if is_plain { name.to_owned() } else { format!("{name:?}") }
}

#[cfg(test)]
mod tests {
    use super::super::declarations::LIBRARY;
    use super::super::{REQUESTS, RUNTIME, TYPES, declarations, typescript};
    use super::*;

    #[test]
    fn paths_become_members() {
        let check = |path: &str, expected: &str| assert_eq!(member(path), expected);
        check("posts", "posts");
        check("blog-posts", "blogPosts");
        check("v2/items", "v2Items");
        check("auth", "auth_");
    }

    #[test]
    fn names_of_the_runtime_are_known() {
        let names: Vec<&str> = declared(RUNTIME).chain(declared(TYPES)).collect();
        for name in ["Problem", "Selection", "ConnectOptions", "HttpConnection", "BackstayBase"] {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn what_is_made_beside_the_types_of_a_model_is_reserved() {
        let openapi = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../http/tests/snapshots/openapi__the_newsroom_is_described.snap"
        ));
        let openapi = openapi.expect("the snapshot of a document");
        let (_, openapi) = openapi.split_once("\n---\n").expect("a document after the snapshot's head");
        let value = serde_json::from_str(openapi).expect("JSON");
        let document = Document::read(&value).expect("a document");
        let check = |made: &str, parts: &[&str]| {
            let names = Names::of(&document, parts);
            let own: BTreeSet<&str> = names.types.values().map(String::as_str).collect();
            let of_parts: BTreeSet<&str> = parts.iter().flat_map(|part| declared(part)).collect();
            let is_known = |name: &&str| own.contains(name) || of_parts.contains(name) || GENERATED.contains(name);
            let unreserved: Vec<&str> = declared(made).filter(|name| !is_known(name)).collect();
            assert_eq!(unreserved, [""; 0]);
            assert!(declared(made).any(|name| name == "Types"), "nothing was found");
        };
        check(&typescript(openapi).expect("a client"), &[RUNTIME, TYPES, REQUESTS]);
        let library = declarations(openapi, &[], &[]).expect("declarations");
        let (library, _) = library.split_once("declare module \"backstay/test\"").expect("two modules");
        let outermost: Vec<&str> = library.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
        check(&outermost.join("\n"), &[TYPES, LIBRARY]);
    }
}
