//! References to one of several types that come, go and change.

use super::changed::Place;
use super::{Change, check};

const LINKS: [(&str, &str); 4] = [
    ("Page", r#"{"title":"P"}"#),
    ("Post", r#"{"title":"Q"}"#),
    ("Link", r#"{"to":{"__typename":"Page","id":"%0"}}"#),
    ("Link", r#"{"to":{"__typename":"Post","id":"%1"}}"#),
];

/// The types and a link with a reference of this type.
fn link(union: &str, to: &str) -> String {
    format!(
        "{union} type Page @open {{ title: String! }} type Post @open {{ title: String! }} type Link @open {{ {to} }}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_opens_to_several_types() {
    check(
        "a_reference_opens_to_several_types",
        Change {
            old: &link("", "to: Page!"),
            records: &[("Page", r#"{"title":"P"}"#), ("Link", r#"{"to":"%0"}"#)],
            new: &link("union Target = Post | Page", "to: Target!"),
            then: &[("Link", "to{title}")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_narrows_to_one_type() {
    check(
        "a_reference_narrows_to_one_type",
        Change {
            old: &link("union Target = Post | Page", "to: Target"),
            records: &LINKS,
            new: &link("", "target: Page @renamed(from: \"to\")"),
            then: &[("Link", "target{title}")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_union_gets_and_loses_types() {
    let old = link("union Target = Page | Post", "to: Target");
    let note = "type Note @open { title: String! }";
    check(
        "a_union_gets_a_type",
        Change {
            old: &old,
            records: &LINKS,
            new: &format!("{} {note}", link("union Target = Note | Page | Post", "to: Target")),
            then: &[("Link", "to{title}")],
        },
    )
    .await;
    check(
        "a_union_loses_a_type",
        Change {
            old: &old,
            records: &LINKS,
            new: &link("union Target = Page", "to: Target"),
            then: &[("Link", "to{title}")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_of_a_union_is_renamed() {
    check(
        "a_type_of_a_union_is_renamed",
        Change {
            old: &link("union Target = Page | Post", "to: Target! links: Target @unique"),
            records: &LINKS,
            new: r#"union Place = Page | Article type Page @open { title: String! } type Article @open @renamed(from: "Post") { title: String! links: [Link!] @inverse(field: "at") } type Link @open { at: Place! @renamed(from: "to") links: Place @unique }"#,
            then: &[("Link", "at{title}"), ("Article", "links{id}")],
        },
    )
    .await;
}

/// What keeps a change from being made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_reference_that_would_lead_nowhere_is_in_the_way() {
    let both = link("union Target = Page | Post", "to: Target!");
    let optional = link("union Target = Page | Post", "to: Target");
    let without = link("union Target = Page | Post", "x: Int");
    for (old, new, expected) in [
        (
            &both,
            link("union Target = Page", "to: Target!"),
            "1 record would have no value in Link.to, which is required: %3",
        ),
        (&both, link("", "to: Page!"), "1 record would have no value in Link.to: %3"),
        (&optional, both.clone(), "1 record would have no value in Link.to: %4"),
        (&without, both.clone(), "1 record would have no value in Link.to: %4"),
    ] {
        let mut records: Vec<(&str, &str)> = LINKS.to_vec();
        match old {
            _ if *old == without => records = vec![LINKS[0], LINKS[1], LINKS[0], LINKS[1], ("Link", "{}")],
            _ if *old == optional => records.push(("Link", "{}")),
            _ => {}
        }
        for mut place in Place::both() {
            place.apply(old, false).expect("a database");
            place.create(old, &records).await;
            let steps = place.plan(&new);
            let found = steps.iter().flat_map(|step| &step.findings).filter(|finding| finding.is_obstacle);
            let found: Vec<String> = found.map(ToString::to_string).collect();
            let found = place.shown(&found.join("; "));
            assert!(found.starts_with(expected), "{}: {new}\n{found}", place.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_types_refer_to_each_other() {
    let new = r"type A @open { name: String }
        type B @open { c: C  d: D!  songs: [D!] }
        type C @open { b: B  a: A! }
        type D @open { label: String! }";
    check(
        "new_types_refer_to_each_other",
        Change {
            old: "type A @open { name: String }",
            records: &[("A", r#"{"name":"one"}"#)],
            new,
            then: &[("A", "name"), ("B", "c{id}"), ("C", "b{id}"), ("D", "label")],
        },
    )
    .await;
}
