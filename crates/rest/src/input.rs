use std::borrow::Cow;

use backstay_base::{Error, Limit, Place, Step, Violation, ViolationKind, limits};
use backstay_engine::{Input, Inputs, Missing, Referred};
use backstay_model::{Collection, CollectionId, Document, Field, FieldId, FieldKind, Model, TYPE_NAME, ValueType};
use backstay_scalar::{Operation, Problem, Scalar, Token, Value};
use serde_json::value::RawValue;

use crate::json::{few_items, items, members_of, not_an_object, utf8};
use crate::operators::{self, Form};
use crate::referred::{InTransaction, RelationReader, missing};
use crate::words::{shorten, unknown, unknown_field};

/// Reads a JSON object as values for fields of a collection. Unknown members, members that occur twice and values of
/// another type are violations, all of them at once. Says nothing of what the caller may write.
pub fn input(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    record(model, collection, &members_of(utf8(body)?)?, &mut InTransaction)
}

/// Reads a JSON Merge Patch (RFC 7396): an object of the fields that change, in which an object for a `JSON` field is merged
/// into the stored document, and an operator such as `{"$inc": 1}` changes what is stored.
pub fn patch(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    let members = members_of(utf8(body)?)?;
    Decoder::new((model, collection), Form::Patch, &mut InTransaction).read(&members)
}

/// The same of an object whose members are read already, with another way to name related records.
pub fn record(
    model: &Model,
    collection: CollectionId,
    members: &[(Cow<'_, str>, &RawValue)],
    relations: &mut dyn RelationReader,
) -> Result<Input, Error> {
    Decoder::new((model, collection), Form::New, relations).read(members)
}

/// Reads a JSON object, or an array of them.
pub fn inputs(model: &Model, id: CollectionId, body: &[u8]) -> Result<Inputs, Error> {
    let text = utf8(body)?;
    if !text.trim_ascii_start().starts_with('[') {
        return input(model, id, body).map(Inputs::One);
    }
    let items = few_items(text, limits::BATCH_RECORDS)?;
    if items.len() > limits::BATCH_RECORDS {
        return Err(Limit::Size { what: "the array", max: limits::BATCH_RECORDS as u64, unit: "records" }.into());
    }
    let (mut inputs, mut violations) = (Vec::with_capacity(items.len()), Vec::new());
    for (index, item) in items.iter().enumerate() {
        if violations.len() >= limits::VIOLATIONS {
            break;
        }
        let (at, mut relations) = (Place::item(index), InTransaction);
        let mut decoder = Decoder { at, violations, ..Decoder::new((model, id), Form::New, &mut relations) };
        match members_of(item.get()) {
            Ok(members) => inputs.push(decoder.object(&members)),
            Err(_) => decoder.violations.push(Violation::new(Place::item(index), not_an_object())),
        }
        violations = decoder.violations;
    }
    if violations.is_empty() { Ok(Inputs::Many(inputs)) } else { Err(Error::Invalid(violations)) }
}

pub(crate) struct Decoder<'d> {
    pub(crate) model: &'d Model,
    pub(crate) collection: &'d Collection,
    pub(crate) form: Form,
    pub(crate) relations: &'d mut dyn RelationReader,
    /// Of how many unique keys the object is a part.
    pub(crate) depth: usize,
    /// Where the object is.
    pub(crate) at: Place,
    pub(crate) violations: Vec<Violation>,
}

/// What is read from the members of a record: the values so far, and which fields were there.
struct Reading {
    input: Input,
    seen: Vec<bool>,
}

impl<'d> Decoder<'d> {
    pub(crate) fn new(
        (model, collection): (&'d Model, CollectionId),
        form: Form,
        relations: &'d mut dyn RelationReader,
    ) -> Self {
        let collection = model.collection(collection);
        Self { model, collection, form, relations, depth: 0, at: Place::Whole, violations: Vec::new() }
    }
}

impl Decoder<'_> {
    fn read(mut self, members: &[(Cow<'_, str>, &RawValue)]) -> Result<Input, Error> {
        let input = self.object(members);
        match self.violations {
            violations if violations.is_empty() => Ok(input),
            violations => Err(Error::Invalid(violations)),
        }
    }

    pub(crate) fn object(&mut self, members: &[(Cow<'_, str>, &RawValue)]) -> Input {
        let seen = vec![false; self.collection.fields.len()];
        let mut reading = Reading { input: Input::with_capacity(members.len()), seen };
        self.members(&mut reading, None, members);
        reading.input
    }

    /// The members of a record, or of the embedded value that this field holds.
    fn members(&mut self, reading: &mut Reading, within: Option<FieldId>, members: &[(Cow<'_, str>, &RawValue)]) {
        let collection = self.collection;
        for (at, (name, raw)) in members.iter().enumerate() {
            if self.violations.len() >= limits::VIOLATIONS {
                break;
            }
            let Some(field) = collection.member_named(within, name) else {
                self.refuse(name, unknown_field(collection, within, name));
                continue;
            };
            if std::mem::replace(&mut reading.seen[usize::from(field.id.0)], true) {
                let is_same = |of: &Field| of.id == field.id;
                let mut before = members[..at].iter();
                let first = before.find(|(name, _)| collection.member_named(within, name).is_some_and(is_same));
                self.again(field, first.map(|(name, raw)| (&**name, raw.get())), (name, raw.get()));
                continue;
            }
            self.value(reading, (field, name), raw.get());
        }
    }

    /// The value of a field.
    fn value(&mut self, reading: &mut Reading, (field, name): (&Field, &str), raw: &str) {
        let read = match field.kind {
            FieldKind::Document(document) if raw != "null" => {
                return self.document(reading, (field, name), (document, raw));
            }
            _ if operators::is_given(field, raw) => self.operator(reading, (field, name), raw),
            FieldKind::Embedded(_) => self.embedded(reading, (field, name), raw),
            FieldKind::ToOneOf { .. } => self.one_of(&mut reading.input, field, raw),
            _ => self.member(&mut reading.input, field, raw),
        };
        if let Err(Wrong { steps, kind }) = read {
            let at = self.at.clone().then(Step::Member(shorten(name)));
            let at = steps.into_iter().fold(at, Place::then);
            self.violations.push(Violation::new(at, kind));
        }
    }

    /// A field that has a value already. Answers contain it by each of its names, so that whoever sends back what was read
    /// gives it the same value twice.
    fn again(&mut self, field: &Field, first: Option<(&str, &str)>, (name, raw): (&str, &str)) {
        let Some((before, first)) = first.filter(|(before, _)| *before != name) else {
            return self.refuse(name, ViolationKind::Duplicate);
        };
        let found = self.violations.len();
        let first = self.alone((field, before), first);
        // What is wrong with it has been said.
        let is_read = self.violations.len() == found;
        self.violations.truncate(found);
        let second = self.alone((field, name), raw);
        if is_read && self.violations.len() == found && first != second {
            let problem = format!("`{before}` and `{name}` are names of the same field, and their values differ");
            let remedy = format!("send only `{}`", field.name);
            self.refuse(name, ViolationKind::Misused { problem, remedy });
        }
    }

    /// What a value alone gives a record.
    fn alone(&mut self, (field, name): (&Field, &str), raw: &str) -> Input {
        let seen = vec![false; self.collection.fields.len()];
        let mut reading = Reading { input: Input::default(), seen };
        self.value(&mut reading, (field, name), raw);
        reading.input
    }

    /// A list of embedded values, or a value of a union: all that is wrong within it is reported.
    fn document(&mut self, reading: &mut Reading, (field, name): (&Field, &str), (document, raw): (Document, &str)) {
        let at = self.at.clone().then(Step::Member(shorten(name)));
        let model = self.model;
        let related = &mut |target, raw: &str| self.in_document(target, raw);
        match model.read_document_naming(document, raw, (at, related)) {
            Ok(value) => reading.input.set(field.id, value),
            Err(violations) => self.violations.extend(violations),
        }
    }

    /// An operator in the place of a value.
    fn operator(&mut self, reading: &mut Reading, (field, name): (&Field, &str), raw: &str) -> Result<(), Wrong> {
        if self.form == Form::New {
            return Err(operators::for_stored().into());
        }
        if !matches!(field.kind, FieldKind::Embedded(_)) {
            reading.input.operate(field.id, operators::operator(self.model, field, raw)?);
            return Ok(());
        }
        let (members, replaced) = (operators::replacement(raw)?, Operation::Replace.name());
        let within = self.at.clone().then(Step::Member(shorten(name)));
        let outer = std::mem::replace(&mut self.at, within);
        self.form = Form::New;
        let read = self.embedded(reading, (field, replaced), members.get());
        (self.at, self.form) = (outer, Form::Patch);
        read.map_err(|wrong| wrong.within(Step::Member(replaced.to_owned())))?;
        operators::clear_unnamed(self.collection, field, &mut reading.input);
        Ok(())
    }

    /// An embedded value: an object gives the members that it names a value, null gives none to all.
    fn embedded(&mut self, reading: &mut Reading, (field, name): (&Field, &str), raw: &str) -> Result<(), Wrong> {
        if raw == "null" {
            for part in self.collection.parts(field.id) {
                reading.input.set(part.id, Value::Null);
            }
            return Ok(());
        }
        let expected = || ViolationKind::Type { expected: "an object".to_owned() };
        let members = backstay_scalar::members(raw).map_err(|_| expected())?;
        let within = self.at.clone().then(Step::Member(shorten(name)));
        let outer = std::mem::replace(&mut self.at, within);
        self.members(reading, Some(field.id), &members);
        self.at = outer;
        Ok(())
    }

    /// A reference to one of several types: an object with the type and what finds the record, or null.
    fn one_of(&mut self, input: &mut Input, field: &Field, raw: &str) -> Result<(), Wrong> {
        let parts: Vec<&Field> = self.collection.members(Some(field.id)).collect();
        let found = match raw {
            "null" => None,
            raw => Some(self.alternative(&parts, raw)?),
        };
        for part in parts {
            match &found {
                Some((of, to)) if *of == part.id => input.refer(part.id, to.clone()),
                Some(_) | None => input.set(part.id, Value::Null),
            }
        }
        Ok(())
    }

    /// The part of a reference that an object gives a value, and the record that it names.
    fn alternative(&mut self, parts: &[&Field], raw: &str) -> Result<(FieldId, Referred), Wrong> {
        let example = parts.first().map_or("Post", |part| part.own_name());
        let expected = || ViolationKind::Type {
            expected: format!("an object such as {{\"{TYPE_NAME}\": \"{example}\", \"id\": …}}"),
        };
        let members = backstay_scalar::members(raw).map_err(|_| expected())?;
        let (mut of, mut others) = (None, Vec::new());
        for (name, raw) in members {
            if name != TYPE_NAME {
                others.push((name, raw));
            } else if of.replace(raw).is_some() {
                return Err(Wrong::at_member(TYPE_NAME, ViolationKind::Duplicate));
            }
        }
        let of = of.ok_or_else(|| Wrong::at_member(TYPE_NAME, ViolationKind::Required))?;
        let of: String = serde_json::from_str(of.get()).map_err(|_| {
            Wrong::at_member(TYPE_NAME, ViolationKind::Type { expected: "the name of a type".to_owned() })
        })?;
        let names = || parts.iter().map(|part| part.own_name());
        let part = parts.iter().find(|part| part.own_name() == of).ok_or_else(|| {
            let kind = match backstay_base::nearest(&of, names()) {
                Some(meant) => unknown("type", &of, Some(meant)),
                None => ViolationKind::Range(format!("expected one of {}", names().collect::<Vec<_>>().join(", "))),
            };
            Wrong::at_member(TYPE_NAME, kind)
        })?;
        let target = part.kind.target().ok_or_else(expected)?;
        match others.as_slice() {
            [(name, raw)] if name == "id" => match self.reference(target, raw.get(), Missing::Refuse) {
                Ok(to) => Ok((part.id, to)),
                Err(wrong) => Err(wrong.within(Step::Member("id".to_owned()))),
            },
            [] => Err(Wrong::at_member("id", ViolationKind::Required)),
            others => {
                let raw: serde_json::Map<String, serde_json::Value> = others
                    .iter()
                    .map(|(name, raw)| Ok((name.to_string(), serde_json::from_str(raw.get())?)))
                    .collect::<Result<_, serde_json::Error>>()
                    .map_err(|_| expected())?;
                let to = self.reference(target, &serde_json::Value::Object(raw).to_string(), Missing::Refuse)?;
                Ok((part.id, to))
            }
        }
    }

    fn refuse(&mut self, name: &str, kind: ViolationKind) {
        let at = self.at.clone().then(Step::Member(shorten(name)));
        self.violations.push(Violation::new(at, kind));
    }

    fn member(&mut self, input: &mut Input, field: &Field, raw: &str) -> Result<(), Wrong> {
        let value = match &field.kind {
            FieldKind::OneToMany { .. } | FieldKind::OneToOne { .. } => {
                return Err(ViolationKind::ReadOnly("set this relation from the other side").into());
            }
            FieldKind::Lineage { .. } => {
                return Err(ViolationKind::ReadOnly("this follows from the parents of the records").into());
            }
            FieldKind::Scalar(number) if field.shares_currency() => {
                return Ok(amount(input, (field.id, *number), Token::Json(raw))?);
            }
            FieldKind::ManyToMany { target, .. } => {
                input.members(field.id, self.links((field, *target), raw)?);
                return Ok(());
            }
            FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::Document(_)
            | FieldKind::ToOne { .. }
                if raw == "null" =>
            {
                Value::Null
            }
            // `members` reads them.
            FieldKind::Embedded(_) | FieldKind::ToOneOf { .. } | FieldKind::Document(_) => return Ok(()),
            FieldKind::List(element) => list(self.model.element_type(*element), raw)?,
            FieldKind::ToOne { target, .. } => {
                let to = self.reference(*target, raw, missing(field))?;
                input.refer(field.id, to);
                return Ok(());
            }
            FieldKind::Scalar(scalar) => scalar.read(Token::Json(raw)).map_err(ViolationKind::from)?,
            FieldKind::Enum(id) => self.model.enum_type(*id).read(Token::Json(raw)).map_err(ViolationKind::from)?,
        };
        if self.form == Form::Patch
            && let Some(patch) = operators::patch_of_document(&value)?
        {
            input.operate(field.id, patch);
        } else {
            input.set(field.id, value);
        }
        Ok(())
    }
}

/// Reads an amount that shares the currency of its record: a number, or an object that names the currency too.
pub(crate) fn amount(
    input: &mut Input,
    (field, number): (FieldId, Scalar),
    token: Token<'_>,
) -> Result<(), ViolationKind> {
    let (value, currency) = match token {
        Token::Json("null") => (Value::Null, None),
        Token::Json(raw) if raw.trim_ascii().starts_with('{') => match Scalar::Money.read(token)? {
            Value::Money(money) => (number.fit(Value::Decimal(money.amount()))?, Some(money.currency())),
            other => (other, None),
        },
        token => match number.read(token) {
            Ok(value) => (value, None),
            Err(Problem::Expected(_)) => return Err(ViolationKind::Type { expected: AMOUNT.to_owned() }),
            Err(problem) => return Err(problem.into()),
        },
    };
    input.amount(field, value, currency);
    Ok(())
}

/// What an amount is written as whose currency is in another field.
const AMOUNT: &str =
    "an amount such as \"12.50\", or with its currency such as {\"amount\": \"12.50\", \"currency\": \"EUR\"}";

/// What is wrong with a member, and where within its value.
pub(crate) struct Wrong {
    pub(crate) steps: Vec<Step>,
    pub(crate) kind: ViolationKind,
}

impl Wrong {
    pub(crate) fn at_member(name: &str, kind: ViolationKind) -> Self {
        Self { steps: vec![Step::Member(name.to_owned())], kind }
    }

    /// What is wrong at a place in the member's value.
    pub(crate) fn at(at: Place, kind: ViolationKind) -> Self {
        let steps = if let Place::Value(steps) = at { steps } else { Vec::new() };
        Self { steps, kind }
    }

    /// The same in an item or member of a larger value.
    pub(crate) fn within(mut self, step: Step) -> Self {
        self.steps.insert(0, step);
        self
    }
}

impl From<ViolationKind> for Wrong {
    fn from(kind: ViolationKind) -> Self {
        Self { steps: Vec::new(), kind }
    }
}

pub(crate) fn list(element: ValueType<'_>, raw: &str) -> Result<Value, Wrong> {
    let expected = || ViolationKind::Type { expected: "an array".to_owned() };
    let items = items(raw).ok_or_else(expected)?;
    within_list_limit(items.len())?;
    let value = |(index, item): (usize, &&RawValue)| {
        element
            .read(Token::Json(item.get()))
            .map_err(|problem| Wrong { steps: vec![Step::Item(index)], kind: problem.into() })
    };
    let values: Result<Vec<Value>, Wrong> = items.iter().enumerate().map(value).collect();
    Ok(Value::List(values?.into()))
}

pub(crate) fn within_list_limit(items: usize) -> Result<(), ViolationKind> {
    match items > limits::LIST_ITEMS {
        true => Err(ViolationKind::Range(format!("at most {} items", limits::LIST_ITEMS))),
        false => Ok(()),
    }
}
