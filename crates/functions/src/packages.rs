//! Packages that functions import, which `backstay bundle` puts into files of `functions/packages/`.

use std::collections::{BTreeMap, BTreeSet};

use crate::strip::Stripped;

/// The directory of bundled packages.
pub const PACKAGES: &str = "functions/packages";

/// A package, or a part of one, that functions import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPackage {
    /// As it is imported: `zod`, `@scope/name` or `date-fns/locale`.
    pub specifier: String,
    /// The names that are imported of it, `default` among them.
    pub names: BTreeSet<String>,
    /// Whether all of its names are: `import * as`.
    pub whole: bool,
}

impl ImportedPackage {
    /// The file that it is bundled into.
    pub fn file(&self) -> String {
        file(&self.specifier)
    }

    /// A module that has what is imported of it, and nothing else.
    pub fn entry(&self) -> String {
        let from = format!("{:?}", self.specifier);
        let names: Vec<&str> =
            self.names.iter().map(String::as_str).filter(|name| !self.whole || *name == "default").collect();
        let all = if self.whole { format!("export * from {from};\n") } else { String::new() };
        let named =
            if names.is_empty() { String::new() } else { format!("export {{ {} }} from {from};\n", names.join(", ")) };
        if all.is_empty() && named.is_empty() { format!("import {from};\n") } else { all + &named }
    }
}

/// The file that a package is bundled into.
pub(crate) fn file(specifier: &str) -> String {
    format!("{PACKAGES}/{specifier}.js")
}

/// Whether a file is one of a package.
pub(crate) fn is_bundled(file: &str) -> bool {
    file.strip_prefix(PACKAGES).is_some_and(|rest| rest.starts_with('/'))
}

/// The name of the package that an import leads to, which is what npm installs: `date-fns` for `date-fns/locale`.
pub fn package_name(specifier: &str) -> &str {
    let parts = if specifier.starts_with('@') { 2 } else { 1 };
    specifier.match_indices('/').nth(parts - 1).map_or(specifier, |(end, _)| &specifier[..end])
}

/// Whether an import names a package: `zod`, `@scope/name` or `date-fns/locale`, and nothing else.
pub(crate) fn is_package(specifier: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~@".contains(&byte);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_plain);
    specifier.split('/').all(is_part) && specifier != "backstay" && !specifier.starts_with("backstay/")
}

/// Adds the packages that a module imports.
pub(crate) fn add(packages: &mut BTreeMap<String, ImportedPackage>, module: &Stripped) {
    for (specifier, _) in module.imports.iter().filter(|(specifier, _)| is_package(specifier)) {
        let specifier = specifier.clone();
        let new = || ImportedPackage { specifier: specifier.clone(), names: BTreeSet::new(), whole: false };
        let package = packages.entry(specifier.clone()).or_insert_with(new);
        let named = module.imported.iter().filter(|imported| imported.from == specifier);
        package.names.extend(named.map(|imported| imported.name.clone()));
        package.names.extend(module.defaults.contains(&specifier).then(|| "default".to_owned()));
        package.whole |= module.wholes.contains(&specifier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strip::strip;

    #[test]
    fn packages_are_told_from_other_imports() {
        for package in ["zod", "date-fns/locale", "@scope/name", "@scope/name/part", "lodash.get"] {
            assert!(is_package(package), "{package}");
        }
        for other in [
            "./zod",
            "../zod",
            "/etc/passwd",
            "backstay",
            "backstay/test",
            "node:fs",
            "backstay:run",
            "https://a/b",
            "a//b",
            "a/../b",
        ] {
            assert!(!is_package(other), "{other}");
        }
    }

    #[test]
    fn a_part_belongs_to_a_package() {
        let check = |specifier: &str, expected: &str| assert_eq!(package_name(specifier), expected);
        check("zod", "zod");
        check("date-fns/locale/de", "date-fns");
        check("@scope/name", "@scope/name");
        check("@scope/name/part", "@scope/name");
    }

    #[test]
    fn an_entry_has_what_is_imported() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let mut packages = BTreeMap::new();
            add(&mut packages, &strip(text, true).expect("a module"));
            let got: Vec<(String, String)> = packages.values().map(|one| (one.file(), one.entry())).collect();
            let expected: Vec<(String, String)> = expected
                .iter()
                .map(|(file, entry)| (format!("functions/packages/{file}"), (*entry).to_owned()))
                .collect();
            assert_eq!(got, expected, "{text}");
        };
        check(
            "import { z, type Q } from 'zod'; import type { T } from 'other';",
            &[("zod.js", "export { z } from \"zod\";\n")],
        );
        check("import ms from 'ms';", &[("ms.js", "export { default } from \"ms\";\n")]);
        check(
            "import d, * as all from '@a/b/c';",
            &[("@a/b/c.js", "export * from \"@a/b/c\";\nexport { default } from \"@a/b/c\";\n")],
        );
        check(
            "export { add } from 'date-fns'; import './x'; import 'polyfill';",
            &[("date-fns.js", "export { add } from \"date-fns\";\n"), ("polyfill.js", "import \"polyfill\";\n")],
        );
        check("export * from 'all';", &[("all.js", "export * from \"all\";\n")]);
    }
}
