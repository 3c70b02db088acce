//! Relations in documents that come, go and change: the tables that follow them, and what stored documents refer to.

use super::changed::Place;
use super::obstacles::refused;
use super::{Change, check};

const BLOCKS: &str = "union Block = Quote | Teaser type Quote @embedded { text: String }";

/// Pages with blocks, one of whose types has this member.
fn pages(member: &str) -> String {
    format!(
        "{BLOCKS} type Teaser @embedded {{ {member} }} type Post @open {{ title: String! }} \
         type Page @open {{ blocks: [Block!] }}"
    )
}

const RECORDS: [(&str, &str); 5] = [
    ("Post", r#"{"title":"P"}"#),
    ("Post", r#"{"title":"Q"}"#),
    ("Page", r#"{"blocks":[{"__typename":"Teaser","post":"%0"},{"__typename":"Teaser","post":"%0"}]}"#),
    ("Page", r#"{"blocks":[{"__typename":"Quote","text":"t"},{"__typename":"Teaser","post":"%1"}]}"#),
    ("Page", "{}"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_in_documents_becomes_a_relation() {
    check(
        "an_id_in_documents_becomes_a_relation",
        Change { old: &pages("post: ID!"), records: &RECORDS, new: &pages("post: Post!"), then: &[("Page", "blocks")] },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relation_in_documents_becomes_a_text() {
    check(
        "a_relation_in_documents_becomes_a_text",
        Change {
            old: &pages("post: Post!"),
            records: &RECORDS,
            new: &pages("post: String"),
            then: &[("Page", "blocks")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_about_a_relation_in_documents_is_renamed() {
    check(
        "everything_about_a_relation_in_documents_is_renamed",
        Change {
            old: &pages("post: Post!"),
            records: &RECORDS,
            new: r#"union Block = Quote | Lead type Quote @embedded { text: String }
                type Lead @embedded @renamed(from: "Teaser") { article: Article! @renamed(from: "post") }
                type Article @open @renamed(from: "Post") { title: String! }
                type Sheet @open @renamed(from: "Page") { parts: [Block!] @renamed(from: "blocks") }"#,
            then: &[("Sheet", "parts")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relation_in_documents_opens_to_null_and_to_deletion() {
    check(
        "a_relation_in_documents_opens_to_null_and_to_deletion",
        Change {
            old: &pages("post: Post!"),
            records: &RECORDS,
            new: &pages("post: Post @onDelete(do: RESTRICT) caption: String"),
            then: &[("Page", "blocks")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_that_documents_refer_to_goes() {
    check(
        "a_type_that_documents_refer_to_goes",
        Change {
            old: &pages("post: Post caption: String"),
            records: &RECORDS,
            new: &format!(
                "{BLOCKS} type Teaser @embedded {{ caption: String }} type Page @open {{ blocks: [Block!] }}"
            ),
            then: &[("Page", "blocks")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_with_documents_that_refer_to_others_comes() {
    check(
        "a_type_with_documents_that_refer_to_others_comes",
        Change {
            old: "type Post @open { title: String! }",
            records: &[("Post", r#"{"title":"P"}"#)],
            new: &pages("post: Post!"),
            then: &[("Post", "title")],
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_of_a_relation_in_documents_are_written_anew() {
    check(
        "both_ends_of_a_relation_in_documents_are_written_anew",
        Change {
            old: &pages("post: Post!"),
            records: &RECORDS,
            new: &pages("post: Post!").replace("title: String!", "title: String! n: Int! @backfill(from: \"1\")"),
            then: &[("Page", "blocks"), ("Post", "title,n")],
        },
    )
    .await;
}

/// Links with a reference to one of several types.
const LINKS: [(&str, &str); 4] = [
    ("Post", r#"{"title":"P"}"#),
    ("Topic", r#"{"title":"T"}"#),
    ("Page", r#"{"links":[{"to":{"__typename":"Post","id":"%0"}},{"to":null}]}"#),
    ("Page", r#"{"links":[{"to":{"__typename":"Topic","id":"%1"}}]}"#),
];

fn links(union: &str, types: &str) -> String {
    format!("union To = {union} type Link @embedded {{ to: To }} {types} type Page @open {{ links: [Link!] }}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_union_that_documents_refer_to_changes() {
    let types = "type Post @open { title: String } type Topic @open { title: String }";
    let old = links("Post | Topic", types);
    let new = "type Article @open @renamed(from: \"Post\") { title: String } type Topic @open { title: String } \
               type Note @open { title: String }";
    check(
        "a_union_that_documents_refer_to_changes",
        Change { old: &old, records: &LINKS, new: &links("Note | Article | Topic", new), then: &[("Page", "links")] },
    )
    .await;
    let told = "can't be converted (it refers to a record of Topic, to which the relation can't lead any more)";
    for mut place in Place::both() {
        place.apply(&old, false).expect("a database");
        place.create(&old, &LINKS).await;
        let steps = place.plan(&links("Post", types));
        let found: Vec<String> = steps.iter().flat_map(|step| &step.findings).map(ToString::to_string).collect();
        assert!(matches!(found.as_slice(), [one] if one.contains(told)), "{}: {found:?}", place.name());
        assert!(place.apply(&links("Post", types), true).is_err(), "{}", place.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_no_record_are_named() {
    let records = [
        ("Post", r#"{"title":"P"}"#),
        ("Page", r#"{"blocks":[{"__typename":"Teaser","post":"%0"},{"__typename":"Teaser","post":"%1"}]}"#),
    ];
    let records = [records[0], ("Post", r#"{"title":"Q"}"#), records[1]];
    let wrong = "1 value of Page.blocks, \"%0\", refers to no record (at /0/post: there is no Topic with this id): %2; remove \
                 those references first, or create the records that they lead to";
    let new = pages("post: Topic!") + " type Topic @open { title: String }";
    refused(&pages("post: ID!"), &records, &new, &[wrong]).await;
    let text = [("Page", r#"{"blocks":[{"__typename":"Teaser","post":"x"}]}"#)];
    let wrong = "1 value of Page.blocks, \"[{\"__typename\":\"Teaser\",\"post\":\"x\"}]\", can't be converted (at /0/post: expected an \
                 id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"): %0; change those records first, or give the field a \
                 `@backfill(from: …)`";
    refused(&pages("post: String!"), &text, &pages("post: Post!"), &[wrong]).await;
}

/// References that a migration found, and those that were written, keep integrity on both databases.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn references_in_documents_keep_integrity() {
    let types = |page: &str, to: &str| {
        format!(
            "union Block = Teaser | Aside type Teaser @embedded {{ post: {page}! }} \
             type Aside @embedded {{ see: See }} type See @embedded {{ to: {to} }} \
             type Post @open @trash {{ title: String! blocks: [Block!] }} type Topic @open {{ name: String }} \
             union Subject = Post | Topic \
             type Page @open @trash @history(read: \"true\") {{ blocks: [Block!] aside: Block topics: [See!] }}"
        )
    };
    let (old, new) = (types("ID", "Subject @onDelete(do: RESTRICT)"), types("Post", "Subject @onDelete(do: SET_NULL)"));
    for mut place in Place::both() {
        let name = place.name();
        place.apply(&old, false).expect("a database");
        let topic = r#"{"__typename":"Topic","id":"%3"}"#;
        let aside = format!(r#"{{"__typename":"Aside","see":{{"to":{topic}}}}}"#);
        let records = [
            ("Post", r#"{"title":"a"}"#),
            ("Post", r#"{"title":"b"}"#),
            ("Post", r#"{"title":"c","blocks":[{"__typename":"Teaser","post":"%0"}]}"#),
            ("Topic", "{}"),
            ("Page", &*format!(r#"{{"blocks":[{aside},{{"__typename":"Teaser","post":"%1"}}],"aside":{aside}}}"#)),
            ("Page", &*format!(r#"{{"topics":[{{"to":{topic}}},{{"to":{{"__typename":"Post","id":"%2"}}}}]}}"#)),
        ];
        place.create(&old, &records).await;
        assert!(!place.can_delete(&old, ("Topic", 3)).await, "{name}");
        place.applied(&new);
        assert!(!place.can_delete(&new, ("Post", 0)).await, "{name}");
        assert!(!place.can_delete(&new, ("Post", 1)).await, "{name}");
        // Both fields of one page and one of the other are emptied, each page in one change.
        assert!(place.can_delete(&new, ("Topic", 3)).await, "{name}");
        let pages = r#"{"items":[{"version":2,"blocks":[{"__typename":"Aside","see":null},{"__typename":"Teaser","post":"%1"}],"aside":{"__typename":"Aside","see":null},"topics":null},{"version":2,"blocks":null,"aside":null,"topics":[{"to":null},{"to":{"__typename":"Post","id":"%2"}}]}],"next":null}"#;
        assert_eq!(place.records(&new, ("Page", "version,blocks,aside,topics")).await, pages, "{name}");
        assert_eq!(place.history(&new, ("Page", 5)).await.len(), 2, "{name}");
        // An update ends a reference, and another begins.
        place.update(&new, ("Post", 2), r#"{"blocks":[{"__typename":"Teaser","post":"%1"}]}"#).await;
        assert!(place.can_delete(&new, ("Post", 0)).await, "{name}");
        // A record that comes back keeps what it refers to again.
        place.delete(&new, ("Page", 4)).await;
        place.delete(&new, ("Post", 2)).await;
        place.restore(&new, ("Page", 4)).await;
        assert!(!place.can_delete(&new, ("Post", 1)).await, "{name}");
        place.delete(&new, ("Page", 4)).await;
        assert!(place.can_delete(&new, ("Post", 1)).await, "{name}");
        assert_eq!(place.differences(&new), "", "{name}");
    }
}
