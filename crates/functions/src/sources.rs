//! The files in `functions/`, and what they import.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::limits;
use crate::problem::Problem;
use crate::strip::{Stripped, strip};

/// The directory of an application in which its functions are.
const DIRECTORY: &str = "functions";
/// What every function can import.
pub(crate) const LIBRARY: &str = "backstay";

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

impl Module {
    /// Whether what it exports are functions of the application; other directories hold what they share.
    pub(crate) fn is_outermost(name: &str) -> bool {
        name.matches('/').count() == 1
    }
}

impl Sources {
    /// Reads the functions of the application in this directory.
    pub(crate) fn read(application: &Path) -> Result<Self, Vec<Problem>> {
        let mut found = Found::default();
        let directory = application.join(DIRECTORY);
        match fs::symlink_metadata(&directory) {
            Ok(about) if about.is_dir() => found.directory(&directory, DIRECTORY),
            Ok(_) => found.wrong.push(Problem::of_file(DIRECTORY, "this is not a directory")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => found.wrong.push(Problem::of_file(DIRECTORY, error.to_string())),
        }
        let Found { texts, mut wrong, .. } = found;
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
        if wrong.is_empty() { Ok(Self { modules }) } else { Err(wrong) }
    }
}

#[derive(Debug, Default)]
struct Found {
    texts: BTreeMap<String, String>,
    bytes: usize,
    wrong: Vec<Problem>,
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
                Ok(kind) if kind.is_file() && is_module(&own) => self.file(&entry.path(), inner),
                Ok(_) => {}
                Err(error) => self.wrong.push(Problem::of_file(&inner, error.to_string())),
            }
        }
    }

    fn file(&mut self, path: &Path, name: String) {
        match fs::read_to_string(path) {
            Ok(text) => {
                self.bytes += text.len();
                let too_much = self.bytes > limits::SOURCE_BYTES || self.texts.len() >= limits::SOURCE_FILES;
                match too_much {
                    true if self.wrong.is_empty() => {
                        let message = format!(
                            "the files in `functions/` are too large: at most {} files and {} MiB",
                            limits::SOURCE_FILES,
                            limits::SOURCE_BYTES / (1024 * 1024)
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

/// The module that an import names.
fn resolved(from: &str, specifier: &str, texts: &BTreeMap<String, String>) -> Result<String, String> {
    if specifier == LIBRARY {
        return Ok(LIBRARY.to_owned());
    }
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        return Err(format!(
            "`{specifier}` isn't in `functions/`; bundle the package into a file there, for instance with esbuild, and \
             import that file by its path: \"./…\""
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
        let names = ["functions/a.ts", "functions/lib/b.ts", "functions/lib/c.js"];
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
        check("functions/a.ts", "lodash", Err("bundle the package"));
        check("functions/a.ts", "node:fs", Err("bundle the package"));
        check("functions/a.ts", "backstay:run", Err("isn't in `functions/`"));
    }
}
