//! Rights before questions: every filter of the tables under rules of every form. Each value that the caller wrote is
//! passed through a function of SQL that notes on which record it was evaluated; a hidden record must never be among them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use backstay_base::{Action, RecordId};
use backstay_sql::{Dialect, PageStart, Perspective, Planner, ReadScope, ReadShape, Selection, Slot, Statement};

use crate::sqlite::Sqlite;
use crate::table::Table;
use crate::{Database as _, Setting, rights};

const TABLES: [&str; 13] = [
    "aggregates",
    "documents",
    "embedded",
    "json",
    "logic",
    "money",
    "numbers",
    "references",
    "texts",
    "times",
    "lists",
    "relations",
    "trees",
];

/// Rules that name no value of their own, so that every bound value but the caller's id is the filter's.
const RULES: [&[(&str, &str)]; 9] = [
    &[("Item", "this.flag == true")],
    &[("Item", "!(this.number == 3)")],
    &[("Item", "this.owner.age != null")],
    &[("Item", "this.parts.exists(p, p.ok == true)")],
    &[("Item", "this.parts.all(p, p.ok == true)")],
    &[("Item", "this.team.members.exists(m, m == auth.id)")],
    &[("Item", "this.flag == true && this.team.members.exists(m, m == auth.id)")],
    &[("Item", "this.owner == auth.id || this.parts.exists(p, p.weight > 3)")],
    &[
        ("Item", "this.owner.age != null"),
        ("Item.title", "this.parts.exists(p, p.ok == true)"),
        ("Part", "this.ok == true"),
    ],
];

/// The ids of a collection's records that a filter finds, or all; and the statement.
fn read(setting: &Setting, (collection, filter): (&str, Option<&str>)) -> (String, Vec<Slot>, Statement) {
    let collection = setting.model.collection_named(collection).expect("a collection").id;
    let checked = filter.map(|filter| setting.compile(filter));
    let shape = ReadShape {
        action: Action::Read,
        perspective: Perspective::Live,
        collection,
        selection: Selection::id(),
        first_param: 0,
        filter: checked.as_ref().map(|checked| checked.expr.clone()),
        search: None,
        scope: ReadScope::Page { sort: Vec::new(), start: PageStart::First },
    };
    let plan = Planner::new(Arc::clone(&setting.model), Dialect::Sqlite).read(&shape, &setting.rights);
    let value = |slot: &Slot| match &checked {
        Some(checked) => setting.value(slot, checked),
        None => setting.value(slot, &setting.compile("true")),
    };
    let statement = plan.template.bind(value);
    (plan.template.text().to_owned(), plan.template.slots().cloned().collect(), statement)
}

/// The name of the part that a text after this one can refer to: its SELECT is still open.
fn part_at_hand(text: &str) -> Option<&str> {
    let names = text.match_indices("\"part\" AS \"").map(|(at, start)| at + start.len());
    let open = |at: &usize| {
        let mut depth = 0;
        text[*at..].chars().all(|character| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            depth >= 0
        })
    };
    let at = names.filter(open).last()?;
    text[at..].split('"').next()
}

/// The statement with every value of the caller's noted: on the item, and on the part in whose SELECT it stands.
fn noted(text: &str, slots: &[Slot]) -> String {
    let mut out = String::new();
    let mut slots = slots.iter();
    for piece in text.split_inclusive('?') {
        let Some(before) = piece.strip_suffix('?') else {
            out.push_str(piece);
            continue;
        };
        out.push_str(before);
        match slots.next().expect("a slot for each placeholder") {
            // The number of rows of a SELECT belongs to none of them.
            Slot::Constant(_) if before.ends_with("LIMIT ") => out.push('?'),
            Slot::Param(..) | Slot::Constant(_) | Slot::Now => {
                let part = part_at_hand(&out).map_or_else(|| "NULL".to_owned(), |alias| format!("\"{alias}\".\"id\""));
                write!(out, "noted(?, \"t1\".\"id\", {part})").expect("writes");
            }
            _ => out.push('?'),
        }
    }
    out
}

#[test]
fn nothing_that_a_caller_writes_is_evaluated_on_a_hidden_record() {
    let mut looked_up = BTreeSet::new();
    let (mut evaluated, mut filters) = (0, 0);
    for rules in RULES {
        let mut setting = Setting::new("barrier");
        setting.rights = rights(&setting.model, rules);
        let mut database = Sqlite::with(&setting);
        let mut visible = BTreeSet::new();
        for collection in ["Item", "Part"] {
            let (_, _, statement) = read(&setting, (collection, None));
            visible.extend(database.ids(&statement).expect("ids"));
        }
        let hidden = |id: &RecordId| !visible.contains(id);
        assert!(setting.data.items.iter().any(hidden), "{rules:?} hide something");
        for table in TABLES {
            let path = format!("{}/../store/tests/expressions/{table}.md", env!("CARGO_MANIFEST_DIR"));
            for row in Table::read(&path).rows() {
                let (text, slots, statement) = read(&setting, ("Item", Some(&row.expression)));
                let seen = database.noting(&noted(&text, &slots), statement.params());
                filters += 1;
                evaluated += seen.len();
                if seen.iter().any(hidden) {
                    looked_up.insert(row.expression.clone());
                }
            }
        }
    }
    assert!(filters > 1000 && evaluated > 1000, "{evaluated} evaluations in {filters} reads");
    let by_index = ["owner == $ann", "shelf.within($board)", "shelf.within($hall)", "shelf.within($hall) && flag"];
    let by_index = by_index.map(str::to_owned).into();
    assert_eq!(looked_up, by_index, "only what an index can find");
}
