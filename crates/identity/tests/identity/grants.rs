//! What an API key is limited to: `--only posts:get`.

use backstay_base::{Action, Caller, CallerKind, Error};
use backstay_engine::{Authority, Context, Input, Transaction, TxContext};
use backstay_identity::{Identity, IssuedKey, NewKey, system_model};
use backstay_model::SourceFile;
use backstay_testkit::{TestApplication, TestClock, controlled};
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::support::{Club, by_email, files, settings, told};

async fn issue(club: &Club, name: &str, only: Option<&[&str]>) -> Result<IssuedKey, Error> {
    let only = only.map(|only| only.iter().map(ToString::to_string).collect());
    let key = NewKey { name: name.to_owned(), only, ..NewKey::default() };
    club.administration(&club.system()).issue_key(key).await
}

/// Type and action of each pair.
fn pairs(caller: &Caller) -> Option<Vec<String>> {
    let grant = caller.grant.as_ref()?;
    Some(grant.iter().map(|(collection, action)| format!("{collection}.{action}")).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_carries_its_grant() {
    let club = Club::open(settings());
    let check = async |name: &str, only: Option<&[&str]>, expected: Option<&[&str]>, shown: serde_json::Value| {
        let secret = issue(&club, name, only).await.expect("the system may").secret;
        let cx = club.shown(&secret).await.expect("the key is good");
        assert_eq!(cx.caller().kind, CallerKind::Service);
        let expected = expected.map(|expected| expected.iter().map(ToString::to_string).collect());
        assert_eq!(pairs(cx.caller()), expected, "{name}");
        let explained = club.administration(&club.system()).caller_for(&by_email(name)).await.expect("a key in use");
        assert_eq!(explained.grant, cx.caller().grant, "{name}");

        let me = club.me(&cx).await;
        assert_eq!(me["only"], shown, "{name}");
        let keys = club.administration(&club.system()).keys().await.expect("the system may");
        let listed = keys.into_iter().find(|key| key.name == name).expect("it is listed");
        assert_eq!(json!(listed.only), shown, "{name}");
    };
    check("whole", None, None, json!(null)).await;
    check("none", Some(&[]), Some(&[]), json!([])).await;
    check("one", Some(&["houses:get"]), Some(&["House.get"]), json!(["houses:get"])).await;
    check(
        "two",
        Some(&["users:update", "houses:get", "users:update"]),
        Some(&["House.get", "User.update"]),
        json!(["houses:get", "users:update"]),
    )
    .await;
    check("read", Some(&["groups:read"]), Some(&["Group.get", "Group.search"]), json!(["groups:get", "groups:search"]))
        .await;
    // Users have no trash.
    let of_trash = |action: &Action| matches!(action, Action::Restore | Action::Purge);
    let granted = || Action::GRANTED.into_iter().filter(|action| !of_trash(action));
    let all: Vec<String> = granted().map(|action| format!("users:{}", action.word())).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let secret = issue(&club, "all", Some(&all)).await.expect("the system may").secret;
    let caller = club.identity.authenticate(&secret).await.expect("the key is good");
    let grant = caller.grant.as_ref().expect("it has a grant");
    assert!(granted().all(|action| grant.allows("User", action) && !grant.allows("House", action)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_grant_names_must_exist() {
    let club = Club::open(settings());
    let check = async |only: &[&str], expected: &str| {
        assert_eq!(told(issue(&club, "k", Some(only)).await), expected, "{only:?}");
    };
    check(&["house:get"], "only range").await;
    check(&["House:get"], "only range").await;
    check(&["houses:gett"], "only range").await;
    check(&["houses:GET"], "only range").await;
    check(&["houses:history"], "only range").await;
    check(&["houses"], "only type").await;
    check(&[""], "only type").await;
    check(&[":"], "only range").await;
    check(&["houses:get", "house:get", "houses:debit"], "only range; only range").await;
    check(&["backstay-keys:get"], "only range").await;
    assert!(club.administration(&club.system()).keys().await.expect("the system may").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_operators_have_no_grant() {
    let club = Club::open(settings());
    let ada = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    assert_eq!(pairs(club.shown(&ada).await.expect("the token is good").caller()), None);
    assert_eq!(pairs(club.operator().await.caller()), None);
}

/// Stores a key as a version of Backstay without grants did.
struct OldKey;

impl Transaction for OldKey {
    type Answer = ();

    fn name(&self) -> &'static str {
        "issue-key"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let keys = cx.model().collection_named("BackstayKey").expect("a type of Backstay's own");
            let field = |name: &str| keys.field_named(name).expect("it has the field").id;
            let draft = Input::new()
                .with(field("name"), "old")
                .with(field("liveName"), "old")
                .with(field("keyHash"), "hash")
                .with(field("roles"), backstay_scalar::Value::List([].into()));
            let collection = keys.id;
            cx.create(Authority::System, collection, draft).await.map(|_| ())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_before_there_were_grants_is_not_limited() {
    let clock = TestClock::at("2026-01-31T12:00:00Z");
    let without = |file: SourceFile| {
        let lines = file.text.lines().filter(|line| !line.contains("grantedActions") && !line.contains("TYPE:ACTION"));
        SourceFile::system(file.name.clone(), lines.collect::<Vec<_>>().join("\n"))
    };
    let mut old = files();
    old.pop();
    old.push(without(system_model(Some("User"))));
    let app = TestApplication::open(old, controlled(&clock, 7));
    app.engine.run(&Context::system(&app.engine), OldKey).await.expect("the key is stored");

    let app = app.restart(files(), controlled(&clock, 8));
    let identity = Identity::new(app.engine.clone(), settings()).expect("the model fits");
    let system = Context::system(&app.engine);
    let keys = identity.administration(&system).expect("Backstay itself may").keys().await.expect("they are read");
    assert_eq!(keys.iter().map(|key| (key.name.as_str(), &key.only)).collect::<Vec<_>>(), [("old", &None)]);
}
