use std::cmp::Ordering;

use serde_json::{Map, Value as Json, json};

use super::evaluate::Subject;
use super::{Asker, Expr, Kind, Outlook, Record, Schema, Value, World, Writer};

/// Records of a nested list if nothing is said.
const NESTED: usize = 100;

/// What is answered of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// Every stored field.
    Whole,
    /// These parts.
    Parts(Vec<Part>),
}

/// A part of a selection.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The field.
    pub field: usize,
    /// Its name in the answer, if it is another.
    pub alias: Option<String>,
    /// The order of a nested list.
    pub sort: Vec<SortKey>,
    /// The length of a nested list.
    pub limit: Option<usize>,
    /// Which records of a nested list are meant. It has no parameters.
    pub filter: Option<Expr>,
    /// Whether a nested list is counted instead of shown.
    pub counted: bool,
    /// What is answered of related records.
    pub inner: Option<Selection>,
}

/// A key of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    /// The field of the record that is ordered, or of the one that this relation leads to.
    pub field: usize,
    /// The relation.
    pub through: Option<usize>,
    /// From high to low.
    pub descending: bool,
}

/// The text of an order.
pub fn sort_text(schema: &Schema, of: usize, keys: &[SortKey]) -> String {
    let key = |key: &SortKey| {
        let sign = if key.descending { "-" } else { "" };
        let way = key.through.map_or_else(String::new, |relation| format!("{}.", schema.field(of, relation).name));
        format!("{sign}{way}{}", schema.field(key.of(schema, of), key.field).name)
    };
    keys.iter().map(key).collect::<Vec<_>>().join(",")
}

impl SortKey {
    /// The type that has the field.
    pub(super) fn of(&self, schema: &Schema, of: usize) -> usize {
        self.through.map_or(of, |relation| schema.field(of, relation).kind.target().expect("a relation"))
    }
}

impl Selection {
    /// As a request writes it; nothing for the whole record.
    pub fn text(&self, schema: &Schema, of: usize) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Parts(parts) => Some(parts.iter().map(|part| part.text(schema, of)).collect::<Vec<_>>().join(",")),
        }
    }

    fn parts(&self, schema: &Schema, of: usize) -> Vec<Part> {
        match self {
            Self::Parts(parts) => parts.clone(),
            Self::Whole => {
                let fields = &schema.types[of].fields;
                (0..fields.len()).filter(|field| fields[*field].is_stored()).map(Part::of).collect()
            }
        }
    }
}

impl Part {
    /// A field as it is.
    pub fn of(field: usize) -> Self {
        Self { field, alias: None, sort: Vec::new(), limit: None, filter: None, counted: false, inner: None }
    }

    fn text(&self, schema: &Schema, of: usize) -> String {
        let field = schema.field(of, self.field);
        let mut text = self.alias.as_ref().map_or_else(String::new, |alias| format!("{alias}="));
        text.push_str(&field.name);
        let target = field.kind.target().unwrap_or(of);
        let sort = (!self.sort.is_empty()).then(|| format!("sort:[{}]", sort_text(schema, target, &self.sort)));
        let limit = self.limit.map(|limit| format!("limit:{limit}"));
        let filter = self.filter.as_ref().map(|filter| format!("filter:{}", Writer::filter(schema).text(filter)));
        let arguments: Vec<String> = sort.into_iter().chain(filter).chain(limit).collect();
        if !arguments.is_empty() {
            text.extend(["(", &arguments.join(","), ")"]);
        }
        match &self.inner {
            _ if self.counted => text.push_str(":count"),
            Some(Selection::Whole) => text.push_str("{*}"),
            Some(inner) => text.extend(["{", &inner.text(schema, target).expect("parts have a text"), "}"]),
            None => {}
        }
        text
    }
}

impl Asker {
    /// Orders records as the caller sees them: hidden values are null, and records that tie are ordered by id.
    pub fn sort(&self, world: &World, records: &mut [&Record], keys: &[SortKey]) {
        let own = |record: &Record, field: usize| match self.sees(world, record.into(), field) {
            true => record.values[field].clone(),
            false => Value::Null,
        };
        let seen = |record: &Record, key: &SortKey| match key.through {
            None => own(record, key.field),
            // The id of another record is what the relation holds.
            Some(relation) if key.field == 0 => own(record, relation),
            Some(relation) => {
                let related = own(record, relation);
                let related = related.id().and_then(|id| world.find(key.of(&world.schema, record.of), id));
                let related = related.filter(|related| self.reads(world, (*related).into()));
                related.map_or(Value::Null, |related| own(related, key.field))
            }
        };
        let turned = |ordering: Ordering, descending: bool| if descending { ordering.reverse() } else { ordering };
        let last = keys.last().is_some_and(|key| key.descending);
        records.sort_by(|left, right| {
            let by = |key: &SortKey| {
                let kind = &world.schema.field(key.of(&world.schema, left.of), key.field).kind;
                let place = |record: &Record| world.schema.in_order(kind, seen(record, key));
                turned(place(left).order(&place(right)), key.descending)
            };
            let ties = || turned(left.id().cmp(right.id()), last);
            keys.iter().map(by).find(|ordering| ordering.is_ne()).unwrap_or_else(ties)
        });
    }

    /// Whether a selection may be asked for: what it names could be seen in some record.
    pub fn may_select(&self, world: &World, of: usize, selection: &Selection) -> Outlook {
        let Selection::Parts(parts) = selection else { return Outlook::Open };
        parts.iter().fold(Outlook::Open, |outlook, part| {
            let kind = &world.schema.field(of, part.field).kind;
            let outlook = outlook.and(self.may_see(world, of, part.field));
            let follows = part.inner.is_some() || kind.is_many();
            let Some(target) = kind.target().filter(|_| follows) else { return outlook };
            let inner = part.inner.as_ref().map_or(Outlook::Open, |inner| self.may_select(world, target, inner));
            let sorted = part.sort.iter().fold(inner, |all, key| all.and(self.may_sort(world, target, key)));
            let filter = part.filter.as_ref().map_or(Outlook::Open, |filter| self.may_filter(world, filter));
            outlook.and(sorted).and(filter).and(self.may_read(world, target))
        })
    }

    /// Whether a key of an order could be seen in some record.
    pub(super) fn may_sort(&self, world: &World, of: usize, key: &SortKey) -> Outlook {
        let Some(relation) = key.through else { return self.may_see(world, of, key.field) };
        let (target, relation) = (key.of(&world.schema, of), self.may_see(world, of, relation));
        match key.field {
            0 => relation,
            field => relation.and(self.may_read(world, target)).and(self.may_see(world, target, field)),
        }
    }

    /// What is answered of a record.
    pub fn shown(&self, world: &World, record: Subject<'_>, selection: &Selection) -> Json {
        let mut members = Map::new();
        let mut cut = Vec::new();
        for part in selection.parts(&world.schema, record.of) {
            if !self.sees(world, record, part.field) {
                continue;
            }
            let field = world.schema.field(record.of, part.field);
            let name = part.alias.clone().unwrap_or_else(|| field.name.clone());
            let value = match (&field.kind, &part.inner) {
                (Kind::ToOne { target, .. }, Some(inner)) => {
                    let related = record.values[part.field].id().and_then(|id| world.find(*target, id));
                    let related = related.filter(|related| self.reads(world, (*related).into()));
                    related.map_or(Json::Null, |related| self.shown(world, related.into(), inner))
                }
                (kind, _) if kind.is_many() => {
                    let mut related = self.members(world, record, part.field);
                    if let Some(filter) = &part.filter {
                        related.retain(|member| self.passes(world, member, (filter, &[])));
                    }
                    if part.counted {
                        members.insert(name, json!(related.len()));
                        continue;
                    }
                    self.sort(world, &mut related, &part.sort);
                    let limit = part.limit.unwrap_or(NESTED);
                    if related.len() > limit {
                        cut.push(name.clone());
                    }
                    let id = Selection::Parts(vec![Part::of(0)]);
                    let inner = part.inner.as_ref().unwrap_or(&id);
                    related.into_iter().take(limit).map(|related| self.shown(world, related.into(), inner)).collect()
                }
                (kind, _) => record.values[part.field].json(kind),
            };
            members.insert(name, value);
        }
        if !cut.is_empty() {
            members.insert("$more".to_owned(), json!(cut));
        }
        Json::Object(members)
    }
}
