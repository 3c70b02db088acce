//! Packs: model files that an application includes. What they say is brought together with what the application says
//! before the schema is built, so that later stages see one model. Every part keeps its place, and `Places::owner` tells
//! whose it is: the owner of a type is who defines it, and everybody else can add to it and tighten it.

mod bind;
mod enums;
mod extend;
mod fields;
mod inclusion;
mod interfaces;

use std::collections::BTreeSet;

use apollo_compiler::Name;
use apollo_compiler::ast::{Definition, Document};
use apollo_compiler::parser::SourceSpan;

use crate::pack::Packs;
use crate::places::Places;
use crate::source::{Owner, SourceFile};
use crate::{Diagnostic, Diagnostics};

use bind::Bindings;

/// The files without those of packs that no file of the application includes, and the names of all packs.
pub(crate) fn included(mut files: Vec<SourceFile>) -> (Vec<SourceFile>, Vec<String>) {
    let pack = |file: &SourceFile| match file.owner() {
        Owner::Pack(name) => Some(name.to_owned()),
        Owner::Application | Owner::System => None,
    };
    let available: BTreeSet<String> = files.iter().filter_map(pack).collect();
    if !available.is_empty() {
        let own = files.iter().filter(|file| file.owner() == Owner::Application);
        let included: Vec<String> = own.flat_map(|file| inclusion::named_in(&file.text)).collect();
        files.retain(|file| pack(file).is_none_or(|name| included.contains(&name)));
    }
    (files, available.into_iter().collect())
}

/// Brings what packs say together with the rest of the model.
pub(crate) fn merge(documents: &mut [Document], places: &Places, available: &[String], out: &mut Diagnostics) -> Packs {
    let (all, inclusions) = inclusion::read(documents, places, available, out);
    if all.is_empty() {
        return Packs::default();
    }
    let mut merging = Merging { places, out };
    let bindings = Bindings::of(documents, &inclusions, &mut merging);
    bindings.apply(documents, &mut merging);
    enums::add_up(documents, &mut merging);
    let tightened = extend::merge(documents, &mut merging);
    Packs { all, bound: bindings.bound(), tightened }
}

/// Where places are, and what is wrong.
struct Merging<'m> {
    places: &'m Places,
    out: &'m mut Diagnostics,
}

impl<'m> Merging<'m> {
    fn owner(&self, place: Option<SourceSpan>) -> Owner<'m> {
        self.places.owner(place)
    }

    /// Reports an error at a place.
    fn error(&mut self, place: (Option<SourceSpan>, &str), message: String, help: impl Into<String>) {
        let (place, label) = place;
        let diagnostic = Diagnostic::error(message).located(self.places.span(place), label);
        self.out.push(diagnostic.help(help));
    }

    /// Reports two places that contradict each other.
    fn conflict(
        &mut self,
        message: String,
        second: (Option<SourceSpan>, &str),
        first: (Option<SourceSpan>, &str),
        help: impl Into<String>,
    ) {
        let mut diagnostic = Diagnostic::error(message).help(help);
        if let Some(span) = self.places.span(first.0) {
            diagnostic = diagnostic.and(span, first.1);
        }
        self.out.push(diagnostic.located(self.places.span(second.0), second.1));
    }
}

/// What a definition or an extension of one is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Type,
    Interface,
    Union,
    Enum,
}

impl Kind {
    /// Of what packs and applications define.
    fn of(definition: &Definition) -> Option<Self> {
        match definition {
            Definition::ObjectTypeDefinition(_) | Definition::ObjectTypeExtension(_) => Some(Self::Type),
            Definition::InterfaceTypeDefinition(_) | Definition::InterfaceTypeExtension(_) => Some(Self::Interface),
            Definition::UnionTypeDefinition(_) | Definition::UnionTypeExtension(_) => Some(Self::Union),
            Definition::EnumTypeDefinition(_) | Definition::EnumTypeExtension(_) => Some(Self::Enum),
            Definition::OperationDefinition(_)
            | Definition::FragmentDefinition(_)
            | Definition::DirectiveDefinition(_)
            | Definition::SchemaDefinition(_)
            | Definition::SchemaExtension(_)
            | Definition::ScalarTypeDefinition(_)
            | Definition::ScalarTypeExtension(_)
            | Definition::InputObjectTypeDefinition(_)
            | Definition::InputObjectTypeExtension(_) => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Type => "a type",
            Self::Interface => "an interface",
            Self::Union => "a union",
            Self::Enum => "an enum",
        }
    }
}

/// Where a definition or an extension is in the documents, and whose it is.
#[derive(Debug, Clone, Copy)]
struct Site<'m> {
    at: (usize, usize),
    kind: Kind,
    is_definition: bool,
    owner: Owner<'m>,
}

/// All definitions and extensions of the model but those of the system model, with their names.
fn sites<'m>(documents: &[Document], places: &'m Places) -> Vec<(Name, Site<'m>)> {
    let mut sites = Vec::new();
    for (document, of) in documents.iter().enumerate() {
        for (index, definition) in of.definitions.iter().enumerate() {
            let owner = places.owner(definition.location());
            let (Some(kind), Some(name)) = (Kind::of(definition), definition.name()) else { continue };
            if owner != Owner::System {
                let is_definition = !definition.is_extension_definition();
                sites.push((name.clone(), Site { at: (document, index), kind, is_definition, owner }));
            }
        }
    }
    sites
}

/// The sites of one kind by name, in the order of the first ones: of each name that of its owner, who defines it, first,
/// then those of the same owner, of packs, and of the application.
fn parts<'m>(documents: &[Document], places: &'m Places, kind: Kind) -> Vec<(Name, Vec<Site<'m>>)> {
    let mut parts: Vec<(Name, Vec<Site<'m>>)> = Vec::new();
    for (name, site) in sites(documents, places).into_iter().filter(|(_, site)| site.kind == kind) {
        match parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sites)) => sites.push(site),
            None => parts.push((name, vec![site])),
        }
    }
    for (_, sites) in &mut parts {
        let Some(home) = home(sites) else { continue };
        sites.sort_by_key(|site| (site.at != home.at, site.owner != home.owner, site.owner == Owner::Application));
    }
    parts
}

/// The name in a definition or an extension; all of it where the name is that of what it stands for.
fn place_of(documents: &[Document], site: &Site<'_>, places: &Places) -> Option<SourceSpan> {
    let definition = &documents[site.at.0].definitions[site.at.1];
    let name = definition.name().and_then(Name::location);
    name.filter(|name| places.owner(Some(*name)) == site.owner).or_else(|| definition.location())
}

/// The definition of what has several parts: that of the application, else the first.
fn home<'m>(sites: &[Site<'m>]) -> Option<Site<'m>> {
    let definitions = || sites.iter().filter(|site| site.is_definition);
    definitions().find(|site| site.owner == Owner::Application).or_else(|| definitions().next()).copied()
}
