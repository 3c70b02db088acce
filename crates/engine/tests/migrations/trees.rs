//! Trees come, follow other relations, and go.

use crate::changed::Place;
use crate::obstacles::refused;
use crate::{Change, check};

const PLAIN: &str = "type P @open { a: String! p: P ps: [P!] @inverse(field: \"p\") }";
const TREE: &str = "type P @open @tree(parent: \"p\") { a: String! p: P ps: [P!] @inverse(field: \"p\") }";
const RECORDS: [(&str, &str); 4] = [
    ("P", r#"{"a":"one"}"#),
    ("P", r#"{"a":"two","p":"%0"}"#),
    ("P", r#"{"a":"three","p":"%1"}"#),
    ("P", r#"{"a":"four","p":"%0"}"#),
];
const LINES: &str = "a,ancestors{a},descendants{a}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_becomes_a_tree() {
    let then = &[("P", LINES)];
    check("a_type_becomes_a_tree", Change { old: PLAIN, records: &RECORDS, new: TREE, then }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_is_a_tree_no_more() {
    let then = &[("P", "a,p")];
    check("a_type_is_a_tree_no_more", Change { old: TREE, records: &RECORDS, new: PLAIN, then }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relation_of_a_tree_is_renamed() {
    let new = "type Q @open @renamed(from: \"P\") @tree(parent: \"above\") { a: String! above: Q @renamed(from: \"p\") \
               ps: [Q!] @inverse(field: \"above\") }";
    let then = &[("Q", LINES)];
    check("the_relation_of_a_tree_is_renamed", Change { old: TREE, records: &RECORDS, new, then }).await;
}

/// The table is written anew, and the paths with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_follows_another_relation() {
    let old = "type P @open @tree(parent: \"p\") { a: String! b: String p: P q: P }";
    let new = "type P @open @tree(parent: \"q\") { a: String! b: Int p: P q: P }";
    let records =
        &[("P", r#"{"a":"one"}"#), ("P", r#"{"a":"two","p":"%0"}"#), ("P", r#"{"a":"three","p":"%1","q":"%0"}"#)];
    let then = &[("P", LINES)];
    check("a_tree_follows_another_relation", Change { old, records, new, then }).await;
}

/// What the model called like that before is something else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_make_way_for_those_of_a_tree() {
    let old = "type P @open { a: String! p: P ancestors: Int descendants: [P!] }";
    let new = "type P @open @tree(parent: \"p\") { a: String! p: P }";
    let records = &[("P", r#"{"a":"one","ancestors":1}"#), ("P", r#"{"a":"two","p":"%0","descendants":["%0"]}"#)];
    let then = &[("P", LINES)];
    check("fields_make_way_for_those_of_a_tree", Change { old, records, new, then }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_in_a_circle_are_named() {
    let circle = "type P @open { a: String! p: P } type R @open { p: P }";
    let tree = "type P @open @tree(parent: \"p\") { a: String! p: P } type R @open { p: P }";
    for mut place in Place::both() {
        place.apply(circle, false).expect("a database");
        place.create(circle, &RECORDS).await;
        place.update(circle, ("P", 0), r#"{"p":"%2"}"#).await;
        let told: Vec<String> =
            place.plan(tree).iter().flat_map(|step| &step.findings).map(|of| place.shown(&of.to_string())).collect();
        let expected = "4 records are in or below a circle of P.p: %0, %1, %2, %3; change those records so that each tree \
                        has a root";
        assert_eq!(told, [expected], "{}", place.name());
        assert!(place.apply(tree, true).is_err(), "{}", place.name());
        assert_eq!(place.plan(circle), [], "{}: nothing was changed", place.name());
        place.update(circle, ("P", 0), r#"{"p":null}"#).await;
        place.apply(tree, false).expect("a tree");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_too_far_down_are_named() {
    let mut records = vec![("P", r#"{"a":"one"}"#.to_owned())];
    records.extend((0..33).map(|above| ("P", format!(r#"{{"a":"next","p":"%{above}"}}"#))));
    let records: Vec<(&str, &str)> = records.iter().map(|(of, body)| (*of, body.as_str())).collect();
    let expected = "2 records are more than 32 levels down: %32, %33; move those records further up";
    refused(PLAIN, &records, TREE, &[expected]).await;
}
