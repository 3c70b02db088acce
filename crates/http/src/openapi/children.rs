//! What can be sent for the records that refer to one, with that one.

use backstay_base::{Action, limits};
use backstay_engine::LinkChanges;
use backstay_model::{Collection, Field, FieldId, Model};
use serde_json::{Map, Value, json};

use super::names::path;
use super::{is_shown, scalars};

/// The records of a list that refer to the record, or the one that does.
pub(super) struct Relation<'m> {
    pub(super) field: &'m Field,
    pub(super) children: &'m Collection,
    /// Their reference to the record.
    pub(super) via: FieldId,
    model: &'m Model,
}

/// The relations whose records can be written with a record of this collection.
pub(super) fn relations<'m>(model: &'m Model, collection: &'m Collection) -> impl Iterator<Item = Relation<'m>> {
    collection.members(None).filter_map(move |field| {
        let (target, via) = field.kind.children()?;
        let relation = Relation { field, children: model.collection(target), via, model };
        let can_be_sent =
            [Action::Create, Action::Update, Action::Delete].into_iter().any(|action| relation.allows(action));
        (is_shown(relation.children) && can_be_sent).then_some(relation)
    })
}

impl Relation<'_> {
    fn allows(&self, action: Action) -> bool {
        self.model.allows(self.children, action)
    }

    /// The name of the schema of a new record of the relation.
    pub(super) fn create(&self) -> Option<String> {
        self.allows(Action::Create).then(|| format!("{}.CreateBy.{}", self.children.name, self.via_name()))
    }

    /// The name of the schema of a changed record of the relation.
    pub(super) fn patch(&self) -> Option<String> {
        self.allows(Action::Update).then(|| format!("{}.PatchBy.{}", self.children.name, self.via_name()))
    }

    fn via_name(&self) -> &str {
        &self.children.field(self.via).name
    }

    /// The field as it is sent with a new record.
    pub(super) fn in_create(&self) -> Option<Value> {
        let one = reference(&self.create()?);
        Some(match self.field.kind.is_to_many() {
            true => list(&one),
            false => json!({ "oneOf": [one, { "type": "null" }] }),
        })
    }

    /// The field as it is sent with a record that is replaced.
    pub(super) fn in_replace(&self) -> Option<Value> {
        if self.field.kind.is_to_many() { self.all() } else { Some(self.in_patch()) }
    }

    /// All records of the list: those that are there, and new ones.
    fn all(&self) -> Option<Value> {
        let all: Vec<Value> = self.patch().into_iter().chain(self.create()).map(|name| reference(&name)).collect();
        (!all.is_empty()).then(|| list(&json!({ "anyOf": all })))
    }

    /// The field as it is sent with a change.
    pub(super) fn in_patch(&self) -> Value {
        let (create, patch) = (self.create().map(|name| reference(&name)), self.patch().map(|name| reference(&name)));
        if !self.field.kind.is_to_many() {
            let forms =
                patch.into_iter().chain(create).chain(self.allows(Action::Delete).then(|| json!({ "type": "null" })));
            return json!({ "anyOf": forms.collect::<Vec<_>>() });
        }
        let id = scalars::accepted(self.children.key.scalar());
        let all = self.all();
        let operators = [
            ("$add", create.as_ref().map(list)),
            ("$change", patch.as_ref().map(list)),
            ("$remove", self.allows(Action::Delete).then(|| list(&id))),
        ];
        let operators: Map<String, Value> =
            operators.into_iter().filter_map(|(name, schema)| Some((name.to_owned(), schema?))).collect();
        let set = all.as_ref().map(|all| object(&json!({ "$set": all })));
        let forms = all.iter().cloned().chain([object(&Value::Object(operators))]).chain(set);
        json!({ "anyOf": forms.collect::<Vec<_>>() })
    }
}

/// A many-to-many relation as it is sent with a change: `all` of its members, or those that it gets and loses.
pub(super) fn in_patch_of_links(all: &Value) -> Value {
    let mut list = all.clone();
    if let Some(list) = list.as_object_mut() {
        list.remove("description");
    }
    let operators = json!({ LinkChanges::ADD: list, LinkChanges::REMOVE: list });
    let set = json!({ "$set": list });
    let mut schema = json!({ "anyOf": [list, object(&operators), object(&set)] });
    if let Some(description) = all.get("description") {
        schema["description"] = description.clone();
    }
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": path(name) })
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of, "maxItems": limits::LIST_ITEMS })
}

fn object(properties: &Value) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}
