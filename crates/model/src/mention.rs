//! Relations of embedded types whose values are in documents: which there are, which records a document refers to, and a
//! document without references to some of them.

use backstay_base::{KeyForm, RecordId, Step};
use backstay_scalar::{Members, Token, Value, items, members, write};

use crate::kind::{Document, FieldKind, InnerRelation, Link, Mention, OnDelete, Shape};
use crate::{CollectionId, Embedded, EmbeddedId, Field, FieldId, Model, RecordUnion, TYPE_NAME, Union, names};

/// A reference in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mentioned {
    /// Which relation it is of.
    pub relation: InnerRelation,
    /// The record that it leads to.
    pub id: RecordId,
    /// Where it is in the document.
    pub at: Vec<Step>,
}

/// Where the relations of a document's types are looked for: a model, or what will be one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Types<'m> {
    pub(crate) embedded: &'m [Embedded],
    pub(crate) unions: &'m [Union],
    pub(crate) record_unions: &'m [RecordUnion],
}

impl Types<'_> {
    /// The relations of the types of which a document of this shape holds values, at any depth, in the order of the types.
    pub(crate) fn relations(&self, shape: Shape) -> Vec<(InnerRelation, OnDelete)> {
        let mut reached = vec![false; self.embedded.len()];
        crate::document::reach((self.embedded, self.unions), shape, &mut reached);
        let ids = (0..).map(EmbeddedId).zip(reached).filter_map(|(id, reached)| reached.then_some(id));
        ids.flat_map(|of| self.of_type(of)).collect()
    }

    fn of_type(&self, of: EmbeddedId) -> Vec<(InnerRelation, OnDelete)> {
        let mut relations = Vec::new();
        for member in &self.embedded[usize::from(of.0)].members {
            let (targets, on_delete) = match &member.kind {
                FieldKind::ToOne { target, on_delete, .. } => (std::slice::from_ref(target), *on_delete),
                FieldKind::ToOneOf { union, on_delete } => {
                    (self.record_unions[usize::from(union.0)].members.as_slice(), *on_delete)
                }
                _ => continue,
            };
            let relation = |target: &CollectionId| InnerRelation { of, member: member.id, target: *target };
            relations.extend(targets.iter().map(|target| (relation(target), on_delete)));
        }
        relations
    }
}

impl Mention {
    /// The relation of the documents in a field of a collection with this table.
    pub(crate) fn new(
        types: Types<'_>,
        (owner, near_key, document): (&str, KeyForm, &Field),
        (relation, on_delete): (InnerRelation, OnDelete),
        target: (&str, &str, KeyForm),
    ) -> Self {
        let of = &types.embedded[usize::from(relation.of.0)];
        let member = of.member(relation.member);
        let (target_name, target_table, far_key) = target;
        let one_of = matches!(member.kind, FieldKind::ToOneOf { .. }).then_some(target_name);
        let parts = [document.name.as_str(), &of.name, &member.name];
        let table = names::mention(owner, parts.into_iter().chain(one_of));
        let (near, far) = match owner == target_table {
            true => ("from_id".to_owned(), "to_id".to_owned()),
            false => (format!("{owner}_id"), format!("{target_table}_id")),
        };
        let link = Link { table, near, near_key, far, far_key, owner: true, inverse: None, ordered: false };
        Self { document: document.id, relation, on_delete, link }
    }
}

impl Model {
    /// The references in a document as it is stored, in their order.
    pub fn mentioned(&self, document: Document, text: &str) -> Vec<Mentioned> {
        let mut found = Vec::new();
        let note = &mut |mentioned: Mentioned| {
            found.push(mentioned);
            Kept::Yes
        };
        Walk { model: self, at: Vec::new(), each: note }.document(document, text);
        found
    }

    /// A document as it is stored without the references that are gone. Each of them is of a member that can be null.
    pub fn without_mentions(
        &self,
        document: Document,
        text: &str,
        is_gone: impl Fn(&InnerRelation, RecordId) -> bool,
    ) -> String {
        let each = &mut |mentioned: Mentioned| match is_gone(&mentioned.relation, mentioned.id) {
            true => Kept::No,
            false => Kept::Yes,
        };
        Walk { model: self, at: Vec::new(), each }.document(document, text)
    }

    /// A document as it is stored with other references at some of their places. It asks for each of them, in their order.
    pub fn with_mentions(
        &self,
        document: Document,
        text: &str,
        mut other: impl FnMut(&[Step]) -> Option<RecordId>,
    ) -> String {
        let each = &mut |mentioned: Mentioned| other(&mentioned.at).map_or(Kept::Yes, Kept::As);
        Walk { model: self, at: Vec::new(), each }.document(document, text)
    }
}

/// Whether a reference stays in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
    /// It leads to this record instead.
    As(RecordId),
}

/// A walk through a stored document that writes it again.
struct Walk<'w> {
    model: &'w Model,
    at: Vec<Step>,
    each: &'w mut dyn FnMut(Mentioned) -> Kept,
}

const NULL: &str = "null";

impl Walk<'_> {
    fn within(&mut self, step: Step, write: impl FnOnce(&mut Self) -> String) -> String {
        self.at.push(step);
        let written = write(self);
        self.at.pop();
        written
    }

    fn document(&mut self, document: Document, text: &str) -> String {
        match document {
            Document::One(_) => self.value(document.shape(), text),
            Document::List(shape) => {
                let Ok(items) = items(text) else { return text.to_owned() };
                let items = items.into_iter().enumerate();
                let items = items.map(|(index, item)| self.within(Step::Item(index), |at| at.value(shape, item.get())));
                format!("[{}]", items.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn value(&mut self, shape: Shape, text: &str) -> String {
        let Ok(sent) = members(text) else { return text.to_owned() };
        match shape {
            Shape::Embedded(id) => self.object(id, &sent),
            Shape::Union(_) => {
                let name = type_name(&sent);
                let types = self.model.types_of(&shape);
                match types.into_iter().find(|id| Some(self.model.embedded(*id).name.as_str()) == name) {
                    Some(id) => self.object(id, &sent),
                    None => text.to_owned(),
                }
            }
        }
    }

    fn object(&mut self, of: EmbeddedId, sent: &Members<'_>) -> String {
        let model = self.model;
        let mut parts = Vec::with_capacity(sent.len());
        for (name, raw) in sent {
            let member = model.embedded(of).members.iter().find(|member| member.name == **name);
            let value = match member {
                Some(member) if raw.get() != NULL => {
                    self.within(Step::Member(name.to_string()), |at| at.member((of, member), raw.get()))
                }
                Some(_) | None => raw.get().to_owned(),
            };
            parts.push(format!("\"{name}\":{value}"));
        }
        format!("{{{}}}", parts.join(","))
    }

    fn member(&mut self, (of, member): (EmbeddedId, &Field), raw: &str) -> String {
        match &member.kind {
            FieldKind::Embedded(id) => {
                let Ok(sent) = members(raw) else { return raw.to_owned() };
                let written = self.object(*id, &sent);
                // A value without any member is none.
                let is_nothing = written != raw && !member.required && has_no_value(&written);
                if is_nothing { NULL.to_owned() } else { written }
            }
            FieldKind::Document(document) => self.document(*document, raw),
            FieldKind::ToOne { target, .. } => self.reference((of, member.id, *target), (raw, raw)),
            FieldKind::ToOneOf { union, .. } => {
                let Ok(sent) = members(raw) else { return raw.to_owned() };
                let targets = &self.model.record_union(*union).members;
                let name = type_name(&sent);
                let target = targets.iter().find(|id| Some(self.model.collection(**id).name.as_str()) == name);
                let id = sent.iter().find(|(name, _)| name == "id").map(|(_, raw)| raw.get());
                match target.zip(id) {
                    Some((target, id)) => self.reference((of, member.id, *target), (raw, id)),
                    None => raw.to_owned(),
                }
            }
            FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::Lineage { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => raw.to_owned(),
        }
    }

    fn reference(
        &mut self,
        (of, member, target): (EmbeddedId, FieldId, CollectionId),
        (raw, id): (&str, &str),
    ) -> String {
        let id = self.model.collection(target).key.scalar().read(Token::Json(id)).ok().and_then(|value| value.as_id());
        let kept = id.map_or(Kept::Yes, |id| {
            (self.each)(Mentioned { relation: InnerRelation { of, member, target }, id, at: self.at.clone() })
        });
        match kept {
            Kept::Yes => raw.to_owned(),
            Kept::No => NULL.to_owned(),
            Kept::As(other) => {
                let mut written = Vec::new();
                write(&mut written, &Value::Id(other));
                let id = String::from_utf8(written).expect("what is written as JSON is UTF-8");
                let name = || &self.model.collection(target).name;
                if raw.starts_with('{') { format!("{{\"{TYPE_NAME}\":\"{}\",\"id\":{id}}}", name()) } else { id }
            }
        }
    }
}

/// The name of the type that a value says it has.
fn type_name<'s>(sent: &'s Members<'_>) -> Option<&'s str> {
    sent.iter().find(|(name, _)| name == TYPE_NAME).map(|(_, raw)| raw.get().trim_matches('"'))
}

fn has_no_value(object: &str) -> bool {
    members(object).is_ok_and(|members| members.iter().all(|(_, raw)| raw.get() == NULL))
}
