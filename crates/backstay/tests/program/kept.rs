//! Data directories that earlier versions made are opened, migrated and read back; see `tests/kept/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use backstay_audit::{Leaf, verify};
use backstay_testkit::Cluster;
use serde_json::{Value, json};

use crate::support::{App, Server};

/// Each kept directory with its name.
fn kept() -> Vec<(String, PathBuf)> {
    let directories = fs::read_dir(root()).expect("tests/kept").map(|entry| entry.expect("an entry").path());
    let kept = directories.filter(|path| path.join("backstay.db").is_file());
    let mut kept: Vec<_> = kept.map(|path| (name(&path), path)).collect();
    kept.sort();
    assert!(!kept.is_empty(), "tests/kept holds no data directory");
    kept
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept")
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// A copy of a kept directory and what is known about it.
struct Kept {
    name: String,
    app: App,
    known: Value,
}

impl Kept {
    fn copy((name, directory): (String, PathBuf)) -> Self {
        let app = application(&directory);
        fs::create_dir(app.data()).expect("a directory");
        fs::copy(directory.join("backstay.db"), app.data().join("backstay.db")).expect("the database");
        let known = fs::read(directory.join("known.json")).expect("known.json");
        let kept = Self { name, app, known: serde_json::from_slice(&known).expect("JSON") };
        // The session and the idempotency record were to last a month and a day.
        kept.sqlite(
            "UPDATE backstay_session SET expires_at = 1 << 57; UPDATE backstay_idempotency SET expires = 1 << 57",
        );
        kept
    }

    fn text(&self, pointer: &str) -> &str {
        self.known.pointer(pointer).and_then(Value::as_str).expect(pointer)
    }

    fn sqlite(&self, statements: &str) -> String {
        sqlite(&self.app.data().join("backstay.db"), statements)
    }

    /// Every record as the program that kept it returned it, by the list's path.
    fn records(&self) -> BTreeMap<String, Value> {
        serde_json::from_value(self.known["records"].clone()).expect("records by path")
    }

    fn check_records(&self, server: &Server, expected: &BTreeMap<String, Value>) {
        for (path, records) in expected {
            let (status, list) = server.ask("GET", path, Some(self.text("/account/token")), "");
            assert_eq!(status, 200, "{} {path}: {list}", self.name);
            assert_eq!(&list["items"], records, "{} {path}", self.name);
        }
    }

    /// Entries of the commit log with their leaf hashes, each of which must be that of its entry.
    fn log(&self) -> Vec<String> {
        let log = self.sqlite("SELECT hex(entry) || ' ' || hex(leaf) FROM backstay_log ORDER BY seq");
        let entries: Vec<String> = log.lines().map(str::to_owned).collect();
        for line in &entries {
            let (entry, leaf) = line.split_once(' ').expect("two columns");
            let leaf: [u8; 32] = bytes(leaf).try_into().expect("32 bytes");
            assert!(verify(&bytes(entry), Leaf::from_bytes(leaf)).is_ok(), "{}: {line}", self.name);
        }
        entries
    }

    /// The log begins as it was, and has this many entries more.
    fn check_log_after(&self, before: &[String], more: usize) {
        let log = self.log();
        assert_eq!(log.len(), before.len() + more, "{}", self.name);
        assert!(log.starts_with(before), "{}: an entry of the log has changed", self.name);
    }

    fn edit_model(&self, edits: &[(&str, &str)]) {
        let path = self.app.path().join("model/library.graphql");
        let mut model = fs::read_to_string(&path).expect("the model");
        for (from, to) in edits {
            assert!(model.contains(from), "{}: {from}", self.name);
            model = model.replace(from, to);
        }
        fs::write(path, model).expect("the model");
    }
}

/// An application with the model and the seed files of a directory.
fn application(directory: &Path) -> App {
    let app = App::empty();
    for part in ["model", "seed"] {
        for file in fs::read_dir(directory.join(part)).expect("a directory") {
            let file = file.expect("an entry").path();
            app.write(&format!("{part}/{}", name(&file)), &fs::read_to_string(&file).expect("a text"));
        }
    }
    app
}

fn sqlite(database: &Path, statements: &str) -> String {
    let output = Command::new("sqlite3").arg(database).arg(statements).output().expect("sqlite3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    digits.map(|byte| byte.expect("hexadecimal digits")).collect()
}

fn sign_in(server: &Server, body: &Value) -> String {
    let (status, answer) = server.ask("POST", "/auth/sign-in", None, &body.to_string());
    assert_eq!(status, 200, "{answer}");
    answer["token"].as_str().expect("a token").to_owned()
}

#[test]
fn what_was_kept_is_read_back() {
    for directory in kept() {
        let kept = Kept::copy(directory);
        let log = kept.log();
        let server = kept.app.serve();
        // With the token of a session that was kept.
        kept.check_records(&server, &kept.records());
        assert_eq!(server.stop(), Some(0), "{}", kept.name);
        kept.check_log_after(&log, 0);
    }
}

#[test]
fn what_was_kept_is_restored() {
    for directory in kept() {
        let backup = directory.1.join("backstay.db").display().to_string();
        let before = fs::read(&backup).expect("the database");
        let kept = Kept::copy(directory);
        let log = kept.log();
        // A database of this name is in the way; the kept one comes back from a file that nobody may change.
        fs::remove_file(kept.app.data().join("backstay.db")).expect("removed");
        kept.app.run(&["key", "add", "later"]).done();
        kept.app.run(&["restore", &backup]).done();
        kept.check_log_after(&log, 0);
        assert!(fs::read(&backup).expect("the database") == before, "{}", kept.name);
        assert_eq!(kept.app.serve().stop(), Some(0), "{}", kept.name);
        kept.app.run(&["backup", "again.db"]).done();
        kept.check_log_after(&log, 0);
    }
}

/// All rows of all tables of an SQLite database, in an order that doesn't depend on how it was made.
fn rows(database: &Path) -> String {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' \
                 AND name NOT LIKE '%\\_words\\_%' ESCAPE '\\' ORDER BY name";
    let tables = sqlite(database, names);
    let rows = tables.lines().map(|table| {
        let names = format!(
            "SELECT group_concat('quote(\"' || name || '\")', ' || '','' || ') FROM \
                             (SELECT name FROM pragma_table_info('{table}') WHERE name <> 'doc' ORDER BY name)"
        );
        let columns = sqlite(database, &names);
        format!("{table}\n{}", sqlite(database, &format!("SELECT {columns} AS line FROM \"{table}\" ORDER BY line")))
    });
    rows.collect()
}

#[test]
fn what_was_kept_is_copied_to_another_database_and_back() {
    for directory in kept() {
        let kept = Kept::copy(directory);
        // Older formats are brought up to date.
        assert_eq!(kept.app.serve().stop(), Some(0), "{}", kept.name);
        let log = kept.app.run(&["log", "verify"]).done();
        let url = Cluster::shared().url();
        let data = kept.app.data().display().to_string();
        let told = kept.app.run(&["copy", "--from", &data, "--to", &url]).done();
        assert!(told.starts_with("copied Library from ") && told.contains(&format!(" to {url}: ")), "{told}");
        assert_eq!(kept.app.run(&["log", "verify", "--data", &url]).done(), log, "{}", kept.name);
        let back = kept.app.path().join("back").display().to_string();
        let told_back = kept.app.run(&["copy", "--from", &url, "--to", &back]).done();
        assert_eq!(told.lines().nth(1), told_back.lines().nth(1), "{}: the same rows", kept.name);
        let [before, after] = [&data, &back].map(|at| rows(&Path::new(at).join("backstay.db")));
        assert!(before == after, "{}: {before}\n{after}", kept.name);

        // With the token of a session that was kept.
        let server = Server::spawn(&mut kept.app.command(&[
            "serve",
            ".",
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
            "--data",
            &url,
        ]))
        .listening();
        kept.check_records(&server, &kept.records());
        assert_eq!(server.stop(), Some(0), "{}", kept.name);
    }
}

#[test]
fn who_could_sign_in_still_can() {
    for directory in kept() {
        let kept = Kept::copy(directory);
        let server = kept.app.serve();
        let (email, password) = (kept.text("/account/email"), kept.text("/account/password"));
        let token = sign_in(&server, &json!({ "email": email, "password": password }));
        assert_eq!(server.ask("GET", "/api/books", Some(&token), "").0, 200, "{}", kept.name);
        let (email, password) = (kept.text("/operator/email"), kept.text("/operator/password"));
        sign_in(&server, &json!({ "email": email, "password": password, "as": "operator" }));
        let (status, list) = server.ask("GET", "/api/shelves?count=true", Some(kept.text("/key")), "");
        assert_eq!((status, &list["count"]["value"]), (200, &json!(2)), "{}: {list}", kept.name);
    }
}

/// Directories with idempotency records whose fingerprints have an older form: the same request looks like another one, and
/// is refused.
const OTHER_FINGERPRINTS: &[&str] = &["530276b", "ae6e07a"];

/// Directories with answers that were kept under Backstay's own model of an older version: the answer is repeated without the
/// record, because what its rules allowed may have changed.
const OTHER_MODELS: &[&str] = &["15aca90", "851be40", "4df9a8b", "97e0430", "999a208", "a4135a4", "b190a78", "1cce8b8"];

#[test]
fn a_request_that_was_answered_is_not_carried_out_again() {
    for directory in kept() {
        let kept = Kept::copy(directory);
        let log = kept.log();
        let server = kept.app.serve();
        let token = kept.text("/account/token");
        let lines = format!("authorization: Bearer {token}\r\nidempotency-key: {}\r\n", kept.text("/keyed/key"));
        let answer = server.ask_with("POST", kept.text("/keyed/path"), &lines, kept.text("/keyed/body"));
        if OTHER_FINGERPRINTS.contains(&&*kept.name) {
            let problem = (answer.0, &answer.1["type"]);
            assert_eq!(problem, (422, &json!("/problems/idempotency-key-reused")), "{}", kept.name);
        } else if OTHER_MODELS.contains(&&*kept.name) {
            assert_eq!((&kept.known["keyed"]["status"], &answer.1), (&json!(answer.0), &Value::Null), "{}", kept.name);
        } else {
            let expected = (&json!(answer.0), &answer.1);
            assert_eq!((&kept.known["keyed"]["status"], &kept.known["keyed"]["answer"]), expected, "{}", kept.name);
        }
        assert_eq!(server.stop(), Some(0), "{}", kept.name);
        kept.check_log_after(&log, 0);
    }
}

#[test]
fn every_kept_record_can_be_changed() {
    for directory in kept() {
        let kept = Kept::copy(directory);
        let log = kept.log();
        let server = kept.app.serve();
        let token = Some(kept.text("/account/token"));
        let mut expected = kept.records();
        let mut changes = 0;
        for (path, field, value) in [("/api/books", "pages", json!(7)), ("/api/loans", "note", json!("changed"))] {
            let (_, records) = expected.iter_mut().find(|(list, _)| list.starts_with(path)).expect("a list");
            for record in records.as_array_mut().expect("records") {
                let id = record["id"].as_str().expect("an id").to_owned();
                let change = json!({ field: value }).to_string();
                let (status, changed) = server.ask("PATCH", &format!("{path}/{id}"), token, &change);
                assert_eq!(status, 200, "{} {path}/{id}: {changed}", kept.name);
                record[field] = value.clone();
                record["version"] = json!(record["version"].as_i64().expect("a version") + 1);
                record["updatedAt"] = changed["updatedAt"].clone();
                changes += 1;
            }
        }
        kept.check_records(&server, &expected);
        assert_eq!(server.stop(), Some(0), "{}", kept.name);
        kept.check_log_after(&log, changes);
    }
}

#[test]
fn a_record_that_was_deleted_lends_its_versions_to_a_new_one() {
    let mut checked = 0;
    for directory in kept() {
        let kept = Kept::copy(directory);
        let deleted = &kept.known["deleted"];
        // Older directories have no types whose ids can be given.
        let Some(last) = deleted["version"].as_i64() else { continue };
        let server = kept.app.serve();
        let book = json!({ "id": deleted["id"], "title": "Back", "place": 9, "shelf": first_shelf(&kept.records()) });
        let (status, created) = server.ask("POST", "/api/books", Some(kept.text("/account/token")), &book.to_string());
        assert_eq!((status, &created["version"]), (201, &json!(last + 1)), "{}: {created}", kept.name);
        checked += 1;
    }
    assert!(checked > 0, "a directory has such a type");
}

/// A change of the kept model, as texts and what replaces them.
const CHANGES: &[(&str, &str)] = &[
    (
        "  title: String! @check(rule: \"size(this.title)",
        "  heading: String! @renamed(from: \"title\") @check(rule: \"size(this.heading)",
    ),
    ("\"genre\", \"title\"", "\"genre\", \"heading\""),
    ("  pages: Int\n", "  pages: String\n"),
    ("  weight: Float\n", ""),
    (
        "  place: Int!\n",
        "  place: Int!\n  rank: Int! @default(to: 7)\n  wanted: Boolean! @backfill(from: \"this.lent == false\")\n",
    ),
    ("NOVEL POEM ESSAY", "ROMANCE @renamed(from: \"NOVEL\") POEM ESSAY"),
    ("  note: String\n", ""),
    ("type Loan ", "type Lending @path(is: \"loans\") @renamed(from: \"Loan\") "),
    ("[Loan!]", "[Lending!]"),
];

/// What becomes of a record by these changes.
fn migrated(record: &mut Value) {
    let record = record.as_object_mut().expect("a record");
    record.remove("note");
    let Some(title) = record.remove("title") else { return };
    record.insert("heading".into(), title);
    record.remove("weight");
    if let Value::Number(pages) = &record["pages"] {
        record["pages"] = pages.to_string().into();
    }
    let is_lent = record["lent"].as_bool().expect("a boolean");
    record.insert("rank".into(), json!(7));
    record.insert("wanted".into(), json!(!is_lent));
    let romance = |genre: &mut Value| {
        if genre == "NOVEL" {
            *genre = json!("ROMANCE");
        }
    };
    romance(&mut record["genre"]);
    record["genres"].as_array_mut().into_iter().flatten().for_each(romance);
}

#[test]
fn what_was_kept_is_migrated_to_another_model() {
    for directory in kept() {
        let kept = Kept::copy(directory);
        let log = kept.log();
        kept.edit_model(CHANGES);
        kept.app.run(&["migrate", "apply"]).refused();
        kept.check_log_after(&log, 0);
        kept.app.run(&["migrate", "apply", "--allow-data-loss"]).done();
        fs::rename(kept.app.path().join("seed/Loan.jsonl"), kept.app.path().join("seed/Lending.jsonl"))
            .expect("a file");
        let mut expected = kept.records();
        expected.values_mut().flat_map(|records| records.as_array_mut().expect("records")).for_each(migrated);
        let server = kept.app.serve();
        kept.check_records(&server, &expected);
        let body = json!({ "heading": "New", "place": 9, "shelf": first_shelf(&expected), "wanted": true });
        let (status, created) = server.ask("POST", "/api/books", Some(kept.text("/account/token")), &body.to_string());
        assert_eq!((status, &created["rank"]), (201, &json!(7)), "{}: {created}", kept.name);
        assert_eq!(server.stop(), Some(0), "{}", kept.name);
        kept.check_log_after(&log, 1);
        assert_eq!(kept.sqlite("PRAGMA foreign_key_check; PRAGMA integrity_check"), "ok\n", "{}", kept.name);
    }
}

fn first_shelf(records: &BTreeMap<String, Value>) -> &Value {
    let shelves = records.iter().find(|(path, _)| path.starts_with("/api/shelves")).expect("shelves").1;
    &shelves[0]["id"]
}

/// The forms in which a database stores what isn't the application's own, one a line: the format of Backstay's tables, how
/// entries of the log, their parts for the feed and idempotency records begin, and the tables themselves.
fn forms(database: &Path) -> Vec<String> {
    let forms = [
        "SELECT 'own tables: format ' || user_version FROM pragma_user_version",
        "SELECT DISTINCT 'log: format ' || hex(substr(entry, 1, 1)) || ', feed: format ' || hex(substr(feed, 1, 1)) \
         FROM backstay_log WHERE seq = (SELECT max(seq) FROM backstay_log)",
        "SELECT DISTINCT 'password: ' || substr(password_hash, 1, instr(substr(password_hash, 2), '$')) \
         FROM backstay_credential WHERE password_hash IS NOT NULL",
        "SELECT sql FROM sqlite_schema WHERE tbl_name LIKE 'backstay!_%' ESCAPE '!' AND sql IS NOT NULL ORDER BY name",
        "SELECT 'idempotency: format ' || format || ', answer: form ' || json_extract(answer, '$.form') || ' of ' || \
         (SELECT group_concat(key) FROM json_each(CAST(answer AS TEXT))) FROM backstay_idempotency",
    ];
    // Older tables may lack a column that a question names, and the answer to it with that.
    let answers = forms.iter().map(|form| {
        let output = Command::new("sqlite3").arg(database).arg(form).output().expect("sqlite3 runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    });
    answers.flat_map(|lines| lines.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_forms_of_the_present_program_are_kept() {
    let app = application(&root().join("application"));
    let server = app.serve();
    let token = sign_in(&server, &json!({ "email": "ada@library.example", "password": "correct horse" }));
    let lines = format!("authorization: Bearer {token}\r\nidempotency-key: a\r\n");
    let (status, _) = server.ask_with("POST", "/api/shelves", &lines, "{\"code\": \"new\"}");
    assert_eq!(status, 201);
    assert_eq!(server.stop(), Some(0));
    let present = forms(&app.data().join("backstay.db"));
    assert!(present.len() > 15, "{present:#?}");
    let missing = kept().into_iter().map(|(name, path)| {
        let known = forms(&path.join("backstay.db"));
        (present.iter().filter(|form| !known.contains(form)).cloned().collect::<Vec<_>>(), name)
    });
    let (missing, closest) = missing.min_by_key(|(missing, _)| missing.len()).expect("a kept directory");
    assert!(
        missing.is_empty(),
        "Backstay stores something in a form that no kept data directory has; run `cargo xtask keep NAME` and commit \
         crates/backstay/tests/kept/NAME (its README says how). {closest} lacks only:\n{}",
        missing.join("\n")
    );
}
