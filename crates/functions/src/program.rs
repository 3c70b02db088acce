//! The functions of an application, compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use backstay_base::limits;
use backstay_heap::Heap;
use parking_lot::Mutex;
use rquickjs::loader::{ImportAttributes, Loader};
use rquickjs::module::Declared;
use rquickjs::{CaughtError, Context, Ctx, Module, Runtime, WriteOptions};
use serde_json::json;

use crate::allowance::Allowance;
use crate::code::{Code, ENTRY, Links};
use crate::isolate::{Isolate, Unusable};
use crate::prelude::{DATABASE, GLOBAL_NAMES, GLOBALS, HTTP, LOADED, MEMBER_NAMES, PRELUDE, REFUSALS, REQUESTS, RUN};
use crate::problem::Problem;
use crate::secrets::Secrets;
use crate::sources::{Included, LIBRARY, Module as Source, Sources, TESTING};
use crate::strip::strip;

/// A collection as functions name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionName {
    /// The member of `db`, such as `blogPosts`.
    pub member: String,
    /// Its path, such as `blog-posts`.
    pub path: String,
    /// Whether it has one record.
    pub single: bool,
}

/// The functions of an application, compiled and ready to run.
#[derive(Debug)]
pub struct Program {
    pub(crate) code: Arc<Code>,
    functions: BTreeMap<String, Problem>,
    /// What else is exported, each with why it is no function of the application.
    others: BTreeMap<String, Problem>,
    is_copied: bool,
}

impl Program {
    /// The memory of its modules of which calls can start with a copy.
    pub const COPIED_BYTES: usize = Heap::KEPT_BYTES;

    /// Reads and compiles the functions of the application in this directory, and evaluates their modules once. `requests` is the
    /// module that writes requests, in TypeScript.
    pub fn read(application: &Path, collections: &[CollectionName], requests: &str) -> Result<Self, Vec<Problem>> {
        let sources = Sources::read(application, Included::Functions)?;
        if sources.modules.is_empty() {
            return Ok(Self::of_names(Arc::new(Code { modules: &[], links: Links::default() }), BTreeSet::new()));
        }
        let exported = exported(&sources)?;
        let texts = Prepared::of(&sources, &exported, collections, requests)?;
        let code = Arc::new(texts.compiled().map_err(|problem| vec![problem])?);
        let isolate = Isolate::new(&code, &Secrets::default(), &Allowance::new());
        let (names, is_copied) = isolate
            .and_then(|isolate| Ok((isolate.functions()?, isolate.is_kept())))
            .map_err(|why| vec![problem(&why)])?;
        let (functions, values): (BTreeMap<_, _>, BTreeMap<_, _>) =
            exported.into_iter().partition(|(name, _)| names.contains(name));
        let mut others = within(&sources);
        for (name, mut place) in values {
            place.message = format!("`{name}` is exported, but it isn't a function");
            others.insert(name, place);
        }
        Ok(Self { code, functions, others, is_copied })
    }

    /// One with these functions, which no model knows.
    pub(crate) fn of_names(code: Arc<Code>, names: BTreeSet<String>) -> Self {
        let functions = names.into_iter().map(|name| (name, Problem::of_file("functions", ""))).collect();
        Self { code, functions, others: BTreeMap::new(), is_copied: true }
    }

    /// Whether each call starts with a copy of what its modules have made: not if that is more than a heap can keep, so that each call
    /// has to evaluate them.
    pub fn is_copied(&self) -> bool {
        self.is_copied
    }

    /// Whether it has no function.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    /// The names of its functions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// Whether it has a function of this name.
    pub fn has(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }

    /// Why what is exported by this name is no function of the application.
    pub fn other(&self, name: &str) -> Option<&Problem> {
        self.others.get(name)
    }

    /// The functions that nothing refers to, each at its place.
    pub fn unused<'p>(&'p self, used: &BTreeSet<&str>) -> impl Iterator<Item = &'p Problem> {
        let used: BTreeSet<String> = used.iter().map(|name| (*name).to_owned()).collect();
        self.functions.iter().filter(move |(name, _)| !used.contains(*name)).map(|(_, place)| place)
    }
}

pub(crate) fn problem(why: &Unusable) -> Problem {
    Problem::of_stack(&why.message, &why.stack)
}

/// The functions that outermost modules export, each with what to say where nothing uses it.
fn exported(sources: &Sources) -> Result<BTreeMap<String, Problem>, Vec<Problem>> {
    let (mut found, mut wrong) = (BTreeMap::<String, Problem>::new(), Vec::new());
    for (name, module) in sources.modules.iter().filter(|(name, _)| Source::is_outermost(name)) {
        for (export, at) in &module.stripped.exports {
            let here = |message: String| Problem::at(name, &module.text, *at, message);
            let is_name = export.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$');
            if export == "default" || !is_name {
                wrong.push(here("a function is exported by its name: `export async function checkout(…)`".to_owned()));
            } else if let Some(other) = found.get(export) {
                wrong.push(here(format!(
                    "`{export}` is exported by {} too; a function has a name of its own",
                    other.file
                )));
            } else {
                let unused = format!(
                    "nothing in the model names the function `{export}`; modules that others share belong in a \
                     directory within `functions/`"
                );
                found.insert(export.clone(), here(unused));
            }
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

/// What modules in directories within `functions/` export.
fn within(sources: &Sources) -> BTreeMap<String, Problem> {
    let mut found = BTreeMap::new();
    for (name, module) in sources.modules.iter().filter(|(name, _)| !Source::is_outermost(name)) {
        for (export, at) in &module.stripped.exports {
            let message = format!(
                "`{export}` is exported here, but functions of actions are exported by files directly in `functions/`; move it there, \
                 or export it there, too: `export {{ {export} }} from \"./…\"`"
            );
            found.entry(export.clone()).or_insert_with(|| Problem::at(name, &module.text, *at, message));
        }
    }
    found
}

/// The text of the entry, and what its imports lead to.
struct Entry {
    text: String,
    links: BTreeMap<(String, String), String>,
}

impl Entry {
    /// The beginning of every entry.
    fn new() -> Self {
        let mut entry = Self { text: String::new(), links: BTreeMap::new() };
        // What these take from the host is gone before the team's own modules are evaluated.
        entry.import("{ serve } from", RUN);
        entry.import("", GLOBALS);
        entry
    }

    fn import(&mut self, what: &str, module: &str) {
        let _ = writeln!(self.text, "import {what} {module:?};");
        self.links.insert((ENTRY.to_owned(), module.to_owned()), module.to_owned());
    }

    fn serve(&mut self, given: &[&str]) {
        let _ = writeln!(self.text, "serve({});", given.join(", "));
    }
}

/// The paths of collections as an object of JavaScript.
fn paths(collections: &[CollectionName]) -> String {
    let mut text = String::from("{\n");
    for CollectionName { member, path, single } in collections {
        let _ = writeln!(text, "  {member:?}: {{ path: {path:?}, single: {single} }},");
    }
    text.push('}');
    text
}

/// Whether the team's own modules name something.
fn names(sources: &Sources, words: &str) -> bool {
    sources.modules.values().any(|module| module.stripped.code.contains(words))
}

/// The module that says which global values and members are there. What nothing names would only make every isolate larger.
fn globals(sources: &Sources) -> String {
    let named = |all: &[(&'static str, &'static str)]| -> BTreeMap<&'static str, &'static str> {
        all.iter().filter(|(name, _)| names(sources, name)).copied().collect()
    };
    let (globals, members) = (named(&GLOBAL_NAMES), BTreeMap::from(MEMBER_NAMES));
    let modules: BTreeSet<_> = globals.values().copied().chain(named(&MEMBER_NAMES).into_values()).collect();
    let given = json!({ "globals": globals, "given": members, "modules": modules });
    format!("import {{ prepare }} from {RUN:?};\nprepare({given});\n")
}

/// All modules as JavaScript, by name.
pub(crate) struct Prepared {
    texts: BTreeMap<String, String>,
    /// The module from which all others are reached.
    entry: String,
    links: Links,
}

impl Prepared {
    fn of(
        sources: &Sources,
        exported: &BTreeMap<String, Problem>,
        collections: &[CollectionName],
        requests: &str,
    ) -> Result<Self, Vec<Problem>> {
        let mut entry = Entry::new();
        let mut served = String::from("{\n");
        for (number, name) in sources.modules.keys().filter(|name| Source::is_outermost(name)).enumerate() {
            entry.import(&format!("* as module{number} from"), name);
            for (export, _) in exported.iter().filter(|(_, place)| place.file == *name) {
                let _ = writeln!(served, "  {export}: module{number}.{export},");
            }
        }
        served.push('}');
        entry.serve(&[&served, &paths(collections)]);
        Self::linked(sources, entry, requests)
    }

    /// The same of tests.
    pub(crate) fn of_tests(
        sources: &Sources,
        collections: &[CollectionName],
        requests: &str,
    ) -> Result<Self, Vec<Problem>> {
        let mut entry = Entry::new();
        entry.import("{ collected, context } from", TESTING);
        for name in sources.modules.keys().filter(|name| Source::is_test(name)) {
            entry.import("", name);
        }
        entry.serve(&["collected()", &paths(collections), "context"]);
        Self::linked(sources, entry, requests)
    }

    fn linked(sources: &Sources, entry: Entry, requests: &str) -> Result<Self, Vec<Problem>> {
        let Entry { text: entry, mut links } = entry;
        let mut texts = BTreeMap::new();
        // Exact numbers are more than half of the library.
        let is_exact = ["Decimal", "Money", "* as", "export *", "import("].iter().any(|words| names(sources, words));
        for (name, module) in &sources.modules {
            texts.insert(name.clone(), module.stripped.code.clone());
            for (specifier, target) in &module.links {
                let target = if target == LIBRARY && !is_exact { REFUSALS } else { target };
                links.insert((name.clone(), specifier.clone()), target.to_owned());
            }
        }
        let written = strip(requests, true).map_err(|wrong| {
            wrong.into_iter().map(|one| Problem::at(REQUESTS, requests, one.at, one.message)).collect::<Vec<_>>()
        })?;
        let own = [
            (RUN, REFUSALS),
            (GLOBALS, RUN),
            (LIBRARY, REFUSALS),
            (DATABASE, REQUESTS),
            (TESTING, DATABASE),
            (TESTING, HTTP),
            (TESTING, REFUSALS),
            (TESTING, RUN),
        ];
        let own = own.into_iter().chain(LOADED.iter().flat_map(|name| [(*name, RUN), (*name, REFUSALS), (RUN, *name)]));
        for (from, to) in own {
            links.insert((from.to_owned(), to.to_owned()), to.to_owned());
        }
        texts.extend(PRELUDE.map(|(name, text)| (name.to_owned(), text.to_owned())));
        texts.insert(REQUESTS.to_owned(), written.code);
        texts.insert(GLOBALS.to_owned(), globals(sources));
        Ok(Self { texts, entry, links: Links::from(links) })
    }

    /// Compiles the entry and, with it, every module that it leads to.
    pub(crate) fn compiled(self) -> Result<Code, Problem> {
        let Self { texts, entry, links } = self;
        let failed = |error: rquickjs::Error| Problem::of_file("functions", error.to_string());
        let runtime = Runtime::new().map_err(failed)?;
        runtime.set_memory_limit(4 * limits::FUNCTION_BYTES);
        runtime.set_max_stack_size(limits::FUNCTION_STACK_BYTES);
        let written = Written::default();
        let texts = Arc::new(texts);
        let compiling = Compiling { texts: Arc::clone(&texts), written: written.clone() };
        runtime.set_loader(links.clone(), compiling.clone());
        let context = Context::full(&runtime).map_err(failed)?;
        context.with(|ctx| {
            let module = Module::declare(ctx.clone(), ENTRY, entry).map_err(|error| caught(&ctx, error))?;
            let bytes = module.write(written_as()).map_err(|error| caught(&ctx, error))?;
            written.0.lock().push((ENTRY.to_owned(), bytes));
            for name in LOADED {
                if !written.has(name) {
                    compiling.compile(&ctx, name).map_err(|error| caught(&ctx, error))?;
                }
            }
            Ok::<(), Problem>(())
        })?;
        let modules = std::mem::take(&mut *written.0.lock());
        Ok(Code { modules: kept(modules), links })
    }
}

/// `Bundle`, which loads bytecode without unsafe code here, takes what lives as long as the process. A server reads its functions
/// once; in development, each change of one adds some kilobytes.
fn kept(modules: Vec<Compiled>) -> &'static [(&'static str, &'static [u8])] {
    let kept = |(name, bytes): Compiled| (&*name.leak(), &*bytes.leak());
    modules.into_iter().map(kept).collect::<Vec<_>>().leak()
}

fn caught(ctx: &Ctx<'_>, error: rquickjs::Error) -> Problem {
    match CaughtError::from_error(ctx, error) {
        CaughtError::Exception(exception) => {
            Problem::of_stack(&exception.message().unwrap_or_default(), &exception.stack().unwrap_or_default())
        }
        CaughtError::Error(error) => Problem::of_file("functions", error.to_string()),
        CaughtError::Value(value) => Problem::of_file("functions", format!("{value:?}")),
    }
}

/// What was compiled, by the names of modules, in the order in which it was finished.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<Compiled>>>);

type Compiled = (String, Vec<u8>);

impl Written {
    fn has(&self, name: &str) -> bool {
        self.0.lock().iter().any(|(known, _)| known == name)
    }
}

/// How bytecode is written: each isolate would keep the sources of its functions, which nothing reads.
fn written_as() -> WriteOptions {
    WriteOptions { strip_source: true, ..WriteOptions::default() }
}

#[derive(Clone)]
struct Compiling {
    texts: Arc<BTreeMap<String, String>>,
    written: Written,
}

impl Compiling {
    fn compile<'js>(&self, ctx: &Ctx<'js>, name: &str) -> rquickjs::Result<Module<'js, Declared>> {
        let text = self.texts.get(name).cloned().ok_or_else(|| rquickjs::Error::new_loading(name))?;
        let module = Module::declare(ctx.clone(), name, text)?;
        self.written.0.lock().push((name.to_owned(), module.write(written_as())?));
        Ok(module)
    }
}

impl Loader for Compiling {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        self.compile(ctx, name)
    }
}
