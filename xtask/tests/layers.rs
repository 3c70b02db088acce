//! Which crate may depend on which, checked against `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Every crate with the crates that it may use. All may use `base` and `scalar`.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("scalar", &[]),
    ("model", &[]),
    ("vault", &[]),
    ("audit", &[]),
    ("live", &[]),
    ("meter", &[]),
    ("heap", &[]),
    ("client", &[]),
    ("egress", &[]),
    ("mail", &[]),
    ("expr", &["model"]),
    ("sql", &["expr", "model"]),
    ("store", &["sql", "model", "audit", "meter"]),
    ("engine", &["model", "expr", "vault", "audit", "live", "sql", "store"]),
    ("identity", ABOVE_ENGINE),
    ("jobs", ABOVE_ENGINE),
    ("files", ABOVE_ENGINE),
    ("ledger", ABOVE_ENGINE),
    ("functions", &["engine", "model", "expr", "vault", "audit", "live", "egress", "mail", "heap"]),
    ("health", ABOVE_ENGINE),
    ("rest", &["engine", "model", "expr", "identity"]),
    ("http", DOORS),
    ("admin", DOORS),
    ("backstay", EVERYTHING),
    ("testkit", EVERYTHING),
];

const ABOVE_ENGINE: &[&str] = &["engine", "model", "expr", "vault", "audit", "live", "egress", "mail"];
/// Doors read the model as well: paths, and what an OpenAPI document says of types.
const DOORS: &[&str] = &["rest", "engine", "model", "identity", "jobs", "files", "ledger", "functions", "health"];
const EVERYTHING: &[&str] = &[
    "meter",
    "model",
    "expr",
    "vault",
    "audit",
    "live",
    "sql",
    "store",
    "engine",
    "identity",
    "jobs",
    "files",
    "ledger",
    "functions",
    "health",
    "rest",
    "http",
    "client",
    "egress",
    "mail",
    "admin",
];

/// Tools that are not part of the product. They may use anything, and nothing may use them.
const TOOLS: &[&str] = &["xtask", "bench"];

/// Programs of a team that embeds Backstay. They see what `backstay` shows, and nothing of the crates below it.
const EXAMPLES: &[&str] = &["embedded"];

/// Dependencies for tests only: expressions are tested on both databases, in the tests of the store; what a request is
/// written as is easier to read in a test than its typed form; functions write requests as clients do.
const FOR_TESTS: &[(&str, &str)] =
    &[("store", "expr"), ("engine", "rest"), ("identity", "rest"), ("functions", "client"), ("jobs", "rest")];

const DATABASE_DRIVERS: &[&str] = &[
    "rusqlite",
    "libsqlite3-sys",
    "sqlx",
    "tokio-postgres",
    "postgres",
    "postgres-types",
    "deadpool-postgres",
    "tokio-postgres-rustls",
];
const WEB_FRAMEWORK: &[&str] = &["axum", "axum-core", "axum-extra"];

#[derive(Debug)]
struct Dependency {
    name: String,
    for_tests: bool,
    /// Whether it is a crate of this workspace.
    ours: bool,
}

/// The workspace's crates by short name, with their direct dependencies.
fn workspace() -> BTreeMap<String, Vec<Dependency>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (short(package["name"].as_str().expect("a name")), dependencies(package))).collect()
}

fn dependencies(package: &Value) -> Vec<Dependency> {
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    let read = |dependency: &Value| Dependency {
        name: short(dependency["name"].as_str().expect("a name")),
        for_tests: dependency["kind"] == "dev",
        ours: dependency["path"].is_string(),
    };
    dependencies.iter().map(read).collect()
}

/// `backstay-http` → `http`.
fn short(name: &str) -> String {
    name.strip_prefix("backstay-").unwrap_or(name).to_owned()
}

/// What is wrong with a dependency of this crate, if anything.
fn fault(name: &str, dependency: &Dependency, crates: &BTreeSet<String>) -> Option<String> {
    let used = dependency.name.as_str();
    if EXAMPLES.contains(&name) {
        let below = dependency.ours && used != "backstay";
        return below.then(|| format!("{name} → {used}: an example uses backstay alone"));
    }
    if TOOLS.contains(&used) || EXAMPLES.contains(&used) || used == "backstay" {
        return Some(format!("{name} → {used}: nothing may use {used}"));
    }
    if TOOLS.contains(&name) {
        return None;
    }
    if used == name && dependency.for_tests {
        return None;
    }
    if dependency.ours && crates.contains(used) {
        let allowed = LAYERS.iter().find(|(layer, _)| *layer == name).map_or(&[][..], |(_, allowed)| allowed);
        let in_tests = dependency.for_tests && (used == "testkit" || FOR_TESTS.contains(&(name, used)));
        let fine = ["base", "scalar"].contains(&used) || in_tests || allowed.contains(&used);
        return (!fine).then(|| format!("{name} → {used}: not an edge of the house"));
    }
    let only = |what: &str, keepers: &[&str]| {
        (!keepers.contains(&name)).then(|| format!("{name} → {used}: only {} may use {what}", keepers.join(", ")))
    };
    if DATABASE_DRIVERS.contains(&used) {
        return only("a database driver", &["store", "meter"]);
    }
    if WEB_FRAMEWORK.contains(&used) {
        return only("the web framework", &["http", "admin", "backstay", "testkit"]);
    }
    None
}

#[test]
fn every_crate_has_its_place() {
    let placed = |name: &str| {
        LAYERS.iter().any(|(layer, _)| *layer == name) || TOOLS.contains(&name) || EXAMPLES.contains(&name)
    };
    let strangers: Vec<String> = workspace().into_keys().filter(|name| !placed(name)).collect();
    assert!(strangers.is_empty(), "give these crates a place in LAYERS: {strangers:?}");
}

#[test]
fn every_dependency_is_an_edge_of_the_house() {
    let workspace = workspace();
    let crates: BTreeSet<String> = workspace.keys().cloned().collect();
    let uses = workspace.iter().flat_map(|(name, uses)| uses.iter().map(move |dependency| (name, dependency)));
    let faults: Vec<String> = uses.filter_map(|(name, dependency)| fault(name, dependency, &crates)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_forbidden_edge_is_found() {
    let crates: BTreeSet<String> = LAYERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let check = |name: &str, used: &str, for_tests: bool, expected: Option<&str>| {
        let ours = crates.contains(used);
        let dependency = Dependency { name: used.to_owned(), for_tests, ours };
        assert_eq!(fault(name, &dependency, &crates).as_deref(), expected, "{name} → {used}");
    };
    check("http", "engine", false, None);
    check("http", "base", false, None);
    check("http", "testkit", true, None);
    check("http", "testkit", false, Some("http → testkit: not an edge of the house"));
    check("http", "store", true, Some("http → store: not an edge of the house"));
    check("expr", "sql", false, Some("expr → sql: not an edge of the house"));
    check("jobs", "files", false, Some("jobs → files: not an edge of the house"));
    check("store", "store", true, None);
    check("testkit", "backstay", false, Some("testkit → backstay: nothing may use backstay"));
    check("store", "rusqlite", false, None);
    check("engine", "rusqlite", true, Some("engine → rusqlite: only store, meter may use a database driver"));
    check(
        "identity",
        "axum",
        false,
        Some("identity → axum: only http, admin, backstay, testkit may use the web framework"),
    );
    check("engine", "meter", false, Some("engine → meter: not an edge of the house"));
    check("bench", "rusqlite", false, None);
    check("embedded", "backstay", false, None);
    check("embedded", "axum", false, None);
    check("embedded", "engine", false, Some("embedded → engine: an example uses backstay alone"));
    check("http", "embedded", true, Some("http → embedded: nothing may use embedded"));
    check("backstay", "bench", false, Some("backstay → bench: nothing may use bench"));
}
