//! Several servers on one PostgreSQL database.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use backstay_testkit::Cluster;
use serde_json::Value;

use crate::support::{App, MODEL, Server, until};

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

/// Who has seen in `:changes` that a record has changed finds it, although a standby that answers reads doesn't have it yet.
#[test]
fn what_changes_show_reads_find_while_a_standby_lags() {
    let primary = Cluster::start();
    let url = primary.url();
    let app = app_on(&url);
    // The database is there before the standby is, which is a copy of it.
    drop(serve(&app));
    let standby = primary.standby();
    let (_, database) = url.rsplit_once('/').expect("the name of a database");
    app.write(
        "backstay.toml",
        &format!(
            "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\n[data]\nurl = \"{url}\"\nreplicas = [\"{}/{database}\"]\n",
            standby.server_url()
        ),
    );
    let server = serve(&app);
    let token = sign_in(&server);
    let as_reader = "x-forwarded-for: 192.0.2.7\r\n";
    let read = |path: &str| {
        let (status, body) = server.ask_with("GET", path, as_reader, "");
        assert_eq!(status, 200, "{body}");
        body
    };
    // A standby that lags for a second isn't used any more, so that a slow machine may see nothing.
    for number in 100..110 {
        until("the standby is used", || server.get("/readyz")["replicas"]["inUse"] == 1);
        standby.run(database, "SELECT pg_wal_replay_pause()");
        let since = read("/api/books:changes")["next"].as_str().expect("a mark").to_owned();
        create(&server, &token, number);
        let path = format!("/api/books:changes?since={since}");
        until("the change", || !read(&path)["items"].as_array().expect("changes").is_empty());
        let found = read(&format!("/api/books?select=number&number={number}"));
        standby.run(database, "SELECT pg_wal_replay_resume()");
        assert_eq!(found["items"][0]["number"], number, "{found}");
    }
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
    until("it has ended", || !one.is_running());
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

/// What a request to an older server is answered, which waits as long as the model is changed.
fn outdated(server: &Server) -> (u16, serde_json::Value) {
    let (status, problem) = server.ask("GET", "/api/books", None, "");
    (status, problem["type"].clone())
}

#[test]
fn one_server_changes_the_model_and_those_with_the_older_one_say_so() {
    let url = Cluster::shared().url();
    let apps = [app_on(&url), app_on(&url)];
    let [one, other] = [serve(&apps[0]), serve(&apps[1])];
    let token = sign_in(&one);
    create(&one, &token, 10);

    // What is refused disturbs nobody.
    let newer = app_on(&url);
    newer.write("model/shelf.graphql", &MODEL.replace("title: String!", "title: Int!"));
    newer.run(&["migrate", "apply"]).refused();
    create(&other, &token, 11);

    newer.write("model/shelf.graphql", &MODEL.replace("title: String!", "year: Int\n  title: String!"));
    let third = serve(&newer);
    create(&third, &token, 12);
    for old in [&one, &other] {
        assert_eq!(outdated(old), (503, "/problems/outdated-server".into()));
        assert_eq!(old.ask("GET", "/healthz", None, "").0, 200);
        assert_eq!(old.ask("GET", "/readyz", None, "").0, 503);
    }
    assert_eq!(third.get("/api/books?select=year&number=10")["items"][0], serde_json::json!({ "year": null }));

    // It doesn't come back by itself, after a restart either.
    let refused = apps[0].run(&["serve", ".", "--listen", "127.0.0.1:0", "--data", &url]).refused();
    let expected =
        format!("error: cannot use {url}: it has a newer model than this one, and other servers serve that\n");
    assert!(refused.contains(&expected), "{refused}");

    // Once an operator goes back to it, the older servers go on.
    newer.write("model/shelf.graphql", MODEL);
    newer.run(&["migrate", "apply", "--allow-data-loss"]).done();
    for old in [&one, &other] {
        let found = (0..600).any(|_| {
            thread::sleep(Duration::from_millis(100));
            old.ask("GET", "/readyz", None, "").0 == 200
        });
        assert!(found, "it goes on");
        assert_eq!(
            old.get("/api/books?filter=number%20%3E%3D%2010&select=number")["items"].as_array().map(Vec::len),
            Some(3)
        );
    }
    create(&one, &token, 13);
    apps[1].run(&["log", "verify"]).done();
    assert_eq!([one.stop(), other.stop(), third.stop()], [Some(0); 3]);
}

/// Operators run `migrate apply` in the directory of a server, which is outdated by then.
#[test]
fn an_outdated_server_is_brought_up_to_date() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    let (app, newer) = (app_on(&url), app_on(&url));
    let server = serve(&app);
    let second = MODEL.replace("title: String!", "year: Int\n  title: String!");
    let third = second.replace("year: Int", "year: Int\n  pages: Int");
    newer.write("model/shelf.graphql", &second);
    newer.run(&["migrate", "apply"]).done();
    cluster.run(name, "UPDATE book SET year = 1815");
    assert_eq!(outdated(&server), (503, "/problems/outdated-server".into()));
    let refused = app.run(&["account", "list"]).refused();
    assert!(refused.starts_with(&format!("error: the running server has an older model than {url}")), "{refused}");
    let still = app.run(&["migrate", "apply"]);
    assert_eq!(still.code, Some(1), "its own model would lose the new field: {still:?}");
    assert_eq!(outdated(&server), (503, "/problems/outdated-server".into()));

    // With the newer model, and with one that the database doesn't have yet.
    let path = "/api/books?select=year&limit=1";
    app.write("model/shelf.graphql", &second);
    app.run(&["migrate", "apply"]).done();
    assert_eq!(server.get(path)["items"][0]["year"], 1815);
    app.write("model/shelf.graphql", &third);
    app.run(&["migrate", "apply"]).done();
    assert_eq!(server.get("/api/books?select=year,pages&limit=1")["items"][0]["pages"], Value::Null);
    // It doesn't go back to the model with which it was outdated.
    thread::sleep(6 * BOUND);
    assert_eq!(server.get(path)["items"][0]["year"], 1815);
    create(&server, &sign_in(&server), 10);
    assert!(app.run(&["account", "list"]).done().contains("ada@shelf.example"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_server_that_was_cut_off_meanwhile_finds_another_model() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let app = app_on(&url);
    let server = serve(&app);
    // Its connections may be lost.
    let name = url.rsplit_once('/').expect("a database").1;
    let kill = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    for _ in 0..3 {
        cluster.run("postgres", &kill);
        assert_eq!(server.get("/api/books?select=number&sort=number")["items"].as_array().map(Vec::len), Some(2));
    }
    cluster.run(
        name,
        "INSERT INTO backstay_model (number, hash, moment) SELECT number + 1, sha256(hash), moment FROM backstay_model ORDER BY number DESC LIMIT 1; \
         INSERT INTO backstay_model_file (model, place, system, name, content) SELECT model + 1, place, system, name, \
         replace(content, 'title: String!', 'title: String! year: Int') FROM backstay_model_file \
         WHERE model = (SELECT max(model) FROM backstay_model_file)",
    );
    cluster.run("postgres", &kill);
    let found = (0..600).any(|_| {
        thread::sleep(Duration::from_millis(100));
        outdated(&server) == (503, "/problems/outdated-server".into())
    });
    assert!(found, "it says so");
    assert_eq!(server.stop(), Some(0));
}

const TALLIES: &str = r#"
extend schema @app(name: "Tallies")

type Tally @allow(read: "true", create: "true", update: "true", delete: "true") {
  code: String! @unique
  n: Int! @default(to: 0)
}
"#;

fn tallies_on(url: &str) -> App {
    let app = App::empty();
    app.write("backstay.toml", &format!("[data]\nurl = \"{url}\"\n"));
    app.write("model/tallies.graphql", TALLIES);
    app
}

fn tally(server: &Server, code: &str) -> String {
    let (status, made) = server.ask("POST", "/api/tallies", None, &format!("{{\"code\": \"{code}\"}}"));
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().expect("an id").to_owned()
}

const INCREASE: &str = "{\"n\": {\"$inc\": 1}}";

/// An update of the first tally takes until there is a row in `released`.
const SLOW: &str = "CREATE TABLE released (now boolean); CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
    IF NEW.code = 'first' THEN WHILE NOT EXISTS (SELECT FROM released) LOOP PERFORM pg_sleep(0.01); END LOOP; END IF; \
    RETURN NEW; END $$; CREATE TRIGGER slow BEFORE UPDATE ON tally FOR EACH ROW EXECUTE FUNCTION slow()";

#[test]
fn a_server_that_is_stopped_in_a_transaction_keeps_nothing_locked_for_long() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    let apps = [tallies_on(&url), tallies_on(&url)];
    let [one, other] = [serve(&apps[0]), serve(&apps[1])];
    let (first, second) = (tally(&one, "first"), tally(&one, "second"));
    let path = format!("/api/tallies/{first}");
    cluster.run(name, SLOW);
    let count = |which: &str| {
        cluster.run(name, &format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND {which}"))
    };
    let both = format!(
        "{{\"requests\": [{{\"update\": \"tallies\", \"id\": \"{first}\", \"body\": {INCREASE}}}, \
         {{\"update\": \"tallies\", \"id\": \"{second}\", \"body\": {INCREASE}}}]}}"
    );
    thread::scope(|scope| {
        let stopped = scope.spawn(|| one.ask("POST", "/transact", None, &both));
        until("its update has begun", || count("wait_event = 'PgSleep'") == "1");
        signal(&one, "-STOP");
        cluster.run(name, "INSERT INTO released VALUES (TRUE)");
        until("nobody goes on with the transaction", || count("state LIKE 'idle in transaction%'") == "1");

        // Others get a clear answer, and soon what they ask for, while it is still stopped.
        let mut tries = 0..10;
        loop {
            assert!(tries.next().is_some(), "the record stays locked");
            let (status, answer) = other.ask("PATCH", &path, None, INCREASE);
            if status == 200 {
                break;
            }
            assert_eq!((status, &answer["type"]), (503, &"/problems/busy".into()), "{answer}");
        }
        assert_eq!(other.get(&path)["n"], 1);
        signal(&one, "-CONT");
        // It does it all again. Whoever asked may have given up.
        let Ok((status, answer)) = stopped.join() else { return };
        let done = i64::from(status == 200);
        assert!(status == 200 || status == 503, "{answer}");
        assert_eq!(
            (&other.get(&path)["n"], &other.get(&format!("/api/tallies/{second}"))["n"]),
            (&(1 + done).into(), &done.into())
        );
    });
}

#[test]
fn a_keeper_that_is_stopped_is_replaced() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    let apps = [tallies_on(&url), tallies_on(&url)];
    let keeper = || {
        let holds = "locktype = 'advisory' AND classid = 1114329973 AND granted";
        let here = format!("database = (SELECT oid FROM pg_database WHERE datname = '{name}')");
        cluster.run(name, &format!("SELECT pid FROM pg_locks WHERE {holds} AND {here}"))
    };
    let one = serve(&apps[0]);
    until("a keeper", || !keeper().is_empty());
    let first = keeper();
    let other = serve(&apps[1]);
    signal(&one, "-STOP");
    until("another keeper", || !["", &first].contains(&keeper().as_str()));
    let second = keeper();
    signal(&one, "-CONT");
    tally(&one, "after");
    // Both follow the log again, and the keeper stays.
    assert_eq!(other.get("/api/tallies?code=after")["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(keeper(), second);
    assert_eq!((one.stop(), other.stop()), (Some(0), Some(0)));
}

/// Entries get no place in the log until there is a row in `released`.
const HELD: &str = "CREATE TABLE released (now boolean); CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
    WHILE NOT EXISTS (SELECT FROM released) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NEW; END $$; \
    CREATE TRIGGER held BEFORE INSERT ON backstay_log FOR EACH ROW EXECUTE FUNCTION held()";

/// It is the database that gives places, in one statement: a server can't go on with half of that later.
#[test]
fn a_server_that_is_stopped_while_it_moves_entries_moves_none_twice() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    let named = ["one", "other"].map(|server| format!("{url}?application_name={server}"));
    let apps = named.each_ref().map(|url| tallies_on(url));
    let servers = [serve(&apps[0]), serve(&apps[1])];
    tally(&servers[0], "before");
    until("it has its place", || cluster.run(name, "SELECT count(*) FROM backstay_staged") == "0");
    cluster.run(name, HELD);
    tally(&servers[0], "held");
    let moving = format!(
        "SELECT application_name FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE '%backstay_sequence_log%' \
         AND application_name IN ('one', 'other') AND wait_event = 'PgSleep'"
    );
    let mut mover = String::new();
    until("a server moves the entry", || {
        mover = cluster.run(name, &moving);
        !mover.is_empty()
    });
    let [stopped, running] = if mover == "one" { [&servers[0], &servers[1]] } else { [&servers[1], &servers[0]] };
    signal(stopped, "-STOP");
    tally(running, "meanwhile");
    cluster.run(name, "INSERT INTO released VALUES (TRUE)");
    until("all have their places", || cluster.run(name, "SELECT count(*) FROM backstay_staged") == "0");
    tally(running, "later");
    until("another one has its place", || cluster.run(name, "SELECT count(*) FROM backstay_staged") == "0");
    signal(stopped, "-CONT");
    tally(stopped, "after");
    until("that one, too", || cluster.run(name, "SELECT count(*) FROM backstay_staged") == "0");
    let whole = "SELECT min(seq) = 1 AND max(seq) = count(*) AND count(DISTINCT leaf) = count(*) FROM backstay_log";
    assert_eq!(cluster.run(name, whole), "t");
    apps[0].run(&["log", "verify"]).done();
    assert_eq!(running.get("/api/tallies?limit=10")["items"].as_array().map(Vec::len), Some(5));
}

#[test]
fn one_key_at_two_servers_at_once_is_one_request() {
    let url = Cluster::shared().url();
    let apps = [tallies_on(&url), tallies_on(&url)];
    let servers = [serve(&apps[0]), serve(&apps[1])];
    let both = |ask: &(dyn Fn(&Server) -> (u16, Value) + Sync)| {
        let together = Barrier::new(servers.len());
        thread::scope(|scope| {
            let asking = servers.each_ref().map(|server| {
                scope.spawn(|| {
                    together.wait();
                    ask(server)
                })
            });
            asking.map(|one| one.join().expect("an answer"))
        })
    };
    for round in 0..20 {
        let key = format!("idempotency-key: create-{round}\r\n");
        let body = format!("{{\"code\": \"{round}\"}}");
        let [(status, one), (other_status, other)] =
            both(&|server| server.ask_with("POST", "/api/tallies", &key, &body));
        assert_eq!((status, other_status, &one), (201, 201, &other), "{one} {other}");

        // The second one finds nothing that it could delete.
        let path = format!("/api/tallies/{}", one["id"].as_str().expect("an id"));
        let key = format!("idempotency-key: delete-{round}\r\n");
        let [(status, one), (other_status, other)] = both(&|server| server.ask_with("DELETE", &path, &key, ""));
        assert_eq!((status, other_status), (204, 204), "{one} {other}");
    }
}

#[test]
fn versions_and_moments_of_a_record_increase_whoever_changes_it() {
    let url = Cluster::shared().url();
    let apps = [tallies_on(&url), tallies_on(&url)];
    let servers = [serve(&apps[0]), serve(&apps[1])];
    let path = &format!("/api/tallies/{}", tally(&servers[0], "hot"));
    let changes: BTreeMap<i64, String> = thread::scope(|scope| {
        let writers: Vec<_> = servers
            .iter()
            .cycle()
            .take(6)
            .map(|server| {
                scope.spawn(move || {
                    let changes = (0..10).map(|_| {
                        let (status, changed) = server.ask("PATCH", path, None, INCREASE);
                        assert_eq!(status, 200, "{changed}");
                        (
                            changed["version"].as_i64().expect("a version"),
                            changed["updatedAt"].as_str().expect("a moment").to_owned(),
                        )
                    });
                    changes.collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect()
    });
    assert_eq!(changes.keys().copied().collect::<Vec<_>>(), (2..=61).collect::<Vec<_>>());
    assert!(changes.values().is_sorted_by(|before, after| before < after), "{changes:#?}");
    assert_eq!(servers[0].get(path)["n"], 60);
}

#[test]
fn a_standby_that_is_promoted_is_followed() {
    follow(Cluster::stop, |_| {});
}

/// The machine of the primary hangs, and doesn't refuse connections.
#[test]
fn a_standby_that_is_promoted_beside_a_silent_primary_is_followed() {
    follow(Cluster::freeze, Cluster::thaw);
}

fn follow(end: fn(&Cluster), after: fn(&Cluster)) {
    let primary = Cluster::start();
    let url = primary.url();
    let standby = primary.standby();
    let name = url.rsplit_once('/').expect("a database").1.to_owned();
    let hosts =
        [&primary, &standby].map(|of| of.file("").display().to_string().trim_end_matches('/').replace('/', "%2F"));
    let url = format!("postgres://postgres@{},{}/{name}?target_session_attrs=read-write", hosts[0], hosts[1]);
    let apps = [tallies_on(&url), tallies_on(&url)];
    let servers = [serve(&apps[0]), serve(&apps[1])];
    let path = format!("/api/tallies/{}", tally(&servers[0], "kept"));
    until("the standby has it", || {
        standby.run("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'")) == "1"
    });
    until("the standby has it", || standby.run(&name, "SELECT count(*) FROM tally") == "1");

    end(&primary);
    let (status, answer) = servers[0].ask("PATCH", &path, None, INCREASE);
    assert_eq!(status, 503, "{answer}");
    standby.run("postgres", "SELECT pg_promote()");
    for server in &servers {
        let serves = |method: &str, body: &str| {
            let mut last = Value::Null;
            until("it serves again", || {
                let (status, answer) = server.ask(method, &path, None, body);
                assert!(status == 200 || status == 503, "{answer}");
                last = answer;
                status == 200
            });
            last
        };
        let written = serves("PATCH", INCREASE);
        assert_eq!(serves("GET", "")["n"], written["n"]);
    }
    assert_eq!(standby.run(&name, "SELECT n FROM tally"), "2");
    after(&primary);
    assert!(apps[0].run(&["log", "verify"]).done().lines().count() > 0);
}
