//! An explanation is the run itself: it decides as the request does, shows the changes that the request makes, and makes
//! none.

mod desk;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Caller, RecordId};
use backstay_engine::{Answer, Dependency, Error, ExplainedStatement, Explanation, IfMatch, Request, Seen};
use backstay_rest::{ListWords, Raw};
use desk::Desk;

/// The versions of all records, by the table that they are in.
type Versions = BTreeMap<String, BTreeMap<RecordId, i64>>;

/// Rows that are inserted, updated and deleted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changed {
    inserted: u64,
    updated: u64,
    deleted: u64,
}

struct Twice<'d> {
    desk: &'d Desk,
}

impl Twice<'_> {
    /// Explains the request twice and then runs it, and compares.
    async fn check(&self, what: &str, caller: &Arc<Caller>, request: Result<Request, Error>) {
        // What is no request at all is refused before either.
        let Ok(request) = request else { return };
        let (before, seen) = (self.versions().await, self.seen());
        let explained = self.explain(caller, &request).await;
        let again = self.explain(caller, &request).await;
        assert_eq!(self.versions().await, before, "{what}: an explanation changes nothing");
        assert!(self.desk.engine().unchanged(&seen), "{what}: an explanation commits nothing");
        assert_eq!(decision(&explained), decision(&again), "{what}: the second explanation");
        assert_eq!(statements(&explained), statements(&again), "{what}: the second explanation");

        let answered = self.run(caller, request).await;
        let expected = answered.as_ref().map(|_| ()).map_err(ToString::to_string);
        assert_eq!(decision(&explained), expected, "{what}");
        let after = self.versions().await;
        match (explained, answered) {
            (Ok(explanation), Ok(answered)) => {
                assert_eq!(shown(&explanation, &before), changes(&before, &after), "{what}: the changes");
                if let Some(rows) = answered {
                    assert_eq!(explanation.statements.len(), 1, "{what}: a read is one statement");
                    assert_eq!(explanation.statements[0].rows, rows, "{what}: the rows that are read");
                }
            }
            _ => assert_eq!(after, before, "{what}: what is refused changes nothing"),
        }
    }

    async fn explain(&self, caller: &Arc<Caller>, request: &Request) -> Result<Explanation, Error> {
        self.desk.client().explain(caller, request.clone()).await
    }

    /// Runs the request; of a read the number of records is answered.
    async fn run(&self, caller: &Arc<Caller>, request: Request) -> Result<Option<u64>, Error> {
        Ok(match self.desk.client().answer(caller, request).await? {
            Answer::Found(_) => Some(1),
            Answer::Page(page) => {
                let page: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
                let more = u64::from(!page["next"].is_null());
                Some(page["items"].as_array().map_or(0, Vec::len) as u64 + more)
            }
            Answer::Written(_) => None,
        })
    }

    async fn versions(&self) -> Versions {
        let mut versions = Versions::new();
        for collection in &self.desk.engine().model().collections {
            let records = self.desk.engine().peek_page(collection.id, None, 1000).await.expect("records");
            let records = records.iter().map(|record| (record.id(), record.version())).collect();
            versions.insert(collection.table.clone(), records);
        }
        versions
    }

    fn seen(&self) -> Seen {
        let model = self.desk.engine().model();
        let all: Vec<Dependency> =
            model.collections.iter().map(|collection| Dependency::Collection(collection.id)).collect();
        self.desk.engine().observe(&all)
    }
}

/// Allowed, or refused with this text.
fn decision(explained: &Result<Explanation, Error>) -> Result<(), String> {
    match explained {
        Ok(Explanation { refusal: None, allowed, .. }) => {
            assert!(allowed, "what is refused has a refusal");
            Ok(())
        }
        Ok(Explanation { refusal: Some(refusal), allowed, .. }) => {
            assert!(!allowed, "what has a refusal is refused");
            Err(refusal.clone())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn statements(explained: &Result<Explanation, Error>) -> Vec<(String, u64)> {
    let statements = explained.iter().flat_map(|explanation| &explanation.statements);
    statements.map(|statement| (statement.sql.clone(), statement.rows)).collect()
}

/// The changes of each table that the statements of an explanation make; those of links are left out.
fn shown(explanation: &Explanation, tables: &Versions) -> BTreeMap<String, Changed> {
    let mut shown = BTreeMap::new();
    for ExplainedStatement { sql, rows, .. } in &explanation.statements {
        let words: Vec<&str> = sql.split([' ', '(']).collect();
        let (table, change): (&str, fn(&mut Changed) -> &mut u64) = match words.as_slice() {
            ["INSERT", "INTO", table, ..] => (table, |changed| &mut changed.inserted),
            ["UPDATE", table, ..] => (table, |changed| &mut changed.updated),
            ["DELETE", "FROM", table, ..] => (table, |changed| &mut changed.deleted),
            _ => continue,
        };
        let table = table.trim_matches('"');
        if tables.contains_key(table) && *rows > 0 {
            *change(shown.entry(table.to_owned()).or_default()) += rows;
        }
    }
    shown
}

/// The changes of each table between two moments.
fn changes(before: &Versions, after: &Versions) -> BTreeMap<String, Changed> {
    let mut changes = BTreeMap::new();
    for (table, old) in before {
        let new = &after[table];
        let inserted = new.keys().filter(|id| !old.contains_key(id)).count() as u64;
        let deleted = old.keys().filter(|id| !new.contains_key(id)).count() as u64;
        let updated = old.iter().filter(|(id, version)| new.get(id).is_some_and(|now| now != *version)).count() as u64;
        let changed = Changed { inserted, updated, deleted };
        if changed != Changed::default() {
            changes.insert(table.clone(), changed);
        }
    }
    changes
}

type Asked = Result<Request, Error>;

fn get(desk: &Desk, of: &str, id: RecordId, select: Option<&str>) -> Asked {
    desk.client().get(of, id, select)
}

fn list<'w>(desk: &Desk, of: &str, change: impl FnOnce(&mut ListWords<'w>)) -> Asked {
    desk.client().list(of, change)
}

fn create(desk: &Desk, of: &str, body: &str) -> Asked {
    desk.client().create(of, body)
}

fn update(desk: &Desk, of: &str, id: RecordId, body: &str) -> Asked {
    desk.client().update(of, id, body)
}

fn update_if(desk: &Desk, of: &str, id: RecordId, body: &str, if_match: Option<IfMatch>) -> Asked {
    desk.client().update_if(of, id, body, if_match)
}

#[tokio::test]
async fn reads_are_explained_as_they_are_answered() {
    let desk = Desk::open().await;
    let (draft, published) = (desk.post("").await, desk.published(r#","words":7"#).await);
    let anonymous = Arc::new(Caller::anonymous());
    let twice = Twice { desk: &desk };
    let nowhere = desk.engine().next_id();
    for (name, caller) in [("editor", &desk.editor), ("ada", &desk.ada), ("eve", &desk.eve), ("anonymous", &anonymous)]
    {
        let check = async |what: &str, request| twice.check(&format!("{name}: {what}"), caller, request).await;
        for id in [draft, published, nowhere] {
            check("get", get(&desk, "Post", id, None)).await;
            check("get some", get(&desk, "Post", id, Some("title,author{name,email}"))).await;
        }
        check("get nonsense", get(&desk, "Post", draft, Some("titel"))).await;
        check("get a person", get(&desk, "User", desk.ada.id.expect("an id"), None)).await;
        check("get the salary", get(&desk, "User", desk.ada.id.expect("an id"), Some("salary"))).await;
        check("list", list(&desk, "Post", |_| ())).await;
        check("list people", list(&desk, "User", |_| ())).await;
        check("a page", list(&desk, "User", |list| list.limit = Some(1))).await;
        check("a page of none", list(&desk, "User", |list| list.limit = Some(0))).await;
        check("filter", list(&desk, "Post", |list| list.filter = Some("words > 5".into()))).await;
        check("filter by salary", list(&desk, "User", |list| list.filter = Some("salary > 5.0".into()))).await;
        check("a filter's error", list(&desk, "Post", |list| list.filter = Some("words >".into()))).await;
        check("sort", list(&desk, "Post", |list| list.sort = Some("-words,title".into()))).await;
        check("sort by salary", list(&desk, "User", |list| list.sort = Some("salary".into()))).await;
        check("equal", list(&desk, "Post", |list| list.equals = vec![("words".into(), Raw::Text("7".into()))])).await;
        check("no cursor", list(&desk, "Post", |list| list.after = Some("x".into()))).await;
        check("complaints", list(&desk, "Complaint", |_| ())).await;
    }
}

#[tokio::test]
async fn creates_are_explained_as_they_are_made() {
    let desk = Desk::open().await;
    let anonymous = Arc::new(Caller::anonymous());
    let twice = Twice { desk: &desk };
    let (section, nowhere) = (desk.section, desk.engine().next_id());
    for (name, caller) in [("editor", &desk.editor), ("ada", &desk.ada), ("eve", &desk.eve), ("anonymous", &anonymous)]
    {
        let check = async |of: &str, body: &str| {
            twice.check(&format!("{name}: {of} {body}"), caller, create(&desk, of, body)).await;
        };
        check("Tag", &format!(r#"{{"name":"{name}"}}"#)).await;
        check("Tag", &format!(r#"{{"name":"{name}"}}"#)).await;
        check("Tag", &format!(r#"[{{"name":"{name} 1"}},{{"name":"{name} 2"}}]"#)).await;
        check("Tag", &format!(r#"[{{"name":"{name} 3"}},{{"name":"{name} 3"}}]"#)).await;
        check("Tag", "[]").await;
        check("Tag", "{").await;
        check("Tag", "{}").await;
        check("Tag", r#"{"name":1}"#).await;
        check("Tag", r#"{"nam":"x"}"#).await;
        check("Post", &format!(r#"{{"title":"Budget","section":"{section}"}}"#)).await;
        check("Post", &format!(r#"{{"title":"Budget","section":"{nowhere}"}}"#)).await;
        check("Post", &format!(r#"{{"title":"A title that is longer than that","section":"{section}"}}"#)).await;
        check("Post", &format!(r#"{{"title":"Budget","state":"REVIEW","section":"{section}"}}"#)).await;
        check("Post", &format!(r#"{{"title":"Budget","section":"{section}","tags":["{nowhere}"]}}"#)).await;
        check("Complaint", &format!(r#"{{"about":"{nowhere}"}}"#)).await;
        check("User", &format!(r#"{{"email":"{name}2@example.org","name":"x"}}"#)).await;
        check("Request", "{}").await;
        check("Request", r#"{"score":1}"#).await;
        check("Trip", "{}").await;
        check("Folder", &format!(r#"{{"first":"{nowhere}"}}"#)).await;
    }
}

#[tokio::test]
async fn updates_are_explained_as_they_are_made() {
    let desk = Desk::open().await;
    let anonymous = Arc::new(Caller::anonymous());
    let twice = Twice { desk: &desk };
    let tag = desk.made("Tag", &desk.ada, r#"{"name":"x"}"#).await;
    let taken = desk.post(r#","slug":"taken""#).await;
    assert!(desk.get("Post", &desk.ada, taken).await.is_ok());
    for (name, caller) in [("anonymous", &anonymous), ("eve", &desk.eve), ("ada", &desk.ada), ("editor", &desk.editor)]
    {
        let post = desk.post("").await;
        let check = async |id: RecordId, body: &str| {
            twice.check(&format!("{name}: {body}"), caller, update(&desk, "Post", id, body)).await;
        };
        check(post, r#"{"title":"New"}"#).await;
        check(post, r#"{"title":"New"}"#).await;
        check(post, "{}").await;
        check(post, r#"{"title":null}"#).await;
        check(post, r#"{"title":"A title that is longer than that"}"#).await;
        check(post, r#"{"publishedAt":"2026-01-01T00:00:00Z"}"#).await;
        check(post, r#"{"slug":"taken"}"#).await;
        check(post, r#"{"slug":"free"}"#).await;
        check(post, &format!(r#"{{"tags":["{tag}"]}}"#)).await;
        check(post, r#"{"tags":[]}"#).await;
        check(post, r#"{"state":"PUBLISHED"}"#).await;
        check(post, r#"{"state":"REVIEW"}"#).await;
        check(post, r#"{"state":"PUBLISHED"}"#).await;
        check(post, r#"{"state":"DRAFT"}"#).await;
        check(desk.engine().next_id(), r#"{"title":"New"}"#).await;
        let versions = [IfMatch::Any, IfMatch::Versions(vec![1]), IfMatch::Versions(vec![99])];
        for if_match in versions {
            let request = update_if(&desk, "Post", post, r#"{"words":3}"#, Some(if_match.clone()));
            twice.check(&format!("{name}: {if_match:?}"), caller, request).await;
        }
        let request = desk.made("Request", &desk.ada, "{}").await;
        for body in [r#"{"score":7}"#, r#"{"vote":1}"#, r#"{"secret":"s"}"#, r#"{"visa":"GIVEN"}"#, r#"{"long":"l"}"#] {
            twice.check(&format!("{name}: {body}"), caller, update(&desk, "Request", request, body)).await;
        }
    }
}

#[tokio::test]
async fn deletions_are_explained_as_they_are_made() {
    let desk = Desk::open().await;
    let anonymous = Arc::new(Caller::anonymous());
    let twice = Twice { desk: &desk };
    for (name, caller) in [("anonymous", &anonymous), ("eve", &desk.eve), ("ada", &desk.ada), ("editor", &desk.editor)]
    {
        let check = async |of: &str, id: RecordId| {
            twice.check(&format!("{name}: delete {of}"), caller, Ok(desk.client().delete(of, id))).await;
        };
        check("Post", desk.post("").await).await;
        let post = desk.published("").await;
        desk.made("Comment", &desk.bob, &format!(r#"{{"post":"{post}","text":"c"}}"#)).await;
        check("Post", post).await;
        check("Section", desk.section).await;
        let tag = desk.made("Tag", &desk.ada, &format!(r#"{{"name":"{name}"}}"#)).await;
        check("Tag", tag).await;
        let tag = desk.made("Tag", &desk.ada, &format!(r#"{{"name":"{name} 2"}}"#)).await;
        desk.made("Complaint", &desk.ada, &format!(r#"{{"about":"{tag}"}}"#)).await;
        check("Tag", tag).await;
        let team = desk.made("Team", &desk.editor, r#"{"name":"Night"}"#).await;
        desk.made("Membership", &desk.editor, &format!(r#"{{"name":"m","team":"{team}"}}"#)).await;
        check("Team", team).await;
        let place = desk.made("Place", &desk.ada, r#"{"name":"Rome"}"#).await;
        desk.made("Trip", &desk.ada, &format!(r#"{{"must":"{place}"}}"#)).await;
        check("Place", place).await;
        let place = desk.made("Place", &desk.ada, r#"{"name":"Oslo"}"#).await;
        desk.made("Trip", &desk.ada, &format!(r#"{{"must":"{place}","strict":true}}"#)).await;
        check("Place", place).await;
        check("Place", desk.engine().next_id()).await;
    }
}
