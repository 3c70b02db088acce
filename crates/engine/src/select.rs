use backstay_base::{Action, Error, ViolationKind, limits};
use backstay_expr::Rights;
use backstay_model::{Class, Collection, Field, FieldKind, Model};
use backstay_sql::{Expansion, SelectedField, Selection};

use crate::decode::unknown_field;
use crate::shape::whole;

/// Reads a `select` such as `title,author{name},comments{text}` or `*,author{*}`. Fields that the caller may not see at
/// all cannot be named.
pub(crate) fn selection(
    text: &str,
    collection: &Collection,
    model: &Model,
    rights: &Rights,
) -> Result<Selection, Error> {
    if text.len() > limits::PARAMETER_BYTES {
        let problem = format!("longer than {} bytes", limits::PARAMETER_BYTES);
        return Err(Error::malformed("select", ViolationKind::Syntax { offset: limits::PARAMETER_BYTES, problem }));
    }
    let mut parser = Parser { text, at: 0, fields: 0, model, rights };
    let selection = parser.fields(collection, 1)?;
    match parser.at == text.len() {
        true => Ok(selection),
        false => Err(parser.unexpected()),
    }
}

struct Parser<'p> {
    text: &'p str,
    at: usize,
    fields: usize,
    model: &'p Model,
    rights: &'p Rights,
}

impl Parser<'_> {
    /// Fields with commas between, up to the end or a `}`.
    fn fields(&mut self, collection: &Collection, depth: usize) -> Result<Selection, Error> {
        if depth > limits::SELECT_DEPTH {
            return Err(self.syntax(&format!("more than {} levels, the record itself included", limits::SELECT_DEPTH)));
        }
        let mut selection = Selection { collection: collection.id, fields: Vec::new() };
        loop {
            self.space();
            if self.take('*') {
                for field in whole(self.rights, collection).fields {
                    self.add(&mut selection, field, collection)?;
                }
            } else {
                let field = self.field(collection, depth)?;
                self.add(&mut selection, field, collection)?;
            }
            self.space();
            if !self.take(',') {
                return Ok(selection);
            }
        }
    }

    fn field(&mut self, collection: &Collection, depth: usize) -> Result<SelectedField, Error> {
        let start = self.at;
        let length =
            self.text[start..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        if length == 0 {
            return Err(self.syntax("a field's name is missing; write the names with commas between them"));
        }
        self.at += length;
        let name = &self.text[start..self.at];
        let field = collection
            .field_named(name)
            .filter(|field| field.class != Some(Class::Secret))
            .ok_or_else(|| Error::malformed("select", unknown_field(collection, name)))?;
        if !self.rights.may_see(collection.id, field.id) {
            return Err(forbidden());
        }
        self.space();
        let braces = self.take('{');
        Ok(SelectedField { field: field.id, expand: self.expansion(field, braces, depth)? })
    }

    /// What is answered of a relation: the fields in braces, or of a to-many relation without them the ids.
    fn expansion(&mut self, field: &Field, braces: bool, depth: usize) -> Result<Option<Expansion>, Error> {
        let Some(target) = field.kind.target() else {
            return match braces {
                true => Err(self.syntax(&format!("'{}' is not a relation and has no fields", field.name))),
                false => Ok(None),
            };
        };
        if !braces && matches!(field.kind, FieldKind::ToOne { .. }) {
            return Ok(None);
        }
        if self.rights.rule(target, Action::Read).refuses() {
            return Err(forbidden());
        }
        let collection = self.model.collection(target);
        let selection = if braces {
            let selection = self.fields(collection, depth + 1)?;
            if !self.take('}') {
                return Err(self.syntax("a '}' is missing"));
            }
            selection
        } else {
            Selection { collection: target, fields: vec![SelectedField { field: Collection::ID, expand: None }] }
        };
        Ok(Some(Expansion { selection, limit: limits::NESTED_MAX }))
    }

    /// A field that is named twice is answered once; the one with braces wins over the one that `*` brought.
    fn add(&mut self, to: &mut Selection, field: SelectedField, collection: &Collection) -> Result<(), Error> {
        self.fields += 1;
        if self.fields > limits::SELECT_FIELDS {
            return Err(self.syntax(&format!("more than {} fields", limits::SELECT_FIELDS)));
        }
        match to.fields.iter_mut().find(|known| known.field == field.field) {
            None => to.fields.push(field),
            Some(known) if known.expand.is_none() => *known = field,
            Some(_) if field.expand.is_none() => {}
            Some(_) => {
                let name = &collection.field(field.field).name;
                return Err(self.syntax(&format!("'{name}' is selected twice")));
            }
        }
        Ok(())
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.text[self.at..].starts_with(expected);
        self.at += if found { expected.len_utf8() } else { 0 };
        found
    }

    fn space(&mut self) {
        self.at += self.text[self.at..].bytes().take_while(|byte| *byte == b' ').count();
    }

    /// What is wrong with what follows a whole selection.
    fn unexpected(&self) -> Error {
        match self.text[self.at..].chars().next() {
            Some('}') => self.syntax("a '}' without its '{'"),
            Some('.' | '(') => self.syntax("the fields of a relation are written as author{name}"),
            _ => self.syntax("fields are separated by ','"),
        }
    }

    fn syntax(&self, problem: &str) -> Error {
        let offset = self.text[..self.at].chars().count();
        Error::malformed("select", ViolationKind::Syntax { offset, problem: problem.to_owned() })
    }
}

fn forbidden() -> Error {
    Error::malformed("select", ViolationKind::FieldForbidden { action: Action::Read })
}
