mod documents;

use std::sync::Arc;

use backstay_base::{Error, Place, Violation, ViolationKind, limits};
use backstay_engine::{
    Arguments, Derived, InnerSelection, Phrase, Selected, SelectedField, SelectedValue, Selection, SortKey, Sought,
    read_search,
};
use backstay_expr::{Checked, MembersFunction, Node, Scope};
use backstay_model::{Collection, Field, FieldId, FieldKind, Interface, Model, TYPE_NAME};
use backstay_scalar::Value;

use crate::derived::{self, OfMembers, Problem};
use crate::words::{count_elsewhere, member_named, not_shared, shorten};
use crate::{filter, sort};

/// A selection, and those of its expressions that have parameters.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) selection: Selection,
    pub(crate) written: Option<Arc<[Phrase]>>,
}

impl Chosen {
    /// A selection without parameters.
    pub(crate) fn of(selection: Selection) -> Self {
        Self { selection, written: None }
    }
}

/// Reads a `select` such as `title,author{name}`, `*,author{*}` or `latest=comments(sort:-createdAt,limit:3){text}`.
pub(crate) fn selection(text: &str, collection: &Collection, model: &Model) -> Result<Chosen, Error> {
    check_length(text)?;
    let mut parser = Parser::new(text, model);
    let selection = parser.parts(Holder { collection, within: None }, 1)?;
    parser.ended(selection)
}

/// What a `select` such as `slug,Article{price}` selects of this type of an interface: the shared fields that are named
/// alone, and what stands in the braces of the type's name.
pub(crate) fn selection_of_type(
    text: &str,
    (interface, collection): (&Interface, &Collection),
    model: &Model,
) -> Result<Chosen, Error> {
    check_length(text)?;
    let mut parser = Parser::new(text, model);
    let selection = parser.parts_of_type(interface, collection)?;
    parser.ended(selection)
}

fn check_length(text: &str) -> Result<(), Error> {
    if text.len() <= limits::PARAMETER_BYTES {
        return Ok(());
    }
    let (offset, problem) = (limits::PARAMETER_BYTES, format!("longer than {} bytes", limits::PARAMETER_BYTES));
    let remedy = Some("select fewer fields".to_owned());
    Err(Error::malformed(Place::Select, ViolationKind::Syntax { offset, problem, remedy }))
}

/// What a to-many relation is asked for.
#[derive(Default)]
struct Given<'p> {
    limit: Option<u32>,
    sort: Option<Arc<[SortKey]>>,
    filter: Option<(&'p str, Checked)>,
    search: Option<Sought>,
}

/// How many bytes an expression has that ends before a `,` or `)` which no bracket or quote of its own is around.
fn end_of_expression(text: &str) -> usize {
    let (mut depth, mut quote, mut escaped) = (0_usize, None::<(u8, bool)>, false);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some((_, false)), b'\\') => escaped = true,
            (Some((end, _)), byte) if *byte == end => quote = None,
            (None, b'\'' | b'"') => {
                // In a raw text, a backslash is one.
                let raw = at.checked_sub(1).is_some_and(|before| matches!(bytes[before], b'r' | b'R'));
                quote = Some((*byte, raw));
            }
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b',') if depth == 0 => return at,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (_, _) => {}
        }
    }
    text.len()
}

struct Parser<'p> {
    text: &'p str,
    at: usize,
    fields: usize,
    model: &'p Model,
    /// The expressions that have parameters, and how many they have together.
    written: Vec<Phrase>,
    params: u16,
    /// Filters and functions, and how many bytes the filters have.
    expressions: usize,
    filter_bytes: usize,
}

/// What a selection is of: a record, or what one of its fields holds that has members.
#[derive(Clone, Copy)]
struct Holder<'m> {
    collection: &'m Collection,
    within: Option<FieldId>,
}

impl<'m> Holder<'m> {
    /// The field or member of this name.
    fn named(self, name: &str) -> Option<&'m Field> {
        self.collection.member_named(self.within, name)
    }

    /// As errors name it.
    fn name(self) -> &'m str {
        self.within.map_or(&self.collection.name, |within| &self.collection.field(within).name)
    }
}

impl<'p> Parser<'p> {
    fn new(text: &'p str, model: &'p Model) -> Self {
        Self { text, at: 0, fields: 0, model, written: Vec::new(), params: 0, expressions: 0, filter_bytes: 0 }
    }

    /// Parts with commas between, up to the end or a `}`.
    fn parts(&mut self, holder: Holder<'_>, depth: usize) -> Result<Selection, Error> {
        self.check_depth(depth)?;
        let mut parts: Vec<Selected> = Vec::new();
        loop {
            self.space();
            let start = self.at;
            let part = if self.take('*') { Selected::Stored } else { self.field(holder, depth)? };
            self.count()?;
            self.add(&mut parts, part, (holder.collection, start))?;
            self.space();
            if !self.take(',') {
                return Ok(Selection::parts(parts));
            }
        }
    }

    /// The same at the outermost level of a read of several types, for one of them.
    fn parts_of_type(&mut self, interface: &Interface, collection: &Collection) -> Result<Selection, Error> {
        let holder = Holder { collection, within: None };
        let mut parts: Vec<Selected> = Vec::new();
        loop {
            self.space();
            let start = self.at;
            let word = self.word();
            let mut types = interface.types.iter().map(|id| self.model.collection(*id));
            if let Some(of) = types.find(|of| of.name == word) {
                let own = self.within_type((of, word), 1)?;
                if let Selection::Parts(own) = own
                    && of.id == collection.id
                {
                    for part in own.iter() {
                        self.add(&mut parts, part.clone(), (collection, start))?;
                    }
                }
            } else if word == TYPE_NAME {
                self.at += word.len();
            } else {
                let part = if self.take('*') { Selected::Stored } else { self.field(holder, 1)? };
                if let Selected::Field(selected) = &part {
                    let field = collection.field(selected.field);
                    not_shared(interface, field).map_err(|kind| Error::malformed(Place::Select, kind))?;
                }
                self.count()?;
                self.add(&mut parts, part, (collection, start))?;
            }
            self.space();
            if !self.take(',') {
                return Ok(Selection::parts(parts));
            }
        }
    }

    /// What stands in the braces of a type's name.
    fn within_type(&mut self, (of, word): (&Collection, &str), depth: usize) -> Result<Selection, Error> {
        self.at += word.len();
        self.space();
        if !self.take('{') {
            return Err(self.syntax(
                &format!("`{word}` is a type"),
                &format!("write what to answer of its records in braces: {word}{{id}}"),
            ));
        }
        let inner = self.parts(Holder { collection: of, within: None }, depth)?;
        if self.take('}') {
            return Ok(inner);
        }
        Err(self.syntax("a '}' is missing", &format!("close the fields of `{word}` with '}}'")))
    }

    /// The selection, if it goes on to the end of the text.
    fn ended(self, selection: Selection) -> Result<Chosen, Error> {
        if self.at != self.text.len() {
            return Err(self.unexpected());
        }
        let written = (!self.written.is_empty()).then(|| Arc::from(self.written));
        Ok(Chosen { selection, written })
    }

    /// Counts a filter, a search or a function of a relation.
    fn count_expression(&mut self) -> Result<(), Error> {
        self.expressions += 1;
        if self.expressions > limits::SELECT_EXPRESSIONS {
            let most = limits::SELECT_EXPRESSIONS;
            let problem = format!("more than {most} filters, searches and functions of relations");
            return Err(self.syntax(&problem, "select fewer"));
        }
        Ok(())
    }

    /// Counts one, and gives its parameters their places.
    fn note(&mut self, mut written: Phrase) -> Result<Phrase, Error> {
        self.count_expression()?;
        if !written.checked.params.is_empty() {
            written.first_param = self.params;
            // An expression has at most `limits::FILTER_PARAMETERS`.
            self.params += u16::try_from(written.checked.params.len()).unwrap_or(u16::MAX);
            self.written.push(written.clone());
        }
        Ok(written)
    }

    /// Counts a part.
    fn count(&mut self) -> Result<(), Error> {
        self.fields += 1;
        if self.fields > limits::SELECT_FIELDS {
            return Err(self.syntax(&format!("more than {} fields", limits::SELECT_FIELDS), "select fewer"));
        }
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Result<(), Error> {
        if depth <= limits::SELECT_DEPTH {
            return Ok(());
        }
        let problem = format!("more than {} levels, the record itself included", limits::SELECT_DEPTH);
        Err(self.syntax(&problem, "read the inner records with a request of their own"))
    }

    /// Adds a part. What is selected twice in the same way is answered once; with other contents it needs a name.
    fn add(
        &mut self,
        parts: &mut Vec<Selected>,
        part: Selected,
        (collection, start): (&Collection, usize),
    ) -> Result<(), Error> {
        let name = |part: &Selected| match part {
            Selected::Stored => None,
            Selected::Field(SelectedField { alias: Some(alias), .. }) => Some(Arc::clone(alias)),
            Selected::Field(selected) => Some(Arc::from(collection.field(selected.field).own_name())),
            Selected::Derived(selected) => Some(Arc::clone(&selected.name)),
        };
        let named = name(&part);
        match parts.iter().find(|known| name(known) == named) {
            None => parts.push(part),
            Some(known) if *known == part => {}
            Some(_) => {
                self.at = start;
                let problem = format!("`{}` is selected twice", named.as_deref().unwrap_or("*"));
                let name = match &part {
                    Selected::Stored => "*",
                    Selected::Field(SelectedField { field, .. })
                    | Selected::Derived(SelectedValue { relation: field, .. }) => collection.field(*field).own_name(),
                };
                let remedy = format!("select it once, or give one of them an alias: other={name}");
                return Err(self.syntax(&problem, &remedy));
            }
        }
        Ok(())
    }

    fn field(&mut self, holder: Holder<'_>, depth: usize) -> Result<Selected, Error> {
        let collection = holder.collection;
        let start = self.at;
        let mut name = self.name(holder)?;
        let mut alias: Option<Arc<str>> = None;
        if self.take('=') {
            alias = Some(Arc::from(name));
            self.space();
            name = self.name(holder)?;
        } else if self.rest().starts_with(':') && !self.is_function(holder, name) {
            self.at = start;
            let problem = format!("`{name}:` does not name a part of the answer");
            return Err(self.syntax(&problem, &format!("write an alias as {name}=FIELD, arguments as FIELD(limit:3)")));
        }
        let field = member_named(collection, holder.within, name)
            .map_err(|kind| Error::malformed(Place::Select, count_elsewhere(collection, name).unwrap_or(kind)))?;
        let given_alias = alias.clone();
        match &alias {
            // The answer has the old name that was asked for.
            None if name != field.own_name() => alias = Some(Arc::from(name)),
            Some(alias_itself) if **alias_itself == *field.own_name() => alias = None,
            _ => {}
        }
        let is_other =
            |alias: &&str| holder.named(alias).is_some_and(|known| known.id != field.id || known.own_name() == *alias);
        let optional = self.take('?');
        if alias.as_deref() == Some(TYPE_NAME) {
            self.at = start;
            return Err(self.syntax(&format!("`{TYPE_NAME}` tells the type of a record"), "choose another alias"));
        }
        if let Some(alias) = alias.as_deref().filter(is_other) {
            self.at = start;
            let problem = format!("`{alias}` is the name of a field of {}", holder.name());
            return Err(self.syntax(&problem, "choose another alias"));
        }
        self.space();
        if self.rest().starts_with('.') {
            return Err(self.path(field));
        }
        let arguments = if self.take('(') { self.arguments(field)? } else { Given::default() };
        self.space();
        if self.take(':') {
            return self.function((holder, field), (given_alias, optional), (arguments, start));
        }
        let arguments = self.checked_arguments(arguments)?;
        let inner = match (self.take('{'), &field.kind) {
            (false, _) => None,
            (true, FieldKind::ToOneOf { .. }) => {
                self.alternatives((collection, field), depth)?.map(InnerSelection::Fields)
            }
            (true, FieldKind::Document(document)) => {
                let values = self.values((document.shape(), field.own_name()), depth + 1)?;
                Some(InnerSelection::Document(values))
            }
            (true, _) => Some(InnerSelection::Fields(self.inner((collection, field), depth)?)),
        };
        Ok(Selected::Field(SelectedField { field: field.id, optional, alias, arguments, inner }))
    }

    /// A name and the spaces after it.
    fn name(&mut self, holder: Holder<'_>) -> Result<&'p str, Error> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        if length == 0 {
            let example = holder.collection.members(holder.within).find(|field| field.id > Collection::VERSION);
            let example = example.map_or("id", Field::own_name);
            return Err(self.syntax(
                "expected the name of a field",
                &format!("write names with commas between them: id,{example}"),
            ));
        }
        self.at += length;
        self.space();
        Ok(&rest[..length])
    }

    /// The fields of a relation, or the members of an embedded value, after the `{`.
    fn inner(&mut self, (collection, field): (&Collection, &Field), depth: usize) -> Result<Selection, Error> {
        let holder = match (&field.kind, field.kind.target()) {
            (FieldKind::Embedded(_), _) => Holder { collection, within: Some(field.id) },
            (_, Some(target)) => Holder { collection: self.model.collection(target), within: None },
            (_, None) => {
                let problem = format!("`{}` is not a relation and has no fields", field.name);
                return Err(self.syntax(&problem, "leave out the braces"));
            }
        };
        let inner = self.parts(holder, depth + 1)?;
        if self.take('}') {
            return Ok(inner);
        }
        let remedy = match holder.within {
            Some(_) => format!("close the members of `{}` with '}}'", field.name),
            None => "close the fields of the relation with '}'".to_owned(),
        };
        Err(self.syntax("a '}' is missing", &remedy))
    }

    /// The refusal of a `.` after a field.
    fn path(&self, field: &Field) -> Error {
        let rest = self.rest().trim_start_matches(['.', ' ']);
        let name: String = rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
        let inner = format!("{}{{{}}}", field.own_name(), shorten(&name));
        let remedy = match (&field.kind, field.kind.target()) {
            (FieldKind::Embedded(_) | FieldKind::ToOneOf { .. } | FieldKind::Document(_), _) => {
                format!("write the members in braces: {inner}")
            }
            (_, Some(_)) if field.kind.is_to_many() && derived::function_named(&name).is_some() => {
                format!("write a function of a relation after a colon: {}:{name}", field.own_name())
            }
            (_, Some(_)) => format!("write the fields of a relation in braces: {inner}"),
            (_, None) => format!("`{}` has no fields; leave out what follows it", field.name),
        };
        self.syntax("expected ',', not a path with '.'", &remedy)
    }

    /// What is answered of the record that a reference to one of several types leads to, after the `{`: for each type what
    /// is selected of it by its name, `Post{title}`, and the fields that are selected of all. `None` if that is nothing
    /// but the type, which is always told.
    fn alternatives(
        &mut self,
        (collection, field): (&Collection, &Field),
        depth: usize,
    ) -> Result<Option<Selection>, Error> {
        self.check_depth(depth + 1)?;
        let types: Vec<&Field> = collection.members(Some(field.id)).collect();
        let mut selected: Vec<(Option<SelectedField>, Vec<Selected>)> = vec![(None, Vec::new()); types.len()];
        loop {
            self.space();
            let start = self.at;
            let name = self.word();
            if name == TYPE_NAME {
                self.at += name.len();
            } else if let Some(of) = types.iter().position(|part| part.own_name() == name) {
                let holder = Holder { collection, within: Some(field.id) };
                let Selected::Field(part) = self.field(holder, depth)? else { return Err(self.unexpected()) };
                let problem = match part.alias {
                    Some(_) => Some("the type of a record takes no alias".to_owned()),
                    None if part.optional => Some("the type of a record takes no `?`".to_owned()),
                    None if selected[of].0.is_some() => Some(format!("`{name}` is selected twice")),
                    None => None,
                };
                if let Some(problem) = problem {
                    self.at = start;
                    return Err(self.syntax(&problem, &format!("select all of its fields once, as in {name}{{id}}")));
                }
                selected[of].0 = Some(part);
            } else {
                for (part, (_, shared)) in types.iter().zip(&mut selected) {
                    self.at = start;
                    let Some(target) = part.kind.target() else { continue };
                    let target = self.model.collection(target);
                    let chosen = self.shared((target, field), depth)?;
                    self.add(shared, chosen, (target, start))?;
                }
            }
            self.space();
            if self.take('}') {
                return self.merged(&types, selected);
            }
            if !self.take(',') {
                let remedy = format!("close the types and fields of `{}` with '}}'", field.name);
                return Err(self.syntax("a '}' is missing", &remedy));
            }
        }
    }

    /// A part that is selected of every type of a reference.
    fn shared(&mut self, (target, reference): (&Collection, &Field), depth: usize) -> Result<Selected, Error> {
        self.count()?;
        if self.take('*') {
            return Ok(Selected::Stored);
        }
        let start = self.at;
        let holder = Holder { collection: target, within: None };
        self.field(holder, depth + 1).map_err(|error| {
            let is_unknown = |violations: &[Violation]| {
                violations.iter().any(|violation| matches!(violation.kind, ViolationKind::Unknown { what: "field", .. }))
            };
            let Error::Malformed(violations) = &error else { return error };
            if !is_unknown(violations) || self.text[start..self.at].contains('{') {
                return error;
            }
            let name = shorten(self.text[start..self.at].trim());
            let problem = format!("{} has no field `{name}`", target.name);
            self.at = start;
            let remedy = format!(
                "fields outside of a type's braces must be fields of each type that `{}` refers to; write those of one as {}{{…}}",
                reference.name, target.name
            );
            self.syntax(&problem, &remedy)
        })
    }

    /// The selection of a reference: to what is selected of each type by its name comes what is selected of all.
    fn merged(
        &mut self,
        types: &[&Field],
        selected: Vec<(Option<SelectedField>, Vec<Selected>)>,
    ) -> Result<Option<Selection>, Error> {
        let (mut parts, at) = (Vec::new(), self.at);
        for (part, (own, mut all)) in types.iter().zip(selected) {
            let Some(target) = part.kind.target().map(|target| self.model.collection(target)) else { continue };
            if let Some(Selection::Parts(own)) = own.as_ref().and_then(SelectedField::fields) {
                for part in own.iter() {
                    self.add(&mut all, part.clone(), (target, at))?;
                }
            }
            if !all.is_empty() {
                let inner = Some(InnerSelection::Fields(Selection::parts(all)));
                parts.push(Selected::Field(SelectedField { inner, ..SelectedField::of(part.id) }));
            }
        }
        Ok((!parts.is_empty()).then(|| Selection::parts(parts)))
    }

    /// What a to-many relation is asked for, after the `(`: `sort:-createdAt,limit:3`.
    fn arguments(&mut self, field: &Field) -> Result<Given<'p>, Error> {
        let name = &field.name;
        let Some(target) = field.kind.target().filter(|_| field.kind.is_to_many()) else {
            let problem = format!("`{name}` is not a list of records, so it takes no arguments");
            return Err(
                self.syntax(&problem, &format!("write {name}, or the fields of a record in braces: {name}{{…}}"))
            );
        };
        let mut given = Given::default();
        loop {
            self.space();
            let start = self.at;
            let word: String = self.rest().chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            self.at += word.len();
            self.space();
            let known = matches!(&*word, "limit" | "sort" | "filter" | "search");
            if !known || !self.take(':') {
                self.at = start;
                let remedy = format!(
                    "arguments are `limit`, `sort`, `filter` and `search`, as in {name}(sort:-createdAt,limit:3); fields go in braces: {name}{{id}}"
                );
                let problem = if known {
                    format!("a ':' is missing after `{word}`")
                } else if word.is_empty() {
                    "an argument is missing".to_owned()
                } else {
                    format!("`{}` is not an argument", shorten(&word))
                };
                return Err(self.syntax(&problem, &remedy));
            }
            self.space();
            let again = match &*word {
                "limit" => given.limit.replace(self.limit(name)?).is_some(),
                "filter" => given.filter.replace(self.filter(self.model.collection(target))?).is_some(),
                "search" => given.search.replace(self.search(name)?).is_some(),
                _ => given.sort.replace(self.sort(self.model.collection(target))?).is_some(),
            };
            if again {
                self.at = start;
                return Err(self.syntax(&format!("`{word}` is given twice"), "give it once"));
            }
            self.space();
            if self.take(')') {
                return Ok(given);
            }
            if !self.take(',') {
                return Err(self.syntax("a ')' is missing", "close the arguments with ')'"));
            }
        }
    }

    /// The arguments of a list.
    fn checked_arguments(&mut self, given: Given<'_>) -> Result<Arguments, Error> {
        let Given { limit, sort, filter, search } = given;
        let written =
            |(text, checked): (&str, Checked)| Phrase { text: text.into(), checked: Arc::new(checked), first_param: 0 };
        let filter = filter.map(written).map(|filter| self.note(filter)).transpose()?;
        let search = match search {
            Some(Sought::Param(words)) => Some(Sought::Param(self.note(words)?)),
            Some(search @ Sought::Search(_)) => {
                self.count_expression()?;
                Some(search)
            }
            None => None,
        };
        let sort = match (sort, &search) {
            (Some(sort), _) => sort,
            (None, Some(_)) => Arc::from([SortKey::rank()]),
            (None, None) => Arc::default(),
        };
        Ok(Arguments { limit, sort, filter, search })
    }

    /// Whether the colon after a name begins a function of the relation.
    fn is_function(&self, holder: Holder<'_>, name: &str) -> bool {
        let rest = self.rest().trim_start_matches([':', ' ']);
        let word = rest.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or("");
        holder.named(name).is_some() && derived::function_named(word).is_some()
    }

    /// What the members of a relation come to, after the `:`: `count`, `sum(quantity)`.
    fn function(
        &mut self,
        (holder, relation): (Holder<'_>, &Field),
        (alias, optional): (Option<Arc<str>>, bool),
        (given, start): (Given<'p>, usize),
    ) -> Result<Selected, Error> {
        self.space();
        let rest = self.rest();
        let word = rest.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or("");
        let Some(function) = derived::function_named(word) else {
            let names: Vec<&str> = MembersFunction::ALL.map(MembersFunction::name).to_vec();
            let problem = format!("`{}` is not a function of a relation", shorten(word));
            return Err(self.syntax(&problem, &format!("use one of {}", names.join(", "))));
        };
        if given.limit.is_some() || given.sort.is_some() || given.search.is_some() {
            self.at = start;
            let problem = format!(
                "`{word}` is of all records that the filter leaves, so it has no `limit`, no `sort` and no `search`"
            );
            return Err(self.syntax(&problem, "leave them out"));
        }
        self.at += word.len();
        self.space();
        let term = if self.take('(') {
            let rest = self.rest();
            let Some(end) = rest.find(')') else {
                return Err(self.syntax("a ')' is missing", "close the field with ')'"));
            };
            self.at += end + 1;
            Some(rest[..end].trim_matches(' ')).filter(|term| !term.is_empty())
        } else {
            None
        };
        self.space();
        let of = OfMembers { relation, function, term, filter: given.filter };
        let value = of.value(holder.collection, self.model).map_err(|problem| match problem {
            Problem::Field(kind) => Error::malformed(Place::Select, kind),
            Problem::Text(problem, remedy) => {
                self.at = start;
                self.syntax(&problem, &remedy)
            }
        })?;
        let name = alias.unwrap_or_else(|| of.name().into());
        if holder.named(&name).is_some() {
            self.at = start;
            let problem = format!("`{name}` is the name of a field of {}", holder.name());
            return Err(self.syntax(&problem, "choose another alias"));
        }
        let of = self.note(value.of)?;
        Ok(Selected::Derived(SelectedValue { name, relation: relation.id, optional, value: Derived { of, ..value } }))
    }

    /// An expression, up to the `,` or `)` after it.
    fn filter(&mut self, collection: &Collection) -> Result<(&'p str, Checked), Error> {
        let (start, rest) = (self.at, self.rest());
        let text = rest[..end_of_expression(rest)].trim_end_matches(' ');
        self.filter_bytes += text.len();
        if self.filter_bytes > limits::SELECT_FILTER_BYTES {
            let problem = format!("the filters have more than {} bytes", limits::SELECT_FILTER_BYTES);
            return Err(self.syntax(&problem, "list the collection itself with a long filter"));
        }
        let checked = filter::expression(text, &Scope::filter(self.model, collection.id));
        let checked = checked.map_err(|error| self.moved(error, start))?;
        self.at += text.len();
        Ok((text, checked))
    }

    /// Words in quotes or a parameter, up to the `,` or `)` after it.
    fn search(&mut self, name: &str) -> Result<Sought, Error> {
        let (start, rest) = (self.at, self.rest());
        if !rest.starts_with(['"', '\'', '$']) {
            let remedy =
                format!("put words in quotes: {name}(search:\"new york\"); a parameter is {name}(search:$words)");
            return Err(self.syntax("`search` needs words in quotes, or a parameter", &remedy));
        }
        let text = rest[..end_of_expression(rest)].trim_end_matches(' ');
        let checked = filter::words(text, self.model).map_err(|error| self.moved(error, start))?;
        let sought = match &checked.expr.node {
            Node::Literal(Value::Text(words)) => Sought::Search(read_search(words, &Place::Select)?),
            Node::Param(..) => Sought::Param(Phrase { text: text.into(), checked: Arc::new(checked), first_param: 0 }),
            _ => return Err(self.syntax("what is searched for is not computed", "send the words, or a parameter")),
        };
        self.at += text.len();
        Ok(sought)
    }

    fn limit(&mut self, name: &str) -> Result<u32, Error> {
        let text: String = self.rest().chars().take_while(|char| !matches!(char, ',' | ')' | ' ')).collect();
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let limit = text.parse().ok().filter(|limit| is_plain && (1..=limits::NESTED_MAX).contains(limit));
        let limit = limit.ok_or_else(|| {
            let problem = format!("`limit` must be a whole number from 1 to {}", limits::NESTED_MAX);
            self.syntax(&problem, &format!("write {name}(limit:3); to read more, list the collection itself"))
        })?;
        self.at += text.len();
        Ok(limit)
    }

    /// One field, or several in brackets: `-createdAt`, `[-createdAt,title]`.
    fn sort(&mut self, collection: &Collection) -> Result<Arc<[SortKey]>, Error> {
        let several = self.take('[');
        let ends: &[char] = if several { &[']'] } else { &[',', ')', ' '] };
        let start = self.at;
        let rest = self.rest();
        let end = rest.find(ends);
        if several && end.is_none() {
            self.at -= 1;
            return Err(self.syntax("this '[' has no ']'", "close the fields to sort by with ']'"));
        }
        let text = &rest[..end.unwrap_or(rest.len())];
        let keys = sort::keys(text, collection, self.model).map_err(|error| self.moved(error, start))?;
        self.at += text.len();
        if several {
            self.take(']');
        }
        Ok(keys.into())
    }

    /// An error of an order as one of the selection that it begins in at this byte.
    fn moved(&self, error: Error, start: usize) -> Error {
        let Error::Malformed(violations) = error else { return error };
        let before = self.text[..start].chars().count();
        let moved = |violation: Violation| {
            let kind = match violation.kind {
                ViolationKind::Syntax { offset, problem, remedy } => {
                    ViolationKind::Syntax { offset: before + offset, problem, remedy }
                }
                kind => kind,
            };
            Violation::new(Place::Select, kind)
        };
        Error::Malformed(violations.into_iter().map(moved).collect())
    }

    fn rest(&self) -> &'p str {
        &self.text[self.at..]
    }

    /// The name that stands here, which isn't read yet; empty if none does.
    fn word(&self) -> &'p str {
        self.rest().split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next().unwrap_or("")
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
            Some('}') => self.syntax("this '}' has no '{' before it", "write the fields of a relation as author{name}"),
            _ => self.syntax("a ',' is missing", "separate the fields with ','; write an alias as other=FIELD"),
        }
    }

    fn syntax(&self, problem: &str, remedy: &str) -> Error {
        let offset = self.text[..self.at].chars().count();
        let (problem, remedy) = (problem.to_owned(), Some(remedy.to_owned()));
        Error::malformed(Place::Select, ViolationKind::Syntax { offset, problem, remedy })
    }
}
