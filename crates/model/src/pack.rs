use std::collections::HashMap;

use apollo_compiler::ast::Directive;
use apollo_compiler::{Name, Node};

use crate::source::{Owner, Span};

/// A pack that a model includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Its name.
    pub name: String,
    /// `@manifest(version:)`, such as `1.4`.
    pub version: String,
}

/// What a model has from packs, besides what was written into its documents.
#[derive(Debug, Default)]
pub(crate) struct Packs {
    /// The packs, in the order in which they are included.
    pub(crate) all: Vec<Pack>,
    /// The types and enums of packs that others stand for, by pack and name.
    pub(crate) bound: HashMap<(String, String), Name>,
    /// What the owner of a field says with the same directive, by the place of the directive that stands in its stead.
    pub(crate) tightened: HashMap<Span, Node<Directive>>,
}

impl Packs {
    /// What a name stands for that this owner uses.
    pub(crate) fn meant<'n>(&'n self, owner: Owner<'_>, name: &'n str) -> &'n str {
        let Owner::Pack(pack) = owner else { return name };
        self.bound.get(&(pack.to_owned(), name.to_owned())).map_or(name, Name::as_str)
    }

    /// The types of packs for which a type stands, by pack and name, in the order in which the packs are included.
    pub(crate) fn standing_for<'p>(&'p self, ty: &'p str) -> impl Iterator<Item = (&'p str, &'p str)> {
        let of_pack = move |pack: &'p Pack| {
            let bound = self.bound.iter().filter(move |((of, _), to)| *of == pack.name && to.as_str() == ty);
            let mut names: Vec<&str> = bound.map(|((_, name), _)| name.as_str()).collect();
            names.sort_unstable();
            names.into_iter().map(move |name| (pack.name.as_str(), name))
        };
        self.all.iter().flat_map(of_pack)
    }

    /// The directive of the field's owner that the one at this place stands in for.
    pub(crate) fn tightened(&self, span: Option<Span>) -> Option<&Node<Directive>> {
        span.and_then(|span| self.tightened.get(&span))
    }
}
