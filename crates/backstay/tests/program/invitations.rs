//! `backstay invite`: creating, listing and revoking invitations.

use crate::support::App;

#[test]
fn invitations_are_made_shown_and_taken_back() {
    let app = App::seeded();
    app.write("backstay.toml", "accounts.sign_up = 'invited'");
    let none = "no open invitations; invite someone with `backstay invite EMAIL`\n";
    app.run(&["seed"]).done();
    assert_eq!(app.run(&["invite", "list"]).done(), none);
    rounds(&app);
    let server = app.serve();
    assert_eq!(app.run(&["invite", "list"]).done(), none);
    rounds(&app);
    drop(server);
}

fn rounds(app: &App) {
    let invited = app.run(&["invite", "eve@shelf.example", "--role", "READER", "--expires", "12h"]).done();
    let (token, _) = invited.split_once('\n').expect("the token and words");
    let listed = app.run(&["invite", "list"]).done();
    assert!(listed.contains("  eve@shelf.example  READER  expires 2"), "{listed}");
    assert!(token.starts_with("bsi_") && !listed.contains(token), "tokens are shown once: {listed}");
    let json = app.run(&["invite", "list", "--format", "json"]).done();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let one = json["invitations"][0].as_object().expect("an invitation");
    let mut members: Vec<&str> = one.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["email", "expiresAt", "id", "roles"]);

    let revoked = app.run(&["invite", "revoke", "eve@shelf.example"]).done();
    assert_eq!(revoked, "eve@shelf.example is no longer invited\n");
    let again = app.run(&["invite", "revoke", "eve@shelf.example"]).refused();
    assert!(again.contains("no open invitation"), "{again}");
    let member = app.run(&["invite", "ben@shelf.example"]).refused();
    assert!(member.contains("already"), "{member}");
}

#[test]
fn an_invitation_is_made_or_looked_at_but_not_both() {
    let app = App::new();
    for arguments in [&["invite"][..], &["invite", "a@shelf.example", "list"]] {
        assert_eq!(app.run(arguments).code, Some(2), "{arguments:?}");
    }

    for arguments in [&["invite", "list"][..], &["invite", "revoke", "a@shelf.example"]] {
        assert!(app.run(arguments).refused().contains("there is no database"), "{arguments:?}");
    }
}
