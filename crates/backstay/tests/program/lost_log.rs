//! A log that cannot be written: its lines are lost, and nothing else is.

use std::fs::File;
use std::io::{PipeReader, Read as _, pipe};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::{App, Server};

const NOTES: &str = "type Note @allow(read: \"true\", create: \"true\") { text: String }\n";

/// What standard error leads to.
#[derive(Debug, Clone, Copy)]
enum Sink {
    /// A pipe whose reader has gone away.
    Abandoned,
    /// A pipe that nobody empties.
    Stuck,
    /// A file on a full disk.
    Full,
    /// Nothing: it was closed.
    Closed,
}

/// A server whose standard error leads there. The pipe is the one that nobody empties.
fn start(app: &App, sink: Sink, level: &str) -> (Server, Option<PipeReader>) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let program = app.command(&["serve", ".", "--listen", &address]);
    let mut shell = Command::new("sh");
    let redirect = if matches!(sink, Sink::Closed) { "2>&-" } else { "" };
    shell.args(["-c", &format!("exec \"$0\" \"$@\" {redirect}")]).arg(program.get_program()).args(program.get_args());
    shell.current_dir(app.path()).env("BACKSTAY_LOG_LEVEL", level);
    let (reader, writer) = pipe().expect("a pipe");
    let stuck = match sink {
        Sink::Abandoned => {
            shell.stderr(writer);
            drop(reader);
            None
        }
        Sink::Stuck => {
            shell.stderr(writer);
            Some(reader)
        }
        Sink::Full => {
            shell.stderr(File::options().write(true).open("/dev/full").expect("the device"));
            None
        }
        Sink::Closed => None,
    };
    (Server::at(shell.spawn().expect("the program starts"), address), stuck)
}

#[test]
fn requests_health_and_shutdown_go_on() {
    for sink in [Sink::Abandoned, Sink::Stuck, Sink::Full, Sink::Closed] {
        for level in ["info", "debug"] {
            let app = App::new();
            app.write("model/note.graphql", NOTES);
            let (server, _stuck) = start(&app, sink, level);
            // A pipe holds 64 KiB: the lines of these requests do not fit at `debug`.
            for number in 0..800 {
                let (status, body) = server.ask("POST", "/api/notes", None, &format!("{{\"text\": \"{number}\"}}"));
                assert_eq!(status, 201, "{sink:?} {level} {body}");
            }
            assert_eq!(server.get("/readyz")["status"], "ok", "{sink:?} {level}");
            assert_eq!(server.stop(), Some(0), "{sink:?} {level}");
        }
    }
}

#[test]
fn lost_lines_are_counted_and_told_once_the_log_can_be_written() {
    let app = App::new();
    app.write("model/note.graphql", NOTES);
    let (server, stuck) = start(&app, Sink::Stuck, "debug");
    for _ in 0..6000 {
        server.get("/healthz");
    }
    let mut pipe = stuck.expect("the pipe");
    let log = thread::spawn(move || {
        let mut log = String::new();
        pipe.read_to_string(&mut log).map(|_| log)
    });
    thread::sleep(Duration::from_millis(300));
    assert_eq!(server.stop(), Some(0));
    let log = log.join().expect("the thread ends").expect("a log");
    let told = log.lines().find(|line| line.contains("log lines were lost")).expect("the count");
    let lost = told.split_once("lost=").and_then(|(_, count)| count.trim().parse::<u64>().ok());
    assert!(lost.is_some_and(|lost| lost > 0), "{told}");
    assert!(log.lines().last().is_some_and(|line| line.contains("stopped")), "what comes later is written");
}

#[test]
fn commands_do_their_work_when_their_words_cannot_be_written() {
    let check = |app: &App, arguments: &[&str], code: i32| {
        let full = || File::options().write(true).open("/dev/full").expect("the device");
        let (reader, abandoned) = pipe().expect("a pipe");
        drop(reader);
        for stderr in [Stdio::from(full()), abandoned.into()] {
            let mut command = app.command(arguments);
            let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).status().expect("it runs");
            assert_eq!(ended.code(), Some(code), "{arguments:?}");
        }
    };
    let app = App::seeded();
    app.write("model/quiet.graphql", "type Quiet { x: Int }");
    assert!(app.run(&["check"]).err.contains("warning"));
    check(&app, &["check"], 0);
    check(&app, &["seed"], 0);
    check(&app, &["migrate", "plan"], 0);
    check(&app, &["key", "revoke", "none"], 1);
    check(&app, &["serve", ".", "--listen", "192.0.2.1:80"], 1);
    check(&app, &["srve"], 2);
    app.write("model/wrong.graphql", "type Wrong { x: Strng }");
    check(&app, &["check"], 1);
    check(&app, &["serve", "."], 1);
    check(&app, &["seed"], 1);
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure_with_its_cause() {
    let app = App::seeded();
    app.run(&["seed"]).done();
    let full = File::options().write(true).open("/dev/full").expect("the device");
    let output = app.command(&["key", "list"]).stdout(full).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.starts_with("error: cannot write to standard output: No space left on device"), "{told}");
}
