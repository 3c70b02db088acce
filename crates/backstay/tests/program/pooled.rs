//! The program behind `PgBouncer`: what it does there, what it refuses, and what becomes of requests while the pooler is gone.

use backstay_testkit::{Cluster, Pooler};
use serde_json::json;

use crate::jobs;
use crate::support::{App, Server, until};

/// Lets the application's requests go through a pooler.
fn behind(app: &App, pooler: &Pooler) -> String {
    let url = Cluster::shared().url();
    app.write("backstay.toml", &format!("[data]\nurl = \"{url}\"\npooler = \"{}\"\n", pooler.url(&url)));
    url
}

#[test]
fn an_application_lives_behind_a_pooler() {
    let pooler = Pooler::before(Cluster::shared(), "");
    let app = jobs::app();
    behind(&app, &pooler);
    // Actions, hooks and jobs, their rules, and commands beside the server.
    jobs::walk(&app);
    let more = |text: &str| text.replace("  title: String!\n", "  title: String!\n  note: String\n");
    app.write("model/shop.graphql", &more(&jobs::documented("graphql")));
    assert!(app.run(&["migrate", "plan"]).done().contains("ALTER TABLE"));
    app.run(&["migrate", "apply"]).done();
    let server = app.serve();
    let path = "/api/orders?select=note&limit=1";
    let found = server.get(path);
    assert_eq!(found["items"][0], json!({ "note": null }), "{found}");
    let order = |key: &str| {
        let body = json!({ "title": "idempotent", "total": 1, "note": "new" }).to_string();
        server.ask_with("POST", "/api/orders", &format!("idempotency-key: {key}\r\n"), &body)
    };
    let (status, made) = order("once");
    assert_eq!((status, &made["note"]), (201, &json!("new")), "{made}");
    assert_eq!(order("once"), (201, made));
    assert_eq!(server.stop(), Some(0));
    app.run(&["log", "verify"]).done();
}

/// Any answer while the pooler is gone is one that the client can act on.
fn busy(server: &Server) {
    for (method, body) in [("GET", ""), ("POST", r#"{"title":"lost","total":1}"#)] {
        let (status, answer) = server.ask(method, "/api/orders", None, body);
        assert_eq!((status, &answer["type"]), (503, &json!("/problems/busy")), "{method} {answer}");
    }
}

fn create(server: &Server) -> u16 {
    server.ask("POST", "/api/orders", None, r#"{"title":"kept","total":1}"#).0
}

#[test]
fn a_pooler_that_ends_is_found_again() {
    let pooler = Pooler::before(Cluster::shared(), "");
    let app = jobs::app();
    behind(&app, &pooler);
    let server = app.serve();
    assert_eq!(create(&server), 201);
    pooler.stop();
    busy(&server);
    pooler.start();
    until("requests reach the database", || create(&server) == 201);
}

#[test]
fn nobody_is_told_that_a_request_costs_too_much_while_a_pooler_is_silent() {
    let pooler = Pooler::before(Cluster::shared(), "");
    let app = jobs::app();
    behind(&app, &pooler);
    let server = app.serve();
    assert_eq!(create(&server), 201);
    pooler.freeze();
    let (status, answer) = server.ask("GET", "/api/orders", None, "");
    pooler.thaw();
    assert_eq!((status, &answer["type"]), (503, &json!("/problems/busy")), "{answer}");
    // PgBouncer 1.18 can end itself when it goes on and finds that clients are gone.
    pooler.stop();
    pooler.start();
    until("requests reach the database", || create(&server) == 201);
}

/// A server that can't be reached through the pooler for a while: the pooler ends its clients' connections then.
#[test]
fn a_server_that_restarts_behind_a_pooler_is_found_again() {
    let cluster = Cluster::shared();
    let pooler = Pooler::before(cluster, "query_wait_timeout = 1");
    let app = jobs::app();
    let url = behind(&app, &pooler);
    let name = url.rsplit_once('/').expect("a database").1;
    let server = app.serve();
    assert_eq!(create(&server), 201);
    let kill = format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
    for _ in 0..3 {
        cluster.run("postgres", &kill);
        let (status, answer) = server.ask("POST", "/api/orders", None, r#"{"title":"kept","total":1}"#);
        assert!(status == 201 || status == 503, "{answer}");
        until("requests reach the database", || create(&server) == 201);
    }
    // All of its connections to the server are in use: it ends those of its clients that wait for one.
    let through = pooler.url(&url);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| drop(cluster.run(&through, "BEGIN; SELECT pg_sleep(4)")));
        }
        let held = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'PgSleep'");
        until("all connections are taken", || cluster.run("postgres", &held) == "2");
        let (status, answer) = server.ask("GET", "/api/orders", None, "");
        assert!(status == 200 || status == 503, "{answer}");
    });
    until("requests reach the database", || create(&server) == 201);
}

#[test]
fn poolers_that_cannot_be_used() {
    let app = jobs::app();
    let refused = |pooler: &Pooler, expected: &str| {
        let url = behind(&app, pooler);
        // A pooler that isn't named as one.
        let unnamed = app.run(&["serve", ".", "--data", &pooler.url(&url)]).refused();
        assert!(
            unnamed.contains("as behind a connection pooler such as PgBouncer\n  help: name the address"),
            "{unnamed}"
        );
        let refused = app.run(&["serve", "."]).refused();
        assert!(refused.contains(expected), "{refused}");
        assert!(
            refused.contains("\n  help: use transaction pooling (`pool_mode = transaction` in PgBouncer)"),
            "{refused}"
        );
    };
    let cluster = Cluster::shared();
    refused(
        &Pooler::before(cluster, "pool_mode = statement"),
        "the pooler ends the connection: transaction blocks not allowed",
    );
    refused(
        &Pooler::before(cluster, "max_db_connections = 1\npool_mode = statement\nignore_startup_parameters = options"),
        "the pooler ends the connection: ",
    );
}
