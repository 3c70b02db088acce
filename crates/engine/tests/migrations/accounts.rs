//! What becomes of accounts, sessions and roles.

use crate::changed::{Place, told};

/// What is done with the accounts of a model in which another type is marked, or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_of_another_type_sign_in_no_more() {
    let old = "type U @open @identity { email: Email! @unique } type M @open { email: Email! @unique }";
    let records = [
        ("U", r#"{"email":"a@x.example"}"#),
        ("U", r#"{"email":"b@x.example"}"#),
        ("BackstayCredential", r#"{"account":"%0","roles":[]}"#),
        ("BackstayCredential", r#"{"roles":[]}"#),
        ("BackstaySession", r#"{"credential":"%2"}"#),
        ("BackstaySession", r#"{"credential":"%3"}"#),
    ];
    let moved = "type U @open { email: Email! @unique } type M @open @identity { email: Email! @unique }";
    let renamed = r#"type A @open @identity @renamed(from: "U") { email: Email! @unique } type M @open { email: Email! @unique }"#;
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, &records).await;
        place.applied(renamed);
        let kept = place.records(renamed, ("BackstaySession", "credential{account{email}}")).await;
        assert!(kept.contains("a@x.example"), "{kept}");
        place.applied(&old.replace("U @open @identity", "U @open @identity @renamed(from: \"A\")"));
        let steps = place.plan(moved);
        let told = told(&steps, &place);
        let first = "LosesData 1: accounts are of M; those of U can't sign in any more, and their passwords and sessions are \
                     deleted";
        assert_eq!(told[0], first, "{}", place.name());
        assert_eq!(steps.iter().filter(|step| step.loses_data()).count(), 1, "{told:?}");
        assert!(place.apply(moved, false).is_err());
        place.applied(moved);
        let left = place.records(moved, ("BackstaySession", "credential{id,account}")).await;
        assert_eq!(left, r#"{"items":[{"credential":{"id":"%3","account":null}}],"next":null}"#, "{}", place.name());
        assert_eq!(place.differences(moved), "", "{}", place.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_and_keys_lose_removed_roles() {
    let of = |roles: &str| format!("enum Role @roles {{ {roles} }} type U @open @identity {{ email: Email! @unique }}");
    let (old, new) = (of("ADMIN EDITOR READER"), of("READER"));
    let records = [
        ("BackstayCredential", r#"{"roles":["ADMIN","READER"]}"#),
        ("BackstayCredential", r#"{"roles":["EDITOR","ADMIN"]}"#),
        ("BackstayCredential", r#"{"roles":["READER"]}"#),
        ("BackstayKey", r#"{"roles":["EDITOR"]}"#),
    ];
    for mut place in Place::both() {
        place.apply(&old, false).expect("a database");
        place.create(&old, &records).await;
        let steps = place.plan(&new);
        let told = told(&steps, &place);
        let expected = "LosesData 3: the roles ADMIN and EDITOR are removed, also from accounts, keys and invitations [2 accounts \
                        have one of them] [1 key has one of them]";
        assert!(told.contains(&expected.to_owned()), "{}: {told:?}", place.name());
        assert!(place.apply(&new, false).is_err());
        place.applied(&new);
        let left = place.records(&new, ("BackstayCredential", "roles")).await;
        assert_eq!(left, r#"{"items":[{"roles":["READER"]},{"roles":[]},{"roles":["READER"]}],"next":null}"#);
    }
    // Nobody has it: nothing is lost.
    let mut place = Place::sqlite();
    place.apply(&old, false).expect("a database");
    place.create(&old, &records[2..3]).await;
    let told = told(&place.applied(&new), &place);
    assert!(
        told.contains(
            &"Safe 0: the roles ADMIN and EDITOR are removed, also from accounts, keys and invitations".to_owned()
        ),
        "{told:?}"
    );
    // One that has another name is the same role.
    let renamed = of("GUEST @renamed(from: \"READER\")");
    place.applied(&renamed);
    assert_eq!(
        place.records(&renamed, ("BackstayCredential", "roles")).await,
        r#"{"items":[{"roles":["GUEST"]}],"next":null}"#
    );
}

/// A type that is gone takes with it what keys may do there, for ever: also without records, that isn't done unasked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_lose_what_they_may_do_with_a_removed_type() {
    const USER: &str = "type User @open @identity { email: Email! @unique }";
    let [post, tag, note] = ["Post", "Tag", "Note"].map(|name| format!("type {name} @open {{ name: String }}"));
    let old = &format!("{USER} {post} {tag} {note}");
    let key = |only: &str| format!(r#"{{"roles":[],"grantedActions":{only}}}"#);
    let keys = [
        key(r#"["Post:create","Post:get"]"#),
        key(r#"["Post:delete","Tag:get"]"#),
        key(r#"["Tag:refer"]"#),
        key("[]"),
        key("null"),
    ];
    let keys: Vec<(&str, &str)> = keys.iter().map(|key| ("BackstayKey", key.as_str())).collect();
    let check = |place: &Place, new: &str, expected: &str| {
        let told = told(&place.plan(new), place);
        assert!(told.contains(&expected.to_owned()), "{}: {told:?}", place.name());
    };
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, &keys).await;
        let without_post = &format!("{USER} {tag} {note}");
        let lost = "LosesData 2: Post is removed, with all its records [2 keys lose what they may do with it]";
        check(&place, without_post, lost);
        assert!(place.apply(without_post, false).is_err(), "{}", place.name());
        let renamed = old.replace("type Post", "type Article @renamed(from: \"Post\")");
        assert!(place.plan(&renamed).iter().all(|step| !step.loses_data()), "{}", place.name());
        check(&place, &old.replace(&note, ""), "Safe 0: Note is removed, with all its records");
        place
            .create(
                old,
                &[("Tag", r#"{"name":"a"}"#), ("BackstayKey", r#"{"roles":[],"grantedActions":["Note:get"]}"#)],
            )
            .await;
        let lost = "LosesData 3: Tag is removed, with all its records [2 keys lose what they may do with it]";
        check(&place, &format!("{USER} {post}"), lost);
        let lost = "LosesData 1: Note is removed, with all its records [1 key loses what it may do with it]";
        check(&place, &format!("{USER} {post}"), lost);
        place.applied(without_post);
        let left = place.records(without_post, ("BackstayKey", "grantedActions")).await;
        let kept = r#"{"items":[{"grantedActions":[]},{"grantedActions":["Tag:get"]},{"grantedActions":["Tag:refer"]},{"grantedActions":[]},{"grantedActions":null},{"grantedActions":["Note:get"]}],"next":null}"#;
        assert_eq!(left, kept, "{}", place.name());
    }
}
