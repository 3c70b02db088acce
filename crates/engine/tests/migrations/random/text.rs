//! A model as it is written, with `@renamed` for what another model calls otherwise.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{Backfill, Embedded, Enum, Field, Key, Kind, Made, Schema, Type};
use super::values::{expression, literal};

/// The model file, in which `@renamed` says what was called otherwise in the model before.
pub(super) fn text(schema: &Schema, before: Option<&Schema>) -> String {
    let mut text = String::new();
    for of in &schema.enums {
        let was = before.and_then(|before| before.enumeration(of.key));
        enumeration(&mut text, of, was);
    }
    for of in &schema.embedded {
        let was = before.and_then(|before| before.embedded(of.key));
        embedded(&mut text, (schema, of), was);
    }
    for of in &schema.types {
        let was = before.and_then(|before| before.of(of.key));
        _ = write!(text, "type {} @open", of.name);
        renamed(&mut text, &of.name, was.map(|was| &was.name));
        if of.history {
            text.push_str(" @history(read: \"true\")");
        }
        if of.trash {
            text.push_str(" @trash(keep: \"30d\")");
        }
        let name = |key: Key| of.field(key).map(|field| field.name.as_str()).unwrap_or_default();
        if let Some(parent) = of.tree {
            _ = write!(text, " @tree(parent: \"{}\")", name(parent));
        }
        if let Some((from, to)) = of.exclude {
            _ = write!(text, " @exclude(from: \"{}\", to: \"{}\")", name(from), name(to));
        }
        for (fields, unique) in &of.indexes {
            let names = fields.iter().filter_map(|key| of.field(*key)).map(|field| field.name.as_str());
            let names: Vec<&str> = names.collect();
            let directive = if *unique { "unique" } else { "index" };
            _ = write!(text, " @{directive}(fields: [\"{}\"])", names.join("\", \""));
        }
        text.push_str(" {\n");
        for member in &of.fields {
            field(&mut text, (schema, of, member), was);
        }
        text.push_str("}\n");
    }
    text
}

/// Whether an `@renamed` of a text may stand in an earlier one too, where it has been followed.
pub(super) fn is_ambiguous(earlier: &str, text: &str) -> bool {
    let former = |text: &str| -> Vec<String> {
        let parts = text.split("@renamed(from: \"").skip(1);
        parts.filter_map(|part| part.split('"').next()).map(str::to_owned).collect()
    };
    let earlier = former(earlier);
    former(text).iter().any(|name| earlier.contains(name))
}

fn renamed(text: &mut String, name: &str, was: Option<&String>) {
    if let Some(was) = was.filter(|was| *was != name) {
        _ = write!(text, " @renamed(from: \"{was}\")");
    }
}

fn enumeration(text: &mut String, of: &Enum, was: Option<&Enum>) {
    _ = write!(text, "enum {}", of.name);
    renamed(text, &of.name, was.map(|was| &was.name));
    text.push_str(" {\n");
    for (at, (key, name)) in of.values.iter().enumerate() {
        let was = was.and_then(|was| was.values.iter().find(|(known, _)| known == key));
        _ = write!(text, "  {name}");
        if of.states {
            let initial = if at == 0 { " @initial" } else { "" };
            let next = &of.values[(at + 1) % of.values.len()].1;
            _ = write!(text, "{initial} @to(state: \"{next}\")");
        }
        renamed(text, name, was.map(|(_, was)| was));
        text.push('\n');
    }
    text.push_str("}\n");
}

fn embedded(text: &mut String, (schema, of): (&Schema, &Embedded), was: Option<&Embedded>) {
    _ = write!(text, "type {} @embedded", of.name);
    renamed(text, &of.name, was.map(|was| &was.name));
    text.push_str(" {\n");
    for member in of.members() {
        let is_reference = member.key == of.to.key;
        let kind = if is_reference { written(schema, &Kind::ToOne(of.target)) } else { "String".to_owned() };
        _ = write!(text, "  {}: {kind}", member.name);
        let was = was.and_then(|was| was.members().find(|known| known.key == member.key));
        renamed(text, &member.name, was.map(|was| &was.name));
        if let Some(on_delete) = of.on_delete.filter(|_| is_reference) {
            _ = write!(text, " @onDelete(do: {on_delete})");
        }
        text.push('\n');
    }
    text.push_str("}\n");
}

fn field(text: &mut String, (schema, of, field): (&Schema, &Type, &Field), before: Option<&Type>) {
    let required = if field.required { "!" } else { "" };
    _ = write!(text, "  {}: {}{required}", field.name, written(schema, &field.kind));
    let was = before.and_then(|before| before.field(field.key));
    renamed(text, &field.name, was.map(|was| &was.name));
    if let Kind::Decimal { digits, scale } = element(&field.kind) {
        _ = write!(text, " @precision(digits: {digits}, scale: {scale})");
    }
    if let Some(declared) = schema.declared_by(&field.kind) {
        _ = write!(text, " @inverse(field: \"{}\")", declared.name);
    }
    let name = |of: &Type, key: Key| of.field(key).map(|field| field.name.clone()).unwrap_or_default();
    match &field.kind {
        Kind::Amount(currency) => _ = write!(text, " @money(in: \"{}\")", name(of, *currency)),
        Kind::Total { of: relation, what } => {
            let members = of.field(*relation).and_then(|field| schema.of(field.kind.target()?));
            let is = match (members, what) {
                (Some(members), Some(what)) => format!("sum(m, m.{})", name(members, *what)),
                _ => "size()".to_owned(),
            };
            let relation = name(of, *relation);
            _ = write!(text, " @computed(is: \"this.{relation}.{is}\", stored: COMMIT)");
        }
        _ => {}
    }
    if field.unique {
        text.push_str(" @unique");
    }
    if let Some(default) = &field.default {
        _ = write!(text, " @default(to: {})", literal(&field.kind, default));
    }
    let given = match &field.backfill {
        Some(Backfill::Value(value)) => before.and_then(|_| expression(&field.kind, value)),
        Some(Backfill::Field(key)) => before.and_then(|of| of.field(*key)).map(|field| format!("this.{}", field.name)),
        None => None,
    };
    if let Some(given) = given {
        _ = write!(text, " @backfill(from: {})", Value::from(given));
    }
    match field.made {
        Some(Made::Number) => text.push_str(" @sequence"),
        Some(Made::Slug(source)) => {
            let source = of.field(source).map(|source| source.name.as_str()).unwrap_or_default();
            _ = write!(text, " @slug(from: \"{source}\")");
        }
        None => {}
    }
    if let Some((min, max)) = field.length {
        _ = write!(text, " @length(min: {min}, max: {max})");
    }
    if let Some(number) = field.check {
        _ = write!(text, " @check(rule: \"this.{} != {number}\", message: \"not {number}\")", field.name);
    }
    if let Some(on_delete) = field.on_delete {
        _ = write!(text, " @onDelete(do: {on_delete})");
    }
    text.push('\n');
}

fn element(kind: &Kind) -> &Kind {
    if let Kind::List(element) = kind { element } else { kind }
}

fn written(schema: &Schema, kind: &Kind) -> String {
    let name = |key| schema.of(key).map(|of| of.name.clone()).unwrap_or_default();
    match kind {
        Kind::Scalar(name) => (*name).to_owned(),
        Kind::Decimal { .. } => "Decimal".to_owned(),
        Kind::Enum(key) => schema.enumeration(*key).map(|of| of.name.clone()).unwrap_or_default(),
        Kind::List(element) => format!("[{}!]", written(schema, element)),
        Kind::ToOne(target) => name(*target),
        Kind::Total { .. } => "Int".to_owned(),
        Kind::Amount(_) => "Money".to_owned(),
        Kind::Document(key) => {
            format!("[{}!]", schema.embedded(*key).map(|of| of.name.clone()).unwrap_or_default())
        }
        Kind::Many(target) | Kind::Inverse(target, _) => format!("[{}!]", name(*target)),
    }
}
