//! What a caller asks of the records that a relation leads to is asked only of those that the caller sees.

use std::sync::Arc;

use backstay_base::Caller;
use serde_json::{Value, json};

use crate::App;

/// Members are open or hidden, and tell their age or don't.
const CLUBS: &str = r#"
type Club @allow(read: "true") {
  name: String!
  members: [Member!] @inverse(field: "club")
  friends: [Member!]
  closed: [Member!] @allow(read: "this.name == 'Zeta'")
}

type Member @trash(keep: "30d") @allow(read: "this.open") {
  name: String!
  club: Club
  open: Boolean!
  told: Boolean!
  age: Int @allow(read: "this.told")
  big: Int
  badges: [Badge!] @inverse(field: "owner")
}

type Badge @allow(read: "true") { text: String! owner: Member }
"#;

/// More than this is more than an `Int`.
const MOST: i64 = i64::MAX;

async fn clubs(app: &App) {
    let club = async |name: &str| app.made("Club", &json!({ "name": name }).to_string()).await;
    let (alpha, zeta) = (club("Alpha").await, club("Zeta").await);
    let mut members = Vec::new();
    for (name, club, open, told, age, big) in [
        ("Ann", zeta, true, true, 5, 1),
        ("Bob", zeta, true, false, 50, 2),
        ("Cid", alpha, false, true, 9, MOST),
        ("Dan", zeta, true, true, 7, MOST),
        ("Eve", alpha, true, true, 6, 4),
        ("Fay", alpha, false, true, 8, MOST),
    ] {
        let body =
            json!({ "name": name, "club": club.to_string(), "open": open, "told": told, "age": age, "big": big });
        let id = app.made("Member", &body.to_string()).await;
        if name == "Dan" {
            app.delete(&Arc::new(Caller::system()), ("Member", id)).await.expect("it goes to the trash");
        } else {
            let badge = json!({ "text": name, "owner": id.to_string() });
            app.made("Badge", &badge.to_string()).await;
            members.push(id.to_string());
        }
    }
    for club in [alpha, zeta] {
        let body = json!({ "friends": members, "closed": members }).to_string();
        app.update(&Arc::new(Caller::system()), ("Club", club), &body).await.expect("a change");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_asked_of_what_is_hidden() {
    for app in App::both(CLUBS) {
        clubs(&app).await;
        let anyone = Arc::new(Caller::anonymous());
        // Of Alpha, Eve is seen; of Zeta Ann, and Bob without an age. Dan is in the trash.
        for (select, alpha, zeta) in [
            ("n=members:count", json!(1), json!(2)),
            ("n=members:sum(age)", json!(6), json!(5)),
            ("n=members:max(age)", json!(6), json!(5)),
            ("n=members:min(name)", json!("Eve"), json!("Ann")),
            // The sum with those that are hidden would be too large.
            ("n=members:sum(big)", json!(4), json!(3)),
            ("n=friends:sum(big)", json!(7), json!(7)),
            ("n=members(filter:age == null):count", json!(0), json!(1)),
            ("n=members(filter:age > 5):count", json!(1), json!(0)),
            ("n=friends(filter:big > 1000):count", json!(0), json!(0)),
            // Of those that are hidden, this is a division by zero.
            ("n=members(filter:100 / (big - 9223372036854775807) <= 0):count", json!(1), json!(2)),
            (
                "n=members(filter:100 / (big - 9223372036854775807) <= 0,sort:-name){name}",
                json!([{ "name": "Eve" }]),
                json!([{ "name": "Bob" }, { "name": "Ann" }]),
            ),
            (
                "n=members(filter:age != null || name == 'Bob',sort:age){name,age}",
                json!([{ "name": "Eve", "age": 6 }]),
                json!([{ "name": "Ann", "age": 5 }, { "name": "Bob" }]),
            ),
            // A relation that is hidden in the record that has it.
            ("n=closed:count", Value::Null, json!(3)),
            ("n=closed?(filter:age > 5):count", Value::Null, json!(1)),
            ("n=closed?(filter:age > 5){name}", Value::Null, json!([{ "name": "Eve" }])),
            // From a member back to its club, and on to all of that.
            ("n=members(filter:club.members.exists(m, m.age == 9 || m.age == 7)):count", json!(0), json!(0)),
            (
                "n=members(filter:club.members.exists(m, m.age == 5),limit:1,sort:name){club{n=members:count}}",
                json!([]),
                json!([{ "club": { "n": 2 } }]),
            ),
        ] {
            let found = app.list(&anyone, "Club", select).await;
            let found: Value = serde_json::from_str(&found).unwrap_or_else(|_| panic!("{select}: {found}"));
            let answers = [&found[0]["n"], &found[1]["n"]];
            let more = &found[1]["$more"];
            assert!(more.is_null() || select.contains("limit"), "{} {select}: {more}", app.database);
            assert_eq!(answers, [&alpha, &zeta], "{} {select}", app.database);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_ordered_by_what_is_hidden() {
    for app in App::both(CLUBS) {
        clubs(&app).await;
        let anyone = Arc::new(Caller::anonymous());
        for (of, sort, expected) in [
            ("Club", "members:count", "Alpha Zeta"),
            ("Club", "-members:count", "Zeta Alpha"),
            ("Club", "closed:count", "Zeta Alpha"),
            // Bob's age is hidden, Cid and Fay are.
            ("Badge", "owner.age", "Ann Eve Bob Cid Fay"),
            ("Badge", "-owner.age", "Fay Cid Bob Eve Ann"),
            ("Badge", "owner.club.name,-text", "Eve Bob Ann Fay Cid"),
            ("Badge", "-owner.big", "Fay Cid Eve Bob Ann"),
        ] {
            let name = if of == "Club" { "name" } else { "text" };
            let mut names: Vec<String> = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let request = app.client.list(of, |words| {
                    words.sort = Some(sort.into());
                    words.limit = Some(1);
                    words.after = after.take().map(Into::into);
                });
                let page = app.client.page(&anyone, request.expect("a list")).await.expect("a page");
                let page: Value = serde_json::from_slice(&page.body).expect("JSON");
                names.extend(page["items"][0][name].as_str().map(str::to_owned));
                match page["next"].as_str() {
                    Some(next) => after = Some(next.to_owned()),
                    None => break,
                }
            }
            assert_eq!(names.join(" "), expected, "{} {of} by {sort}", app.database);
        }
    }
}
