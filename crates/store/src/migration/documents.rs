//! Stored documents, written anew for a model whose embedded types are others.

use backstay_base::{Place, Violation};
use backstay_model::{Document, Element, EmbeddedId, Field, FieldKind, Model, Shape, TYPE_NAME};
use backstay_scalar::{Members, Value, items, members};
use backstay_sql::Succession;

use super::Models;
use super::conversion::text_as;

/// The old and the new type of a field's documents.
pub(super) struct Rewriting<'r> {
    pub(super) models: Models<'r>,
    pub(super) succession: &'r Succession<'r>,
}

impl Rewriting<'_> {
    /// A stored document as one of the new type: members follow their names and `@renamed`, those that are gone are left
    /// out, new ones get their defaults. The error says why the new type refuses it.
    pub(super) fn document(&self, text: &str, (from, to): (Document, Document)) -> Result<Value, String> {
        let text = self.reshaped(text, (from, to))?;
        read_document(self.models.new, to, &text)
    }

    /// The document with the members of the new type, still as they were written.
    fn reshaped(&self, text: &str, (from, to): (Document, Document)) -> Result<String, String> {
        match (from, to) {
            (Document::List(from), Document::List(to)) => {
                let items = items(text).map_err(|_| malformed())?;
                let items = items.iter().map(|item| self.value(item.get(), (from, to)));
                let items: Vec<String> = items.collect::<Result<_, _>>()?;
                Ok(format!("[{}]", items.join(",")))
            }
            _ => self.value(text, (from.shape(), to.shape())),
        }
    }

    fn value(&self, text: &str, (from, to): (Shape, Shape)) -> Result<String, String> {
        let Models { old, new, .. } = self.models;
        let sent = members(text).map_err(|_| malformed())?;
        let from = match from {
            Shape::Embedded(id) => id,
            Shape::Union(_) => {
                let name = sent.iter().find(|(name, _)| name == TYPE_NAME).map_or("", |(_, raw)| raw.get());
                let name = name.trim_matches('"');
                let known = old.types_of(&from).into_iter().find(|id| old.embedded(*id).name == name);
                known.ok_or_else(malformed)?
            }
        };
        let name = &old.embedded(from).name;
        let is_it = |id: &EmbeddedId| {
            let to = new.embedded(*id);
            to.name == *name || to.former.contains(name)
        };
        let (to, tag) = match to {
            Shape::Embedded(id) => (id, String::new()),
            Shape::Union(_) => {
                let found = new.types_of(&to).into_iter().find(is_it);
                let found = found.ok_or_else(|| format!("there are no values of {name} in it any more"))?;
                (found, format!("\"{TYPE_NAME}\":\"{}\"", new.embedded(found).name))
            }
        };
        let written = self.members(&sent, (from, to))?;
        let parts: Vec<String> = (!tag.is_empty()).then_some(tag).into_iter().chain(written).collect();
        Ok(format!("{{{}}}", parts.join(",")))
    }

    fn members(&self, sent: &Members<'_>, (from, to): (EmbeddedId, EmbeddedId)) -> Result<Vec<String>, String> {
        let Models { old, new, .. } = self.models;
        let mut written = Vec::new();
        for field in &new.embedded(to).members {
            let known = &old.embedded(from).members;
            let renamed = || known.iter().find(|was| field.former.contains(&was.name));
            let Some(was) = known.iter().find(|was| was.name == field.name).or_else(renamed) else { continue };
            let Some((_, raw)) = sent.iter().find(|(name, _)| *name == was.name) else { continue };
            // What has no value and must have one gets its default.
            if raw.get() == "null" {
                continue;
            }
            let value = self.member(raw.get(), (was, field))?;
            written.push(format!("\"{}\":{value}", field.name));
        }
        Ok(written)
    }

    fn member(&self, raw: &str, (was, field): (&Field, &Field)) -> Result<String, String> {
        match (&was.kind, &field.kind) {
            (FieldKind::Embedded(from), FieldKind::Embedded(to)) => {
                self.value(raw, (Shape::Embedded(*from), Shape::Embedded(*to)))
            }
            (FieldKind::Document(from), FieldKind::Document(to)) => self.reshaped(raw, (*from, *to)),
            (from, FieldKind::List(element)) => {
                let renamed = self.succession.renamed_values(&field.kind);
                let raws: Vec<&str> = match from {
                    FieldKind::List(_) => items(raw).map_err(|_| malformed())?.iter().map(|item| item.get()).collect(),
                    _ => vec![raw],
                };
                let items = raws.into_iter().map(|raw| text_as(self.models.new, raw, (*element, &renamed)));
                let items: Vec<String> = items.collect::<Result<_, _>>()?;
                Ok(format!("[{}]", items.join(",")))
            }
            (FieldKind::Scalar(_) | FieldKind::Enum(_), FieldKind::Scalar(scalar)) => {
                text_as(self.models.new, raw, (Element::Scalar(*scalar), &[]))
            }
            (FieldKind::Scalar(_) | FieldKind::Enum(_), FieldKind::Enum(id)) => {
                let renamed = self.succession.renamed_values(&field.kind);
                text_as(self.models.new, raw, (Element::Enum(*id), &renamed))
            }
            _ => Err(format!("`{}` can't become `{}`", was.name, field.name)),
        }
    }
}

/// JSON as a document. The error says why it isn't one.
pub(super) fn read_document(model: &Model, to: Document, text: &str) -> Result<Value, String> {
    let read = model.read_document(to, text, Place::Whole);
    read.map_err(|violations| violations.first().map_or_else(String::new, told))
}

/// What is wrong, and where within the document.
fn told(violation: &Violation) -> String {
    format!("at {}: {}", violation.at, violation.kind)
}

fn malformed() -> String {
    "it isn't a document of its old type".to_owned()
}
