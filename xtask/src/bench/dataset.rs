use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Number of records to read and list.
pub(crate) const NOTES: usize = 100_000;
/// Number of accounts that sign in.
pub(crate) const ACCOUNTS: usize = 8;
/// Their password.
pub(crate) const PASSWORD: &str = "a password for the bench";

const SECTIONS: usize = 100;
const USERS: usize = 1000;
const MEMBERS_OF_A_SECTION: usize = 20;

/// The email address of a user. The first `ACCOUNTS` users have a password.
pub(crate) fn email(user: usize) -> String {
    format!("user{user}@example.org")
}

/// The line of a seed file that makes a user who can sign in, where users have nothing but an email address.
pub(crate) fn account(user: usize) -> String {
    format!("{{\"email\":\"{}\",\"$password\":\"{PASSWORD}\"}}\n", email(user))
}

/// The sections that this account is a member of.
pub(crate) fn sections_of(account: usize) -> impl Iterator<Item = String> {
    (0..SECTIONS).filter(move |section| section % ACCOUNTS == account % ACCOUNTS).map(slug)
}

/// The text of a note, about as long as the first paragraph of an article.
pub(crate) fn body(note: usize) -> String {
    let mut text = format!("Note {note}. ");
    text.push_str(&"The quick brown fox jumps over the lazy dog and comes back again. ".repeat(4));
    text
}

/// Creates an application with the model of `bench` and 100,000 seed records. They are the same in every run.
pub(crate) fn prepare(root: &Path, scratch: &Path) -> Result<PathBuf> {
    let application = scratch.join("application");
    for directory in ["model", "seed"] {
        fs::create_dir_all(application.join(directory)).context("cannot create the application's directory")?;
    }
    for file in ["backstay.toml", "model/bench.graphql"] {
        fs::copy(root.join("bench").join(file), application.join(file)).with_context(|| format!("copying {file}"))?;
    }
    for (file, lines) in [("User", users()), ("Section", sections()), ("Member", members()), ("Note", notes())] {
        let path = application.join("seed").join(format!("{file}.jsonl"));
        fs::write(&path, lines).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(application)
}

fn slug(section: usize) -> String {
    format!("section-{section}")
}

fn users() -> String {
    (0..USERS).fold(String::new(), |mut lines, user| {
        let password = if user < ACCOUNTS { format!(",\"$password\":\"{PASSWORD}\"") } else { String::new() };
        let _ = writeln!(lines, "{{\"email\":\"{}\",\"name\":\"User {user}\"{password}}}", email(user));
        lines
    })
}

fn sections() -> String {
    (0..SECTIONS).fold(String::new(), |mut lines, section| {
        let _ = writeln!(lines, "{{\"slug\":\"{}\",\"name\":\"Section {section}\"}}", slug(section));
        lines
    })
}

/// Each section has one account; all other users never sign in.
fn members() -> String {
    let mut lines = String::new();
    for section in 0..SECTIONS {
        let others = (1..MEMBERS_OF_A_SECTION).map(|place| ACCOUNTS + (section * 37 + place * 41) % (USERS - ACCOUNTS));
        for user in std::iter::once(section % ACCOUNTS).chain(others) {
            let (section, user) = (slug(section), email(user));
            let _ = writeln!(lines, "{{\"section\":{{\"slug\":\"{section}\"}},\"user\":{{\"email\":\"{user}\"}}}}");
        }
    }
    lines
}

fn notes() -> String {
    (0..NOTES).fold(String::new(), |mut lines, note| {
        let (section, author) = (slug(note % SECTIONS), email(note * 31 % USERS));
        let _ = writeln!(
            lines,
            "{{\"title\":\"Note {note}\",\"body\":\"{}\",\"public\":{},\"section\":{{\"slug\":\"{section}\"}},\
             \"author\":{{\"email\":\"{author}\"}}}}",
            body(note),
            // One in ten of each section, of which the latest are listed.
            !(note / SECTIONS).is_multiple_of(10),
        );
        lines
    })
}
