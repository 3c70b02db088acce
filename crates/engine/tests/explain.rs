//! What an explanation tells of a write.

mod desk;

use std::sync::Arc;

use backstay_base::{Caller, RecordId};
use backstay_engine::{Explanation, Request};
use backstay_rest::{ListWords, Raw};
use desk::Desk;

async fn explained(desk: &Desk, caller: &Arc<Caller>, request: Request) -> Explanation {
    desk.client().explain(caller, request).await.expect("explained")
}

fn create(desk: &Desk, of: &str, body: &str) -> Request {
    desk.client().create(of, body).expect("a request")
}

fn update(desk: &Desk, of: &str, id: RecordId, body: &str) -> Request {
    desk.client().update(of, id, body).expect("a request")
}

/// The rules as lines of answers.
fn rules(explanation: &Explanation) -> Vec<String> {
    explanation.rules.iter().map(|rule| format!("{}: {}", rule.of, rule.answer)).collect()
}

#[tokio::test]
async fn a_create_shows_its_rules_and_its_statements() {
    let desk = Desk::open().await;
    let body = format!(r#"{{"title":"Budget","section":"{}"}}"#, desk.section);
    let explanation = explained(&desk, &desk.ada, create(&desk, "Post", &body)).await;
    assert!(explanation.allowed, "{explanation}");
    assert_eq!(rules(&explanation), ["Post create: true", "Post.title check: true"]);
    let insert = explanation.statements.iter().find(|statement| statement.sql.starts_with("INSERT INTO \"post\""));
    let insert = insert.expect("the statement that inserts");
    assert_eq!(insert.rows, 1);
    assert!(insert.values.contains(&"title = \"Budget\"".to_owned()), "{:?}", insert.values);
    let posts = desk.page("Post", &desk.ada, |_| ()).await.expect("a list");
    assert_eq!(posts["items"].as_array().map(Vec::len), Some(0), "what is explained is not done");
}

#[tokio::test]
async fn what_the_database_refuses_is_refused_in_an_explanation_too() {
    let desk = Desk::open().await;
    desk.made("Tag", &desk.ada, r#"{"name":"x"}"#).await;
    let explanation = explained(&desk, &desk.ada, create(&desk, "Tag", r#"{"name":"x"}"#)).await;
    assert!(!explanation.allowed);
    assert_eq!(explanation.refusal.as_deref(), Some("another Tag has this name"));

    let nowhere = desk.engine().next_id();
    let explanation =
        explained(&desk, &desk.ada, create(&desk, "Complaint", &format!(r#"{{"about":"{nowhere}"}}"#))).await;
    assert!(!explanation.allowed);
    assert_eq!(explanation.refusal.as_deref(), Some("/about: there is no Tag with this id"));
}

#[tokio::test]
async fn an_update_shows_the_record_as_it_is_and_as_it_would_be() {
    let desk = Desk::open().await;
    let post = desk.post("").await;
    let explanation = explained(&desk, &desk.ada, update(&desk, "Post", post, r#"{"state":"PUBLISHED"}"#)).await;
    assert_eq!(explanation.refusal.as_deref(), Some("/state: DRAFT cannot become PUBLISHED; it can become REVIEW"));
    desk.update("Post", &desk.ada, post, r#"{"state":"REVIEW"}"#).await.expect("a review");
    let explanation = explained(&desk, &desk.ada, update(&desk, "Post", post, r#"{"state":"PUBLISHED"}"#)).await;
    assert!(!explanation.allowed);
    assert_eq!(rules(&explanation), ["Post read: true", "Post update: true", "Post.state REVIEW to PUBLISHED: false",]);
    let guard = &explanation.rules[2];
    assert_eq!((guard.text.as_str(), guard.place.starts_with("model/desk.graphql:")), ("editor", true));

    let explanation = explained(&desk, &desk.editor, update(&desk, "Post", post, r#"{"state":"PUBLISHED"}"#)).await;
    assert!(explanation.allowed, "{explanation}");
    assert!(explanation.statements.iter().any(|statement| statement.sql.starts_with("UPDATE \"post\"")));
}

#[tokio::test]
async fn rules_of_fields_are_shown_with_the_values_they_saw() {
    let desk = Desk::open().await;
    let id = desk.made("Request", &desk.ada, "{}").await;
    let explanation = explained(&desk, &desk.ada, update(&desk, "Request", id, r#"{"score":1}"#)).await;
    assert!(!explanation.allowed);
    assert_eq!(
        rules(&explanation),
        [
            "Request read: true",
            "Request update: true",
            "Request update, afterwards: true",
            "Request.score update: false",
        ]
    );
}

#[tokio::test]
async fn a_delete_shows_what_goes_with_it() {
    let desk = Desk::open().await;
    let team = desk.made("Team", &desk.editor, r#"{"name":"Night"}"#).await;
    desk.made("Membership", &desk.editor, &format!(r#"{{"name":"Ada","team":"{team}"}}"#)).await;
    let explanation = explained(&desk, &desk.editor, desk.client().delete("Team", team)).await;
    assert!(explanation.allowed, "{explanation}");
    let deletes = explanation.statements.iter().filter(|statement| statement.sql.starts_with("DELETE FROM"));
    assert_eq!(deletes.map(|statement| statement.rows).sum::<u64>(), 2);
    assert!(desk.get("Team", &desk.editor, team).await.is_ok());
    let gone = desk.client().delete("Team", desk.engine().next_id());
    let explanation = explained(&desk, &desk.editor, gone).await;
    assert_eq!(rules(&explanation), ["Team read: there is no such record", "Team delete: there is no such record"]);
}

#[tokio::test]
async fn what_the_caller_alone_decides_is_decided_for_a_list_too() {
    let desk = Desk::open().await;
    let list = || desk.client().list("Post", |_| ()).expect("a list");
    let parts = |explanation: &Explanation| -> Vec<String> {
        explanation.rules[0].parts.iter().map(|part| format!("{} {}", part.answer, part.text)).collect()
    };
    let explanation = explained(&desk, &desk.editor, list()).await;
    assert_eq!(explanation.rules[0].answer, "true");
    assert_eq!(
        parts(&explanation),
        ["each record this.state == 'PUBLISHED'", "each record this.author == auth.id", "true editor"]
    );
    let explanation = explained(&desk, &desk.eve, list()).await;
    assert_eq!(explanation.rules[0].answer, "each record");
    assert_eq!(parts(&explanation)[2], "false editor");
    let users = desk.client().list("User", |_| ()).expect("a list");
    let explanation = explained(&desk, &Arc::new(Caller::anonymous()), users).await;
    assert_eq!((explanation.allowed, explanation.rules[0].answer.as_str()), (false, "false"));
}

#[tokio::test]
async fn a_create_of_several_records_is_explained_record_by_record() {
    let desk = Desk::open().await;
    let body = r#"[{"name":"a"},{"name":"b"}]"#;
    let explanation = explained(&desk, &desk.ada, create(&desk, "Tag", body)).await;
    assert!(explanation.allowed, "{explanation}");
    assert_eq!(rules(&explanation), ["Tag create (record 0): true", "Tag create (record 1): true"]);
    let inserts = explanation.statements.iter().filter(|statement| statement.sql.starts_with("INSERT INTO"));
    assert_eq!(inserts.count(), 2);
    let twice = explained(&desk, &desk.ada, create(&desk, "Tag", r#"[{"name":"a"},{"name":"a"}]"#)).await;
    assert_eq!(twice.refusal.as_deref(), Some("another Tag has this name"));
}

#[tokio::test]
async fn classified_values_are_told_by_no_explanation() {
    let desk = Desk::open().await;
    let trip = desk.made("Trip", &desk.ada, r#"{"diagnosis":"measles"}"#).await;
    desk.made("Trip", &desk.ada, r#"{"diagnosis":"mumps"}"#).await;
    let page = desk.page("Trip", &desk.editor, |list| (list.sort, list.limit) = (Some("diagnosis".into()), Some(1)));
    let next = page.await.expect("a page")["next"].as_str().expect("another page").to_owned();
    let list = |change: &dyn Fn(&mut ListWords<'static>)| desk.client().list("Trip", change).expect("a list");
    let requests = [
        list(&|list| (list.sort, list.after) = (Some("diagnosis".into()), Some(next.clone().into()))),
        list(&|list| list.filter = Some("diagnosis == 'measles'".into())),
        list(&|list| {
            list.filter = Some("diagnosis == $d".into());
            list.params = vec![("d".into(), Raw::Text("measles".into()))];
        }),
        list(&|list| list.equals = vec![("diagnosis".into(), Raw::Text("measles".into()))]),
        create(&desk, "Trip", r#"{"diagnosis":"measles"}"#),
        desk.client().delete("Trip", trip),
    ];
    for request in requests {
        let explanation = explained(&desk, &desk.editor, request).await;
        let values: Vec<&String> = explanation.statements.iter().flat_map(|statement| &statement.values).collect();
        assert!(values.iter().all(|value| !value.contains("measles")), "{values:?}");
    }
}
