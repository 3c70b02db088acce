//! Several servers on one PostgreSQL database.

use std::process::Command;
use std::thread;
use std::time::Duration;

use backstay_testkit::Cluster;

use crate::support::{App, MODEL, Server};

const SERVE: [&str; 6] = ["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"];
const CREDENTIALS: &str = r#"{"email": "ada@shelf.example", "password": "correct horse"}"#;
/// The time after which a server trusts nothing that it remembers unless it has heard of the others.
const BOUND: Duration = Duration::from_secs(1);

/// The application of a server on a database that it shares with others.
fn app_on(url: &str) -> App {
    let app = App::seeded();
    app.write("backstay.toml", &format!("[data]\nurl = \"{url}\"\n"));
    app
}

fn serve(app: &App) -> Server {
    Server::spawn(&mut app.command(&SERVE)).listening()
}

fn signal(server: &Server, name: &str) {
    let sent = Command::new("kill").args([name, &server.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

fn sign_in(server: &Server) -> String {
    let (status, signed_in) = server.ask("POST", "/auth/sign-in", None, CREDENTIALS);
    assert_eq!(status, 200, "{signed_in}");
    signed_in["token"].as_str().expect("a token").to_owned()
}

fn create(server: &Server, token: &str, number: u32) {
    let book = format!("{{\"number\": {number}, \"title\": \"A book\", \"shelf\": {{\"code\": \"low\"}}}}");
    let (status, created) = server.ask("POST", "/api/books", Some(token), &book);
    assert_eq!(status, 201, "{created}");
}

fn me(server: &Server, token: &str) -> u16 {
    server.ask("GET", "/auth/me", Some(token), "").0
}

#[test]
fn what_one_server_does_the_others_know_within_a_second() {
    let url = Cluster::shared().url();
    let apps = [app_on(&url), app_on(&url)];
    let [one, other] = [serve(&apps[0]), serve(&apps[1])];
    let token = sign_in(&one);
    assert_eq!((me(&one, &token), me(&other, &token)), (200, 200));
    create(&one, &token, 10);
    let path = "/api/books?select=number&number=10";
    assert_eq!(other.get(path)["items"][0]["number"], 10, "what is read is never remembered");

    // Whoever signs out is out at once on the server that did it, and after a second on all.
    assert_eq!(one.ask("POST", "/auth/sign-out", Some(&token), "").0, 204);
    assert_eq!(me(&one, &token), 401);
    thread::sleep(BOUND);
    assert_eq!(me(&other, &token), 401);

    // The same on a server that was stopped meanwhile, and hasn't heard of anything.
    let token = sign_in(&one);
    assert_eq!((me(&one, &token), me(&other, &token)), (200, 200));
    signal(&other, "-STOP");
    assert_eq!(one.ask("POST", "/auth/sign-out", Some(&token), "").0, 204);
    create(&one, &sign_in(&one), 11);
    thread::sleep(BOUND);
    signal(&other, "-CONT");
    assert_eq!(me(&other, &token), 401);

    // A key, too.
    apps[0].run(&["log", "verify"]).done();
    let made = apps[0].run(&["key", "add", "robot"]).done();
    let key = made.split_whitespace().find(|word| word.starts_with("bsk_")).expect("a key").to_owned();
    assert_eq!(me(&other, &key), 200);
    apps[0].run(&["key", "revoke", "robot"]).done();
    thread::sleep(BOUND);
    assert_eq!(me(&other, &key), 401);
    assert_eq!((one.stop(), other.stop()), (Some(0), Some(0)));
}

#[test]
fn whoever_shows_a_commit_is_answered_with_it_by_every_server() {
    let url = Cluster::shared().url();
    let apps = [app_on(&url), app_on(&url)];
    let [one, other] = [serve(&apps[0]), serve(&apps[1])];
    for _ in 0..5 {
        let token = sign_in(&one);
        assert_eq!((me(&one, &token), me(&other, &token)), (200, 200));
        let commit = one.commit_of("POST", "/auth/sign-out", &token);
        let lines = format!("authorization: Bearer {token}\r\nbackstay-commit: {commit}\r\n");
        assert_eq!(other.ask_with("GET", "/auth/me", &lines, "").0, 401);
    }
    assert_eq!((one.stop(), other.stop()), (Some(0), Some(0)));
}

#[test]
fn a_server_that_is_killed_leaves_a_log_without_gaps() {
    let url = Cluster::shared().url();
    let apps = [app_on(&url), app_on(&url)];
    let [mut one, other] = [serve(&apps[0]), serve(&apps[1])];
    let token = sign_in(&other);
    thread::scope(|scope| {
        let writers = [(&one, 100), (&other, 200)].map(|(server, first)| {
            let token = &token;
            scope.spawn(move || (first..first + 20).for_each(|number| create(server, token, number)))
        });
        for writer in writers {
            writer.join().expect("a writer");
        }
    });
    create(&one, &token, 300);
    signal(&one, "-KILL");
    while one.is_running() {
        thread::sleep(Duration::from_millis(10));
    }
    create(&other, &token, 301);
    let path = "/api/books?filter=number%20%3E%3D%20100&count=true&limit=1";
    assert_eq!(other.get(path)["count"]["value"], 42);
    let told = apps[1].run(&["log", "verify"]).done();
    let root = told.lines().last().expect("a root").to_owned();
    assert_eq!(other.stop(), Some(0));
    assert_eq!(apps[0].run(&["log", "verify"]).done().lines().last(), Some(root.as_str()));
}

#[test]
fn servers_share_a_data_directory_and_one_of_them_takes_commands() {
    let app = app_on(&Cluster::shared().url());
    let [one, other] = [serve(&app), serve(&app)];
    assert!(app.run(&["account", "list"]).done().contains("ada@shelf.example"));
    assert_eq!(one.stop(), Some(0));
    assert!(app.run(&["account", "list"]).done().contains("ada@shelf.example"));
    assert_eq!(other.get("/api/books?select=number&sort=number")["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(other.stop(), Some(0));
}

#[test]
fn a_model_is_changed_once_all_servers_with_the_old_one_are_stopped() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let app = app_on(&url);
    let mut first = serve(&app);
    let newer = app_on(&url);
    assert!(newer.run(&["account", "list"]).done().contains("ada@shelf.example"), "beside the server");
    newer.write("model/shelf.graphql", &MODEL.replace("title: String!", "year: Int\n  title: String!"));
    let expected = format!("error: cannot use {url}: another Backstay uses it\n  help: stop all its servers first: ");
    let refused = newer.run(&["migrate", "apply"]).refused();
    assert!(refused.starts_with(&expected), "{refused}");

    // Its connections may be lost.
    let name = url.rsplit_once('/').expect("a database").1;
    let kill = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    for _ in 0..3 {
        cluster.run("postgres", &kill);
        assert_eq!(first.get("/api/books?select=number&sort=number")["items"].as_array().map(Vec::len), Some(2));
    }

    // Once the database has another model, it ends.
    cluster.run(
        name,
        "INSERT INTO backstay_model (number, hash, moment) SELECT number + 1, hash, moment FROM backstay_model ORDER BY number DESC LIMIT 1",
    );
    cluster.run("postgres", &kill);
    while first.is_running() {
        first.try_get("/api/books");
        thread::sleep(Duration::from_millis(20));
    }
}
