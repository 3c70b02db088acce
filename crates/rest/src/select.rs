use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind, limits};
use backstay_engine::{Arguments, Selected, SelectedField, Selection};
use backstay_model::{Collection, Field, FieldKind, Model};

use crate::words::{field_named, nearest, unknown};

/// Reads a `select` such as `title,author{name}`, `*,author{*}` or `latest=comments(limit:3){text}`.
pub(crate) fn selection(text: &str, collection: &Collection, model: &Model) -> Result<Selection, Error> {
    if text.len() > limits::PARAMETER_BYTES {
        let (offset, problem) = (limits::PARAMETER_BYTES, format!("longer than {} bytes", limits::PARAMETER_BYTES));
        let remedy = Some("select fewer fields".to_owned());
        return Err(Error::malformed(Place::Select, ViolationKind::Syntax { offset, problem, remedy }));
    }
    let mut parser = Parser { text, at: 0, fields: 0, model };
    let selection = parser.parts(collection, 1)?;
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
}

impl<'p> Parser<'p> {
    /// Parts with commas between, up to the end or a `}`.
    fn parts(&mut self, collection: &Collection, depth: usize) -> Result<Selection, Error> {
        if depth > limits::SELECT_DEPTH {
            let problem = format!("more than {} levels, the record itself included", limits::SELECT_DEPTH);
            return Err(self.syntax(&problem, "read the inner records with a request of their own"));
        }
        let mut parts: Vec<Selected> = Vec::new();
        loop {
            self.space();
            let part = if self.take('*') { Selected::Stored } else { self.field(collection, depth)? };
            self.fields += 1;
            if self.fields > limits::SELECT_FIELDS {
                return Err(self.syntax(&format!("more than {} fields", limits::SELECT_FIELDS), "select fewer"));
            }
            self.add(&mut parts, part, collection)?;
            self.space();
            if !self.take(',') {
                return Ok(Selection::parts(parts));
            }
        }
    }

    /// Adds a part. What is selected twice in the same way is answered once; with other contents it needs a name.
    fn add(&self, parts: &mut Vec<Selected>, part: Selected, collection: &Collection) -> Result<(), Error> {
        let name = |part: &Selected| match part {
            Selected::Stored => None,
            Selected::Field(SelectedField { alias: Some(alias), .. }) => Some(Arc::clone(alias)),
            Selected::Field(selected) => Some(Arc::from(collection.field(selected.field).name.as_str())),
        };
        let named = name(&part);
        match parts.iter().find(|known| name(known) == named) {
            None => parts.push(part),
            Some(known) if *known == part => {}
            Some(_) => {
                let problem = format!("'{}' is selected twice", named.as_deref().unwrap_or("*"));
                return Err(self.syntax(&problem, "select it once, or give one of them a name: latest=comments{text}"));
            }
        }
        Ok(())
    }

    fn field(&mut self, collection: &Collection, depth: usize) -> Result<Selected, Error> {
        let mut name = self.name()?;
        let mut alias = None;
        if self.take('=') {
            alias = Some(Arc::from(name));
            self.space();
            name = self.name()?;
        }
        let field = field_named(collection, name).map_err(|kind| Error::malformed(Place::Select, kind))?;
        if alias.as_ref().is_some_and(|alias: &Arc<str>| **alias == *field.name) {
            alias = None;
        }
        self.space();
        let arguments = if self.take('(') { self.arguments(field)? } else { Arguments::default() };
        self.space();
        let inner = if self.take('{') { Some(self.inner(field, depth)?) } else { None };
        Ok(Selected::Field(SelectedField { field: field.id, alias, arguments, inner }))
    }

    /// A name and the spaces after it.
    fn name(&mut self) -> Result<&'p str, Error> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        if length == 0 {
            return Err(self.syntax("a field's name is missing", "write the names with commas between them"));
        }
        self.at += length;
        self.space();
        Ok(&rest[..length])
    }

    /// The fields of a relation, after the `{`.
    fn inner(&mut self, field: &Field, depth: usize) -> Result<Selection, Error> {
        let Some(target) = field.kind.target() else {
            let problem = format!("'{}' is not a relation and has no fields", field.name);
            return Err(self.syntax(&problem, "leave out the braces"));
        };
        let inner = self.parts(self.model.collection(target), depth + 1)?;
        match self.take('}') {
            true => Ok(inner),
            false => Err(self.syntax("a '}' is missing", "close the fields of the relation with '}'")),
        }
    }

    /// What a to-many relation is asked for, after the `(`: `limit:3`.
    fn arguments(&mut self, field: &Field) -> Result<Arguments, Error> {
        if !matches!(field.kind, FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. }) {
            let problem = format!("'{}' does not lead to several records and takes no arguments", field.name);
            return Err(self.syntax(&problem, "write the fields of a relation as author{name}"));
        }
        let mut arguments = Arguments::default();
        loop {
            self.space();
            let start = self.at;
            let name = self.name()?;
            if name != "limit" {
                self.at = start;
                let suggestion = nearest(&["limit"], name);
                return Err(Error::malformed(Place::Select, unknown("argument of a relation", name, suggestion)));
            }
            if !self.take(':') {
                return Err(self.syntax("a ':' is missing after the argument's name", "write comments(limit:3){text}"));
            }
            self.space();
            arguments.limit = Some(self.limit()?);
            self.space();
            if self.take(')') {
                return Ok(arguments);
            }
            if !self.take(',') {
                return Err(self.syntax("a ')' is missing", "close the arguments with ')'"));
            }
        }
    }

    fn limit(&mut self) -> Result<u32, Error> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let limit = rest[..length].parse().ok().filter(|limit| (1..=limits::NESTED_MAX).contains(limit));
        let limit = limit.ok_or_else(|| {
            let problem = format!("a limit is a whole number from 1 to {}", limits::NESTED_MAX);
            self.syntax(&problem, "read more records with a list of their own")
        });
        self.at += length;
        limit
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
            Some('}') => self.syntax("a '}' without its '{'", "write the fields of a relation as author{name}"),
            Some('.') => self.syntax("a path has no place here", "write the fields of a relation as author{name}"),
            _ => self.syntax("a ',' is missing", "separate the fields by ','"),
        }
    }

    fn syntax(&self, problem: &str, remedy: &str) -> Error {
        let offset = self.text[..self.at].chars().count();
        let (problem, remedy) = (problem.to_owned(), Some(remedy.to_owned()));
        Error::malformed(Place::Select, ViolationKind::Syntax { offset, problem, remedy })
    }
}
