//! What deleting does to records that refer to each other, and what it tells of them.

mod desk;

use desk::{Desk, told};

#[tokio::test]
async fn records_that_refer_to_each_other_go_together() {
    let desk = Desk::open().await;
    for field in ["lead", "deputy"] {
        let team = desk.made("Team", &desk.editor, r#"{"name":"Night"}"#).await;
        let member = desk.made("Membership", &desk.editor, &format!(r#"{{"name":"Ada","team":"{team}"}}"#)).await;
        let body = format!(r#"{{"{field}":"{member}"}}"#);
        desk.update("Team", &desk.editor, team, &body).await.expect("a member leads");
        assert_eq!(told(desk.delete("Team", &desk.editor, team).await), "ok", "{field}");
        assert_eq!(told(desk.get("Membership", &desk.editor, member).await), "not-found");
    }
}

#[tokio::test]
async fn a_ring_of_records_goes_together() {
    let desk = Desk::open().await;
    let team = desk.made("Team", &desk.editor, r#"{"name":"Night"}"#).await;
    let first = desk.made("Membership", &desk.editor, &format!(r#"{{"name":"0","team":"{team}"}}"#)).await;
    let mut last = first;
    for name in 1..4 {
        let body = format!(r#"{{"name":"{name}","team":"{team}","next":"{last}"}}"#);
        last = desk.made("Membership", &desk.editor, &body).await;
    }
    desk.update("Membership", &desk.editor, first, &format!(r#"{{"next":"{last}"}}"#))
        .await
        .expect("the ring is closed");
    assert_eq!(told(desk.delete("Membership", &desk.editor, first).await), "ok");
    let left = desk.page("Membership", &desk.editor, |_| ()).await.expect("a list");
    assert_eq!(left["items"].as_array().map(Vec::len), Some(0));
}

/// As deep as a deletion may go: it runs on the writer's own stack.
#[tokio::test]
async fn a_long_chain_of_records_goes_together() {
    let desk = Desk::open().await;
    let team = desk.made("Team", &desk.editor, r#"{"name":"Night"}"#).await;
    let first = desk.made("Membership", &desk.editor, &format!(r#"{{"name":"0","team":"{team}"}}"#)).await;
    let mut last = first;
    for name in 1..999 {
        let body = format!(r#"{{"name":"{name}","team":"{team}","next":"{last}"}}"#);
        last = desk.made("Membership", &desk.editor, &body).await;
    }
    assert_eq!(told(desk.delete("Membership", &desk.editor, first).await), "ok");
    assert_eq!(told(desk.delete("Team", &desk.editor, team).await), "ok");
}

#[tokio::test]
async fn what_still_refers_is_told_only_to_who_may_see_it() {
    let desk = Desk::open().await;
    let tag = desk.made("Tag", &desk.ada, r#"{"name":"x"}"#).await;
    desk.made("Complaint", &desk.eve, &format!(r#"{{"about":"{tag}"}}"#)).await;
    let seen = "still-referenced: Referenced";
    assert_eq!(told(desk.delete("Tag", &desk.editor, tag).await), seen);

    let section = desk.made("Section", &desk.editor, r#"{"name":"Sport"}"#).await;
    let body = format!(r#"{{"sections":["{section}"]}}"#);
    desk.update("User", &desk.ada, desk.ada.id.expect("an id"), &body).await.expect("ada joins");
    let post = format!(r#"{{"title":"Input","section":"{section}"}}"#);
    desk.made("Post", &desk.ada, &post).await;
    let cleaner = std::sync::Arc::new(backstay_base::Caller::account(desk.engine().next_id(), ["EDITOR"]));
    assert_eq!(told(desk.delete("Section", &cleaner, section).await), "still-referenced: Referenced");
}

#[tokio::test]
async fn links_that_are_not_seen_stay() {
    let desk = Desk::open().await;
    let secret = desk.made("Input", &desk.eve, r#"{"name":"secret"}"#).await;
    let open = desk.made("Input", &desk.ada, r#"{"name":"open"}"#).await;
    let other = desk.made("Input", &desk.ada, r#"{"name":"other"}"#).await;
    let folder = desk.made("Folder", &desk.eve, &format!(r#"{{"drafts":["{secret}"]}}"#)).await;
    desk.update("Folder", &desk.ada, folder, &format!(r#"{{"drafts":["{open}"]}}"#)).await.expect("ada's own");
    desk.update("Folder", &desk.ada, folder, &format!(r#"{{"drafts":["{other}"]}}"#)).await.expect("ada's other");
    let names = |json: serde_json::Value| json["drafts"].to_string();
    let select = Some("drafts{name}");
    assert_eq!(
        names(desk.select("Folder", &desk.ada, folder, select).await.expect("a folder")),
        r#"[{"name":"other"}]"#
    );
    assert_eq!(
        names(desk.select("Folder", &desk.eve, folder, select).await.expect("a folder")),
        r#"[{"name":"secret"}]"#
    );
}

/// Neither checks nor rules tell of a record that the caller may not read.
#[tokio::test]
async fn a_reference_that_is_not_seen_is_refused_before_anything_is_asked_of_it() {
    let desk = Desk::open().await;
    let secret = desk.made("Input", &desk.eve, r#"{"name":"secret"}"#).await;
    let nowhere = desk.engine().next_id();
    let folder = desk.made("Folder", &desk.ada, "{}").await;
    for draft in [secret, nowhere] {
        let body = format!(r#"{{"first":"{draft}"}}"#);
        let refused = "invalid-values: /first Reference";
        assert_eq!(told(desk.create("Folder", &desk.ada, &body).await), refused);
        assert_eq!(told(desk.update("Folder", &desk.ada, folder, &body).await), refused);
    }
}

#[tokio::test]
async fn a_value_that_is_taken_is_named_only_where_it_is_seen() {
    let desk = Desk::open().await;
    desk.made("Input", &desk.eve, r#"{"name":"secret","number":7}"#).await;
    let body = r#"{"name":"x","number":7}"#;
    assert_eq!(told(desk.create("Input", &desk.ada, body).await), "not-unique: UniqueUnseen");
    assert_eq!(told(desk.create("Input", &desk.editor, body).await), "not-unique: Unique");
}

#[tokio::test]
async fn all_references_of_a_record_end_in_one_change() {
    let desk = Desk::open().await;
    let place = desk.made("Place", &desk.ada, r#"{"name":"Rome"}"#).await;
    let trip = desk.made("Trip", &desk.ada, &format!(r#"{{"from":"{place}","to":"{place}"}}"#)).await;
    assert_eq!(told(desk.delete("Place", &desk.ada, place).await), "ok");
    let found = desk.get("Trip", &desk.editor, trip).await.expect("it stays");
    assert_eq!((found["version"].as_i64(), found["from"].is_null(), found["to"].is_null()), (Some(2), true, true));
}

/// Checks are asked of what a client changes, not of what a deletion empties.
#[tokio::test]
async fn a_check_of_a_released_record_blocks_no_deletion() {
    let desk = Desk::open().await;
    let place = desk.made("Place", &desk.ada, r#"{"name":"Rome"}"#).await;
    desk.made("Trip", &desk.ada, &format!(r#"{{"must":"{place}","strict":true}}"#)).await;
    assert_eq!(told(desk.delete("Place", &desk.ada, place).await), "ok");
}
