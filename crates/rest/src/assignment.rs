use backstay_base::{Error, Place, Violation, ViolationKind};
use backstay_engine::Input;
use backstay_model::{CollectionId, Field, FieldKind, Model, ValueType};
use backstay_scalar::{Token, Value};
use serde_json::value::RawValue;

use crate::json::within_list_limit;
use crate::values::{amount, list};
use crate::words::{shorten, unknown_field};

/// Reads words such as `name=Ada`, taken apart, as values for fields of a collection. A value is written as in a URL:
/// texts without quotes, lists separated by commas or as JSON, documents and `Money` as JSON. Unknown fields, fields that
/// occur twice and values of another type are violations at the field's name, all of them at once. Says nothing of what
/// the caller may write.
pub fn assignments(model: &Model, collection: CollectionId, words: &[(String, String)]) -> Result<Input, Error> {
    let collection = model.collection(collection);
    let (mut input, mut violations) = (Input::with_capacity(words.len()), Vec::new());
    for (name, text) in words {
        let assigned = match collection.field_named(name) {
            None => Err(unknown_field(collection, None, name)),
            Some(field) if input.fields().any(|given| given == field.id) => Err(ViolationKind::Duplicate),
            Some(field) => assign(model, field, text, &mut input),
        };
        if let Err(kind) = assigned {
            violations.push(Violation::new(Place::member(shorten(name)), kind));
        }
    }
    if violations.is_empty() { Ok(input) } else { Err(Error::Invalid(violations)) }
}

/// Reads one value as it is written in a URL.
pub(crate) fn assign(model: &Model, field: &Field, text: &str, input: &mut Input) -> Result<(), ViolationKind> {
    let value = match &field.kind {
        FieldKind::Embedded(_) => {
            let problem = "an embedded value can't be written as one text".to_owned();
            let remedy = format!("give its members values, such as `{}.…=value`", field.name);
            return Err(ViolationKind::Misused { problem, remedy });
        }
        FieldKind::ToOneOf { .. } => {
            let problem = "a reference to one of several types can't be written as one text".to_owned();
            let remedy = format!("name the type too, as in `{}.Post=id`", field.name);
            return Err(ViolationKind::Misused { problem, remedy });
        }
        FieldKind::OneToMany { .. } | FieldKind::OneToOne { .. } => {
            return Err(ViolationKind::ReadOnly("set this relation from the other side"));
        }
        FieldKind::Lineage { .. } => {
            return Err(ViolationKind::ReadOnly("this follows from the parents of the records"));
        }
        FieldKind::ManyToMany { target, .. } => {
            let ids = separated(ValueType::Scalar(model.collection(*target).key.scalar()), text)?;
            input.links(field.id, ids.iter().filter_map(Value::as_id).collect());
            return Ok(());
        }
        FieldKind::List(element) if text.trim_start().starts_with('[') => {
            let json = json(text).ok_or_else(|| ViolationKind::Type { expected: "an array".to_owned() })?;
            list(model.element_type(*element), json.get()).map_err(|wrong| wrong.kind)?
        }
        FieldKind::Document(document) => {
            let wrong = |violations: Vec<Violation>| violations.into_iter().next().map(|violation| violation.kind);
            let read = model.read_document(*document, text, Place::member(&field.name)).map_err(wrong);
            read.map_err(|kind| kind.unwrap_or(ViolationKind::Required))?
        }
        FieldKind::List(element) => Value::List(separated(model.element_type(*element), text)?.into()),
        FieldKind::Scalar(number) if field.shares_currency() => {
            let json = json(text).filter(|json| json.get().starts_with('{'));
            return amount(input, (field.id, *number), json.map_or(Token::Bare(text), |json| Token::Json(json.get())));
        }
        FieldKind::Scalar(_) | FieldKind::Enum(_) | FieldKind::ToOne { .. } => single(model, field, text)?,
    };
    input.set(field.id, value);
    Ok(())
}

fn single(model: &Model, field: &Field, text: &str) -> Result<Value, ViolationKind> {
    let bare = model.comparable_type(field);
    let Some(ty) = bare.or_else(|| model.value_type(&field.kind)) else { return Err(ViolationKind::Required) };
    let json = if bare.is_none() { json(text) } else { None };
    Ok(ty.read(json.map_or(Token::Bare(text), |json| Token::Json(json.get())))?)
}

/// The items of a list that commas separate.
fn separated(element: ValueType<'_>, text: &str) -> Result<Vec<Value>, ViolationKind> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    within_list_limit(text.split(',').count())?;
    text.split(',').map(|item| Ok(element.read(Token::Bare(item.trim()))?)).collect()
}

fn json(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use backstay_model::{SourceFile, load};

    use super::*;

    const MODEL: &str = r#"
        extend schema @app(name: "A")
        enum Size { SMALL LARGE }
        type Town @allow(read: "true") { name: String! people: [Person!] @inverse(field: "home") }
        type Person @allow(read: "true") {
          name: String!
          age: Int
          size: Size
          tags: [String!]
          sizes: [Size!]
          notes: JSON
          fee: Money
          home: Town
          friends: [Person!]
        }
    "#;

    fn check(words: &[(&str, &str)], expected: &str) {
        let model = load(vec![SourceFile::app("a.graphql", MODEL)]).expect("the model loads").model;
        let person = model.collection_named("Person").expect("a type");
        let words: Vec<_> = words.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let got = match assignments(&model, person.id, &words) {
            Ok(input) => input.fields().map(|id| format!("{:?}", input.value(id))).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{words:?}");
    }

    #[test]
    fn values_are_written_as_in_a_url() {
        check(&[("name", "Ada = Ida"), ("age", "36")], "Some(Text(\"Ada = Ida\")) Some(Int(36))");
        check(&[("size", "LARGE")], "Some(Text(\"LARGE\"))");
        check(&[("tags", "a, b")], "Some(List([Text(\"a\"), Text(\"b\")]))");
        check(&[("tags", "[\"a,b\"]")], "Some(List([Text(\"a,b\")]))");
        check(&[("sizes", "")], "Some(List([]))");
        check(&[("notes", "{\"a\": 1}")], "Some(Json(\"{\\\"a\\\":1}\"))");
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field_and_all_at_once() {
        check(&[("nam", "Ada")], "/nam: unknown field `nam`; did you mean `name`?");
        check(&[("name", "Ada"), ("name", "Ida")], "/name: it is given twice");
        check(&[("age", "old"), ("size", "HUGE")], "/age: expected a whole number, such as 42 (and 1 more)");
        check(&[("tags", "[\"a")], "/tags: expected an array");
        check(&[("home", "Rome")], "/home: expected an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"");
        check(&[("friends", "Ben")], "/friends: expected an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"");
    }
}
