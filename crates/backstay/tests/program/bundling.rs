//! `backstay bundle`, with a program in the place of esbuild: what it is asked, and what becomes of its answer.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::App;

/// Writes a module that shows what it was asked for, in the form in which esbuild wraps modules of the older kind.
const BUNDLER: &str = r#"#!/bin/sh
read entry
case "$entry" in *broken*) echo 'Could not resolve "fs"' >&2; exit 1;; esac
echo "$entry $*" >> "$PWD/asked"
cat <<'END'
var __getOwnPropNames = Object.getOwnPropertyNames;
var __commonJS = (cb, mod) => function __require() {
  return mod || (0, cb[__getOwnPropNames(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports;
};
var require_words = __commonJS({
  "node_modules/words/index.js"(exports, module) {
    module.exports = function (text) { return text.split(" ").length; };
  }
});
export default require_words();
export var longest = (text) => text.split(" ").sort((a, b) => b.length - a.length)[0];
END
"#;

const MODEL: &str = r#"extend schema @app(name: "Words")
type Query { count(text: String!): Int! @function @allow(call: "true") }
"#;

fn app(esbuild: bool) -> App {
    let app = App::empty();
    app.write("model/words.graphql", MODEL);
    app.write(
        "functions/count.ts",
        "import words, { longest } from \"@text/words\";\nimport type { T } from \"types\";\n\
         export const count = ({ text }: { text: string }) => words(text) * 100 + longest(text).length;\n",
    );
    if esbuild {
        app.write("node_modules/.bin/esbuild", BUNDLER);
        let program = app.path().join("node_modules/.bin/esbuild");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
        app.write("node_modules/@text/words/package.json", "{\"version\": \"1.2.3\"}");
    }
    app
}

#[test]
fn packages_become_files_that_functions_import_by_their_names() {
    let app = app(true);
    let missing = app.run(&["check"]).refused();
    let expected = "there is no `functions/packages/@text/words.js`; install the package (`npm install @text/words`) and run `backstay bundle`";
    assert!(missing.contains(expected), "{missing}");
    let made = app.run(&["bundle"]).done();
    assert!(made.starts_with("functions/packages/@text/words.js  1 KiB\n"), "{made}");
    let file = app.path().join("functions/packages/@text/words.js");
    let text = fs::read_to_string(&file).expect("the file is made");
    assert!(
        text.starts_with("// Made by `backstay bundle` of @text/words 1.2.3; run it again to change this.\nvar "),
        "{text}"
    );
    let asked = fs::read_to_string(app.path().join("asked")).expect("it was asked");
    assert!(asked.starts_with("export { default, longest } from \"@text/words\"; --bundle --format=esm "), "{asked}");
    assert_eq!(app.serve().ask("GET", "/do/count?text=one%20three", None, ""), (200, json!(205)));

    // What nothing imports any more is removed, if it was made so.
    app.write("functions/packages/own.js", "export const own = 1;\n");
    app.write("functions/count.ts", "export const count = ({ text }: { text: string }) => text.length;\n");
    let removed = app.run(&["bundle"]).done();
    assert!(removed.contains("functions/packages/@text/words.js  removed: nothing imports it\n"), "{removed}");
    assert!(!file.exists() && app.path().join("functions/packages/own.js").exists());
}

#[test]
fn what_cannot_be_bundled_is_said_and_nothing_is_written() {
    let refused = app(false).run(&["bundle"]).refused();
    assert!(refused.contains("there is no `node_modules/.bin/esbuild`"), "{refused}");
    assert!(refused.contains("npm install --save-dev esbuild"), "{refused}");
    let app = app(true);
    app.write("functions/other.ts", "import b from \"broken\";\nexport const other = () => b;\n");
    let refused = app.run(&["bundle"]).refused();
    assert!(refused.contains("cannot bundle `broken`:") && refused.contains("Could not resolve \"fs\""), "{refused}");
    assert!(!app.path().join("functions/packages").exists());
    app.write("functions/other.ts", "import { longst } from \"@text/words\";\nexport const other = () => longst;\n");
    app.run(&["bundle"]).done();
    let wrong = app.run(&["check"]).refused();
    assert!(wrong.contains("`@text/words` exports no value `longst`; did you mean `longest`?"), "{wrong}");
}

#[test]
fn what_others_have_written_is_not_overwritten() {
    let app = app(true);
    app.write("functions/packages/@text/words.js", "export const longest = 1; // ours\n");
    let refused = app.run(&["bundle"]).refused();
    assert!(refused.contains("`functions/packages/@text/words.js` wasn't made by `backstay bundle`"), "{refused}");
    assert!(refused.contains("import it by its path"), "{refused}");
    let text = fs::read_to_string(app.path().join("functions/packages/@text/words.js")).expect("it is there");
    assert_eq!(text, "export const longest = 1; // ours\n");
    assert!(!app.path().join("asked").exists(), "it is refused before anything is bundled");
}

#[test]
fn all_files_are_written_or_none() {
    let app = app(true);
    app.run(&["bundle"]).done();
    let packages = app.path().join("functions/packages");
    let before = fs::read_to_string(packages.join("@text/words.js")).expect("it is made");
    app.write("node_modules/@text/words/package.json", "{\"version\": \"2.0.0\"}");
    app.write("functions/other.ts", "import part from \"words/part\";\nexport const other = () => part;\n");
    // A file where the directory would be, and a directory where the new file would be.
    for obstacle in ["functions/packages/words", "functions/packages/words/.part.js.new/file"] {
        let _ = fs::remove_file(packages.join("words"));
        app.write(obstacle, "");
        let refused = app.run(&["bundle"]).refused();
        assert!(refused.contains("functions/packages/words/part.js"), "{refused}");
        assert_eq!(fs::read_to_string(packages.join("@text/words.js")).expect("it is there"), before);
        assert_eq!(fs::read_dir(packages.join("@text")).expect("a directory").count(), 1, "nothing is left beside it");
    }
}
