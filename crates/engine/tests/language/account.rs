//! `auth.account`, the caller's own record.

use std::sync::Arc;

use backstay_base::{Caller, CallerKind};
use backstay_expr::Account;

use crate::{App, example, told, wrong};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_ask_the_record_of_the_caller() {
    for app in App::both(example("The caller's own record")) {
        let red = app.made("Team", r#"{"name":"Red"}"#).await;
        let blue = app.made("Team", r#"{"name":"Blue"}"#).await;
        let user = |name: &str, team, blocked| {
            format!(r#"{{"email":"{name}@example.org","team":"{team}","blocked":{blocked}}}"#)
        };
        let ann = app.caller("User", &user("ann", red, false)).await;
        let eve = app.caller("User", &user("eve", red, true)).await;
        let bob = app.caller("User", &user("bob", blue, false)).await;
        let check = |result, expected: &str| assert_eq!(told(result), expected, "{}", app.database);
        check(app.create(&ann, "Note", r#"{"text":"A"}"#).await, "ok");
        check(app.create(&eve, "Note", r#"{"text":"B"}"#).await, "forbidden");
        check(app.create(&ann, "Note", &format!(r#"{{"text":"A","team":"{blue}"}}"#)).await, READ_ONLY);
        let key = Arc::new(Caller { kind: CallerKind::Service, ..(*ann).clone() });
        for (caller, expected) in [
            (&ann, r#"[{"text":"A"}]"#),
            (&eve, r#"[{"text":"A"}]"#),
            (&bob, "[]"),
            // No record is theirs.
            (&key, "forbidden"),
            (&Arc::new(Caller::anonymous()), "sign-in-required"),
        ] {
            assert_eq!(app.list(caller, "Note", "text").await, expected, "{} {caller:?}", app.database);
        }
    }
}

const READ_ONLY: &str = r#"/team ReadOnly("the model sets this field")"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_and_relations_begin_at_the_record() {
    let model = r#"
type Team @open { name: String! }
type User @identity @open { email: Email! @unique  team: Team  posts: [Post!] @inverse(field: "author") }
type Post @allow(create: "true", read: "auth.account.posts.exists(p, p.title == this.title) && auth.account.team.name == 'Red'") {
  title: String!
  author: User
}
"#;
    for app in App::both(model) {
        let red = app.made("Team", r#"{"name":"Red"}"#).await;
        let ann = app.caller("User", &format!(r#"{{"email":"ann@example.org","team":"{red}"}}"#)).await;
        let bob = app.caller("User", r#"{"email":"bob@example.org"}"#).await;
        for (caller, title) in [(&ann, "A"), (&ann, "B"), (&bob, "B"), (&bob, "C")] {
            let author = caller.id.expect("an account");
            app.made("Post", &format!(r#"{{"title":"{title}","author":"{author}"}}"#)).await;
        }
        let titles = r#"[{"title":"A"},{"title":"B"},{"title":"B"}]"#;
        assert_eq!(app.list(&ann, "Post", "title").await, titles, "{}", app.database);
        assert_eq!(app.list(&bob, "Post", "title").await, "[]", "{}", app.database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_classified_is_withheld_from_an_explanation() {
    let model = r#"
type User @identity @open { email: Email! @unique  rank: Int  score: Int @class(is: PERSONAL) }
type Post @allow(read: "this.rank == auth.account.rank && this.score == auth.account.score") { rank: Int  score: Int }
"#;
    for app in App::both(model) {
        let ann = app.caller("User", r#"{"email":"ann@example.org","rank":12,"score":34}"#).await;
        let explained = app.client.explain(&ann, app.client.list("Post", |_| ()).expect("a list")).await;
        let statement = &explained.expect("an explanation").statements[0];
        let values = ["auth.account.rank = 12", "auth.account.score = (withheld: PERSONAL)"];
        assert_eq!(statement.values[..2], values, "{}", app.database);
    }
}

#[test]
fn a_model_without_accounts_has_none() {
    let model = "type A @allow(read: \"auth.account == null\") { x: Int }";
    assert_eq!(wrong(model), ["2:27 the model has no accounts (mark the type of the people who sign in `@identity`)"]);
}

#[test]
fn an_account_is_known_by_what_rules_ask() {
    let ann = Caller::account(backstay_base::RecordId::from_bytes([1; 16]), Vec::<&str>::new());
    assert!(Account::value(&ann, backstay_model::FieldId(7)).is_null(), "nothing was read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_account_leads_to_is_read_with_it_and_null_without_one() {
    let model = r#"
type Address @embedded { city: String  code: String }
type User @identity @open {
  email: Email! @unique
  address: Address
  standing: String @default(to: "good")
  blocked: Boolean @computed(is: "this.standing == 'blocked'")
  homeless: Boolean @computed(is: "this.address == null")
  bans: [Ban!] @inverse(field: "user")
}
type Ban @open { user: User!  why: String }
type City @allow(create: "true", read: "auth.account.address.city == this.name") { name: String }
type Street @allow(create: "true", read: "auth.id != null && auth.account.address.code == null") { name: String }
type Door @allow(create: "true", read: "auth.account.address != null") { name: String }
type Good @allow(create: "true", read: "auth.account.blocked == false") { name: String }
type Tent @allow(create: "true", read: "!auth.account.homeless") { name: String }
type Ticket @allow(create: "true", read: "!auth.account.bans.exists(b, b.why == this.name)") { name: String }
type Pass @allow(create: "true", read: "size(auth.account.bans) < 3") { name: String }
type Vote @allow(create: "auth.account.bans.sum(b, 1) < 5", read: "auth.account.bans.all(b, b.why == 'late')") { name: String }
"#;
    for app in App::both(model) {
        let ann = app.caller("User", r#"{"email":"ann@example.org","address":{"city":"Rome","code":"1"}}"#).await;
        let bob = app.caller("User", r#"{"email":"bob@example.org","standing":"blocked"}"#).await;
        let bob_id = bob.id.expect("an account");
        app.made("Ban", &format!(r#"{{"user":"{bob_id}","why":"Rome"}}"#)).await;
        let nobody = Arc::new(Caller::anonymous());
        let types = ["City", "Street", "Door", "Good", "Tent", "Ticket", "Pass", "Vote"];
        for name in types {
            app.made(name, r#"{"name":"Rome"}"#).await;
        }
        for (caller, expected) in [
            (&ann, ["Rome", "", "Rome", "Rome", "Rome", "Rome", "Rome", "Rome"]),
            (&bob, ["", "Rome", "", "", "", "", "Rome", ""]),
            (&nobody, [""; 8]),
        ] {
            for (name, expected) in types.iter().zip(expected) {
                let seen = app.list(caller, name, "name").await;
                assert_eq!(
                    seen.contains("Rome"),
                    expected == "Rome",
                    "{} {:?} {name}: {seen}",
                    app.database,
                    caller.id
                );
            }
        }
        assert_eq!(told(app.create(&ann, "Vote", r#"{"name":"Rome"}"#).await), "ok");
        assert_ne!(told(app.create(&nobody, "Vote", r#"{"name":"Rome"}"#).await), "ok");
    }
}

/// The caller knows of the record what it held when the request began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_refers_to_what_has_gone_to_the_trash_meanwhile() {
    let model = r#"
type Team @open @trash { name: String! }
type User @identity @open { email: Email! @unique  team: Team }
enum State { OPEN @initial @to(state: "DONE", set: [{ field: "closer", to: "auth.account.team" }]) DONE }
type Note @open {
  state: State!
  closer: Team
  team: Team @set(on: CREATE, when: "this.kind == 'set'", to: "auth.account.team")
  other: Team @default(from: "this.kind == 'default' ? auth.account.team : null")
  kind: String
}
"#;
    for app in App::both(model) {
        let red = app.made("Team", r#"{"name":"Red"}"#).await;
        let ann = app.caller("User", &format!(r#"{{"email":"ann@example.org","team":"{red}"}}"#)).await;
        let note = app.create(&ann, "Note", r#"{"kind":"set"}"#).await.expect("a note");
        assert_eq!(app.one(&ann, ("Note", note), "team{name}").await, r#"{"team":{"name":"Red"}}"#, "{}", app.database);
        app.client.written(&ann, app.client.delete("Team", red)).await.expect("it goes to the trash");
        let check = |result, at: &str| {
            assert_eq!(
                told(result),
                format!(r#"/{at} Reference {{ collection: "Team", by: "id" }}"#),
                "{}",
                app.database
            );
        };
        check(app.create(&ann, "Note", r#"{"kind":"set"}"#).await.map(drop), "team");
        check(app.create(&ann, "Note", r#"{"kind":"default"}"#).await.map(drop), "other");
        check(app.update(&ann, ("Note", note), r#"{"state":"DONE"}"#).await, "closer");
        assert_eq!(told(app.create(&ann, "Note", r#"{"kind":"neither"}"#).await), "ok", "{}", app.database);
    }
}
