use std::borrow::Cow;
use std::fmt;

use backstay_base::{Error, Limit, RecordId, Violation, ViolationKind, limits, nearest};
use backstay_model::{Class, Collection, CollectionId, Field, FieldKind, Model, ValueProblem, ValueType};
use backstay_scalar::{Members, Scalar, Token, Value};
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::Input;

/// Reads the ids that a relation member names, where it is not written as an id: a seed file names records by a unique
/// field.
pub trait RelationReader {
    /// The record of `target` that this JSON value, which is not a string, refers to.
    fn read(&mut self, target: CollectionId, raw: &str) -> Result<RecordId, ViolationKind>;
}

/// Relations are ids, as everywhere in the API.
struct IdsOnly;

impl RelationReader for IdsOnly {
    fn read(&mut self, _: CollectionId, _: &str) -> Result<RecordId, ViolationKind> {
        Err(ViolationKind::Type { expected: "an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"".to_owned() })
    }
}

/// Reads a JSON object as values for fields of a collection. Unknown members, members that occur twice and values of
/// another type are violations, all of them at once. Says nothing of what the caller may write.
pub fn decode_input(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    decode_input_with(model, collection, body, &mut IdsOnly)
}

/// As `decode_input`, with another way to name related records.
pub fn decode_input_with(
    model: &Model,
    collection: CollectionId,
    body: &[u8],
    relations: &mut dyn RelationReader,
) -> Result<Input, Error> {
    let text = utf8(body)?;
    let members = members(text)?;
    let mut decoder =
        Decoder { model, collection: model.collection(collection), relations, at: "", violations: vec![] };
    let input = decoder.object(members);
    match decoder.violations {
        violations if violations.is_empty() => Ok(input),
        violations => Err(Error::Invalid(violations)),
    }
}

/// Reads a JSON object, or an array of them, as inputs. Tells whether it was an array.
pub(crate) fn decode_inputs(model: &Model, id: CollectionId, body: &[u8]) -> Result<(Vec<Input>, bool), Error> {
    let text = utf8(body)?;
    if !text.trim_ascii_start().starts_with('[') {
        return Ok((vec![decode_input(model, id, body)?], false));
    }
    let Items(items) = serde_json::from_str(text).map_err(|error| syntax(text, &error))?;
    if items.len() > limits::BATCH_RECORDS {
        return Err(Limit::Size { what: "the array", max: limits::BATCH_RECORDS as u64, unit: "records" }.into());
    }
    let collection = model.collection(id);
    let (mut inputs, mut violations) = (Vec::with_capacity(items.len()), Vec::new());
    for (index, item) in items.iter().enumerate() {
        if violations.len() >= limits::VIOLATIONS {
            break;
        }
        let at = format!("/{index}");
        let mut decoder = Decoder { model, collection, relations: &mut IdsOnly, at: &at, violations };
        match members(item.get()) {
            Ok(members) => inputs.push(decoder.object(members)),
            Err(_) => decoder.violations.push(Violation::new(at.as_str(), not_an_object())),
        }
        violations = decoder.violations;
    }
    if violations.is_empty() { Ok((inputs, true)) } else { Err(Error::Invalid(violations)) }
}

/// The members of a JSON object in their order, names that occur twice included: for bodies that hold more than the
/// values of a record.
pub fn object_members(body: &[u8]) -> Result<Members<'_>, Error> {
    members(utf8(body)?)
}

/// The text of a body.
pub(crate) fn utf8(body: &[u8]) -> Result<&str, Error> {
    let problem = "this is not UTF-8; send the body in UTF-8".to_owned();
    std::str::from_utf8(body)
        .map_err(|error| Error::malformed("", ViolationKind::Syntax { offset: error.valid_up_to(), problem }))
}

/// The members of an object in their order, names that occur twice included.
pub(crate) fn members(text: &str) -> Result<Members<'_>, Error> {
    backstay_scalar::members(text).map_err(|error| match error.is_data() {
        true => Error::malformed("", not_an_object()),
        false => syntax(text, &error),
    })
}

/// The items of a JSON array, as raw values.
pub(crate) fn items(raw: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw).ok()
}

/// A name that was sent, short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn not_an_object() -> ViolationKind {
    ViolationKind::Type { expected: "a JSON object".to_owned() }
}

fn syntax(text: &str, error: &serde_json::Error) -> Error {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let end = (line_start + error.column().saturating_sub(1)).min(text.len());
    let offset = text.as_bytes()[..end].iter().filter(|byte| !matches!(byte, 0x80..=0xBF)).count();
    let message = error.to_string();
    let problem = message.split_once(" at line ").map_or(message.as_str(), |(words, _)| words);
    Error::malformed("", ViolationKind::Syntax { offset, problem: format!("not JSON: {problem}") })
}

struct Decoder<'d> {
    model: &'d Model,
    collection: &'d Collection,
    relations: &'d mut dyn RelationReader,
    /// JSON pointer of the object.
    at: &'d str,
    violations: Vec<Violation>,
}

impl Decoder<'_> {
    fn object(&mut self, members: Vec<(Cow<'_, str>, &RawValue)>) -> Input {
        let mut input = Input::new();
        input.values.reserve(members.len());
        let mut seen = vec![false; self.collection.fields.len()];
        for (name, raw) in members {
            if self.violations.len() >= limits::VIOLATIONS {
                break;
            }
            let Some(field) = self.collection.field_named(&name) else {
                self.refuse(&name, unknown_field(self.collection, &name));
                continue;
            };
            if std::mem::replace(&mut seen[usize::from(field.id.0)], true) {
                self.refuse(&name, ViolationKind::Duplicate);
                continue;
            }
            if let Err(kind) = self.member(&mut input, field, raw.get()) {
                self.refuse(&name, kind);
            }
        }
        input
    }

    fn refuse(&mut self, name: &str, kind: ViolationKind) {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        self.violations.push(Violation::new(format!("{}/{}", self.at, shorten(&escaped)), kind));
    }

    fn member(&mut self, input: &mut Input, field: &Field, raw: &str) -> Result<(), ViolationKind> {
        let value = match &field.kind {
            FieldKind::OneToMany { .. } => {
                return Err(ViolationKind::ReadOnly("it is written at the other end of the relation"));
            }
            FieldKind::ManyToMany { target, .. } => {
                let members = self.links(*target, raw)?;
                input.links.push((field.id, members));
                return Ok(());
            }
            _ if raw == "null" => Value::Null,
            FieldKind::List(element) => list(self.model.element_type(*element), raw)?,
            FieldKind::ToOne { target, .. } => Value::Id(self.reference(*target, raw)?),
            FieldKind::Scalar(scalar) => scalar.read(Token::Json(raw))?,
            FieldKind::Enum(id) => self.model.enum_type(*id).read(Token::Json(raw))?,
        };
        input.values.push((field.id, value));
        Ok(())
    }

    fn reference(&mut self, target: CollectionId, raw: &str) -> Result<RecordId, ViolationKind> {
        if raw.starts_with('{') {
            return self.relations.read(target, raw);
        }
        let value = Scalar::Id.read(Token::Json(raw))?;
        value.as_id().ok_or(ViolationKind::Required)
    }

    fn links(&mut self, target: CollectionId, raw: &str) -> Result<Vec<RecordId>, ViolationKind> {
        let expected = || ViolationKind::Type { expected: "an array of ids".to_owned() };
        let items = items(raw).ok_or_else(expected)?;
        within_list_limit(items.len())?;
        let mut members = Vec::with_capacity(items.len());
        for item in items {
            let id = self.reference(target, item.get())?;
            members.push(id);
        }
        members.sort_unstable();
        members.dedup();
        Ok(members)
    }
}

fn list(element: ValueType<'_>, raw: &str) -> Result<Value, ViolationKind> {
    let expected = || ViolationKind::Type { expected: "an array".to_owned() };
    let items = items(raw).ok_or_else(expected)?;
    within_list_limit(items.len())?;
    let values: Result<Vec<Value>, ValueProblem> =
        items.iter().map(|item| element.read(Token::Json(item.get()))).collect();
    Ok(Value::List(values?.into()))
}

fn within_list_limit(items: usize) -> Result<(), ViolationKind> {
    match items > limits::LIST_ITEMS {
        true => Err(ViolationKind::Range(format!("at most {} items", limits::LIST_ITEMS))),
        false => Ok(()),
    }
}

/// There is no such field; names the one that was probably meant.
pub(crate) fn unknown_field(collection: &Collection, name: &str) -> ViolationKind {
    let open = collection.fields.iter().filter(|field| field.class != Some(Class::Secret));
    let names = open.map(|field| field.name.as_str());
    let suggestion = nearest(name, names);
    ViolationKind::Unknown { what: "field", name: shorten(name), suggestion: suggestion.map(str::to_owned) }
}

struct Items<'a>(Vec<&'a RawValue>);

impl<'de> serde::Deserialize<'de> for Items<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                    if items.len() > limits::BATCH_RECORDS {
                        // The rest is only passed over, so that the refusal names the limit.
                        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                    }
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}
