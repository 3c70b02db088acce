//! What a selection names within documents.

use backstay_base::{Error, Place, limits};
use backstay_model::{Embedded, Field, FieldKind, Shape, TYPE_NAME};
use backstay_sql::{DocumentSelection, MemberSelection, SelectedMember};

use super::{Holder, View, forbidden, level, too_much};

/// Refuses a selection of the values of a shape that names records which the caller never sees, or that is larger or deeper
/// than selections may be.
pub(super) fn values(
    view: View<'_>,
    shape: Shape,
    (selection, depth): (&DocumentSelection, usize),
    fields: &mut usize,
) -> Result<(), Error> {
    if depth > limits::SELECT_DEPTH {
        let most = limits::SELECT_DEPTH;
        return Err(too_much(format!("at most {most} levels, the record itself included")));
    }
    let types = view.model.types_of(&shape);
    for selected in selection.0.iter() {
        let of = view.model.embedded(selected.of);
        if !types.contains(&selected.of) {
            return Err(too_much(format!("`{}` is not a type of what is selected", of.name)));
        }
        names(of, &selected.members)?;
        *fields += selected.members.len();
        if *fields > limits::SELECT_FIELDS {
            return Err(too_much(format!("at most {} fields", limits::SELECT_FIELDS)));
        }
        for selected in selected.members.iter() {
            member(view, of.member(selected.member), (selected, depth), fields)?;
        }
    }
    Ok(())
}

/// Refuses two members of one name in the answer.
fn names(of: &Embedded, selected: &[SelectedMember]) -> Result<(), Error> {
    let mut seen: Vec<&str> = Vec::new();
    for one in selected {
        let own = of.member(one.member).own_name();
        let name = one.alias.as_deref().unwrap_or(own);
        let is_other = name != own && of.members.iter().any(|member| member.own_name() == name);
        if is_other || name == TYPE_NAME || seen.contains(&name) {
            return Err(too_much(format!("`{name}` is the name of a member or of another part; choose another one")));
        }
        seen.push(name);
    }
    Ok(())
}

fn member(
    view: View<'_>,
    member: &Field,
    (selected, depth): (&SelectedMember, usize),
    fields: &mut usize,
) -> Result<(), Error> {
    let none = || too_much(format!("`{}` is not a relation and has no fields", member.name));
    match (&member.kind, &selected.inner) {
        (_, None) => Ok(()),
        (FieldKind::Embedded(of), Some(MemberSelection::Values(inner))) => {
            values(view, Shape::Embedded(*of), (inner, depth + 1), fields)
        }
        (FieldKind::Document(document), Some(MemberSelection::Values(inner))) => {
            values(view, document.shape(), (inner, depth + 1), fields)
        }
        (FieldKind::ToOne { target, .. }, Some(MemberSelection::Records(types))) => match &**types {
            [(of, _)] if view.refuses(*of) => Err(Error::malformed(Place::Select, forbidden(member))),
            [(of, selection)] if of == target => {
                let holder = Holder { collection: view.model.collection(*of), within: None };
                level(view, holder, (selection, depth + 1), fields)
            }
            _ => Err(none()),
        },
        (FieldKind::ToOneOf { union, .. }, Some(MemberSelection::Records(types))) => {
            for (of, selection) in types.iter() {
                if !view.model.record_union(*union).members.contains(of) {
                    return Err(none());
                }
                // Records of a type that the caller never reads are answered by null.
                if !view.refuses(*of) {
                    let holder = Holder { collection: view.model.collection(*of), within: None };
                    level(view, holder, (selection, depth + 1), fields)?;
                }
            }
            Ok(())
        }
        (_, Some(_)) => Err(none()),
    }
}
