use std::borrow::Cow;
use std::collections::HashSet;
use std::{iter, mem};

use backstay_base::{Error, Limit, Place, RecordId, Step, Violation, ViolationKind, limits};
use backstay_engine::{Child, ChildAct, Children, Input, Inputs, LinkChanges, Missing, Referred};
use backstay_model::{Collection, CollectionId, Document, Field, FieldId, FieldKind, Model, TYPE_NAME, ValueType};
use backstay_scalar::{Operation, Problem, Scalar, Token, Value};
use serde_json::value::RawValue;

use crate::children::{self, Sent, SentAct, SentChild};
use crate::foreign::{self, Role};
use crate::json::{few_items, items, members_of, not_an_object, utf8, within_list_limit};
use crate::operators::{self, Form};
use crate::referred::{self, InTransaction, RelationReader, missing};
use crate::words::{shorten, unknown, unknown_field};

/// Reads a JSON object as values for fields of a collection. Unknown members, members that occur twice and values of
/// another type are violations, all of them at once. Says nothing of what the caller may write.
pub fn input(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    alone(model, (collection, Form::New), body)
}

/// Reads the same as all of a record, which may be stored already.
pub fn replacement(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    alone(model, (collection, Form::Whole), body)
}

/// Reads a JSON Merge Patch (RFC 7396): an object of the fields that change, in which an object for a `JSON` field is merged
/// into the stored document, and an operator such as `{"$inc": 1}` changes what is stored.
pub fn patch(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    alone(model, (collection, Form::Patch), body)
}

/// A record with its children.
fn alone(model: &Model, (of, form): (CollectionId, Form), body: &[u8]) -> Result<Input, Error> {
    let members = members_of(utf8(body)?)?;
    let mut relations = InTransaction;
    let mut decoder = Decoder::new((model, of), form, &mut relations);
    decoder.levels = Some(CHILD_LEVELS);
    let input = decoder.object(&members);
    decoder.finish(input)
}

/// Levels of children below a record.
const CHILD_LEVELS: usize = limits::NESTED_LEVELS - 1;

/// Reads a new record without children, of an object whose members are read already, with another way to name related records.
pub fn record(
    model: &Model,
    collection: CollectionId,
    members: &[(Cow<'_, str>, &RawValue)],
    relations: &mut dyn RelationReader,
) -> Result<Input, Error> {
    let mut decoder = Decoder::new((model, collection), Form::New, relations);
    let input = decoder.object(members);
    decoder.finish(input)
}

/// What is read from an object, and all that is wrong with it.
pub(crate) fn examined(
    model: &Model,
    collection: CollectionId,
    members: &[(Cow<'_, str>, &RawValue)],
    relations: &mut dyn RelationReader,
) -> (Input, Vec<Violation>) {
    let mut decoder = Decoder::new((model, collection), Form::New, relations);
    let input = decoder.object(members);
    (input, decoder.violations)
}

/// Reads a JSON object, or an array of them.
pub fn inputs(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Inputs, Error> {
    each(model, (collection, Form::New), body)
}

/// Reads the same as records which may be stored already.
pub fn upserts(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Inputs, Error> {
    each(model, (collection, Form::Whole), body)
}

fn each(model: &Model, (id, form): (CollectionId, Form), body: &[u8]) -> Result<Inputs, Error> {
    let text = utf8(body)?;
    if !text.trim_ascii_start().starts_with('[') {
        return alone(model, (id, form), body).map(Inputs::One);
    }
    let items = few_items(text, limits::BATCH_RECORDS)?;
    if items.len() > limits::BATCH_RECORDS {
        return Err(Limit::Size { what: "the array", max: limits::BATCH_RECORDS as u64, unit: "records" }.into());
    }
    let mut inputs = Vec::with_capacity(items.len());
    let mut relations = InTransaction;
    let mut decoder = Decoder::new((model, id), form, &mut relations);
    decoder.levels = Some(CHILD_LEVELS);
    for (index, item) in items.iter().enumerate() {
        if decoder.is_full() {
            break;
        }
        decoder.at = Place::item(index);
        match members_of(item.get()) {
            Ok(members) => inputs.push(decoder.object(&members)),
            Err(_) => decoder.violations.push(Violation::new(Place::item(index), not_an_object())),
        }
    }
    decoder.finish(Inputs::Many(inputs))
}

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
    fn finish<T>(self, read: T) -> Result<T, Error> {
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
    fn is_full(&self) -> bool {
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
        let related = &mut |target, raw: &str| self.in_document(target, raw);
        match model.read_document_naming(document, raw, (at, related)) {
            Ok(value) => reading.input.set(field.id, value),
            Err(violations) => self.violations.extend(violations),
        }
    }

    /// An operator in the place of a value.
    fn operator(&mut self, reading: &mut Reading, (field, name): (&Field, &str), raw: &str) -> Result<(), Wrong> {
        if let Some(refusal) = self.form.refuses_operators() {
            return Err(refusal.into());
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
            FieldKind::ManyToMany { target, .. } if self.form == Form::Patch && raw.starts_with('{') => {
                if let Some(all) = set_of_links(raw)? {
                    let links = self.links((field, *target), all.get());
                    let within = |wrong: Wrong| wrong.within(Step::Member(SET.to_owned()));
                    input.members(field.id, links.map_err(within)?);
                    return Ok(());
                }
                let [added, removed] = self.link_changes((field, *target), raw)?;
                input.change_members(field.id, added, removed);
                return Ok(());
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

    /// `{"$add": […], "$remove": […]}`.
    fn link_changes(
        &mut self,
        (field, target): (&Field, CollectionId),
        raw: &str,
    ) -> Result<[Vec<Referred>; 2], Wrong> {
        let expected = || ViolationKind::Type { expected: "an array of ids".to_owned() };
        let members = backstay_scalar::members(raw).map_err(|_| expected())?;
        let (mut changes, mut named, mut seen) = ([Vec::new(), Vec::new()], HashSet::new(), HashSet::new());
        for (name, raw) in &members {
            let at = || Step::Member(name.to_string());
            let (place, missing) = match &**name {
                LinkChanges::ADD => (0, referred::missing(field)),
                LinkChanges::REMOVE => (1, Missing::Refuse),
                _ => {
                    let problem = format!("unknown operator `{}`", shorten(name));
                    let remedy = "write `$add` and `$remove`, `$set` alone, or an array of all ids".to_owned();
                    return Err(Wrong::at_member(&shorten(name), ViolationKind::Misused { problem, remedy }));
                }
            };
            if !seen.insert(&**name) {
                return Err(Wrong::at_member(name, ViolationKind::Duplicate));
            }
            let members = self.members_named(target, raw.get(), missing).map_err(|wrong| wrong.within(at()))?;
            for (index, member) in members.iter().enumerate() {
                if let Referred::Id(id) = member
                    && !named.insert(*id)
                {
                    let repeated = Wrong { steps: vec![Step::Item(index)], kind: ViolationKind::Duplicate };
                    return Err(repeated.within(at()));
                }
            }
            changes[place] = members;
        }
        Ok(changes)
    }
}

/// The operator that replaces all records of a list.
const SET: &str = "$set";

/// What `{"$set": […]}` gives a many-to-many relation, if that is what was sent.
fn set_of_links(raw: &str) -> Result<Option<&RawValue>, Wrong> {
    let Ok(members) = backstay_scalar::members(raw) else { return Ok(None) };
    let Some((_, all)) = members.iter().find(|(name, _)| name == SET) else { return Ok(None) };
    if members.len() == 1 {
        return Ok(Some(*all));
    }
    let problem = "`$set` replaces all links".to_owned();
    let remedy = "send it alone, or use `$add` and `$remove`".to_owned();
    Err(Wrong::at_member(SET, ViolationKind::Misused { problem, remedy }))
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
