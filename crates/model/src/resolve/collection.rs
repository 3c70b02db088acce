use apollo_compiler::Node;
use apollo_compiler::ast::Value as Literal;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;
use backstay_base::limits;

use super::field::is_indexable;
use super::{Resolver, STANDARD_FIELDS, description};
use crate::names::{self, suggestion};
use crate::{Allow, Collection, CollectionId, Field, FieldId, FieldKind, Index};

/// Prefixes of tables that the databases keep for themselves.
const TABLE_PREFIXES: &[&str] = &["sqlite_", "pg_"];

/// Fields of one index.
const INDEX_FIELDS: usize = 8;

impl Resolver<'_> {
    /// The collection with this index; `None` only past the limits, which are reported.
    pub(super) fn collection(&mut self, at: usize) -> Option<Collection> {
        let id = CollectionId(u16::try_from(at).ok()?);
        let node = self.types[at].node;
        let (system, table) = (self.types[at].system, self.types[at].table.clone());
        self.check_name(&node.name, "type");
        self.check_prefix(&node.name, system, "type");
        if let Some(prefix) = TABLE_PREFIXES.iter().find(|prefix| table.starts_with(**prefix)) {
            let message = format!("the databases keep tables that begin with `{prefix}` for themselves");
            self.error(node.name.location(), message, format!("its table is `{table}`"), "give the type another name");
        }
        let mut fields: Vec<Field> = (0..STANDARD_FIELDS.len()).map(|at| self.standard_field(id, at)).collect();
        for declared in self.types[at].fields.clone() {
            let field = self.field(id, FieldId(u16::try_from(fields.len()).ok()?), declared);
            fields.push(field);
        }
        if fields.len() == STANDARD_FIELDS.len() {
            let help = "give it a field such as `name: String!`, or remove it";
            self.error(node.name.location(), format!("{} has no fields of its own", node.name), "this type", help);
        }
        let allow = node.directives.get("allow").map_or_else(Allow::default, |directive| self.allow(directive));
        if !node.directives.has("allow") && !system {
            let message = format!("{} refuses everyone", node.name);
            let help =
                "write `@allow(read: …, create: …, update: …, delete: …)` on the type; what has no rule is refused";
            self.warn(node.name.location(), message, "no `@allow`", help.to_owned());
        }
        let indexes = self.indexes(at, &table, &fields);
        Some(Collection {
            id,
            name: node.name.to_string(),
            path: self.path(at),
            table,
            description: description(node.description.as_ref()),
            system,
            by_name: fields.iter().map(|field| (field.name.clone(), field.id)).collect(),
            fields,
            indexes,
            allow,
            span: self.span_of(&node.name),
        })
    }

    fn path(&mut self, at: usize) -> String {
        let node = self.types[at].node;
        let Some(directive) = node.directives.get("path") else { return names::path(&node.name) };
        let Some((path, place)) = Self::text(directive, "is") else { return names::path(&node.name) };
        let shaped = path.starts_with(|c: char| c.is_ascii_lowercase())
            && path.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !path.ends_with('-')
            && path.len() <= limits::MODEL_NAME_CHARS;
        if !shaped {
            let help =
                "a path begins with a small letter and goes on with small letters, digits and hyphens, 48 at most";
            self.error(place, format!("`{path}` is not a path"), "not a path", help);
        } else if path.starts_with("backstay") != self.types[at].system {
            let help = "paths that begin with `backstay` are those of the system model";
            self.error(place, format!("`{path}` cannot be the path of this type"), "reserved", help);
        }
        path.to_owned()
    }

    /// Declared indexes in the order of their declaration, then those that relations need.
    fn indexes(&mut self, at: usize, table: &str, fields: &[Field]) -> Vec<Index> {
        let mut indexes: Vec<Index> = Vec::new();
        let name = |ids: &[FieldId], unique: bool| {
            let columns = ids.iter().flat_map(|id| &fields[usize::from(id.0)].columns);
            let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
            names::index(table, &columns, unique)
        };
        for field in fields.iter().skip(STANDARD_FIELDS.len()).filter(|field| field.unique) {
            indexes.push(Index { name: name(&[field.id], true), fields: vec![field.id], unique: true });
        }
        let node = self.types[at].node;
        for directive in node.directives.iter().filter(|d| matches!(d.name.as_str(), "index" | "unique")) {
            let flag = directive.specified_argument_by_name("unique").and_then(|value| value.to_bool());
            let unique = directive.name == "unique" || flag == Some(true);
            let Some(ids) = self.index_fields(at, directive, fields) else { continue };
            if indexes.iter().any(|other| other.fields == ids) {
                let message = "an index over the same fields in the same order is there already";
                self.error(directive.location(), message, "again here", "remove one of the two");
                continue;
            }
            indexes.push(Index { name: name(&ids, unique), fields: ids, unique });
        }
        for field in fields.iter().filter(|field| matches!(field.kind, FieldKind::ToOne { .. })) {
            if !indexes.iter().any(|index| index.fields.first() == Some(&field.id)) {
                indexes.push(Index { name: name(&[field.id], false), fields: vec![field.id], unique: false });
            }
        }
        indexes
    }

    fn index_fields(&mut self, at: usize, directive: &Node<Directive>, fields: &[Field]) -> Option<Vec<FieldId>> {
        let Some(value) = directive.specified_argument_by_name("fields").filter(|value| !value.is_null()) else {
            let help = "write `@unique(fields: [\"…\", \"…\"])` on the type, or `@unique` on a field";
            self.error(directive.location(), "`@unique` on a type needs `fields`", "over which fields?", help);
            return None;
        };
        // GraphQL takes a single value where a list is expected.
        let single = std::slice::from_ref(value);
        let items = if let Literal::List(items) = &**value { items.as_slice() } else { single };
        let mut ids = Vec::new();
        for item in items {
            let name = item.as_str()?;
            let id = self.index_field(at, name, item.location(), fields)?;
            if ids.contains(&id) {
                self.error(item.location(), format!("`{name}` is in the index twice"), "again here", "remove it");
                return None;
            }
            ids.push(id);
        }
        if ids.is_empty() || ids.len() > INDEX_FIELDS {
            let help = format!("name 1 to {INDEX_FIELDS} fields");
            self.error(value.location(), "this is no index", "these fields", help);
            return None;
        }
        Some(ids)
    }

    fn index_field(&mut self, at: usize, name: &str, place: Option<SourceSpan>, fields: &[Field]) -> Option<FieldId> {
        let Some(field) = self.types[at].ids.get(name).and_then(|id| fields.get(usize::from(id.0))) else {
            let message = format!("{} has no field `{name}`", self.types[at].node.name);
            self.error(place, message, "not a field", suggestion(name, fields.iter().map(|field| field.name.as_str())));
            return None;
        };
        if field.id == Collection::ID {
            self.error(place, "`id` has its index already", "not needed", "remove it");
            return None;
        }
        if !is_indexable(&field.kind) {
            let help = "an index is over scalars but Text, JSON and Money, enums and to-one relations";
            self.error(place, format!("`{name}` cannot be in an index"), "not in an index", help);
            return None;
        }
        Some(field.id)
    }
}
