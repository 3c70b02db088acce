use std::collections::HashSet;

use backstay_model::{Collection, CollectionId, Document, Field, FieldId, FieldKind, Model};

/// A seed file's place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The type of its records.
    pub(crate) collection: CollectionId,
    /// Relations to records that do not exist yet when its own are created; they are set in a second step.
    pub(crate) later: Vec<FieldId>,
}

/// Orders types so that the records that a record requires exist before it and, if possible, all that it refers to.
pub(crate) fn order(model: &Model, collections: &[CollectionId]) -> Vec<Place> {
    let mut waiting: Vec<CollectionId> = collections.to_vec();
    waiting.sort_by_key(|id| &model.collection(*id).name);
    let mut places: Vec<Place> = Vec::new();
    while !waiting.is_empty() {
        let open: HashSet<CollectionId> = waiting.iter().copied().collect();
        let index = next(model, &waiting, &open).expect("a checked model has no circle of required relations");
        let collection = waiting.remove(index);
        let of = model.collection(collection);
        // A required reference to one of several types can't wait: what it leads to must be there.
        let can_wait = |field: &&Field| !of.requires(field) || may_be_empty(of, field);
        let relations = of.fields.iter().filter(|field| is_written(of, field)).filter(can_wait);
        let later = relations.filter(|field| targets(of, field).any(|target| open.contains(&target)));
        places.push(Place { collection, later: later.map(|field| field.id).collect() });
    }
    places
}

/// The type that requires none of the others; of several, the one that refers to the fewest. A reference to one of several
/// types requires all of them, unless nothing could come first then.
fn next(model: &Model, waiting: &[CollectionId], open: &HashSet<CollectionId>) -> Option<usize> {
    let is_required =
        |of: &Collection, field: &Field| of.requires(field) && targets(of, field).any(|target| target != of.id);
    next_by(model, waiting, open, is_required)
        .or_else(|| next_by(model, waiting, open, |_, field| field.required && field.kind.target().is_some()))
}

fn next_by(
    model: &Model,
    waiting: &[CollectionId],
    open: &HashSet<CollectionId>,
    is_required: impl Fn(&Collection, &Field) -> bool,
) -> Option<usize> {
    let candidates = waiting.iter().enumerate().filter_map(|(index, id)| {
        let collection: &Collection = model.collection(*id);
        let leads_to_open = |field: &&Field| targets(collection, field).any(|target| open.contains(&target));
        let relations = || collection.fields.iter().filter(|field| is_written(collection, field)).filter(leads_to_open);
        let requires = relations().any(|field| is_required(collection, field));
        let leads_away = |field: &&Field| targets(collection, field).any(|target| target != *id);
        let others = relations().filter(|field| is_declared(field)).filter(leads_away).count();
        (!requires).then_some((others, index))
    });
    candidates.min().map(|(_, index)| index)
}

/// Whether the field is a relation that a seed file can set, or holds documents with relations.
fn is_written(of: &Collection, field: &Field) -> bool {
    matches!(field.kind, FieldKind::ToOne { .. } | FieldKind::ManyToMany { .. })
        || of.mentions.iter().any(|mention| mention.document == field.id)
}

/// Whether the field is a required list of documents that a record may have none of at first: no check names it, which could
/// refuse that.
pub(crate) fn may_be_empty(of: &Collection, field: &Field) -> bool {
    let is_list = matches!(field.kind, FieldKind::Document(Document::List(_)));
    let checks = of.fields.iter().flat_map(|field| &field.checks).chain(&of.checks);
    let mut words = checks.flat_map(|check| check.rule.text.split(|char: char| !char.is_alphanumeric() && char != '_'));
    is_list
        && field.required
        && field.within.is_none()
        && field.length.is_none()
        && !words.any(|word| word == field.name)
}

/// The types whose records a field refers to, in its documents too.
fn targets(of: &Collection, field: &Field) -> impl Iterator<Item = CollectionId> {
    let mentions = of.mentions.iter().filter(|mention| mention.document == field.id);
    field.kind.target().into_iter().chain(mentions.map(|mention| mention.relation.target))
}

/// Whether the relation is declared on this type rather than on the other.
fn is_declared(field: &Field) -> bool {
    !matches!(&field.kind, FieldKind::ManyToMany { link, .. } if !link.owner)
}

#[cfg(test)]
mod tests {
    use backstay_model::{SourceFile, load};

    use super::*;

    fn check(text: &str, expected: &str) {
        let text = format!("extend schema @app(name: \"T\")\n{text}");
        let loaded = load(vec![SourceFile::app("a.graphql", text)]);
        let model = loaded.unwrap_or_else(|wrong| panic!("{wrong}")).model;
        let ids: Vec<CollectionId> = model.collections.iter().map(|collection| collection.id).collect();
        let show = |place: &Place| {
            let collection = model.collection(place.collection);
            let later: Vec<&str> = place.later.iter().map(|id| collection.field(*id).name.as_str()).collect();
            if later.is_empty() { collection.name.clone() } else { format!("{}({})", collection.name, later.join(" ")) }
        };
        let got = order(&model, &ids).iter().map(show).collect::<Vec<_>>().join(" ");
        assert_eq!(got, expected);
    }

    #[test]
    fn what_is_required_comes_first() {
        check("type A { b: B! }  type B { c: C! }  type C { x: Int }", "C B A");
        check("type A { b: B }  type B { x: Int }", "B A");
        check("type B { x: Int }  type A { x: Int }", "A B");
    }

    #[test]
    fn what_leads_to_later_records_is_set_later() {
        check("type A { parent: A  friends: [A!] }", "A(parent friends)");
        check("type A { b: B! }  type B { a: A }", "B(a) A");
        check("type A { b: B }  type B { a: A }", "A(b) B");
    }

    #[test]
    fn what_documents_refer_to_comes_first() {
        let links = "type Link @embedded { to: B! }";
        check(&format!("{links}  type A {{ links: [Link!] }}  type B {{ x: Int }}"), "B A");
        check(&format!("{links}  type A {{ links: [Link!] }}  type B {{ a: A! }}"), "A(links) B");
        check(&format!("{links}  type B {{ links: [Link!] }}"), "B(links)");
    }

    #[test]
    fn a_required_list_of_documents_is_set_later_if_it_may_be_empty() {
        let links = "type Link @embedded { to: B! }";
        check(&format!("{links}  type B {{ links: [Link!]! }}"), "B(links)");
        check(
            &format!("{links}  type B {{ links: [Link!]!  x: Int @check(rule: \"this.x > 0\", message: \"m\") }}"),
            "B(links)",
        );
        let some = "@check(rule: \"size(this.links) > 0\", message: \"one at least\")";
        check(&format!("{links}  type B {some} {{ links: [Link!]! }}"), "B");
        check(&format!("{links}  type B {{ links: [Link!]! {some} }}"), "B");
        check(&format!("{links}  type A {{ links: [Link!]! }}  type B {{ a: A! }}"), "A(links) B");
    }

    #[test]
    fn a_reference_to_one_of_several_types_comes_after_all_of_them() {
        check("union U = B | C  type A { to: U! }  type B { x: Int }  type C { b: B }", "B C A");
        check("union U = B | C  type A { to: U }  type B { a: A }  type C { x: Int }", "C A(to.B) B");
        // Comments on comments name those that are loaded.
        check("union U = A | B  type A { on: U! }  type B { best: A }", "B(best) A");
    }
}
