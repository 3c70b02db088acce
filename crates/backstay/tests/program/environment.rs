//! Variables of the environment that start with `BACKSTAY_`: settings, a platform's own, and misspelt ones.

use serde_json::{Value, json};

use crate::support::{App, Server};

/// What Kubernetes sets in every pod for Services named `backstay` and `backstay-db` (Kubernetes: Service, "Discovering
/// services"), and Docker for links.
const PLATFORM: [(&str, &str); 13] = [
    ("BACKSTAY_SERVICE_HOST", "10.0.0.11"),
    ("BACKSTAY_SERVICE_PORT", "8080"),
    ("BACKSTAY_SERVICE_PORT_HTTP", "8080"),
    ("BACKSTAY_PORT", "tcp://10.0.0.11:8080"),
    ("BACKSTAY_PORT_8080_TCP", "tcp://10.0.0.11:8080"),
    ("BACKSTAY_PORT_8080_TCP_PROTO", "tcp"),
    ("BACKSTAY_PORT_8080_TCP_PORT", "8080"),
    ("BACKSTAY_PORT_8080_TCP_ADDR", "10.0.0.11"),
    ("BACKSTAY_PORT_53_UDP", "udp://10.0.0.11:53"),
    ("BACKSTAY_DB_SERVICE_HOST", "fd00::12"),
    ("BACKSTAY_DB_SERVICE_PORT_SQL", "5432"),
    ("BACKSTAY_DB_PORT", "tcp://[fd00::12]:5432"),
    ("BACKSTAY_DB_PORT_5432_TCP_ADDR", "fd00::12"),
];

const MISSPELT: [(&str, &str); 1] = [("BACKSTAY_LOG_LEVL", "debug")];

#[test]
fn variables_of_a_platform_are_ignored() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let commands: [&[&str]; 5] =
        [&["check"], &["migrate", "plan"], &["seed"], &["key", "list"], &["explain", "GET /api/books"]];
    for arguments in commands {
        let ended = app.run_with(arguments, "", &PLATFORM);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let serve = ["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"];
    let log = Server::spawn(app.command(&serve).envs(PLATFORM)).listening().stop_for_log();
    assert!(log.iter().all(|line| line["level"] == "INFO"), "{log:?}");
}

#[test]
fn a_misspelt_variable_is_a_warning_of_every_command() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let commands: [&[&str]; 5] =
        [&["check"], &["migrate", "plan"], &["seed"], &["key", "list"], &["explain", "GET /api/books"]];
    for arguments in commands {
        let ended = app.run_with(arguments, "", &MISSPELT);
        assert_eq!(ended.code, Some(0), "{arguments:?} {}", ended.err);
        for words in ["warning", "BACKSTAY_LOG_LEVL", "did you mean `BACKSTAY_LOG_LEVEL`?"] {
            assert!(ended.err.contains(words), "{arguments:?} {}", ended.err);
        }
    }
    let serve = ["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"];
    let log = Server::spawn(app.command(&serve).envs(MISSPELT)).listening().stop_for_log();
    let warned: Vec<&Value> = log.iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warned.len(), 1, "{log:?}");
    assert_eq!(warned[0]["help"], "did you mean `BACKSTAY_LOG_LEVEL`?");
}

#[test]
fn programs_are_told_which_variable_it_is() {
    let app = App::new();
    let ended = app.run_with(&["check", "--format", "json"], "", &MISSPELT);
    let told: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(
        told["diagnostics"],
        json!([{
            "severity": "warning", "code": "unknown-variable",
            "message": "BACKSTAY_LOG_LEVL is ignored: there is no such setting", "file": null,
            "start": null, "end": null, "label": null, "help": "did you mean `BACKSTAY_LOG_LEVEL`?",
        }])
    );
}

#[test]
fn a_wrong_value_is_an_error_whatever_else_is_doubtful() {
    let app = App::new();
    let variables = [("BACKSTAY_LOG_LEVEL", "loud"), MISSPELT[0]];
    let told = app.run_with(&["check"], "", &variables).refused();
    for words in ["error: BACKSTAY_LOG_LEVEL: ", "warning[unknown-variable]: BACKSTAY_LOG_LEVL is ignored"] {
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(app.run_with(&["key", "list"], "", &variables).refused(), told);
}
