//! What is hidden stays hidden, whichever way a caller asks: `policy.md` says for each way and each kind of hidden thing
//! what happens, and this test asks. Each cell is asked in worlds that differ only in the hidden thing; a caller who must
//! not see it has to get the same answers in all of them. Where another caller may see it, that caller's answers must
//! differ, or the cell would prove nothing.

#[path = "policy/model.rs"]
mod model;
#[path = "policy/ways.rs"]
mod ways;
#[path = "policy/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fmt::Write;

use ways::Way;
use world::{Asker, Hidden, Session, Told, Variant, World};

const TABLE: &str = include_str!("policy.md");

/// What one caller is told in each of the worlds.
async fn told(way: Way, hidden: Hidden, asker: Asker) -> Vec<Told> {
    let mut told = Vec::new();
    for variant in Variant::ALL {
        let world = World::open(hidden, variant).await;
        let mut session = Session::new(&world, hidden, asker);
        way.ask(hidden, &mut session).await;
        told.push(session.told);
    }
    told
}

/// The requests whose answers are not the same in all worlds.
fn differences(told: &[Told]) -> Vec<String> {
    let mut differences = Vec::new();
    let length = told.iter().map(|told| told.answers.len()).max().unwrap_or(0);
    for index in 0..length {
        let answers: Vec<Option<&String>> = told.iter().map(|told| told.answers.get(index)).collect();
        if answers.iter().any(|answer| *answer != answers[0]) {
            differences.push(format!("{answers:#?}"));
        }
    }
    differences
}

/// What the test finds out about a cell: its word, and what differed.
async fn cell(way: Way, hidden: Hidden) -> (&'static str, String) {
    if !way.applies(hidden) {
        return ("n/a", String::new());
    }
    let seen = told(way, hidden, Asker::Writer).await;
    assert!(seen.iter().all(|told| !told.answers.is_empty()), "{way:?} asks nothing of {hidden:?}");
    let found = differences(&seen);
    if !found.is_empty() {
        return ("leaks", found.join("\n"));
    }
    if !seen.iter().any(|told| told.any_allowed) {
        return ("refused", String::new());
    }
    if way.has_witness(hidden) {
        let witnessed = told(way, hidden, Asker::Witness).await;
        let blind = differences(&witnessed).is_empty() && witnessed.iter().any(|told| told.any_allowed);
        if blind {
            return ("proves nothing", format!("{witnessed:#?}"));
        }
    }
    ("hidden", String::new())
}

/// The cells of a Markdown table's line.
fn line(text: &str) -> Option<Vec<&str>> {
    let inner = text.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// The exceptions beneath the table: "way × hidden thing", each with its reason.
fn exceptions() -> BTreeSet<(String, String)> {
    let (_, list) = TABLE.split_once("## Exceptions").expect("the exceptions");
    let (list, _) = list.split_once("\n## ").expect("what follows them");
    let items = list.lines().filter_map(|line| line.strip_prefix("- **"));
    items
        .map(|item| {
            let (cell, reason) = item.split_once("**: ").expect("a cell and its reason");
            assert!(reason.len() > 20, "{cell}: a reason is missing");
            let (way, hidden) = cell.split_once(" × ").expect("a way and what is hidden");
            (way.to_owned(), hidden.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn every_cell_is_as_the_table_says() {
    let mut rows = TABLE.lines().filter_map(line);
    let head = rows.next().expect("a head");
    assert_eq!(head[1..], Hidden::ALL.map(|(name, _)| name), "the columns");
    let rows: Vec<Vec<&str>> = rows.skip(1).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), Way::ALL.map(|(name, _)| name), "the rows");

    let (mut wrong, mut leaks) = (String::new(), BTreeSet::new());
    for ((way_name, way), row) in Way::ALL.into_iter().zip(&rows) {
        for ((hidden_name, hidden), stated) in Hidden::ALL.into_iter().zip(&row[1..]) {
            let (found, why) = cell(way, hidden).await;
            if found == "leaks" {
                leaks.insert((way_name.to_owned(), hidden_name.to_owned()));
            }
            if found != *stated {
                writeln!(wrong, "{way_name} × {hidden_name}: stated {stated}, found {found}\n{why}").expect("a text");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(leaks, exceptions(), "the leaks and the exceptions, which may only become fewer");
}
