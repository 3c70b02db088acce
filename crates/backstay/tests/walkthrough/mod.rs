//! Runs the walk through an example in its README, and compares every answer with the one in the README.
//!
//! One shell runs all blocks marked `sh`. The block after one, marked `json`, `http` or `text`, is its expected output.
//! There `…` stands for any text; as an element of a list, for any further elements; as a name in an object, for any
//! further members. Of an answer marked `http`, only the headers in the README are compared.
//!
//! With `TOUR_BLESS=1` in the environment, answers that differ are written to the README instead.

mod matching;
mod readme;
mod served;

use std::fs;
use std::path::Path;

use readme::Readme;
use served::Served;

/// Serves a copy of an example and walks through its README. `prepare` adds to the copy what is not part of the
/// repository.
pub(crate) fn walk(example: &str, prepare: impl FnOnce(&Path)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("examples").join(example).join("README.md");
    let text = fs::read_to_string(&path).expect("the example has a README");
    let mut readme = Readme::parse(&text);
    let served = Served::start(&root, example, prepare);
    let outputs = served.run(&readme.scripts());

    let mut faults = Vec::new();
    for (step, output) in readme.steps.iter_mut().zip(outputs) {
        let Some(answer) = &mut step.answer else { continue };
        if let Err(fault) = matching::check(answer, &output) {
            faults.push(format!("line {}: {fault}\n{}\nwrites\n{output}", step.line, step.script));
            answer.text = matching::masked(answer.kind, &output);
        }
    }
    if std::env::var_os("TOUR_BLESS").is_some() {
        fs::write(&path, readme.with_answers(&text)).expect("the README can be written");
    } else {
        assert!(faults.is_empty(), "{}:\n\n{}", path.display(), faults.join("\n\n"));
    }
}
