//! Objects with the fields of a record, taken apart into typed values.

use std::borrow::Cow;
use std::collections::HashSet;
use std::{iter, mem};

use backstay_base::{Error, Limit, Place, RecordId, Step, Violation, ViolationKind, limits};
use backstay_engine::{Child, ChildAct, Children, Input, Missing, NamedWithin, Referred};
use backstay_model::{Collection, CollectionId, Document, Field, FieldId, FieldKind, Model, TYPE_NAME};
use backstay_scalar::{Operation, Token, Value};
use serde_json::value::RawValue;

use crate::children::{self, Sent, SentAct, SentChild};
use crate::foreign::{self, Role};
use crate::form::Form;
use crate::operators;
use crate::relation_reader::{RelationReader, missing};
use crate::values::{amount, list};
use crate::words::{shorten, unknown, unknown_field};
use crate::wrong::Wrong;

pub(crate) struct Decoder<'d> {
    pub(crate) model: &'d Model,
    pub(crate) collection: &'d Collection,
    pub(crate) form: Form,
    pub(crate) relations: &'d mut dyn RelationReader,
    /// Of how many unique keys the object is a part.
    pub(crate) depth: usize,
    /// Levels of children that may follow; `None`: the record is read without children.
    pub(crate) levels: Option<usize>,
    /// The reference to the record that this one is sent with.
    pub(crate) to_parent: Option<FieldId>,
    /// Where the object is.
    pub(crate) at: Place,
    pub(crate) violations: Vec<Violation>,
    /// Records that were read.
    pub(crate) records: usize,
}

/// What is read from the members of a record: the values so far, and which fields were there.
struct Reading {
    input: Input,
    seen: Vec<bool>,
}

impl<'d> Decoder<'d> {
    /// Of a record without children.
    pub(crate) fn new(
        (model, collection): (&'d Model, CollectionId),
        form: Form,
        relations: &'d mut dyn RelationReader,
    ) -> Self {
        let collection = model.collection(collection);
        let (levels, to_parent, at, violations) = (None, None, Place::Whole, Vec::new());
        Self { model, collection, form, relations, depth: 0, levels, to_parent, at, violations, records: 0 }
    }

    /// What was read, unless something is wrong with it.
    pub(crate) fn finish<T>(self, read: T) -> Result<T, Error> {
        const MAX: usize = limits::WRITE_ROWS;
        match self.violations {
            _ if self.records > MAX => {
                Err(Limit::Size { what: "the change", max: MAX as u64, unit: "records and links" }.into())
            }
            violations if violations.is_empty() => Ok(read),
            violations => Err(Error::Invalid(violations)),
        }
    }

    /// Whether nothing more is read: enough is wrong, or there are too many records.
    pub(crate) fn is_full(&self) -> bool {
        self.violations.len() >= limits::VIOLATIONS || self.records > limits::WRITE_ROWS
    }

    pub(crate) fn object(&mut self, members: &[(Cow<'_, str>, &RawValue)]) -> Input {
        self.records += 1;
        let seen = vec![false; self.collection.fields.len()];
        let mut reading = Reading { input: Input::with_capacity(members.len()), seen };
        self.members(&mut reading, None, members);
        reading.input
    }

    /// The members of a record, or of the embedded value that this field holds.
    fn members(&mut self, reading: &mut Reading, within: Option<FieldId>, members: &[(Cow<'_, str>, &RawValue)]) {
        let collection = self.collection;
        for (at, (name, raw)) in members.iter().enumerate() {
            if self.is_full() {
                break;
            }
            let Some(field) = collection.member_named(within, name) else {
                let sent = foreign::Member { name, raw: raw.get(), alone: members.len() == 1 };
                let foreign = foreign::member((collection, within), (self.form, self.role()), sent);
                self.refuse(name, foreign.unwrap_or_else(|| unknown_field(collection, within, name)));
                continue;
            };
            if self.leads_to_parent(field) {
                self.refuse(name, ViolationKind::ReadOnly("this is the record that it is sent with"));
                continue;
            }
            if mem::replace(&mut reading.seen[usize::from(field.id.0)], true) {
                let is_same = |of: &Field| of.id == field.id;
                let mut before = members[..at].iter();
                let first = before.find(|(name, _)| collection.member_named(within, name).is_some_and(is_same));
                self.again(field, first.map(|(name, raw)| (&**name, raw.get())), (name, raw.get()));
                continue;
            }
            self.value(reading, (field, name), raw.get());
        }
    }

    /// What the object stands for.
    fn role(&self) -> Role {
        match self.to_parent {
            _ if self.depth > 0 => Role::Key,
            Some(via) => Role::Child(via),
            None => Role::Record,
        }
    }

    /// Whether the field, or what holds it, refers to the record that this one is sent with.
    fn leads_to_parent(&self, field: &Field) -> bool {
        let mut holders = iter::successors(self.to_parent, |held| self.collection.field(*held).parent());
        holders.any(|held| held == field.id)
    }

    /// The value of a field.
    fn value(&mut self, reading: &mut Reading, (field, name): (&Field, &str), raw: &str) {
        let read = match field.kind {
            FieldKind::Document(document) if raw != "null" => {
                return self.document(reading, (field, name), (document, raw));
            }
            FieldKind::OneToMany { target, via } if self.levels.is_some() => {
                return self.children(reading, (field, name), (target, via), children::many(self.form, raw));
            }
            FieldKind::OneToOne { target, via, .. } if self.levels.is_some() => {
                let of = self.model.collection(target);
                let sent = children::one(self.form, raw, (&of.name, &of.field(via).name));
                return self.children(reading, (field, name), (target, via), sent);
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

    /// The records that refer to this one, and are sent with it.
    fn children(
        &mut self,
        reading: &mut Reading,
        (field, name): (&Field, &str),
        (target, via): (CollectionId, FieldId),
        sent: Sent<'_>,
    ) {
        let Sent { each, others, wrong } = sent;
        let at = self.at.clone().then(Step::Member(shorten(name)));
        let place = |steps: &[Step]| steps.iter().cloned().fold(at.clone(), Place::then);
        self.violations.extend(wrong.into_iter().map(|(steps, kind)| Violation::new(place(&steps), kind)));
        let Some(levels) = self.levels.and_then(|levels| levels.checked_sub(1)) else {
            let most =
                format!("records are nested in at most {} levels; write these by themselves", limits::NESTED_LEVELS);
            self.violations.push(Violation::new(at, ViolationKind::Range(most)));
            return;
        };
        let (mut read, mut named) = (Vec::with_capacity(each.len()), HashSet::new());
        for SentChild { at: steps, act } in each {
            if self.is_full() {
                break;
            }
            let mut inner = Decoder {
                levels: Some(levels),
                to_parent: Some(via),
                at: place(&steps),
                violations: mem::take(&mut self.violations),
                records: self.records,
                ..Decoder::new((self.model, target), Form::New, &mut *self.relations)
            };
            let act = inner.child(act, &mut named);
            (self.violations, self.records) = (inner.violations, inner.records);
            read.extend(act.map(|act| Child { at: steps, act }));
        }
        reading.input.children(field.id, Children::new(read, others));
    }

    fn child(&mut self, act: SentAct<'_>, named: &mut HashSet<RecordId>) -> Option<ChildAct> {
        match act {
            SentAct::Add(members) => Some(ChildAct::Add(self.object(&members))),
            SentAct::Put(members) => {
                self.form = Form::Patch;
                Some(ChildAct::Put(self.object(&members)))
            }
            SentAct::Match(members) => {
                self.form = Form::Patch;
                Some(ChildAct::Match(self.object(&members)))
            }
            SentAct::Change(id, members) => {
                self.form = Form::Patch;
                let at = self.at.clone().then(Step::Member("id".to_owned()));
                let id = self.named_child(id, at, named);
                let input = self.object(&members);
                id.map(|id| ChildAct::Change(id, input))
            }
            SentAct::Remove(id) => {
                self.records += 1;
                let at = self.at.clone();
                self.named_child(id, at, named).map(ChildAct::Remove)
            }
        }
    }

    /// The id of a child, which may be named once.
    fn named_child(&mut self, raw: &str, at: Place, named: &mut HashSet<RecordId>) -> Option<RecordId> {
        let read = self.collection.key.scalar().read(Token::Json(raw)).map_err(ViolationKind::from);
        let kind = match read.map(|value| value.as_id()) {
            Ok(Some(id)) if named.insert(id) => return Some(id),
            Ok(Some(_)) => ViolationKind::Duplicate,
            Ok(None) => ViolationKind::Required,
            Err(kind) => kind,
        };
        self.violations.push(Violation::new(at, kind));
        None
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
        let (outer, most) = (steps(&at).len(), self.relations.most());
        let mut all = Vec::new();
        let related = &mut |target, raw: &str, at: &Place| match self.within(target, raw)? {
            Referred::Id(id) => Ok(id),
            Referred::ByKey(_) if all.len() >= most => Err(ViolationKind::Range(format!(
                "at most {most} records are named by keys in a document; send ids here"
            ))),
            Referred::ByKey(named) => {
                all.push(NamedWithin { at: steps(at)[outer..].to_vec(), named });
                Ok(RecordId::stand_in(model.collection(target).key.form()))
            }
        };
        match model.read_document_naming(document, raw, (at, related)) {
            Ok(value) => reading.input.document(field.id, value, all),
            Err(violations) => self.violations.extend(violations),
        }
    }

    /// An operator in the place of a value.
    fn operator(&mut self, reading: &mut Reading, (field, name): (&Field, &str), raw: &str) -> Result<(), Wrong> {
        if let Some(refusal) = self.form.refuses_operators() {
            return Err(refusal.into());
        }
        if self.form == Form::Upsert {
            reading.input.operate(field.id, operators::of_upsert(self.model, field, raw)?);
            return Ok(());
        }
        if !matches!(field.kind, FieldKind::Embedded(_)) {
            reading.input.operate(field.id, operators::operator(self.model, field, raw)?);
            return Ok(());
        }
        let (members, replaced) = (operators::replacement(raw)?, Operation::Replace.name());
        let within = self.at.clone().then(Step::Member(shorten(name)));
        let outer = mem::replace(&mut self.at, within);
        self.form = Form::Whole;
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
        let outer = mem::replace(&mut self.at, within);
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
            FieldKind::ManyToMany { target, .. } => return self.linked(input, (field, *target), raw),
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
            FieldKind::List(element) => list(self.model.element_type(*element), raw).map_err(|wrong| {
                match foreign::list_operator(self.form, raw) {
                    Some(remedy) if wrong.steps.is_empty() => {
                        ViolationKind::Misused { problem: wrong.kind.to_string(), remedy }.into()
                    }
                    Some(_) | None => wrong,
                }
            })?,
            FieldKind::ToOne { target, .. } => {
                let to = self.reference(*target, raw, missing(field))?;
                input.refer(field.id, to);
                return Ok(());
            }
            FieldKind::Scalar(scalar) => scalar.read(Token::Json(raw)).map_err(|problem| {
                let kind = ViolationKind::from(problem);
                match foreign::operator(self.form, field, raw) {
                    Some(remedy) => ViolationKind::Misused { problem: kind.to_string(), remedy },
                    None => kind,
                }
            })?,
            FieldKind::Enum(id) => self.model.enum_type(*id).read(Token::Json(raw)).map_err(ViolationKind::from)?,
        };
        if self.form != Form::Patch {
            operators::refuse_in_document(self.form, &value)?;
            input.set(field.id, value);
        } else if let Some(patch) = operators::patch_of_document(&value)? {
            input.operate(field.id, patch);
        } else {
            input.set(field.id, value);
        }
        Ok(())
    }
}

/// The steps to a value in the body.
fn steps(at: &Place) -> &[Step] {
    if let Place::Value(steps) = at { steps } else { &[] }
}
