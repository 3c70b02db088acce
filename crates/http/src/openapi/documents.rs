//! The shapes of lists of embedded values and of unions.

use backstay_base::limits;
use backstay_model::{Document, EmbeddedId, Model, Shape, TYPE_NAME};
use backstay_scalar::Scalar;
use serde_json::{Map, Value, json};

use super::names::{self, Schema};
use super::scalars;

/// Whether a value is answered or sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is read.
    Answered,
    /// As it is written.
    Accepted,
}

impl Form {
    pub(super) fn scalar(self, scalar: Scalar) -> Value {
        match self {
            Self::Answered => scalars::answered(scalar),
            Self::Accepted => scalars::accepted(scalar),
        }
    }

    pub(super) fn schema(self) -> Schema {
        match self {
            Self::Answered => Schema::Read,
            Self::Accepted => Schema::Input,
        }
    }
}

/// A list of embedded values, or a value of a union.
pub(super) fn document(model: &Model, document: Document, form: Form) -> Value {
    let shape = match document.shape() {
        Shape::Embedded(id) => reference(model, id, form),
        Shape::Union(id) => {
            let members = || model.union(id).members.iter().copied();
            let types: Vec<Value> = members().map(|id| alternative(model, id, form)).collect();
            let path = |id| names::path(&form.schema().of(&model.embedded(id).name));
            let mapping: Map<String, Value> =
                members().map(|id| (model.embedded(id).name.clone(), json!(path(id)))).collect();
            json!({ "oneOf": types, "discriminator": { "propertyName": TYPE_NAME, "mapping": mapping } })
        }
    };
    match document {
        Document::One(_) => shape,
        Document::List(_) => json!({ "type": "array", "items": shape, "maxItems": limits::LIST_ITEMS }),
    }
}

/// A value of an embedded type within a document.
pub(super) fn reference(model: &Model, id: EmbeddedId, form: Form) -> Value {
    form.schema().reference(&model.embedded(id).name)
}

/// A value of an embedded type within a union: what is sent must say its type there.
fn alternative(model: &Model, id: EmbeddedId, form: Form) -> Value {
    let of_type = reference(model, id, form);
    match form {
        Form::Answered => of_type,
        Form::Accepted => json!({ "allOf": [of_type, { "required": [TYPE_NAME] }] }),
    }
}
