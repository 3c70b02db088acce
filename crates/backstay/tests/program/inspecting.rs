//! The inspector: in a browser while an application is developed, and turned on for a while on a server.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::developing::Dev;
use crate::mail::support;
use crate::support::{App, exchange, read, until};

/// What is asked of a server with this token.
fn ask(address: &str, line: &str, token: &str, body: &Value) -> (u16, Value) {
    let lines = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    read(&exchange(address, line, &lines, &body).expect("an answer")).expect("JSON")
}

/// Chooses the trace of this name with the keyboard alone.
const CHOOSE: &str = "
    const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    for (let tries = 0; tries < 20; tries++) {
        press('j');
        const current = document.querySelector('#traces [aria-current=true] .name');
        if (current && current.textContent.startsWith(arguments[0])) { return true; }
    }
    return false;";

#[test]
fn the_developer_sees_in_a_browser_what_a_request_did() {
    let app = support("");
    let dev = Dev::start(&app);
    let key: Value = serde_json::from_str(&app.run(&["key", "add", "desk", "--format", "json"]).done()).expect("JSON");
    let key = key["key"].as_str().expect("a key").to_owned();
    let ticket = json!({ "title": "No tea", "customer": { "email": "ben@example.org" } });
    let (status, made) = ask(dev.address(), "POST /api/tickets", &key, &ticket);
    assert_eq!(status, 201, "{made}");
    let traces = |query: &str| {
        let (status, list) = ask(dev.address(), &format!("GET /inspect/traces{query}"), "", &Value::Null);
        assert_eq!(status, 200, "{list}");
        list["traces"].as_array().expect("a list").clone()
    };
    until("the trace of the mail", || !traces("?kind=mail").is_empty());
    let mail = &traces("?kind=mail")[0];
    assert!(mail["name"].as_str().is_some_and(|name| name.starts_with("backstay.notify, attempt 1 of ")), "{mail}");
    let whole = &traces(&format!("?id={}", mail["id"].as_str().expect("an id")))[0];
    let stages: Vec<&str> =
        whole["stages"].as_array().expect("stages").iter().filter_map(|stage| stage["name"].as_str()).collect();
    assert!(stages.contains(&"send"), "{whole}");
    let asked = whole["asked"].as_array().expect("what was asked");
    assert!(asked.contains(&json!("mail ticket-opened")) && asked.contains(&json!("get Ticket")), "{whole}");
    let text = whole.to_string();
    assert!(!text.contains("ben@example.org"), "{text}");

    let browser = Browser::start();
    browser.open(&format!("http://{}/inspect", dev.address()));
    browser.until("return document.querySelectorAll('#traces button').length > 1");
    assert_eq!(browser.run(CHOOSE, &json!(["POST /api/tickets"])), true, "a trace is reached with the keyboard");
    let detail = browser.until(
        "const article = document.querySelector('#detail article');
         return article && article.querySelector('h2').textContent.startsWith('POST') && article.innerText",
    );
    let detail = detail.as_str().expect("a text");
    for expected in
        ["Rules", "Ticket create", "auth.kind == 'SERVICE'", "INSERT INTO \"ticket\"", "Commits", "backstay.notify"]
    {
        assert!(detail.contains(expected), "{expected} in {detail}");
    }
    // An id from an error finds its request.
    let (status, refused) =
        ask(dev.address(), "GET /api/tickets/01890a5d-ac96-774b-bcce-b302099a8057", &key, &Value::Null);
    assert_eq!(status, 404);
    let id = refused["requestId"].as_str().expect("an id");
    browser.open("about:blank");
    browser.open(&format!("http://{}/inspect#{id}", dev.address()));
    let shown = browser.until("const p = document.querySelector('#detail h2'); return p && p.textContent");
    assert!(shown.as_str().is_some_and(|shown| shown.starts_with("GET /api/tickets/01890a5d")), "{shown}");
    // Filters narrow the list.
    browser.run(
        "const path = document.querySelector('#filter [name=status]'); path.value = '404';
         path.dispatchEvent(new Event('input', { bubbles: true }))",
        &Value::Null,
    );
    browser.until("return document.querySelectorAll('#traces button').length === 1");
    assert_eq!(browser.console(), Vec::<String>::new(), "nothing is against the page's policy");
}

#[test]
fn an_operator_has_a_server_inspected_for_a_while() {
    let app = support("[mail]\nurl = \"file:sent\"\nfrom = \"desk@example.org\"\n");
    let refused = app.run(&["inspect", "on"]).refused();
    assert!(refused.contains("no server of this application is running"), "{refused}");
    let server = app.serve();
    let key: Value = serde_json::from_str(&app.run(&["key", "add", "desk", "--format", "json"]).done()).expect("JSON");
    let key = key["key"].as_str().expect("a key").to_owned();
    app.run_with(&["operator", "add", "olga@example.org", "--password-stdin"], "correct horse battery\n", &[]).done();
    let sign_in = json!({ "email": "olga@example.org", "password": "correct horse battery", "as": "operator" });
    let (status, session) = ask(server.address(), "POST /auth/sign-in", "", &sign_in);
    assert_eq!(status, 200, "{session}");
    let operator = session["token"].as_str().expect("a token").to_owned();

    assert_eq!(app.run(&["inspect", "show"]).done(), "the inspector is off\n");
    assert_eq!(ask(server.address(), "GET /inspect/traces", &operator, &Value::Null).0, 404);
    let told = app.run(&["inspect", "on", "--for", "5m"]).done();
    assert!(told.starts_with("the inspector is on until "), "{told}");
    let list = ask(server.address(), "GET /api/tickets", &key, &Value::Null);
    assert_eq!(list.0, 200, "{}", list.1);
    assert_eq!(ask(server.address(), "GET /inspect/traces", &key, &Value::Null).0, 404, "keys aren't operators");
    let (status, traces) = ask(server.address(), "GET /inspect/traces?path=tickets", &operator, &Value::Null);
    assert_eq!((status, traces["traces"].as_array().map(Vec::len)), (200, Some(1)), "{traces}");
    assert!(traces["until"].is_string(), "{traces}");

    assert_eq!(app.run(&["inspect", "off"]).done(), "the inspector is off\n");
    assert_eq!(ask(server.address(), "GET /inspect/traces", &operator, &Value::Null).0, 404);
    let log = app.run(&["log", "show", "--format", "json"]).done();
    let log: Value = serde_json::from_str(&log).expect("JSON");
    let audited = log["entries"].as_array().expect("entries").iter().filter(|entry| entry["transaction"] == "inspect");
    let audited: Vec<&Value> = audited.collect();
    assert_eq!(audited.len(), 1, "{log}");
    let record = audited[0]["changes"][0]["record"].as_str().expect("a record");
    assert!(record.starts_with("BackstayInspection/"), "{record}");
}

#[test]
fn what_a_function_logs_is_in_the_trace_of_its_call() {
    let app = App::empty();
    app.write(
        "model/greet.graphql",
        "extend schema @app(name: \"Greet\")\n\
         type Guest @allow(read: \"true\") @allow(create: \"'greet' in auth.via\") { name: String! }\n\
         type Mutation { greet(name: String!): String @function @allow(call: \"true\") }\n",
    );
    app.write(
        "functions/greet.ts",
        "import { type FunctionContext } from \"backstay\";\n\
         export async function greet({ name }: { name: string }, { db, log }: FunctionContext) {\n\
           log.info(\"greeting\", name);\n\
           await db.guests.create({ name });\n\
           log.warn(\"greeted\");\n\
           return name;\n\
         }\n",
    );
    let dev = Dev::start(&app);
    let (status, done) = ask(dev.address(), "POST /do/greet", "", &json!({ "name": "Ann" }));
    assert_eq!(status, 200, "{done}");
    let (_, list) = ask(dev.address(), "GET /inspect/traces?path=/do/greet", "", &Value::Null);
    let path = format!("GET /inspect/traces?id={}", list["traces"][0]["id"].as_str().expect("an id"));
    let (_, whole) = ask(dev.address(), &path, "", &Value::Null);
    let whole = &whole["traces"][0];
    let lines: Vec<(&str, &str)> = whole["log"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| (line["level"].as_str().expect("a level"), line["text"].as_str().expect("a text")))
        .collect();
    assert_eq!(lines, [("info", "greeting Ann"), ("warn", "greeted")], "{whole}");
    assert_eq!(whole["asked"], json!(["create Guest"]), "{whole}");
    assert_eq!(whole["commits"][0]["transaction"], "create", "{whole}");
}
