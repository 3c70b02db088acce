//! Operators, the first of them, and what only they may do.

use crate::support::{ADDRESS, Club, PASSWORD, address, by_email, json, secret, settings, told};
use backstay_base::{CallerKind, Error};
use backstay_engine::{Context, List};
use backstay_identity::{AccountRef, NewKey, SignedIn};

async fn set_up(club: &Club, token: &str, password: &str) -> Result<SignedIn, Error> {
    let (cx, from) = (club.anonymous(), address(ADDRESS));
    club.identity.set_up_operator(&cx, from, &secret(token), "Root@example.org", &secret(password)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_is_added_with_a_token_once() {
    let club = Club::open(settings());
    assert!(!club.identity.has_operator().await.expect("the store answers"));
    let ended = "the token is unknown, has expired or was revoked; sign in again";
    assert_eq!(told(set_up(&club, "", PASSWORD).await), ended, "there is no token before it was asked for");
    let token = club.identity.setup_token();
    assert_eq!(token, club.identity.setup_token());
    let other = format!("bsu_{}", "A".repeat(43));
    assert_eq!(told(set_up(&club, &other, PASSWORD).await), ended);
    assert_eq!(told(set_up(&club, token.expose(), "short").await), "password: at least 10 characters");

    let signed_in = set_up(&club, token.expose(), PASSWORD).await.expect("the token is good");
    assert_eq!(json(&signed_in.account)["email"], "root@example.org");
    let cx = club.shown(&signed_in.token).await.expect("the operator is signed in");
    assert_eq!(cx.caller.kind, CallerKind::Operator);
    assert!(club.identity.has_operator().await.expect("the store answers"));

    assert_eq!(told(set_up(&club, token.expose(), PASSWORD).await), ended);
    let late = club.identity.setup_token();
    let already = "there is an operator already; sign in, or let one add you";
    assert_eq!(told(set_up(&club, late.expose(), PASSWORD).await), already);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_set_ups_one_succeeds() {
    let club = std::sync::Arc::new(Club::open(settings()));
    let token = club.identity.setup_token();
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let (club, token) = (std::sync::Arc::clone(&club), token.clone());
            tokio::spawn(async move {
                let (cx, from) = (club.anonymous(), address(ADDRESS));
                let email = format!("root{number}@example.org");
                club.identity.set_up_operator(&cx, from, &token, &email, &secret(PASSWORD)).await.is_ok()
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        made += usize::from(task.await.expect("the task ends"));
    }
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_signs_in_at_its_own_door() {
    let club = Club::open(settings());
    let cx = club.operator().await;
    let me = json(&club.identity.me(&cx).await.expect("an operator may ask"));
    assert_eq!((&me["kind"], &me["account"]["email"]), (&"OPERATOR".into(), &"root@example.org".into()));
    let wrong = "the e-mail address or the password is wrong";
    assert_eq!(told(club.sign_in("root@example.org", PASSWORD).await), wrong);
    let again = club.identity.add_operator(&cx, "ROOT@example.org", &secret(PASSWORD)).await;
    assert_eq!(told(again), "there is an operator with this e-mail address");
    let none = club.identity.add_operator(&cx, "root", &secret(PASSWORD)).await;
    assert_eq!(told(none), "email: expected an e-mail address, such as ada@example.org");
    assert_eq!(club.identity.sign_out_everywhere(&cx).await.expect("an operator may"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_decide_who_may_sign_in() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let ada = club.shown(&token).await.expect("the token is good");
    let key = club.identity.issue_key(&club.system(), NewKey { name: "k".into(), ..NewKey::default() }).await;
    let service = club.shown(&key.expect("the system may").secret).await.expect("the key is good");
    let refused = "you may not update who may sign in; operators may";
    let who = by_email("ada@example.org");
    for cx in [&club.anonymous(), &ada, &service] {
        let identity = &club.identity;
        assert_eq!(told(identity.add_operator(cx, "a@example.org", &secret(PASSWORD)).await), refused);
        assert_eq!(told(identity.grant_role(cx, &who, "EDITOR").await), refused);
        assert_eq!(told(identity.revoke_role(cx, &who, "EDITOR").await), refused);
        assert_eq!(told(identity.disable(cx, &who).await), refused);
        assert_eq!(told(identity.enable(cx, &who).await), refused);
        assert_eq!(told(identity.set_password(cx, &who, &secret(PASSWORD)).await), refused);
        assert_eq!(told(identity.issue_key(cx, NewKey::default()).await), refused);
        assert_eq!(told(identity.revoke_key(cx, "k").await), refused);
        assert_eq!(told(identity.list_keys(cx).await), refused);
        assert_eq!(told(identity.invite(cx, "b@example.org", &[], cx.now).await), refused);
        assert_eq!(told(identity.open_invitations(cx).await), refused);
        assert_eq!(told(identity.revoke_invitations(cx, "b@example.org").await), refused);
    }
    let operator = club.operator().await;
    assert_eq!(told(club.identity.grant_role(&operator, &who, "EDITOR").await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_those_of_the_model() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let system = club.system();
    let grant = async |who: &str, role: &str| club.identity.grant_role(&system, &by_email(who), role).await;
    let check = async |who: &str, role: &str, expected: &str| assert_eq!(told(grant(who, role).await), expected);
    check("ada@example.org", "EDTIOR", "role: unknown role 'EDTIOR'; did you mean 'EDITOR'?").await;
    check("ada@example.org", "editor", "role: unknown role 'editor'; did you mean 'EDITOR'?").await;
    check("ada@example.org", "ADMIN", "role: unknown role 'ADMIN'").await;
    check("bob@example.org", "EDITOR", "there is no account or operator with this e-mail address").await;
    check("bob", "EDITOR", "account: expected an e-mail address, such as ada@example.org").await;
    check("ADA@example.org", "EDITOR", "done").await;
    check("ada@example.org", "EDITOR", "done").await;
    check("ada@example.org", "WRITER", "done").await;
    let roles = async || club.identity.caller_for(&by_email("ada@example.org")).await.expect("it exists").roles.clone();
    assert_eq!(roles().await.iter().map(|role| &**role).collect::<Vec<_>>(), ["EDITOR", "WRITER"]);
    let revoked = club.identity.revoke_role(&system, &by_email("ada@example.org"), "EDITOR").await;
    assert_eq!(told(revoked), "done");
    assert_eq!(roles().await.iter().map(|role| &**role).collect::<Vec<_>>(), ["WRITER"]);
    let unknown = club.identity.revoke_role(&system, &by_email("ada@example.org"), "WRITR").await;
    assert_eq!(told(unknown), "role: unknown role 'WRITR'; did you mean 'WRITER'?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_shown_as_it_would_call() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let ada = club.shown(&token).await.expect("the token is good");
    let id = AccountRef::Id(ada.caller.id.expect("an account"));
    let shown = club.identity.caller_for(&id).await.expect("it exists");
    assert_eq!((shown.kind, shown.id, shown.session), (CallerKind::Account, ada.caller.id, None));
    club.identity.disable(&club.system(), &id).await.expect("it exists");
    assert_eq!(told(club.identity.caller_for(&id).await), "it is disabled, and cannot call; enable it first");
    let nobody = "0190a5d0-0000-7000-8000-000000000001".parse().unwrap_or_else(|never| match never {});
    assert_eq!(told(club.identity.caller_for(&nobody).await), "there is no account, operator or key with this id");
}

#[tokio::test(flavor = "multi_thread")]
async fn backstays_own_records_are_for_operators_and_without_secrets() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let ada = club.shown(&token).await.expect("the token is good");
    let operator = club.operator().await;
    let items = async |cx: &Context, name: &str| {
        let collection = club.engine().model().collection_named(name).expect("a type of Backstay's own").id;
        let page = club.engine().list(cx, List::of(collection)).await;
        page.map_or(0, |page| json(&page.body)["items"].as_array().map_or(0, Vec::len))
    };
    for name in ["BackstayCredential", "BackstaySession"] {
        assert_eq!((items(&ada, name).await, items(&operator, name).await), (0, 2), "{name}");
    }
    let collection = club.engine().model().collection_named("BackstaySession").expect("a type").id;
    let page = club.engine().list(&operator, List::of(collection)).await.expect("an operator may");
    assert_eq!(json(&page.body)["items"][0].get("tokenHash"), None);
}
