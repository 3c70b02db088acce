//! The expression language, specified by the tables in `expressions/*.md`: each expression has one text for SQLite and
//! one for PostgreSQL, and both databases and the evaluation in memory give the answers that the table states, for each
//! record of a small data set. With `UPDATE_EXPRESSIONS=1` the SQL texts are written anew; answers never are.
#![expect(
    clippy::panic,
    reason = "what is wrong with a table, a statement or a database fails the test, and is to show why"
)]

#[path = "expressions/barrier.rs"]
mod barrier;
#[path = "expressions/data.rs"]
mod data;
/// The functions that the store adds to its connections.
#[path = "../src/sqlite/document_functions.rs"]
mod document_functions;
#[path = "../src/sqlite/functions.rs"]
mod functions;
#[path = "expressions/memory.rs"]
mod memory;
#[path = "expressions/old.rs"]
mod old;
#[path = "expressions/postgres.rs"]
mod postgres;
#[path = "expressions/random.rs"]
mod random;
#[path = "expressions/random_money.rs"]
mod random_money;
#[path = "expressions/reads.rs"]
mod reads;
#[path = "expressions/scopes.rs"]
mod scopes;
#[path = "expressions/sent.rs"]
mod sent;
/// The functions that the store adds to PostgreSQL.
#[path = "../src/server_functions.rs"]
mod server_functions;
#[path = "expressions/sqlite.rs"]
mod sqlite;
#[path = "expressions/table.rs"]
mod table;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use backstay_base::{Action, Caller, RecordId, Timestamp};
use backstay_expr::{
    Account, CallerPart, Checked, CollectionRights, Expr, FieldRights, Node, Rights, Rule, Scope, Truth, compile,
};
use backstay_model::{Collection, FieldId, Model};
use backstay_scalar::Value;
use backstay_sql::{Dialect, PageStart, Perspective, Planner, ReadScope, ReadShape, Selection, Slot, Statement};

use data::Data;
use table::{Row, Table};

/// What a table is run with.
struct Setting {
    model: Arc<Model>,
    data: Data,
    caller: Caller,
    now: Timestamp,
    rights: Rights,
    /// Values of parameters beside those of the data set.
    params: HashMap<String, Value>,
    /// Whether the expressions are rules, and not what clients ask.
    of_rules: bool,
}

impl Setting {
    fn new(name: &str) -> Self {
        let (model, data) = data::load();
        let caller = match name {
            "anonymous" | "no_account" => Caller::anonymous(),
            _ => data::caller(&data),
        };
        let rights = rights(&model, if name == "hidden" { &HIDDEN } else { &[] });
        let now = backstay_testkit::moment("2026-02-01T00:00:00Z");
        let of_rules = matches!(name, "account" | "no_account");
        Self { model, data, caller, now, rights, params: HashMap::new(), of_rules }
    }

    /// A filter of items, or a rule of theirs.
    fn compile(&self, text: &str) -> Checked {
        let scope = if self.of_rules { Scope::rule } else { Scope::filter };
        let scope = scope(&self.model, data::item(&self.model).id);
        compile(text, &scope).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
    }

    fn param(&self, name: &str) -> Value {
        self.params.get(name).cloned().unwrap_or_else(|| data::param(name))
    }

    fn value(&self, slot: &Slot, checked: &Checked) -> Value {
        match slot {
            Slot::Param(index, part) => part.of(&self.param(&checked.params[usize::from(*index)].name)),
            Slot::Now => Value::Timestamp(self.now),
            Slot::Limit => Value::Int(100),
            Slot::Account(column) => column.part.of(&self.account(checked, column.field)),
            Slot::Caller(CallerPart::Id) => self.caller.id.map_or(Value::Null, Value::Id),
            Slot::Caller(CallerPart::Kind) => Value::text(self.caller.kind.name()),
            Slot::Caller(CallerPart::Link) => self.caller.link.map_or(Value::Null, Value::Id),
            Slot::Caller(CallerPart::Verified) => Value::Bool(self.caller.verified),
            Slot::Caller(CallerPart::Roles) => {
                Value::List(self.caller.roles.iter().map(|role| Value::Text(role.clone())).collect())
            }
            Slot::Caller(CallerPart::Claim(name)) => {
                self.caller.claims.get(&**name).map_or(Value::Null, |text| Value::text(text.as_str()))
            }
            other => panic!("no value for {other:?}"),
        }
    }

    /// A field of the caller's own record, of which is known what the expression names.
    fn account(&self, checked: &Checked, field: FieldId) -> Value {
        let own = self.data.records.iter().find(|record| Some(record.1) == self.caller.id);
        let known = own.map(|own| {
            let values = checked.account.iter().map(|field| (*field, own.2[usize::from(field.0)].clone()));
            Account::new(values).into_own_record()
        });
        Account::value(&Caller { account: known, ..self.caller.clone() }, field)
    }

    /// The statement that finds the items for which the expression is true.
    fn statement(&self, checked: &Checked, expr: &Expr, dialect: Dialect) -> (String, Statement) {
        let collection = data::item(&self.model).id;
        let shape = ReadShape {
            action: Action::Read,
            perspective: Perspective::Live,
            collection,
            selection: Selection::id(),
            first_param: 0,
            filter: Some(expr.clone()),
            search: None,
            scope: ReadScope::Page { sort: Vec::new(), start: PageStart::First },
        };
        let plan = Planner::new(Arc::clone(&self.model), dialect).read(&shape, &self.rights);
        let statement = plan.template.bind(|slot| self.value(slot, checked));
        (condition(plan.template.text()), statement)
    }
}

/// The part of a statement that an expression makes.
fn condition(text: &str) -> String {
    let (_, tables) = text.split_once("FROM \"item\" AS \"t1\"").expect("reads items");
    let (condition, _) = tables.rsplit_once(" ORDER BY").expect("is ordered");
    let condition = condition.trim_start();
    condition.strip_prefix("WHERE ").unwrap_or(if condition.is_empty() { "always" } else { condition }).to_owned()
}

/// `number`, `doc` and `blocks` are seen where `flag` is true; people without an age, parts that are not ok and notes without an author are not
/// seen at all.
const HIDDEN: [(&str, &str); 7] = [
    ("Person", "this.age != null"),
    ("Part", "this.ok == true"),
    ("Note", "this.author != null"),
    ("Shelf", "this.open == true"),
    ("Item.number", "this.flag == true"),
    ("Item.doc", "this.flag == true"),
    ("Item.blocks", "this.flag == true"),
];

/// Rights to read everything but for these rules of types and fields.
fn rights(model: &Model, rules: &[(&str, &str)]) -> Rights {
    let rule = |collection: &Collection, name: &str| match rules.iter().find(|(of, _)| *of == name) {
        Some((_, text)) => {
            let checked = compile(*text, &Scope::rule(model, collection.id)).expect("a rule");
            Rule::new(checked.expr, checked.needs_store)
        }
        None => Rule::allowed(),
    };
    Rights::new(model.collections.iter().map(|collection| {
        let mut rights = CollectionRights::default();
        rights.allow(Action::Read, rule(collection, &collection.name));
        for field in &collection.fields {
            let mut of_field = FieldRights::default();
            of_field.allow(Action::Read, rule(collection, &format!("{}.{}", collection.name, field.name)));
            rights.field(of_field);
        }
        rights
    }))
}

/// The answers as the table writes them: one letter per item.
fn letters(items: &[RecordId], truth: impl Fn(RecordId) -> Truth) -> String {
    let letter = |id: &RecordId| match truth(*id) {
        Truth::True => "T",
        Truth::False => "F",
        Truth::Unknown => "?",
    };
    items.iter().map(letter).collect::<Vec<_>>().join(" ")
}

fn found(items: &[RecordId], truths: &BTreeSet<RecordId>, falsehoods: &BTreeSet<RecordId>) -> String {
    letters(items, |id| match (truths.contains(&id), falsehoods.contains(&id)) {
        (true, false) => Truth::True,
        (false, true) => Truth::False,
        (false, false) => Truth::Unknown,
        (true, true) => panic!("both true and false"),
    })
}

/// A connection to one of the databases, with the data in it.
trait Database {
    /// The ids in this column.
    fn ids_in(&mut self, statement: &Statement, column: usize) -> Result<BTreeSet<RecordId>, String>;
    /// The ids in the first column.
    fn ids(&mut self, statement: &Statement) -> Result<BTreeSet<RecordId>, String> {
        self.ids_in(statement, 0)
    }
    /// The text in this column of the only row.
    fn text(&mut self, statement: &Statement, column: usize) -> String;
    /// The truth in the first column of the only row.
    fn truth(&mut self, statement: &Statement) -> Truth;
}

fn run(setting: &Setting, database: &mut dyn Database, checked: &Checked, dialect: Dialect) -> (String, String) {
    let contrary = Expr { node: Node::Not(Box::new(checked.expr.clone())), ..checked.expr.clone() };
    let (text, when) = setting.statement(checked, &checked.expr, dialect);
    let (_, unless) = setting.statement(checked, &contrary, dialect);
    let answers = database.ids(&when).and_then(|truths| Ok((truths, database.ids(&unless)?)));
    let items = &setting.data.items;
    match answers {
        Ok((truths, falsehoods)) => (text, found(items, &truths, &falsehoods)),
        Err(error) => (text, format!("error: {error}")),
    }
}

fn check_row(setting: &Setting, databases: &mut Databases, row: &mut Row, problems: &mut Vec<String>) {
    let checked = setting.compile(&row.expression);
    let memory = letters(&setting.data.items, |id| memory::truth(setting, &checked, id));
    let (sqlite, on_sqlite) = run(setting, &mut databases.sqlite, &checked, Dialect::Sqlite);
    let (postgres, on_postgres) = run(setting, &mut databases.postgres, &checked, Dialect::Postgres);
    for (place, got) in [("memory", memory), ("SQLite", on_sqlite), ("PostgreSQL", on_postgres)] {
        if got != row.answers {
            problems.push(format!("{}\n  in {place}: {got}\n  stated:  {}", row.expression, row.answers));
        }
    }
    let update = std::env::var_os("UPDATE_EXPRESSIONS").is_some();
    for (stated, got) in [(&mut row.sqlite, sqlite), (&mut row.postgres, postgres)] {
        if update {
            *stated = got;
        } else if *stated != got {
            problems.push(format!("{}\n  SQL:    {got}\n  stated: {stated}", row.expression));
        }
    }
}

struct Databases {
    sqlite: sqlite::Sqlite,
    postgres: postgres::Postgres,
}

fn check(name: &str) {
    let path = format!("{}/../store/tests/expressions/{name}.md", env!("CARGO_MANIFEST_DIR"));
    let mut table = Table::read(&path);
    let setting = Setting::new(name);
    let mut databases =
        Databases { sqlite: sqlite::Sqlite::with(&setting), postgres: postgres::Postgres::with(&setting) };
    let mut problems = Vec::new();
    for row in table.rows() {
        check_row(&setting, &mut databases, row, &mut problems);
    }
    if std::env::var_os("UPDATE_EXPRESSIONS").is_some() {
        table.write(&path);
    }
    assert!(problems.is_empty(), "{name}.md:\n{}", problems.join("\n"));
}

#[test]
fn logic_and_presence() {
    check("logic");
}

#[test]
fn embedded_values() {
    check("embedded");
}

#[test]
fn references_to_one_of_several_types() {
    check("references");
}

#[test]
fn values_in_documents() {
    check("documents");
}

#[test]
fn values_in_json_fields() {
    check("json");
}

#[test]
fn numbers() {
    check("numbers");
}

#[test]
fn amounts_of_money() {
    check("money");
}

#[test]
fn texts_and_enums() {
    check("texts");
}

#[test]
fn times() {
    check("times");
}

#[test]
fn lists_and_membership() {
    check("lists");
}

#[test]
fn trees() {
    check("trees");
}

#[test]
fn relations() {
    check("relations");
}

#[test]
fn aggregates_of_members() {
    check("aggregates");
}

#[test]
fn what_is_hidden() {
    check("hidden");
}

#[test]
fn computed_fields() {
    check("computed");
}

#[test]
fn the_own_record_of_a_caller() {
    check("account");
}

#[test]
fn the_own_record_of_a_caller_without_one() {
    check("no_account");
}

#[test]
fn anonymous_callers() {
    check("anonymous");
}
