//! The files in `functions/`, and what they import.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use backstay_base::{limits, nearest};

use crate::packages::{self, ImportedPackage};
use crate::problem::Problem;
use crate::strip::{Imported, Stripped, strip};

/// The directory of an application in which its functions are.
const DIRECTORY: &str = "functions";
/// What every function can import.
pub(crate) const LIBRARY: &str = "backstay";
/// What every test can import.
pub(crate) const TESTING: &str = "backstay/test";
/// The values that the library exports.
const LIBRARY_VALUES: [&str; 4] = ["Decimal", "Money", "Problem", "Refused"];
const TESTING_VALUES: [&str; 4] = ["Problem", "assert", "expect", "test"];
/// Files of these kinds would be taken for functions elsewhere.
const OTHER_EXTENSIONS: [&str; 6] = ["mts", "cts", "mjs", "cjs", "tsx", "jsx"];

/// The modules of an application, as JavaScript, by their names, such as `functions/checkout.ts`.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) modules: BTreeMap<String, Module>,
}

#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) text: String,
    pub(crate) stripped: Stripped,
    /// What each import leads to.
    pub(crate) links: BTreeMap<String, String>,
}

/// Which files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Included {
    /// All but tests.
    Functions,
    /// Tests, and all others.
    Tests,
}

impl Module {
    /// Whether what it exports are functions of the application; other directories hold what they share.
    pub(crate) fn is_outermost(name: &str) -> bool {
        name.matches('/').count() == 1 && !is_test(name)
    }

    /// Whether it is one of tests.
    pub(crate) fn is_test(name: &str) -> bool {
        is_test(name)
    }
}

impl Sources {
    /// Reads the functions of the application in this directory.
    pub(crate) fn read(application: &Path, included: Included) -> Result<Self, Vec<Problem>> {
        let (texts, mut wrong) = texts(application, included);
        let mut modules = BTreeMap::new();
        for (name, text) in &texts {
            match strip(text, extension(name) == Some("ts")) {
                Ok(stripped) => {
                    let links = links(name, text, &stripped, &texts, &mut wrong);
                    modules.insert(name.clone(), Module { text: text.clone(), stripped, links });
                }
                Err(all) => wrong.extend(all.into_iter().map(|one| Problem::at(name, text, one.at, one.message))),
            }
        }
        if wrong.is_empty() {
            wrong = modules.iter().flat_map(|(name, module)| unknown_imports(name, module, &modules)).collect();
        }
        if wrong.is_empty() { Ok(Self { modules }) } else { Err(wrong) }
    }
}

/// The texts of the files of an application, by their names, and what is wrong with some.
pub(crate) fn texts(application: &Path, included: Included) -> (BTreeMap<String, String>, Vec<Problem>) {
    let mut found = Found { texts: BTreeMap::new(), bytes: 0, wrong: Vec::new(), included };
    let directory = application.join(DIRECTORY);
    match fs::symlink_metadata(&directory) {
        Ok(about) if about.is_dir() => found.directory(&directory, DIRECTORY),
        Ok(_) => found.wrong.push(Problem::of_file(DIRECTORY, "this is not a directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => found.wrong.push(Problem::of_file(DIRECTORY, error.to_string())),
    }
    (found.texts, found.wrong)
}

/// The packages that the functions and tests of the application in this directory import, by their names.
pub fn imported_packages(application: &Path) -> Result<Vec<ImportedPackage>, Vec<Problem>> {
    let (texts, mut wrong) = texts(application, Included::Tests);
    let mut found: BTreeMap<String, ImportedPackage> = BTreeMap::new();
    for (name, text) in texts.iter().filter(|(name, _)| !packages::is_bundled(name)) {
        match strip(text, extension(name) == Some("ts")) {
            Ok(stripped) => packages::add(&mut found, &stripped),
            Err(all) => wrong.extend(all.into_iter().map(|one| Problem::at(name, text, one.at, one.message))),
        }
    }
    if wrong.is_empty() { Ok(found.into_values().collect()) } else { Err(wrong) }
}

/// The names that a module imports, and that the modules don't export from which it does.
fn unknown_imports(name: &str, module: &Module, modules: &BTreeMap<String, Module>) -> Vec<Problem> {
    let problem = |imported: &Imported| {
        let Imported { from, name: wanted, at } = imported;
        let target = module.links.get(from)?;
        let exported = modules.get(target);
        let (values, types): (Vec<&str>, Vec<&str>) = match exported {
            Some(exported) if exported.stripped.exports_all => return None,
            Some(Module { stripped, .. }) => (
                stripped.exports.iter().map(|(export, _)| export.as_str()).collect(),
                stripped.types.iter().map(String::as_str).collect(),
            ),
            None if target == TESTING => (TESTING_VALUES.to_vec(), Vec::new()),
            None => (LIBRARY_VALUES.to_vec(), Vec::new()),
        };
        if values.contains(&wanted.as_str()) {
            return None;
        }
        let message = match nearest(wanted, values) {
            Some(meant) if !types.contains(&wanted.as_str()) => format!("did you mean `{meant}`?"),
            // What else the library declares are types.
            _ if exported.is_none() || types.contains(&wanted.as_str()) => {
                format!("a type is imported with `type`: `import {{ type {wanted} }} from \"{from}\"`")
            }
            _ if packages::is_package(from) => "run `backstay bundle` again if the package has it".to_owned(),
            _ => "export it there".to_owned(),
        };
        let message = format!("`{from}` exports no value `{wanted}`; {message}");
        Some(Problem::at(name, &module.text, *at, message))
    };
    module.stripped.imported.iter().filter_map(problem).collect()
}

#[derive(Debug)]
struct Found {
    texts: BTreeMap<String, String>,
    bytes: usize,
    wrong: Vec<Problem>,
    included: Included,
}

impl Found {
    fn directory(&mut self, path: &Path, name: &str) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.wrong.push(Problem::of_file(name, error.to_string())),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.wrong.push(Problem::of_file(name, error.to_string())),
            };
            let Ok(own) = entry.file_name().into_string() else { continue };
            if own.starts_with('.') || own == "node_modules" {
                continue;
            }
            let inner = format!("{name}/{own}");
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => {
                    let message =
                        "this is a symbolic link; functions are read from `functions/` alone: copy the file there";
                    self.wrong.push(Problem::of_file(&inner, message));
                }
                Ok(kind) if kind.is_dir() => self.directory(&entry.path(), &inner),
                Ok(_) if is_test(&own) && self.included == Included::Functions => {}
                Ok(kind) if kind.is_file() && is_module(&own) => self.file(&entry.path(), inner),
                Ok(kind) if kind.is_file() && extension(&own).is_some_and(|own| OTHER_EXTENSIONS.contains(&own)) => {
                    self.wrong.push(Problem::of_file(
                        &inner,
                        "functions are read from files named `.ts` and `.js`; rename it",
                    ));
                }
                Ok(_) => {}
                Err(error) => self.wrong.push(Problem::of_file(&inner, error.to_string())),
            }
        }
    }

    fn file(&mut self, path: &Path, name: String) {
        match fs::read_to_string(path) {
            Ok(text) => {
                self.bytes += text.len();
                let too_much = self.bytes > limits::FUNCTION_SOURCE_BYTES || self.texts.len() >= limits::FUNCTION_FILES;
                match too_much {
                    true if self.wrong.is_empty() => {
                        let message = format!(
                            "the files in `functions/` are too large: at most {} files and {} MiB",
                            limits::FUNCTION_FILES,
                            limits::FUNCTION_SOURCE_BYTES / (1024 * 1024)
                        );
                        self.wrong.push(Problem::of_file(DIRECTORY, message));
                    }
                    true => {}
                    false => {
                        self.texts.insert(name, text);
                    }
                }
            }
            Err(error) => self.wrong.push(Problem::of_file(&name, error.to_string())),
        }
    }
}

fn is_test(name: &str) -> bool {
    name.ends_with(".test.ts") || name.ends_with(".test.js")
}

fn is_module(name: &str) -> bool {
    match extension(name) {
        Some("ts") => !name.ends_with(".d.ts"),
        Some("js") => true,
        Some(_) | None => false,
    }
}

fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

fn links(
    name: &str,
    text: &str,
    stripped: &Stripped,
    texts: &BTreeMap<String, String>,
    wrong: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for (specifier, at) in &stripped.imports {
        match resolved(name, specifier, texts) {
            Ok(target) => {
                links.insert(specifier.clone(), target);
            }
            Err(message) => wrong.push(Problem::at(name, text, *at, message)),
        }
    }
    links
}

/// What to use instead of a module of Node.js, if this is one.
fn of_node(specifier: &str) -> Option<&'static str> {
    let name = specifier.strip_prefix("node:").unwrap_or(specifier);
    let name = name.split('/').next().unwrap_or(name);
    match name {
        "crypto" => Some("use the global `crypto`"),
        "url" => Some("use the global `URL`"),
        "buffer" => Some("use `Uint8Array`, `TextEncoder`, `btoa` and `atob`"),
        "http" | "https" | "http2" => Some("use `fetch`"),
        "timers" => Some("there are no timers; queue work for later with `jobs.add`"),
        "process" => Some("settings and keys are secrets: `secrets.get(…)`"),
        "child_process" | "cluster" | "dgram" | "dns" | "fs" | "net" | "os" | "tls" | "vm" | "worker_threads" => {
            Some("there are no files, processes and sockets")
        }
        "assert" | "events" | "path" | "querystring" | "stream" | "string_decoder" | "util" | "zlib" => {
            Some("a package that needs it can be bundled only with a replacement for it")
        }
        _ if specifier.starts_with("node:") => Some("packages for browsers do without it"),
        _ => None,
    }
}

/// The module that an import names.
fn resolved(from: &str, specifier: &str, texts: &BTreeMap<String, String>) -> Result<String, String> {
    if specifier == LIBRARY {
        return Ok(LIBRARY.to_owned());
    }
    if specifier == TESTING {
        let message = "only tests import `backstay/test`: files named `….test.ts`, which `backstay test` runs";
        return if is_test(from) { Ok(TESTING.to_owned()) } else { Err(message.to_owned()) };
    }
    if let Some(instead) = of_node(specifier) {
        return Err(format!("`{specifier}` is a part of Node.js, which functions don't have; {instead}"));
    }
    if packages::is_package(specifier) {
        let file = packages::file(specifier);
        let missing = || {
            let name = packages::package_name(specifier);
            format!("there is no `{file}`; install the package (`npm install {name}`) and run `backstay bundle`")
        };
        return texts.contains_key(&file).then_some(file.clone()).ok_or_else(missing);
    }
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        return Err(format!(
            "`{specifier}` isn't in `functions/`; import files there by their paths (\"./…\"), and packages by their names"
        ));
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.first() != Some(&DIRECTORY) {
        return Err(format!("`{specifier}` is outside `functions/`; functions import only what is there"));
    }
    let path = parts.join("/");
    let as_typescript = path.strip_suffix(".js").map(|stem| format!("{stem}.ts"));
    let candidates = [Some(path.clone()), Some(format!("{path}.ts")), Some(format!("{path}.js")), as_typescript];
    let found = candidates.into_iter().flatten().find(|candidate| texts.contains_key(candidate));
    found.ok_or_else(|| format!("there is no module `{specifier}`: `{path}` doesn't exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_lead_to_modules() {
        let names = ["functions/a.ts", "functions/lib/b.ts", "functions/lib/c.js", "functions/packages/zod.js"];
        let texts: BTreeMap<String, String> = names.map(|name| (name.to_owned(), String::new())).into();
        let check = |from: &str, specifier: &str, expected: Result<&str, &str>| {
            let found = resolved(from, specifier, &texts);
            match expected {
                Ok(target) => assert_eq!(found.as_deref(), Ok(target), "{specifier}"),
                Err(part) => {
                    assert!(found.clone().is_err_and(|message| message.contains(part)), "{specifier}: {found:?}");
                }
            }
        };
        check("functions/a.ts", "./lib/b", Ok("functions/lib/b.ts"));
        check("functions/a.ts", "./lib/b.ts", Ok("functions/lib/b.ts"));
        check("functions/a.ts", "./lib/b.js", Ok("functions/lib/b.ts"));
        check("functions/a.ts", "./lib/c", Ok("functions/lib/c.js"));
        check("functions/lib/b.ts", "../a", Ok("functions/a.ts"));
        check("functions/a.ts", "backstay", Ok("backstay"));
        check("functions/a.ts", "./d", Err("`functions/d` doesn't exist"));
        check("functions/a.ts", "../model/post", Err("outside `functions/`"));
        check("functions/lib/b.ts", "../../../etc/passwd", Err("outside `functions/`"));
        check("functions/a.ts", "/etc/passwd", Err("isn't in `functions/`"));
        check("functions/a.ts", "lodash", Err("run `backstay bundle`"));
        check("functions/lib/b.ts", "zod", Ok("functions/packages/zod.js"));
        check("functions/a.ts", "node:fs", Err("a part of Node.js, which functions don't have; there are no files"));
        check("functions/a.ts", "fs/promises", Err("there are no files"));
        check("functions/a.ts", "crypto", Err("use the global `crypto`"));
        check("functions/a.ts", "node:sqlite", Err("packages for browsers do without it"));
        check("functions/a.ts", "backstay:run", Err("isn't in `functions/`"));
    }
}
