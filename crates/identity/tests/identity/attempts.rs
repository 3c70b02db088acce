//! Limits on attempts to sign in, to sign up and to set up.

use crate::support::{Club, PASSWORD, address, secret, settings};
use backstay_base::{Error, Limit};
use backstay_identity::{FirstOperator, Settings};

fn wait<T>(result: &Result<T, Error>) -> Option<u64> {
    match result {
        Err(Error::Limit(Limit::Rate { retry_after_seconds })) => Some(*retry_after_seconds),
        _ => None,
    }
}

async fn sign_in(club: &Club, from: &str, email: &str, password: &str) -> Option<u64> {
    let body = format!(r#"{{"email": "{email}", "password": "{password}"}}"#);
    wait(&club.sign_in_from(&club.anonymous(), from, &body).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_one_account_are_limited_from_each_network() {
    let club = Club::open(Settings { attempts_per_account: 3, ..settings() });
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    for email in ["ada@example.org", "nobody@example.org"] {
        for _ in 1..=3 {
            assert_eq!(sign_in(&club, "192.0.2.1", email, "wrong").await, None);
        }
        let before = club.identity.hashes_computed();
        assert_eq!(sign_in(&club, "192.0.2.1", email, PASSWORD).await, Some(300), "{email}");
        assert_eq!(sign_in(&club, "192.0.2.1", &email.to_uppercase(), PASSWORD).await, Some(300), "{email}");
        assert_eq!(club.identity.hashes_computed(), before, "a refused attempt costs nothing");
    }
    club.clock.advance("300s");
    assert_eq!(sign_in(&club, "192.0.2.1", "ada@example.org", PASSWORD).await, None);
    for _ in 0..3 {
        assert_eq!(sign_in(&club, "192.0.2.1", "ada@example.org", "wrong").await, None, "success gives all back");
    }
}

/// Guesses from so many networks, as often as each may.
async fn attack(club: &Club, email: &str, networks: std::ops::RangeInclusive<u8>) {
    for network in networks {
        for _ in 0..3 {
            sign_in(club, &format!("198.51.100.{network}"), email, "wrong").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_lock_nobody_out() {
    let club = Club::open(Settings { attempts_per_account: 3, ..settings() });
    for (email, home) in [("ada@example.org", "192.0.2.1"), ("bob@example.org", "2001:db8::1")] {
        let body = format!(r#"{{"email": "{email}", "name": "A", "password": "{PASSWORD}"}}"#);
        club.sign_up_with(&body).await.expect("sign-up is open");
        assert_eq!(sign_in(&club, home, email, PASSWORD).await, None);
        // One network that guesses wrong doesn't matter to any other.
        attack(&club, email, 1..=1).await;
        assert_eq!(sign_in(&club, "203.0.113.1", email, PASSWORD).await, None, "from a network that is new");
        // Many don't matter where the account has signed in before.
        attack(&club, email, 2..=20).await;
        assert!(sign_in(&club, "203.0.113.2", email, PASSWORD).await.is_some(), "guesses of strangers are limited");
        assert_eq!(sign_in(&club, home, email, "a slip of the finger").await, None);
        assert_eq!(sign_in(&club, home, email, PASSWORD).await, None);
        assert_eq!(sign_in(&club, "203.0.113.1", email, PASSWORD).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_together_guess_no_more_than_ten_times_as_often() {
    let club = Club::open(Settings { attempts_per_account: 3, ..settings() });
    club.sign_up("ada@example.org").await.expect("sign-up is open");
    let before = club.identity.hashes_computed();
    attack(&club, "ada@example.org", 1..=100).await;
    assert_eq!(club.identity.hashes_computed() - before, 30);
    // A network that has used up its own attempts has none left for the account at any other rate.
    assert_eq!(sign_in(&club, "198.51.100.1", "ada@example.org", PASSWORD).await, Some(300));
    assert_eq!(sign_in(&club, "203.0.113.1", "ada@example.org", PASSWORD).await, Some(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_from_one_address_are_limited_across_accounts() {
    let club = Club::open(Settings { attempts_per_address: 3, ..settings() });
    for number in 0..3 {
        assert_eq!(sign_in(&club, "2001:db8::1", &format!("a{number}@example.org"), "wrong").await, None);
    }
    assert_eq!(sign_in(&club, "2001:db8::2", "b@example.org", "wrong").await, Some(300));
    assert_eq!(sign_in(&club, "2001:db8:0:1::1", "b@example.org", "wrong").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_and_set_ups_are_limited_too() {
    let club = Club::open(Settings { sign_ups_per_address: 2, attempts_per_address: 3, ..settings() });
    for number in 0..2 {
        club.sign_up(&format!("a{number}@example.org")).await.expect("sign-up is open");
    }
    assert_eq!(wait(&club.sign_up("b@example.org").await), Some(450));

    let set_up = async || {
        let (cx, from) = (club.anonymous(), address("192.0.2.1"));
        let (token, email, password) = (secret("guess"), "r@example.org".to_owned(), secret(PASSWORD));
        wait(&club.identity.set_up_operator(&cx, from, &FirstOperator { token, email, password }).await)
    };
    for _ in 0..3 {
        assert_eq!(set_up().await, None);
    }
    assert_eq!(set_up().await, Some(300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_session_cannot_guess_the_password() {
    let club = Club::open(Settings { attempts_per_account: 2, ..settings() });
    let token = club.sign_up("ada@example.org").await.expect("sign-up is open").token;
    let cx = club.shown(&token).await.expect("the token is good");
    let body = r#"{"current": "a guess", "password": "another good one"}"#;
    let guess = async || wait(&club.change_password(&cx, body).await);
    assert_eq!((guess().await, guess().await, guess().await), (None, None, Some(450)));
}
