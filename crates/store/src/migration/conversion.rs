//! Values of a field whose type is another: each is written as a text and read as a value of the new type.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use backstay_model::{
    Collection, CollectionId, Document, Element, EnumId, Field, FieldId, FieldKind, Length, Model, StoredNames,
};
use backstay_scalar::{Scalar, Token, Value, write};
use backstay_sql::{Models, Origin, Slot, Statement, Succession};

use super::documents::{Rewriting, check_limits, read_document};
use super::refused::Refused;
use super::texts::{bare, exact, value_type};
use super::unconvertible::Unconvertible;
use crate::StoreError;
use crate::session::SchemaSession;
use crate::step::Finding;

/// Records that are read at a time.
const PAGE: i64 = 1000;

/// What came of converting the values of a field.
#[derive(Default)]
pub(super) struct Converted {
    /// What can't be converted.
    pub(super) refused: Option<Finding>,
    /// In how many records values of these enums were found that have other names now.
    pub(super) renamed: HashMap<EnumId, u64>,
}

/// Fills the temporary table of a field's converted values.
pub(super) async fn convert(
    session: &mut dyn SchemaSession,
    (models, succession): (Models<'_>, &Succession<'_>),
    (collection, field): (CollectionId, FieldId),
) -> Result<Converted, StoreError> {
    let Origin::Converted(was) = succession.origin(collection, field) else { return Ok(Converted::default()) };
    let Some(before) = models.pairing.collection(collection) else { return Ok(Converted::default()) };
    let (from, to) = (models.old.field(before, was), models.new.field(collection, field));
    let is_of_versions = models.new.collection(collection).versions.is_some();
    let mut conversion = Conversion::new((models, succession), from, to);
    if is_of_versions {
        conversion = conversion.of_versions(from);
    }
    session.execute(&succession.create_converted(collection, field)).await?;
    let keep = succession.keep_converted(collection, field);
    let (mut refused, mut renamed) = (Refused::default(), HashMap::new());
    let mut after: Option<Value> = None;
    loop {
        let (statement, layout) = succession.unconverted(before, was, after.as_ref(), PAGE);
        let mut page: Vec<(Value, Value)> = Vec::new();
        let visit = &mut |row: &dyn crate::session::OwnRow| {
            let mut values = layout.read(row)?;
            let value = std::mem::replace(&mut values[usize::from(was.0)], Value::Null);
            page.push((std::mem::replace(&mut values[usize::from(Collection::ID.0)], Value::Null), value));
            Ok(())
        };
        session.query(&statement, visit).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (id, value) in page {
            let converted = conversion.convert((&id, &value));
            for found in conversion.found() {
                *renamed.entry(found).or_insert(0) += 1;
            }
            match converted {
                Ok(converted) => {
                    let statement: Statement = keep.bind(|slot| match slot {
                        Slot::Id => id.clone(),
                        _ => converted.clone(),
                    });
                    session.execute(&statement).await?;
                }
                // A version can't be changed: what doesn't fit is null there.
                Err(why) => refused.add(&id, &value, why),
            }
        }
    }
    let of = models.new.collection(collection);
    if is_of_versions {
        let words = ["can't be converted, and is deleted", "can't be converted, and are deleted"];
        let found = refused.finding(succession, (of, to), (words, ""));
        // The versions have ids that nobody knows.
        let refused = found.map(|finding| Finding { ids: Vec::new(), is_obstacle: false, ..finding });
        return Ok(Converted { refused, renamed });
    }
    let remedy = "change those records first, or give the field a `@backfill(from: …)`";
    let words = ["can't be converted", "can't be converted"];
    Ok(Converted { refused: refused.finding(succession, (of, to), (words, remedy)), renamed })
}

struct Conversion<'c> {
    model: &'c Model,
    /// Of a document that is one before too.
    documents: Option<Rewriting<'c>>,
    to: &'c Field,
    /// Old and new names of an enum's values.
    renamed: Vec<(Arc<str>, Option<Arc<str>>)>,
    /// Whether it is of old versions: no limit is asked of them.
    is_of_versions: bool,
    /// Whether values of an enum that the model has no more stay as they are, whenever they were removed.
    keeps_values: bool,
    /// The enum of which a value was found that has another name now.
    found: Option<EnumId>,
    /// Old and new names of what the texts name.
    followed: Vec<(String, Option<String>)>,
}

impl<'c> Conversion<'c> {
    fn new((models, succession): (Models<'c>, &'c Succession<'c>), from: &'c Field, to: &'c Field) -> Self {
        let Models { old, new, pairing, .. } = models;
        let is_enum = matches!(from.kind, FieldKind::Enum(_) | FieldKind::List(Element::Enum(_)));
        let renamed = if is_enum { succession.renamed_values(&to.kind) } else { Vec::new() };
        let followed = to.names.map_or_else(Vec::new, |names| pairing.followed(old, new, names));
        let documents = match (&from.kind, &to.kind) {
            (FieldKind::Document(from), FieldKind::Document(to)) => {
                Some(Rewriting::new(models, succession, (*from, *to)))
            }
            _ => None,
        };
        let (is_of_versions, keeps_values) = (false, false);
        Self { model: new, documents, to, renamed, is_of_versions, keeps_values, found: None, followed }
    }

    /// The same of old versions, which keep removed values of an enum, and those in documents.
    fn of_versions(self, from: &Field) -> Self {
        let documents = self.documents.map(Rewriting::of_versions);
        let is_enum = |of: &Field| matches!(of.kind, FieldKind::Enum(_) | FieldKind::List(Element::Enum(_)));
        let keeps_values = is_enum(from) && is_enum(self.to);
        Self { documents, is_of_versions: true, keeps_values, ..self }
    }

    fn convert(&mut self, (id, value): (&Value, &Value)) -> Result<Value, Unconvertible> {
        if let Some(names) = self.to.names {
            return Ok(self.follow((id, value), names));
        }
        let converted = match (value, &self.to.kind) {
            (Value::Json(text), FieldKind::Document(to)) => match &mut self.documents {
                Some(rewriting) => rewriting.document(text)?,
                None => self.read(*to, text)?,
            },
            (Value::List(items), FieldKind::List(element)) => {
                let items: Result<Vec<Value>, Unconvertible> =
                    items.iter().map(|item| self.one(item, *element)).collect();
                Value::List(items?.into())
            }
            (value, FieldKind::List(element)) => Value::List(Arc::from([self.one(value, *element)?])),
            (value, FieldKind::Scalar(scalar)) => self.one(value, Element::Scalar(*scalar))?,
            (value, FieldKind::Enum(id)) => self.one(value, Element::Enum(*id))?,
            _ => return Err(Unconvertible::NotAValue),
        };
        if !self.is_of_versions {
            let length = self.to.length.unwrap_or(Length { min: 0, max: None });
            length.check(&self.to.kind, &converted)?;
            self.to.check_values(&converted)?;
        }
        Ok(converted)
    }

    /// JSON that becomes a document.
    fn read(&self, to: Document, text: &str) -> Result<Value, Unconvertible> {
        let document = read_document(self.model, to, text)?;
        if !self.is_of_versions {
            check_limits((self.model, to), &document, |_| true)?;
        }
        Ok(document)
    }

    /// Names of the model as the new one has them. What is gone leaves a list; what names one thing that is gone keeps a
    /// name that no other can have.
    fn follow(&self, (id, value): (&Value, &Value), names: StoredNames) -> Value {
        let followed = &self.followed;
        match value {
            Value::List(items) => {
                let mut kept: Vec<String> = Vec::new();
                for name in items.iter().filter_map(|item| followed_name(&bare(item), names, followed)) {
                    if !kept.contains(&name) {
                        kept.push(name);
                    }
                }
                Value::List(kept.into_iter().map(Value::text).collect())
            }
            one => {
                let text = bare(one);
                let name = followed_name(&text, names, followed);
                Value::text(name.unwrap_or_else(|| format!("{text}~{}", bare(id))))
            }
        }
    }

    fn one(&mut self, value: &Value, element: Element) -> Result<Value, Unconvertible> {
        let text = self.renamed(bare(value));
        let token = match element {
            Element::Scalar(Scalar::Json) => return document(value, &text),
            Element::Scalar(scalar) if scalar.storage() == backstay_scalar::Storage::Text => Token::Text(&text),
            Element::Scalar(_) | Element::Enum(_) => Token::Bare(&text),
        };
        match value_type(self.model, element).read(token) {
            Ok(read) => exact(read, element, &text),
            Err(_) if self.keeps_values => Ok(Value::text(text)),
            Err(problem) => Err(problem.into()),
        }
    }

    /// The name that a value of an enum has now.
    fn renamed(&mut self, text: String) -> String {
        let to = self.renamed.iter().find(|(from, _)| **from == *text).and_then(|(_, to)| to.as_ref());
        let Some(to) = to else { return text };
        if let FieldKind::Enum(id) | FieldKind::List(Element::Enum(id)) = self.to.kind {
            self.found = Some(id);
        }
        to.to_string()
    }

    /// The enums of which values with other names were found since this was asked last.
    fn found(&mut self) -> BTreeSet<EnumId> {
        let mut found = self.documents.as_mut().map_or_else(BTreeSet::new, Rewriting::found);
        found.extend(self.found.take());
        found
    }
}

/// A value as a JSON document. A text that is one is read as what it says, as it was written if it was one before.
fn document(value: &Value, text: &str) -> Result<Value, Unconvertible> {
    if matches!(value, Value::Text(_)) {
        if let Ok(document) = Scalar::Json.read(Token::Json(text)) {
            return Ok(document);
        }
        return json(&Value::text(text));
    }
    json(value)
}

fn json(value: &Value) -> Result<Value, Unconvertible> {
    let mut json = Vec::new();
    write(&mut json, value);
    let json = String::from_utf8_lossy(&json).into_owned();
    Ok(Scalar::Json.read(Token::Json(&json))?)
}

/// A text that is a name of the model, or begins with one, as the new model has it; none if that name is gone.
fn followed_name(text: &str, names: StoredNames, followed: &[(String, Option<String>)]) -> Option<String> {
    let end = match names {
        StoredNames::Roles => text.len(),
        StoredNames::Types => text.find([':', '.']).unwrap_or(text.len()),
    };
    let (name, rest) = text.split_at(end);
    match followed.iter().find(|(from, _)| from == name) {
        Some((_, to)) => to.as_ref().map(|to| format!("{to}{rest}")),
        None => Some(text.to_owned()),
    }
}
