//! Enums to which several owners give values: the values add up. States and their transitions are their owner's alone.

use apollo_compiler::ast::{Definition, DirectiveList, Document, EnumTypeExtension, EnumValueDefinition};
use apollo_compiler::{Name, Node};

use super::{Kind, Merging, Site, parts, place_of};

pub(super) fn add_up(documents: &mut [Document], merging: &mut Merging<'_>) {
    for (name, sites) in parts(documents, merging.places, Kind::Enum) {
        let [home, others @ ..] = sites.as_slice() else { continue };
        if !home.is_definition {
            continue;
        }
        for site in others.iter().filter(|site| site.owner != home.owner) {
            if has_states(documents, &sites) {
                refuse(documents, (&name, home, site), merging);
            }
            add(documents, (&name, &sites, site), merging);
        }
    }
}

fn enumeration<'d>(
    documents: &'d mut [Document],
    site: &Site<'_>,
) -> Option<(&'d mut DirectiveList, &'d mut Vec<Node<EnumValueDefinition>>)> {
    match &mut documents[site.at.0].definitions[site.at.1] {
        Definition::EnumTypeDefinition(node) => {
            let of = node.make_mut();
            Some((&mut of.directives, &mut of.values))
        }
        Definition::EnumTypeExtension(node) => {
            let of = node.make_mut();
            Some((&mut of.directives, &mut of.values))
        }
        _ => None,
    }
}

fn values(documents: &mut [Document], site: &Site<'_>) -> Vec<Node<EnumValueDefinition>> {
    enumeration(documents, site).map(|(_, values)| values.clone()).unwrap_or_default()
}

fn has_states(documents: &mut [Document], sites: &[Site<'_>]) -> bool {
    let is_state = |value: &Node<EnumValueDefinition>| value.directives.has("initial") || value.directives.has("to");
    sites.iter().any(|site| values(documents, site).iter().any(is_state))
}

fn has_roles(documents: &[Document], sites: &[Site<'_>]) -> bool {
    sites.iter().any(|site| documents[site.at.0].definitions[site.at.1].directives().has("roles"))
}

fn refuse(documents: &[Document], (name, home, site): (&Name, &Site<'_>, &Site<'_>), merging: &mut Merging<'_>) {
    let place = |site: &Site<'_>| place_of(documents, site, merging.places);
    let (second, first) = (place(site), place(home));
    let message = format!("the states of {name} are those of {}", home.owner);
    let help = "give the enum another name, or use a field of your own beside the state";
    merging.conflict(message, (second, "extended here"), (first, "defined here"), help);
}

/// Makes a part of another owner an extension with the values that are new.
fn add(documents: &mut [Document], (name, sites, site): (&Name, &[Site<'_>], &Site<'_>), merging: &mut Merging<'_>) {
    let before = sites.iter().take_while(|other| other.at != site.at);
    let known: Vec<Node<EnumValueDefinition>> = before.flat_map(|other| values(documents, other)).collect();
    let mut new = Vec::new();
    if !has_roles(documents, sites) {
        check_order((name, &known), &values(documents, site), merging);
    }
    for value in values(documents, site) {
        match known.iter().find(|known| known.value == value.value) {
            None => new.push(value),
            Some(first) if first.directives == value.directives || value.directives.is_empty() => {}
            Some(first) => {
                let message = format!("`{}` of {name} is marked in two ways", value.value);
                let places = (value.value.location(), first.value.location());
                let help = "write the value alone, or leave it out";
                merging.conflict(message, (places.0, "and in this"), (places.1, "in this way"), help);
            }
        }
    }
    let definition = &mut documents[site.at.0].definitions[site.at.1];
    let joined = match definition {
        Definition::EnumTypeDefinition(node) => {
            let mut directives = node.directives.clone();
            directives.0.retain(|directive| directive.name != "roles");
            let of = EnumTypeExtension { name: name.clone(), directives, values: new };
            Definition::EnumTypeExtension(node.same_location(of))
        }
        Definition::EnumTypeExtension(node) => {
            let mut node = node.clone();
            node.make_mut().values = new;
            Definition::EnumTypeExtension(node)
        }
        _ => return,
    };
    *definition = joined;
}

/// Values are compared in the order in which they stand, so those that two owners have must stand in one order.
fn check_order(
    (name, known): (&Name, &[Node<EnumValueDefinition>]),
    values: &[Node<EnumValueDefinition>],
    merging: &mut Merging<'_>,
) {
    let place = |value: &Node<EnumValueDefinition>| known.iter().position(|known| known.value == value.value);
    let shared: Vec<(usize, &Node<EnumValueDefinition>)> =
        values.iter().filter_map(|value| Some((place(value)?, value))).collect();
    let turned = shared.windows(2).find(|pair| pair[1].0 < pair[0].0);
    if let Some([(_, before), (first, value)]) = turned {
        let message = format!("`{}` and `{}` of {name} stand in two orders", value.value, before.value);
        let places = (value.value.location(), known[*first].value.location());
        let help = "write the values that both have in one order: rules and lists compare them by it";
        merging.conflict(message, (places.0, "after the other"), (places.1, "before it"), help);
    }
}
