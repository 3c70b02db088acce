//! Functions as they are compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use rquickjs::Ctx;
use rquickjs::loader::{ImportAttributes, Resolver};

/// The module that joins the functions to what runs them.
pub(crate) const ENTRY: &str = "backstay:entry";

/// Modules as bytecode, and what their imports lead to.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) modules: &'static [(&'static str, &'static [u8])],
    pub(crate) links: Links,
}

/// What each import of each module leads to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links(Arc<BTreeMap<(String, String), String>>);

impl From<BTreeMap<(String, String), String>> for Links {
    fn from(links: BTreeMap<(String, String), String>) -> Self {
        Self(Arc::new(links))
    }
}

impl Resolver for Links {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        if base.is_empty() && name == ENTRY {
            return Ok(name.to_owned());
        }
        let target = self.0.get(&(base.to_owned(), name.to_owned()));
        target.cloned().ok_or_else(|| {
            rquickjs::Error::new_resolving_message(base, name, "only modules that an `import` names are there")
        })
    }
}
