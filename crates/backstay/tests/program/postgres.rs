//! The program on a PostgreSQL database: every command, and what is wrong with a server or an address.

use std::net::TcpListener;
use std::process::Command;
use std::{fs, thread};

use backstay_testkit::Cluster;

use crate::support::{App, MODEL, Server, exchange, read, until};

const SERVE: [&str; 6] = ["serve", ".", "--listen", "127.0.0.1:0", "--log-format", "json"];

/// An application that keeps its data in a new database.
fn app_on(url: &str) -> App {
    let app = App::seeded();
    app.write("backstay.toml", &format!("[data]\nurl = \"{url}\"\n"));
    app
}

fn serve(app: &App) -> Server {
    Server::spawn(&mut app.command(&SERVE)).listening()
}

#[test]
fn an_application_moves_to_postgresql_by_its_address() {
    let url = Cluster::shared().url();
    let app = app_on(&url);
    let refused = app.run(&["key", "list"]).refused();
    assert!(refused.starts_with(&format!("error: there is no database in {url} yet")), "{refused}");
    assert_eq!(app.run(&["reset"]).done(), format!("nothing to do: there is no database in {url}\n"));

    let server = serve(&app);
    assert_eq!(server.get("/api/books?select=number&sort=number")["items"].as_array().map(Vec::len), Some(2));
    assert!(app.run(&["account", "list"]).done().contains("ada@shelf.example"), "through the server");
    let explained = app.run(&["explain", "GET /api/books?select=title"]).done();
    assert!(explained.contains("SELECT"), "{explained}");
    assert_eq!(app.run(&["migrate", "plan"]).done(), "nothing to do: the database matches the model\n");
    let expected =
        format!("error: cannot reset the database in {url} while a server uses it\n  help: stop the server first\n");
    assert_eq!(app.run(&["reset", "--yes"]).refused(), expected);
    assert!(!app.data().join("backstay.db").exists());
    assert_eq!(server.stop(), Some(0));

    assert!(app.run(&["account", "list"]).done().contains("ada@shelf.example"), "by itself");
    assert!(app.run(&["seed"]).done().contains("loaded"), "nothing is left to load");
    app.write("model/shelf.graphql", &MODEL.replace("title: String!", "year: Int\n  title: String!"));
    assert!(app.run(&["migrate", "plan"]).done().contains("ALTER TABLE"));
    assert!(app.run(&["migrate", "apply"]).done().ends_with("done\n"));
    let server = serve(&app);
    assert_eq!(server.get("/api/books?select=year&limit=1")["items"][0]["year"], serde_json::Value::Null);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(
        app.run(&["reset", "--yes"]).done(),
        format!("deleted 6 records in {url}; the next start creates it again\n")
    );
    assert_eq!(serve(&app).stop(), Some(0));
}

/// The server may carry out the last commit of a program that was killed after the next one has begun.
#[test]
fn an_import_that_is_killed_goes_on() {
    let app = app_on(&Cluster::shared().url());
    app.run(&["seed"]).done();
    app.write("shelves.csv", "code\nnew\n");
    app.run(&["import", "Shelf", "shelves.csv"]).done();
    let before = app.run(&["export", "Book", "--select", "number"]).done().lines().count();
    let rows = (0..12_000).map(|number| format!("{},Book {number},new\n", number + 1000)).collect::<Vec<_>>().concat();
    app.write("books.csv", &format!("number,title,shelf.code\n{rows}"));
    let import = ["import", "Book", "books.csv"];
    let mut has_ended = false;
    for millis in [400, 700, 1000] {
        let silent = std::process::Stdio::null;
        let mut child = app.command(&import).stdout(silent()).stderr(silent()).spawn().expect("starts");
        thread::sleep(std::time::Duration::from_millis(millis));
        has_ended = child.try_wait().expect("a process").is_some();
        if has_ended {
            break;
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    if !has_ended {
        // 1: it was killed after it had forgotten its place, which it does when it is done.
        let again = app.run(&import);
        assert!(matches!(again.code, Some(0 | 1)), "{}", again.err);
        assert!(!again.err.contains("another process"), "{}", again.err);
    }
    let exported = app.run(&["export", "Book", "--select", "number"]).done();
    assert_eq!(exported.lines().count(), before + 12_000);
}

#[test]
fn an_option_or_a_variable_names_the_database_and_a_file_the_password() {
    let url = Cluster::shared().url();
    let app = App::seeded();
    app.run(&["seed", ".", "--data", &url]).done();
    assert!(!app.data().join("backstay.db").exists());
    let listed = app.run_with(&["account", "list"], "", &[("BACKSTAY_DATA_URL", &url)]).done();
    assert!(listed.contains("ada@shelf.example"), "{listed}");
    app.write("backstay.toml", "[data]\npassword_file = \"password\"\n");
    let refused = app.run(&["account", "list", "--data", &url]).refused();
    assert!(refused.starts_with("error: cannot read the password in ./password: there is no such file"), "{refused}");
    app.write("password", "it's a secret?\n");
    app.run(&["account", "list", "--data", &url]).done();
}

/// A database whose server seems to be an older one.
const OLDER: &str = "CREATE SCHEMA older; CREATE FUNCTION older.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT \
    CASE $1 WHEN 'server_version_num' THEN '140011' WHEN 'server_version' THEN '14.11' ELSE pg_catalog.current_setting($1) END $$; \
    ALTER DATABASE NAME SET search_path = older, pg_catalog";

#[test]
fn servers_that_cannot_be_used() {
    let cluster = Cluster::shared();
    let server = cluster.server_url();
    let app = App::new();
    let check = |url: &str, expected: &str| {
        for arguments in [&["serve", "."][..], &["migrate", "plan"], &["key", "list"], &["seed"]] {
            let refused = app.run_with(arguments, "", &[("BACKSTAY_DATA_URL", url)]).refused();
            assert!(refused.contains(expected), "{arguments:?} {refused}");
            assert!(!refused.contains("hidden"), "{refused}");
            assert!(refused.contains("\n  help: "), "{refused}");
        }
    };
    check(
        "postgres://ada:hidden@127.0.0.1:1/news",
        "cannot use postgres://ada@127.0.0.1:1/news: the server can't be reached: ",
    );
    check(&format!("{server}/missing"), "/missing: the server has no such database\n  help: create it, with `createdb");
    check("postgres:///news", "the address can't be read: it names no host");
    check(
        "postgres://ada@db/news?sslmode=always",
        "`sslmode` is one of disable, prefer, require, verify-ca and verify-full",
    );
    check("postgres://ada@db/news?sslcert=a", "the address has a parameter that Backstay doesn't support: `sslcert`");
    check("postgres://a@db/x?sslmode=verify-full&sslrootcert=none.pem", "the certificates in none.pem can't be used: ");
    let unknown = server.replace("postgres@", "nobody@");
    check(&format!("{unknown}/postgres"), "the server refused the user");

    let prepared = |statements: &str| {
        let url = cluster.url();
        let name = url.rsplit_once('/').expect("a database").1.to_owned();
        cluster.run(&name, &statements.replace("NAME", &name));
        url
    };
    check(&prepared(OLDER), "the server is PostgreSQL 14.11; Backstay needs 15 or later");
    check(&prepared("ALTER DATABASE NAME SET synchronous_commit = off"), "`synchronous_commit` is off");
    check(&prepared("ALTER DATABASE NAME SET default_transaction_read_only = on"), "lets this user only read");
    check(&prepared("ALTER DATABASE NAME SET search_path = nowhere"), "none of the schemas in `search_path` exists");
    check(&prepared("CREATE TABLE note (text text)"), "it holds the tables of another program");
    cluster.run("postgres", "CREATE ROLE reader LOGIN");
    let reader = cluster.url().replace("postgres@", "reader@");
    check(&reader, "the user may not create tables in the schema public");
    for encoding in ["LATIN1", "SQL_ASCII"] {
        cluster.run("postgres", &format!("CREATE DATABASE {encoding} ENCODING '{encoding}' TEMPLATE template0"));
        let database = encoding.to_lowercase();
        check(&format!("{server}/{database}"), &format!("the database's encoding is {encoding}; Backstay needs UTF8"));
    }

    // Another user has made the tables.
    let url = cluster.url();
    serve(&app_on(&url)).stop();
    cluster.run("postgres", "CREATE ROLE guest LOGIN");
    cluster.run(url.rsplit_once('/').expect("a database").1, "GRANT CREATE ON SCHEMA public TO guest");
    check(&url.replace("postgres@", "guest@"), "the user lacks a right on the tables");
}

#[test]
fn a_server_that_accepts_connections_and_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let url = format!("postgres://ada@127.0.0.1:{port}/news?connect_timeout=1");
    let refused = App::new().run_with(&["serve", "."], "", &[("BACKSTAY_DATA_URL", &url)]).refused();
    assert!(refused.contains("/news: the server doesn't answer\n  help: "), "{refused}");
}

#[test]
fn a_start_whose_connection_is_ended_says_so() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    cluster.run(
        name,
        "CREATE FUNCTION lose() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM \
         pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); END $$; \
         CREATE EVENT TRIGGER lose ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION lose()",
    );
    let app = app_on(&url);
    let refused = app.run(&["serve", "."]).refused();
    let expected = format!("error: cannot use {url}: the server ended the connection\n  help: try again: ");
    assert!(refused.contains(&expected), "{refused}");
    cluster.run(name, "DROP EVENT TRIGGER lose");
    assert_eq!(serve(&app).stop(), Some(0));
}

const SHELVES: &str = "type Shelf @allow(create: \"true\", read: ";

/// A server on a new database, where everybody may make shelves.
fn shelves(url: &str, settings: &str) -> Server {
    let app = app_on(url);
    app.write("backstay.toml", &format!("[data]\nurl = \"{url}\"\n{settings}"));
    app.write("model/shelf.graphql", &MODEL.replace("type Shelf @allow(read: ", SHELVES));
    serve(&app)
}

#[test]
fn what_a_server_refuses_later_has_a_clear_answer() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    let server = shelves(&url, "");
    let create = |code: &str| server.ask("POST", "/api/shelfs", None, &format!("{{\"code\": \"{code}\"}}"));
    let check = |code: &str, expected: (u16, &str)| {
        let (status, problem) = create(code);
        assert_eq!((status, problem["type"].as_str()), (expected.0, Some(expected.1)), "{problem}");
    };
    check("nul \\u0000", (422, "/problems/invalid-values"));
    // The disk is full.
    let trigger = "CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; \
        END $$; CREATE TRIGGER full BEFORE INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION full()";
    cluster.run(name, &trigger.replace("full()", "no_space()").replace("TRIGGER full", "TRIGGER no_space"));
    check("full", (507, "/problems/storage-full"));
    cluster.run(name, "DROP TRIGGER no_space ON shelf");
    assert_eq!(create("room").0, 201);
    // An operator lets nobody write, and connections are made anew.
    cluster.run("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let kill = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    cluster.run("postgres", &kill);
    check("read-only", (503, "/problems/busy"));
    cluster.run("postgres", &format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
    assert_eq!(create("again").0, 201);
}

#[test]
fn settings_of_a_server_that_change_how_values_look_change_nothing() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    for setting in [
        "timezone = 'America/New_York'",
        "datestyle = 'German'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "statement_timeout = '1ms'",
        "lock_timeout = '1ms'",
        "default_transaction_isolation = 'serializable'",
        "standard_conforming_strings = off",
        "extra_float_digits = -15",
    ] {
        cluster.run("postgres", &format!("ALTER DATABASE {name} SET {setting}"));
    }
    let server = shelves(&url, "");
    let (status, made) = server.ask("POST", "/api/shelfs", None, "{\"code\": \"a\\\\b\"}");
    assert_eq!((status, &made["code"]), (201, &"a\\b".into()), "{made}");
    let found = server.get("/api/shelfs?code=a%5Cb");
    assert_eq!(found["items"][0]["createdAt"], made["createdAt"]);
}

/// Texts are equal and ordered by their code points, whatever language the database has.
#[test]
fn the_collation_of_a_database_changes_nothing() {
    let cluster = Cluster::shared();
    let german = "CREATE DATABASE german TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-ks-level2' LOCALE 'C'";
    cluster.run("postgres", german);
    let server = shelves(&format!("{}/german", cluster.server_url()), "");
    for code in ["b", "B", "\u{e4}", "Z", "_"] {
        assert_eq!(server.ask("POST", "/api/shelfs", None, &format!("{{\"code\": \"{code}\"}}")).0, 201, "{code}");
    }
    let codes = |query: &str| {
        let found = server.get(&format!("/api/shelfs?select=code&sort=code{query}"));
        let codes = found["items"].as_array().expect("a list").iter();
        codes.map(|one| one["code"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(""), ["B", "Z", "_", "b", "high", "low", "\u{e4}"]);
    assert_eq!(codes("&code=b"), ["b"]);
    assert_eq!(codes("&filter=code%20%3E%20'a'"), ["b", "high", "low", "\u{e4}"]);
}

#[test]
fn a_server_that_hangs_is_answered_for_and_found_again() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    let server = shelves(&url, "[limits]\nrequest_seconds = 2\n");
    assert_eq!(server.ask("POST", "/api/shelfs", None, "{\"code\": \"before\"}").0, 201);
    let backends = cluster.run("postgres", &format!("SELECT pid FROM pg_stat_activity WHERE datname = '{name}'"));
    let signal = |signal: &str| {
        let sent = Command::new("kill").arg(signal).args(backends.split_whitespace()).status();
        assert!(sent.expect("kill runs").success());
    };
    signal("-STOP");
    let (read, written) = (
        server.ask("GET", "/api/shelfs", None, ""),
        server.ask("POST", "/api/shelfs", None, "{\"code\": \"meanwhile\"}"),
    );
    signal("-CONT");
    for (status, answer) in [read, written] {
        assert!(status == 503 || status < 300, "{answer}");
    }
    assert_eq!(server.ask("POST", "/api/shelfs", None, "{\"code\": \"after\"}").0, 201);
}

/// A request may take longer here than the client waits.
#[test]
fn nobody_waits_for_a_server_that_is_silent() {
    let cluster = Cluster::start();
    let server = shelves(&cluster.url(), "[limits]\nrequest_seconds = 120\n");
    assert_eq!(server.ask("POST", "/api/shelfs", None, "{\"code\": \"before\"}").0, 201);
    let ask = |method: &str, body: &str| exchange(server.address(), &format!("{method} /api/shelfs"), "", body);
    cluster.freeze();
    let during = thread::scope(|scope| {
        let asking = [("GET", ""), ("POST", "{\"code\": \"meanwhile\"}"), ("GET", "")]
            .map(|(method, body)| scope.spawn(move || ask(method, body)));
        asking.map(|asking| asking.join().expect("it ends"))
    });
    let later = [ask("GET", ""), ask("POST", "{\"code\": \"later\"}")];
    cluster.thaw();
    for answer in during.into_iter().chain(later) {
        let answer = answer.expect("an answer before the client gives up");
        let (status, problem) = read(&answer).expect("an answer");
        assert_eq!(status, 503, "{answer}");
        // What may be stored isn't to be sent again without its key.
        let is_unknown = problem["type"] == "/problems/outcome-unknown";
        assert!(is_unknown || problem["type"] == "/problems/busy", "{answer}");
        assert_eq!(answer.contains("\r\nretry-after: "), !is_unknown, "{answer}");
    }
    until("it answers again", || server.ask("GET", "/api/shelfs", None, "").0 == 200);
    assert_eq!(server.ask("POST", "/api/shelfs", None, "{\"code\": \"after\"}").0, 201);
}

#[test]
fn a_password_in_the_settings_is_not_repeated() {
    let app = App::new();
    app.write(
        "backstay.toml",
        "[data]\nurl = \"postgres://ada:hidden@db/news\"\nuri = \"postgres://ada:hidden@db/news\"\n",
    );
    for arguments in [&["check"][..], &["serve", "."], &["check", "--format", "json"]] {
        let ended = app.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}");
        assert!(ended.err.contains("`uri`") || ended.out.contains("`uri`"), "{ended:?}");
        assert!(!ended.err.contains("hidden") && !ended.out.contains("hidden"), "{ended:?}");
    }
    app.write("backstay.toml", "");
    for name in ["BACKSTAY_DATABASE_URL", "BACKSTAY_DATA_URI", "BACKSTAY_DATA_PASSWORD"] {
        let ended = app.run_with(&["check"], "", &[(name, "postgres://ada:hidden@db/news")]);
        assert!(ended.err.contains("BACKSTAY_DATA_") && !ended.err.contains("hidden"), "{ended:?}");
    }
    assert!(!fs::exists(app.data()).expect("the directory can be read"));
}

#[test]
fn connections_are_encrypted_and_verified_as_the_address_says() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let cluster = Cluster::encrypted(port);
    cluster.run("postgres", "CREATE ROLE ada LOGIN PASSWORD 'a secret?'");
    cluster.run("postgres", "CREATE DATABASE news OWNER ada");
    let app = App::new();
    app.write("password", "a secret?\n");
    let run = |user: &str, host: &str, parameters: &str| {
        let parameters = parameters.replace("DIR", &cluster.file("").display().to_string());
        let url = format!("postgres://{user}@{host}:{port}/news?{parameters}");
        app.run_with(&["migrate", "apply"], "", &[("BACKSTAY_DATA_URL", &url)])
    };
    let accepted = |host: &str, parameters: &str| run("ada:a%20secret%3F", host, parameters).done();
    let refused = |host: &str, parameters: &str, expected: &str| {
        let refused = run("ada:a%20secret%3F", host, parameters).refused();
        assert!(refused.contains(expected) && !refused.contains("secret"), "{parameters}: {refused}");
    };
    accepted("127.0.0.1", "");
    accepted("127.0.0.1", "sslmode=require");
    accepted("127.0.0.1", "sslmode=verify-ca&sslrootcert=DIR/ca.crt");
    accepted("localhost", "sslmode=verify-full&sslrootcert=DIR/ca.crt");
    accepted("localhost", "sslmode=verify-full&sslrootcert=DIR/server.crt");
    refused("127.0.0.1", "sslmode=disable", "`pg_hba.conf` doesn't admit it from this machine");
    refused(
        "127.0.0.1",
        "sslmode=verify-full&sslrootcert=DIR/ca.crt",
        "the TLS connection fails: invalid peer certificate",
    );
    refused("localhost", "sslmode=verify-ca&sslrootcert=system", "the TLS connection fails: invalid peer certificate");
    refused("localhost", "sslmode=verify-ca&sslrootcert=DIR/hba", "can't be used: there are none");
    refused("localhost", "sslmode=verify-full", "there are no certificates to verify it with");

    let other = run("ada:other", "localhost", "").refused();
    assert!(other.contains("the server refused the user's password\n  help: put the password into a file"), "{other}");
    let none = run("ada", "localhost", "").refused();
    assert!(none.contains("the server asks for a password, and there is none"), "{none}");
    app.write("backstay.toml", "[data]\npassword_file = 'password'\n");
    run("ada", "localhost", "sslmode=require").done();
}

/// A deferred trigger that ends the connection while it commits.
const LOSE: &str = "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END $$; \
    CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON shelf DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose()";

#[test]
fn a_commit_that_is_lost_is_unknown_until_its_key_is_sent_again() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    let app = app_on(&url);
    app.write(
        "model/shelf.graphql",
        &MODEL.replace("type Shelf @allow(read: ", "type Shelf @allow(create: \"true\", read: "),
    );
    let server = serve(&app);
    cluster.run(name, LOSE);
    let create = || server.ask_with("POST", "/api/shelfs", "idempotency-key: k1\r\n", "{\"code\": \"new\"}");
    let (status, problem) = create();
    assert_eq!((status, &problem["type"]), (503, &"/problems/outcome-unknown".into()), "{problem}");
    cluster.run(name, "DROP TRIGGER lose ON shelf");
    let (status, created) = create();
    assert_eq!((status, &created["code"]), (201, &"new".into()), "{created}");
    assert_eq!(create(), (201, created));
    let (status, problem) = server.ask_with("POST", "/api/shelfs", "idempotency-key: k2\r\n", "{\"code\": \"new\"}");
    assert_eq!(status, 409, "{problem}");
}

#[test]
fn a_deadline_ends_statements_on_the_server() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    let app = app_on(&url);
    app.write("backstay.toml", &format!("[data]\nurl = \"{url}\"\n[limits]\nrequest_seconds = 1\n"));
    app.write(
        "model/shelf.graphql",
        &MODEL.replace("type Shelf @allow(read: ", "type Shelf @allow(create: \"true\", read: "),
    );
    let server = serve(&app);
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'backstay' AND wait_event_type = 'Lock'"
    );
    thread::scope(|scope| {
        let held = scope.spawn(|| cluster.run(name, "BEGIN; LOCK TABLE shelf; SELECT pg_sleep(6)"));
        while cluster.run(
            name,
            "SELECT count(*) FROM pg_locks WHERE relation = 'shelf'::regclass AND mode = 'AccessExclusiveLock'",
        ) == "0"
        {
            assert!(!held.is_finished(), "the lock was never taken");
        }
        assert_eq!(server.ask("GET", "/api/shelfs", None, "").0, 503);
        assert_eq!(server.ask("POST", "/api/shelfs", None, "{\"code\": \"new\"}").0, 503);
        while cluster.run("postgres", &waiting) != "0" {
            assert!(!held.is_finished(), "the statements were ended before the lock was released");
        }
    });
    assert_eq!(server.get("/api/shelfs?code=new")["items"].as_array().map(Vec::len), Some(0));
    assert_eq!(server.ask("POST", "/api/shelfs", None, "{\"code\": \"new\"}").0, 201);
}

#[test]
fn clients_that_count_at_the_same_time_all_count() {
    let app = App::empty();
    app.write("backstay.toml", &format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
    app.write(
        "model/counts.graphql",
        "extend schema @app(name: \"Counts\")\ntype Tally @allow(read: \"true\", create: \"true\", update: \"true\") { n: Int! @default(to: 0) }",
    );
    let server = serve(&app);
    let (status, made) = server.ask("POST", "/api/tallies", None, "{}");
    assert_eq!(status, 201, "{made}");
    let path = format!("/api/tallies/{}", made["id"].as_str().expect("an id"));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let (status, problem) = server.ask("PATCH", &path, None, "{\"n\": {\"$inc\": 1}}");
                    assert_eq!(status, 200, "{problem}");
                }
            });
        }
    });
    assert_eq!(server.get(&path)["n"], 30);
}
