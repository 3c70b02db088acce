//! Rules of a write, which name the record before it, on both databases and in memory.

use backstay_base::{Caller, RecordId, Timestamp};
use backstay_expr::{Checked, Environment, Path, Scope, Start, Truth, compile, truth};
use backstay_model::Collection;
use backstay_scalar::Value;
use backstay_sql::{Dialect, Planner, RecordSource, Slot};

use crate::{Arc, Database, Databases, Setting, data, postgres, sqlite};

const TABLE: &str = include_str!("old.md");

/// A write: the record before it, which a create doesn't have, and the record as it would be.
struct Write {
    old: Vec<Value>,
    this: Vec<Value>,
}

impl Write {
    /// The columns of the table.
    fn all(setting: &Setting) -> [Self; 4] {
        let item = data::item(&setting.model);
        let field = |name: &str| usize::from(item.field_named(name).expect("a field").id.0);
        let stored = |index: usize| {
            let id = setting.data.items[index];
            setting.data.records.iter().find(|record| record.1 == id).expect("an item").2.clone()
        };
        let tags = setting.model.collection_named("Tag").expect("a collection").id;
        let tag = |index: usize| {
            let mut tags = setting.data.records.iter().filter(|record| record.0 == tags);
            Value::List([Value::Id(tags.nth(index).expect("a tag").1)].into())
        };
        let (new, old) = (tag(0), tag(1));
        let (apple, empty) = (stored(0), stored(2));
        let mut created = apple.clone();
        created[usize::from(Collection::ID.0)] = Value::Id(RecordId::from_bytes([0xDD; 16]));
        created[field("tags")] = new.clone();
        let (mut changed, mut filled) = (apple.clone(), empty.clone());
        for (name, value) in [("title", "Pear".into()), ("number", 9.into()), ("owner", Value::Null), ("tags", old)] {
            changed[field(name)] = value;
        }
        for (name, value) in [("title", "Pear".into()), ("tags", new)] {
            filled[field(name)] = value;
        }
        [
            Self { old: Vec::new(), this: created },
            Self { old: apple.clone(), this: apple.clone() },
            Self { old: apple, this: changed },
            Self { old: empty, this: filled },
        ]
    }

    /// What a rule says on one database.
    fn answer(&self, setting: &Setting, rule: &Checked, (dialect, database): (Dialect, &mut dyn Database)) -> Truth {
        let planner = Planner::new(Arc::clone(&setting.model), dialect);
        let item = data::item(&setting.model).id;
        let template = planner.check(item, RecordSource::Proposed, std::slice::from_ref(&rule.expr));
        let statement = template.bind(|slot| match slot {
            Slot::Proposed(column) => column.part.of(&self.this[usize::from(column.field.0)]),
            Slot::Old(column) => {
                self.old.get(usize::from(column.field.0)).map_or(Value::Null, |value| column.part.of(value))
            }
            slot => setting.value(slot, rule),
        });
        database.truth(&statement)
    }
}

/// A write in memory.
struct InMemory<'w>(&'w Write, &'w Setting);

impl Environment for InMemory<'_> {
    fn caller(&self) -> &Caller {
        &self.1.caller
    }

    fn now(&self) -> Timestamp {
        self.1.now
    }

    fn value(&self, from: Start, path: &Path) -> Value {
        let values = if from == Start::Old { &self.0.old } else { &self.0.this };
        let field = path.steps.first().copied().unwrap_or(Collection::ID);
        values.get(usize::from(field.0)).cloned().unwrap_or(Value::Null)
    }
}

fn letter(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "T",
        Truth::False => "F",
        Truth::Unknown => "?",
    }
}

#[test]
fn rules_of_a_write_see_the_record_before_it() {
    let setting = Setting::new("old");
    let mut databases =
        Databases { sqlite: sqlite::Sqlite::with(&setting), postgres: postgres::Postgres::with(&setting) };
    let writes = Write::all(&setting);
    let (mut problems, mut rows) = (Vec::new(), 0);
    for line in TABLE.lines().filter(|line| line.starts_with("| `")) {
        rows += 1;
        let line = line.replace("\\|", "\u{1}");
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let text = cells.next().expect("an expression").trim_matches('`').replace('\u{1}', "|");
        let stated: Vec<&str> = cells.collect();
        let scope = Scope::check(&setting.model, data::item(&setting.model).id);
        let rule = compile(&text, &scope).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let mut compare = |place: &str, got: Vec<&str>| {
            if got != stated {
                problems.push(format!("{text}\n  {place}: {got:?}\n  stated: {stated:?}"));
            }
        };
        let on_sqlite =
            writes.iter().map(|write| write.answer(&setting, &rule, (Dialect::Sqlite, &mut databases.sqlite)));
        compare("SQLite", on_sqlite.map(letter).collect());
        let on_postgres =
            writes.iter().map(|write| write.answer(&setting, &rule, (Dialect::Postgres, &mut databases.postgres)));
        compare("PostgreSQL", on_postgres.map(letter).collect());
        if !rule.needs_store {
            let in_memory = writes.iter().map(|write| truth(&rule.expr, &InMemory(write, &setting)));
            compare("memory", in_memory.map(letter).collect());
        }
    }
    assert!(rows > 25, "{rows} rows");
    assert!(problems.is_empty(), "old.md:\n{}", problems.join("\n"));
}
