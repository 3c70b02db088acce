//! The functions of an application, compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rquickjs::loader::{ImportAttributes, Loader};
use rquickjs::{CaughtError, Context, Ctx, Module, Runtime, WriteOptions};

use crate::code::{Code, ENTRY, Links};
use crate::isolate::{Isolate, Unusable};
use crate::limits;
use crate::problem::Problem;
use crate::sources::{LIBRARY, Module as Source, Sources};
use crate::strip::strip;

const RUN: &str = "backstay:run";
const HTTP: &str = "backstay:http";
const REQUESTS: &str = "backstay:requests";

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
}

impl Program {
    /// Reads and compiles the functions of the application in this directory, and evaluates their modules once. `requests` is the
    /// module that writes requests, in TypeScript.
    pub fn read(application: &Path, collections: &[CollectionName], requests: &str) -> Result<Self, Vec<Problem>> {
        let sources = Sources::read(application)?;
        let exported = exported(&sources)?;
        let texts = Prepared::of(&sources, &exported, collections, requests)?;
        let code = Arc::new(texts.compiled().map_err(|problem| vec![problem])?);
        let names = match Isolate::new(&code) {
            Ok(isolate) => isolate.functions().map_err(|why| vec![problem(&why)])?,
            Err(why) => return Err(vec![problem(&why)]),
        };
        let functions = exported.into_iter().filter(|(name, _)| names.contains(name)).collect();
        Ok(Self { code, functions })
    }

    /// The names of its functions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// Whether it has a function of this name.
    pub fn has(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }

    /// The functions that nothing refers to, each at its place.
    pub fn unused<'p>(&'p self, used: &BTreeSet<&str>) -> impl Iterator<Item = &'p Problem> {
        let used: BTreeSet<String> = used.iter().map(|name| (*name).to_owned()).collect();
        self.functions.iter().filter(move |(name, _)| !used.contains(*name)).map(|(_, place)| place)
    }
}

fn problem(why: &Unusable) -> Problem {
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

/// All modules as JavaScript, by name.
struct Prepared {
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
        let (mut texts, mut links) = (BTreeMap::new(), BTreeMap::new());
        let mut link = |from: &str, specifier: &str, to: &str| {
            links.insert((from.to_owned(), specifier.to_owned()), to.to_owned());
        };
        for (name, module) in &sources.modules {
            texts.insert(name.clone(), module.stripped.code.clone());
            for (specifier, target) in &module.links {
                link(name, specifier, target);
            }
        }
        let mut entry = format!("import {{ serve }} from \"{RUN}\";\n");
        link(ENTRY, RUN, RUN);
        let mut served = String::new();
        for (number, name) in sources.modules.keys().filter(|name| Source::is_outermost(name)).enumerate() {
            let _ = writeln!(entry, "import * as module{number} from {name:?};");
            link(ENTRY, name, name);
            for (export, _) in exported.iter().filter(|(_, place)| place.file == *name) {
                let _ = writeln!(served, "  {export}: module{number}.{export},");
            }
        }
        entry.push_str("serve({\n");
        entry.push_str(&served);
        entry.push_str("}, {\n");
        for CollectionName { member, path, single } in collections {
            let _ = writeln!(entry, "  {member:?}: {{ path: {path:?}, single: {single} }},");
        }
        entry.push_str("});\n");
        let written = strip(requests, true).map_err(|wrong| {
            wrong.into_iter().map(|one| Problem::at(REQUESTS, requests, one.at, one.message)).collect::<Vec<_>>()
        })?;
        link(RUN, LIBRARY, LIBRARY);
        link(RUN, REQUESTS, REQUESTS);
        link(RUN, HTTP, HTTP);
        texts.insert(HTTP.to_owned(), include_str!("prelude/http.js").to_owned());
        texts.insert(RUN.to_owned(), include_str!("prelude/run.js").to_owned());
        texts.insert(LIBRARY.to_owned(), include_str!("prelude/backstay.js").to_owned());
        texts.insert(REQUESTS.to_owned(), written.code);
        Ok(Self { texts, entry, links: Links::from(links) })
    }

    /// Compiles the entry and, with it, every module that it leads to.
    fn compiled(self) -> Result<Code, Problem> {
        let Self { texts, entry, links } = self;
        let failed = |error: rquickjs::Error| Problem::of_file("functions", error.to_string());
        let runtime = Runtime::new().map_err(failed)?;
        runtime.set_memory_limit(4 * limits::CALL_BYTES);
        runtime.set_max_stack_size(limits::STACK_BYTES);
        let written = Written::default();
        let compiling = Compiling { texts: Arc::new(texts), written: written.clone() };
        runtime.set_loader(links.clone(), compiling);
        let context = Context::full(&runtime).map_err(failed)?;
        context.with(|ctx| {
            let module = Module::declare(ctx.clone(), ENTRY, entry).map_err(|error| caught(&ctx, error))?;
            let bytes = module.write(WriteOptions::default()).map_err(|error| caught(&ctx, error))?;
            written.0.lock().push((ENTRY.to_owned(), bytes));
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

struct Compiling {
    texts: Arc<BTreeMap<String, String>>,
    written: Written,
}

impl Loader for Compiling {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, rquickjs::module::Declared>> {
        let text = self.texts.get(name).cloned().ok_or_else(|| rquickjs::Error::new_loading(name))?;
        let module = Module::declare(ctx.clone(), name, text)?;
        self.written.0.lock().push((name.to_owned(), module.write(WriteOptions::default())?));
        Ok(module)
    }
}
