//! A field that somebody else than its owner declares again: to tighten it.

use std::collections::HashMap;

use apollo_compiler::ast::{Directive, FieldDefinition, Type};
use apollo_compiler::{Name, Node};

use super::Merging;
use crate::source::{Owner, Span};

/// Directives that both owners can write: both hold.
const ADDING_UP: &[&str] = &["allow", "check"];
/// Directives that stand in for that of the owner if they are as strict; `resolve/tighten.rs` compares them.
const TIGHTENING: &[&str] = &["class", "length", "range"];
/// Directives that can be added where the owner has none.
const ADDED: &[&str] = &["backfill", "default", "deprecated", "immutable", "pattern", "readonly", "unique"];

/// The second declaration of a field.
pub(super) struct Redeclared<'r> {
    /// The type.
    pub(super) of: &'r Name,
    /// Whose the first declaration is, and whose this one.
    pub(super) owners: (Owner<'r>, Owner<'r>),
    pub(super) field: &'r FieldDefinition,
}

/// Writes what the second declaration of a field says into the first.
pub(super) fn join(
    own: &mut FieldDefinition,
    redeclared: &Redeclared<'_>,
    merging: &mut Merging<'_>,
    tightened: &mut HashMap<Span, Node<Directive>>,
) {
    join_type(own, redeclared, merging);
    for directive in &*redeclared.field.directives {
        join_directive(own, (redeclared, directive), merging, tightened);
    }
}

fn join_type(own: &mut FieldDefinition, redeclared: &Redeclared<'_>, merging: &mut Merging<'_>) {
    let (first, second) = (&own.ty, &redeclared.field.ty);
    if first == second {
        return;
    }
    let (of, name, (owner, other)) = (redeclared.of, &own.name, redeclared.owners);
    let places = (redeclared.field.name.location(), own.name.location());
    if required(first) == *second {
        own.ty = redeclared.field.ty.clone();
    } else if required(second) == *first {
        let message = format!("`{name}` of {of} is required by {owner}, and not by {other}");
        merging.conflict(
            message,
            (places.0, "not required"),
            (places.1, "required"),
            format!("write `{name}: {first}`"),
        );
    } else {
        let message = format!("`{name}` of {of} is of type `{first}` in {owner}, and of type `{second}` in {other}");
        let help = format!("write `{name}: {first}`, or give the field another name");
        merging.conflict(message, (places.0, "and this"), (places.1, "this"), help);
    }
}

/// The same type where a value is required.
fn required(ty: &Type) -> Type {
    ty.clone().non_null()
}

fn join_directive(
    own: &mut FieldDefinition,
    (redeclared, directive): (&Redeclared<'_>, &Node<Directive>),
    merging: &mut Merging<'_>,
    tightened: &mut HashMap<Span, Node<Directive>>,
) {
    let name = directive.name.as_str();
    if own.directives.iter().any(|known| known == directive) && !ADDING_UP.contains(&name) {
        return;
    }
    let first = own.directives.iter().position(|known| known.name == directive.name);
    match first {
        _ if ADDING_UP.contains(&name) => own.directives.0.push(directive.clone()),
        Some(first) if TIGHTENING.contains(&name) => {
            let before = std::mem::replace(&mut own.directives.0[first], directive.clone());
            tightened.extend(merging.places.span(directive.location()).map(|span| (span, before)));
        }
        Some(first) => {
            let (owner, other) = redeclared.owners;
            let field = format!("`{}` of {}", own.name, redeclared.of);
            let message = format!("`@{name}` of {field} is written in two ways, by {owner} and by {other}");
            let places = (directive.location(), own.directives.0[first].location());
            let help = format!("leave `@{name}` out where the field is declared again");
            merging.conflict(message, (places.0, "and this"), (places.1, "this"), help);
        }
        None if TIGHTENING.contains(&name) || ADDED.contains(&name) => own.directives.0.push(directive.clone()),
        None => {
            let field = format!("`{}` of {}", own.name, redeclared.of);
            let message = format!("`@{name}` can't be added to {field}, which is a field of {}", redeclared.owners.0);
            let help = "a field that is declared again can be restricted with `@allow`, `@check`, `@length`, `@range`, \
                        `@pattern`, `@class`, `@unique`, `@readonly` and `@immutable`";
            merging.conflict(message, (directive.location(), "not here"), (own.name.location(), "declared here"), help);
        }
    }
}
