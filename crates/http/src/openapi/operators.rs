use backstay_base::limits;
use backstay_model::{Collection, Field, FieldKind, Model};
use backstay_scalar::{Operation, Scalar};
use serde_json::{Map, Value, json};

use super::documents::Form;
use super::schemas;

/// The operators that a patch can give a field in the place of a value; `None` if it takes none.
pub(super) fn of(model: &Model, collection: &Collection, field: &Field) -> Option<Value> {
    let accepted = |scalar: Scalar| Form::Accepted.scalar(scalar);
    // Exact factors have any number of digits.
    let factor = || accepted(Scalar::Decimal { precision: 18, scale: 4 });
    let operands = match &field.kind {
        FieldKind::Scalar(number) if field.shares_currency() => {
            let added = json!({ "oneOf": [accepted(*number), accepted(Scalar::Money)] });
            vec![(Operation::Increase, added), (Operation::Multiply, factor())]
        }
        FieldKind::Scalar(scalar @ (Scalar::Int | Scalar::Float)) => {
            vec![(Operation::Increase, accepted(*scalar)), (Operation::Multiply, accepted(*scalar))]
        }
        FieldKind::Scalar(scalar @ (Scalar::Decimal { .. } | Scalar::Money)) => {
            vec![(Operation::Increase, accepted(*scalar)), (Operation::Multiply, factor())]
        }
        FieldKind::Scalar(Scalar::Duration) => vec![(Operation::Increase, accepted(Scalar::Duration))],
        FieldKind::List(element) => {
            let item = schemas::item(model, *element, Form::Accepted);
            let items = json!({ "type": "array", "items": item, "maxItems": limits::LIST_ITEMS });
            vec![(Operation::Append, items.clone()), (Operation::Remove, items)]
        }
        FieldKind::Embedded(_) => vec![(Operation::Replace, schemas::replacement(model, collection, field))],
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. }
        | FieldKind::Lineage { .. } => return None,
    };
    let properties: Map<String, Value> =
        operands.into_iter().map(|(operation, operand)| (operation.name().to_owned(), operand)).collect();
    Some(json!({
        "type": "object",
        "properties": properties,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
    }))
}
