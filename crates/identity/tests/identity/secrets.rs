//! Passwords and tokens are neither stored nor printed.

use std::path::Path;

use crate::support::{Club, PASSWORD, settings};
use backstay_identity::NewKey;

fn holds(directory: &Path, needle: &str) -> bool {
    let files = std::fs::read_dir(directory).expect("the directory can be read");
    files.filter_map(Result::ok).filter(|file| file.path().is_file()).any(|file| {
        let bytes = std::fs::read(file.path()).expect("the file can be read");
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_holds_only_hashes() {
    let club = Club::open(settings());
    let signed_in = club.sign_up("ada@example.org").await.expect("sign-up is open");
    let system = club.system();
    let key = club.administration(&system).issue_key(NewKey { name: "importer".to_owned(), ..NewKey::default() }).await;
    let key = key.expect("the system may").secret;
    let later = system.now.checked_add(backstay_testkit::duration("1h"));
    let invited = club.administration(&system).invite("bob@example.org", &[], later.expect("a moment")).await;
    let invitation = invited.expect("the system may").token;
    let set_up = club.administration(&club.system()).setup_token();
    club.engine().close();

    let directory = club.app.directory();
    assert!(holds(directory, "ada@example.org"), "the search finds what is there");
    let database = std::fs::read(directory.join("backstay.db")).expect("the file can be read");
    let hashes = database.windows(10).filter(|window| window == b"$argon2id$").count();
    assert_eq!(hashes, 1, "in the credential, not in the commit log");
    for secret in [PASSWORD, signed_in.token.expose(), key.expose(), invitation.expose(), set_up.expose()] {
        assert!(!holds(directory, secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_printed() {
    let club = Club::open(settings());
    let signed_in = club.sign_up("ada@example.org").await.expect("sign-up is open");
    let key = club.administration(&club.system()).issue_key(NewKey { name: "k".to_owned(), ..NewKey::default() }).await;
    let key = key.expect("the system may");
    let printed = format!("{signed_in:?} {key:?} {:?}", club.identity);
    for secret in [signed_in.token.expose(), key.secret.expose(), PASSWORD, "argon2id$"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
