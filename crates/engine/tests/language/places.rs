//! A nested list goes on after the place of one of its records.

use std::sync::Arc;

use backstay_base::Caller;
use serde_json::{Value, json};

use crate::App;

const CLUBS: &str = r#"
enum Role @roles { EDITOR }
enum Grade { LOW HIGH BEST }
type Club @allow(read: "true") {
  name: String!
  members: [Member!] @inverse(field: "club")
  ranked: [Member!] @inverse(field: "rankedIn") @order(by: ["-rank", "name"])
  friends: [Member!]
}
type Member @allow(read: "this.open") {
  name: String!
  club: Club
  rankedIn: Club
  open: Boolean!
  told: Boolean!
  age: Int @allow(read: "this.told")
  rank: Int @allow(read: "'EDITOR' in auth.roles")
  score: Int
  weight: Decimal @precision(digits: 8, scale: 2)
  grade: Grade
  born: DateTime
  badges: [Badge!] @inverse(field: "owner")
}
type Badge @allow(read: "true") { owner: Member }
"#;

/// Two clubs with 50 members each, some of whom have no score, and all of whom are friends of both.
async fn clubs(app: &App) {
    let mut members = Vec::new();
    let mut clubs = Vec::new();
    for club in ["Alpha", "Zeta"] {
        let id = app.made("Club", &json!({ "name": club }).to_string()).await;
        clubs.push(id);
        for number in 0..50_usize {
            let of = |most: usize| if number % 4 == 1 { Value::Null } else { json!(number % most) };
            let grade = [Value::Null, json!("BEST"), json!("LOW"), json!("HIGH")];
            let body = json!({
                "name": format!("{club}{number:02}"), "open": true, "told": true, "club": id.to_string(), "score": of(5), "grade": grade[number % 4],
                "weight": if number % 3 == 0 { Value::Null } else { json!(format!("{}.50", number % 7)) },
                "born": if number % 6 == 0 { Value::Null } else { json!(format!("2000-01-{:02}T00:00:00.000001Z", number % 9 + 1)) },
            });
            let id = app.made("Member", &body.to_string()).await;
            if number % 10 < 3 {
                app.made("Badge", &json!({ "owner": id.to_string() }).to_string()).await;
            }
            members.push(id.to_string());
        }
    }
    for club in clubs {
        let body = json!({ "friends": members[..60] }).to_string();
        app.update(&Arc::new(Caller::system()), ("Club", club), &body).await.expect("a change");
    }
}

/// What this selection answers of both clubs.
async fn found(app: &App, caller: &Arc<Caller>, select: &str) -> [Value; 2] {
    let found = app.list(caller, "Club", select).await;
    serde_json::from_str(&found).expect(select)
}

/// The names of the records in a list.
fn names(list: &Value) -> Vec<String> {
    let names = list.as_array().expect("a list").iter().map(|record| record["name"].as_str().expect("a name").into());
    names.collect()
}

/// The place of the last record of a list.
fn last(list: &Value) -> Option<String> {
    Some(list.as_array()?.last()?["$cursor"].as_str().expect("a place").to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_nested_lists_have_neither_gaps_nor_doubles() {
    for app in App::both(CLUBS) {
        clubs(&app).await;
        let anyone = Arc::new(Caller::anonymous());
        for (list, sort, count) in [
            ("members", "", 50),
            ("members", "sort:name,", 50),
            ("members", "sort:-name,", 50),
            ("members", "sort:score,", 50),
            ("members", "sort:-score,", 50),
            ("members", "sort:[score,-name],", 50),
            ("members", "sort:[-score,name],", 50),
            ("members", "sort:[grade,-weight],", 50),
            ("members", "sort:[-grade,born],", 50),
            ("members", "sort:[-born,weight],", 50),
            ("members", "sort:[badges:count,-score],", 50),
            ("members", "sort:-club.name,", 50),
            ("members", "filter:score > 0,sort:-score,", 30),
            ("friends", "sort:[-score,name],", 60),
        ] {
            for club in 0..2 {
                let whole = found(&app, &anyone, &format!("{list}({sort}limit:100){{name}}")).await;
                let whole = names(&whole[club][list]);
                assert_eq!(whole.len(), count, "{} {list} {sort}", app.database);
                let (mut read, mut after) = (Vec::new(), String::new());
                loop {
                    let select = format!("list={list}({sort}limit:7{after}){{name,$cursor}}");
                    let [first, second] = found(&app, &anyone, &select).await;
                    let page = if club == 0 { first } else { second };
                    read.extend(names(&page["list"]));
                    let place = last(&page["list"]).expect("a page has records");
                    if page["$more"].is_null() {
                        break;
                    }
                    assert_eq!(page["$more"], json!(["list"]));
                    after = format!(",after:\"{place}\"");
                }
                assert_eq!(read, whole, "{} {list} {sort}", app.database);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_one_in_the_list_of_every_record() {
    for app in App::both(CLUBS) {
        clubs(&app).await;
        let anyone = Arc::new(Caller::anonymous());
        let [alpha, _] = found(&app, &anyone, "members(sort:-name,limit:1){$cursor}").await;
        assert_eq!(alpha["members"][0].as_object().expect("a record").len(), 1);
        let place = last(&alpha["members"]).expect("a place");
        let select = format!(
            "friends(sort:-name,limit:2,after:\"{place}\"){{name}},members(sort:-name,after:'{place}',limit:1){{name}}"
        );
        let [alpha, zeta] = found(&app, &anyone, &select).await;
        let (friends, more) = (json!([{ "name": "Alpha48" }, { "name": "Alpha47" }]), json!(["friends", "members"]));
        assert_eq!(alpha, json!({ "friends": friends, "members": [{ "name": "Alpha48" }], "$more": more }));
        assert_eq!(zeta, json!({ "friends": friends, "members": [], "$more": ["friends"] }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_tells_nothing_that_is_hidden() {
    for app in App::both(CLUBS) {
        let club = app.made("Club", r#"{"name":"One"}"#).await.to_string();
        app.made("Club", r#"{"name":"Two"}"#).await;
        for (name, open, told, age, rank) in [
            ("Ann", true, true, 5, 1),
            // Anyone sees that Bob is there, but not the age.
            ("Bob", true, false, 1, 9),
            ("Cid", false, true, 6, 5),
            ("Dan", true, true, 7, 3),
        ] {
            let body = json!({ "name": name, "club": club, "rankedIn": club, "open": open, "told": told, "age": age, "rank": rank });
            app.made("Member", &body.to_string()).await;
        }
        let (anyone, editor) = (Arc::new(Caller::anonymous()), Arc::new(Caller::system()));
        let listed = async |caller: &Arc<Caller>, list: &str, arguments: &str| {
            let [found, _] = found(&app, caller, &format!("{list}({arguments}limit:100){{name,$cursor}}")).await;
            let places: Vec<String> = found[list]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| one["$cursor"].as_str().expect("a place").to_owned())
                .collect();
            (names(&found[list]).join(" "), places)
        };
        // The caller, the list and its order; the names, and those after each of their places.
        let check = async |caller: &Arc<Caller>, (list, sort): (&str, &str), expected: &str| {
            let (names, places) = listed(caller, list, sort).await;
            assert_eq!(names, expected, "{} {list} {sort}", app.database);
            for (index, place) in places.iter().enumerate() {
                let rest: Vec<&str> = expected.split(' ').skip(index + 1).collect();
                let (names, _) = listed(caller, list, &format!("{sort}after:\"{place}\",")).await;
                assert_eq!(names, rest.join(" "), "{} {list} {sort} after {index}", app.database);
            }
            places
        };
        check(&anyone, ("members", "sort:age,"), "Ann Dan Bob").await;
        check(&anyone, ("members", "sort:-age,"), "Bob Dan Ann").await;
        let all = check(&editor, ("members", "sort:age,"), "Bob Ann Cid Dan").await;
        check(&anyone, ("ranked", ""), "Ann Bob Dan").await;
        let ranked = check(&editor, ("ranked", ""), "Bob Cid Dan Ann").await;
        // Somebody else's places are places in the caller's own list: among the ages that the caller sees.
        for (place, expected) in all.iter().zip(["Ann Dan Bob", "Dan Bob", "Dan Bob", "Bob"]) {
            let (names, _) = listed(&anyone, "members", &format!("sort:age,after:\"{place}\",")).await;
            assert_eq!(names, expected, "{}", app.database);
        }
        // Nobody's rank is more or less than another one, as the caller sees it.
        for place in &ranked {
            let (names, _) = listed(&anyone, "ranked", &format!("after:\"{place}\",")).await;
            assert_eq!(names, "", "{}", app.database);
        }
    }
}
