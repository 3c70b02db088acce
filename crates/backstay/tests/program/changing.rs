//! Runs the recipes of docs/changing-a-model.md.
//!
//! A section with models is one application. A block marked `graphql` becomes its model, one marked with a language and a
//! file that file; `model/app.graphql` belongs to all of them. Before the model changes for the first time, the seed files
//! are loaded. A block marked `console` runs in a shell: each command follows `$ `, and what comes after it is its
//! expected output, in which `…` stands for any text. From the first command that asks `localhost:8080` to the end of the
//! block, the application is served; with its model before the last one, if the block is marked `console old`.
//!
//! With `TOUR_BLESS=1` in the environment, outputs that differ are written to the document instead.

#![expect(clippy::panic, reason = "a document that can't be run fails the test")]
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::App;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/changing-a-model.md");
const WRITTEN: &str = "localhost:8080";
/// The mark of the file that all applications have.
const SHARED: &str = "graphql model/app.graphql";
const MODEL: &str = "model/model.graphql";

/// A fenced block of a document.
struct Block<'d> {
    /// The line of its first fence, from 1.
    line: usize,
    mark: &'d str,
    text: String,
}

impl Block<'_> {
    fn is_console(&self) -> bool {
        matches!(self.mark, "console" | "console old")
    }
}

/// A command of a `console` block, and what it is expected to print.
struct Step {
    command: String,
    output: String,
}

#[test]
fn the_recipes_do_what_they_say() {
    let text = fs::read_to_string(DOCUMENT).expect("the document");
    let (mut blessed, mut faults, mut recipes) = (text.clone(), Vec::new(), 0);
    let sections = sections(&text);
    let shared = sections.iter().flatten().find(|block| block.mark == SHARED).expect("a model for all");
    for section in &sections {
        if !section.iter().any(|block| block.mark == "graphql") {
            let unrun = section.iter().find(|block| block.is_console());
            assert!(unrun.is_none(), "line {}: no model to run this with", unrun.map_or(0, |block| block.line));
            continue;
        }
        recipes += 1;
        for (block, outputs) in run(shared, section) {
            let steps = steps(&block.text);
            let fits = |(step, output): (&Step, &String)| fits(step.output.trim_end(), output.trim_end());
            if !steps.iter().zip(&outputs).all(fits) {
                let pairs = steps.iter().zip(&outputs);
                let found =
                    pairs.fold(String::new(), |text, (step, output)| text + "$ " + &step.command + "\n" + output);
                let fenced = |text: &str| format!("```{}\n{}\n```", block.mark, text.trim_end());
                blessed = blessed.replacen(&fenced(&block.text), &fenced(&found), 1);
                faults.push(format!("line {}:\n{found}", block.line));
            }
        }
    }
    if std::env::var_os("TOUR_BLESS").is_some() {
        fs::write(DOCUMENT, blessed).expect("the document can be written");
    } else {
        assert!(faults.is_empty(), "docs/changing-a-model.md prints something else:\n\n{}", faults.join("\n\n"));
    }
    assert!(recipes > 10, "{recipes} recipes were found");
}

/// Checks the examples in the table of conversions: all that are refused in one plan, all others in one migration.
#[test]
fn values_convert_as_the_table_says() {
    let text = fs::read_to_string(DOCUMENT).expect("the document");
    let (_, table) =
        text.split_once("| from | a value such as | to | becomes |\n|---|---|---|---|\n").expect("the table");
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<[&str; 4]> =
        rows.map(|row| row.split(" | ").collect::<Vec<_>>().try_into().expect("a row")).collect();
    let (refused, taken): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row[3].starts_with("refused"));
    let plan = changed(&refused).run(&["migrate", "plan"]).out;
    assert_eq!(plan.matches("  blocked: ").count(), refused.len(), "{plan}");

    let app = changed(&taken);
    let plan = app.run(&["migrate", "plan", "--allow-data-loss"]).done();
    app.run(&["migrate", "apply", "--allow-data-loss"]).done();
    let record = app.serve().get("/api/things")["items"][0].clone();
    for (index, row) in taken.iter().enumerate() {
        let found = &record[format!("v{index}")];
        if row[3] == "deleted" {
            assert!(found.is_null(), "{row:?}: {found}");
            assert!(plan.contains(&format!("Thing.v{index} changes from ")) && plan.contains("loses data"), "{plan}");
        } else {
            let expected: serde_json::Value = serde_json::from_str(row[3].trim_matches('`')).expect("JSON");
            assert_eq!(*found, expected, "{row:?}");
        }
    }
}

/// The plan in docs/commands.md is one.
#[test]
fn the_plan_in_the_reference_is_real() {
    let text = fs::read_to_string(DOCUMENT.replace("changing-a-model", "commands")).expect("the document");
    let (_, rest) = text.split_once("```text\nBook.pages").expect("the plan");
    let (plan, _) = rest.split_once("```").expect("its end");
    let app = App::empty();
    let book = |fields: &str| {
        let fields = format!("title: String! {fields}");
        format!("extend schema @app(name: \"Library\")\ntype Book @allow(read: \"true\") {{ {fields} }}\n")
    };
    let line = |number: u8, more: &str| {
        format!(
            "{{\"id\": \"01a21800-0000-7000-8000-00000000000{number}\", \"title\": \"A\", \"shelf\": \"A1\"{more}}}\n"
        )
    };
    app.write(MODEL, &book("isbn: String shelf: String"));
    app.write("seed/Book.jsonl", &format!("{}{}", line(1, ", \"isbn\": \"0-19-853453-1\""), line(2, "")));
    app.run(&["seed"]).done();
    app.write(MODEL, &book("isbn: String! pages: Int"));
    assert_eq!(app.run(&["migrate", "plan"]).out, format!("Book.pages{plan}"));
}

/// An application with a record that holds the value of each row in a field of its own, and the model with the new types.
fn changed(rows: &[[&str; 4]]) -> App {
    let (app, mut values) = (App::empty(), Vec::new());
    let model = |column: usize| {
        let fields = rows.iter().enumerate().map(|(index, row)| format!("v{index}: {}", written(row[column])));
        let fields: Vec<String> = fields.collect();
        let head = "extend schema @app(name: \"A\")\nenum Old { RED GREEN }\nenum New { RED BLUE }\n";
        format!("{head}type Thing @allow(read: \"true\") {{ {} }}", fields.join("\n"))
    };
    for (index, row) in rows.iter().enumerate() {
        values.push(format!("\"v{index}\": {}", row[1].trim_matches('`')));
    }
    app.write(MODEL, &model(0));
    app.write("seed/Thing.jsonl", &format!("{{{}}}\n", values.join(", ")));
    app.run(&["seed"]).done();
    app.write(MODEL, &model(2));
    app
}

/// A type as a model has it.
fn written(shown: &str) -> &str {
    match shown {
        "an enum" => "Old",
        "an enum with `RED`" | "an enum without `GREEN`" => "New",
        scalar => scalar.trim_matches('`'),
    }
}

/// The blocks of each section: what is between two headings.
fn sections(text: &str) -> Vec<Vec<Block<'_>>> {
    let (mut sections, mut open) = (vec![Vec::new()], None::<Block<'_>>);
    for (number, line) in (1..).zip(text.lines()) {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => {
                let section = sections.last_mut().expect("there is always one");
                section.extend(open.take());
            }
            (Some(block), _) => {
                let between = if block.text.is_empty() { "" } else { "\n" };
                block.text.extend([between, line]);
            }
            (None, Some(mark)) => open = Some(Block { line: number, mark, text: String::new() }),
            (None, None) if line.starts_with("## ") || line.starts_with("### ") => sections.push(Vec::new()),
            (None, None) => {}
        }
    }
    sections
}

/// Runs a section's blocks in order. Returns what each command of its `console` blocks printed.
fn run<'s>(shared: &Block<'_>, section: &'s [Block<'_>]) -> Vec<(&'s Block<'s>, Vec<String>)> {
    let (app, mut models, mut all) = (App::empty(), Vec::new(), Vec::new());
    app.write("model/app.graphql", &shared.text);
    for block in section {
        match block.mark {
            SHARED => {}
            "graphql" => {
                if models.len() == 1 && !app.data().exists() {
                    app.run(&["seed"]).done();
                }
                models.push(block.text.as_str());
                app.write(MODEL, &block.text);
            }
            "console" => all.push((block, printed(&app, &block.text))),
            "console old" => {
                let [.., before, last] = models[..] else { panic!("line {}: no older model", block.line) };
                app.write(MODEL, before);
                all.push((block, printed(&app, &block.text)));
                app.write(MODEL, last);
            }
            mark => {
                if let Some((_, file)) = mark.split_once(' ') {
                    app.write(file, &format!("{}\n", block.text));
                }
            }
        }
    }
    all
}

/// What each command of a block prints.
fn printed(app: &App, block: &str) -> Vec<String> {
    let steps = steps(block);
    let first = steps.iter().position(|step| step.command.contains(WRITTEN)).unwrap_or(steps.len());
    let (before, served) = steps.split_at(first);
    let mut outputs = shell(app, before, WRITTEN);
    if !served.is_empty() {
        let server = app.serve();
        outputs.extend(shell(app, served, server.address()));
    }
    outputs
}

/// Runs commands in a shell that knows the variables of the last one.
fn shell(app: &App, steps: &[Step], address: &str) -> Vec<String> {
    let mut script = "touch .variables; . ./.variables\n".to_owned();
    for (index, step) in steps.iter().enumerate() {
        let command = step.command.replace(WRITTEN, address);
        _ = writeln!(script, "{{ {command}\n}} >.output-{index} 2>&1");
    }
    script.push_str("export -p | grep ' KEY=' >.variables\n");
    let tools = Path::new(env!("CARGO_BIN_EXE_backstay")).parent().expect("a directory");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path));
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(app.path()).env("PATH", std::env::join_paths(path).expect("a path"));
    shell.status().expect("bash, curl and jq are installed");
    let read = |index: usize| fs::read_to_string(app.path().join(format!(".output-{index}"))).expect("an output");
    (0..steps.len()).map(|index| read(index).replace(address, WRITTEN)).collect()
}

/// The commands of a block. A command goes on in the next line if its line ends in `\`.
fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), output: String::new() }),
            (None, Some(step)) if step.output.is_empty() && step.command.ends_with('\\') => {
                step.command.extend(["\n", line]);
            }
            (None, Some(step)) => step.output.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    steps
}

/// Whether a text is as expected; `…` stands for any text.
fn fits(expected: &str, text: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
