//! Rows of a table, such as those of a CSV file: each column is a field, a member of an embedded value, or the unique key of a
//! record that a relation leads to.

use std::borrow::Cow;

use backstay_base::{Error, Place, Violation, ViolationKind, nearest};
use backstay_engine::Input;
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, Model, ValueType};
use backstay_scalar::{Scalar, Token};
use serde_json::value::RawValue;

use crate::RelationReader;
use crate::assignment::assign;
use crate::input::examined;
use crate::words::{shorten, unknown};

/// What the columns of a table mean.
#[derive(Debug)]
pub struct Columns {
    collection: CollectionId,
    each: Vec<Column>,
}

#[derive(Debug, PartialEq)]
enum Column {
    /// It is read as nothing.
    Ignored,
    /// The value of a field.
    Field(FieldId),
    /// The value of a field of the record that a relation leads to, which together with others is a unique key.
    Key(FieldId, FieldId),
}

impl Columns {
    /// The columns of these names: `title`, `address.city`, or `author.email` for the author whose email this is. A column
    /// without a name is ignored. All that is wrong with them is reported at once.
    pub fn read(model: &Model, collection: CollectionId, names: &[String]) -> Result<Self, Error> {
        let of = model.collection(collection);
        let (mut each, mut violations) = (Vec::with_capacity(names.len()), Vec::new());
        for name in names {
            let column = match name.as_str() {
                "" => Ok(Column::Ignored),
                name => column(model, of, name),
            };
            match column {
                Ok(known) if known != Column::Ignored && each.contains(&known) => {
                    violations.push(Violation::new(Place::member(shorten(name)), ViolationKind::Duplicate));
                }
                Ok(column) => each.push(column),
                Err(kind) => violations.push(Violation::new(Place::member(shorten(name)), kind)),
            }
        }
        if violations.is_empty() { Ok(Self { collection, each }) } else { Err(Error::Invalid(violations)) }
    }

    /// Whether any of these texts is the name of a column.
    pub fn names_any(model: &Model, collection: CollectionId, texts: &[String]) -> bool {
        let of = model.collection(collection);
        texts.iter().any(|text| column(model, of, text).is_ok())
    }

    /// Reads a row. A cell without anything in it, not even quotes, is null, or gives a field that can't be null its default.
    /// Lists, documents and embedded values are JSON; everything else is written as in a URL.
    pub fn row(
        &self,
        model: &Model,
        cells: &[Option<String>],
        relations: &mut dyn RelationReader,
    ) -> Result<Input, Error> {
        let of = model.collection(self.collection);
        if cells.len() != self.each.len() {
            return Err(width(self.each.len(), cells.len()));
        }
        let (mut members, mut violations): (Vec<(String, Box<RawValue>)>, _) = (Vec::new(), Vec::new());
        let mut bare: Vec<(&Field, &str)> = Vec::new();
        for (column, cell) in self.each.iter().zip(cells) {
            let Column::Field(id) = column else { continue };
            let field = of.field(*id);
            match written(model, field, cell.as_deref()) {
                Written::Nothing => {}
                Written::Bare(text) => bare.push((field, text)),
                Written::Json(json) => members.push((field.name.clone(), json)),
                Written::Wrong(kind) => violations.push(Violation::new(field.place(), kind)),
            }
        }
        members.extend(self.keys(model, of, cells));
        let borrowed: Vec<(Cow<'_, str>, &RawValue)> =
            members.iter().map(|(name, json)| (Cow::Borrowed(name.as_str()), &**json)).collect();
        let (mut input, wrong) = examined(model, self.collection, &borrowed, relations);
        violations.extend(wrong);
        for (field, text) in bare {
            if let Err(kind) = assign(model, field, text, &mut input) {
                violations.push(Violation::new(field.place(), kind));
            }
        }
        if violations.is_empty() { Ok(input) } else { Err(Error::Invalid(violations)) }
    }

    /// The relations whose records are named by keys, each as one object.
    fn keys(&self, model: &Model, of: &Collection, cells: &[Option<String>]) -> Vec<(String, Box<RawValue>)> {
        let mut keys: Vec<(FieldId, serde_json::Map<String, serde_json::Value>)> = Vec::new();
        for (column, cell) in self.each.iter().zip(cells) {
            let (Column::Key(relation, by), Some(text)) = (column, cell) else { continue };
            let Some(target) = of.field(*relation).kind.target() else { continue };
            let by = model.field(target, *by);
            let value = json_of(model, by, text);
            match keys.iter_mut().find(|(known, _)| known == relation) {
                Some((_, key)) => drop(key.insert(by.name.clone(), value)),
                None => keys.push((*relation, std::iter::once((by.name.clone(), value)).collect())),
            }
        }
        let raw = |(relation, key): (FieldId, serde_json::Map<String, serde_json::Value>)| {
            let json = RawValue::from_string(serde_json::Value::Object(key).to_string()).ok()?;
            Some((of.field(relation).name.clone(), json))
        };
        keys.into_iter().filter_map(raw).collect()
    }
}

/// How a cell is read.
enum Written<'c> {
    /// Not at all: the field is left out.
    Nothing,
    /// As in a URL.
    Bare(&'c str),
    /// As JSON.
    Json(Box<RawValue>),
    /// It can't be read.
    Wrong(ViolationKind),
}

fn written<'c>(model: &Model, field: &Field, cell: Option<&'c str>) -> Written<'c> {
    // Quotes around nothing are the empty text, which only texts can be.
    let is_text =
        || cell.is_some_and(|text| model.value_type(&field.kind).is_some_and(|ty| ty.read(Token::Bare(text)).is_ok()));
    let text = match cell {
        Some(text) if !text.is_empty() || is_text() => text,
        Some(_) | None => return nothing(field),
    };
    let json = |expected: &str| match RawValue::from_string(text.to_owned()) {
        Ok(json) => Written::Json(json),
        Err(_) => Written::Wrong(ViolationKind::Type { expected: expected.to_owned() }),
    };
    let opens = |bracket: char| text.trim_start().starts_with(bracket);
    if let Some(kind) = ambiguous(field, text) {
        return Written::Wrong(kind);
    }
    match &field.kind {
        FieldKind::Embedded(_) | FieldKind::ToOneOf { .. } | FieldKind::Document(_) if field.within.is_some() => {
            let whole = field.name.split('.').next().unwrap_or_default();
            Written::Wrong(ViolationKind::Misused {
                problem: format!("`{}` can't be a column of its own", field.name),
                remedy: format!("give the whole value as JSON in the column `{whole}`"),
            })
        }
        FieldKind::Embedded(_) | FieldKind::ToOneOf { .. } => json("an object, as JSON"),
        FieldKind::Document(_) => json("an array or an object, as JSON"),
        FieldKind::ManyToMany { .. } if opens('[') => json("an array, as JSON"),
        FieldKind::ToOne { .. } if opens('{') => json("an object, as JSON"),
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ManyToMany { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::Lineage { .. } => Written::Bare(text),
    }
}

/// Why a cell isn't read although it could mean something: spreadsheets write numbers as their users do.
fn ambiguous(field: &Field, text: &str) -> Option<ViolationKind> {
    let number = text.trim();
    let is_number = number.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-'));
    match &field.kind {
        FieldKind::Scalar(Scalar::Int) if is_number && number.contains(['.', ',']) => {
            let digits: String = number.chars().filter(|one| !matches!(one, '.' | ',')).collect();
            let whole = number.split(['.', ',']).next().unwrap_or_default();
            Some(ViolationKind::Misused {
                problem: format!("`{}` may mean {} or {}", shorten(number), shorten(whole), shorten(&digits)),
                remedy: "write a whole number with nothing but digits".to_owned(),
            })
        }
        FieldKind::Scalar(Scalar::Money) if is_number => Some(ViolationKind::Misused {
            problem: format!("`{}` has no currency", shorten(number)),
            remedy: format!("write the currency's code behind it, such as `{} EUR`", shorten(number)),
        }),
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::ManyToMany { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::Lineage { .. } => None,
    }
}

/// What an empty cell gives a field.
fn nothing(field: &Field) -> Written<'static> {
    let is_left_out = field.is_needed() || field.within.is_some() || !field.kind.is_held();
    match RawValue::from_string("null".to_owned()) {
        Ok(null) if !is_left_out => Written::Json(null),
        Ok(_) | Err(_) => Written::Nothing,
    }
}

/// The meaning of a column's name.
fn column(model: &Model, of: &Collection, name: &str) -> Result<Column, ViolationKind> {
    if let Some(field) = of.field_named(name).filter(|field| !field.internal) {
        return Ok(Column::Field(field.id));
    }
    if let Some((relation, by)) = name.rsplit_once('.')
        && let Some(relation) = of.field_named(relation)
        && let FieldKind::ToOne { target, .. } = &relation.kind
    {
        let target = model.collection(*target);
        let is_of_key = |field: &&Field| target.keys().iter().any(|key| key.contains(&field.id));
        if let Some(by) = target.field_named(by).filter(is_of_key) {
            return Ok(Column::Key(relation.id, by.id));
        }
        let keys: Vec<FieldId> = target.keys().into_iter().flatten().collect();
        let names = keys.iter().map(|id| target.field(*id).name.as_str());
        return Err(unknown("unique field", by, nearest(by, names)));
    }
    if let Some((money, "amount" | "currency")) = name.rsplit_once('.')
        && let Some(field) = of.field_named(money).filter(|field| field.kind.scalar() == Some(Scalar::Money))
    {
        let problem = format!("an amount of money and its currency are one column, not `{name}`");
        let remedy = format!(
            "name the column {} and write both in its cells, as JSON: {{\"amount\": \"9.99\", \"currency\": \"EUR\"}}",
            field.name
        );
        return Err(ViolationKind::Misused { problem, remedy });
    }
    let names = of.fields.iter().filter(|field| !field.internal).map(|field| field.name.as_str());
    Err(unknown("field", name, nearest(name, names)))
}

/// A cell as a value of a key.
fn json_of(model: &Model, by: &Field, text: &str) -> serde_json::Value {
    let as_text = || serde_json::Value::String(text.to_owned());
    let reads = |ty: ValueType<'_>| ty.read(Token::Json(text)).is_ok();
    match (serde_json::from_str(text), model.value_type(&by.kind)) {
        (Ok(value), Some(ty)) if reads(ty) => value,
        (Ok(_) | Err(_), _) => as_text(),
    }
}

/// A row with too few cells, or too many.
fn width(expected: usize, found: usize) -> Error {
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let problem = format!("the row has {found} cell{}, the header {expected} column{}", s(found), s(expected));
    let remedy =
        "put a cell that contains the delimiter in quotes, or choose the delimiter with --delimiter".to_owned();
    Error::malformed(Place::Whole, ViolationKind::Misused { problem, remedy })
}

#[cfg(test)]
mod tests {
    use backstay_base::RecordId;
    use backstay_engine::{ByKey, Referred};
    use backstay_model::{SourceFile, load};

    use super::*;

    const MODEL: &str = r#"
        extend schema @app(name: "A")
        enum Size { SMALL LARGE }
        type Address @embedded { street: String city: String }
        type Town @allow(read: "true") @unique(fields: ["name", "country"]) { name: String! country: String! number: Int @unique people: [Person!] @inverse(field: "home") }
                type Person @allow(read: "true") {
          name: String!
          nick: String
          age: Int
          level: Int! @default(to: 3)
          size: Size
          tags: [String!]
          notes: JSON
          fee: Money
          address: Address
          home: Town
          friends: [Person!]
        }
    "#;

    struct Known;

    impl RelationReader for Known {
        fn known(&mut self, _: CollectionId, raw: &str) -> Option<RecordId> {
            raw.contains('7').then(|| RecordId::from_bytes([7; 16]))
        }

        fn find(&mut self, raw: &str, _: ByKey) -> Result<Referred, ViolationKind> {
            Err(ViolationKind::Range(raw.to_owned()))
        }
    }

    fn check(names: &[&str], cells: &[Option<&str>], expected: &str) {
        let model = load(vec![SourceFile::app("a.graphql", MODEL)]).unwrap_or_else(|wrong| panic!("{wrong}")).model;
        let person = model.collection_named("Person").expect("a type");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let cells: Vec<Option<String>> = cells.iter().map(|cell| cell.map(str::to_owned)).collect();
        let read = Columns::read(&model, person.id, &names).and_then(|columns| columns.row(&model, &cells, &mut Known));
        let got = match read {
            Ok(input) => {
                let value = |id| {
                    let value = input.value(id).map_or_else(|| "other".to_owned(), |value| format!("{value:?}"));
                    format!("{}={value}", person.field(id).name)
                };
                input.fields().map(value).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{names:?} {cells:?}");
    }

    #[test]
    fn cells_are_read_by_the_types_of_their_fields() {
        check(
            &["name", "age", "size"],
            &[Some("[Ada]"), Some("36"), Some("LARGE")],
            "name=Text(\"[Ada]\") age=Int(36) size=Text(\"LARGE\")",
        );
        check(&["tags"], &[Some("[\"a,b\"]")], "tags=List([Text(\"a,b\")])");
        check(&["tags"], &[Some("a, b")], "tags=List([Text(\"a\"), Text(\"b\")])");
        check(
            &["address.city", "", "name"],
            &[Some("Bern"), Some("x"), Some("Ada")],
            "address.city=Text(\"Bern\") name=Text(\"Ada\")",
        );
        check(&["address"], &[Some("{\"city\": \"Bern\"}")], "address.city=Text(\"Bern\")");
    }

    #[test]
    fn a_cell_without_anything_is_null_or_the_default_and_quotes_are_the_empty_text() {
        check(&["name", "nick"], &[Some("Ada"), None], "nick=Null name=Text(\"Ada\")");
        check(&["nick", "age"], &[Some(""), Some("")], "age=Null nick=Text(\"\")");
        check(&["level", "name"], &[None, None], "");
    }

    #[test]
    fn numbers_that_may_mean_two_things_are_refused() {
        let check_of = |name: &str, cell: &str, expected: &str| check(&[name], &[Some(cell)], expected);
        for (cell, meanings) in [("1.000", "1 or 1000"), ("1,000", "1 or 1000"), ("-2.5", "-2 or -25")] {
            let expected = format!("/age: `{cell}` may mean {meanings}; write a whole number with nothing but digits");
            check_of("age", cell, &expected);
        }
        check_of("age", "1000", "age=Int(1000)");
        let expected = "/fee: `12.5` has no currency; write the currency's code behind it, such as `12.5 EUR`";
        check_of("fee", "12.5", expected);
    }

    #[test]
    fn relations_are_named_by_unique_keys() {
        let seven = "home=Id(07070707-0707-0707-0707-070707070707)";
        check(&["home.number"], &[Some("7")], seven);
        check(
            &["home.name", "home.country"],
            &[Some("Bern"), Some("CH")],
            "/home: {\"country\":\"CH\",\"name\":\"Bern\"}",
        );
        check(&["home.nam"], &[Some("7")], "/home.nam: unknown unique field `nam`; did you mean `name`?");
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field() {
        check(&["nam"], &[None], "/nam: unknown field `nam`; did you mean `name`?");
        check(&["name", "name"], &[None, None], "/name: it is given twice");
        check(&["age", "address"], &[Some("old"), Some("Bern")], "/address: expected an object, as JSON (and 1 more)");
        check(
            &["name", "age"],
            &[Some("Ada")],
            "the row has 1 cell, the header 2 columns; put a cell that contains the delimiter in quotes, or choose the delimiter \
             with --delimiter",
        );
    }
}
