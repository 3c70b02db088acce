use std::collections::BTreeSet;

use crate::harness::{Scripted, application, call, functions_of, problems, read};

#[test]
fn problems_have_places_in_the_source() {
    let check = |files: &[(&str, &str)], expected: &[&str]| assert_eq!(problems(files), expected);
    check(&[("a.ts", "export function a( {")], &["functions/a.ts:1:21: Expected `}` but found `EOF`"]);
    check(
        &[("a.ts", "\n  enum A { B }")],
        &[
            "functions/a.ts:2:3: an enum isn't supported, because it isn't only a type; use a union of strings, or an object with `as const`",
        ],
    );
    check(
        &[("a.ts", "class A { constructor(private x: number) {} }")],
        &[
            "functions/a.ts:1:23: a parameter property isn't supported; declare the field and assign it in the constructor",
        ],
    );
    check(
        &[("a.ts", "import x from 'lodash';")],
        &[
            "functions/a.ts:1:15: there is no `functions/packages/lodash.js`; install the package (`npm install lodash`) and \
             run `backstay bundle`",
        ],
    );
    check(
        &[("a.ts", "import x from '@date/fns/locale';")],
        &[
            "functions/a.ts:1:15: there is no `functions/packages/@date/fns/locale.js`; install the package (`npm install @date/fns`) \
             and run `backstay bundle`",
        ],
    );
    check(
        &[("a.ts", "import x from '../model/x';")],
        &["functions/a.ts:1:15: `../model/x` is outside `functions/`; functions import only what is there"],
    );
    check(
        &[("a.ts", "export function f() {}"), ("b.ts", "export function f() {}")],
        &["functions/b.ts:1:17: `f` is exported by functions/a.ts too; a function has a name of its own"],
    );
    check(
        &[("a.ts", "export default function f() {}")],
        &["functions/a.ts:1:8: a function is exported by its name: `export async function checkout(…)`"],
    );
    check(
        &[("a.ts", "import { b } from './b';"), ("b.ts", "export interface b {}")],
        &[
            "functions/a.ts:1:10: `./b` exports no value `b`; a type is imported with `type`: `import { type b } from \"./b\"`",
        ],
    );
    check(&[("a.ts", "\nthrow new Error('at load');")], &["functions/a.ts:2:11: at load"]);
    for (made, column) in [("crypto.randomUUID()", 21), ("crypto.getRandomValues(new Uint8Array(4))", 42)] {
        let why = "crypto has no random bytes while a module loads: call it inside a function";
        check(
            &[("a.ts", &format!("const token = {made};\nexport const a = () => token;"))],
            &[&format!("functions/a.ts:1:{column}: {why}")],
        );
    }
    check(&[("a.ts", "for (;;) {}")], &["functions: evaluating the modules takes too long"]);
    check(
        &[("a.ts", "await new Promise(() => {});")],
        &[
            "functions: a module awaits a promise that never settles: requests are made in functions, not outside of them",
        ],
    );
    check(&[], &[]);
}

#[test]
fn imports_of_what_is_not_exported_have_remedies() {
    let check = |files: &[(&str, &str)], expected: &[&str]| assert_eq!(problems(files), expected);
    check(
        &[("a.ts", "import { FunctionContext, Refused } from 'backstay';")],
        &["functions/a.ts:1:10: `backstay` exports no value `FunctionContext`; a type is imported with `type`: \
         `import { type FunctionContext } from \"backstay\"`"],
    );
    check(
        &[("a.ts", "import { Refuse } from 'backstay';")],
        &["functions/a.ts:1:10: `backstay` exports no value `Refuse`; did you mean `Refused`?"],
    );
    check(
        &[("a.ts", "import { tice } from './lib/b';"), ("lib/b.ts", "export const twice = 1;")],
        &["functions/a.ts:1:10: `./lib/b` exports no value `tice`; did you mean `twice`?"],
    );
    check(
        &[("a.ts", "import { other } from './lib/b';"), ("lib/b.ts", "const other = 1; void other;")],
        &["functions/a.ts:1:10: `./lib/b` exports no value `other`; export it there"],
    );
    check(
        &[
            ("a.ts", "export { b } from './lib/b'; import { c } from './lib/c'; void c;"),
            ("lib/b.ts", "export const b = () => 1;"),
            ("lib/c.ts", "export * from './d';"),
            ("lib/d.ts", "export const c = 1;"),
        ],
        &[],
    );
    check(&[("a.mts", "")], &["functions/a.mts: functions are read from files named `.ts` and `.js`; rename it"]);
    check(
        &[("a.ts", "import { test } from 'backstay/test';")],
        &[
            "functions/a.ts:1:22: only tests import `backstay/test`: files named `….test.ts`, which `backstay test` runs",
        ],
    );
    check(&[("a.test.ts", "syntax error")], &[]);
}

#[test]
fn only_what_is_in_the_directory_of_packages_is_bundled_already() {
    let directory = application(&[
        ("packages.ts", "import 'one';"),
        ("packages-x/a.ts", "import 'two';"),
        ("packages/three.js", "import 'four';"),
    ]);
    let packages = backstay_functions::imported_packages(directory.path()).expect("is read");
    assert_eq!(packages.iter().map(|package| package.specifier.as_str()).collect::<Vec<_>>(), ["one", "two"]);
}

#[cfg(unix)]
#[test]
fn links_to_other_directories_are_refused() {
    let directory = application(&[("a.ts", "export const a = () => 1;")]);
    let target = directory.path().join("secret.ts");
    std::fs::write(&target, "export const b = 1;").expect("is written");
    std::os::unix::fs::symlink(&target, directory.path().join("functions/b.ts")).expect("is made");
    let problems = read(&directory).expect_err("is refused");
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["functions/b.ts: this is a symbolic link; functions are read from `functions/` alone: copy the file there",]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_share_what_they_import() {
    let functions = functions_of(&[
        ("a.ts", "import { twice, type Number_ } from './lib/twice';\nexport const a = ({ n }: Number_) => twice(n);"),
        (
            "lib/twice.ts",
            "export type Number_ = { n: number };\nexport function twice(n: number): number { return 2 * n; }",
        ),
        ("types.d.ts", "export type X = 5 5 5"),
        ("node_modules/x/index.js", "syntax error"),
    ]);
    assert_eq!(functions.call(call("a", r#"{"n":4}"#), &Scripted::default()).await.expect("runs"), "8");
    assert!(!functions.has("twice"));
}

#[test]
fn what_is_exported_elsewhere_is_no_function() {
    let program = read(&application(&[
        ("a.ts", "export const thank = { handler() {} };"),
        ("sub/b.ts", "\nexport const checkout = () => 1;"),
    ]))
    .expect("is read");
    let other = |name| program.other(name).map(ToString::to_string);
    assert_eq!(other("thank").as_deref(), Some("functions/a.ts:1:14: `thank` is exported, but it isn't a function"));
    assert_eq!(
        other("checkout").as_deref(),
        Some(
            "functions/sub/b.ts:2:14: `checkout` is exported here, but functions of actions are exported by files directly in \
             `functions/`; move it there, or export it there, too: `export { checkout } from \"./…\"`"
        )
    );
    assert_eq!(other("b"), None);
}

/// As esbuild writes it of a package of Node.
const BUNDLED: &str = r#"var __getOwnPropNames = Object.getOwnPropertyNames;
var __commonJS = (cb, mod) => function __require() {
  try {
    return mod || (0, cb[__getOwnPropNames(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports;
  } catch (e) {
    throw mod = 0, e;
  }
};

// node_modules/twice/index.js
var require_twice = __commonJS({
  "node_modules/twice/index.js"(exports, module) {
    module.exports = function(n) {
      return 2 * n;
    };
  }
});
export default require_twice();
"#;

#[tokio::test(flavor = "multi_thread")]
async fn packages_come_as_bundles() {
    let functions = functions_of(&[
        ("a.ts", "import twice from './lib/twice.js';\nexport const a = ({ n }: { n: number }) => twice(n);"),
        ("lib/twice.js", BUNDLED),
    ]);
    assert_eq!(functions.call(call("a", r#"{"n":4}"#), &Scripted::default()).await.expect("runs"), "8");
}

#[test]
fn functions_that_no_action_names_are_told() {
    let program =
        read(&application(&[("a.ts", "export const a = () => 1;\nexport const b = () => 2;")])).expect("is read");
    let unused: Vec<String> = program.unused(&BTreeSet::from(["a"])).map(ToString::to_string).collect();
    assert_eq!(
        unused,
        ["functions/a.ts:2:14: nothing in the model names the function `b`; modules that others share belong in a \
         directory within `functions/`",]
    );
}
