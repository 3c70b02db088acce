//! `/docs` in a browser.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::Server;

/// The newsroom with its page of documentation.
fn newsroom(data: &Path) -> Server {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/newsroom");
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
    command.arg("serve").arg(directory).arg("--data").arg(data);
    command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]).env("BACKSTAY_SERVER_DOCS", "always");
    Server::spawn(&mut command).listening()
}

/// Fills in the form and submits it.
const SIGN_IN: &str = "
    const form = document.getElementById('sign-in');
    form.elements.email.value = 'ada@example.org';
    form.elements.password.value = arguments[0];
    form.querySelector('button').click();";
const STATUS: &str = "
    const cell = document.querySelector('.live-responses-table tbody .response-col_status');
    return cell && cell.textContent.trim();";

#[test]
fn one_can_sign_in_and_try_a_request() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let server = newsroom(data.path());
    let browser = Browser::start();
    browser.open(&format!("http://{}/docs", server.address()));

    let tags = browser.until("return [...document.querySelectorAll('.opblock-tag')].map(tag => tag.dataset.tag)");
    for tag in ["Post", "Section", "Accounts", "Transactions"] {
        assert!(tags.as_array().is_some_and(|tags| tags.contains(&json!(tag))), "{tag}: {tags}");
    }
    assert_eq!(browser.console(), Vec::<String>::new(), "the page loads without an error");

    browser.run(SIGN_IN, &json!(["wrong"]));
    let problem = browser.until("const p = document.getElementById('problem'); return !p.hidden && p.textContent");
    assert_eq!(problem, "the email address or the password is wrong");
    browser.run(SIGN_IN, &json!(["correct horse battery"]));
    let caller = browser.until("return document.getElementById('caller').textContent");
    assert_eq!(caller, "Signed in as ada@example.org");

    browser.run("document.querySelector('.opblock-tag[data-tag=Accounts]').click()", &Value::Null);
    browser.until("const me = document.querySelector('#operations-Accounts-me button'); me && me.click(); return !!me");
    browser.until("const go = document.querySelector('.try-out__btn'); go && go.click(); return !!go");
    browser.until("const go = document.querySelector('.execute'); go && go.click(); return !!go");
    assert_eq!(browser.until(STATUS), "200");
    let answer = browser.until("return document.querySelector('.live-responses-table .microlight').textContent");
    assert!(answer.as_str().is_some_and(|answer| answer.contains("\"email\": \"ada@example.org\"")), "{answer}");

    browser.open(&format!("http://{}/docs", server.address()));
    assert_eq!(browser.until("return document.getElementById('caller').textContent"), caller, "a session lasts");
    browser.run("document.querySelector('#sign-out button').click()", &Value::Null);
    browser.until("return !document.getElementById('sign-in').hidden");
    let policy = |line: &String| line.contains("Content Security Policy");
    assert!(!browser.console().iter().any(policy));
}
