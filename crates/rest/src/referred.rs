//! What relations are sent: ids, and objects that name a record by a unique key.

use std::collections::BTreeSet;

use backstay_base::{RecordId, Step, Violation, ViolationKind, limits};
use backstay_engine::{ByKey, Missing, Referred};
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_scalar::Token;

use crate::decoder::Decoder;
use crate::form::Form;
use crate::words::shorten;
use crate::wrong::Wrong;

impl Decoder<'_> {
    /// The record that a relation leads to: an id, or an object with a value for each field of a unique key.
    pub(crate) fn reference(&mut self, target: CollectionId, raw: &str, missing: Missing) -> Result<Referred, Wrong> {
        if !raw.starts_with('{') {
            let id = self.id(target, raw);
            return Ok(Referred::Id(id.map_err(|kind| or_key(self.model.collection(target), raw, kind))?));
        }
        match self.relations.known(target, raw) {
            Some(id) => Ok(Referred::Id(id)),
            None => self.named(target, raw, missing),
        }
    }

    fn id(&self, target: CollectionId, raw: &str) -> Result<RecordId, ViolationKind> {
        let value = self.model.collection(target).key.scalar().read(Token::Json(raw))?;
        value.as_id().ok_or(ViolationKind::Required)
    }

    fn named(&mut self, target: CollectionId, raw: &str, missing: Missing) -> Result<Referred, Wrong> {
        let collection = self.model.collection(target);
        let expected = || ViolationKind::Type { expected: named_by(collection) };
        if self.depth >= limits::KEY_DEPTH {
            let range = format!("keys within keys are at most {} deep; send an id here", limits::KEY_DEPTH);
            return Err(ViolationKind::Range(range).into());
        }
        let members = backstay_scalar::members(raw).map_err(|_| expected())?;
        if let [(name, id)] = members.as_slice()
            && name == "id"
            && !id.get().starts_with('{')
        {
            return self
                .reference(target, id.get(), missing)
                .map_err(|wrong| wrong.within(Step::Member("id".to_owned())));
        }
        let depth = self.depth + 1;
        let mut inner = Decoder { depth, ..Decoder::new((self.model, target), Form::New, &mut *self.relations) };
        let input = inner.object(&members);
        if let Some(Violation { at, kind }) = inner.violations.into_iter().next() {
            return Err(Wrong::at(at, kind));
        }
        let given: BTreeSet<FieldId> = input.fields().collect();
        let is_named = |key: &Vec<FieldId>| match missing {
            Missing::Refuse => key.len() == given.len() && key.iter().all(|field| given.contains(field)),
            Missing::Create => key.iter().all(|field| given.contains(field)),
        };
        let key = collection.keys().into_iter().find(is_named).ok_or_else(expected)?;
        Ok(self.relations.find(raw, ByKey { target, key, input, missing })?)
    }

    /// The record that something within a document refers to.
    pub(crate) fn within(&mut self, target: CollectionId, raw: &str) -> Result<Referred, ViolationKind> {
        self.reference(target, raw, Missing::Refuse).map_err(|wrong| wrong.kind)
    }
}

/// What is wrong with a text in the place of an id: it may be the value of a unique key.
fn or_key(collection: &Collection, raw: &str, kind: ViolationKind) -> ViolationKind {
    match (&kind, key_of_one(collection)) {
        (ViolationKind::Type { .. }, Some(key)) if raw.starts_with('"') => ViolationKind::Misused {
            problem: kind.to_string(),
            remedy: format!("if that is its {key}, write {{\"{key}\": {}}}", shorten(raw)),
        },
        _ => kind,
    }
}

/// The name of the first field that names a record of a collection by itself.
pub(crate) fn key_of_one(collection: &Collection) -> Option<&str> {
    let field = collection.keys().into_iter().find(|key| key.len() == 1)?[0];
    Some(&collection.field(field).name)
}

/// What names a record of a collection.
fn named_by(collection: &Collection) -> String {
    let object = |key: &Vec<FieldId>| {
        let named: Vec<String> = key.iter().map(|id| format!("\"{}\": …", collection.field(*id).name)).collect();
        format!("{{{}}}", named.join(", "))
    };
    let keys: Vec<String> = collection.keys().iter().map(object).collect();
    match keys.as_slice() {
        [] => format!("an id: {} has no unique key", collection.name),
        [key] => format!("an id or {key} of a {}", collection.name),
        keys => format!("an id or one of {} of a {}", keys.join(", "), collection.name),
    }
}
