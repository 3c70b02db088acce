use apollo_compiler::Node;
use apollo_compiler::ast::Value as Literal;
use apollo_compiler::schema::Directive;

use super::read;
use super::report::Report;
use super::survey::StoredType;
use crate::names::{self, suggestion};
use crate::{Collection, Exclusion, Field, FieldId, FieldKind, Index, Nulls, Timer};

/// Fields of one index.
const INDEX_FIELDS: usize = 8;

/// Declared indexes in the order of their declaration, then those that relations need.
pub(super) fn indexes(
    report: &mut Report<'_>,
    of: &StoredType<'_>,
    fields: &[Field],
    (exclusions, timers): (&[Exclusion], &[Timer]),
) -> Vec<Index> {
    let mut declared = Declared { of, fields, indexes: Vec::new() };
    // Of a reference to one of several types, each of its members has the index of the declaration that they share.
    for (surveyed, id) in of.declared().filter(|(_, id)| !fields[usize::from(id.0)].kind.has_members()) {
        for directive in surveyed.node.directives.get_all("unique") {
            declared.add(report, directive, vec![id]);
        }
    }
    for directive in of.node.directives.iter().filter(|d| matches!(d.name.as_str(), "index" | "unique")) {
        if let Some(ids) = index_fields(report, of, directive, fields) {
            declared.add(report, directive, ids);
        }
    }
    for field in fields {
        declared.add_sequence(field);
    }
    for exclusion in exclusions {
        declared.add_exclusion(exclusion);
    }
    for timer in timers {
        declared.add_timer(timer);
    }
    let mut indexes = declared.indexes;
    for field in fields.iter().filter(|field| matches!(field.kind, FieldKind::ToOne { .. })) {
        let begins = |index: &Index| index.fields.first() == Some(&field.id) && index.condition.is_none();
        if !indexes.iter().any(begins) {
            let name = name(of, fields, (&[field.id], false));
            let fields = vec![field.id];
            indexes.push(Index { name, fields, unique: false, nulls: Nulls::Distinct, condition: None });
        }
    }
    indexes
}

struct Declared<'d, 'a> {
    of: &'d StoredType<'a>,
    fields: &'d [Field],
    indexes: Vec<Index>,
}

impl Declared<'_, '_> {
    /// Adds the index that `@unique` or `@index` declares over these fields.
    fn add(&mut self, report: &mut Report<'_>, directive: &Node<Directive>, ids: Vec<FieldId>) {
        let flag = directive.specified_argument_by_name("unique").and_then(|value| value.to_bool());
        let unique = directive.name == "unique" || flag == Some(true);
        let sum = ids.iter().map(|id| &self.fields[usize::from(id.0)]).find(|field| field.is_sum());
        if let Some(sum) = sum.filter(|_| unique) {
            let message = format!("`{}` is a stored sum and can't be unique", sum.name);
            let help = "leave it out: a change of another record would be refused because of it";
            report.error(directive.location(), message, "unique", help);
        }
        let condition = read::rule(report, directive, "where");
        let text = condition.as_ref().map(|condition| condition.text.trim());
        if self.indexes.iter().any(|other| other.covers_same(&ids, text)) {
            let message = match text {
                None => "an index over these fields in this order already exists",
                Some(_) => "an index over these fields in this order with this `where` already exists",
            };
            report.error(directive.location(), message, "again here", "remove one of the two");
            return;
        }
        let nulls = self.nulls(report, directive, &ids);
        let whole = name(self.of, self.fields, (&ids, unique));
        let name = text.map_or_else(|| whole.clone(), |text| names::partial_index(&whole, text));
        self.indexes.push(Index { name, fields: ids, unique, nulls, condition });
    }

    /// Adds the index by which no two records of a series have the same number.
    fn add_sequence(&mut self, field: &Field) {
        let Some(sequence) = &field.sequence else { return };
        let ids: Vec<FieldId> = sequence.per.iter().copied().chain([field.id]).collect();
        if self.indexes.iter().any(|other| other.unique && other.covers_same(&ids, None)) {
            return;
        }
        let name = name(self.of, self.fields, (&ids, true));
        self.indexes.push(Index { name, fields: ids, unique: true, nulls: Nulls::Distinct, condition: None });
    }

    /// Adds the index in which the records are found whose ranges could overlap another one.
    fn add_exclusion(&mut self, exclusion: &Exclusion) {
        let ids = exclusion.index_fields();
        if self.indexes.iter().any(|other| other.covers_same(&ids, exclusion.condition_text())) {
            return;
        }
        let whole = name(self.of, self.fields, (&ids, false));
        let text = exclusion.condition_text();
        let name = text.map_or_else(|| whole.clone(), |text| names::partial_index(&whole, text));
        let condition = exclusion.condition.clone();
        self.indexes.push(Index { name, fields: ids, unique: false, nulls: Nulls::Distinct, condition });
    }

    /// Adds the index in which the records are found that are due, unless another one begins like it.
    fn add_timer(&mut self, timer: &Timer) {
        let ids = timer.index_fields();
        let begins = |index: &Index| index.fields.starts_with(&ids) && index.condition.is_none();
        if self.indexes.iter().any(begins) {
            return;
        }
        let name = name(self.of, self.fields, (&ids, false));
        self.indexes.push(Index { name, fields: ids, unique: false, nulls: Nulls::Distinct, condition: None });
    }

    fn nulls(&self, report: &mut Report<'_>, directive: &Node<Directive>, ids: &[FieldId]) -> Nulls {
        if read::word(directive, "nulls") != Some("SAME") {
            return Nulls::Distinct;
        }
        if ids.iter().all(|id| self.fields[usize::from(id.0)].required) {
            let message = "`nulls: SAME` changes nothing, because these fields are required";
            report.error(directive.location(), message, "never null", "remove `nulls: SAME`");
        }
        Nulls::Same
    }
}

fn name(of: &StoredType<'_>, fields: &[Field], (ids, unique): (&[FieldId], bool)) -> String {
    let columns = ids.iter().flat_map(|id| &fields[usize::from(id.0)].columns);
    let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
    names::index(&of.table, &columns, unique)
}

fn index_fields(
    report: &mut Report<'_>,
    of: &StoredType<'_>,
    directive: &Node<Directive>,
    fields: &[Field],
) -> Option<Vec<FieldId>> {
    let Some(value) = directive.specified_argument_by_name("fields").filter(|value| !value.is_null()) else {
        let help = "write `@unique(fields: [\"…\", \"…\"])` on the type, or `@unique` on a field";
        report.error(directive.location(), "`@unique` on a type needs `fields`", "over which fields?", help);
        return None;
    };
    // GraphQL takes a single value where a list is expected.
    let single = std::slice::from_ref(value);
    let items = if let Literal::List(items) = &**value { items.as_slice() } else { single };
    let mut ids = Vec::new();
    for item in items {
        let field = index_field(report, of, fields, item)?;
        if ids.contains(&field.id) {
            let message = format!("`{}` is in the index twice", field.name);
            report.error(item.location(), message, "again here", "remove it");
            return None;
        }
        ids.push(field.id);
    }
    if ids.is_empty() || ids.len() > INDEX_FIELDS {
        let help = format!("name 1 to {INDEX_FIELDS} fields");
        report.error(
            value.location(),
            format!("an index is over 1 to {INDEX_FIELDS} fields, not {}", ids.len()),
            "these fields",
            help,
        );
        return None;
    }
    Some(ids)
}

/// The field that an item of `fields` names, if an index can be over it.
fn index_field<'f>(
    report: &mut Report<'_>,
    of: &StoredType<'_>,
    fields: &'f [Field],
    item: &Node<Literal>,
) -> Option<&'f Field> {
    let (name, place) = (item.as_str()?, item.location());
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        let message = format!("{} has no field `{name}`", of.node.name);
        report.error(place, message, "not a field", suggestion(name, fields.iter().map(|field| field.name.as_str())));
        return None;
    };
    if field.id == Collection::ID {
        report.error(place, "`id` has its index already", "not needed", "remove it");
        return None;
    }
    if field.is_computed() {
        let help = "remove it: only stored fields can be indexed; to store a count or sum of related records, write `stored: COMMIT`";
        report.error(place, format!("`{name}` is computed and cannot be in an index"), "not in an index", help);
        return None;
    }
    if matches!(field.kind, FieldKind::ToOneOf { .. }) {
        let parts: Vec<String> = fields
            .iter()
            .filter(|part| part.parent() == Some(field.id))
            .map(|part| format!("`\"{}\"`", part.name))
            .collect();
        let help = format!("name one of the types that it refers to: {}", parts.join(", "));
        report.error(
            place,
            format!("`{name}` refers to several types and cannot be in an index as a whole"),
            "several columns",
            help,
        );
        return None;
    }
    if !field.kind.is_indexable() {
        let help = "you can index enums, to-one relations, and scalars except Text, JSON, Money and Bytes";
        report.error(place, format!("`{name}` cannot be in an index"), "not in an index", help);
        return None;
    }
    Some(field)
}
