//! Notifications in the application. The model is that of docs/notifications.md.

use std::fs;
use std::path::Path;
use std::process::Command;

use backstay_testkit::Cluster;
use serde_json::{Value, json};

use crate::support::{App, Server, until};

fn model() -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/notifications.md");
    let document = fs::read_to_string(document).expect("the document");
    let (_, example) = document.split_once("```graphql\n").expect("the example");
    example.split_once("```").expect("its end").0.to_owned()
}

struct Support {
    app: App,
    server: Server,
    key: String,
}

impl Support {
    fn open(settings: &str) -> Self {
        Self::with(&model(), settings)
    }

    fn with(model: &str, settings: &str) -> Self {
        let app = App::empty();
        app.write("model/support.graphql", model);
        let person =
            |name: &str| json!({ "email": format!("{name}@example.org"), "name": name, "$password": "correct horse" });
        let people: Vec<String> = ["ann", "ben", "eve"].iter().map(|name| person(name).to_string()).collect();
        app.write("seed/Person.jsonl", &format!("{}\n", people.join("\n")));
        app.write("backstay.toml", settings);
        let server = app.serve();
        let key: Value =
            serde_json::from_str(&app.run(&["key", "add", "desk", "--format", "json"]).done()).expect("JSON");
        let key = key["key"].as_str().expect("a key").to_owned();
        Self { app, server, key }
    }

    fn write(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.server.ask(method, path, Some(&self.key), &body.to_string());
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        answer
    }

    fn sign_in(&self, name: &str) -> String {
        let body = json!({ "email": format!("{name}@example.org"), "password": "correct horse" });
        let (status, session) = self.server.ask("POST", "/auth/sign-in", None, &body.to_string());
        assert_eq!(status, 200, "{session}");
        session["token"].as_str().expect("a token").to_owned()
    }

    /// The notifications that this account sees: their kinds, and the titles of their tickets.
    fn notices(&self, token: &str) -> Vec<(String, String)> {
        let path = "/api/notices?sort=createdAt&select=kind,event,ticket%7Btitle%7D";
        let (status, list) = self.server.ask("GET", path, Some(token), "");
        assert_eq!(status, 200, "{list}");
        let text = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
        let items = list["items"].as_array().expect("a list").iter();
        items.map(|item| (text(&item["kind"]), text(&item["ticket"]["title"]))).collect()
    }

    /// Waits until no job is left, and returns what they came to.
    fn worked_off(&self) -> Vec<Value> {
        let listed = |states: &[&str]| {
            let mut arguments = vec!["job", "list", "--format", "json"];
            arguments.extend(states.iter().flat_map(|state| ["--state", state]));
            let answer: Value = serde_json::from_str(&self.app.run(&arguments).done()).expect("JSON");
            answer["jobs"].as_array().expect("jobs").clone()
        };
        until("the end of all jobs", || listed(&["WAITING", "RUNNING"]).is_empty());
        let ended = listed(&["DONE", "DEAD"]);
        assert!(ended.iter().all(|job| job["kind"] == "backstay.notify" && job["state"] == "DONE"), "{ended:?}");
        ended
    }
}

fn check(settings: &str) {
    let support = Support::open(settings);
    let [ann, ben, eve] = ["ann", "ben", "eve"].map(|name| support.sign_in(name));
    let by = |name: &str| json!({ "email": format!("{name}@example.org") });
    let ticket = support.write("POST", "/api/tickets", &json!({ "title": "No tea", "customer": by("ann") }));
    let id = ticket["id"].as_str().expect("an id").to_owned();
    support.worked_off();
    let opened = ("OPENED".to_owned(), "No tea".to_owned());
    assert_eq!(support.notices(&ann), [opened], "the customer is told");
    assert_eq!((support.notices(&ben), support.notices(&eve)), (vec![], vec![]));

    // Ann is reached twice, and told once; what the same commit writes counts; a change that isn't meant tells nobody.
    let watch = |name: &str| json!({ "create": "watches", "body": { "ticket": id, "person": by(name) } });
    let change = json!({ "update": "tickets", "id": id, "body": { "title": "No tea at all" } });
    support.write("POST", "/transact", &json!({ "requests": [change, watch("ann"), watch("ben")] }));
    support.write("PATCH", &format!("/api/tickets/{id}"), &json!({ "customer": by("ann") }));
    support.worked_off();
    let changed = ("CHANGED".to_owned(), "No tea at all".to_owned());
    assert_eq!(support.notices(&ann)[1..], std::slice::from_ref(&changed)[..]);
    assert_eq!(support.notices(&ben), [changed], "who watches is told, and sees the ticket");
    assert_eq!(support.notices(&eve), []);

    // Each marks its own as read, and nothing else.
    let (_, list) = support.server.ask("GET", "/api/notices", Some(&ben), "");
    let own = format!("/api/notices/{}", list["items"][0]["id"].as_str().expect("an id"));
    let read = json!({ "readAt": "2026-05-01T12:00:00Z" }).to_string();
    assert_eq!(support.server.ask("PATCH", &own, Some(&ann), &read).0, 404);
    assert_eq!(support.server.ask("PATCH", &own, Some(&ben), &read).0, 200);
    assert_eq!(support.server.ask("PATCH", &own, Some(&ben), &json!({ "kind": "OPENED" }).to_string()).0, 422);
    let (_, count) =
        support.server.ask("GET", "/api/notices:aggregate?filter=readAt%20%3D%3D%20null&select=count", Some(&ben), "");
    assert_eq!(count["items"][0]["count"], 0, "{count}");
    assert_eq!(support.server.ask("POST", "/api/notices", Some(&ben), "{}").0, 403, "nobody makes one");

    // Whoever can't sign in any more isn't told.
    support.app.run(&["account", "disable", "ann@example.org"]).done();
    support.write("PATCH", &format!("/api/tickets/{id}"), &json!({ "title": "Coffee" }));
    let ended = support.worked_off();
    let is_untold = |job: &&Value| job["result"].as_str().is_some_and(|result| result.contains("can't sign in"));
    assert_eq!(ended.iter().filter(is_untold).count(), 1, "{ended:?}");
    assert_eq!(support.notices(&ben).len(), 2);
}

#[test]
fn accounts_find_what_concerns_them_in_the_application() {
    check("");
}

#[test]
fn the_same_on_postgresql() {
    check(&format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
}

/// A server can end when it has made a notification, and before it notes that the job is done: the next attempt makes no other one, also if
/// the account has moved the first one to the trash.
fn check_attempts(settings: &str, run: impl Fn(&App, &str)) {
    let model = model().replace("type Notice\n", "type Notice @trash(keep: \"30d\")\n");
    assert!(model.contains("@trash"));
    let support = Support::with(&model, settings);
    let [ann, ben] = ["ann", "ben"].map(|name| support.sign_in(name));
    let by = |name: &str| json!({ "email": format!("{name}@example.org") });
    let ticket = support.write("POST", "/api/tickets", &json!({ "title": "No tea", "customer": by("ann") }));
    support.write("POST", "/api/tickets", &json!({ "title": "No milk", "customer": by("ben") }));
    support.worked_off();
    let (_, list) = support.server.ask("GET", "/api/notices", Some(&ben), "");
    let own = format!("/api/notices/{}", list["items"][0]["id"].as_str().expect("an id"));
    assert_eq!(support.server.ask("DELETE", &own, Some(&ben), "").0, 204);

    let again = "UPDATE backstay_job SET state = 'WAITING', due_at = created_at, ended_at = NULL, gone_at = NULL";
    run(&support.app, again);
    // A new job wakes the server.
    let path = format!("/api/tickets/{}", ticket["id"].as_str().expect("an id"));
    support.write("PATCH", &path, &json!({ "title": "Tea" }));
    let ended = support.worked_off();
    let attempts = |job: &Value| job["attempts"].as_i64().expect("a number");
    let mut attempts: Vec<i64> = ended.iter().map(attempts).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 2, 2], "{ended:?}");
    let kinds = |token: &str| support.notices(token).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    assert_eq!(kinds(&ann), ["OPENED", "CHANGED"]);
    assert_eq!(kinds(&ben), [""; 0]);
}

#[test]
fn a_notification_is_made_once_however_often_its_job_is_tried() {
    check_attempts("", |app, statement| {
        let database = app.data().join("backstay.db");
        let ran = Command::new("sqlite3").args(["-cmd", ".timeout 9000"]).arg(database).arg(statement).output();
        let ran = ran.expect("sqlite3 runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    });
}

#[test]
fn it_is_made_once_on_postgresql() {
    let url = Cluster::shared().url();
    let (_, database) = url.rsplit_once('/').expect("a database");
    check_attempts(&format!("[data]\nurl = \"{url}\"\n"), |_, statement| {
        Cluster::shared().run(database, statement);
    });
}

/// A relation to many leads only to the records that are there.
fn check_trash(settings: &str) {
    let team = "type Team @trash(keep: \"30d\") @allow(read: \"true\", create: \"auth.kind == 'SERVICE'\", delete: \"auth.kind == 'SERVICE'\") {\n\
                lead: Person! @onDelete(do: CASCADE)\n  tickets: [Ticket!]\n}\n\ntype Watch ";
    let model = model()
        .replace("\"watches.person\"]", "\"watches.person\", \"teams.lead\"]")
        .replace(
            "@inverse(field: \"ticket\")\n",
            "@inverse(field: \"ticket\")\n  teams: [Team!] @inverse(field: \"tickets\")\n",
        )
        .replace("type Watch ", team);
    let support = Support::with(&model, settings);
    let by = |name: &str| json!({ "email": format!("{name}@example.org") });
    let ticket = support.write("POST", "/api/tickets", &json!({ "title": "No tea" }));
    let team =
        |name: &str| support.write("POST", "/api/teams", &json!({ "lead": by(name), "tickets": [ticket["id"]] }));
    let (gone, _) = (team("ben"), team("eve"));
    let gone = format!("/api/teams/{}", gone["id"].as_str().expect("an id"));
    assert_eq!(support.server.ask("DELETE", &gone, Some(&support.key), "").0, 204);
    let path = format!("/api/tickets/{}", ticket["id"].as_str().expect("an id"));
    support.write("PATCH", &path, &json!({ "title": "Tea" }));
    let ended = support.worked_off();
    let results: Vec<&str> = ended.iter().filter_map(|job| job["result"].as_str()).collect();
    assert_eq!(results, [r#"{"notSent":"the account may not read the record"}"#], "one leads a team that is there");
}

#[test]
fn the_trash_leads_to_nobody() {
    check_trash("");
}

#[test]
fn the_trash_leads_to_nobody_on_postgresql() {
    check_trash(&format!("[data]\nurl = \"{}\"\n", Cluster::shared().url()));
}
