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
