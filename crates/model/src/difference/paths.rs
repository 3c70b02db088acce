//! The paths of interfaces, at which the records of several types are read together.

use super::api::{ApiChange, breaking, harmless};
use super::listing::listed;
use crate::{ApiPrefix, Interface, Model};

/// What is read at the path of an interface. Its name is nowhere stored, and clients don't see it.
pub(super) struct PathOfTypes<'m> {
    path: &'m str,
    types: Vec<&'m str>,
}

impl<'m> PathOfTypes<'m> {
    pub(super) fn of(model: &'m Model, interface: &'m Interface) -> Self {
        let types = interface.types.iter().map(|id| model.collection(*id).name.as_str());
        Self { path: &interface.path, types: types.collect() }
    }
}

/// The types whose records are read at the path of an interface are others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// The path, such as `/api/content`.
    pub path: String,
    /// Types whose records are read there from now on.
    pub added: Vec<String>,
    /// Types whose records are read there no more.
    pub gone: Vec<String>,
    /// Whether anything is still read there.
    pub exists: bool,
}

impl PathChange {
    /// What clients notice of it.
    pub(super) fn noticed(&self) -> ApiChange {
        let Self { path, added, gone, exists } = self;
        match (exists, gone.is_empty()) {
            (false, _) => breaking(format!("{path} is gone")),
            (true, false) => breaking(format!("{path} has no records of {} any more", listed(gone))),
            (true, true) => harmless(format!("{path} has records of {}", listed(added))),
        }
    }
}

/// How the paths of newer interfaces differ from those before. `api`: below which path they are.
pub(super) fn paths_changed(older: &[PathOfTypes<'_>], newer: &[PathOfTypes<'_>], api: &ApiPrefix) -> Vec<PathChange> {
    let types = |all: &[PathOfTypes<'_>], path: &str| -> Vec<String> {
        let of = all.iter().find(|of| of.path == path);
        of.map_or_else(Vec::new, |of| of.types.iter().map(|name| (*name).to_owned()).collect())
    };
    let mut paths: Vec<&str> = newer.iter().chain(older).map(|of| of.path).collect();
    let mut seen: Vec<&str> = Vec::new();
    paths.retain(|path| {
        let is_new = !seen.contains(path);
        seen.push(path);
        is_new
    });
    let change = |path: &str| {
        let (before, after) = (types(older, path), types(newer, path));
        let added: Vec<String> = after.iter().filter(|name| !before.contains(name)).cloned().collect();
        let gone: Vec<String> = before.iter().filter(|name| !after.contains(name)).cloned().collect();
        let is_same = added.is_empty() && gone.is_empty();
        (!is_same).then(|| PathChange { path: api.path_of(path), added, gone, exists: !after.is_empty() })
    };
    paths.into_iter().filter_map(change).collect()
}
