//! Texts that are joined, split and made of other values, wherever an expression gives or asks for a value.

use std::sync::Arc;

use backstay_base::Caller;

use crate::{App, told};

const MEMBER: &str = r#"
enum Level { BASIC FULL }
type Club @open { name: String!  members: [Member!] @inverse(field: "club") }
type Member
  @open
  @check(rule: "size(this.first + this.last) <= 12", message: "a long name") {
  first: String!
  last: String
  number: Int!
  level: Level! @default(to: BASIC)
  rate: Decimal @precision(digits: 8, scale: 3)
  born: Date
  club: Club
  name: String @computed(is: "this.first + ' ' + this.last")
  badge: String @length(max: 8) @default(from: "upper(this.last) + '-' + text(this.number)")
  keywords: String
  tags: [String!] @readonly @set(on: WRITE, to: "split(this.keywords, ', ')")
  card: String @computed(is: "text(this.level) + '/' + text(this.rate) + '/' + text(this.born) + '/' + join(this.tags, '+')")
  place: String @readonly @set(on: WRITE, to: "this.club.name + ' ' + text(this.club)")
}
type Seen @allow(create: "true", read: "this.who + '!' == auth.claims.who + '!'") { who: String }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_joined_and_split() {
    for app in App::both(MEMBER) {
        let caller = Arc::new(Caller::anonymous());
        let club = app.made("Club", r#"{"name":"Chess"}"#).await;
        let body = format!(
            r#"{{"first":"Ann","last":"Lee","number":7,"level":"FULL","rate":"1.500","born":"1990-02-28","keywords":"a, b","club":"{club}"}}"#
        );
        let ann = app.made("Member", &body).await;
        let bob = app.made("Member", r#"{"first":"Bob","number":8}"#).await;
        let check = async |record, select: &str, expected: &str| {
            assert_eq!(app.one(&caller, ("Member", record), select).await, expected, "{}", app.database);
        };
        check(ann, "name,badge,tags", r#"{"badge":"LEE-7","name":"Ann Lee","tags":["a","b"]}"#).await;
        check(ann, "card", r#"{"card":"FULL/1.5/1990-02-28/a+b"}"#).await;
        check(ann, "place", &format!(r#"{{"place":"Chess {club}"}}"#)).await;
        // What is missing makes the whole unknown.
        check(bob, "name,badge,tags,card,place", r#"{"badge":null,"card":null,"name":null,"place":null,"tags":null}"#)
            .await;
        let change = async |body: &str| told(app.update(&caller, ("Member", bob), body).await);
        assert_eq!(change(r#"{"last":"Li","keywords":""}"#).await, "ok");
        check(bob, "name,badge,tags", r#"{"badge":null,"name":"Bob Li","tags":[""]}"#).await;
        assert_eq!(change(r#"{"last":"Lovelace-King"}"#).await, r#" Check { message: "a long name" }"#);
        // A text that is given must fit its field.
        let long = r#"{"first":"Eve","last":"Andersen","number":1}"#;
        assert_eq!(
            told(app.create(&caller, "Member", long).await),
            r#"/badge Range("must have at most 8 characters")"#,
            "{}",
            app.database
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_filtered_and_sorted_by_joined_texts() {
    for app in App::both(MEMBER) {
        let caller = Arc::new(Caller::anonymous());
        for (first, last, keywords) in [("Ann", "Lee", "go, chess"), ("Ann", "Bo", "chess"), ("Al", "Zo", "go")] {
            let body = format!(r#"{{"first":"{first}","last":"{last}","number":1,"keywords":"{keywords}"}}"#);
            app.made("Member", &body).await;
        }
        let check = async |filter: &str, expected: &[&str]| {
            let request = app.client.list("Member", |words| {
                words.select = Some("name".into());
                words.sort = Some("-name".into());
                words.filter = Some(filter.to_owned().into());
            });
            let page = app.client.page(&caller, request.expect("a list")).await.expect("a page");
            let body: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
            let names = body["items"].as_array().expect("items").iter().filter_map(|item| item["name"].as_str());
            assert_eq!(names.collect::<Vec<_>>(), expected, "{} {filter}", app.database);
        };
        check("true", &["Ann Lee", "Ann Bo", "Al Zo"]).await;
        check("name == 'Ann Bo'", &["Ann Bo"]).await;
        check("last + ', ' + first > 'C'", &["Ann Lee", "Al Zo"]).await;
        check("'go' in split(keywords, ', ')", &["Ann Lee", "Al Zo"]).await;
        check("size(tags) == 2 && join(tags, '/') == 'go/chess'", &["Ann Lee"]).await;
        check("text(number) + first == '1Ann'", &["Ann Lee", "Ann Bo"]).await;
    }
}

/// A joined text that is too long is missing, and costs no memory: the rule allows nothing because of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_is_unknown() {
    let model = r#"type Page @allow(read: "size(this.text + this.text) < 0 || size(this.text) < 9", create: "true") {
        text: Text!
        twice: Text @readonly @set(on: WRITE, to: "this.text + this.text")
    }"#;
    for app in App::both(model) {
        let caller = Arc::new(Caller::anonymous());
        let long = "a".repeat(524_289);
        assert_eq!(told(app.create(&caller, "Page", &format!(r#"{{"text":"{long}"}}"#)).await), "ok");
        app.made("Page", r#"{"text":"b"}"#).await;
        assert_eq!(app.list(&caller, "Page", "text,twice").await, r#"[{"text":"b","twice":"bb"}]"#, "{}", app.database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_join_what_the_caller_claims() {
    for app in App::both(MEMBER) {
        app.made("Seen", r#"{"who":"ann"}"#).await;
        let claims = std::collections::BTreeMap::from([("who".to_owned(), "ann".to_owned())]);
        let ann = Arc::new(Caller { claims: Arc::new(claims), ..Caller::anonymous() });
        assert_eq!(app.list(&ann, "Seen", "who").await, r#"[{"who":"ann"}]"#, "{}", app.database);
        assert_eq!(app.list(&Arc::new(Caller::anonymous()), "Seen", "who").await, "[]", "{}", app.database);
    }
}
