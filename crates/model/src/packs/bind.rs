//! Names of a pack that stand for something in the application: they are replaced by what they stand for. The identity
//! types of all packs and of the application are one type, and so are the enums of their roles.

use std::collections::HashMap;

use apollo_compiler::ast::{
    Definition, Document, EnumTypeExtension, FieldDefinition, InterfaceTypeDefinition, ObjectTypeExtension, Type,
};
use apollo_compiler::{Name, Node};

use super::inclusion::{Bind, Inclusion};
use super::{Kind, Merging, Site, home, interfaces, sites};
use crate::names::suggestion;
use crate::source::Owner;

/// What names of packs stand for.
#[derive(Default)]
pub(super) struct Bindings {
    /// Types and enums that others stand for.
    renamed: Vec<Renamed>,
    /// Unions of packs, each with a type that belongs to it.
    members: Vec<(Name, Name)>,
    /// Interfaces of packs, each with a type that implements it.
    implemented: Vec<(Name, Name)>,
}

struct Renamed {
    pack: String,
    from: Name,
    to: Name,
}

impl Bindings {
    /// What the application binds, and what is bound because it is marked alike.
    pub(super) fn of(documents: &[Document], inclusions: &[Inclusion], merging: &mut Merging<'_>) -> Self {
        let sites = sites(documents, merging.places);
        let mut bindings = Self::default();
        for inclusion in inclusions {
            for bind in &inclusion.binds {
                bindings.bind((documents, &sites), (&inclusion.name, bind), merging);
            }
        }
        for (kind, mark) in [(Kind::Type, "identity"), (Kind::Enum, "roles")] {
            bindings.unite(documents, &sites, (kind, mark));
        }
        bindings.check_empty_unions(documents, inclusions, merging);
        bindings
    }

    fn bind(
        &mut self,
        (documents, sites): (&[Document], &[(Name, Site<'_>)]),
        (pack, bind): (&str, &Bind),
        merging: &mut Merging<'_>,
    ) {
        let is_packs = |site: &Site<'_>| site.owner == Owner::Pack(pack);
        let (name, place) = &bind.name;
        let defined = || sites.iter().filter(|(_, site)| site.is_definition);
        let Some((own, site)) = defined().find(|(known, site)| known.as_str() == name && is_packs(site)) else {
            let known = defined().filter(|(_, site)| is_packs(site)).map(|(name, _)| name.as_str());
            let message = format!("the pack `{pack}` has no `{name}`");
            return merging.error((*place, "not in the pack"), message, suggestion(name, known));
        };
        let wanted = match site.kind {
            Kind::Enum => Kind::Enum,
            Kind::Type | Kind::Interface | Kind::Union => Kind::Type,
        };
        let is_single = matches!(site.kind, Kind::Type | Kind::Enum);
        if bind.to.is_empty() || (is_single && bind.to.len() > 1) {
            let message = format!("`{name}` of the pack `{pack}` is {}", site.kind.words());
            let help = match is_single {
                true => format!("write the one that it becomes, such as `to: \"{name}\"`"),
                false => "name at least one type in `to`".to_owned(),
            };
            return merging.error((*place, "bound to none, or to several"), message, help);
        }
        for (to, at) in &bind.to {
            let other = defined().find(|(known, site)| known.as_str() == to && !is_packs(site));
            let Some((target, found)) = other else {
                let known = defined().filter(|(_, site)| site.kind == wanted && !is_packs(site));
                let message = format!("there is no `{to}` outside of the pack `{pack}`");
                merging.error((*at, "not known"), message, suggestion(to, known.map(|(name, _)| name.as_str())));
                continue;
            };
            if found.kind != wanted {
                let (one, other) = (site.kind.words(), found.kind.words());
                let message = format!("`{name}` of the pack `{pack}` is {one}, and `{to}` is {other}");
                merging.error((*at, "of another kind"), message, format!("bind it to {}", wanted.words()));
                continue;
            }
            match site.kind {
                Kind::Type | Kind::Enum => self.rename(pack, own, target.clone()),
                Kind::Union => self.members.push((own.clone(), target.clone())),
                Kind::Interface => {
                    if found.owner != Owner::Application {
                        interfaces::check_bound(documents, (own, *at), (target, found), merging);
                    }
                    self.implemented.push((own.clone(), target.clone()));
                }
            }
        }
    }

    fn rename(&mut self, pack: &str, from: &Name, to: Name) {
        if !self.renamed.iter().any(|known| known.pack == pack && known.from == *from) {
            self.renamed.push(Renamed { pack: pack.to_owned(), from: from.clone(), to });
        }
    }

    /// Makes one of all definitions that have this mark: that of the application, else of the first that has one.
    fn unite(&mut self, documents: &[Document], sites: &[(Name, Site<'_>)], (kind, mark): (Kind, &str)) {
        let is_marked = |site: &Site<'_>| {
            let (document, index) = site.at;
            documents[document].definitions[index].directives().has(mark)
        };
        let marked: Vec<&(Name, Site<'_>)> =
            sites.iter().filter(|(_, site)| site.kind == kind && site.is_definition && is_marked(site)).collect();
        let all: Vec<Site<'_>> = marked.iter().map(|(_, site)| *site).collect();
        let Some((to, home)) = home(&all).and_then(|home| marked.iter().find(|(_, site)| site.at == home.at)) else {
            return;
        };
        for (from, site) in &marked {
            if let Owner::Pack(pack) = site.owner
                && site.owner != home.owner
            {
                self.rename(pack, from, to.clone());
            }
        }
    }

    /// A union without types is there to be bound.
    fn check_empty_unions(&self, documents: &[Document], inclusions: &[Inclusion], merging: &mut Merging<'_>) {
        let definitions = || documents.iter().flat_map(|document| &document.definitions);
        let is_extended = |name: &Name| {
            definitions().any(|one| matches!(one, Definition::UnionTypeExtension(of) if of.name == *name))
        };
        for definition in definitions() {
            let Definition::UnionTypeDefinition(of) = definition else { continue };
            let Owner::Pack(pack) = merging.owner(definition.location()) else { continue };
            let is_bound = self.members.iter().any(|(union, _)| *union == of.name);
            let Some(inclusion) = inclusions.iter().find(|of| of.name == pack && of.is_sound) else { continue };
            let is_named = inclusion.binds.iter().any(|bind| bind.name.0 == of.name.as_str());
            if of.members.is_empty() && !is_bound && !is_named && !is_extended(&of.name) {
                let place = inclusion.place;
                let message = format!("`{}` of the pack `{pack}` stands for no type", of.name);
                let help = format!("write `binds: [{{name: \"{}\", to: [\"…\"]}}]`", of.name);
                merging.conflict(message, (place, "not bound here"), (of.name.location(), "a union to bind"), help);
            }
        }
    }

    /// What types and enums stand for, by pack and name.
    pub(super) fn bound(self) -> HashMap<(String, String), Name> {
        self.renamed.into_iter().map(|one| ((one.pack, one.from.to_string()), one.to)).collect()
    }

    /// Writes into the documents what the names stand for.
    pub(super) fn apply(&self, documents: &mut [Document], merging: &mut Merging<'_>) {
        for definition in documents.iter_mut().flat_map(|document| &mut document.definitions) {
            let owner = merging.owner(definition.location());
            if let Owner::Pack(pack) = owner {
                self.join(pack, definition);
                self.rename_in(pack, definition);
            }
            match definition {
                Definition::UnionTypeDefinition(node) if matches!(owner, Owner::Pack(_)) => {
                    let of = node.make_mut();
                    of.members.extend(self.members.iter().filter(|(union, _)| *union == of.name).map(second));
                }
                Definition::ObjectTypeDefinition(node) => {
                    let implemented = self.implemented.iter().filter(|(_, ty)| *ty == node.name);
                    let new: Vec<Name> = implemented
                        .filter(|(interface, _)| !node.implements_interfaces.contains(interface))
                        .map(|(interface, _)| interface.clone())
                        .collect();
                    if !new.is_empty() {
                        node.make_mut().implements_interfaces.extend(new);
                    }
                }
                _ => {}
            }
        }
    }

    /// Makes a definition that another one stands for a part of that one.
    fn join(&self, pack: &str, definition: &mut Definition) {
        let is_renamed = |name: &Name| self.renamed.iter().any(|one| one.pack == pack && one.from == *name);
        let joined = match definition {
            Definition::ObjectTypeDefinition(node) if is_renamed(&node.name) => {
                let mut directives = node.directives.clone();
                directives.0.retain(|directive| directive.name != "identity");
                Definition::ObjectTypeExtension(node.same_location(ObjectTypeExtension {
                    name: node.name.clone(),
                    implements_interfaces: node.implements_interfaces.clone(),
                    directives,
                    fields: node.fields.clone(),
                }))
            }
            Definition::EnumTypeDefinition(node) if is_renamed(&node.name) => {
                let mut directives = node.directives.clone();
                directives.0.retain(|directive| directive.name != "roles");
                let (name, values) = (node.name.clone(), node.values.clone());
                Definition::EnumTypeExtension(node.same_location(EnumTypeExtension { name, directives, values }))
            }
            _ => return,
        };
        *definition = joined;
    }

    /// Replaces the names in a definition of a pack.
    fn rename_in(&self, pack: &str, definition: &mut Definition) {
        let renamed: HashMap<&str, &Name> =
            self.renamed.iter().filter(|one| one.pack == pack).map(|one| (one.from.as_str(), &one.to)).collect();
        if renamed.is_empty() {
            return;
        }
        let rename = |name: &mut Name| {
            if let Some(to) = renamed.get(name.as_str()) {
                // It has the place of what it stands for: the compiler compares the lengths of names and places.
                *name = (*to).clone();
            }
        };
        let in_fields = |fields: &mut Vec<Node<FieldDefinition>>| {
            for field in fields.iter_mut() {
                rename(named(&mut field.make_mut().ty));
            }
        };
        match definition {
            Definition::ObjectTypeDefinition(node) => in_fields(&mut node.make_mut().fields),
            Definition::ObjectTypeExtension(node) => {
                let of = node.make_mut();
                rename(&mut of.name);
                in_fields(&mut of.fields);
            }
            Definition::InterfaceTypeDefinition(node) => {
                let InterfaceTypeDefinition { fields, .. } = node.make_mut();
                in_fields(fields);
            }
            Definition::InterfaceTypeExtension(node) => in_fields(&mut node.make_mut().fields),
            Definition::UnionTypeDefinition(node) => node.make_mut().members.iter_mut().for_each(rename),
            Definition::UnionTypeExtension(node) => node.make_mut().members.iter_mut().for_each(rename),
            Definition::EnumTypeExtension(node) => rename(&mut node.make_mut().name),
            _ => {}
        }
    }
}

fn second(pair: &(Name, Name)) -> Name {
    pair.1.clone()
}

/// The name in a type.
fn named(ty: &mut Type) -> &mut Name {
    match ty {
        Type::Named(name) | Type::NonNullNamed(name) => name,
        Type::List(inner) | Type::NonNullList(inner) => named(inner),
    }
}
