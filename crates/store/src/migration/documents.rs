//! Stored documents, written anew for a model whose embedded types are others.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use backstay_base::{KeyForm, Place, Violation};
use backstay_model::{
    Document, DocumentMisfit, DocumentTypes, Element, EmbeddedId, EnumId, Field, FieldId, FieldKind, MemberLimit,
    Model, RecordUnionId, Shape, TYPE_NAME,
};
use backstay_scalar::{Members, Scalar, Storage, Value, items, members};
use backstay_sql::Succession;

use super::Models;
use super::texts::{RenamedValues, text_as};
use super::unconvertible::Unconvertible;

/// How documents of a field become ones of its new type.
pub(super) struct Rewriting<'r> {
    models: Models<'r>,
    from: Document,
    to: Document,
    types: Arc<DocumentTypes>,
    /// Of each enum of the new model whose values have other names.
    renamed: HashMap<EnumId, Box<RenamedValues>>,
    /// Of which of them a value was found.
    found: BTreeSet<EnumId>,
    /// Members of which a value was written as text and read again.
    converted: HashSet<(EmbeddedId, FieldId)>,
    /// The new model with the values of enums that old versions keep although it has them no more; none if they aren't kept.
    keeping: Option<Box<Model>>,
}

impl<'r> Rewriting<'r> {
    pub(super) fn new(models: Models<'r>, succession: &Succession<'_>, (from, to): (Document, Document)) -> Self {
        let types = Arc::new(DocumentTypes::of((models.old, models.new), models.pairing, (from, to)));
        let enums = models.new.enums.iter();
        let renamed = enums.map(|of| (of.id, succession.renamed_values(&FieldKind::Enum(of.id)).into_boxed_slice()));
        let (renamed, found, converted) = (renamed.collect(), BTreeSet::new(), HashSet::new());
        Self { models, from, to, types, renamed, found, converted, keeping: None }
    }

    /// The same of old versions, which keep values that an enum doesn't have any more.
    pub(super) fn of_versions(self) -> Self {
        let keeping = Some(Box::new(self.models.new.clone()));
        Self { keeping, ..self }
    }

    /// A stored document as one of the new type: members follow their names and `@renamed`, those that are gone are left
    /// out, new ones get their defaults.
    ///
    /// What is kept may be longer than its member says now, as in a column. No limit is asked of an old version.
    pub(super) fn document(&mut self, text: &str) -> Result<Value, Unconvertible> {
        let text = self.reshaped(text, (self.from, self.to))?;
        if let Some(keeping) = &self.keeping {
            return read_document(keeping, self.to, &text);
        }
        let document = read_document(self.models.new, self.to, &text)?;
        let converted = |misfit: &DocumentMisfit<'_, '_>| {
            misfit.limit != MemberLimit::Length || self.converted.contains(&misfit.member)
        };
        check_limits((self.models.new, self.to), &document, converted)?;
        Ok(document)
    }

    /// The document with the members of the new type, still as they were written.
    fn reshaped(&mut self, text: &str, (from, to): (Document, Document)) -> Result<String, Unconvertible> {
        match (from, to) {
            (Document::List(from), Document::List(to)) => {
                let items = items(text).map_err(|_| Unconvertible::Malformed)?;
                let items = items.iter().map(|item| self.value(item.get(), (from, to)));
                let items: Vec<String> = items.collect::<Result<_, _>>()?;
                Ok(format!("[{}]", items.join(",")))
            }
            _ => self.value(text, (from.shape(), to.shape())),
        }
    }

    fn value(&mut self, text: &str, (from, to): (Shape, Shape)) -> Result<String, Unconvertible> {
        let Models { old, new, pairing, .. } = self.models;
        let sent = members(text).map_err(|_| Unconvertible::Malformed)?;
        let from = match from {
            Shape::Embedded(id) => id,
            Shape::Union(_) => {
                let name = sent.iter().find(|(name, _)| name == TYPE_NAME).map_or("", |(_, raw)| raw.get());
                let name = name.trim_matches('"');
                let known = old.types_of(&from).into_iter().find(|id| old.embedded(*id).name == name);
                known.ok_or(Unconvertible::Malformed)?
            }
        };
        let found = pairing.embedded_within(new, from, to);
        let found = found.ok_or_else(|| Unconvertible::TypeGone(old.embedded(from).name.clone()))?;
        let tag = match to {
            Shape::Embedded(_) => None,
            Shape::Union(_) => Some(format!("\"{TYPE_NAME}\":\"{}\"", new.embedded(found).name)),
        };
        let written = self.members(&sent, (from, found))?;
        let parts: Vec<String> = tag.into_iter().chain(written).collect();
        Ok(format!("{{{}}}", parts.join(",")))
    }

    fn members(
        &mut self,
        sent: &Members<'_>,
        (from, to): (EmbeddedId, EmbeddedId),
    ) -> Result<Vec<String>, Unconvertible> {
        let Models { old, new, .. } = self.models;
        let types = Arc::clone(&self.types);
        let pairs = types.members(from, to).ok_or(Unconvertible::Malformed)?;
        let mut written = Vec::new();
        for (field, was) in new.embedded(to).members.iter().zip(pairs) {
            let Some(was) = was.map(|was| old.embedded(from).member(was)) else { continue };
            let Some((_, raw)) = sent.iter().find(|(name, _)| *name == was.name) else { continue };
            let value = match raw.get() {
                // What has no value and must have one gets its default.
                "null" if field.required => continue,
                "null" => "null".to_owned(),
                raw => {
                    if is_converted(&was.kind, &field.kind) {
                        self.converted.insert((to, field.id));
                    }
                    self.member(raw, (was, field))?
                }
            };
            written.push(format!("\"{}\":{value}", field.name));
        }
        Ok(written)
    }

    fn member(&mut self, raw: &str, (was, field): (&Field, &Field)) -> Result<String, Unconvertible> {
        let new = self.models.new;
        match (&was.kind, &field.kind) {
            (FieldKind::Embedded(from), FieldKind::Embedded(to)) => {
                self.value(raw, (Shape::Embedded(*from), Shape::Embedded(*to)))
            }
            (FieldKind::Document(from), FieldKind::Document(to)) => self.reshaped(raw, (*from, *to)),
            // A number that was a `Float` before stays as it was written.
            (FieldKind::Scalar(Scalar::Float), FieldKind::Scalar(Scalar::Float))
            | (FieldKind::List(Element::Scalar(Scalar::Float)), FieldKind::List(Element::Scalar(Scalar::Float))) => {
                Ok(raw.to_owned())
            }
            (from, FieldKind::List(element)) => {
                let raws: Vec<&str> = match from {
                    FieldKind::List(_) => {
                        items(raw).map_err(|_| Unconvertible::Malformed)?.iter().map(|item| item.get()).collect()
                    }
                    _ => vec![raw],
                };
                for raw in &raws {
                    self.find(raw, *element);
                }
                let is_enum = matches!(from, FieldKind::Enum(_) | FieldKind::List(Element::Enum(_)));
                let items = raws.into_iter().map(|raw| match element {
                    Element::Enum(id) if is_enum => self.enum_value(raw, *id),
                    element => text_as(new, raw, (*element, self.renamed(*element))),
                });
                let items: Vec<String> = items.collect::<Result<_, _>>()?;
                Ok(format!("[{}]", items.join(",")))
            }
            (FieldKind::ToOne { target: from, .. }, FieldKind::ToOne { target: to, .. })
                if self.models.pairing.collection(*to) == Some(*from) =>
            {
                Ok(raw.to_owned())
            }
            (FieldKind::ToOneOf { union: from, .. }, FieldKind::ToOneOf { union: to, .. }) => {
                self.reference(raw, (*from, *to))
            }
            // What was a text or an id is one if it is the id of a record; whether that is there is asked of all references.
            (FieldKind::Scalar(scalar), FieldKind::ToOne { key: KeyForm::Uuid, .. })
                if scalar.storage() == Storage::Text || *scalar == Scalar::UUID =>
            {
                Ok(raw.to_owned())
            }
            (FieldKind::Scalar(_), FieldKind::ToOne { key, .. }) => {
                text_as(new, raw, (Element::Scalar(Scalar::Id { form: *key }), &[]))
            }
            (FieldKind::ToOne { .. }, FieldKind::Scalar(scalar)) => text_as(new, raw, (Element::Scalar(*scalar), &[])),
            (FieldKind::Scalar(_) | FieldKind::Enum(_), FieldKind::Scalar(scalar)) => {
                text_as(new, raw, (Element::Scalar(*scalar), &[]))
            }
            (FieldKind::Enum(_), FieldKind::Enum(id)) => {
                self.find(raw, Element::Enum(*id));
                self.enum_value(raw, *id)
            }
            (FieldKind::Scalar(_), FieldKind::Enum(id)) => {
                self.find(raw, Element::Enum(*id));
                text_as(new, raw, (Element::Enum(*id), self.renamed(Element::Enum(*id))))
            }
            _ => Err(Unconvertible::Member { from: was.name.clone(), to: field.name.clone() }),
        }
    }

    /// A value of an enum by the name that it has now. One that the enum has no more stays in an old version.
    fn enum_value(&mut self, raw: &str, id: EnumId) -> Result<String, Unconvertible> {
        let element = Element::Enum(id);
        let read = text_as(self.models.new, raw, (element, self.renamed(element)));
        let Some(keeping) = self.keeping.as_mut().filter(|_| read.is_err()) else { return read };
        keeping.enums[usize::from(id.0)].keep(raw.trim_matches('"'));
        Ok(raw.to_owned())
    }

    /// A reference to one of several types, by the name that the type has now.
    fn reference(&self, raw: &str, (from, to): (RecordUnionId, RecordUnionId)) -> Result<String, Unconvertible> {
        let Models { old, new, pairing, .. } = self.models;
        let sent = members(raw).map_err(|_| Unconvertible::Malformed)?;
        let raw = |name: &str| sent.iter().find(|(known, _)| known == name).map(|(_, raw)| raw.get());
        let (Some(name), Some(id)) = (raw(TYPE_NAME), raw("id")) else { return Err(Unconvertible::Malformed) };
        let name = name.trim_matches('"');
        let was = old.record_union(from).members.iter().find(|id| old.collection(**id).name == name);
        let was = was.ok_or(Unconvertible::Malformed)?;
        let is = new.record_union(to).members.iter().find(|id| pairing.collection(**id) == Some(*was));
        let is = is.ok_or_else(|| Unconvertible::LeadsToGone(name.to_owned()))?;
        Ok(format!("{{\"{TYPE_NAME}\":\"{}\",\"id\":{id}}}", new.collection(*is).name))
    }

    /// Notes the enum of which this is a value that has another name now.
    fn find(&mut self, raw: &str, element: Element) {
        let Element::Enum(id) = element else { return };
        let value = raw.trim_matches('"');
        if self.renamed(element).iter().any(|(from, to)| **from == *value && to.is_some()) {
            self.found.insert(id);
        }
    }

    /// The enums of which values with other names were found since this was asked last.
    pub(super) fn found(&mut self) -> BTreeSet<EnumId> {
        std::mem::take(&mut self.found)
    }

    /// The names that values have now, of those that had others.
    fn renamed(&self, element: Element) -> &RenamedValues {
        match element {
            Element::Enum(id) => self.renamed.get(&id).map_or(&[], |renamed| &**renamed),
            Element::Scalar(_) => &[],
        }
    }
}

/// Whether values of a member get another length: what was no text becomes one, or what was one value a list.
fn is_converted(from: &FieldKind, to: &FieldKind) -> bool {
    match (from, to) {
        (FieldKind::Scalar(from), FieldKind::Scalar(_)) => from.storage() != Storage::Text,
        (FieldKind::Scalar(_) | FieldKind::Enum(_), FieldKind::List(_)) => true,
        _ => false,
    }
}

/// Refuses a document with a value that is outside of a limit of its member, of those that are asked.
pub(super) fn check_limits(
    (model, of): (&Model, Document),
    document: &Value,
    is_asked: impl Fn(&DocumentMisfit<'_, '_>) -> bool,
) -> Result<(), Unconvertible> {
    let Value::Json(text) = document else { return Ok(()) };
    let mut refused = Ok(());
    model.visit_misfits(of, text, &mut |misfit| {
        if !is_asked(&misfit) {
            return ControlFlow::Continue(());
        }
        let at = misfit.steps.iter().cloned().fold(Place::Whole, Place::then);
        refused = Err(Unconvertible::Within(Violation::new(at, misfit.kind)));
        ControlFlow::Break(())
    });
    refused
}

/// JSON as a document; limits of its members are not asked.
pub(super) fn read_document(model: &Model, to: Document, text: &str) -> Result<Value, Unconvertible> {
    let read = model.read_document(to, text, Place::Whole);
    read.map_err(|violations| violations.into_iter().next().map_or(Unconvertible::Refused, Unconvertible::Within))
}
