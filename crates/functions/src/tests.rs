//! The tests that a team writes beside its functions: files named `….test.ts`.

use std::path::Path;
use std::sync::Arc;

use crate::allowance::Allowance;
use crate::isolate::Isolate;
use crate::problem::Problem;
use crate::program::{CollectionName, Prepared, Program, problem};
use crate::secrets::Secrets;
use crate::sources::{Included, Sources};

/// The tests of an application, compiled.
#[derive(Debug)]
pub struct Tests {
    /// Runs each of them as a function.
    pub program: Program,
    /// All of them, by files and in their order there.
    pub all: Vec<Test>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What the program calls it.
    pub function: String,
    /// Its file, such as `functions/checkout.test.ts`.
    pub file: String,
    /// The line that it begins in.
    pub line: u32,
    /// What it says that is true.
    pub name: String,
}

impl Tests {
    /// Reads and compiles the tests of the application in this directory. `requests` is the module that writes requests, in
    /// TypeScript.
    pub fn read(application: &Path, collections: &[CollectionName], requests: &str) -> Result<Self, Vec<Problem>> {
        let sources = Sources::read(application, Included::Tests)?;
        let code = Prepared::of_tests(&sources, collections, requests)?.compiled().map_err(|problem| vec![problem])?;
        let code = Arc::new(code);
        let names = Isolate::new(&code, &Secrets::default(), &Allowance::new()).and_then(|isolate| isolate.functions());
        let names = names.map_err(|why| vec![problem(&why)])?;
        let mut all: Vec<Test> = names.iter().filter_map(|name| Test::of(name)).collect();
        all.sort_by(|one, other| (&one.file, one.line, &one.name).cmp(&(&other.file, other.line, &other.name)));
        Ok(Self { program: Program::of_names(code, names), all })
    }
}

impl Test {
    /// From the name that the prelude gives it: where it is, and in the next line what it is called.
    fn of(function: &str) -> Option<Self> {
        let (place, name) = function.split_once('\n')?;
        let (file, line) = place.rsplit_once(':')?;
        Some(Self {
            function: function.to_owned(),
            file: file.to_owned(),
            line: line.parse().ok()?,
            name: name.to_owned(),
        })
    }
}
