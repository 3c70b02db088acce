//! Listing and revoking invitations.

use backstay_base::Timestamp;
use backstay_identity::{Settings, SignUp};

use crate::support::{Club, PASSWORD, settings, told};

fn in_hours(club: &Club, hours: &str) -> Timestamp {
    club.system().now.checked_add(backstay_testkit::duration(hours)).expect("a moment")
}

/// The address and the roles of each open invitation.
async fn open(club: &Club) -> Vec<String> {
    let open = club.administration(&club.system()).open_invitations().await.expect("the system may");
    open.iter().map(|one| format!("{} {}", one.email, one.roles.join(" "))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn open_invitations_are_listed_and_taken_back() {
    let club = Club::open(Settings { sign_up: SignUp::Invited, ..settings() });
    let invite = async |email: &str, hours: &str| {
        let (system, roles) = (club.system(), ["WRITER".to_owned()]);
        club.administration(&system).invite(email, &roles, in_hours(&club, hours)).await.expect("the system may").token
    };
    let ada = invite("Ada@example.org", "48h").await;
    let bob = invite("bob@example.org", "24h").await;
    invite("bob@example.org", "48h").await;
    invite("eve@example.org", "24h").await;
    let shown =
        ["ada@example.org WRITER", "bob@example.org WRITER", "bob@example.org WRITER", "eve@example.org WRITER"];
    assert_eq!(open(&club).await, shown);

    let sign_up = async |email: &str, token: &str| {
        let body = format!(r#"{{"email": "{email}", "name": "X", "password": "{PASSWORD}", "invitation": "{token}"}}"#);
        told(club.sign_up_with(&body).await)
    };
    assert_eq!(sign_up("ada@example.org", ada.expose()).await, "done");
    assert_eq!(told(club.administration(&club.system()).revoke_invitations("BOB@example.org").await), "done");
    assert_eq!(sign_up("bob@example.org", bob.expose()).await, "forbidden");
    assert_eq!(open(&club).await, ["eve@example.org WRITER"]);
    club.clock.advance("24h");
    assert_eq!(open(&club).await, [""; 0], "what has expired is not open");

    let none = "not-found";
    for email in ["ada@example.org", "bob@example.org", "eve@example.org"] {
        assert_eq!(told(club.administration(&club.system()).revoke_invitations(email).await), none, "{email}");
    }
    let no_email = told(club.administration(&club.system()).revoke_invitations("bob").await);
    assert_eq!(no_email, "email type");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_an_account_cannot_be_invited() {
    let club = Club::open(settings());
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let invited = club.administration(&club.system()).invite("ADA@example.org", &[], in_hours(&club, "1h")).await;
    assert_eq!(told(invited.map(|invited| invited.id)), "already-done");
    assert_eq!(open(&club).await, [""; 0]);
}
