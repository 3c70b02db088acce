//! Lists of embedded values, and values of unions of embedded types: how they are read, and the form in which a record
//! holds them. What limits of members say of them is asked apart from that, by `document_limits`.
//!
//! A document is JSON in one column. It has all members of its types, in the order of the model, in the form in which
//! answers have them; a value of a union begins with `__typename`. The form belongs to the model that the database holds:
//! a migration that changes the types writes stored documents anew.

use std::sync::Arc;

use backstay_base::{Place, RecordId, Step, Violation, ViolationKind, limits, nearest};
use backstay_scalar::{Members, Scalar, Token, Value, items, members, write};

use crate::kind::{Document, Element, FieldKind, Shape};
use crate::{CollectionId, Embedded, EmbeddedId, Field, Model, RecordUnionId, Union, UnionId};

/// Reads the JSON that names a record of a type at a place of a document, where it isn't written as an id.
pub type RelatedReader<'r> = &'r mut dyn FnMut(CollectionId, &str, &Place) -> Result<RecordId, ViolationKind>;

/// The member that says which type of a union a value has.
pub const TYPE_NAME: &str = "__typename";

impl Model {
    /// Reads a document from JSON: the document in the form in which it is stored. The limits of its members are not asked.
    ///
    /// # Errors
    /// Everything that is wrong with it, at its place; `at` is that of the document.
    pub fn read_document(&self, document: Document, raw: &str, at: Place) -> Result<Value, Vec<Violation>> {
        let by_id =
            &mut |target, raw: &str, _: &Place| match self.collection(target).key.scalar().read(Token::Json(raw)) {
                Ok(value) => value.as_id().ok_or(ViolationKind::Required),
                Err(problem) => Err(problem.into()),
            };
        self.read_document_naming(document, raw, (at, by_id))
    }

    /// The same with another way to name related records: what it is given is an object that isn't an id.
    ///
    /// # Errors
    /// Everything that is wrong with it, at its place.
    pub fn read_document_naming(
        &self,
        document: Document,
        raw: &str,
        (at, related): (Place, RelatedReader<'_>),
    ) -> Result<Value, Vec<Violation>> {
        let mut reader = Reader { model: self, related, at, violations: Vec::new(), out: Vec::new() };
        reader.document(document, raw);
        match reader.violations {
            violations if violations.is_empty() => {
                let text = String::from_utf8(reader.out).expect("what is written as JSON is UTF-8");
                Ok(Value::Json(text.into()))
            }
            violations => Err(violations),
        }
    }

    /// Reads one value of an embedded type from JSON, in the form in which documents hold it. The limits of its members are not
    /// asked.
    ///
    /// # Errors
    /// Everything that is wrong with it, at its place; `at` is that of the value.
    pub(crate) fn read_embedded(
        &self,
        of: EmbeddedId,
        raw: &str,
        (at, related): (Place, RelatedReader<'_>),
    ) -> Result<Arc<str>, Vec<Violation>> {
        let mut reader = Reader { model: self, related, at, violations: Vec::new(), out: Vec::new() };
        _ = reader.object(of, Tag::Left, raw);
        match reader.violations {
            violations if violations.is_empty() => {
                Ok(String::from_utf8(reader.out).expect("what is written as JSON is UTF-8").into())
            }
            violations => Err(violations),
        }
    }

    /// The embedded types that the items of this shape can have.
    pub fn types_of(&self, shape: &Shape) -> Vec<EmbeddedId> {
        match shape {
            Shape::Embedded(id) => vec![*id],
            Shape::Union(id) => self.union(*id).members.clone(),
        }
    }
}

impl Model {
    /// Whether a field of a record holds values of this embedded type in a document, at any depth.
    pub fn is_in_document(&self, id: EmbeddedId) -> bool {
        let mut reached = vec![false; self.embedded.len()];
        for field in self.collections.iter().flat_map(|collection| &collection.fields) {
            if let FieldKind::Document(document) = &field.kind {
                reach((&self.embedded, &self.unions), document.shape(), &mut reached);
            }
        }
        reached[usize::from(id.0)]
    }
}

/// Notes the types of which a document of this shape holds values, at any depth.
pub(crate) fn reach((embedded, unions): (&[Embedded], &[Union]), shape: Shape, reached: &mut [bool]) {
    let ids: &[EmbeddedId] = match &shape {
        Shape::Embedded(id) => std::slice::from_ref(id),
        Shape::Union(id) => &unions[usize::from(id.0)].members,
    };
    for id in ids {
        if std::mem::replace(&mut reached[usize::from(id.0)], true) {
            continue;
        }
        for member in &embedded[usize::from(id.0)].members {
            match &member.kind {
                FieldKind::Embedded(id) => reach((embedded, unions), Shape::Embedded(*id), reached),
                FieldKind::Document(document) => reach((embedded, unions), document.shape(), reached),
                _ => {}
            }
        }
    }
}

/// Whether something was written but null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    There,
    Absent,
}

/// Whether a value says its type where it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Written,
    Left,
}

struct Reader<'m> {
    model: &'m Model,
    related: RelatedReader<'m>,
    at: Place,
    violations: Vec<Violation>,
    out: Vec<u8>,
}

impl Reader<'_> {
    fn refuse(&mut self, kind: impl Into<ViolationKind>) {
        if self.violations.len() < limits::VIOLATIONS {
            self.violations.push(Violation::new(self.at.clone(), kind.into()));
        }
    }

    /// Does something one step further in.
    fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        let at = self.at.clone();
        self.at = at.clone().then(step);
        let result = read(self);
        self.at = at;
        result
    }

    fn document(&mut self, document: Document, raw: &str) {
        match document {
            Document::One(_) => _ = self.shaped(document.shape(), raw),
            // An item without any value is still one of the list.
            Document::List(shape) => self.list(raw, |reader, item| _ = reader.shaped(shape, item)),
        }
    }

    fn list(&mut self, raw: &str, item: impl Fn(&mut Self, &str)) {
        let Ok(list) = items(raw) else {
            return self.refuse(ViolationKind::Type { expected: "an array".to_owned() });
        };
        if list.len() > limits::LIST_ITEMS {
            return self.refuse(ViolationKind::Range(format!("at most {} items", limits::LIST_ITEMS)));
        }
        self.out.push(b'[');
        for (index, raw) in list.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.within(Step::Item(index), |reader| item(reader, raw.get()));
            if self.violations.len() >= limits::VIOLATIONS {
                break;
            }
        }
        self.out.push(b']');
    }

    fn shaped(&mut self, shape: Shape, raw: &str) -> Presence {
        match shape {
            Shape::Embedded(id) => self.object(id, Tag::Left, raw),
            Shape::Union(id) => match self.type_of(id, raw) {
                Some(id) => self.object(id, Tag::Written, raw),
                None => Presence::Absent,
            },
        }
    }

    /// The type of a union's value, by its `__typename`.
    fn type_of(&mut self, union: UnionId, raw: &str) -> Option<EmbeddedId> {
        let Ok(sent) = members(raw) else {
            self.refuse(ViolationKind::Type { expected: "an object".to_owned() });
            return None;
        };
        let model = self.model;
        let ids = &model.union(union).members;
        let names = || ids.iter().map(|id| model.embedded(*id).name.as_str());
        let sent = sent.into_iter().find(|(name, _)| name == TYPE_NAME);
        let name = match sent.map(|(_, raw)| Scalar::Text.read(Token::Json(raw.get()))) {
            Some(Ok(Value::Text(name))) => Some(name),
            _ => None,
        };
        let found = ids.iter().copied().find(|id| name.as_deref() == Some(model.embedded(*id).name.as_str()));
        if found.is_none() {
            let expected = format!("one of {}", names().collect::<Vec<_>>().join(", "));
            let meant = name.as_deref().and_then(|name| nearest(name, names()));
            let expected = meant.map_or(expected.clone(), |meant| format!("{expected}; did you mean {meant}?"));
            self.within(Step::Member(TYPE_NAME.to_owned()), |reader| reader.refuse(ViolationKind::Type { expected }));
        }
        found
    }

    /// A value of an embedded type.
    fn object(&mut self, of: EmbeddedId, tag: Tag, raw: &str) -> Presence {
        let Ok(sent) = members(raw) else {
            self.refuse(ViolationKind::Type { expected: "an object".to_owned() });
            return Presence::Absent;
        };
        let model = self.model;
        let of = model.embedded(of);
        let sent = self.sent(of, sent);
        self.out.push(b'{');
        let mut presence = Presence::Absent;
        let mut opening = "\"";
        if tag == Tag::Written {
            (presence, opening) = (Presence::There, ",\"");
            self.out.extend_from_slice(format!("\"{TYPE_NAME}\":\"{}\"", of.name).as_bytes());
        }
        for (field, raw) in of.members.iter().zip(sent) {
            self.out.extend_from_slice(format!("{opening}{}\":", field.name).as_bytes());
            opening = ",\"";
            if self.within(Step::Member(field.name.clone()), |reader| reader.member(field, raw)) == Presence::There {
                presence = Presence::There;
            }
        }
        self.out.push(b'}');
        presence
    }

    /// What was sent for each member of a type. Refuses members that the type doesn't have, or that occur twice.
    fn sent<'r>(&mut self, of: &Embedded, sent: Members<'r>) -> Vec<Option<&'r str>> {
        let mut by_member: Vec<Option<&str>> = vec![None; of.members.len()];
        let mut tag: Option<&str> = None;
        for (name, raw) in sent {
            if self.violations.len() >= limits::VIOLATIONS {
                break;
            }
            let known = of.members.iter().position(|field| field.name == name);
            let is_tag = || name == TYPE_NAME && raw.get() == format!("\"{}\"", of.name);
            let problem = match known.map(|at| &mut by_member[at]).or_else(|| is_tag().then_some(&mut tag)) {
                None => {
                    let names = of.members.iter().map(|field| field.name.as_str());
                    let suggestion = nearest(&name, names).map(str::to_owned);
                    ViolationKind::Unknown { what: "field", name: shorten(&name), suggestion }
                }
                Some(Some(_)) => ViolationKind::Duplicate,
                Some(free) => {
                    *free = Some(raw.get());
                    continue;
                }
            };
            self.within(Step::Member(shorten(&name)), |reader| reader.refuse(problem));
        }
        by_member
    }

    /// A member of an object, which may not have been sent.
    fn member(&mut self, field: &Field, raw: Option<&str>) -> Presence {
        let presence = match raw {
            None => match &field.default {
                Some(default) => {
                    write(&mut self.out, default);
                    return Presence::There;
                }
                None => Presence::Absent,
            },
            Some("null") => Presence::Absent,
            Some(raw) => {
                let begin = (self.out.len(), self.violations.len());
                let presence = self.value(field, raw);
                if self.violations.len() > begin.1 {
                    return Presence::There;
                }
                if presence == Presence::Absent {
                    self.out.truncate(begin.0);
                }
                presence
            }
        };
        if presence == Presence::Absent {
            if field.required {
                self.refuse(ViolationKind::Required);
            }
            self.out.extend_from_slice(b"null");
        }
        presence
    }

    fn value(&mut self, field: &Field, raw: &str) -> Presence {
        let model = self.model;
        let ty = match &field.kind {
            FieldKind::Embedded(id) => return self.object(*id, Tag::Left, raw),
            FieldKind::Document(document) => {
                self.document(*document, raw);
                return Presence::There;
            }
            FieldKind::List(element) => {
                self.list(raw, |reader, item| reader.element(*element, item));
                return Presence::There;
            }
            FieldKind::Scalar(_) | FieldKind::Enum(_) => model.value_type(&field.kind),
            FieldKind::ToOne { target, .. } => return self.reference(*target, raw),
            FieldKind::ToOneOf { union, .. } => return self.one_of(*union, raw),
            // An embedded type has none.
            FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => None,
        };
        let read = ty.map(|ty| ty.read(Token::Json(raw)).map_err(ViolationKind::from));
        let read = read.unwrap_or(Err(ViolationKind::ReadOnly("an embedded value holds no relation to many records")));
        match read {
            Ok(value) => write(&mut self.out, &value),
            Err(kind) => self.refuse(kind),
        }
        Presence::There
    }

    /// A reference to a record: an id, or what else names one.
    fn reference(&mut self, target: CollectionId, raw: &str) -> Presence {
        let read = match raw.starts_with('{') {
            true => (self.related)(target, raw, &self.at).map(Value::Id),
            false => self.model.collection(target).key.scalar().read(Token::Json(raw)).map_err(ViolationKind::from),
        };
        match read {
            Ok(id) => write(&mut self.out, &id),
            Err(kind) => self.refuse(kind),
        }
        Presence::There
    }

    /// A reference to one of several types: an object with the type and the id, or what else names the record.
    fn one_of(&mut self, union: RecordUnionId, raw: &str) -> Presence {
        let model = self.model;
        let targets = &model.record_union(union).members;
        let names = || targets.iter().map(|id| model.collection(*id).name.as_str());
        let example = names().next().unwrap_or("Post");
        let Ok(sent) = members(raw) else {
            let expected = format!("an object such as {{\"{TYPE_NAME}\": \"{example}\", \"id\": …}}");
            self.refuse(ViolationKind::Type { expected });
            return Presence::There;
        };
        let (tags, others): (Vec<_>, Vec<_>) = sent.into_iter().partition(|(name, _)| name == TYPE_NAME);
        let name = match tags.first().map(|(_, raw)| Scalar::Text.read(Token::Json(raw.get()))) {
            Some(Ok(Value::Text(name))) => Some(name),
            _ => None,
        };
        let found = targets.iter().find(|id| Some(model.collection(**id).name.as_str()) == name.as_deref());
        let (Some(target), [_]) = (found, tags.as_slice()) else {
            let meant = name.as_deref().and_then(|name| nearest(name, names()));
            let expected = format!("one of {}", names().collect::<Vec<_>>().join(", "));
            let expected = meant.map_or(expected.clone(), |meant| format!("{expected}; did you mean {meant}?"));
            let kind = match tags.as_slice() {
                [] => ViolationKind::Required,
                [_] => ViolationKind::Type { expected },
                _ => ViolationKind::Duplicate,
            };
            self.within(Step::Member(TYPE_NAME.to_owned()), |reader| reader.refuse(kind));
            return Presence::There;
        };
        self.out
            .extend_from_slice(format!("{{\"{TYPE_NAME}\":\"{}\",\"id\":", model.collection(*target).name).as_bytes());
        match others.as_slice() {
            // It is named by a key, which is as well without `id`.
            [(name, raw)] if name == "id" && raw.get().starts_with('{') => _ = self.reference(*target, raw.get()),
            [(name, raw)] if name == "id" => {
                self.within(Step::Member("id".to_owned()), |reader| _ = reader.reference(*target, raw.get()));
            }
            [] => self.within(Step::Member("id".to_owned()), |reader| reader.refuse(ViolationKind::Required)),
            others => {
                let named: Vec<String> = others.iter().map(|(name, raw)| format!("\"{name}\":{raw}")).collect();
                _ = self.reference(*target, &format!("{{{}}}", named.join(",")));
            }
        }
        self.out.push(b'}');
        Presence::There
    }

    fn element(&mut self, element: Element, raw: &str) {
        match self.model.element_type(element).read(Token::Json(raw)) {
            Ok(Value::Null) => self.refuse(ViolationKind::Required),
            Ok(value) => write(&mut self.out, &value),
            Err(problem) => self.refuse(ViolationKind::from(problem)),
        }
    }
}

/// A name that was sent, short enough to repeat in an answer.
pub(crate) fn shorten(name: &str) -> String {
    const CHARS: usize = 60;
    match name.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
