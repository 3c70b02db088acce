//! Who may use which operation: every public method of `Identity` and `Administration`, called by every kind of caller.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use backstay_base::{CallerKind, Error};
use backstay_engine::{Context, Input};
use backstay_identity::{AddAccount, Administration, FirstOperator, NewKey, NewPassword, Settings, SignUp};

use crate::support::{ADDRESS, Club, PASSWORD, address, by_email, secret, settings, told};

/// The methods of `Identity` that take no caller: what they show or change depends on a secret, or is public.
const WITHOUT_CALLER: [&str; 6] =
    ["authenticate", "authenticate_link", "has_operator", "hashes_computed", "new", "remove_expired_links"];

/// What each kind of caller gets from each method of `Identity`: anonymous, account, service, operator, system. Who gets
/// an `Administration` may call all of its methods.
const EXPECTED: [(&str, [&str; 5]); 12] = [
    ("sign_in", ["done"; 5]),
    ("sign_up", ["done"; 5]),
    ("set_up_operator", ["invalid-token"; 5]),
    ("me", ["sign-in-required", "done", "done", "done", "sign-in-required"]),
    (
        "change_email",
        ["sign-in-required", "wrong-credentials", "sign-in-required", "wrong-credentials", "sign-in-required"],
    ),
    (
        "change_password",
        ["sign-in-required", "wrong-credentials", "sign-in-required", "wrong-credentials", "sign-in-required"],
    ),
    ("require_session", ["sign-in-required", "done", "sign-in-required", "done", "sign-in-required"]),
    ("sign_out", ["sign-in-required", "done", "forbidden", "done", "sign-in-required"]),
    ("sign_out_everywhere", ["sign-in-required", "done", "forbidden", "done", "sign-in-required"]),
    ("make_link", ["done"; 5]),
    ("revoke_link", ["sign-in-required"; 5]),
    ("administration", ["sign-in-required", "forbidden", "forbidden", "done", "done"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_for_the_callers_that_it_is_meant_for() {
    let club = Club::open(Settings { sign_up: SignUp::Open, ..settings() });
    let callers = callers(&club).await;
    let mut called = BTreeSet::new();
    for (column, cx) in callers.iter().enumerate() {
        let mut got = of_identity(&club, cx, column).await;
        called.extend(got.keys().copied());
        match club.identity.administration(cx) {
            Err(refused) => {
                got.insert("administration", told::<()>(Err(refused)));
            }
            Ok(administration) => {
                got.insert("administration", "done".to_owned());
                let link = club.identity.make_link(cx, address(ADDRESS)).await.expect("a link");
                let showing = administration.with_link(Arc::clone(cx.caller()), link.id).await;
                assert_eq!(told(showing), "done", "with_link by {:?}", cx.caller().kind);
                called.insert("with_link");
                for (name, outcome) in of_administration(&administration, club.named("New"), column).await {
                    assert_eq!(outcome, "done", "{name} by {:?}", cx.caller().kind);
                    called.insert(name);
                }
            }
        }
        for (name, expected) in EXPECTED {
            assert_eq!(got[name], expected[column], "{name} by {:?}", cx.caller().kind);
        }
    }
    called.insert("administration");
    called.extend(WITHOUT_CALLER);
    assert_eq!(called.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), public_methods());
}

/// One caller of each kind, in the order of the table.
async fn callers(club: &Club) -> [Context; 5] {
    let account = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let system = club.system();
    let key = club.administration(&system).issue_key(NewKey { name: "program".into(), ..NewKey::default() }).await;
    let service = key.expect("the system may").secret;
    let callers = [
        club.anonymous(),
        club.shown(&account).await.expect("the token is good"),
        club.shown(&service).await.expect("the key is good"),
        club.operator().await,
        club.system(),
    ];
    let kinds = callers.each_ref().map(|cx| cx.caller().kind);
    let expected =
        [CallerKind::Anonymous, CallerKind::Account, CallerKind::Service, CallerKind::Operator, CallerKind::System];
    assert_eq!(kinds, expected);
    callers
}

async fn of_identity(club: &Club, cx: &Context, column: usize) -> BTreeMap<&'static str, String> {
    let (identity, from) = (&club.identity, address(ADDRESS));
    let email = format!("new{column}@example.org");
    let operator =
        FirstOperator { token: secret("bsu_guess"), email: "root@example.org".into(), password: secret(PASSWORD) };
    let new = format!(r#"{{"email": "{email}", "name": "New", "password": "{PASSWORD}"}}"#);
    let sign_in = format!(r#"{{"email": "{email}", "password": "{PASSWORD}"}}"#);
    let change = r#"{"current": "not this one", "password": "another good one"}"#;
    let change_email = r#"{"email": "eve@example.org", "password": "not this one"}"#;
    [
        ("sign_up", told(club.sign_up_as(cx, &new).await)),
        ("sign_in", told(club.sign_in_from(cx, ADDRESS, &sign_in).await)),
        ("set_up_operator", told(identity.set_up_operator(cx, from, &operator).await)),
        ("me", told(identity.me(cx).await)),
        ("change_email", told(club.change_email(cx, change_email).await)),
        ("change_password", told(club.change_password(cx, change).await)),
        ("require_session", told(identity.require_session(cx))),
        ("make_link", told(identity.make_link(cx, from).await)),
        ("revoke_link", told(identity.revoke_link(cx, None).await)),
        ("sign_out", told(identity.sign_out(cx).await)),
        ("sign_out_everywhere", told(identity.sign_out_everywhere(cx).await)),
    ]
    .into()
}

async fn of_administration(
    administration: &Administration<'_>,
    input: Input,
    column: usize,
) -> Vec<(&'static str, String)> {
    let email = format!("added{column}@example.org");
    let new = AddAccount { email, input, roles: Vec::new(), password: NewPassword::Generated, verified: false };
    let ada = &by_email("ada@example.org");
    let (name, guest) = (format!("two{column}@example.org"), format!("guest{column}@example.org"));
    let (two, password) = (&by_email(&name), &secret(PASSWORD));
    let (key, key_name) = (NewKey { name: name.clone(), ..NewKey::default() }, &by_email(&name));
    let later = backstay_testkit::moment("2030-01-01T00:00:00Z");
    let plain: Result<_, Error> = Ok(administration.setup_token());
    vec![
        ("add_account", told(administration.add_account(new).await)),
        ("accounts", told(administration.accounts(None, 10).await)),
        ("account", told(administration.account(ada).await)),
        ("verify_account", told(administration.verify_account(ada).await)),
        ("unverify_account", told(administration.unverify_account(ada).await)),
        ("disable_account", told(administration.disable_account(ada).await)),
        ("enable_account", told(administration.enable_account(ada).await)),
        ("set_account_password", told(administration.set_account_password(ada, password).await)),
        ("new_credential", told(administration.new_credential(Some(password), &[]).await)),
        ("grant_role", told(administration.grant_role(ada, "WRITER").await)),
        ("roles", told(administration.roles(ada).await)),
        ("revoke_role", told(administration.revoke_role(ada, "WRITER").await)),
        ("set_claim", told(administration.set_claim(ada, "region", "north").await)),
        ("remove_claim", told(administration.remove_claim(ada, "region").await)),
        ("caller_for", told(administration.caller_for(ada).await)),
        ("add_operator", told(administration.add_operator(&name, password).await)),
        ("begin_operator_session", told(administration.begin_operator_session(&name).await)),
        ("operators", told(administration.operators().await)),
        ("set_operator_password", told(administration.set_operator_password(two, password).await)),
        ("remove_operator", told(administration.remove_operator(two).await)),
        ("setup_token", told(plain)),
        ("issue_key", told(administration.issue_key(key).await)),
        ("keys", told(administration.keys().await)),
        ("revoke_key", told(administration.revoke_key(key_name).await)),
        ("invite", told(administration.invite(&guest, &[], later).await)),
        ("open_invitations", told(administration.open_invitations().await)),
        ("revoke_invitations", told(administration.revoke_invitations(&guest).await)),
    ]
}

/// The names of all public methods of `Identity` and `Administration`, as the source has them.
fn public_methods() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut names = BTreeSet::new();
    for directory in [source.clone(), source.join("administration")] {
        for entry in std::fs::read_dir(directory).expect("the source is there") {
            let path = entry.expect("the entry can be read").path();
            if path.is_file() {
                let text = std::fs::read_to_string(path).expect("the file can be read");
                names.extend(methods(&text).into_iter().map(str::to_owned));
            }
        }
    }
    names
}

/// The public methods of the two types in one file.
fn methods(text: &str) -> Vec<&str> {
    let (mut names, mut inside) = (Vec::new(), false);
    for line in text.lines() {
        match line {
            "impl Identity {" | "impl Administration<'_> {" => inside = true,
            "}" => inside = false,
            line if inside => {
                let rest = line.strip_prefix("    pub async fn ").or_else(|| line.strip_prefix("    pub fn "));
                names.extend(rest.and_then(|rest| rest.split(['(', '<']).next()));
            }
            _ => (),
        }
    }
    names
}
