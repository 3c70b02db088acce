//! Rules of a record as it would be, with the links that were sent, on both databases.

use backstay_base::RecordId;
use backstay_expr::{Checked, Scope, Truth, compile};
use backstay_model::Collection;
use backstay_scalar::Value;
use backstay_sql::{Dialect, Planner, RecordSource, Slot, Statement};

use crate::{Arc, Database, Databases, Setting, data, postgres, sqlite};

const TABLE: &str = include_str!("sent.md");

/// The columns of the table: whether the record is stored, and the links that are sent.
fn columns(setting: &Setting) -> Vec<(bool, Value)> {
    let tag = |name: &str| {
        let tags = setting.model.collection_named("Tag").expect("a collection");
        let named = usize::from(tags.field_named("name").expect("a field").id.0);
        let mut records = setting.data.records.iter().filter(|(collection, ..)| *collection == tags.id);
        let found = records.find(|(.., values)| values[named] == Value::text(name));
        Value::Id(found.expect("a tag").1)
    };
    let sent = |tags: Vec<Value>| (true, Value::List(tags.into()));
    vec![
        (false, Value::Null),
        (true, Value::Null),
        sent(vec![]),
        sent(vec![tag("new")]),
        sent(vec![tag("old"), tag("new")]),
        sent(vec![Value::Id(RecordId::from_bytes([0xEE; 16]))]),
    ]
}

/// What the rule asks of the first item, as it would be.
fn statement(setting: &Setting, rule: &Checked, dialect: Dialect, (stored, links): &(bool, Value)) -> Statement {
    let item = data::item(&setting.model);
    let first = setting.data.items[0];
    let record = setting.data.records.iter().find(|(_, id, _)| *id == first).expect("the first item");
    let mut values = record.2.clone();
    let tags = item.field_named("tags").expect("a field");
    values[usize::from(tags.id.0)] = links.clone();
    if !stored {
        values[usize::from(Collection::ID.0)] = Value::Id(RecordId::from_bytes([0xDD; 16]));
    }
    let planner = Planner::new(Arc::clone(&setting.model), dialect);
    let template = planner.check(item.id, RecordSource::Proposed, std::slice::from_ref(&rule.expr));
    template.bind(|slot| match slot {
        Slot::Proposed(column) => column.part.of(&values[usize::from(column.field.0)]),
        slot => setting.value(slot, rule),
    })
}

fn letter(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "T",
        Truth::False => "F",
        Truth::Unknown => "?",
    }
}

#[test]
fn rules_see_the_links_that_are_sent_on_both_databases() {
    let setting = Setting::new("sent");
    let mut databases =
        Databases { sqlite: sqlite::Sqlite::with(&setting), postgres: postgres::Postgres::with(&setting) };
    let mut problems = Vec::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let text = cells.next().expect("an expression").trim_matches('`');
        let stated: Vec<&str> = cells.collect();
        let scope = Scope::rule(&setting.model, data::item(&setting.model).id);
        let rule = compile(text, &scope).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let database: &mut dyn Database = match dialect {
                Dialect::Sqlite => &mut databases.sqlite,
                Dialect::Postgres => &mut databases.postgres,
            };
            let columns = columns(&setting);
            let got = columns.iter().map(|column| database.truth(&statement(&setting, &rule, dialect, column)));
            let got: Vec<&str> = got.map(letter).collect();
            if got != stated {
                problems.push(format!("{text}\n  {dialect:?}: {got:?}\n  stated: {stated:?}"));
            }
        }
    }
    assert!(problems.is_empty(), "sent.md:\n{}", problems.join("\n"));
}
