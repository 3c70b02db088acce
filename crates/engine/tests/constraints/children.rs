//! Records that are written with the one that they refer to.

use backstay_base::{Caller, limits};

use crate::support::Served;

/// An order with its lines, which have parts, and at most one receipt.
const SHOP: &str = r#"
type Product @open { name: String! @unique }
type Order @open @check(rule: "this.total <= 100", message: "too much", on: COMMIT) {
  note: String
  total: Int @computed(is: "this.lines.sum(l, l.n)", stored: COMMIT)
  lines: [Line!] @inverse(field: "order")
  receipt: Receipt @inverse(field: "order")
}
type Line @open @unique(fields: ["order", "place"]) @check(rule: "this.n != 13", message: "not thirteen") {
  order: Order!
  place: Int
  n: Int! @default(to: 1)
  product: Product
  extra: JSON
  parts: [Part!] @inverse(field: "line")
}
type Part @open { line: Line!  name: String! @length(max: 5)  bits: [Bit!] @inverse(field: "part") }
type Bit @open { part: Part!  crumbs: [Crumb!] @inverse(field: "bit") }
type Crumb @open { bit: Bit! }
type Receipt @open { order: Order! @unique  text: String  extra: JSON }
"#;

/// The lines of all orders.
async fn lines(on: &Served) -> String {
    on.list("Order", "note,total,lines(sort:place){place,n}", None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_record_is_made_with_its_children() {
    for mut on in Served::both(SHOP) {
        let name = on.database;
        let order = r#"{"note":"a","receipt":{"text":"r"},"lines":[{"place":1,"n":2,"parts":[{"name":"x"},{"name":"y"}]},{"place":2}]}"#;
        assert_eq!(on.create("Order", order).await, "ok", "{name}");
        let read =
            on.list("Order", "note,total,version,receipt{text},lines(sort:place){place,n,parts{name}}", None).await;
        let expected = r#"[{"lines":[{"n":2,"parts":[{"name":"x"},{"name":"y"}],"place":1},{"n":1,"parts":[],"place":2}],"note":"a","receipt":{"text":"r"},"total":3,"version":1}]"#;
        assert_eq!(read, expected, "{name}");
        let both = r#"[{"note":"b","lines":[{"place":1}]},{"note":"c","lines":[]},{"note":"d","receipt":null}]"#;
        assert_eq!(on.create("Order", both).await, "ok", "{name}");
        let read = on.list("Order", "note,total", None).await;
        let expected =
            r#"[{"note":"a","total":3},{"note":"b","total":1},{"note":"c","total":0},{"note":"d","total":0}]"#;
        assert_eq!(read, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_child_is_told_at_its_place() {
    for mut on in Served::both(SHOP) {
        let name = on.database;
        assert_eq!(on.create("Product", r#"{"name":"pen"}"#).await, "ok", "{name}");
        let nowhere = "01990000-0000-7000-8000-00000000000e";
        for (body, expected) in [
            (
                r#"{"lines":[{"product":{"name":"ink"}}]}"#,
                r#"invalid-values: /lines/0/product Reference { collection: "Product", by: "name" }"#,
            ),
            (r#"{"lines":[{},{"n":13}]}"#, r#"invalid-values: /lines/1 Check { message: "not thirteen" }"#),
            (
                r#"{"lines":[{"n":"x"}],"note":5}"#,
                r#"invalid-values: /lines/0/n Type { expected: "a whole number, such as 42" }, /note Type { expected: "a text in double quotes" }"#,
            ),
            (
                r#"{"lines":[{"colour":1}]}"#,
                r#"invalid-values: /lines/0/colour Unknown { what: "field", name: "colour", suggestion: None }"#,
            ),
            (
                r#"{"lines":[{"parts":[{"name":"x"},{"name":"abcdefg"}]}]}"#,
                r#"invalid-values: /lines/0/parts/1/name Range("must have at most 5 characters")"#,
            ),
            (r#"{"lines":[{"parts":[{}]}]}"#, "invalid-values: /lines/0/parts/0/name Required"),
            (
                r#"{"lines":[{"product":"NOWHERE"}]}"#,
                r#"invalid-values: /lines/0/product Reference { collection: "Product", by: "id" }"#,
            ),
            (
                r#"{"lines":[{"order":"%0"}]}"#,
                r#"invalid-values: /lines/0/order ReadOnly("this is the record that it is sent with")"#,
            ),
            (r#"{"lines":[{"place":1},{"place":2},{"place":1}]}"#, "not-unique: Line order, place (record lines/2)"),
            (
                r#"[{"lines":[{"place":1}]},{"lines":[{"place":2},{"place":2}]}]"#,
                "not-unique: Line order, place (record 1/lines/1)",
            ),
            (r#"[{},{"lines":[{"n":60},{"n":60}]}]"#, r#"invalid-values: /1 Check { message: "too much" }"#),
            (r#"{"receipt":[{"text":"r"}]}"#, r#"invalid-values: /receipt Type { expected: "a JSON object" }"#),
            (
                r#"{"receipt":"%0"}"#,
                r#"invalid-values: /receipt Misused { problem: "this relation is stored in `order` of Receipt", remedy: "send the fields of the Receipt as an object, or set `order` of the Receipt" }"#,
            ),
            (r#"{"lines":{"n":1}}"#, r#"invalid-values: /lines Type { expected: "an array of objects" }"#),
            (r#"{"lines":{"$add":[{"n":1}]}}"#, r#"invalid-values: /lines Type { expected: "an array of objects" }"#),
            (r#"{"lines":null}"#, r#"invalid-values: /lines Type { expected: "an array of objects" }"#),
            (r#"{"lines":["%0",{}]}"#, r#"invalid-values: /lines/0 Type { expected: "a JSON object" }"#),
            (
                r#"{"lines":[{"parts":[{"name":"x","bits":[{"crumbs":[{}]}]}]}]}"#,
                r#"invalid-values: /lines/0/parts/0/bits/0/crumbs Range("records are nested in at most 4 levels; write these by themselves")"#,
            ),
        ] {
            assert_eq!(on.create("Order", &body.replace("NOWHERE", nowhere)).await, expected, "{name}: {body}");
        }
        assert_eq!(on.list("Order", "id", None).await, "[]", "{name}: nothing is half done");
        assert_eq!(
            on.create("Order", r#"{"lines":[{"product":{"name":"pen"},"parts":[{"name":"x","bits":[{}]}]}]}"#).await,
            "ok",
            "{name}: four levels"
        );
    }
}

#[tokio::test]
async fn children_count_as_records_of_the_request() {
    let mut on = Served::sqlite(SHOP);
    let order = |lines: usize| format!(r#"{{"lines":[{}]}}"#, vec!["{\"n\":0}"; lines].join(","));
    let expected = r#"invalid-values: /lines Range("at most 1000 items")"#;
    assert_eq!(on.create("Order", &order(limits::LIST_ITEMS + 1)).await, expected);
    let most = limits::WRITE_ROWS / 100;
    let orders = |count: usize| format!("[{}]", vec![order(99); count].join(","));
    assert_eq!(on.create("Order", &orders(most + 1)).await, "too-large");
    let two = vec![on.creating("Order", &orders(most - 1)), on.creating("Order", &orders(2))];
    assert_eq!(on.together(two).await, "Some(1) too-large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_adds_changes_and_removes_children() {
    for mut on in Served::both(SHOP) {
        let name = on.database;
        assert_eq!(
            on.create("Order", r#"{"note":"a","lines":[{"place":1},{"place":2,"extra":{"a":1,"b":2}},{"place":3}]}"#)
                .await,
            "ok",
            "{name}"
        );
        on.learn("Line").await;
        let change = r#"{"lines":{"$add":[{"place":1,"n":9},{"place":4}],"$change":[{"id":"%2","n":5,"extra":{"a":null}}],"$remove":["%1"]}}"#;
        assert_eq!(on.update("Order", 0, change).await, "ok", "{name}: what is unique passes from one to another");
        let expected = r#"[{"lines":[{"n":9,"place":1},{"n":5,"place":2},{"n":1,"place":3},{"n":1,"place":4}],"note":"a","total":16}]"#;
        assert_eq!(lines(&on).await, expected, "{name}");
        assert_eq!(on.list("Line", "extra", Some("place == 2")).await, r#"[{"extra":{"b":2}}]"#, "{name}: merged");
        assert_eq!(
            on.list("Order", "version", None).await,
            r#"[{"version":1}]"#,
            "{name}: the order itself is as it was"
        );
        let both = r#"{"note":"b","lines":{"$change":[{"id":"%3","n":2,"parts":[{"name":"p"}]}]}}"#;
        assert_eq!(on.update("Order", 0, both).await, "ok", "{name}");
        assert_eq!(
            on.list("Order", "version,note,total", None).await,
            r#"[{"note":"b","total":17,"version":2}]"#,
            "{name}"
        );
        assert_eq!(on.list("Part", "name,line{place}", None).await, r#"[{"line":{"place":3},"name":"p"}]"#, "{name}");
        assert_eq!(on.update("Order", 0, r#"{"lines":{}}"#).await, "ok", "{name}");
        assert_eq!(on.update("Order", 0, r#"{"lines":{"$add":[],"$remove":[]}}"#).await, "ok", "{name}");
        let over = on.update("Order", 0, r#"{"lines":{"$add":[{"n":99}]}}"#).await;
        assert!(
            over.starts_with("invalid-values: /lines/$add/0 CheckOfOther") && over.contains("too much"),
            "{name}: {over}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_array_replaces_all_children() {
    for mut on in Served::both(SHOP) {
        let name = on.database;
        assert_eq!(
            on.create("Order", r#"{"note":"a","lines":[{"place":1},{"place":2},{"place":3}]}"#).await,
            "ok",
            "{name}"
        );
        assert_eq!(on.create("Order", r#"{"note":"b","lines":[{"place":1}]}"#).await, "ok", "{name}");
        on.learn("Line").await;
        let change = r#"{"lines":[{"n":7,"place":1},{"id":"%3","n":2}]}"#;
        assert_eq!(on.update("Order", 0, change).await, "ok", "{name}");
        let b = r#"{"lines":[{"n":1,"place":1}],"note":"b","total":1}"#;
        assert_eq!(
            lines(&on).await,
            format!(r#"[{{"lines":[{{"n":7,"place":1}},{{"n":2,"place":2}}],"note":"a","total":9}},{b}]"#),
            "{name}"
        );
        assert_eq!(on.update("Order", 0, r#"{"lines":{"$set":[{"id":"%3"}]}}"#).await, "ok", "{name}");
        assert_eq!(
            lines(&on).await,
            format!(r#"[{{"lines":[{{"n":2,"place":2}}],"note":"a","total":2}},{b}]"#),
            "{name}"
        );
        assert_eq!(on.update("Order", 0, r#"{"lines":[]}"#).await, "ok", "{name}");
        assert_eq!(lines(&on).await, format!(r#"[{{"lines":[],"note":"a","total":0}},{b}]"#), "{name}");
    }
}

/// The receipts of the first order.
async fn receipts(on: &Served) -> String {
    on.list("Receipt", "text,extra", Some("order.note == 'a'")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_child_of_a_unique_relation_is_changed_or_made() {
    for mut on in Served::both(SHOP) {
        let name = on.database;
        assert_eq!(on.create("Order", r#"[{"note":"a"},{"receipt":{"text":"other"}}]"#).await, "ok", "{name}");
        assert_eq!(
            on.update("Order", 0, r#"{"receipt":{"text":"r","extra":{"a":1,"b":null}}}"#).await,
            "ok",
            "{name}: made"
        );
        assert_eq!(receipts(&on).await, r#"[{"extra":{"a":1},"text":"r"}]"#, "{name}");
        assert_eq!(on.update("Order", 0, r#"{"receipt":{"extra":{"c":1}}}"#).await, "ok", "{name}: changed");
        assert_eq!(receipts(&on).await, r#"[{"extra":{"a":1,"c":1},"text":"r"}]"#, "{name}");
        on.learn("Receipt").await;
        assert_eq!(on.update("Order", 0, r#"{"receipt":{"id":"%3","text":"s"}}"#).await, "ok", "{name}: by its id");
        let none = r#"invalid-values: /receipt/id Reference { collection: "Receipt", by: "id" }"#;
        assert_eq!(
            on.update("Order", 0, r#"{"receipt":{"id":"%2","text":"s"}}"#).await,
            none,
            "{name}: of another one"
        );
        assert_eq!(on.update("Order", 0, r#"{"receipt":null}"#).await, "ok", "{name}: deleted");
        assert_eq!(receipts(&on).await, "[]", "{name}");
        assert_eq!(on.update("Order", 0, r#"{"receipt":null}"#).await, "ok", "{name}: there is none");
        assert_eq!(on.list("Receipt", "text", None).await, r#"[{"text":"other"}]"#, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_children_that_can_not_be_made() {
    for mut on in Served::both(SHOP) {
        let name = on.database;
        assert_eq!(
            on.create("Order", r#"[{"note":"a","lines":[{"place":1}]},{"note":"b","lines":[{"place":1}]}]"#).await,
            "ok",
            "{name}"
        );
        on.learn("Line").await;
        let stored = lines(&on).await;
        for (body, expected) in [
            // Line %3 is one of the other order, %0 is no line.
            (
                r#"{"lines":{"$change":[{"id":"%2","n":2},{"id":"%3","n":2}]}}"#,
                r#"/lines/$change/1/id Reference { collection: "Line", by: "id" }"#,
            ),
            (
                r#"{"lines":{"$change":[{"id":"%0","n":2}]}}"#,
                r#"/lines/$change/0/id Reference { collection: "Line", by: "id" }"#,
            ),
            (r#"{"lines":{"$remove":["%3"]}}"#, r#"/lines/$remove/0 Reference { collection: "Line", by: "id" }"#),
            (r#"{"lines":{"$remove":["%0"]}}"#, r#"/lines/$remove/0 Reference { collection: "Line", by: "id" }"#),
            (r#"{"lines":[{"id":"%3"}]}"#, r#"/lines/0/id Reference { collection: "Line", by: "id" }"#),
            (
                r#"{"lines":{"$change":[{"id":"%2","order":"%1"}]}}"#,
                r#"/lines/$change/0/order ReadOnly("this is the record that it is sent with")"#,
            ),
            (r#"{"lines":{"$change":[{"n":2}]}}"#, "/lines/$change/0/id Required"),
            (r#"{"lines":{"$change":[{"id":"%2"},{"id":"%2"}]}}"#, "/lines/$change/1/id Duplicate"),
            (r#"{"lines":{"$change":[{"id":"%2"}],"$remove":["%2"]}}"#, "/lines/$remove/0 Duplicate"),
            (r#"{"lines":[{"id":"%2"},{"id":"%2"}]}"#, "/lines/1/id Duplicate"),
            (
                r#"{"lines":{"$change":[{"id":5}]}}"#,
                r#"/lines/$change/0/id Type { expected: "an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"" }"#,
            ),
            (
                r#"{"lines":{"$set":[],"$add":[]}}"#,
                r#"/lines/$set Misused { problem: "`$set` replaces all records of the list", remedy: "send it alone, or use `$add`, `$change` and `$remove`" }"#,
            ),
            (r#"{"lines":{"$add":[],"$add":[]}}"#, "/lines/$add Duplicate"),
            (
                r#"{"lines":{"add":[]}}"#,
                r#"/lines/add Misused { problem: "unknown operator `add`", remedy: "write `{\"$add\": [{…}]}`" }"#,
            ),
            (r#"{"lines":{"$add":{}}}"#, r#"/lines/$add Type { expected: "an array of objects" }"#),
            (r#"{"lines":{"$add":[{"n":13}]}}"#, r#"/lines/$add/0 Check { message: "not thirteen" }"#),
            (
                r#"{"lines":{"$change":[{"id":"%2","parts":[{"id":"%3"}]}]}}"#,
                r#"/lines/$change/0/parts/0/id Reference { collection: "Part", by: "id" }"#,
            ),
            (r#"{"receipt":[]}"#, r#"/receipt Type { expected: "a JSON object" }"#),
        ] {
            assert_eq!(on.update("Order", 0, body).await, format!("invalid-values: {expected}"), "{name}: {body}");
        }
        let twice = r#"{"lines":{"$add":[{"place":2},{"place":1}]}}"#;
        assert_eq!(on.update("Order", 0, twice).await, "not-unique: Line order, place (record lines/$add/1)", "{name}");
        assert_eq!(lines(&on).await, stored, "{name}: nothing is half done");
    }
}

/// A project whose members are those who may see it, and its tasks, some of which are secret.
const PROJECTS: &str = r#"
type User @identity @allow(read: "true", create: "true") { email: Email! @unique }
type Project
  @allow(read: "this.members.exists(m, m.user == auth.id)", create: "auth.id != null", update: "this.members.exists(m, m.user == auth.id && m.leads)") {
  name: String
  members: [Member!] @inverse(field: "project")
  tasks: [Task!] @inverse(field: "project")
  notes: [Note!] @inverse(field: "project") @allow(create: "false", update: "this.name == 'open'")
  secrets: [Secret!] @inverse(field: "project")
}
type Member @allow(read: "true", create: "this.user == auth.id || this.project.members.exists(m, m.user == auth.id && m.leads)", update: "this.user != auth.id") {
  project: Project!
  user: User!
  leads: Boolean! @default(to: false)
}
type Task @allow(read: "!this.hidden", create: "this.title != 'no'", update: "this.title != 'fixed'", delete: "this.title != 'kept'") @trash(keep: "30d") {
  project: Project!
  title: String!
  hidden: Boolean! @default(to: false)
}
type Note @allow(read: "true", create: "true", update: "true") { project: Project!  text: String }
type Secret @allow(read: "true", create: "true", update: "true", delete: "true") {
  project: Project @allow(read: "this.shown == true")
  text: String
  shown: Boolean
}
"#;

async fn projects(model: &str) -> [Served; 2] {
    let mut both = Served::both(model);
    for on in &mut both {
        assert_eq!(on.create("User", r#"[{"email":"ann@example.org"},{"email":"bob@example.org"}]"#).await, "ok");
        on.ask_as_account(0);
    }
    both
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_child_is_written_under_the_rules_of_its_own_type() {
    for mut on in projects(PROJECTS).await {
        let name = on.database;
        // Nobody sees a project before it has members.
        let project = r#"{"name":"p","members":[{"user":"%0","leads":true},{"user":"%1"}],"tasks":[{"title":"a"},{"title":"fixed"},{"title":"kept"},{"title":"b","hidden":true}]}"#;
        assert_eq!(on.create("Project", project).await, "ok", "{name}: each sees those before it");
        let reversed = r#"{"members":[{"user":"%1"},{"user":"%0","leads":true}]}"#;
        assert_eq!(
            on.create("Project", reversed).await,
            "forbidden",
            "{name}: a child of somebody else comes too early"
        );
        assert_eq!(on.create("Project", r#"{"tasks":[{"title":"no"}]}"#).await, "forbidden", "{name}");
        let refused = "invalid-values: /notes FieldForbidden { action: Create }";
        assert_eq!(on.create("Project", r#"{"notes":[{"text":"n"}]}"#).await, refused, "{name}: the rule of the field");
        assert_eq!(on.create("Project", r#"{"notes":[]}"#).await, refused, "{name}");

        on.ask_as(Caller::anonymous());
        on.learn("Task").await;
        on.ask_as_account(0);
        let told = |error: &str| format!("invalid-values: {error}");
        let none = r#"Reference { collection: "Task", by: "id" }"#;
        for (body, expected) in [
            (r#"{"tasks":{"$change":[{"id":"%4","title":"x"}]}}"#, "forbidden".to_owned()),
            (r#"{"tasks":{"$remove":["%5"]}}"#, "forbidden".to_owned()),
            (r#"{"tasks":{"$add":[{"title":"no"}]}}"#, "forbidden".to_owned()),
            (r#"{"tasks":{"$add":[{"title":null}]}}"#, told("/tasks/$add/0/title Required")),
            (r#"{"notes":{"$add":[{"text":"n"}]}}"#, told("/notes FieldForbidden { action: Update }")),
            (r#"{"notes":{"$remove":["%3"]}}"#, "forbidden".to_owned()),
            (r#"{"tasks":{"$remove":["%2"]}}"#, told(&format!("/tasks/$remove/0 {none}"))),
        ] {
            assert_eq!(on.update("Project", 2, body).await, expected, "{name}: {body}");
        }
        assert_eq!(on.update("Project", 2, r#"{"name":"open"}"#).await, "ok", "{name}");
        assert_eq!(on.update("Project", 2, r#"{"notes":{"$add":[{"text":"n"}]}}"#).await, "ok", "{name}");
        on.ask_as_account(1);
        let as_bob = on.update("Project", 2, r#"{"tasks":{"$add":[{"title":"c"}]}}"#).await;
        assert_eq!(as_bob, "forbidden", "{name}: whoever may not change a record doesn't change its children with it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_that_the_caller_does_not_see_are_not_there() {
    let open = PROJECTS.replace(r#"read: "!this.hidden""#, r#"read: "!this.hidden || auth.id == null""#);
    for mut on in projects(&open).await {
        let name = on.database;
        let project = r#"{"members":[{"user":"%0","leads":true}],"tasks":[{"title":"a"},{"title":"b","hidden":true}],"secrets":[{"text":"a","shown":true},{"text":"b"}]}"#;
        assert_eq!(on.create("Project", project).await, "ok", "{name}");
        on.ask_as(Caller::anonymous());
        on.learn("Task").await;
        on.learn("Secret").await;
        on.ask_as_account(0);
        let none = |at: &str, of: &str| format!(r#"invalid-values: {at} Reference {{ collection: "{of}", by: "id" }}"#);
        for (body, expected) in [
            (r#"{"tasks":{"$change":[{"id":"%4","title":"x"}]}}"#, none("/tasks/$change/0/id", "Task")),
            (r#"{"tasks":{"$remove":["%4"]}}"#, none("/tasks/$remove/0", "Task")),
            (r#"{"tasks":[{"id":"%4","title":"x"}]}"#, none("/tasks/0/id", "Task")),
            // That it is a secret of this project is hidden.
            (r#"{"secrets":{"$change":[{"id":"%6","text":"x"}]}}"#, none("/secrets/$change/0/id", "Secret")),
            (r#"{"secrets":{"$remove":["%6"]}}"#, none("/secrets/$remove/0", "Secret")),
        ] {
            assert_eq!(on.update("Project", 2, body).await, expected, "{name}: {body}");
        }
        assert_eq!(on.update("Project", 2, r#"{"tasks":[],"secrets":[]}"#).await, "ok", "{name}: what is hidden stays");
        assert_eq!(on.list("Secret", "text", None).await, r#"[{"text":"b"}]"#, "{name}");
        on.ask_as(Caller::anonymous());
        assert_eq!(on.list("Task", "title", None).await, r#"[{"title":"b"}]"#, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_follow_what_their_type_says_of_deletion_and_of_their_reference() {
    let model = r#"
type Book @open @trash(keep: "30d") {
  title: String
  chapters: [Chapter!] @inverse(field: "book")
  marks: [Mark!] @inverse(field: "on")
  copies: [Copy!] @inverse(field: "of")
}
type Page @open { number: Int  marks: [Mark!] @inverse(field: "on") }
union Marked = Book | Page
type Mark @open { on: Marked!  text: String }
type Chapter @open @trash(keep: "30d") { book: Book @onDelete(do: CASCADE)  title: String  notes: [Note!] @inverse(field: "chapter") }
type Note @open { chapter: Chapter! @onDelete(do: RESTRICT) }
type Copy @open { of: Book @readonly }
"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let book = r#"{"title":"b","chapters":[{"title":"1"},{"title":"2","notes":[{}]}],"marks":[{"text":"m"}]}"#;
        assert_eq!(on.create("Book", book).await, "ok", "{name}");
        assert_eq!(
            on.list("Mark", "text,on{Book{title}}", None).await,
            r#"[{"on":{"__typename":"Book","title":"b"},"text":"m"}]"#,
            "{name}: one of several types"
        );
        let twice = r#"{"marks":[{"on":{"__typename":"Page","id":"%0"}}]}"#;
        let expected = r#"invalid-values: /marks/0/on ReadOnly("this is the record that it is sent with")"#;
        assert_eq!(on.create("Book", twice).await, expected, "{name}");
        let expected = r#"invalid-values: /copies/0/of ReadOnly("this field is read-only")"#;
        assert_eq!(on.create("Book", r#"{"copies":[{}]}"#).await, expected, "{name}: its reference can't be sent");
        on.learn("Chapter").await;
        assert_eq!(
            on.update("Book", 0, r#"{"chapters":{"$remove":["%2"]}}"#).await,
            "still-referenced: Referenced { collection: \"Note\", field: \"chapter\", count: 1, more: false, in_trash: false }",
            "{name}"
        );
        assert_eq!(on.update("Book", 0, r#"{"chapters":{"$remove":["%1"]}}"#).await, "ok", "{name}");
        assert_eq!(on.trash("Chapter", "title").await, r#"[{"title":"1"}]"#, "{name}: it is in the trash");
        let none = r#"invalid-values: /chapters/$change/0/id Reference { collection: "Chapter", by: "id" }"#;
        assert_eq!(on.update("Book", 0, r#"{"chapters":{"$change":[{"id":"%1"}]}}"#).await, none, "{name}");
        assert_eq!(on.create("Book", r#"{"title":"c"}"#).await, "ok", "{name}");
        assert_eq!(on.delete("Book", 3).await, "ok", "{name}");
        let expected = r#"invalid-values: /chapters ReadOnly("restore the record first, then change these")"#;
        assert_eq!(on.restore_with("Book", 3, r#"{"chapters":[{}]}"#).await, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_explanation_names_the_children() {
    for on in &mut Served::both(SHOP) {
        let name = on.database;
        let explained = on.explained(on.creating("Order", r#"{"lines":[{},{"n":13}]}"#)).await;
        let rules: Vec<String> = explained.rules.iter().map(|rule| format!("{}: {}", rule.of, rule.answer)).collect();
        let expected = [
            "Order create: true",
            "Line create (record 0 of `lines`): true",
            "Line check (record 0 of `lines`): true",
            "Line create (record 1 of `lines`): true",
            "Line check (record 1 of `lines`): false",
        ];
        assert_eq!(rules, expected, "{name}");
    }
}
