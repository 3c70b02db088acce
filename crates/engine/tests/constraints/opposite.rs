//! The other end of a unique relation: one record, or none.

use backstay_base::{Caller, RecordId};

use crate::support::{Served, documented};

const MODEL: &str = r#"
enum Role @roles { EDITOR }
type User @identity @open {
  email: Email! @unique
  profile: Profile @inverse(field: "user")
  card: Card @inverse(field: "user")
  teams: [Team!]
}
type Profile @allow(read: "this.shown || 'EDITOR' in auth.roles", create: "true", update: "true", delete: "true") {
  user: User! @unique @onDelete(do: CASCADE)
  bio: String
  shown: Boolean!
  interests: [Interest!]
}
type Card @open { user: User @unique @allow(read: "'EDITOR' in auth.roles") number: Int! }
type Interest @open { name: String! }
type Team @open { members: [User!] @inverse(field: "teams") }
type Note @allow(read: "auth.account.profile != null && auth.account.profile.bio != 'bold'", create: "true") { text: String }
type Club @allow(read: "auth.account.profile.interests.exists(i, i == this.about)", create: "true") { about: Interest! }
type Letter @allow(read: "this.to.profile.bio == 'shy' || this.to.profile == null", create: "this.to.profile != null") {
  to: User!
}"#;

/// Ann (3) has a profile that is shown and a card, Bob (4) one that is hidden, Eve (5) neither.
async fn served(mut on: Served) -> Served {
    let name = on.database;
    for (of, body) in [
        ("Interest", r#"{"name":"chess"}"#),
        ("Interest", r#"{"name":"go"}"#),
        ("Team", "{}"),
        ("User", r#"{"email":"ann@example.org","teams":["%2"]}"#),
        ("User", r#"{"email":"bob@example.org","teams":["%2"]}"#),
        ("User", r#"{"email":"eve@example.org"}"#),
        ("Profile", r#"{"user":"%3","bio":"shy","shown":true,"interests":["%0"]}"#),
        ("Profile", r#"{"user":"%4","bio":"bold","shown":false,"interests":["%1"]}"#),
        ("Card", r#"{"user":"%3","number":7}"#),
    ] {
        assert_eq!(on.create(of, body).await, "ok", "{name} {of} {body}");
    }
    on
}

fn editor() -> Caller {
    Caller::account(RecordId::from_bytes([1; 16]), ["EDITOR"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_at_the_other_end_is_selected() {
    for on in Served::both(MODEL) {
        let mut on = served(on).await;
        let name = on.database;
        on.ask_as(editor());
        let all = on.list("User", "email,profile{bio,interests{name}},card{number}", None).await;
        let expected = concat!(
            r#"[{"card":{"number":7},"email":"ann@example.org","profile":{"bio":"shy","interests":[{"name":"chess"}]}},"#,
            r#"{"card":null,"email":"bob@example.org","profile":{"bio":"bold","interests":[{"name":"go"}]}},"#,
            r#"{"card":null,"email":"eve@example.org","profile":null}]"#
        );
        assert_eq!(all, expected, "{name}");
        let ids = on.list("User", "profile,card", None).await;
        let expected = r#"[{"card":"%8","profile":"%6"},{"card":null,"profile":"%7"},{"card":null,"profile":null}]"#;
        assert_eq!(ids, expected, "{name}");
        let members = on.list("Team", "members{email,profile{bio}}", None).await;
        let expected = concat!(
            r#"[{"members":[{"email":"ann@example.org","profile":{"bio":"shy"}},"#,
            r#"{"email":"bob@example.org","profile":{"bio":"bold"}}]}]"#
        );
        assert_eq!(members, expected, "{name}");
        let back = on.list("Profile", "user{profile{user}}", Some("bio == 'shy'")).await;
        assert_eq!(back, r#"[{"user":{"profile":{"user":"%3"}}}]"#, "{name}");
        assert_eq!(on.delete("Profile", 6).await, "ok", "{name}");
        assert_eq!(on.list("User", "profile", Some("profile == null")).await, r#"[{"profile":null},{"profile":null}]"#);
    }
}

/// A record that the caller may not read isn't at the other end, nor is one whose relation the caller may not see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_caller_may_not_see_is_not_at_the_other_end() {
    for on in Served::both(MODEL) {
        let on = served(on).await;
        let name = on.database;
        let all = on.list("User", "email,profile{bio}", None).await;
        let expected = concat!(
            r#"[{"email":"ann@example.org","profile":{"bio":"shy"}},"#,
            r#"{"email":"bob@example.org","profile":null},{"email":"eve@example.org","profile":null}]"#
        );
        assert_eq!(all, expected, "{name}");
        let found = async |filter: &str| on.list("User", "email", Some(filter)).await.matches("email").count();
        assert_eq!(found("profile != null").await, 1, "{name}");
        assert_eq!(found("profile.bio == 'bold'").await, 0, "{name}");
        assert_eq!(found("!(profile.bio == 'shy')").await, 0, "{name}: unknown is neither");
        assert_eq!(found("profile.interests.exists(i, i.name == 'go')").await, 0, "{name}");
        assert_eq!(found("profile.interests.exists(i, i.name == 'chess')").await, 1, "{name}");
        // Whoever never sees whose card it is can't ask for somebody's card.
        for (select, filter) in [("card{number}", None), ("card", None), ("email", Some("card != null"))] {
            let told = on.list("User", select, filter).await;
            assert!(told.ends_with(r#"FieldHidden { field: "card" }"#), "{name} {select} {filter:?}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_follow_the_other_end() {
    for on in Served::both(MODEL) {
        let mut on = served(on).await;
        let name = on.database;
        assert_eq!(on.create("Letter", r#"{"to":"%3"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Letter", r#"{"to":"%4"}"#).await, "ok", "{name}: rules see everything");
        assert_eq!(on.create("Letter", r#"{"to":"%5"}"#).await, "sign-in-required", "{name}");
        assert_eq!(on.list("Letter", "to", None).await, r#"[{"to":"%3"}]"#, "{name}");
        on.ask_as(editor());
        assert_eq!(on.delete("Profile", 7).await, "ok", "{name}");
        assert_eq!(on.list("Letter", "to", None).await, r#"[{"to":"%3"},{"to":"%4"}]"#, "{name}");
    }
}

/// The other end of the caller's own record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_follow_the_other_end_of_the_account() {
    for on in Served::both(MODEL) {
        let mut on = served(on).await;
        let name = on.database;
        assert_eq!(on.create("Note", r#"{"text":"x"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Club", r#"{"about":"%0"}"#).await, "ok", "{name}");
        for (account, notes, clubs) in
            [(3, r#"[{"text":"x"}]"#, r#"[{"about":"%0"}]"#), (4, "[]", "[]"), (5, "[]", "[]")]
        {
            on.ask_as_account(account);
            assert_eq!(on.list("Note", "text", None).await, notes, "{name} {account}");
            assert_eq!(on.list("Club", "about", None).await, clubs, "{name} {account}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_written_where_it_is_declared() {
    let mut on = served(Served::sqlite(MODEL)).await;
    let refused = r#"invalid-values: /profile Misused { problem: "this relation is stored in `user` of Profile", remedy: "send the fields of the Profile as an object, or set `user` of the Profile" }"#;
    assert_eq!(on.create("User", r#"{"email":"x@example.org","profile":"%6"}"#).await, refused);
    assert_eq!(on.update("User", 5, r#"{"profile":"%6"}"#).await, refused);
    assert_eq!(on.create("Profile", r#"{"user":"%3","shown":true}"#).await, "not-unique: Profile user");
    assert_eq!(on.delete("User", 3).await, "ok");
    assert_eq!(on.list("Profile", "bio", None).await, "[]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_example_works() {
    for mut on in Served::both(documented("### Relations")) {
        let name = on.database;
        assert_eq!(on.create("Member", r#"{"name":"Ann"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Member", r#"{"name":"Bob"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Profile", r#"{"member":"%0","bio":"Hi"}"#).await, "ok", "{name}");
        let all = on.list("Member", "name,profile{bio}", None).await;
        assert_eq!(all, r#"[{"name":"Ann","profile":{"bio":"Hi"}},{"name":"Bob","profile":null}]"#, "{name}");
        assert_eq!(on.list("Member", "name", Some("profile == null")).await, r#"[{"name":"Bob"}]"#, "{name}");
    }
}
