//! `backstay adopt`: a schema of another program, `adopting/harbour.sql`, becomes the model `adopting/harbour.graphql` and is
//! served, without a row being written.

use std::thread;

use backstay_testkit::Cluster;
use serde_json::{Value, json};

use crate::support::{App, Server};

const SCHEMA: &str = include_str!("adopting/harbour.sql");
const MODEL: &str = include_str!("adopting/harbour.graphql");

/// Where the rows of all tables are, before and afterwards.
const PLACES: [(&str, &str); 10] = [
    ("country", "country"),
    ("owners", "owners"),
    ("ship", "ship"),
    ("certificate", "certificate"),
    ("berth", "berth"),
    ("cargo", "cargo"),
    ("ship_cargo", "ship__cargos"),
    ("\"Harbour Master\"", "harbour_master"),
    ("moment", "moment"),
    ("visit", "visit"),
];

/// A database of another program: its address and its name.
fn harbour() -> (String, String) {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1.to_owned();
    cluster.run(&name, SCHEMA);
    (url, name)
}

fn places(database: &str, table: &str) -> String {
    let text = format!("SELECT count(*) || coalesce(string_agg(ctid::text, ' ' ORDER BY ctid), '') FROM {table}");
    Cluster::shared().run(database, &text)
}

fn adopted() -> (App, String, String) {
    let (url, name) = harbour();
    let app = App::empty();
    app.run(&["adopt", &url, "--name", "Harbour", "--apply"]).done();
    (app, url, name)
}

struct Served {
    server: Server,
    token: String,
}

impl Served {
    fn new(app: &App, url: &str) -> Self {
        let added = app.run(&["key", "add", "tests", "--format", "json", "--data", url]).done();
        let added: Value = serde_json::from_str(&added).expect("an answer");
        let token = added["key"].as_str().expect("a token").to_owned();
        let arguments = ["serve", ".", "--data", url, "--listen", "127.0.0.1:0", "--log-format", "json"];
        Self { server: Server::spawn(&mut app.command(&arguments)).listening(), token }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.server.ask(method, path, Some(&self.token), &body)
    }

    #[track_caller]
    fn get(&self, path: &str, expected: &Value) {
        let (status, mut found) = self.ask("GET", path, &Value::Null);
        for place in ["next", "prev"] {
            found.as_object_mut().map(|page| page.remove(place));
        }
        assert_eq!((status, &found), (200, expected), "{path}");
    }

    #[track_caller]
    fn made(&self, path: &str, body: &Value) -> Value {
        let (status, found) = self.ask("POST", path, body);
        assert_eq!(status, 201, "{path} {found}");
        found
    }

    #[track_caller]
    fn refused(&self, (method, path): (&str, &str), body: &Value, expected: (u16, &str)) {
        let (status, found) = self.ask(method, path, body);
        assert_eq!((status, found["type"].as_str()), (expected.0, Some(expected.1)), "{path} {found}");
    }
}

#[test]
fn a_plan_shows_the_model_and_changes_nothing() {
    let (url, name) = harbour();
    let app = App::empty();
    let tables = "SELECT string_agg(table_name || '.' || column_name, ' ' ORDER BY table_name, column_name) \
                  FROM information_schema.columns WHERE table_schema = 'public'";
    let before = Cluster::shared().run(&name, tables);
    let plan = app.run(&["adopt", &url, "--name", "Harbour", "--format", "json"]).done();
    let plan: Value = serde_json::from_str(&plan).expect("a plan");
    assert_eq!(plan["model"].as_str(), Some(MODEL));
    assert_eq!(plan["applied"], false);
    let text = app.run(&["adopt", &url]).done();
    assert!(text.contains("    ALTER TABLE \"Harbour Master\" RENAME TO \"harbour_master\";\n"), "{text}");
    assert!(text.ends_with("Nothing was changed: run the same command with `--apply` to take the steps\n"), "{text}");
    assert_eq!(Cluster::shared().run(&name, tables), before);
    assert!(!app.path().join("model").exists());
}

#[test]
fn what_cannot_become_part_of_the_model_is_named() {
    let (url, _) = harbour();
    let plan = App::empty().run(&["adopt", &url, "--format", "json"]).done();
    let plan: Value = serde_json::from_str(&plan).expect("a plan");
    let left = plan["left"].as_array().expect("a list");
    let found: Vec<(&str, &str)> = left
        .iter()
        .map(|left| (left["what"].as_str().expect("a text"), left["why"].as_str().expect("a text")))
        .collect();
    for expected in [
        ("table log_line", "it has no primary key"),
        ("table port_call", "its key has several columns"),
        ("table reading", "it has partitions"),
        ("table scratch", "it is unlogged: the server empties it after a crash"),
        ("table zero", "1 row with a key that isn't a number from 1 to 999999999999998"),
        (
            "table slashed",
            "2 rows with a key that isn't 1 to 64 bytes in Unicode's form C without `/`, control characters and white space around it",
        ),
        ("foreign key by_call of visit", "it has several columns"),
        ("foreign key by_imo of visit", "it leads to ship.imo, which isn't the key"),
        (
            "action of the foreign key visit_berth_id_fkey of visit",
            "ON DELETE SET DEFAULT isn't possible here: a deletion is refused instead",
        ),
        ("default of visit.token", "the model can't have `gen_random_uuid()`, so that clients have to send a value"),
        (
            "default of visit.arrived",
            "the model can't have `(now() + '01:00:00'::interval)`, so that new records have null if no value is sent",
        ),
        ("check lower_text of visit", "it can't be written as a rule"),
        ("table lone_key", "none of its columns but the key becomes a field"),
        ("check not_shouting of ship", "it can't be written as a rule"),
        ("column ship.words", "the database computes it"),
        ("triggers of ship", "Backstay doesn't know what they do: seen"),
        ("table ruled", "rules rewrite what is written to it: never, told"),
        ("row security of country", "it doesn't hold for the table's owner"),
        ("view fleet", "it isn't a table"),
        ("column cargo.code", "no scalar is like the type character(4)"),
        (
            "column mooring.hold",
            "no scalar is like the type interval; it needs a value, so that Backstay can't create records of this type",
        ),
        ("column mooring.address", "no scalar is like the type inet"),
        ("column mooring.days", "no scalar is like the type daterange"),
        ("column mooring.lights", "no scalar is like the type bit(4)"),
        ("column mooring.tags", "no scalar is like the type text[]"),
        ("column mooring.weight", "no scalar is like the type numeric"),
        ("column mooring.fee", "no scalar is like the type money"),
        ("column mooring.noon", "no scalar is like the type time without time zone"),
        ("exclusion mooring_days_excl of mooring", "it can't be told from its definition"),
        ("column moment.at", "1 row with a value outside of the years 1 to 9999"),
        ("column moment.share", "1 row with a value that isn't a finite number"),
    ] {
        assert!(found.contains(&expected), "{expected:?} {found:#?}");
    }
    assert!(left.iter().all(|left| left["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty())), "{left:#?}");
}

#[test]
fn no_row_moves_and_a_second_run_has_nothing_to_do() {
    let (url, name) = harbour();
    let before: Vec<String> = PLACES.iter().map(|(table, _)| places(&name, table)).collect();
    let files = "SELECT string_agg(relfilenode::text, ' ' ORDER BY oid) FROM pg_class \
                 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'backstay%'";
    let files_before = Cluster::shared().run(&name, files);
    let app = App::empty();
    let done = app.run(&["adopt", &url, "--name", "Harbour", "--apply"]).done();
    assert!(done.contains(&format!("\nadopted {url}: 10 types and 1 many-to-many relation; ")), "{done}");
    let after: Vec<String> = PLACES.iter().map(|(_, table)| places(&name, table)).collect();
    assert_eq!(after, before);
    assert_eq!(Cluster::shared().run(&name, files), files_before, "no table was written anew");
    assert_eq!(std::fs::read_to_string(app.path().join("model/adopted.graphql")).expect("a model"), MODEL);
    let again = app.run(&["adopt", &url]).done();
    assert_eq!(again, format!("nothing to do: {url} was adopted already; `backstay serve` serves it\n"));
    assert_eq!(app.run(&["migrate", "plan", "--data", &url]).done(), "nothing to do: the database matches the model\n");
    let refused = app.run(&["reset", "--yes", "--data", &url]).refused();
    assert!(refused.contains("its tables are those of another program, which Backstay has adopted"), "{refused}");
    assert_eq!(places(&name, "log_line"), "0");
}

#[test]
fn adopted_records_are_read() {
    let (app, url, _) = adopted();
    let served = Served::new(&app, &url);
    served.get(
        "/api/ships?select=id,version,name,imo,owner{name},country{id,name},tenderOf{name},built,tonnage,speed,whereabouts,papers&sort=-name",
        &json!({"items": [
            {"id": 3, "version": 1, "name": "Fram", "imo": 11, "owner": {"name": "Ben"}, "country": {"id": "NO", "name": "Norway"},
             "tenderOf": null, "built": 1892, "tonnage": "402.00", "speed": "7.0", "whereabouts": "in-port", "papers": {}},
            {"id": 2, "version": 1, "name": "Dinghy", "imo": 7, "owner": {"name": "Ada"}, "country": null,
             "tenderOf": {"name": "Albatros"}, "built": null, "tonnage": "0.25", "speed": null, "whereabouts": "in-port", "papers": []},
            {"id": 1, "version": 1, "name": "Albatros", "imo": 9_074_729, "owner": {"name": "Ada"},
             "country": {"id": "CH", "name": "Switzerland"}, "tenderOf": null, "built": 1995, "tonnage": "1250.50", "speed": "14.5",
             "whereabouts": "in-port", "papers": {"pilot": true}},
        ]}),
    );
    served.get(
        "/api/owners?select=joined,ships(sort:name){name,cargos{label}}&sort=id",
        &json!({"items": [
            {"joined": "2020-01-31T12:00:00.000000Z",
             "ships": [{"name": "Albatros", "cargos": [{"label": "grain"}, {"label": "oil"}]}, {"name": "Dinghy", "cargos": []}]},
            {"joined": "2021-06-01T00:00:00.000000Z", "ships": [{"name": "Fram", "cargos": [{"label": "grain"}]}]},
        ]}),
    );
    served.get("/api/berths?select=kind,depth&kind=BUOY", &json!({"items": [{"kind": "BUOY", "depth": 4.5}]}));
    served.get(
        "/api/berths?select=kind&sort=-kind&filter=kind%20%3E%3D%20'QUAY'",
        &json!({"items": [{"kind": "BUOY"}, {"kind": "QUAY"}]}),
    );
    served.get(
        "/api/ships?select=name&filter=built%20*%201000000%20%3E%201900000000",
        &json!({"items": [{"name": "Albatros"}]}),
    );
    served.get("/api/ships?select=name&imo=9074729", &json!({"items": [{"name": "Albatros"}]}));
    served.get(
        "/api/ships:aggregate?select=count,n=sum(imo),most=max(built),t=sum(tonnage)",
        &json!({"items": [{"count": 3, "n": 9_074_747, "most": 1995, "t": "1652.75"}]}),
    );
    served.get(
        "/api/certificates/17?select=ship{name},scan,versionBefore",
        &json!({"ship": {"name": "Albatros"}, "scan": "AP8=", "versionBefore": 3}),
    );
    served.get(
        "/api/harbour-masters?select=fullName,deputyOf{fullName}&sort=id",
        &json!({"items": [
            {"fullName": "Cleo", "deputyOf": null}, {"fullName": "Dan", "deputyOf": {"fullName": "Cleo"}},
        ]}),
    );
    served.get(
        "/api/countries/CH?select=name,ships{name}",
        &json!({"name": "Switzerland", "ships": [{"name": "Albatros"}]}),
    );
    let mut first = served.ask("GET", "/api/ships?select=name&sort=name&limit=2", &Value::Null).1;
    let next = first["next"].take();
    served.get(
        &format!("/api/ships?select=name&sort=name&limit=2&after={}", next.as_str().expect("a cursor")),
        &json!({"items": [{"name": "Fram"}]}),
    );
    assert_eq!(served.server.stop(), Some(0));
}

#[test]
fn adopted_records_are_written() {
    let (app, url, name) = adopted();
    let served = Served::new(&app, &url);
    let ship = json!({"name": "Nova", "imo": 12, "owner": 2, "country": "NO", "built": 2001, "cargos": [2, 1]});
    let made = served.made("/api/ships", &ship);
    assert_eq!(
        (&made["id"], &made["whereabouts"], &made["tonnage"], &made["papers"]),
        (&json!(4), &json!("in-port"), &json!("0.00"), &json!({}))
    );
    let (status, changed) =
        served.ask("PATCH", "/api/ships/4", &json!({"whereabouts": "at sea", "papers": {"a": 1.0}, "cargos": [2]}));
    assert_eq!((status, &changed["version"], &changed["whereabouts"]), (200, &json!(2), &json!("at sea")), "{changed}");
    let row = "SELECT whereabouts, papers, country_id, version, last_seen IS NOT NULL, words FROM ship WHERE id = 4";
    assert_eq!(Cluster::shared().run(&name, row), "at sea|{\"a\": 1.0}|NO|2|t|'nova':1");
    assert_eq!(Cluster::shared().run(&name, "SELECT ship_id, cargo_id FROM ship__cargos WHERE ship_id = 4"), "4|2");

    served.refused(
        ("POST", "/api/ships"),
        &json!({"name": "New", "imo": 12, "owner": 1}),
        (409, "/problems/not-unique"),
    );
    served.refused(
        ("POST", "/api/ships"),
        &json!({"name": "Nova", "imo": 13, "owner": 2}),
        (409, "/problems/not-unique"),
    );
    served.refused(
        ("POST", "/api/ships"),
        &json!({"name": "New", "imo": 13, "owner": 9}),
        (422, "/problems/invalid-values"),
    );
    served.refused(
        ("POST", "/api/ships"),
        &json!({"name": "New", "imo": 5_000_000_000_u64, "owner": 1}),
        (422, "/problems/invalid-values"),
    );
    served.refused(("PATCH", "/api/ships/4"), &json!({"built": 1700}), (422, "/problems/invalid-values"));
    served.refused(("PATCH", "/api/ships/4"), &json!({"speed": "-1"}), (422, "/problems/invalid-values"));
    served.refused(("PATCH", "/api/ships/4"), &json!({"whereabouts": "lost"}), (422, "/problems/invalid-values"));
    served.refused(("PATCH", "/api/ships/4"), &json!({"name": "LOUD"}), (422, "/problems/invalid-values"));
    served.refused(("DELETE", "/api/countries/NO"), &Value::Null, (409, "/problems/still-referenced"));
    assert_eq!(served.ask("DELETE", "/api/cargos/1", &Value::Null).0, 204);
    served.refused(("POST", "/api/moorings"), &json!({}), (403, "/problems/forbidden"));
    served.made("/api/berths", &json!({"depth": 3, "kind": "DRY_DOCK"}));
    served.made("/api/harbour-masters", &json!({"fullName": "Eve", "deputyOf": 2}));
    served.made("/api/cargos", &json!({"label": "wine", "class": "liquid"}));
    served.made("/api/countries", &json!({"id": "DK", "name": "Denmark"}));
    let visit = json!({"imo": 11, "token": "9d8a9927-df2f-437c-bfb0-db537166c061"});
    assert_eq!(served.made("/api/visits", &json!({"mood": "wild", "token": visit["token"]}))["id"], 2);
    served.refused(("POST", "/api/visits"), &visit, (409, "/problems/not-unique"));
    let angry = json!({"mood": "ANGRY", "token": visit["token"]});
    served.refused(("POST", "/api/visits"), &angry, (422, "/problems/invalid-values"));
    assert_eq!(served.ask("DELETE", "/api/owners/1", &Value::Null).0, 204);
    assert_eq!(Cluster::shared().run(&name, "SELECT count(*) FROM ship WHERE owner_id = 1"), "0");
    assert_eq!(served.ask("GET", "/api/certificates/17", &Value::Null).0, 404);
    assert_eq!(served.server.stop(), Some(0));

    // Views and other programs go on.
    assert_eq!(
        Cluster::shared().run(&name, "SELECT ship_id, name, owner FROM fleet ORDER BY 1"),
        "3|Fram|Ben\n4|Nova|Ben"
    );
    Cluster::shared().run(&name, "INSERT INTO country (id, name) VALUES ('SE', 'Sweden')");
    assert_eq!(Cluster::shared().run(&name, "SELECT version FROM country WHERE id = 'SE'"), "1");
    assert!(app.run(&["log", "verify", "--data", &url]).done().contains("entries"));
    let copied = app.run(&["copy", "--from", &url, "--to", "copied"]).done();
    assert!(copied.starts_with("copied Harbour from "), "{copied}");
}

#[test]
fn an_adopted_model_changes_and_what_others_have_on_a_table_stays() {
    let (app, url, name) = adopted();
    let model = MODEL
        .replace("  imo: Int!", "  captain: String\n  imo: Int!")
        .replace("label: String! @length(max: 20) @unique", "label: String! @length(max: 20)")
        .replace("  built: Int", "  year: Int @renamed(from: \"built\")")
        .replace("this.built", "this.year")
        .replace("[\"built\", ", "[\"year\", ")
        .replace(
            "type Owners @key(type: INT) @path(is: \"owners\")",
            "type Owner @key(type: INT) @renamed(from: \"Owners\")",
        )
        .replace("Owners!", "Owner!");
    app.write("model/adopted.graphql", &model);
    assert!(app.run(&["migrate", "apply", "--data", &url]).done().ends_with("done\n"));
    let served = Served::new(&app, &url);
    served.get(
        "/api/ships?select=year,captain,owner{name}&sort=year&limit=1",
        &json!({"items": [{"year": 1892, "captain": null, "owner": {"name": "Ben"}}]}),
    );
    assert_eq!(served.server.stop(), Some(0));
    assert_eq!(Cluster::shared().run(&name, "SELECT words FROM ship WHERE year = 1892"), "'fram':1");

    app.write(
        "model/adopted.graphql",
        &model
            .replace("  tonnage: Decimal!", "  tonnage: String!")
            .replace("this.tonnage >= 0 && ", "")
            .replace(" @precision(digits: 10, scale: 2) @default(to: 0)", ""),
    );
    let plan = app.run(&["migrate", "plan", "--data", &url]);
    let blocked = "blocked: the table ship would lose a foreign key of port_call, the column words, the trigger seen, the view fleet";
    assert!(plan.out.contains(blocked), "{plan:?}");
    assert!(app.run(&["migrate", "apply", "--data", &url, "--allow-data-loss"]).code == Some(1));
    assert_eq!(Cluster::shared().run(&name, "SELECT count(*) FROM fleet"), "3");
}

#[test]
fn an_enum_of_the_database_gets_its_values_there_first() {
    let (app, url, name) = adopted();
    let apply = |values: &str| {
        app.write("model/adopted.graphql", &MODEL.replace("{ QUAY BUOY DRY_DOCK }", values));
        app.run(&["migrate", "apply", "--data", &url])
    };
    let refused = |values: &str, (value, statement): (&str, &str)| {
        let refused = apply(values).refused();
        let told = format!("blocked: {value} of Berth.kind isn't a value of the database's enum berth_kind");
        assert!(refused.contains(&told) && refused.contains(&format!("run `{statement}` first")), "{refused}");
        Cluster::shared().run(&name, statement);
        assert!(apply(values).done().ends_with("done\n"));
    };
    refused("{ QUAY BUOY DRY_DOCK PIER }", ("PIER", "ALTER TYPE \"berth_kind\" ADD VALUE 'PIER'"));
    let renamed = "{ QUAY BUOY DRY_DOCK JETTY @renamed(from: \"PIER\") }";
    refused(renamed, ("JETTY", "ALTER TYPE \"berth_kind\" RENAME VALUE 'PIER' TO 'JETTY'"));
    let served = Served::new(&app, &url);
    served.made("/api/berths", &json!({"depth": 3, "kind": "JETTY"}));
    served.get("/api/berths?select=kind&kind=JETTY", &json!({"items": [{"kind": "JETTY"}]}));

    // The plan can't know what a check of the model has to do with an enum.
    let model = MODEL.replace("{ QUAY BUOY DRY_DOCK }", renamed);
    app.write("model/adopted.graphql", &model.replace("['in-port', 'at sea']", "['in-port', 'at sea', 'ashore']"));
    app.run(&["migrate", "apply", "--data", &url]).done();
    served.refused(("PATCH", "/api/ships/1"), &json!({"whereabouts": "ashore"}), (422, "/problems/invalid-values"));
}

/// Texts that the database orders by a language.
const WORDS: &str = "CREATE TABLE language (code varchar(8) COLLATE \"und-x-icu\" PRIMARY KEY, name text NOT NULL); \
    CREATE TABLE word (id uuid PRIMARY KEY, name text COLLATE \"und-x-icu\" NOT NULL UNIQUE, \
    seen text COLLATE \"und-x-icu\", alias text COLLATE \"und-x-icu\" UNIQUE, \
    language varchar(8) COLLATE \"und-x-icu\" NOT NULL REFERENCES language, created_at timestamp NOT NULL, n integer DEFAULT 7, \
    UNIQUE NULLS NOT DISTINCT (language, n)); \
    CREATE VIEW seen AS SELECT seen, alias FROM word; \
    INSERT INTO language VALUES ('de', 'German'); \
    INSERT INTO word (id, name, seen, alias, language, created_at, n) VALUES \
    ('9d8a9927-df2f-437c-bfb0-db537166c061', 'b', 'x', 'b1', 'de', '2020-01-01', 1), \
    ('9d8a9927-df2f-437c-bfb0-db537166c062', 'B', 'y', 'b2', 'de', '2020-01-01', 2), \
    ('9d8a9927-df2f-437c-bfb0-db537166c063', 'a', 'x', 'b3', 'de', '2020-01-01', 3)";

#[test]
fn texts_are_ordered_by_code_point_from_then_on() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    cluster.run(name, WORDS);
    let before = places(name, "word");
    let app = App::empty();
    app.run(&["adopt", &url, "--apply"]).done();
    assert_eq!(places(name, "word"), before);
    let model = std::fs::read_to_string(app.path().join("model/adopted.graphql")).expect("a model");
    for expected in
        ["  name: String! @unique\n", "  seen: Text\n", "  @unique(fields: [\"language\", \"n\"], nulls: SAME) {\n"]
    {
        assert!(model.contains(expected), "{expected} {model}");
    }
    let served = Served::new(&app, &url);
    served.get(
        "/api/words?select=name,createdAt,language{name}&sort=name&limit=2",
        &json!({"items": [
            {"name": "B", "createdAt": "2020-01-01T00:00:00.000000Z", "language": {"name": "German"}},
            {"name": "a", "createdAt": "2020-01-01T00:00:00.000000Z", "language": {"name": "German"}},
        ]}),
    );
    served.get("/api/words?select=name&seen=y&language=de", &json!({"items": [{"name": "B"}]}));
    served.refused(("GET", "/api/words?sort=seen"), &Value::Null, (400, "/problems/malformed-request"));
    let word = json!({"name": "c", "alias": "b1", "language": "de"});
    served.refused(("POST", "/api/words"), &word, (409, "/problems/not-unique"));
    assert_eq!(served.server.stop(), Some(0));
}

#[test]
fn a_step_that_fails_leaves_nothing_behind() {
    let cluster = Cluster::shared();
    let url = cluster.url();
    let name = url.rsplit_once('/').expect("a database").1;
    cluster.run(
        name,
        "CREATE TABLE first (first_id integer PRIMARY KEY, name text UNIQUE, version interval, version_before text); \
         CREATE INDEX ux_first__name ON first (lower(name))",
    );
    let app = App::empty();
    let refused = app.run(&["adopt", &url, "--apply"]).refused();
    let step = "indexes of First\n    CREATE UNIQUE INDEX \"ux_first__name\" ON \"first\" (\"name\")";
    assert!(refused.starts_with(&format!("error: a step can't be taken in {url}: {step}")), "{refused}");
    assert!(refused.contains("\n  help: nothing was changed"), "{refused}");
    assert!(!app.path().join("model/adopted.graphql").exists());
    assert_eq!(cluster.run(name, "SELECT count(first_id) + count(version) FROM first"), "0");
}

#[test]
fn tables_that_another_program_keeps_are_left_alone() {
    let cluster = Cluster::shared();
    let (url, name) = harbour();
    let app = App::empty();
    let held = format!(
        "SELECT pid FROM pg_locks WHERE relation = 'ship'::regclass AND mode = 'RowExclusiveLock' AND database = \
         (SELECT oid FROM pg_database WHERE datname = '{name}')"
    );
    let keep = "BEGIN; UPDATE ship SET speed = 1; SELECT pg_sleep(600)";
    thread::scope(|scope| {
        let keeping = scope.spawn(|| cluster.try_run(&name, keep));
        while cluster.run(&name, &held).is_empty() {
            assert!(!keeping.is_finished(), "the table isn't kept");
        }
        let refused = app.run(&["adopt", &url, "--apply"]).refused();
        assert!(
            refused.starts_with(&format!("error: another program has used the tables of {url} for 10 seconds")),
            "{refused}"
        );
        cluster.run(&name, &format!("SELECT pg_terminate_backend(({held} LIMIT 1))"));
        assert!(keeping.join().expect("a thread").is_err());
    });
    assert_eq!(cluster.run(&name, "SELECT count(ship_id) FROM ship"), "3");
    assert!(!app.path().join("model/adopted.graphql").exists());
}

#[test]
fn what_changes_before_the_tables_are_locked_is_not_missed() {
    const TABLES: &str = "CREATE TABLE fit (id serial PRIMARY KEY, d timestamptz, f double precision, v text); \
                          CREATE TABLE keyed (id text PRIMARY KEY, v integer)";
    let check = |change: &str, expected: &str| {
        let cluster = Cluster::shared();
        let url = cluster.url();
        let name = url.rsplit_once('/').expect("a database").1;
        cluster.run(name, TABLES);
        let locks = format!(
            "SELECT pid FROM pg_locks WHERE relation = 'fit'::regclass AND database = \
             (SELECT oid FROM pg_database WHERE datname = '{name}')"
        );
        let held = format!("{locks} AND granted AND mode IN ('RowExclusiveLock', 'ShareLock')");
        // Commits as soon as the other program waits.
        let keep = format!(
            "BEGIN; {change}; DO $$ BEGIN WHILE NOT EXISTS ({locks} AND NOT granted) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; \
             COMMIT"
        );
        let app = App::empty();
        thread::scope(|scope| {
            let keeping = scope.spawn(|| cluster.try_run(name, &keep));
            while cluster.run(name, &held).is_empty() {
                assert!(!keeping.is_finished(), "the table isn't kept");
            }
            let adopted = app.run(&["adopt", &url, "--apply"]);
            cluster.run(name, &format!("SELECT pg_terminate_backend(pid) FROM ({held}) AS kept"));
            keeping.join().expect("a thread").expect("the change");
            let refused = adopted.refused();
            let expected = format!("error: {url} has changed since the model was made of it: {expected}\n");
            assert!(refused.starts_with(&expected) && refused.contains("\n  help: nothing was changed"), "{refused}");
        });
        assert!(!app.path().join("model/adopted.graphql").exists());
        assert_eq!(cluster.run(name, "SELECT to_regclass('backstay_adopted') IS NULL"), "t");
        app.run(&["adopt", &url, "--apply"]).done();
    };
    check(
        "INSERT INTO fit (d, f, v) VALUES ('infinity', 'NaN', repeat('x', 1001)); INSERT INTO keyed VALUES ('a/b', 1)",
        "column fit.d, column fit.f, column fit.v, column keyed.id",
    );
    check("INSERT INTO fit (id, v) VALUES (-1, 'a')", "column fit.id");
    check("CREATE INDEX by_f ON fit (f); CREATE TYPE mood AS ENUM ('calm')", "table fit, enum mood");
    check("CREATE INDEX by_f ON fit (f); CREATE TABLE other (id serial PRIMARY KEY)", "table fit, table other");
}

#[test]
fn databases_that_cannot_be_adopted() {
    let cluster = Cluster::shared();
    let app = App::empty();
    let check = |url: &str, expected: &str| {
        let refused = app.run(&["adopt", url, "--apply"]).refused();
        assert!(refused.contains(expected) && refused.contains("\n  help: "), "{refused}");
        assert!(!app.path().join("model/adopted.graphql").exists());
    };
    check("postgres://ada@127.0.0.1:1/harbour", "the server can't be reached");
    check(&format!("{}/missing", cluster.server_url()), "the server has no such database");
    check(".", "you haven't named a database to adopt");
    check(&cluster.url(), "there are no tables in ");
    let shelf = App::new();
    let url = cluster.url();
    shelf.run(&["migrate", "apply", "--data", &url]).done();
    check(&url, "is a database of Backstay already");
    let (url, name) = harbour();
    cluster.run("postgres", "CREATE ROLE visitor LOGIN");
    let guest = url.replace("postgres@", "visitor@");
    check(&guest, "the user may not create tables in the schema public");
    cluster.run(&name, "GRANT CREATE ON SCHEMA public TO visitor");
    check(&guest, "the user owns neither the tables nor the types Harbour Master, berth, cargo, ");
    let lines = cluster.url();
    cluster.run(lines.rsplit_once('/').expect("a database").1, "CREATE TABLE line (text text)");
    check(&lines, "none of the tables can become a type: table line: it has no primary key");
    let refused = shelf.run(&["adopt", &url, "--apply"]).refused();
    assert!(refused.starts_with("error: the application has a model already: model/shelf.graphql"), "{refused}");
}
