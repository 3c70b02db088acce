//! The texts that this crate gives to errors: the only place where they are compared.

use backstay_base::Error;
use backstay_identity::{NewKey, Settings, SignUp, StartError};

use crate::support::{Club, PASSWORD, by_email, secret, settings};

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, Error>, expected: &str) {
    assert_eq!(result.expect_err("it is refused").to_string(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_sign_up_and_sign_in() {
    let club = Club::open(settings());
    let sign_up = async |password: &str, members: &str| {
        let body = format!(r#"{{"email": "ada@example.org", "name": "Ada", "password": "{password}"{members}}}"#);
        club.sign_up_with(&body).await
    };
    check(sign_up("short", "").await, "/password: at least 10 characters");
    check(sign_up(&"x".repeat(257), "").await, "/password: at most 256 characters");
    check(sign_up("password123", "").await, "/password: this is one of the most common passwords; choose another one");
    let own = "/password: the password must not be the email address; choose another one";
    check(sign_up("ada@example.org", "").await, own);
    check(sign_up(PASSWORD, r#", "groups": []"#).await, "/groups: it cannot be set at sign-up; change it afterwards");
    check(sign_up(PASSWORD, r#", "standing": "MEMBER""#).await, "/standing: a new record starts as GUEST");
    sign_up(PASSWORD, "").await.expect("sign-up is open");
    check(sign_up(PASSWORD, "").await, "no account can be made with these values");
    let as_root = r#"{"email": "a@b.c", "password": "x", "as": "root"}"#;
    check(club.sign_in_with(as_root).await, "/as: expected \"account\" or \"operator\"");

    let closed = Club::open(Settings { sign_up: SignUp::Closed, ..settings() });
    check(closed.sign_up("ada@example.org").await, "sign-up is closed");
    let invited = Club::open(Settings { sign_up: SignUp::Invited, ..settings() });
    let needed = "/invitation: sign-up is by invitation only; ask an operator for one";
    check(invited.sign_up("ada@example.org").await, needed);
    let none = Club::without_accounts();
    check(none.sign_up("ada@example.org").await, "you may not create an account here: this application has none");
    let hint = "/as: this application has no accounts; operators sign in with \"as\": \"operator\"";
    check(none.sign_in("ada@example.org", PASSWORD).await, hint);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_changes_to_ones_own_account() {
    let club = Club::open(settings());
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let cx = club.shown(&token).await.expect("the token is good");
    let body = format!(r#"{{"current": "{PASSWORD}", "password": "{PASSWORD}"}}"#);
    let same = "/password: this is the current password; choose another one";
    check(club.change_password(&cx, &body).await, same);
    let body = format!(r#"{{"email": "ada", "password": "{PASSWORD}"}}"#);
    let no_email = "/email: expected an email address, such as ada@example.org";
    check(club.change_email(&cx, &body).await, no_email);
    let forbidden = "you may not update accounts and keys; only operators may";
    check(club.identity.administration(&cx), forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_administration() {
    let club = Club::open(settings());
    let ada = &by_email("ada@example.org");
    let system = club.system();
    let administration = club.administration(&system);
    check(administration.account(ada).await, "there is no account with this email address");
    let none = "there is no account or operator with this email address";
    check(administration.roles(ada).await, none);
    check(administration.caller_for(ada).await, "there is no account, operator or key with this email address");
    let hint = "there is no key in use with this name; name an account by its email address";
    check(administration.caller_for(&by_email("ada")).await, hint);
    check(
        administration.set_operator_password(ada, &secret(PASSWORD)).await,
        "there is no operator with this email address",
    );
    let nobody = "0190a5d0-0000-7000-8000-000000000001".parse().unwrap_or_else(|never| match never {});
    check(administration.account(&nobody).await, "there is no account with this id");

    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let role = "role: unknown role `EDTIOR`; did you mean `EDITOR`?";
    check(administration.grant_role(ada, "EDTIOR").await, role);
    let name = "claim: invalid name: use up to 48 letters, digits and underscores, starting with a letter or an underscore, and \
         not `true`, `false`, `null` or `in`";
    check(administration.set_claim(ada, "2nd", "x").await, name);
    check(administration.set_claim(ada, "in", "x").await, name);
    check(administration.set_claim(ada, "c", &"x".repeat(1001)).await, "claim: at most 1000 characters");
    check(administration.set_claim(ada, "c", "a\0b").await, "claim: a text without NUL characters");
    administration.set_claim(ada, "region", "north").await.expect("it exists");
    check(administration.remove_claim(ada, "regoin").await, "claim: unknown claim `regoin`; did you mean `region`?");
    administration.disable_account(ada).await.expect("it exists");
    let disabled = "the account is disabled and cannot call; enable it first";
    check(administration.caller_for(ada).await, disabled);

    let root = "root@example.org";
    administration.add_operator(root, &secret(PASSWORD)).await.expect("the system may");
    let already = "there is already an operator with this email address";
    check(administration.add_operator(root, &secret(PASSWORD)).await, already);
    let last = "this is the last operator; add another one first";
    check(administration.remove_operator(&by_email(root)).await, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_about_invitations_and_keys() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let system = club.system();
    let administration = club.administration(&system);
    let later = system.now.checked_add(backstay_testkit::duration("1h")).expect("a moment");
    check(administration.invite("bob@example.org", &[], system.now).await, "expires: a moment in the future");
    let already = "there is already an account with this email address";
    check(administration.invite("ada@example.org", &[], later).await, already);
    let none = "there is no open invitation for this email address";
    check(administration.revoke_invitations("ada@example.org").await, none);

    let key = |only: &[&str]| {
        let only = (!only.is_empty()).then(|| only.iter().map(ToString::to_string).collect());
        NewKey { name: "importer".to_owned(), only, expires_at: Some(later), ..NewKey::default() }
    };
    check(
        administration.issue_key(key(&["house:get"])).await,
        "only: unknown collection `house`; did you mean `houses`? Choose from users, houses, groups",
    );
    check(
        administration.issue_key(key(&["houses:debit"])).await,
        "only: unknown action `debit`. Choose from get, search, create, update, delete, restore, purge, refer, read",
    );
    check(
        administration.issue_key(key(&["houses"])).await,
        "only: expected a collection and an action, such as posts:get",
    );
    let issued = administration.issue_key(key(&[])).await.expect("the system may");
    let used = "a key with this name is in use; revoke it first, or choose another name";
    check(administration.issue_key(key(&[])).await, used);
    club.clock.advance("1h");
    let after = club.system();
    let id = backstay_identity::AccountRef::Id(issued.id);
    check(club.administration(&after).caller_for(&id).await, "the key has expired and cannot call");
    administration.revoke_key(&id).await.expect("it exists");
    check(administration.caller_for(&id).await, "the key is revoked and cannot call");
    check(administration.revoke_key(&by_email("importer")).await, "there is no key in use with this name or id");
}

#[test]
fn refusals_of_a_start() {
    let check = |error: StartError, expected: &str| assert_eq!(error.to_string(), expected);
    let user = || "User".to_owned();
    check(
        StartError::Email { collection: user() },
        "User is marked @identity, so it needs a field `email: Email! @unique` that is not @readonly",
    );
    check(
        StartError::Reserved { collection: user(), field: "password" },
        "the field User.password has the name of a member of `POST /auth/sign-up` that isn't stored in the record",
    );
    check(
        StartError::System { name: "BackstayKey".into() },
        "the model lacks Backstay's own BackstayKey, or has another version of it",
    );
    check(
        StartError::Setting { name: "session_days", expected: "1 to 36500" },
        "the setting session_days must be 1 to 36500",
    );
}
