//! The program on a PostgreSQL database: every command, and what is wrong with a server or an address.

use std::time::Duration;
use std::{fs, thread};

use backstay_testkit::Cluster;

use crate::support::{App, MODEL, Server};

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
        format!("deleted 6 records in {url}; the next start begins anew\n")
    );
}

#[test]
fn a_database_has_one_server() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let app = app_on(&url);
    let mut first = serve(&app);
    let other = app_on(&url);
    let expected =
        format!("error: cannot use {url}: another Backstay uses it\n  help: stop it, or use another database: ");
    let refused = other.run(&["key", "list"]).refused();
    assert!(refused.starts_with(&expected), "{refused}");

    // Its connections may be lost; nobody else has the database then, and it goes on.
    let name = url.rsplit_once('/').expect("a database").1;
    let kill = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    for _ in 0..3 {
        cluster.run("postgres", &kill);
        assert_eq!(first.get("/api/books?select=number&sort=number")["items"].as_array().map(Vec::len), Some(2));
    }

    // Another process that opened the database meanwhile ends it.
    cluster.run(name, "UPDATE backstay_meta SET value = '\\x00' WHERE name = 'owner'");
    cluster.run("postgres", &kill);
    while first.is_running() {
        first.try_get("/api/books");
        thread::sleep(Duration::from_millis(20));
    }
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
    check(&prepared("ALTER DATABASE NAME SET synchronous_commit = off"), "`synchronous_commit` is off");
    check(&prepared("ALTER DATABASE NAME SET default_transaction_read_only = on"), "lets this user only read");
    check(&prepared("ALTER DATABASE NAME SET search_path = nowhere"), "none of the schemas in `search_path` exists");
    check(&prepared("CREATE TABLE note (text text)"), "it holds the tables of another program");
    cluster.run("postgres", "CREATE ROLE reader LOGIN");
    let reader = cluster.url().replace("postgres@", "reader@");
    check(&reader, "the user may not create tables in the schema public");
    cluster.run("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    check(&format!("{server}/latin"), "the database's encoding is LATIN1; Backstay needs UTF8");
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
