//! The server's JSON log: one object per line, from the first line to the last.

use std::process::Command;

use serde_json::Value;

use crate::support::{self, App, Server};

const SERVE: [&str; 6] = ["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"];

#[test]
fn a_server_logs_its_requests_and_its_end() {
    let app = App::new();
    let server = Server::spawn(app.command(&SERVE).env("BACKSTAY_LOG_LEVEL", "debug")).listening();
    server.get("/readyz");
    let log = server.stop_for_log();
    let answered = log.iter().find(|line| line["message"] == "answered").expect("the request");
    assert!(answered["micros"].is_u64() && answered["status"] == 200, "{answered}");
    assert_eq!(log.last().map(|line| &line["message"]), Some(&"stopped".into()));
}

#[test]
fn connections_fit_the_limit_of_open_files() {
    let app = App::new();
    let limited = |files: u32| {
        let script = format!("ulimit -Sn 100 && ulimit -Hn {files} && exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_backstay")]).args(SERVE).current_dir(app.path());
        let log = Server::spawn(&mut command).listening().stop_for_log();
        let warned = log.into_iter().find(|line| line["level"] == "WARN");
        warned.map(|line| [line["wanted"].clone(), line["held"].clone(), line["open_files"].clone()])
    };
    assert_eq!(
        limited(400),
        Some([10_000.into(), 272.into(), 400.into()]),
        "the soft limit is raised to the hard limit"
    );
    app.write("backstay.toml", "limits.connections = 272");
    assert_eq!(limited(400), None);
}

#[test]
fn a_start_that_fails_is_one_line() {
    let check = |prepare: &dyn Fn(&App), variables: &[(&str, &str)], arguments: &[&str], expected: [&str; 3]| {
        let app = App::new();
        prepare(&app);
        let told = app.run_with(arguments, "", variables).refused();
        let line: Value = serde_json::from_str(&told).expect("one line of JSON");
        assert_eq!(line["level"], "ERROR", "{line}");
        let got = ["message", "why", "help"].map(|member| line[member].as_str().unwrap_or_default().to_owned());
        assert_eq!(got, expected, "{line}");
    };
    let settings = |text: &'static str| move |app: &App| app.write("backstay.toml", text);
    let wrong = "backstay.toml:2:1: unknown key `lisen` in [server]; did you mean `listen`?";
    check(&settings("[server]\nlisen = 1"), &[], &SERVE, ["the settings have errors", wrong, ""]);
    let own = settings("[server]\nlisen = 1\n[log]\nformat = 'json'");
    check(&own, &[], &["serve"], ["the settings have errors", wrong, ""]);
    let variable = [("BACKSTAY_LOG_FORMAT", "json")];
    check(&settings("[server]\nlisen = 1"), &variable, &["serve"], ["the settings have errors", wrong, ""]);
    check(
        &|app| app.write("model/b.graphql", "type B { x: Strng }"),
        &[],
        &SERVE,
        ["the model has errors", "model/b.graphql:1:13: there is no type `Strng`; did you mean `String`?", ""],
    );
    check(
        &|app| app.write("seed/Bok.jsonl", ""),
        &[],
        &SERVE,
        ["seed/Bok.jsonl: the model has no type of that name", "", "did you mean Book.jsonl?"],
    );
}

#[test]
fn warnings_about_the_model_are_lines_too() {
    let app = App::new();
    app.write("model/shelf.graphql", &support::MODEL.replace("type Shelf @allow(read: \"true\") {", "type Shelf {"));
    let log = app.serve().stop_for_log();
    let warned: Vec<&Value> = log.iter().filter(|line| line["level"] == "WARN").collect();
    assert!(warned.iter().any(|line| line["file"] == "model/shelf.graphql" && line["line"].is_u64()), "{log:?}");
}
