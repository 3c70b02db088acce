//! Runs the examples of docs/typescript.md, through the client that the program makes of the newsroom.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::walkthrough::{self, Database, Served, copy};

/// Stands between the outputs of two examples.
const END: &str = "\u{1}";

#[test]
fn the_client_answers_as_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let place = tempfile::tempdir().expect("a temporary directory");
    let (application, tour) = (place.path().join("application"), place.path().join("tour"));
    copy(&root.join("examples/newsroom"), &application);
    fs::create_dir(&tour).expect("a directory");
    let document = root.join("docs/typescript.md");
    let text = fs::read_to_string(&document).expect("the document is there");
    let examples: Vec<&str> = text.split("```ts\n").skip(1).filter_map(|rest| rest.split("```\n").next()).collect();

    let client = tour.join("newsroom.ts");
    make(&application, &client);
    let kept = fs::read_to_string(root.join("clients/typescript/newsroom.ts")).expect("the client is committed");
    let made = fs::read_to_string(&client).expect("the client was made");
    assert!(made == kept, "clients/typescript/newsroom.ts isn't what the program makes; see CONTRIBUTING.md");

    let served = Served::start(place, (&application, &tour), Database::Sqlite);
    let mut program = String::new();
    for example in &examples {
        let _ =
            writeln!(program, "{}\nconsole.log(\"\\u0001\");", example.replace("http://localhost:8080", &served.url()));
    }
    for (name, text) in
        [("tour.ts", program.as_str()), ("package.json", "{\"type\": \"module\"}"), ("tsconfig.json", CONFIGURATION)]
    {
        fs::write(tour.join(name), text).expect("a file");
    }
    fs::copy(root.join("clients/typescript/types.ts"), tour.join("types.ts")).expect("the tests of types");
    run(Command::new("tsc").args(["-p", "."]).current_dir(&tour));
    let outputs = run(Command::new("node").arg("tour.js").current_dir(&tour));

    let (mut excerpt, mut outputs) =
        (text.clone(), outputs.split(&format!("{END}\n")).map(str::to_owned).collect::<Vec<_>>().into_iter());
    let shown = |index: usize| format!("```sh\ncat {index}.txt\n```\n");
    for (index, example) in examples.iter().enumerate() {
        fs::write(tour.join(format!("{index}.txt")), outputs.next().expect("an output")).expect("a file");
        excerpt = excerpt.replace(&format!("```ts\n{example}```\n"), &shown(index));
    }
    let path = tour.join("typescript.md");
    fs::write(&path, &excerpt).expect("a file");
    walkthrough::walk(&path, &served);
    if std::env::var_os("TOUR_BLESS").is_some() {
        let mut blessed = fs::read_to_string(&path).expect("the excerpt");
        for (index, example) in examples.iter().enumerate() {
            blessed = blessed.replace(&shown(index), &format!("```ts\n{example}```\n"));
        }
        fs::write(&document, blessed).expect("it can be written");
    }
}

/// The clients of the other applications compile, and so do the calls in docs/coming-from.md.
#[test]
fn every_client_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let place = tempfile::tempdir().expect("a temporary directory");
    for application in ["website", "finance", "shop", "split-it", "todo"] {
        let directory = root.join("crates/backstay/tests/applications").join(application);
        make(&directory, &place.path().join(application).with_extension("ts"));
    }
    make(&root.join("examples/newsroom"), &place.path().join("newsroom.ts"));
    let document = fs::read_to_string(root.join("docs/coming-from.md")).expect("the document is there");
    let (_, section) = document.split_once("\n## supabase-js\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("the section after it");
    let calls: Vec<&str> = section.split('`').filter(|code| code.starts_with("db.")).collect();
    assert!(calls.len() > 15, "{calls:?}");
    let mut program = "import type { BackstayClient } from \"./newsroom.js\";\nexport async function calls(".to_owned();
    program.push_str("db: BackstayClient, id: string, email: string, password: string): Promise<void> {\n");
    for call in calls {
        let _ = writeln!(program, "  await {call};");
    }
    program.push_str("}\n");
    fs::write(place.path().join("calls.ts"), program).expect("a file");
    fs::write(place.path().join("tsconfig.json"), CONFIGURATION).expect("a file");
    run(Command::new("tsc").args(["-p", ".", "--noEmit"]).current_dir(place.path()));
}

/// The functions of the examples compile with the declarations that the program makes for them.
#[test]
fn functions_of_the_examples_compile() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for example in ["shop", "wallet", "conduit"] {
        let place = tempfile::tempdir().expect("a temporary directory");
        let application = root.join("examples").join(example);
        copy(&application.join("functions"), &place.path().join("functions"));
        let declared = place.path().join("functions/backstay.d.ts");
        let mut client = Command::new(env!("CARGO_BIN_EXE_backstay"));
        run(client.args(["client", "functions"]).arg(&application).arg("--out").arg(declared));
        fs::write(place.path().join("tsconfig.json"), OF_FUNCTIONS).expect("a file");
        run(Command::new("tsc").args(["-p", "."]).current_dir(place.path()));
    }
}

const OF_FUNCTIONS: &str = r#"{ "compilerOptions": {
    "strict": true, "target": "ES2022", "module": "ES2022", "moduleResolution": "node", "noEmit": true,
    "lib": ["ES2022"], "types": []
} }"#;

/// Makes the client of an application.
fn make(application: &Path, client: &Path) {
    let program = env!("CARGO_BIN_EXE_backstay");
    run(Command::new(program).args(["client", "typescript"]).arg(application).arg("--out").arg(client));
}

const CONFIGURATION: &str = r#"{ "compilerOptions": {
    "strict": true, "target": "ES2020", "module": "ES2022", "moduleResolution": "node",
    "lib": ["ES2020", "DOM", "DOM.Iterable"], "types": []
} }"#;

/// What a program writes; it has to succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        unreachable!(
            "{command:?}: {error}; install Debian's packages nodejs and node-typescript, or run `cargo xtask test`"
        )
    });
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// What an editor says of functions is what `clients/functions/check.ts` expects.
#[test]
fn functions_of_the_newsroom_are_typed() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/functions");
    run(Command::new("tsc").arg("-p").arg(functions));
}
